//! `taa outage` as somebody uses it who has never seen it: what it prints, what it refuses, how it exits.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{taa, text};
use taa_dcu::{
    MeterIx,
    config::Tariff,
    ids::Stamp,
    journal::{Entry, Record},
    outage::{Ending, Ground, Member, OutageNote, Place},
};
use taa_store::{Place as Disk, Store, StoreConfig};

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("outage-{name}"));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A DCU's database: ticket 2 (two meters, an hour, restored), ticket 6 (a service, open), ticket 7 (a pole, open).
fn database(folder: &Path) -> (String, Store) {
    let path = folder.join("state.db").display().to_string();
    let (mut store, _) = Store::open(&Disk::File(path.clone()), StoreConfig::new([7; 16]), None).expect("a journal");
    let tariff: Tariff =
        serde_json::from_str(r#"{"currency":"TZS","energy_price_per_kwh_minor":90000}"#).expect("a tariff");
    let opened = |place, meters: &[u32]| OutageNote::Opened {
        place,
        confidence_pm: 900,
        ground: Ground::Gasps,
        members: meters.iter().map(|meter| Member { meter: MeterIx(*meter), event: 1, ago_ms: 2000 }).collect(),
    };
    let restored = |meter| OutageNote::Restored { ticket: 2, meter: MeterIx(meter), ago_ms: 0 };
    let notes = [
        opened(Place::Device("f1/L2".to_owned()), &[0, 1]),
        restored(0),
        restored(1),
        OutageNote::Closed { ticket: 2, how: Ending::Restored },
        opened(Place::Service(MeterIx(3)), &[3]),
        opened(Place::Span("line-9".to_owned()), &[4, 5, 6]),
    ];
    let entries = notes.into_iter().map(|note| Entry::Outage(Box::new(note)));
    for (number, entry) in (1..).zip(std::iter::once(Entry::Boot { tariff: Box::new(tariff) }).chain(entries)) {
        // An hour between the first ticket and what came after it.
        let unix_ms = 1_700_000_000_000 + if number > 2 { 3_600_000 } else { 0 };
        let stamp = Stamp { boot: 1, monotonic_ns: number, unix_ms: Some(unix_ms) };
        let record = Record { number, stamp, entry };
        store.append(number, &record, record.entry.urgency()).expect("taken");
    }
    store.commit(1).expect("written");
    (path, store)
}

#[test]
fn tickets_are_listed_and_one_is_cleared_once() {
    let (path, store) = database(&scratch("tickets"));
    drop(store);
    let list = || {
        let listed = taa(&["outage", "list", &path]);
        assert_eq!(listed.status.code(), Some(0), "{}", text(&listed.stderr));
        text(&listed.stdout)
    };
    let table = list();
    let row = |table: &str, number: &str| {
        let found = table.lines().find(|line| line.split_whitespace().next() == Some(number));
        found.unwrap_or_else(|| panic!("no ticket {number} in\n{table}")).to_owned()
    };
    let first = row(&table, "2");
    assert!(first.contains("f1/L2") && first.contains("2023-11-14") && first.ends_with("restored"), "{first}");
    assert!(row(&table, "6").contains("service of meter 3"), "{table}");
    assert!(row(&table, "7").contains("line-9 (all wires)") && row(&table, "7").ends_with("open"), "{table}");
    assert!(table.contains("2 longer than five minutes, 2 h together; 0 shorter"), "{table}");

    let clear = |ticket: &str| taa(&["outage", "clear", &path, "--ticket", ticket]);
    for (ticket, says) in [("2", "closed already (restored)"), ("99", "no such ticket"), ("3", "no such ticket")] {
        let refused = clear(ticket);
        assert_eq!(refused.status.code(), Some(2), "{ticket}");
        let said = text(&refused.stderr);
        assert!(said.contains(says) && said.contains("Open: 6, 7"), "{said}");
    }
    let cleared = clear("7");
    assert_eq!(cleared.status.code(), Some(0), "{}", text(&cleared.stderr));
    assert!(row(&list(), "7").ends_with("cleared"));
    let again = clear("7");
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("closed already (cleared)"), "{}", text(&again.stderr));
    for words in ["seven", "-1"] {
        assert_eq!(clear(words).status.code(), Some(2), "{words}");
    }
}

#[test]
fn a_dcu_that_runs_is_left_alone() {
    let (path, store) = database(&scratch("running"));
    for command in [&["outage", "clear", &path, "--ticket", "6"][..], &["outage", "list", &path]] {
        let ran = taa(command);
        let said = text(&ran.stderr);
        if command[1] == "clear" {
            assert_eq!(ran.status.code(), Some(2), "{said}");
            assert!(said.contains("Stop that DCU first"), "{said}");
        } else {
            assert_eq!(ran.status.code(), Some(0), "a copy is read: {said}");
        }
    }
    drop(store);
    let (_, mut recovery) = Store::open(&Disk::File(path), StoreConfig::new([7; 16]), None).expect("as it was");
    assert_eq!(recovery.take_records().count(), 7, "nothing was written");
}

#[test]
fn what_is_no_database_is_said_and_stays_as_it_is() {
    let folder = scratch("none");
    let notes = folder.join("notes.txt");
    fs::write(&notes, "milk, eggs").expect("written");
    let missing = folder.join("state.db");
    for (path, says) in [(&notes, "no database of a DCU"), (&missing, "No such file"), (&folder, "folder")] {
        let path = path.display().to_string();
        for command in [&["outage", "list", &path][..], &["outage", "clear", &path, "--ticket", "1"]] {
            let refused = taa(command);
            let said = text(&refused.stderr);
            assert_eq!(refused.status.code(), Some(2), "{command:?}: {said}");
            assert!(said.contains(says) && said.contains(&path), "{command:?}: {said}");
        }
    }
    assert_eq!(fs::read_to_string(&notes).expect("there"), "milk, eggs");
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "no database was begun");
}

#[test]
fn a_meter_is_tried_out_by_any_of_its_names() {
    let jija = "scenarios/villages/jija";
    let tried = taa(&["outage", "simulate", "--id", "1", jija]);
    // Building 1 is not connected.
    let said = text(&tried.stderr);
    assert_eq!(tried.status.code(), Some(2), "{said}");
    assert!(said.contains("--id 1") && said.contains("not connected"), "{said}");
    let unknown = taa(&["outage", "simulate", "--id", "nobody", jija]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("There are "), "{}", text(&unknown.stderr));
    let nowhere = taa(&["outage", "simulate", "--id", "customer-17", "scenarios/faults"]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(text(&nowhere.stderr).contains("scenario.toml"), "{}", text(&nowhere.stderr));
}
