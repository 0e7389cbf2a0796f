//! The hardware's part of the timeline: failures, storms, tampered meters, and what keeps crews away.

use taa_models::{
    assets::{self, AssetKind, Climate, Why},
    draw::NodeKey,
    repair::{Hold, Outside},
    weather::SunContext,
};
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};

use super::{Edge, Target};
use crate::{
    cause::Cause,
    world::parts::{PartId, Turn},
};

/// The scenario id by which an asset is named and its draws are keyed.
pub(crate) fn asset_id(scenario: &Scenario, kind: AssetKind, index: u32) -> &str {
    let layout = &scenario.village;
    match kind {
        AssetKind::Inverter | AssetKind::ChargeController | AssetKind::Panels | AssetKind::Bms => &layout.generation.id,
        AssetKind::Breaker | AssetKind::Conductor => &layout.feeders[index as usize].id,
        AssetKind::Dcu | AssetKind::DcuHang | AssetKind::Router | AssetKind::Flash | AssetKind::Clock => &layout.dcu.id,
        AssetKind::Meter | AssetKind::Keys => &layout.customers[index as usize].meter_id,
    }
}

/// The reason behind a part's own name in a chain.
fn reason(kind: AssetKind, why: Why) -> Option<Cause> {
    match (why, kind) {
        (Why::Lightning, _) => Some(Cause::Lightning),
        (Why::Heat, _) => Some(Cause::Heat),
        (Why::Theft, _) => Some(Cause::Theft),
        (Why::Worn, AssetKind::Breaker) => Some(Cause::BreakerTripped),
        (Why::Worn, AssetKind::DcuHang) => Some(Cause::DcuHung),
        (Why::Worn, AssetKind::Flash) => Some(Cause::FlashFailed),
        (Why::Worn, _) => None,
    }
}

/// The climate of the run.
pub(crate) fn climate(scenario: &Scenario, horizon_ms: u64) -> Climate {
    let site = &scenario.site;
    let context = SunContext::new(scenario.run.start_unix_s, site.lat_deg, site.lon_deg);
    let days = horizon_ms.div_ceil(86_400_000) as usize;
    Climate::of(&scenario.weather.series, &context, days, scenario.assets.heat_doubling_k)
}

/// Everything that breaks of itself.
pub(super) fn natural(
    scenario: &Scenario,
    climate: &Climate,
    seed: (u64, u32),
    horizon_ms: u64,
    edges: &mut Vec<Edge>,
) {
    let params = &scenario.assets;
    let struck = assets::strikes(params, climate, seed, horizon_ms);
    let (feeders, customers) = (scenario.village.feeders.len() as u32, scenario.village.customers.len() as u32);
    for kind in AssetKind::ALL {
        let count = match kind {
            AssetKind::Breaker | AssetKind::Conductor => feeders,
            AssetKind::Meter | AssetKind::Keys => customers,
            _ => 1,
        };
        for index in 0..count {
            let key = NodeKey::of(asset_id(scenario, kind, index));
            for failure in assets::failures(params, climate, kind, key, seed, horizon_ms, &struck) {
                let turn = Turn::Fail(reason(kind, failure.why));
                edges.push(Edge { at_ms: failure.at_ms, target: Target::Asset(kind, index), turn });
            }
        }
    }
    for (index, customer) in scenario.village.customers.iter().enumerate() {
        let key = NodeKey::of(&customer.meter_id);
        for at_ms in assets::tamper_trips(&params.tamper, key, seed, horizon_ms) {
            let target = Target::Part(PartId::Tamper(index as u32));
            edges.push(Edge { at_ms, target, turn: Turn::Fail(None) });
        }
    }
}

/// A scripted storm breaks the inverter, the concentrator and the meters that it names; all are mended like other
/// failures.
pub(super) fn lightning(number: u8, target: &FaultTarget, at_ms: u64, edges: &mut Vec<Edge>) {
    let turn = Turn::Fail(Some(Cause::Scripted(number)));
    let mut strike = |kind, index| edges.push(Edge { at_ms, target: Target::Asset(kind, index), turn });
    strike(AssetKind::Inverter, 0);
    strike(AssetKind::Dcu, 0);
    if let FaultTarget::Customers(list) = target {
        list.iter().for_each(|&customer| strike(AssetKind::Meter, customer));
    }
}

/// The queue, the road and the scripted holds of the crew.
pub(super) fn outside(scenario: &Scenario, climate: &Climate, seed: (u64, u32), horizon_ms: u64) -> Outside {
    let start_local_s = scenario.run.start_unix_s + i64::from(scenario.site.utc_offset_s);
    let held = |what: FaultKind| matches!(what, FaultKind::RoadClosed | FaultKind::CrewAway);
    let holds = scenario.faults.iter().enumerate().filter(|(_, fault)| held(fault.what));
    let holds = holds.map(|(n, f)| Hold { from_ms: f.from_ms, until_ms: f.until_ms, number: n as u8 }).collect();
    Outside::draw(&scenario.assets.repair, climate, seed, horizon_ms, start_local_s, holds)
}
