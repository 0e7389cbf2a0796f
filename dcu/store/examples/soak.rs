//! Power cuts without end: `cargo run -p taa-store --example soak -- 10000`. Ends with 1 at the first fault.
#![allow(clippy::disallowed_methods, reason = "a stopwatch")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::process::ExitCode;
use std::time::Instant;

use common::{Plan, census};
use taa_powercut::{Config, Order, Torn};

fn main() -> ExitCode {
    let cuts: u32 = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(10_000);
    let garbled = |torn| Config { torn, torn_per_mille: 300, ..Config::default() };
    println!("{:<34} {:>7} {:>8} {:>6} {:>8} {:>8}", "disk", "cuts", "corrupt", "lost", "differs", "ms a cut");
    let mut faults = 0;
    for (title, disk, share) in [
        ("sectors kept, dropped or torn", Config::default(), 10),
        ("torn pages of 4 KiB garbled", garbled(Torn::GarbagePage), 4),
        ("torn sectors garbled", garbled(Torn::Garbage), 3),
        ("writes kept in their order", Config { order: Order::AsWritten, ..Config::default() }, 3),
    ] {
        let started = Instant::now();
        let mut next = 1000;
        let found = census(&Plan { disk, ..Plan::new() }, cuts / 10 * share, |census| {
            if census.cuts >= next {
                eprintln!("{title}: {} cuts", census.cuts);
                next += 1000;
            }
        });
        let each = started.elapsed().as_secs_f64() * 1000.0 / f64::from(found.cuts.max(1));
        let common::Census { cuts, corrupt, lost, differs } = found;
        println!("{title:<34} {cuts:>7} {corrupt:>8} {lost:>6} {differs:>8} {each:>8.2}");
        faults += found.faults();
    }
    if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
