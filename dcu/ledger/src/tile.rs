//! Tiles and entry bundles (C2SP `tlog-tiles`): a log as files that never change, from which anyone computes any proof.
//!
//! ```text
//! checkpoint                  the latest signed checkpoint
//! tile/0/x001/234/067 …       256 leaf hashes (the last one .p/<width>, fewer)
//! tile/1/000 …                256 roots of full tiles one level below, and so on
//! tile/entries/000 …          256 entries, each behind its length (2 bytes, big-endian)
//! ```

use std::collections::BTreeMap;
use std::fmt;

use crate::hash::HASH_BYTES;
use crate::prove::Nodes;
use crate::{Frontier, Hash, Tree};

/// Hashes of a full tile.
pub const TILE_WIDTH: u64 = 256;
/// Levels of the tree that a tile spans.
const TILE_LEVELS: u8 = 8;
/// Bytes of the longest entry: its length has 2 bytes.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// A tile's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// 0 for leaves; a tile at level l has hashes over 256^l leaves each.
    pub level: u8,
    /// From the left, from 0.
    pub index: u64,
    /// 1 to 256 hashes.
    pub width: u16,
}

/// A file of the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// The latest checkpoint; the one file that changes.
    Checkpoint,
    /// A tile of hashes.
    Tile(Tile),
    /// The entries below a tile of level 0.
    Entries {
        /// From the left, from 0.
        index: u64,
        /// 1 to 256 entries.
        width: u16,
    },
}

/// Its path below the log's prefix.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match *self {
            Self::Checkpoint => return f.write_str("checkpoint"),
            Self::Tile(Tile { level, index, width }) => {
                write!(f, "tile/{level}/")?;
                (index, width)
            }
            Self::Entries { index, width } => {
                f.write_str("tile/entries/")?;
                (index, width)
            }
        };
        // "zero-padded 3-digit path elements. All but the last path element MUST begin with an x."
        let digits = index.to_string();
        let padded = format!("{:0>1$}", digits, digits.len().next_multiple_of(3));
        let mut left = padded.len();
        for group in padded.as_bytes().chunks(3) {
            left = left.saturating_sub(3);
            let group = std::str::from_utf8(group).unwrap_or_default();
            if left > 0 { write!(f, "x{group}/")? } else { f.write_str(group)? }
        }
        if u64::from(width) < TILE_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
    }
}

impl Resource {
    /// The place that a path names; none if no such file can be.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        if path == "checkpoint" {
            return Some(Self::Checkpoint);
        }
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok().filter(|width| (1..=255).contains(width))?),
            None => (rest, 256),
        };
        let digits: String = number.split('/').map(|group| group.trim_start_matches('x')).collect();
        let index = digits.parse().ok()?;
        let resource = match level {
            "entries" => Self::Entries { index, width },
            _ => Self::Tile(Tile { level: level.parse().ok().filter(|level| *level < 64)?, index, width }),
        };
        // One place, one path: leading zeros and missing x are caught here.
        (resource.to_string() == path).then_some(resource)
    }
}

/// Hashes of the tiles' row at `level` in a tree of `size` leaves: complete subtrees of 256^level leaves.
#[must_use]
pub fn row_width(size: u64, level: u8) -> u64 {
    let shift = u32::from(level).saturating_mul(u32::from(TILE_LEVELS));
    size.checked_shr(shift).unwrap_or(0)
}

/// The tile with this index in a tree of `size` leaves, as wide as it is there; none where it is empty.
#[must_use]
pub fn tile_at(size: u64, level: u8, index: u64) -> Option<Tile> {
    let before = index.checked_mul(TILE_WIDTH)?;
    let width = row_width(size, level).checked_sub(before)?.min(TILE_WIDTH);
    let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
    Some(Tile { level, index, width })
}

/// All tiles of a tree of `size` leaves, level by level.
pub fn tiles(size: u64) -> impl Iterator<Item = Tile> {
    (0..8_u8).flat_map(move |level| (0..).map_while(move |index| tile_at(size, level, index)))
}

/// Takes a tile's content apart; none if it has another size than its place asks for.
#[must_use]
pub fn hashes(content: &[u8], width: u16) -> Option<Vec<Hash>> {
    let expected = usize::from(width).checked_mul(HASH_BYTES)?;
    (content.len() == expected).then(|| content.chunks_exact(HASH_BYTES).filter_map(Hash::from_slice).collect())
}

/// A tile's content.
#[must_use]
pub fn content(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.as_bytes().iter().copied()).collect()
}

/// The entries of a bundle and whatever follows the last whole one.
#[must_use]
pub fn entries(bundle: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut found = Vec::new();
    let mut rest = bundle;
    while let Some((length, after)) = rest.split_first_chunk() {
        let Some((entry, after)) = after.split_at_checked(u16::from_be_bytes(*length).into()) else { break };
        found.push(entry);
        rest = after;
    }
    (found, rest)
}

/// Tiles at hand, to prove from. The nodes within each tile are hashed once, when it comes: twice its size in memory.
#[derive(Clone, Debug, Default)]
pub struct Tiles {
    /// By level and index, the widest seen.
    rows: BTreeMap<(u8, u64), Tree>,
}

/// A proof needs a tile that is not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tile {index} of level {level} is needed, at least {width} hashes wide")]
pub struct TileNeeded {
    /// Level of tiles.
    pub level: u8,
    /// Index within the level.
    pub index: u64,
    /// Hashes needed.
    pub width: u16,
}

impl Tiles {
    /// Adds a tile. False, and nothing is added, where the content has another size than its place asks for.
    pub fn insert(&mut self, tile: Tile, content: &[u8]) -> bool {
        let Some(hashes) = hashes(content, tile.width) else { return false };
        let kept = self.rows.entry((tile.level, tile.index)).or_default();
        if kept.size() < u64::from(tile.width) {
            *kept = Tree::default();
            for hash in hashes {
                kept.append_hash(hash);
            }
        }
        true
    }
}

impl Nodes for Tiles {
    type Error = TileNeeded;

    fn node(&self, level: u8, index: u64) -> Result<Hash, TileNeeded> {
        // Within a tile there are 256 >> height nodes of this height.
        let (row, height) = (level / TILE_LEVELS, level % TILE_LEVELS);
        let tile = index.wrapping_shr(u32::from(TILE_LEVELS.saturating_sub(height)));
        let within = index & TILE_WIDTH.wrapping_shr(height.into()).wrapping_sub(1);
        let kept = self.rows.get(&(row, tile)).and_then(|kept| kept.node(height, within).ok());
        kept.ok_or_else(|| {
            let width = within.saturating_add(1).wrapping_shl(height.into());
            TileNeeded { level: row, index: tile, width: u16::try_from(width).unwrap_or(256) }
        })
    }
}

/// The root over these hashes as if they were leaves.
#[must_use]
pub fn root_of(hashes: &[Hash]) -> Hash {
    let mut tree = Frontier::default();
    for hash in hashes {
        tree.push(*hash);
    }
    tree.root()
}
