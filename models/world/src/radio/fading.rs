//! What changes while nobody moves: leaves, wet seasons, and people and vehicles passing.
//!
//! Rain itself does nothing below 1 GHz (ITU-R P.838 begins there); what it wets does: leaves carry water. Leaves
//! follow Weissberger's law (R. A. Weissberger, ESD-TR-81-101, 1982; 0.23–95 GHz) in full leaf, scaled by the season's
//! share.
//!
//! The fast part is Rician. A [`Passage`] alternates between clear and blocked; blocked, the direct ray loses some
//! decibels while the scattered part stays, so K falls by as much.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::{Draws, NodeKey, Purpose, normal_quantile},
    param::{Checks, ParamError},
};

/// Season and passers-by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FadingParams {
    /// Leaves on the path per 100 m of link, m. Assumed: 4 (a village with yards and shade trees).
    pub foliage_m_per_100m: f64,
    /// Share of the leaves left at the height of the dry season, 0–1. Assumed: 0.4.
    pub dry_season_leaf_share: f64,
    /// Day of the year in the middle of the wet season, 1–366. Assumed: 105 (the long rains of East Africa).
    pub wet_season_day: f64,
    /// What a soaking adds to the leaves' loss, share. Assumed: 0.3.
    pub wet_leaves_add: f64,
    /// Rain from which leaves count as soaked, mm/h. Assumed: 2.
    pub soaking_mm_per_h: f64,
    /// Rain of a year, mm; falls on dull days of dull seasons. Assumed: 1000 (East Africa: 600 to 1400).
    pub rain_mm_per_year: f64,
    /// How hard it rains when it rains, mm/h. Assumed: 8 (afternoon showers).
    pub shower_mm_per_h: f64,
    /// Ratio of direct to scattered power with nobody in the way, dB. Assumed: 8.
    pub rician_k_db: f64,
    /// Passers-by block a path on the mean once in this time by day, s. Assumed: 120.
    pub clear_mean_s: f64,
    /// And stay this long, s. Assumed: 4.
    pub blocked_mean_s: f64,
    /// What they take off the direct ray, dB. Assumed: 8.
    pub blocked_db: f64,
}

impl Default for FadingParams {
    fn default() -> Self {
        Self {
            foliage_m_per_100m: 4.0,
            dry_season_leaf_share: 0.4,
            wet_season_day: 105.0,
            wet_leaves_add: 0.3,
            soaking_mm_per_h: 2.0,
            rain_mm_per_year: 1000.0,
            shower_mm_per_h: 8.0,
            rician_k_db: 8.0,
            clear_mean_s: 120.0,
            blocked_mean_s: 4.0,
            blocked_db: 8.0,
        }
    }
}

impl FadingParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let day = (1.0..=366.0).contains(&self.wet_season_day);
        let leaves = (0.0..=100.0).contains(&self.foliage_m_per_100m);
        let rain = (0.0..=200.0).contains(&self.soaking_mm_per_h);
        Checks::default()
            .demand(leaves, "foliage_m_per_100m", self.foliage_m_per_100m, "0 to 100 m")
            .share("dry_season_leaf_share", self.dry_season_leaf_share)
            .demand(day, "wet_season_day", self.wet_season_day, "1 to 366")
            .share("wet_leaves_add", self.wet_leaves_add)
            .demand(rain, "soaking_mm_per_h", self.soaking_mm_per_h, "0 to 200 mm/h")
            .demand(
                (0.0..=20_000.0).contains(&self.rain_mm_per_year),
                "rain_mm_per_year",
                self.rain_mm_per_year,
                "0 to 20000 mm",
            )
            .demand(
                (0.1..=500.0).contains(&self.shower_mm_per_h),
                "shower_mm_per_h",
                self.shower_mm_per_h,
                "0.1 to 500 mm/h",
            )
            .demand((-20.0..=40.0).contains(&self.rician_k_db), "rician_k_db", self.rician_k_db, "-20 to 40 dB")
            .positive("clear_mean_s", self.clear_mean_s)
            .positive("blocked_mean_s", self.blocked_mean_s)
            .demand((0.0..=40.0).contains(&self.blocked_db), "blocked_db", self.blocked_db, "0 to 40 dB")
            .done()
    }

    /// From when to when it rains on a day, hours after midnight: one shower around four in the afternoon (assumed), the longer
    /// the wetter the day is. `rain_index` is 1 on a mean day of the year ([`crate::assets::Climate::rain`]); none when
    /// the day is dry.
    #[must_use]
    pub fn shower_h(&self, rain_index: f64, seed: (u64, u32), day: u64) -> Option<[f64; 2]> {
        const SHOWER: Purpose = Purpose::named("radio/shower");
        const SHORTEST_H: f64 = 0.05;
        let hours = (rain_index * self.rain_mm_per_year / 365.25 / self.shower_mm_per_h).min(24.0);
        if hours < SHORTEST_H {
            return None;
        }
        let middle_h = Draws::keyed(seed.0, seed.1, NodeKey::of("sky"), SHOWER, day).normal(16.0, 3.0);
        let from_h = (middle_h - 0.5 * hours).clamp(0.0, 24.0 - hours);
        Some([from_h, from_h + hours])
    }

    /// What leaves take off a link of this length on this day of the year under this rain, dB.
    #[must_use]
    pub fn slow_db(&self, frequency_hz: f64, length_m: f64, day_of_year: f64, rain_mm_per_h: f64) -> f64 {
        self.leaves_db(frequency_hz, length_m) * self.leaf_share(day_of_year, rain_mm_per_h)
    }

    /// What the trees on a link of this length take off it in full leaf, dB.
    #[must_use]
    pub fn leaves_db(&self, frequency_hz: f64, length_m: f64) -> f64 {
        weissberger_db(frequency_hz, (self.foliage_m_per_100m * length_m / 100.0).min(400.0))
    }

    /// How much of that is there on this day of the year under this rain: 1 in full leaf, more when it is soaked.
    #[must_use]
    pub fn leaf_share(&self, day_of_year: f64, rain_mm_per_h: f64) -> f64 {
        let year = 2.0 * core::f64::consts::PI * (day_of_year - self.wet_season_day) / 365.25;
        let green = 0.5 * (1.0 + libm::cos(year));
        let share = self.dry_season_leaf_share + (1.0 - self.dry_season_leaf_share) * green;
        let wet = if rain_mm_per_h >= self.soaking_mm_per_h { 1.0 + self.wet_leaves_add } else { 1.0 };
        share * wet
    }

    /// Power of the fading against the mean of the unblocked link, by two uniform normals (one for the part in phase
    /// with the direct ray, one across), dB.
    #[must_use]
    pub fn rician_db(&self, blocked: bool, in_phase: f64, across: f64) -> f64 {
        let k = libm::pow(10.0, self.rician_k_db / 10.0);
        let taken = if blocked { libm::pow(10.0, -self.blocked_db / 20.0) } else { 1.0 };
        let direct = taken * libm::sqrt(k / (k + 1.0));
        let each = libm::sqrt(0.5 / (k + 1.0));
        let (x, y) = (direct + each * in_phase, each * across);
        10.0 * libm::log10((x * x + y * y).max(1e-12))
    }

    /// Fading in equal shares of probability, passers-by included, worst first, dB: what a table of packet errors is
    /// averaged over.
    #[must_use]
    pub fn shares_db(&self) -> Vec<f64> {
        const STEPS: u32 = 12;
        const KEEP: usize = 32;
        let normal = |i: u32| normal_quantile((f64::from(i) + 0.5) / f64::from(STEPS));
        let blocked = self.blocked_mean_s / (self.blocked_mean_s + self.clear_mean_s);
        let mut all: Vec<(f64, f64)> = Vec::new();
        for (state, share) in [(false, 1.0 - blocked), (true, blocked)] {
            for i in 0..STEPS {
                for j in 0..STEPS {
                    all.push((self.rician_db(state, normal(i), normal(j)), share / f64::from(STEPS * STEPS)));
                }
            }
        }
        all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut kept = Vec::with_capacity(KEEP);
        let mut passed = 0.0;
        for (db, share) in all {
            passed += share;
            while kept.len() < KEEP && passed > (kept.len() as f64 + 0.5) / KEEP as f64 {
                kept.push(db);
            }
        }
        kept
    }
}

/// Weissberger's loss through full leaf, dB.
#[must_use]
pub fn weissberger_db(frequency_hz: f64, depth_m: f64) -> f64 {
    let by_frequency = libm::pow(frequency_hz / 1e9, 0.284);
    let by_depth = if depth_m < 14.0 { 0.45 * depth_m.max(0.0) } else { 1.33 * libm::pow(depth_m.min(400.0), 0.588) };
    by_frequency * by_depth
}

/// People and vehicles on one path: clear and blocked spells of exponential length, each drawn by its number, so the
/// state at a time does not depend on who asked before.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    seed: u64,
    link: NodeKey,
    spell: u64,
    blocked: bool,
    until_ms: i64,
}

impl Passage {
    /// A path that is clear at time 0.
    #[must_use]
    pub fn new(params: &FadingParams, seed: u64, link: NodeKey) -> Self {
        let mut passage = Self { seed, link, spell: 0, blocked: false, until_ms: 0 };
        passage.until_ms = passage.length_ms(params);
        passage
    }

    /// Goes on to `now_ms` (never back) and says whether somebody is in the way.
    pub fn blocked_at(&mut self, params: &FadingParams, now_ms: i64) -> bool {
        while self.until_ms <= now_ms {
            self.spell += 1;
            self.blocked = !self.blocked;
            self.until_ms = self.until_ms.saturating_add(self.length_ms(params));
        }
        self.blocked
    }

    /// When the present spell ends, ms.
    #[must_use]
    pub const fn until_ms(&self) -> i64 {
        self.until_ms
    }

    #[allow(clippy::cast_possible_truncation)]
    fn length_ms(&self, params: &FadingParams) -> i64 {
        const PASSAGE: Purpose = Purpose::named("radio/passage");
        let mean_s = if self.blocked { params.blocked_mean_s } else { params.clear_mean_s };
        let length = Draws::keyed(self.seed, 0, self.link, PASSAGE, self.spell).exponential(mean_s * 1000.0);
        (length as i64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wet_season_is_worse_than_the_dry_and_rain_worse_again() {
        let p = FadingParams::default();
        let (wet, dry) = (p.slow_db(868e6, 200.0, 105.0, 0.0), p.slow_db(868e6, 200.0, 288.0, 0.0));
        let soaked = p.slow_db(868e6, 200.0, 105.0, 10.0);
        assert!(dry < wet && wet < soaked && (dry / wet - 0.4).abs() < 0.01 && (soaked / wet - 1.3).abs() < 1e-9);
        // Weissberger's two laws meet at 14 m.
        assert!((weissberger_db(1e9, 13.999) - weissberger_db(1e9, 14.001)).abs() < 0.1);
    }

    #[test]
    fn the_year_s_rain_falls_in_showers_of_wet_days() {
        let p = FadingParams::default();
        // Two days of three are dry, the third brings all of it.
        let index = |day: u64| if day.is_multiple_of(3) { 3.0 } else { 0.0 };
        let showers: Vec<[f64; 2]> = (0..3653).filter_map(|day| p.shower_h(index(day), (7, 0), day)).collect();
        let mm = showers.iter().map(|[from, until]| (until - from) * p.shower_mm_per_h).sum::<f64>() / 10.0;
        assert!((mm / 1000.0 - 1.0).abs() < 0.01 && showers.len() == 1218, "{mm} mm, {}", showers.len());
        assert!(showers.iter().all(|[from, until]| *from >= 0.0 && *until <= 24.0 && from < until));
        let evening = showers.iter().filter(|[from, _]| (12.0..20.0).contains(from)).count();
        assert!(evening * 10 > showers.len() * 7, "{evening}");
        let drier = FadingParams { rain_mm_per_year: 0.0, ..p };
        assert_eq!(drier.shower_h(5.0, (7, 0), 1), None);
    }

    #[test]
    fn rician_power_is_one_on_the_mean_and_passers_by_take_from_it() {
        let p = FadingParams { blocked_mean_s: 1e-6, clear_mean_s: 1e7, ..FadingParams::default() };
        let mean =
            |shares: &[f64]| shares.iter().map(|db| libm::pow(10.0, db / 10.0)).sum::<f64>() / shares.len() as f64;
        let clear = mean(&p.shares_db());
        assert!((clear - 1.0).abs() < 0.05, "{clear}");
        let often = FadingParams { clear_mean_s: 10.0, blocked_mean_s: 10.0, ..FadingParams::default() };
        assert!(mean(&often.shares_db()) < 0.7);
        assert_eq!(p.shares_db().len(), 32);
        assert_eq!(FadingParams::default().check(), []);
    }

    #[test]
    fn a_passage_blocks_for_its_share_of_time_and_is_the_same_however_it_is_asked() {
        let p = FadingParams::default();
        let mut every = Passage::new(&p, 7, NodeKey::of("link"));
        let hour_ms = 3_600_000;
        let seen: Vec<bool> = (0..10 * hour_ms / 500).map(|i| every.blocked_at(&p, i * 500)).collect();
        let share = seen.iter().filter(|b| **b).count() as f64 / seen.len() as f64;
        let wanted = 4.0 / 124.0;
        assert!((share / wanted - 1.0).abs() < 0.35, "{share} for {wanted}");
        let mut seldom = Passage::new(&p, 7, NodeKey::of("link"));
        assert_eq!(seldom.blocked_at(&p, 9 * hour_ms), seen[usize::try_from(9 * hour_ms / 500).unwrap()]);
    }
}
