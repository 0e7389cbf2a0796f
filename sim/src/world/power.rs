//! Sun → PV → battery → inverter → feeders → meters, and who is lit.
//!
//! The plant is stepped every five minutes with the mean load of the step, and in between when the battery will be empty
//! or the load passes the inverter's limit; appliances switch at their own times, and their energy is integrated exactly
//! in mW·ms. Supply returns only on a step, up to five minutes after an overload could have been cleared.

use taa_models::plant::{Plant, PlantParams, Trip};

use super::{
    Event, Village,
    parts::{Part, hardest_to_clear},
    population::Opened,
    sky,
};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime, Wake},
    records::{Component, PlantRow, RelayRow},
    world::sky::Sky,
};

/// Length of a plant step, ms.
pub(crate) const TICK_MS: u64 = 300_000;
/// Length of a recorded sample, ms.
pub(crate) const SAMPLE_MS: u64 = 900_000;

/// The plant and what hangs on it.
pub(crate) struct Power {
    pub(crate) plant: Plant,
    /// The same plant under the sky without scripted clouds; only where a fault clouds the sky.
    pub(crate) unclouded: Option<Plant>,
    /// The same plant without the trouble of charge controller, panels or battery, from the moment of trouble on until
    /// both are alike again.
    spared: Option<Plant>,
    /// That trouble.
    trouble: Chain,
    pub(crate) sky: Sky,
    pub(crate) feeding: bool,
    /// Why it does not feed.
    pub(crate) off: Chain,
    /// Wanted by customers whose relay is closed and whose feeder is whole, mW.
    pub(crate) connected_mw: i64,
    /// Wanted by all customers, mW.
    pub(crate) wanted_mw: i64,
    connected_energy: i128,
    wanted_energy: i128,
    since_ms: u64,
    /// Up to when the plant has lived, ms.
    stepped_ms: u64,
    /// PV power in its last step, W.
    pv_w: f64,
    /// Load at which the inverter trips, mW.
    limit_mw: i64,
    /// Load at which it trips within seconds, mW.
    surge_limit_mw: f64,
    /// Starting power on top of the connected load, while a start is looked at, mW.
    surge_mw: i64,
    pub(crate) wake: Wake,
    sample: SampleSums,
}

#[derive(Default)]
struct SampleSums {
    ms: f64,
    ghi: f64,
    available: f64,
    used: f64,
    load: f64,
    wanted: f64,
    on: f64,
}

impl Power {
    pub(crate) fn new(params: &PlantParams, watch_clouds: bool, sky: Sky) -> Self {
        let limit_mw = (params.overload_share * params.inverter_kw * 1e6) as i64;
        Self {
            plant: Plant::new(params),
            unclouded: watch_clouds.then(|| Plant::new(params)),
            spared: None,
            trouble: Chain::EMPTY,
            sky,
            feeding: true,
            off: Chain::EMPTY,
            connected_mw: 0,
            wanted_mw: 0,
            connected_energy: 0,
            wanted_energy: 0,
            since_ms: 0,
            stepped_ms: 0,
            pv_w: 0.0,
            limit_mw,
            surge_limit_mw: params.surge_share * params.inverter_kw * 1e6,
            surge_mw: 0,
            wake: Wake::default(),
            sample: SampleSums::default(),
        }
    }

    /// Brings the energy sums up to now; call before any change of load.
    pub(crate) fn integrate(&mut self, now_ms: u64) {
        let elapsed = i128::from(now_ms - self.since_ms);
        self.connected_energy += i128::from(self.connected_mw) * elapsed;
        self.wanted_energy += i128::from(self.wanted_mw) * elapsed;
        self.since_ms = now_ms;
    }

    /// Trouble begins for this reason: a copy of the plant lives on without it.
    pub(crate) fn spare_from(&mut self, trouble: Chain) {
        if self.spared.is_none() {
            self.spared = Some(self.plant.clone());
            self.trouble = trouble;
        }
    }

    /// The battery is on the bus, or is not.
    pub(crate) fn set_battery_online(&mut self, online: bool) {
        self.plant.set_battery_online(online);
        if let Some(unclouded) = &mut self.unclouded {
            unclouded.set_battery_online(online);
        }
    }

    /// The copy without trouble lives on; once the trouble is over and both plants are alike, it is dropped.
    fn spare(&mut self, dt_s: f64, pv_w: f64, load_w: f64, forced_off: bool, over: bool) {
        let Some(spared) = &mut self.spared else { return };
        spared.step(dt_s, pv_w, load_w, forced_off);
        let apart = (spared.battery().soc() - self.plant.battery().soc()).abs();
        if over && apart < 1e-3 && spared.feeding() == self.plant.feeding() {
            self.spared = None;
        }
    }

    /// Mean connected and wanted load since the last call, W.
    fn take_means(&mut self, dt_ms: u64) -> (f64, f64) {
        let mean = |energy: i128| energy as f64 / dt_ms as f64 / 1000.0;
        let means = (mean(self.connected_energy), mean(self.wanted_energy));
        self.connected_energy = 0;
        self.wanted_energy = 0;
        means
    }
}

impl Village<'_> {
    /// The plant's next step is due.
    pub(crate) fn plant_tick(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.power.wake.is_current(generation) {
            self.plant_step(now_ms, queue);
            self.read_currents_soon(now_ms, queue);
        }
    }

    /// Lets the plant live through the time since its last step, decides whether it feeds from now on, and arms the
    /// next step: on the five-minute grid, or when the battery will be empty, whichever is first.
    pub(crate) fn plant_step(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        self.power.integrate(now_ms);
        let dt_ms = now_ms - self.power.stepped_ms;
        let was = (self.power.feeding, self.power.off);
        let mut trip = None;
        let mut feeding = was.0;
        if dt_ms > 0 {
            self.power.stepped_ms = now_ms;
            let (connected_w, wanted_w) = self.power.take_means(dt_ms);
            let mut light = self.power.sky.light(now_ms - dt_ms / 2);
            let (whole_w, share) = (light.pv_w, self.sun_share());
            light.pv_w *= share;
            light.pv_unclouded_w *= share;
            let forced_off = !self.inverter.up();
            let dt_s = dt_ms as f64 / 1000.0;
            let step = self.power.plant.step(dt_s, light.pv_w, connected_w, forced_off);
            if let Some(unclouded) = &mut self.power.unclouded {
                unclouded.step(dt_s, light.pv_unclouded_w, connected_w, forced_off);
            }
            let over = share >= 1.0 && self.repairs.bms.up();
            self.power.spare(dt_s, whole_w, connected_w, forced_off, over);
            self.sample_step(dt_ms, &light, step.pv_used_w, step.load_served_w, wanted_w, was.0);
            (feeding, trip) = (step.feeding, step.trip);
            self.power.pv_w = light.pv_w;
        }
        let load_w = self.power.connected_mw as f64 / 1000.0;
        let surge_mw = std::mem::take(&mut self.power.surge_mw);
        let started = surge_mw > 0 && self.power.plant.surge(load_w + surge_mw as f64 / 1000.0);
        if feeding && (started || self.power.plant.load_changed(self.power.pv_w, load_w)) {
            (feeding, trip) = (false, self.power.plant.tripped());
        }
        if !feeding {
            self.power.off = self.why_off(trip.or(self.power.plant.tripped()));
            if started {
                self.power.off = self.power.off.because(Cause::MotorStart);
            }
        }
        self.power.feeding = feeding;
        if was.0 != feeding {
            self.supply_turned(now_ms, queue);
        } else if !feeding && was.1 != self.power.off {
            self.supply_recorded(now_ms);
            self.touch_all();
        }
        let on_grid = (now_ms / TICK_MS + 1) * TICK_MS;
        let empty_in_s = self.power.plant.empty_in_s(self.power.pv_w, load_w).unwrap_or(f64::MAX);
        let empty_ms = now_ms + libm::ceil(empty_in_s.min(1e6) * 1000.0) as u64;
        let at = SimTime::from_ms(on_grid.min(empty_ms.max(now_ms + 1000)));
        queue.arm(&mut self.power.wake, at, Phase::Power, self.ops.plant, |generation| Event::PlantTick { generation });
    }

    /// The connected load has changed: an overload trips the inverter at once.
    pub(crate) fn load_changed(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let limit_mw = self.power.limit_mw;
        let load_w = self.power.connected_mw as f64 / 1000.0;
        let weak = !self.repairs.bms.up() && self.power.plant.strained(self.power.pv_w, load_w);
        if self.power.feeding && (self.power.connected_mw > limit_mw || weak) {
            self.plant_step(now_ms, queue);
        }
    }

    /// Something with a starting current has been switched on: the inverter may not stand it.
    ///
    /// Looked at once, when it is switched on; what starts together after a restart of the supply is not looked at.
    pub(crate) fn motor_starts(&mut self, inrush_mw: i64, now_ms: u64, queue: &mut Queue<Event>) {
        let peak_mw = self.power.connected_mw + inrush_mw;
        if self.power.feeding && peak_mw as f64 > self.power.surge_limit_mw {
            self.power.surge_mw = inrush_mw;
            self.plant_step(now_ms, queue);
        }
    }

    /// What charge controller and panels let in of the sun, 0–1.
    fn sun_share(&self) -> f64 {
        let stolen = if self.repairs.panels.up() { 0.0 } else { self.scenario.assets.panel_theft_share };
        if self.repairs.charge_controller.up() { 1.0 - stolen } else { 0.0 }
    }

    /// The clouding fault, where the plant under the unclouded sky still feeds.
    fn spared_by_clear_sky(&self) -> Option<u8> {
        let spared = self.power.unclouded.as_ref().is_some_and(Plant::feeding);
        self.power.sky.clouding_fault().filter(|_| spared)
    }

    fn why_off(&self, trip: Option<Trip>) -> Chain {
        let off = Chain::of(Cause::SupplyOff);
        if !self.inverter.up() {
            return off.then(self.inverter.chain());
        }
        let spared = self.power.spared.as_ref().is_some_and(Plant::feeding);
        match trip {
            Some(Trip::BatteryOffline) => off.then(self.repairs.bms.chain()),
            Some(Trip::BatteryEmpty) if spared => off.because(Cause::BatteryEmpty).then(self.power.trouble),
            Some(Trip::Overload) => {
                let overload = off.because(Cause::InverterOverload);
                self.spared_by_clear_sky().map_or(overload, |fault| overload.because(Cause::Scripted(fault)))
            }
            Some(Trip::BatteryEmpty) => {
                let empty = off.because(Cause::BatteryEmpty);
                empty.because(self.spared_by_clear_sky().map_or(Cause::LittleSun, Cause::Scripted))
            }
            // Still off for the reason of an earlier step.
            None if self.power.off.is_empty() => off.because(Cause::BatteryEmpty).because(Cause::LittleSun),
            None => self.power.off,
        }
    }

    /// The inverter is gone between two steps of the plant: the supply is lost at once.
    pub(crate) fn plant_forced_off(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        self.plant_step(now_ms, queue);
        if self.power.feeding {
            self.power.feeding = false;
            self.power.off = self.why_off(None);
            self.supply_turned(now_ms, queue);
        }
    }

    fn supply_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        self.supply_recorded(now_ms);
        let text = if self.power.feeding { "supply back".to_owned() } else { self.say(self.power.off) };
        self.log(now_ms, if self.power.feeding { "supply_on" } else { "supply_off" }, String::new(), text);
        for customer in 0..self.people.len() {
            self.power_turned(customer, now_ms, queue);
        }
        self.site_power_turned(now_ms, queue);
        self.supply_told(false, now_ms, queue);
        self.read_currents_soon(now_ms, queue);
        self.mesh.dirty = true;
        self.touch_all();
    }

    fn supply_recorded(&mut self, now_ms: u64) {
        let down = (!self.power.feeding).then_some(self.power.off);
        self.component_down.turn(Component::Supply, down, now_ms, &mut self.records);
    }

    /// The chain behind a line without voltage, or nothing when the customer's line is alive.
    pub(crate) fn line_dead(&self, customer: u32) -> Option<Chain> {
        let broken = |part: &Part| (!part.up()).then(|| part.chain());
        let feeder = self.scenario.village.customers[customer as usize].feeder;
        let open = broken(&self.feeders[feeder as usize]);
        let cut = broken(&self.lines[customer as usize]);
        let off = (!self.power.feeding).then_some(self.power.off);
        hardest_to_clear([open, cut, off])
    }

    /// Feeder and line as far as this customer are whole.
    pub(crate) fn line_whole(&self, customer: u32) -> bool {
        let feeder = self.scenario.village.customers[customer as usize].feeder;
        self.feeders[feeder as usize].up() && self.lines[customer as usize].up()
    }

    /// The voltage on a customer's line may have changed.
    pub(crate) fn power_turned(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let dead_line = self.line_dead(customer);
        let one = self.people.of(customer);
        let energised = dead_line.is_none();
        if one.unit.meter.energised() == energised {
            return;
        }
        let had_closed = one.unit.meter.relay_closed();
        one.unit.meter.handle_power(now_ms * 1_000_000, energised);
        if let Some(chain) = dead_line {
            one.unit.last_loss = chain;
        } else if had_closed && !one.unit.meter.relay_closed() {
            one.unit.opened = Opened::AtBoot;
        } else if one.unit.meter.relay_closed() {
            one.unit.opened = Opened::No;
        }
        self.outage_turned(customer, energised, now_ms);
        self.mesh_power_turned(customer, energised, now_ms, queue);
        self.relays_turned(customer, now_ms, queue);
        self.cry(customer, now_ms, queue);
        self.connection_turned(customer, now_ms, queue);
    }

    /// Relay, feeder or wish of a customer changed: brings the sums of load in line.
    pub(crate) fn connection_turned(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.power.integrate(now_ms);
        let line_up = self.line_whole(customer);
        let one = self.people.of(customer);
        let closed = one.unit.meter.relay_closed();
        let connected = line_up && !one.unit.dead && closed;
        if one.unit.recorded.replace(closed) != Some(closed) {
            self.records.relays.push(RelayRow { time_ms: now_ms, customer, closed, owes: None });
        }
        self.bypass_turned(customer, connected, now_ms);
        let one = self.people.of(customer);
        if connected != one.load.connected {
            one.load.connected = connected;
            self.power.connected_mw += if connected { one.load.wanted_mw } else { -one.load.wanted_mw };
            if connected {
                self.load_changed(now_ms, queue);
            }
        }
        self.meter_deadline(customer, now_ms, queue);
        self.touch(customer);
    }

    fn sample_step(&mut self, dt_ms: u64, light: &sky::Light, used_w: f64, load_w: f64, wanted_w: f64, on: bool) {
        let (sums, ms) = (&mut self.power.sample, dt_ms as f64);
        sums.ms += ms;
        sums.ghi += light.ghi * ms;
        sums.available += light.pv_w * ms;
        sums.used += used_w * ms;
        sums.load += load_w * ms;
        sums.wanted += wanted_w * ms;
        sums.on += f64::from(u8::from(on)) * ms;
    }

    /// A quarter of an hour is over.
    pub(crate) fn quarter_over(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        self.look_at_meters(now_ms);
        self.sample(now_ms, queue);
        if now_ms.is_multiple_of(3_600_000) {
            self.mesh.hour_over(now_ms);
        }
    }

    /// Records it.
    fn sample(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let sums = std::mem::take(&mut self.power.sample);
        let mean = |sum: f64| (sum / sums.ms.max(1.0)) as f32;
        self.records.plant.push(PlantRow {
            time_ms: now_ms,
            ghi_w_per_m2: mean(sums.ghi),
            pv_available_w: mean(sums.available),
            pv_used_w: mean(sums.used),
            load_w: mean(sums.load),
            wanted_w: mean(sums.wanted),
            battery_soc: self.power.plant.battery().soc() as f32,
            supply_on: mean(sums.on),
        });
        let at = SimTime::from_ms(now_ms + SAMPLE_MS);
        queue.at(at, Phase::Probe, self.ops.plant, Event::Sample);
    }
}
