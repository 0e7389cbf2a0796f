//! One payment under several names: our reference and the payer's receipt.
//!
//! The names of a payment that the provider itself tells of in one breath are certain (`financialTransactionId`, `txnid`,
//! `MpesaReceiptNumber`). A push that only a status query has settled has no receipt: what else is told of it is matched
//! by account, amount and time, each push to one receipt and each receipt to one push:
//!
//! | told of the push without a receipt | other word | becomes |
//! |---|---|---|
//! | before | a text that fits | the text adds nothing: it is this payment, as far as can be seen |
//! | before | a line of the provider's list that fits | the line is this payment: the push has its receipt |
//! | after | a text | the push is credited, the text's credit is taken back at the site |
//! | after | a line | the push is that line |
//!
//! A text that fits is only a guess: a line under its number that fits no push any more is another payment. A list holds a
//! line for every payment, so lines and pushes come out even, whichever line is taken for which push.

use serde::{Deserialize, Serialize};
use taa_dcu::payment::{Certainty, Payment, PaymentId, Provider, Receipt};

use super::{Entry, Event, Relay, Seen, State, taking::Heard};

/// Clocks, and the minutes of texts, ms. Arbitrary.
const SLACK_MS: i64 = 120_000;
/// A question that was not answered on the telephone for so long is not paid any more, ms. Arbitrary: pushes end within
/// minutes, how long Orange's page lives is not known.
const ANSWER_MS: i64 = 3_600_000;

/// A payment that we asked for and whose receipt nobody has told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unnamed {
    account: String,
    amount_minor: i64,
    asked_unix_ms: i64,
    /// Daraja: the short code; empty elsewhere.
    shortcode: String,
    /// A text that fits.
    likely: Option<PaymentId>,
}

impl Unnamed {
    fn fits(&self, payment: &Payment, paid_unix_ms: i64) -> bool {
        let same = payment.account.is_empty() || payment.account == self.account;
        same && payment.amount_minor == self.amount_minor && is_answer(self.asked_unix_ms, paid_unix_ms)
    }
}

/// A list tells of the pushes of its own short code.
fn is_of(list: &str, shortcode: &str) -> bool {
    list.is_empty() || list == shortcode
}

fn is_answer(asked_unix_ms: i64, paid_unix_ms: i64) -> bool {
    (asked_unix_ms.saturating_sub(SLACK_MS)..=asked_unix_ms.saturating_add(ANSWER_MS)).contains(&paid_unix_ms)
}

const fn has_receipts(provider: Provider) -> bool {
    matches!(provider, Provider::Daraja | Provider::MtnMomo | Provider::OrangeMoney)
}

impl State {
    /// The payment that was taken under any of these names, by its first name.
    pub(super) fn known(&self, payment: &Payment) -> Option<(PaymentId, &Seen)> {
        let first = self.first_name(&payment.id()).or_else(|| self.first_name(&payment.certain_receipt_id()?));
        let first = first?.clone();
        let seen = self.seen.get(&first)?;
        Some((first, seen))
    }

    fn first_name(&self, id: &PaymentId) -> Option<&PaymentId> {
        self.seen.get_key_value(id).map(|(known, _)| known).or_else(|| self.names.get(id))
    }

    /// The provider says that two payments are one that were each taken for themselves.
    pub(super) fn are_two(&self, known: &PaymentId, payment: &Payment) -> bool {
        let other = payment.certain_receipt_id().and_then(|receipt| self.first_name(&receipt).cloned());
        let other = other.filter(|other| other != known).and_then(|other| self.seen.get(&other));
        other.is_some_and(|seen| seen.certainty() == Certainty::Final)
    }

    fn is_request(&self, id: &PaymentId) -> bool {
        self.requests.contains_key(&(id.provider, id.key.clone()))
    }

    /// Notes the names of a payment that is known, or was just taken.
    pub(super) fn name(&mut self, known: &PaymentId, payment: &Payment) {
        let id = payment.id();
        let receipt = payment.certain_receipt_id();
        for name in [Some(&id), receipt.as_ref()].into_iter().flatten().filter(|name| *name != known) {
            // A text that was taken for itself is this payment.
            self.seen.remove(name);
            self.held.remove(name);
            self.names.insert(name.clone(), known.clone());
        }
        if receipt.is_some() {
            self.unnamed.retain(|push, _| push != known && *push != id);
            if let Some(held) = self.held.get_mut(known) {
                held.payment.receipt.clone_from(&payment.receipt);
            }
        }
    }

    /// A payment that we asked for was taken, and nobody has told its receipt.
    pub(super) fn expect_name(&mut self, payment: &Payment) {
        let id = payment.id();
        let asked = self.requests.get(&(id.provider, id.key.clone())).filter(|_| payment.certain_receipt_id().is_none());
        let Some((request, _)) = asked else { return };
        let unnamed = Unnamed {
            account: payment.account.clone(),
            amount_minor: payment.amount_minor,
            asked_unix_ms: request.asked_unix_ms,
            shortcode: request.shortcode.clone(),
            likely: payment.receipt_id(),
        };
        self.unnamed.insert(id, unnamed);
    }

    pub(super) fn guess(&mut self, push: &PaymentId, text: &PaymentId) {
        if let Some(unnamed) = self.unnamed.get_mut(push) {
            unnamed.likely = Some(text.clone());
        }
    }

    /// The push without a receipt that this line or text tells of: first one whose text bears its number, then one without
    /// a text; a line takes any.
    fn push_of(&self, payment: &Payment, heard: &Heard) -> Option<(&PaymentId, &Unnamed)> {
        let id = payment.id();
        let times = [Some(payment.accepted_unix_ms), heard.other_unix_ms];
        let is_text = payment.certainty == Certainty::Provisional;
        let order = |unnamed: &Unnamed| match &unnamed.likely {
            Some(likely) if *likely == id => Some(0),
            None => Some(1),
            Some(_) => (payment.certainty == Certainty::Final).then_some(2),
        };
        let fitting = self.unnamed.iter().filter(|(push, unnamed)| {
            let told = is_text || heard.list.as_ref().is_some_and(|list| is_of(list, &unnamed.shortcode));
            told && push.provider == id.provider && times.iter().flatten().any(|at| unnamed.fits(payment, *at))
        });
        let ordered = fitting.filter_map(|(push, unnamed)| Some((order(unnamed)?, push, unnamed)));
        ordered.min_by_key(|(order, ..)| *order).map(|(_, push, unnamed)| (push, unnamed))
    }

    /// What was told by a line or a text, and fits a push that has no receipt: the provider's own word before a text.
    fn receipt_of(&self, push: &Payment) -> Option<(&PaymentId, &Seen)> {
        let (request, _) = self.requests.get(&(push.provider, push.key.clone()))?;
        let is_taken = |id: &PaymentId| {
            self.names.values().any(|known| known == id)
                || self.unnamed.values().any(|other| other.likely.as_ref() == Some(id))
        };
        let fitting = self.seen.iter().filter(|(id, seen)| {
            id.provider == push.provider
                && seen.fits(&push.account, push.amount_minor)
                && is_answer(request.asked_unix_ms, seen.paid_unix_ms())
                && (seen.certainty() == Certainty::Provisional
                    || seen.list().is_some_and(|list| is_of(list, &request.shortcode)))
                && !self.is_request(id)
                && !is_taken(id)
        });
        fitting.min_by_key(|(_, seen)| seen.certainty() == Certainty::Provisional)
    }
}

impl Relay {
    /// A payment that is known was told of again: under a new name perhaps, and then its site hears of it.
    pub(super) fn learn(&mut self, now_unix_ms: i64, known: &PaymentId, payment: &Payment) {
        let is_new = |name: &PaymentId| name != known && !self.state.names.contains_key(name);
        let names = [Some(payment.id()), payment.certain_receipt_id()];
        if payment.certainty == Certainty::Final && names.iter().flatten().any(is_new) {
            self.note_names(now_unix_ms, known, payment.clone());
        }
    }

    /// The site is told under the account that the payment was given to: an operator may have found another than was typed.
    fn note_names(&mut self, now_unix_ms: i64, known: &PaymentId, payment: Payment) {
        let given = self.state.seen.get(known).and_then(Seen::given).cloned();
        let (site, account) = given.map_or((None, payment.account.clone()), |(site, account)| (Some(site), account));
        let payment = Payment { account, ..payment };
        self.record(now_unix_ms, Entry::Named { known: known.clone(), payment, site });
    }

    /// A line or a text tells of a push that was taken without a receipt, or the other way round.
    pub(super) fn is_told_otherwise(&mut self, now: i64, payment: &Payment, heard: &Heard) -> bool {
        let id = payment.id();
        if !has_receipts(id.provider) || payment.receipt.is_some() {
            return false;
        }
        if self.state.is_request(&id) {
            return self.is_told_by_a_line(now, payment);
        }
        let Some((push, unnamed)) = self.state.push_of(payment, heard) else { return false };
        let (push, is_guessed) = (push.clone(), unnamed.likely.as_ref() == Some(&id));
        let certain = payment.certainty == Certainty::Final;
        if certain {
            let named = Payment { key: push.key.clone(), ..payment.clone() }.with_receipt(&id.key);
            self.note_names(now, &push, named);
        } else if !is_guessed {
            self.record(now, Entry::Guessed { push: push.clone(), text: id.clone() });
        }
        self.event(Event::Matched { receipt: id, payment: push, certain });
        true
    }

    /// A push without a receipt: the provider's list has brought its money before.
    fn is_told_by_a_line(&mut self, now: i64, push: &Payment) -> bool {
        let line = self.state.receipt_of(push).filter(|(_, seen)| seen.certainty() == Certainty::Final);
        let Some((line, _)) = line else { return false };
        let line = line.clone();
        self.note_names(now, &line, push.clone().with_receipt(&line.key));
        self.event(Event::Matched { receipt: line, payment: push.id(), certain: true });
        true
    }

    /// A push without a receipt, and the text that fits.
    pub(super) fn with_likely_receipt(&mut self, payment: &Payment) -> Payment {
        let is_bare = payment.receipt.is_none() && payment.certainty == Certainty::Final;
        let text = self.state.receipt_of(payment).filter(|_| is_bare).map(|(text, _)| text.clone());
        let Some(text) = text else { return payment.clone() };
        let receipt = Some(Receipt { number: text.key.clone(), certain: false });
        self.event(Event::Matched { receipt: text, payment: payment.id(), certain: false });
        Payment { receipt, ..payment.clone() }
    }
}
