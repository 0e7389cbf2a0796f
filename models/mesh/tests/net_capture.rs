//! What the network sends, as octets: `tshark` takes every frame apart, with the group key and without.

mod site;
mod tshark;

use std::collections::{BTreeMap, BTreeSet};

use site::{HOUR, MINUTE, S, Site, config, grid, line};
use taa_mesh::mac::engine::Priority;
use taa_mesh::mac::fcs::Fcs;
use taa_mesh::mac::frame::{Address, Mpdu};
use taa_mesh::mac::pcapng::{self, Tap};
use taa_mesh::net::{Config, Event, Use, capture_option};
use taa_mesh::trickle::Parameters;
use taa_mesh::wisun::params::Size;
use tshark::tshark;

/// Time, channel, octets.
type Taken = (u64, u16, Vec<u8>);

/// Nine nodes join and talk for half an hour, then all are told something: their frames, and how long each was said to be.
fn frames(seed: u64) -> (Vec<Taken>, Vec<(u32, Use)>) {
    let repairs = Parameters { interval_min_ns: 10 * S, doublings: 5, redundancy: 1 };
    let control = Some((repairs, 10));
    let set = Config {
        bytes: true,
        capture: true,
        trace: true,
        multicast_control: control,
        exchange_ms: 1_000,
        ..config(Size::Small, seed)
    };
    let mut site = Site::new(set, 9, &grid(9, 65.0));
    site.run(30 * MINUTE);
    for _ in 0..3 {
        site.network.multicast(0, &[3; 80], Priority::Data);
        site.run(MINUTE);
    }
    for node in 1..9 {
        site.carry(0, node, &[node as u8; 120]);
        site.carry(node, 0, &[node as u8; 300]);
    }
    (0..30).for_each(|at| {
        site.network.send(0, 1 + at / 10, &[at as u8; 400], Priority::Data);
    });
    site.run(MINUTE);
    let taken = std::iter::from_fn(|| site.network.poll_octets());
    let octets = taken.map(|of| (of.start_ns, of.channel, of.octets)).collect();
    let said = site.events.iter().filter_map(|(_, event)| match event {
        Event::Frame(frame) => Some((frame.octets, frame.of)),
        _ => None,
    });
    (octets, said.collect())
}

fn capture(frames: &[(u64, u16, Vec<u8>)]) -> Vec<u8> {
    let mut frames: Vec<&(u64, u16, Vec<u8>)> = frames.iter().collect();
    frames.sort_by_key(|frame| frame.0);
    frames.iter().fold(pcapng::head("taa"), |mut all, (at_ns, channel, octets)| {
        let tap = Tap { rss_dbm: None, channel: Some((*channel, 9)), fcs: Some(Fcs::Long) };
        all.extend(pcapng::packet(*at_ns, tap, octets));
        all
    })
}

/// A frame is on the air as long as its octets take: those the network counted. A PAN configuration counts what was
/// recorded, which carries elements for limited nodes too; authentication going down likewise.
#[test]
fn octets_are_as_many_as_were_counted() {
    let (octets, said) = frames(1);
    // What a node that lost power had on the air has no octets; nobody did.
    assert_eq!(octets.len(), said.len());
    let mut exact = 0;
    for ((_, _, octets), (counted, of)) in octets.iter().zip(&said) {
        let short = *counted as usize - octets.len().min(*counted as usize);
        let near = matches!(of, Use::Discovery | Use::Joining);
        assert!(octets.len() <= *counted as usize && (near || short == 0), "{of:?}: {counted}, {}", octets.len());
        exact += usize::from(short == 0);
    }
    assert!(exact * 2 > octets.len(), "{exact} of {}", octets.len());
}

/// Nothing is malformed, sealed or opened; opened, 6LoWPAN shows RPL, neighbour discovery and UDP; every sequence checks.
#[test]
fn tshark_finds_no_malformed_frame() {
    let (octets, _) = frames(2);
    let all = capture(&octets);
    let of = ["_ws.malformed", "wpan.fcs_ok", "icmpv6.type", "udp.dstport", "ipv6.opt.mpl.sequence", "ipv6.dst"];
    let flow = ["-T", "fields", "-e", "_ws.malformed", "-e", "wisun.fcie.rx"];
    let exchanges = tshark("exchanges", &all, &flow).unwrap_or_default();
    let with_flow = exchanges.iter().filter(|line| line.len() > 1).count();
    assert!(exchanges.is_empty() || with_flow >= 20, "{with_flow} frames and responses of exchanges");
    let fields: Vec<&str> = ["-T", "fields"].into_iter().chain(of.iter().flat_map(|of| ["-e", of])).collect();
    let Some(sealed) = tshark("sealed", &all, &fields) else { return };
    assert_eq!(sealed.len(), octets.len());
    assert!(sealed.iter().all(|line| line.starts_with("\t1")), "{:?}", sealed.iter().find(|l| !l.starts_with("\t1")));
    assert!(sealed.iter().all(|line| line == "\t1\t\t\t\t"), "without the key nothing of it shows");
    let opened = tshark("opened", &all, &[&["-o", &capture_option(2)][..], &fields].concat()).unwrap();
    let bad = opened.iter().find(|line| !line.starts_with("\t1"));
    assert_eq!(bad, None);
    for (what, field) in
        [("RPL", "155"), ("solicitation", "135"), ("advertisement", "136"), ("control of multicast", "159")]
    {
        assert!(opened.iter().any(|line| line.split('\t').nth(2) == Some(field)), "no {what}");
    }
    assert!(opened.iter().any(|line| line.split('\t').nth(3).is_some_and(|port| port == "61617")), "no payload");
    let for_all = |line: &&String| line.split('\t').nth(5) == Some("ff03::fc,ff03::1");
    let numbers: BTreeSet<&str> = opened.iter().filter(for_all).filter_map(|line| line.split('\t').nth(4)).collect();
    assert_eq!(numbers.len(), 3, "three messages for all: {numbers:?}");
}

/// Sabotage: an octet changed on the way shows.
#[test]
fn sabotage_a_damaged_frame_shows() {
    let (mut octets, _) = frames(3);
    octets.truncate(50);
    let last = octets[20].2.len() - 6;
    octets[20].2[last] ^= 1;
    let Some(lines) = tshark("damaged", &capture(&octets), &["-T", "fields", "-e", "wpan.fcs_ok"]) else { return };
    assert_eq!(lines.iter().filter(|line| *line == "0").count(), 1);
}

/// A counter never comes back under one key (802.15.4, 9.3.2): a router loses power for an hour in a capture of 24 h; every
/// sender's counters rise strictly from first to last.
#[test]
fn counters_of_a_long_capture_rise() {
    let mut site = Site::new(Config { bytes: true, capture: true, ..config(Size::Small, 4) }, 2, &line(2));
    let (mut last, mut sealed): (BTreeMap<_, u32>, u32) = (BTreeMap::new(), 0);
    let mut through = 0;
    for hour in 0..24 {
        site.network.power(1, hour != 9);
        site.run(HOUR);
        while let Some(taken) = site.network.poll_octets() {
            let frame = Mpdu::decode(&taken.octets[..taken.octets.len() - 4]).unwrap();
            let (Some(security), Address::Extended(from)) = (frame.header.security, frame.header.from) else {
                continue;
            };
            let counter = security.counter.unwrap();
            let before = last.insert((from, format!("{:?}", security.key)), counter);
            assert!(
                before.is_none_or(|before| counter > before),
                "{from:?} at {} s: {before:?}, {counter}",
                taken.start_ns / S
            );
            sealed += 1;
            through = taken.start_ns;
        }
    }
    assert!(through > 23 * HOUR && last.len() == 2 && sealed > 10_000, "{sealed} until {through}: {last:?}");
    assert!(last.values().all(|&last| last <= sealed), "they are counted one by one: {last:?}");
}
