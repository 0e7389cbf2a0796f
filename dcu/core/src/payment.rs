//! A payment as the intake delivers it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest provider key and account name taken, bytes. Daraja's `TransID` has 10, a UUID 36.
pub const NAME_BYTES_MAX: usize = 64;

/// Largest amount taken, minor units: 2⁵³ − 1, the largest number that the ledger's entries may hold.
pub const AMOUNT_MINOR_MAX: i64 = (1 << 53) - 1;

/// How the money came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Channel {
    /// Mobile money, by the payer's own telephone.
    Phone = 0,
    /// Cash to an agent.
    Agent = 1,
    /// A code bought for cash and typed in later.
    Code = 2,
    /// Sold by somebody else's system, which asked us through a token server's shape.
    Server = 3,
}

/// Who vouches for the money: the name space of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Provider {
    /// A simulated village's.
    Simulated = 0,
    /// Safaricom's Daraja. Key: of a push that we made the `CheckoutRequestID` (the M-PESA receipt is its
    /// [`Payment::receipt`]), else the receipt (`TransID`).
    Daraja = 1,
    /// MTN `MoMo`. Key: the request's `X-Reference-Id`; the receipt is `financialTransactionId`.
    MtnMomo = 2,
    /// Orange Money. Key: our `order_id`; the receipt is `txnid`.
    OrangeMoney = 3,
    /// An agent of the operator. Key: the agent's name and receipt number.
    Agent = 4,
    /// Codes for cash. Key: the code's serial number.
    CashCode = 5,
    /// A receipt by text message of a provider that is not in this list. Key: the receipt's. A text of one that is goes
    /// under that provider: its own word has the same number as key or as [`Payment::receipt`].
    Sms = 6,
    /// `SparkMeter`'s transaction shape. Key: `external_id`.
    Spark = 7,
    /// Calin's vending shape, which has no key: ours, drawn from meter, amount, user and window.
    Calin = 8,
    /// Stron's vending shape, which has no key: as with Calin.
    Stron = 9,
}

impl Provider {
    /// All of them, by their number.
    pub const ALL: [Self; 10] = [
        Self::Simulated,
        Self::Daraja,
        Self::MtnMomo,
        Self::OrangeMoney,
        Self::Agent,
        Self::CashCode,
        Self::Sms,
        Self::Spark,
        Self::Calin,
        Self::Stron,
    ];

    /// As journals, lists and the ledger write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Daraja => "daraja",
            Self::MtnMomo => "mtn-momo",
            Self::OrangeMoney => "orange-money",
            Self::Agent => "agent",
            Self::CashCode => "cash-code",
            Self::Sms => "sms",
            Self::Spark => "sparkmeter",
            Self::Calin => "calin",
            Self::Stron => "stron",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether somebody may still say that the money never came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Certainty {
    /// The provider itself has said so.
    #[default]
    Final = 0,
    /// Somebody says that the provider said so (a text message: it can be forged). A final payment of the same provider
    /// and key confirms it; the money is not given twice.
    Provisional = 1,
}

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Currency([u8; 3]);

impl Currency {
    /// `None` unless these are three capital letters.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        // Letters alone get in through `new`; a damaged record may hold others.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What a payment is known by, for ever: keys of two providers may be alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PaymentId {
    /// Whose key.
    pub provider: Provider,
    /// The provider's key.
    pub key: String,
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.provider, self.key)
    }
}

/// The number that the payer's receipt bears, where the provider's key is another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Receipt {
    /// The number: a name of the payment in the same name space as its key.
    pub number: String,
    /// The provider itself says that they are one payment. Otherwise amount, account and time fit, and a payment that the
    /// provider tells of under this number is still believed.
    pub certain: bool,
}

/// Money that somebody has accepted for an account.
///
/// Provider and key are what makes a second delivery of the same payment harmless: providers repeat callbacks, relays
/// retry, and two paths may bring the same payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Who vouches for it.
    pub provider: Provider,
    /// The provider's key, unique per payment.
    pub key: String,
    /// The account it is for, as the payer typed it.
    pub account: String,
    /// Amount, minor units.
    pub amount_minor: i64,
    /// In which currency, where the provider says so; else it is the book's own.
    pub currency: Option<Currency>,
    /// The way it came.
    pub channel: Channel,
    /// When the provider or agent accepted it, Unix milliseconds.
    pub accepted_unix_ms: i64,
    /// Whether it may still be taken back.
    pub certainty: Certainty,
    /// Its second name: what a text message to the payer calls it.
    pub receipt: Option<Receipt>,
}

/// Why a payment cannot be taken at all. The sender is at fault; nothing was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaymentError {
    /// The amount is zero or negative.
    #[error("the amount must be above zero")]
    AmountNotPositive,
    /// The amount is larger than anything that a book may hold.
    #[error("the amount may be at most {AMOUNT_MINOR_MAX} minor units")]
    AmountTooLarge,
    /// The key is empty or too long.
    #[error("the payment key must have 1 to {NAME_BYTES_MAX} bytes")]
    Key,
    /// The account name is too long.
    #[error("the account name may have at most {NAME_BYTES_MAX} bytes")]
    Account,
    /// The book counts in another currency: it must be handed back, or changed before it is sent again.
    #[error("the payment is in another currency than the accounts")]
    Currency,
    /// This architecture sells no credit at the DCU.
    #[error("local vending is switched off")]
    NoLocalVending,
}

impl Payment {
    /// A final payment in the book's own currency.
    pub fn new(
        provider: Provider,
        key: impl Into<String>,
        account: impl Into<String>,
        amount_minor: i64,
        channel: Channel,
        accepted_unix_ms: i64,
    ) -> Self {
        Self {
            provider,
            key: key.into(),
            account: account.into(),
            amount_minor,
            currency: None,
            channel,
            accepted_unix_ms,
            certainty: Certainty::Final,
            receipt: None,
        }
    }

    /// The same, known by the number on its receipt as well; the provider says so.
    #[must_use]
    pub fn with_receipt(self, number: impl Into<String>) -> Self {
        Self { receipt: Some(Receipt { number: number.into(), certain: true }), ..self }
    }

    /// What its receipt calls it, where that is another name than its key's.
    #[must_use]
    pub fn receipt_id(&self) -> Option<PaymentId> {
        let receipt = self.receipt.as_ref().filter(|receipt| receipt.number != self.key)?;
        Some(PaymentId { provider: self.provider, key: receipt.number.clone() })
    }

    /// The same, where the provider itself vouches for it.
    #[must_use]
    pub fn certain_receipt_id(&self) -> Option<PaymentId> {
        self.receipt_id().filter(|_| self.receipt.as_ref().is_some_and(|receipt| receipt.certain))
    }

    /// What it is known by.
    #[must_use]
    pub fn id(&self) -> PaymentId {
        PaymentId { provider: self.provider, key: self.key.clone() }
    }

    /// Whether the payment can be recorded. What currency the book counts in is not asked here.
    ///
    /// # Errors
    /// [`PaymentError`], naming the field.
    pub fn check(&self) -> Result<(), PaymentError> {
        if self.amount_minor <= 0 {
            return Err(PaymentError::AmountNotPositive);
        }
        if self.amount_minor > AMOUNT_MINOR_MAX {
            return Err(PaymentError::AmountTooLarge);
        }
        let is_name = |name: &str| (1..=NAME_BYTES_MAX).contains(&name.len());
        if !is_name(&self.key) || self.receipt.as_ref().is_some_and(|receipt| !is_name(&receipt.number)) {
            return Err(PaymentError::Key);
        }
        if self.account.len() > NAME_BYTES_MAX {
            return Err(PaymentError::Account);
        }
        Ok(())
    }
}
