//! What a month of 500 meters costs the flash: `cargo run --release -p taa-store --example flash_budget`.
//!
//! ```text
//!   readings hourly, spread over ten minutes ─┐
//!   payments, counters, relays, credit, acks ─┴─▶ Store on a disk that counts ──▶ bytes written, bytes of flash programmed
//!   the same readings, one row a commit ─────────▶ SQLite as most would use it ──▶ the same counts
//! ```

#[path = "../tests/common/mod.rs"]
mod common;

use common::{empty_state, mix, payment, place, record};
use taa_dcu::{
    MeterIx,
    journal::{Entry, Record, State},
    reading::Reading,
    relay::Relay,
    uplink::Lane,
};
use taa_powercut::{Config, Counters, Disk};
use taa_store::{Store, StoreConfig};

const METERS: u32 = 500;
const DAYS: u32 = 30;
const BASELINE_DAYS: u32 = 2;
const START_HOUR: u32 = 492_000;

fn reading(meter: u32, hour: u32) -> Reading {
    let noise = mix(u64::from(meter) << 32 | u64::from(hour));
    // Households of some 400 Wh a day, evenings above all; minutes of radio between a reading and the next meter's.
    let evening = if (17..23).contains(&(hour % 24)) { 4 } else { 1 };
    let base = u64::from(hour) * (5 + u64::from(meter % 17)) * evening / 2;
    Reading {
        meter: MeterIx(meter),
        period: START_HOUR + hour,
        at_unix_s: (START_HOUR + hour) * 3600 + meter * 600 / METERS + u32::try_from(noise % 20).unwrap_or(0),
        sequence: hour + 1,
        register_wh: 10_000 + base + noise % 9,
        relay_closed: Some(true),
        credit_minor: None,
    }
}

/// A site: its state, its store, how far it has come.
struct Site {
    state: State,
    store: Store,
    records: u64,
    now_ms: u64,
}

impl Site {
    fn new(disk: &Disk) -> Self {
        let (store, _) = Store::open(&place(disk), StoreConfig::new(common::JOURNAL), None).expect("a new disk");
        Self { state: empty_state(METERS), store, records: 0, now_ms: 0 }
    }

    fn put(&mut self, at_ms: u64, entry: Entry) {
        self.now_ms = self.now_ms.max(at_ms);
        self.tick();
        self.records += 1;
        let mut record: Record = record(self.records, entry);
        record.stamp.monotonic_ns = self.now_ms * 1_000_000;
        record.stamp.unix_ms = Some(i64::from(START_HOUR) * 3_600_000 + i64::try_from(self.now_ms).expect("a month"));
        self.state.apply(&record);
        let urgency = record.entry.urgency();
        self.store.append(self.now_ms, &record, urgency).expect("in order");
        self.tick();
        if self.store.wants_snapshot() && !matches!(record.entry, Entry::Checkpoint(_)) {
            self.put(at_ms, Entry::Checkpoint(Box::new(self.state.clone())));
        }
    }

    fn tick(&mut self) {
        if self.store.due(self.now_ms).is_some_and(|at| at <= self.now_ms) {
            self.store.commit(self.now_ms).expect("a disk that works");
        }
    }
}

fn month(disk: &Disk, readings: bool, events: bool) -> Site {
    let mut site = Site::new(disk);
    for hour in 0..DAYS * 24 {
        let at = u64::from(hour) * 3_600_000;
        let mut due: Vec<(u64, Entry)> = Vec::new();
        if readings {
            due.extend((0..METERS).map(|meter| {
                let reading = reading(meter, hour);
                (u64::from(reading.at_unix_s - START_HOUR * 3600) * 1000, Entry::Reading(reading))
            }));
            // The cloud acknowledges in some batches.
            for batch in 1..=4_u64 {
                let all = u64::from(hour) * u64::from(METERS) + batch * u64::from(METERS) / 4;
                let from = all - u64::from(METERS) / 4;
                due.push((at + 650_000 + batch * 1000, Entry::Acked { lane: Lane::Readings, from, to: all }));
            }
        }
        if events {
            // 170 payments a day, each with its credit; 60 relay orders; counters in blocks; urgent acknowledgements.
            for n in 0..18_u64 {
                let draw = mix(u64::from(hour) << 8 | n);
                let at = at + draw % 3_600_000;
                let meter = MeterIx(u32::try_from(draw >> 40).unwrap_or(0) % METERS);
                let number = u64::from(hour) * 18 + n;
                due.push(match n {
                    0..=6 => (at, Entry::Payment { payment: payment(number, meter), local: false }),
                    7..=9 => {
                        let relay = if draw.is_multiple_of(2) { Relay::Open } else { Relay::Closed };
                        (at, Entry::RelaySeen { meter, relay, order: Some(number) })
                    }
                    10..=16 => (at, Entry::CounterReserved { meter, bound: hour * 64 }),
                    _ => (at, Entry::Acked { lane: Lane::Urgent, from: 0, to: number }),
                });
            }
        }
        due.sort_by_key(|(at, _)| *at);
        for (at, entry) in due {
            site.put(at, entry);
        }
    }
    site.now_ms += 3_600_000;
    site.tick();
    site
}

/// One row a commit.
fn baseline(name: &str) -> Counters {
    let disk = Disk::new(Config::default());
    let db = disk.open(name).expect("a new disk");
    db.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full;
         create table reading (meter integer, period integer, at integer, sequence integer, register_wh integer,
                               relay integer, primary key (meter, period)) without rowid;",
    )
    .expect("a new file");
    let mut insert = db.prepare("insert into reading values (?1, ?2, ?3, ?4, ?5, 1)").expect("a statement");
    for hour in 0..BASELINE_DAYS * 24 {
        for meter in 0..METERS {
            let r = reading(meter, hour);
            let row = (meter, r.period, r.at_unix_s, r.sequence, r.register_wh.cast_signed());
            insert.execute(row).expect("a disk that works");
        }
    }
    disk.total()
}

fn main() {
    let readings = f64::from(METERS) * f64::from(DAYS) * 24.0;
    let line = |title: &str, total: Counters, days: u32, packed: u64| {
        let day = |bytes: u64| bytes as f64 / f64::from(days) / 1024.0;
        let amplification =
            if packed == 0 { String::new() } else { format!("{:.1}", total.flash_bytes() as f64 / packed as f64) };
        println!(
            "{title:<44} {:>12.1} {:>12.1} {:>9.0} {amplification:>8}",
            day(total.bytes_written),
            day(total.flash_bytes()),
            total.syncs as f64 / f64::from(days),
        );
    };
    println!(
        "{METERS} meters, {DAYS} days; KiB a day\n{:<44} {:>12} {:>12} {:>9} {:>8}",
        "", "written", "flash", "syncs", "× packed"
    );
    let mut flash = Vec::new();
    for (title, with_readings, with_events) in
        [("readings alone", true, false), ("urgent records alone", false, true), ("both", true, true)]
    {
        let disk = Disk::new(Config::default());
        let site = month(&disk, with_readings, with_events);
        let stats = site.store.stats();
        line(title, disk.total(), DAYS, stats.block_bytes);
        flash.push((disk.total(), stats, disk.image().files.values().map(Vec::len).sum::<usize>()));
    }
    let mut worst = 0.0_f64;
    for (title, name) in [("one row a commit", "state.db"), ("one row a commit, psow=0", "file:state.db?psow=0")] {
        let total = baseline(name);
        line(title, total, BASELINE_DAYS, 0);
        let each = |total: &Counters, days: u32| total.flash_bytes() as f64 / f64::from(days);
        let times = each(&total, BASELINE_DAYS) / each(&flash[0].0, DAYS);
        let written = |total: &Counters, days: u32| total.bytes_written as f64 / f64::from(days);
        let times_written = written(&total, BASELINE_DAYS) / written(&flash[0].0, DAYS);
        println!("    {times:.0} times the flash of the store's readings, {times_written:.0} times the bytes");
        worst = if worst == 0.0 { times } else { worst.min(times) };
    }
    let (_, stats, file) = &flash[0];
    println!("\nreadings: {:.2} bytes packed each, {} commits", stats.block_bytes as f64 / readings, stats.commits);
    let (total, stats, _) = &flash[1];
    println!(
        "urgent: {} commits, {:.1} KiB of flash each ({:.0} bytes packed)",
        stats.commits,
        total.flash_bytes() as f64 / stats.commits as f64 / 1024.0,
        stats.block_bytes as f64 / stats.commits as f64,
    );
    let (_, stats, both) = &flash[2];
    println!(
        "both: {stats:?}\nfile and log after a month: {:.1} MiB (readings alone {:.1})",
        *both as f64 / 1_048_576.0,
        *file as f64 / 1_048_576.0
    );
    println!("bar: at least 50 times fewer: {}", if worst >= 50.0 { "met" } else { "MISSED" });
}
