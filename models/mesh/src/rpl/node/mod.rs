//! The node: RPL as a state machine without sockets, threads or clocks.
//!
//! Methods come in four kinds. Getters ([`Node::rank`], [`Node::preferred_parent`], …); `handle_*` for what happened
//! (a packet, a link measured, a packet not delivered, time); commands ([`Node::send`], [`Node::repair_globally`], …);
//! [`Node::poll_output`] for what comes out. Mutate once, drain to [`Output::Timeout`], mutate again.
//!
//! Packets are whole IPv6 packets; the layer below packs them ([`crate::lowpan`]), carries them and reports back: how
//! good a link is ([`Node::handle_link`]) and what could not be delivered ([`Node::handle_undelivered`]). A neighbour
//! without a measured link is never a parent: the node asks for the measurement once ([`Output::Probe`], in Wi-SUN a
//! neighbour solicitation) and waits. A forwarded packet is changed in place and passed on, without a copy.

mod config;
mod dao;
mod dio;
mod forward;
mod neighbours;
mod parents;
mod route_in;
mod sources;
mod table;
mod timers;

use core::net::Ipv6Addr;
use std::collections::VecDeque;

pub use config::{Config, Pinned, Role, Root};
use dao::Announcing;
use neighbours::Neighbours;
use sources::{Question, Sources};
use table::Table;
use timers::{Timer, Timers};

use crate::Eui64;
use crate::chance::Chance;
use crate::rpl::lollipop;
use crate::rpl::objective::{Candidate, INFINITE_RANK};
use crate::rpl::wire::{DodagConfig, Mode, PrefixInformation};
use crate::trickle::{Fired, Parameters, Trickle};

/// To whom a packet goes on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// One neighbour.
    Neighbour(Eui64),
    /// All in reach.
    Everyone,
}

/// Who sent what is heard, and how well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Its address.
    pub eui: Eui64,
    /// ETX × 128 that its signal makes one expect of the link: by that a neighbour is judged until its link is measured.
    pub expected_etx128: u16,
}

/// A neighbour of whose signal nothing is known: a perfect link.
impl From<Eui64> for Sender {
    fn from(eui: Eui64) -> Self {
        Self { eui, expected_etx128: 128 }
    }
}

/// What a packet is for, so that airtime can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Asking for a DODAG.
    Dis,
    /// Advertising one.
    Dio,
    /// Telling routes.
    Dao,
    /// Acknowledging them.
    DaoAck,
    /// An ICMPv6 error.
    Error,
    /// Anything of the layers above, own or forwarded, control messages of others included.
    Data,
}

/// What comes out of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this packet.
    Transmit {
        /// To whom.
        to: NextHop,
        /// The IPv6 packet.
        packet: Vec<u8>,
        /// What for.
        purpose: Purpose,
    },
    /// A packet for this node.
    Deliver {
        /// From whom.
        source: Ipv6Addr,
        /// Number of the upper layer.
        next_header: u8,
        /// The packet, without outer ones.
        packet: Vec<u8>,
        /// Where the upper layer starts in it.
        payload_at: usize,
    },
    /// At the root: a packet for a destination outside the mesh.
    External(Vec<u8>),
    /// Measure the link to this neighbour, then call [`Node::handle_link`].
    Probe(Eui64),
    /// Nothing more until then, in nanoseconds; `None` is never.
    Timeout(Option<u64>),
}

/// What a node counted. Every dropped packet is in exactly one of the `dropped_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Changes of the preferred parent, the first choice counted.
    pub parent_changes: u64,
    /// Times the last parent was lost.
    pub detached: u64,
    /// Times a newer version was joined.
    pub versions_joined: u64,
    /// DIOs for this node's DODAG with an older or incomparable version.
    pub versions_old: u64,
    /// At the root: DIOs that carry a newer version of its own DODAG.
    pub versions_unknown: u64,
    /// DIOs of another instance, mode or objective function.
    pub foreign: u64,
    /// Packets whose Ranks were out of order, forgiven once.
    pub rank_errors: u64,
    /// Packets that came back from a child without a route.
    pub forwarding_errors: u64,
    /// DAOs that were not acknowledged after all retries, or rejected.
    pub dao_failed: u64,
    /// Packets forwarded.
    pub forwarded: u64,
    /// Dropped: Ranks out of order twice.
    pub dropped_loop: u64,
    /// Dropped: hop limit.
    pub dropped_hop_limit: u64,
    /// Dropped: no parent to send it to.
    pub dropped_no_parent: u64,
    /// Dropped: no route down.
    pub dropped_no_route: u64,
    /// Dropped: malformed.
    pub dropped_malformed: u64,
    /// Dropped: the link gave up and there was no other way.
    pub dropped_undelivered: u64,
}

/// The DODAG a node is in. What a DIO is held against stands first.
#[derive(Clone, Debug, PartialEq)]
#[repr(C)]
struct Dodag {
    id: Ipv6Addr,
    version: u8,
    grounded: bool,
    preference: u8,
    dtsn: u8,
    rank: u16,
    /// L of §8.2.2.4: the lowest Rank in this version.
    lowest: u16,
    /// The parent set, the preferred one first.
    parents: Vec<Eui64>,
    /// This node is its root, be it a floating one.
    rooted: bool,
    config: DodagConfig,
    prefix: Option<PrefixInformation>,
}

/// The state machine. See the module's page for how to drive it. What every DIO touches stands first.
#[derive(Clone, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Node {
    neighbours: Neighbours,
    trickle: Trickle,
    dodag: Option<Dodag>,
    config: Config,
    chance: Chance,
    announcing: Announcing,
    sources: Sources,
    table: Table,
    timers: Timers,
    out: VecDeque<Output>,
    counters: Counters,
    scratch: Vec<Candidate<Eui64>>,
    hops: Vec<Ipv6Addr>,
}

impl Node {
    /// A node that has just been switched on; it does nothing before [`Self::handle_start`].
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            chance: Chance::new(config.seed),
            config,
            dodag: None,
            neighbours: Neighbours::default(),
            trickle: Trickle::new(Parameters::of_dodag(15, 2, 0)),
            announcing: Announcing::default(),
            sources: Sources::default(),
            table: Table::default(),
            timers: Timers::default(),
            out: VecDeque::new(),
            counters: Counters::default(),
            scratch: Vec::new(),
            hops: Vec::new(),
        }
    }

    /// Its configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Rank; [`INFINITE_RANK`] without a parent.
    #[must_use]
    pub fn rank(&self) -> u16 {
        self.dodag.as_ref().map_or(INFINITE_RANK, |dodag| dodag.rank)
    }

    /// Preferred parent.
    #[must_use]
    pub fn preferred_parent(&self) -> Option<Eui64> {
        self.dodag.as_ref().and_then(|dodag| dodag.parents.first().copied())
    }

    /// The parent set, the preferred one first.
    #[must_use]
    pub fn parents(&self) -> &[Eui64] {
        self.dodag.as_ref().map_or(&[], |dodag| &dodag.parents)
    }

    /// DODAGID and version.
    #[must_use]
    pub fn dodag(&self) -> Option<(Ipv6Addr, u8)> {
        self.dodag.as_ref().map(|dodag| (dodag.id, dodag.version))
    }

    /// True for the root, and for a node that became the root of a floating DODAG.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.dodag.as_ref().is_some_and(|dodag| dodag.rooted)
    }

    /// True when the DODAG reaches its goal (G).
    #[must_use]
    pub fn is_grounded(&self) -> bool {
        self.dodag.as_ref().is_some_and(|dodag| dodag.grounded && dodag.rank != INFINITE_RANK)
    }

    /// Link-local address.
    #[must_use]
    pub fn link_local(&self) -> Ipv6Addr {
        self.config.eui.link_local()
    }

    /// Address under the DODAG's prefix.
    #[must_use]
    pub fn global(&self) -> Option<Ipv6Addr> {
        let prefix = self.dodag.as_ref()?.prefix.as_ref()?;
        Some(self.config.global_under(prefix))
    }

    /// Whether the last DAO was acknowledged: downward packets find this node.
    #[must_use]
    pub const fn is_announced(&self) -> bool {
        self.announcing.confirmed
    }

    /// Targets that the root or a storing router knows.
    #[must_use]
    pub fn routes(&self) -> usize {
        self.sources.len() + self.table.len()
    }

    /// At a non-storing root: the preferred parent of a target.
    #[must_use]
    pub fn parent_of(&self, target: Ipv6Addr) -> Option<Ipv6Addr> {
        self.sources.parent_of(target)
    }

    /// At a non-storing root: the hops to a target, itself last; empty when none are known.
    #[must_use]
    pub fn source_route(&self, now_ns: u64, target: Ipv6Addr) -> Vec<Ipv6Addr> {
        let mut hops = Vec::new();
        if let Some(dodag) = &self.dodag {
            let hops_max = usize::from(self.config.hop_limit);
            self.sources.route(Question { root: dodag.id, target, now_ns, hops_max }, &mut hops);
        }
        hops
    }

    /// Neighbours remembered.
    #[must_use]
    pub fn neighbours(&self) -> usize {
        self.neighbours.len()
    }

    /// The neighbours: who, the Rank advertised last and the link's ETX × 128, each when known.
    pub fn links(&self) -> impl Iterator<Item = (Eui64, Option<u16>, Option<u16>)> {
        self.neighbours.iter().map(|(eui, entry)| (eui, entry.advert.map(|advert| advert.rank), entry.etx128))
    }

    /// What it counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Trickle's current interval.
    #[must_use]
    pub const fn trickle_interval_ns(&self) -> u64 {
        self.trickle.interval_ns()
    }

    /// The node was switched on.
    pub fn handle_start(&mut self, now_ns: u64) {
        if let Role::Root(root) = self.config.role.clone() {
            let id = self.config.global_under(&root.prefix);
            let parameters = self.config.pinned.parameters.unwrap_or(root.dodag);
            self.become_root(now_ns, id, root.version, root.dtsn, parameters, Some(root.prefix));
        } else {
            self.ask_later(now_ns, self.config.dis_first_ns);
        }
        self.timers.set(Timer::Sweep, now_ns.saturating_add(self.config.neighbour_lifetime_ns / 4));
    }

    /// A link was measured: ETX × 128 of unicasts to a neighbour, `None` when it is not known any more.
    pub fn handle_link(&mut self, now_ns: u64, neighbour: Eui64, etx128: Option<u16>) {
        if self.neighbours.measured(neighbour, etx128) && !self.is_beside_the_point(neighbour) {
            self.update_parents(now_ns);
        }
    }

    /// A frame of a neighbour was heard, whatever it carried: as long as that goes on, the neighbour is remembered.
    pub fn handle_heard(&mut self, neighbour: Eui64, at_ns: u64) {
        self.neighbours.touch(neighbour, at_ns);
    }

    /// The neighbours that [`Self::handle_timeout`] will forget now, unless [`Self::handle_heard`] tells of them before.
    pub fn about_to_forget(&self, now_ns: u64) -> impl Iterator<Item = Eui64> {
        let sweeps = self.timers.at(Timer::Sweep).is_some_and(|at_ns| at_ns <= now_ns);
        let known = sweeps.then(|| self.neighbours.iter()).into_iter().flatten();
        let lifetime_ns = self.config.neighbour_lifetime_ns;
        known.filter(move |(_, neighbour)| neighbour.is_silent(now_ns, lifetime_ns)).map(|(eui, _)| eui)
    }

    /// A neighbour is known to be gone.
    pub fn handle_gone(&mut self, now_ns: u64, neighbour: Eui64) {
        if self.neighbours.remove(neighbour) {
            self.update_parents(now_ns);
        }
    }

    /// Time passed. Timers that are due fire; call again when [`Output::Timeout`] says so.
    pub fn handle_timeout(&mut self, now_ns: u64) {
        while self.trickle.deadline_ns().is_some_and(|deadline_ns| deadline_ns <= now_ns) {
            let chance = self.chance.word();
            let fired = self.trickle.handle_timeout(now_ns, chance);
            self.trickle.look_ahead(chance);
            if fired == Fired::Transmit {
                self.advertise(NextHop::Everyone);
            }
        }
        for timer in Timer::ALL {
            if self.timers.take_due(timer, now_ns) {
                match timer {
                    Timer::Dis => self.solicit(now_ns),
                    Timer::DaoDelay => self.announce(now_ns),
                    Timer::Alternates => self.announce_alternates(now_ns),
                    Timer::DaoAck => self.announce_again(now_ns),
                    Timer::DaoRefresh => self.refresh_announcement(now_ns),
                    Timer::PoisonEnd => self.forget_dodag(now_ns),
                    Timer::Sweep => self.sweep(now_ns),
                }
            }
        }
    }

    /// What comes out next. Ends in [`Output::Timeout`].
    pub fn poll_output(&mut self) -> Output {
        self.out.pop_front().unwrap_or_else(|| {
            let both = [self.trickle.deadline_ns(), self.timers.deadline_ns()];
            Output::Timeout(both.into_iter().flatten().min())
        })
    }

    /// Command, at the root: a new DODAG version (global repair, §3.2.2): every node chooses its parents anew.
    pub fn repair_globally(&mut self, now_ns: u64) {
        if let Some(dodag) = self.dodag.as_mut().filter(|dodag| dodag.rooted) {
            dodag.version = lollipop::next(dodag.version);
            let chance = self.chance.word();
            self.trickle.start(now_ns, chance);
        }
    }

    /// Command, at the root: ask all nodes for their DAOs again (DTSN, §9.6).
    pub fn request_announcements(&mut self, now_ns: u64) {
        if let Some(dodag) = self.dodag.as_mut().filter(|dodag| dodag.rooted) {
            dodag.dtsn = lollipop::next(dodag.dtsn);
            let chance = self.chance.word();
            self.trickle.start(now_ns, chance);
        }
    }

    /// Command: leave the DODAG with a poison and look for it anew (local repair, §3.2.2).
    pub fn repair_locally(&mut self, now_ns: u64) {
        if self.dodag.as_ref().is_some_and(|dodag| !dodag.rooted) {
            self.neighbours.forget_adverts();
            self.update_parents(now_ns);
        }
    }

    fn become_root(
        &mut self,
        now_ns: u64,
        id: Ipv6Addr,
        version: u8,
        dtsn: u8,
        config: DodagConfig,
        prefix: Option<PrefixInformation>,
    ) {
        let (grounded, preference) = match &self.config.role {
            Role::Root(root) => (true, root.preference),
            _ => (false, 0),
        };
        // ROOT_RANK (§17) is MinHopRankIncrease.
        let rank = config.min_hop_rank_increase.max(1);
        let parents = Vec::new();
        self.dodag = Some(Dodag {
            id,
            version,
            grounded,
            preference,
            dtsn,
            config,
            prefix,
            rooted: true,
            rank,
            lowest: rank,
            parents,
        });
        self.start_trickle(now_ns);
    }

    fn start_trickle(&mut self, now_ns: u64) {
        let Some(dodag) = &self.dodag else { return };
        let config = &dodag.config;
        self.trickle.configure(Parameters::of_dodag(config.interval_min, config.interval_doublings, config.redundancy));
        if self.config.role != Role::Leaf {
            let chance = self.chance.word();
            self.trickle.start(now_ns, chance);
        }
    }

    fn inconsistent(&mut self, now_ns: u64) {
        let chance = self.chance.word();
        self.trickle.handle_inconsistent(now_ns, chance);
    }

    /// Looks for silent neighbours and expired routes.
    fn sweep(&mut self, now_ns: u64) {
        let lifetime_ns = self.config.neighbour_lifetime_ns;
        let somebody_is = self.neighbours.forget_silent(now_ns, lifetime_ns);
        self.sources.expire(now_ns);
        self.table.expire(now_ns);
        self.timers.set(Timer::Sweep, now_ns.saturating_add((lifetime_ns / 4).max(1)));
        if somebody_is {
            self.update_parents(now_ns);
        }
    }

    const fn stores(&self) -> bool {
        matches!(self.config.mode, Mode::Storing | Mode::StoringMulticast)
    }

    fn transmit(&mut self, to: NextHop, packet: Vec<u8>, purpose: Purpose) {
        self.out.push_back(Output::Transmit { to, packet, purpose });
    }
}
