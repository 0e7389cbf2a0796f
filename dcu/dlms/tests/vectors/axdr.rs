//! Kind `axdr`: one value, as bytes and in words. Both ways.

use taa_dlms::Value;
use taa_dlms::axdr::{BitString, CompactArray, Date, DateTime, Time, TypeDescription, decode_all, encode};
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::{field, hex, same};

pub(crate) fn run(case: &Json) -> Result<(), Failed> {
    let bytes = hex(field(case, "hex")?)?;
    let expected = value(&case["value"])?;
    let got = decode_all(&bytes)?;
    if got != expected {
        return Err(format!("decoded {got:?}, expected {expected:?}").into());
    }
    let mut encoded = Vec::new();
    encode(&expected, &mut encoded);
    same("encoded", &encoded, &bytes)
}

fn value(json: &Json) -> Result<Value, Failed> {
    let content = &json[1];
    let integer = || content.as_i64().ok_or_else(|| Failed::from("no integer"));
    let text = || content.as_str().ok_or_else(|| Failed::from("no text"));
    let list = || -> Result<Vec<Value>, Failed> {
        content.as_array().ok_or_else(|| Failed::from("no list"))?.iter().map(value).collect()
    };
    Ok(match json[0].as_str() {
        Some("null") => Value::Null,
        Some("bool") => Value::Bool(integer()? != 0),
        Some("u8") => Value::U8(integer()?.try_into()?),
        Some("u16") => Value::U16(integer()?.try_into()?),
        Some("u32") => Value::U32(integer()?.try_into()?),
        Some("u64") => Value::U64(content.as_u64().ok_or("no integer")?),
        Some("i8") => Value::I8(integer()?.try_into()?),
        Some("i16") => Value::I16(integer()?.try_into()?),
        Some("i32") => Value::I32(integer()?.try_into()?),
        Some("i64") => Value::I64(integer()?),
        Some("enum") => Value::Enum(integer()?.try_into()?),
        Some("bcd") => Value::Bcd(integer()?.try_into()?),
        #[expect(clippy::cast_possible_truncation, reason = "the case is a number of 32 bits")]
        Some("f32") => Value::F32(content.as_f64().ok_or("no number")? as f32),
        Some("f64") => Value::F64(content.as_f64().ok_or("no number")?),
        Some("oct") => Value::OctetString(hex(text()?)?.as_slice().into()),
        Some("str") => Value::VisibleString(text()?.into()),
        Some("utf8") => Value::Utf8String(text()?.into()),
        Some("bits") => {
            let bits = text()?;
            let mut bytes = vec![0_u8; bits.len().div_ceil(8)];
            for (at, _) in bits.bytes().enumerate().filter(|(_, bit)| *bit == b'1') {
                bytes[at / 8] |= 0x80 >> (at % 8);
            }
            Value::BitString(BitString::new(bits.len(), &bytes).ok_or("bit string")?)
        }
        Some("delta_i8") => Value::DeltaI8(integer()?.try_into()?),
        Some("delta_i16") => Value::DeltaI16(integer()?.try_into()?),
        Some("delta_i32") => Value::DeltaI32(integer()?.try_into()?),
        Some("delta_u8") => Value::DeltaU8(integer()?.try_into()?),
        Some("delta_u16") => Value::DeltaU16(integer()?.try_into()?),
        Some("delta_u32") => Value::DeltaU32(integer()?.try_into()?),
        Some("dontcare" | "dont_care" | "dont-care") => Value::DontCare,
        Some("datetime") => Value::DateTime(DateTime::from_octets(array(&hex(text()?)?)?)?),
        Some("date") => Value::Date(Date::from_octets(array(&hex(text()?)?)?)?),
        Some("time") => Value::Time(Time::from_octets(array(&hex(text()?)?)?)?),
        Some("struct") => Value::Structure(list()?),
        Some("array") => Value::Array(list()?),
        // A compact array of equal elements, told as a list of them.
        Some("compact") => {
            let elements = list()?;
            let element = description(elements.first().ok_or("empty compact array")?)?;
            Value::CompactArray(Box::new(CompactArray::new(element, elements).ok_or("unequal elements")?))
        }
        other => return Err(format!("type {other:?} is not known to the runner").into()),
    })
}

fn description(value: &Value) -> Result<TypeDescription, Failed> {
    Ok(match value {
        Value::Structure(elements) => {
            TypeDescription::Structure(elements.iter().map(description).collect::<Result<_, _>>()?)
        }
        Value::Array(elements) => {
            let first = elements.first().ok_or("empty array in a compact array")?;
            TypeDescription::Array(elements.len().try_into()?, Box::new(description(first)?))
        }
        simple => TypeDescription::Simple(simple.tag()),
    })
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Failed> {
    bytes.try_into().map_err(|_| format!("{} bytes, expected {N}", bytes.len()).into())
}
