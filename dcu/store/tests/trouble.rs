//! A disk that refuses: errors of the medium, no room, no writes. Nothing is acknowledged meanwhile, nothing is lost, and
//! when the disk is well again it goes on.

mod common;

use common::{Reference, config, entry, filled, mix, place, record};
use taa_dcu::{MeterIx, journal::Entry};
use taa_powercut::{Config, Disk, Fault, Operation};
use taa_store::{Health, Store, StoreError, Trouble, Urgency};

fn disk(seed: u64) -> Disk {
    Disk::new(Config { seed, ..Config::default() })
}

/// Reopens after a cut; what was promised must be there.
fn reopen(disk: &Disk, reference: &mut Reference) -> Store {
    disk.cut();
    disk.power_on();
    let (store, mut recovery) = Store::open(&place(disk), config(), None).unwrap();
    reference.check(&mut recovery, &store).unwrap();
    store
}

#[test]
fn errors_while_writing_or_syncing_cost_nothing() {
    for seed in 0..60 {
        let disk = disk(seed);
        let (mut store, mut reference) = filled(&disk, &config(), 80);
        let operation = if seed % 2 == 0 { Operation::Write } else { Operation::Sync };
        disk.inject(Fault { operation, after: seed % 9, stays: seed % 3 == 0 });
        let mut refused = 0;
        for step in 0..40 {
            match reference.step(&mut store, mix(seed ^ (step << 32)), false) {
                Ok(()) => {}
                Err(StoreError::Disk(Trouble::Io)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
            if let Health::Failing { retry_at_ms, trouble, .. } = store.health() {
                assert_eq!(trouble, Trouble::Io);
                assert_eq!(store.due(reference.now_ms), Some(retry_at_ms.max(reference.now_ms)));
                assert!(store.durable() < store.appended());
            }
        }
        assert!(refused > 0 || seed % 3 != 0, "seed {seed}: nothing was refused");
        disk.heal();
        reference.now_ms += 60_000;
        let upto = store.commit(reference.now_ms).unwrap();
        assert_eq!((upto, store.health()), (reference.journal.len() as u64, Health::Good));
        reference.promised = upto;
        reopen(&disk, &mut reference);
    }
}

#[test]
fn a_full_disk_is_named_and_when_there_is_room_it_goes_on() {
    let disk = disk(1);
    let (mut store, mut reference) = filled(&disk, &config(), 80);
    let used: usize = disk.image().files.values().map(Vec::len).sum();
    disk.set_room(Some(used as u64));
    let mut step = 0;
    while store.health() == Health::Good {
        step += 1;
        let _may_be_refused = reference.step(&mut store, mix(step), false);
        assert!(step < 10_000, "what is freed is used again for long, but not for ever");
    }
    let Health::Failing { trouble: Trouble::Full, .. } = store.health() else { panic!("{:?}", store.health()) };
    assert!(!store.wants_snapshot());
    let promised = store.durable();
    reference.now_ms += 60_000;
    assert_eq!(store.commit(reference.now_ms), Err(StoreError::Disk(Trouble::Full)));
    assert_eq!(store.durable(), promised);
    disk.set_room(None);
    reference.promised = store.commit(reference.now_ms).unwrap();
    assert_eq!(reference.promised, reference.journal.len() as u64);
    reopen(&disk, &mut reference);
}

#[test]
fn a_disk_that_turns_read_only_is_waited_for() {
    let disk = disk(2);
    let (mut store, mut reference) = filled(&disk, &config(), 80);
    disk.set_read_only(true);
    for step in 0..10 {
        let _refused = reference.step(&mut store, mix(step), false);
    }
    reference.now_ms += 60_000;
    assert!(store.commit(reference.now_ms).is_err());
    let Health::Failing { attempts, .. } = store.health() else { panic!("{:?}", store.health()) };
    assert!(attempts > 0);
    disk.set_read_only(false);
    reference.promised = store.commit(reference.now_ms).unwrap();
    reopen(&disk, &mut reference);
}

#[test]
fn a_disk_that_is_read_only_from_the_start_is_told() {
    let disk = disk(3);
    let (store, _) = filled(&disk, &config(), 80);
    drop(store);
    disk.set_read_only(true);
    match Store::open(&place(&disk), config(), None) {
        Ok((store, recovery)) => {
            assert!(matches!(store.health(), Health::Failing { .. }));
            assert_eq!(recovery.last_record, 80.max(recovery.last_record));
        }
        Err(StoreError::Disk(trouble)) => assert!(matches!(trouble, Trouble::ReadOnly | Trouble::Io)),
        Err(other) => panic!("{other}"),
    }
    disk.set_read_only(false);
    Store::open(&place(&disk), config(), None).unwrap();
}

#[test]
fn while_the_disk_refuses_readings_go_and_money_stays_and_then_it_stops() {
    let disk = disk(4);
    let mut config = config();
    config.ram_bytes_max = 60_000;
    let (mut store, mut reference) = filled(&disk, &config, 20);
    disk.inject(Fault { operation: Operation::Sync, after: 0, stays: true });
    let mut payments = Vec::new();
    let stopped = loop {
        let number = reference.journal.len() as u64 + 1;
        let entry = if number.is_multiple_of(4) {
            Entry::Payment { payment: common::payment(number, MeterIx(1)), local: true }
        } else {
            Entry::Reading(common::reading(MeterIx(2), number as u32, number as u32))
        };
        let record = record(number, entry);
        match store.append(number, &record, record.entry.urgency()) {
            Ok(()) => {
                if number.is_multiple_of(4) {
                    payments.push(number);
                }
                reference.journal.push(record);
                if number.is_multiple_of(50) {
                    assert!(store.commit(number).is_err());
                }
            }
            Err(StoreError::Stopped { record }) => break record,
            Err(other) => panic!("{other}"),
        }
        assert!(number < 10_000);
    };
    assert_eq!(stopped, reference.journal.len() as u64 + 1);
    assert!(store.is_tight() && store.stats().dropped > 100, "{:?}", store.stats());
    assert!(matches!(store.health(), Health::Stopped(Trouble::Io)));
    assert_eq!(store.durable(), reference.promised, "nothing was acknowledged");
    assert!(store.held_bytes() <= 60_000);
    // The same with a disk that comes back in time: holes are declared, not damage, and every payment is there.
    let disk = self::disk(5);
    let (mut store, reference) = filled(&disk, &config, 20);
    let first = reference.journal.len() as u64;
    disk.inject(Fault { operation: Operation::Sync, after: 0, stays: true });
    let number_of = |n: u64| first + 1 + n;
    for n in 0..1000 {
        let number = number_of(n);
        let entry = if n % 40 == 0 {
            Entry::Payment { payment: common::payment(number, MeterIx(1)), local: true }
        } else {
            Entry::Reading(common::reading(MeterIx(2), number as u32, number as u32))
        };
        let record = record(number, entry);
        store.append(n, &record, record.entry.urgency()).unwrap();
        if n == 20 {
            assert!(store.commit(n).is_err());
        }
    }
    let dropped = store.stats().dropped;
    assert!(dropped > 0);
    disk.heal();
    assert_eq!(store.commit(100_000), Ok(number_of(999)));
    disk.cut();
    drop(store);
    disk.power_on();
    let (_store, mut recovery) = Store::open(&place(&disk), config, None).unwrap();
    assert!(recovery.is_whole(), "{:?}", recovery.lost);
    let found: Vec<_> = recovery.take_records().filter(|record| record.number > first).collect();
    assert_eq!(found.len() as u64, 1000 - dropped);
    let payments = found.iter().filter(|record| matches!(record.entry, Entry::Payment { .. })).count();
    assert_eq!(payments, 25);
}

#[test]
fn order_is_kept() {
    let disk = disk(6);
    let (mut store, reference) = filled(&disk, &config(), 20);
    let next = reference.journal.len() as u64 + 1;
    let skipped = store.append(0, &record(next + 1, entry(1, 1)), Urgency::Soon);
    assert_eq!(skipped, Err(StoreError::Order { expected: next, found: next + 1 }));
    let leaf = store.leaf_next();
    let skipped = store.append_leaf(0, leaf + 1, b"x");
    assert_eq!(skipped, Err(StoreError::LeafOrder { expected: leaf, found: leaf + 1 }));
    // A reading waits; an urgent record takes it along.
    let soon = record(next, Entry::Reading(common::reading(MeterIx(1), 9, 9)));
    store.append(1_000_000, &soon, Urgency::Soon).unwrap();
    assert_eq!(store.due(1_000_000), Some(1_010_000));
    let now = record(next + 1, Entry::Payment { payment: common::payment(next, MeterIx(0)), local: true });
    store.append(1_000_001, &now, Urgency::Now).unwrap();
    assert_eq!(store.due(1_000_002), Some(1_000_002));
    assert_eq!(store.commit(1_000_002), Ok(next + 1));
    // Nothing waits but the patrol.
    assert_eq!(store.stats().patrols, 0);
    assert!(store.due(1_000_002).is_some_and(|at| at > 1_000_002 + config().hold_ms));
}
