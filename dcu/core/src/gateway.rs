//! What a meter says of a token that was entered through its gateway (Blue Book, class 115).
//!
//! ```text
//!   20 digits ──▶ enter (method 1) ──▶ token_status ──▶ TokenReply ──▶ fate
//!                    └─ no answer ──▶ tried again with the same digits: token and token_status are read first
//! ```
//!
//! A meter takes a TID once, so entering the same digits again is safe, here or by keypad. What is not valid after an
//! attempt without an answer has therefore been taken by that attempt, unless the meter itself says otherwise.

use std::fmt;

use serde::{Deserialize, Serialize};
use taa_dlms::cosem::{TokenStatus, TokenStatusCode};
use taa_tokens::sts::meter::Validation;

/// The 20 digits of a token, in ASCII.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenDigits(pub [u8; 20]);

impl fmt::Debug for TokenDigits {
    /// The last four alone: a token that was not entered yet is money to its meter, and its digits belong to nobody else.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [.., a, b, c, d] = self.0.map(char::from);
        write!(f, "…{a}{b}{c}{d}")
    }
}

/// The answer of a meter's token gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenReply {
    /// `status_code` of attribute 6.
    pub code: u8,
    /// `data_value` of attribute 6, where it has 8 bits. Its meaning is the maker's: see [`result`].
    pub detail: Option<u8>,
    /// The gateway shows this very token as the last one that it took; `false` is another one, or none.
    pub shown: bool,
    /// It was asked again, after an attempt without an answer.
    pub again: bool,
    /// All credit that tokens ever brought, 1/100000 of the currency's unit, where the meter tells it.
    pub loaded_u: Option<i64>,
}

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TokenFate {
    /// Carried out: the credit is in the meter.
    Accepted,
    /// Taken before, by an attempt whose answer was lost or by keypad. It counts once, and has counted.
    Used,
    /// Older than all that the meter remembers: it may have counted or not. Compare the credit.
    Old,
    /// Issued after the meter's key expired: the meter needs key-change tokens.
    KeyExpired,
    /// Not valid, and the meter does not say why (used, old, key expired).
    Invalid,
    /// The checksum is wrong under the meter's key: another meter's token, or another key than the vendor believes.
    NotGenuine,
    /// Not the format of a token.
    Format,
    /// Genuine and valid, and not carried out: the register is full, or the meter has not this function.
    NotCarriedOut,
    /// Taken and not yet processed: ask again.
    Pending,
    /// The meter refused the call as such; what it shows concerns another token.
    Refused,
}

/// Numbers that our meters write into `data_value`. Arbitrary: the Blue Book leaves it to the maker, and of a maker who
/// writes something else in 8 bits the configuration must say so.
pub mod result {
    /// Nothing more to say.
    pub const PLAIN: u8 = 0;
    /// ValidationResult OldError.
    pub const OLD: u8 = 1;
    /// ValidationResult UsedError.
    pub const USED: u8 = 2;
    /// ValidationResult KeyExpiredError.
    pub const KEY_EXPIRED: u8 = 3;
    /// ValidationResult DDTKError.
    pub const DEFAULT_KEY: u8 = 4;
    /// A part of a key change is kept; 0x11 to 0x14 name it.
    pub const KEY_PART: u8 = 0x10;
}

impl TokenReply {
    /// From attribute 6.
    #[must_use]
    pub fn new(status: &TokenStatus, shown: bool, again: bool, loaded_u: Option<i64>) -> Self {
        let bits = &status.data_value;
        let mut detail = (bits.len() == 8).then_some(0_u8);
        for at in 0..8 {
            let bit = u8::from(bits.bit(at) == Some(true));
            detail = detail.map(|byte| byte << 1 | bit);
        }
        Self { code: status.status_code.code(), detail, shown, again, loaded_u }
    }

    /// Which validation failed, where the meter tells it in the way of [`result`].
    #[must_use]
    pub const fn validation(&self) -> Option<Validation> {
        match self.detail {
            Some(result::OLD) => Some(Validation::OldError),
            Some(result::USED) => Some(Validation::UsedError),
            Some(result::KEY_EXPIRED) => Some(Validation::KeyExpiredError),
            Some(result::DEFAULT_KEY) => Some(Validation::DdtkError),
            _ => None,
        }
    }

    /// What became of the token.
    #[must_use]
    pub const fn fate(&self) -> TokenFate {
        if !self.shown {
            return TokenFate::Refused;
        }
        match (TokenStatusCode::from_code(self.code), self.validation()) {
            (TokenStatusCode::ExecutionOk, _) => TokenFate::Accepted,
            (TokenStatusCode::FormatFailure, _) => TokenFate::Format,
            (TokenStatusCode::AuthenticationFailure, _) => TokenFate::NotGenuine,
            (TokenStatusCode::ExecutionFailure, _) => TokenFate::NotCarriedOut,
            (TokenStatusCode::ValidationFailure, Some(Validation::UsedError)) => TokenFate::Used,
            (TokenStatusCode::ValidationFailure, Some(Validation::OldError)) => TokenFate::Old,
            (TokenStatusCode::ValidationFailure, Some(Validation::KeyExpiredError)) => TokenFate::KeyExpired,
            // The meter does not say more; that an earlier attempt took it is what is left.
            (TokenStatusCode::ValidationFailure, None) if self.again => TokenFate::Used,
            (TokenStatusCode::ValidationFailure, _) => TokenFate::Invalid,
            _ => TokenFate::Pending,
        }
    }

    /// The credit of this token is in the meter.
    #[must_use]
    pub const fn has_counted(&self) -> bool {
        matches!(self.fate(), TokenFate::Accepted | TokenFate::Used)
    }
}

#[cfg(test)]
mod tests {
    use taa_dlms::axdr::BitString;

    use super::*;

    fn reply(status_code: TokenStatusCode, detail: Option<u8>, again: bool) -> TokenReply {
        let data_value = detail.map_or_else(|| BitString::new(0, &[]), |byte| BitString::new(8, &[byte])).unwrap();
        TokenReply::new(&TokenStatus { status_code, data_value }, true, again, None)
    }

    #[test]
    fn what_is_not_valid_after_an_unanswered_attempt_has_counted_unless_the_meter_says_otherwise() {
        use TokenStatusCode::ValidationFailure as Invalid;
        assert_eq!(reply(Invalid, None, true).fate(), TokenFate::Used);
        assert_eq!(reply(Invalid, None, false).fate(), TokenFate::Invalid, "never tried before: who knows");
        assert_eq!(reply(Invalid, Some(result::USED), false).fate(), TokenFate::Used);
        for (detail, fate) in [
            (result::KEY_EXPIRED, TokenFate::KeyExpired),
            (result::OLD, TokenFate::Old),
            (result::DEFAULT_KEY, TokenFate::Invalid),
        ] {
            assert_eq!(reply(Invalid, Some(detail), true).fate(), fate);
            assert!(!reply(Invalid, Some(detail), true).has_counted());
        }
    }

    #[test]
    fn what_the_gateway_shows_of_another_token_is_no_answer() {
        let other = TokenReply { shown: false, ..reply(TokenStatusCode::ExecutionOk, None, false) };
        assert_eq!(other.fate(), TokenFate::Refused);
        assert_eq!(reply(TokenStatusCode::ExecutionOk, None, false).fate(), TokenFate::Accepted);
        assert_eq!(reply(TokenStatusCode::Received, None, false).fate(), TokenFate::Pending);
        assert_eq!(reply(TokenStatusCode::Other(99), None, false).fate(), TokenFate::Pending);
    }
}
