//! Dates and clock times of the site, from milliseconds of the run.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// Local civil time at `ms` of the run; the epoch where the clock cannot hold it.
pub(crate) fn local(start_unix_s: i64, utc_offset_s: i32, ms: u64) -> DateTime {
    let at_ms = start_unix_s.saturating_mul(1000).saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
    let offset = Offset::from_seconds(utc_offset_s).unwrap_or(Offset::UTC);
    offset.to_datetime(Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// `2026-01-01T00:00:00+03:00`.
pub(crate) fn local_iso(start_unix_s: i64, utc_offset_s: i32) -> String {
    let at = local(start_unix_s, utc_offset_s, 0);
    let sign = if utc_offset_s < 0 { '-' } else { '+' };
    let minutes = utc_offset_s.unsigned_abs() / 60;
    format!("{at}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `1 Jan 2026`.
pub(crate) fn date(at: DateTime) -> String {
    at.strftime("%-d %b %Y").to_string()
}

/// `1 Jan`.
pub(crate) fn day(at: DateTime) -> String {
    at.strftime("%-d %b").to_string()
}

/// `1 Jan 14:05`.
pub(crate) fn moment(at: DateTime) -> String {
    at.strftime("%-d %b %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_follows_the_site() {
        // 2025-12-31T21:00:00Z is midnight in East Africa.
        assert_eq!(local_iso(1_767_214_800, 10_800), "2026-01-01T00:00:00+03:00");
        assert_eq!(local_iso(1_767_214_800, -12_600), "2025-12-31T17:30:00-03:30");
        assert_eq!(moment(local(1_767_214_800, 10_800, 50_700_000)), "1 Jan 14:05");
    }
}
