//! The ledger of a simulated site: sound as a regulator checks it, and its sums are those of the money that people paid.

mod common;

use std::{collections::BTreeMap, convert::Infallible};

use common::{bundle, simulate, village};
use taa_keys::Ed25519Private;
use taa_ledger::{
    Log,
    note::{Kind, Signer},
    report::{self, Period, Report},
    tile::Resource,
};
use taa_sim::result::ArchResult;

/// The report over the entries that a run has kept.
fn report(entries: &[Vec<u8>]) -> Report {
    let signer =
        Signer::new("test.invalid/ledger", Kind::Ed25519, Ed25519Private::from_seed(&[1; 32])).expect("a name");
    let mut log = Log::new("test.invalid/ledger");
    for entry in entries {
        log.append(entry).expect("short enough");
    }
    let files: BTreeMap<String, Vec<u8>> = log
        .publish(&[&signer], 0)
        .expect("signs")
        .into_iter()
        .map(|(place, bytes)| (place.to_string(), bytes))
        .collect();
    let known = [signer.verifier().clone()];
    let read = |place: Resource| Ok::<_, Infallible>(files.get(&place.to_string()).cloned());
    report::verify(&files["checkpoint"], &known, &[], Period::default(), read).expect("a checkpoint")
}

fn sum(report: &Report, kinds: &[&str]) -> i128 {
    report.summary.sums().filter(|(what, ..)| kinds.contains(what)).map(|(_, _, sum)| sum.minor).sum()
}

fn run(name: &str) -> ArchResult {
    let mut scenario = village(24, 6, 11);
    scenario.run.architectures = vec![bundle(name)];
    scenario.run.ledger = true;
    simulate(&scenario).architectures.remove(0)
}

#[test]
fn what_people_paid_is_what_the_ledger_says_was_credited() {
    let arch = run("edge_local");
    let report = report(&arch.records.ledger);
    assert!(report.is_sound(), "{report}");
    let received = sum(&report, &["payment.credited", "payment.suspended"]);
    assert_eq!(received, i128::from(arch.records.books.vendor_minor));
    assert!(received > 0, "somebody has paid");
    assert!(sum(&report, &["statement.day"]) < 0, "and used it");
}

#[test]
fn sabotage_an_entry_that_is_left_out_is_noticed() {
    let arch = run("edge_local");
    let mut entries = arch.records.ledger;
    let at = entries.iter().position(|entry| entry.windows(16).any(|w| w == b"payment.credited")).expect("a payment");
    entries.remove(at);
    assert!(!report(&entries).is_sound());
}

#[test]
fn a_ledger_is_kept_only_where_it_is_asked_for() {
    let mut scenario = village(6, 2, 11);
    scenario.run.architectures = vec![bundle("edge_local")];
    assert!(simulate(&scenario).architectures[0].records.ledger.is_empty());
}
