//! The meter that outside clients read: what it holds, in Rust and as they must see it.

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use taa_dlms::axdr::{Octets, decode_all};
use taa_dlms::cosem::model::{Hooks, Verdict};
use taa_dlms::cosem::{
    AttributeAccess, CaptureObject, Clock, Data, Disconnect, ImageInfo, ImageTransfer, Model, Object, ObjectEntry,
    ObjectModel, ProfileGeneric, PushSetup, Register, ScalerUnit, Unit,
};
use taa_dlms::{AttributeRef, Obis, Value, obis};

/// 1 March 2026, 07:00 UTC: the last capture.
const LAST: i64 = 1_772_348_400;
/// The meter's time, which stands still.
pub(crate) const NOW: i64 = LAST + 60;
pub(crate) const ENERGY: Obis = obis::ACTIVE_ENERGY_IMPORT;
pub(crate) const VOLTAGE: Obis = obis::VOLTAGE_L1;
pub(crate) const NAME: Obis = obis::LOGICAL_DEVICE_NAME;
pub(crate) const NOTE: Obis = Obis([0, 0, 96, 1, 9, 255]);
pub(crate) const STATUS: Obis = obis::PROFILE_STATUS;
pub(crate) const CLOCK: Obis = obis::CLOCK;
pub(crate) const PROFILE: Obis = obis::LOAD_PROFILE;
pub(crate) const RELAY: Obis = obis::DISCONNECT_CONTROL;
pub(crate) const IMAGE: Obis = Obis([0, 0, 44, 0, 0, 255]);
pub(crate) const PUSH: Obis = Obis([0, 7, 25, 9, 0, 255]);

/// Quarters of an hour captured.
pub(crate) const ROWS: i64 = 48;
const PERIOD_S: i64 = 900;
const BLOCK_BYTES: u32 = 64;

/// A device name longer than one HDLC frame would be dull; this one is public.
pub(crate) const DEVICE_NAME: &[u8] = b"TAA0000000000001";

struct Flash(Arc<Mutex<Vec<u8>>>);

impl Hooks for Flash {
    fn verify_image(&mut self, _: &[u8], image: &[u8]) -> Verdict {
        Verdict::Good(Octets::from([image.len() as u8].as_slice()))
    }

    fn activate_image(&mut self, _: &ImageInfo, image: &[u8]) -> bool {
        self.0.lock().is_ok_and(|mut flash| {
            *flash = image.to_vec();
            true
        })
    }
}

/// A meter with two days' half of a load profile; activated images land in `flash`.
pub(crate) fn meter(flash: &Arc<Mutex<Vec<u8>>>) -> Model {
    let mut model = Model::with_hooks(Box::new(Flash(Arc::clone(flash))));
    for (obis, access) in [(NAME, AttributeAccess::public(2)), (STATUS, AttributeAccess::read(2))] {
        let attributes: &'static [AttributeAccess] = Box::leak(Box::new([access]));
        model.add_with(Data::SPEC, ObjectEntry { attributes, ..Data::SPEC.entry(obis) });
    }
    const WRITABLE: &[AttributeAccess] = &[AttributeAccess::read_write(2)];
    model.add_with(Data::SPEC, ObjectEntry { attributes: WRITABLE, ..Data::SPEC.entry(NOTE) });
    model.add(Register::SPEC, ENERGY);
    model.add(Register::SPEC, VOLTAGE);
    model.add(Clock::SPEC, CLOCK);
    model.add(ProfileGeneric::SPEC, PROFILE);
    model.add(Disconnect::SPEC, RELAY);
    model.add(ImageTransfer::SPEC, IMAGE);
    model.add(PushSetup::SPEC, PUSH);
    model.set(NAME, 2, Value::OctetString(DEVICE_NAME.into()));
    model.set(NOTE, 2, Value::OctetString([][..].into()));
    model.set(STATUS, 2, Value::U8(0));
    let wh = Register { value: Some(Value::U64(0)), scaler_unit: Some(ScalerUnit::new(0, Unit::WattHour)) };
    model.put_object(ENERGY, &wh);
    let volts = Register { value: Some(Value::U16(2301)), scaler_unit: Some(ScalerUnit::new(-1, Unit::Volt)) };
    model.put_object(VOLTAGE, &volts);
    let columns = vec![
        CaptureObject::CLOCK,
        CaptureObject::new(Register::CLASS, ENERGY, 2),
        CaptureObject::new(Data::CLASS, STATUS, 2),
    ];
    let profile = ProfileGeneric {
        capture_objects: Some(columns.clone()),
        capture_period: Some(900),
        sort_object: Some(CaptureObject::CLOCK),
        profile_entries: Some(200),
        ..ProfileGeneric::default()
    };
    model.put_object(PROFILE, &profile);
    model.put_object(PUSH, &PushSetup { push_object_list: Some(columns[1..].to_vec()), ..PushSetup::default() });
    model.set(IMAGE, 2, Value::U32(BLOCK_BYTES));
    model.set(IMAGE, 5, Value::Bool(true));
    model.handle_time(stamp(0) - 10);
    for row in 0..ROWS {
        let Some((energy, status)) = captured(row) else { continue };
        model.set(ENERGY, 2, Value::U64(energy));
        model.set(STATUS, 2, Value::U8(status));
        model.handle_time(stamp(row) + 5);
    }
    model.handle_time(NOW);
    model
}

/// When a row was captured, seconds since 1970.
pub(crate) const fn stamp(row: i64) -> i64 {
    LAST - (ROWS - 1 - row) * PERIOD_S
}

/// Energy (with 7E and 7D among its bytes now and then) and status of a row.
fn captured(row: i64) -> Option<(u64, u8)> {
    let row = u64::try_from(row).ok()?;
    Some((0x7E00 + row * 0x7D, u8::try_from(row % 7).ok()?))
}

/// A row as both clients must tell it.
pub(crate) fn row(number: i64) -> Option<Json> {
    captured(number).map(|(energy, status)| json!([stamp(number), energy, status]))
}

/// An attribute as both clients must tell it.
pub(crate) fn held(model: &mut Model, class: u16, obis: Obis, attribute: i8) -> Json {
    let mut bytes = Vec::new();
    match model.read(AttributeRef::new(class, obis, attribute), None, &mut bytes) {
        Ok(()) => decode_all(&bytes).map_or(Json::Null, |value| seen(&value)),
        Err(error) => json!({ "refused": error.code() }),
    }
}

/// A value as both clients must tell it.
pub(crate) fn seen(value: &Value) -> Json {
    match value {
        Value::Bool(bit) => json!(bit),
        Value::OctetString(octets) => json!({"hex": hex(octets)}),
        Value::VisibleString(text) => json!(String::from_utf8_lossy(text)),
        Value::Enum(code) => json!(code),
        Value::Array(elements) | Value::Structure(elements) => elements.iter().map(seen).collect(),
        other => other.as_u64().map_or_else(|| json!(other.as_i64()), |number| json!(number)),
    }
}

/// Class, version and name of every object, the association itself included, sorted.
pub(crate) fn objects(model: &Model) -> Vec<Json> {
    let mut all: Vec<Json> =
        model.objects().iter().map(|entry| json!([entry.class, entry.version, text(entry.obis)])).collect();
    all.sort_by_key(ToString::to_string);
    all
}

/// A logical name with dots.
pub(crate) fn text(obis: Obis) -> String {
    obis.0.map(|byte| byte.to_string()).join(".")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
