//! How many meters a choice of places serves, over all draws of the air.

use super::{
    Problem,
    blocks::{Blocks, Score},
    sparse::thinned,
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
    thin: Vec<Vec<Vec<u32>>>,
    over: Vec<Vec<u32>>,
    on: Vec<bool>,
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
        let forests = paths.min(2);
        let kept = if paths > 2 { vec![vec![None; problem.meters]; problem.draws.len()] } else { Vec::new() };
        Self {
            problem,
            paths,
            hops,
            strict: paths > 2,
            work: 0,
            thin: problem.draws.iter().map(|graph| thinned(graph, fixed, forests)).collect(),
            over: vec![Vec::new(); fixed],
            on: Vec::new(),
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
            (0..self.problem.meters).map(|meter| self.blocks[draw].level(meter) >= paths.min(2)).collect();
        if self.strict {
            let _ = self.scored_strictly(draw, choice);
            for (meter, served) in served.iter_mut().enumerate() {
                *served &= self.kept[draw][meter].is_some();
            }
        }
        served
    }

    /// What one more relay would add to the choice judged last; only where structure decides alone.
    pub(super) fn gain(&mut self, place: usize) -> Score {
        let node = self.problem.relay_node(place);
        let mut gain = Score::default();
        for (graph, blocks) in self.problem.draws.iter().zip(&mut self.blocks) {
            let row = graph.row(node);
            self.work += row.len() as u64;
            gain += blocks.gain(self.paths, row);
        }
        gain
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

    #[allow(clippy::cast_possible_truncation)]
    fn build(&mut self, draw: usize, choice: &Choice) {
        let problem = self.problem;
        let (graph, fixed) = (&problem.draws[draw], problem.fixed_nodes());
        self.on.clear();
        self.on.resize(problem.nodes(), false);
        self.on[..fixed].fill(true);
        for row in &mut self.over {
            row.clear();
        }
        let chosen = choice.relays().map(|place| problem.relay_node(place)).chain([choice.root]);
        for node in chosen {
            self.on[node] = true;
            let row = graph.row(node);
            self.work += row.len() as u64 * 2;
            for &to in row.iter().take_while(|&&to| (to as usize) < fixed) {
                self.over[to as usize].push(node as u32);
            }
        }
        self.work += 4 * fixed as u64;
        let (thin, over) = (&self.thin[draw], &self.over);
        let rows = |node: usize| -> [&[u32]; 2] {
            if node < fixed { [&thin[node], &over[node]] } else { [graph.row(node), &[]] }
        };
        self.blocks[draw].build(problem.nodes(), problem.meters, choice.root, &self.on, rows);
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
            if self.blocks[draw].level(meter) < self.paths.min(2) {
                self.kept[draw][meter] = None;
                continue;
            }
            let root = choice.root as u32;
            if let Some((of, nodes)) = &self.kept[draw][meter]
                && *of == root
                && nodes.iter().all(|&node| self.on[node as usize])
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

fn links(graph: &super::graph::LinkGraph) -> u64 {
    (0..graph.len()).map(|node| graph.row(node).len() as u64).sum()
}
