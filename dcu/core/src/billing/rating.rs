//! What energy costs: a register delta, spread over the time between two readings.
//!
//! Money is counted here in billionths of a minor unit, energy in millionths of a Wh, so that a price per kWh times
//! energy is a whole number. A delta is spread evenly over its time; the energy up to an instant is rounded down to a
//! millionth of a Wh and the rest goes to what follows, so that the parts always sum to the delta exactly, and an error
//! of the spread is worth at most a ten-thousandth of a minor unit at 100,000 minor units per kWh.

use serde::{Deserialize, Serialize};

use super::tariffs::Line;
use crate::config::{
    LocalTime, Tariff,
    tariff::{DAY_MS, LongGap, month_end_ms},
};

/// Billionths of a minor unit in one.
pub(super) const NANO: i64 = 1_000_000_000;
/// Millionths of a Wh in a Wh.
const MICRO_PER_WH: u64 = 1_000_000;
/// ... and in a kWh.
const MICRO_PER_KWH: u128 = 1_000_000_000;
const HOUR_MS: i64 = 3_600_000;
/// Readings further apart than this belong to a clock that was wrong: there is nothing to spread over.
const GAP_MAX_MS: i64 = 400 * DAY_MS;
/// Most prices within one month, blocks and lifeline and the last.
const STEPS_MAX: usize = 40;

/// Energy of one calendar month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Month {
    /// Which: months since January of the year 0.
    pub index: i32,
    /// Energy billed in it so far, millionths of a Wh.
    pub energy_micro_wh: u64,
}

impl Month {
    /// Begins this month, unless it has begun. A clock that steps back by less than a month begins nothing anew.
    fn turn(&mut self, index: i32) {
        if index > self.index || self.index.saturating_sub(index) > 1 {
            *self = Self { index, energy_micro_wh: 0 };
        }
    }

    fn add(&mut self, micro_wh: u128) {
        let sum = u128::from(self.energy_micro_wh).saturating_add(micro_wh);
        self.energy_micro_wh = u64::try_from(sum).unwrap_or(u64::MAX);
    }
}

/// Energy used between two instants; `None` where the clock is not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) wh: u64,
    pub(super) from_ms: Option<i64>,
    pub(super) to_ms: Option<i64>,
}

/// What the energy costs, billionths of a minor unit; it is counted towards its months.
pub(super) fn rate(schedule: Line<'_>, utc_offset_s: i32, month: &mut Month, span: Span) -> i128 {
    let local = |unix_ms| LocalTime { unix_ms, utc_offset_s };
    let micro_wh = u128::from(span.wh).saturating_mul(u128::from(MICRO_PER_WH));
    let Some(to) = span.to_ms else {
        let tariff = schedule.now();
        return charge(tariff, None, month, micro_wh);
    };
    let from = span.from_ms.unwrap_or(to);
    let end = local(to);
    // The usual case: one price, one month. A reading at the very start of a month still belongs to the one before.
    let last = local(to.saturating_sub(1).max(from));
    let (day_from, day_to) = (local(from).day(), last.day());
    let same_month = day_from == day_to || local(from).month() == last.month();
    if from < to
        && same_month
        && schedule.is_settled_since(from)
        && let Some(price) = schedule.now().flat_price()
    {
        month.turn(last.month());
        month.add(micro_wh);
        return cost(price, micro_wh);
    }
    let gap = to.saturating_sub(from);
    let (tariff, _) = schedule.at(to);
    let long = gap > i64::from(tariff.long_gap_h).saturating_mul(HOUR_MS);
    if gap > GAP_MAX_MS || long && tariff.long_gap == LongGap::LowestPrice {
        month.turn(end.month());
        month.add(micro_wh);
        return cost(tariff.lowest_price(), micro_wh);
    }
    if gap <= 0 {
        month.turn(end.month());
        let period = tariff.period_at(end).map(|p| p.price_per_kwh_minor);
        return charge(tariff, period, month, micro_wh);
    }
    let (mut at, mut done, mut sum) = (from, 0_u128, 0_i128);
    while at < to {
        let here = local(at);
        let (tariff, ends) = schedule.at(at);
        let edge = if tariff.periods.is_empty() { i64::MAX } else { tariff.period_edge_after(here) };
        let next = ends.min(edge).min(month_end_ms(here)).min(to).max(at.saturating_add(1));
        let upto = if next == to { micro_wh } else { share(micro_wh, next.saturating_sub(from), gap) };
        month.turn(here.month());
        let period = tariff.period_at(here).map(|p| p.price_per_kwh_minor);
        sum = sum.saturating_add(charge(tariff, period, month, upto.saturating_sub(done)));
        (at, done) = (next, upto);
    }
    sum
}

/// What is used in `part` of `whole`, rounded down.
fn share(micro_wh: u128, part: i64, whole: i64) -> u128 {
    let (part, whole) = (u128::from(part.unsigned_abs()), u128::from(whole.unsigned_abs()));
    micro_wh.saturating_mul(part).checked_div(whole).unwrap_or(0)
}

fn cost(price_per_kwh_minor: i64, micro_wh: u128) -> i128 {
    i128::try_from(micro_wh).unwrap_or(i128::MAX).saturating_mul(i128::from(price_per_kwh_minor))
}

/// What energy costs that was used at one hour, month steps included.
fn charge(tariff: &Tariff, period: Option<i64>, month: &mut Month, micro_wh: u128) -> i128 {
    let (mut left, mut sum) = (micro_wh, 0_i128);
    for _ in 0..STEPS_MAX {
        let used = u128::from(month.energy_micro_wh);
        let (price, limit) = price(tariff, period, used);
        let take = limit.map_or(left, |limit| left.min(limit.saturating_sub(used)));
        sum = sum.saturating_add(cost(price, take));
        month.add(take);
        left = left.saturating_sub(take);
        if left == 0 {
            break;
        }
    }
    sum
}

/// The price of the next Wh of a month, and the month's energy at which it ends.
fn price(tariff: &Tariff, period: Option<i64>, used: u128) -> (i64, Option<u128>) {
    let micro = |kwh: u32| u128::from(kwh).saturating_mul(MICRO_PER_KWH);
    if let Some(lifeline) = tariff.lifeline.filter(|l| used < micro(l.kwh)) {
        return (lifeline.price_per_kwh_minor, Some(micro(lifeline.kwh)));
    }
    if let Some(price) = period {
        return (price, None);
    }
    let block = tariff.blocks.iter().find(|block| used < micro(block.up_to_kwh));
    block.map_or((tariff.energy_price_per_kwh_minor, None), |b| (b.price_per_kwh_minor, Some(micro(b.up_to_kwh))))
}
