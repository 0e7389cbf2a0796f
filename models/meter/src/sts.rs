//! STS tokens in the meter (IEC 62055-41): the decoder, what a token does here, and what is told of it.
//!
//! ```text
//!   keypad (typed) ──┐
//!                    ├─▶ decoder: key, TIDs taken ─▶ action ─▶ credit, relay, tamper, limit …
//!   gateway (115) ───┘                            └▶ reason    (nothing has changed)
//! ```
//!
//! Key, TIDs and parts of a key change are in non-volatile memory, as the balance is: a power cut changes nothing, and a
//! key change leaves the balance where it is, also with the rollover bit, which empties the memory of TIDs.
//!
//! Credit that came by tokens is counted apart from credit that was written over DLMS, in 1/100000 of the currency's
//! unit ("u"), as tokens carry it: neither lane can undo or repeat the other.

use taa_dlms::axdr::{BitString, DateTime, Octets};
use taa_dlms::cosem::{TokenDelivery, TokenGateway, TokenStatus, TokenStatusCode};
use taa_tokens::sts::meter::{self, Action, Application, Decoder, Reason, TidMemory};
use taa_tokens::sts::{DecoderKey, Service, StaTables, Test};

/// u in one unit of the currency.
const U_PER_UNIT: i64 = 100_000;
/// 0.1 kWh.
const WH_PER_TENTH: i64 = 100;
/// Registers that a token of class 2 may name: the one there is, or all.
const REGISTER_ALL: u16 = 0xFFFF;
/// While the register is full, further tokens are refused and keep their worth (assumed: 32 bits of minor units).
const REGISTER_MAX_MINOR: i64 = i32::MAX as i64;

/// What the meter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Money: tokens of subclass 4.
    Money {
        /// Minor units to a unit of the currency: 1, 10, 100 or 1000.
        minor_per_unit: u32,
    },
    /// Energy: tokens of subclass 0. Its "minor unit" is a Wh, its price 1000 of them to the kWh, u is a Wh too.
    Energy,
}

impl Counts {
    /// u in one minor unit.
    #[must_use]
    pub const fn u_per_minor(self) -> i64 {
        match self {
            Self::Money { minor_per_unit: 0 } | Self::Energy => 1,
            Self::Money { minor_per_unit } => U_PER_UNIT / minor_per_unit as i64,
        }
    }
}

/// A token decoder, for meters that keep their credit.
#[derive(Clone)]
pub struct StsConfig {
    /// The decoder's key.
    pub key: DecoderKey,
    /// What belongs to it.
    pub state: meter::State,
    /// Tables of EA07, also for keys to come.
    pub tables: StaTables,
    /// What it counts.
    pub counts: Counts,
    /// Its maker's code; test tokens of another one are refused.
    pub maker: u16,
    /// It has a keypad.
    pub keypad: bool,
    /// It has a token gateway.
    pub gateway: bool,
}

impl std::fmt::Debug for StsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { state, counts, keypad, gateway, .. } = self;
        write!(f, "StsConfig {{ {state:?}, {counts:?}, keypad: {keypad}, gateway: {gateway}, .. }}")
    }
}

/// What the display, or the gateway, answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// Carried out.
    Done(Done),
    /// Refused; nothing has changed.
    Refused(Reason),
    /// This meter has no keypad, or takes no tokens.
    NoKeypad,
    /// The display is dark.
    NoPower,
}

impl Keyed {
    /// The token was carried out.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// What a token has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Credit, u.
    Credited(i64),
    /// A test was run, or a value shown.
    Shown(Test),
    /// Power is limited, W.
    PowerLimited(u32),
    /// So much credit was cleared, minor units rounded down.
    CreditCleared(i64),
    /// A tariff rate is noted; this meter has one price.
    RateSet(u16),
    /// The tampering is cleared.
    TamperCleared,
    /// A part of a new key is kept, 1 to 4; so many are there.
    KeyPart(u8, u8),
    /// A new key is in force; with rollover, the TIDs are forgotten.
    KeyChanged {
        /// Count from a new base date.
        rollover: bool,
    },
}

/// The decoder, and what was heard last.
#[derive(Debug)]
pub(crate) struct Slot {
    decoder: Decoder,
    config: StsConfig,
    shown: TokenGateway,
    /// Noted by a token of class 2.
    pub(crate) rate: Option<u16>,
}

impl Slot {
    pub(crate) fn new(config: &StsConfig) -> Self {
        let nothing = BitString::new(8, &[0]).unwrap_or_default();
        Self {
            decoder: Decoder::new(config.key.clone(), config.state, TidMemory::default(), config.tables.clone()),
            config: config.clone(),
            shown: TokenGateway {
                token: Some(Octets::default()),
                token_time: Some(DateTime::from_unix_s(0, 0)),
                token_description: Some(Vec::new()),
                token_delivery_method: Some(TokenDelivery::Local),
                token_status: Some(TokenStatus { status_code: TokenStatusCode::FormatOk, data_value: nothing }),
            },
            rate: None,
        }
    }

    pub(crate) const fn config(&self) -> &StsConfig {
        &self.config
    }

    pub(crate) const fn state(&self) -> &meter::State {
        self.decoder.state()
    }

    pub(crate) const fn memory(&self) -> &TidMemory {
        self.decoder.memory()
    }

    /// Attributes of class 115.
    pub(crate) const fn shown(&self) -> &TokenGateway {
        &self.shown
    }

    /// Asks the decoder; `balance_minor` is what the register holds.
    pub(crate) fn decode(&mut self, text: &str, balance_minor: i64) -> Result<Action, Reason> {
        let room_minor = REGISTER_MAX_MINOR.saturating_sub(balance_minor.max(0)).max(0);
        let room_u = room_minor.saturating_mul(self.config.counts.u_per_minor());
        let room = match self.config.counts {
            Counts::Money { .. } => room_u,
            Counts::Energy => room_u / WH_PER_TENTH,
        };
        let application = Application {
            service: Service::Electricity,
            in_money: matches!(self.config.counts, Counts::Money { .. }),
            room: u64::try_from(room).unwrap_or(0),
            maker: self.config.maker,
        };
        self.decoder.enter_text(text, &application)
    }

    /// Notes what the gateway's attributes show from now on.
    pub(crate) fn note(&mut self, token: &[u8], at: DateTime, by: TokenDelivery, outcome: &Result<Action, Reason>) {
        let status_code = TokenStatusCode::from_code(meter::verdict(outcome).gateway_status());
        let words = match outcome {
            Ok(Action::Credit { .. } | Action::Money { .. }) => "credit".to_owned(),
            Ok(Action::Test(_)) => "test".to_owned(),
            Ok(Action::KeyPart { part, .. }) => format!("key part {part}"),
            Ok(Action::KeyChanged(_)) => "key changed".to_owned(),
            Ok(_) => "order".to_owned(),
            Err(reason) => reason.to_string(),
        };
        self.shown = TokenGateway {
            token: Some(Octets::from(token)),
            token_time: Some(at),
            token_description: Some(vec![Octets::from(words.as_str())]),
            token_delivery_method: Some(by),
            token_status: Some(TokenStatus {
                status_code,
                data_value: BitString::new(8, &[detail(outcome)]).unwrap_or_default(),
            }),
        };
    }
}

/// `data_value` of the status. Arbitrary: the Blue Book leaves it to the maker.
fn detail(outcome: &Result<Action, Reason>) -> u8 {
    match outcome {
        Err(Reason::Old) => 1,
        Err(Reason::Used { .. }) => 2,
        Err(Reason::KeyExpired) => 3,
        Err(Reason::DefaultKey) => 4,
        Ok(Action::KeyPart { part, .. }) => 0x10 | part,
        _ => 0,
    }
}

/// Credit in a token, u.
pub(crate) fn credit_u(action: &Action) -> Option<i64> {
    match action {
        Action::Money { money, .. } => i64::try_from(money.value()).ok(),
        Action::Credit { units, .. } => Some(i64::from(*units) * WH_PER_TENTH),
        _ => None,
    }
}

/// The register of credit that a token names is this meter's.
pub(crate) const fn names_register(register: u16) -> bool {
    register == 0 || register == REGISTER_ALL
}

/// What came through the gateway as 20 digits, in ASCII or two to a byte.
pub(crate) fn text_of(token: &[u8]) -> String {
    if token.len() == 10 {
        let digits = token.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
        return digits.map(|digit| char::from_digit(digit.into(), 10).unwrap_or('?')).collect();
    }
    String::from_utf8_lossy(token).into_owned()
}
