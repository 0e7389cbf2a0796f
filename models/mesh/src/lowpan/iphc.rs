//! Packing an IPv6 header (RFC 6282 §3) and the headers behind it (§4).

use super::address::Short;
use super::{Contexts, DISPATCH_IPHC, Ends, Implied, nhc};
use crate::bytes::Put;
use crate::ip::{Header, Malformed, next};

/// How far packing got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Octets of headers in the packet; what follows is carried as it is.
    pub plain: usize,
    /// Octets they take in the frame, dispatch included.
    pub packed: usize,
}

/// Appends a packet to `out` in its shortest form and says how much of it was headers.
///
/// # Errors
/// When the packet is no IPv6 packet, or its length field is not the length.
pub fn compress(packet: &[u8], ends: Ends, contexts: &Contexts, out: &mut Vec<u8>) -> Result<Packed, Malformed> {
    let start = out.len();
    let left = put_header(packet, ends.into(), contexts, 0, out)?;
    let packed = Packed { plain: packet.len() - left.len(), packed: out.len() - start };
    out.put(left);
    Ok(packed)
}

/// The same with the IPv6 header alone: what follows it is carried as it is, and may go into later fragments.
pub(super) fn compress_header(
    packet: &[u8],
    ends: Ends,
    contexts: &Contexts,
    out: &mut Vec<u8>,
) -> Result<Packed, Malformed> {
    let start = out.len();
    let left = put_header(packet, ends.into(), contexts, nhc::DEPTH_MAX, out)?;
    let packed = Packed { plain: packet.len() - left.len(), packed: out.len() - start };
    out.put(left);
    Ok(packed)
}

/// Packs one IPv6 header and its chain; returns what is left to carry.
pub(super) fn put_header<'a>(
    packet: &'a [u8],
    implied: Implied,
    contexts: &Contexts,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<&'a [u8], Malformed> {
    let (header, payload) = Header::parse(packet)?;
    if payload.len() + crate::ip::HEADER_LEN != packet.len() {
        return Err(Malformed::Field("payload length"));
    }
    let source = Short::source(header.source, implied.source, contexts);
    let multicast = header.destination.is_multicast();
    let destination = if multicast {
        Short::multicast(header.destination, contexts)
    } else {
        Short::unicast(header.destination, implied.destination, contexts)
    };
    let chained = nhc::packs(header.next_header, payload, depth);
    let named = source.context != 0 || destination.context != 0;
    let (class_mode, class) = traffic_class(&header);
    let hops = match header.hop_limit {
        1 => 1,
        64 => 2,
        255 => 3,
        _ => 0,
    };
    out.put_u8(DISPATCH_IPHC | class_mode << 3 | u8::from(chained) << 2 | hops);
    let source_bits = u8::from(named) << 7 | u8::from(source.stateful) << 6 | source.mode << 4;
    out.put_u8(source_bits | u8::from(multicast) << 3 | u8::from(destination.stateful) << 2 | destination.mode);
    if named {
        out.put_u8(source.context << 4 | destination.context);
    }
    out.put(&class.0[..class.1]);
    if !chained {
        out.put_u8(header.next_header);
    }
    if hops == 0 {
        out.put_u8(header.hop_limit);
    }
    out.put(source.inline());
    out.put(destination.inline());
    let inner = Implied::by_outer(header.source, header.destination);
    if chained { nhc::put_chain(header.next_header, payload, inner, contexts, depth, out) } else { Ok(payload) }
}

/// Traffic class and flow label (§3.2.1): the mode and up to four octets. ECN comes first on the wire.
fn traffic_class(header: &Header) -> (u8, ([u8; 4], usize)) {
    let swapped = header.traffic_class.rotate_right(2);
    let (ecn, dscp) = (swapped & 0xC0, swapped & 0x3F);
    let [_, high, mid, low] = header.flow_label.to_be_bytes();
    match (dscp, header.flow_label, header.traffic_class) {
        (_, 0, 0) => (3, ([0; 4], 0)),
        (_, 0, _) => (2, ([swapped, 0, 0, 0], 1)),
        (0, _, _) => (1, ([ecn | high, mid, low, 0], 3)),
        _ => (0, ([swapped, high, mid, low], 4)),
    }
}

/// Whether a whole IPv6 packet is there to be packed again.
pub(super) fn is_packet(bytes: &[u8]) -> bool {
    Header::parse(bytes).is_ok_and(|(_, payload)| payload.len() + crate::ip::HEADER_LEN == bytes.len())
}

/// Numbers that [`nhc`] packs.
pub(super) const fn is_inner(next_header: u8) -> bool {
    next_header == next::IPV6
}
