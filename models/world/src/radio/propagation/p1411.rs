//! ITU-R P.1411: short paths, low antennas.
//!
//! Three methods of it. The bounds of the UHF street-canyon model (§4.1, line of sight, 300 MHz–3 GHz) have a
//! breakpoint where the ground reflection sets in. The site-general law (§4.1.1) has distance, frequency and a spread,
//! nothing else. The method for terminals near the ground (§4.3.1, antennas at 1.9–3 m) is the one that fits meter to
//! meter: it mixes line of sight and none by the share of places that see each other.

use core::f64::consts::PI;

use super::wavelength_m;
use crate::{draw::normal_quantile, radio::free_space_db};

/// Line of sight in a street, UHF: basic loss between two bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreetLos {
    /// Where the slope changes from 20 (upper bound: 25) to 40 dB a decade, m.
    pub breakpoint_m: f64,
    /// Lower bound, dB.
    pub lower_db: f64,
    /// Median, 6 dB above the lower bound, dB.
    pub median_db: f64,
    /// Upper bound, dB.
    pub upper_db: f64,
}

impl StreetLos {
    /// The loss between antennas of these heights at this distance.
    #[must_use]
    pub fn new(frequency_hz: f64, height_a_m: f64, height_b_m: f64, distance_m: f64) -> Self {
        let wavelength = wavelength_m(frequency_hz);
        let breakpoint_m = 4.0 * height_a_m * height_b_m / wavelength;
        let basic = 20.0 * libm::log10(wavelength * wavelength / (8.0 * PI * height_a_m * height_b_m));
        let decades = libm::log10(distance_m / breakpoint_m);
        let (low, high) = if decades <= 0.0 { (20.0, 25.0) } else { (40.0, 40.0) };
        let lower_db = basic.abs() + low * decades;
        Self { breakpoint_m, lower_db, median_db: lower_db + 6.0, upper_db: basic.abs() + 20.0 + high * decades }
    }

    /// The middle of the two bounds, dB (what ns-3's model of that name returns; above the median).
    #[must_use]
    pub fn mean_of_bounds_db(&self) -> f64 {
        f64::midpoint(self.lower_db, self.upper_db)
    }
}

/// Surroundings of the site-general law, table 4 of P.1411-11 and -12 (a later edition reaches 300 GHz and revises all
/// but the residential row).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Street {
    /// Line of sight, any built-up area (0.8–82 GHz, 5–660 m).
    Los,
    /// None, between tall buildings (0.8–82 GHz, 30–715 m).
    NlosHighRise,
    /// None, low buildings and suburbs (10–73 GHz, 30–250 m): not for sub-GHz links.
    NlosLowRise,
    /// None, residential area (0.8–73 GHz, 30–170 m).
    NlosResidential,
}

/// Median loss and its spread by the site-general law: 10·α·log d + β + 10·γ·log f.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SiteGeneral {
    /// Median, dB.
    pub median_db: f64,
    /// Standard deviation over places, dB.
    pub sigma_db: f64,
}

impl SiteGeneral {
    /// The law of both antennas below the roofs (§4.1.1).
    #[must_use]
    pub fn below_roofs(street: Street, frequency_hz: f64, distance_m: f64) -> Self {
        let (alpha, beta, gamma, sigma_db) = match street {
            Street::Los => (2.12, 29.2, 2.11, 5.06),
            Street::NlosHighRise => (4.00, 10.2, 2.36, 7.60),
            Street::NlosLowRise => (5.06, -4.68, 2.02, 9.33),
            Street::NlosResidential => (3.01, 18.8, 2.07, 3.07),
        };
        let median_db = 10.0 * alpha * libm::log10(distance_m) + beta + 10.0 * gamma * libm::log10(frequency_hz / 1e9);
        Self { median_db, sigma_db }
    }
}

/// Surroundings of the method for terminals near the ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NearGround {
    /// Suburbs; the nearest to a village.
    Suburban,
    /// Town.
    Urban,
    /// Dense or high-rise town.
    DenseUrban,
}

impl NearGround {
    const fn extra_db(self) -> f64 {
        match self {
            Self::Suburban => 0.0,
            Self::Urban => 6.8,
            Self::DenseUrban => 2.3,
        }
    }

    /// Loss not exceeded at this share of places (0–1, both ends excluded), dB: §4.3.1, 300 MHz–3 GHz, antennas at
    /// 1.9–3 m. The share that sees the other end shrinks with distance; over the 20 m around it the two laws are
    /// joined.
    #[must_use]
    pub fn loss_db(self, frequency_hz: f64, distance_m: f64, share_of_places: f64) -> f64 {
        const SIGMA_DB: f64 = 7.0;
        const JOIN_M: f64 = 20.0;
        let p = share_of_places.clamp(1e-6, 1.0 - 1e-6);
        let log_mhz = libm::log10(frequency_hz / 1e6);
        let seen = |d_m: f64| {
            let spread = 1.5624 * SIGMA_DB * (libm::sqrt(-2.0 * libm::log(1.0 - p)) - 1.1774);
            32.45 + 20.0 * log_mhz + 20.0 * libm::log10(d_m / 1000.0) + spread
        };
        let hidden = |d_m: f64| {
            let spread = SIGMA_DB * normal_quantile(p);
            9.5 + 45.0 * log_mhz + 40.0 * libm::log10(d_m / 1000.0) + self.extra_db() + spread
        };
        let bels = libm::log10(p);
        let sight_m = if p < 0.45 { 212.0 * bels * bels - 64.0 * bels } else { 79.2 - 70.0 * p };
        if distance_m < sight_m {
            seen(distance_m)
        } else if distance_m > sight_m + JOIN_M {
            hidden(distance_m)
        } else {
            let near = seen(sight_m);
            near + (hidden(sight_m + JOIN_M) - near) * (distance_m - sight_m) / JOIN_M
        }
    }
}

/// Loss of one street class with the spread drawn at this normal quantile, dB. Where nothing is seen, what is above
/// free space is kept from being negative, as the recommendation asks.
#[must_use]
pub fn varied_db(street: Street, frequency_hz: f64, distance_m: f64, normal: f64) -> f64 {
    let law = SiteGeneral::below_roofs(street, frequency_hz, distance_m);
    let varied = law.median_db + law.sigma_db * normal;
    if !matches!(street, Street::NlosHighRise | Street::NlosLowRise) {
        return varied;
    }
    let free = free_space_db(frequency_hz, distance_m);
    free + 10.0 * libm::log10(libm::pow(10.0, (varied - free) / 10.0) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_the_ground_loss_grows_with_distance_and_with_the_share_of_places_served() {
        for share in [0.1, 0.5, 0.9] {
            let mut last = 0.0;
            for d in (5..600).step_by(5) {
                let here = NearGround::Suburban.loss_db(868e6, f64::from(d), share);
                assert!(here >= last, "{share} {d} m: {here} after {last}");
                last = here;
            }
        }
        let at = |share| NearGround::Suburban.loss_db(868e6, 200.0, share);
        assert!(at(0.1) < at(0.5) && at(0.5) < at(0.9));
        let urban = NearGround::Urban.loss_db(868e6, 200.0, 0.5) - at(0.5);
        assert!((urban - 6.8).abs() < 1e-9);
    }

    /// Figure: loss at points of both methods. Bound: 1e-6 dB. Source: reference table of the implementation that the
    /// Swiss regulator's engineer publishes beside the recommendation (`reference_p1411.csv`).
    #[test]
    fn both_methods_meet_published_reference_values() {
        for (mhz, d_m, share, wanted) in [
            (300.0, 10.0, 0.05, 32.618_399_89),
            (900.0, 50.0, 0.25, 60.933_126_79),
            (900.0, 50.0, 0.50, 73.230_088_76),
            (900.0, 100.0, 0.50, 102.440_912_9),
            (900.0, 500.0, 0.95, 141.913_688_5),
            (1800.0, 50.0, 0.75, 108.667_491_2),
        ] {
            let found = NearGround::Suburban.loss_db(mhz * 1e6, d_m, share);
            assert!((found - wanted).abs() < 1e-6, "{mhz} MHz, {d_m} m, {share}: {found} for {wanted}");
        }
        for (ghz, d_m, wanted) in [(0.8, 30.0, 61.255_312_5), (10.0, 100.0, 99.7), (73.0, 170.0, 124.507_295_7)] {
            let found = SiteGeneral::below_roofs(Street::NlosResidential, ghz * 1e9, d_m).median_db;
            assert!((found - wanted).abs() < 1e-6, "{ghz} GHz, {d_m} m: {found} for {wanted}");
        }
    }

    #[test]
    fn a_lucky_hidden_place_never_beats_free_space() {
        let lucky = varied_db(Street::NlosHighRise, 868e6, 40.0, -6.0);
        assert!(lucky >= free_space_db(868e6, 40.0));
    }
}
