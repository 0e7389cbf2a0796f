//! How fast the ledger is: `cargo run --release -p taa-ledger --example ledger_pace`.
#![allow(clippy::disallowed_methods, reason = "a stopwatch")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use taa_keys::Ed25519Private;
use taa_ledger::note::{Kind, Signer};
use taa_ledger::tile::{Resource, Tiles};
use taa_ledger::{Audit, Hash, Log, Money, Record, Stamp, prove, verify_consistency, verify_inclusion};

const ENTRIES: u64 = 1_000_000;
const PROOFS: u64 = 50_000;

fn main() {
    let signer = Signer::new("pace.example/log", Kind::Ed25519, Ed25519Private::from_seed(&[1; 32])).expect("a name");
    let entries: Vec<Vec<u8>> = (0..ENTRIES).map(|index| record(index).to_bytes().expect("a record")).collect();
    let bytes: usize = entries.iter().map(Vec::len).sum();
    println!("{ENTRIES} records of {} bytes on average", bytes / entries.len());

    let mut log = Log::new("pace.example/log");
    let mut files: BTreeMap<Resource, Vec<u8>> = BTreeMap::new();
    pace("append", ENTRIES, || {
        for entry in &entries {
            log.append(entry).expect("short enough");
            files.extend(log.take_full());
        }
    });
    files.extend(log.publish(&[&signer], 0).expect("a key"));
    let written: usize = files.values().map(Vec::len).sum();
    println!("{} files, {:.1} bytes beside each record", files.len(), (written - bytes) as f64 / ENTRIES as f64);

    let mut tiles = Tiles::default();
    for (place, content) in &files {
        if let Resource::Tile(tile) = place {
            tiles.insert(*tile, content);
        }
    }
    let root = log.root();
    let at = |turn: u64| turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) % ENTRIES;
    let mut proofs = Vec::new();
    pace("inclusion proof from tiles", PROOFS, || {
        proofs.extend((0..PROOFS).map(|turn| prove::inclusion(&tiles, at(turn), ENTRIES).expect("all tiles")));
    });
    let leaves: Vec<Hash> = (0..PROOFS).map(|turn| Hash::of_leaf(&entries[at(turn) as usize])).collect();
    pace("inclusion proof checked", PROOFS, || {
        for (turn, (leaf, proof)) in (0..).zip(leaves.iter().zip(&proofs)) {
            verify_inclusion(leaf, at(turn), ENTRIES, proof, &root).expect("holds");
        }
    });
    pace("consistency proof from tiles", PROOFS, || {
        for turn in 0..PROOFS {
            black_box(prove::consistency(&tiles, at(turn), ENTRIES).expect("all tiles"));
        }
    });
    let (older, proof) = (at(7), prove::consistency(&tiles, at(7), ENTRIES).expect("all tiles"));
    let before = prove::root(&tiles, older).expect("all tiles");
    pace("consistency proof checked", PROOFS, || {
        for _ in 0..PROOFS {
            verify_consistency(black_box(older), &before, ENTRIES, &root, &proof).expect("holds");
        }
    });
    pace("checkpoint signed", 10_000, || {
        for _ in 0..10_000 {
            black_box(log.checkpoint().sign(&[&signer], 0).expect("a key"));
        }
    });
    pace("entry audited", ENTRIES, || {
        let known = [signer.verifier().clone()];
        let mut audit = Audit::new(&files[&Resource::Checkpoint], &known, &[]).expect("a checkpoint");
        while let Some(place) = audit.wanted() {
            audit.handle_file(files.get(&place).map(Vec::as_slice));
        }
        let verdict = audit.verdict();
        assert!(verdict.is_sound(), "{verdict}");
    });
}

fn record(index: u64) -> Record {
    Record {
        v: 1,
        at: Stamp { boot: 3, uptime_ms: index * 1000, wall_ms: Some(1_763_740_800_000) },
        what: "payment.credited".into(),
        rule: "tariff/jija-2026a#energy".into(),
        account: Some(format!("A-{}", index % 500)),
        meter: None,
        amount: Some(Money { minor: 500, digits: 0, currency: "XOF".into() }),
        energy_wh: Some(2500),
        reference: Some(format!("QKJ{index:07}")),
        details: BTreeMap::new(),
    }
}

fn pace(what: &str, count: u64, run: impl FnOnce()) {
    let started = Instant::now();
    run();
    let taken = started.elapsed().as_secs_f64();
    println!("{what:<30} {:>12.0} /s {:>9.2} µs each", count as f64 / taken, taken * 1e6 / count as f64);
}
