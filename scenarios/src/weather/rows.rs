//! What the readers share: hours that must follow each other, numbers that must be in range, problems that pile up.

use super::Hour;
use super::problem::{PROBLEMS_MAX, WeatherErrors, WeatherProblem};
use super::solar::month_day_of_365;
use crate::import::{Excerpt, Place};

/// Irradiance above this is refused, W/m².
pub(super) const IRRADIANCE_MAX: f64 = 1500.0;
/// Sensors and models leave small negative values at night; those are zero.
const NEGATIVE_TOLERATED: f64 = -1.0;

/// Problems so far.
pub(super) struct Problems {
    list: Vec<WeatherProblem>,
    more: usize,
}

impl Problems {
    pub(super) const fn new() -> Self {
        Self { list: Vec::new(), more: 0 }
    }

    pub(super) fn push(&mut self, problem: WeatherProblem) {
        if self.list.len() < PROBLEMS_MAX {
            self.list.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Keeps the value, or the problem in its stead.
    pub(super) fn take<T>(&mut self, result: Result<T, WeatherProblem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// Nothing wrong, or everything that was.
    pub(super) fn into_result(self) -> Result<(), WeatherErrors> {
        if self.list.is_empty() { Ok(()) } else { Err(WeatherErrors { problems: self.list, more: self.more }) }
    }
}

/// A line of the file with its cells.
pub(super) struct Row<'a> {
    pub(super) place: Place,
    pub(super) line: &'a str,
    pub(super) cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    /// Splits at commas outside quotes; quotes and blanks around cells go.
    pub(super) fn of(file: &Place, number: usize, line: &'a str) -> Self {
        let mut quoted = false;
        let split = line.split(|character| {
            quoted ^= character == '"';
            character == ',' && !quoted
        });
        let cells = split.map(|cell| cell.trim().trim_matches('"').trim()).collect();
        Self { place: file.at_line(number), line, cells }
    }

    pub(super) fn cell(&self, column: usize) -> &'a str {
        self.cells.get(column).copied().unwrap_or("")
    }

    /// A finite number.
    pub(super) fn number(&self, column: usize, name: &str) -> Result<f64, WeatherProblem> {
        let text = self.cell(column);
        let place = || self.place.at_field(name);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(WeatherProblem::NotAValue { place: place(), text: text.to_owned() }),
            Err(_) if text.is_empty() || matches!(text.to_ascii_lowercase().as_str(), "na" | "n/a" | "null" | "-") => {
                Err(WeatherProblem::NotAValue { place: place(), text: text.to_owned() })
            }
            Err(_) => {
                let part = self.line.find(text).map(|start| start..start + text.len());
                // The excerpt is cut from this line alone, then given the line's number.
                let excerpt = Excerpt::single(&self.place.file, self.line, self.place.line.unwrap_or(1), part);
                let span = Some(excerpt.span());
                Err(WeatherProblem::BadNumber { place: place(), text: text.to_owned(), excerpt: Some(excerpt), span })
            }
        }
    }

    /// A number within bounds.
    pub(super) fn within(
        &self,
        column: usize,
        name: &str,
        low: f64,
        high: f64,
        allowed: &'static str,
    ) -> Result<f64, WeatherProblem> {
        let value = self.number(column, name)?;
        if value >= low && value <= high {
            return Ok(value);
        }
        Err(WeatherProblem::OutOfRange { place: self.place.at_field(name), value, allowed })
    }

    /// Irradiance, W/m².
    pub(super) fn irradiance(&self, column: usize, name: &str) -> Result<f64, WeatherProblem> {
        let value = self.number(column, name)?;
        if value < NEGATIVE_TOLERATED {
            return Err(WeatherProblem::Negative { place: self.place.at_field(name), value });
        }
        if value > IRRADIANCE_MAX {
            return Err(WeatherProblem::Impossible { place: self.place.at_field(name), value });
        }
        Ok(value.max(0.0))
    }

    /// Air temperature, °C.
    pub(super) fn temperature(&self, column: usize, name: &str) -> Result<f64, WeatherProblem> {
        self.within(column, name, -60.0, 65.0, "-60 to 65 °C")
    }

    /// Wind speed, m/s.
    pub(super) fn wind(&self, column: usize, name: &str) -> Result<f64, WeatherProblem> {
        self.within(column, name, 0.0, 90.0, "0 to 90 m/s")
    }
}

/// Checks that the hours of a typical year follow each other; the year itself does not count, and 29 February is left
/// out.
pub(super) struct YearClock {
    /// Hour of the year (0–8759) of the first row.
    pub(super) first: Option<i64>,
    next: i64,
    stepped: bool,
}

/// What to do with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is the next hour.
    Take,
    /// It belongs to 29 February.
    LeapDay,
}

impl YearClock {
    pub(super) const fn new() -> Self {
        Self { first: None, next: 0, stepped: false }
    }

    /// Ends a row. One whose time could not be read counts as the hour expected, so that one slip is one problem.
    pub(super) const fn row_done(&mut self) {
        if !self.stepped && self.first.is_some() {
            self.next = (self.next + 1) % 8760;
        }
        self.stepped = false;
    }

    /// Takes the row of this month (1–12), day and hour of day (0–23, the hour's beginning).
    pub(super) fn step(&mut self, place: &Place, month: i64, day: i64, hour: i64) -> Result<Step, WeatherProblem> {
        self.stepped = true;
        if month == 2 && day == 29 {
            return Ok(Step::LeapDay);
        }
        let at = super::solar::day_of_365(month, day) * 24 + hour;
        if self.first.is_none() {
            self.first = Some(at);
            self.next = at;
        }
        let expected = self.next;
        self.next = (at + 1) % 8760;
        if at == expected {
            return Ok(Step::Take);
        }
        let ahead = (at - expected).rem_euclid(8760);
        let (month, day) = month_day_of_365(expected / 24);
        let expected = format!("month {month}, day {day}, hour {}", expected % 24);
        let place = place.clone();
        if ahead > 8760 / 2 {
            Err(WeatherProblem::OutOfOrder { place, expected })
        } else {
            Err(WeatherProblem::Gap { place, hours: ahead.unsigned_abs(), expected })
        }
    }
}

/// Fills values that are NaN from their neighbours in time, linearly; returns how many. All missing: `fallback`.
pub(super) fn fill(hours: &mut [Hour], value: fn(&mut Hour) -> &mut f32, fallback: f32) -> usize {
    let known: Vec<usize> = (0..hours.len()).filter(|&i| !value(&mut hours[i]).is_nan()).collect();
    let missing = hours.len() - known.len();
    if missing == 0 {
        return 0;
    }
    let (Some(&first), Some(&last)) = (known.first(), known.last()) else {
        hours.iter_mut().for_each(|hour| *value(hour) = fallback);
        return missing;
    };
    let (start, end) = (*value(&mut hours[first]), *value(&mut hours[last]));
    hours[..first].iter_mut().for_each(|hour| *value(hour) = start);
    hours[last..].iter_mut().for_each(|hour| *value(hour) = end);
    for pair in known.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let (from, to) = (*value(&mut hours[a]), *value(&mut hours[b]));
        for (steps, hour) in hours[a..b].iter_mut().enumerate().skip(1) {
            *value(hour) = from + (to - from) * steps as f32 / (b - a) as f32;
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_sees_gaps_repeats_and_leap_days() {
        let place = Place::default();
        let mut clock = YearClock::new();
        assert_eq!(clock.step(&place, 2, 28, 23), Ok(Step::Take));
        assert_eq!(clock.step(&place, 2, 29, 0), Ok(Step::LeapDay));
        assert_eq!(clock.step(&place, 3, 1, 0), Ok(Step::Take));
        assert!(matches!(clock.step(&place, 3, 1, 4), Err(WeatherProblem::Gap { hours: 3, .. })));
        assert!(matches!(clock.step(&place, 3, 1, 4), Err(WeatherProblem::OutOfOrder { .. })));
        let mut clock = YearClock::new();
        assert_eq!(clock.step(&place, 12, 31, 23), Ok(Step::Take));
        assert_eq!(clock.step(&place, 1, 1, 0), Ok(Step::Take));
    }

    #[test]
    fn gaps_are_filled_linearly() {
        let mut hours = vec![Hour::default(); 5];
        for (hour, temp) in hours.iter_mut().zip([f32::NAN, 10.0, f32::NAN, f32::NAN, 16.0]) {
            hour.temp_c = temp;
        }
        assert_eq!(fill(&mut hours, |hour| &mut hour.temp_c, 0.0), 3);
        let temps: Vec<f32> = hours.iter().map(|hour| hour.temp_c).collect();
        assert_eq!(temps, [10.0, 10.0, 12.0, 14.0, 16.0]);
    }
}
