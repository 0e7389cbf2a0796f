//! The prepaid data bundle: it lapses, somebody forgets to renew it, and the office has hours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DownWhy, Sky};
use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::Checks,
    spells::{HOUR_MS, Spell, to_ms},
};

/// The SIM's prepaid bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SimCardParams {
    /// How long a bundle lasts, days. Assumed: 30.
    pub bundle_days: f64,
    /// Share of bundles that nobody renews in time, 0–1. Assumed: 0.05 (about one lapse in 20 months per SIM).
    pub forgotten_share: f64,
    /// Median time from the lapse until the office knows why the site is silent, hours. Assumed: 6; spread of the
    /// logarithm 1. It is bought in the next office hour after that.
    pub noticed_median_h: f64,
    /// Office opens, local hour of the day, Monday to Friday. Assumed: 8.
    pub office_from_h: f64,
    /// Office closes, local hour of the day. Assumed: 17.
    pub office_until_h: f64,
}

impl Default for SimCardParams {
    fn default() -> Self {
        Self {
            bundle_days: 30.0,
            forgotten_share: 0.05,
            noticed_median_h: 6.0,
            office_from_h: 8.0,
            office_until_h: 17.0,
        }
    }
}

impl SimCardParams {
    pub(super) fn checked(&self, checks: Checks) -> Checks {
        let (days, from, until) = (self.bundle_days, self.office_from_h, self.office_until_h);
        checks
            .demand((1.0..=3660.0).contains(&days), "sim_card.bundle_days", days, "1 to 3660 days")
            .share("sim_card.forgotten_share", self.forgotten_share)
            .positive("sim_card.noticed_median_h", self.noticed_median_h)
            .demand((0.0..24.0).contains(&from), "sim_card.office_from_h", from, "0 to less than 24")
            .demand(until > from && until <= 24.0, "sim_card.office_until_h", until, "after `office_from_h`, up to 24")
    }
}

const BUNDLE: Purpose = Purpose::named("cellular/bundle");

pub(super) fn timeline(
    p: &SimCardParams,
    sky: &Sky,
    key: NodeKey,
    seed: u64,
    rep: u32,
    horizon_ms: u64,
) -> Vec<(Spell, DownWhy)> {
    let bundle_ms = to_ms(p.bundle_days * 24.0).max(HOUR_MS);
    let mut found: Vec<(Spell, DownWhy)> = Vec::new();
    if p.forgotten_share <= 0.0 {
        return found;
    }
    let phase = Draws::keyed(seed, rep, key, BUNDLE, u64::MAX).uniform();
    let mut lapse_ms = to_ms(p.bundle_days * 24.0 * phase).max(1);
    for n in 0.. {
        if lapse_ms >= horizon_ms {
            break;
        }
        let mut draws = Draws::keyed(seed, rep, key, BUNDLE, n);
        if draws.chance(p.forgotten_share) {
            let noticed = lapse_ms.saturating_add(to_ms(draws.lognormal(p.noticed_median_h, 1.0).min(240.0)));
            let bought = in_office(p, sky, noticed).max(lapse_ms + 1);
            found.push((Spell { start_ms: lapse_ms, end_ms: bought.min(horizon_ms) }, DownWhy::SimCredit));
            lapse_ms = bought;
        }
        lapse_ms = lapse_ms.saturating_add(bundle_ms);
    }
    found
}

/// The first office hour at or after this moment.
#[allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn in_office(p: &SimCardParams, sky: &Sky, from_ms: u64) -> u64 {
    let (from_s, until_s) = ((p.office_from_h * 3600.0) as u32, (p.office_until_h * 3600.0) as u32);
    let mut at_ms = from_ms;
    for _ in 0..10 {
        let (second, weekday, _) = sky.local(at_ms as i64);
        if weekday < 5 && second < from_s {
            return at_ms + u64::from(from_s - second) * 1000;
        }
        if weekday < 5 && second < until_s {
            return at_ms;
        }
        // On to the next local midnight.
        at_ms += u64::from(86_400 - second) * 1000;
    }
    at_ms
}
