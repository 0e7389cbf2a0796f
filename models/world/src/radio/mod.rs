//! The air of a village at sub-GHz: laws of distance, houses, shadows, leaves, noise, physical layers, other senders.
//!
//! [`RadioParams`] is what a scenario says of it, [`village::VillageRadio`] puts it together for one seed.
//!
//! A 15–22 dB "iron roof" is not what goes through the sheet (that is opaque) but what leaks out under the eaves and
//! through walls and openings ([`leakage`]); so it depends on where the meter hangs: not at all on the pole, by bearing on
//! the outer wall, in full indoors.

pub mod aerial;
pub mod channels;
pub mod duty;
pub mod fading;
mod fsk;
pub mod house;
pub mod interferer;
pub mod leakage;
pub mod noise;
mod params;
pub mod phy;
pub mod propagation;
pub mod shadow;
pub mod village;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use fsk::correlated_pair;
pub use fsk::{fsk_ber, fsk_ber_of_index, packet_error};
pub use params::{Law, RadioParams};

/// What stands between antennas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clutter {
    /// Fields, few trees.
    Open,
    /// Houses with yards and trees.
    #[default]
    Village,
    /// Houses wall to wall, or thick vegetation.
    Dense,
}

/// Free-space loss (Friis), dB.
#[must_use]
pub fn free_space_db(frequency_hz: f64, distance_m: f64) -> f64 {
    20.0 * libm::log10(4.0 * core::f64::consts::PI * distance_m * frequency_hz / 299_792_458.0)
}

/// Log-distance loss from a free-space metre on, dB; nearer than a metre counts as a metre.
#[must_use]
pub fn log_distance_db(frequency_hz: f64, exponent: f64, distance_m: f64) -> f64 {
    free_space_db(frequency_hz, 1.0) + 10.0 * exponent * libm::log10(distance_m.max(1.0))
}

/// Thermal noise at 290 K in this bandwidth plus the noise figure, dBm.
#[must_use]
pub fn noise_floor_dbm(bandwidth_hz: f64, noise_figure_db: f64) -> f64 {
    // k·T in milliwatts per hertz.
    10.0 * libm::log10(1.380_649e-23 * 290.0 * 1000.0 * bandwidth_hz) + noise_figure_db
}
