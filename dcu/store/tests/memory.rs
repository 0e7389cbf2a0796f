//! The store without a disk does what the store on a disk does, as long as the disk is well.

mod common;

use common::{JOURNAL, config, empty_state, entry, fold, mix, place, record};
use taa_dcu::journal::{Entry, Record, State};
use taa_powercut::{Config, Disk};
use taa_store::{MemoryStore, Store, StoreError, Trouble, Witness};

/// The next record of the workload; a snapshot where one is asked for.
fn next(number: u64, state: &State, snapshot: bool) -> Record {
    let what = if snapshot { Entry::Checkpoint(Box::new(state.clone())) } else { entry(number, mix(number)) };
    record(number, what)
}

#[test]
fn both_promise_the_same_and_start_from_the_same() {
    let disk = Disk::new(Config::default());
    let (mut on_disk, _) = Store::open(&place(&disk), config(), None).unwrap();
    let mut in_memory = MemoryStore::new(config());
    in_memory.reopen(None).unwrap();
    let mut state = empty_state(common::METERS);
    for number in 1..=500 {
        let now_ms = number * 700;
        let record = next(number, &state, in_memory.wants_snapshot());
        assert_eq!(on_disk.wants_snapshot(), in_memory.wants_snapshot(), "{number}");
        state.apply(&record);
        let urgency = record.entry.urgency();
        on_disk.append(now_ms, &record, urgency).unwrap();
        in_memory.append(now_ms, record, urgency).unwrap();
        assert_eq!(on_disk.due(now_ms), in_memory.due(now_ms), "{number}");
        if in_memory.due(now_ms) == Some(now_ms) {
            assert_eq!(on_disk.commit(now_ms), in_memory.commit(now_ms));
        }
        assert_eq!((on_disk.durable(), on_disk.appended()), (in_memory.durable(), in_memory.appended()));
    }
    let promised = in_memory.durable();
    assert!(promised < 500 && promised > 400, "something waits in RAM: {promised} of 500 are durable");
    drop(on_disk);
    let (_on_disk, mut recovery) = Store::open(&place(&disk), config(), None).unwrap();
    let mut from_memory = in_memory.reopen(None).unwrap();
    assert_eq!((from_memory.last_record, recovery.last_record), (promised, promised));
    assert!(from_memory.is_whole() && from_memory.snapshot.is_some());
    assert_eq!(fold(from_memory.take_records()), fold(recovery.take_records()));
    // And again: nothing is used up by a start.
    assert_eq!(in_memory.reopen(None).unwrap().last_record, promised);
}

#[test]
fn while_it_refuses_nothing_is_promised_and_nothing_is_lost() {
    let mut store = MemoryStore::new(config());
    store.reopen(None).unwrap();
    let payment =
        |number| record(number, Entry::Payment { payment: common::payment(number, taa_dcu::MeterIx(1)), local: true });
    store.append(0, payment(1), taa_store::Urgency::Now).unwrap();
    store.refuse(Some(Trouble::ReadOnly));
    assert_eq!(store.commit(0), Err(StoreError::Disk(Trouble::ReadOnly)));
    assert_eq!((store.durable(), store.due(10)), (0, Some(config().retry_ms_min)));
    store.append(10, payment(2), taa_store::Urgency::Now).unwrap();
    assert!(store.append(10, payment(2), taa_store::Urgency::Now).is_err(), "each number once");
    store.refuse(None);
    assert_eq!(store.commit(1_000), Ok(2));
    store.append(1_010, payment(3), taa_store::Urgency::Now).unwrap();
    store.refuse(Some(Trouble::ReadOnly));
    assert_eq!(store.reopen(None).err(), Some(StoreError::Disk(Trouble::ReadOnly)));
    store.refuse(None);
    let knows = |last_record| Some(Witness { journal: JOURNAL, last_record, leaves: 0 });
    assert_eq!(store.reopen(knows(2)).unwrap().last_record, 2);
    assert!(!store.reopen(knows(3)).unwrap().rolled_back.is_empty());
}
