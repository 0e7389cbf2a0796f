//! Pruning: what snapshots make needless goes, readings stay for queries, the file does not grow without bound.

mod common;

use common::{config, fold, place, record};
use taa_dcu::{
    MeterIx,
    journal::{Entry, Record},
    reading::Reading,
    uplink::Lane,
};
use taa_powercut::{Config, Disk};
use taa_store::{Store, StoreConfig};

fn hourly(meter: u32, hour: u32) -> Reading {
    Reading {
        meter: MeterIx(meter),
        period: 480_000 + hour,
        at_unix_s: (480_000 + hour) * 3600 + 60 + meter,
        sequence: hour + 1,
        register_wh: u64::from(hour) * 41 + u64::from(meter),
        relay_closed: Some(true),
        credit_minor: None,
    }
}

/// Runs so many days of a few meters; the file's length after each month.
fn run(disk: &Disk, config: &StoreConfig, days: u32, meters: u32) -> (Store, Vec<usize>, Vec<Record>) {
    let (mut store, _) = Store::open(&place(disk), config.clone(), None).unwrap();
    let mut journal: Vec<Record> = Vec::new();
    let mut state = common::empty_state(common::METERS);
    let mut lengths = Vec::new();
    let mut now_ms = 0;
    let mut put = |store: &mut Store, now_ms: u64, entry: Entry| {
        let number = journal.len() as u64 + 1;
        let record = record(number, entry);
        state.apply(&record);
        store.append(now_ms, &record, record.entry.urgency()).unwrap();
        journal.push(record);
        if store.wants_snapshot() {
            let number = journal.len() as u64 + 1;
            let snapshot = common::record(number, Entry::Checkpoint(Box::new(state.clone())));
            state.apply(&snapshot);
            store.append(now_ms, &snapshot, snapshot.entry.urgency()).unwrap();
            journal.push(snapshot);
        }
    };
    for day in 0..days {
        for hour in day * 24..day * 24 + 24 {
            for meter in 0..meters {
                put(&mut store, now_ms, Entry::Reading(hourly(meter, hour)));
            }
            // The cloud has taken what there was.
            let to = u64::from((hour + 1) * meters);
            put(&mut store, now_ms, Entry::Acked { lane: Lane::Readings, from: 0, to });
            now_ms += 3_600_000;
            store.commit(now_ms).unwrap();
        }
        if day % 30 == 29 {
            lengths.push(disk.image().files.values().map(Vec::len).sum());
        }
    }
    (store, lengths, journal)
}

#[test]
fn a_year_does_not_grow_beyond_what_is_kept() {
    let disk = Disk::new(Config::default());
    let mut config = config();
    config.snapshot_records = 2_000;
    config.series_days = 60;
    let (store, lengths, journal) = run(&disk, &config, 360, common::METERS);
    let stats = store.stats();
    assert!(stats.snapshots_pruned > 10 && stats.blocks_pruned > 5_000, "{stats:?}");
    let (early, late) = (lengths[3], *lengths.last().unwrap());
    assert!(late < early * 12 / 10, "grows: {lengths:?}");
    // Sixty days can be asked for, whatever is left of the journal; older ones are gone.
    let last = 360 * 24 - 1;
    let asked = store.readings(MeterIx(3), 480_000 + last - 50 * 24, 480_000 + last).unwrap();
    let expected: Vec<Reading> = (last - 50 * 24..=last).map(|hour| hourly(3, hour)).collect();
    assert_eq!(asked, expected);
    assert!(store.readings(MeterIx(3), 0, 480_000 + 24 * 200).unwrap().is_empty());
    drop(store);
    let (store, mut recovery) = Store::open(&place(&disk), config, None).unwrap();
    assert!(recovery.is_whole());
    let found: Vec<Record> = recovery.take_records().collect();
    assert!(found.len() < 5_000);
    assert_eq!(fold(found), fold(journal));
    assert_eq!(store.readings(MeterIx(3), 480_000 + last - 50 * 24, 480_000 + last).unwrap(), expected);
}

#[test]
fn rows_that_come_late_join_their_day() {
    let disk = Disk::new(Config::default());
    let mut config = config();
    config.snapshot_records = 20;
    let (mut store, _, journal) = run(&disk, &config, 3, 2);
    let mut number = journal.len() as u64;
    let mut state = fold(journal);
    // Days one to three again and again, a meter at a time: more parts than a day may have.
    for meter in 2..common::METERS {
        for part in 0..6 {
            let found: Vec<Reading> = (part * 4..part * 4 + 4).map(|hour| hourly(meter, hour)).collect();
            let backfilled = Entry::Backfilled { meter: MeterIx(meter), from: 480_000, to: 480_072, found };
            for entry in [Some(backfilled), None] {
                number += 1;
                let record = record(number, entry.unwrap_or_else(|| Entry::Checkpoint(Box::new(state.clone()))));
                state.apply(&record);
                store.append(0, &record, common::urgent()).unwrap();
                store.commit(0).unwrap();
            }
        }
    }
    for meter in 0..common::METERS {
        let asked = store.readings(MeterIx(meter), 480_000, 480_023).unwrap();
        let expected: Vec<Reading> = (0..24).map(|hour| hourly(meter, hour)).collect();
        assert_eq!(asked, expected, "meter {meter}");
    }
    assert_eq!(store.scrub(), Ok(Vec::new()));
}

#[test]
fn ledger_entries_that_others_keep_may_go() {
    let disk = Disk::new(Config::default());
    let (mut store, _) = common::filled(&disk, &config(), 300);
    let all = store.leaves(0, u64::MAX).unwrap();
    let end = store.leaf_next();
    assert!(end > 20 && all.len() as u64 == end);
    store.prune_leaves(end / 2).unwrap();
    assert!(store.leaves(0, u64::MAX).unwrap().is_empty(), "asked for what is gone");
    let later = usize::try_from(end / 2).unwrap();
    assert_eq!(store.leaves(end / 2, u64::MAX).unwrap(), all[later..]);
    // Even if all of them go, nobody forgets how many there were.
    store.prune_leaves(u64::MAX).unwrap();
    drop(store);
    let (store, recovery) = Store::open(&place(&disk), config(), None).unwrap();
    assert!(recovery.is_whole() && store.leaf_next() == end);
}
