//! From a scenario to the planner's nodes: meters, relays that stand, places for relays, places for the root.

use taa_models::{
    draw::{Draws, NodeKey, Purpose},
    mesh::plan::{LinkGraph, Problem, air},
    radio::village::Mounted,
};
use taa_scenarios::model::{Place, Scenario};

use super::Wish;

/// Two things nearer to each other than this stand on one spot, metres.
const SAME_SPOT_M: f64 = 3.0;
/// A new mast stands at least so far from every pole, metres.
const APART_M: f64 = 10.0;
/// Masts are looked for within so much of a meter that waits, metres…
const REACH_M: f64 = 100.0;
/// …on a grid of so many metres, wider where there would be too many.
const GRID_M: f64 = 25.0;
/// Most masts that are looked at.
const MASTS: usize = 400;

/// A place where something may be put.
pub struct Spot {
    /// As the village file will call what is put there.
    pub place: Place,
    /// As people call the place.
    pub name: String,
    /// There is nothing yet to fix it to.
    pub mast: bool,
}

/// All nodes, in the planner's order.
pub struct Places {
    /// Radios: meters, relays that stand, places for relays, places for the root.
    pub nodes: Vec<Mounted>,
    /// How many meters.
    pub meters: usize,
    /// How many relays that stand.
    pub standing: usize,
    /// Places for relays.
    pub relays: Vec<Spot>,
    /// Places for the root; where it stands now comes first.
    pub roots: Vec<Spot>,
}

fn apart_m(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

impl Places {
    /// The poles of the village, the place of the concentrator and the generation site; `masts` are further places.
    pub(super) fn of(scenario: &Scenario, wish: &Wish, masts: &[[f64; 2]]) -> Self {
        let village = &scenario.village;
        let mut nodes = taa_sim::reach::mesh_nodes(scenario);
        let meters = village.customers.len();
        // The last one is the concentrator where it stands now; it comes again among the roots.
        nodes.truncate(meters + village.relays.len());
        let height_m = wish.relay_height_m;
        let new = |id: String, at_m, name: String, mast| Spot {
            place: Place { id: free_id(scenario, &id), at_m, height_m },
            name,
            mast,
        };
        let free = |at_m: [f64; 2]| village.relays.iter().all(|relay| apart_m(relay.at_m, at_m) >= SAME_SPOT_M);
        let on_poles = village.poles.iter().filter(|pole| free(pole.at_m));
        let mut relays: Vec<Spot> = on_poles
            .map(|pole| new(format!("relay-{}", pole.id), pole.at_m, format!("pole {}", pole.id), false))
            .collect();
        for &at_m in masts {
            let (east, north) = (at_m[0].round(), at_m[1].round());
            relays.push(new(format!("relay-{east}e-{north}n"), at_m, format!("mast {east} m E, {north} m N"), true));
        }
        let dcu = &village.dcu;
        let root = |at_m, name: String| Spot { place: Place { at_m, ..dcu.clone() }, name, mast: false };
        let mut roots = vec![root(dcu.at_m, where_now(scenario))];
        if !wish.keep_root {
            let generation = village.generation.at_m;
            if apart_m(generation, dcu.at_m) >= SAME_SPOT_M {
                roots.push(root(generation, "generation site".to_owned()));
            }
            let poles = village.poles.iter().filter(|pole| apart_m(pole.at_m, dcu.at_m) >= SAME_SPOT_M);
            roots.extend(poles.map(|pole| root(pole.at_m, format!("pole {}", pole.id))));
        }
        let antenna = scenario.comms.radio.mast_antenna;
        nodes.extend(
            relays.iter().chain(&roots).map(|Spot { place, .. }| {
                Mounted::on_pole(NodeKey::of(&place.id), place.at_m, place.height_m, antenna)
            }),
        );
        Self { nodes, meters, standing: village.relays.len(), relays, roots }
    }

    /// Usable links of each draw: first the air of a run under this seed, then others.
    pub(super) fn draws(&self, scenario: &Scenario, seed: u64, count: u32) -> Vec<LinkGraph> {
        const AIRS: Purpose = Purpose::named("taa/plan/airs");
        let comms = &scenario.comms;
        let band = comms.mesh.band(comms.radio.frequency_hz()).filter(|_| !comms.interferers.is_empty());
        let others = band.map(|band| air::Others { sources: &comms.interferers, band });
        let pairs = air::Pairs::new(&comms.radio, &comms.mesh, &self.nodes, self.roots.len());
        let one = |draw: u32| {
            let other = || Draws::keyed(seed, 0, NodeKey(0), AIRS, u64::from(draw)).u64();
            let seed = if draw == 0 { seed } else { other() };
            pairs.draw(&comms.radio, &self.nodes, others.as_ref(), seed)
        };
        let one = &one;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let all: Vec<u32> = (0..count).collect();
        let mut drawn = Vec::with_capacity(all.len());
        for batch in all.chunks(cores) {
            std::thread::scope(|scope| {
                let running: Vec<_> = batch.iter().map(|&draw| scope.spawn(move || one(draw))).collect();
                // A panic in a draw is our own bug and goes on here.
                drawn.extend(
                    running
                        .into_iter()
                        .map(|draw| draw.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
                );
            });
        }
        drawn
    }

    /// The planner's problem over links with this margin.
    pub(super) fn problem(&self, usable: &[LinkGraph], margin_db: f32) -> Problem {
        let spot_of = |root: &Spot| {
            let near = |relay: &Spot| apart_m(relay.place.at_m, root.place.at_m) < SAME_SPOT_M;
            self.relays.iter().position(near)
        };
        Problem {
            meters: self.meters,
            standing: self.standing,
            relays: self.relays.len(),
            roots: self.roots.len(),
            draws: usable.iter().map(|graph| graph.at_least(margin_db)).collect(),
            same_spot: self.roots.iter().map(spot_of).collect(),
            mast: self.relays.iter().map(|spot| spot.mast).collect(),
        }
    }
}

/// Places for masts around meters that no set of poles serves.
pub(super) fn masts(scenario: &Scenario, waiting: &[usize]) -> Vec<[f64; 2]> {
    let village = &scenario.village;
    let around: Vec<[f64; 2]> =
        waiting.iter().filter_map(|&meter| village.customers.get(meter)).map(|customer| customer.meter_at_m).collect();
    let taken: Vec<[f64; 2]> =
        village.poles.iter().map(|pole| pole.at_m).chain(village.relays.iter().map(|relay| relay.at_m)).collect();
    let mut step_m = GRID_M;
    loop {
        let found = air::grid(&around, &taken, step_m, REACH_M, APART_M);
        if found.len() <= MASTS || step_m >= REACH_M {
            return found.into_iter().take(MASTS).collect();
        }
        step_m *= 1.25;
    }
}

fn free_id(scenario: &Scenario, id: &str) -> String {
    let taken = |id: &str| scenario.village.relays.iter().any(|relay| relay.id == id);
    let mut free = id.to_owned();
    let mut count = 2;
    while taken(&free) {
        free = format!("{id}-{count}");
        count += 1;
    }
    free
}

fn where_now(scenario: &Scenario) -> String {
    let village = &scenario.village;
    let at_m = village.dcu.at_m;
    if apart_m(at_m, village.generation.at_m) < SAME_SPOT_M {
        return "generation site".to_owned();
    }
    let pole = village.poles.iter().find(|pole| apart_m(pole.at_m, at_m) < SAME_SPOT_M);
    pole.map_or_else(|| format!("{:.0} m E, {:.0} m N", at_m[0], at_m[1]), |pole| format!("pole {}", pole.id))
}
