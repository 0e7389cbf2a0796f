//! How large things may be, and that every crate takes the workspace's lints.

use super::Finding;
use super::tree::Tree;

/// Lines of a source file; a file holds one idea.
const LINES_MAX: usize = 700;
/// Bytes of any file.
const BYTES_MAX: u64 = 1_500_000;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let lines = file.text.lines().count();
        if file.ends(&[".rs", ".js", ".css", ".py"]) && lines > LINES_MAX {
            findings
                .push(Finding::at(file.path.as_str(), format!("{lines} lines; at most {LINES_MAX}: one idea a file")));
        }
        if file.bytes > BYTES_MAX {
            findings.push(Finding::at(file.path.as_str(), format!("{} bytes; at most {BYTES_MAX}", file.bytes)));
        }
        let is_member = file.path.ends_with("/Cargo.toml") && !file.text.contains("[workspace]");
        if is_member && !file.text.contains("[lints]\nworkspace = true") {
            findings.push(Finding::at(file.path.as_str(), "takes the workspace's lints: `[lints] workspace = true`"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    #[test]
    fn sabotage_files_that_are_too_long_or_too_large_are_found() {
        let long = "x\n".repeat(LINES_MAX + 1);
        let large = "x".repeat(BYTES_MAX as usize + 1);
        let just = "x\n".repeat(LINES_MAX);
        let findings = check(&tree::of(&[("a.rs", &long), ("b.csv", &large), ("c.rs", &just), ("d.csv", &long)]));
        assert_eq!(findings.iter().map(|f| f.place.as_str()).collect::<Vec<_>>(), ["a.rs", "b.csv"]);
    }

    #[test]
    fn sabotage_a_crate_without_lints_is_found() {
        let good = "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n";
        let findings = check(&tree::of(&[("a/Cargo.toml", good), ("b/Cargo.toml", "[package]\nname = \"b\"\n")]));
        assert_eq!(findings.iter().map(|f| f.place.as_str()).collect::<Vec<_>>(), ["b/Cargo.toml"]);
    }
}
