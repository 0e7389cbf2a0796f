//! Past the meter: a customer who has lost all trust takes part of the load from the line before the meter.
//!
//! The plant carries the whole load; the meter sees what is left of it. With the relay closed the plant's sum holds the
//! wanted load anyway and only the meter's share shrinks; with the relay open the stolen part is all that flows. So
//! plant energy = metered + stolen, to the milliwatt.

use taa_models::draw::{Draws, Purpose};

use super::{Event, Village};
use crate::kernel::Queue;

const FOUND: Purpose = Purpose::named("bypass found");
const DAY_MS: u64 = 86_400_000;

/// A customer's bypass.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bypass {
    /// It is in place.
    pub(crate) on: bool,
    /// The operator has found one; there will be no second.
    pub(crate) found: bool,
    days: u64,
    /// When the operator next has a chance to find it, ms.
    pub(crate) next_inspection_ms: u64,
    /// Flows past the meter now, mW.
    flow_mw: i64,
    /// Of that, what the plant's sum does not hold by the relay being closed, mW.
    extra_mw: i64,
    since_ms: u64,
    energy: i128,
}

impl Bypass {
    /// There is none, and never was one that left anything to reckon.
    pub(crate) fn is_idle(&self) -> bool {
        !self.on && self.flow_mw == 0 && self.extra_mw == 0 && !self.found
    }

    /// What the line carries beside the metered load, mW.
    pub(crate) const fn extra_mw(&self) -> i64 {
        self.extra_mw
    }

    /// Energy taken so far, Wh; bring it up to now before.
    pub(crate) fn stolen_wh(&self) -> f64 {
        self.energy as f64 / 3.6e9
    }
}

impl Village<'_> {
    pub(crate) fn bypass_begins(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let bypass = &mut self.people.of(customer).purse.mood.bypass;
        (bypass.on, bypass.next_inspection_ms) = (true, now_ms + DAY_MS);
        let id = self.scenario.village.customers[customer as usize].id.clone();
        self.log(now_ms, "bypass", id, "takes power past the meter".to_owned());
        self.bypass_changed(customer, now_ms, queue);
    }

    /// Once a day, however often somebody looks: does the operator find it?
    pub(crate) fn bypass_inspected(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let per_day = 1.0 - libm::exp(-1.0 / self.scenario.people.trust.bypass_found_days);
        let one = self.people.of(customer);
        let bypass = &mut one.purse.mood.bypass;
        if now_ms < bypass.next_inspection_ms {
            return;
        }
        bypass.next_inspection_ms = now_ms + DAY_MS;
        bypass.days += 1;
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, one.identity.key, FOUND, bypass.days);
        if draws.chance(per_day) {
            (bypass.on, bypass.found) = (false, true);
            let id = self.scenario.village.customers[customer as usize].id.clone();
            self.log(now_ms, "bypass_found", id, "bypass found and taken out".to_owned());
            self.bypass_changed(customer, now_ms, queue);
        }
    }

    fn bypass_changed(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let connected = self.people.of(customer).load.connected;
        self.bypass_turned(customer, connected, now_ms);
        self.meter_deadline(customer, now_ms, queue);
        self.load_changed(now_ms, queue);
        self.touch(customer);
    }

    /// Load, line, relay or bypass have changed: brings flows and sums in line. `connected`: the relay lets the
    /// metered part through, and the plant's sum holds (or is about to hold) the wanted load.
    pub(crate) fn bypass_turned(&mut self, customer: u32, connected: bool, now_ms: u64) {
        let line_up = self.line_whole(customer);
        let one = self.people.of(customer);
        let (bypass, wanted_mw) = (&mut one.purse.mood.bypass, one.load.wanted_mw);
        if bypass.is_idle() {
            return;
        }
        bypass.energy += i128::from(bypass.flow_mw) * i128::from(now_ms - bypass.since_ms);
        bypass.since_ms = now_ms;
        let share = if bypass.on { self.scenario.people.trust.bypass_share } else { 0.0 };
        let part_mw = libm::round(wanted_mw as f64 * share) as i64;
        one.unit.meter.set_load(now_ms * 1_000_000, wanted_mw - part_mw);
        bypass.flow_mw = if line_up && self.power.feeding { part_mw } else { 0 };
        let extra_mw = if line_up && !connected { part_mw } else { 0 };
        let more_mw = extra_mw - bypass.extra_mw;
        bypass.extra_mw = extra_mw;
        if more_mw != 0 {
            self.power.integrate(now_ms);
            self.power.connected_mw += more_mw;
        }
    }

    /// There is voltage before the meter, and a bypass to take it.
    pub(crate) fn lit_by_bypass(&mut self, customer: u32) -> bool {
        let one = self.people.of(customer);
        let on = one.purse.mood.bypass.on;
        on && self.line_dead(customer).is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use taa_dcu::config::Traits;
    use taa_scenarios::{Overrides, load};

    use super::*;
    use crate::world::Timeline;

    #[test]
    fn a_bypass_is_inspected_once_a_day_however_often_its_thief_is_looked_at() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/villages/jija");
        let mut scenario =
            load(&folder, &Overrides { days: Some(3), ..Overrides::default() }).expect("a bundled village");
        // Found on the first inspection, as good as surely.
        scenario.people.trust.bypass_found_days = 0.01;
        let timeline = Timeline::draw(&scenario, (1, 0), 3 * DAY_MS);
        let traits = Traits::bundle("edge_local").expect("a bundle");
        let (mut village, mut queue) = Village::build(&scenario, &timeline, traits).expect("it builds");
        village.bypass_begins(0, 1000, &mut queue);
        for look in 0..100 {
            village.bypass_inspected(0, 1000 + look * 60_000, &mut queue);
        }
        assert!(village.people.of(0).purse.mood.bypass.on, "not a day has passed");
        village.bypass_inspected(0, 1000 + DAY_MS, &mut queue);
        assert!(village.people.of(0).purse.mood.bypass.found);
    }
}
