//! Which neighbour's link is measured next: one at a time, the most promising first.
//!
//! A node in a dense village hears hundreds of routers. Measuring all whose DIO is heard is a storm (700 nodes: most of
//! the air for hours, every link looks bad in it, and routes fall apart). RFC 6719 leaves open whom to probe; an open
//! stack keeps five candidates beside two parents. Here a node knows how strong it hears a neighbour, hence how many
//! tries a solicitation should take, and its Rank, hence what the path would cost at best; it measures
//!
//! | when | whom |
//! |---|---|
//! | without a parent | the cheapest path expected of those not measured |
//! | with one | the same, if that path would be cheaper by the threshold at which parents change |
//! | with fewer parents than it may announce | also any of lesser Rank |
//!
//! A link found useless is measured anew after 15 s without a parent, half an hour with one, doubling; after a failure a
//! node waits longer with each until it measures another. All of these times are arbitrary.

use super::Network;
use super::config::Config;
use super::node::{NONE, Node, eui, number};
use super::queue::Due;
use super::stack::Load;
use crate::Eui64;
use crate::chance::Chance;
use crate::mac::engine::Outcome;
use crate::mac::etx::{self, Etx};
use crate::rpl::loops::dag_rank;
use crate::rpl::objective::INFINITE_RANK;

/// Worse links are no parent's (MRHOF's MAX_LINK_METRIC, RFC 6719, 5).
const ETX_USABLE: u32 = 512;
/// A measurement waits up to so long, so that not all who heard one DIO ask at once; after failures, doubled so often.
const SPREAD_NS: u64 = 2_000_000_000;
const SPREAD_DOUBLINGS: u8 = 5;
/// A useless link is measured again after so long while there is no parent, doubled each time up to so often: 16 min.
const AGAIN_NS: u64 = 15_000_000_000;
const AGAIN_DOUBLINGS: u8 = 6;
/// The same beside a parent: `REFRESH_NS`, up to 16 h.
const USELESS_DOUBLINGS: u8 = 5;

/// A link that was found useless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Useless {
    peer: u32,
    times: u8,
    since_ns: u64,
}

/// Where a node stands with measuring links.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Probing {
    /// A solicitation is in the MAC's hands.
    under_way: bool,
    /// When the next neighbour is chosen; 0: not planned.
    at_ns: u64,
    /// Failures in a row.
    failures: u8,
    useless: Vec<Useless>,
}

/// What to measure.
enum Next {
    Neighbour(u32),
    Later(u64),
    Nobody,
}

impl Probing {
    /// From when on a link that was found useless may be measured again.
    fn again_ns(&self, peer: u32, alone: bool) -> u64 {
        let Ok(place) = self.useless.binary_search_by_key(&peer, |of| of.peer) else { return 0 };
        let Useless { times, since_ns, .. } = self.useless[place];
        let wait_ns = if alone {
            AGAIN_NS << times.min(AGAIN_DOUBLINGS)
        } else {
            etx::REFRESH_NS << times.min(USELESS_DOUBLINGS)
        };
        since_ns.saturating_add(wait_ns)
    }

    fn note(&mut self, peer: u32, useful: bool, now_ns: u64) {
        self.failures = if useful { 0 } else { self.failures.saturating_add(1) };
        match (self.useless.binary_search_by_key(&peer, |of| of.peer), useful) {
            (Ok(place), true) => drop(self.useless.remove(place)),
            (Ok(place), false) => {
                let times = self.useless[place].times.saturating_add(1);
                self.useless[place] = Useless { peer, times, since_ns: now_ns };
            }
            (Err(place), false) => self.useless.insert(place, Useless { peer, times: 0, since_ns: now_ns }),
            (Err(_), true) => {}
        }
    }
}

/// Whether a node's set of parents could take one of this Rank beside the preferred one.
fn completes(own: &Node, config: &Config, rank: u16) -> bool {
    let increase = config.dodag.min_hop_rank_increase;
    own.rpl.parents().len() < usize::from(config.parents)
        && dag_rank(rank, increase) < dag_rank(own.rpl.rank(), increase)
}

impl Network {
    /// Routing has heard of somebody, or lost somebody: soon a link is measured, if one is worth it.
    pub(super) fn seek(&mut self, node: u32) {
        let probing = &self.nodes[node as usize].probing;
        if probing.under_way || probing.at_ns != 0 || node == 0 {
            return;
        }
        let spread_ns = SPREAD_NS << probing.failures.min(SPREAD_DOUBLINGS);
        let mut draws = Chance::new(self.config.seed ^ u64::from(node)).fork(self.now_ns).fork(7);
        self.seek_at(node, self.now_ns + 1 + draws.between(0, spread_ns));
    }

    fn seek_at(&mut self, node: u32, at_ns: u64) {
        let own = &mut self.nodes[node as usize];
        own.probing.at_ns = at_ns;
        self.queue.push(at_ns, node, Due::Probe(own.life));
    }

    /// The time for it has come.
    pub(super) fn seek_now(&mut self, node: u32, life: u8) {
        let own = &mut self.nodes[node as usize];
        if own.life != life || own.probing.at_ns != self.now_ns {
            return;
        }
        own.probing.at_ns = 0;
        if !own.routing || own.probing.under_way {
            return;
        }
        match self.next_probe(node) {
            Next::Neighbour(peer) => {
                let own = &mut self.nodes[node as usize];
                own.probing.under_way = true;
                // What was measured long ago, or in a storm, does not weigh.
                if own.mac.etx(eui(peer)).and_then(Etx::value).is_some_and(|value| value > ETX_USABLE) {
                    own.mac.forget_link(eui(peer));
                }
                self.probe(node, peer, Load::Probe);
                self.settle_mac(node);
            }
            Next::Later(at_ns) => self.seek_at(node, at_ns),
            Next::Nobody => {}
        }
    }

    fn next_probe(&self, node: u32) -> Next {
        let own = &self.nodes[node as usize];
        let alone = own.parent == NONE;
        let limit = u32::from(own.rpl.rank()).saturating_sub(u32::from(own.rpl.config().objective.switch_threshold()));
        let pinned = &own.rpl.config().pinned.parents;
        let (mut best, mut later_ns) = (None, u64::MAX);
        for (peer, rank, etx) in own.rpl.links() {
            let Some(rank) = rank.filter(|&rank| rank != INFINITE_RANK) else { continue };
            let usable = etx.is_some_and(|etx| u32::from(etx) <= ETX_USABLE);
            if usable || !(pinned.is_empty() || pinned.contains(&peer)) {
                continue;
            }
            let completes = completes(own, &self.config, rank);
            if !alone && !completes && u32::from(rank) + etx::ONE > limit {
                continue;
            }
            let peer = number(peer);
            let tries = self.links.expected_etx128(peer, node);
            let cost = u32::from(rank) + tries;
            let worth = alone || (tries <= ETX_USABLE && (cost <= limit || completes));
            if !worth {
                continue;
            }
            let again_ns = own.probing.again_ns(peer, alone);
            if again_ns > self.now_ns {
                later_ns = later_ns.min(again_ns);
            } else if best.is_none_or(|best| (tries > ETX_USABLE, cost, peer) < best) {
                best = Some((tries > ETX_USABLE, cost, peer));
            }
        }
        match best {
            Some((_, _, peer)) => Next::Neighbour(peer),
            None if alone && later_ns != u64::MAX => Next::Later(later_ns),
            None => Next::Nobody,
        }
    }

    /// A solicitation has ended; the next link is measured.
    pub(super) fn probed(&mut self, node: u32, peer: Eui64, outcome: Outcome) {
        let now_ns = self.now_ns;
        let own = &mut self.nodes[node as usize];
        let useful =
            outcome == Outcome::Sent && own.mac.etx(peer).and_then(Etx::value).is_none_or(|etx| etx <= ETX_USABLE);
        own.probing.note(number(peer), useful, now_ns);
        own.probing.under_way = false;
        if own.routing {
            self.seek(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::net::{Config, Link, Network, Use};
    use crate::wisun::join::State;
    use crate::wisun::params::Size;

    const MINUTE: u64 = 60_000_000_000;

    /// Forty nodes that all hear each other: all serve within two hours, and each has measured a few links, not 39.
    #[test]
    fn in_a_crowd_a_node_measures_few_links() {
        let nodes = 40;
        let pairs = (0..nodes).flat_map(|from| (0..nodes).filter(move |&to| to != from).map(move |to| (from, to)));
        let links: Vec<Link> = pairs.map(|(from, to)| Link { from, to, loss_db: 80.0 }).collect();
        let mut network = Network::new(Config::wisun(Size::Medium, 1).unwrap(), nodes, &links);
        (0..nodes).for_each(|node| network.power(node, true));
        network.step(120 * MINUTE);
        let serves = |&node: &u32| network.standing(node).is_some_and(|of| of.state == State::Operational);
        assert_eq!((1..nodes).filter(serves).count(), 39);
        let each = network.totals().by_use[Use::Probe as usize].0 / 2 / u64::from(nodes);
        assert!((1..=8).contains(&each), "{each} links measured by each");
    }

    /// Waits double up to their bounds, and one success ends them.
    #[test]
    fn a_link_that_fails_is_measured_ever_more_seldom() {
        let mut probing = super::Probing::default();
        let waits = (0..8).map(|_| {
            probing.note(7, false, 0);
            (probing.again_ns(7, true), probing.again_ns(7, false))
        });
        let waits: Vec<_> = waits.collect();
        assert!(waits.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
        assert_eq!((waits[0].0, waits[7].0, waits[7].1), (MINUTE / 4, 16 * MINUTE, 16 * 60 * MINUTE));
        probing.note(7, true, 0);
        assert_eq!((probing.again_ns(7, true), probing.failures), (0, 0));
    }
}
