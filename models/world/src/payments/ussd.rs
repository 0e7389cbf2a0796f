//! USSD sessions: a menu on the phone that breaks off, and is dialled again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::peaks::PeakParams;
use crate::{
    draw::Draws,
    param::{Checks, ParamError},
};

/// Sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UssdParams {
    /// Share of sessions that break off before the payment is made, 0–1. Assumed: 0.06.
    pub broken_share: f64,
    /// Times a person dials again at once before putting it off, 0–20. Assumed: 3.
    pub redials: u8,
    /// Mean time that a broken session costs, seconds. Assumed: 75.
    pub session_s: f64,
}

impl Default for UssdParams {
    fn default() -> Self {
        Self { broken_share: 0.06, redials: 3, session_s: 75.0 }
    }
}

/// How a visit to the menu ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// Sessions that broke off.
    pub broken: u8,
    /// The last one went through.
    pub done: bool,
    /// What the broken ones cost, milliseconds.
    pub lost_ms: u64,
}

impl UssdParams {
    pub(super) fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .share("ussd.broken_share", self.broken_share)
            .demand(self.redials <= 20, "ussd.redials", self.redials, "0 to 20")
            .demand((0.0..=3600.0).contains(&self.session_s), "ussd.session_s", self.session_s, "0 to 3600 s")
            .done()
    }

    /// Dials until a session goes through or patience ends; at pay-days more sessions break.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn dial(&self, peaks: &PeakParams, at_peak: bool, draws: &mut Draws) -> Dialled {
        let share = self.broken_share * if at_peak { peaks.ussd_broken_factor } else { 1.0 };
        let mut lost_s = 0.0;
        for broken in 0..=self.redials {
            if !draws.chance(share.min(1.0)) {
                return Dialled { broken, done: true, lost_ms: (lost_s * 1000.0) as u64 };
            }
            lost_s += draws.exponential(self.session_s);
        }
        Dialled { broken: self.redials + 1, done: false, lost_ms: (lost_s * 1000.0) as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{NodeKey, Purpose};

    #[test]
    fn sessions_break_as_often_as_stated_and_more_at_pay_days() {
        let (p, peaks) = (UssdParams { broken_share: 0.1, ..UssdParams::default() }, PeakParams::default());
        let mut draws = Draws::keyed(1, 0, NodeKey(1), Purpose::named("t"), 0);
        let mut first_breaks = |at_peak| (0..20_000).filter(|_| p.dial(&peaks, at_peak, &mut draws).broken > 0).count();
        let (plain, peak) = (first_breaks(false), first_breaks(true));
        assert!((1_850..2_150).contains(&plain), "{plain}");
        assert!((peak as f64 / plain as f64 - peaks.ussd_broken_factor).abs() < 0.25, "{peak} {plain}");
        let broken = UssdParams { broken_share: 1.0, redials: 2, session_s: 10.0 };
        let dialled = broken.dial(&peaks, false, &mut draws);
        assert_eq!((dialled.broken, dialled.done), (3, false));
        assert!(dialled.lost_ms > 0);
    }
}
