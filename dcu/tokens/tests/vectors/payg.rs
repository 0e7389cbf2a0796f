//! OpenPAYGO tokens as a server makes them.

use taa_keys::Secret;
use taa_tokens::openpaygo::{Ask, Device, DeviceKey, Form, Meaning, UsedCounts, Vendor};
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::{field, hex, number, same, unknown_field};

const KNOWN: [&str; 14] = [
    "id",
    "key",
    "starting_code",
    "derived_starting_code",
    "count",
    "token_type",
    "value",
    "value_raw",
    "restricted_digit_set",
    "extended_token",
    "new_count",
    "token",
    "js_agrees",
    "serial_number",
];

pub(crate) fn waits(case: &Json) -> Option<&'static str> {
    let kind = case["token_type"].as_str().unwrap_or("");
    if !["ADD_TIME", "SET_TIME", "DISABLE_PAYG", "COUNTER_SYNC"].contains(&kind) {
        return Some("unknown kind of token");
    }
    if unknown_field(case, &KNOWN) { Some("a field that is not known") } else { None }
}

pub(crate) fn key(case: &Json) -> Result<DeviceKey, Failed> {
    let start = case["starting_code"].as_u64().map(u32::try_from).transpose()?;
    DeviceKey::new(&Secret::new(&hex(field(case, "key")?)?), start).ok_or_else(|| "no such key".into())
}

pub(crate) fn encode(case: &Json, _: &Json) -> Result<(), Failed> {
    let derived = DeviceKey::new(&Secret::new(&hex(field(case, "key")?)?), None).ok_or("no such key")?;
    same("starting code", &i64::from(derived.starting_code()), &number(case, "derived_starting_code")?)?;
    issue(case, "value")
}

pub(crate) fn published(case: &Json, _: &Json) -> Result<(), Failed> {
    issue(case, "value_raw")
}

/// The server's token, and that a device which has seen all before it takes it.
fn issue(case: &Json, value: &str) -> Result<(), Failed> {
    let flag = |name: &str| case[name].as_bool().ok_or("no flag");
    let form = Form { extended: flag("extended_token")?, restricted: flag("restricted_digit_set")? };
    let value = || Ok::<_, Failed>(u32::try_from(number(case, value)?)?);
    let ask = match field(case, "token_type")? {
        "ADD_TIME" => Ask::Add(value()?),
        "SET_TIME" => Ask::Set(value()?),
        "DISABLE_PAYG" => Ask::Disable,
        _ => Ask::Sync,
    };
    let count = u32::try_from(number(case, "count")?)?;
    let issued = Vendor::new(key(case)?, count).issue(ask, form)?;
    same("count", &i64::from(issued.count), &number(case, "new_count")?)?;
    same("token", &issued.token.as_str(), &field(case, "token")?)?;
    let mut device = Device::restore(key(case)?, form.restricted, count, UsedCounts::only(count));
    let expected = match ask {
        Ask::Add(value) => Meaning::Add(value),
        Ask::Set(value) => Meaning::Set(value),
        // In the extended form these are not defined; the reference decoder reads them as setting a time.
        Ask::Disable if form.extended => Meaning::Set(998),
        Ask::Sync if form.extended => Meaning::Set(999),
        Ask::Disable => Meaning::Disable,
        Ask::Sync => Meaning::Sync,
    };
    same("read by the device", &device.enter(&issued.token), &Ok(expected))
}
