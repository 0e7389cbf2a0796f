//! Which orders may leave: the gate behind the decision, and the durable memory that it needs.
//!
//! | demanded | of | else |
//! |---|---|---|
//! | the clock is set | openings for debt | held until it is |
//! | a billing reading not older than `evidence_age_max_s` | openings for debt | held; the meter is asked first |
//! | the cloud heard within `evidence_age_max_s` | openings that it ordered | held until it is heard |
//! | data not older than `evidence_age_max_s`, no later payment, clocks that agree | openings that it ordered | refused and told; the meter is asked, and the cloud renews its order or takes it back ([`super::Basis`]) |
//! | fewer than `openings_per_meter_hour` | openings | held until the hour has passed; told |
//! | fewer than `closings_per_meter_hour` of relays that opened of themselves | closings, but after a payment | the same |
//! | `open_after_close_s` since the last closing | openings | held until then |
//! | not too many openings at the site in an hour | openings but those of a lost link | all stop, with an alarm |
//!
//! In doubt nothing is opened: who is lit stays lit. A closing that undoes an opening of ours, or that somebody has paid
//! for, is never held. One that answers a relay which opens of itself is held by its number alone, so that a contactor is
//! not worn out. An order that is repeated because it did not arrive, or was not heeded, is
//! the same order; its evidence is looked at each time.
//!
//! Ages are told by the monotonic clock within a boot and by the wall clock across boots; where neither can say, the age
//! is unknown, which is doubt.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Reason, Relay, RelayOrder, RelayRules, Wanted, basis};
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
    /// The last order.
    last: Option<(Moment, Relay)>,
    /// Orders to open within the last hour.
    opened: VecDeque<Moment>,
    /// Orders within the last hour to close what we had not opened.
    reclosed: VecDeque<Moment>,
    /// A payment has come since the last order.
    paid: bool,
    /// When a payment was last passed on to the cloud, which keeps the account, Unix ms.
    forwarded_unix_ms: Option<i64>,
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
    /// The clock is not set, or contradicts the cloud's.
    Clock,
    /// The newest billing reading is too old, or its age is unknown.
    Reading,
    /// The cloud has been silent for too long: the order need not be its last word.
    Cloud,
    /// The cloud's order rests on data that are too old, or older than a payment that was passed on here.
    Data,
    /// The cloud's order does not say what it rests on.
    Undated,
    /// Too many openings of this meter's relay within an hour.
    Opened,
    /// Too many closings within an hour of a relay that opens of itself.
    Reclosed,
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
            self.evidence(rules, meter, wanted, now, cloud_age_ms)?;
        }
        if self.is_standing(meter, wanted) {
            return Ok(());
        }
        let Some(memory) = self.meters.get(meter.at()) else { return Ok(()) };
        if opening {
            room(&memory.opened, rules.openings_per_meter_hour, now, Held::Opened)?;
        } else if memory.is_reclosing() {
            room(&memory.reclosed, rules.closings_per_meter_hour, now, Held::Reclosed)?;
        }
        if opening {
            let wait_ms = u64::from(rules.open_after_close_s).saturating_mul(1000);
            let closed = memory.last.filter(|(_, relay)| *relay == Relay::Closed);
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
        wanted: &Wanted,
        now: Moment,
        cloud_age_ms: Option<u64>,
    ) -> Result<(), Hold> {
        let age_max_ms = u64::from(rules.evidence_age_max_s).saturating_mul(1000);
        let fresh = |age: Option<u64>| age.is_some_and(|age| age <= age_max_ms);
        match wanted.reason {
            // The meaning of a lost link where the architecture opens by it: there is no newer word to wait for.
            Reason::Stale => Ok(()),
            Reason::Cloud if !fresh(cloud_age_ms) => hold(Held::Cloud, None),
            Reason::Cloud => {
                let paid_unix_ms = self.meters.get(meter.at()).and_then(|memory| memory.forwarded_unix_ms);
                let judged = basis::judge(wanted.basis, rules, now.wall_ms, paid_unix_ms);
                judged.map_err(|why| Hold { why, for_ms: None })
            }
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

    /// A payment was credited to this meter's account, or passed on to the cloud that keeps it.
    pub(crate) fn take_payment(&mut self, meter: MeterIx, forwarded_unix_ms: Option<i64>) {
        if let Some(memory) = self.meters.get_mut(meter.at()) {
            memory.paid = true;
            memory.forwarded_unix_ms = forwarded_unix_ms.or(memory.forwarded_unix_ms);
        }
    }

    pub(crate) fn take_order(&mut self, order: &RelayOrder, at: Moment) {
        let Some(memory) = self.meters.get_mut(order.meter.at()) else { return };
        memory.standing = Some(Standing { relay: order.relay, reason: order.reason, order: order.order });
        if order.relay == Relay::Open {
            remember(&mut memory.opened, at);
        } else if memory.is_reclosing() {
            remember(&mut memory.reclosed, at);
        }
        memory.last = Some((at, order.relay));
        memory.paid = false;
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

impl Memory {
    /// To close now would answer neither an opening of ours nor a payment: the relay has opened of itself.
    fn is_reclosing(&self) -> bool {
        !self.paid && self.last.is_some_and(|(_, relay)| relay == Relay::Closed)
    }
}

/// There is room for one more of these within the hour.
fn room(given: &VecDeque<Moment>, limit: u32, now: Moment, why: Held) -> Result<(), Hold> {
    let recent = || given.iter().filter(|at| at.is_recent(now));
    let limit = (limit as usize).clamp(1, ORDERS_KEPT);
    let Some(over) = recent().count().checked_sub(limit) else { return Ok(()) };
    let oldest = recent().nth(over).and_then(|at| at.age_ms(now));
    hold(why, oldest.map(|age| HOUR_MS.saturating_sub(age)))
}

fn remember(given: &mut VecDeque<Moment>, at: Moment) {
    while given.len() >= ORDERS_KEPT || given.front().is_some_and(|given| !given.is_recent(at)) {
        given.pop_front();
    }
    given.push_back(at);
}

fn hold(why: Held, for_ms: Option<u64>) -> Result<(), Hold> {
    Err(Hold { why, for_ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::Basis;

    const M: MeterIx = MeterIx(0);

    fn at(minutes: u64) -> Moment {
        Moment { boot: 1, uptime_ms: minutes * 60_000, wall_ms: Some(minutes as i64 * 60_000) }
    }

    fn wanted(relay: Relay, reason: Reason) -> Wanted {
        let basis = (reason == Reason::Cloud).then_some(Basis { data_unix_ms: 0, decided_unix_ms: 0 });
        Wanted { relay, reason, order: basis.map(|_| 1), basis }
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
    fn the_clouds_order_is_its_last_word_only_while_it_is_heard_and_its_data_are_young() {
        let mut orders = Orders::new(1);
        let cloud = wanted(Relay::Open, Reason::Cloud);
        let gate = |orders: &Orders, minute, age_ms| {
            orders.gate(&RelayRules::default(), M, &cloud, at(minute), age_ms).err().map(|hold| hold.why)
        };
        assert_eq!(gate(&orders, 0, Some(10_800_000)), None);
        assert_eq!(gate(&orders, 0, Some(10_800_001)), Some(Held::Cloud));
        assert_eq!(gate(&orders, 0, None), Some(Held::Cloud));
        assert_eq!(gate(&orders, 181, Some(0)), Some(Held::Data), "the cloud is there, its reading is of this morning");
        let undated = Wanted { basis: None, ..cloud };
        assert_eq!(why(&orders, &undated, at(0)), Some(Held::Undated));
        assert_eq!(why(&orders, &Wanted { relay: Relay::Closed, ..undated }, at(900)), None, "closing harms nobody");
        orders.take_payment(M, Some(60_000));
        assert_eq!(gate(&orders, 2, Some(0)), Some(Held::Data), "it did not know of this payment");
    }

    #[test]
    fn a_meter_is_not_ordered_to_and_fro() {
        let mut orders = Orders::new(1);
        let rules = RelayRules { openings_per_meter_hour: 3, ..RelayRules::default() };
        let (open, close) = (wanted(Relay::Open, Reason::Debt), wanted(Relay::Closed, Reason::Credit));
        orders.take_reading(M, at(60));
        orders.take_order(&order(0, Relay::Closed, Reason::Credit), at(60));
        let soon = orders.gate(&rules, M, &open, at(61), None).unwrap_err();
        assert_eq!(soon, Hold { why: Held::Closed, for_ms: Some(4 * 60_000) });
        for minute in [65, 70, 75] {
            orders.take_order(&order(0, Relay::Open, Reason::Debt), at(minute));
        }
        assert_eq!(orders.gate(&rules, M, &close, at(80), None), Ok(()), "whoever has paid does not wait for that");
        assert_eq!(orders.gate(&rules, M, &open, at(80), None), Ok(()), "the same order again is no new one");
        orders.take_seen(M, Relay::Open);
        let full = orders.gate(&rules, M, &open, at(80), None).unwrap_err();
        assert_eq!(full, Hold { why: Held::Opened, for_ms: Some(45 * 60_000) });
        assert_eq!(orders.gate(&rules, M, &open, at(125), None), Ok(()));
    }

    #[test]
    fn a_relay_that_opens_of_itself_is_not_closed_without_end_and_a_payment_is_not_held_by_that() {
        let mut orders = Orders::new(1);
        let rules = RelayRules { closings_per_meter_hour: 3, ..RelayRules::default() };
        let close = wanted(Relay::Closed, Reason::Credit);
        // The first answers whatever was before it; three more, and the contactor has rest.
        for minute in 0..4 {
            assert_eq!(orders.gate(&rules, M, &close, at(minute), None), Ok(()));
            orders.take_order(&order(0, Relay::Closed, Reason::Credit), at(minute));
            orders.take_seen(M, Relay::Closed);
        }
        let worn = orders.gate(&rules, M, &close, at(10), None).unwrap_err();
        assert_eq!(worn, Hold { why: Held::Reclosed, for_ms: Some(51 * 60_000) });
        orders.take_payment(M, None);
        assert_eq!(orders.gate(&rules, M, &close, at(10), None), Ok(()), "somebody has paid for this one");
        orders.take_order(&order(0, Relay::Closed, Reason::Credit), at(10));
        orders.take_seen(M, Relay::Closed);
        assert_eq!(orders.gate(&rules, M, &close, at(11), None).unwrap_err().why, Held::Reclosed);
        // After an opening of ours it closes, however often it was closed before.
        orders.take_order(&order(0, Relay::Open, Reason::Debt), at(16));
        assert_eq!(orders.gate(&rules, M, &close, at(16), None), Ok(()));
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
