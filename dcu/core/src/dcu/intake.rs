//! Whether the payments that balances rest on can be seen.
//!
//! A DCU that keeps the balances cuts off whoever has used up the credit. While the intake of payments is out of reach
//! it may be cutting off people who have paid: their money waits at the provider. With
//! [`OnLinkLoss::Hold`] it then opens no relay for debt; it goes on closing relays for credit that it does see (cash
//! at the agent). What is consumed on trust shows in the balance, and is paid off with the next top-up.
//!
//! Sight is lost at once when the link goes down, or when the cloud has been silent for
//! [`DcuConfig::intake_silence_s`](crate::config::DcuConfig::intake_silence_s). It returns a settling time after the
//! cloud is heard again, so that payments which have waited arrive before anybody is judged. Where the DCU fetches its
//! payments itself ([`crate::fetch`]) all of this goes by the relay's word instead of the cloud's.
//!
//! Where another machine is served under this identity, sight is lost as well: who is lit stays lit until it is settled.
//!
//! **Payments that come late.** A link that is up may be slow: what was paid an hour ago is still on its way. The DCU
//! learns how late payments come, from when they were accepted to when they arrive, and cuts nobody off for debt that is
//! younger than that. Only the time that a payment waited **in plain sight** counts: what an outage has held up says
//! nothing about the link after it. Of the last [`SAMPLES_MAX`] payments the third quartile counts, so one callback that
//! somebody found again after a day changes nothing. The payments are remembered for this boot; the estimate is a record
//! of the journal whenever it has changed by half, so that a restart does not begin with cutting people off.

use std::collections::VecDeque;

use super::{
    Dcu, NS_PER_S,
    output::{DcuEvent, LinkState},
};
use crate::{
    MeterIx,
    config::{CreditAt, OnLinkLoss},
    journal::Entry,
    relay::{Relay, Wanted},
};

/// Payments by which lateness is judged. Arbitrary: a day of a village of two hundred.
const SAMPLES_MAX: usize = 32;
/// Fewer say nothing.
const SAMPLES_MIN: usize = 3;

/// How late payments come, within this boot.
#[derive(Clone, Debug, Default)]
pub(super) struct Lateness {
    /// The last payments, seconds each has waited in plain sight.
    waits_s: VecDeque<u32>,
    /// Since when payments can be seen, Unix ms.
    clear_since_ms: Option<i64>,
}

impl Lateness {
    fn note(&mut self, wait_s: u32) {
        self.waits_s.push_back(wait_s);
        if self.waits_s.len() > SAMPLES_MAX {
            self.waits_s.pop_front();
        }
    }

    /// The third quartile, seconds.
    fn estimate_s(&self) -> Option<u32> {
        let mut sorted: Vec<u32> = self.waits_s.iter().copied().collect();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1).filter(|_| sorted.len() >= SAMPLES_MIN)?;
        sorted.get(last.saturating_mul(3) / 4).copied()
    }
}

/// What the DCU sees of the intake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Payments arrive.
    Clear,
    /// They do not; `link` says whether the link is up.
    Lost {
        /// The link is up: the next word from the cloud starts the settling time.
        link: bool,
    },
    /// The cloud has been heard again; clear at this instant, ns.
    Settling(u64),
}

impl Dcu {
    fn judges_by_payments(&self) -> bool {
        let traits = &self.config.traits;
        traits.credit_at == CreditAt::Dcu && traits.on_link_loss == OnLinkLoss::Hold
    }

    /// A decision, unless it would cut somebody off on trust in payments that cannot be seen.
    pub(super) fn unless_blind(&self, wanted: Wanted) -> Option<Wanted> {
        let blind = self.judges_by_payments() && self.sight != Sight::Clear;
        (wanted.relay == Relay::Closed || !blind).then_some(wanted)
    }

    /// A payment has come through the link that was accepted at this instant.
    pub(super) fn note_arrival(&mut self, now: u64, accepted_ms: i64) {
        let Some(unix_ms) = self.unix_ms(now).filter(|_| self.judges_by_payments()) else { return };
        let Some(clear_ms) = self.lateness.clear_since_ms.filter(|_| self.sight == Sight::Clear) else { return };
        let wait_ms = unix_ms.saturating_sub(accepted_ms.max(clear_ms)).max(0);
        self.lateness.note(u32::try_from(wait_ms / 1000).unwrap_or(u32::MAX));
        let noted_s = self.state.payments_late_s();
        let late_s = self.late_s();
        let changed = late_s >= noted_s.saturating_mul(2) && late_s > 0 || late_s <= noted_s / 2 && noted_s > 0;
        if changed {
            self.record(now, Entry::PaymentsLate { late_s });
            self.event(DcuEvent::PaymentsLate { late_s });
            // Orders for debt that have not left yet are taken back, or are due now.
            self.reconsider_all(now);
        }
    }

    /// How late payments come, seconds; 0 as long as they come in time.
    fn late_s(&self) -> u32 {
        let estimate = self.lateness.estimate_s().unwrap_or(self.state.payments_late_s());
        if estimate < self.config.lateness_from_s { 0 } else { estimate.min(self.config.lateness_max_s) }
    }

    /// Until when the debt of this meter's account is too young to cut it off, Unix ms.
    pub(super) fn young_debt_until(&self, now: u64, meter: MeterIx) -> Option<i64> {
        let late_s = self.late_s();
        if late_s == 0 || !self.judges_by_payments() {
            return None;
        }
        let since = self.state.book().account(meter.0)?.owing_since_ms()?;
        let until = since.saturating_add(i64::from(late_s).saturating_mul(1000));
        self.unix_ms(now).filter(|unix_ms| *unix_ms < until).map(|_| until)
    }

    /// The newest word on payments in this boot, ns: of the relay where the DCU that keeps the accounts fetches them there, of
    /// the cloud elsewhere.
    pub(super) fn payments_word(&self) -> Option<u64> {
        let fetches = self.config.fetch.is_some() && self.config.traits.credit_at == CreditAt::Dcu;
        if fetches { self.fetch.heard() } else { self.contact }
    }

    pub(super) fn sight_at(&self) -> Option<u64> {
        if !self.judges_by_payments() {
            return None;
        }
        match self.sight {
            Sight::Clear => {
                let silence = u64::from(self.config.intake_silence_s).saturating_mul(NS_PER_S);
                self.payments_word().map(|at| at.saturating_add(silence))
            }
            Sight::Settling(at) => Some(at),
            Sight::Lost { .. } => None,
        }
    }

    pub(super) fn check_sight(&mut self, now: u64) {
        if self.sight_at().is_some_and(|at| at <= now) {
            self.sight = if self.sight == Sight::Clear { Sight::Lost { link: true } } else { Sight::Clear };
            self.lateness.clear_since_ms = self.unix_ms(now).filter(|_| self.sight == Sight::Clear);
            // Orders for debt that have not left yet are taken back, or are due now.
            self.reconsider_all(now);
        }
    }

    pub(super) fn sight_link(&mut self, link: LinkState) {
        self.sight = match (link, self.sight) {
            (LinkState::Down, _) => Sight::Lost { link: false },
            (LinkState::Up, Sight::Lost { .. }) => Sight::Lost { link: true },
            (LinkState::Up, sight) => sight,
        };
    }

    /// Payments go to another machine under this identity: until they come here again none can be seen.
    pub(super) fn sight_twice(&mut self, now: u64) {
        if !matches!(self.sight, Sight::Lost { .. }) {
            self.sight = Sight::Lost { link: true };
            self.reconsider_all(now);
        }
    }

    pub(super) fn sight_contact(&mut self, now: u64) {
        if self.sight == (Sight::Lost { link: true }) {
            let settling = u64::from(self.config.intake_settling_s).saturating_mul(NS_PER_S);
            self.sight = Sight::Settling(now.saturating_add(settling));
        }
    }
}
