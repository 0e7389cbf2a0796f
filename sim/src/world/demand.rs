//! Appliances: a day is drawn at local midnight, then switches fire one by one.
//!
//! Draws are keyed by customer and day, so that what a customer would switch on does not depend on what happened to
//! anybody else, nor on the architecture.

use taa_models::{
    demand::{DeferralParams, Source, Switch, day_switches},
    draw::{Draws, Purpose},
};

use super::{Event, Village, late::Late, light::Status, population::Load};
use crate::kernel::{Phase, Queue, SimTime, Wake};

const DEMAND: Purpose = Purpose::named("demand");
pub(crate) const DAY_MS: u64 = 86_400_000;

/// A switch at a time of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned {
    pub(crate) at_ms: u64,
    delta_mw: i64,
    deferrable_mw: i64,
    inrush_mw: i64,
    /// Missed use that returns: all of it, and the part missed for want of supply.
    late_mw: [i64; 2],
}

impl Load {
    /// Nothing switched on yet.
    pub(crate) fn new(factor: f64) -> Self {
        Self {
            factor,
            wanted_mw: 0,
            connected: false,
            plan: Vec::new(),
            scratch: Vec::new(),
            wake: Wake::default(),
            since_ms: 0,
            unserved_energy: 0,
            late: Late::default(),
        }
    }

    /// Brings the sums up to now; `status` is that of the time until now.
    pub(crate) fn integrate(&mut self, now_ms: u64, status: Status) {
        let elapsed_ms = now_ms - self.since_ms;
        match status {
            Status::Lost(class, _) => {
                // What returns was missed before, and counted then.
                let fresh_mw = self.wanted_mw - self.late.rate_mw[0];
                self.unserved_energy += i128::from(fresh_mw) * i128::from(elapsed_ms);
                self.late.miss(class, now_ms, elapsed_ms);
            }
            Status::Lit => self.late.serve(elapsed_ms),
            // Past the meter nothing is made up for that anybody pays.
            Status::NoCredit | Status::Bypassed | Status::Gone => {}
        }
        self.since_ms = now_ms;
    }

    /// A lost time has ended: what can be made up for is spread over the hours to come. Without light it is given up.
    pub(crate) fn return_missed(&mut self, now_ms: u64, status: Status, params: &DeferralParams) {
        if matches!(status, Status::Lost(..)) {
            return;
        }
        let over_ms = (params.over_h * 3_600_000.0) as u64;
        let late_mw =
            self.late.take(now_ms, params.within_h).map(|energy| (energy / i128::from(over_ms.max(1))) as i64);
        if late_mw[0] <= 0 || status != Status::Lit {
            return;
        }
        let begin = Planned { at_ms: now_ms, delta_mw: late_mw[0], deferrable_mw: 0, inrush_mw: 0, late_mw };
        let end = Planned { at_ms: now_ms + over_ms, delta_mw: -late_mw[0], late_mw: late_mw.map(|mw| -mw), ..begin };
        self.plan.extend([begin, end]);
        self.plan.sort_by_key(|planned| std::cmp::Reverse(planned.at_ms));
    }

    /// Adds a day's switches to the plan.
    fn expect(&mut self, midnight_ms: u64) {
        let planned = |s: &Switch| Planned {
            at_ms: midnight_ms + u64::from(s.at_s) * 1000,
            delta_mw: s.delta_mw,
            deferrable_mw: s.deferrable_mw,
            inrush_mw: s.inrush_mw,
            late_mw: [0; 2],
        };
        // Yesterday's late switches may lie after midnight: both lists are sorted, latest first for cheap popping.
        self.plan.extend(self.scratch.iter().map(planned));
        self.plan.sort_by_key(|planned| std::cmp::Reverse(planned.at_ms));
    }
}

impl Village<'_> {
    /// Local midnight of one customer.
    pub(crate) fn day(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let day = now_ms / DAY_MS;
        let day_u = i128::from(day);
        let tariff = self.scenario.tariff_of(customer as usize);
        let capacity = tariff.capacity.map_or(0, |capacity| {
            // Thousandths of a minor unit a day; whole ones are taken as they fall due.
            let milli = i128::from(capacity.price_per_kw_day_minor) * i128::from(capacity.subscribed_w);
            i64::try_from(milli * day_u / 1000 - milli * (day_u - 1).max(0) / 1000).unwrap_or(i64::MAX)
        });
        let fee = tariff.daily_fee_minor + capacity;
        let local_s = self.scenario.run.start_unix_s + i64::from(self.scenario.site.utc_offset_s);
        let local_day = (local_s + (now_ms / 1000) as i64).div_euclid(86_400);
        let one = self.people.of(customer);
        if one.purse.gone_ms.is_some() {
            return;
        }
        if fee > 0 && day > 0 {
            let energy_mwh = one.unit.energy_mwh(now_ms);
            one.purse.look(energy_mwh, now_ms);
            one.purse.count_unbilled(energy_mwh, tariff);
            one.purse.applied_minor -= fee;
            self.touched.push(customer);
        }
        let params = &self.scenario.demand;
        let (class, load) = (one.identity.class, one.load);
        let today = params.today(&class, local_day, day, load.factor);
        match self.usage.usage(&class).map(|usage| &usage.source) {
            Some(Source::Kit(kit)) => {
                let mut draws = Draws::keyed(self.seed.0, self.seed.1, one.identity.key, DEMAND, day);
                day_switches(kit, &today, &mut draws, &mut load.scratch);
            }
            Some(Source::Profile(profile)) => {
                let first = profile.day_of(local_day, day);
                profile.day_switches(first, today.scale, params.profile_deferrable(), &mut load.scratch);
            }
            None => load.scratch.clear(),
        }
        load.expect(now_ms);
        let node = one.identity.node;
        queue.at(SimTime::from_ms(now_ms + DAY_MS), Phase::Customer, node, Event::Day { customer });
        self.arm_switch(customer, queue);
    }

    /// Arms the next switch of a customer.
    pub(crate) fn arm_switch(&mut self, customer: u32, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let Some(&Planned { at_ms, .. }) = one.load.plan.last() else { return };
        let node = one.identity.node;
        queue.arm(&mut one.load.wake, SimTime::from_ms(at_ms), Phase::Customer, node, |generation| Event::Switch {
            customer,
            generation,
        });
    }

    /// Appliances of a customer switch.
    pub(crate) fn switch(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        one.load.integrate(now_ms, one.light.status());
        let (mut delta_mw, mut inrush_mw) = (0, 0);
        while let Some(&next) = one.load.plan.last() {
            if next.at_ms > now_ms {
                break;
            }
            delta_mw += next.delta_mw;
            inrush_mw += next.inrush_mw;
            one.load.late.switch(next.deferrable_mw, next.late_mw);
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
            if inrush_mw > 0 {
                self.motor_starts(inrush_mw, now_ms, queue);
            }
        }
        let one = self.people.of(customer);
        let connected = one.load.connected;
        if !one.purse.mood.bypass.is_idle() {
            self.bypass_turned(customer, connected, now_ms);
        }
        self.meter_deadline(customer, now_ms, queue);
        self.arm_switch(customer, queue);
    }

    /// A customer has left: the appliances are gone with them.
    pub(crate) fn leave(&mut self, customer: u32, now_ms: u64) {
        self.power.integrate(now_ms);
        let one = self.people.of(customer);
        one.load.integrate(now_ms, one.light.status());
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
        one.load.late.forget();
        one.load.wake.cancel();
        one.purse.wake.cancel();
        one.unit.meter.set_load(now_ms * 1_000_000, 0);
        let id = self.scenario.village.customers[customer as usize].id.clone();
        self.log(now_ms, "left", id, "left the operator after lost hours".to_owned());
    }
}
