//! What must not stand in a source file: leftovers, silenced tests, paths of one machine, production code that may panic.

use super::Finding;
use super::tree::{File, Tree};

/// Endings of files that people write code in.
const CODE: [&str; 5] = [".rs", ".js", ".css", ".py", ".html"];
/// Things left for later. (Split, so that this file passes its own rule.)
const LEFTOVERS: [&str; 6] = [
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("db", "g!("),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("assert!(", "true"),
];
/// A test switched off without a word.
const SILENCED: &str = concat!("#[ign", "ore]");
/// Roots of paths that exist on one machine only.
const MACHINE: [&str; 5] =
    [concat!("/wo", "rk/"), concat!("/tm", "p/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/fa", "rm/")];
/// Lints that every logic crate under `dcu/` denies.
const PRODUCTION: [&str; 5] = [
    "clippy::unwrap_used",
    "clippy::expect_used",
    "clippy::indexing_slicing",
    "clippy::panic",
    "clippy::arithmetic_side_effects",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        if file.ends(&CODE) {
            findings.extend(leftovers(file));
        }
        if file.ends(&[".rs"]) {
            findings.extend(silenced(file));
            findings.extend(production(file));
        }
        if !file.ends(&["Cargo.lock"]) {
            findings.extend(machine_paths(file));
        }
    }
    findings
}

fn leftovers(file: &File) -> impl Iterator<Item = Finding> {
    file.lines().flat_map(move |(number, line)| {
        let found = LEFTOVERS.iter().filter(move |word| line.contains(**word));
        found.map(move |word| Finding::at_line(&file.path, number, format!("`{word}` is left over")))
    })
}

fn silenced(file: &File) -> impl Iterator<Item = Finding> {
    let found = file.lines().filter(|(_, line)| line.contains(SILENCED));
    found.map(|(number, _)| Finding::at_line(&file.path, number, "an ignored test says why: `#[ignore = \"…\"]`"))
}

fn production(file: &File) -> impl Iterator<Item = Finding> {
    let crate_root = file.path.strip_prefix("dcu/").and_then(|rest| rest.strip_suffix("/src/lib.rs"));
    let is_logic = crate_root.is_some_and(|name| !["ports", "daemon", "powercut"].contains(&name));
    let missing = PRODUCTION.iter().filter(move |lint| is_logic && !file.text.contains(**lint));
    missing.map(|lint| Finding::at(file.path.as_str(), format!("production logic denies {lint}")))
}

fn machine_paths(file: &File) -> impl Iterator<Item = Finding> {
    let found = file.lines().filter(|(_, line)| MACHINE.iter().any(|root| stands_alone(line, root)));
    found.map(|(number, _)| Finding::at_line(&file.path, number, "a path of one machine"))
}

/// Whether a path starts here, rather than goes on: `see /x/y` does, `a/x/y` does not.
fn stands_alone(line: &str, root: &str) -> bool {
    line.match_indices(root).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || ['.', '-', '_', '~', '}', ')', '*'].contains(&c))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sabotage_every_leftover_is_found_with_its_line() {
        for word in LEFTOVERS {
            let found = found("a/src/lib.rs", &format!("fn a() {{}}\n    {word}\n"));
            assert_eq!(found, [format!("a/src/lib.rs:2: `{word}` is left over")]);
        }
    }

    #[test]
    fn sabotage_a_test_switched_off_is_found() {
        assert_eq!(found("a.rs", &format!("{SILENCED}\nfn t() {{}}")).len(), 1);
        assert_eq!(found("a.rs", "#[ignore = \"needs a radio\"]\nfn t() {}"), [""; 0]);
    }

    #[test]
    fn sabotage_a_machine_path_is_found_where_it_starts() {
        for root in MACHINE {
            assert_eq!(found("README.md", &format!("see {root}main")).len(), 1, "{root}");
            assert_eq!(found("README.md", &format!("see models{root}main")), [""; 0], "{root}");
        }
    }

    #[test]
    fn sabotage_production_code_that_may_panic_is_found() {
        let denied = format!("#![deny({})]", PRODUCTION.join(", "));
        assert_eq!(found("dcu/keys/src/lib.rs", &denied), [""; 0]);
        assert_eq!(found("dcu/keys/src/lib.rs", &denied.replace("clippy::panic", "x")).len(), 1);
        assert_eq!(found("dcu/daemon/src/lib.rs", ""), [""; 0]);
    }
}
