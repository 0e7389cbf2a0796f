//! The month's highest mean power, for tariffs that charge by it ([`crate::config::tariff::Demand`]).
//!
//! Power is what registers tell: energy between two readings over the time between them. A **window** runs from a reading to
//! the first one that is at least the tariff's `window_min` later, so with readings further apart it is as long as they are
//! apart, and its mean is no more than the true peak: a customer is never charged for power that was not measured.
//!
//! What comes late splits a window: a row of the load profile between two readings makes two shorter ones of it, whose means
//! can only be the same or higher. A month that has been charged already is then corrected by the difference, as an entry of
//! its own.

use serde::{Deserialize, Serialize};

use crate::config::{LocalTime, tariff::Demand};

/// Windows that rows of the load profile may still split: the newest ones that are longer than they would have to be.
const OPEN_MAX: usize = 32;
/// Months whose peak is remembered, for rows that come late.
const MONTHS_MAX: usize = 3;
const MINUTE_MS: i64 = 60_000;
/// A longer window tells of no month, or of a clock that was wrong: 40 days.
const WINDOW_MAX_MS: u128 = 40 * 86_400_000;
/// Milliwatt-hours per Wh times milliseconds per hour: Wh over ms to mW.
const MW_PER_WH_MS: u128 = 3_600_000_000;

/// A register at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    wh: u64,
    at_ms: i64,
}

/// A month's highest window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// Months since January of the year 0, local.
    pub month: i32,
    /// Mean power of the window, milliwatts.
    pub mw: u64,
    /// What the month costs by it, minor units, at the price of that time.
    pub minor: i64,
    /// When the window ended, Unix ms.
    pub at_ms: i64,
    /// Charged so far for it, minor units; none: the month is not over.
    pub charged_minor: Option<i64>,
}

/// A month's power was charged, or the charge was put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemandCharge {
    /// Index of the account.
    pub account: u32,
    /// The window it rests on.
    pub peak: Peak,
    /// Taken now, minor units.
    pub minor: i64,
    /// The month had been charged before, by a lower window.
    pub corrects: bool,
}

/// What an account's registers have told of its power.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meterage {
    /// Where the window that runs began.
    base: Option<Mark>,
    /// Windows that may be split: both ends.
    open: Vec<(Mark, Mark)>,
    peaks: Vec<Peak>,
}

impl Meterage {
    /// The highest window of a month.
    pub(super) fn peak(&self, month: i32) -> Option<Peak> {
        self.peaks.iter().find(|peak| peak.month == month).copied()
    }

    /// The months that are remembered, oldest first.
    pub(super) fn peaks(&self) -> &[Peak] {
        &self.peaks
    }

    /// A live reading. A register or a clock that goes back begins anew, and so does a tariff that knows no such fee.
    pub(super) fn read(&mut self, demand: Option<Demand>, utc_offset_s: i32, wh: u64, at_ms: Option<i64>) {
        let Some(at_ms) = at_ms else { return };
        let to = Mark { wh, at_ms };
        let Some(demand) = demand else {
            self.base = None;
            return;
        };
        let Some(from) = self.base.filter(|from| from.wh <= wh && from.at_ms < at_ms) else {
            self.base = Some(to);
            return;
        };
        let window_ms = window_ms(demand);
        let length = at_ms.saturating_sub(from.at_ms);
        if length < window_ms {
            return;
        }
        self.base = Some(to);
        self.take(demand, utc_offset_s, from, to);
        if length >= window_ms.saturating_mul(2) {
            self.keep((from, to));
        }
    }

    /// A row that came late: it splits the window in which it lies. False where there is none.
    pub(super) fn fill(&mut self, demand: Demand, utc_offset_s: i32, wh: u64, at_ms: i64) -> bool {
        let window_ms = window_ms(demand);
        let within = |(from, to): &(Mark, Mark)| {
            (from.wh..=to.wh).contains(&wh)
                && at_ms.saturating_sub(from.at_ms) >= window_ms
                && to.at_ms.saturating_sub(at_ms) >= window_ms
        };
        let Some(at) = self.open.iter().position(within) else { return false };
        let (from, to) = self.open.remove(at);
        let middle = Mark { wh, at_ms };
        for part in [(from, middle), (middle, to)] {
            self.take(demand, utc_offset_s, part.0, part.1);
            if part.1.at_ms.saturating_sub(part.0.at_ms) >= window_ms.saturating_mul(2) {
                self.keep(part);
            }
        }
        true
    }

    /// What is due: of months before this one that were not charged, and of charged ones whose peak has risen since.
    pub(super) fn due(&mut self, month: i32) -> Option<DemandCharge> {
        let of = |peak: &mut Peak| {
            let before = peak.charged_minor;
            let minor = peak.minor.saturating_sub(before.unwrap_or(0));
            let is_due = before.map_or(peak.month < month, |_| minor > 0);
            is_due.then(|| {
                peak.charged_minor = Some(peak.minor);
                DemandCharge { account: 0, peak: *peak, minor, corrects: before.is_some() }
            })
        };
        self.peaks.iter_mut().find_map(of)
    }

    fn keep(&mut self, window: (Mark, Mark)) {
        self.open.push(window);
        if self.open.len() > OPEN_MAX {
            self.open.remove(0);
        }
    }

    /// A window, for the month in which it ends.
    fn take(&mut self, demand: Demand, utc_offset_s: i32, from: Mark, to: Mark) {
        let length = u128::from(to.at_ms.saturating_sub(from.at_ms).unsigned_abs()).max(1);
        if length > WINDOW_MAX_MS {
            return;
        }
        let wh = u128::from(to.wh.saturating_sub(from.wh));
        let mw = wh.saturating_mul(MW_PER_WH_MS).checked_div(length).unwrap_or(0);
        let mw = u64::try_from(mw).unwrap_or(u64::MAX);
        let minor = price_minor(demand, mw);
        let month = LocalTime { unix_ms: to.at_ms.saturating_sub(1), utc_offset_s }.month();
        if let Some(peak) = self.peaks.iter_mut().find(|peak| peak.month == month) {
            if (minor, mw) > (peak.minor, peak.mw) {
                *peak = Peak { mw, minor, at_ms: to.at_ms, ..*peak };
            }
            return;
        }
        self.peaks.push(Peak { month, mw, minor, at_ms: to.at_ms, charged_minor: None });
        self.peaks.sort_unstable_by_key(|peak| peak.month);
        if self.peaks.len() > MONTHS_MAX {
            self.peaks.remove(0);
        }
    }
}

fn window_ms(demand: Demand) -> i64 {
    i64::from(demand.window_min.max(1)).saturating_mul(MINUTE_MS)
}

/// What a month costs by its highest window, minor units, rounded down.
fn price_minor(demand: Demand, mw: u64) -> i64 {
    let minor = i128::from(demand.price_per_kw_month_minor).saturating_mul(i128::from(mw)) / 1_000_000;
    i64::try_from(minor).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const DEMAND: Demand = Demand { price_per_kw_month_minor: 500_000, window_min: 15 };

    fn month(at_ms: i64) -> i32 {
        LocalTime { unix_ms: at_ms, utc_offset_s: 0 }.month()
    }

    #[test]
    fn the_highest_window_counts_and_shorter_ones_wait_for_company() {
        let mut meterage = Meterage::default();
        // 100 W for an hour; then 300 Wh within ten minutes, told at once and again five minutes later.
        for (wh, minute) in [(0, 0), (100, 60), (400, 70), (400, 75), (400, 135)] {
            meterage.read(Some(DEMAND), 0, wh, Some(minute * MINUTE_MS));
        }
        let peak = meterage.peak(month(1)).unwrap();
        assert_eq!((peak.mw, peak.at_ms), (1_200_000, 75 * MINUTE_MS), "300 Wh within a quarter of an hour");
        assert_eq!(price_minor(DEMAND, peak.mw), 600_000);
    }

    #[test]
    fn late_rows_split_a_gap_in_any_order_and_never_lower_the_peak() {
        // Hours of 1, 5, 2 and 0 kWh, of which only the ends were read.
        let registers = [0, 1000, 6000, 8000, 8000_u64];
        let mut whole = Meterage::default();
        for (hour, wh) in registers.into_iter().enumerate() {
            whole.read(Some(DEMAND), 0, wh, Some(hour as i64 * HOUR));
        }
        let peak = whole.peak(month(1)).unwrap();
        assert_eq!(peak.mw, 5_000_000);
        for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [2, 1, 3]] {
            let mut gap = Meterage::default();
            gap.read(Some(DEMAND), 0, 0, Some(0));
            gap.read(Some(DEMAND), 0, 8000, Some(4 * HOUR));
            let mut last = gap.peak(month(1)).unwrap().mw;
            assert_eq!(last, 2_000_000, "the mean of the gap");
            for hour in order {
                assert!(gap.fill(DEMAND, 0, registers[hour], hour as i64 * HOUR));
                let now = gap.peak(month(1)).unwrap().mw;
                assert!(now >= last);
                last = now;
            }
            assert_eq!(gap.peak(month(1)).unwrap(), peak, "{order:?}");
            assert!(!gap.fill(DEMAND, 0, 1000, HOUR), "it came twice");
        }
    }

    #[test]
    fn a_register_or_a_clock_that_goes_back_and_a_row_that_cannot_be_charge_nothing() {
        let mut meterage = Meterage::default();
        meterage.read(Some(DEMAND), 0, 9_000_000, Some(0));
        meterage.read(Some(DEMAND), 0, 10, Some(HOUR));
        meterage.read(Some(DEMAND), 0, 20, Some(0));
        meterage.read(Some(DEMAND), 0, 20, None);
        assert_eq!(meterage.peaks(), []);
        meterage.read(Some(DEMAND), 0, 30, Some(5 * HOUR));
        assert!(!meterage.fill(DEMAND, 0, 31, HOUR), "beyond the register at the end");
        assert!(!meterage.fill(DEMAND, 0, 25, HOUR / 60), "shorter than a window");
        assert_eq!(meterage.peaks().len(), 1);
    }
}
