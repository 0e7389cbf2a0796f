//! Shortest-ETX routes to the root (Dijkstra), and why a node has none.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::topology::{ETX_ONE, Edge, Topology};
use crate::radio::interferer::Disturbance;

/// What is in the way of the waves besides the links as they were drawn, by node; an empty column disturbs nobody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Air {
    /// Rise of the noise floor where the node listens, dB.
    pub noise_rise_db: Vec<f32>,
    /// Loss around the node (a roof, a wall), dB: weakens what it sends and what it hears.
    pub loss_db: Vec<f32>,
    /// How much of the full leaf is on the trees, 0 (bare) to 1 and, soaked, beyond.
    pub leaves: f32,
}

impl Air {
    fn disturbed(&self) -> bool {
        self.leaves > 0.0 || self.noise_rise_db.iter().chain(&self.loss_db).any(|&db| db > 0.0)
    }

    fn at(column: &[f32], node: usize) -> f32 {
        column.get(node).copied().unwrap_or(0.0).max(0.0)
    }
}

/// Why a node has no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// Not even with all nodes alive and no noise.
    OutOfRange,
    /// There would be one if all nodes were alive.
    ForwarderDark,
    /// There would be one without the noise, losses and leaves of the moment.
    Jammed,
    /// There is one, but longer than the hop limit.
    HopLimit,
    /// The node itself is dark.
    SelfDark,
}

/// Routes of all nodes. Keep it and give it to [`Topology::routes_into`] again: its buffers are reused.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Next hop towards the root; `None` for the root and for nodes without a route.
    pub parent: Vec<Option<u32>>,
    /// Hops to the root; 0 for the root and for nodes without a route.
    pub hops: Vec<u16>,
    /// Expected transmissions to the root; infinite without a route, 0 for the root.
    pub path_etx: Vec<f32>,
    /// Why there is no route; `None` where there is one.
    pub why_not: Vec<Option<NoRoute>>,
    /// Success of a full frame and its acknowledgement on the hop to the parent.
    pub(super) hop_success: Vec<HopSuccess>,
    best: Vec<Best>,
    open: BinaryHeap<Reverse<(u32, u16, u32, u32)>>,
}

/// How often a full frame and its acknowledgement arrive on a hop.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HopSuccess {
    pub(super) clear: f32,
    /// Share of frames that others in the band disturb, and how often these arrive.
    pub(super) disturbed_share: f32,
    pub(super) disturbed: f32,
}

/// The best known way of a node.
#[derive(Clone, Copy, Debug)]
struct Best {
    cost: u32,
    hops: u16,
    parent_rank: u32,
    parent: u32,
    success: HopSuccess,
    settled: bool,
}

const UNSEEN: Best = Best {
    cost: u32::MAX,
    hops: u16::MAX,
    parent_rank: u32::MAX,
    parent: u32::MAX,
    success: HopSuccess { clear: 0.0, disturbed_share: 0.0, disturbed: 0.0 },
    settled: false,
};

impl Routes {
    /// Whether this node reaches the root (the root does).
    #[must_use]
    pub fn has_route(&self, node: usize) -> bool {
        self.why_not.get(node).is_some_and(Option::is_none)
    }

    /// The nodes from here to the root, this one first, the root last; empty without a route.
    pub fn path(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let first = self.has_route(node).then_some(node);
        std::iter::successors(first, |&n| self.parent[n].map(|p| p as usize))
    }
}

impl Topology {
    /// Routes over the nodes that are alive, through this air.
    ///
    /// # Panics
    /// When the columns are not as long as there are nodes.
    #[must_use]
    pub fn routes(&self, alive: &[bool], air: &Air) -> Routes {
        let mut routes = Routes::default();
        self.routes_into(alive, air, &mut routes);
        routes
    }

    /// As [`Topology::routes`], into buffers that are kept.
    ///
    /// Ties: least ETX, then fewest hops, then the parent whose key ranks first.
    ///
    /// # Panics
    /// When the columns are not as long as there are nodes.
    pub fn routes_into(&self, alive: &[bool], air: &Air, routes: &mut Routes) {
        let n = self.len();
        assert_eq!(alive.len(), n, "alive flags");
        let whole = |column: &[f32]| column.is_empty() || column.len() == n;
        assert!(whole(&air.noise_rise_db) && whole(&air.loss_db), "columns of the air");
        let air = (air.disturbed() || !self.others.is_empty()).then_some(air);
        self.shortest(alive, air, routes);
        self.report(alive, routes);
        if routes.best.iter().zip(alive).any(|(b, &up)| up && b.cost == u32::MAX) {
            self.explain(alive, air.is_some(), routes);
        }
    }

    /// Nodes with a way to the root over links as they were drawn, whatever the hop limit.
    #[must_use]
    pub fn reached_through(&self, alive: &[bool]) -> Vec<bool> {
        self.reached(|_, edge| edge.cost != u32::MAX, |node| alive[node])
    }

    fn shortest(&self, alive: &[bool], air: Option<&Air>, routes: &mut Routes) {
        routes.best.clear();
        routes.best.resize(self.len(), UNSEEN);
        routes.open.clear();
        if !alive[self.root] {
            return;
        }
        #[allow(clippy::cast_possible_truncation)]
        let root = self.root as u32;
        routes.best[self.root] = Best { cost: 0, hops: 0, ..UNSEEN };
        routes.open.push(Reverse((0, 0, self.rank[self.root], root)));
        while let Some(Reverse((cost, hops, rank, at))) = routes.open.pop() {
            let here = &mut routes.best[at as usize];
            if here.settled || here.cost != cost || here.hops != hops {
                continue;
            }
            here.settled = true;
            for edge in self.edges_of(at as usize) {
                let to = edge.to as usize;
                if !alive[to] || routes.best[to].settled {
                    continue;
                }
                let (step, success) = self.weigh(at as usize, edge, air);
                if step == u32::MAX {
                    continue;
                }
                let found = (cost + step, hops + 1, rank);
                let known = &mut routes.best[to];
                if found < (known.cost, known.hops, known.parent_rank) {
                    let nearer = (found.0, found.1) < (known.cost, known.hops);
                    *known =
                        Best { cost: found.0, hops: found.1, parent_rank: rank, parent: at, success, settled: false };
                    if nearer {
                        routes.open.push(Reverse((found.0, found.1, self.rank[to], edge.to)));
                    }
                }
            }
        }
    }

    /// Cost of an edge and success of frame plus acknowledgement on it, through the air at both ends.
    fn weigh(&self, from: usize, edge: &Edge, air: Option<&Air>) -> (u32, HopSuccess) {
        let Some(air) = air else {
            let clear = self.success(edge.back_db) * self.success(edge.there_db);
            return (edge.cost, HopSuccess { clear, ..HopSuccess::default() });
        };
        let to = edge.to as usize;
        let loss_db = Air::at(&air.loss_db, from) + Air::at(&air.loss_db, to) + edge.leaves_db * air.leaves.max(0.0);
        let here_db = edge.back_db - loss_db - Air::at(&air.noise_rise_db, from);
        let there_db = edge.there_db - loss_db - Air::at(&air.noise_rise_db, to);
        let clear = self.success(here_db) * self.success(there_db);
        let (here, there) = (self.success_at(from, here_db), self.success_at(to, there_db));
        let share = |node: usize| self.others.get(node).map_or(0.0, Disturbance::share);
        // The same burst reaches both ends.
        let disturbed_share = share(from).max(share(to));
        let disturbed = if disturbed_share > 0.0 {
            ((here * there - (1.0 - disturbed_share) * clear) / disturbed_share).clamp(0.0, 1.0)
        } else {
            0.0
        };
        (self.cost(here, there), HopSuccess { clear, disturbed_share, disturbed })
    }

    #[allow(clippy::cast_precision_loss)]
    fn report(&self, alive: &[bool], routes: &mut Routes) {
        let Routes { parent, hops, path_etx, why_not, hop_success, best, .. } = routes;
        parent.clear();
        hops.clear();
        path_etx.clear();
        why_not.clear();
        hop_success.clear();
        for (best, &up) in best.iter().zip(alive) {
            let too_long = best.cost != u32::MAX && best.hops > self.params.hop_limit;
            let routed = best.cost != u32::MAX && !too_long;
            parent.push((routed && best.hops > 0).then_some(best.parent));
            hops.push(if routed { best.hops } else { 0 });
            path_etx.push(if routed { best.cost as f32 / ETX_ONE as f32 } else { f32::INFINITY });
            hop_success.push(best.success);
            why_not.push(match (routed, up, too_long) {
                (true, ..) => None,
                (_, false, _) => Some(NoRoute::SelfDark),
                (_, _, true) => Some(NoRoute::HopLimit),
                _ => Some(NoRoute::OutOfRange),
            });
        }
    }

    /// Tells apart why living nodes have no way at all. The air is named first when quiet alone would help, then dark
    /// forwarders when light alone would help; where both are needed, the dark forwarders.
    fn explain(&self, alive: &[bool], disturbed: bool, routes: &mut Routes) {
        let quiet = if disturbed { self.reached_through(alive) } else { Vec::new() };
        for (i, why) in routes.why_not.iter_mut().enumerate() {
            if *why != Some(NoRoute::OutOfRange) || !self.in_reach[i] {
                continue;
            }
            let jammed = quiet.get(i).copied().unwrap_or(false);
            *why = Some(if jammed { NoRoute::Jammed } else { NoRoute::ForwarderDark });
        }
    }
}
