//! SimPy, in a Python of its own.

use std::process::Command;

use crate::phold::{Measured, NODES, PENDING, UNTIL_NS};

/// A process per token, as SimPy's documentation writes such things.
const PROGRAM: &str = include_str!("phold.py");

pub fn run(python: &str) -> Result<Measured, String> {
    let arguments = [NODES.to_string(), PENDING.to_string(), (UNTIL_NS / 1_000_000_000).to_string()];
    let output = Command::new(python)
        .args(["-c", PROGRAM])
        .args(arguments)
        .output()
        .map_err(|e| format!("cannot run {python}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut figures = text.split_whitespace().map(str::parse::<u64>);
    match (figures.next(), figures.next()) {
        (Some(Ok(events)), Some(Ok(wall_ns))) => Ok(Measured { events, wall_ns, trace: 0 }),
        _ => Err(format!("SimPy did not run in {python}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
