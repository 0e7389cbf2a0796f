//! Cash that an agent of the operator has taken, entered at the agent's telephone.
//!
//! The form is ours (Arbitrary): `agent`, `receipt` (the agent's own number for it, never used twice), `account`,
//! `amount` (a decimal text), `currency`, `taken_at` (Unix seconds, optional). Signed with the agent's key: the header
//! `X-Signature` is HMAC-SHA-256 over the body, in hexadecimal.

use taa_dcu::payment::{Channel, Currency, Payment, Provider};
use taa_keys::{Secret, hash::hmac_sha256};

use super::{Money, Paid, Refusal, account};
use crate::{
    civil::accepted_at,
    fields::{Fields, FieldsError, Wrong},
    http::HttpRequest,
};

/// Who a body says it is from, before anything about it is believed: to find the key.
///
/// # Errors
/// [`Refusal`].
pub fn sender(body: &[u8], field: &'static str) -> Result<String, Refusal> {
    Ok(Fields::parse(body)?.text(field)?)
}

/// The body is signed with this key.
///
/// # Errors
/// [`Refusal::NotAuthorised`].
pub fn verify(request: &HttpRequest, key: &Secret) -> Result<(), Refusal> {
    let claimed = request.header("X-Signature").unwrap_or("");
    let tag = hmac_sha256(key, &[&request.body]);
    let expected: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    let fits = Secret::new(expected.as_bytes()).matches(claimed.to_ascii_lowercase().as_bytes());
    if fits { Ok(()) } else { Err(Refusal::NotAuthorised) }
}

/// The payment that an agent has entered.
///
/// # Errors
/// [`Refusal`].
pub fn payment(body: &[u8], money: Money, now_unix_ms: i64) -> Result<Paid, Refusal> {
    let fields = Fields::parse(body)?;
    let (agent, receipt) = (fields.text("agent")?, fields.text_or_number("receipt")?);
    if receipt.trim().is_empty() {
        return Err(FieldsError::Field("receipt", Wrong::Value("empty")).into());
    }
    if fields.text_if_any("currency")?.is_some_and(|told| Currency::new(&told) != Some(money.currency)) {
        return Err(Refusal::Currency("currency"));
    }
    let amount_minor = fields.amount("amount", money.minor_per_unit)?;
    let told = match fields.text_or_number_if_any("taken_at")? {
        Some(_) => Some(fields.whole("taken_at")?.saturating_mul(1000)),
        None => None,
    };
    let (accepted_unix_ms, doubt) = accepted_at(told, now_unix_ms);
    let key = format!("{agent}/{}", receipt.trim());
    let account = account(&fields.text_or_number("account")?);
    let new = Payment::new(Provider::Agent, key, account, amount_minor, Channel::Agent, accepted_unix_ms);
    Ok(Paid { payment: Payment { currency: Some(money.currency), ..new }, doubt })
}
