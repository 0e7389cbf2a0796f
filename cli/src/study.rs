//! What `taa run` finds out beside the run itself: what to change first and, with replications, how sure all is.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use taa_scenarios::{Overrides, model::Scenario};
use taa_sim::result::RunResult;
use taa_studies::{
    engine::{Lent, StudyError},
    place::Place,
    plan::{Wanted, study},
    study::Study,
};

use crate::{Failure, args::RunArgs, progress::Count, show};

/// The file in the output folder.
const FILE: &str = "study.json";

/// The study that the arguments ask for; nothing when they ask for none, or when it was stopped before it knew anything.
pub(crate) fn of(
    args: &RunArgs,
    overrides: &Overrides,
    (scenario, shown): (&Scenario, &RunResult),
    threads: usize,
    stop: &AtomicBool,
) -> Result<Option<Study>, Failure> {
    let wanted = Wanted { replications: args.replications, remedies: !args.no_remedies };
    if stop.load(Ordering::Relaxed) || (wanted.replications < 2 && !wanted.remedies) {
        return Ok(None);
    }
    let place = Place::around(&args.scenario, overrides, scenario.clone()).map_err(|found| show::input(&found))?;
    let what = if wanted.replications < 2 { "what to change first" } else { "many draws" };
    let bar = Count::new(what, args.quiet);
    let lent = Lent { threads, stop, progress: &|done, planned| bar.at(done, planned) };
    let found = study(&place, wanted, Some(shown), &lent);
    bar.finish();
    match found {
        Ok(found) => Ok(Some(found)),
        Err(StudyError::Stopped) => Ok(None),
        Err(error) => Err(Failure::Own(error.to_string())),
    }
}

/// Writes `study.json` into the output folder, or takes an older one away: it would pass for one of this run.
pub(crate) fn write(out: &Path, study: Option<&Study>) -> Result<(), Failure> {
    let path = out.join(FILE);
    let Some(study) = study else {
        return match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::Own(format!("{}: {error}", path.display())))
            }
            _ => Ok(()),
        };
    };
    let text = serde_json::to_string_pretty(study).map_err(|error| Failure::Own(error.to_string()))?;
    whole(&path, &text)
}

/// Writes a file under another name and renames it: it is there whole or not at all.
pub(crate) fn whole(path: &Path, content: &(impl AsRef<[u8]> + ?Sized)) -> Result<(), Failure> {
    let failure = |error: std::io::Error| Failure::Own(format!("{}: {error}", path.display()));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = std::fs::write(&part, content.as_ref()).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        drop(std::fs::remove_file(&part));
    }
    written.map_err(failure)
}
