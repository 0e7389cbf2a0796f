//! Power cuts at random points: what SQLite keeps under which settings, and that this disk tells good settings from bad.

mod common;

use common::{
    Census, DELETE_EXTRA, DELETE_FULL, Mode, NO_PSOW, PLAIN, WAL_FULL, WAL_FULL_SHARED, WAL_NORMAL, WAL_OFF, census,
    lives,
};
use taa_powercut::{Config, Disk, Order, Sync, Torn};

const SOUND: fn(u32) -> Census = |cuts| Census { cuts, corrupt: 0, lost: 0, torn: 0 };

#[test]
fn wal_with_full_loses_nothing() {
    assert_eq!(census(Mode::new(WAL_FULL), 0..250, 8), SOUND(2000));
}

#[test]
fn wal_with_shared_memory_loses_nothing() {
    assert_eq!(census(Mode::new(WAL_FULL_SHARED), 1000..1030, 8), SOUND(240));
}

#[test]
fn a_rollback_journal_loses_nothing_when_its_removal_is_synced() {
    assert_eq!(census(Mode::new(DELETE_EXTRA), 2000..2030, 8), SOUND(240));
}

/// A commit is the removal of the journal, and FULL does not sync the directory after it (SQLite's documentation of
/// `synchronous = extra` says so): the journal may come back and roll an acknowledged commit back.
#[test]
fn a_rollback_journal_under_full_may_come_back() {
    let census = census(Mode::new(DELETE_FULL), 2000..2060, 8);
    assert_eq!((census.corrupt, census.torn), (0, 0), "{census:?}");
    assert!(census.lost > 10, "{census:?}");
}

#[test]
fn disks_of_other_characters_lose_nothing_either() {
    let mode = |disk| Mode { disk, ..Mode::new(WAL_FULL) };
    let base = Config::default();
    for (number, disk) in (3..).zip([
        Config { order: Order::AsWritten, ..base },
        Config { kept_per_mille: 0, torn_per_mille: 0, ..base },
        Config { kept_per_mille: 950, ..base },
    ]) {
        let first = number * 1000;
        assert_eq!(census(mode(disk), first..first + 15, 8), SOUND(120), "{disk:?}");
    }
}

const GARBLING: [Torn; 2] = [Torn::Garbage, Torn::GarbagePage];

fn garbling(torn: Torn, name: &'static str) -> Mode {
    let disk = Config { torn, torn_per_mille: 300, ..Config::default() };
    Mode { disk, name, ..Mode::new(WAL_FULL) }
}

#[test]
fn disks_that_garble_sectors_or_pages_lose_nothing_without_psow() {
    for torn in GARBLING {
        assert_eq!(census(garbling(torn, NO_PSOW), 8000..8030, 8), SOUND(240), "{torn:?}");
    }
}

/// A disk that loses whole sectors, under the claim that SQLite's own VFS makes for every disk: a commit shares its last
/// sector with the next transaction, and goes with it.
#[test]
fn sabotage_a_claim_that_sectors_are_safe_loses_what_was_acknowledged() {
    for torn in GARBLING {
        let census = census(garbling(torn, PLAIN), 0..60, 8);
        assert!(census.lost + census.corrupt > 10, "{torn:?} {census:?}");
    }
}

/// With NORMAL, commits wait for the next checkpoint: nothing is corrupt, but acknowledged transactions are gone.
#[test]
fn sabotage_normal_loses_what_was_acknowledged() {
    let census = census(Mode::new(WAL_NORMAL), 0..60, 8);
    assert_eq!((census.corrupt, census.torn), (0, 0), "{census:?}");
    assert!(census.lost > 40, "{census:?}");
}

#[test]
fn sabotage_without_syncs_databases_break() {
    let census = census(Mode::new(WAL_OFF), 0..60, 8);
    assert!(census.corrupt > 10 && census.corrupt + census.lost + census.torn > 50, "{census:?}");
}

#[test]
fn sabotage_a_disk_that_lies_breaks_what_full_protects() {
    let disk = Config { sync: Sync::Lies, ..Config::default() };
    let census = census(Mode { disk, ..Mode::new(WAL_FULL) }, 0..60, 8);
    assert!(census.corrupt + census.lost + census.torn > 50, "{census:?}");
}

#[test]
fn the_same_seed_leads_the_same_life() {
    for seed in 0..10 {
        for mode in [WAL_FULL, WAL_NORMAL, WAL_OFF] {
            assert_eq!(lives(Mode::new(mode), seed, 4), lives(Mode::new(mode), seed, 4));
        }
    }
    let sizes = |seed| {
        let disk = Disk::new(Config { seed, ..Config::default() });
        disk.cut_after(90);
        let mut db = common::open(&disk, WAL_FULL).unwrap();
        let mut n = 0;
        while common::transact(&mut db, n + 1).is_ok() {
            n += 1;
        }
        let sizes: Vec<(String, usize)> =
            disk.image().files.into_iter().map(|(name, content)| (name, content.len())).collect();
        (n, sizes, disk.total())
    };
    assert_eq!(sizes(5), sizes(5));
}

/// One run, asked at each commit what many different cuts would leave.
#[test]
fn every_cut_at_every_commit_of_one_run() {
    let disk = Disk::new(Config { seed: 77, ..Config::default() });
    let mut db = common::open(&disk, WAL_FULL).unwrap();
    for n in 1..=30 {
        common::transact(&mut db, n).unwrap();
        for draw in 0..4 {
            let left = Disk::from_image(Config::default(), disk.after_cut(draw));
            let after = common::open(&left, WAL_FULL).unwrap();
            assert_eq!(common::found(&after), Ok(n), "draw {draw}");
        }
    }
    assert!(disk.is_on());
}
