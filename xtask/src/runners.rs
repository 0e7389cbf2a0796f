//! Test programs: cargo builds them, and two run at a time.
//!
//! cargo itself runs one after the other, and most of them end with a single test that leaves a core idle.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc;

use cargo_metadata::{Artifact, Message};

use crate::process;

/// How many run side by side; each has as many threads as there are cores.
const AT_ONCE: usize = 2;

/// A test program, and the folder of its package, in which cargo would run it.
#[derive(Debug)]
pub(crate) struct Runner {
    name: String,
    program: PathBuf,
    folder: PathBuf,
}

/// Builds all test programs of the workspace, and says what did not build.
pub(crate) fn build(cargo: &mut Command, mut each: impl FnMut(&str)) -> Result<Vec<Runner>, String> {
    cargo.args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let mut runners = Vec::new();
    let built = process::by_line(cargo, |line| match serde_json::from_str(line) {
        Ok(Message::CompilerArtifact(artifact)) => runners.extend(runner(artifact)),
        Ok(_) => {}
        Err(_) => each(line),
    })?;
    if built { Ok(runners) } else { Err("something did not build".to_owned()) }
}

fn runner(artifact: Artifact) -> Option<Runner> {
    let program = artifact.executable.filter(|_| artifact.profile.test)?;
    let folder = artifact.manifest_path.parent()?;
    let package = folder.file_name().unwrap_or_default();
    let name = format!("{} ({})", artifact.target.src_path.strip_prefix(folder).ok()?, package);
    Some(Runner { name, program: program.into(), folder: folder.into() })
}

/// Runs them all, and hands over what each has printed, whole, as soon as it has ended; answers the names of those that
/// failed. `prepare` adds to the surroundings of each.
pub(crate) fn run(
    runners: Vec<Runner>,
    prepare: impl Fn(&mut Command) + Sync,
    mut each: impl FnMut(&str),
) -> Result<Vec<String>, String> {
    let queue = Mutex::new(by_size(runners).into_iter());
    let next = || queue.lock().ok()?.next();
    let (prepare, next) = (&prepare, &next);
    let mut failed = Vec::new();
    std::thread::scope(|scope| {
        let (told, ended) = mpsc::channel();
        for _ in 0..AT_ONCE {
            let told = told.clone();
            scope.spawn(move || {
                while let Some(runner) = next() {
                    let mut command = Command::new(&runner.program);
                    command.current_dir(&runner.folder).env("CARGO_MANIFEST_DIR", &runner.folder);
                    prepare(&mut command);
                    let mut lines = Vec::new();
                    let passed = process::by_line(&mut command, |line| lines.push(line.to_owned()));
                    if told.send((runner.name, lines, passed)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(told);
        for (name, lines, passed) in ended {
            each(&format!("     Running {name}"));
            lines.iter().for_each(|line| each(line));
            if !passed? {
                failed.push(name);
            }
        }
        Ok(failed)
    })
}

/// The largest first: what links the most runs the longest, and the last ones should be short.
fn by_size(mut runners: Vec<Runner>) -> Vec<Runner> {
    let size = |runner: &Runner| std::fs::metadata(&runner.program).map_or(0, |found| found.len());
    runners.sort_by_cached_key(|runner| (std::cmp::Reverse(size(runner)), runner.name.clone()));
    runners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(name: &str) -> Runner {
        Runner { name: name.to_owned(), program: "/bin/sh".into(), folder: "/".into() }
    }

    #[test]
    fn what_a_program_prints_comes_whole_and_failures_by_name() {
        let runners = ["a", "b", "c"].map(shell).into();
        let mut lines = Vec::new();
        let script = |command: &mut Command| {
            command.args(["-c", "echo one; echo two >&2; exit 3"]);
        };
        let failed = run(runners, script, |line| lines.push(line.to_owned()));
        assert_eq!(failed.map(|mut names| (names.sort(), names).1), Ok(vec!["a".into(), "b".into(), "c".into()]));
        assert_eq!(lines.len(), 9);
        for told in lines.chunks(3) {
            assert!(told[0].starts_with("     Running ") && told[1..] == ["one", "two"], "{told:?}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure_of_the_whole() {
        let gone = Runner { program: "/nowhere".into(), ..shell("gone") };
        let problem = run(vec![gone], |_| {}, |_| {}).expect_err("there is none");
        assert!(problem.contains("/nowhere"), "{problem}");
    }
}
