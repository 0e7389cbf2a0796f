//! Feeders and phases: the tree is split where it leaves the source.
//!
//! Every branch at the source is a feeder of its own, or part of one. When there are fewer branches than feeders
//! wanted, or one carries too much, the heaviest is cut at the pole that halves it best, and the part beyond gets its
//! own line from the source, as long as that line is short ([`DETOUR_MAX_M`]).

use super::ground::{Ground, distance};
use super::params::LayoutParams;
use super::tree::Tree;

/// Customers a feeder is meant for when the number of feeders is left open.
const CUSTOMERS_PER_FEEDER: usize = 120;
/// Most feeders when the number is left open.
const FEEDERS_MAX: usize = 6;
/// A feeder of its own needs this share of the mean feeder's load.
const FEEDER_SHARE_MIN: f64 = 0.4;
/// Longest extra line that splitting a branch may cost, metres.
const DETOUR_MAX_M: f64 = 300.0;

/// Feeders, phases and the final order of poles.
pub(super) struct Plan {
    pub(super) feeders: u32,
    /// Poles in the order of the tree, feeder by feeder: parents before children.
    pub(super) order: Vec<usize>,
    /// Place of a pole in that order.
    pub(super) rank: Vec<u32>,
    /// Feeder of each pole.
    pub(super) feeder_of: Vec<u32>,
    /// Phase of each customer.
    pub(super) phase: Vec<u8>,
}

/// Splits the tree into feeders; may add poles for a second line out of the source.
pub(super) fn plan(tree: &mut Tree, ground: &Ground, loads: &[f64], source: [f64; 2], params: &LayoutParams) -> Plan {
    let automatic = tree.customer_pole.len().div_ceil(CUSTOMERS_PER_FEEDER).clamp(1, FEEDERS_MAX);
    let wanted = params.feeders.map_or(automatic, |feeders| feeders as usize);
    for _ in 0..2 * wanted {
        if !split_heaviest(tree, ground, loads, source, params, wanted) {
            break;
        }
    }
    let weights = weights(tree, loads);
    let mut branches: Vec<usize> = (0..tree.at.len()).filter(|&pole| tree.parent[pole].is_none()).collect();
    branches.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
    let mut feeders = wanted.min(branches.len()).max(1);
    let (mut of_branch, mut sums) = share_out(&branches, &weights, feeders);
    // Left to itself, a small branch shares a feeder rather than having one.
    while params.feeders.is_none() && feeders > 1 {
        let mean = sums.iter().sum::<f64>() / feeders as f64;
        if sums.iter().all(|&sum| sum >= FEEDER_SHARE_MIN * mean) {
            break;
        }
        feeders -= 1;
        (of_branch, sums) = share_out(&branches, &weights, feeders);
    }
    number(tree, &branches, &of_branch, feeders as u32)
}

/// Heaviest branch first into the lightest feeder; the feeder of each branch's first pole, and the feeders' loads.
fn share_out(branches: &[usize], weights: &[f64], feeders: usize) -> (Vec<u32>, Vec<f64>) {
    let mut sums = vec![0.0_f64; feeders];
    let mut of_branch = vec![0_u32; weights.len()];
    for &branch in branches {
        let lightest = (0..feeders).min_by(|&a, &b| sums[a].total_cmp(&sums[b]).then(a.cmp(&b))).unwrap_or(0);
        sums[lightest] += weights[branch];
        of_branch[branch] = lightest as u32;
    }
    (of_branch, sums)
}

fn number(tree: &Tree, branches: &[usize], of_branch: &[u32], feeders: u32) -> Plan {
    let children = children(tree);
    let (mut order, mut feeder_of) = (Vec::with_capacity(tree.at.len()), vec![0_u32; tree.at.len()]);
    for feeder in 0..feeders {
        for &branch in branches.iter().filter(|&&branch| of_branch[branch] == feeder) {
            let mut stack = vec![branch];
            while let Some(pole) = stack.pop() {
                feeder_of[pole] = feeder;
                order.push(pole);
                stack.extend(children[pole].iter().rev());
            }
        }
    }
    let mut rank = vec![0_u32; tree.at.len()];
    for (place, &pole) in order.iter().enumerate() {
        rank[pole] = place as u32;
    }
    // Along the line the phases take turns, so that each third of it is balanced, too.
    let mut customers: Vec<usize> = (0..tree.customer_pole.len()).collect();
    customers.sort_by_key(|&c| (rank[tree.customer_pole[c]], c));
    let mut turn = vec![0_u8; feeders as usize];
    let mut phase = vec![0_u8; customers.len()];
    for c in customers {
        let next = &mut turn[feeder_of[tree.customer_pole[c]] as usize];
        phase[c] = *next;
        *next = (*next + 1) % 3;
    }
    Plan { feeders, order, rank, feeder_of, phase }
}

fn children(tree: &Tree) -> Vec<Vec<usize>> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); tree.at.len()];
    for (pole, parent) in tree.parent.iter().enumerate() {
        if let Some(parent) = *parent {
            children[parent].push(pole);
        }
    }
    children
}

/// Load at and beyond each pole.
fn weights(tree: &Tree, loads: &[f64]) -> Vec<f64> {
    let mut weights = vec![0.0; tree.at.len()];
    for (customer, &pole) in tree.customer_pole.iter().enumerate() {
        weights[pole] += loads[customer];
    }
    let children = children(tree);
    let mut order: Vec<usize> = (0..tree.at.len()).filter(|&pole| tree.parent[pole].is_none()).collect();
    let mut next = 0;
    while next < order.len() {
        order.extend(&children[order[next]]);
        next += 1;
    }
    for &pole in order.iter().rev() {
        if let Some(parent) = tree.parent[pole] {
            weights[parent] += weights[pole];
        }
    }
    weights
}

/// Gives the best part of the heaviest branch its own line; says whether it did.
fn split_heaviest(
    tree: &mut Tree,
    ground: &Ground,
    loads: &[f64],
    source: [f64; 2],
    params: &LayoutParams,
    wanted: usize,
) -> bool {
    let weights = weights(tree, loads);
    let branches: Vec<usize> = (0..tree.at.len()).filter(|&pole| tree.parent[pole].is_none()).collect();
    let total: f64 = loads.iter().sum();
    let fair = total / wanted as f64;
    let Some(&heaviest) = branches.iter().max_by(|&&a, &&b| weights[a].total_cmp(&weights[b]).then(b.cmp(&a))) else {
        return false;
    };
    let whole = weights[heaviest];
    if wanted <= 1 || (branches.len() >= wanted && whole <= 1.25 * fair) || whole <= 1.1 * fair {
        return false;
    }
    let within = members(tree, heaviest);
    let mut best: Option<(f64, usize)> = None;
    for pole in within.into_iter().filter(|&pole| pole != heaviest) {
        let detour = distance(source, tree.at[pole]);
        let larger = weights[pole].max(whole - weights[pole]);
        // A hundred metres of line are worth a tenth of the branch's load.
        let cost = larger / whole + detour / 1000.0;
        if detour > DETOUR_MAX_M || cost > 0.95 {
            continue;
        }
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, pole));
        }
    }
    let Some((_, pole)) = best else { return false };
    let target = tree.at[pole];
    let away = distance(source, target);
    let spans = (away / (params.max_span_m * 0.96)).ceil().max(1.0) as u32;
    let mut before: Option<usize> = None;
    for k in 1..spans {
        let share = f64::from(k) / f64::from(spans);
        let straight = [source[0] + (target[0] - source[0]) * share, source[1] + (target[1] - source[1]) * share];
        let from = before.map_or(source, |pole| tree.at[pole]);
        let rest = 1.0 / f64::from(spans - k);
        let next = [straight[0] + (target[0] - straight[0]) * rest, straight[1] + (target[1] - straight[1]) * rest];
        tree.at.push(ground.beside(straight, from, next, params.max_span_m * 0.98));
        tree.parent.push(before);
        before = Some(tree.at.len() - 1);
    }
    let last = before.map_or(source, |pole| tree.at[pole]);
    if distance(last, target) > params.max_span_m {
        tree.at.push([f64::midpoint(last[0], target[0]), f64::midpoint(last[1], target[1])]);
        tree.parent.push(before);
        before = Some(tree.at.len() - 1);
    }
    tree.parent[pole] = before;
    true
}

fn members(tree: &Tree, root: usize) -> Vec<usize> {
    let children = children(tree);
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        found.extend(&children[found[next]]);
        next += 1;
    }
    found
}
