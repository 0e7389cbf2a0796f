//! `taa plan mesh`: where the concentrator stands and which poles get a relay, so that every meter has two disjoint ways.

mod page;
mod places;
mod table;
mod write;

use std::{path::PathBuf, time::Instant};

use taa_models::mesh::plan::{self, Ask, Figures, LinkGraph, Plan, Problem};
use taa_scenarios::{Overrides, layout::to_geo, model::Scenario};

use crate::{
    Failure,
    args::{PlanCommand, PlanMeshArgs},
    show, study,
};
use places::Places;

/// Everything that is told about a plan.
struct Told<'a> {
    scenario: &'a Scenario,
    args: &'a PlanMeshArgs,
    places: &'a Places,
    plan: &'a Plan,
    hops: u16,
    seed: u64,
    /// By draw: as it stands.
    before: Vec<Figures>,
    /// By draw: as planned.
    after: Vec<Figures>,
    wall_s: f64,
}

impl Told<'_> {
    /// Meters that wait in some draw.
    fn waiting(&self) -> Vec<usize> {
        waiting(self.plan)
    }

    /// What meters have in their worst draw.
    fn worst_ways(figures: &[Figures], meter: usize) -> u8 {
        figures.iter().filter_map(|one| one.ways.get(meter)).copied().min().unwrap_or(0)
    }
}

fn waiting(plan: &Plan) -> Vec<usize> {
    let mut all: Vec<usize> = plan.waiting.iter().flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

pub(crate) fn plan(what: &PlanCommand) -> Result<(), Failure> {
    let PlanCommand::Mesh(args) = what;
    mesh(args)
}

fn mesh(args: &PlanMeshArgs) -> Result<(), Failure> {
    let overrides = Overrides { seed: args.seed, ..Overrides::default() };
    let scenario = taa_scenarios::load(&args.village, &overrides).map_err(|found| show::input(&found))?;
    // Whether the file can be written is said before the search, not after it.
    let target = if args.write { Some(write::Target::open(&args.village)?) } else { None };
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(format!("{}-mesh-plan", scenario.name)));
    show::folder(&out)?;
    let started = now();
    let (places, usable, problem, plan) = search(&scenario, args)?;
    let told = tell(&scenario, args, (&places, &usable, &problem, &plan), started);
    let page = out.join("mesh.html");
    study::whole(&page, &page::render(&told))?;
    if args.json {
        show::say(&table::json(&told, &page)?)?;
    } else {
        show::say(&table::text(&told))?;
        show::say(&format!("Map: {}", page.display()))?;
    }
    if let Some(target) = target {
        for line in target.write(&told)? {
            show::remark(&line);
        }
    }
    match table::left_over(&told) {
        None => Ok(()),
        Some(text) => Err(Failure::Found(text)),
    }
}

fn search(scenario: &Scenario, args: &PlanMeshArgs) -> Result<(Places, Vec<LinkGraph>, Problem, Plan), Failure> {
    let ask = Ask { paths: args.paths, hops: hops(scenario, args), keep_root: args.keep_dcu, ..Ask::default() };
    let once = |masts: &[[f64; 2]], ask: &Ask| {
        let places = Places::of(scenario, args, masts);
        let usable = places.draws(scenario, scenario.run.seed, args.draws);
        let problem = places.problem(&usable, args.margin_db as f32);
        let plan = plan::plan(&problem, ask).ok_or_else(|| Failure::Own("no place for the root".to_owned()))?;
        Ok((places, usable, problem, plan))
    };
    let on_poles = once(&[], &ask)?;
    let waiting = waiting(&on_poles.3);
    if waiting.is_empty() || args.poles_only {
        return Ok(on_poles);
    }
    let masts = places::masts(scenario, &waiting);
    let with_masts = once(&masts, &ask)?;
    let missing = |plan: &Plan| plan.waiting.iter().map(Vec::len).sum::<usize>();
    // Masts that serve nobody more are not worth putting up.
    Ok(if missing(&with_masts.3) < missing(&on_poles.3) { with_masts } else { on_poles })
}

fn hops(scenario: &Scenario, args: &PlanMeshArgs) -> u16 {
    args.hops.unwrap_or(scenario.comms.mesh.hop_limit)
}

fn tell<'a>(
    scenario: &'a Scenario,
    args: &'a PlanMeshArgs,
    (places, usable, problem, plan): (&'a Places, &[LinkGraph], &Problem, &'a Plan),
    started: Instant,
) -> Told<'a> {
    let hops = hops(scenario, args);
    let figures = |root: usize, relays: &[usize]| -> Vec<Figures> {
        let on = plan::on(problem, root, relays);
        let root = problem.root_node(root);
        let of = |graph| plan::figures(graph, args.margin_db as f32, (root, &on), problem.meters, (args.paths, hops));
        usable.iter().map(of).collect()
    };
    let (before, after) = (figures(0, &[]), figures(plan.root, &plan.relays));
    let seed = scenario.run.seed;
    Told { scenario, args, places, plan, hops, seed, before, after, wall_s: started.elapsed().as_secs_f64() }
}

/// Longitude and latitude as people paste them into a map: latitude first.
fn lat_lon(scenario: &Scenario, at_m: [f64; 2]) -> String {
    let [lon, lat] = to_geo(&scenario.site, at_m);
    format!("{lat:.6}, {lon:.6}")
}

#[expect(clippy::disallowed_methods, reason = "the command line is the shell: it may read the clock")]
fn now() -> Instant {
    Instant::now()
}
