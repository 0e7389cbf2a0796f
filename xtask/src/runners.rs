//! Test programs: cargo builds them, and they run as soon as they are built; of those that wait, the largest first.
//!
//! cargo itself runs one after the other once all are built: most of them end with a single test that leaves a core idle, and
//! so does a build, whose long crates wait for each other.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{self, Sender};
use std::sync::{Condvar, Mutex, PoisonError};

use cargo_metadata::{Artifact, Message, MetadataCommand, TargetKind};

use crate::process;

/// How many run side by side, one of them only when all are built; each has as many threads as there are cores.
const AT_ONCE: usize = 2;

/// A test program, and the folder of its package, in which cargo would run it.
#[derive(Debug)]
pub(crate) struct Runner {
    name: String,
    program: PathBuf,
    folder: PathBuf,
    /// It may start programs of its package, and cargo builds those when it likes.
    needs_programs: bool,
}

fn runner(artifact: Artifact, with_programs: &BTreeSet<PathBuf>) -> Option<Runner> {
    let program = artifact.executable.filter(|_| artifact.profile.test)?;
    let folder = artifact.manifest_path.parent()?;
    let package = folder.file_name().unwrap_or_default();
    let name = format!("{} ({})", artifact.target.src_path.strip_prefix(folder).ok()?, package);
    let folder: PathBuf = folder.into();
    let needs_programs = artifact.target.kind.contains(&TargetKind::Test) && with_programs.contains(&folder);
    Some(Runner { name, program: program.into(), folder, needs_programs })
}

/// Builds all test programs of the workspace and runs them; hands over what each has printed, whole, when it has ended, and
/// answers the names of those that failed. When something does not build, those that have not begun are left out. `prepare`
/// adds to the surroundings of each.
pub(crate) fn build_and_run(
    cargo: &mut Command,
    prepare: impl Fn(&mut Command) + Sync,
    each: impl FnMut(&str),
) -> Result<Vec<String>, String> {
    let with_programs = with_programs()?;
    cargo.args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let told = |line: &str| match serde_json::from_str(line) {
        Ok(Message::CompilerArtifact(artifact)) => Told::Built(runner(artifact, &with_programs)),
        Ok(_) => Told::Built(None),
        Err(_) => Told::Line,
    };
    run(cargo, told, prepare, each)
}

/// The folders of our packages that build programs.
fn with_programs() -> Result<BTreeSet<PathBuf>, String> {
    let found = MetadataCommand::new().no_deps().exec().map_err(|problem| format!("cargo metadata: {problem}"))?;
    let builds = |package: &&cargo_metadata::Package| package.targets.iter().any(cargo_metadata::Target::is_bin);
    let folder = |package: &cargo_metadata::Package| package.manifest_path.parent().map(Into::into);
    Ok(found.packages.iter().filter(builds).filter_map(folder).collect())
}

/// What a line of the builder says.
enum Told {
    /// Something is built; perhaps a test program.
    Built(Option<Runner>),
    /// It is for people.
    Line,
}

fn run(
    builder: &mut Command,
    read: impl Fn(&str) -> Told,
    prepare: impl Fn(&mut Command) + Sync,
    mut each: impl FnMut(&str),
) -> Result<Vec<String>, String> {
    let queue = Queue::default();
    let mut failures = Failures::default();
    let (queue, prepare) = (&queue, &prepare);
    std::thread::scope(|scope| {
        let (told, ended) = mpsc::channel();
        for worker in 0..AT_ONCE {
            let told = told.clone();
            scope.spawn(move || work(queue, worker > 0, prepare, &told));
        }
        drop(told);
        // Whatever happens here, nobody waits for programs that will not come.
        let closing = Closing(queue);
        let built = process::by_line(builder, |line| {
            match read(line) {
                Told::Built(runner) => runner.into_iter().for_each(|runner| queue.put(runner)),
                Told::Line => each(line),
            }
            while let Ok(end) = ended.try_recv() {
                failures.note(end, &mut each);
            }
        });
        match built {
            Ok(true) => queue.close(true),
            Ok(false) => failures.problems.push("something did not build".to_owned()),
            Err(problem) => failures.problems.push(problem),
        }
        drop(closing);
        while let Ok(end) = ended.recv() {
            failures.note(end, &mut each);
        }
    });
    failures.end()
}

/// Closes the queue when it is dropped; those that wait are left out, unless it was closed before.
struct Closing<'a>(&'a Queue);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close(false);
    }
}

/// Programs that failed, and what kept others from running.
#[derive(Default)]
struct Failures {
    failed: Vec<String>,
    problems: Vec<String>,
}

impl Failures {
    fn note(&mut self, End { name, lines, passed }: End, each: &mut impl FnMut(&str)) {
        each(&format!("     Running {name}"));
        lines.iter().for_each(|line| each(line));
        match passed {
            Ok(true) => {}
            Ok(false) => self.failed.push(name),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// A problem with some program is one of the whole; it names those that failed as well.
    fn end(mut self) -> Result<Vec<String>, String> {
        if self.problems.is_empty() {
            return Ok(self.failed);
        }
        if !self.failed.is_empty() {
            self.problems.push(format!("failed: {}", self.failed.join(", ")));
        }
        Err(self.problems.join("; "))
    }
}

/// Runs one after the other until there are no more.
fn work(queue: &Queue, when_built: bool, prepare: &impl Fn(&mut Command), told: &Sender<End>) {
    while let Some(runner) = queue.next(when_built) {
        let mut command = Command::new(&runner.program);
        command.current_dir(&runner.folder).env("CARGO_MANIFEST_DIR", &runner.folder);
        prepare(&mut command);
        let mut lines = Vec::new();
        let passed = process::by_line(&mut command, |line| lines.push(line.to_owned()));
        if told.send(End { name: runner.name, lines, passed }).is_err() {
            return;
        }
    }
}

/// A test program has ended, or could not be run.
struct End {
    name: String,
    lines: Vec<String>,
    passed: Result<bool, String>,
}

/// What is built and has not begun.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// With the size of the program.
    runners: Vec<(u64, Runner)>,
    all_built: bool,
}

impl Queue {
    fn put(&self, runner: Runner) {
        let size = std::fs::metadata(&runner.program).map_or(0, |found| found.len());
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).runners.push((size, runner));
        self.changed.notify_all();
    }

    /// No more will come; those that wait are run, or left out.
    fn close(&self, run: bool) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !run && !waiting.all_built {
            waiting.runners.clear();
        }
        waiting.all_built = true;
        self.changed.notify_all();
    }

    /// The largest: what links the most runs the longest, and the last ones should be short.
    fn next(&self, when_built: bool) -> Option<Runner> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (all_built, runners) = (waiting.all_built, &mut waiting.runners);
            let may_run = |at: &usize| all_built || !(when_built || runners[*at].1.needs_programs);
            let largest = (0..runners.len()).filter(may_run).max_by_key(|&at| (runners[at].0, std::cmp::Reverse(at)));
            match largest {
                Some(largest) => return Some(runners.remove(largest).1),
                None if all_built => return None,
                None => waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(name: &str) -> Runner {
        let needs_programs = name == "after";
        Runner { name: name.to_owned(), program: "/bin/sh".into(), folder: "/".into(), needs_programs }
    }

    /// A builder that tells of these programs, and what was made of it.
    fn built(script: &str, program: &str, runner: &str) -> (Result<Vec<String>, String>, Vec<String>) {
        let mut lines = Vec::new();
        let read = |line: &str| match line.strip_prefix("built ") {
            Some(name) => Told::Built(Some(Runner { program: program.into(), ..shell(name) })),
            None => Told::Line,
        };
        let prepare = |command: &mut Command| {
            command.args(["-c", runner]);
        };
        let ran = run(Command::new("sh").args(["-c", script]), read, prepare, |line| lines.push(line.to_owned()));
        (ran, lines)
    }

    #[test]
    fn what_a_program_prints_comes_whole_and_failures_by_name() {
        let script = "echo built a; echo of cargo; echo built b; echo built c";
        let (failed, mut lines) = built(script, "/bin/sh", "echo one; echo two >&2; exit 3");
        assert_eq!(failed.map(|mut names| (names.sort(), names).1), Ok(vec!["a".into(), "b".into(), "c".into()]));
        lines.retain(|line| line != "of cargo");
        assert_eq!(lines.len(), 9);
        for told in lines.chunks(3) {
            assert!(told[0].starts_with("     Running ") && told[1..] == ["one", "two"], "{told:?}");
        }
    }

    #[test]
    fn a_panic_while_building_ends_the_whole() {
        let read = |_: &str| -> Told { panic!("as println does on a closed pipe") };
        let ran = std::panic::catch_unwind(|| run(Command::new("echo").arg("line"), read, |_| {}, |_| {}));
        assert!(ran.is_err());
    }

    #[test]
    fn what_is_built_runs_while_the_rest_is_built() {
        let mark = std::env::temp_dir().join(format!("taa-xtask-{}", std::process::id())).display().to_string();
        // The build ends when its first program has run: waiting for the build, it never would.
        let script = format!("echo built a; for i in $(seq 200); do [ -e {mark} ] && exit 0; sleep 0.05; done; exit 1");
        let (failed, lines) = built(&script, "/bin/sh", &format!("touch {mark}"));
        std::fs::remove_file(mark).expect("it was made");
        assert_eq!((failed, lines), (Ok(vec![]), vec!["     Running a".to_owned()]));
    }

    #[test]
    fn what_starts_programs_waits_for_them() {
        let mark = std::env::temp_dir().join(format!("taa-xtask-program-{}", std::process::id())).display().to_string();
        let (failed, _) =
            built(&format!("echo built after; sleep 0.3; touch {mark}"), "/bin/sh", &format!("rm {mark}"));
        assert_eq!(failed, Ok(vec![]), "it ran before its program was there");
    }

    #[test]
    fn a_failed_build_and_a_program_that_is_not_there_are_failures_of_the_whole() {
        let (broken, lines) =
            built("echo built slow; sleep 0.2; echo built other; echo error; exit 1", "/bin/sh", "sleep 1; exit 3");
        assert_eq!(broken, Err("something did not build; failed: slow".to_owned()));
        assert_eq!(lines, ["error", "     Running slow"], "the other had not begun");
        let (gone, _) = built("echo built a", "/nowhere", "exit 0");
        assert!(gone.as_ref().is_err_and(|problem| problem.contains("/nowhere")), "{gone:?}");
    }
}
