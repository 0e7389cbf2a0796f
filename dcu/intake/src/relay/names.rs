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
//! line for every payment, so lines and pushes come out even, whichever line is taken for which push: of two that fit, one
//! is credited and **covers** the other. Only this relay knows that, no site is told, as the provider may still say which
//! belong together; what was covered wrongly is then covered by another, or taken ([`Relay::untangle`]).

use serde::{Deserialize, Serialize};
use taa_dcu::payment::{Certainty, Channel, Payment, PaymentId, Provider, Receipt};

use super::{Entry, Event, HeldWhy, Relay, Seen, State, requests::paid, taking::Heard};
use crate::provider::Paid;

/// Clocks, and the minutes of texts, ms. Arbitrary.
const SLACK_MS: i64 = 120_000;
/// A question that was not answered on the telephone for so long is not paid any more, ms. Arbitrary: pushes end within
/// minutes, how long Orange's page lives is not known.
const ANSWER_MS: i64 = 3_600_000;
/// Payments alike in everything that may stand for each other in a row.
const CHAIN_MAX: usize = 16;

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
    /// It covers this line.
    line: Option<PaymentId>,
}

/// A payment that was not credited, as another that fits was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    payment: Payment,
    list: Option<String>,
    by: PaymentId,
    /// A credit is there for it: one that was given twice for another.
    paid_for: bool,
}

impl Covered {
    pub(super) const fn by(&self) -> &PaymentId {
        &self.by
    }
}

impl Unnamed {
    fn fits(&self, payment: &Payment, paid_unix_ms: i64) -> bool {
        let same = payment.account.is_empty() || payment.account == self.account;
        same && payment.amount_minor == self.amount_minor && is_answer(self.asked_unix_ms, paid_unix_ms)
    }
}

/// What was fitted to a payment whose names are certain now.
#[derive(Debug, Default)]
pub(super) struct Untangled {
    /// Not credited, and without what had covered it.
    pub(super) covered: Vec<(Payment, Heard)>,
    /// Credited for one of its names.
    pub(super) covering: Vec<PaymentId>,
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

    /// The one of these that is the payment of this name, whichever of its names each goes by.
    pub(super) fn alias_among<'a>(
        &self,
        id: &PaymentId,
        mut names: impl Iterator<Item = &'a PaymentId>,
    ) -> Option<PaymentId> {
        let first = self.first_name(id)?;
        names.find(|name| self.first_name(name) == Some(first)).cloned()
    }

    fn first_name(&self, id: &PaymentId) -> Option<&PaymentId> {
        let taken = self.seen.get_key_value(id).map(|(known, _)| known).or_else(|| self.names.get(id));
        // What covers may be covered itself: by one that is none of its own, so that this ends.
        taken.or_else(|| {
            let mut by = &self.covered.get(id)?.by;
            for _ in 0..CHAIN_MAX {
                match self.seen.get_key_value(by).map(|(known, _)| known).or_else(|| self.names.get(by)) {
                    Some(known) => return Some(known),
                    None => by = &self.covered.get(by)?.by,
                }
            }
            None
        })
    }

    pub(super) fn is_credited(&self, id: &PaymentId) -> bool {
        self.covered.get(id).is_some_and(|covered| covered.paid_for)
            || self.seen.get(id).is_some_and(|seen| seen.certainty() == Certainty::Final)
    }

    /// The provider says that two payments are one that were each taken for themselves.
    pub(super) fn are_two(&self, known: &PaymentId, payment: &Payment) -> bool {
        let other = payment.certain_receipt_id().and_then(|receipt| self.first_name(&receipt).cloned());
        other.is_some_and(|other| other != *known && self.is_credited(&other))
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
        if let Some(push) = self.unnamed.get_mut(known)
            && payment.receipt_id().is_some()
        {
            push.likely = payment.receipt_id();
        }
        if receipt.is_some() {
            self.unnamed.retain(|push, _| push != known && *push != id);
            // A text that was taken for another push's.
            for push in self.unnamed.values_mut().filter(|push| push.likely == receipt) {
                push.likely = None;
            }
            if let Some(held) = self.held.get_mut(known) {
                held.payment.receipt.clone_from(&payment.receipt);
            }
        }
    }

    /// A payment that we asked for was taken, and nobody has told its receipt.
    pub(super) fn expect_name(&mut self, payment: &Payment) {
        let id = payment.id();
        let asked =
            self.requests.get(&(id.provider, id.key.clone())).filter(|_| payment.certain_receipt_id().is_none());
        let Some((request, _)) = asked else { return };
        let unnamed = Unnamed {
            account: payment.account.clone(),
            amount_minor: payment.amount_minor,
            asked_unix_ms: request.asked_unix_ms,
            shortcode: request.shortcode.clone(),
            likely: payment.receipt_id(),
            line: None,
        };
        self.unnamed.insert(id, unnamed);
    }

    pub(super) fn guess(&mut self, push: &PaymentId, text: &PaymentId) {
        if let Some(unnamed) = self.unnamed.get_mut(push) {
            unnamed.likely = Some(text.clone());
        }
    }

    pub(super) fn cover(&mut self, covered: &Covered) {
        let Covered { payment, by, paid_for, .. } = covered;
        if let Some(push) = self.unnamed.get_mut(by) {
            push.line = Some(payment.id());
            push.likely = push.likely.take().filter(|text| *text == payment.id());
        }
        // A text that was taken for itself counts no more.
        if !self.is_credited(&payment.id()) {
            self.seen.remove(&payment.id());
        }
        if *paid_for {
            self.expect_name(payment);
        }
        self.covered.insert(payment.id(), covered.clone());
    }

    pub(super) fn uncover(&mut self, id: &PaymentId) {
        if let Some(push) = self.covered.remove(id).and_then(|covered| self.unnamed.get_mut(&covered.by)) {
            push.line = None;
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
            let free = unnamed.line.is_none();
            free && told && push.provider == id.provider && times.iter().flatten().any(|at| unnamed.fits(payment, *at))
        });
        let ordered = fitting.filter_map(|(push, unnamed)| Some((order(unnamed)?, push, unnamed)));
        ordered.min_by_key(|(order, ..)| *order).map(|(_, push, unnamed)| (push, unnamed))
    }

    /// What was told by a line or a text, and fits a push that has no receipt: the provider's own word before a text. And
    /// whether it is a line.
    fn receipt_of(&self, push: &Payment) -> Option<(&PaymentId, bool)> {
        let (request, _) = self.requests.get(&(push.provider, push.key.clone()))?;
        let is_free = |id: &PaymentId| {
            id.provider == push.provider
                && !self.is_request(id)
                && !self.names.values().any(|known| known == id)
                && !self.covered.values().any(|covered| covered.by == *id)
                && !self.unnamed.values().any(|other| other.likely.as_ref() == Some(id))
        };
        let is_ours = |list: Option<&str>| list.is_some_and(|list| is_of(list, &request.shortcode));
        let seen = self.seen.iter().filter(|(_, seen)| {
            seen.fits(&push.account, push.amount_minor)
                && is_answer(request.asked_unix_ms, seen.paid_unix_ms())
                && (seen.certainty() == Certainty::Provisional || is_ours(seen.list()))
        });
        let paid_for = self.covered.iter().filter(|(_, line)| {
            let Payment { account, amount_minor, accepted_unix_ms, .. } = &line.payment;
            line.paid_for
                && (account.is_empty() || *account == push.account)
                && *amount_minor == push.amount_minor
                && is_answer(request.asked_unix_ms, *accepted_unix_ms)
                && is_ours(line.list.as_deref())
        });
        let seen = seen.map(|(id, seen)| (id, seen.certainty() == Certainty::Final));
        let fitting = seen.chain(paid_for.map(|(id, _)| (id, true))).filter(|(id, _)| is_free(id));
        fitting.max_by_key(|(_, is_line)| *is_line)
    }
}

impl Relay {
    /// A payment that is known was told of again: under a new name perhaps, and then its site hears of it.
    pub(super) fn learn(&mut self, now_unix_ms: i64, known: &PaymentId, payment: &Payment) {
        let state = &self.state;
        let is_new =
            |name: &PaymentId| name != known && !state.names.contains_key(name) && !state.covered.contains_key(name);
        let names = [Some(payment.id()), payment.certain_receipt_id()];
        if payment.certainty == Certainty::Final && names.iter().flatten().any(is_new) {
            self.find_home(now_unix_ms, known, &payment.account);
            self.note_names(now_unix_ms, known, payment.clone());
        }
    }

    /// A line without an account was held; the push that it belongs to has one.
    fn find_home(&mut self, now_unix_ms: i64, line: &PaymentId, account: &str) {
        let held = self.state.held.get(line).filter(|held| held.why == HeldWhy::NoSuchAccount);
        let Some(currency) = held.map(|held| held.payment.currency) else { return };
        let site = self.config.site_of(account);
        let site = site.filter(|site| currency.is_none_or(|paid| paid == site.money.currency));
        let Some(site) = site.map(|site| site.id.clone()) else { return };
        self.event(Event::Took { id: line.clone(), site: site.clone() });
        self.record(now_unix_ms, Entry::Resolved { id: line.clone(), site, account: account.to_owned() });
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
        let listed = payment.certainty == Certainty::Final;
        if listed {
            if self.state.seen.contains_key(&id) {
                self.withdraw_text(now, &push, &id);
            }
            let (payment, by) = (payment.clone(), push.clone());
            self.cover_by(now, payment, by, heard.list.clone());
        } else if !is_guessed {
            self.record(now, Entry::Guessed { push: push.clone(), text: id.clone() });
        }
        self.event(Event::Matched { receipt: id, payment: push, listed });
        true
    }

    /// A push without a receipt: the provider's list has brought its money before.
    fn is_told_by_a_line(&mut self, now: i64, push: &Payment) -> bool {
        let line = self.state.receipt_of(push).filter(|(_, is_line)| *is_line);
        let Some((line, _)) = line else { return false };
        let line = line.clone();
        self.cover_by(now, push.clone(), line.clone(), None);
        self.find_home(now, &line, &push.account);
        self.event(Event::Matched { receipt: line, payment: push.id(), listed: true });
        true
    }

    /// The provider says that two names are one payment's: what either was only fitted to is free again.
    pub(super) fn untangle(&mut self, now: i64, payment: &Payment) -> Untangled {
        let mut free = Untangled::default();
        let Some(receipt) = payment.certain_receipt_id().filter(|_| payment.certainty == Certainty::Final) else {
            return free;
        };
        let pair = [payment.id(), receipt];
        let by = |id: &PaymentId| self.state.covered.get(id).map(|covered| &covered.by);
        let [key, number] = &pair;
        if by(key).is_some_and(|one| Some(one) == by(number)) {
            // It was said before, and something else has paid for it.
            return free;
        }
        let touched = self.state.covered.iter().filter(|(id, covered)| pair.contains(id) || pair.contains(&covered.by));
        let touched: Vec<_> = touched.map(|(id, covered)| (id.clone(), covered.clone())).collect();
        for (id, Covered { payment, list, by, .. }) in touched {
            self.record(now, Entry::Uncovered { id: id.clone() });
            match (pair.contains(&id), pair.contains(&by)) {
                (false, _) => free.covered.push((payment, Heard { list, other_unix_ms: None })),
                (true, false) => free.covering.push(by),
                (true, true) => {}
            }
        }
        free
    }

    /// A pair that nobody has credited, and something that was credited for one of it. Where that fits something else that
    /// was credited, those two are one payment, and what was given for one of them pays for the pair.
    pub(super) fn is_paid_for(&mut self, now: i64, pair: &Payment, covering: &[PaymentId]) -> bool {
        let found = covering.iter().find_map(|one| {
            let payment = self.credited(now, one)?;
            Some((payment.clone(), self.counterpart(&payment)?))
        });
        let Some((one, other)) = found else { return false };
        let by = one.id();
        self.cover_by(now, pair.clone(), by.clone(), None);
        if let Some(receipt) = pair.certain_receipt_id() {
            if self.state.seen.contains_key(&receipt) {
                let push = if self.state.is_request(&by) { &by } else { &other };
                self.withdraw_text(now, push, &receipt);
            }
            let line = Payment { key: receipt.key, receipt: None, ..pair.clone() };
            self.cover_by(now, line, by, None);
        }
        self.find_home(now, &other, &one.account);
        self.cover_by(now, one, other, None);
        true
    }

    fn cover_by(&mut self, now: i64, payment: Payment, by: PaymentId, list: Option<String>) {
        self.record(now, Entry::Covered(Covered { payment, by, list, paid_for: false }));
    }

    /// What was credited and fits this, which was credited too: a line for a push, a push for a line.
    fn counterpart(&self, payment: &Payment) -> Option<PaymentId> {
        if self.state.is_request(&payment.id()) {
            let line = self.state.receipt_of(payment).filter(|(_, is_line)| *is_line);
            return line.map(|(line, _)| line.clone());
        }
        let list = self.state.seen.get(&payment.id())?.list().map(str::to_owned);
        let heard = Heard { list, other_unix_ms: None };
        self.state.push_of(payment, &heard).map(|(push, _)| push.clone())
    }

    /// What was credited under this name, as far as it is remembered.
    fn credited(&self, now: i64, id: &PaymentId) -> Option<Payment> {
        if let Some(covered) = self.state.covered.get(id).filter(|covered| covered.paid_for) {
            return Some(covered.payment.clone());
        }
        let seen = self.state.seen.get(id).filter(|_| self.state.is_credited(id))?;
        let line = || Payment::new(id.provider, &id.key, seen.account(), 1, Channel::Phone, seen.paid_unix_ms());
        let payment = self.push(now, id).unwrap_or_else(line);
        Some(Payment { amount_minor: seen.amount_minor(), ..payment })
    }

    /// What has lost the payment that covered it: where the pair was credited twice, one of these is paid for already.
    pub(super) fn settle_freed(&mut self, now: i64, spare: Option<&PaymentId>, freed: Vec<(Payment, Heard)>) {
        let mut spare = spare;
        for (payment, heard) in freed {
            if let Some(by) = spare.take() {
                let covered = Covered { payment, by: by.clone(), list: heard.list, paid_for: true };
                self.record(now, Entry::Covered(covered));
            } else {
                let paid = Paid { payment, doubt: None };
                let id = paid.payment.id();
                if self.take_as(now, &paid, &heard).is_err() {
                    self.event(Event::Conflict { id });
                }
            }
        }
    }

    /// Pushes whose text belongs to another.
    pub(super) fn misnamed(&self, payment: &Payment) -> Vec<PaymentId> {
        let receipt = payment.certain_receipt_id().filter(|_| payment.certainty == Certainty::Final);
        let Some(receipt) = receipt else { return Vec::new() };
        let id = payment.id();
        let misnamed =
            self.state.unnamed.iter().filter(|(push, other)| **push != id && other.likely.as_ref() == Some(&receipt));
        misnamed.map(|(push, _)| push.clone()).collect()
    }

    /// A push has lost its text: perhaps another fits.
    pub(super) fn name_anew(&mut self, now: i64, push: &PaymentId) {
        let Some(payment) = self.push(now, push) else { return };
        let text = self.state.receipt_of(&payment).filter(|(_, is_line)| !*is_line);
        let Some(text) = text.map(|(text, _)| text.clone()) else { return };
        self.withdraw_text(now, push, &text);
        self.event(Event::Matched { receipt: text, payment: push.clone(), listed: false });
    }

    /// The site is told that a text which counts there is this push.
    fn withdraw_text(&mut self, now: i64, push: &PaymentId, text: &PaymentId) {
        if let Some(payment) = self.push(now, push) {
            let receipt = Some(Receipt { number: text.key.clone(), certain: false });
            self.note_names(now, push, Payment { receipt, ..payment });
        }
    }

    /// A push that was taken, as it was asked for.
    fn push(&self, now: i64, push: &PaymentId) -> Option<Payment> {
        let (request, _) = self.state.requests.get(&(push.provider, push.key.clone()))?;
        let amount_minor = self.state.seen.get(push)?.amount_minor();
        Some(Payment { amount_minor, ..paid(request, None, now).payment })
    }

    /// A push without a receipt, and the text that fits.
    pub(super) fn with_likely_receipt(&mut self, payment: &Payment) -> Payment {
        let is_bare = payment.receipt.is_none() && payment.certainty == Certainty::Final;
        let text = self.state.receipt_of(payment).filter(|_| is_bare).map(|(text, _)| text.clone());
        let Some(text) = text else { return payment.clone() };
        let receipt = Some(Receipt { number: text.key.clone(), certain: false });
        self.event(Event::Matched { receipt: text, payment: payment.id(), listed: false });
        Payment { receipt, ..payment.clone() }
    }
}
