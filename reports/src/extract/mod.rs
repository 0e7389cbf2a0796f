//! From a scenario and a run's tables to [`ReportData`]: sums, bins and words, no formatting.

mod figures;
mod geometry;
mod hours;
mod images;
mod mesh;
mod repairs;
mod series;
mod stories;
mod tickets;
mod waits;

use serde_json::Value;
use taa_scenarios::model::Scenario;
use taa_sim::result::{ArchResult, RunResult};
use taa_studies::study::Study;

use crate::{
    data::{Architecture, FORMAT, FaultFacts, ReportData, RunFacts, ScenarioFacts},
    error::ReportError,
    words,
};

/// Everything the page needs.
///
/// # Errors
/// [`ReportError::Mismatch`] when a table speaks of customers that the scenario does not have.
pub(crate) fn extract(
    scenario: &Scenario,
    result: &RunResult,
    study: Option<&Study>,
) -> Result<ReportData, ReportError> {
    let architectures = result.architectures.iter().map(|arch| architecture(scenario, result, arch));
    Ok(ReportData {
        format: FORMAT,
        generator: format!("taa {}", env!("CARGO_PKG_VERSION")),
        scenario: scenario_facts(scenario),
        village: geometry::geometry(scenario, result),
        run: RunFacts {
            seed: result.seed,
            start_unix_s: result.start_unix_s,
            simulated_ms: result.simulated_ms,
            days_asked: scenario.run.days,
            partial: result.partial,
            wall_s: result.wall_s,
            events: result.events,
            digest: result.digest.to_string(),
            exogenous_digest: result.exogenous_digest.to_string(),
        },
        architectures: architectures.collect::<Result<_, _>>()?,
        study: study.map(readable).transpose()?,
    })
}

fn architecture(scenario: &Scenario, result: &RunResult, arch: &ArchResult) -> Result<Architecture, ReportError> {
    let customers = scenario.village.customers.len();
    let records = &arch.records;
    let foreign =
        records.downtime.customer.iter().chain(&records.payments.customer).find(|&&c| c as usize >= customers);
    if let Some(index) = foreign {
        return Err(ReportError::Mismatch(format!(
            "{} knows customer {index}, the scenario has {customers}",
            arch.name
        )));
    }
    let kpis = serde_json::to_value(&arch.kpis).map_err(|e| ReportError::Mismatch(e.to_string()))?;
    let (mut causes, by_row) = figures::causes(scenario, &records.downtime);
    let hits = stories::hits(causes.len(), &records.downtime, &by_row);
    causes.iter_mut().zip(hits).for_each(|(row, hit)| row.hit = hit);
    Ok(Architecture {
        name: arch.name.clone(),
        traits: words::traits(&arch.traits),
        upgrade_usd: scenario.run.architectures.first().map_or((0.0, 0.0), |(_, first)| {
            scenario.economics.upgrade_usd(*first, arch.traits, scenario.village.customers.len())
        }),
        digest: arch.digest.to_string(),
        kpis: kpis
            .as_object()
            .map(|map| map.iter().map(|(k, v)| (k.clone(), shortened(v))).collect())
            .unwrap_or_default(),
        customers: figures::customers(customers, records, &causes, &by_row),
        causes,
        soc_percent: series::soc_percent(&records.plant, result.simulated_ms),
        mean_day: series::mean_day(&records.plant),
        days: series::days(&records.plant, result.simulated_ms),
        dark: series::dark(&records.downtime, result.simulated_ms),
        outages: figures::outages(scenario, &records.outages),
        payments: figures::payments(scenario, &records.payments, result.simulated_ms),
        stories: stories::stories(scenario, &records.downtime),
        hours: Some(hours::split(&records.customers, result.simulated_ms)),
        kits: figures::kits(scenario, &records.kits),
        images: images::figures(scenario, records, result.simulated_ms),
        mesh: mesh::figures(scenario, records, result.simulated_ms, result.architectures.len()),
        tickets: tickets::figures(scenario, records, result.simulated_ms),
        repairs: Some(repairs::listing(scenario, &records.repairs, result.simulated_ms)),
    })
}

/// A study whose numbers read back exactly from JSON.
fn readable(study: &Study) -> Result<Study, ReportError> {
    let mismatch = |e: serde_json::Error| ReportError::Mismatch(e.to_string());
    let mut value = serde_json::to_value(study).map_err(mismatch)?;
    shorten_all(&mut value);
    serde_json::from_value(value).map_err(mismatch)
}

fn shorten_all(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(shorten_all),
        Value::Array(list) => list.iter_mut().for_each(shorten_all),
        _ => *value = shortened(value),
    }
}

/// Numbers to 13 significant digits: JSON readers without correct rounding still read them back exactly, so a page
/// rendered again has the same bytes.
fn shortened(value: &Value) -> Value {
    match value.as_f64() {
        Some(v) if value.is_f64() => format!("{v:.12e}").parse::<f64>().map_or_else(|_| value.clone(), Value::from),
        _ => value.clone(),
    }
}

fn scenario_facts(scenario: &Scenario) -> ScenarioFacts {
    let mut classes: Vec<(String, u32)> = Vec::new();
    for customer in &scenario.village.customers {
        let name = customer.class.name();
        match classes.iter_mut().find(|(n, _)| n == name) {
            Some((_, count)) => *count += 1,
            None => classes.push((name.to_owned(), 1)),
        }
    }
    classes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let faults = scenario.faults.iter().map(|fault| FaultFacts {
        id: fault.id.clone(),
        words: words::fault_words(fault.what, &fault.target, scenario),
        from_ms: fault.from_ms,
        until_ms: fault.until_ms,
    });
    let tariff = &scenario.tariff;
    ScenarioFacts {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        lat_deg: scenario.site.lat_deg,
        lon_deg: scenario.site.lon_deg,
        utc_offset_s: scenario.site.utc_offset_s,
        pv_kwp: scenario.power.pv.kwp,
        battery_kwh: scenario.power.battery.capacity_kwh,
        inverter_kw: scenario.power.inverter_kw,
        currency: tariff.currency.clone(),
        price_per_kwh: tariff.energy_price_per_kwh_minor as f64 / f64::from(tariff.minor_per_unit.max(1)),
        currency_per_usd: scenario.economics.currency_per_usd,
        classes,
        feeders: u32::try_from(scenario.village.feeders.len()).unwrap_or(u32::MAX),
        weather_source: scenario.weather.source.clone(),
        weather_distance_km: scenario.weather.distance_km,
        faults: faults.collect(),
        notes: scenario.notes.clone(),
        attributions: scenario.attributions.clone(),
    }
}
