//! The stock of tokens made beforehand: what is missing of it, and which of it is of no use any more.

use taa_tokens::sts::{Tid, vend::MeterKey};

use super::{Desk, Sale, VendId, Void};
use crate::{MeterIx, config::CachePolicy};

/// A token of the stock that would be refused by now, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockEnd {
    /// Which.
    pub id: VendId,
    /// Why.
    pub why: Void,
}

/// The tokens of the stock of this meter that it would refuse: made under another key, too old among those that it
/// remembers, or beyond what its key may open (the expiry number compares with a token's own minute, so this concerns
/// tokens made ahead of their time alone).
#[must_use]
pub fn stock_ends(desk: &Desk, meter: MeterIx, key: &MeterKey, policy: &CachePolicy) -> Vec<StockEnd> {
    let now_key = desk.key(meter);
    let end = |sale: &Sale| {
        let tid = Tid::at(key.key.base_date, sale.minute);
        let why = if Some(sale.key) != now_key || tid.is_err() {
            Void::KeyChanged
        } else if desk.newer_than(sale) > policy.newer_max as usize
            || tid.is_ok_and(|tid| tid.upper_byte() > key.key.ken)
        {
            Void::StockTooOld
        } else {
            return None;
        };
        Some(StockEnd { id: sale.id, why })
    };
    desk.sales_of(meter).filter(|sale| sale.is_stock()).filter_map(end).collect()
}

/// The first denomination of which the meter's stock lacks one, minor units.
pub(crate) fn missing(desk: &Desk, meter: MeterIx, policy: &CachePolicy) -> Option<i64> {
    let stock = || desk.sales_of(meter).filter(|sale| matches!(sale.source, super::Source::Stock));
    let open = || stock().filter(|sale| !sale.fate.is_settled());
    let held: i64 = open().map(|sale| sale.worth_u).fold(0, i64::saturating_add);
    let worth_u = |minor: i64| minor.saturating_mul(desk.u_per_minor());
    let lacks = |(minor, count): &&(i64, u32)| {
        // What a token carries is at most the denomination, and nearly all of it.
        let near =
            |sale: &&Sale| sale.worth_u <= worth_u(*minor) && sale.worth_u > worth_u(*minor).saturating_mul(9) / 10;
        open().filter(near).count() < *count as usize
    };
    let fits = |(minor, _): &&(i64, u32)| held.saturating_add(worth_u(*minor)) <= worth_u(policy.meter_max_minor);
    policy.denominations.iter().filter(lacks).find(fits).map(|(minor, _)| *minor)
}

/// The token of the stock that comes nearest to what is due without exceeding it.
pub(crate) fn best(desk: &Desk, meter: MeterIx, due_u: i64) -> Option<&Sale> {
    let fits = desk.sales_of(meter).filter(|sale| sale.is_stock() && sale.worth_u <= due_u);
    // Of equal ones the oldest, which would be too old first.
    fits.max_by_key(|sale| (sale.worth_u, std::cmp::Reverse(sale.minute)))
}
