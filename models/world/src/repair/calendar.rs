//! When people work and when they are awake. Times are milliseconds of the run.

use super::RepairParams;
use crate::sun::weekday;

pub(super) const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
/// No span of a repair is longer (30 000 years, beyond every run), ms: sums of some of them have room.
pub(super) const LONGEST_MS: u64 = 1 << 50;
/// People in the village see and call between these local hours (assumed).
const AWAKE_H: (u64, u64) = (6, 22);

/// Working hours and waking hours over the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    from_ms: u64,
    until_ms: u64,
    work_days: u8,
    /// Local time at the start of the run, ms since a local midnight of `weekday`.
    offset_ms: u64,
    weekday: u8,
}

impl Calendar {
    /// `start_local_s` is the run's start in local seconds since 1970 (UTC seconds plus offset).
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn new(params: &RepairParams, start_local_s: i64) -> Self {
        Self {
            from_ms: (params.work_from_h * HOUR_MS as f64) as u64,
            until_ms: (params.work_until_h * HOUR_MS as f64) as u64,
            work_days: params.work_days,
            offset_ms: start_local_s.rem_euclid(86_400) as u64 * 1000,
            weekday: weekday(start_local_s),
        }
    }

    /// The first moment at or after `at_ms` that lies in working hours.
    #[must_use]
    pub fn next_working(&self, at_ms: u64) -> u64 {
        let local = at_ms + self.offset_ms;
        let today = local / DAY_MS;
        for day in today..today + 9 {
            let is_working = (u64::from(self.weekday) + day) % 7 < u64::from(self.work_days);
            if is_working && local < day * DAY_MS + self.until_ms {
                return local.max(day * DAY_MS + self.from_ms) - self.offset_ms;
            }
        }
        at_ms
    }

    /// The moment at which `left_ms` of work that starts at or after `at_ms` is done.
    #[must_use]
    pub fn work(&self, at_ms: u64, mut left_ms: u64) -> u64 {
        left_ms = left_ms.min(LONGEST_MS);
        let mut now = self.next_working(at_ms);
        let a_week_ms = u64::from(self.work_days.min(7)) * self.until_ms.saturating_sub(self.from_ms);
        // Whole weeks end at the hour at which they began; the last one is walked, so that the end falls in its hours.
        if let Some(weeks) = left_ms.saturating_sub(1).checked_div(a_week_ms) {
            left_ms -= weeks * a_week_ms;
            now += weeks * 7 * DAY_MS;
        }
        loop {
            now = self.next_working(now);
            let today = self.until_ms.saturating_sub((now + self.offset_ms) % DAY_MS);
            if left_ms <= today || today == 0 {
                return now + left_ms;
            }
            left_ms -= today;
            now += today;
        }
    }

    /// The moment at which `left_ms` of waking time after `at_ms` have passed.
    #[must_use]
    pub fn awake(&self, at_ms: u64, mut left_ms: u64) -> u64 {
        let (from, until) = (AWAKE_H.0 * HOUR_MS, AWAKE_H.1 * HOUR_MS);
        left_ms = left_ms.min(LONGEST_MS);
        let days = left_ms.saturating_sub(1) / (until - from);
        left_ms -= days * (until - from);
        let mut now = at_ms + self.offset_ms + days * DAY_MS;
        loop {
            let of_day = now % DAY_MS;
            let midnight = now - of_day;
            now = if of_day >= until { midnight + DAY_MS + from } else { now.max(midnight + from) };
            let today = until - now % DAY_MS;
            if left_ms <= today {
                return now + left_ms - self.offset_ms;
            }
            left_ms -= today;
            now += today;
        }
    }

    /// Day of the run by local midnights.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn day(&self, at_ms: u64) -> usize {
        ((at_ms + self.offset_ms) / DAY_MS) as usize
    }

    /// When the next local day begins.
    #[must_use]
    pub fn tomorrow(&self, at_ms: u64) -> u64 {
        ((at_ms + self.offset_ms) / DAY_MS + 1) * DAY_MS - self.offset_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: i64 = 4 * 86_400; // 1970-01-05

    fn at(day: u64, hour: u64) -> u64 {
        day * DAY_MS + hour * HOUR_MS
    }

    #[test]
    fn work_waits_for_the_working_day() {
        let c = Calendar::new(&RepairParams::default(), MONDAY);
        assert_eq!(c.next_working(at(0, 3)), at(0, 8));
        assert_eq!(c.next_working(at(5, 18)), at(7, 8)); // Saturday evening → Monday
        assert_eq!(c.work(at(0, 15), 4 * HOUR_MS), at(1, 10));
        assert_eq!(c.work(at(6, 12), HOUR_MS), at(7, 9));
    }

    #[test]
    fn whole_weeks_are_skipped_to_the_same_end_as_day_by_day() {
        let short = RepairParams { work_days: 5, ..RepairParams::default() };
        for (params, start) in [(RepairParams::default(), MONDAY), (short, MONDAY + 5 * 3600)] {
            let c = Calendar::new(&params, start);
            // In parts of at most a day there is nothing to skip.
            let in_parts = |mut now: u64, mut left: u64, step: &dyn Fn(u64, u64) -> u64| {
                while left > 0 {
                    let part = left.min(3 * HOUR_MS);
                    now = step(now, part);
                    left -= part;
                }
                now
            };
            for hours in (1..600).step_by(7).chain([5 * 10, 6 * 10, 16, 32, 160]) {
                for at_ms in [0, at(2, 9) + 1, at(5, 20), at(6, 23)] {
                    let left = hours * HOUR_MS;
                    assert_eq!(c.work(at_ms, left), in_parts(at_ms, left, &|now, part| c.work(now, part)));
                    assert_eq!(c.awake(at_ms, left), in_parts(at_ms, left, &|now, part| c.awake(now, part)));
                }
            }
            // Ends at all, and in order.
            let far = c.work(0, u64::MAX);
            assert!(far > LONGEST_MS && c.awake(far, u64::MAX) > far && c.work(far, u64::MAX) > far);
        }
        let never = Calendar::new(&RepairParams { work_days: 0, ..RepairParams::default() }, MONDAY);
        assert!(never.work(0, u64::MAX) >= LONGEST_MS);
    }

    #[test]
    fn a_run_may_start_at_any_hour() {
        let c = Calendar::new(&RepairParams::default(), MONDAY + 5 * 3600);
        assert_eq!(c.next_working(0), 3 * HOUR_MS);
        assert_eq!((c.day(18 * HOUR_MS), c.day(19 * HOUR_MS)), (0, 1));
        assert_eq!(c.tomorrow(0), 19 * HOUR_MS);
    }

    #[test]
    fn nights_are_slept_through() {
        let c = Calendar::new(&RepairParams::default(), MONDAY);
        assert_eq!(c.awake(at(0, 2), 0), at(0, 6));
        assert_eq!(c.awake(at(0, 21), 2 * HOUR_MS), at(1, 7));
        assert_eq!(c.awake(at(0, 23), HOUR_MS), at(1, 7));
    }
}
