//! Fragments (RFC 4944 §5.3): a packet cut to frames, and frames put together again within 60 s.

use std::collections::BTreeMap;

use super::iphc::{Packed, compress_header};
use super::{Contexts, DISPATCH_FRAG1, DISPATCH_FRAGN, Ends, Error, compress, unpack::unpack};
use crate::bytes::{Put, Reader};
use crate::ip::Malformed;

/// The field "datagram size" has 11 bits.
const SIZE_MAX: usize = 0x7FF;
/// RFC 4944 §5.3: "must be set to a maximum of 60 seconds".
const TIMEOUT_NS: u64 = 60_000_000_000;
/// Datagrams put together at a time. Arbitrary: the oldest gives way to a new one.
const OPEN_MAX: usize = 8;

/// The payloads that carry a packet over frames of `frame_len` octets: one when it fits, else fragments under `tag`. What
/// is packed must be in the first one whole; where a long source route is too long for that, the IPv6 header alone is.
///
/// # Errors
/// When the packet is malformed, longer than 2047 octets or its headers do not fit the first frame.
pub fn fragments(
    packet: &[u8],
    ends: Ends,
    contexts: &Contexts,
    frame_len: usize,
    tag: u16,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut whole = Vec::with_capacity(packet.len());
    let packed = compress(packet, ends, contexts, &mut whole)?;
    if whole.len() <= frame_len {
        return Ok(vec![whole]);
    }
    let too_big = Error::Size(packet.len());
    let size = u16::try_from(packet.len()).ok().filter(|&size| usize::from(size) <= SIZE_MAX).ok_or(too_big)?;
    // Every fragment but the last carries a multiple of 8 octets of the packet; the first one counts its headers.
    let end_of_first = |packed: Packed| {
        let room = frame_len.checked_sub(4 + packed.packed)?;
        Some((packed.plain + room) / 8 * 8).filter(|&end| end >= packed.plain)
    };
    let (packed, first_end) = if let Some(end) = end_of_first(packed) {
        (packed, end)
    } else {
        whole.clear();
        let packed = compress_header(packet, ends, contexts, &mut whole)?;
        (packed, end_of_first(packed).ok_or(too_big)?)
    };
    let step = frame_len.checked_sub(5).map(|room| room / 8 * 8).filter(|&step| step > 0).ok_or(too_big)?;
    let carried = packet.get(packed.plain..first_end).ok_or(too_big)?;
    let mut first = Vec::with_capacity(frame_len);
    first.put_u16(u16::from(DISPATCH_FRAG1) << 8 | size);
    first.put_u16(tag);
    first.put(whole.get(..packed.packed).unwrap_or(&[]));
    first.put(carried);
    let mut frames = vec![first];
    for (index, part) in packet.get(first_end..).unwrap_or(&[]).chunks(step).enumerate() {
        let offset = u8::try_from((first_end + index * step) / 8).map_err(|_| too_big)?;
        let mut frame = Vec::with_capacity(5 + part.len());
        frame.put_u16(u16::from(DISPATCH_FRAGN) << 8 | size);
        frame.put_u16(tag);
        frame.put_u8(offset);
        frame.put(part);
        frames.push(frame);
    }
    Ok(frames)
}

/// Puts fragments together. Getters: [`Self::deadline_ns`]; `handle_*`: frames and time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reassembly {
    open: BTreeMap<(Ends, u16, u16), Open>,
}

/// One datagram on its way: at most 2047 octets, kept only as far as they have arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Open {
    since_ns: u64,
    bytes: Vec<u8>,
    /// One bit for each unit of 8 octets that is there.
    there: [u64; 4],
}

impl Reassembly {
    /// When the oldest unfinished datagram is given up.
    #[must_use]
    pub fn deadline_ns(&self) -> Option<u64> {
        self.open.values().map(|open| open.since_ns.saturating_add(TIMEOUT_NS)).min()
    }

    /// Gives up what has waited for 60 s; returns how many datagrams that were.
    pub fn handle_timeout(&mut self, now_ns: u64) -> usize {
        let before = self.open.len();
        self.open.retain(|_, open| now_ns.saturating_sub(open.since_ns) < TIMEOUT_NS);
        before - self.open.len()
    }

    /// Takes a frame's payload; a packet when one is whole.
    ///
    /// # Errors
    /// When the payload is malformed or contradicts fragments before it; their datagram is then given up.
    pub fn handle_receive(
        &mut self,
        now_ns: u64,
        payload: &[u8],
        ends: Ends,
        contexts: &Contexts,
    ) -> Result<Option<Vec<u8>>, Error> {
        let short = Malformed::Short("fragment header");
        let first = match payload.first().map(|byte| byte & 0xF8) {
            Some(DISPATCH_FRAG1) => true,
            Some(DISPATCH_FRAGN) => false,
            _ => return unpack(payload, ends, contexts, None).map(Some),
        };
        self.handle_timeout(now_ns);
        let mut reader = Reader::new(payload);
        let size = reader.u16().ok_or(short)? & 0x7FF;
        let tag = reader.u16().ok_or(short)?;
        let key = (ends, size, tag);
        let (offset, part) = if first {
            (0, unpack(reader.rest(), ends, contexts, Some(size))?)
        } else {
            (8 * usize::from(reader.u8().ok_or(short)?), reader.rest().to_vec())
        };
        if !self.open.contains_key(&key) {
            self.make_room();
            let empty = Open { since_ns: now_ns, bytes: Vec::new(), there: [0; 4] };
            self.open.insert(key, empty);
        }
        let Some(open) = self.open.get_mut(&key) else { return Ok(None) };
        let added = open.add(usize::from(size), offset, &part);
        match added {
            Ok(false) => Ok(None),
            Ok(true) => Ok(self.open.remove(&key).map(|open| open.bytes)),
            Err(error) => {
                self.open.remove(&key);
                Err(error)
            }
        }
    }

    fn make_room(&mut self) {
        if self.open.len() < OPEN_MAX {
            return;
        }
        if let Some((&oldest, _)) = self.open.iter().min_by_key(|(_, open)| open.since_ns) {
            self.open.remove(&oldest);
        }
    }
}

impl Open {
    /// Adds a part at its offset; true when nothing is missing.
    fn add(&mut self, size: usize, offset: usize, part: &[u8]) -> Result<bool, Error> {
        let end = offset + part.len();
        let whole_units = part.len().is_multiple_of(8) || end == size;
        if end > size || part.is_empty() || !whole_units {
            return Err(Malformed::Field("fragment").into());
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        for (unit, piece) in (offset / 8..).zip(part.chunks(8)) {
            let Some(word) = self.there.get_mut(unit / 64) else { break };
            let slot = self.bytes.get_mut(unit * 8..unit * 8 + piece.len()).ok_or(Error::Size(size))?;
            if *word >> (unit % 64) & 1 == 1 && slot != piece {
                return Err(Error::Overlap);
            }
            *word |= 1 << (unit % 64);
            slot.copy_from_slice(piece);
        }
        let units: u32 = self.there.iter().map(|word| word.count_ones()).sum();
        Ok(units as usize == size.div_ceil(8) && self.bytes.len() == size)
    }
}
