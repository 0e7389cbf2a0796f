//! An outside stack reads what nodes write: smoltcp's wire types take every packet of a mesh in trouble apart, say the same of
//! each field as ours, and write it again octet for octet.

mod air;

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use air::{global, packets_in_trouble};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv6ExtHeader, Ipv6ExtHeaderRepr, Ipv6OptionRepr, Ipv6OptionsIterator,
    Ipv6Packet, Ipv6RoutingHeader, Ipv6RoutingRepr, RplOptionPacket, RplOptionRepr, RplRepr,
};
use taa_mesh::rpl::wire::{
    Dao, DaoAck, Dio, Dis, DodagConfig, Message, Mode, OPTION_RPI_OLD, PacketInformation, Prefix, PrefixInformation,
    RplOption, SourceRoute, Transit,
};

fn packets() -> Vec<Vec<u8>> {
    packets_in_trouble(|air| {
        for index in 1..9 {
            air.send(index, global(0), b"up");
            air.send(0, global(index), b"down");
        }
    })
}

/// An option as smoltcp reads it; it writes the same octets.
fn option(bytes: &[u8]) -> RplOption {
    let repr = RplOptionRepr::parse(&RplOptionPacket::new_checked(bytes).unwrap()).unwrap();
    let mut again = vec![0; repr.buffer_len()];
    repr.emit(&mut RplOptionPacket::new_unchecked(&mut again));
    assert_eq!(again, bytes, "{repr:?}");
    match repr {
        RplOptionRepr::DodagConfiguration {
            authentication_enabled,
            path_control_size,
            dio_interval_doublings,
            dio_interval_min,
            dio_redundancy_constant,
            max_rank_increase,
            minimum_hop_rank_increase,
            objective_code_point,
            default_lifetime,
            lifetime_unit,
        } => RplOption::Config(DodagConfig {
            authenticated: authentication_enabled,
            path_control_size,
            interval_doublings: dio_interval_doublings,
            interval_min: dio_interval_min,
            redundancy: dio_redundancy_constant,
            max_rank_increase,
            min_hop_rank_increase: minimum_hop_rank_increase,
            objective: objective_code_point,
            default_lifetime,
            lifetime_unit_s: lifetime_unit,
        }),
        RplOptionRepr::RplTarget { prefix_length, prefix } => {
            RplOption::Target(Prefix { address: prefix, bits: prefix_length, carried: 16 })
        }
        RplOptionRepr::TransitInformation { external, path_control, path_sequence, path_lifetime, parent_address } => {
            RplOption::Transit(Transit {
                external,
                path_control,
                path_sequence,
                lifetime: path_lifetime,
                parent: parent_address,
            })
        }
        RplOptionRepr::PrefixInformation {
            prefix_length,
            on_link,
            autonomous_address_configuration,
            router_address,
            valid_lifetime,
            preferred_lifetime,
            destination_prefix,
        } => RplOption::Prefix(PrefixInformation {
            bits: prefix_length,
            on_link,
            autonomous: autonomous_address_configuration,
            router_address,
            valid_s: valid_lifetime,
            preferred_s: preferred_lifetime,
            prefix: <[u8; 16]>::try_from(destination_prefix).unwrap().into(),
        }),
        other => panic!("{other:?} is not sent here"),
    }
}

fn options(mut bytes: &[u8]) -> Vec<RplOption> {
    let mut all = Vec::new();
    while let Some(&length) = bytes.get(1) {
        let (one, rest) = bytes.split_at(2 + usize::from(length));
        all.push(option(one));
        bytes = rest;
    }
    all
}

fn message(repr: RplRepr<'_>) -> Message {
    match repr {
        RplRepr::DodagInformationSolicitation { options: bytes } => Message::Dis(Dis { options: options(bytes) }),
        RplRepr::DodagInformationObject {
            rpl_instance_id,
            version_number,
            rank,
            grounded,
            mode_of_operation,
            dodag_preference,
            dtsn,
            dodag_id,
            options: bytes,
        } => Message::Dio(Dio {
            instance: rpl_instance_id.into(),
            version: version_number,
            rank,
            grounded,
            mode: if u8::from(mode_of_operation) == 1 { Mode::NonStoring } else { Mode::Storing },
            preference: dodag_preference,
            dtsn,
            dodag: dodag_id,
            options: options(bytes),
        }),
        RplRepr::DestinationAdvertisementObject { rpl_instance_id, expect_ack, sequence, dodag_id, options: bytes } => {
            Message::Dao(Dao {
                instance: rpl_instance_id.into(),
                wants_ack: expect_ack,
                sequence,
                dodag: dodag_id,
                options: options(bytes),
            })
        }
        RplRepr::DestinationAdvertisementObjectAck { rpl_instance_id, sequence, status, dodag_id } => {
            let instance = rpl_instance_id.into();
            Message::DaoAck(DaoAck { instance, sequence, status, dodag: dodag_id, options: Vec::new() })
        }
    }
}

/// An RPL message, its checksum checked by smoltcp.
fn control(source: Ipv6Addr, destination: Ipv6Addr, icmpv6: &[u8]) -> &'static str {
    let caps = ChecksumCapabilities::default();
    let repr = Icmpv6Repr::parse(&source, &destination, &Icmpv6Packet::new_checked(icmpv6).unwrap(), &caps).unwrap();
    let mut again = vec![0; repr.buffer_len()];
    repr.emit(&source, &destination, &mut Icmpv6Packet::new_unchecked(&mut again), &caps);
    assert_eq!(again, icmpv6, "{repr:?}");
    let Icmpv6Repr::Rpl(rpl) = repr else { panic!("{repr:?}") };
    let ours = Message::parse(source, destination, icmpv6).unwrap();
    assert_eq!(message(rpl), ours);
    match ours {
        Message::Dis(_) => "DIS",
        Message::Dio(_) => "DIO",
        Message::Dao(_) => "DAO",
        _ => "DAO-ACK",
    }
}

/// The whole of a packet; what of RPL is in it.
fn take_apart(bytes: &[u8], found: &mut BTreeMap<&'static str, u32>) {
    let packet = Ipv6Packet::new_checked(bytes).unwrap();
    // The checksum is over the last address of a source route (RFC 8200, 8.1).
    let (source, mut destination) = (packet.src_addr(), packet.dst_addr());
    let (mut kind, mut rest) = (packet.next_header(), packet.payload());
    loop {
        match kind {
            IpProtocol::HopByHop | IpProtocol::Ipv6Route => {
                let header = Ipv6ExtHeader::new_checked(rest).unwrap();
                let extension = Ipv6ExtHeaderRepr::parse(&header).unwrap();
                let (whole, after) = rest.split_at(8 * (1 + usize::from(extension.length)));
                if kind == IpProtocol::HopByHop {
                    *found.entry("packet information").or_default() += information(extension.data, whole);
                } else {
                    destination = source_route(extension.data, whole, destination);
                    *found.entry("source route").or_default() += 1;
                }
                (kind, rest) = (extension.next_header, after);
            }
            IpProtocol::Icmpv6 if rest[0] == 155 => {
                *found.entry(control(source, destination, rest)).or_default() += 1;
                return;
            }
            IpProtocol::Unknown(41) => return take_apart(rest, found),
            _ => return,
        }
    }
}

fn information(data: &[u8], whole: &[u8]) -> u32 {
    let found = Ipv6OptionsIterator::new(data).find_map(|option| match option.unwrap() {
        Ipv6OptionRepr::Rpl(rpi) => Some(PacketInformation {
            kind: OPTION_RPI_OLD,
            down: rpi.down,
            rank_error: rpi.rank_error,
            forwarding_error: rpi.forwarding_error,
            instance: rpi.instance_id.into(),
            sender_rank: rpi.sender_rank,
        }),
        _ => None,
    });
    assert_eq!(found, PacketInformation::find(whole).unwrap().map(|(_, rpi)| rpi));
    u32::from(found.is_some())
}

/// smoltcp leaves the elided octets to its caller. Where the packet ends its way.
fn source_route(data: &[u8], whole: &[u8], destination: Ipv6Addr) -> Ipv6Addr {
    let header = Ipv6RoutingHeader::new_checked(data).unwrap();
    let Ok(Ipv6RoutingRepr::Rpl { segments_left, cmpr_i, cmpr_e, pad, addresses }) = Ipv6RoutingRepr::parse(&header)
    else {
        panic!("{data:02x?}")
    };
    let ours = SourceRoute::parse(whole, destination).unwrap();
    assert_eq!((segments_left, cmpr_i, cmpr_e), (ours.segments_left, ours.elided, ours.elided_last));
    let carried = &addresses[..addresses.len() - usize::from(pad)];
    let (others, last) = carried.split_at(carried.len() - (16 - usize::from(cmpr_e)));
    let complete = |elided: u8, tail: &[u8]| {
        let mut octets = destination.octets();
        octets[usize::from(elided)..].copy_from_slice(tail);
        Ipv6Addr::from(octets)
    };
    let hops = others.chunks(16 - usize::from(cmpr_i)).map(|tail| complete(cmpr_i, tail));
    assert_eq!(hops.chain([complete(cmpr_e, last)]).collect::<Vec<_>>(), ours.hops);
    if segments_left == 0 { destination } else { complete(cmpr_e, last) }
}

#[test]
fn smoltcp_reads_and_writes_the_same() {
    let packets = packets();
    let mut found = BTreeMap::new();
    packets.iter().for_each(|packet| take_apart(packet, &mut found));
    println!("{} packets: {found:?}", packets.len());
    for what in ["DIS", "DIO", "DAO", "DAO-ACK", "packet information", "source route"] {
        assert!(found.get(what).is_some_and(|&count| count > 3), "{what}: {found:?}");
    }
}

/// Sabotage: one bit of a DIO changed, and smoltcp refuses it, for its checksum.
#[test]
fn sabotage_a_damaged_message_is_refused() {
    let packets = packets();
    let dio = packets.iter().find(|packet| packet[6] == 58 && packet[40..42] == [155, 1]).unwrap();
    let read = |bytes: &[u8]| {
        let packet = Ipv6Packet::new_checked(bytes).unwrap();
        let icmpv6 = Icmpv6Packet::new_checked(packet.payload()).unwrap();
        Icmpv6Repr::parse(&packet.src_addr(), &packet.dst_addr(), &icmpv6, &ChecksumCapabilities::default()).is_ok()
    };
    let mut damaged = dio.clone();
    damaged[47] ^= 1;
    assert!(read(dio) && !read(&damaged));
}
