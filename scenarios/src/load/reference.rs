//! Files that a scenario names.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::diagnostics::{Diagnostics, SettingProblem};
use crate::document::{Document, closest};

/// The path of a file named at `field`, when it exists and is no folder.
pub(super) fn existing(document: &Document, field: &str, name: &str, found: &mut Diagnostics) -> Option<PathBuf> {
    let path = tidied(document.folder().join(name));
    if path.is_dir() {
        let inside = files(&path);
        let near = if inside.is_empty() { String::new() } else { format!(": {}", inside.join(", ")) };
        found.push(SettingProblem::ReferenceIsFolder { at: document.at(field), path: name.to_owned(), near });
        return None;
    }
    if !path.exists() {
        let folder = path.parent().unwrap_or(Path::new("."));
        let wanted = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let near = nearby(folder, &wanted).map_or_else(String::new, |other| format!("; there is a {other}"));
        found.push(SettingProblem::MissingReference { at: document.at(field), path: name.to_owned(), near });
        return None;
    }
    Some(path)
}

/// `a/b/../c` as `a/c`, where that is the same place (a symbolic link may make it another one).
fn tidied(path: PathBuf) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let climbs =
            part == Component::ParentDir && matches!(short.components().next_back(), Some(Component::Normal(_)));
        if climbs {
            short.pop();
        } else {
            short.push(part);
        }
    }
    let same =
        fs::canonicalize(&short).ok().is_some_and(|real| fs::canonicalize(&path).is_ok_and(|other| other == real));
    if same { short } else { path }
}

/// A file in the folder whose name is close to the wanted one, or has the same ending.
pub(super) fn nearby(folder: &Path, wanted: &str) -> Option<String> {
    let names = files(folder);
    let like = closest(wanted, names.iter().map(String::as_str)).map(str::to_owned);
    like.or_else(|| {
        let ending = Path::new(wanted).extension()?.to_owned();
        names.iter().find(|name| Path::new(name).extension() == Some(&ending)).cloned()
    })
}

/// Files in a folder, sorted; at most a dozen.
fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.truncate(12);
    names
}
