//! The documents' four-day outage as `scenarios/faults/four_day_cascade.toml` tells it, in Jija: every step of the story
//! does something, and what makes it a catastrophe is that meters restart while nobody can switch them on again.

mod common;

use std::path::Path;

use common::{calm_money, simulate};
use taa_models::{assets::AssetParams, cellular::CellularParams};
use taa_scenarios::{Overrides, load, model::Scenario};
use taa_sim::{
    cause::Cause,
    result::{ArchResult, RunResult},
};

/// Jija over the cascade and four days after it; nothing else fails.
fn told() -> Scenario {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let overrides = Overrides {
        days: Some(16),
        architectures: vec!["cloud_sync".to_owned(), "edge_local".to_owned()],
        faults: Some(scenarios.join("faults/four_day_cascade.toml")),
        ..Overrides::default()
    };
    let mut scenario = load(&scenarios.join("villages/jija"), &overrides).expect("a sound village");
    scenario.comms.cellular = CellularParams::calm();
    scenario.assets = AssetParams::none();
    calm_money(&mut scenario);
    scenario
}

fn without(mut scenario: Scenario, step: &str) -> Scenario {
    let before = scenario.faults.len();
    scenario.faults.retain(|fault| fault.id != step);
    assert_eq!(scenario.faults.len() + 1, before, "no step {step}");
    scenario
}

fn booked_h(arch: &ArchResult, step: &str) -> f64 {
    arch.kpis.downtime_h_by_cause.get(&format!("scripted:{step}")).copied().unwrap_or(0.0)
}

/// Hours of outages of towers, links, supply and people whose root is this step.
fn out_h(scenario: &Scenario, result: &RunResult, step: &str) -> f64 {
    let number = scenario.faults.iter().position(|fault| fault.id == step).expect("the step");
    let root = Some(Cause::Scripted(u8::try_from(number).expect("few faults")));
    let table = &result.architectures[0].records.outages;
    let rows = (0..table.len()).filter(|&i| table.chain[i].root() == root);
    rows.map(|i| (table.end_ms[i] - table.start_ms[i]) as f64 / 3_600_000.0).sum()
}

#[test]
fn every_step_shows_and_the_restart_is_what_costs() {
    let scenario = told();
    let result = simulate(&scenario);
    let [cloud, edge] = result.architectures.as_slice() else { panic!("two architectures") };
    for step in ["step_1_dull_days", "step_2_tower_dark", "step_3_router_hangs", "step_5_agent_away"] {
        assert!(booked_h(cloud, step) > 10.0, "{step} books {} h", booked_h(cloud, step));
        assert!(out_h(&scenario, &result, step) > 10.0, "{step} shows {} h", out_h(&scenario, &result, step));
    }
    // Under cloud_sync everybody is dark already when the storm comes; where the light stayed on, it is seen.
    assert!(booked_h(edge, "step_4_tamper_trips") > 100.0, "{}", booked_h(edge, "step_4_tamper_trips"));
    assert!(cloud.kpis.downtime_h > 3.0 * edge.kpis.downtime_h, "the balance at the site saves most of it");

    // Three dull days empty the battery, and with the light the meters restart. Had they not, relays would have held.
    let lit = simulate(&without(scenario.clone(), "step_1_dull_days"));
    let left = lit.architectures[0].kpis.downtime_h / cloud.kpis.downtime_h;
    assert!(left < 0.2, "{left} of the hours remain without a restart");
    assert!(booked_h(&lit.architectures[0], "step_4_tamper_trips") > 100.0, "the storm is seen again");

    // It takes both, the restart and a cloud that cannot be heard; the other steps make it longer or worse.
    let share = |step: &str| {
        let less = simulate(&without(scenario.clone(), step));
        less.architectures[0].kpis.downtime_h / cloud.kpis.downtime_h
    };
    assert!(share("step_2_tower_dark") < 0.35, "{}", share("step_2_tower_dark"));
    for step in ["step_3_router_hangs", "step_5_agent_away"] {
        assert!(share(step) > 0.45, "{step}: {}", share(step));
    }
}

/// The closed road costs nothing until somebody has to travel on it.
#[test]
fn the_closed_road_costs_what_waits_for_a_crew() {
    let step = "step_6_road_closed";
    let mut scenario = told();
    assert!(booked_h(&simulate(&scenario).architectures[1], step) < 1e-9);
    scenario.assets.meter_failures_per_year = 5.0;
    let result = simulate(&scenario);
    assert!(booked_h(&result.architectures[1], step) > 10.0, "{}", booked_h(&result.architectures[1], step));
}
