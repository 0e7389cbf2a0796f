//! Hourly weather as planners download it, and its alignment to a run.
//!
//! | format | clock | label | irradiance |
//! |---|---|---|---|
//! | PVWatts hourly CSV (NREL) | local standard time, not named in the file | hour beginning, 0–23 | DNI, DHI; GHI = DNI·cos Z + DHI |
//! | PVGIS TMY CSV (JRC) | UTC | instant at the label + the header's "Irradiance Time Offset" | GHI, DNI, DHI |
//! | EPW (EnergyPlus) | local standard time of the header | hour ending, 1–24 | GHI, DNI, DHI; 9999 is missing |
//! | `timestamp,ghi_w_m2` (ERA5) | UTC | hour beginning | GHI; split after Erbs |
//!
//! [`read`] brings all of them to one shape: means over full hours that follow each other without a gap, each hour's
//! beginning known in UTC. Typical years have 365 days; a file's 29 February is left out.
//!
//! [`for_run`] cuts the hours of a run out of that, in the order in which the village lives through them. See
//! [`for_run`] for calendars, repetition and weather from elsewhere.

#![allow(clippy::result_large_err, reason = "a problem ends the reading of a file; its size costs nothing")]

mod align;
mod clock;
mod epw;
mod ghi_series;
mod problem;
mod pvgis;
mod pvwatts;
mod rows;
mod solar;
mod zone;

use std::path::Path;

pub use align::for_run;
pub use problem::{PROBLEMS_MAX, WeatherErrors, WeatherProblem};

use crate::import::{Place, WEATHER_BYTES_MAX, read_text};

/// Share of the GHI's energy that a usual array delivers to its battery, with losses, heat and a small tilt: what
/// NREL's PVWatts gives as DC output for Lodwar (tilt 10°, 14 % losses) is 0.777 of the global energy.
pub const PERFORMANCE_RATIO: f64 = 0.78;

/// Format of a weather file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// NREL PVWatts, hourly results as CSV.
    PvWatts,
    /// JRC PVGIS, typical meteorological year as CSV.
    PvgisTmy,
    /// EnergyPlus weather.
    Epw,
    /// `timestamp,ghi_w_m2`, UTC.
    GhiSeries,
}

impl Format {
    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PvWatts => "PVWatts hourly",
            Self::PvgisTmy => "PVGIS TMY",
            Self::Epw => "EPW",
            Self::GhiSeries => "hourly GHI series",
        }
    }
}

/// Weather of one hour; every value is the mean over it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hour {
    /// Global horizontal irradiance, W/m².
    pub ghi_w_per_m2: f32,
    /// Direct normal irradiance, W/m².
    pub dni_w_per_m2: f32,
    /// Diffuse horizontal irradiance, W/m².
    pub dhi_w_per_m2: f32,
    /// Air temperature, °C.
    pub temp_c: f32,
    /// Wind speed, m/s.
    pub wind_m_per_s: f32,
}

/// When the first hour begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// A typical year of 365 days: the first hour's place in it, and how far the hours' clock runs ahead of UTC.
    TypicalYear {
        /// Hour of the year, 0–8759.
        hour_of_year: u32,
        /// Clock of the hours minus UTC, seconds; may hold a fraction of an hour.
        clock_minus_utc_s: i32,
    },
    /// Dated hours.
    At {
        /// Beginning of the first hour, Unix seconds (UTC).
        unix_s: i64,
    },
}

/// A weather file, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct WeatherFile {
    /// Latitude of its site, degrees north.
    pub lat_deg: f64,
    /// Longitude of its site, degrees east.
    pub lon_deg: f64,
    /// Elevation of its site, where the file tells.
    pub elevation_m: Option<f64>,
    /// Offset of the file's own clock from UTC, seconds.
    pub utc_offset_s: i32,
    /// Hour by hour, without a gap.
    pub hours: Vec<Hour>,
    /// When they begin.
    pub first: First,
    /// How it was read.
    pub format: Format,
    /// One line for reports: file, format, place, years.
    pub source: String,
    /// Who must be named for the data.
    pub attribution: Option<String>,
    /// What was made of oddities.
    pub warnings: Vec<WeatherProblem>,
}

/// Reads a weather file of any supported format.
///
/// # Errors
/// All problems found, in the order of the file.
pub fn read(path: &Path) -> Result<WeatherFile, WeatherErrors> {
    let text = read_text(path, WEATHER_BYTES_MAX).map_err(WeatherProblem::from)?;
    let place = Place::file(path);
    let head: String = text.lines().take(60).collect::<Vec<_>>().join("\n").to_ascii_lowercase();
    let draft = if head.starts_with("location,") {
        epw::read(&place, &text)?
    } else if head.contains("time(utc)") {
        pvgis::read(&place, &text)?
    } else if head.contains("beam irradiance") && head.contains("month") {
        pvwatts::read(&place, &text)?
    } else if head.lines().any(|line| line.starts_with("timestamp") && line.contains("ghi_w_m2")) {
        ghi_series::read(&place, &text)?
    } else {
        return Err(unknown(&place, &head).into());
    };
    draft.finish(&place)
}

fn unknown(place: &Place, head: &str) -> WeatherProblem {
    let first = head.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let what = if head.trim_start().starts_with('{') {
        "JSON; download the CSV instead".to_owned()
    } else if head.contains("<html") {
        "a web page, not a data file".to_owned()
    } else if head.contains("poa_global") || head.contains("gb(i)") {
        "PVGIS hourly radiation on a plane; download the typical meteorological year (TMY) instead".to_owned()
    } else {
        format!("it begins with `{}`", first.chars().take(60).collect::<String>())
    };
    WeatherProblem::UnknownFormat { place: place.clone(), what }
}

/// What a reader hands over; [`Draft::finish`] adds the checks that all formats share.
pub(crate) struct Draft {
    lat_deg: f64,
    lon_deg: f64,
    elevation_m: Option<f64>,
    utc_offset_s: i32,
    hours: Vec<Hour>,
    first: First,
    format: Format,
    site: Option<String>,
    years: String,
    attribution: Option<String>,
    warnings: Vec<WeatherProblem>,
}

impl Draft {
    fn finish(mut self, place: &Place) -> Result<WeatherFile, WeatherErrors> {
        if self.hours.len() < 24 {
            return Err(WeatherProblem::TooShort { place: place.clone(), hours: self.hours.len() }.into());
        }
        // PVWatts' and Erbs' components fit by construction.
        if matches!(self.format, Format::Epw | Format::PvgisTmy)
            && let Some(late_s) = clock::late_s(&self.hours, self.first, self.lat_deg, self.lon_deg)
        {
            self.first = self.first.later(late_s);
            self.warnings.push(WeatherProblem::LabelsOff { place: place.clone(), minutes: late_s / 60 });
        }
        let night = self.night_share();
        if night > 0.02 {
            self.warnings.push(WeatherProblem::NightSun {
                place: place.clone(),
                percent: night * 100.0,
                lat_deg: self.lat_deg,
                lon_deg: self.lon_deg,
            });
        }
        let file = place.file.file_name().and_then(|name| name.to_str()).unwrap_or("weather file");
        let site = self.site.map_or_else(String::new, |site| format!("{site}, "));
        let source =
            format!("{file}: {}, {site}{:.2}°, {:.2}°, {}", self.format.name(), self.lat_deg, self.lon_deg, self.years);
        Ok(WeatherFile {
            lat_deg: self.lat_deg,
            lon_deg: self.lon_deg,
            elevation_m: self.elevation_m,
            utc_offset_s: self.utc_offset_s,
            hours: self.hours,
            first: self.first,
            format: self.format,
            source,
            attribution: self.attribution,
            warnings: self.warnings,
        })
    }

    /// Share of the global energy in hours in which the sun never rises above the horizon.
    fn night_share(&self) -> f64 {
        let begin = self.first.reference_unix_s();
        let (mut night, mut all) = (0.0, 0.0);
        for (i, hour) in self.hours.iter().enumerate().take(8760 * 2) {
            let from = begin + 3600 * i as i64;
            all += f64::from(hour.ghi_w_per_m2);
            let (mean, _) =
                solar::Day::of(from + 1800).mean_cos_zenith(from as f64, 3600.0, self.lat_deg, self.lon_deg);
            if mean <= 0.0 {
                night += f64::from(hour.ghi_w_per_m2);
            }
        }
        if all > 0.0 { night / all } else { 0.0 }
    }
}

impl First {
    /// The same hours, taken to begin `late_s` later.
    fn later(self, late_s: i64) -> Self {
        match self {
            Self::At { unix_s } => Self::At { unix_s: unix_s + late_s },
            Self::TypicalYear { hour_of_year, clock_minus_utc_s } => {
                let clock_minus_utc_s = clock_minus_utc_s - i32::try_from(late_s).unwrap_or(0);
                Self::TypicalYear { hour_of_year, clock_minus_utc_s }
            }
        }
    }

    /// An instant at which the first hour begins: for a typical year, in 2023 (365 days, mid of the leap cycle).
    fn reference_unix_s(self) -> i64 {
        match self {
            Self::At { unix_s } => unix_s,
            Self::TypicalYear { hour_of_year, clock_minus_utc_s } => {
                solar::days_from_civil(2023, 1, 1) * 86_400 + i64::from(hour_of_year) * 3600
                    - i64::from(clock_minus_utc_s)
            }
        }
    }
}

/// Great-circle distance, km, on a sphere of 6371 km.
#[must_use]
pub fn distance_km(lat_a_deg: f64, lon_a_deg: f64, lat_b_deg: f64, lon_b_deg: f64) -> f64 {
    let (lat_a, lat_b) = (lat_a_deg.to_radians(), lat_b_deg.to_radians());
    let half = |angle: f64| {
        let sine = libm::sin(angle / 2.0);
        sine * sine
    };
    let h = half(lat_b - lat_a) + libm::cos(lat_a) * libm::cos(lat_b) * half((lon_b_deg - lon_a_deg).to_radians());
    2.0 * 6371.0 * libm::asin(h.sqrt().min(1.0))
}

/// What a kilowatt-peak delivers on the mean day of the file, kWh: daily global energy times [`PERFORMANCE_RATIO`].
/// For sizing; the simulator computes the array hour by hour.
#[must_use]
pub fn yield_kwh_per_kwp_day(file: &WeatherFile) -> f64 {
    let kwh_per_m2: f64 = file.hours.iter().map(|hour| f64::from(hour.ghi_w_per_m2)).sum::<f64>() / 1000.0;
    kwh_per_m2 / (file.hours.len() as f64 / 24.0) * PERFORMANCE_RATIO
}
