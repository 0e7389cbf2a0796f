//! What comes of entering a token, in our words and in the standard's.
//!
//! The names of the standard's results are those in general use; they were not compared with its text.

use crate::sts::key_change::NewKey;
use crate::sts::{FormatError, Money, Service, Test};

/// What the meter is to do now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Add credit in the service's unit.
    Credit {
        /// Of what.
        service: Service,
        /// How much, 0.1 kWh or 0.1 m³.
        units: u32,
    },
    /// Add credit in money.
    Money {
        /// For what.
        service: Service,
        /// How much.
        money: Money,
    },
    /// Run or show something.
    Test(Test),
    /// Limit the power, watts.
    MaxPower(u32),
    /// Clear a register of credit; FFFF: all.
    ClearCredit(u16),
    /// Set a tariff rate.
    TariffRate(u16),
    /// Clear the state after tampering.
    ClearTamper,
    /// Limit the difference between phases, watts.
    MaxUnbalance(u32),
    /// Set the factor of a water meter.
    WaterFactor(u16),
    /// A part of a new key is kept; others are missing.
    KeyPart {
        /// Which, 1 to 4.
        part: u8,
        /// Which are there now.
        held: Vec<u8>,
    },
    /// The new key is in force.
    KeyChanged(NewKey),
}

/// Why a token was refused. Nothing in the meter has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Not 20 digits, or a number above any token's.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A reserved class or subclass.
    #[error("subclass {subclass} of class {class} is reserved")]
    Reserved {
        /// Class.
        class: u8,
        /// Subclass.
        subclass: u8,
    },
    /// The checksum is wrong: a mistyped digit, another meter's token, or one under an old or a new key. The meter cannot
    /// tell; a vendor can ([`crate::sts::vend::SoftwareModule::diagnose`]).
    #[error("the checksum is wrong: mistyped, another meter's, or under another key")]
    Checksum,
    /// A test token of another maker.
    #[error("the token is for meters of another maker")]
    Maker,
    /// The minute of issue lies beyond what the key may still open.
    #[error("the key expired before the token was issued")]
    KeyExpired,
    /// The meter holds a default key: it has not been taken into service, and takes no credit.
    #[error("the meter holds a default key and takes no credit")]
    DefaultKey,
    /// Entered before.
    #[error("the token has been used")]
    Used {
        /// It was the last one accepted: somebody pressed twice, or an SMS came twice.
        just_now: bool,
    },
    /// Older than all that the meter remembers.
    #[error("the token is older than all that the meter remembers")]
    Old,
    /// The register cannot hold so much.
    #[error("the credit register would overflow")]
    Overflow,
    /// The new key is of a kind that this one must not become.
    #[error("a key of this kind must not follow")]
    KeyType,
    /// A number in it is out of range.
    #[error("a number in the token is out of range")]
    Range,
    /// This meter does not do that.
    #[error("the meter does not have this function")]
    Function,
    /// A key change in three tokens, whose third is not known here.
    #[error("key changes in three tokens are not supported")]
    ThirdToken,
}

/// The standard's results of the three stages: what a stage that was reached says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the token is genuine.
    pub authentication: Option<Authentication>,
    /// Whether it may be used, now and here.
    pub validation: Option<Validation>,
    /// What came of carrying it out.
    pub token: TokenResult,
}

/// AuthenticationResult.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Authentic.
    Authentic,
    /// CRCError.
    CrcError,
    /// MfrCodeError.
    MfrCodeError,
}

/// ValidationResult.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// Valid.
    Valid,
    /// OldError.
    OldError,
    /// UsedError.
    UsedError,
    /// KeyExpiredError.
    KeyExpiredError,
    /// DDTKError.
    DdtkError,
}

/// TokenResult.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenResult {
    /// Accept.
    Accept,
    /// 1stKCT to 4thKCT: this part of a key change is kept, others are missing.
    KctPart(u8),
    /// Refused in an earlier stage.
    Reject,
    /// OverflowError.
    OverflowError,
    /// KeyTypeError.
    KeyTypeError,
    /// FormatError.
    FormatError,
    /// RangeError.
    RangeError,
    /// FunctionError.
    FunctionError,
}

/// The result in the standard's words.
#[must_use]
pub fn verdict(outcome: &Result<Action, Reason>) -> Verdict {
    let authentic = Some(Authentication::Authentic);
    let valid = Some(Validation::Valid);
    let (authentication, validation, token) = match outcome {
        Ok(Action::KeyPart { part, .. }) => (authentic, valid, TokenResult::KctPart(*part)),
        Ok(_) => (authentic, valid, TokenResult::Accept),
        Err(Reason::Format(_)) => (None, None, TokenResult::FormatError),
        Err(Reason::Reserved { .. }) => (authentic, valid, TokenResult::FormatError),
        Err(Reason::Checksum) => (Some(Authentication::CrcError), None, TokenResult::Reject),
        Err(Reason::Maker) => (Some(Authentication::MfrCodeError), None, TokenResult::Reject),
        Err(Reason::KeyExpired) => (authentic, Some(Validation::KeyExpiredError), TokenResult::Reject),
        Err(Reason::DefaultKey) => (authentic, Some(Validation::DdtkError), TokenResult::Reject),
        Err(Reason::Used { .. }) => (authentic, Some(Validation::UsedError), TokenResult::Reject),
        Err(Reason::Old) => (authentic, Some(Validation::OldError), TokenResult::Reject),
        Err(Reason::Overflow) => (authentic, valid, TokenResult::OverflowError),
        Err(Reason::KeyType) => (authentic, valid, TokenResult::KeyTypeError),
        Err(Reason::Range) => (authentic, valid, TokenResult::RangeError),
        Err(Reason::Function | Reason::ThirdToken) => (authentic, valid, TokenResult::FunctionError),
    };
    Verdict { authentication, validation, token }
}

impl Verdict {
    /// As the token gateway reports it (interface class 115, `token_status`): 3 when carried out; 4, 5, 6, 7 when format,
    /// authentication, validation or execution failed.
    #[must_use]
    pub const fn gateway_status(&self) -> u8 {
        match (self.authentication, self.validation, self.token) {
            (None, ..) => 4,
            (Some(Authentication::CrcError | Authentication::MfrCodeError), ..) => 5,
            (_, Some(Validation::Valid), TokenResult::Accept | TokenResult::KctPart(_)) => 3,
            (_, Some(Validation::Valid), TokenResult::FormatError) => 4,
            (_, Some(Validation::Valid), _) => 7,
            _ => 6,
        }
    }
}
