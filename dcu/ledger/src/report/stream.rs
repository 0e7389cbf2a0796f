//! An export from entries that come one after another, as a DCU's own database has them: nothing but hashes of the tree's
//! edge is held, however long the log is.
//!
//! The entries are read twice. The first time all of them are hashed: nothing is written unless they lead to the root
//! that was signed. The second time those of the stretch are written.

use crate::export::{csv, event_store, lines};
use crate::note::{Note, NoteError};
use crate::range::RangeMaker;
use crate::report::Format;
use crate::{Checkpoint, Hash, Record};

/// Events in one append.
const EVENTS_PER_APPEND: usize = 256;

/// Where entries come from.
pub trait Entries {
    /// Why they cannot be read.
    type Error;

    /// Calls with index and bytes of every entry from `from` on, in order; an index that jumps tells that some are gone.
    ///
    /// # Errors
    /// When the medium refuses.
    fn each(&self, from: u64, look: &mut dyn FnMut(u64, &[u8])) -> Result<(), Self::Error>;
}

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// What the entries were compared with; none where nothing was signed.
    pub signed: Option<Checkpoint>,
    /// First entry that was written.
    pub first: u64,
    /// The one after the last.
    pub end: u64,
    /// Entries that there are: those beyond the checkpoint were signed by nobody yet.
    pub held: u64,
}

/// Why nothing could be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError<E> {
    /// The checkpoint is not one.
    #[error("not a signed checkpoint ({0})")]
    Checkpoint(NoteError),
    /// Lines prove themselves by a signed checkpoint, and there is none.
    #[error(
        "no checkpoint was signed: without one lines prove nothing; give one that somebody keeps, or export a table"
    )]
    Unsigned,
    /// The source cannot be read, or the target not written.
    #[error("{0}")]
    Medium(E),
    /// An entry is gone: lost with a damaged row, or thrown away once somebody else kept it.
    #[error("entry {0} is not there")]
    Missing(u64),
    /// Fewer entries are there than were signed: the database is older than the checkpoint.
    #[error("{signed} entries were signed, {held} are here: this is an old copy, or entries were lost")]
    RolledBack {
        /// By the checkpoint.
        signed: u64,
        /// Found.
        held: u64,
    },
    /// The entries do not lead to the signed root.
    #[error("the entries are not what was signed")]
    NotSigned,
    /// An entry is no record.
    #[error("entry {0} is not a record")]
    NoRecord(u64),
    /// There are not so many entries.
    #[error("entry {wanted}; there are {size}, from 0 to one less")]
    Beyond {
        /// Which was asked for.
        wanted: u64,
        /// Number of entries.
        size: u64,
    },
}

/// Exports entries `first` to `end` (not included; where it is none: all that were signed, or all that are there where
/// nothing was). `write` gets the name of a file and what is to be appended to it. Without a checkpoint a table or events
/// can be made, which then rest on nothing but the database.
///
/// # Errors
/// [`StreamError`]; nothing was written unless it is [`StreamError::Medium`] or [`StreamError::NoRecord`].
pub fn export_stream<S: Entries>(
    source: &S,
    checkpoint: Option<&str>,
    format: Format,
    (first, end): (u64, Option<u64>),
    mut write: impl FnMut(&str, &str) -> Result<(), S::Error>,
) -> Result<Streamed, StreamError<S::Error>> {
    let signed = checkpoint.map(read).transpose()?;
    let held = count(source)?;
    let size = signed.as_ref().map_or(held, |signed| signed.size);
    if size > held {
        return Err(StreamError::RolledBack { signed: size, held });
    }
    let end = end.unwrap_or(size);
    if let Some(wanted) = [first, end].into_iter().find(|wanted| *wanted > size) {
        return Err(StreamError::Beyond { wanted, size });
    }
    let end = end.max(first);
    let mut head = String::new();
    if let (Some(signed), Some(text)) = (&signed, checkpoint) {
        let mut maker = RangeMaker::new(first, end, size);
        source
            .each(0, &mut |_, entry| {
                if maker.next() < size {
                    maker.push(Hash::of_leaf(entry));
                }
            })
            .map_err(StreamError::Medium)?;
        let (proof, root) = maker.finish().ok_or(StreamError::NotSigned)?;
        if root != signed.root {
            return Err(StreamError::NotSigned);
        }
        head = lines::head(first, end.saturating_sub(first), &proof, text);
    } else if format == Format::Lines {
        return Err(StreamError::Unsigned);
    }
    let mut sheet = Sheet::new(format, first, end, signed.as_ref());
    let mut failed = sheet.begin(&head, &mut write).err().map(StreamError::Medium);
    let each = source.each(first, &mut |index, entry| {
        if index < end && failed.is_none() {
            failed = sheet.put(index, entry, &mut write).err();
        }
    });
    each.map_err(StreamError::Medium)?;
    if let Some(error) = failed {
        return Err(error);
    }
    sheet.finish(&mut write)?;
    Ok(Streamed { signed, first, end, held })
}

fn read<E>(text: &str) -> Result<Checkpoint, StreamError<E>> {
    let note = Note::parse(text.as_bytes()).map_err(StreamError::Checkpoint)?;
    Checkpoint::from_text(note.text()).ok_or(StreamError::Checkpoint(NoteError::Malformed))
}

/// How many entries there are, from the first one on without a gap.
fn count<S: Entries>(source: &S) -> Result<u64, StreamError<S::Error>> {
    let (mut next, mut gap) = (0_u64, None);
    let each = source.each(0, &mut |index, _| {
        if index != next {
            gap = gap.or(Some(next));
        }
        next = index.saturating_add(1);
    });
    each.map_err(StreamError::Medium)?;
    gap.map_or(Ok(next), |gap| Err(StreamError::Missing(gap)))
}

/// The files that are being written.
struct Sheet {
    format: Format,
    name: String,
    events: event_store::Exporter,
    waiting: Vec<Vec<u8>>,
}

impl Sheet {
    fn new(format: Format, first: u64, end: u64, signed: Option<&Checkpoint>) -> Self {
        let ending = if format == Format::Lines { "jsonl" } else { "csv" };
        let origin = signed.map_or("unsigned", |signed| signed.origin.as_str());
        let events = event_store::Exporter::new(origin, &origin.replace('/', "-"), first);
        Self { format, name: format!("entries-{first:09}-{end:09}.{ending}"), events, waiting: Vec::new() }
    }

    fn begin<E>(&self, head: &str, write: &mut impl FnMut(&str, &str) -> Result<(), E>) -> Result<(), E> {
        match self.format {
            Format::Lines => write(&self.name, head),
            Format::Csv => write(&self.name, csv::HEAD),
            Format::Events => Ok(()),
        }
    }

    fn put<E>(
        &mut self,
        index: u64,
        entry: &[u8],
        write: &mut impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), StreamError<E>> {
        let record = Record::from_bytes(entry).map_err(|_| StreamError::NoRecord(index))?;
        match self.format {
            Format::Lines => {
                let line = lines::line(index, entry).ok_or(StreamError::NoRecord(index))?;
                write(&self.name, &line).map_err(StreamError::Medium)
            }
            Format::Csv => write(&self.name, &csv::line(index, &record)).map_err(StreamError::Medium),
            Format::Events => {
                self.waiting.push(entry.to_vec());
                if self.waiting.len() >= EVENTS_PER_APPEND { self.finish(write) } else { Ok(()) }
            }
        }
    }

    /// Writes the events that wait.
    fn finish<E>(&mut self, write: &mut impl FnMut(&str, &str) -> Result<(), E>) -> Result<(), StreamError<E>> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let from = self.events.next();
        let slices: Vec<&[u8]> = self.waiting.iter().map(Vec::as_slice).collect();
        let append = self.events.request(&slices).ok_or(StreamError::NoRecord(from))?;
        let name = format!("append-{from:09}-expected-{}.json", append.expected_header());
        let body = append.body();
        self.events.handle_reply(event_store::Reply::Appended);
        self.waiting.clear();
        write(&name, &body).map_err(StreamError::Medium)
    }
}
