//! Just enough sun to judge and move hourly series: declination and equation of time after Spencer (1971), and hourly
//! means of the cosine of the zenith in closed form.
//!
//! Errors of 0.3° in position do not matter here, since the same formulas stand in numerator and denominator; for
//! panels the simulator uses `taa_models::sun`.

use std::f64::consts::{PI, TAU};

/// The sun of one day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    declination_rad: f64,
    equation_of_time_s: f64,
}

impl Day {
    /// The day that contains `unix_s` (UTC), taken at noon.
    pub(super) fn of(unix_s: i64) -> Self {
        Self::of_year(f64::from(day_of_year(unix_s)) - 1.0)
    }

    /// The day of the year, counted from 0.
    pub(super) fn of_year(day: f64) -> Self {
        let b = TAU * (day + 0.5) / 365.2422;
        let (c1, s1) = (libm::cos(b), libm::sin(b));
        let (c2, s2) = (libm::cos(2.0 * b), libm::sin(2.0 * b));
        let (c3, s3) = (libm::cos(3.0 * b), libm::sin(3.0 * b));
        let declination_rad = 0.006_918 - 0.399_912 * c1 + 0.070_257 * s1 - 0.006_758 * c2 + 0.000_907 * s2
            - 0.002_697 * c3
            + 0.001_48 * s3;
        let minutes = 229.18 * (0.000_075 + 0.001_868 * c1 - 0.032_077 * s1 - 0.014_615 * c2 - 0.040_849 * s2);
        Self { declination_rad, equation_of_time_s: minutes * 60.0 }
    }

    /// Hour angle at `unix_s` and `lon_deg`, radians, −π to π, 0 at solar noon.
    pub(super) fn hour_angle(&self, unix_s: f64, lon_deg: f64) -> f64 {
        let solar_s = unix_s + self.equation_of_time_s + lon_deg * 240.0;
        (solar_s.rem_euclid(86_400.0) / 86_400.0 - 0.5) * TAU
    }

    /// Sine of the sun's elevation.
    pub(super) fn sin_elevation(&self, unix_s: f64, lat_deg: f64, lon_deg: f64) -> f64 {
        let (a, b) = self.coefficients(lat_deg);
        a + b * libm::cos(self.hour_angle(unix_s, lon_deg))
    }

    /// Mean over an interval of the cosine of the zenith, counting 0 while the sun is down; and the sunlit share.
    pub(super) fn mean_cos_zenith(&self, from_unix_s: f64, duration_s: f64, lat_deg: f64, lon_deg: f64) -> (f64, f64) {
        if duration_s <= 0.0 {
            return (0.0, 0.0);
        }
        let (a, b) = self.coefficients(lat_deg);
        let width = duration_s / 86_400.0 * TAU;
        let start = self.hour_angle(from_unix_s, lon_deg);
        let rise = if a >= b {
            PI
        } else if a <= -b {
            return (0.0, 0.0);
        } else {
            libm::acos(-a / b)
        };
        let (mut area, mut lit) = (0.0, 0.0);
        // The interval may run past midnight, into the next turn of the hour angle.
        for turn in [-TAU, 0.0, TAU] {
            let (low, high) = (start.max(turn - rise), (start + width).min(turn + rise));
            if high > low {
                area += a * (high - low) + b * (libm::sin(high - turn) - libm::sin(low - turn));
                lit += high - low;
            }
        }
        ((area / width).max(0.0), (lit / width).min(1.0))
    }

    fn coefficients(&self, lat_deg: f64) -> (f64, f64) {
        let lat = lat_deg.to_radians();
        let (sin_d, cos_d) = (libm::sin(self.declination_rad), libm::cos(self.declination_rad));
        (libm::sin(lat) * sin_d, libm::cos(lat) * cos_d)
    }
}

/// Splits global into direct normal and diffuse horizontal after Erbs, Klein and Duffie (1982), with the hour's mean
/// cosine of the zenith.
pub(super) fn erbs(ghi_w_per_m2: f64, mean_cos_zenith: f64, unix_s: i64) -> (f64, f64) {
    // Below 2° or so the correlation says nothing, and the beam would be divided by almost nothing.
    if mean_cos_zenith < 0.035 {
        return (0.0, ghi_w_per_m2);
    }
    let zenith_deg = libm::acos(mean_cos_zenith.min(1.0)).to_degrees();
    taa_models::sun::erbs(ghi_w_per_m2, zenith_deg, day_of_year(unix_s))
}

/// Days since 1970-01-01 of a civil date (proleptic Gregorian).
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month, day of a count of days since 1970-01-01.
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * of_year + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * mp + 2) / 5 + 1)
}

/// Day of the year of an instant, from 1.
pub(super) fn day_of_year(unix_s: i64) -> u16 {
    let days = unix_s.div_euclid(86_400);
    let (year, _, _) = civil_from_days(days);
    u16::try_from(days - days_from_civil(year, 1, 1) + 1).unwrap_or(1)
}

/// Days before each month in a year of 365 days.
const MONTH_STARTS: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Day of a year of 365 days, from 0; 29 February counts as 28 February.
pub(super) fn day_of_365(month: i64, day: i64) -> i64 {
    let day = if month == 2 { day.min(28) } else { day };
    let start = usize::try_from(month - 1).ok().and_then(|m| MONTH_STARTS.get(m)).copied().unwrap_or(0);
    start + day - 1
}

/// Month and day of a day of a year of 365 days (from 0).
pub(super) fn month_day_of_365(day: i64) -> (i64, i64) {
    let month = MONTH_STARTS.iter().rposition(|&start| start <= day).unwrap_or(0);
    (month as i64 + 1, day - MONTH_STARTS[month] + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_there_and_back() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 2, 29), 11_016);
        for days in (-800_000..800_000).step_by(997) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), days);
        }
        assert_eq!(day_of_year(days_from_civil(2024, 12, 31) * 86_400), 366);
        assert_eq!(month_day_of_365(58), (2, 28));
        assert_eq!(month_day_of_365(59), (3, 1));
        assert_eq!(day_of_365(2, 29), day_of_365(2, 28));
    }

    #[test]
    fn the_sun_stands_where_it_should() {
        // Solstice and equinox declinations, and the equation of time's two extremes (−14.2 min, +16.4 min).
        assert!((Day::of_year(171.0).declination_rad.to_degrees() - 23.45).abs() < 0.1);
        assert!(Day::of_year(79.5).declination_rad.to_degrees().abs() < 0.5);
        assert!((Day::of_year(42.0).equation_of_time_s / 60.0 + 14.2).abs() < 0.3);
        assert!((Day::of_year(306.0).equation_of_time_s / 60.0 - 16.4).abs() < 0.3);
    }

    #[test]
    fn the_closed_mean_equals_a_fine_sum() {
        for (day, lat) in [(10.0, -8.8), (100.0, 3.1), (180.0, 60.0), (355.0, 70.0)] {
            let sun = Day::of_year(day);
            for hour in 0..24 {
                let start = f64::from(hour) * 3600.0;
                let fine: f64 =
                    (0..3600).map(|s| sun.sin_elevation(start + f64::from(s) + 0.5, lat, 33.6).max(0.0)).sum();
                let (mean, _) = sun.mean_cos_zenith(start, 3600.0, lat, 33.6);
                assert!((mean - fine / 3600.0).abs() < 1e-6, "{day} {lat} {hour}: {mean} {}", fine / 3600.0);
            }
        }
    }

    #[test]
    fn erbs_keeps_the_sum() {
        for (ghi, mu) in [(50.0, 0.2), (300.0, 0.5), (900.0, 0.9), (1000.0, 0.8)] {
            let (dni, dhi) = erbs(ghi, mu, 0);
            assert!((dni * mu + dhi - ghi).abs() < 1e-6);
        }
        assert_eq!(erbs(5.0, 0.01, 0), (0.0, 5.0));
    }
}
