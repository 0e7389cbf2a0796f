//! How long a customer who has paid waits for light, at most, once there is a path: a function of the policy.
//!
//! ```text
//!  vendor has the payment ──▶ asked for ──▶ on record ──▶ cloud decides ──▶ token told ──▶ order carried out ──▶ light
//!                              fetch        durable        cloud             token          order
//! ```
//!
//! Each leg is the longest pause that the configuration allows, and as many lost messages in a row as are assumed, each with
//! the pause behind it. Limits of orders add nothing: none of them holds a closing that is paid for ([`super::Orders`]).
//! Outside of it stay whatever stands in the way from outside: provider, link, disk, meter without power.

use crate::config::{CreditAt, DcuConfig, RetryPolicy};

/// Doublings of the pause between repeats on the uplink, both ways: eightfold.
const RESEND_FACTOR: u64 = 8;

/// What the policy cannot know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Messages lost in a row on each leg.
    pub lost_in_a_row: u32,
    /// There and back over the wide-area link, ms.
    pub round_trip_ms: u32,
    /// From a record to its being durable, ms.
    pub commit_ms: u32,
    /// Between repeats of what the cloud sends, at first, ms.
    pub downlink_resend_ms: u32,
    /// Questions to a meter until its relay has turned, the association with it included.
    pub questions: u32,
    /// Urgent business of other meters that comes first.
    pub ahead: u32,
    /// From a number that was told to its being typed, ms; where one is typed.
    pub by_hand_ms: u64,
}

impl Default for Surroundings {
    /// Two lost, five seconds, two seconds, half a minute, a dozen questions, nobody ahead, nothing typed. Arbitrary.
    fn default() -> Self {
        Self {
            lost_in_a_row: 2,
            round_trip_ms: 5_000,
            commit_ms: 2_000,
            downlink_resend_ms: 30_000,
            questions: 12,
            ahead: 0,
            by_hand_ms: 0,
        }
    }
}

/// The longest that each leg takes, ms. What a site has not is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectBound {
    /// Until the DCU has asked the intake relay, and has the answer.
    pub fetch_ms: u64,
    /// Until the cloud, or from it the DCU, has what it needs.
    pub cloud_ms: u64,
    /// Until what was promised is durable.
    pub durable_ms: u64,
    /// Until a number is made, told and typed.
    pub token_ms: u64,
    /// From the order until the output state confirms it.
    pub order_ms: u64,
}

impl ConnectBound {
    /// Under this policy.
    #[must_use]
    pub fn of(config: &DcuConfig, around: &Surroundings) -> Self {
        let (round_trip, tries) = (u64::from(around.round_trip_ms), u64::from(around.lost_in_a_row).saturating_add(1));
        let fetch_ms = config.fetch.as_ref().map_or(0, |fetch| {
            let pause = jittered_ms(fetch.pause_max_s().max(fetch.period_s));
            let lost = pause.saturating_add(fetch.reply_timeout_ms.into());
            pause.saturating_add(lost.saturating_mul(around.lost_in_a_row.into())).saturating_add(round_trip)
        });
        let leg = |resend_ms: u32| {
            let pause = u64::from(resend_ms).saturating_mul(RESEND_FACTOR);
            pause.saturating_mul(tries).saturating_add(round_trip)
        };
        let (up, down) = (leg(config.uplink.resend_ms), leg(around.downlink_resend_ms));
        let cloud_ms = match (config.traits.credit_at, &config.fetch) {
            (CreditAt::Cloud, Some(_)) => up.saturating_add(down),
            (CreditAt::Cloud, None) | (_, None) => down,
            (_, Some(_)) => 0,
        };
        let types = config.traits.keypad && config.traits.credit_at == CreditAt::Meter;
        let told_ms = config.vending.as_ref().filter(|_| types).map_or(0, |vending| {
            let steps = vending.policy.steps.iter().map(|step| u64::from(step.wait_s)).sum::<u64>();
            let module_ms = u64::from(vending.key_timeout_ms).saturating_mul(vending.key_tries.into());
            steps.saturating_add(vending.policy.again_s.into()).saturating_mul(1000).saturating_add(module_ms)
        });
        Self {
            fetch_ms,
            cloud_ms,
            // The payment, the decision, the order.
            durable_ms: u64::from(around.commit_ms).saturating_mul(3),
            token_ms: if types { told_ms.saturating_add(around.by_hand_ms) } else { 0 },
            order_ms: if types { 0 } else { order_ms(config, around, tries) },
        }
    }

    /// All of it.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        let legs = [self.fetch_ms, self.cloud_ms, self.durable_ms, self.token_ms, self.order_ms];
        legs.into_iter().fold(0, u64::saturating_add)
    }

    /// From the credit on the deciding account until the relay is closed.
    #[must_use]
    pub fn from_credit_ms(&self, credit_at: CreditAt) -> u64 {
        let cloud_ms = if credit_at == CreditAt::Cloud { self.cloud_ms } else { 0 };
        [self.durable_ms, cloud_ms, self.token_ms, self.order_ms].into_iter().fold(0, u64::saturating_add)
    }
}

fn order_ms(config: &DcuConfig, around: &Surroundings, tries: u64) -> u64 {
    let asked = u64::from(config.reply_retries).saturating_add(1).saturating_mul(config.reply_timeout_ms.into());
    let exchange = asked.saturating_mul(around.questions.into());
    let RetryPolicy { max_s, .. } = config.retry_urgent;
    let own = exchange.saturating_add(jittered_ms(max_s)).saturating_mul(tries);
    let window = u64::try_from(config.window.max(1)).unwrap_or(1);
    own.saturating_add(exchange.saturating_mul(u64::from(around.ahead).div_ceil(window)))
}

/// Pauses are up to a quarter longer than they say.
fn jittered_ms(pause_s: u32) -> u64 {
    u64::from(pause_s).saturating_mul(1250)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Tariff, Traits},
        fetch::FetchConfig,
    };

    fn site(name: &str) -> DcuConfig {
        let traits = Traits::bundle(name).unwrap();
        DcuConfig::new(traits, Tariff::flat("TZS", 100, 90_000))
    }

    #[test]
    fn the_bound_that_the_page_on_relays_states() {
        let around = Surroundings::default();
        let mut edge = site("edge_local");
        edge.fetch = Some(FetchConfig::new("site", taa_keys::Secret::new(&[7; 16])));
        let minutes = |config: &DcuConfig| {
            let bound = ConnectBound::of(config, &around);
            let legs = [bound.fetch_ms, bound.cloud_ms, bound.durable_ms, bound.token_ms, bound.order_ms];
            (legs.map(|ms| ms.div_ceil(60_000)), bound.total_ms().div_ceil(60_000))
        };
        assert_eq!(minutes(&edge), ([39, 0, 1, 0, 62], 101));
        assert_eq!(minutes(&site("cloud_cached")), ([0, 13, 1, 0, 62], 74));
        assert_eq!(minutes(&site("cloud_sync")), ([0, 13, 1, 0, 62], 74));
    }

    #[test]
    fn it_follows_the_policy_and_no_limit_of_orders() {
        let around = Surroundings::default();
        let of = |change: &dyn Fn(&mut DcuConfig)| {
            let mut config = site("edge_local");
            change(&mut config);
            ConnectBound::of(&config, &around).total_ms()
        };
        let usual = of(&|_| {});
        assert!(of(&|config| config.retry_urgent.max_s *= 2) > usual);
        assert!(of(&|config| config.reply_timeout_ms *= 2) > usual);
        assert!(of(&|config| config.uplink.resend_ms *= 2) == usual, "nothing goes up before the light is on");
        assert!(of(&|config| config.fetch = Some(FetchConfig::new("s", taa_keys::Secret::new(&[7; 16])))) > usual);
        let tight = |config: &mut DcuConfig| {
            config.relays.closings_per_meter_hour = 1;
            config.relays.openings_per_meter_hour = 1;
        };
        assert_eq!(of(&tight), usual);
        let many = Surroundings { ahead: 80, ..around };
        assert!(
            ConnectBound::of(&site("edge_local"), &many).order_ms
                > ConnectBound::of(&site("edge_local"), &around).order_ms
        );
    }
}
