//! What power cuts do to SQLite under which settings: `cargo run -p taa-powercut --example cut_census -- 2000`.
#![allow(clippy::disallowed_methods, reason = "a stopwatch")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::{Census, DELETE_EXTRA, DELETE_FULL, Mode, WAL_FULL, WAL_FULL_SHARED, WAL_NORMAL, WAL_OFF, lives};
use taa_powercut::{Config, Order, Sync, Torn};

fn main() {
    let cuts: u32 = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(2000);
    let base = Config::default();
    let garbage = Config { torn: Torn::Garbage, torn_per_mille: 300, ..base };
    println!("{:<46} {:>7} {:>8} {:>6} {:>6} {:>8}", "mode", "cuts", "corrupt", "lost", "torn", "µs a cut");
    for (name, pragmas, disk) in [
        ("WAL, FULL", WAL_FULL, base),
        ("WAL, FULL, shared memory", WAL_FULL_SHARED, base),
        ("WAL, FULL, writes kept in order", WAL_FULL, Config { order: Order::AsWritten, ..base }),
        ("WAL, FULL, whole sectors garbled, psow=0", WAL_FULL, Config { claims_powersafe: false, ..garbage }),
        ("WAL, FULL, whole sectors garbled, psow=1", WAL_FULL, garbage),
        ("WAL, NORMAL", WAL_NORMAL, base),
        ("WAL, OFF", WAL_OFF, base),
        ("WAL, FULL, lying fsync", WAL_FULL, Config { sync: Sync::Lies, ..base }),
        ("DELETE, FULL", DELETE_FULL, base),
        ("DELETE, EXTRA", DELETE_EXTRA, base),
    ] {
        let started = Instant::now();
        let mut census = Census::default();
        // A disk on which something went wrong is thrown away; the next seed is another disk.
        for seed in 0.. {
            if census.cuts >= cuts {
                break;
            }
            census += lives(Mode { pragmas, disk }, seed, (cuts - census.cuts).min(8));
        }
        let each = started.elapsed().as_micros() / u128::from(census.cuts.max(1));
        let Census { cuts, corrupt, lost, torn } = census;
        println!("{name:<46} {cuts:>7} {corrupt:>8} {lost:>6} {torn:>6} {each:>8}");
    }
}
