//! The workshop: `cargo xtask test`, `cargo xtask bench NAME`, `cargo xtask fuzz`, `cargo xtask soak`, `cargo xtask tidy`.
//!
//! Everything that is run around the code is a command here, so that a developer's machine and CI do the same. What a
//! command needs and can get, it gets (Debian packages when root, Python packages in an environment under `target/`);
//! what it cannot get it names, with the command that brings it. With `CI=true` a missing thing is a failure.
#![allow(clippy::disallowed_methods, reason = "the workshop reads clocks and waits for processes")]

mod bench;
mod browser;
mod fuzz;
mod needs;
mod process;
mod python;
mod runners;
mod soak;
mod stages;
mod test;
mod tidy;
mod tshark;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "Usage: cargo xtask COMMAND

  test [STAGE…] [--verbose]    everything that must hold: needs, tests, browser (default: all)
  tidy                         the rules of the house: dependencies, leftovers, dead scenarios, sizes
  browser REPORT.html          judge one report in Chromium, wide and narrow
  fuzz [TARGET…] [--minutes N] [--keep]
                               libFuzzer over the DLMS targets, N minutes each (default 5); --keep rewrites the corpus
  soak [--cuts N] [--schedules N] [--kills N]
                               power cuts over the store (10000), schedules of money (400), rounds of 50 kills (4)
  bench NAME                   demand | dlms | kernel | mesh | store | tokens | village: a table, then one JSON line; fails when a bar
                               is missed

With CI=true nothing is left out: what is missing and cannot be installed is a failure.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test", rest @ ..] => test::run(rest),
        ["tidy"] => tidy::run(),
        ["browser", report] => browser::judge_report(report.as_ref()).map(|done| println!("{done}")),
        ["bench", name, rest @ ..] => bench::run(name, rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["soak", rest @ ..] => soak::run(rest),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
