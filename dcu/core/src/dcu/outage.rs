//! Outages: packets in, tickets recorded, meters pinged, people told.
//!
//! A notification rests on its record: [`DcuEvent::OutageFound`] waits for it to be durable, and the alarm that goes up is
//! part of the fold. A ping is an ordinary look at the meter, put before its back-off.

use super::{Dcu, output::DcuEvent};
use crate::{
    MeterIx,
    fleet::{Exchange, Upkeep, session::Fault},
    journal::Entry,
    outage::{Act, Engine, Heard, OutageNote, Refusals, Refused},
};

impl Dcu {
    /// A datagram on the outage port (a packet of `taa_gasp`). It is for the port to keep strangers from filling the link.
    ///
    /// # Errors
    /// [`Refused`]: counted ([`Self::outage_refusals`]); nothing else has changed, and nobody is alarmed.
    pub fn handle_outage_packet(&mut self, now: u64, bytes: &[u8]) -> Result<Heard, Refused> {
        self.begin(now);
        let unix_ms = self.unix_ms(now);
        let outages = self.state.outages();
        let engine = self.outage.as_mut().ok_or(Refused::Stranger)?;
        let heard = engine.handle_packet(now, unix_ms, bytes, outages);
        self.run_outages(now);
        self.pump(now);
        self.send(now);
        heard
    }

    /// A breaker's state, or the site's own supply, tells whether this device is energised.
    pub fn handle_feeder_sign(&mut self, now: u64, device: &str, energised: bool) {
        self.begin(now);
        if let Some(engine) = &mut self.outage {
            engine.handle_sign(now, device, energised);
        }
        self.run_outages(now);
    }

    /// A feeder's ammeter was read: at and beyond [`crate::config::OutageConfig::current_min_ma`] somebody draws current, so
    /// the feeder is energised; below it some of its meters are asked, where current flowed before.
    pub fn handle_feeder_current(&mut self, now: u64, device: &str, current_ma: u32) {
        self.begin(now);
        if let Some(engine) = &mut self.outage {
            engine.handle_current(now, device, current_ma);
        }
        self.run_outages(now);
        self.pump(now);
        self.send(now);
    }

    /// An operator says that a ticket was a false alarm: it is closed, and its meters are asked. False without such a ticket.
    pub fn clear_outage(&mut self, now: u64, ticket: u64) -> bool {
        self.begin(now);
        let outages = self.state.outages();
        let known = self.outage.as_mut().is_some_and(|engine| engine.clear(ticket, outages));
        self.run_outages(now);
        self.pump(now);
        self.send(now);
        known
    }

    /// Packets refused in this boot, by reason; `None` where outages are not judged.
    #[must_use]
    pub fn outage_refusals(&self) -> Option<Refusals> {
        self.outage.as_ref().map(|engine| *engine.refusals())
    }

    pub(super) fn outage_deadline(&self) -> Option<u64> {
        self.outage.as_ref().and_then(Engine::deadline)
    }

    pub(super) fn outage_answer(&mut self, now: u64, meter: MeterIx) {
        if let Some(engine) = &mut self.outage {
            engine.handle_answer(now, meter, self.state.outages());
            self.run_outages(now);
        }
    }

    pub(super) fn outage_silence(&mut self, now: u64, meter: MeterIx) {
        if self.outage.as_mut().is_some_and(|engine| engine.handle_silence(now, meter)) {
            self.run_outages(now);
        }
    }

    pub(super) fn check_outages(&mut self, now: u64) {
        if let Some(engine) = &mut self.outage {
            engine.handle_timeout(now, self.state.outages());
            self.run_outages(now);
        }
    }

    fn run_outages(&mut self, now: u64) {
        while let Some(act) = self.outage.as_mut().and_then(|engine| engine.poll(now)) {
            match act {
                Act::Record(note) => self.note_outage(now, note),
                Act::Ping(meter) => self.ping(meter),
                Act::ClockOff { meter, off_ms } => self.clock_off(meter, off_ms),
                Act::Tested { meter } => self.event(DcuEvent::OutageTested { meter }),
            }
        }
    }

    fn note_outage(&mut self, now: u64, note: OutageNote) {
        self.record(now, Entry::Outage(Box::new(note.clone())));
        let number = self.state.last_record();
        if let Some(engine) = &mut self.outage {
            engine.handle_recorded(now, number, &note, self.state.outages());
        }
        match note {
            OutageNote::Opened { place, confidence_pm, members, .. } => {
                let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                let heard = count(members.iter().filter(|member| member.is_heard()).count());
                let members = count(members.len());
                self.receipt(DcuEvent::OutageFound { ticket: number, place, confidence_pm, members, heard });
            }
            OutageNote::Moved { ticket, place, confidence_pm, .. } => {
                self.receipt(DcuEvent::OutageMoved { ticket, place, confidence_pm });
            }
            OutageNote::Restored { ticket, meter, .. } => self.receipt(DcuEvent::OutageRestored { ticket, meter }),
            OutageNote::Closed { ticket, how } => self.receipt(DcuEvent::OutageClosed { ticket, how }),
            OutageNote::Joined { .. }
            | OutageNote::Withdrawn { .. }
            | OutageNote::Brief { .. }
            | OutageNote::Settled { .. }
            | OutageNote::Missed(_) => {}
        }
    }

    /// 0x092: told, and the clock is set when the meter is spoken to next.
    fn clock_off(&mut self, meter: MeterIx, off_ms: u64) {
        self.event(DcuEvent::MeterClockOff { meter, off_ms });
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.upkeep.clock = true;
        }
    }

    /// A meter was met anew: whether it would send a last gasp is to be looked at.
    pub(super) fn want_gasp_seen(&mut self, meter: MeterIx) {
        if self.outage.is_some()
            && let Some(unit) = self.fleet.unit_mut(meter)
        {
            unit.upkeep.gasp = true;
        }
    }

    /// What the outage logic of this meter needs, if anything can be done.
    pub(super) fn upkeep(&self, now: u64, meter: MeterIx) -> Option<Exchange> {
        let Upkeep { clock, gasp } = self.fleet.unit(meter)?.upkeep;
        let unix_ms = self.unix_ms(now).filter(|_| clock);
        (gasp || unix_ms.is_some()).then_some(Exchange::Upkeep { unix_ms, gasp })
    }

    pub(super) fn take_upkeep(&mut self, meter: MeterIx, found: Option<u8>) {
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.upkeep = Upkeep::default();
        }
        if found == Some(0) {
            self.event(DcuEvent::GaspArmed { meter });
        }
    }

    /// A meter that refuses is not asked again before it is met anew; one that is silent is.
    pub(super) fn upkeep_failed(&mut self, meter: MeterIx, exchange: Exchange, fault: Fault) {
        if let (Exchange::Upkeep { .. }, Some(unit)) = (exchange, self.fleet.unit_mut(meter))
            && fault != Fault::Silent
        {
            unit.upkeep = Upkeep::default();
        }
    }

    /// The meter is looked at now, whatever it has failed to answer before.
    fn ping(&mut self, meter: MeterIx) {
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        unit.suspect = false;
        unit.blocked_until = None;
        unit.check_due = true;
        unit.heard_meanwhile = unit.job.is_some();
        self.requeue(meter);
    }
}
