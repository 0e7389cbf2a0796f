//! The list of payments for one site.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use taa_dcu::{
    fetch::Fate,
    payment::{Certainty, Payment},
};

/// Sessions remembered, to tell a late question from a second DCU.
const HISTORY_MAX: usize = 16;
/// Epochs remembered.
const EPOCHS_MAX: usize = 64;

/// What waits for a site, and who is served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// The last number given.
    last: u64,
    /// Nothing at or below will come any more.
    floor: u64,
    items: BTreeMap<u64, Payment>,
    /// At the site; what became of them is not known.
    delivered: BTreeMap<u64, Payment>,
    fates_known: u64,
    bound: Option<u64>,
    history: VecDeque<u64>,
    /// Epochs of this relay, and the last number given in each.
    epochs: VecDeque<(u64, u64)>,
}

impl Inbox {
    /// Payments that wait, with their numbers.
    pub fn items(&self) -> impl Iterator<Item = (u64, &Payment)> {
        self.items.iter().map(|(number, payment)| (*number, payment))
    }

    /// Payments at the site whose fate is not known.
    pub fn delivered(&self) -> impl Iterator<Item = (u64, &Payment)> {
        self.delivered.iter().map(|(number, payment)| (*number, payment))
    }

    /// Payments that wait, or whose fate is not known.
    pub fn under_way(&self) -> impl Iterator<Item = &Payment> {
        self.items.values().chain(self.delivered.values())
    }

    /// The last number given.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Nothing at or below this number will come any more.
    #[must_use]
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// All fates up to this number are known.
    #[must_use]
    pub const fn fates_known(&self) -> u64 {
        self.fates_known
    }

    /// The session that is served.
    #[must_use]
    pub const fn bound(&self) -> Option<u64> {
        self.bound
    }

    /// Sessions that were served before.
    #[must_use]
    pub fn was_bound(&self, session: u64) -> bool {
        self.history.contains(&session)
    }

    /// Whether this relay has given this number in this epoch (0: the DCU has never been given any).
    #[must_use]
    pub fn has_given(&self, epoch: u64, number: u64, current: u64) -> bool {
        match epoch {
            0 => number == 0,
            epoch if epoch == current => number <= self.last,
            epoch => self.epochs.iter().any(|(known, last)| *known == epoch && number <= *last),
        }
    }

    pub(super) fn push(&mut self, payment: Payment) {
        self.last = self.last.saturating_add(1);
        self.items.insert(self.last, payment);
    }

    /// An epoch has ended.
    pub(super) fn end_epoch(&mut self, epoch: u64) {
        if self.epochs.len() >= EPOCHS_MAX {
            self.epochs.pop_front();
        }
        self.epochs.push_back((epoch, self.last));
    }

    pub(super) fn bind(&mut self, session: Option<u64>) {
        if let Some(before) = self.bound.take() {
            self.remember(&[before]);
        }
        self.history.retain(|before| Some(*before) != session);
        self.bound = session;
    }

    pub(super) fn remember(&mut self, sessions: &[u64]) {
        for session in sessions {
            if self.history.contains(session) {
                continue;
            }
            if self.history.len() >= HISTORY_MAX {
                self.history.pop_front();
            }
            self.history.push_back(*session);
        }
    }

    /// Numbers what waits anew, from `start` on.
    pub(super) fn renumber(&mut self, start: u64) {
        let start = start.max(self.last.saturating_add(1));
        self.floor = start.saturating_sub(1);
        self.last = self.floor;
        for payment in std::mem::take(&mut self.items).into_values() {
            self.push(payment);
        }
    }

    /// Takes out everything up to this number: offered to a DCU that is gone.
    pub(super) fn withdraw(&mut self, upto: u64) -> Vec<Payment> {
        let later = self.items.split_off(&upto.saturating_add(1));
        let mut out: Vec<_> = std::mem::replace(&mut self.items, later).into_values().collect();
        out.extend(std::mem::take(&mut self.delivered).into_values());
        self.renumber(0);
        out
    }

    /// The site has everything up to this number.
    pub(super) fn ack(&mut self, upto: u64) {
        let later = self.items.split_off(&upto.saturating_add(1));
        self.delivered.append(&mut std::mem::replace(&mut self.items, later));
        self.floor = self.floor.max(upto.min(self.last));
    }

    /// What became of one payment; gives it back when the site has not taken it and it is money: a receipt that was not
    /// believed is none.
    pub(super) fn fate(&mut self, number: u64, fate: Fate) -> Option<Payment> {
        self.fates_known = self.fates_known.max(number);
        self.delivered.remove(&number).filter(|payment| !fate.is_taken() && payment.certainty == Certainty::Final)
    }

    /// The payment that a fate is about.
    #[must_use]
    pub fn delivered_as(&self, number: u64) -> Option<&Payment> {
        self.delivered.get(&number).or_else(|| self.items.get(&number))
    }
}
