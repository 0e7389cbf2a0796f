//! Other years than the one in the file: block resampling.
//!
//! Draw 0 lives through the file's own hours. Every other draw is put together from blocks of whole days: a block is 3
//! to 7 days long (uniform) and starts within ±15 days of the calendar day that it stands for (uniform over what the
//! pool holds), drawn by (seed, replication). Days stay whole, so all columns of an hour belong together; runs of dark
//! days of up to a week stay whole, so dark spells keep most of their persistence; the season stays within a fortnight.
//! (The sun itself moves by at most 6° in 15 days; beam and diffuse are taken as they are.)
//!
//! What this cannot give: a dark spell longer than the pool has, or a year worse than the file's. Assumed: 15 days, 3–7
//! days; shorter blocks would break dark spells, longer ones would make all years alike.

use std::path::Path;

use taa_models::{
    draw::{Draws, NodeKey, Purpose},
    weather::Series,
};
use taa_scenarios::{Diagnostics, Overrides, model::Scenario};

/// Days around the calendar day from which a block may be taken.
pub const REACH_DAYS: u32 = 15;
const BLOCK_DAYS: (u64, u64) = (3, 7);
const WEATHER: NodeKey = NodeKey::of("studies/weather");
const BLOCK: Purpose = Purpose::named("block of days");

/// The days from which blocks are taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    series: Series,
    /// Days that the pool holds before the run's first day.
    before_days: u32,
}

impl Pool {
    /// The run's own days alone: near its ends, blocks come from one side.
    #[must_use]
    pub fn of_run(scenario: &Scenario) -> Self {
        Self { series: scenario.weather.series.clone(), before_days: 0 }
    }

    /// The run's days and fifteen on either side, from the scenario's folder.
    ///
    /// # Errors
    /// What the loader says.
    pub fn around(dir: &Path, overrides: &Overrides, scenario: &Scenario) -> Result<Self, Diagnostics> {
        let local = scenario.run.start_unix_s + i64::from(scenario.site.utc_offset_s);
        let first_day = local.div_euclid(86_400) - i64::from(REACH_DAYS);
        let days = (scenario.run.days + 2 * REACH_DAYS).min(3660);
        let wider = Overrides { start: Some(date(first_day)), days: Some(days), faults: None, ..overrides.clone() };
        let loaded = taa_scenarios::load(dir, &wider)?;
        Ok(Self { series: loaded.weather.series, before_days: REACH_DAYS })
    }

    fn days(&self) -> u32 {
        (self.series.len() / 24) as u32
    }

    /// The weather of a draw for a run of `days` days that starts `from_day` days after the pool's run; draw 0 is the
    /// file's own.
    #[must_use]
    pub fn draw(&self, seed: u64, replication: u32, from_day: u32, days: u32) -> Series {
        let long_mean_ghi_w_per_m2 = self.series.long_mean_ghi_w_per_m2;
        let mut out = Series { step_s: 3600, long_mean_ghi_w_per_m2, ..Series::default() };
        let held = self.days();
        if held == 0 {
            return out;
        }
        let mut day = 0;
        let mut occasion = 0;
        while day < days {
            // Blocks are drawn for the pool's own calendar, so that a window of a run meets the run's weather.
            let at = self.before_days + from_day + day;
            let (first, length) = if replication == 0 {
                (at % held, 1)
            } else {
                let mut draws = Draws::keyed(seed, replication, WEATHER, BLOCK, (u64::from(from_day) << 32) | occasion);
                occasion += 1;
                let length = (BLOCK_DAYS.0 + draws.below(BLOCK_DAYS.1 - BLOCK_DAYS.0 + 1)) as u32;
                let length = length.min(days - day).min(held);
                let low = at.saturating_sub(REACH_DAYS).min(held - length);
                let high = (at + REACH_DAYS).min(held - length);
                (low + draws.below(u64::from(high - low) + 1) as u32, length)
            };
            self.append(&mut out, first, length);
            day += length;
        }
        out
    }

    fn append(&self, out: &mut Series, first_day: u32, days: u32) {
        let hours = first_day as usize * 24..(first_day + days) as usize * 24;
        let from = &self.series;
        for (to, column) in [
            (&mut out.ghi_w_per_m2, &from.ghi_w_per_m2),
            (&mut out.dni_w_per_m2, &from.dni_w_per_m2),
            (&mut out.dhi_w_per_m2, &from.dhi_w_per_m2),
            (&mut out.temp_c, &from.temp_c),
            (&mut out.wind_m_per_s, &from.wind_m_per_s),
        ] {
            to.extend_from_slice(&column[hours.clone()]);
        }
    }
}

/// The date of a day counted from 1970-01-01, as `--start` takes it (civil calendar, H. Hinnant's algorithm).
fn date(day: i64) -> String {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A year whose global irradiance names its day; days 100 to 104 are dark.
    fn pool() -> Pool {
        let column = |f: &dyn Fn(usize) -> f32| (0..395 * 24).map(|h| f(h / 24)).collect::<Vec<_>>();
        let dark = |d: usize| if (115..120).contains(&d) { 0.1 } else { 1.0 };
        let series = Series::hourly(
            column(&|d| d as f32),
            column(&|d| d as f32 * 2.0),
            column(&dark),
            column(&|_| 25.0),
            column(&|_| 1.0),
        );
        Pool { series: series.unwrap(), before_days: REACH_DAYS }
    }

    #[test]
    fn draw_zero_is_the_file_and_others_are_other_years_near_the_calendar() {
        let pool = pool();
        let own = pool.draw(3, 0, 0, 365);
        assert!((0..365).all(|d| (own.ghi_w_per_m2[d * 24] - (d + 15) as f32).abs() < 0.5));
        let other = pool.draw(3, 1, 0, 365);
        assert_eq!(other.len(), 365 * 24);
        assert_ne!(own, other);
        assert_eq!(other, pool.draw(3, 1, 0, 365));
        assert_ne!(other, pool.draw(3, 2, 0, 365));
        for d in 0..365_usize {
            let (day, beam) = (other.ghi_w_per_m2[d * 24 + 7], other.dni_w_per_m2[d * 24 + 7]);
            assert!((beam - 2.0 * day).abs() < 1e-3, "columns stay together");
            let off = day as i32 - (d as i32 + 15);
            assert!(off.abs() <= REACH_DAYS as i32 + BLOCK_DAYS.1 as i32, "day {d} is {off} days off");
        }
    }

    #[test]
    fn dark_spells_stay_whole_more_often_than_shuffled_days_would() {
        let pool = pool();
        // Of the days after a dark day, how many are dark: 4 of 5 in the file; 5 of 31 if days were shuffled.
        let (mut dark, mut again) = (0, 0);
        for replication in 1..200 {
            let series = pool.draw(3, replication, 0, 365);
            let is_dark = |d: usize| series.dhi_w_per_m2[d * 24] < 0.5;
            for d in 0..364 {
                if is_dark(d) {
                    dark += 1;
                    again += u32::from(is_dark(d + 1));
                }
            }
        }
        let share = f64::from(again) / f64::from(dark);
        assert!((0.55..0.85).contains(&share), "{share} of {dark}");
    }

    #[test]
    fn a_run_shorter_than_a_block_and_a_pool_of_its_own_work() {
        let pool = Pool { before_days: 0, ..pool() };
        assert_eq!(pool.draw(1, 4, 0, 1).len(), 24);
        assert_eq!(pool.draw(1, 4, 300, 2).len(), 48);
        assert_eq!(pool.draw(1, 0, 394, 3).len(), 72);
        let empty = Pool { series: Series::default(), before_days: 0 };
        assert!(empty.draw(1, 1, 0, 3).is_empty());
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(20_454), "2026-01-01");
        assert_eq!(date(20_454 - 15), "2025-12-17");
        assert_eq!(date(19_782), "2024-02-29");
    }
}
