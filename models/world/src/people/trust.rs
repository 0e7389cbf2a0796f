//! Trust: what paid darkness does to people, and how they get over it.
//!
//! A number between 0 and 1 per customer. It falls with the hours of paid darkness, faster when money was taken for
//! them, and comes back slowly in light:
//!
//! ```text
//!   dark, weight w, h hours:   trust ← trust · exp(−w · h / fall_h)
//!   light, d days:             trust ← 1 − (1 − trust) · 2^(−d / half_life_days)
//!   a neighbour's tale:        trust ← trust · (1 − word_of_mouth · (1 − the neighbour's trust))
//! ```
//!
//! All three maps grow with trust and none raises it for darkness, so more paid darkness never leaves anybody with more
//! trust, then or later (tested). What people do at which trust is drawn once per customer, see [`Temper`].
//!
//! Nearly all of it is assumed: the defaults are there to be changed and to be varied in sensitivity studies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::Draws,
    param::{Checks, ParamError},
};

/// What paid darkness does to people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrustParams {
    /// Hours of paid darkness after which trust is down to 1/e. Assumed: 160 (four dark days leave half).
    pub fall_h: f64,
    /// How much faster it falls while money that was taken brings no light. Assumed: 2.
    pub money_taken_weight: f64,
    /// The same while people try to pay and cannot: they have lost nothing yet. Assumed: 0.5.
    pub blocked_weight: f64,
    /// Days of light in which half of the lost trust comes back. Assumed: 21.
    pub half_life_days: f64,
    /// Calls to the operator per hour of paid darkness, waking hours, phone and signal given. Assumed: 0.02.
    pub calls_per_dark_h: f64,
    /// How much more often people call whose money was taken. Assumed: 3.
    pub money_taken_call_factor: f64,
    /// Calls at most in one darkness. Assumed: 3.
    pub calls_at_most: u32,
    /// After this many hours of one darkness people tell their neighbours. Assumed: 12.
    pub tells_after_h: f64,
    /// Share of their own distrust that listeners lose of their trust, 0–1. Assumed: 0.05.
    pub word_of_mouth: f64,
    /// Who lives within this distance hears of it, metres; who is dark at the time needs no telling. Assumed: 100.
    pub hearsay_radius_m: f64,
    /// Trust below which people stop topping up until it is back: thresholds lie evenly from 0 to twice this.
    /// Assumed: 0.25.
    pub pause_below: f64,
    /// Share of those who then keep to the smallest top-up instead of paying nothing, 0–1. Assumed: 0.5.
    pub keeps_minimum_share: f64,
    /// Share of customers who would bypass the meter at all, 0–1. Assumed: 0.04.
    pub thief_share: f64,
    /// Trust below which they do, thresholds likewise from 0 to twice this. Assumed: 0.3.
    pub steal_below: f64,
    /// Share of their load that they then take past the meter, 0–1. Assumed: 0.7 (what is left looks like a customer).
    pub bypass_share: f64,
    /// Mean time until the operator finds a bypass and takes it out for good, days. Assumed: 90.
    pub bypass_found_days: f64,
}

impl Default for TrustParams {
    fn default() -> Self {
        Self {
            fall_h: 160.0,
            money_taken_weight: 2.0,
            blocked_weight: 0.5,
            half_life_days: 21.0,
            calls_per_dark_h: 0.02,
            money_taken_call_factor: 3.0,
            calls_at_most: 3,
            tells_after_h: 12.0,
            word_of_mouth: 0.05,
            hearsay_radius_m: 100.0,
            pause_below: 0.25,
            keeps_minimum_share: 0.5,
            thief_share: 0.04,
            steal_below: 0.3,
            bypass_share: 0.7,
            bypass_found_days: 90.0,
        }
    }
}

impl TrustParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .takes("trust.fall_h", self.fall_h)
            .not_negative("trust.money_taken_weight", self.money_taken_weight)
            .not_negative("trust.blocked_weight", self.blocked_weight)
            .positive("trust.half_life_days", self.half_life_days)
            .not_negative("trust.calls_per_dark_h", self.calls_per_dark_h)
            .not_negative("trust.money_taken_call_factor", self.money_taken_call_factor)
            .not_negative("trust.tells_after_h", self.tells_after_h)
            .share("trust.word_of_mouth", self.word_of_mouth)
            .not_negative("trust.hearsay_radius_m", self.hearsay_radius_m)
            .share("trust.pause_below", self.pause_below)
            .share("trust.keeps_minimum_share", self.keeps_minimum_share)
            .share("trust.thief_share", self.thief_share)
            .share("trust.steal_below", self.steal_below)
            .share("trust.bypass_share", self.bypass_share)
            .positive("trust.bypass_found_days", self.bypass_found_days)
            .done()
    }
}

/// What a customer lives through, as far as trust goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Paid for, and dark.
    Dark,
    /// Money was taken, and it is dark.
    MoneyTaken,
    /// Would pay, and cannot.
    Blocked,
}

/// A customer's trust, 0–1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trust(f64);

impl Default for Trust {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Trust {
    /// The number.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }

    /// Falls over hours of darkness.
    pub fn suffer(&mut self, params: &TrustParams, what: Mishap, hours: f64) {
        let weight = match what {
            Mishap::Dark => 1.0,
            Mishap::MoneyTaken => params.money_taken_weight,
            Mishap::Blocked => params.blocked_weight,
        };
        self.0 *= libm::exp(-weight * hours.max(0.0) / params.fall_h);
    }

    /// Recovers over days of light.
    pub fn recover(&mut self, params: &TrustParams, days: f64) {
        self.0 = 1.0 - (1.0 - self.0) * libm::exp2(-days.max(0.0) / params.half_life_days);
    }

    /// Hears a neighbour's tale.
    pub fn hear(&mut self, params: &TrustParams, neighbour: Self) {
        self.0 *= 1.0 - params.word_of_mouth * (1.0 - neighbour.0);
    }
}

/// At what trust a customer does what; drawn once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temper {
    /// Stops topping up below this trust.
    pub pauses_below: f64,
    /// Then keeps to the smallest top-up instead of paying nothing.
    pub keeps_minimum: bool,
    /// Bypasses the meter below this trust; 0: never.
    pub steals_below: f64,
}

impl Temper {
    /// Draws a customer.
    #[must_use]
    pub fn draw(params: &TrustParams, draws: &mut Draws) -> Self {
        let pauses_below = 2.0 * params.pause_below * draws.uniform();
        let keeps_minimum = draws.chance(params.keeps_minimum_share);
        let thief = draws.chance(params.thief_share);
        let threshold = 2.0 * params.steal_below * draws.uniform();
        Self { pauses_below, keeps_minimum, steals_below: if thief { threshold } else { 0.0 } }
    }
}

/// Hours of waking darkness until the next call.
#[must_use]
pub fn call_after_h(params: &TrustParams, what: Mishap, draws: &mut Draws) -> f64 {
    let factor = if what == Mishap::MoneyTaken { params.money_taken_call_factor } else { 1.0 };
    let rate = params.calls_per_dark_h * factor;
    let in_means = draws.exponential(1.0);
    if rate > 0.0 { in_means / rate } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draw::{NodeKey, Purpose};

    fn mishap() -> impl Strategy<Value = Mishap> {
        prop_oneof![Just(Mishap::Dark), Just(Mishap::MoneyTaken), Just(Mishap::Blocked)]
    }

    /// Days of light, then hours of a mishap, again and again.
    fn life(p: &TrustParams, spells: &[(f64, Mishap, f64)], extra: Option<(usize, f64)>) -> Vec<f64> {
        let mut trust = Trust::default();
        let mut seen = Vec::new();
        for (i, &(light_days, what, dark_h)) in spells.iter().enumerate() {
            trust.recover(p, light_days);
            seen.push(trust.value());
            let more = extra.filter(|e| e.0 == i).map_or(0.0, |e| e.1);
            trust.suffer(p, what, dark_h + more);
            seen.push(trust.value());
        }
        seen
    }

    proptest! {
        #[test]
        fn more_paid_darkness_never_raises_trust(
            spells in proptest::collection::vec((0.0_f64..40.0, mishap(), 0.0_f64..200.0), 1..12),
            at in 0_usize..12,
            more_h in 0.0_f64..300.0,
        ) {
            let p = TrustParams::default();
            let plain = life(&p, &spells, None);
            let darker = life(&p, &spells, Some((at, more_h)));
            for (a, b) in plain.iter().zip(&darker) {
                prop_assert!((0.0..=1.0).contains(a) && (0.0..=1.0).contains(b));
                prop_assert!(b <= a, "{b} after more darkness, {a} without");
            }
        }

        #[test]
        fn halves_of_a_spell_are_the_spell(what in mishap(), hours in 0.0_f64..500.0) {
            let p = TrustParams::default();
            let (mut once, mut twice) = (Trust::default(), Trust::default());
            once.suffer(&p, what, hours);
            twice.suffer(&p, what, hours / 2.0);
            twice.suffer(&p, what, hours / 2.0);
            prop_assert!((once.value() - twice.value()).abs() < 1e-12);
            once.recover(&p, hours);
            twice.recover(&p, hours / 2.0);
            twice.recover(&p, hours / 2.0);
            prop_assert!((once.value() - twice.value()).abs() < 1e-12);
        }
    }

    #[test]
    fn sabotage_a_trust_that_gains_in_the_dark_is_seen() {
        let twisted = TrustParams { fall_h: -160.0, ..TrustParams::default() };
        assert_eq!(twisted.check().len(), 1, "the range check refuses it");
        let spells = [(10.0, Mishap::Dark, 100.0), (1.0, Mishap::Dark, 10.0)];
        let (plain, darker) = (life(&twisted, &spells, None), life(&twisted, &spells, Some((0, 50.0))));
        assert!(plain.iter().zip(&darker).any(|(a, b)| b > a));
    }

    #[test]
    fn it_falls_in_days_and_comes_back_in_weeks() {
        let p = TrustParams::default();
        let (mut dark, mut taken, mut blocked) = (Trust::default(), Trust::default(), Trust::default());
        dark.suffer(&p, Mishap::Dark, 96.0);
        taken.suffer(&p, Mishap::MoneyTaken, 96.0);
        blocked.suffer(&p, Mishap::Blocked, 96.0);
        assert!(taken.value() < dark.value() && dark.value() < blocked.value());
        assert!((0.5..0.6).contains(&dark.value()), "{dark:?}");
        let low = dark.value();
        dark.recover(&p, 21.0);
        assert!((1.0 - dark.value() - (1.0 - low) / 2.0).abs() < 1e-12);
        let mut listener = Trust::default();
        listener.hear(&p, taken);
        assert!(listener.value() < 1.0 && listener.value() > 0.95);
        listener.hear(&p, Trust::default());
        assert!(listener.value() > 0.95, "a content neighbour does no harm");
    }

    #[test]
    fn those_robbed_call_sooner_and_tempers_are_as_stated() {
        let p = TrustParams::default();
        let of = |i| Draws::keyed(1, 0, NodeKey(i), Purpose::named("trust-test"), 0);
        let mean = |what| (0..4000).map(|i| call_after_h(&p, what, &mut of(i))).sum::<f64>() / 4000.0;
        assert!((48.0..52.0).contains(&mean(Mishap::Dark)), "{}", mean(Mishap::Dark));
        assert!((mean(Mishap::Dark) / mean(Mishap::MoneyTaken) - 3.0).abs() < 1e-9);
        let tempers: Vec<Temper> = (0..8000).map(|i| Temper::draw(&p, &mut of(i))).collect();
        let thieves = tempers.iter().filter(|t| t.steals_below > 0.0).count();
        assert!((270..370).contains(&thieves), "{thieves}");
        assert!(tempers.iter().all(|t| (0.0..=0.5).contains(&t.pauses_below)));
    }
}
