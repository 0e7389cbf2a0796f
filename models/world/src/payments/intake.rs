//! The hosted intake relay: the operator's public address, because a DCU behind carrier NAT cannot be called.
//!
//! It receives callbacks, keeps them in a queue, asks the provider for those that went missing, and hands them to
//! whoever vends: to the cloud at once, or to a DCU that comes and fetches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outages;
use crate::{
    draw::{Draws, NodeKey},
    param::{Checks, ParamError},
    spells::{Spell, YEAR_H},
};

/// The relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IntakeParams {
    /// Outages a year. Assumed: 4.
    pub outages_per_year: f64,
    /// Median outage, minutes. Assumed: 30; spread of the logarithm 1.0.
    pub outage_median_min: f64,
    /// Median time to store a callback (and to pass it on to a cloud that vends), seconds. Assumed: 1; spread of the
    /// logarithm 0.8.
    pub hop_median_s: f64,
    /// A DCU that vends fetches this often, seconds. Assumed: 30.
    pub fetch_period_s: f64,
}

impl Default for IntakeParams {
    fn default() -> Self {
        Self { outages_per_year: 4.0, outage_median_min: 30.0, hop_median_s: 1.0, fetch_period_s: 30.0 }
    }
}

const INTAKE: NodeKey = NodeKey::of("payments/intake");

impl IntakeParams {
    pub(super) fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .demand(
                (0.0..=1000.0).contains(&self.outages_per_year),
                "intake.outages_per_year",
                self.outages_per_year,
                "0 to 1000 a year",
            )
            .positive("intake.outage_median_min", self.outage_median_min)
            .positive("intake.hop_median_s", self.hop_median_s)
            .demand(
                (1.0..=86_400.0).contains(&self.fetch_period_s),
                "intake.fetch_period_s",
                self.fetch_period_s,
                "1 to 86400 s",
            )
            .done()
    }

    /// When it is down: sorted, never overlapping.
    #[must_use]
    pub fn timeline(&self, seed: u64, replication: u32, horizon_ms: u64) -> Vec<Spell> {
        let gap_h = YEAR_H / self.outages_per_year;
        outages(INTAKE, gap_h, self.outage_median_min / 60.0, 1.0, seed, replication, horizon_ms)
    }

    /// Time to store what has come in, milliseconds.
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
    fn outages_never_overlap() {
        let p = IntakeParams::default();
        assert!(p.timeline(3, 0, 8766 * 3_600_000).windows(2).all(|w| w[0].end_ms < w[1].start_ms));
    }
}
