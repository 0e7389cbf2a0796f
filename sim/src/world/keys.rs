//! The site's keys: one master key drawn per seed, and from it those of every meter.
//!
//! Password, encryption, authentication and master key of a meter follow from the site's master key and the meter's
//! name (`taa_keys::MeterKeys`), as a provisioning bench would make them. DCU and meter are given the same ones.

use taa_keys::{Key, MeterKeys};
use taa_meter::MeterAccess;
use taa_models::draw::{Draws, NodeKey, Purpose};

const MASTER: Purpose = Purpose::named("site master key");
const METER: Purpose = Purpose::named("meter entropy");

/// The master key of a site.
pub(crate) struct SiteKeys(Key);

impl SiteKeys {
    /// Drawn for this run.
    pub(crate) fn draw(seed: (u64, u32)) -> Self {
        Self(Key::Aes256(bytes(seed, NodeKey::of("/dcu"), MASTER)))
    }

    /// The master of the keys that seal outage packets.
    pub(crate) fn gasp_master(&self) -> Key {
        self.0.clone()
    }

    /// What the DCU holds of a meter.
    pub(crate) fn of(&self, meter: &str) -> MeterKeys {
        MeterKeys::derive(&self.0, meter).expect("these labels and lengths are sound")
    }

    /// What the meter itself holds.
    pub(crate) fn meter(&self, meter: &str) -> MeterAccess {
        MeterAccess::derived(&self.0, meter).expect("these labels and lengths are sound")
    }
}

/// What a meter's challenges begin with.
pub(crate) fn meter_entropy(seed: (u64, u32), customer: NodeKey) -> [u8; 32] {
    bytes(seed, customer, METER)
}

fn bytes(seed: (u64, u32), node: NodeKey, purpose: Purpose) -> [u8; 32] {
    let mut draws = Draws::keyed(seed.0, seed.1, node, purpose, 0);
    let mut out = [0; 32];
    for chunk in out.chunks_exact_mut(8) {
        chunk.copy_from_slice(&draws.u64().to_le_bytes());
    }
    out
}
