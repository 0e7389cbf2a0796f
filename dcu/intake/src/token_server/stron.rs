//! Stron: `POST {api_url}/vending/` with `CustomerId`, `MeterId`, `Price`, `Rate`, `Amount` (money), `AmountTmp` (the
//! currency), `Company`, `Employee`, `ApiToken`. Answer: a text, items between commas, the first is the token; what
//! the others are was not found, and the energy that follows here is ours. Sources: `MicroPowerManager`'s client and other
//! public ones. Those take any text for a token, so an error is an HTTP status, never a text with status 200.

use taa_dcu::payment::Currency;

use super::{Issued, Question, ServerConfig, Shape, What};
use crate::{
    fields::Fields,
    http::{HttpRequest, HttpResponse},
    provider::Refusal,
};

pub(super) fn question(request: &HttpRequest, config: &ServerConfig) -> Result<Question, Refusal> {
    let fields = Fields::parse(&request.body)?;
    let (company, employee) = (fields.text_or_number("Company")?, fields.text_or_number("Employee")?);
    let token = fields.text_or_number("ApiToken")?;
    let (known_company, known_employee, secret) = config.stron.as_ref().ok_or(Refusal::NotFound)?;
    let stranger = (*known_company != company) | (*known_employee != employee);
    if !secret.matches(token.as_bytes()) | stranger {
        return Err(Refusal::NotAuthorised);
    }
    if Currency::new(&fields.text("AmountTmp")?) != Some(config.money.currency) {
        return Err(Refusal::Currency("AmountTmp"));
    }
    let what = What::MoneyMinor(fields.amount("Amount", config.money.minor_per_unit)?);
    let meter = fields.text_or_number("MeterId")?.trim().to_owned();
    let user = format!("{company}/{employee}/{}", fields.text_or_number_if_any("CustomerId")?.unwrap_or_default());
    Ok(Question { shape: Shape::Stron, meter, what, user, external_id: None })
}

pub(super) fn answer(issued: &Issued) -> HttpResponse {
    let energy = issued.energy_wh.map(|wh| format!("{}.{:03}", wh / 1000, wh % 1000));
    let token = issued.digits().unwrap_or("");
    HttpResponse::text(200, format!("{token},{}", energy.unwrap_or_default()))
}

pub(super) fn error(status: u16, reason: &str) -> HttpResponse {
    HttpResponse::text(status, reason)
}
