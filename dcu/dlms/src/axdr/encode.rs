//! Values to bytes. The `put_*` functions write one tagged value each and need no [`Value`] built first.

use super::{DateTime, Tag, Value};
use crate::wire::{put_length, put_octets};

/// Appends the value with its tag.
pub fn encode(value: &Value, out: &mut Vec<u8>) {
    out.push(value.tag() as u8);
    encode_content(value, out);
}

/// Appends the value without its tag, as inside a compact array.
pub(super) fn encode_content(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::DontCare => {}
        Value::Array(elements) | Value::Structure(elements) => {
            put_length(out, elements.len());
            for element in elements {
                encode(element, out);
            }
        }
        Value::Bool(v) => out.push(u8::from(*v)),
        Value::BitString(v) => {
            put_length(out, v.len());
            out.extend_from_slice(v.bytes());
        }
        Value::I32(v) | Value::DeltaI32(v) => out.extend_from_slice(&v.to_be_bytes()),
        Value::U32(v) | Value::DeltaU32(v) => out.extend_from_slice(&v.to_be_bytes()),
        Value::OctetString(v) | Value::VisibleString(v) | Value::Utf8String(v) => put_octets(out, v),
        Value::Bcd(v) | Value::U8(v) | Value::Enum(v) | Value::DeltaU8(v) => out.push(*v),
        Value::I8(v) | Value::DeltaI8(v) => out.extend_from_slice(&v.to_be_bytes()),
        Value::I16(v) | Value::DeltaI16(v) => out.extend_from_slice(&v.to_be_bytes()),
        Value::U16(v) | Value::DeltaU16(v) => out.extend_from_slice(&v.to_be_bytes()),
        Value::CompactArray(v) => v.encode(out),
        Value::I64(v) => out.extend_from_slice(&v.to_be_bytes()),
        Value::U64(v) => out.extend_from_slice(&v.to_be_bytes()),
        Value::F32(v) => out.extend_from_slice(&v.to_be_bytes()),
        Value::F64(v) => out.extend_from_slice(&v.to_be_bytes()),
        Value::DateTime(v) => out.extend_from_slice(&v.to_octets()),
        Value::Date(v) => out.extend_from_slice(&v.to_octets()),
        Value::Time(v) => out.extend_from_slice(&v.to_octets()),
    }
}

/// null-data.
pub fn put_null(out: &mut Vec<u8>) {
    out.push(Tag::Null as u8);
}

/// The head of an array of `count` elements, which must follow.
pub fn put_array(out: &mut Vec<u8>, count: usize) {
    out.push(Tag::Array as u8);
    put_length(out, count);
}

/// The head of a structure of `count` elements, which must follow.
pub fn put_structure(out: &mut Vec<u8>, count: usize) {
    out.push(Tag::Structure as u8);
    put_length(out, count);
}

/// boolean.
pub fn put_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(&[Tag::Boolean as u8, u8::from(value)]);
}

/// enum.
pub fn put_enum(out: &mut Vec<u8>, value: u8) {
    out.extend_from_slice(&[Tag::Enum as u8, value]);
}

/// integer.
pub fn put_i8(out: &mut Vec<u8>, value: i8) {
    out.push(Tag::Integer as u8);
    out.extend_from_slice(&value.to_be_bytes());
}

/// unsigned.
pub fn put_u8(out: &mut Vec<u8>, value: u8) {
    out.extend_from_slice(&[Tag::Unsigned as u8, value]);
}

/// long-unsigned.
pub fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.push(Tag::LongUnsigned as u8);
    out.extend_from_slice(&value.to_be_bytes());
}

/// double-long-unsigned.
pub fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.push(Tag::DoubleLongUnsigned as u8);
    out.extend_from_slice(&value.to_be_bytes());
}

/// long64-unsigned.
pub fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.push(Tag::Long64Unsigned as u8);
    out.extend_from_slice(&value.to_be_bytes());
}

/// long64.
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    out.push(Tag::Long64 as u8);
    out.extend_from_slice(&value.to_be_bytes());
}

/// octet-string.
pub fn put_octet_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(Tag::OctetString as u8);
    put_octets(out, bytes);
}

/// visible-string.
pub fn put_visible_string(out: &mut Vec<u8>, text: &str) {
    out.push(Tag::VisibleString as u8);
    put_octets(out, text.as_bytes());
}

/// A date-time in its usual form, an octet string of 12 bytes.
pub fn put_date_time(out: &mut Vec<u8>, value: &DateTime) {
    put_octet_string(out, &value.to_octets());
}
