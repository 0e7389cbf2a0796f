//! `taa mesh show` on a village and on a run.

mod common;

use std::path::Path;

use common::{taa, text};

#[test]
fn a_village_and_its_run_show_the_same_mesh() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mesh-show");
    drop(std::fs::remove_dir_all(&dir));
    std::fs::create_dir_all(&dir).expect("a folder");
    let (run, page) = (dir.join("run").display().to_string(), dir.join("mesh.html"));
    let village = "scenarios/villages/jija";
    let faults = ["--faults", "scenarios/faults/feeder_out.toml", "--days", "2"];
    let options = ["--architecture", "cloud_sync", "--no-remedies", "--quiet", "--out", &run];
    let ran = taa(&[&["run", village][..], &faults, &options].concat());
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));

    let page_arg = page.display().to_string();
    let shown = taa(&["mesh", "show", &run, "--html", &page_arg]);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    let table = text(&shown.stdout);
    for words in ["234 meters", "message by message", "links at the start", "on the air", "Page: "] {
        assert!(table.contains(words), "{words} is missing:\n{table}");
    }
    let html = std::fs::read_to_string(&page).expect("a page");
    assert!(html.contains("id=\"rplay\"") && !html.contains("://"), "a page of its own");

    // Of a village the first architecture is run.
    let json = |arguments: &[&str]| -> serde_json::Value {
        let out = taa(arguments);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        serde_json::from_slice(&out.stdout).expect("JSON")
    };
    let of_run = json(&["mesh", "show", &run, "--json"]);
    let of_village = json(&[&["mesh", "show", village, "--json"][..], &faults].concat());
    let first = |value: &serde_json::Value| value["architectures"]["cloud_sync"]["hops_ms"].clone();
    assert_eq!(first(&of_run), first(&of_village));
    assert!(first(&of_run).as_array().is_some_and(|hops| !hops.is_empty()), "{of_run}");
}

#[test]
fn what_cannot_be_shown_is_said() {
    let neither = taa(&["mesh", "show", "scenarios/faults"]);
    assert_eq!(neither.status.code(), Some(2), "{}", text(&neither.stderr));
    assert!(text(&neither.stderr).contains("scenario.toml"), "{}", text(&neither.stderr));
}
