//! RPL packet information in a hop-by-hop option (RFC 6553, type 0x63; RFC 9008 §4.1, type 0x23).

use crate::bytes::Put;
use crate::ip::{Malformed, options};

/// The type of RFC 9008: a router that does not know the option passes it by.
pub const OPTION_RPI: u8 = 0x23;
/// The type of RFC 6553: a router that does not know the option drops the packet.
pub const OPTION_RPI_OLD: u8 = 0x63;

/// What a packet tells the next hop about its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketInformation {
    /// 0x23 or 0x63.
    pub kind: u8,
    /// O: the packet is meant to go down.
    pub down: bool,
    /// R: a hop already saw Ranks in the wrong order.
    pub rank_error: bool,
    /// F: a hop below could not forward it.
    pub forwarding_error: bool,
    /// RPLInstanceID.
    pub instance: u8,
    /// The Rank of the node that forwarded it last.
    pub sender_rank: u16,
}

impl PacketInformation {
    /// Finds the option in a hop-by-hop header; its offset there and what it says. Sub-TLVs behind it are passed by.
    ///
    /// # Errors
    /// When an option runs past the header.
    pub fn find(header: &[u8]) -> Result<Option<(usize, Self)>, Malformed> {
        for option in options(header) {
            let (at, kind, data) = option?;
            if kind == OPTION_RPI || kind == OPTION_RPI_OLD {
                let &[flags, instance, high, low, ..] = data else { return Err(Malformed::Short("hop-by-hop option")) };
                let sender_rank = u16::from_be_bytes([high, low]);
                return Ok(Some((at, Self::of(kind, flags, instance, sender_rank))));
            }
        }
        Ok(None)
    }

    const fn of(kind: u8, flags: u8, instance: u8, sender_rank: u16) -> Self {
        Self {
            kind,
            down: flags & 0x80 != 0,
            rank_error: flags & 0x40 != 0,
            forwarding_error: flags & 0x20 != 0,
            instance,
            sender_rank,
        }
    }

    fn data(&self) -> [u8; 4] {
        let flags = [self.down, self.rank_error, self.forwarding_error];
        let flags = flags.iter().fold(0, |bits, &flag| bits << 1 | u8::from(flag)) << 5;
        let [high, low] = self.sender_rank.to_be_bytes();
        [flags, self.instance, high, low]
    }

    /// Writes the option over the one at `at` of a hop-by-hop header.
    pub fn overwrite(&self, header: &mut [u8], at: usize) {
        if let Some(slot) = header.get_mut(at + 2..at + 6) {
            slot.copy_from_slice(&self.data());
        }
    }

    /// Appends a hop-by-hop header with this option alone.
    pub fn put_header(&self, next_header: u8, out: &mut Vec<u8>) {
        out.put(&[next_header, 0, self.kind, 4]);
        out.put(&self.data());
    }
}
