//! What the root of a non-storing DODAG knows: who named whom as parent, and the source routes that follow (§9.7).

use core::net::Ipv6Addr;
use std::collections::{BTreeMap, VecDeque};

use crate::rpl::lollipop::{self, Order};
use crate::rpl::wire::Transit;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    path_sequence: u8,
    expires_ns: u64,
    /// Parents, most preferred first.
    parents: Vec<(Ipv6Addr, u8)>,
}

/// The way that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) root: Ipv6Addr,
    pub(super) target: Ipv6Addr,
    pub(super) now_ns: u64,
    pub(super) hops_max: usize,
}

/// The table of parents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sources(BTreeMap<Ipv6Addr, Target>);

impl Sources {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The parent that a target prefers, as far as its DAOs told.
    pub(super) fn parent_of(&self, target: Ipv6Addr) -> Option<Ipv6Addr> {
        self.0.get(&target)?.parents.first().map(|(parent, _)| *parent)
    }

    /// A DAO speaks of `target`: a newer path sequence replaces what was known, the same one adds to it, an older one
    /// is not looked at (§9.2.2). Lifetime 0 withdraws the parent.
    pub(super) fn learn(&mut self, target: Ipv6Addr, transit: &Transit, expires_ns: u64) {
        let Some(parent) = transit.parent else { return };
        if transit.lifetime == 0 {
            if let Some(entry) = self.0.get_mut(&target) {
                entry.parents.retain(|(known, _)| *known != parent);
                if entry.parents.is_empty() {
                    self.0.remove(&target);
                }
            }
            return;
        }
        let fresh = Target { path_sequence: transit.path_sequence, expires_ns, parents: Vec::new() };
        let entry = self.0.entry(target).or_insert_with(|| fresh.clone());
        match lollipop::compare(transit.path_sequence, entry.path_sequence) {
            Order::Less => return,
            // A sequence that cannot be compared is the one that moved: the target restarted (§7.2).
            Order::Greater | Order::Incomparable => *entry = fresh,
            Order::Equal => {}
        }
        entry.expires_ns = expires_ns;
        entry.parents.retain(|(known, _)| *known != parent);
        entry.parents.push((parent, transit.path_control));
        // The highest subfield with a bit set is the most preferred; without bits the order of arrival counts.
        entry.parents.sort_by_key(|(_, control)| control.leading_zeros() / 2);
    }

    /// A hop said that it cannot reach the next one: other parents go first. Arbitrary: the edge is kept as the last
    /// resort, for a link that failed once may be all there is until the next DAO.
    pub(super) fn demote(&mut self, target: Ipv6Addr, parent: Ipv6Addr) {
        if let Some(entry) = self.0.get_mut(&target)
            && let Some(at) = entry.parents.iter().position(|(known, _)| *known == parent)
            && let Some(rest) = entry.parents.get_mut(at..)
        {
            rest.rotate_left(1);
        }
    }

    pub(super) fn expire(&mut self, now_ns: u64) {
        self.0.retain(|_, target| target.expires_ns > now_ns && !target.parents.is_empty());
    }

    /// The hops from the root to the target, the target last. Preferred parents come first; when they lead into a loop
    /// or nowhere, all named parents are searched for the shortest way. False, with `hops` empty, when there is none of at
    /// most `hops_max`.
    pub(super) fn route(&self, question: Question, hops: &mut Vec<Ipv6Addr>) -> bool {
        let Question { root, target, now_ns, hops_max } = question;
        hops.clear();
        hops.push(target);
        let mut at = target;
        while hops.len() <= hops_max {
            let Some(entry) = self.0.get(&at).filter(|entry| entry.expires_ns > now_ns) else { break };
            let Some(&(parent, _)) = entry.parents.first() else { break };
            if parent == root {
                hops.reverse();
                return true;
            }
            if hops.contains(&parent) {
                break;
            }
            hops.push(parent);
            at = parent;
        }
        self.search(question, hops)
    }

    /// Breadth first from the target towards the root.
    fn search(&self, Question { root, target, now_ns, hops_max }: Question, hops: &mut Vec<Ipv6Addr>) -> bool {
        hops.clear();
        let mut child_of: BTreeMap<Ipv6Addr, Ipv6Addr> = BTreeMap::new();
        let mut open = VecDeque::from([target]);
        while let Some(at) = open.pop_front() {
            let Some(entry) = self.0.get(&at).filter(|entry| entry.expires_ns > now_ns) else { continue };
            for &(parent, _) in &entry.parents {
                if parent == root {
                    let mut hop = at;
                    hops.push(hop);
                    while hop != target && hops.len() < hops_max {
                        let Some(&child) = child_of.get(&hop) else { break };
                        hops.push(child);
                        hop = child;
                    }
                    let found = hop == target;
                    if !found {
                        hops.clear();
                    }
                    return found;
                }
                if parent != target && !child_of.contains_key(&parent) {
                    child_of.insert(parent, at);
                    open.push_back(parent);
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u16) -> Ipv6Addr {
        Ipv6Addr::new(0xFD00, 0, 0, 0, 0, 0, 0, n)
    }

    fn transit(parent: u16, path_sequence: u8, path_control: u8, lifetime: u8) -> Transit {
        Transit { external: false, path_control, path_sequence, lifetime, parent: Some(address(parent)) }
    }

    fn route_within(sources: &Sources, target: u16, hops_max: usize) -> Vec<Ipv6Addr> {
        let mut hops = Vec::new();
        let found =
            sources.route(Question { root: address(0), target: address(target), now_ns: 0, hops_max }, &mut hops);
        assert_eq!(found, !hops.is_empty());
        hops
    }

    fn route(sources: &Sources, target: u16) -> Vec<Ipv6Addr> {
        route_within(sources, target, 64)
    }

    /// By preferred parents and by search alike.
    #[test]
    fn a_route_has_no_more_hops_than_the_limit() {
        let mut sources = Sources::default();
        for hop in 1..=4 {
            sources.learn(address(hop), &transit(hop - 1, 240, 0x40, 6), 9);
        }
        let lengths = |sources: &Sources| [3, 4, 5].map(|most| route_within(sources, 4, most).len());
        assert_eq!(lengths(&sources), [0, 4, 4]);
        // The preferred parent leads into a loop, so all are searched.
        sources.learn(address(4), &transit(4, 240, 0x40, 6), 9);
        sources.demote(address(4), address(3));
        assert_eq!(lengths(&sources), [0, 4, 4]);
    }

    #[test]
    fn preferred_parents_lead_and_others_save_the_day() {
        let mut sources = Sources::default();
        sources.learn(address(1), &transit(0, 240, 0x40, 6), 9);
        sources.learn(address(2), &transit(0, 240, 0x40, 6), 9);
        sources.learn(address(3), &transit(2, 240, 0x10, 6), 9);
        sources.learn(address(3), &transit(1, 240, 0x40, 6), 9);
        assert_eq!(route(&sources, 3), [address(1), address(3)]);
        sources.demote(address(3), address(1));
        assert_eq!(route(&sources, 3), [address(2), address(3)]);
        // A newer sequence replaces, an older one is not looked at.
        sources.learn(address(3), &transit(1, 241, 0x40, 6), 9);
        sources.learn(address(3), &transit(2, 240, 0x40, 6), 9);
        assert_eq!(route(&sources, 3), [address(1), address(3)]);
        sources.learn(address(3), &transit(1, 241, 0x40, 0), 9);
        assert!(route(&sources, 3).is_empty());
    }

    #[test]
    fn a_loop_of_preferred_parents_is_left_by_another_one() {
        let mut sources = Sources::default();
        sources.learn(address(1), &transit(2, 240, 0x40, 6), 9);
        sources.learn(address(2), &transit(1, 240, 0x40, 6), 9);
        assert!(route(&sources, 1).is_empty());
        sources.learn(address(2), &transit(0, 240, 0x10, 6), 9);
        assert_eq!(route(&sources, 1), [address(2), address(1)]);
        sources.expire(9);
        assert_eq!(sources.len(), 0);
    }
}
