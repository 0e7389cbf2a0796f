//! Bytes to values.

use super::{BitString, CompactArray, Date, DateTime, Octets, Tag, Time, TypeDescription, Value};
use crate::error::DecodeError;
use crate::wire::Reader;

/// Deepest nesting accepted. The object list, the deepest thing in the standard, needs six.
pub const DEPTH_MAX: u8 = 16;

/// Reads one tagged value.
///
/// # Errors
/// Any [`DecodeError`]; the reader is then somewhere inside the value.
#[inline]
pub fn decode(reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    let mut budget = Budget::for_input(reader.len());
    decode_tagged(reader, DEPTH_MAX, &mut budget)
}

/// Reads one tagged value that must fill the bytes.
///
/// # Errors
/// As [`decode`], and [`DecodeError::Trailing`].
pub fn decode_all(bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut reader = Reader::new(bytes);
    let value = decode(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// Passes one tagged value and returns its bytes, without building it.
///
/// # Errors
/// As [`decode`].
pub fn skip<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let before = reader.rest();
    skip_tagged(reader, DEPTH_MAX)?;
    let used = before.len().saturating_sub(reader.len());
    Reader::new(before).take(used)
}

/// How many values an input may hold. Ordinary values take a byte each; only a compact array can describe values that
/// take none (columns of null-data), and those are what the allowance bounds.
pub(super) struct Budget(usize);

/// Arbitrary: rows of six null columns and one of two bytes pass.
const VALUES_PER_BYTE: usize = 4;

impl Budget {
    fn for_input(bytes: usize) -> Self {
        Self(bytes.saturating_mul(VALUES_PER_BYTE).saturating_add(64))
    }

    pub(super) fn spend(&mut self) -> Result<(), DecodeError> {
        self.0 = self.0.checked_sub(1).ok_or(DecodeError::TooMany)?;
        Ok(())
    }
}

fn tag(reader: &mut Reader<'_>) -> Result<Tag, DecodeError> {
    let byte = reader.u8()?;
    Tag::from_u8(byte).ok_or(DecodeError::UnknownTag { what: "data type", tag: byte })
}

fn decode_tagged(reader: &mut Reader<'_>, depth: u8, budget: &mut Budget) -> Result<Value, DecodeError> {
    let tag = tag(reader)?;
    budget.spend()?;
    Ok(match tag {
        Tag::Array => Value::Array(elements(reader, depth, budget)?),
        Tag::Structure => Value::Structure(elements(reader, depth, budget)?),
        Tag::CompactArray => {
            let depth = depth.checked_sub(1).ok_or(DecodeError::TooDeep)?;
            let element = TypeDescription::decode(reader, depth)?;
            let contents = reader.octets()?;
            Value::CompactArray(Box::new(CompactArray::decode(element, contents, budget)?))
        }
        simple => decode_simple(simple, reader)?,
    })
}

fn elements(reader: &mut Reader<'_>, depth: u8, budget: &mut Budget) -> Result<Vec<Value>, DecodeError> {
    let depth = depth.checked_sub(1).ok_or(DecodeError::TooDeep)?;
    let count = reader.length()?;
    // Every element takes at least its tag.
    if count > reader.len() {
        return Err(DecodeError::Truncated);
    }
    let mut elements = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        elements.push(decode_tagged(reader, depth, budget)?);
    }
    Ok(elements)
}

/// Content of every type but array, structure and compact array.
#[inline]
pub(super) fn decode_simple(tag: Tag, reader: &mut Reader<'_>) -> Result<Value, DecodeError> {
    Ok(match tag {
        Tag::Null => Value::Null,
        Tag::DontCare => Value::DontCare,
        Tag::Boolean => Value::Bool(reader.u8()? != 0),
        Tag::BitString => {
            let bits = reader.length()?;
            let bytes = reader.take(bits.div_ceil(8))?;
            Value::BitString(BitString::new(bits, bytes).ok_or(DecodeError::OutOfRange("bit string"))?)
        }
        Tag::DoubleLong => Value::I32(i32::from_be_bytes(reader.array()?)),
        Tag::DoubleLongUnsigned => Value::U32(reader.u32()?),
        Tag::OctetString => Value::OctetString(Octets::from(reader.octets()?)),
        Tag::VisibleString => Value::VisibleString(Octets::from(reader.octets()?)),
        Tag::Utf8String => Value::Utf8String(Octets::from(reader.octets()?)),
        Tag::Bcd => Value::Bcd(reader.u8()?),
        Tag::Integer => Value::I8(i8::from_be_bytes(reader.array()?)),
        Tag::Long => Value::I16(i16::from_be_bytes(reader.array()?)),
        Tag::Unsigned => Value::U8(reader.u8()?),
        Tag::LongUnsigned => Value::U16(reader.u16()?),
        Tag::Long64 => Value::I64(i64::from_be_bytes(reader.array()?)),
        Tag::Long64Unsigned => Value::U64(u64::from_be_bytes(reader.array()?)),
        Tag::Enum => Value::Enum(reader.u8()?),
        Tag::Float32 => Value::F32(f32::from_be_bytes(reader.array()?)),
        Tag::Float64 => Value::F64(f64::from_be_bytes(reader.array()?)),
        Tag::DateTime => Value::DateTime(DateTime::from_octets(reader.array()?)?),
        Tag::Date => Value::Date(Date::from_octets(reader.array()?)?),
        Tag::Time => Value::Time(Time::from_octets(reader.array()?)?),
        Tag::DeltaInteger => Value::DeltaI8(i8::from_be_bytes(reader.array()?)),
        Tag::DeltaLong => Value::DeltaI16(i16::from_be_bytes(reader.array()?)),
        Tag::DeltaDoubleLong => Value::DeltaI32(i32::from_be_bytes(reader.array()?)),
        Tag::DeltaUnsigned => Value::DeltaU8(reader.u8()?),
        Tag::DeltaLongUnsigned => Value::DeltaU16(reader.u16()?),
        Tag::DeltaDoubleLongUnsigned => Value::DeltaU32(reader.u32()?),
        Tag::Array | Tag::Structure | Tag::CompactArray => {
            return Err(DecodeError::UnknownTag { what: "simple data type", tag: tag as u8 });
        }
    })
}

fn skip_tagged(reader: &mut Reader<'_>, depth: u8) -> Result<(), DecodeError> {
    let tag = tag(reader)?;
    if let Some(length) = tag.fixed_length() {
        reader.take(length)?;
        return Ok(());
    }
    match tag {
        Tag::Array | Tag::Structure => {
            let depth = depth.checked_sub(1).ok_or(DecodeError::TooDeep)?;
            let count = reader.length()?;
            if count > reader.len() {
                return Err(DecodeError::Truncated);
            }
            for _ in 0..count {
                skip_tagged(reader, depth)?;
            }
        }
        Tag::BitString => {
            let bits = reader.length()?;
            reader.take(bits.div_ceil(8))?;
        }
        Tag::CompactArray => {
            TypeDescription::decode(reader, depth)?;
            reader.octets()?;
        }
        _ => {
            reader.octets()?;
        }
    }
    Ok(())
}
