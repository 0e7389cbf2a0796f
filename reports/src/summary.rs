//! `summary.json`: the figures of a run for other programs.
//!
//! Its shape is fixed by `schema`; fields are only added. Fractions are 0–1, money carries its currency, yearly
//! figures from a run of less than a year are marked `annualised`.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};
use taa_scenarios::model::Scenario;
use taa_sim::result::{ArchResult, Kpis, RunResult};

use crate::{data::ReportData, error::ReportError, time::local_iso, verdict::verdict};

#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    scenario: &'a str,
    seed: u64,
    start: String,
    simulated_s: f64,
    digest: String,
    exogenous_digest: String,
    wall_s: f64,
    events: u64,
    partial: bool,
    architectures: Architectures<'a>,
    comparison: Comparison<'a>,
}

/// A map in the order asked for.
struct Architectures<'a>(Vec<(&'a str, Figures<'a>)>);

impl Serialize for Architectures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, figures) in &self.0 {
            map.serialize_entry(name, figures)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Figures<'a> {
    #[serde(flatten)]
    kpis: &'a Kpis,
    annualised: bool,
    digest: String,
}

#[derive(Serialize)]
struct Comparison<'a> {
    /// Differences are other minus baseline.
    baseline: &'a str,
    /// All architectures faced the same world.
    same_world: bool,
    /// Draws that these figures are of: one. What more draws found stands in `study.json`, and the caveat says so.
    draws: u32,
    one_draw: bool,
    verdict: String,
    caveat: String,
    differences: BTreeMap<&'a str, BTreeMap<String, f64>>,
}

/// The summary as pretty-printed JSON, with a newline at the end.
///
/// # Errors
/// [`ReportError::Mismatch`] when a figure cannot be written as JSON (our own fault).
pub(crate) fn summary(scenario: &Scenario, result: &RunResult, data: &ReportData) -> Result<String, ReportError> {
    let verdict = verdict(data);
    let baseline = result.architectures.first().map_or("", |arch| arch.name.as_str());
    let differences = match data.architectures.split_first() {
        Some((base, others)) => others
            .iter()
            .map(|other| {
                let numbers = base.kpis.keys().filter_map(|key| Some((key.clone(), other.kpi(key)? - base.kpi(key)?)));
                (other.name.as_str(), numbers.collect())
            })
            .collect(),
        None => BTreeMap::new(),
    };
    let figures = |arch: &ArchResult| (data.run.annualised(), arch.digest.to_string());
    let summary = Summary {
        schema: 1,
        scenario: &scenario.name,
        seed: result.seed,
        start: local_iso(result.start_unix_s, scenario.site.utc_offset_s),
        simulated_s: result.simulated_ms as f64 / 1000.0,
        digest: result.digest.to_string(),
        exogenous_digest: result.exogenous_digest.to_string(),
        wall_s: result.wall_s,
        events: result.events,
        partial: result.partial,
        architectures: Architectures(
            result
                .architectures
                .iter()
                .map(|arch| {
                    let (annualised, digest) = figures(arch);
                    (arch.name.as_str(), Figures { kpis: &arch.kpis, annualised, digest })
                })
                .collect(),
        ),
        comparison: Comparison {
            baseline,
            same_world: true,
            draws: 1,
            one_draw: true,
            verdict: format!("{} {}", verdict.question, verdict.headline),
            caveat: verdict.caveat,
            differences,
        },
    };
    let mut text = serde_json::to_string_pretty(&summary).map_err(|e| ReportError::Mismatch(e.to_string()))?;
    text.push('\n');
    Ok(text)
}
