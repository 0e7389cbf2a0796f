//! Addresses in a compressed header (RFC 6282 §3.1.1, §3.2): as few octets as the link and the contexts allow.

use core::net::Ipv6Addr;

use super::{Context, Contexts, Error};
use crate::bytes::Reader;
use crate::ip::Malformed;

/// `fe80::/64`.
const LINK_LOCAL: [u8; 8] = [0xFE, 0x80, 0, 0, 0, 0, 0, 0];
/// The interface identifier of a short address, without its last two octets.
const SHORT: [u8; 6] = [0, 0, 0, 0xFF, 0xFE, 0];

/// An address packed: mode bits and the octets that stay inline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short {
    /// SAC or DAC: a context is used.
    pub(super) stateful: bool,
    /// SAM or DAM, 2 bits.
    pub(super) mode: u8,
    /// Which context.
    pub(super) context: u8,
    bytes: [u8; 16],
    len: usize,
}

impl Short {
    fn new(stateful: bool, mode: u8, context: u8, inline: &[&[u8]]) -> Self {
        let mut short = Self { stateful, mode, context, bytes: [0; 16], len: 0 };
        for part in inline {
            let end = short.len + part.len();
            if let Some(place) = short.bytes.get_mut(short.len..end) {
                place.copy_from_slice(part);
                short.len = end;
            }
        }
        short
    }

    /// The octets that stay.
    pub(super) fn inline(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// A source, or a unicast destination.
    pub(super) fn unicast(address: Ipv6Addr, implied: [u8; 8], contexts: &Contexts) -> Self {
        let octets = address.octets();
        let (prefix, id) = octets.split_at(8);
        let (head, tail) = id.split_at(6);
        if prefix == LINK_LOCAL {
            return match () {
                () if id == implied => Self::new(false, 3, 0, &[]),
                () if head == SHORT => Self::new(false, 2, 0, &[tail]),
                () => Self::new(false, 1, 0, &[id]),
            };
        }
        let known = contexts.0.iter().zip(0_u8..).filter_map(|(context, number)| context.map(|c| (c, number)));
        let packed = known.filter_map(|(context, number)| {
            let inline: &[&[u8]] = match () {
                () if context.fill(implied) == address => &[],
                () if context.fill(short_id(tail)) == address => &[tail],
                () if context.fill(array(id)) == address => &[id],
                () => return None,
            };
            let mode = match inline.first().map(|bytes| bytes.len()) {
                None => 3,
                Some(2) => 2,
                Some(_) => 1,
            };
            Some(Self::new(true, mode, number, inline))
        });
        // The fewest octets win, then the lowest number: equal inputs must give equal frames.
        packed.min_by_key(|short| (short.len, short.context)).unwrap_or_else(|| Self::new(false, 0, 0, &[&octets]))
    }

    /// The source "unspecified" has a mode of its own.
    pub(super) fn source(address: Ipv6Addr, implied: [u8; 8], contexts: &Contexts) -> Self {
        if address.is_unspecified() {
            return Self::new(true, 0, 0, &[]);
        }
        Self::unicast(address, implied, contexts)
    }

    /// A multicast destination.
    pub(super) fn multicast(address: Ipv6Addr, contexts: &Contexts) -> Self {
        let octets = address.octets();
        let zero = |range: core::ops::Range<usize>| octets[range].iter().all(|&byte| byte == 0);
        if octets[1] == 2 && zero(2..15) {
            return Self::new(false, 3, 0, &[&octets[15..]]);
        }
        if zero(2..13) {
            return Self::new(false, 2, 0, &[&octets[1..2], &octets[13..]]);
        }
        if zero(2..11) {
            return Self::new(false, 1, 0, &[&octets[1..2], &octets[11..]]);
        }
        let by_prefix = |context: &Option<Context>| {
            context
                .is_some_and(|c| c.bits <= 64 && octets[3] == c.bits && octets[4..12] == c.fill([0; 8]).octets()[..8])
        };
        match contexts.0.iter().position(by_prefix) {
            Some(number) => Self::new(true, 0, u8::try_from(number).unwrap_or(0), &[&octets[1..3], &octets[12..]]),
            None => Self::new(false, 0, 0, &[&octets]),
        }
    }
}

impl Context {
    /// The address of an interface under this context: bits of the prefix win, the space between is zero.
    pub(super) fn fill(&self, id: [u8; 8]) -> Ipv6Addr {
        let bits = u32::from(self.bits.min(128));
        let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
        Ipv6Addr::from_bits(self.prefix.to_bits() & mask | u128::from(u64::from_be_bytes(id)) & !mask)
    }
}

impl Contexts {
    fn numbered(&self, number: u8) -> Result<Context, Error> {
        self.0.get(usize::from(number)).copied().flatten().ok_or(Error::Context(number))
    }

    /// A source or unicast destination read back.
    pub(super) fn unicast(
        &self,
        reader: &mut Reader<'_>,
        (stateful, mode, number): (bool, u8, u8),
        implied: [u8; 8],
    ) -> Result<Ipv6Addr, Error> {
        let short = Malformed::Short("compressed address");
        let id = match mode {
            0 if !stateful => return Ok(reader.address().ok_or(short)?),
            0 => return Ok(Ipv6Addr::UNSPECIFIED),
            1 => reader.array::<8>().ok_or(short)?,
            2 => short_id(reader.take(2).ok_or(short)?),
            _ => implied,
        };
        if stateful {
            return Ok(self.numbered(number)?.fill(id));
        }
        Ok(Context { prefix: Ipv6Addr::from_bits(0xFE80 << 112), bits: 64 }.fill(id))
    }

    /// A multicast destination read back.
    pub(super) fn multicast(
        &self,
        reader: &mut Reader<'_>,
        (stateful, mode, number): (bool, u8, u8),
    ) -> Result<Ipv6Addr, Error> {
        let short = Malformed::Short("compressed address");
        let mut octets = [0; 16];
        octets[0] = 0xFF;
        match (stateful, mode) {
            (false, 0) => return Ok(reader.address().ok_or(short)?),
            (false, 1) => {
                let [scope, tail @ ..] = reader.array::<6>().ok_or(short)?;
                octets[1] = scope;
                octets[11..].copy_from_slice(&tail);
            }
            (false, 2) => {
                let [scope, tail @ ..] = reader.array::<4>().ok_or(short)?;
                octets[1] = scope;
                octets[13..].copy_from_slice(&tail);
            }
            (false, _) => {
                octets[1] = 2;
                octets[15] = reader.u8().ok_or(short)?;
            }
            (true, 0) => {
                let [scope, rendezvous, group @ ..] = reader.array::<6>().ok_or(short)?;
                let context = self.numbered(number)?;
                octets[1] = scope;
                octets[2] = rendezvous;
                octets[3] = context.bits.min(64);
                octets[4..12].copy_from_slice(&context.fill([0; 8]).octets()[..8]);
                octets[12..].copy_from_slice(&group);
            }
            (true, _) => return Err(Malformed::Field("DAM").into()),
        }
        Ok(octets.into())
    }
}

fn short_id(tail: &[u8]) -> [u8; 8] {
    let mut id = [0, 0, 0, 0xFF, 0xFE, 0, 0, 0];
    for (slot, &byte) in id.iter_mut().skip(6).zip(tail) {
        *slot = byte;
    }
    id
}

fn array(id: &[u8]) -> [u8; 8] {
    id.try_into().unwrap_or_default()
}
