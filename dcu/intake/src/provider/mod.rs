//! What providers send, field by field. Everything here is pure: bytes in, a payment or a named refusal out.
//!
//! The key of a payment is always the provider's own, so that a callback that comes twice, late or by two ways is the
//! same payment. Fields that are not listed are left alone; a listed one of the wrong type is refused by its name.

pub mod agent;
pub mod cash_code;
pub mod daraja;
pub mod momo;
pub mod orange;
pub mod sms;
pub mod statement;

use serde::{Deserialize, Serialize};
use taa_dcu::payment::{Currency, NAME_BYTES_MAX, Payment, PaymentError};

use crate::{civil::Doubt, fields::FieldsError};

/// A currency and how finely it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// ISO 4217 code.
    pub currency: Currency,
    /// Minor units in a unit: 1, 10, 100 or 1000.
    pub minor_per_unit: u32,
}

/// A payment, and what is odd about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The payment.
    pub payment: Payment,
    /// Its time could not be true: the time of arrival stands for it.
    pub doubt: Option<Doubt>,
}

/// Why a request was not paid, as the provider puts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NotPaid {
    /// Too little money.
    Funds,
    /// The payer has another transaction under way.
    Busy,
    /// It was not answered in time.
    Expired,
    /// The question could not be brought to the telephone.
    Unreachable,
    /// The payer said no.
    Cancelled,
    /// A wrong PIN.
    Pin,
    /// The provider gives another reason, or none.
    Other,
}

/// What a status says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Paid.
    Paid(Paid),
    /// Not paid, and never will be.
    NotPaid(NotPaid),
    /// Not decided.
    Pending,
}

/// Why nothing was taken. Named, so that sender and log read the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The path's secret, the signature or the code is wrong. The sender is a stranger, or misconfigured.
    #[error("not authorised")]
    NotAuthorised,
    /// No such path.
    #[error("nothing is here")]
    NotFound,
    /// Another method than `POST` (or `PUT`, where a provider uses it).
    #[error("method not allowed")]
    Method,
    /// The body.
    #[error(transparent)]
    Fields(#[from] FieldsError),
    /// Addressed to somebody else's short code or till.
    #[error("{0}: not ours")]
    NotOurs(&'static str),
    /// In another currency than what it is paid for.
    #[error("{0}: another currency than agreed")]
    Currency(&'static str),
    /// Nobody has asked for this payment.
    #[error("{0}: no such request")]
    NoSuchRequest(&'static str),
    /// What it says is not what was asked for.
    #[error("{0}: not what was asked for")]
    Mismatch(&'static str),
    /// Nothing in the list of texts looks like this.
    #[error("the text is no receipt that is known here")]
    UnknownText,
    /// There is no such code.
    #[error("no such code")]
    NoSuchCode,
    /// Too many wrong codes from there: wait.
    #[error("too many wrong codes")]
    TooManyGuesses,
    /// Older than what is remembered: whether it was taken then, nobody here knows.
    #[error("older than what is remembered here")]
    TooOld,
    /// What it says is no payment.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// The relay cannot keep more of this.
    #[error("full")]
    Full,
}

impl Refusal {
    /// The HTTP status that says so.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NotAuthorised => 401,
            Self::NotFound | Self::NoSuchRequest(_) | Self::NoSuchCode => 404,
            Self::Method => 405,
            Self::Fields(FieldsError::TooLong) => 413,
            Self::TooManyGuesses => 429,
            Self::Full => 503,
            Self::Fields(_)
            | Self::NotOurs(_)
            | Self::Currency(_)
            | Self::Mismatch(_)
            | Self::UnknownText
            | Self::TooOld
            | Self::Payment(_) => 422,
        }
    }

    /// Money may have moved all the same: the body is kept for somebody to read.
    #[must_use]
    pub const fn is_worth_keeping(self) -> bool {
        matches!(
            self,
            Self::Fields(FieldsError::Field(..) | FieldsError::NotJson)
                | Self::NotOurs(_)
                | Self::Currency(_)
                | Self::Mismatch(_)
                | Self::NoSuchRequest(_)
                | Self::Payment(_)
                | Self::UnknownText
        )
    }
}

/// A receipt's number as everybody writes it: no blanks, capitals. `None` for nothing, or more than a name may have.
#[must_use]
pub fn receipt_number(told: &str) -> Option<String> {
    let number = told.trim().to_ascii_uppercase();
    (1..=NAME_BYTES_MAX).contains(&number.len()).then_some(number)
}

/// With the number that the payer's receipt bears, where the provider says it.
pub(crate) fn with_receipt(payment: Payment, told: Option<&str>) -> Payment {
    match told.and_then(receipt_number) {
        Some(number) => payment.with_receipt(number),
        None => payment,
    }
}

/// An account as people type it: no blanks around it.
fn account(typed: &str) -> String {
    typed.trim().to_owned()
}
