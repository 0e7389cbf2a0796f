//! A tshark whose dissector knows DLMS/COSEM: Wireshark 4.6 or later, which is newer than most systems have.
//!
//! Where the system has none, Debian's is unpacked under `target/tshark` with every library that it needs, its C library
//! included, and run by its own loader: nothing is installed, nothing of the system is touched, no root is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::quietly;
use crate::workspace::{find_program, target};

/// Names the program for the tests, and lets somebody name their own.
pub(crate) const VARIABLE: &str = "TAA_TSHARK";
/// The oldest suite of Debian that has it.
const SUITE: &str = "testing";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The program, if one is here.
pub(crate) fn find() -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let candidates = [named, find_program(&["tshark"]), Some(folder().join("tshark"))];
    candidates.into_iter().flatten().find(|program| knows_dlms(program))
}

/// The program, unpacked if it must and can be; otherwise what is missing.
pub(crate) fn get() -> Result<PathBuf, String> {
    if let Some(program) = find() {
        return Ok(program);
    }
    let missing = |why: &str| format!("tshark 4.6 is not here, and Debian's cannot be unpacked: {why}");
    if find_program(&["apt-get"]).is_none() || find_program(&["dpkg-deb"]).is_none() || !Path::new(KEYRING).is_file() {
        return Err(missing("this is no Debian"));
    }
    println!("unpacking tshark of Debian {SUITE}");
    unpack().map_err(|problem| missing(&problem))?;
    find().ok_or_else(|| missing("what was unpacked knows no DLMS"))
}

fn folder() -> PathBuf {
    target().join("tshark")
}

fn knows_dlms(program: &Path) -> bool {
    let protocols = quietly(Command::new(program).args(["-G", "protocols"]));
    protocols.is_ok_and(|protocols| protocols.lines().any(|line| line.contains("\tdlms\t")))
}

fn unpack() -> Result<(), String> {
    let folder = folder();
    let failed = |e: std::io::Error| format!("{}: {e}", folder.display());
    for part in ["lists/partial", "cache/archives/partial", "root"] {
        fs::create_dir_all(folder.join(part)).map_err(failed)?;
    }
    let sources = format!("deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE} main\n");
    fs::write(folder.join("sources.list"), sources).map_err(failed)?;
    // As if nothing at all were installed, so that the C library comes along.
    fs::write(folder.join("status"), "").map_err(failed)?;
    quietly(apt(&folder).arg("update"))?;
    quietly(apt(&folder).args(["install", "--download-only", "--yes", "--no-install-recommends", "tshark"]))?;
    let root = folder.join("root");
    for entry in fs::read_dir(folder.join("cache/archives")).map_err(failed)?.flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "deb") {
            quietly(Command::new("dpkg-deb").arg("-x").arg(entry.path()).arg(&root))?;
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    let script = folder.join("tshark");
    fs::write(&script, launcher(&root)?).map_err(failed)?;
    quietly(Command::new("chmod").arg("+x").arg(&script)).map(drop)
}

/// apt over lists, cache and state of its own.
fn apt(folder: &Path) -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    let own = |option: &str, file: &str| format!("{option}={}", folder.join(file).display());
    for option in [
        own("Dir::Etc::SourceList", "sources.list"),
        "Dir::Etc::SourceParts=/dev/null".to_owned(),
        own("Dir::State::Lists", "lists"),
        own("Dir::State::Status", "status"),
        own("Dir::Cache", "cache"),
        "APT::Sandbox::User=root".to_owned(),
        "Debug::NoLocking=1".to_owned(),
    ] {
        apt.args(["-o", &option]);
    }
    apt
}

/// A script that starts the program by the loader beside it.
fn launcher(root: &Path) -> Result<String, String> {
    let libraries = fs::read_dir(root.join("usr/lib")).map_err(|e| format!("{}: {e}", root.display()))?;
    let folders = libraries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    for folder in folders {
        let files = fs::read_dir(&folder).map_err(|e| e.to_string())?.flatten().map(|entry| entry.path());
        let is_loader =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux"));
        if let Some(loader) = files.into_iter().find(is_loader) {
            let [loader, folder, root] = [&loader, &folder, &root.to_path_buf()].map(|path| path.display().to_string());
            return Ok(format!(
                "#!/bin/sh\nexport WIRESHARK_DATA_DIR={root}/usr/share/wireshark WIRESHARK_PLUGIN_DIR={root}/none\n\
                 exec {loader} --library-path {folder} {root}/usr/bin/tshark \"$@\"\n"
            ));
        }
    }
    Err("no loader among what was unpacked".to_owned())
}
