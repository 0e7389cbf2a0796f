//! Choices and pieces drawn from the fuzzer's bytes, front to back.

/// What is left of the input.
pub struct Plan<'a>(&'a [u8]);

impl<'a> Plan<'a> {
    /// Over the whole input.
    pub const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The next byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number that the next byte chooses, below the bound.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte().unwrap_or(0)) % bound.max(1)
    }

    /// The next piece: a length of one byte (beyond 239 in steps of 64), then so much as is there.
    pub fn piece(&mut self) -> &'a [u8] {
        let length = match usize::from(self.byte().unwrap_or(0)) {
            long @ 0xF0.. => (long - 0xEF) * 64,
            short => short,
        };
        let (piece, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        piece
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// A time to pass, ns: nothing, a little, a timeout, hours.
    pub fn pause_ns(&mut self) -> u64 {
        [0, 1_000_000, 300_000_000, 1_900_000_000, 21_000_000_000, 130_000_000_000, 10_000_000_000_000][self.below(7)]
    }
}
