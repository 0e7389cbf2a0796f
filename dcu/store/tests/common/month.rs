//! A site's journal and ledger, day after day, on a disk that counts: what a DCU's whole memory costs the flash.
//!
//! | a day and 500 meters | |
//! |---|---|
//! | readings | 12,000, each hour spread over ten minutes, acknowledged in four batches an hour |
//! | urgent | 168 payments, 72 relay orders each with the state seen after it, 168 counter reservations, 24 tokens sold (the minute, the token), 24 acknowledgements |
//! | ledger | what follows from these, a statement per account and day, one signed checkpoint |

use taa_dcu::{
    MeterIx,
    journal::{Entry, Record, State},
    reading::Reading,
    relay::{Reason, Relay, RelayOrder},
    uplink::Lane,
    vending::{Note, Said, Source, TokenDigits, VendId},
};
use taa_powercut::{Config, Counters, Disk};
use taa_store::{Store, StoreConfig};

use crate::common::{JOURNAL, empty_state, mix, payment, place, record};

const START_HOUR: u32 = 492_000;

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) meters: u32,
    pub(crate) days: u32,
    pub(crate) readings: bool,
    pub(crate) urgent: bool,
    /// Ledger entries go to the disk with their records.
    pub(crate) ledger: bool,
}

/// A site: its state, its store, how far it has come.
pub(crate) struct Site {
    state: State,
    pub(crate) store: Store,
    keeps_ledger: bool,
    records: u64,
    leaves: u64,
    now_ms: u64,
}

impl Site {
    fn put(&mut self, at_ms: u64, entry: Entry) {
        self.now_ms = self.now_ms.max(at_ms);
        self.tick();
        self.records += 1;
        let mut record: Record = record(self.records, entry);
        record.stamp.monotonic_ns = self.now_ms * 1_000_000;
        record.stamp.unix_ms = Some(i64::from(START_HOUR) * 3_600_000 + i64::try_from(self.now_ms).expect("a month"));
        let mut leaves = Vec::new();
        self.state.apply_to(&record, &mut leaves);
        let urgency = record.entry.urgency();
        self.store.append(self.now_ms, &record, urgency).expect("in order");
        for leaf in leaves.iter().filter(|_| self.keeps_ledger) {
            self.store.append_leaf(self.now_ms, self.leaves, &leaf.bytes).expect("in order");
            self.leaves += 1;
        }
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

fn reading(load: &Load, meter: u32, hour: u32) -> Reading {
    let noise = mix(u64::from(meter) << 32 | u64::from(hour));
    // Households of some 400 Wh a day, evenings above all; minutes of radio between a reading and the next meter's.
    let evening = if (17..23).contains(&(hour % 24)) { 4 } else { 1 };
    let base = u64::from(hour) * (5 + u64::from(meter % 17)) * evening / 2;
    Reading {
        meter: MeterIx(meter),
        period: START_HOUR + hour,
        at_unix_s: (START_HOUR + hour) * 3600 + meter * 600 / load.meters + u32::try_from(noise % 20).unwrap_or(0),
        sequence: hour + 1,
        register_wh: 10_000 + base + noise % 9,
        relay_closed: Some(true),
        credit_minor: None,
    }
}

fn readings(load: &Load, hour: u32, due: &mut Vec<(u64, Entry)>) {
    let at = u64::from(hour) * 3_600_000;
    due.extend((0..load.meters).map(|meter| {
        let reading = reading(load, meter, hour);
        (u64::from(reading.at_unix_s - START_HOUR * 3600) * 1000, Entry::Reading(reading))
    }));
    for batch in 1..=4_u64 {
        let all = u64::from(hour) * u64::from(load.meters) + batch * u64::from(load.meters) / 4;
        let from = all - u64::from(load.meters) / 4;
        due.push((at + 650_000 + batch * 1000, Entry::Acked { lane: Lane::Readings, from, to: all }));
    }
}

fn urgent(load: &Load, hour: u32, due: &mut Vec<(u64, Entry)>) {
    for n in 0..22_u64 {
        let draw = mix(u64::from(hour) << 8 | n);
        let at = u64::from(hour) * 3_600_000 + draw % 3_590_000;
        let meter = MeterIx(u32::try_from(draw >> 40).unwrap_or(0) % load.meters);
        let number = u64::from(hour) * 22 + n;
        let relay = if draw.is_multiple_of(2) { Relay::Open } else { Relay::Closed };
        match n {
            0..=6 => due.push((at, Entry::Payment { payment: payment(number, meter), local: false })),
            7..=9 => {
                let order = RelayOrder {
                    meter,
                    relay,
                    reason: Reason::Debt,
                    order: None,
                    rests_on: number,
                    balance_minor: -1200,
                    reading_age_s: Some(900),
                    payments_age_s: Some(60),
                };
                due.push((at, Entry::RelayOrdered(order)));
                due.push((at + 5_000, Entry::RelaySeen { meter, relay, order: None }));
            }
            10..=16 => due.push((at, Entry::CounterReserved { meter, bound: hour * 64 })),
            17 => {
                let id = VendId(u64::from(hour) + 1);
                let used = Note::MinuteUsed {
                    id,
                    meter,
                    source: Source::Account { granted_minor: 5_000 },
                    asked: None,
                    said: Said::Energy { field: 120 },
                    minute: i64::from(START_HOUR + hour) * 60,
                    random: 7,
                    worth_u: 5_000_000,
                };
                due.push((at, Entry::Vending(Box::new(used))));
                let tokens = vec![TokenDigits(*b"12345678901234567890")];
                due.push((at + 1_000, Entry::Vending(Box::new(Note::TokenIssued { id, tokens }))));
            }
            18 => due.push((at, Entry::Acked { lane: Lane::Urgent, from: 0, to: number })),
            _ => {}
        }
    }
    if hour.is_multiple_of(24) {
        let day = i64::from((START_HOUR + hour) / 24);
        due.push((u64::from(hour) * 3_600_000, Entry::DayFee { day }));
    }
}

/// Lives through it, and gives what has become of the site.
pub(crate) fn live(disk: &Disk, load: &Load, config: StoreConfig) -> Site {
    let (store, _) = Store::open(&place(disk), config, None).expect("a new disk");
    let state = empty_state(load.meters);
    let mut site = Site { state, store, keeps_ledger: load.ledger, records: 0, leaves: 0, now_ms: 0 };
    for hour in 0..load.days * 24 {
        let mut due = Vec::new();
        if load.readings {
            readings(load, hour, &mut due);
        }
        if load.urgent {
            urgent(load, hour, &mut due);
        }
        due.sort_by_key(|(at, _)| *at);
        for (at, entry) in due {
            site.put(at, entry);
        }
        if load.ledger && load.urgent && hour % 24 == 23 {
            let (size, root) = (site.state.ledger().size(), site.state.ledger().root());
            let note = "n".repeat(250);
            site.put(u64::from(hour) * 3_600_000 + 3_599_000, Entry::LedgerSigned { size, root, note });
        }
    }
    site.now_ms += 3_600_000;
    site.tick();
    site
}

/// The same readings, one row a commit, as most would use SQLite.
pub(crate) fn baseline(name: &str, load: &Load) -> Counters {
    let disk = Disk::new(Config::default());
    let db = disk.open(name).expect("a new disk");
    db.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full;
         create table reading (meter integer, period integer, at integer, sequence integer, register_wh integer,
                               relay integer, primary key (meter, period)) without rowid;",
    )
    .expect("a new file");
    let mut insert = db.prepare("insert into reading values (?1, ?2, ?3, ?4, ?5, 1)").expect("a statement");
    for hour in 0..load.days * 24 {
        for meter in 0..load.meters {
            let r = reading(load, meter, hour);
            let row = (meter, r.period, r.at_unix_s, r.sequence, r.register_wh.cast_signed());
            insert.execute(row).expect("a disk that works");
        }
    }
    disk.total()
}

pub(crate) fn config() -> StoreConfig {
    StoreConfig::new(JOURNAL)
}
