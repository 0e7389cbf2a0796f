//! Packing what follows an IPv6 header (RFC 6282 §4): extension headers, a packet inside the packet, UDP.

use super::{Contexts, Implied, iphc};
use crate::bytes::Put;
use crate::ip::{Chain, Extension, Malformed, next};

/// `1110 EID NH`.
pub(super) const EXTENSION: u8 = 0b1110_0000;
/// `11110 C P P`.
pub(super) const UDP: u8 = 0b1111_0000;
/// The EID of an IPv6 header.
pub(super) const EID_IPV6: u8 = 7;
/// Headers behind one another that are packed; beyond this they are carried as they are.
pub(super) const DEPTH_MAX: usize = 16;

/// The EID of an extension.
const fn eid(kind: Extension) -> u8 {
    match kind {
        Extension::HopByHop => 0,
        Extension::Routing => 1,
        Extension::Fragment => 2,
        Extension::Destination => 3,
        Extension::Mobility => 4,
    }
}

/// Whether the header that `next_header` announces can be packed: whole, and its length field true.
pub(super) fn packs(next_header: u8, bytes: &[u8], depth: usize) -> bool {
    if depth >= DEPTH_MAX {
        return false;
    }
    if iphc::is_inner(next_header) {
        return iphc::is_packet(bytes);
    }
    if next_header == next::UDP {
        let said = bytes.get(4..6).map(|len| usize::from(len[0]) << 8 | usize::from(len[1]));
        return bytes.len() >= 8 && said == Some(bytes.len());
    }
    let whole = matches!(Chain::new(next_header, bytes).next(), Some(Ok(link)) if carried(link.bytes).len() <= 255);
    // Arbitrary: a fragment header is carried as it is; §4.2 leaves open what its reserved octet becomes.
    whole && next_header != next::FRAGMENT
}

/// Packs the chain that starts with `next_header`; returns what is left to carry.
pub(super) fn put_chain<'a>(
    next_header: u8,
    bytes: &'a [u8],
    implied: Implied,
    contexts: &Contexts,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<&'a [u8], Malformed> {
    if iphc::is_inner(next_header) {
        out.put_u8(EXTENSION | EID_IPV6 << 1);
        return iphc::put_header(bytes, implied, contexts, depth + 1, out);
    }
    if next_header == next::UDP {
        return put_udp(bytes, out);
    }
    let mut chain = Chain::new(next_header, bytes);
    let link = chain.next().ok_or(Malformed::Field("next header"))??;
    let (_, rest) = chain.upper();
    let chained = packs(link.next_header, rest, depth + 1);
    out.put_u8(EXTENSION | eid(link.kind) << 1 | u8::from(chained));
    if !chained {
        out.put_u8(link.next_header);
    }
    let data = trimmed(link.kind, carried(link.bytes));
    out.put_u8(u8::try_from(data.len()).map_err(|_| Malformed::Field("extension length"))?);
    out.put(data);
    if chained { put_chain(link.next_header, rest, implied, contexts, depth + 1, out) } else { Ok(rest) }
}

/// What of an extension header follows its length octet.
fn carried(header: &[u8]) -> &[u8] {
    header.get(2..).unwrap_or(&[])
}

/// Options without their last padding, when the receiver would rebuild that padding octet by octet (§4.2).
fn trimmed(kind: Extension, data: &[u8]) -> &[u8] {
    if !matches!(kind, Extension::HopByHop | Extension::Destination) {
        return data;
    }
    let mut at = 0;
    let mut last = None;
    while let Some(&option) = data.get(at) {
        let len = if option == 0 { 1 } else { 2 + data.get(at + 1).copied().map_or(0, usize::from) };
        if at + len > data.len() {
            return data;
        }
        last = Some((at, len));
        at += len;
    }
    match last {
        Some((at, len)) if len <= 7 && data.get(at..) == padding(len) => data.get(..at).unwrap_or(data),
        _ => data,
    }
}

/// The padding of 1 to 7 octets that fills an options header (RFC 8200 §4.2).
pub(super) fn padding(len: usize) -> Option<&'static [u8]> {
    const PAD_N: [[u8; 7]; 6] = [
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
        [1, 2, 0, 0, 0, 0, 0],
        [1, 3, 0, 0, 0, 0, 0],
        [1, 4, 0, 0, 0, 0, 0],
        [1, 5, 0, 0, 0, 0, 0],
    ];
    match len {
        0 => Some(&[]),
        1 => Some(&[0]),
        _ => PAD_N.get(len - 2)?.get(..len),
    }
}

/// UDP (§4.3): ports shortened, length elided, checksum kept (§4.3.2 lets it go only with an upper layer's consent).
fn put_udp<'a>(bytes: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Malformed> {
    let short = Malformed::Short("UDP header");
    let (head, rest) = bytes.split_first_chunk::<8>().ok_or(short)?;
    let [s, source, d, destination, _, _, sum @ ..] = *head;
    match (s == 0xF0, d == 0xF0) {
        (true, true) if source & 0xF0 == 0xB0 && destination & 0xF0 == 0xB0 => {
            out.put(&[UDP | 3, (source & 0x0F) << 4 | destination & 0x0F]);
        }
        (_, true) => out.put(&[UDP | 1, s, source, destination]),
        (true, false) => out.put(&[UDP | 2, source, d, destination]),
        (false, false) => out.put(&[UDP, s, source, d, destination]),
    }
    out.put(&sum);
    Ok(rest)
}
