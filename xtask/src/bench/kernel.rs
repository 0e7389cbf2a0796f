//! `cargo xtask bench kernel`: builds `sim/benches/kernel`, a workspace of its own, and runs it beside SimPy.

use std::process::Command;

use crate::{process, python, workspace};

/// The Python peer.
const SIMPY: &str = "simpy==4.1.1";

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let python = python::environment(&[SIMPY])?;
    let folder = workspace::root().join("sim/benches/kernel");
    let target = workspace::target().join("bench-kernel");
    let mut cargo = workspace::cargo();
    cargo.current_dir(&folder).env("CARGO_TARGET_DIR", &target);
    process::must(cargo.args(["build", "--quiet", "--release"]))?;
    let mut bench = Command::new(target.join("release/bench-kernel"));
    process::must(bench.arg("--simpy").arg(python).args(arguments))
}
