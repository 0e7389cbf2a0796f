//! Whether a light may be on, why, and until when that holds.

use super::Book;
use crate::{
    config::LocalTime,
    relay::{Reason, Relay},
};

/// Why a relay should be as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// The balance is above zero.
    Credit,
    /// The balance is used up; emergency credit is lent.
    Emergency,
    /// The balance and the emergency credit are used up; the grace is not.
    Grace,
    /// Nothing is left, and these are hours in which nobody is disconnected.
    Friendly,
    /// Nothing is left.
    Debt,
}

impl Why {
    /// As an order bears it.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Credit => Reason::Credit,
            Self::Emergency => Reason::Emergency,
            Self::Grace => Reason::Grace,
            Self::Friendly => Reason::Friendly,
            Self::Debt => Reason::Debt,
        }
    }
}

/// What a relay should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// In this state. [`Relay::Open`] with [`Why::Friendly`] means: leave it as it is; it was to be opened before these
    /// hours began, and neither is anybody disconnected in them nor does anybody who was get light on trust.
    pub relay: Relay,
    /// Why.
    pub why: Why,
    /// When the clock alone changes it, Unix ms.
    pub until_unix_ms: Option<i64>,
}

impl Decision {
    /// The state to order, if any.
    #[must_use]
    pub fn order(self) -> Option<Relay> {
        (self.relay == Relay::Closed || self.why == Why::Debt).then_some(self.relay)
    }
}

impl Book {
    /// What the account's relay should be at this instant. Without a clock, friendly hours may be now: then nobody is
    /// disconnected, where the tariff has any.
    #[must_use]
    pub fn desired_relay(&self, account: u32, at: impl Into<Option<LocalTime>>) -> Decision {
        let tariff = self.tariff_of(account);
        let balance = self.balance_minor(account);
        let closed = |why| Decision { relay: Relay::Closed, why, until_unix_ms: None };
        if balance > 0 {
            return closed(Why::Credit);
        }
        if balance > tariff.emergency_credit_minor.saturating_neg() {
            return closed(Why::Emergency);
        }
        if balance > tariff.trust_minor().saturating_neg() {
            return closed(Why::Grace);
        }
        let open = |why, until_unix_ms| Decision { relay: Relay::Open, why, until_unix_ms };
        if tariff.friendly_hours.is_empty() {
            return open(Why::Debt, None);
        }
        let Some(at) = at.into() else { return open(Why::Friendly, None) };
        let Some((from, to)) = tariff.friendly_around(at) else {
            return open(Why::Debt, Some(tariff.friendly_after(at)));
        };
        let owing_since = self.account(account).and_then(super::Account::owing_since_ms);
        if owing_since.is_some_and(|since| since >= from) {
            return Decision { until_unix_ms: Some(to), ..closed(Why::Friendly) };
        }
        open(Why::Friendly, Some(to))
    }
}
