//! A DCU-like workload that knows what it was promised, and a census over many power cuts.

#![allow(dead_code, reason = "each target uses its own share")]

use taa_dcu::{
    MeterIx,
    config::{DcuConfig, MeterAccess, MeterEntry, Tariff, Traits},
    ids::Stamp,
    journal::{Entry, Record, State},
    payment::{Certainty, Channel, Payment, Provider},
    reading::Reading,
    relay::Relay,
    uplink::Lane,
};
use taa_powercut::{Config, Disk, Image};
use taa_store::{Mode, Place, Recovery, Store, StoreConfig, StoreError, Urgency, Witness};

pub(crate) const JOURNAL: [u8; 16] = *b"journal of tests";
pub(crate) const METERS: u32 = 6;

/// A number from a number: SplitMix64.
pub(crate) fn mix(word: u64) -> u64 {
    let z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The state before any record.
pub(crate) fn empty_state(meters: u32) -> State {
    let tariff: Tariff = serde_json::from_str(r#"{"currency":"TZS","energy_price_per_kwh_minor":90000}"#).unwrap();
    let config = DcuConfig::new(Traits::bundle("edge_local").unwrap(), tariff);
    let meters: Vec<MeterEntry> = (0..meters)
        .map(|n| MeterEntry {
            id: format!("M{n}"),
            account: format!("{n:04}"),
            access: MeterAccess::Open,
            opening_balance_minor: 1000,
            sts: None,
        })
        .collect();
    State::new(&config, &meters)
}

/// What these records make of it.
pub(crate) fn fold(records: impl IntoIterator<Item = Record>) -> State {
    let mut state = empty_state(METERS);
    for record in records {
        state.apply(&record);
    }
    state
}

/// Entry n of a life like a DCU's.
pub(crate) fn entry(n: u64, draw: u64) -> Entry {
    let meter = MeterIx(u32::try_from(draw % u64::from(METERS)).unwrap());
    let small = u32::try_from(n).unwrap_or(u32::MAX);
    match mix(draw) % 20 {
        0..=1 => Entry::Payment { payment: payment(n, meter), local: n.is_multiple_of(2) },
        2 => Entry::CounterReserved { meter, bound: small },
        3 => Entry::RelaySeen {
            meter,
            relay: if n.is_multiple_of(2) { Relay::Open } else { Relay::Closed },
            order: None,
        },
        4 => Entry::CreditDelivered { meter, total_minor: i64::from(small) },
        5 => Entry::Acked { lane: Lane::Readings, from: n / 8, to: n / 7 },
        6 => Entry::Backfilled { meter, from: small, to: small + 3, found: vec![reading(meter, small + 1, 0)] },
        _ => Entry::Reading(reading(meter, small / 8, small)),
    }
}

pub(crate) fn payment(n: u64, meter: MeterIx) -> Payment {
    Payment {
        provider: Provider::Daraja,
        key: format!("RKT{n:07}"),
        account: format!("{:04}", meter.0),
        amount_minor: 100 + i64::try_from(n % 900).unwrap(),
        currency: None,
        channel: Channel::Phone,
        accepted_unix_ms: 1_700_000_000_000,
        certainty: Certainty::Final,
        receipt: None,
    }
}

pub(crate) fn reading(meter: MeterIx, period: u32, sequence: u32) -> Reading {
    Reading {
        meter,
        period: 470_000 + period,
        at_unix_s: (470_000 + period) * 3600 + meter.0,
        sequence,
        register_wh: u64::from(period) * 37 + u64::from(meter.0),
        relay_closed: (sequence > 0).then_some(true),
        credit_minor: None,
    }
}

pub(crate) fn record(number: u64, entry: Entry) -> Record {
    let unix_ms = Some(1_700_000_000_000 + i64::try_from(number).unwrap() * 1000);
    Record { number, stamp: Stamp { boot: 1, monotonic_ns: number * 1_000_000_000, unix_ms }, entry }
}

/// Small bounds, so that a few hundred records see everything.
pub(crate) fn config() -> StoreConfig {
    let mut config = StoreConfig::new(JOURNAL);
    config.hold_ms = 10_000;
    config.log_pages_max = 24;
    config.snapshot_records = 60;
    config.snapshot_bytes = 1 << 30;
    config
}

pub(crate) fn place(disk: &Disk) -> Place {
    Place::Vfs { name: disk.vfs_name().to_owned(), path: "state.db".to_owned() }
}

/// A small reference: all records that were appended and not lost with the power, and what was promised.
#[derive(Default)]
pub(crate) struct Reference {
    pub(crate) journal: Vec<Record>,
    /// Everything up to here was acknowledged.
    pub(crate) promised: u64,
    pub(crate) leaves: u64,
    pub(crate) now_ms: u64,
}

/// What is wrong after a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The store thinks the file damaged, or cannot open it.
    Corrupt,
    /// Something acknowledged is missing.
    Lost,
    /// What was found is not what was appended.
    Differs,
}

impl Reference {
    /// Compares what a store has found; from then on the reference goes on from there.
    pub(crate) fn check(&mut self, recovery: &mut Recovery, store: &Store) -> Result<(), Wrong> {
        if !recovery.is_whole() || recovery.mode != Mode::Normal {
            eprintln!("{recovery:?}");
            return Err(Wrong::Corrupt);
        }
        let last = usize::try_from(recovery.last_record).unwrap();
        if recovery.last_record < self.promised {
            return Err(Wrong::Lost);
        }
        if last > self.journal.len() {
            return Err(Wrong::Differs);
        }
        self.journal.truncate(last);
        let records: Vec<Record> = recovery.take_records().collect();
        let first = usize::try_from(records.first().map_or(1, |record| record.number)).unwrap();
        if records != self.journal[first.max(1) - 1..] {
            return Err(Wrong::Differs);
        }
        if fold(records) != fold(self.journal.iter().cloned()) {
            return Err(Wrong::Differs);
        }
        // Each leaf tells its own index.
        let leaves = store.leaves(0, u64::MAX).map_err(|_| Wrong::Corrupt)?;
        let told = leaves.iter().zip(0_u64..).all(|(leaf, index)| *leaf == leaf_bytes(index));
        if !told || leaves.len() as u64 != store.leaf_next() {
            return Err(Wrong::Differs);
        }
        if store.leaf_next() < self.leaves {
            return Err(Wrong::Lost);
        }
        self.leaves = store.leaf_next();
        Ok(())
    }

    /// Appends a few records and commits what is due.
    pub(crate) fn step(&mut self, store: &mut Store, draw: u64, early: bool) -> Result<(), StoreError> {
        for n in 0..1 + mix(draw) % 4 {
            let number = self.journal.len() as u64 + 1;
            let entry = if store.wants_snapshot() && n == 0 {
                Entry::Checkpoint(Box::new(fold(self.journal.iter().cloned())))
            } else {
                entry(number, mix(draw ^ n))
            };
            let record = record(number, entry);
            let urgency = record.entry.urgency();
            store.append(self.now_ms, &record, urgency)?;
            if let Entry::Payment { .. } = record.entry {
                store.append_leaf(self.now_ms, store.leaf_next(), &leaf_bytes(store.leaf_next()))?;
            }
            self.journal.push(record);
        }
        self.now_ms += 700;
        if store.due(self.now_ms).is_some_and(|at| at <= self.now_ms) {
            if early {
                // Sabotage: the promise is made before the commit.
                self.promised = store.appended();
            }
            let upto = store.commit(self.now_ms)?;
            self.promised = self.promised.max(upto);
            self.leaves = store.leaf_next();
        }
        Ok(())
    }
}

pub(crate) fn leaf_bytes(index: u64) -> Vec<u8> {
    format!(r#"{{"v":1,"what":"payment.credited","index":{index}}}"#).into_bytes()
}

/// What many cuts did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) cuts: u32,
    pub(crate) corrupt: u32,
    pub(crate) lost: u32,
    pub(crate) differs: u32,
}

impl Census {
    fn note(&mut self, wrong: Wrong) {
        match wrong {
            Wrong::Corrupt => self.corrupt += 1,
            Wrong::Lost => self.lost += 1,
            Wrong::Differs => self.differs += 1,
        }
    }

    pub(crate) const fn faults(&self) -> u32 {
        self.corrupt + self.lost + self.differs
    }
}

/// How a census is taken.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) disk: Config,
    pub(crate) store: StoreConfig,
    /// Promises are made before the commit.
    pub(crate) early: bool,
}

impl Plan {
    pub(crate) fn new() -> Self {
        Self { disk: Config::default(), store: config(), early: false }
    }
}

/// One disk: it is used until the power fails, again and again, and looked at each time. At every promise, what a cut at
/// that very moment would have left is looked at as well.
pub(crate) fn lives(plan: &Plan, seed: u64, cuts: u32, census: &mut Census) {
    let disk = Disk::new(Config { seed, ..plan.disk });
    let mut reference = Reference::default();
    let mut draw = mix(seed);
    for _ in 0..cuts {
        draw = mix(draw);
        disk.cut_after(1 + draw % 300);
        let mut opened = Store::open(&place(&disk), plan.store.clone(), None);
        if !disk.is_on() {
            // Cut while opening.
        } else if let Ok((store, recovery)) = &mut opened {
            if let Err(wrong) = reference.check(recovery, store) {
                return census.note(wrong);
            }
            loop {
                draw = mix(draw);
                let before = reference.promised;
                if reference.step(store, draw, plan.early).is_err() || !disk.is_on() {
                    break;
                }
                if reference.promised > before && draw.is_multiple_of(5) {
                    census.cuts += 1;
                    if let Err(wrong) = glance(plan, &reference, disk.after_cut(draw)) {
                        return census.note(wrong);
                    }
                }
            }
        } else {
            eprintln!("{:?}", opened.err());
            return census.note(Wrong::Corrupt);
        }
        census.cuts += 1;
        disk.cut();
        disk.power_on();
    }
}

/// What a cut right now would have left.
fn glance(plan: &Plan, reference: &Reference, image: Image) -> Result<(), Wrong> {
    let disk = Disk::from_image(plan.disk, image);
    let opened = Store::open(&place(&disk), plan.store.clone(), None);
    let (store, mut recovery) = opened.inspect_err(|error| eprintln!("{error:?}")).map_err(|_| Wrong::Corrupt)?;
    let mut copy = Reference {
        journal: reference.journal.clone(),
        promised: reference.promised,
        leaves: reference.leaves,
        now_ms: reference.now_ms,
    };
    copy.check(&mut recovery, &store)
}

/// Cuts until there are enough, or one has gone wrong.
pub(crate) fn census(plan: &Plan, cuts: u32, mut told: impl FnMut(&Census)) -> Census {
    let mut census = Census::default();
    for seed in 0.. {
        if census.cuts >= cuts || census.faults() > 0 {
            break;
        }
        lives(plan, seed, 8, &mut census);
        told(&census);
    }
    census
}

/// A store on a new disk with so many records, all committed; the records.
pub(crate) fn filled(disk: &Disk, store_config: &StoreConfig, records: u64) -> (Store, Reference) {
    let (mut store, _) = Store::open(&place(disk), store_config.clone(), None).unwrap();
    let mut reference = Reference::default();
    while (reference.journal.len() as u64) < records {
        reference.step(&mut store, mix(reference.now_ms), false).unwrap();
    }
    reference.promised = store.commit(reference.now_ms).unwrap();
    (store, reference)
}

pub(crate) const fn urgent() -> Urgency {
    Urgency::Now
}

pub(crate) const fn witness(last_record: u64) -> Witness {
    Witness { journal: JOURNAL, last_record, leaves: 0 }
}
