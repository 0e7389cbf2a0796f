//! The commands as a person or a CI job uses them: what they print, what they leave, how they exit.

mod common;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use common::{interrupted, root, taa, text};

/// A folder of this test's own, empty.
fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    match std::fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{}: {error}", dir.display()),
        _ => dir,
    }
}

fn summary(dir: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(dir.join("summary.json")).expect("a summary");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_run_leaves_what_it_says() {
    let out = scratch("run");
    let out_arg = out.display().to_string();
    let done = taa(&["run", "scenarios/villages/jija", "--days", "2", "--compare", "--out", &out_arg]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    assert!(printed.contains("cloud_sync") && printed.contains("edge_local"), "{printed}");
    let said = printed.lines().find_map(|line| line.strip_prefix("Report: ")).expect("says where the report is");
    assert!(Path::new(said).is_file(), "{said}");
    for file in ["report.html", "summary.json", "run.mcap", "downtime.parquet", "customers.parquet", "plant.parquet"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let summary = summary(&out);
    assert_eq!(summary["schema"], 1);
    assert_eq!(summary["partial"], false);
    assert_eq!(summary["simulated_s"], 172_800.0);
    assert!(summary["architectures"]["edge_local"]["service_availability"].as_f64().is_some());

    let page = std::fs::read(out.join("report.html")).expect("a page");
    std::fs::remove_file(out.join("report.html")).expect("can be removed");
    let again = taa(&["report", &out_arg]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert_eq!(std::fs::read(out.join("report.html")).expect("a page"), page, "the same page again");
}

#[test]
fn json_is_json_and_digests_do_not_depend_on_threads() {
    let run = |threads: &str| {
        let out = scratch(&format!("threads-{threads}"));
        let out = out.display().to_string();
        let arguments =
            ["run", "scenarios/villages/jija", "--days", "2", "--compare", "--json", "--quiet", "--no-remedies"];
        let done = taa(&[&arguments[..], &["--threads", threads, "--out", &out, "--record", "off"]].concat());
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
        assert!(done.stderr.is_empty(), "quiet is quiet: {}", text(&done.stderr));
        serde_json::from_slice::<serde_json::Value>(&done.stdout).expect("JSON on standard output")
    };
    let (one, two) = (run("1"), run("2"));
    assert_eq!(one["digest"], two["digest"]);
    assert_eq!(one["exogenous_digest"], two["exogenous_digest"]);
    assert!(one["digest"].as_str().is_some_and(|digest| digest.len() == 64));
}

#[test]
fn bad_input_exits_with_two_and_leaves_nothing() {
    let out = scratch("bad");
    let out_arg = out.display().to_string();
    for arguments in [
        &["run", "scenarios/villages/nowhere"][..],
        &["run", "scenarios/villages/jija", "--architecture", "edge_locl"],
        &["run", "scenarios/villages/jija", "--trait", "backhaul"],
        &["run", "scenarios/villages/jija", "--trait", "backhaul=pigeon"],
        &["run", "scenarios/villages/jija", "--faults", "scenarios/faults/none.toml"],
        &["run", "scenarios/villages/jija", "--start", "tomorrow"],
        &["run", "scenarios/villages/jija", "--days", "0"],
        &["run", "scenarios/villages/jija", "--threads", "0"],
        &["run", "scenarios/villages/jija", "--trait", "keypad=true", "--trait", "keypad=false"],
    ] {
        let done = taa(&[arguments, &["--out", &out_arg]].concat());
        assert_eq!(done.status.code(), Some(2), "{arguments:?}: {}", text(&done.stderr));
        assert!(!done.stderr.is_empty() && !text(&done.stderr).contains("panicked"), "{arguments:?}");
        assert!(!out.exists(), "{arguments:?} left {}", out.display());
    }
    assert_eq!(taa(&["report", &out_arg]).status.code(), Some(2));
    assert_eq!(taa(&["check", "scenarios/villages/nowhere"]).status.code(), Some(2));
    assert_eq!(taa(&["run"]).status.code(), Some(2));
}

#[test]
fn what_is_out_of_range_says_the_range() {
    for (flag, value, range) in [
        ("--days", "-1", "1 to 3660"),
        ("--days", "0", "1 to 3660"),
        ("--days", "3661", "1 to 3660"),
        ("--threads", "0", "from 1 on"),
        ("--threads", "-2", "from 1 on"),
    ] {
        let done = taa(&["run", "scenarios/villages/jija", flag, value]);
        assert_eq!(done.status.code(), Some(2), "{flag} {value}");
        assert!(text(&done.stderr).contains(range), "{flag} {value}: {}", text(&done.stderr));
    }
}

#[test]
fn results_do_not_go_into_a_file() {
    let dir = scratch("out-is-a-file");
    std::fs::create_dir_all(&dir).expect("a folder");
    let file = dir.join("notes.txt");
    std::fs::write(&file, "mine").expect("a file");
    for out in [file.clone(), file.join("below")] {
        let done = taa(&["run", "scenarios/villages/jija", "--days", "1", "--out", &out.display().to_string()]);
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(said.contains("is a file, not a folder") && said.contains("Name a folder"), "{said}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "mine");
}

/// `taa … 2>&1 | head -2`: who stops reading ends nothing badly.
#[cfg(unix)]
#[test]
fn nobody_need_read_to_the_end() {
    let dir = scratch("two-errors");
    std::fs::create_dir_all(&dir).expect("a folder");
    std::fs::write(dir.join("scenario.toml"), "schema = 1\ntitel = \"a\"\nnonsense = 1\n").expect("a file");
    let dir = dir.display().to_string();
    let sound = "scenarios/villages/jija";
    let (check, run) = (["check", &dir], ["run", &dir]);
    for (arguments, code) in [(&check[..], 2), (&run, 2), (&["check", sound], 0), (&["schema"], 0), (&["--help"], 0)] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut child = Command::new(env!("CARGO_BIN_EXE_taa"))
            .args(arguments)
            .current_dir(root())
            .stdout(writer.try_clone().expect("a pipe"))
            .stderr(writer)
            .spawn()
            .expect("taa starts");
        assert_eq!(child.wait().expect("ends").code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn every_village_is_sound_and_the_schema_is_json() {
    for village in ["jija", "ipoloto", "bupandagila"] {
        let done = taa(&["check", &format!("scenarios/villages/{village}")]);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
        assert!(text(&done.stdout).contains("is sound"));
    }
    let schema: serde_json::Value = serde_json::from_slice(&taa(&["schema"]).stdout).expect("JSON");
    assert!(schema["properties"]["power"].is_object());
    let completions = taa(&["completions", "bash"]);
    assert!(text(&completions.stdout).contains("_taa"));
}

#[test]
fn a_village_from_strange_footprints_runs() {
    let dir = scratch("new-village");
    let dir_arg = dir.display().to_string();
    let buildings = "scenarios/tests/data/nakiu.geojson";
    let weather = "scenarios/weather/lodwar_kenya_pvwatts_hourly.csv";
    let made = taa(&["new", &dir_arg, "--buildings", buildings, "--weather", weather, "--connections", "80"]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let again = taa(&["new", &dir_arg, "--buildings", buildings, "--weather", weather]);
    assert_eq!(again.status.code(), Some(2), "an existing folder is not overwritten");
    let out = scratch("new-village-run");
    let run = taa(&["run", &dir_arg, "--days", "2", "--quiet", "--out", &out.display().to_string()]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let summary = summary(&out);
    assert!(summary["architectures"]["edge_local"]["energy_served_kwh"].as_f64().is_some_and(|kwh| kwh > 10.0));
}

/// Ctrl-C leaves a report up to that moment, marked partial.
#[cfg(unix)]
#[test]
fn an_interrupted_run_is_partial() {
    let out = scratch("interrupted");
    let mut run = Command::new(env!("CARGO_BIN_EXE_taa"));
    run.args([
        "run",
        "scenarios/villages/ipoloto",
        "--days",
        "3600",
        "--compare",
        "--quiet",
        "--record",
        "off",
        "--out",
    ]);
    let status = interrupted(run.arg(&out).current_dir(root()));
    assert_eq!(status.code(), Some(0));
    let summary = summary(&out);
    assert_eq!(summary["partial"], true);
    let simulated_s = summary["simulated_s"].as_f64().expect("a number");
    assert!(simulated_s > 0.0 && simulated_s < 3600.0 * 86_400.0, "{simulated_s}");
}

#[test]
fn a_run_says_what_to_change_first_unless_told_not_to() {
    let out = scratch("remedies");
    let run = |more: &[&str]| {
        let out = out.display().to_string();
        let arguments = ["run", "scenarios/villages/jija", "--days", "1", "--compare", "--quiet", "--record", "off"];
        let done = taa(&[&arguments[..], &["--out", &out], more].concat());
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    };
    run(&[]);
    let study: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("study.json")).expect("a study")).expect("JSON");
    let remedies = study["remedies"].as_array().expect("remedies");
    assert!(remedies.len() >= 8, "{study}");
    assert!(
        remedies.iter().all(|r| r["price_usd"].is_number() && r["certainty"].as_str().is_some_and(|c| !c.is_empty()))
    );
    assert_eq!(study["spreads"], serde_json::json!([]));
    run(&["--no-remedies"]);
    assert!(!out.join("study.json").exists(), "a study of an earlier run would pass for one of this");
    run(&["--no-remedies", "--replications", "2"]);
    let study: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("study.json")).expect("a study")).expect("JSON");
    assert_eq!((study["draws"].as_u64(), study["spreads"].as_array().map(Vec::len)), (Some(2), Some(2)));
    assert!(study["ablation"]["rows"].as_array().is_some_and(|rows| rows.len() >= 4));
    let refused = taa(&["run", "scenarios/villages/jija", "--replications", "0"]);
    assert_eq!(refused.status.code(), Some(2));
}

/// Ctrl-C in the middle of the claims leaves what was there before.
#[cfg(unix)]
#[test]
fn interrupted_claims_leave_the_old_page() {
    let out = scratch("claims-interrupted");
    std::fs::create_dir_all(&out).expect("a folder");
    std::fs::write(out.join("claims.md"), "old").expect("a file");
    let mut claims = Command::new(env!("CARGO_BIN_EXE_taa"));
    let status = interrupted(claims.args(["claims", "--quiet", "--out"]).arg(&out).current_dir(root()));
    assert_eq!(status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(out.join("claims.md")).expect("still there"), "old");
    assert!(!out.join("claims.json").exists() && !out.join("claims.md.part").exists());
    assert_eq!(taa(&["claims", "--village", "scenarios/villages/nowhere"]).status.code(), Some(2));
}

#[test]
fn a_run_leaves_a_ledger_that_an_audit_finds_sound_and_a_changed_one_not() {
    let out = scratch("ledger");
    let out_arg = out.display().to_string();
    let run = ["run", "scenarios/villages/jija", "--days", "4", "--architecture", "edge_local", "--ledger", "--quiet"];
    let done = taa(&[&run[..], &["--no-remedies", "--record", "off", "--out", &out_arg]].concat());
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let folder = out.join("ledger/edge_local");
    let said = folder.display().to_string();
    let kept = folder.join("kept/checkpoint").display().to_string();

    let sound = taa(&["audit", "verify", &said, "--checkpoint", &kept]);
    let printed = text(&sound.stdout);
    assert_eq!(sound.status.code(), Some(0), "{printed}{}", text(&sound.stderr));
    assert!(printed.contains("Sound: all ") && printed.contains("statement.day"), "{printed}");
    assert!(printed.contains("One older checkpoint was compared"), "{printed}");
    let part = taa(&["audit", "verify", &said, "--from", "1999-01-01", "--to", "1999-01-02", "--json"]);
    let part: serde_json::Value = serde_json::from_slice(&part.stdout).expect("JSON");
    assert_eq!(part["sound"], true);

    // A receipt of one payment, kept by the customer, and an export that stands alone.
    let export = out.join("export").display().to_string();
    let lines = taa(&["audit", "export", &said, "--out", &export, "--first", "300", "--end", "310"]);
    assert_eq!(lines.status.code(), Some(0), "{}", text(&lines.stderr));
    let file = text(&lines.stdout).trim().to_owned();
    let key = folder.join("verifier").display().to_string();
    let part = taa(&["audit", "verify", &file, "--key", &key, "--checkpoint", &kept]);
    assert_eq!(part.status.code(), Some(0));
    assert!(text(&part.stdout).contains("Not checked: whether a payment was taken before entry 300 too"));
    let part = taa(&["audit", "verify", &file, "--key", &key, "--checkpoint", &kept, "--json"]);
    let part: serde_json::Value = serde_json::from_slice(&part.stdout).expect("JSON");
    assert_eq!((&part["sound"], &part["first"], &part["end"]), (&true.into(), &300.into(), &310.into()));
    // All of it in one file: compared with what was promised before, and found short where it was cut back.
    let lines = taa(&["audit", "export", &said, "--out", &export]);
    let file = text(&lines.stdout).trim().to_owned();
    let whole = taa(&["audit", "verify", &file, "--key", &key, "--checkpoint", &kept]);
    assert_eq!(whole.status.code(), Some(0));
    let printed = text(&whole.stdout);
    assert!(printed.contains("Sound: all ") && printed.contains("One older checkpoint was compared"), "{printed}");
    let cut = std::fs::read_to_string(&file).expect("the export").replacen("\"minor\":", "\"minor\":1", 1);
    std::fs::write(&file, cut).expect("writes");
    let found = taa(&["audit", "verify", &file, "--key", &key, "--json"]);
    assert_eq!(found.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).expect("JSON");
    assert_eq!(found["sound"], false);
    let entry = out.join("entry.json").display().to_string();
    let receipt = taa(&["audit", "receipt", &said, "--entry", "305", "--entry-file", &entry]);
    let proof = out.join("entry.tlog-proof");
    std::fs::write(&proof, &receipt.stdout).expect("writes");
    let proof = proof.display().to_string();
    let holds = taa(&["audit", "receipt", &said, "--check", &proof, "--entry-file", &entry]);
    assert_eq!(holds.status.code(), Some(0), "{}", text(&holds.stderr));
    std::fs::write(&entry, "{}").expect("writes");
    let other = taa(&["audit", "receipt", &said, "--check", &proof, "--entry-file", &entry]);
    assert_eq!(other.status.code(), Some(1));

    // One figure changed in the files; then a log that is rolled back.
    let entries = folder.join("tile/entries/000");
    let whole = std::fs::read(&entries).expect("entries");
    let mut changed = whole.clone();
    let at = changed.windows(8).position(|w| w == b"\"minor\":").expect("an amount") + 8;
    changed[at] = if changed[at] == b'9' { b'8' } else { b'9' };
    std::fs::write(&entries, changed).expect("writes");
    let found = taa(&["audit", "verify", &said]);
    assert_eq!(found.status.code(), Some(1));
    assert!(text(&found.stdout).contains("was altered"), "{}", text(&found.stdout));
    std::fs::write(&entries, whole).expect("writes");
    let newest = std::fs::read(folder.join("checkpoint")).expect("a checkpoint");
    let newer = out.join("newest");
    std::fs::write(&newer, newest).expect("writes");
    std::fs::copy(&kept, folder.join("checkpoint")).expect("copies");
    let back = taa(&["audit", "verify", &said, "--checkpoint", &newer.display().to_string()]);
    assert_eq!(back.status.code(), Some(1));
    assert!(text(&back.stdout).contains("rolled back"), "{}", text(&back.stdout));

    assert_eq!(taa(&["audit", "verify", &out_arg]).status.code(), Some(2));
    assert!(text(&taa(&["audit", "verify", &out_arg]).stderr).contains("edge_local"), "says where there is one");
}

#[test]
fn a_fleet_is_told_who_has_to_act_before_which_rollover() {
    let audit = |more: &[&str]| taa(&[&["fleet", "audit", "scenarios/fleets/mixed.toml"], more].concat());
    let before = audit(&["--at", "2024-11-23"]);
    let printed = text(&before.stdout);
    assert_eq!(before.status.code(), Some(0), "{printed}{}", text(&before.stderr));
    for part in ["1. Keypads: 2 meters have one, 3 do not", "2. Supply groups", "3. Vending at the site"] {
        assert!(printed.contains(part), "{printed}");
    }
    assert!(printed.contains("2024-11-24") && printed.contains("before that day"), "{printed}");
    let after = audit(&["--at", "2024-11-26", "--format", "csv"]);
    assert_eq!(after.status.code(), Some(1), "the old one refuses tokens by now");
    let row = text(&after.stdout).lines().find(|line| line.starts_with("OLD-0001")).expect("its row").to_owned();
    assert!(row.contains(",passed,"), "{row}");
    let json = audit(&["--at", "2026-01-01", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["meters"][2]["algorithm"], "EA11");
    assert_eq!(json["meters"][3]["verdict"], "not_in_service");
    let bad = scratch("fleet").with_extension("toml");
    std::fs::write(&bad, "[[meter]]\nid = \"M\"\niin = \"600727\"\ndrn = \"12\"\n").expect("writes");
    let refused = taa(&["fleet", "audit", &bad.display().to_string()]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains(":4: meter M: `drn`: allowed"), "{}", text(&refused.stderr));
}
