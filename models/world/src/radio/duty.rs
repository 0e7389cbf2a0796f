//! Keeping the regulator's limits of time on the air: what a device may still send in the sliding window.
//!
//! The hour is kept in 64 slices. A slice that lies only partly in the window counts in full, so the account is never
//! too generous (by at most a slice's share), and its size does not grow with the frames.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::channels::DutyLimit;

const HOUR_US: u64 = 3_600_000_000;
const SLICES: u64 = 64;

/// Account of one device in one band (for a dwell limit: on one channel).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DutyAccount {
    limit: DutyLimit,
    /// Number of the slice, µs sent in it; in order, at most one a slice.
    slices: VecDeque<(u64, u64)>,
    used_us: u64,
}

impl DutyAccount {
    /// An account with nothing sent yet.
    #[must_use]
    pub const fn new(limit: DutyLimit) -> Self {
        Self { limit, slices: VecDeque::new(), used_us: 0 }
    }

    /// Airtime allowed in a window, µs; `None` without a limit.
    #[must_use]
    pub fn budget_us(&self) -> Option<u64> {
        match self.limit {
            DutyLimit::PerHour { ten_thousandths } => Some(HOUR_US / 10_000 * u64::from(ten_thousandths.min(10_000))),
            DutyLimit::Dwell { on_channel_ms, .. } => Some(u64::from(on_channel_ms) * 1000),
            DutyLimit::None => None,
        }
    }

    /// Airtime sent in the window that ends now, µs.
    pub fn used_us(&mut self, now_us: u64) -> u64 {
        self.forget(now_us);
        self.used_us
    }

    /// Books a frame if the limit allows it now; says whether it does.
    pub fn try_send(&mut self, now_us: u64, airtime_us: u64) -> bool {
        self.forget(now_us);
        let Some(budget_us) = self.budget_us() else { return true };
        if self.used_us.saturating_add(airtime_us) > budget_us {
            return false;
        }
        let slice = self.slice(now_us + airtime_us);
        match self.slices.back_mut() {
            Some(last) if last.0 >= slice => last.1 += airtime_us,
            _ => self.slices.push_back((slice, airtime_us)),
        }
        self.used_us += airtime_us;
        true
    }

    /// Earliest time at which a frame of this length would be allowed, µs; `None` when it never is (longer than the
    /// whole budget).
    #[must_use]
    pub fn free_at_us(&self, now_us: u64, airtime_us: u64) -> Option<u64> {
        let Some(budget_us) = self.budget_us() else { return Some(now_us) };
        if airtime_us > budget_us {
            return None;
        }
        let mut used = self.used_us;
        let mut at_us = now_us;
        for &(slice, sent) in &self.slices {
            if !self.is_past(slice, now_us) && used.saturating_add(airtime_us) <= budget_us {
                break;
            }
            at_us = at_us.max(self.gone_at_us(slice));
            used -= sent;
        }
        Some(at_us)
    }

    const fn window_us(&self) -> u64 {
        match self.limit {
            DutyLimit::Dwell { window_ms, .. } if window_ms > 0 => window_ms as u64 * 1000,
            _ => HOUR_US,
        }
    }

    fn slice_us(&self) -> u64 {
        self.window_us().div_ceil(SLICES).max(1)
    }

    fn slice(&self, at_us: u64) -> u64 {
        at_us / self.slice_us()
    }

    /// When the whole slice has left the window.
    fn gone_at_us(&self, slice: u64) -> u64 {
        (slice + 1) * self.slice_us() + self.window_us()
    }

    fn is_past(&self, slice: u64, at_us: u64) -> bool {
        self.gone_at_us(slice) <= at_us
    }

    fn forget(&mut self, now_us: u64) {
        while let Some(&(slice, sent)) = self.slices.front() {
            if !self.is_past(slice, now_us) {
                break;
            }
            self.used_us -= sent;
            self.slices.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE_PERCENT: DutyLimit = DutyLimit::PerHour { ten_thousandths: 100 };

    /// Airtime in the worst window of the limit's length.
    fn worst(sent: &[(u64, u64)], window_us: u64) -> u64 {
        let ends = sent.iter().map(|(at, air)| at + air);
        ends.map(|end| {
            let from = end.saturating_sub(window_us);
            sent.iter().map(|&(at, air)| (at + air).min(end).saturating_sub(at.max(from))).sum::<u64>()
        })
        .max()
        .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_sliding_hour_ever_exceeds_the_limit(
            steps in prop::collection::vec((0_u64..400_000_000, 1_u64..3_000_000), 1..300),
        ) {
            let mut account = DutyAccount::new(ONE_PERCENT);
            let mut now = 0;
            let mut sent = Vec::new();
            for (wait, air) in steps {
                now += wait;
                if account.try_send(now, air) {
                    sent.push((now, air));
                    now += air;
                }
            }
            prop_assert!(worst(&sent, HOUR_US) <= 36_000_000);
        }
    }

    /// The sabotage: an account that starts afresh every full hour lets twice the limit through around the stroke.
    #[test]
    fn a_clock_hour_account_would_break_it() {
        let minute = 60_000_000;
        let sent: Vec<(u64, u64)> = [59, 60].map(|m| (m * minute, 36_000_000)).to_vec();
        assert!(worst(&sent, HOUR_US) > 36_000_000);
        let mut account = DutyAccount::new(ONE_PERCENT);
        assert!(account.try_send(sent[0].0, sent[0].1));
        assert!(!account.try_send(sent[1].0, sent[1].1));
    }

    #[test]
    fn it_says_when_there_is_room_again_and_keeps_its_word() {
        let mut account = DutyAccount::new(ONE_PERCENT);
        assert!(account.try_send(0, 20_000_000));
        assert!(account.try_send(600_000_000, 16_000_000));
        assert_eq!(account.used_us(700_000_000), 36_000_000);
        assert_eq!(account.free_at_us(700_000_000, 36_000_001), None);
        let at = account.free_at_us(700_000_000, 10_000_000).unwrap();
        assert!(at > HOUR_US && at < HOUR_US + 120_000_000, "{at}");
        assert!(!account.clone().try_send(at - 1, 10_000_000));
        assert!(account.try_send(at, 10_000_000));
        let mut free = DutyAccount::new(DutyLimit::None);
        assert!(free.try_send(0, u64::MAX) && free.free_at_us(5, 1) == Some(5));
    }

    #[test]
    fn dwell_is_counted_in_its_own_window() {
        let mut account = DutyAccount::new(DutyLimit::Dwell { on_channel_ms: 400, window_ms: 20_000 });
        assert!(account.try_send(0, 400_000) && !account.try_send(10_000_000, 1));
        assert!(account.try_send(21_000_000, 400_000));
    }
}
