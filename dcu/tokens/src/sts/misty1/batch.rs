//! 64 blocks at a time, each under its own key: bit *n* of every word belongs to block *n*.

use zeroize::Zeroizing;

use super::sbox::fi;

/// Blocks in one batch: the bits of a word.
pub(crate) const BATCH: usize = 64;

/// Sixteen bits of 64 blocks, least significant bit first.
type Half = [u64; 16];

/// Encrypts 64 blocks in place, block *n* under key *n*. A key is given as a number, its first byte the most significant.
pub(crate) fn encrypt_batch(keys: &[u128; BATCH], blocks: &mut [u64; BATCH]) {
    let schedule = Zeroizing::new(Schedule::new(keys));
    transpose(blocks);
    let [mut right_low, mut right_high, mut left_low, mut left_high] = quarters(blocks);
    for round in [0, 2, 4, 6] {
        schedule.fl(&mut left_high, &mut left_low, round);
        schedule.fl(&mut right_high, &mut right_low, round | 1);
        schedule.fo(&left_high, &left_low, &mut right_high, &mut right_low, round);
        schedule.fo(&right_high, &right_low, &mut left_high, &mut left_low, round | 1);
    }
    schedule.fl(&mut left_high, &mut left_low, 8);
    schedule.fl(&mut right_high, &mut right_low, 9);
    for (to, from) in blocks.chunks_exact_mut(16).zip([left_low, left_high, right_low, right_high]) {
        to.copy_from_slice(&from);
    }
    transpose(blocks);
}

/// The expanded keys of 64 blocks (RFC 2994, 2.2): EK\[0..8\], then EK\[8..16\].
struct Schedule {
    key: [Half; 8],
    mixed: [Half; 8],
}

impl zeroize::Zeroize for Schedule {
    fn zeroize(&mut self) {
        self.key.zeroize();
        self.mixed.zeroize();
    }
}

impl Schedule {
    fn new(keys: &[u128; BATCH]) -> Self {
        let mut high = Zeroizing::new(keys.map(|key| (key >> 64) as u64));
        let mut low = Zeroizing::new(keys.map(|key| (key & u128::from(u64::MAX)) as u64));
        transpose(&mut high);
        transpose(&mut low);
        let [k3, k2, k1, k0] = quarters(&high);
        let [k7, k6, k5, k4] = quarters(&low);
        let key = [k0, k1, k2, k3, k4, k5, k6, k7];
        let next = [k1, k2, k3, k4, k5, k6, k7, k0];
        let mut mixed = [[0; 16]; 8];
        for (mixed, (key, next)) in mixed.iter_mut().zip(key.iter().zip(&next)) {
            *mixed = fi(key, next);
        }
        Self { key, mixed }
    }

    fn key(&self, at: usize) -> &Half {
        let [first, ..] = &self.key;
        self.key.get(at & 7).unwrap_or(first)
    }

    fn mixed(&self, at: usize) -> &Half {
        let [first, ..] = &self.mixed;
        self.mixed.get(at & 7).unwrap_or(first)
    }

    /// `to ^= FO(from)` (2.3).
    fn fo(&self, high: &Half, low: &Half, to_high: &mut Half, to_low: &mut Half, round: usize) {
        let at = |step: usize| round.wrapping_add(step);
        let first = fi(&xor(high, self.key(round)), self.mixed(at(5)));
        let high = xor(&first, low);
        let second = fi(&xor(low, self.key(at(2))), self.mixed(at(1)));
        let low = xor(&second, &high);
        let third = fi(&xor(&high, self.key(at(7))), self.mixed(at(3)));
        *to_high = xor(to_high, &xor(&low, self.key(at(4))));
        *to_low = xor(to_low, &xor(&third, &low));
    }

    /// FL in place (2.3).
    fn fl(&self, high: &mut Half, low: &mut Half, at: usize) {
        let half = at >> 1;
        let step = |by: usize| half.wrapping_add(by);
        let (and, or) =
            if at & 1 == 0 { (self.key(half), self.mixed(step(6))) } else { (self.mixed(step(2)), self.key(step(4))) };
        for (((high, low), and), or) in high.iter_mut().zip(low.iter_mut()).zip(and).zip(or) {
            *low ^= *high & and;
            *high ^= *low | or;
        }
    }
}

#[inline]
fn xor(one: &Half, two: &Half) -> Half {
    let mut sum = *one;
    for (sum, two) in sum.iter_mut().zip(two) {
        *sum ^= two;
    }
    sum
}

/// Four runs of sixteen words, the least significant bits first.
fn quarters(words: &[u64; 64]) -> [Half; 4] {
    let mut quarters = [[0; 16]; 4];
    for (to, from) in quarters.iter_mut().zip(words.chunks_exact(16)) {
        to.copy_from_slice(from);
    }
    quarters
}

/// Bit *i* of word *n* becomes bit *n* of word *i*: six exchanges of ever smaller squares.
fn transpose(words: &mut [u64; 64]) {
    let mut mask = 0x0000_0000_FFFF_FFFF_u64;
    for size in [32_usize, 16, 8, 4, 2, 1] {
        for square in words.chunks_exact_mut(size << 1) {
            let (upper, lower) = square.split_at_mut(size);
            for (one, two) in upper.iter_mut().zip(lower) {
                let moved = ((*one >> size) ^ *two) & mask;
                *one ^= moved << size;
                *two ^= moved;
            }
        }
        mask ^= mask << (size >> 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_moves_every_bit() {
        for (word, bit) in [(0, 0), (0, 63), (63, 0), (5, 40), (33, 2)] {
            let mut words = [0; 64];
            words[word] = 1 << bit;
            transpose(&mut words);
            let mut expected = [0; 64];
            expected[bit] = 1 << word;
            assert_eq!(words, expected, "{word} {bit}");
        }
    }
}
