//! PVWatts hourly results as CSV (NREL): a header of `"key","value"` lines, then month, day, hour (0–23, beginning),
//! beam and diffuse irradiance, temperature, wind, and the array's output, which is not used.
//!
//! Two generations of header are read: `"Latitude (DD)","3.12"` and the older `"Lat (deg N):","3.12"` with
//! `"Long (deg W):"`, whose sign is turned. The clock's zone is found by [`super::zone`]. A last line of totals ends
//! the data.

use super::problem::{WeatherErrors, WeatherProblem};
use super::rows::{Problems, Row, Step, YearClock, fill};
use super::solar::Day;
use super::{Draft, First, Format, Hour, solar, zone};
use crate::import::Place;

/// What the producer asks to be said.
const NOTICE: &str =
    "Weather from NREL PVWatts® (National Renewable Energy Laboratory); used as it is, no endorsement implied";

#[derive(Default)]
struct Header {
    lat_deg: Option<f64>,
    lon_deg: Option<f64>,
    elevation_m: Option<f64>,
    site: Option<String>,
}

struct Columns {
    count: usize,
    beam: usize,
    diffuse: usize,
    temperature: Option<usize>,
    wind: Option<usize>,
}

pub(super) fn read(place: &Place, text: &str) -> Result<Draft, WeatherErrors> {
    let mut header = Header::default();
    let mut columns = None;
    let mut hours = Vec::new();
    let mut clock = YearClock::new();
    let mut problems = Problems::new();
    for (i, line) in text.lines().enumerate() {
        let row = Row::of(place, i + 1, line);
        let Some(columns) = &columns else {
            if row.cell(0).eq_ignore_ascii_case("month") && row.cells.len() > 4 {
                columns = Some(find_columns(&row)?);
            } else {
                header.line(&row);
            }
            continue;
        };
        if row.cell(0).parse::<f64>().is_err() {
            if line.trim().is_empty() || row.cell(0).to_ascii_lowercase().starts_with("total") {
                break;
            }
            problems.push(bad_time(&row));
            clock.row_done();
            continue;
        }
        match hour(&row, columns, &mut clock) {
            Ok(Some(hour)) => hours.push(hour),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
        clock.row_done();
    }
    problems.into_result()?;
    let lat_deg =
        header.lat_deg.ok_or_else(|| WeatherProblem::NoLocation { place: place.clone(), what: "latitude" })?;
    let lon_deg =
        header.lon_deg.ok_or_else(|| WeatherProblem::NoLocation { place: place.clone(), what: "longitude" })?;
    Ok(finish(place, header, lat_deg, lon_deg, hours, clock.first.unwrap_or(0)))
}

fn finish(place: &Place, header: Header, lat_deg: f64, lon_deg: f64, mut hours: Vec<Hour>, first: i64) -> Draft {
    let utc_offset_s = zone::offset_s(&hours, first, lat_deg, lon_deg);
    let begin = solar::days_from_civil(2023, 1, 1) * 86_400 + first * 3600 - i64::from(utc_offset_s);
    for (i, hour) in hours.iter_mut().enumerate() {
        // NREL computes the sun at the middle of the hour; where it is down then, the beam gives nothing.
        let middle = begin + 3600 * i as i64 + 1800;
        let cos_zenith = Day::of(middle).sin_elevation(middle as f64, lat_deg, lon_deg).max(0.0);
        hour.ghi_w_per_m2 = (f64::from(hour.dni_w_per_m2) * cos_zenith) as f32 + hour.dhi_w_per_m2;
    }
    let mut warnings = vec![WeatherProblem::TimeZoneFound { place: place.clone(), offset: zone::name(utc_offset_s) }];
    if fill(&mut hours, |hour| &mut hour.temp_c, 26.0) > 0 {
        let assumed = "26 °C";
        warnings.push(WeatherProblem::Assumed { place: place.clone(), column: "ambient temperature", assumed });
    }
    if fill(&mut hours, |hour| &mut hour.wind_m_per_s, 2.0) > 0 {
        warnings.push(WeatherProblem::Assumed { place: place.clone(), column: "wind speed", assumed: "2 m/s" });
    }
    Draft {
        lat_deg,
        lon_deg,
        elevation_m: header.elevation_m,
        utc_offset_s,
        hours,
        first: First::TypicalYear { hour_of_year: u32::try_from(first).unwrap_or(0), clock_minus_utc_s: utc_offset_s },
        format: Format::PvWatts,
        site: header.site,
        years: "typical year".to_owned(),
        attribution: Some(NOTICE.to_owned()),
        warnings,
    }
}

impl Header {
    fn line(&mut self, row: &Row<'_>) {
        let key = row.cell(0).to_ascii_lowercase();
        let value = row.cell(1);
        let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
        if key.starts_with("lat") {
            self.lat_deg = number.filter(|lat| lat.abs() <= 90.0);
        } else if key.starts_with("lon") {
            let sign = if key.contains("deg w") { -1.0 } else { 1.0 };
            self.lon_deg = number.filter(|lon| lon.abs() <= 180.0).map(|lon| sign * lon);
        } else if key.starts_with("elev") {
            self.elevation_m = number;
        } else if key.starts_with("location") && !value.is_empty() {
            self.site = Some(value.to_owned());
        }
    }
}

fn find_columns(row: &Row<'_>) -> Result<Columns, WeatherProblem> {
    let names: Vec<String> = row.cells.iter().map(|cell| cell.to_ascii_lowercase()).collect();
    let find = |start: &str| names.iter().position(|name| name.starts_with(start));
    let missing = |column| WeatherProblem::MissingColumn { place: row.place.clone(), column, found: names.join(", ") };
    Ok(Columns {
        count: names.len(),
        beam: find("beam irradiance").ok_or_else(|| missing("Beam Irradiance"))?,
        diffuse: find("diffuse irradiance").ok_or_else(|| missing("Diffuse Irradiance"))?,
        temperature: find("ambient temperature"),
        wind: find("wind speed"),
    })
}

fn bad_time(row: &Row<'_>) -> WeatherProblem {
    let text = row.cells.iter().take(3).copied().collect::<Vec<_>>().join(",");
    WeatherProblem::BadTime { place: row.place.clone(), text, wanted: "month 1–12, day 1–31, hour 0–23" }
}

fn hour(row: &Row<'_>, columns: &Columns, clock: &mut YearClock) -> Result<Option<Hour>, WeatherProblem> {
    if row.cells.len() != columns.count {
        let (found, wanted) = (row.cells.len(), columns.count);
        return Err(WeatherProblem::RowLength { place: row.place.clone(), found, wanted });
    }
    let part = |column: usize, range: std::ops::RangeInclusive<i64>| {
        row.cell(column).parse::<i64>().ok().filter(|n| range.contains(n)).ok_or_else(|| bad_time(row))
    };
    let (month, day, hour) = (part(0, 1..=12)?, part(1, 1..=31)?, part(2, 0..=23)?);
    let step = clock.step(&row.place, month, day, hour)?;
    let optional = |value: Result<f64, WeatherProblem>| match value {
        Ok(value) => Ok(value as f32),
        Err(WeatherProblem::NotAValue { .. }) => Ok(f32::NAN),
        Err(problem) => Err(problem),
    };
    let found = Hour {
        ghi_w_per_m2: 0.0,
        dni_w_per_m2: row.irradiance(columns.beam, "Beam Irradiance")? as f32,
        dhi_w_per_m2: row.irradiance(columns.diffuse, "Diffuse Irradiance")? as f32,
        temp_c: columns.temperature.map_or(Ok(f32::NAN), |c| optional(row.temperature(c, "Ambient Temperature")))?,
        wind_m_per_s: columns.wind.map_or(Ok(f32::NAN), |c| optional(row.wind(c, "Wind Speed")))?,
    };
    Ok((step == Step::Take).then_some(found))
}
