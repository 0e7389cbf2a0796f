//! Amounts, checksums, and the examples of the primitives.

use taa_tokens::sts::{Amount, Class, Content, StaTables, Token};
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::{Runner, Waits, block, decoder_key, field, number, same};

/// Objects at the top of a file.
pub(crate) fn of(name: &str) -> Option<(Runner, Waits)> {
    let never: Waits = |_| None;
    Some(match name {
        "misty1_rfc2994" => (misty, never),
        "sta_sample" => (sta, never),
        "tables_iec_sample" => (tables, never),
        "token" | "block64" | "crc16" | "amount" | "tid" | "ea07_sta" => {
            let told: Waits = |_| Some("facts in words; the cases of the other files check them");
            (misty, told)
        }
        _ => return None,
    })
}

pub(crate) fn amount(case: &Json, _: &Json) -> Result<(), Failed> {
    let units = u32::try_from(number(case, "units")?)?;
    let amount = Amount::at_least(units)?;
    same("field", &i64::from(amount.field()), &number(case, "field")?)?;
    same("decoded", &i64::from(amount.units()), &number(case, "decoded")?)
}

/// Seven bytes, class and data, and the checksum of the block that they make.
pub(crate) fn crc(case: &Json, _: &Json) -> Result<(), Failed> {
    let input = block(field(case, "hex")?)?;
    let class = match input >> 48 {
        0 => Class::Credit,
        1 => Class::Test,
        2 => Class::Manage,
        _ => return Err("a class that is reserved".into()),
    };
    let expected = block(field(case, "crc")?)?;
    let content = Content::from_block(class, input << 16 | expected)?;
    same("checksum", &(content.block() & 0xFFFF), &expected)?;
    let wrong = Content::from_block(class, input << 16 | expected ^ 1);
    if wrong.is_ok() { Err("a wrong checksum is accepted".into()) } else { Ok(()) }
}

/// MISTY1, seen through a token: the published block is no token's (its checksum is wrong), so the cipher is checked by
/// opening what a token with this cipher block says.
fn misty(case: &Json, _: &Json) -> Result<(), Failed> {
    let key = decoder_key("11", field(case, "key")?, &StaTables::sample())?;
    let (plain, cipher) = (block(field(case, "plain")?)?, block(field(case, "cipher")?)?);
    same("encrypted", &key.encrypt_block(plain), &cipher)?;
    same("decrypted", &key.decrypt_block(cipher), &plain)
}

fn sta(case: &Json, _: &Json) -> Result<(), Failed> {
    let key = decoder_key("07", field(case, "key")?, &StaTables::sample())?;
    let content = Content::from_block(Class::Credit, block(field(case, "block")?)?)?;
    let token = Token::parse(field(case, "token")?)?;
    same("sealed", &key.seal(&content), &token)?;
    same("opened", &key.open(token)?, &content)
}

/// The tables as a text are the ones that are shipped.
fn tables(case: &Json, _: &Json) -> Result<(), Failed> {
    let row = |name: &str| {
        let numbers = case[name].as_array().ok_or("no table")?.iter();
        Ok::<_, Failed>(numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(" "))
    };
    let text =
        format!("substitution1 = {}\nsubstitution2 = {}\npermutation = {}", row("sub1")?, row("sub2")?, row("perm")?);
    let read = StaTables::from_text("from the file", &text)?;
    for sample in 0..64_u64 {
        let key = format!("{:016x}", sample.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let plain = 1_u64 << sample;
        same(
            "encrypted",
            &decoder_key("07", &key, &read)?.encrypt_block(plain),
            &decoder_key("07", &key, &StaTables::sample())?.encrypt_block(plain),
        )?;
    }
    Ok(())
}
