//! Text messages: lost or late. What waits for a phone without signal is kept by the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::Draws,
    param::{Checks, ParamError},
};

/// Delay, and what a person does about a message that does not come. The share lost is `sms_loss_share`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmsParams {
    /// Median delay of a message that arrives, seconds. Assumed: 12 (Mwanza 2011 saw three bands; its numbers are cut
    /// off in our copy).
    pub delay_median_s: f64,
    /// Spread of the logarithm of the delay. Assumed: 1.4, so that one in a hundred takes over five minutes.
    pub delay_sigma: f64,
    /// Mean time after which a person asks for the message again, minutes. Assumed: 30.
    pub resend_after_min: f64,
}

/// Nobody asks again sooner, ms.
const LEAST_WAIT_MS: u64 = 1_000;

impl Default for SmsParams {
    fn default() -> Self {
        Self { delay_median_s: 12.0, delay_sigma: 1.4, resend_after_min: 30.0 }
    }
}

impl SmsParams {
    pub(super) fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .positive("sms.delay_median_s", self.delay_median_s)
            .demand((0.0..=4.0).contains(&self.delay_sigma), "sms.delay_sigma", self.delay_sigma, "0 to 4")
            .positive("sms.resend_after_min", self.resend_after_min)
            .done()
    }

    /// What becomes of a message to a phone with signal: its delay in milliseconds, or nothing where it is lost.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn deliver_ms(&self, loss_share: f64, draws: &mut Draws) -> Option<u64> {
        let lost = draws.chance(loss_share);
        let delay_s = draws.lognormal(self.delay_median_s, self.delay_sigma).min(86_400.0);
        (!lost).then_some((delay_s * 1000.0) as u64)
    }

    /// Until somebody who waits for a message asks for it again, milliseconds.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn resend_after_ms(&self, draws: &mut Draws) -> u64 {
        // A third of the mean is waited by everybody.
        let wait_min = self.resend_after_min * (1.0 / 3.0) + draws.exponential(self.resend_after_min * 2.0 / 3.0);
        ((wait_min * 60_000.0) as u64).max(LEAST_WAIT_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{NodeKey, Purpose};

    #[test]
    fn who_asks_again_waits_a_second_at_least() {
        let p = SmsParams { resend_after_min: 1e-6, ..SmsParams::default() };
        let mut draws = Draws::keyed(1, 0, NodeKey(1), Purpose::named("t"), 0);
        assert!((0..100).all(|_| p.resend_after_ms(&mut draws) == LEAST_WAIT_MS));
    }

    #[test]
    fn three_in_a_hundred_are_lost_and_one_takes_over_five_minutes() {
        let p = SmsParams::default();
        let mut draws = Draws::keyed(1, 0, NodeKey(1), Purpose::named("t"), 0);
        let sent: Vec<Option<u64>> = (0..40_000).map(|_| p.deliver_ms(0.03, &mut draws)).collect();
        let lost = sent.iter().filter(|s| s.is_none()).count();
        assert!((1_100..1_300).contains(&lost), "{lost}");
        let slow = sent.iter().flatten().filter(|&&ms| ms > 300_000).count();
        assert!((250..600).contains(&slow), "{slow}");
    }
}
