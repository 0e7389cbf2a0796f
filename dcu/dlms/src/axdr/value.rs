//! One COSEM value.

use super::{BitString, CompactArray, Date, DateTime, Octets, Tag, Time};

/// A decoded value. Variants bear Rust's names; the standard's stand beside them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// null-data.
    Null,
    /// array: elements of one type.
    Array(Vec<Self>),
    /// structure: elements of mixed types.
    Structure(Vec<Self>),
    /// boolean.
    Bool(bool),
    /// bit-string.
    BitString(BitString),
    /// double-long.
    I32(i32),
    /// double-long-unsigned.
    U32(u32),
    /// octet-string.
    OctetString(Octets),
    /// visible-string (ASCII; kept as bytes because meters put other things in).
    VisibleString(Octets),
    /// utf8-string (kept as bytes for the same reason).
    Utf8String(Octets),
    /// bcd: two digits.
    Bcd(u8),
    /// integer.
    I8(i8),
    /// long.
    I16(i16),
    /// unsigned.
    U8(u8),
    /// long-unsigned.
    U16(u16),
    /// compact-array.
    CompactArray(Box<CompactArray>),
    /// long64.
    I64(i64),
    /// long64-unsigned.
    U64(u64),
    /// enum.
    Enum(u8),
    /// float32.
    F32(f32),
    /// float64.
    F64(f64),
    /// date-time (tag 25; most meters send an octet string instead).
    DateTime(DateTime),
    /// date.
    Date(Date),
    /// time.
    Time(Time),
    /// delta-integer: what is added to (or, unsigned, the growth over) the value before it in a column.
    DeltaI8(i8),
    /// delta-long.
    DeltaI16(i16),
    /// delta-double-long.
    DeltaI32(i32),
    /// delta-unsigned.
    DeltaU8(u8),
    /// delta-long-unsigned.
    DeltaU16(u16),
    /// delta-double-long-unsigned.
    DeltaU32(u32),
    /// don't-care.
    DontCare,
}

impl Value {
    /// The tag under which it is encoded.
    #[must_use]
    pub const fn tag(&self) -> Tag {
        match self {
            Self::Null => Tag::Null,
            Self::Array(_) => Tag::Array,
            Self::Structure(_) => Tag::Structure,
            Self::Bool(_) => Tag::Boolean,
            Self::BitString(_) => Tag::BitString,
            Self::I32(_) => Tag::DoubleLong,
            Self::U32(_) => Tag::DoubleLongUnsigned,
            Self::OctetString(_) => Tag::OctetString,
            Self::VisibleString(_) => Tag::VisibleString,
            Self::Utf8String(_) => Tag::Utf8String,
            Self::Bcd(_) => Tag::Bcd,
            Self::I8(_) => Tag::Integer,
            Self::I16(_) => Tag::Long,
            Self::U8(_) => Tag::Unsigned,
            Self::U16(_) => Tag::LongUnsigned,
            Self::CompactArray(_) => Tag::CompactArray,
            Self::I64(_) => Tag::Long64,
            Self::U64(_) => Tag::Long64Unsigned,
            Self::Enum(_) => Tag::Enum,
            Self::F32(_) => Tag::Float32,
            Self::F64(_) => Tag::Float64,
            Self::DateTime(_) => Tag::DateTime,
            Self::Date(_) => Tag::Date,
            Self::Time(_) => Tag::Time,
            Self::DeltaI8(_) => Tag::DeltaInteger,
            Self::DeltaI16(_) => Tag::DeltaLong,
            Self::DeltaI32(_) => Tag::DeltaDoubleLong,
            Self::DeltaU8(_) => Tag::DeltaUnsigned,
            Self::DeltaU16(_) => Tag::DeltaLongUnsigned,
            Self::DeltaU32(_) => Tag::DeltaDoubleLongUnsigned,
            Self::DontCare => Tag::DontCare,
        }
    }

    /// Any of the integer types (enum and bcd are none).
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::I8(v) => Some(v.into()),
            Self::I16(v) => Some(v.into()),
            Self::I32(v) => Some(v.into()),
            Self::I64(v) => Some(v),
            Self::U8(v) => Some(v.into()),
            Self::U16(v) => Some(v.into()),
            Self::U32(v) => Some(v.into()),
            Self::U64(v) => i64::try_from(v).ok(),
            _ => None,
        }
    }

    /// Any of the integer types, when not negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::U64(v) => Some(v),
            ref other => other.as_i64().and_then(|v| u64::try_from(v).ok()),
        }
    }

    /// Any of the delta types: the difference to the value before.
    #[must_use]
    pub fn delta(&self) -> Option<i64> {
        match *self {
            Self::DeltaI8(v) => Some(v.into()),
            Self::DeltaI16(v) => Some(v.into()),
            Self::DeltaI32(v) => Some(v.into()),
            Self::DeltaU8(v) => Some(v.into()),
            Self::DeltaU16(v) => Some(v.into()),
            Self::DeltaU32(v) => Some(v.into()),
            _ => None,
        }
    }

    /// This integer with a difference added, in the same type; `None` beyond its range or for another type.
    #[must_use]
    pub fn plus(&self, delta: i64) -> Option<Self> {
        if let Self::U64(v) = *self {
            return v.checked_add_signed(delta).map(Self::U64);
        }
        let sum = self.as_i64()?.checked_add(delta)?;
        match self {
            Self::I8(_) => sum.try_into().ok().map(Self::I8),
            Self::I16(_) => sum.try_into().ok().map(Self::I16),
            Self::I32(_) => sum.try_into().ok().map(Self::I32),
            Self::I64(_) => Some(Self::I64(sum)),
            Self::U8(_) => sum.try_into().ok().map(Self::U8),
            Self::U16(_) => sum.try_into().ok().map(Self::U16),
            Self::U32(_) => sum.try_into().ok().map(Self::U32),
            _ => None,
        }
    }

    /// boolean, or the `1`/`0` that some meters send in its place.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(v) => Some(v),
            Self::U8(v @ (0 | 1)) | Self::Enum(v @ (0 | 1)) => Some(v == 1),
            _ => None,
        }
    }

    /// enum.
    #[must_use]
    pub const fn as_enum(&self) -> Option<u8> {
        match *self {
            Self::Enum(v) => Some(v),
            _ => None,
        }
    }

    /// octet-string, visible-string or utf8-string.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::OctetString(v) | Self::VisibleString(v) | Self::Utf8String(v) => Some(v),
            _ => None,
        }
    }

    /// array, structure, or the rows of a compact array.
    #[must_use]
    pub fn elements(&self) -> Option<&[Self]> {
        match self {
            Self::Array(v) | Self::Structure(v) => Some(v),
            Self::CompactArray(v) => Some(v.elements()),
            _ => None,
        }
    }

    /// A date-time in either of its two forms.
    #[must_use]
    pub fn date_time(&self) -> Option<DateTime> {
        match self {
            Self::DateTime(v) => Some(*v),
            Self::OctetString(v) => DateTime::from_octets(v.as_slice().try_into().ok()?).ok(),
            _ => None,
        }
    }
}
