//! A Python of our own under `target/`, for peers that are written in it.

use std::path::PathBuf;
use std::process::Command;

use crate::needs::{self, PYTHON};
use crate::process::quietly;
use crate::workspace::{find_program, target};

/// An environment that holds these packages (as `name==version`), made or mended as needed; answers its interpreter.
///
/// `uv` makes it when it is on the path, plain `venv` and `pip` otherwise.
pub(crate) fn environment(packages: &[&str]) -> Result<PathBuf, String> {
    holding(packages, &[])
}

/// The same with one package and nothing that it depends on.
pub(crate) fn alone(package: &str) -> Result<PathBuf, String> {
    holding(&[package], &["--no-deps"])
}

fn holding(packages: &[&str], options: &[&str]) -> Result<PathBuf, String> {
    let dir = target().join("venv");
    let python = dir.join("bin").join("python");
    let uv = find_program(&["uv"]);
    if !python.is_file() {
        println!("making a Python environment in {}", dir.display());
        match &uv {
            Some(uv) => quietly(Command::new(uv).arg("venv").arg(&dir)).map(drop)?,
            None => plain_venv(&dir)?,
        }
    }
    if missing(&python, packages) {
        let mut pip = match &uv {
            Some(uv) => {
                let mut pip = Command::new(uv);
                pip.args(["pip", "install", "--python"]).arg(&python);
                pip
            }
            None => {
                let mut pip = Command::new(&python);
                pip.args(["-m", "pip", "install", "--disable-pip-version-check"]);
                pip
            }
        };
        quietly(pip.args(options).args(packages))?;
    }
    Ok(python)
}

fn plain_venv(dir: &PathBuf) -> Result<(), String> {
    let python = PYTHON.get()?;
    let make = || quietly(Command::new(&python).args(["-m", "venv"]).arg(dir)).map(drop);
    // Debian ships python3 without the part of venv that brings pip.
    make().or_else(|problem| {
        if !needs::is_root() {
            return Err(format!("{problem}\n`{}` may bring what is missing", PYTHON.remedy()));
        }
        needs::install(PYTHON.package)?;
        make()
    })
}

/// Whether a package is absent or of another version.
fn missing(python: &PathBuf, packages: &[&str]) -> bool {
    let check = "import sys, importlib.metadata as m\n\
                 for p in sys.argv[1:]:\n    name, _, version = p.partition('==')\n    assert m.version(name) == version";
    quietly(Command::new(python).args(["-c", check]).args(packages)).is_err()
}
