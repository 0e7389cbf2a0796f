//! What a failing disk of the DCU does to a village: it is named, it costs hours and not money, and it passes with its
//! cause. The fault files are `disk_full`, `disk_read_only`, `sd_wear`, `fsync_lies`, `page_corrupt`.

mod common;

use common::{DAY_MS, bundle, calm_money, fault, simulate, village};
use taa_dcu::config::Traits;
use taa_scenarios::model::{DiskModel, FaultKind, FaultTarget, Scenario};
use taa_sim::{
    cause::{Cause, Chain},
    result::{ArchResult, RunResult},
};

/// Customers who pay often at a site that vends by itself, and nothing else in the way of their money.
fn quiet(days: u32) -> Scenario {
    let mut scenario = village(20, days, 11);
    scenario.power.pv.kwp *= 2.0;
    scenario.comms.cellular = taa_models::cellular::CellularParams::calm();
    scenario.assets = taa_models::assets::AssetParams::none();
    scenario.people.topup_interval_median_days = 1.0;
    scenario.people.phone_share = 1.0;
    scenario.run.architectures = vec![bundle("edge_local")];
    calm_money(&mut scenario);
    scenario
}

fn with(what: FaultKind, from_h: u64, until_h: u64) -> Scenario {
    let mut scenario = quiet(5);
    scenario.faults.push(fault("disk", what, FaultTarget::All, from_h, until_h));
    scenario
}

fn said(result: &RunResult, kind: &str) -> Vec<String> {
    let log = &result.architectures[0].records.log;
    log.kind.iter().zip(&log.text).filter(|(of, _)| **of == kind).map(|(_, text)| text.clone()).collect()
}

/// Everything that was said of the disk and the site, for whoever looks into a failure.
fn story(result: &RunResult) -> String {
    let log = &result.architectures[0].records.log;
    let of_the_site = |kind: &str| kind.starts_with("disk") || kind.starts_with("dcu") || kind == "scripted";
    let rows = (0..log.kind.len()).filter(|&n| of_the_site(log.kind[n]));
    rows.map(|n| format!("{} min {}: {}\n", log.time_ms[n] / 60_000, log.kind[n], log.text[n])).collect()
}

fn booked_h(arch: &ArchResult) -> f64 {
    arch.kpis.downtime_h_by_cause.get("scripted:disk").copied().unwrap_or(0.0)
}

/// Accepted and never credited, before this hour; credited twice or unpaid.
fn missing(arch: &ArchResult, before_h: u64) -> usize {
    let books = &arch.records.books;
    assert_eq!(books.accepted_minor, books.vendor_minor + books.in_flight_minor + books.held_minor);
    let stuck =
        |accepted_ms: u64, credited_ms: Option<u64>| accepted_ms < before_h * 3_600_000 && credited_ms.is_none();
    arch.records.payments.rows().filter(|pay| pay.accepted_ms.is_some_and(|at| stuck(at, pay.credited_ms))).count()
}

#[test]
fn a_disk_that_takes_nothing_holds_money_up_and_loses_none() {
    let result = simulate(&with(FaultKind::DiskReadOnly, 30, 54));
    let arch = &result.architectures[0];
    assert_eq!(said(&result, "disk_refuses").len(), 1, "{}", story(&result));
    assert_eq!(said(&result, "disk_takes").len(), 1, "{}", story(&result));
    assert!(booked_h(arch) > 1.0, "{:?}", arch.kpis.downtime_h_by_cause);
    assert_eq!(missing(arch, 5 * 24 - 2), 0);
    // While it lasts nobody is told of credit that a cut could take back.
    let promised = arch.records.payments.credited_ms.iter().flatten();
    assert_eq!(promised.filter(|at| (30 * 3_600_000 + 1_000..54 * 3_600_000).contains(*at)).count(), 0);
    let without = simulate(&quiet(5));
    assert!(booked_h(&without.architectures[0]) < 1e-9);
}

#[test]
fn a_full_disk_goes_on_in_the_room_that_the_log_has_already() {
    let result = simulate(&with(FaultKind::DiskFull, 30, 102));
    assert_eq!(missing(&result.architectures[0], 5 * 24 - 2), 0, "{}", story(&result));
    println!("{}", story(&result));
}

#[test]
fn what_a_cut_takes_from_a_disk_that_takes_nothing_comes_again() {
    for what in [FaultKind::DiskReadOnly, FaultKind::DiskFull, FaultKind::SdWear] {
        let mut scenario = with(what, 30, 54);
        for (n, from_h) in [33, 40, 47, 70].into_iter().enumerate() {
            let id = format!("cut-{n}");
            scenario.faults.push(fault(&id, FaultKind::DcuPowerLost, FaultTarget::All, from_h, from_h + 1));
        }
        let result = simulate(&scenario);
        assert_eq!(missing(&result.architectures[0], 5 * 24 - 2), 0, "{what:?}");
        assert_eq!(said(&result, "dcu_safe_mode"), Vec::<String>::new(), "{what:?}\n{}", story(&result));
        assert_eq!(said(&result, "disk_rolled_back"), Vec::<String>::new(), "{what:?}");
    }
}

#[test]
fn a_worn_card_is_slow_and_fails_now_and_then() {
    let result = simulate(&with(FaultKind::SdWear, 24, 96));
    assert!(said(&result, "disk_refuses").len() > 3);
    assert_eq!(missing(&result.architectures[0], 5 * 24 - 2), 0);
}

#[test]
fn a_disk_that_lied_is_told_by_what_the_cloud_knows() {
    let mut scenario = with(FaultKind::FsyncLies, 30, 60);
    scenario.faults.push(fault("cut", FaultKind::DcuPowerLost, FaultTarget::All, 50, 51));
    let result = simulate(&scenario);
    // What is left may be an older state, which the cloud's word gives away, or a torn one.
    let told = said(&result, "disk_rolled_back").len() + said(&result, "disk_damage").len();
    assert!(told > 0, "{}", story(&result));
    assert_eq!(said(&result, "dcu_safe_mode").len(), 1, "{}", story(&result));
    // An honest disk through the same cut is not accused.
    scenario.faults.retain(|fault| fault.id == "cut");
    let honest = simulate(&scenario);
    for kind in ["disk_rolled_back", "disk_damage", "dcu_safe_mode"] {
        assert_eq!(said(&honest, kind), Vec::<String>::new(), "{}", story(&honest));
    }
}

#[test]
fn a_rotten_page_is_found_while_it_runs_or_at_the_next_start_and_the_site_goes_on() {
    let (mut found, mut patrolled) = (0, 0);
    for seed in 0..60 {
        let mut scenario = with(FaultKind::PageCorrupt, 40, 41);
        scenario.run.seed = seed;
        scenario.faults.push(fault("cut", FaultKind::DcuPowerLost, FaultTarget::All, 50, 51));
        let result = simulate(&scenario);
        found += usize::from(!said(&result, "disk_damage").is_empty());
        patrolled += usize::from(!said(&result, "disk_rot").is_empty());
        let arch = &result.architectures[0];
        let late = arch.records.payments.credited_ms.iter().flatten().filter(|at| **at > 60 * 3_600_000).count();
        assert!(late > 10, "payments are credited again: {late}");
        // Most rot strikes the log, which is read at a start alone.
        if found > 0 && patrolled > 0 {
            break;
        }
    }
    assert!(found + patrolled > 0, "no rot was met");
    assert!(patrolled > 0, "no rot was met while the site ran");
}

/// A site that sells tokens, on a disk that loses what it had confirmed. As long as it is in doubt it sells none, and that has
/// a name. Somebody looks: where nothing is missing that others know of, it goes on.
#[test]
fn a_site_in_doubt_sells_nothing_by_name_until_somebody_has_looked() {
    let (mut named, mut ended) = (0, 0);
    for seed in 0..40 {
        let what = if seed % 2 == 0 { FaultKind::PageCorrupt } else { FaultKind::FsyncLies };
        let mut scenario = with(what, 56, 62);
        scenario.run.seed = seed;
        scenario.run.days = 9;
        scenario.weather = quiet(9).weather;
        let (_, keypad) = bundle("sts_keypad");
        scenario.run.architectures = vec![("vending".to_owned(), Traits { local_vending: true, ..keypad })];
        scenario.comms.payments.sts.gateway_share = 0.5;
        scenario.faults.push(fault("cut", FaultKind::DcuPowerLost, FaultTarget::All, 61, 62));
        let result = simulate(&scenario);
        let arch = &result.architectures[0];
        if said(&result, "dcu_safe_mode").is_empty() {
            continue;
        }
        let doubted = |chain: &Chain| chain.causes().any(|cause| cause == Cause::JournalDoubted);
        let told = arch.kpis.downtime_h_by_cause.get("scripted:disk").copied().unwrap_or(0.0);
        named += usize::from(arch.records.payments.held_by.iter().any(doubted) && told > 1.0);
        if !said(&result, "doubt_ended").is_empty() {
            ended += 1;
            let applied = arch.records.payments.rows().filter(|pay| pay.accepted_ms.is_some_and(|at| at < 7 * DAY_MS));
            let dark: Vec<_> = applied.filter(|pay| pay.applied_ms.is_none()).collect();
            assert!(dark.is_empty(), "seed {seed}: {dark:?}\n{}", story(&result));
            let books = &arch.records.books.tokens;
            assert_eq!(books.issued_u, books.loaded_u + books.waiting_u, "seed {seed}: {books:?}");
        }
        if named > 2 && ended > 2 {
            break;
        }
    }
    assert!(named > 0 && ended > 0, "{named} named, {ended} ended");
}

/// A disk that takes nothing when the site starts: it is told, relays stay, nobody gets a receipt, and it goes on.
#[test]
fn a_site_that_starts_on_a_disk_that_refuses_stands_by_and_goes_on_when_it_is_back() {
    for (what, starts) in [(FaultKind::DiskReadOnly, false), (FaultKind::DiskFull, true)] {
        let mut scenario = with(what, 30, 54);
        scenario.faults.push(fault("cut", FaultKind::DcuPowerLost, FaultTarget::All, 32, 33));
        let result = simulate(&scenario);
        let arch = &result.architectures[0];
        let told = said(&result, "cloud_told");
        if starts {
            // What room the log has may be enough; else it refuses, and says so.
            assert!(said(&result, "disk_refuses").len() <= 2 + told.len(), "{}", story(&result));
        } else {
            assert!(told.len() > 20, "every quarter of an hour: {}", told.len());
            let promised = arch.records.payments.credited_ms.iter().flatten();
            let meanwhile = 33 * 3_600_000..54 * 3_600_000_u64;
            assert_eq!(promised.filter(|at| meanwhile.contains(*at)).count(), 0);
        }
        assert_eq!(missing(arch, 5 * 24 - 2), 0, "{what:?}: {}", story(&result));
        assert_eq!(said(&result, "dcu_safe_mode"), Vec::<String>::new(), "{what:?}");
    }
}

#[test]
fn in_memory_a_site_lives_as_on_a_disk_that_is_well() {
    let on = |disk: DiskModel, held: Option<FaultKind>| {
        let mut scenario = held.map_or_else(|| quiet(5), |what| with(what, 30, 54));
        scenario.run.disk = disk;
        // The supply of the site blinks every night.
        for day in 0..4 {
            let at_h = day * 24 + 20;
            scenario.faults.push(fault("blink", FaultKind::DcuPowerLost, FaultTarget::All, at_h, at_h + 1));
        }
        simulate(&scenario)
    };
    let (disk, memory) = (on(DiskModel::PowerCut, None), on(DiskModel::Memory, None));
    assert_eq!(disk.exogenous_digest, memory.exogenous_digest);
    let (one, other) = (&disk.architectures[0], &memory.architectures[0]);
    assert_eq!(one.records.books.accepted_minor, other.records.books.accepted_minor);
    assert_eq!(one.records.books.vendor_minor, other.records.books.vendor_minor);
    assert_eq!((missing(one, 5 * 24 - 2), missing(other, 5 * 24 - 2)), (0, 0));
    let (one_h, other_h) = (one.kpis.downtime_h, other.kpis.downtime_h);
    assert!((one_h - other_h).abs() <= 0.02 * one_h.max(1.0), "{one_h} h on a disk, {other_h} h in memory");
    // What refuses is told in memory as well, and passes as well.
    let refusing = on(DiskModel::Memory, Some(FaultKind::DiskReadOnly));
    assert!(!said(&refusing, "disk_refuses").is_empty() && !said(&refusing, "disk_takes").is_empty());
    assert_eq!(missing(&refusing.architectures[0], 5 * 24 - 2), 0);
}
