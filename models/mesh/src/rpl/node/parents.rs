//! Parents and Rank (§8.2): choosing, sinking, detaching.
//!
//! Nothing in RFC 6550 keeps a node from taking its own child as a parent when DAGMaxRankIncrease is 0, the value
//! Wi-SUN border routers announce: the child's Rank was finite and its link is good. The two then lift each other's
//! Rank, DIO by DIO, until the path cost passes its maximum. This file does what the clauses say and no more; the
//! remedies (a limit, pinned parents) are options.

use super::{NextHop, Node, Purpose, Timer, lollipop};
use crate::Eui64;
use crate::rpl::loops::dag_rank;
use crate::rpl::objective::{Candidate, INFINITE_RANK, Objective};
use crate::rpl::wire::{Message, Mode};

impl Node {
    /// Whether a neighbour of this Rank could be a parent.
    pub(super) fn usable(&self, neighbour: Eui64, rank: u16, min_hop_rank_increase: u16) -> bool {
        let etx128 = self.neighbours.get(neighbour).and_then(|entry| entry.etx128);
        let candidate = Candidate { id: neighbour, rank, etx128 };
        self.config.pinned.admits(neighbour)
            && self.config.objective.rank_via(&candidate, min_hop_rank_increase).is_some()
    }

    /// Whether news of a neighbour can change nothing: the parent set is full, it is no member, and its path is not
    /// cheaper than a member's by the threshold. Then choosing anew would end where it began.
    pub(super) fn is_beside_the_point(&self, id: Eui64) -> bool {
        let Some(dodag) = self.dodag.as_ref().filter(|dodag| dodag.rank != INFINITE_RANK) else { return false };
        let objective = &self.config.objective;
        let full = dodag.parents.len() >= usize::from(objective.parent_set_size().max(1));
        if !full || dodag.parents.contains(&id) {
            return false;
        }
        let increase = dodag.config.min_hop_rank_increase;
        let cost = |id: Eui64| {
            let neighbour = self.neighbours.get(id)?;
            let advert = neighbour.advert.filter(|a| a.dodag == dodag.id && a.version == dodag.version)?;
            objective.path_cost(&Candidate { id, rank: advert.rank, etx128: neighbour.etx128 }, increase)
        };
        let Some(neighbour) = self.neighbours.get(id) else { return false };
        if neighbour.advert.is_some_and(|advert| advert.dodag == dodag.id && advert.version != dodag.version) {
            return false;
        }
        let Some(its) = cost(id) else { return true };
        let dearest = dodag.parents.iter().map(|&parent| cost(parent).unwrap_or(u16::MAX)).max().unwrap_or(u16::MAX);
        its.saturating_add(objective.switch_threshold()) > dearest
    }

    /// Chooses parents anew from what is known; Rank, DAO and Trickle follow.
    pub(super) fn update_parents(&mut self, now_ns: u64) {
        self.move_to_newest_version(now_ns);
        let Some(dodag) = self.dodag.as_ref().filter(|dodag| !dodag.rooted) else { return };
        let (increase, limit) = (dodag.config.min_hop_rank_increase, dodag.config.max_rank_increase);
        // §8.2.2.4: at most DAGMaxRankIncrease above the lowest Rank of this version; 0 is no limit.
        let highest = match (limit, dodag.lowest) {
            (0, _) | (_, INFINITE_RANK) => INFINITE_RANK - 1,
            (limit, lowest) => lowest.saturating_add(limit).min(INFINITE_RANK - 1),
        };
        let objective = self.config.objective;
        let mut candidates = core::mem::take(&mut self.scratch);
        candidates.clear();
        for (id, neighbour) in self.neighbours.iter() {
            let Some(advert) = neighbour.advert.filter(|a| a.dodag == dodag.id && a.version == dodag.version) else {
                continue;
            };
            let candidate = Candidate { id, rank: advert.rank, etx128: neighbour.etx128 };
            let fits = objective.rank_via(&candidate, increase).is_some_and(|rank| rank <= highest);
            if fits && self.config.pinned.admits(id) {
                candidates.push(candidate);
            }
        }
        let current = dodag.parents.first().copied();
        let preferred = objective.select(&candidates, current, increase);
        arrange(&mut candidates, preferred, &dodag.parents, &objective, increase);
        let rank = objective.rank(&candidates, increase, limit).filter(|&rank| rank <= highest);
        match rank {
            Some(rank) => self.take_parents(now_ns, &candidates, rank),
            None => self.lose_parents(now_ns),
        }
        self.scratch = candidates;
    }

    /// §8.2.2.2: a newer version, once it offers a parent, is joined; nothing of the old one counts there.
    fn move_to_newest_version(&mut self, now_ns: u64) {
        let Some(dodag) = self.dodag.as_ref().filter(|dodag| !dodag.rooted) else { return };
        let increase = dodag.config.min_hop_rank_increase;
        let mut newest = dodag.version;
        for (id, neighbour) in self.neighbours.iter() {
            let Some(advert) = neighbour.advert.filter(|advert| advert.dodag == dodag.id) else { continue };
            if lollipop::newer(advert.version, newest) && self.usable(id, advert.rank, increase) {
                newest = advert.version;
            }
        }
        if newest == dodag.version {
            return;
        }
        self.counters.versions_joined += 1;
        if let Some(dodag) = self.dodag.as_mut() {
            dodag.version = newest;
            dodag.rank = INFINITE_RANK;
            dodag.lowest = INFINITE_RANK;
            dodag.parents.clear();
        }
        self.timers.clear(Timer::PoisonEnd);
        self.start_trickle(now_ns);
    }

    fn take_parents(&mut self, now_ns: u64, parents: &[Candidate<Eui64>], rank: u16) {
        let Some(dodag) = self.dodag.as_mut() else { return };
        let before = (dodag.rank, dodag.parents.first().copied());
        let same_set =
            dodag.parents.len() == parents.len() && parents.iter().all(|parent| dodag.parents.contains(&parent.id));
        let dropped = before.1.filter(|old| parents.first().is_none_or(|new| new.id != *old));
        dodag.rank = rank;
        dodag.lowest = dodag.lowest.min(rank);
        dodag.parents.clear();
        dodag.parents.extend(parents.iter().map(|parent| parent.id));
        let moved = before.1 != parents.first().map(|parent| parent.id);
        if !same_set {
            self.neighbours.others_are_kept();
        }
        self.timers.clear(Timer::Dis);
        self.timers.clear(Timer::PoisonEnd);
        if moved {
            self.counters.parent_changes += 1;
        }
        if let (true, Some(old)) = (self.stores(), dropped) {
            self.withdraw_from(old);
        }
        if before.0 == INFINITE_RANK || !self.trickle.is_running() {
            self.start_trickle(now_ns);
        } else {
            let threshold = self.config.reset_on_rank_change;
            if threshold != 0 && before.0.abs_diff(rank) >= threshold {
                self.inconsistent(now_ns);
            }
        }
        if moved {
            self.announce_later(now_ns, true);
        } else if !self.stores() && !same_set {
            // The way in use stands: what changed beside it is told when it has lasted.
            self.timers.arm(Timer::Alternates, now_ns.saturating_add(self.config.alternates_delay_ns));
        }
    }

    /// The last parent is gone: poison (§8.2.2.5) or, when allowed, carry on as a floating DODAG.
    fn lose_parents(&mut self, now_ns: u64) {
        let Some(dodag) = self.dodag.as_mut() else { return };
        if dodag.rank == INFINITE_RANK {
            self.timers.arm(Timer::Dis, now_ns.saturating_add(self.config.dis_first_ns));
            return;
        }
        self.counters.detached += 1;
        dodag.rank = INFINITE_RANK;
        dodag.parents.clear();
        // What neighbours said while this node had a Rank may descend from it: only fresh DIOs count from here.
        self.neighbours.forget_adverts();
        self.announcing.withdrawn();
        self.timers.clear(Timer::DaoDelay);
        self.timers.clear(Timer::DaoAck);
        self.timers.clear(Timer::DaoRefresh);
        let floats = matches!(self.config.objective, Objective::Mrhof(mrhof) if mrhof.allow_floating_root);
        if self.config.role != super::Role::Leaf {
            self.advertise(NextHop::Everyone);
        }
        if floats && self.float(now_ns) {
            return;
        }
        self.start_trickle(now_ns);
        self.timers.set(Timer::PoisonEnd, now_ns.saturating_add(self.config.poison_ns));
        self.ask_later(now_ns, self.config.dis_first_ns);
    }

    /// Becomes the root of a floating DODAG of its own.
    fn float(&mut self, now_ns: u64) -> bool {
        let (Some(id), Some(dodag)) = (self.global(), self.dodag.as_ref()) else { return false };
        let (config, prefix) = (dodag.config, dodag.prefix);
        self.become_root(now_ns, id, lollipop::INITIAL, lollipop::INITIAL, config, prefix);
        true
    }

    /// Poisoned long enough: the DODAG is forgotten, the next DIO that fits is joined.
    pub(super) fn forget_dodag(&mut self, now_ns: u64) {
        if self.rank() == INFINITE_RANK {
            self.dodag = None;
            self.trickle.stop();
            self.timers.arm(Timer::Dis, now_ns.saturating_add(self.config.dis_first_ns));
        }
    }

    /// Storing mode: tells the parent that is left that nothing is reached through this node any more (§9.8).
    fn withdraw_from(&mut self, old: Eui64) {
        if self.config.mode == Mode::NoDownward || self.neighbours.get(old).is_none() {
            return;
        }
        for message in self.withdrawals() {
            let packet = Message::Dao(message).packet(self.link_local(), old.link_local(), self.config.hop_limit);
            self.transmit(NextHop::Neighbour(old), packet, Purpose::Dao);
        }
    }
}

/// Puts the preferred parent first and keeps beside it those that lie above the node's own Rank, cheapest first, up
/// to the size of the parent set (RFC 6719 §3.2.2). Who is in the set stays until another is cheaper by the threshold.
fn arrange(
    candidates: &mut Vec<Candidate<Eui64>>,
    preferred: Option<Eui64>,
    members: &[Eui64],
    objective: &Objective,
    increase: u16,
) {
    let Some(first) = candidates.iter().find(|candidate| Some(candidate.id) == preferred).copied() else {
        candidates.clear();
        return;
    };
    let own = objective.rank_via(&first, increase).unwrap_or(INFINITE_RANK);
    candidates
        .retain(|candidate| candidate.id == first.id || dag_rank(candidate.rank, increase) < dag_rank(own, increase));
    candidates.sort_by_key(|candidate| {
        let favour = if members.contains(&candidate.id) { objective.switch_threshold() } else { 0 };
        let cost = objective.path_cost(candidate, increase).map(|cost| cost.saturating_sub(favour));
        (candidate.id != first.id, cost, candidate.id)
    });
    candidates.truncate(usize::from(objective.parent_set_size().max(1)));
}
