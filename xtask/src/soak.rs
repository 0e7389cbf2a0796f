//! `cargo xtask soak [--cuts N] [--schedules N] [--lies N] [--kills N]`: what a test run has no time for.
//!
//! Power cuts by the thousand over the store, random schedules of money through whole villages, the same over disks that lie,
//! and a real process that is killed in the midst of its work. Each part shows how far it is, prints its figures, and ends the soak when it finds
//! something; a failure names the seed that repeats it.

use std::time::Instant;

use crate::{process, workspace};

/// How much of each.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    cuts: u64,
    schedules: u64,
    /// Schedules over a disk that confirms what it has not written, or loses a page.
    lies: u64,
    /// Rounds of the test that kills a process fifty times.
    kill_rounds: u64,
}

impl Plan {
    fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut plan = Self { cuts: 10_000, schedules: 400, lies: 100, kill_rounds: 4 };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let field = match *word {
                "--cuts" => &mut plan.cuts,
                "--schedules" => &mut plan.schedules,
                "--lies" => &mut plan.lies,
                "--kills" => &mut plan.kill_rounds,
                other => {
                    return Err(format!("unknown argument {other}; there are --cuts, --schedules, --lies and --kills"));
                }
            };
            let number = words.next().and_then(|number| number.parse().ok());
            *field = number.ok_or_else(|| format!("{word} takes a whole number"))?;
        }
        Ok(plan)
    }
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let plan = Plan::parse(arguments)?;
    let started = Instant::now();
    if plan.cuts > 0 {
        println!("== {} power cuts over the store", plan.cuts);
        let cuts = plan.cuts.to_string();
        process::must(workspace::cargo().args([
            "run",
            "--quiet",
            "-p",
            "taa-store",
            "--example",
            "soak",
            "--",
            &cuts,
        ]))?;
    }
    schedules("money from phone to register", "money_in", plan.schedules)?;
    schedules("money over disks that lie", "what_a_lying_disk", plan.lies)?;
    for round in 1..=plan.kill_rounds {
        println!("== a process is killed fifty times, round {round} of {}", plan.kill_rounds);
        let kill = ["test", "--quiet", "-p", "taa-store", "--test", "killed"];
        process::quietly(workspace::cargo().args(kill))?;
    }
    println!("soaked for {} s: nothing found", started.elapsed().as_secs());
    Ok(())
}

/// Schedules of money by a test of that name, a batch at a time, so that progress shows.
fn schedules(what: &str, name: &str, count: u64) -> Result<(), String> {
    const BATCH: u64 = 50;
    let mut first = 1000;
    while first < 1000 + count {
        let batch = BATCH.min(1000 + count - first);
        println!("== {what}, schedules {first} to {}", first + batch - 1);
        let test = ["test", "--quiet", "-p", "taa-sim", "--test", "money_whole", name, "--", "--nocapture"];
        let text = process::quietly(
            workspace::cargo()
                .args(test)
                .env("TAA_MONEY_FIRST_SEED", first.to_string())
                .env("TAA_MONEY_SEEDS", batch.to_string()),
        )?;
        let is_figure = |line: &&str| line.starts_with("Reference") || line.starts_with("Disks");
        text.lines().filter(is_figure).for_each(|line| println!("{line}"));
        first += batch;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_numbers_by_name() {
        assert_eq!(Plan::parse(&[]), Ok(Plan { cuts: 10_000, schedules: 400, lies: 100, kill_rounds: 4 }));
        let plan = Plan::parse(&["--cuts", "20", "--schedules", "0", "--lies", "3", "--kills", "1"]);
        assert_eq!(plan, Ok(Plan { cuts: 20, schedules: 0, lies: 3, kill_rounds: 1 }));
        assert!(Plan::parse(&["--cuts", "many"]).is_err_and(|problem| problem.contains("--cuts takes")));
        assert!(Plan::parse(&["--hours", "2"]).is_err_and(|problem| problem.contains("--schedules")));
    }
}
