//! No scenario file lies about that nobody runs or reads of.
//!
//! A village, fault or sweep must be named by a test or a document: as a path (`faults/tower_out`), a file
//! (`tower_out.toml`), or, in a test, as a quoted word.

use super::Finding;
use super::tree::{File, Tree};

/// Folders of scenario data below `scenarios/`.
const KINDS: [&str; 3] = ["villages", "faults", "sweeps"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut names: Vec<(&str, &str)> = tree.files.iter().filter_map(|file| scenario(&file.path)).collect();
    names.sort_unstable();
    names.dedup();
    let dead = |&(kind, name): &(&str, &str)| !tree.files.iter().any(|file| mentions(file, kind, name));
    let finding = |(kind, name)| Finding::at(format!("scenarios/{kind}/{name}"), "no test and no document mentions it");
    names.into_iter().filter(dead).map(finding).collect()
}

/// Kind and name of the scenario that a file belongs to.
fn scenario(path: &str) -> Option<(&str, &str)> {
    let (kind, rest) = path.strip_prefix("scenarios/")?.split_once('/')?;
    let name = rest.split('/').next()?;
    KINDS.contains(&kind).then(|| (kind, name.strip_suffix(".toml").unwrap_or(name)))
}

fn mentions(file: &File, kind: &str, name: &str) -> bool {
    if scenario(&file.path).is_some() || !file.ends(&[".rs", ".md"]) {
        return false;
    }
    let as_path = [format!("{kind}/{name}"), format!("{name}.toml")];
    let is_test = file.path.contains("tests") || file.text.contains("#[cfg(test)]");
    as_path.iter().any(|mention| file.text.contains(mention)) || is_test && file.text.contains(&format!("\"{name}\""))
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    const VILLAGE: &str = "scenarios/villages/jija/scenario.toml";
    const FAULT: &str = "scenarios/faults/tower_out.toml";

    #[test]
    fn what_a_document_or_a_test_names_is_alive() {
        let tree = tree::of(&[
            (VILLAGE, ""),
            (FAULT, ""),
            ("README.md", "run scenarios/villages/jija"),
            ("sim/tests/faults.rs", "[\"tower_out\"]"),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn sabotage_what_nobody_names_is_found_once() {
        let tree = tree::of(&[
            (VILLAGE, "jija"),
            ("scenarios/villages/jija/village.geojson", "villages/jija"),
            (FAULT, ""),
            ("sim/src/fault.rs", "match kind { \"tower_out\" => 1 }"),
        ]);
        let places: Vec<String> = check(&tree).into_iter().map(|f| f.place).collect();
        assert_eq!(places, ["scenarios/faults/tower_out", "scenarios/villages/jija"]);
    }
}
