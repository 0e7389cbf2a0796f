//! A router that joins (FAN 1.1, 6.3.4.6.3.2): select a PAN, authenticate, be configured, get a route, serve.
//!
//! ```text
//! 1 Discovery ─PA─▶ 2 Authenticate ─keys─▶ 3 Configure ─PC─▶ 4 Routing ─DAO-ACK─▶ 5 Operational
//!      ▲                  │ no answer            │ no PC           │ no route          │ parent lost: 4
//!      └──────────────────┘        3 Reconnect ◀─┘  PAN timeout ───┴───────────────────┘
//!                                  (keys are stored: PAS and PCS at once; PC ─▶ 4, PA of the old PAN ─▶ 3, of another ─▶ 2)
//! ```
//!
//! Stored group keys may have ended meanwhile: a configuration sealed with later ones cannot be read, and after PCS_MAX the node
//! reconnects again, for ever. So once it has heard one in vain, a PA of the old PAN ─▶ 2: without group keys, with the pairwise
//! ones. An open stack uses stored keys once in a row, whatever it heard. Arbitrary: here silence alone does not end them.
//!
//! Sans-I/O. Getters; `handle_*` for what happened; commands [`Router::power_up`], [`Router::leave`];
//! [`Router::poll_output`] until it answers with [`Output::Timeout`]. Routing is not here: [`Output::StartRouting`] asks
//! for a parent (RPL), [`Router::handle_parent`] brings it, then an address is asked for, and [`Output::Register`] asks
//! for a DAO whose acknowledgement is [`Router::handle_registered`]. An operational router relays for those who join
//! through it.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::exchange::Exchange;
use super::ie::Pan;
use super::keys::{Hashes, PMK_NS, PTK_NS};
use super::message::{Eapol, Holds, Message, To};
use super::params::Params;
use crate::chance::Chance;
use crate::mac::Eui64;
use crate::trickle::{Fired, Trickle};

/// Where a router is in joining. The number is FAN's join state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// Off.
    Off,
    /// 1: looks for a PAN.
    Discovery,
    /// 2: authenticates.
    Authenticate,
    /// 3: has keys, waits for the configuration.
    Configure,
    /// 3: had a PAN and keys, looks for it again.
    Reconnect,
    /// 4: looks for a route.
    Routing,
    /// 5: serves.
    Operational,
}

/// What survives a power cut in a router's flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Stored {
    /// The group keys it holds.
    pub keys: Hashes,
    /// The PAN it was in.
    pub pan_id: Option<u16>,
    /// Until when its master key lives, nanoseconds.
    pub pmk_until_ns: u64,
    /// Until when its transient key lives.
    pub ptk_until_ns: u64,
}

/// When something of a router's own is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Timer {
    /// When the PANs heard are compared.
    Selection,
    /// When a key request is to be sent.
    KeyRequest,
    /// When the processor has finished with a message and answers.
    Answer,
    /// When an exchange has failed.
    Exchange,
    /// When an address is to be asked for.
    Address,
    /// When the border router was not heard for too long.
    Pan,
    /// When none of the configurations heard could be read for too long.
    Configure,
}

/// What the driver is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// Send this.
    Send(To, Message),
    /// The join state has changed.
    State(State),
    /// Look for a parent in this PAN.
    StartRouting {
        /// The PAN.
        pan_id: u16,
    },
    /// Forget routes.
    StopRouting,
    /// Nobody was found where it listens: listen on another channel.
    Listen,
    /// Announce this node at the root.
    Register,
    /// Write this to flash.
    Store(Stored),
    /// Nothing more until then, nanoseconds.
    Timeout(Option<u64>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Candidate {
    pan_id: u16,
    pan: Pan,
    rsl_dbm: i16,
}

/// One router. What a neighbour's advertisement or configuration is held against stands first, on two lines of a cache:
/// every node of a mesh hears hundreds of them an hour, and hardly anything else of it is looked at then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[repr(C, align(64))]
pub struct Router {
    state: State,
    network: u32,
    pan_id: Option<u16>,
    version: Option<u16>,
    routing_cost: u16,
    /// Of the PAN, as told by who is nearer to the border router.
    pan_size: u16,
    stored: Stored,
    discovery: [Trickle; 4],
    /// The group keys of the version, as the border router told them: passed on like this, whichever of them are held.
    told: Hashes,
    own: Eui64,
    params: Params,
    target: Option<Eui64>,
    has_address: bool,
    candidates: BTreeMap<Eui64, Candidate>,
    session: Option<(Exchange, u8)>,
    /// A configuration of the PAN could not be read with the group keys held, and none since was.
    keys_doubted: bool,
    key_requests: u8,
    key_wait_ns: u64,
    solicits: u8,
    timers: BTreeMap<Timer, u64>,
    draws: Chance,
    out: VecDeque<Output>,
}

/// Places in the array of timers of discovery.
const PA: usize = 0;
const PC: usize = 1;
const PAS: usize = 2;
const PCS: usize = 3;

impl Router {
    /// A router that is off. `network` stands for its network name, `seed` is its own for joining.
    #[must_use]
    pub fn new(own: Eui64, network: u32, params: Params, seed: u64) -> Self {
        let trickle = Trickle::new(params.discovery);
        Self {
            own,
            network,
            params,
            state: State::Off,
            stored: Stored::default(),
            told: Hashes::default(),
            pan_id: None,
            version: None,
            routing_cost: u16::MAX,
            pan_size: 0,
            target: None,
            has_address: false,
            candidates: BTreeMap::new(),
            session: None,
            keys_doubted: false,
            key_requests: 0,
            key_wait_ns: 0,
            solicits: 0,
            discovery: [trickle.clone(), trickle.clone(), trickle.clone(), trickle],
            timers: BTreeMap::new(),
            draws: Chance::new(seed),
            out: VecDeque::new(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Through whom it authenticates or authenticated.
    #[must_use]
    pub fn target(&self) -> Option<Eui64> {
        self.target
    }

    /// What is in its flash.
    #[must_use]
    pub fn stored(&self) -> Stored {
        self.stored
    }

    /// Power comes: with a PAN and keys in flash it reconnects, else it starts from nothing.
    pub fn power_up(&mut self, now_ns: u64, stored: Option<Stored>) {
        self.stored = stored.unwrap_or_default();
        if self.stored.pan_id.is_some() && self.stored.keys != Hashes::default() {
            self.reconnect(now_ns);
        } else {
            self.look(now_ns);
        }
    }

    /// Power goes: everything but the flash is lost.
    pub fn power_down(&mut self) {
        let stored = self.stored;
        let draws = self.draws.clone();
        *self = Self { stored, draws, ..Self::new(self.own, self.network, self.params, 0) };
    }

    /// A message that can only be counted, for a neighbour says what this node says itself: counts it, and there is nothing to
    /// poll. False for any other, which is left to [`Self::handle`].
    #[must_use]
    pub fn handle_consistent(&mut self, now_ns: u64, message: &Message) -> bool {
        if !matches!(self.state, State::Routing | State::Operational) {
            return false;
        }
        match *message {
            Message::Pa { network, pan_id, pan } => {
                if network == self.network {
                    self.count_advert(now_ns, pan_id, pan);
                }
                true
            }
            Message::Pc { pan_id, version, keys } => {
                let same = self.is_of(pan_id) && self.version == Some(version) && self.stored.keys == keys;
                if same && keys != Hashes::default() {
                    self.discovery[PC].handle_consistent(now_ns);
                }
                same
            }
            _ => false,
        }
    }

    /// A message arrived: from a neighbour at this level, or through the mesh.
    pub fn handle(&mut self, now_ns: u64, from: Eui64, rsl_dbm: i16, message: Message) {
        match message {
            Message::Pas { network } if network == self.network => {
                self.discovery[PAS].handle_consistent(now_ns);
                self.inconsistent(PA, now_ns);
            }
            Message::Pa { network, pan_id, pan } if network == self.network => {
                self.advert(now_ns, from, rsl_dbm, pan_id, pan);
            }
            Message::Pcs { network, pan_id } if network == self.network && self.is_of(pan_id) => {
                self.discovery[PCS].handle_consistent(now_ns);
                self.inconsistent(PC, now_ns);
            }
            Message::Pc { pan_id, version, keys } => self.config(now_ns, from, pan_id, version, keys),
            Message::Eapol(eapol) if eapol.supplicant == self.own => self.authenticate(now_ns, eapol),
            Message::Eapol(eapol) if self.state == State::Operational => {
                let up = eapol.exchange.step(eapol.step).is_some_and(|step| step.up);
                let to = if up { To::Root } else { To::Neighbour(eapol.supplicant) };
                self.out.push_back(Output::Send(to, message));
            }
            Message::AddressReply { client } if client == self.own && self.timers.remove(&Timer::Address).is_some() => {
                self.has_address = true;
                self.handle_root_heard(now_ns);
                self.out.push_back(Output::Register);
            }
            _ => {}
        }
    }

    /// Routing has found a parent, with this path cost in 1/128 transmissions.
    pub fn handle_parent(&mut self, now_ns: u64, routing_cost: u16) {
        self.routing_cost = routing_cost;
        if self.state != State::Routing {
            return;
        }
        if self.has_address {
            self.out.push_back(Output::Register);
        } else if !self.timers.contains_key(&Timer::Address) {
            let wait = self.draws.between(0, self.params.address_delay_max_ns);
            self.timers.insert(Timer::Address, now_ns + wait);
        }
    }

    /// The root has acknowledged the route.
    pub fn handle_registered(&mut self, now_ns: u64) {
        self.handle_root_heard(now_ns);
        if self.state == State::Routing {
            self.enter(State::Operational);
            self.start(PA, now_ns);
            self.start(PC, now_ns);
        }
    }

    /// Routing has lost its last parent.
    pub fn handle_parent_lost(&mut self, _now_ns: u64) {
        self.routing_cost = u16::MAX;
        if self.state == State::Operational {
            self.quiet();
            self.enter(State::Routing);
        }
    }

    /// Something of the border router's was heard.
    pub fn handle_root_heard(&mut self, now_ns: u64) {
        if matches!(self.state, State::Routing | State::Operational) {
            self.timers.insert(Timer::Pan, now_ns + self.params.pan_timeout_ns);
        }
    }

    /// A time that [`Output::Timeout`] named has come.
    pub fn handle_timeout(&mut self, now_ns: u64) {
        for at in [PAS, PA, PCS, PC] {
            while self.discovery[at].deadline_ns().is_some_and(|due| due <= now_ns) {
                let began = self.discovery[at].interval_start_ns();
                let chance = self.draws.word();
                let fired = self.discovery[at].handle_timeout(now_ns, chance);
                let over = self.discovery[at].interval_start_ns() != began;
                // The end of an interval means something to solicitations alone.
                if at != PAS {
                    self.discovery[at].look_ahead(chance);
                }
                if at == PAS && over && self.state != State::Authenticate {
                    let wait = self.params.discovery.interval_min_ns;
                    self.timers.insert(Timer::Selection, now_ns + wait);
                }
                if fired == Fired::Transmit {
                    self.fire(now_ns, at);
                }
            }
        }
        while let Some((&timer, _)) = self.timers.iter().find(|(_, due)| **due <= now_ns) {
            self.timers.remove(&timer);
            match timer {
                Timer::Selection => self.select(now_ns),
                Timer::KeyRequest => self.request_keys(now_ns),
                Timer::Answer => self.answer(now_ns),
                Timer::Exchange => self.session = None,
                Timer::Address => self.request_address(now_ns),
                Timer::Pan | Timer::Configure => self.reconnect(now_ns),
            }
        }
    }

    /// Whether [`Self::poll_output`] has nothing but the next [`Output::Timeout`].
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.out.is_empty()
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Output {
        self.out.pop_front().unwrap_or_else(|| {
            let own = self.timers.values().copied();
            Output::Timeout(own.chain(self.discovery.iter().filter_map(Trickle::deadline_ns)).min())
        })
    }

    fn is_of(&self, pan_id: u16) -> bool {
        self.pan_id == Some(pan_id)
    }

    fn start(&mut self, at: usize, now_ns: u64) {
        self.params.start(&mut self.discovery[at], now_ns, &mut self.draws);
    }

    fn inconsistent(&mut self, at: usize, now_ns: u64) {
        let chance = self.draws.word();
        self.discovery[at].handle_inconsistent(now_ns, chance);
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.out.push_back(Output::State(state));
    }

    fn quiet(&mut self) {
        self.discovery.iter_mut().for_each(Trickle::stop);
    }

    fn restart(&mut self, state: State) {
        if self.state >= State::Routing {
            self.out.push_back(Output::StopRouting);
        }
        self.quiet();
        self.timers.clear();
        self.candidates.clear();
        (self.session, self.target, self.pan_id, self.version) = (None, None, None, None);
        (self.has_address, self.routing_cost, self.solicits, self.key_requests) = (false, u16::MAX, 0, 0);
        self.enter(state);
    }

    fn look(&mut self, now_ns: u64) {
        self.restart(State::Discovery);
        self.start(PAS, now_ns);
    }

    fn discover(&mut self, now_ns: u64) {
        self.stored = Stored { pmk_until_ns: self.stored.pmk_until_ns, ..Stored::default() };
        self.look(now_ns);
    }

    fn reconnect(&mut self, now_ns: u64) {
        let Some(pan_id) = self.stored.pan_id else { return self.discover(now_ns) };
        self.restart(State::Reconnect);
        self.start(PAS, now_ns);
        self.start(PCS, now_ns);
        self.out.push_back(Output::Send(To::Everywhere, Message::Pas { network: self.network }));
        self.out.push_back(Output::Send(To::Everywhere, Message::Pcs { network: self.network, pan_id }));
    }

    fn fire(&mut self, now_ns: u64, at: usize) {
        let network = self.network;
        let pan_id = self.pan_id.or(self.stored.pan_id);
        let message = match (at, pan_id, self.version) {
            (PAS, ..) => Message::Pas { network },
            (PA, Some(pan_id), _) => {
                let pan = Pan { size: self.pan_size, routing_cost: self.routing_cost, flags: 0x43 };
                Message::Pa { network, pan_id, pan }
            }
            (PCS, Some(pan_id), _) => {
                self.solicits = self.solicits.saturating_add(1);
                if self.state == State::Configure && self.solicits > self.params.pcs_max {
                    return self.reconnect(now_ns);
                }
                Message::Pcs { network, pan_id }
            }
            (PC, Some(pan_id), Some(version)) => Message::Pc { pan_id, version, keys: self.told },
            _ => return,
        };
        self.out.push_back(Output::Send(To::Everywhere, message));
    }

    fn count_advert(&mut self, now_ns: u64, pan_id: u16, pan: Pan) {
        if self.is_of(pan_id) && pan.routing_cost != u16::MAX && pan.routing_cost >= self.routing_cost {
            self.discovery[PA].handle_consistent(now_ns);
        }
        if self.is_of(pan_id) && pan.routing_cost < self.routing_cost {
            self.pan_size = pan.size;
        }
    }

    fn advert(&mut self, now_ns: u64, from: Eui64, rsl_dbm: i16, pan_id: u16, pan: Pan) {
        self.count_advert(now_ns, pan_id, pan);
        let strong = rsl_dbm >= self.params.sensitivity_dbm.saturating_add(self.params.candidate_margin_db);
        if matches!(self.state, State::Discovery | State::Reconnect) && pan.routing_cost != u16::MAX && strong {
            self.candidates.insert(from, Candidate { pan_id, pan, rsl_dbm });
        }
    }

    /// PAN cost (6.3.4.6.3.2.1): routing cost / 256 weighs as much as size / 64; a tie goes to the stronger signal.
    /// Arbitrary: weak signals only where there is none else, for a certificate over a bad link costs minutes.
    fn select(&mut self, now_ns: u64) {
        if !matches!(self.state, State::Discovery | State::Reconnect) {
            return;
        }
        let cost = |of: &Candidate| 256 * u32::from(of.pan.routing_cost) + 64 * u32::from(of.pan.size);
        let strong_dbm = self.params.sensitivity_dbm.saturating_add(self.params.preferred_margin_db);
        let best = self.candidates.iter().min_by_key(|(_, of)| (of.rsl_dbm < strong_dbm, cost(of), -of.rsl_dbm));
        let Some((&target, &candidate)) = best else {
            // As open stacks do. They also look again sooner, by themselves: recorded routers joined later than that.
            self.out.push_back(Output::Listen);
            return;
        };
        self.quiet();
        self.candidates.clear();
        (self.target, self.pan_id) = (Some(target), Some(candidate.pan_id));
        let known = self.state == State::Reconnect && self.stored.pan_id == self.pan_id;
        if known && !self.keys_doubted {
            self.configure(now_ns);
        } else {
            if known {
                self.stored.keys = Hashes::default();
                self.out.push_back(Output::Store(self.stored));
            }
            self.enter(State::Authenticate);
            self.key_requests = 0;
            let wait = self.draws.between(0, self.params.key_delay_max_ns);
            self.timers.insert(Timer::KeyRequest, now_ns + wait);
        }
    }

    fn request_keys(&mut self, now_ns: u64) {
        let Some(target) = self.target else { return };
        if self.key_requests > self.params.key_retries_max {
            if self.state == State::Authenticate {
                self.discover(now_ns);
            }
            return;
        }
        let doubled = self.key_wait_ns.saturating_mul(2).min(self.params.key_retry_max_ns);
        self.key_wait_ns = if self.key_requests == 0 { self.params.key_retry_ns } else { doubled };
        self.key_requests += 1;
        let tenth = self.key_wait_ns / 10;
        let wait = self.key_wait_ns - tenth + self.draws.between(0, 2 * tenth);
        self.timers.insert(Timer::KeyRequest, now_ns + wait);
        let holds = Holds { pmk: self.stored.pmk_until_ns > now_ns, ptk: self.stored.ptk_until_ns > now_ns };
        // Which exchange it becomes is the authenticator's answer.
        let exchange = Exchange::Full;
        self.session = None;
        let eapol = Eapol { supplicant: self.own, exchange, step: 0, holds, granted: None };
        let to = if self.state == State::Operational { To::Root } else { To::Neighbour(target) };
        self.out.push_back(Output::Send(to, Message::Eapol(eapol)));
    }

    /// A message of an exchange came down: the next one of ours goes up, after the processor has worked on it.
    fn authenticate(&mut self, now_ns: u64, eapol: Eapol) {
        let expected = match self.session {
            Some((exchange, next)) if exchange == eapol.exchange => next,
            _ => 1,
        };
        let Some(step) = eapol.exchange.step(eapol.step).filter(|step| !step.up) else { return };
        // A lost message that asked for no answer does not matter; one of ours that is missing does.
        if (expected..eapol.step).any(|missed| eapol.exchange.step(missed).is_some_and(|step| step.up)) {
            return;
        }
        if eapol.step == eapol.exchange.grant()
            && let Some(keys) = eapol.granted
        {
            self.granted(now_ns, eapol.exchange, keys);
        }
        let next = eapol.step + 1;
        self.timers.insert(Timer::Exchange, now_ns + self.params.exchange_timeout_ns);
        self.session = Some((eapol.exchange, next));
        if eapol.exchange.step(next).is_some_and(|step| step.up) {
            let work = if step.octets > 500 { self.params.crypto_ns } else { 0 };
            self.timers.insert(Timer::Answer, now_ns + work);
        }
    }

    fn answer(&mut self, now_ns: u64) {
        let (Some((exchange, step)), Some(target)) = (self.session, self.target) else { return };
        let eapol = Eapol { supplicant: self.own, exchange, step, holds: Holds::default(), granted: None };
        let to = if self.state == State::Operational { To::Root } else { To::Neighbour(target) };
        self.out.push_back(Output::Send(to, Message::Eapol(eapol)));
        self.session = Some((exchange, step + 1));
        if self.state == State::Authenticate && step > exchange.grant() {
            self.configure(now_ns);
        }
    }

    fn granted(&mut self, now_ns: u64, exchange: Exchange, keys: Hashes) {
        self.stored.keys = keys;
        self.stored.pan_id = self.pan_id;
        if exchange == Exchange::Full {
            self.stored.pmk_until_ns = now_ns + PMK_NS;
        }
        if exchange != Exchange::Group {
            self.stored.ptk_until_ns = now_ns + PTK_NS;
        }
        self.timers.remove(&Timer::KeyRequest);
        (self.key_requests, self.keys_doubted) = (0, false);
        self.out.push_back(Output::Store(self.stored));
    }

    fn configure(&mut self, now_ns: u64) {
        self.timers.remove(&Timer::KeyRequest);
        self.enter(State::Configure);
        (self.version, self.solicits) = (None, 0);
        self.start(PCS, now_ns);
    }

    /// A PAN configuration: only who holds one of its keys can read it.
    fn config(&mut self, now_ns: u64, from: Eui64, pan_id: u16, version: u16, keys: Hashes) {
        let ours = self.pan_id.or(self.stored.pan_id) == Some(pan_id);
        if !ours {
            return;
        }
        if !keys.shares(&self.stored.keys) {
            if self.state == State::Configure {
                self.keys_doubted = true;
                let until_ns = now_ns + self.params.configure_max_ns();
                self.timers.entry(Timer::Configure).or_insert(until_ns);
            }
            return;
        }
        let newer = self.version.is_none_or(|own| version.wrapping_sub(own) as i16 > 0);
        match self.state {
            State::Configure | State::Reconnect => {
                self.quiet();
                self.keys_doubted = false;
                (self.pan_id, self.version, self.told) = (Some(pan_id), Some(version), keys);
                self.target = self.target.or(Some(from));
                self.timers.remove(&Timer::Selection);
                self.timers.remove(&Timer::Configure);
                self.candidates.clear();
                self.enter(State::Routing);
                self.handle_root_heard(now_ns);
                self.out.push_back(Output::StartRouting { pan_id });
            }
            State::Routing | State::Operational => {
                if self.version == Some(version) {
                    self.discovery[PC].handle_consistent(now_ns);
                } else {
                    self.inconsistent(PC, now_ns);
                }
                if newer {
                    (self.version, self.told) = (Some(version), keys);
                    self.handle_root_heard(now_ns);
                }
            }
            _ => return,
        }
        // What was said before the latest version is no news of keys: it would take away those that are new.
        if self.version != Some(version) {
            return;
        }
        if keys.exceeds(&self.stored.keys) && !self.timers.contains_key(&Timer::KeyRequest) {
            // A new round, whatever became of the last one: an open stack sets no bound to these requests.
            self.key_requests = 0;
            let wait = self.draws.between(0, self.params.mismatch_max_ns);
            self.timers.insert(Timer::KeyRequest, now_ns + wait);
        } else if newer && !keys.exceeds(&self.stored.keys) && keys != self.stored.keys {
            self.stored.keys = keys;
            self.out.push_back(Output::Store(self.stored));
        }
    }

    fn request_address(&mut self, now_ns: u64) {
        self.timers.insert(Timer::Address, now_ns + self.params.address_retry_ns);
        self.out.push_back(Output::Send(To::Root, Message::AddressRequest { client: self.own }));
    }
}
