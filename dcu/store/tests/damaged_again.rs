//! A salvaged file that is damaged in its turn, or whose salvage did not come to its end: the store opens, and what the files
//! before it hold is not forgotten.

mod common;

use common::{config, filled, mix, place, record};
use taa_dcu::journal::Record;
use taa_powercut::{Config, Disk, Image, Sync};
use taa_store::{Mode, Recovery, Store};

/// A journal whose database is none any more; its log has everything.
fn damaged() -> (Image, Vec<Record>) {
    let disk = Disk::new(Config::default());
    let (store, reference) = filled(&disk, &config(), 300);
    drop(store);
    let mut image = disk.image();
    image.files.get_mut("state.db").unwrap()[..100].fill(0x55);
    (image, reference.journal)
}

/// The same after a salvage, and after some more records.
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
    }
    store.commit(0).unwrap();
    drop(store);
    (disk.image(), journal)
}

fn open(disk: &Disk) -> (Store, Recovery) {
    Store::open(&place(disk), config(), None).unwrap()
}

fn records(disk: &Disk) -> (Vec<Record>, Recovery) {
    let (_store, mut recovery) = open(disk);
    (recovery.take_records().collect(), recovery)
}

fn wiped(image: &Image, file: &str, byte: u8) -> Image {
    let mut image = image.clone();
    image.files.get_mut(file).unwrap().fill(byte);
    image.files.remove(&format!("{file}-wal"));
    image
}

#[test]
fn a_salvaged_file_of_which_nothing_is_left_gives_way_to_the_one_before() {
    for more in [0, 20] {
        let (image, journal) = salvaged(more);
        for byte in [0, 0x55, 0xFF] {
            let disk = Disk::from_image(Config::default(), wiped(&image, "state.db.1", byte));
            let (found, recovery) = records(&disk);
            assert_eq!(found.last(), journal.get(299), "{more} more, {byte}");
            assert_eq!((recovery.set_aside.as_deref(), recovery.mode), (Some("state.db"), Mode::Safe));
            assert_eq!(disk.image().files["state.db.1"], vec![byte; image.files["state.db.1"].len()], "left as it is");
            // It goes on from there.
            assert_eq!(records(&disk).0, found);
        }
    }
}

#[test]
fn a_salvaged_file_that_lost_pages_keeps_what_is_its_own_and_else_gives_way() {
    for more in [0, 20] {
        let (image, journal) = salvaged(more);
        let mut kept = 0;
        for page in 0..image.files["state.db.1"].len().div_ceil(4096) {
            let mut damaged = image.clone();
            damaged.files.remove("state.db.1-wal");
            let file = damaged.files.get_mut("state.db.1").unwrap();
            let end = file.len().min(page * 4096 + 4096);
            file[page * 4096..end].fill(0);
            let (found, _) = records(&Disk::from_image(Config::default(), damaged));
            let whole = |record: &Record| journal.get(usize::try_from(record.number).unwrap() - 1) == Some(record);
            assert!(found.iter().all(whole), "page {page}");
            kept += u32::from(found.last().is_some_and(|last| last.number >= 300));
        }
        assert!(kept > 0, "{more} more: nothing was kept");
    }
}

#[test]
fn a_salvage_cut_at_any_write_is_done_anew_and_nothing_of_the_damaged_file_is_forgotten() {
    let (image, journal) = damaged();
    let mut cut_short = 0;
    for cut in 1.. {
        let disk = Disk::from_image(Config { seed: mix(cut), ..Config::default() }, image.clone());
        disk.cut_after(cut);
        drop(Store::open(&place(&disk), config(), None));
        if disk.is_on() {
            break;
        }
        disk.power_on();
        let (found, _) = records(&disk);
        assert_eq!(found.last(), journal.last(), "cut {cut}: {} records", found.len());
        cut_short += 1;
    }
    assert!(cut_short > 10, "{cut_short}");
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
