"""A-XDR values and protection of messages, for meter_peer.py."""
import argparse, datetime as dt, hashlib, json, os, random, select, socket, struct, sys, termios, threading, time, tty
from cryptography.exceptions import InvalidTag, InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, utils

# ---------------------------------------------------------------- A-XDR data
INTS = {'i8': (15, '>b'), 'i16': (16, '>h'), 'i32': (5, '>i'), 'i64': (20, '>q'), 'u8': (17, '>B'), 'u16': (18, '>H'),
        'u32': (6, '>I'), 'u64': (21, '>Q'), 'enum': (22, '>B'), 'bool': (3, '>B'), 'f32': (23, '>f'), 'f64': (24, '>d')}
BYTAG = {t: (n, f) for n, (t, f) in INTS.items()}
NULL = ('null', None)


def ln_bytes(s): return bytes(int(x) for x in s.split('.'))
def ln_str(b): return '.'.join(map(str, b))


def alen(n):
    return bytes([n]) if n < 128 else bytes([0x80 | len(x := n.to_bytes((n.bit_length() + 7) // 8, 'big'))]) + x


def enc(v):
    t, x = v
    if t == 'null': return b'\0'
    if t in INTS: return bytes([INTS[t][0]]) + struct.pack(INTS[t][1], x)
    if t == 'oct': return b'\x09' + alen(len(x)) + bytes(x)
    if t in ('str', 'utf8'): return (b'\x0a' if t == 'str' else b'\x0c') + alen(len(x.encode())) + x.encode()
    if t == 'bits':                               # x is a '0101' text
        return b'\x04' + alen(len(x)) + (int(x.ljust(-(-len(x) // 8) * 8, '0'), 2).to_bytes(-(-len(x) // 8), 'big') if x else b'')
    if t in ('array', 'struct'):
        return bytes([1 if t == 'array' else 2]) + alen(len(x)) + b''.join(map(enc, x))
    if t == 'compact':                            # array of equal structures
        def desc(v):
            if v[0] in ('struct',): return b'\x02' + alen(len(v[1])) + b''.join(map(desc, v[1]))
            return enc(v)[:1]
        def body(v):
            return b''.join(map(body, v[1])) if v[0] == 'struct' else enc(v)[1:]
        c = b''.join(map(body, x))
        return b'\x13' + desc(x[0]) + alen(len(c)) + c
    raise ValueError(t)


class Rd:
    def __init__(self, b): self.b, self.p = bytes(b), 0
    def take(self, n):
        if self.p + n > len(self.b): raise ValueError('short')
        self.p += n
        return self.b[self.p - n:self.p]
    def u(self, n=1): return int.from_bytes(self.take(n), 'big')
    def len(self):
        n = self.u()
        return n if n < 128 else self.u(n & 127)
    def oct(self): return self.take(self.len())
    def left(self): return len(self.b) - self.p
    def rest(self): return self.take(self.left())
    def data(self):
        t = self.u()
        if t == 0: return NULL
        if t in BYTAG:
            n, f = BYTAG[t]
            return n, struct.unpack(f, self.take(struct.calcsize(f)))[0]
        if t in (9, 12): return 'oct', self.oct()
        if t == 10: return 'str', self.oct().decode('latin1')
        if t == 4:
            n = self.len(); b = self.take(-(-n // 8))
            return 'bits', ''.join(f'{x:08b}' for x in b)[:n]
        if t in (1, 2): return ('array' if t == 1 else 'struct'), [self.data() for _ in range(self.len())]
        if t == 25: return 'oct', self.take(12)
        if t == 26: return 'oct', self.take(5)
        if t == 27: return 'oct', self.take(4)
        raise ValueError(f'data tag {t}')


def dtb(t, dev=0, status=0):
    t = t + dt.timedelta(minutes=-dev)
    return struct.pack('>HBBBBBBBhB', t.year, t.month, t.day, t.isoweekday(), t.hour, t.minute, t.second, 0, dev, status)


def dtp(b):
    y, m, d, _, h, mi, s, _, dev, _ = struct.unpack('>HBBBBBBBhB', b)
    t = dt.datetime(y if y != 0xffff else 1970, m if m < 13 else 1, d if d < 32 else 1, h if h < 24 else 0,
                    mi if mi < 60 else 0, s if s < 60 else 0)
    return t + dt.timedelta(minutes=dev if dev != -0x8000 else 0)


# ---------------------------------------------------------------- security
def gcm(key, title, ic, aad, text, decrypt_tag=None, want_tag=True):
    iv = title + struct.pack('>I', ic)
    if decrypt_tag is not None:
        d = Cipher(algorithms.AES(key), modes.GCM(iv, decrypt_tag, min_tag_length=12)).decryptor()
        d.authenticate_additional_data(aad)
        return d.update(text) + d.finalize()
    e = Cipher(algorithms.AES(key), modes.GCM(iv)).encryptor()
    e.authenticate_additional_data(aad)
    return e.update(text) + e.finalize(), e.tag[:12]


def protect(sc, key, ak, title, ic, plain):
    h = bytes([sc]) + struct.pack('>I', ic)
    if sc & 0x30 == 0x10: return h + plain + gcm(key, title, ic, bytes([sc]) + ak + plain, b'')[1]
    if sc & 0x30 == 0x20: return h + gcm(key, title, ic, b'', plain)[0]
    c, t = gcm(key, title, ic, bytes([sc]) + ak, plain)
    return h + c + t


def unprotect(b, key, ak, title):
    sc, ic, x = b[0], int.from_bytes(b[1:5], 'big'), b[5:]
    if sc & 0x30 == 0x10:
        gcm(key, title, ic, bytes([sc]) + ak + x[:-12], b'', x[-12:])
        return sc, ic, x[:-12]
    if sc & 0x30 == 0x20: return sc, ic, gcm(key, title, ic, b'', x)[0]
    if sc & 0x30 == 0x30: return sc, ic, gcm(key, title, ic, bytes([sc]) + ak, x[:-12], x[-12:])
    raise InvalidTag()


def curve(suite): return (ec.SECP384R1(), hashes.SHA384(), 48) if suite == 2 else (ec.SECP256R1(), hashes.SHA256(), 32)
def priv(suite, h): return ec.derive_private_key(int(h, 16), curve(suite)[0])


def ec_sign(suite, key, m):
    _, h, n = curve(suite)
    r, s = utils.decode_dss_signature(key.sign(m, ec.ECDSA(h)))
    return r.to_bytes(n, 'big') + s.to_bytes(n, 'big')


def ec_verify(suite, pub, sig, m):
    _, h, n = curve(suite)
    try: pub.verify(utils.encode_dss_signature(int.from_bytes(sig[:n], 'big'), int.from_bytes(sig[n:], 'big')), m, ec.ECDSA(h)); return len(sig) == 2 * n
    except InvalidSignature: return False


# glo/ded tag <-> plain tag
GLO = {0xc8: 0xc0, 0xc9: 0xc1, 0xcb: 0xc3, 0x21: 0x01, 0x25: 0x05, 0x26: 0x06}
DED = {0xd0: 0xc0, 0xd1: 0xc1, 0xd3: 0xc3, 0x45: 0x05, 0x46: 0x06}
RGLO = {0xc4: 0xcc, 0xc5: 0xcd, 0xc7: 0xcf, 0x08: 0x28, 0x0c: 0x2c, 0x0d: 0x2d, 0x0e: 0x2e}
RDED = {0xc4: 0xd4, 0xc5: 0xd5, 0xc7: 0xd7, 0x0c: 0x4c, 0x0d: 0x4d, 0x0e: 0x4e}


def bit(n): return 1 << (23 - n)
CONF_LN = sum(map(bit, (1, 2, 9, 10, 11, 12, 13, 14, 16, 17, 19, 20, 21, 22, 23)))
CONF_SN = sum(map(bit, (1, 3, 4, 14, 18)))
MECH = dict(none=0, low=1, md5=3, sha1=4, gmac=5, sha256=6, ecdsa=7)
