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

use super::{Dcu, NS_PER_S, output::LinkState};
use crate::{
    config::{CreditAt, OnLinkLoss},
    relay::{Relay, Wanted},
};

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

    pub(super) fn sight_at(&self) -> Option<u64> {
        if !self.judges_by_payments() {
            return None;
        }
        match self.sight {
            Sight::Clear => {
                let silence = u64::from(self.config.intake_silence_s).saturating_mul(NS_PER_S);
                let heard = if self.config.fetch.is_some() { self.fetch.heard() } else { self.contact };
                heard.map(|at| at.saturating_add(silence))
            }
            Sight::Settling(at) => Some(at),
            Sight::Lost { .. } => None,
        }
    }

    pub(super) fn check_sight(&mut self, now: u64) {
        if self.sight_at().is_some_and(|at| at <= now) {
            self.sight = if self.sight == Sight::Clear { Sight::Lost { link: true } } else { Sight::Clear };
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

    pub(super) fn sight_contact(&mut self, now: u64) {
        if self.sight == (Sight::Lost { link: true }) {
            let settling = u64::from(self.config.intake_settling_s).saturating_mul(NS_PER_S);
            self.sight = Sight::Settling(now.saturating_add(settling));
        }
    }
}
