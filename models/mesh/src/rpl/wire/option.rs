//! Options of control messages (RFC 6550 §6.7).

use core::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use super::MetricObject;
use crate::bytes::{Put, Reader};
use crate::ip::Malformed;

/// One option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RplOption {
    /// 0x00: one octet of nothing.
    Pad1,
    /// 0x01: so many octets of nothing behind type and length.
    PadN(u8),
    /// 0x02: metrics and constraints (RFC 6551).
    Metrics(Vec<MetricObject>),
    /// 0x03: a prefix that the root reaches.
    Route(RouteInformation),
    /// 0x04: parameters that all nodes of the DODAG share.
    Config(DodagConfig),
    /// 0x05: a destination that a DAO speaks of.
    Target(Prefix),
    /// 0x06: through whom the targets before it are reached, and how long.
    Transit(Transit),
    /// 0x07: whom a DIS addresses.
    Solicited(SolicitedInformation),
    /// 0x08: a prefix for addresses, as in router advertisements.
    Prefix(PrefixInformation),
    /// 0x09: a tag on the target before it.
    Descriptor(u32),
    /// One of a later document.
    Other {
        /// The type.
        kind: u8,
        /// The data, at most 255 octets.
        data: Vec<u8>,
    },
}

/// An address prefix with as many octets as the option carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Prefix {
    /// The address; octets that are not carried are zero.
    pub address: Ipv6Addr,
    /// Length in bits, at most 128.
    pub bits: u8,
    /// Octets on the wire, at most 16: at least what the bits need.
    pub carried: u8,
}

impl Prefix {
    /// One host.
    #[must_use]
    pub const fn host(address: Ipv6Addr) -> Self {
        Self { address, bits: 128, carried: 16 }
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.put(self.address.octets().get(..usize::from(self.carried)).unwrap_or(&self.address.octets()));
    }

    fn parse(bits: u8, rest: &[u8]) -> Result<Self, Malformed> {
        let mut octets = [0; 16];
        let carried = u8::try_from(rest.len()).unwrap_or(u8::MAX);
        if bits > 128 || carried > 16 || bits.div_ceil(8) > carried {
            return Err(Malformed::Field("prefix length"));
        }
        for (slot, &byte) in octets.iter_mut().zip(rest) {
            *slot = byte;
        }
        Ok(Self { address: octets.into(), bits, carried })
    }
}

/// Route information (§6.7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteInformation {
    /// Prf, 2 bits as on the wire: 0 medium, 1 high, 3 low.
    pub preference: u8,
    /// Seconds; all ones for ever.
    pub lifetime_s: u32,
    /// Where to.
    pub prefix: Prefix,
}

/// DODAG configuration (§6.7.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DodagConfig {
    /// A: a node needs a key from the authority to act as a router.
    pub authenticated: bool,
    /// PCS, 0–7: bits of path control in use, minus one.
    pub path_control_size: u8,
    /// Imax = Imin · 2^this.
    pub interval_doublings: u8,
    /// Imin = 2^this ms.
    pub interval_min: u8,
    /// k of Trickle; 0 turns suppression off here.
    pub redundancy: u8,
    /// DAGMaxRankIncrease: how far above its lowest Rank a node may sink in one version; 0 is no limit.
    pub max_rank_increase: u16,
    /// MinHopRankIncrease: the least that a hop adds, and the unit of DAGRank.
    pub min_hop_rank_increase: u16,
    /// Objective code point: 0 is OF0 (RFC 6552), 1 MRHOF (RFC 6719).
    pub objective: u16,
    /// Lifetime of routes, in units.
    pub default_lifetime: u8,
    /// Seconds of one unit.
    pub lifetime_unit_s: u16,
}

/// Transit information (§6.7.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transit {
    /// E: the target is outside the RPL network.
    pub external: bool,
    /// Which of the DAO parents this is: subfields of two bits, most preferred first.
    pub path_control: u8,
    /// Counts up with every new statement about the targets.
    pub path_sequence: u8,
    /// In lifetime units; 0 withdraws the path, 255 is for ever.
    pub lifetime: u8,
    /// The parent, told in non-storing mode alone.
    pub parent: Option<Ipv6Addr>,
}

/// Solicited information (§6.7.9): each field counts only with its flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolicitedInformation {
    /// RPLInstanceID.
    pub instance: u8,
    /// V: the version must match.
    pub match_version: bool,
    /// I: the instance must match.
    pub match_instance: bool,
    /// D: the DODAGID must match.
    pub match_dodag: bool,
    /// DODAGID.
    pub dodag: Ipv6Addr,
    /// Version.
    pub version: u8,
}

/// Prefix information (§6.7.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixInformation {
    /// Length in bits.
    pub bits: u8,
    /// L: the prefix is on-link.
    pub on_link: bool,
    /// A: addresses may be made of it.
    pub autonomous: bool,
    /// R: the address is the sender's own, in full.
    pub router_address: bool,
    /// Seconds.
    pub valid_s: u32,
    /// Seconds.
    pub preferred_s: u32,
    /// Prefix, or the sender's address.
    pub prefix: Ipv6Addr,
}

impl RplOption {
    /// All options to the end of a message.
    pub(super) fn all(mut reader: Reader<'_>) -> Result<Vec<Self>, Malformed> {
        let short = Malformed::Short("option");
        let mut options = Vec::new();
        while let Some(kind) = reader.u8() {
            if kind == 0 {
                options.push(Self::Pad1);
                continue;
            }
            let len = reader.u8().ok_or(short)?;
            let data = reader.take(usize::from(len)).ok_or(short)?;
            options.push(Self::of(kind, len, data)?);
        }
        Ok(options)
    }

    fn of(kind: u8, len: u8, data: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let typed = match kind {
            1 => Some(Self::PadN(len)),
            2 => Some(Self::Metrics(MetricObject::all(reader)?)),
            3 => route(&mut reader)?,
            4 => config(&mut reader),
            5 => target(&mut reader)?,
            6 => transit(&mut reader),
            7 => solicited(&mut reader),
            8 => prefix(&mut reader),
            9 => reader.u32().map(Self::Descriptor),
            kind => Some(Self::Other { kind, data: data.to_vec() }),
        };
        typed.ok_or(Malformed::Short("option"))
    }

    /// Appends type, length and data.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.put(&[self.kind(), 0]);
        match self {
            Self::Pad1 => out.truncate(start + 1),
            Self::PadN(len) => out.resize(start + 2 + usize::from(*len), 0),
            Self::Metrics(objects) => objects.iter().for_each(|object| object.put(out)),
            Self::Route(route) => {
                out.put(&[route.prefix.bits, (route.preference & 3) << 3]);
                out.put_u32(route.lifetime_s);
                route.prefix.put(out);
            }
            Self::Config(config) => put_config(config, out),
            Self::Target(prefix) => {
                out.put(&[0, prefix.bits]);
                prefix.put(out);
            }
            Self::Transit(transit) => {
                let flags = u8::from(transit.external) << 7;
                out.put(&[flags, transit.path_control, transit.path_sequence, transit.lifetime]);
                transit.parent.into_iter().for_each(|parent| out.put_address(parent));
            }
            Self::Solicited(wanted) => {
                let flags = [wanted.match_version, wanted.match_instance, wanted.match_dodag];
                let flags = flags.iter().fold(0, |bits, &flag| bits << 1 | u8::from(flag)) << 5;
                out.put(&[wanted.instance, flags]);
                out.put_address(wanted.dodag);
                out.put_u8(wanted.version);
            }
            Self::Prefix(info) => {
                let flags = [info.on_link, info.autonomous, info.router_address];
                let flags = flags.iter().fold(0, |bits, &flag| bits << 1 | u8::from(flag)) << 5;
                out.put(&[info.bits, flags]);
                out.put_u32(info.valid_s);
                out.put_u32(info.preferred_s);
                out.put_u32(0);
                out.put_address(info.prefix);
            }
            Self::Descriptor(tag) => out.put_u32(*tag),
            Self::Other { data, .. } => out.put(data),
        }
        let len = u8::try_from(out.len().saturating_sub(start + 2)).unwrap_or(u8::MAX);
        if let Some(slot) = out.get_mut(start + 1) {
            *slot = len;
        }
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Pad1 => 0,
            Self::PadN(_) => 1,
            Self::Metrics(_) => 2,
            Self::Route(_) => 3,
            Self::Config(_) => 4,
            Self::Target(_) => 5,
            Self::Transit(_) => 6,
            Self::Solicited(_) => 7,
            Self::Prefix(_) => 8,
            Self::Descriptor(_) => 9,
            Self::Other { kind, .. } => *kind,
        }
    }
}

fn put_config(config: &DodagConfig, out: &mut Vec<u8>) {
    let flags = u8::from(config.authenticated) << 3 | config.path_control_size & 7;
    out.put(&[flags, config.interval_doublings, config.interval_min, config.redundancy]);
    out.put_u16(config.max_rank_increase);
    out.put_u16(config.min_hop_rank_increase);
    out.put_u16(config.objective);
    out.put(&[0, config.default_lifetime]);
    out.put_u16(config.lifetime_unit_s);
}

fn config(reader: &mut Reader<'_>) -> Option<RplOption> {
    let [flags, interval_doublings, interval_min, redundancy] = reader.array()?;
    let max_rank_increase = reader.u16()?;
    let min_hop_rank_increase = reader.u16()?;
    let objective = reader.u16()?;
    let [_, default_lifetime] = reader.array()?;
    Some(RplOption::Config(DodagConfig {
        authenticated: flags & 8 != 0,
        path_control_size: flags & 7,
        interval_doublings,
        interval_min,
        redundancy,
        max_rank_increase,
        min_hop_rank_increase,
        objective,
        default_lifetime,
        lifetime_unit_s: reader.u16()?,
    }))
}

fn route(reader: &mut Reader<'_>) -> Result<Option<RplOption>, Malformed> {
    let (Some([bits, flags]), Some(lifetime_s)) = (reader.array(), reader.u32()) else { return Ok(None) };
    let prefix = Prefix::parse(bits, reader.rest())?;
    Ok(Some(RplOption::Route(RouteInformation { preference: flags >> 3 & 3, lifetime_s, prefix })))
}

fn target(reader: &mut Reader<'_>) -> Result<Option<RplOption>, Malformed> {
    let Some([_, bits]) = reader.array() else { return Ok(None) };
    Prefix::parse(bits, reader.rest()).map(|prefix| Some(RplOption::Target(prefix)))
}

fn transit(reader: &mut Reader<'_>) -> Option<RplOption> {
    let [flags, path_control, path_sequence, lifetime] = reader.array()?;
    let parent = if reader.len() == 0 { None } else { Some(reader.address()?) };
    let external = flags & 0x80 != 0;
    Some(RplOption::Transit(Transit { external, path_control, path_sequence, lifetime, parent }))
}

fn solicited(reader: &mut Reader<'_>) -> Option<RplOption> {
    let [instance, flags] = reader.array()?;
    Some(RplOption::Solicited(SolicitedInformation {
        instance,
        match_version: flags & 0x80 != 0,
        match_instance: flags & 0x40 != 0,
        match_dodag: flags & 0x20 != 0,
        dodag: reader.address()?,
        version: reader.u8()?,
    }))
}

fn prefix(reader: &mut Reader<'_>) -> Option<RplOption> {
    let [bits, flags] = reader.array()?;
    let valid_s = reader.u32()?;
    let preferred_s = reader.u32()?;
    reader.u32()?;
    Some(RplOption::Prefix(PrefixInformation {
        bits,
        on_link: flags & 0x80 != 0,
        autonomous: flags & 0x40 != 0,
        router_address: flags & 0x20 != 0,
        valid_s,
        preferred_s,
        prefix: reader.address()?,
    }))
}
