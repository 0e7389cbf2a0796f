//! Clocks and deadlines: the monotonic one, the wall's, the next instant at which something is due.

use super::{Dcu, NS_PER_MS};
use crate::config::{CreditAt, LocalTime};

const DAY_MS: i64 = 86_400_000;

impl Dcu {
    /// The next instant at which something is due.
    pub(super) fn deadline(&mut self) -> Option<u64> {
        let stale = self.stale_at();
        let sight = self.sight_at();
        let fleet = self.fleet.deadline();
        let lists = self.atlas.deadline();
        let holds = self.holds.deadline();
        let signing = self.signing_at();
        let sender = self.sender.deadline(&self.config, &self.state, self.durable, self.silent_since());
        let witness = self.witness_deadline().into_iter().chain(self.disk_deadline()).min();
        if self.failing || self.is_muted() {
            return [sender, witness].into_iter().flatten().min();
        }
        let plan = self.plan.due_unix_ms().and_then(|at| self.instant_of(at));
        let fee = self.fee_due_unix_ms().and_then(|at| self.instant_of(at));
        let terms = self.terms_due_unix_ms().and_then(|at| self.instant_of(at));
        let vending = self.vending_deadline();
        let images = self.images.deadline();
        let fetch = self.fetch.deadline(self.durable);
        let wall = [plan, fee, terms, stale, sight, fleet, lists];
        let outage = self.outage_deadline();
        let own = [holds, signing, sender, images, vending, fetch, outage, witness];
        wall.into_iter().chain(own).flatten().min()
    }

    /// The monotonic instant at which the wall clock will show this (0 when it has passed before this boot).
    pub(super) fn instant_of(&self, unix_ms: i64) -> Option<u64> {
        let since_boot_ms = unix_ms.saturating_sub(self.clock_offset_ms?);
        Some(u64::try_from(since_boot_ms).unwrap_or(0).saturating_mul(NS_PER_MS))
    }

    /// When the next local day starts whose fee is due.
    pub(super) fn fee_due_unix_ms(&self) -> Option<i64> {
        if self.config.traits.credit_at != CreditAt::Dcu {
            return None;
        }
        let day = self.state.book().fee_day()?.saturating_add(1);
        let offset_ms = i64::from(self.config.utc_offset_s).saturating_mul(1000);
        Some(day.saturating_mul(DAY_MS).saturating_sub(offset_ms))
    }

    pub(super) fn local_day(&self, now: u64) -> Option<i64> {
        Some(self.local(now)?.day())
    }

    /// Local civil time, once the clock is set.
    pub(super) fn local(&self, now: u64) -> Option<LocalTime> {
        Some(LocalTime::new(self.unix_ms(now)?, self.config.utc_offset_s))
    }

    /// Up to a quarter longer, so that meters that failed together do not come back together.
    pub(super) fn jittered(&mut self, wait_ns: u64) -> u64 {
        self.jitter = mix(self.jitter);
        wait_ns.saturating_add((wait_ns >> 10).saturating_mul(self.jitter & 0xff))
    }
}

/// SplitMix64: spreads bits; not for secrets.
pub(super) fn mix(word: u64) -> u64 {
    let z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
