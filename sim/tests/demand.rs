//! What becomes of use that falls into darkness, of starting currents, and of classes and profiles in a run.

mod common;

use common::{bundle, fault, simulate, village};
use taa_models::demand::{Class, DeferralParams, Profile};
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::result::ArchResult;

fn edge(mut scenario: Scenario) -> ArchResult {
    scenario.run.architectures = vec![bundle("edge_local")];
    simulate(&scenario).architectures.remove(0)
}

/// A day without the plant, from the second noon on, and days to make up for it.
fn day_without_supply(deferral: DeferralParams) -> ArchResult {
    let mut scenario = village(40, 5, 3);
    scenario.demand.deferral = deferral;
    scenario.faults.push(fault("inverter", FaultKind::InverterOut, FaultTarget::All, 36, 60));
    edge(scenario)
}

fn none() -> DeferralParams {
    let zero = 0.0;
    DeferralParams {
        light: zero,
        charging: zero,
        media: zero,
        cooling: zero,
        motor: zero,
        heat: zero,
        other: zero,
        ..DeferralParams::default()
    }
}

#[test]
fn part_of_what_the_dark_swallowed_comes_back_and_is_not_lost_revenue() {
    let returning = day_without_supply(DeferralParams::default());
    let lost = day_without_supply(none());
    let sum = |column: &[f64]| column.iter().sum::<f64>();
    let customers = &returning.records.customers;
    let (unserved, deferred) = (sum(&customers.unserved_wh), sum(&customers.deferred_wh));
    assert!(deferred > 0.02 * unserved && deferred < 0.7 * unserved, "{deferred} of {unserved} Wh");
    for (late, missed) in customers.deferred_wh.iter().zip(&customers.unserved_wh) {
        assert!(late <= missed, "more came back than was missed: {late} of {missed} Wh");
    }
    assert!(sum(&customers.deferred_supply_wh) <= deferred);
    // Sabotage: with nothing that can be put off, nothing comes back, and all of it is lost.
    assert!(sum(&lost.records.customers.deferred_wh) <= 0.0);
    assert!(lost.kpis.revenue_lost > returning.kpis.revenue_lost);
    assert!(returning.kpis.revenue_deferred > lost.kpis.revenue_deferred);
}

#[test]
fn a_mill_trips_a_small_inverter_and_a_refrigerator_does_not() {
    let run = |inverter_kw: f64, mill: bool| {
        let mut scenario = village(20, 6, 4);
        if mill {
            scenario.village.customers[0].class = Class::Mill;
        }
        scenario.power.inverter_kw = inverter_kw;
        scenario.demand.spread_sigma = 0.0;
        // So that only the start can be too much, not the running load.
        scenario.power.overload_share = 2.0;
        scenario.power.battery.capacity_kwh = 200.0;
        scenario.power.pv.kwp = 60.0;
        let result = edge(scenario);
        result.kpis.downtime_h_by_cause.get("motor_start").copied().unwrap_or(0.0)
    };
    let usual = village(20, 1, 4).power.inverter_kw;
    assert!(run(usual, false) <= 0.0, "a refrigerator trips {usual} kW");
    assert!(run(7.5, true) > 0.0, "a mill starts on 7.5 kW");
    assert!(run(20.0, true) <= 0.0);
}

#[test]
fn a_profile_takes_the_place_of_drawn_demand() {
    let mut scenario = village(10, 3, 5);
    scenario.demand.spread_sigma = 0.0;
    scenario.people.topup_interval_median_days = 60.0;
    let profile = Profile { step_s: 3600, watts: vec![10.0; 24] };
    scenario.demand.profiles.extend(Class::ALL.map(|class| (class, profile.clone())));
    let result = edge(scenario);
    let customers = &result.records.customers;
    for (served, (unserved, deferred)) in
        customers.served_wh.iter().zip(customers.unserved_wh.iter().zip(&customers.deferred_wh))
    {
        // What came back is in both: served, and unserved when it was wanted first.
        assert!(served + unserved - deferred <= 720.5, "{served} + {unserved} - {deferred} Wh");
    }
    assert!(customers.served_wh.iter().any(|wh| *wh > 500.0));
}
