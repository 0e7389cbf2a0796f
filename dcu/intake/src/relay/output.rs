//! What comes out of the relay.

use taa_dcu::{
    fetch::{Fate, FrameError},
    payment::{PaymentId, Provider},
};

use super::{HeldWhy, Record};
use crate::{
    civil::Doubt,
    http::HttpResponse,
    provider::{NotPaid, Refusal},
};

/// What [`super::Relay::poll_output`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Append this record to the relay's journal, then call [`super::Relay::handle_durable`].
    Append(Record),
    /// Answer this call.
    Respond {
        /// The shell's number of it.
        call: u64,
        /// What to say.
        response: HttpResponse,
    },
    /// Answer this fetch of a DCU with these bytes.
    Reply {
        /// The shell's number of the call.
        call: u64,
        /// One frame.
        bytes: Vec<u8>,
    },
    /// Ask a provider for a status, then call [`super::Relay::handle_status`].
    Query(Query),
    /// Something for the log, the operator, or the payer's telephone.
    Event(Event),
    /// Nothing more now. Call [`super::Relay::handle_timeout`] at this Unix time, ms, if nothing else happens before.
    Timeout(Option<i64>),
}

/// A status to ask for. The shell adds addresses, access tokens and passwords.
#[derive(Clone, PartialEq, Eq)]
pub enum Query {
    /// Daraja: `stkpushquery`.
    Push {
        /// `BusinessShortCode`.
        shortcode: String,
        /// `CheckoutRequestID`.
        checkout_request_id: String,
    },
    /// MTN: `GET requesttopay/{X-Reference-Id}`.
    Momo {
        /// `X-Reference-Id`.
        reference_id: String,
    },
    /// Daraja: one page of a short code's list (`pulltransactions/v1/query`); the answer goes to
    /// [`super::Relay::handle_pulled`].
    Pull {
        /// `ShortCode`.
        shortcode: String,
        /// `StartDate`, Unix ms.
        from_unix_ms: i64,
        /// `EndDate`, Unix ms.
        to_unix_ms: i64,
        /// `OffSetValue`: rows to leave out.
        offset: u32,
    },
    /// Orange: `transactionstatus`.
    Orange {
        /// `order_id`.
        order_id: String,
        /// `amount`, as it was asked for, minor units.
        amount_minor: i64,
        /// `pay_token`.
        pay_token: String,
    },
}

impl Query {
    /// Whose, and of which request (of a list: which short code).
    #[must_use]
    pub fn request(&self) -> (Provider, &str) {
        match self {
            Self::Push { checkout_request_id, .. } => (Provider::Daraja, checkout_request_id),
            Self::Pull { shortcode, .. } => (Provider::Daraja, shortcode),
            Self::Momo { reference_id } => (Provider::MtnMomo, reference_id),
            Self::Orange { order_id, .. } => (Provider::OrangeMoney, order_id),
        }
    }
}

impl std::fmt::Debug for Query {
    /// Without tokens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (provider, id) = self.request();
        write!(f, "Query({provider} {id})")
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A payment waits for its site.
    Took {
        /// Which.
        id: PaymentId,
        /// Where.
        site: String,
    },
    /// A payment is on hold.
    Held {
        /// Which.
        id: PaymentId,
        /// Why.
        why: HeldWhy,
    },
    /// Held money is to be handed back to whoever paid it; the record of it is durable.
    HandBack {
        /// Which.
        id: PaymentId,
        /// So much, minor units of the money that it came in.
        amount_minor: i64,
    },
    /// It was known.
    Duplicate {
        /// Which.
        id: PaymentId,
    },
    /// Its key is known with another amount or account: kept among what was not read.
    Conflict {
        /// Which.
        id: PaymentId,
    },
    /// A text, or a line of the provider's list, and a push that was settled without a receipt are taken for one payment, as
    /// account, amount and time fit.
    Matched {
        /// What the text or the list calls it.
        receipt: PaymentId,
        /// What we call it.
        payment: PaymentId,
        /// The provider's list told of it; otherwise it is a text.
        listed: bool,
    },
    /// A provider's list, or a clerk's statement, was read.
    Listed {
        /// The short code, or the clerk.
        of: String,
        /// Payments that were new.
        new: usize,
        /// That were known.
        known: usize,
        /// That are on hold now.
        held: usize,
        /// Lines that were refused.
        refused: usize,
    },
    /// The provider's list does not reach back to where it was last read: a statement has to be brought.
    ListGap {
        /// The short code.
        shortcode: String,
        /// From here, Unix ms.
        from_unix_ms: i64,
        /// To here, Unix ms.
        to_unix_ms: i64,
    },
    /// What was paid up to this instant is remembered no longer; what comes of it later is held.
    Forgot {
        /// Unix ms.
        upto_unix_ms: i64,
    },
    /// Its time could not be true; the time of arrival was taken.
    TimeReplaced {
        /// Which.
        id: PaymentId,
        /// What was wrong.
        doubt: Doubt,
    },
    /// One agent has entered the same amount for the same account under two receipts; or the provider says that two payments
    /// are one that were each taken: somebody has to correct it.
    LooksDoubled {
        /// The second.
        id: PaymentId,
        /// The first.
        before: PaymentId,
    },
    /// A callback was refused.
    Refused {
        /// From whom.
        provider: Provider,
        /// Why.
        why: Refusal,
    },
    /// A request will not be paid.
    NotPaid {
        /// Whose.
        provider: Provider,
        /// Which.
        id: String,
        /// Why.
        why: NotPaid,
    },
    /// A request stayed undecided: somebody has to look into the provider's list.
    GivenUp {
        /// Whose.
        provider: Provider,
        /// Which.
        id: String,
    },
    /// What became of a payment at its site: what the payer may be told.
    Fate {
        /// The site.
        site: String,
        /// Which.
        id: PaymentId,
        /// What.
        fate: Fate,
    },
    /// A DCU was answered.
    Fetched {
        /// The site.
        site: String,
        /// Payments in the answer.
        payments: usize,
    },
    /// A question of a DCU came late or twice: not answered.
    FetchOld {
        /// The site.
        site: String,
    },
    /// What came was no question of a DCU.
    FetchRefused(FrameError),
    /// No such site.
    FetchUnknownSite,
    /// Two DCUs have one identity: this session is not served. Somebody has to look, and then [`super::Relay::rebind`].
    IdentityTwice {
        /// The site.
        site: String,
        /// Who is served.
        served: u64,
        /// Who is not.
        refused: u64,
    },
    /// A strange DCU took the place of one that had been silent.
    TakenOver {
        /// The site.
        site: String,
    },
    /// The DCU counts in another currency or minor unit.
    WrongMoney {
        /// The site.
        site: String,
    },
    /// This relay was put back to an old copy. What providers had told it since is to be read from their lists.
    RolledBack {
        /// The site that noticed.
        site: String,
    },
}
