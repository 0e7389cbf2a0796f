//! STK push (M-PESA Express): we ask, the payer's telephone shows a question, a callback tells how it went.
//!
//! Callback: `Body.stkCallback` with `MerchantRequestID`, `CheckoutRequestID`, `ResultCode` (a number), `ResultDesc` and,
//! when paid, `CallbackMetadata.Item[]` of `{Name, Value}`: `Amount`, `MpesaReceiptNumber`, `TransactionDate`,
//! `PhoneNumber`; `Balance` comes without a value. Some callbacks of success have been seen without a receipt, and many
//! never come: a status query (`ResultCode` as a text, no receipt) settles those.

use crate::{
    amount::minor_units,
    civil::Civil,
    fields::{Fields, FieldsError, Wrong},
    provider::{Money, Refusal},
};

/// How a push went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Which push.
    pub checkout_request_id: String,
    /// 0: paid.
    pub result_code: i64,
    /// The M-PESA receipt.
    pub receipt: Option<String>,
    /// What was paid, minor units.
    pub amount_minor: Option<i64>,
    /// When, Unix milliseconds.
    pub paid_unix_ms: Option<i64>,
}

/// Which push a callback is about, before its amounts can be read.
///
/// # Errors
/// [`Refusal`].
pub fn push_of(body: &[u8]) -> Result<String, Refusal> {
    Ok(Fields::parse(body)?.object("Body")?.object("stkCallback")?.text("CheckoutRequestID")?)
}

/// Reads a callback.
///
/// # Errors
/// [`Refusal`].
pub fn callback(body: &[u8], money: Money, utc_offset_s: i32) -> Result<Callback, Refusal> {
    let told = Fields::parse(body)?.object("Body")?.object("stkCallback")?;
    let mut read = Callback {
        checkout_request_id: told.text("CheckoutRequestID")?,
        result_code: told.whole("ResultCode")?,
        receipt: None,
        amount_minor: None,
        paid_unix_ms: None,
    };
    let Some(metadata) = told.object_if_any("CallbackMetadata")? else { return Ok(read) };
    for item in metadata.objects("Item")? {
        let Some(value) = item.text_or_number_if_any("Value")? else { continue };
        match item.text("Name")?.as_str() {
            "Amount" => {
                let amount = minor_units(&value, money.minor_per_unit);
                let amount = amount.map_err(|error| FieldsError::Field("Amount", Wrong::Amount(error)))?;
                read.amount_minor = Some(amount);
            }
            "MpesaReceiptNumber" => read.receipt = Some(value.trim().to_owned()).filter(|receipt| !receipt.is_empty()),
            "TransactionDate" => {
                read.paid_unix_ms = Civil::from_compact(&value).and_then(|civil| civil.unix_ms(utc_offset_s));
            }
            _ => {}
        }
    }
    Ok(read)
}

/// What a status query says: the result code, or `None` while the push is still under way.
///
/// The answer has `ResponseCode`, `CheckoutRequestID`, `ResultCode` and `ResultDesc`, all texts. A push under way is an
/// error (`errorCode` 500.001.1001), as is too much asking: both are `None`.
///
/// # Errors
/// [`Refusal`].
pub fn query_answer(body: &[u8], checkout_request_id: &str) -> Result<Option<i64>, Refusal> {
    let fields = Fields::parse(body)?;
    if fields.text_if_any("errorCode")?.is_some() {
        return Ok(None);
    }
    if fields.text("CheckoutRequestID")? != checkout_request_id {
        return Err(Refusal::Mismatch("CheckoutRequestID"));
    }
    Ok(Some(fields.whole("ResultCode")?))
}
