//! From footprints to a village: who is connected, as what, and the poles and lines that reach them.
//!
//! ```text
//! buildings ─▶ choose (connected? class, roof, wall, meter) ─▶ ground (obstacles) ─▶ poles (few, in reach, off houses)
//!                                     ─▶ tree (spans, minimum spanning) ─▶ feeders (split, phases) ─▶ Village
//! ```
//!
//! Everything that is a property of one building comes from draws keyed by the seed and the building's id, so adding or
//! removing a building leaves the others' ids, meters, class, roof, wall and placement as they were. The grid is a
//! property of the whole village and may change: which pole, feeder and phase serve a customer.
//!
//! What comes out is a design of the kind that planners draw, not an optimum: poles stand where they reach most
//! customers for the fewest poles, starting from the generation site and going outwards; lines are the minimum spanning
//! tree over the poles, lines across roofs counting for more than their length.
//!
//! Invariants, tested over random villages: every customer hangs on a pole within `service_max_m`; lines form one tree
//! per feeder, rooted at the source; no span exceeds `max_span_m`; phases within a feeder differ by one customer at
//! most; the same input gives the same village.

mod choose;
mod feeders;
mod geo;
mod ground;
mod params;
mod poles;
mod problem;
mod tree;

use taa_models::demand::Class;

pub use geo::{from_geo, to_geo};
pub use params::{ClassShares, Connections, LayoutParams, PlacementShares, RoofShares, WallShares};
pub use problem::{LayoutErrors, LayoutProblem};

use crate::import::Imported;
use crate::model::{Building, Customer, Line, LineEnd, Place, Placement, Pole, Site, Village};

/// Height at which a meter hangs, metres.
#[must_use]
pub const fn meter_height_m(placement: Placement) -> f64 {
    match placement {
        Placement::Pole => 4.0,
        Placement::Wall => 1.8,
        Placement::Indoor => 1.5,
    }
}

/// The customer's id for a building's.
#[must_use]
pub fn customer_id(building_id: &str) -> String {
    format!("c-{building_id}")
}

/// The meter's logical device name for a building's id: a manufacturer's code of three letters and 13 digits, 16
/// characters in all as DLMS wants it (Blue Book, 4.1.8.2: at most 16 octets).
#[must_use]
pub fn meter_id(building_id: &str) -> String {
    let taa_models::draw::NodeKey(key) = taa_models::draw::NodeKey::of(building_id);
    format!("TAA{:013}", key % 10_000_000_000_000)
}

/// Consumption of a class on a mean day, Wh: what the load centre and the balance of feeders go by.
fn load_wh(class: Class) -> f64 {
    taa_models::demand::mean_daily_wh(class)
}

/// Lays the village out.
///
/// # Errors
/// Parameters out of range, too few buildings for the connections wanted, unknown ids.
pub fn build(imported: &Imported, params: &LayoutParams, site: &Site, seed: u64) -> Result<Village, LayoutErrors> {
    let problems = params.check();
    if !problems.is_empty() {
        return Err(LayoutErrors { problems });
    }
    let choices = choose::all(&imported.buildings, params, seed)?;
    let mut buildings: Vec<Building> = Vec::with_capacity(choices.len());
    for (raw, choice) in imported.buildings.iter().zip(&choices) {
        buildings.push(Building {
            id: raw.id.clone(),
            outline_m: raw.ring_deg.iter().map(|&corner| from_geo(site, corner)).collect(),
            at_m: from_geo(site, raw.centre_deg),
            area_m2: raw.area_m2,
            roof: choice.roof,
            wall: choice.wall,
            customer: None,
        });
    }
    let served: Vec<usize> = (0..buildings.len()).filter(|&i| choices[i].connected).collect();
    if served.is_empty() {
        return Err(LayoutProblem::NoCustomers.into());
    }
    let loads: Vec<f64> = served.iter().map(|&i| load_wh(choices[i].class)).collect();
    let ground = ground::Ground::new(&buildings);
    let centre = load_centre(&buildings, &served, &loads);
    let source = match params.generation_lon_lat_deg {
        Some(given) => given_site(site, given, centre, "generation_lon_lat_deg")?,
        None => ground.free_spot(centre),
    };
    let dcu_at = match params.dcu_lon_lat_deg {
        Some(given) => given_site(site, given, centre, "dcu_lon_lat_deg")?,
        None => source,
    };
    let standing = poles::stand(&ground, &buildings, &served, source, params);
    let mut tree = tree::span(&ground, &buildings, &served, source, standing, params);
    let plan = feeders::plan(&mut tree, &ground, &loads, source, params);
    Ok(assemble(buildings, &choices, &served, &tree, &plan, source, dcu_at, params))
}

/// A site given in degrees, refused when it is far away (swapped coordinates are the usual reason).
fn given_site(site: &Site, given: [f64; 2], centre: [f64; 2], field: &'static str) -> Result<[f64; 2], LayoutProblem> {
    let at = from_geo(site, given);
    let km = ground::distance(at, centre) / 1000.0;
    if km > 5.0 {
        return Err(LayoutProblem::SiteFarAway { field, far_km: km.round() as u64 });
    }
    Ok(at)
}

/// The point with the least load-weighted distance to all customers (geometric median, Weiszfeld's iteration).
fn load_centre(buildings: &[Building], served: &[usize], loads: &[f64]) -> [f64; 2] {
    let all: f64 = loads.iter().sum();
    let weighted = |axis: usize| served.iter().zip(loads).map(|(&i, load)| buildings[i].at_m[axis] * load).sum::<f64>();
    let mut at = [weighted(0) / all, weighted(1) / all];
    for _ in 0..40 {
        let (mut x, mut y, mut sum) = (0.0, 0.0, 0.0);
        for (&i, load) in served.iter().zip(loads) {
            let pull = load / ground::distance(at, buildings[i].at_m).max(1.0);
            x += buildings[i].at_m[0] * pull;
            y += buildings[i].at_m[1] * pull;
            sum += pull;
        }
        at = [x / sum, y / sum];
    }
    at
}

#[allow(clippy::too_many_arguments)]
fn assemble(
    mut buildings: Vec<Building>,
    choices: &[choose::Choice],
    served: &[usize],
    tree: &tree::Tree,
    plan: &feeders::Plan,
    source: [f64; 2],
    dcu_at: [f64; 2],
    params: &LayoutParams,
) -> Village {
    let mut customers = Vec::with_capacity(served.len());
    for (c, &b) in served.iter().enumerate() {
        let building = &mut buildings[b];
        building.customer = Some(c as u32);
        let pole = tree.customer_pole[c];
        let pole_at = tree.at[pole];
        let drop_at = ground::nearest_on_outline(building, pole_at);
        let placement = choices[b].placement;
        customers.push(Customer {
            id: customer_id(&building.id),
            meter_id: meter_id(&building.id),
            building: b as u32,
            class: choices[b].class,
            placement,
            pole: plan.rank[pole],
            feeder: plan.feeder_of[pole],
            phase: plan.phase[c],
            meter_at_m: match placement {
                Placement::Pole => pole_at,
                Placement::Wall => drop_at,
                Placement::Indoor => building.at_m,
            },
            service_m: ground::distance(pole_at, drop_at),
        });
    }
    let mut poles = Vec::with_capacity(plan.order.len());
    let mut lines = Vec::with_capacity(plan.order.len());
    for (rank, &pole) in plan.order.iter().enumerate() {
        let at_m = tree.at[pole];
        poles.push(Pole { id: format!("p{}", rank + 1), at_m, feeder: plan.feeder_of[pole] });
        let (from, from_at) = match tree.parent[pole] {
            Some(parent) => (LineEnd::Pole(plan.rank[parent]), tree.at[parent]),
            None => (LineEnd::Source, source),
        };
        let length_m = ground::distance(from_at, at_m);
        lines.push(Line { id: format!("l{}", rank + 1), from, to: rank as u32, length_m });
    }
    let feeders = (1..=plan.feeders).map(|f| crate::model::Feeder { id: format!("f{f}") }).collect();
    Village {
        buildings,
        customers,
        poles,
        lines,
        feeders,
        dcu: Place { id: "dcu".to_owned(), at_m: dcu_at, height_m: params.dcu_height_m },
        generation: Place { id: "generation".to_owned(), at_m: source, height_m: 3.0 },
        relays: Vec::new(),
    }
}

/// What a planner asks of a layout first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Connections.
    pub customers: usize,
    /// Poles.
    pub poles: usize,
    /// Feeders.
    pub feeders: usize,
    /// Low-voltage line, metres.
    pub line_m: f64,
    /// Service drops together, metres.
    pub service_m: f64,
    /// Longest span, metres.
    pub span_max_m: f64,
    /// Longest way from the source to a pole along the lines, metres.
    pub reach_max_m: f64,
}

impl Figures {
    /// Measures a village.
    #[must_use]
    pub fn of(village: &Village) -> Self {
        let mut reach = vec![0.0_f64; village.poles.len()];
        // Lines stand in the order of the tree, each after the one that feeds it.
        for line in &village.lines {
            let before = match line.from {
                LineEnd::Source => 0.0,
                LineEnd::Pole(pole) => reach.get(pole as usize).copied().unwrap_or(0.0),
            };
            if let Some(slot) = reach.get_mut(line.to as usize) {
                *slot = before + line.length_m;
            }
        }
        Self {
            customers: village.customers.len(),
            poles: village.poles.len(),
            feeders: village.feeders.len(),
            line_m: village.lines.iter().map(|line| line.length_m).sum(),
            service_m: village.customers.iter().map(|customer| customer.service_m).sum(),
            span_max_m: village.lines.iter().map(|line| line.length_m).fold(0.0, f64::max),
            reach_max_m: reach.iter().copied().fold(0.0, f64::max),
        }
    }

    /// One line for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "{} customers on {} poles ({:.1} per pole), {:.1} km of line on {} feeders, farthest pole {:.0} m from the source",
            self.customers,
            self.poles,
            self.customers as f64 / self.poles.max(1) as f64,
            self.line_m / 1000.0,
            self.feeders,
            self.reach_max_m
        )
    }
}
