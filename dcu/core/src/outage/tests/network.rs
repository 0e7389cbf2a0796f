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
        assert_eq!(found(&rig), expected, "{name}");
    }
}

fn found(rig: &Rig) -> Vec<String> {
    let shown = |place: &Place| match place {
        Place::Device(id) | Place::Span(id) => id.clone(),
        Place::Service(meter) => format!("meter {}", meter.0),
        Place::Unknown(why) => format!("{why:?}"),
    };
    rig.outages.open().values().map(|ticket| shown(&ticket.place)).collect()
}

/// Sections of four: a1.1 is meters 0 to 3, a1.2 4 to 7, a2.1 8 to 11, a2.2 12 to 15, a3.1 16 to 19, a3.2 20 to 23.
#[test]
fn a_broken_pole_is_one_fault() {
    let first: Vec<usize> = (0..4).chain(8..12).chain(16..20).collect();
    let last: Vec<usize> = (4..8).chain(12..16).chain([20]).collect();
    let half = first.iter().copied().filter(|n| n % 2 == 0).collect();
    // Who is dark, of whom something is heard, what is found.
    let cases: [(&[usize], Vec<usize>, &[&str]); 6] = [
        (&first, first.clone(), &["a-pole1"]),
        (&first, half, &["a-pole1"]),
        (&last, last.clone(), &["a-pole2"]),
        (&last, last[..8].to_vec(), &["a-pole2"]),
        (&first[..4], (0..4).collect(), &["a1.1"]),
        (&[first.clone(), last.clone(), vec![21, 22, 23]].concat(), (0..24).collect(), &["a"]),
    ];
    for (dark, gasps, expected) in cases {
        let mut rig = Rig::new(village_on_poles(2, 4));
        for meter in &gasps {
            rig.gasp(*meter, 1).unwrap();
            rig.now += 10 * MS;
        }
        let until = rig.now + 20 * S;
        rig.run(until, |_, meter| !dark.contains(&meter.at()));
        assert_eq!(found(&rig), expected, "{gasps:?}");
    }
}

#[test]
fn two_poles_that_break_at_once_are_two_faults() {
    let broken = [(0..4).chain(16..20).chain(32..36), (8..12).chain(24..28).chain(40..44)];
    let dark: Vec<usize> = broken.into_iter().flatten().collect();
    let mut rig = Rig::new(village_on_poles(4, 4));
    for meter in &dark {
        rig.gasp(*meter, 1).unwrap();
        rig.now += 10 * MS;
    }
    let until = rig.now + 20 * S;
    rig.run(until, |_, meter| !dark.contains(&meter.at()));
    assert_eq!(found(&rig), ["a-pole1", "a-pole3"]);
    // The sabotage: who knows nothing of poles tells of each section by itself.
    let mut blind = Rig::new(village(4, 4));
    for meter in &dark {
        blind.gasp(*meter, 1).unwrap();
    }
    blind.run(20 * S, |_, meter| !dark.contains(&meter.at()));
    assert_eq!(found(&blind).len(), 6, "{:?}", found(&blind));
}

#[test]
fn a_ticket_of_a_pole_takes_late_comers_in_and_narrows_to_what_is_left() {
    let mut rig = Rig::new(village_on_poles(2, 4));
    for meter in [0, 1, 8, 9] {
        rig.gasp(meter, 1).unwrap();
    }
    let behind = |meter: MeterIx| meter.0 % 8 < 4 && meter.0 < 24;
    rig.run(10 * S, |_, meter| !behind(meter));
    assert_eq!((found(&rig), rig.opened().len()), (vec!["a-pole1".to_owned()], 1));
    assert_eq!(rig.outages.open().values().next().unwrap().members.len(), 12, "the third phase was asked");
    // Two phases are mended.
    rig.power_up(0, 1).unwrap();
    rig.power_up(8, 1).unwrap();
    let until = rig.now + 1200 * S;
    rig.run(until, |_, meter| !behind(meter) || meter.0 < 16);
    assert_eq!((found(&rig), rig.opened().len()), (vec!["a3.1".to_owned()], 1));
    rig.restart();
    let until = rig.now + 1200 * S;
    rig.run(until, everybody);
    assert!(found(&rig).is_empty());
}

#[test]
fn spans_that_say_nothing_are_left_out() {
    let mut config = village(2, 4);
    let span = |id: &str, devices: &[&str], meters: &[u32]| Span {
        id: id.to_owned(),
        devices: devices.iter().map(|&id| id.to_owned()).collect(),
        meters: meters.iter().copied().map(MeterIx).collect(),
    };
    config.spans = vec![
        span("one part", &["a1.1", "gone"], &[4711]),
        span("nothing", &[], &[]),
        span("over two feeders", &["a1.1", "b1.1"], &[]),
    ];
    let network = Network::new(&config);
    let names: Vec<&str> = network.spans().iter().map(|span| span.id.as_str()).collect();
    assert_eq!(names, ["over two feeders"]);
    let [pole, first] = [Place::Span("over two feeders".to_owned()), Place::Device("a1.1".to_owned())];
    assert!(network.covers(&pole, &first) && !network.covers(&first, &pole));
    assert!(network.covers(&Place::Device("inverter".to_owned()), &pole));
    assert!(network.covers(&pole, &Place::Service(MeterIx(0))) && !network.covers(&pole, &Place::Service(MeterIx(4))));
    assert!(!network.covers(&Place::Span("gone".to_owned()), &first));
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
    rig.engine.handle_current(rig.now, "a", 2300);
    let until = rig.now + 3 * S;
    rig.run(until, nobody);
    assert!(rig.outages.open().values().all(|ticket| ticket.place != Place::Device("a".to_owned())));
}

#[test]
fn a_current_that_has_stopped_speaks_for_nothing_any_more() {
    let mut rig = Rig::new(village(2, 4));
    // One customer's line comes down, and half a minute later the feeder trips.
    rig.gasp(5, 1).unwrap();
    let until = rig.now + S;
    rig.run(until, everybody);
    rig.engine.handle_current(rig.now, "a", 2300);
    let until = rig.now + 29 * S;
    rig.run(until, |_, meter| meter.0 != 5);
    for meter in (0..24).filter(|meter| *meter != 5) {
        rig.gasp(meter, 1).unwrap();
    }
    rig.engine.handle_current(rig.now, "a", 0);
    let until = rig.now + 10 * S;
    rig.run(until, |_, meter| meter.0 >= 24);
    let places: Vec<&Place> = rig.outages.open().values().map(|ticket| &ticket.place).collect();
    assert_eq!(places, [&Place::Device("a".to_owned())]);
}

#[test]
fn a_current_that_stops_makes_some_meters_be_asked_and_proves_nothing_by_itself() {
    for (dead, found) in [(true, vec!["a"]), (false, vec![])] {
        let mut rig = Rig::new(village(2, 4));
        let asked = std::cell::Cell::new(0);
        let mut read = |current_ma: u32, device: &str, dead: bool| {
            rig.engine.handle_current(rig.now, device, current_ma);
            rig.drain();
            let until = rig.now + 600 * S;
            asked.set(0);
            // The first 24 meters hang on feeder a.
            rig.run(until, |_, meter| {
                asked.set(asked.get() + 1);
                !dead || meter.0 >= 24
            });
            let places = rig.outages.open().values().map(|ticket| ticket.place.named(|_| String::new()));
            (asked.get(), places.collect::<Vec<String>>())
        };
        assert_eq!(read(0, "a", false), (0, vec![]), "nobody has used anything so far: no news");
        assert_eq!(read(2300, "a", false), (0, vec![]), "a current asks nobody");
        assert_eq!(read(0, "nowhere", false), (0, vec![]));
        let (asked, places) = read(99, "a", dead);
        assert_eq!(places, found, "dead: {dead}");
        assert!(asked > 0 && (dead || asked <= 4), "{asked}");
    }
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
