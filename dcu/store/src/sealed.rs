//! A row that proves itself: what it is, which one, of which commit, and a checksum over all of it.
//!
//! SQLite's pages carry no checksum, so a flipped bit in a row would be read as if it had been written. Every row of every
//! table is therefore sealed; a sealed row can also be recognised in a page that SQLite can no longer reach.
//!
//! | bytes | |
//! |---|---|
//! | 1 | `0xA1`: version 1 |
//! | 1 | kind |
//! | 1 | flags of the kind |
//! | varint | id within the kind (for a block the number of its last record) |
//! | varint | number of the commit that wrote it |
//! | … | body |
//! | 4 | CRC-32C of everything before, little-endian |

use taa_dcu::journal::crc::crc32c;

use crate::varint;

pub(crate) const MAGIC: u8 = 0xA1;
/// Fewest bytes of a sealed row.
pub(crate) const BYTES_MIN: usize = 9;

/// What a row is; each kind has a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Whose journal this is, and which schema.
    Meta = 1,
    /// A run of records.
    Block = 2,
    /// A record that carries the whole state.
    Snapshot = 3,
    /// Records that were given up on purpose: readings that found no room.
    Hole = 4,
    /// Ledger entries.
    Leaves = 5,
    /// Readings of a day.
    Series = 6,
    /// Bytes of a row whose seal was broken.
    Quarantine = 7,
    /// What was found damaged.
    Damage = 8,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Meta,
        Self::Block,
        Self::Snapshot,
        Self::Hole,
        Self::Leaves,
        Self::Series,
        Self::Quarantine,
        Self::Damage,
    ];

    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Block => "block",
            Self::Snapshot => "snapshot",
            Self::Hole => "hole",
            Self::Leaves => "leaves",
            Self::Series => "series",
            Self::Quarantine => "quarantine",
            Self::Damage => "damage",
        }
    }

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A row whose seal is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealed<'a> {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    pub(crate) id: u64,
    pub(crate) commit: u64,
    pub(crate) body: &'a [u8],
}

impl Sealed<'_> {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len().saturating_add(BYTES_MIN.saturating_mul(3)));
        out.extend([MAGIC, self.kind as u8, self.flags]);
        varint::put(self.id, &mut out);
        varint::put(self.commit, &mut out);
        out.extend_from_slice(self.body);
        let crc = crc32c(&out);
        out.extend(crc.to_le_bytes());
        out
    }
}

/// The row, if the seal is whole.
pub(crate) fn open(bytes: &[u8]) -> Option<Sealed<'_>> {
    let (content, crc) = bytes.split_last_chunk::<4>()?;
    let (&[magic, kind, flags], mut rest) = content.split_first_chunk::<3>()?;
    let kind = Kind::of(kind).filter(|_| magic == MAGIC)?;
    let id = varint::take(&mut rest)?;
    let commit = varint::take(&mut rest)?;
    (crc32c(content) == u32::from_le_bytes(*crc)).then_some(Sealed { kind, flags, id, commit, body: rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_bit_breaks_the_seal() {
        let row = Sealed { kind: Kind::Block, flags: 5, id: 300, commit: 7, body: b"records" };
        let bytes = row.to_bytes();
        assert_eq!(open(&bytes), Some(row));
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&bytes), None, "bit {bit}");
        }
        assert_eq!(open(&[]), None);
    }
}
