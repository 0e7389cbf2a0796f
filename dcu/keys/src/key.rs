//! A symmetric key.

use std::fmt;

use zeroize::ZeroizeOnDrop;

/// An AES key of 128 or 256 bits.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub enum Key {
    /// 128 bits: security suites 0 and 1.
    Aes128([u8; 16]),
    /// 256 bits: security suite 2, and master keys.
    Aes256([u8; 32]),
}

impl Key {
    /// From 16 or 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            16 => bytes.try_into().ok().map(Self::Aes128),
            32 => bytes.try_into().ok().map(Self::Aes256),
            _ => None,
        }
    }

    /// The bytes, for the one place that needs them.
    #[must_use]
    pub const fn expose(&self) -> &[u8] {
        match self {
            Self::Aes128(bytes) => bytes,
            Self::Aes256(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes128(_) => "Aes128(..)",
            Self::Aes256(_) => "Aes256(..)",
        })
    }
}
