//! Which architecture serves best: by paid light, the one figure for hours and money.
//!
//! Lost hours alone would reward an architecture whose customers leave or sit without credit: they lose no hours. Light
//! that was paid for counts over all connections, so leaving never helps, and light given away does not count. Where
//! the light is the same to a thousandth of the time (9 hours a year), lost hours decide.

use crate::data::Architecture;

/// Light within this share of the time is the same.
const SAME: f64 = 1e-3;

/// The best and the worst of them; nothing where there is none.
pub(super) fn best_and_worst<'a>(archs: &[&'a Architecture]) -> Option<(&'a Architecture, &'a Architecture)> {
    let lost = |arch: &Architecture| arch.lost_ms().iter().sum::<u64>();
    let light: Option<Vec<f64>> = archs
        .iter()
        .map(|arch| arch.hours.map(|hours| hours.paid_light as f64 / hours.total().max(1) as f64))
        .collect();
    // Data of earlier versions know no light: lost hours alone.
    let light = light.unwrap_or_else(|| vec![0.0; archs.len()]);
    let most = light.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = light.iter().copied().fold(f64::INFINITY, f64::min);
    let among = |near: f64| {
        archs
            .iter()
            .copied()
            .zip(light.iter().copied())
            .filter(move |(_, l)| (l - near).abs() <= SAME)
            .map(|(arch, _)| arch)
    };
    let best = among(most).min_by_key(|arch| lost(arch))?;
    let worst = if most - least <= SAME {
        archs.iter().copied().max_by_key(|arch| lost(arch))?
    } else {
        among(least).max_by_key(|arch| lost(arch))?
    };
    Some((best, worst))
}
