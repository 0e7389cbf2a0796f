//! Which architecture serves best: by paid energy, the one figure for hours and money.
//!
//! Lost hours alone would reward an architecture whose customers leave or sit without credit: they lose no hours.
//! Hours of light do no better: they weigh an hour of a lamp at three in the morning like an hour of a shop. The energy
//! that was served and paid for, over all connections of the scenario, weighs each hour by what people do with it,
//! cannot grow because somebody leaves or is given light for nothing, and is the operator's income at the tariff's
//! price. Where it is the same to half a percent, lost hours decide.

use crate::data::Architecture;

/// Paid energy within this share of the most is the same.
const SAME: f64 = 5e-3;

/// Energy served and paid for, kWh in the run.
pub(super) fn paid_kwh(arch: &Architecture) -> f64 {
    arch.kpi("energy_served_kwh").unwrap_or(0.0) - arch.kpi("energy_unpaid_kwh").unwrap_or(0.0)
}

/// The best and the worst of them; nothing where there is none.
pub(super) fn best_and_worst<'a>(archs: &[&'a Architecture]) -> Option<(&'a Architecture, &'a Architecture)> {
    let lost = |arch: &Architecture| arch.lost_ms().iter().sum::<u64>();
    let most = archs.iter().map(|arch| paid_kwh(arch)).fold(f64::NEG_INFINITY, f64::max);
    let least = archs.iter().map(|arch| paid_kwh(arch)).fold(f64::INFINITY, f64::min);
    let margin = SAME * most.abs();
    let among = |near: f64| archs.iter().copied().filter(move |arch| (paid_kwh(arch) - near).abs() <= margin);
    let best = among(most).min_by_key(|arch| lost(arch))?;
    let worst = if most - least <= margin {
        archs.iter().copied().max_by_key(|arch| lost(arch))?
    } else {
        among(least).max_by_key(|arch| lost(arch))?
    };
    Some((best, worst))
}

/// The architecture with clearly fewer lost hours than the best, where there is one: then the two figures disagree.
pub(super) fn fewer_hours<'a>(archs: &[&'a Architecture], best: &Architecture) -> Option<&'a Architecture> {
    let fewest = archs.iter().copied().min_by(|a, b| a.lost_h().total_cmp(&b.lost_h()))?;
    (fewest.lost_h() < 0.98 * best.lost_h()).then_some(fewest)
}
