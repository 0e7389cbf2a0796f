//! The direct ray and its reflection on flat ground.
//!
//! Near the antennas the two beat against each other (nulls metres apart, deeper than any shadowing); beyond the
//! breakpoint they cancel steadily and loss grows with the fourth power of distance whatever the frequency.

use core::f64::consts::PI;

use super::{complex::Complex, wavelength_m};
use crate::radio::free_space_db;

/// Which way the electric field points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Polarisation {
    /// Upright antennas.
    #[default]
    Vertical,
    /// Lying antennas.
    Horizontal,
}

/// Ground as a reflector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ground {
    /// Relative permittivity.
    pub permittivity: f64,
    /// Conductivity, S/m.
    pub conductivity_s_per_m: f64,
}

impl Ground {
    /// Average ground: 15 and 0.005 S/m (the pair most tables give).
    pub const AVERAGE: Self = Self { permittivity: 15.0, conductivity_s_per_m: 0.005 };
    /// Dry sand: 3 and 0.0001 S/m (ITU-R P.527's very dry ground).
    pub const DRY: Self = Self { permittivity: 3.0, conductivity_s_per_m: 0.0001 };
    /// After rain: 30 and 0.01 S/m (ITU-R P.527's wet ground).
    pub const WET: Self = Self { permittivity: 30.0, conductivity_s_per_m: 0.01 };

    fn complex_permittivity(self, frequency_hz: f64) -> Complex {
        /// Permittivity of empty space, F/m (CODATA 2018).
        const EMPTY_F_PER_M: f64 = 8.854_187_812_8e-12;
        Complex::new(self.permittivity, -self.conductivity_s_per_m / (2.0 * PI * frequency_hz * EMPTY_F_PER_M))
    }
}

/// Two antennas over flat ground.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Carrier, Hz.
    pub frequency_hz: f64,
    /// Height of one antenna, m.
    pub height_a_m: f64,
    /// Height of the other, m.
    pub height_b_m: f64,
    /// Distance along the ground, m.
    pub ground_m: f64,
}

impl Pair {
    /// Length of the direct ray, m.
    #[must_use]
    pub fn direct_m(&self) -> f64 {
        libm::hypot(self.ground_m, self.height_a_m - self.height_b_m)
    }

    /// Loss with Fresnel's reflection coefficient and isotropic antennas, dB.
    #[must_use]
    pub fn exact_db(&self, ground: Ground, polarisation: Polarisation) -> f64 {
        let wavelength = wavelength_m(self.frequency_hz);
        let (direct, reflected) = (self.direct_m(), libm::hypot(self.ground_m, self.height_a_m + self.height_b_m));
        let (sine, cosine) = ((self.height_a_m + self.height_b_m) / reflected, self.ground_m / reflected);
        let earth = ground.complex_permittivity(self.frequency_hz);
        let root = (earth - Complex::new(cosine * cosine, 0.0)).sqrt();
        let up = match polarisation {
            Polarisation::Vertical => earth.scaled(sine),
            Polarisation::Horizontal => Complex::new(sine, 0.0),
        };
        let coefficient = (up - root) / (up + root);
        let ray = |length_m: f64| Complex::new(0.0, -2.0 * PI / wavelength * length_m).exp().scaled(1.0 / length_m);
        let sum = ray(direct) + coefficient * ray(reflected);
        -20.0 * libm::log10(wavelength / (4.0 * PI) * sum.abs())
    }

    /// Distance from which the fourth-power law holds, 4π·h₁·h₂/λ, m.
    #[must_use]
    pub fn crossover_m(&self) -> f64 {
        4.0 * PI * self.height_a_m * self.height_b_m / wavelength_m(self.frequency_hz)
    }

    /// The usual approximation: free space up to the crossover, 40·log d − 20·log(h₁·h₂) beyond. It has no nulls.
    #[must_use]
    pub fn plane_earth_db(&self) -> f64 {
        let direct = self.direct_m();
        if direct <= self.crossover_m() {
            return free_space_db(self.frequency_hz, direct);
        }
        40.0 * libm::log10(direct) - 20.0 * libm::log10(self.height_a_m * self.height_b_m)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(ground_m: f64) -> Pair {
        Pair { frequency_hz: 868e6, height_a_m: 6.0, height_b_m: 1.5, ground_m }
    }

    #[test]
    fn far_away_the_exact_sum_is_the_fourth_power_law_and_nearby_it_has_nulls() {
        for polarisation in [Polarisation::Vertical, Polarisation::Horizontal] {
            let far = pair(3000.0).exact_db(Ground::AVERAGE, polarisation);
            assert!((far - pair(3000.0).plane_earth_db()).abs() < 1.0, "{far}");
        }
        let spread = (40..200)
            .map(|d| pair(f64::from(d)))
            .map(|p| p.exact_db(Ground::WET, Polarisation::Horizontal) - free_space_db(868e6, p.direct_m()))
            .fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        assert!(spread.0 < -5.0 && spread.1 > 8.0, "reinforced to {} dB, cancelled to {} dB", spread.0, spread.1);
    }
}
