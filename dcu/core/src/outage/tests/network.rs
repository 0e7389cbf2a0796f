//! Where a fault is put, and what cannot be placed.

use super::*;
use crate::outage::{Network, Place, Unplaced};

#[test]
fn loops_and_gaps_in_the_map_are_found() {
    let device = |id: &str, parent: &str| Device {
        id: id.to_owned(),
        kind: DeviceKind::Section,
        parent: Some(parent.to_owned()),
    };
    let mut config = village(1, 1);
    config.devices.extend([device("x", "y"), device("y", "x"), device("z", "nowhere")]);
    let parents = [None, Some("gone"), Some("x"), Some("z")];
    config.meters.extend(parents.into_iter().enumerate().map(|(n, parent)| meter(100 + n, parent)));
    let network = Network::new(&config);
    let of = |at: u32| network.parent_of(MeterIx(at));
    assert_eq!([of(6), of(7), of(8)], [Err(Unplaced::NoParent), Err(Unplaced::ParentMissing), Err(Unplaced::Loop)]);
    assert!(of(9).is_ok() && of(0).is_ok());
    assert_eq!(of(99), Err(Unplaced::NoParent), "nobody has heard of it");
    let place = |id: &str| Place::Device(id.to_owned());
    assert!(network.covers(&place("a"), &place("a1.1")) && !network.covers(&place("b"), &place("a1.1")));
    assert!(network.covers(&place("inverter"), &Place::Service(MeterIx(0))));
    let order = network.leaves_first();
    let at = |id: &str| order.iter().position(|n| network.id(*n) == Some(id));
    assert!(at("a1.1") < at("a1") && at("a1") < at("a") && at("a") < at("inverter") && at("x").is_none());
}

/// Which meters gasp, of two feeders with three phases of two sections of four, and where the fault is put.
#[test]
fn the_fault_is_put_where_the_gasps_say() {
    let cases: [(&str, Vec<usize>, &[&str]); 7] = [
        ("one meter", vec![5], &["meter 5"]),
        ("a section, all heard", (0..4).collect(), &["a1.1"]),
        ("a section, two of four heard", vec![0, 2], &["a1.1"]),
        ("two far apart", vec![0, 30], &["meter 0", "meter 30"]),
        ("a section, three of four heard", vec![0, 1, 2], &["a1.1"]),
        ("a phase", (0..8).collect(), &["a1"]),
        ("a feeder, two of three heard", (0..24).filter(|n| n % 3 != 0).collect(), &["a"]),
    ];
    for (name, gasps, expected) in cases {
        let mut rig = Rig::new(village(2, 4));
        for meter in gasps {
            rig.gasp(meter, 1).unwrap();
            rig.now += 10 * MS;
        }
        rig.pings.clear();
        let until = rig.now + 3 * S;
        rig.run(until, nobody);
        let shown = |place: &Place| match place {
            Place::Device(id) => id.clone(),
            Place::Service(meter) => format!("meter {}", meter.0),
            Place::Unknown(why) => format!("{why:?}"),
        };
        let found: Vec<String> = rig.outages.open().values().map(|ticket| shown(&ticket.place)).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_breaker_and_a_current_count() {
    let mut rig = Rig::new(village(2, 4));
    rig.engine.handle_sign(rig.now, "b", false);
    rig.run(5 * S, nobody);
    let places: Vec<&Place> = rig.outages.open().values().map(|ticket| &ticket.place).collect();
    assert_eq!(places, [&Place::Device("b".to_owned())], "the breaker alone");
    assert_eq!(rig.outages.open().values().next().unwrap().members.len(), 24);

    // All of phase a1 cries, but its feeder carries current: it is not the feeder, however many.
    let mut rig = Rig::new(village(2, 4));
    for meter in 0..20 {
        rig.gasp(meter, 1).unwrap();
    }
    rig.now += 100 * MS;
    rig.engine.handle_sign(rig.now, "a", true);
    let until = rig.now + 3 * S;
    rig.run(until, nobody);
    assert!(rig.outages.open().values().all(|ticket| ticket.place != Place::Device("a".to_owned())));
}

#[test]
fn silence_alone_is_told_with_little_confidence_and_not_for_one() {
    let mut rig = Rig::new(village(2, 4));
    for _ in 0..5 {
        rig.silence(MeterIx(0));
    }
    rig.run(5 * S, everybody);
    assert!(rig.opened().is_empty(), "one meter that is silent is a matter of the radio");
    for meter in 0..4 {
        rig.silence(MeterIx(meter));
        rig.silence(MeterIx(meter));
    }
    let until = rig.now + 5 * S;
    rig.run(until, nobody);
    let OutageNote::Opened { confidence_pm, ground, .. } = rig.opened()[0] else { unreachable!() };
    assert!(*confidence_pm <= 500 && *ground == crate::outage::Ground::Silence);
}
