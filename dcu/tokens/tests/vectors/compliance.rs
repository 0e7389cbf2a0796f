//! Compliance tokens as published: block, key and token.

use taa_tokens::sts::{Class, Content, StaTables, Token};
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::{block, decoder_key, field, licensed, number, same, unknown_field};

const KNOWN: [&str; 8] = ["test", "ea", "decoder_key", "cls", "subclass", "block", "token", "table_set"];

pub(crate) fn waits(case: &Json) -> Option<&'static str> {
    match (case["ea"].as_str(), case["table_set"].as_str()) {
        _ if unknown_field(case, &KNOWN) => Some("a field that is not known"),
        (Some("07"), Some("sts-production")) if licensed().is_none() => {
            Some("EA07 needs the licensed tables (TAA_STA_TABLES)")
        }
        (Some("none"), _) | (Some("11"), None) | (Some("07"), Some("iec-sample" | "sts-production")) => None,
        _ => Some("another set of tables"),
    }
}

pub(crate) fn token(case: &Json, _: &Json) -> Result<(), Failed> {
    let plain = block(field(case, "block")?)?;
    let token = Token::parse(field(case, "token")?)?;
    let class = class(number(case, "cls")?)?;
    let content = Content::from_block(class, plain)?;
    same("subclass", &i64::try_from(content.block() >> 60)?, &number(case, "subclass")?)?;
    check(case, &content, plain, token)
}

/// Content, block and token belong together, both ways.
pub(crate) fn check(case: &Json, content: &Content, plain: u64, token: Token) -> Result<(), Failed> {
    let show = |block: u64| format!("{block:016x}");
    same("block", &show(content.block()), &show(plain))?;
    let tables = match case["table_set"].as_str() {
        Some("sts-production") => licensed().ok_or("no licensed tables")?,
        _ => StaTables::sample(),
    };
    // A test token opens with any key.
    let (ea, key) = match field(case, "ea")? {
        "none" => ("11", "00000000000000000000000000000000"),
        ea => (ea, field(case, "decoder_key")?),
    };
    let key = decoder_key(ea, key, &tables)?;
    same("token", &key.seal(content).to_string(), &token.to_string())?;
    same("opened", &key.open(token)?, content)?;
    let many = taa_tokens::sts::vend::seal_batch(&[(&key, content); 3]);
    same("sealed in a batch", &many, &vec![token; 3])
}

pub(crate) fn class(number: i64) -> Result<Class, Failed> {
    match number {
        0 => Ok(Class::Credit),
        1 => Ok(Class::Test),
        2 => Ok(Class::Manage),
        other => Err(format!("no class {other}").into()),
    }
}
