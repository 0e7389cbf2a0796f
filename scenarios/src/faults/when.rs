//! Times in fault files: `day 3 18:00`, `2026-01-03 18:00`, `36 h`.

use jiff::civil::{Date, DateTime};

/// A time as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum When {
    /// Milliseconds of the run.
    Run(i64),
    /// A duration, milliseconds.
    For(i64),
}

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// Days beyond this are this day: it lies far beyond the end of every run, and in milliseconds it still is a number.
const DAY_MOST: i64 = 1_000_000;

/// Reads a time; `start` is the run's first day. The error says what is wrong, beginning with `: `, or is empty.
pub(super) fn read(text: &str, start: Date) -> Result<When, String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("day") {
        let (day, clock) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest.trim(), "00:00"));
        let number = day.parse().ok().or_else(|| all_digits(day).then_some(i64::MAX));
        let day: i64 = number.ok_or_else(|| format!(": `{day}` is not a day's number"))?;
        if day < 1 {
            return Err(": the first day is day 1".to_owned());
        }
        return Ok(When::Run((day.min(DAY_MOST) - 1) * DAY_MS + clock_ms(clock.trim())?));
    }
    if let Some(ms) = duration_ms(&lower) {
        return ms.map(When::For);
    }
    let civil = text.replacen(' ', "T", 1);
    let date_time: Option<DateTime> = civil
        .parse::<DateTime>()
        .ok()
        .filter(|_| civil.contains('T'))
        .or_else(|| civil.parse::<Date>().ok().map(|d| d.at(0, 0, 0, 0)));
    let Some(date_time) = date_time else { return Err(String::new()) };
    let seconds = date_time.duration_since(start.at(0, 0, 0, 0)).as_secs();
    Ok(When::Run(seconds * 1000))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `18:00`, up to `24:00`.
fn clock_ms(text: &str) -> Result<i64, String> {
    let bad = || format!(": `{text}` is not a time of day; write 18:00");
    let (hours, minutes) = text.split_once(':').ok_or_else(bad)?;
    let (hours, minutes): (i64, i64) = (hours.parse().map_err(|_| bad())?, minutes.parse().map_err(|_| bad())?);
    if !(0..60).contains(&minutes) || !(0..=24).contains(&hours) {
        return Err(bad());
    }
    let ms = (hours * 60 + minutes) * MINUTE_MS;
    if ms > DAY_MS {
        return Err(bad());
    }
    Ok(ms)
}

/// A number and a unit; `None` when the text does not begin with a number followed by letters.
fn duration_ms(text: &str) -> Option<Result<i64, String>> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+'))?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().ok()?;
    let unit = unit.trim();
    if !unit.starts_with(|c: char| c.is_ascii_lowercase()) || unit.starts_with('t') {
        return None;
    }
    let unit_ms = match unit {
        "min" | "minute" | "minutes" => MINUTE_MS,
        "h" | "hour" | "hours" => 60 * MINUTE_MS,
        "d" | "day" | "days" => DAY_MS,
        "w" | "week" | "weeks" => 7 * DAY_MS,
        _ => return Some(Err(format!(": the unit `{unit}` is not known; use min, h, days or weeks"))),
    };
    Some(Ok((number * unit_ms as f64).round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Date = Date::constant(2026, 1, 1);

    #[test]
    fn three_ways_to_write_a_time() {
        let hour = 3_600_000;
        assert_eq!(read("day 1 00:00", START), Ok(When::Run(0)));
        assert_eq!(read("Day 3 18:30", START), Ok(When::Run(2 * DAY_MS + 18 * hour + hour / 2)));
        assert_eq!(read("day 2", START), Ok(When::Run(DAY_MS)));
        assert_eq!(read("2026-01-03 18:00", START), Ok(When::Run(2 * DAY_MS + 18 * hour)));
        assert_eq!(read("2026-01-03T18:00", START), Ok(When::Run(2 * DAY_MS + 18 * hour)));
        assert_eq!(read("2025-12-31", START), Ok(When::Run(-DAY_MS)));
        assert_eq!(read("36 h", START), Ok(When::For(36 * hour)));
        assert_eq!(read("2 weeks", START), Ok(When::For(14 * DAY_MS)));
        assert_eq!(read("1.5days", START), Ok(When::For(36 * hour)));
    }

    #[test]
    fn what_lies_beyond_every_run_is_still_a_time() {
        let beyond = 100_000 * DAY_MS;
        for text in ["day 200000 10:00", "day 99999999999999999999", "9999-12-31"] {
            assert!(matches!(read(text, START), Ok(When::Run(ms)) if ms > beyond), "{text}");
        }
        for text in ["99999999999999 weeks", "99999999999999999999999999999999 h"] {
            assert!(matches!(read(text, START), Ok(When::For(ms)) if ms > beyond), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_says_why() {
        for (text, why) in [
            ("day x 12:00", "day's number"),
            ("day 0 12:00", "first day"),
            ("day 1 25:00", "time of day"),
            ("day 1 12:75", "time of day"),
            ("day 1 24:01", "time of day"),
            ("day 3 999999999999999999:00", "time of day"),
            ("day 1 -1:00", "time of day"),
            ("36 hrs", "unit"),
        ] {
            assert!(read(text, START).unwrap_err().contains(why), "{text}");
        }
        assert_eq!(read("soon", START), Err(String::new()));
        assert_eq!(read("", START), Err(String::new()));
    }
}
