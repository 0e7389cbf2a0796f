//! A neighbour's expected transmissions (Wi-SUN FAN 1.1, 6.2.3.1.6.1): 128 × sent / acknowledged, smoothed.
//!
//! | constant | value |
//! |---|---|
//! | least requests in an epoch | 4 (1 while a parent is being chosen) |
//! | least length of an epoch | 60 s (0 while a parent is being chosen) |
//! | smoothing | 1/8; the first values weigh more: 1/2, 1/3 … 1/8 |
//! | largest value | 1024, a link of one in eight |
//! | too old, probe it | 30 min |
//!
//! Whole numbers throughout (units of 1/128 transmission, kept with eight more bits), so that it folds to the bit.

use serde::{Deserialize, Serialize};

/// One transmission, in the unit of the metric.
pub const ONE: u32 = 128;
/// The largest value.
pub const MAX: u32 = 1024;
/// When a value is so old that a probe should refresh it, nanoseconds.
pub const REFRESH_NS: u64 = 1_800_000_000_000;

/// How much evidence closes an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// Requests at least.
    pub requests_min: u32,
    /// And time at least, nanoseconds.
    pub ns_min: u64,
}

impl Epoch {
    /// In operation.
    pub const STEADY: Self = Self { requests_min: 4, ns_min: 60_000_000_000 };
    /// While a parent is being chosen: the first answer counts.
    pub const CHOOSING: Self = Self { requests_min: 1, ns_min: 0 };
}

/// What is known of one link, outbound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Etx {
    /// The smoothed value × 256; none before the first epoch.
    smooth: Option<u32>,
    folds: u32,
    requests: u32,
    attempts: u32,
    acks: u32,
    since_ns: u64,
    updated_ns: u64,
}

impl Etx {
    /// The metric in 1/128 transmissions; none before the first epoch is full.
    #[must_use]
    pub fn value(&self) -> Option<u32> {
        self.smooth.map(|value| (value + 128) >> 8)
    }

    /// Whether the value is so old that a probe should refresh it.
    #[must_use]
    pub fn is_old(&self, now_ns: u64) -> bool {
        self.smooth.is_none() || now_ns.saturating_sub(self.updated_ns) >= REFRESH_NS
    }

    /// One request to this neighbour ended: after so many attempts, acknowledged or not. Tells whether the value changed.
    pub fn handle_request(&mut self, now_ns: u64, attempts: u32, acked: bool, epoch: Epoch) -> bool {
        if self.requests == 0 {
            self.since_ns = now_ns;
        }
        self.requests = self.requests.saturating_add(1);
        self.attempts = self.attempts.saturating_add(attempts.max(1));
        self.acks = self.acks.saturating_add(u32::from(acked));
        if self.requests < epoch.requests_min || now_ns.saturating_sub(self.since_ns) < epoch.ns_min {
            return false;
        }
        let fresh = match self.acks {
            0 => MAX << 8,
            acks => {
                (((u64::from(self.attempts) * u64::from(ONE)) << 8) / u64::from(acks)).min(u64::from(MAX) << 8) as u32
            }
        };
        self.folds = self.folds.saturating_add(1).min(8);
        let before = self.smooth;
        self.smooth = Some(before.map_or(fresh, |old| {
            let step = (i64::from(fresh) - i64::from(old)) / i64::from(self.folds);
            (i64::from(old) + step).clamp(0, i64::from(MAX) << 8) as u32
        }));
        (self.requests, self.attempts, self.acks, self.updated_ns) = (0, 0, 0, now_ns);
        self.smooth != before
    }

    /// Forgets what was learned before the broadcast schedule was known: unicasts then met deaf neighbours.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000_000_000;

    #[test]
    fn an_epoch_needs_requests_and_time() {
        let mut etx = Etx::default();
        assert!((1..=10).all(|request| !etx.handle_request(request, 1, true, Epoch::STEADY)), "ten at once: too soon");
        assert!(etx.handle_request(MINUTE + 1, 1, true, Epoch::STEADY));
        assert_eq!(etx.value(), Some(128));
        let mut choosing = Etx::default();
        assert!(choosing.handle_request(5, 3, true, Epoch::CHOOSING));
        assert_eq!((choosing.value(), choosing.is_old(6), choosing.is_old(6 + REFRESH_NS)), (Some(384), false, true));
    }

    #[test]
    fn a_dead_link_is_the_largest_value_and_weights_settle_at_an_eighth() {
        let mut etx = Etx::default();
        etx.handle_request(0, 8, false, Epoch::CHOOSING);
        assert_eq!(etx.value(), Some(1024));
        for at in 1..40 {
            etx.handle_request(at, 1, true, Epoch::CHOOSING);
        }
        let before = etx.value().unwrap();
        etx.handle_request(50, 2, true, Epoch::CHOOSING);
        let moved = etx.value().unwrap() - before;
        assert!((before..140).contains(&before) && (13..=16).contains(&moved), "{before} then +{moved}");
    }
}
