//! Both roles in the middle of their work, asked and answered anything.

use taa_dlms::apdu::{
    Aare, Apdu, ApplicationContext, AssociationResult, Conformance, Diagnostic, InitiateResponse, VAA_NAME_LN,
    VAA_NAME_SN,
};
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Item, Link, Output, Referencing};
use taa_dlms::cosem::{
    ALL, CaptureObject, Clock, Disconnect, Model, Object, ProfileGeneric, ProfileRange, Register, profile, register,
};
use taa_dlms::link::wrapper::{self, Addresses};
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{AttributeRef, MethodRef, Obis, Value, obis};

use super::Plan;

/// 2026-03-01 07:00 UTC.
const START: i64 = 1_772_348_400;
const HOURS: i64 = 6;
const MESSAGE_MAX: u16 = 200;
const ANSWER_MAX: usize = 4000;

/// A meter with a clock, a register, a relay and an hourly profile.
pub fn small_meter() -> Model {
    let mut model = Model::new();
    model.add(Clock::SPEC, obis::CLOCK);
    model.add(Register::SPEC, obis::ACTIVE_ENERGY_IMPORT);
    model.add(Disconnect::SPEC, obis::DISCONNECT_CONTROL);
    model.add(ProfileGeneric::SPEC, obis::LOAD_PROFILE);
    model.set(obis::ACTIVE_ENERGY_IMPORT, 2, Value::U32(123_456));
    let columns = [CaptureObject::CLOCK, CaptureObject::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, 2)];
    let profile = ProfileGeneric {
        capture_objects: Some(columns.to_vec()),
        capture_period: Some(3600),
        profile_entries: Some(48),
        ..ProfileGeneric::default()
    };
    model.put_object(obis::LOAD_PROFILE, &profile);
    model.handle_time(START);
    for hour in 1..=HOURS {
        model.handle_time(START + 3600 * hour);
    }
    model
}

/// The same with some objects beside, of classes that the plan chooses.
fn meter(plan: &mut Plan<'_>) -> Model {
    let mut model = small_meter();
    for number in 0..3 {
        model.add(ALL[plan.below(ALL.len())], Obis([0, 0, 94, 1, number, 255]));
    }
    model
}

pub fn framed(source: u16, destination: u16, message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(message);
    wrapper::finish(&mut frame, Addresses { source, destination }).expect("short enough");
    frame
}

/// The association request that our own client sends.
fn association_request(referencing: Referencing) -> Vec<u8> {
    let mut client = Client::new(ClientConfig { referencing, ..ClientConfig::new(Auth::None) });
    client.associate(0).expect("idle");
    let Output::Transmit(frame) = client.poll_output() else { unreachable!("it asks first") };
    frame.to_vec()
}

/// A server with an association, asked anything, in messages and in general blocks; every frame that it sends is within
/// its limits and is a message.
pub fn server(data: &[u8]) {
    let mut plan = Plan::new(data);
    let choice = plan.byte().unwrap_or(0);
    let referencing = if choice & 1 == 0 { Referencing::LogicalNames } else { Referencing::ShortNames };
    let mut server = Server::new(ServerConfig {
        short_names: true,
        pdu_max: if choice & 2 == 0 { MESSAGE_MAX } else { 1024 },
        value_bytes_max: ANSWER_MAX,
        general_window: 1 + (choice >> 6),
        ..ServerConfig::default()
    });
    let mut model = meter(&mut plan);
    let mut reply = Vec::new();
    assert!(server.handle_receive(&mut model, &association_request(referencing), &mut reply));
    assert!(server.is_managed());
    let mut now = START + HOURS * 3600;
    while let Some(kind) = plan.byte() {
        match kind >> 5 {
            0 => {
                now += [1, 60, 900, 3600, 86_400][plan.below(5)];
                model.handle_time(now);
                while model.poll_effect().is_some() {}
                continue;
            }
            1 if kind == 0x20 => server.handle_power_lost(),
            1 if kind == 0x21 => server.handle_link_lost(1),
            _ => {}
        }
        let source = [1, 1, 1, 16, 7][plan.below(5)];
        let mut answered = server.handle_receive(&mut model, &framed(source, 1, plan.piece()), &mut reply);
        let mut frames = 0;
        while answered {
            frames += 1;
            assert!(frames <= 64, "windows end");
            let (addresses, message) = wrapper::open(&reply).expect("its own frame");
            assert_eq!(addresses, Addresses { source: 1, destination: source });
            let apdu = Apdu::decode(message);
            assert!(apdu.is_ok(), "{message:02x?}: {apdu:?}");
            answered = server.next_frame(&mut reply);
        }
    }
    // Whatever was done to it, it can still be associated with and read.
    server.handle_power_lost();
    let mut client = Client::new(ClientConfig::new(Auth::None));
    let energy = AttributeRef::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, 1);
    client.read(0, &[energy]).expect("idle");
    let mut read = false;
    loop {
        match client.poll_output() {
            Output::Transmit(frame) => {
                let frame = frame.to_vec();
                assert!(server.handle_receive(&mut model, &frame, &mut reply));
                client.handle_receive(0, &reply);
            }
            Output::Event(ClientEvent::Values(values)) => {
                read = values == [Ok(Value::OctetString(obis::ACTIVE_ENERGY_IMPORT.0.into()))];
            }
            Output::Event(_) | Output::SetLine(_) => {}
            Output::Timeout(None) => break,
            Output::Timeout(Some(deadline)) => unreachable!("{deadline}: it answers"),
        }
    }
    assert!(read);
}

fn granted(short: bool, conformance: Conformance, pdu_max: u16) -> Vec<u8> {
    let vaa_name = if short { VAA_NAME_SN } else { VAA_NAME_LN };
    let mut initiate = Vec::new();
    InitiateResponse { quality_of_service: None, version: 6, conformance, pdu_max, vaa_name }.encode(&mut initiate);
    let mut aare = Aare::new(AssociationResult::Accepted, Diagnostic::NONE, Some(&initiate));
    aare.context = if short { ApplicationContext::Sn } else { ApplicationContext::Ln };
    let mut message = Vec::new();
    Apdu::Aare(aare).encode(&mut message);
    message
}

/// A list with the objects that the commands below name, for short names.
fn short_list() -> Vec<u8> {
    let mut list = vec![0x0C, 1, 0, 1, 3];
    for (base, class, name) in [
        (0x1000_u16, 3_u16, obis::ACTIVE_ENERGY_IMPORT),
        (0x2000, 7, obis::LOAD_PROFILE),
        (0x3000, 70, obis::DISCONNECT_CONTROL),
    ] {
        let ([b1, b0], [c1, c0]) = (base.to_be_bytes(), class.to_be_bytes());
        list.extend_from_slice(&[2, 4, 0x10, b1, b0, 0x12, c1, c0, 0x11, 0, 9, 6]);
        list.extend_from_slice(&name.0);
    }
    list
}

/// A client that is granted its association and then answered anything: every command ends in one event.
pub fn client(data: &[u8]) {
    let mut plan = Plan::new(data);
    let choice = plan.byte().unwrap_or(0);
    let short = choice & 1 != 0;
    let link = if choice & 2 == 0 { Link::Datagram } else { Link::Stream };
    let mut client = Client::new(ClientConfig {
        link,
        referencing: if short { Referencing::ShortNames } else { Referencing::LogicalNames },
        answer_bytes_max: ANSWER_MAX,
        pdu_max: MESSAGE_MAX,
        retries: 1,
        ..ClientConfig::new(Auth::None)
    });
    let offered = match (choice >> 2 & 3, short) {
        (0 | 1, false) => Conformance::SUPPORTED,
        (2, false) => Conformance::GET | Conformance::SET | Conformance::ACTION,
        (_, false) => Conformance::SUPPORTED,
        (_, true) => Conformance::SUPPORTED_SN,
    };
    let answers = Answers { short, grant: framed(1, 1, &granted(short, offered, 128)) };
    let mut now = 0;
    while let Some(kind) = plan.byte() {
        command(&mut client, now, kind, &mut plan);
        converse(&mut client, &answers, &mut now, &mut plan);
        assert!(client.is_idle());
    }
    assert!(client.memory_bytes() < 2048 + ANSWER_MAX * 40, "{}", client.memory_bytes());
}

struct Answers {
    short: bool,
    grant: Vec<u8>,
}

fn command(client: &mut Client, now: u64, kind: u8, plan: &mut Plan<'_>) {
    let energy = AttributeRef::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, 2);
    let buffer = AttributeRef::new(profile::CLASS, obis::LOAD_PROFILE, profile::BUFFER);
    let method = MethodRef::new(70, obis::DISCONNECT_CONTROL, 1);
    let long = Value::OctetString(vec![7; plan.below(256) * 3].as_slice().into());
    let begun = match kind % 12 {
        0 => client.read(now, &[energy]),
        1 => client.read(now, &[energy, buffer, energy]),
        2 => client.read_profile(now, obis::LOAD_PROFILE, ProfileRange::All),
        3 => client.read_profile(now, obis::LOAD_PROFILE, ProfileRange::Last(5)),
        4 => client.read_profile(now, obis::LOAD_PROFILE, ProfileRange::Between(START, START + 86_400)),
        5 => client.write(now, energy, &long),
        6 => client.write_list(now, &[(energy, &long), (energy, &Value::Null)]),
        7 => client.invoke(now, method, Some(&long)),
        8 => client.invoke_list(now, &[(method, None), (method, Some(&long))]),
        9 => client.access(now, &[Item::Read(energy), Item::Write(energy, &long), Item::Invoke(method, None)]),
        10 => client.resume_profile(now).or_else(|_| client.associate(now)),
        _ => client.release(now),
    };
    begun.expect("idle");
}

/// Answers until the command has ended: from the plan while it lasts, by silence then.
fn converse(client: &mut Client, answers: &Answers, now: &mut u64, plan: &mut Plan<'_>) {
    let mut ended = 0;
    let mut steps = 0;
    loop {
        steps += 1;
        assert!(steps < 20_000, "it never ends");
        let request = match client.poll_output() {
            Output::Transmit(frame) => frame.to_vec(),
            Output::Event(event) => {
                let last = matches!(
                    event,
                    ClientEvent::Values(_) | ClientEvent::Profile(_) | ClientEvent::Done(_) | ClientEvent::Failed(_)
                );
                ended += u32::from(last);
                continue;
            }
            Output::SetLine(_) => continue,
            Output::Timeout(None) => break,
            Output::Timeout(Some(deadline)) => {
                *now = (*now).max(deadline);
                client.handle_timeout(*now);
                continue;
            }
        };
        let message = &request[wrapper::HEADER_BYTES..];
        if message.first() == Some(&0x60) {
            client.handle_receive(*now, &answers.grant);
        } else if answers.short && message.starts_with(&[0x05, 1, 2, 0xFA, 0x00]) {
            // The list of objects. It may be a list of the fuzzer's instead.
            let own = short_list();
            let list = if plan.below(8) == 0 { plan.piece() } else { own.as_slice() };
            client.handle_receive(*now, &framed(1, 1, list));
        } else {
            answer(client, message, *now, plan);
        }
    }
    assert_eq!(ended, 1, "one event ends a command");
}

/// A message of the plan's, under the number of the request or another one; or rubbish; or nothing.
fn answer(client: &mut Client, request: &[u8], now: u64, plan: &mut Plan<'_>) {
    let Some(kind) = plan.byte() else { return };
    let mut message = plan.piece().to_vec();
    match kind & 7 {
        0 => return client.handle_receive(now, &message),
        1 => return client.handle_closed(now),
        2 => return,
        3 => {}
        _ => {
            // Where services by logical names carry it; ACCESS in four bytes.
            let at = if message.first() == Some(&0xDA) { 4 } else { 2 };
            if let (Some(slot), Some(number)) = (message.get_mut(at), request.get(at)) {
                *slot = *number;
            }
        }
    }
    let frame = framed(1, 1, &message);
    let cut = if kind & 8 == 0 { frame.len() } else { plan.below(frame.len()) };
    client.handle_receive(now, &frame[..cut]);
    if cut < frame.len() {
        client.handle_receive(now, &frame[cut..]);
    }
}

/// For the dialogue under security: what it reads, and what stands there.
pub const NAME: AttributeRef = AttributeRef::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, 2);
pub const VALUE: u32 = 123_456;
