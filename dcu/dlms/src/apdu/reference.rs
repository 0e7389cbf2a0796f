//! What a request points at: attribute and method descriptors, and selective access.

use std::fmt;

use crate::error::DecodeError;
use crate::obis::Obis;
use crate::wire::Reader;

/// An attribute by logical name: class, OBIS code, number (1 is the logical name itself).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeRef {
    /// Interface class.
    pub class: u16,
    /// Logical name.
    pub obis: Obis,
    /// Attribute number; 0 means all.
    pub attribute: i8,
}

/// A method by logical name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MethodRef {
    /// Interface class.
    pub class: u16,
    /// Logical name.
    pub obis: Obis,
    /// Method number, from 1.
    pub method: i8,
}

impl AttributeRef {
    /// The attribute of that class, object and number.
    #[must_use]
    pub const fn new(class: u16, obis: Obis, attribute: i8) -> Self {
        Self { class, obis, attribute }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { class: reader.u16()?, obis: Obis(reader.array()?), attribute: i8::from_be_bytes(reader.array()?) })
    }

    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&descriptor(self.class, self.obis, self.attribute));
    }
}

impl MethodRef {
    /// The method of that class, object and number.
    #[must_use]
    pub const fn new(class: u16, obis: Obis, method: i8) -> Self {
        Self { class, obis, method }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { class: reader.u16()?, obis: Obis(reader.array()?), method: i8::from_be_bytes(reader.array()?) })
    }

    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&descriptor(self.class, self.obis, self.method));
    }
}

const fn descriptor(class: u16, obis: Obis, number: i8) -> [u8; 9] {
    let [c1, c0] = class.to_be_bytes();
    let [a, b, c, d, e, f] = obis.0;
    let [n] = number.to_be_bytes();
    [c1, c0, a, b, c, d, e, f, n]
}

impl fmt::Debug for AttributeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.class, self.obis, self.attribute)
    }
}

impl fmt::Debug for MethodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}()", self.class, self.obis, self.method)
    }
}

/// Selective access: which part of an attribute. The parameters stay encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection<'a> {
    /// 1 by range, 2 by entry for a profile.
    pub selector: u8,
    /// One encoded value.
    pub parameters: &'a [u8],
}

impl<'a> Selection<'a> {
    pub(crate) fn decode_optional(reader: &mut Reader<'a>) -> Result<Option<Self>, DecodeError> {
        if !reader.present()? {
            return Ok(None);
        }
        Self::decode(reader).map(Some)
    }

    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { selector: reader.u8()?, parameters: crate::axdr::skip(reader)? })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.selector);
        out.extend_from_slice(self.parameters);
    }

    pub(crate) fn encode_optional(selection: Option<Self>, out: &mut Vec<u8>) {
        match selection {
            None => out.push(0),
            Some(selection) => {
                out.push(1);
                selection.encode(out);
            }
        }
    }
}
