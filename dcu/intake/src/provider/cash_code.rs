//! Codes sold for cash: sixteen digits under a scratch field, typed in later from any telephone.
//!
//! The form is ours (Arbitrary). The relay never holds a code: only its tag (HMAC-SHA-256 under a key of the relay,
//! first 16 bytes), with the serial number and the amount. A code is worth its amount once: the serial number is the
//! payment's key, so typing it again for the same account is a repeat, and for another one a conflict. So a serial number
//! is given once and never again: a second code under it could not be told from a repeat of the first. Codes are refused
//! as a batch, before any of them is sold ([`CodeRefusal`]).
//!
//! A code has about 53 bits; whoever guesses is slowed down per caller ([`Guesses`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use taa_dcu::payment::{Channel, Payment, PaymentError, Provider};
use taa_keys::{Secret, hash::hmac_sha256};

use super::Refusal;
use crate::fields::Fields;

/// Digits of a code.
pub const CODE_DIGITS: usize = 16;
/// Wrong codes from one caller within [`GUESS_WINDOW_MS`].
pub const GUESSES_MAX: u32 = 5;
/// How long wrong codes are held against a caller.
pub const GUESS_WINDOW_MS: i64 = 3_600_000;
/// Callers remembered. Beyond it the one whose wrong codes are oldest is forgotten.
const CALLERS_MAX: usize = 10_000;

/// What is kept of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CodeTag(pub [u8; 16]);

/// A code, as the book of codes has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Printed beside it, no secret: the payment's key.
    pub serial: String,
    /// What it is worth, minor units.
    pub amount_minor: i64,
}

/// Why codes are not added; of the whole batch none is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeRefusal {
    /// Whoever bought it could never redeem it.
    #[error("code {serial:?}: {why}")]
    Unusable {
        /// Its serial number.
        serial: String,
        /// Why the payment would be refused.
        why: PaymentError,
    },
    /// Two codes of the batch under one serial number.
    #[error("code {0:?}: the serial number is there twice")]
    Twice(String),
    /// Another code was added under this serial number, or redeemed.
    #[error("code {0:?}: the serial number was given before")]
    Given(String),
    /// This very code was added under another serial number or for another amount.
    #[error("code {serial:?}: the same code was added before, as {before:?}")]
    SameCode {
        /// The serial number in the batch.
        serial: String,
        /// The one before.
        before: String,
    },
}

impl Code {
    /// Whether whoever holds it can redeem it.
    ///
    /// # Errors
    /// [`CodeRefusal::Unusable`].
    pub fn check(&self) -> Result<(), CodeRefusal> {
        let payment = Payment::new(Provider::CashCode, &self.serial, "", self.amount_minor, Channel::Code, 0);
        payment.check().map_err(|why| CodeRefusal::Unusable { serial: self.serial.clone(), why })
    }
}

impl CodeTag {
    /// The tag of a code; blanks and hyphens between digits do not count. `None` for anything but sixteen digits.
    #[must_use]
    pub fn new(code: &str, key: &Secret) -> Option<Self> {
        let digits: Vec<u8> = code.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).collect();
        let whole = digits.len() == CODE_DIGITS && digits.iter().all(u8::is_ascii_digit);
        let tag = hmac_sha256(key, &[b"taa cash code", &digits]);
        tag.first_chunk().filter(|_| whole).map(|first| Self(*first))
    }
}

/// A code that somebody has typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// For this account.
    pub account: String,
    /// From this telephone.
    pub caller: String,
    /// The code's tag, if it has the form of a code.
    pub tag: Option<CodeTag>,
}

/// Reads `account`, `caller` and `code`.
///
/// # Errors
/// [`Refusal`].
pub fn typed(body: &[u8], key: &Secret) -> Result<Typed, Refusal> {
    let fields = Fields::parse(body)?;
    let code = fields.text_or_number("code")?;
    Ok(Typed {
        account: super::account(&fields.text_or_number("account")?),
        caller: fields.text_or_number("caller")?,
        tag: CodeTag::new(&code, key),
    })
}

/// Wrong codes by caller. Volatile: a restart forgives.
#[derive(Clone, Debug, Default)]
pub struct Guesses(BTreeMap<String, (i64, u32)>);

impl Guesses {
    /// Whether this caller may try.
    #[must_use]
    pub fn may_try(&self, caller: &str, now_unix_ms: i64) -> bool {
        self.0
            .get(caller)
            .is_none_or(|(since, wrong)| *wrong < GUESSES_MAX || now_unix_ms.saturating_sub(*since) >= GUESS_WINDOW_MS)
    }

    /// A wrong code came from this caller.
    pub fn wrong(&mut self, caller: &str, now_unix_ms: i64) {
        if self.0.len() >= CALLERS_MAX
            && !self.0.contains_key(caller)
            && let Some(oldest) = self.0.iter().min_by_key(|(_, (since, _))| *since).map(|(name, _)| name.clone())
        {
            self.0.remove(&oldest);
        }
        let entry = self.0.entry(caller.to_owned()).or_insert((now_unix_ms, 0));
        if now_unix_ms.saturating_sub(entry.0) >= GUESS_WINDOW_MS {
            *entry = (now_unix_ms, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}
