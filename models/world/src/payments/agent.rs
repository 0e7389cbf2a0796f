//! The cash agent: hours, absences, the float that runs out, paper tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PaymentParams;
use crate::{
    draw::{NodeKey, Purpose},
    param::{Checks, ParamError},
    spells::{self, MONTH_H, Spell},
};

/// The agent's business. The opening hours are `agent_opens_h` and its neighbours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgentParams {
    /// Absences a month on which nobody stands in. Assumed: 2.
    pub away_per_month: f64,
    /// Median absence, hours. Assumed: 5; spread of the logarithm 0.8.
    pub away_median_h: f64,
    /// Float: days of what the village's cash customers spend. Assumed: 10.
    pub float_days: f64,
    /// From noticing that the float is too small until it is filled up again, opening hours at the earliest, hours.
    /// Assumed: 8 (a trip to town).
    pub restock_h: f64,
    /// Pre-printed tokens that the agent holds where meters have keypads, for the whole village. Assumed: 20.
    pub paper_tokens: u16,
    /// Days between deliveries that fill up the pre-printed tokens. Assumed: 14.
    pub paper_restock_days: f64,
}

impl Default for AgentParams {
    fn default() -> Self {
        Self {
            away_per_month: 2.0,
            away_median_h: 5.0,
            float_days: 10.0,
            restock_h: 8.0,
            paper_tokens: 20,
            paper_restock_days: 14.0,
        }
    }
}

const AGENT: NodeKey = NodeKey::of("payments/agent");
const AWAY: Purpose = Purpose::named("payments/agent away");

impl AgentParams {
    pub(super) fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .demand(
                (0.0..=60.0).contains(&self.away_per_month),
                "agent.away_per_month",
                self.away_per_month,
                "0 to 60 a month",
            )
            .positive("agent.away_median_h", self.away_median_h)
            .positive("agent.float_days", self.float_days)
            .demand((0.0..=720.0).contains(&self.restock_h), "agent.restock_h", self.restock_h, "0 to 720 h")
            .demand(
                (0.01..=3660.0).contains(&self.paper_restock_days),
                "agent.paper_restock_days",
                self.paper_restock_days,
                "0.01 to 3660 days",
            )
            .done()
    }

    /// When the agent is away: sorted, never overlapping.
    #[must_use]
    pub fn away_timeline(&self, seed: u64, replication: u32, horizon_ms: u64) -> Vec<Spell> {
        let gap_h = MONTH_H / self.away_per_month;
        let median_h = self.away_median_h;
        spells::renewal(seed, replication, AGENT, AWAY, gap_h, horizon_ms, |draws| {
            (spells::bounded_lognormal(draws, median_h, 0.8, 0.5, 96.0), ())
        })
        .into_iter()
        .map(|(spell, ())| spell)
        .collect()
    }

    /// How many deliveries of pre-printed tokens have come by this time of the run, the first stock included.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn paper_deliveries(&self, now_ms: u64) -> u64 {
        1 + (now_ms as f64 / (self.paper_restock_days * 86_400_000.0)) as u64
    }
}

/// Whether the cash agent is open at this second of the local day; `weekday` 0 is Monday.
#[must_use]
pub fn agent_open(params: &PaymentParams, local_s_of_day: u32, weekday: u8) -> bool {
    let hour = f64::from(local_s_of_day) / 3600.0;
    let closes = if weekday == 6 { params.agent_closes_sunday_h } else { params.agent_closes_h };
    (params.agent_opens_h..closes).contains(&hour)
}

/// Seconds until the agent opens next, 0 while open; `None` when never within a week.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn agent_opens_in_s(params: &PaymentParams, local_s_of_day: u32, weekday: u8) -> Option<u32> {
    if agent_open(params, local_s_of_day, weekday) {
        return Some(0);
    }
    let opening = (params.agent_opens_h * 3600.0) as u32;
    (0..=7_u32).find_map(|day| {
        let at = day * 86_400 + opening;
        let later = at > local_s_of_day && agent_open(params, opening, ((u32::from(weekday) + day) % 7) as u8);
        later.then(|| at - local_s_of_day)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_keeps_hours() {
        let p = PaymentParams::default();
        assert!(agent_open(&p, 7 * 3600, 0) && !agent_open(&p, 7 * 3600 - 1, 0));
        assert!(agent_open(&p, 19 * 3600, 5) && !agent_open(&p, 19 * 3600, 6));
        assert_eq!(agent_opens_in_s(&p, 15 * 3600, 6), Some(16 * 3600));
        assert_eq!(agent_opens_in_s(&p, 6 * 3600, 2), Some(3600));
        assert_eq!(agent_opens_in_s(&p, 9 * 3600, 2), Some(0));
        let no_sunday = PaymentParams { agent_closes_sunday_h: 0.0, ..p };
        assert_eq!(agent_opens_in_s(&no_sunday, 21 * 3600, 5), Some(34 * 3600));
    }

    #[test]
    fn the_agent_is_away_twice_a_month_and_paper_comes_every_fortnight() {
        let p = AgentParams::default();
        let months: usize = (0..300).map(|seed| p.away_timeline(seed, 0, 730 * 3_600_000).len()).sum();
        assert!((500..700).contains(&months), "{months}");
        let day_ms = 86_400_000;
        assert_eq!([0, 13 * day_ms, 14 * day_ms, 29 * day_ms].map(|at| p.paper_deliveries(at)), [1, 1, 2, 3]);
    }
}
