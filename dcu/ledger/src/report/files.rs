//! Making things from a log's files: exports and receipts. What is made is checked on the way: nothing leaves that the
//! checkpoint does not cover.

use crate::export::{csv, event_store, lines};
use crate::note::NoteError;
use crate::prove;
use crate::range::RangeProof;
use crate::receipt::Receipt;
use crate::tile::{self, Resource, TILE_WIDTH, Tiles};
use crate::{Checkpoint, Hash, Record};

/// In which form entries are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON lines that prove themselves.
    Lines,
    /// A table for people.
    Csv,
    /// Appends to an event store, one body a file.
    Events,
}

/// Events in one append.
const EVENTS_PER_APPEND: usize = 256;

/// Why nothing could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError<E> {
    /// The checkpoint is not one.
    #[error("the file `checkpoint` is not a signed checkpoint ({0})")]
    Checkpoint(NoteError),
    /// A file is there and cannot be read.
    #[error("{place}: {error}")]
    File {
        /// Which.
        place: Resource,
        /// Why.
        error: E,
    },
    /// A file is missing or has a wrong size. `taa audit verify` names all of them.
    #[error("{0} is missing or damaged; check the folder first")]
    Missing(Resource),
    /// The files do not lead to the signed root.
    #[error("the files are not what was signed; check the folder first")]
    NotSigned,
    /// An entry is no record.
    #[error("entry {0} is not a record")]
    NoRecord(u64),
    /// There are not so many entries.
    #[error("entry {wanted}; the log has {size}, from 0 to one less")]
    Beyond {
        /// Which was asked for.
        wanted: u64,
        /// Number of entries.
        size: u64,
    },
}

/// Exports entries `first` to `end` (not included; the log's size where it is none): name and content of each file.
///
/// # Errors
/// [`FileError`].
pub fn export<E>(
    checkpoint: &[u8],
    format: Format,
    (first, end): (u64, Option<u64>),
    mut file: impl FnMut(Resource) -> Result<Option<Vec<u8>>, E>,
) -> Result<Vec<(String, String)>, FileError<E>> {
    let (signed, text) = read(checkpoint)?;
    let end = end.unwrap_or(signed.size);
    for wanted in [first, end] {
        if wanted > signed.size {
            return Err(FileError::Beyond { wanted, size: signed.size });
        }
    }
    let entries = entries(&signed, first, end, &mut file)?;
    let proof = prove_range(&signed, first, end, &entries, &mut file)?;
    let name = |ending: &str| format!("entries-{first:09}-{end:09}.{ending}");
    match format {
        Format::Lines => {
            let mut out = lines::head(first, end.saturating_sub(first), &proof, text);
            for (index, entry) in (first..).zip(&entries) {
                out += &lines::line(index, entry).ok_or(FileError::NoRecord(index))?;
            }
            Ok(vec![(name("jsonl"), out)])
        }
        Format::Csv => {
            let mut out = csv::HEAD.to_owned();
            for (index, entry) in (first..).zip(&entries) {
                let record = Record::from_bytes(entry).map_err(|_| FileError::NoRecord(index))?;
                out += &csv::line(index, &record);
            }
            Ok(vec![(name("csv"), out)])
        }
        Format::Events => {
            let stream = signed.origin.replace('/', "-");
            let mut exporter = event_store::Exporter::new(&signed.origin, &stream, first);
            let mut bodies = Vec::new();
            for some in entries.chunks(EVENTS_PER_APPEND) {
                let from = exporter.next();
                let slices: Vec<&[u8]> = some.iter().map(Vec::as_slice).collect();
                let append = exporter.request(&slices).ok_or(FileError::NoRecord(from))?;
                let expected = append.expected_header();
                bodies.push((format!("append-{from:09}-expected-{expected}.json"), append.body()));
                exporter.handle_reply(event_store::Reply::Appended);
            }
            Ok(bodies)
        }
    }
}

/// The proof of one entry, for the customer to keep, and the entry itself.
///
/// # Errors
/// [`FileError`].
pub fn receipt<E>(
    checkpoint: &[u8],
    index: u64,
    mut file: impl FnMut(Resource) -> Result<Option<Vec<u8>>, E>,
) -> Result<(Receipt, Vec<u8>), FileError<E>> {
    let (signed, text) = read(checkpoint)?;
    if index >= signed.size {
        return Err(FileError::Beyond { wanted: index, size: signed.size });
    }
    let end = index.saturating_add(1);
    let mut entry = entries(&signed, index, end, &mut file)?;
    let tiles = tiles(&signed, &mut file)?;
    let path = prove::inclusion(&tiles, index, signed.size).map_err(|_| FileError::NotSigned)?;
    let entry = entry.pop().ok_or(FileError::NotSigned)?;
    let receipt = Receipt { index, path, checkpoint: text.to_owned(), extra: Vec::new() };
    let holds = crate::verify_inclusion(&Hash::of_leaf(&entry), index, signed.size, &receipt.path, &signed.root);
    holds.map_err(|_| FileError::NotSigned)?;
    Ok((receipt, entry))
}

/// Indices of the entries with this reference (a provider's transaction, a token).
///
/// # Errors
/// [`FileError`].
pub fn find<E>(
    checkpoint: &[u8],
    reference: &str,
    mut file: impl FnMut(Resource) -> Result<Option<Vec<u8>>, E>,
) -> Result<Vec<u64>, FileError<E>> {
    let (signed, _) = read(checkpoint)?;
    let entries = entries(&signed, 0, signed.size, &mut file)?;
    let has = |entry: &[u8]| Record::from_bytes(entry).is_ok_and(|r| r.reference.as_deref() == Some(reference));
    Ok((0..).zip(&entries).filter(|(_, entry)| has(entry)).map(|(index, _)| index).collect())
}

fn read<E>(checkpoint: &[u8]) -> Result<(Checkpoint, &str), FileError<E>> {
    let malformed = || FileError::Checkpoint(NoteError::Malformed);
    let note = crate::note::Note::parse(checkpoint).map_err(FileError::Checkpoint)?;
    let signed = Checkpoint::from_text(note.text()).ok_or_else(malformed)?;
    Ok((signed, std::str::from_utf8(checkpoint).map_err(|_| malformed())?))
}

/// The content of a file that must be there: the partial one, or the full one that it has become since.
fn must<E>(
    place: Resource,
    whole: Resource,
    file: &mut impl FnMut(Resource) -> Result<Option<Vec<u8>>, E>,
) -> Result<(Resource, Vec<u8>), FileError<E>> {
    for place in [place, whole] {
        if let Some(content) = file(place).map_err(|error| FileError::File { place, error })? {
            return Ok((place, content));
        }
    }
    Err(FileError::Missing(place))
}

fn entries<E>(
    signed: &Checkpoint,
    first: u64,
    end: u64,
    file: &mut impl FnMut(Resource) -> Result<Option<Vec<u8>>, E>,
) -> Result<Vec<Vec<u8>>, FileError<E>> {
    let mut found = Vec::new();
    let mut at = first;
    while at < end {
        let index = at / TILE_WIDTH;
        let tile = tile::tile_at(signed.size, 0, index).ok_or(FileError::NotSigned)?;
        let place = Resource::Entries { index, width: tile.width };
        let (_, bundle) = must(place, Resource::Entries { index, width: 256 }, file)?;
        let (entries, _) = tile::entries(&bundle);
        let start = index.saturating_mul(TILE_WIDTH);
        let skip = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
        let take = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        let some: Vec<Vec<u8>> = entries.iter().skip(skip).take(take).map(|entry| entry.to_vec()).collect();
        let next = at.saturating_add(some.len() as u64);
        if next < end.min(start.saturating_add(TILE_WIDTH)) {
            return Err(FileError::Missing(place));
        }
        found.extend(some);
        at = next;
    }
    Ok(found)
}

/// All tiles of the log: 32 bytes an entry.
fn tiles<E>(
    signed: &Checkpoint,
    file: &mut impl FnMut(Resource) -> Result<Option<Vec<u8>>, E>,
) -> Result<Tiles, FileError<E>> {
    let mut tiles = Tiles::default();
    for tile in tile::tiles(signed.size) {
        let whole = tile::Tile { width: 256, ..tile };
        let (place, content) = must(Resource::Tile(tile), Resource::Tile(whole), file)?;
        let at = if place == Resource::Tile(tile) { tile } else { whole };
        if !tiles.insert(at, &content) {
            return Err(FileError::Missing(place));
        }
    }
    if prove::root(&tiles, signed.size).ok() != Some(signed.root) {
        return Err(FileError::NotSigned);
    }
    Ok(tiles)
}

fn prove_range<E>(
    signed: &Checkpoint,
    first: u64,
    end: u64,
    entries: &[Vec<u8>],
    file: &mut impl FnMut(Resource) -> Result<Option<Vec<u8>>, E>,
) -> Result<RangeProof, FileError<E>> {
    let tiles = tiles(signed, file)?;
    let proof = RangeProof::make(&tiles, first, end, signed.size).map_err(|_| FileError::NotSigned)?;
    let mut check = proof.begin(first).ok_or(FileError::NotSigned)?;
    entries.iter().for_each(|entry| check.push(Hash::of_leaf(entry)));
    if proof.finish(check, signed.size) != Some(signed.root) {
        return Err(FileError::NotSigned);
    }
    Ok(proof)
}
