//! Which records become leaves, and what those say. `docs/ledger.md` has the table.

use super::{
    Before, Cause, Leaf, Ledger, amend, demand,
    draft::{Draft, moment},
    promises::Promised,
    rules, statement, tokens,
};
use crate::{
    billing::{Credit, Debit},
    config::{CreditAt, Tariff},
    ids::Stamp,
    journal::{Applied, Entry},
    payment::Payment,
    relay::{Reason, Relay, RelayOrder},
    uplink::AlarmCode,
};

pub(super) fn take(ledger: &mut Ledger, cause: &Cause<'_>, leaves: &mut Vec<Leaf>) {
    let Cause { record, applied, book, .. } = *cause;
    match (&record.entry, applied) {
        (Entry::Reading(reading), Applied::Reading { debit: Some(debit), .. }) => {
            take_debit(ledger, cause, reading.meter.0, reading.register_wh, *debit, leaves);
            return demand::charged(ledger, cause, leaves);
        }
        (Entry::Backfilled { .. }, _) => return demand::charged(ledger, cause, leaves),
        (Entry::Reading(_) | Entry::Acked { .. } | Entry::CounterReserved { .. }, _) => {
            return;
        }
        _ => {}
    }
    if ledger.tariffs.is_empty() {
        open_accounts(ledger, cause, leaves);
    }
    let stamp = &record.stamp;
    match &record.entry {
        Entry::DayFee { day } => {
            demand::charged(ledger, cause, leaves);
            statement::close(ledger, cause, Some(*day), |_, _| true, leaves);
        }
        Entry::Payment { payment, local } => take_payment(ledger, cause, payment, *local, leaves),
        Entry::Resolved { id, .. } => {
            if let Applied::Credit(Credit::Credited { account, .. }) = applied {
                let minor = cause.before.suspended_minor;
                let draft = ledger.draft(stamp, "payment.resolved", rules::CREDITED, *account, book);
                let draft = draft.amount(minor, book.tariff()).reference(&id.key).detail("provider", id.provider);
                ledger.push_on(*account, minor, record.number, draft, leaves);
                amend::recovered(ledger, cause, *account, leaves);
            }
        }
        Entry::Vending(note) => tokens::take(ledger, cause, note, leaves),
        Entry::Amended(amendment) => amend::amended(ledger, cause, amendment, leaves),
        Entry::AmendDeclined { .. } | Entry::AmendAsked(_) | Entry::AmendTold(_) => {
            amend::asked(ledger, cause, &record.entry, leaves);
        }
        Entry::ReceiptSettled { id, how } => amend::settled(ledger, cause, id, how, leaves),
        Entry::TariffChanged(tariff) if book.tariff_for(&tariff.class) != Some(&**tariff) => {
            let named = rules::tariff_name(tariff);
            let draft = Draft::new(stamp, "tariff.announced", &rules::tariff(tariff, "prices")).reference(&named);
            ledger.push(record.number, draft.detail_if("from", tariff.from_unix_ms.map(moment)), leaves);
        }
        Entry::CreditDelivered { meter, total_minor } => {
            // Not on the account: there it was credited when it came.
            let minor = total_minor.saturating_sub(cause.before.delivered_minor);
            let draft = ledger.draft(stamp, "credit.delivered", rules::DELIVERED, meter.0, book);
            let draft = draft.amount(minor, book.tariff()).detail("total_minor", total_minor);
            ledger.push(record.number, draft, leaves);
        }
        Entry::RelayOrdered(order) => {
            let draft = relay_order(ledger, cause, order);
            ledger.push(record.number, draft, leaves);
        }
        Entry::OrderRefused { order, meter, why } => {
            let draft = ledger.draft(stamp, "relay.order_refused", rules::EVIDENCE, meter.0, book);
            let draft = draft.detail("why", why.name()).detail("cloud_order", order);
            let draft = draft.detail_if("rests_on_data_of", cause.before.basis.map(|basis| moment(basis.data_unix_ms)));
            ledger.push(record.number, draft, leaves);
        }
        Entry::RelaySeen { meter, relay, order } => {
            let Before { relay: before, .. } = cause.before;
            if before.is_some_and(|before| before != *relay) {
                let what = if relay.is_closed() { "relay.closed" } else { "relay.opened" };
                let draft = ledger.draft(stamp, what, rules::RELAY_SEEN, meter.0, book);
                ledger.push(record.number, draft.detail_if("cloud_order", *order), leaves);
            }
        }
        Entry::Alarm { code: AlarmCode::MassDisconnection, .. } => {
            let draft = Draft::new(stamp, "relay.openings_stopped", rules::OPENINGS);
            ledger.push(record.number, draft, leaves);
        }
        Entry::OpeningsAllowed => {
            let draft = Draft::new(stamp, "relay.openings_allowed", rules::OPENINGS);
            ledger.push(record.number, draft, leaves);
        }
        Entry::LedgerSigned { size, root, note } => {
            ledger.promises.push(Promised { size: *size, root: *root }, note);
        }
        Entry::PromiseBroken { size, root, rolled_back } => {
            ledger.promises.tell(Promised { size: *size, root: *root });
            let what = if *rolled_back { "ledger.rolled_back" } else { "ledger.forked" };
            let draft = Draft::new(stamp, what, rules::PROMISE).detail("promised_entries", size);
            let draft = draft.detail("promised_root", root).detail("entries", ledger.size());
            ledger.push(record.number, draft, leaves);
        }
        _ => {}
    }
    tell_prices(ledger, cause, leaves);
}

/// The first leaves: accounts as they were configured, and prices.
fn open_accounts(ledger: &mut Ledger, cause: &Cause<'_>, leaves: &mut Vec<Leaf>) {
    let Cause { record, book, .. } = *cause;
    if ledger.credit_at != CreditAt::Cloud {
        for (account, found) in (0..).zip(book.accounts()) {
            let minor = found.balance_minor();
            let draft = ledger.draft(&record.stamp, "account.opened", rules::OPENED, account, book);
            ledger.push_on(account, minor, record.number, draft.amount(minor, book.tariff()), leaves);
        }
    }
    ledger.tariffs = vec![book.tariff().clone()];
    let draft = prices(&record.stamp, "tariff.in_force", book.tariff());
    ledger.push(record.number, draft, leaves);
}

/// Other prices than the log has told: what was used under the old ones is stated first. Then who is in another class.
fn tell_prices(ledger: &mut Ledger, cause: &Cause<'_>, leaves: &mut Vec<Leaf>) {
    let Cause { record, book, .. } = *cause;
    for (class, tariff) in (0_u16..).zip(book.tariffs()) {
        let draft = match ledger.tariffs.get(usize::from(class)).cloned() {
            Some(told) if told == *tariff => continue,
            Some(before) => {
                statement::close(ledger, cause, None, |_, open| open.class() == class, leaves);
                prices(&record.stamp, "tariff.changed", tariff).detail("before", rules::tariff_name(&before))
            }
            None => prices(&record.stamp, "tariff.in_force", tariff),
        };
        match ledger.tariffs.get_mut(usize::from(class)) {
            Some(told) => tariff.clone_into(told),
            None => ledger.tariffs.push(tariff.clone()),
        }
        ledger.push(record.number, draft, leaves);
    }
    if matches!(record.entry, Entry::Classed { .. } | Entry::ClassesSet(_)) {
        tell_classes(ledger, cause, leaves);
    }
}

/// Accounts under another tariff than the log has told: what was used under the old one is stated first.
fn tell_classes(ledger: &mut Ledger, cause: &Cause<'_>, leaves: &mut Vec<Leaf>) {
    let Cause { record, book, .. } = *cause;
    for account in 0..u32::try_from(ledger.accounts.len()).unwrap_or(u32::MAX) {
        let class = book.class_number(account);
        let told = ledger.accounts.get(account as usize).map_or(0, statement::Open::class);
        if told == class {
            continue;
        }
        let before = ledger.tariffs.get(usize::from(told)).map(rules::tariff_name);
        statement::close(ledger, cause, None, |at, _| at == account, leaves);
        if let Some(open) = ledger.accounts.get_mut(account as usize) {
            open.turn(class);
        }
        let tariff = book.tariff_of(account);
        let rule = rules::tariff(tariff, "prices");
        let draft = ledger.draft(&record.stamp, "account.tariff_changed", &rule, account, book);
        let draft = draft.reference(&rules::tariff_name(tariff)).detail("class", book.class_of(account));
        ledger.push(record.number, draft.detail_if("before", before), leaves);
    }
}

fn prices(stamp: &Stamp, what: &str, tariff: &Tariff) -> Draft {
    let class = Some(&tariff.class).filter(|class| !class.is_empty());
    Draft::new(stamp, what, &rules::tariff(tariff, "prices"))
        .detail_if("class", class)
        .reference(&rules::tariff_name(tariff))
        .detail("currency", &tariff.currency)
        .detail("minor_per_unit", tariff.minor_per_unit)
        .detail("energy_price_per_kwh_minor", tariff.energy_price_per_kwh_minor)
        .detail("daily_fee_minor", tariff.daily_fee_minor)
        .detail("grace_minor", tariff.grace_minor)
        .detail("emergency_credit_minor", tariff.emergency_credit_minor)
        .detail("periods", tariff.periods.len())
        .detail("blocks", tariff.blocks.len())
        // Every term of it: whoever has the tariff's text can compare.
        .detail("terms_sha256", rules::terms_hash(tariff))
}

fn take_debit(
    ledger: &mut Ledger,
    cause: &Cause<'_>,
    meter: u32,
    register_wh: u64,
    debit: Debit,
    leaves: &mut Vec<Leaf>,
) {
    let Some(open) = ledger.accounts.get_mut(meter as usize) else { return };
    match debit {
        Debit::Billed { wh, minor } => open.bill(wh, minor, register_wh),
        Debit::First => open.rebase(register_wh),
        Debit::Backward { from_wh, to_wh } => {
            open.rebase(to_wh);
            let draft = ledger.draft(&cause.record.stamp, "register.backward", rules::BACKWARD, meter, cause.book);
            let draft = draft.detail("from_wh", from_wh).detail("to_wh", to_wh);
            ledger.push(cause.record.number, draft, leaves);
        }
        Debit::Stale | Debit::Unknown => {}
    }
}

fn take_payment(ledger: &mut Ledger, cause: &Cause<'_>, payment: &Payment, local: bool, leaves: &mut Vec<Leaf>) {
    let Cause { record, applied, book, .. } = *cause;
    let stamp = &record.stamp;
    let with = |draft: Draft| {
        let channel = format!("{:?}", payment.channel).to_lowercase();
        draft
            .reference(&payment.key)
            .detail("provider", payment.provider)
            .detail_if("receipt", payment.receipt.as_ref().map(|receipt| &receipt.number))
            .amount(payment.amount_minor, book.tariff())
            .detail("accepted", moment(payment.accepted_unix_ms))
            .detail("channel", channel)
            .detail_if("taken_at", local.then_some("site"))
    };
    let unknown = |what: &str, rule: &str| {
        let named = (!payment.account.is_empty()).then_some(&payment.account);
        with(Draft::new(stamp, what, rule)).detail_if("account_named", named)
    };
    match applied {
        Applied::Credit(Credit::Credited { account, .. }) => {
            let draft = with(ledger.draft(stamp, "payment.credited", rules::CREDITED, *account, book));
            ledger.push_on(*account, payment.amount_minor, record.number, draft, leaves);
            amend::recovered(ledger, cause, *account, leaves);
            amend::replaced(ledger, cause, payment, leaves);
        }
        Applied::Credit(Credit::Ahead { account, .. }) => {
            let draft = with(ledger.draft(stamp, "payment.provisional", rules::RECEIPT, *account, book));
            ledger.push_on(*account, payment.amount_minor, record.number, draft, leaves);
        }
        Applied::Credit(Credit::Suspended) => {
            ledger.push(record.number, unknown("payment.suspended", rules::SUSPENDED), leaves);
            amend::replaced(ledger, cause, payment, leaves);
        }
        // A repeat that names a receipt: what had counted on that is gone.
        Applied::Credit(Credit::Duplicate) => amend::replaced(ledger, cause, payment, leaves),
        Applied::Credit(Credit::Conflict) => {
            ledger.push(record.number, unknown("payment.conflict", rules::CONFLICT), leaves);
        }
        Applied::Credit(Credit::Unproven) => {
            ledger.push(record.number, unknown("payment.unproven", rules::RECEIPT), leaves);
        }
        Applied::Forwarded => {
            ledger.push(record.number, unknown("payment.forwarded", rules::FORWARDED), leaves);
        }
        _ => {}
    }
}

fn relay_order(ledger: &Ledger, cause: &Cause<'_>, order: &RelayOrder) -> Draft {
    let Cause { record, book, before, .. } = *cause;
    let data = before.basis.filter(|_| order.reason == Reason::Cloud).map(|basis| moment(basis.data_unix_ms));
    let what = match order.relay {
        Relay::Open => "relay.open_ordered",
        Relay::Closed => "relay.close_ordered",
    };
    let rule = match order.reason {
        Reason::Cloud => rules::RELAY_CLOUD,
        Reason::Stale => rules::RELAY_STALE,
        _ => rules::RELAY,
    };
    let draft = ledger
        .draft(&record.stamp, what, rule, order.meter.0, book)
        .detail("reason", format!("{:?}", order.reason).to_lowercase())
        .detail("rests_on_record", order.rests_on)
        .detail_if("cloud_order", order.order)
        .detail_if("rests_on_data_of", data)
        .detail_if("reading_age_s", order.reading_age_s)
        .detail_if("payments_age_s", order.payments_age_s);
    if ledger.credit_at == CreditAt::Cloud { draft } else { draft.detail("balance_minor", order.balance_minor) }
}
