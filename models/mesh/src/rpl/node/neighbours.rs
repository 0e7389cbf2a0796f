//! Whom a node hears, and what they advertised last.

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
    /// Whether the link's measurement has been asked for.
    pub(super) probed: bool,
    /// Its address under the DODAG's prefix, once it said so.
    pub(super) global: Option<Ipv6Addr>,
    pub(super) advert: Option<Advert>,
}

impl Neighbour {
    const fn new(now_ns: u64) -> Self {
        Self { heard_ns: now_ns, etx128: None, probed: false, global: None, advert: None }
    }

    pub(super) const fn is_silent(&self, now_ns: u64, lifetime_ns: u64) -> bool {
        now_ns.saturating_sub(self.heard_ns) > lifetime_ns
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Neighbours(pub(super) Peers<Neighbour>);

impl Neighbours {
    pub(super) fn get(&self, eui: Eui64) -> Option<&Neighbour> {
        self.0.get(eui)
    }

    /// A neighbour was heard now, if it is known.
    pub(super) fn touch(&mut self, eui: Eui64, now_ns: u64) {
        if let Some(neighbour) = self.0.get_mut(eui) {
            neighbour.heard_ns = now_ns;
        }
    }

    /// The entry of a neighbour that was heard now. A full table gives up the one with the dearest path that `kept` does
    /// not protect, a link that was never measured taken for a perfect one (else none would stay to be measured where
    /// hundreds are heard); if it protects all, the new neighbour is turned away.
    pub(super) fn heard(
        &mut self,
        eui: Eui64,
        now_ns: u64,
        max: usize,
        kept: impl Fn(Eui64) -> bool,
    ) -> Option<&mut Neighbour> {
        if self.0.len() >= max && !self.0.contains(eui) {
            let worth = |neighbour: &Neighbour| {
                let rank = neighbour.advert.map_or(u16::MAX, |advert| advert.rank);
                (u32::from(neighbour.etx128.unwrap_or(128)).saturating_add(u32::from(rank)), neighbour.heard_ns)
            };
            let victim = self.0.iter().filter(|(id, _)| !kept(*id)).max_by_key(|(_, n)| worth(n)).map(|(id, _)| id);
            self.0.remove(victim?);
        }
        let entry = self.0.get_or_insert_with(eui, || Neighbour::new(now_ns));
        entry.heard_ns = now_ns;
        Some(entry)
    }

    /// Takes what a DIO says of its sender.
    pub(super) fn learn(neighbour: &mut Neighbour, dio: &Dio) -> Option<Advert> {
        for option in &dio.options {
            if let RplOption::Prefix(info) = option
                && info.router_address
            {
                neighbour.global = Some(info.prefix);
            }
        }
        neighbour.advert.replace(Advert::from(dio))
    }
}
