//! One payment, several names.
//!
//! A payment that we have asked for goes by our reference (`X-Reference-Id`, `order_id`, `CheckoutRequestID`), the payer's
//! receipt and the provider's statement by another number. Whoever tells of both makes one payment of them, whatever came
//! first and however often: it is credited once, and a receipt alone counts only until then.
//!
//! | known before | comes | becomes |
//! |---|---|---|
//! | – | reference with receipt | credited; both names stand for it |
//! | a text under the receipt's number | reference with receipt | the text's credit is taken back, the payment is credited |
//! | reference | the same with its receipt | a repeat; a text under that number is taken back |
//! | reference with receipt | a text, a statement's line under the receipt | a repeat |
//! | a statement's line | reference with its number | a repeat |
//! | reference and statement's line, each credited | reference with that number | a conflict: somebody has to correct it |
//!
//! Whoever resolves, hands back or corrects a payment may call it by any of its names ([`Book::named`]).
//!
//! A name that only fits by amount, account and time ([`crate::payment::Receipt::certain`] is false) takes back a text
//! and no more: what the provider tells of under it is another payment until the provider says that it is not.

use super::{Book, Credit, book::Seen};
use crate::payment::{Certainty, Payment, PaymentId};

impl Book {
    /// The first name of the payment that was taken (credited or in suspense) under this one.
    #[must_use]
    pub fn first_name(&self, id: &PaymentId) -> Option<&PaymentId> {
        self.seen.get_key_value(id).map(|(known, _)| known).or_else(|| self.names.get(id))
    }

    /// The first name of the payment that goes by this one; a name that nobody knows stands for itself.
    #[must_use]
    pub fn named<'a>(&'a self, id: &'a PaymentId) -> &'a PaymentId {
        self.first_name(id).unwrap_or(id)
    }

    /// Both names are of one payment.
    #[must_use]
    pub fn same_payment(&self, one: &PaymentId, other: &PaymentId) -> bool {
        self.named(one) == self.named(other)
    }

    /// A payment of this provider was taken (credited or in suspense) under this name.
    #[must_use]
    pub fn has_seen(&self, id: &PaymentId) -> bool {
        self.first_name(id).is_some()
    }

    /// The first name of this payment, if it was taken under any of its names.
    #[must_use]
    pub fn known(&self, payment: &Payment) -> Option<PaymentId> {
        let by_key = self.first_name(&payment.id());
        by_key.cloned().or_else(|| self.first_name(&payment.certain_receipt_id()?).cloned())
    }

    /// The very same payment (provider, name, amount, account) was taken before, or counts on its receipt, and this says
    /// nothing new of it.
    #[must_use]
    pub fn would_be_duplicate(&self, payment: &Payment) -> bool {
        match self.known(payment) {
            Some(known) => self.agrees(&known, payment) && !self.teaches(&known, payment),
            None => payment.certainty == Certainty::Provisional && self.repeats_receipt(payment),
        }
    }

    /// Accounts that a payment would take a mere receipt's credit from.
    pub fn on_receipts_of(&self, payment: &Payment) -> impl Iterator<Item = u32> {
        let final_word = payment.certainty == Certainty::Final;
        let names = [Some(payment.id()), payment.receipt_id()].into_iter().flatten().filter(move |_| final_word);
        names.filter_map(|name| self.receipt_account(&name))
    }

    /// Amount and account are those of the payment that is known, and no two known payments are said to be one.
    pub(super) fn agrees(&self, known: &PaymentId, payment: &Payment) -> bool {
        let Some(Seen { amount_minor, account }) = self.seen.get(known).copied() else { return false };
        let same_account = match account {
            Some(_) => account == self.find(&payment.account),
            None => self.suspense.get(known).is_none_or(|s| s.payment.account == payment.account),
        };
        let other = payment.certain_receipt_id().and_then(|receipt| self.first_name(&receipt).cloned());
        amount_minor == payment.amount_minor && same_account && other.is_none_or(|other| other == *known)
    }

    fn teaches(&self, known: &PaymentId, payment: &Payment) -> bool {
        let is_new = |name: &PaymentId| name != known && !self.names.contains_key(name);
        payment.certainty == Certainty::Final
            && (is_new(&payment.id())
                || payment.certain_receipt_id().is_some_and(|name| is_new(&name))
                || self.on_receipts_of(payment).next().is_some())
    }

    /// A repeat of a payment that is known: its names may be new.
    pub(super) fn learn(&mut self, known: &PaymentId, payment: &Payment, arrived_ms: Option<i64>) -> Credit {
        if payment.certainty == Certainty::Final {
            let by_key = self.withdraw(&payment.id()).map(|(account, _)| account);
            for account in [by_key, self.name(known, payment)].into_iter().flatten() {
                self.settle(account, arrived_ms);
            }
        }
        Credit::Duplicate
    }

    /// Notes all names of a payment, and takes back what counts on a receipt under the receipt's; gives whose that was.
    pub(super) fn name(&mut self, known: &PaymentId, payment: &Payment) -> Option<u32> {
        let id = payment.id();
        if id != *known {
            self.names.insert(id, known.clone());
        }
        let receipt = payment.receipt_id()?;
        let withdrawn = self.withdraw(&receipt);
        if payment.certain_receipt_id().is_none() {
            // The text is not believed again; the provider's word under the same number is.
            self.disbelieved.insert(receipt);
        } else if receipt != *known {
            self.names.entry(receipt).or_insert_with(|| known.clone());
        }
        withdrawn.map(|(account, _)| account)
    }
}
