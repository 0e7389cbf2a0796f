//! The battery bank: energy in, energy out, limits of power and of charge.
//!
//! A bucket with losses: charging loses the square root of the round-trip efficiency, discharging the other one.
//! Charge acceptance falls towards full (from 95 % for LFP, from 80 % for lead-acid), as chargers taper. Voltage, ageing
//! and temperature are for a later, deeper model behind the same calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::param::{Checks, ParamError};

/// What is in the cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Chemistry {
    /// Lithium iron phosphate.
    #[default]
    Lfp,
    /// Lead-acid (tubular or gel).
    LeadAcid,
}

/// The bank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BatteryParams {
    /// Nominal capacity, kWh. Assumed; `plant::size_for` computes it.
    pub capacity_kwh: f64,
    /// Chemistry. The other defaults are for LFP; [`BatteryParams::lead_acid`] has those for lead-acid.
    pub chemistry: Chemistry,
    /// State of charge at which discharge stops, 0–1. Assumed: 0.1 LFP, 0.5 lead-acid (usual settings).
    pub min_soc: f64,
    /// State of charge at which supply returns after an empty battery, 0–1. Assumed: 0.1 above `min_soc`… 0.25 LFP,
    /// 0.6 lead-acid; lower values make the plant flap in the morning.
    pub reconnect_soc: f64,
    /// State of charge at the start of the run, 0–1. Assumed: 0.6, a usual midnight.
    pub initial_soc: f64,
    /// Largest charging power as a multiple of capacity per hour, 1/h. Assumed: 0.5 LFP, 0.15 lead-acid.
    pub max_charge_c: f64,
    /// Largest discharging power as a multiple of capacity per hour, 1/h. Assumed: 0.8 LFP, 0.3 lead-acid.
    pub max_discharge_c: f64,
    /// Energy out per energy in, 0–1. Assumed: 0.92 LFP, 0.80 lead-acid (usual data-sheet figures, DC).
    pub round_trip_efficiency: f64,
    /// Charge lost standing, share of capacity a day. Assumed: 0.001 (LFP with its management), 0.002 lead-acid.
    pub self_discharge_per_day: f64,
}

impl Default for BatteryParams {
    fn default() -> Self {
        Self {
            capacity_kwh: 120.0,
            chemistry: Chemistry::Lfp,
            min_soc: 0.10,
            reconnect_soc: 0.25,
            initial_soc: 0.60,
            max_charge_c: 0.5,
            max_discharge_c: 0.8,
            round_trip_efficiency: 0.92,
            self_discharge_per_day: 0.001,
        }
    }
}

impl BatteryParams {
    /// Usual figures for a lead-acid bank of this size.
    #[must_use]
    pub fn lead_acid(capacity_kwh: f64) -> Self {
        Self {
            capacity_kwh,
            chemistry: Chemistry::LeadAcid,
            min_soc: 0.50,
            reconnect_soc: 0.60,
            initial_soc: 0.80,
            max_charge_c: 0.15,
            max_discharge_c: 0.3,
            round_trip_efficiency: 0.80,
            self_discharge_per_day: 0.002,
        }
    }

    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .demand(
                self.capacity_kwh > 0.0 && self.capacity_kwh <= 1e6,
                "battery.capacity_kwh",
                self.capacity_kwh,
                "more than 0, up to 1000000 kWh",
            )
            .demand((0.0..1.0).contains(&self.min_soc), "battery.min_soc", self.min_soc, "0 to less than 1")
            .demand(
                self.reconnect_soc >= self.min_soc && self.reconnect_soc < 1.0,
                "battery.reconnect_soc",
                self.reconnect_soc,
                "`min_soc` or more, less than 1",
            )
            .share("battery.initial_soc", self.initial_soc)
            .demand(
                self.max_charge_c > 0.0 && self.max_charge_c <= 10.0,
                "battery.max_charge_c",
                self.max_charge_c,
                "more than 0, up to 10 per hour",
            )
            .demand(
                self.max_discharge_c > 0.0 && self.max_discharge_c <= 10.0,
                "battery.max_discharge_c",
                self.max_discharge_c,
                "more than 0, up to 10 per hour",
            )
            .demand(
                self.round_trip_efficiency > 0.3 && self.round_trip_efficiency <= 1.0,
                "battery.round_trip_efficiency",
                self.round_trip_efficiency,
                "more than 0.3, up to 1",
            )
            .demand(
                (0.0..=0.1).contains(&self.self_discharge_per_day),
                "battery.self_discharge_per_day",
                self.self_discharge_per_day,
                "0 to 0.1 a day",
            )
            .done()
    }
}

/// The bank as it stands. Powers are at the terminals: positive charges, negative discharges.
#[derive(Clone, Debug)]
pub struct Battery {
    params: BatteryParams,
    stored_wh: f64,
    discharged_wh: f64,
    lost_wh: f64,
    one_way: f64,
}

impl Battery {
    /// A bank at its initial state of charge.
    #[must_use]
    pub fn new(params: &BatteryParams) -> Self {
        Self {
            stored_wh: params.initial_soc.clamp(0.0, 1.0) * params.capacity_kwh * 1000.0,
            discharged_wh: 0.0,
            lost_wh: 0.0,
            one_way: libm::sqrt(params.round_trip_efficiency),
            params: params.clone(),
        }
    }

    /// State of charge, 0–1.
    #[must_use]
    pub fn soc(&self) -> f64 {
        self.stored_wh / self.capacity_wh()
    }

    /// Energy stored, Wh.
    #[must_use]
    pub fn stored_wh(&self) -> f64 {
        self.stored_wh
    }

    /// Energy lost in conversion and standing so far, Wh.
    #[must_use]
    pub fn lost_wh(&self) -> f64 {
        self.lost_wh
    }

    /// Energy taken out of the cells so far in units of the nominal capacity: equivalent full cycles.
    #[must_use]
    pub fn equivalent_cycles(&self) -> f64 {
        self.discharged_wh / self.capacity_wh()
    }

    /// Most power that it takes over the next `dt_s` seconds, W.
    #[must_use]
    pub fn charge_limit_w(&self, dt_s: f64) -> f64 {
        let taper_from = match self.params.chemistry {
            Chemistry::Lfp => 0.95,
            Chemistry::LeadAcid => 0.80,
        };
        // At full, a twentieth of the current still flows: otherwise full is never reached.
        let taper = ((1.0 - self.soc()) / (1.0 - taper_from)).clamp(0.05, 1.0);
        let room = (self.capacity_wh() - self.stored_wh).max(0.0) / self.one_way * 3600.0 / dt_s;
        (self.params.max_charge_c * self.capacity_wh() * taper).min(room)
    }

    /// Most power that it gives over the next `dt_s` seconds without going below its minimum, W.
    #[must_use]
    pub fn discharge_limit_w(&self, dt_s: f64) -> f64 {
        self.rated_discharge_w().min(self.usable_wh() * 3600.0 / dt_s)
    }

    /// The power limit of discharge alone, however much is stored, W.
    #[must_use]
    pub fn rated_discharge_w(&self) -> f64 {
        self.params.max_discharge_c * self.capacity_wh()
    }

    /// Energy that it can still give at the terminals, Wh.
    #[must_use]
    pub fn usable_wh(&self) -> f64 {
        (self.stored_wh - self.params.min_soc * self.capacity_wh()).max(0.0) * self.one_way
    }

    /// Lets `dt_s` seconds pass at `wanted_w` (positive charges). Returns the power that flowed, within the limits.
    pub fn step(&mut self, dt_s: f64, wanted_w: f64) -> f64 {
        if dt_s <= 0.0 {
            return 0.0;
        }
        let hours = dt_s / 3600.0;
        let flowed = wanted_w.clamp(-self.discharge_limit_w(dt_s), self.charge_limit_w(dt_s));
        let before = self.stored_wh;
        if flowed >= 0.0 {
            self.stored_wh += flowed * hours * self.one_way;
        } else {
            let taken = -flowed * hours / self.one_way;
            self.stored_wh -= taken;
            self.discharged_wh += taken;
        }
        self.stored_wh -= self.params.self_discharge_per_day * self.capacity_wh() * dt_s / 86_400.0;
        self.stored_wh = self.stored_wh.clamp(0.0, self.capacity_wh());
        self.lost_wh += flowed * hours - (self.stored_wh - before);
        flowed
    }

    fn capacity_wh(&self) -> f64 {
        self.params.capacity_kwh * 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn full_to_empty_and_back_loses_the_round_trip() {
        let params = BatteryParams {
            initial_soc: 0.1,
            self_discharge_per_day: 0.0,
            ..BatteryParams { capacity_kwh: 10.0, ..BatteryParams::default() }
        };
        let mut bank = Battery::new(&params);
        let (mut into, mut out) = (0.0, 0.0);
        while bank.soc() < 0.999 {
            into += bank.step(60.0, 5000.0) / 60.0;
        }
        while bank.usable_wh() > 1e-6 {
            out -= bank.step(60.0, -2000.0) / 60.0;
        }
        assert!((out / into - 0.92).abs() < 1e-3, "{}", out / into);
        assert!((bank.equivalent_cycles() - 0.9).abs() < 2e-3);
    }

    #[test]
    fn lead_acid_tapers_earlier() {
        let at = |params: BatteryParams| {
            let bank = Battery::new(&BatteryParams { initial_soc: 0.9, ..params });
            bank.charge_limit_w(60.0) / bank.params.max_charge_c
        };
        assert!(at(BatteryParams::lead_acid(10.0)) < at(BatteryParams { capacity_kwh: 10.0, ..Default::default() }));
    }

    proptest! {
        #[test]
        fn charge_stays_in_bounds_and_energy_is_accounted_for(
            powers in prop::collection::vec((-20_000.0_f64..20_000.0, 1.0_f64..7200.0), 1..200),
            lead in any::<bool>(),
        ) {
            let params = if lead { BatteryParams::lead_acid(12.0) }
                else { BatteryParams { capacity_kwh: 12.0, ..Default::default() } };
            let mut bank = Battery::new(&params);
            let start = bank.stored_wh();
            let mut net = 0.0;
            for (power, dt) in powers {
                let flowed = bank.step(dt, power);
                net += flowed * dt / 3600.0;
                prop_assert!((-1e-12..=1.0 + 1e-12).contains(&bank.soc()));
                prop_assert!(flowed.abs() <= power.abs() + 1e-9);
            }
            prop_assert!((start + net - bank.lost_wh() - bank.stored_wh()).abs() < 1e-6);
            prop_assert!(bank.lost_wh() >= -1e-9);
        }
    }
}
