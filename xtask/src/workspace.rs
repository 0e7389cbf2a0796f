//! Where things are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// Where cargo builds: the user's choice, or `target` at the root.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The cargo that runs us, working at the root.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Nothing may be left out.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1")
}

/// The first of these programs that is on the path.
pub(crate) fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names.iter().find_map(|name| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file()))
}

/// Builds the `taa` command in the profile that `cargo run` uses, and says where it is.
///
/// With the tests beside it: what they need switches on features of shared dependencies, so that after a test run
/// `taa` alone would have all our crates compiled a second time.
pub(crate) fn build_taa() -> Result<PathBuf, String> {
    crate::process::must(cargo().args(["build", "--quiet", "--workspace", "--all-targets"]))?;
    let taa = target().join("debug").join("taa");
    if taa.is_file() { Ok(taa) } else { Err(format!("cargo built no {}", taa.display())) }
}
