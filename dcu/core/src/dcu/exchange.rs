//! Exchanges with meters: what is due, and taking what comes of it.

use super::{Dcu, NS_PER_S, output::DcuEvent};
use crate::{
    MeterIx,
    billing::Debit,
    config::{CreditAt, RetryPolicy},
    fleet::{
        Class, Exchange, Prices, Upkeep,
        session::{Fault, Outcome, Sample},
    },
    journal::{Applied, Entry},
    reading::{Lack, Reading},
    relay::{Relay, Wanted},
    uplink::AlarmCode,
};

/// Unheeded orders in a row after which somebody is told.
const UNHEEDED_ALARM: u32 = 3;

impl Dcu {
    /// Readings that are due by the plan.
    pub(super) fn take_slots(&mut self, now: u64) {
        let Some(unix_ms) = self.unix_ms(now) else { return };
        let current = self.plan.period_of(unix_ms);
        while let Some((period, ix)) = self.plan.take(unix_ms) {
            let meter = MeterIx(ix);
            if period < current || self.has_reading(meter, period) {
                continue;
            }
            let Some(unit) = self.fleet.unit_mut(meter) else { continue };
            if let Some(missed) = unit.read_due.replace(period).filter(|before| *before < period) {
                self.event(DcuEvent::ReadingMissed { meter, period: missed });
            }
            self.fleet.enqueue(meter, Class::Reading);
        }
    }

    fn has_reading(&self, meter: MeterIx, period: u32) -> bool {
        self.state.meter(meter).and_then(|m| m.last_period).is_some_and(|last| last == period)
    }

    /// Meters whose back-off is over.
    pub(super) fn take_retries(&mut self, now: u64) {
        while let Some(meter) = self.fleet.take_unblocked(now) {
            self.requeue(meter);
        }
        while let Some(meter) = self.fleet.overdue(now) {
            if let Some(unit) = self.fleet.unit_mut(meter) {
                unit.deadline = None;
                unit.session.timeout(now);
            }
            self.drive(now, meter);
        }
    }

    /// The mesh hears the meter.
    pub(super) fn hear(&mut self, now: u64, meter: MeterIx) {
        let interval = u64::from(self.config.heard_interval_s).saturating_mul(NS_PER_S);
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        if unit.heard_at.is_some_and(|at| now.saturating_sub(at) < interval) {
            return;
        }
        unit.heard_at = Some(now);
        unit.suspect = false;
        unit.blocked_until = None;
        unit.check_due = true;
        unit.heard_meanwhile = unit.job.is_some();
        self.requeue(meter);
    }

    /// Puts the meter into the queues of all that it still owes or is owed.
    pub(super) fn requeue(&mut self, meter: MeterIx) {
        let Some(unit) = self.fleet.unit(meter) else { return };
        let due = [
            (
                unit.wanted.is_some()
                    || unit.credit_due.is_some()
                    || unit.token_due.is_some()
                    || unit.confirm.is_some(),
                Class::Urgent,
            ),
            (unit.check_due || unit.upkeep != Upkeep::default(), Class::Check),
            (unit.read_due.is_some(), Class::Reading),
            (self.state.meter(meter).is_some_and(|m| !m.gaps.is_empty()), Class::Backfill),
        ];
        for (_, class) in due.into_iter().filter(|(due, _)| *due) {
            self.fleet.enqueue(meter, class);
        }
        self.queue_image(meter);
    }

    /// Meters whose orders or credit waited for a record to become durable.
    pub(super) fn take_waiting(&mut self) {
        for meter in std::mem::take(&mut self.waiting) {
            self.requeue(meter);
        }
    }

    /// What to ask a free meter that came up in this class's queue.
    pub(super) fn choose(&self, now: u64, meter: MeterIx, class: Class) -> Option<(Exchange, Class)> {
        // What is due stays due; all meters are queued again when randomness comes.
        let unit = self.fleet.unit(meter).filter(|unit| !unit.session.is_locked())?;
        let durable = unit.rests_on <= self.durable;
        let urgent = || {
            let may = |wanted: &Wanted| durable && self.may_order(now, meter, wanted).is_ok();
            let relay = || unit.wanted.filter(may).map(Exchange::Relay);
            let credit = || {
                let (total_minor, prices) = (unit.credit_due.filter(|_| durable)?, self.prices(meter));
                let write_prices = unit.prices_written != Some(prices);
                Some(Exchange::Credit { total_minor, prices, write_prices })
            };
            let confirm = || {
                let bits = self.state.meter(meter)?.alarm_bits;
                unit.confirm.filter(|record| *record <= self.durable).map(|_| Exchange::Confirm { bits })
            };
            let token = || {
                let due = unit.token_due.filter(|due| due.rests_on <= self.durable)?;
                Some(Exchange::EnterToken { digits: due.digits, again: due.again })
            };
            relay().or_else(credit).or_else(token).or_else(confirm)
        };
        let reading = || unit.read_due.map(|_| Exchange::Read);
        let backfill = || {
            let (from, to) = self.state.meter(meter)?.gaps.next(u32::from(self.config.backfill_rows_max))?;
            Some(Exchange::Backfill { from, to })
        };
        let exchange = match class {
            Class::Urgent => urgent(),
            Class::Check => unit.check_due.then_some(Exchange::Read).or_else(|| self.upkeep(now, meter)),
            Class::Reading => reading(),
            Class::Backfill => backfill(),
            Class::Image => self.image_may_go_on(meter).then_some(Exchange::Image),
        }?;
        Some((if unit.session.is_introduced() { exchange } else { Exchange::Introduce }, class))
    }

    pub(super) fn complete(&mut self, now: u64, meter: MeterIx, outcome: Outcome) {
        let Some((exchange, class)) = self.fleet.end(meter) else { return };
        self.end_list(now, meter);
        match outcome {
            Outcome::Failed(fault) => {
                if let Exchange::Backfill { from, to } = exchange {
                    let rows = self.fleet.unit_mut(meter).map(|unit| unit.session.give_up()).unwrap_or_default();
                    self.take_first_rows(now, meter, from, to, &rows);
                }
                self.token_unanswered(meter, exchange);
                self.contradicted(meter, exchange, fault);
                self.upkeep_failed(meter, exchange, fault);
                return self.failed(now, meter, class, fault);
            }
            Outcome::Introduced { right_name: false } => return self.wrong_meter(now, meter, class),
            Outcome::Unsuitable(_) if self.doubts(meter) => return self.requeue(meter),
            Outcome::Unsuitable(lacks) => return self.unsuitable(now, meter, class, lacks),
            // It is introduced anew; what was to be done is still due.
            Outcome::Introduced { right_name: true } => self.want_gasp_seen(meter),
            Outcome::Changed => {}
            Outcome::Upkept { found } => self.take_upkeep(meter, found),
            Outcome::AlarmsConfirmed { left } => {
                if let Exchange::Confirm { bits } = exchange {
                    self.take_confirmation(now, meter, bits, left);
                }
            }
            Outcome::Image(outcome) => self.take_image(now, meter, outcome),
            Outcome::TokenEntered(answer) => self.take_token_answer(now, meter, exchange, answer),
            Outcome::Sample(sample) => {
                self.take_sample(now, meter, sample);
                self.take_relay(now, meter, exchange, sample);
            }
            Outcome::CreditWritten => {
                if let Exchange::Credit { total_minor, prices, .. } = exchange {
                    self.take_delivery(now, meter, total_minor, prices);
                }
            }
            Outcome::Rows(rows) => {
                if let Exchange::Backfill { from, to } = exchange {
                    self.take_rows(now, meter, from, to, &rows);
                }
            }
        }
        self.meter_answered(now, meter);
        self.outage_answer(now, meter);
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        unit.alarmed = None;
        unit.suspect = false;
        unit.heard_meanwhile = false;
        let unheeded = unit.unheeded;
        if std::mem::take(&mut unit.failures) > 0 {
            self.event(DcuEvent::MeterAnswers { meter });
        }
        if unheeded > 0 && matches!(exchange, Exchange::Relay(_)) {
            let wait = u64::from(self.config.retry_urgent.wait_s(unheeded)).saturating_mul(NS_PER_S);
            let until = now.saturating_add(self.jittered(wait));
            self.fleet.block(meter, until);
        } else {
            self.requeue(meter);
        }
    }

    fn take_sample(&mut self, now: u64, meter: MeterIx, sample: Sample) {
        let credit_minor = sample.credit_minor.filter(|_| self.config.traits.credit_at == CreditAt::Meter);
        let mut due = None;
        if let Some(unit) = self.fleet.unit_mut(meter) {
            due = unit.read_due.take();
            unit.check_due = false;
        }
        let (Some(unix_ms), Some(state)) = (self.unix_ms(now), self.state.meter(meter)) else { return };
        let period = self.plan.period_of(unix_ms);
        let sequence = state.sequence.saturating_add(1);
        if let Some(missed) = due.filter(|due| *due < period) {
            self.event(DcuEvent::ReadingMissed { meter, period: missed });
        }
        let reading = Reading {
            meter,
            period,
            at_unix_s: u32::try_from(unix_ms.div_euclid(1000)).unwrap_or(0),
            sequence,
            register_wh: sample.register_wh,
            relay_closed: sample.relay_closed,
            credit_minor,
        };
        let applied = self.record(now, Entry::Reading(reading));
        let Applied::Reading { first_of_period, debit, .. } = applied else { return };
        if first_of_period {
            self.event(DcuEvent::ReadingStored { meter, period, backfilled: false });
        }
        if let Some(credit_minor) = credit_minor {
            self.match_credit(now, meter, sample.register_wh, credit_minor);
        }
        match debit {
            Some(Debit::Backward { .. }) => {
                let code = AlarmCode::RegisterBackward;
                self.event(DcuEvent::Alarm { meter: Some(meter), code });
            }
            Some(Debit::Billed { .. }) => self.reconsider(now, meter),
            _ => {}
        }
    }

    fn take_delivery(&mut self, now: u64, meter: MeterIx, total_minor: i64, prices: Prices) {
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.prices_written = Some(prices);
        }
        if self.state.meter(meter).is_some_and(|m| m.credit_delivered_minor != total_minor) {
            self.record(now, Entry::CreditDelivered { meter, total_minor });
            self.receipt(DcuEvent::CreditDelivered { meter, total_minor });
        }
        self.reconsider(now, meter);
    }

    /// Compares the output state with what was recorded and with what was ordered.
    fn take_relay(&mut self, now: u64, meter: MeterIx, exchange: Exchange, sample: Sample) {
        let Some(seen) = sample.relay_closed.map(Relay::from_output_state) else { return };
        let known = self.state.meter(meter).and_then(|m| m.relay_seen);
        let ordered = if let Exchange::Relay(wanted) = exchange { Some(wanted) } else { None };
        let confirmed = ordered.filter(|wanted| wanted.relay == seen);
        let order = confirmed.and_then(|wanted| wanted.order);
        if known != Some(seen) || order.is_some() {
            self.record(now, Entry::RelaySeen { meter, relay: seen, order });
        }
        if let Some(Wanted { relay, reason, .. }) = confirmed {
            self.event(DcuEvent::RelayConfirmed { meter, relay, reason });
        } else if known.is_some_and(|before| before != seen) {
            self.event(DcuEvent::RelayFound { meter, relay: seen });
        }
        if let (Some(_), Some(unit)) = (ordered, self.fleet.unit_mut(meter)) {
            unit.unheeded = if confirmed.is_some() { 0 } else { unit.unheeded.saturating_add(1) };
            if unit.unheeded == UNHEEDED_ALARM {
                self.alarm(now, Some(meter), AlarmCode::RelayStuck);
            }
        }
        if known != Some(seen) || ordered.is_some() {
            self.reconsider(now, meter);
        }
    }

    fn take_rows(&mut self, now: u64, meter: MeterIx, from: u32, to: u32, rows: &[(i64, u64)]) {
        let mut found: Vec<Reading> = rows
            .iter()
            .filter_map(|&(unix_s, register_wh)| {
                let period = self.plan.period_starting_at(unix_s).filter(|p| (from..=to).contains(p))?;
                let at_unix_s = u32::try_from(unix_s).ok()?;
                Some(Reading {
                    meter,
                    period,
                    at_unix_s,
                    sequence: 0,
                    register_wh,
                    relay_closed: None,
                    credit_minor: None,
                })
            })
            .collect();
        found.sort_by_key(|row| row.period);
        found.dedup_by_key(|row| row.period);
        let periods: Vec<u32> = found.iter().map(|row| row.period).collect();
        self.record(now, Entry::Backfilled { meter, from, to, found });
        let count = u32::try_from(periods.len()).unwrap_or(u32::MAX);
        for period in periods {
            self.event(DcuEvent::ReadingStored { meter, period, backfilled: true });
        }
        self.event(DcuEvent::Backfilled { meter, from, to, found: count });
    }

    /// Rows of a read that was broken off: the periods up to the last of them are settled, the rest stays missing.
    pub(super) fn take_first_rows(&mut self, now: u64, meter: MeterIx, from: u32, to: u32, rows: &[(i64, u64)]) {
        let Some((last_unix_s, _)) = rows.last() else { return };
        let last = self.plan.period_of(last_unix_s.saturating_mul(1000)).min(to);
        if last >= from {
            self.take_rows(now, meter, from, last, rows);
        }
    }

    fn failed(&mut self, now: u64, meter: MeterIx, class: Class, fault: Fault) {
        let policy = self.policy(class);
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        unit.failures = unit.failures.saturating_add(1);
        unit.suspect = true;
        let failures = unit.failures;
        let heard = std::mem::take(&mut unit.heard_meanwhile);
        let code = match fault {
            Fault::Refused => Some(AlarmCode::Refused),
            Fault::Security => Some(AlarmCode::Security),
            // A meter out of reach is still the one that has refused us.
            Fault::Silent => unit.alarmed,
            Fault::Misbehaved | Fault::Contradicted => None,
        };
        let told = std::mem::replace(&mut unit.alarmed, code);
        if let Some(code) = code.filter(|code| told != Some(*code)) {
            self.alarm(now, Some(meter), code);
        }
        self.event(DcuEvent::ExchangeFailed { meter, failures });
        if fault == Fault::Silent {
            self.outage_silence(now, meter);
        }
        if heard {
            self.requeue(meter);
        } else {
            self.back_off(now, meter, policy.wait_s(failures));
        }
    }

    fn wrong_meter(&mut self, now: u64, meter: MeterIx, class: Class) {
        self.alarm_once(now, meter, AlarmCode::WrongMeter);
        self.back_off(now, meter, self.policy(class).max_s);
    }

    /// Neither billed nor switched; asked again now and then, for it may get another firmware.
    fn unsuitable(&mut self, now: u64, meter: MeterIx, class: Class, lacks: Lack) {
        if self.alarm_once(now, meter, AlarmCode::Unsuitable) {
            self.event(DcuEvent::MeterUnsuitable { meter, lacks });
        }
        self.back_off(now, meter, self.policy(class).max_s);
    }

    /// True the first time.
    fn alarm_once(&mut self, now: u64, meter: MeterIx, code: AlarmCode) -> bool {
        let Some(unit) = self.fleet.unit_mut(meter) else { return false };
        let first = unit.alarmed.replace(code) != Some(code);
        if first {
            self.alarm(now, Some(meter), code);
        }
        first
    }

    fn policy(&self, class: Class) -> RetryPolicy {
        match class {
            Class::Urgent | Class::Check => self.config.retry_urgent,
            Class::Reading | Class::Backfill | Class::Image => self.config.retry,
        }
    }

    fn back_off(&mut self, now: u64, meter: MeterIx, wait_s: u32) {
        let wait = u64::from(wait_s).saturating_mul(NS_PER_S);
        let until = now.saturating_add(self.jittered(wait));
        self.fleet.block(meter, until);
    }
}
