//! Links, drawn once: neighbours in a compressed table, and a table of packet success by signal.

use super::MeshParams;
use crate::{
    draw::NodeKey,
    radio::{
        RadioParams,
        channels::ChannelPlan,
        interferer::{Disturbance, Interferer},
        village::{LinkDb, Mounted, Stood, VillageRadio},
    },
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
    /// Received power in the weaker direction, over the village's noise floor, dBm.
    pub rssi_dbm: f64,
    /// Above the noise at `b` of what `a` sends, dB.
    pub snr_there_db: f64,
    /// Above the noise at `a` of what `b` sends, dB.
    pub snr_back_db: f64,
    /// What leaves take off both when all are out, dB.
    pub leaves_db: f64,
    /// Error rate of a full frame in the weaker direction, bare trees, 0–1.
    pub per: f64,
    /// Expected transmissions (frame and acknowledgement).
    pub etx: f64,
}

impl MeshLink {
    /// How strong `from`, one of its ends, is heard at the other, dB over the noise there; bare trees.
    #[must_use]
    pub const fn heard_from_db(&self, from: usize) -> f64 {
        if from == self.a { self.snr_there_db } else { self.snr_back_db }
    }

    /// The same as a level, dBm.
    #[must_use]
    pub const fn heard_from_dbm(&self, from: usize) -> f64 {
        self.heard_from_db(from) + self.rssi_dbm - self.snr_there_db.min(self.snr_back_db)
    }

    /// The end that is not this one.
    #[must_use]
    pub const fn other(&self, node: usize) -> usize {
        if self.a == node { self.b } else { self.a }
    }
}

/// One direction of a link in the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) to: u32,
    /// Without noise rise, losses and leaves.
    pub(super) cost: u32,
    /// At the other end, of what this one sends.
    pub(super) there_db: f32,
    /// At this end, of what the other sends.
    pub(super) back_db: f32,
    pub(super) leaves_db: f32,
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
    /// Reaches the root when all are alive, the noise floor is as it should be, and nobody else is in the band.
    pub(super) in_reach: Vec<bool>,
    /// What others in the band do to each node's reception; empty where there are none.
    pub(super) others: Vec<Disturbance>,
}

impl Topology {
    /// Draws all links. A pair is linked when its expected transmissions stay within `max_etx` while the trees are bare;
    /// each node keeps its best `neighbours_max`, and a link stays when either end keeps it. `root` is the border router's
    /// index.
    ///
    /// # Panics
    /// When `root` is not an index of `nodes`.
    #[must_use]
    pub fn build(radio: &RadioParams, mesh: &MeshParams, nodes: &[Mounted], root: usize, seed: u64) -> Self {
        assert!(root < nodes.len(), "root {root} of {} nodes", nodes.len());
        let air = VillageRadio::new(radio, seed);
        let mut topology = Self {
            params: mesh.clone(),
            airtime_ms_per_octet: 8000.0 / f64::from(radio.phy.data_rate_bps()),
            root,
            rank: ranks(nodes),
            first: Vec::new(),
            edges: Vec::new(),
            success: success_table(&air, mesh),
            noise_floor_dbm: air.noise_dbm(),
            in_reach: Vec::new(),
            others: Vec::new(),
        };
        let pairs = topology.best_pairs(topology.hearing_pairs(&air, nodes), nodes.len());
        topology.lay(&pairs, nodes.len());
        topology.in_reach = topology.reached(|_, edge| edge.cost != u32::MAX, |_| true);
        topology
    }

    /// Others in the band: routes and frames feel them, links are still told as they were drawn. `nodes` are those that it
    /// was built from.
    #[must_use]
    pub fn among(mut self, others: &[Interferer], plan: &ChannelPlan, air: &VillageRadio, nodes: &[Mounted]) -> Self {
        let frame_ms = self.airtime_ms(usize::from(self.params.frame_octets));
        let at = |node: &Mounted| {
            let stood = air.stand(node);
            let heard: Vec<_> = others.iter().map(|of| (&of.params, air.heard_dbm(of, &stood))).collect();
            Disturbance::of(&heard, plan, self.noise_floor_dbm, frame_ms)
        };
        let by_node: Vec<Disturbance> = nodes.iter().map(at).collect();
        self.others = if by_node.iter().all(Disturbance::is_none) { Vec::new() } else { by_node };
        self
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
            self.edges_of(a).iter().filter(move |e| e.to as usize > a).map(move |e| self.shown(a, e))
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
        row.iter().map(move |e| self.shown(node, e))
    }

    fn shown(&self, node: usize, edge: &Edge) -> MeshLink {
        let other = edge.to as usize;
        let weaker_db = edge.there_db.min(edge.back_db);
        let forwards = node < other;
        let (there_db, back_db) = if forwards { (edge.there_db, edge.back_db) } else { (edge.back_db, edge.there_db) };
        MeshLink {
            a: node.min(other),
            b: node.max(other),
            rssi_dbm: f64::from(weaker_db) + self.noise_floor_dbm,
            snr_there_db: f64::from(there_db),
            snr_back_db: f64::from(back_db),
            leaves_db: f64::from(edge.leaves_db),
            per: 1.0 - f64::from(self.success(weaker_db)),
            etx: f64::from(edge.cost) / f64::from(ETX_ONE),
        }
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

    /// Success of a full frame at a node at this signal, 0–1, among the others in the band.
    pub(super) fn success_at(&self, node: usize, snr_db: f32) -> f32 {
        match self.others.get(node) {
            Some(others) if !others.is_none() => others.success(snr_db, |snr_db| self.success(snr_db)),
            _ => self.success(snr_db),
        }
    }

    /// Success of one frame with this payload (octets) at a node at this signal, 0–1: what is sent once, without
    /// acknowledgement or retry.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn frame_success(&self, node: usize, snr_db: f64, payload: usize) -> f64 {
        let overhead = usize::from(self.params.overhead_octets);
        let full = usize::from(self.params.frame_octets) + overhead;
        libm::pow(f64::from(self.success_at(node, snr_db as f32)), (payload + overhead) as f64 / full as f64)
    }

    /// Time on the air of one frame with this payload (octets), ms.
    #[must_use]
    pub fn airtime_ms(&self, payload: usize) -> f64 {
        (payload + usize::from(self.params.overhead_octets)) as f64 * self.airtime_ms_per_octet
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
    fn hearing_pairs(&self, air: &VillageRadio, nodes: &[Mounted]) -> Vec<Pair> {
        let spread = &air.params().spread;
        let luck_db = 3.0 * (air.params().shadow.sigma_db + spread.power_sigma_db);
        let most_db = air.params().tx_power_dbm - air.noise_dbm() - self.least_snr_db(air) + luck_db;
        let highest_m = nodes.iter().map(|node| node.height_m).fold(0.0, f64::max);
        let grid = Grid::new(nodes, air.reach_m(most_db, highest_m));
        let stood: Vec<Stood> = nodes.iter().map(|node| air.stand(node)).collect();
        let mut pairs = Vec::new();
        grid.for_each_pair(|a, b| {
            let (a, b) = (a.min(b), a.max(b));
            if air.clear_db(&nodes[a], &nodes[b]) > most_db {
                return;
            }
            let link = air.link(&stood[a], &stood[b]);
            let cost = self.cost(self.success(link.there_db as f32), self.success(link.back_db as f32));
            if cost != u32::MAX {
                pairs.push(Pair { a: a as u32, b: b as u32, cost, link });
            }
        });
        pairs
    }

    /// The weakest signal of a usable link, taken down to the table's next step: the table is read with interpolation.
    fn least_snr_db(&self, air: &VillageRadio) -> f64 {
        let steps = (super::plan::air::least_snr_db(air, &self.params) - TABLE_FROM_DB) * TABLE_STEPS_PER_DB;
        TABLE_FROM_DB + (libm::ceil(steps).clamp(0.0, TABLE_LEN as f64) - 1.0) / TABLE_STEPS_PER_DB
    }

    /// Keeps the pairs that are among the best of either end.
    fn best_pairs(&self, mut pairs: Vec<Pair>, n: usize) -> Vec<Pair> {
        let rank = |i: u32| self.rank[i as usize];
        let by = |p: &Pair| (rank(p.a).min(rank(p.b)), rank(p.a).max(rank(p.b)));
        let weaker = |p: &Pair| p.link.there_db.min(p.link.back_db);
        pairs.sort_unstable_by(|p, q| weaker(q).total_cmp(&weaker(p)).then_with(|| by(p).cmp(&by(q))));
        let mut kept = vec![0_u16; n];
        let most = self.params.neighbours_max;
        pairs.retain(|pair| {
            let (a, b) = (pair.a as usize, pair.b as usize);
            let wanted = kept[a] < most || kept[b] < most;
            if wanted {
                kept[a] = kept[a].saturating_add(1);
                kept[b] = kept[b].saturating_add(1);
            }
            wanted
        });
        pairs
    }

    /// Writes both directions of all pairs into the compressed table, each row in order of index.
    #[allow(clippy::cast_possible_truncation)]
    fn lay(&mut self, pairs: &[Pair], n: usize) {
        let mut rows: Vec<Vec<Edge>> = vec![Vec::new(); n];
        for &Pair { a, b, cost, link } in pairs {
            let (there_db, back_db, leaves_db) = (link.there_db as f32, link.back_db as f32, link.leaves_db as f32);
            rows[a as usize].push(Edge { to: b, cost, there_db, back_db, leaves_db });
            rows[b as usize].push(Edge { to: a, cost, there_db: back_db, back_db: there_db, leaves_db });
        }
        self.first.push(0);
        for mut row in rows {
            row.sort_unstable_by_key(|e| e.to);
            self.edges.append(&mut row);
            self.first.push(self.edges.len() as u32);
        }
    }
}

/// Two nodes that hear each other, `a` the lower index.
#[derive(Clone, Copy, Debug)]
struct Pair {
    a: u32,
    b: u32,
    cost: u32,
    link: LinkDb,
}

fn success_table(air: &VillageRadio, mesh: &MeshParams) -> Vec<f32> {
    let octets = u32::from(mesh.frame_octets) + u32::from(mesh.overhead_octets);
    (0..TABLE_LEN).map(|i| air.success((TABLE_FROM_DB + i as f64 / TABLE_STEPS_PER_DB) as f32, octets)).collect()
}

#[allow(clippy::cast_possible_truncation)]
fn ranks(nodes: &[Mounted]) -> Vec<u32> {
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
    fn new(nodes: &[Mounted], cell_m: f64) -> Self {
        let mut cells = std::collections::BTreeMap::<(i32, i32), Vec<usize>>::new();
        for (i, node) in nodes.iter().enumerate() {
            let [x, y] = node.at_m;
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
