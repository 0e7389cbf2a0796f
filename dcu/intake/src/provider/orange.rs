//! Orange Money web payment, as far as its fields are known.
//!
//! Known from public clients of the interface: a request has `order_id` (ours, unique), `amount` (whole units of the
//! currency), `notif_url`, and is answered with `pay_token` and `notif_token`; the notification has `status`,
//! `notif_token` and `txnid`; the status query takes `order_id`, `amount`, `pay_token` and says `status` (`INITIATED`,
//! `PENDING`, `EXPIRED`, `SUCCESS`, `FAILED`), `order_id`, `txnid`. **Not found:** a specification by Orange that could
//! be read, a signature, whether notifications are repeated, the time of payment. So a notification, even one with the
//! right `notif_token`, only makes the relay ask for the status. `txnid` is taken for the number in the payer's text: in
//! public samples it looks like one, and nothing that could be read says so.

use taa_dcu::payment::{Channel, Payment, Provider};
use taa_keys::Secret;

use super::{NotPaid, Paid, Refusal, Standing, account, with_receipt};
use crate::{
    civil::accepted_at,
    fields::{Fields, FieldsError, Wrong},
    relay::PayRequest,
};

/// Whether a notification bears the token that its request was given.
///
/// # Errors
/// [`Refusal`].
pub fn is_token_of(body: &[u8], token: &Secret) -> Result<bool, Refusal> {
    Ok(token.matches(Fields::parse(body)?.text("notif_token")?.as_bytes()))
}

/// What a status says of a request.
///
/// # Errors
/// [`Refusal`].
pub fn standing(body: &[u8], request: &PayRequest, now_unix_ms: i64) -> Result<Standing, Refusal> {
    let fields = Fields::parse(body)?;
    if fields.text_or_number("order_id")? != request.id {
        return Err(Refusal::Mismatch("order_id"));
    }
    match fields.text("status")?.as_str() {
        "INITIATED" | "PENDING" => return Ok(Standing::Pending),
        "EXPIRED" => return Ok(Standing::NotPaid(NotPaid::Expired)),
        "FAILED" => return Ok(Standing::NotPaid(NotPaid::Other)),
        "SUCCESS" => {}
        _ => return Err(FieldsError::Field("status", Wrong::Value("none of the known ones")).into()),
    }
    let (accepted_unix_ms, _) = accepted_at(Some(request.asked_unix_ms), now_unix_ms);
    let (id, amount) = (&request.id, request.amount_minor);
    let new =
        Payment::new(Provider::OrangeMoney, id, account(&request.account), amount, Channel::Phone, accepted_unix_ms);
    let receipt = fields.text_or_number_if_any("txnid")?;
    let payment = with_receipt(Payment { currency: Some(request.money.currency), ..new }, receipt.as_deref());
    Ok(Standing::Paid(Paid { payment, doubt: None }))
}
