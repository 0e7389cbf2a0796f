//! Where poles stand: a greedy cover that grows outwards from the source, as a line gang would.
//!
//! Candidates are the points of an 8 m raster within reach of a customer and clear of houses. The next pole is the
//! candidate that brings most uncovered customers into reach per pole it costs, counting the poles needed in between
//! when it is farther than a span from those standing. So lines follow rows of houses, and a lonely house is reached
//! last, by a line of its own.

use std::collections::BTreeSet;

use super::ground::{Buckets, Ground, POLE_CLEARANCE_M, distance, service_distance};
use super::params::LayoutParams;
use crate::model::Building;

/// Raster of the candidates, metres.
const RASTER_M: f64 = 8.0;
/// Poles are aimed to reach this share of the longest service drop allowed.
const REACH_SHARE: f64 = 0.75;
/// Rows of poles keep this share below the longest span, so that one can step aside.
const SPAN_SHARE: f64 = 0.96;

/// A place where a pole could stand.
struct Candidate {
    at: [f64; 2],
    /// Customers in reach, with the worth of reaching them from here.
    reaches: Vec<(u32, f64)>,
    /// Worth of those not yet covered.
    gain: f64,
    /// Nearest pole standing: distance and number (`None`: the source).
    nearest: (f64, Option<usize>),
}

/// Places poles so that every served building is in reach of one, each within a span of another or of the source.
pub(super) fn stand(
    ground: &Ground,
    buildings: &[Building],
    served: &[usize],
    source: [f64; 2],
    params: &LayoutParams,
) -> Vec<[f64; 2]> {
    let mut candidates = candidates(ground, buildings, served, source, params);
    // Which candidates reach a customer.
    let mut reached_by: Vec<Vec<u32>> = vec![Vec::new(); served.len()];
    for (k, candidate) in candidates.iter().enumerate() {
        for &(customer, _) in &candidate.reaches {
            reached_by[customer as usize].push(k as u32);
        }
    }
    let mut poles: Vec<[f64; 2]> = Vec::new();
    let mut covered = vec![false; served.len()];
    let spacing = params.pole_spacing_m.min(params.max_span_m * SPAN_SHARE);
    // Those with something left to gain; most candidates fall out early.
    let mut open: Vec<u32> = (0..candidates.len() as u32).collect();
    while let Some(best) = best(&candidates, &mut open, ground, &poles, source, params) {
        let (target, (away, nearest)) = (candidates[best].at, candidates[best].nearest);
        let from = nearest.map_or(source, |pole| poles[pole]);
        let first_new = poles.len();
        row(&mut poles, ground, from, target, away, spacing, params);
        for &at in &poles[first_new..] {
            cover(buildings, served, at, params, &mut covered, &mut candidates, &reached_by);
        }
        // The chosen one is done with, even if rounding left a customer a hair out of reach.
        for (customer, _) in std::mem::take(&mut candidates[best].reaches) {
            take_customer(customer, &mut covered, &mut candidates, &reached_by);
        }
        candidates[best].gain = 0.0;
        for (number, &at) in poles.iter().enumerate().skip(first_new) {
            for &k in &open {
                let candidate = &mut candidates[k as usize];
                let away = distance(candidate.at, at);
                if away < candidate.nearest.0 {
                    candidate.nearest = (away, Some(number));
                }
            }
        }
    }
    poles
}

fn candidates(
    ground: &Ground,
    buildings: &[Building],
    served: &[usize],
    source: [f64; 2],
    params: &LayoutParams,
) -> Vec<Candidate> {
    let reach = (params.service_max_m * REACH_SHARE).min(params.service_max_m - 1.0);
    let mut customers = Buckets::default();
    let mut raster: BTreeSet<(i32, i32)> = BTreeSet::new();
    let mut radius: f64 = 0.0;
    for (c, &b) in served.iter().enumerate() {
        let building = &buildings[b];
        customers.insert(building.at_m, c as u32);
        let own = building.outline_m.iter().map(|&corner| distance(corner, building.at_m)).fold(0.0, f64::max);
        radius = radius.max(own.min(60.0));
        let steps = ((reach + own) / RASTER_M).ceil() as i32;
        let (x, y) = ((building.at_m[0] / RASTER_M).round() as i32, (building.at_m[1] / RASTER_M).round() as i32);
        for dx in -steps..=steps {
            for dy in -steps..=steps {
                raster.insert((x + dx, y + dy));
            }
        }
    }
    let mut found: Vec<Candidate> = Vec::new();
    let mut reachable = vec![false; served.len()];
    for (x, y) in raster {
        let at = [f64::from(x) * RASTER_M, f64::from(y) * RASTER_M];
        let room = ground.clearance(at, 4.0);
        if room < POLE_CLEARANCE_M {
            continue;
        }
        let mut reaches = Vec::new();
        for c in customers.near(at, reach + radius) {
            let building = &buildings[served[c as usize]];
            if distance(building.at_m, at) > reach + radius {
                continue;
            }
            let away = service_distance(building, at);
            if away <= reach {
                // Near is better than far, and a pole well clear of walls better than one beside them.
                reaches.push((c, (1.0 - 0.35 * away / reach) * (0.9 + 0.1 * room / 4.0)));
                reachable[c as usize] = true;
            }
        }
        push(&mut found, at, reaches, source);
    }
    // Walled in on all sides: a pole at the house itself.
    for (c, _) in reachable.iter().enumerate().filter(|(_, reachable)| !**reachable) {
        push(&mut found, buildings[served[c]].at_m, vec![(c as u32, 1.0)], source);
    }
    found
}

fn push(found: &mut Vec<Candidate>, at: [f64; 2], reaches: Vec<(u32, f64)>, source: [f64; 2]) {
    if reaches.is_empty() {
        return;
    }
    let gain = reaches.iter().map(|(_, worth)| worth).sum();
    found.push(Candidate { at, reaches, gain, nearest: (distance(at, source), None) });
}

/// The candidate with the most worth per pole; ties go to the nearer, then to the first.
fn best(
    candidates: &[Candidate],
    open: &mut Vec<u32>,
    ground: &Ground,
    poles: &[[f64; 2]],
    source: [f64; 2],
    params: &LayoutParams,
) -> Option<usize> {
    let worth = |candidate: &Candidate| {
        let spans = (candidate.nearest.0 / (params.max_span_m * SPAN_SHARE)).ceil().max(1.0);
        // A short hop costs a pole all the same; among equals the one that carries on at full spacing reaches farther.
        candidate.gain / spans
    };
    // Lines across roofs are a last resort: the few best are looked at more closely.
    let mut top: Vec<(f64, usize)> = Vec::new();
    open.retain(|&k| candidates[k as usize].gain >= 1e-9);
    for k in open.iter().map(|&k| k as usize) {
        let value = worth(&candidates[k]);
        if top.len() < 12 || top.last().is_some_and(|&(least, _)| value > least) {
            let at = top.partition_point(|&(other, _)| other >= value);
            top.insert(at, (value, k));
            top.truncate(12);
        }
    }
    let mut best: Option<(f64, usize)> = None;
    for (value, k) in top {
        let candidate = &candidates[k];
        let from = candidate.nearest.1.map_or(source, |pole| poles[pole]);
        let roofs = f64::from(ground.crossed(from, candidate.at));
        let value = value / (1.0 + 0.4 * roofs);
        if best.is_none_or(|(most, _)| value > most) {
            best = Some((value, k));
        }
    }
    best.map(|(_, k)| k)
}

/// Poles from a standing one to `target`, none farther apart than a span.
fn row(
    poles: &mut Vec<[f64; 2]>,
    ground: &Ground,
    from: [f64; 2],
    target: [f64; 2],
    away: f64,
    spacing: f64,
    params: &LayoutParams,
) {
    let one_span = away <= params.max_span_m * SPAN_SHARE;
    let spans = if one_span { 1 } else { (away / spacing).ceil().max(2.0) as u32 };
    let mut last = from;
    for k in 1..spans {
        let share = f64::from(k) / f64::from(spans);
        let at = [from[0] + (target[0] - from[0]) * share, from[1] + (target[1] - from[1]) * share];
        let rest = 1.0 / f64::from(spans - k);
        let next = [at[0] + (target[0] - at[0]) * rest, at[1] + (target[1] - at[1]) * rest];
        last = ground.beside(at, last, next, params.max_span_m);
        poles.push(last);
    }
    // A step aside may have left the last span too long; one more pole then.
    if distance(last, target) > params.max_span_m {
        poles.push([f64::midpoint(last[0], target[0]), f64::midpoint(last[1], target[1])]);
    }
    poles.push(target);
}

/// Marks what a new pole reaches, and takes its worth from the other candidates.
fn cover(
    buildings: &[Building],
    served: &[usize],
    at: [f64; 2],
    params: &LayoutParams,
    covered: &mut [bool],
    candidates: &mut [Candidate],
    reached_by: &[Vec<u32>],
) {
    let reach = params.service_max_m * REACH_SHARE;
    for c in 0..served.len() {
        let building = &buildings[served[c]];
        let far = (building.at_m[0] - at[0]).abs() > 120.0 || (building.at_m[1] - at[1]).abs() > 120.0;
        if !covered[c] && !far && service_distance(building, at) <= reach {
            take_customer(c as u32, covered, candidates, reached_by);
        }
    }
}

fn take_customer(customer: u32, covered: &mut [bool], candidates: &mut [Candidate], reached_by: &[Vec<u32>]) {
    let c = customer as usize;
    if std::mem::replace(&mut covered[c], true) {
        return;
    }
    for &k in &reached_by[c] {
        let candidate = &mut candidates[k as usize];
        if let Some(&(_, worth)) = candidate.reaches.iter().find(|(other, _)| *other == customer) {
            candidate.gain = (candidate.gain - worth).max(0.0);
        }
    }
}
