//! One block at a time.
//!
//! Four 16-bit values travel in one word, value *n* in bits 16·n and up. Shifting the word right by *i* brings bit *i* of
//! every value to bit 16·n, which is all that the formulas need; what is in between is masked off at the end. So the two
//! independent FI of a round cost one evaluation, and the whole key schedule two.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::sbox::fi;

/// Bit 0 of each of the four values.
const LOW_BITS: u64 = 0x0001_0001_0001_0001;

/// The expanded key (RFC 2994, 2.2): EK\[0..8\] and EK\[8..16\].
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Schedule {
    key: [u16; 8],
    mixed: [u16; 8],
}

impl Schedule {
    /// Expands a key, given as a number: its first byte is the most significant one.
    pub(crate) fn new(key: u128) -> Self {
        let key: [u16; 8] = words(key);
        let [k0, k1, k2, k3, k4, k5, k6, k7] = key;
        let [m0, m1, m2, m3] = fi_4([k0, k1, k2, k3], [k1, k2, k3, k4]);
        let [m4, m5, m6, m7] = fi_4([k4, k5, k6, k7], [k5, k6, k7, k0]);
        Self { key, mixed: [m0, m1, m2, m3, m4, m5, m6, m7] }
    }

    /// Encrypts one block.
    pub(crate) fn encrypt(&self, block: u64) -> u64 {
        let (mut left, mut right) = halves(block);
        for round in [0, 2, 4, 6] {
            left = self.fl::<false>(left, round);
            right = self.fl::<false>(right, round | 1);
            right ^= self.fo(left, round);
            left ^= self.fo(right, round | 1);
        }
        join(self.fl::<false>(right, 9), self.fl::<false>(left, 8))
    }

    /// Decrypts one block.
    pub(crate) fn decrypt(&self, block: u64) -> u64 {
        let (right, left) = halves(block);
        let (mut left, mut right) = (self.fl::<true>(left, 8), self.fl::<true>(right, 9));
        for round in [6, 4, 2, 0] {
            left ^= self.fo(right, round | 1);
            right ^= self.fo(left, round);
            left = self.fl::<true>(left, round);
            right = self.fl::<true>(right, round | 1);
        }
        join(left, right)
    }

    fn key(&self, at: usize) -> u16 {
        self.key.get(at & 7).copied().unwrap_or_default()
    }

    fn mixed(&self, at: usize) -> u16 {
        self.mixed.get(at & 7).copied().unwrap_or_default()
    }

    /// FO (2.3). The first two FI have inputs that do not depend on each other.
    #[inline]
    fn fo(&self, input: u32, round: usize) -> u32 {
        let (high, low) = split(input);
        let at = |step: usize| round.wrapping_add(step);
        let [first, second, ..] =
            fi_4([high ^ self.key(round), low ^ self.key(at(2)), 0, 0], [self.mixed(at(5)), self.mixed(at(1)), 0, 0]);
        let high = first ^ low;
        let low = second ^ high;
        let [third, ..] = fi_4([high ^ self.key(at(7)), 0, 0, 0], [self.mixed(at(3)), 0, 0, 0]);
        glue(low ^ self.key(at(4)), third ^ low)
    }

    /// FL and its inverse (2.3).
    #[inline]
    fn fl<const INVERSE: bool>(&self, input: u32, at: usize) -> u32 {
        let (mut high, mut low) = split(input);
        let half = at >> 1;
        let step = |by: usize| half.wrapping_add(by);
        let (and, or) =
            if at & 1 == 0 { (self.key(half), self.mixed(step(6))) } else { (self.mixed(step(2)), self.key(step(4))) };
        if INVERSE {
            high ^= low | or;
            low ^= high & and;
        } else {
            low ^= high & and;
            high ^= low | or;
        }
        glue(high, low)
    }
}

/// FI of four values under four keys.
#[inline]
fn fi_4(inputs: [u16; 4], keys: [u16; 4]) -> [u16; 4] {
    let (input, key) = (pack(inputs), pack(keys));
    let output = fi(&slice(input), &slice(key));
    let mut packed = 0;
    for (bit, word) in output.iter().enumerate() {
        packed |= (word & LOW_BITS) << (bit & 15);
    }
    unpack(packed)
}

#[inline]
fn slice(packed: u64) -> [u64; 16] {
    std::array::from_fn(|bit| packed >> (bit & 15))
}

#[inline]
fn pack([a, b, c, d]: [u16; 4]) -> u64 {
    u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(d) << 48
}

#[inline]
fn unpack(packed: u64) -> [u16; 4] {
    [0, 16, 32, 48].map(|at| (packed >> at & 0xFFFF) as u16)
}

fn words(key: u128) -> [u16; 8] {
    [112, 96, 80, 64, 48, 32, 16, 0].map(|at| (key >> at & 0xFFFF) as u16)
}

fn split(word: u32) -> (u16, u16) {
    ((word >> 16) as u16, (word & 0xFFFF) as u16)
}

fn glue(high: u16, low: u16) -> u32 {
    u32::from(high) << 16 | u32::from(low)
}

fn halves(block: u64) -> (u32, u32) {
    ((block >> 32) as u32, (block & 0xFFFF_FFFF) as u32)
}

fn join(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}
