//! One seed, one world: digests are equal over runs and threads, architectures meet the same outside, and an
//! architecture is nothing but its traits.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::{bundle, fault, simulate, simulate_on, village};
use taa_dcu::config::Traits;
use taa_scenarios::model::{FaultKind, FaultTarget};
use taa_sim::run::{RunOptions, run};

#[test]
fn the_same_digest_on_every_run_and_any_number_of_threads() {
    let mut scenario = village(30, 6, 11);
    scenario.run.architectures.push(bundle("cloud_cached"));
    let first = simulate_on(&scenario, 1);
    for threads in [1, 2, 3] {
        let again = simulate_on(&scenario, threads);
        assert_eq!(again.digest, first.digest, "{threads} threads");
        assert_eq!(again.exogenous_digest, first.exogenous_digest);
        for (a, b) in again.architectures.iter().zip(&first.architectures) {
            assert_eq!((a.digest, &a.kpis, &a.records), (b.digest, &b.kpis, &b.records), "{}", a.name);
        }
    }
}

#[test]
fn another_seed_is_another_world() {
    let one = simulate(&village(20, 4, 1));
    let two = simulate(&village(20, 4, 2));
    assert_ne!(one.exogenous_digest, two.exogenous_digest);
    assert_ne!(one.digest, two.digest);
}

#[test]
fn all_traits_of_the_edge_make_the_edge() {
    let mut scenario = village(30, 8, 5);
    scenario.faults.push(fault("tower", FaultKind::TowerOut, FaultTarget::Tower(0), 40, 80));
    let (_, edge) = bundle("edge_local");
    scenario.run.architectures =
        vec![("cloud_sync with every trait of the edge".to_owned(), edge), bundle("edge_local")];
    let result = simulate(&scenario);
    let [dressed, real] = &result.architectures[..] else { panic!("two architectures") };
    assert_eq!(dressed.digest, real.digest);
    let mut kpis = real.kpis.clone();
    kpis.payback_months = dressed.kpis.payback_months;
    assert_eq!(dressed.kpis, kpis);
    assert_eq!(dressed.records, real.records);
}

#[test]
fn sabotage_one_trait_less_is_seen() {
    let mut scenario = village(30, 8, 5);
    scenario.faults.push(fault("tower", FaultKind::TowerOut, FaultTarget::Tower(0), 40, 80));
    let (_, edge) = bundle("edge_local");
    let less = Traits { backhaul: taa_dcu::config::Backhaul::SingleSim, ..edge };
    scenario.run.architectures = vec![("less".to_owned(), less), bundle("edge_local")];
    let result = simulate(&scenario);
    assert_ne!(result.architectures[0].digest, result.architectures[1].digest);
    assert_eq!(
        simulate(&scenario).exogenous_digest,
        result.exogenous_digest,
        "the outside world does not depend on traits"
    );
}

#[test]
fn the_outside_is_the_same_for_every_architecture_alone() {
    let digests: Vec<_> = ["cloud_sync", "cloud_cached", "sts_keypad", "edge_local"]
        .into_iter()
        .map(|name| {
            let mut scenario = village(20, 3, 9);
            scenario.run.architectures = vec![bundle(name)];
            simulate(&scenario).exogenous_digest
        })
        .collect();
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
}

#[test]
fn a_run_stopped_early_is_partial_and_whole_as_far_as_it_goes() {
    let scenario = village(20, 20, 3);
    let stop = AtomicBool::new(false);
    let seen = AtomicU64::new(0);
    let progress = |_: usize, ms: u64| {
        seen.fetch_max(ms, Ordering::Relaxed);
        if ms >= 5 * common::DAY_MS {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let result = run(&scenario, &RunOptions { threads: 1, stop: &stop, progress: &progress }).expect("stops in order");
    assert!(result.partial);
    assert!(result.simulated_ms < 20 * common::DAY_MS);
    assert!(seen.load(Ordering::Relaxed) >= 5 * common::DAY_MS);
    assert_eq!(result.architectures.len(), 2);
}

#[test]
fn meters_are_read_and_money_moves() {
    let scenario = village(30, 10, 4);
    let result = simulate(&scenario);
    for arch in &result.architectures {
        let kpis = &arch.kpis;
        assert!(kpis.telemetry_completeness > 0.9, "{}: telemetry {}", arch.name, kpis.telemetry_completeness);
        assert!(kpis.revenue > 0.0);
        assert!(kpis.energy_served_kwh > 10.0);
        assert!(kpis.billing_availability.is_some_and(|share| share > 0.5), "{:?}", kpis.billing_availability);
        // Money in is what was applied or waits; what was consumed is what the meters counted.
        let paid: i64 = arch.records.customers.paid_minor.iter().sum();
        let accepted: i64 =
            arch.records.payments.rows().filter(|p| p.accepted_ms.is_some()).map(|p| p.amount_minor).sum();
        assert_eq!(paid, accepted, "{}", arch.name);
    }
}

#[test]
fn a_meter_beyond_the_radio_is_named_before_the_run() {
    let mut scenario = village(20, 2, 4);
    assert_eq!(taa_sim::reach::remark(&scenario), None);
    scenario.village.customers[7].meter_at_m = [9_000.0, 0.0];
    let remark = taa_sim::reach::remark(&scenario).expect("nine kilometres are too far");
    assert!(remark.starts_with("1 of 20 meters") && remark.contains("customer-7"), "{remark}");
}
