//! The messages of a recording: gathered by importance until the budget is spent, then ordered by time.

use serde_json::{Value, json};
use taa_scenarios::model::Scenario;
use taa_sim::{
    cause::Chain,
    records::{Plant, Records},
    result::{ArchResult, RunResult},
};

use super::{
    nanoseconds,
    schemas::{COMPONENT, DARK, DOWNTIME, KPI, LOG, PAYMENT, PLANT, Schema},
};
use crate::{
    data::{Architecture, HOUR_MS, ReportData},
    options::Record,
    words,
};

/// Bytes of a message beside its payload: record framing, header, index entry.
pub(crate) const MESSAGE_OVERHEAD: u64 = 48;

pub(crate) struct Entry<'a> {
    pub(crate) time_ns: u64,
    pub(crate) architecture: &'a str,
    pub(crate) schema: &'static Schema,
    pub(crate) payload: Vec<u8>,
}

/// Messages in order of time.
pub(crate) struct Entries<'a> {
    pub(crate) list: Vec<Entry<'a>>,
    /// Messages for which there was no room.
    pub(crate) left_out: u64,
    start_unix_s: i64,
    room: u64,
}

impl<'a> Entries<'a> {
    fn push(&mut self, architecture: &'a str, time_ms: u64, schema: &'static Schema, value: &Value) {
        let payload = value.to_string().into_bytes();
        let size = payload.len() as u64 + MESSAGE_OVERHEAD;
        if size > self.room {
            self.left_out += 1;
            return;
        }
        self.room -= size;
        self.list.push(Entry { time_ns: nanoseconds(self.start_unix_s, time_ms), architecture, schema, payload });
    }
}

/// Gathers the messages, the most telling kinds first.
pub(crate) fn collect<'a>(
    scenario: &Scenario,
    result: &'a RunResult,
    data: &ReportData,
    record: Record,
    budget: u64,
) -> Entries<'a> {
    let mut out = Entries { list: Vec::new(), left_out: 0, start_unix_s: result.start_unix_s, room: budget };
    let full = record == Record::Full;
    let archs = || result.architectures.iter().zip(&data.architectures);
    for (arch, figures) in archs() {
        out.push(&arch.name, result.simulated_ms, &KPI, &json!(figures.kpis));
        components(&mut out, scenario, arch);
    }
    archs().for_each(|(arch, figures)| dark(&mut out, arch, figures));
    archs().for_each(|(arch, _)| plant(&mut out, &arch.name, &arch.records.plant, |ms| ms % HOUR_MS == 0));
    archs().for_each(|(arch, _)| log(&mut out, arch, full));
    if full {
        archs().for_each(|(arch, _)| payments(&mut out, scenario, &arch.name, &arch.records));
        archs().for_each(|(arch, _)| downtime(&mut out, scenario, &arch.name, &arch.records));
        archs().for_each(|(arch, _)| plant(&mut out, &arch.name, &arch.records.plant, |ms| ms % HOUR_MS != 0));
    }
    // Stable: messages of one instant stay in the order above.
    out.list.sort_by_key(|entry| entry.time_ns);
    out
}

fn chain(scenario: &Scenario, chain: Chain) -> String {
    chain.causes().map(|cause| words::cause_key(cause, scenario)).collect::<Vec<_>>().join(" <- ")
}

fn components<'a>(out: &mut Entries<'a>, scenario: &Scenario, arch: &'a ArchResult) {
    let table = &arch.records.outages;
    for i in 0..table.len() {
        let name = words::component_key(table.component[i]);
        let why = chain(scenario, table.chain[i]);
        out.push(&arch.name, table.start_ms[i], &COMPONENT, &json!({"component": name, "up": false, "why": why}));
        out.push(&arch.name, table.end_ms[i], &COMPONENT, &json!({"component": name, "up": true, "why": ""}));
    }
}

fn dark<'a>(out: &mut Entries<'a>, arch: &'a ArchResult, figures: &Architecture) {
    let series = &figures.dark;
    let bins = series.customers[0].len();
    for bin in 0..bins {
        let [supply, stuck, blocked] = std::array::from_fn(|class| series.customers[class][bin]);
        let value = json!({"supply_down": supply, "credit_stuck": stuck, "payment_blocked": blocked});
        out.push(&arch.name, bin as u64 * series.step_ms, &DARK, &value);
    }
}

fn plant<'a>(out: &mut Entries<'a>, name: &'a str, table: &Plant, keep: impl Fn(u64) -> bool) {
    let tenth = |v: f32| (f64::from(v) * 10.0).round() / 10.0;
    let thousandth = |v: f32| (f64::from(v) * 1000.0).round() / 1000.0;
    for i in (0..table.len()).filter(|&i| keep(table.time_ms[i])) {
        let value = json!({
            "ghi_w_per_m2": tenth(table.ghi_w_per_m2[i]),
            "pv_available_w": tenth(table.pv_available_w[i]),
            "pv_used_w": tenth(table.pv_used_w[i]),
            "load_w": tenth(table.load_w[i]),
            "wanted_w": tenth(table.wanted_w[i]),
            "battery_soc": thousandth(table.battery_soc[i]),
            "supply_on": thousandth(table.supply_on[i]),
        });
        out.push(name, table.time_ms[i], &PLANT, &value);
    }
}

fn log<'a>(out: &mut Entries<'a>, arch: &'a ArchResult, full: bool) {
    let table = &arch.records.log;
    for i in 0..table.len() {
        let warning = is_warning(table.kind[i]);
        if !full && !warning {
            continue;
        }
        let ns = nanoseconds(out.start_unix_s, table.time_ms[i]);
        let value = json!({
            "timestamp": {"sec": ns / 1_000_000_000, "nsec": ns % 1_000_000_000},
            "level": if warning { 3 } else { 2 },
            "message": table.text[i],
            "name": table.subject[i],
            "file": table.kind[i],
            "line": 0,
        });
        out.push(&arch.name, table.time_ms[i], &LOG, &value);
    }
}

/// Kinds are short stable words such as `tower_down`; these parts of them mean that something went wrong.
fn is_warning(kind: &str) -> bool {
    const BAD: [&str; 13] =
        ["down", "lost", "fail", "empty", "dead", "trip", "out", "jam", "left", "churn", "isolat", "stuck", "overload"];
    kind.split('_').any(|word| BAD.iter().any(|bad| word.starts_with(bad)))
}

fn payments<'a>(out: &mut Entries<'a>, scenario: &Scenario, name: &'a str, records: &Records) {
    let table = &records.payments;
    for i in 0..table.len() {
        let delay_s = table.applied_ms[i].map(|ms| ms.saturating_sub(table.wanted_ms[i]) as f64 / 1000.0);
        let value = json!({
            "customer": id(scenario, table.customer[i]),
            "amount_minor": table.amount_minor[i],
            "outcome": words::outcome_key(table.outcome[i]),
            "delay_s": delay_s,
        });
        out.push(name, table.wanted_ms[i], &PAYMENT, &value);
    }
}

fn downtime<'a>(out: &mut Entries<'a>, scenario: &Scenario, name: &'a str, records: &Records) {
    let table = &records.downtime;
    for i in 0..table.len() {
        let value = json!({
            "customer": id(scenario, table.customer[i]),
            "class": table.class[i].name(),
            "chain": chain(scenario, table.chain[i]),
            "duration_ms": table.end_ms[i].saturating_sub(table.start_ms[i]),
        });
        out.push(name, table.start_ms[i], &DOWNTIME, &value);
    }
}

fn id(scenario: &Scenario, customer: u32) -> &str {
    scenario.village.customers.get(customer as usize).map_or("", |customer| customer.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::is_warning;

    #[test]
    fn kinds_tell_trouble_from_news() {
        assert!(is_warning("tower_down") && is_warning("battery_empty") && is_warning("inverter_failed"));
        assert!(!is_warning("tower_up") && !is_warning("payment_applied") && !is_warning("route_changed"));
    }
}
