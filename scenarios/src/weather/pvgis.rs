//! PVGIS typical meteorological year as CSV (JRC), versions 5.1 to 5.3.
//!
//! ```text
//! Latitude (decimal degrees): -2.850
//! Longitude (decimal degrees): 33.612
//! Elevation (m): 1146.0
//! Irradiance Time Offset (h): 0.1761     (from version 5.2 on; blank lines around the blocks in 5.3)
//! month,year
//! 1,2014 …                               (each month is from another year: years do not count)
//! time(UTC),T2m,RH,G(h),Gb(n),Gd(h),IR(h),WS10m,WD10m,SP
//! 20140101:0000,19.9,71.5,0.0,-0.0,0.0,…
//! (a blank line, then a legend)
//! ```
//!
//! Irradiance is a satellite's snapshot at the label plus the offset (0.5 h for ERA5, whose values are hourly means);
//! it is taken as the mean of the hour around that instant, and temperature and wind, which hold at the label, are
//! interpolated to the same instant.

use super::problem::{WeatherErrors, WeatherProblem};
use super::rows::{Problems, Row, Step, YearClock};
use super::{Draft, First, Format, Hour};
use crate::import::Place;

const NOTICE: &str = "Weather from PVGIS © European Union (Joint Research Centre)";

#[derive(Default)]
struct Header {
    lat_deg: Option<f64>,
    lon_deg: Option<f64>,
    elevation_m: Option<f64>,
    offset_h: f64,
    years: Vec<i64>,
}

struct Columns {
    count: usize,
    global: usize,
    beam: usize,
    diffuse: usize,
    temperature: usize,
    wind: Option<usize>,
}

pub(super) fn read(place: &Place, text: &str) -> Result<Draft, WeatherErrors> {
    let mut header = Header::default();
    let mut columns = None;
    let mut hours = Vec::new();
    let mut clock = YearClock::new();
    let mut minute = None;
    let mut problems = Problems::new();
    for (i, line) in text.lines().enumerate() {
        let row = Row::of(place, i + 1, line);
        let Some(columns) = &columns else {
            if row.cell(0).eq_ignore_ascii_case("time(utc)") {
                columns = Some(find_columns(&row)?);
            } else {
                header.line(line);
            }
            continue;
        };
        if line.trim().is_empty() && !hours.is_empty() {
            break;
        }
        match hour(&row, columns, &mut clock, &mut minute) {
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
    // The instant of the irradiance, after the full hour of the label.
    let instant_s = header.offset_h * 3600.0 + minute.unwrap_or(0) as f64 * 60.0;
    move_to_instant(&mut hours, instant_s / 3600.0);
    let years = match (header.years.iter().min(), header.years.iter().max()) {
        (Some(first), Some(last)) => format!("typical year from {first}–{last}"),
        _ => "typical year".to_owned(),
    };
    Ok(Draft {
        lat_deg,
        lon_deg,
        elevation_m: header.elevation_m,
        utc_offset_s: 0,
        hours,
        first: First::TypicalYear {
            hour_of_year: u32::try_from(clock.first.unwrap_or(0)).unwrap_or(0),
            clock_minus_utc_s: 1800 - instant_s as i32,
        },
        format: Format::PvgisTmy,
        site: None,
        years,
        attribution: Some(NOTICE.to_owned()),
        warnings: Vec::new(),
    })
}

impl Header {
    fn line(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(':') else {
            // The table of months and years.
            let year = line.split_once(',').and_then(|(_, year)| year.trim().parse::<i64>().ok());
            self.years.extend(year.filter(|year| (1900..2200).contains(year)));
            return;
        };
        let key = key.trim().to_ascii_lowercase();
        let number = value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        if key.starts_with("latitude") {
            self.lat_deg = number.filter(|lat| lat.abs() <= 90.0);
        } else if key.starts_with("longitude") {
            self.lon_deg = number.filter(|lon| lon.abs() <= 180.0);
        } else if key.starts_with("elevation") {
            self.elevation_m = number;
        } else if key.starts_with("irradiance time offset") {
            self.offset_h = number.filter(|offset| offset.abs() <= 1.0).unwrap_or(0.0);
        }
    }
}

fn find_columns(row: &Row<'_>) -> Result<Columns, WeatherProblem> {
    let find = |column: &'static str| {
        row.cells.iter().position(|cell| cell.eq_ignore_ascii_case(column)).ok_or_else(|| {
            WeatherProblem::MissingColumn { place: row.place.clone(), column, found: row.cells.join(", ") }
        })
    };
    Ok(Columns {
        count: row.cells.len(),
        global: find("G(h)")?,
        beam: find("Gb(n)")?,
        diffuse: find("Gd(h)")?,
        temperature: find("T2m")?,
        wind: find("WS10m").ok(),
    })
}

/// Month, day, hour, minute of `yyyymmdd:HHMM`.
fn stamp(row: &Row<'_>) -> Result<[i64; 4], WeatherProblem> {
    let text = row.cell(0);
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<i64>().ok());
    let parts = [digits(4..6), digits(6..8), digits(9..11), digits(11..13)];
    match parts {
        [Some(month @ 1..=12), Some(day @ 1..=31), Some(hour @ 0..=23), Some(minute @ 0..=59)]
            if bytes.len() == 13 && bytes[8] == b':' && digits(0..4).is_some() =>
        {
            Ok([month, day, hour, minute])
        }
        _ => Err(WeatherProblem::BadTime {
            place: row.place.clone(),
            text: text.chars().take(40).collect(),
            wanted: "yyyymmdd:HHMM, as in 20140101:0600",
        }),
    }
}

fn hour(
    row: &Row<'_>,
    columns: &Columns,
    clock: &mut YearClock,
    minute: &mut Option<i64>,
) -> Result<Option<Hour>, WeatherProblem> {
    if row.cells.len() != columns.count {
        let (found, wanted) = (row.cells.len(), columns.count);
        return Err(WeatherProblem::RowLength { place: row.place.clone(), found, wanted });
    }
    let [month, day, hour, past] = stamp(row)?;
    let usual = *minute.get_or_insert(past);
    if past != usual {
        let minutes = u32::try_from((past - usual).abs()).unwrap_or(0);
        return Err(WeatherProblem::NotHourly { place: row.place.clone(), minutes });
    }
    let step = clock.step(&row.place, month, day, hour)?;
    let found = Hour {
        ghi_w_per_m2: row.irradiance(columns.global, "G(h)")? as f32,
        dni_w_per_m2: row.irradiance(columns.beam, "Gb(n)")? as f32,
        dhi_w_per_m2: row.irradiance(columns.diffuse, "Gd(h)")? as f32,
        temp_c: row.temperature(columns.temperature, "T2m")? as f32,
        wind_m_per_s: columns.wind.map_or(Ok(2.0), |column| row.wind(column, "WS10m"))? as f32,
    };
    Ok((step == Step::Take).then_some(found))
}

/// Temperature and wind hold at the label; bring them to the irradiance's instant, `after_h` later.
fn move_to_instant(hours: &mut [Hour], after_h: f64) {
    let share = after_h.clamp(0.0, 1.0) as f32;
    for i in 1..hours.len() {
        let later = hours[i];
        let earlier = &mut hours[i - 1];
        earlier.temp_c += (later.temp_c - earlier.temp_c) * share;
        earlier.wind_m_per_s += (later.wind_m_per_s - earlier.wind_m_per_s) * share;
    }
}
