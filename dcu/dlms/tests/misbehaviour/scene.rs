//! A client, a meter, and somebody between them who may change, drop or invent what the meter says.

use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Output, ReadResult};
use taa_dlms::cosem::{Model, Object, Register};
use taa_dlms::security::{
    AssociationSecurity, ClientSecurity, Form, Hls, Keys, Policy, Protection, Random, SendCounter, ServerSecurity,
    Suite, SystemTitle,
};
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{AttributeRef, Error, Value, obis};
use taa_keys::{Drbg, Key, KeyHandle, Secret};

pub(crate) const PASSWORD: &[u8] = b"12345678";
pub(crate) const VOLTAGE: AttributeRef = AttributeRef::new(3, obis::VOLTAGE_L1, 2);
pub(crate) const METER: SystemTitle = SystemTitle(*b"SIM\0\0\0\0\x01");

pub(crate) const CLIENT: SystemTitle = SystemTitle(*b"TAA\0\0\0\0\x01");

/// How an association is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safety {
    Plain,
    Ciphered,
}

pub(crate) const BOTH: [Safety; 2] = [Safety::Plain, Safety::Ciphered];

/// What becomes of an answer: the frames that arrive in its place.
pub(crate) type Between<'a> = dyn FnMut(&[u8], Vec<u8>) -> Vec<Vec<u8>> + 'a;

pub(crate) struct Scene {
    pub(crate) client: Client,
    pub(crate) server: Server,
    pub(crate) model: Model,
    pub(crate) now: u64,
    /// Requests sent.
    pub(crate) sent: usize,
    /// Counter bounds become durable at once.
    pub(crate) bound: Option<u32>,
}

pub(crate) fn keys(byte: u8) -> Keys {
    let key = |byte| KeyHandle::new(Key::Aes128([byte; 16]));
    Keys { unicast: key(byte).cipher(), authentication: Some(key(byte + 1)), broadcast: None, parties: None }
}

pub(crate) fn client_config(safety: Safety) -> ClientConfig {
    let auth = match safety {
        Safety::Plain => Auth::password(PASSWORD),
        Safety::Ciphered => Auth::High(Hls::Gmac),
    };
    ClientConfig { retries: 2, ..ClientConfig::new(auth) }
}

pub(crate) fn client(config: ClientConfig, safety: Safety) -> Client {
    if safety == Safety::Plain {
        return Client::new(config);
    }
    secured(config, 0)
}

fn secured(config: ClientConfig, counter: u32) -> Client {
    Client::secured(
        config,
        ClientSecurity {
            suite: Suite::Zero,
            title: CLIENT,
            server_title: Some(METER),
            keys: Some(keys(1)),
            policy: Policy::both(Protection::BOTH),
            form: Form::Service,
            dedicated: false,
            challenge_bytes: 16,
            counter: SendCounter::volatile(counter),
            random: Random::generator(Drbg::new(&[3; 32], &[], &[])),
        },
    )
}

/// A ciphering client whose counter goes on at this value.
pub(crate) fn client_from(counter: u32) -> Client {
    secured(client_config(Safety::Ciphered), counter)
}

/// A meter with this title and keys; the right one has [`METER`] and 1.
pub(crate) fn server(safety: Safety, title: SystemTitle, key: u8, counter: u32) -> Server {
    let config = ServerConfig { management_password: Some(Secret::new(PASSWORD)), ..ServerConfig::default() };
    if safety == Safety::Plain {
        return Server::new(config);
    }
    let management = AssociationSecurity {
        suite: Suite::Zero,
        keys: Some(keys(key)),
        policy: Policy::both(Protection::BOTH),
        hls: Some(Hls::Gmac),
        challenge_bytes: 16,
        client_title: None,
    };
    let security = ServerSecurity {
        title,
        counter: SendCounter::volatile(counter),
        random: Random::generator(Drbg::new(&[4; 32], &[], &[])),
        management: Some(management),
        public: None,
    };
    Server::secured(ServerConfig { management_password: None, ..config }, security)
}

pub(crate) fn model(volts: u16) -> Model {
    let mut model = Model::new();
    model.add(Register::SPEC, obis::VOLTAGE_L1);
    model.set(obis::VOLTAGE_L1, 2, Value::U16(volts));
    model
}

impl Scene {
    pub(crate) fn new(safety: Safety) -> Self {
        Self::with(client_config(safety), safety)
    }

    pub(crate) fn with(config: ClientConfig, safety: Safety) -> Self {
        Self {
            client: client(config, safety),
            server: server(safety, METER, 1, 0),
            model: model(231),
            now: 0,
            sent: 0,
            bound: None,
        }
    }

    /// Reads the voltage from a meter that behaves.
    pub(crate) fn read(&mut self) -> Result<Value, Error> {
        self.read_through(&mut |_, answer| vec![answer])
    }

    /// Reads it with somebody in between: the request, the meter's answer (empty for none), and what arrives.
    pub(crate) fn read_through(&mut self, between: &mut Between<'_>) -> Result<Value, Error> {
        self.client.read(self.now, &[VOLTAGE]).unwrap();
        let mut reply = Vec::new();
        let mut ended = None;
        for _ in 0..20_000 {
            match self.client.poll_output() {
                Output::Transmit(frame) => {
                    self.sent += 1;
                    let frame = frame.to_vec();
                    let answered = self.server.handle_receive(&mut self.model, &frame, &mut reply);
                    let answer = if answered { reply.clone() } else { Vec::new() };
                    let arriving = between(&frame, answer);
                    assert!(matches!(self.client.poll_output(), Output::Timeout(_)));
                    for frame in arriving {
                        self.client.handle_receive(self.now, &frame);
                    }
                }
                Output::Event(ClientEvent::ReserveCounter(bound)) => self.bound = Some(bound),
                Output::Event(ClientEvent::Values(values)) => ended = Some(Ok(only(values))),
                Output::Event(ClientEvent::Failed(error)) => ended = Some(Err(error)),
                Output::Event(ClientEvent::Associated(_) | ClientEvent::Notification(_)) => {}
                Output::Event(event) => panic!("{event:?}"),
                Output::SetLine(line) => panic!("no line to set: {line:?}"),
                Output::Timeout(_) if self.bound.is_some() => {
                    let bound = self.bound.take().unwrap();
                    self.client.handle_counter_durable(self.now, bound);
                }
                Output::Timeout(None) => return ended.expect("every command ends"),
                Output::Timeout(Some(deadline)) => {
                    self.now = self.now.max(deadline);
                    self.client.handle_timeout(self.now);
                }
            }
        }
        panic!("it never ends: {:?}", self.client);
    }
}

fn only(values: &[ReadResult]) -> Value {
    let [Ok(value)] = values else { panic!("{values:?}") };
    value.clone()
}

/// A request for the voltage, plain or ciphered: everything else belongs to the association.
pub(crate) fn asks(request: &[u8]) -> bool {
    matches!(request.get(8), Some(0xC0 | 0xC8))
}
