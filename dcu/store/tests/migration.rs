//! From schema 1, by files that the code of then (kept here) has written; with the power cut at every point.

mod common;

use common::{config, entry, fold, mix, place, record};
use rusqlite::{Connection, params};
use taa_dcu::journal::{Entry, Record, bytes};
use taa_powercut::{Config, Disk, Image};
use taa_store::{Place, Store, StoreError};

const OLD_PAGE_BYTES: u32 = 4096;

/// What schema 1 was: a row a record, and the journal's name.
fn write_old(db: &Connection, records: &[Record]) {
    db.execute_batch(&format!(
        "pragma page_size = {OLD_PAGE_BYTES}; pragma locking_mode = exclusive; pragma journal_mode = wal;
         pragma synchronous = full; pragma application_id = {}; pragma user_version = 1;
         create table about (id integer primary key, journal blob);
         create table record (number integer primary key, bytes blob);",
        0x5441_416A
    ))
    .unwrap();
    db.execute("insert into about values (1, ?1)", [&common::JOURNAL[..]]).unwrap();
    for record in records {
        let mut blob = Vec::new();
        bytes::encode(record, &mut blob).unwrap();
        db.execute("insert into record values (?1, ?2)", params![record.number as i64, blob]).unwrap();
    }
}

fn old(records: u64) -> (Image, Vec<Record>) {
    let mut journal: Vec<Record> = Vec::new();
    for number in 1..=records {
        let entry = if number % 150 == 0 {
            Entry::Checkpoint(Box::new(fold(journal.iter().cloned())))
        } else {
            entry(number, mix(number))
        };
        journal.push(record(number, entry));
    }
    let disk = Disk::new(Config::default());
    let db = disk.open("file:state.db?psow=0").unwrap();
    write_old(&db, &journal);
    drop(db);
    (disk.image(), journal)
}

#[test]
fn an_old_file_is_brought_up_to_date_whole() {
    let (image, journal) = old(700);
    let disk = Disk::from_image(Config::default(), image);
    let (mut store, mut recovery) = Store::open(&place(&disk), config(), None).unwrap();
    assert!(recovery.is_whole() && recovery.migrated_from == Some(1), "{:?}", recovery.lost);
    assert_eq!((recovery.journal, recovery.last_record, recovery.snapshot), (common::JOURNAL, 700, Some(600)));
    let found: Vec<Record> = recovery.take_records().collect();
    assert_eq!(found, journal[599..]);
    assert_eq!(fold(found), fold(journal.iter().cloned()));
    store.append(0, &record(701, entry(701, 1)), common::urgent()).unwrap();
    assert_eq!(store.commit(0), Ok(701));
    drop(store);
    let (_, recovery) = Store::open(&place(&disk), config(), None).unwrap();
    assert!(recovery.is_whole() && recovery.migrated_from.is_none() && recovery.last_record == 701);
}

#[test]
fn a_cut_at_any_point_of_it_leaves_the_old_file_or_the_new() {
    let (image, journal) = old(90);
    let mut finished = 0;
    let mut undone = 0;
    for cut in 1..400 {
        let disk = Disk::from_image(Config { seed: cut, ..Config::default() }, image.clone());
        disk.cut_after(cut);
        let first = Store::open(&place(&disk), config(), None);
        let was_cut = !disk.is_on();
        drop(first);
        disk.cut();
        disk.power_on();
        let (_store, mut recovery) = Store::open(&place(&disk), config(), None).unwrap();
        assert!(recovery.is_whole(), "cut {cut}: {:?} {:?}", recovery.set_aside_why, recovery.lost);
        undone += u32::from(recovery.migrated_from.is_some());
        finished += u32::from(recovery.migrated_from.is_none());
        assert!(recovery.take_records().eq(journal.iter().cloned()), "cut {cut}");
        if !was_cut {
            assert!(undone > 5 && finished > 2, "{undone} undone, {finished} finished");
            return;
        }
    }
    panic!("the migration takes more than 400 changes");
}

#[test]
fn a_newer_file_is_left_to_a_newer_program() {
    let disk = Disk::new(Config::default());
    drop(Store::open(&place(&disk), config(), None).unwrap());
    let db = disk.open("state.db").unwrap();
    db.execute_batch("pragma locking_mode = exclusive; pragma user_version = 3;").unwrap();
    drop(db);
    // The mark alone is a flipped bit: the sealed row that names the schema says otherwise.
    let (_, recovery) = Store::open(&place(&disk), config(), None).unwrap();
    assert_eq!(recovery.set_aside_why.as_deref(), Some("its marks are changed"));
    let old_store =
        Store::open(&Place::Vfs { name: disk.vfs_name().to_owned(), path: "none/of/it".into() }, config(), None);
    assert!(old_store.is_ok() || matches!(old_store, Err(StoreError::Disk(_))));
}
