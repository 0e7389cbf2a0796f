//! G3-PLC along the village's own lines.

use super::{
    Figures, Losses, Site, Traffic, delays, losses,
    tree::{Hop, Net, Round, Tree},
};
use crate::plc::{Load, Modulation, PlcParams, Run, loadng::LoadngParams};

/// Slowest frames lost at most so often before a slower keying is taken (what the tone map request settles on).
const LOST_AT_MOST: f64 = 0.1;

pub(super) fn figures(params: &PlcParams, load: Load, site: &Site, traffic: &Traffic, seed: u64) -> Figures {
    let wires = Wires::new(site, params, load);
    let links = Links::new(traffic);
    let meters = site.meters.len();
    // The root comes last; relays have no modem.
    let net = Net::new(meters, meters + 1, |a, b| {
        let end = |node: usize| (node < meters).then_some(node);
        links.at(params.snr_db(&wires.run(end(a), end(b)), load))
    });
    let hops_max = u32::from(LoadngParams::default().hops_max).min(u32::from(traffic.mesh.hop_limit));
    let tree = Tree::settle(&net, traffic, hops_max, |_| true);
    let mut dark = losses::dark(site);
    dark.truncate(meters);
    dark.push(false);
    // Behind an open breaker there is no wire to the root. Other feeders do not lead through it.
    let after = Tree::settle(&net, traffic, hops_max, |node| !dark[node]);
    let (without_router, behind_router) = losses::router(&net, &tree);
    let lost = Losses {
        lit_without_way: losses::lit_without_way(&net, &tree, &after, &dark),
        gasps_heard: 0.0,
        gasps_heard_alone: 0.0,
        without_router,
        behind_router,
    };
    let round = Round::of(&net, &tree, traffic);
    // One line for all: no modem speaks while another does. EN 50065-1 limits no utility's time in band A.
    let limits = round.per_hour(true, None);
    let orders = delays::mean_and_p95_s(delays::down(&net, &tree, site, traffic, seed));
    tree.figures(meters, round.readings_s, limits, orders, lost)
}

/// Links by signal-to-noise ratio, in steps.
struct Links {
    by_snr: Vec<Option<Hop>>,
}

impl Links {
    const FROM_DB: f64 = -20.0;
    const STEPS_PER_DB: f64 = 20.0;
    const STEPS: u32 = 2000;

    fn new(traffic: &Traffic) -> Self {
        let by_snr = (0..Self::STEPS)
            .map(|step| {
                let snr_db = Self::FROM_DB + f64::from(step) / Self::STEPS_PER_DB;
                let octets = traffic.framed(traffic.reading_octets);
                let keying = Modulation::fastest(snr_db, octets, LOST_AT_MOST)?;
                Some(hop(keying, snr_db, traffic)).filter(|hop| traffic.usable(hop.both))
            })
            .collect();
        Self { by_snr }
    }

    /// Read at the step below.
    fn at(&self, snr_db: f64) -> Option<Hop> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let step = ((snr_db - Self::FROM_DB) * Self::STEPS_PER_DB) as usize;
        let heard = snr_db >= Self::FROM_DB;
        *self.by_snr.get(step.min(self.by_snr.len() - 1)).filter(|_| heard)?
    }
}

/// Long messages go in several frames.
fn hop(keying: Modulation, snr_db: f64, traffic: &Traffic) -> Hop {
    let most = keying.payload_max_octets();
    let split = |octets: u32| {
        let frames = octets.div_ceil(most).max(1);
        (frames, octets.div_ceil(frames))
    };
    let time = |octets| {
        let (frames, each) = split(traffic.framed(octets));
        u64::from(frames) * keying.airtime_us(each)
    };
    let (frames, each) = split(traffic.framed(traffic.reading_octets));
    // The line is taken as the same both ways; an acknowledgement is a header alone and never the weaker part.
    let both = 1.0 - keying.per(snr_db, each);
    let ack_us = u64::from(frames) * Modulation::ACK_US;
    let (reading_us, order_us) = (time(traffic.reading_octets), time(traffic.order_octets));
    Hop { both, reading_us, order_us, ack_us, heard_db: snr_db, hears_db: snr_db }
}

/// The lines as a tree.
pub(super) struct Wires<'a> {
    site: &'a Site,
    /// By pole: service drops by phase.
    drops: Vec<[u32; 3]>,
    /// By pole: the poles that it feeds.
    next: Vec<Vec<u32>>,
    /// Poles that the busbar feeds.
    first: Vec<u32>,
    /// By pole: what its line takes from a signal that goes by where it branches off, by phase, dB.
    aside_db: Vec<[f64; 3]>,
    /// By pole: what the way to the busbar takes from one that goes from one outgoing line to another.
    up_db: Vec<[f64; 3]>,
    /// By pole: lines to the busbar.
    depth: Vec<u32>,
}

impl<'a> Wires<'a> {
    pub(super) fn new(site: &'a Site, params: &PlcParams, load: Load) -> Self {
        let poles = site.spans.len();
        let mut drops = vec![[0_u32; 3]; poles];
        for meter in &site.meters {
            if let Some(pole) = drops.get_mut(meter.pole as usize) {
                pole[usize::from(meter.phase % 3)] += 1;
            }
        }
        let (mut next, mut first) = (vec![Vec::new(); poles], Vec::new());
        for (pole, span) in (0_u32..).zip(&site.spans) {
            match span.before {
                Some(before) => next[before as usize].push(pole),
                None => first.push(pole),
            }
        }
        // From the busbar outwards.
        let (mut depth, mut order) = (vec![0_u32; poles], first.clone());
        let mut at = 0;
        while let Some(&pole) = order.get(at) {
            for &further in &next[pole as usize] {
                depth[further as usize] = depth[pole as usize] + 1;
                order.push(further);
            }
            at += 1;
        }
        let mut behind = drops.clone();
        let mut all = [0_u32; 3];
        for &pole in order.iter().rev() {
            let here = behind[pole as usize];
            let above = match site.spans[pole as usize].before {
                Some(before) => &mut behind[before as usize],
                None => &mut all,
            };
            for (sum, count) in above.iter_mut().zip(here) {
                *sum += count;
            }
        }
        let db = |count: &[u32; 3]| count.map(|drops| params.branch_db(drops, load));
        let up =
            |count: &[u32; 3]| [0, 1, 2].map(|phase| params.branch_db(all[phase].saturating_sub(count[phase]), load));
        let aside_db = behind.iter().map(db).collect();
        let up_db = behind.iter().map(up).collect();
        Self { site, drops, next, first, aside_db, up_db, depth }
    }

    /// The run between two modems: meters by number, `None` the root at the busbar.
    pub(super) fn run(&self, a: Option<usize>, b: Option<usize>) -> Run {
        let ends = [a, b].map(|end| end.and_then(|meter| self.site.meters.get(meter)));
        let phase_of = |end: usize| ends[end].map(|place| usize::from(place.phase % 3));
        let poles = ends.map(|end| end.map(|place| place.pole));
        let drop_m: f64 = ends.iter().flatten().map(|place| place.drop_m).sum();
        // The root's modem couples to all three phases.
        let phases = [phase_of(0).or(phase_of(1)).unwrap_or(0), phase_of(1).or(phase_of(0)).unwrap_or(0)];
        let mut run = self.along(poles, phases[0]);
        let on = |phase: usize| (0..2).filter(|&end| phase_of(end) == Some(phase)).count();
        run.taps = run.taps.saturating_sub(u32::try_from(on(phases[0])).unwrap_or(0));
        if phases[0] != phases[1] {
            // Where a signal changes over is not known: the phase with more on it counts for all the way.
            let other = self.along(poles, phases[1]);
            run.taps = run.taps.max(other.taps.saturating_sub(u32::try_from(on(phases[1])).unwrap_or(0)));
            run.branches_db = run.branches_db.max(other.branches_db);
            run.other_phase = true;
        }
        run.cable_m += drop_m;
        run
    }

    /// Between two poles (`None`: the busbar) on one phase; all drops on the way are counted, those at its ends too.
    fn along(&self, [a, b]: [Option<u32>; 2], phase: usize) -> Run {
        let mut run = Run::default();
        let mut ends = [a, b];
        // The pole that each side came from.
        let mut from: [Option<u32>; 2] = [None; 2];
        while ends[0] != ends[1] {
            let depth = |end: Option<u32>| end.map_or(-1, |pole| i64::from(self.depth[pole as usize]));
            let side = usize::from(depth(ends[0]) < depth(ends[1]));
            let Some(pole) = ends[side] else { break };
            run.cable_m += self.site.spans[pole as usize].length_m;
            run.taps += self.drops[pole as usize][phase];
            run.branches_db += self.passed_db(pole, from[side], phase);
            from[side] = Some(pole);
            ends[side] = self.site.spans[pole as usize].before;
        }
        match ends[0] {
            // At the busbar every other line draws.
            None => {
                let others = self.first.iter().filter(|&&pole| !from.contains(&Some(pole)));
                run.branches_db += others.map(|&pole| self.aside_db[pole as usize][phase]).sum::<f64>();
            }
            Some(top) => {
                run.taps += self.drops[top as usize][phase];
                run.branches_db += self.turned_db(top, from, phase);
            }
        }
        run
    }

    /// What branches off at a pole where a signal from an outgoing line (`None`: from a drop here) goes on towards the
    /// busbar.
    fn passed_db(&self, pole: u32, from: Option<u32>, phase: usize) -> f64 {
        let lines = self.next[pole as usize].iter().filter(|&&next| Some(next) != from);
        let (sum, most) = sum_and_most(lines.map(|&next| self.aside_db[next as usize][phase]));
        // Of a drop's pole the largest line is the line itself, which goes on.
        if from.is_some() { sum } else { sum - most }
    }

    /// The same where it turns round to another outgoing line or ends in a drop here.
    fn turned_db(&self, pole: u32, from: [Option<u32>; 2], phase: usize) -> f64 {
        let lines = self.next[pole as usize].iter().filter(|&&next| !from.contains(&Some(next)));
        let up = std::iter::once(self.up_db[pole as usize][phase]);
        let (sum, most) = sum_and_most(lines.map(|&next| self.aside_db[next as usize][phase]).chain(up));
        if from.iter().all(Option::is_some) { sum } else { sum - most }
    }
}

fn sum_and_most(all: impl Iterator<Item = f64>) -> (f64, f64) {
    all.fold((0.0, 0.0), |(sum, most), one| (sum + one, f64::max(most, one)))
}
