//! Object lists to maps and back, through our server and by hand for the versions that it does not speak.

use std::sync::Arc;

use taa_dlms::axdr::decode_all;
use taa_dlms::cosem::map::{Discovered, Discovery, FIRMWARE_ID, Maps, Mode};
use taa_dlms::cosem::{
    Clock, Cosem, Data, Disconnect, Model, Object, ObjectMap, ProfileGeneric, Register, SnObject, association,
};
use taa_dlms::error::PeerFault;
use taa_dlms::{AttributeRef, DataAccessResult, MethodRef, Obis, Value, obis};

use crate::wire::Wire;

fn discovered() -> ObjectMap {
    let mut model = Model::new();
    model.add(Disconnect::SPEC, obis::DISCONNECT_CONTROL);
    model.add(Register::SPEC, obis::ACTIVE_ENERGY_IMPORT);
    model.add(Register::SPEC, obis::VOLTAGE_L1);
    model.add(Clock::SPEC, obis::CLOCK);
    model.add(ProfileGeneric::SPEC, obis::LOAD_PROFILE);
    let mut wire = Wire::new(model);
    let list = AttributeRef::new(association::CLASS, obis::ASSOCIATION_LN, association::OBJECT_LIST);
    let list = wire.read(&[list]).pop().unwrap().unwrap();
    ObjectMap::from_ln_list(&list, association::VERSION).unwrap()
}

#[test]
fn a_map_is_read_from_the_association() {
    let map = discovered();
    assert!(map.len() >= 5);
    assert_eq!(map.find(obis::CLOCK).map(|entry| (entry.class, entry.version)), Some((8, 0)));
    assert_eq!(map.of_class(3).count(), 2);
    assert!(map.reads(AttributeRef::new(3, obis::VOLTAGE_L1, 2)));
    assert!(!map.writes(AttributeRef::new(3, obis::VOLTAGE_L1, 2)));
    assert!(map.writes(AttributeRef::new(8, obis::CLOCK, 2)));
    assert!(!map.reads(AttributeRef::new(8, obis::VOLTAGE_L1, 2)), "the name exists, the class does not fit");
    assert!(map.calls(MethodRef::new(70, obis::DISCONNECT_CONTROL, 1)));
    assert!(!map.calls(MethodRef::new(70, obis::DISCONNECT_CONTROL, 3)));
    let buffer = AttributeRef::new(7, obis::LOAD_PROFILE, 2);
    assert!(map.selects(buffer, 1) && map.selects(buffer, 2) && !map.selects(buffer, 3));
}

#[test]
fn the_compact_form_survives_and_every_damage_is_noticed_or_harmless() {
    let map = discovered();
    let bytes = map.to_bytes();
    assert_eq!(ObjectMap::from_bytes(&bytes), Ok(map));
    assert!(bytes.len() < 200, "{} bytes", bytes.len());
    for length in 0..bytes.len() {
        assert!(ObjectMap::from_bytes(&bytes[..length]).is_err(), "cut to {length}");
    }
    for index in 0..bytes.len() {
        for flip in [1, 0x80, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[index] ^= flip;
            if let Ok(other) = ObjectMap::from_bytes(&damaged) {
                assert_eq!(ObjectMap::from_bytes(&other.to_bytes()), Ok(other));
            }
        }
    }
    // A count of four thousand million reserves nothing.
    assert!(ObjectMap::from_bytes(b"OM\x01\xFF\xFF\xFF\xFF\x0F").is_err());
}

#[test]
fn lists_of_all_versions_say_the_same_rights() {
    let map = discovered();
    for version in 0..=3 {
        let list = map.to_ln_list(version);
        let again = ObjectMap::from_ln_list(&list, version).unwrap();
        assert_eq!(again, map, "version {version}");
    }
    // Version 3 read as version 1 would be wrong: the version in the list decides over the caller's.
    let mut with_own = map.to_ln_list(3);
    let rights = Value::Structure(vec![
        Value::Array(vec![Value::Structure(vec![Value::I8(2), Value::Enum(0x4D), Value::Null])]),
        Value::Array(vec![Value::Structure(vec![Value::I8(1), Value::Enum(0x1D)])]),
    ]);
    let own = Value::Structure(vec![Value::U16(15), Value::U8(3), obis::ASSOCIATION_LN.to_value(), rights]);
    if let Value::Array(items) = &mut with_own {
        items.push(own);
    }
    let map = ObjectMap::from_ln_list(&with_own, 1).unwrap();
    let right = map.attribute(AttributeRef::new(15, obis::ASSOCIATION_LN, 2)).unwrap();
    assert_eq!(
        right.mode,
        Mode(Mode::READ | Mode::REQUEST_AUTHENTICATED | Mode::REQUEST_ENCRYPTED | Mode::RESPONSE_ENCRYPTED)
    );
}

#[test]
fn the_list_of_a_short_name_meter_gives_short_names() {
    let object = |base_name: u16, class_id, obis: Obis| SnObject {
        base_name: base_name.cast_signed(),
        class_id,
        version: 0,
        logical_name: obis,
    };
    let list = vec![
        object(0xFA00, 12, obis::ASSOCIATION_LN),
        object(0x0100, 3, obis::ACTIVE_ENERGY_IMPORT),
        object(0x0200, 8, obis::CLOCK),
    ];
    let map = ObjectMap::from_sn_list(&list.to_value(), None).unwrap();
    assert_eq!(map.short_name(AttributeRef::new(3, obis::ACTIVE_ENERGY_IMPORT, 2)), Some(0x0108));
    assert_eq!(map.short_method_name(MethodRef::new(3, obis::ACTIVE_ENERGY_IMPORT, 1)), Some(0x0128));
    assert_eq!(map.short_method_name(MethodRef::new(8, obis::CLOCK, 6)), Some(0x0288));
    assert_eq!(map.short_name(AttributeRef::new(12, obis::ASSOCIATION_LN, 2)), Some(0xFA08));
    assert!(map.reads(AttributeRef::new(8, obis::CLOCK, 2)));
    assert_eq!(ObjectMap::from_bytes(&map.to_bytes()), Ok(map));
    let rights = Value::Array(vec![Value::Structure(vec![
        Value::I16(0x0100),
        Value::Array(vec![Value::Structure(vec![Value::I8(2), Value::Enum(4), Value::Null])]),
        Value::Array(vec![]),
    ])]);
    let map = ObjectMap::from_sn_list(&list.to_value(), Some(&rights)).unwrap();
    let right = map.attribute(AttributeRef::new(3, obis::ACTIVE_ENERGY_IMPORT, 2)).unwrap();
    assert_eq!(right.mode, Mode(Mode::READ | Mode::REQUEST_AUTHENTICATED | Mode::RESPONSE_AUTHENTICATED));
    assert!(!map.calls(MethodRef::new(3, obis::ACTIVE_ENERGY_IMPORT, 1)));
}

/// Runs the discovery of a meter; how many attributes were read.
fn discover(wire: &mut Wire<Model>, maps: &mut Maps) -> (Discovered, usize) {
    let mut discovery = Discovery::new();
    let mut reads = 0;
    loop {
        if let Some(attribute) = discovery.wants() {
            let result = wire.read(&[attribute]).pop().unwrap();
            discovery.handle_read(&result).unwrap();
            reads += 1;
        } else if let Some(firmware) = discovery.asks() {
            let known = maps.of(firmware, 1);
            discovery.handle_known(known);
        } else {
            let mut discovered = discovery.done().unwrap().clone();
            if let (true, Some(firmware)) = (discovered.was_read, &discovered.firmware) {
                discovered.map = maps.learn(firmware, 1, Arc::clone(&discovered.map));
            }
            return (discovered, reads);
        }
    }
}

#[test]
fn a_fleet_reads_one_list_for_each_firmware() {
    let meter = |firmware: Option<&str>, with_clock: bool| {
        let mut model = Model::new();
        model.add(Register::SPEC, obis::VOLTAGE_L1);
        if with_clock {
            model.add(Clock::SPEC, obis::CLOCK);
        }
        if let Some(firmware) = firmware {
            model.add(Data::SPEC, FIRMWARE_ID);
            model.set(FIRMWARE_ID, 2, Value::OctetString(firmware.into()));
        }
        Wire::new(model)
    };
    let mut maps = Maps::new();
    let (first, reads) = discover(&mut meter(Some("1.0"), false), &mut maps);
    assert_eq!(reads, 2);
    for _ in 0..5 {
        let (next, reads) = discover(&mut meter(Some("1.0"), false), &mut maps);
        assert_eq!(reads, 1, "the firmware only");
        assert!(Arc::ptr_eq(&next.map, &first.map));
    }
    // The meter comes back with other firmware, and with a clock that it had not.
    let (changed, reads) = discover(&mut meter(Some("1.1"), true), &mut maps);
    assert_eq!(reads, 2);
    assert!(changed.map.find(obis::CLOCK).is_some() && first.map.find(obis::CLOCK).is_none());
    // A meter that does not tell its firmware is read in full, and taken for nobody else.
    let (silent, reads) = discover(&mut meter(None, true), &mut maps);
    assert_eq!((reads, silent.firmware, maps.len()), (2, None, 2));

    let mut refused = Discovery::new();
    refused.handle_read(&Err(DataAccessResult::ObjectUndefined)).unwrap();
    assert!(refused.handle_read(&Err(DataAccessResult::ReadWriteDenied)).is_err());
    assert!(refused.handle_read(&Ok(Value::Array(vec![]))).is_err(), "a list without objects");
    assert!(refused.done().is_none());
}

#[test]
fn what_is_no_list_is_the_meters_fault() {
    let fault = Err(PeerFault::WrongType { what: "object list" });
    let entry = |rights: Value| {
        Value::Array(vec![Value::Structure(vec![Value::U16(1), Value::U8(0), obis::CLOCK.to_value(), rights])])
    };
    for list in [
        Value::Null,
        Value::Array(vec![Value::Null]),
        entry(Value::Null),
        entry(Value::Structure(vec![Value::Array(vec![]), Value::Null])),
        decode_all(&[1, 1, 2, 1, 0x12, 0, 1]).unwrap(),
    ] {
        assert_eq!(ObjectMap::from_ln_list(&list, 1), fault, "{list:?}");
        assert_eq!(ObjectMap::from_sn_list(&list, None), fault, "{list:?}");
    }
    assert!(ObjectMap::from_ln_list(&Value::Array(vec![]), 1).unwrap().is_empty());
    assert_eq!(Data::SPEC.class, 1);
}
