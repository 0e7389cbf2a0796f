//! Money at hand: pay-days, market days, harvest, and what a household keeps for light.
//!
//! Money is counted in days of the customer's own mean use, so that neither price nor currency matters. Every day
//! brings some ([`Earner::income_days`]): a little daily, a lump on market day or pay-day, more after the harvest and
//! less in the lean season. What is put by for light adds up in a [`MoneyBox`] to a limit; the rest is spent on other
//! things. So a poor week shows itself as small top-ups close together, and in the end as none.
//!
//! All of this is assumed: no source at hand measures what mini-grid customers have in the house. Published:
//! Tanzanian mini-grid customers make smaller and more frequent payments than owners of solar home systems (Lukuyu et
//! al. 2023).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::Draws,
    param::{Checks, ParamError},
    sun,
};

/// When there is money.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IncomeParams {
    /// Money put by for light in a mean month over what the use costs, median over households. Assumed: 2.
    pub budget_ratio: f64,
    /// Spread of the logarithm of that ratio over households. Assumed: 0.25.
    pub budget_sigma: f64,
    /// Spread of the logarithm of one day's money. Assumed: 0.8.
    pub day_sigma: f64,
    /// Share of customers who live on a salary, 0–1. Assumed: 0.1.
    pub salaried_share: f64,
    /// Share of their money that comes on pay-day, 0–1. Assumed: 0.6.
    pub salary_share: f64,
    /// Day of the month on which salaries come, 1–28. Assumed: 28, the month's end.
    pub salary_day: u8,
    /// Share of the others' money that comes on market day, 0–1. Assumed: 0.35.
    pub market_share: f64,
    /// Weekly market day, 0 = Monday to 6 = Sunday. Assumed: 5.
    pub market_weekday: u8,
    /// Months of harvest, 1–12. Assumed: June to August (unimodal rains south and east of Lake Victoria).
    pub harvest_months: Vec<u8>,
    /// Factor on the money of all but the salaried in those months. Assumed: 1.5.
    pub harvest_factor: f64,
    /// Lean months before the harvest, 1–12. Assumed: January to March.
    pub lean_months: Vec<u8>,
    /// Factor in those months. Assumed: 0.75.
    pub lean_factor: f64,
    /// Money for light that a household keeps at most, days of use; the salaried keep a month more. Assumed: 40.
    pub kept_days: f64,
}

impl Default for IncomeParams {
    fn default() -> Self {
        Self {
            budget_ratio: 2.0,
            budget_sigma: 0.25,
            day_sigma: 0.8,
            salaried_share: 0.1,
            salary_share: 0.6,
            salary_day: 28,
            market_share: 0.35,
            market_weekday: 5,
            harvest_months: vec![6, 7, 8],
            harvest_factor: 1.5,
            lean_months: vec![1, 2, 3],
            lean_factor: 0.75,
            kept_days: 40.0,
        }
    }
}

impl IncomeParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let months = |list: &[u8]| list.iter().all(|m| (1..=12).contains(m));
        Checks::default()
            .positive("income.budget_ratio", self.budget_ratio)
            .demand((0.0..=3.0).contains(&self.budget_sigma), "income.budget_sigma", self.budget_sigma, "0 to 3")
            .demand((0.0..=3.0).contains(&self.day_sigma), "income.day_sigma", self.day_sigma, "0 to 3")
            .share("income.salaried_share", self.salaried_share)
            .share("income.salary_share", self.salary_share)
            .demand((1..=28).contains(&self.salary_day), "income.salary_day", self.salary_day, "1 to 28")
            .share("income.market_share", self.market_share)
            .demand(self.market_weekday <= 6, "income.market_weekday", self.market_weekday, "0 to 6")
            .demand(
                months(&self.harvest_months),
                "income.harvest_months",
                format!("{:?}", self.harvest_months),
                "1 to 12 each",
            )
            .not_negative("income.harvest_factor", self.harvest_factor)
            .demand(months(&self.lean_months), "income.lean_months", format!("{:?}", self.lean_months), "1 to 12 each")
            .not_negative("income.lean_factor", self.lean_factor)
            .positive("income.kept_days", self.kept_days)
            .done()
    }

    /// Factor on the money of those who live on the land.
    fn season(&self, month: u8) -> f64 {
        if self.harvest_months.contains(&month) {
            self.harvest_factor
        } else if self.lean_months.contains(&month) {
            self.lean_factor
        } else {
            1.0
        }
    }
}

/// How a household earns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Earner {
    /// Lives on a salary.
    pub salaried: bool,
    /// Money put by for light in a mean month over what the use costs.
    pub budget_ratio: f64,
}

impl Earner {
    /// Draws a household.
    #[must_use]
    pub fn draw(params: &IncomeParams, draws: &mut Draws) -> Self {
        let salaried = draws.chance(params.salaried_share);
        Self { salaried, budget_ratio: draws.lognormal(params.budget_ratio, params.budget_sigma) }
    }

    /// Money put by for light on this local day (days since 1970), days of use. The draws are the day's own.
    #[must_use]
    pub fn income_days(&self, params: &IncomeParams, local_day: i64, draws: &mut Draws) -> f64 {
        // Mean 1 over days: the median of a lognormal lies below its mean.
        let luck = draws.lognormal(libm::exp(-0.5 * params.day_sigma * params.day_sigma), params.day_sigma);
        let (_, month, day) = sun::civil(local_day);
        let (lump_share, lump, season) = if self.salaried {
            // 12 pay-days a year.
            (params.salary_share, if day == params.salary_day { 365.25 / 12.0 } else { 0.0 }, 1.0)
        } else {
            let market = sun::weekday(local_day * 86_400) == params.market_weekday;
            (params.market_share, if market { 7.0 } else { 0.0 }, params.season(month))
        };
        self.budget_ratio * season * ((1.0 - lump_share) * luck + lump_share * lump)
    }

    fn keeps_days(&self, params: &IncomeParams) -> f64 {
        if self.salaried { params.kept_days + 365.25 / 12.0 } else { params.kept_days }
    }
}

/// A household's money for light, days of use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MoneyBox {
    /// What is in it.
    pub days: f64,
    /// The local day whose money is in it already (days since 1970).
    pub filled_to_day: i64,
}

impl MoneyBox {
    /// As it may stand on any day: between empty and full.
    #[must_use]
    pub fn found(earner: &Earner, params: &IncomeParams, local_day: i64, draws: &mut Draws) -> Self {
        Self { days: earner.keeps_days(params) * draws.uniform(), filled_to_day: local_day }
    }

    /// Puts in the money of all days up to this one; `draws_of` opens the stream of a day.
    pub fn fill(&mut self, earner: &Earner, params: &IncomeParams, local_day: i64, draws_of: impl Fn(i64) -> Draws) {
        let limit = earner.keeps_days(params);
        while self.filled_to_day < local_day {
            self.filled_to_day += 1;
            let day = self.filled_to_day;
            self.days = (self.days + earner.income_days(params, day, &mut draws_of(day))).min(limit);
        }
    }

    /// Takes money out.
    pub fn spend(&mut self, days: f64) {
        self.days = (self.days - days).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{NodeKey, Purpose};

    const PURPOSE: Purpose = Purpose::named("income-test");
    /// 1 January 2026, a Thursday.
    const NEW_YEAR: i64 = 20_454;

    fn of_day(day: i64) -> Draws {
        Draws::keyed(5, 0, NodeKey(1), PURPOSE, day as u64)
    }

    fn mean_of(earner: Earner, params: &IncomeParams, keep: impl Fn(i64) -> bool) -> f64 {
        let days: Vec<i64> = (NEW_YEAR..NEW_YEAR + 3650).filter(|&day| keep(day)).collect();
        days.iter().map(|&day| earner.income_days(params, day, &mut of_day(day))).sum::<f64>() / days.len() as f64
    }

    #[test]
    fn a_year_brings_the_budget_and_the_calendar_shapes_it() {
        let flat = IncomeParams { harvest_factor: 1.0, lean_factor: 1.0, ..IncomeParams::default() };
        for salaried in [false, true] {
            let mean = mean_of(Earner { salaried, budget_ratio: 1.5 }, &flat, |_| true);
            assert!((1.42..1.58).contains(&mean), "{salaried}: {mean}");
        }
        let p = IncomeParams::default();
        let trader = Earner { salaried: false, budget_ratio: 1.0 };
        let month = |day: i64| sun::civil(day).1;
        let harvest = mean_of(trader, &p, |day| month(day) == 7);
        let lean = mean_of(trader, &p, |day| month(day) == 2);
        assert!((1.8..2.2).contains(&(harvest / lean)), "{harvest} {lean}");
        let saturday = mean_of(trader, &flat, |day| sun::weekday(day * 86_400) == 5);
        assert!((2.9..3.3).contains(&saturday), "0.35 × 7 + 0.65 = 3.1, not {saturday}");
        let clerk = Earner { salaried: true, budget_ratio: 1.0 };
        assert!(mean_of(clerk, &p, |day| sun::civil(day).2 == 28) > 15.0);
        assert!((mean_of(clerk, &p, |day| month(day) == 7) - 1.0).abs() < 0.15, "a salary knows no harvest");
    }

    #[test]
    fn the_box_fills_to_its_limit_whatever_the_steps() {
        let (p, earner) = (IncomeParams::default(), Earner { salaried: false, budget_ratio: 2.0 });
        let (mut daily, mut at_once) =
            (MoneyBox { days: 1.0, filled_to_day: NEW_YEAR }, MoneyBox { days: 1.0, filled_to_day: NEW_YEAR });
        for day in 1..=40 {
            daily.fill(&earner, &p, NEW_YEAR + day, of_day);
        }
        at_once.fill(&earner, &p, NEW_YEAR + 40, of_day);
        assert_eq!(daily, at_once);
        assert!(at_once.days <= p.kept_days && at_once.days > 0.5 * p.kept_days);
        at_once.spend(100.0);
        assert!(at_once.days.abs() < f64::EPSILON);
    }
}
