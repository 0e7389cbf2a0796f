//! The mobile-money provider (and the operator's cloud, whose outages are drawn alike): outages, acceptance, callbacks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PaymentParams, outages};
use crate::{
    draw::{Draws, NodeKey},
    spells::{Spell, YEAR_H},
};

const PROVIDER: NodeKey = NodeKey::of("payments/provider");
const CLOUD: NodeKey = NodeKey::of("payments/cloud");

/// Whose interface carries word of payments to the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderApi {
    /// Safaricom's Daraja, C2B: the payer starts it, a confirmation tells of it, nobody can ask.
    DarajaC2b,
    /// Daraja, STK push: the operator's shop starts it, a callback tells of it, its status can be asked for.
    DarajaStk,
    /// MTN `MoMo`, request to pay: the operator's shop starts it, its status is always asked for.
    MtnMomo,
}

impl ProviderApi {
    /// By currency: `MoMo` in MTN's markets, else Daraja's C2B. That is Kenya's own; for other countries it stands for
    /// whatever is there (assumed: confirmations alike).
    #[must_use]
    pub fn of_currency(currency: &str) -> Self {
        match currency {
            "UGX" | "GHS" | "XOF" | "XAF" | "ZMW" | "RWF" | "SZL" | "GNF" | "LRD" => Self::MtnMomo,
            _ => Self::DarajaC2b,
        }
    }
}

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

/// Time until the provider accepts a phone payment, milliseconds; `slowdown` is that of pay-days.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn accept_latency_ms(params: &PaymentParams, slowdown: f64, draws: &mut Draws) -> u64 {
    (draws.lognormal(params.accept_median_s, 0.6) * slowdown * 1000.0) as u64
}

/// How the provider tells of one payment, milliseconds from acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callbacks {
    /// When the first callback comes; none where it was lost.
    pub first_ms: Option<u64>,
    /// When a status query finds the payment, where no callback has come before.
    pub found_ms: Option<u64>,
    /// The callback comes, later than usual.
    pub late: bool,
    /// When a second callback comes, where one does: it may be earlier than a late first one.
    pub second_ms: Option<u64>,
}

/// Draws the callbacks of one payment. Every outcome takes the same draws, so a changed share changes nothing else.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn callbacks(params: &PaymentParams, slowdown: f64, draws: &mut Draws) -> Callbacks {
    let ms = |seconds: f64| (seconds * 1000.0) as u64;
    let usual = ms(draws.lognormal(params.callback_median_s, 1.0) * slowdown);
    let lost = draws.chance(params.callback_lost_share);
    let late = !lost & draws.chance(params.callback_late_share);
    let delay = ms(draws.lognormal(params.callback_late_median_min * 60.0, 1.0));
    let doubled = draws.chance(params.callback_doubled_share);
    let after = ms(draws.lognormal(params.callback_double_after_s, 1.5));
    let asked_ms = usual + ms(params.reconcile_after_s);
    let first_ms = (!lost).then_some(if late { usual + delay } else { usual });
    let found_ms = first_ms.is_none_or(|first_ms| asked_ms < first_ms).then_some(asked_ms);
    Callbacks { first_ms, found_ms, late, second_ms: doubled.then_some(usual + after) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{payments::OUTAGE, spells::HOUR_MS};

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
    fn callbacks_are_lost_late_and_doubled_as_often_as_stated() {
        let p = PaymentParams {
            callback_lost_share: 0.2,
            callback_late_share: 0.1,
            callback_doubled_share: 0.3,
            ..PaymentParams::default()
        };
        let mut draws = Draws::keyed(1, 0, PROVIDER, OUTAGE, 0);
        let all: Vec<Callbacks> = (0..20_000).map(|_| callbacks(&p, 1.0, &mut draws)).collect();
        let share = |is: &dyn Fn(&Callbacks) -> bool| all.iter().filter(|c| is(c)).count() as f64 / 20_000.0;
        assert!((share(&|c| c.first_ms.is_none()) - 0.2).abs() < 0.01);
        assert!((share(&|c| c.late) - 0.08).abs() < 0.01);
        assert!((share(&|c| c.second_ms.is_some()) - 0.3).abs() < 0.01);
        let overtakes = |c: &Callbacks| c.first_ms.zip(c.second_ms).is_some_and(|(first, second)| second < first);
        assert!(share(&overtakes) > 0.02, "none overtakes");
        assert!(all.iter().filter(|c| c.first_ms.is_none()).all(|c| c.found_ms >= Some(1_800_000)));
        // Of delays around 20 minutes, sigma 1, a third is longer than 30.
        assert!((share(&|c| c.late && c.found_ms.is_some()) - 0.08 * 0.34).abs() < 0.004);
        let in_time = |c: &Callbacks| c.found_ms.is_none_or(|found| c.first_ms.is_none_or(|first| found < first));
        assert!(all.iter().all(in_time));
    }
}
