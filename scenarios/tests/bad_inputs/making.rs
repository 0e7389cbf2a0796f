//! `taa new`.

use std::fs;
use std::path::PathBuf;

use taa_scenarios::diagnostics::Problem;
use taa_scenarios::{NewArgs, create};

use crate::fixture::{Fixture, assert_one};

/// Codes of the cases below.
pub(crate) const CODES: &[&str] = &[
    "taa::new::exists",
    "taa::new::no_parent",
    "taa::new::no_name",
    "taa::new::has_grid",
    "taa::layout::out_of_range",
];

fn refused(fixture: &Fixture, dir: PathBuf, connections: Option<u32>) -> Vec<Problem> {
    let args = NewArgs {
        dir,
        buildings: fixture.dir.join("b.csv"),
        weather: fixture.dir.join("weather.csv"),
        connections,
        name: None,
    };
    create(&args).expect_err("a bad request was taken").problems
}

fn fixture(name: &str) -> Fixture {
    let mut fixture = Fixture::new(name);
    fixture.files.push(("b.csv", b"lat,lon\n-2.85,33.612\n-2.8502,33.6121\n".to_vec()));
    fixture.write();
    fixture
}

#[test]
fn nothing_is_overwritten() {
    let f = fixture("exists");
    let before = fs::read(f.dir.join("scenario.toml")).unwrap();
    assert_one(&refused(&f, f.dir.clone(), None), "taa::new::exists", "exists", &["nothing is overwritten"]);
    assert_eq!(fs::read(f.dir.join("scenario.toml")).unwrap(), before);
}

#[test]
fn the_folder_above_must_exist() {
    let f = fixture("no_parent");
    let found = refused(&f, f.dir.join("a/b"), None);
    assert_one(&found, "taa::new::no_parent", "a/b", &["does not exist", "make"]);
}

#[test]
fn the_root_has_no_name() {
    let f = fixture("no_name");
    assert_one(&refused(&f, PathBuf::from("/"), None), "taa::new::no_name", "/", &["name"]);
}

#[test]
fn no_connections_is_no_village() {
    let f = fixture("zero");
    let found = refused(&f, f.dir.join("new"), Some(0));
    assert_one(&found, "taa::layout::out_of_range", "connections.count", &["1 to 10000"]);
    assert!(!f.dir.join("new").exists());
}

#[test]
fn a_refusal_leaves_nothing_behind() {
    let f = fixture("behind");
    let files = || fs::read_dir(&f.dir).unwrap().count();
    let before = files();
    let found = refused(&f, f.dir.join("new"), Some(50));
    assert_one(&found, "taa::layout::too_few_buildings", "", &["50 connections"]);
    assert_eq!(files(), before);
}

#[test]
fn a_drawn_plan_is_not_thinned_out() {
    let f = fixture("has_grid");
    let village = concat!(env!("CARGO_MANIFEST_DIR"), "/villages/jija/village.geojson");
    let args = NewArgs {
        dir: f.dir.join("new"),
        buildings: PathBuf::from(village),
        weather: concat!(env!("CARGO_MANIFEST_DIR"), "/weather/lodwar_kenya_pvwatts_hourly.csv").into(),
        connections: Some(50),
        name: None,
    };
    let found = create(&args).expect_err("a plan was thinned out").problems;
    assert_one(&found, "taa::new::has_grid", "village.geojson", &["--connections", "drawn"]);
    assert!(!f.dir.join("new").exists());
}
