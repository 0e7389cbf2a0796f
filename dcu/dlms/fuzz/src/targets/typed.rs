//! What clients make of values: typed attributes of every class, object lists, rows of profiles.

use taa_dlms::Value;
use taa_dlms::axdr::{decode, encode};
use taa_dlms::cosem::{
    ALL, ActivityCalendar, CaptureObject, Clock, CompactData, Disconnect, ImageTransfer, Object, ObjectMap,
    ProfileGeneric, ProfileRows, PushSetup, Register, ScalerUnit, Schedule, ScriptTable, SecuritySetup, SpecialDays,
    TokenGateway,
};
use taa_dlms::names::ShortNames;
use taa_dlms::wire::Reader;

/// First the capture period, then a value.
pub fn typed(data: &[u8]) {
    let (period_s, encoded) = data.split_first_chunk::<2>().map_or((900, data), |(p, d)| (u16::from_be_bytes(*p), d));
    rows(encoded, u32::from(period_s));
    let Ok(value) = decode(&mut Reader::new(encoded)) else { return };
    for spec in ALL {
        for attribute in spec.attributes {
            let fits = attribute.shape.fits(&value);
            // A structure with a field too few fits no shape that names it.
            let _ = (fits, attribute.shape.zero_like(&value));
        }
    }
    take_all::<Register>(&value);
    take_all::<ProfileGeneric>(&value);
    take_all::<Clock>(&value);
    take_all::<ScriptTable>(&value);
    take_all::<Schedule>(&value);
    take_all::<SpecialDays>(&value);
    take_all::<ImageTransfer>(&value);
    take_all::<ActivityCalendar>(&value);
    take_all::<PushSetup>(&value);
    take_all::<CompactData>(&value);
    take_all::<SecuritySetup>(&value);
    take_all::<Disconnect>(&value);
    take_all::<TokenGateway>(&value);
    for version in 0..4 {
        if let Ok(map) = ObjectMap::from_ln_list(&value, version) {
            stored(&map);
        }
    }
    if let Ok(map) = ObjectMap::from_sn_list(&value, None) {
        stored(&map);
    }
    let _ = ObjectMap::from_sn_list(&value, Some(&value)).map(|map| stored(&map));
    let _ = ShortNames::from_object_list(&value);
    let _ = CaptureObject::from_value(&value);
    if let Some(unit) = ScalerUnit::from_value(&value) {
        let _ = unit.quantity(&Value::I64(i64::MIN));
    }
}

/// What a class takes it gives back: in its own type, and that again the same.
fn take_all<T: Object>(value: &Value) {
    for attribute in T::SPEC.attributes {
        let mut object = T::default();
        if object.take(attribute.id, value).is_err() {
            continue;
        }
        let Some(given) = object.give(attribute.id) else { continue };
        assert!(attribute.shape.fits(&given), "{} {}: {given:?}", T::SPEC.name, attribute.name);
        let mut again = T::default();
        again.take(attribute.id, &given).expect("its own value");
        assert_eq!(bytes_of(again.give(attribute.id).as_ref()), bytes_of(Some(&given)));
    }
}

fn bytes_of(value: Option<&Value>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(value) = value {
        encode(value, &mut bytes);
    }
    bytes
}

fn stored(map: &ObjectMap) {
    let again = ObjectMap::from_bytes(&map.to_bytes()).expect("what was stored is read");
    assert_eq!(again.to_bytes(), map.to_bytes());
}

fn rows(encoded: &[u8], period_s: u32) {
    let mut rows = ProfileRows::default();
    if rows.decode(encoded, 3600).is_err() {
        return;
    }
    let (count, columns) = (rows.len(), rows.columns());
    rows.expand_nulls(period_s);
    assert_eq!((rows.len(), rows.columns()), (count, columns));
    for row in rows.rows() {
        let _ = rows.unix_s(row);
    }
}
