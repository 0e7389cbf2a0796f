//! One node's MAC: queue, access to the channel, acknowledgement, retries, duplicates, link metrics.
//!
//! Sans-I/O: `handle_*` tells what happened, [`Engine::poll_output`] says what to do, ending in [`Output::Timeout`]. The
//! driver owns the radio: it answers [`Output::Look`] with [`Engine::handle_cca`] after the PHY's assessment time, and
//! [`Output::Send`] and [`Output::Acknowledge`] with [`Engine::handle_sent`] when the frame has left the air (it begins
//! one turnaround after the order). The payload `T` is the driver's: octets, or a number that stands for them.
//!
//! ```text
//! Idle ─▶ Backoff ─▶ Looking ─▶ Sending ─▶ AwaitAck ─▶ Space ─▶ Idle
//!            ▲  busy ◀──┘          │            │ none: try again, or give up
//!            └─────────────────────┴── a frame to acknowledge interrupts: Acking, then from the start
//! ```
//!
//! With hopping, a unicast waits for the end of a broadcast dwell and goes out on the receiver's channel; a broadcast
//! waits for the next dwell; a frame for everywhere (Wi-SUN's asynchronous frames) is sent once on every channel.

mod edfe;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use edfe::Exchange;
pub use edfe::{FLOW_OCTETS, Flow, STAY_MAX_NS};

use super::Eui64;
use super::channels::Channels;
use super::csma::{Access, Csma, Next};
use super::etx::{Epoch, Etx};
use super::phy::Phy;
use super::schedule::{Broadcast, Heard, Schedules, Unicast};
use crate::chance::Chance;
use crate::peers::Peers;

/// How long a sequence number of a neighbour marks a repetition. Arbitrary: longer than all retries of a frame.
const REPEAT_NS: u64 = 10_000_000_000;

/// How a node's MAC is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The PHY's times.
    pub phy: Phy,
    /// The access algorithm's constants.
    pub csma: Csma,
    /// How often a frame that was not acknowledged is sent again: 3 in the standard, 7 in an open co-processor.
    pub retries_max: u8,
    /// Once these are gone, or the channel was busy too often, so often all of them again in a later stay of the receiver
    /// on another channel, when it hops. The frames behind wait meanwhile.
    pub channel_retries: u8,
    /// The same for urgent frames, where it is more.
    pub urgent_channel_retries: u8,
    /// The longest exchange of several frames with one neighbour, nanoseconds; 0: there are none ([`Flow`]).
    pub exchange_ns: u64,
    /// How many frames may wait.
    pub queue_max: usize,
    /// Whether an acknowledgement with another sequence number fails the attempt at once (6.7.4.3): immediate
    /// acknowledgements carry no address, so a stranger's is taken for a wrong one.
    pub stranger_fails: bool,
}

/// Whom a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum To {
    /// One neighbour, on its channel.
    One(Eui64),
    /// All who follow the broadcast schedule.
    Broadcast,
    /// All who listen anywhere: once on every channel.
    Everywhere,
}

/// Which frames go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// Last gasps and power-up reports.
    Urgent,
    /// What keeps the network together: routing, keys.
    Control,
    /// Data.
    Data,
}

/// A frame to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<T> {
    /// For whom.
    pub to: To,
    /// Its octets, with header and check sequence.
    pub octets: u32,
    /// Whether the receiver acknowledges; only for [`To::One`].
    pub acknowledged: bool,
    /// Its place in the queue.
    pub priority: Priority,
    /// The driver's own.
    pub payload: T,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was sent, and acknowledged where that was asked for.
    Sent,
    /// Never acknowledged.
    NoAck,
    /// The channel was busy too often.
    ChannelBusy,
    /// Nothing is known of where the receiver listens.
    NoSchedule,
    /// The queue was full.
    Dropped,
    /// The rule of time on the air left no room for it.
    DutyCycle,
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Output<T> {
    /// Assess this channel now and tell [`Engine::handle_cca`].
    Look {
        /// The channel.
        channel: u16,
    },
    /// Turn around, send, and tell [`Engine::handle_sent`].
    Send {
        /// The channel.
        channel: u16,
        /// The sequence number of the frame.
        sequence: u8,
        /// For whom.
        to: To,
        /// Its octets.
        octets: u32,
        /// Whether the receiver acknowledges.
        acknowledged: bool,
        /// Its part in an exchange of several.
        flow: Flow,
        /// The driver's own.
        payload: T,
    },
    /// Turn around, send an acknowledgement on the channel on which the frame came, and tell [`Engine::handle_sent`].
    Acknowledge {
        /// For whom.
        to: Eui64,
        /// The number that is acknowledged.
        sequence: u8,
    },
    /// A request has ended.
    Done {
        /// The number that [`Engine::send`] gave.
        handle: u64,
        /// How.
        outcome: Outcome,
        /// How often it was on air.
        attempts: u32,
        /// For whom it was.
        to: To,
        /// The driver's own.
        payload: T,
    },
    /// Nothing more to do until then, nanoseconds; or until something happens.
    Timeout(Option<u64>),
}

/// What to make of a frame that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Take it up.
    New,
    /// A repetition whose acknowledgement was lost.
    Again,
    /// The radio was not free to hear it.
    Deaf,
}

/// What a node hops by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hopping {
    /// Its own unicast schedule.
    pub own: Unicast,
    /// The channels on which a frame for everywhere goes out: the PAN's, also while the node itself stays on one.
    pub everywhere: Channels,
    /// When its own count of slots began, nanoseconds.
    pub started_ns: u64,
    /// The PAN's broadcast schedule, once it is known.
    pub broadcast: Option<Broadcast>,
    /// Where neighbours listen, by address.
    pub heard: Schedules,
    /// How far a crystal may be off, parts per million: how long what was heard of a neighbour stays sharp.
    pub drift_ppm: u32,
}

impl Hopping {
    /// The channel on which the node listens.
    #[must_use]
    pub fn listening(&self, now_ns: u64) -> u16 {
        match &self.broadcast {
            Some(broadcast) if broadcast.is_dwell(now_ns) => broadcast.channel_at(now_ns),
            _ => self.own.channel_at(now_ns.saturating_sub(self.started_ns)),
        }
    }

    /// What was heard of a neighbour.
    #[must_use]
    pub fn heard_of(&self, neighbour: Eui64) -> Option<&Heard> {
        self.heard.get(neighbour)
    }

    /// A neighbour's frame said where it is in its schedule.
    pub fn hear(&mut self, schedule: &Unicast, at_ns: u64, ufsi: u32) {
        self.heard.hear(schedule, at_ns, ufsi);
    }

    /// Where a frame begun now goes; none when nothing is known of the receiver.
    fn channel(&self, to: To, now_ns: u64, everywhere: usize) -> Option<u16> {
        match to {
            To::One(neighbour) => self.heard_of(neighbour).map(|heard| heard.channel_at(now_ns)),
            To::Broadcast => {
                Some(self.broadcast.as_ref().map_or_else(|| self.listening(now_ns), |all| all.channel_at(now_ns)))
            }
            To::Everywhere => Some(self.everywhere.at(everywhere as u32)),
        }
    }

    /// When a frame of this length may begin.
    fn next_ns(&self, to: To, now_ns: u64, air_ns: u64) -> u64 {
        match (&self.broadcast, to) {
            (None, _) | (_, To::Everywhere) => now_ns,
            (Some(broadcast), To::One(_)) => broadcast.next_unicast_ns(now_ns, air_ns),
            (Some(broadcast), To::Broadcast) => broadcast.next_broadcast_ns(now_ns, air_ns),
        }
    }

    /// How long to hold a unicast back that would begin while the receiver may be between two channels. Nothing once
    /// what is known of it is so old that waiting does not help.
    fn hop_wait_ns(&self, to: To, start_ns: u64, lead_ns: u64) -> u64 {
        let To::One(neighbour) = to else { return 0 };
        let Some(heard) = self.heard_of(neighbour) else { return 0 };
        let guard_ns = heard.uncertainty_ns(start_ns, self.drift_ppm);
        let hopeless = guard_ns * 8 > u64::from(heard.schedule.dwell_ms) * 1_000_000;
        if hopeless || heard.is_sure(start_ns, lead_ns, self.drift_ppm) { 0 } else { 2 * guard_ns + lead_ns }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Idle,
    Backoff {
        until_ns: u64,
    },
    Looking {
        channel: u16,
    },
    Sending,
    AwaitAck {
        until_ns: u64,
    },
    Acking,
    Space {
        until_ns: u64,
    },
    /// Nothing of this priority or a lesser one goes out before.
    Held {
        until_ns: u64,
        priority: Priority,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Current<T> {
    handle: u64,
    request: Request<T>,
    sequence: u8,
    access: Access,
    tries: u8,
    channels: u8,
    on_air: u32,
    everywhere: usize,
    channel: u16,
    flow: Flow,
}

/// One node's MAC. See the module for its life. What every frame heard asks for stands first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Engine<T> {
    state: State,
    config: Config,
    hopping: Option<Hopping>,
    queue: BTreeMap<Priority, VecDeque<(u64, Request<T>)>>,
    waiting: usize,
    current: Option<Current<T>>,
    exchange: Option<Exchange>,
    sequence: u8,
    handle: u64,
    draws: Chance,
    seen: Peers<(u8, u64)>,
    links: Peers<Etx>,
    epoch: Epoch,
    out: VecDeque<Output<T>>,
}

impl<T: Clone> Engine<T> {
    /// A MAC with nothing to do. `seed` is this node's for this purpose; it also draws the first sequence number.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        let mut draws = Chance::new(seed);
        let sequence = draws.word() as u8;
        Self {
            config,
            hopping: None,
            queue: BTreeMap::new(),
            waiting: 0,
            current: None,
            exchange: None,
            state: State::Idle,
            sequence,
            handle: 0,
            draws,
            seen: Peers::default(),
            links: Peers::default(),
            epoch: Epoch::STEADY,
            out: VecDeque::new(),
        }
    }

    /// How many frames wait, the one in hand not counted.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// The frame in hand, until its end.
    #[must_use]
    pub fn in_hand(&self) -> Option<&Request<T>> {
        self.current.as_ref().map(|current| &current.request)
    }

    /// What the link to a neighbour costs; none before anything was sent to it.
    #[must_use]
    pub fn etx(&self, neighbour: Eui64) -> Option<&Etx> {
        self.links.get(neighbour)
    }

    /// Forgets what a link was measured to cost: what is sent next counts as the first.
    pub fn forget_link(&mut self, neighbour: Eui64) {
        self.links.remove(neighbour);
    }

    /// What it hops by; none on a single channel.
    #[must_use]
    pub fn hopping(&self) -> Option<&Hopping> {
        self.hopping.as_ref()
    }

    /// Begins or changes hopping.
    pub fn hopping_mut(&mut self) -> &mut Option<Hopping> {
        &mut self.hopping
    }

    /// How much evidence a link's metric needs from now on; forgets all links when `afresh`.
    pub fn set_epoch(&mut self, epoch: Epoch, afresh: bool) {
        self.epoch = epoch;
        if afresh {
            self.links.clear();
        }
    }

    /// Queues a frame and gives it a number. When the queue is full the least urgent newest frame is dropped, which may
    /// be this one.
    pub fn send(&mut self, now_ns: u64, request: Request<T>) -> u64 {
        self.handle += 1;
        let overtakes = matches!(self.state, State::Held { priority, .. } if request.priority < priority);
        self.queue.entry(request.priority).or_default().push_back((self.handle, request));
        self.waiting += 1;
        if self.waiting > self.config.queue_max
            && let Some((handle, request)) = self.queue.values_mut().rev().find_map(VecDeque::pop_back)
        {
            self.waiting -= 1;
            self.done(handle, request, Outcome::Dropped, 0);
        }
        let handle = self.handle;
        if overtakes || matches!(self.state, State::Space { until_ns } if until_ns <= now_ns) {
            self.state = State::Idle;
        }
        self.start_next(now_ns);
        handle
    }

    /// In place of [`Self::handle_cca`]: the frame must not go out now, by a rule that the driver keeps. It goes back to
    /// the head of its queue until then, and more urgent ones pass it; without a time, or as a repetition, it ends.
    pub fn handle_refused(&mut self, now_ns: u64, until_ns: Option<u64>) {
        if !matches!(self.state, State::Looking { .. }) {
            return;
        }
        let waits = |current: &mut Current<T>| current.on_air == 0 && until_ns.is_some();
        match (self.current.take_if(waits), until_ns) {
            (Some(Current { handle, request, .. }), Some(until_ns)) => {
                let priority = request.priority;
                self.queue.entry(priority).or_default().push_front((handle, request));
                self.waiting += 1;
                self.state = State::Held { until_ns, priority };
            }
            _ => self.finish(now_ns, Outcome::DutyCycle),
        }
    }

    /// Takes back the frames whose payloads are meant, without an [`Output::Done`]; one that has been on the air stays in
    /// hand until its end.
    pub fn withdraw(&mut self, now_ns: u64, mut is_meant: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for queue in self.queue.values_mut() {
            queue.retain(|(_, request)| {
                let meant = is_meant(&request.payload);
                if meant {
                    taken.push(request.payload.clone());
                }
                !meant
            });
        }
        self.waiting -= taken.len();
        let idle = matches!(self.state, State::Backoff { .. } | State::Acking);
        let fresh = |current: &mut Current<T>| idle && current.on_air == 0 && is_meant(&current.request.payload);
        if let Some(current) = self.current.take_if(fresh) {
            taken.push(current.request.payload);
            if self.state != State::Acking {
                self.state = State::Idle;
                self.start_next(now_ns);
            }
        }
        taken
    }

    /// The time that [`Output::Timeout`] named has come (or passed, or not: it is checked).
    pub fn handle_timeout(&mut self, now_ns: u64) {
        match self.state {
            State::Backoff { until_ns } if until_ns <= now_ns => self.look(now_ns),
            State::AwaitAck { until_ns } if until_ns <= now_ns => self.again(now_ns),
            State::Space { until_ns } | State::Held { until_ns, .. } if until_ns <= now_ns => {
                self.state = State::Idle;
                self.start_next(now_ns);
            }
            _ => {}
        }
    }

    /// The channel was assessed, as [`Output::Look`] asked.
    pub fn handle_cca(&mut self, now_ns: u64, clear: bool) {
        let (State::Looking { channel }, Some(current)) = (self.state, &mut self.current) else { return };
        match current.access.handle_cca(clear, &self.config.csma, &mut self.draws) {
            Next::Send => self.transmit(now_ns, channel),
            Next::Wait(units) => self.back_off(now_ns, units),
            Next::GiveUp => {
                if !self.next_stay(now_ns) {
                    self.finish(now_ns, Outcome::ChannelBusy);
                }
            }
        }
    }

    /// In place of [`Self::handle_cca`]: the radio is not free until then.
    pub fn handle_engaged(&mut self, until_ns: u64) {
        if matches!(self.state, State::Looking { .. }) {
            self.state = State::Backoff { until_ns };
        }
    }

    /// A frame or an acknowledgement of ours has left the air.
    pub fn handle_sent(&mut self, now_ns: u64) {
        match (self.state, &mut self.current) {
            (State::Sending, Some(current)) => {
                let channels = self.hopping.as_ref().map_or(1, |hopping| hopping.everywhere.as_slice().len());
                current.everywhere += usize::from(current.request.to == To::Everywhere);
                if current.request.to == To::Everywhere && current.everywhere < channels {
                    let channel =
                        self.hopping.as_ref().and_then(|h| h.channel(To::Everywhere, now_ns, current.everywhere));
                    self.transmit(now_ns, channel.unwrap_or(0));
                } else if current.request.acknowledged {
                    self.state = State::AwaitAck { until_ns: now_ns + self.config.phy.ack_wait_ns };
                } else {
                    self.finish(now_ns, Outcome::Sent);
                }
            }
            (State::Acking, Some(_)) => self.access(now_ns),
            (State::Acking, None) => {
                self.state = State::Idle;
                self.start_next(now_ns);
            }
            _ => {}
        }
    }

    /// A frame for everywhere has left the air on all its channels: for a driver that sends it as one train, channel by
    /// channel with a turnaround between, after the first [`Output::Send`].
    pub fn handle_train_sent(&mut self, now_ns: u64) {
        if self.state == State::Sending && self.current.as_ref().is_some_and(|of| of.request.to == To::Everywhere) {
            self.finish(now_ns, Outcome::Sent);
        }
    }

    /// A frame for us, or for all, was heard whole. `sequence` is none where the frame has none.
    pub fn handle_receive(&mut self, now_ns: u64, from: Eui64, sequence: Option<u8>, ack_request: bool) -> Received {
        if matches!(self.state, State::Sending | State::Acking) {
            return Received::Deaf;
        }
        let mut again = false;
        if let Some(sequence) = sequence {
            let seen = self.seen.get_or_insert_with(from, || (sequence.wrapping_sub(1), now_ns));
            let (last, at_ns) = core::mem::replace(seen, (sequence, now_ns));
            again = last == sequence && now_ns.saturating_sub(at_ns) < REPEAT_NS;
            if ack_request {
                if matches!(self.state, State::AwaitAck { .. }) {
                    self.again(now_ns);
                }
                self.state = State::Acking;
                self.out.push_back(Output::Acknowledge { to: from, sequence });
            }
        }
        if again { Received::Again } else { Received::New }
    }

    /// An acknowledgement was heard. `by` is its sender where it says (enhanced), none where it does not (immediate).
    pub fn handle_ack(&mut self, now_ns: u64, by: Option<Eui64>, sequence: u8) {
        let (State::AwaitAck { .. }, Some(current)) = (self.state, &self.current) else { return };
        let ours = by.is_none_or(|by| current.request.to == To::One(by));
        if ours && current.sequence == sequence {
            self.finish(now_ns, Outcome::Sent);
        } else if self.config.stranger_fails && by.is_none() {
            self.again(now_ns);
        }
    }

    /// Whether it waits for an acknowledgement.
    #[must_use]
    pub const fn awaits_ack(&self) -> bool {
        matches!(self.state, State::AwaitAck { .. })
    }

    /// What is to be done next; [`Output::Timeout`] when nothing is.
    pub fn poll_output(&mut self) -> Output<T> {
        self.out.pop_front().unwrap_or(Output::Timeout(match self.state {
            // Nobody waits for the end of a space before which nothing is to be sent.
            State::Space { .. } if self.waiting == 0 => None,
            State::Backoff { until_ns }
            | State::AwaitAck { until_ns }
            | State::Space { until_ns }
            | State::Held { until_ns, .. } => Some(until_ns),
            State::Idle | State::Looking { .. } | State::Sending | State::Acking => None,
        }))
    }

    fn start_next(&mut self, now_ns: u64) {
        if self.state != State::Idle || self.current.is_some() {
            return;
        }
        let Some((handle, request)) = self.queue.values_mut().find_map(VecDeque::pop_front) else { return };
        self.take_up(handle, request, 0);
        self.access(now_ns);
    }

    /// A frame that waited is the one in hand now.
    fn take_up(&mut self, handle: u64, request: Request<T>, channel: u16) {
        self.waiting -= 1;
        self.sequence = self.sequence.wrapping_add(1);
        let (access, _) = Access::begin(&self.config.csma, &mut self.draws.clone());
        let sequence = self.sequence;
        self.current = Some(Current {
            handle,
            request,
            sequence,
            access,
            tries: 0,
            channels: 0,
            on_air: 0,
            everywhere: 0,
            channel,
            flow: Flow::None,
        });
    }

    /// Begins to get the channel for the frame in hand.
    fn access(&mut self, now_ns: u64) {
        let Some(current) = &mut self.current else { return };
        let (access, units) = Access::begin(&self.config.csma, &mut self.draws);
        current.access = access;
        self.back_off(now_ns, units);
    }

    fn back_off(&mut self, now_ns: u64, units: u32) {
        self.state = State::Backoff { until_ns: now_ns + u64::from(units) * self.config.phy.backoff_ns };
    }

    /// The backoff is over: look at the channel, or wait for the time in which this frame may be sent.
    fn look(&mut self, now_ns: u64) {
        let Some(current) = &self.current else { return };
        let (to, phy) = (current.request.to, &self.config.phy);
        let ack_ns = if current.request.acknowledged { phy.ack_wait_ns } else { 0 };
        let air_ns = phy.cca_ns + phy.turnaround_ns + phy.air_ns(current.request.octets) + ack_ns;
        let mut channel = Some(0);
        if let Some(hopping) = &self.hopping {
            let next_ns = hopping.next_ns(to, now_ns, air_ns);
            if next_ns > now_ns {
                // All who waited for this instant would look at once: spread them as a first backoff does.
                let units = current.access.wait(&mut self.draws);
                let spread_ns = u64::from(units) * phy.backoff_ns;
                let fits = hopping.next_ns(to, next_ns + spread_ns, air_ns) == next_ns + spread_ns;
                self.state = State::Backoff { until_ns: if fits { next_ns + spread_ns } else { next_ns } };
                return;
            }
            // The frame begins after the look and the turnaround; the receiver must be there then, for its preamble.
            let start_ns = now_ns + phy.cca_ns + phy.turnaround_ns;
            let wait_ns = hopping.hop_wait_ns(to, start_ns, phy.header_ns);
            if wait_ns > 0 {
                self.state = State::Backoff { until_ns: now_ns + wait_ns };
                return;
            }
            channel = hopping.channel(to, start_ns, current.everywhere);
        }
        match channel {
            Some(channel) => {
                self.state = State::Looking { channel };
                self.out.push_back(Output::Look { channel });
            }
            None => self.finish(now_ns, Outcome::NoSchedule),
        }
    }

    fn transmit(&mut self, now_ns: u64, channel: u16) {
        let Some(&Request { to, acknowledged, .. }) = self.in_hand() else { return };
        let flow = self.flow(now_ns, to, acknowledged);
        let Some(current) = &mut self.current else { return };
        if current.everywhere == 0 {
            current.on_air += 1;
        }
        (current.channel, current.flow) = (channel, flow);
        let Request { to, octets, acknowledged, ref payload, .. } = current.request;
        let (sequence, payload) = (current.sequence, payload.clone());
        let octets = if flow == Flow::None { octets } else { octets + FLOW_OCTETS };
        self.state = State::Sending;
        self.out.push_back(Output::Send { channel, sequence, to, octets, acknowledged, flow, payload });
    }

    /// An attempt was not acknowledged.
    fn again(&mut self, now_ns: u64) {
        if self.repeat(now_ns) {
            return;
        }
        let Some(current) = &mut self.current else { return };
        if current.tries < self.config.retries_max {
            current.tries += 1;
            return self.access(now_ns);
        }
        if !self.next_stay(now_ns) {
            self.finish(now_ns, Outcome::NoAck);
        }
    }

    /// The frame in hand waits for its receiver's next stay, if it may still do so.
    fn next_stay(&mut self, now_ns: u64) -> bool {
        let (Some(hopping), Some(current)) = (&self.hopping, &mut self.current) else { return false };
        let To::One(neighbour) = current.request.to else { return false };
        let Config { channel_retries, urgent_channel_retries, .. } = self.config;
        let urgent = current.request.priority == Priority::Urgent;
        let most = if urgent { channel_retries.max(urgent_channel_retries) } else { channel_retries };
        let Some(heard) = hopping.heard_of(neighbour).filter(|_| current.channels < most) else { return false };
        let stay_ns = u64::from(heard.schedule.dwell_ms) * 1_000_000;
        (current.channels, current.tries) = (current.channels + 1, 0);
        self.access(now_ns + stay_ns);
        true
    }

    fn finish(&mut self, now_ns: u64, outcome: Outcome) {
        let Some(current) = self.current.take() else { return };
        if let (To::One(neighbour), true, true) = (current.request.to, current.request.acknowledged, current.on_air > 0)
        {
            let link = self.links.get_or_insert_with(neighbour, Etx::default);
            // The first answer of a neighbour counts at once: it may be wanted for a parent.
            let epoch = if link.value().is_none() { Epoch::CHOOSING } else { self.epoch };
            link.handle_request(now_ns, current.on_air, outcome == Outcome::Sent, epoch);
        }
        let space_ns = self.config.phy.space_ns(current.request.octets);
        let goes_on = current.flow == Flow::More && outcome == Outcome::Sent;
        self.done(current.handle, current.request, outcome, current.on_air);
        if goes_on && self.go_on(now_ns, current.channel) {
            return;
        }
        self.exchange = None;
        self.state = match outcome {
            Outcome::Sent => State::Space { until_ns: now_ns + space_ns },
            _ => State::Idle,
        };
        self.start_next(now_ns);
    }

    fn done(&mut self, handle: u64, request: Request<T>, outcome: Outcome, attempts: u32) {
        let Request { to, payload, .. } = request;
        self.out.push_back(Output::Done { handle, outcome, attempts, to, payload });
    }
}
