//! Checking a log from its files alone, as a regulator does: what is missing, what was altered and where, whether the
//! log was rolled back or rewritten since older checkpoints.
//!
//! [`Audit`] asks for one file after another and keeps a few hashes of each 256 entries (here of a log whose entries
//! are not [`Record`]s):
//!
//! ```
//! # use taa_ledger::{Audit, Log, note::{Kind, Signer}};
//! # use taa_keys::Ed25519Private;
//! # let signer = Signer::new("site.example/ledger", Kind::Ed25519, Ed25519Private::from_seed(&[7; 32])).unwrap();
//! # let mut log = Log::new("site.example/ledger");
//! # log.append(b"an entry").unwrap();
//! # let files: std::collections::BTreeMap<String, Vec<u8>> =
//! #     log.publish(&[&signer], 0).unwrap().into_iter().map(|(place, bytes)| (place.to_string(), bytes)).collect();
//! # let (known, older) = ([signer.verifier().clone()], []);
//! let mut audit = Audit::new(&files["checkpoint"], &known, &older)?.of_any_entries();
//! while let Some(place) = audit.wanted() {
//!     audit.handle_file(files.get(&place.to_string()).map(Vec::as_slice));
//! }
//! let verdict = audit.verdict();
//! assert!(verdict.is_sound(), "{verdict}");
//! # Ok::<(), taa_ledger::note::NoteError>(())
//! ```
//!
//! How an altered entry is told from an altered tile: leaf hashes come from the entries, from the tile of level 0, and
//! for 256 entries together from the tile of level 1. Whatever leads to the signed root is right, and what differs from
//! it was altered. If nothing leads there, the whole was rewritten by somebody who could not sign it.

mod evidence;
mod judge;
mod verdict;

use std::collections::BTreeMap;

use crate::note::{Note, NoteError, Verifier};
use crate::tile::{self, Resource, TILE_WIDTH, Tile};
use crate::{Checkpoint, Hash, Record};

pub use verdict::{Finding, Verdict};

use evidence::{Bundle, Range};

/// A check under way. Drive it: [`Self::wanted`], [`Self::handle_file`], again until nothing is wanted; then
/// [`Self::verdict`].
#[derive(Clone, Debug)]
pub struct Audit {
    checkpoint: Checkpoint,
    /// Older checkpoints of this log, by size.
    pins: Vec<Checkpoint>,
    /// What was seen of each 256 entries.
    ranges: Vec<Range>,
    /// Tiles of level 1 and up; nothing where a tile is not there.
    upper: BTreeMap<(u8, u64), Option<Vec<Hash>>>,
    /// The bundle that waits for its tile.
    bundle: Bundle,
    wants: Wants,
    /// Ranges without any file, one after the other.
    absent: u64,
    verdict: Verdict,
    is_record_log: bool,
}

/// After so many ranges (a million entries) without any file no more are asked for: a forged checkpoint could claim any
/// size.
const ABSENT_MAX: u64 = 4096;

/// Which file comes next.
#[derive(Clone, Copy, Debug)]
struct Wants {
    /// Entries and leaf hashes in turn, then the upper levels.
    kind: Kind,
    index: u64,
    /// The full file, because the partial one is gone.
    whole: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Entries,
    Leaves,
    Upper(u8),
}

impl Audit {
    /// Begins with the file `checkpoint`, the keys that are trusted to sign it, and older signed checkpoints that were
    /// kept elsewhere: by the regulator, a witness, the cloud (signed by any of the keys). A checkpoint or pin with a wrong signature is a finding;
    /// the files are checked all the same.
    ///
    /// # Errors
    /// [`NoteError::Malformed`], [`NoteError::TooLarge`]: there is nothing to check against.
    pub fn new(checkpoint: &[u8], known: &[Verifier], older: &[&[u8]]) -> Result<Self, NoteError> {
        let note = Note::parse(checkpoint)?;
        let claimed = Checkpoint::from_text(note.text()).ok_or(NoteError::Malformed)?;
        let mut verdict = Verdict::new(claimed.clone());
        match Checkpoint::open(checkpoint, known) {
            Ok((_, signed)) => verdict.signed_by.extend(signed.into_iter().map(|signed| signed.name)),
            Err(error) => verdict.add(Finding::Signature(error)),
        }
        let mut pins = Vec::new();
        for (number, pin) in older.iter().enumerate() {
            match Checkpoint::open_seen(pin, known) {
                Ok((pin, _)) if pin.origin == claimed.origin => pins.push(pin),
                Ok((pin, _)) => verdict.add(Finding::ForeignPin { number, origin: pin.origin }),
                Err(error) => verdict.add(Finding::UnusablePin { number, error }),
            }
        }
        pins.sort_by_key(|pin| pin.size);
        Ok(Self {
            checkpoint: claimed,
            pins,
            ranges: Vec::new(),
            upper: BTreeMap::new(),
            bundle: Bundle::default(),
            wants: Wants { kind: Kind::Entries, index: 0, whole: false },
            absent: 0,
            verdict,
            is_record_log: true,
        })
    }

    /// Lets entries be any bytes, instead of [`Record`]s.
    #[must_use]
    pub const fn of_any_entries(mut self) -> Self {
        self.is_record_log = false;
        self
    }

    /// The file that comes next; none when all were seen.
    #[must_use]
    pub fn wanted(&self) -> Option<Resource> {
        let tile = self.tile()?;
        let width = if self.wants.whole { 256 } else { tile.width };
        Some(match self.wants.kind {
            Kind::Entries => Resource::Entries { index: tile.index, width },
            Kind::Leaves | Kind::Upper(_) => Resource::Tile(Tile { width, ..tile }),
        })
    }

    /// Place and width of what is wanted, as the checkpoint's size has it.
    fn tile(&self) -> Option<Tile> {
        if self.absent > ABSENT_MAX {
            return None;
        }
        let level = if let Kind::Upper(level) = self.wants.kind { level } else { 0 };
        tile::tile_at(self.checkpoint.size, level, self.wants.index)
    }

    /// The content of the file that was wanted, or that there is none. A partial file that is not there, for the log
    /// has grown since, is asked for again as a full one.
    pub fn handle_file(&mut self, content: Option<&[u8]>) {
        let Some(tile) = self.tile() else { return };
        if content.is_none() && !self.wants.whole && u64::from(tile.width) < TILE_WIDTH {
            self.wants.whole = true;
            return;
        }
        match self.wants.kind {
            Kind::Entries => self.take_entries(tile, content),
            Kind::Leaves => {
                let leaves = self.take_hashes(tile, content);
                self.close_range(tile, leaves.as_deref());
            }
            Kind::Upper(level) => {
                let hashes = self.take_hashes(tile, content);
                self.upper.insert((level, tile.index), hashes);
            }
        }
        self.go_on();
    }

    fn go_on(&mut self) {
        self.wants.whole = false;
        let next = self.wants.index.saturating_add(1);
        let (kind, index) = match self.wants.kind {
            Kind::Entries => (Kind::Leaves, self.wants.index),
            Kind::Leaves => (Kind::Entries, next),
            Kind::Upper(level) => (Kind::Upper(level), next),
        };
        (self.wants.kind, self.wants.index) = (kind, index);
        // A row that is done leads to the one above.
        if self.tile().is_none() && self.absent <= ABSENT_MAX {
            let above = if let Kind::Upper(level) = kind { level.saturating_add(1) } else { 1 };
            (self.wants.kind, self.wants.index) = (Kind::Upper(above), 0);
        }
    }

    fn take_entries(&mut self, tile: Tile, content: Option<&[u8]>) {
        self.bundle = Bundle::read(content, tile.width, self.wants.whole);
        if !self.is_record_log {
            return;
        }
        let (entries, _) = tile::entries(content.unwrap_or_default());
        let first = tile.index.saturating_mul(TILE_WIDTH);
        for (index, entry) in (first..).zip(entries.iter().take(tile.width.into())) {
            if Record::from_bytes(entry).is_err() {
                self.verdict.add(Finding::NoRecord { index });
            }
        }
    }

    /// A tile's hashes, as many as the checkpoint has there.
    fn take_hashes(&mut self, tile: Tile, content: Option<&[u8]>) -> Option<Vec<Hash>> {
        let place = Resource::Tile(tile);
        let width = if self.wants.whole { 256 } else { tile.width };
        let hashes = content.map(|content| tile::hashes(content, width));
        if let Some(Some(mut hashes)) = hashes {
            hashes.truncate(tile.width.into());
            return Some(hashes);
        }
        let missing = hashes.is_none();
        self.verdict.add(if missing { Finding::TileMissing { place } } else { Finding::TileMalformed { place } });
        None
    }

    fn close_range(&mut self, tile: Tile, leaves: Option<&[Hash]>) {
        let first = tile.index.saturating_mul(TILE_WIDTH);
        let within = |pin: &Checkpoint| pin.size > first && pin.size.saturating_sub(first) < TILE_WIDTH;
        let keep = u64::from(tile.width) < TILE_WIDTH || self.pins.iter().any(within);
        let range = Range::close(std::mem::take(&mut self.bundle), leaves, keep);
        self.absent = if range.is_absent() { self.absent.saturating_add(1) } else { 0 };
        self.ranges.push(range);
    }

    /// What was found. Files that were not handed in count as missing.
    #[must_use]
    pub fn verdict(mut self) -> Verdict {
        while self.wanted().is_some() {
            self.handle_file(None);
        }
        let mut verdict = self.verdict.clone();
        judge::judge(&self, &mut verdict);
        verdict.finish();
        verdict
    }
}
