//! RPL control messages as bytes (RFC 6550 §6): ICMPv6 type 155, a base by code, and options.
//!
//! [`Message::put`] and [`Message::parse`] are inverses on every message whose reserved bits are zero. Secure variants
//! are recognised and kept whole ([`Secured`]): this mesh secures the link instead, as Wi-SUN does.

mod metric;
mod option;
mod rpi;
mod secured;
mod source_route;

use core::net::Ipv6Addr;

pub use metric::{Aggregation, Metric, MetricFlags, MetricObject};
pub use option::{DodagConfig, Prefix, PrefixInformation, RouteInformation, RplOption, SolicitedInformation, Transit};
pub use rpi::{OPTION_RPI, OPTION_RPI_OLD, PacketInformation};
pub use secured::{ConsistencyCheck, Secured};
pub use source_route::{SourceRoute, advance};

use crate::bytes::{Put, Reader};
use crate::ip::{Header, Malformed, checksum_holds, next, seal};

/// ICMPv6 type of every RPL control message.
pub const ICMPV6_TYPE: u8 = 155;
/// All RPL nodes on the link, `ff02::1a`.
pub const ALL_RPL_NODES: Ipv6Addr = Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0, 0x1A);

const DIS: u8 = 0;
const DIO: u8 = 1;
const DAO: u8 = 2;
const DAO_ACK: u8 = 3;
/// The bit of the code that makes a message a secure one (§6.1).
const SECURE: u8 = 0x80;

/// How a DODAG routes downward (§6.3.1, the field MOP).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Mode {
    /// 0: no downward routes.
    NoDownward,
    /// 1: the root knows all parents and writes source routes; what Wi-SUN FAN uses.
    #[default]
    NonStoring,
    /// 2: every router keeps the routes of its sub-DODAG.
    Storing,
    /// 3: storing, with multicast.
    StoringMulticast,
    /// 4–7, unassigned or of later documents.
    Other(u8),
}

impl Mode {
    /// The field of three bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::NoDownward => 0,
            Self::NonStoring => 1,
            Self::Storing => 2,
            Self::StoringMulticast => 3,
            Self::Other(bits) => bits & 7,
        }
    }

    const fn of(bits: u8) -> Self {
        match bits & 7 {
            0 => Self::NoDownward,
            1 => Self::NonStoring,
            2 => Self::Storing,
            3 => Self::StoringMulticast,
            other => Self::Other(other),
        }
    }
}

/// DODAG Information Solicitation (§6.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dis {
    /// Pads and solicited information.
    pub options: Vec<RplOption>,
}

/// DODAG Information Object (§6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dio {
    /// RPLInstanceID.
    pub instance: u8,
    /// DODAGVersionNumber.
    pub version: u8,
    /// The sender's Rank.
    pub rank: u16,
    /// G: the DODAG reaches its goal.
    pub grounded: bool,
    /// MOP.
    pub mode: Mode,
    /// Prf, 0–7: how much this root is preferred.
    pub preference: u8,
    /// Destination advertisement trigger sequence number.
    pub dtsn: u8,
    /// DODAGID.
    pub dodag: Ipv6Addr,
    /// Configuration, prefixes, routes, metrics.
    pub options: Vec<RplOption>,
}

/// Destination Advertisement Object (§6.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dao {
    /// RPLInstanceID.
    pub instance: u8,
    /// K: an acknowledgement is wanted.
    pub wants_ack: bool,
    /// DAOSequence.
    pub sequence: u8,
    /// DODAGID, present when D is set.
    pub dodag: Option<Ipv6Addr>,
    /// Targets with their transits.
    pub options: Vec<RplOption>,
}

/// Acknowledgement of a DAO (§6.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaoAck {
    /// RPLInstanceID.
    pub instance: u8,
    /// The DAO's sequence.
    pub sequence: u8,
    /// 0 accepted; 1–127 accepted, but another parent would be better; 128–255 rejected.
    pub status: u8,
    /// DODAGID, present when D is set.
    pub dodag: Option<Ipv6Addr>,
    /// None is defined; whatever came.
    pub options: Vec<RplOption>,
}

/// A control message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Code 0.
    Dis(Dis),
    /// Code 1.
    Dio(Dio),
    /// Code 2.
    Dao(Dao),
    /// Code 3.
    DaoAck(DaoAck),
    /// Codes 0x80–0x8F: recognised, kept as bytes.
    Secured(Secured),
    /// A code of a later document.
    Other {
        /// The code.
        code: u8,
        /// All that follows the checksum.
        body: Vec<u8>,
    },
}

impl Message {
    /// The field "code".
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Dis(_) => DIS,
            Self::Dio(_) => DIO,
            Self::Dao(_) => DAO,
            Self::DaoAck(_) => DAO_ACK,
            Self::Secured(secured) => secured.code,
            Self::Other { code, .. } => *code,
        }
    }

    /// Reads an ICMPv6 message of type 155.
    ///
    /// # Errors
    /// When its checksum is wrong, it is short, or a field is out of its range.
    pub fn parse(source: Ipv6Addr, destination: Ipv6Addr, icmpv6: &[u8]) -> Result<Self, Malformed> {
        if !checksum_holds(source, destination, icmpv6) {
            return Err(Malformed::Checksum);
        }
        Self::parse_unchecked(icmpv6)
    }

    /// As [`Self::parse`], without the addresses and thus without the checksum.
    ///
    /// # Errors
    /// When the message is short, or a field is out of its range.
    pub fn parse_unchecked(icmpv6: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(icmpv6);
        let short = Malformed::Short("ICMPv6 header");
        let [kind, code] = reader.array().ok_or(short)?;
        reader.u16().ok_or(short)?;
        if kind != ICMPV6_TYPE {
            return Err(Malformed::Field("ICMPv6 type"));
        }
        match code {
            DIS => {
                reader.u16().ok_or(Malformed::Short("DIS"))?;
                Ok(Self::Dis(Dis { options: RplOption::all(reader)? }))
            }
            DIO => dio(&mut reader).ok_or(Malformed::Short("DIO")).and_then(|mut dio| {
                dio.options = RplOption::all(reader)?;
                Ok(Self::Dio(dio))
            }),
            DAO => dao(&mut reader).ok_or(Malformed::Short("DAO")).and_then(|mut dao| {
                dao.options = RplOption::all(reader)?;
                Ok(Self::Dao(dao))
            }),
            DAO_ACK => dao_ack(&mut reader).ok_or(Malformed::Short("DAO-ACK")).and_then(|mut ack| {
                ack.options = RplOption::all(reader)?;
                Ok(Self::DaoAck(ack))
            }),
            code if code & SECURE != 0 => Secured::parse(code, reader).map(Self::Secured),
            code => Ok(Self::Other { code, body: reader.rest().to_vec() }),
        }
    }

    /// Appends the ICMPv6 message with its checksum.
    pub fn put(&self, source: Ipv6Addr, destination: Ipv6Addr, out: &mut Vec<u8>) {
        let start = out.len();
        out.put(&[ICMPV6_TYPE, self.code(), 0, 0]);
        match self {
            Self::Dis(dis) => {
                out.put_u16(0);
                put_options(&dis.options, out);
            }
            Self::Dio(dio) => put_dio(dio, out),
            Self::Dao(dao) => {
                let flags = u8::from(dao.wants_ack) << 7 | u8::from(dao.dodag.is_some()) << 6;
                out.put(&[dao.instance, flags, 0, dao.sequence]);
                dao.dodag.into_iter().for_each(|id| out.put_address(id));
                put_options(&dao.options, out);
            }
            Self::DaoAck(ack) => {
                out.put(&[ack.instance, u8::from(ack.dodag.is_some()) << 7, ack.sequence, ack.status]);
                ack.dodag.into_iter().for_each(|id| out.put_address(id));
                put_options(&ack.options, out);
            }
            Self::Secured(secured) => secured.put(out),
            Self::Other { body, .. } => out.put(body),
        }
        seal(source, destination, start, out);
    }

    /// A whole IPv6 packet with this message.
    #[must_use]
    pub fn packet(&self, source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8) -> Vec<u8> {
        let mut message = Vec::with_capacity(96);
        self.put(source, destination, &mut message);
        let mut packet = Vec::with_capacity(crate::ip::HEADER_LEN + message.len());
        Header::new(source, destination, next::ICMPV6, hop_limit).put_packet(&[&message], &mut packet);
        packet
    }
}

fn put_options(options: &[RplOption], out: &mut Vec<u8>) {
    options.iter().for_each(|option| option.put(out));
}

fn put_dio(dio: &Dio, out: &mut Vec<u8>) {
    out.put(&[dio.instance, dio.version]);
    out.put_u16(dio.rank);
    let flags = u8::from(dio.grounded) << 7 | dio.mode.bits() << 3 | dio.preference & 7;
    out.put(&[flags, dio.dtsn, 0, 0]);
    out.put_address(dio.dodag);
    put_options(&dio.options, out);
}

fn dio(reader: &mut Reader<'_>) -> Option<Dio> {
    let [instance, version] = reader.array()?;
    let rank = reader.u16()?;
    let [flags, dtsn, _, _] = reader.array()?;
    Some(Dio {
        instance,
        version,
        rank,
        grounded: flags & 0x80 != 0,
        mode: Mode::of(flags >> 3),
        preference: flags & 7,
        dtsn,
        dodag: reader.address()?,
        options: Vec::new(),
    })
}

fn dao(reader: &mut Reader<'_>) -> Option<Dao> {
    let [instance, flags, _, sequence] = reader.array()?;
    let dodag = if flags & 0x40 != 0 { Some(reader.address()?) } else { None };
    Some(Dao { instance, wants_ack: flags & 0x80 != 0, sequence, dodag, options: Vec::new() })
}

fn dao_ack(reader: &mut Reader<'_>) -> Option<DaoAck> {
    let [instance, flags, sequence, status] = reader.array()?;
    let dodag = if flags & 0x80 != 0 { Some(reader.address()?) } else { None };
    Some(DaoAck { instance, sequence, status, dodag, options: Vec::new() })
}

#[cfg(test)]
mod tests;
