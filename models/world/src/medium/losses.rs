//! What a meshed medium loses with one router or one feeder.

use super::{
    Site, Traffic,
    tree::{Net, Tree},
};

/// Worst loss of one router: share of the other meters that have no way left, and the most that hang behind one, 0–1.
/// Hops are not counted again: whoever finds another way at all is counted as having one.
pub(super) fn router(net: &Net, tree: &Tree) -> (f64, f64) {
    let nodes = net.rows.len();
    let others = net.meters.saturating_sub(1).max(1) as f64;
    let mut behind = vec![0_usize; nodes];
    for meter in (0..net.meters).filter(|meter| tree.ways[*meter].is_some()) {
        for (_, way) in tree.up(meter) {
            behind[way.parent] += 1;
        }
    }
    let root = net.root();
    let routers = || (0..nodes).filter(|&node| node != root && behind[node] > 0);
    let most = routers().map(|node| behind[node]).max().unwrap_or(0);
    let stranded = routers().map(|node| stranded(net, tree, node)).max().unwrap_or(0);
    (stranded as f64 / others, most as f64 / others)
}

/// Meters that no way is left to when this router is gone.
fn stranded(net: &Net, tree: &Tree, router: usize) -> usize {
    let nodes = net.rows.len();
    let mut waits = vec![false; nodes];
    let mut below = Vec::new();
    for node in (0..nodes).filter(|&node| node != router && tree.ways[node].is_some()) {
        if tree.up(node).any(|(_, way)| way.parent == router) {
            waits[node] = true;
            below.push(node);
        }
    }
    let root = net.root();
    let joined = |node: usize| node != router && (node == root || tree.ways[node].is_some());
    let beside = |&node: &usize| net.links_of(node).any(|(to, _)| joined(to) && !waits[to]);
    let mut open: Vec<usize> = below.iter().copied().filter(beside).collect();
    for &node in &open {
        waits[node] = false;
    }
    while let Some(at) = open.pop() {
        for (to, _) in net.links_of(at) {
            if std::mem::replace(&mut waits[to], false) {
                open.push(to);
            }
        }
    }
    below.into_iter().filter(|&node| node < net.meters && waits[node]).count()
}

/// Who is dark when the largest feeder's breaker opens, by node (the root has its own battery).
pub(super) fn dark(site: &Site) -> Vec<bool> {
    let feeder = site.largest_feeder().map(|largest| largest.0);
    let meters = (0..site.meters.len()).map(|meter| site.feeder(meter));
    let relays = site.relays.iter().map(|relay| Some(relay.feeder));
    let mut dark: Vec<bool> = meters.chain(relays).map(|of| of.is_some() && of == feeder).collect();
    dark.push(false);
    dark
}

/// Share of the lit meters that had a way and have none over `after`; `None` when all are dark.
pub(super) fn lit_without_way(net: &Net, before: &Tree, after: &Tree, dark: &[bool]) -> Option<f64> {
    let lit = (0..net.meters).filter(|&meter| !dark[meter]).count();
    let lost = (0..net.meters)
        .filter(|&meter| !dark[meter] && before.ways[meter].is_some() && after.ways[meter].is_none())
        .count();
    (lit > 0).then(|| lost as f64 / lit as f64)
}

/// How much louder than all others a cry must be to be taken in all the same, dB (assumed: FSK).
const CAPTURE_DB: f64 = 8.0;
/// Lit neighbours that may take a cry, the best ways first.
const LISTENERS: usize = 3;

/// Shares of dark meters whose cry arrives, all at once and each alone: one frame each, in one of so many slots taken at
/// random, heard by up to three lit neighbours and passed on over `after`. `heard` is the share of cries taken in at a ratio
/// of signal to noise.
pub(super) fn gasps(
    net: &Net,
    after: &Tree,
    dark: &[bool],
    slots: u32,
    heard: impl Fn(f64) -> f64,
    traffic: &Traffic,
) -> (f64, f64) {
    let root = net.root();
    let all = (0..net.meters).filter(|&meter| dark[meter]).count();
    if slots == 0 || all == 0 {
        return (0.0, 0.0);
    }
    let (mut together, mut alone) = (0.0, 0.0);
    let miss = 1.0 - 1.0 / f64::from(slots);
    for meter in (0..net.meters).filter(|&meter| dark[meter]) {
        let mut ways: Vec<(f64, usize, f64, f64)> = net
            .links_of(meter)
            .filter(|(to, _)| !dark[*to])
            .filter_map(|(to, hop)| {
                let on = after.ways[to].map(|way| (way.cost_us, way.arrives)).or((to == root).then_some((0.0, 1.0)))?;
                Some((on.0 + hop.reading_us as f64 * traffic.mean_tries(hop.both), to, hop.heard_db, on.1))
            })
            .collect();
        ways.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (mut unheard, mut unheard_alone) = (1.0, 1.0);
        for &(_, listener, heard_db, on) in ways.iter().take(LISTENERS) {
            let one = heard(heard_db) * on;
            let drowning = |&(other, hop): &(usize, &super::tree::Hop)| {
                other != meter && other < net.meters && dark[other] && heard_db < hop.hears_db + CAPTURE_DB
            };
            let others = net.links_of(listener).filter(drowning).count();
            let quiet = libm::pow(miss, others as f64);
            unheard *= 1.0 - one * quiet;
            unheard_alone *= 1.0 - one;
        }
        together += 1.0 - unheard;
        alone += 1.0 - unheard_alone;
    }
    (together / all as f64, alone / all as f64)
}
