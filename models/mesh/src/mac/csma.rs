//! Unslotted CSMA-CA (IEEE 802.15.4-2020, 6.2.5.1), without a clock and without a channel.
//!
//! One [`Access`] is one frame's attempt to get the channel: wait a random number of backoff units, look, and either go,
//! or wait longer (the exponent grows up to its bound), or give up.

use serde::{Deserialize, Serialize};

use crate::chance::Chance;

/// The constants of the algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Csma {
    /// macMinBE: the first wait is below `2^min_be` units.
    pub min_be: u8,
    /// macMaxBE: no wait is longer than `2^max_be` units.
    pub max_be: u8,
    /// macMaxCsmaBackoffs: how often the channel may be found busy and tried again.
    pub max_backoffs: u8,
}

impl Csma {
    /// The standard's default values (8.4.3.1): 3, 5, 4.
    #[must_use]
    pub fn standard() -> Self {
        Self { min_be: 3, max_be: 5, max_backoffs: 4 }
    }

    /// What an open Wi-SUN radio co-processor starts with (facts, `radio.json`): 3, 5, 8.
    #[must_use]
    pub fn wisun() -> Self {
        Self { min_be: 3, max_be: 5, max_backoffs: 8 }
    }
}

/// One frame's attempt to get the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    exponent: u8,
    busy: u8,
}

/// What to do after the channel was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send now.
    Send,
    /// Wait so many backoff units and look again.
    Wait(u32),
    /// Tell the upper layer: the channel was busy too often.
    GiveUp,
}

impl Access {
    /// Begins; also tells the first wait, in backoff units.
    pub fn begin(csma: &Csma, draws: &mut Chance) -> (Self, u32) {
        let access = Self { exponent: csma.min_be, busy: 0 };
        (access, access.wait(draws))
    }

    /// The channel was looked at.
    pub fn handle_cca(&mut self, clear: bool, csma: &Csma, draws: &mut Chance) -> Next {
        if clear {
            return Next::Send;
        }
        self.busy = self.busy.saturating_add(1);
        self.exponent = self.exponent.saturating_add(1).min(csma.max_be);
        if self.busy > csma.max_backoffs { Next::GiveUp } else { Next::Wait(self.wait(draws)) }
    }

    /// A wait with the exponent as it stands, in backoff units: even over `0..2^exponent`.
    pub fn wait(&self, draws: &mut Chance) -> u32 {
        draws.between(0, 1 << self.exponent.min(20)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_grows_to_its_bound_and_the_fifth_busy_look_ends_it() {
        let (csma, mut longest) = (Csma::standard(), [0; 5]);
        for seed in 0..4_000 {
            let mut draws = Chance::new(seed);
            let (mut access, first) = Access::begin(&csma, &mut draws);
            longest[0] = longest[0].max(first);
            for stage in longest.iter_mut().skip(1) {
                let Next::Wait(units) = access.handle_cca(false, &csma, &mut draws) else { panic!("gave up early") };
                *stage = (*stage).max(units);
            }
            assert_eq!(access.handle_cca(false, &csma, &mut draws), Next::GiveUp);
        }
        assert_eq!(longest, [7, 15, 31, 31, 31]);
    }

    #[test]
    fn waits_are_even() {
        let (csma, mut draws, mut seen) = (Csma::standard(), Chance::new(7), [0_u32; 8]);
        (0..8_000).for_each(|_| seen[Access::begin(&csma, &mut draws).1 as usize] += 1);
        assert!(seen.iter().all(|&count| (900..1_100).contains(&count)), "{seen:?}");
    }
}
