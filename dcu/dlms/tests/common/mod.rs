//! A small device behind our server, and a wire between it and our client.
#![allow(dead_code, unreachable_pub, reason = "each test target uses its own part")]

use taa_dlms::apdu::{ActionResult, DataAccessResult, Selection};
use taa_dlms::axdr::{encode, put_octet_string, put_u64};
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Link, Output, ReadResult};
use taa_dlms::cosem::{
    AttributeAccess, ControlMode, DisconnectControl, MethodAccess, ObjectEntry, ObjectModel, data, disconnect, register,
};
use taa_dlms::security::{
    AssociationSecurity, ClientSecurity, Form, Hls, Keys, Policy, Protection, Random, SendCounter, ServerSecurity,
    Suite, SystemTitle,
};
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{AttributeRef, Error, MethodRef, Obis, Value, obis};
use taa_keys::{Key, KeyHandle, Secret};

pub const PASSWORD: &[u8] = b"12345678";
pub const NOTE: Obis = Obis([0, 0, 96, 1, 0, 255]);

pub const ENERGY: AttributeRef = AttributeRef::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, register::VALUE);
pub const RELAY: AttributeRef =
    AttributeRef::new(disconnect::CLASS, obis::DISCONNECT_CONTROL, disconnect::OUTPUT_STATE);
pub const NAME: AttributeRef = AttributeRef::new(data::CLASS, obis::LOGICAL_DEVICE_NAME, data::VALUE);
pub const LONG: AttributeRef = AttributeRef::new(data::CLASS, NOTE, data::VALUE);
pub const DISCONNECT: MethodRef =
    MethodRef::new(disconnect::CLASS, obis::DISCONNECT_CONTROL, disconnect::REMOTE_DISCONNECT);
pub const RECONNECT: MethodRef =
    MethodRef::new(disconnect::CLASS, obis::DISCONNECT_CONTROL, disconnect::REMOTE_RECONNECT);

const OBJECTS: &[ObjectEntry] = &[
    ObjectEntry {
        class: register::CLASS,
        version: 0,
        obis: obis::ACTIVE_ENERGY_IMPORT,
        attributes: &[AttributeAccess::read(register::VALUE)],
        methods: &[],
    },
    ObjectEntry {
        class: disconnect::CLASS,
        version: 0,
        obis: obis::DISCONNECT_CONTROL,
        attributes: &[AttributeAccess::read(disconnect::OUTPUT_STATE)],
        methods: &[MethodAccess { id: 1 }, MethodAccess { id: 2 }],
    },
    ObjectEntry {
        class: data::CLASS,
        version: 0,
        obis: obis::LOGICAL_DEVICE_NAME,
        attributes: &[AttributeAccess::public(data::VALUE)],
        methods: &[],
    },
    ObjectEntry {
        class: data::CLASS,
        version: 0,
        obis: NOTE,
        attributes: &[AttributeAccess::read_write(data::VALUE)],
        methods: &[],
    },
];

/// An energy register, a relay, a name, and a note of any length.
pub struct Device {
    pub energy_wh: u64,
    pub relay: DisconnectControl,
    pub note: Value,
    pub writes: u32,
    pub actions: u32,
}

impl ObjectModel for Device {
    fn objects(&self) -> &[ObjectEntry] {
        OBJECTS
    }

    fn read(
        &mut self,
        attribute: AttributeRef,
        _: Option<Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        match attribute {
            ENERGY => put_u64(out, self.energy_wh),
            NAME => put_octet_string(out, b"TAA0000000000001"),
            LONG => encode(&self.note, out),
            other => self.relay.put_attribute(other.attribute, out).ok_or(DataAccessResult::ObjectUnavailable)?,
        }
        Ok(())
    }

    fn write(&mut self, _: AttributeRef, value: &Value) -> Result<(), DataAccessResult> {
        self.note = value.clone();
        self.writes += 1;
        Ok(())
    }

    fn invoke(&mut self, method: MethodRef, _: Option<&Value>) -> Result<(), ActionResult> {
        self.actions += 1;
        let done = if method == DISCONNECT { self.relay.remote_disconnect() } else { self.relay.remote_reconnect() };
        done.map_err(|_| ActionResult::OtherReason)
    }
}

/// A client, a device, and frames carried between them at once.
pub struct Bench {
    pub client: Client,
    pub server: Server,
    pub device: Device,
    pub now: u64,
    /// Frames from the client that are to be lost, by number from 0.
    pub lose_requests: Vec<usize>,
    /// Frames from the server that are to be lost.
    pub lose_answers: Vec<usize>,
    /// Counter bounds that the client asks for become durable at once; else they are told.
    pub reserves: bool,
    /// Every frame that the client sent.
    pub sent: Vec<Vec<u8>>,
    /// Every answer arrives twice.
    pub duplicate: bool,
    pub requests: usize,
    pub answers: usize,
    pub last_request: Vec<u8>,
    pub last_answer: Vec<u8>,
}

/// A [`ClientEvent`] that owns what it tells.
#[derive(Debug, PartialEq)]
pub enum Told {
    Associated(taa_dlms::client::Associated),
    Reserve(u32),
    Values(Vec<ReadResult>),
    Rows(Vec<Vec<Value>>),
    Done,
    Failed(Error),
    Suspended,
    /// Anything else.
    Other(String),
}

impl From<ClientEvent<'_>> for Told {
    fn from(event: ClientEvent<'_>) -> Self {
        match event {
            ClientEvent::Associated(why) => Self::Associated(why),
            ClientEvent::ReserveCounter(bound) => Self::Reserve(bound),
            ClientEvent::Values(values) => Self::Values(values.to_vec()),
            ClientEvent::Profile(rows) => Self::Rows(rows.rows().map(<[Value]>::to_vec).collect()),
            ClientEvent::Done(_) => Self::Done,
            ClientEvent::Failed(error) => Self::Failed(error),
            ClientEvent::Suspended => Self::Suspended,
            other => Self::Other(format!("{other:?}")),
        }
    }
}

impl Bench {
    pub fn new() -> Self {
        Self::with(ClientConfig { retries: 3, ..ClientConfig::new(Auth::password(PASSWORD)) }, ServerConfig::default())
    }

    pub fn with(client: ClientConfig, mut server: ServerConfig) -> Self {
        server.management_password = Some(Secret::new(PASSWORD));
        Self {
            client: Client::new(client),
            server: Server::new(server),
            device: Device {
                energy_wh: 123_456,
                relay: DisconnectControl::connected(ControlMode::Four),
                note: Value::Null,
                writes: 0,
                actions: 0,
            },
            now: 0,
            lose_requests: Vec::new(),
            lose_answers: Vec::new(),
            reserves: true,
            sent: Vec::new(),
            duplicate: false,
            requests: 0,
            answers: 0,
            last_request: Vec::new(),
            last_answer: Vec::new(),
        }
    }

    /// Suite 0, GMAC, authenticated and encrypted, per-meter keys: the default towards our own meters.
    pub fn secured() -> Self {
        Self::secured_over(Link::Datagram)
    }

    /// The same over another link.
    pub fn secured_over(link: Link) -> Self {
        let key = |byte| KeyHandle::new(Key::Aes128([byte; 16]));
        let keys = || Keys { unicast: key(1).cipher(), authentication: Some(key(2)), broadcast: None, parties: None };
        let mut bench = Self::new();
        bench.client = Client::secured(
            ClientConfig { link, ..ClientConfig::new(Auth::High(Hls::Gmac)) },
            ClientSecurity {
                suite: Suite::Zero,
                title: SystemTitle(*b"TAA\0\0\0\0\x01"),
                server_title: None,
                keys: Some(keys()),
                policy: Policy::both(Protection::BOTH),
                form: Form::Service,
                dedicated: false,
                challenge_bytes: 16,
                counter: SendCounter::volatile(0),
                random: Random::given(&[3; 16]),
            },
        );
        bench.server = Server::secured(
            ServerConfig::default(),
            ServerSecurity {
                title: SystemTitle(*b"SIM\0\0\0\0\x01"),
                counter: SendCounter::volatile(0),
                random: Random::given(&[4; 16]),
                management: Some(AssociationSecurity {
                    suite: Suite::Zero,
                    keys: Some(keys()),
                    policy: Policy::both(Protection::BOTH),
                    hls: Some(Hls::Gmac),
                    challenge_bytes: 16,
                    client_title: None,
                }),
                public: None,
            },
        );
        bench
    }

    /// Carries frames until the client is idle and silent; time jumps to each deadline.
    pub fn run(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        let mut reply = Vec::new();
        let mut bound = None;
        let mut arriving: Vec<Vec<u8>> = Vec::new();
        loop {
            match self.client.poll_output() {
                Output::Event(ClientEvent::ReserveCounter(wanted)) if self.reserves => bound = Some(wanted),
                Output::Transmit(frame) => {
                    self.sent.push(frame.to_vec());
                    self.last_request = frame.to_vec();
                    let lost = self.lose_requests.contains(&self.requests);
                    self.requests += 1;
                    if lost || !self.server.handle_receive(&mut self.device, &self.last_request, &mut reply) {
                        continue;
                    }
                    self.last_answer.clone_from(&reply);
                    let lost = self.lose_answers.contains(&self.answers);
                    self.answers += 1;
                    // The rest of this drain belongs to the transmission; only then may the state change.
                    if !lost {
                        arriving.extend(std::iter::repeat_n(reply.clone(), 1 + usize::from(self.duplicate)));
                    }
                }
                Output::Event(event) => told.push(event.into()),
                Output::SetLine(_) => {}
                Output::Timeout(_) if bound.is_some() => {
                    self.client.handle_counter_durable(self.now, bound.take().unwrap());
                }
                Output::Timeout(_) if !arriving.is_empty() => {
                    for frame in arriving.drain(..) {
                        self.client.handle_receive(self.now, &frame);
                    }
                }
                Output::Timeout(None) => return told,
                Output::Timeout(Some(deadline)) => {
                    self.now = deadline;
                    self.client.handle_timeout(deadline);
                }
            }
        }
    }
}

pub fn values(energy_wh: u64, closed: bool) -> Told {
    Told::Values(vec![
        Ok(Value::U64(energy_wh)),
        Ok(Value::Bool(closed)),
        Ok(Value::OctetString(b"TAA0000000000001"[..].into())),
    ])
}
