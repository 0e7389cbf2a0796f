//! `taa run --capture`: the mesh's frames in a file that others read, whole or not there.

mod common;
#[path = "../../models/mesh/tests/tshark/mod.rs"]
mod tshark;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use common::{interrupted, root, taa, text};

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("capture-{name}"));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The eight customers of Jija nearest to the source, poles and lines left out: the grid is laid out anew.
fn hamlet(folder: &Path) -> String {
    let jija = root().join("scenarios/villages/jija");
    let map = fs::read_to_string(jija.join("village.geojson")).expect("a map");
    let mut map: serde_json::Value = serde_json::from_str(&map).expect("JSON");
    let mut features = map["features"].as_array().expect("features").clone();
    let is = |one: &serde_json::Value, kind: &str| one["properties"]["kind"] == kind;
    let place = |one: &serde_json::Value| {
        let mut at = &one["geometry"]["coordinates"];
        while at[0].is_array() {
            at = &at[0];
        }
        [0, 1].map(|n| at[n].as_f64().expect("degrees"))
    };
    let source = features.iter().find(|one| is(one, "generation")).map(place).expect("a source");
    let away = |one: &serde_json::Value| {
        let [x, y] = place(one);
        (x - source[0]).hypot(y - source[1])
    };
    let mut houses: Vec<_> =
        features.iter().filter(|one| is(one, "building") && one["properties"]["connected"] != "no").cloned().collect();
    houses.sort_by(|a, b| away(a).total_cmp(&away(b)));
    houses.truncate(8);
    features.retain(|one| is(one, "generation") || is(one, "dcu"));
    features.extend(houses);
    map["features"] = features.into();
    fs::write(folder.join("village.geojson"), map.to_string()).expect("written");
    let weather = root().join("scenarios/weather/lodwar_kenya_pvwatts_hourly.csv");
    let settings = fs::read_to_string(jija.join("scenario.toml")).expect("settings");
    let settings = settings.replace("../../weather/lodwar_kenya_pvwatts_hourly.csv", &weather.display().to_string());
    fs::write(folder.join("scenario.toml"), settings).expect("written");
    folder.display().to_string()
}

/// A pcapng of IEEE 802.15.4 frames (section, then an interface of link type 283), and how many there are. Panics where
/// a block is cut off.
fn frames(file: &[u8]) -> usize {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four octets"));
    assert_eq!((word(0), word(8)), (0x0a0d_0d0a, 0x1a2b_3c4d), "a section, least octet first");
    let (mut at, mut kinds) = (0, Vec::new());
    while at < file.len() {
        let octets = word(at + 4) as usize;
        assert_eq!(word(at + octets - 4) as usize, octets, "the length stands at both ends");
        if word(at) == 1 {
            assert_eq!(word(at + 8) & 0xffff, 283);
        }
        kinds.push(word(at));
        at += octets;
    }
    assert_eq!((kinds[1], kinds.iter().filter(|kind| **kind == 1).count()), (1, 1), "one interface, first");
    kinds.iter().filter(|kind| **kind == 6).count()
}

#[test]
fn the_frames_of_a_run_are_kept_and_dissected() {
    let folder = scratch("run");
    let village = hamlet(&folder);
    let (out, file) = (folder.join("out").display().to_string(), folder.join("kept/mesh.pcapng"));
    let options = ["--days", "1", "--architecture", "edge_local", "--no-remedies", "--record", "off", "--json"];
    let place = file.display().to_string();
    let ran = taa(&[&["run", &village][..], &options, &["--out", &out, "--capture", &place]].concat());
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    let capture = fs::read(&file).expect("a capture");
    let count = frames(&capture);
    assert!(count > 1000, "--capture alone asks for the mesh frame by frame: {count} frames");
    let left: Vec<_> =
        fs::read_dir(folder.join("kept")).expect("a folder").map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left, ["mesh.pcapng"], "nothing but the file");

    let told = text(&ran.stderr);
    let option = told.split_once(" -o '").and_then(|(_, rest)| rest.split_once('\'')).expect("how to open it").0;
    assert!(told.contains(&format!("tshark -r {place} -o '")), "{told}");
    let head = String::from_utf8_lossy(&capture[..400]);
    assert!(head.contains(option), "and the file says so itself: {head}");

    let fields = ["-T", "fields", "-e", "_ws.malformed", "-e", "wpan.fcs_ok"];
    let Some(lines) = tshark::tshark("cli", &capture, &fields) else { return };
    assert_eq!(lines.len(), count);
    assert_eq!(lines.iter().find(|line| *line != "\t1"), None, "none malformed, every check sequence holds");
    let shown = ["-T", "fields", "-e", "_ws.malformed", "-e", "icmpv6.type", "-e", "udp.dstport"];
    let open =
        |option: &[&str]| tshark::tshark("cli-open", &capture, &[option, &shown].concat()).expect("it was there");
    let lines = open(&["-o", option]);
    let has = |field: usize, value: &str| lines.iter().any(|line| line.split('\t').nth(field) == Some(value));
    assert!(has(1, "155") && has(2, "61617"), "RPL and data show with what was told");
    assert_eq!(lines.iter().find(|line| !line.starts_with('\t')), None, "none malformed");
    assert!(open(&[]).iter().all(|line| line == "\t\t"), "nothing of it without");
    // The sabotage: an octet changed, and one frame's check fails.
    let mut damaged = capture;
    let at = damaged.len() - 40;
    damaged[at] ^= 1;
    let lines = tshark::tshark("cli-damaged", &damaged, &fields).expect("it was there");
    assert_eq!(lines.iter().filter(|line| *line != "\t1").count(), 1);
}

#[test]
fn where_nothing_can_be_written_nothing_is_run() {
    let folder = scratch("refused");
    let out = folder.join("out");
    let file = folder.join("file");
    fs::write(&file, "of an earlier run").expect("written");
    let run = |capture: &Path, more: &[&str]| {
        let (out, capture) = (out.display().to_string(), capture.display().to_string());
        let run = ["run", "scenarios/villages/jija", "--days", "2", "--quiet", "--out", &out, "--capture", &capture];
        taa(&[&run[..], more].concat())
    };
    for (capture, more, says) in [
        (folder.clone(), &[][..], "folder"),
        (file.join("mesh.pcapng"), &[], "cannot be made"),
        (PathBuf::from("/proc/mesh.pcapng"), &[], "nothing can be written"),
        (folder.join(".."), &[], "name a file"),
        (folder.join("mesh.pcapng"), &["--mesh", "message"], "--mesh message"),
    ] {
        let refused = run(&capture, more);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{}: {said}", capture.display());
        assert!(said.contains(says) && said.contains("--capture"), "{}: {said}", capture.display());
        assert!(!out.exists(), "{}: nothing was run", capture.display());
    }
    assert_eq!(fs::read_to_string(&file).expect("still there"), "of an earlier run");
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "and nothing else");
}

/// Ctrl-C leaves all frames up to that moment, in one file a run.
#[cfg(unix)]
#[test]
fn an_interrupted_capture_is_whole() {
    let folder = scratch("interrupted");
    let village = hamlet(&folder);
    let mut run = Command::new(env!("CARGO_BIN_EXE_taa"));
    run.args(["run", &village, "--days", "3600", "--compare", "--quiet", "--no-remedies", "--record", "off"]);
    run.arg("--out").arg(folder.join("out")).arg("--capture").arg(folder.join("mesh.pcapng"));
    assert_eq!(interrupted(&mut run).code(), Some(0));
    for name in ["cloud_sync", "edge_local"] {
        let file = fs::read(folder.join(format!("mesh-{name}.pcapng"))).expect("a capture");
        assert!(frames(&file) > 100, "{name}");
    }
    assert!(!folder.join("mesh.pcapng").exists(), "one an architecture");
    let halves = fs::read_dir(&folder)
        .expect("a folder")
        .filter(|one| one.as_ref().is_ok_and(|one| one.file_name().to_string_lossy().contains("part")));
    assert_eq!(halves.count(), 0);
}
