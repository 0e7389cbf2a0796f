//! `cargo xtask bench village`: a simulated year of a real village, as the user's own `taa` runs it.
//!
//! Ipoloto's 1066 footprints become villages of 50, 200 and 1000 customers; each runs a year, one architecture, hourly
//! reads, one thread, report included; then the mesh of the largest is planned. Time and memory are those of the whole process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Bar;
use crate::{process, workspace};

const CUSTOMERS: [u32; 3] = [50, 200, 1000];
const VILLAGE: &str = "scenarios/villages/ipoloto";

/// What one run took.
struct Year {
    customers: u32,
    simulated_s: f64,
    events: f64,
    wall_s: f64,
    /// Of which simulating, as the run's own summary says.
    simulating_s: f64,
    peak_mb: f64,
}

/// What is run.
#[derive(Debug, PartialEq, Eq)]
struct Plan<'a> {
    days: u32,
    /// `message` or `frame`.
    mesh: &'a str,
}

impl<'a> Plan<'a> {
    fn parse(arguments: &[&'a str]) -> Result<Self, String> {
        let mut plan = Self { days: 365, mesh: "message" };
        for pair in arguments.chunks(2) {
            match pair {
                ["--days", days] => plan.days = days.parse().map_err(|_| format!("{days} is not a number of days"))?,
                ["--mesh", mesh @ ("message" | "frame")] => plan.mesh = mesh,
                other => {
                    let other = other.join(" ");
                    return Err(format!("unknown arguments {other}; there are --days N and --mesh message|frame"));
                }
            }
        }
        Ok(plan)
    }

    /// Of a year of 200 customers, seconds.
    fn at_most_s(&self) -> f64 {
        let year_s = if self.mesh == "frame" { 90.0 } else { 20.0 };
        year_s * f64::from(self.days) / 365.0
    }
}

/// `[--days N] [--mesh message|frame]`: a shorter run for a quick look (the bars are those of a year and are then scaled), and
/// the mesh by message (default) or frame by frame.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let plan = Plan::parse(arguments)?;
    let taa = workspace::build_taa()?;
    let folder = workspace::target().join("bench-village");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| format!("cannot clear {}: {e}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    println!(
        "{:>9} {:>14} {:>10} {:>16} {:>12} {:>10} {:>14}",
        "customers", "wall s", "sim s", "simulated s/s", "events/s", "events", "peak MB"
    );
    let mut years = Vec::new();
    for customers in CUSTOMERS {
        let year = one_year(&taa, &folder, customers, &plan)?;
        println!(
            "{:>9} {:>14.2} {:>10.2} {:>16.0} {:>12.0} {:>10.0} {:>14.0}",
            year.customers,
            year.wall_s,
            year.simulating_s,
            year.simulated_s / year.wall_s,
            year.events / year.wall_s,
            year.events,
            year.peak_mb
        );
        years.push(year);
    }
    let of = |customers| years.iter().find(|year| year.customers == customers).ok_or("a size is missing");
    let (middle, large) = (of(200)?, of(1000)?);
    let planned_s = planned_s(&taa, &folder.join("ipoloto-1000"))?;
    super::close(
        "village",
        &[
            Bar { name: "year_200_s", measured: middle.wall_s, at_most: plan.at_most_s() },
            Bar { name: "peak_200_mb", measured: middle.peak_mb, at_most: 500.0 },
            Bar { name: "time_1000_to_200", measured: large.wall_s / middle.wall_s, at_most: 6.0 },
            Bar { name: "plan_mesh_1000_s", measured: planned_s, at_most: 10.0 },
        ],
    )
}

/// How long the mesh of a village takes to be planned with 10 dB to spare. That some meters stay unserved is no matter here.
fn planned_s(taa: &Path, scenario: &Path) -> Result<f64, String> {
    let mut plan = Command::new(taa);
    plan.args(["plan", "mesh"]).arg(scenario).args(["--margin-db", "10"]);
    let started = Instant::now();
    let output = plan.output().map_err(|e| format!("cannot run taa: {e}"))?;
    let wall_s = started.elapsed().as_secs_f64();
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(format!("taa plan mesh: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    println!("taa plan mesh of {}: {wall_s:.1} s", scenario.display());
    Ok(wall_s)
}

fn one_year(taa: &Path, folder: &Path, customers: u32, plan: &Plan<'_>) -> Result<Year, String> {
    let scenario = folder.join(format!("ipoloto-{customers}"));
    let footprints = folder.join("footprints.geojson");
    write_json(&footprints, &bare_footprints(&read_json(&village_file())?))?;
    let mut new = Command::new(taa);
    new.current_dir(workspace::root()).arg("new").arg(&scenario).arg("--buildings").arg(footprints);
    new.arg("--weather").arg(weather_file()?).args(["--connections", &customers.to_string()]);
    process::quietly(&mut new)?;
    let connected = connections(&read_json(&scenario.join("village.geojson"))?);
    if connected != customers as usize {
        return Err(format!("{} has {connected} customers, not {customers}", scenario.display()));
    }

    let out = folder.join(format!("run-{customers}"));
    let mut run = Command::new(taa);
    run.current_dir(workspace::root()).arg("run").arg(&scenario).args([
        "--days",
        &plan.days.to_string(),
        "--mesh",
        plan.mesh,
    ]);
    run.args(["--architecture", "edge_local", "--threads", "1", "--quiet", "--json", "--no-remedies", "--out"])
        .arg(&out);
    let started = Instant::now();
    let mut child = run.stdout(Stdio::null()).spawn().map_err(|e| format!("cannot run taa: {e}"))?;
    let peak_mb = watch(&mut child)?;
    let wall_s = started.elapsed().as_secs_f64();

    let summary = read_json(&out.join("summary.json"))?;
    let figure = |key: &str| summary[key].as_f64().ok_or(format!("summary.json has no {key}"));
    Ok(Year {
        customers,
        simulated_s: figure("simulated_s")?,
        events: figure("events")?,
        wall_s,
        simulating_s: figure("wall_s")?,
        peak_mb,
    })
}

fn village_file() -> PathBuf {
    workspace::root().join(VILLAGE).join("village.geojson")
}

/// The weather file that the bundled village names.
fn weather_file() -> Result<PathBuf, String> {
    let village = workspace::root().join(VILLAGE);
    let scenario = std::fs::read_to_string(village.join("scenario.toml")).map_err(|e| format!("{VILLAGE}: {e}"))?;
    let file = named_weather(&scenario).ok_or(format!("{VILLAGE}/scenario.toml names no weather file"))?;
    Ok(village.join(file))
}

/// The first value that names a CSV or EPW file.
fn named_weather(scenario: &str) -> Option<&str> {
    let values = scenario.lines().filter_map(|line| line.split_once('=')?.1.split('"').nth(1));
    values.into_iter().find(|value| [".csv", ".epw"].iter().any(|end| value.to_lowercase().ends_with(end)))
}

/// The buildings of a planned village without the plan: who is connected is for `taa new` to choose.
fn bare_footprints(village: &Value) -> Value {
    let features = village["features"].as_array().map_or(&[][..], Vec::as_slice);
    let buildings = features.iter().filter(|feature| feature["properties"]["kind"] == "building");
    let bare = buildings.map(|b| json!({"type": "Feature", "properties": {}, "geometry": b["geometry"]}));
    json!({"type": "FeatureCollection", "features": bare.collect::<Vec<_>>()})
}

fn connections(village: &Value) -> usize {
    let features = village["features"].as_array().map_or(&[][..], Vec::as_slice);
    features.iter().filter(|feature| feature["properties"]["connected"] == "yes").count()
}

fn read_json(file: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))
}

fn write_json(file: &Path, value: &Value) -> Result<(), String> {
    std::fs::write(file, value.to_string()).map_err(|e| format!("cannot write {}: {e}", file.display()))
}

/// Waits for the end, watching the high-water mark of resident memory, MB.
fn watch(child: &mut Child) -> Result<f64, String> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kb = 0.0_f64;
    loop {
        if let Ok(text) = std::fs::read_to_string(&status) {
            peak_kb = peak_kb.max(high_water_kb(&text).unwrap_or(0.0));
        }
        match child.try_wait().map_err(|e| format!("lost sight of taa: {e}"))? {
            Some(end) if end.success() => return Ok(peak_kb / 1000.0),
            Some(end) => return Err(format!("taa run failed: {end}")),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn high_water_kb(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_days_and_a_fidelity() {
        assert_eq!(Plan::parse(&[]), Ok(Plan { days: 365, mesh: "message" }));
        let frame = Plan::parse(&["--mesh", "frame", "--days", "73"]).expect("known");
        assert!((frame.at_most_s() - 18.0).abs() < 1e-9);
        assert!(Plan::parse(&["--mesh", "ideal"]).is_err_and(|problem| problem.contains("message|frame")));
        assert!(Plan::parse(&["--days"]).is_err_and(|problem| problem.contains("--days N")));
    }

    #[test]
    fn the_weather_file_is_found_in_a_scenario() {
        let text = "schema = 1\n[weather]\nfile = \"../../weather/lodwar.csv\"\n";
        assert_eq!(named_weather(text), Some("../../weather/lodwar.csv"));
        assert_eq!(named_weather("village = \"village.geojson\""), None);
    }

    #[test]
    fn footprints_keep_no_plan() {
        let building = json!({"properties": {"kind": "building", "connected": "yes"}, "geometry": {"type": "Point"}});
        let village = json!({"features": [building, {"properties": {"kind": "pole"}, "geometry": null}]});
        assert_eq!(connections(&village), 1);
        let bare = bare_footprints(&village);
        assert_eq!(connections(&bare), 0);
        assert_eq!(bare["features"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn the_high_water_mark_is_read() {
        assert_eq!(high_water_kb("VmPeak:\t 9 kB\nVmHWM:\t  123456 kB\n"), Some(123_456.0));
    }
}
