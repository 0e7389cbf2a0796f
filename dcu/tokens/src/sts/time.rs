//! The token identifier (TID): the minute of issue, counted in 24 bits from a base date (IEC 62055-41).
//!
//! 2²⁴ minutes are not quite 32 years, so the count runs out: on 24 November 2024 for meters of base 1993, 2045 for 2014,
//! 2066 for 2035. Such a meter needs key-change tokens with the rollover bit before that day; from then on its base is the
//! next one.
//!
//! The minute of the day 00:01 is reserved: special tokens (a replacement, a free issue) take it, ordinary tokens do not.
//!
//! Minutes come in as minutes since 1970-01-01 00:00 in the clock that the utility vends by. Arbitrary: we take UTC.

/// Bits of a TID.
const BITS: u32 = 24;
const MINUTES_PER_DAY: i64 = 24 * 60;
/// 00:01.
const SPECIAL_MINUTE: i64 = 1;

/// Where the count of minutes begins: 00:00 on the first of January.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BaseDate {
    /// 1993, for keys of the first edition.
    Y1993,
    /// 2014.
    Y2014,
    /// 2035.
    Y2035,
}

impl BaseDate {
    /// The one of that year.
    #[must_use]
    pub const fn of_year(year: u16) -> Option<Self> {
        match year {
            1993 => Some(Self::Y1993),
            2014 => Some(Self::Y2014),
            2035 => Some(Self::Y2035),
            _ => None,
        }
    }

    /// The year.
    #[must_use]
    pub const fn year(self) -> u16 {
        match self {
            Self::Y1993 => 1993,
            Self::Y2014 => 2014,
            Self::Y2035 => 2035,
        }
    }

    /// The two digits that go into DKGA04.
    #[must_use]
    pub const fn code(self) -> [u8; 2] {
        match self {
            Self::Y1993 => *b"93",
            Self::Y2014 => *b"14",
            Self::Y2035 => *b"35",
        }
    }

    /// The one after a rollover. None is defined after 2035.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Y1993 => Some(Self::Y2014),
            Self::Y2014 => Some(Self::Y2035),
            Self::Y2035 => None,
        }
    }

    /// Minutes from 1970-01-01 00:00.
    #[must_use]
    pub const fn unix_minutes(self) -> i64 {
        let days = match self {
            Self::Y1993 => 8401,
            Self::Y2014 => 16_071,
            Self::Y2035 => 23_741,
        };
        MINUTES_PER_DAY.saturating_mul(days)
    }

    /// The last minute that this base reaches, from 1970-01-01 00:00.
    #[must_use]
    pub const fn last_unix_minute(self) -> i64 {
        self.unix_minutes().saturating_add(Tid::MAX.0 as i64)
    }
}

/// A minute that no base date reaches: a clock in 1970 or 2099, or a meter that needed its rollover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Before the base date.
    #[error("that minute lies before the base date {0}")]
    BeforeBase(u16),
    /// After the last minute of the base date: the meter needs key-change tokens with rollover first.
    #[error("that minute lies after the last one of the base date {0}: the meter needs a rollover")]
    AfterBase(u16),
}

/// A token identifier: minutes since the base date, 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tid(u32);

impl Tid {
    /// The last one.
    pub const MAX: Self = Self((1 << BITS) - 1);

    /// From the field: the lower 24 bits.
    #[must_use]
    pub const fn from_field(field: u32) -> Self {
        Self(field & Self::MAX.0)
    }

    /// That minute, counted from 1970-01-01 00:00.
    ///
    /// # Errors
    /// [`TimeError`].
    pub fn at(base: BaseDate, unix_minute: i64) -> Result<Self, TimeError> {
        let minutes = unix_minute.saturating_sub(base.unix_minutes());
        match u32::try_from(minutes) {
            Ok(minutes) if minutes <= Self::MAX.0 => Ok(Self(minutes)),
            _ if minutes < 0 => Err(TimeError::BeforeBase(base.year())),
            _ => Err(TimeError::AfterBase(base.year())),
        }
    }

    /// The field: minutes since the base date.
    #[must_use]
    pub const fn field(self) -> u32 {
        self.0
    }

    /// The minute, counted from 1970-01-01 00:00.
    #[must_use]
    pub fn unix_minute(self, base: BaseDate) -> i64 {
        base.unix_minutes().saturating_add(i64::from(self.0))
    }

    /// The upper eight bits, which a key's expiry number is compared with.
    #[must_use]
    pub const fn upper_byte(self) -> u8 {
        let [_, upper, _, _] = self.0.to_be_bytes();
        upper
    }
}

/// Whether this minute is the one that special tokens take: 00:01.
#[must_use]
pub const fn is_special(unix_minute: i64) -> bool {
    unix_minute.rem_euclid(MINUTES_PER_DAY) == SPECIAL_MINUTE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "24 Nov 20:15 (2024, 2045, 2066)". Days from 1970: 20051, 27721, 35391.
    #[test]
    fn the_last_minutes() {
        for (base, days) in [(BaseDate::Y1993, 20_051), (BaseDate::Y2014, 27_721), (BaseDate::Y2035, 35_391)] {
            let last = days * MINUTES_PER_DAY + 20 * 60 + 15;
            assert_eq!(base.last_unix_minute(), last);
            assert_eq!(Tid::at(base, last), Ok(Tid::MAX));
            assert_eq!(Tid::at(base, last + 1), Err(TimeError::AfterBase(base.year())));
            assert_eq!(Tid::at(base, base.unix_minutes() - 1), Err(TimeError::BeforeBase(base.year())));
            assert_eq!(Tid::MAX.unix_minute(base), last);
        }
        assert_eq!(Tid::at(BaseDate::Y2014, 0), Err(TimeError::BeforeBase(2014)));
        assert_eq!(Tid::at(BaseDate::Y2014, i64::MIN), Err(TimeError::BeforeBase(2014)));
        assert_eq!(Tid::at(BaseDate::Y2014, i64::MAX), Err(TimeError::AfterBase(2014)));
    }

    #[test]
    fn one_minute_a_day_is_special() {
        let day = 20_000 * MINUTES_PER_DAY;
        assert_eq!((0..MINUTES_PER_DAY).filter(|minute| is_special(day + minute)).collect::<Vec<_>>(), [1]);
        assert!(is_special(1 - MINUTES_PER_DAY));
    }
}
