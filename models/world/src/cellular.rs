//! Towers, bearers and the satellite link: when they are down and why, and how long a message takes.
//!
//! [`timeline`] is exogenous: a function of parameters, part, seed and replication. A tower is a site of the mobile
//! operator; a bearer is what is between the tower and the site's modem besides (registration, packet core, router,
//! SIM balance). A second SIM shares the first tower's fate with a probability: rural operators rent the same mast.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::{Checks, ParamError},
    spells::{self, MONTH_H, Spell},
};

/// Wide-area links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CellularParams {
    /// Share of tower sites with at least one unplanned outage in a month, 0–1. Assumed: 0.35 (0.30–0.40 in the
    /// project's brief, no primary source found).
    pub tower_share_out_per_month: f64,
    /// Shortest tower outage, hours. Assumed: 2 (the brief's range is 2–72 h).
    pub tower_outage_least_h: f64,
    /// Median tower outage, hours. Assumed: 8 (the shape within the range is not published).
    pub tower_outage_median_h: f64,
    /// Longest tower outage, hours. Assumed: 72.
    pub tower_outage_most_h: f64,
    /// Share of tower outages caused by power, 0–1. Published: 0.80 (Idiapho and Odinikuku 2018, abstract).
    pub tower_power_share: f64,
    /// Drops of the site's own bearer or router a month. Assumed: 8.3 (brief; attributed to the World Bank,
    /// unverified; it may count tower outages too).
    pub bearer_drops_per_month: f64,
    /// Median bearer drop, minutes. Assumed: 30 (measured on Brazilian campus links: 80, with the same long tail).
    pub bearer_drop_median_min: f64,
    /// Spread of the logarithm of bearer drops. Measured elsewhere: 1.66 (Brazilian campus links); assumed 1.5.
    pub bearer_drop_sigma: f64,
    /// Probability that an outage of the first tower takes the second SIM's tower down as well, 0–1. Assumed: 0.4.
    pub second_sim_shares_fate: f64,
    /// Rain fades of the satellite link a month. Assumed: 6.
    pub vsat_fades_per_month: f64,
    /// Median rain fade, minutes. Assumed: 15.
    pub vsat_fade_median_min: f64,
    /// Faults of the satellite terminal a month. Assumed: 0.1, mended after a median of 20 h.
    pub vsat_faults_per_month: f64,
    /// Median one-way latency of a cellular link, milliseconds. Assumed: 250; spread of the logarithm 0.7.
    pub cellular_latency_median_ms: f64,
    /// Median one-way latency of the satellite link, milliseconds. Assumed: 330 (geostationary).
    pub vsat_latency_median_ms: f64,
}

impl Default for CellularParams {
    fn default() -> Self {
        Self {
            tower_share_out_per_month: 0.35,
            tower_outage_least_h: 2.0,
            tower_outage_median_h: 8.0,
            tower_outage_most_h: 72.0,
            tower_power_share: 0.80,
            bearer_drops_per_month: 8.3,
            bearer_drop_median_min: 30.0,
            bearer_drop_sigma: 1.5,
            second_sim_shares_fate: 0.4,
            vsat_fades_per_month: 6.0,
            vsat_fade_median_min: 15.0,
            vsat_faults_per_month: 0.1,
            cellular_latency_median_ms: 250.0,
            vsat_latency_median_ms: 330.0,
        }
    }
}

impl CellularParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let share = self.tower_share_out_per_month;
        let (least, median, most) = (self.tower_outage_least_h, self.tower_outage_median_h, self.tower_outage_most_h);
        Checks::default()
            .demand((0.0..1.0).contains(&share), "tower_share_out_per_month", share, "0 to less than 1")
            .demand(least > 0.0 && least <= 8766.0, "tower_outage_least_h", least, "more than 0, up to 8766 hours")
            .demand(median >= least, "tower_outage_median_h", median, "`tower_outage_least_h` or more")
            .demand(
                most >= median && most <= 8766.0,
                "tower_outage_most_h",
                most,
                "`tower_outage_median_h` or more, up to 8766 hours",
            )
            .share("tower_power_share", self.tower_power_share)
            .demand(
                (0.0..=1000.0).contains(&self.bearer_drops_per_month),
                "bearer_drops_per_month",
                self.bearer_drops_per_month,
                "0 to 1000 a month",
            )
            .positive("bearer_drop_median_min", self.bearer_drop_median_min)
            .demand(
                (0.0..=4.0).contains(&self.bearer_drop_sigma),
                "bearer_drop_sigma",
                self.bearer_drop_sigma,
                "0 to 4",
            )
            .share("second_sim_shares_fate", self.second_sim_shares_fate)
            .demand(
                (0.0..=1000.0).contains(&self.vsat_fades_per_month),
                "vsat_fades_per_month",
                self.vsat_fades_per_month,
                "0 to 1000 a month",
            )
            .positive("vsat_fade_median_min", self.vsat_fade_median_min)
            .demand(
                (0.0..=100.0).contains(&self.vsat_faults_per_month),
                "vsat_faults_per_month",
                self.vsat_faults_per_month,
                "0 to 100 a month",
            )
            .positive("cellular_latency_median_ms", self.cellular_latency_median_ms)
            .positive("vsat_latency_median_ms", self.vsat_latency_median_ms)
            .done()
    }
}

/// A part of the way from the site to the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CellularPart {
    /// The first operator's tower.
    TowerA,
    /// The second operator's tower.
    TowerB,
    /// The first operator's bearer.
    BearerA,
    /// The second operator's bearer.
    BearerB,
    /// The satellite link.
    Vsat,
}

impl CellularPart {
    /// All parts.
    pub const ALL: [Self; 5] = [Self::TowerA, Self::TowerB, Self::BearerA, Self::BearerB, Self::Vsat];

    const fn key(self) -> NodeKey {
        NodeKey::of(match self {
            Self::TowerA => "cellular/tower-a",
            Self::TowerB => "cellular/tower-b",
            Self::BearerA => "cellular/bearer-a",
            Self::BearerB => "cellular/bearer-b",
            Self::Vsat => "cellular/vsat",
        })
    }
}

/// Why a part is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DownWhy {
    /// The tower has no power.
    Power,
    /// Equipment failed.
    Equipment,
    /// The bearer or router hangs.
    Bearer,
    /// Rain between dish and satellite.
    Rain,
}

/// An interval of being down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Down {
    /// Start, milliseconds of the run.
    pub start_ms: u64,
    /// End, milliseconds of the run; at most the horizon.
    pub end_ms: u64,
    /// Why.
    pub why: DownWhy,
}

const OUTAGE: Purpose = Purpose::named("cellular/outage");
const FADE: Purpose = Purpose::named("cellular/fade");
const SHARED: Purpose = Purpose::named("cellular/shared-fate");

/// When this part is down between 0 and the horizon: sorted, never overlapping.
#[must_use]
pub fn timeline(
    params: &CellularParams,
    part: CellularPart,
    seed: u64,
    replication: u32,
    horizon_ms: u64,
) -> Vec<Down> {
    let spells = match part {
        CellularPart::TowerA => tower(params, part, 1.0, seed, replication, horizon_ms),
        CellularPart::TowerB => second_tower(params, seed, replication, horizon_ms),
        CellularPart::BearerA | CellularPart::BearerB => bearer(params, part, seed, replication, horizon_ms),
        CellularPart::Vsat => vsat(params, seed, replication, horizon_ms),
    };
    spells.into_iter().map(|(s, why)| Down { start_ms: s.start_ms, end_ms: s.end_ms, why }).collect()
}

/// One-way latency over this part while it is up, milliseconds.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn latency_ms(params: &CellularParams, part: CellularPart, draws: &mut Draws) -> u64 {
    let (median, sigma) = match part {
        CellularPart::Vsat => (params.vsat_latency_median_ms, 0.2),
        _ => (params.cellular_latency_median_ms, 0.7),
    };
    (draws.lognormal(median, sigma) as u64).clamp(1, 60_000)
}

type Spells = Vec<(Spell, DownWhy)>;

fn tower(p: &CellularParams, part: CellularPart, rate_share: f64, seed: u64, rep: u32, horizon_ms: u64) -> Spells {
    // Share with at least one start in a month = 1 − exp(−rate).
    let rate = -libm::log(1.0 - p.tower_share_out_per_month) * rate_share;
    spells::renewal(seed, rep, part.key(), OUTAGE, MONTH_H / rate, horizon_ms, |draws| {
        let why = if draws.chance(p.tower_power_share) { DownWhy::Power } else { DownWhy::Equipment };
        let (least, most) = (p.tower_outage_least_h, p.tower_outage_most_h);
        (spells::bounded_lognormal(draws, p.tower_outage_median_h, 0.9, least, most), why)
    })
}

/// Takes over each outage of the first tower with the shared probability; own ones fill up to the same rate.
fn second_tower(p: &CellularParams, seed: u64, rep: u32, horizon_ms: u64) -> Spells {
    let shared = p.second_sim_shares_fate;
    let mut all = tower(p, CellularPart::TowerB, 1.0 - shared, seed, rep, horizon_ms);
    let first = tower(p, CellularPart::TowerA, 1.0, seed, rep, horizon_ms);
    all.extend(first.into_iter().zip(0..).filter_map(|(spell, i)| {
        Draws::keyed(seed, rep, CellularPart::TowerB.key(), SHARED, i).chance(shared).then_some(spell)
    }));
    spells::union(all)
}

fn bearer(p: &CellularParams, part: CellularPart, seed: u64, rep: u32, horizon_ms: u64) -> Spells {
    spells::renewal(seed, rep, part.key(), OUTAGE, MONTH_H / p.bearer_drops_per_month, horizon_ms, |draws| {
        let median_h = p.bearer_drop_median_min / 60.0;
        (spells::bounded_lognormal(draws, median_h, p.bearer_drop_sigma, 0.01, 72.0), DownWhy::Bearer)
    })
}

fn vsat(p: &CellularParams, seed: u64, rep: u32, horizon_ms: u64) -> Spells {
    let key = CellularPart::Vsat.key();
    let mut all = spells::renewal(seed, rep, key, FADE, MONTH_H / p.vsat_fades_per_month, horizon_ms, |draws| {
        (spells::bounded_lognormal(draws, p.vsat_fade_median_min / 60.0, 0.8, 0.01, 6.0), DownWhy::Rain)
    });
    all.extend(spells::renewal(seed, rep, key, OUTAGE, MONTH_H / p.vsat_faults_per_month, horizon_ms, |draws| {
        (spells::bounded_lognormal(draws, 20.0, 1.0, 0.5, 400.0), DownWhy::Equipment)
    }));
    spells::union(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spells::HOUR_MS;

    const MONTHS: u64 = 12;
    const SITES: u64 = 1500;
    const MONTH_MS: u64 = 730 * HOUR_MS + HOUR_MS / 2;

    fn year(part: CellularPart, seed: u64) -> Vec<Down> {
        timeline(&CellularParams::default(), part, seed, 0, MONTHS * MONTH_MS)
    }

    fn share_of_months_with_a_start(part: CellularPart) -> f64 {
        let mut hit = 0;
        for seed in 0..SITES {
            let downs = year(part, seed);
            hit += (0..MONTHS).filter(|m| downs.iter().any(|d| d.start_ms / MONTH_MS == *m)).count();
        }
        hit as f64 / (SITES * MONTHS) as f64
    }

    #[test]
    fn a_third_of_towers_fail_in_a_month() {
        // 18 000 site-months: standard error 0.36 %.
        let a = share_of_months_with_a_start(CellularPart::TowerA);
        let b = share_of_months_with_a_start(CellularPart::TowerB);
        assert!((a - 0.35).abs() < 0.012, "{a}");
        assert!((b - 0.35).abs() < 0.015, "{b}");
    }

    #[test]
    fn tower_outages_have_the_stated_lengths_and_causes() {
        let all: Vec<Down> = (0..SITES).flat_map(|s| year(CellularPart::TowerA, s)).collect();
        let whole = |d: &&Down| d.end_ms < MONTHS * MONTH_MS;
        let hours: Vec<f64> =
            all.iter().filter(whole).map(|d| (d.end_ms - d.start_ms) as f64 / HOUR_MS as f64).collect();
        assert!(hours.iter().all(|h| (1.999..=72.001).contains(h)));
        let power = all.iter().filter(|d| d.why == DownWhy::Power).count() as f64 / all.len() as f64;
        assert!((power - 0.8).abs() < 0.02, "{power}");
    }

    #[test]
    fn bearers_drop_eight_times_a_month() {
        let drops: usize = (0..300).map(|s| year(CellularPart::BearerA, s).len()).sum();
        let rate = drops as f64 / (300 * MONTHS) as f64;
        assert!((rate - 8.3).abs() < 0.25, "{rate}");
    }

    #[test]
    fn intervals_never_overlap_and_end_in_time() {
        for seed in 0..200 {
            for part in CellularPart::ALL {
                let downs = year(part, seed);
                assert!(downs.iter().all(|d| d.start_ms < d.end_ms && d.end_ms <= MONTHS * MONTH_MS));
                assert!(downs.windows(2).all(|w| w[0].end_ms < w[1].start_ms), "{part:?} {seed}");
            }
        }
    }

    #[test]
    fn a_shared_mast_takes_both_sims_down() {
        let both = |fate| {
            let p = CellularParams { second_sim_shares_fate: fate, ..CellularParams::default() };
            let mut together = 0_u64;
            for seed in 0..200 {
                let a = timeline(&p, CellularPart::TowerA, seed, 0, MONTHS * MONTH_MS);
                let b = timeline(&p, CellularPart::TowerB, seed, 0, MONTHS * MONTH_MS);
                for x in &a {
                    together += b
                        .iter()
                        .map(|y| x.end_ms.min(y.end_ms).saturating_sub(x.start_ms.max(y.start_ms)))
                        .sum::<u64>();
                }
            }
            together
        };
        let (none, some, all) = (both(0.0), both(0.4), both(1.0));
        assert!(none * 10 < some && some * 2 < all, "{none} {some} {all}");
    }
}
