//! The exogenous lives of the parts of the money's way.

use taa_scenarios::model::Scenario;

use crate::world::parts::PartId;

/// Tells when each part is down by itself: part, from, until (ms of the run).
pub(crate) fn lives(scenario: &Scenario, seed: (u64, u32), horizon_ms: u64, mut down: impl FnMut(PartId, u64, u64)) {
    let params = &scenario.comms.payments;
    for number in 0..params.aggregators.count {
        for spell in params.aggregators.timeline(number, seed.0, seed.1, horizon_ms) {
            down(PartId::Aggregator(number), spell.start_ms, spell.end_ms);
        }
    }
    for spell in params.intake.timeline(seed.0, seed.1, horizon_ms) {
        down(PartId::Intake, spell.start_ms, spell.end_ms);
    }
    for spell in params.agent.away_timeline(seed.0, seed.1, horizon_ms) {
        down(PartId::Agent, spell.start_ms, spell.end_ms);
    }
}
