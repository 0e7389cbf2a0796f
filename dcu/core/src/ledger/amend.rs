//! What moves an account besides payments and consumption: receipts that end, corrections, refunds, debt.

use super::{Cause, Leaf, Ledger, draft::Draft, rules};
use crate::{
    billing::{Amendable, Amendment, Correction, Loan, Refund, RefundFrom, Settled, Settling, Told},
    journal::{Applied, Entry},
    payment::{Payment, PaymentId},
};

/// Of a payment that was just credited, what went to the account's debt.
pub(super) fn recovered(ledger: &mut Ledger, cause: &Cause<'_>, account: u32, leaves: &mut Vec<Leaf>) {
    let Cause { record, book, .. } = *cause;
    let share = book.totals().recovered.saturating_sub(cause.before.totals.recovered);
    let Some(minor) = i64::try_from(share).ok().filter(|minor| *minor != 0) else { return };
    let rule = rules::tariff(book.tariff(), "debt");
    let draft = ledger.draft(&record.stamp, "debt.recovered", &rule, account, book);
    let minor = minor.saturating_neg();
    ledger.push_on(account, minor, record.number, draft.amount(minor, book.tariff()), leaves);
}

/// The provider's word has taken the place of its receipt: what that had added is gone from whatever account it was on.
pub(super) fn replaced(ledger: &mut Ledger, cause: &Cause<'_>, payment: &Payment, leaves: &mut Vec<Leaf>) {
    let Cause { record, book, .. } = *cause;
    if book.totals().provisional == cause.before.totals.provisional {
        return;
    }
    for account in 0..u32::try_from(ledger.accounts.len()).unwrap_or(u32::MAX) {
        let minor = ledger.untold_movement(account, book);
        if minor != 0 {
            let draft = ledger.draft(&record.stamp, "receipt.confirmed", rules::RECEIPT, account, book);
            let draft = draft.reference(&payment.key).detail("provider", payment.provider);
            ledger.push_on(account, minor, record.number, draft.amount(minor, book.tariff()), leaves);
        }
    }
}

/// A receipt has ended without the provider's word under its own key.
pub(super) fn settled(ledger: &mut Ledger, cause: &Cause<'_>, id: &PaymentId, how: &Settled, leaves: &mut Vec<Leaf>) {
    let Cause { record, book, .. } = *cause;
    let Applied::Settled(Settling::TakenBack { account, amount_minor, .. }) = *cause.applied else { return };
    let minor = amount_minor.saturating_neg();
    let draft = ledger.draft(&record.stamp, "receipt.taken_back", rules::RECEIPT, account, book);
    let draft = draft.reference(&id.key).detail("provider", id.provider);
    let draft = match how {
        Settled::Expired => draft.detail("why", "expired"),
        Settled::Forged => draft.detail("why", "forged"),
        Settled::Matched(by) => draft.detail("why", "matched").detail("by", by),
    };
    ledger.push_on(account, minor, record.number, draft.amount(minor, book.tariff()), leaves);
}

/// A correction, a refund, a loan.
pub(super) fn amended(ledger: &mut Ledger, cause: &Cause<'_>, amendment: &Amendment, leaves: &mut Vec<Leaf>) {
    let Cause { record, book, .. } = *cause;
    let Applied::Amended(Amendable::Done { account, amount_minor, .. }) = *cause.applied else { return };
    let stamp = &record.stamp;
    let finish =
        |draft: Draft, id: &str, why: &str| draft.amount(amount_minor, book.tariff()).reference(id).detail("why", why);
    match (amendment, account) {
        (Amendment::Correction(Correction { id, why, of, .. }), Some(account)) => {
            let draft = ledger.draft(stamp, "account.corrected", rules::CORRECTED, account, book);
            let draft = finish(draft, id, why).detail_if("of", of.as_ref());
            ledger.push_on(account, amount_minor, record.number, draft, leaves);
        }
        (Amendment::Refund(Refund { id, why, .. }), Some(account)) => {
            let draft = ledger.draft(stamp, "account.refunded", rules::REFUNDED, account, book);
            ledger.push_on(account, amount_minor, record.number, finish(draft, id, why), leaves);
        }
        (Amendment::Refund(Refund { id, why, from: RefundFrom::Suspense(payment) }), None) => {
            let draft = Draft::new(stamp, "suspense.refunded", rules::REFUNDED);
            ledger.push(record.number, finish(draft, id, why).detail("of", payment), leaves);
        }
        (Amendment::Loan(Loan { id, why, .. }), Some(account)) => {
            // Beside the balance: it is paid off by shares of payments.
            let draft = ledger.draft(stamp, "debt.lent", rules::LENT, account, book);
            ledger.push(record.number, finish(draft, id, why), leaves);
        }
        _ => {}
    }
}

/// What was asked over the uplink: refused here, or done and refused by the cloud. No balance of this book moves.
pub(super) fn asked(ledger: &mut Ledger, cause: &Cause<'_>, entry: &Entry, leaves: &mut Vec<Leaf>) {
    let Cause { record, book, .. } = *cause;
    let (what, amendment, told) = match entry {
        Entry::AmendDeclined { amendment, error } => ("amendment.refused", amendment, Some(Told::Refused(*error))),
        Entry::AmendAsked(amendment) => ("amendment.forwarded", amendment, None),
        Entry::AmendTold(answer) => ("amendment.answered", &answer.amendment, Some(answer.told)),
        _ => return,
    };
    let draft = match amendment.account() {
        Some(account) => ledger.draft(&record.stamp, what, rules::ASKED, account, book),
        None => Draft::new(&record.stamp, what, rules::ASKED),
    };
    let (kind, asked_minor) = match amendment {
        Amendment::Correction(c) => ("correction", Some(c.amount_minor)),
        Amendment::Refund(Refund { from: RefundFrom::Account { amount_minor, .. }, .. }) => {
            ("refund", Some(*amount_minor))
        }
        Amendment::Refund(_) => ("refund_of_suspense", None),
        Amendment::Loan(l) => ("loan", Some(l.amount_minor)),
    };
    let draft = draft.reference(amendment.id()).detail("why", amendment.why()).detail("kind", kind);
    let draft = draft.detail_if("asked_minor", asked_minor);
    let draft = match told {
        Some(Told::Done { amount_minor, .. }) => draft.detail("moved_minor", amount_minor),
        Some(Told::Refused(error)) => draft.detail("refused", error),
        None => draft,
    };
    ledger.push(record.number, draft, leaves);
}
