//! From a village to the mesh planner and back: which poles get a relay, and where the concentrator stands.

mod places;

use taa_models::mesh::plan::{self, Ask, LinkGraph, Plan, Problem};
use taa_scenarios::model::{Place, Scenario};

pub use places::{Places, Spot};

/// What is wished for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// Ways per meter that share no meter and no relay, 1 to 4.
    pub paths: u8,
    /// Most hops of each way; nothing: the scenario's hop limit.
    pub hops: Option<u16>,
    /// What every link must have to spare, dB.
    pub margin_db: f64,
    /// Draws of the air in each of which the plan must hold: first that of a run, then others.
    pub draws: u32,
    /// Height of a relay's antenna over ground, metres.
    pub relay_height_m: f64,
    /// The concentrator stays where it is.
    pub keep_root: bool,
    /// No masts beside the poles, even where poles do not do.
    pub poles_only: bool,
    /// How much to search ([`Ask::work`]).
    pub work: u64,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            paths: 2,
            hops: None,
            margin_db: 6.0,
            draws: 3,
            relay_height_m: 6.0,
            keep_root: false,
            poles_only: false,
            work: Ask::WORK,
        }
    }
}

impl Wish {
    /// Most hops of each way in this village.
    #[must_use]
    pub fn hops(&self, scenario: &Scenario) -> u16 {
        self.hops.unwrap_or(scenario.comms.mesh.hop_limit)
    }
}

/// A plan, and what it was made from.
pub struct Planned {
    /// What the planner's numbers stand for.
    pub places: Places,
    /// By draw: links that carry anything.
    pub usable: Vec<LinkGraph>,
    /// What was asked.
    pub problem: Problem,
    /// The answer.
    pub plan: Plan,
}

impl Planned {
    /// The new relays, as a village file has them.
    pub fn relays(&self) -> impl Iterator<Item = &Place> {
        self.plan.relays.iter().filter_map(|&place| self.places.relays.get(place)).map(|spot| &spot.place)
    }
}

/// Meters that have fewer ways than asked for in some draw.
#[must_use]
pub fn waiting(plan: &Plan) -> Vec<usize> {
    let mut all: Vec<usize> = plan.waiting.iter().flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Plans: on poles, and where these do not serve all, unless [`Wish::poles_only`], with masts around those who wait. Nothing
/// without a place for the root.
#[must_use]
pub fn search(scenario: &Scenario, wish: &Wish) -> Option<Planned> {
    let on_poles = once(scenario, wish, &[])?;
    let left = waiting(&on_poles.plan);
    if left.is_empty() || wish.poles_only {
        return Some(on_poles);
    }
    let with_masts = once(scenario, wish, &places::masts(scenario, &left))?;
    let missing = |of: &Planned| of.plan.waiting.iter().map(Vec::len).sum::<usize>();
    // Masts that serve nobody more are not worth putting up.
    Some(if missing(&with_masts) < missing(&on_poles) { with_masts } else { on_poles })
}

fn once(scenario: &Scenario, wish: &Wish, masts: &[[f64; 2]]) -> Option<Planned> {
    let ask = Ask {
        paths: wish.paths,
        hops: wish.hops(scenario),
        keep_root: wish.keep_root,
        work: wish.work,
        ..Ask::default()
    };
    let places = Places::of(scenario, wish, masts);
    let usable = places.draws(scenario, scenario.run.seed, wish.draws);
    let problem = places.problem(&usable, wish.margin_db as f32);
    let plan = plan::plan(&problem, &ask)?;
    Some(Planned { places, usable, problem, plan })
}

#[cfg(test)]
mod tests {
    use taa_models::{
        draw::NodeKey,
        radio::{
            aerial::Pattern,
            interferer::{Interferer, InterfererParams},
            village::Mounted,
        },
    };

    use super::*;
    use crate::testing;

    /// Of the meters that the plan promises two ways, how many a run does not reach with its relays; and the promised.
    fn broken(scenario: &Scenario, planned: &Planned) -> (usize, usize) {
        let mut with = scenario.clone();
        with.village.relays.extend(planned.relays().cloned());
        let hops = taa_sim::reach::meter_hops(&with);
        let waiting = waiting(&planned.plan);
        let promised: Vec<usize> = (0..hops.len()).filter(|meter| !waiting.contains(meter)).collect();
        (promised.iter().filter(|&&meter| hops[meter].is_none()).count(), promised.len())
    }

    /// A jammer over all channels beside a meter: what a plan promises among it, a run keeps. Sabotage: a plan that does not know
    /// of the jammer promises two ways to a quarter of the meters that have none.
    #[test]
    fn a_plan_among_a_jammer_holds_among_it() {
        let mut scenario = testing::village(80, 2, 1);
        let wish = Wish { draws: 1, keep_root: true, poles_only: true, ..Wish::default() };
        let blind = search(&scenario, &wish).unwrap();
        let params = InterfererParams {
            bandwidth_khz: 7_000.0,
            centre_mhz: 866.5,
            power_dbm: 14.0,
            burst_ms: 1_000.0,
            period_ms: 1_000.0,
        };
        let [east_m, north_m] = scenario.village.customers[4].meter_at_m;
        let at = Mounted::on_pole(NodeKey(9), [east_m + 20.0, north_m], 3.0, Pattern::Isotropic);
        scenario.comms.interferers = vec![Interferer { name: "jammer".to_owned(), params, at }];
        let knowing = search(&scenario, &wish).unwrap();
        let (of_blind, of_knowing) = (broken(&scenario, &blind), broken(&scenario, &knowing));
        println!("promised and not reached: blind {of_blind:?}, knowing {of_knowing:?}");
        assert!(of_blind.0 >= 20 && of_knowing.0 == 0 && of_knowing.1 > 40, "{of_blind:?} {of_knowing:?}");
    }
}
