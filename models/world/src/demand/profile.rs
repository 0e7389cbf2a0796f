//! Demand read from a file instead of drawn.

use super::{Switch, month_day};

/// Power of one customer of a class over a year or part of one, at an even step; it repeats when the run is longer.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Length of a step, seconds; divides a day.
    pub step_s: u32,
    /// Mean power of one customer by step, W; the first begins at local midnight of the run's first day, or, where
    /// `days` is 365 or (of a leap year) 366, of 1 January.
    pub watts: Vec<f32>,
}

impl Profile {
    /// Steps a day.
    #[must_use]
    pub const fn per_day(&self) -> usize {
        (86_400 / self.step_s) as usize
    }

    /// Whole days in it.
    #[must_use]
    pub fn days(&self) -> usize {
        self.watts.len() / self.per_day()
    }

    /// Mean energy a day, Wh.
    #[must_use]
    pub fn mean_daily_wh(&self) -> f64 {
        let sum: f64 = self.watts.iter().map(|&w| f64::from(w)).sum();
        24.0 * sum / self.watts.len().max(1) as f64
    }

    /// Highest step, W.
    #[must_use]
    pub fn peak_w(&self) -> f64 {
        self.watts.iter().copied().map(f64::from).fold(0.0, f64::max)
    }

    /// The day of the profile for a day of the run: by the calendar (1 January first) where the profile is a year,
    /// else by the run. `local_day` counts from 1 January 1970.
    #[must_use]
    pub fn day_of(&self, local_day: i64, run_day: u64) -> u64 {
        const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        if !matches!(self.days(), 365 | 366) {
            return run_day;
        }
        let (month, day) = month_day(local_day);
        // A profile of a leap year has a 29 February of its own; else it is lived as 28 February.
        let leap = self.days() == 366;
        let day = if (month, day) == (2, 29) && !leap { 28 } else { day };
        BEFORE[usize::from(month) - 1] + u64::from(day) - 1 + u64::from(leap && month > 2)
    }

    /// The switches of one day, counted from the profile's first and repeating: from nothing at midnight back to
    /// nothing at the next.
    pub fn day_switches(&self, day: u64, scale: f64, deferrable_share: f64, out: &mut Vec<Switch>) {
        out.clear();
        let days = self.days().max(1) as u64;
        let first = usize::try_from(day % days).unwrap_or(0) * self.per_day();
        let mut before = 0;
        let mut step = |at_s: u32, now_mw: i64| {
            let delta_mw = now_mw - before;
            if delta_mw != 0 {
                let deferrable = |mw: i64| rounded(mw as f64 * deferrable_share);
                let deferrable_mw = deferrable(now_mw) - deferrable(before);
                out.push(Switch { at_s, delta_mw, deferrable_mw, inrush_mw: 0 });
            }
            before = now_mw;
        };
        let mut at_s = 0;
        for &watts in self.watts.iter().skip(first).take(self.per_day()) {
            step(at_s, rounded(f64::from(watts) * scale * 1000.0));
            at_s += self.step_s;
        }
        step(86_400, 0);
    }
}

#[allow(clippy::cast_possible_truncation)]
fn rounded(x: f64) -> i64 {
    libm::round(x) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_lived_by_the_calendar_leap_or_not() {
        let of = |days: usize| Profile { step_s: 86_400, watts: vec![1.0; days] };
        // Days since 1970: 1 January, 28 and 29 February, 1 March, 31 December of 2028, and 1 March 2027.
        let days = [21_184, 21_242, 21_243, 21_244, 21_549, 20_878];
        assert_eq!(days.map(|day| of(365).day_of(day, 7)), [0, 58, 58, 59, 364, 59]);
        assert_eq!(days.map(|day| of(366).day_of(day, 7)), [0, 58, 59, 60, 365, 60]);
        assert_eq!(of(364).day_of(21_184, 7), 7);
    }

    #[test]
    fn a_day_of_a_profile_adds_up_and_repeats() {
        let watts: Vec<f32> = (0..48).map(|h| h as f32).collect();
        let profile = Profile { step_s: 3600, watts };
        let (mut second, mut fourth) = (Vec::new(), Vec::new());
        profile.day_switches(1, 2.0, 0.5, &mut second);
        profile.day_switches(3, 2.0, 0.5, &mut fourth);
        assert_eq!(second, fourth);
        assert_eq!(second[0], Switch { at_s: 0, delta_mw: 48_000, deferrable_mw: 24_000, inrush_mw: 0 });
        assert_eq!(second.iter().map(|s| s.delta_mw).sum::<i64>(), 0);
        assert_eq!(second.iter().map(|s| s.deferrable_mw).sum::<i64>(), 0);
        assert!((profile.mean_daily_wh() - 24.0 * 23.5).abs() < 1e-9);
    }
}
