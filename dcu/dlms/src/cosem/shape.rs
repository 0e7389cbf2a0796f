//! Shapes: which type an attribute or a parameter has, down to the names of the fields.

use crate::axdr::{BitString, Date, DateTime, Octets, Tag, Time, Value};

/// A date-time with nothing specified.
pub const STAMP_UNSPECIFIED: DateTime = DateTime {
    date: Date { year: 0xFFFF, month: 0xFF, day_of_month: 0xFF, day_of_week: 0xFF },
    time: Time { hour: 0xFF, minute: 0xFF, second: 0xFF, hundredths: 0xFF },
    deviation_min: DateTime::DEVIATION_UNSPECIFIED,
    status: 0xFF,
};

/// Type of a value as its interface class prescribes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A CHOICE: the instance fixes the type (the value of a register, a threshold).
    Any,
    /// The public sources name the attribute and not its type: whatever comes is taken as it is.
    Open,
    /// One simple type.
    Simple(Tag),
    /// octet-string of that many bytes (6: a logical name).
    Octets(usize),
    /// Date-time: octet-string of 12 bytes, or the type of that name.
    Stamp,
    /// Date: octet-string of 5 bytes, or the type of that name.
    Date,
    /// Time: octet-string of 4 bytes, or the type of that name.
    Time,
    /// Any number of elements of one shape; a compact array of them will do.
    Array(&'static Self),
    /// Named fields in this order.
    Structure(&'static [(&'static str, Self)]),
}

impl Shape {
    /// The value has this shape exactly (integers of another width do not fit).
    #[must_use]
    pub fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Any | Self::Open => true,
            Self::Simple(tag) => value.tag() == *tag,
            Self::Octets(length) => matches!(value, Value::OctetString(bytes) if bytes.len() == *length),
            Self::Stamp => matches!(value, Value::OctetString(b) if b.is_empty()) || value.date_time().is_some(),
            Self::Date => {
                matches!(value, Value::Date(_)) || octets::<5>(value).is_some_and(|b| Date::from_octets(b).is_ok())
            }
            Self::Time => {
                matches!(value, Value::Time(_)) || octets::<4>(value).is_some_and(|b| Time::from_octets(b).is_ok())
            }
            Self::Array(element) => match value {
                Value::Array(elements) => elements.iter().all(|value| element.fits(value)),
                Value::CompactArray(array) => array.elements().iter().all(|value| element.fits(value)),
                _ => false,
            },
            Self::Structure(fields) => match value {
                Value::Structure(values) => {
                    values.len() == fields.len() && fields.iter().zip(values).all(|((_, shape), v)| shape.fits(v))
                }
                _ => false,
            },
        }
    }

    /// The value of a fresh object: zero, empty, unspecified; null where the type is open.
    #[must_use]
    pub fn zero(&self) -> Value {
        match self {
            Self::Any | Self::Open => Value::Null,
            Self::Simple(tag) => zero_of(*tag),
            Self::Octets(length) => Value::OctetString(Octets::from(vec![0; *length].as_slice())),
            Self::Stamp => Value::OctetString(STAMP_UNSPECIFIED.to_octets().into()),
            Self::Date => Value::OctetString(STAMP_UNSPECIFIED.date.to_octets().into()),
            Self::Time => Value::OctetString(STAMP_UNSPECIFIED.time.to_octets().into()),
            Self::Array(_) => Value::Array(Vec::new()),
            Self::Structure(fields) => Value::Structure(fields.iter().map(|(_, shape)| shape.zero()).collect()),
        }
    }

    /// The value of a fresh object, in the type that the instance has where the class leaves it open.
    #[must_use]
    pub fn zero_like(&self, held: &Value) -> Value {
        if matches!(self, Self::Any | Self::Open) { zeroed(held) } else { self.zero() }
    }

    /// A field of a structure by its name.
    #[must_use]
    pub fn field<'v>(&self, value: &'v Value, name: &str) -> Option<&'v Value> {
        let Self::Structure(fields) = self else { return None };
        let index = fields.iter().position(|(field, _)| *field == name)?;
        match value {
            Value::Structure(values) => values.get(index),
            _ => None,
        }
    }
}

/// Zero of the value's own type, arrays and structures emptied field by field.
#[must_use]
pub fn zeroed(value: &Value) -> Value {
    match value {
        Value::Structure(fields) => Value::Structure(fields.iter().map(zeroed).collect()),
        simple => zero_of(simple.tag()),
    }
}

fn zero_of(tag: Tag) -> Value {
    match tag {
        Tag::Null | Tag::CompactArray => Value::Null,
        Tag::DontCare => Value::DontCare,
        Tag::Array => Value::Array(Vec::new()),
        Tag::Structure => Value::Structure(Vec::new()),
        Tag::Boolean => Value::Bool(false),
        Tag::BitString => BitString::new(0, &[]).map_or(Value::Null, Value::BitString),
        Tag::DoubleLong => Value::I32(0),
        Tag::DoubleLongUnsigned => Value::U32(0),
        Tag::OctetString => Value::OctetString(Octets::from("")),
        Tag::VisibleString => Value::VisibleString(Octets::from("")),
        Tag::Utf8String => Value::Utf8String(Octets::from("")),
        Tag::Bcd => Value::Bcd(0),
        Tag::Integer => Value::I8(0),
        Tag::Long => Value::I16(0),
        Tag::Unsigned => Value::U8(0),
        Tag::LongUnsigned => Value::U16(0),
        Tag::Long64 => Value::I64(0),
        Tag::Long64Unsigned => Value::U64(0),
        Tag::Enum => Value::Enum(0),
        Tag::Float32 => Value::F32(0.0),
        Tag::Float64 => Value::F64(0.0),
        Tag::DateTime => Value::DateTime(STAMP_UNSPECIFIED),
        Tag::Date => Value::Date(STAMP_UNSPECIFIED.date),
        Tag::Time => Value::Time(STAMP_UNSPECIFIED.time),
        Tag::DeltaInteger => Value::DeltaI8(0),
        Tag::DeltaLong => Value::DeltaI16(0),
        Tag::DeltaDoubleLong => Value::DeltaI32(0),
        Tag::DeltaUnsigned => Value::DeltaU8(0),
        Tag::DeltaLongUnsigned => Value::DeltaU16(0),
        Tag::DeltaDoubleLongUnsigned => Value::DeltaU32(0),
    }
}

/// The bytes of an octet string of exactly that length.
pub(super) fn octets<const N: usize>(value: &Value) -> Option<[u8; N]> {
    match value {
        Value::OctetString(bytes) => bytes.as_slice().try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Shape = Shape::Structure(&[("number", Shape::Simple(Tag::LongUnsigned)), ("name", Shape::Octets(6))]);
    const LIST: Shape = Shape::Array(&PAIR);

    #[test]
    fn a_zero_fits_its_shape_and_a_neighbour_does_not() {
        for shape in [PAIR, LIST, Shape::Stamp, Shape::Date, Shape::Time, Shape::Simple(Tag::BitString)] {
            assert!(shape.fits(&shape.zero()), "{shape:?}");
            assert!(!shape.fits(&Value::Bcd(0)), "{shape:?}");
        }
        let short = Value::Structure(vec![Value::U16(1), Value::OctetString([0; 5].into())]);
        assert!(!PAIR.fits(&short));
        assert!(!LIST.fits(&Value::Array(vec![short])));
    }

    #[test]
    fn fields_are_found_by_name() {
        let value = Value::Structure(vec![Value::U16(7), Value::OctetString([0; 6].into())]);
        assert_eq!(PAIR.field(&value, "number"), Some(&Value::U16(7)));
        assert_eq!(PAIR.field(&value, "colour"), None);
    }
}
