//! What customers do about money: when they top up, how much, how long they wait for cash, when they leave.
//!
//! A [`Disposition`] is drawn once per customer and holds what makes people differ; the methods draw what makes one
//! day differ from another. Balance and tariff are the caller's: amounts are asked in days of use.
//!
//! Measured (SharedSolar, Ruhiira, Uganda, 1208 top-ups): interval median 4.21 days, quartiles 2.0 and 9.3, 5 % and
//! 95 % 0.79 and 31; at least a quarter of top-ups happen at zero balance; sizes cluster at 2000, 4000–5000, 10 000.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::Draws,
    param::{Checks, ParamError},
};

/// What people do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleParams {
    /// Median days of use that a top-up buys. Measured: 4.21 (Ruhiira).
    pub topup_interval_median_days: f64,
    /// Spread of the logarithm of that interval, over people and occasions together. Measured: 1.14 (from quartiles).
    pub topup_interval_sigma: f64,
    /// Share of that spread's variance that lies between people. Assumed: 0.5.
    pub between_people_share: f64,
    /// Share of people who top up only when the light is out, 0–1. Measured: 0.25 at least (Ruhiira); assumed 0.4,
    /// because those who watch their balance are sometimes late too.
    pub pays_at_zero_share: f64,
    /// Others top up when this many days of use are left, median. Assumed: 0.7 (a quarter of Ruhiira's top-ups had
    /// more than a third of one top-up left).
    pub low_balance_days: f64,
    /// Share of times that money is at hand at once, 0–1. Assumed: 0.75.
    pub liquid_share: f64,
    /// Mean wait for money otherwise, hours. Assumed: 14.
    pub wait_for_money_h: f64,
    /// Smallest top-up, minor units; 0 leaves it to the rounding. Assumed: 0.
    pub least_topup_minor: i64,
    /// First wait after a payment that did not go through, minutes. Assumed: 10, doubling to six hours.
    pub retry_first_min: f64,
    /// Hours of paid darkness forgiven at a time. Assumed: 4.
    pub churn_forgiven_h: f64,
    /// Mean hours of paid darkness beyond that after which a customer leaves. Assumed: 2300, so that a four-day outage
    /// loses 4 % (the brief's 3000–8000 USD for 200 connections at 733 USD each are 2–5.5 %).
    pub churn_mean_h: f64,
}

impl Default for PeopleParams {
    fn default() -> Self {
        Self {
            topup_interval_median_days: 4.21,
            topup_interval_sigma: 1.14,
            between_people_share: 0.5,
            pays_at_zero_share: 0.4,
            low_balance_days: 0.7,
            liquid_share: 0.75,
            wait_for_money_h: 14.0,
            least_topup_minor: 0,
            retry_first_min: 10.0,
            churn_forgiven_h: 4.0,
            churn_mean_h: 2300.0,
        }
    }
}

impl PeopleParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .demand(
                self.topup_interval_median_days > 0.01 && self.topup_interval_median_days <= 365.0,
                "topup_interval_median_days",
                self.topup_interval_median_days,
                "0.01 to 365 days",
            )
            .demand(
                (0.0..=3.0).contains(&self.topup_interval_sigma),
                "topup_interval_sigma",
                self.topup_interval_sigma,
                "0 to 3",
            )
            .share("between_people_share", self.between_people_share)
            .share("pays_at_zero_share", self.pays_at_zero_share)
            .not_negative("low_balance_days", self.low_balance_days)
            .share("liquid_share", self.liquid_share)
            .not_negative("wait_for_money_h", self.wait_for_money_h)
            .demand(self.least_topup_minor >= 0, "least_topup_minor", self.least_topup_minor, "0 or more")
            .positive("retry_first_min", self.retry_first_min)
            .not_negative("churn_forgiven_h", self.churn_forgiven_h)
            .positive("churn_mean_h", self.churn_mean_h)
            .done()
    }
}

/// How one customer is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disposition {
    /// Usual days of use that a top-up buys.
    pub topup_days: f64,
    /// Days of use left at which they top up; 0: only when the light is out.
    pub low_balance_days: f64,
    /// Pays cash to the agent; otherwise by phone.
    pub pays_cash: bool,
    /// How much more paid darkness than the mean they bear before leaving.
    pub patience: f64,
    occasion_sigma: f64,
}

impl Disposition {
    /// Draws a customer. `cash_share` is that of [`crate::payments::PaymentParams`].
    #[must_use]
    pub fn draw(params: &PeopleParams, cash_share: f64, draws: &mut Draws) -> Self {
        let sigma = params.topup_interval_sigma;
        let between = sigma * libm::sqrt(params.between_people_share);
        let at_zero = draws.chance(params.pays_at_zero_share);
        let threshold = draws.lognormal(params.low_balance_days, 0.6);
        Self {
            topup_days: draws.lognormal(params.topup_interval_median_days, between),
            low_balance_days: if at_zero { 0.0 } else { threshold },
            pays_cash: draws.chance(cash_share),
            patience: draws.lognormal(1.0, 0.5),
            occasion_sigma: sigma * libm::sqrt(1.0 - params.between_people_share),
        }
    }

    /// The next top-up, minor units: days of use times what a day costs, rounded to an amount people pay (1, 1.5, 2,
    /// 3, 4, 5, 7 times a power of ten); at least `least_topup_minor` and 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn next_amount_minor(&self, params: &PeopleParams, day_cost_minor: f64, draws: &mut Draws) -> i64 {
        let days = draws.lognormal(self.topup_days, self.occasion_sigma).clamp(0.25, 120.0);
        let rounded = round_amount(days * day_cost_minor.max(0.0)) as i64;
        rounded.max(params.least_topup_minor).max(1)
    }

    /// Seconds until there is money for a top-up, from the moment it is wanted.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn liquid_after_s(&self, params: &PeopleParams, draws: &mut Draws) -> u64 {
        if draws.chance(params.liquid_share) {
            return draws.exponential(600.0) as u64;
        }
        (draws.exponential(params.wait_for_money_h) * 3600.0) as u64
    }

    /// Whether the customer leaves the operator, asked once at the end of a spell of paid darkness of this length.
    #[must_use]
    pub fn leaves(&self, params: &PeopleParams, paid_but_dark_h: f64, draws: &mut Draws) -> bool {
        draws.chance(1.0 - libm::exp(-self.strain(params, paid_but_dark_h)))
    }

    /// What such a spell adds to the strain: the customer leaves when the sum passes a threshold, exponential with mean
    /// 1, that is drawn once. [`Self::leaves`] is the same for a single spell.
    #[must_use]
    pub fn strain(&self, params: &PeopleParams, paid_but_dark_h: f64) -> f64 {
        (paid_but_dark_h - params.churn_forgiven_h).max(0.0) / (params.churn_mean_h * self.patience)
    }
}

/// Seconds until the next try after `attempt` (1 is the first) did not go through: doubling, with a third of jitter.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn retry_after_s(params: &PeopleParams, attempt: u32, draws: &mut Draws) -> u64 {
    let doubled = params.retry_first_min * 60.0 * f64::from(1_u32 << attempt.saturating_sub(1).min(16));
    (doubled.min(6.0 * 3600.0) * (0.67 + 0.66 * draws.uniform())) as u64
}

/// The nearest of 1, 1.5, 2, 3, 4, 5, 7, 10 × a power of ten.
fn round_amount(amount: f64) -> f64 {
    if amount < 1.0 {
        return 1.0;
    }
    let mut unit = 1.0;
    while amount >= unit * 10.0 {
        unit *= 10.0;
    }
    let mut best = unit;
    for step in [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0] {
        if (amount - step * unit).abs() < (amount - best).abs() {
            best = step * unit;
        }
    }
    libm::round(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{NodeKey, Purpose};

    fn draws(i: u64) -> Draws {
        Draws::keyed(11, 0, NodeKey(i), Purpose::named("people-test"), 0)
    }

    #[test]
    fn topups_last_as_long_as_in_ruhiira() {
        let p = PeopleParams::default();
        let mut days = vec![];
        for i in 0..4000 {
            let mut d = draws(i);
            let who = Disposition::draw(&p, 0.3, &mut d);
            // Many prices, so that the rounding to usual amounts averages out.
            let day_cost = 10_000.0 + 11.0 * i as f64;
            days.push(who.next_amount_minor(&p, day_cost, &mut d) as f64 / day_cost);
        }
        days.sort_by(f64::total_cmp);
        let at = |q: f64| days[(q * 4000.0) as usize];
        assert!((3.8..4.6).contains(&at(0.5)), "median {}", at(0.5));
        assert!((1.7..2.3).contains(&at(0.25)) && (8.0..10.5).contains(&at(0.75)), "{} {}", at(0.25), at(0.75));
    }

    #[test]
    fn four_dark_days_lose_four_in_a_hundred() {
        let p = PeopleParams::default();
        let leaves = |hours| {
            let gone = (0..20_000).filter(|&i| {
                let mut d = draws(i);
                Disposition::draw(&p, 0.3, &mut d).leaves(&p, hours, &mut d)
            });
            gone.count() as f64 / 20_000.0
        };
        assert!((0.03..0.06).contains(&leaves(96.0)), "{}", leaves(96.0));
        assert!(leaves(3.9) < 1e-9);
    }

    #[test]
    fn amounts_are_those_people_pay() {
        assert_eq!(
            [0.2, 1.2, 2400.0, 4700.0, 8600.0, 12_400.0].map(|a| round_amount(a) as i64),
            [1, 1, 2000, 5000, 10_000, 10_000]
        );
        let p = PeopleParams { least_topup_minor: 50_000, ..PeopleParams::default() };
        let mut d = draws(1);
        let who = Disposition::draw(&p, 1.0, &mut d);
        assert!(who.pays_cash);
        assert_eq!(who.next_amount_minor(&p, 0.0, &mut d), 50_000);
    }

    #[test]
    fn retries_grow_and_are_bounded() {
        let p = PeopleParams::default();
        let mut d = draws(2);
        assert!((400..=800).contains(&retry_after_s(&p, 1, &mut d)));
        assert!((14_000..=29_000).contains(&retry_after_s(&p, 40, &mut d)));
    }
}
