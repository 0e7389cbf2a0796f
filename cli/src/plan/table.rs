//! A plan as a table and as JSON.

use std::path::Path;

use serde_json::{Value, json};
use taa_models::mesh::plan::Figures;
use taa_scenarios::layout::to_geo;

use super::{Told, lat_lon};
use crate::Failure;

/// Figures over all draws: the worst of each.
pub(super) struct Worst {
    pub(super) enough: usize,
    pub(super) few: usize,
    pub(super) none: usize,
    pub(super) cuts: usize,
    pub(super) cut_most: u32,
    pub(super) hops_max: u16,
    pub(super) hops_mean: f64,
    pub(super) margin_db: Option<f32>,
}

impl Worst {
    pub(super) fn of(told: &Told<'_>, figures: &[Figures]) -> Self {
        let (mut enough, mut none) = (0, 0);
        for meter in 0..told.places.meters {
            let ways = Told::worst_ways(figures, meter);
            enough += usize::from(ways >= told.args.paths);
            none += usize::from(ways == 0);
        }
        let over = |of: fn(&Figures) -> f64| figures.iter().map(of).fold(0.0, f64::max);
        Self {
            enough,
            none,
            few: told.places.meters - enough - none,
            cuts: figures.iter().map(|one| one.cuts.len()).max().unwrap_or(0),
            cut_most: figures.iter().filter_map(|one| one.cuts.first()).map(|cut| cut.1).max().unwrap_or(0),
            hops_max: figures.iter().map(Figures::hops_max).max().unwrap_or(0),
            hops_mean: over(Figures::hops_mean),
            margin_db: figures.iter().filter_map(Figures::margin_least_db).min_by(f32::total_cmp),
        }
    }
}

/// Rows of the comparison: what, now, planned.
pub(super) fn rows(told: &Told<'_>) -> Vec<(String, String, String)> {
    let (now, then) = (Worst::of(told, &told.before), Worst::of(told, &told.after));
    let paths = told.args.paths;
    let row = |what: &str, of: &dyn Fn(&Worst) -> String| (what.to_owned(), of(&now), of(&then));
    let standing = told.places.standing;
    let mut rows = vec![
        (
            "data concentrator".to_owned(),
            told.places.roots[0].name.clone(),
            told.places.roots[told.plan.root].name.clone(),
        ),
        ("relays".to_owned(), standing.to_string(), (standing + told.plan.relays.len()).to_string()),
        row(&format!("meters with {paths} disjoint ways or more"), &|w| w.enough.to_string()),
    ];
    if paths > 1 {
        rows.push(row("meters with fewer", &|w| w.few.to_string()));
    }
    rows.extend([
        row("meters without a way", &|w| w.none.to_string()),
        row("nodes whose loss cuts meters off", &|w| w.cuts.to_string()),
        row("… most meters that one of them cuts off", &|w| w.cut_most.to_string()),
        row("most hops", &|w| w.hops_max.to_string()),
        row("mean hops", &|w| format!("{:.1}", w.hops_mean)),
        row("weakest link of any meter's best way, dB to spare", &|w| {
            w.margin_db.map_or_else(|| "–".to_owned(), |db| format!("{db:.1}"))
        }),
    ]);
    rows
}

pub(super) fn headline(told: &Told<'_>) -> String {
    let args = told.args;
    let draws = if args.draws == 1 { "1 draw".to_owned() } else { format!("{} draws", args.draws) };
    let others = match told.scenario.comms.interferers.len() {
        0 => String::new(),
        1 => " among the one other in the band".to_owned(),
        n => format!(" among the {n} others in the band"),
    };
    format!(
        "{}: {} meters, {} places for relays, {} for the concentrator; {} disjoint ways of at most {} hops, links with \
         {} dB to spare{others}, in each of {draws} of the air (seed {})",
        told.scenario.title,
        told.places.meters,
        told.places.relays.len(),
        told.places.roots.len(),
        args.paths,
        told.hops,
        args.margin_db,
        told.seed,
    )
}

pub(super) fn verdict(told: &Told<'_>) -> String {
    let relays = told.plan.relays.len();
    let moved = match told.plan.relays_if_root_stays {
        _ if told.plan.root == 0 => "stays".to_owned(),
        Some(stays) => format!("moves (staying would take {stays})"),
        None => "moves".to_owned(),
    };
    let count = match relays {
        0 => "no relay is needed".to_owned(),
        1 => "1 new relay".to_owned(),
        n => format!("{n} new relays"),
    };
    let proven =
        if told.plan.proven { "fewer will not do (all choices tried)" } else { "found by search, not proven least" };
    format!("{count}, the concentrator {moved}; {proven}")
}

pub(super) fn text(told: &Told<'_>) -> String {
    let rows = rows(told);
    let wide =
        |of: fn(&(String, String, String)) -> &String| rows.iter().map(|r| of(r).chars().count()).max().unwrap_or(0);
    let (a, b, c) = (wide(|r| &r.0), wide(|r| &r.1).max(3), wide(|r| &r.2).max(7));
    let mut out = format!("{}\n\n{:a$}  {:>b$}  {:>c$}\n", headline(told), "worst draw", "now", "planned");
    for (what, now, then) in &rows {
        out.push_str(&format!("{what:a$}  {now:>b$}  {then:>c$}\n"));
    }
    out.push_str(&format!("\n{}. {:.1} s.\n", verdict(told), told.wall_s));
    if told.plan.root != 0 {
        let root = &told.places.roots[told.plan.root];
        out.push_str(&format!(
            "\nMove the concentrator to {} ({}).\n",
            root.name,
            lat_lon(told.scenario, root.place.at_m)
        ));
    }
    if !told.plan.relays.is_empty() {
        out.push_str("\nnew relay             where                 latitude, longitude    meters that need it\n");
    }
    for (&place, holds) in told.plan.relays.iter().zip(&told.plan.holds) {
        let spot = &told.places.relays[place];
        let at = lat_lon(told.scenario, spot.place.at_m);
        out.push_str(&format!("{:<20}  {:<20}  {at:<21}  {holds:>19}\n", spot.place.id, spot.name));
    }
    out
}

/// What the plan does not reach, and what would help; nothing where all is served.
pub(super) fn left_over(told: &Told<'_>) -> Option<String> {
    let waiting = told.waiting();
    if waiting.is_empty() {
        return None;
    }
    let names: Vec<&str> =
        waiting.iter().filter_map(|&meter| told.scenario.village.customers.get(meter)).map(|c| c.id.as_str()).collect();
    let shown = names.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    let more = if names.len() > 8 { ", …" } else { "" };
    let lone = waiting.iter().all(|&meter| Told::worst_ways(&told.after, meter) == 0);
    let lacks = if lone { "no way at all" } else { "fewer" };
    Some(format!(
        "{} of {} meters cannot have {} disjoint ways in every draw, even with a relay at every place; they keep {lacks} ({shown}{more}). \
         Hang them outdoors, raise relays (--relay-height-m), allow more hops (--hops) or ask for less to spare (--margin-db).",
        waiting.len(),
        told.places.meters,
        told.args.paths,
    ))
}

pub(super) fn json(told: &Told<'_>, page: &Path) -> Result<String, Failure> {
    let side = |figures: &[Figures]| -> Value {
        let worst = Worst::of(told, figures);
        json!({
            "meters_served": worst.enough, "meters_with_fewer": worst.few, "meters_without_a_way": worst.none,
            "cut_nodes": worst.cuts, "cut_most_meters": worst.cut_most, "hops_max": worst.hops_max,
            "hops_mean": worst.hops_mean, "margin_least_db": worst.margin_db,
        })
    };
    let spot = |place: &taa_scenarios::model::Place, name: &str| -> Value {
        let [lon, lat] = to_geo(&told.scenario.site, place.at_m);
        json!({ "id": place.id, "where": name, "lon_deg": lon, "lat_deg": lat, "height_m": place.height_m })
    };
    let relays = told.plan.relays.iter().zip(&told.plan.holds).map(|(&place, &holds)| {
        let one = &told.places.relays[place];
        let mut value = spot(&one.place, &one.name);
        value["mast"] = one.mast.into();
        value["meters_that_need_it"] = holds.into();
        value
    });
    let root = &told.places.roots[told.plan.root];
    let customers = &told.scenario.village.customers;
    let waiting = told.waiting();
    let value = json!({
        "schema": 1, "village": told.scenario.name, "seed": told.seed, "draws": told.args.draws,
        "paths": told.args.paths, "hops": told.hops, "margin_db": told.args.margin_db,
        "meters": told.places.meters, "relays_standing": told.places.standing,
        "dcu": spot(&root.place, &root.name), "dcu_moves": told.plan.root != 0,
        "relays_if_dcu_stays": told.plan.relays_if_root_stays,
        "relays": relays.collect::<Vec<Value>>(), "proven": told.plan.proven,
        "waiting": waiting.iter().filter_map(|&meter| customers.get(meter)).map(|c| c.id.as_str()).collect::<Vec<_>>(),
        "before": side(&told.before), "after": side(&told.after),
        "wall_s": told.wall_s, "map": page.display().to_string(),
    });
    serde_json::to_string_pretty(&value).map_err(|error| Failure::Own(error.to_string()))
}
