//! What breaks in service, how often, and the repairs that follow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::{Checks, ParamError},
    repair::{self, RepairParams, RepairParts},
    spells::YEAR_H,
};

/// Failures in service (constant hazards) and how repair is organised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AssetParams {
    /// Inverter failures a year. Assumed: 0.1. Published for 1195 Swiss residential systems: 34.3 % fail first within
    /// 15 years, 0.028 a year at constant hazard; heat, dust and overload in the field are taken as harder.
    pub inverter_failures_per_year: f64,
    /// Failures of one feeder a year (line down, pole, breaker). Assumed: 0.3.
    pub feeder_failures_per_year: f64,
    /// Failures of one meter a year. Assumed: 0.02 (no source found).
    pub meter_failures_per_year: f64,
    /// Failures of the data concentrator or its router a year. Assumed: 0.15.
    pub dcu_failures_per_year: f64,
    /// From failure to mended.
    pub repair: RepairParams,
}

impl Default for AssetParams {
    fn default() -> Self {
        Self {
            inverter_failures_per_year: 0.1,
            feeder_failures_per_year: 0.3,
            meter_failures_per_year: 0.02,
            dcu_failures_per_year: 0.15,
            repair: RepairParams::default(),
        }
    }
}

impl AssetParams {
    /// What is out of range, repair included.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let yearly = |v: f64| (0.0..=365.0).contains(&v);
        let allowed = "0 to 365 a year";
        let mut found = Checks::default()
            .demand(
                yearly(self.inverter_failures_per_year),
                "inverter_failures_per_year",
                self.inverter_failures_per_year,
                allowed,
            )
            .demand(
                yearly(self.feeder_failures_per_year),
                "feeder_failures_per_year",
                self.feeder_failures_per_year,
                allowed,
            )
            .demand(
                yearly(self.meter_failures_per_year),
                "meter_failures_per_year",
                self.meter_failures_per_year,
                allowed,
            )
            .demand(yearly(self.dcu_failures_per_year), "dcu_failures_per_year", self.dcu_failures_per_year, allowed)
            .done();
        found.extend(self.repair.check());
        found
    }

    fn per_year(&self, kind: AssetKind) -> f64 {
        match kind {
            AssetKind::Inverter => self.inverter_failures_per_year,
            AssetKind::Feeder => self.feeder_failures_per_year,
            AssetKind::Meter => self.meter_failures_per_year,
            AssetKind::Dcu => self.dcu_failures_per_year,
        }
    }
}

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AssetKind {
    /// The inverter of the plant.
    Inverter,
    /// A feeder: everything behind it is dark.
    Feeder,
    /// A meter: its customer is dark.
    Meter,
    /// The data concentrator or its router.
    Dcu,
}

/// A failure and its repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When it fails, milliseconds of the run.
    pub at_ms: u64,
    /// When it works again, milliseconds of the run; may lie beyond the horizon.
    pub mended_ms: u64,
    /// Where the time went.
    pub parts: RepairParts,
}

/// The failures of one asset between 0 and the horizon, in order, each mended before the next.
///
/// `key` names the asset; `start_local_s` is the run's start in local seconds since 1970 (UTC seconds plus offset), by
/// which repair finds its working hours. Whole life before the run is not modelled: a constant hazard has no memory.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]
pub fn failures(
    params: &AssetParams,
    kind: AssetKind,
    key: NodeKey,
    seed: u64,
    replication: u32,
    horizon_ms: u64,
    start_local_s: i64,
) -> Vec<Failure> {
    let purpose = match kind {
        AssetKind::Inverter => const { Purpose::named("assets/inverter") },
        AssetKind::Feeder => const { Purpose::named("assets/feeder") },
        AssetKind::Meter => const { Purpose::named("assets/meter") },
        AssetKind::Dcu => const { Purpose::named("assets/dcu") },
    };
    let mut found = Vec::new();
    let per_year = params.per_year(kind);
    if per_year <= 0.0 {
        return found;
    }
    let mut now_ms = 0_u64;
    for occasion in 0.. {
        let mut draws = Draws::keyed(seed, replication, key, purpose, occasion);
        let gap_ms = draws.exponential(YEAR_H / per_year * 3_600_000.0) as u64;
        let at_ms = now_ms.saturating_add(gap_ms.max(1));
        if at_ms >= horizon_ms {
            break;
        }
        let parts = repair::mend(&params.repair, start_local_s + (at_ms / 1000) as i64, &mut draws);
        let mended_ms = at_ms + parts.total_s() * 1000;
        found.push(Failure { at_ms, mended_ms, parts });
        now_ms = mended_ms;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spells::HOUR_MS;

    #[test]
    fn meters_fail_at_their_rate_and_are_mended_in_turn() {
        let p = AssetParams { meter_failures_per_year: 2.0, ..AssetParams::default() };
        let mut count = 0;
        for i in 0..2000 {
            let all = failures(&p, AssetKind::Meter, NodeKey(i), 5, 0, 8766 * HOUR_MS, 0);
            assert!(all.iter().all(|f| f.mended_ms - f.at_ms == f.parts.total_s() * 1000));
            assert!(all.windows(2).all(|w| w[0].mended_ms < w[1].at_ms));
            count += all.len();
        }
        // Slightly under 2 a year: nothing fails while it is being mended.
        let rate = f64::from(u32::try_from(count).unwrap()) / 2000.0;
        assert!((1.85..2.02).contains(&rate), "{rate}");
    }

    #[test]
    fn one_asset_does_not_follow_another() {
        let p = AssetParams { feeder_failures_per_year: 5.0, ..AssetParams::default() };
        let of = |key, kind| failures(&p, kind, NodeKey::of(key), 5, 0, 8766 * HOUR_MS, 0);
        assert_ne!(of("f1", AssetKind::Feeder), of("f2", AssetKind::Feeder));
        assert_eq!(of("f1", AssetKind::Feeder), of("f1", AssetKind::Feeder));
        let none = AssetParams { dcu_failures_per_year: 0.0, ..p };
        assert!(failures(&none, AssetKind::Dcu, NodeKey(1), 1, 0, u64::MAX, 0).is_empty());
    }
}
