//! What customers do about money: when they top up, how much, what they do in paid darkness, when they leave.
//!
//! A [`Disposition`] is drawn once per customer and holds what makes people differ; the methods draw what makes one
//! day differ from another. Balance and tariff are the caller's: amounts are asked in days of use.
//!
//! | module | answers |
//! |---|---|
//! | [`income`] | how much money for light a household has at hand today |
//! | [`trust`] | what paid darkness does to trust, and what follows from it |
//!
//! Measured (SharedSolar, Ruhiira, Uganda, 1208 top-ups): interval median 4.21 days, quartiles 2.0 and 9.3, 5 % and
//! 95 % 0.79 and 31; at least a quarter of top-ups happen at zero balance; sizes cluster at 2000, 4000–5000, 10 000,
//! and spread half as much as the intervals; 0.6 % of hours are spent at zero credit. `sim/tests/topups.rs` holds a
//! simulated village against these.

pub mod income;
mod params;
pub mod trust;

pub use params::PeopleParams;

use self::{income::Earner, trust::Temper};
use crate::draw::Draws;

/// How one customer is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disposition {
    /// Usual days of use that a top-up buys.
    pub topup_days: f64,
    /// Usual days of use left at which they top up; 0: only when the light is out.
    pub low_balance_days: f64,
    /// Pays cash to the agent; otherwise by phone.
    pub pays_cash: bool,
    /// Has a phone: can call, and pay by it.
    pub has_phone: bool,
    /// How much more paid darkness than the mean they bear before leaving.
    pub patience: f64,
    /// When they have money.
    pub earner: Earner,
    /// At what trust they do what.
    pub temper: Temper,
    size_sigma: f64,
    threshold_sigma: f64,
}

/// What a customer has in mind when the balance is low.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Want {
    /// Days of use that the top-up should buy.
    pub days: f64,
    /// Days of use left at which they act; 0: when the light is out.
    pub at_days_left: f64,
}

impl Disposition {
    /// Draws a customer who uses `daily_wh` on an average day. `cash_share` is that of
    /// [`crate::payments::PaymentParams`].
    #[must_use]
    pub fn draw(params: &PeopleParams, cash_share: f64, daily_wh: f64, draws: &mut Draws) -> Self {
        let split = |sigma: f64| {
            let between = params.between_people_share;
            (sigma * libm::sqrt(between), sigma * libm::sqrt(1.0 - between))
        };
        let (size_between, size_sigma) = split(params.topup_size_sigma);
        let (threshold_between, threshold_sigma) = split(params.low_balance_sigma);
        let at_zero = draws.chance(params.pays_at_zero_share);
        let threshold = draws.lognormal(params.low_balance_days, threshold_between);
        // Larger users buy larger top-ups that last shorter; nobody plans for less than a day.
        let relative_use = (daily_wh / params.reference_use_wh).max(1e-3);
        let median_days =
            params.topup_interval_median_days * libm::pow(relative_use, params.size_follows_use - 1.0).min(10.0);
        let topup_days = draws.lognormal(median_days, size_between).max(1.0);
        let pays_cash = draws.chance(cash_share);
        let patience = draws.lognormal(1.0, 0.5);
        let has_phone = draws.chance(params.phone_share);
        Self {
            topup_days,
            low_balance_days: if at_zero { 0.0 } else { threshold },
            pays_cash: pays_cash || !has_phone,
            has_phone,
            patience,
            earner: Earner::draw(&params.income, draws),
            temper: Temper::draw(&params.trust, draws),
            size_sigma,
            threshold_sigma,
        }
    }

    /// What the customer has in mind for the next top-up.
    #[must_use]
    pub fn next_want(&self, draws: &mut Draws) -> Want {
        let days = draws.lognormal(self.topup_days, self.size_sigma).clamp(0.25, 120.0);
        Want { days, at_days_left: draws.lognormal(self.low_balance_days, self.threshold_sigma) }
    }

    /// The top-up that money for `money_days` of use allows, minor units: an amount that people pay (1, 1.5, 2, 3, 4,
    /// 5, 7 times a power of ten); nothing when that is less than the smallest worth the way.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn amount_minor(
        &self,
        params: &PeopleParams,
        want_days: f64,
        money_days: f64,
        day_cost_minor: f64,
    ) -> Option<i64> {
        let day_cost = day_cost_minor.max(0.0);
        let least = round_amount(params.least_topup_days * day_cost).max(params.least_topup_minor as f64).max(1.0);
        let money = money_days * day_cost;
        if money < least {
            return None;
        }
        let wanted = round_amount(want_days * day_cost).max(least);
        let amount = if wanted > money { floor_amount(money).max(least) } else { wanted };
        Some(amount as i64)
    }

    /// What a spell of paid darkness adds to the strain: the customer leaves when the sum passes a threshold, exponential
    /// with mean 1, that is drawn once for the whole run. So more darkness never keeps anybody.
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
    ((doubled.min(6.0 * 3600.0) * (0.67 + 0.66 * draws.uniform())) as u64).max(1)
}

/// What people pay, times a power of ten.
const STEPS: [f64; 8] = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0];

/// The greatest usual amount that is not above this one, and at least 1.
fn floor_amount(amount: f64) -> f64 {
    let unit = unit_of(amount);
    let under = STEPS.into_iter().filter(|step| step * unit <= amount).fold(1.0, f64::max);
    libm::floor(under * unit).max(1.0)
}

fn unit_of(amount: f64) -> f64 {
    let mut unit = 1.0;
    while amount >= unit * 10.0 {
        unit *= 10.0;
    }
    unit
}

/// The nearest usual amount, at least 1.
fn round_amount(amount: f64) -> f64 {
    if amount < 1.0 {
        return 1.0;
    }
    let unit = unit_of(amount);
    let mut best = unit;
    for step in STEPS {
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

    fn at(sorted: &[f64], q: f64) -> f64 {
        sorted[(q * sorted.len() as f64) as usize]
    }

    #[test]
    fn amounts_spread_half_as_much_as_the_days_they_buy() {
        let p = PeopleParams::default();
        let (mut sizes, mut days) = (vec![], vec![]);
        for i in 0..4000 {
            let mut d = draws(i);
            // Households of a village, as measured in Benin: 0.9 around 210 Wh.
            let daily_wh = d.lognormal(210.0, 0.9);
            let who = Disposition::draw(&p, 0.3, daily_wh, &mut d);
            let want = who.next_want(&mut d);
            days.push(want.days);
            sizes.push(want.days * daily_wh);
        }
        sizes.sort_by(f64::total_cmp);
        days.sort_by(f64::total_cmp);
        let spread = |v: &[f64]| libm::log(at(v, 0.95) / at(v, 0.05)) / 3.29;
        assert!((0.6..0.75).contains(&spread(&sizes)), "{}", spread(&sizes));
        assert!((0.85..1.1).contains(&spread(&days)), "{}", spread(&days));
        assert!((5.8..7.2).contains(&at(&days, 0.5)), "{}", at(&days, 0.5));
    }

    #[test]
    fn churn_is_what_its_mean_says() {
        let p = PeopleParams::default();
        let leaves = |hours| {
            let gone = (0..20_000).filter(|&i| {
                let mut d = draws(i);
                let who = Disposition::draw(&p, 0.3, 200.0, &mut d);
                who.strain(&p, hours) > d.exponential(1.0)
            });
            gone.count() as f64 / 20_000.0
        };
        // 92 hours beyond the forgiven ones, mean 1150, patience lognormal: 92 / 1150 · e^(0.5²/2) = 9 %.
        assert!((0.075..0.1).contains(&leaves(96.0)), "{}", leaves(96.0));
        assert!(leaves(3.9) < 1e-9);
        assert!(leaves(200.0) > leaves(96.0));
    }

    #[test]
    fn amounts_are_those_people_pay_and_can_pay() {
        assert_eq!(
            [0.2, 1.2, 2400.0, 4700.0, 8600.0, 12_400.0].map(|a| round_amount(a) as i64),
            [1, 1, 2000, 5000, 10_000, 10_000]
        );
        assert_eq!([0.4, 2999.0, 3000.0, 9900.0].map(|a| floor_amount(a) as i64), [1, 2000, 3000, 7000]);
        let p = PeopleParams::default();
        let who = Disposition::draw(&p, 1.0, 200.0, &mut draws(1));
        assert!(who.pays_cash);
        let of = |want, money| who.amount_minor(&p, want, money, 1000.0);
        assert_eq!(of(5.2, 100.0), Some(5000));
        assert_eq!(of(5.2, 2.6), Some(2000), "what is at hand");
        assert_eq!(of(5.2, 0.4), None, "half a day is the least");
        let dear = PeopleParams { least_topup_minor: 50_000, ..PeopleParams::default() };
        assert_eq!(who.amount_minor(&dear, 1.0, 100.0, 1000.0), Some(50_000));
        assert_eq!(who.amount_minor(&dear, 1.0, 49.0, 1000.0), None);
    }

    #[test]
    fn who_has_no_phone_pays_the_agent() {
        let p = PeopleParams { phone_share: 0.0, ..PeopleParams::default() };
        assert!((0..50).all(|i| Disposition::draw(&p, 0.0, 200.0, &mut draws(i)).pays_cash));
    }

    #[test]
    fn retries_grow_and_are_bounded() {
        let p = PeopleParams::default();
        let mut d = draws(2);
        assert!((400..=800).contains(&retry_after_s(&p, 1, &mut d)));
        assert!((14_000..=29_000).contains(&retry_after_s(&p, 40, &mut d)));
    }
}
