//! All accounts of a site.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{Account, Credit, Debit, Fees, Suspended, Totals};
use crate::{config::Tariff, payment::Payment, relay::Relay};

/// Most days of fees charged at once. Arbitrary: a DCU may be off for a month; a clock that leaps further is wrong.
const FEE_DAYS_MAX: i64 = 31;

/// The accounts, what has been paid in, what lies in suspense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    tariff: Tariff,
    accounts: Vec<Account>,
    by_name: BTreeMap<String, u32>,
    seen: BTreeMap<String, Seen>,
    suspense: BTreeMap<String, Suspended>,
    fee_day: Option<i64>,
    totals: Totals,
}

/// What is remembered of a payment, to tell a repeat from a clash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    amount_minor: i64,
    /// `None`: went to suspense under an unknown name.
    account: Option<u32>,
}

impl Book {
    /// A book with these accounts (name, opening balance in minor units), in this order.
    ///
    /// Of two accounts with the same name the first is found by payments; the checker of scenarios refuses such a
    /// list.
    pub fn new<'a>(tariff: &Tariff, accounts: impl IntoIterator<Item = (&'a str, i64)>) -> Self {
        let accounts: Vec<_> = accounts.into_iter().map(|(name, opening)| Account::new(name, opening)).collect();
        let mut by_name = BTreeMap::new();
        for (ix, account) in (0..).zip(&accounts) {
            by_name.entry(account.name.clone()).or_insert(ix);
        }
        Self {
            tariff: tariff.clone(),
            accounts,
            by_name,
            seen: BTreeMap::new(),
            suspense: BTreeMap::new(),
            fee_day: None,
            totals: Totals::default(),
        }
    }

    /// One account.
    #[must_use]
    pub fn account(&self, account: u32) -> Option<&Account> {
        self.accounts.get(account as usize)
    }

    /// Index of the account with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// All accounts, by index.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Balance, minor units; zero for an account that does not exist.
    #[must_use]
    pub fn balance_minor(&self, account: u32) -> i64 {
        self.account(account).map_or(0, Account::balance_minor)
    }

    /// Prices in force.
    #[must_use]
    pub fn tariff(&self) -> &Tariff {
        &self.tariff
    }

    /// Payments that wait for somebody to find their account, by key.
    pub fn suspense(&self) -> impl Iterator<Item = &Payment> {
        self.suspense.values().map(|s| &s.payment)
    }

    /// A payment with this key was taken (credited or in suspense).
    #[must_use]
    pub fn has_seen(&self, key: &str) -> bool {
        self.seen.contains_key(key)
    }

    /// The very same payment (key, amount, account) was taken before.
    #[must_use]
    pub fn would_be_duplicate(&self, payment: &Payment) -> bool {
        let Some(seen) = self.seen.get(&payment.key) else { return false };
        let same_account = match seen.account {
            Some(_) => seen.account == self.find(&payment.account),
            None => self.suspense.get(&payment.key).is_none_or(|s| s.payment.account == payment.account),
        };
        seen.amount_minor == payment.amount_minor && same_account
    }

    /// Sums over the book.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether the account's light may be on: the balance lies above the grace below zero.
    #[must_use]
    pub fn desired_relay(&self, account: u32) -> Relay {
        let floor = self.tariff.grace_minor.saturating_neg();
        if self.balance_minor(account) > floor { Relay::Closed } else { Relay::Open }
    }

    /// Takes a payment.
    pub fn credit(&mut self, payment: &Payment) -> Credit {
        if payment.check().is_err() {
            return Credit::Refused;
        }
        if self.has_seen(&payment.key) {
            return if self.would_be_duplicate(payment) { Credit::Duplicate } else { Credit::Conflict };
        }
        let account = self.find(&payment.account);
        let amount = i128::from(payment.amount_minor);
        self.seen.insert(payment.key.clone(), Seen { amount_minor: payment.amount_minor, account });
        self.totals.received = self.totals.received.saturating_add(amount);
        let Some((ix, found)) = account.and_then(|ix| Some((ix, self.accounts.get_mut(ix as usize)?))) else {
            self.suspense.insert(payment.key.clone(), Suspended { payment: payment.clone() });
            self.totals.suspended = self.totals.suspended.saturating_add(amount);
            return Credit::Suspended;
        };
        found.credit(payment.amount_minor);
        self.totals.credited = self.totals.credited.saturating_add(amount);
        Credit::Credited { account: ix, balance_minor: found.balance_minor }
    }

    /// Moves a payment out of suspense to the account that an operator has found for it.
    pub fn resolve(&mut self, key: &str, account: u32) -> Credit {
        let (Some(found), Some(entry)) = (self.accounts.get_mut(account as usize), self.suspense.remove(key)) else {
            return Credit::Refused;
        };
        let amount = entry.payment.amount_minor;
        found.credit(amount);
        self.totals.suspended = self.totals.suspended.saturating_sub(i128::from(amount));
        self.totals.credited = self.totals.credited.saturating_add(i128::from(amount));
        Credit::Credited { account, balance_minor: found.balance_minor }
    }

    /// Bills a live reading of the account's register.
    pub fn debit(&mut self, account: u32, sequence: u32, register_wh: u64) -> Debit {
        let price = self.tariff.energy_price_per_kwh_minor;
        let Some(found) = self.accounts.get_mut(account as usize) else { return Debit::Unknown };
        let outcome = found.debit(sequence, register_wh, price);
        if let Debit::Billed { minor, .. } = outcome {
            self.totals.energy_billed = self.totals.energy_billed.saturating_add(i128::from(minor));
        }
        outcome
    }

    /// The last day whose fee is settled (days since 1970, local).
    #[must_use]
    pub const fn fee_day(&self) -> Option<i64> {
        self.fee_day
    }

    /// Whether [`Self::charge_until`] would change anything.
    #[must_use]
    pub fn fee_is_due(&self, day: i64) -> bool {
        self.fee_day.is_none_or(|last| day > last)
    }

    /// Charges the daily fee for every day after the last one charged up to this one (days since 1970, local).
    ///
    /// A clock that steps back charges nothing twice; one that leaps ahead charges at most a month.
    pub fn charge_until(&mut self, day: i64) -> Fees {
        let Some(last) = self.fee_day else {
            self.fee_day = Some(day);
            return Fees::First;
        };
        let due = day.saturating_sub(last);
        if due <= 0 {
            return Fees::NotDue;
        }
        self.fee_day = Some(day);
        let days = due.min(FEE_DAYS_MAX);
        let fee = self.tariff.daily_fee_minor.saturating_mul(days);
        for account in &mut self.accounts {
            account.charge(fee);
            self.totals.fees = self.totals.fees.saturating_add(i128::from(fee));
        }
        let charged = u32::try_from(days).unwrap_or(0);
        match u32::try_from(due.saturating_sub(days)).unwrap_or(u32::MAX) {
            0 => Fees::Charged { days: charged },
            forgone => Fees::ClockLeap { charged, forgone },
        }
    }

    /// New prices from now on. Carried fractions stay.
    pub fn set_tariff(&mut self, tariff: Tariff) {
        self.tariff = tariff;
    }
}
