//! How many bytes the disk is given: counts, the same on every machine. The figures of a month are in docs/store.md.

mod common;
#[path = "common/month.rs"]
mod month;

use month::{Load, baseline, config, live};
use taa_powercut::{Config, Counters, Disk};
use taa_store::{Stats, StoreConfig};

const SMALL: Load = Load { meters: 500, days: 2, readings: true, urgent: false, ledger: false };

fn lived(load: &Load, config: StoreConfig) -> (Counters, Stats) {
    let disk = Disk::new(Config::default());
    let stats = live(&disk, load, config).store.stats();
    (disk.total(), stats)
}

/// How many times fewer bytes and less flash the store needs for readings than one row a commit.
fn times(config: StoreConfig) -> (u64, u64) {
    let one_by_one = baseline("state.db", &Load { days: 1, ..SMALL });
    let (total, _) = lived(&SMALL, config);
    let days = u64::from(SMALL.days);
    (one_by_one.bytes_written * days / total.bytes_written, one_by_one.flash_bytes() * days / total.flash_bytes())
}

#[test]
fn readings_cost_fifty_times_fewer_bytes_than_one_row_a_commit() {
    let (bytes, flash) = times(config());
    println!("{bytes} times fewer bytes, {flash} times less flash");
    assert!(bytes >= 50 && flash >= 50, "{bytes} {flash}");
}

#[test]
fn sabotage_without_the_hold_in_ram_the_bar_is_missed() {
    let mut hasty = config();
    hasty.hold_ms = 0;
    let (bytes, flash) = times(hasty);
    assert!(bytes < 50 && flash < 50, "{bytes} {flash}");
}

#[test]
fn an_urgent_commit_costs_three_pages_with_its_ledger_entries() {
    let load = Load { readings: false, urgent: true, ledger: true, ..SMALL };
    let (total, stats) = lived(&load, config());
    let each = total.flash_bytes() / stats.commits;
    println!("{} commits, {each} bytes of flash each", stats.commits);
    assert!(stats.leaf_bytes > 0 && stats.commits_urgent * 10 > stats.commits * 9, "{stats:?}");
    assert!(each <= 5 * 4096, "{each} bytes each");
}

#[test]
fn everything_together_stays_within_its_budget() {
    let (total, _) = lived(&Load { urgent: true, ledger: true, ..SMALL }, config());
    let kib_a_day = total.flash_bytes() / 1024 / u64::from(SMALL.days);
    println!("{kib_a_day} KiB of flash a day");
    // 16 MiB a day are 60 GiB in ten years: a card of 8 GiB that stands 100 programmings of each page has 13 times that.
    assert!(kib_a_day <= 16 * 1024, "{kib_a_day} KiB a day");
}
