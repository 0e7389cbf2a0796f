//! Aggregators: companies between provider and operator through whose servers a callback passes, one after the other.
//!
//! Each has outages of its own and keeps what it has accepted until the next one takes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outages;
use crate::{
    draw::{Draws, NodeKey},
    param::{Checks, ParamError},
    spells::{Spell, YEAR_H},
};

/// The chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AggregatorParams {
    /// Aggregators in the chain, 0–4. Assumed: 2 (the brief speaks of a multi-party chain and gives no number).
    pub count: u8,
    /// Outages of each a year. Assumed: 6, as the operator's cloud.
    pub outages_per_year: f64,
    /// Median outage, minutes. Assumed: 90; spread of the logarithm 1.0.
    pub outage_median_min: f64,
    /// Median time that one needs to pass a callback on, seconds. Assumed: 2; spread of the logarithm 0.8.
    pub hop_median_s: f64,
}

impl Default for AggregatorParams {
    fn default() -> Self {
        Self { count: 2, outages_per_year: 6.0, outage_median_min: 90.0, hop_median_s: 2.0 }
    }
}

/// Most aggregators in a chain.
pub const AGGREGATORS_MAX: u8 = 4;

impl AggregatorParams {
    pub(super) fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .demand(self.count <= AGGREGATORS_MAX, "aggregators.count", self.count, "0 to 4")
            .demand(
                (0.0..=1000.0).contains(&self.outages_per_year),
                "aggregators.outages_per_year",
                self.outages_per_year,
                "0 to 1000 a year",
            )
            .positive("aggregators.outage_median_min", self.outage_median_min)
            .positive("aggregators.hop_median_s", self.hop_median_s)
            .done()
    }

    /// When aggregator `number` of the chain (from the provider's side, from 0) is down: sorted, never overlapping.
    #[must_use]
    pub fn timeline(&self, number: u8, seed: u64, replication: u32, horizon_ms: u64) -> Vec<Spell> {
        let node = NodeKey::of(&format!("payments/aggregator/{number}"));
        let gap_h = YEAR_H / self.outages_per_year;
        outages(node, gap_h, self.outage_median_min / 60.0, 1.0, seed, replication, horizon_ms)
    }

    /// Time that one takes for a callback, milliseconds.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn hop_ms(&self, draws: &mut Draws) -> u64 {
        (draws.lognormal(self.hop_median_s, 0.8) * 1000.0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_life_and_the_stated_rate() {
        let p = AggregatorParams::default();
        let year_ms = 8766 * 3_600_000;
        let count = |n: u8| (0..400).map(|seed| p.timeline(n, seed, 0, year_ms).len()).sum::<usize>() as f64 / 400.0;
        assert!((count(0) - 6.0).abs() < 0.5 && (count(1) - 6.0).abs() < 0.5, "{} {}", count(0), count(1));
        assert_ne!(p.timeline(0, 1, 0, year_ms), p.timeline(1, 1, 0, year_ms));
        let never = AggregatorParams { outages_per_year: 0.0, ..p };
        assert!(never.timeline(0, 1, 0, year_ms).is_empty());
    }
}
