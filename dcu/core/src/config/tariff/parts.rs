//! What a tariff may have besides one price.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calendar::{DAY_MINUTES, LocalTime, NamedDay, TimeOfDay, Weekday};

/// A stretch of the day on some days of the week.
///
/// One that ends at or before its start runs past midnight and belongs to the day on which it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Local time at which it starts.
    pub from: TimeOfDay,
    /// Local time at which it ends.
    pub to: TimeOfDay,
    /// On which days; none named: on all.
    #[serde(default)]
    pub weekdays: Vec<Weekday>,
}

impl Hours {
    fn starts_on(&self, day: i64) -> bool {
        self.weekdays.is_empty() || self.weekdays.contains(&Weekday::of(day))
    }

    /// Minutes since the start's midnight at which it starts and ends; the end may lie on the next day.
    pub(super) fn minutes(&self) -> (u16, u16) {
        let (from, to) = (self.from.minutes(), self.to.minutes());
        if to > from { (from, to) } else { (from, to.saturating_add(DAY_MINUTES)) }
    }

    /// The end of the stretch in which this minute of the day lies: minutes since this day's midnight.
    fn end_at(&self, day: i64, minute: u16) -> Option<u16> {
        let (from, to) = self.minutes();
        if self.starts_on(day) && (from..to).contains(&minute) {
            return Some(to);
        }
        let since_yesterday = minute.saturating_add(DAY_MINUTES);
        (to > DAY_MINUTES && since_yesterday < to && self.starts_on(day.saturating_sub(1)))
            .then(|| to.saturating_sub(DAY_MINUTES))
    }

    /// It covers this minute of this local day.
    #[must_use]
    pub fn covers(&self, day: i64, minute: u16) -> bool {
        self.end_at(day, minute).is_some()
    }
}

/// A price of its own at some hours (time of use).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// What people call it: `peak`, `night`.
    pub name: String,
    /// Local time at which it starts.
    pub from: TimeOfDay,
    /// Local time at which it ends; at or before the start: on the next day.
    pub to: TimeOfDay,
    /// On which days it starts; none named: on all.
    #[serde(default)]
    pub weekdays: Vec<Weekday>,
    /// Price of one kWh in it, minor units.
    pub price_per_kwh_minor: i64,
}

impl Period {
    /// When it is.
    #[must_use]
    pub fn hours(&self) -> Hours {
        Hours { from: self.from, to: self.to, weekdays: self.weekdays.clone() }
    }
}

/// A price for the energy of a month up to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// It ends at this much energy of the calendar month, kWh. Above the last one the tariff's own price applies.
    pub up_to_kwh: u32,
    /// Price of one kWh in it, minor units.
    pub price_per_kwh_minor: i64,
}

/// The first energy of every month at a price of its own, whatever the hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifeline {
    /// So much of it a calendar month, kWh.
    pub kwh: u32,
    /// Price of one kWh, minor units; 0 gives it away.
    pub price_per_kwh_minor: i64,
}

/// A fee for the power that is held ready: subscribed watts, by the day.
///
/// A customer can know what a day will cost before it is over, and a reading that is missing changes nothing. A fee for
/// power that was measured is [`Demand`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Price of one kilowatt for one day, minor units.
    pub price_per_kw_day_minor: i64,
    /// What an account has subscribed unless it has been set by itself, watts.
    pub subscribed_w: u32,
}

/// A fee for the highest mean power of a calendar month, as the registers tell it; charged when the month is over.
///
/// A window runs from a reading to the first one at least `window_min` later: with readings further apart it is longer, and
/// its mean is no more than the true peak. What the load profile tells later is charged beside, never less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// Price of one kilowatt for one month, minor units.
    pub price_per_kw_month_minor: i64,
    /// Length of a window: 15, 30 or 60 minutes.
    pub window_min: u32,
}

/// How debt is paid off (a connection on credit, an appliance, energy stolen).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DebtRule {
    /// Share of each payment that goes to it, percent, 1 to 100. What is used on trust is repaid before.
    pub share_percent: u8,
}

/// Hours in which nobody is disconnected for debt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FriendlyHours {
    /// Local time at which they start.
    pub from: TimeOfDay,
    /// Local time at which they end; at or before the start: on the next day.
    pub to: TimeOfDay,
    /// On which days they start. With neither weekdays nor days named: on all.
    #[serde(default)]
    pub weekdays: Vec<Weekday>,
    /// Days by date on which they start, besides the weekdays.
    #[serde(default)]
    pub days: Vec<NamedDay>,
}

impl FriendlyHours {
    fn starts_on(&self, day: i64) -> bool {
        (self.weekdays.is_empty() && self.days.is_empty())
            || self.weekdays.contains(&Weekday::of(day))
            || self.days.iter().any(|named| named.is(day))
    }

    /// The next start after this instant within a week, Unix ms.
    pub(super) fn next_start_ms(&self, at: LocalTime) -> Option<i64> {
        (0..8).map(|n| at.day().saturating_add(n)).filter(|day| self.starts_on(*day)).find_map(|day| {
            let starts = LocalTime::instant_ms(day, self.from.minutes(), at.utc_offset_s);
            (starts > at.unix_ms).then_some(starts)
        })
    }

    /// Start and end (Unix ms) of the stretch that holds this instant.
    pub(super) fn around(&self, at: LocalTime) -> Option<(i64, i64)> {
        let hours = Hours { from: self.from, to: self.to, weekdays: Vec::new() };
        let (from, to) = hours.minutes();
        let today = at.day();
        [today, today.saturating_sub(1)].into_iter().filter(|day| self.starts_on(*day)).find_map(|day| {
            let starts = LocalTime::instant_ms(day, from, at.utc_offset_s);
            let ends = LocalTime::instant_ms(day, to, at.utc_offset_s);
            (starts..ends).contains(&at.unix_ms).then_some((starts, ends))
        })
    }
}

/// What happens to the energy between two readings that lie far apart, where its price depends on the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LongGap {
    /// It is spread evenly over the time between them, as in a short gap.
    #[default]
    ProRata,
    /// It costs the lowest price that the tariff knows: the customer is not charged for what was not measured.
    LowestPrice,
}
