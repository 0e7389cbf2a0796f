//! One sale: what is sold, what its token says, what has become of it.

use serde::{Deserialize, Serialize};
use taa_tokens::sts::{
    Amount, BaseDate, Content, KeyAttributes, KeyType, Krn, Money, Order, Random, Service, Sgc, TariffIndex, Tid,
    TimeError,
    vend::{LeaseError, VendError},
};

use crate::{
    MeterIx,
    config::{Contradiction, Way},
    gateway::{TokenDigits, TokenFate},
};

/// Number of a sale at this site, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VendId(pub u64);

/// A key as the journal knows it: plain numbers of [`KeyAttributes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyNote {
    /// Supply group code.
    pub sgc: u32,
    /// Key revision.
    pub krn: u8,
    /// Kind of key.
    pub key_type: u8,
    /// Tariff index.
    pub ti: u8,
    /// Expiry number.
    pub ken: u8,
    /// Year of the base date.
    pub base_year: u16,
}

impl KeyNote {
    /// As the tokens' crate takes it; `None` for numbers that no key has.
    #[must_use]
    pub fn attributes(&self) -> Option<KeyAttributes> {
        Some(KeyAttributes {
            sgc: Sgc::new(self.sgc).ok()?,
            krn: Krn::new(self.krn).ok()?,
            key_type: KeyType::from_bits(self.key_type),
            ti: TariffIndex::new(self.ti).ok()?,
            ken: self.ken,
            base_date: BaseDate::of_year(self.base_year)?,
        })
    }
}

impl KeyNote {
    /// Tokens under both open the same meter, as far as the key goes: expiry number and base date are no part of it.
    #[must_use]
    pub const fn opens_like(&self, other: &Self) -> bool {
        let kind = self.key_type == other.key_type && self.ti == other.ti;
        kind && self.sgc == other.sgc && self.krn == other.krn
    }
}

impl From<&KeyAttributes> for KeyNote {
    fn from(key: &KeyAttributes) -> Self {
        Self {
            sgc: key.sgc.number(),
            krn: key.krn.number(),
            key_type: key.key_type.number(),
            ti: key.ti.number(),
            ken: key.ken,
            base_year: key.base_date.year(),
        }
    }
}

/// What the token says, but for its minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// Credit in money: fields of [`Money`].
    Money {
        /// Sign and upper part of the exponent.
        sign_and_exponent: u8,
        /// Lower part of the exponent and mantissa.
        field: u16,
    },
    /// Credit in energy: field of [`Amount`], 0.1 kWh.
    Energy {
        /// The field.
        field: u16,
    },
    /// Clears the state after tampering.
    ClearTamper,
    /// Limits the power.
    MaxPower {
        /// Field of [`Amount`], watts.
        field: u16,
    },
    /// The meter is to take another key: a set of two or four tokens.
    KeyChange {
        /// Which.
        to: KeyNote,
    },
}

impl Said {
    /// It adds credit.
    #[must_use]
    pub const fn is_credit(&self) -> bool {
        matches!(self, Self::Money { .. } | Self::Energy { .. })
    }

    /// Energy that it credits, Wh; `None` for anything else.
    #[must_use]
    pub fn energy_wh(&self) -> Option<u64> {
        match *self {
            Self::Energy { field } => Some(u64::from(Amount::from_field(field).units()).saturating_mul(100)),
            _ => None,
        }
    }

    /// The whole content; `None` for a key change, which the module makes of two keys.
    #[must_use]
    pub fn content(&self, random: u8, tid: Tid) -> Option<Content> {
        let random = Random::new(random);
        let service = Service::Electricity;
        Some(match *self {
            Self::Money { sign_and_exponent, field } => {
                Content::Money { service, tid, money: Money::from_fields(sign_and_exponent, field) }
            }
            Self::Energy { field } => Content::Credit { service, random, tid, amount: Amount::from_field(field) },
            Self::ClearTamper => Content::Order { random, tid, order: Order::ClearTamper(0) },
            Self::MaxPower { field } => {
                Content::Order { random, tid, order: Order::MaxPower(Amount::from_field(field)) }
            }
            Self::KeyChange { .. } => return None,
        })
    }
}

/// Who pays for a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The meter's account, out of what was credited and not yet sold.
    Account {
        /// All credit of the account that is wholly sold with this, minor units: what a rounding leaves waits for more.
        granted_minor: i64,
    },
    /// Somebody outside who keeps the money himself (a token server's client); one token per reference, for ever.
    Outside(Reference),
    /// Nobody: an order of the operator.
    Operator,
    /// Nobody yet: it lies in the cache.
    Stock,
}

/// The other side's name for what it asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    /// Who asks.
    pub by: String,
    /// Their own name for it.
    pub reference: String,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Credit for this much money, minor units. Above zero.
    Money {
        /// Minor units.
        amount_minor: i64,
    },
    /// Credit for this much energy, for meters that count energy. Above zero.
    Energy {
        /// Watt-hours.
        wh: i64,
    },
    /// Clears the state after tampering.
    ClearTamper,
    /// Limits the power.
    MaxPower {
        /// Watts.
        watts: u32,
    },
}

/// A wish for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendAsk {
    /// For which meter.
    pub meter: MeterIx,
    /// What.
    pub ask: Ask,
    /// Who pays. [`Source::Stock`] cannot be asked for.
    pub source: Source,
}

/// Why nothing is sold. Nothing was recorded, no minute is used up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VendRefusal {
    /// This site sells no tokens. Ours: configure it.
    #[error("this site sells no tokens")]
    NotVending,
    /// The configuration contradicts itself. The operator's: put it right.
    #[error(transparent)]
    Configuration(Contradiction),
    /// No such meter or device.
    #[error("no such meter")]
    UnknownMeter,
    /// The meter takes no tokens; its credit is in the account, and goes over DLMS.
    #[error("the meter has no token decoder")]
    NoDecoder,
    /// The clock is not set.
    #[error("the clock is not set")]
    NoClock,
    /// Zero, negative, or more than a token may carry.
    #[error("the amount must be above zero and at most {max_minor} minor units")]
    Amount {
        /// The limit.
        max_minor: i64,
    },
    /// Too little for the smallest token; the money stays in the account.
    #[error("too little for a token")]
    TooLittle,
    /// The account has not so much that is paid and not yet sold.
    #[error("only {due_minor} minor units are paid and not yet sold")]
    NotPaid {
        /// What is there.
        due_minor: i64,
    },
    /// The reference was used for something else. The asker is at fault.
    #[error("this reference was used for another token (sale {})", .0.0)]
    Conflict(VendId),
    /// A token cannot carry just that; the most below it that it can, Wh.
    #[error("a token cannot carry exactly that; {nearest_wh} Wh it can")]
    NotCarried {
        /// Watt-hours.
        nearest_wh: i64,
    },
    /// A sale of this meter has not left yet: its token would die with the old key.
    #[error("sale {} of this meter has not left yet", .0.0)]
    SaleUnderWay(VendId),
    /// The reference is empty or too long.
    #[error("the reference must have 1 to 64 bytes")]
    Reference,
    /// No leased minute: the cloud has to grant some.
    #[error(transparent)]
    Lease(LeaseError),
    /// The clock lies outside what the meter's key reaches: a wrong clock, or a rollover is due.
    #[error(transparent)]
    Time(TimeError),
    /// The meter's key opens no token of today: a key change is due.
    #[error("the meter's key has expired: its KEN is {0}")]
    KeyExpired(u8),
    /// A key change of this meter is under way.
    #[error("a key change of this meter is under way (sale {})", .0.0)]
    KeyChangeUnderWay(VendId),
    /// From this key no change leads to that one.
    #[error("no key change leads to this key: {0}")]
    KeyChange(&'static str),
    /// The meter counts energy, and the tariff in force has more than one price for it.
    #[error("energy has more than one price: it cannot be sold beforehand")]
    PriceVaries,
    /// The journal has lost records, or it is not known yet whether it has: what was sold is in doubt. The operator's: set it right ([`crate::Dcu::end_doubt`]).
    #[error("the journal has lost records; an operator has to look first")]
    Doubt,
    /// Such a thing is not sold to this meter.
    #[error("the meter does not count that")]
    Unfit,
    /// The key is not noted as the one that the meter holds.
    #[error("the key is not noted: {0}")]
    KeyFound(&'static str),
    /// The token is not replaced: it may have counted, or may count yet.
    #[error("the token is not replaced: {0}")]
    NotReplaced(&'static str),
}

impl From<VendError> for VendRefusal {
    fn from(error: VendError) -> Self {
        match error {
            VendError::Lease(error) => Self::Lease(error),
            VendError::Time(error) => Self::Time(error),
            VendError::KeyExpired(ken) => Self::KeyExpired(ken),
            _ => Self::Unfit,
        }
    }
}

/// Why the module made no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyRefusal {
    /// It cannot be reached or is busy: it is asked again.
    Unavailable,
    /// It has no such vending key: somebody must load it.
    NoKey,
    /// It makes no such token.
    Refused,
}

/// What has become of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Its minute is used up; the module has not answered.
    Asked,
    /// The token is there, and has not left.
    Made,
    /// It has left, this way at last.
    Out {
        /// Which.
        way: Way,
    },
    /// It counts at the meter.
    Entered {
        /// How that is known.
        seen: Seen,
    },
    /// The meter refuses it for good; somebody must look.
    Refused {
        /// What the meter said.
        status: TokenFate,
    },
    /// No token of it can count.
    Void {
        /// Why.
        why: Void,
    },
}

impl Fate {
    /// Nothing more will come of it.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self, Self::Entered { .. } | Self::Refused { .. } | Self::Void { .. })
    }

    /// The meter has said that it is not genuine: it does not open under the key that the meter holds.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        matches!(self, Self::Refused { status: TokenFate::NotGenuine })
    }
}

/// How it is known that a token was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seen {
    /// The token gateway accepted it.
    Gateway,
    /// The gateway has it as used, after an attempt whose answer was lost or a copy that went another way.
    UsedBefore,
    /// The phone by the meter told so.
    Told,
    /// The meter's credit rose by its worth between two readings.
    Credit,
    /// A later token under its key was accepted: the key change must have been entered before.
    LaterToken,
    /// The device's count has come so far.
    Count,
}

/// Why no token of a sale can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Void {
    /// The module refused.
    Key(KeyRefusal),
    /// The module did not answer in time and the cache was sold instead; an answer that comes later is thrown away.
    CacheSold,
    /// A token of the cache that would be refused by now.
    StockTooOld,
    /// The key was changed before it had left.
    KeyChanged,
    /// The operator called a key change off before it had left.
    CalledOff,
    /// A token of the cache that the key at hand does not open: sealed with another one, or damaged.
    StockSealed,
    /// The meter has refused it as not genuine, it was found to hold another key, and an operator had it replaced.
    NotGenuine,
}

/// A sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Its number.
    pub id: VendId,
    /// For which meter.
    pub meter: MeterIx,
    /// Who pays.
    pub source: Source,
    /// What its token says.
    pub said: Said,
    /// Minute of issue, counted from 1970-01-01 00:00 UTC; 0 for a key change, which has none.
    pub minute: i64,
    /// Random bits of its content.
    pub random: u8,
    /// The key it is made under.
    pub key: KeyNote,
    /// What it is worth, 1/100000 of the currency's unit: what the meter will credit.
    pub worth_u: i64,
    /// Its token; of a key change, all of the set in order. Of a token of the cache, what the journal keeps of it
    /// ([`seal`](super::seal)).
    pub tokens: Vec<TokenDigits>,
    /// How many of them the meter has taken.
    pub entered: u8,
    /// What has become of it.
    pub fate: Fate,
    /// The ways it has gone, as bits.
    pub ways: u8,
    /// The port has confirmed the way it went last.
    pub handed: bool,
}

impl Sale {
    /// It has left, as far as anybody can know.
    #[must_use]
    pub const fn has_left(&self) -> bool {
        self.ways != 0
    }

    /// It lies in the cache.
    #[must_use]
    pub const fn is_stock(&self) -> bool {
        matches!(self.source, Source::Stock) && matches!(self.fate, Fate::Made)
    }

    /// It has gone this way before.
    #[must_use]
    pub const fn went(&self, way: Way) -> bool {
        self.ways & way.bit() != 0
    }

    /// The token that the meter is to take next.
    #[must_use]
    pub fn next_token(&self) -> Option<TokenDigits> {
        self.tokens.get(usize::from(self.entered)).copied()
    }
}

/// A number for a use of a minute, to tell one that is reported twice from two uses (FNV-1a, 64 bits). Two machines that
/// continue from one copied disk have the same sale numbers and records, and still differ in what they sold and when: `at`
/// is the record's number and its time, Unix milliseconds. Not a security measure.
#[must_use]
pub fn use_digest(id: VendId, said: &Said, worth_u: i64, random: u8, at: (u64, i64)) -> u64 {
    let (kind, fields) = match *said {
        Said::Money { sign_and_exponent, field } => (0_u64, u64::from(sign_and_exponent) << 16 | u64::from(field)),
        Said::Energy { field } => (1, field.into()),
        Said::ClearTamper => (2, 0),
        Said::MaxPower { field } => (3, field.into()),
        Said::KeyChange { to } => (4, to.sgc.into()),
    };
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let words = [id.0, kind, fields, worth_u as u64, random.into(), at.0, at.1 as u64];
    words.into_iter().flat_map(u64::to_be_bytes).fold(0xcbf2_9ce4_8422_2325, step)
}
