//! Radio formulas: free space, log-distance, two-ray, Hata, P.1411, knife edge, P.2040 slabs, P.2109, noise floor, FSK
//! bit and packet errors, and the field logs of a real 2-FSK receiver.
//!
//! ns-3's table of O-QPSK packet errors is walked too; its contention (`ns3_lrwpan`) and channel hopping (`dh1cf`)
//! belong to the crate of the mesh protocols and are walked there; here a trial names them as not covered.

use taa_models::radio::{
    self,
    propagation::{
        diffraction::{edge_db, edge_parameter},
        entry::Building,
        hata::{Area, Hata},
        p1411::StreetLos,
        slab::{Material, Slab},
        two_ray::{Ground, Pair, Polarisation},
    },
};
use taa_vectors::Json as Value;
use taa_vectors::{Failed, Trial};

use super::{close, number};

mod measured;

type Check = fn(&Value) -> Result<(), Failed>;

/// Section, name of the trial, check.
const CHECKS: [(&str, &str, Check); 12] = [
    ("outdoor", "free_space", free_space),
    ("outdoor", "log_distance", log_distance),
    ("outdoor", "two_ray", two_ray),
    ("outdoor", "hata", hata),
    ("outdoor", "p1411", p1411),
    ("knife", "knife_edge", knife_edge),
    ("slab", "p2040", slab),
    ("bel", "p2109", entry),
    ("noise_floor_dBm", "noise_floor", noise_floor),
    ("rows", "fsk", fsk),
    ("sets", "measured", measured::check),
    ("error_model", "oqpsk", oqpsk),
];

/// Section, figure to raise by one per cent, check that must notice.
const SABOTAGES: [(&str, &str, Check); 20] = [
    ("outdoor", "fspl", free_space),
    ("outdoor", "ns3_logdist_n3.2_L0_31.5", log_distance),
    ("outdoor", "two_ray_exact", two_ray),
    ("outdoor", "ns3_two_ray", two_ray),
    ("outdoor", "hata_urban", hata),
    ("outdoor", "hata_suburban", hata),
    ("outdoor", "hata_open", hata),
    ("outdoor", "ns3_hata_urban_small", hata),
    ("outdoor", "p1411_lower", p1411),
    ("outdoor", "p1411_median", p1411),
    ("outdoor", "p1411_upper", p1411),
    ("outdoor", "p1411_breakpoint_m", p1411),
    ("outdoor", "ns3_itu1411_los", p1411),
    ("knife", "J_dB", knife_edge),
    ("slab", "loss_dB", slab),
    ("bel", "loss_dB", entry),
    ("noise_floor_dBm", "n_dBm", noise_floor),
    ("rows", "ber", fsk),
    ("rows", "per", fsk),
    ("error_model", "per", oqpsk),
];

/// Sections that are not cases.
const PROSE: [&str; 5] = ["source", "facts", "formulas", "frame", "note"];

/// The cases of one file, and a sabotage of each kind.
pub(crate) fn trials(file: &str, case: &Value) -> Vec<Trial> {
    let mut found = Vec::new();
    let mut left_out = Vec::new();
    for (section, rows) in case.as_object().into_iter().flatten() {
        let checks: Vec<_> = CHECKS.iter().filter(|c| c.0 == section).collect();
        if checks.is_empty() {
            if !PROSE.contains(&section.as_str()) {
                left_out.push(section.as_str());
            }
            continue;
        }
        let list = rows.as_array().into_iter().flatten().enumerate().map(|(i, row)| (i.to_string(), row));
        let named = rows.as_object().into_iter().flatten().map(|(name, row)| (name.clone(), row));
        for (name, row) in list.chain(named) {
            for &&(_, kind, check) in &checks {
                let mut row = row.clone();
                if section == "sets" {
                    row["name"] = Value::from(name.clone());
                }
                found.push(Trial::test(format!("radio::{file}::{kind}_{name}"), move || check(&row)));
            }
        }
    }
    for (section, key, check) in SABOTAGES {
        let sizeable = |r: &&Value| r[key].as_f64().is_some_and(|v| v.abs() > 1e-6);
        let Some(row) = case[section].as_array().and_then(|rows| rows.iter().find(sizeable)) else { continue };
        let mut spoilt = row.clone();
        spoilt[key] = Value::from(row[key].as_f64().unwrap_or(0.0) * 1.01);
        found.push(Trial::test(format!("radio::{file}::sabotage_{section}_{key}"), move || match check(&spoilt) {
            Err(_) => Ok(()),
            Ok(()) => Err(Failed::from("a figure raised by 1 % went unnoticed")),
        }));
    }
    if let Some(set) = case["sets"].as_object().and_then(|sets| sets.iter().max_by_key(|s| s.1["crc_errors"].as_u64()))
    {
        found.push(measured::sabotage(file, set));
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

/// Checks a column where the row has it.
fn column(row: &Value, key: &str, found: f64, absolute: f64) -> Result<(), Failed> {
    if row[key].is_null() { Ok(()) } else { close(key, found, number(row, key)?, 1e-12, absolute) }
}

fn free_space(row: &Value) -> Result<(), Failed> {
    let found = radio::free_space_db(number(row, "f_hz")?, number(row, "d_3d_m")?);
    close("fspl", found, number(row, "fspl")?, 0.0, 1e-9)?;
    column(row, "ns3_friis", found, 1e-5)
}

/// ns-3's column: exponent 3.2 from 31.5 dB at a metre; ours starts from free space at a metre.
fn log_distance(row: &Value) -> Result<(), Failed> {
    let (f_hz, d_m) = (number(row, "f_hz")?, number(row, "d_3d_m")?);
    let ours = radio::log_distance_db(f_hz, 3.2, d_m) - radio::free_space_db(f_hz, 1.0) + 31.5;
    column(row, "ns3_logdist_n3.2_L0_31.5", ours, 1e-5)
}

fn two_ray(row: &Value) -> Result<(), Failed> {
    let pair = Pair {
        frequency_hz: number(row, "f_hz")?,
        height_a_m: number(row, "h_bs_m")?,
        height_b_m: number(row, "h_ms_m")?,
        ground_m: number(row, "d_ground_m")?,
    };
    close("3-D distance", pair.direct_m(), number(row, "d_3d_m")?, 1e-12, 0.0)?;
    // The case's constant for empty space may differ in its last digits.
    let exact = pair.exact_db(Ground::AVERAGE, Polarisation::Vertical);
    close("two_ray_exact", exact, number(row, "two_ray_exact")?, 0.0, 1e-6)?;
    column(row, "ns3_two_ray", pair.plane_earth_db(), 1e-5)
}

/// The columns are evaluated at the 3-D distance and outside the domain too, as ns-3 does.
fn hata(row: &Value) -> Result<(), Failed> {
    let frequency_hz = number(row, "f_hz")?;
    let (base_m, terminal_m) = (number(row, "h_bs_m")?, number(row, "h_ms_m")?);
    let link = Hata { frequency_hz, base_m, terminal_m, distance_m: number(row, "d_3d_m")? };
    for (area, ours, ns3) in [
        (Area::SmallCity, "hata_urban", "ns3_hata_urban_small"),
        (Area::Suburban, "hata_suburban", "ns3_hata_suburban"),
        (Area::Open, "hata_open", "ns3_hata_open"),
    ] {
        close(ours, link.loss_db(area), number(row, ours)?, 1e-12, 1e-9)?;
        column(row, ns3, link.loss_db(area), 1e-5)?;
    }
    if let Some(wanted) = row["hata_in_domain"].as_bool() {
        // The file's 3-D distance of a kilometre on the ground is a little more than a kilometre.
        if link.in_domain() != wanted {
            return Err(Failed::from(format!("in_domain is {} for {link:?}", link.in_domain())));
        }
    }
    Ok(())
}

fn p1411(row: &Value) -> Result<(), Failed> {
    let (high_m, low_m) = (number(row, "h_bs_m")?, number(row, "h_ms_m")?);
    let found = StreetLos::new(number(row, "f_hz")?, high_m, low_m, number(row, "d_3d_m")?);
    for (key, value) in [
        ("p1411_lower", found.lower_db),
        ("p1411_median", found.median_db),
        ("p1411_upper", found.upper_db),
        ("p1411_breakpoint_m", found.breakpoint_m),
    ] {
        close(key, value, number(row, key)?, 1e-12, 1e-9)?;
    }
    column(row, "p1411_mean_of_bounds", found.mean_of_bounds_db(), 1e-9)?;
    column(row, "ns3_itu1411_los", found.mean_of_bounds_db(), 1e-5)
}

fn knife_edge(row: &Value) -> Result<(), Failed> {
    let (d1_m, d2_m) = (number(row, "d1_m")?, number(row, "d2_m")?);
    let parameter = edge_parameter(number(row, "f_hz")?, number(row, "h_m")?, d1_m, d2_m);
    close("v", parameter, number(row, "v")?, 1e-12, 1e-12)?;
    close("J_dB", edge_db(parameter), number(row, "J_dB")?, 1e-12, 1e-9)
}

fn slab(row: &Value) -> Result<(), Failed> {
    let material: Material = named(row, "material")?;
    let found = Slab { material, thickness_m: number(row, "thickness_m")? }.loss_db(number(row, "f_hz")?);
    if row["loss_dB"].is_null() {
        // "opaque (>300 Np)"
        let nepers = found / (20.0 * core::f64::consts::LOG10_E);
        return if nepers > 300.0 { Ok(()) } else { Err(Failed::from(format!("{nepers} Np is not opaque"))) };
    }
    close("loss_dB", found, number(row, "loss_dB")?, 1e-9, 1e-9)
}

fn entry(row: &Value) -> Result<(), Failed> {
    let class: Building = named(row, "type")?;
    let elevation_deg = row["elevation_deg"].as_f64().unwrap_or(0.0);
    let found = class.entry_loss_db(number(row, "f_ghz")? * 1e9, number(row, "p")?, elevation_deg);
    close("loss_dB", found, number(row, "loss_dB")?, 1e-9, 1e-9)
}

fn named<T: serde::de::DeserializeOwned>(row: &Value, key: &str) -> Result<T, Failed> {
    T::deserialize(&row[key]).map_err(|e| Failed::from(format!("`{key}`: {e}")))
}

fn noise_floor(row: &Value) -> Result<(), Failed> {
    let found = radio::noise_floor_dbm(number(row, "bw_hz")?, number(row, "nf_db")?);
    // kT at 290 K is −173.975 dBm/Hz; many tables round it to −174.
    close("noise floor", found, number(row, "n_dBm")?, 0.0, 0.03)
}

fn fsk(row: &Value) -> Result<(), Failed> {
    let ber = radio::fsk_ber_of_index(number(row, "h")?, number(row, "ebn0_db")?);
    close("ber", ber, number(row, "ber")?, 1e-9, 0.0)?;
    let octets = row["psdu_octets"].as_u64().ok_or("`psdu_octets`")?;
    close("per", radio::packet_error(ber, usize::try_from(octets)?), number(row, "per")?, 1e-9, 1e-15)
}

/// ns-3 takes one less the power of one less: nothing below 1e-16 is left of it.
fn oqpsk(row: &Value) -> Result<(), Failed> {
    let bits = row["bits"].as_u64().ok_or("`bits`")?;
    let ber = radio::phy::oqpsk_ber(number(row, "snr_db")?);
    let found = radio::packet_error(ber, usize::try_from(bits / 8)?);
    close("per", found, number(row, "per")?, 1e-6, 1e-12)
}
