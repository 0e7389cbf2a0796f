//! From a decision to an order: what may leave, what waits, and the record of each order ([`crate::relay::Orders`]).
//!
//! The gate stands where an exchange begins, so that evidence is as old as it is when the order leaves, not when somebody
//! decided. An order that could leave when it was decided is recorded right then, so that it is durable when its turn comes. One that is held is
//! told, and tried again when time, clock, cloud or reading may have changed the answer.

use std::collections::BTreeMap;

use super::{Dcu, NS_PER_MS, output::DcuEvent};
use crate::{
    MeterIx,
    fleet::Class,
    journal::Entry,
    relay::{CloudOrder, Held, Hold, Moment, Reason, Refusal, Relay, RelayOrder, Wanted},
    uplink::AlarmCode,
};

/// Orders that wait, by meter: why, and until when (ns) where time alone will do.
#[derive(Debug, Default)]
pub(super) struct Holds(BTreeMap<MeterIx, (Held, Option<u64>)>);

impl Holds {
    pub(super) fn deadline(&self) -> Option<u64> {
        self.0.values().filter_map(|(_, until)| *until).min()
    }
}

impl Dcu {
    /// An operator has looked at a mass disconnection: openings go on, and are counted anew.
    pub fn allow_openings(&mut self, now: u64) {
        self.begin(now);
        self.record(now, Entry::OpeningsAllowed);
        self.requeue_held(|why| why == Held::Openings);
        self.pump(now);
        self.send(now);
    }

    /// Why this meter's order waits, where it does.
    #[must_use]
    pub fn held_order(&self, meter: MeterIx) -> Option<Held> {
        self.holds.0.get(&meter).map(|(why, _)| *why)
    }

    pub(super) fn moment(&self, now: u64) -> Moment {
        Moment::from(&self.stamp(now))
    }

    /// Whether the order may leave now.
    pub(super) fn may_order(&self, now: u64, meter: MeterIx, wanted: &Wanted) -> Result<(), Hold> {
        if wanted.relay == Relay::Open && wanted.reason == Reason::Debt {
            if self.state.is_in_doubt() {
                return Err(Hold { why: Held::Doubt, for_ms: None });
            }
            if let Some(wait_ns) = self.witness_wait_ns(now) {
                return Err(Hold { why: Held::Doubt, for_ms: Some(wait_ns.div_ceil(NS_PER_MS)) });
            }
        }
        let cloud_age_ms = self.contact.map(|at| now.saturating_sub(at) / NS_PER_MS);
        self.state.orders().gate(&self.config.relays, meter, wanted, self.moment(now), cloud_age_ms)
    }

    /// Whether this very order is recorded, and the record durable. If not, it is recorded now, and waits for that.
    pub(super) fn is_recorded(&mut self, now: u64, meter: MeterIx, wanted: &Wanted) -> bool {
        self.holds.0.remove(&meter);
        if self.state.orders().is_standing(meter, wanted) {
            return true;
        }
        let seconds = |ms: u64| u32::try_from(ms / 1000).unwrap_or(u32::MAX);
        let rests_on = self.fleet.unit(meter).map_or(0, |unit| unit.rests_on);
        let reading_age_ms = self.state.orders().reading_age_ms(meter, self.moment(now));
        let order = RelayOrder {
            meter,
            relay: wanted.relay,
            reason: wanted.reason,
            order: wanted.order,
            rests_on,
            balance_minor: self.state.book().balance_minor(meter.0),
            reading_age_s: reading_age_ms.map(seconds),
            payments_age_s: self.payments_word().map(|at| seconds(now.saturating_sub(at) / NS_PER_MS)),
        };
        self.record(now, Entry::RelayOrdered(order));
        let last_record = self.state.last_record();
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.rests_on = last_record;
        }
        false
    }

    /// Nothing urgent could begin with this meter: if that is because its order may not leave, it waits by name.
    pub(super) fn note_hold(&mut self, now: u64, meter: MeterIx) {
        let Some(unit) = self.fleet.unit(meter).filter(|unit| unit.rests_on <= self.durable) else { return };
        let Some(wanted) = unit.wanted else { return };
        let Err(Hold { why, for_ms }) = self.may_order(now, meter, &wanted) else { return };
        let until = for_ms.map(|ms| now.saturating_add(ms.saturating_mul(NS_PER_MS)).saturating_add(NS_PER_MS));
        let before = self.holds.0.insert(meter, (why, until));
        if why == Held::Reading
            && let Some(unit) = self.fleet.unit_mut(meter)
        {
            unit.check_due = true;
            self.fleet.enqueue(meter, Class::Check);
        }
        if wanted.reason == Reason::Cloud
            && let Some(refusal) = Refusal::of(why)
        {
            self.refuse_order(now, meter, refusal);
        }
        if why == Held::Openings && !self.state.orders().is_stopped(&self.config.relays, self.moment(now)) {
            self.alarm(now, None, AlarmCode::MassDisconnection);
            self.event(DcuEvent::OpeningsStopped);
            let hold_ns = u64::from(self.config.relays.openings_hold_s).saturating_mul(super::NS_PER_S);
            self.holds.0.insert(meter, (why, Some(now.saturating_add(hold_ns))));
        }
        if before.is_none_or(|(told, _)| told != why) {
            if matches!(why, Held::Opened | Held::Reclosed) {
                self.alarm(now, Some(meter), AlarmCode::TooManyOrders);
            }
            self.event(DcuEvent::OrderHeld { meter, relay: wanted.relay, why });
        }
    }

    /// The cloud's order to open rests on too little. The cloud is told once for each of its words, and the meter is asked:
    /// on the reading the cloud renews its order, or takes it back.
    fn refuse_order(&mut self, now: u64, meter: MeterIx, why: Refusal) {
        // Every boot begins without a clock: that is news only where nothing was refused before.
        let untold = |order: &CloudOrder| match order.refused {
            None => true,
            Some(told) => told == Refusal::Clock && why != Refusal::Clock,
        };
        let standing = self.state.meter(meter).and_then(|m| m.order).filter(untold);
        let Some(CloudOrder { number: order, .. }) = standing else { return };
        self.record(now, Entry::OrderRefused { order, meter, why });
        self.receipt(DcuEvent::OrderRefused { meter, order, why });
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.check_due = true;
            self.fleet.enqueue(meter, Class::Check);
        }
    }

    /// Orders whose time has come are tried again.
    pub(super) fn take_holds(&mut self, now: u64) {
        let due: Vec<MeterIx> =
            self.holds.0.iter().filter(|(_, (_, until))| until.is_some_and(|at| at <= now)).map(|(m, _)| *m).collect();
        for meter in due {
            if let Some((_, until)) = self.holds.0.get_mut(&meter) {
                *until = None;
            }
            self.requeue(meter);
        }
    }

    /// The clock was set: ages may be other than they were.
    pub(super) fn recheck_holds(&mut self) {
        self.requeue_held(|_| true);
    }

    /// The cloud was heard.
    pub(super) fn recheck_cloud_holds(&mut self) {
        self.requeue_held(|why| why == Held::Cloud);
    }

    pub(super) fn requeue_held(&mut self, which: impl Fn(Held) -> bool) {
        let held: Vec<MeterIx> = self.holds.0.iter().filter(|(_, (why, _))| which(*why)).map(|(m, _)| *m).collect();
        for meter in held {
            self.requeue(meter);
        }
    }

    /// What is wanted of the meter has changed: what held the order before is told anew.
    pub(super) fn forget_hold(&mut self, meter: MeterIx) {
        self.holds.0.remove(&meter);
    }
}
