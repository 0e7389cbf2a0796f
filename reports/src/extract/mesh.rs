//! The mesh in figures: its tree folded over the run, what was on the air, and moments worth a replay.

mod chapters;
mod forest;

use std::collections::{BTreeMap, BTreeSet};

use taa_scenarios::model::Scenario;
use taa_sim::records::{MeshStanding, Records};

use self::forest::{Count, Forest};
use super::series::step_ms;
use crate::{
    data::{AirUse, ETX_BOUNDS, IsolatedRow, MeshFigures, TreeCurve},
    words,
};

/// A state of the tree between two changes: from when, and its counts.
pub(super) struct Moment {
    pub(super) from_ms: u64,
    pub(super) count: Count,
}

/// One architecture's mesh; nothing where the run has kept no tree.
pub(super) fn figures(
    scenario: &Scenario,
    records: &Records,
    simulated_ms: u64,
    architectures: usize,
) -> Option<MeshFigures> {
    let table = &records.dodag;
    if table.is_empty() {
        return None;
    }
    let meters = scenario.village.customers.len();
    let nodes = meters + scenario.village.relays.len();
    let mut out = MeshFigures {
        frame: records.mesh.frame,
        meters: u32::try_from(meters).unwrap_or(u32::MAX),
        until_ms: records.mesh.tree_until_ms,
        ..MeshFigures::default()
    };
    let until_ms = out.until_ms.unwrap_or(simulated_ms).min(simulated_ms);
    let moments = fold(records, (meters, nodes), until_ms, &mut out);
    out.isolated = isolated(scenario, records, meters, until_ms);
    links(records, &mut out);
    air(scenario, records, simulated_ms, &mut out);
    out.chapters = chapters::chapters(table, (meters, nodes), &moments, until_ms, architectures);
    Some(out)
}

/// Walks through the tree's life: sums, the curve, and each moment's counts.
fn fold(records: &Records, (meters, nodes): (usize, usize), until_ms: u64, out: &mut MeshFigures) -> Vec<Moment> {
    let table = &records.dodag;
    let step = step_ms(until_ms.max(1));
    let bins = usize::try_from(until_ms.div_ceil(step)).unwrap_or(0);
    let mut curve = Curve::new(step, bins, until_ms);
    let mut forest = Forest::new(meters, nodes);
    let mut moments = Vec::new();
    let mut row = 0;
    while row < table.len() {
        let now_ms = table.time_ms[row];
        while row < table.len() && table.time_ms[row] == now_ms {
            if forest.apply(table.node[row], table.parent[row], table.standing[row]) {
                curve.moved(now_ms);
            }
            row += 1;
        }
        let next_ms = table.time_ms.get(row).copied().unwrap_or(until_ms).min(until_ms);
        let count = forest.count();
        if next_ms > now_ms {
            curve.pass(&count, now_ms, next_ms);
            let ms = next_ms - now_ms;
            out.joining_ms += u64::from(count.joining) * ms;
            out.dark_ms += u64::from(count.dark) * ms;
            out.astray_ms += u64::from(count.astray) * ms;
            if out.hops_ms.len() < count.hops.len() {
                out.hops_ms.resize(count.hops.len(), 0);
            }
            out.hops_ms.iter_mut().zip(&count.hops).for_each(|(sum, n)| *sum += u64::from(*n) * ms);
        }
        moments.push(Moment { from_ms: now_ms, count });
    }
    out.curve = curve.done();
    moments
}

/// Sums by bin while the tree's life is walked through.
struct Curve {
    bins: usize,
    until_ms: u64,
    /// Node-milliseconds.
    sums: [Vec<f64>; 4],
    /// Hops × node-milliseconds.
    hops: Vec<f64>,
    out: TreeCurve,
}

impl Curve {
    fn new(step_ms: u64, bins: usize, until_ms: u64) -> Self {
        let out = TreeCurve { step_ms, hops_max: vec![0; bins], moves: vec![0; bins], ..TreeCurve::default() };
        Self { bins, until_ms, sums: std::array::from_fn(|_| vec![0.0; bins]), hops: vec![0.0; bins], out }
    }

    fn bin(&self, ms: u64) -> Option<usize> {
        usize::try_from(ms / self.out.step_ms).ok().filter(|bin| *bin < self.bins)
    }

    fn moved(&mut self, now_ms: u64) {
        // How it began is no move.
        if let Some(bin) = self.bin(now_ms).filter(|_| now_ms > 0) {
            self.out.moves[bin] += 1;
        }
    }

    fn pass(&mut self, count: &Count, from_ms: u64, until_ms: u64) {
        let hops: u32 = (1..).zip(&count.hops).map(|(hops, n)| hops * n).sum();
        let each = [count.in_tree(), count.joining, count.isolated, count.dark];
        let mut at = from_ms;
        while at < until_ms {
            let Some(bin) = self.bin(at) else { return };
            let end = until_ms.min((bin as u64 + 1) * self.out.step_ms);
            let ms = (end - at) as f64;
            self.sums.iter_mut().zip(each).for_each(|(sum, n)| sum[bin] += f64::from(n) * ms);
            self.hops[bin] += f64::from(hops) * ms;
            self.out.hops_max[bin] = self.out.hops_max[bin].max(count.hops.len() as u32);
            at = end;
        }
    }

    fn done(self) -> TreeCurve {
        let Self { sums, hops, out, until_ms, .. } = self;
        let length = |bin: usize| {
            let from = bin as u64 * out.step_ms;
            (until_ms.min(from + out.step_ms).saturating_sub(from)).max(1) as f64
        };
        let mean = |sums: &[f64]| -> Vec<f64> {
            sums.iter().enumerate().map(|(bin, sum)| (sum / length(bin) * 100.0).round() / 100.0).collect()
        };
        let [in_tree, joining, isolated, dark] = &sums;
        let hops_mean = hops
            .iter()
            .zip(in_tree)
            .map(|(hops, nodes)| if *nodes > 0.0 { (hops / nodes * 100.0).round() / 100.0 } else { 0.0 });
        TreeCurve {
            hops_mean: hops_mean.collect(),
            in_tree: mean(in_tree),
            joining: mean(joining),
            isolated: mean(isolated),
            dark: mean(dark),
            ..out
        }
    }
}

/// Who was cut off for which reason: hours as the run has summed them, spells from the tree.
fn isolated(scenario: &Scenario, records: &Records, meters: usize, until_ms: u64) -> Vec<IsolatedRow> {
    #[derive(Default)]
    struct Reason {
        meters: BTreeSet<u32>,
        longest: (u64, u32),
    }
    let table = &records.dodag;
    let mut since: Vec<Option<(MeshStanding, u64)>> = vec![None; meters];
    let mut reasons: BTreeMap<MeshStanding, Reason> = BTreeMap::new();
    let mut ended = |spell: Option<(MeshStanding, u64)>, meter: u32, now_ms: u64| {
        let Some((why, from_ms)) = spell.filter(|(why, _)| why.is_isolated()) else { return };
        let reason = reasons.entry(why).or_default();
        reason.meters.insert(meter);
        let ms = now_ms.saturating_sub(from_ms);
        if ms > reason.longest.0 {
            reason.longest = (ms, meter);
        }
    };
    for row in 0..table.len() {
        let (node, standing, now_ms) = (table.node[row], table.standing[row], table.time_ms[row]);
        let Some(spell) = since.get_mut(node as usize) else { continue };
        if spell.is_none_or(|(was, _)| was != standing) {
            ended(spell.replace((standing, now_ms)), node, now_ms);
        }
    }
    (0_u32..).zip(since).for_each(|(meter, spell)| ended(spell, meter, until_ms));
    let name = |meter: u32| scenario.village.customers.get(meter as usize).map(|one| one.id.clone());
    let mut rows: Vec<IsolatedRow> = records
        .mesh
        .isolated_ms
        .iter()
        .map(|&(why, node_ms)| {
            let reason = reasons.remove(&why).unwrap_or_default();
            IsolatedRow {
                key: why.name().to_owned(),
                words: words::mesh_standing(why).to_owned(),
                node_ms,
                meters: u32::try_from(reason.meters.len()).unwrap_or(u32::MAX),
                longest_ms: reason.longest.0,
                whose: if reason.longest.0 > 0 { name(reason.longest.1).unwrap_or_default() } else { String::new() },
            }
        })
        .collect();
    rows.sort_by(|a, b| b.node_ms.cmp(&a.node_ms).then_with(|| a.key.cmp(&b.key)));
    rows
}

fn links(records: &Records, out: &mut MeshFigures) {
    let table = &records.links;
    let mut rssi: Vec<f32> = Vec::new();
    for row in 0..table.len() {
        let etx = f64::from(table.etx[row]);
        let class = ETX_BOUNDS.iter().position(|&bound| etx < bound).unwrap_or(ETX_BOUNDS.len());
        if table.in_tree[row] {
            out.links_used[class] += 1;
            rssi.push(table.rssi_dbm[row]);
        } else {
            out.links_spare[class] += 1;
        }
    }
    rssi.sort_by(f32::total_cmp);
    let tenth = |dbm: f32| (f64::from(dbm) * 10.0).round() / 10.0;
    out.rssi_dbm = rssi.first().zip(rssi.get(rssi.len() / 2)).map(|(least, median)| [tenth(*least), tenth(*median)]);
}

fn air(scenario: &Scenario, records: &Records, simulated_ms: u64, out: &mut MeshFigures) {
    let table = &records.mesh_air;
    let bins = usize::try_from(simulated_ms.div_ceil(out.curve.step_ms.max(1))).unwrap_or(0);
    let mut uses: BTreeMap<&str, (u64, u64, Vec<f64>)> = BTreeMap::new();
    for row in 0..table.len() {
        let of = uses.entry(table.purpose[row]).or_insert_with(|| (0, 0, vec![0.0; bins]));
        of.0 += table.frames[row];
        of.1 += table.airtime_us[row];
        // An hour belongs to the bin in which it lies; bins are whole hours.
        let bin = table.time_ms[row].saturating_sub(1) / out.curve.step_ms.max(1);
        if let Some(sum) = usize::try_from(bin).ok().and_then(|bin| of.2.get_mut(bin)) {
            *sum += table.airtime_us[row] as f64;
        }
    }
    let step_us = out.curve.step_ms as f64 * 1000.0;
    let percent = |us: f64| (us / step_us * 1e6).round() / 1e4;
    out.air = uses
        .into_iter()
        .map(|(key, (frames, us, by_bin))| AirUse {
            key: key.to_owned(),
            words: words::air_purpose(key).to_owned(),
            frames,
            airtime_ms: us / 1000,
            percent: by_bin.into_iter().map(percent).collect(),
        })
        .collect();
    out.air.sort_by(|a, b| b.airtime_ms.cmp(&a.airtime_ms).then_with(|| a.key.cmp(&b.key)));
    let run_us = simulated_ms.max(1) as f64 * 1000.0;
    let share = |us: u64| (us as f64 / run_us * 1e7).round() / 1e7;
    out.channels = records.mesh.channel_us.iter().map(|&(channel, us)| (channel, share(us))).collect();
    let most = records.mesh.node_us.iter().enumerate().max_by_key(|&(node, us)| (*us, std::cmp::Reverse(node)));
    out.busiest = most.filter(|(_, us)| **us > 0).map(|(node, us)| (node_name(scenario, node), share(*us)));
}

/// Meters first, then relays, last the data concentrator.
fn node_name(scenario: &Scenario, node: usize) -> String {
    let village = &scenario.village;
    let meters = village.customers.len();
    match village.customers.get(node) {
        Some(customer) => customer.id.clone(),
        None => village.relays.get(node - meters).unwrap_or(&village.dcu).id.clone(),
    }
}
