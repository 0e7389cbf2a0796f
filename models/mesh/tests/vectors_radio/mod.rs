//! Family `radio`, the part that is the MAC's: hopping sequences and contention. Propagation and PHY are `taa-models`'.

use taa_mesh::mac::Eui64;
use taa_mesh::mac::channels::Channels;
use taa_mesh::mac::csma::Csma;
use taa_mesh::mac::hop;
use taa_mesh::mac::phy::oqpsk_success;
use taa_vectors::{Failed, Json, Trial, field};

use crate::channel::{self, Case, Frames};

/// How far our contention curve may lie from ns-3's.
const BOUND: f64 = 0.15;

/// The trials of one file; files of other crates have none.
pub(crate) fn trials(stem: &str, file: &Json, trials: &mut Vec<Trial>) -> Result<(), String> {
    match stem {
        "dh1cf" => {
            each(stem, "unicast", file, trials, hopping);
            each(stem, "broadcast", file, trials, hopping);
        }
        "ns3_lrwpan" => {
            each(stem, "error_model", file, trials, error_model);
            each(stem, "per_vs_distance", file, trials, distance);
            each(stem, "csma_saturated", file, trials, contention);
            each(stem, "csma_poisson_mean_s_each", file, trials, contention);
            for (at, case) in file["performance"].as_array().into_iter().flatten().enumerate() {
                let name = format!("radio::{stem}::performance_{at}_n{}", case["n"]);
                trials.push(taa_vectors::ignored(name, "times a grid whose layout the file does not tell"));
            }
        }
        _ => {}
    }
    Ok(())
}

fn each(stem: &str, list: &str, file: &Json, trials: &mut Vec<Trial>, check: fn(&Json) -> Result<(), Failed>) {
    for (at, case) in file[list].as_array().into_iter().flatten().enumerate() {
        let case = case.clone();
        trials.push(Trial::test(format!("radio::{stem}::{list}_{at}"), move || check(&case)));
    }
}

fn number(case: &Json, name: &str) -> Result<f64, Failed> {
    case[name].as_f64().ok_or_else(|| format!("no number `{name}` in {case}").into())
}

fn hopping(case: &Json) -> Result<(), Failed> {
    let count = number(case, "total_channels")? as u16;
    let channels = Channels::parse(field(case, "allowed")?, count).map_err(|error| error.to_string())?;
    if case["n"].as_u64() != Some(u64::from(channels.len())) {
        return Err(format!("{} channels are allowed, not {}", channels.len(), case["n"]).into());
    }
    let first = number(case, "first_slot")? as u16;
    let of: Option<Eui64> = match case["eui64"].as_str() {
        Some(text) => Some(Eui64(taa_vectors::hex(text)?.try_into().map_err(|_| "not eight octets")?)),
        None => None,
    };
    let bsi = case["bsi"].as_u64().unwrap_or(0) as u16;
    let expected = case["index"].as_array().ok_or("no list `index`")?;
    let hops = case["channel"].as_array().ok_or("no list `channel`")?;
    for (at, (index, channel)) in expected.iter().zip(hops).enumerate() {
        let slot = first.wrapping_add(at as u16);
        let found = match of {
            Some(of) => (hop::unicast_index(slot, of, channels.len()), hop::unicast_channel(slot, of, &channels)),
            None => (hop::broadcast_index(slot, bsi, channels.len()), hop::broadcast_channel(slot, bsi, &channels)),
        };
        if (Some(u64::from(found.0)), Some(u64::from(found.1))) != (index.as_u64(), channel.as_u64()) {
            return Err(format!("slot {slot}: {found:?}, expected {index} and {channel}").into());
        }
    }
    Ok(())
}

fn error_model(case: &Json) -> Result<(), Failed> {
    let ratio = libm::pow(10.0, number(case, "snr_db")? / 10.0);
    let (found, expected) = (1.0 - oqpsk_success(ratio, number(case, "bits")?), number(case, "per")?);
    let bound = 1e-12 + 1e-6 * expected;
    if (found - expected).abs() <= bound { Ok(()) } else { Err(format!("{found}, expected {expected}").into()) }
}

/// The count of frames that came through must be a likely one (four standard deviations) of our share.
fn distance(case: &Json) -> Result<(), Failed> {
    let (sent, got) = (number(case, "success")?, number(case, "rx")?);
    let share = channel::alone(number(case, "pay")? as u32, number(case, "dist")?);
    let bound = 4.0 * libm::sqrt(sent * share * (1.0 - share)) + 0.005 * sent;
    let found = sent * share;
    if (found - got).abs() <= bound { Ok(()) } else { Err(format!("{found:.0} of {sent}, expected {got}").into()) }
}

fn contention(case: &Json) -> Result<(), Failed> {
    let saturated = case["sat"].as_u64() == Some(1);
    let run = Case {
        nodes: number(case, "n")? as usize,
        payload: number(case, "pay")? as u32,
        ack: case["ack"].as_u64() == Some(1),
        mean_s: if saturated { None } else { Some(number(case, "mean_s")?) },
        distance_m: number(case, "dist")?,
        frames: Frames::LR_WPAN,
        run_s: number(case, "simtime")? - 1.0,
        csma: Csma::standard(),
    };
    let found = channel::run(run, 1);
    for (name, found) in [("offered", found.offered), ("rx", found.rx), ("success", found.success)] {
        let expected = number(case, name)?;
        // Both are single runs: small counts scatter by themselves.
        let bound = BOUND * expected + if saturated { 0.0 } else { 3.0 * libm::sqrt(expected) };
        if (found as f64 - expected).abs() > bound {
            return Err(format!("{name} {found}, expected {expected} within {BOUND}").into());
        }
    }
    Ok(())
}
