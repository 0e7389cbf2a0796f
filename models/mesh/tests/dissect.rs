//! An outside dissector reads what nodes write: every packet of a mesh in trouble, none malformed, every checksum right.
//!
//! Runs when `tshark` is installed; without it the trial says so and passes.

mod air;
mod tshark;

use air::{global, packets_in_trouble};
use taa_mesh::lowpan::{Contexts, Ends, LinkAddress, Reassembly, fragments};
use tshark::tshark;

/// A UDP datagram of 16 octets; its checksum is not looked at.
const DATAGRAM: [u8; 16] = [0x9C, 0x40, 0x9C, 0x41, 0, 16, 0x12, 0x34, 7, 7, 7, 7, 7, 7, 7, 7];

/// Packets up, down and across.
fn packets() -> Vec<Vec<u8>> {
    packets_in_trouble(|air| {
        for index in 1..9 {
            air.send(index, global(9 - index), &DATAGRAM);
            air.send(index, global(0), &DATAGRAM);
            air.send(0, global(index), &DATAGRAM);
        }
    })
}

/// A capture file of raw IPv6 packets (link type 101).
fn capture(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xA1B2_C3D4_u32, 0x0002_0004, 0, 0, 65_535, 101] {
        // The second word is two halves: version 2.4.
        let bytes = if word == 0x0002_0004 { [2, 0, 4, 0] } else { word.to_le_bytes() };
        file.extend(bytes);
    }
    for packet in packets {
        let len = u32::try_from(packet.len()).unwrap();
        for word in [0, 0, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    file
}

/// Of each packet what `nothing_on_the_air_is_malformed` looks at; `None` when `tshark` is not installed.
fn dissected(packets: &[Vec<u8>], name: &str) -> Option<Vec<String>> {
    let fields =
        ["_ws.malformed", "icmpv6.checksum.status", "icmpv6.rpl.dio.rank", "ipv6.routing.segleft", "frame.protocols"];
    let mut arguments = vec!["-o", "udp.check_checksum:FALSE", "-T", "fields"];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    tshark(name, &capture(packets), &arguments)
}

#[test]
fn nothing_on_the_air_is_malformed() {
    let packets = packets();
    let Some(lines) = dissected(&packets, "clean") else { return };
    assert_eq!(lines.len(), packets.len());
    let of = |mark: &dyn Fn(&[&str]) -> bool| {
        lines.iter().filter(|line| mark(&line.split('\t').collect::<Vec<_>>())).count()
    };
    for line in &lines {
        let fields: Vec<&str> = line.split('\t').collect();
        assert!(fields[0].is_empty(), "{line}");
        // 1 is good; a packet inside another gives two.
        assert!(fields[1].split(',').all(|status| status.is_empty() || status == "1"), "{line}");
    }
    let (dios, routed) = (of(&|fields| !fields[2].is_empty()), of(&|fields| !fields[3].is_empty()));
    println!("{} packets, {dios} DIOs, {routed} with source routes", packets.len());
    assert!(dios > 50 && routed > 5, "{dios} DIOs, {routed} with source routes");
}

#[test]
fn every_packet_crosses_frames_of_any_size_and_comes_back() {
    let packets = packets();
    let end = |index| LinkAddress::Extended(air::eui(index));
    let ends = Ends { source: end(1), destination: end(2) };
    let mut octets = [0, 0];
    for packet in &packets {
        // The first frame must hold all headers; two IPv6 headers with a source route do not fit 90 octets.
        for frame_len in [150, 200, 1500] {
            let frames = fragments(packet, ends, &Contexts::default(), frame_len, 1).unwrap();
            let mut reassembly = Reassembly::default();
            let back = frames
                .iter()
                .filter_map(|frame| reassembly.handle_receive(0, frame, ends, &Contexts::default()).unwrap());
            assert!(back.eq([packet.clone()]), "frames of {frame_len}");
            if frame_len == 1500 {
                octets[0] += packet.len();
                octets[1] += frames[0].len();
            }
        }
    }
    println!("{} octets of packets in {} of frames", octets[0], octets[1]);
    assert!(octets[1] * 10 < octets[0] * 8, "{octets:?}");
}

#[test]
fn a_broken_packet_is_noticed() {
    // The sabotage: a DIO cut short and one with a wrong Rank.
    let mut packets = packets();
    packets.retain(|packet| packet.get(40..42) == Some(&[155, 1]));
    packets.truncate(2);
    packets[0].truncate(52);
    packets[0][4..6].copy_from_slice(&12_u16.to_be_bytes());
    packets[1][47] ^= 1;
    let Some(lines) = dissected(&packets, "broken") else { return };
    let fields: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    assert!(!fields[0][0].is_empty(), "{lines:?}");
    assert_eq!(fields[1][1], "0", "{lines:?}");
}
