//! Which nodes have two ways to the root: biconnected components (Hopcroft and Tarjan 1973) as a tree of blocks.
//!
//! By Menger's theorem a node has two node-disjoint ways to the root exactly when both lie in one block of at least three
//! nodes. The tree also answers, without looking at the whole graph again, what one more node would change
//! ([`Blocks::gain`]): it welds together the blocks on the tree's paths between those whom it hears.

/// No such node.
pub(super) const NONE: u32 = u32::MAX;

/// What is reached, summed over meters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Score {
    /// Meters with as many disjoint ways as asked for.
    pub(super) served: u32,
    /// Meters with a way at all.
    pub(super) joined: u32,
}

impl Score {
    /// What greedy steps climb: half the way counts.
    pub(super) fn climb(self) -> u32 {
        self.served + self.joined
    }
}

impl std::ops::AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.served += other.served;
        self.joined += other.joined;
    }
}

/// The tree: vertices 0..n, then blocks. Kept and built again: buffers are reused.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    n: usize,
    /// By vertex: meters counted on it.
    meters: Vec<u32>,
    root: u32,
    /// Of a vertex: the block through which the top of its part is reached. Of a block: its vertex nearest to the top.
    parent: Vec<u32>,
    depth: Vec<u32>,
    /// Component: the vertex that it was entered by; [`NONE`] where a node is off.
    top: Vec<u32>,
    /// Of a block: its vertices without the top.
    owned: Vec<u32>,
    /// Of a block: meters among them that are not yet served.
    waiting: Vec<u32>,
    /// Of a component, by its top: meters.
    inhabitants: Vec<u32>,
    disc: Vec<u32>,
    low: Vec<u32>,
    stack: Vec<u32>,
    walk: Vec<(u32, u32)>,
    stamp: Vec<u32>,
    now: u32,
    touched: Vec<u32>,
}

impl Blocks {
    /// Builds the tree of the graph whose rows `row` gives, over nodes that are on, the first `meters` of them meters. Rows
    /// may name nodes that are off.
    pub(super) fn build<'g>(
        &mut self,
        n: usize,
        meters: usize,
        root: usize,
        on: &[bool],
        row: impl Fn(usize) -> [&'g [u32]; 2],
    ) {
        self.build_weighed((0..n).map(|node| u32::from(node < meters)), root, on, row);
    }

    /// The same with so many meters on each vertex.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn build_weighed<'g>(
        &mut self,
        meters: impl IntoIterator<Item = u32>,
        root: usize,
        on: &[bool],
        row: impl Fn(usize) -> [&'g [u32]; 2],
    ) {
        self.meters.clear();
        self.meters.extend(meters);
        let n = self.meters.len();
        self.n = n;
        self.root = root as u32;
        for column in [&mut self.parent, &mut self.top, &mut self.disc] {
            column.clear();
            column.resize(n, NONE);
        }
        self.low.clear();
        self.low.resize(n, 0);
        self.inhabitants.clear();
        self.inhabitants.resize(n, 0);
        self.owned.clear();
        self.waiting.clear();
        let mut clock = 0;
        for start in std::iter::once(root).chain(0..n) {
            if on[start] && self.disc[start] == NONE {
                self.component(start as u32, on, &row, &mut clock);
            }
        }
        self.depths();
    }

    /// Nodes of the root's component are joined; in a block of three or more with the root, served twice.
    pub(super) fn level(&self, node: usize) -> u8 {
        if self.top[node] != self.root {
            return 0;
        }
        1 + u8::from(self.in_root_block(node as u32))
    }

    fn in_root_block(&self, node: u32) -> bool {
        let block = self.parent[node as usize];
        node == self.root
            || block != NONE && self.parent[block as usize] == self.root && self.owned[block as usize - self.n] >= 2
    }

    /// Nodes whose loss cuts meters off, and how many; the worst first.
    pub(super) fn cuts(&self) -> Vec<(usize, u32)> {
        let mut below = vec![0_u32; self.n];
        let mut order: Vec<usize> = (0..self.n).filter(|&node| self.top[node] == self.root).collect();
        order.sort_unstable_by_key(|&node| std::cmp::Reverse(self.depth[node]));
        for &node in &order {
            let block = self.parent[node];
            if block != NONE {
                let above = self.parent[block as usize] as usize;
                below[above] += below[node] + self.meters[node];
            }
        }
        let mut cuts: Vec<(usize, u32)> = order
            .into_iter()
            .filter(|&node| node != self.root as usize && below[node] > 0)
            .map(|node| (node, below[node]))
            .collect();
        cuts.sort_unstable_by_key(|&(node, meters)| (std::cmp::Reverse(meters), node));
        cuts
    }

    /// The sum over meters, for `paths` of 1 or 2 (for more: an upper bound).
    pub(super) fn score(&self, paths: u8) -> Score {
        let mut score = Score::default();
        for (node, &meters) in self.meters.iter().enumerate().filter(|(_, meters)| **meters > 0) {
            let level = self.level(node);
            score.joined += if level >= 1 { meters } else { 0 };
            score.served += if level >= paths.min(2) { meters } else { 0 };
        }
        score
    }

    /// The vertices of each block.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn members(&self) -> Vec<Vec<u32>> {
        let mut members: Vec<Vec<u32>> = self.parent[self.n..].iter().map(|&top| vec![top]).collect();
        for (node, &block) in self.parent[..self.n].iter().enumerate().filter(|(_, block)| **block != NONE) {
            members[block as usize - self.n].push(node as u32);
        }
        members
    }

    /// What a further node that hears these would add.
    ///
    /// Parts that the root did not reach are joined but not served: all their ways lead through the new node. In the
    /// root's part, the blocks between those heard become one; they are served if the root is among them.
    pub(super) fn gain(&mut self, paths: u8, row: &[u32]) -> Score {
        let mut gain = Score::default();
        let mut meet = NONE;
        self.touched.clear();
        for &node in row {
            let top = self.top[node as usize];
            if top == self.root {
                meet = if meet == NONE { node } else { self.common(meet, node) };
            } else if top != NONE && !self.touched.contains(&top) {
                self.touched.push(top);
                gain.joined += self.inhabitants[top as usize];
            }
        }
        if meet == NONE {
            return Score::default();
        }
        let at_root = meet == self.root || meet as usize >= self.n && self.parent[meet as usize] == self.root;
        gain.served = match (paths, at_root) {
            (1, _) => gain.joined,
            (_, true) => self.weld(meet, row),
            (_, false) => 0,
        };
        gain
    }

    /// Meters in the blocks between the heard nodes of the root's part that wait.
    fn weld(&mut self, meet: u32, row: &[u32]) -> u32 {
        self.now += 1;
        self.stamp.resize(self.parent.len(), 0);
        let mut served = 0;
        for &node in row.iter().filter(|&&node| self.top[node as usize] == self.root) {
            let mut at = node;
            while at != meet {
                at = self.parent[at as usize];
                if at as usize >= self.n {
                    if self.stamp[at as usize] == self.now {
                        break;
                    }
                    self.stamp[at as usize] = self.now;
                    served += self.waiting[at as usize - self.n];
                }
            }
        }
        served
    }

    /// Lowest common place of two in the tree.
    fn common(&self, mut a: u32, mut b: u32) -> u32 {
        while a != b {
            if self.depth[a as usize] >= self.depth[b as usize] {
                a = self.parent[a as usize];
            } else {
                b = self.parent[b as usize];
            }
        }
        a
    }

    #[allow(clippy::cast_possible_truncation)]
    fn component<'g>(&mut self, start: u32, on: &[bool], row: &impl Fn(usize) -> [&'g [u32]; 2], clock: &mut u32) {
        self.enter(start, start, clock);
        self.walk.push((start, 0));
        while let Some(&(at, next)) = self.walk.last() {
            let rows = row(at as usize);
            let split = rows[0].len();
            let to = rows[0].get(next as usize).or_else(|| rows[1].get((next as usize).wrapping_sub(split)));
            if let Some(&to) = to {
                if let Some(last) = self.walk.last_mut() {
                    last.1 += 1;
                }
                if !on[to as usize] {
                    continue;
                }
                if self.disc[to as usize] == NONE {
                    self.enter(to, start, clock);
                    self.walk.push((to, 0));
                } else {
                    self.low[at as usize] = self.low[at as usize].min(self.disc[to as usize]);
                }
                continue;
            }
            self.walk.pop();
            let Some(&(above, _)) = self.walk.last() else { break };
            if self.low[at as usize] < self.disc[above as usize] {
                self.low[above as usize] = self.low[above as usize].min(self.low[at as usize]);
            } else {
                self.close(above, at);
            }
        }
        // The start stays on the stack of vertices.
        self.stack.clear();
    }

    fn enter(&mut self, node: u32, start: u32, clock: &mut u32) {
        self.disc[node as usize] = *clock;
        self.low[node as usize] = *clock;
        *clock += 1;
        self.top[node as usize] = start;
        self.stack.push(node);
        self.inhabitants[start as usize] += self.meters[node as usize];
    }

    /// The block below `above`, entered by `child`, is complete.
    #[allow(clippy::cast_possible_truncation)]
    fn close(&mut self, above: u32, child: u32) {
        let block = (self.n + self.owned.len()) as u32;
        let (mut owned, mut meters) = (0, 0);
        while let Some(node) = self.stack.pop() {
            self.parent[node as usize] = block;
            owned += 1;
            meters += self.meters[node as usize];
            if node == child {
                break;
            }
        }
        self.owned.push(owned);
        self.waiting.push(if above == self.root && owned >= 2 { 0 } else { meters });
        self.parent.push(above);
    }

    /// Blocks were closed from below, so their order backwards goes from the tops downwards.
    fn depths(&mut self) {
        self.depth.clear();
        self.depth.resize(self.parent.len(), NONE);
        for node in 0..self.n {
            if self.parent[node] == NONE {
                self.depth[node] = 0;
            }
        }
        // Vertices hang below their block; looked up through it, because a block does not list them.
        for block in (self.n..self.parent.len()).rev() {
            self.depth[block] = 0;
        }
        for at in (self.n..self.parent.len()).rev() {
            self.depth[at] = self.measured(at);
        }
        for node in 0..self.n {
            if self.parent[node] != NONE {
                self.depth[node] = self.depth[self.parent[node] as usize] + 1;
            }
        }
    }

    fn measured(&self, block: usize) -> u32 {
        let top = self.parent[block] as usize;
        match self.parent[top] {
            NONE => 1,
            above => self.depth[above as usize] + 2,
        }
    }
}
