//! The search: climb greedily, drop what is not needed, then take a few neighbouring relays away again and again and see
//! whether fewer do.
//!
//! A step of the climb adds the place that joins and serves most meters; where no single one helps, the places on the
//! cheapest disjoint ways of a meter that waits. The exchange walks over choices of equal cost as well. All chances are
//! drawn from one stream and the search ends after a fixed amount of work, so the same problem gives the same plan.

use super::{
    blocks::Score,
    cover::{Choice, Judge},
};
use crate::draw::{Draws, NodeKey, Purpose};

/// Places that are looked at around those that were taken away.
const NEAR: usize = 24;
/// Meters that wait, asked for their cheapest ways when no single place helps.
const ASKED: usize = 12;

/// A choice and what it is worth.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) choice: Choice,
    pub(super) score: Score,
    /// 1000 per relay, and 1 for each on a mast of its own.
    pub(super) cost: u64,
}

impl Found {
    pub(super) fn judge(judge: &mut Judge<'_>, choice: Choice) -> Self {
        let score = judge.score(&choice);
        let cost = cost(judge, &choice);
        Self { choice, score, cost }
    }

    /// Serves more, joins more, or costs less.
    pub(super) fn better_than(&self, other: &Self) -> bool {
        (self.score, std::cmp::Reverse(self.cost)) > (other.score, std::cmp::Reverse(other.cost))
    }
}

fn cost(judge: &Judge<'_>, choice: &Choice) -> u64 {
    choice.relays().map(|place| 1000 + u64::from(judge.problem.on_mast(place))).sum()
}

/// Greedy from `start`, then what is not needed is dropped.
pub(super) fn construct(judge: &mut Judge<'_>, start: Choice, goal: Score) -> Found {
    let all: Vec<usize> = (0..judge.problem.relays).collect();
    let choice = climb(judge, start, goal, &all, usize::MAX);
    drop_needless(judge, choice, None)
}

/// Adds places out of `pool` until the goal is met, nothing helps, or `most` were added.
fn climb(judge: &mut Judge<'_>, mut choice: Choice, goal: Score, pool: &[usize], most: usize) -> Choice {
    let mut left = most;
    let mut score = judge.score(&choice);
    while left > 0 && score < goal {
        let Some(best) = best_single(judge, &choice, score, pool) else {
            if most != usize::MAX {
                // In an exchange, a blind step: two together may do what neither does alone.
                let mut blind = pool.iter().copied().filter(|&place| judge.problem.may_stand(place, choice.root));
                let Some(place) = blind.find(|&place| !choice.taken[place]) else { break };
                choice.taken[place] = true;
                score = judge.score(&choice);
                left -= 1;
                continue;
            }
            let Some(places) = best_chain(judge, &choice, score) else { break };
            choice = choice.with(&places);
            score = judge.score(&choice);
            continue;
        };
        choice.taken[best] = true;
        score = judge.score(&choice);
        left -= 1;
    }
    choice
}

/// The place that adds most; poles before masts, then the first.
fn best_single(judge: &mut Judge<'_>, choice: &Choice, score: Score, pool: &[usize]) -> Option<usize> {
    let mut best: Option<((u32, u32, bool), usize)> = None;
    for &place in pool {
        if choice.taken[place] || !judge.problem.may_stand(place, choice.root) {
            continue;
        }
        let gain = if judge.strict {
            let next = judge.score(&choice.with(&[place]));
            Score { served: next.served.saturating_sub(score.served), joined: next.joined.saturating_sub(score.joined) }
        } else {
            judge.gain(place)
        };
        let worth = (gain.climb(), gain.served, !judge.problem.on_mast(place));
        if gain.climb() > 0 && best.is_none_or(|known| worth > known.0) {
            best = Some((worth, place));
        }
    }
    best.map(|best| best.1)
}

/// The cheapest ways of some waiting meter, with the most gained per place.
fn best_chain(judge: &mut Judge<'_>, choice: &Choice, score: Score) -> Option<Vec<usize>> {
    let mut best: Option<((u64, u64), Vec<usize>)> = None;
    for draw in 0..judge.problem.draws.len() {
        let served = judge.served(draw, choice);
        let waiting: Vec<usize> = (0..served.len()).filter(|&meter| !served[meter]).collect();
        let stride = waiting.len().div_ceil(ASKED).max(1);
        let asked: Vec<usize> = waiting.into_iter().step_by(stride).collect();
        let mut tried: Vec<Vec<usize>> = Vec::new();
        for places in judge.cheapest(draw, choice, &asked).into_iter().flatten() {
            if places.is_empty() || tried.contains(&places) {
                continue;
            }
            let gain = u64::from(judge.score(&choice.with(&places)).climb().saturating_sub(score.climb()));
            let cost = places.len() as u64;
            // Gain per place, compared without fractions.
            if gain > 0 && best.as_ref().is_none_or(|((g, c), _)| gain * c > g * cost) {
                best = Some(((gain, cost), places.clone()));
            }
            tried.push(places);
        }
    }
    best.map(|best| best.1)
}

/// Takes away one place after another as long as nothing is lost; in the order given by `draws`, else the last first and
/// masts before poles.
pub(super) fn drop_needless(judge: &mut Judge<'_>, choice: Choice, draws: Option<&mut Draws>) -> Found {
    let mut found = Found::judge(judge, choice);
    let mut order: Vec<usize> = found.choice.relays().collect();
    match draws {
        Some(draws) => shuffle(&mut order, draws),
        None => order.reverse(),
    }
    order.sort_by_key(|&place| !judge.problem.on_mast(place));
    for place in order {
        let less = found.choice.without(&[place]);
        let score = judge.score(&less);
        if score >= found.score {
            found = Found { cost: cost(judge, &less), choice: less, score };
        }
    }
    found
}

#[allow(clippy::cast_possible_truncation)]
fn shuffle(items: &mut [usize], draws: &mut Draws) {
    for last in (1..items.len()).rev() {
        items.swap(last, draws.below(last as u64 + 1) as usize);
    }
}

/// Exchanges few for fewer until `work` is used up.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn improve(judge: &mut Judge<'_>, start: Found, goal: Score, work: u64) -> Found {
    const EXCHANGE: Purpose = Purpose::named("mesh/plan/exchange");
    let mut draws = Draws::keyed(0, 0, NodeKey(start.choice.root as u64), EXCHANGE, 0);
    let near = neighbourhoods(judge);
    let end = judge.work.saturating_add(work);
    let (mut best, mut at) = (start.clone(), start);
    let mut idle = 0_u32;
    while judge.work < end {
        let relays: Vec<usize> = at.choice.relays().collect();
        if relays.is_empty() {
            break;
        }
        // A search that has gone round a small problem often enough is done.
        idle += 1;
        if idle > 400 + 40 * relays.len() as u32 * relays.len() as u32 {
            break;
        }
        let centre = relays[draws.below(relays.len() as u64) as usize];
        let choice = if draws.chance(0.3) {
            crowd(judge, &at.choice, &near[centre], &mut draws)
        } else {
            exchange(judge, (&at, goal), centre, &near, &mut draws)
        };
        if judge.score(&choice) < at.score {
            continue;
        }
        let next = drop_needless(judge, choice, Some(&mut draws));
        if next.better_than(&best) {
            best = next.clone();
            idle = 0;
        }
        if !at.better_than(&next) {
            at = next;
        }
    }
    best
}

/// With these relays, the place of the root that serves as many: the first place where that does, else the one with the
/// fewest hops.
pub(super) fn settle_root(judge: &mut Judge<'_>, found: Found, roots: usize) -> Found {
    let problem = judge.problem;
    let mut best: Option<(u64, Found)> = None;
    for place in 0..roots {
        let root = problem.root_node(place);
        if !found.choice.relays().all(|relay| problem.may_stand(relay, root)) {
            continue;
        }
        let next = Found::judge(judge, Choice { root, ..found.choice.clone() });
        if next.score >= found.score {
            if place == 0 {
                return next;
            }
            let rank = judge.hops_together(&next.choice);
            if best.as_ref().is_none_or(|known| rank < known.0) {
                best = Some((rank, next));
            }
        }
    }
    best.map_or(found, |best| best.1)
}

/// Takes some places around one away and climbs back with at most as many.
#[allow(clippy::cast_possible_truncation)]
fn exchange(
    judge: &mut Judge<'_>,
    (at, goal): (&Found, Score),
    centre: usize,
    near: &[Vec<usize>],
    draws: &mut Draws,
) -> Choice {
    let relays: Vec<usize> = at.choice.relays().collect();
    let count = draws.below(4) as usize;
    let mut out = vec![centre];
    out.extend(near[centre].iter().copied().filter(|&place| at.choice.taken[place]).take(count));
    // Now and then one from elsewhere: two far ends of a chain may move together.
    if draws.chance(0.2) {
        let other = relays[draws.below(relays.len() as u64) as usize];
        if !out.contains(&other) {
            out.push(other);
        }
    }
    let mut pool: Vec<usize> = out.iter().flat_map(|&place| near[place].iter().copied().take(NEAR)).collect();
    pool.extend(&out);
    pool.sort_unstable();
    pool.dedup();
    if draws.chance(0.5) {
        // Blind to one of those that were there, or the climb goes back where it came from.
        let blind = out[draws.below(out.len() as u64) as usize];
        pool.retain(|&place| place != blind);
    }
    shuffle(&mut pool, draws);
    climb(judge, at.choice.without(&out), goal.min(at.score), &pool, out.len())
}

/// Takes more places around one than are needed; which of them go is left to [`drop_needless`].
fn crowd(judge: &Judge<'_>, at: &Choice, near: &[usize], draws: &mut Draws) -> Choice {
    /// Places that are taken.
    const MORE: usize = 6;
    let mut pool: Vec<usize> = near.iter().copied().take(NEAR).collect();
    pool.retain(|&place| !at.taken[place] && judge.problem.may_stand(place, at.root));
    shuffle(&mut pool, draws);
    pool.truncate(MORE);
    at.with(&pool)
}

/// For each place the others by how many of those whom it hears they hear as well.
fn neighbourhoods(judge: &Judge<'_>) -> Vec<Vec<usize>> {
    let problem = judge.problem;
    let fixed = problem.fixed_nodes();
    let words = fixed.div_ceil(64);
    let Some(graph) = problem.draws.first() else { return vec![Vec::new(); problem.relays] };
    let heard: Vec<Vec<u64>> = (0..problem.relays)
        .map(|place| {
            let mut bits = vec![0_u64; words];
            for &to in graph.row(problem.relay_node(place)).iter().filter(|&&to| (to as usize) < fixed) {
                bits[to as usize / 64] |= 1 << (to % 64);
            }
            bits
        })
        .collect();
    (0..problem.relays)
        .map(|place| {
            let mut others: Vec<(u32, usize)> = (0..problem.relays)
                .filter(|&other| other != place)
                .map(|other| {
                    let shared: u32 = heard[place].iter().zip(&heard[other]).map(|(a, b)| (a & b).count_ones()).sum();
                    let linked = graph.margin_db(problem.relay_node(place), problem.relay_node(other)).is_some();
                    (2 * shared + u32::from(linked), other)
                })
                .collect();
            others.sort_unstable_by_key(|&(shared, other)| (std::cmp::Reverse(shared), other));
            others.into_iter().map(|one| one.1).collect()
        })
        .collect()
}
