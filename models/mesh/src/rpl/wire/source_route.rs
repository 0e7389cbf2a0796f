//! The source routing header of RPL (RFC 6554): hops after the next one, without the octets they share with it.

use core::net::Ipv6Addr;

use crate::bytes::{Put, Reader};
use crate::ip::Malformed;

/// Routing type of RFC 6554.
const ROUTING_TYPE: u8 = 3;
/// Octets before the addresses.
const FIXED_LEN: usize = 8;

/// A source route as the header holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRoute {
    /// Addresses still to be visited, of those in the header.
    pub segments_left: u8,
    /// CmprI: octets elided from all addresses but the last, 0–15.
    pub elided: u8,
    /// CmprE: octets elided from the last one, 0–15.
    pub elided_last: u8,
    /// The hops after the packet's destination, in full.
    pub hops: Vec<Ipv6Addr>,
}

impl SourceRoute {
    /// A route over `hops` after `first`, packed as far as all addresses share their beginning. With an empty `hops`
    /// there is no need of a header.
    ///
    /// A hop rebuilds elided octets from the packet's destination of the moment, so the last address may elide no more
    /// than all hops before it share with it, whatever it shares with the first.
    #[must_use]
    pub fn new(first: Ipv6Addr, hops: &[Ipv6Addr]) -> Self {
        let shared = |hop: &Ipv6Addr| {
            let same = hop.octets().iter().zip(first.octets()).take_while(|(a, b)| **a == *b).count();
            u8::try_from(same.min(15)).unwrap_or(0)
        };
        let (last, others) = hops.split_last().map_or((&first, hops), |(last, others)| (last, others));
        let elided = others.iter().map(shared).min().unwrap_or_else(|| shared(last));
        Self {
            segments_left: u8::try_from(hops.len()).unwrap_or(u8::MAX),
            elided,
            elided_last: shared(last).min(elided),
            hops: hops.to_vec(),
        }
    }

    /// Appends the extension header.
    pub fn put(&self, next_header: u8, out: &mut Vec<u8>) {
        let (elided, elided_last) = (self.elided.min(15), self.elided_last.min(15));
        let (others, last) = (self.hops.len().saturating_sub(1), usize::from(!self.hops.is_empty()));
        let len = others * (16 - usize::from(elided)) + last * (16 - usize::from(elided_last));
        let pad = len.next_multiple_of(8) - len;
        let units = u8::try_from((len + pad) / 8).unwrap_or(u8::MAX);
        out.put(&[next_header, units, ROUTING_TYPE, self.segments_left]);
        out.put(&[elided << 4 | elided_last, u8::try_from(pad).unwrap_or(0) << 4, 0, 0]);
        for (index, hop) in self.hops.iter().enumerate() {
            let cut = if index == others { elided_last } else { elided };
            out.put(hop.octets().get(usize::from(cut)..).unwrap_or(&[]));
        }
        out.resize(out.len() + pad, 0);
    }

    /// Reads a routing header of a packet that goes to `destination`. Addresses come back in full.
    ///
    /// # Errors
    /// When it is short, of another type or its lengths contradict each other.
    pub fn parse(header: &[u8], destination: Ipv6Addr) -> Result<Self, Malformed> {
        let shape = Shape::of(header)?;
        let hops = (0..shape.count).filter_map(|index| {
            let (at, cut) = shape.place(index);
            full(header.get(at..at + 16 - cut)?, destination)
        });
        Ok(Self {
            segments_left: shape.segments_left,
            elided: u8::try_from(shape.elided).unwrap_or(0),
            elided_last: u8::try_from(shape.elided_last).unwrap_or(0),
            hops: hops.collect(),
        })
    }
}

/// Where the addresses of a header are.
#[derive(Clone, Copy, Debug)]
struct Shape {
    segments_left: u8,
    elided: usize,
    elided_last: usize,
    count: usize,
}

impl Shape {
    fn of(header: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(header);
        let [_, units, kind, segments_left, elided, pad, _, _] =
            reader.array().ok_or(Malformed::Short("source routing header"))?;
        if kind != ROUTING_TYPE {
            return Err(Malformed::Field("routing type"));
        }
        if reader.len() != 8 * usize::from(units) {
            return Err(Malformed::Short("source routing header"));
        }
        let (elided, elided_last) = (usize::from(elided >> 4), usize::from(elided & 15));
        // §3: n = (((Hdr Ext Len * 8) - Pad - (16 - CmprE)) / (16 - CmprI)) + 1.
        let others = reader.len().checked_sub(usize::from(pad >> 4) + 16 - elided_last);
        let count = match others {
            Some(others) if others.is_multiple_of(16 - elided) => others / (16 - elided) + 1,
            None if units == 0 => 0,
            _ => return Err(Malformed::Field("source routing lengths")),
        };
        if usize::from(segments_left) > count {
            return Err(Malformed::Field("segments left"));
        }
        Ok(Self { segments_left, elided, elided_last, count })
    }

    /// Offset in the header, and octets elided.
    const fn place(&self, index: usize) -> (usize, usize) {
        let cut = if index + 1 == self.count { self.elided_last } else { self.elided };
        (FIXED_LEN + index * (16 - self.elided), cut)
    }
}

fn full(tail: &[u8], like: Ipv6Addr) -> Option<Ipv6Addr> {
    let mut octets = like.octets();
    octets.get_mut(16_usize.checked_sub(tail.len())?..)?.copy_from_slice(tail);
    Some(octets.into())
}

/// Moves a packet that has reached its destination on to the next hop of its source route, in place (§4.2). `packet`
/// is the whole IPv6 packet and `at` the routing header's offset in it; `mine` tells this node's addresses. The next
/// hop comes back, `None` at the end of the route.
///
/// # Errors
/// When the header is malformed, the next hop is a multicast address, or the route would pass here again (a loop).
pub fn advance(packet: &mut [u8], at: usize, mine: impl Fn(Ipv6Addr) -> bool) -> Result<Option<Ipv6Addr>, Malformed> {
    let short = Malformed::Short("source routing header");
    let units = usize::from(*packet.get(at + 1).ok_or(short)?);
    let (front, header) = packet.split_at_mut_checked(at).ok_or(short)?;
    let header = header.get_mut(..8 + 8 * units).ok_or(short)?;
    let shape = Shape::of(header)?;
    let Some(left) = shape.segments_left.checked_sub(1) else { return Ok(None) };
    let field = front.get_mut(24..40).ok_or(short)?;
    let current = field.try_into().map(|octets: [u8; 16]| Ipv6Addr::from(octets)).map_err(|_| short)?;
    let hop = |header: &[u8], index| {
        let (place, cut) = shape.place(index);
        full(header.get(place..place + 16 - cut)?, current)
    };
    let index = shape.count - 1 - usize::from(left);
    let following = hop(header, index).ok_or(short)?;
    if following.is_multicast() {
        return Err(Malformed::Field("source route over multicast"));
    }
    // §4.2: two addresses of this node with another one between them are a loop.
    if (index..shape.count).filter_map(|index| hop(header, index)).any(mine) {
        return Err(Malformed::Field("source route returns here"));
    }
    let (place, cut) = shape.place(index);
    if current.octets().get(..cut) != following.octets().get(..cut) {
        return Err(Malformed::Field("elided octets"));
    }
    header.get_mut(place..place + 16 - cut).ok_or(short)?.copy_from_slice(current.octets().get(cut..).ok_or(short)?);
    field.copy_from_slice(&following.octets());
    if let Some(slot) = header.get_mut(3) {
        *slot = left;
    }
    Ok(Some(following))
}
