//! What meters tell of their own accord: recorded, told, answered by a look at the meter and a confirmation.
//!
//! ```text
//!   push ─▶ record ─▶ durable ─▶ event, uplink, confirmation (the descriptor is written back) ─▶ record
//!        └▶ the meter is due for a look
//! ```
//!
//! The meter repeats its push until it is confirmed. A push that brings nothing new is not recorded again. An old one
//! sent again by somebody else is refused by its counter; the floor is part of the records, so also after a restart.

use super::{Dcu, NS_PER_S, output::DcuEvent};
use crate::{MeterIx, fleet::Class, journal::Entry};

/// Most alarms taken from one meter in an hour: one that cries without end must not fill the journal. The rest is not
/// confirmed, so what is true comes again.
const ALARMS_PER_HOUR: u32 = 12;
const HOUR_NS: u64 = 3600 * NS_PER_S;

impl Dcu {
    /// A push; `bits` unless it is not known (yet) what it says. Either way the meter is there, and worth a look.
    pub(super) fn take_push(&mut self, now: u64, meter: MeterIx, bits: Option<u32>) {
        match bits {
            Some(bits) => {
                if !self.take_alarm(now, meter, bits) {
                    return;
                }
            }
            None => return self.hear(now, meter),
        }
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        unit.suspect = false;
        unit.blocked_until = None;
        unit.check_due = true;
        unit.heard_meanwhile = unit.job.is_some();
        self.requeue(meter);
    }

    /// Records what is new among the bits. False when there is nothing to be done: it cries too often, or too little.
    fn take_alarm(&mut self, now: u64, meter: MeterIx, bits: u32) -> bool {
        let Some(known) = self.state.meter(meter).map(|state| state.alarm_bits) else { return false };
        let new = bits & !known;
        let Some(unit) = self.fleet.unit_mut(meter) else { return false };
        if new != 0 {
            let (since, count) = &mut unit.alarms_taken;
            if now.saturating_sub(*since) >= HOUR_NS {
                (*since, *count) = (now, 0);
            }
            if *count >= ALARMS_PER_HOUR {
                return false;
            }
            *count = count.saturating_add(1);
            let floor = unit.session.floor();
            self.record(now, Entry::MeterAlarm { meter, bits: new, floor });
            self.receipt(DcuEvent::MeterAlarm { meter, bits: new });
        }
        let last_record = self.state.last_record();
        if bits != 0
            && let Some(unit) = self.fleet.unit_mut(meter)
            && (new != 0 || unit.confirm.is_none())
        {
            unit.confirm = Some(last_record);
            self.unconfirmed.push_back((last_record, meter));
        }
        new != 0
    }

    /// Alarms whose records are durable by now are confirmed.
    pub(super) fn take_confirmable(&mut self) {
        while let Some((_, meter)) = self.unconfirmed.pop_front_if(|(record, _)| *record <= self.durable) {
            self.fleet.enqueue(meter, Class::Urgent);
        }
    }

    /// Alarms of before the restart whose confirmation was not recorded.
    pub(super) fn resume_confirmations(&mut self) {
        for ix in 0..self.fleet.len() {
            let meter = MeterIx(ix);
            if self.state.meter(meter).is_some_and(|state| state.alarm_bits != 0)
                && let Some(unit) = self.fleet.unit_mut(meter)
            {
                unit.confirm = Some(0);
                self.fleet.enqueue(meter, Class::Urgent);
            }
        }
    }

    /// The meter has cleared these bits; `left` have come since the push.
    pub(super) fn take_confirmation(&mut self, now: u64, meter: MeterIx, bits: u32, left: u32) {
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        unit.confirm = None;
        let floor = unit.session.floor();
        self.record(now, Entry::AlarmConfirmed { meter, bits, floor });
        if left != 0 {
            self.take_push(now, meter, Some(left));
        }
    }
}
