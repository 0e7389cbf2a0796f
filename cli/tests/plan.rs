//! `taa plan mesh` as a planner uses it: the table, the map, the file and its way back.

mod common;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use common::{root, taa, text};

/// A village of this test's own: Jija's files, weather named by its full path.
fn village(name: &str) -> PathBuf {
    copy_of("jija", name)
}

fn copy_of(village: &str, name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&dir));
    std::fs::create_dir_all(&dir).expect("a folder");
    let from = root().join("scenarios/villages").join(village);
    std::fs::copy(from.join("village.geojson"), dir.join("village.geojson")).expect("copied");
    let toml = std::fs::read_to_string(from.join("scenario.toml")).expect("a scenario");
    let weather = root().join("scenarios/weather");
    let toml = toml.replace("../../weather", &weather.display().to_string());
    std::fs::write(dir.join("scenario.toml"), toml).expect("written");
    dir
}

/// Jija's radio needs relays only where much is asked for.
#[test]
fn a_plan_is_told_drawn_written_and_undone() {
    let dir = village("plan");
    let (dir_arg, out) = (dir.display().to_string(), dir.join("out"));
    let out_arg = out.display().to_string();
    let file = dir.join("village.geojson");
    let before = std::fs::read_to_string(&file).expect("a village");

    let told =
        taa(&["plan", "mesh", &dir_arg, "--out", &out_arg, "--json", "--draws", "2", "--write", "--margin-db", "18"]);
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    let json: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let relays = json["relays"].as_array().expect("relays").len();
    assert_eq!(json["after"]["meters_served"], json["meters"]);
    assert_eq!(json["after"]["cut_nodes"], 0);
    assert!(json["before"]["meters_served"].as_u64() < json["meters"].as_u64(), "{json}");
    assert!(json["after"]["margin_least_db"].as_f64() >= Some(18.0), "{json}");
    let page = std::fs::read_to_string(out.join("mesh.html")).expect("a map");
    assert!(page.contains("As it stands") && page.contains("As planned") && !page.contains("://"), "a page of its own");

    let after = std::fs::read_to_string(&file).expect("a village");
    assert_eq!(after.matches("\"kind\":\"relay\"").count(), relays);
    let kept: Vec<&str> =
        before.lines().filter(|line| !line.contains("\"kind\":\"dcu\"") && line.ends_with(',')).collect();
    assert!(kept.iter().all(|line| after.contains(line)), "nothing else has changed");

    // What was written needs nothing more: the same draws see the same links.
    let again = taa(&[
        "plan",
        "mesh",
        &dir_arg,
        "--out",
        &out_arg,
        "--json",
        "--draws",
        "2",
        "--margin-db",
        "18",
        "--keep-dcu",
    ]);
    let json: serde_json::Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert_eq!(
        (json["relays"].as_array().map(Vec::len), json["relays_standing"].as_u64()),
        (Some(0), Some(relays as u64))
    );
    assert_eq!(taa(&["check", &dir_arg]).status.code(), Some(0));

    let undo = text(&told.stderr);
    let undo = undo.lines().find_map(|line| line.strip_prefix("Undo:")).expect("says how to undo").trim();
    assert!(Command::new("sh").arg("-c").arg(undo).status().expect("a shell").success(), "{undo}");
    assert_eq!(std::fs::read_to_string(&file).expect("a village"), before);
}

/// Meter-hours cut off in a day of the village, in quiet air and with 18 dB more in every roof and wall.
fn cut_off_h(dir: &str) -> [f64; 2] {
    let out = format!("{dir}/out");
    let faults = root().join("scenarios/faults/iron_roofs.toml").display().to_string();
    [vec![], vec!["--faults", &faults]].map(|more: Vec<&str>| {
        let run = ["run", dir, "--days", "1", "--architecture", "edge_local", "--quiet", "--json", "--no-remedies"];
        let told = taa(&[&run[..], &["--out", &out], &more].concat());
        assert!(told.status.success(), "{}", text(&told.stderr));
        let summary = std::fs::read_to_string(format!("{out}/summary.json")).expect("a summary");
        let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
        summary["architectures"]["edge_local"]["mesh_isolated_node_hours"].as_f64().expect("hours")
    })
}

#[test]
fn a_plan_that_is_written_keeps_meters_from_being_cut_off() {
    let dir = copy_of("bupandagila", "plan-run");
    let dir_arg = dir.display().to_string();
    let [quiet_before, iron_before] = cut_off_h(&dir_arg);
    let out_arg = dir.join("plan").display().to_string();
    let told = taa(&["plan", "mesh", &dir_arg, "--margin-db", "14", "--write", "--out", &out_arg]);
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    let [quiet_after, iron_after] = cut_off_h(&dir_arg);
    println!("cut off, hours: {quiet_before} and {iron_before}, with the plan {quiet_after} and {iron_after}");
    assert!(quiet_before > 20.0 && quiet_after < 0.1, "one meter is out of reach: {quiet_before}, {quiet_after}");
    assert!(iron_after < 0.5 * iron_before, "{iron_before}, {iron_after}");
}

#[test]
fn what_cannot_be_planned_is_said() {
    let dir = village("plan_bad");
    let dir_arg = dir.display().to_string();
    let file = dir.join("village.geojson");
    // More decibels than any link indoors has.
    let out = dir.join("out").display().to_string();
    let much = taa(&["plan", "mesh", &dir_arg, "--out", &out, "--draws", "1", "--margin-db", "45", "--poles-only"]);
    assert_eq!(much.status.code(), Some(1), "{}", text(&much.stderr));
    assert!(text(&much.stderr).contains("cannot have 2 disjoint ways"), "{}", text(&much.stderr));
    let wrong = taa(&["plan", "mesh", &dir_arg, "--margin-db", "-1"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("0 to 60 dB"), "{}", text(&wrong.stderr));
    // A file without poles cannot take relays: said before the search.
    let village = std::fs::read_to_string(&file).expect("a village");
    let bare: Vec<&str> = village
        .lines()
        .filter(|line| !["pole", "line"].iter().any(|k| line.contains(&format!("\"kind\":\"{k}\""))))
        .collect();
    std::fs::write(&file, bare.join("\n").replace("\"pole\":", "\"was\":")).expect("written");
    let refused = taa(&["plan", "mesh", &dir_arg, "--out", &out, "--write"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("village.geojson"), "{}", text(&refused.stderr));
}
