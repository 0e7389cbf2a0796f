//! What the bodies of small rows say.

use crate::{
    sealed::{Kind, Sealed},
    varint,
};

/// Whose journal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) schema: u64,
    pub(crate) journal: [u8; 16],
    /// How often it was opened.
    pub(crate) lives: u64,
    /// The generation of the file that this one was salvaged from, plus one; 0: none.
    pub(crate) salvaged_from: u64,
}

/// The one row of its table.
pub(crate) const META_ID: u64 = 1;

impl Meta {
    pub(crate) fn to_body(self) -> Vec<u8> {
        let mut out = self.journal.to_vec();
        for number in [self.schema, self.lives, self.salvaged_from] {
            varint::put(number, &mut out);
        }
        out
    }

    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let (journal, mut rest) = body.split_first_chunk::<16>()?;
        let [schema, lives, salvaged_from] = [(); 3].map(|()| varint::take(&mut rest));
        rest.is_empty().then_some(Self {
            journal: *journal,
            schema: schema?,
            lives: lives?,
            salvaged_from: salvaged_from?,
        })
    }
}

/// What came before a block, so that a missing neighbour is known for what it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kin {
    /// Nothing, or nobody knows.
    #[default]
    Unknown = 0,
    /// A block of soft records alone.
    Soft = 1,
    /// A block with others.
    Firm = 2,
    /// A snapshot.
    Snapshot = 3,
    /// A hole.
    Hole = 4,
}

impl Kin {
    pub(crate) const fn of(flags: u8) -> Self {
        match flags & 7 {
            1 => Self::Soft,
            2 => Self::Firm,
            3 => Self::Snapshot,
            4 => Self::Hole,
            _ => Self::Unknown,
        }
    }

    /// What is gone when it is.
    pub(crate) const fn held(self) -> Held {
        match self {
            Self::Soft | Self::Hole => Held::Readings,
            Self::Snapshot => Held::Snapshot,
            Self::Unknown | Self::Firm => Held::Firm,
        }
    }
}

/// Flag of a block whose records are all soft.
pub(crate) const SOFT: u8 = 8;

/// A run of records, or of numbers given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run<'a> {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// How many numbers the run before it has: with its [`Kin`] that tells what a gap was, if it was one run.
    pub(crate) before_count: u64,
    pub(crate) packed: &'a [u8],
}

impl<'a> Run<'a> {
    /// Body of a block or a hole.
    pub(crate) fn to_body(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.packed.len().saturating_add(2));
        varint::put(self.last.saturating_sub(self.first), &mut out);
        varint::put(self.before_count, &mut out);
        out.extend_from_slice(self.packed);
        out
    }

    pub(crate) fn of(row: Sealed<'a>) -> Option<Self> {
        let mut packed = row.body;
        let length = varint::take(&mut packed)?;
        let first = row.id.checked_sub(length).filter(|first| *first > 0)?;
        let before_count = varint::take(&mut packed)?;
        Some(Self { first, last: row.id, before_count, packed })
    }
}

/// What a damaged stretch held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Held {
    /// Readings and acknowledgements: a gap that meters and cloud fill again.
    Readings,
    /// A copy of the state that an older copy and the records after it replace.
    Snapshot,
    /// Records that may concern money, relays or keys.
    Firm,
    /// Ledger entries.
    Leaves,
    /// Readings kept for queries.
    Series,
}

/// A stretch of the journal (or of another table) that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// First record number (or id) missing.
    pub from: u64,
    /// Last one; `None`: nobody can say how far the journal once went.
    pub to: Option<u64>,
    /// What it held.
    pub held: Held,
    /// An operator has seen it and set right what hung on it ([`crate::Store::accept_damage`]).
    pub accepted: bool,
}

impl Damage {
    /// The DCU must not act as if it knew every balance.
    #[must_use]
    pub const fn is_doubt(&self) -> bool {
        matches!(self.held, Held::Firm) && !self.accepted
    }

    /// The other is part of this one, known already.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let journal = |held| !matches!(held, Held::Leaves | Held::Series);
        let same = if journal(other.held) { journal(self.held) } else { self.held == other.held };
        let ends = self.to.zip(other.to).is_some_and(|(mine, others)| others <= mine);
        same && ends && self.from <= other.from
    }

    pub(crate) fn to_body(self) -> Vec<u8> {
        let mut out = vec![self.held as u8, u8::from(self.accepted)];
        varint::put(self.from, &mut out);
        varint::put(self.to.map_or(0, |to| to.saturating_add(1)), &mut out);
        out
    }

    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let (&[held, accepted], mut rest) = body.split_first_chunk::<2>()?;
        let held = [Held::Readings, Held::Snapshot, Held::Firm, Held::Leaves, Held::Series]
            .into_iter()
            .find(|known| *known as u8 == held)?;
        let from = varint::take(&mut rest)?;
        let to = varint::take(&mut rest)?.checked_sub(1);
        Some(Self { from, to, held, accepted: accepted != 0 })
    }
}

/// The row of a damage in its table.
pub(crate) fn damage_row(id: u64, commit: u64, body: &[u8]) -> Sealed<'_> {
    Sealed { kind: Kind::Damage, flags: 0, id, commit, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_rows_survive() {
        let meta = Meta { schema: 2, journal: [9; 16], lives: 300, salvaged_from: 0 };
        assert_eq!(Meta::of(&meta.to_body()), Some(meta));
        for to in [None, Some(0), Some(700)] {
            let damage = Damage { from: 7, to, held: Held::Firm, accepted: false };
            assert_eq!(Damage::of(&damage.to_body()), Some(damage));
        }
        let body = Run { first: 5, last: 9, before_count: 3, packed: b"x" }.to_body();
        let row = Sealed { kind: Kind::Block, flags: 0, id: 9, commit: 1, body: &body };
        assert_eq!(Run::of(row), Some(Run { first: 5, last: 9, before_count: 3, packed: b"x" }));
        assert_eq!(Run::of(Sealed { id: 3, ..row }), None);
    }
}
