//! The walk over validation cases that all test targets named `vectors` share.
//!
//! A family is a folder of JSON files under `tests/vectors` of the crate that owns it, or under the folder that the
//! environment variable `TAA_VECTORS` names: an outside examiner runs the same targets on cases of their own. One trial
//! per case, named `family::file::case`. A file that cannot be read, or a family without a case, ends the run with an
//! error.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use libtest_mimic::{Arguments, Failed, Trial};
pub use serde_json::Value as Json;

/// Adds the trials of one file: its name without the ending, and what it holds.
pub type OfFile<'a> = &'a mut dyn FnMut(&str, Json, &mut Vec<Trial>) -> Result<(), String>;

/// Runs what `trials` finds, as a test target's `main` does. No trial at all is a failure.
#[must_use]
pub fn run(trials: impl FnOnce() -> Result<Vec<Trial>, String>) -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) if trials.is_empty() => {
            eprintln!("no validation case found; TAA_VECTORS is {:?}", std::env::var_os("TAA_VECTORS"));
            ExitCode::FAILURE
        }
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of a family: under `TAA_VECTORS`, else under `tests/vectors` of the crate in `manifest_dir`.
#[must_use]
pub fn folder(manifest_dir: &str, family: &str) -> PathBuf {
    let root =
        std::env::var_os("TAA_VECTORS").map_or_else(|| Path::new(manifest_dir).join("tests/vectors"), PathBuf::from);
    root.join(family)
}

/// The trials of a family, file by file in order of their names. A folder that is not there has none.
///
/// # Errors
/// The file that cannot be read, or that `of_file` does not understand, by name.
pub fn trials(folder: &Path, of_file: OfFile<'_>) -> Result<Vec<Trial>, String> {
    let mut trials = Vec::new();
    let mut files: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect(),
        Err(_) => return Ok(trials),
    };
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    for path in files {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(&path).map_err(|error| told(&error))?;
        let file = serde_json::from_str(&text).map_err(|error| told(&error))?;
        of_file(&stem, file, &mut trials).map_err(|error| told(&error))?;
    }
    Ok(trials)
}

/// A case that cannot be checked here: listed as ignored, with the reason in brackets.
#[must_use]
pub fn ignored(name: String, reason: &str) -> Trial {
    Trial::test(name, || Err("not covered".into())).with_kind(reason).with_ignored_flag(true)
}

/// Bytes from hex digits.
///
/// # Errors
/// When it is not that.
pub fn hex(text: &str) -> Result<Vec<u8>, Failed> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return Err("odd number of hex digits".into());
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| format!("not hex: {text}").into()))
        .collect()
}

/// A text of a case.
///
/// # Errors
/// Names the field.
pub fn field<'a>(case: &'a Json, name: &str) -> Result<&'a str, Failed> {
    case[name].as_str().ok_or_else(|| format!("no text `{name}` in {case}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_order_and_a_bad_one_is_named() {
        let folder = std::env::temp_dir().join(format!("taa-vectors-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in [("b.json", "{}"), ("a.json", "[1]"), ("note.md", "no case")] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let mut seen = Vec::new();
        let mut walk = |stem: &str, file: Json, trials: &mut Vec<Trial>| {
            seen.push((stem.to_owned(), file));
            trials.push(ignored(stem.to_owned(), "a test"));
            Ok(())
        };
        assert_eq!(trials(&folder, &mut walk).unwrap().len(), 2);
        assert_eq!(seen, [("a".to_owned(), serde_json::json!([1])), ("b".to_owned(), serde_json::json!({}))]);
        std::fs::write(folder.join("c.json"), "{").unwrap();
        let error = trials(&folder, &mut |_, _, _| Ok(())).err().unwrap();
        assert!(error.contains("c.json"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(trials(&folder, &mut |_, _, _| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn hex_is_hex() {
        assert_eq!(hex("00fF").unwrap(), [0, 255]);
        assert!(hex("0").is_err() && hex("0g").is_err() && hex("é").is_err());
    }
}
