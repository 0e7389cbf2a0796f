//! Links of the planner against those of a run.

use super::{
    air::{Others, Pairs, grid, least_snr_db},
    graph::LinkGraph,
};
use crate::{
    draw::{Draws, NodeKey, Purpose},
    mesh::{MeshParams, Topology},
    radio::{
        RadioParams,
        aerial::Pattern,
        channels::PlanName,
        house::{Mount, RoofKind, WallKind},
        interferer::{Interferer, InterfererParams},
        village::{Mounted, VillageRadio},
    },
};

fn nodes(count: u64, radio: &RadioParams) -> Vec<Mounted> {
    let mut chance = Draws::keyed(5, 0, NodeKey(0), Purpose::named("test/plan/air"), 0);
    (0..count)
        .map(|i| {
            let at_m = [chance.uniform() * 500.0, chance.uniform() * 400.0];
            let (roof, wall) = (RoofKind::Iron, WallKind::Brick);
            let mount = [Mount::Pole, Mount::Wall(roof, wall), Mount::Indoor(roof, wall)][(i % 3) as usize];
            Mounted::meter(NodeKey::of(&format!("n{i}")), at_m, 2.0, radio.meter_antenna, mount, 3)
        })
        .collect()
}

#[test]
fn links_are_those_of_a_run_in_full_leaf() {
    let (radio, mesh) = (RadioParams::default(), MeshParams { neighbours_max: 1000, ..MeshParams::default() });
    let nodes = nodes(60, &radio);
    let pairs = Pairs::new(&radio, &mesh, &nodes, 1);
    let ours = pairs.draw(&radio, &nodes, None, 3);
    let run = Topology::build(&radio, &mesh, &nodes, 59, 3);
    let least_db = least_snr_db(&VillageRadio::new(&radio, 3), &mesh);
    let (mut links, mut leafy, mut lucky) = (0, 0, 0);
    for link in run.links() {
        let margin_db = ours.margin_db(link.a, link.b).map(f64::from);
        let wanted_db = link.snr_there_db.min(link.snr_back_db) - link.leaves_db - least_db;
        match margin_db {
            Some(has_db) => assert!((has_db - wanted_db).abs() < 0.01, "{link:?} {has_db}"),
            // Too leafy, or more luck than is counted on.
            None => lucky += usize::from(wanted_db >= 0.01),
        }
        links += usize::from(margin_db.is_some());
        leafy += usize::from(wanted_db < 0.0);
    }
    let all: usize = (0..60).map(|node| ours.row(node).len()).sum();
    assert!(links > 200 && leafy > 0 && all == 2 * links, "{links} {leafy} {all}");
    assert!(lucky * 50 <= links, "{lucky} of {links}");
    // Another seed is another air.
    assert_ne!(ours, pairs.draw(&radio, &nodes, None, 4));
}

/// A jammer in a corner, on 7 channels of 29 or on all: no link has more margin than without it, and over all channels most
/// are gone. One who is silent changes nothing.
#[test]
fn others_in_the_band_cost_margin_where_they_are_heard() {
    let (radio, mesh) = (RadioParams::default(), MeshParams { neighbours_max: 1000, ..MeshParams::default() });
    let nodes = nodes(60, &radio);
    let pairs = Pairs::new(&radio, &mesh, &nodes, 1);
    let clear = pairs.draw(&radio, &nodes, None, 3);
    let among = |bandwidth_khz: f64, burst_ms: f64| {
        let params =
            InterfererParams { bandwidth_khz, burst_ms, period_ms: 1_000.0, power_dbm: 27.0, centre_mhz: 866.5 };
        let at = Mounted::on_pole(NodeKey(9), [0.0, 0.0], 3.0, Pattern::Isotropic);
        let sources = [Interferer { name: "jammer".to_owned(), params, at }];
        pairs.draw(&radio, &nodes, Some(&Others { sources: &sources, band: PlanName::Eu33.plan() }), 3)
    };
    let usable = |graph: &LinkGraph| (0..60).map(|node| graph.row(node).len()).sum::<usize>() / 2;
    assert_eq!(among(2_000.0, 0.0), clear);
    let (seven, whole) = (among(2_000.0, 900.0), among(7_000.0, 1_000.0));
    println!(
        "usable links: {}, among a jammer of 7 channels {}, of all {}",
        usable(&clear),
        usable(&seven),
        usable(&whole)
    );
    assert!(usable(&whole) < usable(&seven) && usable(&seven) <= usable(&clear) && usable(&whole) * 2 < usable(&clear));
    for a in 0..60 {
        for b in 0..a {
            let spare = |graph: &LinkGraph| graph.margin_db(a, b).unwrap_or(f32::NEG_INFINITY);
            assert!(spare(&whole) <= spare(&seven) && spare(&seven) <= spare(&clear), "{a} {b}");
        }
    }
}

#[test]
fn masts_stand_around_those_who_wait_and_off_the_poles() {
    let found = grid(&[[0.0, 0.0]], &[[25.0, 0.0]], 25.0, 60.0, 10.0);
    assert!(found.contains(&[0.0, 0.0]) && found.contains(&[0.0, 50.0]) && !found.contains(&[25.0, 0.0]), "{found:?}");
    assert!(found.iter().all(|p| libm::hypot(p[0], p[1]) <= 60.0));
    assert_eq!(grid(&[], &[], 25.0, 60.0, 10.0), Vec::<[f64; 2]>::new());
}
