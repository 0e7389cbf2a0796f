//! The relay's journal.

use serde::{Deserialize, Serialize};
use taa_dcu::{
    fetch::Fate,
    payment::{Payment, PaymentId, Provider},
};

use super::{Covered, PayRequest, Settlement, State};
use crate::provider::cash_code::{Code, CodeTag};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// From 1, without gaps.
    pub number: u64,
    /// When, Unix milliseconds.
    pub at_unix_ms: i64,
    /// What.
    pub entry: Entry,
}

/// Why money is on hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum HeldWhy {
    /// No site has the account that was typed.
    NoSuchAccount,
    /// The account is counted in another currency.
    WrongCurrency,
    /// The site would not take it.
    SiteRefused(Fate),
    /// It was offered to a DCU that was then replaced: it may have been credited there.
    OfferedBefore,
    /// It was paid before what is remembered begins: it may have been taken then.
    TooOld,
}

/// Where a payment went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// To the list of this site.
    Site(String),
    /// On hold.
    Held(HeldWhy),
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Entry {
    /// The relay started: numbers given from here on belong to this epoch.
    Started {
        /// Random, not 0.
        epoch: u64,
    },
    /// A payer was asked to pay.
    Asked(PayRequest),
    /// How a request ended.
    Settled {
        /// Whose request.
        provider: Provider,
        /// Its name.
        id: String,
        /// How.
        how: Settlement,
    },
    /// A payment was taken.
    Took {
        /// The payment.
        payment: Payment,
        /// Where it went.
        place: Place,
        /// The short code whose list or confirmation told of it.
        list: Option<String>,
    },
    /// An operator has said whose held money is.
    Resolved {
        /// Which.
        id: PaymentId,
        /// The site.
        site: String,
        /// The account there.
        account: String,
    },
    /// Codes were printed.
    CodesAdded {
        /// Their tags, serial numbers and amounts.
        codes: Vec<(CodeTag, Code)>,
    },
    /// From here on this session of a site's DCU is served.
    Bound {
        /// The site.
        site: String,
        /// The session.
        session: u64,
        /// Sessions before it that the DCU names: a question of one of these is a late one.
        before: Vec<u64>,
    },
    /// A strange DCU took the place of one that was silent; what the other had been offered is on hold.
    TakenOver {
        /// The site.
        site: String,
        /// The new session.
        session: u64,
        /// Payments up to this number had been offered.
        offered: u64,
    },
    /// An operator has said that whoever asks next is the right one.
    Unbound {
        /// The site.
        site: String,
    },
    /// The DCU knows numbers that this relay has not given: it was put back to an old copy. What it holds is numbered anew.
    Renumbered {
        /// The site.
        site: String,
        /// From this number on.
        start: u64,
    },
    /// The site has all payments up to a number, and told what became of some.
    Acked {
        /// The site.
        site: String,
        /// Up to this number.
        upto: u64,
        /// By number.
        fates: Vec<(u64, Fate)>,
    },
    /// A body that could be about money and could not be read.
    Unread {
        /// From whom.
        provider: Provider,
        /// Why not.
        why: String,
        /// Its beginning.
        body: Vec<u8>,
    },
    /// The whole state after the record before this one.
    Snapshot(Box<State>),
    /// Held money goes back to whoever paid it.
    HandedBack {
        /// Which.
        id: PaymentId,
    },
    /// A payment that is known was told of under another name; its site is told as well.
    Named {
        /// Its first name.
        known: PaymentId,
        /// As it was told, under the account that it was given to.
        payment: Payment,
        /// The site that has it.
        site: Option<String>,
    },
    /// A text fits a push that was taken without a receipt: it adds nothing.
    Guessed {
        /// The push.
        push: PaymentId,
        /// The text's name.
        text: PaymentId,
    },
    /// A line or a push that fits what was credited is not credited.
    Covered(Covered),
    /// It fits no more: the provider has said which belong together.
    Uncovered {
        /// Which.
        id: PaymentId,
    },
    /// A provider's list of a short code has been read.
    Pulled {
        /// The short code.
        shortcode: String,
        /// Up to this instant, Unix ms.
        upto_unix_ms: i64,
    },
    /// What was paid and taken up to this instant is remembered no longer.
    Forgot {
        /// Unix ms.
        upto_unix_ms: i64,
    },
}
