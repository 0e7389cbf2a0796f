//! Packets and captured frames: read, compared with what the file says of them, and written again octet by octet.

use std::net::Ipv6Addr;

use taa_mesh::Eui64;
use taa_mesh::ip::{Chain, Extension, Header, next};
use taa_mesh::lowpan::{Contexts, Ends, LinkAddress, compress, decompress};
use taa_mesh::rpl::wire::{DodagConfig, Message, Metric, PacketInformation, RplOption, SourceRoute, Transit};
use taa_vectors::{Failed, Json, Trial, field, hex};

use super::{each, number, same};

pub(super) fn packets(stem: &str, file: &Json, trials: &mut Vec<Trial>) {
    each((stem, "packet"), &file["packets"], trials, |case| {
        let packet = hex(field(case, "ipv6_hex")?)?;
        let (header, payload) = Header::parse(&packet)?;
        let read = Read::of(&header, payload)?;
        same("octets", &read.written(&header, payload)?, &packet)?;
        if let Some(message) = &read.message {
            same("ICMPv6", &read.icmpv6, &hex(field(case, "icmpv6_hex")?)?)?;
            check_message(message, &case["fields"])?;
        }
        if let Some(rpi) = &read.rpi {
            check_rpi(rpi, &case["fields"])?;
        }
        if let Some(route) = &read.route {
            check_route(&header, route, &case["fields"])?;
        }
        if read.message.is_none() && read.rpi.is_none() && read.route.is_none() {
            return Err("nothing of RPL in the packet".into());
        }
        Ok(())
    });
}

pub(super) fn frames(stem: &str, file: &Json, trials: &mut Vec<Trial>) {
    each((stem, "frame"), &file["real_capture"]["frames"], trials, |case| {
        let frame = hex(field(case, "hex")?)?;
        let Some((payload, ends)) = payload_of(&frame) else { return Ok(()) };
        let packet = decompress(payload, ends, &Contexts::default())?;
        let mut again = Vec::new();
        compress(&packet, ends, &Contexts::default(), &mut again)?;
        same("payload", &again.as_slice(), &payload)?;
        let mut inside = packet.as_slice();
        loop {
            let (header, rest) = Header::parse(inside)?;
            let read = Read::of(&header, rest)?;
            same("octets", &read.written(&header, rest)?.as_slice(), &inside)?;
            match read.inner {
                Some(at) => inside = &rest[at..],
                None => return Ok(()),
            }
        }
    });
}

/// The 6LoWPAN payload of a Wi-SUN data frame and the frame's ends. Only as much of 802.15.4 as these frames need.
fn payload_of(frame: &[u8]) -> Option<(&[u8], Ends)> {
    let control = u16::from_le_bytes([*frame.first()?, *frame.get(1)?]);
    let (destination_mode, source_mode) = (control >> 10 & 3, control >> 14 & 3);
    let extended = |at: usize| {
        let mut octets: [u8; 8] = frame.get(at..at + 8)?.try_into().ok()?;
        octets.reverse();
        Some(LinkAddress::Extended(Eui64(octets)))
    };
    let at = if control >> 8 & 1 == 0 { 3 } else { 2 };
    let (destination, source) = match (destination_mode, source_mode) {
        (3, 3) => (extended(at)?, extended(at + 8)?),
        // A broadcast names the PAN instead.
        (0, 3) => (LinkAddress::None, extended(at + 2)?),
        _ => return None,
    };
    // The multiplex IE: length and group, then "whole frame" and the 6LoWPAN protocol number.
    let mark = frame.windows(3).position(|bytes| bytes == [0x00, 0xED, 0xA0])?;
    let len = usize::from(u16::from_le_bytes([frame[mark - 2], frame[mark - 1]]) & 0x7FF);
    Some((frame.get(mark + 3..mark + len)?, Ends { source, destination }))
}

/// What a packet holds of RPL.
#[derive(Debug, Default)]
struct Read {
    /// The extension headers, each with its kind and octets as written again.
    extensions: Vec<Vec<u8>>,
    rpi: Option<PacketInformation>,
    route: Option<SourceRoute>,
    message: Option<Message>,
    icmpv6: Vec<u8>,
    /// Where a packet inside starts in the payload.
    inner: Option<usize>,
}

impl Read {
    fn of(header: &Header, payload: &[u8]) -> Result<Self, Failed> {
        let mut read = Self::default();
        let mut chain = Chain::new(header.next_header, payload);
        let mut last = header.destination;
        for link in chain.by_ref() {
            let link = link?;
            let mut octets = Vec::new();
            match link.kind {
                Extension::HopByHop => {
                    let (at, rpi) = PacketInformation::find(link.bytes)?.ok_or("no packet information")?;
                    rpi.put_header(link.next_header, &mut octets);
                    if octets != link.bytes {
                        // Other options beside it: it alone is written again.
                        octets = link.bytes.to_vec();
                        octets[at + 2..at + 6].fill(0);
                        rpi.overwrite(&mut octets, at);
                    }
                    read.rpi = Some(rpi);
                }
                Extension::Routing => {
                    let route = SourceRoute::parse(link.bytes, header.destination)?;
                    last = route.hops.last().copied().unwrap_or(last);
                    route.put(link.next_header, &mut octets);
                    read.route = Some(route);
                }
                _ => octets.extend_from_slice(link.bytes),
            }
            read.extensions.push(octets);
        }
        let (kind, upper) = chain.upper();
        match kind {
            next::ICMPV6 if upper.first() == Some(&155) => {
                let message = Message::parse(header.source, last, upper)?;
                message.put(header.source, last, &mut read.icmpv6);
                read.message = Some(message);
            }
            next::IPV6 => read.inner = Some(payload.len() - upper.len()),
            _ => {}
        }
        Ok(read)
    }

    fn written(&self, header: &Header, payload: &[u8]) -> Result<Vec<u8>, Failed> {
        let len: usize = self.extensions.iter().map(Vec::len).sum();
        let upper = payload.get(len..).ok_or("the headers grew")?;
        let mut parts: Vec<&[u8]> = self.extensions.iter().map(Vec::as_slice).collect();
        parts.push(if self.message.is_some() { &self.icmpv6 } else { upper });
        let mut packet = Vec::new();
        header.put_packet(&parts, &mut packet);
        Ok(packet)
    }
}

/// A field of the case against what was read; a field the case does not name is not looked at.
fn told<T: Into<u64>>(fields: &Json, key: &str, found: T) -> Result<(), Failed> {
    if fields[key].is_null() { Ok(()) } else { same(key, &found.into(), &number(fields, key)?) }
}

fn told_address(fields: &Json, key: &str, found: Ipv6Addr) -> Result<(), Failed> {
    match fields[key].as_str() {
        Some(wanted) => same(key, &found, &wanted.parse()?),
        None => Ok(()),
    }
}

fn check_message(message: &Message, fields: &Json) -> Result<(), Failed> {
    match message {
        Message::Dis(dis) => dis.options.iter().try_for_each(|option| check_option(option, fields)),
        Message::Dio(dio) => {
            told(fields, "instance", dio.instance)?;
            told(fields, "version", dio.version)?;
            told(fields, "rank", dio.rank)?;
            told(fields, "G", dio.grounded)?;
            told(fields, "mop", dio.mode.bits())?;
            told(fields, "prf", dio.preference)?;
            told(fields, "dtsn", dio.dtsn)?;
            told_address(fields, "dodagid", dio.dodag)?;
            dio.options.iter().try_for_each(|option| check_option(option, fields))
        }
        Message::Dao(dao) => {
            told(fields, "instance", dao.instance)?;
            told(fields, "K", dao.wants_ack)?;
            told(fields, "D", dao.dodag.is_some())?;
            told(fields, "seq", dao.sequence)?;
            dao.options.iter().try_for_each(|option| check_option(option, fields))
        }
        Message::DaoAck(ack) => {
            told(fields, "instance", ack.instance)?;
            told(fields, "D", ack.dodag.is_some())?;
            told(fields, "seq", ack.sequence)?;
            told(fields, "status", ack.status)
        }
        Message::Secured(_) | Message::Other { .. } => Ok(()),
    }
}

fn check_option(option: &RplOption, fields: &Json) -> Result<(), Failed> {
    match option {
        RplOption::PadN(len) => told(fields, "padn", *len),
        RplOption::Metrics(objects) => {
            for object in objects {
                if let Metric::Etx128(values) = &object.metric {
                    told(fields, "metric_type", 7_u8)?;
                    told(fields, "etx", values.first().copied().unwrap_or(0))?;
                }
            }
            Ok(())
        }
        RplOption::Config(config) => check_config(config, &fields["config"]),
        RplOption::Target(target) => {
            told(fields, "target_len", target.bits)?;
            told_address(fields, "target", target.address)
        }
        RplOption::Transit(transit) => {
            told(fields, "lifetime", transit.lifetime)?;
            check_transit(transit, &fields["transit"])
        }
        RplOption::Solicited(wanted) => {
            told(fields, "instance", wanted.instance)?;
            told(fields, "V", wanted.match_version)?;
            told(fields, "I", wanted.match_instance)?;
            told(fields, "D", wanted.match_dodag)?;
            told(fields, "version", wanted.version)?;
            told_address(fields, "dodagid", wanted.dodag)
        }
        RplOption::Prefix(prefix) => {
            told(fields, "prefix_len", prefix.bits)?;
            told(fields, "L", prefix.on_link)?;
            told(fields, "A", prefix.autonomous)?;
            told(fields, "R", prefix.router_address)?;
            told(fields, "valid", prefix.valid_s)?;
            told(fields, "preferred", prefix.preferred_s)?;
            told_address(fields, "prefix", prefix.prefix)
        }
        _ => Ok(()),
    }
}

fn check_config(config: &DodagConfig, fields: &Json) -> Result<(), Failed> {
    told(fields, "auth", config.authenticated)?;
    told(fields, "pcs", config.path_control_size)?;
    told(fields, "dio_interval_doublings", config.interval_doublings)?;
    told(fields, "dio_interval_min", config.interval_min)?;
    told(fields, "dio_redundancy", config.redundancy)?;
    told(fields, "max_rank_inc", config.max_rank_increase)?;
    told(fields, "min_hop_rank_inc", config.min_hop_rank_increase)?;
    told(fields, "ocp", config.objective)?;
    told(fields, "default_lifetime", config.default_lifetime)?;
    told(fields, "lifetime_unit", config.lifetime_unit_s)
}

fn check_transit(transit: &Transit, fields: &Json) -> Result<(), Failed> {
    told(fields, "E", transit.external)?;
    told(fields, "path_control", transit.path_control)?;
    told(fields, "path_seq", transit.path_sequence)?;
    told(fields, "lifetime", transit.lifetime)?;
    transit.parent.map_or(Ok(()), |parent| told_address(fields, "parent", parent))
}

fn check_rpi(rpi: &PacketInformation, fields: &Json) -> Result<(), Failed> {
    told(fields, "O", rpi.down)?;
    told(fields, "R", rpi.rank_error)?;
    told(fields, "F", rpi.forwarding_error)?;
    told(fields, "instance", rpi.instance)?;
    told(fields, "sender_rank", rpi.sender_rank)
}

fn check_route(header: &Header, route: &SourceRoute, fields: &Json) -> Result<(), Failed> {
    told(fields, "cmpri", route.elided)?;
    told(fields, "cmpre", route.elided_last)?;
    told(fields, "segments_left", route.segments_left)?;
    let hops: Vec<Ipv6Addr> = core::iter::once(header.destination).chain(route.hops.iter().copied()).collect();
    match fields["hops"].as_array() {
        Some(wanted) => {
            let wanted: Vec<Ipv6Addr> =
                wanted.iter().filter_map(Json::as_str).map(str::parse).collect::<Result<_, _>>()?;
            same("hops", &hops, &wanted)
        }
        None => Ok(()),
    }
}
