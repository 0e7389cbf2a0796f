//! Kinds `apdu`, `wrapper_frame` and `data_notification`: one message. Decoded, looked into, and encoded to the same
//! bytes.

use taa_dlms::apdu::{
    ActionRequest, ActionResponse, Apdu, GetResponse, InitiateRequest, InitiateResponse, ReadResponse, SetRequest,
};
use taa_dlms::axdr::{decode_all, encode, skip};
use taa_dlms::link::wrapper;
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::{field, hex, same};

pub(crate) fn apdu(case: &Json) -> Result<(), Failed> {
    let bytes = hex(field(case, "hex")?)?;
    let apdu = check(&bytes)?;
    let name = field(case, "name")?;
    if !name.eq_ignore_ascii_case(name_of(&apdu)) {
        return Err(format!("decoded as {}, expected {name}", name_of(&apdu)).into());
    }
    check_acse(&apdu, case)?;
    if let Some(header) = case["wrapper_header"].as_str() {
        let header = hex(header)?;
        let whole = [header.as_slice(), bytes.as_slice()].concat();
        let (addresses, message) = wrapper::open(&whole)?;
        same("message in the wrapper", message, &bytes)?;
        let mut frame = Vec::new();
        wrapper::begin(&mut frame);
        frame.extend_from_slice(message);
        wrapper::finish(&mut frame, addresses)?;
        same("wrapper", &frame, &whole)?;
    }
    Ok(())
}

fn name_of(apdu: &Apdu<'_>) -> &'static str {
    match apdu {
        Apdu::Aarq(_) => "AARQ",
        Apdu::Aare(_) => "AARE",
        Apdu::Rlrq(_) => "RLRQ",
        Apdu::Rlre(_) => "RLRE",
        Apdu::GetRequest(_) => "GET-request",
        Apdu::GetResponse(_) => "GET-response",
        Apdu::SetRequest(_) => "SET-request",
        Apdu::SetResponse(_) => "SET-response",
        Apdu::ActionRequest(_) => "ACTION-request",
        Apdu::ActionResponse(_) => "ACTION-response",
        Apdu::AccessRequest(_) => "ACCESS-request",
        Apdu::AccessResponse(_) => "ACCESS-response",
        Apdu::ReadRequest(_) => "read-request",
        Apdu::ReadResponse(_) => "read-response",
        Apdu::WriteRequest(_) => "write-request",
        Apdu::WriteResponse(_) => "write-response",
        Apdu::UnconfirmedWriteRequest(_) => "unconfirmed-write-request",
        Apdu::InformationReport(_) => "information-report-request",
        Apdu::DataNotification(_) => "data-notification",
        Apdu::DataNotificationConfirm(_) => "data-notification-confirm",
        Apdu::EventNotification(_) => "event-notification-request",
        Apdu::GeneralBlock(_) => "general-block-transfer",
        Apdu::ExceptionResponse(_) => "exception-response",
        Apdu::ConfirmedServiceError(_) => "confirmed-service-error",
        _ => "unknown",
    }
}

/// A whole wrapper frame with one plain message in it.
pub(crate) fn frame(case: &Json) -> Result<(), Failed> {
    let bytes = hex(field(case, "hex")?)?;
    let (addresses, message) = wrapper::open(&bytes)?;
    let apdu = check(message)?;
    if case["kind"] == "data_notification" && !matches!(apdu, Apdu::DataNotification(_)) {
        return Err(format!("decoded as {apdu:?}").into());
    }
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    apdu.encode(&mut frame);
    wrapper::finish(&mut frame, addresses)?;
    same("frame", &frame, &bytes)
}

/// Decodes a message, opens every value in it, and encodes both again.
pub(crate) fn check(bytes: &[u8]) -> Result<Apdu<'_>, Failed> {
    let apdu = Apdu::decode(bytes)?;
    let mut encoded = Vec::new();
    apdu.encode(&mut encoded);
    same("message", &encoded, bytes)?;
    for value in values(&apdu)? {
        let mut encoded = Vec::new();
        encode(&decode_all(value)?, &mut encoded);
        same("value", &encoded, value)?;
    }
    Ok(apdu)
}

/// Every encoded value that a message carries whole.
fn values<'a>(apdu: &Apdu<'a>) -> Result<Vec<&'a [u8]>, Failed> {
    let mut values = Vec::new();
    match apdu {
        Apdu::GetResponse(GetResponse::Normal { result: Ok(value), .. })
        | Apdu::SetRequest(SetRequest::Normal { value, .. }) => values.push(*value),
        Apdu::SetRequest(SetRequest::WithList { values: list, .. })
        | Apdu::ActionRequest(ActionRequest::WithList { parameters: list, .. }) => values.extend(list.iter()),
        Apdu::ActionRequest(ActionRequest::Normal { parameter, .. }) => values.extend(parameter),
        Apdu::ActionResponse(ActionResponse::Normal { result, .. }) => {
            values.extend(result.returned.and_then(Result::ok));
        }
        Apdu::ActionResponse(ActionResponse::WithList { results, .. }) => {
            values.extend(results.iter().filter_map(|result| result.returned.and_then(Result::ok)));
        }
        Apdu::AccessRequest(request) => values.extend(request.data.iter()),
        Apdu::AccessResponse(response) => values.extend(response.data.iter()),
        Apdu::WriteRequest(request) | Apdu::UnconfirmedWriteRequest(request) => values.extend(request.values.iter()),
        Apdu::GetResponse(GetResponse::WithList { results, .. })
        | Apdu::ReadResponse(ReadResponse::Results(results)) => {
            results.read_each(skip, |result| values.extend(result.ok()))?;
        }
        Apdu::DataNotification(notification) => values.push(notification.body),
        Apdu::EventNotification(notification) => values.push(notification.value),
        _ => {}
    }
    Ok(values)
}

/// The fields of AARQ and AARE against those that the case lists.
fn check_acse(apdu: &Apdu<'_>, case: &Json) -> Result<(), Failed> {
    let listed = |tag: &str| case["ber_fields"][tag].as_str().map(hex).transpose();
    // Content of a field that wraps one element of a short form: what follows its tag and length.
    let inner = |tag: &str| Ok::<_, Failed>(listed(tag)?.map(|bytes| bytes.get(2..).unwrap_or(&[]).to_vec()));
    let (mechanism, value, title, information, tags) = match apdu {
        Apdu::Aarq(m) => {
            (m.mechanism, m.authentication_value, m.calling_title, m.user_information, ["8b", "ac", "a6", "be"])
        }
        Apdu::Aare(m) => {
            (m.mechanism, m.authentication_value, m.responding_title, m.user_information, ["89", "aa", "a4", "be"])
        }
        _ => return Ok(()),
    };
    let [mechanism_tag, value_tag, title_tag, information_tag] = tags;
    let number = listed(mechanism_tag)?.and_then(|bytes| bytes.last().copied());
    if mechanism.map(|m| m.number()) != number {
        return Err(format!("mechanism {mechanism:?}, expected {number:?}").into());
    }
    same("authentication value", value.unwrap_or(&[]), &inner(value_tag)?.unwrap_or_default())?;
    same("title", title.unwrap_or(&[]), &inner(title_tag)?.unwrap_or_default())?;
    let information = information.unwrap_or(&[]);
    same("user information", information, &inner(information_tag)?.unwrap_or_default())?;
    let mut encoded = Vec::new();
    match (apdu, information.first()) {
        (Apdu::Aarq(_), Some(0x01)) => InitiateRequest::decode(information)?.encode(&mut encoded),
        (Apdu::Aare(_), Some(0x08)) => InitiateResponse::decode(information)?.encode(&mut encoded),
        // Protected: opening it needs ciphering; that it is carried unchanged has been checked.
        (_, Some(0x21 | 0x28)) => return Ok(()),
        (_, other) => return Err(format!("user information begins with {other:?}").into()),
    }
    same("initiate message", &encoded, information)
}
