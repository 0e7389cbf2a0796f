//! Making proofs from the nodes of a tree, wherever they are kept (RFC 9162, 2.1.3.1 and 2.1.4.1).

use crate::Hash;
use crate::shape::{cover, split};

/// Where complete subtrees' roots are kept: in memory ([`crate::Tree`]) or in tiles ([`crate::tile::Tiles`]).
pub trait Nodes {
    /// Why a node is not there.
    type Error;

    /// The root of the complete subtree over leaves `index · 2^level` to `(index + 1) · 2^level`.
    ///
    /// # Errors
    /// When it is not kept, or not readable.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
/// When a node is missing.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(Hash::of_empty_tree()) } else { range_root(nodes, 0, size) }
}

/// The hashes beside the way from leaf `index` to the root of the tree of `size` leaves, from the leaf up. Nothing where
/// `index` is not below `size`.
///
/// # Errors
/// When a node is missing.
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    let (mut first, mut end) = (0_u64, if index < size { size } else { 0 });
    while let Some(middle) = middle(first, end) {
        if index < middle {
            path.push(range_root(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range_root(nodes, first, middle)?);
            first = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes from which both the root of `older` leaves and that of `newer` can be computed. Nothing where `older` is
/// not below `newer`, or is the empty tree.
///
/// # Errors
/// When a node is missing.
pub fn consistency<N: Nodes>(nodes: &N, older: u64, newer: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    let (mut first, mut end) = (0_u64, newer);
    if older == 0 || older >= newer {
        return Ok(path);
    }
    // Down to the subtree whose right edge is that of the older tree.
    while end != older {
        let Some(middle) = middle(first, end) else { break };
        if older <= middle {
            path.push(range_root(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range_root(nodes, first, middle)?);
            first = middle;
        }
    }
    // Where that subtree is the whole older tree, the verifier has its root already.
    if first != 0 {
        path.push(range_root(nodes, first, end)?);
    }
    path.reverse();
    Ok(path)
}

fn middle(first: u64, end: u64) -> Option<u64> {
    let width = end.checked_sub(first).filter(|width| *width > 1)?;
    first.checked_add(split(width))
}

fn range_root<N: Nodes>(nodes: &N, first: u64, end: u64) -> Result<Hash, N::Error> {
    let roots: Result<Vec<Hash>, N::Error> = cover(first, end).map(|(level, index)| nodes.node(level, index)).collect();
    let roots = roots?;
    let mut from_right = roots.iter().rev();
    let last = from_right.next().copied().unwrap_or_else(Hash::of_empty_tree);
    Ok(from_right.fold(last, |right, left| Hash::of_node(left, &right)))
}
