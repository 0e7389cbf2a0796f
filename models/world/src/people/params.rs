//! What people do, as numbers with a status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{income::IncomeParams, trust::TrustParams};
use crate::param::{Checks, ParamError};

/// What people do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleParams {
    /// Median days of use that a top-up buys a customer of the reference use. Calibrated: 7, so that the top-ups of a
    /// village together have the measured median of 4.21 days (Ruhiira): who tops up often is counted often.
    pub topup_interval_median_days: f64,
    /// Spread of the logarithm of a top-up's size, over people and occasions together, at equal use. Calibrated:
    /// 0.65 (Ruhiira, use included and little money cutting some: 0.55 from the 5 % and 95 % quantiles, 0.69 from the
    /// quartiles).
    pub topup_size_sigma: f64,
    /// Share of that spread's variance that lies between people, 0–1. Assumed: 0.5.
    pub between_people_share: f64,
    /// Who uses r times as much buys top-ups of r to this power, 0–1. Calibrated: 0.2. At 1 sizes would spread as
    /// much as intervals do; measured, sizes spread half as much (0.6 against 1.14), because amounts are customary.
    pub size_follows_use: f64,
    /// The use to which the median refers, Wh a day. Measured: 190 (Ruhiira, median circuit; Benin's is 210).
    pub reference_use_wh: f64,
    /// Share of people who top up only when the light is out, 0–1. Calibrated: 0.3. With those who watch
    /// their balance and are late, two top-ups in five are then made at zero (Ruhiira: 0.25 at least), and 0.8 % of
    /// hours are spent there (Ruhiira: 0.6 %).
    pub pays_at_zero_share: f64,
    /// Others top up when this many days of use are left, median. Calibrated: 1 (upper quartile of all
    /// balances before a top-up in Ruhiira: a third of the median top-up).
    pub low_balance_days: f64,
    /// Spread of the logarithm of that. Calibrated: 2.1 (one top-up in twenty in Ruhiira is made with nearly three
    /// top-ups left).
    pub low_balance_sigma: f64,
    /// From the light's going out for want of credit to the decision to pay, when awake, minutes, mean. Assumed: 20.
    pub notice_mean_min: f64,
    /// Smallest top-up, minor units; 0 leaves it to `least_topup_days`. Assumed: 0.
    pub least_topup_minor: i64,
    /// Smallest top-up that people bother to make, days of use. Assumed: 0.5.
    pub least_topup_days: f64,
    /// No second top-up within this time while there is light, hours. Assumed: 18 (in Ruhiira one interval in twenty
    /// is shorter than 19 hours).
    pub least_gap_h: f64,
    /// First wait after a payment that did not go through, minutes. Assumed: 10, doubling to six hours.
    pub retry_first_min: f64,
    /// Share of customers with a phone of their own, 0–1; the others pay the agent and cannot call. Assumed: 0.85.
    pub phone_share: f64,
    /// A payment without effect for this long counts as stuck: the next ones go the other way, hours. Assumed: 1.
    pub stuck_after_h: f64,
    /// How long a customer avoids the way on which money got stuck, days. Assumed: 30.
    pub shy_days: f64,
    /// When there is money.
    pub income: IncomeParams,
    /// What paid darkness does to people.
    pub trust: TrustParams,
    /// Hours of paid darkness forgiven at a time. Assumed: 4.
    pub churn_forgiven_h: f64,
    /// Mean hours of paid darkness beyond that after which a customer leaves. Assumed: 1150, within 270 to 4900.
    ///
    /// Nobody has measured it. What is measured: 5.4 % of household-months in two Beninese mini-grids are without use.
    /// With a published availability of 98 % (14.6 dark hours a month) two readings bound the mean: every such month
    /// is somebody newly gone because of the dark (14.6 h / 0.054 = 270 h), or all of them are people who left at some
    /// time in those 36 months and stayed away (0.3 % a month: 14.6 h / 0.003 = 4900 h). 1150 is the geometric middle.
    pub churn_mean_h: f64,
    /// For how long the spending of a customer who left is lost, months: until the connection serves somebody again.
    /// Assumed: 12.
    pub churn_horizon_months: f64,
}

impl Default for PeopleParams {
    fn default() -> Self {
        Self {
            topup_interval_median_days: 7.0,
            topup_size_sigma: 0.65,
            between_people_share: 0.5,
            size_follows_use: 0.2,
            reference_use_wh: 190.0,
            pays_at_zero_share: 0.3,
            low_balance_days: 1.0,
            low_balance_sigma: 2.1,
            notice_mean_min: 20.0,
            least_topup_minor: 0,
            least_topup_days: 0.5,
            least_gap_h: 18.0,
            retry_first_min: 10.0,
            phone_share: 0.85,
            stuck_after_h: 1.0,
            shy_days: 30.0,
            income: IncomeParams::default(),
            trust: TrustParams::default(),
            churn_forgiven_h: 4.0,
            churn_mean_h: 1150.0,
            churn_horizon_months: 12.0,
        }
    }
}

impl PeopleParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let sigma = |value: f64| (0.0..=3.0).contains(&value);
        let mut found = Checks::default()
            .demand(
                self.topup_interval_median_days > 0.01 && self.topup_interval_median_days <= 365.0,
                "topup_interval_median_days",
                self.topup_interval_median_days,
                "0.01 to 365 days",
            )
            .demand(sigma(self.topup_size_sigma), "topup_size_sigma", self.topup_size_sigma, "0 to 3")
            .share("between_people_share", self.between_people_share)
            .share("size_follows_use", self.size_follows_use)
            .positive("reference_use_wh", self.reference_use_wh)
            .share("pays_at_zero_share", self.pays_at_zero_share)
            .not_negative("low_balance_days", self.low_balance_days)
            .demand(sigma(self.low_balance_sigma), "low_balance_sigma", self.low_balance_sigma, "0 to 3")
            .not_negative("notice_mean_min", self.notice_mean_min)
            .demand(self.least_topup_minor >= 0, "least_topup_minor", self.least_topup_minor, "0 or more")
            .not_negative("least_topup_days", self.least_topup_days)
            .not_negative("least_gap_h", self.least_gap_h)
            .positive("retry_first_min", self.retry_first_min)
            .share("phone_share", self.phone_share)
            .not_negative("stuck_after_h", self.stuck_after_h)
            .not_negative("shy_days", self.shy_days)
            .not_negative("churn_forgiven_h", self.churn_forgiven_h)
            .takes("churn_mean_h", self.churn_mean_h)
            .not_negative("churn_horizon_months", self.churn_horizon_months)
            .done();
        found.extend(self.income.check());
        found.extend(self.trust.check());
        found
    }
}
