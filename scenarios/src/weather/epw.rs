//! EPW, EnergyPlus' weather format: eight header lines, then 35 columns an hour.
//!
//! Hours run from 1 to 24 and name the hour's **end**, in the local standard time of the LOCATION line. Missing values
//! have codes: 99.9 (temperature), 9999 (irradiance), 999 (wind). One missing kind of irradiance is computed from the
//! others; temperature and wind are filled from their neighbours. EPW exported by PVGIS holds snapshots labelled in
//! another way; [`super::clock`] finds and mends that.

use super::problem::{WeatherErrors, WeatherProblem};
use super::rows::{Problems, Row, Step, YearClock, fill};
use super::solar::{Day, days_from_civil, erbs};
use super::{Draft, First, Format, Hour};
use crate::import::Place;

/// Columns of the format.
const COLUMNS: usize = 35;
/// Columns that some writers leave out at the end (albedo, precipitation).
const COLUMNS_MIN: usize = 32;
/// Columns read here, counted from 0.
const TEMPERATURE: usize = 6;
const GLOBAL: usize = 13;
const DIRECT: usize = 14;
const DIFFUSE: usize = 15;
const WIND: usize = 21;

pub(super) fn read(place: &Place, text: &str) -> Result<Draft, WeatherErrors> {
    let location = Row::of(place, 1, text.lines().next().unwrap_or(""));
    let site = site(&location)?;
    let mut hours = Vec::new();
    let mut clock = YearClock::new();
    let mut problems = Problems::new();
    let mut years: Vec<i64> = Vec::new();
    let mut in_data = false;
    for (i, line) in text.lines().enumerate().skip(1) {
        let row = Row::of(place, i + 1, line);
        if !in_data {
            in_data = row.cell(0).eq_ignore_ascii_case("DATA PERIODS");
            if in_data && row.cell(2).parse::<u32>().is_ok_and(|per_hour| per_hour > 1) {
                let minutes = 60 / row.cell(2).parse::<u32>().unwrap_or(1).max(1);
                return Err(WeatherProblem::NotHourly { place: row.place, minutes }.into());
            }
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        years.extend(row.cell(0).parse::<i64>());
        match hour(&row, &mut clock) {
            Ok(Some(hour)) => hours.push(hour),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
        clock.row_done();
    }
    problems.into_result()?;
    let first = clock.first.unwrap_or(0);
    let mut warnings = Vec::new();
    complete(&mut hours, &site, first, place)?;
    for (count, column) in [
        (fill(&mut hours, |hour| &mut hour.temp_c, 26.0), "dry bulb temperature"),
        (fill(&mut hours, |hour| &mut hour.wind_m_per_s, 2.0), "wind speed"),
    ] {
        if count > 0 {
            warnings.push(WeatherProblem::Filled { place: place.clone(), count, column });
        }
    }
    let years = match (years.iter().min(), years.iter().max()) {
        (Some(first), Some(last)) if first == last => format!("year {first}"),
        (Some(first), Some(last)) => format!("typical year from {first}–{last}"),
        _ => String::new(),
    };
    Ok(Draft {
        lat_deg: site.lat_deg,
        lon_deg: site.lon_deg,
        elevation_m: site.elevation_m,
        utc_offset_s: site.utc_offset_s,
        hours,
        first: First::TypicalYear {
            hour_of_year: u32::try_from(first).unwrap_or(0),
            clock_minus_utc_s: site.utc_offset_s,
        },
        format: Format::Epw,
        site: Some(site.name),
        years,
        attribution: Some(format!("Weather: EPW, source {}", site.source)),
        warnings,
    })
}

struct Site {
    name: String,
    source: String,
    lat_deg: f64,
    lon_deg: f64,
    utc_offset_s: i32,
    elevation_m: Option<f64>,
}

/// `LOCATION,city,state,country,source,WMO number,latitude,longitude,time zone,elevation`.
fn site(row: &Row<'_>) -> Result<Site, WeatherProblem> {
    let name = [row.cell(1), row.cell(3)]
        .iter()
        .filter(|w| !w.is_empty() && **w != "-")
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    let no = |what| WeatherProblem::NoLocation { place: row.place.clone(), what };
    let number = |column: usize, limit: f64| row.number(column, "LOCATION").ok().filter(|n| n.abs() <= limit);
    let offset_h = row.within(8, "time zone", -12.0, 14.0, "-12 to +14 hours")?;
    Ok(Site {
        name,
        source: row.cell(4).to_owned(),
        lat_deg: number(6, 90.0).ok_or_else(|| no("latitude"))?,
        lon_deg: number(7, 180.0).ok_or_else(|| no("longitude"))?,
        utc_offset_s: (offset_h * 3600.0) as i32,
        elevation_m: number(9, 9000.0),
    })
}

/// NaN stands for the missing codes.
fn hour(row: &Row<'_>, clock: &mut YearClock) -> Result<Option<Hour>, WeatherProblem> {
    if !(COLUMNS_MIN..=COLUMNS).contains(&row.cells.len()) {
        let found = row.cells.len();
        return Err(WeatherProblem::EpwColumns { place: row.place.clone(), found, wanted: COLUMNS });
    }
    let part = |column: usize, range: std::ops::RangeInclusive<i64>| {
        row.cell(column).parse::<i64>().ok().filter(|n| range.contains(n)).ok_or_else(|| WeatherProblem::BadTime {
            place: row.place.clone(),
            text: row.cells[1..4].join(","),
            wanted: "month 1–12, day 1–31, hour 1–24 (the hour's end)",
        })
    };
    let (month, day, hour) = (part(1, 1..=12)?, part(2, 1..=31)?, part(3, 1..=24)?);
    let step = clock.step(&row.place, month, day, hour - 1)?;
    let light = |column: usize, name: &str| -> Result<f32, WeatherProblem> {
        if row.number(column, name)? >= 9999.0 { Ok(f32::NAN) } else { Ok(row.irradiance(column, name)? as f32) }
    };
    let temp_c = match row.number(TEMPERATURE, "dry bulb temperature")? {
        missing if missing >= 99.0 => f32::NAN,
        _ => row.temperature(TEMPERATURE, "dry bulb temperature")? as f32,
    };
    let wind_m_per_s = match row.number(WIND, "wind speed")? {
        missing if missing >= 999.0 => f32::NAN,
        _ => row.wind(WIND, "wind speed")? as f32,
    };
    let found = Hour {
        ghi_w_per_m2: light(GLOBAL, "global horizontal radiation")?,
        dni_w_per_m2: light(DIRECT, "direct normal radiation")?,
        dhi_w_per_m2: light(DIFFUSE, "diffuse horizontal radiation")?,
        temp_c,
        wind_m_per_s,
    };
    Ok((step == Step::Take).then_some(found))
}

/// Computes the kinds of irradiance that are missing from those that are there.
fn complete(hours: &mut [Hour], site: &Site, first: i64, place: &Place) -> Result<(), WeatherErrors> {
    let begin = days_from_civil(2023, 1, 1) * 86_400 + first * 3600 - i64::from(site.utc_offset_s);
    let mut problems = Problems::new();
    for (i, hour) in hours.iter_mut().enumerate() {
        let from = begin + 3600 * i as i64;
        let sun = Day::of(from + 1800);
        let (cos_zenith, _) = sun.mean_cos_zenith(from as f64, 3600.0, site.lat_deg, site.lon_deg);
        let Hour { ghi_w_per_m2: ghi, dni_w_per_m2: dni, dhi_w_per_m2: dhi, .. } = *hour;
        match (ghi.is_nan(), dni.is_nan(), dhi.is_nan()) {
            (false, false, false) => {}
            (true, false, false) => hour.ghi_w_per_m2 = dni * cos_zenith as f32 + dhi,
            (false, true, false) => {
                let beam = f64::from((ghi - dhi).max(0.0));
                hour.dni_w_per_m2 = if cos_zenith > 0.035 { (beam / cos_zenith).min(1100.0) as f32 } else { 0.0 };
            }
            (false, false, true) => hour.dhi_w_per_m2 = (ghi - dni * cos_zenith as f32).clamp(0.0, ghi),
            (false, true, true) => {
                let (dni, dhi) = erbs(f64::from(ghi), cos_zenith, from);
                (hour.dni_w_per_m2, hour.dhi_w_per_m2) = (dni as f32, dhi as f32);
            }
            // Night needs no instrument.
            (true, ..) if cos_zenith <= 0.0 => {
                (hour.ghi_w_per_m2, hour.dni_w_per_m2, hour.dhi_w_per_m2) = (0.0, 0.0, 0.0);
            }
            (true, ..) => problems.push(WeatherProblem::NotAValue {
                place: place.at_field(&format!("global horizontal radiation, data row {}", i + 1)),
                text: "9999".to_owned(),
            }),
        }
    }
    problems.into_result()
}
