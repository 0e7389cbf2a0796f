//! A village of 24 routers in three rings joins and comes back over a hopping, colliding radio: MAC and joining together.
//!
//! Every frame has its channel, its time on air at 50 kb/s and its rivals: who transmits is deaf, a receiver hears what
//! begins on the channel where it listens, and two frames that overlap there destroy each other. Only routing is a
//! stand-in (5 s to a parent, 3 s to a registration). It is also the example of how a driver joins the two machines.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use taa_mesh::Eui64;
use taa_mesh::chance::Chance;
use taa_mesh::mac::channels::Channels;
use taa_mesh::mac::csma::Csma;
use taa_mesh::mac::engine::{self, Engine, Hopping, Outcome, Priority, Received, Request};
use taa_mesh::mac::phy::Phy;
use taa_mesh::mac::schedule::{Broadcast, Unicast};
use taa_mesh::wisun::border::{self, Border};
use taa_mesh::wisun::join::{Output, Router, State};
use taa_mesh::wisun::keys::Lives;
use taa_mesh::wisun::message::{Message, To};
use taa_mesh::wisun::params::{Params, Size};

const S: u64 = 1_000_000_000;
const RINGS: [usize; 4] = [1, 8, 8, 8];
const ACK_OCTETS: u32 = 56;

/// A message on its way: to its end, and who relayed it first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Packet {
    message: Message,
    to: To,
    relay: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    MacWake(usize),
    JoinWake(usize),
    Looked(usize, u16),
    Start(u64),
    End(u64),
    Parent(usize),
    Registered(usize),
    Refresh(usize),
}

#[derive(Debug, Clone, Copy)]
struct OnAir {
    from: usize,
    to: Option<usize>,
    channel: u16,
    start_ns: u64,
    octets: u32,
    sequence: u8,
    ack_request: bool,
    packet: Option<Packet>,
}

struct Village {
    phy: Phy,
    channels: Channels,
    broadcast: Broadcast,
    params: Params,
    border: Border,
    routers: Vec<Router>,
    engines: Vec<Engine<Packet>>,
    hears: Vec<Vec<usize>>,
    parent: Vec<Option<usize>>,
    locked: Vec<Option<(u64, bool)>>,
    transmits: Vec<bool>,
    heard_on: Vec<u16>,
    wakes: BTreeMap<Event, u64>,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    frames: BTreeMap<u64, OnAir>,
    number: u64,
    now: u64,
    chance: Chance,
    operational: BTreeMap<usize, u64>,
    collided: u64,
    sent: u64,
    given_up: u64,
}

fn eui(node: usize) -> Eui64 {
    Eui64((node as u64).to_be_bytes())
}

fn node(of: Eui64) -> usize {
    u64::from_be_bytes(of.0) as usize
}

impl Village {
    fn new(seed: u64) -> Self {
        let phy = Phy::sun_fsk(50_000, false);
        let channels = Channels::all(129).unwrap();
        let params = Params::of(Size::Small);
        let ring: Vec<usize> = RINGS.iter().enumerate().flat_map(|(at, &size)| vec![at; size]).collect();
        let all = ring.len();
        let near = |a: usize, b: usize| a != b && ring[a].abs_diff(ring[b]) <= 1;
        let mut village = Self {
            phy,
            broadcast: Broadcast { bsi: 77, interval_ms: 1020, dwell_ms: 255, channels: channels.clone(), epoch_ns: 0 },
            border: Border::start(0, eui(0), Self::config(params), seed, None),
            routers: (0..all).map(|at| Router::new(eui(at), 1, params, seed + (at as u64) * 1_000)).collect(),
            engines: Vec::new(),
            hears: (0..all).map(|a| (0..all).filter(|&b| near(a, b)).collect()).collect(),
            parent: vec![None; all],
            locked: vec![None; all],
            transmits: vec![false; all],
            heard_on: vec![0; all],
            wakes: BTreeMap::new(),
            queue: BinaryHeap::new(),
            frames: BTreeMap::new(),
            number: 0,
            now: 0,
            chance: Chance::new(seed),
            operational: BTreeMap::new(),
            collided: 0,
            sent: 0,
            given_up: 0,
            channels,
            params,
        };
        village.engines = (0..all).map(|at| village.engine(at)).collect();
        for at in 1..all {
            village.routers[at].power_up(0, None);
        }
        (0..all).for_each(|at| village.drain(at));
        village
    }

    fn config(params: Params) -> border::Config {
        border::Config { network: 1, pan_id: 5, params, lives: Lives::default(), sessions_max: 100 }
    }

    /// A MAC that has just started: a joining node stays on one channel until it knows its PAN.
    fn engine(&mut self, at: usize) -> Engine<Packet> {
        let phy = self.phy;
        let config = engine::Config { phy, csma: Csma::wisun(), retries_max: 7, queue_max: 64, stranger_fails: false };
        let mut engine = Engine::new(config, self.chance.word());
        let one = Channels::try_from(vec![self.chance.between(0, 129) as u16]).unwrap();
        let channels = if at == 0 { self.channels.clone() } else { one };
        *engine.hopping_mut() = Some(Hopping {
            own: Unicast { of: eui(at), dwell_ms: 255, channels },
            everywhere: self.channels.clone(),
            started_ns: self.now,
            broadcast: (at == 0).then(|| self.broadcast.clone()),
            heard: Vec::new(),
            drift_ppm: 20,
        });
        engine
    }

    fn at(&mut self, time: u64, event: Event) {
        self.number += 1;
        self.queue.push(Reverse((time, self.number, event)));
    }

    fn wake(&mut self, until: Option<u64>, event: Event) {
        match until.map(|until| until.max(self.now)) {
            Some(until) if self.wakes.insert(event, until) != Some(until) => self.at(until, event),
            Some(_) => {}
            None => drop(self.wakes.remove(&event)),
        }
    }

    fn run(&mut self, until: u64) {
        while let Some(&Reverse((time, _, event))) = self.queue.peek() {
            if time > until {
                break;
            }
            self.queue.pop();
            if matches!(event, Event::MacWake(_) | Event::JoinWake(_)) && self.wakes.remove(&event) != Some(time) {
                continue;
            }
            self.now = time;
            match event {
                Event::MacWake(at) => self.engines[at].handle_timeout(time),
                Event::JoinWake(0) => self.border.handle_timeout(time),
                Event::JoinWake(at) => self.routers[at].handle_timeout(time),
                Event::Looked(at, channel) => {
                    let busy = self.frames.values().any(|frame| {
                        frame.start_ns < time && frame.channel == channel && self.hears[at].contains(&frame.from)
                    });
                    self.engines[at].handle_cca(time, !busy);
                }
                Event::Start(id) => self.start(id),
                Event::End(id) => self.end(id),
                Event::Parent(at) => self.look_for_parent(at),
                Event::Registered(at) => {
                    self.routers[at].handle_registered(time);
                    self.at(time + 1_200 * S, Event::Refresh(at));
                }
                // A route is announced anew every twenty minutes, and the root acknowledges it.
                Event::Refresh(at) if self.routers[at].state() == State::Operational => {
                    self.routers[at].handle_root_heard(time);
                    self.at(time + 1_200 * S, Event::Refresh(at));
                }
                Event::Refresh(_) => {}
            }
            match event {
                Event::MacWake(at) | Event::JoinWake(at) | Event::Looked(at, _) => self.drain(at),
                Event::Parent(at) | Event::Registered(at) | Event::Refresh(at) => self.drain(at),
                Event::Start(_) | Event::End(_) => {}
            }
        }
        self.now = until;
    }

    fn start(&mut self, id: u64) {
        let Some(frame) = self.frames.get_mut(&id) else { return };
        frame.start_ns = self.now;
        let frame = *frame;
        self.transmits[frame.from] = true;
        self.locked[frame.from] = None;
        for at in self.hears[frame.from].clone() {
            let hopping = self.engines[at].hopping().unwrap();
            // An acknowledgement comes on the channel of the frame, where its receiver still is.
            let tuned = match frame.packet {
                None => frame.to == Some(at),
                Some(_) => hopping.listening(self.now) == frame.channel,
            };
            let rival = self.frames.iter().find(|(other, rival)| {
                let on_air = **other != id && rival.start_ns < self.now && rival.channel == frame.channel;
                on_air && self.hears[at].contains(&rival.from)
            });
            if let Some((&other, _)) = rival
                && let Some((locked, good)) = &mut self.locked[at]
                && *locked == other
            {
                self.collided += u64::from(*good);
                *good = false;
            } else if tuned && rival.is_none() && !self.transmits[at] && self.locked[at].is_none() {
                self.locked[at] = Some((id, true));
            }
        }
        self.at(self.now + self.phy.air_ns(frame.octets), Event::End(id));
    }

    fn end(&mut self, id: u64) {
        let Some(frame) = self.frames.remove(&id) else { return };
        self.transmits[frame.from] = false;
        self.engines[frame.from].handle_sent(self.now);
        self.drain(frame.from);
        for at in self.hears[frame.from].clone() {
            if self.locked[at].is_none_or(|(locked, _)| locked != id) {
                continue;
            }
            let Some((_, true)) = self.locked[at].take() else { continue };
            self.heard(at, &frame);
            self.drain(at);
        }
    }

    fn heard(&mut self, at: usize, frame: &OnAir) {
        let Some(packet) = frame.packet else {
            return self.engines[at].handle_ack(self.now, Some(eui(frame.from)), frame.sequence);
        };
        // Every frame says where its sender listens, and a configuration says how the PAN broadcasts.
        let of = self.engines[frame.from].hopping().unwrap();
        let schedule = of.own.clone();
        let ufsi = schedule.ufsi_at(frame.start_ns.saturating_sub(of.started_ns));
        let broadcast = matches!(packet.message, Message::Pc { .. }).then(|| self.broadcast.clone());
        let hopping = self.engines[at].hopping_mut().as_mut().unwrap();
        hopping.hear(&schedule, frame.start_ns, ufsi);
        if broadcast.is_some() && (at == 0 || self.routers[at].state() >= State::Configure) {
            hopping.broadcast = broadcast;
        }
        if frame.to.is_some_and(|to| to != at) {
            return;
        }
        self.heard_on[at] = frame.channel;
        let sequence = frame.ack_request.then_some(frame.sequence);
        let received = self.engines[at].handle_receive(self.now, eui(frame.from), sequence, frame.ack_request);
        if received == Received::New {
            self.arrived(at, frame.from, packet);
        }
    }

    /// A packet is here: for this node, or to pass on.
    fn arrived(&mut self, at: usize, from: usize, packet: Packet) {
        match packet.to {
            To::Root if at != 0 => self.post(at, packet),
            To::Router(of) if node(of) != at => self.post(at, packet),
            _ if at == 0 => self.border.handle(self.now, packet.relay.map(eui), packet.message),
            _ => self.routers[at].handle(self.now, eui(from), -60, packet.message),
        }
    }

    /// The next hop of a packet, and off it goes.
    fn post(&mut self, at: usize, packet: Packet) {
        let next = match packet.to {
            To::Everywhere => None,
            To::Neighbour(of) => Some(node(of)),
            To::Root => self.parent[at],
            To::Router(of) => {
                let mut hop = node(of);
                while let Some(up) = self.parent[hop].filter(|&up| up != at) {
                    hop = up;
                }
                Some(hop)
            }
        };
        if next.is_none() && packet.to != To::Everywhere {
            return;
        }
        let to = next.map_or(engine::To::Everywhere, |next| engine::To::One(eui(next)));
        let octets = packet.message.octets(packet.to);
        let acknowledged = next.is_some();
        let request = Request { to, octets, acknowledged, priority: Priority::Control, payload: packet };
        self.engines[at].send(self.now, request);
    }

    fn look_for_parent(&mut self, at: usize) {
        if self.routers[at].state() != State::Routing || self.parent[at].is_some() {
            return;
        }
        let serves = |by: &usize| *by == 0 || self.routers[*by].state() == State::Operational;
        let Some(best) = self.hears[at].iter().copied().filter(serves).min() else {
            return self.at(self.now + 10 * S, Event::Parent(at));
        };
        self.parent[at] = Some(best);
        // DIS and DIO told both where the other listens now: what was heard before the parent hopped is stale.
        for (of, by) in [(at, best), (best, at)] {
            let theirs = self.engines[of].hopping().unwrap();
            let (schedule, at_ns) = (theirs.own.clone(), self.now);
            let ufsi = schedule.ufsi_at(at_ns.saturating_sub(theirs.started_ns));
            self.engines[by].hopping_mut().as_mut().unwrap().hear(&schedule, at_ns, ufsi);
        }
        let cost = 128 * RINGS.len() as u16;
        self.routers[at].handle_parent(self.now, cost);
    }

    fn drain(&mut self, at: usize) {
        loop {
            let output = if at == 0 { self.border.poll_output() } else { self.routers[at].poll_output() };
            match output {
                Output::Send(to, message) => {
                    let relay = (to == To::Root && matches!(message, Message::Eapol(_))).then_some(at);
                    self.post(at, Packet { message, to, relay });
                }
                Output::State(state) => {
                    if state == State::Operational {
                        self.operational.entry(at).or_insert(self.now);
                    }
                    // A PAN is known: hop like everyone.
                    let all = self.channels.clone();
                    let hopping = self.engines[at].hopping_mut().as_mut().unwrap();
                    if state >= State::Authenticate && state != State::Reconnect {
                        hopping.own.channels = all;
                    }
                }
                Output::StartRouting { .. } => {
                    self.parent[at] = None;
                    self.at(self.now + 5 * S, Event::Parent(at));
                }
                Output::StopRouting => self.parent[at] = None,
                Output::Register => self.at(self.now + 3 * S, Event::Registered(at)),
                Output::Store(_) => {}
                Output::Timeout(until) => {
                    self.wake(until, Event::JoinWake(at));
                    break;
                }
            }
        }
        self.drain_mac(at);
    }

    fn drain_mac(&mut self, at: usize) {
        loop {
            let (channel, to, octets, sequence, ack_request, packet) = match self.engines[at].poll_output() {
                engine::Output::Look { channel } => {
                    self.at(self.now + self.phy.cca_ns, Event::Looked(at, channel));
                    continue;
                }
                engine::Output::Send { channel, sequence, to, octets, acknowledged, payload } => {
                    self.sent += 1;
                    let to = if let engine::To::One(of) = to { Some(node(of)) } else { None };
                    (channel, to, octets, sequence, acknowledged, Some(payload))
                }
                engine::Output::Acknowledge { to, sequence } => {
                    (self.heard_on[at], Some(node(to)), ACK_OCTETS, sequence, false, None)
                }
                engine::Output::Done { outcome, .. } => {
                    self.given_up += u64::from(outcome != Outcome::Sent);
                    continue;
                }
                engine::Output::Timeout(until) => return self.wake(until, Event::MacWake(at)),
            };
            self.number += 1;
            let id = self.number;
            let start_ns = u64::MAX;
            self.frames.insert(id, OnAir { from: at, to, channel, start_ns, octets, sequence, ack_request, packet });
            self.at(self.now + self.phy.turnaround_ns, Event::Start(id));
        }
    }

    /// The whole village loses power and gets it back at the same instant.
    fn power_cut(&mut self) {
        self.queue.clear();
        self.wakes.clear();
        self.frames.clear();
        self.operational.clear();
        let stored = self.border.stored();
        self.border = Border::start(self.now, eui(0), Self::config(self.params), 9, Some(stored));
        let all = self.routers.len();
        self.parent = vec![None; all];
        self.locked = vec![None; all];
        self.transmits = vec![false; all];
        for at in 0..all {
            self.engines[at] = self.engine(at);
        }
        for at in 1..all {
            let stored = self.routers[at].stored();
            self.routers[at].power_down();
            self.routers[at].power_up(self.now, Some(stored));
        }
        (0..all).for_each(|at| self.drain(at));
    }
}

/// Seconds until the last of 24 serves: the first time, and again after a power cut with keys in flash.
fn join_and_return(seed: u64) -> (u64, u64) {
    let mut village = Village::new(seed);
    village.run(7_200 * S);
    assert_eq!(village.operational.len(), 24, "seed {seed}: the first time");
    let first = village.operational.values().max().copied().unwrap_or(0);
    let (frames, collided, given_up) = (village.sent, village.collided, village.given_up);
    let cut = village.now;
    village.power_cut();
    village.run(cut + 7_200 * S);
    assert_eq!(village.operational.len(), 24, "seed {seed}: after the power cut");
    let again = village.operational.values().max().copied().unwrap_or(0) - cut;
    let (frames_again, collided_again) = (village.sent - frames, village.collided - collided);
    println!(
        "first {} s: {frames} frames, {collided} collisions, {given_up} given up; again {} s: {frames_again}, {collided_again}",
        first / S,
        again / S
    );
    assert!(collided > 0 && collided_again > 0, "a whole village at once does collide");
    (first / S, again / S)
}

/// Over eight villages all join and all come back; coming back takes less than half as long on average.
#[test]
fn a_village_joins_and_returns_over_a_real_medium() {
    let (mut first, mut again) = (0, 0);
    for seed in 0..8 {
        let (one, two) = join_and_return(seed);
        first += one;
        again += two;
    }
    println!("on average {} s, then {} s", first / 8, again / 8);
    assert!(again * 2 < first, "{again} and {first}");
}
