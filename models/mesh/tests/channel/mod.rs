//! A small channel for the MAC alone: one collision domain around a sink, with the physics that ns-3's lr-wpan states.
//!
//! Nodes stand on a circle; signals fall with distance (log-distance, exponent 3, 46.6776 dB at 1 m); a receiver locks on
//! the first frame that begins while it listens and is at least −5 dB above the rest, and loses it bit by bit as noise
//! and other frames say (O-QPSK). Noise is thermal over 5 MHz. Nothing here is a model of a village.

#![allow(dead_code, reason = "each test target uses its own part")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use taa_mesh::Eui64;
use taa_mesh::chance::Chance;
use taa_mesh::mac::csma::Csma;
use taa_mesh::mac::engine::{Config, Engine, Outcome, Output, Priority, Received, Request, To};
use taa_mesh::mac::phy::{Phy, oqpsk_success};

/// What frames look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frames {
    /// Octets around a payload.
    pub(crate) around: u32,
    /// Octets of an acknowledgement.
    pub(crate) ack: u32,
    /// How long it is waited for.
    pub(crate) ack_wait_ns: u64,
}

impl Frames {
    /// Nine octets of header with short addresses in one PAN, two of check sequence; the immediate acknowledgement has five.
    pub(crate) const LR_WPAN: Self = Self { around: 11, ack: 5, ack_wait_ns: 54 * 16_000 };
}

/// What is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) nodes: usize,
    pub(crate) payload: u32,
    pub(crate) ack: bool,
    /// Mean time between a node's frames, seconds; none sends the next as soon as one has ended.
    pub(crate) mean_s: Option<f64>,
    pub(crate) distance_m: f64,
    pub(crate) csma: Csma,
    pub(crate) frames: Frames,
    pub(crate) run_s: f64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) offered: u64,
    pub(crate) rx: u64,
    /// Received for the first time.
    pub(crate) new: u64,
    pub(crate) success: u64,
    pub(crate) busy: u64,
    pub(crate) no_ack: u64,
}

/// Received power at a distance, watts, from 1 mW.
pub(crate) fn power_w(distance_m: f64) -> f64 {
    1e-3 * libm::pow(10.0, -(46.6776 + 30.0 * libm::log10(distance_m.max(1.0))) / 10.0)
}

/// Noise in the receiver, watts.
pub(crate) fn noise_w() -> f64 {
    1.3803e-23 * 290.0 * 5e6
}

/// The share of frames with this payload that come through alone at this distance.
pub(crate) fn alone(payload: u32, distance_m: f64) -> f64 {
    // The signal's own spectrum sums to 1.0 of its power over the five bands in which the noise is counted.
    oqpsk_success(power_w(distance_m) / noise_w(), f64::from(48 + 8 * (payload + Frames::LR_WPAN.around)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Looked { node: usize, token: u64, busy: bool },
    Wake { node: usize },
    Arrival { node: usize },
    End { frame: u64 },
    Start { frame: u64 },
}

#[derive(Debug, Clone, Copy)]
struct OnAir {
    from: usize,
    to: Option<usize>,
    sequence: u8,
    ack_request: bool,
    is_ack: bool,
    octets: u32,
}

#[derive(Debug, Clone, Default)]
struct Radio {
    ready_ns: u64,
    locked: Option<(u64, bool, u64)>,
    look: Option<(u64, bool)>,
}

struct World {
    phy: Phy,
    ack: bool,
    ack_octets: u32,
    octets: u32,
    mean_s: Option<f64>,
    end_ns: u64,
    now: u64,
    queue: BinaryHeap<Reverse<(u64, Event)>>,
    engines: Vec<Engine<()>>,
    radios: Vec<Radio>,
    power: Vec<Vec<f64>>,
    pending: BTreeMap<u64, OnAir>,
    active: BTreeMap<u64, OnAir>,
    numbers: u64,
    draws: Chance,
    counts: Counts,
}

fn eui(node: usize) -> Eui64 {
    Eui64((node as u64).to_be_bytes())
}

/// Runs a case. Node 0 is the sink.
pub(crate) fn run(case: Case, seed: u64) -> Counts {
    let phy = Phy { ack_wait_ns: case.frames.ack_wait_ns, ..Phy::oqpsk_250k() };
    let config = Config {
        phy,
        csma: case.csma,
        retries_max: 3,
        channel_retries: 0,
        urgent_channel_retries: 0,
        exchange_ns: 0,
        queue_max: 1 << 20,
        stranger_fails: true,
    };
    let at = |node: usize| {
        let angle = std::f64::consts::TAU * node as f64 / case.nodes as f64;
        let radius = if node == 0 { 0.0 } else { case.distance_m };
        (radius * libm::cos(angle), radius * libm::sin(angle))
    };
    let distance = |a: usize, b: usize| libm::hypot(at(a).0 - at(b).0, at(a).1 - at(b).1);
    let all = case.nodes + 1;
    let mut world = World {
        phy,
        ack: case.ack,
        ack_octets: case.frames.ack,
        octets: case.payload + case.frames.around,
        mean_s: case.mean_s,
        end_ns: (case.run_s * 1e9) as u64,
        now: 0,
        queue: BinaryHeap::new(),
        engines: (0..all).map(|node| Engine::new(config, seed ^ (node as u64 + 1) << 32)).collect(),
        radios: vec![Radio::default(); all],
        power: (0..all).map(|a| (0..all).map(|b| power_w(distance(a, b))).collect()).collect(),
        pending: BTreeMap::new(),
        active: BTreeMap::new(),
        numbers: 0,
        draws: Chance::new(seed),
        counts: Counts::default(),
    };
    for node in 1..all {
        let first = world.draws.between(0, 10_000_000);
        world.at(first, Event::Arrival { node });
    }
    world.go();
    world.counts
}

impl World {
    fn at(&mut self, time: u64, event: Event) {
        self.queue.push(Reverse((time, event)));
    }

    fn go(&mut self) {
        while let Some(Reverse((time, event))) = self.queue.pop() {
            if time > self.end_ns {
                break;
            }
            self.now = time;
            match event {
                Event::Wake { node } => {
                    self.engines[node].handle_timeout(time);
                    self.drain(node);
                }
                Event::Arrival { node } => {
                    self.offer(node);
                    if let Some(mean_s) = self.mean_s {
                        let wait = -libm::log((self.draws.between(0, 1 << 53) + 1) as f64 / (1_u64 << 53) as f64)
                            * mean_s
                            * 1e9;
                        self.at(time + wait as u64, Event::Arrival { node });
                    }
                }
                Event::Looked { node, token, busy } => self.looked(node, token, busy),
                Event::Start { frame } => self.start(frame),
                Event::End { frame } => self.end(frame),
            }
        }
    }

    fn offer(&mut self, node: usize) {
        self.counts.offered += 1;
        let to = To::One(eui(0));
        let request =
            Request { to, octets: self.octets, acknowledged: self.ack, priority: Priority::Data, payload: () };
        self.engines[node].send(self.now, request);
        self.drain(node);
    }

    fn drain(&mut self, node: usize) {
        loop {
            match self.engines[node].poll_output() {
                Output::Timeout(until) => {
                    if let Some(until) = until {
                        self.at(until.max(self.now), Event::Wake { node });
                    }
                    return;
                }
                Output::Look { .. } => {
                    self.numbers += 1;
                    let (token, now) = (self.numbers, self.now);
                    let deaf = now < self.radios[node].ready_ns;
                    self.radios[node].look = Some((token, false));
                    let wait = if deaf { 0 } else { self.phy.cca_ns };
                    self.at(now + wait, Event::Looked { node, token, busy: deaf });
                }
                Output::Send { sequence, octets, acknowledged, .. } => {
                    let to = Some(0);
                    let frame = OnAir { from: node, to, sequence, ack_request: acknowledged, is_ack: false, octets };
                    self.order(frame);
                }
                Output::Acknowledge { sequence, .. } => {
                    let octets = self.ack_octets;
                    let frame = OnAir { from: node, to: None, sequence, ack_request: false, is_ack: true, octets };
                    self.order(frame);
                }
                Output::Done { outcome, .. } => {
                    match outcome {
                        Outcome::Sent => self.counts.success += 1,
                        Outcome::ChannelBusy => self.counts.busy += 1,
                        Outcome::NoAck => self.counts.no_ack += 1,
                        Outcome::NoSchedule | Outcome::Dropped | Outcome::DutyCycle => {
                            panic!("neither hopping nor a bound here")
                        }
                    }
                    if self.mean_s.is_none() {
                        self.at(self.now, Event::Arrival { node });
                    }
                }
            }
        }
    }

    fn order(&mut self, frame: OnAir) {
        self.numbers += 1;
        self.radios[frame.from] = Radio { ready_ns: u64::MAX, locked: None, look: None };
        self.pending.insert(self.numbers, frame);
        self.at(self.now + self.phy.turnaround_ns, Event::Start { frame: self.numbers });
    }

    /// What a node hears of all frames on air but one, watts.
    fn heard(&self, node: usize, but: u64) -> f64 {
        let others = self.active.iter().filter(|(id, frame)| **id != but && frame.from != node);
        others.map(|(_, frame)| self.power[frame.from][node]).sum()
    }

    /// The frame that a node is locked on may have been lost since its last look.
    fn check(&mut self, node: usize) {
        let Some((id, good, since)) = self.radios[node].locked else { return };
        let Some(frame) = self.active.get(&id) else { return };
        let signal = self.power[frame.from][node];
        let bits = libm::ceil((self.now - since) as f64 * 1e-9 * f64::from(self.phy.bits_per_s));
        let through = oqpsk_success(signal / (self.heard(node, id) + noise_w()), bits);
        let good = good && self.draws.happens(through);
        self.radios[node].locked = Some((id, good, self.now));
    }

    fn start(&mut self, id: u64) {
        let Some(frame) = self.pending.remove(&id) else { return };
        for node in 0..self.radios.len() {
            if node == frame.from {
                continue;
            }
            self.check(node);
            let signal = self.power[frame.from][node];
            let others = self.heard(node, id);
            let radio = &mut self.radios[node];
            if radio.locked.is_none() && self.now >= radio.ready_ns && signal / (others + noise_w()) > 0.316_227_766 {
                radio.locked = Some((id, true, self.now));
            }
            if let Some((_, busy)) = &mut radio.look {
                *busy |= signal + others >= busy_w();
            }
        }
        self.active.insert(id, frame);
        self.at(self.now + self.phy.air_ns(frame.octets), Event::End { frame: id });
    }

    fn end(&mut self, id: u64) {
        let all = 0..self.radios.len();
        let mut whole = Vec::new();
        for node in all {
            if self.radios[node].locked.is_some_and(|(locked, _, _)| locked == id) {
                self.check(node);
                if let Some((_, true, _)) = self.radios[node].locked.take() {
                    whole.push(node);
                }
            }
        }
        let Some(frame) = self.active.remove(&id) else { return };
        self.radios[frame.from].ready_ns = self.now + self.phy.turnaround_ns;
        self.engines[frame.from].handle_sent(self.now);
        self.drain(frame.from);
        for node in whole {
            if frame.is_ack {
                self.engines[node].handle_ack(self.now, None, frame.sequence);
            } else if frame.to == Some(node) {
                self.counts.rx += 1;
                let (from, sequence) = (eui(frame.from), Some(frame.sequence));
                let received = self.engines[node].handle_receive(self.now, from, sequence, frame.ack_request);
                self.counts.new += u64::from(received == Received::New);
            } else {
                continue;
            }
            self.drain(node);
        }
    }

    fn looked(&mut self, node: usize, token: u64, deaf: bool) {
        let Some((_, tainted)) = self.radios[node].look.take_if(|(of, _)| *of == token) else { return };
        let busy = deaf || tainted || self.radios[node].locked.is_some() || self.heard(node, 0) >= busy_w();
        self.engines[node].handle_cca(self.now, !busy);
        self.drain(node);
    }
}

/// The energy at which a channel counts as busy: 10 dB above a sensitivity of −106.58 dBm.
fn busy_w() -> f64 {
    1e-3 * libm::pow(10.0, -9.658)
}
