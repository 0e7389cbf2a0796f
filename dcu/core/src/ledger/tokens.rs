//! Tokens as entries: minutes granted, tokens begun, made, entered, refused, given up.
//!
//! A token's worth stands beside the account: the account was credited when the payment came, and what tokens have promised is
//! what the meter has of it. **No digits**: a token that was not entered yet is money to its meter, and a ledger is read by
//! many. A sale is known by its number.

use super::{Cause, Leaf, Ledger, draft::Draft, rules};
use crate::{
    MeterIx,
    vending::{Note, PaygAsk, Said, Sale, Source, VendId, worth},
};

pub(super) fn take(ledger: &mut Ledger, cause: &Cause<'_>, note: &Note, leaves: &mut Vec<Leaf>) {
    let stamp = &cause.record.stamp;
    let draft = match note {
        Note::LeaseGranted(lease) => Draft::new(stamp, "lease.granted", rules::MINUTES)
            .reference(&format!("lease {}", lease.id))
            .detail("from_minute", lease.from)
            .detail("to_minute", lease.to)
            .detail("every", lease.every)
            .detail("phase", lease.phase),
        Note::MinuteUsed { id, meter, source, said, minute, worth_u, .. } => {
            let draft = of(ledger, cause, "token.begun", *id, Some(*meter)).detail("says", said_name(said));
            let draft = worth(draft, cause, *worth_u).detail("minute", minute);
            match source {
                Source::Account { .. } => draft.detail("pays", "account"),
                Source::Outside(by) => draft.detail("pays", &by.by).detail("their_reference", &by.reference),
                Source::Operator => draft.detail("pays", "operator"),
                Source::Stock => draft.detail("pays", "stock"),
            }
        }
        Note::TokenIssued { id, tokens } => sale(ledger, cause, "token.issued", *id).detail("tokens", tokens.len()),
        Note::TokenEntered { id, seen, whole } => {
            sale(ledger, cause, "token.entered", *id).detail("seen", name(seen)).detail("whole", whole)
        }
        Note::TokenRefused { id, status } => sale(ledger, cause, "token.refused", *id).detail("status", name(status)),
        Note::Voided { id, why } => sale(ledger, cause, "token.voided", *id).detail("why", name(why)),
        Note::CacheSold { id, .. } => sale(ledger, cause, "token.sold_from_stock", *id),
        Note::PaygIssued(token) => {
            let draft = Draft::new(stamp, "token.payg_issued", rules::TOKENS)
                .reference(&format!("device {} count {}", token.device.0, token.count))
                .amount(token.worth_minor, cause.book.tariff());
            match token.ask {
                PaygAsk::Days(days) => draft.detail("days", days),
                PaygAsk::Set(days) => draft.detail("order", "set").detail("days", days),
                PaygAsk::Unlock => draft.detail("order", "unlock"),
                PaygAsk::Sync => draft.detail("order", "sync"),
                PaygAsk::Order => draft.detail("order", "of an older journal"),
            }
        }
        Note::KeyFound { meter, key } => {
            let draft = of(ledger, cause, "token.key_found", VendId(0), Some(*meter));
            draft.detail("sgc", key.sgc).detail("krn", key.krn).detail("base_year", key.base_year)
        }
        _ => return,
    };
    ledger.push(cause.record.number, draft, leaves);
}

/// An entry about a sale that the desk knows.
fn sale(ledger: &Ledger, cause: &Cause<'_>, what: &str, id: VendId) -> Draft {
    let known: Option<&Sale> = cause.desk.sale(id);
    let draft = of(ledger, cause, what, id, known.map(|sale| sale.meter));
    match known {
        Some(sale) => worth(draft, cause, sale.worth_u).detail("says", said_name(&sale.said)),
        None => draft,
    }
}

fn of(ledger: &Ledger, cause: &Cause<'_>, what: &str, id: VendId, meter: Option<MeterIx>) -> Draft {
    let stamp = &cause.record.stamp;
    let draft = match meter {
        Some(meter) => ledger.draft(stamp, what, rules::TOKENS, meter.0, cause.book),
        None => Draft::new(stamp, what, rules::TOKENS),
    };
    if id == VendId::default() { draft } else { draft.reference(&format!("sale {}", id.0)) }
}

/// The worth: whole minor units as an amount, and what tokens count in (1/100000 of the currency's unit) always.
fn worth(draft: Draft, cause: &Cause<'_>, worth_u: i64) -> Draft {
    if worth_u == 0 {
        return draft;
    }
    let tariff = cause.book.tariff();
    let minor = worth::u_per_minor(tariff.minor_per_unit).and_then(|per| worth_u.checked_div(per));
    let draft = draft.detail("worth_1e5", worth_u);
    match minor {
        Some(minor) => draft.amount(minor, tariff),
        None => draft,
    }
}

const fn said_name(said: &Said) -> &'static str {
    match said {
        Said::Money { .. } => "credit_money",
        Said::Energy { .. } => "credit_energy",
        Said::ClearTamper => "clear_tamper",
        Said::MaxPower { .. } => "max_power",
        Said::KeyChange { .. } => "key_change",
    }
}

/// The variant's own name.
fn name(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}
