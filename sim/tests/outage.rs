//! A power cut from the branch to the ticket: gasps over the mesh, the DCU's judgement, and how good it was.

mod common;

use std::fmt::Write as _;

use common::{bundle, fault, simulate, simulate_on, village};
use taa_models::assets::AssetParams;
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::{cause::DownClass, records::OutageTickets, result::ArchResult};

/// Forty customers for three days, no weather and no wear in the way; the second feeder is open for four hours.
fn cut(hold_up_s: f64) -> Scenario {
    let mut scenario = calm();
    scenario.comms.last_gasp.hold_up_s = hold_up_s;
    scenario.faults.push(fault("line", FaultKind::FeederOut, FaultTarget::Feeder(1), 30, 34));
    scenario
}

fn calm() -> Scenario {
    let mut scenario = village(40, 3, 11);
    scenario.run.architectures = vec![bundle("edge_local")];
    scenario.power.pv.kwp *= 2.0;
    scenario.power.battery.capacity_kwh *= 4.0;
    scenario.power.inverter_kw *= 4.0;
    scenario.assets = AssetParams::none();
    scenario
}

fn first(scenario: &Scenario) -> ArchResult {
    simulate(scenario).architectures.swap_remove(0)
}

fn of_the_cut(tickets: &OutageTickets) -> Vec<String> {
    let rows = tickets.rows().filter(|row| row.opened_ms >= 30 * 3_600_000);
    rows.map(|row| format!("{} {} {}", row.place, row.ground, row.ending)).collect()
}

#[test]
fn an_open_feeder_is_found_told_once_and_closed() {
    let result = first(&cut(4.0));
    let tickets = &result.records.outage_tickets;
    assert_eq!(of_the_cut(tickets), ["feeder-2 gasps restored"], "{tickets:?}");
    let row = tickets.rows().next().unwrap();
    assert_eq!(row.opened_ms / 1000, 30 * 3600 + 2, "two seconds after the first gasp");
    assert_eq!((row.members, row.restored), (20, 20));
    assert!(row.heard >= 10, "{row:?}");
    let kpis = &result.kpis;
    assert_eq!((kpis.outage_detection_recall, kpis.outage_detection_precision), (Some(1.0), Some(1.0)));
    assert!(kpis.outage_detection_latency_p95_s.is_some_and(|s| (2.0..4.0).contains(&s)), "{kpis:?}");
}

/// The sabotage of the one before: with the logic switched off nothing is found, and there is no figure.
#[test]
fn without_last_gasp_nothing_is_found_and_the_village_lives_as_before() {
    let mut scenario = cut(4.0);
    let with = simulate(&scenario);
    scenario.comms.last_gasp.enabled = false;
    let without = simulate(&scenario);
    assert_eq!(with.exogenous_digest, without.exogenous_digest, "the same world");
    let (with, without) = (&with.architectures[0], &without.architectures[0]);
    assert!(without.records.outage_tickets.is_empty());
    assert_eq!(without.kpis.outage_detection_recall, None);
    // Pings are traffic like any other: they shift when a payment that is under way arrives, and nothing else.
    let lost = |arch: &ArchResult| {
        let rows = arch.records.downtime.rows().filter(|row| row.class == DownClass::SupplyDown);
        rows.map(|row| (row.customer, row.start_ms, row.end_ms, row.chain)).collect::<Vec<_>>()
    };
    assert_eq!(lost(with), lost(without), "who is dark, when and why");
    assert_eq!(with.records.outages, without.records.outages);
}

#[test]
fn what_the_inverter_takes_along_is_one_ticket_by_the_site_s_own_supply() {
    let mut scenario = calm();
    scenario.faults.push(fault("inverter", FaultKind::InverterOut, FaultTarget::All, 30, 32));
    let result = first(&scenario);
    let tickets = &result.records.outage_tickets;
    let row = tickets.rows().next().unwrap();
    assert_eq!((row.place.as_str(), row.members, row.ending), ("inverter", 40, "restored"));
    assert_eq!(tickets.len(), 1, "{tickets:?}");
}

#[test]
fn threads_and_repetition_change_nothing() {
    let mut scenario = cut(1.0);
    scenario.run.architectures = vec![bundle("cloud_sync"), bundle("edge_local")];
    let (one, two) = (simulate_on(&scenario, 1), simulate_on(&scenario, 2));
    assert_eq!(one.digest, two.digest);
}

/// How many of twenty meters that lose their supply at once are heard, by what their capacitors hold; and what is found.
#[test]
fn what_the_hold_up_buys() {
    let mut table = String::from("hold-up   heard of 20   found   told after\n");
    let mut heard = Vec::new();
    for hold_up_s in [0.25, 0.5, 1.0, 4.0, 15.0, 60.0] {
        let result = first(&cut(hold_up_s));
        let rows: Vec<_> = result.records.outage_tickets.rows().filter(|row| row.opened_ms >= 30 * 3_600_000).collect();
        let count = rows.iter().map(|row| row.heard).sum::<u32>();
        let recall = result.kpis.outage_detection_recall.unwrap_or(0.0) * 100.0;
        let latency_s = result.kpis.outage_detection_latency_p95_s.unwrap_or(0.0);
        writeln!(table, "{hold_up_s:>5} s {count:>13} {recall:>5.0} % {latency_s:>10.1} s").unwrap();
        heard.push(count);
    }
    println!("{table}");
    assert!(heard.first() < heard.last(), "{table}");
    assert!(heard.last().is_some_and(|count| *count >= 18), "{table}");
}
