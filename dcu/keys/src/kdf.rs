//! Key derivation in counter mode with AES-CMAC (NIST SP 800-108r1, 4.1).
//!
//! K(i) = CMAC(K, \[i\]₃₂ ‖ label ‖ 00 ‖ context ‖ \[L\]₃₂), with i from 1 and L the output length in bits. Label and
//! context keep uses apart: the label says what the key is for, the context whose it is. A label must not contain a
//! zero byte, or two pairs of label and context could run together.

use aes::{Aes128, Aes256};
use cmac::{Cmac, KeyInit, Mac};
use zeroize::Zeroize;

use crate::Key;

/// What cannot be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KdfError {
    /// The label contains a zero byte.
    #[error("a label must not contain a zero byte")]
    ZeroInLabel,
    /// Nothing asked for, or more than 2³² − 1 bits.
    #[error("output length out of range")]
    Length,
}

/// Fills `out` with key material for that label and context.
///
/// # Errors
/// [`KdfError`].
pub fn derive(key: &Key, label: &[u8], context: &[u8], out: &mut [u8]) -> Result<(), KdfError> {
    if label.contains(&0) {
        return Err(KdfError::ZeroInLabel);
    }
    let bits = out.len().checked_mul(8).and_then(|bits| u32::try_from(bits).ok()).ok_or(KdfError::Length)?;
    if bits == 0 {
        return Err(KdfError::Length);
    }
    expand(key, &[label, &[0], context, &bits.to_be_bytes()], out);
    Ok(())
}

fn expand(key: &Key, fixed_input: &[&[u8]], out: &mut [u8]) {
    for (counter, piece) in (1_u32..).zip(out.chunks_mut(16)) {
        let mut block = match key {
            Key::Aes128(bytes) => prf(Cmac::<Aes128>::new(bytes.into()), counter, fixed_input),
            Key::Aes256(bytes) => prf(Cmac::<Aes256>::new(bytes.into()), counter, fixed_input),
        };
        for (to, from) in piece.iter_mut().zip(block) {
            *to = from;
        }
        block.zeroize();
    }
}

fn prf(mut mac: impl Mac<OutputSize = cmac::digest::consts::U16>, counter: u32, fixed_input: &[&[u8]]) -> [u8; 16] {
    mac.update(&counter.to_be_bytes());
    for part in fixed_input {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmac::hex;

    /// CAVP KDFCTR_gen.rsp: PRF CMAC, counter of 32 bits before the fixed input.
    #[test]
    fn cavp_counter_mode() {
        for (key, fixed_input, expected) in [
            (
                "c10b152e8c97b77e18704e0f0bd38305",
                "98cd4cbbbebe15d17dc86e6dbad800a2dcbd64f7c7ad0e78e9cf94ffdba89d03\
                 e97eadf6c4f7b806caf52aa38f09d0eb71d71f497bcc6906b48d36c4",
                "26faf61908ad9ee881b8305c221db53f",
            ),
            (
                "695f1b1a16c949cea51cdf2554ec9d42",
                "4fce5942832a390aa1cbe8a0bf9d202cb799e986c9d6b51f45e4d597a6b57f06\
                 a4ebfec6467335d116b7f5f9c5b954062f661820f5db2a5bbb3e0625",
                "d34b601ec18c34dfa0f9e0b7523e218bdddb9befe8d08b6c0202d75ace0dba89",
            ),
            (
                "d0b1b3b70b2393c48ca05159e7e28cbeadea93f28a7cdae964e5136070c45d5c",
                "dd2f151a3f173492a6fbbb602189d51ddf8ef79fc8e96b8fcbe6dabe73a35b48\
                 104f9dff2d63d48786d2b3af177091d646a9efae005bdfacb61a1214",
                "8c449fb474d1c1d4d2a33827103b656a",
            ),
        ] {
            let key = Key::from_bytes(&hex(key)).unwrap();
            let mut out = vec![0; expected.len() / 2];
            expand(&key, &[&hex(fixed_input)], &mut out);
            assert_eq!(out, hex(expected));
        }
    }

    #[test]
    fn label_context_and_length_all_matter() {
        let key = Key::Aes128([7; 16]);
        let one = |label: &[u8], context: &[u8], length: usize| {
            let mut out = vec![0; length];
            derive(&key, label, context, &mut out).unwrap();
            out
        };
        let base = one(b"encryption", b"meter-1", 16);
        assert_ne!(base, one(b"authentication", b"meter-1", 16));
        assert_ne!(base, one(b"encryption", b"meter-2", 16));
        assert_ne!(base, one(b"encryption", b"meter-1", 32)[..16]);
        assert_eq!(base, one(b"encryption", b"meter-1", 16));
    }

    #[test]
    fn what_cannot_be_derived_is_said() {
        let key = Key::Aes128([7; 16]);
        assert_eq!(derive(&key, b"a\0b", b"", &mut [0; 16]), Err(KdfError::ZeroInLabel));
        assert_eq!(derive(&key, b"a", b"", &mut []), Err(KdfError::Length));
    }
}
