//! Access rights, in the encodings of the versions of Association LN (Blue Book 4.4.4 and its older versions).
//!
//! | version | attribute | method |
//! |---|---|---|
//! | 0 | 0 none, 1 read, 2 write, 3 both | boolean |
//! | 1, 2 | also 4–6: the same, authenticated | 0 none, 1 access, 2 authenticated |
//! | 3 | bits: 0 read, 1 write, 2–4 request authenticated, encrypted, signed, 5–7 response | bit 0 access, 2–7 same |
//!
//! All are held as the bits of version 3.

use crate::axdr::Value;

/// What may be done, and how messages must be protected: bits of version 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mode(pub u8);

impl Mode {
    /// Read; for a method, call.
    pub const READ: u8 = 0x01;
    /// Write.
    pub const WRITE: u8 = 0x02;
    /// The request must be authenticated.
    pub const REQUEST_AUTHENTICATED: u8 = 0x04;
    /// The request must be encrypted.
    pub const REQUEST_ENCRYPTED: u8 = 0x08;
    /// The request must be signed.
    pub const REQUEST_SIGNED: u8 = 0x10;
    /// The response is authenticated.
    pub const RESPONSE_AUTHENTICATED: u8 = 0x20;
    /// The response is encrypted.
    pub const RESPONSE_ENCRYPTED: u8 = 0x40;
    /// The response is signed.
    pub const RESPONSE_SIGNED: u8 = 0x80;

    const AUTHENTICATED: u8 = Self::REQUEST_AUTHENTICATED | Self::RESPONSE_AUTHENTICATED;

    /// Reading is allowed.
    #[must_use]
    pub const fn reads(self) -> bool {
        self.0 & Self::READ != 0
    }

    /// Writing is allowed.
    #[must_use]
    pub const fn writes(self) -> bool {
        self.0 & Self::WRITE != 0
    }

    /// Calling is allowed.
    #[must_use]
    pub const fn calls(self) -> bool {
        self.0 & Self::READ != 0
    }

    /// Of an attribute, from the encoding of that version.
    #[must_use]
    pub fn of_attribute(version: u8, value: &Value) -> Option<Self> {
        let code = code(value)?;
        Some(Self(match (version, code) {
            (3.., bits) => bits,
            (_, 0..=3) => code,
            (1 | 2, 4..=6) => code.saturating_sub(3) | Self::AUTHENTICATED,
            _ => return None,
        }))
    }

    /// Of a method, from the encoding of that version.
    #[must_use]
    pub fn of_method(version: u8, value: &Value) -> Option<Self> {
        if let Value::Bool(allowed) = value {
            return Some(Self(u8::from(*allowed)));
        }
        let code = code(value)?;
        Some(Self(match (version, code) {
            (3.., bits) => bits,
            (_, 0 | 1) => code,
            (1 | 2, 2) => Self::READ | Self::AUTHENTICATED,
            _ => return None,
        }))
    }

    /// In the encoding of that version; protection that it cannot express is left out.
    #[must_use]
    pub const fn attribute_value(self, version: u8) -> Value {
        let access = self.0 & 3;
        Value::Enum(match version {
            3.. => self.0,
            1 | 2 if self.0 & Self::AUTHENTICATED != 0 && access != 0 => access.saturating_add(3),
            _ => access,
        })
    }

    /// In the encoding of that version.
    #[must_use]
    pub const fn method_value(self, version: u8) -> Value {
        match version {
            0 => Value::Bool(self.calls()),
            1 | 2 if self.0 & Self::AUTHENTICATED != 0 && self.calls() => Value::Enum(2),
            1 | 2 => Value::Enum(self.0 & 1),
            _ => Value::Enum(self.0),
        }
    }
}

fn code(value: &Value) -> Option<u8> {
    match value {
        Value::Enum(code) | Value::U8(code) => Some(*code),
        _ => None,
    }
}

/// Rights on one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeRight {
    /// Attribute number.
    pub id: i8,
    /// What may be done.
    pub mode: Mode,
    /// Selectors taken.
    pub selectors: Box<[i8]>,
}

/// Rights on one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodRight {
    /// Method number.
    pub id: i8,
    /// Whether it may be called.
    pub mode: Mode,
}

/// Rights on an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// By attribute.
    pub attributes: Box<[AttributeRight]>,
    /// By method.
    pub methods: Box<[MethodRight]>,
}

impl Rights {
    /// From the two lists of an object: attributes and methods.
    pub(super) fn read(version: u8, attributes: &Value, methods: &Value) -> Option<Self> {
        let attribute = |item: &Value| match item.elements()? {
            [Value::I8(id), mode, selectors] => Some(AttributeRight {
                id: *id,
                mode: Mode::of_attribute(version, mode)?,
                selectors: selectors_of(selectors)?,
            }),
            _ => None,
        };
        let method = |item: &Value| match item.elements()? {
            [Value::I8(id), mode] => Some(MethodRight { id: *id, mode: Mode::of_method(version, mode)? }),
            _ => None,
        };
        Some(Self {
            attributes: attributes.elements()?.iter().map(attribute).collect::<Option<_>>()?,
            methods: methods.elements()?.iter().map(method).collect::<Option<_>>()?,
        })
    }

    /// As the structure of the object list.
    #[must_use]
    pub fn to_value(&self, version: u8) -> Value {
        let attribute = |right: &AttributeRight| {
            let selectors = match right.selectors.as_ref() {
                [] => Value::Null,
                selectors => Value::Array(selectors.iter().map(|selector| Value::I8(*selector)).collect()),
            };
            Value::Structure(vec![Value::I8(right.id), right.mode.attribute_value(version), selectors])
        };
        let method =
            |right: &MethodRight| Value::Structure(vec![Value::I8(right.id), right.mode.method_value(version)]);
        Value::Structure(vec![
            Value::Array(self.attributes.iter().map(attribute).collect()),
            Value::Array(self.methods.iter().map(method).collect()),
        ])
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let selectors: usize = self.attributes.iter().map(|right| right.selectors.len()).sum();
        self.attributes
            .len()
            .saturating_mul(size_of::<AttributeRight>())
            .saturating_add(self.methods.len().saturating_mul(size_of::<MethodRight>()))
            .saturating_add(selectors)
            .saturating_add(size_of::<Self>())
    }
}

fn selectors_of(value: &Value) -> Option<Box<[i8]>> {
    match value {
        Value::Null => Some([].into()),
        list => list.elements()?.iter().map(|item| item.as_i64()?.try_into().ok()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_its_own_codes() {
        let attribute = |version, code| Mode::of_attribute(version, &Value::Enum(code));
        assert_eq!(attribute(0, 3), Some(Mode(3)));
        assert_eq!(attribute(0, 4), None, "version 0 knows no authentication");
        assert_eq!(attribute(1, 6), Some(Mode(0x27)));
        assert_eq!(attribute(2, 5), Some(Mode(0x26)));
        assert_eq!(attribute(3, 5), Some(Mode(0x05)), "bits: read, authenticated request");
        assert_eq!(Mode::of_method(0, &Value::Bool(true)), Some(Mode(1)));
        assert_eq!(Mode::of_method(1, &Value::Enum(2)), Some(Mode(0x25)));
        assert_eq!(Mode::of_method(3, &Value::Enum(0x4D)), Some(Mode(0x4D)));
    }

    #[test]
    fn modes_go_both_ways_where_the_version_can_say_them() {
        for (version, codes) in [(0, 0..4_u8), (1, 0..7), (2, 0..7), (3, 0..255)] {
            for code in codes {
                let value = Value::Enum(code);
                let mode = Mode::of_attribute(version, &value).unwrap();
                assert_eq!(mode.attribute_value(version), value, "version {version}");
            }
        }
        for (version, value) in [(0, Value::Bool(true)), (1, Value::Enum(2)), (2, Value::Enum(1)), (3, Value::Enum(9))]
        {
            assert_eq!(Mode::of_method(version, &value).unwrap().method_value(version), value);
        }
    }
}
