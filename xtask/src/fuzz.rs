//! `cargo xtask fuzz [TARGET…] [--minutes N] [--keep]`: libFuzzer over the targets of `dcu/dlms/fuzz`, for as long as
//! wanted.
//!
//! It runs on the stable compiler: libFuzzer needs the coverage that LLVM's own pass inserts, and nothing of the nightly
//! one. A corpus grows under `target/fuzz`; what is committed of it (`dcu/dlms/tests/corpus/fuzz/TARGET.hex`, one input a
//! line) is replayed by `cargo test`. `--keep` writes these files anew, as small as the same coverage allows; inputs
//! below a `#` line are regressions and stay.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{process, workspace};

/// What LLVM inserts for libFuzzer: counters at every edge, a table of places, compared values.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";
/// Longest input, bytes: what two frames carry.
const INPUT_MAX: usize = 2048;
/// An input that takes longer is a hang, seconds.
const HANG_S: u32 = 20;
/// What is committed of one target's corpus, bytes of the file.
const KEPT_BYTES: usize = 18_000;

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Plan {
    targets: Vec<String>,
    minutes: f64,
    keep: bool,
}

impl Plan {
    fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut plan = Self { targets: Vec::new(), minutes: 5.0, keep: false };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match *word {
                "--keep" => plan.keep = true,
                "--minutes" => {
                    let minutes = words.next().and_then(|minutes| minutes.parse().ok());
                    plan.minutes = minutes.filter(|m: &f64| *m > 0.0).ok_or("--minutes takes a number above 0")?;
                }
                flag if flag.starts_with('-') => return Err(format!("unknown argument {flag}")),
                target => plan.targets.push(target.to_owned()),
            }
        }
        Ok(plan)
    }
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let plan = Plan::parse(arguments)?;
    let fuzzer = build()?;
    let names = process::quietly(&mut Command::new(&fuzzer))?;
    let all: Vec<&str> = names.lines().collect();
    if let Some(unknown) = plan.targets.iter().find(|name| !all.contains(&name.as_str())) {
        return Err(format!("no target {unknown}; there are {}", all.join(", ")));
    }
    let wanted = |name: &&str| plan.targets.is_empty() || plan.targets.iter().any(|target| target == name);
    let mut found = Vec::new();
    println!("{:<16} {:>12} {:>10} {:>8}", "target", "inputs run", "coverage", "kept");
    for name in all.into_iter().filter(wanted) {
        let folder = Folder::open(name)?;
        match folder.fuzz(&fuzzer, plan.minutes) {
            Ok((runs, coverage)) => {
                let kept = if plan.keep { folder.keep(&fuzzer)?.to_string() } else { "–".to_owned() };
                println!("{name:<16} {runs:>12} {coverage:>10} {kept:>8}");
            }
            Err(problem) => {
                println!("{name:<16} {problem}");
                found.push(name);
            }
        }
    }
    if found.is_empty() { Ok(()) } else { Err(format!("found something: {}", found.join(", "))) }
}

/// Builds the fuzzer with coverage in everything that it links.
fn build() -> Result<PathBuf, String> {
    let version = process::quietly(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc names no host")?;
    let target = workspace::target().join("fuzz");
    let mut cargo = workspace::cargo();
    cargo.current_dir(workspace::root().join("dcu/dlms/fuzz")).env("CARGO_TARGET_DIR", &target);
    // For a named target, so that build scripts and macros go without.
    cargo.env("RUSTFLAGS", COVERAGE).args(["build", "--quiet", "--release", "--target", host]);
    process::must(&mut cargo)?;
    Ok(target.join(host).join("release/taa-dlms-fuzz"))
}

/// What one target needs on disk.
struct Folder {
    name: String,
    work: PathBuf,
    committed: PathBuf,
}

impl Folder {
    fn open(name: &str) -> Result<Self, String> {
        let work = workspace::target().join("fuzz").join("work").join(name);
        let committed = workspace::root().join("dcu/dlms/tests/corpus/fuzz").join(format!("{name}.hex"));
        let folder = Self { name: name.to_owned(), work, committed };
        fs::create_dir_all(folder.corpus()).map_err(|e| format!("cannot make {}: {e}", folder.work.display()))?;
        for (number, line) in folder.lines().iter().filter(|line| !line.starts_with('#')).enumerate() {
            write(&folder.corpus().join(format!("committed-{number}")), &from_hex(line)?)?;
        }
        Ok(folder)
    }

    fn corpus(&self) -> PathBuf {
        self.work.join("corpus")
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.committed).unwrap_or_default();
        text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
    }

    fn command(&self, fuzzer: &Path) -> Command {
        let mut command = Command::new(fuzzer);
        command.current_dir(&self.work).env("TAA_FUZZ_TARGET", &self.name);
        command.args([format!("-max_len={INPUT_MAX}"), format!("-timeout={HANG_S}")]);
        command
    }

    /// Inputs run and edges covered; or what was found.
    fn fuzz(&self, fuzzer: &Path, minutes: f64) -> Result<(u64, u64), String> {
        let log = self.work.join("log");
        let file = fs::File::create(&log).map_err(|e| format!("cannot write {}: {e}", log.display()))?;
        let mut command = self.command(fuzzer);
        command.arg(format!("-max_total_time={:.0}", (minutes * 60.0).max(1.0))).arg("corpus");
        command.stderr(file.try_clone().map_err(|e| e.to_string())?).stdout(file);
        let status = command.status().map_err(|e| format!("cannot run the fuzzer: {e}"))?;
        let text = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
        if status.success() {
            figures(&text).ok_or_else(|| format!("no figures in {}", log.display()))
        } else {
            Err(self.what_was_found(&text))
        }
    }

    /// The panic and the input, as a line for the committed corpus.
    fn what_was_found(&self, log: &str) -> String {
        let panic =
            log.lines().skip_while(|line| !line.contains("panicked at")).take(3).collect::<Vec<_>>().join(" | ");
        let named = log.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, name)| name.trim());
        let input = named.and_then(|name| fs::read(self.work.join(name)).ok());
        let hex = input.map_or_else(|| "no input kept".to_owned(), |bytes| to_hex(&bytes));
        format!("{panic}\n  input for {}:\n  {hex}", self.committed.display())
    }

    /// Writes the committed corpus anew: regressions, then the fewest inputs that cover the same, small ones first.
    fn keep(&self, fuzzer: &Path) -> Result<usize, String> {
        let least = self.work.join("least");
        let _ = fs::remove_dir_all(&least);
        fs::create_dir_all(&least).map_err(|e| format!("cannot make {}: {e}", least.display()))?;
        process::quietly(self.command(fuzzer).arg("-set_cover_merge=1").args(["least", "corpus"]))?;
        let mut inputs = Vec::new();
        for entry in fs::read_dir(&least).map_err(|e| e.to_string())?.flatten() {
            inputs.push(fs::read(entry.path()).map_err(|e| e.to_string())?);
        }
        let text = kept(&self.lines(), inputs);
        write(&self.committed, text.as_bytes())?;
        Ok(text.lines().filter(|line| !line.starts_with('#')).count())
    }
}

/// The text of a committed corpus.
fn kept(before: &[String], mut inputs: Vec<Vec<u8>>) -> String {
    let mut text = String::new();
    for pair in before.windows(2).filter(|pair| pair[0].starts_with('#')) {
        text.push_str(&format!("{}\n{}\n", pair[0], pair[1]));
    }
    inputs.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    for line in inputs.iter().filter(|input| !input.is_empty()).map(|input| to_hex(input)) {
        if text.len() + line.len() < KEPT_BYTES && !text.lines().any(|known| known == line) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// From libFuzzer's last words: `#4096 DONE cov: 1234 ft: …`.
fn figures(log: &str) -> Option<(u64, u64)> {
    let line = log.lines().rev().find(|line| line.contains("DONE") && line.contains("cov: "))?;
    let runs = line.strip_prefix('#')?.split_whitespace().next()?.parse().ok()?;
    let coverage = line.split_once("cov: ")?.1.split_whitespace().next()?.parse().ok()?;
    Some((runs, coverage))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|e| format!("cannot make {}: {e}", parent.display()))?;
    }
    fs::write(path, bytes).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(line: &str) -> Result<Vec<u8>, String> {
    let digits = line.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let bytes = digits.map(|pair| pair.filter(|p| p.len() == 2).and_then(|p| u8::from_str_radix(p, 16).ok()));
    bytes.collect::<Option<_>>().ok_or_else(|| format!("no line of hex: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_targets_minutes_and_keep() {
        let plan = Plan::parse(&["values", "--minutes", "0.5", "--keep"]).expect("a plan");
        assert_eq!(plan, Plan { targets: vec!["values".to_owned()], minutes: 0.5, keep: true });
        assert!(Plan::parse(&["--minutes", "-1"]).is_err() && Plan::parse(&["--fast"]).is_err());
    }

    #[test]
    fn regressions_stay_and_small_inputs_come_first() {
        let before = ["0102", "# it hung", "0304"].map(str::to_owned);
        let inputs = vec![vec![9; KEPT_BYTES], vec![5, 6], vec![], vec![3, 4], vec![7]];
        assert_eq!(kept(&before, inputs), "# it hung\n0304\n07\n0506\n");
    }

    #[test]
    fn figures_are_the_last() {
        let log = "#2\tINITED cov: 3 ft: 3\n#4096\tDONE   cov: 1234 ft: 9 corp: 1/1b\nDone 4096 runs";
        assert_eq!(figures(log), Some((4096, 1234)));
        assert_eq!(figures("==1== ERROR"), None);
        assert_eq!(from_hex("0aff"), Ok(vec![10, 255]));
        assert!(from_hex("0af").is_err());
    }
}
