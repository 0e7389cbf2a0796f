//! Payments, receipts, fees.

use super::{Dcu, output::DcuEvent};
use crate::{
    MeterIx,
    billing::{Credit, Fees, Timing, paid_at},
    config::CreditAt,
    journal::{Applied, Entry},
    payment::{Certainty, Payment, PaymentId},
    uplink::AlarmCode,
};

impl Dcu {
    /// Records a payment that has been checked, and tells what became of it.
    pub(super) fn take_payment(&mut self, now: u64, payment: Payment, local: bool) {
        let (key, amount_minor) = (payment.key.clone(), payment.amount_minor);
        if self.state.book().would_be_duplicate(&payment) {
            // A repeat: there is nothing to record, but the answer still waits for the first one's record.
            self.receipt(DcuEvent::Duplicate { key });
            return;
        }
        let arrived = self.unix_ms(now);
        let (_, timing) = paid_at(payment.accepted_unix_ms, arrived);
        if timing != Timing::AsPaid {
            self.event(DcuEvent::PaymentClock { key: key.clone(), timing });
        } else if !local && payment.certainty == Certainty::Final {
            self.note_arrival(now, payment.accepted_unix_ms);
        }
        let on_receipts: Vec<u32> = self.state.book().on_receipts_of(&payment).collect();
        let applied = self.record(now, Entry::Payment { payment, local });
        self.tell_credit(now, key, amount_minor, &applied);
        on_receipts.into_iter().for_each(|account| self.reconsider(now, MeterIx(account)));
    }

    pub(super) fn resolve(&mut self, now: u64, id: &PaymentId, account: MeterIx) {
        let amount_minor = self.state.book().suspended(id).map_or(0, |p| p.amount_minor);
        let applied = self.record(now, Entry::Resolved { id: id.clone(), account: account.0 });
        self.tell_credit(now, id.key.clone(), amount_minor, &applied);
    }

    fn tell_credit(&mut self, now: u64, key: String, amount_minor: i64, applied: &Applied) {
        match applied {
            Applied::Credit(Credit::Credited { account, balance_minor }) => {
                let meter = MeterIx(*account);
                self.receipt(DcuEvent::Credited { meter, key, amount_minor, balance_minor: *balance_minor });
                self.reconsider(now, meter);
                self.sell_for(now, meter);
            }
            Applied::Credit(Credit::Ahead { account, balance_minor }) => {
                let meter = MeterIx(*account);
                self.receipt(DcuEvent::CreditedAhead { meter, key, amount_minor, balance_minor: *balance_minor });
                self.reconsider(now, meter);
                self.sell_for(now, meter);
            }
            Applied::Credit(Credit::Unproven) => self.receipt(DcuEvent::Unproven { key }),
            Applied::Credit(Credit::Duplicate) => self.receipt(DcuEvent::Duplicate { key }),
            Applied::Credit(Credit::Suspended) => self.receipt(DcuEvent::Suspended { key }),
            Applied::Credit(Credit::Conflict) => {
                self.event(DcuEvent::Alarm { meter: None, code: AlarmCode::PaymentConflict });
                self.receipt(DcuEvent::Conflict { key });
            }
            Applied::Forwarded => self.receipt(DcuEvent::Forwarded { key }),
            // Payments are checked before they are recorded; nothing else applies one.
            _ => {}
        }
    }

    /// Charges the days that have begun since the last call, where the DCU bills.
    pub(super) fn charge_fees(&mut self, now: u64) {
        if self.config.traits.credit_at != CreditAt::Dcu {
            return;
        }
        let Some(day) = self.local_day(now).filter(|day| self.state.book().fee_is_due(*day)) else { return };
        let applied = self.record(now, Entry::DayFee { day });
        match applied {
            Applied::Fees(Fees::ClockLeap { .. }) => {
                self.event(DcuEvent::Alarm { meter: None, code: AlarmCode::ClockLeap });
                self.reconsider_all(now);
            }
            Applied::Fees(Fees::Charged { .. }) => self.reconsider_all(now),
            _ => {}
        }
    }
}
