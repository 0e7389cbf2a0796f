//! A dated series of global irradiance: `timestamp,ghi_w_m2`, UTC, hour beginning, as cut from ERA5.
//!
//! The site stands in a `#` line (`7.0955N 2.2446E`, or `lat=7.0955 lon=2.2446`). Direct and diffuse are split after
//! Erbs; temperature and wind, unless they stand in columns `temp_c` and `wind_m_per_s`, are assumed.

use super::problem::{WeatherErrors, WeatherProblem};
use super::rows::{Problems, Row};
use super::solar::{Day, civil_from_days, days_from_civil, erbs};
use super::{Draft, First, Format, Hour};
use crate::import::Place;

/// Assumed mean temperature and its daily swing about it, °C.
const TEMP_MEAN_C: f64 = 26.0;
const TEMP_SWING_C: f64 = 5.0;
/// Assumed wind, m/s.
const WIND_M_PER_S: f32 = 2.0;

pub(super) fn read(place: &Place, text: &str) -> Result<Draft, WeatherErrors> {
    let notes: Vec<&str> = text.lines().take_while(|line| line.starts_with('#') || line.trim().is_empty()).collect();
    let (lat_deg, lon_deg) = notes
        .iter()
        .find_map(|line| position(line))
        .ok_or_else(|| WeatherProblem::NoLocation { place: place.clone(), what: "latitude and longitude" })?;
    let mut lines = text.lines().enumerate().skip(notes.len());
    let header = lines.next().map(|(i, line)| Row::of(place, i + 1, line));
    let header = header.ok_or_else(|| WeatherProblem::TooShort { place: place.clone(), hours: 0 })?;
    let find = |name: &str| header.cells.iter().position(|cell| cell.eq_ignore_ascii_case(name));
    let missing =
        |column| WeatherProblem::MissingColumn { place: header.place.clone(), column, found: header.cells.join(", ") };
    let time = find("timestamp").ok_or_else(|| missing("timestamp"))?;
    let global = find("ghi_w_m2").ok_or_else(|| missing("ghi_w_m2"))?;
    let (temperature, wind) = (find("temp_c"), find("wind_m_per_s"));
    let count = header.cells.len();

    let mut problems = Problems::new();
    let mut hours = Vec::new();
    let mut begin = None;
    let mut next = 0;
    for (i, line) in lines {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let row = Row::of(place, i + 1, line);
        if row.cells.len() != count {
            let found = row.cells.len();
            problems.push(WeatherProblem::RowLength { place: row.place, found, wanted: count });
            next += 3600;
            continue;
        }
        let Some(at) = problems.take(stamp(&row, time)) else {
            next += 3600;
            continue;
        };
        begin.get_or_insert_with(|| {
            next = at;
            at
        });
        if at != next {
            problems.push(out_of_step(&row.place, at, next));
        }
        next = at + 3600;
        let parsed = parse(&row, global, temperature, wind, at, (lat_deg, lon_deg));
        hours.extend(problems.take(parsed));
    }
    problems.into_result()?;
    let begin = begin.unwrap_or(0);
    let mut warnings = Vec::new();
    for (column, name, assumed) in [(temperature, "temperature", "26 ± 5 °C over the day"), (wind, "wind", "2 m/s")] {
        if column.is_none() {
            warnings.push(WeatherProblem::Assumed { place: place.clone(), column: name, assumed });
        }
    }
    let year = |unix_s: i64| civil_from_days(unix_s.div_euclid(86_400)).0;
    Ok(Draft {
        lat_deg,
        lon_deg,
        elevation_m: None,
        utc_offset_s: 0,
        hours,
        first: First::At { unix_s: begin },
        format: Format::GhiSeries,
        site: None,
        years: format!("{}–{}, direct and diffuse after Erbs", year(begin), year(next - 3600)),
        attribution: notes
            .iter()
            .any(|line| line.contains("Copernicus"))
            .then(|| "Contains modified Copernicus Climate Change Service information (ERA5)".to_owned()),
        warnings,
    })
}

fn parse(
    row: &Row<'_>,
    global: usize,
    temperature: Option<usize>,
    wind: Option<usize>,
    unix_s: i64,
    (lat_deg, lon_deg): (f64, f64),
) -> Result<Hour, WeatherProblem> {
    let ghi = row.irradiance(global, "ghi_w_m2")?;
    let sun = Day::of(unix_s + 1800);
    let (cos_zenith, _) = sun.mean_cos_zenith(unix_s as f64, 3600.0, lat_deg, lon_deg);
    let (dni, dhi) = erbs(ghi, cos_zenith, unix_s);
    let temp_c = match temperature {
        Some(column) => row.temperature(column, "temp_c")?,
        // Warmest three hours after solar noon.
        None => TEMP_MEAN_C + TEMP_SWING_C * libm::cos(sun.hour_angle((unix_s + 1800 - 3 * 3600) as f64, lon_deg)),
    };
    let wind_m_per_s = wind.map_or(Ok(WIND_M_PER_S), |column| row.wind(column, "wind_m_per_s").map(|w| w as f32))?;
    Ok(Hour {
        ghi_w_per_m2: ghi as f32,
        dni_w_per_m2: dni as f32,
        dhi_w_per_m2: dhi as f32,
        temp_c: temp_c as f32,
        wind_m_per_s,
    })
}

fn out_of_step(place: &Place, at: i64, expected_s: i64) -> WeatherProblem {
    let (year, month, day) = civil_from_days(expected_s.div_euclid(86_400));
    let expected = format!("{year}-{month:02}-{day:02} {:02}:00", expected_s.rem_euclid(86_400) / 3600);
    let place = place.clone();
    if at < expected_s {
        WeatherProblem::OutOfOrder { place, expected }
    } else if (at - expected_s) % 3600 != 0 {
        let minutes = u32::try_from((at - expected_s) % 3600 / 60).unwrap_or(0);
        WeatherProblem::NotHourly { place, minutes }
    } else {
        WeatherProblem::Gap { place, hours: ((at - expected_s) / 3600).unsigned_abs(), expected }
    }
}

/// Unix seconds of `2016-01-31 07:00:00`, with a `T` and a `Z` allowed.
fn stamp(row: &Row<'_>, column: usize) -> Result<i64, WeatherProblem> {
    let text = row.cell(column);
    let digits = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<i64>().ok());
    let parts = [digits(0..4), digits(5..7), digits(8..10), digits(11..13), digits(14..16)];
    if let [Some(year), Some(month @ 1..=12), Some(day @ 1..=31), Some(hour @ 0..=23), Some(minute @ 0..=59)] = parts {
        return Ok(days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60);
    }
    Err(WeatherProblem::BadTime {
        place: row.place.clone(),
        text: text.chars().take(40).collect(),
        wanted: "yyyy-mm-dd HH:MM:SS in UTC, as in 2016-01-31 07:00:00",
    })
}

/// `7.0955N 2.2446E` or `lat=7.0955 lon=2.2446` anywhere in a line.
fn position(line: &str) -> Option<(f64, f64)> {
    let mut found = [None, None];
    for word in line.split([' ', ',', ';', '\t']) {
        let word = word.trim_end_matches(['.', ')']).trim_start_matches('(');
        let (axis, number, sign) = if let Some(number) = word.strip_suffix('N') {
            (0, number, 1.0)
        } else if let Some(number) = word.strip_suffix('S') {
            (0, number, -1.0)
        } else if let Some(number) = word.strip_suffix('E') {
            (1, number, 1.0)
        } else if let Some(number) = word.strip_suffix('W') {
            (1, number, -1.0)
        } else if let Some(number) = word.strip_prefix("lat=") {
            (0, number, 1.0)
        } else if let Some(number) = word.strip_prefix("lon=") {
            (1, number, 1.0)
        } else {
            continue;
        };
        let limit = if axis == 0 { 90.0 } else { 180.0 };
        let value = number.parse::<f64>().ok().filter(|value| value.abs() <= limit);
        if let Some(value) = value {
            found[axis].get_or_insert(value * sign);
        }
    }
    Some((found[0]?, found[1]?))
}
