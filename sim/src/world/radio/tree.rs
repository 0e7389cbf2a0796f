//! The mesh's tree written down as it changes, who is cut off for which reason, and what was on the air.
//!
//! It only looks: nothing in the run depends on it. By message the tree changes when somebody sends after a change, for
//! routes are computed then; by frames as it happens.

use taa_models::mesh::NoRoute;
use taa_scenarios::model::FaultKind;

use super::Mesh;
use crate::records::{DCU, Dodag, DodagRow, MeshAir, MeshAirRow, MeshStanding, MeshSums, NO_PARENT};

/// Rows kept: some 100 MB at most.
const ROWS_MAX: usize = 4_000_000;
/// Names of what frames are for, in the order of `taa_mesh::net::Use::ALL`.
const PURPOSES: [&str; 8] =
    ["data", "discovery", "joining", "dodag", "routes", "probe", "acknowledgement", "multicast"];
const KINDS: usize = MeshStanding::ALL.len();

/// What is written down.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Of each node: its parent and where it stands, once that is known.
    now: Vec<Option<(u32, MeshStanding)>>,
    rows: Dodag,
    full_ms: Option<u64>,
    /// Meters cut off, by reason, and for how long so far.
    isolated: [u64; KINDS],
    isolated_ms: [u64; KINDS],
    air: MeshAir,
    /// Frames and microseconds by purpose: so far, and when they were written down last.
    on_air: [(u64, u64); 8],
    told: [(u64, u64); 8],
}

impl Tree {
    pub(super) fn new(nodes: usize) -> Self {
        Self { now: vec![None; nodes], ..Self::default() }
    }

    /// A node has this parent and stands there from now on.
    pub(super) fn set(&mut self, node: usize, parent: u32, standing: MeshStanding, now_ms: u64) {
        let Some(was) = self.now.get_mut(node) else { return };
        if *was == Some((parent, standing)) {
            return;
        }
        *was = Some((parent, standing));
        if self.rows.len() >= ROWS_MAX {
            self.full_ms.get_or_insert(now_ms);
            return;
        }
        self.rows.push(DodagRow { time_ms: now_ms, node: node as u32, parent, standing });
    }

    /// The node stands elsewhere; only in the tree and in a loop it has a parent.
    pub(super) fn stands(&mut self, node: usize, standing: MeshStanding, now_ms: u64) {
        let known = self.now.get(node).copied().flatten();
        let hangs = matches!(standing, MeshStanding::InTree | MeshStanding::InLoop);
        let parent = known.filter(|_| hangs).map_or(NO_PARENT, |(parent, _)| parent);
        self.set(node, parent, standing, now_ms);
    }

    /// The node has another parent.
    pub(super) fn hangs(&mut self, node: usize, parent: u32, now_ms: u64) {
        let standing = self.now.get(node).copied().flatten().map_or(MeshStanding::Joining, |(_, standing)| standing);
        self.set(node, parent, standing, now_ms);
    }

    /// Where a node stands, as far as that is known.
    pub(super) fn standing(&self, node: usize) -> Option<MeshStanding> {
        self.now.get(node).copied().flatten().map(|(_, standing)| standing)
    }

    /// So many milliseconds have passed since the counts of who is cut off were set.
    pub(super) fn pass(&mut self, ms: u64) {
        self.isolated_ms.iter_mut().zip(&self.isolated).for_each(|(sum, count)| *sum += count * ms);
    }

    /// Counts afresh who is cut off.
    pub(super) fn count(&mut self, isolated: impl Iterator<Item = MeshStanding>) {
        self.isolated = [0; KINDS];
        isolated.for_each(|why| self.isolated[why as usize] += 1);
    }

    /// One meter is cut off, or for another reason, or not any more.
    pub(super) fn recount(&mut self, was: Option<MeshStanding>, is: Option<MeshStanding>) {
        if let Some(why) = was {
            self.isolated[why as usize] = self.isolated[why as usize].saturating_sub(1);
        }
        if let Some(why) = is {
            self.isolated[why as usize] += 1;
        }
    }

    /// So many frames of a message were on the air, each for so long.
    pub(super) fn carried(&mut self, frames: u32, each_ms: f64) {
        let data = &mut self.on_air[0];
        data.0 += u64::from(frames);
        data.1 += (f64::from(frames) * each_ms * 1000.0) as u64;
    }

    /// What was on the air until the end of this hour, by frames as the network has counted it.
    fn hour(&mut self, counted: Option<[(u64, u64); 8]>, now_ms: u64) {
        if let Some(counted) = counted {
            self.on_air = counted;
        }
        let since = self.on_air.iter().zip(&self.told).zip(PURPOSES);
        let rows = since.map(|((all, told), purpose)| MeshAirRow {
            time_ms: now_ms,
            purpose,
            frames: all.0.saturating_sub(told.0),
            airtime_us: all.1.saturating_sub(told.1),
        });
        let rows: Vec<MeshAirRow> = rows.filter(|row| row.frames > 0).collect();
        rows.into_iter().for_each(|row| self.air.push(row));
        self.told = self.on_air;
    }
}

impl Mesh {
    /// By message: writes down routes that were just computed, and counts who is cut off from now on.
    pub(super) fn write_tree(&mut self, now_ms: u64) {
        self.write_rows(now_ms);
        let cut_off = (0..self.meters).filter(|&node| self.alive[node]).map(|node| self.message_standing(node));
        let cut_off: Vec<MeshStanding> = cut_off.filter(|standing| standing.is_isolated()).collect();
        self.tree.count(cut_off.into_iter());
    }

    /// By message: the rows alone. As the run begins, its figure of who is cut off does not count yet.
    pub(super) fn write_rows(&mut self, now_ms: u64) {
        let root = self.topology.root();
        for node in (0..self.keys.len()).filter(|&node| node != root) {
            if !self.alive[node] {
                continue;
            }
            let standing = self.message_standing(node);
            let parent = if standing == MeshStanding::InTree { self.routes.parent[node] } else { None };
            let parent = parent.map_or(NO_PARENT, |parent| if parent as usize == root { DCU } else { parent });
            self.tree.set(node, parent, standing, now_ms);
        }
    }

    /// Where a node that is alive stands.
    fn message_standing(&self, node: usize) -> MeshStanding {
        if self.routes.has_route(node) {
            return MeshStanding::InTree;
        }
        if !self.alive[self.topology.root()] {
            return MeshStanding::RootDown;
        }
        let scripted = |collapse| self.troubles.iter().any(|t| (t.what == FaultKind::RoutesCollapsed) == collapse);
        if scripted(true) && self.unstuck.get(node).copied().unwrap_or(false) {
            return MeshStanding::RoutesCollapsed;
        }
        match self.routes.why_not[node] {
            Some(NoRoute::HopLimit) => MeshStanding::HopLimit,
            Some(NoRoute::Jammed) if scripted(false) => MeshStanding::Disturbed,
            Some(NoRoute::Jammed) => MeshStanding::Leaves,
            Some(NoRoute::ForwarderDark | NoRoute::SelfDark) => MeshStanding::ForwarderDark,
            Some(NoRoute::OutOfRange) | None => MeshStanding::OutOfRange,
        }
    }

    /// By frames: a node of the network has another parent.
    pub(in crate::world) fn hung(&mut self, number: u32, parent: Option<u32>, now_ms: u64) {
        let Some(node) = number.checked_sub(1) else { return };
        let parent = parent.map_or(NO_PARENT, |parent| parent.checked_sub(1).unwrap_or(DCU));
        self.tree.hangs(node as usize, parent, now_ms);
    }

    /// By frames: a relay serves, or does not.
    pub(in crate::world) fn relay_turned(&mut self, number: u32, serves: bool, now_ms: u64) {
        let Some(node) = number.checked_sub(1) else { return };
        let standing = if serves { MeshStanding::InTree } else { MeshStanding::Joining };
        self.looping[node as usize] = false;
        self.tree.stands(node as usize, standing, now_ms);
    }

    /// An hour is over: what was on the air.
    pub(in crate::world) fn hour_over(&mut self, now_ms: u64) {
        let counted = self.frames.as_ref().map(|frames| frames.on_air());
        self.tree.hour(counted, now_ms);
    }

    /// What it leaves.
    pub(in crate::world) fn tree_records(&mut self, now_ms: u64) -> (Dodag, MeshAir, MeshSums) {
        self.hour_over(now_ms);
        let tree = std::mem::take(&mut self.tree);
        let reasons = MeshStanding::ALL.into_iter().zip(tree.isolated_ms);
        let (channel_us, node_us) = self.frames.as_ref().map(|frames| frames.shares()).unwrap_or_default();
        let sums = MeshSums {
            frame: self.frames.is_some(),
            isolated_ms: reasons.filter(|(_, ms)| *ms > 0).collect(),
            channel_us,
            node_us,
            tree_until_ms: tree.full_ms,
        };
        (tree.rows, tree.air, sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_written_down() {
        let mut tree = Tree::new(3);
        tree.set(0, DCU, MeshStanding::InTree, 0);
        tree.set(1, 0, MeshStanding::InTree, 0);
        tree.set(1, 0, MeshStanding::InTree, 5);
        tree.hangs(1, DCU, 7);
        tree.stands(1, MeshStanding::Dark, 9);
        tree.stands(1, MeshStanding::Dark, 10);
        tree.stands(9, MeshStanding::Dark, 10);
        let seen: Vec<(u64, u32, u32)> = tree.rows.rows().map(|row| (row.time_ms, row.node, row.parent)).collect();
        assert_eq!(seen, [(0, 0, DCU), (0, 1, 0), (7, 1, DCU), (9, 1, NO_PARENT)]);
    }

    #[test]
    fn hours_tell_what_is_new_in_them() {
        let mut tree = Tree::new(1);
        tree.carried(3, 10.0);
        tree.hour(None, 3_600_000);
        tree.hour(None, 7_200_000);
        tree.carried(1, 10.0);
        tree.hour(None, 10_800_000);
        let rows: Vec<(u64, u64, u64)> = tree.air.rows().map(|row| (row.time_ms, row.frames, row.airtime_us)).collect();
        assert_eq!(rows, [(3_600_000, 3, 30_000), (10_800_000, 1, 10_000)]);
    }

    #[test]
    fn hours_of_isolation_are_kept_by_reason() {
        let mut tree = Tree::new(2);
        tree.count([MeshStanding::Leaves, MeshStanding::HopLimit, MeshStanding::Leaves].into_iter());
        tree.pass(10);
        tree.recount(Some(MeshStanding::Leaves), None);
        tree.recount(None, Some(MeshStanding::ParentLost));
        tree.pass(5);
        let of = |why: MeshStanding| tree.isolated_ms[why as usize];
        assert_eq!([MeshStanding::Leaves, MeshStanding::HopLimit, MeshStanding::ParentLost].map(of), [25, 15, 5]);
    }
}
