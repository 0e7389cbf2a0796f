//! Power by measurement: a month that is charged, and a charge that a late reading has put right, each as an entry.

use super::{Cause, Leaf, Ledger, rules};
use crate::billing::DemandCharge;

/// What the record has charged for power.
pub(super) fn charged(ledger: &mut Ledger, cause: &Cause<'_>, leaves: &mut Vec<Leaf>) {
    let Cause { record, book, .. } = *cause;
    for charge in book.demanded() {
        let DemandCharge { account, peak, minor, corrects } = *charge;
        let tariff = book.tariff_of(account);
        let what = if corrects { "demand.corrected" } else { "demand.charged" };
        let rule = rules::tariff(tariff, "demand");
        let amount = minor.saturating_neg();
        let draft = ledger.draft(&record.stamp, what, &rule, account, book).amount(amount, tariff);
        let draft = draft.detail("month", month(peak.month)).detail("peak_w", peak.mw.div_ceil(1000));
        let draft = draft.detail("window_ends", super::draft::moment(peak.at_ms)).detail("month_minor", peak.minor);
        ledger.push_on(account, amount, record.number, draft, leaves);
    }
}

/// A month counted from January of the year 0.
fn month(index: i32) -> String {
    format!("{:04}-{:02}", index.div_euclid(12), index.rem_euclid(12).saturating_add(1))
}
