//! How many tokens a second, on one core.
//!
//! `cargo run --release -p taa-tokens --example throughput [seconds per row]`
//!
//! ```text
//!   content ──▶ block, checksum ──▶ cipher ──▶ weave ──▶ 20 digits of text
//! ```
//!
//! Every token is of another meter with another key, so that nothing can be remembered between two: the time covers making
//! the key ready. The rows with a key generation in their name derive the key from the vending key as well. One line per
//! row: name, tokens per second of the wall clock, and per second of processor time (Linux only, else 0), which is the
//! figure to compare when others use the machine.
//!
//! With `--cases` in place of the seconds it prints tokens to compare with another implementation, one a line: algorithm,
//! decoder key (hexadecimal, most significant byte first), minutes since 2014, random number, tenths of a kilowatt-hour,
//! and the token. EA07 with the sample tables.
#![allow(clippy::disallowed_methods, reason = "a stopwatch is what this is")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use taa_keys::{KeyStore, Secret};
use taa_tokens::openpaygo::{Ask, Device, DeviceKey, Form, UsedCounts, Vendor};
use taa_tokens::sts::vend::{MeterKey, SoftwareModule, seal_batch};
use taa_tokens::sts::{
    Algorithm, Amount, BaseDate, Content, DecoderKey, KeyAttributes, KeyGeneration, KeyType, Krn, MeterPan, Random,
    Service, Sgc, StaTables, TariffIndex, Tid,
};

/// Tokens between two looks at the clock.
const ROUND: u64 = 256;
/// Tokens for comparison.
const CASES: u64 = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tables = StaTables::sample();
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("--cases") {
        cases(&tables);
        return Ok(());
    }
    let seconds: f64 = argument.map_or(Ok(1.0), |text| text.parse())?;
    let time = Duration::from_secs_f64(seconds);

    report("ea07_one_by_one", time, |from| {
        for n in from..from + ROUND {
            black_box(ea07(n, &tables).seal(&content(n)).digits());
        }
    });
    report("ea11_one_by_one", time, |from| {
        for n in from..from + ROUND {
            black_box(ea11(n).seal(&content(n)).digits());
        }
    });
    report("ea11_batch", time, |from| {
        let batch: Vec<_> = (from..from + ROUND).map(|n| (ea11(n), content(n))).collect();
        let asks: Vec<_> = batch.iter().map(|(key, content)| (key, content)).collect();
        for token in seal_batch(&asks) {
            black_box(token.digits());
        }
    });
    let key = ea11(1);
    report("ea11_open", time, |from| {
        for n in from..from + ROUND {
            let token = taa_tokens::sts::Token::weave(taa_tokens::sts::Class::Credit, n);
            let _ = black_box(key.open(token));
        }
    });
    derived(time, &tables)?;
    openpaygo(time)
}

/// Energy credit under keys, minutes and amounts spread over their ranges. The reserved minute of a day is left out:
/// implementations differ in who moves it.
fn cases(tables: &StaTables) {
    for n in 0..CASES {
        let minute = (mixed(n) >> 40) as u32;
        let tid = if minute % 1440 == 1 { minute + 1 } else { minute };
        // One in four in each of the four scales that an amount has.
        let tenths = mixed(n ^ 0x5555) % (16_383 * 10_u64.pow((n / 2 % 4) as u32)) + 1;
        let (tid, Ok(amount)) = (Tid::from_field(tid), Amount::at_least(tenths as u32)) else { continue };
        let random = (n % 16) as u8;
        let content = Content::Credit { service: Service::Electricity, random: Random::new(random), tid, amount };
        let (minutes, tenths) = (tid.field(), amount.units());
        if n % 2 == 0 {
            let token = ea07(n, tables).seal(&content);
            println!("ea07 {:016x} {minutes} {random} {tenths} {token}", mixed(n));
        } else {
            let token = ea11(n).seal(&content);
            println!("ea11 {:016x}{:016x} {minutes} {random} {tenths} {token}", mixed(n), mixed(!n));
        }
    }
}

/// With derivation: DKGA02 for EA07, DKGA04 for EA11.
fn derived(time: Duration, tables: &StaTables) -> Result<(), Box<dyn std::error::Error>> {
    for (name, generation, algorithm) in [
        ("ea07_dkga02", KeyGeneration::Dkga02, Algorithm::Ea07),
        ("ea11_dkga04", KeyGeneration::Dkga04, Algorithm::Ea11),
    ] {
        let key = KeyAttributes {
            sgc: Sgc::new(123_456)?,
            krn: Krn::new(1)?,
            key_type: KeyType::Unique,
            ti: TariffIndex::new(1)?,
            ken: 255,
            base_date: BaseDate::Y2014,
        };
        let mut store = KeyStore::new();
        let vending = vec![0x5A; generation.vending_key_bytes()];
        store.insert_secret(SoftwareModule::key_id(key.sgc, key.krn), Secret::new(&vending));
        let module = SoftwareModule::new(store, tables.clone());
        let meters = (0..ROUND).map(|n| {
            let meter = MeterPan::new("600727", &format!("{n:011}"))?;
            Ok(MeterKey { meter, key, generation, algorithm })
        });
        let meters: Vec<MeterKey> = meters.collect::<Result<_, taa_tokens::sts::IdentityError>>()?;
        report(name, time, |from| {
            for (n, meter) in (from..).zip(&meters) {
                let _ = black_box(module.seal(meter, &content(n)).map(|token| token.digits()));
            }
        });
        report(&format!("{name}_batch"), time, |from| {
            let asks: Vec<_> = (from..).zip(&meters).map(|(n, meter)| (*meter, content(n))).collect();
            black_box(module.seal_many(&asks));
        });
    }
    Ok(())
}

/// Tokens of count 1000, and a device that reads them.
fn openpaygo(time: Duration) -> Result<(), Box<dyn std::error::Error>> {
    let key = |n: u64| DeviceKey::new(&Secret::new(&(u128::from(n) * 0x9e37_79b9).to_be_bytes()), None);
    report("openpaygo_1000", time, |from| {
        for n in from..from + ROUND {
            let vendor = key(n).map(|key| Vendor::new(key, 998));
            let _ = black_box(vendor.map(|mut vendor| vendor.issue(Ask::Add(7), Form::STANDARD)));
        }
    });
    let key = key(1).ok_or("no key")?;
    let issued = Vendor::new(key.clone(), 998).issue(Ask::Add(7), Form::STANDARD)?;
    report("openpaygo_1000_read", time, |_| {
        for _ in 0..ROUND {
            let mut device = Device::restore(key.clone(), false, 990, UsedCounts::only(990));
            let _ = black_box(device.enter(black_box(&issued.token)));
        }
    });
    Ok(())
}

fn report(name: &str, time: Duration, mut round: impl FnMut(u64)) {
    round(0);
    let (start, start_cpu) = (Instant::now(), processor_seconds());
    let mut done = 0_u64;
    while start.elapsed() < time {
        round(black_box(done));
        done += ROUND;
    }
    let (wall, cpu) = (start.elapsed().as_secs_f64(), processor_seconds() - start_cpu);
    let per_cpu = if cpu > 0.0 { done as f64 / cpu } else { 0.0 };
    println!("{name} {:.0} {per_cpu:.0}", done as f64 / wall);
}

/// What the kernel says that this thread has used, in seconds.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).map_or(0.0, |ns| ns * 1e-9)
}

fn content(n: u64) -> Content {
    Content::Credit {
        service: Service::Electricity,
        random: Random::new((n & 15) as u8),
        tid: Tid::from_field((n & 0xFF_FFFF) as u32),
        amount: Amount::from_field((n.wrapping_mul(77) & 0x3FFF) as u16),
    }
}

fn mixed(n: u64) -> u64 {
    n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn ea07(n: u64, tables: &StaTables) -> DecoderKey {
    DecoderKey::ea07(&mixed(n).to_be_bytes(), tables)
}

fn ea11(n: u64) -> DecoderKey {
    DecoderKey::ea11(&(u128::from(mixed(n)) << 64 | u128::from(mixed(!n))).to_be_bytes())
}
