//! Local civil time: days, minutes of the day, weekdays, months. Proleptic Gregorian, fixed offset from UTC.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// Minutes of a day.
pub(crate) const DAY_MINUTES: u16 = 1440;

/// An instant, seen from where the customers live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime {
    /// Unix milliseconds.
    pub unix_ms: i64,
    /// Offset of local civil time from UTC, seconds.
    pub utc_offset_s: i32,
}

impl LocalTime {
    /// This instant at this offset.
    #[must_use]
    pub const fn new(unix_ms: i64, utc_offset_s: i32) -> Self {
        Self { unix_ms, utc_offset_s }
    }

    fn local_ms(self) -> i64 {
        self.unix_ms.saturating_add(i64::from(self.utc_offset_s).saturating_mul(1000))
    }

    /// Local days since 1 January 1970.
    #[must_use]
    pub fn day(self) -> i64 {
        self.local_ms().div_euclid(DAY_MS)
    }

    /// Minutes since local midnight, 0 to 1439.
    #[must_use]
    pub fn minute(self) -> u16 {
        u16::try_from(self.local_ms().rem_euclid(DAY_MS).checked_div(MINUTE_MS).unwrap_or(0)).unwrap_or(0)
    }

    /// Months since January of the year 0.
    #[must_use]
    pub fn month(self) -> i32 {
        let (year, month, _) = civil(self.day());
        i32::try_from(year.saturating_mul(12).saturating_add(i64::from(month)).saturating_sub(1)).unwrap_or(i32::MAX)
    }

    /// The instant of this minute of a local day; 1440 is the next midnight.
    #[must_use]
    pub fn instant_ms(day: i64, minute: u16, utc_offset_s: i32) -> i64 {
        day.saturating_mul(DAY_MS)
            .saturating_add(i64::from(minute).saturating_mul(MINUTE_MS))
            .saturating_sub(i64::from(utc_offset_s).saturating_mul(1000))
    }
}

/// A day of the week. In text `mon` to `sun`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[allow(missing_docs, reason = "they are the days of the week")]
pub enum Weekday {
    Mon = 0,
    Tue = 1,
    Wed = 2,
    Thu = 3,
    Fri = 4,
    Sat = 5,
    Sun = 6,
}

impl Weekday {
    /// From Monday.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// The weekday of a day since 1 January 1970, which was a Thursday.
    #[must_use]
    pub fn of(day: i64) -> Self {
        match day.saturating_add(3).rem_euclid(7) {
            0 => Self::Mon,
            1 => Self::Tue,
            2 => Self::Wed,
            3 => Self::Thu,
            4 => Self::Fri,
            5 => Self::Sat,
            _ => Self::Sun,
        }
    }
}

/// A time of the day, to the minute: `"06:30"`. `"24:00"` is the end of the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Minutes since midnight, at most 1440.
    #[must_use]
    pub const fn from_minutes(minutes: u16) -> Option<Self> {
        if minutes <= DAY_MINUTES { Some(Self(minutes)) } else { None }
    }

    /// Minutes since midnight.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

/// Not a time of the day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time of the day; written as in \"06:30\", up to \"24:00\"")]
pub struct TimeOfDayError(String);

impl TryFrom<String> for TimeOfDay {
    type Error = TimeOfDayError;

    fn try_from(text: String) -> Result<Self, TimeOfDayError> {
        let parsed = text.split_once(':').and_then(|(hours, minutes)| Some((two(hours)?, two(minutes)?)));
        parsed
            .filter(|(_, minutes)| *minutes < 60)
            .and_then(|(hours, minutes)| Self::from_minutes(hours.checked_mul(60)?.checked_add(minutes)?))
            .ok_or(TimeOfDayError(text))
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A day of every year, `"12-25"`, or of one, `"2026-04-03"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct NamedDay {
    year: Option<u16>,
    month: u8,
    day: u8,
}

impl NamedDay {
    /// `None` unless there is such a day (29 February counts where the year is open).
    #[must_use]
    pub fn new(year: Option<u16>, month: u8, day: u8) -> Option<Self> {
        let leap = year.is_none_or(|y| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 0,
        };
        (1..=last).contains(&day).then_some(Self { year, month, day })
    }

    /// Year (`None`: every), month, day.
    pub(crate) const fn parts(self) -> (Option<u16>, u8, u8) {
        (self.year, self.month, self.day)
    }

    /// Whether it names this day since 1 January 1970.
    #[must_use]
    pub fn is(self, day: i64) -> bool {
        let (year, month, of_month) = civil(day);
        self.month == month && self.day == of_month && self.year.is_none_or(|named| i64::from(named) == year)
    }
}

/// Not a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day; written as in \"12-25\" (every year) or \"2026-04-03\"")]
pub struct NamedDayError(String);

impl TryFrom<String> for NamedDay {
    type Error = NamedDayError;

    fn try_from(text: String) -> Result<Self, NamedDayError> {
        let parts: Vec<&str> = text.split('-').collect();
        let day = match parts.as_slice() {
            [month, day] => two(month).zip(two(day)).map(|(month, day)| (None, month, day)),
            [year, month, day] if year.len() == 4 => {
                let year = year.parse().ok().filter(|year: &u16| *year >= 1);
                year.zip(two(month).zip(two(day))).map(|(year, (month, day))| (Some(year), month, day))
            }
            _ => None,
        };
        day.and_then(|(year, month, day)| Self::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
            .ok_or(NamedDayError(text))
    }
}

impl From<NamedDay> for String {
    fn from(day: NamedDay) -> Self {
        day.to_string()
    }
}

impl std::fmt::Display for NamedDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.year {
            Some(year) => write!(f, "{year:04}-{:02}-{:02}", self.month, self.day),
            None => write!(f, "{:02}-{:02}", self.month, self.day),
        }
    }
}

/// The instant at which the local month of this instant ends, Unix ms.
pub(crate) fn month_end_ms(at: LocalTime) -> i64 {
    let (_, _, of_month) = civil(at.day());
    // 32 days after the last day of the month before lies the next month.
    let within = at.day().saturating_sub(i64::from(of_month)).saturating_add(32);
    let (_, _, past_first) = civil(within);
    LocalTime::instant_ms(within.saturating_sub(i64::from(past_first)).saturating_add(1), 0, at.utc_offset_s)
}

/// Two decimal digits.
fn two(text: &str) -> Option<u16> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Year, month (1–12) and day (1–31) of a day since 1 January 1970.
///
/// Counted in cycles of 400 years (146,097 days) that begin on 1 March, so that the leap day is a cycle's last.
#[allow(clippy::arithmetic_side_effects, reason = "every operand is bounded by the clamp and the remainders")]
pub(crate) fn civil(day: i64) -> (i64, u8, u8) {
    // Days since 1 March of the year 0; a million years either way are enough.
    let shifted = day.clamp(-365_000_000, 365_000_000) + 719_468;
    let (cycle, of_cycle) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_cycle = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let march_month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_cycle + cycle * 400 + i64::from(month <= 2);
    (year, u8::try_from(month).unwrap_or(1), u8::try_from(of_month).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_counts_every_day_once() {
        // 1 January 1900 to 31 December 2100, against plain counting.
        let (mut year, mut month, mut of_month) = (1900_i64, 1_u8, 1_u8);
        for day in -25_567..47_847 {
            assert_eq!(civil(day), (year, month, of_month), "{day}");
            let ends = NamedDay::new(Some(year as u16), month, of_month + 1).is_none();
            (of_month, month) = if ends { (1, month + 1) } else { (of_month + 1, month) };
            if month == 13 {
                (month, year) = (1, year + 1);
            }
        }
    }

    #[test]
    fn local_time_follows_the_offset() {
        // 31 December 2025, 22:30 UTC is 1 January 2026, 01:30 in Dodoma.
        let at = LocalTime::new(1_767_220_200_000, 3 * 3600);
        assert_eq!((at.day(), at.minute(), at.month()), (20_454, 90, 2026 * 12));
        assert_eq!(Weekday::of(at.day()), Weekday::Thu);
        assert_eq!(LocalTime::instant_ms(20_454, 90, 3 * 3600), at.unix_ms);
        assert_eq!(LocalTime::new(-1, 0).day(), -1);
    }

    #[test]
    fn times_and_days_survive_text() {
        for text in ["00:00", "06:30", "23:59", "24:00"] {
            assert_eq!(String::from(TimeOfDay::try_from(text.to_owned()).unwrap()), text);
        }
        for text in ["24:01", "6:30", "06:60", "0630", "", "-1:00", "06:30:00", "１2:00"] {
            assert!(TimeOfDay::try_from(text.to_owned()).is_err(), "{text}");
        }
        for text in ["12-25", "02-29", "2028-02-29"] {
            assert_eq!(String::from(NamedDay::try_from(text.to_owned()).unwrap()), text);
        }
        for text in ["2026-02-29", "13-01", "00-10", "04-31", "26-04-03", "christmas", "2026-4-3"] {
            assert!(NamedDay::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(NamedDay::try_from("2026-01-01".to_owned()).unwrap().is(20_454));
        assert!(NamedDay::try_from("01-01".to_owned()).unwrap().is(20_454));
        assert!(!NamedDay::try_from("2027-01-01".to_owned()).unwrap().is(20_454));
    }
}
