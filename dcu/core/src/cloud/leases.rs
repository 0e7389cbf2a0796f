//! Minutes for the site: granted, never taken back, and their use compared.
//!
//! The cloud is the lessor ([`taa_tokens::sts::vend::Lessor`]). It keeps one of every n minutes for itself and grants the
//! site another one when the site tells that its leases end soon, or that it has none. A journal that holds a place among
//! the n keeps it: its next lease begins where the last ends. A site that has lost its journal cannot know which minutes
//! it has used, so it never gets the old lease again: it gets the next free place among the n, and where there is none,
//! one when a lease has ended.
//! Minutes that the site reports are compared: one that was used twice means two machines with one identity (a copied
//! disk), one outside every lease means a site that vends on its own account.

use std::collections::BTreeMap;

use taa_tokens::sts::vend::{Lease, LeaseError, Lessor, Minutes};

use super::{Cloud, CloudEvent, NS_PER_MS};
use crate::{MeterIx, uplink::Down, vending::LeaseNote};

const MS_PER_MINUTE: i64 = 60_000;
const MINUTES_PER_DAY: i64 = 1440;

/// How the cloud leases minutes. Whoever appoints lessors sees to it that terms of two lessors do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeasePolicy {
    /// The lessor's term, minutes since 1970-01-01 00:00 UTC.
    pub term: (i64, i64),
    /// Length of a lease.
    pub days: u32,
    /// One of so many minutes; at least 2. The cloud itself has the first of them. With 2 a site whose disk was replaced
    /// sells nothing until the lease of the old one has ended; with n, n − 2 disks may be replaced within a lease.
    pub every: u16,
}

/// The lessor's book and what was reported.
#[derive(Debug)]
pub(super) struct Leases {
    policy: LeasePolicy,
    lessor: Lessor,
    granted: Vec<Lease>,
    /// The last lease of every journal, by its title.
    held: BTreeMap<[u8; 8], Lease>,
    own: Minutes,
    uses: BTreeMap<(MeterIx, i64), u64>,
}

impl Leases {
    pub(super) fn new(policy: LeasePolicy) -> Self {
        let (from, to) = policy.term;
        let mut lessor = Lessor::new(from, to);
        let mut own = Minutes::new(60);
        if let Ok(lease) = lessor.grant(from, to, policy.every, 0) {
            own.add(lease);
        }
        Self { policy, lessor, granted: Vec::new(), held: BTreeMap::new(), own, uses: BTreeMap::new() }
    }

    /// The place that this journal has, from where its last lease ends; else the first free one.
    fn next(&mut self, title: [u8; 8], from: i64, to: i64) -> Result<Lease, LeaseError> {
        let every = self.policy.every;
        if let Some(held) = self.held.get(&title).copied() {
            match self.lessor.grant(from.max(held.to), to, every, held.phase) {
                // It was away for so long that another one has the place.
                Err(LeaseError::Overlap(_)) => {}
                next => return next,
            }
        }
        let mut free = (1..every).map(|phase| self.lessor.grant(from, to, every, phase));
        free.find(Result::is_ok).unwrap_or(Err(LeaseError::Overlap(0)))
    }
}

impl Cloud {
    /// The minutes that the cloud itself may vend with.
    pub fn minutes_mut(&mut self) -> Option<&mut Minutes> {
        self.leases.as_mut().map(|leases| &mut leases.own)
    }

    /// Leases granted to the site so far.
    #[must_use]
    pub fn leases(&self) -> &[Lease] {
        self.leases.as_ref().map_or(&[], |leases| &leases.granted)
    }

    /// Grants the journal with this title its next minutes.
    fn grant(&mut self, now: u64, title: [u8; 8]) {
        let elapsed_ms = i64::try_from(now / NS_PER_MS).unwrap_or(i64::MAX);
        let (Some(leases), Some(offset_ms)) = (&mut self.leases, self.clock_offset_ms) else { return };
        let minute = offset_ms.saturating_add(elapsed_ms).div_euclid(MS_PER_MINUTE);
        let length = i64::from(leases.policy.days).saturating_mul(MINUTES_PER_DAY);
        let (start, end) = leases.policy.term;
        let (from, to) = (minute.max(start), minute.saturating_add(length).min(end));
        let lease = match leases.next(title, from, to) {
            Ok(lease) => lease,
            // It holds all that it may for now.
            Err(LeaseError::Empty) if to < end => return,
            Err(_) => return self.event(CloudEvent::NoMinutesLeft),
        };
        leases.granted.push(lease);
        leases.held.insert(title, lease);
        self.downlink.push(Down::Lease(LeaseNote::new(lease, title)));
        self.event(CloudEvent::LeaseGranted { id: lease.id });
    }

    /// The site has no minutes for long; if some are on their way already, that is enough.
    pub(super) fn lease_wanted(&mut self, now: u64, title: [u8; 8]) {
        if !self.downlink.holds(|body| matches!(body, Down::Lease(lease) if lease.holder == title)) {
            self.grant(now, title);
        }
    }

    /// The site has used a minute.
    pub(super) fn minute_used(&mut self, meter: MeterIx, minute: i64, digest: u64) {
        let Some(leases) = &mut self.leases else { return };
        let before = *leases.uses.entry((meter, minute)).or_insert(digest);
        if !leases.granted.iter().any(|lease| lease.holds(minute)) {
            self.event(CloudEvent::MinuteNotLeased { meter, minute });
        } else if before != digest {
            self.event(CloudEvent::TwoMachines { meter, minute });
        }
    }
}
