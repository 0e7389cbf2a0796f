//! Programs that the tests need beside Rust.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

use crate::process::quietly;
use crate::workspace::find_program;

/// A program and the Debian package that brings it.
pub(crate) struct Need {
    /// Names it goes by.
    pub(crate) programs: &'static [&'static str],
    /// The package.
    pub(crate) package: &'static str,
}

/// The browser that opens reports.
pub(crate) const CHROMIUM: Need =
    Need { programs: &["chromium", "chromium-browser", "google-chrome"], package: "chromium" };
/// What drives the browser.
pub(crate) const CHROMEDRIVER: Need = Need { programs: &["chromedriver"], package: "chromium-driver" };
/// For a bench against a peer written in C++.
pub(crate) const CXX: Need = Need { programs: &["g++", "c++"], package: "g++" };
/// For tests and benches against Python peers.
pub(crate) const PYTHON: Need = Need { programs: &["python3"], package: "python3-venv" };

/// Outside clients that read our DLMS server, from PyPI. Their known defects stand with these versions in
/// `dcu/dlms/tests/outsiders/known.rs`.
pub(crate) const DLMS_CLIENTS: [&str; 2] = ["gurux_dlms==1.0.203", "dlms-cosem==25.1.0"];

impl Need {
    /// The program, if it is here.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        find_program(self.programs)
    }

    /// The command that brings it.
    pub(crate) fn remedy(&self) -> String {
        format!("apt-get install {}", self.package)
    }

    /// The program, installed if it must and can be; otherwise what is missing and how to get it.
    pub(crate) fn get(&self) -> Result<PathBuf, String> {
        if let Some(program) = self.find() {
            return Ok(program);
        }
        let missing = || format!("{} is not here; `{}` brings it", self.programs[0], self.remedy());
        if !is_root() || find_program(&["apt-get"]).is_none() {
            return Err(missing());
        }
        println!("installing {}", self.package);
        install(self.package).map_err(|problem| format!("{}, but it failed just now:\n{problem}", missing()))?;
        self.find().ok_or_else(missing)
    }
}

/// Installs a Debian package, refreshing the package lists only when that is needed.
pub(crate) fn install(package: &str) -> Result<(), String> {
    let install = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "--yes", "--no-install-recommends", package]);
        quietly(&mut apt).map(drop)
    };
    install().or_else(|_| {
        quietly(Command::new("apt-get").arg("update"))?;
        install()
    })
}

pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        const NOWHERE: Need = Need { programs: &["no-such-program-anywhere"], package: "no-such-package-anywhere" };
        assert_eq!(NOWHERE.find(), None);
        assert_eq!(NOWHERE.remedy(), "apt-get install no-such-package-anywhere");
    }
}
