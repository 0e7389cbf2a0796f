//! A second parser: dialogues of our client and our server as a capture, read by tshark's dissector of DLMS/COSEM
//! (Wireshark 4.6 and later) and by us. Both must say the same of every frame, and the dissector must not complain.
//!
//! Where it errs is listed by name with the evidence, and demanded: a fault that does not show any more fails too.
//! `TAA_TSHARK` names the program; `cargo xtask test` brings one. Without it the trials appear as ignored.
#![allow(unreachable_pub, reason = "a test has no users")]

#[path = "../common/mod.rs"]
mod common;
mod ours;
mod pcap;
mod pdml;
mod scenes;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

use ours::{Expected, FAULTS, Fault, Reader};
use pcap::From;
use pdml::Field;

fn main() -> ExitCode {
    let tshark = tshark();
    let trial = |name: &str, run: fn(&str) -> Result<(), Failed>| {
        let program = tshark.clone().unwrap_or_default();
        let trial = Trial::test(name, move || run(&program));
        if tshark.is_some() { trial } else { trial.with_kind("needs tshark 4.6").with_ignored_flag(true) }
    };
    let trials = vec![
        trial("the_dissector_and_we_say_the_same", the_same_is_said),
        trial("sabotage_a_bit_changed_is_noticed", a_changed_bit_is_noticed),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A tshark that knows DLMS.
fn tshark() -> Option<String> {
    let named = std::env::var("TAA_TSHARK").ok();
    let mut candidates = named.into_iter().chain(["tshark".to_owned()]);
    candidates.find(|program| {
        let output = Command::new(program).args(["-G", "protocols"]).output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).lines().any(|line| line.contains("\tdlms\t")))
    })
}

struct Shot {
    scene: &'static str,
    dialogue: u16,
    from: From,
    bytes: Vec<u8>,
    expected: Expected,
}

fn shots() -> Vec<Shot> {
    let mut shots = Vec::new();
    for (dialogue, scene) in (0..).zip(scenes::all()) {
        let mut readers = [Reader::default(), Reader::default()];
        for (from, bytes) in scene.frames {
            let expected = readers[from as usize].frame(&bytes);
            shots.push(Shot { scene: scene.name, dialogue, from, bytes, expected });
        }
    }
    shots
}

fn dissected(tshark: &str, shots: &[Shot], name: &str) -> Result<Vec<Vec<Field>>, Failed> {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, pcap::file(shots.iter().map(|shot| (shot.dialogue, shot.from, shot.bytes.as_slice()))))?;
    let output = Command::new(tshark).args(["-n", "-T", "pdml", "-r"]).arg(&path).output()?;
    let packets = pdml::packets(&String::from_utf8_lossy(&output.stdout));
    if packets.len() != shots.len() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} packets of {} frames; tshark said: {said}", packets.len(), shots.len()).into());
    }
    Ok(packets)
}

/// What the dissector says otherwise than we; `None` when it agrees.
fn disagreement(shot: &Shot, packet: &[Field]) -> Option<String> {
    let theirs = pdml::lines(packet);
    let ours = &shot.expected.lines;
    let agrees = if shot.expected.spoilt { theirs.starts_with(ours) } else { theirs == *ours };
    // A refusal is an answer like any other.
    let mut complaints = pdml::complaints(packet);
    complaints.retain(|complaint| !complaint.contains("No success response"));
    if agrees && (complaints.is_empty() || shot.expected.spoilt) {
        return None;
    }
    let hex: String = shot.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{} {:?} {hex}\n  ours   {ours:?}\n  tshark {theirs:?} {complaints:?}", shot.scene, shot.from))
}

fn the_same_is_said(tshark: &str) -> Result<(), Failed> {
    let shots = shots();
    let packets = dissected(tshark, &shots, "dialogues.pcap")?;
    let wrong: Vec<String> =
        shots.iter().zip(&packets).filter_map(|(shot, packet)| disagreement(shot, packet)).collect();
    if !wrong.is_empty() {
        return Err(format!("{} of {} frames:\n{}", wrong.len(), shots.len(), wrong.join("\n")).into());
    }
    let lines: usize = shots.iter().map(|shot| shot.expected.lines.len()).sum();
    let messages: BTreeSet<&String> =
        shots.iter().flat_map(|shot| &shot.expected.lines).filter(|line| line.starts_with("apdu ")).collect();
    let seen: BTreeSet<Fault> = shots.iter().flat_map(|shot| shot.expected.faults.iter().copied()).collect();
    println!("{} frames, {} kinds of message, {lines} statements agree", shots.len(), messages.len());
    for (fault, evidence) in FAULTS {
        println!("known fault of the dissector: {evidence}");
        assert!(seen.contains(&fault), "no dialogue shows {fault:?}");
    }
    assert!(shots.len() > 150 && messages.len() >= 25 && lines > 1000, "too little was compared");
    Ok(())
}

/// One bit of each frame's content changed, as if our encoder had erred: the dissector then says something else, for
/// nearly all of them (it does not look into protected text, lists and strings).
fn a_changed_bit_is_noticed(tshark: &str) -> Result<(), Failed> {
    let mut shots = shots();
    shots.retain(|shot| shot.bytes.first() != Some(&0x7E) && !shot.expected.spoilt);
    shots.retain(|shot| shot.expected.lines.len() > 5);
    for shot in &mut shots {
        // In the number of the request, or of the message's kind where there is none.
        shot.bytes[wrapper_choice(&shot.expected.lines)] ^= 2;
    }
    let packets = dissected(tshark, &shots, "sabotage.pcap")?;
    let noticed = shots.iter().zip(&packets).filter(|(shot, packet)| disagreement(shot, packet).is_some()).count();
    assert!(noticed == shots.len() && noticed > 50, "{noticed} of {}", shots.len());
    Ok(())
}

/// Where a frame carries something that every dissection shows: the number of the request, else the kind.
fn wrapper_choice(lines: &[String]) -> usize {
    let header = taa_dlms::link::wrapper::HEADER_BYTES;
    if lines.iter().any(|line| line.starts_with("choice ")) { header + 2 } else { header }
}
