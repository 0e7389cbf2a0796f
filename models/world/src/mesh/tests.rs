//! Routes against Floyd–Warshall, reasons for having none, deliveries, and the build at village size.

use super::*;
use crate::{
    draw::{NodeKey, Purpose},
    radio::{
        RadioParams,
        aerial::{Pattern, SpreadParams},
        village::{Mounted, VillageRadio},
    },
};
use proptest::prelude::*;

/// On a pole, with an antenna in a case that costs 8 dB.
fn node(i: usize, x: f64, y: f64) -> Mounted {
    let boxed = Pattern::InMeter { front_to_back_db: 16.0 };
    // It faces north: what lies east and west of it gets half of the pattern's depth.
    let facing_rad = 0.5 * core::f64::consts::PI;
    Mounted { facing_rad, ..Mounted::on_pole(NodeKey::of(&format!("n{i}")), [x, y], 3.0, boxed) }
}

fn still() -> RadioParams {
    let mut radio = RadioParams::default();
    radio.shadow.sigma_db = 0.0;
    radio.spread = SpreadParams { power_sigma_db: 0.0, noise_sigma_db: 0.0 };
    radio
}

fn scattered(n: usize, side_m: f64, seed: u64) -> Vec<Mounted> {
    let mut d = Draws::keyed(seed, 0, NodeKey(1), Purpose::named("mesh-test"), 0);
    (0..n).map(|i| node(i, d.uniform() * side_m, d.uniform() * side_m)).collect()
}

/// A chain in which each node hears its neighbours only.
fn chain(n: usize) -> (RadioParams, Vec<Mounted>) {
    (still(), (0..n).map(|i| node(i, 150.0 * i as f64, 0.0)).collect())
}

fn built(n: usize, side_m: f64, seed: u64) -> Topology {
    Topology::build(&RadioParams::default(), &MeshParams::default(), &scattered(n, side_m, seed), 0, seed)
}

#[test]
fn a_chain_is_walked_hop_by_hop() {
    let (radio, nodes) = chain(30);
    let mesh = Topology::build(&radio, &MeshParams::default(), &nodes, 0, 1);
    let routes = mesh.routes(&[true; 30], &Air::default());
    assert_eq!(mesh.links().count(), 29);
    assert_eq!((routes.hops[24], routes.why_not[24]), (24, None));
    assert_eq!((routes.hops[25], routes.why_not[25]), (0, Some(NoRoute::HopLimit)));
    assert_eq!(routes.path(3).collect::<Vec<_>>(), [3, 2, 1, 0]);
    assert!(routes.path_etx[24] >= 24.0 && routes.path_etx[25].is_infinite());
    assert_eq!(routes.path(25).count(), 0);
}

fn noisy(noise_rise_db: &[f32]) -> Air {
    Air { noise_rise_db: noise_rise_db.to_vec(), ..Air::default() }
}

#[test]
fn a_roof_weakens_both_directions_of_all_its_links() {
    let (radio, nodes) = chain(4);
    let mesh = Topology::build(&radio, &MeshParams::default(), &nodes, 0, 1);
    let clear = mesh.routes(&[true; 4], &Air::default());
    let roofed = |db| mesh.routes(&[true; 4], &Air { loss_db: vec![0.0, 0.0, db, 0.0], ..Air::default() });
    assert_eq!(roofed(0.0).path_etx, clear.path_etx);
    assert_eq!(roofed(80.0).why_not, [None, None, Some(NoRoute::Jammed), Some(NoRoute::Jammed)]);
    // Noise at the node alone spares what others hear of it; a roof does not, so it costs at least as much.
    let noise = mesh.routes(&[true; 4], &noisy(&[0.0, 0.0, 4.0, 0.0]));
    assert!(roofed(4.0).path_etx[2] >= noise.path_etx[2]);
}

#[test]
fn reasons_are_told_apart() {
    let (radio, mut nodes) = chain(6);
    nodes.push(node(6, 50_000.0, 0.0));
    let mesh = Topology::build(&radio, &MeshParams::default(), &nodes, 0, 1);
    let mut alive = [true; 7];
    alive[2] = false;
    let routes = mesh.routes(&alive, &Air::default());
    let (dark, out) = (Some(NoRoute::ForwarderDark), Some(NoRoute::OutOfRange));
    assert_eq!(routes.why_not, [None, None, Some(NoRoute::SelfDark), dark, dark, dark, out]);
    let mut noise = [0.0; 7];
    noise[4] = 60.0;
    let jammed = Some(NoRoute::Jammed);
    let routes = mesh.routes(&[true; 7], &noisy(&noise));
    assert_eq!(routes.why_not, [None, None, None, None, jammed, jammed, out]);
    // Both at once: the light must come back first.
    let routes = mesh.routes(&alive, &noisy(&noise));
    assert_eq!(routes.why_not, [None, None, Some(NoRoute::SelfDark), dark, dark, dark, out]);
    let routes = mesh.routes(&[false, true, true, true, true, true, true], &Air::default());
    assert!(routes.why_not[1..6].iter().all(|w| *w == dark));
}

/// A link that stands while the trees are bare and falls when they are in leaf: the air is named.
#[test]
fn leaves_take_links_away() {
    let mut radio = still();
    radio.fading.foliage_m_per_100m = 20.0;
    let nodes: Vec<_> = (0..3).map(|i| node(i, 150.0 * i as f64, 0.0)).collect();
    let mesh = Topology::build(&radio, &MeshParams::default(), &nodes, 0, 1);
    let under = |leaves| mesh.routes(&[true; 3], &Air { leaves, ..Air::default() });
    assert_eq!(under(0.0).why_not, [None; 3]);
    assert!(under(0.3).path_etx[2] > under(0.0).path_etx[2]);
    assert_eq!(under(1.3).why_not, [None, Some(NoRoute::Jammed), Some(NoRoute::Jammed)]);
}

#[test]
fn another_nodes_arrival_changes_no_link() {
    let nodes = scattered(60, 500.0, 4);
    let params = (RadioParams::default(), MeshParams { neighbours_max: 1000, ..MeshParams::default() });
    let small = Topology::build(&params.0, &params.1, &nodes[..59], 0, 4);
    let large = Topology::build(&params.0, &params.1, &nodes, 0, 4);
    let without_last: Vec<_> = large.links().filter(|l| l.b != 59).collect();
    assert_eq!(small.links().collect::<Vec<_>>(), without_last);
}

#[test]
fn links_agree_with_the_link_budget() {
    let (nodes, radio) = (scattered(40, 400.0, 9), RadioParams::default());
    let mesh = Topology::build(&radio, &MeshParams::default(), &nodes, 0, 9);
    let air = VillageRadio::new(&radio, 9);
    assert!(mesh.links().count() > 40);
    for l in mesh.links() {
        let link = air.link(&air.stand(&nodes[l.a]), &air.stand(&nodes[l.b]));
        assert!((link.there_db - l.snr_there_db).abs() < 1e-4 && (link.back_db - l.snr_back_db).abs() < 1e-4);
        assert!((link.leaves_db - l.leaves_db).abs() < 1e-4 && l.leaves_db > 0.0);
        assert!(l.etx <= 4.0 && l.etx >= 1.0);
        assert_eq!(mesh.link(l.b, l.a).map(|x| x.etx), Some(l.etx));
    }
}

#[test]
fn deliveries_follow_the_odds_of_their_hops() {
    let (radio, nodes) = chain(5);
    let mesh = Topology::build(&radio, &MeshParams { retries: 0, ..MeshParams::default() }, &nodes, 0, 1);
    let routes = mesh.routes(&[true; 5], &Air::default());
    let odds: f64 = (1..5).map(|i| f64::from(routes.hop_success[i].clear)).product();
    for up in [true, false] {
        let (mut arrived, mut first_hop) = (0, 0);
        for i in 0..20_000 {
            let mut d = Draws::keyed(2, 0, NodeKey(4), Purpose::named("deliver"), i);
            match mesh.deliver(&routes, 4, 250, up, &mut Powers::default(), &mut d) {
                Delivery::Delivered { delay_ms, transmissions } => {
                    assert_eq!(transmissions, 4);
                    // Four hops of 305 octets at 50 kb/s.
                    assert!(delay_ms > 195 + 60);
                    arrived += 1;
                }
                Delivery::Lost { at_hop, transmissions, .. } => {
                    assert!((1..=4).contains(&at_hop) && transmissions == u32::from(at_hop));
                    first_hop += u32::from(at_hop == 1);
                }
            }
        }
        let share = f64::from(arrived) / 20_000.0;
        assert!((share - odds).abs() < 0.012, "{share} for {odds}");
        let wanted = 1.0 - f64::from(routes.hop_success[if up { 4 } else { 1 }].clear);
        assert!((f64::from(first_hop) / 20_000.0 - wanted).abs() < 0.012);
    }
}

#[test]
fn retries_save_messages_and_cost_frames() {
    let (radio, nodes) = chain(5);
    let with = |retries| {
        let mesh = Topology::build(&radio, &MeshParams { retries, ..MeshParams::default() }, &nodes, 0, 1);
        let routes = mesh.routes(&[true; 5], &Air::default());
        let mut arrived = 0;
        for i in 0..2000 {
            let mut d = Draws::keyed(2, 0, NodeKey(4), Purpose::named("deliver"), i);
            arrived += u32::from(matches!(
                mesh.deliver(&routes, 4, 600, true, &mut Powers::default(), &mut d),
                Delivery::Delivered { .. }
            ));
        }
        arrived
    };
    assert!(with(0) < with(2) && with(7) >= 1950, "{} {} {}", with(0), with(2), with(7));
    let mesh = Topology::build(&radio, &MeshParams::default(), &nodes, 0, 1);
    let routes = mesh.routes(&[true, false, true, true, true], &Air::default());
    let mut d = Draws::keyed(2, 0, NodeKey(4), Purpose::named("deliver"), 0);
    let lost = mesh.deliver(&routes, 4, 100, true, &mut Powers::default(), &mut d);
    assert_eq!(lost, Delivery::Lost { at_hop: 0, delay_ms: 0, transmissions: 0 });
}

#[test]
fn round_trips_take_as_long_as_published() {
    // TI SWRA714A: 50-octet pings, 373 ms at one hop, 899 ms at five.
    let radio = still();
    let nodes: Vec<_> = (0..6).map(|i| node(i, 125.0 * i as f64, 0.0)).collect();
    let mesh = Topology::build(&radio, &MeshParams::default(), &nodes, 0, 1);
    let routes = mesh.routes(&[true; 6], &Air::default());
    let mean_ms = |at: usize| {
        let mut sum = 0;
        for i in 0..4000 {
            let mut d = Draws::keyed(3, 0, NodeKey(5), Purpose::named("ping"), i);
            for up in [true, false] {
                if let Delivery::Delivered { delay_ms, .. } =
                    mesh.deliver(&routes, at, 50, up, &mut Powers::default(), &mut d)
                {
                    sum += delay_ms;
                }
            }
        }
        sum / 4000
    };
    assert!((280..470).contains(&mean_ms(1)), "{}", mean_ms(1));
    assert!((700..1100).contains(&mean_ms(5)), "{}", mean_ms(5));
}

#[test]
fn joining_takes_longer_further_out() {
    let p = MeshParams::default();
    let mean = |hops| {
        let draw = |i| join_delay_s(&p, hops, &mut Draws::keyed(1, 0, NodeKey(i), Purpose::named("join"), 0));
        (0..3000).map(draw).sum::<f64>() / 3000.0
    };
    assert!((180.0..240.0).contains(&mean(1)), "{}", mean(1));
    assert!(mean(6) > 2.0 * mean(1));
}

/// What is wrong with these routes, against all pairs (Floyd–Warshall) over the public links.
fn faults(mesh: &Topology, alive: &[bool], noise: &[f32], routes: &Routes) -> Vec<String> {
    let n = mesh.len();
    let mut cost = vec![vec![f64::INFINITY; n]; n];
    for l in mesh.links().filter(|l| alive[l.a] && alive[l.b]) {
        let one = |i: usize, snr_db: f64| f64::from(mesh.success((snr_db - f64::from(noise[i])) as f32));
        let both = one(l.a, l.snr_back_db) * one(l.b, l.snr_there_db);
        if both * mesh.params.max_etx >= 1.0 {
            (cost[l.a][l.b], cost[l.b][l.a]) = (1.0 / both, 1.0 / both);
        }
    }
    for k in 0..n {
        for i in 0..n {
            for j in 0..n {
                cost[i][j] = cost[i][j].min(cost[i][k] + cost[k][j]);
            }
        }
    }
    let mut found = Vec::new();
    for i in 1..n {
        let mut demand = |good: bool, what: &str| {
            if !good {
                found.push(format!("node {i}: {what}"));
            }
        };
        if !alive[i] {
            demand(routes.why_not[i] == Some(NoRoute::SelfDark), "dark, and not said so");
        } else if routes.has_route(i) {
            demand((f64::from(routes.path_etx[i]) - cost[0][i]).abs() < 0.03, "not the shortest");
            let path: Vec<usize> = routes.path(i).take(n + 1).collect();
            demand(path.len() == usize::from(routes.hops[i]) + 1, "hops miscounted, or a loop");
            demand(path.last() == Some(&0), "does not end at the root");
        } else {
            demand(cost[0][i].is_infinite(), "a way was missed");
            demand(routes.why_not[i] != Some(NoRoute::SelfDark), "alive, and called dark");
        }
    }
    found
}

#[test]
fn sabotaged_routes_are_noticed() {
    let mesh = built(30, 500.0, 3);
    let (alive, noise) = (vec![true; 30], vec![0.0; 30]);
    let good = mesh.routes(&alive, &noisy(&noise));
    assert_eq!(faults(&mesh, &alive, &noise, &good), Vec::<String>::new());
    let far = (1..30).max_by_key(|&i| good.hops[i]).unwrap();
    assert!(good.hops[far] >= 2, "the sabotage needs a node two hops out");
    let mut looped = good.clone();
    looped.parent[good.parent[far].unwrap() as usize] = Some(far as u32);
    assert!(!faults(&mesh, &alive, &noise, &looped).is_empty());
    let mut dearer = good.clone();
    dearer.path_etx[far] += 0.1;
    assert_eq!(faults(&mesh, &alive, &noise, &dearer), [format!("node {far}: not the shortest")]);
    let mut missed = good;
    missed.why_not[far] = Some(NoRoute::OutOfRange);
    assert!(faults(&mesh, &alive, &noise, &missed).contains(&format!("node {far}: a way was missed")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn routes_are_loop_free_and_shortest(
        seed in any::<u64>(), n in 2_usize..40, side in 100.0_f64..1500.0, dark in any::<u64>(), noise in 0.0_f32..12.0,
    ) {
        let mesh = built(n, side, seed);
        let alive: Vec<bool> = (0..n).map(|i| i == 0 || dark >> (i % 64) & 3 != 3).collect();
        let noise: Vec<f32> = (0..n).map(|i| if i % 3 == 0 { noise } else { 0.0 }).collect();
        let routes = mesh.routes(&alive, &noisy(&noise));
        prop_assert_eq!(faults(&mesh, &alive, &noise, &routes), Vec::<String>::new());
        let mut reused = Routes::default();
        mesh.routes_into(&vec![true; n], &Air::default(), &mut reused);
        mesh.routes_into(&alive, &noisy(&noise), &mut reused);
        prop_assert_eq!(&reused.parent, &routes.parent);
    }
}
