//! Whose turn it is: frames that may go, business that begins, business that gives way.
//!
//! Between any two frames of an exchange the link may go to somebody else ([`crate::fleet::link`]), and the meter itself
//! to something better.

use super::{
    Dcu,
    output::{DcuEvent, Output},
};
use crate::{
    MeterIx,
    fleet::{Class, Exchange, Grant, Unit, session::Polled},
    relay::Wanted,
};

impl Dcu {
    /// Sends frames, and begins new business, while the links have room.
    pub(super) fn pump(&mut self, now: u64) {
        if self.failing || self.is_muted() {
            return;
        }
        self.hasten_lists(now);
        while let Some(grant) = self.fleet.next_grant() {
            match grant {
                Grant::Frame(meter) => self.send_waiting(now, meter),
                Grant::Start(meter, class) => self.start(now, meter, class),
            }
        }
    }

    fn start(&mut self, now: u64, meter: MeterIx, class: Class) {
        // An order is about to come for it, once its record is durable: nothing long is begun in between.
        let expected =
            |unit: &Unit| unit.rests_on > self.durable && (unit.wanted.is_some() || unit.credit_due.is_some());
        if class.is_bulk() && self.fleet.unit(meter).is_some_and(expected) {
            return self.waiting.push(meter);
        }
        let Some((exchange, class)) = self.choose(now, meter, class) else {
            if class == Class::Urgent {
                self.note_hold(now, meter);
            }
            let image_waits = class == Class::Image && self.image_rests_on(meter) > self.durable;
            if image_waits || self.fleet.unit(meter).is_some_and(|unit| unit.rests_on > self.durable) {
                self.waiting.push(meter);
            }
            return;
        };
        if let Exchange::Relay(wanted) = exchange
            && !self.is_recorded(now, meter, &wanted)
        {
            return self.waiting.push(meter);
        }
        if self.fleet.unit(meter).is_some_and(|unit| unit.job.is_some()) && !self.give_way(now, meter) {
            return self.fleet.hurry(meter, class);
        }
        if let Exchange::Relay(Wanted { relay, reason, .. }) = exchange {
            self.event(DcuEvent::RelayOrdered { meter, relay, reason });
        }
        if exchange == Exchange::Image && !self.load_image(now, meter) {
            return;
        }
        self.fleet.begin(meter, exchange, class);
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.session.start(now, &exchange);
        }
        self.drive_granted(now, meter, true);
    }

    fn send_waiting(&mut self, now: u64, meter: MeterIx) {
        let Some((bytes, _)) = self.fleet.unit_mut(meter).and_then(|unit| unit.waits.take()) else { return };
        self.transmit(now, meter, bytes);
        self.drive(now, meter);
    }

    fn transmit(&mut self, now: u64, meter: MeterIx, bytes: Vec<u8>) {
        self.fleet.depart(meter);
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.session.transmitted(now);
        }
        self.outputs.push_back(Output::Transmit { meter, bytes });
    }

    /// Drops the meter's business under way for something better; it is queued again, for what it has not got yet.
    /// False where it is better finished.
    fn give_way(&mut self, now: u64, meter: MeterIx) -> bool {
        let Some(unit) = self.fleet.unit_mut(meter) else { return false };
        let may = match unit.job {
            None | Some((Exchange::Introduce, _) | (_, Class::Urgent)) => false,
            Some(_) => unit.session.can_give_way(),
        };
        if !may {
            return false;
        }
        let rows = unit.session.give_up();
        if let Some((Exchange::Backfill { from, to }, _)) = self.fleet.end(meter) {
            self.take_first_rows(now, meter, from, to, &rows);
        }
        self.end_list(now, meter);
        self.requeue(meter);
        true
    }

    /// Better business with this meter than what is under way, if any could begin now.
    fn better_than(&self, now: u64, meter: MeterIx, class: Class) -> Option<Class> {
        let mut better = Class::ALL.into_iter().take_while(|better| *better < class);
        better.find(|better| self.choose(now, meter, *better).is_some())
    }

    /// Takes what the meter's session has to give, after anything touched it.
    pub(super) fn drive(&mut self, now: u64, meter: MeterIx) {
        self.drive_granted(now, meter, false);
    }

    /// The same; if `granted`, the first frame goes out at once. Others wait for their turn.
    fn drive_granted(&mut self, now: u64, meter: MeterIx, mut granted: bool) {
        loop {
            let mut bytes = self.buffer();
            let Some(unit) = self.fleet.unit_mut(meter) else { return };
            match unit.session.poll(&mut bytes) {
                Polled::Reserve(bound) => {
                    self.recycle(bytes);
                    self.reserve(now, meter, bound);
                }
                Polled::MapWanted(firmware) => {
                    self.recycle(bytes);
                    self.find_map(now, meter, &firmware);
                }
                Polled::Discovered(discovered) => {
                    self.recycle(bytes);
                    self.take_discovered(now, meter, &discovered);
                }
                Polled::Pushed(bits) => {
                    self.recycle(bytes);
                    self.take_push(now, meter, bits);
                }
                // Asked for by nobody: the answer to a push.
                Polled::Transmit if unit.job.is_none() => self.outputs.push_back(Output::Transmit { meter, bytes }),
                Polled::Transmit if std::mem::take(&mut granted) => self.transmit(now, meter, bytes),
                Polled::Transmit => self.take_turn(now, meter, bytes),
                Polled::Done(outcome) => {
                    self.recycle(bytes);
                    self.complete(now, meter, outcome);
                }
                Polled::Idle(deadline) => {
                    unit.deadline = deadline.filter(|_| unit.in_flight());
                    self.recycle(bytes);
                    return;
                }
            }
        }
    }

    /// Between two frames of an exchange: the next one waits for its turn, or something better comes first.
    fn take_turn(&mut self, now: u64, meter: MeterIx, bytes: Vec<u8>) {
        let Some((exchange, class)) = self.fleet.unit(meter).and_then(|unit| unit.job) else { return };
        if exchange == Exchange::Image {
            self.note_image(now, meter);
        }
        match self.better_than(now, meter, class) {
            Some(_) if self.give_way(now, meter) => self.recycle(bytes),
            better => self.fleet.wait(meter, bytes, better.unwrap_or(class)),
        }
    }
}
