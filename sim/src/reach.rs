//! Who has no way to the data concentrator even when everything works: worth knowing before a run.

use taa_models::radio::village::Mounted;
use taa_scenarios::model::Scenario;

use crate::world::{settled_hops, unreached};

/// Octets of a meter's last gasp.
#[expect(clippy::cast_possible_truncation, reason = "some tens of octets")]
pub const LAST_GASP_OCTETS: u32 = taa_gasp::PACKET_BYTES as u32;

/// The radios of the mesh as a run sees them: customers' meters in order, then relays, the data concentrator last.
#[must_use]
pub fn mesh_nodes(scenario: &Scenario) -> Vec<Mounted> {
    crate::world::mesh_nodes(scenario, (scenario.run.seed, scenario.run.replication))
}

/// Scenario ids of the customers whose meters have no route to the data concentrator.
#[must_use]
pub fn unreached_meters(scenario: &Scenario) -> Vec<String> {
    unreached(scenario)
}

/// Hops from every meter to the data concentrator over settled routes, by customer, however many (the hop limit of the
/// mesh is not asked); `None` for a meter without a way. Everything is alive; leaves are those of the run's first day.
#[must_use]
pub fn meter_hops(scenario: &Scenario) -> Vec<Option<u16>> {
    settled_hops(scenario)
}

/// A remark for the planner on meters without a route, or nothing when all have one.
///
/// Such a meter is never read and takes no orders. While its relay stays closed its customer has light that nobody
/// bills; after a restart that opens it, nobody can close it from afar.
#[must_use]
pub fn remark(scenario: &Scenario) -> Option<String> {
    let ids = unreached(scenario);
    let all = scenario.village.customers.len();
    let shown: Vec<&str> = ids.iter().take(5).map(String::as_str).collect();
    let more = if ids.len() > shown.len() { ", …" } else { "" };
    (!ids.is_empty()).then(|| {
        format!(
            "{} of {all} meters {} no radio route to the data concentrator ({}{more}): move it, raise its mast, hang the \
             meters outdoors, or add relays (`taa plan mesh` says where).",
            ids.len(),
            if ids.len() == 1 { "has" } else { "have" },
            shown.join(", ")
        )
    })
}
