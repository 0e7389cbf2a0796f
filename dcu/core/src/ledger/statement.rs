//! An account's day: energy and fees between two statements, as one leaf.
//!
//! A leaf per reading would be twenty-four times as many and say no more: the registers at both ends are in the statement,
//! and the readings themselves are in the journal. A statement's amount is what the balance has lost since the leaf before
//! it. Energy is counted as it is billed; whatever else the balance has lost by then is the fee of the day, because every
//! other movement has a leaf of its own.

use serde::{Deserialize, Serialize};

use super::{Cause, Leaf, Ledger, rules};

/// What an account's leaves have told, and what has been billed since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// Sum of the account's leaves.
    told_minor: i64,
    energy_minor: i64,
    energy_wh: u64,
    /// Register at the end of the last statement, once one is known.
    from_wh: Option<u64>,
    to_wh: u64,
    readings: u32,
    /// Number of the class that the log has told.
    class: u16,
}

impl Open {
    pub(super) const fn told_minor(&self) -> i64 {
        self.told_minor
    }

    pub(super) const fn energy_minor(&self) -> i64 {
        self.energy_minor
    }

    pub(super) const fn class(&self) -> u16 {
        self.class
    }

    /// The log has told of another class.
    pub(super) fn turn(&mut self, class: u16) {
        self.class = class;
    }

    /// A leaf of this account carries this amount.
    pub(super) fn tell(&mut self, minor: i64) {
        self.told_minor = self.told_minor.saturating_add(minor);
    }

    /// A reading: `wh` were billed at `minor`, and the register is there now.
    pub(super) fn bill(&mut self, wh: u64, minor: i64, register_wh: u64) {
        self.energy_minor = self.energy_minor.saturating_add(minor);
        self.energy_wh = self.energy_wh.saturating_add(wh);
        self.to_wh = register_wh;
        self.readings = self.readings.saturating_add(1);
    }

    /// The register has a new base.
    pub(super) fn rebase(&mut self, register_wh: u64) {
        self.from_wh = Some(register_wh);
        self.to_wh = register_wh;
    }

    fn is_quiet(&self) -> bool {
        self.energy_minor == 0 && self.energy_wh == 0
    }
}

/// One statement for every account of those that has used energy or owes a fee; `day` is the local day that begins (days
/// since 1970), none where prices change in between. Each under the tariff that the log has told of its class.
pub(super) fn close(
    ledger: &mut Ledger,
    cause: &Cause<'_>,
    day: Option<i64>,
    of: impl Fn(u32, &Open) -> bool,
    leaves: &mut Vec<Leaf>,
) {
    let what = if day.is_some() { "statement.day" } else { "statement.part" };
    let until = day.map(civil);
    // Once a class: the name of one without a name is a hash.
    let rules: Vec<String> = ledger.tariffs.iter().map(|told| rules::tariff(told, "energy-and-fee")).collect();
    for account in 0..u32::try_from(ledger.accounts.len()).unwrap_or(u32::MAX) {
        if !ledger.accounts.get(account as usize).is_some_and(|open| of(account, open)) {
            continue;
        }
        let class = ledger.accounts.get(account as usize).map_or(0, Open::class);
        let Some(rule) = rules.get(usize::from(class)) else { continue };
        close_one(ledger, cause, (what, until.as_deref()), (account, rule), leaves);
    }
}

fn close_one(
    ledger: &mut Ledger,
    cause: &Cause<'_>,
    (what, until): (&str, Option<&str>),
    (account, rule): (u32, &str),
    leaves: &mut Vec<Leaf>,
) {
    let balance = cause.book.balance_minor(account);
    let Some(open) = ledger.accounts.get_mut(account as usize) else { return };
    let amount = balance.saturating_sub(open.told_minor);
    // In the middle of a day no fee falls due.
    let fee = amount.saturating_add(open.energy_minor).saturating_neg();
    if open.is_quiet() && amount == 0 {
        return;
    }
    let done = std::mem::replace(
        open,
        Open { from_wh: Some(open.to_wh), energy_minor: 0, energy_wh: 0, readings: 0, ..*open },
    );
    let mut draft = ledger
        .draft(&cause.record.stamp, what, rule, account, cause.book)
        .amount(amount, cause.book.tariff())
        .energy(done.energy_wh)
        .detail("balance_minor", balance)
        .detail("energy_minor", done.energy_minor)
        .detail_if("until", until);
    if done.readings > 0 {
        draft = draft.detail_if("from_wh", done.from_wh).detail("to_wh", done.to_wh).detail("readings", done.readings);
    }
    if fee != 0 {
        draft = draft.detail("fee_minor", fee);
    }
    ledger.push_on(account, amount, cause.record.number, draft, leaves);
}

/// A day counted from 1970 as a date; the number where a calendar has none.
fn civil(day: i64) -> String {
    let text = super::draft::moment(day.saturating_mul(86_400_000));
    text.split_once('T').map_or_else(|| day.to_string(), |(date, _)| date.to_owned())
}
