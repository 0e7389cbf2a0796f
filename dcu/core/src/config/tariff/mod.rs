//! Prices and rules, in integer minor units of one currency.
//!
//! | a Wh costs | |
//! |---|---|
//! | within the month's lifeline | the lifeline's price, whatever the hour |
//! | else, in a period (time of use) | the period's price |
//! | else, below a block's limit | the price of the first block whose limit the month has not reached |
//! | else | `energy_price_per_kwh_minor` |
//!
//! So nothing is left without a price, and a tariff that names only the last is flat. All energy counts towards the
//! month, whatever it cost. Months, days and hours are local civil time.

mod calendar;
mod check;
mod parts;

pub(crate) use calendar::{DAY_MINUTES, DAY_MS, month_end_ms};
pub use calendar::{LocalTime, NamedDay, NamedDayError, TimeOfDay, TimeOfDayError, Weekday};
pub(crate) use check::LIST_MAX;
pub use check::{TariffFault, TariffProblem};
pub use parts::{Block, Capacity, DebtRule, Demand, FriendlyHours, Hours, Lifeline, LongGap, Period};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Prices and rules, in integer minor units of one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// What it is called on statements and in the ledger.
    #[serde(default)]
    pub id: String,
    /// The class of customers that it is for (`business`); empty: everybody who is in no class.
    #[serde(default)]
    pub class: String,
    /// Of two versions the higher is the newer. 0: the cloud numbers it when it is sent.
    #[serde(default)]
    pub version: u32,
    /// From when it is in force, Unix milliseconds; left out: from the moment the DCU has it.
    #[serde(default)]
    pub from_unix_ms: Option<i64>,
    /// ISO 4217 code, for instance `TZS`.
    pub currency: String,
    /// How many minor units make one unit of the currency (100 for most; 1 where none is used).
    #[serde(default = "minor_per_unit")]
    pub minor_per_unit: u32,
    /// Price of one kWh, in minor units, where nothing below sets another.
    pub energy_price_per_kwh_minor: i64,
    /// Fixed fee a day, in minor units.
    #[serde(default)]
    pub daily_fee_minor: i64,
    /// Balance below zero (below the emergency credit) that is still served, in minor units.
    #[serde(default)]
    pub grace_minor: i64,
    /// Prices by the hour.
    #[serde(default)]
    pub periods: Vec<Period>,
    /// Prices by the month's energy, in rising order.
    #[serde(default)]
    pub blocks: Vec<Block>,
    /// The first energy of a month.
    #[serde(default)]
    pub lifeline: Option<Lifeline>,
    /// The fee for power held ready.
    #[serde(default)]
    pub capacity: Option<Capacity>,
    /// The fee for the month's highest measured power.
    #[serde(default)]
    pub demand: Option<Demand>,
    /// Credit that is lent once the balance is used up, in minor units. It is repaid first from the next payment.
    #[serde(default)]
    pub emergency_credit_minor: i64,
    /// How debt is paid off; left out: only by corrections.
    #[serde(default)]
    pub debt: Option<DebtRule>,
    /// Hours in which nobody is disconnected for debt.
    #[serde(default)]
    pub friendly_hours: Vec<FriendlyHours>,
    /// What becomes of the energy between two readings that lie more than [`Self::long_gap_h`] apart.
    #[serde(default)]
    pub long_gap: LongGap,
    /// From how many hours on a gap is long.
    #[serde(default = "long_gap_h")]
    pub long_gap_h: u32,
    /// Most that receipts not yet confirmed by the provider may add to one account, in minor units. 0: nothing is
    /// credited on a receipt alone, because it can be forged.
    #[serde(default)]
    pub receipt_credit_minor: i64,
    /// After how many hours without the provider's word a receipt's credit is taken back.
    #[serde(default = "receipt_h")]
    pub receipt_h: u32,
}

const fn minor_per_unit() -> u32 {
    100
}

const fn long_gap_h() -> u32 {
    48
}

const fn receipt_h() -> u32 {
    72
}

impl Default for Tariff {
    /// Energy for nothing in no currency: to be filled in.
    fn default() -> Self {
        Self {
            id: String::new(),
            class: String::new(),
            version: 0,
            from_unix_ms: None,
            currency: String::new(),
            minor_per_unit: minor_per_unit(),
            energy_price_per_kwh_minor: 0,
            daily_fee_minor: 0,
            grace_minor: 0,
            periods: Vec::new(),
            blocks: Vec::new(),
            lifeline: None,
            capacity: None,
            demand: None,
            emergency_credit_minor: 0,
            debt: None,
            friendly_hours: Vec::new(),
            long_gap: LongGap::default(),
            long_gap_h: long_gap_h(),
            receipt_credit_minor: 0,
            receipt_h: receipt_h(),
        }
    }
}

impl Tariff {
    /// One price for a kWh, and nothing else.
    pub fn flat(currency: impl Into<String>, minor_per_unit: u32, price_per_kwh_minor: i64) -> Self {
        Self {
            currency: currency.into(),
            minor_per_unit,
            energy_price_per_kwh_minor: price_per_kwh_minor,
            ..Self::default()
        }
    }

    /// The price of a kWh, minor units, where energy has one price at all times: meters that count their credit down by
    /// themselves need that.
    #[must_use]
    pub fn flat_price(&self) -> Option<i64> {
        let flat = self.periods.is_empty() && self.blocks.is_empty() && self.lifeline.is_none();
        flat.then_some(self.energy_price_per_kwh_minor)
    }

    /// A meter that keeps the credit can count it down by this tariff: one price, a fee a day, and what it trusts. It
    /// knows no subscribed or measured power and no friendly hours.
    #[must_use]
    pub fn suits_meters(&self) -> bool {
        let by_power = self.capacity.is_some() || self.demand.is_some();
        self.flat_price().is_some() && !by_power && self.friendly_hours.is_empty()
    }

    /// The lowest price of a kWh that it knows, minor units.
    #[must_use]
    pub fn lowest_price(&self) -> i64 {
        let periods = self.periods.iter().map(|p| p.price_per_kwh_minor);
        let blocks = self.blocks.iter().map(|b| b.price_per_kwh_minor);
        let lifeline = self.lifeline.iter().map(|l| l.price_per_kwh_minor);
        periods.chain(blocks).chain(lifeline).fold(self.energy_price_per_kwh_minor, i64::min)
    }

    /// How far below zero a balance is served, minor units.
    #[must_use]
    pub const fn trust_minor(&self) -> i64 {
        self.emergency_credit_minor.saturating_add(self.grace_minor)
    }

    /// The price of the period in which this instant lies.
    #[must_use]
    pub fn period_at(&self, at: LocalTime) -> Option<&Period> {
        if self.periods.is_empty() {
            return None;
        }
        let (day, minute) = (at.day(), at.minute());
        self.periods.iter().find(|period| period.hours().covers(day, minute))
    }

    /// The first instant after this one at which another period may begin, Unix ms.
    #[must_use]
    pub(crate) fn period_edge_after(&self, at: LocalTime) -> i64 {
        let (day, minute) = (at.day(), at.minute());
        let edges = self.periods.iter().flat_map(|p| [p.from.minutes(), p.to.minutes()]);
        let next = edges.filter(|edge| *edge > minute).fold(DAY_MINUTES, u16::min);
        LocalTime::instant_ms(day, next, at.utc_offset_s)
    }

    /// When friendly hours may begin next after this instant, Unix ms: at the latest in a week, when it is to be asked
    /// again.
    #[must_use]
    pub(crate) fn friendly_after(&self, at: LocalTime) -> i64 {
        let week = at.unix_ms.saturating_add(DAY_MS.saturating_mul(7));
        let starts = self.friendly_hours.iter().filter_map(|hours| hours.next_start_ms(at));
        starts.fold(week, i64::min)
    }

    /// The friendly hours in which this instant lies: start and end, Unix ms. Stretches that touch count as one.
    #[must_use]
    pub fn friendly_around(&self, at: LocalTime) -> Option<(i64, i64)> {
        let (mut from, mut to) = self.friendly_hours.iter().find_map(|hours| hours.around(at))?;
        // Whole days in a row, or a night that follows an evening. Bounded: a fortnight is one stretch at most.
        for _ in 0..14 {
            let next = LocalTime { unix_ms: to, ..at };
            let Some((_, later)) = self.friendly_hours.iter().find_map(|hours| hours.around(next)) else { break };
            to = later;
        }
        for _ in 0..14 {
            let before = LocalTime { unix_ms: from.saturating_sub(1), ..at };
            let Some((earlier, _)) = self.friendly_hours.iter().find_map(|hours| hours.around(before)) else { break };
            from = earlier;
        }
        Some((from, to))
    }
}

#[cfg(test)]
mod tests;
