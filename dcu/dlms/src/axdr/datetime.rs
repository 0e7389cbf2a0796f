//! Dates and times with fields that may be unspecified (Blue Book 4.1.6).
//!
//! The deviation trips people up: it is the minutes **from local time to UTC**, so that UTC = local + deviation. A
//! clock in Tanzania (UTC+3) carries −180. A deviation of 0x8000 is unspecified: such a stamp is local time of a place
//! that the reader must know.

use crate::error::DecodeError;

/// A date. 0xFFFF and 0xFF mean "any"; months 0xFD and 0xFE are the ends of daylight saving, days 0xFD and 0xFE the
/// second last and the last of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// Year, or 0xFFFF.
    pub year: u16,
    /// 1–12, 0xFD, 0xFE or 0xFF.
    pub month: u8,
    /// 1–31, 0xFD, 0xFE or 0xFF.
    pub day_of_month: u8,
    /// 1 (Monday) – 7, or 0xFF.
    pub day_of_week: u8,
}

/// A time of day. 0xFF means "any".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// 0–23 or 0xFF.
    pub hour: u8,
    /// 0–59 or 0xFF.
    pub minute: u8,
    /// 0–59 or 0xFF.
    pub second: u8,
    /// 0–99 or 0xFF.
    pub hundredths: u8,
}

/// A date, a time, the deviation and the clock status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// Local date.
    pub date: Date,
    /// Local time.
    pub time: Time,
    /// Minutes from local time to UTC, or [`DateTime::DEVIATION_UNSPECIFIED`].
    pub deviation_min: i16,
    /// Bits of [`clock_status`], or 0xFF when unspecified.
    pub status: u8,
}

/// Bits of the clock status.
pub mod clock_status {
    /// The time could not be recovered after an incident.
    pub const INVALID: u8 = 0x01;
    /// The time could be recovered, its value is not guaranteed.
    pub const DOUBTFUL: u8 = 0x02;
    /// Another clock base (for instance the mains) is in use.
    pub const OTHER_BASE: u8 = 0x04;
    /// The status itself is invalid.
    pub const INVALID_STATUS: u8 = 0x08;
    /// Daylight saving is in force; the deviation includes it.
    pub const DAYLIGHT_SAVING: u8 = 0x80;
}

const DAY_S: i64 = 86_400;

impl Date {
    /// The five bytes.
    #[must_use]
    pub const fn to_octets(self) -> [u8; 5] {
        let [high, low] = self.year.to_be_bytes();
        [high, low, self.month, self.day_of_month, self.day_of_week]
    }

    /// From the five bytes.
    ///
    /// # Errors
    /// [`DecodeError::OutOfRange`].
    pub const fn from_octets(bytes: [u8; 5]) -> Result<Self, DecodeError> {
        let [high, low, month, day_of_month, day_of_week] = bytes;
        if !matches!(month, 1..=12 | 0xFD..=0xFF) {
            return Err(DecodeError::OutOfRange("month"));
        }
        if !matches!(day_of_month, 1..=31 | 0xFD..=0xFF) {
            return Err(DecodeError::OutOfRange("day of month"));
        }
        // Arbitrary: 0 is taken for "any"; the standard says 1–7 or 0xFF, and meters in the field send 0.
        if !matches!(day_of_week, 0..=7 | 0xFF) {
            return Err(DecodeError::OutOfRange("day of week"));
        }
        Ok(Self { year: u16::from_be_bytes([high, low]), month, day_of_month, day_of_week })
    }
}

impl Time {
    /// The four bytes.
    #[must_use]
    pub const fn to_octets(self) -> [u8; 4] {
        [self.hour, self.minute, self.second, self.hundredths]
    }

    /// From the four bytes.
    ///
    /// # Errors
    /// [`DecodeError::OutOfRange`].
    pub const fn from_octets(bytes: [u8; 4]) -> Result<Self, DecodeError> {
        let [hour, minute, second, hundredths] = bytes;
        if !matches!(hour, 0..=23 | 0xFF) {
            return Err(DecodeError::OutOfRange("hour"));
        }
        if !matches!(minute, 0..=59 | 0xFF) {
            return Err(DecodeError::OutOfRange("minute"));
        }
        if !matches!(second, 0..=59 | 0xFF) {
            return Err(DecodeError::OutOfRange("second"));
        }
        if !matches!(hundredths, 0..=99 | 0xFF) {
            return Err(DecodeError::OutOfRange("hundredths"));
        }
        Ok(Self { hour, minute, second, hundredths })
    }
}

impl DateTime {
    /// The deviation is not known.
    pub const DEVIATION_UNSPECIFIED: i16 = i16::MIN;

    /// The twelve bytes.
    #[must_use]
    pub fn to_octets(self) -> [u8; 12] {
        let [y1, y0, month, day, weekday] = self.date.to_octets();
        let [hour, minute, second, hundredths] = self.time.to_octets();
        let [d1, d0] = self.deviation_min.to_be_bytes();
        [y1, y0, month, day, weekday, hour, minute, second, hundredths, d1, d0, self.status]
    }

    /// From the twelve bytes.
    ///
    /// # Errors
    /// [`DecodeError::OutOfRange`].
    pub const fn from_octets(bytes: [u8; 12]) -> Result<Self, DecodeError> {
        let [y1, y0, month, day, weekday, hour, minute, second, hundredths, d1, d0, status] = bytes;
        let date = match Date::from_octets([y1, y0, month, day, weekday]) {
            Ok(date) => date,
            Err(error) => return Err(error),
        };
        let time = match Time::from_octets([hour, minute, second, hundredths]) {
            Ok(time) => time,
            Err(error) => return Err(error),
        };
        let deviation_min = i16::from_be_bytes([d1, d0]);
        if !matches!(deviation_min, -840..=840 | Self::DEVIATION_UNSPECIFIED) {
            return Err(DecodeError::OutOfRange("deviation"));
        }
        Ok(Self { date, time, deviation_min, status })
    }

    /// That instant, as the clock of a place `utc_offset_s` east of UTC shows it. Offsets are cut to whole minutes,
    /// years held within 1–9999.
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "all operands are bounded by the clamps in the first lines")]
    pub fn from_unix_s(unix_s: i64, utc_offset_s: i32) -> Self {
        let offset_min = i64::from(utc_offset_s / 60).clamp(-840, 840);
        let local_s = unix_s.clamp(-62_135_500_000, 253_402_200_000) + offset_min * 60;
        let days = local_s.div_euclid(DAY_S);
        let second_of_day = local_s.rem_euclid(DAY_S);
        let (year, month, day_of_month) = civil_from_days(days);
        Self {
            date: Date {
                year,
                month,
                day_of_month,
                // 1970-01-01 was a Thursday.
                day_of_week: ((days + 3).rem_euclid(7) + 1) as u8,
            },
            time: Time {
                hour: (second_of_day / 3600) as u8,
                minute: (second_of_day / 60 % 60) as u8,
                second: (second_of_day % 60) as u8,
                hundredths: 0,
            },
            deviation_min: -offset_min as i16,
            status: 0,
        }
    }

    /// Seconds since 1970 in UTC, rounded down; `utc_offset_s` is used where the deviation is unspecified. `None` when
    /// a field of date or time that is needed is unspecified. Unspecified seconds count as zero.
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "fields were range-checked: nothing passes 10¹² here")]
    pub fn unix_s(self, utc_offset_s: i32) -> Option<i64> {
        let Date { year, month, day_of_month, .. } = self.date;
        let Time { hour, minute, second, .. } = self.time;
        if year == 0xFFFF || !(1..=12).contains(&month) || !(1..=31).contains(&day_of_month) || hour > 23 || minute > 59
        {
            return None;
        }
        let second = if second > 59 { 0 } else { second };
        let day_s = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        let local_s = days_from_civil(year, month, day_of_month) * DAY_S + day_s;
        let to_utc_s = match self.deviation_min {
            Self::DEVIATION_UNSPECIFIED => -i64::from(utc_offset_s),
            minutes => i64::from(minutes) * 60,
        };
        Some(local_s + to_utc_s)
    }
}

/// Days since 1970-01-01 to year, month, day in the proleptic Gregorian calendar; years count from 1 March so that the
/// leap day comes last.
#[expect(clippy::arithmetic_side_effects, reason = "the caller bounds days to years 1–9999")]
const fn civil_from_days(days: i64) -> (u16, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year as u16, month as u8, day as u8)
}

#[expect(clippy::arithmetic_side_effects, reason = "operands are u16 and u8 widened to i64")]
const fn days_from_civil(year: u16, month: u8, day: u8) -> i64 {
    let (month, day) = (month as i64, day as i64);
    let year = year as i64 - if month <= 2 { 1 } else { 0 };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_instants() {
        // 2026-03-01 07:00:00 UTC, a Sunday, as a meter at UTC shows it.
        let stamp = DateTime::from_unix_s(1_772_348_400, 0);
        assert_eq!(stamp.to_octets(), [0x07, 0xEA, 3, 1, 7, 7, 0, 0, 0, 0, 0, 0]);
        // The same instant in Dar es Salaam: 10:00, deviation −180.
        let stamp = DateTime::from_unix_s(1_772_348_400, 3 * 3600);
        assert_eq!(stamp.to_octets(), [0x07, 0xEA, 3, 1, 7, 10, 0, 0, 0, 0xFF, 0x4C, 0]);
        assert_eq!(stamp.unix_s(0), Some(1_772_348_400));
        // 2024-02-29 23:59:59.
        let leap = DateTime::from_unix_s(1_709_251_199, 0);
        assert_eq!((leap.date.month, leap.date.day_of_month, leap.date.day_of_week), (2, 29, 4));
    }

    #[test]
    fn an_unspecified_deviation_takes_the_readers_offset() {
        let mut stamp = DateTime::from_unix_s(1_772_348_400, 0);
        stamp.deviation_min = DateTime::DEVIATION_UNSPECIFIED;
        assert_eq!(stamp.unix_s(3600), Some(1_772_348_400 - 3600));
        stamp.date.year = 0xFFFF;
        assert_eq!(stamp.unix_s(0), None);
    }

    #[test]
    fn fields_out_of_range_are_named() {
        let good = DateTime::from_unix_s(0, 0).to_octets();
        for (index, value, field) in [(2, 13, "month"), (3, 0, "day of month"), (5, 24, "hour"), (9, 0x70, "deviation")]
        {
            let mut bad = good;
            bad[index] = value;
            assert_eq!(DateTime::from_octets(bad), Err(DecodeError::OutOfRange(field)));
        }
    }

    proptest! {
        #[test]
        fn instants_survive(unix_s in -62_135_000_000_i64..253_402_000_000, offset_min in -840_i32..=840) {
            let stamp = DateTime::from_unix_s(unix_s, offset_min * 60);
            prop_assert_eq!(stamp.unix_s(12_345), Some(unix_s));
            prop_assert_eq!(DateTime::from_octets(stamp.to_octets()), Ok(stamp));
        }
    }
}
