//! Round trips of control messages, and no panic on any octets.

use proptest::prelude::*;

use super::*;

fn address() -> impl Strategy<Value = Ipv6Addr> {
    any::<u128>().prop_map(Ipv6Addr::from_bits)
}

fn prefix() -> impl Strategy<Value = Prefix> {
    (any::<u128>(), 0..=128_u8, 0..4_u8).prop_map(|(address, bits, more)| {
        let carried = (bits.div_ceil(8) + more * 4).min(16);
        let mask = u128::MAX.checked_shl(128 - u32::from(carried) * 8).unwrap_or(0);
        Prefix { address: Ipv6Addr::from_bits(address & mask), bits, carried }
    })
}

fn metric() -> impl Strategy<Value = MetricObject> {
    let value = prop_oneof![
        any::<u8>().prop_map(Metric::HopCount),
        proptest::collection::vec(any::<u32>(), 0..4).prop_map(Metric::ThroughputBytesPerS),
        proptest::collection::vec(any::<u32>(), 0..4).prop_map(Metric::LatencyUs),
        proptest::collection::vec((0..8_u8, 0..32_u8), 0..9).prop_map(Metric::LinkQuality),
        proptest::collection::vec(any::<u16>(), 0..9).prop_map(Metric::Etx128),
        proptest::collection::vec(any::<u8>(), 0..9).prop_map(|body| Metric::Other { kind: 1, body }),
    ];
    let aggregation = prop_oneof![
        Just(Aggregation::Additive),
        Just(Aggregation::Maximum),
        Just(Aggregation::Minimum),
        Just(Aggregation::Multiplicative),
        (4..8_u8).prop_map(Aggregation::Other)
    ];
    (value, aggregation, any::<[bool; 4]>(), 0..16_u8).prop_map(|(metric, aggregation, flags, precedence)| {
        let [partial, constraint, optional, recorded] = flags;
        MetricObject { metric, flags: MetricFlags { partial, constraint, optional, recorded, aggregation, precedence } }
    })
}

prop_compose! {
    fn config()(flags in (any::<bool>(), 0..8_u8), bytes: [u8; 4], words: [u16; 4]) -> DodagConfig {
        DodagConfig {
            authenticated: flags.0,
            path_control_size: flags.1,
            interval_doublings: bytes[0],
            interval_min: bytes[1],
            redundancy: bytes[2],
            max_rank_increase: words[0],
            min_hop_rank_increase: words[1],
            objective: words[2],
            default_lifetime: bytes[3],
            lifetime_unit_s: words[3],
        }
    }
}

fn option() -> impl Strategy<Value = RplOption> {
    let route = (0..4_u8, any::<u32>(), prefix()).prop_map(|(preference, lifetime_s, prefix)| RouteInformation {
        preference,
        lifetime_s,
        prefix,
    });
    let transit =
        (any::<bool>(), any::<[u8; 3]>(), proptest::option::of(address())).prop_map(|(external, b, parent)| Transit {
            external,
            path_control: b[0],
            path_sequence: b[1],
            lifetime: b[2],
            parent,
        });
    let solicited = (any::<[u8; 2]>(), any::<[bool; 3]>(), address()).prop_map(|(b, flags, dodag)| {
        let [match_version, match_instance, match_dodag] = flags;
        SolicitedInformation { instance: b[0], match_version, match_instance, match_dodag, dodag, version: b[1] }
    });
    let info = (any::<u8>(), any::<[bool; 3]>(), any::<[u32; 2]>(), address()).prop_map(|(bits, flags, s, prefix)| {
        let [on_link, autonomous, router_address] = flags;
        PrefixInformation { bits, on_link, autonomous, router_address, valid_s: s[0], preferred_s: s[1], prefix }
    });
    prop_oneof![
        Just(RplOption::Pad1),
        (0..9_u8).prop_map(RplOption::PadN),
        proptest::collection::vec(metric(), 0..4).prop_map(RplOption::Metrics),
        route.prop_map(RplOption::Route),
        config().prop_map(RplOption::Config),
        prefix().prop_map(RplOption::Target),
        transit.prop_map(RplOption::Transit),
        solicited.prop_map(RplOption::Solicited),
        info.prop_map(RplOption::Prefix),
        any::<u32>().prop_map(RplOption::Descriptor),
        (10..=255_u8, proptest::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(kind, data)| RplOption::Other { kind, data }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let options = || proptest::collection::vec(option(), 0..5);
    let mode = (0..8_u8).prop_map(Mode::of);
    let dio = (any::<[u8; 3]>(), any::<u16>(), any::<bool>(), mode, 0..8_u8, address(), options()).prop_map(
        |([instance, version, dtsn], rank, grounded, mode, preference, dodag, options)| {
            Message::Dio(Dio { instance, version, rank, grounded, mode, preference, dtsn, dodag, options })
        },
    );
    let dao = (any::<[u8; 2]>(), any::<bool>(), proptest::option::of(address()), options()).prop_map(
        |([instance, sequence], wants_ack, dodag, options)| {
            Message::Dao(Dao { instance, wants_ack, sequence, dodag, options })
        },
    );
    let ack = (any::<[u8; 3]>(), proptest::option::of(address()), options()).prop_map(
        |([instance, sequence, status], dodag, options)| {
            Message::DaoAck(DaoAck { instance, sequence, status, dodag, options })
        },
    );
    let body = proptest::collection::vec(any::<u8>(), 0..30);
    prop_oneof![
        options().prop_map(|options| Message::Dis(Dis { options })),
        dio,
        dao,
        ack,
        (4..0x80_u8, body).prop_map(|(code, body)| Message::Other { code, body }),
    ]
}

proptest! {
    #[test]
    fn every_message_comes_back(message in message(), source in address(), destination in address()) {
        let mut bytes = Vec::new();
        message.put(source, destination, &mut bytes);
        prop_assert_eq!(Message::parse(source, destination, &bytes), Ok(message));
        // The sabotage: one flipped bit anywhere is caught by the checksum.
        let at = usize::from(bytes[3]) % bytes.len();
        bytes[at] ^= 0x10;
        prop_assert!(Message::parse(source, destination, &bytes).is_err());
    }

    #[test]
    fn no_octets_make_a_panic(code: u8, body in proptest::collection::vec(any::<u8>(), 0..150)) {
        let mut bytes = vec![ICMPV6_TYPE, code, 0, 0];
        bytes.extend(body);
        if let Ok(message) = Message::parse_unchecked(&bytes) {
            let mut again = Vec::new();
            message.put(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, &mut again);
            prop_assert_eq!(Message::parse(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, &again), Ok(message));
        }
        let _ = PacketInformation::find(&bytes);
        let _ = SourceRoute::parse(&bytes, Ipv6Addr::LOCALHOST);
        let mut packet = vec![0; 40];
        packet.extend(&bytes[..bytes.len().min(usize::from(code))]);
        let _ = advance(&mut packet, 40, |_| false);
    }

    #[test]
    fn a_source_route_visits_every_hop_in_order(
        prefix: u64,
        ids in proptest::collection::vec(1..u64::MAX, 1..30),
        spread in 0..64_u32,
    ) {
        let hops: Vec<Ipv6Addr> = ids
            .iter()
            .zip(0_u64..)
            .map(|(id, n)| Ipv6Addr::from_bits(u128::from(prefix) << 64 | u128::from((id >> spread << 6) + n)))
            .collect();
        let (first, others) = hops.split_first().unwrap();
        prop_assume!(!first.is_multicast());
        let route = SourceRoute::new(*first, others);
        let mut extension = Vec::new();
        route.put(next::UDP, &mut extension);
        prop_assert!(extension.len() % 8 == 0);
        prop_assert_eq!(&SourceRoute::parse(&extension, *first).unwrap(), &route);
        let mut packet = Vec::new();
        Header::new(Ipv6Addr::LOCALHOST, *first, next::ROUTING, 64).put_packet(&[&extension], &mut packet);
        for hop in others {
            prop_assert_eq!(advance(&mut packet, 40, |_| false), Ok(Some(*hop)));
            prop_assert_eq!(Header::parse(&packet).unwrap().0.destination, *hop);
        }
        prop_assert_eq!(advance(&mut packet, 40, |_| false), Ok(None));
    }
}

#[test]
fn a_source_route_that_returns_is_refused() {
    let hop = |n: u16| Ipv6Addr::new(0xFD00, 0, 0, 0, 0, 0, 0, n);
    let mut extension = Vec::new();
    SourceRoute::new(hop(1), &[hop(2), hop(1), hop(3)]).put(next::UDP, &mut extension);
    let mut packet = Vec::new();
    Header::new(hop(0), hop(1), next::ROUTING, 64).put_packet(&[&extension], &mut packet);
    let refused = advance(&mut packet, 40, |address| address == hop(1));
    assert_eq!(refused, Err(Malformed::Field("source route returns here")));
}

#[test]
fn secure_messages_are_recognised() {
    let check =
        ConsistencyCheck { instance: 1, response: true, nonce: 7, dodag: Ipv6Addr::LOCALHOST, destination_counter: 9 };
    let mut body = Vec::new();
    check.put(&mut body);
    for (key_mode, level, octets) in [(0, 0, 1), (1, 0, 0), (2, 3, 9), (3, 0, 0), (3, 3, 9)] {
        let message = Message::Secured(Secured {
            code: ConsistencyCheck::CODE,
            counter_is_time: true,
            algorithm: 0,
            key_mode,
            level,
            counter: 5,
            key_identifier: vec![1; octets],
            body: body.clone(),
        });
        let mut bytes = Vec::new();
        message.put(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, &mut bytes);
        assert_eq!(Message::parse(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, &bytes), Ok(message));
    }
    assert_eq!(ConsistencyCheck::parse(&body), Some(check));
    assert_eq!(ConsistencyCheck::parse(&body[1..]), None);
}
