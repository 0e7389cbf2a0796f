//! How many meters a choice of places serves, over all draws of the air.

use super::{
    Problem,
    blocks::{Blocks, Score},
    graph::LinkGraph,
    shrunk::Shrunk,
    ways::{Finder, OFF},
};

/// Ways that once served a meter: as long as their nodes are on, nothing is searched again.
type Kept = Option<(u32, Vec<u32>)>;

/// Judges choices of places. `work` counts what it looked at, so that a search ends after the same steps everywhere.
pub(super) struct Judge<'p> {
    pub(super) problem: &'p Problem,
    pub(super) paths: u8,
    hops: u16,
    /// Whether ways must keep the hop limit (and be counted one by one), or structure decides alone.
    pub(super) strict: bool,
    /// Links looked at.
    pub(super) work: u64,
    shrunk: Vec<Shrunk>,
    /// By draw and place: links of its node, counted as work.
    links: Vec<Vec<u64>>,
    /// Places of the choice judged last, the root's among them.
    chosen: Vec<usize>,
    over: Vec<Vec<u32>>,
    between: Vec<Vec<u32>>,
    on: Vec<bool>,
    heard: Vec<u32>,
    /// One tree per draw, of the last choice that was judged.
    pub(super) blocks: Vec<Blocks>,
    finder: Finder,
    kept: Vec<Vec<Kept>>,
}

/// A choice: the root's node and which places of relays are taken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) root: usize,
    /// By place (not node), in order.
    pub(super) taken: Vec<bool>,
}

impl Choice {
    pub(super) fn relays(&self) -> impl Iterator<Item = usize> + '_ {
        self.taken.iter().enumerate().filter(|(_, taken)| **taken).map(|(place, _)| place)
    }

    pub(super) fn with(&self, places: &[usize]) -> Self {
        let mut more = self.clone();
        for &place in places {
            more.taken[place] = true;
        }
        more
    }

    pub(super) fn without(&self, places: &[usize]) -> Self {
        let mut less = self.clone();
        for &place in places {
            less.taken[place] = false;
        }
        less
    }
}

impl<'p> Judge<'p> {
    pub(super) fn new(problem: &'p Problem, paths: u8, hops: u16) -> Self {
        let fixed = problem.fixed_nodes();
        let links = |graph: &LinkGraph| (fixed..problem.nodes()).map(|node| graph.row(node).len() as u64).collect();
        let kept = if paths > 2 { vec![vec![None; problem.meters]; problem.draws.len()] } else { Vec::new() };
        Self {
            problem,
            paths,
            hops,
            strict: paths > 2,
            work: 0,
            shrunk: problem.draws.iter().map(|graph| Shrunk::new(problem, graph)).collect(),
            links: problem.draws.iter().map(links).collect(),
            chosen: Vec::new(),
            over: Vec::new(),
            between: Vec::new(),
            on: Vec::new(),
            heard: Vec::new(),
            blocks: vec![Blocks::default(); problem.draws.len()],
            finder: Finder::default(),
            kept,
        }
    }

    /// From now on ways keep the hop limit.
    pub(super) fn demand_hops(&mut self) {
        self.strict = true;
        self.kept = vec![vec![None; self.problem.meters]; self.problem.draws.len()];
    }

    /// Judges a choice.
    pub(super) fn score(&mut self, choice: &Choice) -> Score {
        let mut score = Score::default();
        for draw in 0..self.problem.draws.len() {
            self.build(draw, choice);
            let mut of_draw = self.blocks[draw].score(self.paths);
            if self.strict {
                of_draw = self.scored_strictly(draw, choice);
            }
            score += of_draw;
        }
        score
    }

    /// Who of a draw is served: for the choice judged last.
    pub(super) fn served(&mut self, draw: usize, choice: &Choice) -> Vec<bool> {
        self.build(draw, choice);
        let paths = self.paths;
        let mut served: Vec<bool> =
            (0..self.problem.meters).map(|meter| self.level(draw, meter) >= paths.min(2)).collect();
        if self.strict {
            let _ = self.scored_strictly(draw, choice);
            for (meter, served) in served.iter_mut().enumerate() {
                *served &= self.kept[draw][meter].is_some();
            }
        }
        served
    }

    /// What one more relay would add to the choice judged last; only where structure decides alone.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn gain(&mut self, place: usize) -> Score {
        let mut gain = Score::default();
        for ((shrunk, blocks), links) in self.shrunk.iter().zip(&mut self.blocks).zip(&self.links) {
            self.work += links[place];
            self.heard.clear();
            self.heard.extend_from_slice(shrunk.heard(place));
            let chosen = (shrunk.len() as u32..).zip(&self.chosen);
            self.heard.extend(chosen.filter(|(_, other)| shrunk.are_beside(place, **other)).map(|(vertex, _)| vertex));
            gain += blocks.gain(self.paths, &self.heard);
        }
        gain
    }

    /// Ways of a meter under the choice judged last, up to two.
    fn level(&self, draw: usize, meter: usize) -> u8 {
        self.blocks[draw].level(self.shrunk[draw].vertex_of(meter))
    }

    /// Ways for a meter at the least number of further relays: the places to take.
    pub(super) fn cheapest(&mut self, draw: usize, choice: &Choice, meters: &[usize]) -> Vec<Option<Vec<usize>>> {
        const PRICE: u32 = 10_000;
        let problem = self.problem;
        let graph = &problem.draws[draw];
        let mut weight = self.weights(choice);
        for place in 0..problem.relays {
            if !choice.taken[place] && problem.may_stand(place, choice.root) {
                weight[problem.relay_node(place)] = PRICE;
            }
        }
        self.work += links(graph);
        self.finder.ground(graph, choice.root, &weight);
        let mut found = Vec::with_capacity(meters.len());
        for &meter in meters {
            self.work += links(graph) / 4;
            let ways = self.finder.cheapest(graph, &weight, meter, self.paths, u32::MAX / 4);
            found.push(ways.map(|ways| {
                let new = |node: u32| weight[node as usize] == PRICE;
                let mut places: Vec<usize> =
                    ways.into_iter().flatten().filter(|&node| new(node)).map(|node| problem.place_of(node)).collect();
                places.sort_unstable();
                places
            }));
        }
        found
    }

    /// Fewest hops of all meters that have a way, over all draws.
    pub(super) fn hops_together(&mut self, choice: &Choice) -> u64 {
        let weight = self.weights(choice);
        let mut sum = 0;
        for graph in &self.problem.draws {
            self.work += links(graph);
            self.finder.ground(graph, choice.root, &weight);
            let hops = &self.finder.rest[..self.problem.meters];
            sum += hops.iter().filter(|&&hops| hops != OFF).map(|&hops| u64::from(hops)).sum::<u64>();
        }
        sum
    }

    /// 1 for nodes that are on, [`OFF`] for the others.
    fn weights(&self, choice: &Choice) -> Vec<u32> {
        let problem = self.problem;
        let mut weight = vec![OFF; problem.nodes()];
        weight[..problem.fixed_nodes()].fill(1);
        weight[choice.root] = 1;
        for place in choice.relays() {
            weight[problem.relay_node(place)] = 1;
        }
        weight
    }

    /// The tree of blocks of a draw: what stands for the meters, then the places chosen. Work is counted as if each place's
    /// links and each meter were looked at, so that a search ends where it always did.
    #[allow(clippy::cast_possible_truncation)]
    fn build(&mut self, draw: usize, choice: &Choice) {
        let problem = self.problem;
        let (shrunk, fixed) = (&self.shrunk[draw], problem.fixed_nodes());
        self.chosen.clear();
        self.chosen.extend(choice.relays().chain([choice.root - fixed]));
        let (first, all) = (shrunk.len(), shrunk.len() + self.chosen.len());
        self.work += self.chosen.iter().map(|&place| 2 * self.links[draw][place]).sum::<u64>() + 4 * fixed as u64;
        for rows in [&mut self.over, &mut self.between] {
            rows.iter_mut().for_each(Vec::clear);
        }
        self.over.resize_with(self.over.len().max(first), Vec::new);
        self.between.resize_with(self.between.len().max(self.chosen.len()), Vec::new);
        for (at, &place) in self.chosen.iter().enumerate() {
            for &to in shrunk.heard(place) {
                self.over[to as usize].push((first + at) as u32);
            }
            let beside = |(_, other): &(usize, &usize)| shrunk.are_beside(place, **other);
            for (before, _) in self.chosen[..at].iter().enumerate().filter(beside) {
                self.between[at].push((first + before) as u32);
                self.between[before].push((first + at) as u32);
            }
        }
        self.on.clear();
        self.on.resize(all, true);
        let (over, between, chosen) = (&self.over, &self.between, &self.chosen);
        let rows = |vertex: usize| -> [&[u32]; 2] {
            match vertex.checked_sub(first) {
                None => [shrunk.row(vertex), &over[vertex]],
                Some(at) => [shrunk.heard(chosen[at]), &between[at]],
            }
        };
        let meters = shrunk.meters.iter().copied().chain(chosen.iter().map(|_| 0));
        self.blocks[draw].build_weighed(meters, all - 1, &self.on, rows);
    }

    /// Meters whose ways keep the hop limit, counted one by one; fills `kept`.
    #[allow(clippy::cast_possible_truncation)]
    fn scored_strictly(&mut self, draw: usize, choice: &Choice) -> Score {
        let graph = &self.problem.draws[draw];
        let mut weight = self.weights(choice);
        self.work += links(graph);
        self.finder.ground(graph, choice.root, &weight);
        let near = |meter: &usize| self.finder.rest[*meter] <= u32::from(self.hops);
        let joined = (0..self.problem.meters).filter(near).count() as u32;
        let mut served = 0;
        for meter in 0..self.problem.meters {
            if self.level(draw, meter) < self.paths.min(2) {
                self.kept[draw][meter] = None;
                continue;
            }
            let root = choice.root as u32;
            if let Some((of, nodes)) = &self.kept[draw][meter]
                && *of == root
                && nodes.iter().all(|&node| weight[node as usize] != OFF)
            {
                served += 1;
                continue;
            }
            self.work += links(graph) / 8;
            let ways = self.finder.within(graph, &mut weight, meter, self.paths, self.hops);
            served += u32::from(ways.is_some());
            self.kept[draw][meter] = ways.map(|ways| (root, ways.into_iter().flatten().collect()));
        }
        Score { served, joined }
    }
}

fn links(graph: &LinkGraph) -> u64 {
    (0..graph.len()).map(|node| graph.row(node).len() as u64).sum()
}
