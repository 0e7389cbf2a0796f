//! SparkMeter: `POST {url}/transaction/` with `customer_id`, `amount` (money, a text), `source` ("cash"), `external_id`, and
//! the header `Authentication-Token`. Answer: `error` (null: done), `transaction_id`; then `GET /transaction/{id}` says
//! `status`, `external_id`, `source`. Source: `MicroPowerManager`'s client. The words of `status` were not found: here
//! "processed" and "pending".

use serde_json::json;
use taa_dcu::payment::NAME_BYTES_MAX;
use taa_keys::hash::sha256;

use super::{Asked, Question, ServerConfig, Shape, What};
use crate::{
    fields::{Fields, FieldsError, Wrong},
    http::{HttpRequest, HttpResponse},
    provider::Refusal,
};

pub(super) fn authorised(request: &HttpRequest, config: &ServerConfig) -> Result<(), Refusal> {
    let secret = config.spark.as_ref().ok_or(Refusal::NotFound)?;
    let claimed = request.header("Authentication-Token").unwrap_or("");
    if secret.matches(claimed.as_bytes()) { Ok(()) } else { Err(Refusal::NotAuthorised) }
}

pub(super) fn question(request: &HttpRequest, config: &ServerConfig) -> Result<Question, Refusal> {
    authorised(request, config)?;
    let fields = Fields::parse(&request.body)?;
    let external_id = fields.text_or_number("external_id")?.trim().to_owned();
    if external_id.is_empty() || external_id.len() > NAME_BYTES_MAX {
        return Err(FieldsError::Field("external_id", Wrong::Value("empty or longer than 64 bytes")).into());
    }
    let what = What::MoneyMinor(fields.amount("amount", config.money.minor_per_unit)?);
    Ok(Question {
        shape: Shape::Spark,
        meter: fields.text_or_number("customer_id")?.trim().to_owned(),
        what,
        user: String::new(),
        external_id: Some(external_id),
    })
}

/// Our number of a transaction: drawn from theirs.
pub(super) fn transaction_id(asked: &Asked) -> String {
    let hash = sha256(&[b"taa transaction", asked.reference.key.as_bytes()]);
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn answer(asked: &Asked) -> HttpResponse {
    HttpResponse::json(200, &json!({ "error": null, "status": "success", "transaction_id": transaction_id(asked) }))
}

pub(super) fn status(found: Option<(&Asked, bool)>) -> HttpResponse {
    let Some((asked, done)) = found else { return error(404, "no such transaction") };
    let status = if done { "processed" } else { "pending" };
    let (id, external_id) = (transaction_id(asked), &asked.reference.key);
    let body = json!({
        "error": null, "status": status, "transaction_id": id, "external_id": external_id, "source": "cash",
        "customer_id": asked.meter,
    });
    HttpResponse::json(200, &body)
}

/// The client reads `error` of any body.
pub(super) fn error(status: u16, reason: &str) -> HttpResponse {
    HttpResponse::json(status, &json!({ "error": reason, "status": "failure", "transaction_id": null }))
}
