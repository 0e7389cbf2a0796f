//! What connects a server to a line: wrapper, HDLC, or HDLC behind IEC 62056-21. For simulated meters.
//!
//! Feed [`Port::handle_receive`], then drain [`Port::poll_output`] in order: a change of the line follows the bytes that
//! were to leave before it.

use std::collections::VecDeque;

use super::Server;
use crate::cosem::ObjectModel;
use crate::link::hdlc::{Address, Secondary, SecondaryConfig, StationEvent};
use crate::link::iec21::{Station, StationConfig, StationOutput, StationReply};
use crate::link::line::LineSettings;
use crate::link::wrapper::{self, Addresses, HEADER_BYTES, Reassembler};

/// What carries the messages of a server.
#[derive(Clone, Debug)]
pub enum ServerLink {
    /// Each call brings one whole wrapper frame.
    Datagram,
    /// Wrapper frames cut anywhere.
    Stream,
    /// HDLC.
    Hdlc(SecondaryConfig),
    /// HDLC after an opening of IEC 62056-21; back to listening at 300 baud when the link is gone.
    HdlcAfterModeE(SecondaryConfig, StationConfig),
}

/// What a port wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortOutput {
    /// Send these bytes.
    Transmit(Vec<u8>),
    /// Set the line when everything before has left.
    SetLine(LineSettings),
}

/// A server's end of one line or connection.
#[derive(Clone, Debug)]
pub struct Port {
    carrier: Carrier,
    outputs: VecDeque<PortOutput>,
    request: Vec<u8>,
    reply: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Carrier {
    Datagram,
    Stream(Reassembler),
    Hdlc { secondary: Box<Secondary>, station: Option<Box<Station>> },
}

/// Longest message taken from a stream.
const MESSAGE_MAX: usize = 65_535;

impl Port {
    /// Nothing received yet.
    #[must_use]
    pub fn new(link: ServerLink) -> Self {
        let hdlc = |config, station: Option<StationConfig>| Carrier::Hdlc {
            secondary: Box::new(Secondary::new(config)),
            station: station.map(|config| Box::new(Station::new(config))),
        };
        Self {
            carrier: match link {
                ServerLink::Datagram => Carrier::Datagram,
                ServerLink::Stream => Carrier::Stream(Reassembler::new(MESSAGE_MAX, None)),
                ServerLink::Hdlc(config) => hdlc(config, None),
                ServerLink::HdlcAfterModeE(config, station) => hdlc(config, Some(station)),
            },
            outputs: VecDeque::new(),
            request: Vec::new(),
            reply: Vec::new(),
        }
    }

    /// When [`Self::handle_timeout`] is due, monotonic ns.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        match &self.carrier {
            Carrier::Datagram | Carrier::Stream(_) => None,
            Carrier::Hdlc { secondary, station } => {
                // Handed over, and nobody has opened a link: that lapses as well.
                secondary.deadline().or_else(|| station.as_ref().and_then(|station| station.deadline()))
            }
        }
    }

    /// Bytes arrived.
    pub fn handle_receive<M: ObjectModel + ?Sized>(
        &mut self,
        now: u64,
        server: &mut Server,
        model: &mut M,
        bytes: &[u8],
    ) {
        match &mut self.carrier {
            Carrier::Datagram => {
                let mut answered = server.handle_receive(model, bytes, &mut self.reply);
                while answered {
                    self.outputs.push_back(PortOutput::Transmit(self.reply.clone()));
                    answered = server.next_frame(&mut self.reply);
                }
            }
            Carrier::Stream(reassembler) => {
                reassembler.push(bytes);
                while let Some((addresses, message)) = reassembler.next_frame() {
                    let mut answered = ask(server, model, addresses, message, &mut self.request, &mut self.reply);
                    while answered {
                        self.outputs.push_back(PortOutput::Transmit(self.reply.clone()));
                        answered = server.next_frame(&mut self.reply);
                    }
                }
            }
            Carrier::Hdlc { station: Some(station), .. } if !station.is_handed_over() => {
                station.handle_receive(now, bytes);
                drain_station(station, &mut self.outputs);
            }
            Carrier::Hdlc { secondary, station } => {
                if let Some(station) = station {
                    station.keep_alive(now);
                }
                secondary.handle_receive(now, bytes);
                self.drain_link(server, model);
            }
        }
    }

    /// The deadline has come (calls before it change nothing).
    pub fn handle_timeout<M: ObjectModel + ?Sized>(&mut self, now: u64, server: &mut Server, model: &mut M) {
        if let Carrier::Hdlc { secondary, station } = &mut self.carrier {
            secondary.handle_timeout(now);
            if let Some(station) = station
                && secondary.client().is_none()
            {
                station.handle_timeout(now);
                drain_station(station, &mut self.outputs);
            }
            self.drain_link(server, model);
        }
    }

    /// The connection was closed, or the supply lost: links and associations are gone.
    pub fn handle_closed(&mut self, server: &mut Server) {
        match &mut self.carrier {
            Carrier::Datagram => {}
            Carrier::Stream(reassembler) => reassembler.clear(),
            Carrier::Hdlc { secondary, station } => {
                secondary.handle_power_lost();
                if let Some(station) = station {
                    station.restart();
                    drain_station(station, &mut self.outputs);
                }
            }
        }
        server.handle_power_lost();
    }

    /// Sends a message of the meter's own accord (a push) to this client. `false` when the link cannot carry it.
    pub fn push(&mut self, server: &Server, client_sap: u16, message: &[u8]) -> bool {
        let mut frame = Vec::new();
        let fits = match &self.carrier {
            Carrier::Datagram | Carrier::Stream(_) => {
                wrapper::begin(&mut frame);
                frame.extend_from_slice(message);
                let addresses = Addresses { source: server.config.server_sap, destination: client_sap };
                wrapper::finish(&mut frame, addresses).is_ok()
            }
            Carrier::Hdlc { secondary, station } => {
                let open = station.as_ref().is_none_or(|station| station.is_handed_over());
                open && Address::client(client_sap)
                    .is_some_and(|client| secondary.put_unnumbered(client, message, &mut frame))
            }
        };
        if fits {
            self.outputs.push_back(PortOutput::Transmit(frame));
        }
        fits
    }

    /// The next thing to be done.
    pub fn poll_output(&mut self) -> Option<PortOutput> {
        self.outputs.pop_front()
    }

    fn drain_link<M: ObjectModel + ?Sized>(&mut self, server: &mut Server, model: &mut M) {
        let Carrier::Hdlc { secondary, station } = &mut self.carrier else { return };
        let mut down = false;
        loop {
            let mut answered = false;
            match secondary.poll_event() {
                None => break,
                // Whoever opens a link afresh has lost its association.
                Some(StationEvent::Up { client }) => server.handle_link_lost(client),
                Some(StationEvent::Down { client }) => {
                    server.handle_link_lost(client);
                    down = true;
                }
                Some(StationEvent::Message { client, unnumbered, message }) => {
                    let addresses = Addresses { source: client, destination: server.config.server_sap };
                    answered =
                        ask(server, model, addresses, message, &mut self.request, &mut self.reply) && !unnumbered;
                }
            }
            while answered {
                secondary.send(self.reply.get(HEADER_BYTES..).unwrap_or(&[]));
                answered = server.next_frame(&mut self.reply);
            }
        }
        if let Some(turn) = secondary.poll_transmit() {
            self.outputs.push_back(PortOutput::Transmit(turn.to_vec()));
        }
        if let (true, Some(station)) = (down, station) {
            station.restart();
            drain_station(station, &mut self.outputs);
        }
    }
}

impl Server {
    /// This client's link was closed or opened afresh: its association is gone.
    pub fn handle_link_lost(&mut self, client_sap: u16) {
        if let Some(level) = self.level(client_sap) {
            self.guards.forget(level);
        }
        if let Some(session) = self.session_slot(client_sap) {
            *session = None;
        }
    }
}

/// Puts a message to the server in the form that it takes; `true` when `reply` holds a frame.
fn ask<M: ObjectModel + ?Sized>(
    server: &mut Server,
    model: &mut M,
    addresses: Addresses,
    message: &[u8],
    request: &mut Vec<u8>,
    reply: &mut Vec<u8>,
) -> bool {
    wrapper::begin(request);
    request.extend_from_slice(message);
    wrapper::finish(request, addresses).is_ok() && server.handle_receive(model, request, reply)
}

/// Programming mode is not offered by a server of messages.
fn drain_station(station: &mut Station, outputs: &mut VecDeque<PortOutput>) {
    while let Some(output) = station.poll() {
        match output {
            StationOutput::Transmit(bytes) => outputs.push_back(PortOutput::Transmit(bytes)),
            StationOutput::SetLine(line) => outputs.push_back(PortOutput::SetLine(line)),
            StationOutput::HandOver(_) => {}
            StationOutput::Command { .. } => station.reply(StationReply::Refused),
        }
    }
}
