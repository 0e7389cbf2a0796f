//! Panels, battery and inverter together: whether the feeders have voltage, and why not.
//!
//! The battery hangs on the DC side: a charge controller takes what the panels give, the inverter takes the load from
//! sun first and battery second. [`Plant::step`] lets a while pass with constant sun and load; call it whenever one of
//! them changes, and at least every few minutes while the battery is low.
//!
//! - **Empty.** When the battery reaches its minimum, supply stops within the step ([`PlantStep::fed_s`] says when)
//!   and returns at `reconnect_soc`. Panels charge meanwhile.
//! - **Overload.** When the load is above the inverter's limit, or needs more than sun and the battery's rated power
//!   give, the inverter trips at once, restarts after `overload_restart_s`, and doubles that wait with every trip that
//!   follows within half an hour of feeding, up to an hour.
//! - **Battery off line** ([`Plant::set_battery_online`]): the panels alone carry the load as long as they can; where
//!   they cannot, supply stops until they can, tried again after `overload_restart_s`.
//! - **Forced off** (a failed inverter, a scripted fault) stops supply as long as the caller says so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    battery::{Battery, BatteryParams},
    param::{Checks, ParamError},
    pv::PvParams,
};

/// Panels, battery, inverter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlantParams {
    /// Panels.
    pub pv: PvParams,
    /// Battery.
    pub battery: BatteryParams,
    /// Rated AC power of the inverter, kW. Assumed; [`size_for`] computes it.
    pub inverter_kw: f64,
    /// AC power out per DC power in, 0–1. Assumed: 0.94, a usual weighted figure of off-grid inverters.
    pub inverter_efficiency: f64,
    /// Power that the running inverter takes for itself, share of its rating. Assumed: 0.006.
    pub standby_share: f64,
    /// Load at which it trips, as a multiple of its rating. Assumed: 1.1, sustained.
    pub overload_share: f64,
    /// Load that it carries for the seconds in which a motor starts, as a multiple of its rating. Assumed: 2, as data
    /// sheets of battery inverters give for 5 s.
    pub surge_share: f64,
    /// Wait before the restart after an overload, seconds. Assumed: 60.
    pub overload_restart_s: f64,
}

impl Default for PlantParams {
    fn default() -> Self {
        Self {
            pv: PvParams::default(),
            battery: BatteryParams::default(),
            inverter_kw: 30.0,
            inverter_efficiency: 0.94,
            standby_share: 0.006,
            overload_share: 1.1,
            surge_share: 2.0,
            overload_restart_s: 60.0,
        }
    }
}

impl PlantParams {
    /// What is out of range, battery and panels included.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let mut found = Checks::default()
            .demand(
                self.inverter_kw > 0.0 && self.inverter_kw <= 100_000.0,
                "inverter_kw",
                self.inverter_kw,
                "more than 0, up to 100000 kW",
            )
            .demand(
                self.inverter_efficiency > 0.5 && self.inverter_efficiency <= 1.0,
                "inverter_efficiency",
                self.inverter_efficiency,
                "more than 0.5, up to 1",
            )
            .demand((0.0..=0.1).contains(&self.standby_share), "standby_share", self.standby_share, "0 to 0.1")
            .demand((1.0..=3.0).contains(&self.overload_share), "overload_share", self.overload_share, "1 to 3")
            .demand((1.0..=6.0).contains(&self.surge_share), "surge_share", self.surge_share, "1 to 6")
            .demand(
                (1.0..=86_400.0).contains(&self.overload_restart_s),
                "overload_restart_s",
                self.overload_restart_s,
                "1 to 86400 seconds",
            )
            .done();
        found.extend(self.pv.check());
        found.extend(self.battery.check());
        found
    }
}

/// Why supply stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trip {
    /// The battery reached its minimum.
    BatteryEmpty,
    /// More load than the inverter, or sun and battery together, can carry.
    Overload,
    /// The battery is off line and the sun alone does not carry the load.
    BatteryOffline,
}

/// What one step did: means over the step, state at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlantStep {
    /// The feeders have voltage at the end of the step.
    pub feeding: bool,
    /// PV power used, W.
    pub pv_used_w: f64,
    /// Load served, W (mean over the whole step, also when supply stopped within it).
    pub load_served_w: f64,
    /// State of charge at the end, 0–1.
    pub battery_soc: f64,
    /// Battery power, W; positive charges.
    pub battery_w: f64,
    /// Supply stopped in this step, for this reason.
    pub trip: Option<Trip>,
    /// Seconds of the step for which the feeders had voltage, from its start.
    pub fed_s: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Feeding { for_s: f64 },
    Empty,
    Tripped { left_s: f64, why: Trip },
}

/// The plant.
#[derive(Clone, Debug)]
pub struct Plant {
    params: PlantParams,
    battery: Battery,
    battery_online: bool,
    mode: Mode,
    trips_in_a_row: u32,
}

const FORGIVEN_AFTER_S: f64 = 1800.0;
const LONGEST_RESTART_S: f64 = 3600.0;

impl Plant {
    /// A plant that feeds, unless its battery starts below the reconnect level.
    #[must_use]
    pub fn new(params: &PlantParams) -> Self {
        let battery = Battery::new(&params.battery);
        let mode = if battery.usable_wh() > 0.0 { Mode::Feeding { for_s: 0.0 } } else { Mode::Empty };
        Self { params: params.clone(), battery, battery_online: true, mode, trips_in_a_row: 0 }
    }

    /// The feeders would have voltage if nothing forces the inverter off.
    #[must_use]
    pub fn feeding(&self) -> bool {
        matches!(self.mode, Mode::Feeding { .. })
    }

    /// Why it does not feed.
    #[must_use]
    pub fn tripped(&self) -> Option<Trip> {
        match self.mode {
            Mode::Feeding { .. } => None,
            Mode::Empty => Some(Trip::BatteryEmpty),
            Mode::Tripped { why, .. } => Some(why),
        }
    }

    /// Seconds until an overload restart, where one is pending.
    #[must_use]
    pub fn restart_in_s(&self) -> Option<f64> {
        match self.mode {
            Mode::Tripped { left_s, .. } => Some(left_s),
            _ => None,
        }
    }

    /// The battery, to read.
    #[must_use]
    pub fn battery(&self) -> &Battery {
        &self.battery
    }

    /// Equivalent full cycles of the battery so far.
    #[must_use]
    pub fn equivalent_cycles(&self) -> f64 {
        self.battery.equivalent_cycles()
    }

    /// The battery is taken off the bus, or put back.
    pub fn set_battery_online(&mut self, online: bool) {
        self.battery_online = online;
        if online && matches!(self.mode, Mode::Tripped { why: Trip::BatteryOffline, .. }) {
            self.mode = if self.battery.usable_wh() > 0.0 { Mode::Feeding { for_s: 0.0 } } else { Mode::Empty };
        }
    }

    /// Lets `dt_s` seconds pass. `pv_available_w` is the panels' best power (DC), `wanted_load_w` what the feeders
    /// would take (AC). While off, the load is not served and the panels charge.
    pub fn step(&mut self, dt_s: f64, pv_available_w: f64, wanted_load_w: f64, forced_off: bool) -> PlantStep {
        let pv = pv_available_w.max(0.0);
        let load = wanted_load_w.max(0.0);
        if dt_s <= 0.0 {
            return PlantStep { feeding: self.feeding() && !forced_off, ..self.still() };
        }
        if forced_off {
            let off = self.charge(dt_s, pv);
            self.wait(dt_s);
            return PlantStep { feeding: false, ..off };
        }
        match self.mode {
            Mode::Feeding { for_s } => self.feed(dt_s, pv, load, for_s),
            Mode::Empty | Mode::Tripped { .. } => {
                let off = self.charge(dt_s, pv);
                self.wait(dt_s);
                if !self.battery_online && self.feeding() && self.overloaded(pv, load) {
                    let left_s = self.params.overload_restart_s;
                    self.mode = Mode::Tripped { left_s, why: Trip::BatteryOffline };
                }
                PlantStep { feeding: self.feeding(), ..off }
            }
        }
    }

    /// DC power that this load takes from sun and battery, W.
    fn need_w(&self, load_w: f64) -> f64 {
        load_w / self.params.inverter_efficiency + self.params.standby_share * self.params.inverter_kw * 1000.0
    }

    /// More than the inverter, or sun and battery's rated power together, can carry.
    fn overloaded(&self, pv_w: f64, load_w: f64) -> bool {
        load_w > self.params.overload_share * self.params.inverter_kw * 1000.0
            || self.need_w(load_w) - pv_w > if self.battery_online { self.battery.rated_discharge_w() } else { 0.0 }
    }

    /// The load has changed to this: trips at once when that is too much. True when it has tripped.
    pub fn load_changed(&mut self, pv_available_w: f64, wanted_load_w: f64) -> bool {
        let trips = self.strained(pv_available_w, wanted_load_w);
        if trips {
            self.trip();
        }
        trips
    }

    /// Appliances start, and for some seconds the load is this: trips at once when that is too much for the inverter
    /// (the battery's rating is one of energy and heat, seconds do not touch it). True when it has tripped.
    pub fn surge(&mut self, peak_load_w: f64) -> bool {
        let trips = self.feeding() && peak_load_w > self.params.surge_share * self.params.inverter_kw * 1000.0;
        if trips {
            self.trip();
        }
        trips
    }

    /// It feeds, and this load would trip it.
    #[must_use]
    pub fn strained(&self, pv_available_w: f64, wanted_load_w: f64) -> bool {
        self.feeding() && self.overloaded(pv_available_w.max(0.0), wanted_load_w.max(0.0))
    }

    /// Seconds until the battery is empty at this sun and load; `None` while sun carries the load or nothing feeds.
    #[must_use]
    pub fn empty_in_s(&self, pv_available_w: f64, wanted_load_w: f64) -> Option<f64> {
        let short = self.need_w(wanted_load_w) - pv_available_w;
        (self.feeding() && self.battery_online && short > 0.0).then(|| self.battery.usable_wh() * 3600.0 / short)
    }

    fn trip(&mut self) {
        if !self.battery_online {
            self.mode = Mode::Tripped { left_s: self.params.overload_restart_s, why: Trip::BatteryOffline };
            return;
        }
        let wait = self.params.overload_restart_s * f64::from(1_u32 << self.trips_in_a_row.min(12));
        self.trips_in_a_row += 1;
        self.mode = Mode::Tripped {
            left_s: wait.min(LONGEST_RESTART_S.max(self.params.overload_restart_s)),
            why: Trip::Overload,
        };
    }

    fn feed(&mut self, dt_s: f64, pv: f64, load: f64, for_s: f64) -> PlantStep {
        let need = self.need_w(load);
        let short = need - pv;
        if self.overloaded(pv, load) {
            self.trip();
            let off = self.charge(dt_s, pv);
            return PlantStep { feeding: false, trip: self.tripped(), ..off };
        }
        if short <= 0.0 {
            let battery_w = if self.battery_online { self.battery.step(dt_s, -short) } else { 0.0 };
            self.fed_for(for_s + dt_s);
            return PlantStep {
                feeding: true,
                pv_used_w: need + battery_w,
                load_served_w: load,
                battery_soc: self.battery.soc(),
                battery_w,
                trip: None,
                fed_s: dt_s,
            };
        }
        // The battery lasts this long; less than a millisecond short counts as enough.
        let lasts_s = self.battery.usable_wh() * 3600.0 / short;
        if lasts_s >= dt_s - 1e-3 {
            let battery_w = self.battery.step(dt_s, -short);
            self.fed_for(for_s + dt_s);
            return PlantStep {
                feeding: true,
                pv_used_w: pv,
                load_served_w: load,
                battery_soc: self.battery.soc(),
                battery_w,
                trip: None,
                fed_s: dt_s,
            };
        }
        let first = self.battery.step(lasts_s, -short) * lasts_s;
        self.mode = Mode::Empty;
        let rest_s = dt_s - lasts_s;
        let off = self.charge(rest_s, pv);
        PlantStep {
            feeding: false,
            pv_used_w: (pv * lasts_s + off.pv_used_w * rest_s) / dt_s,
            load_served_w: load * lasts_s / dt_s,
            battery_soc: self.battery.soc(),
            battery_w: (first + off.battery_w * rest_s) / dt_s,
            trip: Some(Trip::BatteryEmpty),
            fed_s: lasts_s,
        }
    }

    fn charge(&mut self, dt_s: f64, pv: f64) -> PlantStep {
        let battery_w = if self.battery_online { self.battery.step(dt_s, pv) } else { 0.0 };
        PlantStep { pv_used_w: battery_w, battery_w, battery_soc: self.battery.soc(), ..self.still() }
    }

    /// Lets the reasons for being off run out.
    fn wait(&mut self, dt_s: f64) {
        match &mut self.mode {
            Mode::Tripped { left_s, .. } => {
                *left_s -= dt_s;
                if *left_s <= 1e-9 {
                    self.mode = Mode::Feeding { for_s: 0.0 };
                }
            }
            Mode::Empty if self.battery.soc() >= self.params.battery.reconnect_soc => {
                self.mode = Mode::Feeding { for_s: 0.0 };
            }
            Mode::Empty | Mode::Feeding { .. } => {}
        }
    }

    fn fed_for(&mut self, for_s: f64) {
        self.mode = Mode::Feeding { for_s };
        if for_s >= FORGIVEN_AFTER_S {
            self.trips_in_a_row = 0;
        }
    }

    fn still(&self) -> PlantStep {
        PlantStep {
            feeding: false,
            pv_used_w: 0.0,
            load_served_w: 0.0,
            battery_soc: self.battery.soc(),
            battery_w: 0.0,
            trip: None,
            fed_s: 0.0,
        }
    }
}

/// A sensible plant for a village that uses `daily_kwh` (AC) with a coincident peak of `peak_kw`, where one kWp of
/// panels gives `yield_kwh_per_kwp_day` (DC after losses, design month).
///
/// The rule: panels for 1.2 × the daily energy over inverter and, for two thirds of it, battery losses; a battery
/// whose usable part carries 0.65 of a day (one night) plus 0.45 (what is missing on one dull day); an inverter of
/// 1.3 × the peak. Designers add a margin like this; a week of rain still empties it, a dull day alone does not.
#[must_use]
pub fn size_for(daily_kwh: f64, peak_kw: f64, yield_kwh_per_kwp_day: f64) -> PlantParams {
    let base = PlantParams::default();
    let losses = base.inverter_efficiency * (1.0 / 3.0 + 2.0 / 3.0 * base.battery.round_trip_efficiency);
    let kwp = 1.2 * daily_kwh / losses / yield_kwh_per_kwp_day.max(0.5);
    let usable = 1.0 - base.battery.min_soc;
    let out = base.inverter_efficiency * libm::sqrt(base.battery.round_trip_efficiency);
    let inverter_kw = (1.3 * peak_kw).max(1.0);
    // The bank must also carry the inverter's full rating at night.
    let for_power = 1.15 * inverter_kw / base.battery.max_discharge_c;
    let capacity_kwh = (1.1 * daily_kwh / usable / out).max(for_power);
    PlantParams {
        pv: PvParams { kwp: rounded_up(kwp.max(0.5)), ..base.pv },
        battery: BatteryParams { capacity_kwh: rounded_up(capacity_kwh), ..base.battery },
        inverter_kw: rounded_up(inverter_kw),
        ..base
    }
}

/// Up to the next half below 20, to the next whole number above.
fn rounded_up(x: f64) -> f64 {
    if x < 20.0 { libm::ceil(x * 2.0) / 2.0 } else { libm::ceil(x) }
}

#[cfg(test)]
mod tests;
