//! IPv6 (RFC 8200) as far as a mesh node touches it: the fixed header, the chain of extension headers, ICMPv6.

mod chain;
mod icmp;

use core::net::Ipv6Addr;

pub use chain::{Chain, Extension, Link, options};
pub(crate) use icmp::seal;
pub use icmp::{ErrorMessage, checksum, checksum_holds};

use crate::bytes::{Put, Reader};

/// Octets of the fixed header.
pub const HEADER_LEN: usize = 40;

/// Numbers of the field "next header".
pub mod next {
    /// Hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 in IPv6.
    pub const IPV6: u8 = 41;
    /// Routing header.
    pub const ROUTING: u8 = 43;
    /// Fragment header.
    pub const FRAGMENT: u8 = 44;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
    /// Nothing follows.
    pub const NONE: u8 = 59;
    /// Destination options.
    pub const DESTINATION: u8 = 60;
    /// Mobility header.
    pub const MOBILITY: u8 = 135;
}

/// Why bytes are no IPv6 packet a node can handle. The sender (or the air) is at fault; the packet is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Shorter than its own fields say.
    #[error("the packet ends inside its {0}")]
    Short(&'static str),
    /// Another version than 6.
    #[error("IP version {0}, not 6")]
    Version(u8),
    /// A field holds what its clause forbids.
    #[error("the field {0} holds a value its clause forbids")]
    Field(&'static str),
    /// The checksum does not cover the bytes.
    #[error("the ICMPv6 checksum is wrong")]
    Checksum,
}

/// The fixed header (RFC 8200 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// 20 bits.
    pub flow_label: u32,
    /// Octets that follow.
    pub payload_len: u16,
    /// What follows; see [`next`].
    pub next_header: u8,
    /// Hops left.
    pub hop_limit: u8,
    /// Source.
    pub source: Ipv6Addr,
    /// Destination.
    pub destination: Ipv6Addr,
}

impl Header {
    /// A header without class and label.
    #[must_use]
    pub const fn new(source: Ipv6Addr, destination: Ipv6Addr, next_header: u8, hop_limit: u8) -> Self {
        Self { traffic_class: 0, flow_label: 0, payload_len: 0, next_header, hop_limit, source, destination }
    }

    /// Reads the header and returns what follows it, cut at the payload length.
    ///
    /// # Errors
    /// When the bytes are short or no IPv6.
    pub fn parse(packet: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let mut reader = Reader::new(packet);
        let read = |reader: &mut Reader<'_>| {
            Some(Self {
                flow_label: reader.u32()?,
                traffic_class: 0,
                payload_len: reader.u16()?,
                next_header: reader.u8()?,
                hop_limit: reader.u8()?,
                source: reader.address()?,
                destination: reader.address()?,
            })
        };
        let mut header = read(&mut reader).ok_or(Malformed::Short("IPv6 header"))?;
        let [first, second, ..] = header.flow_label.to_be_bytes();
        if first >> 4 != 6 {
            return Err(Malformed::Version(first >> 4));
        }
        header.traffic_class = first << 4 | second >> 4;
        header.flow_label &= 0xF_FFFF;
        let payload = reader.take(usize::from(header.payload_len)).ok_or(Malformed::Short("payload"))?;
        Ok((header, payload))
    }

    /// Appends the 40 octets.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.put_u32(6 << 28 | u32::from(self.traffic_class) << 20 | (self.flow_label & 0xF_FFFF));
        out.put_u16(self.payload_len);
        out.put(&[self.next_header, self.hop_limit]);
        out.put_address(self.source);
        out.put_address(self.destination);
    }

    /// Appends the header with the length of `parts`, then the parts.
    pub fn put_packet(mut self, parts: &[&[u8]], out: &mut Vec<u8>) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        self.payload_len = u16::try_from(len).unwrap_or(u16::MAX);
        self.put(out);
        for part in parts {
            out.put(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_with_class_and_label() {
        let mut header = Header::new(Ipv6Addr::LOCALHOST, "fd00::1".parse().unwrap(), next::UDP, 3);
        header.traffic_class = 0xA5;
        header.flow_label = 0x1_2345;
        let mut packet = Vec::new();
        header.put_packet(&[b"ab", b"c"], &mut packet);
        header.payload_len = 3;
        assert_eq!(Header::parse(&packet), Ok((header, b"abc".as_slice())));
        assert_eq!(Header::parse(&packet[..42]), Err(Malformed::Short("payload")));
        assert_eq!(Header::parse(&packet[..39]), Err(Malformed::Short("IPv6 header")));
        packet[0] = 0x45;
        assert_eq!(Header::parse(&packet), Err(Malformed::Version(4)));
    }
}
