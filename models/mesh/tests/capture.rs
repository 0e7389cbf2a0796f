//! Frames of a real border router and three real routers (`data/wisun_join.jsonl`, recorded between an unmodified open
//! implementation and itself over an emulated radio that neither enciphers nor adds check sequences), and captures that
//! `tshark` takes apart.
//!
//! Where `tshark` is not installed the tests that need it say so and pass; the golden test of `mac::pcapng` stands in.

mod tshark;

use taa_mesh::mac::channels::Channels;
use taa_mesh::mac::fcs::Fcs;
use taa_mesh::mac::frame::{Address, FrameType, Header, Version};
use taa_mesh::mac::pcapng::{self, Tap};
use taa_mesh::mac::schedule::Unicast;
use taa_mesh::mac::{Eui64, security};
use taa_mesh::net::{AROUND_ALL, AROUND_ONE, PROBE_OCTETS};
use taa_mesh::wisun::frames::{self, Frame, MPX_LOWPAN, Mpx};
use taa_mesh::wisun::ie::{HeaderIe, PayloadIe};
use tshark::tshark;

/// One frame of the recording.
struct Recorded {
    at_us: u64,
    node: u8,
    frame_type: u8,
    to: Option<Eui64>,
    secured: bool,
    bytes: Vec<u8>,
}

fn recording() -> Vec<Recorded> {
    let lines = include_str!("data/wisun_join.jsonl").lines();
    let all: Vec<Recorded> = lines
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let to = row["dst"].as_str().map(|text| Eui64(taa_vectors::hex(text).unwrap().try_into().unwrap()));
            Recorded {
                at_us: row["t"].as_u64().unwrap(),
                node: row["src"].as_u64().unwrap() as u8,
                frame_type: row["ft"].as_u64().unwrap() as u8,
                to,
                secured: row["sec"] == 1,
                bytes: taa_vectors::hex(row["hex"].as_str().unwrap()).unwrap(),
            }
        })
        .collect();
    assert_eq!(all.len(), 327);
    all
}

fn eui(node: u8) -> Eui64 {
    Eui64([0, 0x0b, 0x57, 0xff, 0xfe, 0, 1, node])
}

#[test]
fn every_real_frame_is_understood_and_written_back_to_the_bit() {
    for recorded in recording() {
        let frame = frames::decode(&recorded.bytes).unwrap();
        assert_eq!(frame.frame_type().unwrap().number(), recorded.frame_type);
        assert_eq!(frame.header.from, Address::Extended(eui(recorded.node)));
        assert_eq!(frame.header.to, recorded.to.map_or(Address::Absent, Address::Extended));
        assert_eq!(frame.header.security.is_some(), recorded.secured);
        assert!(frame.payload_ies.iter().all(|ie| !matches!(ie, PayloadIe::Other(nested) if nested.id != 0x41)));
        let mut again = Vec::new();
        let clear = frames::encode(&frame, &mut again).unwrap();
        assert_eq!(again, recorded.bytes);
        assert!(clear >= 19 && clear < again.len());
    }
}

/// Every fraction of a sequence that they sent is the one of our schedule at that time.
#[test]
fn real_nodes_hop_when_we_say() {
    let mut checked = 0;
    for recorded in recording() {
        let schedule = Unicast { of: eui(recorded.node), dwell_ms: 255, channels: Channels::all(129).unwrap() };
        for ie in frames::decode(&recorded.bytes).unwrap().header_ies {
            if let HeaderIe::Utt(_, ufsi) = ie {
                let ours = schedule.ufsi_at(recorded.at_us * 1_000);
                assert!(ours.abs_diff(ufsi) <= 1, "at {} µs: {ours}, they say {ufsi}", recorded.at_us);
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 327);
}

/// What the network puts around 6LoWPAN, and what it takes a link's measurement for, is what real nodes sent.
#[test]
fn sizes_of_the_network_are_those_of_real_frames() {
    let (mut to_one, mut to_all, mut probes) = (0, 0, 0);
    for recorded in recording() {
        let frame = frames::decode(&recorded.bytes).unwrap();
        let Some(mpx) = frame.mpx.filter(|mpx| mpx.id == MPX_LOWPAN) else { continue };
        let around = (recorded.bytes.len() - mpx.content.len() + 4) as u32;
        let broadcast_schedule = frame.payload_ies.iter().any(|ie| matches!(ie, PayloadIe::Bs(..)));
        if recorded.to.is_some() {
            assert_eq!(around, AROUND_ONE);
            to_one += 1;
            // Address compression and hop limit of the recorded solicitations and advertisements, then their type.
            let measures =
                mpx.content.starts_with(&[0x7b, 0x03, 0x3a]) && matches!(mpx.content[19..21], [0x87 | 0x88, 0]);
            probes += usize::from(measures && recorded.bytes.len() as u32 + 4 == PROBE_OCTETS);
        } else {
            assert_eq!(around, if broadcast_schedule { AROUND_ALL + 14 } else { AROUND_ALL });
            to_all += 1;
        }
    }
    assert_eq!((to_one, to_all), (207, 17));
    assert!(probes > 0, "{probes} of the size set");
}

/// No length or flag that is cut short, flipped or prolonged makes a panic or an endless walk; what still decodes is
/// written back to what it was.
#[test]
fn damaged_frames_are_refused_or_still_themselves() {
    for recorded in recording().into_iter().step_by(7) {
        for cut in 0..recorded.bytes.len().min(140) {
            let _ = frames::decode(&recorded.bytes[..cut]);
            for bit in 0..8 {
                let mut bytes = recorded.bytes.clone();
                bytes[cut] ^= 1 << bit;
                if let Ok(frame) = frames::decode(&bytes) {
                    let mut again = Vec::new();
                    if frames::encode(&frame, &mut again).is_ok() {
                        let back = frames::decode(&again).unwrap();
                        assert_eq!(back.payload_ies, frame.payload_ies);
                    }
                }
            }
        }
    }
}

fn capture(frames: impl Iterator<Item = (u64, Vec<u8>)>) -> Vec<u8> {
    let tap = Tap { rss_dbm: Some(-80.0), channel: Some((29, 9)), fcs: Some(Fcs::Long) };
    frames.fold(pcapng::head("taa"), |mut all, (at_ns, mut psdu)| {
        Fcs::Long.append(&mut psdu);
        all.extend(pcapng::packet(at_ns, tap, &psdu));
        all
    })
}

#[test]
fn a_capture_of_real_frames_dissects_without_a_malformed_one() {
    let all = capture(recording().into_iter().map(|recorded| (recorded.at_us * 1_000, recorded.bytes)));
    let fields = ["-T", "fields", "-e", "frame.number", "-e", "wisun.uttie.type", "-e", "_ws.malformed"];
    let Some(lines) = tshark("real", &all, &[&fields[..], &["-e", "wpan.fcs_ok"]].concat()) else { return };
    assert_eq!(lines.len(), 327);
    for (line, recorded) in lines.iter().zip(recording()) {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields[1].parse(), Ok(recorded.frame_type), "{line}");
        assert_eq!((fields[2], fields[3]), ("", "1"), "{line}");
    }
}

/// A data frame that our CCM* seals is opened by `tshark` with the key, and its ICMPv6 shows: two implementations agree
/// on nonce, authenticated part and integrity code.
#[test]
fn a_sealed_frame_is_opened_by_tshark_with_the_key() {
    let key: [u8; 16] = std::array::from_fn(|at| at as u8 * 17);
    let real = recording().into_iter().find(|recorded| recorded.bytes.starts_with(&[0x69, 0xee, 0x62])).unwrap();
    let frame = frames::decode(&real.bytes).unwrap();
    let mut sealed = Vec::new();
    let clear = frames::encode(&Frame { mic: &[], ..frame.clone() }, &mut sealed).unwrap();
    let level = frame.header.security.unwrap();
    let (open, private) = sealed.split_at_mut(clear);
    let mic = security::seal(&key, eui(1), &level, open, private).unwrap();
    sealed.extend_from_slice(&mic);
    let all = capture([(1_000, sealed)].into_iter());
    let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let uat = format!("uat:ieee802154_keys:\"{text}\",\"1\",\"No hash\"");
    let fields = ["-T", "fields", "-e", "icmpv6.type", "-e", "_ws.malformed"];
    let Some(with) = tshark("sealed", &all, &[&["-o", &uat][..], &fields].concat()) else { return };
    assert_eq!(with, ["155\t"], "a RPL message, not malformed");
    let without = tshark("sealed-no-key", &all, &fields).unwrap();
    assert_eq!(without, ["\t"], "without the key nothing of it shows");
}

/// A frame of ours, in clear, dissects as 802.15.4, Wi-SUN and 6LoWPAN.
#[test]
fn a_data_frame_of_ours_dissects_down_to_its_payload() {
    let header = Header {
        frame_type: FrameType::Data,
        pending: false,
        ack_request: true,
        version: Version::V2015,
        sequence: Some(9),
        to_pan: None,
        to: Address::Extended(eui(2)),
        from_pan: None,
        from: Address::Extended(eui(1)),
        security: None,
    };
    // IPHC, link-local both ends derived from the addresses, next header ICMPv6: a DIS.
    let lowpan = [0x7b, 0x33, 0x3a, 0x9b, 0x00, 0, 0, 0, 0];
    let frame = Frame {
        header,
        header_ies: vec![HeaderIe::Utt(taa_mesh::wisun::ie::FrameType::Data, 77), HeaderIe::Bt(3, 400)],
        payload_ies: vec![],
        mpx: Some(Mpx { control: 0, id: MPX_LOWPAN, content: &lowpan }),
        mic: &[],
    };
    let mut bytes = Vec::new();
    frames::encode(&frame, &mut bytes).unwrap();
    assert_eq!(frames::decode(&bytes).as_ref(), Ok(&frame));
    let fields = ["-T", "fields", "-e", "icmpv6.type", "-e", "ipv6.hlim", "-e", "_ws.malformed"];
    let Some(lines) = tshark("ours", &capture([(5, bytes)].into_iter()), &fields) else { return };
    assert_eq!(lines, ["155\t255\t"]);
}

/// Damage that a check sequence or an integrity code must catch is caught by `tshark` too: the captures above are not
/// clean because nothing is looked at.
#[test]
fn sabotage_a_wrong_check_sequence_shows() {
    let tap = Tap { rss_dbm: None, channel: None, fcs: Some(Fcs::Long) };
    let mut psdu = recording().swap_remove(0).bytes;
    Fcs::Long.append(&mut psdu);
    *psdu.last_mut().unwrap() ^= 1;
    let mut all = pcapng::head("taa");
    all.extend(pcapng::packet(1, tap, &psdu));
    let Some(lines) = tshark("sabotage", &all, &["-T", "fields", "-e", "wpan.fcs_ok"]) else { return };
    assert_eq!(lines, ["0"]);
}
