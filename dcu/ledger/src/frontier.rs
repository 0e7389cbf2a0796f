//! The right edge of a tree: all that appending and the root need. At most 64 hashes, whatever the size.

use serde::{Deserialize, Serialize};

use crate::Hash;
use crate::shape::{cover, leaves_below};

/// A tree of which only the complete subtrees' roots are kept, largest first.
///
/// ```
/// use taa_ledger::{Frontier, Hash};
/// let mut tree = Frontier::default();
/// assert_eq!(tree.root(), Hash::of_empty_tree());
/// tree.push(Hash::of_leaf(b"first"));
/// tree.push(Hash::of_leaf(b"second"));
/// assert_eq!(tree.root(), Hash::of_node(&Hash::of_leaf(b"first"), &Hash::of_leaf(b"second")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Frontier {
    size: u64,
    /// One per one-bit of `size`, from the highest.
    roots: Vec<Hash>,
}

/// A frontier as it was written: what does not fit together is none.
#[derive(Deserialize)]
struct Parts {
    size: u64,
    roots: Vec<Hash>,
}

impl TryFrom<Parts> for Frontier {
    type Error = &'static str;

    fn try_from(parts: Parts) -> Result<Self, Self::Error> {
        Self::from_roots(parts.size, &parts.roots).ok_or("as many roots as the size has one-bits")
    }
}

impl Frontier {
    /// From the roots of the complete subtrees of a tree of `size` leaves, largest first; none if their number is wrong.
    #[must_use]
    pub fn from_roots(size: u64, roots: &[Hash]) -> Option<Self> {
        let fits = u32::try_from(roots.len()) == Ok(size.count_ones());
        fits.then(|| Self { size, roots: roots.to_vec() })
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, largest first.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Appends the root of a complete subtree of 2^`level` leaves. Says no, and changes nothing, where such a subtree
    /// cannot stand: the size is no multiple of its leaves, or there would be more leaves than 2⁶⁴ − 1.
    pub fn push_subtree(&mut self, level: u8, root: Hash) -> bool {
        let leaves = leaves_below(level);
        let aligned = level < 64 && self.size.checked_rem(leaves) == Some(0);
        let Some(size) = self.size.checked_add(leaves).filter(|_| aligned) else { return false };
        let mut root = root;
        // Each complete subtree of the same size to the left becomes one with it.
        let mut level = level;
        while self.size.checked_shr(level.into()).is_some_and(|rest| rest & 1 == 1) {
            let Some(left) = self.roots.pop() else { break };
            root = Hash::of_node(&left, &root);
            level = level.saturating_add(1);
        }
        self.roots.push(root);
        self.size = size;
        true
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut from_right = self.roots.iter().rev();
        let Some(last) = from_right.next() else { return Hash::of_empty_tree() };
        from_right.fold(*last, |right, left| Hash::of_node(left, &right))
    }

    /// Where the kept roots stand in the tree: (level, index within the level), largest first.
    pub fn nodes(size: u64) -> impl Iterator<Item = (u8, u64)> {
        cover(0, size)
    }
}
