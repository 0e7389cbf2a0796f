//! Times as providers write them, and whether they can be true.

/// Before this no callback was ever sent: 2015-01-01 UTC. Arbitrary; clocks that were never set show 1970 or 2000.
const OLDEST_UNIX_MS: i64 = 1_420_070_400_000;
/// A payment this far ahead of the relay's clock has a wrong time. Arbitrary.
const AHEAD_MS_MAX: i64 = 600_000;
/// The relay's own clock is believed between 2024 and 2100.
const OWN_CLOCK_UNIX_MS: std::ops::Range<i64> = 1_704_067_200_000..4_102_444_800_000;

const DAY_MS: i64 = 86_400_000;

/// A civil date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Civil {
    /// Unix milliseconds, at this offset of local time from UTC. `None` for a day or time that does not exist.
    #[must_use]
    pub fn unix_ms(self, utc_offset_s: i32) -> Option<i64> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days_of_month = match self.month {
            2 => 28_u8.saturating_add(u8::from(leap)),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let exists = (1..=days_of_month).contains(&self.day) && self.hour < 24 && self.minute < 60 && self.second < 60;
        if !exists || !(1970..=9999).contains(&self.year) {
            return None;
        }
        let seconds = i64::from(self.hour)
            .saturating_mul(3600)
            .saturating_add(i64::from(self.minute).saturating_mul(60))
            .saturating_add(i64::from(self.second))
            .saturating_sub(i64::from(utc_offset_s));
        Some(self.days().saturating_mul(DAY_MS).saturating_add(seconds.saturating_mul(1000)))
    }

    /// Days since 1970, of the proleptic Gregorian calendar: years counted from March, so that leap days come last.
    fn days(self) -> i64 {
        let (year, month) = if self.month > 2 {
            (self.year, i64::from(self.month).saturating_sub(3))
        } else {
            (self.year.saturating_sub(1), i64::from(self.month).saturating_add(9))
        };
        let of_months = month.saturating_mul(153).saturating_add(2).div_euclid(5);
        let leaps = year.div_euclid(4).saturating_sub(year.div_euclid(100)).saturating_add(year.div_euclid(400));
        let days = year.saturating_mul(365).saturating_add(leaps).saturating_add(of_months);
        days.saturating_add(i64::from(self.day)).saturating_sub(719_469)
    }

    /// `YYYYMMDDhhmmss`, as Daraja writes times.
    #[must_use]
    pub fn from_compact(text: &str) -> Option<Self> {
        let (14, true) = (text.len(), text.bytes().all(|byte| byte.is_ascii_digit())) else { return None };
        let two = |at: usize| text.get(at..at.saturating_add(2))?.parse().ok();
        Some(Self {
            year: text.get(..4)?.parse().ok()?,
            month: two(4)?,
            day: two(6)?,
            hour: two(8)?,
            minute: two(10)?,
            second: two(12)?,
        })
    }

    /// `2026-02-27 08:46:00`, `27-02-2026 08:46:00` or `27/02/2026 08:46`, as statements write them; `T` may stand for the
    /// blank, and a fraction of a second or a `Z` at the end is left alone.
    #[must_use]
    pub fn from_statement(text: &str) -> Option<Self> {
        let (date, time) = text.trim().split_once([' ', 'T'])?;
        let time = time.trim_end_matches('Z').split('.').next()?;
        let parts: Vec<&str> = date.split(['-', '/']).collect();
        let [first, month, last] = parts.as_slice() else { return None };
        let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
        let clock: Vec<&str> = time.split(':').collect();
        let (hour, minute, second) = match clock.as_slice() {
            [hour, minute] => (*hour, *minute, "0"),
            [hour, minute, second] => (*hour, *minute, *second),
            _ => return None,
        };
        let two = |text: &str| text.parse::<u8>().ok();
        let year = year.parse().ok().filter(|_| year.len() == 4)?;
        let (month, day, hour, minute, second) = (two(month)?, two(day)?, two(hour)?, two(minute)?, two(second)?);
        Some(Self { year, month, day, hour, minute, second })
    }

    /// `27/2/26` and `8:46 AM`, as text messages write them: day before month, years of two or four digits.
    #[must_use]
    pub fn from_message(date: &str, time: &str) -> Option<Self> {
        let mut parts = date.split('/');
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        let year: i64 = match (year.len(), year.parse::<i64>().ok()?) {
            (2, short @ 0..) => short.saturating_add(2000),
            (4, long @ 0..) => long,
            _ => return None,
        };
        let (clock, half) = time.split_once(' ').map_or((time, None), |(clock, half)| (clock, Some(half)));
        let (hour, minute) = clock.split_once(':')?;
        let (hour, minute): (u8, u8) = (hour.parse().ok()?, minute.parse().ok()?);
        let hour = match half.map(str::to_ascii_uppercase).as_deref() {
            None => hour,
            Some("AM") if (1..=12).contains(&hour) => hour % 12,
            Some("PM") if (1..=12).contains(&hour) => (hour % 12).saturating_add(12),
            Some(_) => return None,
        };
        let none_left = parts.next().is_none();
        none_left.then_some(Self { year, month: month.parse().ok()?, day: day.parse().ok()?, hour, minute, second: 0 })
    }
}

/// What is wrong with a time that somebody has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There was none, or it was no time at all.
    Absent,
    /// From before any payment.
    Past,
    /// From the future.
    Ahead,
}

/// The time to credit a payment as of, and what was wrong with the one that was told. Money is never refused for its
/// time: where that cannot be true, the time of arrival stands for it. A relay whose own clock cannot be true judges
/// nobody's.
#[must_use]
pub fn accepted_at(told_unix_ms: Option<i64>, now_unix_ms: i64) -> (i64, Option<Doubt>) {
    let Some(told) = told_unix_ms else { return (now_unix_ms, Some(Doubt::Absent)) };
    if told < OLDEST_UNIX_MS {
        return (now_unix_ms, Some(Doubt::Past));
    }
    if OWN_CLOCK_UNIX_MS.contains(&now_unix_ms) && told > now_unix_ms.saturating_add(AHEAD_MS_MAX) {
        return (now_unix_ms, Some(Doubt::Ahead));
    }
    (told, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        let nairobi = 3 * 3600;
        let compact = |text: &str| Civil::from_compact(text).and_then(|civil| civil.unix_ms(nairobi));
        assert_eq!(compact("20260301030000"), Some(1_772_323_200_000), "midnight in UTC");
        assert_eq!(compact("20240229235959"), Some(1_709_240_399_000), "a leap day");
        for wrong in ["20230229120000", "20260301240000", "20261301000000", "2026030103000", "2026030103000x"] {
            assert_eq!(compact(wrong), None, "{wrong}");
        }
        let message = |date, time| Civil::from_message(date, time).and_then(|civil| civil.unix_ms(nairobi));
        assert_eq!(message("1/3/26", "3:00 AM"), Some(1_772_323_200_000));
        assert_eq!(message("28/02/2026", "12:00 PM"), compact("20260228120000"));
        assert_eq!(message("1/3/26", "12:05 AM"), compact("20260301000500"));
        assert_eq!(message("1/3/26", "15:00"), compact("20260301150000"));
        for (date, time) in [("1/3", "3:00 AM"), ("1/3/26/9", "3:00 AM"), ("1/3/26", "13:00 PM"), ("1/3/-6", "3:00")] {
            assert_eq!(message(date, time), None, "{date} {time}");
        }
    }

    #[test]
    fn a_wrong_clock_moves_the_time_and_not_the_money() {
        let now = 1_772_323_200_000;
        assert_eq!(accepted_at(Some(now - 5_000), now), (now - 5_000, None));
        assert_eq!(accepted_at(Some(0), now), (now, Some(Doubt::Past)), "1970");
        assert_eq!(accepted_at(Some(4_070_908_800_000), now), (now, Some(Doubt::Ahead)), "2099");
        assert_eq!(accepted_at(None, now), (now, Some(Doubt::Absent)));
        assert_eq!(accepted_at(Some(now), 0), (now, None), "the relay's own clock stands in 1970");
    }
}
