//! The wide-area world inside the village: chains reach to what emptied the tower's battery, slow is told from down,
//! and what scripted clouds do to towers goes when the clouds go.

mod common;

use common::{fault, simulate, village};
use taa_models::cellular::CellularParams;
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::{
    cause::{Cause, Chain},
    records::Component,
    result::RunResult,
};

/// Hours of a component's outages in the first architecture whose chain holds this cause.
fn outage_h(result: &RunResult, component: Component, has: impl Fn(Chain) -> bool) -> f64 {
    let outages = &result.architectures[0].records.outages;
    let ms: u64 = (0..outages.len())
        .filter(|&i| outages.component[i] == component && has(outages.chain[i]))
        .map(|i| outages.end_ms[i] - outages.start_ms[i])
        .sum();
    ms as f64 / common::HOUR_MS as f64
}

/// A village whose towers alone live a life of their own, on panels and batteries.
fn solar_towers(seed: u64) -> Scenario {
    let mut scenario = village(12, 14, seed);
    let cellular = &mut scenario.comms.cellular;
    *cellular = CellularParams { tower_share_out_per_month: 0.35, ..CellularParams::calm() };
    let power = &mut cellular.site_power;
    (power.hybrid_weight, power.diesel_weight, power.grid_weight) = (0.0, 0.0, 0.0);
    cellular.equipment.radio_mean_months = 1.0e6;
    cellular.equipment.transmission_mean_months = 1.0e6;
    cellular.equipment.controller_mean_months = 1.0e6;
    scenario
}

#[test]
fn scripted_clouds_darken_towers_and_take_their_hours_with_them() {
    let (mut with_h, mut booked) = (0.0, 0.0);
    for seed in 0..4 {
        let clear = simulate(&solar_towers(seed));
        assert!(outage_h(&clear, Component::TowerA, |c| c.root() == Some(Cause::Scripted(0))) < 1e-9);
        let mut scenario = solar_towers(seed);
        let clouds = FaultKind::Cloudy { sun_share: 0.15 };
        scenario.faults.push(fault("clouds", clouds, FaultTarget::All, 96, 96 + 120));
        let dull = simulate(&scenario);
        with_h += outage_h(&dull, Component::TowerA, |_| true) - outage_h(&clear, Component::TowerA, |_| true);
        booked += outage_h(&dull, Component::TowerA, |c| c.root() == Some(Cause::Scripted(0)));
        for arch in 0..2 {
            let (a, b) = (&clear.architectures[arch].kpis, &dull.architectures[arch].kpis);
            assert!(!a.downtime_h_by_cause.contains_key("scripted:clouds"));
            assert!(b.downtime_h_by_cause.get("unknown").copied().unwrap_or(0.0) <= 0.01 * b.downtime_h);
        }
    }
    assert!(booked > 20.0, "{booked}");
    assert!((with_h - booked).abs() <= 0.1 * booked, "the clouds cost {with_h} h and are charged {booked} h");
}

#[test]
fn chains_reach_to_what_emptied_the_tower() {
    let mut seen = Vec::new();
    for seed in 0..3 {
        let mut scenario = village(12, 60, seed);
        scenario.comms.cellular.tower_share_out_per_month = 0.8;
        scenario.comms.cellular.bearer_rate_sigma = 0.0;
        let result = simulate(&scenario);
        let outages = &result.architectures[0].records.outages;
        seen.extend((0..outages.len()).map(|i| outages.chain[i].names()));
    }
    let any = |text: &str| seen.iter().any(|names| names.contains(text));
    assert!(any("tower_down <- tower_battery_empty <- "), "{seen:?}");
    for name in ["bearer_down", "router_hung", "fibre_cut", "core_fault"] {
        assert!(any(name), "{name}: {seen:?}");
    }
}

#[test]
fn a_slow_cell_delays_what_waits_for_the_cloud_and_not_what_the_site_decides() {
    let run = |slow: bool| {
        let mut scenario = village(40, 10, 3);
        scenario.comms.cellular = CellularParams::calm();
        if slow {
            let what = FaultKind::M2mThrottled { delay_median_s: 3600.0, loss_share: 0.5 };
            scenario.faults.push(fault("slow", what, FaultTarget::All, 24, 24 * 9));
        }
        simulate(&scenario)
    };
    let (fast, slow) = (run(false), run(true));
    let p95 = |result: &RunResult, arch: usize| result.architectures[arch].kpis.token_delay_p95_s.unwrap_or(0.0);
    assert!(p95(&slow, 0) > 600.0 + p95(&fast, 0), "{} {}", p95(&slow, 0), p95(&fast, 0));
    let charged = |arch: usize| slow.architectures[arch].kpis.downtime_h_by_cause.get("scripted:slow").copied();
    assert!(charged(0).unwrap_or(0.0) > 1.0, "{:?}", charged(0));
    // Nothing is down: the link's record stays empty.
    assert!(outage_h(&slow, Component::Backhaul, |_| true) < 1e-9);
}
