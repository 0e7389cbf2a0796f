//! What takes several bearers at once: a cut in the shared transmission, a fault in the core, a country off the net.
//!
//! *Measured* on Brazilian campus links (`rsflood_campus_links_stats.json`): 27.85 % of outages fall into hours in
//! which a tenth of all links is down. For a rural site that means the one fibre or microwave chain that both
//! operators rent. Country-scale outages are *measured* by IODA (266 events without political cause in 36 countries,
//! 2018–2022): a lower bound of the rate, because analysts chose what to look at; Tanzania, Kenya and Uganda are at
//! the low end. Those cut the way out of the country: data stops, a call or a USSD menu at home does not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DownWhy;
use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::Checks,
    spells::{self, MONTH_H, Spell},
};

/// Common causes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CommonCauseParams {
    /// Share of a bearer's drops that take the other operator's bearer along, 0–1. Measured elsewhere: 0.2785
    /// (Brazilian campus links).
    pub share_of_drops: f64,
    /// Share of those that cut the towers' transmission, so that phones lose service too, 0–1; the others hit data
    /// alone. Assumed: 0.5.
    pub phones_share: f64,
    /// Country-scale internet outages a month. Measured: 0.141 (IODA, pooled over 36 countries; a lower bound; the
    /// median country 0.105).
    pub country_per_month: f64,
    /// Median country-scale outage, minutes. Measured: 143.3 (IODA, scale of the log-logistic fit; p50 137.5).
    pub country_median_min: f64,
    /// Shape of the log-logistic fit. Measured: 1.3918 (IODA).
    pub country_shape: f64,
}

impl Default for CommonCauseParams {
    fn default() -> Self {
        Self {
            share_of_drops: 0.2785,
            phones_share: 0.5,
            country_per_month: 0.141,
            country_median_min: 143.3,
            country_shape: 1.3918,
        }
    }
}

impl CommonCauseParams {
    pub(super) fn checked(&self, checks: Checks) -> Checks {
        let (rate, shape) = (self.country_per_month, self.country_shape);
        checks
            .share("common_cause.share_of_drops", self.share_of_drops)
            .share("common_cause.phones_share", self.phones_share)
            .demand((0.0..=100.0).contains(&rate), "common_cause.country_per_month", rate, "0 to 100 a month")
            .positive("common_cause.country_median_min", self.country_median_min)
            .demand(shape > 0.2 && shape <= 20.0, "common_cause.country_shape", shape, "more than 0.2, up to 20")
    }
}

const KEY: NodeKey = NodeKey::of("cellular/common");
const COUNTRY: Purpose = Purpose::named("cellular/country");
/// No country-scale outage of the data lasts longer but for one (520 h), hours.
const COUNTRY_MOST_H: f64 = 240.0;

/// What a common cause hits.
pub(super) fn reach(p: &CommonCauseParams, draws: &mut Draws) -> DownWhy {
    if draws.chance(p.phones_share) { DownWhy::FibreCut } else { DownWhy::CoreFault }
}

/// The country off the net.
pub(super) fn country(p: &CommonCauseParams, seed: u64, rep: u32, horizon_ms: u64) -> Vec<(Spell, DownWhy)> {
    spells::renewal(seed, rep, KEY, COUNTRY, MONTH_H / p.country_per_month, horizon_ms, |draws| {
        let u = draws.uniform();
        let hours = p.country_median_min / 60.0 * libm::pow(u / (1.0 - u), 1.0 / p.country_shape);
        (hours.clamp(5.0 / 60.0, COUNTRY_MOST_H), DownWhy::Country)
    })
}
