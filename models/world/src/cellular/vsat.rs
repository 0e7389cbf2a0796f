//! The satellite link: rain between dish and satellite, and the terminal's own faults.
//!
//! Rain fades come with the weather of the village: candidates are drawn at the rate of the wettest day and kept in
//! proportion to the day's wetness, so a dry month has next to none and a rainy one many.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DownWhy, Sky, link::LinkFigures};
use crate::{
    draw::{NodeKey, Purpose},
    param::Checks,
    spells::{self, MONTH_H, Spell},
};

/// The satellite link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VsatParams {
    /// Rain fades on a wholly overcast day. Assumed: 2 (afternoon storms; a Ku-band dish).
    pub fades_per_wet_day: f64,
    /// Median rain fade, minutes. Assumed: 15; spread of the logarithm 0.8, at most 6 hours.
    pub fade_median_min: f64,
    /// Faults of the terminal a month. Assumed: 0.1.
    pub faults_per_month: f64,
    /// Median time until the terminal is mended, hours. Assumed: 20; spread of the logarithm 1, at most 400 hours.
    pub fault_median_h: f64,
    /// Median one-way latency, milliseconds. Assumed: 330 (geostationary: 250 of them are the way of the light).
    pub latency_median_ms: f64,
    /// Usable rate, kilobits per second. Assumed: 256.
    pub rate_kbit_per_s: f64,
}

impl Default for VsatParams {
    fn default() -> Self {
        Self {
            fades_per_wet_day: 2.0,
            fade_median_min: 15.0,
            faults_per_month: 0.1,
            fault_median_h: 20.0,
            latency_median_ms: 330.0,
            rate_kbit_per_s: 256.0,
        }
    }
}

impl VsatParams {
    pub(super) fn checked(&self, checks: Checks) -> Checks {
        let (fades, faults) = (self.fades_per_wet_day, self.faults_per_month);
        checks
            .demand((0.0..=100.0).contains(&fades), "vsat.fades_per_wet_day", fades, "0 to 100 a day")
            .positive("vsat.fade_median_min", self.fade_median_min)
            .demand((0.0..=100.0).contains(&faults), "vsat.faults_per_month", faults, "0 to 100 a month")
            .positive("vsat.fault_median_h", self.fault_median_h)
            .positive("vsat.latency_median_ms", self.latency_median_ms)
            .positive("vsat.rate_kbit_per_s", self.rate_kbit_per_s)
    }

    /// What the link does to a frame while it is up.
    #[must_use]
    pub fn figures(&self) -> LinkFigures {
        LinkFigures {
            latency_median_ms: self.latency_median_ms,
            latency_sigma: 0.2,
            rate_bit_per_s: self.rate_kbit_per_s * 1000.0,
            registration_s: 60.0,
        }
    }
}

const FADE: Purpose = Purpose::named("cellular/fade");
const FAULT: Purpose = Purpose::named("cellular/vsat-fault");

pub(super) fn timeline(p: &VsatParams, sky: &Sky, seed: u64, rep: u32, horizon_ms: u64) -> Vec<(Spell, DownWhy)> {
    const KEY: NodeKey = NodeKey::of("cellular/vsat");
    let mut all = Vec::new();
    if p.fades_per_wet_day > 0.0 {
        let gap_h = 24.0 / p.fades_per_wet_day;
        let fade = |draws: &mut crate::draw::Draws, at_ms: i64| {
            let wet = sky.wetness(at_ms.div_euclid(86_400_000));
            let hours = spells::bounded_lognormal(draws, p.fade_median_min / 60.0, 0.8, 0.01, 6.0);
            draws.chance(wet).then_some((hours, DownWhy::Rain))
        };
        all = spells::alternating(seed, rep, KEY, FADE, 0, horizon_ms, |d| d.exponential(gap_h), fade);
    }
    all.extend(spells::renewal(seed, rep, KEY, FAULT, MONTH_H / p.faults_per_month, horizon_ms, |draws| {
        (spells::bounded_lognormal(draws, p.fault_median_h, 1.0, 0.5, 400.0), DownWhy::Equipment)
    }));
    spells::union(all)
}
