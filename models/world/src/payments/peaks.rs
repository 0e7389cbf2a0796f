//! Pay-days: at the turn of the month everybody sends money, and the provider is slow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::param::{Checks, ParamError};

/// When the provider is busy, and what that does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PeakParams {
    /// Last days of the month that are busy, 0–15. Assumed: 2.
    pub last_days: u8,
    /// First days of the month that are busy, 0–15. Assumed: 3.
    pub first_days: u8,
    /// Busy from this hour of the local day. Assumed: 8.
    pub from_h: f64,
    /// Busy until this hour of the local day. Assumed: 20.
    pub until_h: f64,
    /// How many times as long acceptance and callback then take. Assumed: 4.
    pub slowdown: f64,
    /// How many times as many USSD sessions then break. Assumed: 3.
    pub ussd_broken_factor: f64,
}

impl Default for PeakParams {
    fn default() -> Self {
        Self { last_days: 2, first_days: 3, from_h: 8.0, until_h: 20.0, slowdown: 4.0, ussd_broken_factor: 3.0 }
    }
}

impl PeakParams {
    pub(super) fn check(&self) -> Vec<ParamError> {
        let hour = |h: f64| (0.0..=24.0).contains(&h);
        let factor = |f: f64| (1.0..=1000.0).contains(&f);
        Checks::default()
            .demand(self.last_days <= 15, "peaks.last_days", self.last_days, "0 to 15")
            .demand(self.first_days <= 15, "peaks.first_days", self.first_days, "0 to 15")
            .demand(hour(self.from_h), "peaks.from_h", self.from_h, "0 to 24")
            .demand(hour(self.until_h), "peaks.until_h", self.until_h, "0 to 24")
            .demand(factor(self.slowdown), "peaks.slowdown", self.slowdown, "1 to 1000")
            .demand(factor(self.ussd_broken_factor), "peaks.ussd_broken_factor", self.ussd_broken_factor, "1 to 1000")
            .done()
    }

    /// Whether the provider is busy at this local second since 1970.
    #[must_use]
    pub fn busy(&self, local_unix_s: i64) -> bool {
        let (day, month_days) = day_of_month(local_unix_s.div_euclid(86_400));
        let hour = local_unix_s.rem_euclid(86_400) as f64 / 3600.0;
        let turn = day <= u32::from(self.first_days) || day + u32::from(self.last_days) > month_days;
        turn && (self.from_h..self.until_h).contains(&hour)
    }

    /// How many times as long the provider takes at that second.
    #[must_use]
    pub fn slowdown_at(&self, local_unix_s: i64) -> f64 {
        if self.busy(local_unix_s) { self.slowdown } else { 1.0 }
    }
}

/// Day of the month (from 1) and days in the month of a day since 1970, by the civil-from-days arithmetic over
/// 400-year eras (proleptic Gregorian).
fn day_of_month(days: i64) -> (u32, u32) {
    let of_era = (days + 719_468).rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March: the lengths repeat every five.
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let next_year = year_of_era + 1;
    let leap = next_year % 4 == 0 && (next_year % 100 != 0 || next_year % 400 == 0);
    let month_days = match month {
        11 => 28 + i64::from(leap),
        1 | 3 | 6 | 8 => 30,
        _ => 31,
    };
    (u32::try_from(day).unwrap_or(1), u32::try_from(month_days).unwrap_or(31))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: i64 = 86_400;

    #[test]
    fn days_of_the_month_follow_the_calendar() {
        // 1 January 1970; 29 February 2024 is day 19 782; 28 February 2100 is day 47 540; 31 December 2026 day 20 818.
        assert_eq!(day_of_month(0), (1, 31));
        assert_eq!(day_of_month(19_782), (29, 29));
        assert_eq!(day_of_month(47_540), (28, 28));
        assert_eq!(day_of_month(20_818), (31, 31));
        // Over four centuries every day follows the one before it, and a month ends on its last day.
        for day in 1..=146_097 {
            let ((before, month_days), (of_month, _)) = (day_of_month(day - 1), day_of_month(day));
            assert_eq!(of_month, if before == month_days { 1 } else { before + 1 }, "day {day}");
        }
    }

    #[test]
    fn the_turn_of_the_month_is_busy_by_day() {
        let p = PeakParams::default();
        let at = |day: i64, hour: i64| p.busy(day * DAY_S + hour * 3600);
        // 30 December 2026 is day 20 817, 3 January 2027 day 20 821.
        assert!(!at(20_816, 12) && at(20_817, 12) && at(20_818, 12) && at(20_821, 12) && !at(20_822, 12));
        assert!(!at(20_818, 7) && at(20_818, 8) && !at(20_818, 20));
        assert!((p.slowdown_at(20_818 * DAY_S + 43_200) - 4.0).abs() < 1e-12);
    }
}
