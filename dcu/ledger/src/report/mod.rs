//! What an office does with a log's files: check them and read what they say ([`verify`]; an export by itself
//! [`verify_lines`]), export them
//! ([`export`](self::files::export); from a DCU's own database [`export_stream`]), give somebody the proof of one entry ([`receipt`](self::files::receipt)).
//!
//! Files are asked for one after another through a function, so nothing here opens any: `taa audit` reads a folder, a test
//! a map.

mod files;
mod lines;
mod stream;
mod summary;

use std::fmt;

pub use files::{FileError, Format, export, find, receipt};
pub use lines::{LinesReport, Unchecked, verify_lines};
pub use stream::{Entries, StreamError, Streamed, export_stream};
pub use summary::{Period, Remark, Sum, Summary};

use crate::audit::{Audit, Verdict};
use crate::note::{NoteError, Verifier};
use crate::tile::{self, Resource};

/// What an audit of a log's files says.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Whether the files are what was signed.
    pub verdict: Verdict,
    /// What the entries say, and whether they agree with one another.
    pub summary: Summary,
}

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError<E> {
    /// The checkpoint is not one: there is nothing to check against.
    #[error("the file `checkpoint` is not a signed checkpoint ({0})")]
    Checkpoint(NoteError),
    /// A file is there and cannot be read: no evidence that it is missing.
    #[error("{place}: {error}")]
    File {
        /// Which.
        place: Resource,
        /// Why.
        error: E,
    },
}

/// Checks a log and reads it. `checkpoint` is the content of that file, `older` are signed checkpoints kept elsewhere, and
/// `file` reads one of the others; nothing where it is not there. Sums are those of the entries within `period`.
///
/// # Errors
/// [`VerifyError`].
pub fn verify<E>(
    checkpoint: &[u8],
    known: &[Verifier],
    older: &[&[u8]],
    period: Period,
    mut file: impl FnMut(Resource) -> Result<Option<Vec<u8>>, E>,
) -> Result<Report, VerifyError<E>> {
    let mut audit = Audit::new(checkpoint, known, older).map_err(VerifyError::Checkpoint)?;
    let mut summary = Summary::new(period);
    while let Some(place) = audit.wanted() {
        let content = file(place).map_err(|error| VerifyError::File { place, error })?;
        if let (Resource::Entries { index, width }, Some(bundle)) = (place, &content) {
            let (entries, _) = tile::entries(bundle);
            let first = index.saturating_mul(tile::TILE_WIDTH);
            for (index, entry) in (first..).zip(entries.iter().take(width.into())) {
                summary.take(index, entry);
            }
        }
        audit.handle_file(content.as_deref());
    }
    Ok(Report { verdict: audit.verdict(), summary })
}

impl Report {
    /// The files are what was signed, and the entries agree with one another.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.verdict.is_sound() && self.summary.total_remarks() == 0
    }

    /// The verdict in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let size = self.verdict.checkpoint.size;
        let signed = match self.verdict.signed_by.as_slice() {
            [] => "no key that was given".to_owned(),
            names => names.join(", "),
        };
        match (self.verdict.is_sound(), self.summary.total_remarks()) {
            (true, 0) => format!(
                "Sound: all {size} entries are exactly those signed by {signed}, and every balance follows from them."
            ),
            (true, remarks) => format!(
                "Not sound: all {size} entries are exactly those signed by {signed}, but they contradict one another in \
                 {remarks} places."
            ),
            (false, _) => format!("Not sound: {} findings in the files; see below.", self.verdict.total),
        }
    }
}

/// As a person reads it: what was checked, what is in it, the verdict, what is wrong.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checkpoint = &self.verdict.checkpoint;
        writeln!(f, "Log       {}", checkpoint.origin)?;
        writeln!(f, "Entries   {}, root {}", checkpoint.size, checkpoint.root.to_base64())?;
        write!(f, "{}", self.summary)?;
        write!(f, "\n{}", self.sentence())?;
        self.verdict.findings.iter().try_for_each(|finding| write!(f, "\n  - {finding}"))?;
        self.summary.remarks().iter().try_for_each(|remark| write!(f, "\n  - {remark}"))
    }
}
