//! ICMPv6 (RFC 4443): the checksum over the pseudo header, and the one error a source route calls for.

use core::net::Ipv6Addr;

use super::{Header, Malformed, next};
use crate::bytes::Put;

/// Destination unreachable (RFC 4443 §3.1).
const UNREACHABLE: u8 = 1;
/// Code "error in source routing header" (RFC 6550 §20.18).
const SOURCE_ROUTE_ERROR: u8 = 7;
/// Time exceeded (RFC 4443 §3.3), code 0: hop limit.
const TIME_EXCEEDED: u8 = 3;
/// How much of the invoking packet goes back: the error stays below the minimum MTU of 1280.
const INVOKING_MAX: usize = 1280 - super::HEADER_LEN - 8;

/// The checksum of an upper-layer message (RFC 8200 §8.1), its own field taken as zero or as it stands: a message with
/// the right checksum in place sums to 0.
#[must_use]
pub fn checksum(source: Ipv6Addr, destination: Ipv6Addr, next_header: u8, message: &[u8]) -> u16 {
    let mut sum = sum_of(&source.octets()) + sum_of(&destination.octets());
    sum += message.len() as u64 + u64::from(next_header) + sum_of(message);
    while sum > 0xFFFF {
        sum = (sum >> 16) + (sum & 0xFFFF);
    }
    !u16::try_from(sum).unwrap_or(0)
}

/// Whether an ICMPv6 message carries the right checksum.
#[must_use]
pub fn checksum_holds(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> bool {
    checksum(source, destination, next::ICMPV6, message) == 0
}

fn sum_of(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let odd = rest.first().map_or(0, |&last| u64::from(last) << 8);
    words.iter().map(|&word| u64::from(u16::from_be_bytes(word))).sum::<u64>() + odd
}

/// An ICMPv6 error a mesh node sends, with the start of the packet that caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorMessage<'a> {
    /// A hop of a source route does not answer (RFC 6554 §4.2).
    SourceRoute(&'a [u8]),
    /// The hop limit ran out.
    HopLimit(&'a [u8]),
}

impl<'a> ErrorMessage<'a> {
    /// Reads an ICMPv6 message; `None` when it is another one.
    ///
    /// # Errors
    /// When it is short.
    pub fn parse(message: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let [kind, code, _, _, _, _, _, _, invoking @ ..] = message else {
            return Err(Malformed::Short("ICMPv6 error"));
        };
        Ok(match (*kind, *code) {
            (UNREACHABLE, SOURCE_ROUTE_ERROR) => Some(Self::SourceRoute(invoking)),
            (TIME_EXCEEDED, 0) => Some(Self::HopLimit(invoking)),
            _ => None,
        })
    }

    /// A whole packet with this error.
    #[must_use]
    pub fn packet(&self, source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8) -> Vec<u8> {
        let mut message = Vec::new();
        self.put(source, destination, &mut message);
        let mut packet = Vec::with_capacity(super::HEADER_LEN + message.len());
        Header::new(source, destination, next::ICMPV6, hop_limit).put_packet(&[&message], &mut packet);
        packet
    }

    /// Appends the ICMPv6 message alone.
    pub fn put(&self, source: Ipv6Addr, destination: Ipv6Addr, out: &mut Vec<u8>) {
        let (kind, code, invoking) = match *self {
            Self::SourceRoute(invoking) => (UNREACHABLE, SOURCE_ROUTE_ERROR, invoking),
            Self::HopLimit(invoking) => (TIME_EXCEEDED, 0, invoking),
        };
        let start = out.len();
        out.put(&[kind, code, 0, 0, 0, 0, 0, 0]);
        out.put(invoking.get(..INVOKING_MAX).unwrap_or(invoking));
        seal(source, destination, start, out);
    }
}

/// Writes the checksum into the ICMPv6 message that starts at `start`.
pub(crate) fn seal(source: Ipv6Addr, destination: Ipv6Addr, start: usize, out: &mut [u8]) {
    let sum = checksum(source, destination, next::ICMPV6, out.get(start..).unwrap_or(&[]));
    if let Some(field) = out.get_mut(start + 2..start + 4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_back_and_a_flipped_bit_shows() {
        let (a, b) = ("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap());
        for error in [ErrorMessage::SourceRoute(b"odd"), ErrorMessage::HopLimit(b"even")] {
            let packet = error.packet(a, b, 64);
            let (header, message) = Header::parse(&packet).unwrap();
            assert!(checksum_holds(header.source, header.destination, message));
            assert_eq!(ErrorMessage::parse(message), Ok(Some(error)));
            let mut flipped = message.to_vec();
            flipped[9] ^= 4;
            assert!(!checksum_holds(a, b, &flipped));
        }
        assert!(ErrorMessage::parse(&[1, 7]).is_err());
    }
}
