//! The tree as it stands at one moment: parents, standings, hops.

use taa_sim::records::{DCU, MeshStanding, NO_PARENT};

use crate::data::{TO_DCU, TO_NOBODY};

/// Hops of a node that is not known yet, and of one that has none.
const UNKNOWN: u32 = u32::MAX;
const NONE: u32 = u32::MAX - 1;

/// All nodes: meters first, then relays.
pub(super) struct Forest {
    meters: usize,
    pub(super) parents: Vec<u32>,
    pub(super) standings: Vec<MeshStanding>,
    hops: Vec<u32>,
    path: Vec<usize>,
}

/// How many meters stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::extract) struct Count {
    /// With a way, by hops: the first for one hop.
    pub(super) hops: Vec<u32>,
    pub(super) joining: u32,
    pub(super) dark: u32,
    pub(super) isolated: u32,
    /// Serve, and their parents lead nowhere.
    pub(super) astray: u32,
}

impl Count {
    pub(super) fn in_tree(&self) -> u32 {
        self.hops.iter().sum()
    }
}

impl Forest {
    /// Everybody dark.
    pub(super) fn new(meters: usize, nodes: usize) -> Self {
        Self {
            meters,
            parents: vec![NO_PARENT; nodes],
            standings: vec![MeshStanding::Dark; nodes],
            hops: vec![UNKNOWN; nodes],
            path: Vec::new(),
        }
    }

    /// Takes a row of the table; whether a node went from one parent to another.
    pub(super) fn apply(&mut self, node: u32, parent: u32, standing: MeshStanding) -> bool {
        let Some(was) = self.parents.get_mut(node as usize) else { return false };
        let moved = *was != parent && *was != NO_PARENT && parent != NO_PARENT;
        *was = parent;
        self.standings[node as usize] = standing;
        moved
    }

    /// A node's parent as [`crate::data::Chapter`] writes it.
    pub(super) fn parent_of(&self, node: usize) -> i32 {
        match self.parents[node] {
            DCU => TO_DCU,
            NO_PARENT => TO_NOBODY,
            parent => i32::try_from(parent).unwrap_or(TO_NOBODY),
        }
    }

    /// Counts where all meters stand now.
    pub(super) fn count(&mut self) -> Count {
        self.hops.fill(UNKNOWN);
        let mut count = Count::default();
        for meter in 0..self.meters {
            match self.standings[meter] {
                MeshStanding::InTree => match self.hops_of(meter) {
                    NONE => count.astray += 1,
                    hops => {
                        let at = hops.saturating_sub(1) as usize;
                        if count.hops.len() <= at {
                            count.hops.resize(at + 1, 0);
                        }
                        count.hops[at] += 1;
                    }
                },
                MeshStanding::Joining => count.joining += 1,
                MeshStanding::Dark => count.dark += 1,
                _ => count.isolated += 1,
            }
        }
        count
    }

    /// Hops of a node along its parents; a circle and a dead end have none.
    fn hops_of(&mut self, node: usize) -> u32 {
        self.path.clear();
        let mut at = node;
        let end = loop {
            match self.hops[at] {
                UNKNOWN => {}
                known => break known,
            }
            // Whoever comes back here on the same path walks in a circle.
            self.hops[at] = NONE;
            self.path.push(at);
            match self.parents[at] {
                DCU => break 0,
                NO_PARENT => break NONE,
                parent if (parent as usize) < self.parents.len() => at = parent as usize,
                _ => break NONE,
            }
        };
        let mut hops = end;
        for &at in self.path.iter().rev() {
            hops = if hops == NONE { NONE } else { hops + 1 };
            self.hops[at] = hops;
        }
        self.hops[node]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_circles_and_dead_ends_are_told_apart() {
        let mut forest = Forest::new(6, 7);
        let standing = MeshStanding::InTree;
        // 0 and, over relay 6, 1 and 2 reach the root; 3 and 4 hang on each other; 5 hangs on nobody.
        for (node, parent) in [(0, DCU), (6, 0), (1, 6), (2, 1), (3, 4), (4, 3), (5, NO_PARENT)] {
            assert!(!forest.apply(node, parent, standing));
        }
        let count = forest.count();
        assert_eq!((count.hops.as_slice(), count.astray), ([1, 0, 1, 1].as_slice(), 3));
        assert!(forest.apply(2, 0, standing), "from one parent to another is a move");
        assert_eq!(forest.count().hops, [1, 1, 1]);
        forest.apply(0, NO_PARENT, MeshStanding::Leaves);
        assert!(forest.apply(4, DCU, standing));
        let count = forest.count();
        assert_eq!((count.hops.as_slice(), count.isolated, count.astray), ([1, 1].as_slice(), 1, 3));
    }
}
