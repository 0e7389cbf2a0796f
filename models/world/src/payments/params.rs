//! The parameters of the way of the money, in one place; the groups stand beside their models.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    agent::AgentParams, aggregator::AggregatorParams, intake::IntakeParams, keypad::KeypadParams, kits::KitParams,
    peaks::PeakParams, sms::SmsParams, sts::StsParams, ussd::UssdParams,
};
use crate::{
    draw::NodeKey,
    param::{Checks, ParamError},
};

/// Payment provider, aggregators, intake, cloud, text messages, agents, keypad.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentParams {
    /// Significant outages of the mobile-money provider a year. Assumed: 14 (project's brief, unverified).
    pub provider_outages_per_year: f64,
    /// Median provider outage, minutes. Published: 161, the geometric mean of the four reported (34, 120, 229, 720).
    pub provider_outage_median_min: f64,
    /// Spread of the logarithm of provider outages. Published: 1.27, from the same four.
    pub provider_outage_sigma: f64,
    /// Outages of the operator's cloud a year. Assumed: 6.
    pub cloud_outages_per_year: f64,
    /// Median cloud outage, minutes. Assumed: 45; spread of the logarithm 1.0.
    pub cloud_outage_median_min: f64,
    /// Median time until the provider accepts a payment, seconds. Assumed: 15; spread of the logarithm 0.6.
    pub accept_median_s: f64,
    /// Median time until the callback arrives, seconds. Assumed: 5; spread of the logarithm 1.0.
    pub callback_median_s: f64,
    /// Share of callbacks that never arrive, 0–1. Assumed: 0.01 (that they go missing is documented, how often is not).
    pub callback_lost_share: f64,
    /// After how long a status query finds a payment whose callback was lost, seconds. Assumed: 1800.
    pub reconcile_after_s: f64,
    /// Share of callbacks that come late, 0–1. Assumed: 0.02.
    pub callback_late_share: f64,
    /// Median delay of those, minutes. Assumed: 20; spread of the logarithm 1.0.
    pub callback_late_median_min: f64,
    /// Share of callbacks that are sent twice, 0–1. Assumed: 0.02 (that providers repeat them is documented).
    pub callback_doubled_share: f64,
    /// Median time from the first to the second, seconds. Assumed: 120; spread of the logarithm 1.5, so that some
    /// second ones overtake a late first one.
    pub callback_double_after_s: f64,
    /// Share of text messages lost, 0–1. Published: 0.03 (331 sent, 10 lost, Mwanza 2011).
    pub sms_loss_share: f64,
    /// Share of customers who pay cash to the agent, 0–1. Assumed: 0.3.
    pub cash_share: f64,
    /// Share of customers whose phone carries the second operator's SIM, 0–1. Assumed: 0.25.
    pub second_operator_share: f64,
    /// The agent opens, hour of the local day. Assumed: 7.
    pub agent_opens_h: f64,
    /// The agent closes, hour of the local day. Assumed: 20.
    pub agent_closes_h: f64,
    /// The agent closes on Sundays, hour of the local day; at `agent_opens_h` or before: closed all day. Assumed: 14.
    pub agent_closes_sunday_h: f64,
    /// The agent's float, absences, paper tokens.
    pub agent: AgentParams,
    /// Aggregators between provider and operator.
    pub aggregators: AggregatorParams,
    /// The operator's hosted intake relay.
    pub intake: IntakeParams,
    /// USSD sessions.
    pub ussd: UssdParams,
    /// Delay of text messages.
    pub sms: SmsParams,
    /// Pay-days at the turn of the month.
    pub peaks: PeakParams,
    /// Typing numbers into a meter.
    pub keypad: KeypadParams,
    /// Token decoders of the meters.
    pub sts: StsParams,
    /// Kits that are paid by the day.
    pub kits: KitParams,
}

impl Default for PaymentParams {
    fn default() -> Self {
        Self {
            provider_outages_per_year: 14.0,
            provider_outage_median_min: 161.0,
            provider_outage_sigma: 1.27,
            cloud_outages_per_year: 6.0,
            cloud_outage_median_min: 45.0,
            accept_median_s: 15.0,
            callback_median_s: 5.0,
            callback_lost_share: 0.01,
            reconcile_after_s: 1800.0,
            callback_late_share: 0.02,
            callback_late_median_min: 20.0,
            callback_doubled_share: 0.02,
            callback_double_after_s: 120.0,
            sms_loss_share: 0.03,
            cash_share: 0.3,
            second_operator_share: 0.25,
            agent_opens_h: 7.0,
            agent_closes_h: 20.0,
            agent_closes_sunday_h: 14.0,
            agent: AgentParams::default(),
            aggregators: AggregatorParams::default(),
            intake: IntakeParams::default(),
            ussd: UssdParams::default(),
            sms: SmsParams::default(),
            peaks: PeakParams::default(),
            keypad: KeypadParams::default(),
            sts: StsParams::default(),
            kits: KitParams::default(),
        }
    }
}

impl PaymentParams {
    /// The operator of this customer's phone, 0 or 1: fixed for life, by the customer's key alone.
    #[must_use]
    pub fn operator(&self, customer: NodeKey) -> usize {
        let place = customer.0.reverse_bits() as f64 / 18_446_744_073_709_551_616.0;
        usize::from(place < self.second_operator_share)
    }

    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let hour = |h: f64| (0.0..=24.0).contains(&h);
        let rate = |per_year: f64| (0.0..=1000.0).contains(&per_year);
        let mut found = Checks::default()
            .demand(
                rate(self.provider_outages_per_year),
                "provider_outages_per_year",
                self.provider_outages_per_year,
                "0 to 1000 a year",
            )
            .positive("provider_outage_median_min", self.provider_outage_median_min)
            .demand(
                (0.0..=4.0).contains(&self.provider_outage_sigma),
                "provider_outage_sigma",
                self.provider_outage_sigma,
                "0 to 4",
            )
            .demand(
                rate(self.cloud_outages_per_year),
                "cloud_outages_per_year",
                self.cloud_outages_per_year,
                "0 to 1000 a year",
            )
            .positive("cloud_outage_median_min", self.cloud_outage_median_min)
            .positive("accept_median_s", self.accept_median_s)
            .positive("callback_median_s", self.callback_median_s)
            .share("callback_lost_share", self.callback_lost_share)
            .positive("reconcile_after_s", self.reconcile_after_s)
            .share("callback_late_share", self.callback_late_share)
            .positive("callback_late_median_min", self.callback_late_median_min)
            .share("callback_doubled_share", self.callback_doubled_share)
            .positive("callback_double_after_s", self.callback_double_after_s)
            .share("sms_loss_share", self.sms_loss_share)
            .share("cash_share", self.cash_share)
            .share("second_operator_share", self.second_operator_share)
            .demand(hour(self.agent_opens_h), "agent_opens_h", self.agent_opens_h, "0 to 24")
            .demand(
                hour(self.agent_closes_h) && self.agent_closes_h > self.agent_opens_h,
                "agent_closes_h",
                self.agent_closes_h,
                "later than `agent_opens_h`, up to 24",
            )
            .demand(
                hour(self.agent_closes_sunday_h),
                "agent_closes_sunday_h",
                self.agent_closes_sunday_h,
                "0 to 24 (up to `agent_opens_h`: closed)",
            )
            .done();
        for group in [
            self.agent.check(),
            self.aggregators.check(),
            self.intake.check(),
            self.ussd.check(),
            self.sms.check(),
            self.peaks.check(),
            self.keypad.check(),
            self.sts.check(),
            self.kits.check(),
        ] {
            found.extend(group);
        }
        found
    }
}
