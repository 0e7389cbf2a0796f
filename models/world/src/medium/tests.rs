//! One village of 120 houses along three feeders, under all three media; and small ones that can be worked out by hand.

use super::{
    tree::{Hop, Net, Tree},
    wires::Wires,
    *,
};
use crate::{
    draw::{Draws, NodeKey, Purpose},
    plc::Run,
    radio::{
        aerial::Pattern,
        house::{Mount, RoofKind, WallKind},
    },
};

fn traffic() -> Traffic {
    Traffic {
        reading_octets: 120,
        readings_per_hour: 4.0,
        order_octets: 40,
        gasp_octets: 49,
        gasp_s: 0.19,
        mesh: MeshParams::default(),
    }
}

fn village(indoor: bool) -> Site {
    let root = Mounted::on_pole(NodeKey::of("root"), [0.0, 0.0], 10.0, Pattern::Dipole);
    let meter = |i: u32| {
        let mut draws = Draws::keyed(1, 0, NodeKey(u64::from(i)), Purpose::named("test/village"), 0);
        let feeder = i % 3;
        let along_m = 30.0 + f64::from(i) * 4.0;
        let angle = 2.1 * f64::from(feeder) + draws.normal(0.0, 0.15);
        let at_m = [along_m * libm::cos(angle), along_m * libm::sin(angle)];
        let radio = Mounted {
            key: NodeKey(u64::from(i) + 1000),
            at_m,
            height_m: 2.0,
            pattern: Pattern::Isotropic,
            facing_rad: draws.uniform() * core::f64::consts::TAU,
            mount: if indoor {
                Mount::Indoor(RoofKind::Iron, WallKind::Sheet)
            } else {
                Mount::Wall(RoofKind::Iron, WallKind::Sheet)
            },
        };
        Place { radio, pole: i, drop_m: 20.0, phase: u8::try_from(i / 3 % 3).unwrap() }
    };
    let span = |i: u32| {
        let length_m = if i < 3 { 30.0 + 4.0 * f64::from(i) } else { 12.0 };
        Span { before: i.checked_sub(3), feeder: i % 3, length_m }
    };
    Site { meters: (0..120).map(meter).collect(), relays: vec![], root, spans: (0..120).map(span).collect() }
}

fn by(medium: &Medium, indoor: bool) -> Figures {
    compare(medium, &village(indoor), &traffic(), 9)
}

fn mesh() -> Medium {
    Medium::Mesh(RadioParams::default())
}

fn star_of(class: Class) -> Medium {
    Medium::Lorawan(RadioParams::default(), LorawanParams::default(), class)
}

fn wires(load: Load) -> Medium {
    Medium::Plc(PlcParams::default(), load)
}

#[test]
fn side_by_side() {
    let table: Vec<(&str, Figures)> = [
        ("mesh, on walls", mesh(), false),
        ("mesh, indoors", mesh(), true),
        ("PLC, night", wires(Load::Night), false),
        ("PLC, day", wires(Load::Day), false),
        ("PLC, evening", wires(Load::Evening), false),
        ("LoRaWAN A, on walls", star_of(Class::A), false),
        ("LoRaWAN A, indoors", star_of(Class::A), true),
        ("LoRaWAN C, on walls", star_of(Class::C), false),
    ]
    .into_iter()
    .map(|(name, medium, indoor)| (name, by(&medium, indoor)))
    .collect();
    println!("| medium | reached | delivered | hops | round, s | order, s | 95 % | readings/h | orders/h |");
    for (name, f) in &table {
        println!(
            "| {name} | {:.3} | {:.3} | {} | {:.1} | {:.2} | {:.2} | {:.1} {:?} | {:.0} | {:?}",
            f.reached,
            f.delivered,
            f.hops_max,
            f.round_s,
            f.order_mean_s,
            f.order_p95_s,
            f.readings_per_hour_max,
            f.bound,
            f.orders_per_hour,
            f.lost
        );
        assert!(f.delivered <= f.reached + 1e-9 && f.order_mean_s <= f.order_p95_s, "{name}: {f:?}");
        assert!(f.lost.gasps_heard <= f.lost.gasps_heard_alone + 1e-9, "{name}: {f:?}");
        assert!(f.lost.without_router <= f.lost.behind_router + 1e-9, "{name}: {f:?}");
    }
    let of = |name: &str| &table.iter().find(|r| r.0 == name).unwrap().1;
    // The mesh needs meters outdoors; a star on a mast reaches over a village of 500 m either way.
    assert!(of("mesh, on walls").reached > of("mesh, indoors").reached - 1e-9);
    assert!(of("LoRaWAN A, on walls").reached > 0.95);
    // Class A waits for the meter to speak: minutes. The mesh takes under seconds, class C too.
    assert!(of("LoRaWAN A, on walls").order_mean_s > 300.0);
    assert!(of("LoRaWAN C, on walls").order_mean_s < 5.0 && of("mesh, on walls").order_mean_s < 5.0);
    // Readings from all meters take the star longer on the air than the mesh, hops and all, once factors are high.
    assert!(of("LoRaWAN A, indoors").round_s > of("LoRaWAN A, on walls").round_s);
    // The wires do worse as loads come on, by reach or by airtime.
    let worse = |a: &Figures, b: &Figures| (b.reached, -b.round_s / b.reached) <= (a.reached, -a.round_s / a.reached);
    assert!(worse(of("PLC, night"), of("PLC, day")) && worse(of("PLC, day"), of("PLC, evening")), "{table:#?}");
    // Behind an open breaker a wire says nothing; the air does.
    assert!(of("PLC, night").lost.gasps_heard_alone < 1e-12 && of("mesh, on walls").lost.gasps_heard_alone > 0.5);
}

#[test]
fn more_power_and_a_taller_mast_never_reach_fewer() {
    let weak = Medium::Mesh(RadioParams { tx_power_dbm: 4.0, ..RadioParams::default() });
    assert!(by(&weak, true).reached <= by(&mesh(), true).reached);
}

#[test]
fn longer_hold_up_lets_more_gasps_through_and_slow_frames_none() {
    let after =
        |gasp_s: f64, medium: &Medium| compare(medium, &village(false), &Traffic { gasp_s, ..traffic() }, 9).lost;
    let (short, long) = (after(0.19, &mesh()), after(10.0, &mesh()));
    assert!(long.gasps_heard > short.gasps_heard + 0.1, "{short:?} {long:?}");
    // Shorter than a frame: nobody, whichever radio.
    for medium in [mesh(), star_of(Class::A)] {
        assert!(after(0.01, &medium).gasps_heard_alone < 1e-12);
    }
    let (short, long) = (after(0.19, &star_of(Class::A)), after(60.0, &star_of(Class::A)));
    assert!(long.gasps_heard > short.gasps_heard && long.gasps_heard > 0.5, "{short:?} {long:?}");
}

/// Source – 0 – 1 – 2, at 1 a branch 3 – 4, and a second feeder 5. Meters on phase 0 at 0, 2 (two), 4 and 5; one on
/// phase 1 at 3.
fn branched() -> Site {
    let span = |before, feeder, length_m| Span { before, feeder, length_m };
    let spans = vec![
        span(None, 0, 40.0),
        span(Some(0), 0, 30.0),
        span(Some(1), 0, 20.0),
        span(Some(1), 0, 10.0),
        span(Some(3), 0, 5.0),
        span(None, 1, 100.0),
    ];
    let meter = |(i, pole, phase): (u64, u32, u8)| {
        let radio = Mounted::on_pole(NodeKey(i), [i as f64, 0.0], 4.0, Pattern::Dipole);
        Place { radio, pole, drop_m: 7.0, phase }
    };
    let places = [(1, 0, 0), (2, 2, 0), (3, 2, 0), (4, 4, 0), (5, 5, 0), (6, 3, 1)];
    let root = Mounted::on_pole(NodeKey(0), [0.0, 0.0], 8.0, Pattern::Dipole);
    Site { meters: places.map(meter).to_vec(), relays: vec![], root, spans }
}

#[test]
fn runs_follow_the_lines_and_count_what_hangs_on_them() {
    let (site, params) = (branched(), PlcParams::default());
    let wires = Wires::new(&site, &params, Load::Night);
    let db = |drops| params.branch_db(drops, Load::Night);
    let run = |a, b| wires.run(a, b);
    // From the root to the first of two meters at the end: meter 0's drop and the other one draw, the branch with one
    // drop of this phase, and the other feeder at the busbar.
    let far = run(None, Some(1));
    assert_eq!((far.taps, far.other_phase), (2, false));
    assert!((far.cable_m - 97.0).abs() < 1e-9, "{far:?}");
    assert!((far.branches_db - (db(1) + db(1))).abs() < 1e-9, "{far:?}");
    assert_eq!(far, run(Some(1), None));
    // Across: through the busbar, where no third line hangs.
    let across = run(Some(0), Some(4));
    assert_eq!(across.taps, 0);
    assert!((across.cable_m - 154.0).abs() < 1e-9 && across.branches_db.abs() < 1e-9, "{across:?}");
    // Turning round at pole 1: the way back to the busbar hangs there, with meters 0 and 4 on it.
    let turned = run(Some(1), Some(3));
    assert_eq!(turned.taps, 1);
    assert!((turned.cable_m - (20.0 + 15.0 + 14.0)).abs() < 1e-9);
    assert!((turned.branches_db - db(2)).abs() < 1e-9, "{turned:?}");
    // Two on one pole.
    let same = run(Some(1), Some(2));
    assert!((same.cable_m - 14.0).abs() < 1e-9 && same.taps == 0, "{same:?}");
    // Another phase, both ways alike.
    assert!(run(Some(5), Some(0)).other_phase && run(Some(5), Some(0)) == run(Some(0), Some(5)));
}

/// The sabotage: were lines taken as the crow flies and without what hangs on them, a far meter would be as well off as a
/// near one.
#[test]
fn a_crows_wire_would_flatter() {
    let site = village(false);
    let params = PlcParams::default();
    let run = Wires::new(&site, &params, Load::Evening).run(None, Some(119));
    let [east, north] = site.meters[119].radio.at_m;
    let crow = Run { cable_m: libm::hypot(east, north), ..Run::default() };
    let snr = |run: &Run| params.snr_db(run, Load::Evening);
    assert!(snr(&crow) > snr(&run) + 10.0, "{run:?}");
}

/// A line of four meters 0 – 1 – 2 – 3 to the root (4), and a way round 1 from 0 to 2.
fn line(round: bool) -> Net {
    let hop = Hop { both: 1.0, reading_us: 1000, order_us: 500, ack_us: 100, heard_db: 20.0, hears_db: 20.0 };
    Net::new(4, 5, |a, b| (b == a + 1 || round && (a, b) == (0, 2)).then_some(hop))
}

#[test]
fn a_router_lost_strands_whom_nobody_else_hears() {
    let loss = |round| {
        let net = line(round);
        let tree = Tree::settle(&net, &traffic(), 24, |_| true);
        losses::router(&net, &tree)
    };
    // Meter 3 holds the three others.
    assert_eq!(loss(false), (1.0, 1.0));
    assert_eq!(loss(true), (1.0, 1.0));
    let net = line(true);
    let tree = Tree::settle(&net, &traffic(), 24, |node| node != 1);
    assert_eq!(tree.ways[0].map(|way| way.hops), Some(3));
    assert_eq!(tree.ways[1], None);
    // A tree of two hops at most holds the two nearest alone.
    let short = Tree::settle(&line(false), &traffic(), 2, |_| true);
    assert_eq!(short.ways.iter().flatten().count(), 2);
}

#[test]
fn the_hours_share_of_a_sender_bounds_a_mesh_where_the_regulator_says_so() {
    let at = |frequency_mhz: f64| by(&Medium::Mesh(RadioParams { frequency_mhz, ..RadioParams::default() }), false);
    let (europe, america) = (at(868.0), at(915.0));
    assert_eq!((europe.bound, america.bound), (Bound::Duty, Bound::Busy));
    assert!(europe.readings_per_hour_max < america.readings_per_hour_max);
}

#[test]
fn busier_stars_lose_more_until_nine_of_ten_arrive() {
    let at = |readings_per_hour: f64| {
        compare(&star_of(Class::A), &village(true), &Traffic { readings_per_hour, ..traffic() }, 9)
    };
    let (seldom, often) = (at(0.25), at(8.0));
    assert!(seldom.delivered > often.delivered && seldom.order_mean_s > often.order_mean_s);
    // What it says it carries does not depend on what is asked of it, and is kept.
    assert!((seldom.readings_per_hour_max / often.readings_per_hour_max - 1.0).abs() < 1e-6);
    let (most, undisturbed) = (at(seldom.readings_per_hour_max), at(1e-6));
    assert_eq!(most.bound, Bound::Collisions);
    assert!((most.delivered / undisturbed.delivered - KEPT_SHARE).abs() < 0.01, "{most:?} {undisturbed:?}");
}
