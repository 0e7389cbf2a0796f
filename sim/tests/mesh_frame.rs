//! Whole runs on the mesh frame by frame: one seed, one result on any number of threads; a capture that Wireshark reads.

mod common;
#[path = "../../models/mesh/tests/tshark/mod.rs"]
mod tshark;

use common::{bundle, simulate, simulate_on, village};
use taa_models::mesh::Fidelity;
use taa_scenarios::model::Scenario;

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

/// Of each frame: what is malformed, whether the check sequence holds, the ICMPv6 type, the UDP port. None without tshark.
fn dissect(capture: &[u8], option: &str) -> Option<Vec<String>> {
    let fields = ["-e", "_ws.malformed", "-e", "wpan.fcs_ok", "-e", "icmpv6.type", "-e", "udp.dstport"];
    tshark::tshark("run", capture, &[&["-o", option, "-T", "fields"][..], &fields].concat())
}
