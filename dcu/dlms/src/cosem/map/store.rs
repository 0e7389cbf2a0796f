//! The compact form of a map, for storing it.
//!
//! ```text
//! 'O' 'M' 1 | rights: count, each: attributes (count, each id mode selectors), methods (count, each id mode)
//!           | objects: count, each: shared prefix of the name (0–6), rest of the name, class, version,
//!           |          rights, base name + 1 (0 none)
//! ```
//!
//! Counts and numbers are varints of 7 bits, least significant first. Names are sorted, so most share a prefix with
//! the one before.

use super::{AttributeRight, MapEntry, MethodRight, Mode, ObjectMap, Rights};
use crate::error::DecodeError;
use crate::obis::Obis;
use crate::wire::Reader;

const HEAD: [u8; 3] = *b"OM\x01";

impl ObjectMap {
    /// The compact form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = HEAD.to_vec();
        put_count(&mut out, self.rights.len());
        for rights in &self.rights {
            put_count(&mut out, rights.attributes.len());
            for right in &rights.attributes {
                out.extend_from_slice(&[right.id.cast_unsigned(), right.mode.0]);
                put_count(&mut out, right.selectors.len());
                out.extend(right.selectors.iter().map(|selector| selector.cast_unsigned()));
            }
            put_count(&mut out, rights.methods.len());
            out.extend(rights.methods.iter().flat_map(|right| [right.id.cast_unsigned(), right.mode.0]));
        }
        put_count(&mut out, self.entries.len());
        let mut before = Obis([0; 6]);
        for entry in &self.entries {
            let shared = entry.obis.0.iter().zip(before.0).take_while(|(a, b)| **a == *b).count();
            out.push(shared as u8);
            out.extend_from_slice(entry.obis.0.get(shared..).unwrap_or(&[]));
            put_varint(&mut out, entry.class.into());
            out.push(entry.version);
            put_varint(&mut out, entry.rights.into());
            put_varint(&mut out, entry.base_name.map_or(0, |name| u32::from(name).saturating_add(1)));
            before = entry.obis;
        }
        out
    }

    /// From the compact form.
    ///
    /// # Errors
    /// Any [`DecodeError`]: the bytes are damaged, or of another version of the form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != HEAD {
            return Err(DecodeError::UnknownTag {
                what: "form of an object map",
                tag: bytes.get(2).copied().unwrap_or(0),
            });
        }
        let mut map = Self::default();
        for _ in 0..count(&mut reader)? {
            map.rights.push(rights(&mut reader)?);
        }
        let mut before = Obis([0; 6]);
        for _ in 0..count(&mut reader)? {
            let shared = usize::from(reader.u8()?);
            let rest = before.0.get_mut(shared..).ok_or(DecodeError::OutOfRange("shared prefix"))?;
            rest.copy_from_slice(reader.take(rest.len())?);
            let class = narrow(varint(&mut reader)?)?;
            let version = reader.u8()?;
            let rights = narrow(varint(&mut reader)?)?;
            if usize::from(rights) >= map.rights.len() {
                return Err(DecodeError::OutOfRange("rights"));
            }
            let base_name = varint(&mut reader)?.checked_sub(1).map(narrow).transpose()?;
            map.entries.push(MapEntry { obis: before, class, version, base_name, rights });
        }
        reader.finish()?;
        if map.entries.is_sorted_by_key(|entry| (entry.obis, entry.class)) {
            Ok(map)
        } else {
            Err(DecodeError::OutOfRange("order of objects"))
        }
    }
}

fn rights(reader: &mut Reader<'_>) -> Result<Rights, DecodeError> {
    let mut attributes = Vec::new();
    for _ in 0..count(reader)? {
        let [id, mode] = reader.array()?;
        let selectors = count(reader)?;
        let selectors = reader.take(selectors)?.iter().map(|selector| selector.cast_signed()).collect();
        attributes.push(AttributeRight { id: id.cast_signed(), mode: Mode(mode), selectors });
    }
    let mut methods = Vec::new();
    for _ in 0..count(reader)? {
        let [id, mode] = reader.array()?;
        methods.push(MethodRight { id: id.cast_signed(), mode: Mode(mode) });
    }
    Ok(Rights { attributes: attributes.into(), methods: methods.into() })
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    put_varint(out, u32::try_from(count).unwrap_or(u32::MAX));
}

fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A count of things that take at least a byte each: never more than there are bytes.
fn count(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
    let count = varint(reader)? as usize;
    if count > reader.len() { Err(DecodeError::Truncated) } else { Ok(count) }
}

fn varint(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    let mut value = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let byte = reader.u8()?;
        value |= u32::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(DecodeError::LengthTooWide(5))
}

fn narrow(value: u32) -> Result<u16, DecodeError> {
    value.try_into().map_err(|_| DecodeError::OutOfRange("number of an object map"))
}
