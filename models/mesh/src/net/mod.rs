//! The whole mesh, frame by frame: nodes with all their machines on one medium.
//!
//! ```text
//!  send ─▶ UDP ─▶ rpl ─▶ lowpan ─▶ mac ─▶ medium ─▶ mac ─▶ lowpan ─▶ rpl ─▶ … ─▶ Event::Delivered
//!                  ▲  joining (wisun) opens routing, routing tells joining of parents and routes
//! ```
//!
//! Node 0 is the border router. Inputs: [`Network::send`], [`Network::multicast`], [`Network::power`], [`Network::fade`],
//! [`Network::gasp`], [`Network::link_loss`], [`Network::interfere`], [`Network::add_source`], [`Network::repair`]. Time:
//! [`Network::next_at`], [`Network::step`]. Outputs: [`Network::poll_event`] until it answers none; drain before the next
//! input, or events queue up.
//!
//! The run is the seed's: events are ordered by time and node, and each chance is a hash of the seed, the node or link,
//! the purpose and the occasion. [`Network::digest_now`] sums up every frame, delivery and join state.
//!
//! | file | one idea |
//! |---|---|
//! | `config` | settings |
//! | `links` | path losses as sparse lists, packet success as a table |
//! | `medium` | who is tuned, what overlaps, who reads |
//! | `node` | a node's machines |
//! | `probing` | whose link is measured next |
//! | `stack` | the joints between them |
//! | `cut` | packets in fragments |
//! | `multicast` | one message for all |
//! | `exchange` | several frames in a row for one neighbour |
//! | `gasp` | a node whose supply is gone, and what it still says |
//! | `duty` | time on the air that a regulator leaves |
//! | `queue` | what is due |
//! | `event` | what comes out |
//! | `occupied` | time on the air by channel and node |
//! | `others` | who else is in the band |
//! | `capture` | frames as octets |

mod capture;
mod config;
mod cut;
mod duty;
mod event;
mod exchange;
mod gasp;
mod links;
mod medium;
mod multicast;
mod node;
mod occupied;
mod others;
mod probing;
mod queue;
mod stack;

use std::collections::{BTreeMap, VecDeque};

pub use capture::{capture_key, capture_option};
pub use config::Config;
pub use duty::{Band, Duty, Used};
pub use event::{Event, Frame, Isolation, Octets, Totals, Use, Why};
pub use links::{Link, Success};
pub use node::{eui, number};
pub use others::Source;
pub use stack::{AROUND_ALL, AROUND_ONE, PROBE_OCTETS};

use duty::Kept;
use exchange::Stay;
use links::{Links, milliwatts};
use medium::Air;
use node::{Everyones, NONE, Node, Radio};
use occupied::Occupied;
use others::Others;
use queue::{Due, Queue};
use stack::{Cargo, Load};

use crate::mac::engine::Priority;
use crate::wisun::join::State;
use crate::wisun::message::Message;

/// What is known of a node from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its join state.
    pub state: State,
    /// Its preferred parent.
    pub parent: Option<u32>,
    /// Its Rank.
    pub rank: u16,
    /// Whether the root has acknowledged a route to it.
    pub announced: bool,
}

/// A network. See the module for how it is driven.
#[derive(Debug, Clone)]
pub struct Network {
    config: Config,
    links: Links,
    nodes: Vec<Node>,
    radios: Vec<Radio>,
    others: Others,
    noise_mw: f32,
    busy_mw: f32,
    air: Air,
    everyones: Everyones,
    /// The place of each channel in a train.
    parts: Vec<u16>,
    queue: Queue,
    now_ns: u64,
    cargoes: Vec<Cargo>,
    free_cargoes: Vec<u32>,
    letters: Vec<(u32, Message)>,
    letter: u32,
    events: VecDeque<Event>,
    octets: VecDeque<Octets>,
    totals: Totals,
    occupied: Occupied,
    duty: Option<Box<Kept>>,
    /// Who stays on a channel to answer.
    stays: BTreeMap<u32, Stay>,
    /// Next frame counters, in a capture.
    counters: BTreeMap<u32, u32>,
    digest: u64,
    messages: u64,
    scratch: Vec<u8>,
    datagram: Vec<u8>,
    pool: Vec<Vec<u8>>,
}

impl Network {
    /// So many nodes, all off, and who hears whom.
    #[must_use]
    pub fn new(config: Config, nodes: u32, links: &[Link]) -> Self {
        let nodes = nodes.min(1 << 23);
        Self {
            links: Links::new(nodes as usize, links, &config),
            nodes: (0..nodes).map(|of| Node::new(&config, of)).collect(),
            radios: vec![Radio::OFF; nodes as usize],
            others: Others::default(),
            noise_mw: milliwatts(config.noise_dbm),
            busy_mw: milliwatts(config.busy_dbm),
            air: Air::default(),
            everyones: Everyones::new(&config),
            parts: config.channels.places(),
            queue: Queue::default(),
            now_ns: 0,
            cargoes: Vec::new(),
            free_cargoes: Vec::new(),
            letters: Vec::new(),
            letter: 0,
            events: VecDeque::new(),
            octets: VecDeque::new(),
            totals: Totals::default(),
            occupied: Occupied::new(nodes as usize),
            duty: config.duty.clone().map(|duty| Box::new(Kept::new(duty, nodes as usize, config.channels.as_slice()))),
            stays: BTreeMap::new(),
            counters: BTreeMap::new(),
            digest: config.seed,
            messages: 0,
            scratch: Vec::new(),
            datagram: Vec::new(),
            pool: Vec::new(),
            config,
        }
    }

    /// Its settings.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Now, nanoseconds.
    #[must_use]
    pub const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// When something is next due; none when all is off.
    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        self.queue.next_ns()
    }

    /// What was counted.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Time on the air of each channel of the plan, nanoseconds: its number, and all frames together.
    #[must_use]
    pub fn airtime_by_channel(&self) -> Vec<(u16, u64)> {
        self.occupied.by_channel(self.config.channels.as_slice())
    }

    /// Time on the air of each node, nanoseconds; on several channels at once each counts.
    #[must_use]
    pub fn airtime_by_node(&self) -> &[u64] {
        &self.occupied.by_node
    }

    /// A sum of everything that happened on the air, of deliveries and join states.
    #[must_use]
    pub const fn digest_now(&self) -> u64 {
        self.digest
    }

    /// Where a node stands; none when there is no such node.
    #[must_use]
    pub fn standing(&self, node: u32) -> Option<Standing> {
        let own = self.nodes.get(node as usize)?;
        let parent = (own.parent != NONE).then_some(own.parent);
        Some(Standing { state: own.state, parent, rank: own.rpl.rank(), announced: own.rpl.is_announced() })
    }

    /// Hops from a node to the root along preferred parents; none where they end or loop.
    #[must_use]
    pub fn hops(&self, node: u32) -> Option<u32> {
        let mut at = node;
        for hops in 0..self.nodes.len() as u32 {
            if at == 0 {
                return Some(hops);
            }
            at = self.nodes.get(at as usize).map(|own| own.parent).filter(|&parent| parent != NONE)?;
        }
        None
    }

    /// Whether the preferred parents above a node come back to one of them.
    #[must_use]
    pub fn loops(&self, node: u32) -> bool {
        let mut at = node;
        for _ in 0..=self.nodes.len() {
            match self.nodes.get(at as usize) {
                Some(own) if at != 0 && own.parent != NONE => at = own.parent,
                _ => return false,
            }
        }
        true
    }

    /// Nodes to which the root knows a way.
    #[must_use]
    pub fn routes(&self) -> usize {
        self.nodes.first().map_or(0, |root| root.rpl.routes())
    }

    /// What routing counted at a node.
    #[must_use]
    pub fn routing(&self, node: u32) -> Option<&crate::rpl::node::Counters> {
        self.nodes.get(node as usize).map(|own| own.rpl.counters())
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next frame of a capture, in order of their ends; only with `Config::capture`.
    pub fn poll_octets(&mut self) -> Option<Octets> {
        self.octets.pop_front()
    }

    /// Whether [`Self::poll_event`] has something.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// How strong one node is heard at another, dBm; nothing where it is lost in the noise.
    #[must_use]
    pub fn heard_dbm(&self, from: u32, to: u32) -> Option<f32> {
        self.links.between(from, to).map(|ear| ear.dbm)
    }

    /// Raises the noise at a node on all channels by so much, dB; 0 ends it.
    pub fn raise_noise(&mut self, node: u32, rise_db: f32) {
        let dbm = self.config.noise_dbm + links::decibels(libm::powf(10.0, rise_db / 10.0) - 1.0);
        self.interfere(node, 0..=u16::MAX, (rise_db > 0.0).then_some(dbm));
    }

    /// A delivered payload that is not needed any more; its octets serve the next packet.
    pub fn take_back(&mut self, payload: Vec<u8>) {
        self.recycle(payload);
    }

    /// Sends a message from one node to another as a UDP datagram; one of the two is usually the root. Returns its
    /// number, with which [`Event::Delivered`] or [`Event::Dropped`] come: neither when a relay lost power with it.
    pub fn send(&mut self, node: u32, to: u32, payload: &[u8], priority: Priority) -> u64 {
        self.messages += 1;
        self.totals.messages[0] += 1;
        let id = self.messages;
        let tag = Self::tag(id, priority);
        let Some(own) = self.nodes.get(node as usize) else {
            self.drop_message(node, tag, Why::Refused);
            return id;
        };
        let fits = payload.len() <= 1_200 && (to as usize) < self.nodes.len() && to != node;
        let radio = self.radios[node as usize];
        if !radio.on || radio.fading {
            self.drop_message(node, tag, Why::PowerOff);
        } else if !fits {
            self.drop_message(node, tag, Why::Refused);
        } else if !own.routing || !self.post_data(node, to, payload, tag) {
            let why = if node == 0 { Why::NoRoute } else { Why::NoParent };
            self.drop_message(node, tag, why);
        }
        if radio.on && !radio.fading {
            self.settle(node);
        }
        id
    }

    /// Switches a node on or off. Off, it forgets everything but what is in its flash (keys, PAN). One that fades starts anew.
    pub fn power(&mut self, node: u32, on: bool) {
        let at = node as usize;
        let Some(radio) = self.radios.get(at) else { return };
        if radio.fading && on {
            self.power(node, false);
        } else if radio.on == on {
            return;
        }
        self.radios[at] = Radio { on, since_ns: self.now_ns, ..Radio::OFF };
        if on {
            self.nodes[at].power_up(&self.config, node, self.now_ns);
            self.tune(node);
            self.nodes[at].touched = node::Touched { rpl: true, join: true };
            let first_ns = self.now_ns + self.config.refresh_ns / 64 * u64::from(node % 64);
            self.queue.push(first_ns, node, Due::Refresh(self.nodes[at].life));
            self.settle(node);
            return;
        }
        self.forget_reads(node);
        let served = self.nodes[at].state == State::Operational;
        self.nodes[at].power_down(&self.config);
        self.gone(node, served);
        self.digest(self.now_ns, u64::from(node) << 8 | 0xFF);
    }

    /// A node has lost its supply: what it has in hand is lost, and the others are told.
    fn gone(&mut self, node: u32, served: bool) {
        for place in 0..self.cargoes.len() {
            let cargo = &mut self.cargoes[place];
            if cargo.owner == node && !matches!(cargo.load, Load::Free) {
                let (tag, load) = (cargo.tag, core::mem::replace(&mut cargo.load, Load::Free));
                self.free_cargoes.push(place as u32);
                // Of a packet in fragments only the last carries it.
                if matches!(load, Load::Packet { packet, .. } if !packet.is_empty()) {
                    self.drop_message(node, tag, Why::PowerOff);
                }
            }
        }
        self.events.push_back(Event::State { node, state: State::Off });
        if served {
            self.events.push_back(Event::Isolated { node, why: Isolation::PowerOff });
        }
    }

    /// Changes the loss of one direction.
    pub fn link_loss(&mut self, link: Link) {
        self.links.set(link);
    }

    /// The root makes a new DODAG version (global repair).
    pub fn repair(&mut self) {
        if let Some(root) = self.nodes.first_mut().filter(|root| root.routing) {
            root.touched.rpl = true;
            root.rpl.repair_globally(self.now_ns);
            self.settle(0);
        }
    }

    /// Runs until a time, which may be the next event's.
    pub fn step(&mut self, until_ns: u64) {
        while self.queue.next_ns().is_some_and(|due_ns| due_ns <= until_ns) {
            let Some((at_ns, node, due)) = self.queue.pop() else { break };
            self.now_ns = at_ns;
            self.totals.steps += 1;
            self.happen(node, due);
        }
        self.now_ns = self.now_ns.max(until_ns);
    }

    fn happen(&mut self, node: u32, due: Due) {
        let at = node as usize;
        match due {
            Due::End(place) => self.end(place),
            Due::Mac => {
                if self.woken(at, 0) {
                    self.nodes[at].mac.handle_timeout(self.now_ns);
                    self.settle_mac(node);
                }
            }
            Due::Join => {
                if self.woken(at, 1) {
                    self.nodes[at].join.handle_timeout(self.now_ns);
                    self.settle_join(node);
                }
            }
            Due::Rpl => {
                if self.woken(at, 2) && self.nodes[at].routing {
                    self.tell_heard(node);
                    self.nodes[at].touched.rpl = true;
                    self.nodes[at].rpl.handle_timeout(self.now_ns);
                    self.settle(node);
                }
            }
            Due::Mpl => {
                if self.woken(at, 3) {
                    self.wake_mpl(node);
                }
            }
            Due::Probe(life) => self.seek_now(node, life),
            Due::Refresh(life) => self.refresh(node, life),
        }
    }

    /// Routing is about to forget who is silent: it is told who is not.
    fn tell_heard(&mut self, node: u32) {
        let own = &mut self.nodes[node as usize];
        let Some(hopping) = own.mac.hopping() else { return };
        let silent: Vec<_> = own.rpl.about_to_forget(self.now_ns).collect();
        for peer in silent {
            let learned_ns = hopping.heard_of(peer).map_or(0, |heard| heard.at_ns);
            let noted_ns = self.links.read_at(number(peer), node);
            own.rpl.handle_heard(peer, learned_ns.max(noted_ns));
        }
    }

    fn woken(&mut self, at: usize, which: usize) -> bool {
        let wake = &mut self.nodes[at].wakes[which];
        let due = *wake == self.now_ns;
        if due {
            *wake = u64::MAX;
        }
        due
    }

    /// Links to parents that were not used for long are measured again.
    fn refresh(&mut self, node: u32, life: u8) {
        let own = &self.nodes[node as usize];
        if own.life != life {
            return;
        }
        self.queue.push(self.now_ns + self.config.refresh_ns, node, Due::Refresh(life));
        let size = own.rpl.routes();
        if let node::Join::Border(border) = &mut self.nodes[node as usize].join {
            border.set_size(u16::try_from(size).unwrap_or(u16::MAX));
            self.nodes[node as usize].touched.join = true;
        } else {
            self.seek(node);
        }
        for index in 0..self.nodes[node as usize].rpl.parents().len() {
            let own = &self.nodes[node as usize];
            let Some(&parent) = own.rpl.parents().get(index) else { break };
            if own.routing && own.mac.etx(parent).is_none_or(|etx| etx.is_old(self.now_ns)) {
                self.probe(node, number(parent), Load::Probe);
            }
        }
        self.settle_mac(node);
    }

    fn digest(&mut self, a: u64, b: u64) {
        self.digest = (self.digest.rotate_left(5) ^ a).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b;
    }
}
