//! `cargo xtask bench demand`: 100 users × 365 days in minutes, beside RAMP from PyPI in the same run.
//!
//! Both draw the same number of users of the same seven classes (50 low, 30 middle and 10 high households, 7 shops, a
//! school, a clinic, a mill) and add them up by the minute. RAMP gets ordinary appliances of its own kind for them: the
//! figures of a village are compared elsewhere (`models/world/tests/ramp_village.rs`), here it is time alone. Not part
//! of CI: RAMP needs about a minute.

use std::process::Command;

use serde_json::Value;

use super::Bar;
use crate::{process, python, workspace};

const RAMP: &str = "rampdemand==0.5.2";

/// Ours may take at most this part of RAMP's time.
const AT_MOST: f64 = 0.01;

/// Appliances a user: (watts, number, windows in minutes of the day, minutes, shortest session, share).
const SCRIPT: &str = r#"
import json, random, time
import numpy
from ramp import UseCase, User
random.seed(1); numpy.random.seed(1)
def user(name, count, rows):
    u = User(name, count)
    for watts, number, windows, minutes, cycle, share in rows:
        a = u.add_appliance(number=number, power=watts, num_windows=len(windows), func_time=minutes,
                            time_fraction_random_variability=0.2, func_cycle=cycle, occasional_use=share)
        a.windows(*windows, random_var_w=0.2)
    return u
lamp, night = [[1080, 1410], [300, 390]], [[0, 330], [1110, 1440]]
low = [(5, 1, night, 560, 30, 1), (7, 2, lamp, 240, 20, 1), (5, 1, [[360, 590]], 120, 20, 0.9), (4, 1, [[1080, 1410]], 100, 20, 0.7)]
middle = [(8, 1, night, 560, 30, 1), (9, 4, lamp, 270, 20, 1), (65, 1, [[720, 900]], 130, 30, 0.85), (65, 1, [[1110, 1380]], 150, 30, 0.85), (5, 2, [[1050, 1410]], 90, 20, 1)]
high = middle + [(120, 1, [[0, 1440]], 1100, 40, 1), (50, 2, [[600, 1020]], 240, 30, 0.9), (1000, 1, [[480, 960]], 20, 5, 0.25)]
shop = [(150, 1, [[0, 1440]], 1100, 40, 1), (10, 4, [[1020, 1320]], 270, 20, 1), (30, 1, [[390, 1200]], 400, 30, 1), (40, 2, [[540, 1080]], 240, 30, 0.9)]
school = [(15, 4, night, 560, 30, 1), (15, 8, [[480, 900]], 200, 20, 1), (80, 4, [[540, 900]], 100, 15, 0.9)]
clinic = [(150, 1, [[0, 1440]], 1100, 40, 1), (12, 6, night, 450, 30, 1), (1500, 1, [[540, 900]], 60, 20, 0.67), (60, 2, [[480, 960]], 240, 20, 1)]
mill = [(7500, 1, [[570, 750], [900, 1040]], 190, 20, 0.8)]
case = UseCase(name="bench", date_start="2023-01-01", date_end="2023-12-31", users=[
    user("low", 50, low), user("middle", 30, middle), user("high", 10, high), user("shop", 7, shop),
    user("school", 1, school), user("clinic", 1, clinic), user("mill", 1, mill)])
case.initialize(peak_enlarge=0.15)
start = time.perf_counter()
load = case.generate_daily_load_profiles()
wall = time.perf_counter() - start
print(json.dumps({"wall_s": wall, "kwh_day": float(numpy.sum(load)) / 60e3 / 365}))
"#;

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    if !arguments.is_empty() {
        return Err(format!("unknown arguments {}", arguments.join(" ")));
    }
    let python = python::environment(&[RAMP])?;
    let mut cargo = workspace::cargo();
    cargo.current_dir(workspace::root());
    process::must(cargo.args(["build", "--quiet", "--release", "-p", "taa-models", "--example", "demand_report"]))?;
    let ours =
        figure(Command::new(workspace::target().join("release/examples/demand_report")).args(["--bench", "20"]))?;
    let ramp = figure(Command::new(python).args(["-W", "ignore", "-c", SCRIPT]))?;
    println!("{:<16} {:>14} {:>12}", "100 users, 365 d", "wall s", "kWh a day");
    for (name, (wall_s, kwh)) in [("taa", ours), ("RAMP 0.5.2", ramp)] {
        println!("{name:<16} {wall_s:>14.4} {kwh:>12.1}");
    }
    println!("RAMP takes {:.0} times as long", ramp.0 / ours.0);
    super::close("demand", &[Bar { name: "taa over RAMP", measured: ours.0 / ramp.0, at_most: AT_MOST }])
}

/// Seconds and energy a day from the last line that the program prints.
fn figure(command: &mut Command) -> Result<(f64, f64), String> {
    let output = process::quietly(command)?;
    let line = output.lines().last().unwrap_or_default();
    let value: Value = serde_json::from_str(line).map_err(|e| format!("no figures in `{line}`: {e}"))?;
    let of = |key: &str| value[key].as_f64().ok_or_else(|| format!("no {key} in `{line}`"));
    Ok((of("wall_s")?, of("kwh_day")?))
}
