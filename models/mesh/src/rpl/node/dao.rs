//! DAO and DAO-ACK as a sender: telling the root (non-storing) or the parent (storing) how to reach this node (§9).

use core::net::Ipv6Addr;
use std::collections::BTreeSet;

use super::config::SECOND_NS;
use super::{NextHop, Node, Purpose, Timer};
use crate::Eui64;
use crate::rpl::lollipop;
use crate::rpl::objective::INFINITE_RANK;
use crate::rpl::wire::{Dao, DaoAck, Message, Mode, Prefix, RplOption, Transit};

/// Targets in one DAO of storing mode: 32 × 26 octets fit a frame of 1280.
const TARGETS_MAX: usize = 32;
/// Path control of the n-th parent: one bit of its subfield (§6.7.8).
const PATH_CONTROL: [u8; 4] = [0x40, 0x10, 0x04, 0x01];

/// Where the telling stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announcing {
    /// DAOSequence of the last DAO.
    sequence: u8,
    /// Path sequence of this node's own target.
    path_sequence: u8,
    /// Retries left of the DAO that waits for its acknowledgement, `None` when none does.
    waiting: Option<u8>,
    /// The last DAO was acknowledged.
    pub(super) confirmed: bool,
    /// Storing mode: targets still to be told.
    pending: BTreeSet<Ipv6Addr>,
    /// Storing mode: targets of the DAO that waits.
    in_flight: Vec<Ipv6Addr>,
    /// Non-storing mode: the parents that the last DAO named.
    told: Vec<Eui64>,
}

impl Default for Announcing {
    fn default() -> Self {
        Self {
            sequence: lollipop::INITIAL,
            path_sequence: lollipop::INITIAL,
            waiting: None,
            confirmed: false,
            pending: BTreeSet::new(),
            in_flight: Vec::new(),
            told: Vec::new(),
        }
    }
}

impl Announcing {
    /// The node has left its parents: what was told no longer holds.
    pub(super) fn withdrawn(&mut self) {
        self.confirmed = false;
        self.waiting = None;
        self.pending.clear();
        self.in_flight.clear();
    }
}

impl Node {
    /// A DAO is due after DelayDAO. `anew` when what it says has changed: a new path sequence, all targets again.
    pub(super) fn announce_later(&mut self, now_ns: u64, anew: bool) {
        let downward = self.config.mode != Mode::NoDownward && self.dodag.as_ref().is_some_and(|dodag| !dodag.rooted);
        if !downward || self.rank() == INFINITE_RANK {
            return;
        }
        if anew {
            self.announcing.path_sequence = lollipop::next(self.announcing.path_sequence);
            self.announcing.confirmed = false;
            self.announcing.waiting = None;
            self.timers.clear(Timer::DaoAck);
            if self.stores() {
                self.announcing.in_flight.clear();
                self.announcing.pending.extend(self.table.targets());
                let own = self.global();
                self.announcing.pending.extend(own);
            }
        }
        let delay_ns = self.config.dao_delay_ns;
        let wait_ns = self.chance.between(delay_ns / 2, delay_ns.saturating_add(delay_ns / 2));
        self.timers.arm(Timer::DaoDelay, now_ns.saturating_add(wait_ns));
    }

    /// The parent set beside the preferred one changed a while ago: told now, unless it is again what was told last.
    pub(super) fn announce_alternates(&mut self, now_ns: u64) {
        let told = &self.announcing.told;
        let same = self.parents().len() == told.len() && self.parents().iter().all(|parent| told.contains(parent));
        if !same {
            self.announce_later(now_ns, true);
        }
    }

    /// Storing mode: a child's target is news for the parent too.
    pub(super) fn pass_on(&mut self, now_ns: u64, target: Ipv6Addr) {
        self.announcing.pending.insert(target);
        if self.announcing.waiting.is_none() {
            self.announce_later(now_ns, false);
        }
    }

    /// DelayDAO is over.
    pub(super) fn announce(&mut self, now_ns: u64) {
        if self.rank() == INFINITE_RANK {
            return;
        }
        if self.stores() {
            let (first, wait) = (self.announcing.in_flight.is_empty(), self.announcing.waiting.is_some());
            if first && !wait {
                let pending = &mut self.announcing.pending;
                while self.announcing.in_flight.len() < TARGETS_MAX
                    && let Some(target) = pending.pop_first()
                {
                    self.announcing.in_flight.push(target);
                }
            }
            if self.announcing.in_flight.is_empty() {
                return;
            }
        }
        self.announcing.sequence = lollipop::next(self.announcing.sequence);
        self.announcing.waiting = Some(self.config.dao_retries);
        let parents = self.dodag.as_ref().map_or(&[][..], |dodag| &dodag.parents);
        self.announcing.told.clear();
        self.announcing.told.extend_from_slice(parents);
        self.timers.clear(Timer::Alternates);
        self.send_dao(now_ns);
    }

    /// The acknowledgement is overdue.
    pub(super) fn announce_again(&mut self, now_ns: u64) {
        match self.announcing.waiting.and_then(|left| left.checked_sub(1)) {
            Some(left) => {
                self.announcing.waiting = Some(left);
                self.send_dao(now_ns);
            }
            None => self.give_up(now_ns),
        }
    }

    /// Arbitrary: a node that nobody answers starts over after as long as between two DIS.
    fn give_up(&mut self, now_ns: u64) {
        self.counters.dao_failed += 1;
        self.announcing.waiting = None;
        self.announcing.confirmed = false;
        let targets = core::mem::take(&mut self.announcing.in_flight);
        self.announcing.pending.extend(targets);
        self.timers.set(Timer::DaoDelay, now_ns.saturating_add(self.config.dis_again_ns));
    }

    /// Half of the lifetime is over.
    pub(super) fn refresh_announcement(&mut self, now_ns: u64) {
        self.announce_later(now_ns, true);
    }

    fn send_dao(&mut self, now_ns: u64) {
        let Some(dodag) = &self.dodag else { return };
        let Some(own) = self.global() else { return };
        let (config, parent, root) = (dodag.config, dodag.parents.first().copied(), dodag.id);
        let Some(parent) = parent else { return };
        let mut options = Vec::with_capacity(4);
        if self.stores() {
            for &target in &self.announcing.in_flight {
                options.push(RplOption::Target(Prefix::host(target)));
                options.push(RplOption::Transit(self.transit_of(target, own, config.default_lifetime)));
            }
        } else {
            options.push(RplOption::Target(Prefix::host(own)));
            for (&eui, path_control) in dodag.parents.iter().zip(PATH_CONTROL) {
                options.push(RplOption::Transit(Transit {
                    external: false,
                    path_control,
                    path_sequence: self.announcing.path_sequence,
                    lifetime: config.default_lifetime,
                    parent: Some(self.global_of(eui, own)),
                }));
            }
        }
        let instance = self.config.instance;
        let message =
            Message::Dao(Dao { instance, wants_ack: true, sequence: self.announcing.sequence, dodag: None, options });
        let tried = self.config.dao_retries.saturating_sub(self.announcing.waiting.unwrap_or(0));
        let wait_ns = self.config.dao_retry_ns.saturating_mul(1 << tried.min(16));
        self.timers.set(Timer::DaoAck, now_ns.saturating_add(wait_ns));
        if self.stores() {
            let packet = message.packet(self.link_local(), parent.link_local(), self.config.hop_limit);
            self.transmit(NextHop::Neighbour(parent), packet, Purpose::Dao);
        } else {
            let mut bytes = Vec::with_capacity(64);
            message.put(own, root, &mut bytes);
            self.send_as(now_ns, root, crate::ip::next::ICMPV6, &bytes, Purpose::Dao);
        }
    }

    fn transit_of(&self, target: Ipv6Addr, own: Ipv6Addr, lifetime: u8) -> Transit {
        let known = self.table.path_sequence(target);
        // A target that has gone from the table since it was queued is withdrawn.
        let lifetime = if target == own || known.is_some() { lifetime } else { 0 };
        let path_sequence = if target == own { self.announcing.path_sequence } else { known.unwrap_or(0) };
        Transit { external: false, path_control: 0, path_sequence, lifetime, parent: None }
    }

    /// A parent's address under the prefix: as it said, or made of its interface.
    fn global_of(&self, eui: Eui64, own: Ipv6Addr) -> Ipv6Addr {
        let said = self.neighbours.get(eui).and_then(|neighbour| neighbour.global);
        said.unwrap_or_else(|| {
            let [a, b, c, d, e, f, g, h, ..] = own.octets();
            eui.under([a, b, c, d, e, f, g, h])
        })
    }

    /// Storing mode: no-path DAOs for everything this node led to.
    pub(super) fn withdrawals(&mut self) -> Vec<Dao> {
        let Some(own) = self.global() else { return Vec::new() };
        let targets: Vec<Ipv6Addr> = core::iter::once(own).chain(self.table.targets()).collect();
        let mut messages = Vec::new();
        for some in targets.chunks(TARGETS_MAX) {
            self.announcing.sequence = lollipop::next(self.announcing.sequence);
            let options = some.iter().flat_map(|&target| {
                let transit = Transit { lifetime: 0, ..self.transit_of(target, own, 0) };
                [RplOption::Target(Prefix::host(target)), RplOption::Transit(transit)]
            });
            let (instance, sequence) = (self.config.instance, self.announcing.sequence);
            let options = options.collect();
            messages.push(Dao { instance, wants_ack: false, sequence, dodag: None, options });
        }
        messages
    }

    /// A DAO-ACK came in.
    pub(super) fn on_dao_ack(&mut self, now_ns: u64, ack: &DaoAck) {
        let matches = ack.instance == self.config.instance && ack.sequence == self.announcing.sequence;
        if !matches || self.announcing.waiting.is_none() {
            return;
        }
        self.timers.clear(Timer::DaoAck);
        if ack.status >= 128 {
            self.give_up(now_ns);
            return;
        }
        self.announcing.waiting = None;
        self.announcing.confirmed = true;
        self.announcing.in_flight.clear();
        if !self.announcing.pending.is_empty() {
            self.announce_later(now_ns, false);
        }
        let Some(dodag) = &self.dodag else { return };
        if let Some(lifetime_ns) = dodag.config.lifetime_ns(dodag.config.default_lifetime) {
            // Arbitrary: told again at random between 3/8 and 1/2 of the lifetime, so that one lost round is survived;
            // and never more often than once a minute, whatever a root announces.
            let earliest_ns = (lifetime_ns / 8 * 3).max(60 * SECOND_NS);
            let wait_ns = self.chance.between(earliest_ns, (lifetime_ns / 2).max(90 * SECOND_NS));
            self.timers.set(Timer::DaoRefresh, now_ns.saturating_add(wait_ns));
        }
    }
}
