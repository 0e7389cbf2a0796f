//! `cargo xtask test`: everything that must hold.
//!
//! `needs` finds or installs the browser, tshark and the outside DLMS clients (Python packages under `target/`);
//! `tests` is what `cargo test --workspace` runs (unit tests, integration tests, vectors run by libtest-mimic,
//! documentation examples, the tidy rules), each program as soon as it is built; `browser` opens a fresh report in
//! Chromium. Stages go on after a failure, so one run shows all that is wrong. Property tests draw the same in every run, so
//! that what turns red is the change: `PROPTEST_RNG_SEED=7 cargo xtask test` draws others.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::needs::{CHROMEDRIVER, CHROMIUM, DLMS_CLIENTS, Need};
use crate::stages::{Done, Stages};
use crate::{browser, process, python, runners, tshark, workspace};

/// Seed of the draws of property tests.
const DRAWS: (&str, &str) = ("PROPTEST_RNG_SEED", "1");

const STAGES: [&str; 3] = ["needs", "tests", "browser"];

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let verbose = arguments.contains(&"--verbose");
    let wanted: Vec<&str> = arguments.iter().copied().filter(|a| *a != "--verbose").collect();
    if let Some(unknown) = wanted.iter().find(|name| !STAGES.contains(name)) {
        return Err(format!("no stage {unknown}; there are {}", STAGES.join(", ")));
    }
    let mut stages = Stages::default();
    for stage in STAGES.into_iter().filter(|name| wanted.is_empty() || wanted.contains(name)) {
        match stage {
            "needs" => stages.run(stage, needs),
            "tests" => stages.run(stage, || all_tests(verbose)),
            _ => stages.run(stage, browser::run),
        }
    }
    stages.close(workspace::is_ci())
}

fn needs() -> Result<Done, String> {
    let programs = [CHROMIUM, CHROMEDRIVER];
    let brought = programs.iter().map(Need::get).chain([tshark::get(), dlms_clients()]);
    let missing: Vec<String> = brought.filter_map(Result::err).collect();
    if missing.is_empty() {
        Ok(Done::Passed("Chromium, its driver, tshark and the DLMS clients are here".to_owned()))
    } else {
        Ok(Done::LeftOut(missing.join("; ")))
    }
}

/// A Python that has the outside DLMS clients.
fn dlms_clients() -> Result<PathBuf, String> {
    let packages = DLMS_CLIENTS.join(" ");
    python::environment(&DLMS_CLIENTS).map_err(|problem| format!("no Python with {packages}: {problem}"))
}

/// Tests find the outside clients by `TAA_DLMS_PYTHON`, and that Python before others.
fn offer(command: &mut Command, python: &Path) {
    command.env("TAA_DLMS_PYTHON", python);
    let own = python.parent().map(Path::to_path_buf);
    let others = std::env::var_os("PATH").unwrap_or_default();
    if let Ok(path) = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&others))) {
        command.env("PATH", path);
    }
}

/// Runs all tests; of what the runners print, tests that passed are left out unless `verbose`.
fn all_tests(verbose: bool) -> Result<Done, String> {
    let python = match dlms_clients() {
        Err(missing) if workspace::is_ci() => return Err(missing),
        found => found.inspect_err(|missing| println!("trials with outside DLMS clients are ignored: {missing}")).ok(),
    };
    let tshark = tshark::find();
    let surroundings = |command: &mut Command| {
        if std::env::var_os(DRAWS.0).is_none() {
            command.env(DRAWS.0, DRAWS.1);
        }
        if let Some(program) = &tshark {
            command.env(tshark::VARIABLE, program);
        }
        if let Some(python) = &python {
            offer(command, python);
        }
    };
    let mut tally = Tally::default();
    let mut show = |line: &str| {
        tally.read(line);
        if verbose || !is_routine(line) {
            println!("{line}");
        }
    };
    let mut failed = runners::build_and_run(&mut workspace::cargo(), surroundings, &mut show)?;
    let mut examples = workspace::cargo();
    surroundings(examples.args(["test", "--workspace", "--doc", "--no-fail-fast"]));
    if !process::by_line(&mut examples, &mut show)? {
        failed.push("documentation examples".to_owned());
    }
    if tally.failed > 0 || !failed.is_empty() {
        return Err(format!("{tally}; failed: {}", failed.join(", ")));
    }
    if tally.passed == 0 {
        return Err("no test ran".to_owned());
    }
    Ok(Done::Passed(tally.to_string()))
}

fn is_routine(line: &str) -> bool {
    // Of a thousand cells that are all left out for one reason, told at the start, the closing line is enough.
    let left_out = line.starts_with("test [needs TAA_DLMS_PYTHON]") && line.ends_with("ignored");
    let test = left_out || line.starts_with("test ") && line.ends_with("ok");
    let building = ["   Compiling ", "    Checking ", "running "].iter().any(|start| line.starts_with(start));
    test || building || line.is_empty()
}

/// Sums the runners' closing lines.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    runners: usize,
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Tally {
    /// Takes note of a line such as `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …`.
    fn read(&mut self, line: &str) {
        let Some(figures) = line.strip_prefix("test result: ") else { return };
        self.runners += 1;
        let words: Vec<&str> = figures.split([' ', ';']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<usize>() else { continue };
            match pair[1] {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { runners, passed, failed, ignored } = self;
        write!(f, "{passed} passed, {failed} failed, {ignored} ignored in {runners} runners")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_summed() {
        let mut tally = Tally::default();
        tally.read("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s");
        tally.read("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s");
        tally.read("test some::name ... ok");
        assert_eq!(tally, Tally { runners: 2, passed: 15, failed: 2, ignored: 1 });
    }

    #[test]
    fn the_python_with_the_clients_comes_first() {
        let mut command = Command::new("cargo");
        offer(&mut command, Path::new("/somewhere/bin/python"));
        let set = |name| command.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value);
        assert_eq!(set("TAA_DLMS_PYTHON"), Some("/somewhere/bin/python".as_ref()));
        let path = set("PATH").expect("set");
        assert_eq!(std::env::split_paths(path).next(), Some(PathBuf::from("/somewhere/bin")));
    }

    #[test]
    fn failures_and_closing_lines_are_never_routine() {
        assert!(is_routine("test a::b ... ok"));
        assert!(is_routine("test [needs TAA_DLMS_PYTHON] a::b ... ignored"));
        assert!(!is_routine("test [needs TAA_DLMS_PYTHON] a::b ... FAILED"));
        for line in
            ["test a::b ... FAILED", "test a::b ... ignored, needs tokens", "test result: ok. 1 passed", "error: x"]
        {
            assert!(!is_routine(line), "{line}");
        }
    }
}
