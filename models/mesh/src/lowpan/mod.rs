//! IPv6 over 802.15.4 frames (6LoWPAN): what a frame's payload is, packed and unpacked.
//!
//! A payload starts with a dispatch: an uncompressed packet (RFC 4944 §5.1), a compressed one (RFC 6282) or a fragment
//! (RFC 4944 §5.3). [`compress`] and [`decompress`] are exact inverses on packets whose length fields are true;
//! [`Reassembly`] collects fragments. Mesh-under headers and routing headers of RFC 8138 are named in the error and
//! not read: Wi-SUN FAN uses neither.

mod address;
mod fragment;
mod iphc;
mod nhc;
mod unpack;

use core::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

pub use fragment::{Reassembly, fragments};
pub use iphc::{Packed, compress};
pub use unpack::decompress;

use crate::{Eui64, ip::Malformed};

/// Dispatch of an uncompressed IPv6 packet.
pub const DISPATCH_IPV6: u8 = 0x41;
/// First three bits of a compressed packet.
pub const DISPATCH_IPHC: u8 = 0b0110_0000;
/// First five bits of a datagram's first fragment.
pub const DISPATCH_FRAG1: u8 = 0b1100_0000;
/// First five bits of a later fragment.
pub const DISPATCH_FRAGN: u8 = 0b1110_0000;

/// Why a frame's payload gives no packet. The peer (or the air) is at fault; the frame is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The packet itself, or a header packed in the payload.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A dispatch that a node of this mesh does not read.
    #[error("dispatch {0:#04x} is not read here")]
    Dispatch(u8),
    /// A context that nobody has told this node.
    #[error("compression context {0} is unknown")]
    Context(u8),
    /// Fragments of one datagram contradict each other.
    #[error("fragments overlap with other contents")]
    Overlap,
    /// A packet of more than 2047 octets, or a frame too small for a fragment.
    #[error("a packet of {0} octets cannot be cut into these frames")]
    Size(usize),
}

/// A link-layer address as the 802.15.4 header carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkAddress {
    /// 64 bits.
    Extended(Eui64),
    /// 16 bits; 0xFFFF is broadcast.
    Short(u16),
    /// Elided.
    None,
}

impl LinkAddress {
    /// The interface identifier that the address implies (RFC 6282 §3.2.2).
    #[must_use]
    pub const fn interface_id(self) -> [u8; 8] {
        match self {
            Self::Extended(eui) => eui.interface_id(),
            Self::Short(short) => {
                let [high, low] = short.to_be_bytes();
                [0, 0, 0, 0xFF, 0xFE, 0, high, low]
            }
            Self::None => [0; 8],
        }
    }
}

/// Both ends of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ends {
    /// Who sent the frame.
    pub source: LinkAddress,
    /// To whom.
    pub destination: LinkAddress,
}

/// A prefix both sides know by a number of 4 bits (RFC 6282 §3.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The prefix; bits past `bits` are not looked at.
    pub prefix: Ipv6Addr,
    /// Its length, at most 128.
    pub bits: u8,
}

/// The contexts a node knows; by default none, as Wi-SUN FAN runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contexts(pub [Option<Context>; 16]);

impl Contexts {
    /// None.
    pub const NONE: Self = Self([None; 16]);
}

/// Interface identifiers that the encapsulating header implies: the frame's, or an outer IPv6 header's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Implied {
    source: [u8; 8],
    destination: [u8; 8],
}

impl From<Ends> for Implied {
    fn from(ends: Ends) -> Self {
        Self { source: ends.source.interface_id(), destination: ends.destination.interface_id() }
    }
}

impl Implied {
    /// What an outer IPv6 header implies for the packet inside.
    pub(crate) fn by_outer(source: Ipv6Addr, destination: Ipv6Addr) -> Self {
        let low = |address: Ipv6Addr| {
            let [.., a, b, c, d, e, f, g, h] = address.octets();
            [a, b, c, d, e, f, g, h]
        };
        Self { source: low(source), destination: low(destination) }
    }
}

#[cfg(test)]
mod tests;
