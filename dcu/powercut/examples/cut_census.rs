//! What power cuts do to SQLite under which settings: `cargo run -p taa-powercut --example cut_census -- 2000`.
#![allow(clippy::disallowed_methods, reason = "a stopwatch")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::{
    Census, DELETE_EXTRA, DELETE_FULL, Mode, NO_PSOW, PLAIN, WAL_FULL, WAL_FULL_SHARED, WAL_NORMAL, WAL_OFF, lives,
    open_as, transact,
};
use taa_powercut::{Config, Disk, Order, Sync, Torn};

fn main() {
    let cuts: u32 = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(2000);
    let base = Config::default();
    let garbled = |torn| Config { torn, torn_per_mille: 300, ..base };
    let (sectors, pages) = (garbled(Torn::Garbage), garbled(Torn::GarbagePage));
    let in_order = Config { order: Order::AsWritten, ..base };
    let lies = Config { sync: Sync::Lies, ..base };
    println!("{:<46} {:>7} {:>8} {:>6} {:>6} {:>8}", "mode", "cuts", "corrupt", "lost", "torn", "µs a cut");
    for (title, pragmas, name, disk) in [
        ("WAL, FULL", WAL_FULL, PLAIN, base),
        ("WAL, FULL, psow=0", WAL_FULL, NO_PSOW, base),
        ("WAL, FULL, shared memory", WAL_FULL_SHARED, PLAIN, base),
        ("WAL, FULL, writes kept in order", WAL_FULL, PLAIN, in_order),
        ("WAL, FULL, sectors garbled", WAL_FULL, PLAIN, sectors),
        ("WAL, FULL, sectors garbled, psow=0", WAL_FULL, NO_PSOW, sectors),
        ("WAL, FULL, pages garbled", WAL_FULL, PLAIN, pages),
        ("WAL, FULL, pages garbled, psow=0", WAL_FULL, NO_PSOW, pages),
        ("WAL, NORMAL", WAL_NORMAL, PLAIN, base),
        ("WAL, OFF", WAL_OFF, PLAIN, base),
        ("WAL, FULL, lying fsync", WAL_FULL, PLAIN, lies),
        ("DELETE, FULL", DELETE_FULL, PLAIN, base),
        ("DELETE, EXTRA", DELETE_EXTRA, PLAIN, base),
    ] {
        let started = Instant::now();
        let mut census = Census::default();
        // A disk on which something went wrong is thrown away; the next seed is another disk.
        for seed in 0.. {
            if census.cuts >= cuts {
                break;
            }
            census += lives(Mode { pragmas, name, disk }, seed, (cuts - census.cuts).min(8));
        }
        let each = started.elapsed().as_micros() / u128::from(census.cuts.max(1));
        let Census { cuts, corrupt, lost, torn } = census;
        println!("{title:<46} {cuts:>7} {corrupt:>8} {lost:>6} {torn:>6} {each:>8}");
    }

    println!("\n{:<46} {:>12} {:>12} {:>8}", "a transaction, of 1000", "bytes", "flash bytes", "syncs");
    for (title, pragmas, name) in [
        ("WAL, FULL", WAL_FULL, PLAIN),
        ("WAL, FULL, psow=0", WAL_FULL, NO_PSOW),
        ("DELETE, EXTRA", DELETE_EXTRA, PLAIN),
    ] {
        let disk = Disk::new(base);
        let mut db = open_as(&disk, name, pragmas).expect("a new disk");
        let before = disk.total();
        for n in 1..=1000 {
            transact(&mut db, n).expect("no fault");
        }
        let total = disk.total();
        let each = |after: u64, before: u64| (after - before) as f64 / 1000.0;
        println!(
            "{title:<46} {:>12.0} {:>12.0} {:>8.2}",
            each(total.bytes_written, before.bytes_written),
            each(total.flash_bytes(), before.flash_bytes()),
            each(total.syncs, before.syncs),
        );
    }
}
