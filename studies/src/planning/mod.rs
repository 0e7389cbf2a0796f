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
