//! Typing a number into a meter: the walk to it, the typing, the typing again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::Draws,
    param::{Checks, ParamError},
};

/// What the customer's hands add to the delay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeypadParams {
    /// Median time from holding the number to standing before the keypad, minutes. Assumed: 3 (a trip through the house);
    /// spread of the logarithm 1.0.
    pub trip_median_min: f64,
    /// Median time to type twenty digits, minutes. Assumed: 1; spread of the logarithm 0.5.
    pub typing_median_min: f64,
    /// Share of entries with a wrong digit, 0–1. Assumed: 0.1. A wrong entry is refused and typed again.
    pub wrong_share: f64,
}

impl Default for KeypadParams {
    fn default() -> Self {
        Self { trip_median_min: 3.0, typing_median_min: 1.0, wrong_share: 0.1 }
    }
}

impl KeypadParams {
    pub(super) fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .positive("keypad.trip_median_min", self.trip_median_min)
            .positive("keypad.typing_median_min", self.typing_median_min)
            .demand((0.0..=0.99).contains(&self.wrong_share), "keypad.wrong_share", self.wrong_share, "0 to 0.99")
            .done()
    }

    /// From holding the number until the first digit, milliseconds.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn trip_ms(&self, draws: &mut Draws) -> u64 {
        (draws.lognormal(self.trip_median_min, 1.0) * 60_000.0) as u64
    }

    /// Time of one entry, milliseconds.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn typing_ms(&self, draws: &mut Draws) -> u64 {
        (draws.lognormal(self.typing_median_min, 0.5) * 60_000.0) as u64
    }

    /// Whether an entry has a wrong digit.
    #[must_use]
    pub fn wrong(&self, draws: &mut Draws) -> bool {
        draws.chance(self.wrong_share)
    }
}
