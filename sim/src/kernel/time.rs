//! Simulated time and the phases within an instant.

use std::fmt;

/// Nanoseconds since the start of the run.
///
/// A `u64` of nanoseconds reaches 584 years; arithmetic saturates at both ends, so "far future" needs no special case:
/// [`SimTime::MAX`] plus anything is [`SimTime::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(pub u64);

impl SimTime {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// Later than everything.
    pub const MAX: Self = Self(u64::MAX);

    /// From whole milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// From whole seconds.
    #[must_use]
    pub const fn from_s(s: u64) -> Self {
        Self(s.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Whole milliseconds, rounded down.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Seconds, for people and plots: past 104 days the last nanosecond is lost.
    #[must_use]
    pub const fn as_s_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// This time and `ms` milliseconds more.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000_000)))
    }

    /// Nanoseconds since `earlier`; 0 when that lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Nanoseconds later.
impl std::ops::Add<u64> for SimTime {
    type Output = Self;

    fn add(self, ns: u64) -> Self {
        Self(self.0.saturating_add(ns))
    }
}

/// Nanoseconds earlier.
impl std::ops::Sub<u64> for SimTime {
    type Output = Self;

    fn sub(self, ns: u64) -> Self {
        Self(self.0.saturating_sub(ns))
    }
}

/// Days, hours, minutes and seconds: `12d 06:30:00.250`.
impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.as_ms();
        let (s, ms) = (ms / 1000, ms % 1000);
        write!(f, "{}d {:02}:{:02}:{:02}.{ms:03}", s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60)
    }
}

/// What happens first within one instant: the world outside in, from cause to effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Sun, towers, provider, scripted faults.
    Environment = 0,
    /// Plant and feeders.
    Power = 1,
    /// Frames and messages on the air.
    Radio = 2,
    /// Meters.
    Meter = 3,
    /// The data concentrator and what stands behind it.
    Dcu = 4,
    /// People and their appliances.
    Customer = 5,
    /// Measuring: sees the instant after everything else has settled.
    Probe = 6,
}

impl Phase {
    /// All, in order.
    pub const ALL: [Self; 7] =
        [Self::Environment, Self::Power, Self::Radio, Self::Meter, Self::Dcu, Self::Customer, Self::Probe];

    /// From its rank; anything above the last is the last.
    pub(super) const fn from_rank(rank: u64) -> Self {
        match rank {
            0 => Self::Environment,
            1 => Self::Power,
            2 => Self::Radio,
            3 => Self::Meter,
            4 => Self::Dcu,
            5 => Self::Customer,
            _ => Self::Probe,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_saturates_instead_of_wrapping() {
        assert_eq!(SimTime::MAX + 1, SimTime::MAX);
        assert_eq!(SimTime::ZERO - 1, SimTime::ZERO);
        assert_eq!(SimTime::from_s(u64::MAX), SimTime::MAX);
        assert_eq!(SimTime::from_ms(5).since(SimTime::from_ms(7)), 0);
    }

    #[test]
    fn time_is_shown_as_a_clock() {
        assert_eq!(SimTime::from_ms(86_400_000 + 3_661_250).to_string(), "1d 01:01:01.250");
    }

    #[test]
    fn ranks_name_phases_both_ways() {
        for phase in Phase::ALL {
            assert_eq!(Phase::from_rank(phase as u64), phase);
        }
    }
}
