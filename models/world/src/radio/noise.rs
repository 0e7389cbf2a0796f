//! The noise floor: the receiver's own and what machines and wires around radiate (ITU-R P.372 §6).
//!
//! Man-made noise follows Fₐₘ = c − d·log f (MHz), medians for a short vertical monopole. The rows are given for
//! 0.3–250 MHz, the city's to 900 MHz; at 868 MHz they are read beyond their end and add fractions of a decibel to a
//! receiver of 7 dB (a village inverter beside the meter adds more, and is an interferer, not an environment).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::noise_floor_dbm;

/// Surroundings, P.372's categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Surroundings {
    /// City (business).
    City,
    /// Residential.
    Residential,
    /// Rural.
    #[default]
    Rural,
    /// Quiet rural.
    QuietRural,
}

impl Surroundings {
    /// Median man-made noise figure, dB over kT₀B.
    #[must_use]
    pub fn man_made_db(self, frequency_hz: f64) -> f64 {
        let (c, d) = match self {
            Self::City => (76.8, 27.7),
            Self::Residential => (72.5, 27.7),
            Self::Rural => (67.2, 27.7),
            Self::QuietRural => (53.6, 28.6),
        };
        c - d * libm::log10(frequency_hz / 1e6)
    }

    /// Noise in a receiver of this bandwidth and noise figure, dBm: the external factor and the receiver's excess add
    /// (P.372 §4: f = fₐ + f_r − 1, a lossless antenna at T₀), never less than the receiver alone.
    #[must_use]
    pub fn floor_dbm(self, frequency_hz: f64, bandwidth_hz: f64, noise_figure_db: f64) -> f64 {
        let factor = |db: f64| libm::pow(10.0, db / 10.0);
        // The sky and the earth around are at about T₀ themselves: thermal surroundings count as 1.
        let sum = 1.0 + factor(self.man_made_db(frequency_hz)) + factor(noise_figure_db) - 1.0;
        noise_floor_dbm(bandwidth_hz, 10.0 * libm::log10(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surroundings_matter_little_at_868_mhz_and_much_at_10() {
        let order = [Surroundings::QuietRural, Surroundings::Rural, Surroundings::Residential, Surroundings::City];
        for f_hz in [10e6, 868e6] {
            let floors: Vec<f64> = order.iter().map(|s| s.floor_dbm(f_hz, 50e3, 7.0)).collect();
            assert!(floors.windows(2).all(|w| w[0] < w[1]), "{floors:?}");
        }
        let added = Surroundings::City.floor_dbm(868e6, 50e3, 7.0) - noise_floor_dbm(50e3, 7.0);
        assert!((0.1..0.5).contains(&added), "{added}");
        assert!((Surroundings::City.man_made_db(868e6) + 4.6).abs() < 0.1);
        assert!(Surroundings::Rural.floor_dbm(10e6, 50e3, 7.0) - noise_floor_dbm(50e3, 7.0) > 30.0);
    }
}
