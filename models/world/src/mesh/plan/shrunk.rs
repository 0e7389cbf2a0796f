//! The part of the graph that is always on, shrunk to what a choice of places can tell apart.
//!
//! Meters and standing relays are on under every choice, so their blocks never come apart: places only weld them together.
//! Of a block those nodes matter that lie in another one as well, or that some place hears as its only one there. A place
//! that hears two of a block or more is in one block with it whichever two they are, so it is linked to the same two, its
//! **pair**; all other nodes are counted on the first of the pair, and what is left of a block is joined in a ring. Links
//! that are left out, and those put in, have both ends in one block of what remains: blocks, and so every answer about one
//! or two disjoint ways, are those of the whole graph. A thousand meters that hear hundreds of each other become some dozens
//! of nodes. Lengths of ways are not kept; whoever asks for hops looks at the whole graph.

use super::{
    Problem,
    blocks::{Blocks, NONE},
    graph::LinkGraph,
};

/// The shrunk graph of one draw.
#[derive(Clone, Debug, Default)]
pub(super) struct Shrunk {
    /// By fixed node: the vertex that it is counted on.
    vertex: Vec<u32>,
    /// By vertex: meters counted on it.
    pub(super) meters: Vec<u32>,
    /// By vertex: the others it is linked to.
    rows: Vec<Vec<u32>>,
    /// By place for a relay or the root (in order of nodes): vertices that it hears.
    heard: Vec<Vec<u32>>,
    /// By place: a bit for every other place that it hears.
    beside: Vec<Vec<u64>>,
}

impl Shrunk {
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn new(problem: &Problem, graph: &LinkGraph) -> Self {
        let fixed = problem.fixed_nodes();
        let places = problem.nodes() - fixed;
        let members = Members::of(graph, fixed);
        let mut heard: Vec<Vec<u32>> = Vec::with_capacity(places);
        let mut singles = vec![false; fixed];
        let mut count = vec![0_u32; members.blocks()];
        let mut pairs: Vec<Vec<u32>> = Vec::with_capacity(places);
        for node in fixed..fixed + places {
            let row = || graph.row(node).iter().copied().take_while(|&to| (to as usize) < fixed);
            for block in row().flat_map(|to| members.of_node(to)) {
                count[block] += 1;
            }
            let alone = |to: &u32| members.of_node(*to).all(|block| count[block] < 2);
            heard.push(row().filter(alone).collect());
            let mut twice: Vec<u32> = row()
                .flat_map(|to| members.of_node(to))
                .filter(|&block| count[block] > 1)
                .map(|block| block as u32)
                .collect();
            twice.sort_unstable();
            twice.dedup();
            pairs.push(twice);
            for block in row().flat_map(|to| members.of_node(to)) {
                count[block] = 0;
            }
            for &to in heard.last().into_iter().flatten() {
                singles[to as usize] = true;
            }
        }
        let mut shrunk = Self { vertex: vec![NONE; fixed], ..Self::default() };
        let stand_ins = shrunk.keep(&members, &singles);
        for (heard, twice) in heard.iter_mut().zip(pairs) {
            for to in heard.iter_mut() {
                *to = shrunk.vertex[*to as usize];
            }
            heard.extend(twice.into_iter().flat_map(|block| stand_ins[block as usize]));
            heard.sort_unstable();
            heard.dedup();
        }
        shrunk.meters = vec![0; shrunk.rows.len()];
        for &vertex in &shrunk.vertex[..problem.meters] {
            shrunk.meters[vertex as usize] += 1;
        }
        shrunk.heard = heard;
        shrunk.beside = beside(graph, fixed, places);
        shrunk
    }

    /// Gives the nodes that stay vertices, joins each block's in a ring, and says each block's pair.
    #[allow(clippy::cast_possible_truncation)]
    fn keep(&mut self, members: &Members, singles: &[bool]) -> Vec<[u32; 2]> {
        let fixed = singles.len();
        let stays = |node: u32| singles[node as usize] || members.of_node(node).count() != 1;
        for node in 0..fixed as u32 {
            if stays(node) {
                self.vertex[node as usize] = self.rows.len() as u32;
                self.rows.push(Vec::new());
            }
        }
        let mut pairs = Vec::with_capacity(members.blocks());
        for block in &members.nodes {
            // The first that nothing tells apart stands for all of them.
            let mut ring: Vec<u32> = Vec::new();
            let mut inside = block.iter().copied().filter(|&node| !stays(node)).peekable();
            if inside.peek().is_some() {
                let stand_in = self.rows.len() as u32;
                self.rows.push(Vec::new());
                ring.push(stand_in);
                for node in inside {
                    self.vertex[node as usize] = stand_in;
                }
            }
            ring.extend(block.iter().copied().filter(|&node| stays(node)).map(|node| self.vertex[node as usize]));
            if ring.len() == 1 {
                // A block is two nodes at least: the other one is counted nowhere.
                ring.push(self.rows.len() as u32);
                self.rows.push(Vec::new());
            }
            pairs.push([ring[0], ring[1]]);
            let closed = usize::from(ring.len() > 2);
            for at in 0..ring.len() - 1 + closed {
                let (a, b) = (ring[at], ring[(at + 1) % ring.len()]);
                self.rows[a as usize].push(b);
                self.rows[b as usize].push(a);
            }
        }
        pairs
    }

    /// The vertex that a meter or standing relay is counted on.
    pub(super) fn vertex_of(&self, node: usize) -> usize {
        self.vertex[node] as usize
    }

    /// Vertices.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn row(&self, vertex: usize) -> &[u32] {
        &self.rows[vertex]
    }

    /// Vertices that a place hears; places are numbered from nought in order of their nodes.
    pub(super) fn heard(&self, place: usize) -> &[u32] {
        &self.heard[place]
    }

    /// Whether two places hear each other.
    pub(super) fn are_beside(&self, a: usize, b: usize) -> bool {
        self.beside[a][b / 64] >> (b % 64) & 1 == 1
    }
}

fn beside(graph: &LinkGraph, fixed: usize, places: usize) -> Vec<Vec<u64>> {
    let row = |place: usize| {
        let mut bits = vec![0_u64; places.div_ceil(64)];
        for &to in graph.row(fixed + place).iter().filter(|&&to| to as usize >= fixed) {
            let to = to as usize - fixed;
            bits[to / 64] |= 1 << (to % 64);
        }
        bits
    };
    (0..places).map(row).collect()
}

/// Blocks of the fixed part and who is in them.
struct Members {
    /// By block.
    nodes: Vec<Vec<u32>>,
    /// By node.
    of: Vec<Vec<u32>>,
}

impl Members {
    #[allow(clippy::cast_possible_truncation)]
    fn of(graph: &LinkGraph, fixed: usize) -> Self {
        let rows: Vec<&[u32]> = (0..fixed)
            .map(|node| {
                let row = graph.row(node);
                &row[..row.partition_point(|&to| (to as usize) < fixed)]
            })
            .collect();
        if fixed == 0 {
            return Self { nodes: Vec::new(), of: Vec::new() };
        }
        let mut blocks = Blocks::default();
        blocks.build(fixed, 0, 0, &vec![true; fixed], |node| [rows[node], &[]]);
        let nodes = blocks.members();
        let mut of = vec![Vec::new(); fixed];
        for (block, nodes) in nodes.iter().enumerate() {
            for &node in nodes {
                of[node as usize].push(block as u32);
            }
        }
        Self { nodes, of }
    }

    fn blocks(&self) -> usize {
        self.nodes.len()
    }

    fn of_node(&self, node: u32) -> impl Iterator<Item = usize> + '_ {
        self.of[node as usize].iter().map(|&block| block as usize)
    }
}
