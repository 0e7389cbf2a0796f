//! Which time zone a file without one is in, from its sunrises and sunsets.
//!
//! PVWatts exports local standard time and does not say which. Clouds move an afternoon's centre of gravity by half an
//! hour, so noon is not a good witness; dawn and dusk are: with the right offset no light falls while the sun is down
//! and none is missing while it stands well up. Of the offsets that explain all days equally, the one nearest to the
//! site's own solar time wins.

use super::Hour;
use super::solar::Day;

/// Zones that are no full hours, and the longitudes in which they are kept.
const FRACTIONAL: [(f64, f64, f64); 9] = [
    (-9.5, -141.0, -138.0),
    (-3.5, -60.0, -52.0),
    (3.5, 44.0, 63.5),
    (4.5, 60.0, 75.0),
    (5.5, 68.0, 97.5),
    (5.75, 80.0, 88.3),
    (6.5, 92.0, 101.2),
    (8.75, 125.0, 129.0),
    (9.5, 129.0, 141.0),
];

/// How far a civil offset may be from solar time, hours (western China is the extreme).
const FROM_SOLAR_MAX_H: f64 = 3.6;

/// The offset from UTC, seconds, for a typical year whose first hour begins at clock hour `hour_of_year`.
pub(super) fn offset_s(hours: &[Hour], hour_of_year: i64, lat_deg: f64, lon_deg: f64) -> i32 {
    let solar = lon_deg / 15.0;
    let whole = (-12..=14).map(f64::from);
    let fractional = FRACTIONAL.iter().filter(|(_, west, east)| (*west..=*east).contains(&lon_deg)).map(|&(h, ..)| h);
    let candidates = whole.chain(fractional).filter(|offset| (offset - solar).abs() <= FROM_SOLAR_MAX_H);
    let best = candidates
        .map(|offset| (misfit(hours, hour_of_year, lat_deg, lon_deg, offset), (offset - solar).abs(), offset))
        .min_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    best.map_or(0, |(_, _, offset)| (offset * 3600.0) as i32)
}

/// Hours that contradict the offset.
fn misfit(hours: &[Hour], hour_of_year: i64, lat_deg: f64, lon_deg: f64, offset_h: f64) -> u32 {
    let down = libm::sin((-1.0_f64).to_radians());
    let well_up = libm::sin(6.0_f64.to_radians());
    let begin = super::solar::days_from_civil(2023, 1, 1) * 86_400 + hour_of_year * 3600;
    let mut contradictions = 0;
    // Every fifth day shows as much as every day.
    for (day, day_hours) in hours.chunks(24).enumerate().step_by(5) {
        for (h, hour) in day_hours.iter().enumerate() {
            let clock_s = begin + (day * 24 + h) as i64 * 3600;
            let from = clock_s as f64 - offset_h * 3600.0;
            let sun = Day::of(from as i64 + 1800);
            let ends = [from, from + 3600.0].map(|at| sun.sin_elevation(at, lat_deg, lon_deg));
            let light = hour.dni_w_per_m2 + hour.dhi_w_per_m2 > 0.5;
            let is_night = ends.iter().all(|&sine| sine < down);
            let is_day = ends.iter().all(|&sine| sine > well_up);
            contradictions += u32::from((light && is_night) || (!light && is_day));
        }
    }
    contradictions
}

/// As people write it: `+3:00`.
pub(super) fn name(offset_s: i32) -> String {
    let sign = if offset_s < 0 { '-' } else { '+' };
    format!("{sign}{}:{:02}", offset_s.abs() / 3600, offset_s.abs() % 3600 / 60)
}
