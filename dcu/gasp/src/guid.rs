//! Whose packet it is.

use std::fmt;

use serde::{Deserialize, Serialize};
use taa_keys::hash;

/// Globally unique identifier of a meter: 16 bytes, shown like a UUID. No secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// The one that follows from a meter's name: a hash with the marks of UUID version 8 (RFC 9562, 5.8).
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let mut guid = [0; 16];
        for (to, from) in guid.iter_mut().zip(hash::sha256(&[b"taa/guid\0", name.as_bytes()])) {
            *to = from;
        }
        let [.., version, _, variant, _, _, _, _, _, _, _] = &mut guid;
        *version = (*version & 0x0F) | 0x80;
        *variant = (*variant & 0x3F) | 0x80;
        Self(guid)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_one_guid_and_shows_as_a_uuid() {
        let one = Guid::of_name("TAA0000000000001");
        assert_eq!(one, Guid::of_name("TAA0000000000001"));
        assert_ne!(one, Guid::of_name("TAA0000000000002"));
        let shown = one.to_string();
        assert_eq!((shown.len(), &shown[14..15]), (36, "8"), "version 8: {shown}");
        assert!("89ab".contains(&shown[19..20]), "{shown}");
    }
}
