//! Antennas as they hang: pattern, height, and what makes a link better one way than the other.
//!
//! Propagation is the same both ways; radios are not. Each end draws, once in its life, how far its power lies from the
//! label and how noisy its place is, so a link can be heard at one end and not at the other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::{Checks, ParamError},
};

/// Pattern of an antenna.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pattern {
    /// The same everywhere.
    #[default]
    Isotropic,
    /// An upright half-wave dipole: 2.15 dBi across, nothing up and down.
    Dipole,
    /// An upright quarter wave over its own metal: 1.2 dBi across as mounted (assumed; 5.15 over endless metal).
    Whip,
    /// A board antenna in a meter's case on a wall: a cardioid towards the front.
    InMeter {
        /// What is lost straight behind against straight in front, dB.
        front_to_back_db: f64,
    },
}

impl Pattern {
    /// Gain towards this elevation over the horizon and this bearing off what the antenna faces, dBi.
    #[must_use]
    pub fn gain_dbi(self, elevation_rad: f64, off_front_rad: f64) -> f64 {
        /// Nulls are filled by what stands around.
        const LEAST_DBI: f64 = -20.0;
        let gain = match self {
            Self::Isotropic => 0.0,
            Self::Dipole => 2.15 + dipole_db(elevation_rad),
            Self::Whip => 1.2 + dipole_db(elevation_rad),
            Self::InMeter { front_to_back_db } => -0.5 * front_to_back_db * (1.0 - libm::cos(off_front_rad)),
        };
        gain.max(LEAST_DBI)
    }
}

impl Pattern {
    /// Gain in its best direction, dBi.
    #[must_use]
    pub const fn most_dbi(self) -> f64 {
        match self {
            Self::Isotropic | Self::InMeter { .. } => 0.0,
            Self::Dipole => 2.15,
            Self::Whip => 1.2,
        }
    }
}

fn dipole_db(elevation_rad: f64) -> f64 {
    let (sine, cosine) = (libm::sin(elevation_rad), libm::cos(elevation_rad));
    if cosine < 1e-3 {
        return -60.0;
    }
    20.0 * libm::log10((libm::cos(0.5 * core::f64::consts::PI * sine) / cosine).abs().max(1e-3))
}

/// How much radios differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpreadParams {
    /// Standard deviation of the radiated power against the label, dB. Assumed: 1.5.
    pub power_sigma_db: f64,
    /// Standard deviation of the noise at the receiver's place, dB. Assumed: 2 (inverters, chargers, lamps nearby).
    pub noise_sigma_db: f64,
}

impl Default for SpreadParams {
    fn default() -> Self {
        Self { power_sigma_db: 1.5, noise_sigma_db: 2.0 }
    }
}

impl SpreadParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let sigma = |v: f64| (0.0..=10.0).contains(&v);
        Checks::default()
            .demand(sigma(self.power_sigma_db), "power_sigma_db", self.power_sigma_db, "0 to 10 dB")
            .demand(sigma(self.noise_sigma_db), "noise_sigma_db", self.noise_sigma_db, "0 to 10 dB")
            .done()
    }

    /// This radio's own.
    #[must_use]
    pub fn of(&self, seed: u64, node: NodeKey) -> End {
        const RADIO: Purpose = Purpose::named("radio/spread");
        let mut draws = Draws::keyed(seed, 0, node, RADIO, 0);
        let power_db = draws.normal(0.0, self.power_sigma_db);
        // Noise only ever comes on top of the floor.
        End { power_db, noise_db: draws.normal(0.0, self.noise_sigma_db).max(0.0) }
    }
}

/// What one radio has of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// Radiated power over the label, dB.
    pub power_db: f64,
    /// Noise over the floor, dB.
    pub noise_db: f64,
}

/// Signal-to-noise ratio from `from` to `to`, where two radios to the label without noise of their own have `level_db`.
#[must_use]
pub fn one_way_db(level_db: f64, from: End, to: End) -> f64 {
    level_db + from.power_db - to.noise_db
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dipole_hears_across_and_not_up() {
        let gain = |up| Pattern::Dipole.gain_dbi(up, 0.0);
        assert!((gain(0.0) - 2.15).abs() < 1e-9 && gain(0.8) < 0.0 && (gain(1.57) + 20.0).abs() < 1e-9);
        let meter = Pattern::InMeter { front_to_back_db: 10.0 };
        assert!(
            meter.gain_dbi(0.0, 0.0).abs() < 1e-9 && (meter.gain_dbi(0.0, core::f64::consts::PI) + 10.0).abs() < 1e-9
        );
    }

    #[test]
    fn links_differ_by_direction_as_the_two_radios_do() {
        let p = SpreadParams::default();
        let differences: Vec<f64> = (0..2000)
            .map(|i| (p.of(1, NodeKey(2 * i)), p.of(1, NodeKey(2 * i + 1))))
            .map(|(a, b)| one_way_db(10.0, a, b) - one_way_db(10.0, b, a))
            .collect();
        let mean = differences.iter().sum::<f64>() / 2000.0;
        let sigma = libm::sqrt(differences.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / 2000.0);
        // √2·√(1.5² + variance of a normal cut at zero, 2²·(½ − 1/2π)).
        let wanted = libm::sqrt(2.0 * (2.25 + 4.0 * (0.5 - 0.5 / core::f64::consts::PI)));
        assert!(mean.abs() < 0.2 && (sigma / wanted - 1.0).abs() < 0.06, "{mean} {sigma} {wanted}");
        let alike = SpreadParams { power_sigma_db: 0.0, noise_sigma_db: 0.0 };
        assert_eq!(alike.of(1, NodeKey(1)), End { power_db: 0.0, noise_db: 0.0 });
        assert_eq!(p.check(), []);
    }
}
