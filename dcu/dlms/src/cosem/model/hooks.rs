//! What the model asks of the rest of a meter.

use crate::apdu::ActionResult;
use crate::axdr::{BitString, Octets, Value};
use crate::cosem::{ImageInfo, TokenStatusCode};

/// What became of a token.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenOutcome {
    /// How far it came.
    pub status: TokenStatusCode,
    /// More about it, as the meter's maker has it.
    pub data: BitString,
    /// Texts about it.
    pub description: Vec<Octets>,
    /// Credit in it, in the account's currency.
    pub credit: Option<i32>,
}

/// What became of the verification of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In order; its signature.
    Good(Octets),
    /// Faulty.
    Bad,
    /// Not finished: ask again.
    Later,
}

/// What the model cannot do by itself. The defaults are those of a meter without it.
pub trait Hooks {
    /// Takes a token.
    fn token(&mut self, token: &[u8]) -> TokenOutcome {
        let _ = token;
        TokenOutcome { status: TokenStatusCode::Received, data: no_bits(), description: Vec::new(), credit: None }
    }

    /// Verifies a complete image.
    fn verify_image(&mut self, identifier: &[u8], image: &[u8]) -> Verdict {
        let _ = (identifier, image);
        Verdict::Good(Octets::from(""))
    }

    /// Activates a verified image; `false` when it does not start.
    fn activate_image(&mut self, info: &ImageInfo, image: &[u8]) -> bool {
        let _ = (info, image);
        true
    }

    /// A method of the security setup but the first: key transfer (2), agreement (3), key pair (4), certificates
    /// (5–8).
    ///
    /// # Errors
    /// Why not.
    fn security(&mut self, method: i8, parameter: &Value) -> Result<Option<Value>, ActionResult> {
        let _ = (method, parameter);
        Err(ActionResult::OtherReason)
    }
}

/// A meter without tokens and keys, which takes every image.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {}

pub(super) fn no_bits() -> BitString {
    byte_bits(0, 0)
}

/// The first `count` (up to 8) bits of a byte.
pub(super) fn byte_bits(byte: u8, count: usize) -> BitString {
    let bytes = [byte];
    BitString::new(count.min(8), bytes.get(..count.min(8).div_ceil(8)).unwrap_or(&[])).unwrap_or_default()
}
