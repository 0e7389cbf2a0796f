//! A running digest of everything that happened.
//!
//! Hashing every event with SHA-256 would cost more than handling it. The running state is 256 bits in four lanes: each
//! event's words are added to the lanes, every lane is multiplied and rotated, and the lanes are mixed; each step is a
//! permutation of the state, so two histories that have parted meet again only by a coincidence of 256 bits. At the end
//! the state and the count go through SHA-256. This finds every accident; it is no defence against someone who builds
//! two histories with one digest on purpose.

use sha2::{Digest as _, Sha256};

use super::Fired;
use crate::result::Digest;

/// Odd multipliers: the first digits of the square roots of 2, 3, 5 and 7, made odd.
const FACTORS: [u64; 4] = [0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1];

/// The state of a digest under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollingDigest {
    lanes: [u64; 4],
    absorbed: u64,
}

impl Default for RollingDigest {
    fn default() -> Self {
        Self { lanes: FACTORS, absorbed: 0 }
    }
}

impl RollingDigest {
    /// Adds an event: its time, phase, node and its own two words.
    #[inline]
    pub fn absorb_event<E>(&mut self, fired: &Fired<E>, words: [u64; 2]) {
        let who = ((fired.phase as u64) << 32) | u64::from(fired.node.0);
        self.absorb([fired.time.0, who, words[0], words[1]]);
    }

    /// Adds four words.
    #[inline]
    pub fn absorb(&mut self, words: [u64; 4]) {
        let [a, b, c, d] = self.lanes;
        let a = (a ^ words[0]).wrapping_mul(FACTORS[0]).rotate_left(23);
        let b = (b ^ words[1]).wrapping_mul(FACTORS[1]).rotate_left(29);
        let c = (c ^ words[2]).wrapping_mul(FACTORS[2]).rotate_left(31);
        let d = (d ^ words[3]).wrapping_mul(FACTORS[3]).rotate_left(37);
        let a = a.wrapping_add(b);
        let b = b ^ c;
        let c = c.wrapping_add(d);
        self.lanes = [a, b, c, d ^ a];
        self.absorbed += 1;
    }

    /// Adds bytes, and how many there are.
    pub fn absorb_bytes(&mut self, bytes: &[u8]) {
        let word = |part: &[u8]| part.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte));
        for block in bytes.chunks(24) {
            let mut parts = block.chunks(8).map(word);
            let mut part = || parts.next().unwrap_or(0);
            self.absorb([part(), part(), part(), bytes.len() as u64]);
        }
        if bytes.is_empty() {
            self.absorb([0; 4]);
        }
    }

    /// The digest so far; the running state stays as it is.
    #[must_use]
    pub fn finish(&self) -> Digest {
        let mut sha = Sha256::new();
        for word in self.lanes.iter().chain([&self.absorbed]) {
            sha.update(word.to_le_bytes());
        }
        Digest(sha.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(words: &[[u64; 4]]) -> Digest {
        let mut rolling = RollingDigest::default();
        words.iter().for_each(|&w| rolling.absorb(w));
        rolling.finish()
    }

    #[test]
    fn every_bit_of_every_word_and_the_order_count() {
        let base = [[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 0, 0]];
        let mut seen = std::collections::BTreeSet::from([digest(&base).0]);
        for event in 0..3 {
            for bit in 0..256 {
                let mut changed = base;
                changed[event][bit / 64] ^= 1 << (bit % 64);
                assert!(seen.insert(digest(&changed).0), "event {event}, bit {bit}");
            }
        }
        assert!(seen.insert(digest(&[base[1], base[0], base[2]]).0));
        assert!(seen.insert(digest(&base[..2]).0));
    }

    #[test]
    fn lengths_of_byte_strings_count() {
        let mut seen = std::collections::BTreeSet::new();
        for len in 0..100 {
            let mut rolling = RollingDigest::default();
            rolling.absorb_bytes(&vec![0; len]);
            assert!(seen.insert(rolling.finish().0), "{len} zero bytes");
        }
    }

    #[test]
    fn the_function_is_pinned() {
        let text = digest(&[[1, 2, 3, 4], [5, 6, 7, 8]]).to_string();
        assert_eq!(text, PINNED, "changing it would change the digest of every recorded run");
    }

    const PINNED: &str = "c779d7c3e3d8c704cc5655ea19378f1cfff0ccbd7813f09dd72862f164280c2f";
}
