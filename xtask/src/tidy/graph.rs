//! Who may know whom: the plan of the house against what `cargo metadata` says, through all levels.
//!
//! Two checks. Direct edges between our own crates must be in [`PLAN`]; and some crates must not be reached at all, not
//! even through others ([`NEVER`]). Dependencies of tests do not count: a test may know more than its crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};

use super::Finding;

/// Our crates, and which of our crates each may depend on.
const PLAN: [(&str, &[&str]); 26] = [
    ("taa-keys", &[]),
    ("taa-dlms", &["taa-keys"]),
    ("taa-tokens", &["taa-keys"]),
    ("taa-ledger", &["taa-keys"]),
    ("taa-gasp", &["taa-keys"]),
    ("taa-der", &[]),
    ("taa-feeder", &[]),
    ("taa-dcu", &["taa-keys", "taa-dlms", "taa-tokens", "taa-ledger", "taa-gasp", "taa-der", "taa-feeder"]),
    ("taa-store", &["taa-dcu", "taa-ledger"]),
    ("taa-intake", &["taa-keys", "taa-dcu"]),
    ("taa-powercut", &[]),
    ("taa-ports", &["taa-dcu"]),
    ("taa-intaked", &["taa-keys", "taa-dcu", "taa-intake"]),
    ("dcud", &["taa-dcu", "taa-store", "taa-intake", "taa-ports"]),
    ("taa-models", &[]),
    ("taa-vectors", &[]),
    ("taa-meter", &["taa-keys", "taa-dlms", "taa-tokens", "taa-gasp"]),
    ("taa-mesh", &[]),
    ("taa-scenarios", &["taa-tokens", "taa-dcu", "taa-models"]),
    (
        "taa-sim",
        &[
            "taa-keys",
            "taa-dlms",
            "taa-tokens",
            "taa-ledger",
            "taa-gasp",
            "taa-der",
            "taa-feeder",
            "taa-dcu",
            "taa-store",
            "taa-intake",
            "taa-powercut",
            "taa-models",
            "taa-mesh",
            "taa-meter",
            "taa-scenarios",
        ],
    ),
    ("taa-hil", &["taa-ports", "taa-sim", "taa-dcu"]),
    ("taa-studies", &["taa-sim", "taa-dcu", "taa-scenarios", "taa-models"]),
    ("taa-reports", &["taa-sim", "taa-studies", "taa-dcu", "taa-scenarios", "taa-models"]),
    ("taa-twin", &["taa-sim", "taa-hil", "taa-reports", "taa-dcu", "taa-scenarios"]),
    (
        "taa",
        &[
            "taa-keys",
            "taa-tokens",
            "taa-dcu",
            "taa-ledger",
            "taa-store",
            "taa-intaked",
            "taa-models",
            "taa-scenarios",
            "taa-sim",
            "taa-studies",
            "taa-reports",
            "taa-hil",
            "taa-twin",
        ],
    ),
    ("xtask", &[]),
];

/// Folders whose crates must not reach certain crates, and why.
const NEVER: [(&str, &[&str], &str); 4] = [
    (
        "dcu/",
        &[
            "tokio",
            "bevy_ecs",
            "polars",
            "taa-sim",
            "taa-models",
            "taa-meter",
            "taa-scenarios",
            "taa-twin",
            "taa-reports",
            "taa-hil",
        ],
        "production logic stands alone, without a runtime and without the simulator",
    ),
    ("models/", &["tokio", "taa-sim", "taa-dcu", "polars", "bevy_ecs"], "models are pure: physics and behaviour"),
    (
        "scenarios",
        &["tokio", "taa-sim", "taa-meter", "taa-reports", "polars"],
        "a scenario is read by all, and knows few",
    ),
    ("sim", &["tokio", "polars", "plotters", "taa-reports"], "the simulator leaves records; reports draw them"),
];

/// What counts is what runs in the field and in CI; some crates know other crates in a browser or on Windows.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Crates under `dcu/` that are the shell around the logic.
const SHELL: [&str; 3] = ["dcu/ports", "dcu/daemon", "dcu/intaked"];

/// Crates by name, and which crates each depends on, tests apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// Our crates and their folders.
    members: BTreeMap<String, String>,
    /// All crates.
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Asks cargo.
    pub(crate) fn of_workspace(root: &Path) -> Result<Self, String> {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .other_options(["--filter-platform".to_owned(), PLATFORM.to_owned()])
            .exec()
            .map_err(|e| format!("cargo metadata: {e}"))?;
        let resolve = metadata.resolve.as_ref().ok_or("cargo metadata resolved nothing")?;
        let name = |id| metadata[id].name.to_string();
        let mut graph = Self::default();
        for package in metadata.workspace_packages() {
            let folder = package.manifest_path.parent().and_then(|dir| dir.strip_prefix(&metadata.workspace_root).ok());
            graph.members.insert(package.name.to_string(), folder.map_or_else(String::new, ToString::to_string));
        }
        for node in &resolve.nodes {
            let of_tests_alone = |kinds: &[cargo_metadata::DepKindInfo]| {
                !kinds.is_empty() && kinds.iter().all(|info| info.kind == DependencyKind::Development)
            };
            let deps = node.deps.iter().filter(|dep| !of_tests_alone(&dep.dep_kinds)).map(|dep| name(&dep.pkg));
            graph.edges.entry(name(&node.id)).or_default().extend(deps);
        }
        Ok(graph)
    }

    /// What the plan does not allow.
    pub(crate) fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (member, folder) in &self.members {
            findings.extend(self.against_plan(member, folder));
            for (below, names, why) in NEVER {
                let meant = folder == below || below.ends_with('/') && folder.starts_with(below);
                if !meant || SHELL.contains(&folder.as_str()) {
                    continue;
                }
                for never in names {
                    if let Some(path) = self.path(member, never) {
                        findings.push(Finding::at(folder.as_str(), format!("reaches {never} ({path}): {why}")));
                    }
                }
            }
        }
        findings
    }

    fn against_plan(&self, member: &str, folder: &str) -> Vec<Finding> {
        let Some((_, allowed)) = PLAN.iter().find(|(name, _)| *name == member) else {
            return vec![Finding::at(folder, format!("{member} has no place in the plan (xtask/src/tidy/graph.rs)"))];
        };
        let ours = self.edges.get(member).into_iter().flatten().filter(|dep| self.members.contains_key(*dep));
        ours.filter(|dep| !allowed.contains(&dep.as_str()))
            .map(|dep| Finding::at(folder, format!("depends on {dep}, which the plan of the house does not allow")))
            .collect()
    }

    /// How one crate reaches another, shortest way.
    fn path(&self, from: &str, to: &str) -> Option<String> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut ring = vec![from];
        while !ring.is_empty() {
            let mut next = Vec::new();
            for name in ring {
                for dep in self.edges.get(name).into_iter().flatten() {
                    if dep != from && !came_from.contains_key(dep.as_str()) {
                        came_from.insert(dep, name);
                        next.push(dep.as_str());
                    }
                }
            }
            ring = next;
        }
        let mut way = vec![to];
        while let Some(before) = came_from.get(way[way.len() - 1]) {
            way.push(before);
        }
        way.reverse();
        (way.len() > 1).then(|| way.join(" → "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(members: &[(&str, &str)], edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        graph.members.extend(members.iter().map(|&(name, folder)| (name.to_owned(), folder.to_owned())));
        for &(from, to) in edges {
            graph.edges.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
        graph
    }

    fn words(graph: &Graph) -> String {
        graph.check().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_plan_itself_is_sound() {
        for (name, allowed) in PLAN {
            for dep in allowed {
                assert!(PLAN.iter().any(|(known, _)| known == dep), "{name} may use {dep}, which nobody knows");
            }
        }
    }

    #[test]
    fn what_the_plan_allows_is_no_finding() {
        let members =
            [("taa-dcu", "dcu/core"), ("taa-keys", "dcu/keys"), ("taa-sim", "sim"), ("taa-ports", "dcu/ports")];
        let edges = [("taa-dcu", "taa-keys"), ("taa-sim", "taa-dcu"), ("taa-ports", "taa-dcu"), ("taa-ports", "tokio")];
        assert_eq!(words(&graph(&members, &edges)), "");
    }

    #[test]
    fn sabotage_a_runtime_behind_three_crates_is_found() {
        let found = words(&graph(
            &[("taa-dlms", "dcu/dlms")],
            &[("taa-dlms", "a"), ("a", "b"), ("b", "a"), ("b", "tokio"), ("a", "serde")],
        ));
        assert!(found.contains("dcu/dlms: reaches tokio (taa-dlms → a → b → tokio)"), "{found}");
    }

    #[test]
    fn sabotage_edges_against_the_plan_are_found() {
        let members =
            [("taa-models", "models/world"), ("taa-sim", "sim"), ("taa-keys", "dcu/keys"), ("taa-new", "new")];
        let found = words(&graph(&members, &[("taa-models", "taa-keys"), ("taa-sim", "polars")]));
        assert!(found.contains("models/world: depends on taa-keys"), "{found}");
        assert!(found.contains("sim: reaches polars"), "{found}");
        assert!(found.contains("taa-new has no place"), "{found}");
    }
}
