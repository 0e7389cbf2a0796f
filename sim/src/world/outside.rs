//! What follows when a part outside the meters goes up or down.

use super::{
    Event, Village,
    parts::{PartId, Turn},
    population::Opened,
};
use crate::{
    cause::Chain,
    kernel::{Phase, Queue, SimTime},
    records::Component,
};

impl Village<'_> {
    /// Tower, bearer or dish turned.
    pub(crate) fn wan_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        self.component(Component::TowerA, now_ms);
        self.component(Component::TowerB, now_ms);
        self.component(Component::Bearer, now_ms);
        if self.wan.should_fail_over() {
            let at = SimTime::from_ms(now_ms + self.wan.failover_ms);
            queue.arm(&mut self.wan.failover, at, Phase::Radio, self.ops.wan, |generation| Event::Failover {
                generation,
            });
        }
        self.backhaul_turned(now_ms, queue);
    }

    /// The router has registered with the other operator.
    pub(crate) fn fail_over(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.wan.failover.is_current(generation) {
            self.wan.fail_over();
            self.backhaul_turned(now_ms, queue);
            self.touch_all();
        }
    }

    fn backhaul_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let down = (!self.wan.up()).then(|| self.wan.chain());
        self.component_log(Component::Backhaul, down, now_ms);
        self.link_turned(now_ms, queue);
        self.cloud_link_turned(now_ms, queue);
    }

    /// The inverter failed or was mended: the plant shows it at its next step, at the latest five minutes on.
    pub(crate) fn inverter_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.inverter.up() && self.power.feeding {
            self.plant_forced_off(now_ms, queue);
        }
    }

    /// The charge controller, the panels or the battery went off or came back. Up to now the plant lives as it was; from
    /// now on a copy of it lives on without the trouble, to tell later whether an empty battery is the trouble's doing.
    pub(crate) fn charging_turned(&mut self, part: PartId, turn: Turn, now_ms: u64, queue: &mut Queue<Event>) {
        self.plant_step(now_ms, queue);
        let Some(turned) = self.part_mut(part) else { return };
        turned.turn(turn);
        let (up, chain) = (turned.up(), turned.chain());
        if !up {
            self.power.spare_from(chain);
        }
        let online = self.repairs.bms.up();
        self.power.set_battery_online(online);
        self.plant_step(now_ms, queue);
    }

    /// A feeder opened or closed.
    pub(crate) fn feeder_turned(&mut self, feeder: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let part = &self.feeders[feeder as usize];
        let text = if part.up() { "feeder closed".to_owned() } else { self.say(part.chain()) };
        let id = self.scenario.village.feeders[feeder as usize].id.clone();
        self.log(now_ms, "feeder", id, text);
        self.breaker_told(feeder, now_ms, queue);
        for customer in 0..self.people.len() {
            if self.people.of(customer).identity.feeder == feeder {
                self.power_turned(customer, now_ms, queue);
                // With the plant off as well the meter notices nothing, but the load is off the line all the same.
                self.connection_turned(customer, now_ms, queue);
            }
        }
        self.read_currents_soon(now_ms, queue);
    }

    /// The line of one customer broke or was mended.
    pub(crate) fn line_turned(&mut self, customer: u32, turn: Turn, now_ms: u64, queue: &mut Queue<Event>) {
        if self.lines[customer as usize].turn(turn) {
            self.power_turned(customer, now_ms, queue);
            self.connection_turned(customer, now_ms, queue);
            self.read_currents_soon(now_ms, queue);
        }
    }

    /// A meter died or was mended.
    pub(crate) fn meter_part_turned(&mut self, customer: u32, turn: Turn, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.meter_parts[customer as usize].turn(turn) {
            return;
        }
        let dead = !self.meter_parts[customer as usize].up();
        let chain = self.meter_parts[customer as usize].chain();
        let alive_line = self.line_dead(customer).is_none();
        let unit = self.people.of(customer).unit;
        unit.dead = dead;
        let had_closed = unit.meter.relay_closed();
        unit.meter.handle_fault(now_ms * 1_000_000, dead);
        if dead {
            unit.last_loss = chain;
        } else if had_closed && !unit.meter.relay_closed() {
            unit.opened = Opened::AtBoot;
        } else if unit.meter.relay_closed() {
            unit.opened = Opened::No;
        }
        let id = self.scenario.village.customers[customer as usize].id.clone();
        self.log(now_ms, if dead { "meter_dead" } else { "meter_mended" }, id, self.say(chain));
        self.mesh_power_turned(customer, alive_line && !dead, now_ms, queue);
        self.connection_turned(customer, now_ms, queue);
    }

    pub(crate) fn meter_dead_chain(&self, customer: u32) -> Chain {
        self.meter_parts[customer as usize].chain()
    }

    /// Records a component's turn, and says it in the log.
    pub(crate) fn component_log(&mut self, component: Component, down: Option<Chain>, now_ms: u64) {
        if !self.component_down.turn(component, down, now_ms, &mut self.records) {
            return;
        }
        let text = down.map_or_else(|| "up again".to_owned(), |chain| self.say(chain));
        self.log(now_ms, component.name(), String::new(), text);
    }
}
