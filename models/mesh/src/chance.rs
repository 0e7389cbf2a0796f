//! Chance by counting: the n-th draw of a stream is a hash of its key and n, so streams never disturb each other.

use serde::{Deserialize, Serialize};

/// One stream of draws, keyed by whoever owns it (seed, replication, node, purpose folded into 64 bits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chance {
    key: u64,
    drawn: u64,
}

impl Chance {
    /// A stream; equal keys draw equal values.
    #[must_use]
    pub const fn new(key: u64) -> Self {
        Self { key: mix(key), drawn: 0 }
    }

    /// A stream of its own for another purpose under the same owner.
    #[must_use]
    pub const fn fork(&self, purpose: u64) -> Self {
        Self::new(self.key ^ mix(purpose.wrapping_add(0x9E37_79B9_7F4A_7C15)))
    }

    /// The next 64 bits.
    pub const fn word(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        mix(self.key ^ self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// A whole number in `low..high`; `low` when the range is empty. Biased by less than range / 2⁶⁴.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low);
        let part = (u128::from(self.word()) * u128::from(span)) >> 64;
        low.saturating_add(u64::try_from(part).unwrap_or(0))
    }

    /// True with probability `share` (0–1).
    pub fn happens(&mut self, share: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are kept on purpose")]
        let drawn = (self.word() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < share
    }
}

/// The finaliser of SplitMix64.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |key| (0..100).map(move |_| ()).scan(Chance::new(key), |c, ()| Some(c.word())).collect::<Vec<_>>();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let mut chance = Chance::new(7).fork(3);
        assert!((0..10_000).all(|_| (10..20).contains(&chance.between(10, 20))));
        assert_eq!(chance.between(5, 5), 5);
        let hits = (0..10_000).filter(|_| chance.happens(0.3)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
    }
}
