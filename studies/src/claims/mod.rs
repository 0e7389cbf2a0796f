//! The source documents' claims, put to the test.
//!
//! Three documents started this project: a *downtime note* (mini-grid downtime in Sub-Saharan Africa), an *outage manual*
//! (smart-meter outage detection) and a *software audit* (EPRI's reference stacks). Every statement of theirs that a
//! simulation can speak to is here with what is simulated for it, the figure with its interval, and a verdict.
//!
//! **The verdict follows the figure** ([`judge`]): *reproduced* when the whole 95 % interval lies within what the document
//! states, *not reproduced* when none of it does, and *depends on …* when the interval straddles the bound, when moving
//! the assumption that drives the figure to an end of its plausible range changes the answer, or when the model was set to
//! the claim in the first place. Nothing is tuned: the village, its tariff and its models are those of a plain `taa run`.
//!
//! The village: the first 200 connections of the folder given, because the money claims speak of 200.

mod group;
mod judge;
mod markdown;
mod measure;
mod other;
mod outage;
mod stories;
mod vectors;
mod year;

use std::path::Path;

use serde::Serialize;
use taa_dcu::config::Traits;
use taa_scenarios::{
    Diagnostics, Overrides,
    model::{Fault, FaultKind, FaultTarget, Scenario},
};

use crate::{
    engine::{Lent, StudyError},
    place::{Place, first_connections, under},
    stats::stopping::Stopping,
    study::Estimate,
};
pub use judge::{Range, Verdict, judge};
use judge::{circular, unsettled};
pub use markdown::markdown;

/// Connections of the village under test.
pub const CONNECTIONS: u32 = 200;

/// A figure that a simulation gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What it is.
    pub words: String,
    /// Its unit, empty for a plain number.
    pub unit: &'static str,
    /// Over the draws.
    pub value: Estimate,
}

/// A statement of the documents, and what the simulation says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    /// Stable name.
    pub id: &'static str,
    /// The document.
    pub document: &'static str,
    /// Its words, shortened.
    pub quote: &'static str,
    /// What is simulated: variants, days.
    pub tested: String,
    /// The figure that is judged.
    pub figure: Figure,
    /// What the document states of that figure.
    pub stated: Range,
    /// The verdict.
    pub verdict: Verdict,
    /// The assumption that drives it, and the figure at its ends.
    pub driver: Driver,
    /// At which value it would hold, or what stands against it; a sentence or two.
    pub would_hold: String,
    /// Arithmetic beside the simulation.
    pub arithmetic: Option<String>,
    /// Other figures worth knowing.
    pub beside: Vec<Figure>,
}

/// The assumption that drives a claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Driver {
    /// In words, with status.
    pub words: String,
    /// Value of the assumption in words → the figure there.
    pub moved: Vec<(String, Estimate)>,
}

/// All claims and how they were tested.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Book {
    /// The village and its prices, a sentence.
    pub village: String,
    /// Draws and days, a sentence.
    pub effort: String,
    /// In the order of the documents.
    pub claims: Vec<Claim>,
}

/// How much to simulate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Days of a "year".
    pub year_days: u32,
    /// When to stop drawing years.
    pub years: Stopping,
    /// When to stop drawing the shorter runs.
    pub spells: Stopping,
}

impl Effort {
    /// What `docs/claims.md` is made with.
    pub const FULL: Self = Self {
        year_days: 365,
        years: Stopping { min: 8, max: 16, batch: 4, relative: 0.1, absolute: 0.0 },
        spells: Stopping { min: 12, max: 32, batch: 4, relative: 0.1, absolute: 0.0 },
    };
    /// A look: a few draws of a few weeks.
    pub const QUICK: Self = Self { year_days: 60, years: Stopping::fixed(3), spells: Stopping::fixed(3) };
}

/// The village of a folder as the claims need it.
///
/// # Errors
/// What the loader says.
pub fn village(dir: &Path, effort: &Effort) -> Result<Place, Diagnostics> {
    let overrides = Overrides {
        days: Some(effort.year_days.max(90)),
        architectures: vec!["cloud_sync".to_owned(), "edge_local".to_owned()],
        ..Overrides::default()
    };
    let mut place = Place::load(dir, &overrides)?;
    place.scenario = first_connections(&place.scenario, CONNECTIONS);
    place.scenario.faults.clear();
    Ok(place)
}

/// Tests every claim.
///
/// # Errors
/// [`StudyError`].
pub fn run(place: &Place, effort: &Effort, say: &(dyn Fn(&str) + Sync), lent: &Lent<'_>) -> Result<Book, StudyError> {
    let bench = Bench { place, effort, lent };
    let mut claims = Vec::new();
    say("a year under cloud_sync and edge_local");
    let (found, draws) = year::claims(&bench)?;
    claims.extend(found);
    say("four-day outages");
    claims.extend(outage::claims(&bench)?);
    say("the six failure vectors and their mitigations");
    claims.extend(vectors::claims(&bench)?);
    say("detection, buffering");
    claims.extend(other::claims(&bench)?);
    let s = &place.scenario;
    let price_usd = bench.price_usd();
    Ok(Book {
        village: format!(
            "The first {} connections of {}, {:.0} kWp, {:.0} kWh of battery; {:.2} US dollars a kilowatt-hour ({} {:.0} at \
             {:.0} to the dollar); a lost connection costs {:.0} dollars to replace.",
            s.village.customers.len(),
            s.title,
            s.power.pv.kwp,
            s.power.battery.capacity_kwh,
            price_usd,
            s.tariff.currency,
            price_usd * s.economics.currency_per_usd,
            s.economics.currency_per_usd,
            s.economics.connection_usd,
        ),
        effort: format!(
            "{draws} draws of {} days for the yearly figures, up to {} draws for single outages. Drawing stops when for every \
             figure that is judged, moved ones included, half the width of the 95 % interval is below {:.0} % of the mean or \
             the next bound is two half widths away; at the latest after {} and {} draws.",
            effort.year_days.min(s.run.days),
            effort.spells.max,
            effort.years.relative * 100.0,
            effort.years.max,
            effort.spells.max
        ),
        claims,
    })
}

/// What every experiment needs.
struct Bench<'a> {
    place: &'a Place,
    effort: &'a Effort,
    lent: &'a Lent<'a>,
}

impl Bench<'_> {
    /// The village under one built-in architecture, changed, for so many days.
    fn with(
        &self,
        name: &str,
        days: u32,
        change: impl FnOnce(&mut Scenario) -> Result<(), StudyError>,
    ) -> Result<Scenario, StudyError> {
        let traits = Traits::bundle(name).unwrap_or(Traits::BUNDLES[0].1);
        let mut scenario = under(&self.place.scenario, name, traits);
        scenario.run.days = days;
        change(&mut scenario)?;
        Ok(scenario)
    }

    fn price_usd(&self) -> f64 {
        let s = &self.place.scenario;
        let minor = s.tariff.energy_price_per_kwh_minor as f64 / f64::from(s.tariff.minor_per_unit.max(1));
        minor / s.economics.currency_per_usd.max(f64::MIN_POSITIVE)
    }

    /// Units of the currency in dollars.
    fn usd(&self) -> f64 {
        1.0 / self.place.scenario.economics.currency_per_usd.max(f64::MIN_POSITIVE)
    }

    fn customers(&self) -> f64 {
        self.place.scenario.village.customers.len().max(1) as f64
    }
}

/// A scripted fault over the whole village.
fn fault(id: &str, what: FaultKind, target: FaultTarget, from_h: u64, length_h: u64) -> Fault {
    let from_ms = from_h * 3_600_000;
    Fault { id: id.to_owned(), what, target, from_ms, until_ms: from_ms + length_h * 3_600_000 }
}

const NOTE: &str = "downtime note";
const MANUAL: &str = "outage manual";
const AUDIT: &str = "software audit";

#[cfg(test)]
mod tests;
