//! OpenPAYGO devices: tokens entered one after the other, and how far ahead a token may be.

use taa_tokens::openpaygo::{Device, Meaning, Refusal, UsedCounts};
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::payg::key;
use crate::{field, number, same};

fn result(entered: Result<Meaning, Refusal>) -> (&'static str, Option<u32>) {
    match entered {
        Ok(Meaning::Add(value)) => ("ADD_TIME", Some(value)),
        Ok(Meaning::Set(value)) => ("SET_TIME", Some(value)),
        Ok(Meaning::Disable) => ("DISABLE_PAYG", Some(998)),
        Ok(Meaning::Sync) => ("COUNTER_SYNC", Some(999)),
        Err(Refusal::Used) => ("ALREADY_USED", None),
        Err(_) => ("INVALID", None),
    }
}

fn list(case: &Json, name: &str) -> Option<Vec<i64>> {
    case[name].as_array().map(|list| list.iter().filter_map(Json::as_i64).collect())
}

fn expected(case: &Json) -> Result<(&str, Option<f64>), Failed> {
    Ok((field(case, "expect_type")?, case["expect_value"].as_f64()))
}

fn check(what: &str, entered: Result<Meaning, Refusal>, case: &Json) -> Result<(), Failed> {
    let (kind, value) = result(entered);
    same(what, &(kind, value.map(f64::from)), &expected(case)?)
}

pub(crate) fn scenario(case: &Json, _: &Json) -> Result<(), Failed> {
    let restricted = case["restricted_digit_set"].as_bool().ok_or("no digit set")?;
    let used = list(case, "start_used_counts").and_then(|list| UsedCounts::from_list(&list)).ok_or("no used counts")?;
    let count = u32::try_from(number(case, "start_count")?)?;
    let mut device = Device::restore(key(case)?, restricted, count, used);
    let steps = case["steps"].as_array().filter(|steps| !steps.is_empty()).ok_or("no steps")?;
    for (at, step) in steps.iter().enumerate() {
        same(&format!("count before step {at}"), &i64::from(device.count()), &number(step, "count_before")?)?;
        check(&format!("step {at}"), device.enter(field(step, "token")?), step)?;
        if let Some(used) = list(step, "used_counts_after") {
            same(&format!("used counts after step {at}"), &device.used().list(), &used)?;
        }
        if let Some(count) = step["count_after"].as_i64() {
            same(&format!("count after step {at}"), &i64::from(device.count()), &count)?;
        }
    }
    Ok(())
}

pub(crate) fn jump(case: &Json, _: &Json) -> Result<(), Failed> {
    let count = u32::try_from(number(case, "device_count")?)?;
    let token = field(case, "token")?;
    let restricted = matches!(token.len(), 15 | 20);
    let mut device = Device::restore(key(case)?, restricted, count, UsedCounts::only(count));
    check("entered", device.enter(token), case)?;
    same("jump", &(number(case, "token_count")? - i64::from(count)), &number(case, "jump")?)
}
