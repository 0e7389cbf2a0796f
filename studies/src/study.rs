//! What a study found: plain data, written beside a report and shown in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A figure over several draws of the world.
#[derive(Default, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Draws that had a value.
    pub n: u32,
    /// Mean.
    pub mean: f64,
    /// Lower end of the 95 % confidence interval of the mean (Student's t); the mean itself for one draw.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Tenth percentile over draws.
    pub p10: f64,
    /// Median over draws.
    pub p50: f64,
    /// Ninetieth percentile over draws.
    pub p90: f64,
}

/// All that was found about one village.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// Draws of the world.
    pub draws: u32,
    /// Days of each.
    pub days: u32,
    /// One per architecture, in the scenario's order.
    pub spreads: Vec<Spread>,
    /// From the first architecture to the last, trait by trait; empty where there is only one.
    pub ablation: Option<Ablation>,
    /// What to change first: sorted by gain per price, best first; what does not help is at the end.
    pub remedies: Vec<Remedy>,
    /// How the remedies were looked at: draws, days, where the days lie. A sentence.
    #[serde(default)]
    pub remedies_basis: String,
    /// The assumptions that move the verdict most, strongest first.
    pub sensitivity: Option<Sensitivity>,
}

/// One architecture over the draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Name of the architecture.
    pub architecture: String,
    /// KPI name as in `summary.json` → figure. `downtime_h_by_cause` is flattened to `downtime_h_by_cause.<cause>`.
    pub kpis: BTreeMap<String, Estimate>,
    /// Day of the run → share of customer-time lost on that day (all three classes), 0–1: p10, p50, p90 over draws.
    pub lost_share_by_day: Vec<[f64; 3]>,
    /// The same for the battery's state of charge at 6 h local, 0–1.
    pub soc_by_day: Vec<[f64; 3]>,
}

/// What each trait costs or buys this village.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ablation {
    /// The architecture it starts from.
    pub from: String,
    /// The architecture that it becomes when all traits are changed.
    pub to: String,
    /// One row per trait that differs, then one per value that neither has.
    pub rows: Vec<AblationRow>,
}

/// One trait changed, alone and last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AblationRow {
    /// Name of the trait as in `--trait`.
    pub name: String,
    /// Its value in `from`.
    pub from: String,
    /// Its value in `to`, or the value that neither has.
    pub to: String,
    /// Change of lost customer-hours per customer and year when only this trait of `from` is changed (negative: better).
    pub alone_h_per_year: Estimate,
    /// The same when this trait of `to` is set back to that of `from` (positive: it is missed); 0 where both agree.
    pub missed_h_per_year: Estimate,
    /// Change of `cost_of_downtime` a year when changed alone, units of the currency.
    pub alone_cost_per_year: Estimate,
}

/// Something that can be bought or done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// Stable name (`dual_sim`).
    pub id: String,
    /// What to do, in words for a planner ("a second SIM of the other operator").
    pub words: String,
    /// The architecture that it was applied to.
    pub on: String,
    /// Price at once, US dollars, for this village.
    pub price_usd: f64,
    /// Price a month, US dollars.
    pub monthly_usd: f64,
    /// Where the price is from ("assumed", or a source).
    pub price_source: String,
    /// Lost customer-hours per customer and year that it saves.
    pub saved_h_per_year: Estimate,
    /// `cost_of_downtime` a year that it saves, units of the currency.
    pub saved_cost_per_year: Estimate,
    /// The same without those who left, of which a handful decides: what paybacks are told of.
    #[serde(default)]
    pub saved_dark_cost_per_year: Estimate,
    /// Months until it has paid for itself at the mean of that; nothing where it never does within its life.
    pub payback_months: Option<f64>,
    /// How sure that is, in words: whether the interval leaves out zero, in how many draws anything changed, how rare
    /// failures were looked at.
    #[serde(default)]
    pub certainty: String,
    /// The price is spread over this many years to set gain against price.
    #[serde(default)]
    pub lives_years: f64,
}

/// How the verdict depends on what is only assumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The figure looked at: yearly `cost_of_downtime` of the first architecture less that of the last, in the currency.
    pub base: Estimate,
    /// One row per assumption, widest swing first.
    pub rows: Vec<SensitivityRow>,
}

/// One assumption moved to the ends of its range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensitivityRow {
    /// Dotted name as in `scenario.toml`.
    pub key: String,
    /// In words.
    pub words: String,
    /// `assumed`, `published` or `measured`.
    pub status: String,
    /// Low end, base value, high end of the assumption.
    pub values: [f64; 3],
    /// The figure at the low end.
    pub at_low: Estimate,
    /// The figure at the high end.
    pub at_high: Estimate,
    /// The whole interval lies above zero somewhere in the range and below it elsewhere: the verdict hangs on this
    /// assumption.
    pub flips: bool,
    /// Why the range has these ends.
    #[serde(default)]
    pub why: String,
}
