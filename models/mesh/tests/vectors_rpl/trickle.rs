//! Trickle, interval by interval.

use taa_mesh::trickle::{Fired, Parameters, Trickle};
use taa_vectors::{Failed, Json, Trial};

use super::{each, fraction, number, same};

pub(super) fn cases(stem: &str, file: &Json, trials: &mut Vec<Trial>) {
    each((stem, "trickle"), &file["cases"], trials, check);
}

/// What happened in one interval.
#[derive(Clone, Debug, Default)]
struct Interval {
    start_ns: u64,
    len_ns: u64,
    transmit_ns: u64,
    /// c at the moment to transmit, when it came.
    heard: Option<u32>,
    sent: bool,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times of the file are small")]
fn ns(ms: f64) -> u64 {
    (ms * 1e6 + 0.5) as u64
}

fn times(case: &Json, key: &str) -> Vec<u64> {
    case[key].as_array().into_iter().flatten().filter_map(Json::as_f64).map(ns).collect()
}

fn check(case: &Json) -> Result<(), Failed> {
    let parameters = Parameters {
        interval_min_ns: ns(fraction(case, "Imin_ms")?),
        doublings: u8::try_from(number(case, "doublings")?)?,
        redundancy: u32::try_from(number(case, "k")?)?,
    };
    same("Imax", &parameters.interval_max_ns(), &ns(fraction(case, "Imax_ms")?))?;
    let draws: Vec<f64> = case["u"].as_array().into_iter().flatten().filter_map(Json::as_f64).collect();
    let found = run(parameters, &draws, case)?;
    let wanted = case["events"].as_array().ok_or("no events")?;
    same("intervals", &found.len(), &wanted.len())?;
    for (found, wanted) in found.iter().zip(wanted) {
        let near = |what: &str, found: u64, key: &str| {
            // The file's times are floats of milliseconds: a microsecond covers their rounding.
            let wanted = ns(fraction(wanted, key)?);
            if found.abs_diff(wanted) <= 1_000 { Ok(()) } else { same(what, &found, &wanted) }
        };
        near("start", found.start_ns, "interval_start")?;
        near("I", found.len_ns, "I")?;
        near("t", found.transmit_ns, "t")?;
        same("c", &found.heard.map(u64::from), &wanted["c"].as_u64())?;
        same("tx", &Some(found.sent), &wanted["tx"].as_bool())?;
    }
    Ok(())
}

/// Runs the timer over the receptions of the case.
fn run(parameters: Parameters, draws: &[f64], case: &Json) -> Result<Vec<Interval>, Failed> {
    let until_ns = ns(fraction(case, "until_ms")?);
    let mut received: Vec<(u64, bool)> = times(case, "consistent_at_ms").into_iter().map(|t| (t, true)).collect();
    received.extend(times(case, "inconsistent_at_ms").into_iter().map(|t| (t, false)));
    received.sort_unstable();
    let mut received = received.into_iter().peekable();
    let mut intervals: Vec<Interval> = Vec::new();
    let mut trickle = Trickle::new(parameters);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ u < 1")]
    let chance = |drawn: usize| draws.get(drawn).map_or(0, |u| (u * 2_f64.powi(64)) as u64);
    trickle.start(0, chance(0));
    note(&trickle, &mut intervals);
    while trickle.interval_start_ns() < until_ns {
        let drawn = intervals.len();
        let deadline_ns = trickle.deadline_ns().ok_or("the timer stands still")?;
        if let Some((at_ns, consistent)) = received.next_if(|&(at_ns, _)| at_ns < deadline_ns) {
            if consistent {
                trickle.handle_consistent(at_ns);
            } else if trickle.handle_inconsistent(at_ns, chance(drawn)) {
                note(&trickle, &mut intervals);
            }
            continue;
        }
        let heard = trickle.heard();
        let before = trickle.interval_start_ns();
        let fired = trickle.handle_timeout(deadline_ns, chance(drawn));
        if let Some(last) = intervals.last_mut().filter(|_| fired != Fired::Nothing) {
            last.heard = Some(heard);
            last.sent = fired == Fired::Transmit;
        }
        if trickle.interval_start_ns() != before {
            note(&trickle, &mut intervals);
        }
    }
    intervals.retain(|interval| interval.start_ns < until_ns);
    Ok(intervals)
}

fn note(trickle: &Trickle, intervals: &mut Vec<Interval>) {
    intervals.push(Interval {
        start_ns: trickle.interval_start_ns(),
        len_ns: trickle.interval_ns(),
        transmit_ns: trickle.deadline_ns().unwrap_or(0),
        heard: None,
        sent: false,
    });
}
