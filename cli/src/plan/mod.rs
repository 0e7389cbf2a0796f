//! `taa plan mesh`: where the concentrator stands and which poles get a relay, so that every meter has two disjoint ways.

mod page;
mod table;
mod write;

use std::{path::PathBuf, time::Instant};

use taa_models::mesh::plan::{self, Figures, Plan};
use taa_scenarios::{Overrides, layout::to_geo, model::Scenario};
use taa_studies::planning::{self, Places, Planned, Wish};

use crate::{
    Failure,
    args::{PlanCommand, PlanMeshArgs},
    show, study,
};

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
        planning::waiting(self.plan)
    }

    /// What meters have in their worst draw.
    fn worst_ways(figures: &[Figures], meter: usize) -> u8 {
        figures.iter().filter_map(|one| one.ways.get(meter)).copied().min().unwrap_or(0)
    }
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
    let planned =
        planning::search(&scenario, &wish(args)).ok_or_else(|| Failure::Own("no place for the root".to_owned()))?;
    let told = tell(&scenario, args, &planned, started);
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

fn wish(args: &PlanMeshArgs) -> Wish {
    Wish {
        paths: args.paths,
        hops: args.hops,
        margin_db: args.margin_db,
        draws: args.draws,
        relay_height_m: args.relay_height_m,
        keep_root: args.keep_dcu,
        poles_only: args.poles_only,
        ..Wish::default()
    }
}

fn tell<'a>(scenario: &'a Scenario, args: &'a PlanMeshArgs, planned: &'a Planned, started: Instant) -> Told<'a> {
    let Planned { places, usable, problem, plan } = planned;
    let hops = wish(args).hops(scenario);
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
