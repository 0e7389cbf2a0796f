//! Fidelity `frame`: the village's mesh as whole nodes on one medium ([`taa_mesh::net`]), behind the same doors as
//! messages: bytes in, bytes out or lost, who has joined, why somebody is not reached.
//!
//! The network has its own events, a hundred for each of the village's. It runs ahead to the village's next event, for
//! until then nothing can touch it, and stops where something comes out of it: one event of the kernel each. It is
//! settled before the run begins, as the routes of messages are; its clock is ahead of the run's by that time.
//!
//! A border router lives and dies with the site's computer; relays always have power; a collapsed router hears nobody.

mod capture;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use taa_mesh::{
    mac::engine::Priority,
    net::{Event as Happening, Isolation, Link, Network, Totals, Why, capture_option},
    wisun::join::State,
};
use taa_meter::Supply;
use taa_models::{mesh::Air, radio::village::Mounted};
use taa_scenarios::model::Scenario;

use self::capture::Capture;
use super::{Event, Village};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime, Wake},
    records::MeshStanding,
};

/// What a datagram carries at most; longer messages travel in several.
const DATAGRAM_MAX: usize = 1_200;
/// So many messages under way are remembered; the oldest of more died with a relay.
const UNDER_WAY_MAX: usize = 4_096;
/// At each try of a last gasp so many more neighbours are asked, where the first does not answer.
const ASKED_MAX: u32 = 3;
/// What a router that has lost its routes hears, dB less: nothing.
const STUCK_DB: f32 = 300.0;

/// A message under way.
#[derive(Debug)]
struct Parcel {
    customer: u32,
    up: bool,
    sent_ms: u64,
    /// Datagrams still missing, and what has come.
    missing: usize,
    bytes: Vec<u8>,
}

/// A packet of a meter's last gasp: whose, and how many neighbours were asked before.
#[derive(Debug)]
struct Gasp {
    customer: u32,
    packet: Vec<u8>,
    asked: u32,
}

/// The mesh, frame by frame.
#[derive(Debug)]
pub(crate) struct Frames {
    network: Network,
    /// Links in clear air.
    links: Vec<wire::Loss>,
    root: usize,
    /// The network's time when the run began, nanoseconds, and what it had counted by then.
    ahead_ns: u64,
    before: Totals,
    channels_before: Vec<(u16, u64)>,
    nodes_before: Vec<u64>,
    wake: Wake,
    /// Datagrams by the network's number: the message and where in it they belong.
    datagrams: BTreeMap<u64, (u64, usize)>,
    parcels: BTreeMap<u64, Parcel>,
    parcel: u64,
    /// Last gasps by the network's number.
    gasps: BTreeMap<u64, Gasp>,
    /// On the way, ms, of messages that arrived: how often, in steps of 100 ms, the last for more.
    pub(crate) delays: Vec<u64>,
    capture: Capture,
}

impl Frames {
    /// The village's network, settled.
    pub(crate) fn new(scenario: &Scenario, nodes: &[Mounted], root: usize, seed: (u64, u32)) -> Option<Self> {
        let mut capture = Capture::default();
        let (network, links) = wire::settled(&scenario.comms, nodes, root, seed, &mut capture).ok()?;
        Some(Self {
            capture,
            ahead_ns: network.now_ns(),
            before: *network.totals(),
            channels_before: network.airtime_by_channel(),
            nodes_before: network.airtime_by_node().to_vec(),
            network,
            links,
            root,
            wake: Wake::default(),
            datagrams: BTreeMap::new(),
            parcels: BTreeMap::new(),
            parcel: 0,
            gasps: BTreeMap::new(),
            delays: vec![0; 601],
        })
    }

    /// Whether a node of the village has joined and forwards.
    pub(crate) fn serves(&self, node: usize) -> bool {
        wire::serves(&self.network, wire::number(node, self.root))
    }

    /// Hops of a node of the village to the root, while it has a way.
    pub(crate) fn hops(&self, node: usize) -> Option<u32> {
        self.network.hops(wire::number(node, self.root)).filter(|_| self.serves(node))
    }

    /// How strong the parent of a node of the village is heard there, dBm.
    pub(crate) fn parent_dbm(&self, node: usize) -> Option<f32> {
        let number = wire::number(node, self.root);
        self.network.heard_dbm(self.network.standing(number)?.parent?, number)
    }

    /// Numbers of the network's nodes but the root, and their parents.
    pub(crate) fn parents(&self) -> impl Iterator<Item = (u32, Option<u32>)> + '_ {
        (1..=self.root as u32).map(|number| (number, self.network.standing(number).and_then(|node| node.parent)))
    }

    /// Of each node of the village but the root, whether its parents lead back to one of them.
    fn loops(&self) -> Vec<bool> {
        (1..=self.root as u32).map(|number| self.network.loops(number)).collect()
    }

    /// Frames and microseconds on the air by purpose, since the run began.
    pub(crate) fn on_air(&self) -> [(u64, u64); 8] {
        let now = &self.network.totals().by_use;
        std::array::from_fn(|of| (now[of].0 - self.before.by_use[of].0, (now[of].1 - self.before.by_use[of].1) / 1000))
    }

    /// Microseconds on the air by channel, and by node of the village, since the run began.
    pub(crate) fn shares(&self) -> (Vec<(u16, u64)>, Vec<u64>) {
        let since = |now: u64, before: u64| now.saturating_sub(before) / 1000;
        let channels = self.network.airtime_by_channel().into_iter().zip(&self.channels_before);
        let channels = channels.map(|((channel, now), before)| (channel, since(now, before.1)));
        let of = |node: usize| wire::number(node, self.root) as usize;
        let now = self.network.airtime_by_node();
        let nodes = (0..=self.root).map(|node| since(now[of(node)], self.nodes_before[of(node)]));
        (channels.collect(), nodes.collect())
    }

    /// Brings the network to a time of the run.
    fn reach(&mut self, now_ms: u64) {
        self.network.step(self.ahead_ns + now_ms * 1_000_000);
        self.capture.take(&mut self.network);
    }

    /// The capture as a file, and what Wireshark is told to open its frames; empty where none was asked for.
    pub(crate) fn into_capture(self) -> (Vec<u8>, String) {
        let option = capture_option(self.network.config().seed);
        (self.capture.file(&option), option)
    }

    /// Switches a node of the village on or off.
    pub(crate) fn power(&mut self, node: usize, on: bool, now_ms: u64) {
        self.reach(now_ms);
        self.network.power(wire::number(node, self.root), on);
    }

    /// A node of the village has lost its supply, and lives on its capacitor.
    fn fade(&mut self, node: usize, now_ms: u64) {
        self.reach(now_ms);
        self.network.fade(wire::number(node, self.root));
    }

    /// A meter says what it must, before all data.
    pub(crate) fn gasp(&mut self, customer: u32, packet: &[u8], now_ms: u64) {
        self.ask(Gasp { customer, packet: packet.to_vec(), asked: 0 }, now_ms);
    }

    fn ask(&mut self, gasp: Gasp, now_ms: u64) {
        self.reach(now_ms);
        let id = self.network.gasp(wire::number(gasp.customer as usize, self.root), &gasp.packet);
        self.gasps.insert(id, gasp);
        if self.gasps.len() > UNDER_WAY_MAX {
            self.gasps.pop_first();
        }
    }

    /// The last gasp of that number, if this node is whose it is.
    fn gasp_of(&self, id: u64, node: u32) -> Option<&Gasp> {
        self.gasps.get(&id).filter(|gasp| wire::number(gasp.customer as usize, self.root) == node)
    }

    /// Hands a message over.
    pub(crate) fn send(&mut self, customer: u32, bytes: &[u8], up: bool, now_ms: u64) {
        self.reach(now_ms);
        let meter = wire::number(customer as usize, self.root);
        let (from, to) = if up { (meter, 0) } else { (0, meter) };
        self.parcel += 1;
        let missing = bytes.len().div_ceil(DATAGRAM_MAX).max(1);
        let parcel = Parcel { customer, up, sent_ms: now_ms, missing, bytes: Vec::new() };
        self.parcels.insert(self.parcel, parcel);
        for (number, part) in bytes.chunks(DATAGRAM_MAX).enumerate() {
            let id = self.network.send(from, to, part, Priority::Data);
            self.datagrams.insert(id, (self.parcel, number * DATAGRAM_MAX));
        }
        if self.parcels.len() > UNDER_WAY_MAX {
            self.parcels.pop_first();
        }
        if self.datagrams.len() > 2 * UNDER_WAY_MAX {
            self.datagrams.pop_first();
        }
    }

    /// A datagram has arrived; the message when it is whole.
    fn arrived(&mut self, id: u64, payload: Vec<u8>, now_ms: u64) -> Option<Parcel> {
        let (number, at) = self.datagrams.remove(&id)?;
        let parcel = self.parcels.get_mut(&number)?;
        parcel.missing -= 1;
        if at == 0 && parcel.bytes.is_empty() {
            parcel.bytes = payload;
        } else {
            let end = at + payload.len();
            if parcel.bytes.len() < end {
                parcel.bytes.resize(end, 0);
            }
            parcel.bytes[at..end].copy_from_slice(&payload);
            self.network.take_back(payload);
        }
        if parcel.missing > 0 {
            return None;
        }
        let parcel = self.parcels.remove(&number)?;
        let step = (now_ms.saturating_sub(parcel.sent_ms) / 100).min(self.delays.len() as u64 - 1);
        self.delays[step as usize] += 1;
        Some(parcel)
    }

    /// A datagram was lost, and with it its message.
    fn lost(&mut self, id: u64) {
        if let Some((number, _)) = self.datagrams.remove(&id) {
            self.parcels.remove(&number);
        }
    }

    /// The air changed: noise and losses by node of the village, and who is stuck.
    pub(crate) fn take_air(&mut self, air: &Air, stuck: &[bool], now_ms: u64) {
        self.reach(now_ms);
        let at = |column: &[f32], node: usize| column.get(node).copied().unwrap_or(0.0);
        let node_of = |number: u32| if number == 0 { self.root } else { number as usize - 1 };
        let extra = |number: u32| {
            let node = node_of(number);
            let stuck = if stuck.get(node).copied().unwrap_or(false) { STUCK_DB } else { 0.0 };
            at(&air.loss_db, node) + stuck
        };
        for (link, leaves_db) in &self.links {
            let loss_db = link.loss_db + extra(link.from) + extra(link.to) + leaves_db * air.leaves;
            self.network.link_loss(Link { loss_db, ..*link });
        }
        for node in 0..=self.root {
            let rise_db = at(&air.noise_rise_db, node);
            self.network.raise_noise(wire::number(node, self.root), rise_db);
        }
    }
}

impl Village<'_> {
    /// The network's next event of note, or the next time to look, has come.
    pub(crate) fn mesh_wakes(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(frames) = &mut self.mesh.frames else { return };
        if !frames.wake.is_current(generation) {
            return;
        }
        frames.reach(now_ms);
        while let Some(happening) = self.mesh.frames.as_mut().and_then(|frames| frames.network.poll_event()) {
            self.mesh_happens(happening, now_ms, queue);
        }
        self.mesh_ahead(now_ms, queue);
    }

    /// A meter got or lost its voltage, or died, or was mended.
    pub(crate) fn mesh_node_turned(&mut self, customer: u32, awake: bool, now_ms: u64, queue: &mut Queue<Event>) {
        let unit = self.people.of(customer).unit;
        let on = awake && !unit.dead;
        unit.joining_since_ms = on.then_some(now_ms);
        unit.joins += u64::from(on);
        let standing = if on { MeshStanding::Joining } else { MeshStanding::Dark };
        self.mesh.turned(customer as usize, standing, now_ms);
        let charged = self.people.of(customer).unit.meter.gasp().is_some_and(|gasp| gasp.supply() == Supply::Capacitor);
        if let Some(frames) = &mut self.mesh.frames {
            if on || !charged {
                frames.power(customer as usize, on, now_ms);
            } else {
                frames.fade(customer as usize, now_ms);
            }
        }
        self.mesh_stirred(now_ms, queue);
    }

    /// A meter has acted; where its capacitor is empty by now, its radio is off.
    pub(crate) fn mesh_charge_spent(&mut self, customer: u32, now_ms: u64) {
        let Some(frames) = &mut self.mesh.frames else { return };
        if self.people.of(customer).unit.meter.gasp().is_some_and(|gasp| gasp.supply() == Supply::Gone) {
            frames.power(customer as usize, false, now_ms);
        }
    }

    /// Something was done to the network from outside: it is looked at once this instant is through.
    pub(crate) fn mesh_stirred(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let node = self.ops.dcu;
        let Some(frames) = &mut self.mesh.frames else { return };
        let at = SimTime::from_ms(now_ms);
        queue.arm(&mut frames.wake, at, Phase::Radio, node, |generation| Event::MeshWake { generation });
    }

    /// Runs the network up to the village's next event, or to something that comes out of it before.
    fn mesh_ahead(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let limit_ns = queue.peek_time().map_or(now_ms * 1_000_000, SimTime::as_ns);
        let node = self.ops.dcu;
        let Some(frames) = &mut self.mesh.frames else { return };
        let limit_ns = frames.ahead_ns.saturating_add(limit_ns);
        let mut due_ns = None;
        while let Some(next_ns) = frames.network.next_at() {
            due_ns = Some(next_ns);
            if next_ns > limit_ns {
                break;
            }
            frames.network.step(next_ns);
            frames.capture.take(&mut frames.network);
            if frames.network.has_events() {
                break;
            }
        }
        if let Some(due_ns) = due_ns {
            let at = SimTime::from_ms(due_ns.saturating_sub(frames.ahead_ns).div_ceil(1_000_000));
            queue.arm(&mut frames.wake, at, Phase::Radio, node, |generation| Event::MeshWake { generation });
        }
    }

    fn mesh_happens(&mut self, happening: Happening, now_ms: u64, queue: &mut Queue<Event>) {
        let meter = |node: u32| node.checked_sub(1).filter(|&customer| (customer as usize) < self.mesh.meters);
        match happening {
            Happening::Delivered { id, node: 0, payload, .. } if self.is_gasp(id) => {
                self.gasp_at_dcu(&payload, now_ms, queue);
            }
            Happening::Handed { id, node } => self.gasp_told(id, node, true, now_ms, queue),
            // What a node had in hand when its supply went, it does not wait for.
            Happening::Dropped { id, node, why } if why != Why::PowerOff && self.is_gasp(id) => {
                self.gasp_told(id, node, false, now_ms, queue);
            }
            Happening::Delivered { id, payload, .. } => {
                let whole = self.mesh.frames.as_mut().and_then(|frames| frames.arrived(id, payload, now_ms));
                let Some(Parcel { customer, up, bytes, .. }) = whole else { return };
                self.mesh.delivered += 1;
                self.payloads.absorb_bytes(&bytes);
                if up {
                    self.at_dcu(customer, &bytes, now_ms, queue);
                } else {
                    self.at_meter(customer, &bytes, now_ms, queue);
                }
                if let Some(frames) = &mut self.mesh.frames {
                    frames.network.take_back(bytes);
                }
            }
            Happening::Dropped { id, .. } => {
                if let Some(frames) = &mut self.mesh.frames {
                    frames.lost(id);
                }
            }
            Happening::State { node, state: State::Operational } => {
                if let Some(customer) = meter(node) {
                    self.mesh.turned(customer as usize, MeshStanding::InTree, now_ms);
                    self.joined(customer, now_ms, queue);
                } else {
                    self.mesh.relay_turned(node, true, now_ms);
                }
            }
            Happening::Isolated { node, why } if why != Isolation::PowerOff => {
                if let Some(customer) = meter(node) {
                    let told = match why {
                        Isolation::ParentLost => MeshStanding::ParentLost,
                        _ => MeshStanding::PanTimeout,
                    };
                    let standing = self.mesh.why_cut_off(customer as usize, told);
                    self.mesh.turned(customer as usize, standing, now_ms);
                    self.touch_all();
                } else {
                    self.mesh.relay_turned(node, false, now_ms);
                }
            }
            Happening::Parent { node, parent } => {
                self.mesh.hung(node, parent, now_ms);
                if let Some(loops) = self.mesh.frames.as_ref().map(|frames| frames.loops())
                    && self.mesh.looped(&loops, now_ms)
                {
                    self.touch_all();
                }
            }
            _ => {}
        }
    }

    fn is_gasp(&self, id: u64) -> bool {
        self.mesh.frames.as_ref().is_some_and(|frames| frames.gasps.contains_key(&id))
    }

    /// A neighbour has taken a gasp on, or has not: then the next one is asked, while the charge lasts. What becomes of it
    /// behind that one, its meter does not hear.
    fn gasp_told(&mut self, id: u64, node: u32, heard: bool, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(gasp) = self.mesh.frames.as_ref().and_then(|frames| frames.gasp_of(id, node)) else { return };
        let &Gasp { customer, ref packet, asked } = gasp;
        if !heard && asked < ASKED_MAX {
            let next = Gasp { customer, packet: packet.clone(), asked: asked + 1 };
            let logic = self.people.of(customer).unit.meter.gasp_mut();
            if logic.is_some_and(|logic| logic.try_another(now_ms * 1_000_000))
                && let Some(frames) = &mut self.mesh.frames
            {
                frames.ask(next, now_ms);
                return self.mesh_stirred(now_ms, queue);
            }
        }
        self.gasp_sent(customer, heard, now_ms, queue);
    }

    /// Why the DCU does not reach a meter, frame by frame; nothing when it does.
    pub(crate) fn unreachable_by_frames(&mut self, customer: u32) -> Option<Chain> {
        let node = customer as usize;
        let cut_off = self.mesh.cut_off(node);
        if self.mesh.reaches(node) && cut_off.is_none() {
            return None;
        }
        let one = self.people.of(customer);
        let (joining, last_loss) = (one.unit.joining_since_ms.is_some(), one.unit.last_loss);
        let isolated = Chain::of(Cause::MeshIsolated);
        if let Some(number) = self.mesh.own_trouble(node, true) {
            return Some(isolated.because(Cause::RoutesLost).because(Cause::Scripted(number)));
        }
        if let Some(number) = self.mesh.own_trouble(node, false) {
            return Some(isolated.because(Cause::Scripted(number)));
        }
        if joining {
            return Some(Chain::of(Cause::Rejoining).then(last_loss));
        }
        Some(match cut_off {
            Some(MeshStanding::HopLimit) => isolated.because(Cause::HopLimit),
            Some(MeshStanding::Leaves) => isolated.because(Cause::RadioLoss),
            Some(MeshStanding::ForwarderDark) => {
                let dark = if last_loss.is_empty() { self.power.off } else { last_loss };
                isolated.because(Cause::ForwarderDark).then(dark)
            }
            // There is a way, and routing does not take it.
            Some(MeshStanding::InLoop | MeshStanding::ParentLost | MeshStanding::PanTimeout) => {
                isolated.because(Cause::RoutesLost)
            }
            _ => isolated,
        })
    }
}
