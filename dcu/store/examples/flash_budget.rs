//! What a month of 500 meters costs the flash: `cargo run -p taa-store --example flash_budget`. Counts, not seconds: the
//! same on every machine. Ends with 1 when the bar is missed.
//!
//! ```text
//!   readings, urgent records, ledger ──▶ Store on a disk that counts ──▶ bytes written, bytes of flash programmed
//!   the same readings, one row a commit ─▶ SQLite as most would use it ──▶ the same counts
//! ```

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/month.rs"]
mod month;

use std::process::ExitCode;

use month::{Load, baseline, config, live};
use taa_powercut::{Config, Counters, Disk};

const METERS: u32 = 500;
const DAYS: u32 = 30;
const BASELINE_DAYS: u32 = 2;
/// Readings against one row a commit, flash and bytes.
const BAR: f64 = 50.0;

fn a_day(bytes: u64, days: u32) -> f64 {
    bytes as f64 / f64::from(days)
}

fn line(title: &str, total: &Counters, days: u32, packed: u64) {
    let times = if packed == 0 { String::new() } else { format!("{:.1}", total.flash_bytes() as f64 / packed as f64) };
    let kib = |bytes: u64| a_day(bytes, days) / 1024.0;
    println!(
        "{title:<44} {:>12.1} {:>12.1} {:>9.0} {times:>8}",
        kib(total.bytes_written),
        kib(total.flash_bytes()),
        total.syncs as f64 / f64::from(days),
    );
}

fn main() -> ExitCode {
    println!("{METERS} meters, {DAYS} days; KiB a day");
    println!("{:<44} {:>12} {:>12} {:>9} {:>8}", "", "written", "flash", "syncs", "× packed");
    let mut found = Vec::new();
    for (title, readings, urgent, ledger) in [
        ("readings alone", true, false, false),
        ("urgent records alone", false, true, false),
        ("urgent records and the ledger", false, true, true),
        ("everything", true, true, true),
    ] {
        let disk = Disk::new(Config::default());
        let load = Load { meters: METERS, days: DAYS, readings, urgent, ledger };
        let stats = live(&disk, &load, config()).store.stats();
        line(title, &disk.total(), DAYS, stats.block_bytes + stats.leaf_bytes);
        found.push((disk.total(), stats, disk.image().files.values().map(Vec::len).sum::<usize>()));
    }
    let (of_readings, stats, file) = &found[0];
    let load = Load { meters: METERS, days: BASELINE_DAYS, readings: true, urgent: false, ledger: false };
    let (mut worst_flash, mut worst_bytes) = (f64::MAX, f64::MAX);
    for (title, name) in [("one row a commit", "state.db"), ("one row a commit, psow=0", "file:state.db?psow=0")] {
        let total = baseline(name, &load);
        line(title, &total, BASELINE_DAYS, 0);
        let flash = a_day(total.flash_bytes(), BASELINE_DAYS) / a_day(of_readings.flash_bytes(), DAYS);
        let bytes = a_day(total.bytes_written, BASELINE_DAYS) / a_day(of_readings.bytes_written, DAYS);
        println!("    {flash:.0} times the flash of the store's readings, {bytes:.0} times the bytes");
        (worst_flash, worst_bytes) = (worst_flash.min(flash), worst_bytes.min(bytes));
    }
    let readings = f64::from(METERS) * f64::from(DAYS) * 24.0;
    println!("\nreadings: {:.2} bytes packed each, {} commits", stats.block_bytes as f64 / readings, stats.commits);
    let (total, stats, _) = &found[2];
    let (each, packed) = (stats.commits as f64, stats.block_bytes + stats.leaf_bytes);
    println!(
        "urgent with the ledger: {} commits, {:.1} KiB of flash each for {:.0} bytes; ledger {:.1} KiB a day",
        stats.commits,
        total.flash_bytes() as f64 / each / 1024.0,
        packed as f64 / each,
        a_day(stats.leaf_bytes, DAYS) / 1024.0,
    );
    let (total, stats, all) = &found[3];
    println!(
        "everything: {stats:?}\nfile and log after a month: {:.1} MiB (readings alone {:.1})",
        *all as f64 / 1_048_576.0,
        *file as f64 / 1_048_576.0
    );
    let everything = a_day(total.flash_bytes(), DAYS) / 1024.0;
    let per_urgent = found[2].0.flash_bytes() as f64 / each / 1024.0;
    // For `cargo xtask bench store`: figure by figure.
    println!("figure readings_flash_times {worst_flash:.1}\nfigure readings_bytes_times {worst_bytes:.1}");
    println!("figure everything_flash_kib_a_day {everything:.1}\nfigure urgent_commit_flash_kib {per_urgent:.2}");
    let met = worst_flash >= BAR && worst_bytes >= BAR;
    println!("bar: at least {BAR} times fewer: {}", if met { "met" } else { "MISSED" });
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
