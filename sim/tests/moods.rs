//! What paid darkness does to people, in the village: trust, calls, pauses, bypasses, departures, and what it costs.

mod common;

use common::{bundle, fault, simulate, village};
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::{
    records::{PayChannel, Records},
    result::ArchResult,
};

/// A village with enough sun, so that the dark comes from the scripted faults.
fn bright(customers: u32, days: u32, architecture: &str) -> Scenario {
    let mut scenario = village(customers, days, 7);
    scenario.power.pv.kwp *= 2.0;
    scenario.power.battery.capacity_kwh *= 1.3;
    scenario.run.architectures = vec![bundle(architecture)];
    scenario
}

fn dark(mut scenario: Scenario, from_h: u64, hours: u64) -> Scenario {
    scenario.faults.push(fault("line", FaultKind::FeederOut, FaultTarget::All, from_h, from_h + hours));
    scenario
}

fn only(scenario: &Scenario) -> ArchResult {
    simulate(scenario).architectures.into_iter().next().expect("one architecture")
}

fn calls(records: &Records) -> u32 {
    records.customers.calls.iter().sum()
}

#[test]
fn a_longer_darkness_keeps_nobody_and_leaves_less_trust() {
    let of = |hours| only(&dark(bright(120, 30, "edge_local"), 240, hours)).records.customers;
    let (short, long) = (of(30), of(200));
    for i in 0..short.len() {
        assert!((0.0..=1.0).contains(&long.trust_end[i]));
        // A customer who left remembers; one who stays has had days of light since. Latency of payments differs a little.
        assert!(long.trust_end[i] <= short.trust_end[i] + 0.02, "{} {}", short.trust_end[i], long.trust_end[i]);
        assert!(short.churned_ms[i].is_none() || long.churned_ms[i].is_some(), "more darkness keeps customer {i}");
    }
    let gone = |c: &taa_sim::records::Customers| c.churned_ms.iter().flatten().count();
    assert!(gone(&long) > gone(&short) && gone(&long) < 60, "{} {}", gone(&short), gone(&long));
    let mean = |c: &taa_sim::records::Customers| c.trust_end.iter().sum::<f64>() / c.len() as f64;
    assert!(mean(&long) < mean(&short) - 0.1, "{} {}", mean(&short), mean(&long));
}

#[test]
fn trust_comes_back_in_weeks_of_light() {
    let of = |days| only(&dark(bright(60, days, "edge_local"), 120, 96)).records.customers;
    let mean = |c: &taa_sim::records::Customers| {
        let stayed: Vec<f64> = (0..c.len()).filter(|&i| c.churned_ms[i].is_none()).map(|i| c.trust_end[i]).collect();
        stayed.iter().sum::<f64>() / stayed.len() as f64
    };
    let (soon, late) = (mean(&of(10)), mean(&of(60)));
    assert!(soon < 0.75 && late > soon + 0.15, "{soon} {late}");
}

#[test]
fn people_in_the_dark_call_when_their_phones_have_signal() {
    let lit = only(&bright(60, 8, "edge_local"));
    let dark_village = dark(bright(60, 8, "edge_local"), 48, 60);
    let with_signal = only(&dark_village);
    assert!(calls(&with_signal.records) > calls(&lit.records) + 20, "{}", calls(&with_signal.records));
    let logged = with_signal.records.log.kind.iter().filter(|kind| **kind == "call").count();
    assert!(logged >= calls(&with_signal.records) as usize);
    let mut silent = dark_village;
    silent.faults.push(fault("tower", FaultKind::TowerOut, FaultTarget::All, 40, 120));
    assert!(calls(&only(&silent).records) <= calls(&lit.records) + 5, "{}", calls(&only(&silent).records));
}

#[test]
fn distrust_stops_top_ups_for_a_while() {
    let of = |pause_below| {
        let mut scenario = dark(bright(60, 45, "edge_local"), 120, 150);
        scenario.people.trust.pause_below = pause_below;
        only(&scenario)
    };
    let (meek, wary) = (of(0.0), of(0.5));
    let paused = |a: &ArchResult| a.records.customers.paused_ms.iter().sum::<u64>();
    assert_eq!(paused(&meek), 0);
    assert!(paused(&wary) > 0 && wary.kpis.revenue < meek.kpis.revenue);
    assert!(wary.kpis.cost_of_downtime_parts["paused_spend"] > 0.0);
    for (paused_ms, zero_ms) in wary.records.customers.paused_ms.iter().zip(&wary.records.customers.zero_credit_ms) {
        assert!(paused_ms <= zero_ms, "a pause is time without credit");
    }
}

#[test]
fn who_lost_money_by_phone_pays_the_agent_next() {
    let mut scenario = bright(200, 40, "cloud_sync");
    // The agent's float is made for those who pay cash: with nobody among them there would be none.
    scenario.comms.payments.cash_share = 0.3;
    scenario.people.phone_share = 1.0;
    scenario.faults.push(fault("cloud", FaultKind::CloudOut, FaultTarget::All, 96, 132));
    let rows: Vec<_> = only(&scenario).records.payments.rows().collect();
    let (mut burnt, mut changed, mut calm_agent, mut calm) = (0, 0, 0, 0);
    for (i, pay) in rows.iter().enumerate().filter(|(_, p)| p.channel == PayChannel::Phone) {
        let Some(next) = rows[i + 1..].iter().find(|p| p.customer == pay.customer) else { continue };
        let (Some(accepted), Some(applied)) = (pay.accepted_ms, pay.applied_ms) else { continue };
        // Monday to Saturday by day: at other times the agent is closed and the phone the only way.
        let (day, hour) = (next.wanted_ms / common::DAY_MS, next.wanted_ms % common::DAY_MS / common::HOUR_MS);
        if day % 7 == 6 || !(7..19).contains(&hour) {
            continue;
        }
        let agent = u32::from(next.channel == PayChannel::Agent);
        if applied - accepted > 4 * common::HOUR_MS && next.wanted_ms > applied {
            burnt += 1;
            changed += agent;
        } else if next.wanted_ms < 96 * common::HOUR_MS {
            calm += 1;
            calm_agent += agent;
        }
    }
    assert!(burnt >= 15 && f64::from(changed) > 0.6 * f64::from(burnt), "{changed} of {burnt}");
    assert!(f64::from(calm_agent) < 0.2 * f64::from(calm), "{calm_agent} of {calm}");
}

/// A village of thieves in waiting, dark for ten hours, and then left alone.
fn thieves() -> Scenario {
    let mut scenario = dark(bright(60, 20, "edge_local"), 30, 10);
    let trust = &mut scenario.people.trust;
    trust.thief_share = 1.0;
    trust.steal_below = 0.5;
    trust.fall_h = 8.0;
    trust.bypass_found_days = 20.0;
    scenario
}

/// Plant energy over metered energy plus `stolen_share` of the stolen, minus 1.
fn balance_off(arch: &ArchResult, stolen_share: f64) -> f64 {
    let given_kwh: f64 = arch.records.plant.load_w.iter().map(|w| f64::from(*w) * 0.25 / 1000.0).sum();
    given_kwh / (arch.kpis.energy_served_kwh + stolen_share * arch.kpis.energy_stolen_kwh) - 1.0
}

#[test]
fn the_plant_gives_what_is_metered_and_what_is_stolen() {
    let arch = only(&thieves());
    assert!(arch.kpis.energy_stolen_kwh > 0.2 * arch.kpis.energy_served_kwh, "{}", arch.kpis.energy_stolen_kwh);
    assert!(balance_off(&arch, 1.0).abs() < 0.005, "{}", balance_off(&arch, 1.0));
    let kinds = &arch.records.log.kind;
    assert!(kinds.contains(&"bypass") && kinds.contains(&"bypass_found"));
    let honest = only(&dark(bright(60, 20, "edge_local"), 30, 10));
    assert!(honest.kpis.energy_stolen_kwh < 0.01 * honest.kpis.energy_served_kwh);
}

#[test]
fn sabotage_stolen_energy_that_is_not_counted_is_seen() {
    let arch = only(&thieves());
    assert!(balance_off(&arch, 0.0).abs() > 0.05, "{}", balance_off(&arch, 0.0));
}

#[test]
fn the_cost_of_downtime_is_its_parts() {
    let mut scenario = dark(bright(120, 30, "edge_local"), 100, 150);
    scenario.people.trust.thief_share = 0.5;
    let kpis = only(&scenario).kpis;
    let parts = &kpis.cost_of_downtime_parts;
    let names: Vec<&str> = parts.keys().map(String::as_str).collect();
    assert_eq!(names, ["churned_spend", "paused_spend", "replaced_connections", "stolen_energy", "unserved_energy"]);
    assert!((parts.values().sum::<f64>() - kpis.cost_of_downtime).abs() < f64::EPSILON);
    assert!(parts.values().all(|&part| part > 0.0), "{parts:?}");
    scenario.people.churn_horizon_months = 24.0;
    let longer = only(&scenario).kpis.cost_of_downtime_parts;
    assert!((longer["churned_spend"] / parts["churned_spend"] - 2.0).abs() < 1e-3);
    assert!((longer["unserved_energy"] - parts["unserved_energy"]).abs() < f64::EPSILON);
}
