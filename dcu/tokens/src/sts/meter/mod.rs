//! The token decoder of a meter, as a simulated meter or a DCU in its place (credit in the DCU) uses it.
//!
//! [`Decoder::enter`] takes a token and answers what to do, or why not. In the order of the standard: format,
//! authentication (checksum, maker), validation (key expiry, kind of key, used, old), execution (room, range, function).
//! A token that is refused leaves no trace. The decoder's state is what a meter keeps over a power cut
//! ([`Decoder::state`]); it holds no balance: RO and all other key changes leave what has been paid where it is.

mod memory;
mod outcome;

pub use memory::{Known, MEMORY_MIN, TidMemory};
pub use outcome::{Action, Authentication, Reason, TokenResult, Validation, Verdict, verdict};

use super::key_change::{Collector, NewKey, Section};
use super::{
    Algorithm, BaseDate, Content, ContentError, DecoderKey, KeyType, Order, Service, StaTables, Test, Tid, Token,
};

/// What the meter's application can take at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Application {
    /// What it measures.
    pub service: Service,
    /// Whether it keeps its credit in money.
    pub in_money: bool,
    /// What its register still has room for, in the token's unit (0.1 kWh …, or 1/100000 of the currency).
    pub room: u64,
    /// Its maker's code; test tokens with another one are refused, with 0 they are for everybody.
    pub maker: u16,
}

/// What belongs to the key in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Key revision.
    pub krn: u8,
    /// Kind of key.
    pub key_type: KeyType,
    /// Tariff index.
    pub ti: u8,
    /// Expiry number.
    pub ken: u8,
    /// Supply group, as far as the meter knows it: after a change in two tokens it does not.
    pub sgc: Option<u32>,
    /// Where TIDs count from. The meter itself only compares TIDs; this is for people and audits. After a rollover beyond
    /// 2035 no base date is defined, and the last one stays.
    pub base_date: BaseDate,
}

/// The decoder.
#[derive(Clone, Debug)]
pub struct Decoder {
    key: DecoderKey,
    state: State,
    memory: TidMemory,
    last: Option<Tid>,
    parts: Collector,
    tables: StaTables,
}

impl Decoder {
    /// A meter with this key, and a memory as stored.
    #[must_use]
    pub fn new(key: DecoderKey, state: State, memory: TidMemory, tables: StaTables) -> Self {
        Self { key, state, memory, last: None, parts: Collector::default(), tables }
    }

    /// What belongs to the key in force.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The TIDs that are remembered.
    #[must_use]
    pub const fn memory(&self) -> &TidMemory {
        &self.memory
    }

    /// Numbers of the parts of a key change that are kept at the moment.
    #[must_use]
    pub fn parts_held(&self) -> Vec<u8> {
        self.parts.held().collect()
    }

    /// Forgets parts of a key change. Arbitrary: when that is due (a time limit, a reset) is the meter's affair.
    pub fn forget_parts(&mut self) {
        self.parts.clear();
    }

    /// Enters what somebody typed.
    ///
    /// # Errors
    /// [`Reason`].
    pub fn enter_text(&mut self, text: &str, application: &Application) -> Result<Action, Reason> {
        self.enter(Token::parse(text)?, application)
    }

    /// Enters a token.
    ///
    /// # Errors
    /// [`Reason`]; nothing has changed then.
    pub fn enter(&mut self, token: Token, application: &Application) -> Result<Action, Reason> {
        let content = self.key.open(token).map_err(|error| match error {
            ContentError::Checksum => Reason::Checksum,
            ContentError::Reserved { class, subclass } => Reason::Reserved { class, subclass },
        })?;
        self.validate(&content, application)?;
        let action = match content {
            Content::Credit { service, amount, .. } => {
                credit(application, service, false, u64::from(amount.units()))?;
                Action::Credit { service, units: amount.units() }
            }
            Content::Money { service, money, .. } => {
                credit(application, service, true, u64::try_from(money.value().max(0)).unwrap_or(u64::MAX))?;
                Action::Money { service, money }
            }
            Content::Test(test) => Action::Test(test),
            Content::Order { order, .. } => self::order(order),
            Content::KeyChange(section) => self.key_part(section)?,
        };
        if let Some(tid) = content.tid() {
            self.memory.keep(tid);
            self.last = Some(tid);
        }
        Ok(action)
    }

    fn validate(&self, content: &Content, application: &Application) -> Result<(), Reason> {
        if let Content::Test(Test::Short { maker, .. }) = content
            && !addressed(u16::from(*maker), application.maker)
        {
            return Err(Reason::Maker);
        }
        if let Content::Test(Test::Long { maker, .. }) = content
            && !addressed(*maker, application.maker)
        {
            return Err(Reason::Maker);
        }
        let Some(tid) = content.tid() else { return Ok(()) };
        let is_credit = matches!(content, Content::Credit { .. } | Content::Money { .. });
        if tid.upper_byte() > self.state.ken {
            return Err(Reason::KeyExpired);
        }
        if is_credit && self.state.key_type == KeyType::Default {
            return Err(Reason::DefaultKey);
        }
        match self.memory.look_up(tid) {
            Known::New => Ok(()),
            Known::Used => Err(Reason::Used { just_now: self.last == Some(tid) }),
            Known::Old => Err(Reason::Old),
        }
    }

    fn key_part(&mut self, section: Section) -> Result<Action, Reason> {
        let part = section.number();
        match (self.key.algorithm(), section) {
            (Algorithm::Ea07, Section::Third { .. } | Section::Fourth { .. }) => return Err(Reason::Function),
            (Algorithm::Ea07, Section::First { third_follows: true, .. }) => return Err(Reason::ThirdToken),
            // The maker's own kind of key is put in by the maker alone.
            (_, Section::First { key_type: KeyType::Initialization, .. }) => return Err(Reason::KeyType),
            _ => {}
        }
        let mut parts = self.parts.clone();
        parts.add(section);
        let Some(new) = parts.whole(self.key.algorithm().key_change_tokens()) else {
            self.parts = parts;
            return Ok(Action::KeyPart { part, held: self.parts_held() });
        };
        if !new.in_range() {
            return Err(Reason::Range);
        }
        self.change(&new)?;
        Ok(Action::KeyChanged(new))
    }

    fn change(&mut self, new: &NewKey) -> Result<(), Reason> {
        let algorithm = self.key.algorithm();
        self.key = DecoderKey::from_bytes(algorithm, &new.key, &self.tables).ok_or(Reason::Range)?;
        let base_date = match self.state.base_date.next() {
            Some(next) if new.rollover => next,
            _ => self.state.base_date,
        };
        self.state = State { krn: new.krn, key_type: new.key_type, ti: new.ti, ken: new.ken, sgc: new.sgc, base_date };
        if new.rollover {
            self.memory.clear();
            self.last = None;
        }
        self.parts.clear();
        Ok(())
    }
}

fn addressed(maker: u16, own: u16) -> bool {
    maker == 0 || maker == own
}

fn credit(application: &Application, service: Service, in_money: bool, value: u64) -> Result<(), Reason> {
    if service != application.service || in_money != application.in_money {
        return Err(Reason::Function);
    }
    if value > application.room { Err(Reason::Overflow) } else { Ok(()) }
}

fn order(order: Order) -> Action {
    match order {
        Order::MaxPower(watts) => Action::MaxPower(watts.units()),
        Order::ClearCredit(register) => Action::ClearCredit(register),
        Order::TariffRate(rate) => Action::TariffRate(rate),
        Order::ClearTamper(_) => Action::ClearTamper,
        Order::MaxUnbalance(watts) => Action::MaxUnbalance(watts.units()),
        Order::WaterFactor(factor) => Action::WaterFactor(factor),
    }
}

#[cfg(test)]
mod tests;
