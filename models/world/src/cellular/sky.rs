//! The village's weather as a tower and a dish see it: hours and days relative to what the planner sized for.
//!
//! It is the very series that fills the village's battery. A day is *dark* when it brings less than
//! [`DARK_SHARE`] of the long mean of the weather file. Rain is not in the files we read, so cloudiness stands for it:
//! [`Sky::wetness`] is 0 on a clear day and 1 under the heaviest cloud. Assumed, both.

use crate::weather::Series;

/// A day with less than this share of the long mean is dark. Assumed (a tenth of the days of the bundled Lodwar year).
pub const DARK_SHARE: f64 = 0.85;
/// Relative sun of a day at which wetness begins, and at which it is complete.
const WET_FROM_TO: (f64, f64) = (0.95, 0.45);

/// The sky over the run.
#[derive(Clone, Debug)]
pub struct Sky {
    /// Sun of each hour relative to the long mean of all hours (night included).
    hours: Vec<f32>,
    /// Sun of each day relative to the long mean.
    days: Vec<f32>,
    /// Local seconds since 1970 at the start of the run.
    start_local_s: i64,
}

impl Sky {
    /// The sky of a run that starts at this local time (seconds since 1970, the offset from UTC added). The series
    /// repeats after its last hour, as it does for the village. Without any sun in the series every day is average.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub fn new(series: &Series, start_local_s: i64, horizon_ms: u64) -> Self {
        Self::clouded(series, start_local_s, horizon_ms, &[])
    }

    /// As [`Sky::new`], under scripted clouds: (from ms, until ms, share of sun left), the darkest counting.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub fn clouded(series: &Series, start_local_s: i64, horizon_ms: u64, clouds: &[(u64, u64, f64)]) -> Self {
        const HOUR_MS: u64 = crate::spells::HOUR_MS;
        let mean = series.long_mean_ghi_w_per_m2;
        let count = (horizon_ms.div_ceil(24 * HOUR_MS) * 24) as usize;
        let mut hours = Vec::with_capacity(count);
        for h in 0..count {
            let from_series = match series.len() {
                0 => 1.0,
                _ if mean <= 0.0 => 1.0,
                n => f64::from(series.ghi_w_per_m2[h % n]) / mean,
            };
            let middle = h as u64 * HOUR_MS + HOUR_MS / 2;
            let share = clouds.iter().filter(|c| (c.0..c.1).contains(&middle)).map(|c| c.2).fold(1.0, f64::min);
            hours.push((from_series * share) as f32);
        }
        let days = hours.chunks(24).map(|day| day.iter().sum::<f32>() / day.len() as f32).collect();
        Self { hours, days, start_local_s }
    }

    /// Sun of an hour of the run relative to the long mean of all hours (night included).
    pub(crate) fn hour(&self, hour: usize) -> f64 {
        self.hours.get(hour).copied().map_or(0.0, f64::from)
    }

    /// Sun of a day of the run relative to the long mean; an average one outside the run.
    #[must_use]
    pub fn day(&self, day: i64) -> f64 {
        usize::try_from(day).ok().and_then(|d| self.days.get(d)).copied().map_or(1.0, f64::from)
    }

    /// Whether that day is dark; days outside the run are not.
    #[must_use]
    pub fn dark(&self, day: i64) -> bool {
        self.day(day) < DARK_SHARE
    }

    /// Whether yesterday or today is the second dark day in a row, or a later one.
    #[must_use]
    pub fn after_dark_days(&self, day: i64) -> bool {
        self.dark(day - 1) && (self.dark(day) || self.dark(day - 2))
    }

    /// Whether the last two days together brought less than dark ones may: what a tower's battery remembers.
    pub(crate) fn recently_dark(&self, day: i64) -> bool {
        (self.day(day) + self.day(day - 1)) / 2.0 < DARK_SHARE || self.dark(day - 1)
    }

    /// How wet a day is, 0 to 1.
    #[must_use]
    pub fn wetness(&self, day: i64) -> f64 {
        let (from, to) = WET_FROM_TO;
        ((from - self.day(day)) / (from - to)).clamp(0.0, 1.0)
    }

    /// Whether roads are soft: the three days up to this one were wet on average by half.
    pub(crate) fn road_closed(&self, day: i64) -> bool {
        (self.wetness(day) + self.wetness(day - 1) + self.wetness(day - 2)) / 3.0 > 0.5
    }

    /// Days of the run.
    #[must_use]
    pub fn days(&self) -> usize {
        self.days.len()
    }

    /// Local second of the day, weekday (0 = Monday) and day of the month (1–31) at a moment of the run.
    pub(crate) fn local(&self, run_ms: i64) -> (u32, u8, u8) {
        let local_s = self.start_local_s + run_ms.div_euclid(1000);
        let day = local_s.div_euclid(86_400);
        // 1 January 1970 was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        let second = local_s.rem_euclid(86_400);
        (u32::try_from(second).unwrap_or(0), u8::try_from(weekday).unwrap_or(0), day_of_month(day))
    }
}

/// Day of the month of a day counted from 1970-01-01: the Gregorian calendar from March on (years of 365.2425 days).
fn day_of_month(day: i64) -> u8 {
    let since_march = day + 719_468;
    let day_of_era = since_march.rem_euclid(146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    u8::try_from(day_of_year - (153 * month + 2) / 5 + 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spells::HOUR_MS;

    fn days(relative: &[f32]) -> Sky {
        let ghi: Vec<f32> = relative.iter().flat_map(|r| [r * 250.0; 24]).collect();
        let n = ghi.len();
        let flat = || vec![0.0; n];
        let mut series = Series::hourly(ghi, flat(), flat(), flat(), flat()).unwrap();
        series.long_mean_ghi_w_per_m2 = 250.0;
        Sky::new(&series, 0, n as u64 * HOUR_MS)
    }

    #[test]
    fn dark_days_are_relative_to_the_long_mean_and_need_two() {
        let sky = days(&[1.0, 0.8, 1.0, 0.8, 0.7, 1.1, 1.0]);
        let after: Vec<i64> = (0..7).filter(|&d| sky.after_dark_days(d)).collect();
        assert_eq!(after, [4, 5]);
        assert!(sky.wetness(0) < 1e-9 && sky.wetness(4) > 0.4);
        assert!(!sky.dark(-1) && !sky.dark(99));
    }

    #[test]
    fn the_calendar_is_right() {
        // 2024-02-29 and 2026-12-31.
        assert_eq!(day_of_month(19_782), 29);
        assert_eq!(day_of_month(20_818), 31);
        assert_eq!(day_of_month(0), 1);
        let sky = days(&[1.0]);
        assert_eq!(sky.local(3_600_000), (3600, 3, 1));
        assert_eq!(sky.local(-1000).0, 86_399);
    }
}
