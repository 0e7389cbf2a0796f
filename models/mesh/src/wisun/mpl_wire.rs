//! Octets of MPL (RFC 7731 §6): the hop-by-hop option of a message, and the control message.
//!
//! A message travels as a whole packet inside another one: from the seed, to all forwarders of the mesh (ff03::fc), with
//! the option. Wi-SUN's seeds are named by their addresses, in the option or, when it is left out there, as its source.

use core::net::Ipv6Addr;

use super::mpl::Holding;
use crate::Eui64;
use crate::bytes::{Put, Reader};
use crate::ip::{self, Chain, Extension, Header, Malformed, next, options};

/// ALL_MPL_FORWARDERS, scope of the mesh: where messages go.
pub const FORWARDERS: Ipv6Addr = Ipv6Addr::new(0xFF03, 0, 0, 0, 0, 0, 0, 0xFC);
/// The same, scope of the link: where control messages go.
pub const NEIGHBOURS: Ipv6Addr = Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0, 0xFC);
/// All nodes of the mesh: the packet inside.
pub const EVERYONE: Ipv6Addr = Ipv6Addr::new(0xFF03, 0, 0, 0, 0, 0, 0, 1);
/// The option's type: drop what you do not know, may change on the way.
const OPTION: u8 = 0x6D;
/// ICMPv6 type of a control message.
const CONTROL: u8 = 159;
/// M and V.
const LATEST: u8 = 0x20;
const OTHER_VERSION: u8 = 0x10;
/// Seeds that a control message names at most. Arbitrary: it stays in one frame.
const SEEDS_MAX: usize = 32;

/// The option of a message: which one of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The seed's address.
    pub seed: Ipv6Addr,
    /// Its number for the message.
    pub sequence: u8,
    /// Whether the sender holds no later one.
    pub latest: bool,
}

/// A packet that carries `inner`, a whole packet, to all.
#[must_use]
pub fn packet(label: Label, hop_limit: u8, inner: &[u8]) -> Vec<u8> {
    let flags = if label.latest { LATEST } else { 0 };
    // Behind the option two octets of padding; the seed is the source (S = 0).
    let option = [next::IPV6, 0, OPTION, 2, flags, label.sequence, 1, 0];
    let mut packet = Vec::with_capacity(ip::HEADER_LEN + option.len() + inner.len());
    Header::new(label.seed, FORWARDERS, next::HOP_BY_HOP, hop_limit).put_packet(&[&option, inner], &mut packet);
    packet
}

/// Reads such a packet: its label, hop limit, and where the packet inside begins. None when it is no message of MPL.
///
/// # Errors
/// When it is short, of another version, or its seed is named by a number.
pub fn parse(packet: &[u8]) -> Result<Option<(Label, u8, usize)>, Malformed> {
    let (header, payload) = Header::parse(packet)?;
    if header.destination != FORWARDERS || header.next_header != next::HOP_BY_HOP {
        return Ok(None);
    }
    let Some(link) = Chain::new(header.next_header, payload).next() else { return Ok(None) };
    let link = link?;
    if link.kind != Extension::HopByHop || link.next_header != next::IPV6 {
        return Ok(None);
    }
    let Some(data) = option(link.bytes)? else { return Ok(None) };
    let mut reader = Reader::new(data);
    let short = Malformed::Short("MPL option");
    let [flags, sequence] = reader.array::<2>().ok_or(short)?;
    if flags & OTHER_VERSION != 0 {
        return Err(Malformed::Field("MPL version"));
    }
    let seed = match flags >> 6 {
        0 => header.source,
        3 => reader.address().ok_or(short)?,
        _ => return Err(Malformed::Field("MPL seed")),
    };
    let label = Label { seed, sequence, latest: flags & LATEST != 0 };
    Ok(Some((label, header.hop_limit, ip::HEADER_LEN + link.bytes.len())))
}

/// The data of the MPL option in a hop-by-hop header.
fn option(header: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    for option in options(header) {
        if let (_, OPTION, data) = option? {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// A control message to the neighbours. Seeds are interfaces under this prefix, by address.
#[must_use]
pub fn control(from: Eui64, prefix: [u8; 8], holdings: &[Holding]) -> Vec<u8> {
    let source = from.link_local();
    let mut message = vec![CONTROL, 0, 0, 0];
    for of in holdings.iter().take(SEEDS_MAX) {
        let octets = (128 - of.held.leading_zeros()).div_ceil(8) as u8;
        message.put(&[of.least, octets << 2 | 3]);
        message.put_address(Eui64(of.seed.to_be_bytes()).under(prefix));
        // The first bit of an octet is its highest.
        let bits = of.held.reverse_bits().to_be_bytes();
        message.put(bits.get(..usize::from(octets)).unwrap_or(&bits));
    }
    ip::seal(source, NEIGHBOURS, 0, &mut message);
    let mut packet = Vec::with_capacity(ip::HEADER_LEN + message.len());
    Header::new(source, NEIGHBOURS, next::ICMPV6, 255).put_packet(&[&message], &mut packet);
    packet
}

/// Reads a control message; none when the packet is another one.
///
/// # Errors
/// When it is short, its checksum wrong, it came from beyond the link, or a seed is named by a number.
pub fn parse_control(packet: &[u8]) -> Result<Option<Vec<Holding>>, Malformed> {
    let (header, message) = Header::parse(packet)?;
    if header.destination != NEIGHBOURS || header.next_header != next::ICMPV6 || message.first() != Some(&CONTROL) {
        return Ok(None);
    }
    if header.hop_limit != 255 {
        return Err(Malformed::Field("hop limit"));
    }
    if !ip::checksum_holds(header.source, header.destination, message) {
        return Err(Malformed::Checksum);
    }
    let short = Malformed::Short("MPL control message");
    let mut reader = Reader::new(message.get(4..).ok_or(short)?);
    let mut holdings = Vec::new();
    while reader.len() > 0 && holdings.len() < SEEDS_MAX {
        let [least, form] = reader.array::<2>().ok_or(short)?;
        let seed = match form & 3 {
            0 => header.source,
            3 => reader.address().ok_or(short)?,
            _ => return Err(Malformed::Field("MPL seed")),
        };
        let octets = reader.take(usize::from(form >> 2)).ok_or(short)?;
        let bit = |n: usize| octets.get(n / 8).is_some_and(|octet| octet & 0x80 >> (n % 8) != 0);
        let held = (0..128).filter(|&n| bit(n)).fold(0, |bits, n| bits | 1 << n);
        holdings.push(Holding { seed: u64::from_be_bytes(Eui64::from(seed).0), least, held });
    }
    Ok(Some(holdings))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: [u8; 8] = [0xFD, 0, 0, 0, 0, 0, 0, 1];

    fn inner() -> Vec<u8> {
        let mut inner = Vec::new();
        Header::new("fd00::1".parse().unwrap(), EVERYONE, next::NONE, 64).put_packet(&[b"all"], &mut inner);
        inner
    }

    #[test]
    fn a_message_comes_back_and_what_it_carries() {
        let label = Label { seed: "fd00::7".parse().unwrap(), sequence: 200, latest: true };
        let whole = packet(label, 24, &inner());
        let (back, hop_limit, at) = parse(&whole).unwrap().unwrap();
        assert_eq!((back, hop_limit, &whole[at..]), (label, 24, &inner()[..]));
        assert_eq!(parse(&inner()), Ok(None));
        for cut in 0..whole.len() {
            assert!(parse(&whole[..cut]).is_err(), "{cut}");
        }
        let mut other = whole;
        other[44] |= OTHER_VERSION;
        assert_eq!(parse(&other), Err(Malformed::Field("MPL version")));
    }

    #[test]
    fn what_is_held_comes_back() {
        let of =
            |node: u8, least, held| Holding { seed: u64::from_be_bytes([2, 0, 0x5E, 0, 0, 0, 0, node]), least, held };
        let holdings = [of(1, 250, 0b1011), of(2, 0, 0), of(3, 7, 1 << 31 | 1), of(4, 1, u128::MAX)];
        let whole = control(Eui64([2, 0, 0x5E, 0, 0, 0, 0, 9]), PREFIX, &holdings);
        assert_eq!(parse_control(&whole).unwrap().unwrap(), holdings);
        let mut flipped = whole.clone();
        flipped[60] ^= 4;
        assert_eq!(parse_control(&flipped), Err(Malformed::Checksum));
        let mut from_afar = whole;
        from_afar[7] = 254;
        assert_eq!(parse_control(&from_afar), Err(Malformed::Field("hop limit")));
    }
}
