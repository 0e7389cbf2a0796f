//! Random bytes from seed material: HMAC_DRBG with SHA-256 (NIST SP 800-90A r1, 10.1.2).
//!
//! The logic crates never ask the system for randomness: the shell hands in entropy, the simulator hands in a seed, and
//! the same seed gives the same bytes on every machine.

use std::fmt;

use zeroize::Zeroize;

use crate::hmac::hmac_sha256;

/// "reseed_interval ≤ 2⁴⁸" (table 2).
const RESEED_INTERVAL: u64 = 1 << 48;
/// "max_number_of_bits_per_request ≤ 2¹⁹" (table 2).
const REQUEST_BYTES_MAX: usize = 1 << 16;

/// Why no bytes were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DrbgError {
    /// Too many requests since the last seed.
    #[error("fresh entropy is needed")]
    ReseedNeeded,
    /// More than 65536 bytes in one request.
    #[error("more than 65536 bytes asked for at once")]
    RequestTooLong,
}

/// The generator.
#[derive(Clone)]
pub struct Drbg {
    key: [u8; 32],
    value: [u8; 32],
    requests: u64,
}

impl Drbg {
    /// From entropy (at least 256 bits of it), a nonce and a personalisation string (10.1.2.3). Where no separate nonce
    /// exists, entropy of 48 bytes or more may include it (8.6.7).
    #[must_use]
    pub fn new(entropy: &[u8], nonce: &[u8], personalisation: &[u8]) -> Self {
        let mut drbg = Self { key: [0; 32], value: [1; 32], requests: 0 };
        drbg.update(&[entropy, nonce, personalisation]);
        drbg
    }

    /// Mixes in fresh entropy (10.1.2.4).
    pub fn reseed(&mut self, entropy: &[u8]) {
        self.update(&[entropy]);
        self.requests = 0;
    }

    /// Fills `out` (10.1.2.5).
    ///
    /// # Errors
    /// [`DrbgError`]; `out` is then untouched.
    pub fn fill(&mut self, out: &mut [u8]) -> Result<(), DrbgError> {
        if out.len() > REQUEST_BYTES_MAX {
            return Err(DrbgError::RequestTooLong);
        }
        if self.requests >= RESEED_INTERVAL {
            return Err(DrbgError::ReseedNeeded);
        }
        for piece in out.chunks_mut(32) {
            self.value = hmac_sha256(&self.key, &[&self.value]);
            for (to, from) in piece.iter_mut().zip(self.value) {
                *to = from;
            }
        }
        self.update(&[]);
        self.requests = self.requests.saturating_add(1);
        Ok(())
    }

    /// HMAC_DRBG_Update (10.1.2.2); no provided data is an empty list.
    fn update(&mut self, provided: &[&[u8]]) {
        for round in [0_u8, 1] {
            let value = self.value;
            let mut parts: [&[u8]; 5] = [&value, &[0], &[], &[], &[]];
            let separator = [round];
            let [_, second, rest @ ..] = &mut parts;
            *second = &separator;
            for (slot, part) in rest.iter_mut().zip(provided) {
                *slot = part;
            }
            self.key = hmac_sha256(&self.key, &parts);
            self.value = hmac_sha256(&self.key, &[&self.value]);
            if provided.iter().all(|part| part.is_empty()) {
                return;
            }
        }
    }
}

impl Drop for Drbg {
    fn drop(&mut self) {
        self.key.zeroize();
        self.value.zeroize();
    }
}

impl fmt::Debug for Drbg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drbg(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmac::hex;

    /// CAVP HMAC_DRBG.rsp (no reseed), SHA-256, no personalisation, no additional input, COUNT 0: the second of two
    /// requests of 1024 bits.
    #[test]
    fn cavp_no_reseed() {
        let entropy = hex("ca851911349384bffe89de1cbdc46e6831e44d34a4fb935ee285dd14b71a7488");
        let mut drbg = Drbg::new(&entropy, &hex("659ba96c601dc69fc902940805ec0ca8"), &[]);
        let mut out = [0; 128];
        drbg.fill(&mut out).unwrap();
        drbg.fill(&mut out).unwrap();
        let expected = "e528e9abf2dece54d47c7e75e5fe302149f817ea9fb4bee6f4199697d04d5b89\
                        d54fbb978a15b5c443c9ec21036d2460b6f73ebad0dc2aba6e624abf07745bc1\
                        07694bb7547bb0995f70de25d6b29e2d3011bb19d27676c07162c8b5ccde0668\
                        961df86803482cb37ed6d5c0bb8d50cf1f50d476aa0458bdaba806f48be9dcb8";
        assert_eq!(out.to_vec(), hex(expected));
    }

    #[test]
    fn entropy_changes_the_stream() {
        let mut one = Drbg::new(&[1; 32], &[], b"dcu");
        let mut two = one.clone();
        two.reseed(&[2; 32]);
        let (mut a, mut b) = ([0; 16], [0; 16]);
        one.fill(&mut a).unwrap();
        two.fill(&mut b).unwrap();
        assert_ne!(a, b);
        assert_eq!(one.fill(&mut vec![0; REQUEST_BYTES_MAX + 1]), Err(DrbgError::RequestTooLong));
    }
}
