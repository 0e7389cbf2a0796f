//! From what was seen to what is wrong: which of the sources leads to the signed root, and what differs from it.

use super::evidence::{Range, State};
use super::{Audit, Finding, Verdict};
use crate::tile::{self, Resource, TILE_WIDTH, Tile};
use crate::{Frontier, Hash};

/// Whom to follow for the root of each full range.
#[derive(Clone, Copy, Debug)]
enum Source {
    Entries,
    Tile,
    /// The tile one level up.
    Parent,
    /// Two of the three that agree.
    Majority,
}

/// Whom to follow for the leaves of a range of which only a part counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Entries,
    Tile,
}

/// A way through the sources that leads to the signed root.
struct Truth {
    /// The root over each full range.
    full: Vec<Hash>,
    side: Side,
}

const WAYS: [(Source, Side); 8] = [
    (Source::Entries, Side::Entries),
    (Source::Tile, Side::Tile),
    (Source::Parent, Side::Entries),
    (Source::Parent, Side::Tile),
    (Source::Majority, Side::Entries),
    (Source::Majority, Side::Tile),
    (Source::Entries, Side::Tile),
    (Source::Tile, Side::Entries),
];

pub(super) fn judge(audit: &Audit, verdict: &mut Verdict) {
    let size = audit.checkpoint.size;
    let truth = WAYS.into_iter().find_map(|way| {
        let truth = follow(audit, way);
        (root_at(audit, &truth, size) == Some(audit.checkpoint.root)).then_some(truth)
    });
    for (index, range) in (0..).zip(&audit.ranges) {
        entries(audit, verdict, index, range, truth.as_ref());
    }
    let fits = match &truth {
        Some(truth) => {
            upper_tiles(audit, verdict, truth);
            pins(audit, verdict, |size| root_at(audit, truth, size))
        }
        None => {
            // What the entries say counts, for it is them that the checkpoint and the pins are about.
            let told = follow(audit, (Source::Entries, Side::Entries));
            pins(audit, verdict, |size| root_at(audit, &told, size))
        }
    };
    if truth.is_none() {
        let leads_elsewhere = WAYS.into_iter().any(|way| root_by(audit, way).is_some());
        let seen = u64::try_from(audit.ranges.len()).unwrap_or(u64::MAX).saturating_mul(TILE_WIDTH);
        if seen < size {
            verdict.add(Finding::EntriesMissing { first: seen, last: size.saturating_sub(1) });
        }
        verdict.add(if leads_elsewhere { Finding::Rewritten { unchanged: fits } } else { Finding::Incomplete });
    }
}

fn follow(audit: &Audit, (source, side): (Source, Side)) -> Truth {
    let ranges = audit.checkpoint.size / TILE_WIDTH;
    Truth { full: (0..ranges).map_while(|range| root_of(audit, range, source)).collect(), side }
}

fn root_by(audit: &Audit, way: (Source, Side)) -> Option<Hash> {
    root_at(audit, &follow(audit, way), audit.checkpoint.size)
}

/// The root over a full range, as a source has it; another source where that one has nothing.
fn root_of(audit: &Audit, index: u64, source: Source) -> Option<Hash> {
    let range = audit.ranges.get(usize::try_from(index).ok()?)?;
    let (entries, tile) = (range.roots.entries, range.roots.tile);
    let parent = audit
        .upper
        .get(&(1, index / TILE_WIDTH))
        .and_then(|hashes| hashes.as_ref()?.get(usize::try_from(index % TILE_WIDTH).ok()?).copied());
    match source {
        Source::Entries => entries.or(tile).or(parent),
        Source::Tile => tile.or(parent).or(entries),
        Source::Parent => parent.or(tile).or(entries),
        Source::Majority if entries.is_some() && entries == tile => entries,
        Source::Majority => parent.or(tile).or(entries),
    }
}

/// The root over the first `size` entries.
fn root_at(audit: &Audit, truth: &Truth, size: u64) -> Option<Hash> {
    let (ranges, rest) = (size / TILE_WIDTH, usize::try_from(size % TILE_WIDTH).ok()?);
    let mut tree = Frontier::default();
    for root in truth.full.get(..usize::try_from(ranges).ok()?)? {
        tree.push_subtree(8, *root);
    }
    if rest > 0 {
        let range = audit.ranges.get(usize::try_from(ranges).ok()?)?;
        for leaf in leaves(range, truth, ranges)?.get(..rest)? {
            tree.push(*leaf);
        }
    }
    Some(tree.root())
}

/// The leaves of a range that were kept: the list that leads to the range's root, where that is known.
fn leaves<'a>(range: &'a Range, truth: &Truth, index: u64) -> Option<&'a Vec<Hash>> {
    let kept = range.leaves.as_ref()?;
    let (entries, tile) = (kept.entries.as_ref(), kept.tile.as_ref());
    match usize::try_from(index).ok().and_then(|index| truth.full.get(index)) {
        Some(root) if range.roots.entries == Some(*root) => entries,
        Some(root) if range.roots.tile == Some(*root) => tile,
        Some(_) => None,
        None if truth.side == Side::Entries => entries.or(tile),
        None => tile.or(entries),
    }
}

/// What is wrong with 256 entries and their tile.
fn entries(audit: &Audit, verdict: &mut Verdict, index: u64, range: &Range, truth: Option<&Truth>) {
    let first = index.saturating_mul(TILE_WIDTH);
    let Some(tile) = tile::tile_at(audit.checkpoint.size, 0, index) else { return };
    let last = first.saturating_add(u64::from(tile.width)).saturating_sub(1);
    let at = |offset: u16| first.saturating_add(offset.into());
    let place = Resource::Tile(tile);
    // Which root is right: of full ranges it is known, of the last one it is that of the side that led to the root.
    let right = truth.and_then(|truth| match usize::try_from(index).ok().and_then(|index| truth.full.get(index)) {
        Some(root) => Some(*root),
        None if truth.side == Side::Entries => range.roots.entries.or(range.roots.tile),
        None => range.roots.tile.or(range.roots.entries),
    });
    let tile_is_right = right.is_some() && range.roots.tile == right;
    match (range.state, range.moved) {
        (State::Absent, _) => verdict.add(Finding::EntriesMissing { first, last }),
        (State::Short, Some((from, count))) if tile_is_right => {
            let end = from.saturating_add(count).saturating_sub(1);
            verdict.add(Finding::EntriesMissing { first: at(from), last: at(end) });
        }
        (State::Short, _) => {
            verdict.add(Finding::EntriesMissing { first: at(range.count), last });
            verdict.add(Finding::EntriesUncertain { first, last });
        }
        (State::Long, Some((from, count))) if tile_is_right => {
            verdict.add(Finding::EntriesInserted { before: at(from), count: count.into() });
        }
        (State::Long, _) => verdict.add(Finding::EntriesUncertain { first, last }),
        (State::Whole, _) => {}
    }
    let Some(right) = right else {
        // Nothing leads to the signed root; where entries and tile contradict each other is said all the same.
        range.differ.iter().for_each(|offset| verdict.add(Finding::Contradiction { index: at(*offset) }));
        return;
    };
    if range.roots.entries.is_some_and(|root| root != right) {
        if tile_is_right {
            range.differ.iter().for_each(|offset| verdict.add(Finding::EntryAltered { index: at(*offset) }));
        } else {
            verdict.add(Finding::EntriesUncertain { first, last });
        }
    }
    if range.roots.tile.is_some_and(|root| root != right) {
        let hash = if range.roots.entries == Some(right) { range.differ.first().copied() } else { None };
        verdict.add(Finding::TileAltered { place, hash });
    }
}

/// Tiles of level 1 and up, against what the levels below lead to.
fn upper_tiles(audit: &Audit, verdict: &mut Verdict, truth: &Truth) {
    let mut row = truth.full.clone();
    for level in 1_u8..8 {
        for (index, right) in (0..).zip(row.chunks(TILE_WIDTH as usize)) {
            let Some(Some(found)) = audit.upper.get(&(level, index)) else { continue };
            if let Some(hash) = found.iter().zip(right).position(|(found, right)| found != right) {
                let width = u16::try_from(right.len()).unwrap_or(256);
                let place = Resource::Tile(Tile { level, index, width });
                verdict.add(Finding::TileAltered { place, hash: u16::try_from(hash).ok() });
            }
        }
        row = row.chunks_exact(TILE_WIDTH as usize).map(tile::root_of).collect();
    }
}

/// Older checkpoints against the log; the largest size whose promise still holds.
fn pins(audit: &Audit, verdict: &mut Verdict, root_at: impl Fn(u64) -> Option<Hash>) -> Option<u64> {
    let size = audit.checkpoint.size;
    let mut holds = None;
    for pin in &audit.pins {
        if pin.size > size {
            verdict.add(Finding::RolledBack { promised: pin.size, size });
            continue;
        }
        let root = if pin.size == size { Some(audit.checkpoint.root) } else { root_at(pin.size) };
        match root {
            Some(root) if root == pin.root => holds = Some(pin.size),
            Some(_) => verdict.add(Finding::Forked { size: pin.size }),
            None => verdict.add(Finding::PinUnchecked { size: pin.size }),
        }
    }
    holds
}
