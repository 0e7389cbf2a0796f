//! `[tariff]`: prices and rules, in units of the currency (shillings, not cents).
//!
//! What they mean together stands beside [`taa_dcu::config::Tariff`] and in `docs/billing.md`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use taa_dcu::config::tariff::{DebtRule, LongGap, Weekday};

/// Prices, in units of the currency (shillings, not cents).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TariffSection {
    /// What it is called on statements and in the ledger; left out: nothing.
    #[serde(default)]
    pub id: String,
    /// Classes of customers that have it (`class` in the village file): in `[[tariffs]]` alone. Everybody else has `[tariff]`.
    #[serde(default)]
    pub customers: Vec<String>,
    /// ISO 4217 code, for instance TZS.
    pub currency: String,
    /// Minor units in a unit of the currency; left out: as ISO 4217 has it (TZS 100, UGX 1).
    pub minor_per_unit: Option<u32>,
    /// Price of a kilowatt-hour where nothing below sets another, units of the currency.
    pub energy_price_per_kwh: f64,
    /// Fixed fee a day, units of the currency.
    #[serde(default)]
    pub daily_fee: f64,
    /// Balance below zero that is still served, units of the currency.
    #[serde(default)]
    pub grace: f64,
    /// Prices by the hour: `[[tariff.periods]]`.
    #[serde(default)]
    pub periods: Vec<PeriodSection>,
    /// Prices by the energy of a calendar month, in rising order: `[[tariff.blocks]]`.
    #[serde(default)]
    pub blocks: Vec<BlockSection>,
    /// The first energy of a month at a price of its own, whatever the hour.
    pub lifeline: Option<LifelineSection>,
    /// A fee for subscribed power.
    pub capacity: Option<CapacitySection>,
    /// A fee for the month's highest measured power.
    pub demand: Option<DemandSection>,
    /// Credit that is lent once the balance is used up, units of the currency. The next payment repays it first.
    #[serde(default)]
    pub emergency_credit: f64,
    /// How debt is paid off.
    pub debt: Option<DebtRule>,
    /// Hours in which nobody is disconnected for debt: `[[tariff.friendly_hours]]`.
    #[serde(default)]
    pub friendly_hours: Vec<FriendlySection>,
    /// What becomes of the energy between two readings far apart.
    #[serde(default)]
    pub long_gap: LongGap,
    /// From how many hours on a gap is long.
    #[serde(default = "long_gap_h")]
    pub long_gap_h: u32,
    /// Most that receipts not confirmed by the provider may add to an account, units of the currency.
    #[serde(default)]
    pub receipt_credit: f64,
    /// After how many hours without the provider's word a receipt's credit is taken back.
    #[serde(default = "receipt_h")]
    pub receipt_h: u32,
}

const fn long_gap_h() -> u32 {
    48
}

const fn receipt_h() -> u32 {
    72
}

/// A price at some hours.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodSection {
    /// What people call it.
    pub name: String,
    /// Local time at which it starts, "18:00".
    pub from: String,
    /// Local time at which it ends; at or before the start: on the next day. "24:00" is midnight.
    pub to: String,
    /// On which days it starts; left out: on all.
    #[serde(default)]
    pub weekdays: Vec<Weekday>,
    /// Price of a kilowatt-hour in it, units of the currency.
    pub price_per_kwh: f64,
}

/// A price up to an amount of energy a month.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockSection {
    /// It ends at this much energy of the calendar month, kilowatt-hours.
    pub up_to_kwh: u32,
    /// Price of a kilowatt-hour in it, units of the currency.
    pub price_per_kwh: f64,
}

/// The first energy of a month.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifelineSection {
    /// So much of it a calendar month, kilowatt-hours.
    pub kwh: u32,
    /// Price of a kilowatt-hour, units of the currency; 0 gives it away.
    pub price_per_kwh: f64,
}

/// A fee for subscribed power.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacitySection {
    /// Price of one kilowatt for one day, units of the currency.
    pub price_per_kw_day: f64,
    /// What every account has subscribed, watts.
    pub subscribed_w: u32,
}

/// A fee for the highest mean power of a calendar month, charged when it is over.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DemandSection {
    /// Price of one kilowatt for one month, units of the currency.
    pub price_per_kw_month: f64,
    /// Length of a window: 15, 30 or 60 minutes; it is longer where readings are further apart.
    pub window_min: u32,
}

/// Hours in which nobody is disconnected.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FriendlySection {
    /// Local time at which they start, "17:00".
    pub from: String,
    /// Local time at which they end; at or before the start: on the next day.
    pub to: String,
    /// On which days they start. With neither weekdays nor days: on all.
    #[serde(default)]
    pub weekdays: Vec<Weekday>,
    /// Days by date on which they start: "12-25" for every year, "2026-04-03" for one.
    #[serde(default)]
    pub days: Vec<String>,
}
