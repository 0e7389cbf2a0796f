//! Links of the planner against those of a run and against the field itself.

use super::air::{Shadow, draw, grid, least_snr_db};
use crate::{
    draw::{Draws, NodeKey, Purpose},
    mesh::{MeshNode, MeshParams, Topology},
    radio::{
        self, Antenna, Budget, RadioParams,
        shadow::{Field, ShadowParams},
    },
};

fn nodes(count: u64) -> Vec<MeshNode> {
    let mut chance = Draws::keyed(5, 0, NodeKey(0), Purpose::named("test/plan/air"), 0);
    (0..count)
        .map(|i| {
            let at_m = [chance.uniform() * 500.0, chance.uniform() * 400.0];
            let antenna = Antenna { at_m, height_m: 2.0, indoor_loss_db: 9.0 * chance.uniform() };
            MeshNode { key: NodeKey::of(&format!("n{i}")), antenna }
        })
        .collect()
}

#[test]
fn the_first_draw_has_the_links_of_a_run() {
    let (radio, mesh) = (RadioParams::default(), MeshParams { neighbours_max: 1000, ..MeshParams::default() });
    let nodes = nodes(60);
    let ours = draw(&radio, &mesh, &nodes, 1, Shadow::Pair { seed: 3 });
    let run = Topology::build(&radio, &mesh, &nodes, 59, 3);
    let least_db = least_snr_db(&radio, &mesh);
    let mut links = 0;
    for link in run.links() {
        let margin_db = ours.margin_db(link.a, link.b).map(f64::from);
        // At the very edge the table's quarter decibels may decide otherwise.
        let wanted_db = link.snr_db - least_db;
        assert!(margin_db.map_or(wanted_db < 0.01, |has| (has - wanted_db).abs() < 0.01), "{link:?} {margin_db:?}");
        links += 1;
    }
    let all: usize = (0..60).map(|node| ours.row(node).len()).sum();
    assert!(links > 300 && all.abs_diff(2 * links) <= 2, "{links} {all}");
}

/// Figure: shadow read off the raster against the field's own line integral. Bound: 1 dB rms at σ = 7 dB, a tenth of what
/// the pair's own rest adds. Source: `Field::link_db`.
#[test]
fn a_raster_of_the_field_is_close_to_the_field() {
    let (radio, mesh) = (RadioParams::default(), MeshParams::default());
    let nodes = nodes(60);
    let ours = draw(&radio, &mesh, &nodes, 1, Shadow::Field { seed: 8 });
    let field = Field::new(&ShadowParams { sigma_db: radio.shadowing_sigma_db, ..ShadowParams::default() }, 8);
    let (budget, least_db) = (Budget::new(&radio), least_snr_db(&radio, &mesh));
    let (mut sum, mut blind, mut count) = (0.0, 0.0, 0.0);
    for a in 0..60 {
        for (b, margin_db) in ours.links_of(a).filter(|link| link.0 > a) {
            let (x, y) = (&nodes[a], &nodes[b]);
            let shadow_db = field.link_db((x.key, x.antenna.at_m), (y.key, y.antenna.at_m));
            let clear_db = budget.link(&x.antenna, &y.antenna, 0.0).snr_db - least_db;
            sum += (f64::from(margin_db) - clear_db + shadow_db) * (f64::from(margin_db) - clear_db + shadow_db);
            // The sabotage: shadows of pairs are another draw altogether.
            let pair_db = radio::shadow_db(&radio, 8, x.key, y.key);
            blind += (f64::from(margin_db) - clear_db + pair_db) * (f64::from(margin_db) - clear_db + pair_db);
            count += 1.0;
        }
    }
    let (rms_db, blind_db) = (libm::sqrt(sum / count), libm::sqrt(blind / count));
    assert!(count > 300.0 && rms_db < 1.0, "{rms_db} dB over {count}");
    assert!(blind_db > 3.0, "{blind_db}");
}

#[test]
fn masts_stand_around_those_who_wait_and_off_the_poles() {
    let found = grid(&[[0.0, 0.0]], &[[25.0, 0.0]], 25.0, 60.0, 10.0);
    assert!(found.contains(&[0.0, 0.0]) && found.contains(&[0.0, 50.0]) && !found.contains(&[25.0, 0.0]), "{found:?}");
    assert!(found.iter().all(|p| libm::hypot(p[0], p[1]) <= 60.0));
    assert_eq!(grid(&[], &[], 25.0, 60.0, 10.0), Vec::<[f64; 2]>::new());
}
