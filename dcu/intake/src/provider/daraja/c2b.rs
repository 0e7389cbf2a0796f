//! C2B: somebody pays a short code of their own accord.
//!
//! Validation comes before the money moves and can still say no; confirmation comes after, and cannot. Both have the
//! same fields, all texts: `TransactionType`, `TransID`, `TransTime` (`YYYYMMDDhhmmss`, Nairobi), `TransAmount`,
//! `BusinessShortCode`, `BillRefNumber`, `InvoiceNumber`, `OrgAccountBalance`, `ThirdPartyTransID`, `MSISDN`, names. The
//! payer's number and name are not read: nothing here needs them.

use taa_dcu::payment::{Channel, Payment, Provider};

use super::Shortcode;
use crate::{
    civil::{Civil, accepted_at},
    fields::{Fields, FieldsError, Wrong},
    http::HttpResponse,
    provider::{Paid, Refusal, account, receipt_number},
};

/// The payment that a confirmation, or a validation, is about.
///
/// # Errors
/// [`Refusal`].
pub fn payment(body: &[u8], shortcodes: &[Shortcode], now_unix_ms: i64) -> Result<Paid, Refusal> {
    let fields = Fields::parse(body)?;
    let code = fields.text_or_number("BusinessShortCode")?;
    let shortcode = shortcodes.iter().find(|known| known.code == code).ok_or(Refusal::NotOurs("BusinessShortCode"))?;
    let told = fields.text("TransID")?;
    if told.trim().is_empty() {
        return Err(FieldsError::Field("TransID", Wrong::Value("empty")).into());
    }
    // As lists, texts and pushes write it: one payment whatever the case. One that is too long is no payment's.
    let key = receipt_number(&told).unwrap_or(told);
    let amount_minor = fields.amount("TransAmount", shortcode.money.minor_per_unit)?;
    let told = fields.text_or_number("TransTime")?;
    let told = Civil::from_compact(&told).and_then(|civil| civil.unix_ms(shortcode.utc_offset_s));
    // A till has no account: what is paid there goes to suspense until somebody says whose it is.
    let reference = fields.text_or_number_if_any("BillRefNumber")?.unwrap_or_default();
    let (accepted_unix_ms, doubt) = accepted_at(told, now_unix_ms);
    let new = Payment::new(Provider::Daraja, key, account(&reference), amount_minor, Channel::Phone, accepted_unix_ms);
    Ok(Paid { payment: Payment { currency: Some(shortcode.money.currency), ..new }, doubt })
}

/// What Daraja wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Accepted.
    Accepted,
    /// No such account.
    InvalidAccount,
    /// An amount that is none.
    InvalidAmount,
    /// Another short code than ours.
    InvalidShortcode,
    /// Anything else.
    Other,
}

impl Answer {
    /// The answer to a validation that was refused for this.
    #[must_use]
    pub fn of(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Fields(FieldsError::Field("BillRefNumber", _)) => Self::InvalidAccount,
            Refusal::Fields(FieldsError::Field("TransAmount", _)) => Self::InvalidAmount,
            Refusal::NotOurs(_) => Self::InvalidShortcode,
            _ => Self::Other,
        }
    }

    /// Daraja reads `ResultCode`; anything but 0 cancels the payment at validation.
    #[must_use]
    pub fn response(self) -> HttpResponse {
        let (code, text) = match self {
            Self::Accepted => ("0", "Accepted"),
            Self::InvalidAccount => ("C2B00012", "Rejected"),
            Self::InvalidAmount => ("C2B00013", "Rejected"),
            Self::InvalidShortcode => ("C2B00015", "Rejected"),
            Self::Other => ("C2B00016", "Rejected"),
        };
        HttpResponse::json(200, &serde_json::json!({ "ResultCode": code, "ResultDesc": text }))
    }
}
