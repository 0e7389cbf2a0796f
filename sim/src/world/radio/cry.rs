//! One frame of a meter that may be dark: who of its neighbours hears it, and whether it gets to the root from there.
//!
//! A neighbour that is dark has no radio to listen with; one that is lit and has a route passes the packet on like any
//! other message. Several meters that cry in the same slot drown each other, but for the one that is heard much louder.

use taa_models::{
    draw::{Draws, Purpose},
    mesh::{Air, Delivery},
};

use super::Mesh;

const CRY_DRAWS: Purpose = Purpose::named("last gasp");
/// Neighbours that may take the packet, the best ways first.
const LISTENERS: usize = 3;

/// What became of a cry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cry {
    /// Nobody who could pass it on has heard it.
    Unheard,
    /// A neighbour has, and it was lost on the way from there.
    Lost,
    /// It arrives at the root after so long.
    Arrives { delay_ms: u64 },
}

impl Mesh {
    /// The meter has sent this many octets in one frame, for the `occasion`-th time. `loudest` is the strongest signal of
    /// others that were on the air meanwhile, as that node hears them, dB over the noise.
    pub(crate) fn cry(
        &mut self,
        seed: (u64, u32),
        (meter, occasion): (u32, u64),
        octets: usize,
        loudest: impl Fn(&Self, usize) -> Option<f64>,
        now_ms: u64,
    ) -> Cry {
        /// A frame this much stronger than all others together is taken in all the same (assumed: FSK, dB).
        const CAPTURE_DB: f64 = 8.0;
        self.refresh(now_ms);
        let node = meter as usize;
        let root = self.topology.root();
        let air = |column: &[f32], at: usize| f64::from(column.get(at).copied().unwrap_or(0.0));
        let Air { noise_rise_db, loss_db, leaves } = &self.air;
        let mut ways: Vec<(f64, usize, f64)> = self
            .topology
            .links_of(node)
            .map(|link| (link, link.other(node)))
            .filter(|(_, other)| self.usable[*other] && self.routes.has_route(*other))
            .map(|(link, other)| {
                let cost = link.etx + f64::from(self.routes.path_etx[other]);
                let lost_db = air(noise_rise_db, other) + air(loss_db, other) + air(loss_db, node);
                (cost, other, link.heard_from_db(node) - lost_db - link.leaves_db * f64::from(*leaves))
            })
            .collect();
        ways.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(self.keys[a.1].0.cmp(&self.keys[b.1].0)));
        let mut draws = Draws::keyed(seed.0, seed.1, self.keys[node], CRY_DRAWS, occasion);
        for (_, listener, snr_db) in ways.into_iter().take(LISTENERS) {
            // Drawn in any case: whether others cry changes nothing for the next listener.
            let heard = draws.chance(self.topology.frame_success(listener, snr_db, octets));
            if !heard || loudest(self, listener).is_some_and(|other_db| snr_db < other_db + CAPTURE_DB) {
                continue;
            }
            if listener == root {
                return Cry::Arrives { delay_ms: self.params.ends_median_ms as u64 };
            }
            return match self.topology.deliver(&self.routes, listener, octets, true, &mut self.powers, &mut draws) {
                Delivery::Delivered { delay_ms, .. } => Cry::Arrives { delay_ms },
                Delivery::Lost { .. } => Cry::Lost,
            };
        }
        Cry::Unheard
    }

    /// How strong a meter hears its parent, dBm, as routes or the tree stand; nothing without one.
    pub(crate) fn parent_dbm(&self, meter: u32) -> Option<f64> {
        let node = meter as usize;
        if let Some(frames) = &self.frames {
            return frames.parent_dbm(node).map(f64::from);
        }
        let parent = (*self.routes.parent.get(node)?)? as usize;
        let link = self.topology.link(node, parent)?;
        let lost_db = |at: usize| f64::from(self.air.loss_db.get(at).copied().unwrap_or(0.0));
        let leaves_db = link.leaves_db * f64::from(self.air.leaves);
        Some(link.heard_from_dbm(parent) - lost_db(node) - lost_db(parent) - leaves_db)
    }

    /// Alive and joined.
    pub(crate) fn is_joined(&self, meter: u32) -> bool {
        self.alive.get(meter as usize).copied().unwrap_or(false)
    }

    /// The meters among the neighbours of a node, and how strong each is heard there, dB over the noise.
    pub(crate) fn heard_at(&self, node: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let links = self.topology.links_of(node);
        links.map(move |link| (link.other(node), link.heard_from_db(link.other(node))))
    }
}
