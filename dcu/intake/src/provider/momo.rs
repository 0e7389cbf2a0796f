//! MTN `MoMo`, collection: a request to pay, named by our `X-Reference-Id`.
//!
//! Status and callback are one object: `amount`, `currency`, `externalId`, `payer {partyIdType, partyId}`, `status`
//! (`PENDING`, `SUCCESSFUL`, `FAILED`), `financialTransactionId` when paid, `reason` when not. `externalId` need not be
//! unique, so it is no key; `financialTransactionId` is what the payer's text calls the payment, its second name. A callback
//! is not signed: it only makes the relay ask for the status at once.
//!
//! Sources: momodeveloper.mtn.com (requesttopay POST and GET).

use taa_dcu::payment::{Channel, Currency, Payment, Provider};

use super::{Money, NotPaid, Paid, Refusal, Standing, account, with_receipt};
use crate::{
    civil::{Doubt, accepted_at},
    fields::{Fields, FieldsError, Wrong},
    relay::PayRequest,
};

/// What a status says of a request.
///
/// # Errors
/// [`Refusal::Currency`] and [`Refusal::Mismatch`] for other money than was asked for; [`Refusal::Fields`].
pub fn standing(body: &[u8], request: &PayRequest, now_unix_ms: i64) -> Result<Standing, Refusal> {
    let fields = Fields::parse(body)?;
    match fields.text("status")?.as_str() {
        "PENDING" => return Ok(Standing::Pending),
        "FAILED" => return Ok(Standing::NotPaid(reason(&fields))),
        "SUCCESSFUL" => {}
        _ => return Err(FieldsError::Field("status", Wrong::Value("not PENDING, SUCCESSFUL or FAILED")).into()),
    }
    let Money { currency, minor_per_unit } = request.money;
    if Currency::new(&fields.text("currency")?) != Some(currency) {
        return Err(Refusal::Currency("currency"));
    }
    let amount_minor = fields.amount("amount", minor_per_unit)?;
    if amount_minor != request.amount_minor {
        return Err(Refusal::Mismatch("amount"));
    }
    // A status bears no time: it was paid between the question and now, and the question is the fairer guess.
    let (accepted_unix_ms, doubt) = accepted_at(Some(request.asked_unix_ms), now_unix_ms);
    let account = account(&request.account);
    let new = Payment::new(Provider::MtnMomo, &request.id, account, amount_minor, Channel::Phone, accepted_unix_ms);
    let doubt = doubt.filter(|doubt| *doubt != Doubt::Absent);
    let receipt = fields.text_or_number_if_any("financialTransactionId")?;
    let payment = with_receipt(Payment { currency: Some(currency), ..new }, receipt.as_deref());
    Ok(Standing::Paid(Paid { payment, doubt }))
}

/// `reason` is a text, or an object with a `code`.
fn reason(fields: &Fields<'_>) -> NotPaid {
    let code = fields.text_if_any("reason").ok().flatten();
    let code = code.or_else(|| fields.object_if_any("reason").ok().flatten()?.text("code").ok());
    match code.as_deref() {
        Some("NOT_ENOUGH_FUNDS") => NotPaid::Funds,
        Some("APPROVAL_REJECTED") => NotPaid::Cancelled,
        Some("EXPIRED") => NotPaid::Expired,
        Some("PAYER_NOT_FOUND") => NotPaid::Unreachable,
        _ => NotPaid::Other,
    }
}
