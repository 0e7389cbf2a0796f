//! What the weather of the run does to hardware and roads: heat that ages, rain that closes roads, storms.
//!
//! Weather files rarely hold rain, so it is read from the sun: a day is *dull* as far as its clearness (global
//! irradiance over that above the air) falls short of 0.65, and the season around it is wet as far as its days are dull.
//! Rain is taken as the product of the two. Arbitrary: the bounds, and that dust (harmattan) counts as cloud.

use crate::{
    sun,
    weather::{Series, SunContext},
};

/// Temperature at which rates of wear are stated, °C.
pub const REFERENCE_C: f64 = 25.0;
const DAY_MS: u64 = 86_400_000;
const SEASON_DAYS: usize = 15;
/// Product of dullness and season in a mean tropical year: makes the mean of the rain index about 1.
const MEAN_PRODUCT: f64 = 0.12;

/// Day by day from the start of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Climate {
    rain: Vec<f64>,
    /// Days of wear at the reference temperature up to the end of each day.
    worn_days: Vec<f64>,
}

impl Climate {
    /// From the weather of a run of `days` days; `doubling_k` is the rise of temperature that doubles wear.
    #[must_use]
    pub fn of(series: &Series, context: &SunContext, days: usize, doubling_k: f64) -> Self {
        let hours = series.len().max(1);
        let column = |values: &[f32], hour: usize| values.get(hour % hours).copied().map_or(0.0, f64::from);
        let (mut dull, mut worn_days, mut worn) = (Vec::with_capacity(days), Vec::with_capacity(days), 0.0);
        for day in 0..days {
            let (mut ground, mut above, mut wear) = (0.0, 0.0, 0.0);
            for hour in day * 24..day * 24 + 24 {
                let mid_ms = hour as u64 * 3_600_000 + 1_800_000;
                ground += column(&series.ghi_w_per_m2, hour);
                let sun = context.sun(mid_ms);
                above += sun.cos_zenith.max(0.0) * sun::extraterrestrial(context.day_of_year(mid_ms));
                wear += libm::exp2((column(&series.temp_c, hour) - REFERENCE_C) / doubling_k) / 24.0;
            }
            let clearness = if above > 0.0 { ground / above } else { 0.65 };
            dull.push(((0.65 - clearness) / 0.35).clamp(0.0, 1.0));
            worn += wear;
            worn_days.push(worn);
        }
        let season = |day: usize| {
            let around = &dull[day.saturating_sub(SEASON_DAYS)..(day + SEASON_DAYS + 1).min(days)];
            around.iter().sum::<f64>() / around.len() as f64
        };
        let rain = (0..days).map(|day| dull[day] * season(day) / MEAN_PRODUCT).collect();
        Self { rain, worn_days }
    }

    /// A climate of these days at the reference temperature, with this rain index every day.
    #[must_use]
    pub fn even(days: usize, rain: f64) -> Self {
        Self { rain: vec![rain; days], worn_days: (1..=days).map(|n| n as f64).collect() }
    }

    /// Rain of a day as a multiple of a mean day's.
    #[must_use]
    pub fn rain(&self, day: usize) -> f64 {
        self.rain.get(day).copied().unwrap_or(0.0)
    }

    /// Days held.
    #[must_use]
    pub fn days(&self) -> usize {
        self.rain.len()
    }

    fn worn_until(&self, day: usize) -> f64 {
        if day == 0 { 0.0 } else { self.worn_days[day - 1] }
    }

    /// Wear of that day as a multiple of a day at the reference temperature.
    #[must_use]
    pub fn acceleration(&self, day: usize) -> f64 {
        if day < self.days() { self.worn_days[day] - self.worn_until(day) } else { 1.0 }
    }

    /// Wear up to a moment of the run, days at the reference temperature; beyond the last day time counts plainly.
    #[must_use]
    pub fn worn_at(&self, at_ms: u64) -> f64 {
        let day = ((at_ms / DAY_MS) as usize).min(self.days());
        let rest = (at_ms - day as u64 * DAY_MS) as f64 / DAY_MS as f64;
        self.worn_until(day) + rest * self.acceleration(day)
    }

    /// The moment of the run at which so much wear has come together, ms.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn when_worn(&self, worn: f64) -> u64 {
        let day = self.worn_days.partition_point(|&until| until <= worn);
        let rest = (worn - self.worn_until(day)) / self.acceleration(day).max(1e-9);
        (day as u64).saturating_mul(DAY_MS).saturating_add((rest.min(1e7) * DAY_MS as f64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(temp_c: f32, sun_share: f32, days: usize) -> Climate {
        let hours = days * 24;
        let ghi = (0..hours).map(|h| if (6..18).contains(&(h % 24)) { 560.0 * sun_share } else { 0.0 }).collect();
        let zero = vec![0.0; hours];
        let series = Series::hourly(ghi, zero.clone(), zero.clone(), vec![temp_c; hours], zero).unwrap();
        Climate::of(&series, &SunContext::new(1_767_560_400, -2.85, 33.61), days, 10.0)
    }

    #[test]
    fn ten_kelvin_more_wear_twice_as_fast() {
        let (mild, hot) = (at(25.0, 1.0, 10), at(35.0, 1.0, 10));
        assert!((mild.worn_at(5 * DAY_MS) - 5.0).abs() < 1e-9);
        assert!((hot.worn_at(5 * DAY_MS) - 10.0).abs() < 1e-9);
        assert_eq!(hot.when_worn(10.0), 5 * DAY_MS);
        // Beyond the weather time counts plainly.
        assert_eq!(hot.when_worn(23.0), 13 * DAY_MS);
    }

    #[test]
    fn bright_days_are_dry_and_dull_ones_wet() {
        let (bright, dull) = (at(25.0, 1.0, 40), at(25.0, 0.4, 40));
        assert!(bright.rain(20) < 0.3, "{}", bright.rain(20));
        assert!(dull.rain(20) > 3.0, "{}", dull.rain(20));
    }
}
