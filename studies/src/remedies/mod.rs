//! What could be bought or done, what it costs, and what it would have saved.
//!
//! Each remedy is a change of the scenario ([`list`]), applied to the first architecture alone, everything else as it is,
//! in the same draws. Its gain is the paired difference.
//!
//! **Rare failures.** An inverter fails once in ten years; three draws of a month would see none and call a spare inverter
//! useless. Remedies that act only through breakage are therefore looked at in a village where everything breaks
//! [`RARE_FACTOR`] times as often, against the same village without the remedy, and the gain is divided by that factor.
//! The gain per failure hardly depends on how often failures come (they seldom overlap even then), so this keeps the
//! expected gain and narrows its interval. It leans a little low: what overlaps is saved only once.
//!
//! **Gain per price.** Money saved a year, in US dollars, over the price a year: the price at once spread over the years
//! that such a thing lasts, plus twelve monthly fees.

mod list;

use taa_scenarios::model::Scenario;

use crate::{
    engine::{COST_PER_YEAR, LOST_H_PER_YEAR, Outcomes, StudyError, Variant},
    knob,
    place::{Place, under},
    stats::{paired, scaled},
    study::{Estimate, Remedy},
};
pub use list::{Offer, offers};

/// How much more often everything breaks where a remedy against breakage is looked at.
pub const RARE_FACTOR: f64 = 12.0;

/// The village in which breakage is frequent.
///
/// # Errors
/// When the models have no hazards by that name (our own fault).
pub fn brittle(scenario: &Scenario) -> Result<Scenario, StudyError> {
    let mut brittle = scenario.clone();
    knob::scale_all(&mut brittle, "assets", "_per_year", RARE_FACTOR)?;
    // How busy the crew is elsewhere is no hazard of this village.
    brittle.assets.repair = scenario.assets.repair.clone();
    Ok(brittle)
}

/// The variants for these offers: the brittle base first, then one each.
pub(crate) fn variants(place: &Place, offers: &[Offer]) -> Result<Vec<Variant>, StudyError> {
    let Some((name, traits)) = place.scenario.run.architectures.first().cloned() else { return Ok(Vec::new()) };
    let plain = under(&place.scenario, &name, traits);
    let base = brittle(&plain)?;
    let mut all = vec![Variant::new("everything breaks more often", base.clone())];
    for offer in offers {
        let mut changed = if offer.rare { base.clone() } else { plain.clone() };
        (offer.apply)(&mut changed)?;
        all.push(Variant::new(offer.id, changed));
    }
    Ok(all)
}

/// The remedies from outcomes whose variant `base` is the village as it is and whose variants from `first` on are those
/// of [`variants`]; best first.
pub(crate) fn table(place: &Place, offers: &[Offer], outcomes: &Outcomes, base: usize, first: usize) -> Vec<Remedy> {
    let Some((on, _)) = place.scenario.run.architectures.first() else { return Vec::new() };
    let per_usd = place.scenario.economics.currency_per_usd.max(f64::MIN_POSITIVE);
    let mut remedies: Vec<Remedy> = offers
        .iter()
        .enumerate()
        .map(|(i, offer)| {
            let (before, factor) = if offer.rare { (first, 1.0 / RARE_FACTOR) } else { (base, 1.0) };
            let saved = |figure: &str| {
                let with = outcomes.values(first + 1 + i, 0, figure);
                scaled(paired(&with, &outcomes.values(before, 0, figure)), factor)
            };
            let (hours, money) = (saved(LOST_H_PER_YEAR), saved(COST_PER_YEAR));
            let a_month_usd = money.mean / per_usd / 12.0 - offer.monthly_usd;
            Remedy {
                id: offer.id.to_owned(),
                words: offer.words.clone(),
                on: on.clone(),
                price_usd: offer.price_usd,
                monthly_usd: offer.monthly_usd,
                price_source: offer.price_source.to_owned(),
                saved_h_per_year: hours,
                saved_cost_per_year: money,
                payback_months: (a_month_usd > 0.0).then(|| offer.price_usd / a_month_usd),
                certainty: certainty(&money, &hours, offer.rare),
                lives_years: offer.lives_years,
            }
        })
        .collect();
    remedies.sort_by(|a, b| rank(b, per_usd).total_cmp(&rank(a, per_usd)));
    remedies
}

/// Money saved a year per dollar a year; below zero what saves nothing, the dearer the later.
fn rank(remedy: &Remedy, per_usd: f64) -> f64 {
    let price = remedy.price_usd / remedy.lives_years.max(0.1) + 12.0 * remedy.monthly_usd;
    let saved = remedy.saved_cost_per_year.mean / per_usd;
    if saved > 0.0 { saved / price.max(0.01) } else { saved - price }
}

/// How sure a gain is, in words.
fn certainty(money: &Estimate, hours: &Estimate, rare: bool) -> String {
    let how = if rare { " Looked at where everything breaks twelve times as often, then scaled back." } else { "" };
    let still = |e: &Estimate| e.mean.abs() < 1e-9 && e.p10.abs() < 1e-9 && e.p90.abs() < 1e-9;
    let n = money.n;
    let what = if still(money) && still(hours) {
        format!("Changed nothing in {n} draws: what it is against did not happen, or does no harm here.")
    } else if n < 2 {
        "One draw: no interval.".to_owned()
    } else if money.low > 0.0 {
        format!("Sure within these models: it saved money in the 95 % interval of {n} draws.")
    } else if money.high < 0.0 {
        format!("It costs money: the whole 95 % interval of {n} draws is below zero.")
    } else {
        format!("Not sure: the 95 % interval of {n} draws includes zero. More draws (--replications) would tell.")
    };
    what + how
}

#[cfg(test)]
mod tests;
