//! An adaptive binary range coder: what is expected costs next to nothing.
//!
//! Every yes-or-no question has a [`Bit`] that learns how it is usually answered. The coder keeps a range of 32 bits,
//! divides it by the bit's guess at every answer, and puts out a byte whenever the upper eight are settled. Integer
//! arithmetic alone, so that the same answers make the same bytes everywhere. Encoder and decoder are one [`Coder`]: the
//! model asks the same questions in both directions, and so cannot come to differ.

/// Bits of a probability.
const PROBABILITY_BITS: u32 = 15;
/// A certain "no".
const ONE: u16 = 1 << PROBABILITY_BITS;
/// The range is refilled below this.
const RANGE_MIN: u32 = 1 << 24;
/// A bit weighs its last so many answers, no more: what is usual may change.
const MEMORY: usize = 250;
/// What the n-th answer weighs, in parts of 2¹⁶: the first counts two thirds, the n-th one in n and a half.
const WEIGHTS: [u16; MEMORY] = {
    let mut weights = [0; MEMORY];
    let mut n = 0;
    while let Some((_, rest)) = weights.split_at_mut_checked(n)
        && let Some(weight) = rest.first_mut()
    {
        *weight = (131_072 / (2 * n as u32 + 3)) as u16;
        n += 1;
    }
    weights
};

/// What is known of one question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bit {
    /// How likely "no" is.
    no: u16,
    answers: u16,
}

impl Default for Bit {
    fn default() -> Self {
        Self { no: ONE >> 1, answers: 0 }
    }
}

impl Bit {
    fn learn(&mut self, answer: bool) {
        let weight = WEIGHTS.get(usize::from(self.answers)).or(WEIGHTS.last()).map_or(0, |weight| u32::from(*weight));
        let share = |off: u16| (u32::from(off).wrapping_mul(weight) >> 16) as u16;
        if answer {
            self.no = self.no.wrapping_sub(share(self.no));
        } else {
            self.no = self.no.wrapping_add(share(ONE.wrapping_sub(self.no)));
        }
        // Neither answer ever becomes impossible.
        self.no = self.no.clamp(16, ONE - 16);
        self.answers = self.answers.saturating_add(1).min(MEMORY as u16);
    }
}

/// One direction of the coder. The encoder writes the answer that it is given and gives it back; the decoder ignores
/// what it is given and answers what was written.
pub(super) trait Coder {
    /// A question with a history.
    fn ask(&mut self, bit: &mut Bit, answer: bool) -> bool;
    /// A question without one.
    fn toss(&mut self, answer: bool) -> bool;
}

/// Writes.
#[derive(Debug)]
pub(super) struct Encoder {
    low: u64,
    range: u32,
    /// The last byte that is not certain yet, and how many 0xFF follow it; none before the first.
    held: Option<u8>,
    pending: usize,
    out: Vec<u8>,
}

impl Encoder {
    /// Nothing written yet.
    pub(super) const fn new() -> Self {
        Self { low: 0, range: u32::MAX, held: None, pending: 0, out: Vec::new() }
    }

    /// All that was written. Zeros at the end are left out: the decoder reads zeros there.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // Of all numbers in the range, the one with most zeros at its end.
        let top = self.low.wrapping_add(u64::from(self.range)).wrapping_sub(1);
        let fits = |bits: &u32| (top >> *bits) << *bits >= self.low;
        let bits = (0..34).rev().find(fits).unwrap_or(0);
        self.low = (top >> bits) << bits;
        for _ in 0..5 {
            self.shift();
        }
        while self.out.last() == Some(&0) {
            self.out.pop();
        }
        self.out
    }

    fn shift(&mut self) {
        let carry = (self.low >> 32) as u8;
        let next = (self.low >> 24) as u8;
        if carry == 0 && next == 0xFF {
            self.pending = self.pending.saturating_add(1);
        } else {
            if let Some(held) = self.held {
                self.out.push(held.wrapping_add(carry));
            }
            // Nothing is ever carried beyond the first byte.
            self.out.extend(std::iter::repeat_n(0xFF_u8.wrapping_add(carry), self.pending));
            self.pending = 0;
            self.held = Some(next);
        }
        self.low = (self.low & 0x00FF_FFFF) << 8;
    }

    fn refill(&mut self) {
        while self.range < RANGE_MIN {
            self.shift();
            self.range <<= 8;
        }
    }
}

impl Coder for Encoder {
    fn ask(&mut self, bit: &mut Bit, answer: bool) -> bool {
        let bound = (self.range >> PROBABILITY_BITS).wrapping_mul(u32::from(bit.no));
        if answer {
            self.low = self.low.wrapping_add(u64::from(bound));
            self.range = self.range.wrapping_sub(bound);
        } else {
            self.range = bound;
        }
        bit.learn(answer);
        self.refill();
        answer
    }

    fn toss(&mut self, answer: bool) -> bool {
        self.range >>= 1;
        if answer {
            self.low = self.low.wrapping_add(u64::from(self.range));
        }
        self.refill();
        answer
    }
}

/// Reads. Bytes that are no coder's work give answers too: whoever asks must bound how much is asked.
#[derive(Debug)]
pub(super) struct Decoder<'b> {
    code: u32,
    range: u32,
    bytes: std::slice::Iter<'b, u8>,
}

impl<'b> Decoder<'b> {
    /// Reads these bytes, and zeros behind them.
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        let mut decoder = Self { code: 0, range: u32::MAX, bytes: bytes.iter() };
        for _ in 0..4 {
            decoder.code = (decoder.code << 8) | decoder.next();
        }
        decoder
    }

    fn next(&mut self) -> u32 {
        self.bytes.next().map_or(0, |byte| u32::from(*byte))
    }

    fn refill(&mut self) {
        while self.range < RANGE_MIN {
            self.code = (self.code << 8) | self.next();
            self.range <<= 8;
        }
    }
}

impl Coder for Decoder<'_> {
    fn ask(&mut self, bit: &mut Bit, _: bool) -> bool {
        let bound = (self.range >> PROBABILITY_BITS).wrapping_mul(u32::from(bit.no));
        let answer = self.code >= bound;
        if answer {
            self.code = self.code.wrapping_sub(bound);
            self.range = self.range.wrapping_sub(bound);
        } else {
            self.range = bound;
        }
        bit.learn(answer);
        self.refill();
        answer
    }

    fn toss(&mut self, _: bool) -> bool {
        self.range >>= 1;
        let answer = self.code >= self.range;
        if answer {
            self.code = self.code.wrapping_sub(self.range);
        }
        self.refill();
        answer
    }
}

/// Bits of the length of a number: 1 to 64, less one.
const LENGTH_BITS: usize = 6;
/// Leading bits of a number below its first one that have a history; the others are tossed.
const LEADING_BITS: usize = 3;

/// A kind of numbers: first whether there is any but zero, then how long it is in bits, then the bits.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    any: Bit,
    length: [Bit; 1 << LENGTH_BITS],
    /// By length, as far as one has been met: most kinds of numbers are short.
    leading: Vec<[Bit; 1 << LEADING_BITS]>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { any: Bit::default(), length: [Bit::default(); 1 << LENGTH_BITS], leading: Vec::new() }
    }
}

impl Numbers {
    /// One number.
    pub(super) fn code<C: Coder>(&mut self, coder: &mut C, number: u64) -> u64 {
        if !coder.ask(&mut self.any, number != 0) {
            return 0;
        }
        let given = u64::BITS.wrapping_sub(number.leading_zeros()).saturating_sub(1);
        let mut node = 1_usize;
        for place in (0..LENGTH_BITS).rev() {
            let answer = ask_in(coder, &mut self.length, node, (given >> place) & 1 == 1);
            node = (node << 1) | usize::from(answer);
        }
        let below = node & ((1 << LENGTH_BITS) - 1);
        if self.leading.len() <= below {
            self.leading.resize(below.saturating_add(1), [Bit::default(); 1 << LEADING_BITS]);
        }
        let mut found = 1_u64;
        let mut context = 1_usize;
        for place in (0..below).rev() {
            let bit = (number >> place) & 1 == 1;
            let answer = if let Some(bits) = self.leading.get_mut(below).filter(|_| context < 1 << LEADING_BITS) {
                let answer = ask_in(coder, bits, context, bit);
                context = (context << 1) | usize::from(answer);
                answer
            } else {
                coder.toss(bit)
            };
            found = (found << 1) | u64::from(answer);
        }
        found
    }

    /// A number that is probably near a guess.
    pub(super) fn near<C: Coder>(&mut self, coder: &mut C, guess: u64, number: u64) -> u64 {
        let off = number.wrapping_sub(guess).cast_signed();
        let zigzag = ((off << 1) ^ (off >> 63)).cast_unsigned();
        let zigzag = self.code(coder, zigzag);
        let off = (zigzag >> 1) ^ (zigzag & 1).wrapping_neg();
        guess.wrapping_add(off)
    }
}

fn ask_in<C: Coder>(coder: &mut C, bits: &mut [Bit], at: usize, answer: bool) -> bool {
    match bits.get_mut(at) {
        Some(bit) => coder.ask(bit, answer),
        None => coder.toss(answer),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(numbers: &[u64], guess: u64) -> Vec<u8> {
        let mut encoder = Encoder::new();
        let (mut plain, mut near) = (Numbers::default(), Numbers::default());
        for &number in numbers {
            plain.code(&mut encoder, number);
            near.near(&mut encoder, guess, number);
        }
        encoder.finish()
    }

    #[test]
    fn what_repeats_costs_next_to_nothing() {
        // Eleven questions a number, none of which is open.
        assert!(written(&[7; 4000], 7).len() < 60, "{}", written(&[7; 4000], 7).len());
        assert!(written(&[], 0).is_empty());
    }

    proptest! {
        #[test]
        fn numbers_come_back(
            numbers in proptest::collection::vec(prop_oneof![any::<u64>(), 0_u64..9, Just(u64::MAX)], 0..200),
            guess in any::<u64>(),
        ) {
            let bytes = written(&numbers, guess);
            let mut decoder = Decoder::new(&bytes);
            let (mut plain, mut near) = (Numbers::default(), Numbers::default());
            for &number in &numbers {
                prop_assert_eq!(plain.code(&mut decoder, 0), number);
                prop_assert_eq!(near.near(&mut decoder, guess, 0), number);
            }
        }
    }
}
