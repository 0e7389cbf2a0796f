//! One map for all meters of a firmware: read once, shared, read again when the firmware changes.
//!
//! ```text
//!   meter associates ─▶ reads its firmware id ─▶ Maps::sight ─┬─ Known(map)      read nothing more
//!                                                             ├─ Changed(map)    new firmware, its map is known
//!                                                             └─ Unknown         read the list, then Maps::learn
//! ```
//!
//! A client asks by [`crate::ClientEvent::MapWanted`] and tells what it read by [`crate::ClientEvent::Discovered`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ObjectMap;
use crate::axdr::Octets;

/// What a meter says its firmware is (usually 1-0:0.2.0.255), as bytes, with the maker's name before it if two makers
/// might use the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareId(pub Octets);

/// Maps by firmware and client, because each client has rights of its own.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    maps: BTreeMap<(Box<[u8]>, u16), Arc<ObjectMap>>,
}

/// What is known when a meter has told its firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// The firmware is the one that the meter had: go on with its map.
    Known(Arc<ObjectMap>),
    /// Another than it had, and its map is known from other meters.
    Changed(Arc<ObjectMap>),
    /// Read the object list, then call [`Maps::learn`].
    Unknown,
}

impl Maps {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A meter has told its firmware. `before` is what it had when last seen.
    #[must_use]
    pub fn sight(&self, before: Option<&FirmwareId>, now: &FirmwareId, client_sap: u16) -> Sighting {
        match self.maps.get(&key(now, client_sap)) {
            Some(map) if before == Some(now) => Sighting::Known(Arc::clone(map)),
            Some(map) => Sighting::Changed(Arc::clone(map)),
            None => Sighting::Unknown,
        }
    }

    /// The map of that firmware, if it is known.
    #[must_use]
    pub fn of(&self, firmware: &FirmwareId, client_sap: u16) -> Option<Arc<ObjectMap>> {
        self.maps.get(&key(firmware, client_sap)).cloned()
    }

    /// A list was read. An equal map that is known already is shared, under whatever firmware.
    pub fn learn(&mut self, firmware: &FirmwareId, client_sap: u16, map: impl Into<Arc<ObjectMap>>) -> Arc<ObjectMap> {
        let map = map.into();
        let shared = self.maps.values().find(|known| **known == map).cloned().unwrap_or(map);
        self.maps.insert(key(firmware, client_sap), Arc::clone(&shared));
        shared
    }

    /// A meter contradicted its map (an object that should be there is undefined): the list must be read again.
    pub fn forget(&mut self, firmware: &FirmwareId, client_sap: u16) {
        self.maps.remove(&key(firmware, client_sap));
    }

    /// Drops maps that no meter holds any longer.
    pub fn sweep(&mut self) {
        self.maps.retain(|_, map| Arc::strong_count(map) > 1);
    }

    /// How many firmware and client pairs are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.maps.len()
    }

    /// Nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.maps.is_empty()
    }

    /// All that is known, to be stored: firmware id, client, map.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u16, &ObjectMap)> {
        self.maps.iter().map(|((firmware, client_sap), map)| (&**firmware, *client_sap, &**map))
    }
}

fn key(firmware: &FirmwareId, client_sap: u16) -> (Box<[u8]>, u16) {
    (firmware.0.as_slice().into(), client_sap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> FirmwareId {
        FirmwareId(Octets::from(text))
    }

    #[test]
    fn meters_of_one_firmware_share_and_a_change_is_noticed() {
        let mut maps = Maps::new();
        assert_eq!(maps.sight(None, &id("1.0"), 1), Sighting::Unknown);
        let first = maps.learn(&id("1.0"), 1, ObjectMap::default());
        assert_eq!(maps.sight(Some(&id("1.0")), &id("1.0"), 1), Sighting::Known(Arc::clone(&first)));
        assert_eq!(maps.sight(Some(&id("0.9")), &id("1.0"), 1), Sighting::Changed(Arc::clone(&first)));
        assert_eq!(maps.sight(None, &id("1.0"), 16), Sighting::Unknown, "another client has other rights");
        let second = maps.learn(&id("1.1"), 1, ObjectMap::default());
        assert!(Arc::ptr_eq(&first, &second), "equal lists are held once");
        maps.forget(&id("1.1"), 1);
        assert_eq!(maps.sight(None, &id("1.1"), 1), Sighting::Unknown);
        drop((first, second));
        maps.sweep();
        assert!(maps.is_empty());
    }
}
