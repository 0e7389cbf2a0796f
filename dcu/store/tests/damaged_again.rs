//! A salvaged file that is damaged in its turn, or whose salvage did not come to its end: the store opens, and what the files
//! before it hold is not forgotten.

mod common;

use common::{config, filled, mix, place, record};
use taa_dcu::journal::Record;
use taa_powercut::{Config, Disk, Fault, Image, Operation, Sync};
use taa_store::{Mode, Recovery, Store, StoreError, Trouble};

/// A journal whose database is none any more; its log has everything.
fn damaged() -> (Image, Vec<Record>) {
    let disk = Disk::new(Config::default());
    let (store, reference) = filled(&disk, &config(), 300);
    drop(store);
    let mut image = disk.image();
    image.files.get_mut("state.db").unwrap()[..100].fill(0x55);
    (image, reference.journal)
}

/// The same after a salvage, and after some more records; all of the log is in the database.
fn salvaged(more: u64) -> (Image, Vec<Record>) {
    let (image, mut journal) = damaged();
    let disk = Disk::from_image(Config::default(), image);
    let (mut store, recovery) = open(&disk);
    assert_eq!(recovery.set_aside.as_deref(), Some("state.db"));
    for _ in 0..more {
        let number = journal.len() as u64 + 1;
        let next = record(number, common::entry(number, 0));
        store.append(0, &next, common::urgent()).unwrap();
        journal.push(next);
        store.commit(0).unwrap();
    }
    drop(store);
    // Every opening copies the log.
    drop(open(&disk));
    let mut image = disk.image();
    image.files.remove("state.db.1-wal");
    (image, journal)
}

fn open(disk: &Disk) -> (Store, Recovery) {
    Store::open(&place(disk), config(), None).unwrap()
}

fn records(disk: &Disk) -> (Vec<Record>, Recovery) {
    let (_store, mut recovery) = open(disk);
    (recovery.take_records().collect(), recovery)
}

/// What a whole journal starts from: its newest snapshot and all after it.
fn expected(journal: &[Record]) -> Vec<Record> {
    let image = salvaged(journal.len() as u64 - 300).0;
    let found = records(&Disk::from_image(Config::default(), image)).0;
    assert!(found.last() == journal.last());
    found
}

#[test]
fn a_salvaged_file_of_which_nothing_is_left_gives_way_to_the_one_before() {
    for more in [0, 20] {
        let (image, journal) = salvaged(more);
        let whole = expected(&journal[..300]);
        for byte in [0, 0x55, 0xFF] {
            let mut image = image.clone();
            image.files.get_mut("state.db.1").unwrap().fill(byte);
            let disk = Disk::from_image(Config::default(), image);
            let (found, recovery) = records(&disk);
            assert!(found == whole, "{more} more, {byte}");
            assert_eq!((recovery.set_aside.as_deref(), recovery.mode), (Some("state.db.1"), Mode::Safe));
            assert!(disk.image().files["state.db.1"].iter().all(|at| *at == byte), "left as it is");
            // It goes on from there.
            assert!(records(&disk).0 == found);
        }
    }
}

#[test]
fn what_a_salvaged_file_has_lost_of_the_old_one_is_taken_from_there_again() {
    for more in [0, 20] {
        let (image, journal) = salvaged(more);
        let (old, whole) = (expected(&journal[..300]), expected(&journal));
        let (mut pages, mut kept) = (0, 0);
        for page in 0..image.files["state.db.1"].len().div_ceil(4096) {
            let mut damaged = image.clone();
            let file = damaged.files.get_mut("state.db.1").unwrap();
            let end = file.len().min(page * 4096 + 4096);
            file[page * 4096..end].fill(0);
            let (found, recovery) = records(&Disk::from_image(Config::default(), damaged));
            if recovery.set_aside.is_none() {
                // Rows in quarantine alone, or nothing that anybody misses.
                continue;
            }
            pages += 1;
            let before = found.iter().filter(|record| record.number <= 300);
            assert!(before.eq(old.iter().filter(|old| old.number >= found[0].number)), "page {page}");
            kept += u32::from(found == whole);
        }
        assert!(pages > 5 && kept * 4 >= pages * 3, "{more} more: {kept} of {pages}");
    }
}

#[test]
fn old_files_may_be_taken_away() {
    let (mut image, journal) = salvaged(20);
    let whole = expected(&journal);
    let second = image.files["state.db.1"].clone();
    image.files.insert("state.db.7".to_owned(), second);
    image.files.remove("state.db");
    image.files.remove("state.db.1");
    let disk = Disk::from_image(Config::default(), image);
    let (found, recovery) = records(&disk);
    assert!(found == whole && recovery.set_aside.is_none(), "the one with the greatest number is in use");
}

#[test]
fn a_salvage_cut_at_any_write_is_done_anew_and_nothing_of_the_damaged_file_is_forgotten() {
    let (image, journal) = damaged();
    let whole = expected(&journal);
    let mut cut_short = 0;
    for cut in 1.. {
        let disk = Disk::from_image(Config { seed: mix(cut), ..Config::default() }, image.clone());
        disk.cut_after(cut);
        drop(Store::open(&place(&disk), config(), None));
        if disk.is_on() {
            break;
        }
        disk.power_on();
        assert!(records(&disk).0 == whole, "cut {cut}");
        cut_short += 1;
    }
    assert!(cut_short > 10, "{cut_short}");
}

#[test]
fn one_error_of_the_medium_while_a_cut_salvage_is_done_anew_costs_nothing() {
    let (image, journal) = damaged();
    let whole = expected(&journal);
    for cut in [5, 15, 25] {
        let disk = Disk::from_image(Config { seed: mix(cut), ..Config::default() }, image.clone());
        disk.cut_after(cut);
        drop(Store::open(&place(&disk), config(), None));
        disk.power_on();
        let image = disk.image();
        for operation in [Operation::Read, Operation::Open] {
            for after in 0..60 {
                let disk = Disk::from_image(Config::default(), image.clone());
                disk.inject(Fault { operation, after, stays: false });
                let what = format!("cut {cut}, {operation:?} {after}");
                let found: Vec<Record> = match Store::open(&place(&disk), config(), None) {
                    Ok((_store, mut recovery)) => recovery.take_records().collect(),
                    Err(StoreError::Disk(Trouble::Io)) => records(&disk).0,
                    Err(error) => panic!("{what}: {error}"),
                };
                assert!(found == whole, "{what}");
            }
        }
    }
}

#[test]
fn disks_that_lie_and_lose_power_again_and_again_are_opened_every_time() {
    let mut set_aside = 0;
    for seed in 0..60 {
        let disk = Disk::new(Config { seed, sync: Sync::Lies, ..Config::default() });
        let mut draw = mix(seed);
        // Numbers that were lost come again for others; either may come back.
        let mut ever: Vec<Record> = Vec::new();
        for life in 0..8 {
            draw = mix(draw);
            let opened = Store::open(&place(&disk), config(), None);
            let (mut store, mut recovery) = opened.unwrap_or_else(|error| panic!("seed {seed}, life {life}: {error}"));
            set_aside += u32::from(recovery.set_aside.is_some());
            let mut number = recovery.last_record;
            assert!(recovery.take_records().all(|found| ever.contains(&found)), "seed {seed}, life {life}");
            for _ in 0..draw % 60 {
                draw = mix(draw);
                number += 1;
                let next = record(number, common::entry(number, draw));
                store.append(0, &next, common::urgent()).unwrap();
                ever.push(next);
                store.commit(0).unwrap();
            }
            disk.cut();
            drop(store);
            disk.power_on();
        }
    }
    assert!(set_aside > 20, "{set_aside}: the disks have lied too little");
}
