//! Credit on a receipt that the provider has not confirmed.
//!
//! A receipt that a telephone relays can be forged, so what it adds is bounded per account
//! ([`crate::config::Tariff::receipt_credit_minor`]) and is not counted as received. The provider's own word, under the
//! same provider and number ([`super::names`]), takes its place, for whichever account and amount it names. What is never confirmed is taken
//! back: after [`crate::config::Tariff::receipt_h`], or when somebody finds it forged. A receipt that was taken back is
//! not believed again; the provider's word still is.

use serde::{Deserialize, Serialize};

use super::{Book, Credit, paid_at};
use crate::payment::{Payment, PaymentId};

const HOUR_MS: i64 = 3_600_000;

/// A receipt that counts until it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Receipt {
    account: u32,
    amount_minor: i64,
    /// Taken back at this instant, Unix ms.
    expires_ms: i64,
}

/// How a receipt ended without the provider's word under its own key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settled {
    /// Nobody has confirmed it in time.
    Expired,
    /// Somebody has found it forged.
    Forged,
    /// The provider knows this payment under another key, and that has been taken.
    Matched(PaymentId),
}

/// What became of settling a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    /// What it had added is taken back.
    TakenBack {
        /// From this account.
        account: u32,
        /// So much, minor units.
        amount_minor: i64,
        /// Its balance now, minor units.
        balance_minor: i64,
    },
    /// No such receipt counts (any more): nothing changed.
    Unknown,
    /// The payment that is said to match has not been taken: nothing changed.
    Unmatched,
}

impl Book {
    /// Credits a payment on a receipt alone, up to the limit; the same as [`Book::credit`] of a provisional payment.
    pub fn provisional(&mut self, payment: &Payment) -> Credit {
        let payment = Payment { certainty: crate::payment::Certainty::Provisional, ..payment.clone() };
        self.credit(&payment)
    }

    /// The provider knows the receipt's payment under another key, which has been taken.
    pub fn confirm(&mut self, receipt: &PaymentId, by: &PaymentId, at_ms: Option<i64>) -> Settling {
        self.settle_receipt(receipt, &Settled::Matched(by.clone()), at_ms)
    }

    /// The receipt is forged.
    pub fn revoke(&mut self, receipt: &PaymentId, at_ms: Option<i64>) -> Settling {
        self.settle_receipt(receipt, &Settled::Forged, at_ms)
    }

    /// Receipts that count and are not confirmed, by key.
    pub fn receipts(&self) -> impl Iterator<Item = &PaymentId> {
        self.receipts.keys()
    }

    /// A receipt that has run out by this instant.
    #[must_use]
    pub fn expired_receipt(&self, now_ms: i64) -> Option<&PaymentId> {
        self.receipts.iter().find(|(_, receipt)| receipt.expires_ms <= now_ms).map(|(id, _)| id)
    }

    /// When the next receipt runs out, Unix ms.
    #[must_use]
    pub fn receipt_due_unix_ms(&self) -> Option<i64> {
        self.receipts.values().map(|receipt| receipt.expires_ms).min()
    }

    /// The very same receipt counts already.
    pub(super) fn repeats_receipt(&self, payment: &Payment) -> bool {
        self.receipts.get(&payment.id()).is_some_and(|receipt| {
            receipt.amount_minor == payment.amount_minor && self.find(&payment.account) == Some(receipt.account)
        })
    }

    pub(super) fn receipt_account(&self, id: &PaymentId) -> Option<u32> {
        self.receipts.get(id).map(|receipt| receipt.account)
    }

    pub(super) fn credit_ahead(&mut self, payment: &Payment, arrived_ms: Option<i64>) -> Credit {
        let id = payment.id();
        let account = self.find(&payment.account);
        if self.receipts.contains_key(&id) {
            return if self.repeats_receipt(payment) { Credit::Duplicate } else { Credit::Conflict };
        }
        if self.disbelieved.contains(&id) {
            return Credit::Unproven;
        }
        let Some((ix, found)) = account.and_then(|ix| Some((ix, self.accounts.get_mut(ix as usize)?))) else {
            return Credit::Unproven;
        };
        let tariff = self.tariffs.now(found.way.class());
        let (limit, hours) = (tariff.receipt_credit_minor, tariff.receipt_h);
        if found.ahead_minor().saturating_add(payment.amount_minor) > limit {
            return Credit::Unproven;
        }
        let (paid_ms, _) = paid_at(payment.accepted_unix_ms, arrived_ms);
        let from_ms = arrived_ms.unwrap_or(paid_ms);
        let expires_ms = from_ms.saturating_add(i64::from(hours).saturating_mul(HOUR_MS));
        found.ahead(payment.amount_minor);
        found.settle(arrived_ms, tariff);
        let balance_minor = found.balance_minor();
        self.totals.provisional = self.totals.provisional.saturating_add(i128::from(payment.amount_minor));
        self.receipts.insert(id, Receipt { account: ix, amount_minor: payment.amount_minor, expires_ms });
        Credit::Ahead { account: ix, balance_minor }
    }

    /// Takes back what the receipt has added; [`super::Account::settle`] is up to the caller.
    pub(super) fn withdraw(&mut self, id: &PaymentId) -> Option<(u32, i64)> {
        let receipt = self.receipts.remove(id)?;
        if let Some(found) = self.accounts.get_mut(receipt.account as usize) {
            found.ahead(receipt.amount_minor.saturating_neg());
        }
        self.totals.provisional = self.totals.provisional.saturating_sub(i128::from(receipt.amount_minor));
        Some((receipt.account, receipt.amount_minor))
    }

    /// Ends a receipt without the provider's word under its own key.
    pub fn settle_receipt(&mut self, id: &PaymentId, how: &Settled, at_ms: Option<i64>) -> Settling {
        if let Settled::Matched(by) = how
            && !self.has_seen(by)
        {
            return Settling::Unmatched;
        }
        let Some((account, amount_minor)) = self.withdraw(id) else { return Settling::Unknown };
        self.disbelieved.insert(id.clone());
        self.settle(account, at_ms);
        Settling::TakenBack { account, amount_minor, balance_minor: self.balance_minor(account) }
    }
}
