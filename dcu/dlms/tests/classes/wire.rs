//! A client and a server over some model, and frames carried between them at once.

use taa_dlms::apdu::{ActionResult, DataAccessResult};
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Output, ReadResult};
use taa_dlms::cosem::fault::FrameFaults;
use taa_dlms::cosem::{Invocation, Object, ObjectModel, ProfileRange};
use taa_dlms::error::Refusal;
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{AttributeRef, Error, Obis, Value};
use taa_keys::Secret;

pub struct Wire<M> {
    pub client: Client,
    pub server: Server,
    pub model: M,
    pub faults: FrameFaults,
    now: u64,
}

/// How a command ended.
#[derive(Debug, PartialEq)]
pub enum Ended {
    Values(Vec<ReadResult>),
    Rows(Vec<Vec<Value>>),
    Done(Option<Value>),
    Failed(Error),
}

impl<M: ObjectModel> Wire<M> {
    pub fn new(model: M) -> Self {
        let password = b"12345678";
        let config = ServerConfig { management_password: Some(Secret::new(password)), ..ServerConfig::default() };
        Self {
            client: Client::new(ClientConfig { retries: 2, ..ClientConfig::new(Auth::password(password)) }),
            server: Server::new(config),
            model,
            faults: FrameFaults::default(),
            now: 0,
        }
    }

    pub fn read(&mut self, attributes: &[AttributeRef]) -> Vec<ReadResult> {
        match self.try_read(attributes) {
            Ended::Values(values) => values,
            other => panic!("{other:?}"),
        }
    }

    pub fn try_read(&mut self, attributes: &[AttributeRef]) -> Ended {
        self.client.read(self.now, attributes).unwrap();
        self.run()
    }

    pub fn object<T: Object>(&mut self, obis: Obis) -> T {
        T::from_results(&self.read(&T::attributes(obis))).unwrap()
    }

    pub fn rows(&mut self, profile: Obis, range: ProfileRange) -> Vec<Vec<Value>> {
        self.client.read_profile(self.now, profile, range).unwrap();
        match self.run() {
            Ended::Rows(rows) => rows,
            other => panic!("{other:?}"),
        }
    }

    pub fn write(&mut self, attribute: AttributeRef, value: &Value) -> Result<(), DataAccessResult> {
        self.client.write(self.now, attribute, value).unwrap();
        match self.run() {
            Ended::Done(_) => Ok(()),
            Ended::Failed(Error::Refused(Refusal::Access(error))) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    pub fn call(&mut self, invocation: &Invocation) -> Result<Option<Value>, ActionResult> {
        self.client.invoke(self.now, invocation.method, Some(&invocation.parameter)).unwrap();
        match self.run() {
            Ended::Done(returned) => Ok(returned),
            Ended::Failed(Error::Refused(Refusal::Action(error))) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    fn run(&mut self) -> Ended {
        let mut reply = Vec::new();
        let mut ended = None;
        loop {
            match self.client.poll_output() {
                Output::Transmit(frame) => {
                    let frame = frame.to_vec();
                    if self.server.handle_receive(&mut self.model, &frame, &mut reply) && self.faults.pass(&mut reply) {
                        assert!(matches!(self.client.poll_output(), Output::Timeout(Some(_))));
                        self.client.handle_receive(self.now, &reply);
                    }
                }
                Output::Event(ClientEvent::Associated(_)) => {}
                Output::Event(event) => ended = Some(Ended::from(event)),
                Output::SetLine(line) => panic!("no line to set: {line:?}"),
                Output::Timeout(None) => return ended.expect("every command ends"),
                Output::Timeout(Some(deadline)) => {
                    self.now = deadline;
                    self.client.handle_timeout(deadline);
                }
            }
        }
    }
}

impl From<ClientEvent<'_>> for Ended {
    fn from(event: ClientEvent<'_>) -> Self {
        match event {
            ClientEvent::Values(values) => Self::Values(values.to_vec()),
            ClientEvent::Profile(rows) => Self::Rows(rows.rows().map(<[Value]>::to_vec).collect()),
            ClientEvent::Done(returned) => Self::Done(returned.cloned()),
            ClientEvent::Failed(error) => Self::Failed(error),
            other => panic!("{other:?}"),
        }
    }
}
