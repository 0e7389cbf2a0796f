//! Dialogues of our client and our server, as they stand on the wire.

use taa_dlms::apdu::{Apdu, Conformance, DataNotification, EventNotification, ExceptionResponse, LongInvokeId};
use taa_dlms::axdr::{BitString, encode};
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, HdlcLink, Item, Link, Output, Referencing};
use taa_dlms::cosem::{
    CaptureObject, Clock, Data, Disconnect, Model, Object, ProfileGeneric, ProfileRange, Register, data, profile,
    register,
};
use taa_dlms::link::hdlc::{Address, Parameters, SecondaryConfig};
use taa_dlms::link::wrapper::{self, Addresses};
use taa_dlms::server::{Port, PortOutput, Server, ServerConfig, ServerLink};
use taa_dlms::{AttributeRef, DateTime, Error, MethodRef, Obis, Value, obis};
use taa_keys::Secret;

use crate::common::{Bench, PASSWORD};
use crate::pcap::From;

/// 2026-03-01 07:00 UTC.
const START: i64 = 1_772_348_400;
const NOTE: Obis = Obis([0, 0, 96, 1, 0, 255]);
const ENERGY: AttributeRef = AttributeRef::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, register::VALUE);
const UNIT: AttributeRef = AttributeRef::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, 3);
const TIME: AttributeRef = AttributeRef::new(8, obis::CLOCK, 2);
const TEXT: AttributeRef = AttributeRef::new(data::CLASS, NOTE, data::VALUE);
const COLUMNS: AttributeRef = AttributeRef::new(profile::CLASS, obis::LOAD_PROFILE, 3);
const MISSING: AttributeRef = AttributeRef::new(3, obis::VOLTAGE_L1, 2);
const OPEN: MethodRef = MethodRef::new(70, obis::DISCONNECT_CONTROL, 1);

/// A dialogue: its name, and its frames.
pub struct Scene {
    pub name: &'static str,
    pub frames: Vec<(From, Vec<u8>)>,
}

fn meter() -> Model {
    let mut model = Model::new();
    model.add(Clock::SPEC, obis::CLOCK);
    model.add(Register::SPEC, obis::ACTIVE_ENERGY_IMPORT);
    model.add(Disconnect::SPEC, obis::DISCONNECT_CONTROL);
    model.add(ProfileGeneric::SPEC, obis::LOAD_PROFILE);
    model.add(Data::SPEC, NOTE);
    model.set(obis::ACTIVE_ENERGY_IMPORT, 2, Value::U32(123_456));
    model.set(NOTE, 2, Value::OctetString("a note".into()));
    let columns = [CaptureObject::CLOCK, CaptureObject::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, 2)];
    let profile = ProfileGeneric {
        capture_objects: Some(columns.to_vec()),
        capture_period: Some(3600),
        profile_entries: Some(48),
        ..ProfileGeneric::default()
    };
    model.put_object(obis::LOAD_PROFILE, &profile);
    model.handle_time(START);
    for hour in 1..=12 {
        model.handle_time(START + 3600 * hour);
    }
    model
}

/// One command given to a client.
type Command = fn(&mut Client) -> Result<(), Error>;

const EVERYTHING: [Command; 12] = [
    |client| client.read(0, &[ENERGY]),
    |client| client.read(0, &[ENERGY, UNIT, TIME, MISSING, COLUMNS]),
    |client| client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::All),
    |client| client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::Between(START, START + 7200)),
    |client| client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::Entries(2, 4)),
    |client| client.write(0, TEXT, &many()),
    |client| client.read(0, &[TEXT]),
    |client| client.write_list(0, &[(TEXT, &Value::OctetString([7; 90].as_slice().into())), (ENERGY, &Value::Null)]),
    |client| client.invoke(0, OPEN, Some(&Value::I8(0))),
    |client| client.invoke_list(0, &[(OPEN, None), (OPEN, Some(&Value::I8(0)))]),
    |client| client.access(0, &[Item::Read(ENERGY), Item::Write(TEXT, &Value::U8(1)), Item::Invoke(OPEN, None)]),
    |client| client.release(0),
];

/// One value of most types.
fn many() -> Value {
    Value::Structure(vec![
        Value::Null,
        Value::Bool(true),
        Value::BitString(BitString::new(10, &[0xA5, 0x40]).unwrap()),
        Value::I32(-70_000),
        Value::U32(70_000),
        Value::OctetString("twelve bytes and more".into()),
        Value::VisibleString("seen".into()),
        Value::I8(-3),
        Value::I16(-300),
        Value::U8(3),
        Value::U16(300),
        Value::I64(-5_000_000_000),
        Value::U64(5_000_000_000),
        Value::Enum(4),
        Value::Array(vec![Value::U8(1), Value::U8(2)]),
        Value::OctetString(DateTime::from_unix_s(START, 0).to_octets().into()),
    ])
}

/// Everything over the wrapper between these two.
fn over_wrapper(client: &mut Client, server: &mut Server, commands: &[Command]) -> Vec<(From, Vec<u8>)> {
    let mut model = meter();
    let mut frames = Vec::new();
    let mut reply = Vec::new();
    for command in commands {
        command(client).expect("idle");
        let mut bound = None;
        loop {
            match client.poll_output() {
                Output::Transmit(frame) => {
                    let frame = frame.to_vec();
                    frames.push((From::Client, frame.clone()));
                    let mut answered = server.handle_receive(&mut model, &frame, &mut reply);
                    while answered {
                        frames.push((From::Server, reply.clone()));
                        client.handle_receive(0, &reply);
                        answered = server.next_frame(&mut reply);
                    }
                }
                Output::Event(ClientEvent::ReserveCounter(wanted)) => bound = Some(wanted),
                Output::Event(_) | Output::SetLine(_) => {}
                Output::Timeout(_) if bound.is_some() => client.handle_counter_durable(0, bound.take().unwrap()),
                Output::Timeout(None) => break,
                Output::Timeout(Some(_)) => panic!("no answer"),
            }
        }
    }
    frames
}

fn plain(config: ClientConfig, server: &ServerConfig, commands: &[Command]) -> Vec<(From, Vec<u8>)> {
    let server = ServerConfig { management_password: Some(Secret::new(PASSWORD)), ..server.clone() };
    over_wrapper(&mut Client::new(config), &mut Server::new(server), commands)
}

fn over_hdlc(lower: Option<u16>, commands: &[Command]) -> Vec<(From, Vec<u8>)> {
    let address = Address::server(1, lower).expect("in range");
    let link = Link::Hdlc(HdlcLink::stream(Address::client(1).expect("in range"), address));
    let mut client = Client::new(ClientConfig { link, ..ClientConfig::new(Auth::password(PASSWORD)) });
    let password = Some(Secret::new(PASSWORD));
    let mut server = Server::new(ServerConfig { management_password: password, ..ServerConfig::default() });
    let mut port = Port::new(ServerLink::Hdlc(SecondaryConfig::new(address, Parameters::symmetric(96, 1))));
    let mut model = meter();
    let mut frames = Vec::new();
    for command in commands {
        command(&mut client).expect("idle");
        loop {
            match client.poll_output() {
                Output::Transmit(turn) => {
                    let turn = turn.to_vec();
                    frames.extend(one_by_one(&turn).map(|frame| (From::Client, frame)));
                    port.handle_receive(0, &mut server, &mut model, &turn);
                    while let Some(output) = port.poll_output() {
                        let PortOutput::Transmit(turn) = output else { continue };
                        frames.extend(one_by_one(&turn).map(|frame| (From::Server, frame)));
                        client.handle_receive(0, &turn);
                    }
                }
                Output::Event(_) | Output::SetLine(_) => {}
                Output::Timeout(None) => break,
                Output::Timeout(Some(_)) => panic!("no answer"),
            }
        }
    }
    frames
}

/// The frames of one turn, each with both flags.
fn one_by_one(turn: &[u8]) -> impl Iterator<Item = Vec<u8>> + use<> {
    let mut decoder = taa_dlms::link::hdlc::Decoder::new();
    decoder.push(turn);
    let mut frames = Vec::new();
    while let Some(frame) = decoder.next_frame() {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes).expect("it came out of a frame");
        frames.push(bytes);
    }
    frames.into_iter()
}

fn framed(apdu: &Apdu<'_>) -> (From, Vec<u8>) {
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    apdu.encode(&mut frame);
    wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).expect("short enough");
    (From::Server, frame)
}

/// What a meter sends of its own accord, and how it refuses.
fn unasked() -> Vec<(From, Vec<u8>)> {
    let mut body = Vec::new();
    encode(&many(), &mut body);
    let time = DateTime::from_unix_s(START, 3600);
    let number = LongInvokeId::confirmed(77).0;
    vec![
        framed(&Apdu::DataNotification(DataNotification { long_invoke_id: number, date_time: None, body: &body })),
        framed(&Apdu::DataNotification(DataNotification { long_invoke_id: 78, date_time: Some(time), body: &body })),
        framed(&Apdu::EventNotification(EventNotification { time: None, attribute: ENERGY, value: &body })),
        framed(&Apdu::ExceptionResponse(ExceptionResponse::NOT_ASSOCIATED)),
        framed(&Apdu::ExceptionResponse(ExceptionResponse::NOT_SUPPORTED)),
    ]
}

/// All dialogues.
pub fn all() -> Vec<Scene> {
    let config = || ClientConfig::new(Auth::password(PASSWORD));
    let small = |services| ClientConfig { pdu_max: 80, services: Some(services), ..config() };
    let services = Conformance::GET | Conformance::SET | Conformance::ACTION | Conformance::MULTIPLE_REFERENCES;
    let services = services | Conformance::SELECTIVE_ACCESS | Conformance::ACCESS;
    let blocks = Conformance::BLOCK_GET | Conformance::BLOCK_SET | Conformance::BLOCK_ACTION;
    let general = services | Conformance::GENERAL_BLOCK_TRANSFER;
    let small_server = || ServerConfig { pdu_max: 90, ..ServerConfig::default() };
    let names = ClientConfig { referencing: Referencing::ShortNames, ..config() };
    let with_names = ServerConfig { short_names: true, ..ServerConfig::default() };
    let mut secured = Bench::secured();
    let scene = |name, frames| Scene { name, frames };
    vec![
        scene("logical names", plain(config(), &ServerConfig::default(), &EVERYTHING)),
        scene("blocks of each service", plain(small(services | blocks), &small_server(), &EVERYTHING)),
        scene("general blocks", plain(small(general), &small_server(), &EVERYTHING)),
        scene("suite 0", over_wrapper(&mut secured.client, &mut secured.server, &EVERYTHING)),
        scene("HDLC", over_hdlc(None, &EVERYTHING)),
        scene("HDLC, address of two bytes", over_hdlc(Some(17), &EVERYTHING[..1])),
        scene("HDLC, address of four bytes", over_hdlc(Some(1000), &EVERYTHING[..1])),
        scene("short names", plain(names, &with_names, &EVERYTHING[..8])),
        scene(
            "a wrong password",
            plain(ClientConfig::new(Auth::password(b"wrong")), &ServerConfig::default(), &EVERYTHING[..1]),
        ),
        scene("notifications and exceptions", unasked()),
    ]
}
