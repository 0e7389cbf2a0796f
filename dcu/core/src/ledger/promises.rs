//! What the ledger has promised, and how it stands when somebody shows an older promise.
//!
//! A signed checkpoint is recorded before it leaves. So a DCU that is shown one of its own that it does not know has lost
//! records which it had confirmed: a disk that lied about its syncs, or an old copy put back. That cannot be seen from the
//! disk alone.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use taa_ledger::{Checkpoint, Hash};

use crate::journal::{Entry, Record};

/// Promises kept for comparison. At one a day, two months.
pub const PROMISES_MAX: usize = 64;

/// A checkpoint that was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promised {
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// The newest promises, and where the log was found to have lost some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promises {
    kept: VecDeque<Promised>,
    /// The newest one, as it was signed.
    note: Option<String>,
    /// The largest promise that a roll-back was told for: once is enough.
    told: Option<Promised>,
}

/// How the ledger stands to a promise that somebody else has kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Witnessed {
    /// It was kept: the entries are there.
    Kept,
    /// More entries were promised than there are.
    RolledBack,
    /// This promise is not among those made here, though it must be: the log has lost it and grown anew.
    Forked,
    /// Older than what is remembered here; the files of the log can tell.
    Unknown,
}

impl Promises {
    /// The newest one.
    #[must_use]
    pub fn newest(&self) -> Option<Promised> {
        self.kept.back().copied()
    }

    /// The newest one as it was signed, for whoever reads the database alone.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    pub(super) fn push(&mut self, promised: Promised, note: &str) {
        if self.newest().is_some_and(|newest| newest.size >= promised.size) {
            return;
        }
        if self.kept.len() >= PROMISES_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(promised);
        self.note = Some(note.to_owned());
    }

    pub(super) fn tell(&mut self, promised: Promised) {
        self.told = Some(promised);
    }

    /// A roll-back behind this promise has been told.
    #[must_use]
    pub fn is_told(&self, promised: Promised) -> bool {
        self.told == Some(promised)
    }

    /// How a log of `size` leaves under `root` stands to this promise of its own.
    #[must_use]
    pub fn standing(&self, size: u64, root: Hash, witness: &Checkpoint) -> Witnessed {
        if witness.size > size {
            return Witnessed::RolledBack;
        }
        let same = |promised: &Promised| promised.size == witness.size && promised.root == witness.root;
        if self.kept.iter().any(same) || (witness.size == size && witness.root == root) {
            return Witnessed::Kept;
        }
        let forgotten =
            self.kept.len() >= PROMISES_MAX && self.kept.front().is_some_and(|oldest| witness.size < oldest.size);
        if forgotten { Witnessed::Unknown } else { Witnessed::Forked }
    }
}

/// The newest signed checkpoint that these records know of: for whoever has the database alone.
#[must_use]
pub fn newest_note<'a>(records: impl IntoIterator<Item = &'a Record>) -> Option<String> {
    let mut newest = None;
    for record in records {
        match &record.entry {
            Entry::Checkpoint(state) => newest = state.ledger().promises().note().or(newest),
            Entry::LedgerSigned { note, .. } => newest = Some(note),
            _ => {}
        }
    }
    newest.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(size: u64, leaf: &[u8]) -> Checkpoint {
        Checkpoint::new("a/ledger", size, Hash::of_leaf(leaf))
    }

    #[test]
    fn a_promise_is_kept_lost_or_another_ones() {
        let mut promises = Promises::default();
        let (early, late) = (checkpoint(3, b"3"), checkpoint(9, b"9"));
        promises.push(Promised { size: early.size, root: early.root }, "early");
        let now = Hash::of_leaf(b"7");
        assert_eq!(promises.standing(7, now, &early), Witnessed::Kept);
        assert_eq!(promises.standing(7, now, &late), Witnessed::RolledBack);
        assert_eq!(promises.standing(12, now, &late), Witnessed::Forked, "grown anew past what was lost");
        assert_eq!(promises.standing(7, now, &checkpoint(3, b"other")), Witnessed::Forked);
        assert_eq!(promises.standing(9, late.root, &late), Witnessed::Kept, "recorded or not, it is there");
    }

    #[test]
    fn what_is_too_old_to_be_remembered_is_no_accusation() {
        let mut promises = Promises::default();
        for size in 1..=PROMISES_MAX as u64 + 1 {
            promises.push(Promised { size, root: checkpoint(size, &size.to_be_bytes()).root }, "note");
        }
        let root = Hash::of_leaf(b"now");
        assert_eq!(promises.standing(1000, root, &checkpoint(1, &1_u64.to_be_bytes())), Witnessed::Unknown);
        assert_eq!(promises.standing(1000, root, &checkpoint(2, &2_u64.to_be_bytes())), Witnessed::Kept);
        assert_eq!(promises.standing(1000, root, &checkpoint(3, b"other")), Witnessed::Forked);
    }
}
