//! A firmware update of the whole village: it ends, whatever happens meanwhile, and nothing else is late because of it.

mod common;

use common::{HOUR_MS, bundle, calm_money, fault, simulate, village};
use taa_models::assets::AssetParams;
use taa_scenarios::model::{FaultKind, FaultTarget, Operation, OperationKind, Scenario};
use taa_sim::{records::ImageStep, result::ArchResult};

const METERS: u32 = 40;
const IMAGE_KB: u32 = 32;
/// Of 512 bytes.
const BLOCKS: u64 = (IMAGE_KB as u64 * 1000).div_ceil(512);
/// Meters that a DCU serves with an image at a time, at most.
const AT_ONCE: u64 = 8;

/// Four days in which nothing fails by itself.
fn quiet() -> Scenario {
    let mut scenario = village(METERS, 4, 7);
    scenario.power.pv.kwp *= 2.0;
    scenario.power.battery.capacity_kwh *= 1.3;
    scenario.comms.cellular = taa_models::cellular::CellularParams::calm();
    calm_money(&mut scenario);
    scenario.assets = AssetParams::none();
    scenario.run.architectures = vec![bundle("edge_local")];
    scenario
}

fn update(at_h: u64) -> Operation {
    let what =
        OperationKind::FirmwareUpdate { identifier: "TAA-2".to_owned(), image_kb: IMAGE_KB, target: FaultTarget::All };
    Operation { id: "update".to_owned(), what, at_ms: at_h * HOUR_MS }
}

fn only(scenario: &Scenario) -> ArchResult {
    simulate(scenario).architectures.into_iter().next().expect("one architecture")
}

/// When each meter had done, ms; by customer.
fn activated(arch: &ArchResult) -> Vec<(u32, u64)> {
    let rows = arch.records.images.rows().filter(|row| row.step == ImageStep::Activated);
    let mut done: Vec<(u32, u64)> = rows.map(|row| (row.customer, row.time_ms)).collect();
    done.sort_unstable();
    done
}

/// Events of that kind in the log.
fn logged(arch: &ArchResult, kind: &str) -> usize {
    arch.records.log.kind.iter().filter(|found| **found == kind).count()
}

#[test]
fn every_meter_ends_with_the_image_and_readings_do_not_wait_for_it() {
    let plain = only(&quiet());
    let mut scenario = quiet();
    scenario.operations.push(update(30));
    let with = only(&scenario);
    let done = activated(&with);
    assert_eq!(done.iter().map(|(customer, _)| *customer).collect::<Vec<_>>(), (0..METERS).collect::<Vec<_>>());
    assert_eq!(with.kpis.image_activated_share, Some(1.0));
    let last_h = done.iter().map(|(_, at_ms)| at_ms / HOUR_MS).max().unwrap();
    assert!((30..42).contains(&last_h), "hour {last_h}");
    assert_eq!(logged(&with, "image_started"), METERS as usize, "each restarts once");
    // In the hours of the update, as in the same hours without it.
    let share = |arch: &ArchResult| {
        let rows = arch.records.telemetry.rows().filter(|row| (30..=last_h + 1).contains(&(row.time_ms / HOUR_MS)));
        let (due, at_dcu) = rows.fold((0, 0), |sum, row| (sum.0 + row.due, sum.1 + row.at_dcu));
        f64::from(at_dcu) / f64::from(due)
    };
    assert!(share(&with) > share(&plain) - 0.005, "{} against {}", share(&with), share(&plain));
    assert!((with.kpis.telemetry_completeness - plain.kpis.telemetry_completeness).abs() < 0.005);
    let p95 = |arch: &ArchResult| arch.kpis.token_delay_p95_s.unwrap();
    assert!(p95(&with) < p95(&plain) + 10.0, "{} s against {} s", p95(&with), p95(&plain));
    assert_eq!(plain.kpis.image_activated_share, None);
}

#[test]
fn a_restart_of_the_concentrator_sends_no_more_again_than_what_was_on_its_way() {
    // On clean air what is repeated is repeated for the restart alone.
    let clean = |restart: bool| {
        let mut scenario = quiet();
        scenario.comms.radio.shadow.sigma_db = 0.0;
        scenario.operations.push(update(30));
        if restart {
            for at_min in [20, 40, 60] {
                let from_ms = 30 * HOUR_MS + at_min * 60_000;
                let mut stop = fault(&format!("stop_{at_min}"), FaultKind::DcuPowerLost, FaultTarget::All, 0, 0);
                (stop.from_ms, stop.until_ms) = (from_ms, from_ms + 120_000);
                scenario.faults.push(stop);
            }
        }
        only(&scenario)
    };
    let (without, with) = (clean(false), clean(true));
    let ideal = u64::from(METERS) * BLOCKS;
    for arch in [&without, &with] {
        assert_eq!(activated(arch).len(), METERS as usize);
    }
    let (spare, again) = (without.records.image_blocks - ideal, with.records.image_blocks - ideal);
    assert!(logged(&with, "dcu_up") == 3);
    assert!(again <= spare + 3 * AT_ONCE, "{again} blocks again, {spare} without restarts");
}

#[test]
fn dark_meters_are_updated_when_they_are_back_and_unreachable_ones_are_not_claimed() {
    let mut scenario = quiet();
    scenario.operations.push(update(30));
    scenario.faults.push(fault("line", FaultKind::FeederOut, FaultTarget::Feeder(1), 31, 40));
    scenario.faults.push(fault("dead", FaultKind::MeterDead, FaultTarget::Customers(vec![3]), 20, 96));
    let mut noise = fault("noise", FaultKind::RadioJammed { noise_rise_db: 10.0 }, FaultTarget::All, 30, 50);
    noise.target = FaultTarget::Customers((0..8).collect());
    scenario.faults.push(noise);
    let arch = only(&scenario);
    let done: Vec<u32> = activated(&arch).into_iter().map(|(customer, _)| customer).collect();
    assert_eq!(done, (0..METERS).filter(|customer| *customer != 3).collect::<Vec<_>>());
}

#[test]
fn an_order_while_the_concentrator_is_down_is_given_again() {
    let mut scenario = quiet();
    scenario.operations.push(update(30));
    scenario.faults.push(fault("off", FaultKind::DcuPowerLost, FaultTarget::All, 29, 33));
    let arch = only(&scenario);
    assert_eq!(activated(&arch).len(), METERS as usize);
    assert!(activated(&arch).iter().all(|(_, at_ms)| *at_ms > 33 * HOUR_MS));
}

#[test]
fn the_same_update_ends_bit_for_bit_the_same() {
    let mut scenario = quiet();
    scenario.run.days = 2;
    scenario.operations.push(update(20));
    scenario.run.architectures = vec![bundle("edge_local"), bundle("cloud_sync")];
    assert_eq!(common::simulate_on(&scenario, 1).digest, common::simulate_on(&scenario, 2).digest);
}
