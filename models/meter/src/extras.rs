//! What the meter takes as it is from the common object model: image transfer, push setup, push scripts, security setup.
//! Nothing in here is read every hour; what is (energy, profile, relay, clock, credit) stands in [`crate::objects`]
//! without a value per attribute.

use taa_dlms::Value;
use taa_dlms::axdr::Octets;
use taa_dlms::cosem::{
    AttributeAccess, CaptureObject, ImageStatus, ImageTransfer, MethodAccess, Model, Object, ObjectEntry,
    PushDestination, PushMessage, PushSetup, PushTransport, Script, ScriptAction, ScriptTable, SecuritySetup,
    ServiceId, clock, data,
};
use taa_dlms::obis;

use crate::access::security_setup;
use crate::alarm::Pace;
use crate::firmware::Bootloader;
use crate::{MeterAccess, MeterConfig};

const NS_PER_S: u64 = 1_000_000_000;
/// The script that pushes alarms.
const PUSH_SCRIPT: u16 = 1;

/// Where to and when a push may be sent is fixed: this meter has one link and no windows.
const PUSH_RIGHTS: &[AttributeAccess] = &[
    AttributeAccess::read_write(2),
    AttributeAccess::read(3),
    AttributeAccess::read(4),
    AttributeAccess::read_write(5),
    AttributeAccess::read_write(6),
    AttributeAccess::read_write(7),
];
/// Block sizes and results are the meter's; a client only enables.
const IMAGE_RIGHTS: &[AttributeAccess] = ImageTransfer::SPEC.rights;
const SCRIPT_RIGHTS: &[AttributeAccess] = &[AttributeAccess::read(2)];
/// Policy (stronger only) and key transfer; what needs certificates is not there in suite 0.
const SECURITY_CALLS: &[MethodAccess] = &[MethodAccess { id: 1 }, MethodAccess { id: 2 }];

/// Objects of the common model, as the object list shows them.
pub(crate) fn entries(access: &MeterAccess) -> Vec<ObjectEntry> {
    let mut entries = vec![
        ObjectEntry { attributes: IMAGE_RIGHTS, ..ImageTransfer::SPEC.entry(obis::IMAGE_TRANSFER) },
        ObjectEntry { attributes: PUSH_RIGHTS, ..PushSetup::SPEC.entry(obis::PUSH_ALARM) },
        ObjectEntry { attributes: SCRIPT_RIGHTS, ..ScriptTable::SPEC.entry(obis::PUSH_SCRIPTS) },
    ];
    if matches!(access, MeterAccess::Keys { .. }) {
        entries.push(ObjectEntry { methods: SECURITY_CALLS, ..SecuritySetup::SPEC.entry(obis::SECURITY_SETUP) });
    }
    entries
}

/// The common model with these objects and what they begin with.
pub(crate) fn model(config: &MeterConfig) -> Model {
    let mut model = Model::with_hooks(Box::new(Bootloader));
    let specs = [ImageTransfer::SPEC, PushSetup::SPEC, ScriptTable::SPEC, SecuritySetup::SPEC];
    for (entry, spec) in entries(&config.access).into_iter().zip(specs) {
        model.add_with(spec, entry);
    }
    model.put_object(
        obis::IMAGE_TRANSFER,
        &ImageTransfer {
            image_block_size: Some(config.image_block_bytes.max(1)),
            image_transfer_enabled: Some(true),
            image_transfer_status: Some(ImageStatus::NotInitiated),
            ..ImageTransfer::default()
        },
    );
    model.put_object(obis::PUSH_ALARM, &push_setup(config));
    let push = ScriptAction {
        service_id: ServiceId::Execute,
        class_id: PushSetup::CLASS,
        logical_name: obis::PUSH_ALARM,
        index: 1,
        parameter: Value::I8(0),
    };
    let script = Script { script_identifier: PUSH_SCRIPT, actions: vec![push] };
    model.put_object(obis::PUSH_SCRIPTS, &ScriptTable { scripts: Some(vec![script]) });
    if let MeterAccess::Keys { title, .. } = config.access {
        model.put_object(obis::SECURITY_SETUP, &security_setup(title));
    }
    model
}

fn push_setup(config: &MeterConfig) -> PushSetup {
    PushSetup {
        push_object_list: Some(vec![
            CaptureObject::new(PushSetup::CLASS, obis::PUSH_ALARM, 1),
            CaptureObject::new(data::CLASS, obis::LOGICAL_DEVICE_NAME, data::VALUE),
            CaptureObject::new(clock::CLASS, obis::CLOCK, clock::TIME),
            CaptureObject::new(data::CLASS, obis::ALARM_DESCRIPTOR, data::VALUE),
        ]),
        // To whoever the link leads to: the concentrator.
        send_destination_and_method: Some(PushDestination {
            transport_service: PushTransport::Udp,
            destination: Octets::default(),
            message: PushMessage::Apdu,
        }),
        communication_window: Some(Vec::new()),
        randomisation_start_interval: Some(config.push_spread_s),
        number_of_retries: Some(u8::MAX),
        repetition_delay: Some(config.push_repeat_s),
    }
}

/// How the push setup has pushes made now.
pub(crate) fn pace(model: &Model) -> Pace {
    let number = |attribute| model.value(obis::PUSH_ALARM, attribute).and_then(Value::as_i64).unwrap_or(0).max(0);
    let seconds = |attribute| u64::try_from(number(attribute)).unwrap_or(0) * NS_PER_S;
    Pace { spread_ns: seconds(5), retries: u8::try_from(number(6)).unwrap_or(u8::MAX), delay_ns: seconds(7) }
}

/// The list of the push setup.
pub(crate) fn push_list(model: &Model) -> Vec<CaptureObject> {
    let list = model.value(obis::PUSH_ALARM, 2).and_then(Value::elements).unwrap_or_default();
    list.iter().filter_map(CaptureObject::from_value).collect()
}
