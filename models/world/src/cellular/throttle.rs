//! A crowded cell puts machines last: their messages take minutes instead of a second, and many are lost.
//!
//! The documents speak of delays of "hours to days" (GSMA 2021, cited there, not read by us) and give no
//! distribution; what is here is *assumed*, all of it. It begins more often in the evening and around month-end, when
//! people are paid and talk. What comes out for a message is more than one delay: it is lost, sent again, delayed again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DownWhy, Sky};
use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::Checks,
    spells::{self, MONTH_H, Spell},
};

/// Deprioritised machine traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleParams {
    /// Congested spells of an operator's cell a month. Assumed: 2.
    pub spells_per_month: f64,
    /// Median length of a spell, hours. Assumed: 6 (hours to days).
    pub spell_median_h: f64,
    /// Spread of the logarithm of the length. Assumed: 1.2.
    pub spell_sigma: f64,
    /// Longest spell, hours. Assumed: 72.
    pub spell_most_h: f64,
    /// How much more often a spell begins between 18 and 22 h than at other hours. Assumed: 4.
    pub evening_factor: f64,
    /// How much more often a spell begins from the 28th to the 2nd than on other days. Assumed: 3.
    pub month_end_factor: f64,
    /// Median delay of a message in such a spell, seconds. Assumed: 300.
    pub delay_median_s: f64,
    /// Spread of the logarithm of that delay. Assumed: 1.2.
    pub delay_sigma: f64,
    /// Share of messages lost in such a spell, 0–1. Assumed: 0.3.
    pub loss_share: f64,
}

impl Default for ThrottleParams {
    fn default() -> Self {
        Self {
            spells_per_month: 2.0,
            spell_median_h: 6.0,
            spell_sigma: 1.2,
            spell_most_h: 72.0,
            evening_factor: 4.0,
            month_end_factor: 3.0,
            delay_median_s: 300.0,
            delay_sigma: 1.2,
            loss_share: 0.3,
        }
    }
}

/// What a throttled cell does to one message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    /// Median delay, seconds.
    pub delay_median_s: f64,
    /// Spread of the delay's logarithm.
    pub delay_sigma: f64,
    /// Share of messages lost, 0–1.
    pub loss_share: f64,
}

impl Throttle {
    /// The delay of this message in milliseconds; `None`: lost.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn pass(&self, draws: &mut Draws) -> Option<u64> {
        let delay_s = draws.lognormal(self.delay_median_s, self.delay_sigma).min(86_400.0);
        (!draws.chance(self.loss_share)).then_some((delay_s * 1000.0) as u64)
    }
}

impl ThrottleParams {
    /// What it does to a message.
    #[must_use]
    pub fn throttle(&self) -> Throttle {
        Throttle { delay_median_s: self.delay_median_s, delay_sigma: self.delay_sigma, loss_share: self.loss_share }
    }

    pub(super) fn checked(&self, checks: Checks) -> Checks {
        let factor = |f: f64| (1.0..=100.0).contains(&f);
        let (rate, median, most) = (self.spells_per_month, self.spell_median_h, self.spell_most_h);
        checks
            .demand((0.0..=1000.0).contains(&rate), "throttle.spells_per_month", rate, "0 to 1000 a month")
            .positive("throttle.spell_median_h", median)
            .demand((0.0..=4.0).contains(&self.spell_sigma), "throttle.spell_sigma", self.spell_sigma, "0 to 4")
            .demand(most >= median && most <= 8766.0, "throttle.spell_most_h", most, "`spell_median_h` to 8766 hours")
            .demand(factor(self.evening_factor), "throttle.evening_factor", self.evening_factor, "1 to 100")
            .demand(factor(self.month_end_factor), "throttle.month_end_factor", self.month_end_factor, "1 to 100")
            .positive("throttle.delay_median_s", self.delay_median_s)
            .demand((0.0..=4.0).contains(&self.delay_sigma), "throttle.delay_sigma", self.delay_sigma, "0 to 4")
            .share("throttle.loss_share", self.loss_share)
    }
}

const SPELL: Purpose = Purpose::named("cellular/throttle");
/// Share of hours that are evening, and of days that are month-end (5 of 30.4).
const EVENING_SHARE: f64 = 4.0 / 24.0;
const MONTH_END_SHARE: f64 = 5.0 / 30.4375;

pub(super) fn timeline(
    p: &ThrottleParams,
    sky: &Sky,
    key: NodeKey,
    seed: u64,
    rep: u32,
    horizon_ms: u64,
) -> Vec<(Spell, DownWhy)> {
    if p.spells_per_month <= 0.0 {
        return Vec::new();
    }
    let (evening, month_end) = (p.evening_factor, p.month_end_factor);
    let mean = (1.0 + (evening - 1.0) * EVENING_SHARE) * (1.0 + (month_end - 1.0) * MONTH_END_SHARE);
    let most = evening * month_end;
    let gap_h = MONTH_H / p.spells_per_month * mean / most;
    let spell = |draws: &mut Draws, at_ms: i64| {
        let (second, _, day) = sky.local(at_ms);
        let here = if (64_800..79_200).contains(&second) { evening } else { 1.0 };
        let now = if day >= 28 || day <= 2 { month_end } else { 1.0 };
        let hours = spells::bounded_lognormal(draws, p.spell_median_h, p.spell_sigma, 0.5, p.spell_most_h);
        draws.chance(here * now / most).then_some((hours, DownWhy::Throttled))
    };
    spells::alternating(seed, rep, key, SPELL, 0, horizon_ms, |d| d.exponential(gap_h), spell)
}
