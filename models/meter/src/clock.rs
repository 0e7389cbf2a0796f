//! A crystal that is a little off: what a meter takes for the time.
//!
//! Half a second a day, as the field has it, is 5.8 millionths. The error grows from the last time at which somebody set
//! the clock; it is the reason why a meter's timestamps are hints.

use std::time::Duration;

/// Half a second a day, in thousand-millionths.
pub const HALF_SECOND_A_DAY_PPB: i32 = 5787;

/// A clock that runs fast or slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriftingClock {
    /// So many nanoseconds too fast per second.
    drift_ppb: i32,
    set_at_ns: u64,
    unix_us_then: u64,
    set: bool,
}

impl DriftingClock {
    /// A clock that shows this time at time 0; nobody has set it yet.
    #[must_use]
    pub const fn new(unix_us_at_zero: u64, drift_ppb: i32) -> Self {
        Self { drift_ppb, set_at_ns: 0, unix_us_then: unix_us_at_zero, set: false }
    }

    /// What it shows, Unix microseconds.
    #[must_use]
    pub fn unix_us(&self, now: u64) -> u64 {
        let run = i128::from(now.saturating_sub(self.set_at_ns));
        let shown = run + run * i128::from(self.drift_ppb) / 1_000_000_000;
        let shown_us = u64::try_from(shown.max(0) / 1000).unwrap_or(u64::MAX);
        self.unix_us_then.saturating_add(shown_us)
    }

    /// Somebody sets it; how far off it was.
    pub fn set(&mut self, now: u64, unix_us: u64) -> Duration {
        let off = self.unix_us(now).abs_diff(unix_us);
        (self.set_at_ns, self.unix_us_then, self.set) = (now, unix_us, true);
        Duration::from_micros(off)
    }

    /// Somebody has set it since the meter was made.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_NS: u64 = 86_400_000_000_000;

    #[test]
    fn half_a_second_a_day_until_somebody_sets_it() {
        for (drift_ppb, off_us) in [(HALF_SECOND_A_DAY_PPB, 499_996), (-HALF_SECOND_A_DAY_PPB, -499_997), (0, 0)] {
            let mut clock = DriftingClock::new(1_000_000, drift_ppb);
            let shown = i128::from(clock.unix_us(DAY_NS)) - i128::from(1_000_000 + DAY_NS / 1000);
            assert!((shown - off_us).abs() <= 1, "{shown}");
            assert!(!clock.is_set());
            let off = clock.set(DAY_NS, 1_000_000 + DAY_NS / 1000);
            assert!(i128::try_from(off.as_micros()).unwrap().abs_diff(off_us.abs()) <= 1);
            assert!(clock.is_set() && clock.unix_us(DAY_NS) == 1_000_000 + DAY_NS / 1000);
        }
    }
}
