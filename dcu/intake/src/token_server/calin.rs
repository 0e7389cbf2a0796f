//! Calin, two interfaces. The older: `POST {api_url}/tokennew` with `user_id`, `password`, `meter_id`, `token_type` ("`CreditToken`"), `amount` (kWh,
//! one decimal in `MicroPowerManager`; up to three are taken). Answer: `result_code` (0: done), `reason`, `result` (the
//! token). Source: `MicroPowerManager`'s client, which treats any other `result_code` as an error with its `reason`.
//!
//! The other (`MicroPowerManager` calls it Calin Smart): `POST {api_url}/POS_Purchase` with `company_name`, `user_name`,
//! `password`, `password_vend`, `meter_number`, `is_vend_by_unit`, `amount`, answered with the token in `result.token`; and
//! `/Maintenance_ClearTamper`, `/Maintenance_SetMaxPower` (`max_power`) and `/Maintenance_ClearCredit` with the same
//! sender and no `password_vend`, answered with the token as `result`. Sources: `MicroPowerManager`'s client and three
//! other public ones. In none of them does `max_power` say its unit: it is taken for watts, as 5000 stands in examples.
//! `ClearCredit` is refused by name: it would take from a meter what its account was promised.

use serde_json::json;

use super::{CalinPos, Issued, Question, ServerConfig, Shape, What};
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
    Ok(Question { shape: Shape::Calin, meter, what, user, external_id: None })
}

/// A purchase at the other interface.
pub(super) fn purchase(request: &HttpRequest, config: &ServerConfig) -> Result<Question, Refusal> {
    let fields = Fields::parse(&request.body)?;
    let (known, user) = pos(&fields, config)?;
    if !known.password_vend.matches(fields.text_or_number("password_vend")?.as_bytes()) {
        return Err(Refusal::NotAuthorised);
    }
    let what = if fields.flag("is_vend_by_unit")? {
        What::EnergyWh(u64::try_from(fields.amount("amount", 1000)?).unwrap_or(0))
    } else {
        What::MoneyMinor(fields.amount("amount", config.money.minor_per_unit)?)
    };
    Ok(Question { shape: Shape::CalinPos, meter: meter(&fields)?, what, user, external_id: None })
}

/// An order at the other interface: the last segment of its path says which.
pub(super) fn upkeep(request: &HttpRequest, order: &str, config: &ServerConfig) -> Result<Question, Refusal> {
    let fields = Fields::parse(&request.body)?;
    let (_, user) = pos(&fields, config)?;
    let what = match order {
        "maintenance_cleartamper" => What::ClearTamper,
        "maintenance_setmaxpower" => {
            let watts = u32::try_from(fields.whole("max_power")?).ok();
            What::MaxPowerW(watts.ok_or(FieldsError::Field("max_power", Wrong::Value("not a power in watts")))?)
        }
        "maintenance_clearcredit" => return Err(Refusal::NotVended("ClearCredit")),
        _ => return Err(Refusal::NotFound),
    };
    Ok(Question { shape: Shape::CalinUpkeep, meter: meter(&fields)?, what, user, external_id: None })
}

fn meter(fields: &Fields<'_>) -> Result<String, Refusal> {
    Ok(fields.text_or_number("meter_number")?.trim().to_owned())
}

fn pos<'a>(fields: &Fields<'_>, config: &'a ServerConfig) -> Result<(&'a CalinPos, String), Refusal> {
    let (company, user) = (fields.text_or_number("company_name")?, fields.text_or_number("user_name")?);
    let password = fields.text_or_number("password")?;
    let known = config.calin_pos.as_ref().ok_or(Refusal::NotFound)?;
    let stranger = (known.company != company) | (known.user != user);
    if !known.password.matches(password.as_bytes()) | stranger {
        return Err(Refusal::NotAuthorised);
    }
    Ok((known, format!("{company}/{user}")))
}

pub(super) fn purchased(issued: &Issued) -> HttpResponse {
    let result = json!({ "token": issued.digits() });
    HttpResponse::json(200, &json!({ "result_code": 0, "reason": "OK", "result": result }))
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
