//! Who the meters are, and how the DCU proves itself to each.

use std::fmt;

use taa_keys::{MeterKeys, Secret};

use super::StsMeter;

/// A meter that this DCU serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterEntry {
    /// Logical device name; what the meter answers at 0.0.42.0.0.255 must equal it.
    pub id: String,
    /// The account that pays for it, as payers type it.
    pub account: String,
    /// How the DCU proves itself to it, and protects what they say.
    pub access: MeterAccess,
    /// Balance with which the account starts, minor units.
    pub opening_balance_minor: i64,
    /// Its token decoder, where it has one.
    pub sts: Option<StsMeter>,
}

/// How the DCU proves itself to this meter and protects what they say. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum MeterAccess {
    /// Suite 0, HLS 5 (GMAC), requests and answers authenticated and encrypted, by keys of this meter alone: the
    /// default. Nothing is said to such a meter before [`crate::Dcu::handle_entropy`].
    Keys(MeterKeys),
    /// Low-level security in clear: old meters.
    Password(Secret),
    /// None: test benches.
    Open,
}

impl fmt::Debug for MeterAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys(_) => "Keys(..)",
            Self::Password(_) => "Password(..)",
            Self::Open => "Open",
        })
    }
}

#[cfg(test)]
mod tests {
    use taa_keys::Key;

    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let keys = MeterKeys::derive(&Key::Aes128([0xAB; 16]), "m").unwrap();
        assert_eq!(format!("{:?}", MeterAccess::Keys(keys)), "Keys(..)");
        assert_eq!(format!("{:?}", MeterAccess::Password(Secret::new(b"12345678"))), "Password(..)");
    }
}
