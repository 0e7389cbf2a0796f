//! Planning a mesh: where the root stands and which places get a relay, so that every meter has several node-disjoint
//! ways to the root over links with something to spare.
//!
//! ```text
//! places ─▶ air::draw (radio model, shadow) ─▶ LinkGraph × draws ─▶ plan ─▶ Plan
//! ```
//!
//! Two ways that share no node survive the loss of any one meter or relay. A plan holds in every draw that is given: a
//! planner who looks at one draw of the shadows alone buys luck, not relays. The least number is hard to find in general
//! (it contains Steiner trees); small problems are searched whole ([`Plan::proven`]), larger ones greedily with exchanges.
//!
//! What trips: a root and a relay cannot stand on the same place; only places that are given are considered; meters that
//! not even a relay at every place would serve do not count ([`Plan::waiting`] names them), and for the rest as many as
//! possible are served before relays are counted.

pub mod air;
mod blocks;
mod cover;
mod figures;
mod graph;
mod search;
mod shrunk;
mod ways;

pub use figures::{Figures, figures};
pub use graph::LinkGraph;

use blocks::Score;
use cover::{Choice, Judge};
use search::Found;

/// What is to be planned. Nodes are numbered: meters, relays that stand already, places for relays, places for the root.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// Meters, all of which must be served.
    pub meters: usize,
    /// Relays that stand already and stay.
    pub standing: usize,
    /// Places where a relay may be put.
    pub relays: usize,
    /// Places where the root may be put; the first is where it stands now.
    pub roots: usize,
    /// Links with enough to spare, one graph per draw of the air.
    pub draws: Vec<LinkGraph>,
    /// For each place of the root: the place for relays at the same spot.
    pub same_spot: Vec<Option<usize>>,
    /// For each place for relays: a mast would have to be put up.
    pub mast: Vec<bool>,
}

impl Problem {
    /// All nodes.
    #[must_use]
    pub const fn nodes(&self) -> usize {
        self.meters + self.standing + self.relays + self.roots
    }

    /// Node of a place for relays.
    #[must_use]
    pub const fn relay_node(&self, place: usize) -> usize {
        self.meters + self.standing + place
    }

    /// Node of a place for the root.
    #[must_use]
    pub const fn root_node(&self, place: usize) -> usize {
        self.meters + self.standing + self.relays + place
    }

    const fn fixed_nodes(&self) -> usize {
        self.meters + self.standing
    }

    const fn place_of(&self, node: u32) -> usize {
        node as usize - self.fixed_nodes()
    }

    fn on_mast(&self, place: usize) -> bool {
        self.mast.get(place).copied().unwrap_or(false)
    }

    /// Whether a relay may stand here beside the root at that node.
    fn may_stand(&self, place: usize, root: usize) -> bool {
        let spot = root - self.root_node(0);
        self.same_spot.get(spot).copied().flatten() != Some(place)
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Node-disjoint ways per meter, 1 to 4.
    pub paths: u8,
    /// Most hops of each way.
    pub hops: u16,
    /// The root stays where it is (the first place).
    pub keep_root: bool,
    /// How much to search: links looked at. [`Ask::WORK`] is some seconds.
    pub work: u64,
    /// Problems of at most so many choices are searched whole; 0: never.
    pub exact: u64,
}

impl Ask {
    /// Work of a usual search.
    pub const WORK: u64 = 150_000_000;
    /// Choices that are tried one by one.
    pub const EXACT: u64 = 20_000;
}

impl Default for Ask {
    fn default() -> Self {
        Self { paths: 2, hops: 24, keep_root: false, work: Self::WORK, exact: Self::EXACT }
    }
}

/// Where to put what.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Place of the root.
    pub root: usize,
    /// Places of relays, in order.
    pub relays: Vec<usize>,
    /// For each of them: meters that would have too few ways without it, in the draw where it holds most.
    pub holds: Vec<usize>,
    /// By draw: meters that have fewer ways than asked for.
    pub waiting: Vec<Vec<usize>>,
    /// Relays that are needed to serve as many with the root where it stands now; nothing where that cannot be.
    pub relays_if_root_stays: Option<usize>,
    /// No plan with fewer relays serves as many: all were tried.
    pub proven: bool,
    /// Links looked at.
    pub work: u64,
}

impl Plan {
    /// The nodes that are on under this plan.
    #[must_use]
    pub fn on(&self, problem: &Problem) -> Vec<bool> {
        on(problem, self.root, &self.relays)
    }
}

/// The nodes that are on with the root and relays at these places.
#[must_use]
pub fn on(problem: &Problem, root: usize, relays: &[usize]) -> Vec<bool> {
    let mut on = vec![false; problem.nodes()];
    on[..problem.fixed_nodes()].fill(true);
    on[problem.root_node(root)] = true;
    for &place in relays {
        on[problem.relay_node(place)] = true;
    }
    on
}

/// Plans. With no place for the root there is no plan.
///
/// # Panics
/// When a draw has not as many nodes as the problem.
#[must_use]
pub fn plan(problem: &Problem, ask: &Ask) -> Option<Plan> {
    assert!(problem.draws.iter().all(|draw| draw.len() == problem.nodes()), "nodes of the draws");
    let roots = if ask.keep_root { problem.roots.min(1) } else { problem.roots };
    if roots == 0 {
        return None;
    }
    let paths = ask.paths.clamp(1, 4);
    let mut judge = Judge::new(problem, paths, ask.hops);
    let (mut best, mut stays, mut proven) = search_all(&mut judge, roots, ask);
    if !judge.strict {
        best = search::settle_root(&mut judge, best, roots);
        // Structure alone has decided; do the ways keep the hop limit?
        let loose = best.score;
        judge.demand_hops();
        if judge.score(&best.choice) != loose {
            (best, stays, proven) = search_all(&mut judge, roots, ask);
        }
    }
    let mut waiting_under = |choice: &Choice, draw: usize| -> Vec<usize> {
        let served = judge.served(draw, choice);
        (0..problem.meters).filter(|&meter| !served[meter]).collect()
    };
    let draws = 0..problem.draws.len();
    let waiting: Vec<Vec<usize>> = draws.clone().map(|draw| waiting_under(&best.choice, draw)).collect();
    let relays: Vec<usize> = best.choice.relays().collect();
    let mut holds = Vec::with_capacity(relays.len());
    for &place in &relays {
        let less = best.choice.without(&[place]);
        let lost = draws.clone().map(|draw| waiting_under(&less, draw).len().saturating_sub(waiting[draw].len()));
        holds.push(lost.max().unwrap_or(0));
    }
    Some(Plan {
        waiting,
        root: best.choice.root - problem.root_node(0),
        relays_if_root_stays: if best.choice.root == problem.root_node(0) { Some(relays.len()) } else { stays },
        relays,
        holds,
        proven,
        work: judge.work,
    })
}

/// The best that was found, how many relays serve as many with the root at its first place, and whether it is proven.
fn search_all(judge: &mut Judge<'_>, roots: usize, ask: &Ask) -> (Found, Option<usize>, bool) {
    /// Roots that get a first plan, and those whose plan is worked on beside the present one's.
    const FIRST: usize = 8;
    const SECOND: usize = 2;
    /// Roots whose most is looked at: with a relay at every place that is the dearest look there is.
    const LOOKED_AT: usize = 48;
    let problem = judge.problem;
    let none = |root: usize| Choice { root: problem.root_node(root), taken: vec![false; problem.relays] };
    if let Some(found) = whole(judge, roots, ask.exact) {
        let stays = if roots > 1 { whole(judge, 1, ask.exact) } else { None };
        let stays = stays.filter(|one| one.score == found.score).map(|one| one.choice.relays().count());
        return (found, stays, true);
    }
    let begun = judge.work;
    // What each root serves without any relay, and of those that serve most (and the present one) the most they could.
    let mut bare: Vec<(Score, usize)> = (0..roots).map(|root| (judge.score(&none(root)), root)).collect();
    bare.sort_by_key(|&(bare, root)| (root != 0, std::cmp::Reverse(bare.climb()), root));
    let all = bare.len() <= LOOKED_AT;
    bare.truncate(LOOKED_AT);
    let mut ranked: Vec<(Score, Score, usize)> = bare
        .into_iter()
        .map(|(bare, root)| (judge.score(&all_but_the_roots(problem, problem.root_node(root))), bare, root))
        .collect();
    ranked.sort_by_key(|&(most, bare, root)| (std::cmp::Reverse((most, bare.climb())), root));
    let top = ranked.first().map_or(Score::default(), |first| first.0);
    ranked.retain(|one| one.0 == top);
    let at_home = ranked.iter().position(|one| one.2 == 0);
    // The present place first, so that it is looked at whatever the work.
    let others = (0..ranked.len().min(FIRST)).filter(|at| Some(*at) != at_home);
    let shortlist: Vec<usize> = at_home.into_iter().chain(others).map(|at| ranked[at].2).collect();
    let mut found: Vec<Found> = Vec::new();
    for root in shortlist {
        if found.len() >= SECOND && judge.work - begun > ask.work {
            break;
        }
        let mut first = search::construct(judge, none(root), top);
        if first.score < top {
            // The climb got stuck; from above nothing can.
            first = search::drop_needless(judge, all_but_the_roots(problem, problem.root_node(root)), None);
        }
        found.push(first);
    }
    // The present place first: of equals it wins.
    let home = problem.root_node(0);
    found.sort_by_key(|f| (f.choice.root != home, std::cmp::Reverse(f.score), f.cost, f.choice.root));
    found.truncate(SECOND + usize::from(at_home.is_some()));
    let shares = found.len().max(1) as u64;
    let left = ask.work.saturating_sub(judge.work - begun).max(ask.work / 4);
    let (mut best, mut stays): (Option<Found>, Option<usize>) = (None, None);
    for start in found {
        let reached = search::improve(judge, start, top, left / shares);
        if reached.choice.root == home {
            stays = Some(reached.choice.relays().count());
        }
        if best.as_ref().is_none_or(|known| reached.better_than(known)) {
            best = Some(reached);
        }
    }
    let best = best.unwrap_or_else(|| Found::judge(judge, none(0)));
    // None needed and nothing better possible: that is a proof.
    let full = (problem.meters * problem.draws.len()) as u64 == u64::from(best.score.served);
    let proven = best.cost == 0 && (full || all && best.score == top);
    (best, stays, proven)
}

fn all_but_the_roots(problem: &Problem, root: usize) -> Choice {
    Choice { root, taken: (0..problem.relays).map(|place| problem.may_stand(place, root)).collect() }
}

/// Tries all choices, fewest relays first, where there are at most `most`.
fn whole(judge: &mut Judge<'_>, roots: usize, most: u64) -> Option<Found> {
    let problem = judge.problem;
    if (roots as u64).saturating_mul(problem.relays as u64) > most {
        return None;
    }
    let mut best = Score::default();
    for root in 0..roots {
        best = best.max(judge.score(&all_but_the_roots(problem, problem.root_node(root))));
    }
    let mut tried = 0_u64;
    for count in 0..=problem.relays {
        tried = tried.saturating_add(choices(problem.relays, count).saturating_mul(roots as u64));
        if tried > most {
            return None;
        }
        let mut found: Option<Found> = None;
        for root in (0..roots).map(|root| problem.root_node(root)) {
            let mut places: Vec<usize> = (0..count).collect();
            loop {
                if places.iter().all(|&place| problem.may_stand(place, root)) {
                    let choice = Choice { root, taken: vec![false; problem.relays] }.with(&places);
                    let one = Found::judge(judge, choice);
                    if one.score == best && found.as_ref().is_none_or(|known| one.better_than(known)) {
                        found = Some(one);
                    }
                }
                if !next_choice(&mut places, problem.relays) {
                    break;
                }
            }
        }
        if found.is_some() {
            return found;
        }
    }
    None
}

/// How many ways there are to take `count` of `all`.
fn choices(all: usize, count: usize) -> u64 {
    (0..count as u64).fold(1_u64, |sofar, i| sofar.saturating_mul(all as u64 - i) / (i + 1))
}

/// The next choice in lexicographic order.
fn next_choice(places: &mut [usize], all: usize) -> bool {
    let count = places.len();
    for at in (0..count).rev() {
        if places[at] < all - (count - at) {
            places[at] += 1;
            for next in at + 1..count {
                places[next] = places[next - 1] + 1;
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod air_tests;
#[cfg(test)]
mod tests;
