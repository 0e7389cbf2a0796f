//! Calin: `POST {api_url}/tokennew` with `user_id`, `password`, `meter_id`, `token_type` ("`CreditToken`"), `amount` (kWh,
//! one decimal in `MicroPowerManager`; up to three are taken). Answer: `result_code` (0: done), `reason`, `result` (the
//! token). Source: `MicroPowerManager`'s client, which treats any other `result_code` as an error with its `reason`.

use serde_json::json;
use taa_dcu::payment::Provider;

use super::{Issued, Question, ServerConfig, What};
use crate::{
    fields::{Fields, FieldsError, Wrong},
    http::{HttpRequest, HttpResponse},
    provider::Refusal,
};

pub(super) fn question(request: &HttpRequest, config: &ServerConfig) -> Result<Question, Refusal> {
    let fields = Fields::parse(&request.body)?;
    let (user, password) = (fields.text_or_number("user_id")?, fields.text_or_number("password")?);
    let (known, secret) = config.calin.as_ref().ok_or(Refusal::NotFound)?;
    if !secret.matches(password.as_bytes()) | (*known != user) {
        return Err(Refusal::NotAuthorised);
    }
    if fields.text("token_type")? != "CreditToken" {
        return Err(FieldsError::Field("token_type", Wrong::Value("only CreditToken is vended here")).into());
    }
    let wh = fields.amount("amount", 1000)?;
    let what = What::EnergyWh(u64::try_from(wh).unwrap_or(0));
    let meter = fields.text_or_number("meter_id")?.trim().to_owned();
    Ok(Question { shape: Provider::Calin, meter, what, user, external_id: None })
}

pub(super) fn answer(issued: &Issued) -> HttpResponse {
    HttpResponse::json(200, &json!({ "result_code": 0, "reason": "OK", "result": issued.digits() }))
}

/// The client reads `result_code` and `reason`; the HTTP status says the same to whoever looks there.
pub(super) fn error(status: u16, reason: &str) -> HttpResponse {
    // MicroPowerManager reads the body of successful answers alone.
    let status = if status == 401 { 401 } else { 200 };
    HttpResponse::json(status, &json!({ "result_code": 1, "reason": reason, "result": null }))
}
