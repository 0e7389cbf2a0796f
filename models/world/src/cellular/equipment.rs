//! The tower's equipment: three parts with Weibull lives, mended by the operator's crew.
//!
//! *Published*: increasing failure rates, shape 1–3, four base stations over six months (Idiapho and Odinikuku 2018,
//! abstract). The shape belongs to a part's life; that months of different sites scatter more than chance comes from
//! the sites' differences ([`super::CellularParams::tower_frailty_sigma`]), not from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DownWhy, site_power::Crew};
use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::Checks,
    spells::{self, MONTH_H, Spell},
};

/// Lives of the tower's parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EquipmentParams {
    /// Weibull shape of the radio unit's life. Assumed: 1.3 (published range of base stations: 1–3).
    pub radio_shape: f64,
    /// Mean life of the radio unit at an average site, months. Assumed: 29.
    pub radio_mean_months: f64,
    /// Weibull shape of the transmission's life (microwave, feeder, connectors). Assumed: 1.8.
    pub transmission_shape: f64,
    /// Mean life of the transmission, months. Assumed: 23.
    pub transmission_mean_months: f64,
    /// Weibull shape of the controller's life (fans, cards). Assumed: 2.6.
    pub controller_shape: f64,
    /// Mean life of the controller, months. Assumed: 36.
    pub controller_mean_months: f64,
}

impl Default for EquipmentParams {
    fn default() -> Self {
        Self {
            radio_shape: 1.3,
            radio_mean_months: 29.0,
            transmission_shape: 1.8,
            transmission_mean_months: 23.0,
            controller_shape: 2.6,
            controller_mean_months: 36.0,
        }
    }
}

impl EquipmentParams {
    pub(super) fn checked(&self, checks: Checks) -> Checks {
        const SHAPE: &str = "0.5 to 5";
        let shape = |k: f64| (0.5..=5.0).contains(&k);
        checks
            .demand(shape(self.radio_shape), "equipment.radio_shape", self.radio_shape, SHAPE)
            .between("equipment.radio_mean_months", self.radio_mean_months)
            .demand(shape(self.transmission_shape), "equipment.transmission_shape", self.transmission_shape, SHAPE)
            .between("equipment.transmission_mean_months", self.transmission_mean_months)
            .demand(shape(self.controller_shape), "equipment.controller_shape", self.controller_shape, SHAPE)
            .between("equipment.controller_mean_months", self.controller_mean_months)
    }

    /// The parts: name, Weibull shape, mean life in months.
    #[must_use]
    pub const fn parts(&self) -> [(&'static str, f64, f64); 3] {
        [
            ("radio", self.radio_shape, self.radio_mean_months),
            ("transmission", self.transmission_shape, self.transmission_mean_months),
            ("controller", self.controller_shape, self.controller_mean_months),
        ]
    }
}

/// A life in hours of a part with this shape and mean.
#[must_use]
pub fn life_h(shape: f64, mean_h: f64, draws: &mut Draws) -> f64 {
    draws.weibull(shape, mean_h / libm::tgamma(1.0 + 1.0 / shape))
}

const PURPOSES: [Purpose; 3] = [
    Purpose::named("cellular/equipment/radio"),
    Purpose::named("cellular/equipment/transmission"),
    Purpose::named("cellular/equipment/controller"),
];

/// When equipment of the tower `key` is broken.
pub(super) fn outages(
    p: &EquipmentParams,
    crew: &Crew,
    trouble: f64,
    key: NodeKey,
    seed: u64,
    rep: u32,
    horizon_ms: u64,
) -> Vec<(Spell, DownWhy)> {
    let mut all = Vec::new();
    for ((_, shape, mean_months), purpose) in p.parts().into_iter().zip(PURPOSES) {
        let mean_h = mean_months * MONTH_H / trouble;
        if !mean_h.is_finite() {
            continue;
        }
        // Parts in the field have every age: three mean lives before the run the first one was new.
        let warm_up_ms = spells::to_ms(mean_h.min(87_660.0) * 3.0);
        let life = |draws: &mut Draws| life_h(shape, mean_h, draws);
        let repair = |draws: &mut Draws, _: i64| Some((crew.arrives_after_h(draws), DownWhy::Equipment));
        all.extend(spells::alternating(seed, rep, key, purpose, warm_up_ms, horizon_ms, life, repair));
    }
    all
}
