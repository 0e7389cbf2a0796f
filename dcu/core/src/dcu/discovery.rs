//! Object maps: shared between meters of one firmware, kept in the journal, read again when a meter contradicts them.

use std::sync::Arc;

use taa_dlms::cosem::{
    ObjectMap,
    map::{Discovered, FirmwareId, Maps},
};

use super::{Dcu, output::DcuEvent};
use crate::{
    MeterIx,
    fleet::{
        Exchange,
        session::{CLIENT_SAP, Fault},
    },
    journal::{Entry, State, StoredMaps},
};

/// Beyond so many, maps that no meter holds are dropped.
const MAPS_MAX: usize = 64;

/// The maps of a journal. One that cannot be read is left out: its meters are asked again.
pub(super) fn stored(state: &State) -> Maps {
    let mut maps = Maps::new();
    for (firmware, bytes) in state.maps().iter() {
        if let Ok(map) = ObjectMap::from_bytes(bytes) {
            maps.learn(&FirmwareId(firmware.into()), CLIENT_SAP, map);
        }
    }
    maps
}

impl Dcu {
    /// A session asks for the map of a firmware.
    pub(super) fn find_map(&mut self, now: u64, meter: MeterIx, firmware: &FirmwareId) {
        let map = self.maps.of(firmware, CLIENT_SAP);
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.session.take_map(now, map);
        }
    }

    /// A session knows its meter's objects. A meter that does not tell its firmware shares them with nobody.
    pub(super) fn take_discovered(&mut self, now: u64, meter: MeterIx, discovered: &Discovered) {
        if !discovered.was_read {
            return;
        }
        let objects = u32::try_from(discovered.map.len()).unwrap_or(u32::MAX);
        self.event(DcuEvent::MapRead { meter, objects });
        let Some(firmware) = &discovered.firmware else { return };
        if self.maps.len() >= MAPS_MAX {
            self.maps.sweep();
        }
        self.maps.learn(firmware, CLIENT_SAP, Arc::clone(&discovered.map));
        let (firmware, map) = (firmware.0.as_slice(), discovered.map.to_bytes());
        if StoredMaps::takes(firmware, &map) && self.state.maps().of(firmware) != Some(&map) {
            self.record(now, Entry::MapLearned { firmware: firmware.into(), map: map.into() });
        }
    }

    /// After a failure: what the meter has contradicted is forgotten, by it and by all of its firmware.
    pub(super) fn contradicted(&mut self, meter: MeterIx, exchange: Exchange, fault: Fault) {
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        if matches!(fault, Fault::Contradicted | Fault::Refused) && matches!(exchange, Exchange::Confirm { .. }) {
            // It tells its alarms again, and is then answered again.
            unit.confirm = None;
        }
        if fault == Fault::Contradicted
            && let Some(firmware) = unit.session.forget()
        {
            self.maps.forget(&firmware, CLIENT_SAP);
        }
    }
}
