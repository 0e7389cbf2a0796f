//! What a meter sends of its own accord is told, whatever the client is doing.

use taa_dlms::apdu::{Apdu, DataNotification, EventNotification, LongInvokeId};
use taa_dlms::client::{Auth, ClientConfig};
use taa_dlms::client::{Client, Notification, NotificationKind};
use taa_dlms::cosem::{Model, Object, Register};
use taa_dlms::link::wrapper;
use taa_dlms::security::{
    Channel, ClientSecurity, Form, Hls, How, Keys, Policy, Protection, Random, SendCounter, Suite, SystemTitle,
};
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{AttributeRef, Value, obis};
use taa_keys::{Key, KeyHandle};

use crate::wire::{Told, Wire, config, framed, values};

const VOLTAGE: AttributeRef = AttributeRef::new(3, obis::VOLTAGE_L1, 2);
const METER: SystemTitle = SystemTitle(*b"SIM\0\0\0\0\x01");

fn meter() -> Model {
    let mut model = Model::new();
    model.add(Register::SPEC, obis::VOLTAGE_L1);
    model.set(obis::VOLTAGE_L1, 2, Value::U16(231));
    model
}

fn push(number: u32, confirmed: bool) -> Vec<u8> {
    let id = if confirmed { LongInvokeId::confirmed(number).0 } else { number };
    let mut message = Vec::new();
    DataNotification { long_invoke_id: id, date_time: None, body: &[0x11, 7] }.encode(&mut message);
    message
}

fn numbers(told: &[Told]) -> Vec<u32> {
    let number = |told: &Told| match told {
        Told::Notification(Notification { kind: NotificationKind::Data { long_invoke_id }, value, .. }) => {
            assert_eq!(*value, Value::U8(7));
            Some(*long_invoke_id & 0x00FF_FFFF)
        }
        _ => None,
    };
    told.iter().filter_map(number).collect()
}

#[test]
fn a_push_is_told_when_idle_and_amid_an_answer() {
    let mut wire = Wire::new(config(), meter());
    wire.client.handle_receive(0, &framed(&push(1, false)));
    assert_eq!(numbers(&wire.run()), [1]);
    wire.client.read(0, &[VOLTAGE]).unwrap();
    wire.client.handle_receive(0, &framed(&push(2, false)));
    let told = wire.run();
    assert_eq!(numbers(&told), [2]);
    assert_eq!(told.last(), Some(&values(vec![Value::U16(231)])));
    let mut event = Vec::new();
    EventNotification { time: None, attribute: VOLTAGE, value: &[0x12, 0, 9] }.encode(&mut event);
    wire.client.handle_receive(0, &framed(&event));
    let told = wire.run();
    let [Told::Notification(told)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&told.kind, &told.value), (&NotificationKind::Event(VOLTAGE), &Value::U16(9)));
    // A report by short names of two attributes.
    wire.client.handle_receive(0, &framed(&[0x18, 0, 2, 2, 0x05, 0x08, 2, 0x05, 0x10, 2, 0x11, 1, 0x11, 2]));
    let told = wire.run();
    let [Told::Notification(told)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(told.kind, NotificationKind::Report([0x0508, 0x0510].into()));
    assert_eq!(told.value, Value::Structure(vec![Value::U8(1), Value::U8(2)]));
}

#[test]
fn a_confirmed_push_is_confirmed_also_through_the_gate() {
    for gated in [false, true] {
        let mut wire = Wire::new(ClientConfig { gated, ..config() }, meter());
        wire.client.handle_receive(0, &framed(&push(5, true)));
        if gated {
            assert!(wire.drain().is_none() && wire.client.wants_exchange());
            assert!(wire.client.grant_exchange(0));
        }
        let frame = wire.drain().expect("a confirmation");
        let (addresses, message) = wrapper::open(&frame).unwrap();
        assert_eq!((addresses.source, addresses.destination), (1, 1));
        let Ok(Apdu::DataNotificationConfirm(confirm)) = Apdu::decode(message) else { panic!("{message:02x?}") };
        assert_eq!(confirm.long_invoke_id & 0x00FF_FFFF, 5);
        assert!(!wire.client.wants_exchange() && !wire.client.is_exchanging());
        // Sabotage: one that asks for none gets none.
        wire.client.handle_receive(0, &framed(&push(6, false)));
        assert!(wire.drain().is_none() && !wire.client.wants_exchange());
        assert_eq!(numbers(&wire.told), [5, 6]);
    }
}

#[test]
fn whoever_does_not_listen_loses_the_oldest() {
    let mut wire = Wire::new(config(), meter());
    for number in 0..40 {
        wire.client.handle_receive(0, &framed(&push(number, true)));
    }
    assert_eq!(wire.client.notifications_lost(), 24);
    let mut told = Vec::new();
    while wire.step() {
        told.append(&mut wire.told);
        if told.len() >= 16 {
            break;
        }
    }
    told.append(&mut wire.told);
    assert_eq!(numbers(&told), (24..40).collect::<Vec<_>>());
}

fn keys() -> Keys {
    let key = |byte| KeyHandle::new(Key::Aes128([byte; 16]));
    Keys { unicast: key(1).cipher(), authentication: Some(key(2)), broadcast: None, parties: None }
}

/// A client with suite 0 that has never associated, and what its meter pushes.
fn secured() -> (Wire<Model>, impl FnMut(u32, Protection) -> Vec<u8>) {
    let client = Client::secured(
        ClientConfig { ..ClientConfig::new(Auth::High(Hls::Gmac)) },
        ClientSecurity {
            suite: Suite::Zero,
            title: SystemTitle(*b"TAA\0\0\0\0\x01"),
            server_title: Some(METER),
            keys: Some(keys()),
            policy: Policy::both(Protection::BOTH),
            form: Form::Service,
            dedicated: false,
            challenge_bytes: 16,
            counter: SendCounter::volatile(0),
            random: Random::given(&[3; 64]),
        },
    );
    let channel = Channel::new(Suite::Zero, METER, Some(keys()));
    let mut counter = SendCounter::volatile(100);
    let mut random = Random::given(&[4; 64]);
    let push = move |number, protection| {
        let mut message = push(number, true);
        if !protection_is_none(protection) {
            let how = How { form: Form::General, ..How::global(protection) };
            channel.protect(&mut message, 0, how, &mut counter, &mut random, false).unwrap();
        }
        framed(&message)
    };
    (Wire::between(client, Server::new(ServerConfig::default()), meter()), push)
}

fn protection_is_none(protection: Protection) -> bool {
    protection == Protection::NONE
}

#[test]
fn ciphered_pushes_open_outside_of_associations_and_only_once() {
    let (mut wire, mut push) = secured();
    let (first, second) = (push(1, Protection::BOTH), push(2, Protection::BOTH));
    for frame in [&first, &first, &second, &first] {
        wire.client.handle_receive(0, frame);
    }
    let confirmation = wire.drain().expect("the first confirmation");
    assert_eq!(confirmation[8], 0xDB, "protected as the push was");
    assert_eq!(numbers(&wire.told), [1, 2]);
    let is_protected = |told: &Told| matches!(told, Told::Notification(n) if n.is_protected);
    assert!(wire.told.iter().all(is_protected));
    assert_eq!(wire.client.ignored(), 2, "the replays");
    // Plain, only authenticated, or forged: not taken.
    wire.drain();
    wire.told.clear();
    let mut forged = push(3, Protection::BOTH);
    *forged.last_mut().unwrap() ^= 1;
    for frame in [push(4, Protection::NONE), push(5, Protection::AUTHENTICATED), forged] {
        wire.client.handle_receive(0, &frame);
    }
    wire.drain();
    assert!(wire.told.is_empty());
    assert_eq!(wire.client.ignored(), 5);
    // Sabotage: what is in order still is.
    wire.client.handle_receive(0, &push(6, Protection::BOTH));
    wire.drain();
    assert_eq!(numbers(&wire.told), [6]);
}
