//! Security policies: what messages must be protected, as the security setup object tells it (Blue Book, class 64).

use super::Protection;

/// What requests and responses must carry at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Of every request.
    pub request: Protection,
    /// Of every response.
    pub response: Protection,
    /// Requests must be signed.
    pub signed_request: bool,
    /// Responses must be signed.
    pub signed_response: bool,
}

impl Policy {
    /// Nothing is demanded.
    pub const NONE: Self = Self::both(Protection::NONE);

    /// The same of requests and responses.
    #[must_use]
    pub const fn both(protection: Protection) -> Self {
        Self { request: protection, response: protection, signed_request: false, signed_response: false }
    }

    /// Attribute 2 of class 64 version 0 (suite 0): 0 nothing, 1 authenticated, 2 encrypted, 3 both.
    #[must_use]
    pub const fn from_v0(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::NONE),
            1 => Some(Self::both(Protection::AUTHENTICATED)),
            2 => Some(Self::both(Protection::ENCRYPTED)),
            3 => Some(Self::both(Protection::BOTH)),
            _ => None,
        }
    }

    /// As version 0 has it; `None` when requests and responses differ or signatures are demanded.
    #[must_use]
    pub fn to_v0(self) -> Option<u8> {
        if self != Self::both(self.request) {
            return None;
        }
        Some(u8::from(self.request.authenticated) | u8::from(self.request.encrypted) << 1)
    }

    /// Attribute 2 of class 64 version 1: bits 2 authenticated, 3 encrypted, 4 signed request, 5 authenticated,
    /// 6 encrypted, 7 signed response. Bits 0 and 1 are unused.
    #[must_use]
    pub const fn from_v1(bits: u8) -> Option<Self> {
        if bits & 0x03 != 0 {
            return None;
        }
        Some(Self {
            request: Protection { authenticated: bits & 0x04 != 0, encrypted: bits & 0x08 != 0 },
            signed_request: bits & 0x10 != 0,
            response: Protection { authenticated: bits & 0x20 != 0, encrypted: bits & 0x40 != 0 },
            signed_response: bits & 0x80 != 0,
        })
    }

    /// As version 1 has it.
    #[must_use]
    pub const fn to_v1(self) -> u8 {
        (self.request.authenticated as u8) << 2
            | (self.request.encrypted as u8) << 3
            | (self.signed_request as u8) << 4
            | (self.response.authenticated as u8) << 5
            | (self.response.encrypted as u8) << 6
            | (self.signed_response as u8) << 7
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_go_both_ways() {
        for value in 0..=255_u8 {
            match Policy::from_v0(value) {
                Some(policy) => assert_eq!(policy.to_v0(), Some(value)),
                None => assert!(value > 3),
            }
            match Policy::from_v1(value) {
                Some(policy) => assert_eq!(policy.to_v1(), value),
                None => assert!(value & 3 != 0),
            }
        }
        assert_eq!(Policy::from_v1(0x6C).and_then(Policy::to_v0), Some(3));
        assert_eq!(Policy::from_v1(0x0C).and_then(Policy::to_v0), None);
    }
}
