//! The bundled villages load as they are, with and without every bundled fault, and say where they come from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use taa_dcu::config::{Backhaul, CreditAt, Traits};
use taa_scenarios::model::{FaultTarget, LineEnd, Scenario};
use taa_scenarios::{Overrides, check, load};

const VILLAGES: [(&str, usize); 3] = [("jija", 318), ("ipoloto", 1066), ("bupandagila", 523)];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn village(name: &str) -> Scenario {
    load(&root().join("villages").join(name), &Overrides::default()).unwrap()
}

fn fault_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root().join("faults")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn the_bundled_villages_are_sound() {
    for (name, buildings) in VILLAGES {
        let report = check(&root().join("villages").join(name));
        assert!(report.ok(), "{name}: {:#?}", report.problems);
        let remarks: Vec<String> = report.problems.problems.iter().map(ToString::to_string).collect();
        assert!(remarks.iter().all(|remark| remark.contains("time zone")), "{name}: {remarks:#?}");
        let scenario = village(name);
        assert_eq!(scenario.name, name);
        assert_eq!(scenario.village.buildings.len(), buildings);
        assert_eq!(scenario.weather.series.ghi_w_per_m2.len(), 30 * 24);
        assert_eq!(scenario.site.utc_offset_s, 3 * 3600);
        assert_eq!(scenario.run.start_unix_s, 1_767_225_600 - 3 * 3600, "2026-01-01 00:00 in Tanzania");
        assert_eq!((scenario.tariff.currency.as_str(), scenario.tariff.minor_per_unit), ("TZS", 100));
        assert_eq!(scenario.tariff.energy_price_per_kwh_minor, 180_000);
        let names: Vec<&str> = scenario.run.architectures.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["cloud_sync", "edge_local"]);
    }
}

#[test]
fn sources_are_named_once() {
    for (name, _) in VILLAGES {
        let scenario = village(name);
        let count = |word: &str| scenario.attributions.iter().filter(|line| line.contains(word)).count();
        assert_eq!((count("OpenStreetMap contributors"), count("PVWatts")), (1, 1), "{:?}", scenario.attributions);
        let far = format!("{:.0} km away", scenario.weather.distance_km);
        assert_eq!(scenario.notes.iter().filter(|note| note.contains(&far)).count(), 1, "{:#?}", scenario.notes);
    }
}

#[test]
fn indices_fit_and_every_customer_reaches_the_source() {
    for (name, _) in VILLAGES {
        let v = village(name).village;
        let mut reached = vec![false; v.poles.len()];
        for line in &v.lines {
            let fed = match line.from {
                LineEnd::Source => true,
                LineEnd::Pole(pole) => reached[pole as usize],
            };
            assert!(fed, "{name}: {} comes before the line that feeds it", line.id);
            reached[line.to as usize] = true;
        }
        assert!(reached.iter().all(|reached| *reached), "{name}");
        let meters: BTreeSet<&str> = v.customers.iter().map(|c| c.meter_id.as_str()).collect();
        assert_eq!(meters.len(), v.customers.len(), "{name}: meter ids are unique");
        for (index, customer) in v.customers.iter().enumerate() {
            assert_eq!(v.buildings[customer.building as usize].customer, u32::try_from(index).ok());
            assert_eq!(v.poles[customer.pole as usize].feeder, customer.feeder);
            assert!((customer.feeder as usize) < v.feeders.len() && customer.phase < 3);
        }
    }
}

#[test]
fn every_bundled_fault_fits_every_bundled_village() {
    let files = fault_files();
    assert!(files.len() >= 9, "{files:?}");
    for (name, _) in VILLAGES {
        for file in &files {
            let overrides = Overrides { faults: Some(file.clone()), ..Overrides::default() };
            let scenario = load(&root().join("villages").join(name), &overrides).unwrap();
            assert!(!scenario.faults.is_empty(), "{}", file.display());
            assert!(scenario.faults.is_sorted_by_key(|fault| fault.from_ms));
            for fault in &scenario.faults {
                assert!(fault.from_ms < fault.until_ms && fault.until_ms <= 30 * 86_400_000, "{}", fault.id);
                if let FaultTarget::Customers(customers) = &fault.target {
                    assert!(
                        !customers.is_empty()
                            && customers.iter().all(|&c| (c as usize) < scenario.village.customers.len())
                    );
                }
            }
            let remarks = scenario.notes.iter().filter(|note| note.contains("fault")).count();
            assert_eq!(remarks, 0, "{name} {}: {:#?}", file.display(), scenario.notes);
        }
    }
}

#[test]
fn fault_times_are_local() {
    let overrides = Overrides { faults: Some(root().join("faults/tower_out.toml")), ..Overrides::default() };
    let scenario = load(&root().join("villages/jija"), &overrides).unwrap();
    let hour = 3_600_000;
    assert_eq!(
        (scenario.faults[0].from_ms, scenario.faults[0].until_ms),
        ((7 * 24 + 14) * hour, (7 * 24 + 14 + 36) * hour)
    );
}

#[test]
fn the_command_line_wins() {
    let overrides = Overrides {
        seed: Some(42),
        start: Some("2028-02-20".to_owned()),
        days: Some(12),
        architectures: vec!["cloud_cached".to_owned(), "edge_local".to_owned()],
        traits: vec![("credit_at".to_owned(), "meter".to_owned()), ("backhaul".to_owned(), "dual_sim".to_owned())],
        faults: None,
    };
    let scenario = load(&root().join("villages/jija"), &overrides).unwrap();
    assert_eq!((scenario.run.seed, scenario.run.days), (42, 12));
    assert_eq!(scenario.run.start_unix_s, 1_834_617_600 - 3 * 3600, "2028-02-20 00:00 in Tanzania");
    assert_eq!(scenario.weather.series.len(), 12 * 24, "29 February included");
    let [(cached, a), (edge, b)] = scenario.run.architectures.as_slice() else { panic!("two architectures") };
    assert_eq!((cached.as_str(), edge.as_str()), ("cloud_cached_custom", "edge_local_custom"));
    assert_eq!((a.credit_at, a.backhaul, b.credit_at), (CreditAt::Meter, Backhaul::DualSim, CreditAt::Meter));
    assert_eq!(b.local_vending, Traits::bundle("edge_local").unwrap().local_vending);
}

#[test]
fn the_village_does_not_change_with_the_seed() {
    let dir = root().join("villages/jija");
    let ids = |seed| {
        let scenario = load(&dir, &Overrides { seed: Some(seed), ..Overrides::default() }).unwrap();
        scenario.village.customers.iter().map(|c| (c.id.clone(), c.class, c.pole)).collect::<Vec<_>>()
    };
    assert_eq!(ids(1), ids(2));
}
