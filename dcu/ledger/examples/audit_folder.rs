//! Checks a log in a folder, as a shell would:
//! `cargo run -p taa-ledger --example audit_folder -- FOLDER VERIFIER_KEY [OLDER_CHECKPOINT …]`.
//!
//! Without arguments it makes a log of 1000 entries, alters one, and checks that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use taa_keys::Ed25519Private;
use taa_ledger::note::{Kind, Signer, Verifier};
use taa_ledger::{Audit, Log, Record, Stamp, Verdict};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verdict = match arguments.as_slice() {
        [] => altered_log(),
        [folder, key, older @ ..] => {
            let older: Result<Vec<Vec<u8>>, _> = older.iter().map(fs::read).collect();
            older.map_err(|error| error.to_string()).and_then(|older| check(Path::new(folder), key, &older))
        }
        [_] => Err("a verifier key is needed: only it says whose log this is".to_owned()),
    };
    match verdict {
        Ok(verdict) => {
            println!("{verdict}");
            if verdict.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

fn check(folder: &Path, key: &str, older: &[Vec<u8>]) -> Result<Verdict, String> {
    let known = [Verifier::from_text(key).map_err(|error| error.to_string())?];
    let older: Vec<&[u8]> = older.iter().map(Vec::as_slice).collect();
    let checkpoint = fs::read(folder.join("checkpoint")).map_err(|error| format!("checkpoint: {error}"))?;
    let mut audit = Audit::new(&checkpoint, &known, &older).map_err(|error| error.to_string())?;
    while let Some(place) = audit.wanted() {
        match fs::read(folder.join(place.to_string())) {
            Ok(content) => audit.handle_file(Some(&content)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => audit.handle_file(None),
            // A file that cannot be read is no evidence that it is missing.
            Err(error) => return Err(format!("{place}: {error}")),
        }
    }
    Ok(audit.verdict())
}

fn altered_log() -> Result<Verdict, String> {
    let folder: PathBuf = std::env::temp_dir().join(format!("taa-ledger-{}", std::process::id()));
    let signer = Signer::new("example/log", Kind::Ed25519, Ed25519Private::from_seed(&[1; 32]));
    let signer = signer.map_err(|error| error.to_string())?;
    let mut log = Log::new("example/log");
    for index in 0..1000 {
        log.append(&record(index).to_bytes().map_err(|error| error.to_string())?).map_err(|error| error.to_string())?;
    }
    for (place, mut content) in log.publish(&[&signer], 0).map_err(|error| error.to_string())? {
        if place.to_string() == "tile/entries/001" {
            let at = content.iter().position(|byte| *byte == b'9').unwrap_or(0);
            content[at] = b'1';
        }
        let path = folder.join(place.to_string());
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(|error| error.to_string())?;
        fs::write(path, content).map_err(|error| error.to_string())?;
    }
    let verdict = check(&folder, &signer.verifier().to_text(), &[]);
    fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    verdict
}

fn record(index: i64) -> Record {
    Record {
        v: 1,
        at: Stamp { boot: 1, uptime_ms: 0, wall_ms: None },
        what: "energy.charged".into(),
        rule: "tariff/a#energy".into(),
        account: None,
        meter: Some(format!("M-{index}")),
        amount: None,
        energy_wh: Some(index),
        reference: None,
        details: std::collections::BTreeMap::new(),
    }
}
