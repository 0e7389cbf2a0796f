//! `taa audit export` of a DCU's own database, as somebody does it who has brought the file in from the pole.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use taa_dcu::{
    config::{DcuConfig, MeterAccess, MeterEntry, Tariff, Traits},
    ids::Stamp,
    journal::{Entry, Record, State},
    payment::{Certainty, Channel, Payment, Provider},
};
use taa_store::{Place, Store, StoreConfig};

fn taa(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_taa")).args(arguments).output().expect("taa starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A database with this many payments, and how many entries its ledger has.
fn database(folder: &Path, payments: u32) -> (PathBuf, u64) {
    let path = folder.join("state.db");
    let place = Place::File(path.display().to_string());
    let (mut store, _) = Store::open(&place, StoreConfig::new(*b"journal of tests"), None).expect("a new journal");
    let tariff: Tariff =
        serde_json::from_str(r#"{"currency":"TZS","energy_price_per_kwh_minor":90000}"#).expect("a tariff");
    let config = DcuConfig::new(Traits::bundle("edge_local").expect("a bundle"), tariff.clone());
    let meter = MeterEntry {
        id: "M1".to_owned(),
        account: "0001".to_owned(),
        access: MeterAccess::Open,
        opening_balance_minor: 0,
        sts: None,
    };
    let mut state = State::new(&config, &[meter]);
    let mut held = 0;
    let paid = |n: u32| Payment {
        provider: Provider::Daraja,
        key: format!("RKT{n:07}"),
        account: "0001".to_owned(),
        amount_minor: 1_000,
        currency: None,
        channel: Channel::Phone,
        accepted_unix_ms: 1_700_000_000_000,
        certainty: Certainty::Final,
        receipt: None,
    };
    let boot = Entry::Boot { tariff: Box::new(tariff) };
    let entries = (0..payments).map(|n| Entry::Payment { payment: paid(n), local: false });
    for (number, entry) in (1..).zip(std::iter::once(boot).chain(entries)) {
        let stamp = Stamp { boot: 1, monotonic_ns: number, unix_ms: Some(1_700_000_000_000) };
        let record = Record { number, stamp, entry };
        let mut leaves = Vec::new();
        state.apply_to(&record, &mut leaves);
        store.append(number, &record, record.entry.urgency()).expect("taken");
        for leaf in leaves {
            store.append_leaf(number, leaf.index, &leaf.bytes).expect("taken");
            held = leaf.index + 1;
        }
    }
    store.commit(1).expect("written");
    (path, held)
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn a_database_from_the_pole_is_exported_and_stays_as_it_is() {
    let folder = scratch("pole");
    let (path, held) = database(&folder, 40);
    let bytes = || std::fs::read(&path).expect("there");
    let before = bytes();
    let (said, out) = (path.display().to_string(), folder.join("out"));
    let made = taa(&["audit", "export", &said, "--out", &out.display().to_string(), "--format", "csv"]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    assert!(text(&made.stderr).contains("signed"), "nobody has signed it, and that is said: {}", text(&made.stderr));
    assert_eq!(bytes(), before);
    let table = std::fs::read_dir(&out).expect("a folder").next().expect("a table").expect("readable").path();
    let rows = std::fs::read_to_string(table).expect("text").lines().count() as u64;
    assert_eq!(rows, held + 1, "one line an entry, and the names of the columns");
}

#[test]
fn a_damaged_database_and_no_database_are_told_apart() {
    let folder = scratch("pole-damaged");
    let (path, _) = database(&folder, 40);
    let said = path.display().to_string();
    let out = folder.join("out").display().to_string();
    let mut bytes = std::fs::read(&path).expect("there");
    let log = std::fs::read(format!("{said}-wal")).unwrap_or_default();
    assert!(bytes.len() + log.len() > 8192);
    // The first page is SQLite's own; without it the rows alone are left.
    bytes[16..].fill(0x55);
    std::fs::write(&path, &bytes).expect("written");
    let damaged = taa(&["audit", "export", &said, "--out", &out]);
    assert!(text(&damaged.stderr).contains("damaged"), "{}", text(&damaged.stderr));
    std::fs::write(&path, "no database").expect("written");
    let none = taa(&["audit", "export", &said, "--out", &out]);
    assert_eq!(none.status.code(), Some(2), "{}", text(&none.stderr));
    assert!(text(&none.stderr).contains("state.db"), "{}", text(&none.stderr));
}
