//! `cargo xtask bench tokens [SECONDS]`: STS and OpenPAYGO tokens a second on one core, beside openpaygo from PyPI in the
//! same run.
//!
//! Ours are the rows of `dcu/tokens/examples/throughput.rs`: every token under another key, made ready anew each time, down
//! to its 20 digits of text. Judged is processor time, on both sides, so that other work on the machine does not decide;
//! the wall clock is printed beside it. No STS implementation was found in a package registry to run beside ours; those in
//! public repositories were measured elsewhere at 270 to 7,500 tokens a second. SECONDS is the time a row (1).

use std::process::Command;

use super::Bar;
use crate::{process, python, workspace};

const OPENPAYGO: &str = "openpaygo==0.6.3";

/// Nanoseconds a token, at most: 1 million, 300 thousand, 1 million a second.
const BARS: [(&str, &str, f64); 3] = [
    ("EA07, ns", "ea07_one_by_one", 1_000.0),
    ("EA11, ns", "ea11_one_by_one", 3_333.0),
    ("EA11 in batches, ns", "ea11_batch", 1_000.0),
];

/// Ours may take at most this part of the Python library's time.
const AT_MOST: f64 = 0.01;

/// Tokens a second of processor time, at count 1000.
const SCRIPT: &str = r#"
import sys, time
from openpaygo import generate_token
seconds, done = float(sys.argv[1]), 0
start = time.process_time()
while time.process_time() - start < seconds:
    generate_token(secret_key="%032x" % (done * 0x9e3779b9 + 1), count=998, value=7)
    done += 1
print(done / (time.process_time() - start))
"#;

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let seconds = match arguments {
        [] => "1",
        [seconds] if seconds.parse::<f64>().is_ok() => seconds,
        _ => return Err(format!("unknown arguments {}", arguments.join(" "))),
    };
    let python = python::environment(&[OPENPAYGO])?;
    let mut cargo = workspace::cargo();
    process::must(cargo.args(["build", "--quiet", "--release", "-p", "taa-tokens", "--example", "throughput"]))?;
    let ours = workspace::target().join("release/examples/throughput");
    let ours = process::quietly(Command::new(ours).arg(seconds))?;
    let theirs = process::quietly(Command::new(python).args(["-c", SCRIPT, seconds]))?;
    let theirs: f64 = theirs.trim().parse().map_err(|e| format!("no figure in `{}`: {e}", theirs.trim()))?;

    println!("{:<22} {:>16} {:>20}", "tokens a second", "wall clock", "processor time");
    let mut rows = Vec::new();
    for line in ours.lines() {
        let row = row(line).ok_or_else(|| format!("no figures in `{line}`"))?;
        println!("{:<22} {:>16.0} {:>20.0}", row.0, row.1, row.2);
        rows.push(row);
    }
    println!("{:<22} {:>16} {theirs:>20.0}", OPENPAYGO, "");
    let rate = |name: &str| {
        let row = rows.iter().find(|(row, ..)| *row == name);
        row.map(|(.., rate)| *rate).filter(|rate| *rate > 0.0).ok_or_else(|| format!("no processor time for {name}"))
    };
    let mut bars = Vec::new();
    for (name, row, at_most) in BARS {
        bars.push(Bar { name, measured: 1e9 / rate(row)?, at_most });
    }
    bars.push(Bar { name: "OpenPAYGO over Python", measured: theirs / rate("openpaygo_1000")?, at_most: AT_MOST });
    super::close("tokens", &bars)
}

/// Name, and tokens a second by the wall clock and by processor time.
fn row(line: &str) -> Option<(&str, f64, f64)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_name_and_two_figures() {
        assert_eq!(row("ea07 10 20"), Some(("ea07", 10.0, 20.0)));
        assert_eq!(row("ea07 10"), None);
    }
}
