//! The lines: a minimum spanning tree over source and poles, then fewer poles where that costs nobody his connection.

use super::ground::{Buckets, Ground, distance, service_distance};
use super::params::LayoutParams;
use crate::model::Building;

/// A line over a roof counts as this many metres more.
const ROOF_PENALTY_M: f64 = 25.0;

/// Poles and who feeds whom.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// Positions, metres.
    pub(super) at: Vec<[f64; 2]>,
    /// The pole on the side of the source; `None` at the source itself.
    pub(super) parent: Vec<Option<usize>>,
    /// Pole of each customer.
    pub(super) customer_pole: Vec<usize>,
}

/// Spans the poles.
pub(super) fn span(
    ground: &Ground,
    buildings: &[Building],
    served: &[usize],
    source: [f64; 2],
    poles: Vec<[f64; 2]>,
    params: &LayoutParams,
) -> Tree {
    let mut at = poles;
    let mut parent = minimum(ground, &at, source, params.max_span_m);
    let mut customer_pole = nearest(buildings, served, &at, params.service_max_m);
    // Leaves and mere way-points fall away; what is left is spanned again, until nothing changes.
    for _ in 0..8 {
        let keep = needed(&at, &parent, &customer_pole, source, params.max_span_m);
        if keep.iter().all(|&kept| kept) {
            break;
        }
        at = at.iter().zip(&keep).filter(|(_, kept)| **kept).map(|(&at, _)| at).collect();
        parent = minimum(ground, &at, source, params.max_span_m);
        customer_pole = nearest(buildings, served, &at, params.service_max_m);
    }
    Tree { at, parent, customer_pole }
}

/// Prim's algorithm over all spans of at most `span_max_m`, grown from the source.
fn minimum(ground: &Ground, at: &[[f64; 2]], source: [f64; 2], span_max_m: f64) -> Vec<Option<usize>> {
    let mut buckets = Buckets::default();
    for (i, &pole) in at.iter().enumerate() {
        buckets.insert(pole, i as u32);
    }
    let limit = span_max_m + 1e-9;
    let cost = |a: [f64; 2], b: [f64; 2]| distance(a, b) + ROOF_PENALTY_M * f64::from(ground.crossed(a, b));
    let mut cheapest: Vec<(f64, Option<usize>)> = vec![(f64::INFINITY, None); at.len()];
    let mut queue = std::collections::BinaryHeap::new();
    let mut done = vec![false; at.len()];
    let mut reach =
        |from: [f64; 2], number: Option<usize>, done: &[bool], queue: &mut std::collections::BinaryHeap<Offer>| {
            for i in buckets.near(from, span_max_m) {
                let to = i as usize;
                if done[to] || distance(from, at[to]) > limit {
                    continue;
                }
                let offered = cost(from, at[to]);
                if offered < cheapest[to].0 {
                    cheapest[to] = (offered, number);
                    queue.push(Offer { cost: offered, pole: to, from: number });
                }
            }
        };
    reach(source, None, &done, &mut queue);
    let mut parent = vec![None; at.len()];
    while let Some(Offer { pole, from, .. }) = queue.pop() {
        if std::mem::replace(&mut done[pole], true) {
            continue;
        }
        parent[pole] = from;
        reach(at[pole], Some(pole), &done, &mut queue);
    }
    parent
}

/// A line on offer; the cheapest comes first, ties by the numbers of its ends.
#[derive(PartialEq)]
struct Offer {
    cost: f64,
    pole: usize,
    from: Option<usize>,
}

impl Eq for Offer {}

impl PartialOrd for Offer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Offer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.cost.total_cmp(&self.cost).then(other.pole.cmp(&self.pole)).then(other.from.cmp(&self.from))
    }
}

/// The pole that serves each customer: the nearest.
fn nearest(buildings: &[Building], served: &[usize], at: &[[f64; 2]], service_max_m: f64) -> Vec<usize> {
    let mut buckets = Buckets::default();
    for (i, &pole) in at.iter().enumerate() {
        buckets.insert(pole, i as u32);
    }
    let own = |b: &Building| b.outline_m.iter().map(|&corner| distance(corner, b.at_m)).fold(0.0, f64::max);
    served
        .iter()
        .map(|&b| {
            let building = &buildings[b];
            let mut best = (f64::INFINITY, 0);
            for i in buckets.near(building.at_m, service_max_m + own(building)) {
                let pole = i as usize;
                let away = service_distance(building, at[pole]);
                if away < best.0 || (away <= best.0 && pole < best.1) {
                    best = (away, pole);
                }
            }
            best.1
        })
        .collect()
}

/// Which poles are needed: those with customers, forks, and those without which a span would be too long.
fn needed(
    at: &[[f64; 2]],
    parent: &[Option<usize>],
    customer_pole: &[usize],
    source: [f64; 2],
    span_max_m: f64,
) -> Vec<bool> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); at.len()];
    for (pole, parent) in parent.iter().enumerate() {
        if let Some(parent) = *parent {
            children[parent].push(pole);
        }
    }
    let mut keep = vec![false; at.len()];
    for &pole in customer_pole {
        keep[pole] = true;
    }
    // Where a way-point goes, its neighbours stay for this round, lest two gaps add up.
    let mut fixed = vec![false; at.len()];
    for pole in 0..at.len() {
        if keep[pole] || fixed[pole] {
            keep[pole] = true;
            continue;
        }
        match children[pole].as_slice() {
            [] => {}
            &[child] => {
                let before = parent[pole].map_or(source, |parent| at[parent]);
                keep[pole] = distance(before, at[child]) > span_max_m;
                if !keep[pole] {
                    fixed[child] = true;
                    if let Some(parent) = parent[pole] {
                        fixed[parent] = true;
                        keep[parent] = true;
                    }
                }
            }
            _ => keep[pole] = true,
        }
    }
    keep
}
