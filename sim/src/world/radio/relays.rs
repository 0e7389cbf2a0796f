//! Radio relays on the line (`[comms.mesh] relay_supply = "line"`): dark when the line at their pole is, and joining anew
//! when it is back.
//!
//! A map says where a relay stands, not which wire it hangs on. Assumed: one of those that feed the customers of the
//! nearest pole that serves any; it is dark when all of these are.

use taa_models::{draw::Draws, mesh::join_delay_s};
use taa_scenarios::model::Village as Layout;

use super::{JOIN_DRAWS, JOIN_GRID_MS, Mesh};
use crate::{
    kernel::{Phase, Queue, SimTime, Wake},
    records::MeshStanding,
    world::{Event, Village},
};

/// One relay on the line.
#[derive(Debug)]
struct Relay {
    /// Customers that hang where it does.
    beside: Vec<u32>,
    lit: bool,
    /// Over settled routes, with power everywhere.
    hops: u16,
    joins: u64,
    wake: Wake,
}

/// Those of a village; none where they have a supply of their own.
#[derive(Debug, Default)]
pub(super) struct Relays(Vec<Relay>);

impl Relays {
    fn of(layout: &Layout, hops: impl Fn(usize) -> u16) -> Self {
        let served = |pole: u32| (0_u32..).zip(&layout.customers).filter(move |(_, customer)| customer.pole == pole);
        let serving: Vec<u32> = (0..layout.poles.len() as u32).filter(|&pole| served(pole).next().is_some()).collect();
        let relays = layout.relays.iter().enumerate().map(|(number, relay)| {
            let away_m = |pole: &u32| {
                let [east_m, north_m] = layout.poles[*pole as usize].at_m;
                libm::hypot(east_m - relay.at_m[0], north_m - relay.at_m[1])
            };
            let nearest = serving.iter().copied().min_by(|a, b| away_m(a).total_cmp(&away_m(b)));
            let beside = nearest.map(|pole| served(pole).map(|(customer, _)| customer).collect()).unwrap_or_default();
            Relay { beside, lit: true, hops: hops(number), joins: 0, wake: Wake::default() }
        });
        Self(relays.collect())
    }
}

impl Mesh {
    /// Relays hang on the line from now on.
    pub(in crate::world) fn hang_relays(&mut self, layout: &Layout) {
        let hops = |number: usize| self.routes.hops.get(self.meters + number).copied().unwrap_or(1);
        self.relays = Relays::of(layout, hops);
    }
}

impl Village<'_> {
    /// The voltage on a customer's line has changed: perhaps that of relays beside it has too.
    pub(crate) fn relays_turned(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        for number in 0..self.mesh.relays.0.len() {
            let relay = &self.mesh.relays.0[number];
            if relay.beside.contains(&customer) {
                let lit = relay.beside.iter().any(|&beside| self.line_dead(beside).is_none());
                if lit != relay.lit {
                    self.relay_power_turned(number, lit, now_ms, queue);
                }
            }
        }
    }

    fn relay_power_turned(&mut self, number: usize, lit: bool, now_ms: u64, queue: &mut Queue<Event>) {
        let (seed, node, dcu) = (self.seed, self.mesh.meters + number, self.ops.dcu);
        // The way to others may have led through this one.
        self.touch_all();
        let mesh = &mut self.mesh;
        let standing = if lit { MeshStanding::Joining } else { MeshStanding::Dark };
        mesh.tree.stands(node, standing, now_ms);
        mesh.dirty = true;
        let relay = &mut mesh.relays.0[number];
        (relay.lit, relay.joins) = (lit, relay.joins + u64::from(lit));
        if let Some(frames) = &mut mesh.frames {
            frames.power(node, lit, now_ms);
            return self.mesh_stirred(now_ms, queue);
        }
        mesh.alive[node] = false;
        if !lit {
            return relay.wake.cancel();
        }
        let mut draws = Draws::keyed(seed.0, seed.1, mesh.keys[node], JOIN_DRAWS, relay.joins);
        let delay_ms = (join_delay_s(&mesh.params, relay.hops, &mut draws) * 1000.0) as u64;
        let at = SimTime::from_ms((now_ms + delay_ms).next_multiple_of(JOIN_GRID_MS));
        queue.arm(&mut relay.wake, at, Phase::Radio, dcu, |generation| Event::RelayJoined {
            relay: number as u32,
            generation,
        });
    }

    /// By message: a relay forwards again.
    pub(crate) fn relay_joined(&mut self, number: u32, generation: u32) {
        let mesh = &mut self.mesh;
        if mesh.relays.0.get(number as usize).is_some_and(|relay| relay.wake.is_current(generation)) {
            mesh.alive[mesh.meters + number as usize] = true;
            mesh.dirty = true;
            self.touch_all();
        }
    }
}
