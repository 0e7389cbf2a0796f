//! OpenPAYGO Metrics: requests written, read, verified; answers.

use taa_keys::Secret;
use taa_tokens::openpaygo::metrics::{
    Answer, AuthError, DataFormat, Json as Value, Method, MetricsKey, Received, Request, Seen,
};
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::{field, hex, same, unknown_field};

pub(crate) fn waits(case: &Json) -> Option<&'static str> {
    let known = [
        "id",
        "serial",
        "key",
        "auth_method",
        "data_format",
        "condensed_request",
        "simple_request",
        "auth_valid",
        "replay_auth_valid",
        "answer_token_list",
        "answer",
    ];
    if unknown_field(case, &known) { Some("a field that is not known") } else { None }
}

pub(crate) fn exchange(case: &Json, _: &Json) -> Result<(), Failed> {
    let key = MetricsKey::new(&Secret::new(&hex(field(case, "key")?)?)).ok_or("no such key")?;
    let method = Method::of_signature(field(case, "auth_method")?).ok_or("no such method")?;
    let format = DataFormat::from_json(&Value::parse(&case["data_format"].to_string())?);
    let condensed = field(case, "condensed_request")?;
    let received = Received::parse(condensed)?;
    same("serial number", &received.serial_number(), &field(case, "serial")?)?;
    same("format", &received.data_format_id(), &format.id)?;
    let valid = case["auth_valid"].as_bool().ok_or("no auth_valid")?;
    same("valid", &received.verify(&key, Seen::default()).is_ok(), &valid)?;
    let replay = case["replay_auth_valid"].as_bool().ok_or("no replay_auth_valid")?;
    let again = received.verify(&key, received.freshness());
    same("valid again", &again.is_ok(), &replay)?;
    if valid && !replay {
        same("refused as", &again, &Err(AuthError::Replay))?;
    }

    // The same request, written by us: from what was read back, without the times that reading adds.
    let mut request = received.metrics(Some(&format), 0)?;
    request.historical_data = steps_of(condensed, "hd", &format)?;
    request.format = Some(format.clone());
    same("condensed", &request.condensed(Some((&key, method)))?.as_str(), &condensed)?;
    let simple = field(case, "simple_request")?;
    let as_sent = Received::parse(simple)?;
    same("simple, valid", &as_sent.verify(&key, Seen::default()).is_ok(), &valid)?;
    let as_read = as_sent.metrics(Some(&format), 0)?;
    same("simple, read", &present(&as_read.data), &present(&request.data))?;
    let untimed = steps_of(simple, "historical_data", &format)?;
    let simple_request = Request { data: as_read.data, historical_data: untimed, ..request };
    same("simple", &simple_request.simple(Some((&key, method)))?.as_str(), &simple)?;

    let tokens = case["answer_token_list"].as_array().ok_or("no tokens")?.iter();
    let tokens: Vec<String> = tokens.filter_map(|token| token.as_str().map(str::to_string)).collect();
    let answer = Answer { tokens, ..Answer::default() };
    let text = field(case, "answer")?;
    same("answer", &answer.write(&received, Some(&key)).as_str(), &text)?;
    same("answer read", &Answer::read(text, &received, &key)?, &answer)
}

/// What was reported: a place of the format that stays empty is no value.
fn present(data: &[(String, Value)]) -> Vec<&(String, Value)> {
    data.iter().filter(|(_, value)| *value != Value::Null).collect()
}

/// The steps of the past as the device had them, without the times that reading adds.
fn steps_of(text: &str, name: &str, format: &DataFormat) -> Result<Vec<Vec<(String, Value)>>, Failed> {
    let text = Value::parse(text)?;
    let Some(Value::List(steps)) = text.get(name) else { return Ok(Vec::new()) };
    let named = |step: &Value| match step {
        Value::List(values) => Ok(format.historical_data_order.iter().cloned().zip(values.iter().cloned()).collect()),
        Value::Object(fields) => Ok(fields.clone()),
        _ => Err(Failed::from("a step that is neither list nor object")),
    };
    steps.iter().map(named).collect()
}
