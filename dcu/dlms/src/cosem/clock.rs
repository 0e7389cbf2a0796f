//! Class 8, Clock.

use crate::axdr::{DateTime, Value};

/// Class number.
pub const CLASS: u16 = 8;
/// Local date and time, with deviation and status.
pub const TIME: i8 = 2;
/// Offset of the place from UTC in minutes, sign as in the deviation: minutes from local time to UTC.
pub const TIME_ZONE: i8 = 3;
/// Status of the clock.
pub const STATUS: i8 = 4;
/// Begin of daylight saving.
pub const DAYLIGHT_SAVINGS_BEGIN: i8 = 5;
/// End of daylight saving.
pub const DAYLIGHT_SAVINGS_END: i8 = 6;
/// Shift in daylight saving, minutes.
pub const DAYLIGHT_SAVINGS_DEVIATION: i8 = 7;
/// Daylight saving is switched on.
pub const DAYLIGHT_SAVINGS_ENABLED: i8 = 8;
/// What the clock runs on.
pub const CLOCK_BASE: i8 = 9;

/// What to write into [`TIME`] to set the clock.
#[must_use]
pub fn time_value(unix_s: i64, utc_offset_s: i32) -> Value {
    Value::OctetString(DateTime::from_unix_s(unix_s, utc_offset_s).to_octets().into())
}

/// The same to a hundredth of a second.
#[must_use]
pub fn time_value_ms(unix_ms: i64, utc_offset_s: i32) -> Value {
    let mut at = DateTime::from_unix_s(unix_ms.div_euclid(1000), utc_offset_s);
    at.time.hundredths = u8::try_from(unix_ms.rem_euclid(1000).div_euclid(10)).unwrap_or(0);
    Value::OctetString(at.to_octets().into())
}
