//! A whole tree in memory: every node, 64 bytes a leaf, any proof at once. For tests, tools and short logs; a DCU keeps
//! a [`crate::Log`] and its tiles.

use crate::prove::{self, Nodes};
use crate::{Frontier, Hash};

/// A tree whose nodes are all kept.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Complete subtrees' roots by level, leaves first.
    levels: Vec<Vec<Hash>>,
    edge: Frontier,
}

/// The tree has no such node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no complete subtree of height {level} with index {index}")]
pub struct NoSuchNode {
    /// Height.
    pub level: u8,
    /// Place within the level, from 0.
    pub index: u64,
}

impl Tree {
    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Appends an entry; its index.
    pub fn append(&mut self, entry: &[u8]) -> u64 {
        self.append_hash(Hash::of_leaf(entry))
    }

    /// Appends a leaf by its hash; its index.
    pub fn append_hash(&mut self, leaf: Hash) -> u64 {
        let index = self.size();
        self.edge.push(leaf);
        let mut hash = leaf;
        let mut level = 0_usize;
        loop {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(row) = self.levels.get_mut(level) else { break };
            row.push(hash);
            let (pairs, []) = row.as_chunks::<2>() else { break };
            let Some([left, right]) = pairs.last() else { break };
            hash = Hash::of_node(left, right);
            level = level.saturating_add(1);
        }
        index
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// The root when the tree had `size` leaves.
    ///
    /// # Errors
    /// When it never had as many.
    pub fn root_at(&self, size: u64) -> Result<Hash, NoSuchNode> {
        prove::root(self, size)
    }

    /// See [`prove::inclusion`].
    ///
    /// # Errors
    /// When the tree is smaller than `size`.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, NoSuchNode> {
        prove::inclusion(self, index, size)
    }

    /// See [`prove::consistency`].
    ///
    /// # Errors
    /// When the tree is smaller than `newer`.
    pub fn consistency(&self, older: u64, newer: u64) -> Result<Vec<Hash>, NoSuchNode> {
        prove::consistency(self, older, newer)
    }
}

impl Nodes for Tree {
    type Error = NoSuchNode;

    fn node(&self, level: u8, index: u64) -> Result<Hash, NoSuchNode> {
        let row = self.levels.get(usize::from(level));
        let hash = usize::try_from(index).ok().and_then(|index| row?.get(index));
        hash.copied().ok_or(NoSuchNode { level, index })
    }
}
