//! How long a DCU with 1000 meters and a year of journal needs to come back:
//! `cargo run -p taa-store --example recovery [DAYS]`. The worst case: right before the next snapshot, no clean end, and a
//! ledger that nobody has taken anything of. Ends with 1 when the best of three takes longer than [`BAR_S`].
#![allow(clippy::disallowed_methods, reason = "a stopwatch")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{process::ExitCode, time::Instant};

use common::{empty_state, mix, payment, record};
use taa_dcu::{
    Dcu, MeterIx,
    config::{DcuConfig, MeterAccess, MeterEntry, Tariff, Traits},
    journal::Entry,
    reading::Reading,
    relay::{Reason, Relay, RelayOrder},
    uplink::Lane,
    vending::{Note, Said, Source, TokenDigits, VendId},
};
use taa_store::{Place, Store, StoreConfig};

const METERS: u32 = 1000;
const START_HOUR: u32 = 483_000;
/// Seconds of a recovery.
const BAR_S: f64 = 2.0;

fn main() -> ExitCode {
    let days: u32 = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(365);
    let folder = std::env::temp_dir().join(format!("taa-recovery-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let place = Place::File(folder.join("state.db").to_str().expect("a name").to_owned());
    let config = StoreConfig::new(common::JOURNAL);
    let (mut store, _) = Store::open(&place, config.clone(), None).expect("a new file");
    let mut state = empty_state(METERS);
    let (mut number, mut now_ms) = (0_u64, 0_u64);
    let (mut since, mut snapshots) = (0_u64, 0_u64);
    let started = Instant::now();
    let mut hour = 0;
    // A year, and on until the next snapshot is due: what a cut then would cost.
    loop {
        if hour >= days * 24 && store.wants_snapshot() {
            break;
        }
        let mut entries: Vec<Entry> = (0..METERS).map(|meter| Entry::Reading(reading(meter, hour))).collect();
        let all = u64::from(hour + 1) * u64::from(METERS);
        entries.push(Entry::Acked { lane: Lane::Readings, from: all - u64::from(METERS), to: all });
        for n in 0..14 {
            let meter = MeterIx(u32::try_from(mix(u64::from(hour) << 5 | n) % u64::from(METERS)).expect("a meter"));
            entries.push(Entry::Payment { payment: payment(u64::from(hour) * 14 + n, meter), local: false });
        }
        for n in 0..6 {
            let draw = mix(u64::from(hour) << 7 | n);
            entries.extend(cut_off(MeterIx(u32::try_from(draw % u64::from(METERS)).expect("a meter")), number));
        }
        entries.extend(token(hour, MeterIx(hour % METERS)));
        if hour.is_multiple_of(24) {
            entries.push(Entry::DayFee { day: i64::from((START_HOUR + hour) / 24) });
        }
        entries.push(Entry::Acked { lane: Lane::Urgent, from: 0, to: number });
        let end = entries.len();
        for (at, entry) in entries.into_iter().map(Some).chain([None]).enumerate() {
            // Last of all the whole state, where one is due.
            let snapshot = || store.wants_snapshot().then(|| Entry::Checkpoint(Box::new(state.clone())));
            let Some(entry) = entry.or_else(snapshot) else { continue };
            if at == end {
                (since, snapshots) = (0, snapshots + 1);
            }
            number += 1;
            since += u64::from(at < end);
            let record = record(number, entry);
            let mut leaves = Vec::new();
            state.apply_to(&record, &mut leaves);
            let urgency = record.entry.urgency();
            store.append(now_ms, &record, urgency).expect("in order");
            for leaf in leaves {
                store.append_leaf(now_ms, store.leaf_next(), &leaf.bytes).expect("in order");
            }
        }
        now_ms += 3_600_000;
        store.commit(now_ms).expect("a disk that works");
        hour += 1;
    }
    println!(
        "{number} records of {} days made in {:.0} s, {snapshots} snapshots",
        hour / 24,
        started.elapsed().as_secs_f64()
    );
    let stats = store.stats();
    println!("{stats:?}");
    println!(
        "outbox {} waiting; as text: outbox {} B, book {} B, meters {} B, maps {} B",
        state.outbox().len(),
        format!("{:?}", state.outbox()).len(),
        format!("{:?}", state.book()).len(),
        format!("{:?}", state.meters()).len(),
        format!("{:?}", state.maps()).len(),
    );
    drop(store);
    let bytes: u64 =
        std::fs::read_dir(&folder).expect("a folder").flatten().map(|f| f.metadata().map_or(0, |m| m.len())).sum();

    let mut best = f64::MAX;
    for attempt in 1..=3 {
        let started = Instant::now();
        let cpu = cpu_s();
        let (store, mut recovery) = Store::open(&place, config.clone(), None).expect("the file");
        let opened = started.elapsed();
        let dcu = Dcu::recover(dcu_config(), meters(), recovery.take_records());
        let all = started.elapsed();
        assert_eq!(dcu.state().last_record(), number + 1, "all records and the boot");
        println!(
            "{attempt}: {:.3} s (of which the store {:.3} s; {:.3} s of CPU): file of {:.1} MiB, {since} records after the last snapshot",
            all.as_secs_f64(),
            opened.as_secs_f64(),
            cpu_s() - cpu,
            bytes as f64 / 1_048_576.0,
        );
        best = best.min(all.as_secs_f64());
        drop(store);
    }
    std::fs::remove_dir_all(&folder).expect("a folder of ours");
    println!("figure recovery_s {best:.3}\nfigure recovery_file_mib {:.1}", bytes as f64 / 1_048_576.0);
    println!("bar: at most {BAR_S} s: {}", if best <= BAR_S { "met" } else { "MISSED" });
    if best <= BAR_S { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// An order for debt, and the state seen after it.
fn cut_off(meter: MeterIx, rests_on: u64) -> [Entry; 2] {
    let order = RelayOrder {
        meter,
        relay: Relay::Open,
        reason: Reason::Debt,
        order: None,
        rests_on,
        balance_minor: -1200,
        reading_age_s: Some(900),
        payments_age_s: Some(60),
    };
    [Entry::RelayOrdered(order), Entry::RelaySeen { meter, relay: Relay::Open, order: None }]
}

/// A token that is sold: its minute, and the token.
fn token(hour: u32, meter: MeterIx) -> [Entry; 2] {
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
    let tokens = vec![TokenDigits(*b"12345678901234567890")];
    [used, Note::TokenIssued { id, tokens }].map(|note| Entry::Vending(Box::new(note)))
}

fn reading(meter: u32, hour: u32) -> Reading {
    let noise = u32::try_from(mix(u64::from(meter) << 32 | u64::from(hour)) % 20).expect("small");
    Reading {
        meter: MeterIx(meter),
        period: START_HOUR + hour,
        at_unix_s: (START_HOUR + hour) * 3600 + meter * 600 / METERS + noise,
        sequence: hour + 1,
        register_wh: 10_000 + u64::from(hour) * (5 + u64::from(meter % 17)) + u64::from(noise % 7),
        relay_closed: Some(true),
        credit_minor: None,
    }
}

fn dcu_config() -> DcuConfig {
    let tariff: Tariff =
        serde_json::from_str(r#"{"currency":"TZS","energy_price_per_kwh_minor":90000}"#).expect("a tariff");
    DcuConfig::new(Traits::bundle("edge_local").expect("a bundle"), tariff)
}

fn meters() -> Vec<MeterEntry> {
    let entry = |n: u32| MeterEntry {
        id: format!("M{n}"),
        account: format!("{n:04}"),
        access: MeterAccess::Open,
        opening_balance_minor: 1000,
        sts: None,
    };
    (0..METERS).map(entry).collect()
}

/// Seconds that this thread has run: a busy machine does not spoil them.
fn cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}
