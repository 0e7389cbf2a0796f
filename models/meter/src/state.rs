//! What the meter is between two calls, and how time moves it.

use std::collections::VecDeque;

use taa_dlms::axdr::DateTime;
use taa_dlms::cosem::{ControlMode, ControlState, DisconnectControl, Model, ObjectEntry, TokenDelivery};
use taa_dlms::obis::alarm;
use taa_keys::hash;
use taa_tokens::sts::meter::{Action, Reason};

use crate::access::Memory;
use crate::alarm::Alarms;
use crate::credit::Credit;
use crate::limit::Limit;
use crate::metrology::Energy;
use crate::profile::{LoadProfile, Row, status};
use crate::sts::{Counts, Done, Keyed, Slot, credit_u, names_register, text_of};
use crate::{LastGasp, MeterConfig, MeterEvent, RelayWhy, extras, objects};

const NS_PER_MS: i128 = 1_000_000;
const DAY_S: u32 = 86_400;
const WH_PER_KWH: i64 = 1000;

pub(crate) struct State {
    pub(crate) config: MeterConfig,
    pub(crate) now_ns: u64,
    pub(crate) energised: bool,
    pub(crate) dead: bool,
    /// Latched by a tampering until cleared; survives a loss of power.
    pub(crate) tampered: bool,
    pub(crate) load_mw: i64,
    pub(crate) voltage_dv: u16,
    pub(crate) relay: DisconnectControl,
    pub(crate) energy: Energy,
    pub(crate) profile: LoadProfile,
    pub(crate) credit: Option<Credit>,
    /// Its token decoder.
    pub(crate) sts: Option<Slot>,
    /// Its token gateway refuses every call.
    pub(crate) gateway_broken: bool,
    pub(crate) limit: Limit,
    pub(crate) gasp: Option<LastGasp>,
    pub(crate) events: VecDeque<MeterEvent>,
    /// The object list.
    pub(crate) entries: Vec<ObjectEntry>,
    /// Objects of the common model.
    pub(crate) extras: Model,
    pub(crate) alarms: Alarms,
    pub(crate) memory: Memory,
    /// The server is still to be given the keys of memory.
    pub(crate) keys_changed: bool,
    pub(crate) firmware: Box<[u8]>,
    /// Blocks of images taken.
    pub(crate) image_blocks: u64,
    unix_ms_at_zero: i64,
    row_status: u8,
    next_capture_ns: u64,
    next_fee_ns: u64,
    /// When credit runs out at the present power.
    exhausted_ns: u64,
}

impl State {
    pub(crate) fn new(mut config: MeterConfig) -> Self {
        let sts = config.sts.as_ref().filter(|_| config.credit_at_meter).map(Slot::new);
        if sts.as_ref().is_some_and(|slot| slot.config().counts == Counts::Energy) {
            config.price_per_kwh_minor = WH_PER_KWH;
        }
        let u_per_minor = sts.as_ref().map_or(1, |slot| slot.config().counts.u_per_minor());
        let credit = config.credit_at_meter.then(|| {
            Credit::new(
                config.opening_credit_minor,
                config.price_per_kwh_minor,
                config.fee_per_day_minor,
                config.grace_minor,
            )
            .with_tokens(u_per_minor)
        });
        let mode = if config.credit_at_meter { ControlMode::Six } else { ControlMode::Four };
        let mut relay = DisconnectControl::connected(mode);
        if credit.as_ref().is_some_and(Credit::is_exhausted) {
            // Mode 6 has this transition from connected.
            let _ = relay.local_disconnect();
        }
        let name = hash::sha256(&[config.logical_device_name.as_bytes()]);
        let salt = name.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        let mut state = Self {
            now_ns: 0,
            energised: config.energised,
            dead: false,
            tampered: false,
            load_mw: 0,
            voltage_dv: config.nominal_voltage_dv,
            relay,
            energy: Energy::default(),
            profile: LoadProfile::new(config.profile_entries, config.utc_offset_s),
            credit,
            sts,
            gateway_broken: false,
            limit: Limit::default(),
            gasp: config.gasp.clone().map(LastGasp::new),
            events: VecDeque::new(),
            entries: objects::entries(&config),
            extras: extras::model(&config),
            alarms: Alarms::new(config.alarm_filter, salt),
            memory: Memory::new(&config.access),
            keys_changed: false,
            image_blocks: 0,
            firmware: config.firmware.as_bytes().into(),
            unix_ms_at_zero: config.unix_s_at_zero.saturating_mul(1000),
            row_status: 0,
            next_capture_ns: u64::MAX,
            next_fee_ns: u64::MAX,
            exhausted_ns: u64::MAX,
            config,
        };
        state.schedule_marks();
        state
    }

    /// Voltage and no fault: the meter works.
    pub(crate) const fn powered(&self) -> bool {
        self.energised && !self.dead
    }

    pub(crate) const fn lit(&self) -> bool {
        self.powered() && self.relay.output()
    }

    pub(crate) const fn power_drawn_mw(&self) -> i64 {
        if self.lit() { self.load_mw } else { 0 }
    }

    pub(crate) const fn voltage_dv(&self) -> u16 {
        if self.powered() { self.voltage_dv } else { 0 }
    }

    /// The meter's clock, seconds since 1970 UTC.
    pub(crate) fn unix_s(&self) -> i64 {
        self.unix_s_at(self.now_ns)
    }

    pub(crate) fn set_load(&mut self, power_mw: i64) {
        self.load_mw = power_mw.max(0);
        self.mind_limit(self.now_ns);
        self.schedule_exhaustion();
    }

    pub(crate) fn set_clock(&mut self, unix_ms: i64) {
        let run_ms = i64::try_from(i128::from(self.now_ns) / NS_PER_MS).unwrap_or(i64::MAX);
        self.unix_ms_at_zero = unix_ms.saturating_sub(run_ms);
        self.row_status |= status::CLOCK_ADJUSTED;
        self.schedule_marks();
    }

    pub(crate) fn set_gasp_clock(&mut self, unix_ms: i64) {
        if let Some(gasp) = &mut self.gasp {
            gasp.handle_clock(self.now_ns, u64::try_from(unix_ms).unwrap_or(0).saturating_mul(1000));
        }
    }

    /// When credit runs out or a fee falls due.
    pub(crate) fn credit_deadline(&self) -> Option<u64> {
        let credit = self.credit.as_ref()?;
        if !self.lit() {
            return None;
        }
        let fee_ns = if credit.fee_per_day_minor > 0 { self.next_fee_ns } else { u64::MAX };
        Some(fee_ns.min(self.exhausted_ns)).filter(|at| *at != u64::MAX)
    }

    pub(crate) const fn power_lost(&mut self) {
        self.row_status |= status::POWER_DOWN;
        self.exhausted_ns = u64::MAX;
        self.alarms.stop();
    }

    /// Notes alarms, to be pushed as the push setup says. Without power nothing is pushed before it is back.
    pub(crate) fn raise(&mut self, now: u64, bits: u32) {
        self.alarms.raise(bits, now, extras::pace(&self.extras));
        if !self.powered() {
            self.alarms.stop();
        }
    }

    /// What is pending is told anew.
    pub(crate) fn tell_again(&mut self, now: u64) {
        if self.powered() {
            self.alarms.start(now, extras::pace(&self.extras));
        }
    }

    /// Alarm bits that hold at this moment.
    pub(crate) fn alarms_now(&self) -> u32 {
        let exhausted = self.credit.as_ref().is_some_and(Credit::is_exhausted);
        (u32::from(self.tampered) * alarm::TAMPERED) | (u32::from(exhausted) * alarm::CREDIT_EXHAUSTED)
    }

    pub(crate) fn boot(&mut self, now: u64) {
        if self.config.boot_relay_open {
            // Where the meter itself decides nobody would ever order it to close: it opens as for want of credit, and
            // closes again at once where there is some. An order from afar that opened it before still holds.
            let by_itself = self.credit.is_some();
            self.move_relay(now, RelayWhy::Boot, |relay| {
                if by_itself {
                    let _ = relay.local_disconnect();
                } else {
                    relay.boot_open();
                }
            });
        }
        self.mind_credit(now);
    }

    /// Brings energy, profile and credit up to that time. Time before the last call changes nothing.
    #[inline]
    pub(crate) fn advance(&mut self, now: u64) {
        while self.now_ns < now {
            let until = now.min(self.next_mark_ns());
            self.integrate(until);
            if until >= self.next_capture_ns {
                self.capture();
            }
            if until >= self.limit.pause_ends_ns() {
                self.end_pause(until);
            }
            if self.credit.is_some() {
                if until >= self.next_fee_ns {
                    self.deduct_fee();
                }
                if until >= self.exhausted_ns {
                    self.mind_credit(until);
                }
            }
        }
    }

    /// Opens or closes the relay as the credit demands; nothing moves without power.
    pub(crate) fn mind_credit(&mut self, now: u64) {
        let Some(credit) = &self.credit else { return };
        let exhausted = credit.is_exhausted();
        if self.powered() && (exhausted || !(self.tampered || self.limit.pauses())) {
            self.move_relay(now, RelayWhy::Credit, |relay| {
                // No transition from the present state is no fault: an order from afar holds.
                let _ = if exhausted { relay.local_disconnect() } else { relay.local_reconnect() };
            });
        }
        self.schedule_exhaustion();
    }

    /// A tampering is cleared: by the deciding party, or by a token.
    pub(crate) fn clear_tamper(&mut self, now: u64) {
        self.tampered = false;
        if self.credit.is_some() {
            // What opened it was not credit, so the way back is a reconnection as if ordered; credit decides at once.
            self.move_relay(now, RelayWhy::Tamper, |relay| {
                let _ = relay.remote_reconnect();
            });
            self.mind_credit(now);
        }
    }

    /// A token typed in.
    pub(crate) fn key_in(&mut self, now: u64, digits: &str) -> Keyed {
        match &self.sts {
            _ if !self.powered() => Keyed::NoPower,
            Some(slot) if slot.config().keypad => {
                self.take_token(now, digits.as_bytes(), digits, TokenDelivery::Manual)
            }
            _ => Keyed::NoKeypad,
        }
    }

    /// A token through the gateway.
    pub(crate) fn gateway_in(&mut self, now: u64, token: &[u8]) -> Keyed {
        match &self.sts {
            Some(slot) if slot.config().gateway => self.take_token(now, token, &text_of(token), TokenDelivery::Remote),
            _ => Keyed::NoKeypad,
        }
    }

    fn take_token(&mut self, now: u64, shown: &[u8], text: &str, by: TokenDelivery) -> Keyed {
        let at = DateTime::from_unix_s(self.unix_s(), self.config.utc_offset_s);
        let (Some(slot), Some(credit)) = (&mut self.sts, &self.credit) else { return Keyed::NoKeypad };
        let outcome = slot.decode(text, credit.balance_minor());
        slot.note(shown, at, by, &outcome);
        match outcome {
            Ok(action) => self.carry_out(now, &action),
            Err(reason) => Keyed::Refused(reason),
        }
    }

    fn carry_out(&mut self, now: u64, action: &Action) -> Keyed {
        let (Some(slot), Some(credit)) = (&mut self.sts, &mut self.credit) else { return Keyed::NoKeypad };
        let done = match action {
            Action::Credit { .. } | Action::Money { .. } => {
                let u = credit_u(action).unwrap_or(0);
                credit.load(u);
                Done::Credited(u)
            }
            Action::Test(test) => Done::Shown(*test),
            Action::MaxPower(watts) => {
                self.limit.set(*watts);
                self.mind_limit(now);
                Done::PowerLimited(*watts)
            }
            Action::ClearCredit(register) if names_register(*register) => Done::CreditCleared(credit.clear()),
            Action::TariffRate(rate) => {
                slot.rate = Some(*rate);
                Done::RateSet(*rate)
            }
            Action::ClearTamper => {
                self.clear_tamper(now);
                Done::TamperCleared
            }
            Action::KeyPart { part, held } => Done::KeyPart(*part, u8::try_from(held.len()).unwrap_or(u8::MAX)),
            Action::KeyChanged(new) => Done::KeyChanged { rollover: new.rollover },
            // One phase, no water, one register. Its TID is used all the same.
            _ => return Keyed::Refused(Reason::Function),
        };
        self.mind_credit(now);
        Keyed::Done(done)
    }

    pub(crate) fn move_relay(&mut self, now: u64, why: RelayWhy, step: impl FnOnce(&mut DisconnectControl)) {
        let before = self.relay.output();
        step(&mut self.relay);
        let closed = self.relay.output();
        if before != closed {
            self.events.push_back(MeterEvent::RelayChanged { at_ns: now, closed, why });
            self.schedule_exhaustion();
            if why != RelayWhy::Remote {
                let exhausted = why == RelayWhy::Credit && !closed;
                self.raise(now, alarm::RELAY_MOVED | (u32::from(exhausted) * alarm::CREDIT_EXHAUSTED));
            }
        }
    }

    pub(crate) fn is_ready_for_reconnection(&self) -> bool {
        self.relay.state() == ControlState::ReadyForReconnection
    }

    pub(crate) const fn row_status(&self) -> u8 {
        self.row_status
    }

    fn integrate(&mut self, until: u64) {
        let for_ns = until - self.now_ns;
        let power_mw = self.power_drawn_mw().unsigned_abs();
        if power_mw > 0 {
            self.energy.add(power_mw, for_ns);
            if let Some(credit) = &mut self.credit {
                credit.spend(power_mw, for_ns);
            }
        }
        self.now_ns = until;
    }

    fn capture(&mut self) {
        if self.powered() {
            let row = Row { unix_s: self.unix_s(), energy_wh: self.energy.wh(), status: self.row_status };
            self.profile.push(row);
            self.row_status = 0;
        }
        self.next_capture_ns = self.next_multiple_ns(self.config.capture_period_s);
    }

    fn deduct_fee(&mut self) {
        if let Some(credit) = &mut self.credit {
            credit.deduct_fee();
        }
        self.next_fee_ns = self.next_multiple_ns(DAY_S);
        self.mind_credit(self.now_ns);
    }

    const fn next_mark_ns(&self) -> u64 {
        let mut mark = self.next_capture_ns;
        if self.limit.pause_ends_ns() < mark {
            mark = self.limit.pause_ends_ns();
        }
        if self.credit.is_some() {
            if self.next_fee_ns < mark {
                mark = self.next_fee_ns;
            }
            if self.exhausted_ns < mark {
                mark = self.exhausted_ns;
            }
        }
        mark
    }

    fn schedule_marks(&mut self) {
        self.next_capture_ns = self.next_multiple_ns(self.config.capture_period_s);
        self.next_fee_ns = self.next_multiple_ns(DAY_S);
        self.schedule_exhaustion();
    }

    fn schedule_exhaustion(&mut self) {
        self.exhausted_ns = match &self.credit {
            Some(credit) if self.lit() => credit
                .lasts_ns(self.power_drawn_mw().unsigned_abs())
                // Already exhausted and still lit cannot be: the relay has been opened then.
                .map_or(u64::MAX, |ns| self.now_ns.saturating_add(ns.max(1))),
            _ => u64::MAX,
        };
    }

    fn unix_s_at(&self, at_ns: u64) -> i64 {
        let ms = i128::from(self.unix_ms_at_zero) + i128::from(at_ns) / NS_PER_MS;
        i64::try_from(ms.div_euclid(1000)).unwrap_or(i64::MAX)
    }

    /// The first instant after now at which the local clock shows a multiple of the period.
    fn next_multiple_ns(&self, period_s: u32) -> u64 {
        if period_s == 0 {
            return u64::MAX;
        }
        let period_ns = i128::from(period_s) * 1000 * NS_PER_MS;
        let local_ns_at_zero =
            (i128::from(self.unix_ms_at_zero) + i128::from(self.config.utc_offset_s) * 1000) * NS_PER_MS;
        let local_ns = local_ns_at_zero + i128::from(self.now_ns);
        let next_local_ns = (local_ns.div_euclid(period_ns) + 1) * period_ns;
        u64::try_from(next_local_ns - local_ns_at_zero).unwrap_or(u64::MAX)
    }
}
