//! What of the journal a regulator sees: billing-relevant records become leaves of the Merkle log ([`taa_ledger`]).
//!
//! ```text
//!   journal record ──▶ State::apply_to ──▶ leaves ──▶ Output::Leaf, right behind its Output::Append
//!                            │                        written in the same transaction as the record
//!                            └──▶ Ledger: right edge of the tree, accounts' open days, promises (part of the state)
//! ```
//!
//! A leaf follows from the record, from what applying it did and from the state: replaying the journal yields the same
//! leaves, byte for byte, and [`Ledger`] (a few hundred bytes and some per account) is enough to go on. Whoever stores
//! leaves stores them with their record: one is on the disk exactly if the other is.
//!
//! What trips the user:
//! - Most entries say one thing at once. **Energy and fees are told once per account and day** ([`statement`]), when the
//!   record of the new day ([`Entry::DayFee`]) comes, and before prices change, so that each statement has one tariff.
//! - The amounts of the leaves that name an account are its balance: `account.opened`, what was credited, corrected, given
//!   back, and the statements, to the minor unit. What has been used since the last statement is missing from them.
//! - Where the cloud keeps the credit the DCU bills nobody: its ledger then holds prices, orders and what it forwarded.
//!
//! [`Entry::DayFee`]: crate::journal::Entry::DayFee

mod amend;
mod demand;
mod draft;
mod entries;
mod promises;
pub mod rules;
mod statement;
#[cfg(test)]
mod tests;
mod tokens;

use serde::{Deserialize, Serialize};
use taa_ledger::{Checkpoint, Frontier, Hash};

pub use self::promises::{PROMISES_MAX, Promised, Promises, Witnessed, newest_note};
use self::{draft::Draft, statement::Open};
use crate::{
    billing::{Book, Totals},
    config::{CreditAt, Tariff},
    ids::Stamp,
    journal::{Applied, Record},
    relay::{Basis, Relay},
    vending::Desk,
};

/// An entry of the ledger, as it is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its place in the log, from 0, without gaps.
    pub index: u64,
    /// The journal record that it follows from: durable together with it.
    pub record: u64,
    /// A [`taa_ledger::Record`] in its one way of writing.
    pub bytes: Vec<u8>,
}

/// The durable part: what is needed to append and to promise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    edge: Frontier,
    credit_at: CreditAt,
    /// Logical device names, by index of meter and account.
    meters: Vec<String>,
    accounts: Vec<Open>,
    /// Prices that the log has told, by number of class, the site's own first; none before the first boot.
    tariffs: Vec<Tariff>,
    promises: Promises,
}

/// What a record found, for what it changes is gone once it is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Before {
    /// The relay of the record's meter.
    pub(crate) relay: Option<Relay>,
    /// Cumulative credit in the record's meter, minor units.
    pub(crate) delivered_minor: i64,
    /// The amount of the record's payment in suspense, minor units.
    pub(crate) suspended_minor: i64,
    /// What the cloud's order for the record's meter rests on.
    pub(crate) basis: Option<Basis>,
    /// Sums of the book, where the record is a payment.
    pub(crate) totals: Totals,
}

/// What a leaf follows from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause<'a> {
    /// The record.
    pub(crate) record: &'a Record,
    /// What it found.
    pub(crate) before: Before,
    /// What it brought about.
    pub(crate) applied: &'a Applied,
    /// The accounts after it.
    pub(crate) book: &'a Book,
    /// The sales of tokens after it.
    pub(crate) desk: &'a Desk,
}

impl Ledger {
    /// Before the first record; `meters` are the logical device names.
    #[must_use]
    pub(crate) fn new<'a>(credit_at: CreditAt, meters: impl IntoIterator<Item = &'a str>) -> Self {
        let meters: Vec<String> = meters.into_iter().map(str::to_owned).collect();
        Self {
            edge: Frontier::default(),
            credit_at,
            accounts: vec![Open::default(); meters.len()],
            meters,
            tariffs: Vec::new(),
            promises: Promises::default(),
        }
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// The right edge of the tree, from which a [`taa_ledger::Log`] can be checked.
    #[must_use]
    pub const fn edge(&self) -> &Frontier {
        &self.edge
    }

    /// What would be signed now for the log of this name.
    #[must_use]
    pub fn checkpoint(&self, origin: &str) -> Checkpoint {
        Checkpoint::new(origin, self.size(), self.root())
    }

    /// What has been signed and handed out.
    #[must_use]
    pub const fn promises(&self) -> &Promises {
        &self.promises
    }

    /// The account's balance as its leaves have it, minor units: without what was used since the last statement.
    #[must_use]
    pub fn told_minor(&self, account: u32) -> i64 {
        self.accounts.get(account as usize).map_or(0, Open::told_minor)
    }

    /// Energy billed to the account and in no statement yet, minor units.
    #[must_use]
    pub fn untold_minor(&self, account: u32) -> i64 {
        self.accounts.get(account as usize).map_or(0, Open::energy_minor)
    }

    /// Takes a record that has just been applied; its leaves are appended to `leaves`.
    pub(crate) fn take(&mut self, cause: &Cause<'_>, leaves: &mut Vec<Leaf>) {
        entries::take(self, cause, leaves);
    }

    /// What has moved on the account and no leaf has told, energy aside, minor units.
    fn untold_movement(&self, account: u32, book: &Book) -> i64 {
        let told = self.told_minor(account).saturating_sub(self.untold_minor(account));
        book.balance_minor(account).saturating_sub(told)
    }

    fn name(&self, meter: u32) -> &str {
        self.meters.get(meter as usize).map_or("", String::as_str)
    }

    fn push(&mut self, record: u64, draft: Draft, leaves: &mut Vec<Leaf>) {
        let bytes = draft.into_bytes();
        let index = self.edge.size();
        self.edge.push(Hash::of_leaf(&bytes));
        leaves.push(Leaf { index, record, bytes });
    }

    /// A leaf of an account, and its amount on it.
    fn push_on(&mut self, account: u32, minor: i64, record: u64, draft: Draft, leaves: &mut Vec<Leaf>) {
        if let Some(open) = self.accounts.get_mut(account as usize) {
            open.tell(minor);
        }
        self.push(record, draft, leaves);
    }

    /// A leaf about this account and its meter.
    fn draft(&self, stamp: &Stamp, what: &str, rule: &str, account: u32, book: &Book) -> Draft {
        let name = book.account(account).map_or("", |found| found.name.as_str());
        Draft::new(stamp, what, rule).account(name).meter(self.name(account))
    }
}
