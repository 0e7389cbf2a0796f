//! Where the sun is, what arrives above the air, and how a global figure splits into beam and diffuse.
//!
//! Azimuth is counted from north, clockwise; zenith from straight up. Positions come from Grena's third algorithm
//! (0.01°, 2010–2110) and from the NREL SPA outside those years; one position costs about 0.2 µs. They are without
//! refraction (at the horizon the sun stands 0.5° higher than computed) unless [`refracted_zenith_deg`] is applied.

use solar_positioning::{Location, SolarPositions, time::JulianDate};

const DEG: f64 = core::f64::consts::PI / 180.0;
/// TT − UT1 about 2020–2030, seconds. One second more moves the sun by less than 1e-5 degrees.
const DELTA_T_S: f64 = 69.0;

/// A position of the sun.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sun {
    /// Angle from the vertical, degrees; above 90 the sun is down.
    pub zenith_deg: f64,
    /// Direction from north, clockwise, degrees.
    pub azimuth_deg: f64,
    /// Cosine of the zenith angle, negative at night.
    pub cos_zenith: f64,
}

impl Sun {
    /// Straight below the observer.
    const NADIR: Self = Self { zenith_deg: 180.0, azimuth_deg: 0.0, cos_zenith: -1.0 };

    /// From angles.
    #[must_use]
    pub fn at(zenith_deg: f64, azimuth_deg: f64) -> Self {
        Self { zenith_deg, azimuth_deg, cos_zenith: libm::cos(zenith_deg * DEG) }
    }
}

/// The sun seen from a place. Coordinates off the globe, or years outside −2000 to 6000, give night.
#[must_use]
pub fn position(unix_s: f64, lat_deg: f64, lon_deg: f64) -> Sun {
    let place = Location { latitude: lat_deg, longitude: lon_deg };
    let Ok(time) = JulianDate::new(unix_s / 86_400.0 + 2_440_587.5, DELTA_T_S) else { return Sun::NADIR };
    SolarPositions::grena3()
        .at_from_julian(time, place, 0.0, None)
        .or_else(|_| SolarPositions::new().at_from_julian(time, place, 0.0, None))
        .map_or(Sun::NADIR, |p| Sun::at(p.zenith_angle(), p.azimuth()))
}

/// The zenith angle as the eye sees it, degrees: refraction after Meeus as the NREL SPA applies it (eq. 42), for
/// `pressure_hpa` and 12 °C. Sun more than 0.5667° + its radius below the horizon stays where it is.
#[must_use]
pub fn refracted_zenith_deg(zenith_deg: f64, pressure_hpa: f64) -> f64 {
    let elevation = 90.0 - zenith_deg;
    if elevation < -(0.266_67 + 0.566_7) {
        return zenith_deg;
    }
    let angle = (elevation + 10.3 / (elevation + 5.11)) * DEG;
    let lift = pressure_hpa / 1010.0 * (283.0 / 285.0) * 1.02 / (60.0 * libm::tan(angle));
    zenith_deg - lift
}

/// Irradiance above the air on a plane facing the sun, W/m² (Spencer 1971, solar constant 1366.1).
#[must_use]
pub fn extraterrestrial(day_of_year: u16) -> f64 {
    let b = 2.0 * core::f64::consts::PI / 365.0 * (f64::from(day_of_year) - 1.0);
    let (s1, c1) = libm::sincos(b);
    let (s2, c2) = libm::sincos(2.0 * b);
    1366.1 * (1.000_11 + 0.034_221 * c1 + 0.001_28 * s1 + 0.000_719 * c2 + 7.7e-5 * s2)
}

/// Splits global horizontal irradiance into (direct normal, diffuse horizontal), W/m².
///
/// Erbs, Klein, Duffie, *Estimation of the diffuse radiation fraction for hourly, daily and monthly-average global
/// radiation*, Solar Energy 28 (1982). As in pvlib, the clearness index uses a cosine of at least 0.065, and within 3°
/// of the horizon everything counts as diffuse.
#[must_use]
pub fn erbs(ghi_w_per_m2: f64, zenith_deg: f64, day_of_year: u16) -> (f64, f64) {
    if ghi_w_per_m2 <= 0.0 {
        return (0.0, 0.0);
    }
    let cos_zenith = libm::cos(zenith_deg * DEG);
    let kt = (ghi_w_per_m2 / (extraterrestrial(day_of_year) * cos_zenith.max(0.065))).clamp(0.0, 1.0);
    let diffuse_share = if kt <= 0.22 {
        1.0 - 0.09 * kt
    } else if kt <= 0.8 {
        0.9511 + kt * (-0.1604 + kt * (4.388 + kt * (-16.638 + kt * 12.336)))
    } else {
        0.165
    };
    let dhi = diffuse_share * ghi_w_per_m2;
    let dni = (ghi_w_per_m2 - dhi) / cos_zenith;
    if zenith_deg > 87.0 || dni < 0.0 { (0.0, ghi_w_per_m2) } else { (dni, dhi) }
}

/// Day of the year, 1–366, of a time in seconds since 1970. Give local seconds for the local day.
#[must_use]
pub fn day_of_year(unix_s: i64) -> u16 {
    let (year, month, day) = civil(unix_s.div_euclid(86_400));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const BEFORE: [u16; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    BEFORE[usize::from(month) - 1] + u16::from(day) + u16::from(leap && month > 2)
}

/// Day of the week, 0 = Monday, of a time in seconds since 1970. Give local seconds for the local day.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn weekday(unix_s: i64) -> u8 {
    (unix_s.div_euclid(86_400) + 3).rem_euclid(7) as u8
}

/// (year, month, day) of days since 1970 in the proleptic Gregorian calendar (years from March, 400-year eras).
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn civil(days: i64) -> (i64, u8, u8) {
    let from_march = days + 719_468;
    let era = from_march.div_euclid(146_097);
    let day_of_era = from_march.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_knows_leap_years() {
        assert_eq!(day_of_year(0), 1);
        assert_eq!(day_of_year(1_709_164_800), 60); // 2024-02-29
        assert_eq!(day_of_year(1_735_603_200), 366); // 2024-12-31
        assert_eq!(day_of_year(1_740_787_200), 60); // 2025-03-01
        assert_eq!(day_of_year(-86_400), 365); // 1969-12-31
        assert_eq!(weekday(0), 3); // Thursday
        assert_eq!(weekday(1_735_689_600), 2); // 2025-01-01, Wednesday
    }

    #[test]
    fn noon_at_the_equator_is_overhead_at_equinox() {
        let noon = position(1_710_936_000.0 + 7.4 * 60.0, 0.0, 0.0); // 2024-03-20 12:07:24 UTC
        assert!(noon.zenith_deg < 0.3, "{noon:?}");
        assert!(position(1_710_936_000.0 + 43_200.0, 0.0, 0.0).cos_zenith < -0.99);
        assert_eq!(position(1_710_936_000.0, 91.0, 0.0), Sun::NADIR);
        // 2130 is beyond Grena3: SPA takes over.
        assert!(position(5_049_993_600.0, -2.8, 33.6).zenith_deg.is_finite());
    }

    #[test]
    fn erbs_keeps_the_global_figure() {
        for zenith in [0.0, 30.0, 60.0, 80.0, 86.0, 89.0] {
            for ghi in [5.0, 50.0, 200.0, 600.0, 900.0] {
                let (dni, dhi) = erbs(ghi, zenith, 100);
                let back = dni * libm::cos(zenith * DEG) + dhi;
                assert!((back - ghi).abs() < 1e-9 && dni >= 0.0 && dhi >= 0.0, "{zenith} {ghi}");
            }
        }
        assert_eq!(erbs(-1.0, 20.0, 1), (0.0, 0.0));
    }
}
