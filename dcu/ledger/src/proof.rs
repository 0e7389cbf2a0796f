//! Checking proofs, as an outsider does who has nothing but two roots (RFC 9162, 2.1.3.2 and 2.1.4.2).

use crate::Hash;

/// Why a proof does not hold. The fault is of whoever made the proof, or the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// A leaf beyond the tree, or an older tree larger than the newer.
    #[error("asks about leaf or size {asked} in a tree of {size}")]
    OutOfTree {
        /// Index of the leaf, or size of the older tree.
        asked: u64,
        /// Size of the tree.
        size: u64,
    },
    /// More or fewer hashes than the tree has levels there.
    #[error("wrong number of hashes")]
    Length,
    /// The leaf is not where it is said to be.
    #[error("leads to another root")]
    Root,
    /// The older tree is no beginning of the newer.
    #[error("the older tree is not a beginning of the newer one")]
    Inconsistent,
}

/// That the leaf with this hash stands at `index` of the tree of `size` leaves with `root`.
///
/// # Errors
/// [`ProofError`], never [`ProofError::Inconsistent`].
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> Result<(), ProofError> {
    let last = size.checked_sub(1).filter(|last| index <= *last);
    let mut last = last.ok_or(ProofError::OutOfTree { asked: index, size })?;
    let mut at = index;
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at & 1 == 1 || at == last {
            hash = Hash::of_node(sibling, &hash);
            climb_to_right_child(&mut at, &mut last);
        } else {
            hash = Hash::of_node(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// That the tree of `first` leaves with `first_root` is the beginning of the tree of `second` leaves with `second_root`.
///
/// The empty tree is a beginning of every tree; the RFC leaves that case open.
///
/// # Errors
/// [`ProofError`], never [`ProofError::Root`].
pub fn verify_consistency(
    first: u64,
    first_root: &Hash,
    second: u64,
    second_root: &Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if first > second {
        return Err(ProofError::OutOfTree { asked: first, size: second });
    }
    if first == 0 || first == second {
        let same = if first == second { second_root } else { &Hash::of_empty_tree() };
        return match path {
            [] if first_root == same => Ok(()),
            [] => Err(ProofError::Inconsistent),
            _ => Err(ProofError::Length),
        };
    }
    // A complete older tree is its own first hash.
    let (seed, rest) =
        if first.is_power_of_two() { (first_root, path) } else { path.split_first().ok_or(ProofError::Length)? };
    let (mut at, mut last) = (first.saturating_sub(1), second.saturating_sub(1));
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut older, mut newer) = (*seed, *seed);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at & 1 == 1 || at == last {
            older = Hash::of_node(sibling, &older);
            newer = Hash::of_node(sibling, &newer);
            climb_to_right_child(&mut at, &mut last);
        } else {
            newer = Hash::of_node(&newer, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if older == *first_root && newer == *second_root { Ok(()) } else { Err(ProofError::Inconsistent) }
}

/// Levels at which the node has no sibling, being the last of an odd number, are passed without a hash.
fn climb_to_right_child(at: &mut u64, last: &mut u64) {
    while *at & 1 == 0 && *at != 0 {
        *at >>= 1;
        *last >>= 1;
    }
}
