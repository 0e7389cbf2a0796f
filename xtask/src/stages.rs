//! Stages with a name, a time and an end.

use std::time::{Duration, Instant};

/// How a stage ended.
enum End {
    Passed(String),
    LeftOut(String),
    Failed(String),
}

/// What a stage may answer: a word about what it did, or that it could not be done here.
pub(crate) enum Done {
    /// It holds; a few words for the table.
    Passed(String),
    /// Something is missing; it is named with the command that brings it.
    LeftOut(String),
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passed(words) => f.write_str(words),
            Self::LeftOut(missing) => write!(f, "left out: {missing}"),
        }
    }
}

/// The stages run so far.
#[derive(Default)]
pub(crate) struct Stages {
    rows: Vec<(String, Duration, End)>,
}

impl Stages {
    /// Runs a stage; a failure is noted and the next stage goes ahead.
    pub(crate) fn run(&mut self, name: &str, stage: impl FnOnce() -> Result<Done, String>) {
        println!("── {name}");
        let started = Instant::now();
        let end = match stage() {
            Ok(Done::Passed(words)) => End::Passed(words),
            Ok(Done::LeftOut(missing)) => {
                println!("left out: {missing}");
                End::LeftOut(missing)
            }
            Err(problem) => {
                println!("{problem}");
                End::Failed(problem)
            }
        };
        self.rows.push((name.to_owned(), started.elapsed(), end));
    }

    /// Prints the table; an error when a stage failed, or with `strict` when one was left out.
    pub(crate) fn close(self, strict: bool) -> Result<(), String> {
        println!("\n{:<10} {:>9}", "stage", "time");
        let mut bad = Vec::new();
        for (name, time, end) in &self.rows {
            let (words, fails) = match end {
                End::Passed(words) => (words.clone(), false),
                End::LeftOut(missing) => (format!("left out: {missing}"), strict),
                End::Failed(problem) => (format!("FAILED: {}", problem.lines().next().unwrap_or_default()), true),
            };
            println!("{name:<10} {:>7.1} s  {words}", time.as_secs_f64());
            if fails {
                bad.push(name.as_str());
            }
        }
        let total: Duration = self.rows.iter().map(|row| row.1).sum();
        println!("{:<10} {:>7.1} s", "total", total.as_secs_f64());
        if bad.is_empty() { Ok(()) } else { Err(format!("failed: {}", bad.join(", "))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(strict: bool, stage: Result<Done, String>) -> Result<(), String> {
        let mut stages = Stages::default();
        stages.run("one", || Ok(Done::Passed("fine".to_owned())));
        stages.run("two", || stage);
        stages.close(strict)
    }

    #[test]
    fn a_failed_stage_fails_the_whole_and_one_left_out_only_in_ci() {
        assert_eq!(closed(true, Ok(Done::Passed(String::new()))), Ok(()));
        assert_eq!(closed(true, Err("broken".to_owned())), Err("failed: two".to_owned()));
        assert_eq!(closed(false, Ok(Done::LeftOut("x".to_owned()))), Ok(()));
        assert_eq!(closed(true, Ok(Done::LeftOut("x".to_owned()))), Err("failed: two".to_owned()));
    }
}
