//! A payment as the intake delivers it.

use serde::{Deserialize, Serialize};

/// Longest provider key and account name taken, bytes. Daraja's `TransID` has 10, a UUID 36.
pub const NAME_BYTES_MAX: usize = 64;

/// How the money came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Channel {
    /// Mobile money; the provider's key is its transaction id.
    Phone = 0,
    /// Cash to an agent; the key is the agent's receipt number.
    Agent = 1,
}

/// Money that somebody has accepted for an account.
///
/// The key is what makes a second delivery of the same payment harmless: providers repeat callbacks, relays retry,
/// and two paths may bring the same payment (Daraja: `TransID`; MTN MoMo: `X-Reference-Id`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The provider's key, unique per payment.
    pub key: String,
    /// The account it is for, as the payer typed it.
    pub account: String,
    /// Amount, minor units.
    pub amount_minor: i64,
    /// The way it came.
    pub channel: Channel,
    /// When the provider or agent accepted it, Unix milliseconds.
    pub accepted_unix_ms: i64,
}

/// Why a payment cannot be taken at all. The sender is at fault; nothing was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaymentError {
    /// The amount is zero or negative.
    #[error("the amount must be above zero")]
    AmountNotPositive,
    /// The key is empty or too long.
    #[error("the payment key must have 1 to {NAME_BYTES_MAX} bytes")]
    Key,
    /// The account name is too long.
    #[error("the account name may have at most {NAME_BYTES_MAX} bytes")]
    Account,
    /// This architecture sells no credit at the DCU.
    #[error("local vending is switched off")]
    NoLocalVending,
}

impl Payment {
    /// Whether the payment can be recorded.
    ///
    /// # Errors
    /// [`PaymentError`], naming the field.
    pub fn check(&self) -> Result<(), PaymentError> {
        if self.amount_minor <= 0 {
            return Err(PaymentError::AmountNotPositive);
        }
        if self.key.is_empty() || self.key.len() > NAME_BYTES_MAX {
            return Err(PaymentError::Key);
        }
        if self.account.len() > NAME_BYTES_MAX {
            return Err(PaymentError::Account);
        }
        Ok(())
    }
}
