//! One antenna on a mast, the other between houses: free space, then over the rows of roofs, then down to the street
//! (ITU-R P.1411 §4.2.2.1, after COST 231 Walfisch-Ikegami).
//!
//! The settled field over many roofs holds where rows reach far enough (d² λ/Δh² within the built-up length); else a
//! few edges count one by one. The recommendation joins the two with a hyperbolic tangent, and so does this; its other
//! method for suburbs (§4.2.2.2, by reflected and diffracted waves) is not here.

use core::f64::consts::PI;

use super::wavelength_m;
use crate::radio::free_space_db;

/// Houses and streets between the mast and the terminal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roofs {
    /// Height of the roofs, m.
    pub roof_m: f64,
    /// Width of the street or gap before the terminal, m.
    pub street_m: f64,
    /// From one row of houses to the next, m.
    pub rows_apart_m: f64,
    /// How far the built-up part reaches along the path, m.
    pub built_m: f64,
    /// Angle of the street to the path, degrees, 0–90.
    pub street_deg: f64,
    /// A metropolitan centre (else a town, suburb or village).
    pub metropolitan: bool,
}

impl Roofs {
    /// A village of single-storey houses: roofs at 3.5 m, gaps of 8 m, rows 25 m apart over 400 m, 45° (assumed).
    pub const VILLAGE: Self =
        Self { roof_m: 3.5, street_m: 8.0, rows_apart_m: 25.0, built_m: 400.0, street_deg: 45.0, metropolitan: false };

    /// Loss from a mast at `mast_m` to a terminal at `terminal_m`, dB. A terminal at or above the roofs has free space.
    #[must_use]
    pub fn loss_db(&self, frequency_hz: f64, mast_m: f64, terminal_m: f64, distance_m: f64) -> f64 {
        let free = free_space_db(frequency_hz, distance_m);
        let below_m = self.roof_m - terminal_m;
        if below_m <= 0.0 || self.built_m <= 0.0 {
            return free;
        }
        let log_mhz = libm::log10(frequency_hz / 1e6);
        let down = -8.2 - 10.0 * libm::log10(self.street_m)
            + 10.0 * log_mhz
            + 20.0 * libm::log10(below_m)
            + self.orientation_db();
        free + (down + self.rows_db(frequency_hz, mast_m, distance_m)).max(0.0)
    }

    fn orientation_db(&self) -> f64 {
        let angle = self.street_deg.clamp(0.0, 90.0);
        if angle < 35.0 {
            -10.0 + 0.354 * angle
        } else if angle < 55.0 {
            2.5 + 0.075 * (angle - 35.0)
        } else {
            4.0 - 0.114 * (angle - 55.0)
        }
    }

    fn rows_db(&self, frequency_hz: f64, mast_m: f64, distance_m: f64) -> f64 {
        let above_m = mast_m - self.roof_m;
        let settled = |d_m: f64| self.settled_db(frequency_hz, above_m, d_m);
        let few = |d_m: f64| self.few_rows_db(frequency_hz, above_m, d_m);
        if above_m.abs() < 1e-9 {
            return few(distance_m);
        }
        // At the breakpoint the settled field reaches just over the built-up part.
        let breakpoint_m = above_m.abs() * libm::sqrt(self.built_m / wavelength_m(frequency_hz));
        let (upper, lower) = (settled(breakpoint_m), few(breakpoint_m));
        let (middle, gap) = (f64::midpoint(upper, lower), upper - lower);
        let decades = libm::log10(distance_m / breakpoint_m);
        if gap > 0.0 {
            let bend = libm::tanh(decades.abs() / 0.1);
            let here = if decades < 0.0 { settled(distance_m) } else { few(distance_m) };
            bend * (here - middle) + middle
        } else if gap < 0.0 {
            let bend = libm::tanh(decades / (0.0417 * gap));
            if decades < 0.0 {
                settled(distance_m) - bend * (upper - middle) - upper + middle
            } else {
                few(distance_m) + bend * (middle - lower) + middle - lower
            }
        } else {
            few(distance_m)
        }
    }

    fn few_rows_db(&self, frequency_hz: f64, above_m: f64, distance_m: f64) -> f64 {
        let wavelength = wavelength_m(frequency_hz);
        let b = self.rows_apart_m;
        let log_mhz = libm::log10(frequency_hz / 1e6);
        // The band of heights that counts as "at the roofs".
        let upper_m = libm::pow(
            10.0,
            -libm::log10(libm::sqrt(b / wavelength)) - libm::log10(distance_m) / 9.0
                + 10.0 / 9.0 * libm::log10(b / 2.35),
        );
        let lower_m = (0.000_23 * b * b - 0.1827 * b - 9.4978) / libm::pow(log_mhz, 2.938) + 0.000_781 * b + 0.069_23;
        let factor = if above_m > upper_m {
            2.35 * libm::pow(above_m / distance_m * libm::sqrt(b / wavelength), 0.9)
        } else if above_m >= lower_m {
            b / distance_m
        } else {
            // Below the roofs the angle is negative.
            let angle = libm::atan(above_m / b);
            let edge = libm::sqrt(wavelength / libm::hypot(above_m, b)) * (1.0 / angle - 1.0 / (2.0 * PI + angle));
            (b / (2.0 * PI * distance_m) * edge).abs()
        };
        -20.0 * libm::log10(factor)
    }

    fn settled_db(&self, frequency_hz: f64, above_m: f64, distance_m: f64) -> f64 {
        let mhz = frequency_hz / 1e6;
        let km = distance_m / 1000.0;
        let high_band = mhz > 2000.0;
        let (shadow, per_decade) = if above_m > 0.0 {
            (-18.0 * libm::log10(1.0 + above_m), 18.0)
        } else {
            (0.0, 18.0 - 15.0 * above_m / self.roof_m)
        };
        let start = match (above_m > 0.0, high_band) {
            (true, true) => 71.4,
            (true, false) => 54.0,
            (false, _) => {
                let base = if high_band { 73.0 } else { 54.0 };
                base - above_m * if km < 0.5 { 1.6 * km } else { 0.8 }
            }
        };
        let by_frequency =
            if high_band { -8.0 } else { -4.0 + if self.metropolitan { 1.5 } else { 0.7 } * (mhz / 925.0 - 1.0) };
        shadow + start + per_decade * libm::log10(km) + by_frequency * libm::log10(mhz)
            - 9.0 * libm::log10(self.rows_apart_m)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of a transcription in another language of the recommendation's formulas (P.1411-12 §4.2.2.1).
    #[test]
    fn all_branches_meet_an_independent_transcription() {
        let town = |roof_m, street_m, rows_apart_m, built_m, street_deg, metropolitan| Roofs {
            roof_m,
            street_m,
            rows_apart_m,
            built_m,
            street_deg,
            metropolitan,
        };
        let centre = town(12.0, 15.0, 40.0, 1000.0, 80.0, true);
        let suburb = town(9.0, 12.0, 30.0, 500.0, 20.0, false);
        for (roofs, mhz, mast_m, terminal_m, d_m, wanted) in [
            (Roofs::VILLAGE, 868.0, 10.0, 1.8, 600.0, 118.010_651_462),
            (Roofs::VILLAGE, 868.0, 10.0, 1.8, 150.0, 95.127_563_882),
            (Roofs::VILLAGE, 868.0, 2.0, 1.8, 600.0, 143.424_579_018),
            (Roofs::VILLAGE, 868.0, 2.0, 1.8, 40.0, 89.088_358_107),
            (centre, 915.0, 30.0, 1.5, 1500.0, 134.798_551_442),
            (suburb, 2400.0, 15.0, 1.5, 300.0, 125.309_024_442),
        ] {
            let found = roofs.loss_db(mhz * 1e6, mast_m, terminal_m, d_m);
            assert!((found - wanted).abs() < 1e-6, "{mhz} MHz, mast {mast_m} m, {d_m} m: {found} for {wanted}");
        }
    }

    #[test]
    fn a_higher_mast_hears_more_and_a_terminal_above_the_roofs_has_free_space() {
        let at = |mast_m| Roofs::VILLAGE.loss_db(868e6, mast_m, 1.8, 600.0);
        assert!(at(10.0) < at(6.0) && at(6.0) < at(2.0), "{} {} {}", at(10.0), at(6.0), at(2.0));
        let free = free_space_db(868e6, 600.0);
        assert!((Roofs::VILLAGE.loss_db(868e6, 10.0, 4.0, 600.0) - free).abs() < 1e-12);
        assert!(at(10.0) > free);
    }
}
