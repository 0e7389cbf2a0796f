//! Whether a file's labels agree with the sun.
//!
//! Global, direct and diffuse are bound by geometry: global = diffuse + direct · cos Z. Where a file gives all three,
//! the moment at which they fit is the moment they were taken. PVGIS' own EPW export is 0.7 h off its labels by this
//! measure (its comment line says so in its own way), and headers with a wrong time zone are not rare.

use super::solar::Day;
use super::{First, Hour};

/// Misfit from which labels are doubted, W/m².
const DOUBT_W_PER_M2: f64 = 8.0;
/// A better moment has to cut the misfit to this share.
const BETTER: f64 = 1.0 / 3.0;
/// Smallest shift that is acted on, and the largest looked for, seconds.
const SHIFT_MIN_S: i64 = 600;
const SHIFT_MAX_S: i64 = 5400;
/// Grain of the search, seconds.
const GRAIN_S: i64 = 300;

/// How much later than labelled the irradiance was taken, seconds; `None` when the labels are good.
pub(super) fn late_s(hours: &[Hour], first: First, lat_deg: f64, lon_deg: f64) -> Option<i64> {
    let misfit = |late: i64| misfit(hours, first, lat_deg, lon_deg, late);
    let as_labelled = misfit(0)?;
    if as_labelled < DOUBT_W_PER_M2 {
        return None;
    }
    let steps = SHIFT_MAX_S / GRAIN_S;
    let best = (-steps..=steps)
        .filter_map(|step| Some((misfit(step * GRAIN_S)?, step * GRAIN_S)))
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.abs().cmp(&b.1.abs())))?;
    (best.0 < as_labelled * BETTER && best.1.abs() >= SHIFT_MIN_S).then_some(best.1)
}

/// Mean of |global − diffuse − direct · cos Z| over hours with beam, at the middle of the hour plus `late_s`.
fn misfit(hours: &[Hour], first: First, lat_deg: f64, lon_deg: f64, late_s: i64) -> Option<f64> {
    let begin = first.reference_unix_s();
    let (mut sum, mut count) = (0.0, 0_u32);
    // Every third day shows as much as every day.
    for (day, day_hours) in hours.chunks(24).enumerate().step_by(3).take(250) {
        for (h, hour) in day_hours.iter().enumerate().filter(|(_, hour)| hour.dni_w_per_m2 > 50.0) {
            let at = begin + (day * 24 + h) as i64 * 3600 + 1800 + late_s;
            let cos_zenith = Day::of(at).sin_elevation(at as f64, lat_deg, lon_deg).max(0.0);
            let Hour { ghi_w_per_m2: ghi, dni_w_per_m2: dni, dhi_w_per_m2: dhi, .. } = *hour;
            sum += (f64::from(ghi - dhi) - f64::from(dni) * cos_zenith).abs();
            count += 1;
        }
    }
    (count > 20).then(|| sum / f64::from(count))
}
