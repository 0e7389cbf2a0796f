//! `taa mesh media` on a village, and what it says where it cannot compare.

mod common;

use std::path::{Path, PathBuf};

use common::{root, taa, text};

#[test]
fn a_village_is_told_in_a_table_and_in_json() {
    let village = "scenarios/villages/jija";
    let shown = taa(&["mesh", "media", village, "--draws", "1"]);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    let table = text(&shown.stdout);
    for words in ["234 meters", "PLC evening", "LoRaWAN C", "last gasps heard", "bounded by", "Upper bounds"] {
        assert!(table.contains(words), "{words} is missing:\n{table}");
    }
    let json = |per_hour: &str| -> serde_json::Value {
        let out = taa(&["mesh", "media", village, "--draws", "1", "--per-hour", per_hour, "--json"]);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        serde_json::from_slice(&out.stdout).expect("JSON")
    };
    let (seldom, often) = (json("1"), json("4"));
    assert_eq!(seldom["answer"]["meters"], 234);
    assert_eq!(seldom["question"]["draws"], 1);
    let media: Vec<&str> =
        seldom["answer"]["rows"].as_array().expect("rows").iter().filter_map(|row| row["medium"].as_str()).collect();
    assert_eq!(media, ["mesh", "plc_night", "plc_day", "plc_evening", "lorawan_a", "lorawan_c"]);
    for row in seldom["answer"]["rows"].as_array().expect("rows") {
        for figure in ["reached", "delivered", "gasps_heard", "without_router", "behind_router"] {
            let share = row[figure]["mean"].as_f64().expect("a share");
            assert!((0.0..=1.0).contains(&share), "{figure} of {row}");
        }
        assert!(row["order_p95_s"]["mean"].as_f64() >= row["order_mean_s"]["mean"].as_f64(), "{row}");
    }
    // Who speaks more often loses more on the star alone, and waits less for an order.
    let of = |value: &serde_json::Value, at: usize, figure: &str| value["answer"]["rows"][at][figure]["mean"].as_f64();
    assert!(of(&often, 4, "delivered") < of(&seldom, 4, "delivered"));
    assert!(of(&often, 4, "order_mean_s") < of(&seldom, 4, "order_mean_s"));
    assert_eq!(of(&often, 0, "delivered"), of(&seldom, 0, "delivered"));
}

/// A copy of a village whose map is changed.
fn changed(name: &str, change: impl Fn(&str) -> Option<String>) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).expect("a folder");
    let village = root().join("scenarios/villages/jija");
    let read = |file: &str| std::fs::read_to_string(village.join(file)).expect("a village");
    let weather = root().join("scenarios/weather").display().to_string();
    let toml = read("scenario.toml").replace("../../weather", &weather);
    std::fs::write(folder.join("scenario.toml"), toml).expect("a scenario");
    let map: Vec<String> = read("village.geojson").lines().filter_map(change).collect();
    std::fs::write(folder.join("village.geojson"), map.join("\n")).expect("a map");
    folder
}

#[test]
fn a_village_without_lines_is_told_what_is_missing() {
    let without = changed("media-no-lines", |line| (!line.contains("\"kind\":\"line\"")).then(|| line.to_owned()));
    let said = taa(&["mesh", "media", &without.display().to_string()]);
    assert_eq!(said.status.code(), Some(2), "{}", text(&said.stdout));
    let words = text(&said.stderr);
    assert!(words.contains("line") && words.contains("pole"), "{words}");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    for wrong in [&["--per-hour", "0"][..], &["--octets", "0"], &["--draws", "0"], &["--threads", "-1"]] {
        let said = taa(&[&["mesh", "media", "scenarios/villages/jija"][..], wrong].concat());
        assert_eq!(said.status.code(), Some(2), "{wrong:?}: {}", text(&said.stdout));
        assert!(text(&said.stderr).contains(wrong[0]), "{}", text(&said.stderr));
    }
    let nowhere = taa(&["mesh", "media", "scenarios/faults"]);
    assert_eq!(nowhere.status.code(), Some(2), "{}", text(&nowhere.stdout));
}
