//! One node: its machines, its radio, and what the driver remembers of it.

use super::config::Config;
use super::event::Use;
use super::multicast::Machine;
use super::probing::Probing;
use crate::Eui64;
use crate::chance::Chance;
use crate::lowpan::Reassembly;
use crate::mac::channels::Channels;
use crate::mac::engine::{self, Engine, Hopping, Priority};
use crate::mac::etx::Epoch;
use crate::mac::hop;
use crate::mac::schedule::{Broadcast, Schedules, Unicast};
use crate::rpl::wire::Dio;
use crate::rpl::{lollipop, node as rpl};
use crate::wisun::border::{self, Border};
use crate::wisun::join::{Output, Router, State};

/// The network's prefix (a unique local one).
pub(super) const PREFIX: [u8; 8] = [0xFD, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01];
/// The number that stands for the network's name, and its PAN.
const NETWORK: u32 = 1;
pub(super) const PAN: u16 = 0x0715;
/// Nobody, nothing, never.
pub(super) const NONE: u32 = u32::MAX;
/// What cannot be said again has all its tries on five channels; of every frame Wi-SUN demands twenty over five, an open stack
/// says.
const URGENT_CHANNEL_RETRIES: u8 = 4;
/// First DIS within so long after routing starts: what the recorded open router does.
const DIS_FIRST_NS: u64 = 10_000_000_000;

/// A node's address: the number in an open range's block.
#[must_use]
pub fn eui(node: u32) -> Eui64 {
    let [a, b, c, d] = node.to_be_bytes();
    Eui64([0x02, 0x00, 0x5E, 0x10, a, b, c, d])
}

/// Back from an address to the number.
#[must_use]
pub fn number(Eui64([.., a, b, c, d]): Eui64) -> u32 {
    u32::from_be_bytes([a, b, c, d])
}

/// What travels with a message beside its octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    /// Of `send`; 0 is the network's own.
    pub(super) id: u64,
    /// Which of the network's own messages through the mesh; 0 is none.
    pub(super) letter: u32,
    pub(super) of: Use,
    pub(super) priority: Priority,
}

impl Tag {
    pub(super) const fn own(of: Use) -> Self {
        Self { id: 0, letter: 0, of, priority: Priority::Control }
    }
}

/// Discovery and keys: at the root a border router, else a router.
#[derive(Debug, Clone)]
pub(super) enum Join {
    Border(Box<Border>),
    Router(Box<Router>),
}

impl Join {
    pub(super) fn poll_output(&mut self) -> Output {
        match self {
            Self::Border(border) => border.poll_output(),
            Self::Router(router) => router.poll_output(),
        }
    }

    pub(super) fn handle_timeout(&mut self, now_ns: u64) {
        match self {
            Self::Border(border) => border.handle_timeout(now_ns),
            Self::Router(router) => router.handle_timeout(now_ns),
        }
    }

    /// Whether it has nothing to say, but when it wants to be woken.
    pub(super) fn is_quiet(&self) -> bool {
        match self {
            Self::Border(border) => border.is_quiet(),
            Self::Router(router) => router.is_quiet(),
        }
    }

    pub(super) fn router(&mut self) -> Option<&mut Router> {
        match self {
            Self::Router(router) => Some(router),
            Self::Border(_) => None,
        }
    }
}

/// Where a radio listens: small, for every frame looks at all who might hear it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Radio {
    pub(super) on: bool,
    /// Its supply is gone and a charge is left: it hears acknowledgements alone.
    pub(super) fading: bool,
    /// Whether it keeps the PAN's broadcast schedule.
    pub(super) follows: bool,
    /// The one channel on which it looks for a PAN.
    pub(super) fixed: Option<u16>,
    /// Since when it is on; its slots count from then.
    pub(super) since_ns: u64,
}

impl Radio {
    pub(super) const OFF: Self = Self { on: false, fading: false, follows: false, fixed: None, since_ns: 0 };

    /// The channel of its own schedule (DH1CF).
    pub(super) fn own_channel(&self, node: u32, at_ns: u64, config: &Config) -> u16 {
        if let Some(channel) = self.fixed {
            return channel;
        }
        let slot = at_ns.saturating_sub(self.since_ns) / dwell_ns(config) % (1 << 16);
        hop::unicast_channel(slot as u16, eui(node), &config.channels)
    }

    /// Its stays on the channels of its own schedule between two times: channel, from, until.
    pub(super) fn own_stays(
        &self,
        node: u32,
        from_ns: u64,
        until_ns: u64,
        config: &Config,
        mut each: impl FnMut(u16, u64, u64),
    ) {
        if let Some(channel) = self.fixed {
            return each(channel, from_ns, until_ns);
        }
        let dwell_ns = dwell_ns(config);
        let mut slot = from_ns.saturating_sub(self.since_ns) / dwell_ns;
        let mut begins_ns = self.since_ns + slot * dwell_ns;
        while begins_ns < until_ns {
            each(hop::unicast_channel(slot as u16, eui(node), &config.channels), begins_ns, begins_ns + dwell_ns);
            (slot, begins_ns) = (slot + 1, begins_ns + dwell_ns);
        }
    }
}

fn dwell_ns(config: &Config) -> u64 {
    u64::from(config.dwell_ms.max(1)) * 1_000_000
}

/// The PAN's broadcast schedule, as all know it who know it.
#[derive(Debug, Clone)]
pub(super) struct Everyones(Broadcast);

impl Everyones {
    pub(super) fn new(config: &Config) -> Self {
        Self(broadcast(config))
    }

    /// Its identifier.
    pub(super) fn bsi(&self) -> u16 {
        self.0.bsi
    }

    /// The slot at a time, and how far into it.
    pub(super) fn slot_at(&self, at_ns: u64) -> (u16, u64) {
        self.0.slot_at(at_ns)
    }

    /// The channel of all at a time within a broadcast dwell.
    pub(super) fn channel_in_dwell(&self, at_ns: u64) -> Option<u16> {
        self.stay(at_ns).0
    }

    /// The same, and until when it is so or until when it is not.
    pub(super) fn stay(&self, at_ns: u64) -> (Option<u16>, u64) {
        let (slot, into_ns) = self.0.slot_at(at_ns);
        let dwell_ns = u64::from(self.0.dwell_ms) * 1_000_000;
        if into_ns < dwell_ns {
            (Some(hop::broadcast_channel(slot, self.0.bsi, &self.0.channels)), at_ns + dwell_ns - into_ns)
        } else {
            (None, at_ns + u64::from(self.0.interval_ms) * 1_000_000 - into_ns)
        }
    }
}

/// Which machines something has happened to since they were drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Touched {
    pub(super) rpl: bool,
    pub(super) join: bool,
}

/// One node. What is looked at for every frame that it hears stands first.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Node {
    pub(super) join: Join,
    pub(super) touched: Touched,
    pub(super) routing: bool,
    pub(super) registering: bool,
    pub(super) announced: bool,
    /// Counts switchings-on; what was asked for in an earlier life is void.
    pub(super) life: u8,
    /// Whether the frame that is to be acknowledged was one of several in a row, which is answered by a response.
    pub(super) responds: bool,
    /// The channel of that frame.
    pub(super) ack_channel: u16,
    /// When an acknowledgement for this node has left the air, the last that went on it.
    pub(super) ack_ends_ns: u64,
    pub(super) mac: Engine<u32>,
    pub(super) rpl: rpl::Node,
    pub(super) parent: u32,
    pub(super) rank: u16,
    pub(super) state: State,
    pub(super) reassembly: Reassembly,
    pub(super) datagrams: u16,
    /// The metric that routing was told last, by neighbour.
    pub(super) told: Vec<(u32, u32)>,
    /// Which link is measured next.
    pub(super) probing: Probing,
    /// Multicast, once there was any, and its number for its own next message.
    pub(super) mpl: Machine,
    pub(super) multicasts: u8,
    /// When the four machines are next woken.
    pub(super) wakes: [u64; 4],
    /// Tries since its supply went.
    pub(super) gasps: u32,
    pub(super) starts: u64,
    version: u8,
    border: Option<border::Stored>,
}

impl Node {
    /// A node that is off.
    pub(super) fn new(config: &Config, of: u32) -> Self {
        let draws = Chance::new(config.seed).fork(u64::from(of));
        let join = Join::Router(Box::new(Router::new(eui(of), NETWORK, config.join, draws.fork(1).word())));
        Self {
            mac: Engine::new(mac_config(config), 0),
            join,
            rpl: rpl::Node::new(rpl::Config::router(eui(of), 0)),
            routing: false,
            touched: Touched::default(),
            registering: false,
            announced: false,
            parent: NONE,
            rank: u16::MAX,
            state: State::Off,
            reassembly: Reassembly::default(),
            datagrams: 0,
            told: Vec::new(),
            probing: Probing::default(),
            mpl: None,
            multicasts: 0,
            wakes: [u64::MAX; 4],
            ack_channel: 0,
            ack_ends_ns: 0,
            responds: false,
            gasps: 0,
            life: 0,
            starts: 0,
            version: lollipop::INITIAL,
            border: None,
        }
    }

    /// The stream of this node's life for a purpose.
    fn seed(&self, config: &Config, of: u32, purpose: u64) -> u64 {
        Chance::new(config.seed).fork(u64::from(of)).fork(self.starts << 8 | purpose).word()
    }

    /// Power comes. A router stays on one channel until it knows a PAN; the root hops at once.
    pub(super) fn power_up(&mut self, config: &Config, of: u32, now_ns: u64) {
        self.starts += 1;
        let root = of == 0;
        self.mac = Engine::new(mac_config(config), self.seed(config, of, 2));
        *self.mac.hopping_mut() = Some(Hopping {
            own: Unicast { of: eui(of), dwell_ms: config.dwell_ms, channels: config.channels.clone() },
            everywhere: config.channels.clone(),
            started_ns: now_ns,
            broadcast: None,
            heard: Schedules::default(),
            drift_ppm: config.drift_ppm,
        });
        self.start_routing(config, of);
        let seed = self.seed(config, of, 3);
        if root {
            let (broadcast, stored) = (broadcast(config), self.border.take());
            if let Some(hopping) = self.mac.hopping_mut() {
                hopping.broadcast = Some(broadcast);
            }
            let set = border::Config {
                network: NETWORK,
                pan_id: PAN,
                params: config.join,
                lives: config.lives,
                sessions_max: config.sessions_max,
            };
            let mut border = Border::start(now_ns, eui(of), set, seed, stored);
            border.renew_every(now_ns, config.join.pan_version_ns);
            self.join = Join::Border(Box::new(border));
            self.state = State::Operational;
            self.routing = true;
            self.rpl.handle_start(now_ns);
        } else if let Join::Router(router) = &mut self.join {
            let stored = router.stored();
            router.power_up(now_ns, Some(stored));
        }
    }

    /// Supply goes, and a charge is left: the machines stop where they are, and a MAC of its own tries each frame once.
    pub(super) fn fade(&mut self, config: &Config, of: u32) {
        let hopping = self.mac.hopping_mut().take();
        let once = engine::Config {
            retries_max: 0,
            channel_retries: 0,
            urgent_channel_retries: 0,
            exchange_ns: 0,
            ..mac_config(config)
        };
        self.mac = Engine::new(once, self.seed(config, of, 5));
        *self.mac.hopping_mut() = hopping;
        self.life = self.life.wrapping_add(1);
        self.wakes = [u64::MAX; 4];
        self.touched = Touched::default();
        (self.parent, self.state, self.gasps) = (NONE, State::Off, 0);
    }

    /// Power goes: only flash stays.
    pub(super) fn power_down(&mut self, config: &Config) {
        match &mut self.join {
            Join::Router(router) => router.power_down(),
            Join::Border(border) => self.border = Some(border.stored()),
        }
        if let Some((_, version)) = self.rpl.dodag().filter(|_| config.root_keeps_version) {
            self.version = lollipop::next(version);
        }
        self.life = self.life.wrapping_add(1);
        self.wakes = [u64::MAX; 4];
        self.mpl = None;
        (self.routing, self.registering, self.announced) = (false, false, false);
        (self.parent, self.rank, self.state) = (NONE, u16::MAX, State::Off);
        self.reassembly = Reassembly::default();
        self.told.clear();
        self.probing = Probing::default();
    }

    /// Routing from nothing.
    pub(super) fn start_routing(&mut self, config: &Config, of: u32) {
        self.starts += 1;
        let seed = self.seed(config, of, 4);
        let mut set = if of == 0 {
            rpl::Config::root(eui(of), seed, PREFIX)
        } else {
            rpl::Config { dis_first_ns: DIS_FIRST_NS, ..rpl::Config::router(eui(of), seed) }
        };
        if let rpl::Role::Root(root) = &mut set.role {
            (root.dodag, root.version) = (config.dodag, self.version);
        }
        if let crate::rpl::objective::Objective::Mrhof(mrhof) = &mut set.objective {
            mrhof.parent_set_size = config.parents;
        }
        set.hop_limit = config.hop_limit;
        set.pinned.parameters = config.parameters.filter(|_| of != 0);
        if let Some((_, parents)) = config.pinned.iter().find(|(node, _)| *node == of) {
            set.pinned.parents = parents.iter().map(|&parent| eui(parent)).collect();
        }
        self.rpl = rpl::Node::new(set);
        self.mac.set_epoch(Epoch::CHOOSING, false);
        (self.announced, self.parent, self.rank) = (false, NONE, u16::MAX);
        self.told.clear();
    }

    /// Routing hears a DIO; whether it has something to say of it.
    pub(super) fn hear_dio(&mut self, now_ns: u64, from: rpl::Sender, dio: &Dio) -> bool {
        let news = self.routing && self.rpl.handle_dio(now_ns, from, dio);
        self.touched.rpl |= news;
        news
    }

    /// Hops over the PAN's channels, or stays on one while it looks for a PAN.
    pub(super) fn hop(&mut self, channels: Channels, broadcast: Option<Option<Broadcast>>) {
        let Some(hopping) = self.mac.hopping_mut() else { return };
        hopping.own.channels = channels;
        if let Some(broadcast) = broadcast {
            hopping.broadcast = broadcast;
        }
    }
}

/// The PAN's broadcast schedule. Its identifier is the seed's; clocks here do not drift, so it holds for all.
pub(super) fn broadcast(config: &Config) -> Broadcast {
    let (interval_ms, dwell_ms) = config.broadcast_ms;
    let bsi = Chance::new(config.seed).fork(u64::MAX).word() as u16;
    Broadcast { bsi, interval_ms, dwell_ms, channels: config.channels.clone(), epoch_ns: 0 }
}

fn mac_config(config: &Config) -> engine::Config {
    let Config { phy, csma, retries_max, channel_retries, queue_max, .. } = *config;
    // An exchange takes no look at the rule of time on the air; where there is one, there is none.
    let exchange_ns = if config.duty.is_none() { u64::from(config.exchange_ms) * 1_000_000 } else { 0 };
    engine::Config {
        phy,
        csma,
        retries_max,
        channel_retries,
        urgent_channel_retries: URGENT_CHANNEL_RETRIES,
        exchange_ns,
        queue_max,
        stranger_fails: false,
    }
}
