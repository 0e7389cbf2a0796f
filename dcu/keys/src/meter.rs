//! What one meter needs, derived from a master key and the meter's name.

use crate::{KdfError, Key, Secret, derive};

const LABEL_LLS: &[u8] = b"taa/dlms/lls";
const LABEL_ENCRYPTION: &[u8] = b"taa/dlms/guek";
const LABEL_AUTHENTICATION: &[u8] = b"taa/dlms/gak";

/// Length of a derived password: 16 characters of 5 bits.
const PASSWORD_CHARACTERS: usize = 16;
/// Without 0, 1, I and O, which people confuse: a password may have to be typed into a hand-held unit.
const PASSWORD_ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Password and keys of one meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterKeys {
    /// For low-level security.
    pub lls_password: Secret,
    /// Global unicast encryption key.
    pub encryption: Key,
    /// Global authentication key.
    pub authentication: Key,
}

impl MeterKeys {
    /// Derives them. The name is the logical device name, which no two meters share.
    ///
    /// # Errors
    /// None with these labels; [`KdfError`] is passed on rather than hidden.
    pub fn derive(master: &Key, meter_name: &str) -> Result<Self, KdfError> {
        let context = meter_name.as_bytes();
        let mut password = [0; PASSWORD_CHARACTERS];
        derive(master, LABEL_LLS, context, &mut password)?;
        for byte in &mut password {
            *byte = PASSWORD_ALPHABET.get(usize::from(*byte & 31)).copied().unwrap_or(b'2');
        }
        let mut encryption = [0; 16];
        derive(master, LABEL_ENCRYPTION, context, &mut encryption)?;
        let mut authentication = [0; 16];
        derive(master, LABEL_AUTHENTICATION, context, &mut authentication)?;
        Ok(Self {
            lls_password: Secret::new(&password),
            encryption: Key::Aes128(encryption),
            authentication: Key::Aes128(authentication),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_share_nothing_and_results_stay() {
        let master = Key::Aes256([9; 32]);
        let one = MeterKeys::derive(&master, "TAA0000000000001").unwrap();
        let two = MeterKeys::derive(&master, "TAA0000000000002").unwrap();
        assert_ne!(one.lls_password, two.lls_password);
        assert_ne!(one.encryption, two.encryption);
        assert_ne!(one.encryption, one.authentication);
        assert_eq!(one, MeterKeys::derive(&master, "TAA0000000000001").unwrap());
        assert!(one.lls_password.expose().iter().all(|c| PASSWORD_ALPHABET.contains(c)));
    }

    #[test]
    fn nothing_is_shown() {
        let keys = MeterKeys::derive(&Key::Aes128([9; 16]), "m").unwrap();
        let shown = format!("{keys:?}");
        assert_eq!(shown, "MeterKeys { lls_password: Secret(..), encryption: Aes128(..), authentication: Aes128(..) }");
    }
}
