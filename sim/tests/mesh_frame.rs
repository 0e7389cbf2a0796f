//! Whole runs on the mesh frame by frame: one seed, one result on any number of threads; a capture that Wireshark reads.

mod common;
#[path = "../../models/mesh/tests/tshark/mod.rs"]
mod tshark;

use std::collections::{BTreeMap, BTreeSet};

use common::{HOUR_MS, bundle, fault, simulate, simulate_on, village};
use taa_dcu::config::{CreditAt, Traits};
use taa_models::mesh::{Fidelity, FrameParams, Pinned, RootVersion};
use taa_scenarios::model::{Fault, FaultKind, FaultTarget, Scenario};
use taa_sim::{cause::Cause, records::MeshStanding, result::ArchResult};

fn by_frame(customers: u32, days: u32, seed: u64) -> Scenario {
    let mut scenario = village(customers, days, seed);
    scenario.comms.mesh.fidelity = Fidelity::Frame;
    scenario
}

#[test]
fn the_same_digest_frame_by_frame_on_any_number_of_threads() {
    let scenario = by_frame(30, 2, 11);
    let first = simulate_on(&scenario, 1);
    for threads in [1, 2, 3] {
        let again = simulate_on(&scenario, threads);
        assert_eq!(again.digest, first.digest, "{threads} threads");
        for (a, b) in again.architectures.iter().zip(&first.architectures) {
            assert_eq!((a.digest, &a.kpis, &a.records), (b.digest, &b.kpis, &b.records), "{}", a.name);
        }
    }
    // The outside world is the same by message; what became of the messages is not.
    let message = simulate(&village(30, 2, 11));
    assert_eq!(message.exogenous_digest, first.exogenous_digest);
    assert_ne!(message.digest, first.digest);
}

/// Every frame of a run's capture is dissected, none is malformed, its check sequence holds; with the key it shows RPL
/// and the meters' messages. Sabotage: an octet changed in the file, and one frame's check fails.
#[test]
fn the_capture_of_a_run_has_no_malformed_frame() {
    let mut scenario = by_frame(6, 1, 3);
    scenario.comms.mesh.capture = true;
    scenario.run.architectures = vec![bundle("edge_local")];
    let mut result = simulate(&scenario);
    let records = &mut result.architectures[0].records;
    let (mut capture, option) = (std::mem::take(&mut records.mesh_capture), &records.mesh_capture_option);
    assert!(capture.len() > 100_000, "{} octets", capture.len());
    let Some(lines) = dissect(&capture, option) else { return };
    assert_eq!(lines.iter().find(|line| !line.starts_with("\t1\t")), None, "of {} frames", lines.len());
    let shows = |field: usize, value: &str| lines.iter().any(|line| line.split('\t').nth(field) == Some(value));
    assert!(shows(2, "155") && shows(3, "61617"), "RPL and payload show");

    let at = capture.len() - 40;
    capture[at] ^= 1;
    let damaged = dissect(&capture, option).expect("it was there");
    assert_eq!(damaged.iter().filter(|line| line.split('\t').nth(1) != Some("1")).count(), 1);
}

/// Fifty meters with weak radios, over several hops, for so many days.
fn wide(days: u32, weaker_db: f64) -> Scenario {
    let mut scenario = by_frame(50, days, 7);
    scenario.comms.radio.tx_power_dbm -= weaker_db;
    // Credit is in the meters: nobody gets any while nobody is reached.
    scenario.run.architectures =
        vec![("edge".to_owned(), Traits { credit_at: CreditAt::Meter, ..bundle("edge_local").1 })];
    scenario
}

/// Node-hours cut off in a run, by reason.
fn cut_off(scenario: &Scenario) -> (BTreeMap<MeshStanding, f64>, ArchResult) {
    let arch = simulate(scenario).architectures.remove(0);
    let hours = arch.records.mesh.isolated_ms.iter().map(|(why, ms)| (*why, *ms as f64 / HOUR_MS as f64));
    (hours.collect(), arch)
}

/// What ten minutes without the border router cost, from 20 h on: node-hours cut off and those in loops, share of messages that
/// arrive in the two days.
fn restart(frame: FrameParams) -> [f64; 3] {
    let mut scenario = wide(2, 14.0);
    (scenario.comms.mesh.frame, scenario.comms.dcu_holdup_h) = (frame, 0.0);
    let off = fault("off", FaultKind::DcuPowerLost, FaultTarget::All, 20, 21);
    scenario.faults.push(Fault { until_ms: off.from_ms + HOUR_MS / 6, ..off });
    let (hours, arch) = cut_off(&scenario);
    let loops_h = hours.get(&MeshStanding::InLoop).copied().unwrap_or(0.0);
    let [isolated_h, delivered] = [arch.kpis.mesh_isolated_node_hours, arch.kpis.mesh_pdr.unwrap_or(0.0)];
    println!("{frame:?}: {isolated_h:.1} h, {loops_h:.1} h in loops, {delivered:.3} arrive; {hours:?}");
    assert!((hours.values().sum::<f64>() - isolated_h).abs() < 1e-6, "every hour has its reason");
    // Who lost hours for it is told the reason.
    let causes: BTreeSet<Cause> = arch.records.downtime.chain.iter().flat_map(|chain| chain.causes()).collect();
    assert!(loops_h < 100.0 || causes.contains(&Cause::RoutesLost), "{causes:?}");
    [isolated_h, loops_h, delivered]
}

/// A border router that restarts with its DODAG's version, or with the one that the mesh has, is found again at once. One
/// that begins behind the mesh leaves it to itself: all that is left of the run, nearly, and nearly all in loops of parents.
/// Limiting how far a Rank may rise ends the loops and most of it; fixed parents end the loops, and nothing else here.
#[test]
fn a_root_that_forgot_its_version_leaves_the_village_in_loops() {
    let of = |root_version, pinned| restart(FrameParams { root_version, pinned, ..FrameParams::default() });
    for root_version in [RootVersion::Kept, RootVersion::Forgotten] {
        let [isolated_h, _, delivered] = of(root_version, Pinned::Nothing);
        assert!(isolated_h < 25.0 && delivered > 0.9, "{root_version:?}");
    }
    let [behind, limited, pinned] =
        [Pinned::Nothing, Pinned::Parameters, Pinned::Parents].map(|p| of(RootVersion::Behind, p));
    assert!(behind[0] > 1000.0 && behind[1] > 0.7 * behind[0] && behind[2] < 0.6, "{behind:?}");
    assert!(limited[0] < 0.3 * behind[0] && limited[1] < 0.02 * behind[1], "{limited:?}");
    assert!(pinned[1] < 1.0 && pinned[0] > limited[0], "{pinned:?}");
}

/// Why a meter is cut off is told frame by frame as by message: those who could forward are dark, leaves have grown in between,
/// the way is too long. What routing alone does to it is minutes.
#[test]
fn the_reason_is_told_where_no_routing_could_help() {
    let of = |foliage_m_per_100m: f64, weaker_db: f64| {
        let mut scenario = wide(1, weaker_db);
        scenario.comms.radio.fading.foliage_m_per_100m = foliage_m_per_100m;
        scenario.village.customers.iter_mut().for_each(|of| of.meter_at_m = of.meter_at_m.map(|m| 4.0 * m));
        let customers = scenario.village.customers.iter().enumerate();
        let middle = customers.filter(|(_, of)| libm::hypot(of.meter_at_m[0], of.meter_at_m[1]) < 320.0);
        let middle: Vec<u32> = middle.map(|(n, _)| n as u32).collect();
        scenario.faults.push(fault("middle", FaultKind::LineOut, FaultTarget::Customers(middle), 10, 16));
        let (hours, _) = cut_off(&scenario);
        println!("{hours:?}");
        let h = |why: MeshStanding| hours.get(&why).copied().unwrap_or(0.0);
        [MeshStanding::ForwarderDark, MeshStanding::Leaves, MeshStanding::ParentLost, MeshStanding::InLoop].map(h)
    };
    let (bare, leafy) = (of(0.0, 18.0), of(4.0, 14.0));
    assert!(bare[0] > 20.0 && bare[1] == 0.0 && bare[2] + bare[3] < 5.0, "{bare:?}");
    assert!(leafy[1] > 20.0 && leafy[2] + leafy[3] < 5.0, "{leafy:?}");

    let mut scenario = wide(1, 14.0);
    scenario.comms.mesh.hop_limit = 1;
    let (hours, _) = cut_off(&scenario);
    println!("one hop: {hours:?}");
    assert!(hours.get(&MeshStanding::HopLimit).is_some_and(|h| *h > 50.0), "{hours:?}");
}

/// Of each frame: what is malformed, whether the check sequence holds, the ICMPv6 type, the UDP port. None without tshark.
fn dissect(capture: &[u8], option: &str) -> Option<Vec<String>> {
    let fields = ["-e", "_ws.malformed", "-e", "wpan.fcs_ok", "-e", "icmpv6.type", "-e", "udp.dstport"];
    tshark::tshark("run", capture, &[&["-o", option, "-T", "fields"][..], &fields].concat())
}
