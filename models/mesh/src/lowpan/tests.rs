//! Round trips: every packet comes back, whatever its addresses, contexts and headers; no payload makes a panic.

use proptest::prelude::*;

use super::*;
use crate::ip::{Header, next};

fn ends() -> Ends {
    Ends {
        source: LinkAddress::Extended(Eui64([0, 0x0B, 0x57, 0xFF, 0xFE, 0, 1, 1])),
        destination: LinkAddress::Short(0x1234),
    }
}

fn contexts() -> Contexts {
    let mut contexts = Contexts::default();
    contexts.0[0] = Some(Context { prefix: "fd12:3456::".parse().unwrap(), bits: 64 });
    contexts.0[3] = Some(Context { prefix: "2001:db8:0:7::".parse().unwrap(), bits: 64 });
    contexts.0[9] = Some(Context { prefix: "fd00::1:0:0:0".parse().unwrap(), bits: 80 });
    contexts
}

/// Addresses of every kind that has a form of its own.
fn address() -> impl Strategy<Value = Ipv6Addr> {
    let known = [
        "::",
        "fe80::20b:57ff:fe00:101",
        "fe80::ff:fe00:1234",
        "fe80::ff:fe00:77",
        "fe80::1:2:3:4",
        "fe80:1::2",
        "fd12:3456::20b:57ff:fe00:101",
        "fd12:3456::ff:fe00:9",
        "fd12:3456::9",
        "2001:db8:0:7::5",
        "fd00::1:7:8:9",
        "ff02::1a",
        "ff05::1:3",
        "ff08::12:3456:789a",
        "ff3e:40:fd12:3456::1234:5678",
        "ff02:1::1",
        "::1",
    ];
    prop_oneof![
        proptest::sample::select(known.to_vec()).prop_map(|text| text.parse().unwrap()),
        any::<u128>().prop_map(Ipv6Addr::from_bits),
    ]
}

fn header(next_header: u8) -> impl Strategy<Value = Header> {
    let hops = prop_oneof![Just(1_u8), Just(64), Just(255), any::<u8>()];
    let class = prop_oneof![Just(0_u8), any::<u8>(), Just(3)];
    let label = prop_oneof![Just(0_u32), 0..1_u32 << 20];
    (address(), address(), hops, class, label).prop_map(move |(source, destination, hop_limit, class, label)| Header {
        traffic_class: class,
        flow_label: label,
        payload_len: 0,
        next_header,
        hop_limit,
        source,
        destination,
    })
}

/// What follows an IPv6 header: its number and octets.
fn chain() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let data = || proptest::collection::vec(any::<u8>(), 0..60);
    let ports = || prop_oneof![Just(0xF0B3_u16), Just(0xF012), any::<u16>()];
    let udp = (ports(), ports(), any::<u16>(), data()).prop_map(|(from, to, sum, data)| {
        let len = u16::try_from(8 + data.len()).unwrap();
        let mut bytes: Vec<u8> = [from, to, len, sum].iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.extend(data);
        (next::UDP, bytes)
    });
    let leaf =
        prop_oneof![udp, data().prop_map(|data| (next::ICMPV6, data)), data().prop_map(|data| (next::NONE, data))];
    leaf.prop_recursive(4, 8, 1, |inner| {
        let kind = prop_oneof![Just(0_u8), Just(43), Just(60), Just(135), Just(44)];
        let pad = prop_oneof![Just(vec![1_u8, 4, 0, 0, 0, 0]), Just(vec![0; 6]), Just(vec![1, 2, 0, 0, 1, 0])];
        let extended = (kind, 0..3_u8, pad, inner.clone()).prop_map(|(kind, units, tail, (next_header, rest))| {
            let units = if kind == 44 { 0 } else { units };
            let mut bytes = vec![next_header, units];
            bytes.resize(2 + 8 * usize::from(units), 0);
            bytes.extend(tail);
            bytes.extend(rest);
            (kind, bytes)
        });
        let nested = (header(0), inner).prop_map(|(mut header, (next_header, rest))| {
            header.next_header = next_header;
            let mut bytes = Vec::new();
            header.put_packet(&[&rest], &mut bytes);
            (next::IPV6, bytes)
        });
        prop_oneof![extended, nested]
    })
}

fn packet() -> impl Strategy<Value = Vec<u8>> {
    (header(0), chain()).prop_map(|(mut header, (next_header, rest))| {
        header.next_header = next_header;
        let mut bytes = Vec::new();
        header.put_packet(&[&rest], &mut bytes);
        bytes
    })
}

proptest! {
    #[test]
    fn every_packet_comes_back(packet in packet()) {
        for contexts in [Contexts::default(), contexts()] {
            let mut payload = Vec::new();
            let packed = compress(&packet, ends(), &contexts, &mut payload).unwrap();
            prop_assert!(packed.packed <= packed.plain + 4);
            prop_assert_eq!(&decompress(&payload, ends(), &contexts).unwrap(), &packet);
        }
    }

    #[test]
    fn fragments_come_back_in_any_order(packet in packet(), frame_len in 80..200_usize, turn in 0..9_usize) {
        let Ok(mut frames) = fragments(&packet, ends(), &contexts(), frame_len, 7) else { return Ok(()) };
        prop_assert!(frames.iter().all(|frame| frame.len() <= frame_len));
        let len = frames.len();
        frames.rotate_left(turn % len);
        let mut reassembly = Reassembly::default();
        let mut whole = None;
        for frame in &frames {
            prop_assert!(whole.is_none());
            whole = reassembly.handle_receive(0, frame, ends(), &contexts()).unwrap();
        }
        prop_assert_eq!(whole, Some(packet));
        prop_assert_eq!(reassembly.deadline_ns(), None);
    }

    #[test]
    fn no_payload_makes_a_panic(mut payload in proptest::collection::vec(any::<u8>(), 0..120), iphc: bool) {
        if iphc && let Some(first) = payload.first_mut() {
            *first = *first & 0x1F | DISPATCH_IPHC;
        }
        let mut reassembly = Reassembly::default();
        let _ = reassembly.handle_receive(0, &payload, ends(), &contexts());
        if let Ok(packet) = decompress(&payload, ends(), &contexts()) && packet[0] == 0x60 {
            let mut again = Vec::new();
            if compress(&packet, ends(), &contexts(), &mut again).is_ok() {
                prop_assert_eq!(decompress(&again, ends(), &contexts()).unwrap(), packet);
            }
        }
    }
}

#[test]
fn an_elided_checksum_is_computed_again() {
    let (mut payload, mut packet) = (Vec::new(), Vec::new());
    let (a, b) = ("fd12:3456::9".parse().unwrap(), "fd12:3456::7".parse().unwrap());
    let mut udp = vec![0xF0, 0xB1, 0xF0, 0xB2, 0, 12, 0, 0, 1, 2, 3, 4];
    let sum = crate::ip::checksum(a, b, next::UDP, &udp);
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    Header::new(a, b, next::UDP, 64).put_packet(&[&udp], &mut packet);
    compress(&packet, ends(), &Contexts::default(), &mut payload).unwrap();
    // The packed UDP header is the last 8 octets: id, ports, checksum, data. Elide the checksum by hand.
    let at = payload.len() - 8;
    assert_eq!(payload[at], nhc::UDP | 3);
    payload[at] |= 4;
    payload.drain(at + 2..at + 4);
    assert_eq!(decompress(&payload, ends(), &Contexts::default()).unwrap(), packet);
}

/// Four hops of a source route are longer than a short frame: they go on in later fragments.
#[test]
fn a_source_route_longer_than_a_frame_is_carried_as_it_is() {
    let hop = |n: u16| Ipv6Addr::new(0xFD00, 0, 0, 0, n, n, n, n);
    let mut extension = Vec::new();
    crate::rpl::wire::SourceRoute::new(hop(1), &[hop(2), hop(3), hop(4), hop(5)]).put(next::UDP, &mut extension);
    let mut packet = Vec::new();
    Header::new(hop(9), hop(1), next::ROUTING, 64).put_packet(&[&extension, &[7; 90]], &mut packet);
    let frames = fragments(&packet, ends(), &Contexts::default(), 58, 3).unwrap();
    assert!(frames.iter().all(|frame| frame.len() <= 58));
    let mut reassembly = Reassembly::default();
    let whole = frames.iter().map(|of| reassembly.handle_receive(0, of, ends(), &Contexts::default()).unwrap()).last();
    assert_eq!(whole, Some(Some(packet)));
}

#[test]
fn fragments_that_contradict_or_linger_are_given_up() {
    let mut packet = Vec::new();
    Header::new(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, next::NONE, 9).put_packet(&[&[5; 300]], &mut packet);
    let frames = fragments(&packet, ends(), &Contexts::default(), 100, 1).unwrap();
    assert!(frames.len() > 3);
    let mut reassembly = Reassembly::default();
    let mut forged = frames[1].clone();
    *forged.last_mut().unwrap() ^= 1;
    let none = Contexts::default();
    assert_eq!(reassembly.handle_receive(0, &frames[1], ends(), &none), Ok(None));
    assert_eq!(reassembly.handle_receive(0, &frames[1], ends(), &none), Ok(None));
    assert_eq!(reassembly.handle_receive(0, &forged, ends(), &none), Err(Error::Overlap));
    assert_eq!(reassembly.deadline_ns(), None);
    reassembly.handle_receive(5, &frames[0], ends(), &none).unwrap();
    assert_eq!(reassembly.deadline_ns(), Some(60_000_000_005));
    assert_eq!(reassembly.handle_timeout(60_000_000_005), 1);
}
