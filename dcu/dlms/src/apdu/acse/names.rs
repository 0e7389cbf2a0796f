//! What ACSE calls by object identifiers: application contexts and authentication mechanisms.

/// How objects are named and whether messages are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationContext {
    /// Logical names, no ciphering.
    Ln,
    /// Short names, no ciphering.
    Sn,
    /// Logical names, ciphering.
    LnCiphered,
    /// Short names, ciphering.
    SnCiphered,
    /// Another number.
    Unknown(u8),
}

impl ApplicationContext {
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Ln => 1,
            Self::Sn => 2,
            Self::LnCiphered => 3,
            Self::SnCiphered => 4,
            Self::Unknown(number) => number,
        }
    }

    pub(super) const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Ln,
            2 => Self::Sn,
            3 => Self::LnCiphered,
            4 => Self::SnCiphered,
            other => Self::Unknown(other),
        }
    }
}

/// How the client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Not at all.
    Lowest,
    /// By a password.
    Low,
    /// High-level, manufacturer's own.
    HighManufacturer,
    /// High-level, MD5.
    HighMd5,
    /// High-level, SHA-1.
    HighSha1,
    /// High-level, GMAC.
    HighGmac,
    /// High-level, SHA-256.
    HighSha256,
    /// High-level, ECDSA.
    HighEcdsa,
    /// Another number.
    Unknown(u8),
}

impl Mechanism {
    /// The number in the object identifier.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Lowest => 0,
            Self::Low => 1,
            Self::HighManufacturer => 2,
            Self::HighMd5 => 3,
            Self::HighSha1 => 4,
            Self::HighGmac => 5,
            Self::HighSha256 => 6,
            Self::HighEcdsa => 7,
            Self::Unknown(number) => number,
        }
    }

    /// The mechanism of that number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Lowest,
            1 => Self::Low,
            2 => Self::HighManufacturer,
            3 => Self::HighMd5,
            4 => Self::HighSha1,
            5 => Self::HighGmac,
            6 => Self::HighSha256,
            7 => Self::HighEcdsa,
            other => Self::Unknown(other),
        }
    }
}
