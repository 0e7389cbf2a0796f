//! Object maps that survive a restart, by firmware.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most firmwares remembered: a site has one or two. At the bound the oldest is given up, and read again if it is met.
const MAPS_MAX: usize = 32;
/// Longest firmware id remembered, bytes.
const FIRMWARE_BYTES_MAX: usize = 64;
/// Largest map remembered, bytes: some thousand objects.
const MAP_BYTES_MAX: usize = 32 * 1024;

/// Firmware id and map.
type Stored = (Box<[u8]>, Arc<[u8]>);

/// Maps in their compact form ([`taa_dlms::cosem::ObjectMap::to_bytes`]), as read by the DCU's client. Oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMaps {
    maps: Vec<Stored>,
}

impl StoredMaps {
    /// A pair of this size is worth a record.
    #[must_use]
    pub(crate) const fn takes(firmware: &[u8], map: &[u8]) -> bool {
        firmware.len() <= FIRMWARE_BYTES_MAX && map.len() <= MAP_BYTES_MAX
    }

    /// The map of that firmware.
    #[must_use]
    pub fn of(&self, firmware: &[u8]) -> Option<&[u8]> {
        self.maps.iter().find(|(known, _)| **known == *firmware).map(|(_, map)| &**map)
    }

    /// Firmware ids and maps.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.maps.iter().map(|(firmware, map)| (&**firmware, &**map))
    }

    pub(crate) fn learn(&mut self, firmware: &[u8], map: &Arc<[u8]>) {
        if !Self::takes(firmware, map) {
            return;
        }
        self.maps.retain(|(known, _)| **known != *firmware);
        if self.maps.len() >= MAPS_MAX {
            self.maps.remove(0);
        }
        self.maps.push((firmware.into(), Arc::clone(map)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_map_of_a_firmware_counts_and_there_is_a_bound() {
        let mut maps = StoredMaps::default();
        maps.learn(b"a", &[1].into());
        maps.learn(b"a", &[2].into());
        assert_eq!((maps.of(b"a"), maps.iter().len()), (Some(&[2][..]), 1));
        maps.learn(&[0; FIRMWARE_BYTES_MAX + 1], &[1].into());
        maps.learn(b"big", &vec![0; MAP_BYTES_MAX + 1].into());
        assert_eq!(maps.iter().len(), 1);
        for n in 0..MAPS_MAX as u8 {
            maps.learn(&[n], &[3].into());
        }
        assert_eq!((maps.of(b"a"), maps.iter().len()), (None, MAPS_MAX));
    }
}
