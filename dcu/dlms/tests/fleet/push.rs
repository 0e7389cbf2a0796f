//! From the alarm in the meter to the ears of the client: a threshold is passed, a script runs, a push goes out under
//! the meter's own keys, and is confirmed.

use std::collections::BTreeMap;

use taa_dlms::client::{Auth, Client, ClientConfig, Notification, NotificationKind};
use taa_dlms::cosem::model::Effect;
use taa_dlms::cosem::{
    ActionSet, CaptureObject, Clock, Model, MonitoredValue, Object, PushSetup, Register, RegisterMonitor, Script,
    ScriptAction, ScriptRef, ScriptTable, ServiceId,
};
use taa_dlms::error::{Error, Refusal, SecurityFault};
use taa_dlms::link::hdlc::{Address, Parameters, SecondaryConfig};
use taa_dlms::link::push::{Listener, ListenerConfig, PushKind, open_datagram};
use taa_dlms::link::wrapper::{self, Addresses};
use taa_dlms::security::{
    AssociationSecurity, Channel, ClientSecurity, Form, Hls, Keys, Policy, Protection, Random, SendCounter,
    ServerSecurity, Suite, SystemTitle,
};
use taa_dlms::server::{Port, PortOutput, PushOrder, Server, ServerConfig, ServerLink};
use taa_dlms::{DataAccessResult, MethodRef, Obis, Value, obis};
use taa_keys::{Key, KeyHandle};

use crate::wire::{Told, Wire};

const SCRIPTS: Obis = Obis([0, 0, 10, 0, 108, 255]);
const PUSH: Obis = Obis([0, 4, 25, 9, 0, 255]);
const MONITOR: Obis = Obis([0, 0, 16, 1, 0, 255]);

fn title(meter: u8) -> SystemTitle {
    SystemTitle([b'S', b'I', b'M', 0, 0, 0, 0, meter])
}

/// Each meter has keys of its own.
fn keys(meter: u8) -> Keys {
    let key = |byte| KeyHandle::new(Key::Aes128([byte; 16]));
    Keys { unicast: key(meter).cipher(), authentication: Some(key(100 + meter)), broadcast: None, parties: None }
}

/// A meter that pushes name, voltage and a value that it does not have when the voltage passes 250 V.
fn model() -> Model {
    let mut model = Model::new();
    model.add(Clock::SPEC, obis::CLOCK);
    model.add(Register::SPEC, obis::VOLTAGE_L1);
    model.set(obis::VOLTAGE_L1, 2, Value::U16(231));
    model.add(PushSetup::SPEC, PUSH);
    let element = |class, name, attribute| CaptureObject::new(class, name, attribute);
    let list = vec![
        element(40, PUSH, 1),
        element(3, obis::VOLTAGE_L1, 2),
        element(3, obis::ACTIVE_ENERGY_IMPORT, 2),
        CaptureObject { data_index: 1, ..element(3, obis::VOLTAGE_L1, 3) },
    ];
    model.put_object(PUSH, &PushSetup { push_object_list: Some(list), ..PushSetup::default() });
    model.add(ScriptTable::SPEC, SCRIPTS);
    let action = ScriptAction {
        service_id: ServiceId::Execute,
        class_id: 40,
        logical_name: PUSH,
        index: 1,
        parameter: Value::I8(0),
    };
    let scripts = vec![Script { script_identifier: 1, actions: vec![action] }];
    model.put_object(SCRIPTS, &ScriptTable { scripts: Some(scripts) });
    model.add(RegisterMonitor::SPEC, MONITOR);
    let script = |selector| ScriptRef { script_logical_name: SCRIPTS, script_selector: selector };
    let monitor = RegisterMonitor {
        thresholds: Some(vec![Value::U16(250)]),
        monitored_value: Some(MonitoredValue { class_id: 3, logical_name: obis::VOLTAGE_L1, attribute_index: 2 }),
        actions: Some(vec![ActionSet { action_up: script(1), action_down: script(7) }]),
    };
    assert!(model.put_object(MONITOR, &monitor));
    model.handle_time(1_772_150_400);
    model.handle_time(1_772_150_401);
    model
}

fn raise(model: &mut Model, volts: u16) -> Vec<Effect> {
    model.set(obis::VOLTAGE_L1, 2, Value::U16(volts));
    model.handle_time(1_772_150_400 + i64::from(volts));
    std::iter::from_fn(|| model.poll_effect()).collect()
}

pub(crate) fn server(meter: u8) -> Server {
    server_counting(meter, SendCounter::volatile(0))
}

fn server_counting(meter: u8, counter: SendCounter) -> Server {
    let management = AssociationSecurity {
        suite: Suite::Zero,
        keys: Some(keys(meter)),
        policy: Policy::both(Protection::BOTH),
        hls: Some(Hls::Gmac),
        challenge_bytes: 16,
        client_title: None,
    };
    let security = ServerSecurity {
        title: title(meter),
        counter,
        random: Random::given(&[4; 64]),
        management: Some(management),
        public: None,
    };
    Server::secured(ServerConfig::default(), security)
}

pub(crate) fn client(meter: u8) -> Client {
    Client::secured(
        ClientConfig { push_sap: Some(102), ..ClientConfig::new(Auth::High(Hls::Gmac)) },
        ClientSecurity {
            suite: Suite::Zero,
            title: SystemTitle(*b"TAA\0\0\0\0\x01"),
            server_title: Some(title(meter)),
            keys: Some(keys(meter)),
            policy: Policy::both(Protection::BOTH),
            form: Form::Service,
            dedicated: false,
            challenge_bytes: 16,
            counter: SendCounter::volatile(0),
            random: Random::given(&[3; 64]),
        },
    )
}

fn order(number: u32) -> PushOrder {
    PushOrder { setup: PUSH, number, time: None, is_confirmed: true }
}

fn framed(to: u16, message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(message);
    wrapper::finish(&mut frame, Addresses { source: 1, destination: to }).unwrap();
    frame
}

fn pushed(volts: u16) -> Value {
    let name = Value::OctetString(PUSH.0.into());
    Value::Structure(vec![name, Value::U16(volts), Value::Null, Value::I8(0)])
}

#[test]
fn an_alarm_reaches_the_client_and_the_meter_learns_that_it_has() {
    let mut wire = Wire::between(client(1), server(1), model());
    assert_eq!(raise(&mut wire.model, 240), []);
    assert_eq!(raise(&mut wire.model, 260), [Effect::Script(SCRIPTS, 1), Effect::Push(PUSH)]);
    let mut message = Vec::new();
    wire.server.push(&mut wire.model, order(7), &mut message).unwrap();
    assert_eq!(message[0], 0xDB, "general-glo-ciphering");
    for to in [102, 102, 9] {
        wire.client.handle_receive(0, &framed(to, &message));
    }
    let confirmation = wire.drain().expect("a confirmation");
    let [Told::Notification(Notification { kind, value, is_protected: true, .. })] = wire.told.as_slice() else {
        panic!("{:?}", wire.told)
    };
    assert!(matches!(kind, NotificationKind::Data { long_invoke_id } if long_invoke_id & 0x00FF_FFFF == 7));
    assert_eq!(*value, pushed(260));
    assert_eq!(wire.client.ignored(), 2, "the copy, and the one to somebody else");
    assert_eq!(wire.server.poll_confirmed(), None);
    wire.carry(&confirmation);
    assert_eq!(wire.server.poll_confirmed(), Some(7));
    // A plain or a repeated confirmation is none.
    wire.carry(&confirmation);
    wire.carry(&{
        let mut frame = framed(1, &[0x10, 0x40, 0, 0, 8, 0]);
        frame[2..6].copy_from_slice(&[0, 1, 0, 1]);
        frame
    });
    assert_eq!(wire.server.poll_confirmed(), None);
    // Back under the threshold another script is asked for, which does not exist: nothing is pushed.
    assert_eq!(raise(&mut wire.model, 200), []);
    let nothing = PushOrder { setup: SCRIPTS, ..order(8) };
    let refused = wire.server.push(&mut wire.model, nothing, &mut message);
    assert_eq!(refused, Err(Refusal::Access(DataAccessResult::ObjectUndefined).into()));
}

#[test]
fn a_client_may_order_a_push_and_reads_on_meanwhile() {
    let mut wire = Wire::between(client(1), server(1), model());
    wire.client.invoke(0, MethodRef::new(9, SCRIPTS, 1), Some(&Value::U16(1))).unwrap();
    assert_eq!(wire.run().last(), Some(&Told::Done));
    assert!(std::iter::from_fn(|| wire.model.poll_effect()).any(|effect| effect == Effect::Push(PUSH)));
    let mut message = Vec::new();
    wire.server.push(&mut wire.model, order(1), &mut message).unwrap();
    wire.client.read(0, &[taa_dlms::AttributeRef::new(3, obis::VOLTAGE_L1, 2)]).unwrap();
    wire.client.handle_receive(0, &framed(1, &message));
    let told = wire.run();
    assert!(matches!(told.as_slice(), [Told::Notification(_), Told::Values(_)]), "{told:?}");
}

#[test]
fn over_hdlc_it_comes_in_an_unnumbered_frame() {
    let address = Address::server(1, Some(17)).unwrap();
    let mut port = Port::new(ServerLink::Hdlc(SecondaryConfig::new(address, Parameters::DEFAULT)));
    let (mut server, mut model) = (server(1), model());
    let mut message = Vec::new();
    server.push(&mut model, order(1), &mut message).unwrap();
    assert!(port.push(&server, 1, &message));
    let Some(PortOutput::Transmit(frame)) = port.poll_output() else { panic!("nothing") };
    let push = open_datagram(&frame).unwrap();
    assert_eq!((push.kind, push.physical), (PushKind::Protected, Some(17)));
    assert_eq!(push.system_title, Some(title(1).0.as_slice()));
}

/// One port for all meters: the title says whose keys open a push, each sender's counters are kept, and what one meter
/// sends under another's name opens for nobody.
#[test]
fn a_listener_opens_each_meters_pushes_with_its_own_keys_once() {
    let meters = [1_u8, 2, 3];
    let mut channels: BTreeMap<[u8; 8], Channel> = meters
        .map(|meter| (title(meter).0, Channel::new(Suite::Zero, SystemTitle(*b"TAA\0\0\0\0\x01"), Some(keys(meter)))))
        .into();
    let mut listener: Listener<u8> = Listener::new(ListenerConfig { streams_max: 8, message_max: 2048 });
    let mut opened = Vec::new();
    let mut open = |peer: u8, bytes: &[u8]| -> Vec<Result<u8, Error>> {
        listener.handle_receive(0, peer, bytes);
        let mut results = Vec::new();
        while let Some((_, push)) = listener.next_push() {
            let channel = push.system_title.and_then(|title| channels.get_mut(title));
            let Some(channel) = channel else {
                results.push(Err(SecurityFault::WrongTitle.into()));
                continue;
            };
            results.push(channel.open(push.message, &mut opened).map(|_| opened[0]));
        }
        results
    };
    let mut first = Vec::new();
    for meter in meters {
        let (mut server, mut model) = (server(meter), model());
        let mut message = Vec::new();
        server.push(&mut model, order(1), &mut message).unwrap();
        let frame = framed(102, &message);
        // Cut in the middle, and twice.
        assert_eq!(open(meter, &frame[..9]), []);
        assert_eq!(open(meter, &frame[9..]), [Ok(0x0F)]);
        let replay = open(meter, &frame);
        assert!(matches!(replay.as_slice(), [Err(Error::Security(SecurityFault::Replay { .. }))]), "{replay:?}");
        // Under another's name.
        let mut stolen = message.clone();
        stolen[2..10].copy_from_slice(&title(meter % 3 + 1).0);
        let stolen = open(meter, &framed(102, &stolen));
        let refused = matches!(
            stolen.as_slice(),
            [Err(Error::Security(SecurityFault::NotGenuine | SecurityFault::Replay { .. }))]
        );
        assert!(refused, "{stolen:?}");
        stranger(&mut message);
        assert_eq!(open(meter, &framed(102, &message)), [Err(SecurityFault::WrongTitle.into())]);
        first = frame;
    }
    // A counter that has fallen back is refused as well: a meter that was reset, or somebody else.
    let (mut reset, mut model) = (server(3), model());
    let mut message = Vec::new();
    reset.push(&mut model, order(2), &mut message).unwrap();
    assert!(open(3, &framed(102, &message))[0].is_err());
    assert!(!first.is_empty());
}

fn stranger(message: &mut [u8]) {
    message[2..10].copy_from_slice(b"NOT\0\0\0\0\x01");
}

#[test]
fn without_durable_counters_nothing_is_pushed() {
    let mut server = server_counting(1, SendCounter::resume(100, 64));
    let mut model = model();
    let mut message = Vec::new();
    let refused = server.push(&mut model, order(1), &mut message);
    assert_eq!(refused, Err(SecurityFault::CounterNotReserved.into()));
    assert!(message.is_empty(), "nothing unprotected is left to be sent");
    // Sabotage: once they are reserved it is.
    let bound = server.counter_wanted().expect("a reservation");
    server.handle_counter_durable(bound);
    assert_eq!(server.push(&mut model, order(1), &mut message), Ok(()));
    assert_eq!(message[0], 0xDB);
    // A meter without keys pushes plainly.
    let mut plain = Server::new(ServerConfig::default());
    assert_eq!(plain.push(&mut model, order(1), &mut message), Ok(()));
    assert_eq!(message[0], 0x0F);
}
