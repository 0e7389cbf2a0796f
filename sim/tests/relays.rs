//! What radio relays live on: their own supply, or the line at their pole.

mod common;

use common::{bundle, fault, simulate, village};
use taa_models::{
    assets::AssetParams,
    mesh::{Fidelity, RelaySupply},
};
use taa_scenarios::model::{FaultKind, FaultTarget, Place, Scenario};
use taa_sim::{
    records::{MeshStanding, NO_PARENT},
    result::ArchResult,
};

/// Forty customers on two feeders with weak radios, and the concentrator 150 m to the east of them. Between it and them stands
/// a relay, beside the second feeder, without which the first one's meters have no way. That feeder is open from 30 to 36 h.
fn behind_a_relay(fidelity: Fidelity, supply: RelaySupply) -> Scenario {
    let mut scenario = village(40, 2, 11);
    scenario.run.architectures = vec![bundle("edge_local")];
    scenario.assets = AssetParams::none();
    scenario.comms.mesh.fidelity = fidelity;
    scenario.comms.mesh.relay_supply = supply;
    scenario.comms.radio.tx_power_dbm -= 18.0;
    scenario.village.dcu.at_m = [260.0, 0.0];
    scenario.village.relays = vec![Place { id: "relay".to_owned(), at_m: [186.0, 0.0], height_m: 8.0 }];
    scenario.faults.push(fault("line", FaultKind::FeederOut, FaultTarget::Feeder(1), 30, 36));
    scenario
}

const RELAY: u32 = 40;

fn first(scenario: &Scenario) -> ArchResult {
    simulate(scenario).architectures.swap_remove(0)
}

/// Node-hours of those who are cut off because a forwarder is dark, and the hours in which the relay is.
fn dark_h(result: &ArchResult) -> [f64; 2] {
    let records = &result.records;
    let isolated = records.mesh.isolated_ms.iter().find(|(why, _)| *why == MeshStanding::ForwarderDark);
    let of_relay: Vec<_> = records.dodag.rows().filter(|row| row.node == RELAY).collect();
    let dark_ms: u64 = of_relay
        .windows(2)
        .filter(|rows| rows[0].standing == MeshStanding::Dark)
        .map(|rows| rows[1].time_ms - rows[0].time_ms)
        .sum();
    let hours = |ms: u64| ms as f64 / 3_600_000.0;
    [hours(isolated.map_or(0, |(_, ms)| *ms)), hours(dark_ms)]
}

#[test]
fn a_relay_on_the_line_goes_dark_with_its_feeder_and_comes_back() {
    for fidelity in [Fidelity::Message, Fidelity::Frame] {
        let [own, line] = [RelaySupply::Own, RelaySupply::Line].map(|supply| first(&behind_a_relay(fidelity, supply)));
        let ([own_h, never_h], [line_h, dark_h]) = (dark_h(&own), dark_h(&line));
        println!("{fidelity:?}: own {own_h:.1} h, on the line {line_h:.1} h; relay dark {dark_h:.2} h");
        assert!(never_h <= 0.0, "{fidelity:?}: {never_h} h");
        assert!((dark_h - 6.0).abs() < 0.01, "{fidelity:?}: {dark_h} h");
        // Twenty meters of the other feeder have light and no way for six hours; by frame they count once they have noticed.
        assert!(own_h < 5.0 && (95.0..150.0).contains(&line_h), "{fidelity:?}: {own_h} and {line_h} h");
        let last = line.records.dodag.rows().filter(|row| row.node == RELAY).last().unwrap();
        assert!(last.standing == MeshStanding::InTree && last.parent != NO_PARENT, "{last:?}");
    }
}
