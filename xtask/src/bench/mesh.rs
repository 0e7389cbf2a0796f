//! `cargo xtask bench mesh`: the mesh frame by frame beside ns-3's lr-wpan, both in this run.
//!
//! 200 nodes on one grid with one radio (O-QPSK at 250 kb/s, 30 m, a packet of 50 octets per node per 10 s). ns-3 carries
//! them MAC to MAC along a ready tree, and once, as the figure that set the bar was made, straight to the sink whether it
//! is in reach or not. Ours carries them with the whole stack: hopping over 29 channels, discovery, keys, RPL, 6LoWPAN.
//! Judged is processor time on both sides, a simulated minute and for each packet carried over a hop; nothing that is lost
//! is cheap, so that is judged, too. 1000 nodes run on ours alone; they and 200 nodes at Wi-SUN's 50 kb/s are more load than
//! the air carries, and shown for their cost.
//!
//! Then hourly reads on the grid at Wi-SUN's 50 kb/s: what a year of 200 nodes takes on one core, by eight days of it, and how
//! many times as much a settled day of 1000 nodes takes.
//!
//! ns-3 comes as a wheel from PyPI, without its Python bindings (they build a compiler of their own): a C++ program is
//! compiled against the headers and libraries in it (`models/mesh/benches/lrwpan.cc`).

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Bar;
use crate::needs::CXX;
use crate::{process, python, workspace};

const NS3: &str = "ns3==3.44.post0";
/// What the program links, dependants first.
const LIBRARIES: [&str; 8] = ["lr-wpan", "spectrum", "propagation", "mobility", "network", "stats", "antenna", "core"];
/// Ours takes at most this part of ns-3's time: 50 times as fast.
const AT_MOST: f64 = 0.02;
/// Simulated seconds of each.
const NS3_S: &str = "60";
const OURS_S: &str = "3600";
const LARGE_S: &str = "600";
/// Each is run so often; the quickest counts.
const RUNS: usize = 2;

/// What one run says.
struct Load {
    simulated_s: f64,
    cpu_s: f64,
    offered: f64,
    delivered: f64,
    /// Packets times hops that arrived.
    hops: f64,
}

impl Load {
    fn a_minute_s(&self) -> f64 {
        self.cpu_s / self.simulated_s * 60.0
    }

    fn a_hop_us(&self) -> f64 {
        self.cpu_s / self.hops * 1e6
    }
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    if !arguments.is_empty() {
        return Err(format!("unknown arguments {}", arguments.join(" ")));
    }
    let ns3 = build_ns3()?;
    let mut cargo = workspace::cargo();
    process::must(cargo.args(["build", "--quiet", "--release", "-p", "taa-mesh", "--example", "mesh_load"]))?;
    let ours = workspace::target().join("release/examples/mesh_load");

    println!(
        "{:<40} {:>14} {:>14} {:>12}",
        "a packet per node per 10 s", "CPU s a minute", "CPU µs a hop", "delivered"
    );
    let measure = |name: &str, program: &Path, arguments: [&str; 3]| -> Result<Load, String> {
        let load = best(program, arguments)?;
        let share = 100.0 * load.delivered / load.offered;
        println!("{name:<40} {:>14.4} {:>14.1} {share:>10.1} %", load.a_minute_s(), load.a_hop_us());
        Ok(load)
    };
    let tree = measure("ns-3 lr-wpan, 200, along a tree", &ns3, ["200", NS3_S, "tree"])?;
    let sink = measure("ns-3 lr-wpan, 200, straight to the sink", &ns3, ["200", NS3_S, "sink"])?;
    let small = measure("ours, 200, whole stack", &ours, ["200", OURS_S, "grid"])?;
    measure("ours, 200, whole stack at 50 kb/s", &ours, ["200", LARGE_S, "wisun"])?;
    measure("ours, 1000, whole stack", &ours, ["1000", LARGE_S, "grid"])?;
    let reads = Reads::measure()?;
    let ratio = small.a_minute_s() / tree.a_minute_s();
    println!(
        "ours is {:.0} times as fast as ns-3 along a tree, {:.0} times a hop",
        1.0 / ratio,
        tree.a_hop_us() / small.a_hop_us()
    );
    super::close(
        "mesh",
        &[
            Bar { name: "over a tree, a minute", measured: ratio, at_most: AT_MOST },
            Bar { name: "over a tree, a hop", measured: small.a_hop_us() / tree.a_hop_us(), at_most: AT_MOST },
            Bar { name: "lost by ours, share", measured: 1.0 - small.delivered / small.offered, at_most: 0.02 },
            Bar { name: "over the sink, a minute", measured: small.a_minute_s() / sink.a_minute_s(), at_most: AT_MOST },
            Bar { name: "a year of 200, s", measured: reads.year_s, at_most: 90.0 },
            Bar { name: "a day of 1000 to 200", measured: reads.day_1000_s / reads.day_200_s, at_most: 6.0 },
        ],
    )
}

/// Hourly reads.
struct Reads {
    year_s: f64,
    day_200_s: f64,
    day_1000_s: f64,
}

impl Reads {
    fn measure() -> Result<Self, String> {
        let mut cargo = workspace::cargo();
        process::must(cargo.args(["build", "--quiet", "--release", "-p", "taa-mesh", "--example", "mesh_frame"]))?;
        let program = workspace::target().join("release/examples/mesh_frame");
        let quickest = |nodes: &str, hours: u32| -> Result<f64, String> {
            let mut least_s = f64::INFINITY;
            for _ in 0..RUNS {
                let text = process::quietly(Command::new(&program).args([nodes, &hours.to_string()]))?;
                let line = text.lines().last().unwrap_or_default();
                let figures: Value = serde_json::from_str(line).map_err(|e| format!("no figures in `{line}`: {e}"))?;
                least_s = least_s.min(figures["wall_s"].as_f64().ok_or(format!("no wall_s in {figures}"))?);
            }
            Ok(least_s)
        };
        // The third day: the first is spent joining.
        let a_day = |nodes: &str| Ok::<f64, String>(quickest(nodes, 72)? - quickest(nodes, 48)?);
        let (eight_days_s, day_200_s, day_1000_s) = (quickest("200", 8 * 24)?, a_day("200")?, a_day("1000")?);
        let reads = Self { year_s: eight_days_s / 8.0 * 365.0, day_200_s, day_1000_s };
        println!(
            "hourly reads at 50 kb/s: eight days of 200 nodes {eight_days_s:.2} s; a settled day of 200 nodes {day_200_s:.2} s, of 1000 {day_1000_s:.2} s"
        );
        Ok(reads)
    }
}

/// The quickest of some runs.
fn best(program: &Path, arguments: [&str; 3]) -> Result<Load, String> {
    let mut best: Option<Load> = None;
    for _ in 0..RUNS {
        let text = process::quietly(Command::new(program).args(arguments))?;
        let load = load(text.lines().last().unwrap_or_default())?;
        if best.as_ref().is_none_or(|best| load.cpu_s < best.cpu_s) {
            best = Some(load);
        }
    }
    best.ok_or_else(|| "nothing was run".to_owned())
}

fn load(line: &str) -> Result<Load, String> {
    let figures: Value = serde_json::from_str(line).map_err(|e| format!("no figures in `{line}`: {e}"))?;
    let number = |key: &str| figures[key].as_f64();
    let missing = |key: &str| format!("no {key} in {figures}");
    Ok(Load {
        simulated_s: number("simulated_s").ok_or_else(|| missing("simulated_s"))?,
        cpu_s: number("cpu_s").ok_or_else(|| missing("cpu_s"))?,
        offered: number("offered").ok_or_else(|| missing("offered"))?,
        delivered: number("delivered").ok_or_else(|| missing("delivered"))?,
        hops: number("hops").ok_or_else(|| missing("hops"))?,
    })
}

/// Compiles the program against the wheel's headers and libraries; where it is.
fn build_ns3() -> Result<PathBuf, String> {
    let compiler = CXX.get()?;
    let python = python::alone(NS3)?;
    let find = "import importlib.metadata as m; print(m.distribution('ns3').locate_file('ns3'))";
    let home = PathBuf::from(process::quietly(Command::new(python).args(["-c", find]))?.trim());
    let (libraries, program) = (home.join("lib64"), workspace::target().join("lrwpan-ns3"));
    let version = NS3.trim_start_matches("ns3==").trim_end_matches(".post0");
    let mut build = Command::new(compiler);
    build.args(["-std=c++20", "-O2", "-w", "-I"]).arg(home.join("include"));
    build.arg(workspace::root().join("models/mesh/benches/lrwpan.cc")).arg("-o").arg(&program);
    build.arg("-L").arg(&libraries).arg(format!("-Wl,--allow-shlib-undefined,-rpath,{}", libraries.display()));
    build.args(LIBRARIES.map(|library| format!("-lns{version}-{library}")));
    process::quietly(&mut build)?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_both_are_read_and_missing_ones_are_named() {
        let theirs =
            load(r#"{"simulated_s":60,"cpu_s":6.0,"offered":1200,"delivered":1190,"hops":3000}"#).expect("whole");
        let ours =
            load(r#"{"simulated_s":600,"cpu_s":0.5,"offered":12000,"delivered":11990,"hops":40000}"#).expect("whole");
        assert!((theirs.a_minute_s() / ours.a_minute_s() - 120.0).abs() < 1e-9);
        assert!(load(r#"{"simulated_s":60}"#).is_err_and(|problem| problem.contains("cpu_s")));
    }
}
