//! One meter's DLMS client, spoken to in whole exchanges.
//!
//! An exchange may take several requests (order, then confirm; prices, then credit). The client associates by itself
//! when it must, also when the meter has restarted in between, and then asks for the firmware first: a meter that turns
//! out to be another than the requests were made for ends the exchange in [`Outcome::Changed`], whatever it answered.
//! With keys the session is locked until there is randomness ([`access`]), and waits for counters to become durable
//! ([`Polled::Reserve`]).

mod access;
mod image;
mod pause;
pub(crate) mod token;
mod view;

pub(crate) use access::CLIENT_SAP;
pub(crate) use image::{ImageOutcome, ImageWork};

use std::sync::Arc;

use taa_dlms::{
    AttributeRef, ClientEvent, Error, Output, Value,
    cosem::{
        ObjectMap, ProfileRange, clock, data,
        map::{Discovered, FirmwareId},
    },
    error::Misuse,
    obis,
};
use taa_keys::Drbg;

use self::{access::Gate, view::View};
use super::Exchange;
use crate::{
    config::{CreditAt, DcuConfig, MeterEntry},
    gateway::TokenReply,
    journal::{Floor, MeterState},
    reading::Lack,
};

/// What an exchange yielded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Whether its name is the one expected.
    Introduced { right_name: bool },
    /// It lacks what the architecture needs.
    Unsuitable(Lack),
    /// It has another firmware than the exchange was made for: nothing it said counts.
    Changed,
    /// A look at the meter, after an order where there was one.
    Sample(Sample),
    /// Prices and credit were written.
    CreditWritten,
    /// The meter knows that its alarms were taken; these were new and are left.
    AlarmsConfirmed { left: u32 },
    /// Clock set, logic looked at: the priority of its last gasp as it was found, 0 where it was switched on again.
    Upkept { found: Option<u8> },
    /// Rows of the profile: Unix second, Wh.
    Rows(Vec<(i64, u64)>),
    /// A stretch of an image transfer.
    Image(ImageOutcome),
    /// What the meter says of a token; or it takes none from afar.
    TokenEntered(Result<TokenReply, Lack>),
    /// It failed.
    Failed(Fault),
}

/// Register, relay, credit at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) register_wh: u64,
    /// `None` for a meter without a relay that can be seen.
    pub(crate) relay_closed: Option<bool>,
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
    /// The meter has not what its map or its columns say: both must be read again.
    Contradicted,
}

/// What the session wants next.
#[derive(Debug)]
pub(crate) enum Polled {
    /// The buffer holds a frame to send.
    Transmit,
    /// Make this bound of invocation counters durable, then call [`Session::counter_durable`].
    Reserve(u32),
    /// Answer by [`Session::take_map`]: the map of this firmware, if anybody has it.
    MapWanted(FirmwareId),
    /// The meter's objects are known.
    Discovered(Discovered),
    /// The meter sent something of its own accord: alarm bits, if it is that.
    Pushed(Option<u32>),
    /// The exchange has ended.
    Done(Outcome),
    /// Nothing until then.
    Idle(Option<u64>),
}

/// One request of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Discover,
    Introduce,
    Sample,
    Order { closed: bool },
    Price,
    Fee,
    Grace,
    Credit,
    Profile { from: u32, to: u32 },
    ReadAlarms { taken: u32 },
    WriteAlarms { left: u32 },
    SetClock { gasp: bool },
    ReadGasp,
    ArmGasp,
    Image(image::Kind),
    Token(token::Step),
}

/// What follows from an event.
#[derive(Debug)]
enum Next {
    Nothing,
    Tell(Polled),
    Step(Step),
    End(Outcome),
}

/// The session.
#[derive(Debug)]
pub(crate) struct Session {
    gate: Gate,
    view: View,
    period_s: u32,
    utc_offset_s: i32,
    credit_at: CreditAt,
    exchange: Option<Exchange>,
    step: Step,
    /// The step to begin, or the outcome to hand out, once the client is drained.
    next: Option<Step>,
    outcome: Option<Outcome>,
    /// An image on its way.
    image: Option<Box<ImageWork>>,
    now: u64,
}

impl Session {
    /// `state` is what the journal knows of the meter.
    pub(crate) fn new(config: &DcuConfig, entry: &MeterEntry, state: Option<&MeterState>) -> Self {
        Self {
            gate: Gate::new(config, entry, state),
            view: View::new(&entry.id, config.traits.credit_at),
            period_s: config.reading_period_s,
            utc_offset_s: config.utc_offset_s,
            credit_at: config.traits.credit_at,
            exchange: None,
            step: Step::Introduce,
            next: None,
            outcome: None,
            image: None,
            now: 0,
        }
    }

    /// Nothing can be said yet, for want of randomness.
    pub(crate) const fn is_locked(&self) -> bool {
        self.gate.is_locked()
    }

    /// There is randomness, and a title to speak under.
    pub(crate) fn unlock(&mut self, randomness: &mut Drbg, title: [u8; 8]) {
        self.gate.unlock(randomness, title, self.view.name());
    }

    /// Its name is right, and it is known where everything stands.
    pub(crate) const fn is_introduced(&self) -> bool {
        self.view.own.is_some()
    }

    /// What is known of its objects it has shown itself.
    pub(crate) const fn has_own_list(&self) -> bool {
        self.view.own_list.is_some()
    }

    /// Messages of the meter before this are refused.
    pub(crate) fn floor(&self) -> Option<Floor> {
        self.gate.floor()
    }

    /// The bound of [`Polled::Reserve`] is durable.
    pub(crate) fn counter_durable(&mut self, now: u64, bound: u32) {
        self.now = now;
        if let Gate::Open(client) = &mut self.gate {
            client.handle_counter_durable(now, bound);
        }
    }

    /// The answer to [`Polled::MapWanted`].
    pub(crate) fn take_map(&mut self, now: u64, map: Option<Arc<ObjectMap>>) {
        self.now = now;
        if let Gate::Open(client) = &mut self.gate {
            client.handle_map(now, map);
        }
    }

    /// The meter contradicts what is known of it, which is forgotten; its firmware, if it has told it.
    pub(crate) fn forget(&mut self) -> Option<FirmwareId> {
        self.view.forget();
        let Gate::Open(client) = &mut self.gate else { return None };
        let firmware = client.discovered().and_then(|known| known.firmware.clone());
        client.set_discovered(None);
        firmware
    }

    /// Begins an exchange. One that was under way is given up.
    pub(crate) fn start(&mut self, now: u64, exchange: &Exchange) {
        self.now = now;
        if let (true, Gate::Open(client)) = (self.exchange.is_some(), &mut self.gate) {
            client.cancel();
        }
        self.outcome = None;
        self.next = None;
        self.view.changed = false;
        self.exchange = Some(*exchange);
        if *exchange == Exchange::Image {
            self.resume_image();
        }
        match self.first_step(exchange) {
            Ok(step) => self.next = Some(step),
            Err(outcome) => self.outcome = Some(outcome),
        }
    }

    /// How an exchange begins, or how it ends at once where the meter has nothing to be asked.
    fn first_step(&self, exchange: &Exchange) -> Result<Step, Outcome> {
        Ok(match *exchange {
            Exchange::Introduce if self.view.layout().is_some() => Step::Introduce,
            Exchange::Introduce => Step::Discover,
            Exchange::Read => Step::Sample,
            Exchange::Relay(wanted) => Step::Order { closed: wanted.relay.is_closed() },
            Exchange::Credit { write_prices: true, .. } => Step::Price,
            Exchange::Credit { write_prices: false, .. } => Step::Credit,
            Exchange::Backfill { from, to } => match &self.view.own {
                Some(own) if own.profile.is_none() => return Err(Outcome::Rows(Vec::new())),
                _ => Step::Profile { from, to },
            },
            Exchange::Image => Step::Image(image::Kind::Read),
            Exchange::Confirm { bits } => match self.view.layout().map(|layout| layout.alarms) {
                Some(None) => return Err(Outcome::AlarmsConfirmed { left: 0 }),
                _ => Step::ReadAlarms { taken: bits },
            },
            Exchange::Upkeep { unix_ms, gasp } => {
                let layout = self.view.layout();
                let gasp = gasp && layout.is_some_and(|layout| layout.gasp.is_some());
                match unix_ms.filter(|_| layout.is_some_and(|layout| layout.clock.is_some())) {
                    Some(_) => Step::SetClock { gasp },
                    None if gasp => Step::ReadGasp,
                    None => return Err(Outcome::Upkept { found: None }),
                }
            }
            Exchange::EnterToken { again, .. } => match self.view.layout().map(|layout| layout.gateway) {
                Some(None) => return Err(Outcome::TokenEntered(Err(Lack::TokenGateway))),
                _ => Step::Token(token::Step::first(again)),
            },
        })
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
                Output::Event(event) => match (self.step, &mut self.image) {
                    (Step::Image(kind), Some(work)) if self.exchange == Some(Exchange::Image) && ends_step(&event) => {
                        work.judge(kind, &event)
                    }
                    (Step::Token(step), _) if self.exchange.is_some() && ends_step(&event) => {
                        token::judge(self.exchange, self.view.layout(), step, &event)
                    }
                    _ => self.view.judge(self.exchange.map(|_| self.step), &event),
                },
                Output::Timeout(deadline) => match (self.next.take(), self.outcome.take()) {
                    (Some(step), _) => {
                        self.begin(step);
                        continue;
                    }
                    (None, Some(outcome)) => return Polled::Done(self.end(outcome)),
                    (None, None) => return Polled::Idle(deadline),
                },
            };
            match next {
                Next::Nothing => {}
                Next::Tell(polled) => return polled,
                Next::Step(step) => self.next = Some(step),
                Next::End(outcome) => self.outcome = Some(outcome),
            }
        }
    }

    fn end(&mut self, outcome: Outcome) -> Outcome {
        let exchange = self.exchange.take();
        let changed = std::mem::take(&mut self.view.changed) && exchange != Some(Exchange::Introduce);
        if changed { Outcome::Changed } else { outcome }
    }

    fn begin(&mut self, step: Step) {
        self.step = step;
        if let Err(error) = self.ask(step) {
            self.outcome = Some(Outcome::Failed(view::fault(error)));
        }
    }

    /// Gives the client the command of this step. What the layout does not have was never to be asked for: that is
    /// [`Misuse::Empty`].
    fn ask(&mut self, step: Step) -> Result<(), Error> {
        if let Step::Image(_) = step {
            return self.ask_image();
        }
        let now = self.now;
        let (total, prices) = match self.exchange {
            Some(Exchange::Credit { total_minor, prices, .. }) => (total_minor, prices),
            _ => (0, super::Prices::default()),
        };
        let Gate::Open(client) = &mut self.gate else { return Ok(()) };
        if step == Step::Discover {
            return client.discover(now);
        }
        let layout = self.view.layout().ok_or(Misuse::Empty)?;
        let descriptor = || layout.alarms.map(|alarms| alarms.descriptor).ok_or(Misuse::Empty);
        let credit = |obis| AttributeRef::new(data::CLASS, obis, data::VALUE);
        match step {
            Step::Discover | Step::Image(_) => Ok(()),
            Step::Token(step) => token::ask(self.exchange, layout, step, client, now),
            Step::Introduce => client.read(now, &layout.questions()),
            Step::Sample => {
                let balance = (self.credit_at == CreditAt::Meter).then_some(credit(obis::CREDIT_BALANCE));
                let asked: Vec<_> =
                    [Some(layout.energy), layout.output_state(), balance].into_iter().flatten().collect();
                client.read(now, &asked)
            }
            Step::Order { closed } => {
                let method = layout.order(closed).ok_or(Misuse::Empty)?;
                client.invoke(now, method, Some(&Value::I8(0)))
            }
            Step::SetClock { .. } => {
                let Some(Exchange::Upkeep { unix_ms: Some(unix_ms), .. }) = self.exchange else { return Ok(()) };
                let at = layout.clock.ok_or(Misuse::Empty)?;
                client.write(now, at, &clock::time_value_ms(unix_ms, self.utc_offset_s))
            }
            Step::ReadGasp => client.read(now, &[layout.gasp.ok_or(Misuse::Empty)?]),
            Step::ArmGasp => client.write(now, layout.gasp.ok_or(Misuse::Empty)?, &Value::U8(view::MOST_URGENT)),
            Step::Price => client.write(now, credit(obis::CREDIT_PRICE_PER_KWH), &Value::I64(prices.per_kwh_minor)),
            Step::Fee => client.write(now, credit(obis::CREDIT_FEE_PER_DAY), &Value::I64(prices.fee_per_day_minor)),
            Step::Grace => client.write(now, credit(obis::CREDIT_GRACE), &Value::I64(prices.grace_minor)),
            Step::Credit => client.write(now, credit(obis::CREDIT_TOTAL), &Value::I64(total)),
            Step::Profile { from, to } => {
                let profile = self.view.own.as_ref().and_then(|own| own.profile).ok_or(Misuse::Empty)?.profile;
                let at = |period: u32| i64::from(period).saturating_mul(i64::from(self.period_s));
                client.read_profile(now, profile, ProfileRange::Between(at(from), at(to)))
            }
            Step::ReadAlarms { .. } => client.read(now, &[descriptor()?]),
            Step::WriteAlarms { left } => client.write(now, descriptor()?, &view::descriptor(left)),
        }
    }
}

/// The event ends a command.
const fn ends_step(event: &ClientEvent<'_>) -> bool {
    matches!(event, ClientEvent::Values(_) | ClientEvent::Done(_) | ClientEvent::Failed(_))
}
