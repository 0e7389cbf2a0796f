//! Meters that feel tampered with: a lid, a magnet, a bump, or nothing at all; they open and wait to be cleared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::{Checks, ParamError},
    spells::YEAR_H,
};

const TRIPS: Purpose = Purpose::named("assets/tamper");
const CLEARING: Purpose = Purpose::named("assets/tamper clearing");

/// Anti-tamper trips and how they are cleared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TamperParams {
    /// Trips of one meter a year, mostly false alarms. Assumed: 0.1 (no source found).
    pub trips_per_meter_year: f64,
    /// Where the site decides: time for which its policy watches the meter before it clears the trip by itself, minutes.
    /// Assumed: 15.
    pub local_check_min: f64,
    /// Where the operator decides: median working hours until somebody has looked at the trip and clears it. Assumed: 4;
    /// spread of the logarithm 0.8.
    pub operator_confirm_median_h: f64,
}

impl Default for TamperParams {
    fn default() -> Self {
        Self { trips_per_meter_year: 0.1, local_check_min: 15.0, operator_confirm_median_h: 4.0 }
    }
}

impl TamperParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .yearly("tamper.trips_per_meter_year", self.trips_per_meter_year)
            .not_negative("tamper.local_check_min", self.local_check_min)
            .not_negative("tamper.operator_confirm_median_h", self.operator_confirm_median_h)
            .done()
    }

    /// Working time that the operator's people take over the trip of that moment, ms.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn confirm_ms(&self, key: NodeKey, seed: (u64, u32), at_ms: u64) -> u64 {
        let mut draws = Draws::keyed(seed.0, seed.1, key, CLEARING, at_ms);
        (draws.lognormal(self.operator_confirm_median_h, 0.8) * 3_600_000.0) as u64
    }
}

/// The moments between 0 and the horizon at which this meter trips, ms of the run, rising.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn trips(params: &TamperParams, key: NodeKey, seed: (u64, u32), horizon_ms: u64) -> Vec<u64> {
    let mut found = Vec::new();
    if params.trips_per_meter_year <= 0.0 {
        return found;
    }
    let mut at_ms = 0_u64;
    for number in 0.. {
        let mut draws = Draws::keyed(seed.0, seed.1, key, TRIPS, number);
        let gap_ms = draws.exponential(YEAR_H / params.trips_per_meter_year * 3_600_000.0) as u64;
        at_ms = at_ms.saturating_add(gap_ms.max(1));
        if at_ms >= horizon_ms {
            break;
        }
        found.push(at_ms);
    }
    found
}
