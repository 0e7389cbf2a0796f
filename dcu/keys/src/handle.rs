//! A handle to a key: it can be used, not read.

use std::fmt;
use std::sync::Arc;

use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use zeroize::{Zeroize, Zeroizing};

use crate::gcm::equal;
use crate::{CipherKey, Key};

/// A handle to an AES key. Copies share the key; the last one wipes it.
#[derive(Clone)]
pub struct KeyHandle(Arc<Key>);

/// A wrapped key cannot be opened: wrong wrapping key, changed on the way, or of a length that no suite has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the wrapped key cannot be opened")]
pub struct UnwrapError;

/// "Default initial value" (RFC 3394, 2.2.3.1).
const INITIAL: [u8; 8] = [0xA6; 8];
const ROUNDS: u64 = 6;

impl KeyHandle {
    /// Takes a key.
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self(Arc::new(key))
    }

    /// Length of the key, bits: 128 or 256.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.expose().len().saturating_mul(8)
    }

    /// The same key made ready for GCM.
    #[must_use]
    pub fn cipher(&self) -> CipherKey {
        CipherKey::new(&self.0)
    }

    /// Wraps another key for transport under this one (AES key wrap, RFC 3394 2.2.1): 8 bytes longer than the key.
    #[must_use]
    pub fn wrap(&self, other: &Self) -> Vec<u8> {
        let mut registers = Zeroizing::new(other.0.expose().to_vec());
        let mut integrity = INITIAL;
        let blocks = (registers.len() / 8) as u64;
        for round in 0..ROUNDS {
            for (at, register) in (1_u64..).zip(registers.chunks_exact_mut(8)) {
                let mut block = join(integrity, register);
                self.encrypt(&mut block);
                let step = round.wrapping_mul(blocks).wrapping_add(at);
                integrity = split(&block, register, step);
                block.zeroize();
            }
        }
        let mut wrapped = integrity.to_vec();
        wrapped.extend_from_slice(&registers);
        wrapped
    }

    /// Opens a key wrapped under this one (RFC 3394 2.2.2).
    ///
    /// # Errors
    /// [`UnwrapError`].
    pub fn unwrap_key(&self, wrapped: &[u8]) -> Result<Self, UnwrapError> {
        let (integrity, registers) = wrapped.split_first_chunk::<8>().ok_or(UnwrapError)?;
        let mut integrity = *integrity;
        let mut registers = Zeroizing::new(registers.to_vec());
        if !matches!(registers.len(), 16 | 32) {
            return Err(UnwrapError);
        }
        let blocks = (registers.len() / 8) as u64;
        for round in (0..ROUNDS).rev() {
            for (at, register) in (1_u64..=blocks).rev().zip(registers.chunks_exact_mut(8).rev()) {
                let step = round.wrapping_mul(blocks).wrapping_add(at);
                for (byte, step) in integrity.iter_mut().zip(step.to_be_bytes()) {
                    *byte ^= step;
                }
                let mut block = join(integrity, register);
                self.decrypt(&mut block);
                integrity = split(&block, register, 0);
                block.zeroize();
            }
        }
        if !equal(&integrity, &INITIAL) {
            return Err(UnwrapError);
        }
        Key::from_bytes(&registers).map(Self::new).ok_or(UnwrapError)
    }

    pub(crate) fn key(&self) -> &Key {
        &self.0
    }

    fn encrypt(&self, block: &mut Block<Aes128>) {
        match &*self.0 {
            Key::Aes128(key) => Aes128::new(key.into()).encrypt_block(block),
            Key::Aes256(key) => Aes256::new(key.into()).encrypt_block(block),
        }
    }

    fn decrypt(&self, block: &mut Block<Aes128>) {
        match &*self.0 {
            Key::Aes128(key) => Aes128::new(key.into()).decrypt_block(block),
            Key::Aes256(key) => Aes256::new(key.into()).decrypt_block(block),
        }
    }
}

fn join(integrity: [u8; 8], register: &[u8]) -> Block<Aes128> {
    let mut block = Block::<Aes128>::default();
    for (to, from) in block.iter_mut().zip(integrity.iter().chain(register)) {
        *to = *from;
    }
    block
}

/// Puts the right half back into the register; the left half, mixed with the step number.
fn split(block: &Block<Aes128>, register: &mut [u8], step: u64) -> [u8; 8] {
    let mut integrity = step.to_be_bytes();
    for (to, from) in integrity.iter_mut().zip(block.iter()) {
        *to ^= from;
    }
    for (to, from) in register.iter_mut().zip(block.iter().skip(8)) {
        *to = *from;
    }
    integrity
}

impl PartialEq for KeyHandle {
    fn eq(&self, other: &Self) -> bool {
        equal(self.0.expose(), other.0.expose())
    }
}

impl Eq for KeyHandle {}

impl fmt::Debug for KeyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHandle(AES-{})", self.bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmac::hex;

    fn handle(text: &str) -> KeyHandle {
        KeyHandle::new(Key::from_bytes(&hex(text)).unwrap())
    }

    /// RFC 3394, 4.1, 4.3 and 4.6.
    #[test]
    fn published_wraps() {
        let long = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        for (kek, key, wrapped) in [
            (
                "000102030405060708090a0b0c0d0e0f",
                "00112233445566778899aabbccddeeff",
                "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
            ),
            (long, "00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
            (
                long,
                "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
                "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
            ),
        ] {
            assert_eq!(handle(kek).wrap(&handle(key)), hex(wrapped));
            assert_eq!(handle(kek).unwrap_key(&hex(wrapped)), Ok(handle(key)));
            let mut broken = hex(wrapped);
            broken[9] ^= 1;
            assert_eq!(handle(kek).unwrap_key(&broken), Err(UnwrapError));
            assert_eq!(handle(kek).unwrap_key(&broken[..16]), Err(UnwrapError));
        }
    }
}
