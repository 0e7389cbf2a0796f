//! The joints between a node's machines: what one puts out goes into the next, down to the air and up from it.

use core::net::Ipv6Addr;

use super::event::{Event, Isolation, Use, Why};
use super::links::Ear;
use super::medium::OnAir;
use super::node::{Join, NONE, PREFIX, Tag, broadcast, eui, number};
use super::queue::Due;
use super::{Network, capture};
use crate::Eui64;
use crate::chance::Chance;
use crate::ip::{Header, checksum, next};
use crate::lowpan::{Contexts, Ends, LinkAddress, compress};
use crate::mac::channels::Channels;
use crate::mac::engine::{FLOW_OCTETS, Flow, Outcome, Output as MacOutput, Priority, Request, To as MacTo};
use crate::mac::etx::{Epoch, Etx};
use crate::rpl::node::{Counters, NextHop, Output as RplOutput, Purpose, Sender};
use crate::rpl::objective::INFINITE_RANK;
use crate::rpl::wire::{Dio, Message as RplMessage};
use crate::wisun::join::{Output as JoinOutput, State};
use crate::wisun::message::{Message, To};

/// Octets around 6LoWPAN in a secured unicast frame, check sequence included: header with both addresses and security,
/// UTT, BT, US, the multiplex header and the integrity code; as recorded (`tests/capture.rs`).
pub const AROUND_ONE: u32 = 69;
/// The same in a broadcast frame, which has no receiver's address and no sequence number; 7 of 17 recorded ones also
/// carry a broadcast schedule of 14 octets, which is left out.
pub const AROUND_ALL: u32 = 63;
/// An acknowledgement: header with both addresses and security, UTT, BT, RSL, integrity code, check sequence. Counted
/// from its elements: the recording has none, its radio answered by itself.
const ACK_OCTETS: u32 = 56;
/// A response in an exchange of several frames: a data frame without data, counted from its elements like that.
const RESPONSE_OCTETS: u32 = 68;
/// A neighbour solicitation, and an advertisement, with address registration, in one frame; as recorded.
pub const PROBE_OCTETS: u32 = AROUND_ONE + 59;
/// Ports: EAPOL relay, DHCPv6, and payload.
const PORT_EAPOL: u16 = 10_253;
const PORT_ADDRESS: u16 = 547;
pub(super) const PORT_DATA: u16 = 61_617;
/// How many of the network's own messages are remembered while they travel.
const LETTERS: usize = 1 << 12;
/// What a frame carries.
#[derive(Debug, Clone)]
pub(super) enum Load {
    /// Nothing: a free place.
    Free,
    /// A message of one hop.
    Message(Message),
    /// A packet, or a part of one: then its octets, and the packet only with the last.
    Packet {
        packet: Vec<u8>,
        /// 6LoWPAN octets; none when only their number counts.
        wire: Vec<u8>,
        /// A DIO for all; none for anything else.
        dio: Option<Box<Dio>>,
        /// The owner's number of the packet that was cut; 0 of a whole one.
        part: u16,
    },
    /// Neighbour solicitation.
    Probe,
    /// Its answer.
    Answer,
}

/// A DIO, read once for all who hear it.
fn read_dio(packet: &[u8]) -> Option<Box<Dio>> {
    let (header, payload) = Header::parse(packet).ok()?;
    match RplMessage::parse(header.source, header.destination, payload) {
        Ok(RplMessage::Dio(dio)) => Some(Box::new(dio)),
        _ => None,
    }
}

/// A load in a MAC's hands.
#[derive(Debug, Clone)]
pub(super) struct Cargo {
    pub(super) owner: u32,
    pub(super) tag: Tag,
    pub(super) load: Load,
}

/// Whose frame it is, and what the link should cost.
fn sender(from: u32, ear: Ear) -> Sender {
    Sender { eui: eui(from), expected_etx128: ear.expected_etx128 }
}

/// What became of a packet that routing was given.
fn why(before: &Counters, after: &Counters) -> Why {
    if after.dropped_loop > before.dropped_loop {
        Why::Loop
    } else if after.dropped_hop_limit > before.dropped_hop_limit {
        Why::HopLimit
    } else if after.dropped_no_parent > before.dropped_no_parent {
        Why::NoParent
    } else if after.dropped_no_route > before.dropped_no_route {
        Why::NoRoute
    } else if after.dropped_undelivered > before.dropped_undelivered {
        Why::NoAck
    } else {
        Why::Refused
    }
}

/// What a message that crosses the mesh carries, in as many octets as were recorded: who joins, which protocol and its
/// EAPOL packet; or a DHCPv6 message, its options one that nobody knows.
fn put_body(message: Message, octets: u32, out: &mut Vec<u8>) {
    if let Message::Eapol(eapol) = message {
        let Some(step) = eapol.exchange.step(eapol.step) else { return };
        out.extend_from_slice(&eapol.supplicant.0);
        out.push(step.kmp);
        out.extend_from_slice(&capture::eapol(step, eapol.step));
        return;
    }
    let (kind, length) = (if matches!(message, Message::AddressRequest { .. }) { 1 } else { 7 }, octets as usize);
    let options = length.saturating_sub(AROUND_ONE as usize + 16 + 8);
    out.extend_from_slice(&[kind, 0, 0, 1, 0xFD, 0xE8]);
    out.extend_from_slice(&(options as u16).to_be_bytes());
    out.resize(out.len() + options, 0);
}

impl Network {
    /// Everything a node has to say goes where it belongs, until it waits again. Machines that nothing has touched since
    /// they were last drained are left alone.
    pub(super) fn settle(&mut self, node: u32) {
        loop {
            if self.nodes[node as usize].touched.rpl {
                self.drain_rpl(node, None);
            }
            if self.nodes[node as usize].touched.join {
                self.drain_join(node);
            }
            if !self.drain_mac(node) {
                return;
            }
        }
    }

    /// Where a node listens has changed.
    pub(super) fn tune(&mut self, node: u32) {
        let (own, radio) = (&self.nodes[node as usize], &mut self.radios[node as usize]);
        let Some(hopping) = own.mac.hopping() else { return };
        radio.follows = hopping.broadcast.is_some();
        let channels = hopping.own.channels.as_slice();
        radio.fixed = channels.first().copied().filter(|_| channels.len() == 1);
    }

    /// The same after something of the MAC alone.
    pub(super) fn settle_mac(&mut self, node: u32) {
        if self.drain_mac(node) {
            self.settle(node);
        }
    }

    /// The same after something of joining alone; mostly it has nothing to say.
    pub(super) fn settle_join(&mut self, node: u32) {
        let own = &mut self.nodes[node as usize];
        if own.join.is_quiet() && !own.touched.rpl {
            return self.drain_join(node);
        }
        own.touched.join = true;
        self.settle(node);
    }

    /// Wakes a machine then, unless it is woken earlier anyway: machines check their times themselves.
    pub(super) fn arm(&mut self, node: u32, due: Due, until: Option<u64>) {
        let which = match due {
            Due::Mac => 0,
            Due::Join => 1,
            Due::Mpl => 3,
            _ => 2,
        };
        let wake = &mut self.nodes[node as usize].wakes[which];
        let Some(until) = until else {
            *wake = u64::MAX;
            return;
        };
        let until = until.max(self.now_ns);
        if until < *wake {
            *wake = until;
            self.queue.push(until, node, due);
        }
    }

    /// A frame's load has come to a node; false when nothing there is to be drained for it.
    pub(super) fn arrive(&mut self, ear: Ear, from: u32, cargo: u32) -> bool {
        let node = ear.node;
        let at = node as usize;
        let Some(Cargo { tag, load, .. }) = self.cargoes.get(cargo as usize) else { return false };
        let tag = *tag;
        let (packet, wire, dio) = match load {
            Load::Free | Load::Answer => return false,
            Load::Probe => {
                self.probe(node, from, Load::Answer);
                return true;
            }
            &Load::Message(message) => {
                return self.message(node, from, message);
            }
            Load::Packet { packet, wire, dio, .. } => (packet, wire, dio),
        };
        // Octets are read whole, always: the proof that the short way is the same.
        if let Some(dio) = dio.as_ref().filter(|_| !self.config.bytes) {
            return self.nodes[at].hear_dio(self.now_ns, sender(from, ear), dio);
        }
        let mut copy = self.pool.pop().unwrap_or_default();
        copy.clear();
        if wire.is_empty() {
            copy.extend_from_slice(packet);
        } else {
            let destination = if dio.is_some() { LinkAddress::None } else { LinkAddress::Extended(eui(node)) };
            let ends = Ends { source: LinkAddress::Extended(eui(from)), destination };
            let whole = self.nodes[at].reassembly.handle_receive(self.now_ns, wire, ends, &Contexts::NONE);
            let Ok(Some(whole)) = whole else { return false };
            copy = whole;
        }
        self.packet(ear, from, copy, tag);
        true
    }

    /// A packet has come from a neighbour.
    fn packet(&mut self, ear: Ear, from: u32, packet: Vec<u8>, tag: Tag) {
        let node = ear.node;
        if tag.of == Use::Multicast {
            return self.hear_multicast(node, packet, tag);
        }
        let own = &mut self.nodes[node as usize];
        if !own.routing {
            return self.drop_message(node, tag, Why::NoParent);
        }
        let before = *own.rpl.counters();
        own.touched.rpl = true;
        own.rpl.handle_receive(self.now_ns, sender(from, ear), packet);
        if !self.drain_rpl(node, Some(tag)) {
            let reason = why(&before, self.nodes[node as usize].rpl.counters());
            self.drop_message(node, tag, reason);
        }
    }

    pub(super) fn drop_message(&mut self, node: u32, tag: Tag, why: Why) {
        if tag.id != 0 && tag.of != Use::Multicast {
            self.totals.messages[2] += 1;
            self.events.push_back(Event::Dropped { id: tag.id, node, why });
        }
    }

    /// A message of one hop, or one that has come through the mesh, for a node's joining; false when it changed nothing.
    fn message(&mut self, node: u32, from: u32, message: Message) -> bool {
        let own = &mut self.nodes[node as usize];
        let router = match &mut own.join {
            Join::Border(border) => {
                own.touched.join = true;
                border.handle(self.now_ns, None, message);
                return true;
            }
            Join::Router(router) => router,
        };
        if router.handle_consistent(self.now_ns, &message) {
            return false;
        }
        own.touched.join = true;
        // Only who looks for a PAN asks how strong an advertisement is.
        let ear = if matches!(message, Message::Pa { .. }) { self.links.between(from, node) } else { None };
        router.handle(self.now_ns, eui(from), ear.map_or(0, |ear| libm::roundf(ear.dbm) as i16), message);
        // A configuration says how the PAN broadcasts.
        let follows = matches!(router.state(), State::Configure | State::Routing | State::Operational);
        let known = own.mac.hopping().is_some_and(|hopping| hopping.broadcast.is_some());
        if matches!(message, Message::Pc { .. }) && follows && !known {
            let all = broadcast(&self.config);
            own.hop(self.config.channels.clone(), Some(Some(all)));
            self.tune(node);
        }
        true
    }

    /// Puts a load into a node's MAC.
    pub(super) fn load(&mut self, node: u32, to: MacTo, octets: u32, tag: Tag, load: Load) {
        let cargo = Cargo { owner: node, tag, load };
        let place = match self.free_cargoes.pop() {
            Some(place) => {
                self.cargoes[place as usize] = cargo;
                place
            }
            None => {
                self.cargoes.push(cargo);
                (self.cargoes.len() - 1) as u32
            }
        };
        if let MacTo::One(peer) = to {
            self.recall(node, number(peer));
        }
        let acknowledged = matches!(to, MacTo::One(_));
        let request = Request { to, octets, acknowledged, priority: tag.priority, payload: place };
        self.nodes[node as usize].mac.send(self.now_ns, request);
    }

    /// Measures a link, or answers.
    pub(super) fn probe(&mut self, node: u32, peer: u32, load: Load) {
        self.load(node, MacTo::One(eui(peer)), PROBE_OCTETS, Tag::own(Use::Probe), load);
    }

    /// Routing's outputs. `carried` is the tag of the packet it was given; tells whether that went on from here.
    pub(super) fn drain_rpl(&mut self, node: u32, carried: Option<Tag>) -> bool {
        let mut went = false;
        self.nodes[node as usize].touched.rpl = false;
        if !self.nodes[node as usize].routing {
            return carried.is_none_or(|tag| tag.id == 0);
        }
        let taken = carried.unwrap_or(Tag::own(Use::Routes));
        loop {
            match self.nodes[node as usize].rpl.poll_output() {
                RplOutput::Transmit { to, packet, purpose } => {
                    let tag = match purpose {
                        Purpose::Data => {
                            went = true;
                            taken
                        }
                        Purpose::Dis | Purpose::Dio => Tag::own(Use::Dodag),
                        Purpose::Dao | Purpose::DaoAck | Purpose::Error => Tag::own(Use::Routes),
                    };
                    // Only who serves advertises (join state 5); a poison goes out in any state.
                    let own = &self.nodes[node as usize];
                    let serves = node == 0 || own.state == State::Operational || own.rpl.rank() == INFINITE_RANK;
                    if purpose != Purpose::Dio || serves {
                        self.send_packet(node, to, packet, tag, purpose == Purpose::Dio);
                    }
                }
                RplOutput::Deliver { source, packet, payload_at, .. } => {
                    went = true;
                    self.deliver(node, source, packet, payload_at, taken);
                }
                RplOutput::External(_) => {}
                RplOutput::Probe(peer) => {
                    // What the MAC knows may be what routing was told before it forgot: it is told again.
                    self.nodes[node as usize].told.retain(|(of, _)| *of != number(peer));
                    self.tell_link(node, peer);
                    self.seek(node);
                }
                RplOutput::Timeout(until) => {
                    self.arm(node, Due::Rpl, until);
                    break;
                }
            }
        }
        self.follow_routing(node);
        went || carried.is_none()
    }

    /// What joining must know of routing.
    fn follow_routing(&mut self, node: u32) {
        if node == 0 {
            return;
        }
        let own = &mut self.nodes[node as usize];
        let (parent, rank) = (own.rpl.preferred_parent().map_or(NONE, number), own.rpl.rank());
        let announced = own.rpl.is_announced();
        let Some(router) = own.join.router() else { return };
        if parent != own.parent || rank != own.rank {
            let moved = parent != own.parent;
            own.touched.join = true;
            own.mac.set_epoch(if parent == NONE { Epoch::CHOOSING } else { Epoch::STEADY }, false);
            (own.parent, own.rank) = (parent, rank);
            if parent == NONE || rank == INFINITE_RANK {
                router.handle_parent_lost(self.now_ns);
            } else {
                router.handle_parent(self.now_ns, rank.saturating_sub(self.config.dodag.min_hop_rank_increase));
            }
            if parent == NONE {
                self.seek(node);
            }
            if moved {
                let parent = (parent != NONE).then_some(parent);
                self.events.push_back(Event::Parent { node, parent });
            }
        }
        let own = &mut self.nodes[node as usize];
        if announced != own.announced {
            own.announced = announced;
            own.touched.join = true;
            let Some(router) = own.join.router() else { return };
            if announced && core::mem::take(&mut own.registering) {
                router.handle_registered(self.now_ns);
            } else if announced {
                router.handle_root_heard(self.now_ns);
            }
        }
    }

    /// Packs a packet and queues it, in as many frames as it takes.
    pub(super) fn send_packet(&mut self, node: u32, to: NextHop, packet: Vec<u8>, tag: Tag, dio: bool) {
        let (to, destination) = match to {
            NextHop::Neighbour(peer) => (MacTo::One(peer), LinkAddress::Extended(peer)),
            NextHop::Everyone => (MacTo::Broadcast, LinkAddress::None),
        };
        let ends = Ends { source: LinkAddress::Extended(eui(node)), destination };
        self.scratch.clear();
        if compress(&packet, ends, &Contexts::NONE, &mut self.scratch).is_err() {
            return self.drop_message(node, tag, Why::Refused);
        }
        let around = if to == MacTo::Broadcast { AROUND_ALL } else { AROUND_ONE };
        let octets = around + self.scratch.len() as u32;
        let dio = if dio && to == MacTo::Broadcast { read_dio(&packet) } else { None };
        let flow_octets = if self.config.exchange_ms > 0 && to != MacTo::Broadcast { FLOW_OCTETS } else { 0 };
        if octets + flow_octets <= self.config.frame_octets_max {
            let wire = if self.config.bytes { self.scratch.clone() } else { Vec::new() };
            return self.load(node, to, octets, tag, Load::Packet { packet, wire, dio, part: 0 });
        }
        self.send_cut(node, (to, ends, around), flow_octets, packet, tag);
    }

    /// A datagram for this node.
    fn deliver(&mut self, node: u32, source: Ipv6Addr, mut packet: Vec<u8>, at: usize, tag: Tag) {
        let Some(&[high, low]) = packet.get(at + 2..at + 4) else { return };
        let start = at + 8;
        if u16::from_be_bytes([high, low]) == PORT_DATA {
            packet.drain(..start.min(packet.len()));
            self.totals.messages[1] += 1;
            self.digest(self.now_ns, tag.id);
            self.events.push_back(Event::Delivered { id: tag.id, node, source, payload: packet });
            return;
        }
        let from = number(Eui64::from(source));
        self.recycle(packet);
        let Some(&(id, message)) = self.letters.get(tag.letter as usize % LETTERS) else { return };
        if id != tag.letter || id == 0 {
            return;
        }
        let own = &mut self.nodes[node as usize];
        own.touched.join = true;
        if let Join::Border(border) = &mut own.join {
            border.handle(self.now_ns, Some(eui(from)), message);
            return;
        }
        self.message(node, from, message);
    }

    /// A datagram to an address of the mesh; false when there is no way.
    pub(super) fn datagram(
        &mut self,
        node: u32,
        to: u32,
        port: u16,
        fill: impl FnOnce(&mut Vec<u8>),
        tag: Tag,
    ) -> bool {
        self.nodes[node as usize].touched.rpl = true;
        self.enclose(node, to, port, fill) && self.drain_rpl(node, Some(tag))
    }

    /// Gives routing a datagram; false when there is no way.
    pub(super) fn enclose(&mut self, node: u32, to: u32, port: u16, fill: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut datagram = core::mem::take(&mut self.datagram);
        datagram.clear();
        datagram.extend_from_slice(&port.to_be_bytes());
        datagram.extend_from_slice(&port.to_be_bytes());
        datagram.extend_from_slice(&[0; 4]);
        fill(&mut datagram);
        let length = (datagram.len() as u16).to_be_bytes();
        datagram[4..6].copy_from_slice(&length);
        let (from, to) = (eui(node).under(PREFIX), eui(to).under(PREFIX));
        let sum = checksum(from, to, next::UDP, &datagram).to_be_bytes();
        datagram[6..8].copy_from_slice(&sum);
        let sent = self.nodes[node as usize].rpl.send(self.now_ns, to, next::UDP, &datagram);
        self.datagram = datagram;
        sent
    }

    /// A datagram of the layers above.
    pub(super) fn post_data(&mut self, node: u32, to: u32, payload: &[u8], tag: Tag) -> bool {
        self.datagram(node, to, PORT_DATA, |datagram| datagram.extend_from_slice(payload), tag)
    }

    /// A message of joining goes out.
    fn post(&mut self, node: u32, to: To, message: Message) {
        let octets = message.octets(to);
        let of = match message {
            Message::Eapol(_) | Message::AddressRequest { .. } | Message::AddressReply { .. } => Use::Joining,
            _ => Use::Discovery,
        };
        let over = match to {
            To::Everywhere => {
                return self.load(node, MacTo::Everywhere, octets, Tag::own(of), Load::Message(message));
            }
            To::Neighbour(peer) => {
                return self.load(node, MacTo::One(peer), octets, Tag::own(of), Load::Message(message));
            }
            To::Root => 0,
            To::Router(peer) => number(peer),
        };
        self.letter = self.letter.checked_add(1).unwrap_or(1);
        let letter = self.letter;
        let place = letter as usize % LETTERS;
        if self.letters.len() <= place {
            self.letters.resize(place + 1, (0, message));
        }
        self.letters[place] = (letter, message);
        let port = if matches!(message, Message::Eapol(_)) { PORT_EAPOL } else { PORT_ADDRESS };
        // Without a way it is asked for again by whoever waits for the answer.
        self.datagram(node, over, port, |datagram| put_body(message, octets, datagram), Tag { letter, ..Tag::own(of) });
    }

    /// Joining's outputs.
    fn drain_join(&mut self, node: u32) {
        self.nodes[node as usize].touched.join = false;
        loop {
            match self.nodes[node as usize].join.poll_output() {
                JoinOutput::Send(to, message) => self.post(node, to, message),
                JoinOutput::State(state) => self.enter(node, state),
                JoinOutput::StartRouting { .. } => {
                    let own = &mut self.nodes[node as usize];
                    own.start_routing(&self.config, node);
                    own.routing = true;
                    own.rpl.handle_start(self.now_ns);
                    own.touched.rpl = true;
                    self.drain_rpl(node, None);
                }
                JoinOutput::StopRouting => {
                    let own = &mut self.nodes[node as usize];
                    own.start_routing(&self.config, node);
                    (own.routing, own.registering) = (false, false);
                    self.events.push_back(Event::Parent { node, parent: None });
                }
                JoinOutput::Listen => self.listen_alone(node),
                JoinOutput::Register => {
                    let own = &mut self.nodes[node as usize];
                    match own.join.router() {
                        Some(router) if own.announced => router.handle_registered(self.now_ns),
                        _ => own.registering = true,
                    }
                }
                JoinOutput::Store(_) => {}
                JoinOutput::Timeout(until) => return self.arm(node, Due::Join, until),
            }
        }
    }

    /// A node that looks for a PAN listens on one channel, drawn anew each time.
    fn listen_alone(&mut self, node: u32) {
        let mut draws = Chance::new(self.config.seed ^ u64::from(node)).fork(self.now_ns);
        let one = self.config.channels.at(draws.word() as u32 >> 1);
        // A list of one channel of the plan is never empty.
        let one = Channels::try_from(vec![one]).unwrap_or_else(|_| self.config.channels.clone());
        self.nodes[node as usize].hop(one, Some(None));
        self.tune(node);
    }

    /// A join state, what it means for hopping, and who is told.
    fn enter(&mut self, node: u32, state: State) {
        let own = &mut self.nodes[node as usize];
        let before = core::mem::replace(&mut own.state, state);
        if matches!(state, State::Discovery | State::Reconnect) {
            self.listen_alone(node);
        } else {
            own.hop(self.config.channels.clone(), None);
            self.tune(node);
        }
        self.events.push_back(Event::State { node, state });
        if before == State::Operational && state != before {
            let why = if state == State::Routing { Isolation::ParentLost } else { Isolation::PanTimeout };
            self.events.push_back(Event::Isolated { node, why });
        }
        self.digest(self.now_ns, u64::from(node) << 8 | state as u64);
    }

    /// The MAC's outputs; tells whether a request ended, which the machines above may answer.
    fn drain_mac(&mut self, node: u32) -> bool {
        let mut ended = false;
        loop {
            let life = self.nodes[node as usize].life;
            let start_ns = self.now_ns + self.config.phy.turnaround_ns;
            let frame = match self.nodes[node as usize].mac.poll_output() {
                MacOutput::Look { channel } => {
                    if self.holds_back(node, channel) || self.is_engaged(node) {
                        continue;
                    }
                    // Whoever sends by then has turned around by now: what the look will find is known.
                    let at_ns = self.now_ns + self.config.phy.cca_ns;
                    let clear = !self.is_busy(node, channel, at_ns);
                    self.nodes[node as usize].mac.handle_cca(at_ns, clear);
                    continue;
                }
                MacOutput::Send { channel, sequence, to, octets, acknowledged, flow, payload } => {
                    let train = to == MacTo::Everywhere;
                    self.book(node, (!train).then_some(channel), octets, false);
                    let to = if let MacTo::One(peer) = to { number(peer) } else { NONE };
                    OnAir {
                        from: node,
                        to,
                        channel,
                        sequence,
                        ack_request: acknowledged,
                        train,
                        flow,
                        cargo: payload,
                        octets,
                        life,
                        start_ns: start_ns + self.config.phy.cca_ns,
                        ..OnAir::default()
                    }
                }
                MacOutput::Acknowledge { to, sequence } => {
                    let channel = self.nodes[node as usize].ack_channel;
                    let responds = self.nodes[node as usize].responds;
                    let flow = if responds { Flow::Last } else { Flow::None };
                    let (to, octets) = (number(to), if responds { RESPONSE_OCTETS } else { ACK_OCTETS });
                    if self.is_mute(node, channel, octets) {
                        continue;
                    }
                    self.book(node, Some(channel), octets, true);
                    let air = OnAir { from: node, to, channel, sequence, octets, life, start_ns, ..OnAir::default() };
                    OnAir { acknowledges: true, flow, cargo: NONE, ..air }
                }
                MacOutput::Done { outcome, attempts, to, payload, .. } => {
                    ended = true;
                    self.done(node, outcome, attempts, to, payload);
                    continue;
                }
                MacOutput::Timeout(until) => {
                    // Most waits for an acknowledgement that is on the air end with it: only then the rest is waited for.
                    let own = &self.nodes[node as usize];
                    let with_it = own.mac.awaits_ack() && until.is_some_and(|until_ns| until_ns > own.ack_ends_ns);
                    if !with_it || own.ack_ends_ns <= self.now_ns {
                        self.arm(node, Due::Mac, until);
                    }
                    return ended;
                }
            };
            self.put(frame);
        }
    }

    /// A request has ended: routing learns of the link, and of a packet that found no way.
    fn done(&mut self, node: u32, outcome: Outcome, attempts: u32, to: MacTo, place: u32) {
        let Some(cargo) = self.cargoes.get_mut(place as usize) else { return };
        let (tag, load) = (cargo.tag, core::mem::replace(&mut cargo.load, Load::Free));
        self.free_cargoes.push(place);
        if tag.priority == Priority::Urgent && outcome == Outcome::Sent {
            self.events.push_back(Event::Handed { id: tag.id, node });
        }
        if self.radios[node as usize].fading {
            return self.gasped(node, outcome, tag, load);
        }
        if let MacTo::One(peer) = to
            && attempts > 0
        {
            self.tell_link(node, peer);
        }
        if let (Load::Probe, MacTo::One(peer)) = (&load, to) {
            self.probed(node, peer, outcome);
        }
        let Load::Packet { packet, part, .. } = load else { return };
        let packet = if part == 0 { packet } else { self.part_done(node, part, outcome, packet) };
        match (outcome, to) {
            (Outcome::Sent, _) => self.recycle(packet),
            // No fault of the link, and another way has no more time.
            (Outcome::DutyCycle, _) if !packet.is_empty() => self.drop_message(node, tag, Why::DutyCycle),
            (_, MacTo::One(peer)) if !packet.is_empty() && self.nodes[node as usize].routing => {
                self.nodes[node as usize].touched.rpl = true;
                self.nodes[node as usize].rpl.handle_undelivered(self.now_ns, peer, packet);
                if !self.drain_rpl(node, Some(tag)) {
                    self.drop_message(node, tag, outcome.into());
                }
            }
            _ if packet.is_empty() => {}
            _ => self.drop_message(node, tag, outcome.into()),
        }
    }

    /// Tells routing a link's metric when it has changed.
    fn tell_link(&mut self, node: u32, peer: Eui64) {
        let own = &mut self.nodes[node as usize];
        let Some(value) = own.mac.etx(peer).and_then(Etx::value) else { return };
        match own.told.binary_search_by_key(&number(peer), |(of, _)| *of) {
            Ok(place) if own.told[place].1 == value => return,
            Ok(place) => own.told[place].1 = value,
            Err(place) => own.told.insert(place, (number(peer), value)),
        }
        if own.routing {
            own.touched.rpl = true;
            own.rpl.handle_link(self.now_ns, peer, Some(u16::try_from(value).unwrap_or(u16::MAX)));
        }
    }

    /// Octets that are not needed any more serve the next packet.
    pub(super) fn recycle(&mut self, packet: Vec<u8>) {
        if self.pool.len() < 256 && packet.capacity() > 0 {
            self.pool.push(packet);
        }
    }

    /// A priority's own tag for a message.
    pub(super) const fn tag(id: u64, priority: Priority) -> Tag {
        Tag { id, letter: 0, of: Use::Data, priority }
    }
}
