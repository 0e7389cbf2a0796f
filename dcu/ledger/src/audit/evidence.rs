//! What is kept of 256 entries: two roots over them, one from the entries and one from the tile, and where they differ.

use crate::Hash;
use crate::tile;

/// Entries of a bundle that are looked at; there should be 256 at most.
const ENTRIES_MAX: usize = 512;

/// What a bundle of entries has to say.
#[derive(Clone, Debug, Default)]
pub(super) struct Bundle {
    /// Leaf hashes of the entries in it.
    leaves: Vec<Hash>,
    state: State,
}

/// How much of a bundle there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// No file.
    #[default]
    Absent,
    /// As many entries as there must be, and nothing else.
    Whole,
    /// Fewer entries, or their lengths lead nowhere.
    Short,
    /// More entries.
    Long,
}

impl Bundle {
    /// Reads a bundle that has to hold `width` entries; of a full one that came instead of a partial one the first
    /// ones count.
    pub(super) fn read(content: Option<&[u8]>, width: u16, is_fuller: bool) -> Self {
        let Some(content) = content else { return Self::default() };
        let (entries, rest) = tile::entries(content);
        let width = usize::from(width);
        let counted = if is_fuller { width } else { ENTRIES_MAX };
        let leaves: Vec<Hash> = entries.iter().take(counted).map(|entry| Hash::of_leaf(entry)).collect();
        let state = match leaves.len().cmp(&width) {
            std::cmp::Ordering::Less => State::Short,
            std::cmp::Ordering::Equal if rest.is_empty() || is_fuller => State::Whole,
            _ => State::Long,
        };
        Self { leaves, state }
    }
}

/// Two lists of the same leaves; none where they could not be had.
#[derive(Clone, Debug, Default)]
pub(super) struct Sides<T> {
    pub(super) entries: Option<T>,
    pub(super) tile: Option<T>,
}

/// What is known of 256 entries (fewer in the last range).
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) roots: Sides<Hash>,
    /// The leaf hashes themselves, where an older checkpoint or the end of the log lies within.
    pub(super) leaves: Option<Sides<Vec<Hash>>>,
    pub(super) state: State,
    /// Entries (from the range's first) whose hash is not that in the tile.
    pub(super) differ: Vec<u16>,
    /// Entries that were taken out of the bundle or put in, if the rest fits the tile: where, and how many.
    pub(super) moved: Option<(u16, u16)>,
    /// Entries in the bundle.
    pub(super) count: u16,
}

impl Range {
    pub(super) fn close(bundle: Bundle, tile: Option<&[Hash]>, keep: bool) -> Self {
        let Bundle { leaves, state } = bundle;
        let whole = state == State::Whole;
        let differ = match tile {
            Some(tile) if whole => {
                (0..).zip(leaves.iter().zip(tile)).filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect()
            }
            _ => Vec::new(),
        };
        let moved = tile.and_then(|tile| match state {
            State::Short => moved(tile, &leaves),
            State::Long => moved(&leaves, tile),
            State::Absent | State::Whole => None,
        });
        let roots = Sides { entries: whole.then(|| tile::root_of(&leaves)), tile: tile.map(tile::root_of) };
        let count = u16::try_from(leaves.len()).unwrap_or(u16::MAX);
        let leaves = keep.then(|| Sides { entries: whole.then_some(leaves), tile: tile.map(<[Hash]>::to_vec) });
        Self { roots, leaves, state, differ, moved, count }
    }

    /// There was neither a bundle nor a tile.
    pub(super) fn is_absent(&self) -> bool {
        self.state == State::Absent && self.roots.tile.is_none()
    }
}

/// Where `longer` has hashes that `shorter` lacks, if all others agree: at what place, and how many.
fn moved(longer: &[Hash], shorter: &[Hash]) -> Option<(u16, u16)> {
    let count = longer.len().checked_sub(shorter.len())?;
    let at = longer.iter().zip(shorter).position(|(a, b)| a != b).unwrap_or(shorter.len());
    let rest_agrees = longer.get(at.checked_add(count)?..)? == shorter.get(at..)?;
    if rest_agrees { Some((u16::try_from(at).ok()?, u16::try_from(count).ok()?)) } else { None }
}
