//! Unpacking a frame's payload into the IPv6 packet it stands for (RFC 6282 §3, §4).

use core::net::Ipv6Addr;

use super::nhc::{DEPTH_MAX, EID_IPV6, EXTENSION, UDP, padding};
use super::{Contexts, DISPATCH_IPHC, DISPATCH_IPV6, Ends, Error, Implied};
use crate::bytes::{Put, Reader};
use crate::ip::{Extension, Header, Malformed, checksum, next};

/// The packet in a payload that is no fragment.
///
/// # Errors
/// When the payload is short, uses an unknown context or a dispatch that is not read here.
pub fn decompress(payload: &[u8], ends: Ends, contexts: &Contexts) -> Result<Vec<u8>, Error> {
    unpack(payload, ends, contexts, None)
}

/// As [`decompress`]; `total` is the datagram's size when the payload is only its beginning.
pub(super) fn unpack(payload: &[u8], ends: Ends, contexts: &Contexts, total: Option<u16>) -> Result<Vec<u8>, Error> {
    match *payload {
        [DISPATCH_IPV6, ref packet @ ..] => Ok(packet.to_vec()),
        [first, ..] if first & 0xE0 == DISPATCH_IPHC => {
            let mut unpacking = Unpacking {
                out: Vec::new(),
                lengths: Vec::new(),
                sums: Vec::new(),
                addresses: (Ipv6Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED),
                announce: None,
            };
            let mut reader = Reader::new(payload);
            let mut implied = Implied::from(ends);
            let mut depth = 0;
            loop {
                let chained = unpacking.header(&mut reader, &mut implied, contexts)?;
                if !chained || !unpacking.chain(&mut reader, &mut depth)? {
                    break;
                }
            }
            unpacking.finish(reader.rest(), total)
        }
        [first, ..] => Err(Error::Dispatch(first)),
        [] => Err(Malformed::Short("payload").into()),
    }
}

/// A packet under construction.
struct Unpacking {
    out: Vec<u8>,
    /// Length fields to fill in at the end: where, and where their count starts.
    lengths: Vec<(usize, usize)>,
    /// UDP headers whose checksum was elided: start, and the addresses it covers.
    sums: Vec<(usize, Addresses)>,
    /// Those addresses, of the innermost header so far.
    addresses: Addresses,
    /// Where the next header's number goes once it is known.
    announce: Option<usize>,
}

/// Source and destination of a header.
type Addresses = (Ipv6Addr, Ipv6Addr);

impl Unpacking {
    /// Reads one compressed IPv6 header; true when what follows is packed too.
    fn header(&mut self, reader: &mut Reader<'_>, implied: &mut Implied, contexts: &Contexts) -> Result<bool, Error> {
        let short = Malformed::Short("compressed header");
        let [first, second] = reader.array::<2>().ok_or(short)?;
        if first & 0xE0 != DISPATCH_IPHC {
            return Err(Error::Dispatch(first));
        }
        let numbers = if second & 0x80 != 0 { reader.u8().ok_or(short)? } else { 0 };
        let (traffic_class, flow_label) = match first >> 3 & 3 {
            0 => {
                let [class, high, mid, low] = reader.array().ok_or(short)?;
                (class.rotate_left(2), label(high, mid, low))
            }
            1 => {
                let [high, mid, low] = reader.array().ok_or(short)?;
                ((high & 0xC0).rotate_left(2), label(high, mid, low))
            }
            2 => (reader.u8().ok_or(short)?.rotate_left(2), 0),
            _ => (0, 0),
        };
        let chained = first & 4 != 0;
        let next_header = if chained { next::NONE } else { reader.u8().ok_or(short)? };
        let hop_limit = match first & 3 {
            0 => reader.u8().ok_or(short)?,
            1 => 1,
            2 => 64,
            _ => 255,
        };
        let source_mode = (second & 0x40 != 0, second >> 4 & 3, numbers >> 4);
        let destination_mode = (second & 4 != 0, second & 3, numbers & 0x0F);
        let source = contexts.unicast(reader, source_mode, implied.source)?;
        let destination = if second & 8 != 0 {
            contexts.multicast(reader, destination_mode)?
        } else if destination_mode.0 && destination_mode.1 == 0 {
            return Err(Malformed::Field("DAM").into());
        } else {
            contexts.unicast(reader, destination_mode, implied.destination)?
        };
        let start = self.out.len();
        Header { traffic_class, flow_label, payload_len: 0, next_header, hop_limit, source, destination }
            .put(&mut self.out);
        self.lengths.push((start + 4, start + 40));
        self.announce = Some(start + 6);
        *implied = Implied::by_outer(source, destination);
        self.addresses = (source, destination);
        Ok(chained)
    }

    /// Reads packed headers; true when a compressed IPv6 header comes next.
    fn chain(&mut self, reader: &mut Reader<'_>, depth: &mut usize) -> Result<bool, Error> {
        let short = Malformed::Short("packed header");
        loop {
            *depth += 1;
            let id = reader.u8().ok_or(short)?;
            // One more than is ever packed here: the peer may count the UDP header apart.
            if *depth > DEPTH_MAX + 1 {
                return Err(Malformed::Field("depth of headers").into());
            }
            if id & 0xF8 == UDP {
                self.udp(reader, id)?;
                return Ok(false);
            }
            if id & 0xF0 != EXTENSION {
                return Err(Error::Dispatch(id));
            }
            let kind = match id >> 1 & 7 {
                0 => Extension::HopByHop,
                1 => Extension::Routing,
                2 => Extension::Fragment,
                3 => Extension::Destination,
                4 => Extension::Mobility,
                EID_IPV6 => {
                    self.told(next::IPV6);
                    return Ok(true);
                }
                _ => return Err(Error::Dispatch(id)),
            };
            if !self.extension(reader, kind, id & 1 != 0)? {
                return Ok(false);
            }
        }
    }

    /// One extension header; true when the next one is packed too.
    fn extension(&mut self, reader: &mut Reader<'_>, kind: Extension, chained: bool) -> Result<bool, Error> {
        let short = Malformed::Short("packed extension header");
        self.told(kind.number());
        let next_header = if chained { next::NONE } else { reader.u8().ok_or(short)? };
        let start = self.out.len();
        if kind == Extension::Fragment {
            self.out.put_u8(next_header);
            self.out.put(reader.take(7).ok_or(short)?);
        } else {
            let len = usize::from(reader.u8().ok_or(short)?);
            let data = reader.take(len).ok_or(short)?;
            let whole = (2 + len).div_ceil(8).max(1) * 8;
            let pad = whole - 2 - len;
            if pad != 0 && !matches!(kind, Extension::HopByHop | Extension::Destination) {
                return Err(Malformed::Field("extension length").into());
            }
            self.out.put(&[next_header, u8::try_from(whole / 8 - 1).unwrap_or(u8::MAX)]);
            self.out.put(data);
            self.out.put(padding(pad).ok_or(Malformed::Field("extension length"))?);
        }
        self.announce = Some(start);
        Ok(chained)
    }

    fn udp(&mut self, reader: &mut Reader<'_>, id: u8) -> Result<(), Error> {
        let short = Malformed::Short("packed UDP header");
        self.told(next::UDP);
        let [s, source, d, destination] = match id & 3 {
            0 => reader.array().ok_or(short)?,
            1 => {
                let [s, source, destination] = reader.array().ok_or(short)?;
                [s, source, 0xF0, destination]
            }
            2 => {
                let [source, d, destination] = reader.array().ok_or(short)?;
                [0xF0, source, d, destination]
            }
            _ => {
                let both = reader.u8().ok_or(short)?;
                [0xF0, 0xB0 | both >> 4, 0xF0, 0xB0 | both & 0x0F]
            }
        };
        let elided = id & 4 != 0;
        let sum = if elided { 0 } else { reader.u16().ok_or(short)? };
        let start = self.out.len();
        if elided {
            self.sums.push((start, self.addresses));
        }
        self.out.put(&[s, source, d, destination, 0, 0]);
        self.out.put_u16(sum);
        self.lengths.push((start + 4, start));
        Ok(())
    }

    /// Writes the number of the header that starts now into the one before.
    fn told(&mut self, number: u8) {
        if let Some(slot) = self.announce.take().and_then(|at| self.out.get_mut(at)) {
            *slot = number;
        }
    }

    /// Adds what was carried as it is, and fills in lengths and elided checksums.
    fn finish(mut self, carried: &[u8], total: Option<u16>) -> Result<Vec<u8>, Error> {
        self.out.put(carried);
        let end = total.map_or(self.out.len(), usize::from);
        for (at, counted_from) in self.lengths {
            let len = end.checked_sub(counted_from).and_then(|len| u16::try_from(len).ok());
            let len = len.ok_or(Malformed::Field("datagram size"))?;
            if let Some(field) = self.out.get_mut(at..at + 2) {
                field.copy_from_slice(&len.to_be_bytes());
            }
        }
        for (start, (source, destination)) in self.sums {
            if total.is_some_and(|total| usize::from(total) != self.out.len()) {
                // §4.3.2 has the checksum recomputed over the whole datagram, which a first fragment does not hold.
                return Err(Malformed::Field("elided checksum in a fragment").into());
            }
            let sum = checksum(source, destination, next::UDP, self.out.get(start..).unwrap_or(&[]));
            let sum = if sum == 0 { u16::MAX } else { sum };
            if let Some(field) = self.out.get_mut(start + 6..start + 8) {
                field.copy_from_slice(&sum.to_be_bytes());
            }
        }
        Ok(self.out)
    }
}

const fn label(high: u8, mid: u8, low: u8) -> u32 {
    u32::from_be_bytes([0, high & 0x0F, mid, low])
}
