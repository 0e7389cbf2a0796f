//! A disk that refuses while the store is opened: whatever fails, nothing that was promised is lost, and it goes on.

mod common;

use common::{Reference, config, filled, mix, place};
use taa_powercut::{Config, Disk, Fault, Operation};
use taa_store::{Health, Mode, Store, StoreError, Trouble};

fn disk(seed: u64) -> Disk {
    Disk::new(Config { seed, ..Config::default() })
}

/// A store that was used, lost its power and has a log to be read: the disk and what was promised.
fn used(seed: u64) -> (Disk, Reference) {
    let disk = disk(seed);
    let (store, reference) = filled(&disk, &config(), 150);
    disk.cut();
    drop(store);
    disk.power_on();
    (disk, reference)
}

/// Opens again and again as whoever starts the DCU does; how often the disk refused.
fn opened(disk: &Disk, heal_after: Option<u32>) -> (Store, taa_store::Recovery, u32) {
    for refused in 0.. {
        if heal_after == Some(refused) {
            disk.heal();
        }
        match Store::open(&place(disk), config(), None) {
            Ok((store, recovery)) => return (store, recovery, refused),
            Err(StoreError::Disk(Trouble::Io | Trouble::ReadOnly | Trouble::Full)) => assert!(refused < 10),
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!()
}

/// Everything promised is there, and new records are taken.
fn goes_on(disk: &Disk, store: Store, recovery: &mut taa_store::Recovery, reference: &mut Reference, what: &str) {
    assert!(recovery.last_record >= reference.promised, "{what}: {recovery:?}");
    let first = recovery.take_records().next().map_or(1, |record| record.number);
    assert!(first <= reference.promised + 1, "{what}");
    disk.heal();
    reference.journal.truncate(usize::try_from(recovery.last_record).unwrap());
    reference.now_ms += 120_000;
    let mut store = store;
    for step in 0..20 {
        reference.now_ms += 60_000;
        reference.step(&mut store, mix(step), false).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    reference.promised = store.commit(reference.now_ms + 60_000).unwrap();
    assert_eq!((reference.promised, store.health()), (reference.journal.len() as u64, Health::Good), "{what}");
    disk.cut();
    drop(store);
    disk.power_on();
    let (_, again, _) = opened(disk, None);
    assert_eq!(again.last_record, reference.promised, "{what}: {again:?}");
}

#[test]
fn one_error_of_the_medium_at_any_moment_of_the_start_costs_nothing() {
    let mut met = [0; 5];
    for (kind, operation) in
        [Operation::Read, Operation::Open, Operation::Write, Operation::Sync, Operation::Delete].into_iter().enumerate()
    {
        for after in 0..400 {
            let (disk, mut reference) = used(after);
            disk.inject(Fault { operation, after, stays: false });
            let (store, mut recovery, refused) = opened(&disk, None);
            let what = format!("{operation:?} {after}");
            let told = (&recovery.lost, &recovery.set_aside_why);
            assert!(recovery.is_whole() && recovery.mode == Mode::Normal, "{what}: {told:?}");
            let shown = refused > 0 || store.health() != Health::Good;
            met[kind] += u32::from(shown);
            let calm = !shown && after > 60;
            goes_on(&disk, store, &mut recovery, &mut reference, &what);
            if calm {
                break;
            }
        }
    }
    // What is read or opened once more at once does not show; a write or a sync that fails does.
    assert!(met[2] > 0 && met[3] > 0, "{met:?}");
}

#[test]
fn a_medium_that_gives_nothing_for_a_while_is_waited_for() {
    for operation in [Operation::Read, Operation::Open] {
        let (disk, mut reference) = used(7);
        disk.inject(Fault { operation, after: 0, stays: true });
        let (store, mut recovery, refused) = opened(&disk, Some(3));
        assert_eq!(refused, 3, "{operation:?}");
        assert!(recovery.is_whole() && recovery.mode == Mode::Normal, "{operation:?}: {recovery:?}");
        goes_on(&disk, store, &mut recovery, &mut reference, &format!("{operation:?}"));
    }
}

#[test]
fn a_medium_of_which_some_can_never_be_read_gives_what_it_has_and_the_start_is_in_doubt() {
    let mut salvaged = 0;
    for after in 1..40 {
        let (disk, reference) = used(after);
        disk.inject(Fault { operation: Operation::Read, after, stays: true });
        let found = Store::open(&place(&disk), config(), None);
        disk.heal();
        match found {
            Ok((_, recovery)) if recovery.set_aside.is_some() => {
                salvaged += 1;
                assert_eq!(recovery.mode, Mode::Safe, "{after}");
                assert!(disk.image().files.contains_key("state.db"), "the damaged file stays");
            }
            Ok((_, recovery)) => assert!(recovery.last_record >= reference.promised, "{after}: {recovery:?}"),
            Err(StoreError::Disk(Trouble::Io)) => {}
            Err(other) => panic!("{after}: {other}"),
        }
    }
    println!("{salvaged} of 39 were salvaged");
}

#[test]
fn a_disk_that_is_full_from_the_start_is_read_and_promises_nothing_until_there_is_room() {
    let (disk, mut reference) = used(8);
    let used: usize = disk.image().files.values().map(Vec::len).sum();
    disk.set_room(Some(used as u64));
    let (mut store, mut recovery, refused) = opened(&disk, None);
    assert_eq!(refused, 0);
    assert!(recovery.last_record >= reference.promised && recovery.mode == Mode::Normal);
    // Opening writes into room that the log has; whether it was enough or not, the store says how it is.
    if store.health() != Health::Good {
        assert!(matches!(store.health(), Health::Failing { trouble: Trouble::Full, .. }));
        let before = store.durable();
        let record = common::record(recovery.last_record + 1, common::entry(1, 1));
        store.append(0, &record, taa_store::Urgency::Now).unwrap();
        assert_eq!(store.commit(100_000), Err(StoreError::Disk(Trouble::Full)));
        assert_eq!(store.durable(), before);
        disk.set_room(None);
        assert_eq!(store.commit(200_000), Ok(record.number));
        reference.journal.truncate(usize::try_from(recovery.last_record).unwrap());
        reference.journal.push(record);
    }
    disk.set_room(None);
    let last = store.durable();
    disk.cut();
    drop(store);
    disk.power_on();
    let (_, again, _) = opened(&disk, None);
    assert_eq!((again.last_record, again.mode), (last, Mode::Normal));
    let _unused = recovery.take_records().count();
}

#[test]
fn a_start_whose_own_record_fails_goes_on_with_the_next_commit() {
    let mut met = 0;
    for after in 0..12 {
        let (disk, mut reference) = used(100 + after);
        disk.inject(Fault { operation: Operation::Sync, after, stays: true });
        let Ok((store, mut recovery)) = Store::open(&place(&disk), config(), None) else { continue };
        if store.health() == Health::Good {
            continue;
        }
        met += 1;
        assert!(matches!(store.health(), Health::Failing { trouble: Trouble::Io, .. }));
        assert!(store.due(0).is_none(), "nothing waits");
        goes_on(&disk, store, &mut recovery, &mut reference, &format!("sync {after}"));
    }
    assert!(met > 0);
}
