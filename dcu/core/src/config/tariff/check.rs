//! Contradictions of a tariff, all of them, each with its field.

use std::fmt;

use super::{Hours, Tariff, calendar::DAY_MINUTES};

/// Most entries of a list (periods, blocks, friendly hours, days): more than any published tariff has.
pub(crate) const LIST_MAX: usize = 32;
/// Longest name, bytes.
pub(crate) const NAME_BYTES_MAX: usize = 64;
/// Most that a price or a fee may be, minor units: keeps every sum far inside 64 bits.
pub(crate) const PRICE_MINOR_MAX: i64 = 1_000_000_000_000;
const WEEK_MINUTES: usize = 7 * DAY_MINUTES as usize;

/// A list and an entry of it, from 0.
type Place = (&'static str, usize);

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TariffFault {
    /// The list that it is in, and which entry of it, from 0.
    pub list: Option<Place>,
    /// The field.
    pub field: &'static str,
    /// What.
    pub problem: TariffProblem,
}

impl fmt::Display for TariffFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.list {
            Some((list, at)) => write!(f, "{list}[{at}].{}: {}", self.field, self.problem),
            None => write!(f, "{}: {}", self.field, self.problem),
        }
    }
}

impl std::error::Error for TariffFault {}

/// What is wrong with a field of a tariff. Whoever wrote the tariff is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TariffProblem {
    /// Not three capital letters.
    #[error("not an ISO 4217 code: three capital letters")]
    Currency,
    /// A currency has 1 to 1000 minor units to the unit.
    #[error("allowed: 1 to 1000 minor units to the unit")]
    MinorUnits,
    /// Below zero.
    #[error("must not be below zero")]
    Negative,
    /// Beyond any sense.
    #[error("at most {PRICE_MINOR_MAX} minor units")]
    TooLarge,
    /// More entries than a tariff may have.
    #[error("at most {LIST_MAX} entries")]
    TooMany,
    /// Too long a name.
    #[error("at most {NAME_BYTES_MAX} bytes")]
    Name,
    /// Two periods at the same time: which price counts would be chance.
    #[error("overlaps entry {0} of the list (counted from 0)")]
    Overlap(usize),
    /// A stretch of no length.
    #[error("starts at 24:00: write 00:00 of the next day")]
    StartsAtEnd,
    /// A weekday twice.
    #[error("names a weekday twice")]
    Twice,
    /// Blocks must rise.
    #[error("must be above the block before it")]
    NotRising,
    /// The lifeline reaches beyond a block, which would never apply.
    #[error("ends within the lifeline: it would never apply")]
    Unreachable,
    /// Zero of something that then has no meaning.
    #[error("must be above zero")]
    Zero,
    /// A share.
    #[error("allowed: 1 to 100 percent")]
    Share,
    /// Windows of power.
    #[error("allowed: windows of 15, 30 or 60 minutes")]
    Window,
    /// Hours.
    #[error("allowed: 1 to 8760 hours")]
    Hours,
}

impl Tariff {
    /// Everything that contradicts itself; empty for a tariff that can be used.
    #[must_use]
    pub fn check(&self) -> Vec<TariffFault> {
        let mut found = Vec::new();
        let mut tell = |list, field, problem| found.push(TariffFault { list, field, problem });
        let currency = self.currency.len() == 3 && self.currency.bytes().all(|b| b.is_ascii_uppercase());
        for (wrong, field, problem) in [
            (!currency, "currency", TariffProblem::Currency),
            (!(1..=1000).contains(&self.minor_per_unit), "minor_per_unit", TariffProblem::MinorUnits),
            (self.id.len() > NAME_BYTES_MAX, "id", TariffProblem::Name),
            (self.class.len() > NAME_BYTES_MAX, "class", TariffProblem::Name),
            (
                self.demand.is_some_and(|demand| !matches!(demand.window_min, 15 | 30 | 60)),
                "demand",
                TariffProblem::Window,
            ),
            (!(1..=8760).contains(&self.long_gap_h), "long_gap_h", TariffProblem::Hours),
            (!(1..=8760).contains(&self.receipt_h), "receipt_h", TariffProblem::Hours),
            (self.periods.len() > LIST_MAX, "periods", TariffProblem::TooMany),
            (self.blocks.len() > LIST_MAX, "blocks", TariffProblem::TooMany),
            (self.friendly_hours.len() > LIST_MAX, "friendly_hours", TariffProblem::TooMany),
        ] {
            if wrong {
                tell(None, field, problem);
            }
        }
        for (list, field, minor) in self.amounts() {
            if minor < 0 {
                tell(list, field, TariffProblem::Negative);
            } else if minor > PRICE_MINOR_MAX {
                tell(list, field, TariffProblem::TooLarge);
            }
        }
        self.check_periods(&mut found);
        self.check_months(&mut found);
        found
    }

    /// Every amount of money in it.
    fn amounts(&self) -> Vec<(Option<Place>, &'static str, i64)> {
        let mut amounts = vec![
            (None, "energy_price_per_kwh_minor", self.energy_price_per_kwh_minor),
            (None, "daily_fee_minor", self.daily_fee_minor),
            (None, "grace_minor", self.grace_minor),
            (None, "emergency_credit_minor", self.emergency_credit_minor),
            (None, "receipt_credit_minor", self.receipt_credit_minor),
        ];
        let price = "price_per_kwh_minor";
        let periods = self.periods.iter().map(|p| p.price_per_kwh_minor).enumerate();
        amounts.extend(periods.map(|(at, minor)| (Some(("periods", at)), price, minor)));
        let blocks = self.blocks.iter().map(|b| b.price_per_kwh_minor).enumerate();
        amounts.extend(blocks.map(|(at, minor)| (Some(("blocks", at)), price, minor)));
        amounts.extend(self.lifeline.map(|l| (None, "lifeline", l.price_per_kwh_minor)));
        amounts.extend(self.demand.map(|d| (None, "demand", d.price_per_kw_month_minor)));
        amounts.extend(self.capacity.map(|c| (None, "capacity", c.price_per_kw_day_minor)));
        amounts
    }

    fn check_periods(&self, found: &mut Vec<TariffFault>) {
        // Which period a minute of the week belongs to, from 1; 0 for none.
        let mut week = vec![0_usize; WEEK_MINUTES];
        for (at, period) in self.periods.iter().enumerate().take(LIST_MAX) {
            let mut tell = |field, problem| found.push(TariffFault { list: Some(("periods", at)), field, problem });
            if period.name.len() > NAME_BYTES_MAX {
                tell("name", TariffProblem::Name);
            }
            hours_problems(&period.hours(), &mut tell);
            if let Some(other) = claim(&mut week, &period.hours(), at.saturating_add(1)) {
                tell("from", TariffProblem::Overlap(other));
            }
        }
        for (at, friendly) in self.friendly_hours.iter().enumerate().take(LIST_MAX) {
            let mut tell =
                |field, problem| found.push(TariffFault { list: Some(("friendly_hours", at)), field, problem });
            let hours = Hours { from: friendly.from, to: friendly.to, weekdays: friendly.weekdays.clone() };
            hours_problems(&hours, &mut tell);
            if friendly.days.len() > LIST_MAX {
                tell("days", TariffProblem::TooMany);
            }
        }
    }

    fn check_months(&self, found: &mut Vec<TariffFault>) {
        let lifeline_kwh = self.lifeline.map_or(0, |l| l.kwh);
        let mut last_kwh = 0;
        for (at, block) in self.blocks.iter().enumerate().take(LIST_MAX) {
            let mut tell = |problem| {
                found.push(TariffFault { list: Some(("blocks", at)), field: "up_to_kwh", problem });
            };
            if block.up_to_kwh <= last_kwh {
                tell(TariffProblem::NotRising);
            } else if block.up_to_kwh <= lifeline_kwh {
                tell(TariffProblem::Unreachable);
            }
            last_kwh = last_kwh.max(block.up_to_kwh);
        }
        let mut tell = |field, problem| found.push(TariffFault { list: None, field, problem });
        if self.lifeline.is_some_and(|l| l.kwh == 0) {
            tell("lifeline", TariffProblem::Zero);
        }
        if self.debt.is_some_and(|debt| !(1..=100).contains(&debt.share_percent)) {
            tell("debt", TariffProblem::Share);
        }
    }
}

fn hours_problems(hours: &Hours, tell: &mut impl FnMut(&'static str, TariffProblem)) {
    if hours.from.minutes() == DAY_MINUTES {
        tell("from", TariffProblem::StartsAtEnd);
    }
    let twice = (1..hours.weekdays.len())
        .any(|at| hours.weekdays.get(at).is_some_and(|day| hours.weekdays.iter().take(at).any(|other| other == day)));
    if twice {
        tell("weekdays", TariffProblem::Twice);
    }
}

/// Marks the minutes of the week as this owner's; tells another owner of one of them (from 0).
fn claim(week: &mut [usize], hours: &Hours, owner: usize) -> Option<usize> {
    let (from, to) = hours.minutes();
    let mut other = None;
    for (day, weekday) in super::Weekday::ALL.into_iter().enumerate() {
        if !hours.weekdays.is_empty() && !hours.weekdays.contains(&weekday) {
            continue;
        }
        let midnight = day.saturating_mul(usize::from(DAY_MINUTES));
        for minute in from..to {
            let at = midnight.saturating_add(usize::from(minute)).checked_rem(WEEK_MINUTES).unwrap_or(0);
            if let Some(slot) = week.get_mut(at) {
                if *slot == 0 {
                    *slot = owner;
                } else if *slot != owner {
                    other = other.or(slot.checked_sub(1));
                }
            }
        }
    }
    other
}
