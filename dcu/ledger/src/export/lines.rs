//! Records as JSON lines that prove themselves (`*.jsonl`).
//!
//! The first line is the head; each further line is one entry, in order, its record copied byte for byte:
//!
//! ```json
//! {"taa_ledger_export":1,"first":256,"count":2,"left":["9f…"],"right":[],"checkpoint":"site.example/ledger\n258\n…"}
//! {"index":256,"leaf":"6e34…","record":{"v":1,"at":{…},"what":"payment.credited","rule":"tariff/a#energy"}}
//! {"index":257,"leaf":"0b12…","record":{…}}
//! ```
//!
//! `leaf` is the SHA-256 of a zero byte and the record's bytes, in hexadecimal. `left` and `right` are the hashes that,
//! with the leaves between them, lead to the root in the checkpoint ([`crate::range`]): whoever holds the log's public
//! key needs nothing else to see that no entry of the stretch is missing, added or altered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::note::{NoteError, Signed, Verifier};
use crate::range::RangeProof;
use crate::{Checkpoint, Hash, Record};

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    taa_ledger_export: u8,
    first: u64,
    count: u64,
    left: Vec<String>,
    right: Vec<String>,
    checkpoint: String,
}

/// What is wrong with an export.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The first line is not a head of this form.
    #[error("the first line is not the head of an export")]
    Head,
    /// The checkpoint is not signed by a known key, or not readable.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// A line is not of this form.
    #[error("line {line} is not an entry of an export")]
    Line {
        /// From 1.
        line: u64,
    },
    /// A line has another index than the one it must have.
    #[error("line {line}: entry {expected} is missing here")]
    Missing {
        /// From 1.
        line: u64,
        /// Index that must stand here.
        expected: u64,
    },
    /// The record is not what the hash beside it says.
    #[error("entry {index} was altered")]
    Altered {
        /// Index of the entry.
        index: u64,
    },
    /// The entry is as signed, and no record.
    #[error("entry {index} is not a record")]
    Record {
        /// Index of the entry.
        index: u64,
    },
    /// The file ends early, or goes on.
    #[error("{got} entries, where the head says {expected}")]
    Count {
        /// As the head says.
        expected: u64,
        /// Lines after the head.
        got: u64,
    },
    /// All lines fit their hashes, and the hashes do not lead to the signed root.
    #[error("these are not the entries that were signed")]
    Root,
}

/// An export that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The checkpoint that it was checked against.
    pub checkpoint: Checkpoint,
    /// Who has signed it, of the known keys.
    pub signed_by: Vec<Signed>,
    /// Index of the first entry.
    pub first: u64,
    /// The records, in order.
    pub records: Vec<Record>,
    /// Of the sizes asked for, the roots that the log had then, as far as they follow from the export.
    pub roots: BTreeMap<u64, Hash>,
}

impl Proven {
    /// The index after the last entry.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.first.saturating_add(self.records.len() as u64)
    }
}

/// The head of an export of `count` entries from `first` on; `checkpoint` is the signed note. A newline ends it.
#[must_use]
pub fn head(first: u64, count: u64, proof: &RangeProof, checkpoint: &str) -> String {
    let hex = |hashes: &[Hash]| hashes.iter().map(ToString::to_string).collect();
    let head = Head {
        taa_ledger_export: 1,
        first,
        count,
        left: hex(&proof.left),
        right: hex(&proof.right),
        checkpoint: checkpoint.to_owned(),
    };
    // Strings and numbers alone: there is nothing here that JSON cannot say.
    serde_json::to_string(&head).unwrap_or_default() + "\n"
}

/// The line of an entry; none if it is no [`Record`]. A newline ends it.
#[must_use]
pub fn line(index: u64, entry: &[u8]) -> Option<String> {
    Record::from_bytes(entry).ok()?;
    let (leaf, record) = (Hash::of_leaf(entry), std::str::from_utf8(entry).ok()?);
    Some(format!("{{\"index\":{index},\"leaf\":\"{leaf}\",\"record\":{record}}}\n"))
}

/// Checks an export against the keys of the log.
///
/// # Errors
/// [`ExportError`], the first thing that is wrong.
pub fn verify(export: &str, known: &[Verifier]) -> Result<Proven, ExportError> {
    verify_at(export, known, &[])
}

/// The same, and the roots of the log when it had so many entries: those at the sizes within the stretch follow from it,
/// others only where a subtree beside it ends.
///
/// # Errors
/// [`ExportError`], the first thing that is wrong.
pub fn verify_at(export: &str, known: &[Verifier], sizes: &[u64]) -> Result<Proven, ExportError> {
    let (head, rest) = export.split_once('\n').ok_or(ExportError::Head)?;
    let head: Head = serde_json::from_str(head).map_err(|_| ExportError::Head)?;
    let hashes = |list: &[String]| list.iter().map(|text| Hash::from_hex(text)).collect::<Option<Vec<Hash>>>();
    let (Some(left), Some(right), 1) = (hashes(&head.left), hashes(&head.right), head.taa_ledger_export) else {
        return Err(ExportError::Head);
    };
    let proof = RangeProof { left, right };
    let (checkpoint, signed_by) = Checkpoint::open(head.checkpoint.as_bytes(), known)?;
    let mut check = proof.begin(head.first).ok_or(ExportError::Head)?;
    let mut records = Vec::new();
    let mut roots = BTreeMap::new();
    if sizes.contains(&check.next()) {
        roots.insert(check.next(), check.root());
    }
    for (number, line) in (2_u64..).zip(rest.lines()) {
        let (index, leaf, entry) = parts(line).ok_or(ExportError::Line { line: number })?;
        if index != check.next() {
            return Err(ExportError::Missing { line: number, expected: check.next() });
        }
        if Hash::of_leaf(entry.as_bytes()) != leaf {
            return Err(ExportError::Altered { index });
        }
        records.push(Record::from_bytes(entry.as_bytes()).map_err(|_| ExportError::Record { index })?);
        check.push(leaf);
        if sizes.contains(&check.next()) {
            roots.insert(check.next(), check.root());
        }
    }
    let got = check.next().saturating_sub(head.first);
    if got != head.count {
        return Err(ExportError::Count { expected: head.count, got });
    }
    let root = proof.finish_seen(check, checkpoint.size, |size, tree| {
        if sizes.contains(&size) {
            roots.insert(size, tree.root());
        }
    });
    if root != Some(checkpoint.root) {
        return Err(ExportError::Root);
    }
    Ok(Proven { checkpoint, signed_by, first: head.first, records, roots })
}

/// Index, leaf hash and record bytes of a line.
fn parts(line: &str) -> Option<(u64, Hash, &str)> {
    let (index, rest) = line.strip_prefix("{\"index\":")?.split_once(',')?;
    let (leaf, rest) = rest.strip_prefix("\"leaf\":\"")?.split_once("\",\"record\":")?;
    Some((index.parse().ok()?, Hash::from_hex(leaf)?, rest.strip_suffix('}')?))
}
