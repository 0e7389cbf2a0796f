//! Keys in memory, under names.

use std::collections::BTreeMap;
use std::fmt;

use crate::{KdfError, Key, KeyHandle, MeterKeys, Secret};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Usage {
    /// Others are derived from it.
    Master,
    /// Global unicast encryption.
    Encryption,
    /// Global authentication.
    Authentication,
    /// Wraps other keys in transport.
    KeyEncryption,
    /// Global broadcast encryption.
    Broadcast,
    /// An STS vending key: the decoder keys of a supply group's meters are derived from it.
    Vending,
    /// The key of one OpenPAYGO device.
    Payg,
    /// Hides tokens that a site holds in stock.
    Stock,
}

/// Name of a key: whose, and what for. Names are no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    /// Site, meter or operator.
    pub owner: String,
    /// What for.
    pub usage: Usage,
}

impl KeyId {
    /// The name.
    pub fn new(owner: impl Into<String>, usage: Usage) -> Self {
        Self { owner: owner.into(), usage }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usage = match self.usage {
            Usage::Master => "master",
            Usage::Encryption => "encryption",
            Usage::Authentication => "authentication",
            Usage::KeyEncryption => "key encryption",
            Usage::Broadcast => "broadcast",
            Usage::Vending => "vending",
            Usage::Payg => "pay-as-you-go",
            Usage::Stock => "stock",
        };
        write!(f, "{usage} key of {}", self.owner)
    }
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No such key.
    #[error("the {0} is not in the store")]
    Missing(KeyId),
    /// It exists but is for something else.
    #[error("the {0} is no master key")]
    NotAMaster(KeyId),
    /// Derivation failed.
    #[error(transparent)]
    Kdf(#[from] KdfError),
}

/// Keys in memory.
#[derive(Clone, Debug, Default)]
pub struct KeyStore {
    keys: BTreeMap<KeyId, KeyHandle>,
    secrets: BTreeMap<KeyId, Secret>,
}

impl KeyStore {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self { keys: BTreeMap::new(), secrets: BTreeMap::new() }
    }

    /// Keeps a key; the one it replaces is wiped once nobody holds a handle to it.
    pub fn insert(&mut self, id: KeyId, key: Key) {
        self.keys.insert(id, KeyHandle::new(key));
    }

    /// Keeps a key that is no AES key (vending keys of 64 to 160 bits, keys of devices).
    pub fn insert_secret(&mut self, id: KeyId, secret: Secret) {
        self.secrets.insert(id, secret);
    }

    /// A key that is no AES key.
    ///
    /// # Errors
    /// [`KeyError::Missing`].
    pub fn secret(&self, id: &KeyId) -> Result<&Secret, KeyError> {
        self.secrets.get(id).ok_or_else(|| KeyError::Missing(id.clone()))
    }

    /// Forgets a key, and wipes it once nobody holds a handle to it. `false` when there was none.
    pub fn remove(&mut self, id: &KeyId) -> bool {
        let secret = self.secrets.remove(id).is_some();
        self.keys.remove(id).is_some() || secret
    }

    /// The key.
    ///
    /// # Errors
    /// [`KeyError::Missing`].
    pub fn key(&self, id: &KeyId) -> Result<&Key, KeyError> {
        self.handle(id).map(KeyHandle::key)
    }

    /// A handle to the key, which can be used and not read.
    ///
    /// # Errors
    /// [`KeyError::Missing`].
    pub fn handle(&self, id: &KeyId) -> Result<&KeyHandle, KeyError> {
        self.keys.get(id).ok_or_else(|| KeyError::Missing(id.clone()))
    }

    /// What that meter needs, from a master key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn meter_keys(&self, master: &KeyId, meter_name: &str) -> Result<MeterKeys, KeyError> {
        if master.usage != Usage::Master {
            return Err(KeyError::NotAMaster(master.clone()));
        }
        Ok(MeterKeys::derive(self.key(master)?, meter_name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_key_and_never_show_it() {
        let mut store = KeyStore::new();
        let site = KeyId::new("jija", Usage::Master);
        let error = store.meter_keys(&site, "m1").unwrap_err();
        assert_eq!(error.to_string(), "the master key of jija is not in the store");
        store.insert(site.clone(), Key::Aes128([0xAB; 16]));
        assert!(store.meter_keys(&site, "m1").is_ok());
        assert!(!format!("{store:?}").contains("171"));
        let other = KeyId::new("jija", Usage::Encryption);
        store.insert(other.clone(), Key::Aes128([1; 16]));
        assert_eq!(store.meter_keys(&other, "m1"), Err(KeyError::NotAMaster(other)));
        assert!(store.remove(&site));
        assert!(!store.remove(&site));
        let vending = KeyId::new("SGC 123456", Usage::Vending);
        store.insert_secret(vending.clone(), Secret::new(&[0xAB; 20]));
        assert!(store.secret(&vending).unwrap().matches(&[0xAB; 20]));
        assert!(!format!("{store:?}").contains("171"));
        assert!(store.remove(&vending));
        assert_eq!(
            store.secret(&vending).unwrap_err().to_string(),
            "the vending key of SGC 123456 is not in the store"
        );
    }
}
