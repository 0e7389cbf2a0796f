//! What an audit found, in words.

use std::fmt;

use crate::Checkpoint;
use crate::note::NoteError;
use crate::tile::Resource;

/// Findings that are listed; all are counted.
const FINDINGS_MAX: usize = 1000;

/// One thing that is wrong. Entries count from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The checkpoint is not signed by a trusted key, or wrongly so: nothing below can be relied on.
    Signature(NoteError),
    /// Fewer entries than an older checkpoint promised.
    RolledBack {
        /// By the older checkpoint.
        promised: u64,
        /// What there is now.
        size: u64,
    },
    /// The first `size` entries are not those of an older checkpoint.
    Forked {
        /// Of the older checkpoint.
        size: u64,
    },
    /// Neither entries nor tiles lead to the signed root.
    Rewritten {
        /// The largest older checkpoint that still holds, if any: what was changed lies behind it.
        unchanged: Option<u64>,
    },
    /// So much is missing that no root can be computed.
    Incomplete,
    /// Not what was signed.
    EntryAltered {
        /// Which.
        index: u64,
    },
    /// Not there.
    EntriesMissing {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// There are entries that were never signed.
    EntriesInserted {
        /// The entry in front of which they stand.
        before: u64,
        /// How many.
        count: u64,
    },
    /// Among these something was altered, and the files do not say which.
    EntriesUncertain {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// Entry and tile contradict each other, and nothing says which is right.
    Contradiction {
        /// Which.
        index: u64,
    },
    /// As signed, and no record of the ledger's form.
    NoRecord {
        /// Which.
        index: u64,
    },
    /// A tile is not there.
    TileMissing {
        /// Its place.
        place: Resource,
    },
    /// A tile has a wrong size.
    TileMalformed {
        /// Its place.
        place: Resource,
    },
    /// A tile is not what was signed.
    TileAltered {
        /// Its place.
        place: Resource,
        /// The first wrong hash in it, if known.
        hash: Option<u16>,
    },
    /// An older checkpoint cannot be checked, for the entries that it ends in are missing or altered.
    PinUnchecked {
        /// Its size.
        size: u64,
    },
    /// An older checkpoint is of another log.
    ForeignPin {
        /// Which, in the order handed in, from 0.
        number: usize,
        /// The other log.
        origin: String,
    },
    /// An older checkpoint is not signed by a trusted key, or no checkpoint.
    UnusablePin {
        /// Which, in the order handed in, from 0.
        number: usize,
        /// Why.
        error: NoteError,
    },
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// Names of trusted keys whose signatures fit.
    pub signed_by: Vec<String>,
    /// What is wrong, the gravest first; at most 1000.
    pub findings: Vec<Finding>,
    /// Findings in all, those not listed included.
    pub total: u64,
}

impl Verdict {
    pub(crate) const fn new(checkpoint: Checkpoint) -> Self {
        Self { checkpoint, signed_by: Vec::new(), findings: Vec::new(), total: 0 }
    }

    /// Nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.total == 0
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        self.total = self.total.saturating_add(1);
        // Grave findings come late (the judge speaks last) and always have a place.
        if self.findings.len() < FINDINGS_MAX || finding.rank() == 0 {
            self.findings.push(finding);
        }
    }

    pub(crate) fn finish(&mut self) {
        self.findings.sort_by_key(Finding::rank);
        self.findings.truncate(FINDINGS_MAX);
    }
}

impl Finding {
    const fn rank(&self) -> u8 {
        match self {
            Self::Signature(_)
            | Self::RolledBack { .. }
            | Self::Forked { .. }
            | Self::Rewritten { .. }
            | Self::Incomplete => 0,
            Self::EntryAltered { .. }
            | Self::EntriesMissing { .. }
            | Self::EntriesInserted { .. }
            | Self::EntriesUncertain { .. }
            | Self::Contradiction { .. }
            | Self::NoRecord { .. } => 1,
            Self::TileMissing { .. } | Self::TileMalformed { .. } | Self::TileAltered { .. } => 2,
            Self::PinUnchecked { .. } | Self::ForeignPin { .. } | Self::UnusablePin { .. } => 3,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(error) => write!(f, "checkpoint: {error}"),
            Self::RolledBack { promised, size } => {
                write!(f, "rolled back: an older checkpoint promised {promised} entries, now there are {size}")
            }
            Self::Forked { size } => write!(f, "the first {size} entries are not those of the older checkpoint"),
            Self::Rewritten { unchanged: None } => f.write_str("the files do not lead to the signed root"),
            Self::Rewritten { unchanged: Some(size) } => {
                write!(f, "the files do not lead to the signed root; the first {size} entries are as once signed")
            }
            Self::Incomplete => f.write_str("too much is missing to check the rest"),
            Self::EntryAltered { index } => write!(f, "entry {index} was altered"),
            Self::EntriesMissing { first, last } if first == last => write!(f, "entry {first} is missing"),
            Self::EntriesMissing { first, last } => write!(f, "entries {first} to {last} are missing"),
            Self::EntriesInserted { before, count } => write!(f, "{count} entries were put in before entry {before}"),
            Self::EntriesUncertain { first, last } => write!(f, "among entries {first} to {last} some were altered"),
            Self::Contradiction { index } => write!(f, "entry {index} and its hash contradict each other"),
            Self::NoRecord { index } => write!(f, "entry {index} is not a record"),
            Self::TileMissing { place } => write!(f, "{place} is missing"),
            Self::TileMalformed { place } => write!(f, "{place} has a wrong size"),
            Self::TileAltered { place, hash: Some(hash) } => write!(f, "{place} was altered, from hash {hash} on"),
            Self::TileAltered { place, hash: None } => write!(f, "{place} was altered"),
            Self::PinUnchecked { size } => write!(f, "the older checkpoint of {size} entries could not be checked"),
            Self::ForeignPin { number, origin } => write!(f, "older checkpoint {number} is of another log, {origin}"),
            Self::UnusablePin { number, error } => write!(f, "older checkpoint {number}: {error}"),
        }
    }
}

/// One line on the log, then one per finding.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checkpoint { origin, size, root, .. } = &self.checkpoint;
        write!(f, "{origin}: {size} entries, root {}, ", root.to_base64())?;
        match self.signed_by.as_slice() {
            [] => f.write_str("signed by no trusted key")?,
            names => write!(f, "signed by {}", names.join(", "))?,
        }
        if self.is_sound() {
            return f.write_str(": sound");
        }
        write!(f, ": {} findings", self.total)?;
        self.findings.iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}
