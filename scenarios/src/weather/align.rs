//! From a weather file to the hours of a run.
//!
//! **Which day.** A typical year is read by the calendar, a dated series by its dates where it covers the run and by
//! the same calendar days of its latest covering years otherwise. The run's 29 February takes the weather of the 28th
//! when the file has none. Fewer hours than the run needs are repeated in whole days.
//!
//! **Which hour.** The run's hours begin at the village's local midnight, the file's at full hours of its own clock
//! somewhere else. Both are brought to the same *solar* time, so that noon's light falls at the village's noon: a file
//! from 15° farther east is read one hour later. What falls between two of the file's hours is taken from both.
//!
//! **How much.** Cloudiness travels, the sun's height does not: beam and diffuse on the horizontal are scaled by the
//! ratio of the mean cosines of the zenith there and here. So global = direct · cos Z + diffuse holds for the village's
//! own sun, the hour of sunrise gets what belongs to it, and a day keeps its clearness, not its watt-hours, when the
//! weather comes from another latitude. A file from the village itself passes through unchanged.

use taa_models::weather::Series;

use super::solar::{Day, civil_from_days, day_of_365, days_from_civil};
use super::{First, Hour, WeatherFile, distance_km};
use crate::model::Site;

/// Within this distance, and with hours that fall together, values are passed on as they are, km.
const SAME_PLACE_KM: f64 = 30.0;
/// Shifts below this are none, seconds.
const SAME_HOUR_S: i64 = 60;
/// Most that an hour may be brightened when the sun stands higher here than there.
const RATIO_MAX: f64 = 4.0;

/// The hours of a run of `days` days that starts at `start_unix_s` (local midnight at `site`), and remarks for the
/// reader on what was assumed.
#[must_use]
pub fn for_run(file: &WeatherFile, site: &Site, start_unix_s: i64, days: u32) -> (Series, Vec<String>) {
    let plan = Plan::new(file, site, start_unix_s, days);
    let count = days as usize * 24;
    let mut series = Series {
        step_s: 3600,
        ghi_w_per_m2: Vec::with_capacity(count),
        dni_w_per_m2: Vec::with_capacity(count),
        dhi_w_per_m2: Vec::with_capacity(count),
        temp_c: Vec::with_capacity(count),
        wind_m_per_s: Vec::with_capacity(count),
        long_mean_ghi_w_per_m2: mean_ghi(file),
    };
    let mut sun = Day::of(start_unix_s);
    for k in 0..count {
        let at = start_unix_s + 3600 * k as i64;
        if k % 24 == 0 {
            sun = Day::of(at + 43_200);
        }
        let hour = plan.hour(&sun, at);
        series.ghi_w_per_m2.push(hour.ghi_w_per_m2);
        series.dni_w_per_m2.push(hour.dni_w_per_m2);
        series.dhi_w_per_m2.push(hour.dhi_w_per_m2);
        series.temp_c.push(hour.temp_c);
        series.wind_m_per_s.push(hour.wind_m_per_s);
    }
    let notes = plan.notes(start_unix_s, days);
    (series, notes)
}

/// Mean global irradiance of the whole file, W/m².
fn mean_ghi(file: &WeatherFile) -> f64 {
    let sum: f64 = file.hours.iter().map(|hour| f64::from(hour.ghi_w_per_m2)).sum();
    sum / file.hours.len().max(1) as f64
}

/// How run hours find file hours.
struct Plan<'a> {
    file: &'a WeatherFile,
    site: &'a Site,
    /// Added to an instant at the village to get the instant of the same solar time at the file's site, seconds.
    shift_s: i64,
    /// Years added to a run's date to get a date of a dated series; `None` when dates are taken as they are.
    years: Option<i64>,
    same_place: bool,
}

impl<'a> Plan<'a> {
    fn new(file: &'a WeatherFile, site: &'a Site, start_unix_s: i64, days: u32) -> Self {
        let mut degrees = (site.lon_deg - file.lon_deg).rem_euclid(360.0);
        if degrees > 180.0 {
            degrees -= 360.0;
        }
        let shift_s = (degrees * 240.0).round() as i64;
        let km = distance_km(site.lat_deg, site.lon_deg, file.lat_deg, file.lon_deg);
        let mut plan = Self { file, site, shift_s, years: None, same_place: km < SAME_PLACE_KM };
        if let First::At { unix_s } = file.first {
            plan.years = plan.years_back(unix_s, start_unix_s, days);
        }
        plan
    }

    /// The years to add so that the whole run lies within the series, the latest such; if none holds it all, those of
    /// the series' first full year (the rest repeats).
    fn years_back(&self, first_s: i64, start_unix_s: i64, days: u32) -> Option<i64> {
        let end_s = first_s + 3600 * self.file.hours.len() as i64;
        let (from, to) = (start_unix_s + self.shift_s, start_unix_s + self.shift_s + i64::from(days) * 86_400);
        if from >= first_s && to <= end_s {
            return None;
        }
        let year = |unix_s: i64| civil_from_days(unix_s.div_euclid(86_400)).0;
        let run_year = year(from);
        let offsets = (year(first_s) - run_year)..=(year(end_s - 1) - run_year);
        let covers = |years: &i64| add_years(from, *years) >= first_s && add_years(to - 3600, *years) + 3600 <= end_s;
        let starts = |years: &i64| add_years(from, *years) >= first_s && add_years(from, *years) < end_s;
        offsets.clone().rev().find(covers).or_else(|| offsets.clone().find(starts)).or(Some(*offsets.start()))
    }

    /// The file's hour in which a moment of the run falls, and how far into it (0–1).
    fn index(&self, unix_s: i64) -> (usize, f64) {
        let len = self.file.hours.len() as i64;
        let there = unix_s + self.shift_s;
        let (ahead, within_s, wrap) = match self.file.first {
            First::TypicalYear { hour_of_year, clock_minus_utc_s } => {
                let clock = there + i64::from(clock_minus_utc_s);
                let (_, month, day) = civil_from_days(clock.div_euclid(86_400));
                let hour = day_of_365(month, day) * 24 + clock.rem_euclid(86_400) / 3600;
                let ahead = (hour - i64::from(hour_of_year)).rem_euclid(8760);
                (ahead, clock.rem_euclid(3600), len / 24 * 24)
            }
            First::At { unix_s: first_s } => {
                let there = self.years.map_or(there, |years| add_years(there, years));
                let after = there - first_s;
                (after.div_euclid(3600), after.rem_euclid(3600), len / 24 * 24)
            }
        };
        let index = if (0..len).contains(&ahead) { ahead } else { ahead.rem_euclid(wrap) };
        (usize::try_from(index).unwrap_or(0), within_s as f64 / 3600.0)
    }

    /// One hour of the run, beginning at `unix_s`; `sun` is its day's.
    fn hour(&self, sun: &Day, unix_s: i64) -> Hour {
        let (_, mut into) = self.index(unix_s);
        let tolerance = SAME_HOUR_S as f64 / 3600.0;
        if into < tolerance {
            into = 0.0;
        } else if into > 1.0 - tolerance {
            into = 1.0;
        }
        let middle = |share: f64| unix_s + (share * 3600.0) as i64;
        // A moment inside each of the two file hours that the run's hour touches.
        let first = &self.file.hours[self.index(middle((1.0 - into) / 2.0)).0];
        if self.same_place && (into <= 0.0 || into >= 1.0) {
            let moment = if into <= 0.0 { unix_s + 1800 } else { unix_s + 1800 + SAME_HOUR_S };
            return self.file.hours[self.index(moment).0];
        }
        let second = &self.file.hours[self.index(middle(1.0 - into / 2.0)).0];
        let mut sums = Sums::default();
        let begin = unix_s as f64;
        let split = begin + (1.0 - into) * 3600.0;
        sums.add(self, sun, first, begin, split, split - 3600.0);
        sums.add(self, sun, second, split, begin + 3600.0, split);
        sums.mean()
    }

    fn notes(&self, start_unix_s: i64, days: u32) -> Vec<String> {
        let mut notes = Vec::new();
        let file = self.file;
        let needed = days as usize * 24;
        if !self.same_place {
            let km = distance_km(self.site.lat_deg, self.site.lon_deg, file.lat_deg, file.lon_deg);
            let minutes = (self.shift_s as f64 / 60.0).abs().round();
            let sense = if self.shift_s > 0 { "earlier" } else { "later" };
            let shift = if minutes >= 1.0 {
                format!(", shifted {minutes} min {sense} to the village's noon")
            } else {
                String::new()
            };
            notes.push(format!(
                "The weather is from {:.2}°, {:.2}°, {km:.0} km away{shift}.",
                file.lat_deg, file.lon_deg
            ));
        }
        let covered = match file.first {
            First::TypicalYear { .. } => file.hours.len().min(8760),
            First::At { .. } => file.hours.len(),
        };
        let is_whole_year = matches!(file.first, First::TypicalYear { .. }) && covered == 8760;
        if covered < needed && !is_whole_year {
            notes.push(format!("The weather file has {} days, the run {days}: its days repeat.", covered / 24));
        } else if is_whole_year && days > 366 {
            notes.push("The typical year of weather repeats every year.".to_owned());
        } else if matches!(file.first, First::TypicalYear { .. }) && !is_whole_year && !self.covers(start_unix_s, days)
        {
            notes.push(
                "The weather file does not cover the run's dates; its days are used in their own order.".to_owned(),
            );
        }
        if let Some(years) = self.years {
            let year = civil_from_days((start_unix_s + self.shift_s).div_euclid(86_400)).0;
            notes.push(format!(
                "The weather series does not reach the run's dates; the same calendar days of {} on are used.",
                year + years
            ));
        }
        if self.repeats_february(start_unix_s, days) {
            notes.push("The weather has no 29 February; the 28th is used twice.".to_owned());
        }
        notes
    }

    /// Whether a partial typical year holds the run, give or take an hour at its ends.
    fn covers(&self, start_unix_s: i64, days: u32) -> bool {
        let First::TypicalYear { hour_of_year, clock_minus_utc_s } = self.file.first else { return true };
        let ahead = |unix_s: i64| {
            let clock = unix_s + self.shift_s + i64::from(clock_minus_utc_s);
            let (_, month, day) = civil_from_days(clock.div_euclid(86_400));
            let hour = day_of_365(month, day) * 24 + clock.rem_euclid(86_400) / 3600;
            (hour - i64::from(hour_of_year)).rem_euclid(8760)
        };
        let len = self.file.hours.len() as i64;
        let (first, last) = (start_unix_s + 3600, start_unix_s + i64::from(days) * 86_400 - 7200);
        ahead(first) < len && ahead(last) < len && ahead(first) <= ahead(last)
    }

    fn repeats_february(&self, start_unix_s: i64, days: u32) -> bool {
        (0..i64::from(days)).any(|day| {
            let noon = start_unix_s + day * 86_400 + 43_200;
            let (year, month, of_month) =
                civil_from_days((noon + i64::from(self.site.utc_offset_s)).div_euclid(86_400));
            if (month, of_month) != (2, 29) {
                return false;
            }
            match (self.file.first, self.years) {
                (First::TypicalYear { .. }, _) => true,
                (First::At { .. }, None) => false,
                (First::At { .. }, Some(years)) => !is_leap(year + years),
            }
        })
    }
}

/// Weighted sums over the pieces of an hour.
#[derive(Default)]
struct Sums {
    beam: f64,
    diffuse: f64,
    temp: f64,
    wind: f64,
    cos_here: f64,
    direct_max: f64,
    lit: f64,
}

impl Sums {
    /// Adds the piece from `from` to `to` (seconds), taken from a file hour that begins at the village's `hour_begin`.
    fn add(&mut self, plan: &Plan<'_>, sun: &Day, hour: &Hour, from: f64, to: f64, hour_begin: f64) {
        let share = (to - from) / 3600.0;
        if share <= 0.0 {
            return;
        }
        let (file, site) = (plan.file, plan.site);
        let (here, lit) = sun.mean_cos_zenith(from, to - from, site.lat_deg, site.lon_deg);
        let there_begin = hour_begin + plan.shift_s as f64;
        let (there, _) = sun.mean_cos_zenith(there_begin, 3600.0, file.lat_deg, file.lon_deg);
        self.temp += share * f64::from(hour.temp_c);
        self.wind += share * f64::from(hour.wind_m_per_s);
        self.cos_here += share * here;
        self.lit += share * lit;
        if here <= 0.0 || there <= 0.0 {
            return;
        }
        let ratio = (here / there).min(RATIO_MAX);
        let diffuse = f64::from(hour.dhi_w_per_m2);
        let beam = (f64::from(hour.ghi_w_per_m2) - diffuse).max(0.0);
        self.beam += share * beam * ratio;
        self.diffuse += share * diffuse * ratio;
        self.direct_max = self.direct_max.max(f64::from(hour.dni_w_per_m2));
    }

    fn mean(&self) -> Hour {
        // The beam on a plane facing the sun; at grazing sun no more than the file itself saw.
        let direct = if self.cos_here > 0.0 { self.beam / self.cos_here } else { 0.0 };
        let direct = direct.min(self.direct_max * self.lit.min(1.0) * 1.05);
        let beam = direct * self.cos_here;
        // What the cap took from the beam stays light: it is counted as diffuse.
        let diffuse = self.diffuse + (self.beam - beam).max(0.0);
        Hour {
            ghi_w_per_m2: (beam + diffuse) as f32,
            dni_w_per_m2: direct as f32,
            dhi_w_per_m2: diffuse as f32,
            temp_c: self.temp as f32,
            wind_m_per_s: self.wind as f32,
        }
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The same month, day and time in another year; 29 February becomes the 28th where there is none.
fn add_years(unix_s: i64, years: i64) -> i64 {
    let days = unix_s.div_euclid(86_400);
    let (year, month, day) = civil_from_days(days);
    let day = if (month, day) == (2, 29) && !is_leap(year + years) { 28 } else { day };
    days_from_civil(year + years, month, day) * 86_400 + unix_s.rem_euclid(86_400)
}
