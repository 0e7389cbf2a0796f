//! Why a meter is cut off, frame by frame: what the network itself says, unless no routing could help.
//!
//! It is bookkeeping: the DCU knows nothing of it, and nothing in the run but the causes of lost hours depends on it.

use taa_models::mesh::{NoRoute, Routes};
use taa_scenarios::model::FaultKind;

use super::Mesh;
use crate::records::MeshStanding;

impl Mesh {
    /// Why a node is cut off. The network's own word is `told`; it stands where the best routing could reach the
    /// node through those that have power now.
    pub(in crate::world) fn why_cut_off(&self, node: usize, told: MeshStanding) -> MeshStanding {
        self.why(node, told, &self.best_routes())
    }

    fn why(&self, node: usize, told: MeshStanding, best: &Routes) -> MeshStanding {
        if !self.alive[self.topology.root()] {
            MeshStanding::RootDown
        } else if self.own_trouble(node, true).is_some() {
            MeshStanding::RoutesCollapsed
        } else if self.own_trouble(node, false).is_some() {
            MeshStanding::Disturbed
        } else {
            self.no_way(node, best).unwrap_or(told)
        }
    }

    /// The routes that the best routing would have now, through all that have power.
    fn best_routes(&self) -> Routes {
        let dark = |node: usize| self.tree.standing(node) == Some(MeshStanding::Dark);
        let collapsed = |node: usize| self.own_trouble(node, true).is_some();
        let powered: Vec<bool> = (0..self.keys.len()).map(|node| !dark(node) && !collapsed(node)).collect();
        self.topology.routes(&powered, &self.air)
    }

    /// Why no routing could reach this node, where that is so.
    fn no_way(&self, node: usize, best: &Routes) -> Option<MeshStanding> {
        let in_air = self.troubles.iter().any(|t| t.what != FaultKind::RoutesCollapsed);
        Some(match best.why_not.get(node).copied().flatten()? {
            NoRoute::HopLimit => MeshStanding::HopLimit,
            NoRoute::Jammed if in_air => MeshStanding::Disturbed,
            NoRoute::Jammed => MeshStanding::Leaves,
            NoRoute::ForwarderDark | NoRoute::SelfDark => MeshStanding::ForwarderDark,
            NoRoute::OutOfRange => MeshStanding::OutOfRange,
        })
    }

    /// Which nodes' parents lead back to one of them, whether or not there is another way. Whether that is news of
    /// some. Their neighbours still hear them, and the DCU does not know: only the books say that they are cut off.
    pub(in crate::world) fn looped(&mut self, loops: &[bool], now_ms: u64) -> bool {
        let in_tree = |node: usize| self.tree.standing(node) == Some(MeshStanding::InTree);
        let turns = |node: &usize| loops[*node] != self.looping[*node] && (self.looping[*node] || in_tree(*node));
        let news: Vec<usize> = (0..loops.len().min(self.looping.len())).filter(turns).collect();
        if news.is_empty() {
            return false;
        }
        let best = self.best_routes();
        self.integrate(now_ms);
        for node in news {
            self.looping[node] = loops[node];
            let in_loop = || self.why(node, MeshStanding::InLoop, &best);
            let standing = if loops[node] { in_loop() } else { MeshStanding::InTree };
            self.tree.stands(node, standing, now_ms);
            self.book(node, Some(standing).filter(|standing| standing.is_isolated()));
        }
        true
    }

    /// The border router is back, and who was cut off for its sake has not found it yet.
    pub(super) fn root_is_back(&mut self, now_ms: u64) {
        let waits = |meter: &usize| self.cut_off[*meter] == Some(MeshStanding::RootDown);
        let waiting: Vec<usize> = (0..self.meters).filter(waits).collect();
        if waiting.is_empty() {
            return;
        }
        let best = self.best_routes();
        self.integrate(now_ms);
        for meter in waiting {
            let told = if self.looping[meter] { MeshStanding::InLoop } else { MeshStanding::PanTimeout };
            let standing = self.why(meter, told, &best);
            self.tree.stands(meter, standing, now_ms);
            self.book(meter, Some(standing));
        }
    }

    /// A meter is cut off from now on, for that reason, or is not.
    pub(super) fn book(&mut self, meter: usize, is: Option<MeshStanding>) {
        let Some(now) = self.cut_off.get_mut(meter) else { return };
        let was = std::mem::replace(now, is);
        self.tree.recount(was, is);
        match (was, is) {
            (None, Some(_)) => self.isolated += 1,
            (Some(_), None) => self.isolated = self.isolated.saturating_sub(1),
            _ => {}
        }
    }

    /// Why a meter that should serve does not.
    pub(in crate::world) fn cut_off(&self, meter: usize) -> Option<MeshStanding> {
        self.cut_off.get(meter).copied().flatten()
    }
}
