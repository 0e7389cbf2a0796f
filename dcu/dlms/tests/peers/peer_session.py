"""Associations and services of the meter of meter_peer.py."""
from peer_objects import *


class Session:
    """One application association: APDU in -> APDU out (or None)."""

    def __init__(self, m, csap=0, ssap=0):
        self.m, self.a = m, m.a
        self.csap, self.ssap = csap, ssap
        self.reset()

    def reset(self):
        self.state = self.mech = self.conf = 0
        self.ctx, self.title, self.ded, self.sec, self.ic_before = 1, b'', None, 0, -1
        self.blocks = self.acc = self.gbt = None
        self.gbt_in, self.gbt_n, self.cwin = b'', 0, 1

    # -- ciphering wrapper
    def handle(self, apdu):
        t = apdu[0]
        try:
            if t == 0x60: return self.aarq(apdu)
            if t == 0x62: return self.rlrq(apdu)
            if self.m.faults('exception_nth'): return b'\xd8\x01\x01'
            if t in GLO or t in DED or t in (0xdb, 0xdc):
                r = Rd(apdu); r.u()
                ded = t in DED or t == 0xdc
                title = r.oct() if t in (0xdb, 0xdc) else self.title
                body = r.oct()
                key = self.ded if ded else self.a.ek
                if not key or (body[0] & 15) != self.a.suite: return b'\xd8\x01\x05'
                try: sc, ic, plain = unprotect(body, key, self.a.ak, title or self.title)
                except InvalidTag: self.m.note('decipher failed'); return b'\xd8\x01\x05'
                # the pre-established policy: an association opened with ciphering stays at that level
                if self.sec and (sc & 0x30) & self.sec != self.sec: return b'\xd8\x01\x01'
                k = (title or self.title) + (b'ded' + self.ded if ded else b'')
                if ic <= self.m.client_ic.get(k, -1) and not self.a.accept_replay:
                    self.m.stats['replay_refused'] += 1
                    return b'\xd8\x01\x06' + struct.pack('>I', self.m.client_ic[k])
                self.ic_before, self.m.client_ic[k] = self.m.client_ic.get(k, -1), ic
                if self.policy() & ~sc: return b'\xd8\x01\x01'
                out = self.plain(plain)
                if out is None: return None
                out = self.wrap(out, sc, ded, t in (0xdb, 0xdc) or plain[0] == 0xd9)
                self.m.new_keys_now()
                return self.gbt_start(out) if self.gbt_fits(out) else out
            if t == 0xe0: return self.gbt_rx(apdu)
            if self.sec or self.policy(): return b'\xd8\x01\x01'
            out = self.plain(apdu)
            self.m.new_keys_now()
            return self.gbt_start(out) if self.gbt_fits(out) else out
        except (ValueError, struct.error, IndexError, KeyError) as e:
            self.m.note('bad apdu', repr(e), apdu.hex()[:80])
            return b'\xd8\x01\x03'

    def policy(self):
        p = self.m.obj['0.0.43.0.0.255']['at'][2][1]
        return ((p & 4) << 2 | (p & 8) << 2) if self.mech and self.state == 2 else 0

    def gbt_fits(self, out): return out and self.a.gbt and self.conf & bit(2) and (len(out) > min(self.cpdu, self.a.max_pdu) or self.a.gbt_always) and out[0] not in (0xd8, 0x0e)

    def next_ic(self):
        with self.m.lock:
            if not self.m.faults('ic_replay_nth'): self.m.ic += 1
            return self.m.ic

    def wrap(self, out, sc, ded, general):
        if out[0] == 0xd8: return out
        key = self.ded if ded else self.a.ek
        c = protect(sc, key, self.a.ak, self.a.title, self.next_ic(), out)
        if self.m.faults('bad_tag_nth'): c = c[:-1] + bytes([c[-1] ^ 1])
        if general: return bytes([0xdc if ded else 0xdb]) + alen(8) + self.a.title + alen(len(c)) + c
        return bytes([(RDED if ded else RGLO)[out[0]]]) + alen(len(c)) + c

    # -- association
    def aarq(self, b):
        self.reset()
        r = Rd(b); r.u(); r = Rd(r.oct())
        f = {}
        while r.left(): k = r.u(); f[k] = r.oct()
        ctx = f[0xa1][-1]
        mech = f[0x8b][-1] if 0x8b in f else 0
        auth = f[0xac][2:] if 0xac in f else b''
        self.title = f[0xa6][2:] if 0xa6 in f else b''
        ui = Rd(f[0xbe]); ui.u(); ui = ui.oct()
        want_ln = self.a.ref == 'ln'
        self.ctx, self.mech, self.csap = ctx, mech, self.csap
        ciphered, diag, user = ui[0] == 0x21, 0, None
        if ctx not in ((1, 3) if want_ln else (2, 4)): return self.aare(1, 2, mech)          # context not supported
        if mech not in self.a.mechs: return self.aare(1, 11 if mech else 14, mech)
        if ciphered:
            x = Rd(ui); x.u(); x = x.oct()
            try:
                if (x[0] & 15) != self.a.suite: raise InvalidTag
                sc, ic, ui = unprotect(x, self.a.ek, self.a.ak, self.title)
            except InvalidTag:
                self.m.note('aarq decipher failed'); return self.aare(1, 13, mech)
            if ic <= self.m.client_ic.get(self.title, -1) and not self.a.accept_replay:
                self.m.stats['replay_refused'] += 1; self.m.note('aarq replay', ic); return self.aare(1, 13, mech)
            self.m.client_ic[self.title] = ic
            self.sec = sc & 0x30
        q = Rd(ui)
        q.u()
        ded = q.oct() if q.u() else None
        if q.u(): q.u()
        if q.u(): q.u()
        ver = q.u(); q.take(4); conf = q.u(3); self.cpdu = q.u(2) or 0xffff
        if ver != 6: return self.aare(1, 1, mech, b'\x0e\x01\x06\x01')
        self.conf = conf & (CONF_LN if want_ln else CONF_SN) & ~(0 if self.a.gbt else bit(2))
        if not self.conf: return self.aare(1, 1, mech, b'\x0e\x01\x06\x02')
        if self.cpdu < 12: return self.aare(1, 1, mech, b'\x0e\x01\x06\x03')
        self.ded = ded
        if mech == 1 and auth != self.a.low: self.reset(); return self.aare(1, 13, mech)
        if mech in (3, 4, 5, 6, 7):
            if mech in (5, 6, 7) and len(self.title) != 8: self.reset(); return self.aare(1, 13, mech)
            self.ctos, self.stoc = auth, (bytes(self.m.rng.randrange(33, 126) for _ in range(16)) if self.a.fixed else os.urandom(32 if mech == 7 else 16))
            self.state, res = 1, (0, 14)
        else: self.state, res = 2, (0, 0)
        self.m.stats['assoc'] += 1
        ir = b'\x08\x00\x06\x5f\x1f\x04\x00' + self.conf.to_bytes(3, 'big') + struct.pack('>H', self.a.max_pdu) + (b'\x00\x07' if want_ln else b'\xfa\x00')
        if ciphered: ir = self.wrap(ir, self.sec | self.a.suite, False, False)
        self.m.note('aarq', 'mech', mech, 'ctx', ctx, 'sec', hex(self.sec), 'ded', bool(ded))
        return self.aare(*res, mech, ir)

    def aare(self, result, diag, mech, ui=None):
        t = bytes([0xa1, 9, 6, 7, 0x60, 0x85, 0x74, 5, 8, 1, self.ctx]) + bytes([0xa2, 3, 2, 1, result, 0xa3, 5, 0xa1, 3, 2, 1, diag])
        if self.ctx in (3, 4) or mech in (5, 6, 7): t += b'\xa4\x0a\x04\x08' + self.a.title
        if result == 0 and mech > 1: t += b'\x88\x02\x07\x80\x89\x07' + bytes([0x60, 0x85, 0x74, 5, 8, 2, mech]) + b'\xaa' + alen(len(self.stoc) + 2) + b'\x80' + alen(len(self.stoc)) + self.stoc
        if ui: t += b'\xbe' + alen(len(ui) + 1 + len(alen(len(ui)))) + b'\x04' + alen(len(ui)) + ui
        if result: self.m.note('refused', 'mech', mech, 'diag', diag)
        return b'\x61' + alen(len(t)) + t

    def rlrq(self, b):
        self.reset()
        return b'\x63\x03\x80\x01\x00'

    def hls(self, got):
        a, k = self.a, self.mech
        st, ct = self.stoc, self.ctos
        if k in (3, 4):
            h = hashlib.md5 if k == 3 else hashlib.sha1
            ok, rep = got == h(st + a.high).digest(), h(ct + a.high).digest()
        elif k == 5:
            sc, ic = got[0], int.from_bytes(got[1:5], 'big')
            ok = got[5:] == gcm(a.ek, self.title, ic, bytes([sc]) + a.ak + st, b'')[1] and sc & 0x30 == 0x10
            last = self.m.client_ic.get(self.title, -1)      # inside a ciphered APDU the tag's own counter comes before the APDU's
            if ok and not a.accept_replay and ic <= (min(self.ic_before, last) if self.sec else last): ok = False; self.m.stats['replay_refused'] += 1; self.m.note('gmac replay', ic, last)
            if ok: self.m.client_ic[self.title] = max(ic, last)
            n = self.next_ic(); sc = 0x10 | a.suite
            rep = bytes([sc]) + struct.pack('>I', n) + gcm(a.ek, a.title, n, bytes([sc]) + a.ak + ct, b'')[1]
        elif k == 6:
            ok = got == hashlib.sha256(a.high + self.title + a.title + st + ct).digest()
            rep = hashlib.sha256(a.high + a.title + self.title + ct + st).digest()
        else:
            ok = ec_verify(a.suite, a.client_pub, got, self.title + a.title + st + ct)
            rep = ec_sign(a.suite, a.sign, a.title + self.title + ct + st)
        self.m.note('hls', k, 'ok' if ok else 'FAILED')
        if not ok: self.state = 0; return None
        if self.m.faults('bad_hls_nth'): rep = rep[:-1] + bytes([rep[-1] ^ 1])
        self.state = 2
        return ('oct', rep)

    # -- services
    def limit(self): return max(min(self.cpdu, self.a.max_pdu) - (44 if self.sec or self.ctx in (3, 4) else 8), 8)

    def plain(self, b):
        t = b[0]
        if self.state == 0: return b'\xd8\x01\x01'
        self.gbt = None
        if self.a.ref == 'sn':
            if t == 5: return self.sn_read(b)
            if t == 6: return self.sn_write(b)
            return b'\xd8\x02\x02'
        f = {0xc0: self.get, 0xc1: self.set, 0xc3: self.action, 0xd9: self.access}.get(t)
        if not f or t == 0xd9 and not self.conf & bit(17): return b'\xd8\x02\x02'
        if self.state == 1 and not (t == 0xc3 and b[1] == 1 and b[3:12] == b'\x00\x0f\x00\x00\x28\x00\x00\xff\x01'): return b'\xd8\x01\x01'
        return f(b)

    def desc(self, r):
        cls, ln, n = r.u(2), ln_str(r.take(6)), r.u()
        sel = None
        return cls, ln, n

    def try_get(self, r):
        cls, ln, n = self.desc(r)
        sel = None
        if r.u():
            k = r.u(); sel = (k, r.data())
        try: return b'\0' + enc(self.m.get(self, cls, ln, n, sel))
        except Err as e: return bytes([1, e.code])
        except (IndexError, TypeError): return bytes([1, TYPE])

    def get(self, b):
        r = Rd(b); r.u(); k, inv = r.u(), r.u()
        if k == 2:
            n = r.u(4)
            if not self.blocks or n != self.blocks[2] - 1 and n != self.blocks[2]: self.blocks = None; return bytes([0xc4, 2, inv, 1]) + struct.pack('>I', n) + b'\x01\x13'
            if n == self.blocks[2] - 1: return self.block(inv)
            return self.block(inv, again=True)
        self.blocks = None
        if k == 1: body, head = self.try_get(r), 1
        elif k == 3:
            c = r.len(); body, head = alen(c) + b''.join(self.try_get(r) for _ in range(c)), 3
        else: return b'\xd8\x01\x02'
        if len(body) + 3 <= self.limit() or not self.conf & bit(11) or (self.a.gbt and self.conf & bit(2)): return bytes([0xc4, head, inv]) + body
        self.blocks = [body[1:] if head == 1 else body, 0, 1]      # data, offset, next number
        return self.block(inv)

    def block(self, inv, again=False):
        d, off, n = self.blocks
        z = self.limit() - 12
        if again: off, n = off - z, n - 1
        c = d[off:off + z]
        last = off + z >= len(d)
        self.blocks = [d, off + z, n + 1]
        if self.blocks[2] < 2: pass
        return bytes([0xc4, 2, inv, int(last)]) + struct.pack('>I', n) + b'\0' + alen(len(c)) + c

    def set(self, b):
        r = Rd(b); r.u(); k, inv = r.u(), r.u()
        if k == 1:
            cls, ln, n = self.desc(r)
            if r.u(): r.u(); r.data()
            return bytes([0xc5, 1, inv, self.try_set(cls, ln, n, r.data())])
        if k == 4:
            ds = []
            for _ in range(r.len()):
                ds.append(self.desc(r))
                if r.u(): r.u(); r.data()
            vs = [r.data() for _ in range(r.len())]
            return bytes([0xc5, 5, inv]) + alen(len(ds)) + bytes(self.try_set(*d, v) for d, v in zip(ds, vs))
        if k == 2:
            self.acc = [self.desc(r), b'']
            if r.u(): r.u(); r.data()
        if k in (2, 3):
            last, n, d = r.u(), r.u(4), r.oct()
            if not self.acc: return bytes([0xc5, 1, inv, 15])
            self.acc[1] += d
            if not last: return bytes([0xc5, 2, inv]) + struct.pack('>I', n)
            (cls, ln, at), d = self.acc; self.acc = None
            return bytes([0xc5, 3, inv, self.try_set(cls, ln, at, Rd(d).data())]) + struct.pack('>I', n)
        return b'\xd8\x01\x02'

    def try_set(self, cls, ln, n, v):
        try:
            with self.m.lock: self.m.set(self, cls, ln, n, v)
            return OK
        except Err as e: return e.code
        except (IndexError, TypeError, ValueError): return TYPE

    def action(self, b):
        r = Rd(b); r.u(); k, inv = r.u(), r.u()
        if k == 1:
            cls, ln, n = self.desc(r)
            return bytes([0xc7, 1, inv]) + self.try_act(cls, ln, n, r.data() if r.u() else NULL)
        if k == 3:
            ds = [self.desc(r) for _ in range(r.len())]; vs = [r.data() for _ in range(r.len())]
            return bytes([0xc7, 3, inv]) + alen(len(ds)) + b''.join(self.try_act(*d, v) for d, v in zip(ds, vs))
        if k == 4: self.acc = [self.desc(r), b'']
        if k in (4, 6):
            last, n, d = r.u(), r.u(4), r.oct()
            if not self.acc: return bytes([0xc7, 1, inv, 15, 0])
            self.acc[1] += d
            if not last: return bytes([0xc7, 4, inv]) + struct.pack('>I', n)
            (cls, ln, at), d = self.acc; self.acc = None
            return bytes([0xc7, 1, inv]) + self.try_act(cls, ln, at, Rd(d).data())
        return b'\xd8\x01\x02'

    def try_act(self, cls, ln, n, v):
        if (cls, n) == (15, 1) and self.state == 1 or (cls, n) == (12, 8):
            rep = self.hls(v[1])
            return bytes([OK, 1, 0]) + enc(rep) if rep else bytes([RWD, 0])
        try:
            with self.m.lock: rep = self.m.act(self, cls, ln, n, v)
            return bytes([OK, 0]) if rep is None else bytes([OK, 1, 0]) + enc(rep)
        except Err as e: return bytes([e.code, 0])
        except (IndexError, TypeError, ValueError): return bytes([TYPE, 0])

    def access(self, b):
        r = Rd(b); r.u(); inv = r.u(4); when = r.oct(); p0 = r.p
        spec = []
        for _ in range(r.len()):
            k = r.u(); spec.append((k, self.desc(r), (r.u(), r.data()) if k > 3 else None))
        echo, vals = r.b[p0:r.p], [r.data() for _ in range(r.len())]
        if len(vals) != len(spec): return b'\xd8\x01\x03'
        data, res, stop = [], [], False
        for (k, d, sel), v in zip(spec, vals):
            out, code = b'\0', OTHER
            if not stop:
                try:
                    if k in (1, 4): out, code = enc(self.m.get(self, *d, sel)), 0
                    elif k in (2, 5): code = self.try_set(*d, v)
                    elif k == 3: x = self.try_act(*d, v); code, out = x[0], x[3:] or b'\0'
                except Err as e: code = e.code
                except (IndexError, TypeError): code = TYPE
            stop = stop or bool(code and inv & 1 << 29)              # processing option: break on error
            data.append(out); res.append(bytes([k - 3 if k > 3 else k, code]))
        return b'\xda' + struct.pack('>I', inv) + alen(len(when)) + when + (b'\1' + echo if inv & 1 << 28 else b'\0') + alen(len(data)) + b''.join(data) + alen(len(res)) + b''.join(res)

    # -- general block transfer, both directions; the (ciphered) APDU is what is cut into blocks
    def gbt_start(self, out):
        z = min(self.cpdu, self.a.max_pdu) - 10
        self.gbt = [out[i:i + z] for i in range(0, len(out), z)]
        return self.gbt_tx(0, self.gbt_n)

    def gbt_tx(self, base, ack):
        """Blocks base+1.. as one window: no more than the client said it takes, STR set on all but its last."""
        k, out = min(self.cwin, self.a.gbt_window, len(self.gbt) - base), []
        for n in range(base + 1, base + k + 1):
            if self.m.faults('gbt_lose_nth') and k > 1 and n < base + k: continue
            out.append(bytes([0xe0, (0x80 if n == len(self.gbt) else 0) | (0x40 if n < base + k else 0) | self.a.gbt_window]) + struct.pack('>HH', n, ack) + alen(len(self.gbt[n - 1])) + self.gbt[n - 1])
        self.m.stats['gbt_tx'] = self.m.stats.get('gbt_tx', 0) + len(out)
        return out

    def gbt_rx(self, b):
        r = Rd(b); r.u(); bc, n, ack = r.u(), r.u(2), r.u(2); d = r.oct()
        self.cwin = max(bc & 63, 1)
        if d:
            if n == 1: self.gbt_in, self.gbt_n, self.gbt = b'', 0, None
            if n == self.gbt_n + 1: self.gbt_in += d; self.gbt_n = n
            self.m.stats['gbt_rx'] = self.m.stats.get('gbt_rx', 0) + 1
            if bc & 0x80 and n == self.gbt_n:
                x, self.gbt_in = self.gbt_in, b''
                out, self.gbt_n = self.handle(x), 0
                return out
            return None if bc & 0x40 else bytes([0xe0, 0x80 | self.a.gbt_window]) + struct.pack('>HH', n, self.gbt_n) + b'\0'
        if self.gbt and ack < len(self.gbt): return self.gbt_tx(ack, n)
        return None

    # -- short names
    def sn_find(self, name):
        for ln, o in self.m.obj.items():
            d = name - o['sn']
            if 0 <= d < 0x100 and d % 8 == 0:
                base = SNMETH.get(o['cls'])
                if base is not None and d >= base: return o['cls'], ln, None, (d - base) // 8 + 1
                return o['cls'], ln, d // 8 + 1, None
        raise Err(UNDEF)

    def sn_one(self, r):
        k = r.u()
        try:
            if k == 2: name, sel = r.u(2), None
            elif k == 4: name = r.u(2); sel = (r.u(), r.data())
            else: return bytes([1, OTHER])
            cls, ln, at, me = self.sn_find(name)
            if me:
                v = sel[1] if sel else NULL
                if (cls, me) == (12, 8):
                    rep = self.hls(v[1]); return b'\0' + enc(rep) if rep else bytes([1, RWD])
                if self.state != 2: return bytes([1, RWD])
                x = self.try_act(cls, ln, me, v)
                return b'\0\0' if x[0] == 0 else bytes([1, x[0]])
            if self.state != 2: return bytes([1, RWD])
            return b'\0' + enc(self.m.get(self, cls, ln, at, sel))
        except Err as e: return bytes([1, e.code])
        except (IndexError, TypeError): return bytes([1, TYPE])

    def sn_read(self, b):
        r = Rd(b); r.u(); c = r.len()
        if c == 1 and r.b[r.p] == 5:
            r.u(); n = r.u(2)
            if not self.blocks: return b'\x0c\x01\x01\x13'
            return self.sn_block()
        body = alen(c) + b''.join(self.sn_one(r) for _ in range(c))
        if len(body) + 1 <= self.limit(): return b'\x0c' + body
        self.blocks = [body[2:] if self.a.sn_bare_block and c == 1 and body[1] == 0 else body, 0, 1]
        return self.sn_block()

    def sn_block(self):
        d, off, n = self.blocks
        z = self.limit() - 10
        c = d[off:off + z]; last = off + z >= len(d)
        self.blocks = None if last else [d, off + z, n + 1]
        return b'\x0c\x01\x02' + bytes([int(last)]) + struct.pack('>H', n) + alen(len(c)) + c

    def sn_write(self, b):
        r = Rd(b); r.u()
        if self.a.sn_hls_write and b[1:5] == b'\x01\x02\xfa\x58':
            rep = self.hls(Rd(b[6:]).data()[1]); return b'\x0c\x01' + (b'\0' + enc(rep) if rep else bytes([1, RWD]))
        if self.state != 2: return b'\xd8\x01\x01'
        names = []
        for _ in range(r.len()):
            k = r.u(); names.append((r.u(2), (r.u(), r.data()) if k == 4 else None))
        out = []
        for (name, sel), v in zip(names, [r.data() for _ in range(r.len())]):
            try:
                cls, ln, at, me = self.sn_find(name)
                code = self.try_act(cls, ln, me, v)[0] if me else self.try_set(cls, ln, at, v)
            except Err as e: code = e.code
            out.append(b'\0' if code == 0 else bytes([1, code]))
        return b'\x0d' + alen(len(out)) + b''.join(out)


def faults(self, name):
    n = getattr(self.a, name)
    if not n: return False
    c = self.__dict__.setdefault('_c', {})
    c[name] = c.get(name, 0) + 1
    return c[name] % n == 0
Meter.faults = faults
