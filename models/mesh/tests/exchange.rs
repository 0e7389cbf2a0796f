//! The sizes of `wisun::exchange` and `wisun::message` against what a real join put on the air.

use taa_mesh::mac::Eui64;
use taa_mesh::wisun::exchange::{AROUND_DOWN, AROUND_RELAYED, AROUND_UP, FULL};
use taa_mesh::wisun::frames::{self, MPX_KMP};
use taa_mesh::wisun::ie::{FrameType, Pan};
use taa_mesh::wisun::keys::Hashes;
use taa_mesh::wisun::message::{Message, To};

/// Octets of the check sequence, which the recording lacks.
const FCS: i64 = 4;

fn rows() -> Vec<(u64, String, Vec<u8>)> {
    let lines = include_str!("data/wisun_join.jsonl").lines();
    lines
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let bytes = taa_vectors::hex(row["hex"].as_str().unwrap()).unwrap();
            (row["src"].as_u64().unwrap(), row["dst"].as_str().unwrap_or("").to_owned(), bytes)
        })
        .collect()
}

/// Node 1 joins directly at the border router (node 0): the sixteen messages between them are ours, octet for octet in
/// number, direction, protocol and length.
#[test]
fn a_first_join_is_these_sixteen_messages() {
    let mut found = Vec::new();
    for (src, dst, bytes) in rows() {
        let frame = frames::decode(&bytes).unwrap();
        let between = (src == 1 && dst.ends_with("0100")) || (src == 0 && dst.ends_with("0101"));
        let Some(mpx) = frame.mpx.filter(|mpx| mpx.id == MPX_KMP) else { continue };
        if between && frame.frame_type() == Some(FrameType::Eapol) {
            found.push((src == 1, mpx.content[0], mpx.content.len() as u32 - 1, bytes.len()));
        }
    }
    assert_eq!(found.len(), FULL.len());
    for ((up, kmp, octets, frame), step) in found.into_iter().zip(FULL) {
        assert_eq!((up, kmp, octets), (step.up, step.kmp, step.octets), "{}", step.name);
        // The first frames up lack the broadcast timing, eight octets: the node has no schedule yet.
        let around = if up { AROUND_UP } else { AROUND_DOWN };
        let ours = i64::from(octets + around);
        let theirs = frame as i64 + FCS;
        assert!(ours - theirs == 0 || (step.name == "key request" && ours - theirs == 8), "{}: {ours}", step.name);
    }
}

/// Node 2 joins through node 1, which relays to the border router: the same messages in UDP, 119 octets around each.
#[test]
fn a_relayed_message_has_so_much_around_it() {
    let relayed: Vec<usize> = rows()
        .iter()
        .filter(|(src, dst, bytes)| {
            // UDP from and to port 10253, uncompressed, after IPv6 with two addresses.
            *src == 1 && dst.ends_with("0100") && bytes.windows(5).any(|five| five == [0xf0, 0x28, 0x0d, 0x28, 0x0d])
        })
        .map(|(_, _, bytes)| bytes.len())
        .collect();
    let ups: Vec<u32> = FULL.iter().filter(|step| step.up).map(|step| step.octets).collect();
    // Node 2's identity is one octet shorter in length fields that wrap here: compare the fixed ones.
    for (at, octets) in [(0, ups[0]), (1, ups[1]), (2, ups[2]), (4, ups[4]), (5, ups[5])] {
        assert_eq!(relayed[at] as i64 + FCS, i64::from(octets + AROUND_RELAYED), "message {at}");
    }
}

#[test]
fn discovery_frames_are_as_long_as_ours() {
    let pan = Pan { size: 0, routing_cost: 0, flags: 0x43 };
    let (network, pan_id, client) = (1, 0xcb29, Eui64::default());
    let ours = [
        (FrameType::PanAdvert, Message::Pa { network, pan_id, pan }),
        (FrameType::PanAdvertSolicit, Message::Pas { network }),
        (FrameType::PanConfig, Message::Pc { pan_id, version: 1, keys: Hashes::default() }),
        (FrameType::PanConfigSolicit, Message::Pcs { network, pan_id }),
    ];
    for (kind, message) in ours {
        let theirs: Vec<usize> = rows()
            .iter()
            .filter(|(_, _, bytes)| frames::decode(bytes).unwrap().frame_type() == Some(kind))
            .map(|(_, _, bytes)| bytes.len())
            .collect();
        assert!(!theirs.is_empty());
        assert!(
            theirs.iter().all(|octets| *octets as i64 + FCS == i64::from(message.octets(To::Everywhere))),
            "{kind:?}"
        );
    }
    // Address request and reply of node 1, directly at the root: 124 and 162 octets.
    assert_eq!(Message::AddressRequest { client }.octets(To::Root), 128);
    assert_eq!(Message::AddressReply { client }.octets(To::Router(client)), 166);
}
