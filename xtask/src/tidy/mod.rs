//! `cargo xtask tidy`: the rules of the house that no compiler checks. It runs as a test too.
//!
//! Each rule is a function from what is in the tree to findings, and has a sabotage among the tests: a tree that breaks
//! the rule, which must be found.

mod files;
mod graph;
mod scenarios;
mod text;
mod tree;

use std::fmt;

/// A place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path from the root; with a line where there is one.
    place: String,
    /// What is wrong, and what would be right.
    words: String,
}

impl Finding {
    fn at(place: impl Into<String>, words: impl Into<String>) -> Self {
        Self { place: place.into(), words: words.into() }
    }

    fn at_line(path: &str, line: usize, words: impl Into<String>) -> Self {
        Self::at(format!("{path}:{line}"), words)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.words)
    }
}

/// Looks at the whole tree; prints what is found.
pub(crate) fn run() -> Result<(), String> {
    let (findings, looked_at) = look()?;
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {looked_at} files, nothing found");
        Ok(())
    } else {
        Err(format!("tidy: {} findings", findings.len()))
    }
}

fn look() -> Result<(Vec<Finding>, usize), String> {
    let root = crate::workspace::root();
    let tree = tree::Tree::read(&root).map_err(|e| format!("cannot read {}: {e}", root.display()))?;
    let graph = graph::Graph::of_workspace(&root)?;
    let mut findings = graph.check();
    findings.extend(text::check(&tree));
    findings.extend(files::check(&tree));
    findings.extend(scenarios::check(&tree));
    findings.sort();
    Ok((findings, tree.files.len()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        let (findings, looked_at) = super::look().expect("the tree can be read");
        let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(list.is_empty(), "{} findings:\n{}", list.len(), list.join("\n"));
        assert!(looked_at > 100, "only {looked_at} files were looked at");
    }
}
