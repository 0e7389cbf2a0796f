//! The mesh under the village: who is reachable over which route, and messages on their way.
//!
//! Fidelity `message`: one event per delivered message, drawn hop by hop from the link models. Routes are the
//! shortest-ETX tree over the meters that are alive; they are computed anew only when somebody sends after a change.

mod cry;
mod reasons;
mod relays;
mod tree;

use taa_models::{
    draw::{Draws, NodeKey, Purpose},
    mesh::{Air, Delivery, MeshParams, NoRoute, Powers, Routes, Topology, join_delay_s},
    radio::fading::FadingParams,
};
use taa_scenarios::model::{Fault, FaultKind, FaultTarget, Scenario, Village as Layout};

pub(crate) use self::cry::Cry;
use self::{relays::Relays, tree::Tree};
use super::{Event, Village, mesh_frame::Frames, timeline::climate};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime},
    records::MeshStanding,
};

const HOP_DRAWS: Purpose = Purpose::named("mesh hops");
const JOIN_DRAWS: Purpose = Purpose::named("mesh join");
/// Join times are rounded up to this, so that a whole village coming back costs few route computations, ms.
const JOIN_GRID_MS: u64 = 15_000;
/// A jammer aimed at a meter reaches this far, m.
const JAM_RADIUS_M: f64 = 150.0;

const DAY_MS: u64 = 86_400_000;
const YEAR_S: f64 = 365.25 * 86_400.0;

/// Leaves on the trees through the year, soaked while it rains.
#[derive(Clone, Debug)]
pub(crate) struct Season {
    fading: FadingParams,
    /// Seconds since new year of the year of the Unix epoch, local, at the start of the run.
    start_local_s: i64,
    /// From when to when it rains, ms of the run, by day.
    showers: Vec<Option<[u64; 2]>>,
}

impl Season {
    /// The season of a run of so many days. Runs begin at midnight.
    pub(crate) fn of(scenario: &Scenario, seed: (u64, u32)) -> Self {
        let fading = scenario.comms.radio.fading.clone();
        let days = u64::from(scenario.run.days);
        let climate = climate(scenario, days * DAY_MS);
        let shower = |day: u64| {
            let hours = fading.shower_h(climate.rain(day as usize), seed, day)?;
            Some(hours.map(|hours| day * DAY_MS + (hours * 3_600_000.0) as u64))
        };
        let showers = (0..days).map(shower).collect();
        let start_local_s = scenario.run.start_unix_s + i64::from(scenario.site.utc_offset_s);
        Self { fading, start_local_s, showers }
    }

    /// What is in the air now: the day's leaves, and whether they are soaked.
    fn step(&self, now_ms: u64) -> (u64, bool) {
        let day = now_ms / DAY_MS;
        let shower = self.showers.get(day as usize).copied().flatten();
        (day, shower.is_some_and(|[from_ms, until_ms]| (from_ms..until_ms).contains(&now_ms)))
    }

    /// Share of the full leaf. Years are taken as equally long: a day more or less moves no leaf.
    fn leaf_share(&self, (day, soaked): (u64, bool)) -> f32 {
        let local_s = self.start_local_s as f64 + (day * DAY_MS / 1000) as f64;
        let of_year_s = local_s - libm::floor(local_s / YEAR_S) * YEAR_S;
        let rain_mm_per_h = if soaked { self.fading.shower_mm_per_h } else { 0.0 };
        self.fading.leaf_share(1.0 + of_year_s / 86_400.0, rain_mm_per_h) as f32
    }
}

/// A scripted fault in the air, and the nodes that it concerns.
#[derive(Debug)]
struct Trouble {
    number: u8,
    what: FaultKind,
    nodes: Vec<u32>,
}

/// The mesh.
pub(crate) struct Mesh {
    pub(crate) topology: Topology,
    pub(crate) params: MeshParams,
    routes: Routes,
    powers: Powers,
    keys: Vec<NodeKey>,
    /// Those that hang on the line.
    relays: Relays,
    /// Alive and joined, by node: meters, relays, root.
    alive: Vec<bool>,
    /// Alive and not stuck: what routes may lead through.
    usable: Vec<bool>,
    air: Air,
    season: Season,
    /// The day of the run whose leaves are in the air, and whether they are soaked.
    leaves_of: (u64, bool),
    troubles: Vec<Trouble>,
    /// Has a way when nobody is stuck; kept only while somebody is.
    unstuck: Vec<bool>,
    pub(super) meters: usize,
    pub(crate) dirty: bool,
    messages: u64,
    /// Frame by frame: has power and served, or should, and does not; why.
    cut_off: Vec<Option<MeshStanding>>,
    /// Frame by frame: its parents lead back to one of them.
    looping: Vec<bool>,
    /// What is written down of it.
    tree: Tree,
    /// The same frame by frame; then the routes above are not used.
    pub(crate) frames: Option<Box<Frames>>,
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) joins_s: Vec<f64>,
    isolated_since_ms: u64,
    isolated: u64,
    pub(crate) isolated_node_ms: u64,
}

impl Mesh {
    pub(crate) fn new(
        topology: Topology,
        params: MeshParams,
        season: Season,
        keys: Vec<NodeKey>,
        meters: usize,
    ) -> Self {
        let nodes = keys.len();
        let alive = vec![true; nodes];
        let leaves_of = season.step(0);
        let air = Air { leaves: season.leaf_share(leaves_of), ..Air::default() };
        let routes = topology.routes(&alive, &air);
        let mut mesh = Self {
            topology,
            params,
            routes,
            powers: Powers::default(),
            keys,
            relays: Relays::default(),
            usable: alive.clone(),
            alive,
            air,
            season,
            leaves_of,
            troubles: Vec::new(),
            unstuck: Vec::new(),
            meters,
            dirty: true,
            messages: 0,
            cut_off: vec![None; meters],
            looping: vec![false; nodes.saturating_sub(1)],
            tree: Tree::new(nodes.saturating_sub(1)),
            frames: None,
            sent: 0,
            delivered: 0,
            joins_s: Vec::new(),
            isolated_since_ms: 0,
            isolated: 0,
            isolated_node_ms: 0,
        };
        mesh.write_rows(0);
        mesh
    }

    /// Looks at the mesh frame by frame from now on.
    pub(crate) fn look_closely(&mut self, frames: Frames) {
        for node in 0..self.meters {
            let never = || self.why_cut_off(node, MeshStanding::NeverJoined);
            let standing = if frames.serves(node) { MeshStanding::InTree } else { never() };
            self.turned(node, standing, 0);
        }
        for (number, parent) in frames.parents() {
            self.hung(number, parent, 0);
            if number as usize > self.meters {
                self.relay_turned(number, frames.serves(number as usize - 1), 0);
            }
        }
        self.frames = Some(Box::new(frames));
        self.tell_air(0);
    }

    /// Has joined and has a route.
    pub(super) fn reaches(&self, node: usize) -> bool {
        self.alive[node] && (self.frames.is_some() || self.routes.has_route(node))
    }

    /// Frame by frame: a meter serves, or does not: isolated with power, or dark, or joining.
    pub(super) fn turned(&mut self, meter: usize, standing: MeshStanding, now_ms: u64) {
        self.integrate(now_ms);
        let serves = standing == MeshStanding::InTree;
        self.dirty |= self.alive[meter] != serves;
        self.alive[meter] = serves;
        self.looping[meter] = false;
        self.tree.stands(meter, standing, now_ms);
        self.book(meter, Some(standing).filter(|standing| standing.is_isolated()));
    }

    /// Whether it is looked at frame by frame.
    pub(crate) fn is_frame(&self) -> bool {
        self.frames.is_some()
    }

    /// Frame by frame: a meter's hops to the root.
    pub(crate) fn hops_of(&self, meter: usize) -> Option<u16> {
        self.frames.as_ref().and_then(|frames| frames.hops(meter)).and_then(|hops| u16::try_from(hops).ok())
    }

    /// The scripted fault that names a node: a collapse, or one in the air.
    pub(super) fn own_trouble(&self, node: usize, collapse: bool) -> Option<u8> {
        let of = |t: &&Trouble| (t.what == FaultKind::RoutesCollapsed) == collapse && t.nodes.contains(&(node as u32));
        self.troubles.iter().find(of).map(|t| t.number)
    }

    /// The routes as of the last change.
    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Routes as of now.
    fn refresh(&mut self, now_ms: u64) {
        let leaves_of = self.season.step(now_ms);
        if leaves_of != self.leaves_of {
            self.leaves_of = leaves_of;
            self.air.leaves = self.season.leaf_share(leaves_of);
            self.dirty = true;
            self.tell_air(now_ms);
        }
        if !self.dirty {
            return;
        }
        self.dirty = false;
        self.integrate(now_ms);
        self.usable.clone_from(&self.alive);
        let stuck = || self.troubles.iter().filter(|t| t.what == FaultKind::RoutesCollapsed);
        stuck().flat_map(|t| &t.nodes).for_each(|&node| self.usable[node as usize] = false);
        self.unstuck = if stuck().next().is_some() { self.topology.reached_through(&self.alive) } else { Vec::new() };
        // Frame by frame routes are the nodes' own, and what is isolated is counted as it happens.
        if self.frames.is_none() {
            self.topology.routes_into(&self.usable, &self.air, &mut self.routes);
            self.isolated = (0..self.meters).filter(|&n| self.alive[n] && !self.routes.has_route(n)).count() as u64;
            self.write_tree(now_ms);
        }
    }

    /// Brings the isolated node-hours up to now.
    pub(crate) fn integrate(&mut self, now_ms: u64) {
        self.isolated_node_ms += self.isolated * (now_ms - self.isolated_since_ms);
        self.tree.pass(now_ms - self.isolated_since_ms);
        self.isolated_since_ms = now_ms;
    }

    fn draws(&mut self, seed: (u64, u32), node: usize) -> Draws {
        self.messages += 1;
        Draws::keyed(seed.0, seed.1, self.keys[node], HOP_DRAWS, self.messages)
    }

    /// Hands a message to the mesh; the delay when it arrives, ms.
    pub(super) fn carry(&mut self, seed: (u64, u32), meter: u32, bytes: usize, up: bool, now_ms: u64) -> Option<u64> {
        self.refresh(now_ms);
        self.sent += 1;
        let node = meter as usize;
        let mut draws = self.draws(seed, node);
        let outcome = self.topology.deliver(&self.routes, node, bytes, up, &mut self.powers, &mut draws);
        let (Delivery::Delivered { transmissions, .. } | Delivery::Lost { transmissions, .. }) = outcome;
        let parts = bytes.div_ceil(usize::from(self.params.frame_octets)).max(1);
        self.tree.carried(transmissions, self.topology.airtime_ms(bytes.div_ceil(parts)));
        match outcome {
            Delivery::Delivered { delay_ms, .. } => {
                self.delivered += 1;
                Some(delay_ms)
            }
            Delivery::Lost { .. } => None,
        }
    }

    /// The border router beside the DCU runs, or does not: without it nobody has a route.
    pub(crate) fn root_turned(&mut self, up: bool, now_ms: u64) {
        let root = self.topology.root();
        if let Some(frames) = &mut self.frames {
            frames.power(root, up, now_ms);
        }
        self.dirty |= self.alive[root] != up;
        self.alive[root] = up;
        if up {
            self.root_is_back(now_ms);
        }
    }

    /// A scripted fault troubles the air or the routing, or stops.
    pub(crate) fn turn(&mut self, number: u8, fault: &Fault, on: bool, layout: &Layout, now_ms: u64) {
        self.troubles.retain(|t| t.number != number);
        if on {
            let nodes = match (&fault.target, fault.what) {
                // Noise reaches the neighbours as well; a roof or a stuck router is one's own.
                (FaultTarget::Customers(list), FaultKind::RadioJammed { .. }) => self.near(list, layout),
                (FaultTarget::Customers(list), _) => list.clone(),
                (_, FaultKind::RadioJammed { .. }) => (0..self.keys.len() as u32).collect(),
                _ => (0..self.meters as u32).collect(),
            };
            self.troubles.push(Trouble { number, what: fault.what, nodes });
        }
        let nodes = self.keys.len();
        self.air = Air { noise_rise_db: vec![0.0; nodes], loss_db: vec![0.0; nodes], leaves: self.air.leaves };
        for trouble in &self.troubles {
            let (column, db) = match trouble.what {
                FaultKind::RadioJammed { noise_rise_db } => (&mut self.air.noise_rise_db, noise_rise_db),
                FaultKind::RoofLoss { loss_db } => (&mut self.air.loss_db, loss_db),
                _ => continue,
            };
            for &node in &trouble.nodes {
                let there = &mut column[node as usize];
                *there = there.max(db as f32);
            }
        }
        self.dirty = true;
        self.tell_air(now_ms);
    }

    /// Frame by frame: the air as it is now.
    fn tell_air(&mut self, now_ms: u64) {
        if let Some(frames) = &mut self.frames {
            let collapsed = self.troubles.iter().filter(|t| t.what == FaultKind::RoutesCollapsed);
            let mut stuck = vec![false; self.keys.len()];
            collapsed.flat_map(|t| &t.nodes).for_each(|&node| stuck[node as usize] = true);
            frames.take_air(&self.air, &stuck, now_ms);
        }
    }

    fn near(&self, customers: &[u32], layout: &Layout) -> Vec<u32> {
        let place = |node: usize| match layout.customers.get(node) {
            Some(customer) => customer.meter_at_m,
            None => layout.relays.get(node - self.meters).unwrap_or(&layout.dcu).at_m,
        };
        let close = |a: [f64; 2], b: [f64; 2]| libm::hypot(a[0] - b[0], a[1] - b[1]) <= JAM_RADIUS_M;
        (0..self.keys.len())
            .filter(|&node| customers.iter().any(|&c| close(place(node), place(c as usize))))
            .map(|node| node as u32)
            .collect()
    }

    /// The scripted fault that a node suffers from: one that names it, or else the first in the air.
    fn trouble(&self, node: usize) -> Option<u8> {
        let in_air = || self.troubles.iter().filter(|t| t.what != FaultKind::RoutesCollapsed);
        in_air().find(|t| t.nodes.contains(&(node as u32))).or_else(|| in_air().next()).map(|t| t.number)
    }

    /// The collapse without which this node would have a way.
    fn collapse(&self, node: usize) -> Option<u8> {
        let collapsed = || self.troubles.iter().filter(|t| t.what == FaultKind::RoutesCollapsed);
        let own = collapsed().find(|t| t.nodes.contains(&(node as u32)));
        let helped = self.unstuck.get(node).copied().unwrap_or(false);
        if helped { own.or_else(|| collapsed().next()).map(|t| t.number) } else { None }
    }
}

impl Village<'_> {
    /// Bytes of the DCU for a meter.
    pub(crate) fn send_down(&mut self, customer: u32, bytes: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        // A meter whose key is lost takes nothing from this site: as if unheard.
        if !self.repairs.keys[customer as usize].up() {
            return;
        }
        if let Some(frames) = &mut self.mesh.frames {
            self.mesh.sent += 1;
            frames.send(customer, bytes, false, now_ms);
            self.mesh_stirred(now_ms, queue);
            return;
        }
        if let Some(delay_ms) = self.mesh.carry(self.seed, customer, bytes.len(), false, now_ms) {
            let message = self.messages.put(bytes);
            let node = self.people.of(customer).identity.node;
            queue.at(SimTime::from_ms(now_ms + delay_ms), Phase::Meter, node, Event::AtMeter { customer, message });
        }
    }

    /// Bytes of a meter for the DCU.
    pub(crate) fn send_up_mesh(&mut self, customer: u32, bytes: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        if let Some(frames) = &mut self.mesh.frames {
            self.mesh.sent += 1;
            frames.send(customer, bytes, true, now_ms);
            self.mesh_stirred(now_ms, queue);
        } else if let Some(delay_ms) = self.mesh.carry(self.seed, customer, bytes.len(), true, now_ms) {
            let message = self.messages.put(bytes);
            let at = SimTime::from_ms(now_ms + delay_ms);
            queue.at(at, Phase::Dcu, self.ops.dcu, Event::AtDcu { customer, message });
        }
    }

    /// The meter has joined and has a route, and the DCU has its key.
    pub(crate) fn can_speak(&mut self, customer: u32, now_ms: u64) -> bool {
        self.mesh.refresh(now_ms);
        let node = customer as usize;
        self.mesh.reaches(node) && self.repairs.keys[node].up()
    }

    /// A meter got or lost its voltage, or died, or was mended.
    pub(crate) fn mesh_power_turned(&mut self, customer: u32, awake: bool, now_ms: u64, queue: &mut Queue<Event>) {
        self.mesh.dirty = true;
        if self.mesh.frames.is_some() {
            return self.mesh_node_turned(customer, awake, now_ms, queue);
        }
        self.mesh.alive[customer as usize] = false;
        let seed = self.seed;
        let one = self.people.of(customer);
        let lit = awake && !one.unit.dead;
        let standing = if lit { MeshStanding::Joining } else { MeshStanding::Dark };
        self.mesh.tree.stands(customer as usize, standing, now_ms);
        if !lit {
            one.unit.joining_since_ms = None;
            one.unit.join_wake.cancel();
            return;
        }
        one.unit.joining_since_ms = Some(now_ms);
        one.unit.joins += 1;
        let mut draws = Draws::keyed(seed.0, seed.1, one.identity.key, JOIN_DRAWS, one.unit.joins);
        let delay_ms = (join_delay_s(&self.mesh.params, one.unit.hops, &mut draws) * 1000.0) as u64;
        let at_ms = (now_ms + delay_ms).next_multiple_of(JOIN_GRID_MS);
        let node = one.identity.node;
        queue.arm(&mut one.unit.join_wake, SimTime::from_ms(at_ms), Phase::Radio, node, |generation| Event::Joined {
            customer,
            generation,
        });
    }

    /// A meter has joined: it can be reached and forwards for others.
    pub(crate) fn joined(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let unit = self.people.of(customer).unit;
        if let Some(since_ms) = unit.joining_since_ms.take() {
            self.mesh.joins_s.push((now_ms - since_ms) as f64 / 1000.0);
        }
        unit.meter.handle_linked(now_ms * 1_000_000);
        self.outage_linked(customer);
        self.mesh.alive[customer as usize] = true;
        self.mesh.dirty = true;
        self.meter_deadline(customer, now_ms, queue);
        self.site_meter_heard(customer, now_ms, queue);
        self.parent_heard(customer);
        // The way to others may lead through this one.
        self.touch_all();
    }

    /// Why the DCU cannot reach a meter whose line is alive; nothing when it can.
    pub(crate) fn unreachable(&mut self, customer: u32, now_ms: u64) -> Option<Chain> {
        self.mesh.refresh(now_ms);
        let node = customer as usize;
        let key = &self.repairs.keys[node];
        if !key.up() {
            return Some(key.chain());
        }
        if self.mesh.frames.is_some() {
            return self.unreachable_by_frames(customer);
        }
        if self.mesh.reaches(node) {
            return None;
        }
        let last_loss = self.people.of(customer).unit.last_loss;
        if !self.mesh.alive[node] {
            return Some(Chain::of(Cause::Rejoining).then(last_loss));
        }
        let isolated = Chain::of(Cause::MeshIsolated);
        if let Some(number) = self.mesh.collapse(node) {
            return Some(isolated.because(Cause::RoutesLost).because(Cause::Scripted(number)));
        }
        Some(match self.mesh.routes.why_not[node] {
            Some(NoRoute::HopLimit) => isolated.because(Cause::HopLimit),
            Some(NoRoute::Jammed) => match self.mesh.trouble(node) {
                Some(number) => isolated.because(Cause::Scripted(number)),
                None => isolated.because(Cause::RadioLoss),
            },
            Some(NoRoute::ForwarderDark | NoRoute::SelfDark) => isolated
                .because(Cause::ForwarderDark)
                .then(if last_loss.is_empty() { self.power.off } else { last_loss }),
            Some(NoRoute::OutOfRange) | None => isolated,
        })
    }
}
