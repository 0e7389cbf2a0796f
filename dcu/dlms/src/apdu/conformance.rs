//! The conformance block: which services a side offers (Green Book 9.4.6.1). 24 bits, bit 0 first on the wire.

use std::fmt;
use std::ops::{BitAnd, BitOr};

/// A set of services.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Conformance(u32);

macro_rules! bits {
    ($( $name:ident = $bit:literal, $words:literal; )*) => {
        impl Conformance {
            $( #[doc = $words] pub const $name: Self = Self(1 << (23 - $bit)); )*

            const NAMES: &'static [(Self, &'static str)] = &[ $( (Self::$name, $words), )* ];
        }
    };
}

bits! {
    GENERAL_PROTECTION = 1, "general protection";
    GENERAL_BLOCK_TRANSFER = 2, "general block transfer";
    READ = 3, "read";
    WRITE = 4, "write";
    UNCONFIRMED_WRITE = 5, "unconfirmed write";
    DELTA_VALUE_ENCODING = 6, "delta value encoding";
    ATTRIBUTE_0_WITH_SET = 8, "attribute 0 with set";
    PRIORITY = 9, "priority management";
    ATTRIBUTE_0_WITH_GET = 10, "attribute 0 with get";
    BLOCK_GET = 11, "block transfer with get";
    BLOCK_SET = 12, "block transfer with set";
    BLOCK_ACTION = 13, "block transfer with action";
    MULTIPLE_REFERENCES = 14, "multiple references";
    INFORMATION_REPORT = 15, "information report";
    DATA_NOTIFICATION = 16, "data notification";
    ACCESS = 17, "access";
    PARAMETERIZED_ACCESS = 18, "parameterized access";
    GET = 19, "get";
    SET = 20, "set";
    SELECTIVE_ACCESS = 21, "selective access";
    EVENT_NOTIFICATION = 22, "event notification";
    ACTION = 23, "action";
}

impl Conformance {
    /// No service.
    pub const NONE: Self = Self(0);

    /// What this crate does in either role by logical names.
    pub const SUPPORTED: Self = Self(
        Self::GENERAL_BLOCK_TRANSFER.0
            | Self::BLOCK_GET.0
            | Self::BLOCK_SET.0
            | Self::BLOCK_ACTION.0
            | Self::MULTIPLE_REFERENCES.0
            | Self::DATA_NOTIFICATION.0
            | Self::ACCESS.0
            | Self::GET.0
            | Self::SET.0
            | Self::SELECTIVE_ACCESS.0
            | Self::ACTION.0,
    );

    /// What this crate does in either role by short names.
    pub const SUPPORTED_SN: Self = Self(
        Self::GENERAL_BLOCK_TRANSFER.0
            | Self::READ.0
            | Self::WRITE.0
            | Self::UNCONFIRMED_WRITE.0
            | Self::BLOCK_GET.0
            | Self::BLOCK_SET.0
            | Self::MULTIPLE_REFERENCES.0
            | Self::DATA_NOTIFICATION.0
            | Self::PARAMETERIZED_ACCESS.0,
    );

    /// All of these are in the set.
    #[must_use]
    pub const fn has(self, services: Self) -> bool {
        self.0 & services.0 == services.0
    }

    /// The three bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    /// From the three bytes.
    #[must_use]
    pub const fn from_bytes([a, b, c]: [u8; 3]) -> Self {
        Self(u32::from_be_bytes([0, a, b, c]))
    }
}

impl BitAnd for Conformance {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Conformance {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Self::NAMES.iter().filter(|(bit, _)| self.has(*bit)).map(|(_, name)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_stand_where_a_known_client_puts_them() {
        // 0x401e5d, as Gurux proposes with general protection.
        let proposed = Conformance::from_bytes([0x40, 0x1E, 0x5D]);
        let expected = [
            Conformance::GENERAL_PROTECTION,
            Conformance::BLOCK_GET,
            Conformance::BLOCK_SET,
            Conformance::BLOCK_ACTION,
            Conformance::MULTIPLE_REFERENCES,
            Conformance::ACCESS,
            Conformance::GET,
            Conformance::SET,
            Conformance::SELECTIVE_ACCESS,
            Conformance::ACTION,
        ];
        assert_eq!(proposed, expected.into_iter().fold(Conformance::NONE, |sum, bit| sum | bit));
        assert_eq!(proposed.to_bytes(), [0x40, 0x1E, 0x5D]);
    }
}
