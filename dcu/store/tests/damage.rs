//! Flipped bits anywhere in the file or its log: found, contained, told; never a panic, never silently wrong.

mod common;

use common::{config, filled, mix, place, witness};
use taa_dcu::journal::Record;
use taa_powercut::{Config, Disk, Image};
use taa_store::{Damage, Held, Mode, RolledBack, Sabotage, Store, StoreConfig, StoreError};

/// A journal with snapshots, pruned blocks, leaves, a log that is in use.
///
/// Records that the last commit alone wrote are left out of what is expected: rot in it looks like a cut in it.
fn journal(records: u64) -> (Image, Vec<Record>) {
    let disk = Disk::new(Config::default());
    let (mut store, mut reference) = filled(&disk, &config(), records);
    let number = reference.journal.len() as u64 + 1;
    let last = common::record(number, common::entry(number, 0));
    store.append(reference.now_ms, &last, common::urgent()).unwrap();
    store.commit(reference.now_ms).unwrap();
    reference.journal.push(last);
    drop(store);
    (disk.image(), reference.journal)
}

/// A journal whose log is in the database to the last commit, without the log: SQLite reads nothing but the database.
fn settled(records: u64) -> (Image, Vec<Record>) {
    let mut config = config();
    config.log_pages_max = 1;
    let disk = Disk::new(Config::default());
    let (mut store, mut reference) = filled(&disk, &config, records);
    let number = reference.journal.len() as u64 + 1;
    let last = common::record(number, common::entry(number, 0));
    store.append(reference.now_ms, &last, common::urgent()).unwrap();
    store.commit(reference.now_ms).unwrap();
    reference.journal.push(last);
    drop(store);
    let mut image = disk.image();
    image.files.remove("state.db-wal");
    (image, reference.journal)
}

/// Opens a damaged image: the records found, what is told.
fn look(image: Image, config: StoreConfig) -> Result<(Vec<Record>, Vec<Damage>, bool, Mode), StoreError> {
    let before = image.clone();
    let disk = Disk::from_image(Config::default(), image);
    let (_store, mut recovery) = Store::open(&place(&disk), config, None)?;
    if recovery.set_aside.is_some() {
        assert_eq!(disk.image().files.get("state.db"), before.files.get("state.db"), "the damaged file stays as it is");
    }
    let told = !recovery.is_whole();
    Ok((recovery.take_records().collect(), recovery.lost.clone(), told, recovery.mode))
}

/// What is there is what was appended, and what is not there is named.
fn is_honest(found: &[Record], lost: &[Damage], told: bool, journal: &[Record]) -> Result<(), String> {
    let mut expected = found.first().map_or(1, |record| record.number);
    for record in found {
        let original = usize::try_from(record.number).ok().and_then(|n| journal.get(n - 1));
        if original != Some(record) {
            return Err(format!("record {} is not what was appended", record.number));
        }
        for number in expected..record.number {
            if !lost.iter().any(|l| l.from <= number && l.to.is_none_or(|to| number <= to)) {
                return Err(format!("record {number} is missing and nobody says so"));
            }
        }
        expected = record.number + 1;
    }
    if expected < journal.len() as u64 && !told {
        return Err(format!("the end from {expected} on is missing and nobody says so"));
    }
    Ok(())
}

#[test]
fn bits_flipped_anywhere_are_found_and_told() {
    let (image, journal) = journal(400);
    let mut told_of = 0;
    let mut salvaged = 0;
    let mut flips = 0;
    for (name, content) in &image.files {
        let pages = content.len().div_ceil(512);
        for page in 0..pages {
            for draw in 0..3_u64 {
                let word = mix(draw ^ ((page as u64) << 8) ^ ((name.len() as u64) << 40));
                let at = (page * 512 + usize::try_from(word % 512).unwrap()).min(content.len() - 1);
                let mut damaged = image.clone();
                damaged.files.get_mut(name).unwrap()[at] ^= 1 << (word >> 32 & 7);
                flips += 1;
                let (found, lost, told, _) = look(damaged, config()).unwrap_or_else(|e| panic!("{name} {at}: {e}"));
                if let Err(why) = is_honest(&found, &lost, told, &journal) {
                    panic!("{name}, byte {at} of {}: {why}; told: {lost:?}", content.len());
                }
                told_of += u32::from(told);
                salvaged += u32::from(found.last().is_some_and(|record| record.number + 1 >= journal.len() as u64));
            }
        }
    }
    assert!(flips > 300 && told_of > flips / 20, "{told_of} of {flips} told");
    assert!(salvaged > flips / 2, "{salvaged} of {flips} kept the tail to its end");
}

#[test]
fn whole_pages_lost_anywhere_are_found_and_told() {
    let (image, journal) = journal(400);
    for (name, content) in &image.files {
        for page in 0..content.len().div_ceil(4096) {
            for byte in [0_u8, 0xFF] {
                let mut damaged = image.clone();
                let file = damaged.files.get_mut(name).unwrap();
                let end = file.len().min(page * 4096 + 4096);
                file[page * 4096..end].fill(byte);
                let (found, lost, told, _) = look(damaged, config()).unwrap_or_else(|e| panic!("{name} {page}: {e}"));
                if let Err(why) = is_honest(&found, &lost, told, &journal) {
                    panic!("{name}, page {page}: {why}; told: {lost:?}");
                }
            }
        }
    }
}

/// Flips a bit in every leaf that the file shows, and asks for all leaves; how many answers were wrong.
fn wrong_leaves(config: &StoreConfig) -> (usize, usize) {
    let (image, _) = settled(400);
    let name = b"payment.credited";
    let content = &image.files["state.db"];
    let (mut tried, mut wrong) = (0, 0);
    for at in (0..content.len() - name.len()).filter(|&at| content[at..].starts_with(name)) {
        let mut damaged = image.clone();
        damaged.files.get_mut("state.db").unwrap()[at] ^= 2;
        let disk = Disk::from_image(Config::default(), damaged);
        let (store, _) = Store::open(&place(&disk), config.clone(), None).unwrap();
        let leaves = store.leaves(0, u64::MAX).unwrap();
        wrong += usize::from(leaves.iter().zip(0..).any(|(leaf, index)| *leaf != common::leaf_bytes(index)));
        tried += 1;
    }
    (tried, wrong)
}

#[test]
fn a_ledger_entry_is_as_it_was_written_or_it_is_not_there() {
    let (tried, wrong) = wrong_leaves(&config());
    assert!(tried > 10 && wrong == 0, "{wrong} of {tried}");
}

#[test]
fn sabotage_rows_believed_without_their_seal_are_noticed() {
    assert!(wrong_leaves(&config().sabotaged(Sabotage::BlindSeals)).1 > 0);
}

#[test]
fn a_file_that_is_no_database_any_more_is_set_aside_and_its_rows_are_found() {
    let (mut image, journal) = journal(300);
    image.files.get_mut("state.db").unwrap()[..100].fill(0x55);
    let disk = Disk::from_image(Config::default(), image.clone());
    let (mut store, mut recovery) = Store::open(&place(&disk), config(), None).unwrap();
    assert_eq!(recovery.set_aside.as_deref(), Some("state.db"));
    assert_eq!(recovery.journal, common::JOURNAL);
    assert_eq!(recovery.mode, Mode::Safe, "nobody can say how far the journal went");
    let open_end = |l: &Damage| l.to.is_none() && l.held == Held::Firm;
    assert!(recovery.lost.iter().any(open_end));
    let found: Vec<Record> = recovery.take_records().collect();
    assert_eq!(found.last(), journal.last(), "all of it is there all the same");
    assert_eq!(disk.image().files["state.db"], image.files["state.db"]);
    // It goes on in the new file, also after a restart; the operator's word ends the doubt.
    let next = common::record(recovery.last_record + 1, common::entry(7, 7));
    store.append(0, &next, common::urgent()).unwrap();
    store.commit(0).unwrap();
    assert_eq!(store.mode(), Ok(Mode::Safe));
    drop(store);
    let (mut store, recovery) = Store::open(&place(&disk), config(), None).unwrap();
    assert_eq!((recovery.last_record, recovery.mode), (next.number, Mode::Safe));
    assert!(recovery.set_aside.is_none() && recovery.lost.is_empty() && recovery.lost_before.len() == 1);
    store.accept_damage().unwrap();
    drop(store);
    assert_eq!(Store::open(&place(&disk), config(), None).unwrap().1.mode, Mode::Normal);
}

/// Finds the row of the newest block that holds readings alone (or not), and breaks its seal.
///
/// SQLite leaves old copies of rows about; only where somebody misses it the right one was hit.
fn break_block(image: &Image, soft: bool, config: &StoreConfig) -> Option<Image> {
    let content = &image.files["state.db"];
    // A sealed block begins with 0xA1, 2, flags: bit 3 says that all its records may wait.
    (0..content.len() - 40).rev().find_map(|at| {
        let is_block = content[at] == 0xA1 && content[at + 1] == 2 && content[at + 2] < 16;
        let mut damaged = image.clone();
        damaged.files.get_mut("state.db").unwrap()[at + 12] ^= 1;
        let is_wanted = is_block && (content[at + 2] & 8 != 0) == soft;
        let is_missed = || look(damaged.clone(), config.clone()).is_ok_and(|(_, lost, ..)| !lost.is_empty());
        (is_wanted && is_missed()).then(|| damaged.clone())
    })
}

#[test]
fn a_block_of_readings_is_a_gap_and_one_with_more_means_safe_mode() {
    let disk = Disk::new(Config::default());
    let mut config = config();
    config.snapshot_records = 1 << 40;
    config.log_pages_max = 1;
    let (mut store, mut reference) = filled(&disk, &config, 40);
    for n in 0..6_u64 {
        // A block of readings, then one with a payment.
        for m in 0..3 {
            let number = reference.journal.len() as u64 + 1;
            let reading = taa_dcu::journal::Entry::Reading(common::reading(taa_dcu::MeterIx(m), 900 + n as u32, 5));
            let record = common::record(number, reading);
            store.append(0, &record, record.entry.urgency()).unwrap();
            reference.journal.push(record);
        }
        store.commit(0).unwrap();
        let number = reference.journal.len() as u64 + 1;
        let payment = common::payment(number, taa_dcu::MeterIx(1));
        let record = common::record(number, taa_dcu::journal::Entry::Payment { payment, local: false });
        store.append(0, &record, record.entry.urgency()).unwrap();
        reference.journal.push(record);
        store.commit(0).unwrap();
    }
    drop(store);
    // All of the log is in the database by now; without it, SQLite reads nothing else.
    let mut image = disk.image();
    image.files.remove("state.db-wal");
    for (soft, held, mode) in [(true, Held::Readings, Mode::Normal), (false, Held::Firm, Mode::Safe)] {
        let damaged = break_block(&image, soft, &config).expect("there is such a block");
        let (found, lost, told, found_mode) = look(damaged, config.clone()).unwrap();
        is_honest(&found, &lost, told, &reference.journal).unwrap();
        assert_eq!((lost.len(), lost[0].held, found_mode), (1, held, mode), "{lost:?}");
        assert!(found.len() >= reference.journal.len() - 40 && found.last() == reference.journal.last());
    }
}

#[test]
fn a_snapshot_that_is_broken_is_replaced_by_the_one_before_and_the_records_after_it() {
    let (image, journal) = settled(400);
    let content = &image.files["state.db"];
    let mut images = Vec::new();
    for at in 0..content.len() - 300 {
        if content[at] == 0xA1 && content[at + 1] == 3 && content[at + 2] == 0 {
            let mut damaged = image.clone();
            damaged.files.get_mut("state.db").unwrap()[at + 200] ^= 0x10;
            images.push(damaged);
        }
    }
    assert!(images.len() >= 2);
    let mut replaced = 0;
    for damaged in images {
        let (found, lost, told, _) = look(damaged, config()).unwrap();
        is_honest(&found, &lost, told, &journal).unwrap();
        assert_eq!(found.last(), journal.last(), "nothing is lost: {lost:?}");
        replaced += u32::from(lost.iter().any(|l| l.held == Held::Snapshot));
        assert_eq!(common::fold(found), common::fold(journal.iter().cloned()));
    }
    assert!(replaced >= 1);
}

#[test]
fn a_journal_put_back_to_an_earlier_state_is_told_by_a_witness() {
    let disk = Disk::new(Config::default());
    let (store, reference) = filled(&disk, &config(), 100);
    drop(store);
    let earlier = disk.image();
    let known = reference.journal.len() as u64;
    let open = |disk: &Disk, last| Store::open(&place(disk), config(), Some(witness(last))).unwrap().1;
    assert_eq!(open(&disk, known).mode, Mode::Normal);
    let back = Disk::from_image(Config::default(), earlier);
    let recovery = open(&back, known + 20);
    assert_eq!(recovery.rolled_back, [RolledBack::Records { witnessed: known + 20, found: known }]);
    assert_eq!(recovery.mode, Mode::Safe);
    // An empty disk in place of the old one.
    let mut other = config();
    other.journal = [7; 16];
    let recovery = Store::open(&place(&Disk::new(Config::default())), other, Some(witness(5))).unwrap().1;
    assert_eq!(recovery.rolled_back, [RolledBack::OtherJournal { witnessed: common::JOURNAL }]);
}

/// A disk that lies about its syncs cannot be told from an honest one, but by somebody who remembers.
#[test]
fn lying_syncs_show_against_a_witness_alone() {
    let mut unnoticed = 0;
    let mut told = 0;
    for seed in 0..40 {
        let disk = Disk::new(Config { seed, sync: taa_powercut::Sync::Lies, ..Config::default() });
        let (store, reference) = filled(&disk, &config(), 60);
        disk.cut();
        drop(store);
        disk.power_on();
        let promised = reference.promised;
        let (store, recovery) = Store::open(&place(&disk), config(), None).unwrap();
        if recovery.last_record < promised && recovery.is_whole() {
            unnoticed += 1;
        }
        drop(store);
        let (_store, recovery) = Store::open(&place(&disk), config(), Some(witness(promised))).unwrap();
        told += u32::from(recovery.last_record < promised && !recovery.rolled_back.is_empty());
        assert!(recovery.last_record >= promised || !recovery.rolled_back.is_empty());
    }
    assert!(told > 0 && unnoticed > 0, "{told} told, {unnoticed} would have gone unnoticed");
}

#[test]
fn somebody_elses_database_is_left_alone() {
    let disk = Disk::new(Config::default());
    let db = disk.open("state.db").unwrap();
    db.execute_batch("create table photos (id integer primary key, bytes blob)").unwrap();
    drop(db);
    let before = disk.image();
    assert_eq!(Store::open(&place(&disk), config(), None).err(), Some(StoreError::Foreign));
    assert_eq!(disk.image().files["state.db"], before.files["state.db"]);
}
