//! Into a building of which only the class is known (ITU-R P.2109): loss by the share of places and links where it is
//! not exceeded. Statistics of cities in industrial countries: a bracket for village houses, not their description.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::power_sum_db;
use crate::draw::normal_quantile;

/// Class of building.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Building {
    /// Ordinary walls and windows.
    Traditional,
    /// Metallised glass and foil-backed panels: as far as radio goes, a building wrapped in metal.
    ThermallyEfficient,
}

impl Building {
    /// r, s, t, u, v, w, x, y, z of table 1.
    const fn row(self) -> [f64; 9] {
        match self {
            Self::Traditional => [12.64, 3.72, 0.96, 9.6, 2.0, 9.1, -3.0, 4.5, -2.0],
            Self::ThermallyEfficient => [28.19, -3.0, 8.48, 13.5, 3.8, 27.8, -2.9, 9.4, -2.1],
        }
    }

    /// Loss not exceeded with this probability (0–1, ends excluded), dB; 80 MHz–100 GHz. `elevation_deg` is the angle
    /// of the path at the façade, 0 for a neighbour at the same height.
    #[must_use]
    pub fn entry_loss_db(self, frequency_hz: f64, probability: f64, elevation_deg: f64) -> f64 {
        let [r, s, t, u, v, w, x, y, z] = self.row();
        let decades = libm::log10(frequency_hz / 1e9);
        let level = r + s * decades + t * decades * decades;
        let normal = normal_quantile(probability.clamp(1e-9, 1.0 - 1e-9));
        let a = normal * (u + v * decades) + level + 0.212 * elevation_deg.abs();
        let b = normal * (y + z * decades) + w + x * decades;
        power_sum_db([a, b, -3.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_grows_with_probability_and_elevation() {
        for class in [Building::Traditional, Building::ThermallyEfficient] {
            let at = |p, elevation| class.entry_loss_db(868e6, p, elevation);
            assert!(at(0.1, 0.0) < at(0.5, 0.0) && at(0.5, 0.0) < at(0.9, 0.0));
            assert!(at(0.5, 45.0) > at(0.5, 0.0));
            assert!((at(0.5, -45.0) - at(0.5, 45.0)).abs() < 1e-12);
        }
    }
}
