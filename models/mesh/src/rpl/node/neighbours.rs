//! Whom a node hears, and what they advertised last.

use super::Sender;
use crate::Eui64;
use crate::peers::Peers;
use crate::rpl::wire::{Dio, RplOption};
use core::net::Ipv6Addr;

/// The last DIO of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Advert {
    pub(super) dodag: Ipv6Addr,
    pub(super) version: u8,
    pub(super) rank: u16,
    pub(super) dtsn: u8,
    pub(super) grounded: bool,
    pub(super) preference: u8,
}

impl From<&Dio> for Advert {
    fn from(dio: &Dio) -> Self {
        let Dio { dodag, version, rank, dtsn, grounded, preference, .. } = *dio;
        Self { dodag, version, rank, dtsn, grounded, preference }
    }
}

/// A neighbour, on one line of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Neighbour {
    pub(super) heard_ns: u64,
    /// ETX × 128 of the link to it, once measured.
    pub(super) etx128: Option<u16>,
    /// What it should be by how its last DIO was heard.
    expected_etx128: u16,
    /// Whether the link's measurement has been asked for.
    pub(super) probed: bool,
    /// Its address under the DODAG's prefix, once it said so.
    pub(super) global: Option<Ipv6Addr>,
    pub(super) advert: Option<Advert>,
}

impl Neighbour {
    const fn new(now_ns: u64) -> Self {
        Self { heard_ns: now_ns, etx128: None, expected_etx128: u16::MAX, probed: false, global: None, advert: None }
    }

    pub(super) const fn is_silent(&self, now_ns: u64, lifetime_ns: u64) -> bool {
        now_ns.saturating_sub(self.heard_ns) > lifetime_ns
    }

    fn cost(&self) -> u32 {
        path_cost(self.etx128.unwrap_or(self.expected_etx128), self.advert.map(|advert| advert.rank))
    }

    /// Takes what a DIO says; what the one before said.
    fn take(&mut self, dio: &Dio, expected_etx128: u16) -> Option<Advert> {
        self.expected_etx128 = expected_etx128;
        for option in &dio.options {
            if let RplOption::Prefix(info) = option
                && info.router_address
            {
                self.global = Some(info.prefix);
            }
        }
        self.advert.replace(Advert::from(dio))
    }
}

/// How many are remembered, and by how much a path must be cheaper to take another's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) neighbours_max: usize,
    pub(super) threshold: u16,
}

/// The table.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbours {
    all: Peers<Neighbour>,
    /// Of a full table, while nothing in it has changed: the dearest path of those that may go, or a dearer one.
    dearest: Option<u32>,
}

impl PartialEq for Neighbours {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Neighbours {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, eui: Eui64) -> Option<&Neighbour> {
        self.all.get(eui)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Eui64, &Neighbour)> {
        self.all.iter()
    }

    /// A neighbour was heard then, if it is known.
    pub(super) fn touch(&mut self, eui: Eui64, at_ns: u64) {
        if let Some(neighbour) = self.all.get_mut(eui) {
            neighbour.heard_ns = neighbour.heard_ns.max(at_ns);
        }
    }

    /// A link was measured, or is not known any more; false when the neighbour is unknown.
    pub(super) fn measured(&mut self, eui: Eui64, etx128: Option<u16>) -> bool {
        let Some(neighbour) = self.all.get_mut(eui) else { return false };
        let before = neighbour.cost();
        (neighbour.etx128, neighbour.probed) = (etx128, etx128.is_some());
        self.dearest = still_dearest(self.dearest, before, neighbour.cost());
        true
    }

    /// Nothing that anybody advertised counts any more.
    pub(super) fn forget_adverts(&mut self) {
        self.all.values_mut().for_each(|neighbour| neighbour.advert = None);
        self.dearest = None;
    }

    /// Another set of neighbours is protected.
    pub(super) const fn others_are_kept(&mut self) {
        self.dearest = None;
    }

    pub(super) fn remove(&mut self, eui: Eui64) -> bool {
        self.dearest = None;
        self.all.remove(eui).is_some()
    }

    /// Forgets who was silent for so long; whether somebody was.
    pub(super) fn forget_silent(&mut self, now_ns: u64, lifetime_ns: u64) -> bool {
        let somebody_is = self.all.values().any(|neighbour| neighbour.is_silent(now_ns, lifetime_ns));
        if somebody_is {
            self.all.retain(|neighbour| !neighbour.is_silent(now_ns, lifetime_ns));
            self.dearest = None;
        }
        somebody_is
    }

    /// Takes a DIO that was heard now: its sender's entry, and what it advertised before. A full table gives up the one with
    /// the dearest path that `kept` does not protect; who offers none that is cheaper by the threshold, and is not to be kept
    /// either, is turned away. A link that was never measured costs what is expected of it: taken for a perfect one, it let a
    /// table turn over all day where hundreds are heard.
    pub(super) fn learn(
        &mut self,
        now_ns: u64,
        Sender { eui: from, expected_etx128 }: Sender,
        limits: Limits,
        dio: &Dio,
        kept: impl Fn(Eui64) -> bool,
    ) -> Option<(&mut Neighbour, Option<Advert>)> {
        if self.all.len() >= limits.neighbours_max && !self.all.contains(from) {
            let own_cost = path_cost(expected_etx128, Some(dio.rank));
            let asked = if kept(from) { 0 } else { own_cost.saturating_add(limits.threshold.into()) };
            let dearest = self.make_room(asked, kept)?;
            self.all.get_or_insert_with(from, || Neighbour::new(now_ns)).take(dio, expected_etx128);
            self.dearest = Some(dearest.max(own_cost));
            return self.all.get_mut(from).map(|entry| (entry, None));
        }
        let entry = self.all.get_or_insert_with(from, || Neighbour::new(now_ns));
        entry.heard_ns = now_ns;
        let cost = entry.cost();
        let before = entry.take(dio, expected_etx128);
        let (after, dearest) = (entry.cost(), &mut self.dearest);
        *dearest = still_dearest(*dearest, cost, after);
        Some((entry, before))
    }

    /// Gives up the one with the dearest path that may go, of several the one heard last, where it is dearer than that: what
    /// the next one costs.
    fn make_room(&mut self, cost: u32, kept: impl Fn(Eui64) -> bool) -> Option<u32> {
        if self.dearest.is_some_and(|dearest| cost >= dearest) {
            return None;
        }
        let (mut victim, mut next_cost) = (None, 0);
        for (id, neighbour) in self.all.iter().filter(|(id, _)| !kept(*id)) {
            let this = (neighbour.cost(), neighbour.heard_ns);
            match victim {
                Some((dearest, _)) if this < dearest => next_cost = next_cost.max(this.0),
                _ => next_cost = victim.replace((this, id)).map_or(0, |((cost, _), _)| cost),
            }
        }
        let dearest = victim.map_or(0, |((cost, _), _)| cost);
        self.dearest = Some(dearest);
        let (_, id) = victim.filter(|_| cost < dearest)?;
        self.all.remove(id);
        Some(next_cost)
    }
}

/// An entry costs something else now: the dearest is known still, unless this one was it or is.
fn still_dearest(dearest: Option<u32>, before: u32, after: u32) -> Option<u32> {
    dearest.filter(|dearest| before == after || before < *dearest && after <= *dearest)
}

/// What a path through a neighbour costs, or should.
fn path_cost(etx128: u16, rank: Option<u16>) -> u32 {
    u32::from(etx128).saturating_add(u32::from(rank.unwrap_or(u16::MAX)))
}
