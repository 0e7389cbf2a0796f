//! One village of 120 houses along three feeders, under all three media.

use super::*;
use crate::{
    draw::{Draws, Purpose},
    radio::{
        aerial::Pattern,
        house::{Mount, RoofKind, WallKind},
    },
};

const TRAFFIC: Traffic = Traffic { reading_octets: 120, readings_per_hour: 4.0, order_octets: 40 };

fn village(indoor: bool) -> (Place, Vec<Place>) {
    let mast = Mounted::on_pole(NodeKey::of("root"), [0.0, 0.0], 10.0, Pattern::Dipole);
    let root = Place { radio: mast, feeder: 0, along_m: 0.0, drop_m: 0.0, phase: 0 };
    let meter = |i: u64| {
        let mut draws = Draws::keyed(1, 0, NodeKey(i), Purpose::named("test/village"), 0);
        let feeder = u16::try_from(i % 3).unwrap();
        let along_m = 30.0 + i as f64 * 4.0;
        let angle = 2.1 * f64::from(feeder) + draws.normal(0.0, 0.15);
        let at_m = [along_m * libm::cos(angle), along_m * libm::sin(angle)];
        let radio = Mounted {
            key: NodeKey(i + 1000),
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
        Place { radio, feeder, along_m, drop_m: 20.0, phase: u8::try_from(i / 3 % 3).unwrap() }
    };
    (root, (0..120).map(meter).collect())
}

fn by(medium: &Medium, indoor: bool) -> Figures {
    let (root, places) = village(indoor);
    compare(medium, &root, &places, &TRAFFIC, 9)
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
    println!("| medium | reached | delivered | hops | round, s | order, s |");
    for (name, f) in &table {
        println!(
            "| {name} | {:.3} | {:.3} | {} | {:.1} | {:.2} |",
            f.reached, f.delivered, f.hops_max, f.round_s, f.order_mean_s
        );
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
}

#[test]
fn taps_between_are_counted_and_other_feeders_go_through_the_root() {
    let (root, places) = village(false);
    let wires = Wires::new(&root, &places);
    // Places 0, 3, 6, 9 are neighbours on feeder 0.
    let run = wires.run(&places[0], &places[9]);
    assert_eq!(run.taps, 2);
    assert!((run.cable_m - (9.0 * 4.0 + 40.0)).abs() < 1e-9);
    let across = wires.run(&places[3], &places[4]);
    assert!((across.cable_m - (places[3].along_m + places[4].along_m + 40.0)).abs() < 1e-9);
    assert_eq!(across.taps, 1 + 1);
    assert!(!wires.run(&root, &places[7]).other_phase);
}

#[test]
fn more_power_and_a_taller_mast_never_reach_fewer() {
    let weak = Medium::Mesh(RadioParams { tx_power_dbm: 4.0, ..RadioParams::default() });
    assert!(by(&weak, true).reached <= by(&mesh(), true).reached);
}
