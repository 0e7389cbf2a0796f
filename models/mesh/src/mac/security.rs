//! CCM* over a frame (IEEE 802.15.4-2020, 9.3 and annex B): the private part enciphered, the clear part authenticated.
//!
//! The nonce is the sender's EUI-64, the frame counter and the level, so a counter must never come back under one key:
//! Wi-SUN replaces the key before it runs out, and a node that lost its counter must get a new key.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

use super::Eui64;
use super::frame::Security;

/// Why a frame was not opened or not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The integrity code is wrong: forged, damaged, or under another key. Drop it and count it.
    #[error("the integrity code does not fit: forged, damaged or under another key")]
    Forged,
    /// The frame carries no counter: no nonce can be made.
    #[error("the frame carries no counter")]
    NoCounter,
    /// It is longer than CCM* with a two-octet length can say.
    #[error("more octets than the cipher's length field can say")]
    Long,
}

/// Enciphers `private` in place as the level asks and returns the integrity code (4, 8 or 16 octets; empty at 0 and 4).
///
/// # Errors
/// Without a counter, or when it is too long.
pub fn seal(
    key: &[u8; 16],
    from: Eui64,
    security: &Security,
    clear: &[u8],
    private: &mut [u8],
) -> Result<Vec<u8>, SealError> {
    let ccm = Ccm::new(key, from, security)?;
    let mic = ccm.mic(clear, private)?;
    if security.enciphers() {
        ccm.turn(private);
    }
    Ok(mic)
}

/// Deciphers `private` in place and checks the integrity code.
///
/// # Errors
/// When the code is wrong: `private` is wiped then, nothing of it may be used.
pub fn open(
    key: &[u8; 16],
    from: Eui64,
    security: &Security,
    clear: &[u8],
    private: &mut [u8],
    mic: &[u8],
) -> Result<(), SealError> {
    let ccm = Ccm::new(key, from, security)?;
    if security.enciphers() {
        ccm.turn(private);
    }
    let right = ccm.mic(clear, private)?;
    let differs = right.len() != mic.len() || right.iter().zip(mic).fold(0, |all, (a, b)| all | (a ^ b)) != 0;
    if differs {
        private.fill(0);
        return Err(SealError::Forged);
    }
    Ok(())
}

/// The cipher with this frame's nonce.
struct Ccm {
    aes: Aes128,
    nonce: [u8; 13],
    mic_octets: usize,
    enciphers: bool,
}

impl Ccm {
    fn new(key: &[u8; 16], from: Eui64, security: &Security) -> Result<Self, SealError> {
        let counter = security.counter.ok_or(SealError::NoCounter)?;
        let mut nonce = [0; 13];
        let parts = from.0.into_iter().chain(counter.to_be_bytes()).chain([security.level]);
        nonce.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        let aes = Aes128::new(&Array::from(*key));
        Ok(Self { aes, nonce, mic_octets: security.mic_octets(), enciphers: security.enciphers() })
    }

    /// A block of flags, nonce and a two-octet number.
    fn block(&self, flags: u8, number: u16) -> [u8; 16] {
        let mut block = [0; 16];
        let parts = [flags].into_iter().chain(self.nonce).chain(number.to_be_bytes());
        block.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        block
    }

    fn encipher(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = Array::from(block);
        self.aes.encrypt_block(&mut block);
        block.into()
    }

    /// Counter mode over the private part: the same both ways.
    fn turn(&self, private: &mut [u8]) {
        for (chunk, number) in private.chunks_mut(16).zip(1_u16..) {
            let stream = self.encipher(self.block(1, number));
            chunk.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
        }
    }

    /// The enciphered integrity code over the clear part and the private one in clear.
    ///
    /// At levels that do not encipher, the private part is authenticated as if it were clear (9.3.3.2).
    fn mic(&self, clear: &[u8], private: &[u8]) -> Result<Vec<u8>, SealError> {
        if self.mic_octets == 0 {
            return Ok(Vec::new());
        }
        let open = if self.enciphers { 0 } else { private.len() };
        let authenticated = u16::try_from(clear.len() + open).map_err(|_| SealError::Long)?;
        let message = u16::try_from(private.len() - open).map_err(|_| SealError::Long)?;
        if authenticated >= 0xff00 {
            return Err(SealError::Long);
        }
        let flags = u8::from(authenticated > 0) << 6 | ((self.mic_octets as u8 - 2) / 2) << 3 | 1;
        let mut chain = self.encipher(self.block(flags, message));
        let head = authenticated.to_be_bytes();
        let head = if authenticated > 0 { &head[..] } else { &[] };
        let (associated, enciphered) = if self.enciphers { (&[][..], private) } else { (private, &[][..]) };
        self.absorb(&mut chain, head.iter().chain(clear).chain(associated));
        self.absorb(&mut chain, enciphered.iter());
        let mask = self.encipher(self.block(1, 0));
        Ok(chain.iter().zip(mask).take(self.mic_octets).map(|(a, b)| a ^ b).collect())
    }

    /// CBC over octets, the last block filled up with zeros.
    fn absorb<'a>(&self, chain: &mut [u8; 16], octets: impl Iterator<Item = &'a u8>) {
        let mut at = 0;
        for octet in octets {
            if let Some(byte) = chain.get_mut(at) {
                *byte ^= octet;
            }
            at += 1;
            if at == 16 {
                *chain = self.encipher(*chain);
                at = 0;
            }
        }
        if at > 0 {
            *chain = self.encipher(*chain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::KeyId;
    use super::*;

    fn security(level: u8, counter: u32) -> Security {
        Security { level, counter: Some(counter), slot_in_nonce: false, key: KeyId::Index(1) }
    }

    /// The same key, nonce, header and payload through another implementation of CCM (Python `cryptography`, OpenSSL).
    #[test]
    fn another_implementation_agrees() {
        let key: [u8; 16] = std::array::from_fn(|at| 0xc0 + at as u8);
        let from = Eui64([0, 0x0b, 0x57, 0xff, 0xfe, 0, 1, 1]);
        let clear: Vec<u8> = (0..26).collect();
        let whole: Vec<u8> = (100..150).collect();
        for (level, sealed, code) in CASES {
            let mut private = whole.clone();
            let mic = seal(&key, from, &security(level, 0x0102_0304), &clear, &mut private).unwrap();
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            assert_eq!((hex(&private).as_str(), hex(&mic).as_str()), (sealed, code), "level {level}");
            open(&key, from, &security(level, 0x0102_0304), &clear, &mut private, &mic).unwrap();
            assert_eq!(private, whole);
        }
    }

    #[test]
    fn any_flipped_bit_is_refused_and_nothing_leaks() {
        let (key, from) = ([7; 16], Eui64([1; 8]));
        for level in [1, 5, 6, 7] {
            let (mut clear, mut private) = (vec![1, 2, 3], vec![4, 5, 6, 7]);
            let mut mic = seal(&key, from, &security(level, 9), &clear, &mut private).unwrap();
            assert_eq!(mic.len(), security(level, 9).mic_octets());
            for part in 0..3 {
                let target = [&mut clear, &mut private, &mut mic].into_iter().nth(part).unwrap();
                target[0] ^= 0x10;
                let mut copy = private.clone();
                let opened = open(&key, from, &security(level, 9), &clear, &mut copy, &mic);
                assert_eq!((opened, copy), (Err(SealError::Forged), vec![0; 4]), "level {level} part {part}");
                let target = [&mut clear, &mut private, &mut mic].into_iter().nth(part).unwrap();
                target[0] ^= 0x10;
            }
            let mut copy = private.clone();
            assert!(open(&key, from, &security(level, 10), &clear, &mut copy, &mic).is_err(), "another counter");
        }
        let silent = Security { counter: None, ..security(6, 0) };
        assert_eq!(seal(&key, from, &silent, &[], &mut []), Err(SealError::NoCounter));
    }

    /// Level, private part sealed, integrity code.
    const CASES: [(u8, &str, &str); 6] = [
        (
            1,
            "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495",
            "3ec6f435",
        ),
        (
            2,
            "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495",
            "b7846aefd252012d",
        ),
        (
            3,
            "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495",
            "f9858f3188b661badd07082b91def440",
        ),
        (
            5,
            "75c474f7a76d350528bb3e9a068af98385b22a20a9bf691a408a3fec83aeed5a772b0615b3925f1a8ad4c1604cfd76da1ab6",
            "e7e1d4b3",
        ),
        (
            6,
            "d16cbe15860b52081547a2e18854c7a5a7631ba73a5dae31697fdb864c6baf17022354288deea6054e2219a5ca8014027ded",
            "2768d0f94df52968",
        ),
        (
            7,
            "a9c1216df7a5e2c738f65363d29698a34b1d0e1c791ce29e4debb78f28b80d70c3f3fae7c239b435a7c237fa981e21ae61a6",
            "2cf3631389e4ac6ab2b0f49def926ba5",
        ),
    ];
}
