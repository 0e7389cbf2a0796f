//! Rust types for COSEM types: what a class table is written in.
//!
//! Reading is lenient where meters in the field are sloppy and nothing can be misread (an integer of another width
//! that fits, a null or an empty string for an unspecified date-time); writing is exact.

use std::fmt;

use super::shape::{STAMP_UNSPECIFIED, octets};
use super::{CaptureObject, Shape};
use crate::axdr::{BitString, Date, DateTime, Octets, Tag, Time, Value, decode_all, encode};
use crate::obis::Obis;

/// A type that travels as a COSEM value.
pub trait Cosem: Sized {
    /// Its shape.
    const SHAPE: Shape;
    /// From a value; `None` when it is of another type.
    fn from_value(value: &Value) -> Option<Self>;
    /// To a value of exactly [`Cosem::SHAPE`].
    fn to_value(&self) -> Value;
}

macro_rules! integers {
    ($( $type:ty, $variant:ident, $tag:ident; )*) => {$(
        impl Cosem for $type {
            const SHAPE: Shape = Shape::Simple(Tag::$tag);
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::U64(v) => (*v).try_into().ok(),
                    Value::Enum(v) | Value::Bcd(v) => (*v).try_into().ok(),
                    other => other.as_i64()?.try_into().ok(),
                }
            }
            fn to_value(&self) -> Value {
                Value::$variant(*self)
            }
        }
    )*};
}

integers! {
    i8, I8, Integer;
    i16, I16, Long;
    i32, I32, DoubleLong;
    i64, I64, Long64;
    u8, U8, Unsigned;
    u16, U16, LongUnsigned;
    u32, U32, DoubleLongUnsigned;
    u64, U64, Long64Unsigned;
}

impl Cosem for bool {
    const SHAPE: Shape = Shape::Simple(Tag::Boolean);
    fn from_value(value: &Value) -> Option<Self> {
        value.as_bool()
    }
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

/// The instance fixes the type.
impl Cosem for Value {
    const SHAPE: Shape = Shape::Any;
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl Cosem for Octets {
    const SHAPE: Shape = Shape::Simple(Tag::OctetString);
    fn from_value(value: &Value) -> Option<Self> {
        value.as_bytes().map(Self::from)
    }
    fn to_value(&self) -> Value {
        Value::OctetString(self.clone())
    }
}

impl Cosem for BitString {
    const SHAPE: Shape = Shape::Simple(Tag::BitString);
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::BitString(bits) => Some(bits.clone()),
            _ => None,
        }
    }
    fn to_value(&self) -> Value {
        Value::BitString(self.clone())
    }
}

impl Cosem for Obis {
    const SHAPE: Shape = Shape::Octets(6);
    fn from_value(value: &Value) -> Option<Self> {
        octets(value).map(Self)
    }
    fn to_value(&self) -> Value {
        Value::OctetString(self.0.into())
    }
}

impl Cosem for DateTime {
    const SHAPE: Shape = Shape::Stamp;
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(STAMP_UNSPECIFIED),
            Value::OctetString(bytes) if bytes.is_empty() => Some(STAMP_UNSPECIFIED),
            other => other.date_time(),
        }
    }
    fn to_value(&self) -> Value {
        Value::OctetString(self.to_octets().into())
    }
}

impl Cosem for Date {
    const SHAPE: Shape = Shape::Date;
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Date(date) => Some(*date),
            other => Self::from_octets(octets(other)?).ok(),
        }
    }
    fn to_value(&self) -> Value {
        Value::OctetString(self.to_octets().into())
    }
}

impl Cosem for Time {
    const SHAPE: Shape = Shape::Time;
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Time(time) => Some(*time),
            other => Self::from_octets(octets(other)?).ok(),
        }
    }
    fn to_value(&self) -> Value {
        Value::OctetString(self.to_octets().into())
    }
}

impl<T: Cosem> Cosem for Vec<T> {
    const SHAPE: Shape = Shape::Array(&T::SHAPE);
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Array(elements) => elements.iter().map(T::from_value).collect(),
            Value::CompactArray(array) => array.elements().iter().map(T::from_value).collect(),
            _ => None,
        }
    }
    fn to_value(&self) -> Value {
        Value::Array(self.iter().map(T::to_value).collect())
    }
}

impl Cosem for CaptureObject {
    const SHAPE: Shape = Shape::Structure(&[
        ("class_id", Shape::Simple(Tag::LongUnsigned)),
        ("logical_name", Shape::Octets(6)),
        ("attribute_index", Shape::Simple(Tag::Integer)),
        ("data_index", Shape::Simple(Tag::LongUnsigned)),
    ]);
    fn from_value(value: &Value) -> Option<Self> {
        Self::from_value(value)
    }
    fn to_value(&self) -> Value {
        let mut bytes = Vec::with_capacity(20);
        self.encode(&mut bytes);
        decode_all(&bytes).unwrap_or(Value::Null)
    }
}

/// `integer (0)`: the parameter of methods that need none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zero;

impl Cosem for Zero {
    const SHAPE: Shape = Shape::Simple(Tag::Integer);
    fn from_value(value: &Value) -> Option<Self> {
        value.as_i64().map(|_| Self)
    }
    fn to_value(&self) -> Value {
        Value::I8(0)
    }
}

/// visible-string.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(pub Octets);

impl Cosem for Text {
    const SHAPE: Shape = Shape::Simple(Tag::VisibleString);
    fn from_value(value: &Value) -> Option<Self> {
        value.as_bytes().map(|bytes| Self(Octets::from(bytes)))
    }
    fn to_value(&self) -> Value {
        Value::VisibleString(self.0.clone())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// utf8-string.
#[derive(Clone, PartialEq, Eq)]
pub struct Utf8(pub Octets);

impl Cosem for Utf8 {
    const SHAPE: Shape = Shape::Simple(Tag::Utf8String);
    fn from_value(value: &Value) -> Option<Self> {
        value.as_bytes().map(|bytes| Self(Octets::from(bytes)))
    }
    fn to_value(&self) -> Value {
        Value::Utf8String(self.0.clone())
    }
}

impl fmt::Debug for Utf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// An octet-string that must not be shown: a password, a wrapped or an authentication key.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub Octets);

impl Cosem for Hidden {
    const SHAPE: Shape = Shape::Simple(Tag::OctetString);
    fn from_value(value: &Value) -> Option<Self> {
        value.as_bytes().map(|bytes| Self(Octets::from(bytes)))
    }
    fn to_value(&self) -> Value {
        Value::OctetString(self.0.clone())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

/// An enum whose codes the public sources do not give, or a set of bits in an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u8);

impl Cosem for Code {
    const SHAPE: Shape = Shape::Simple(Tag::Enum);
    fn from_value(value: &Value) -> Option<Self> {
        u8::from_value(value).map(Self)
    }
    fn to_value(&self) -> Value {
        Value::Enum(self.0)
    }
}

/// A value whose type the public sources leave open.
#[derive(Clone, Debug, PartialEq)]
pub struct Open(pub Value);

impl Cosem for Open {
    const SHAPE: Shape = Shape::Open;
    fn from_value(value: &Value) -> Option<Self> {
        Some(Self(value.clone()))
    }
    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

/// The encoded form of a typed value.
#[must_use]
pub fn to_bytes<T: Cosem>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&value.to_value(), &mut bytes);
    bytes
}

/// A structure with named fields.
macro_rules! record {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$field_doc:meta])* $field:ident : $type:ty, )* } )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( #[doc = stringify!($field)] $(#[$field_doc])* pub $field: $type, )*
        }

        impl $crate::cosem::Cosem for $name {
            const SHAPE: $crate::cosem::Shape = $crate::cosem::Shape::Structure(&[
                $( (stringify!($field), <$type as $crate::cosem::Cosem>::SHAPE), )*
            ]);
            fn from_value(value: &$crate::axdr::Value) -> Option<Self> {
                let mut fields = value.elements()?.iter();
                let record = Self { $( $field: <$type as $crate::cosem::Cosem>::from_value(fields.next()?)?, )* };
                fields.next().is_none().then_some(record)
            }
            fn to_value(&self) -> $crate::axdr::Value {
                $crate::axdr::Value::Structure(vec![ $( $crate::cosem::Cosem::to_value(&self.$field), )* ])
            }
        }
    )*};
}
pub(crate) use record;

/// An enumeration; codes that the standard leaves undefined are kept.
macro_rules! enumeration {
    ($( $(#[$doc:meta])* $name:ident { $( $variant:ident = $code:literal, $words:literal; )* } )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $( #[doc = $words] $variant, )*
            /// A code that the standard does not define.
            Other(u8),
        }

        impl $name {
            /// The value of that code.
            #[must_use]
            pub const fn from_code(code: u8) -> Self {
                match code { $( $code => Self::$variant, )* other => Self::Other(other) }
            }

            /// The code.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $( Self::$variant => $code, )* Self::Other(code) => code }
            }
        }

        impl $crate::cosem::Cosem for $name {
            const SHAPE: $crate::cosem::Shape = $crate::cosem::Shape::Simple($crate::axdr::Tag::Enum);
            fn from_value(value: &$crate::axdr::Value) -> Option<Self> {
                // Some meters send an unsigned in its place.
                <u8 as $crate::cosem::Cosem>::from_value(value).map(Self::from_code)
            }
            fn to_value(&self) -> $crate::axdr::Value {
                $crate::axdr::Value::Enum(self.code())
            }
        }
    )*};
}
pub(crate) use enumeration;
