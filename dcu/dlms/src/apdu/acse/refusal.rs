//! How an association request ended, and who found what.

use std::fmt;

use crate::apdu::ber::{self, small_integer};
use crate::error::DecodeError;
use crate::wire::Reader;

/// Outcome of an association request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssociationResult {
    /// Accepted.
    Accepted,
    /// Refused; repeating will not help.
    RejectedPermanent,
    /// Refused for now.
    RejectedTransient,
    /// Another number.
    Unknown(u8),
}

/// Who found what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnostic {
    /// The application.
    User(u8),
    /// The association service itself.
    Provider(u8),
}

impl Diagnostic {
    /// Nothing to say.
    pub const NONE: Self = Self::User(0);
    /// No reason given.
    pub const NO_REASON: Self = Self::User(1);
    /// The context is not offered.
    pub const CONTEXT_NOT_SUPPORTED: Self = Self::User(2);
    /// The client's system title is missing or not accepted (calling-AP-title-not-recognized).
    pub const CALLING_TITLE_NOT_RECOGNISED: Self = Self::User(3);
    /// The mechanism is not known.
    pub const MECHANISM_NOT_RECOGNISED: Self = Self::User(11);
    /// A mechanism must be named.
    pub const MECHANISM_REQUIRED: Self = Self::User(12);
    /// Wrong password, or wrong mechanism.
    pub const AUTHENTICATION_FAILURE: Self = Self::User(13);
    /// The client must authenticate.
    pub const AUTHENTICATION_REQUIRED: Self = Self::User(14);

    /// It concerns authentication: repeating with the same password will not help and may lock the meter.
    #[must_use]
    pub const fn concerns_authentication(self) -> bool {
        matches!(self, Self::User(3 | 11..=14))
    }
}

/// A refused association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociationRefusal {
    /// For good or for now.
    pub result: AssociationResult,
    /// Why.
    pub diagnostic: Diagnostic,
}

impl fmt::Display for AssociationRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.result {
            AssociationResult::RejectedTransient => "association refused for now: ",
            _ => "association refused: ",
        })?;
        match self.diagnostic {
            Diagnostic::NO_REASON => f.write_str("no reason given"),
            Diagnostic::CONTEXT_NOT_SUPPORTED => f.write_str("application context not supported"),
            Diagnostic::CALLING_TITLE_NOT_RECOGNISED => f.write_str("calling title not recognised"),
            Diagnostic::MECHANISM_NOT_RECOGNISED => f.write_str("authentication mechanism not recognised"),
            Diagnostic::MECHANISM_REQUIRED => f.write_str("authentication mechanism required"),
            Diagnostic::AUTHENTICATION_FAILURE => f.write_str("authentication failure"),
            Diagnostic::AUTHENTICATION_REQUIRED => f.write_str("authentication required"),
            Diagnostic::User(code) => write!(f, "diagnostic {code}"),
            Diagnostic::Provider(code) => write!(f, "provider diagnostic {code}"),
        }
    }
}

pub(super) fn diagnostic(content: &[u8]) -> Result<Diagnostic, DecodeError> {
    let mut reader = Reader::new(content);
    let (source, inner) = ber::element(&mut reader)?;
    reader.finish()?;
    let code = small_integer(inner, "diagnostic")?;
    match source {
        0xA1 => Ok(Diagnostic::User(code)),
        0xA2 => Ok(Diagnostic::Provider(code)),
        tag => Err(DecodeError::UnknownTag { what: "diagnostic source", tag }),
    }
}
