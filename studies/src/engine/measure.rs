//! From a run's tables to the figures that a study keeps.

use std::collections::BTreeMap;

use serde_json::Value;
use taa_scenarios::model::Scenario;
use taa_sim::result::{ArchResult, Digest};

/// Lost customer-hours (all three classes) per customer and year.
pub const LOST_H_PER_YEAR: &str = "lost_h_per_customer_year";
/// `cost_of_downtime` a year, units of the currency.
pub const COST_PER_YEAR: &str = "cost_of_downtime_per_year";
/// The same without those who left.
pub const DARK_COST_PER_YEAR: &str = "cost_of_dark_hours_per_year";

const DAY_MS: u64 = 86_400_000;
const YEAR_H: f64 = 8_760.0;

/// What is kept of one simulation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Every numeric KPI (maps flattened with a dot), the two yearly figures above, and what the study measures itself.
    pub figures: BTreeMap<String, f64>,
    /// Share of customer-time lost, day by day.
    pub lost_share_by_day: Vec<f64>,
    /// State of charge at 6 h local, day by day.
    pub soc_by_day: Vec<f64>,
    /// Digest of the run.
    pub digest: Digest,
    /// Digest of what no architecture can influence.
    pub exogenous_digest: Digest,
}

pub(super) fn outcome(scenario: &Scenario, arch: &ArchResult, simulated_ms: u64) -> Outcome {
    let mut figures = BTreeMap::new();
    if let Ok(tree) = serde_json::to_value(&arch.kpis) {
        flatten("", &tree, &mut figures);
    }
    let hours = simulated_ms as f64 / 3_600_000.0;
    let customers = scenario.village.customers.len().max(1) as f64;
    if hours > 0.0 {
        figures.insert(LOST_H_PER_YEAR.to_owned(), arch.kpis.downtime_h / customers * YEAR_H / hours);
        figures.insert(COST_PER_YEAR.to_owned(), arch.kpis.cost_of_downtime * YEAR_H / hours);
        figures.insert(DARK_COST_PER_YEAR.to_owned(), arch.kpis.cost_of_dark_hours() * YEAR_H / hours);
    }
    Outcome {
        figures,
        lost_share_by_day: lost_by_day(arch, simulated_ms, customers),
        soc_by_day: soc_by_day(arch, simulated_ms),
        digest: arch.digest,
        exogenous_digest: Digest::default(),
    }
}

fn flatten(name: &str, tree: &Value, into: &mut BTreeMap<String, f64>) {
    match tree {
        Value::Object(object) => {
            for (key, value) in object {
                let below = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&below, value, into);
            }
        }
        other => {
            if let Some(number) = other.as_f64() {
                into.insert(name.to_owned(), number);
            }
        }
    }
}

fn lost_by_day(arch: &ArchResult, simulated_ms: u64, customers: f64) -> Vec<f64> {
    let days = simulated_ms.div_ceil(DAY_MS) as usize;
    let mut lost_ms = vec![0_u64; days];
    let table = &arch.records.downtime;
    for i in 0..table.len() {
        let (mut from, until) = (table.start_ms[i], table.end_ms[i].min(simulated_ms));
        while from < until {
            let day = from / DAY_MS;
            let to = until.min((day + 1) * DAY_MS);
            lost_ms[day as usize] += to - from;
            from = to;
        }
    }
    let day_ms = DAY_MS as f64 * customers;
    lost_ms.into_iter().map(|ms| ms as f64 / day_ms).collect()
}

/// The sample at 6 h local of each day (the run starts at local midnight).
fn soc_by_day(arch: &ArchResult, simulated_ms: u64) -> Vec<f64> {
    let plant = &arch.records.plant;
    let mut row = 0;
    let wanted = (0..simulated_ms.div_ceil(DAY_MS)).map(|day| day * DAY_MS + DAY_MS / 4);
    wanted
        .map_while(|at| {
            while row < plant.len() && plant.time_ms[row] < at {
                row += 1;
            }
            plant.battery_soc.get(row).map(|&soc| f64::from(soc))
        })
        .collect()
}
