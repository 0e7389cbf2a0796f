//! One meter's DLMS client, spoken to in whole exchanges.
//!
//! An exchange may take several requests (order, then confirm; prices, then credit). The client associates by itself
//! when it must, also when the meter has restarted in between. With keys it is locked until there is randomness
//! ([`access`]), and waits for counters to become durable ([`Polled::Reserve`]).

mod access;

mod pause;

use taa_dlms::{
    AttributeRef, ClientEvent, Error, MethodRef, Output, Value,
    client::ReadResult,
    cosem::{ProfileRange, ProfileRows, data, disconnect, register},
    obis,
};

use taa_keys::Drbg;

use self::access::Gate;
use super::Exchange;
use crate::{
    config::{CreditAt, DcuConfig, MeterEntry},
    journal::MeterState,
};

const ENERGY: AttributeRef = AttributeRef::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, register::VALUE);
const ENERGY_SCALER: AttributeRef =
    AttributeRef::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, register::SCALER_UNIT);
const OUTPUT_STATE: AttributeRef =
    AttributeRef::new(disconnect::CLASS, obis::DISCONNECT_CONTROL, disconnect::OUTPUT_STATE);
const NAME: AttributeRef = AttributeRef::new(data::CLASS, obis::LOGICAL_DEVICE_NAME, data::VALUE);
const CREDIT_TOTAL: AttributeRef = AttributeRef::new(data::CLASS, obis::CREDIT_TOTAL, data::VALUE);
const CREDIT_BALANCE: AttributeRef = AttributeRef::new(data::CLASS, obis::CREDIT_BALANCE, data::VALUE);
const CREDIT_PRICE: AttributeRef = AttributeRef::new(data::CLASS, obis::CREDIT_PRICE_PER_KWH, data::VALUE);
const CREDIT_FEE: AttributeRef = AttributeRef::new(data::CLASS, obis::CREDIT_FEE_PER_DAY, data::VALUE);
const CREDIT_GRACE: AttributeRef = AttributeRef::new(data::CLASS, obis::CREDIT_GRACE, data::VALUE);
const SAMPLE: [AttributeRef; 2] = [ENERGY, OUTPUT_STATE];
const SAMPLE_WITH_CREDIT: [AttributeRef; 3] = [ENERGY, OUTPUT_STATE, CREDIT_BALANCE];
/// Where the energy stands in a row of the load profile: after the clock.
const PROFILE_ENERGY: usize = 1;

/// What an exchange yielded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Its name, and whether it is the one expected.
    Introduced { right_name: bool },
    /// A look at the meter, after an order where there was one.
    Sample(Sample),
    /// Prices and credit were written.
    CreditWritten,
    /// Rows of the profile: Unix second, Wh.
    Rows(Vec<(i64, u64)>),
    /// It failed.
    Failed(Fault),
}

/// Register, relay, credit at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) register_wh: u64,
    pub(crate) relay_closed: bool,
    pub(crate) credit_minor: Option<i64>,
}

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No answer in time.
    Silent,
    /// The meter refused us or the request.
    Refused,
    /// Keys, password, counters: what came was not genuine, or the meter does not take what we send.
    Security,
    /// The answer made no sense.
    Misbehaved,
}

/// What the session wants next.
#[derive(Debug)]
pub(crate) enum Polled {
    /// The buffer holds a frame to send.
    Transmit,
    /// Make this bound of invocation counters durable, then call [`Session::counter_durable`].
    Reserve(u32),
    /// The exchange has ended.
    Done(Outcome),
    /// Nothing until then.
    Idle(Option<u64>),
}

/// One request of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Introduce,
    Sample,
    Order { closed: bool },
    Price,
    Fee,
    Grace,
    Credit,
    Profile { from: u32, to: u32 },
}

/// What follows from an answer.
enum Next {
    Nothing,
    Step(Step),
    End(Outcome),
}

/// The session.
#[derive(Debug)]
pub(crate) struct Session {
    gate: Gate,
    name: Vec<u8>,
    period_s: u32,
    with_credit: bool,
    /// Power of ten of the energy register, Wh.
    scaler: i8,
    exchange: Option<Exchange>,
    step: Step,
    /// The step to begin, or the outcome to hand out, once the client is drained.
    next: Option<Step>,
    outcome: Option<Outcome>,
    now: u64,
}

impl Session {
    /// `state` is what the journal knows of the meter.
    pub(crate) fn new(config: &DcuConfig, entry: &MeterEntry, state: Option<&MeterState>) -> Self {
        Self {
            gate: Gate::new(config, entry, state),
            name: entry.id.clone().into_bytes(),
            period_s: config.reading_period_s,
            with_credit: config.traits.credit_at == CreditAt::Meter,
            scaler: 0,
            exchange: None,
            step: Step::Introduce,
            next: None,
            outcome: None,
            now: 0,
        }
    }

    /// Nothing can be said yet, for want of randomness.
    pub(crate) const fn is_locked(&self) -> bool {
        self.gate.is_locked()
    }

    /// There is randomness.
    pub(crate) fn unlock(&mut self, randomness: &mut Drbg) {
        self.gate.unlock(randomness, &self.name);
    }

    /// The bound of [`Polled::Reserve`] is durable.
    pub(crate) fn counter_durable(&mut self, now: u64, bound: u32) {
        self.now = now;
        if let Gate::Open(client) = &mut self.gate {
            client.handle_counter_durable(now, bound);
        }
    }

    /// Begins an exchange. One that was under way is given up.
    pub(crate) fn start(&mut self, now: u64, exchange: &Exchange) {
        self.now = now;
        if let (true, Gate::Open(client)) = (self.exchange.is_some(), &mut self.gate) {
            client.cancel();
        }
        self.outcome = None;
        self.exchange = Some(*exchange);
        self.next = Some(match *exchange {
            Exchange::Introduce => Step::Introduce,
            Exchange::Read => Step::Sample,
            Exchange::Relay(wanted) => Step::Order { closed: wanted.relay.is_closed() },
            Exchange::Credit { write_prices: true, .. } => Step::Price,
            Exchange::Credit { write_prices: false, .. } => Step::Credit,
            Exchange::Backfill { from, to } => Step::Profile { from, to },
        });
    }

    pub(crate) fn receive(&mut self, now: u64, bytes: &[u8]) {
        self.now = now;
        if let Gate::Open(client) = &mut self.gate {
            client.handle_receive(now, bytes);
        }
    }

    pub(crate) fn timeout(&mut self, now: u64) {
        self.now = now;
        if let Gate::Open(client) = &mut self.gate {
            client.handle_timeout(now);
        }
    }

    pub(crate) fn poll(&mut self, frame: &mut Vec<u8>) -> Polled {
        loop {
            let Gate::Open(client) = &mut self.gate else { return Polled::Idle(None) };
            let next = match client.poll_output() {
                Output::Transmit(bytes) => {
                    frame.extend_from_slice(bytes);
                    return Polled::Transmit;
                }
                // The mesh has no port to set.
                Output::SetLine(_) => Next::Nothing,
                Output::Event(ClientEvent::ReserveCounter(bound)) => return Polled::Reserve(bound),
                Output::Event(_) if self.exchange.is_none() => Next::Nothing,
                Output::Event(event) => judge(self.step, &event, &self.name, self.period_s, &mut self.scaler),
                Output::Timeout(deadline) => match (self.next.take(), self.outcome.take()) {
                    (Some(step), _) => {
                        self.begin(step);
                        continue;
                    }
                    (None, Some(outcome)) => {
                        self.exchange = None;
                        return Polled::Done(outcome);
                    }
                    (None, None) => return Polled::Idle(deadline),
                },
            };
            match next {
                Next::Nothing => {}
                Next::Step(step) => self.next = Some(step),
                Next::End(outcome) => self.outcome = Some(outcome),
            }
        }
    }

    fn begin(&mut self, step: Step) {
        self.step = step;
        let now = self.now;
        let (total, prices) = match self.exchange {
            Some(Exchange::Credit { total_minor, prices, .. }) => (total_minor, prices),
            _ => (0, super::Prices::default()),
        };
        let Gate::Open(client) = &mut self.gate else { return };
        let begun = match step {
            Step::Introduce => client.read(now, &[NAME, ENERGY_SCALER]),
            Step::Sample if self.with_credit => client.read(now, &SAMPLE_WITH_CREDIT),
            Step::Sample => client.read(now, &SAMPLE),
            Step::Order { closed } => {
                let method = if closed { disconnect::REMOTE_RECONNECT } else { disconnect::REMOTE_DISCONNECT };
                let method = MethodRef::new(disconnect::CLASS, obis::DISCONNECT_CONTROL, method);
                client.invoke(now, method, Some(&Value::I8(0)))
            }
            Step::Price => client.write(now, CREDIT_PRICE, &Value::I64(prices.per_kwh_minor)),
            Step::Fee => client.write(now, CREDIT_FEE, &Value::I64(prices.fee_per_day_minor)),
            Step::Grace => client.write(now, CREDIT_GRACE, &Value::I64(prices.grace_minor)),
            Step::Credit => client.write(now, CREDIT_TOTAL, &Value::I64(total)),
            Step::Profile { from, to } => {
                let at = |period: u32| i64::from(period).saturating_mul(i64::from(self.period_s));
                client.read_profile(now, obis::LOAD_PROFILE, ProfileRange::Between(at(from), at(to)))
            }
        };
        if let Err(error) = begun {
            self.outcome = Some(Outcome::Failed(fault(error)));
        }
    }
}

/// What an event means to the step under way.
fn judge(step: Step, event: &ClientEvent<'_>, name: &[u8], period_s: u32, scaler: &mut i8) -> Next {
    match (event, step) {
        (ClientEvent::Associated(_) | ClientEvent::ReserveCounter(_), _) => Next::Nothing,
        (ClientEvent::Failed(error), _) => Next::End(Outcome::Failed(fault(*error))),
        (ClientEvent::Values(values), Step::Introduce) => Next::End(introduced(values, name, scaler)),
        (ClientEvent::Values(values), Step::Sample) => Next::End(sample(values, *scaler)),
        (ClientEvent::Profile(rows), Step::Profile { .. }) => {
            Next::End(Outcome::Rows(energy_rows(rows, period_s, *scaler)))
        }
        (ClientEvent::Done(_), Step::Order { .. }) => Next::Step(Step::Sample),
        (ClientEvent::Done(_), Step::Price) => Next::Step(Step::Fee),
        (ClientEvent::Done(_), Step::Fee) => Next::Step(Step::Grace),
        (ClientEvent::Done(_), Step::Grace) => Next::Step(Step::Credit),
        (ClientEvent::Done(_), Step::Credit) => Next::End(Outcome::CreditWritten),
        _ => Next::End(Outcome::Failed(Fault::Misbehaved)),
    }
}

fn introduced(values: &[ReadResult], name: &[u8], scaler: &mut i8) -> Outcome {
    let [Ok(device), scaler_unit] = values else { return Outcome::Failed(Fault::Misbehaved) };
    // A register whose scaler cannot be read counts Wh (scaler 0).
    let read = scaler_unit.as_ref().ok().and_then(|value| value.elements()?.first()?.as_i64());
    *scaler = read.and_then(|n| i8::try_from(n).ok()).unwrap_or(0);
    Outcome::Introduced { right_name: device.as_bytes() == Some(name) }
}

fn sample(values: &[ReadResult], scaler: i8) -> Outcome {
    let (Some(Ok(energy)), Some(Ok(state))) = (values.first(), values.get(1)) else {
        return Outcome::Failed(Fault::Misbehaved);
    };
    let (Some(raw), Some(relay_closed)) = (energy.as_u64(), state.as_bool()) else {
        return Outcome::Failed(Fault::Misbehaved);
    };
    let credit_minor = values.get(2).and_then(|value| value.as_ref().ok()?.as_i64());
    Outcome::Sample(Sample { register_wh: scaled_wh(raw, scaler), relay_closed, credit_minor })
}

/// Meters may write a null for "as above": those are filled in first.
fn energy_rows(rows: &ProfileRows, period_s: u32, scaler: i8) -> Vec<(i64, u64)> {
    let mut rows = rows.clone();
    rows.expand_nulls(period_s);
    let energy = |row: &[Value]| Some((rows.unix_s(row)?, scaled_wh(row.get(PROFILE_ENERGY)?.as_u64()?, scaler)));
    rows.rows().filter_map(energy).collect()
}

/// Register × 10^scaler in Wh; parts of a Wh are cut off, which the next reading makes good.
fn scaled_wh(raw: u64, scaler: i8) -> u64 {
    let factor = 10_u64.saturating_pow(u32::from(scaler.unsigned_abs()));
    if scaler >= 0 { raw.saturating_mul(factor) } else { raw.checked_div(factor).unwrap_or(0) }
}

fn fault(error: Error) -> Fault {
    match error {
        Error::Transport(_) => Fault::Silent,
        Error::Security(_) => Fault::Security,
        Error::Refused(_) => Fault::Refused,
        _ => Fault::Misbehaved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_scaled_to_wh() {
        assert_eq!(scaled_wh(123, 0), 123);
        assert_eq!(scaled_wh(123, 3), 123_000);
        assert_eq!(scaled_wh(123_999, -3), 123);
        assert_eq!(scaled_wh(u64::MAX, 3), u64::MAX);
        assert_eq!(scaled_wh(5, -128), 0);
    }
}
