//! How often things break, and from what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AssetKind, tamper::TamperParams};
use crate::{
    param::{Checks, ParamError},
    repair::RepairParams,
};

/// Failures in service and how repair is organised. Rates are long-run means of one such thing; [`AssetParams::none`]
/// is a world in which nothing breaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AssetParams {
    /// Inverter failures a year at 25 °C. Assumed: 0.1. Published for 1195 Swiss residential systems: 34.3 % fail first
    /// within 15 years, 0.028 a year at constant hazard; dust and overload in the field are taken as harder.
    pub inverter_failures_per_year: f64,
    /// Charge controller failures a year at 25 °C. Assumed: 0.05 (no source found).
    pub charge_controller_failures_per_year: f64,
    /// Trips of the battery's management system a year. Assumed: 0.5 (no source found).
    pub bms_trips_per_year: f64,
    /// Share of those trips that come back by themselves, 0–1. Assumed: 0.7.
    pub bms_self_clearing_share: f64,
    /// Mean time until such a trip has cleared, hours. Assumed: 1.
    pub bms_clears_after_h: f64,
    /// Trips of one feeder's breaker a year. Assumed: 1.
    pub breaker_trips_per_year: f64,
    /// Failures of one feeder's conductors, poles and joints a year. Assumed: 0.3.
    pub feeder_failures_per_year: f64,
    /// Failures of one meter a year. Assumed: 0.02 (no source found).
    pub meter_failures_per_year: f64,
    /// Failures of the data concentrator (board, supply) a year. Assumed: 0.1.
    pub dcu_failures_per_year: f64,
    /// Times a year that the data concentrator hangs until somebody cuts its power. Assumed: 0.5.
    pub dcu_hangs_per_year: f64,
    /// Failures of the site's router a year. Assumed: 0.05.
    pub router_failures_per_year: f64,
    /// Weibull shape of wear. Published for cellular base stations: 1 to 3; assumed here for the rest too: 1.5.
    pub wear_shape: f64,
    /// Ages at the start are spread evenly from new to this, years. Assumed: 6.
    pub oldest_years: f64,
    /// Rise of temperature that doubles the wear of power electronics, K. Assumed: 10 (the usual rule of thumb).
    pub heat_doubling_k: f64,
    /// Lightning strikes a year, near enough to break something. Assumed: 0.5 (no source found for a village's wires).
    pub lightning_strikes_per_year: f64,
    /// Probability that such a strike breaks the inverter, the charge controller, the concentrator or the router (each
    /// alone), 0–1. Assumed: 0.25.
    pub lightning_hits_electronics: f64,
    /// Probability that it breaks a feeder (each alone), 0–1. Assumed: 0.15.
    pub lightning_hits_feeder: f64,
    /// Probability that it breaks a meter (each alone), 0–1. Assumed: 0.01.
    pub lightning_hits_meter: f64,
    /// Thefts of panels a year. Assumed: 0.03 (no source found).
    pub panel_thefts_per_year: f64,
    /// Share of the panels that a theft takes, 0–1. Assumed: 0.25.
    pub panel_theft_share: f64,
    /// Thefts of cable from one feeder a year. Assumed: 0.03 (no source found).
    pub cable_thefts_per_year: f64,
    /// Hazards of logic at the edge, which only architectures that put it there have.
    pub edge: EdgeParams,
    /// Meters that open because they feel tampered with.
    pub tamper: TamperParams,
    /// From failure to mended.
    pub repair: RepairParams,
}

/// Hazards of keeping accounts, clock and keys at the site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EdgeParams {
    /// Times a year that the flash memory is worn out or corrupt and the concentrator waits in recovery. Assumed: 0.05.
    pub flash_failures_per_year: f64,
    /// Times a year that the battery of the clock is found empty: after a restart there is no time until the link gives
    /// it. Assumed: 0.1.
    pub clock_failures_per_year: f64,
    /// Times a year that the site loses the key of one meter, which must be given anew on site. Assumed: 0.002.
    pub key_losses_per_year: f64,
}

impl Default for EdgeParams {
    fn default() -> Self {
        Self { flash_failures_per_year: 0.05, clock_failures_per_year: 0.1, key_losses_per_year: 0.002 }
    }
}

impl EdgeParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .yearly("edge.flash_failures_per_year", self.flash_failures_per_year)
            .yearly("edge.clock_failures_per_year", self.clock_failures_per_year)
            .yearly("edge.key_losses_per_year", self.key_losses_per_year)
            .done()
    }
}

impl Default for AssetParams {
    fn default() -> Self {
        Self {
            inverter_failures_per_year: 0.1,
            charge_controller_failures_per_year: 0.05,
            bms_trips_per_year: 0.5,
            bms_self_clearing_share: 0.7,
            bms_clears_after_h: 1.0,
            breaker_trips_per_year: 1.0,
            feeder_failures_per_year: 0.3,
            meter_failures_per_year: 0.02,
            dcu_failures_per_year: 0.1,
            dcu_hangs_per_year: 0.5,
            router_failures_per_year: 0.05,
            wear_shape: 1.5,
            oldest_years: 6.0,
            heat_doubling_k: 10.0,
            lightning_strikes_per_year: 0.5,
            lightning_hits_electronics: 0.25,
            lightning_hits_feeder: 0.15,
            lightning_hits_meter: 0.01,
            panel_thefts_per_year: 0.03,
            panel_theft_share: 0.25,
            cable_thefts_per_year: 0.03,
            edge: EdgeParams::default(),
            tamper: TamperParams::default(),
            repair: RepairParams::default(),
        }
    }
}

impl AssetParams {
    /// Nothing breaks, nobody steals; repair as by default.
    #[must_use]
    pub fn none() -> Self {
        Self {
            inverter_failures_per_year: 0.0,
            charge_controller_failures_per_year: 0.0,
            bms_trips_per_year: 0.0,
            breaker_trips_per_year: 0.0,
            feeder_failures_per_year: 0.0,
            meter_failures_per_year: 0.0,
            dcu_failures_per_year: 0.0,
            dcu_hangs_per_year: 0.0,
            router_failures_per_year: 0.0,
            lightning_strikes_per_year: 0.0,
            panel_thefts_per_year: 0.0,
            cable_thefts_per_year: 0.0,
            edge: EdgeParams { flash_failures_per_year: 0.0, clock_failures_per_year: 0.0, key_losses_per_year: 0.0 },
            tamper: TamperParams { trips_per_meter_year: 0.0, ..TamperParams::default() },
            ..Self::default()
        }
    }

    /// What is out of range, repair included.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let mut found = Checks::default()
            .yearly("inverter_failures_per_year", self.inverter_failures_per_year)
            .yearly("charge_controller_failures_per_year", self.charge_controller_failures_per_year)
            .yearly("bms_trips_per_year", self.bms_trips_per_year)
            .share("bms_self_clearing_share", self.bms_self_clearing_share)
            .positive("bms_clears_after_h", self.bms_clears_after_h)
            .yearly("breaker_trips_per_year", self.breaker_trips_per_year)
            .yearly("feeder_failures_per_year", self.feeder_failures_per_year)
            .yearly("meter_failures_per_year", self.meter_failures_per_year)
            .yearly("dcu_failures_per_year", self.dcu_failures_per_year)
            .yearly("dcu_hangs_per_year", self.dcu_hangs_per_year)
            .yearly("router_failures_per_year", self.router_failures_per_year)
            .demand((0.5..=5.0).contains(&self.wear_shape), "wear_shape", self.wear_shape, "0.5 to 5")
            .demand((0.0..=50.0).contains(&self.oldest_years), "oldest_years", self.oldest_years, "0 to 50 years")
            .demand(
                (2.0..=1000.0).contains(&self.heat_doubling_k),
                "heat_doubling_k",
                self.heat_doubling_k,
                "2 to 1000 K",
            )
            .yearly("lightning_strikes_per_year", self.lightning_strikes_per_year)
            .share("lightning_hits_electronics", self.lightning_hits_electronics)
            .share("lightning_hits_feeder", self.lightning_hits_feeder)
            .share("lightning_hits_meter", self.lightning_hits_meter)
            .yearly("panel_thefts_per_year", self.panel_thefts_per_year)
            .share("panel_theft_share", self.panel_theft_share)
            .yearly("cable_thefts_per_year", self.cable_thefts_per_year)
            .done();
        found.extend(self.edge.check());
        found.extend(self.tamper.check());
        found.extend(self.repair.check());
        found
    }

    /// Failures a year by its own wear, and thefts a year.
    pub(super) fn per_year(&self, kind: AssetKind) -> (f64, f64) {
        match kind {
            AssetKind::Inverter => (self.inverter_failures_per_year, 0.0),
            AssetKind::ChargeController => (self.charge_controller_failures_per_year, 0.0),
            AssetKind::Panels => (0.0, self.panel_thefts_per_year),
            AssetKind::Bms => (self.bms_trips_per_year, 0.0),
            AssetKind::Breaker => (self.breaker_trips_per_year, 0.0),
            AssetKind::Conductor => (self.feeder_failures_per_year, self.cable_thefts_per_year),
            AssetKind::Dcu => (self.dcu_failures_per_year, 0.0),
            AssetKind::DcuHang => (self.dcu_hangs_per_year, 0.0),
            AssetKind::Router => (self.router_failures_per_year, 0.0),
            AssetKind::Meter => (self.meter_failures_per_year, 0.0),
            AssetKind::Flash => (self.edge.flash_failures_per_year, 0.0),
            AssetKind::Clock => (self.edge.clock_failures_per_year, 0.0),
            AssetKind::Keys => (self.edge.key_losses_per_year, 0.0),
        }
    }

    /// Probability that one lightning strike breaks it.
    pub(super) fn hit_by_lightning(&self, kind: AssetKind) -> f64 {
        match kind {
            AssetKind::Inverter | AssetKind::ChargeController | AssetKind::Dcu | AssetKind::Router => {
                self.lightning_hits_electronics
            }
            AssetKind::Conductor => self.lightning_hits_feeder,
            AssetKind::Meter => self.lightning_hits_meter,
            _ => 0.0,
        }
    }
}
