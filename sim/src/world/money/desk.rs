//! The agent's desk: a float that runs out, and tokens printed beforehand.

use taa_models::payments::{self, AgentParams};

use crate::{
    cause::{Cause, Chain},
    world::Village,
};

/// What the agent has.
#[derive(Debug)]
pub(crate) struct Desk {
    full_minor: i64,
    float_minor: i64,
    /// When the float is filled up again, once it was too small, ms.
    restock_ms: Option<u64>,
    paper_left: u16,
    /// Deliveries of paper seen.
    deliveries: u64,
}

impl Desk {
    pub(super) fn new(params: &AgentParams, cash_daily_minor: f64) -> Self {
        let full_minor = (params.float_days * cash_daily_minor) as i64;
        Self { full_minor, float_minor: full_minor, restock_ms: None, paper_left: params.paper_tokens, deliveries: 1 }
    }

    /// Brings float and paper up to now.
    fn refresh(&mut self, params: &AgentParams, now_ms: u64) {
        if self.restock_ms.is_some_and(|at| at <= now_ms) {
            self.restock_ms = None;
            self.float_minor = self.full_minor;
        }
        let deliveries = params.paper_deliveries(now_ms);
        if deliveries > self.deliveries {
            self.deliveries = deliveries;
            self.paper_left = params.paper_tokens;
        }
    }

    /// The float covers a sale; one larger than the whole float takes all of it.
    fn covers(&self, amount_minor: i64) -> bool {
        self.float_minor >= amount_minor.min(self.full_minor)
    }

    pub(super) fn sell(&mut self, amount_minor: i64) {
        self.float_minor -= amount_minor;
    }

    pub(super) fn has_paper(&self) -> bool {
        self.paper_left > 0
    }

    /// Takes a token on paper.
    pub(super) fn take_paper(&mut self) {
        self.paper_left = self.paper_left.saturating_sub(1);
    }
}

impl Village<'_> {
    /// Whether the agent would serve this sale now, and if not, why. Noticing that the float is too small starts the
    /// trip to town.
    pub(super) fn agent_serves(&mut self, amount_minor: i64, now_ms: u64) -> Result<(), Chain> {
        let params = &self.scenario.comms.payments;
        let (second, weekday) = self.local(now_ms);
        if !payments::agent_open(params, second, weekday) {
            return Err(Chain::of(Cause::AgentClosed));
        }
        if !self.agent.up() {
            return Err(self.agent.chain());
        }
        let desk = &mut self.money.desk;
        desk.refresh(&params.agent, now_ms);
        if desk.covers(amount_minor) {
            return Ok(());
        }
        desk.restock_ms.get_or_insert(now_ms.saturating_add((params.agent.restock_h * 3_600_000.0) as u64));
        Err(Chain::of(Cause::AgentNoFloat))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_runs_out_and_is_filled_up_and_paper_comes_with_the_delivery() {
        let params = AgentParams { float_days: 2.0, paper_tokens: 1, ..AgentParams::default() };
        let mut desk = Desk::new(&params, 100.0);
        assert!(desk.covers(150) && desk.covers(9_999), "a sale beyond the whole float takes all of it");
        desk.sell(150);
        assert!(!desk.covers(51) && desk.covers(50));
        desk.restock_ms = Some(1_000);
        desk.refresh(&params, 999);
        assert!(!desk.covers(51));
        desk.refresh(&params, 1_000);
        assert!(desk.covers(200));

        assert!(desk.has_paper());
        desk.take_paper();
        assert!(!desk.has_paper());
        desk.refresh(&params, 14 * 86_400_000);
        assert!(desk.has_paper());
    }
}
