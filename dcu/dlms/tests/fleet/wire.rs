//! A client and a server over some model; what the client tells is kept, and frames are carried one exchange at a time.

use std::collections::VecDeque;

use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Notification, Output, ReadResult};
use taa_dlms::cosem::ObjectModel;
use taa_dlms::cosem::map::{Discovered, Maps};
use taa_dlms::link::wrapper::{self, Addresses};
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{Error, Value};
use taa_keys::Secret;

pub(crate) const PASSWORD: &[u8] = b"12345678";

pub(crate) struct Wire<M> {
    pub(crate) client: Client,
    pub(crate) server: Server,
    pub(crate) model: M,
    pub(crate) maps: Maps,
    pub(crate) now: u64,
    /// Frames sent by the client so far, and the number of the one that is lost with its connection.
    pub(crate) frames: usize,
    pub(crate) cut_at: Option<usize>,
    pub(crate) told: Vec<Told>,
    /// Answers in the meter's place: a plain message for a plain message.
    pub(crate) lie: Option<Lie>,
    bound: Option<u32>,
    out: VecDeque<Vec<u8>>,
}

pub(crate) type Lie = Box<dyn FnMut(&[u8]) -> Option<Vec<u8>>>;

/// What a client told, owned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Associated,
    Notification(Notification),
    MapWanted,
    Discovered(Discovered),
    NotDiscovered(Error),
    Progress(u32, u32),
    Suspended,
    Values(Vec<ReadResult>),
    Rows(usize),
    Done,
    Failed(Error),
}

pub(crate) fn config() -> ClientConfig {
    ClientConfig { retries: 2, ..ClientConfig::new(Auth::password(PASSWORD)) }
}

impl<M: ObjectModel> Wire<M> {
    pub(crate) fn new(config: ClientConfig, model: M) -> Self {
        let server = ServerConfig {
            management_password: Some(Secret::new(PASSWORD)),
            short_names: true,
            ..ServerConfig::default()
        };
        Self::between(Client::new(config), Server::new(server), model)
    }

    pub(crate) fn between(client: Client, server: Server, model: M) -> Self {
        Self {
            client,
            server,
            model,
            maps: Maps::new(),
            now: 0,
            frames: 0,
            cut_at: None,
            told: Vec::new(),
            lie: None,
            bound: None,
            out: VecDeque::new(),
        }
    }

    /// Drains what comes out; the first frame to be carried, if any. Others follow with the next calls.
    pub(crate) fn drain(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.client.poll_output() {
                Output::Transmit(bytes) => self.out.push_back(bytes.to_vec()),
                Output::Event(ClientEvent::ReserveCounter(bound)) => self.bound = Some(bound),
                Output::Event(event) => {
                    let told = Told::from(event);
                    if let Told::Discovered(Discovered { map, firmware: Some(firmware), was_read: true }) = &told {
                        self.maps.learn(firmware, 1, map.clone());
                    }
                    self.told.push(told);
                }
                Output::SetLine(line) => panic!("no line to set: {line:?}"),
                Output::Timeout(_) => return self.out.pop_front(),
            }
        }
    }

    /// Carries one frame to the meter and its answer back.
    pub(crate) fn carry(&mut self, frame: &[u8]) {
        self.frames += 1;
        let mut reply = Vec::new();
        let lied = self.lie.as_mut().and_then(|lie| lie(&frame[8..]));
        let answered = lied.is_some() || self.server.handle_receive(&mut self.model, frame, &mut reply);
        if let Some(message) = lied {
            reply = framed(&message);
        }
        if self.cut_at == Some(self.frames) {
            self.cut_at = None;
            self.client.handle_closed(self.now);
        } else if answered {
            self.client.handle_receive(self.now, &reply);
        }
    }

    /// Does what the owner of a client has to do, once; `false` when there is nothing.
    pub(crate) fn step(&mut self) -> bool {
        if let Some(frame) = self.drain() {
            self.carry(&frame);
            return true;
        }
        if let Some(bound) = self.bound.take() {
            self.client.handle_counter_durable(self.now, bound);
            return true;
        }
        let asked = self.told.iter().rposition(|told| *told == Told::MapWanted);
        if asked.is_some_and(|at| at + 1 == self.told.len()) {
            let firmware = self.client.firmware_asked().expect("asked").clone();
            let known = self.maps.of(&firmware, 1);
            self.client.handle_map(self.now, known);
            return self.client.firmware_asked().is_none();
        }
        if self.client.wants_exchange() {
            assert!(self.client.deadline().is_none(), "no time runs at the gate");
            return self.client.grant_exchange(self.now);
        }
        match self.client.deadline() {
            Some(deadline) => {
                self.now = self.now.max(deadline);
                self.client.handle_timeout(self.now);
                true
            }
            None => false,
        }
    }

    /// Until the client is idle; what it told meanwhile.
    pub(crate) fn run(&mut self) -> Vec<Told> {
        for _ in 0..100_000 {
            if !self.step() {
                return std::mem::take(&mut self.told);
            }
        }
        panic!("it never ends: {:?}", self.told);
    }

    /// Until this many more frames have been carried.
    pub(crate) fn run_frames(&mut self, count: usize) {
        let until = self.frames + count;
        while self.frames < until {
            assert!(self.step(), "idle before: {:?}", self.told);
        }
    }
}

impl From<ClientEvent<'_>> for Told {
    fn from(event: ClientEvent<'_>) -> Self {
        match event {
            ClientEvent::Associated(_) => Self::Associated,
            ClientEvent::Notification(notification) => Self::Notification(notification.clone()),
            ClientEvent::MapWanted(_) => Self::MapWanted,
            ClientEvent::Discovered(discovered) => Self::Discovered(discovered.clone()),
            ClientEvent::NotDiscovered(error) => Self::NotDiscovered(error),
            ClientEvent::ImageProgress { done, total } => Self::Progress(done, total),
            ClientEvent::Suspended => Self::Suspended,
            ClientEvent::ReserveCounter(_) => unreachable!(),
            ClientEvent::Values(values) => Self::Values(values.to_vec()),
            ClientEvent::Profile(rows) => Self::Rows(rows.len()),
            ClientEvent::Done(_) => Self::Done,
            ClientEvent::Failed(error) => Self::Failed(error),
        }
    }
}

/// A message from the meter to the management client.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(message);
    wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).unwrap();
    frame
}

pub(crate) fn values(values: Vec<Value>) -> Told {
    Told::Values(values.into_iter().map(Ok).collect())
}
