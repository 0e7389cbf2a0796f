//! Which orders may leave: the gate behind the decision, and the durable memory that it needs.
//!
//! | demanded | of | else |
//! |---|---|---|
//! | the clock is set | openings for debt | held until it is |
//! | a billing reading not older than `evidence_age_max_s` | openings for debt | held; the meter is asked first |
//! | the cloud heard within `evidence_age_max_s` | openings that it ordered | held until it is heard |
//! | fewer than `orders_per_hour` orders to this meter | all | held until the hour has passed; told |
//! | `open_after_close_s` since the last closing | openings | held until then |
//! | not too many openings at the site in an hour | openings but those of a lost link | all stop, with an alarm |
//!
//! In doubt nothing is opened: who is lit stays lit. Closing is only ever held by the number of orders, so a relay that
//! opens of itself is not closed without end. An order that is repeated because it did not arrive, or was not heeded, is
//! the same order; its evidence is looked at each time.
//!
//! Ages are told by the monotonic clock within a boot and by the wall clock across boots; where neither can say, the age
//! is unknown, which is doubt.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Reason, Relay, RelayOrder, RelayRules, Wanted};
use crate::{MeterIx, ids::Stamp};

const HOUR_MS: u64 = 3_600_000;
/// Orders remembered per meter, whatever is configured.
const ORDERS_KEPT: usize = 60;

/// What is remembered of orders and of what they rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    meters: Vec<Memory>,
    /// Openings at the site within the last hour.
    openings: VecDeque<Moment>,
    /// When openings were stopped.
    stopped: Option<Moment>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    /// The newest reading.
    read: Option<Moment>,
    /// The order that no output state has confirmed yet.
    standing: Option<Standing>,
    /// Orders within the last hour, and the last one.
    given: VecDeque<(Moment, Relay)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    relay: Relay,
    reason: Reason,
    order: Option<u64>,
}

/// An instant as the clocks showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    boot: u32,
    uptime_ms: u64,
    wall_ms: Option<i64>,
}

/// Why an order waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// The clock is not set.
    Clock,
    /// The newest billing reading is too old, or its age is unknown.
    Reading,
    /// The cloud's order is too old to be its last word.
    Cloud,
    /// Too many orders to this meter within an hour.
    Orders,
    /// The relay was ordered closed a moment ago.
    Closed,
    /// Too many openings at the site within an hour.
    Openings,
    /// The journal has lost records, or it is not known yet whether it has: what this account owes is in doubt.
    Doubt,
}

/// An order that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub why: Held,
    /// How long from now, where time alone will do, ms.
    pub for_ms: Option<u64>,
}

impl Moment {
    /// Milliseconds from this to `now`; none where no clock can say, or says that this lies ahead.
    #[must_use]
    pub fn age_ms(self, now: Self) -> Option<u64> {
        if self.boot == now.boot {
            return now.uptime_ms.checked_sub(self.uptime_ms);
        }
        u64::try_from(now.wall_ms?.saturating_sub(self.wall_ms?)).ok()
    }

    fn is_recent(self, now: Self) -> bool {
        self.age_ms(now).is_some_and(|age| age < HOUR_MS)
    }
}

impl From<&Stamp> for Moment {
    fn from(stamp: &Stamp) -> Self {
        Self { boot: stamp.boot, uptime_ms: stamp.monotonic_ns / 1_000_000, wall_ms: stamp.unix_ms }
    }
}

impl Orders {
    pub(crate) fn new(meters: usize) -> Self {
        Self { meters: vec![Memory::default(); meters], openings: VecDeque::new(), stopped: None }
    }

    /// Age of the newest reading of this meter, ms; none where there is none, or no clock can say.
    #[must_use]
    pub fn reading_age_ms(&self, meter: MeterIx, now: Moment) -> Option<u64> {
        self.meters.get(meter.at())?.read?.age_ms(now)
    }

    /// Openings at the site have been stopped, and neither has the time passed nor somebody allowed them.
    #[must_use]
    pub fn is_stopped(&self, rules: &RelayRules, now: Moment) -> bool {
        let hold_ms = u64::from(rules.openings_hold_s).saturating_mul(1000);
        // With no clock to say how long ago it was, it was just now.
        self.stopped.is_some_and(|at| at.age_ms(now).is_none_or(|age| age < hold_ms))
    }

    /// This very order is recorded and not confirmed.
    #[must_use]
    pub fn is_standing(&self, meter: MeterIx, wanted: &Wanted) -> bool {
        let same = |s: &Standing| (s.relay, s.reason, s.order) == (wanted.relay, wanted.reason, wanted.order);
        self.meters.get(meter.at()).and_then(|m| m.standing).is_some_and(|standing| same(&standing))
    }

    /// Whether the order may leave now. `cloud_age_ms` is how long the cloud has been silent.
    ///
    /// # Errors
    /// [`Hold`].
    pub fn gate(
        &self,
        rules: &RelayRules,
        meter: MeterIx,
        wanted: &Wanted,
        now: Moment,
        cloud_age_ms: Option<u64>,
    ) -> Result<(), Hold> {
        let opening = wanted.relay == Relay::Open;
        if opening {
            self.evidence(rules, meter, wanted.reason, now, cloud_age_ms)?;
        }
        if self.is_standing(meter, wanted) {
            return Ok(());
        }
        let Some(memory) = self.meters.get(meter.at()) else { return Ok(()) };
        let recent = || memory.given.iter().filter(|(at, _)| at.is_recent(now));
        let limit = (rules.orders_per_hour as usize).clamp(1, ORDERS_KEPT);
        if recent().count() >= limit {
            let oldest = recent().nth(recent().count().saturating_sub(limit)).and_then(|(at, _)| at.age_ms(now));
            return hold(Held::Orders, oldest.map(|age| HOUR_MS.saturating_sub(age)));
        }
        if opening {
            let wait_ms = u64::from(rules.open_after_close_s).saturating_mul(1000);
            let closed = memory.given.back().filter(|(_, relay)| *relay == Relay::Closed);
            if let Some(age) = closed.and_then(|(at, _)| at.age_ms(now)).filter(|age| *age < wait_ms) {
                return hold(Held::Closed, Some(wait_ms.saturating_sub(age)));
            }
            if wanted.reason != Reason::Stale {
                self.openings(rules, now)?;
            }
        }
        Ok(())
    }

    fn evidence(
        &self,
        rules: &RelayRules,
        meter: MeterIx,
        reason: Reason,
        now: Moment,
        cloud_age_ms: Option<u64>,
    ) -> Result<(), Hold> {
        let age_max_ms = u64::from(rules.evidence_age_max_s).saturating_mul(1000);
        let fresh = |age: Option<u64>| age.is_some_and(|age| age <= age_max_ms);
        match reason {
            // The meaning of a lost link where the architecture opens by it: there is no newer word to wait for.
            Reason::Stale => Ok(()),
            Reason::Cloud if fresh(cloud_age_ms) => Ok(()),
            Reason::Cloud => hold(Held::Cloud, None),
            _ if now.wall_ms.is_none() => hold(Held::Clock, None),
            _ if fresh(self.reading_age_ms(meter, now)) => Ok(()),
            _ => hold(Held::Reading, None),
        }
    }

    fn openings(&self, rules: &RelayRules, now: Moment) -> Result<(), Hold> {
        if self.is_stopped(rules, now) {
            let hold_ms = u64::from(rules.openings_hold_s).saturating_mul(1000);
            let age = self.stopped.and_then(|at| at.age_ms(now));
            return hold(Held::Openings, age.map(|age| hold_ms.saturating_sub(age)));
        }
        let share = self.meters.len().saturating_mul(rules.openings_per_hour_percent.into()).div_ceil(100);
        let limit = share.max(rules.openings_per_hour_free as usize);
        let recent = self.openings.iter().filter(|at| at.is_recent(now)).count();
        if recent >= limit { hold(Held::Openings, None) } else { Ok(()) }
    }

    // ---- the fold --------------------------------------------------------------------------------------------------

    pub(crate) fn take_reading(&mut self, meter: MeterIx, at: Moment) {
        if let Some(memory) = self.meters.get_mut(meter.at()) {
            memory.read = Some(at);
        }
    }

    pub(crate) fn take_order(&mut self, order: &RelayOrder, at: Moment) {
        let Some(memory) = self.meters.get_mut(order.meter.at()) else { return };
        memory.standing = Some(Standing { relay: order.relay, reason: order.reason, order: order.order });
        while memory.given.len() >= ORDERS_KEPT || memory.given.front().is_some_and(|(given, _)| !given.is_recent(at)) {
            memory.given.pop_front();
        }
        memory.given.push_back((at, order.relay));
        if order.relay == Relay::Open && order.reason != Reason::Stale {
            while self.openings.len() > self.meters.len()
                || self.openings.front().is_some_and(|given| !given.is_recent(at))
            {
                self.openings.pop_front();
            }
            self.openings.push_back(at);
        }
    }

    pub(crate) fn take_seen(&mut self, meter: MeterIx, relay: Relay) {
        if let Some(memory) = self.meters.get_mut(meter.at()) {
            memory.standing = memory.standing.filter(|standing| standing.relay != relay);
        }
    }

    pub(crate) fn stop(&mut self, at: Moment) {
        self.stopped = Some(at);
    }

    /// Somebody has looked: openings are counted anew.
    pub(crate) fn allow(&mut self) {
        self.stopped = None;
        self.openings.clear();
    }
}

fn hold(why: Held, for_ms: Option<u64>) -> Result<(), Hold> {
    Err(Hold { why, for_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: MeterIx = MeterIx(0);

    fn at(minutes: u64) -> Moment {
        Moment { boot: 1, uptime_ms: minutes * 60_000, wall_ms: Some(minutes as i64 * 60_000) }
    }

    fn wanted(relay: Relay, reason: Reason) -> Wanted {
        Wanted { relay, reason, order: (reason == Reason::Cloud).then_some(1) }
    }

    fn order(meter: u32, relay: Relay, reason: Reason) -> RelayOrder {
        RelayOrder {
            meter: MeterIx(meter),
            relay,
            reason,
            order: (reason == Reason::Cloud).then_some(1),
            rests_on: 1,
            balance_minor: 0,
            reading_age_s: None,
            payments_age_s: None,
        }
    }

    fn why(orders: &Orders, wanted: &Wanted, now: Moment) -> Option<Held> {
        orders.gate(&RelayRules::default(), M, wanted, now, Some(0)).err().map(|hold| hold.why)
    }

    #[test]
    fn nobody_is_cut_off_on_old_evidence_or_without_a_clock() {
        let mut orders = Orders::new(1);
        let debt = wanted(Relay::Open, Reason::Debt);
        assert_eq!(why(&orders, &debt, at(0)), Some(Held::Reading), "never read");
        orders.take_reading(M, at(0));
        assert_eq!(why(&orders, &debt, at(180)), None);
        assert_eq!(why(&orders, &debt, at(181)), Some(Held::Reading));
        assert_eq!(why(&orders, &debt, Moment { wall_ms: None, ..at(1) }), Some(Held::Clock));
        assert_eq!(why(&orders, &wanted(Relay::Closed, Reason::Credit), Moment { wall_ms: None, ..at(500) }), None);
        // Another boot: the wall clocks tell, and one that lies in the future is doubt.
        assert_eq!(why(&orders, &debt, Moment { boot: 2, uptime_ms: 0, ..at(179) }), None);
        assert_eq!(why(&orders, &debt, Moment { boot: 2, uptime_ms: 0, wall_ms: Some(-1) }), Some(Held::Reading));
    }

    #[test]
    fn the_clouds_order_is_its_last_word_only_while_it_is_heard() {
        let orders = Orders::new(1);
        let cloud = wanted(Relay::Open, Reason::Cloud);
        let gate = |age_ms| orders.gate(&RelayRules::default(), M, &cloud, at(0), age_ms);
        assert_eq!(gate(Some(10_800_000)), Ok(()));
        assert_eq!(gate(Some(10_800_001)).unwrap_err().why, Held::Cloud);
        assert_eq!(gate(None).unwrap_err().why, Held::Cloud);
    }

    #[test]
    fn a_meter_is_not_ordered_to_and_fro() {
        let mut orders = Orders::new(1);
        let rules = RelayRules { orders_per_hour: 4, ..RelayRules::default() };
        let (open, close) = (wanted(Relay::Open, Reason::Debt), wanted(Relay::Closed, Reason::Credit));
        orders.take_reading(M, at(60));
        orders.take_order(&order(0, Relay::Closed, Reason::Credit), at(60));
        let soon = orders.gate(&rules, M, &open, at(61), None).unwrap_err();
        assert_eq!(soon, Hold { why: Held::Closed, for_ms: Some(4 * 60_000) });
        for minute in [65, 70, 75] {
            orders.take_order(&order(0, Relay::Open, Reason::Debt), at(minute));
        }
        let full = orders.gate(&rules, M, &close, at(80), None).unwrap_err();
        assert_eq!(full, Hold { why: Held::Orders, for_ms: Some(40 * 60_000) });
        assert_eq!(orders.gate(&rules, M, &open, at(80), None), Ok(()), "the same order again is no new one");
        assert_eq!(orders.gate(&rules, M, &close, at(120), None), Ok(()));
        orders.take_seen(M, Relay::Open);
        assert_eq!(orders.gate(&rules, M, &open, at(80), None).unwrap_err().why, Held::Orders);
    }

    #[test]
    fn a_mass_disconnection_stops_until_somebody_looks_or_the_time_is_over() {
        let rules = RelayRules { openings_per_hour_free: 3, openings_per_hour_percent: 10, ..RelayRules::default() };
        let mut orders = Orders::new(20);
        (0..20).for_each(|m| orders.take_reading(MeterIx(m), at(0)));
        let gate = |orders: &Orders, meter, minute, reason| {
            orders.gate(&rules, MeterIx(meter), &wanted(Relay::Open, reason), at(minute), Some(0)).err().map(|h| h.why)
        };
        for meter in 0..3 {
            assert_eq!(gate(&orders, meter, 1, Reason::Debt), None);
            orders.take_order(&order(meter, Relay::Open, Reason::Debt), at(1));
        }
        assert_eq!(gate(&orders, 3, 2, Reason::Debt), Some(Held::Openings));
        assert_eq!(gate(&orders, 3, 2, Reason::Cloud), Some(Held::Openings), "whoever orders it");
        assert_eq!(gate(&orders, 3, 2, Reason::Stale), None);
        assert_eq!(gate(&orders, 3, 61, Reason::Debt), None, "unless it was stopped by name");
        orders.stop(at(2));
        assert_eq!(gate(&orders, 3, 61, Reason::Debt), Some(Held::Openings));
        orders.allow();
        assert_eq!(gate(&orders, 3, 3, Reason::Debt), None);
    }
}
