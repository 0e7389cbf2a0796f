//! Object maps: shared between meters of one firmware, kept in the journal, read again when a meter contradicts them.
//!
//! When many meters of an unknown firmware come at once, one list is read and the others wait for it; not for ever,
//! since a meter may take its time on purpose. Nor does a meter that lies about its objects speak for all: one that
//! seems to lack something by another's list is asked for its own before it is judged.

use std::{collections::BTreeMap, sync::Arc};

use taa_dlms::cosem::{
    ObjectMap,
    map::{Discovered, FirmwareId, Maps},
};

use super::{Dcu, NS_PER_S, output::DcuEvent};
use crate::{
    MeterIx,
    fleet::{
        Class, Exchange,
        session::{CLIENT_SAP, Fault},
    },
    journal::{Entry, State, StoredMaps},
};

/// Beyond so many, maps that no meter holds are dropped.
const MAPS_MAX: usize = 64;

/// How long others wait for one meter's list before they are asked for their own.
const WAIT_NS: u64 = 120 * NS_PER_S;

/// What is known of object lists, and which are being read.
#[derive(Debug)]
pub(super) struct Atlas {
    maps: Maps,
    readings: BTreeMap<Box<[u8]>, ListReading>,
}

/// A list being read.
#[derive(Debug)]
struct ListReading {
    reader: MeterIx,
    /// Others wait until then, ns.
    until: u64,
    waiting: Vec<MeterIx>,
}

impl Atlas {
    /// With the maps of a journal.
    pub(super) fn recover(state: &State) -> Self {
        Self { maps: stored(state), readings: BTreeMap::new() }
    }

    /// When somebody has waited long enough.
    pub(super) fn deadline(&self) -> Option<u64> {
        let waited_for = self.readings.values().filter(|reading| !reading.waiting.is_empty());
        waited_for.map(|reading| reading.until).min()
    }
}

/// The maps of a journal. One that cannot be read is left out: its meters are asked again.
fn stored(state: &State) -> Maps {
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
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        if std::mem::take(&mut unit.doubts_map) {
            return unit.session.take_map(now, None);
        }
        if let Some(map) = self.atlas.maps.of(firmware, CLIENT_SAP) {
            return unit.session.take_map(now, Some(map));
        }
        let key: Box<[u8]> = firmware.0.as_slice().into();
        let in_a_hurry = self.is_wanted_urgently(now, meter);
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        if in_a_hurry {
            return unit.session.take_map(now, None);
        }
        if let Some(reading) = self.atlas.readings.get_mut(&key).filter(|reading| now < reading.until) {
            reading.waiting.push(meter);
            return;
        }
        let until = now.saturating_add(WAIT_NS);
        self.atlas.readings.entry(key).or_insert(ListReading { reader: meter, until, waiting: Vec::new() });
        unit.session.take_map(now, None);
    }

    /// The meter's exchange has ended, with or without its list: it reads none any more, nor does it wait for one.
    pub(super) fn end_list(&mut self, now: u64, meter: MeterIx) {
        if self.atlas.readings.is_empty() {
            return;
        }
        for reading in self.atlas.readings.values_mut() {
            reading.waiting.retain(|waiting| *waiting != meter);
        }
        let is_reader = |reading: &ListReading| reading.reader == meter;
        let read = self.atlas.readings.iter().find(|(_, reading)| is_reader(reading)).map(|(key, _)| key.clone());
        let Some(key) = read else { return };
        let Some(mut reading) = self.atlas.readings.remove(&key) else { return };
        if reading.waiting.is_empty() {
            return;
        }
        // The first of them takes its place.
        let next = reading.waiting.remove(0);
        (reading.reader, reading.until) = (next, now.saturating_add(WAIT_NS));
        self.atlas.readings.insert(key, reading);
        self.answer_map(now, next, None);
    }

    /// Nobody waits longer than [`WAIT_NS`].
    pub(super) fn check_lists(&mut self, now: u64) {
        while self.atlas.deadline().is_some_and(|at| at <= now) {
            let late = self.atlas.readings.values_mut().find(|r| r.until <= now && !r.waiting.is_empty());
            for meter in late.map(|reading| std::mem::take(&mut reading.waiting)).unwrap_or_default() {
                self.answer_map(now, meter, None);
            }
        }
    }

    /// An order, or credit, for a meter that waits for another's list does not wait with it: it shows its own.
    pub(super) fn hasten_lists(&mut self, now: u64) {
        let waiting = self.atlas.readings.values().flat_map(|reading| reading.waiting.iter().copied());
        let urgent: Vec<MeterIx> = waiting.filter(|meter| self.is_wanted_urgently(now, *meter)).collect();
        for meter in urgent {
            for reading in self.atlas.readings.values_mut() {
                reading.waiting.retain(|waiting| *waiting != meter);
            }
            self.answer_map(now, meter, None);
        }
    }

    fn is_wanted_urgently(&self, now: u64, meter: MeterIx) -> bool {
        let job = self.fleet.unit(meter).and_then(|unit| unit.job);
        job.is_some_and(|(_, class)| class == Class::Urgent) || self.choose(now, meter, Class::Urgent).is_some()
    }

    fn answer_map(&mut self, now: u64, meter: MeterIx, map: Option<Arc<ObjectMap>>) {
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.session.take_map(now, map);
        }
        self.drive(now, meter);
    }

    /// By another's list the meter lacks something: it is to show its own before it is judged. False when it has.
    pub(super) fn doubts(&mut self, meter: MeterIx) -> bool {
        let Some(unit) = self.fleet.unit_mut(meter).filter(|unit| !unit.session.has_own_list()) else { return false };
        unit.session.forget();
        unit.doubts_map = true;
        true
    }

    /// A session knows its meter's objects. A meter that does not tell its firmware shares them with nobody.
    pub(super) fn take_discovered(&mut self, now: u64, meter: MeterIx, discovered: &Discovered) {
        if !discovered.was_read {
            return;
        }
        let objects = u32::try_from(discovered.map.len()).unwrap_or(u32::MAX);
        self.event(DcuEvent::MapRead { meter, objects });
        let Some(firmware) = &discovered.firmware else { return };
        let maps = &mut self.atlas.maps;
        if maps.len() >= MAPS_MAX {
            maps.sweep();
        }
        let shared = maps.learn(firmware, CLIENT_SAP, Arc::clone(&discovered.map));
        let waiting = self.atlas.readings.remove(firmware.0.as_slice()).map(|reading| reading.waiting);
        for other in waiting.unwrap_or_default() {
            self.answer_map(now, other, Some(Arc::clone(&shared)));
        }
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
            self.atlas.maps.forget(&firmware, CLIENT_SAP);
        }
    }
}
