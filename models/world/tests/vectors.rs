//! Validation cases: pvlib's PV chains and public radio formulas, one trial per case (`family::file::case`).
//!
//! `TAA_VECTORS` points at another root of the same layout (`<root>/pv/*.json`, `<root>/radio/*.json`); without it
//! the copies in `tests/vectors` are walked. No case found is a failure. Sections of a radio file that no model here
//! covers yet are listed by the trial `radio::<file>::not_covered`, which passes and says so in its name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

mod vectors_pv;
mod vectors_radio;

fn main() {
    let args = Arguments::from_args();
    let root = std::env::var_os("TAA_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"), PathBuf::from);
    let mut trials = Vec::new();
    for (file, case) in files(&root.join("pv")) {
        trials.extend(vectors_pv::trials(&file, case));
    }
    for (file, case) in files(&root.join("radio")) {
        trials.extend(vectors_radio::trials(&file, &case));
    }
    if trials.is_empty() {
        let shown = root.display().to_string();
        trials.push(Trial::test("no_case_found", move || Err(Failed::from(format!("no case under {shown}")))));
    }
    libtest_mimic::run(&args, trials).exit();
}

/// The JSON files of a family by name; an unreadable one is a case that is `Null` and fails.
fn files(folder: &Path) -> Vec<(String, Value)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "json"));
    paths.sort();
    paths
        .into_iter()
        .map(|p| {
            let name = p.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let value = fs::read(&p).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            (name, value.unwrap_or(Value::Null))
        })
        .collect()
}

/// Fails when two figures differ by more than `relative` of the wanted one plus `absolute`.
fn close(what: &str, found: f64, wanted: f64, relative: f64, absolute: f64) -> Result<(), Failed> {
    if (found - wanted).abs() <= relative * wanted.abs() + absolute {
        return Ok(());
    }
    Err(Failed::from(format!("{what}: found {found}, wanted {wanted} (tolerance {relative} of it + {absolute})")))
}

/// A number of a JSON object, or a failure that names it.
fn number(row: &Value, key: &str) -> Result<f64, Failed> {
    row[key].as_f64().ok_or_else(|| Failed::from(format!("`{key}` is missing or not a number in {row}")))
}
