//! What each relay should be, and what follows from it.

use super::{Dcu, NS_PER_S, output::DcuEvent};
use crate::{
    MeterIx,
    config::{CreditAt, OnLinkLoss},
    fleet::{Class, Prices},
    relay::{CloudOrder, Reason, Relay, Wanted},
};

impl Dcu {
    /// Compares what one meter's relay and credit should be with what they are known to be, and queues what is to be
    /// done. Called whenever one of the two sides has changed.
    pub(super) fn reconsider(&mut self, now: u64, meter: MeterIx) {
        let Some(seen) = self.state.meter(meter) else { return };
        let (relay_seen, order, delivered) = (seen.relay_seen, seen.order, seen.credit_delivered_minor);
        let (decided, until) = self.decided(now, meter, order);
        self.judgements.extend(until.map(|until| (until, meter)));
        let wanted = decided.filter(|wanted| {
            // An order of the cloud is carried out even when nothing seems to be wrong: it wants its confirmation.
            wanted.order.is_some() || relay_seen.is_some_and(|seen| seen != wanted.relay)
        });
        let prices = self.prices(meter);
        let prices_known = self.fleet.unit(meter).is_some_and(|unit| unit.prices_written == Some(prices));
        let credit_due = (self.config.traits.credit_at == CreditAt::Meter)
            // With a keypad the credit comes by hand: only prices are written, and a total that changes nothing.
            .then(|| {
                if self.config.traits.keypad || self.takes_tokens(meter) {
                    delivered
                } else {
                    self.credited_minor(meter)
                }
            })
            .filter(|total| *total > delivered || !prices_known);
        let last_record = self.state.last_record();
        if self.fleet.unit(meter).is_some_and(|unit| unit.wanted != wanted) {
            self.forget_hold(meter);
        }
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        let ordered_anew = wanted.is_some_and(|new| new.order.is_some() && unit.wanted != wanted);
        if wanted.is_some() && unit.wanted != wanted || credit_due.is_some() && unit.credit_due != credit_due {
            unit.rests_on = last_record;
            if unit.wanted.is_none_or(|before| Some(before.relay) != wanted.map(|w| w.relay)) {
                unit.unheeded = 0;
            }
        }
        let fresh = wanted.filter(|new| unit.wanted != Some(*new) && !unit.session.is_locked());
        unit.wanted = wanted;
        unit.credit_due = credit_due;
        let turned = decided.filter(|new| unit.decided != Some(new.relay));
        let announced = turned.filter(|new| unit.decided.is_some() || relay_seen.is_some_and(|seen| seen != new.relay));
        if let Some(new) = turned {
            unit.decided = Some(new.relay);
        }
        if wanted.is_some() || credit_due.is_some() {
            // A new decision does not wait for the end of a back-off that older, lesser business has earned.
            if (turned.is_some() || ordered_anew) && unit.blocked_until.is_some_and(|until| until > now) {
                unit.blocked_until = None;
            }
            self.fleet.enqueue(meter, Class::Urgent);
        }
        // Recorded at once where it may leave, it is durable with what it rests on: it does not lose its turn on a busy link.
        if let Some(new) = fresh.filter(|new| self.may_order(now, meter, new).is_ok()) {
            self.is_recorded(now, meter, &new);
        }
        if let Some(Wanted { relay, reason, .. }) = announced {
            self.event(DcuEvent::RelayDecided { meter, relay, reason });
        }
    }

    pub(super) fn reconsider_all(&mut self, now: u64) {
        for ix in 0..self.fleet.len() {
            self.reconsider(now, MeterIx(ix));
        }
    }

    fn credited_minor(&self, meter: MeterIx) -> i64 {
        self.state.book().account(meter.0).map_or(0, |account| account.granted_minor())
    }

    /// The prices in force for this meter's account, as a meter takes them.
    pub(super) fn prices(&self, meter: MeterIx) -> Prices {
        let tariff = self.state.book().tariff_of(meter.0);
        Prices {
            per_kwh_minor: tariff.energy_price_per_kwh_minor,
            fee_per_day_minor: tariff.daily_fee_minor,
            grace_minor: tariff.trust_minor(),
        }
    }

    /// The state that the deciding party wants, if it has said so, and when the clock alone changes that (Unix ms).
    fn decided(&self, now: u64, meter: MeterIx, order: Option<CloudOrder>) -> (Option<Wanted>, Option<i64>) {
        match self.config.traits.credit_at {
            CreditAt::Meter => (None, None),
            CreditAt::Dcu => self.judged(now, meter),
            CreditAt::Cloud if self.stale => {
                (Some(Wanted { relay: Relay::Open, reason: Reason::Stale, order: None, basis: None }), None)
            }
            CreditAt::Cloud => {
                let wanted = |CloudOrder { number, relay, basis, .. }| {
                    let (reason, order) = (Reason::Cloud, Some(number));
                    Wanted { relay, reason, order, basis }
                };
                (order.map(wanted), None)
            }
        }
    }

    /// By the book kept here.
    fn judged(&self, now: u64, meter: MeterIx) -> (Option<Wanted>, Option<i64>) {
        let decision = self.state.book().desired_relay(meter.0, self.local(now));
        let until = decision.until_unix_ms;
        let Some(relay) = decision.order() else { return (None, until) };
        let wanted = Wanted { relay, reason: decision.why.reason(), order: None, basis: None };
        match self.young_debt_until(now, meter).filter(|_| relay == Relay::Open) {
            Some(later) => (None, Some(until.map_or(later, |until| until.min(later)))),
            None => (self.unless_blind(wanted), until),
        }
    }

    /// The clock was set or stepped: what it decides is decided anew.
    pub(super) fn judge_anew(&mut self, now: u64) {
        let friendly = self.state.book().tariffs().any(|tariff| !tariff.friendly_hours.is_empty());
        if friendly || !self.judgements.is_empty() {
            self.judgements.clear();
            self.reconsider_all(now);
        }
    }

    /// Decides anew where the clock has changed what was decided.
    pub(super) fn check_judgements(&mut self, now: u64) {
        let Some(unix_ms) = self.unix_ms(now) else { return };
        let later = self.judgements.split_off(&(unix_ms.saturating_add(1), MeterIx(0)));
        for (_, meter) in std::mem::replace(&mut self.judgements, later) {
            self.reconsider(now, meter);
        }
    }

    /// When balances kept in the cloud stop being confirmed; `None` where that changes nothing, or has happened.
    pub(super) fn stale_at(&self) -> Option<u64> {
        let traits = &self.config.traits;
        if self.stale || traits.credit_at != CreditAt::Cloud || traits.on_link_loss != OnLinkLoss::Open {
            return None;
        }
        let limit = u64::from(self.config.stale_limit_s).saturating_mul(NS_PER_S);
        self.silent_since().map(|at| at.saturating_add(limit))
    }

    pub(super) fn check_stale(&mut self, now: u64) {
        if self.stale_at().is_some_and(|at| at <= now) {
            self.stale = true;
            self.event(DcuEvent::LinkStale(true));
            self.reconsider_all(now);
        }
    }

    /// The cloud was heard.
    pub(super) fn touch_contact(&mut self, now: u64) {
        self.contact = Some(now);
        if self.config.fetch.is_none() {
            self.sight_contact(now);
        }
        self.recheck_cloud_holds();
        if self.stale {
            self.stale = false;
            self.event(DcuEvent::LinkStale(false));
            self.reconsider_all(now);
        }
    }
}
