//! The mesh written down: the tree's rows, hours cut off by reason, and what was on the air, by message and by frame.

mod common;

use common::{bundle, fault, simulate, village};
use taa_models::{assets::AssetParams, mesh::Fidelity};
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::{
    records::{DCU, MeshStanding, NO_PARENT, Records},
    result::ArchResult,
};

const STUCK: std::ops::Range<u32> = 4..16;

/// Forty customers for two days; of a third the routes collapse from 30 to 36 h, and a feeder is open from 10 to 12 h.
fn collapse(fidelity: Fidelity) -> Scenario {
    let mut scenario = village(40, 2, 11);
    scenario.run.architectures = vec![bundle("edge_local")];
    scenario.assets = AssetParams::none();
    scenario.comms.mesh.fidelity = fidelity;
    let stuck = FaultTarget::Customers(STUCK.collect());
    scenario.faults.push(fault("stuck", FaultKind::RoutesCollapsed, stuck, 30, 36));
    scenario.faults.push(fault("line", FaultKind::FeederOut, FaultTarget::Feeder(1), 10, 12));
    scenario
}

fn first(scenario: &Scenario) -> ArchResult {
    simulate(scenario).architectures.swap_remove(0)
}

/// Where everybody stands at this hour.
fn standings(records: &Records, hour: u64) -> Vec<MeshStanding> {
    let mut out = vec![MeshStanding::Dark; 40];
    for row in records.dodag.rows().take_while(|row| row.time_ms <= hour * 3_600_000) {
        if let Some(standing) = out.get_mut(row.node as usize) {
            *standing = row.standing;
        }
    }
    out
}

/// What must hold of any run's mesh.
fn sound(result: &ArchResult) {
    let Records { dodag, mesh, .. } = &result.records;
    assert!(dodag.time_ms.is_sorted() && !dodag.is_empty());
    for row in dodag.rows() {
        assert!(row.node < 40 && (row.parent < 40 || row.parent == DCU || row.parent == NO_PARENT), "{row:?}");
        assert!(row.parent != row.node, "{row:?}");
        assert!(row.standing.is_isolated() <= (row.parent == NO_PARENT || mesh.frame), "{row:?}");
    }
    let sum: u64 = mesh.isolated_ms.iter().map(|(_, ms)| ms).sum();
    let told = result.kpis.mesh_isolated_node_hours * 3_600_000.0;
    assert!((sum as f64 - told).abs() < 1.0, "hours by reason sum to the figure: {sum} {told}");
}

#[test]
fn a_collapse_is_in_the_tree_by_message() {
    let result = first(&collapse(Fidelity::Message));
    sound(&result);
    let records = &result.records;
    let count = |hour, of: MeshStanding| standings(records, hour).iter().filter(|found| **found == of).count();
    assert_eq!(count(5, MeshStanding::InTree), 40);
    assert!((18..=22).contains(&count(11, MeshStanding::Dark)), "{:?}", standings(records, 11));
    assert!(count(33, MeshStanding::RoutesCollapsed) >= STUCK.len(), "{:?}", standings(records, 33));
    assert_eq!(count(40, MeshStanding::InTree), 40);
    let of_collapse = records.mesh.isolated_ms.iter().find(|(why, _)| *why == MeshStanding::RoutesCollapsed);
    assert!(of_collapse.is_some_and(|(_, ms)| *ms > 5 * 3_600_000 * STUCK.len() as u64), "{of_collapse:?}");
    // Only data are known by message, and there were some every hour.
    assert!(records.mesh_air.purpose.iter().all(|purpose| *purpose == "data") && records.mesh_air.len() > 40);
}

/// The sabotage: without the fault nobody stands there.
#[test]
fn without_it_nobody_has_collapsed() {
    let mut scenario = collapse(Fidelity::Message);
    scenario.faults.retain(|fault| fault.id != "stuck");
    let result = first(&scenario);
    sound(&result);
    assert!(!result.records.dodag.standing.contains(&MeshStanding::RoutesCollapsed));
}

#[test]
fn by_frames_the_air_is_told_by_purpose_channel_and_node_alike() {
    let result = first(&collapse(Fidelity::Frame));
    sound(&result);
    let Records { mesh_air, mesh, dodag, .. } = &result.records;
    let by_purpose: u64 = mesh_air.airtime_us.iter().sum();
    let by_channel: u64 = mesh.channel_us.iter().map(|(_, us)| us).sum();
    let by_node: u64 = mesh.node_us.iter().sum();
    assert!(by_purpose > 1_000_000 && mesh.node_us.len() == 41);
    // Each part is cut to whole microseconds.
    assert!(
        by_channel.abs_diff(by_node) <= 200 && by_purpose.abs_diff(by_node) <= 1_000,
        "{by_purpose} {by_channel} {by_node}"
    );
    let purposes: std::collections::BTreeSet<&str> = mesh_air.purpose.iter().copied().collect();
    assert!(["data", "discovery", "dodag", "acknowledgement"].iter().all(|one| purposes.contains(one)), "{purposes:?}");
    assert!(dodag.standing.contains(&MeshStanding::RoutesCollapsed) && dodag.standing.contains(&MeshStanding::Joining));
    assert_eq!(standings(&result.records, 47).iter().filter(|one| **one == MeshStanding::InTree).count(), 40);
}
