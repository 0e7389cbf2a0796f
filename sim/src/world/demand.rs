//! Appliances: a day is drawn at local midnight, then switches fire one by one.
//!
//! Draws are keyed by customer and day, so that what a customer would switch on does not depend on what happened to
//! anybody else, nor on the architecture.

use taa_models::{
    demand::{DemandParams, day_switches},
    draw::{Draws, Purpose},
};

use super::{Event, Village, population::Load};
use crate::kernel::{Phase, Queue, SimTime, Wake};

const DEMAND: Purpose = Purpose::named("demand");
pub(crate) const DAY_MS: u64 = 86_400_000;

impl Load {
    /// Nothing switched on yet.
    pub(crate) fn new(appliances: DemandParams) -> Self {
        Self {
            appliances,
            wanted_mw: 0,
            connected: false,
            plan: Vec::new(),
            scratch: Vec::new(),
            wake: Wake::default(),
            since_ms: 0,
            unserved_energy: 0,
        }
    }

    /// Brings the sums up to now; `lost` says whether the time until now was lost time.
    pub(crate) fn integrate(&mut self, now_ms: u64, lost: bool) {
        if lost {
            self.unserved_energy += i128::from(self.wanted_mw) * i128::from(now_ms - self.since_ms);
        }
        self.since_ms = now_ms;
    }
}

impl Village<'_> {
    /// Local midnight of one customer.
    pub(crate) fn day(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let day = now_ms / DAY_MS;
        let (_, weekday) = self.local(now_ms);
        let fee = self.scenario.tariff.daily_fee_minor;
        let one = self.people.of(customer);
        if one.purse.gone_ms.is_some() {
            return;
        }
        if fee > 0 && day > 0 {
            let energy_mwh = one.unit.energy_mwh(now_ms);
            one.purse.count_unbilled(energy_mwh, &self.scenario.tariff);
            one.purse.applied_minor -= fee;
            self.touched.push(customer);
        }
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, one.identity.key, DEMAND, day);
        let load = one.load;
        load.scratch.clear();
        day_switches(one.identity.class, &load.appliances, &mut draws, weekday, &mut load.scratch);
        // Yesterday's late switches may lie after midnight: both lists are sorted, latest first for cheap popping.
        load.plan.extend(load.scratch.iter().map(|s| (now_ms + u64::from(s.at_s) * 1000, s.delta_mw)));
        load.plan.sort_by_key(|&(at_ms, _)| std::cmp::Reverse(at_ms));
        let node = one.identity.node;
        queue.at(SimTime::from_ms(now_ms + DAY_MS), Phase::Customer, node, Event::Day { customer });
        self.arm_switch(customer, queue);
    }

    fn arm_switch(&mut self, customer: u32, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let Some(&(at_ms, _)) = one.load.plan.last() else { return };
        let node = one.identity.node;
        queue.arm(&mut one.load.wake, SimTime::from_ms(at_ms), Phase::Customer, node, |generation| Event::Switch {
            customer,
            generation,
        });
    }

    /// Appliances of a customer switch.
    pub(crate) fn switch(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let lost = matches!(one.light.status(), super::light::Status::Lost(..));
        one.load.integrate(now_ms, lost);
        let mut delta_mw = 0;
        while let Some(&(at_ms, delta)) = one.load.plan.last() {
            if at_ms > now_ms {
                break;
            }
            delta_mw += delta;
            one.load.plan.pop();
        }
        one.load.wanted_mw += delta_mw;
        let wanted = one.load.wanted_mw;
        one.unit.meter.set_load(now_ms * 1_000_000, wanted);
        self.power.integrate(now_ms);
        self.power.wanted_mw += delta_mw;
        let one = self.people.of(customer);
        if one.load.connected {
            self.power.connected_mw += delta_mw;
            self.load_changed(now_ms, queue);
        }
        let connected = self.people.of(customer).load.connected;
        self.bypass_turned(customer, connected, now_ms);
        self.meter_deadline(customer, now_ms, queue);
        self.arm_switch(customer, queue);
    }

    /// A customer has left: the appliances are gone with them.
    pub(crate) fn leave(&mut self, customer: u32, now_ms: u64) {
        self.power.integrate(now_ms);
        let one = self.people.of(customer);
        let lost = matches!(one.light.status(), super::light::Status::Lost(..));
        one.load.integrate(now_ms, lost);
        one.purse.mood.bypass.on = false;
        let connected = one.load.connected;
        self.bypass_turned(customer, connected, now_ms);
        let one = self.people.of(customer);
        self.power.wanted_mw -= one.load.wanted_mw;
        if one.load.connected {
            self.power.connected_mw -= one.load.wanted_mw;
        }
        one.load.wanted_mw = 0;
        one.load.plan.clear();
        one.load.wake.cancel();
        one.purse.wake.cancel();
        one.unit.meter.set_load(now_ms * 1_000_000, 0);
        let id = self.scenario.village.customers[customer as usize].id.clone();
        self.log(now_ms, "left", id, "left the operator after lost hours".to_owned());
    }
}
