//! STS tokens from their fields, keys from vending keys, tokens to be refused, and a meter's memory step by step.

use taa_keys::Secret;
use taa_tokens::sts::key_change::{Section, sections};
use taa_tokens::sts::meter::{Action, Application, Decoder, Reason, State, TidMemory};
use taa_tokens::sts::{
    Algorithm, Amount, BaseDate, Content, KeyAttributes, KeyGeneration, KeyType, Krn, MeterPan, Money, Order, Random,
    Service, Sgc, StaTables, TariffIndex, Test, Tid, Token,
};
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::compliance::check;
use crate::{block, decoder_key, field, number, same, unknown_field};

const KNOWN: [&str; 13] = [
    "id",
    "kind",
    "key_id",
    "ea",
    "table_set",
    "decoder_key",
    "base_date",
    "cls",
    "subclass",
    "fields",
    "block64",
    "token",
    "checked_by",
];
const KINDS: [&str; 12] = [
    "credit",
    "currency_credit",
    "test_display",
    "set_max_power_limit",
    "clear_credit",
    "set_tariff_rate",
    "clear_tamper",
    "set_max_phase_unbalance",
    "set_water_factor",
    "key_change_1st_section",
    "key_change_2nd_section",
    "key_change_3rd_section",
];

pub(crate) fn waits(case: &Json) -> Option<&'static str> {
    let kind = case["kind"].as_str().unwrap_or("");
    if !KINDS.contains(&kind) && kind != "key_change_4th_section" {
        return Some("unknown kind of token");
    }
    if unknown_field(case, &KNOWN) {
        return Some("a field that is not known");
    }
    match (case["ea"].as_str(), case["table_set"].as_str()) {
        (Some("07"), Some("iec-sample")) | (Some("11" | "none"), None) => None,
        (Some("07"), Some("sts-production")) if crate::licensed().is_some() => None,
        (Some("07"), _) => Some("EA07 needs the licensed tables (TAA_STA_TABLES)"),
        _ => Some("another algorithm"),
    }
}

/// The token from its fields, and the fields from the token.
pub(crate) fn token(case: &Json, _: &Json) -> Result<(), Failed> {
    let content = content(case)?;
    let token = Token::parse(field(case, "token")?)?;
    same("class", &i64::from(content.class().number()), &number(case, "cls")?)?;
    same("subclass", &i64::try_from(content.block() >> 60)?, &number(case, "subclass")?)?;
    check(case, &content, block(field(case, "block64")?)?, token)
}

fn content(case: &Json) -> Result<Content, Failed> {
    let fields = &case["fields"];
    let kind = field(case, "kind")?;
    if kind.starts_with("key_change") {
        return key_change(case, kind);
    }
    if kind == "test_display" {
        let control = u64::try_from(number(fields, "control")?)?;
        let maker = u16::try_from(number(fields, "mfr_code")?)?;
        return Ok(Content::Test(match number(fields, "mfr_bits")? {
            8 => Test::Short { control, maker: u8::try_from(maker)? },
            _ => Test::Long { control: u32::try_from(control)?, maker },
        }));
    }
    let base = base_date(case)?;
    let tid = Tid::at(base, unix_minute(field(fields, "issued")?)?)?;
    same("TID", &i64::from(tid.field()), &number(fields, "tid")?)?;
    let random = Random::new(u8::try_from(fields["rnd"].as_i64().unwrap_or(0))?);
    let service = match number(case, "subclass")? & 3 {
        0 => Service::Electricity,
        1 => Service::Water,
        2 => Service::Gas,
        _ => Service::Time,
    };
    let watts = || Ok::<_, Failed>(Amount::at_least(u32::try_from(number(fields, "watts")?)?)?);
    let plain = |name: &str| Ok::<_, Failed>(u16::try_from(number(fields, name)?)?);
    let order = |order| Content::Order { random, tid, order };
    let content = match kind {
        "credit" => {
            let amount = Amount::at_least(u32::try_from(number(fields, "units_tenths")?)?)?;
            same("field", &i64::from(amount.field()), &number(fields, "amount_field")?)?;
            same("units", &i64::from(amount.units()), &number(fields, "decoded_units_tenths")?)?;
            Content::Credit { service, random, tid, amount }
        }
        "currency_credit" => {
            let asked = i128::from(number(fields, "currency_1e5")?);
            let money = Money::at_least(asked)?;
            same("sign and exponent", &i64::from(money.sign_and_exponent()), &number(fields, "s_and_e")?)?;
            same("field", &i64::from(money.field()), &number(fields, "amount_field")?)?;
            if money.value().abs() < asked.abs() {
                return Err("the meter would credit less than asked for".into());
            }
            Content::Money { service, tid, money }
        }
        "set_max_power_limit" => order(Order::MaxPower(watts()?)),
        "set_max_phase_unbalance" => order(Order::MaxUnbalance(watts()?)),
        "set_tariff_rate" => order(Order::TariffRate(plain("rate")?)),
        "set_water_factor" => order(Order::WaterFactor(plain("wmf")?)),
        "clear_tamper" => order(Order::ClearTamper(plain("pad")?)),
        // No example of this kind was at hand: the field as it stands.
        "clear_credit" => order(Order::ClearCredit(plain("value_field")?)),
        other => return Err(format!("no runner for {other}").into()),
    };
    if let (Content::Order { .. }, Some(value)) = (&content, fields["value_field"].as_u64()) {
        same("value", &(content.block() >> 16 & 0xFFFF), &value)?;
    }
    Ok(content)
}

/// The set that this section belongs to, and the section of it.
fn key_change(case: &Json, kind: &str) -> Result<Content, Failed> {
    let fields = &case["fields"];
    if number(fields, "three_kct")? != 0 {
        return Err("a set of three tokens".into());
    }
    let new = decoder_key(field(case, "ea")?, field(fields, "new_decoder_key")?, &StaTables::sample())?;
    let to = KeyAttributes {
        sgc: fields["sgc"].as_str().map_or(Ok(Sgc::new(0)?), Sgc::parse)?,
        krn: Krn::new(u8::try_from(number(fields, "krn")?)?)?,
        key_type: KeyType::from_bits(u8::try_from(number(fields, "key_type")?)?),
        ti: TariffIndex::new(field(fields, "ti")?.parse()?)?,
        ken: u8::try_from(number(fields, "ken")?)?,
        base_date: base_date(case)?,
    };
    let set = sections(&new, &to, number(fields, "rollover")? == 1);
    same("tokens of the set", &set.len(), &new.algorithm().key_change_tokens())?;
    let wanted = match kind {
        "key_change_1st_section" => 1,
        "key_change_2nd_section" => 2,
        "key_change_3rd_section" => 3,
        _ => 4,
    };
    let section = set.into_iter().find(|section: &Section| section.number() == wanted);
    section.map(Content::KeyChange).ok_or_else(|| "no such section in the set".into())
}

fn base_date(case: &Json) -> Result<BaseDate, Failed> {
    let year = number(case, "base_date")?;
    BaseDate::of_year(u16::try_from(year)?).ok_or_else(|| format!("no base date {year}").into())
}

/// Minutes since 1970 of `YYYY-MM-DDTHH:MM:SS`.
fn unix_minute(text: &str) -> Result<i64, Failed> {
    let part =
        |from: usize, to: usize| -> Result<i64, Failed> { Ok(text.get(from..to).ok_or("no date")?.parse::<i64>()?) };
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let year = if month <= 2 { year - 1 } else { year };
    let era_year = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = era_year * 365 + era_year / 4 - era_year / 100 + day_of_year;
    let days = year.div_euclid(400) * 146_097 + day_of_era - 719_468;
    Ok(days * 1440 + part(11, 13)? * 60 + part(14, 16)?)
}

pub(crate) fn key_waits(case: &Json) -> Option<&'static str> {
    let known = [
        "id",
        "dkga",
        "ea",
        "vending_key",
        "key_type",
        "kt",
        "sgc",
        "ti",
        "krn",
        "iin",
        "drn",
        "meter_pan",
        "pan_block",
        "control_block",
        "base_date",
        "kdf_data_block",
        "decoder_key",
        "test",
    ];
    if unknown_field(case, &known) { Some("a field that is not known") } else { None }
}

/// A decoder key from its vending key, proven by what it seals.
pub(crate) fn key(case: &Json, _: &Json) -> Result<(), Failed> {
    let generation = match field(case, "dkga")? {
        "02" => KeyGeneration::Dkga02,
        "03" => KeyGeneration::Dkga03,
        "04" => KeyGeneration::Dkga04,
        other => return Err(format!("no key generation {other}").into()),
    };
    let algorithm = if case["ea"] == "11" { Algorithm::Ea11 } else { Algorithm::Ea07 };
    let key_type = case["key_type"].as_i64().or(case["kt"].as_i64()).ok_or("no kind of key")?;
    let base_date = match &case["base_date"] {
        Json::Null => BaseDate::Y1993,
        Json::Number(year) => year.as_u64().and_then(|year| BaseDate::of_year(year as u16)).ok_or("no base date")?,
        code => match code.as_str() {
            Some("93") => BaseDate::Y1993,
            Some("14") => BaseDate::Y2014,
            Some("35") => BaseDate::Y2035,
            _ => return Err("no base date".into()),
        },
    };
    let attributes = KeyAttributes {
        sgc: Sgc::parse(field(case, "sgc")?)?,
        krn: Krn::new(u8::try_from(number(case, "krn")?)?)?,
        key_type: KeyType::from_bits(u8::try_from(key_type)?),
        ti: TariffIndex::new(field(case, "ti")?.parse()?)?,
        ken: 255,
        base_date,
    };
    let meter = meter(case)?;
    if let Some(pan) = case["meter_pan"].as_str() {
        same("PAN", &meter.to_string().as_str(), &pan)?;
    }
    let vending = Secret::new(&crate::hex(field(case, "vending_key")?)?);
    let derived = generation.derive(&vending, &meter, &attributes, algorithm, &StaTables::sample())?;
    let ea = if algorithm == Algorithm::Ea11 { "11" } else { "07" };
    let expected = decoder_key(ea, field(case, "decoder_key")?, &StaTables::sample())?;
    if derived == expected { Ok(()) } else { Err("another decoder key".into()) }
}

/// Issuer and meter number: given, or read out of the PAN or the PAN block. Of the latter, zeros in front of the issuer's
/// digits are lost; they do not enter the key either.
fn meter(case: &Json) -> Result<MeterPan, Failed> {
    if let (Some(iin), Some(drn)) = (case["iin"].as_str(), case["drn"].as_str()) {
        return Ok(MeterPan::new(iin, drn)?);
    }
    let cut = |text: &str, at: usize| -> Result<MeterPan, Failed> {
        let (iin, drn) = (text.get(..at).ok_or("short")?, text.get(at..17).ok_or("short")?);
        Ok(MeterPan::new(iin, drn)?)
    };
    let digits = match (case["meter_pan"].as_str(), case["pan_block"].as_str()) {
        (Some(pan), _) => pan.to_string(),
        (None, Some(block)) if block.starts_with("00727") => format!("6{block}"),
        (None, Some(block)) => format!("0{block}"),
        _ => return Err("no number of the meter".into()),
    };
    cut(&digits, if digits.starts_with("0000") { 4 } else { 6 })
}

fn state(ken: u8) -> State {
    State { krn: 1, key_type: KeyType::Unique, ti: 1, ken, sgc: None, base_date: BaseDate::Y2014 }
}

/// A token that a meter must refuse, and how.
pub(crate) fn negative(case: &Json, file: &Json) -> Result<(), Failed> {
    let tables = StaTables::sample();
    let key = decoder_key(field(case, "ea")?, field(case, "decoder_key")?, &tables)?;
    let mut decoder = Decoder::new(key, state(255), TidMemory::default(), tables);
    let application = application(Service::Electricity);
    let reason = decoder.enter_text(field(case, "token")?, &application).err().ok_or("the token was accepted")?;
    let got = word(reason);
    same("refused as", &got, &field(case, "expect")?)?;
    // The control: the token that it was made from opens with its own key, so that it is the change which is refused.
    if let Some(base) = case["base"].as_str() {
        let tokens = file["tokens"].as_array().ok_or("no tokens")?;
        let base = tokens.iter().find(|token| token["id"] == base).ok_or("the base token is not there")?;
        let key = decoder_key(field(base, "ea")?, field(base, "decoder_key")?, &StaTables::sample())?;
        key.open(Token::parse(field(base, "token")?)?)?;
    }
    Ok(())
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Format(_) | Reason::Reserved { .. } => "format_error",
        Reason::Checksum => "crc_error",
        Reason::Used { .. } => "used",
        Reason::Old => "old",
        Reason::KeyExpired => "key_expired",
        _ => "refused in another way",
    }
}

fn application(service: Service) -> Application {
    Application { service, in_money: false, room: u64::MAX, maker: 0 }
}

/// One meter, token after token.
pub(crate) fn scenario(case: &Json, _: &Json) -> Result<(), Failed> {
    let tables = StaTables::sample();
    let key = decoder_key(field(case, "ea")?, field(case, "decoder_key")?, &tables)?;
    let memory = TidMemory::new(usize::try_from(number(case, "tid_memory")?)?);
    let mut decoder = Decoder::new(key.clone(), state(u8::try_from(number(case, "ken")?)?), memory, tables);
    let steps = case["steps"].as_array().filter(|steps| !steps.is_empty()).ok_or("no steps")?;
    for (at, step) in steps.iter().enumerate() {
        let token = Token::parse(field(step, "token")?)?;
        let content = key.open(token)?;
        let tid = content.tid().ok_or("no TID")?;
        same(&format!("TID of step {at}"), &i64::from(tid.field()), &number(step, "tid")?)?;
        let service = if let Content::Credit { service, .. } = content { service } else { Service::Electricity };
        let outcome = decoder.enter(token, &application(service));
        let got = match &outcome {
            Ok(Action::Credit { .. }) => "accept",
            Ok(_) => "accepted as something else",
            Err(reason) => word(*reason),
        };
        same(&format!("step {at}"), &got, &field(step, "expect")?)?;
    }
    Ok(())
}
