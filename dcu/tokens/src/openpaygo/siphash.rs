//! SipHash-2-4 with a key of 128 bits and a result of 64 (Aumasson and Bernstein, 2012): the one primitive of OpenPAYGO.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// The key, as two words.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct SipKey {
    low: u64,
    high: u64,
}

impl SipKey {
    pub(super) const fn new(key: &[u8; 16]) -> Self {
        let number = u128::from_le_bytes(*key);
        Self { low: number as u64, high: (number >> 64) as u64 }
    }

    /// The hash of a message.
    pub(super) fn hash(&self, message: &[u8]) -> u64 {
        let mut state = self.start();
        let mut words = message.chunks_exact(8);
        for word in words.by_ref() {
            state.absorb(little_endian(word));
        }
        let length = (message.len() & 0xFF) as u64;
        state.finish(length << 56 | little_endian(words.remainder()))
    }

    /// The hash of eight bytes, given as a number whose first byte is the most significant.
    #[inline]
    pub(super) fn hash_word(&self, word: u64) -> u64 {
        let mut state = self.start();
        state.absorb(word.swap_bytes());
        state.finish(8 << 56)
    }

    #[inline]
    const fn start(&self) -> State {
        State([
            self.low ^ 0x736f_6d65_7073_6575,
            self.high ^ 0x646f_7261_6e64_6f6d,
            self.low ^ 0x6c79_6765_6e65_7261,
            self.high ^ 0x7465_6462_7974_6573,
        ])
    }
}

struct State([u64; 4]);

impl State {
    #[inline]
    fn absorb(&mut self, word: u64) {
        let [.., last] = &mut self.0;
        *last ^= word;
        self.round();
        self.round();
        let [first, ..] = &mut self.0;
        *first ^= word;
    }

    #[inline]
    fn finish(mut self, last: u64) -> u64 {
        self.absorb(last);
        let [_, _, third, _] = &mut self.0;
        *third ^= 0xFF;
        for _ in 0..4 {
            self.round();
        }
        let [a, b, c, d] = self.0;
        a ^ b ^ c ^ d
    }

    #[inline]
    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        c = c.wrapping_add(d);
        b = b.rotate_left(13) ^ a;
        d = d.rotate_left(16) ^ c;
        a = a.rotate_left(32).wrapping_add(d);
        c = c.wrapping_add(b);
        d = d.rotate_left(21) ^ a;
        b = b.rotate_left(17) ^ c;
        self.0 = [a, b, c.rotate_left(32), d];
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's example, appendix A, and that both ways to hash eight bytes agree.
    #[test]
    fn published_example() {
        let key: [u8; 16] = std::array::from_fn(|at| at as u8);
        let message: Vec<u8> = (0..15).collect();
        let key = SipKey::new(&key);
        assert_eq!(key.hash(&message), 0xa129_ca61_49be_45e5);
        let word = 0x0123_4567_89ab_cdef_u64;
        assert_eq!(key.hash_word(word), key.hash(&word.to_be_bytes()));
    }
}
