//! What a meter does when something reaches it, or its own deadline comes: frames, relay, and the next deadline.
//!
//! A meter answers, or speaks of its own accord (a push). Only who has a route does the latter: a radio without one knows
//! it. What is lost on the way the meter repeats, or the DCU asks for again.

use taa_dlms::server::PortOutput;
use taa_meter::{MeterEvent, RelayWhy};

use super::{Event, Village, population::Opened, site::whole_ms};
use crate::kernel::{Phase, Queue, SimTime};

impl Village<'_> {
    /// Bytes have reached a meter: it answers, if it lives.
    pub(crate) fn at_meter(&mut self, customer: u32, frame: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        let meter = &mut self.people.of(customer).unit.meter;
        let closed_before = meter.relay_closed();
        meter.handle_receive(now_ms * 1_000_000, frame);
        self.meter_speaks(customer, now_ms, queue);
        self.meter_acted(customer, closed_before, now_ms, queue);
    }

    /// A meter's own deadline: credit runs out, an alarm is pushed, a restart ends.
    pub(crate) fn meter_wakes(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let unit = self.people.of(customer).unit;
        unit.armed_for = None;
        let closed_before = unit.meter.relay_closed();
        unit.meter.handle_timeout(now_ms * 1_000_000);
        self.cry(customer, now_ms, queue);
        self.mesh_charge_spent(customer, now_ms);
        if self.can_speak(customer, now_ms) {
            self.meter_speaks(customer, now_ms, queue);
        } else {
            self.meter_falls_silent(customer);
        }
        self.meter_acted(customer, closed_before, now_ms, queue);
    }

    /// Sends what the meter has to send.
    fn meter_speaks(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        while let Some(output) = self.people.of(customer).unit.meter.poll_output() {
            // There is no line to set on the air.
            let PortOutput::Transmit(frame) = output else { continue };
            self.send_up_mesh(customer, &frame, now_ms, queue);
        }
    }

    /// What it would have said is not even sent: the meter will repeat it.
    fn meter_falls_silent(&mut self, customer: u32) {
        let meter = &mut self.people.of(customer).unit.meter;
        while meter.poll_output().is_some() {}
    }

    /// What follows from what the meter did: whoever moved the relay, and when it acts next.
    fn meter_acted(&mut self, customer: u32, closed_before: bool, now_ms: u64, queue: &mut Queue<Event>) {
        let meter = &mut self.people.of(customer).unit.meter;
        let mut at_boot = false;
        let mut restarts = false;
        while let Some(event) = meter.poll_event() {
            match event {
                MeterEvent::RelayChanged { why, .. } => at_boot = why == RelayWhy::Boot,
                MeterEvent::ImageActivated { .. } => restarts = true,
            }
        }
        let closed = meter.relay_closed();
        if restarts {
            let id = self.scenario.village.customers[customer as usize].id.clone();
            self.log(now_ms, "image_started", id, "the meter restarts with a new image".to_owned());
        }
        if closed == closed_before {
            self.meter_deadline(customer, now_ms, queue);
        } else if at_boot && !closed {
            self.people.of(customer).unit.opened = Opened::AtBoot;
            self.connection_turned(customer, now_ms, queue);
        } else {
            self.relay_turned(customer, closed, now_ms, queue);
        }
    }

    /// Arms the moment at which the meter acts by itself.
    pub(crate) fn meter_deadline(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let node = one.identity.node;
        let unit = one.unit;
        let at = unit.meter.next_deadline().map(|ns| whole_ms(ns).max(SimTime::from_ms(now_ms)));
        if at == unit.armed_for {
            return;
        }
        unit.armed_for = at;
        match at {
            Some(at) => queue
                .arm(&mut unit.wake, at, Phase::Meter, node, |generation| Event::MeterWake { customer, generation }),
            None => unit.wake.cancel(),
        }
    }
}
