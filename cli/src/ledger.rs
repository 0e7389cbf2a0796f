//! The ledgers of a run, as files that `taa audit` reads: `<out>/ledger/<architecture>/…`.
//!
//! They are signed with a key that follows from the run: it shows how an audit goes, and says nothing about who ran it.

use std::{fs, path::Path};

use taa_keys::{Ed25519Private, hash::sha256};
use taa_ledger::{
    Log, Stamp,
    note::{Kind, Signer},
};
use taa_scenarios::model::Scenario;
use taa_sim::result::{ArchResult, RunResult};

use crate::Failure;

/// The folder in the output folder.
const FOLDER: &str = "ledger";

/// Writes the ledger of each architecture that kept one. What an earlier run left there goes first.
pub(crate) fn write(out: &Path, scenario: &Scenario, result: &RunResult) -> Result<(), Failure> {
    let folder = out.join(FOLDER);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(own("remove", &folder, &error)),
        _ => {}
    }
    for architecture in result.architectures.iter().filter(|a| !a.records.ledger.is_empty()) {
        one(&folder.join(&architecture.name), scenario, result.seed, architecture)?;
    }
    Ok(())
}

fn one(folder: &Path, scenario: &Scenario, seed: u64, architecture: &ArchResult) -> Result<(), Failure> {
    let name: String = scenario.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let origin = format!("simulation.invalid/{name}/{seed}/{}", architecture.name);
    let key = Ed25519Private::from_seed(&sha256(&[b"taa simulated ledger", origin.as_bytes()]));
    let failed = |what: &str| Failure::Own(format!("the ledger of {}: {what}", architecture.name));
    let signer = Signer::new(&origin, Kind::Ed25519, key).map_err(|error| failed(&error.to_string()))?;
    let mut log = Log::new(&origin);
    let entries = &architecture.records.ledger;
    // What somebody else would have kept: the promise of half the time.
    let half = entries.len() / 2;
    for (index, entry) in entries.iter().enumerate() {
        if index == half && half > 0 {
            let kept = log.checkpoint().sign(&[&signer], 0).map_err(|error| failed(&error.to_string()))?;
            put(&folder.join("kept").join("checkpoint"), kept.as_bytes())?;
        }
        log.append(entry).map_err(|error| failed(&error.to_string()))?;
        for (place, content) in log.take_full() {
            put(&folder.join(place.to_string()), &content)?;
        }
    }
    put(&folder.join("verifier"), format!("{}\n", signer.verifier().to_text()).as_bytes())?;
    for (place, content) in log.publish(&[&signer], 0).map_err(|error| failed(&error.to_string()))? {
        put(&folder.join(place.to_string()), &content)?;
    }
    Ok(())
}

/// Writes a file and the folders above it.
pub(crate) fn put(path: &Path, content: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| own("make", folder, &error))?;
    }
    fs::write(path, content).map_err(|error| own("write", path, &error))
}

fn own(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Own(format!("cannot {what} {}: {error}", path.display()))
}

/// A moment as people write it.
pub(crate) fn time(unix_ms: i64) -> String {
    Stamp { boot: 0, uptime_ms: 0, wall_ms: Some(unix_ms) }.to_rfc3339().unwrap_or_else(|| unix_ms.to_string())
}
