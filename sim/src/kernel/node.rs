//! Who an event belongs to.
//!
//! A node's rank orders events of the same instant and phase. It follows from a hash of the node's scenario id, so a
//! village with one customer more keeps all others in the order they had, and a file may list them in any order.

use sha2::{Digest as _, Sha256};

use super::KernelError;

/// Bits of an event key that hold the node.
pub(super) const NODE_BITS: u32 = 20;

/// A node, as its rank among all nodes of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// As an index into tables with one row per node.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// All nodes of a run, in the order of their ids' hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeTable {
    names: Vec<String>,
    /// (hash, id) of each rank, for look-ups.
    hashes: Vec<u64>,
}

impl NodeTable {
    /// Nodes a table can hold.
    pub const MAX_NODES: usize = 1 << NODE_BITS;

    /// Ranks nodes by the 64-bit hash of their ids; should two hashes be equal, by the ids themselves.
    ///
    /// # Errors
    /// [`KernelError::DuplicateNode`] when an id comes twice, [`KernelError::TooManyNodes`] above
    /// [`NodeTable::MAX_NODES`].
    pub fn new<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Self, KernelError> {
        Self::ranked_by(stable_hash, ids)
    }

    /// The node with this scenario id.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<NodeId> {
        let hash = stable_hash(name);
        let first = self.hashes.partition_point(|&h| h < hash);
        let same = self.hashes.iter().skip(first).take_while(|&&h| h == hash).count();
        let rank = (first..first + same).find(|&rank| self.names[rank] == name)?;
        u32::try_from(rank).ok().map(NodeId)
    }

    /// The scenario id of a node; empty for a node that is not of this table.
    #[must_use]
    pub fn name(&self, node: NodeId) -> &str {
        self.names.get(node.index()).map_or("", String::as_str)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// None at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn ranked_by<'a>(hash: fn(&str) -> u64, ids: impl IntoIterator<Item = &'a str>) -> Result<Self, KernelError> {
        let mut ranked: Vec<(u64, &str)> = ids.into_iter().map(|id| (hash(id), id)).collect();
        if ranked.len() > Self::MAX_NODES {
            return Err(KernelError::TooManyNodes { count: ranked.len(), limit: Self::MAX_NODES });
        }
        ranked.sort_unstable();
        if let Some(pair) = ranked.windows(2).find(|pair| pair[0].1 == pair[1].1) {
            return Err(KernelError::DuplicateNode { id: pair[0].1.to_owned() });
        }
        let (hashes, names) = ranked.into_iter().map(|(h, id)| (h, id.to_owned())).unzip();
        Ok(Self { names, hashes })
    }
}

/// The first eight bytes of the id's SHA-256: the same on every platform and in every version.
fn stable_hash(id: &str) -> u64 {
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().take(8).fold(0, |word, &byte| (word << 8) | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_listing_does_not_matter_and_a_newcomer_reshuffles_nobody() {
        let ids: Vec<String> = (0..200).map(|n| format!("house-{n}")).collect();
        let table = NodeTable::new(ids.iter().map(String::as_str)).expect("ids differ");
        assert_eq!(table, NodeTable::new(ids.iter().rev().map(String::as_str)).expect("ids differ"));
        let more = NodeTable::new(ids.iter().map(String::as_str).chain(["shop"])).expect("ids differ");
        let kept: Vec<&String> = more.names.iter().filter(|n| *n != "shop").collect();
        assert_eq!(kept, table.names.iter().collect::<Vec<_>>());
        for id in &ids {
            assert_eq!(table.name(table.id(id).expect("listed")), id);
        }
        assert_eq!(table.id("shop"), None);
    }

    #[test]
    fn equal_hashes_are_told_apart_by_id() {
        let table = NodeTable::ranked_by(|_| 7, ["b", "a", "c"]).expect("ids differ");
        assert_eq!(table.names, ["a", "b", "c"]);
    }

    #[test]
    fn an_id_that_comes_twice_is_refused() {
        assert_eq!(NodeTable::new(["a", "b", "a"]), Err(KernelError::DuplicateNode { id: "a".to_owned() }));
    }

    #[test]
    fn the_hash_is_pinned() {
        assert_eq!(stable_hash(""), 0xe3b0_c442_98fc_1c14, "changing it would reorder every recorded run");
    }
}
