//! What goes in and comes out of a token server.

use serde::{Deserialize, Serialize};
use taa_dcu::{
    MeterIx,
    fetch::NotVended,
    payment::{PaymentId, Provider},
    vending::{Ask, Reference, Source, TokenDigits, VendAsk, VendRefusal},
};

use crate::{http::HttpResponse, provider::Refusal};

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Energy, Wh.
    EnergyWh(u64),
    /// What so much money buys, minor units.
    MoneyMinor(i64),
    /// The end of the state after tampering.
    ClearTamper,
    /// Another limit of power, W.
    MaxPowerW(u32),
}

/// The shape in which somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Shape {
    /// Calin's `/tokennew`.
    Calin,
    /// Calin's `/POS_Purchase`.
    CalinPos,
    /// Calin's `/Maintenance_…`.
    CalinUpkeep,
    /// Stron's.
    Stron,
    /// SparkMeter's.
    Spark,
}

impl Shape {
    /// The name space of its references.
    #[must_use]
    pub const fn provider(self) -> Provider {
        match self {
            Self::Calin | Self::CalinPos | Self::CalinUpkeep => Provider::Calin,
            Self::Stron => Provider::Stron,
            Self::Spark => Provider::Spark,
        }
    }
}

/// A token is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// For this meter (SparkMeter's shape: this customer's).
    pub meter: String,
    /// What.
    pub what: What,
    /// The purchase: the same again is the same purchase.
    pub reference: PaymentId,
    /// When it was asked first, Unix milliseconds.
    pub at_unix_ms: i64,
}

/// What was vended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Twenty digits; `None` where credit went to an account and there is nothing to type.
    pub token: Option<TokenDigits>,
    /// Energy that it is worth, Wh, where known.
    pub energy_wh: Option<u64>,
}

/// Why nothing was vended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotIssued {
    /// No such meter or customer.
    #[error("unknown meter")]
    UnknownMeter,
    /// Not an amount that can be vended for this meter.
    #[error("the amount cannot be vended")]
    Amount,
    /// The meter counts something else (energy for money, or the other way round), or energy has no single price.
    #[error("such credit is not vended for this meter")]
    Unfit,
    /// For now: the key module or the lease is missing. Ask again.
    #[error("cannot vend now, try again later")]
    Later,
}

impl Asked {
    /// What the DCU is asked for.
    #[must_use]
    pub fn ask(&self) -> Ask {
        match self.what {
            What::EnergyWh(wh) => Ask::Energy { wh: i64::try_from(wh).unwrap_or(i64::MAX) },
            What::MoneyMinor(amount_minor) => Ask::Money { amount_minor },
            What::ClearTamper => Ask::ClearTamper,
            What::MaxPowerW(watts) => Ask::MaxPower { watts },
        }
    }

    /// The same as the DCU takes it. Under one reference it is one sale there, for ever.
    #[must_use]
    pub fn for_dcu(&self, meter: MeterIx) -> VendAsk {
        let ask = self.ask();
        let reference = Reference { by: self.reference.provider.name().into(), reference: self.reference.key.clone() };
        VendAsk { meter, ask, source: Source::Outside(reference) }
    }
}

impl Issued {
    /// The digits as they are typed.
    #[must_use]
    pub fn digits(&self) -> Option<&str> {
        std::str::from_utf8(&self.token.as_ref()?.0).ok()
    }
}

impl From<NotVended> for NotIssued {
    fn from(why: NotVended) -> Self {
        match why {
            NotVended::UnknownMeter => Self::UnknownMeter,
            NotVended::Amount => Self::Amount,
            NotVended::Unfit => Self::Unfit,
            NotVended::Later => Self::Later,
        }
    }
}

impl From<&VendRefusal> for NotIssued {
    fn from(refusal: &VendRefusal) -> Self {
        match refusal {
            VendRefusal::UnknownMeter | VendRefusal::NoDecoder => Self::UnknownMeter,
            VendRefusal::Amount { .. } | VendRefusal::TooLittle | VendRefusal::NotCarried { .. } => Self::Amount,
            VendRefusal::Unfit | VendRefusal::PriceVaries | VendRefusal::Conflict(_) => Self::Unfit,
            _ => Self::Later,
        }
    }
}

/// One record of the server's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// From 1, without gaps.
    pub number: u64,
    /// What.
    pub entry: Entry,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A purchase began.
    Asked(Asked, Print),
    /// It was vended.
    Issued(PaymentId, Issued),
    /// It was not, and may be asked for again.
    Failed(PaymentId),
    /// Whoever asked has been told, at this Unix time, ms.
    Told(PaymentId, i64),
    /// The answer came when nobody waited for it any more, at this Unix time, ms.
    Arrived(PaymentId, i64),
}

/// What two questions have in common when they are one purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Print(pub(super) [u8; 16]);

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Append this record, then call [`super::TokenServer::handle_durable`].
    Append(Record),
    /// Vend this, then call [`super::TokenServer::handle_issued`]. May come again for the same reference.
    Ask(Asked),
    /// Answer this call.
    Respond {
        /// The shell's number of it.
        call: u64,
        /// What to say.
        response: HttpResponse,
    },
    /// For the log.
    Event(Event),
    /// Nothing more now.
    Idle,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A question was taken for a repeat: it gets what the first one got.
    Repeated {
        /// The purchase.
        reference: PaymentId,
        /// Since the first question, ms.
        after_ms: i64,
        /// Whether the other side numbers its purchases; otherwise this is a guess, by the window.
        certain: bool,
    },
    /// One `external_id` with two contents.
    Conflict {
        /// The purchase.
        reference: PaymentId,
    },
    /// A question was refused.
    Refused {
        /// In which shape.
        shape: Shape,
        /// Why.
        why: Refusal,
    },
}
