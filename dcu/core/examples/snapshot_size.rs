//! How large the whole state of a DCU becomes, and what of it: `cargo run -p taa-dcu --example snapshot_size`.
//!
//! 1000 meters read every hour for a year, each customer topping up every eight days, the cloud acknowledging everything
//! (once), or silent for the last month (twice). The journal is folded without a DCU around it; figures are bytes of the
//! snapshot as it is written ([`taa_dcu::journal::bytes`]) and milliseconds of the machine that runs this.
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::time::Instant;

use taa_dcu::{
    Dcu, MeterIx,
    config::{DcuConfig, MeterAccess, MeterEntry, Tariff, Traits},
    ids::Stamp,
    journal::{Entry, Record, State, blocks, bytes},
    payment::{Channel, Payment, Provider},
    reading::Reading,
    uplink::Lane,
};

const METERS: u32 = 1000;
const DAYS: u32 = 365;
const START_UNIX_S: u32 = 1_772_323_200;

fn fleet() -> Result<(DcuConfig, Vec<MeterEntry>), Box<dyn std::error::Error>> {
    let tariff: Tariff = serde_json::from_str(r#"{"currency":"TZS","energy_price_per_kwh_minor":90000}"#)?;
    let config = DcuConfig::new(Traits::bundle("edge_local").ok_or("no such bundle")?, tariff);
    let meter = |n: u32| MeterEntry {
        id: format!("TAA{n:013}"),
        account: format!("{n:06}"),
        access: MeterAccess::Open,
        opening_balance_minor: 500_000,
        sts: None,
    };
    Ok((config, (0..METERS).map(meter).collect()))
}

/// The year's entries, with the seconds since its start.
fn year(silent_days: u32) -> impl Iterator<Item = (u32, Entry)> {
    (0..DAYS * 24).flat_map(move |hour| {
        let readings = (0..METERS).map(move |meter| {
            let reading = Reading {
                meter: MeterIx(meter),
                period: START_UNIX_S / 3600 + hour,
                at_unix_s: START_UNIX_S + hour * 3600 + meter,
                sequence: hour + 1,
                register_wh: u64::from(hour) * (5 + u64::from(meter) % 90),
                relay_closed: Some(true),
                credit_minor: None,
            };
            (hour * 3600 + meter, Entry::Reading(reading))
        });
        let payers = (0..METERS).filter(move |meter| (hour + meter * 7) % (8 * 24) == 12);
        let payments = payers.map(move |meter| {
            let accepted = i64::from(START_UNIX_S + hour * 3600) * 1000;
            let key = format!("SJ{:08X}", hour * 1000 + meter);
            let account = format!("{meter:06}");
            let payment = Payment::new(Provider::Daraja, key, account, 200_000, Channel::Phone, accepted);
            (hour * 3600 + 1800, Entry::Payment { payment, local: false })
        });
        let heard = hour < (DAYS - silent_days) * 24;
        let acked = [Lane::Urgent, Lane::Readings].map(|lane| Entry::Acked { lane, from: 0, to: u64::MAX });
        let acked = acked.into_iter().filter(move |_| heard).map(move |entry| (hour * 3600 + 3599, entry));
        readings.chain(payments).chain(acked)
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for silent_days in [0, 30] {
        let (config, meters) = fleet()?;
        let mut state = State::new(&config, &meters);
        let mut number = 0;
        let mut records = Vec::new();
        let (mut tail_bytes, mut tail_records) = (0, 0);
        for (second, entry) in year(silent_days) {
            number += 1;
            let unix_ms = i64::from(START_UNIX_S + second) * 1000;
            let stamp = Stamp { boot: 1, monotonic_ns: u64::from(second) * 1_000_000_000, unix_ms: Some(unix_ms) };
            let record = Record { number, stamp, entry };
            state.apply(&record);
            // The last day lies behind the last snapshot.
            if second >= (DAYS - 1) * 86_400 {
                records.push(record);
            }
        }
        for hours in records.chunks(4096) {
            tail_bytes += blocks::pack(hours)?.len();
            tail_records += hours.len();
        }
        let payments = state.book().accounts().iter().map(|account| u64::from(account.credits())).sum::<u64>();
        let started = Instant::now();
        let entry = Entry::Checkpoint(Box::new(state));
        let stamp = Stamp { boot: 1, monotonic_ns: 0, unix_ms: None };
        let checkpoint = Record { number: number + 1, stamp, entry };
        let mut snapshot = Vec::new();
        bytes::encode(&checkpoint, &mut snapshot)?;
        let written_ms = started.elapsed().as_secs_f64() * 1e3;
        let started = Instant::now();
        let read = bytes::decode(&snapshot)?;
        let read_ms = started.elapsed().as_secs_f64() * 1e3;
        let started = Instant::now();
        let dcu = Dcu::recover(config, meters, [read]);
        let recovered_ms = started.elapsed().as_secs_f64() * 1e3;
        assert_eq!(dcu.state().book().totals().received, i128::from(payments) * 200_000);
        println!(
            "cloud silent for {silent_days:2} days: {payments} payments, {} readings waiting; snapshot {} bytes, written in \
             {written_ms:.0} ms, read in {read_ms:.0} ms, DCU made in {recovered_ms:.0} ms; a day behind it: {tail_records} \
             records in {tail_bytes} bytes",
            dcu.state().outbox().readings_len(),
            snapshot.len(),
        );
    }
    Ok(())
}
