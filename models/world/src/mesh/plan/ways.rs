//! Node-disjoint ways from a node to the root: cheapest first, one augmenting path after another (Menger; Suurballe and
//! Tarjan 1984), each found from the node outwards with the distance to the root as its potential, so that little of the
//! graph is looked at.
//!
//! Entering a node costs its weight: 1 for nodes that are on, [`OFF`] for those that are not, much for places that could
//! be opened. With weights of 1 the sum of hops is the least; whether each way alone keeps a limit is another question
//! (hard in general). [`Finder::within`] therefore looks on, up to a fixed number of tries, where the cheapest pair is too
//! lopsided: what it finds is right, what it does not find may exist in rare cases.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use super::graph::LinkGraph;

/// Weight of a node that cannot be used.
pub(super) const OFF: u32 = u32::MAX;
const FAR: u32 = u32::MAX;
const NONE: u32 = u32::MAX;
/// Steps that are tried where the cheapest pair breaks the hop limit.
const TRIES: u32 = 4000;

/// Buffers, and distances to the root for the nodes that are on.
#[derive(Clone, Debug, Default)]
pub(super) struct Finder {
    root: usize,
    /// Cost from a node to the root, its own weight not counted.
    pub(super) rest: Vec<u32>,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
    /// Reduced cost, then what is left to the root, then the state: of equals the one nearer to the root goes first.
    front: BinaryHeap<Reverse<(u32, u32, u32)>>,
    dist: Vec<u32>,
    before: Vec<u32>,
    touched: Vec<u32>,
    /// By state: what earlier searches have added to its potential.
    shift: Vec<u32>,
    shifted: Vec<u32>,
    next: BTreeMap<u32, u32>,
    last: BTreeMap<u32, u32>,
    firsts: Vec<u32>,
    /// A way that is so much longer than the shortest is of no use.
    most: u32,
}

impl Finder {
    /// Measures every node's cost to the root.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn ground(&mut self, graph: &LinkGraph, root: usize, weight: &[u32]) {
        self.root = root;
        self.rest.clear();
        self.rest.resize(graph.len(), FAR);
        self.rest[root] = 0;
        self.heap.clear();
        self.heap.push(Reverse((0, root as u32)));
        while let Some(Reverse((cost, at))) = self.heap.pop() {
            if cost > self.rest[at as usize] || weight[at as usize] == OFF {
                continue;
            }
            let through = cost + weight[at as usize];
            for &to in graph.row(at as usize) {
                if weight[to as usize] != OFF && through < self.rest[to as usize] {
                    self.rest[to as usize] = through;
                    self.heap.push(Reverse((through, to)));
                }
            }
        }
    }

    /// `paths` disjoint ways of least cost together (without the node, the root last), if there are so many that cost at
    /// most `most`.
    pub(super) fn cheapest(
        &mut self,
        graph: &LinkGraph,
        weight: &[u32],
        from: usize,
        paths: u8,
        most: u32,
    ) -> Option<Vec<Vec<u32>>> {
        self.next.clear();
        self.last.clear();
        self.firsts.clear();
        for &state in &self.shifted {
            self.shift[state as usize] = 0;
        }
        self.shifted.clear();
        self.shift.resize(2 * graph.len(), 0);
        if from == self.root || self.rest.get(from).copied().unwrap_or(FAR) == FAR {
            return None;
        }
        let (mut total, mut longer) = (0_u32, 0);
        for _ in 0..paths {
            self.most = most.saturating_sub(total.saturating_add(self.rest[from]).saturating_add(longer));
            longer += self.augment(graph, weight, from)?;
            total = total.saturating_add(self.rest[from] + longer);
            if total > most {
                return None;
            }
        }
        Some(self.firsts.iter().map(|&first| self.follow(first)).collect())
    }

    /// As [`Finder::cheapest`] with no way longer than `hops`; weights must be 1 or [`OFF`].
    pub(super) fn within(
        &mut self,
        graph: &LinkGraph,
        weight: &mut [u32],
        from: usize,
        paths: u8,
        hops: u16,
    ) -> Option<Vec<Vec<u32>>> {
        let most = u32::from(hops) * u32::from(paths);
        let found = self.cheapest(graph, weight, from, paths, most)?;
        if found.iter().all(|way| way.len() <= usize::from(hops)) {
            return Some(found);
        }
        if paths != 2 {
            return None;
        }
        let mut tries = TRIES;
        self.balanced(graph, weight, &mut vec![], from, hops, &mut tries)
    }

    /// Tries first ways of at most `hops`, shortest detours first, and a shortest second one beside each.
    #[allow(clippy::cast_possible_truncation)]
    fn balanced(
        &self,
        graph: &LinkGraph,
        weight: &mut [u32],
        way: &mut Vec<u32>,
        from: usize,
        hops: u16,
        tries: &mut u32,
    ) -> Option<Vec<Vec<u32>>> {
        let at = way.last().map_or(from, |&node| node as usize);
        let left = u32::from(hops).saturating_sub(way.len() as u32);
        let mut steps: Vec<u32> = graph.row(at).to_vec();
        steps.retain(|&to| weight[to as usize] != OFF && to as usize != from && !way.contains(&to));
        steps.sort_by_key(|&to| (self.rest[to as usize], to));
        for to in steps {
            if self.rest[to as usize] >= left || *tries == 0 {
                break;
            }
            *tries -= 1;
            way.push(to);
            let found = if to as usize == self.root {
                shortest_beside(graph, weight, way, from, self.root, hops).map(|second| vec![way.clone(), second])
            } else {
                self.balanced(graph, weight, way, from, hops, tries)
            };
            if found.is_some() {
                return found;
            }
            way.pop();
        }
        None
    }

    fn follow(&self, first: u32) -> Vec<u32> {
        let mut way = vec![first];
        let mut at = first;
        while at as usize != self.root {
            let Some(&to) = self.next.get(&at) else { break };
            way.push(to);
            at = to;
        }
        way
    }

    /// Potential of a state (node × 2, + 1 for the side that leaves a node on a way).
    fn potential(&self, state: u32) -> u32 {
        self.rest[(state / 2) as usize] + self.shift[state as usize]
    }

    /// One more way; how much longer it is than the shortest.
    #[allow(clippy::cast_possible_truncation)]
    fn augment(&mut self, graph: &LinkGraph, weight: &[u32], from: usize) -> Option<u32> {
        let states = 2 * graph.len();
        for &state in &self.touched {
            self.dist[state as usize] = FAR;
        }
        self.touched.clear();
        self.dist.resize(states, FAR);
        self.before.resize(states, NONE);
        self.front.clear();
        let (source, goal) = (2 * from as u32 + 1, 2 * self.root as u32);
        self.reach(source, 0, NONE);
        let mut arrived = None;
        while let Some(Reverse((cost, _, state))) = self.front.pop() {
            if cost > self.dist[state as usize] {
                continue;
            }
            if state == goal {
                arrived = Some(cost);
                break;
            }
            self.expand(graph, weight, from, state, cost);
        }
        let end = arrived?;
        // Johnson's potentials for the next search: whoever was nearer than the goal moves up by what it is nearer.
        for &state in &self.touched {
            let near = self.dist[state as usize].min(end);
            if near < end {
                self.shift[state as usize] += end - near;
                self.shifted.push(state);
                // A node on no way has one state for both of its sides.
                if state.is_multiple_of(2) && !self.last.contains_key(&(state / 2)) {
                    self.shift[state as usize + 1] += end - near;
                    self.shifted.push(state + 1);
                }
            }
        }
        self.take(from, goal);
        Some(end)
    }

    fn reach(&mut self, state: u32, cost: u32, before: u32) {
        if cost < self.dist[state as usize] && cost <= self.most {
            if self.dist[state as usize] == FAR {
                self.touched.push(state);
            }
            self.dist[state as usize] = cost;
            self.before[state as usize] = before;
            self.front.push(Reverse((cost, self.rest[(state / 2) as usize], state)));
        }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn expand(&mut self, graph: &LinkGraph, weight: &[u32], from: usize, state: u32, cost: u32) {
        let node = state / 2;
        let on_way = node as usize != from && self.last.contains_key(&node);
        let here = i64::from(self.potential(state));
        if on_way && state.is_multiple_of(2) {
            // Entered beside the way that holds this node: only back along it.
            let back = self.last[&node];
            if back as usize != from {
                self.step(state, 2 * back + 1, cost, here, -i64::from(weight[node as usize]));
            }
            return;
        }
        if on_way {
            self.step(state, 2 * node, cost, here, 0);
        }
        let used = if on_way { self.next.get(&node).copied().unwrap_or(NONE) } else { NONE };
        for &to in graph.row(node as usize) {
            let price = weight[to as usize];
            let taken = to == used || node as usize == from && self.firsts.contains(&to);
            if price == OFF || to as usize == from || taken || self.rest[to as usize] == FAR {
                continue;
            }
            self.step(state, 2 * to, cost, here, i64::from(price));
        }
    }

    fn step(&mut self, from: u32, to: u32, cost: u32, here: i64, price: i64) {
        let reduced = price + i64::from(self.potential(to)) - here;
        debug_assert!(reduced >= 0, "potentials: {reduced}");
        let reached = i64::from(cost) + reduced.max(0);
        self.reach(to, u32::try_from(reached).unwrap_or(FAR - 1), from);
    }

    /// Lays the way found over the ways there are; where it goes back along one, they exchange their ends.
    fn take(&mut self, from: usize, goal: u32) {
        let mut steps = Vec::new();
        let mut state = goal;
        while self.before[state as usize] != NONE {
            let before = self.before[state as usize];
            steps.push((before / 2, state / 2, state % 2 == 1));
            state = before;
        }
        for &(node, back, _) in steps.iter().filter(|step| step.2) {
            self.next.remove(&back);
            self.last.remove(&node);
        }
        for &(a, b, _) in steps.iter().filter(|step| !step.2 && step.0 != step.1) {
            if a as usize == from {
                self.firsts.push(b);
            } else {
                self.next.insert(a, b);
            }
            if b as usize != self.root {
                self.last.insert(b, a);
            }
        }
    }
}

/// The shortest way beside another, of at most `hops`.
fn shortest_beside(
    graph: &LinkGraph,
    weight: &[u32],
    way: &[u32],
    from: usize,
    root: usize,
    hops: u16,
) -> Option<Vec<u32>> {
    let mut before: BTreeMap<u32, u32> = BTreeMap::new();
    let source = u32::try_from(from).ok()?;
    let mut front = vec![source];
    for _ in 0..hops {
        let mut next = Vec::new();
        for at in front {
            for &to in graph.row(at as usize) {
                let direct_again = way.len() == 1 && at == source && to as usize == root;
                let taken = to as usize != root && way.contains(&to);
                if weight[to as usize] == OFF || to == source || taken || direct_again || before.contains_key(&to) {
                    continue;
                }
                before.insert(to, at);
                if to as usize == root {
                    let mut found = vec![to];
                    let mut back = at;
                    while back != source {
                        found.push(back);
                        back = *before.get(&back)?;
                    }
                    found.reverse();
                    return Some(found);
                }
                next.push(to);
            }
        }
        front = next;
    }
    None
}
