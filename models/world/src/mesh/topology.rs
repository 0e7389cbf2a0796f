//! Links, drawn once: neighbours in a compressed table, and a table of packet success by signal.

use super::{MeshNode, MeshParams};
use crate::{
    draw::NodeKey,
    radio::{self, Budget, RadioParams},
};

/// Costs are ETX × 1024 as integers: sums are exact, ties are ties on every machine.
pub(super) const ETX_ONE: u32 = 1024;

/// Signal-to-noise ratios from this on…
const TABLE_FROM_DB: f64 = -10.0;
/// …in steps of a quarter of a dB…
const TABLE_STEPS_PER_DB: f64 = 4.0;
/// …over 60 dB.
const TABLE_LEN: usize = 240;

/// A link between two nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeshLink {
    /// The node with the lower index.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Received power, dBm.
    pub rssi_dbm: f64,
    /// Above the noise floor, dB.
    pub snr_db: f64,
    /// Error rate of a full frame one way, 0–1.
    pub per: f64,
    /// Expected transmissions (frame and acknowledgement).
    pub etx: f64,
}

/// One direction of a link in the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) to: u32,
    /// Without noise rise.
    pub(super) cost: u32,
    pub(super) snr_db: f32,
}

/// The mesh as it is wired by radio.
#[derive(Clone, Debug)]
pub struct Topology {
    pub(super) params: MeshParams,
    pub(super) airtime_ms_per_octet: f64,
    pub(super) root: usize,
    /// Rank of each node by key: the tie-breaker that knows no index.
    pub(super) rank: Vec<u32>,
    first: Vec<u32>,
    edges: Vec<Edge>,
    /// Success of a full frame one way, by signal.
    success: Vec<f32>,
    noise_floor_dbm: f64,
    /// Reaches the root when all are alive and the noise floor is as it should be.
    pub(super) in_reach: Vec<bool>,
}

impl Topology {
    /// Draws all links. A pair is linked when its expected transmissions stay within `max_etx`; each node keeps its
    /// best `neighbours_max`, and a link stays when either end keeps it. `root` is the border router's index.
    ///
    /// # Panics
    /// When `root` is not an index of `nodes`.
    #[must_use]
    pub fn build(radio: &RadioParams, mesh: &MeshParams, nodes: &[MeshNode], root: usize, seed: u64) -> Self {
        assert!(root < nodes.len(), "root {root} of {} nodes", nodes.len());
        let success = success_table(radio, mesh);
        let mut topology = Self {
            params: mesh.clone(),
            airtime_ms_per_octet: 8.0 / radio.data_rate_kbps,
            root,
            rank: ranks(nodes),
            first: Vec::new(),
            edges: Vec::new(),
            success,
            noise_floor_dbm: radio.noise_floor_dbm(),
            in_reach: Vec::new(),
        };
        let pairs = topology.best_pairs(topology.hearing_pairs(radio, nodes, seed), nodes.len());
        topology.lay(&pairs, nodes.len());
        topology.in_reach = topology.reached(|_, edge| edge.cost != u32::MAX, |_| true);
        topology
    }

    /// Nodes, the root included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rank.len()
    }

    /// Never: a mesh has at least its root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rank.is_empty()
    }

    /// Index of the root.
    #[must_use]
    pub fn root(&self) -> usize {
        self.root
    }

    /// All links, each once, in order of their nodes.
    pub fn links(&self) -> impl Iterator<Item = MeshLink> + '_ {
        (0..self.len()).flat_map(move |a| {
            self.edges_of(a).iter().filter(move |e| e.to as usize > a).map(move |e| {
                let snr_db = f64::from(e.snr_db);
                MeshLink {
                    a,
                    b: e.to as usize,
                    rssi_dbm: snr_db + self.noise_floor_dbm,
                    snr_db,
                    per: 1.0 - f64::from(self.success(e.snr_db)),
                    etx: f64::from(e.cost) / f64::from(ETX_ONE),
                }
            })
        })
    }

    /// The link between two nodes, where there is one.
    #[must_use]
    pub fn link(&self, a: usize, b: usize) -> Option<MeshLink> {
        self.links_of(a).find(|l| l.a == b || l.b == b)
    }

    /// The links of a node.
    pub fn links_of(&self, node: usize) -> impl Iterator<Item = MeshLink> + '_ {
        let row = if node < self.len() { self.edges_of(node) } else { &[] };
        row.iter().map(move |e| {
            let (other, snr_db) = (e.to as usize, f64::from(e.snr_db));
            MeshLink {
                a: node.min(other),
                b: node.max(other),
                rssi_dbm: snr_db + self.noise_floor_dbm,
                snr_db,
                per: 1.0 - f64::from(self.success(e.snr_db)),
                etx: f64::from(e.cost) / f64::from(ETX_ONE),
            }
        })
    }

    pub(super) fn edges_of(&self, node: usize) -> &[Edge] {
        &self.edges[self.first[node] as usize..self.first[node + 1] as usize]
    }

    /// Success of a full frame one way at this signal, 0–1.
    pub(super) fn success(&self, snr_db: f32) -> f32 {
        let x = (f64::from(snr_db) - TABLE_FROM_DB) * TABLE_STEPS_PER_DB;
        if x < 0.0 {
            return 0.0;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let i = x as usize;
        if i + 1 >= TABLE_LEN {
            return self.success[TABLE_LEN - 1];
        }
        #[allow(clippy::cast_possible_truncation)]
        let part = (x - i as f64) as f32;
        self.success[i] * (1.0 - part) + self.success[i + 1] * part
    }

    /// ETX × 1024 of a link whose ends hear with these successes; `u32::MAX` when it is not usable.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn cost(&self, success_there: f32, success_back: f32) -> u32 {
        let both = f64::from(success_there) * f64::from(success_back);
        if both.is_nan() || both * self.params.max_etx < 1.0 {
            return u32::MAX;
        }
        (f64::from(ETX_ONE) / both) as u32
    }

    /// Nodes that the root reaches over edges and nodes that pass.
    pub(super) fn reached(&self, edge: impl Fn(usize, &Edge) -> bool, node: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut seen = vec![false; self.len()];
        if !node(self.root) {
            return seen;
        }
        seen[self.root] = true;
        let mut open = vec![self.root];
        while let Some(at) = open.pop() {
            for e in self.edges_of(at) {
                let to = e.to as usize;
                if !seen[to] && node(to) && edge(at, e) {
                    seen[to] = true;
                    open.push(to);
                }
            }
        }
        seen
    }

    /// Pairs that hear each other, found by a grid of cells as wide as the longest link with three sigma of luck.
    fn hearing_pairs(&self, radio: &RadioParams, nodes: &[MeshNode], seed: u64) -> Vec<(u32, u32, f32)> {
        let least_snr = self.least_snr_db();
        let luck_db = 3.0 * radio.shadowing_sigma_db;
        let budget = Budget::new(radio);
        let reach_m = budget.reach_m(least_snr - luck_db);
        let grid = Grid::new(nodes, reach_m);
        let mut pairs = Vec::new();
        grid.for_each_pair(|a, b| {
            let (x, y) = (&nodes[a], &nodes[b]);
            let mean = budget.link(&x.antenna, &y.antenna, 0.0).snr_db;
            if mean + luck_db < least_snr {
                return;
            }
            #[allow(clippy::cast_possible_truncation)]
            let snr = (mean - radio::shadow_db(radio, seed, x.key, y.key)) as f32;
            if self.cost(self.success(snr), self.success(snr)) != u32::MAX {
                #[allow(clippy::cast_possible_truncation)]
                pairs.push((a.min(b) as u32, a.max(b) as u32, snr));
            }
        });
        pairs
    }

    /// The weakest signal of a usable link.
    #[allow(clippy::cast_possible_truncation)]
    fn least_snr_db(&self) -> f64 {
        let usable = |i: &usize| self.cost(self.success[*i], self.success[*i]) != u32::MAX;
        let i = (0..TABLE_LEN).find(usable).unwrap_or(TABLE_LEN);
        // One step lower: the table is read with interpolation.
        TABLE_FROM_DB + (i as f64 - 1.0) / TABLE_STEPS_PER_DB
    }

    /// Keeps the pairs that are among the best of either end.
    fn best_pairs(&self, mut pairs: Vec<(u32, u32, f32)>, n: usize) -> Vec<(u32, u32, f32)> {
        let rank = |i: u32| self.rank[i as usize];
        let by = |p: &(u32, u32, f32)| (rank(p.0).min(rank(p.1)), rank(p.0).max(rank(p.1)));
        pairs.sort_unstable_by(|p, q| q.2.total_cmp(&p.2).then_with(|| by(p).cmp(&by(q))));
        let mut kept = vec![0_u16; n];
        let most = self.params.neighbours_max;
        pairs.retain(|&(a, b, _)| {
            let wanted = kept[a as usize] < most || kept[b as usize] < most;
            if wanted {
                kept[a as usize] = kept[a as usize].saturating_add(1);
                kept[b as usize] = kept[b as usize].saturating_add(1);
            }
            wanted
        });
        pairs
    }

    /// Writes both directions of all pairs into the compressed table, each row in order of index.
    #[allow(clippy::cast_possible_truncation)]
    fn lay(&mut self, pairs: &[(u32, u32, f32)], n: usize) {
        let mut rows: Vec<Vec<Edge>> = vec![Vec::new(); n];
        for &(a, b, snr_db) in pairs {
            let cost = self.cost(self.success(snr_db), self.success(snr_db));
            rows[a as usize].push(Edge { to: b, cost, snr_db });
            rows[b as usize].push(Edge { to: a, cost, snr_db });
        }
        self.first.push(0);
        for mut row in rows {
            row.sort_unstable_by_key(|e| e.to);
            self.edges.append(&mut row);
            self.first.push(self.edges.len() as u32);
        }
    }
}

#[allow(clippy::cast_possible_truncation)]
fn success_table(radio: &RadioParams, mesh: &MeshParams) -> Vec<f32> {
    let octets = usize::from(mesh.frame_octets) + usize::from(mesh.overhead_octets);
    (0..TABLE_LEN)
        .map(|i| (1.0 - radio::per(radio, TABLE_FROM_DB + i as f64 / TABLE_STEPS_PER_DB, octets)) as f32)
        .collect()
}

#[allow(clippy::cast_possible_truncation)]
fn ranks(nodes: &[MeshNode]) -> Vec<u32> {
    let mut order: Vec<(NodeKey, usize)> = nodes.iter().map(|n| n.key).zip(0..).collect();
    order.sort_unstable();
    let mut rank = vec![0; nodes.len()];
    for (r, (_, i)) in order.into_iter().enumerate() {
        rank[i] = r as u32;
    }
    rank
}

/// Nodes by square cells; pairs are sought in the cell and half of its neighbours.
struct Grid {
    cells: std::collections::BTreeMap<(i32, i32), Vec<usize>>,
}

impl Grid {
    #[allow(clippy::cast_possible_truncation)]
    fn new(nodes: &[MeshNode], cell_m: f64) -> Self {
        let mut cells = std::collections::BTreeMap::<(i32, i32), Vec<usize>>::new();
        for (i, node) in nodes.iter().enumerate() {
            let [x, y] = node.antenna.at_m;
            let cell = (libm::floor(x / cell_m) as i32, libm::floor(y / cell_m) as i32);
            cells.entry(cell).or_default().push(i);
        }
        Self { cells }
    }

    fn for_each_pair(&self, mut each: impl FnMut(usize, usize)) {
        for (&(x, y), here) in &self.cells {
            for (i, &a) in here.iter().enumerate() {
                for &b in &here[i + 1..] {
                    each(a, b);
                }
            }
            for (dx, dy) in [(1, -1), (1, 0), (1, 1), (0, 1)] {
                let Some(there) = self.cells.get(&(x.saturating_add(dx), y.saturating_add(dy))) else { continue };
                for &a in here {
                    for &b in there {
                        each(a, b);
                    }
                }
            }
        }
    }
}
