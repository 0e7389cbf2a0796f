//! What opening found.

use taa_dcu::journal::Record;

use crate::{load::Assembled, rows::Damage};

/// What somebody outside knows of this journal: the cloud, to which the last acknowledged frame or the ledger's checkpoint
/// told it. A disk cannot tell by itself that it has been put back to an earlier state, or that its syncs were lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The journal's name.
    pub journal: [u8; 16],
    /// A record number that was durable once.
    pub last_record: u64,
    /// Ledger entries that there were once.
    pub leaves: u64,
}

/// The journal is older than what was promised of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RolledBack {
    /// Another journal than the one that the witness knows: the disk was changed, or emptied.
    OtherJournal {
        /// The name that the witness knows.
        witnessed: [u8; 16],
    },
    /// Records are missing at the end.
    Records {
        /// Last one that the witness knows.
        witnessed: u64,
        /// Last one here.
        found: u64,
    },
    /// Ledger entries are missing at the end.
    Leaves {
        /// How many the witness knows.
        witnessed: u64,
        /// How many are here.
        found: u64,
    },
}

/// How the DCU is to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As always.
    Normal,
    /// Records are missing that may concern money, relays or keys, or the journal was rolled back. Until an operator has
    /// accepted the damage: take readings and payments, open no relay for debt, issue no token, and take another system
    /// title (invocation counters may have been used).
    Safe,
}

/// What opening found: what to start from, and what is to be told.
#[derive(Debug)]
pub struct Recovery {
    /// The journal's name.
    pub journal: [u8; 16],
    /// How often it has been opened, this time included.
    pub lives: u64,
    /// Number of the last record; 0 in a new journal.
    pub last_record: u64,
    /// Number of the snapshot that the records start with.
    pub snapshot: Option<u64>,
    /// Missing, found now.
    pub lost: Vec<Damage>,
    /// Missing, found earlier.
    pub lost_before: Vec<Damage>,
    /// The file that could not be used any more and stays as it is, under this name; what was whole in it, and in those before
    /// it, has been taken over into a new one.
    pub set_aside: Option<String>,
    /// Why, for people.
    pub set_aside_why: Option<String>,
    /// Rows that were put into quarantine now.
    pub quarantined: usize,
    /// The journal is older than what the witness knows.
    pub rolled_back: Vec<RolledBack>,
    /// How the DCU is to start.
    pub mode: Mode,
    /// The schema from which the file was brought up to date.
    pub migrated_from: Option<u32>,
    start: Option<Record>,
    tail: Vec<Vec<Record>>,
}

impl Recovery {
    pub(crate) fn new(found: Assembled, journal: [u8; 16], lives: u64) -> Self {
        let (snapshot, start) = found.snapshot.unzip();
        Self {
            journal,
            lives,
            last_record: found.last,
            snapshot,
            lost: found.lost,
            lost_before: found.known.into_values().collect(),
            set_aside: None,
            set_aside_why: None,
            quarantined: found.broken.len(),
            rolled_back: Vec::new(),
            mode: Mode::Normal,
            migrated_from: None,
            start,
            tail: found.tail,
        }
    }

    /// Compares with what the witness knows, and decides how to start.
    pub(crate) fn judge(&mut self, witness: Option<Witness>, leaves: u64) {
        if let Some(witness) = witness {
            if witness.journal != self.journal {
                self.rolled_back.push(RolledBack::OtherJournal { witnessed: witness.journal });
            } else {
                if witness.last_record > self.last_record {
                    let (witnessed, found) = (witness.last_record, self.last_record);
                    self.rolled_back.push(RolledBack::Records { witnessed, found });
                }
                if witness.leaves > leaves {
                    self.rolled_back.push(RolledBack::Leaves { witnessed: witness.leaves, found: leaves });
                }
            }
        }
        let doubt = self.lost.iter().chain(&self.lost_before).any(Damage::is_doubt);
        if doubt || !self.rolled_back.is_empty() {
            self.mode = Mode::Safe;
        }
    }

    /// The records for [`taa_dcu::Dcu::recover`]: the snapshot, if there is one, and all after it. They are handed out once.
    pub fn take_records(&mut self) -> impl Iterator<Item = Record> + use<> {
        let tail = std::mem::take(&mut self.tail);
        self.start.take().into_iter().chain(tail.into_iter().flatten())
    }

    /// Nothing is missing, nothing was set aside.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.lost.is_empty() && self.set_aside.is_none() && self.rolled_back.is_empty() && self.quarantined == 0
    }
}
