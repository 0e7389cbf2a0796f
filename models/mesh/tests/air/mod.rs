//! A radio of coins: every directed link has a delivery ratio, every transmission a latency, nothing collides.
//!
//! Enough to drive [`Node`]s and to see what RPL does by itself. Unicasts are tried up to eight times; links are
//! measured by epochs as a MAC would: when a node asks, when transmissions have shown something, and every ten minutes.

// Each target of tests uses its part.
#![allow(dead_code)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::Ipv6Addr;

use taa_mesh::Eui64;
use taa_mesh::chance::Chance;
use taa_mesh::rpl::etx::{Estimate, Weight};
use taa_mesh::rpl::node::{Config, Counters, NextHop, Node, Output, Purpose};
use taa_mesh::rpl::objective::INFINITE_RANK;
use taa_mesh::rpl::wire::Mode;

pub(crate) const SECOND_NS: u64 = 1_000_000_000;
pub(crate) const MINUTE_NS: u64 = 60 * SECOND_NS;
pub(crate) const PREFIX: [u8; 8] = [0xFD, 0x12, 0x34, 0x56, 0, 0, 0, 0];

/// One hop, one attempt: about what a frame of 100 octets and its turn take at 50 kb/s.
const ATTEMPT_NS: u64 = 40_000_000;
const ATTEMPTS_MAX: u32 = 8;
const REFRESH_NS: u64 = 600 * SECOND_NS;

/// What is due.
#[derive(Clone)]
enum Event {
    Wake(usize, u64),
    Receive { to: usize, from: usize, packet: Vec<u8> },
    Measured { at: usize, peer: usize },
    Refresh(usize),
}

#[derive(Clone, Default)]
struct Link {
    estimate: Estimate,
    attempts: u32,
    acknowledged: u32,
}

/// Nodes on the air.
#[derive(Clone)]
pub(crate) struct Air {
    pub(crate) nodes: Vec<Node>,
    pub(crate) now_ns: u64,
    /// Delivery ratio from one node to another.
    ratios: Vec<BTreeMap<usize, f64>>,
    links: Vec<BTreeMap<usize, Link>>,
    index: BTreeMap<Eui64, usize>,
    off: Vec<bool>,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: BTreeMap<u64, Event>,
    next: u64,
    generation: Vec<u64>,
    chance: Chance,
    /// Packets on the air by purpose, and their octets.
    pub(crate) sent: BTreeMap<Purpose, (u64, u64)>,
    /// Every packet put on the air, once someone wants them.
    pub(crate) log: Option<Vec<Vec<u8>>>,
    /// Deliveries: who, from whom, payload.
    pub(crate) delivered: Vec<(usize, Ipv6Addr, Vec<u8>)>,
}

pub(crate) fn eui(index: usize) -> Eui64 {
    let [high, low] = u16::try_from(index).unwrap().to_be_bytes();
    Eui64([0x00, 0x0B, 0x57, 0xFF, 0xFE, 0x00, high, low])
}

pub(crate) fn global(index: usize) -> Ipv6Addr {
    eui(index).under(PREFIX)
}

/// Every packet of a mesh of nine in trouble, in both modes: it forms, carries, loses a relay and is repaired. `talk`
/// sends with everybody there, and again as the relay has gone.
pub(crate) fn packets_in_trouble(talk: impl Fn(&mut Air)) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for mode in [Mode::NonStoring, Mode::Storing] {
        let mut air = Air::new(9, 31, |_, config| config.mode = mode).grid(3, 1.0);
        air.log = Some(Vec::new());
        air.start();
        air.run(30 * MINUTE_NS);
        talk(&mut air);
        air.switch_off(1);
        air.run(SECOND_NS);
        talk(&mut air);
        air.command(0, |root, now_ns| root.repair_globally(now_ns));
        air.run(30 * MINUTE_NS);
        all.extend(air.log.unwrap());
    }
    all
}

impl Air {
    /// Node 0 is the root; `shape` changes each configuration before the start.
    pub(crate) fn new(count: usize, seed: u64, shape: impl Fn(usize, &mut Config)) -> Self {
        let seeds = Chance::new(seed);
        let nodes = (0..count).map(|index| {
            let own = seeds.fork(index as u64 + 1).word();
            let mut config =
                if index == 0 { Config::root(eui(0), own, PREFIX) } else { Config::router(eui(index), own) };
            shape(index, &mut config);
            Node::new(config)
        });
        Self {
            nodes: nodes.collect(),
            now_ns: 0,
            ratios: vec![BTreeMap::new(); count],
            links: (0..count).map(|_| BTreeMap::new()).collect(),
            index: (0..count).map(|index| (eui(index), index)).collect(),
            off: vec![false; count],
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            next: 0,
            generation: vec![0; count],
            chance: seeds.fork(0),
            sent: BTreeMap::new(),
            log: None,
            delivered: Vec::new(),
        }
    }

    /// Both directions of a link; 0 cuts it.
    pub(crate) fn link(&mut self, a: usize, b: usize, ratio: f64) {
        self.ratios[a].insert(b, ratio);
        self.ratios[b].insert(a, ratio);
    }

    /// Nodes on a line, each hearing the next.
    pub(crate) fn line(mut self) -> Self {
        for index in 1..self.nodes.len() {
            self.link(index - 1, index, 1.0);
        }
        self
    }

    /// Nodes on a square grid of `width`, the root in its middle, hearing up, down, left, right at a ratio, and their
    /// diagonals at half of it.
    pub(crate) fn grid(mut self, width: usize, ratio: f64) -> Self {
        let count = self.nodes.len();
        let middle = (count / width / 2) * width + width / 2;
        for place in 0..count {
            let (x, y) = (place % width, place / width);
            // Who stands there: the root in the middle, all others in order from there on.
            let index = (place + count - middle) % count;
            for (dx, dy, share) in [(1_isize, 0, 1.0), (0, 1, 1.0), (1, 1, 0.5), (-1, 1, 0.5)] {
                let Some(x) = x.checked_add_signed(dx).filter(|x| *x < width) else { continue };
                let peer = (y + dy) * width + x;
                if peer < count {
                    self.link(index, (peer + count - middle) % count, ratio * share);
                }
            }
        }
        self
    }

    /// Switches all nodes on.
    pub(crate) fn start(&mut self) {
        for index in 0..self.nodes.len() {
            self.switch_on(index);
        }
    }

    fn switch_on(&mut self, index: usize) {
        self.off[index] = false;
        self.nodes[index].handle_start(self.now_ns);
        let refresh_ns = self.chance.between(0, REFRESH_NS);
        self.at(self.now_ns + refresh_ns, Event::Refresh(index));
        self.drain(index);
    }

    /// Power off.
    pub(crate) fn switch_off(&mut self, index: usize) {
        self.off[index] = true;
        self.generation[index] += 1;
    }

    pub(crate) fn is_off(&self, index: usize) -> bool {
        self.off[index]
    }

    /// A node comes back with nothing but its configuration.
    pub(crate) fn restart(&mut self, index: usize, shape: impl FnOnce(&mut Config)) {
        let mut config = self.nodes[index].config().clone();
        shape(&mut config);
        self.nodes[index] = Node::new(config);
        self.links[index].clear();
        self.switch_on(index);
    }

    /// Runs for so long.
    pub(crate) fn run(&mut self, for_ns: u64) {
        let until_ns = self.now_ns + for_ns;
        while let Some(&Reverse((at_ns, id))) = self.queue.peek() {
            if at_ns > until_ns {
                break;
            }
            self.queue.pop();
            self.now_ns = at_ns;
            if let Some(event) = self.events.remove(&id) {
                self.happen(event);
            }
        }
        self.now_ns = until_ns;
    }

    /// Runs until something holds, looked at every `step_ns`; how long that took, `None` when it never did.
    pub(crate) fn run_until(&mut self, step_ns: u64, limit_ns: u64, holds: impl Fn(&Self) -> bool) -> Option<u64> {
        let start_ns = self.now_ns;
        while self.now_ns - start_ns < limit_ns {
            if holds(self) {
                return Some(self.now_ns - start_ns);
            }
            self.run(step_ns);
        }
        holds(self).then(|| self.now_ns - start_ns)
    }

    fn at(&mut self, at_ns: u64, event: Event) {
        self.events.insert(self.next, event);
        self.queue.push(Reverse((at_ns, self.next)));
        self.next += 1;
    }

    fn happen(&mut self, event: Event) {
        let now_ns = self.now_ns;
        let index = match event {
            Event::Wake(index, generation) if self.generation[index] == generation => {
                self.nodes[index].handle_timeout(now_ns);
                index
            }
            Event::Receive { to, from, packet } if !self.off[to] => {
                self.nodes[to].handle_receive(now_ns, eui(from), packet);
                to
            }
            Event::Measured { at, peer } if !self.off[at] => {
                self.measure(at, peer, 8);
                at
            }
            Event::Refresh(index) if !self.off[index] => {
                let peers: Vec<usize> = self.links[index].keys().copied().collect();
                peers.into_iter().for_each(|peer| self.measure(index, peer, 8));
                self.at(now_ns + REFRESH_NS, Event::Refresh(index));
                index
            }
            _ => return,
        };
        self.drain(index);
    }

    /// An epoch of so many attempts, both ways as an acknowledgement needs.
    fn measure(&mut self, at: usize, peer: usize, attempts: u32) {
        let ratio = self.round_trip(at, peer);
        let acknowledged = (0..attempts).map(|_| u32::from(self.chance.happens(ratio))).sum();
        self.epoch(at, peer, attempts, acknowledged);
    }

    fn round_trip(&self, a: usize, b: usize) -> f64 {
        if self.off[b] {
            return 0.0;
        }
        let ratio = |from: usize, to: usize| self.ratios[from].get(&to).copied().unwrap_or(0.0);
        ratio(a, b) * ratio(b, a)
    }

    fn epoch(&mut self, at: usize, peer: usize, attempts: u32, acknowledged: u32) {
        let fresh = || Link { estimate: Estimate::new(Weight::Ramped), ..Link::default() };
        let link = self.links[at].entry(peer).or_insert_with(fresh);
        link.estimate.handle_epoch(attempts, acknowledged);
        let etx128 = link.estimate.rounded();
        self.nodes[at].handle_link(self.now_ns, eui(peer), etx128);
    }

    fn drain(&mut self, index: usize) {
        loop {
            let output = self.nodes[index].poll_output();
            if let (Some(log), Output::Transmit { packet, .. }) = (&mut self.log, &output) {
                log.push(packet.clone());
            }
            match output {
                Output::Transmit { to: NextHop::Everyone, packet, purpose } => {
                    self.account(purpose, packet.len(), 1);
                    let peers: Vec<(usize, f64)> = self.ratios[index].iter().map(|(p, r)| (*p, *r)).collect();
                    for (to, ratio) in peers {
                        if self.chance.happens(ratio) {
                            let packet = packet.clone();
                            self.at(self.now_ns + ATTEMPT_NS, Event::Receive { to, from: index, packet });
                        }
                    }
                }
                Output::Transmit { to: NextHop::Neighbour(to), packet, purpose } => {
                    self.unicast(index, to, packet, purpose);
                }
                Output::Deliver { source, packet, payload_at, .. } => {
                    self.delivered.push((index, source, packet[payload_at..].to_vec()));
                }
                Output::External(_) => {}
                Output::Probe(peer) => {
                    if let Some(&peer) = self.index.get(&peer) {
                        let wait_ns = self.chance.between(0, 2 * SECOND_NS);
                        self.at(self.now_ns + wait_ns, Event::Measured { at: index, peer });
                    }
                }
                Output::Timeout(deadline_ns) => {
                    self.generation[index] += 1;
                    if let Some(at_ns) = deadline_ns {
                        let generation = self.generation[index];
                        self.at(at_ns.max(self.now_ns), Event::Wake(index, generation));
                    }
                    return;
                }
            }
        }
    }

    fn unicast(&mut self, from: usize, to: Eui64, packet: Vec<u8>, purpose: Purpose) {
        let Some(&to_index) = self.index.get(&to) else { return };
        let ratio = self.round_trip(from, to_index);
        let mut attempts = 0;
        let mut through = false;
        while attempts < ATTEMPTS_MAX && !through {
            attempts += 1;
            through = self.chance.happens(ratio);
        }
        self.account(purpose, packet.len(), u64::from(attempts));
        let link = self.links[from].entry(to_index).or_default();
        link.attempts += attempts;
        link.acknowledged += u32::from(through);
        if link.attempts >= 4 {
            let (attempts, acknowledged) = (link.attempts, link.acknowledged);
            (link.attempts, link.acknowledged) = (0, 0);
            self.epoch(from, to_index, attempts, acknowledged);
        }
        if through {
            let at_ns = self.now_ns + ATTEMPT_NS * u64::from(attempts);
            self.at(at_ns, Event::Receive { to: to_index, from, packet });
        } else {
            self.nodes[from].handle_undelivered(self.now_ns, to, packet);
        }
    }

    fn account(&mut self, purpose: Purpose, len: usize, attempts: u64) {
        let entry = self.sent.entry(purpose).or_default();
        entry.0 += attempts;
        entry.1 += attempts * len as u64;
    }

    /// A packet from one node to an address; false when the node has no way.
    pub(crate) fn send(&mut self, from: usize, to: Ipv6Addr, payload: &[u8]) -> bool {
        let sent = self.nodes[from].send(self.now_ns, to, taa_mesh::ip::next::UDP, payload);
        self.drain(from);
        sent
    }

    /// A command to a node.
    pub(crate) fn command(&mut self, index: usize, act: impl FnOnce(&mut Node, u64)) {
        act(&mut self.nodes[index], self.now_ns);
        self.drain(index);
    }

    /// Nodes with a Rank, the root counted.
    pub(crate) fn joined(&self) -> usize {
        self.nodes.iter().filter(|node| node.rank() != INFINITE_RANK).count()
    }

    /// Nodes whose DAO was acknowledged.
    pub(crate) fn announced(&self) -> usize {
        self.nodes.iter().filter(|node| node.is_announced()).count()
    }

    /// Nodes from which preferred parents lead to node 0 without passing a node twice.
    pub(crate) fn rooted(&self) -> usize {
        (0..self.nodes.len()).filter(|&index| self.way_up(index).is_some()).count()
    }

    /// Hops to node 0 along preferred parents over links that live; `None` in a loop or at a dead end.
    pub(crate) fn way_up(&self, index: usize) -> Option<usize> {
        let mut at = index;
        for hops in 0..=self.nodes.len() {
            if at == 0 {
                return Some(hops);
            }
            let parent = self.index[&self.nodes[at].preferred_parent()?];
            if self.round_trip(at, parent) == 0.0 {
                return None;
            }
            at = parent;
        }
        None
    }

    /// Nodes on or below a loop of preferred parents.
    pub(crate) fn looping(&self) -> usize {
        let loops = |index: &usize| {
            let mut at = *index;
            (0..=self.nodes.len()).all(|_| match self.nodes[at].preferred_parent() {
                Some(parent) => {
                    at = self.index[&parent];
                    true
                }
                None => false,
            })
        };
        (0..self.nodes.len()).filter(loops).count()
    }

    /// A counter summed over all nodes.
    pub(crate) fn total(&self, of: impl Fn(&Counters) -> u64) -> u64 {
        self.nodes.iter().map(|node| of(node.counters())).sum()
    }

    /// Packets on the air for a purpose.
    pub(crate) fn sent_of(&self, purpose: Purpose) -> u64 {
        self.sent.get(&purpose).map_or(0, |(packets, _)| *packets)
    }

    /// Sends one packet from the root to every node and one back; how many of each arrived.
    pub(crate) fn round(&mut self) -> (usize, usize) {
        let count = self.nodes.len();
        self.delivered.clear();
        for index in 1..count {
            self.send(index, global(0), &[b'u'; 40]);
            self.send(0, global(index), &[b'd'; 40]);
            self.run(SECOND_NS);
        }
        self.run(30 * SECOND_NS);
        let up = self.delivered.iter().filter(|(to, _, payload)| *to == 0 && payload[0] == b'u').count();
        let down = self.delivered.iter().filter(|(to, _, payload)| *to != 0 && payload[0] == b'd').count();
        (up, down)
    }
}
