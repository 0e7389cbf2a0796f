//! Radio formulas: free space, log-distance, noise floor, FSK bit and packet errors.
//!
//! Not covered by a model here, and said so by a trial of that name: Hata, P.1411, two-ray, knife edge, P.2040 slabs,
//! P.2109, modulation index 0.5, field logs, ns-3's O-QPSK, the channel hopping function.

use taa_models::radio;
use taa_vectors::Json as Value;
use taa_vectors::{Failed, Trial};

use super::{close, number};

type Check = fn(&Value) -> Result<(), Failed>;

/// Section, figure to raise by one per cent, check that must notice.
const SABOTAGES: [(&str, &str, Check); 5] = [
    ("outdoor", "fspl", free_space),
    ("outdoor", "ns3_logdist_n3.2_L0_31.5", log_distance),
    ("noise_floor_dBm", "n_dBm", noise_floor),
    ("rows", "ber", fsk),
    ("rows", "per", fsk),
];

fn checkable(section: &str, row: &Value) -> bool {
    section != "rows" || row["h"].as_f64().is_some_and(|h| (h - 1.0).abs() < 1e-9)
}

/// The cases of one file, and a sabotage of each kind.
pub(crate) fn trials(file: &str, case: &Value) -> Vec<Trial> {
    let mut found = Vec::new();
    let mut left_out = Vec::new();
    let mut add = |section: &str, i: usize, row: &Value, check: Check| {
        let row = row.clone();
        found.push(Trial::test(format!("radio::{file}::{section}_{i}"), move || check(&row)));
    };
    for (section, rows) in case.as_object().into_iter().flatten() {
        if ["source", "facts", "formulas", "frame", "note"].contains(&section.as_str()) {
            continue;
        }
        let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
        match section.as_str() {
            "outdoor" => {
                for (i, row) in rows.iter().enumerate() {
                    add("free_space", i, row, free_space);
                    add("log_distance", i, row, log_distance);
                }
                left_out.push("two_ray, p1411 and hata columns".to_owned());
            }
            "noise_floor_dBm" => {
                rows.iter().enumerate().for_each(|(i, row)| add("noise_floor", i, row, noise_floor));
            }
            "rows" => {
                let (orthogonal, other): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|r| checkable("rows", r));
                orthogonal.into_iter().enumerate().for_each(|(i, row)| add("fsk", i, row, fsk));
                if !other.is_empty() {
                    left_out.push(format!("{} rows with modulation index other than 1", other.len()));
                }
            }
            other => left_out.push(other.to_owned()),
        }
    }
    for (section, key, check) in SABOTAGES {
        let Some(row) = case[section].as_array().and_then(|rows| rows.iter().find(|r| checkable(section, r))) else {
            continue;
        };
        let mut spoilt = row.clone();
        spoilt[key] = Value::from(row[key].as_f64().unwrap_or(0.0) * 1.01);
        found.push(Trial::test(format!("radio::{file}::sabotage_{section}_{key}"), move || match check(&spoilt) {
            Err(_) => Ok(()),
            Ok(()) => Err(Failed::from("a figure raised by 1 % went unnoticed")),
        }));
    }
    if case.is_null() {
        let message = format!("{file} is not JSON");
        found.push(Trial::test(format!("radio::{file}::unreadable"), move || Err(Failed::from(message))));
    }
    if !left_out.is_empty() {
        let what = left_out.join(", ");
        found.push(Trial::test(format!("radio::{file}::not_covered ({what})"), || Ok(())));
    }
    found
}

fn free_space(row: &Value) -> Result<(), Failed> {
    let found = radio::free_space_db(number(row, "f_hz")?, number(row, "d_3d_m")?);
    close("fspl", found, number(row, "fspl")?, 0.0, 1e-9)?;
    close("ns3_friis", found, number(row, "ns3_friis")?, 0.0, 1e-5)
}

/// ns-3's column: exponent 3.2 from 31.5 dB at a metre; ours starts from free space at a metre.
fn log_distance(row: &Value) -> Result<(), Failed> {
    let (f_hz, d_m) = (number(row, "f_hz")?, number(row, "d_3d_m")?);
    let ours = radio::log_distance_db(f_hz, 3.2, d_m) - radio::free_space_db(f_hz, 1.0) + 31.5;
    close("ns3_logdist", ours, number(row, "ns3_logdist_n3.2_L0_31.5")?, 0.0, 1e-5)
}

fn noise_floor(row: &Value) -> Result<(), Failed> {
    let found = radio::noise_floor_dbm(number(row, "bw_hz")?, number(row, "nf_db")?);
    // kT at 290 K is −173.975 dBm/Hz; many tables round it to −174.
    close("noise floor", found, number(row, "n_dBm")?, 0.0, 0.03)
}

fn fsk(row: &Value) -> Result<(), Failed> {
    let ber = radio::fsk_ber(number(row, "ebn0_db")?);
    close("ber", ber, number(row, "ber")?, 1e-9, 0.0)?;
    let octets = row["psdu_octets"].as_u64().ok_or("`psdu_octets`")?;
    close("per", radio::packet_error(ber, usize::try_from(octets)?), number(row, "per")?, 1e-9, 1e-15)
}
