//! An export of JSON lines read by itself: the checks of a folder where it has all entries from the first one on, and what
//! it cannot say where it has not.

use std::fmt;

use super::{Period, Summary};
use crate::Checkpoint;
use crate::audit::{Finding, Verdict};
use crate::export::lines::{self, ExportError};
use crate::note::Verifier;

/// What an export says by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct LinesReport {
    /// The log as it was signed, and what older checkpoints find wrong with it.
    pub verdict: Verdict,
    /// What the entries say, and whether they agree with one another.
    pub summary: Summary,
    /// Index of the first entry.
    pub first: u64,
    /// The one after the last.
    pub end: u64,
    /// What does not follow from this stretch alone.
    pub unchecked: Vec<Unchecked>,
}

/// What an export cannot say by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unchecked {
    /// Balances, payments and prices against the entries before it.
    Before {
        /// Its first entry.
        first: u64,
    },
    /// What the entries behind it say.
    Behind {
        /// The first of them.
        end: u64,
    },
    /// Whether the log still has what it had once promised: the older checkpoint ends beside the stretch.
    Promise {
        /// Entries that were promised.
        size: u64,
    },
}

/// Checks an export against the keys of the log and older signed checkpoints, and reads it. Sums are those of the entries
/// within `period`.
///
/// # Errors
/// [`ExportError`]: the entries are not those that were signed, and there is nothing to read.
pub fn verify_lines(
    export: &str,
    known: &[Verifier],
    older: &[&[u8]],
    period: Period,
) -> Result<LinesReport, ExportError> {
    let pins: Vec<_> = older.iter().map(|pin| Checkpoint::open_seen(pin, known)).collect();
    let sizes: Vec<u64> = pins.iter().flatten().map(|(pin, _)| pin.size).collect();
    let proven = lines::verify_at(export, known, &sizes)?;
    let (first, end, size) = (proven.first, proven.end(), proven.checkpoint.size);
    let mut summary = if first == 0 { Summary::new(period) } else { Summary::of_part(period) };
    for (index, record) in (first..).zip(&proven.records) {
        summary.take_record(index, record);
    }
    let mut unchecked = Vec::new();
    if first > 0 {
        unchecked.push(Unchecked::Before { first });
    }
    if end < size {
        unchecked.push(Unchecked::Behind { end });
    }
    let mut verdict = Verdict::new(proven.checkpoint.clone());
    verdict.signed_by.extend(proven.signed_by.into_iter().map(|signed| signed.name));
    for (number, pin) in pins.into_iter().enumerate() {
        match pin {
            Err(error) => verdict.add(Finding::UnusablePin { number, error }),
            Ok((pin, _)) if pin.origin != proven.checkpoint.origin => {
                verdict.add(Finding::ForeignPin { number, origin: pin.origin });
            }
            Ok((pin, _)) if pin.size > size => verdict.add(Finding::RolledBack { promised: pin.size, size }),
            Ok((pin, _)) => match proven.roots.get(&pin.size) {
                Some(root) if *root == pin.root => {}
                Some(_) => verdict.add(Finding::Forked { size: pin.size }),
                None => unchecked.push(Unchecked::Promise { size: pin.size }),
            },
        }
    }
    verdict.finish();
    Ok(LinesReport { verdict, summary, first, end, unchecked })
}

impl LinesReport {
    /// The entries are what was signed, no older checkpoint says otherwise, and they agree with one another.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.verdict.is_sound() && self.summary.total_remarks() == 0
    }

    /// All entries of the log are there.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.first == 0 && self.end == self.verdict.checkpoint.size
    }

    /// The verdict in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (first, end, size) = (self.first, self.end, self.verdict.checkpoint.size);
        let whole = self.is_whole();
        let signed = self.verdict.signed_by.join(", ");
        let these = if whole {
            format!("all {size} entries are exactly those signed by {signed}")
        } else {
            format!(
                "these are entries {first} to {end} (not included) of {size} that were signed by {signed}; none is missing, \
                 added or altered"
            )
        };
        match (self.verdict.is_sound(), self.summary.total_remarks()) {
            (false, _) => format!("Not sound: {} findings; see below.", self.verdict.total),
            (true, 0) if whole => format!("Sound: {these}, and every balance follows from them."),
            (true, 0) => format!("Sound: {these}."),
            (true, remarks) => format!("Not sound: {these}, but they contradict one another in {remarks} places."),
        }
    }
}

/// As a person reads it: what was checked, what is in it, the verdict, what is wrong, what was not checked.
impl fmt::Display for LinesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checkpoint = &self.verdict.checkpoint;
        writeln!(f, "Log       {}", checkpoint.origin)?;
        writeln!(
            f,
            "Entries   {} to {} of {}, root {}",
            self.first,
            self.end,
            checkpoint.size,
            checkpoint.root.to_base64()
        )?;
        write!(f, "{}", self.summary)?;
        write!(f, "\n{}", self.sentence())?;
        self.verdict.findings.iter().try_for_each(|finding| write!(f, "\n  - {finding}"))?;
        self.summary.remarks().iter().try_for_each(|remark| write!(f, "\n  - {remark}"))?;
        self.unchecked.iter().try_for_each(|unchecked| write!(f, "\nNot checked: {unchecked}"))
    }
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before { first } => write!(
                f,
                "whether a payment was taken before entry {first} too, whether prices were announced before, and each balance \
                 up to the first that is stated for its account here"
            ),
            Self::Behind { end } => write!(f, "entries from {end} on, which are not in the file"),
            Self::Promise { size } => write!(
                f,
                "the older checkpoint of {size} entries, which ends beside this stretch; the whole log can be compared with it"
            ),
        }
    }
}
