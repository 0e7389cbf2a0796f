//! OpenPAYGO Metrics: a device reports over a link, the server answers with tokens or time; both sign with the device's
//! key (SipHash-2-4).
//!
//! A request comes in two forms: simple, every value under its name; and condensed, values in an order that a
//! [`DataFormat`] states. Signatures differ between the forms. [`Request`] is the device's side, [`Received`] and
//! [`Answer`] the server's.
//!
//! What a signature covers depends on the [`Method`]; only [`Method::Data`] and [`Method::Recursive`] cover what is
//! reported. [`Method::Simple`] is the same for all requests of a device: who has seen one can forge any other with a
//! higher count. A server should accept it from devices that can do nothing else, for figures that decide nothing.

mod answer;
mod auth;
mod format;
mod json;
mod received;
mod request;

pub use answer::{Answer, AnswerError};
pub use auth::{Method, MetricsKey};
pub use format::{DataFormat, FormatMismatch};
pub use json::{Json, JsonError, Number, TEXT_MAX};
pub use received::{AuthError, ReadError, Received, Seen};
pub use request::{Request, RequestError};

/// Long names and the short ones of condensed messages.
const NAMES: [(&str, &str); 18] = [
    ("serial_number", "sn"),
    ("timestamp", "ts"),
    ("auth", "a"),
    ("request_count", "rc"),
    ("data_collection_timestamp", "dtc"),
    ("data_format_id", "df"),
    ("data_format", "dfo"),
    ("data", "d"),
    ("historical_data", "hd"),
    ("accessories", "acc"),
    ("token_list", "tkl"),
    ("active_until_timestamp", "auts"),
    ("active_seconds_left", "asl"),
    ("settings", "st"),
    ("extra_data", "ed"),
    ("token_count", "tc"),
    ("active_until_timestamp_requested", "autsr"),
    ("active_seconds_left_requested", "aslr"),
];

/// Fields under their long names; unknown names stay.
fn lengthened(fields: Vec<(String, Json)>) -> Vec<(String, Json)> {
    renamed(fields, |name| NAMES.iter().find(|(_, short)| *short == name).map(|(long, _)| *long))
}

/// Fields under their short names; unknown names stay.
fn shortened(fields: Vec<(String, Json)>) -> Vec<(String, Json)> {
    renamed(fields, |name| NAMES.iter().find(|(long, _)| *long == name).map(|(_, short)| *short))
}

fn renamed(fields: Vec<(String, Json)>, to: impl Fn(&str) -> Option<&'static str>) -> Vec<(String, Json)> {
    let mut renamed: Vec<(String, Json)> = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let name = to(&name).map_or(name, str::to_string);
        match renamed.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => renamed.push((name, value)),
        }
    }
    renamed
}
