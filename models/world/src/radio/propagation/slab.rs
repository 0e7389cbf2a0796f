//! Walls, roofs and floors as single slabs (ITU-R P.2040 §2): reflection at both faces, absorption between, and the
//! beat of the two (a wall half a wavelength thick is nearly transparent).
//!
//! Material figures are table 3 of P.2040-3 (ε′ = a·f^b, σ = c·f^d, f in GHz). Most rows begin at 1 GHz, so at
//! 868 MHz they are read a little past their end. A metal sheet is opaque (a tenth of a millimetre is 168 dB): what a
//! house with an iron roof lets in comes by other ways, see [`crate::radio::leakage`].

use core::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{complex::Complex, two_ray::Polarisation, wavelength_m};

/// A material of P.2040's table 3. Sub-GHz figures for mud brick are nowhere published: bracket it by `VeryDryGround`
/// (sun-dried, dry season), `Brick` (burnt) and `MediumDryGround` (soaked).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Material {
    /// Nothing.
    Vacuum,
    /// Concrete.
    Concrete,
    /// Burnt brick.
    Brick,
    /// Plasterboard.
    Plasterboard,
    /// Wood.
    Wood,
    /// Glass (0.1–100 GHz).
    Glass,
    /// Glass (220–450 GHz).
    GlassTerahertz,
    /// Ceiling board (1–100 GHz).
    #[serde(alias = "ceilingboard")]
    CeilingBoard,
    /// Ceiling board (220–450 GHz).
    CeilingBoardTerahertz,
    /// Chipboard.
    Chipboard,
    /// Plywood.
    Plywood,
    /// Marble.
    Marble,
    /// Floorboard (50–100 GHz).
    Floorboard,
    /// Any metal sheet.
    Metal,
    /// Very dry ground.
    VeryDryGround,
    /// Medium dry ground.
    MediumDryGround,
    /// Wet ground.
    WetGround,
}

impl Material {
    /// All of the table, in its order.
    pub const ALL: [Self; 17] = [
        Self::Vacuum,
        Self::Concrete,
        Self::Brick,
        Self::Plasterboard,
        Self::Wood,
        Self::Glass,
        Self::GlassTerahertz,
        Self::CeilingBoard,
        Self::CeilingBoardTerahertz,
        Self::Chipboard,
        Self::Plywood,
        Self::Marble,
        Self::Floorboard,
        Self::Metal,
        Self::VeryDryGround,
        Self::MediumDryGround,
        Self::WetGround,
    ];

    /// a, b, c, d of the table.
    const fn row(self) -> [f64; 4] {
        match self {
            Self::Vacuum => [1.0, 0.0, 0.0, 0.0],
            Self::Concrete => [5.24, 0.0, 0.0462, 0.7822],
            Self::Brick => [3.91, 0.0, 0.0238, 0.16],
            Self::Plasterboard => [2.73, 0.0, 0.0085, 0.9395],
            Self::Wood => [1.99, 0.0, 0.0047, 1.0718],
            Self::Glass => [6.31, 0.0, 0.0036, 1.3394],
            Self::GlassTerahertz => [5.79, 0.0, 0.0004, 1.658],
            Self::CeilingBoard => [1.48, 0.0, 0.0011, 1.075],
            Self::CeilingBoardTerahertz => [1.52, 0.0, 0.0029, 1.029],
            Self::Chipboard => [2.58, 0.0, 0.0217, 0.78],
            Self::Plywood => [2.71, 0.0, 0.33, 0.0],
            Self::Marble => [7.074, 0.0, 0.0055, 0.9262],
            Self::Floorboard => [3.66, 0.0, 0.0044, 1.3515],
            Self::Metal => [1.0, 0.0, 1e7, 0.0],
            Self::VeryDryGround => [3.0, 0.0, 0.000_15, 2.52],
            Self::MediumDryGround => [15.0, -0.1, 0.035, 1.63],
            Self::WetGround => [30.0, -0.4, 0.15, 1.3],
        }
    }

    /// Relative permittivity and conductivity, S/m, at this frequency.
    #[must_use]
    pub fn electrical(self, frequency_hz: f64) -> (f64, f64) {
        let [a, b, c, d] = self.row();
        let ghz = frequency_hz / 1e9;
        (a * libm::pow(ghz, b), c * libm::pow(ghz, d))
    }

    fn complex_permittivity(self, frequency_hz: f64) -> Complex {
        let (permittivity, conductivity) = self.electrical(frequency_hz);
        // P.2040 equation 9: ε″ = 17.98·σ/f, f in GHz.
        Complex::new(permittivity, -17.98 * conductivity / (frequency_hz / 1e9))
    }
}

/// A wall, roof or floor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slab {
    /// What it is made of.
    pub material: Material,
    /// Thickness, m.
    pub thickness_m: f64,
}

impl Slab {
    /// Loss of a wave that meets it square on, dB. Finite however opaque the slab is.
    #[must_use]
    pub fn loss_db(&self, frequency_hz: f64) -> f64 {
        self.slanted_loss_db(frequency_hz, 0.0, Polarisation::Vertical)
    }

    /// Loss of a wave that meets it at this angle from the normal, dB. Against a wall, a vertical field stands across
    /// the plane of incidence of a horizontal ray (TE) and a horizontal one lies in it (TM).
    #[must_use]
    pub fn slanted_loss_db(&self, frequency_hz: f64, from_normal_rad: f64, polarisation: Polarisation) -> f64 {
        let (sine, cosine) = (libm::sin(from_normal_rad), libm::cos(from_normal_rad));
        let eta = self.material.complex_permittivity(frequency_hz);
        let root = (eta - Complex::new(sine * sine, 0.0)).sqrt();
        let front = match polarisation {
            Polarisation::Vertical => Complex::new(cosine, 0.0),
            Polarisation::Horizontal => eta.scaled(cosine),
        };
        let reflection = (front - root) / (front + root);
        let square = reflection * reflection;
        // 1 − R² written so that it keeps its digits where R is nearly −1 (metal).
        let passed = (front * root).scaled(4.0) / ((front + root) * (front + root));
        let phase = root.scaled(2.0 * PI * self.thickness_m / wavelength_m(frequency_hz));
        let twice = Complex::new(2.0 * phase.im, -2.0 * phase.re).exp();
        let faces = passed.abs() / (Complex::ONE - square * twice).abs();
        // |e^(−jq)| goes into the sum as nepers, not as a number that would underflow.
        -20.0 * libm::log10(faces) - phase.im * 20.0 * core::f64::consts::LOG10_E
    }

    /// Share of the power that passes, 0–1, averaged over all directions of a diffuse field (both polarisations,
    /// weight sin 2θ).
    #[must_use]
    pub fn diffuse_share(&self, frequency_hz: f64) -> f64 {
        const STEPS: u32 = 24;
        (0..STEPS)
            .map(|i| libm::asin(libm::sqrt((f64::from(i) + 0.5) / f64::from(STEPS))))
            .map(|angle| {
                let by = |p| libm::pow(10.0, -self.slanted_loss_db(frequency_hz, angle, p) / 10.0);
                f64::midpoint(by(Polarisation::Vertical), by(Polarisation::Horizontal))
            })
            .sum::<f64>()
            / f64::from(STEPS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_wavelength_of_a_lossless_wall_is_a_window() {
        let eighth = |thickness_m| Slab { material: Material::VeryDryGround, thickness_m }.loss_db(868e6);
        let half_m = wavelength_m(868e6) / libm::sqrt(3.0) / 2.0;
        assert!(eighth(half_m) < 0.02 && eighth(half_m / 2.0) > 1.0);
    }

    #[test]
    fn slanted_rays_meet_the_normal_case_at_zero_and_brewsters_window_in_one_polarisation() {
        let wall = Slab { material: Material::VeryDryGround, thickness_m: 0.1 };
        let normal = wall.loss_db(868e6);
        assert!((wall.slanted_loss_db(868e6, 0.0, Polarisation::Horizontal) - normal).abs() < 1e-9);
        let brewster = libm::atan(libm::sqrt(3.0));
        assert!(wall.slanted_loss_db(868e6, brewster, Polarisation::Horizontal) < 0.05);
        assert!(wall.slanted_loss_db(868e6, brewster, Polarisation::Vertical) > 1.0);
    }

    #[test]
    fn all_materials_are_passive_and_metal_is_opaque() {
        for material in Material::ALL {
            for thickness_m in [0.001, 0.02, 0.23] {
                let slab = Slab { material, thickness_m };
                assert!(slab.loss_db(915e6) > -1e-9, "{slab:?} amplifies: {}", slab.loss_db(915e6));
                assert!((0.0..=1.0).contains(&slab.diffuse_share(915e6)));
            }
        }
        let sheet = Slab { material: Material::Metal, thickness_m: 0.0001 };
        assert!(sheet.loss_db(868e6) > 150.0, "{}", sheet.loss_db(868e6));
    }
}
