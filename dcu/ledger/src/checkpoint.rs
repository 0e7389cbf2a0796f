//! Checkpoints (C2SP `tlog-checkpoint`): what a log promises, in three lines, signed.
//!
//! ```text
//! site.example/ledger                             origin: which log
//! 20852163                                        number of entries
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    root over them
//! ```
//!
//! A signed checkpoint cannot be taken back: whoever keeps one can later show that entries were changed or dropped.
//! So it is signed over entries that are durable, never before, and one kept elsewhere reveals a disk that has lost
//! what it had confirmed ([`Checkpoint::standing_of`]).

use crate::Hash;
use crate::note::{self, Kind, Note, NoteError, Signed, Signer, Verifier};
use crate::prove::{self, Nodes};

/// A log's size and root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Further lines, by custom none.
    pub extensions: Vec<String>,
}

/// What became of a log since a checkpoint of it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is as it was.
    Same,
    /// Entries were added; all that was there is.
    Grown,
    /// It has fewer entries than were promised: a disk that lost what it had confirmed, an old copy put back, or
    /// entries cut off.
    RolledBack,
    /// What was promised is not what is there: history was changed, or the log told two stories.
    Forked,
}

impl Checkpoint {
    /// Of the tree of this size and root.
    #[must_use]
    pub fn new(origin: &str, size: u64, root: Hash) -> Self {
        Self { origin: origin.to_owned(), size, root, extensions: Vec::new() }
    }

    /// The text of the note.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64());
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads the text of a note; none if it is no checkpoint.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty())?.to_owned();
        let size = lines.next()?;
        // "with no leading zeroes": there is one way to write a number.
        let size: u64 = size.parse().ok().filter(|value: &u64| value.to_string() == size)?;
        let root = Hash::from_base64(lines.next()?)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        let whole = !extensions.iter().any(String::is_empty);
        let possible = size != 0 || root == Hash::of_empty_tree();
        (whole && possible).then_some(Self { origin, size, root, extensions })
    }

    /// Signs it: the content of the file `checkpoint`.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] where origin or extensions are empty or have control characters in them.
    pub fn sign(&self, signers: &[&Signer], time_s: u64) -> Result<String, NoteError> {
        let text = self.to_text();
        if Self::from_text(&text).as_ref() != Some(self) {
            return Err(NoteError::Malformed);
        }
        note::sign(&text, signers, time_s)
    }

    /// Reads a checkpoint that the log itself has signed ([`Kind::Ed25519`]) and says who of the known keys has: a
    /// witness's word alone is not the log's.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open(signed: &[u8], known: &[Verifier]) -> Result<(Self, Vec<Signed>), NoteError> {
        let (checkpoint, by) = Self::open_seen(signed, known)?;
        if by.iter().any(|signed| signed.kind == Kind::Ed25519) {
            Ok((checkpoint, by))
        } else {
            Err(NoteError::Unsigned)
        }
    }

    /// Reads a checkpoint that any known key has signed, the log's or a witness's: enough to say that it was seen.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open_seen(signed: &[u8], known: &[Verifier]) -> Result<(Self, Vec<Signed>), NoteError> {
        let note = Note::parse(signed)?;
        let by = note.verify(known)?;
        Ok((Self::from_text(note.text()).ok_or(NoteError::Malformed)?, by))
    }

    /// Where a log of `size` entries stands that once promised this.
    ///
    /// # Errors
    /// When a node of the log is not readable.
    pub fn standing_of<N: Nodes>(&self, log: &N, size: u64) -> Result<Standing, N::Error> {
        if size < self.size {
            return Ok(Standing::RolledBack);
        }
        Ok(match prove::root(log, self.size)? == self.root {
            false => Standing::Forked,
            true if size == self.size => Standing::Same,
            true => Standing::Grown,
        })
    }
}
