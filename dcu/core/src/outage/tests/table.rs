//! Random outages and lost packets against the truth: how much is found, how much is true, how soon, and the indices.

use std::fmt::Write as _;

use super::*;
use crate::outage::{Detection, TrueOutage, claims, detection};

pub(super) struct Drawn(pub(super) u64);

impl Drawn {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// What came of some outages, one after the other.
struct Trial {
    detection: Detection,
    notifications: u64,
    faults: u64,
    saidi_error_permille: i64,
    saifi_error_permille: i64,
}

/// Forty faults in a village of 96: half of them services, the others sections, phases, feeders. Of the gasps
/// `delivered` percent arrive, within a second; of the Power Ups as many; a ping to a lit meter fails one time in twenty.
/// Between faults every meter is read once.
fn trial(delivered: u64, honest: bool) -> Trial {
    trial_of(village(4, 4), delivered, honest, behind)
}

/// The same where `fails` draws who goes dark. Nobody else does, wherever their meters hang.
fn trial_of(
    config: OutageConfig,
    delivered: u64,
    honest: bool,
    fails: impl Fn(&mut Drawn, usize) -> Vec<MeterIx>,
) -> Trial {
    let mut rig = Rig::new(OutageConfig { delivered_percent: u8::try_from(delivered.clamp(5, 95)).unwrap(), ..config });
    let meters = rig.config.meters.len();
    let mut drawn = Drawn(42 + delivered);
    let (mut truth, faults) = (Vec::new(), 40);
    for fault in 1..=faults {
        let dark = fails(&mut drawn, meters);
        let (from, to) = (rig.now + S, rig.now + (400 + drawn.below(3000)) * S);
        truth.extend(dark.iter().map(|meter| TrueOutage { meter: *meter, from_ms: unix_ms(from), to_ms: unix_ms(to) }));
        let mut gasps: Vec<(u64, usize)> = Vec::new();
        for meter in &dark {
            if drawn.below(100) < delivered {
                gasps.push((from + 60 * MS + drawn.below(1000) * MS, meter.at()));
            }
        }
        gasps.sort_unstable();
        let lost = std::cell::Cell::new(drawn.below(u64::MAX));
        let lit = |now: u64, meter: MeterIx| {
            lost.set(lost.get().wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1));
            (!dark.contains(&meter) || now >= to) && !(lost.get() >> 40).is_multiple_of(20)
        };
        for (at, meter) in gasps {
            rig.run(at, lit);
            _ = rig.gasp(meter, fault);
        }
        if !honest {
            // The sabotage: somebody who holds the keys of a section cries wolf.
            for meter in 40..44 {
                rig.counters[meter] += 1000;
                _ = rig.gasp(meter, fault);
            }
        }
        rig.run(to, lit);
        for meter in &dark {
            if drawn.below(100) < delivered {
                let until = rig.now + 100 * MS;
                rig.run(until, lit);
                _ = rig.power_up(meter.at(), fault);
            }
        }
        let until = rig.now + 1800 * S;
        rig.run(until, lit);
        for meter in 0..meters {
            let until = rig.now + 100 * MS;
            rig.run(until, lit);
            rig.answer(MeterIx(u32::try_from(meter).unwrap()));
        }
        let until = rig.now + 600 * S;
        rig.run(until, everybody);
        assert!(rig.outages.open().is_empty(), "all was settled in fault {fault}: {:?}", rig.outages.open());
    }
    judge(&rig, &truth, u64::from(faults))
}

pub(super) fn behind(drawn: &mut Drawn, meters: usize) -> Vec<MeterIx> {
    let size = [1, 1, 4, 16, 48][usize::try_from(drawn.below(5)).unwrap()];
    let first = usize::try_from(drawn.below(u64::try_from(meters / size).unwrap())).unwrap() * size;
    (first..first + size).map(|at| MeterIx(u32::try_from(at).unwrap())).collect()
}

/// Half of the faults are broken poles; with `houses` one meter in eight of each fault stays lit, by a supply of its own.
pub(super) fn behind_with_poles(drawn: &mut Drawn, meters: usize, houses: bool) -> Vec<MeterIx> {
    let mut dark = behind(drawn, meters);
    if drawn.below(2) == 0 {
        let (feeder, section) = (drawn.below(2) * 48, drawn.below(4));
        let full = if section == 3 { 2 } else { 3 };
        let of_phase = |phase: u64| (0..4).map(move |at| feeder + phase * 16 + section * 4 + at);
        let single = (section == 3).then_some(feeder + 2 * 16 + section * 4);
        let all = (0..full).flat_map(of_phase).chain(single);
        dark = all.map(|at| MeterIx(u32::try_from(at).unwrap())).collect();
    }
    let several = dark.len() > 1;
    dark.retain(|_| !houses || !several || drawn.below(8) != 0);
    dark
}

fn judge(rig: &Rig, truth: &[TrueOutage], faults: u64) -> Trial {
    let found = claims(rig.notes.iter().map(|(number, at, note)| (*number, unix_ms(*at), note)));
    let length = |outage: &TrueOutage| outage.to_ms - outage.from_ms;
    let true_ms: i64 = truth.iter().map(length).sum();
    let indices = rig.outages.indices();
    let per = |found: u64, truth: i64| (i64::try_from(found).unwrap() - truth) * 1000 / truth;
    Trial {
        detection: detection(truth, &found, 5000),
        notifications: rig.outages.opened(),
        faults,
        saidi_error_permille: per(indices.sustained_ms, true_ms),
        saifi_error_permille: per(indices.sustained, i64::try_from(truth.len()).unwrap()),
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

#[test]
fn precision_and_recall_by_delivery() {
    let (table, recalls) =
        table("96 meters, 40 faults (services, sections of 4, phases of 16, feeders of 48)", |delivered| {
            trial(delivered, true)
        });
    insta::assert_snapshot!(table);
    assert!(recalls[0] > 0.99, "nothing lost, all found");
}

#[test]
fn precision_and_recall_with_broken_poles_and_houses_that_stay_lit() {
    let poles = village_on_poles(4, 4);
    let (table, recalls) = table(
        "96 meters, 40 faults, half of them broken poles (9 or 12 meters of three phases); behind each fault one meter in \
         eight stays lit",
        |delivered| trial_of(poles.clone(), delivered, true, |drawn, meters| behind_with_poles(drawn, meters, true)),
    );
    insta::assert_snapshot!(table);
    assert!(recalls[0] > 0.99, "nothing lost, all found");
    // The sabotage: who knows nothing of poles tells of each phase by itself.
    let fails = |drawn: &mut Drawn, meters| behind_with_poles(drawn, meters, true);
    let blind = trial_of(village(4, 4), 100, true, fails).notifications;
    let seeing = trial_of(poles, 100, true, fails).notifications;
    assert!(seeing + 20 < blind, "{seeing} notifications, {blind} without");
}

fn table(title: &str, trial: impl Fn(u64) -> Trial) -> (String, Vec<f64>) {
    let mut table = format!(
        "{title}\ngasps that arrive   recall  precision  latency p95  notifications  SAIDI error  SAIFI error\n"
    );
    let mut recalls = Vec::new();
    for delivered in [100, 80, 60, 40, 20, 10] {
        let trial = trial(delivered);
        let Trial { detection, notifications, faults, .. } = &trial;
        let (recall, precision) = (percent(detection.recall()), percent(detection.precision()));
        let latency = detection.latency_p95_s().unwrap_or(0.0);
        let (saidi, saifi) = (trial.saidi_error_permille as f64 / 10.0, trial.saifi_error_permille as f64 / 10.0);
        let told = format!("{notifications} for {faults}");
        writeln!(
            table,
            "{delivered:>15} % {recall:>10} {precision:>10} {latency:>10.1} s {told:>14} {saidi:>+10.1} % {saifi:>+10.1} %"
        )
        .unwrap();
        recalls.push(detection.recall().unwrap());
    }
    (table, recalls)
}

/// The sabotage of the table: whoever holds the keys of four meters and cries wolf brings precision down, so the table
/// would show it.
#[test]
fn false_gasps_show_in_the_precision() {
    let (honest, sabotaged) = (trial(80, true), trial(80, false));
    assert!(sabotaged.detection.precision() < honest.detection.precision().map(|share| share - 0.05));
}
