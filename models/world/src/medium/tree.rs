//! Links of a meshed medium, cheapest ways over them, and what those ways cost.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{BUSY_SHARE, Bound, Figures, Losses, Traffic};

/// A link as a route sees it, from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hop {
    /// Frame and acknowledgement both arrive.
    pub(super) both: f64,
    /// A reading's frames on the air once, µs.
    pub(super) reading_us: u64,
    /// An order's, µs.
    pub(super) order_us: u64,
    /// Acknowledgements of a reading, µs.
    pub(super) ack_us: u64,
    /// How loud this end is heard at the other, dB over the noise there.
    pub(super) heard_db: f64,
    /// The same the other way.
    pub(super) hears_db: f64,
}

/// Usable links, both ways. Nodes: meters, relays, the root last.
pub(super) struct Net {
    pub(super) meters: usize,
    pub(super) rows: Vec<Vec<(u32, Hop)>>,
}

impl Net {
    /// Asks once for every pair, the lower node first.
    pub(super) fn new(meters: usize, nodes: usize, link: impl Fn(usize, usize) -> Option<Hop>) -> Self {
        let mut rows: Vec<Vec<(u32, Hop)>> = vec![Vec::new(); nodes];
        for b in 0..nodes {
            for a in 0..b {
                let Some(hop) = link(a, b) else { continue };
                let back = Hop { heard_db: hop.hears_db, hears_db: hop.heard_db, ..hop };
                if let (Ok(to_b), Ok(to_a)) = (u32::try_from(b), u32::try_from(a)) {
                    rows[a].push((to_b, hop));
                    rows[b].push((to_a, back));
                }
            }
        }
        Self { meters, rows }
    }

    pub(super) const fn root(&self) -> usize {
        self.rows.len() - 1
    }

    /// Each node with one it hears and the hop there.
    pub(super) fn links_of(&self, node: usize) -> impl Iterator<Item = (usize, &Hop)> {
        self.rows[node].iter().map(|(to, hop)| (*to as usize, hop))
    }
}

/// A node's way to the root.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Way {
    /// Expected time of a reading, waiting for the channel included, µs.
    pub(super) cost_us: f64,
    /// Share of readings that arrive, all retries used.
    pub(super) arrives: f64,
    pub(super) hops: u32,
    /// Whom it sends to.
    pub(super) parent: usize,
    /// Over which link.
    pub(super) hop: Hop,
}

/// Cheapest ways to the root.
pub(super) struct Tree {
    /// Nothing for who has none, and for the root.
    pub(super) ways: Vec<Option<Way>>,
}

impl Tree {
    /// Dijkstra over the nodes that are on. Who has a way of more hops only has none.
    pub(super) fn settle(net: &Net, traffic: &Traffic, hops_max: u32, on: impl Fn(usize) -> bool) -> Self {
        let mut ways: Vec<Option<Way>> = vec![None; net.rows.len()];
        let mut done = vec![false; net.rows.len()];
        let mut heap = BinaryHeap::new();
        let access_us = traffic.mesh.access_mean_ms * 1000.0;
        // Costs are not negative, so their bits are in order.
        heap.push(Reverse((0_u64, net.root())));
        while let Some(Reverse((_, at))) = heap.pop() {
            if std::mem::replace(&mut done[at], true) {
                continue;
            }
            let (cost_us, arrives, hops) = ways[at].map_or((0.0, 1.0, 0), |way| (way.cost_us, way.arrives, way.hops));
            if hops >= hops_max {
                continue;
            }
            for (to, back) in net.links_of(at).filter(|(to, _)| !done[*to] && on(*to)) {
                let hop = Hop { heard_db: back.hears_db, hears_db: back.heard_db, ..*back };
                let each_us = hop.reading_us as f64 + access_us;
                let cost_us = cost_us + each_us * traffic.mean_tries(hop.both);
                if ways[to].is_none_or(|known| cost_us < known.cost_us) {
                    let arrives = arrives * traffic.arrives(hop.both);
                    ways[to] = Some(Way { cost_us, arrives, hops: hops + 1, parent: at, hop });
                    heap.push(Reverse((cost_us.to_bits(), to)));
                }
            }
        }
        Self { ways }
    }

    /// The hops of a node to the root, its own first.
    pub(super) fn up(&self, node: usize) -> impl Iterator<Item = (usize, &Way)> {
        let step = |at: usize| self.ways[at].as_ref().map(|way| (at, way));
        std::iter::successors(step(node), move |(_, way)| step(way.parent)).take(self.ways.len())
    }
}

/// What a round of readings, one from every meter that has a way, costs; and a round of orders.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    /// Of all, s.
    pub(super) readings_s: f64,
    orders_s: f64,
    /// By node: sending, and sending or being sent to; readings, orders; s.
    sends_s: Vec<[f64; 2]>,
    busy_s: Vec<[f64; 2]>,
    reached: usize,
}

impl Round {
    pub(super) fn of(net: &Net, tree: &Tree, traffic: &Traffic) -> Self {
        let nodes = net.rows.len();
        let mut round = Self { sends_s: vec![[0.0; 2]; nodes], busy_s: vec![[0.0; 2]; nodes], ..Self::default() };
        for meter in (0..net.meters).filter(|meter| tree.ways[*meter].is_some()) {
            round.reached += 1;
            for (node, way) in tree.up(meter) {
                let tries = traffic.mean_tries(way.hop.both);
                let ack_s = way.hop.ack_us as f64 / 1e6;
                let (up_s, down_s) = (tries * way.hop.reading_us as f64 / 1e6, tries * way.hop.order_us as f64 / 1e6);
                round.readings_s += up_s + ack_s;
                round.orders_s += down_s + ack_s;
                // A reading goes up and its acknowledgement down, an order the other way round.
                for (at, [reading_s, order_s]) in [(node, [up_s, ack_s]), (way.parent, [ack_s, down_s])] {
                    round.sends_s[at][0] += reading_s;
                    round.sends_s[at][1] += order_s;
                    round.busy_s[at][0] += up_s + ack_s;
                    round.busy_s[at][1] += down_s + ack_s;
                }
            }
        }
        round
    }

    /// Readings a meter and hour, and what bounds them, then orders an hour. `shared`: one line for all instead of one
    /// air around each node; `duty`: the share of an hour that a node may send.
    pub(super) fn per_hour(&self, shared: bool, duty: Option<f64>) -> (f64, Bound, f64) {
        if self.reached == 0 {
            return (0.0, Bound::Nobody, 0.0);
        }
        let most = |column: &[[f64; 2]], which: usize| column.iter().map(|row| row[which]).fold(0.0, f64::max);
        let busy = |which: usize, all_s: f64| {
            BUSY_SHARE * 3600.0 / (if shared { all_s } else { most(&self.busy_s, which) }).max(1e-9)
        };
        let sent =
            |which: usize| duty.map_or(f64::INFINITY, |duty| duty * 3600.0 / most(&self.sends_s, which).max(1e-9));
        let (carried, allowed) = (busy(0, self.readings_s), sent(0));
        let bound = if carried <= allowed { Bound::Busy } else { Bound::Duty };
        (carried.min(allowed), bound, self.reached as f64 * busy(1, self.orders_s).min(sent(1)))
    }
}

impl Tree {
    /// Puts the figures together.
    pub(super) fn figures(
        &self,
        meters: usize,
        round_s: f64,
        (readings_per_hour_max, bound, orders_per_hour): (f64, Bound, f64),
        (order_mean_s, order_p95_s): (f64, f64),
        lost: Losses,
    ) -> Figures {
        let all = meters.max(1) as f64;
        let reached: Vec<&Way> = self.ways[..meters].iter().flatten().collect();
        let hops: u32 = reached.iter().map(|way| way.hops).sum();
        Figures {
            reached: reached.len() as f64 / all,
            delivered: reached.iter().map(|way| way.arrives).sum::<f64>() / all,
            hops_max: reached.iter().map(|way| way.hops).max().unwrap_or(0),
            hops_mean: f64::from(hops) / reached.len().max(1) as f64,
            round_s,
            readings_per_hour_max,
            bound,
            order_mean_s,
            order_p95_s,
            orders_per_hour,
            lost,
        }
    }
}
