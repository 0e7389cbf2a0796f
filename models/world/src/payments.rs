//! The way of the money outside the site: provider, callback, cloud, and the cash agent's hours.
//!
//! A phone payment goes: customer → provider accepts ([`accept_latency_ms`]) → the provider's callback reaches the
//! operator's intake ([`callback_latency_ms`], or is lost: [`callback_lost`], and then found by a status query after
//! `reconcile_after_s`). Outages of provider and cloud are exogenous timelines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::{Checks, ParamError},
    spells::{self, Spell, YEAR_H},
};

/// Payment provider, agents, cloud.
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
    /// Share of text messages lost, 0–1. Published: 0.03 (331 sent, 10 lost, Mwanza 2011).
    pub sms_loss_share: f64,
    /// Share of customers who pay cash to the agent, 0–1. Assumed: 0.3.
    pub cash_share: f64,
    /// The agent opens, hour of the local day. Assumed: 7.
    pub agent_opens_h: f64,
    /// The agent closes, hour of the local day. Assumed: 20.
    pub agent_closes_h: f64,
    /// The agent closes on Sundays, hour of the local day; at `agent_opens_h` or before: closed all day. Assumed: 14.
    pub agent_closes_sunday_h: f64,
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
            sms_loss_share: 0.03,
            cash_share: 0.3,
            agent_opens_h: 7.0,
            agent_closes_h: 20.0,
            agent_closes_sunday_h: 14.0,
        }
    }
}

impl PaymentParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let hour = |h: f64| (0.0..=24.0).contains(&h);
        Checks::default()
            .demand(
                (0.0..=1000.0).contains(&self.provider_outages_per_year),
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
                (0.0..=1000.0).contains(&self.cloud_outages_per_year),
                "cloud_outages_per_year",
                self.cloud_outages_per_year,
                "0 to 1000 a year",
            )
            .positive("cloud_outage_median_min", self.cloud_outage_median_min)
            .positive("accept_median_s", self.accept_median_s)
            .positive("callback_median_s", self.callback_median_s)
            .share("callback_lost_share", self.callback_lost_share)
            .positive("reconcile_after_s", self.reconcile_after_s)
            .share("sms_loss_share", self.sms_loss_share)
            .share("cash_share", self.cash_share)
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
            .done()
    }
}

const PROVIDER: NodeKey = NodeKey::of("payments/provider");
const CLOUD: NodeKey = NodeKey::of("payments/cloud");
const OUTAGE: Purpose = Purpose::named("payments/outage");

/// When the provider answers nobody: sorted, never overlapping.
#[must_use]
pub fn provider_timeline(params: &PaymentParams, seed: u64, replication: u32, horizon_ms: u64) -> Vec<Spell> {
    let gap_h = YEAR_H / params.provider_outages_per_year;
    let (median_h, sigma) = (params.provider_outage_median_min / 60.0, params.provider_outage_sigma);
    outages(PROVIDER, gap_h, median_h, sigma, seed, replication, horizon_ms)
}

/// When the operator's cloud is down: sorted, never overlapping.
#[must_use]
pub fn cloud_timeline(params: &PaymentParams, seed: u64, replication: u32, horizon_ms: u64) -> Vec<Spell> {
    let gap_h = YEAR_H / params.cloud_outages_per_year;
    outages(CLOUD, gap_h, params.cloud_outage_median_min / 60.0, 1.0, seed, replication, horizon_ms)
}

/// Between five minutes (shorter ones are retried unnoticed) and three days.
fn outages(node: NodeKey, gap_h: f64, median_h: f64, sigma: f64, seed: u64, rep: u32, horizon_ms: u64) -> Vec<Spell> {
    spells::renewal(seed, rep, node, OUTAGE, gap_h, horizon_ms, |draws| {
        (spells::bounded_lognormal(draws, median_h, sigma, 1.0 / 12.0, 72.0), ())
    })
    .into_iter()
    .map(|(spell, ())| spell)
    .collect()
}

/// Whether the cash agent is open at this second of the local day; `weekday` 0 is Monday.
#[must_use]
pub fn agent_open(params: &PaymentParams, local_s_of_day: u32, weekday: u8) -> bool {
    let hour = f64::from(local_s_of_day) / 3600.0;
    let closes = if weekday == 6 { params.agent_closes_sunday_h } else { params.agent_closes_h };
    (params.agent_opens_h..closes).contains(&hour)
}

/// Seconds until the agent opens next, 0 while open; `None` when never within a week.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn agent_opens_in_s(params: &PaymentParams, local_s_of_day: u32, weekday: u8) -> Option<u32> {
    if agent_open(params, local_s_of_day, weekday) {
        return Some(0);
    }
    let opening = (params.agent_opens_h * 3600.0) as u32;
    (0..=7_u32).find_map(|day| {
        let at = day * 86_400 + opening;
        let later = at > local_s_of_day && agent_open(params, opening, ((u32::from(weekday) + day) % 7) as u8);
        later.then(|| at - local_s_of_day)
    })
}

/// Time until the provider accepts a phone payment, milliseconds.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn accept_latency_ms(params: &PaymentParams, draws: &mut Draws) -> u64 {
    (draws.lognormal(params.accept_median_s, 0.6) * 1000.0) as u64
}

/// Time from acceptance to the callback's arrival, milliseconds.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn callback_latency_ms(params: &PaymentParams, draws: &mut Draws) -> u64 {
    (draws.lognormal(params.callback_median_s, 1.0) * 1000.0) as u64
}

/// Whether this callback never arrives.
#[must_use]
pub fn callback_lost(params: &PaymentParams, draws: &mut Draws) -> bool {
    draws.chance(params.callback_lost_share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spells::HOUR_MS;

    #[test]
    fn provider_fails_fourteen_times_a_year_with_the_reported_lengths() {
        let p = PaymentParams::default();
        let year_ms = 8766 * HOUR_MS;
        let all: Vec<Spell> = (0..600).flat_map(|s| provider_timeline(&p, s, 0, year_ms)).collect();
        let rate = all.len() as f64 / 600.0;
        assert!((rate - 14.0).abs() < 0.6, "{rate}");
        let mut minutes: Vec<u64> = all.iter().map(|s| (s.end_ms - s.start_ms) / 60_000).collect();
        minutes.sort_unstable();
        let median = minutes[minutes.len() / 2];
        assert!((150..175).contains(&median), "{median}");
        assert_ne!(provider_timeline(&p, 1, 0, year_ms), cloud_timeline(&p, 1, 0, year_ms));
    }

    #[test]
    fn the_agent_keeps_hours() {
        let p = PaymentParams::default();
        assert!(agent_open(&p, 7 * 3600, 0) && !agent_open(&p, 7 * 3600 - 1, 0));
        assert!(agent_open(&p, 19 * 3600, 5) && !agent_open(&p, 19 * 3600, 6));
        assert_eq!(agent_opens_in_s(&p, 15 * 3600, 6), Some(16 * 3600));
        assert_eq!(agent_opens_in_s(&p, 6 * 3600, 2), Some(3600));
        assert_eq!(agent_opens_in_s(&p, 9 * 3600, 2), Some(0));
        let no_sunday = PaymentParams { agent_closes_sunday_h: 0.0, ..p };
        assert_eq!(agent_opens_in_s(&no_sunday, 21 * 3600, 5), Some(34 * 3600));
    }

    #[test]
    fn callbacks_are_lost_as_often_as_stated() {
        let p = PaymentParams { callback_lost_share: 0.2, ..PaymentParams::default() };
        let mut d = Draws::keyed(1, 0, PROVIDER, OUTAGE, 0);
        let lost = (0..20_000).filter(|_| callback_lost(&p, &mut d)).count();
        assert!((3_700..4_300).contains(&lost), "{lost}");
    }
}
