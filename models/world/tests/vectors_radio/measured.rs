//! Field logs of a 2-FSK receiver (sets named `<MHz>-<kb/s>`, 250-octet packets; received packets only, so the ratio of
//! CRC errors is a lower bound of packet loss).
//!
//! The check asks one number of each set: by how much the receiver was worse than ideal detection (modulation index 1
//! at 50 kb/s, ½ above, as the SUN modes have them; noise figure 7 dB; fading of 2.5 dB), such that the model's CRC
//! errors over all packets equal the logged ones. It must be a loss of a real receiver: 0–8 dB. Found: 2.8 dB at 433
//! MHz, 2.6 dB at 923 MHz and 150 kb/s, 6.0 dB at 923 MHz and 50 kb/s. There the transition is also flatter than noise
//! alone makes it (errors from −110 up to −92 dBm): interference, which raises the floor now and then and not the
//! threshold.

use taa_models::{draw::normal_quantile, radio};
use taa_vectors::{Failed, Json as Value, Trial};

use super::number;

const OCTETS: usize = 250;
/// Above this the signal is so strong that errors come from elsewhere.
const STRONG_DBM: f64 = -88.0;

/// RSSI in dBm, packets, CRC errors.
type Bin = (f64, f64, f64);

pub(super) fn check(set: &Value) -> Result<(), Failed> {
    let bins = bins(set)?;
    let total: f64 = bins.iter().map(|b| b.1).sum();
    let errors: f64 = bins.iter().map(|b| b.2).sum();
    super::close("packets", total, number(set, "packets")?, 0.0, 0.5)?;
    super::close("crc_errors", errors, number(set, "crc_errors")?, 0.0, 0.5)?;
    let name = set["name"].as_str().ok_or("a set without a name")?;
    let kbps: f64 = name.rsplit('-').next().ok_or("no rate")?.parse()?;
    if errors < 1.0 {
        // A log without errors says nothing about a threshold.
        return Ok(());
    }
    let loss_db = loss_db(&bins, kbps, errors);
    if (0.0..=8.0).contains(&loss_db) {
        return Ok(());
    }
    Err(Failed::from(format!("{name}: a receiver {loss_db} dB worse than ideal is not one")))
}

/// The same log with every signal reported 10 dB too strong: the receiver would be absurdly bad.
pub(super) fn sabotage(file: &str, (name, set): (&String, &Value)) -> Trial {
    let mut spoilt = set.clone();
    spoilt["name"] = Value::from(name.clone());
    for bin in spoilt["by_rssi"].as_array_mut().into_iter().flatten() {
        bin["rssi_dBm"] = Value::from(bin["rssi_dBm"].as_f64().unwrap_or(0.0) + 10.0);
    }
    Trial::test(format!("radio::{file}::sabotage_measured"), move || match check(&spoilt) {
        Err(_) => Ok(()),
        Ok(()) => Err(Failed::from("signals 10 dB off went unnoticed")),
    })
}

fn bins(set: &Value) -> Result<Vec<Bin>, Failed> {
    let rows = set["by_rssi"].as_array().ok_or("`by_rssi` is missing")?;
    rows.iter().map(|r| Ok((number(r, "rssi_dBm")?, number(r, "n")?, number(r, "crc_err")?))).collect()
}

fn loss_db(bins: &[Bin], kbps: f64, errors: f64) -> f64 {
    let strong = |f: fn(&Bin) -> f64| bins.iter().filter(|b| b.0 > STRONG_DBM).map(f).sum::<f64>();
    let floor = strong(|b| b.2) / strong(|b| b.1).max(1.0);
    let index = if kbps > 50.0 { 0.5 } else { 1.0 };
    let noise_dbm = radio::noise_floor_dbm(kbps * 1000.0, 7.0);
    let expected = |loss: f64| -> f64 {
        bins.iter().map(|&(rssi, n, _)| n * (floor + (1.0 - floor) * per(index, rssi - noise_dbm - loss))).sum()
    };
    let (mut low, mut high) = (-10.0, 30.0);
    for _ in 0..24 {
        let middle = f64::midpoint(low, high);
        if expected(middle) < errors { low = middle } else { high = middle }
    }
    high
}

fn per(index: f64, ebn0_db: f64) -> f64 {
    const SHARES: u32 = 16;
    let fade = |i: u32| 2.5 * normal_quantile((f64::from(i) + 0.5) / f64::from(SHARES));
    let one = |i| radio::packet_error(radio::fsk_ber_of_index(index, ebn0_db + fade(i)), OCTETS);
    (0..SHARES).map(one).sum::<f64>() / f64::from(SHARES)
}
