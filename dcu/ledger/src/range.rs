//! Proof that some consecutive entries are exactly those of a stretch of the log: the complete subtrees left and right
//! of it. With them the root can be computed, so nothing can be left out, added or changed in between.

use crate::prove::Nodes;
use crate::shape::{cover, leaves_below};
use crate::{Frontier, Hash};

/// What stands left and right of a stretch of leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeProof {
    /// Complete subtrees before the stretch, from the left.
    pub left: Vec<Hash>,
    /// Complete subtrees after the stretch, from the left.
    pub right: Vec<Hash>,
}

/// A stretch that is proven leaf by leaf, without keeping the leaves.
#[derive(Clone, Debug)]
pub struct RangeCheck {
    tree: Frontier,
}

impl RangeProof {
    /// For leaves `first` to `end` (not included) of the tree of `size` leaves.
    ///
    /// # Errors
    /// When a node is missing.
    pub fn make<N: Nodes>(nodes: &N, first: u64, end: u64, size: u64) -> Result<Self, N::Error> {
        let of = |from, to| -> Result<Vec<Hash>, N::Error> {
            cover(from, to).map(|(level, index)| nodes.node(level, index)).collect()
        };
        Ok(Self { left: of(0, first)?, right: of(end, size)? })
    }

    /// Begins to check leaves from `first` on; none where the left side has not as many hashes as it must.
    #[must_use]
    pub fn begin(&self, first: u64) -> Option<RangeCheck> {
        Frontier::from_roots(first, &self.left).map(|tree| RangeCheck { tree })
    }

    /// The root that the leaves seen lead to in a tree of `size` leaves; none where the right side does not fit.
    #[must_use]
    pub fn finish(&self, check: RangeCheck, size: u64) -> Option<Hash> {
        self.finish_seen(check, size, |_, _| ())
    }

    /// The same; `look` sees the size and root of every tree between the leaves seen and the whole that is known.
    #[must_use]
    pub fn finish_seen(&self, check: RangeCheck, size: u64, mut look: impl FnMut(u64, &Frontier)) -> Option<Hash> {
        let mut tree = check.tree;
        let mut right = self.right.iter();
        for (level, _) in cover(tree.size(), size) {
            tree.push_subtree(level, *right.next()?);
            look(tree.size(), &tree);
        }
        (right.next().is_none() && tree.size() == size).then(|| tree.root())
    }
}

/// Makes a [`RangeProof`] and the root from all leaves of a log, which come one after another; keeps some dozens of
/// hashes, however many leaves there are.
#[derive(Clone, Debug)]
pub struct RangeMaker {
    first: u64,
    end: u64,
    size: u64,
    tree: Frontier,
    left: Vec<Hash>,
    right: Vec<Hash>,
    /// The subtree right of the stretch that is being filled.
    part: Frontier,
}

impl RangeMaker {
    /// For leaves `first` to `end` (not included) of the tree of `size` leaves.
    #[must_use]
    pub fn new(first: u64, end: u64, size: u64) -> Self {
        let [tree, part] = [Frontier::default(), Frontier::default()];
        Self { first, end, size, tree, left: Vec::new(), right: Vec::new(), part }
    }

    /// Index of the next leaf.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.tree.size()
    }

    /// The next leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        if self.tree.size() >= self.end {
            let begun = self.tree.size().saturating_sub(self.part.size());
            self.part.push(leaf);
            let whole = cover(begun, self.size).next().map(|(level, _)| leaves_below(level));
            if whole == Some(self.part.size()) {
                self.right.push(self.part.root());
                self.part = Frontier::default();
            }
        }
        self.tree.push(leaf);
        if self.tree.size() == self.first {
            self.left = self.tree.roots().to_vec();
        }
    }

    /// The proof, and the root over all leaves; none unless all of them have come.
    #[must_use]
    pub fn finish(self) -> Option<(RangeProof, Hash)> {
        let root = self.tree.root();
        (self.tree.size() == self.size && self.first <= self.end && self.end <= self.size)
            .then_some((RangeProof { left: self.left, right: self.right }, root))
    }
}

impl RangeCheck {
    /// The next leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        self.tree.push(leaf);
    }

    /// The root over all leaves up to here.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Index of the next leaf.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.tree.size()
    }
}
