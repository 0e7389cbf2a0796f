//! Meters that restart or feel tampered with while something else is wrong: none stays dark for ever, and the hours go to
//! what holds them.

mod common;

use common::{HOUR_MS, bundle, calm_money, fault, simulate, village};
use taa_dcu::config::{BootRelay, CreditAt, Traits};
use taa_models::assets::AssetParams;
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::{records::DowntimeRow, result::ArchResult};

/// A village in which nothing fails by itself, under one architecture.
fn quiet(days: u32, architecture: (String, Traits)) -> Scenario {
    let mut scenario = village(40, days, 7);
    scenario.power.pv.kwp *= 2.0;
    scenario.power.battery.capacity_kwh *= 1.3;
    scenario.comms.cellular = taa_models::cellular::CellularParams::calm();
    calm_money(&mut scenario);
    scenario.assets = AssetParams::none();
    scenario.run.architectures = vec![architecture];
    scenario
}

fn only(scenario: &Scenario) -> ArchResult {
    simulate(scenario).architectures.into_iter().next().expect("one architecture")
}

fn rows(arch: &ArchResult) -> Vec<DowntimeRow> {
    arch.records.downtime.rows().collect()
}

/// Hours of which the chain names this.
fn hours_of(arch: &ArchResult, name: &str) -> f64 {
    let named = rows(arch).into_iter().filter(|row| row.chain.names().split(" <- ").any(|link| link == name));
    named.map(|row| (row.end_ms - row.start_ms) as f64 / HOUR_MS as f64).sum()
}

#[test]
fn credit_in_the_meter_and_a_relay_that_boots_open_do_not_leave_the_village_dark() {
    let with = |keypad: bool, boot_relay: BootRelay| {
        let base = Traits::bundle("sts_keypad").expect("a bundle");
        let traits = Traits { keypad, boot_relay, credit_at: CreditAt::Meter, ..base };
        let mut scenario = quiet(8, ("own".to_owned(), traits));
        scenario.faults.push(fault("line", FaultKind::FeederOut, FaultTarget::All, 30, 31));
        only(&scenario)
    };
    for keypad in [false, true] {
        let (open, last) = (with(keypad, BootRelay::Open), with(keypad, BootRelay::Last));
        assert!(hours_of(&open, "booted_open") < 1.0, "{keypad}: {}", hours_of(&open, "booted_open"));
        // An hour of 40 customers, and no more than where relays latch.
        assert!(last.kpis.downtime_h >= 39.0 && (open.kpis.downtime_h - last.kpis.downtime_h).abs() < 1.0);
    }
}

#[test]
fn a_meter_that_dies_tampered_with_is_cleared_when_it_works_again() {
    for name in ["sts_keypad", "edge_local", "cloud_sync"] {
        let mut scenario = quiet(12, bundle(name));
        let meters = FaultTarget::Customers((4..12).collect());
        // Monday, ten in the morning; dead from eleven until Thursday morning.
        scenario.faults.push(fault("magnet", FaultKind::MetersTampered, meters.clone(), 10, 11));
        scenario.faults.push(fault("dead", FaultKind::MeterDead, meters, 11, 80));
        let arch = only(&scenario);
        let cleared: Vec<u64> = (0..arch.records.log.kind.len())
            .filter(|&i| arch.records.log.kind[i] == "tamper_cleared")
            .map(|i| arch.records.log.time_ms[i] / HOUR_MS)
            .collect();
        assert_eq!(cleared.len(), 8, "{name}");
        assert!(cleared.iter().all(|&at_h| !(11..80).contains(&at_h)), "{name}: {cleared:?}");
        let late: Vec<_> = rows(&arch).into_iter().filter(|row| row.end_ms > 130 * HOUR_MS).collect();
        assert!(late.iter().all(|row| !row.chain.names().contains("tampered")), "{name}: {late:?}");
        let dark = late.iter().filter(|row| row.class == taa_sim::cause::DownClass::SupplyDown).count();
        assert_eq!(dark, 0, "{name}: {late:?}");
    }
}

#[test]
fn a_meter_that_trips_while_open_for_debt_waits_for_the_tampering_to_be_cleared() {
    for name in ["edge_local", "cloud_sync", "cloud_cached"] {
        let mut scenario = quiet(12, bundle(name));
        // All pay when the light is out, so that some sit in the dark at any time.
        scenario.people.pays_at_zero_share = 1.0;
        scenario.people.topup_interval_median_days = 1.0;
        let without = only(&scenario);
        scenario.faults.push(fault("magnet", FaultKind::MetersTampered, FaultTarget::All, 31, 31 + 72));
        let with = only(&scenario);
        let in_transit = |arch: &ArchResult| hours_of(arch, "in_transit");
        let tampered = hours_of(&with, "tampered");
        assert!(tampered > 1000.0, "{name}: {tampered}");
        let by_debt = rows(&with).into_iter().filter(|row| {
            let names = row.chain.names();
            names.contains("tampered") && (names.contains("credit_undelivered") || names.contains("order_undelivered"))
        });
        assert!(by_debt.count() > 0, "{name}: no meter was open for debt, the test tests nothing");
        assert!(in_transit(&with) < in_transit(&without) + 3.0, "{name}: {} h on the way", in_transit(&with));
    }
}

#[test]
fn a_tampering_goes_on_until_the_last_of_several_magnets_is_gone() {
    let with = |faults: &[(&str, u64, u64)]| {
        let mut scenario = quiet(8, bundle("edge_local"));
        for &(id, from_h, until_h) in faults {
            let meters = FaultTarget::Customers((4..12).collect());
            scenario.faults.push(fault(id, FaultKind::MetersTampered, meters, from_h, until_h));
        }
        let log = only(&scenario).records.log;
        let cleared = (0..log.kind.len()).filter(|&i| log.kind[i] == "tamper_cleared");
        cleared.map(|i| log.time_ms[i]).collect::<Vec<u64>>()
    };
    // The second comes and goes within the first.
    let (one, two) = (with(&[("long", 34, 70)]), with(&[("long", 34, 70), ("short", 40, 45)]));
    assert_eq!((one.len(), two.len()), (8, 8));
    assert!(two.iter().all(|&at_ms| at_ms >= 70 * HOUR_MS), "{two:?}");
    assert_eq!(one, two);
}
