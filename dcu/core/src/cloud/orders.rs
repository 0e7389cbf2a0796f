//! Orders of relays, where the accounts are kept in the cloud: decided, dated, renewed, taken back.
//!
//! An order says on what it rests ([`Basis`]): the newest reading billed, and when it was decided. One to open is good for
//! as long as the site lets such data count; on a newer reading it is renewed under its number, or overruled by an order to
//! close. Of what still waits for the link only the newest word for a meter is sent.

use super::{Cloud, CloudEvent, Remote};
use crate::{
    MeterIx,
    config::CreditAt,
    relay::{Basis, Relay},
    uplink::Down,
};

/// An order that is not confirmed yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) number: u64,
    pub(super) relay: Relay,
    basis: Option<Basis>,
}

impl Remote {
    /// A live reading was taken then. Numbers tell what is newer; times do where a site begins to number anew.
    pub(super) fn take_read(&mut self, sequence: u32, at_unix_ms: i64) {
        if self.read.is_none_or(|(newest, at)| sequence >= newest || at_unix_ms > at) {
            self.read = Some((sequence, at_unix_ms));
        }
    }
}

impl Cloud {
    pub(super) fn reconsider(&mut self, meter: MeterIx) {
        if self.config.traits.credit_at != CreditAt::Cloud {
            return;
        }
        let decision = self.book.desired_relay(meter.0, self.local());
        self.judge_at_ms = [self.judge_at_ms, decision.until_unix_ms].into_iter().flatten().min();
        let Some(relay) = decision.order() else {
            self.withhold(meter);
            return;
        };
        let Some(remote) = self.remotes.get(meter.at()) else { return };
        match remote.order {
            Some(given) if given.relay == relay => self.renew(meter, given),
            Some(_) => self.order_anew(meter, relay),
            None if remote.seen.is_some_and(|(_, seen)| seen != relay) => self.order_anew(meter, relay),
            None => {}
        }
    }

    /// Nobody is disconnected now: an order to open that is not confirmed is overruled by one to leave the light on.
    fn withhold(&mut self, meter: MeterIx) {
        let Some(remote) = self.remotes.get(meter.at()) else { return };
        if remote.order.is_none_or(|given| given.relay.is_closed())
            || remote.seen.is_none_or(|(_, seen)| seen == Relay::Open)
        {
            return;
        }
        self.order_anew(meter, Relay::Closed);
    }

    fn order_anew(&mut self, meter: MeterIx, relay: Relay) {
        self.orders = self.orders.saturating_add(1);
        self.give(meter, Given { number: self.orders, relay, basis: self.basis(meter) });
        self.event(CloudEvent::RelayDecided { meter, relay, order: self.orders });
    }

    /// The same is decided on newer data: an order to open is told again with them.
    fn renew(&mut self, meter: MeterIx, given: Given) {
        let age = |basis: Option<Basis>| basis.map(|basis| basis.data_unix_ms);
        let basis = self.basis(meter);
        if given.relay == Relay::Open && age(basis) > age(given.basis) {
            self.give(meter, Given { basis, ..given });
        }
    }

    fn give(&mut self, meter: MeterIx, given: Given) {
        if let Some(remote) = self.remotes.get_mut(meter.at()) {
            remote.order = Some(given);
        }
        self.downlink.withdraw(|body| matches!(body, Down::RelayOrder { meter: of, .. } if *of == meter));
        self.downlink.push(given.message(meter));
    }

    /// On what a decision of now rests; nothing where no reading has come, or this clock is not set.
    fn basis(&self, meter: MeterIx) -> Option<Basis> {
        let decided_unix_ms = self.unix_ms()?;
        let (_, data_unix_ms) = self.remotes.get(meter.at())?.read?;
        Some(Basis { data_unix_ms, decided_unix_ms })
    }

    pub(super) fn reconsider_all(&mut self) {
        for meter in self.meters() {
            self.reconsider(meter);
        }
    }

    /// The DCU has started or the link is new: a DCU that lost its journal must hear the open orders again.
    pub(super) fn repeat_orders(&mut self) {
        for meter in self.meters() {
            if let Some(given) = self.remotes.get(meter.at()).and_then(|remote| remote.order) {
                self.downlink.push_once(given.message(meter));
            }
        }
    }
}

impl Given {
    fn message(&self, meter: MeterIx) -> Down {
        let Self { number: order, relay, basis } = *self;
        Down::RelayOrder { order, meter, closed: relay.is_closed(), basis }
    }
}
