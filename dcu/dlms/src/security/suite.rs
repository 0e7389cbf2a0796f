//! Security suites, the security control byte, and system titles (Green Book 9.2.3.7, 9.2.7.2.4; Blue Book 4.4.7).

use std::fmt;

use taa_keys::Curve;

/// Which algorithms belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// AES-GCM-128, AES-128 key wrap.
    #[default]
    Zero,
    /// The same with ECDSA and ECDH on P-256, SHA-256.
    One,
    /// AES-GCM-256, AES-256 key wrap, ECDSA and ECDH on P-384, SHA-384.
    Two,
}

impl Suite {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Zero => 0,
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// The suite of that number; `None` for the reserved ones.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Zero),
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }

    /// Length of its symmetric keys, bits.
    #[must_use]
    pub const fn key_bits(self) -> usize {
        match self {
            Self::Zero | Self::One => 128,
            Self::Two => 256,
        }
    }

    /// Its curve; suite 0 has none.
    #[must_use]
    pub const fn curve(self) -> Option<Curve> {
        match self {
            Self::Zero => None,
            Self::One => Some(Curve::P256),
            Self::Two => Some(Curve::P384),
        }
    }
}

/// What is done to a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// It carries a tag.
    pub authenticated: bool,
    /// It cannot be read on the way.
    pub encrypted: bool,
}

impl Protection {
    /// Nothing.
    pub const NONE: Self = Self { authenticated: false, encrypted: false };
    /// A tag.
    pub const AUTHENTICATED: Self = Self { authenticated: true, encrypted: false };
    /// Encryption alone: whoever can guess the text can change it. Some meters ask for it.
    pub const ENCRYPTED: Self = Self { authenticated: false, encrypted: true };
    /// Both: what we use unless a meter cannot.
    pub const BOTH: Self = Self { authenticated: true, encrypted: true };

    /// Neither.
    #[must_use]
    pub const fn is_none(self) -> bool {
        !self.authenticated && !self.encrypted
    }

    /// At least as much as `other`.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        (self.authenticated || !other.authenticated) && (self.encrypted || !other.encrypted)
    }

    /// What either has.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self { authenticated: self.authenticated || other.authenticated, encrypted: self.encrypted || other.encrypted }
    }
}

/// The security control byte: suite in bits 0–3, then authentication, encryption, key set, compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityControl {
    /// Which suite.
    pub suite: Suite,
    /// What is done.
    pub protection: Protection,
    /// Under the broadcast key rather than the unicast key; without meaning for dedicated and agreed keys.
    pub broadcast: bool,
    /// The text was compressed before (ITU-T V.44). This crate refuses it: no meter at hand uses it.
    pub compressed: bool,
}

impl SecurityControl {
    /// Unicast, not compressed.
    #[must_use]
    pub const fn new(suite: Suite, protection: Protection) -> Self {
        Self { suite, protection, broadcast: false, compressed: false }
    }

    /// The byte.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        self.suite.number()
            | (self.protection.authenticated as u8) << 4
            | (self.protection.encrypted as u8) << 5
            | (self.broadcast as u8) << 6
            | (self.compressed as u8) << 7
    }

    /// From the byte; `None` for a reserved suite.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match Suite::from_number(byte & 0x0F) {
            Some(suite) => Some(Self {
                suite,
                protection: Protection { authenticated: byte & 0x10 != 0, encrypted: byte & 0x20 != 0 },
                broadcast: byte & 0x40 != 0,
                compressed: byte & 0x80 != 0,
            }),
            None => None,
        }
    }
}

/// Name of a client or server in matters of security: three letters of the manufacturer and five bytes of its own.
/// With the invocation counter it is the nonce of every message, so no two may share one under the same key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTitle(pub [u8; 8]);

impl SystemTitle {
    /// From a field of a message; `None` unless it has eight bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The nonce of that invocation (Green Book 9.2.3.3.7.3: fixed field ‖ invocation field).
    #[must_use]
    pub const fn nonce(self, invocation: u32) -> [u8; 12] {
        let [a, b, c, d, e, f, g, h] = self.0;
        let [i, j, k, l] = invocation.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }
}

impl fmt::Debug for SystemTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemTitle(")?;
        for byte in self.0 {
            write!(f, "{byte:02X}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_bytes_go_both_ways() {
        for byte in 0..=255_u8 {
            match SecurityControl::from_byte(byte) {
                Some(control) => assert_eq!(control.to_byte(), byte),
                None => assert!(byte & 0x0F > 2),
            }
        }
        let both = SecurityControl::from_byte(0x31).unwrap();
        assert_eq!((both.suite, both.protection, both.broadcast), (Suite::One, Protection::BOTH, false));
    }

    #[test]
    fn covering_is_by_parts() {
        assert!(Protection::BOTH.covers(Protection::ENCRYPTED));
        assert!(!Protection::ENCRYPTED.covers(Protection::AUTHENTICATED));
        assert_eq!(Protection::ENCRYPTED.union(Protection::AUTHENTICATED), Protection::BOTH);
    }
}
