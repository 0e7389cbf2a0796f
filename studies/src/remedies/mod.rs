//! What could be bought or done, what it costs, and what it would have saved.
//!
//! Each remedy is a change of the scenario ([`list`]), applied to the first architecture alone, everything else as it is,
//! in the same draws. Its gain is the paired difference.
//!
//! **The same worlds.** A plain run tries them in the very world that it shows, so that what is saved stands beside what is
//! lost; with replications, in the draws of all else. Rare breakage is not made frequent: what did not break in these
//! draws cannot be saved, and the words say so.
//!
//! **Hours per price** ranks: hours of light saved over the price a year, which is the price at once spread over the years
//! that such a thing lasts, plus twelve monthly fees. Money is told beside it. Paybacks count the dark hours alone: of
//! customers who leave there are so few that one of them decides.

mod list;

use taa_scenarios::model::Scenario;

use crate::{
    engine::{COST_PER_YEAR, DARK_COST_PER_YEAR, LOST_H_PER_YEAR, Outcomes, StudyError, Variant},
    knob,
    place::{Place, under},
    stats::paired,
    study::{Estimate, Remedy},
};
pub use list::{Offer, offers};

/// How much more often everything breaks in [`brittle`].
pub const RARE_FACTOR: f64 = 12.0;

/// The village in which breakage is frequent, for claims about repair: a month of it holds a year of breakage. A Weibull
/// life at a twelfth of its scale keeps its shape only if the age at the start is a twelfth as well.
///
/// # Errors
/// When the models have no hazards by that name (our own fault).
pub fn brittle(scenario: &Scenario) -> Result<Scenario, StudyError> {
    let mut brittle = scenario.clone();
    knob::scale_all(&mut brittle, "assets", "_per_year", RARE_FACTOR)?;
    // How busy the crew is elsewhere is no hazard of this village.
    brittle.assets.repair = scenario.assets.repair.clone();
    brittle.assets.oldest_years /= RARE_FACTOR;
    Ok(brittle)
}

/// The variants for these offers, one each.
pub(crate) fn variants(place: &Place, offers: &[Offer]) -> Result<Vec<Variant>, StudyError> {
    let Some((name, traits)) = place.scenario.run.architectures.first().cloned() else { return Ok(Vec::new()) };
    let plain = under(&place.scenario, &name, traits);
    let changed = offers.iter().map(|offer| {
        let mut changed = plain.clone();
        (offer.apply)(&mut changed)?;
        Ok(Variant::new(offer.id, changed))
    });
    changed.collect()
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
            let saved =
                |figure: &str| paired(&outcomes.values(first + i, 0, figure), &outcomes.values(base, 0, figure));
            let (hours, money, dark) = (saved(LOST_H_PER_YEAR), saved(COST_PER_YEAR), saved(DARK_COST_PER_YEAR));
            let a_month_usd = dark.mean / per_usd / 12.0 - offer.monthly_usd;
            let payback = (a_month_usd > 0.0).then(|| offer.price_usd / a_month_usd);
            Remedy {
                id: offer.id.to_owned(),
                words: offer.words.clone(),
                on: on.clone(),
                price_usd: offer.price_usd,
                monthly_usd: offer.monthly_usd,
                price_source: offer.price_source.to_owned(),
                saved_h_per_year: hours,
                saved_cost_per_year: money,
                saved_dark_cost_per_year: dark,
                payback_months: payback.filter(|months| *months <= 12.0 * offer.lives_years),
                certainty: certainty(&hours),
                lives_years: offer.lives_years,
            }
        })
        .collect();
    remedies.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    remedies
}

/// Hours of light saved per dollar a year; below zero what saves none, the dearer the later.
fn rank(remedy: &Remedy) -> f64 {
    let price = (remedy.price_usd / remedy.lives_years.max(0.1) + 12.0 * remedy.monthly_usd).max(1.0);
    let saved = remedy.saved_h_per_year.mean;
    if saved > 0.0 { saved / price } else { saved - price }
}

/// How sure a gain is, in words.
fn certainty(hours: &Estimate) -> String {
    let n = hours.n;
    if hours.mean.abs() < 1e-9 && hours.p10.abs() < 1e-9 && hours.p90.abs() < 1e-9 {
        let draws = if n == 1 { "this draw".to_owned() } else { format!("{n} draws") };
        format!("Changed nothing in {draws}: what it is against did not happen, or does no harm here.")
    } else if n < 2 {
        "One draw: the run shown, with it and without.".to_owned()
    } else if hours.low > 0.0 {
        format!("Sure within these models: the 95 % interval of {n} draws leaves out zero.")
    } else if hours.high < 0.0 {
        format!("It costs light: the whole 95 % interval of {n} draws is below zero.")
    } else {
        format!("Not sure: the 95 % interval of {n} draws includes zero. More draws (--replications) would tell.")
    }
}

#[cfg(test)]
mod tests;
