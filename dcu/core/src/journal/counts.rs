//! How many meters have a reading, period by period.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Periods for which the number of readings is kept: 400 days of hours.
const COUNTED_PERIODS_MAX: usize = 9600;

/// Readings per period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Counts {
    base: u32,
    per_period: VecDeque<u32>,
}

impl Counts {
    pub(super) fn of(&self, period: u32) -> u32 {
        let slot = period.checked_sub(self.base).and_then(|n| self.per_period.get(n as usize));
        slot.copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, period: u32) {
        if self.per_period.is_empty() {
            self.base = period;
        }
        let Some(slot) = period.checked_sub(self.base) else { return };
        let slot = slot as usize;
        if slot >= self.per_period.len().saturating_add(COUNTED_PERIODS_MAX) {
            // A leap of the clock: nothing before it can be told apart any more.
            self.per_period.clear();
            self.base = period;
            self.per_period.push_back(1);
            return;
        }
        while self.per_period.len() <= slot {
            self.per_period.push_back(0);
        }
        if let Some(count) = self.per_period.get_mut(slot) {
            *count = count.saturating_add(1);
        }
        while self.per_period.len() > COUNTED_PERIODS_MAX {
            self.per_period.pop_front();
            self.base = self.base.saturating_add(1);
        }
    }
}
