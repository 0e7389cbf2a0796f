//! The tags of the data types (Blue Book table "common data types").

/// First byte of an encoded value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum Tag {
    Null = 0,
    Array = 1,
    Structure = 2,
    Boolean = 3,
    BitString = 4,
    DoubleLong = 5,
    DoubleLongUnsigned = 6,
    OctetString = 9,
    VisibleString = 10,
    Utf8String = 12,
    Bcd = 13,
    Integer = 15,
    Long = 16,
    Unsigned = 17,
    LongUnsigned = 18,
    CompactArray = 19,
    Long64 = 20,
    Long64Unsigned = 21,
    Enum = 22,
    Float32 = 23,
    Float64 = 24,
    DateTime = 25,
    Date = 26,
    Time = 27,
    DeltaInteger = 28,
    DeltaLong = 29,
    DeltaDoubleLong = 30,
    DeltaUnsigned = 31,
    DeltaLongUnsigned = 32,
    DeltaDoubleLongUnsigned = 33,
    DontCare = 255,
}

impl Tag {
    /// The tag of that number.
    #[must_use]
    #[inline]
    pub const fn from_u8(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Null,
            1 => Self::Array,
            2 => Self::Structure,
            3 => Self::Boolean,
            4 => Self::BitString,
            5 => Self::DoubleLong,
            6 => Self::DoubleLongUnsigned,
            9 => Self::OctetString,
            10 => Self::VisibleString,
            12 => Self::Utf8String,
            13 => Self::Bcd,
            15 => Self::Integer,
            16 => Self::Long,
            17 => Self::Unsigned,
            18 => Self::LongUnsigned,
            19 => Self::CompactArray,
            20 => Self::Long64,
            21 => Self::Long64Unsigned,
            22 => Self::Enum,
            23 => Self::Float32,
            24 => Self::Float64,
            25 => Self::DateTime,
            26 => Self::Date,
            27 => Self::Time,
            28 => Self::DeltaInteger,
            29 => Self::DeltaLong,
            30 => Self::DeltaDoubleLong,
            31 => Self::DeltaUnsigned,
            32 => Self::DeltaLongUnsigned,
            33 => Self::DeltaDoubleLongUnsigned,
            255 => Self::DontCare,
            _ => return None,
        })
    }

    /// Length of the content where it is fixed.
    #[must_use]
    pub const fn fixed_length(self) -> Option<usize> {
        Some(match self {
            Self::Null | Self::DontCare => 0,
            Self::Boolean
            | Self::Bcd
            | Self::Integer
            | Self::Unsigned
            | Self::Enum
            | Self::DeltaInteger
            | Self::DeltaUnsigned => 1,
            Self::Long | Self::LongUnsigned | Self::DeltaLong | Self::DeltaLongUnsigned => 2,
            Self::DoubleLong
            | Self::DoubleLongUnsigned
            | Self::Float32
            | Self::Time
            | Self::DeltaDoubleLong
            | Self::DeltaDoubleLongUnsigned => 4,
            Self::Date => 5,
            Self::Long64 | Self::Long64Unsigned | Self::Float64 => 8,
            Self::DateTime => 12,
            Self::Array
            | Self::Structure
            | Self::BitString
            | Self::OctetString
            | Self::VisibleString
            | Self::Utf8String
            | Self::CompactArray => return None,
        })
    }
}
