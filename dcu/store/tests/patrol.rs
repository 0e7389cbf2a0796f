//! Rot that is found while the store runs: told, contained, and mended from RAM where RAM has it.

mod common;

use common::{Reference, config, filled, mix, place};
use taa_dcu::journal::{Entry, Record};
use taa_powercut::{Config, Disk, Fault, Operation};
use taa_store::{Found, FoundEnd, Mode, Store, StoreConfig};

const HOUR_MS: u64 = 3_600_000;

fn disk(seed: u64) -> Disk {
    Disk::new(Config { seed, ..Config::default() })
}

/// Everything lies in the database, nothing in SQLite's log: where a byte is, is where it is read.
fn settled() -> StoreConfig {
    let mut config = config();
    config.log_pages_max = 1;
    config
}

/// Changes a byte of every place where this text lies in the database.
fn rot(disk: &Disk, text: &[u8]) -> usize {
    rot_in(disk, "state.db", text)
}

fn rot_in(disk: &Disk, file: &str, text: &[u8]) -> usize {
    let files = disk.image().files;
    let bytes = &files[file];
    let places: Vec<usize> =
        bytes.windows(text.len()).enumerate().filter(|(_, found)| *found == text).map(|(at, _)| at).collect();
    places.iter().for_each(|at| assert!(disk.rot(file, *at, 0x40)));
    places.len()
}

/// Hours pass in which nothing happens but what is due; what the patrol has found.
fn hours(store: &mut Store, reference: &mut Reference, hours: u64) -> Vec<Found> {
    let mut found = Vec::new();
    for _ in 0..hours {
        reference.now_ms += HOUR_MS;
        if store.due(reference.now_ms).is_some_and(|at| at <= reference.now_ms) {
            let _refused = store.commit(reference.now_ms);
        }
        found.extend(store.take_found());
    }
    found
}

/// The key of the newest payment that is on the disk.
fn newest_key(journal: &[Record]) -> Vec<u8> {
    let keys = journal.iter().rev().filter_map(|record| match &record.entry {
        Entry::Payment { payment, .. } => Some(payment.key.clone().into_bytes()),
        _ => None,
    });
    keys.clone().next().unwrap()
}

fn snapshot(store: &mut Store, reference: &mut Reference) {
    let state = common::fold(reference.journal.iter().cloned());
    let number = reference.journal.len() as u64 + 1;
    let record = common::record(number, Entry::Checkpoint(Box::new(state)));
    store.append(reference.now_ms, &record, common::urgent()).unwrap();
    reference.journal.push(record);
    reference.promised = store.commit(reference.now_ms).unwrap();
}

#[test]
fn a_row_that_rots_under_a_running_store_is_mended_by_a_snapshot_and_no_start_is_in_doubt() {
    let disk = disk(1);
    let (mut store, mut reference) = filled(&disk, &settled(), 110);
    hours(&mut store, &mut reference, 2);
    assert!(!store.wants_snapshot());
    let key = newest_key(&reference.journal);
    assert!(rot(&disk, &key) > 0);
    let found = hours(&mut store, &mut reference, 2);
    assert!(found.iter().any(|found| (found.table, found.end) == ("block", FoundEnd::WaitsForSnapshot)), "{found:?}");
    assert!(store.wants_snapshot());
    snapshot(&mut store, &mut reference);
    let after = hours(&mut store, &mut reference, 3);
    assert!(after.iter().any(|found| (found.table, found.end) == ("block", FoundEnd::Mended)), "{after:?}");
    assert!(!store.wants_snapshot());
    assert_eq!(hours(&mut store, &mut reference, 3).iter().filter(|found| found.table == "block").count(), 0);
    drop(store);
    let (store, recovery) = Store::open(&place(&disk), settled(), None).unwrap();
    assert_eq!((recovery.mode, recovery.last_record), (Mode::Normal, reference.journal.len() as u64));
    assert!(recovery.lost.iter().all(|damage| !damage.is_doubt()), "{recovery:?}");
    drop(store);
}

#[test]
fn sabotage_without_the_patrol_the_same_rot_waits_for_the_next_start_and_leaves_it_in_doubt() {
    let disk = disk(1);
    let mut config = settled();
    config.patrol_ms = u64::MAX;
    let (mut store, mut reference) = filled(&disk, &config, 110);
    // SQLite's log, which the running store has no need of any more, is read at the next start.
    let key = newest_key(&reference.journal);
    assert!(rot(&disk, &key) > 0 && rot_in(&disk, "state.db-wal", &key) > 0);
    assert_eq!(hours(&mut store, &mut reference, 5), Vec::new());
    assert!(!store.wants_snapshot());
    drop(store);
    let (_, recovery) = Store::open(&place(&disk), config, None).unwrap();
    assert_eq!(recovery.mode, Mode::Safe);
}

#[test]
fn rotten_ledger_entries_are_told_and_the_log_goes_on_where_it_was() {
    for newest in [false, true] {
        let disk = disk(2);
        let (mut store, mut reference) = filled(&disk, &settled(), 200);
        let next = store.leaf_next();
        let index = if newest { next - 1 } else { next / 2 };
        assert!(rot(&disk, format!(r#""index":{index}}}"#).as_bytes()) > 0);
        let found = hours(&mut store, &mut reference, 2);
        assert!(found.iter().any(|found| (found.table, found.end) == ("leaves", FoundEnd::Lost)), "{found:?}");
        store.append_leaf(reference.now_ms, next, b"{}").unwrap();
        store.commit(reference.now_ms + config().hold_ms).unwrap();
        drop(store);
        let (store, recovery) = Store::open(&place(&disk), settled(), None).unwrap();
        assert_eq!((recovery.mode, store.leaf_next()), (Mode::Normal, next + 1));
        assert_eq!(store.leaves(next, u64::MAX).unwrap(), [b"{}".to_vec()]);
    }
}

#[test]
fn entries_lost_while_it_was_off_leave_the_count_as_well() {
    let disk = disk(3);
    let (store, _) = filled(&disk, &settled(), 200);
    let next = store.leaf_next();
    drop(store);
    rot(&disk, format!(r#""index":{}}}"#, next - 1).as_bytes());
    let (store, recovery) = Store::open(&place(&disk), settled(), None).unwrap();
    assert_eq!((recovery.mode, store.leaf_next(), recovery.lost.len()), (Mode::Normal, next, 1), "{recovery:?}");
    drop(store);
    let (store, recovery) = Store::open(&place(&disk), settled(), None).unwrap();
    assert_eq!((recovery.lost.len(), store.leaf_next()), (0, next));
}

#[test]
fn one_step_reads_no_more_than_it_may_and_all_of_it_is_read_in_time() {
    let disk = disk(4);
    let mut config = settled();
    config.patrol_bytes = 2_000;
    let (mut store, mut reference) = filled(&disk, &config, 400);
    let mut before = store.stats();
    for _ in 0..200 {
        hours(&mut store, &mut reference, 1);
        let stats = store.stats();
        assert!(stats.patrols <= before.patrols + 1);
        // No row of this store is smaller than 12 bytes.
        assert!(stats.rows_looked_at - before.rows_looked_at <= 2_000 / 12 + 1);
        before = stats;
    }
    let rows = store.scrub().map(|broken| broken.len()).unwrap();
    assert_eq!(rows, 0);
    assert!(before.rows_looked_at > 400, "several rounds: {}", before.rows_looked_at);
}

#[test]
fn entries_that_others_keep_go_a_few_rows_an_hour() {
    let disk = disk(5);
    let (mut store, mut reference) = filled(&disk, &settled(), 900);
    let next = store.leaf_next();
    let count = |store: &Store| {
        let mut count = 0_u64;
        store.each_leaf(0, |_, _| count += 1).unwrap();
        count
    };
    assert_eq!(count(&store), next);
    store.leaves_are_kept(next / 2);
    let mut left = vec![next];
    for _ in 0..12 {
        hours(&mut store, &mut reference, 1);
        left.push(count(&store));
    }
    assert!(left.windows(2).all(|pair| pair[0] - pair[1] <= 64 * 4), "{left:?}");
    let end = *left.last().unwrap();
    assert!(end >= next - next / 2 && end < next - next / 2 + 8, "{left:?} of {next}");
    assert_eq!(store.leaf_next(), next);
}

#[test]
fn a_page_that_cannot_be_read_is_told_and_the_journal_goes_on() {
    let disk = disk(6);
    let (mut store, mut reference) = filled(&disk, &settled(), 300);
    hours(&mut store, &mut reference, 1);
    disk.inject(Fault { operation: Operation::Read, after: 3, stays: false });
    let found = hours(&mut store, &mut reference, 2);
    assert!(found.iter().any(|found| found.end == FoundEnd::Unreadable), "{found:?}");
    disk.heal();
    for step in 0..40 {
        reference.step(&mut store, mix(step), false).unwrap();
    }
    reference.promised = store.commit(reference.now_ms + 60_000).unwrap();
    assert_eq!(reference.promised, reference.journal.len() as u64);
    drop(store);
    let (store, mut recovery) = Store::open(&place(&disk), settled(), None).unwrap();
    reference.check(&mut recovery, &store).unwrap();
}
