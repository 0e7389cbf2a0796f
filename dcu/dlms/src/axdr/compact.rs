//! compact-array: the type of the elements once, then their bare contents (Blue Book 4.1.5, Green Book 9.5).
//!
//! ```text
//! 13 | 02 04 09 06 12 11 | 28 | 0c 07ea021b… 00 0f496d 0914 00 …
//! tag  structure of 4:     40   row 1: 12-byte octet string, u32, u16, u8; row 2 …
//!      octets,u32,u16,u8   bytes
//! ```

use super::decode::{Budget, decode_simple};
use super::encode::encode_content;
use super::{Tag, Value};
use crate::error::DecodeError;
use crate::wire::{Reader, put_octets};

/// Type of the elements of a compact array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeDescription {
    /// Any type without structure of its own.
    Simple(Tag),
    /// So many elements of one type.
    Array(u16, Box<Self>),
    /// Elements of these types.
    Structure(Vec<Self>),
}

impl TypeDescription {
    pub(super) fn decode(reader: &mut Reader<'_>, depth: u8) -> Result<Self, DecodeError> {
        let depth = depth.checked_sub(1).ok_or(DecodeError::TooDeep)?;
        let byte = reader.u8()?;
        match Tag::from_u8(byte) {
            Some(Tag::Array) => {
                let count = reader.u16()?;
                Ok(Self::Array(count, Box::new(Self::decode(reader, depth)?)))
            }
            Some(Tag::Structure) => {
                let count = reader.length()?;
                if count > reader.len() {
                    return Err(DecodeError::Truncated);
                }
                let mut elements = Vec::with_capacity(count.min(32));
                for _ in 0..count {
                    elements.push(Self::decode(reader, depth)?);
                }
                Ok(Self::Structure(elements))
            }
            Some(Tag::CompactArray) | None => Err(DecodeError::UnknownTag { what: "type description", tag: byte }),
            Some(simple) => Ok(Self::Simple(simple)),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Simple(tag) => out.push(*tag as u8),
            Self::Array(count, element) => {
                out.push(Tag::Array as u8);
                out.extend_from_slice(&count.to_be_bytes());
                element.encode(out);
            }
            Self::Structure(elements) => {
                out.push(Tag::Structure as u8);
                crate::wire::put_length(out, elements.len());
                for element in elements {
                    element.encode(out);
                }
            }
        }
    }

    fn decode_content(&self, reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Value, DecodeError> {
        budget.spend()?;
        match self {
            Self::Simple(tag) => decode_simple(*tag, reader),
            Self::Array(count, element) => {
                (0..*count).map(|_| element.decode_content(reader, budget)).collect::<Result<_, _>>().map(Value::Array)
            }
            Self::Structure(elements) => elements
                .iter()
                .map(|element| element.decode_content(reader, budget))
                .collect::<Result<_, _>>()
                .map(Value::Structure),
        }
    }

    fn encode_content(&self, value: &Value, out: &mut Vec<u8>) {
        match (self, value) {
            (Self::Array(_, element), Value::Array(values)) => {
                for value in values {
                    element.encode_content(value, out);
                }
            }
            (Self::Structure(elements), Value::Structure(values)) => {
                for (element, value) in elements.iter().zip(values) {
                    element.encode_content(value, out);
                }
            }
            (_, value) => encode_content(value, out),
        }
    }

    fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Simple(tag), value) => *tag == value.tag(),
            (Self::Array(count, element), Value::Array(values)) => {
                values.len() == usize::from(*count) && values.iter().all(|value| element.fits(value))
            }
            (Self::Structure(elements), Value::Structure(values)) => {
                elements.len() == values.len() && elements.iter().zip(values).all(|(e, v)| e.fits(v))
            }
            _ => false,
        }
    }
}

/// A list of elements of one described type.
#[derive(Clone, Debug, PartialEq)]
pub struct CompactArray {
    element: TypeDescription,
    elements: Vec<Value>,
}

impl CompactArray {
    /// These elements under that type; `None` when one does not fit it.
    #[must_use]
    pub fn new(element: TypeDescription, elements: Vec<Value>) -> Option<Self> {
        elements.iter().all(|value| element.fits(value)).then_some(Self { element, elements })
    }

    /// The type.
    #[must_use]
    pub const fn element(&self) -> &TypeDescription {
        &self.element
    }

    /// The elements.
    #[must_use]
    pub fn elements(&self) -> &[Value] {
        &self.elements
    }

    pub(super) fn decode(element: TypeDescription, contents: &[u8], budget: &mut Budget) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(contents);
        let mut elements = Vec::new();
        while !reader.is_empty() {
            let before = reader.len();
            elements.push(element.decode_content(&mut reader, budget)?);
            if reader.len() == before {
                return Err(DecodeError::TooMany);
            }
        }
        Ok(Self { element, elements })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.element.encode(out);
        let mut contents = Vec::new();
        for value in &self.elements {
            self.element.encode_content(value, &mut contents);
        }
        put_octets(out, &contents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axdr::{decode_all, encode};

    #[test]
    fn elements_that_take_no_bytes_do_not_multiply() {
        // array[65535] of array[65535] of null, one byte of contents: 4 · 10⁹ values announced in 10 bytes.
        let bytes = [0x13, 0x01, 0xFF, 0xFF, 0x01, 0xFF, 0xFF, 0x00, 0x01, 0x00];
        assert_eq!(decode_all(&bytes), Err(DecodeError::TooMany));
        assert_eq!(decode_all(&[0x13, 0x00, 0x01, 0x00]), Err(DecodeError::TooMany));
    }

    /// A profile whose meter leaves most columns out, as null-data.
    #[test]
    fn columns_of_null_data_are_taken() {
        let mut bytes = vec![0x13, 0x02, 7, 0, 0, 0, 0, 0, 0, 0x12, 0x81, 200];
        bytes.extend((0..100_u16).flat_map(u16::to_be_bytes));
        let Ok(Value::CompactArray(rows)) = decode_all(&bytes) else { panic!("refused") };
        assert_eq!(rows.elements().len(), 100);
        assert_eq!(rows.elements()[99].elements().unwrap()[6], Value::U16(99));
    }

    #[test]
    fn nested_descriptions_go_both_ways() {
        let pair = TypeDescription::Array(2, Box::new(TypeDescription::Simple(Tag::LongUnsigned)));
        let row = TypeDescription::Structure(vec![TypeDescription::Simple(Tag::OctetString), pair]);
        let value = |a, b, c: &str| {
            Value::Structure(vec![Value::OctetString(c.into()), Value::Array(vec![Value::U16(a), Value::U16(b)])])
        };
        let rows = vec![value(1, 2, "x"), value(3, 4, "a longer one than stays inline")];
        let array = Value::CompactArray(Box::new(CompactArray::new(row.clone(), rows).unwrap()));
        let mut bytes = Vec::new();
        encode(&array, &mut bytes);
        assert_eq!(decode_all(&bytes), Ok(array));
        assert_eq!(CompactArray::new(row, vec![Value::Null]), None);
    }
}
