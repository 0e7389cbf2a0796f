//! On association the client learns its meter, and asks no more than it must.

use std::sync::Arc;

use taa_dlms::client::{ClientConfig, Referencing};
use taa_dlms::cosem::map::{Discovered, FIRMWARE_ID, FirmwareId};
use taa_dlms::cosem::{Clock, Data, Model, Object, ObjectMap, Register};
use taa_dlms::error::{Error, Refusal};
use taa_dlms::{AttributeRef, DataAccessResult, Value, obis};

use crate::wire::{Told, Wire, config, values};

const VOLTAGE: AttributeRef = AttributeRef::new(3, obis::VOLTAGE_L1, 2);

fn meter(firmware: Option<&str>, with_clock: bool) -> Model {
    let mut model = Model::new();
    model.add(Register::SPEC, obis::VOLTAGE_L1);
    model.set(obis::VOLTAGE_L1, 2, Value::U16(231));
    if with_clock {
        model.add(Clock::SPEC, obis::CLOCK);
    }
    if let Some(firmware) = firmware {
        model.add(Data::SPEC, FIRMWARE_ID);
        model.set(FIRMWARE_ID, 2, Value::OctetString(firmware.into()));
    }
    model
}

fn discovering() -> ClientConfig {
    ClientConfig { discovers: true, ..config() }
}

fn read(wire: &mut Wire<Model>) -> Vec<Told> {
    wire.client.read(wire.now, &[VOLTAGE]).unwrap();
    wire.run()
}

fn answer() -> Told {
    values(vec![Value::U16(231)])
}

fn found(told: &[Told]) -> &Discovered {
    let found = told.iter().find_map(|told| match told {
        Told::Discovered(found) => Some(found),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{told:?}"))
}

#[test]
fn the_first_association_reads_the_list_and_the_next_one_only_the_firmware() {
    let mut wire = Wire::new(discovering(), meter(Some("1.0"), false));
    let told = read(&mut wire);
    assert!(matches!(told.as_slice(), [Told::Associated, Told::MapWanted, Told::Discovered(_), _]), "{told:?}");
    assert_eq!(told[3], answer());
    let first = found(&told).clone();
    assert!(first.was_read && first.map.reads(VOLTAGE) && !first.map.writes(VOLTAGE));
    assert_eq!(wire.frames, 4, "association, firmware, list, and what was asked for");
    // A restart of the meter: associated again, the same firmware, nothing to tell.
    wire.server.handle_power_lost();
    assert_eq!(read(&mut wire), [Told::Associated, answer()]);
    assert_eq!(wire.frames, 4 + 4, "refused, association, firmware, value");
    // Another client of the same firmware shares the map.
    let mut other = Wire::new(discovering(), meter(Some("1.0"), false));
    other.maps = wire.maps.clone();
    let told = read(&mut other);
    assert!(Arc::ptr_eq(&found(&told).map, &first.map) && !found(&told).was_read);
    assert_eq!(other.frames, 3);
    // Sabotage: without discovery nothing is known.
    let mut dumb = Wire::new(config(), meter(Some("1.0"), false));
    assert_eq!(read(&mut dumb), [Told::Associated, answer()]);
    assert!(dumb.client.discovered().is_none());
}

#[test]
fn a_changed_firmware_is_read_again_and_an_unchanged_one_survives_our_restart() {
    let mut wire = Wire::new(discovering(), meter(Some("1.0"), false));
    read(&mut wire);
    let before = wire.client.discovered().unwrap().clone();
    wire.model = meter(Some("1.1"), true);
    wire.server.handle_power_lost();
    let told = read(&mut wire);
    assert!(found(&told).was_read && found(&told).map.find(obis::CLOCK).is_some());
    assert!(before.map.find(obis::CLOCK).is_none());
    // Our restart: the map comes from the journal.
    let stored = wire.client.discovered().unwrap().map.to_bytes();
    let mut again = Wire::new(discovering(), meter(Some("1.1"), true));
    let map = Arc::new(ObjectMap::from_bytes(&stored).unwrap());
    let firmware = Some(FirmwareId("1.1".into()));
    again.client.set_discovered(Some(Discovered { map, firmware, was_read: false }));
    assert_eq!(read(&mut again), [Told::Associated, answer()]);
    assert_eq!(again.frames, 3);
}

#[test]
fn a_meter_that_hides_its_list_still_answers() {
    let hidden = Error::Refused(Refusal::Access(DataAccessResult::ReadWriteDenied));
    let mut wire = Wire::new(discovering(), meter(None, false));
    let told = read(&mut wire);
    assert!(matches!(told.as_slice(), [Told::Associated, Told::Discovered(_), Told::Values(_)]), "{told:?}");
    assert_eq!(found(&told).firmware, None, "no firmware told: read in full");
    // The list is refused; the command goes on, and discovery for its own sake ends in an error.
    let mut shy = Wire::new(discovering(), meter(None, false));
    shy.lie = Some(Box::new(|request| {
        let asks_list = request.starts_with(&[0xC0, 1]) && request[3..5] == [0, 15];
        asks_list.then(|| vec![0xC4, 1, request[2], 1, DataAccessResult::ReadWriteDenied.code()])
    }));
    assert_eq!(read(&mut shy), [Told::Associated, Told::NotDiscovered(hidden), answer()]);
    shy.client.discover(0).unwrap();
    assert_eq!(shy.run(), [Told::Failed(hidden)]);
}

#[test]
fn by_short_names_the_list_brings_names_and_map_at_once() {
    let config = ClientConfig { referencing: Referencing::ShortNames, pdu_max: 64, ..discovering() };
    let mut wire = Wire::new(config.clone(), meter(Some("1.0"), true));
    let told = read(&mut wire);
    assert_eq!(told.last(), Some(&answer()));
    assert_eq!(found(&told).firmware, Some(FirmwareId("1.0".into())));
    assert!(found(&told).map.short_name(VOLTAGE).is_some() && wire.client.short_names().is_some());
    // Known before: the firmware is asked for by its short name, the list is not.
    let mut again = Wire::new(config, meter(Some("1.0"), true));
    again.client.set_discovered(wire.client.discovered().cloned());
    assert_eq!(read(&mut again), [Told::Associated, answer()]);
    assert_eq!(again.frames, 3);
}

#[test]
fn a_long_list_lost_in_the_middle_is_read_again() {
    for cut_at in 2..=8 {
        let config = ClientConfig { pdu_max: 64, ..discovering() };
        let mut wire = Wire::new(config, meter(Some("1.0"), true));
        wire.cut_at = Some(cut_at);
        let told = read(&mut wire);
        assert_eq!(told.last(), Some(&Told::Failed(taa_dlms::error::TransportFault::Closed.into())), "{cut_at}");
        assert_eq!(read(&mut wire).last(), Some(&answer()), "{cut_at}");
        assert!(wire.client.discovered().is_some_and(|found| found.map.find(obis::CLOCK).is_some()));
    }
}

#[test]
fn discovery_for_its_own_sake_always_tells() {
    let mut wire = Wire::new(config(), meter(Some("1.0"), false));
    for known in [false, true] {
        wire.client.discover(wire.now).unwrap();
        let told = wire.run();
        assert_eq!(told.last(), Some(&Told::Done));
        assert_eq!(told.contains(&Told::MapWanted), !known);
        assert_eq!(found(&told).map.len(), 2, "register and firmware");
    }
}
