//! A DCU's own database as evidence: its ledger is exported from a copy of the file alone, proves itself, and a damaged or
//! old copy says so.

mod common;

use std::{cell::RefCell, collections::BTreeMap, fs, path::PathBuf};

use common::{JOURNAL, METERS, config, empty_state, payment, record};
use taa_dcu::{MeterIx, journal::Entry, ledger::newest_note};
use taa_keys::Ed25519Private;
use taa_ledger::{
    export::lines,
    note::{Kind, Signer},
    report::{Entries, Format, StreamError, Streamed, export_stream},
};
use taa_store::{Place, Store, StoreConfig, StoreError};

const ORIGIN: &str = "site.example/ledger";

struct Leaves<'a>(&'a Store);

impl Entries for Leaves<'_> {
    type Error = StoreError;

    fn each(&self, from: u64, look: &mut dyn FnMut(u64, &[u8])) -> Result<(), StoreError> {
        self.0.each_leaf(from, look)
    }
}

fn signer() -> Signer {
    Signer::new(ORIGIN, Kind::Ed25519, Ed25519Private::from_seed(&[7; 32])).unwrap()
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("taa-evidence-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn place(folder: &std::path::Path) -> Place {
    Place::File(folder.join("state.db").to_str().unwrap().to_owned())
}

/// A site with so many payments; the ledger is signed before payment `signed`, with a snapshot of the state behind it.
fn site(folder: &std::path::Path, payments: u64, signed: Option<u64>, snapshot: bool) -> u64 {
    let (mut store, _) = Store::open(&place(folder), StoreConfig::new(JOURNAL), None).unwrap();
    let mut state = empty_state(METERS);
    let (mut leaf_next, mut number) = (0, 0);
    let mut put = |state: &mut taa_dcu::journal::State, entry: Entry| {
        number += 1;
        let record = record(number, entry);
        let mut leaves = Vec::new();
        state.apply_to(&record, &mut leaves);
        store.append(number, &record, record.entry.urgency()).unwrap();
        for leaf in leaves {
            store.append_leaf(number, leaf.index, &leaf.bytes).unwrap();
            leaf_next = leaf.index + 1;
        }
        store.commit(number).unwrap();
    };
    let tariff = Box::new(state.book().tariff().clone());
    put(&mut state, Entry::Boot { tariff });
    for n in 0..payments {
        if Some(n) == signed {
            let checkpoint = state.ledger().checkpoint(ORIGIN);
            let note = checkpoint.sign(&[&signer()], 0).unwrap();
            put(&mut state, Entry::LedgerSigned { size: checkpoint.size, root: checkpoint.root, note });
            if snapshot {
                let whole = Box::new(state.clone());
                put(&mut state, Entry::Checkpoint(whole));
            }
        }
        let meter = MeterIx(u32::try_from(n).unwrap() % METERS);
        put(&mut state, Entry::Payment { payment: payment(n, meter), local: false });
    }
    leaf_next
}

type Files = BTreeMap<String, String>;

fn export(folder: &std::path::Path, format: Format) -> Result<(Streamed, Files), StreamError<StoreError>> {
    let (store, mut recovery) = Store::open(&place(folder), StoreConfig::new(JOURNAL), None).unwrap();
    let records: Vec<_> = recovery.take_records().collect();
    let note = newest_note(&records);
    let files = RefCell::new(Files::new());
    let made = export_stream(&Leaves(&store), note.as_deref(), format, (0, None), |name, text| {
        *files.borrow_mut().entry(name.to_owned()).or_default() += text;
        Ok(())
    })?;
    Ok((made, files.into_inner()))
}

#[test]
fn a_database_alone_makes_an_export_that_proves_itself() {
    for snapshot in [false, true] {
        let folder = folder(&format!("whole-{snapshot}"));
        let held = site(&folder, 340, Some(300), snapshot);
        let (made, files) = export(&folder, Format::Lines).unwrap();
        assert_eq!(made.held, held);
        assert_eq!(made.end, made.signed.as_ref().unwrap().size);
        assert!(made.end < held, "what came after the promise is not in it");
        let (_, text) = files.iter().next().unwrap();
        let proven = lines::verify(text, &[signer().verifier().clone()]).unwrap();
        assert_eq!(proven.records.len() as u64, made.end);
        let paid = proven.records.iter().filter(|record| record.what == "payment.credited").count();
        assert_eq!(paid, 300);
        // The sabotage: one letter of one entry.
        let altered = text.replacen("RKT0000017", "RKT0000018", 1);
        assert!(lines::verify(&altered, &[signer().verifier().clone()]).is_err());
        let (_, table) = export(&folder, Format::Csv).unwrap();
        assert_eq!(table.values().next().unwrap().lines().count() as u64, made.end + 1);
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_damaged_entry_and_an_unsigned_log_are_named() {
    let folder = folder("damaged");
    site(&folder, 100, Some(60), false);
    // All of it into the database, so that there is one copy of every row.
    drop(Store::open(&place(&folder), config(), None).unwrap());
    let (file, log) = (folder.join("state.db"), folder.join("state.db-wal"));
    let mut changed = 0;
    for path in [file, log] {
        let Ok(mut bytes) = fs::read(&path) else { continue };
        // A row of leaves begins with its seal, kind and flags; what is changed is the name of a transaction in one.
        let word = b"RKT0000030\",\"details";
        for at in 0..bytes.len().saturating_sub(word.len()) {
            if &bytes[at..at + word.len()] == word {
                bytes[at + 9] = b'1';
                changed += 1;
            }
        }
        fs::write(&path, bytes).unwrap();
    }
    assert!(changed > 0);
    let refused = export(&folder, Format::Csv).unwrap_err();
    assert!(matches!(refused, StreamError::Missing(at) if at > 30), "{refused:?}");
    fs::remove_dir_all(&folder).unwrap();

    let folder = self::folder("unsigned");
    let held = site(&folder, 50, None, false);
    assert!(matches!(export(&folder, Format::Lines), Err(StreamError::Unsigned)));
    let (made, files) = export(&folder, Format::Csv).unwrap();
    assert_eq!((made.signed, made.end), (None, held));
    assert_eq!(files.values().next().unwrap().lines().count() as u64, held + 1);
    fs::remove_dir_all(&folder).unwrap();
}
