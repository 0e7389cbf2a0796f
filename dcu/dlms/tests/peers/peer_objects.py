"""The objects of the meter of meter_peer.py. That program hands in `Session` and `push`."""
from peer_wire import *

# ---------------------------------------------------------------- the meter's objects
OK, HW, TEMP, RWD, UNDEF, CLASS, UNAVAIL, TYPE, SCOPE, OTHER = 0, 1, 2, 3, 4, 9, 11, 12, 13, 250
NMETH = {3: 1, 4: 1, 7: 2, 8: 6, 9: 1, 15: 4, 12: 8, 18: 4, 40: 2, 62: 2, 64: 8, 70: 2, 111: 3, 112: 3, 113: 5, 115: 1}
SNMETH = {3: 0x28, 4: 0x38, 7: 0x58, 8: 0x60, 12: 0x20, 18: 0x40, 40: 0x38, 64: 0x30, 70: 0x20, 9: 0x20}  # first method offset
WRITABLE = {(a, int(n)) for a, l in {'0.0.96.1.9.255': '2', '0.0.1.0.0.255': '23', '0.0.44.0.0.255': '5', '0.0.25.9.0.255': '3', '0.0.17.0.0.255': '456789', '0.0.66.0.1.255': '34'}.items() for n in l} | {('0.0.17.0.0.255', 11)}
VER = {7: 1, 12: 2, 15: 2, 64: 1, 23: 1}


class Err(Exception):
    def __init__(self, code): self.code = code


class Meter:
    def __init__(self, a):
        self.a, self.lock, self.log = a, threading.RLock(), []
        self.rng = random.Random(a.seed)
        self.stats = dict(rx=0, tx=0, bad_fcs=0, gets=0, sets=0, actions=0, assoc=0, replay_refused=0, dropped=0, pushes=0)
        self.relay, self.relay_log, self.time_shift = True, [], dt.timedelta(0)
        self.ic = a.ic
        self.client_ic = {}
        self.now0 = dt.datetime.strptime(a.now, '%Y-%m-%dT%H:%M:%S') if a.now else None
        self.img = dict(enabled=True, status=0, size=0, id=b'', blocks={}, verify_at=0, active=None)
        self.obj, self.sn, self.new_keys, self.pay = {}, {}, {}, {}
        self.add('0.0.42.0.0.255', 1, {2: ('oct', a.ldn.encode())})
        self.add('0.0.96.1.0.255', 1, {2: ('oct', a.serial_no.encode())})
        self.add('0.0.43.1.0.255', 1, {2: lambda: ('u32', max(self.client_ic.values(), default=0))})
        self.add('0.0.96.1.9.255', 1, {2: ('str', 'writable')})
        reg = lambda v, sc, un: {2: v, 3: ('struct', [('i8', sc), ('enum', un)])}
        self.v = lambda: dict(u=2300 + self.tick() % 37, i=512 + self.tick() % 91, p=1177 + self.tick() % 53)
        self.add('1.0.32.7.0.255', 3, reg(lambda: ('u16', self.v()['u']), -1, 35))
        self.add('1.0.31.7.0.255', 3, reg(lambda: ('u16', self.v()['i']), -2, 33))
        self.add('1.0.1.7.0.255', 3, reg(lambda: ('i32', (self.v()['p'] if a.load is None else a.load) if self.relay else 0), 0, 27))
        self.add('1.0.14.7.0.255', 3, reg(('u16', 4998), -2, 44))
        self.add('1.0.1.8.0.255', 3, reg(lambda: ('u32', self.rows[-1][2]), 0, 30))
        self.add('1.0.1.6.0.255', 4, {**reg(('u32', 4321), 0, 27), 4: NULL, 5: lambda: ('oct', dtb(self.t_of(len(self.rows) - 5)))})
        self.add('0.0.1.0.0.255', 8, {2: lambda: ('oct', dtb(self.clock(), a.tz)), 3: ('i16', a.tz), 4: ('u8', 0),
                 5: ('oct', bytes.fromhex('ffff03fe07020000008000' '00')), 6: ('oct', bytes.fromhex('ffff0afe07030000008000' '00')),
                 7: ('i8', 0), 8: ('bool', 0), 9: ('enum', 1)})
        n = a.rows or a.days * 86400 // a.period
        self.t0 = (self.now0 or dt.datetime(2026, 3, 1)) - dt.timedelta(seconds=a.period * n)
        e = 1_000_000
        self.rows = []
        for i in range(n):
            e += self.rng.randrange(0, 900)
            self.rows.append((i, self.rng.randrange(2050, 2450), e, self.rng.randrange(0, 4)))
        cap = [(8, '0.0.1.0.0.255', 2), (3, '1.0.1.8.0.255', 2), (3, '1.0.32.7.0.255', 2), (1, '0.0.96.10.1.255', 2)]
        capv = ('array', [('struct', [('u16', c), ('oct', ln_bytes(l)), ('i8', at), ('u16', 0)]) for c, l, at in cap])
        self.add('0.0.96.10.1.255', 1, {2: ('u8', 0)})
        self.add('1.0.99.1.0.255', 7, {2: self.buffer, 3: capv, 4: ('u32', a.period), 5: ('enum', 1),
                 6: ('struct', [('u16', 8), ('oct', ln_bytes('0.0.1.0.0.255')), ('i8', 2), ('u16', 0)]),
                 7: lambda: ('u32', len(self.rows)), 8: ('u32', max(n, 8760))})
        self.add('0.0.96.3.10.255', 70, {2: lambda: ('bool', int(self.relay)), 3: lambda: ('enum', int(self.relay)), 4: ('enum', 4)})
        self.add('0.0.44.0.0.255', 18, {2: ('u32', a.image_block), 3: lambda: ('bits', ''.join('1' if i in self.img['blocks'] else '0'
                 for i in range(self.nblk()))), 4: lambda: ('u32', next((i for i in range(self.nblk()) if i not in self.img['blocks']), self.nblk())),
                 5: lambda: ('bool', int(self.img['enabled'])), 6: lambda: ('enum', self.img['status']), 7: self.img_info})
        self.add('0.0.25.9.0.255', 40, {2: ('array', [('struct', [('u16', c), ('oct', ln_bytes(l)), ('i8', at), ('u16', 0)])
                 for c, l, at in ((1, '0.0.42.0.0.255', 2), (8, '0.0.1.0.0.255', 2), (3, '1.0.1.8.0.255', 2), (3, '1.0.32.7.0.255', 2))]),
                 3: ('struct', [('enum', 0), ('oct', a.push_to.encode()), ('enum', 0)]), 4: ('array', []), 5: ('u16', 0), 6: ('u8', 0), 7: ('u16', 0)})
        self.add('0.0.43.0.0.255', 64, {2: ('enum', 0), 3: ('enum', a.suite), 4: ('oct', b''), 5: ('oct', a.title), 6: ('array', [])})
        self.add('0.0.41.0.0.255', 17, {2: ('array', [('struct', [('u16', 1), ('oct', a.ldn.encode())])])})
        self.add('0.0.22.0.0.255', 23, {2: ('enum', 5), 3: ('u8', a.window), 4: ('u8', a.window), 5: ('u16', a.max_info),
                 6: ('u16', a.max_info), 7: ('u16', 25), 8: ('u16', 120), 9: ('u16', 16)})
        ver = {i: NULL for i in range(2, 12)}
        self.add('0.0.40.0.0.255', 15 if a.ref == 'ln' else 12, ver if a.ref == 'ln' else {2: self.sn_list, 3: NULL, 4: NULL})
        if not a.base_objects: self.extra()
        if a.ref == 'sn':
            base = 0x0100
            for k, o in self.obj.items():
                o['sn'] = 0xfa00 if o['cls'] == 12 else base
                base += 0x100

    def extra(self):
        """Script table, limiter, compact data and the payment objects."""
        a, ref = self.a, lambda *x: ('struct', [(t, ln_bytes(v) if t == 'oct' else v) for t, v in zip(('u16', 'oct', 'i8', 'u16'), x)])
        far, get = ('oct', dtb(dt.datetime(2026, 1, 1))), lambda k: (lambda: ('i32', self.pay[k]))
        sc = lambda n, m: ('struct', [('u16', n), ('array', [('struct', [('enum', 2), ('u16', 70), ('oct', ln_bytes('0.0.96.3.10.255')), ('i8', m), ('i8', 0)])])])
        self.add('0.0.10.0.106.255', 9, {2: ('array', [sc(1, 1), sc(2, 2)])})
        run = lambda n: ('struct', [('oct', ln_bytes('0.0.10.0.106.255')), ('u16', n)])
        self.add('0.0.17.0.0.255', 71, {2: ref(3, '1.0.1.7.0.255', 2), 3: lambda: self.threshold(), 4: ('u32', 5000), 5: ('u32', 500), 6: ('u32', 0), 7: ('u32', 0),
                 8: ('struct', [('u16', 0), far, ('u32', 0)]), 9: ('array', [('u16', 1)]), 10: lambda: ('bool', int(self.emergency())), 11: ('struct', [run(1), run(2)])})
        self.over = None
        self.compact = b''
        self.add('0.0.66.0.1.255', 62, {2: lambda: ('oct', self.compact), 3: ('array', [ref(62, '0.0.66.0.1.255', 4, 0), ref(8, '0.0.1.0.0.255', 2, 0), ref(3, '1.0.1.8.0.255', 2, 0), ref(3, '1.0.32.7.0.255', 2, 0)]), 4: ('u8', 66),
                 5: lambda: ('oct', b'\x02' + alen(len(t := self.captured())) + b''.join(enc(v)[:1] for v in t)), 6: ('enum', 1)})
        self.pay = dict(credit=1000, paid=0, remaining=500, last=0, status=2, used={}, tok=b'', desc=[], at=far, result=0, bits='')
        for t in a.token: self.pay['used'][t.split('=')[0]] = int(t.split('=')[1])
        rl = lambda *x: ('array', [('oct', ln_bytes(v)) for v in x])
        acc, cr, ch, tg = '0.0.19.0.0.255', '0.0.19.10.0.255', '0.0.19.20.0.255', '0.0.19.40.0.255'
        self.add(acc, 111, {2: lambda: ('struct', [('enum', 2), ('enum', self.pay['status'])]), 3: ('u8', 0), 4: lambda: ('bits', '1' + '0' * 7 if self.pay['credit'] > 0 else '00001000'),
                 5: lambda: ('i32', max(self.pay['credit'], 0)), 6: lambda: ('i32', max(-self.pay['credit'], 0)), 7: ('i32', 0), 8: get('remaining'), 9: rl(cr), 10: rl(ch),
                 11: ('array', [('struct', [('oct', ln_bytes(cr)), ('oct', ln_bytes(ch)), ('bits', '100')])]), 12: ('array', [('struct', [('oct', ln_bytes(cr)), ('u8', 100)])]), 13: far, 14: ('oct', dtb(dt.datetime(2099, 1, 1))),
                 15: ('struct', [('utf8', 'KWH'), ('i8', -2), ('enum', 1)]), 16: ('i32', 200), 17: ('i32', 0), 18: ('u16', 0), 19: ('i32', 0)})
        self.add(cr, 112, {2: get('credit'), 3: ('enum', 0), 4: ('u8', 1), 5: ('i32', 200), 6: ('i32', 0), 7: ('bits', '00000'), 8: lambda: ('enum', 3 if self.pay['credit'] > 0 else 4), 9: ('i32', 0), 10: ('i32', 0), 11: far})
        self.unit = [('struct', [('struct', [('i8', 0), ('i8', -2)]), ref(3, '1.0.1.8.0.255', 2), ('array', [('struct', [('oct', b'1'), ('i16', p)])])]) for p in (25, 30)]
        self.add(ch, 113, {2: get('paid'), 3: ('enum', 0), 4: ('u8', 1), 5: lambda: self.unit[0], 6: lambda: self.unit[1], 7: far, 8: ('u32', 3600), 9: ('bits', '00'), 10: far, 11: get('last'), 12: get('remaining'), 13: ('u16', 100)})
        self.add(tg, 115, {2: lambda: ('oct', self.pay['tok']), 3: lambda: self.pay['at'], 4: lambda: ('array', [('oct', x) for x in self.pay['desc']]), 5: ('enum', 0), 6: self.token_status})
        n = a.pan[:17]; lu = lambda n: -sum(sum(divmod(int(c) * (2 - k % 2), 10)) for k, c in enumerate(n[::-1])) % 10
        self.add('0.0.19.60.0.255', 116, {2: ('struct', [('u32', int(n[:6])), ('u64', int(n[6:])), ('u8', lu(n))]), 3: ('str', 'electricity'), 4: ('array', [('u8', 1), ('u8', 2)]), 5: ('u8', 7), 6: ('u32', 123456),
                 7: ('u8', 1), 8: ('u8', 1), 9: ('u8', 2), 10: ('u8', 255), 11: ('u8', 2), 12: ('str', 'SIM-STS-1')})

    def token_status(self): return ('struct', [('enum', self.pay['result']), ('bits', self.pay['bits'])])

    def enter(self, x):
        """Token result codes: 3 executed, 4 bad format, 5 unknown token, 6 already used, 7 cannot execute (account closed)."""
        p, d = self.pay, x.decode('latin1') if len(x) != 10 else x.hex()
        v = p['used'].get(d)
        p['result'] = 4 if len(d) != 20 or not d.isdigit() else 5 if d not in p['used'] else 6 if v is None else 7 if p['status'] != 2 else 3
        p.update(tok=x, at=('oct', dtb(self.clock(), self.a.tz)), bits=f"{p['result']:08b}", desc=[str(v).encode()] if p['result'] == 3 else [])
        if p['result'] == 3: p['credit'] += v; p['used'][d] = None

    def captured(self): return [self.get(Session(self), c[1][0][1], ln_str(c[1][1][1]), c[1][2][1]) for c in self.obj['0.0.66.0.1.255']['at'][3][1]]

    def emergency(self):
        at = self.obj['0.0.17.0.0.255']['at']; i, t, d = (x[1] for x in at[8][1])
        return i in [x[1] for x in at[9][1]] and len(t) == 12 and dtp(t) <= self.clock() < dtp(t) + dt.timedelta(seconds=d)

    def threshold(self): return self.obj['0.0.17.0.0.255']['at'][5 if self.emergency() else 4]

    def limit(self):
        """Lazily: load above the active threshold for min_over_threshold_duration opens the relay by script 1."""
        if self.a.load is None or self.a.base_objects or not self.relay or self.a.load <= self.threshold()[1]: self.over = None; return
        self.over = self.over or time.time()
        if time.time() - self.over >= self.obj['0.0.17.0.0.255']['at'][6][1]: self.relay = False; self.relay_log.append('limiter'); self.note('limiter opened the relay')

    def keys(self, v):
        """Security setup key_transfer: every key must unwrap before any takes effect; the answer still uses the old ones."""
        n, new = len(self.a.ek), {}
        for k in v[1]:
            i, w = k[1][0][1], k[1][1][1]
            try: new[i] = keywrap.aes_key_unwrap(self.a.kek, w)
            except (keywrap.InvalidUnwrap, ValueError): raise Err(OTHER)
            if i > 3 or len(new[i]) != n: raise Err(TYPE)
        self.new_keys = new

    def new_keys_now(self):
        new, self.new_keys = self.new_keys, {}
        for i, k in new.items(): setattr(self.a, ('ek', 'bk', 'ak', 'kek')[i], k)
        if 0 in new:
            self.client_ic = {}
            if self.a.key_reset_ic: self.ic = 0
        if new: self.note('keys changed', sorted(new))

    def add(self, ln, cls, attrs):
        self.obj[ln] = dict(cls=cls, ver=VER.get(cls, 0), at={1: ('oct', ln_bytes(ln)), **attrs})

    def note(self, *x):
        with self.lock: self.log.append([round(time.time(), 3), *x])
        if self.a.verbose: print(*x, file=sys.stderr, flush=True)

    def tick(self): return self.stats['gets'] if self.now0 else int(time.time())
    def clock(self): return (self.now0 or dt.datetime.now(dt.timezone.utc).replace(tzinfo=None, microsecond=0)) + self.time_shift
    def t_of(self, i): return self.t0 + dt.timedelta(seconds=self.a.period * (i + 1))
    def nblk(self): return -(-self.img['size'] // self.a.image_block)

    def img_info(self):
        i = self.img
        return ('array', [('struct', [('u32', i['size']), ('oct', i['id']), ('oct', hashlib.sha256(self.img_bytes()).digest()[:8])])]) if i['status'] in (3, 6) else ('array', [])

    def img_bytes(self): return b''.join(self.img['blocks'][k] for k in sorted(self.img['blocks']))[:self.img['size']]

    def sn_list(self, sel=None):
        return ('array', [('struct', [('i16', struct.unpack('>h', struct.pack('>H', o['sn']))[0]), ('u16', o['cls']), ('u8', o['ver']), ('oct', ln_bytes(k))])
                          for k, o in self.obj.items()])

    def buffer(self, sel=None):
        rows, cols = self.rows, None
        if sel:
            kind, p = sel
            f = p[1]
            if kind == 1:
                lo, hi = f[1][1], f[2][1]
                lo, hi = dtp(lo) if isinstance(lo, bytes) else dt.datetime(1970, 1, 1) + dt.timedelta(seconds=lo), \
                    dtp(hi) if isinstance(hi, bytes) else dt.datetime(1970, 1, 1) + dt.timedelta(seconds=hi)
                rows = [r for r in rows if lo <= self.t_of(r[0]) <= hi]
                if f[3][1]:
                    want = [(c[1][0][1], ln_str(c[1][1][1])) for c in f[3][1]]
                    have = [(8, '0.0.1.0.0.255'), (3, '1.0.1.8.0.255'), (3, '1.0.32.7.0.255'), (1, '0.0.96.10.1.255')]
                    cols = [have.index(w) for w in want if w in have]
            elif kind == 2:
                a, b, c, d = (x[1] for x in f)
                if a == 0: raise Err(SCOPE)
                rows = rows[a - 1:b or None]
                cols = list(range(c - 1, d or 4)) if c else None
            else: raise Err(SCOPE)
        out = []
        for k, (i, u, e, s) in enumerate(rows):
            r = [('oct', dtb(self.t_of(i))), ('u32', e), ('u16', u), ('u8', s)]
            if self.a.null_compress and k: r[0] = NULL
            out.append(('struct', [r[c] for c in cols] if cols is not None else r))
        if self.a.compact and out and not self.a.null_compress: return ('compact', out)
        return ('array', out)

    def assoc_attr(self, s, n):
        oid = lambda k, v: ('oct', bytes([0x60, 0x85, 0x74, 5, 8, k, v]))
        if n == 2:
            out = []
            for ln, o in self.obj.items():
                wr = lambda at: 3 if (ln, at) in WRITABLE else 1
                ats = ('array', [('struct', [('i8', at), ('enum', wr(at)), ('array', [('i8', 1), ('i8', 2)]) if (o['cls'], at) == (7, 2) else NULL]) for at in o['at']])
                mts = ('array', [('struct', [('i8', m + 1), ('enum', 1)]) for m in range(NMETH.get(o['cls'], 0))])
                out.append(('struct', [('u16', o['cls']), ('u8', o['ver']), ('oct', ln_bytes(ln)), ('struct', [ats, mts])]))
            return ('array', out)
        return {3: ('struct', [('i8', s.csap), ('u16', s.ssap)]), 4: oid(1, s.ctx), 6: oid(2, s.mech),
                5: ('struct', [('bits', f'{s.conf:024b}'), ('u16', self.a.max_pdu), ('u16', self.a.max_pdu), ('u8', 6), ('i8', 0), ('oct', b'')]),
                7: ('oct', b''), 8: ('enum', 2 if s.state == 2 else 1), 9: ('oct', ln_bytes('0.0.43.0.0.255')), 10: ('array', []), 11: ('struct', [('u8', 0), ('str', '')])}[n]

    def get(self, s, cls, ln, n, sel=None):
        self.stats['gets'] += 1
        self.limit()
        o = self.obj.get(ln)
        if not o: raise Err(UNDEF)
        if o['cls'] != cls: raise Err(CLASS)
        if n not in o['at']: raise Err(UNDEF if self.a.undef_attr else OTHER)
        if s.mech == 0 and self.a.strict_public and cls not in (15, 12, 8, 17) and ln not in ('0.0.42.0.0.255', '0.0.43.1.0.255'): raise Err(RWD)
        if cls == 15 and n > 1: return self.assoc_attr(s, n)
        v = o['at'][n]
        if callable(v): return v(sel) if v in (self.buffer, self.sn_list) else v()
        return v

    def set(self, s, cls, ln, n, v):
        self.stats['sets'] += 1
        o = self.obj.get(ln)
        if not o: raise Err(UNDEF)
        if o['cls'] != cls: raise Err(CLASS)
        if s.mech == 0: raise Err(RWD)
        if (ln, n) == ('0.0.1.0.0.255', 2):
            if v[0] != 'oct' or len(v[1]) != 12: raise Err(TYPE)
            self.time_shift = dtp(v[1]) - (self.now0 or dt.datetime.now(dt.timezone.utc).replace(tzinfo=None, microsecond=0))
        elif (ln, n) == ('0.0.44.0.0.255', 5): self.img['enabled'] = bool(v[1])
        elif (ln, n) in WRITABLE:
            if v[0] != o['at'][n][0] and o['at'][n][0] in ('u8', 'u32', 'array', 'struct'): raise Err(TYPE)
            o['at'][n] = v
        else: raise Err(RWD)
        self.note('set', ln, n, repr(v)[:80])

    def act(self, s, cls, ln, m, v):
        self.stats['actions'] += 1
        o = self.obj.get(ln)
        if not o: raise Err(UNDEF)
        if o['cls'] != cls: raise Err(CLASS)
        if s.mech == 0: raise Err(RWD)
        if cls == 70 and m in (1, 2):
            self.relay = m == 2
            self.relay_log.append('reconnect' if m == 2 else 'disconnect')
        elif cls == 8 and m == 6: self.time_shift += dt.timedelta(seconds=v[1])
        elif cls == 7 and m == 1: self.rows = self.rows[:0]
        elif cls == 7 and m == 2:
            i = len(self.rows); self.rows.append((i, 2301, self.rows[-1][2] + 7 if self.rows else 1_000_000, 0))
        elif cls == 3 and m == 1: pass
        elif cls == 40 and m == 1: threading.Thread(target=push, args=(self, self.a.push_to, False), daemon=True).start()
        elif cls == 18: self.image(m, v)
        elif cls == 9 and m == 1:
            if v[1] not in (1, 2): raise Err(OTHER)
            self.act(s, 70, '0.0.96.3.10.255', v[1], ('i8', 0))
        elif cls == 62 and m in (1, 2): self.compact = b'' if m == 1 else b''.join(enc(x)[1:] for x in self.captured())
        elif cls == 64 and m == 1:
            if v[1] & o['at'][2][1] != o['at'][2][1]: raise Err(OTHER)     # a policy can only be strengthened
            o['at'][2] = v
        elif cls == 64 and m == 2: self.keys(v)
        elif cls == 111 and m < 4: self.pay['status'] = {1: 2, 2: 3, 3: 1}[m]
        elif cls == 112 and m in (1, 2): self.pay['credit'] = v[1] + (self.pay['credit'] if m == 1 else 0)
        elif cls == 113 and m in (1, 2, 3, 4, 5):
            if m == 1: self.unit[1] = ('struct', self.unit[1][1][:2] + [v])
            elif m == 2: self.unit[0] = self.unit[1]
            elif m == 3: c = min(25, self.pay['remaining']); self.pay.update(credit=self.pay['credit'] - c, paid=self.pay['paid'] + c, remaining=self.pay['remaining'] - c, last=c)
            else: self.pay['remaining'] = v[1] + (self.pay['remaining'] if m == 4 else 0)
        elif cls == 115 and m == 1:
            self.enter(v[1]); self.note('token', v[1].hex(), self.pay['result'])
            return self.token_status() if self.a.token_reply else None
        else: raise Err(UNDEF)
        self.note('action', ln, m)
        return None

    def image(self, m, v):
        i = self.img
        if not i['enabled']: raise Err(OTHER)
        if m == 1:
            i.update(id=v[1][0][1], size=v[1][1][1], blocks={}, status=1, verify_at=0)
        elif m == 2:
            n, b = v[1][0][1], v[1][1][1]
            if i['status'] != 1 or n >= self.nblk() or len(b) != min(self.a.image_block, i['size'] - n * self.a.image_block): raise Err(TYPE)
            if not (self.a.image_lose and n % self.a.image_lose == self.a.image_lose - 1 and n not in i.setdefault('lost', set()) and not i['lost'].add(n)):
                i['blocks'][n] = b
        elif m == 3:
            if len(i['blocks']) != self.nblk(): i['status'] = 4; raise Err(OTHER)
            if self.a.verify_s and not i['verify_at']: i['verify_at'] = time.time() + self.a.verify_s
            if time.time() < i['verify_at']: i['status'] = 2; raise Err(TEMP)
            i['status'] = 3
        elif m == 4:
            if i['status'] != 3: raise Err(OTHER)
            i['status'], i['active'] = 6, hashlib.sha256(self.img_bytes()).hexdigest()
        else: raise Err(UNDEF)

    def state(self):
        i = self.img; self.limit()
        return dict(stats=self.stats, relay=self.relay, relay_log=self.relay_log, clock=str(self.clock()), ic=self.ic, client_ic={k.hex(): v for k, v in self.client_ic.items()},
                    image=dict(status=i['status'], size=i['size'], blocks=len(i['blocks']), id=i['id'].hex(), active_sha256=i['active']), rows=len(self.rows),
                    first_row=str(self.t_of(0)), pay={k: self.pay[k] for k in ('credit', 'paid', 'remaining', 'status', 'result') if k in self.pay}, policy=self.obj['0.0.43.0.0.255']['at'][2][1], ek_sha=hashlib.sha256(self.a.ek).hexdigest()[:8], last_row=str(self.t_of(len(self.rows) - 1)))
