//! Layouts: the invariants of a grid over random villages, and what real villages come to.

#![allow(clippy::float_cmp, reason = "values that are passed on must arrive unchanged")]

use std::collections::BTreeMap;
use std::path::Path;

use miette::Diagnostic;
use proptest::prelude::*;
use taa_models::demand::Class;
use taa_scenarios::import::{Imported, Place, RawBuilding, SourceFormat, read_buildings};
use taa_scenarios::layout::{self, Connections, Figures, LayoutParams};
use taa_scenarios::model::{LineEnd, Placement, Roof, Site, Village};

const SITE: Site = Site { lat_deg: -2.85, lon_deg: 33.6, utc_offset_s: 10_800 };

/// A rectangular house with its middle at metres east and north of the site.
fn house(id: &str, at_m: [f64; 2], size_m: [f64; 2]) -> RawBuilding {
    let corner = |x: f64, y: f64| layout::to_geo(&SITE, [at_m[0] + x * size_m[0] / 2.0, at_m[1] + y * size_m[1] / 2.0]);
    RawBuilding {
        id: id.to_owned(),
        ring_deg: vec![corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)],
        centre_deg: layout::to_geo(&SITE, at_m),
        area_m2: size_m[0] * size_m[1],
        tags: BTreeMap::new(),
        feature: 0,
    }
}

fn point(id: &str, at_m: [f64; 2]) -> RawBuilding {
    RawBuilding { ring_deg: Vec::new(), area_m2: 0.0, ..house(id, at_m, [1.0, 1.0]) }
}

fn imported(buildings: Vec<RawBuilding>) -> Imported {
    Imported {
        buildings,
        attribution: None,
        name: None,
        source_format: SourceFormat::GeoJson,
        warnings: Vec::new(),
        place: Place::default(),
    }
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt()
}

/// Every promise of the module's documentation that a village can be asked for; the first broken one as text.
fn broken(village: &Village, params: &LayoutParams) -> Option<String> {
    let at = |end: LineEnd| match end {
        LineEnd::Source => village.generation.at_m,
        LineEnd::Pole(pole) => village.poles[pole as usize].at_m,
    };
    let mut fed = vec![false; village.poles.len()];
    for line in &village.lines {
        let to = &village.poles[line.to as usize];
        let span = distance(at(line.from), to.at_m);
        if (span - line.length_m).abs() > 1e-6 {
            return Some(format!("{}: length {} but {span} apart", line.id, line.length_m));
        }
        if span > params.max_span_m + 1e-6 {
            return Some(format!("{}: span of {span} m", line.id));
        }
        // Lines stand from the source outwards, so a pole must be fed before it feeds, and only once: a tree.
        if let LineEnd::Pole(from) = line.from {
            if !fed[from as usize] {
                return Some(format!("{}: hangs on a pole that nothing feeds", line.id));
            }
            if village.poles[from as usize].feeder != to.feeder {
                return Some(format!("{}: joins two feeders", line.id));
            }
        }
        if std::mem::replace(&mut fed[line.to as usize], true) {
            return Some(format!("{}: closes a loop", line.id));
        }
    }
    if let Some(pole) = fed.iter().position(|fed| !fed) {
        return Some(format!("{} is not fed", village.poles[pole].id));
    }
    for customer in &village.customers {
        let pole = &village.poles[customer.pole as usize];
        if customer.service_m > params.service_max_m + 1e-6 {
            return Some(format!("{}: service drop of {} m", customer.id, customer.service_m));
        }
        if pole.feeder != customer.feeder {
            return Some(format!("{}: on another feeder than its pole", customer.id));
        }
        let building = &village.buildings[customer.building as usize];
        if building.customer.map(|c| &village.customers[c as usize].id) != Some(&customer.id) {
            return Some(format!("{}: its building does not know it", customer.id));
        }
    }
    for feeder in 0..village.feeders.len() as u32 {
        let mut phases = [0_i32; 3];
        village.customers.iter().filter(|c| c.feeder == feeder).for_each(|c| phases[c.phase as usize] += 1);
        let (most, least) = (phases.iter().max().unwrap(), phases.iter().min().unwrap());
        if most - least > 1 {
            return Some(format!("feeder {feeder}: phases {phases:?}"));
        }
        if phases == [0; 3] {
            return Some(format!("feeder {feeder} serves nobody"));
        }
    }
    None
}

/// Houses scattered over an area of up to 900 m, some of them points.
fn scattered() -> impl Strategy<Value = Vec<RawBuilding>> {
    let one = (-450.0..450.0_f64, -450.0..450.0_f64, 3.0..30.0_f64, 3.0..20.0_f64, any::<bool>());
    prop::collection::vec(one, 1..120).prop_map(|list| {
        let make = |(i, (x, y, w, h, is_point)): (usize, (f64, f64, f64, f64, bool))| {
            let id = format!("h{i}");
            if is_point { point(&id, [x, y]) } else { house(&id, [x, y], [w, h]) }
        };
        list.into_iter().enumerate().map(make).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn grids_keep_their_promises(
        buildings in scattered(),
        seed in 0..1000_u64,
        span in 25.0..60.0_f64,
        service in 15.0..50.0_f64,
        feeders in prop::option::of(1..6_u32),
    ) {
        let params = LayoutParams {
            connections: Connections::Count(buildings.len().div_ceil(2) as u32),
            max_span_m: span,
            pole_spacing_m: span * 0.8,
            service_max_m: service,
            feeders,
            ..LayoutParams::default()
        };
        let source = imported(buildings);
        let village = layout::build(&source, &params, &SITE, seed).unwrap();
        prop_assert_eq!(broken(&village, &params), None);
        prop_assert_eq!(village.customers.len(), source.buildings.len().div_ceil(2));
        prop_assert!(village.feeders.len() <= feeders.unwrap_or(6) as usize);
        let again = layout::build(&source, &params, &SITE, seed).unwrap();
        prop_assert_eq!(format!("{village:?}"), format!("{again:?}"));
    }

    #[test]
    fn one_more_house_leaves_the_others_as_they_were(buildings in scattered(), x in -600.0..600.0_f64, seed in 0..1000_u64) {
        let mut buildings = buildings;
        // At least one customer, whatever the draws say.
        buildings[0] = house("h0", [0.0, 0.0], [8.0, 8.0]);
        let before = layout::build(&imported(buildings.clone()), &all(), &SITE, seed).unwrap();
        let mut more = buildings;
        more.insert(0, house("new", [x, 40.0], [9.0, 7.0]));
        let after = layout::build(&imported(more), &all(), &SITE, seed).unwrap();
        prop_assert_eq!(own_properties(&before), own_properties(&after).into_iter().filter(|(id, _)| id != "new").collect::<BTreeMap<_, _>>());
    }
}

fn all() -> LayoutParams {
    LayoutParams { connections: Connections::Share(1.0), ..LayoutParams::default() }
}

/// What belongs to a building alone, by its id.
fn own_properties(village: &Village) -> BTreeMap<String, String> {
    let own = |building: &taa_scenarios::model::Building| {
        let customer = building.customer.map(|c| &village.customers[c as usize]);
        let customer = customer.map(|c| (c.id.clone(), c.meter_id.clone(), c.class, c.placement));
        format!("{:?} {:?} {customer:?}", building.roof, building.wall)
    };
    village.buildings.iter().map(|building| (building.id.clone(), own(building))).collect()
}

#[test]
fn the_checker_sees_what_it_is_meant_to_see() {
    let params = LayoutParams { connections: Connections::Share(1.0), ..LayoutParams::default() };
    let houses =
        (0..30).map(|i| house(&format!("h{i}"), [f64::from(i % 6) * 60.0, f64::from(i / 6) * 60.0], [8.0, 6.0]));
    let village = layout::build(&imported(houses.collect()), &params, &SITE, 1).unwrap();
    assert_eq!(broken(&village, &params), None);
    let sabotage = |change: &dyn Fn(&mut Village)| {
        let mut hurt = village.clone();
        change(&mut hurt);
        broken(&hurt, &params)
    };
    let last = village.lines.len() - 1;
    assert!(sabotage(&|v| v.lines[last].to = 0).unwrap().contains("length"));
    assert!(sabotage(&|v| v.lines.push(v.lines[last].clone())).unwrap().contains("loop"));
    assert!(sabotage(&|v| _ = v.lines.pop()).unwrap().contains("not fed"));
    assert!(sabotage(&|v| v.customers[0].service_m = 90.0).unwrap().contains("service drop"));
    assert!(sabotage(&|v| v.customers.iter_mut().for_each(|c| c.phase = 0)).unwrap().contains("phases"));
    let far = |v: &mut Village| {
        v.poles[last].at_m[0] += 900.0;
        let line = v.lines.iter_mut().find(|line| line.to as usize == last).unwrap();
        let from = match line.from {
            LineEnd::Source => v.generation.at_m,
            LineEnd::Pole(p) => v.poles[p as usize].at_m,
        };
        line.length_m = distance(from, v.poles[last].at_m);
    };
    assert!(sabotage(&far).unwrap().contains("span"));
}

#[test]
fn real_villages_become_grids_of_few_poles_quickly() {
    // Customers per pole as of today, less a tenth: a worse layout shows here.
    for (name, per_pole) in [("jija", 2.1), ("ipoloto", 3.1), ("bupandagila", 0.85), ("butiama", 0.5), ("nakiu", 2.1)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}.geojson"));
        let read = read_buildings(&path).unwrap();
        let [lon_deg, lat_deg] = read.centre_deg();
        let site = Site { lat_deg, lon_deg, utc_offset_s: 10_800 };
        let params = LayoutParams::default();
        let village = layout::build(&read, &params, &site, 1).unwrap();
        assert_eq!(broken(&village, &params), None, "{name}");
        let figures = Figures::of(&village);
        let share = figures.customers as f64 / read.buildings.len() as f64;
        assert!((0.5..0.85).contains(&share), "{name}: {share}");
        assert!(figures.customers as f64 / figures.poles as f64 > per_pole, "{name}: {}", figures.sentence());
        let mut meters: Vec<&str> = village.customers.iter().map(|c| c.meter_id.as_str()).collect();
        assert!(meters.iter().all(|id| id.len() == 16));
        meters.sort_unstable();
        meters.dedup();
        assert_eq!(meters.len(), village.customers.len(), "{name}");
        // The site stands in the open.
        let free = village.buildings.iter().map(|b| distance(b.at_m, village.generation.at_m)).fold(f64::MAX, f64::min);
        assert!(free > 10.0, "{name}: {free}");
        assert_eq!(village.dcu.at_m, village.generation.at_m);
    }
}

#[test]
fn tags_are_taken_at_their_word() {
    let tagged = |id: &str, x: f64, tags: &[(&str, &str)]| RawBuilding {
        tags: tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ..house(id, [x, 0.0], [9.0, 7.0])
    };
    let source = imported(vec![
        tagged("school", 0.0, &[("amenity", "school"), ("roof", "thatch"), ("placement", "pole")]),
        tagged("mine", 30.0, &[("connected", "yes"), ("class", "mill")]),
        tagged("not-mine", 60.0, &[("connected", "no"), ("amenity", "clinic")]),
        tagged("site", 90.0, &[("building", "construction")]),
        tagged("duka", 120.0, &[("shop", "kiosk")]),
    ]);
    let params = LayoutParams { connections: Connections::Share(1.0), ..LayoutParams::default() };
    let village = layout::build(&source, &params, &SITE, 3).unwrap();
    let by_id: BTreeMap<&str, Class> = village.customers.iter().map(|c| (c.id.as_str(), c.class)).collect();
    let expected = [("c-duka", Class::Shop), ("c-mine", Class::Mill), ("c-school", Class::School)];
    assert_eq!(by_id, expected.into_iter().collect());
    assert_eq!(village.buildings[0].roof, Roof::Thatch);
    let school = &village.customers[0];
    assert_eq!(school.placement, Placement::Pole);
    assert_eq!(school.meter_at_m, village.poles[school.pole as usize].at_m);
}

#[test]
fn large_footprints_are_more_often_schools() {
    let of_size = |side: f64| {
        let houses = (0..400)
            .map(|i| house(&format!("h{i}"), [f64::from(i % 20) * 50.0, f64::from(i / 20) * 50.0], [side, side]));
        let params = LayoutParams { connections: Connections::Share(1.0), ..LayoutParams::default() };
        let village = layout::build(&imported(houses.collect()), &params, &SITE, 1).unwrap();
        let count = |class: Class| village.customers.iter().filter(|c| c.class == class).count();
        (count(Class::School) + count(Class::Clinic), count(Class::HouseholdLow))
    };
    let (small_schools, small_low) = of_size(5.0);
    let (large_schools, large_low) = of_size(16.0);
    assert!(small_schools == 0 && small_low > 240, "{small_schools} {small_low}");
    assert!(large_schools > 5 && large_low < 20, "{large_schools} {large_low}");
}

#[test]
fn sites_can_be_given() {
    let houses = (0..12).map(|i| house(&format!("h{i}"), [f64::from(i) * 25.0, 0.0], [8.0, 6.0])).collect();
    let given = layout::to_geo(&SITE, [-120.0, 30.0]);
    let mast = layout::to_geo(&SITE, [100.0, 50.0]);
    let params = LayoutParams {
        connections: Connections::Share(1.0),
        generation_lon_lat_deg: Some(given),
        dcu_lon_lat_deg: Some(mast),
        ..LayoutParams::default()
    };
    let source = imported(houses);
    let village = layout::build(&source, &params, &SITE, 1).unwrap();
    assert!(distance(village.generation.at_m, [-120.0, 30.0]) < 1e-6);
    assert!(distance(village.dcu.at_m, [100.0, 50.0]) < 1e-6);
    assert_eq!(broken(&village, &params), None);
    let swapped = LayoutParams { generation_lon_lat_deg: Some([given[1], given[0]]), ..params };
    let errors = layout::build(&source, &swapped, &SITE, 1).unwrap_err();
    assert_eq!(errors.problems[0].code().unwrap().to_string(), "taa::layout::site_far_away");
}

#[test]
fn bad_parameters_are_diagnosed() {
    let source = imported((0..5).map(|i| point(&format!("way/10{i}"), [f64::from(i) * 20.0, 0.0])).collect());
    let codes = |params: &LayoutParams| -> Vec<(String, String)> {
        let errors = layout::build(&source, params, &SITE, 1).expect_err("bad parameters were taken");
        errors
            .problems
            .iter()
            .map(|p| {
                (
                    p.code().unwrap().to_string(),
                    format!("{p} | {}", p.help().map(|h| h.to_string()).unwrap_or_default()),
                )
            })
            .collect()
    };
    let connect = |connections: Connections| codes(&LayoutParams { connections, ..LayoutParams::default() });
    let found = connect(Connections::Count(6));
    assert_eq!(found[0].0, "taa::layout::too_few_buildings");
    assert!(found[0].1.contains("6 connections") && found[0].1.contains("at most 5"), "{found:?}");
    let found = connect(Connections::List(vec!["way/100".into(), "way/1000".into()]));
    assert_eq!(found[0].0, "taa::layout::unknown_building");
    assert!(found[0].1.contains("did you mean `way/100`"), "{found:?}");
    assert_eq!(connect(Connections::Share(1.5))[0].0, "taa::layout::out_of_range");
    assert_eq!(connect(Connections::Share(1e-9))[0].0, "taa::layout::no_customers");
    let found = codes(&LayoutParams {
        max_span_m: 500.0,
        service_max_m: f64::NAN,
        roof_shares: layout::RoofShares { iron: 0.9, thatch: 0.9, tile: 0.0 },
        ..LayoutParams::default()
    });
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|(_, words)| words.contains("max_span_m") && words.contains("10 to 150 m")));
    assert!(found.iter().any(|(_, words)| words.contains("roof_shares") && words.contains("sum to 1")));
}
