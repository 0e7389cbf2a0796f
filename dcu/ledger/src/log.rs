//! A log as a DCU keeps it: appending costs one hash and a little, memory is bounded, and what has to be kept leaves as
//! files that never change.
//!
//! Driving it:
//! 1. [`Log::append`] entries **that are durable**: what a checkpoint has promised cannot be taken back.
//! 2. [`Log::publish`] gives every file that is new since last time, the signed checkpoint last. Write them in this
//!    order: whoever reads in between finds the old checkpoint and all that it needs.
//! 3. After a restart, [`Log::resume`] from the files that [`Log::needed`] names; or append all entries again.

use crate::note::{NoteError, Signer};
use crate::tile::{self, ENTRY_BYTES_MAX, Resource, TILE_WIDTH, Tile};
use crate::{Checkpoint, Frontier, Hash};

/// A log that appends.
#[derive(Clone, Debug)]
pub struct Log {
    origin: String,
    edge: Frontier,
    /// Hashes of the last tile of each level, fewer than 256.
    open: Vec<Vec<Hash>>,
    /// Entries of the last bundle, each behind its length.
    bundle: Vec<u8>,
    /// Files that became full and were not yet handed out.
    full: Vec<(Resource, Vec<u8>)>,
    /// Size at the last hand-out.
    published: Option<u64>,
}

/// Why a log cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The caller's fault: an entry longer than [`ENTRY_BYTES_MAX`]. Nothing was appended.
    #[error("an entry of {bytes} bytes; {ENTRY_BYTES_MAX} is the most")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// 2⁶⁴ − 1 entries are the most.
    #[error("the log is full")]
    Full,
    /// The disk's fault: a file that the checkpoint needs is not there, or of a wrong size.
    #[error("{0} is missing or damaged")]
    File(Resource),
    /// The disk's fault: the files do not make the tree that was signed.
    #[error("the files do not fit the checkpoint")]
    Checkpoint,
    /// A key or the origin is not fit for signing.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Log {
    /// An empty log. `origin` names it in checkpoints; no two logs share one.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            edge: Frontier::default(),
            open: Vec::new(),
            bundle: Vec::new(),
            full: Vec::new(),
            published: None,
        }
    }

    /// Which log this is.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Root over all entries.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// What can be promised now.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(&self.origin, self.size(), self.root())
    }

    /// Appends an entry; its index.
    ///
    /// # Errors
    /// [`LogError::TooLong`], [`LogError::Full`]; nothing was appended.
    pub fn append(&mut self, entry: &[u8]) -> Result<u64, LogError> {
        let length = u16::try_from(entry.len()).map_err(|_| LogError::TooLong { bytes: entry.len() })?;
        let index = self.size();
        let leaf = Hash::of_leaf(entry);
        if !self.edge.push_subtree(0, leaf) {
            return Err(LogError::Full);
        }
        self.bundle.extend(length.to_be_bytes());
        self.bundle.extend(entry);
        self.push(0, leaf);
        Ok(index)
    }

    /// Adds a hash to the open tile of a level, and closes what becomes full with it.
    fn push(&mut self, level: u8, hash: Hash) {
        let (mut level, mut hash) = (level, hash);
        loop {
            let at = usize::from(level);
            if self.open.len() <= at {
                self.open.resize(at.saturating_add(1), Vec::new());
            }
            let Some(row) = self.open.get_mut(at) else { return };
            row.push(hash);
            if row.len() < TILE_WIDTH as usize {
                return;
            }
            let row = std::mem::take(row);
            let index = tile::row_width(self.edge.size(), level).saturating_sub(1) / TILE_WIDTH;
            if level == 0 {
                let bundle = std::mem::take(&mut self.bundle);
                self.full.push((Resource::Entries { index, width: 256 }, bundle));
            }
            self.full.push((Resource::Tile(Tile { level, index, width: 256 }), tile::content(&row)));
            hash = tile::root_of(&row);
            level = level.saturating_add(1);
        }
    }

    /// Files that became full since they were last taken. Those waiting cost memory (a bundle and 8 KiB for every
    /// 256 entries): who appends many between two checkpoints takes them in between.
    pub fn take_full(&mut self) -> Vec<(Resource, Vec<u8>)> {
        std::mem::take(&mut self.full)
    }

    /// Everything new since last time: full files, the partial ones of this size, and the signed checkpoint, last.
    /// Nothing where nothing was appended.
    ///
    /// # Errors
    /// [`LogError::Note`].
    pub fn publish(&mut self, signers: &[&Signer], time_s: u64) -> Result<Vec<(Resource, Vec<u8>)>, LogError> {
        if self.published == Some(self.size()) {
            return Ok(Vec::new());
        }
        let checkpoint = self.checkpoint().sign(signers, time_s)?;
        let mut files = self.take_full();
        for (level, row) in (0_u8..).zip(&self.open) {
            let width = u16::try_from(row.len()).unwrap_or(0);
            if width == 0 {
                continue;
            }
            let index = tile::row_width(self.size(), level) / TILE_WIDTH;
            if level == 0 {
                files.push((Resource::Entries { index, width }, self.bundle.clone()));
            }
            files.push((Resource::Tile(Tile { level, index, width }), tile::content(row)));
        }
        files.push((Resource::Checkpoint, checkpoint.into_bytes()));
        self.published = Some(self.size());
        Ok(files)
    }

    /// Which files a log of this size resumes from: the partial ones, at most one bundle and eight tiles.
    pub fn needed(size: u64) -> impl Iterator<Item = Resource> {
        let partial = |level| {
            let index = tile::row_width(size, level) / TILE_WIDTH;
            tile::tile_at(size, level, index)
        };
        let bundle = partial(0).map(|Tile { index, width, .. }| Resource::Entries { index, width });
        let tiles: Vec<Tile> = (0..8).filter_map(partial).collect();
        bundle.into_iter().chain(tiles.into_iter().map(Resource::Tile))
    }

    /// Goes on where a checkpoint was published; `file` reads one of the files of [`Log::needed`].
    ///
    /// # Errors
    /// [`LogError::File`], [`LogError::Checkpoint`].
    pub fn resume(
        checkpoint: &Checkpoint,
        mut file: impl FnMut(Resource) -> Option<Vec<u8>>,
    ) -> Result<Self, LogError> {
        let mut log = Self::new(&checkpoint.origin);
        let mut roots = Vec::new();
        for resource in Self::needed(checkpoint.size) {
            let content = file(resource).ok_or(LogError::File(resource))?;
            let damaged = || LogError::File(resource);
            match resource {
                Resource::Tile(Tile { level, width, .. }) => {
                    let row = tile::hashes(&content, width).ok_or_else(damaged)?;
                    log.open.resize(usize::from(level), Vec::new());
                    // A partial tile's own complete subtrees are nodes of the tree's right edge.
                    let mut edge = Frontier::default();
                    row.iter().for_each(|hash| edge.push(*hash));
                    roots.splice(0..0, edge.roots().iter().copied());
                    log.open.push(row);
                }
                _ => log.bundle = content,
            }
        }
        log.edge = Frontier::from_roots(checkpoint.size, &roots).ok_or(LogError::Checkpoint)?;
        if log.root() != checkpoint.root {
            return Err(LogError::Checkpoint);
        }
        let (entries, rest) = tile::entries(&log.bundle);
        let leaves: Vec<Hash> = entries.iter().map(|entry| Hash::of_leaf(entry)).collect();
        if !rest.is_empty()
            || log.open.first().map_or(0, Vec::len) != leaves.len()
            || log.open.first().is_some_and(|row| *row != leaves)
        {
            return Err(LogError::Checkpoint);
        }
        log.published = Some(checkpoint.size);
        Ok(log)
    }
}
