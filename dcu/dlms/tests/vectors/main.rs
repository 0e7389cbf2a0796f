//! The validation cases of family `dlms`, made by running outside implementations (see the `source` of each).
//!
//! One trial per case, named `dlms::<file>::<id>`. `TAA_VECTORS` points at another root of the same layout. Cases of a
//! kind that this crate does not do yet appear as ignored, with what they wait for in brackets.

mod axdr;
mod links;
mod messages;
mod protected;
mod secured;
mod transcript;

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value as Json;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match trials() {
        Ok(trials) if trials.is_empty() => {
            eprintln!("no validation case found under {}", root().display());
            return ExitCode::FAILURE;
        }
        Ok(trials) => trials,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn root() -> PathBuf {
    let root = std::env::var_os("TAA_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors")), PathBuf::from);
    root.join("dlms")
}

fn trials() -> Result<Vec<Trial>, String> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root())
        .map_err(|error| format!("{}: {error}", root().display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let mut trials = Vec::new();
    for path in files {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file: Json = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let cases = file["vectors"].as_array().ok_or_else(|| format!("{}: no list `vectors`", path.display()))?;
        for case in cases {
            let name = format!("dlms::{stem}::{}", case["id"].as_str().unwrap_or("unnamed"));
            let case = case.clone();
            trials.push(match waits_for(&case) {
                Some(reason) => Trial::test(name, || Err("ran although not covered".into()))
                    .with_kind(reason)
                    .with_ignored_flag(true),
                None => Trial::test(name, move || run(&case)),
            });
        }
    }
    Ok(trials)
}

/// What a case needs that is not here yet.
fn waits_for(case: &Json) -> Option<&'static str> {
    let text = |field: &str| case[field].as_str().unwrap_or("");
    match text("kind") {
        "axdr" | "wrapper_frame" | "hdlc_frame" | "iec_mode_e" => None,
        "apdu" => None,
        "data_notification" => None,
        "transcript" => None,
        "ciphered_apdu" | "ecdsa_verify" => None,
        kind if kind.starts_with("hls_") => None,
        _ => Some("unknown kind"),
    }
}

fn run(case: &Json) -> Result<(), Failed> {
    match case["kind"].as_str() {
        Some("axdr") => axdr::run(case),
        Some("apdu") => messages::apdu(case),
        Some("ciphered_apdu") => protected::message(case),
        Some("data_notification") if case["ciphered"] == true => protected::notification(case),
        Some("ecdsa_verify") => protected::signature(case),
        Some(kind) if kind.starts_with("hls_") => protected::proof(case),
        Some("transcript") if secured::applies(case) => secured::run(case),
        Some("wrapper_frame" | "data_notification") => messages::frame(case),
        Some("hdlc_frame") => links::frame(case),
        Some("iec_mode_e") => links::opening(case),
        Some("transcript") => transcript::run(case),
        other => Err(format!("no runner for {other:?}").into()),
    }
}

fn hex(text: &str) -> Result<Vec<u8>, Failed> {
    if !text.len().is_multiple_of(2) {
        return Err("odd number of hex digits".into());
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| Failed::from("not hex")))
        .collect()
}

fn field<'a>(case: &'a Json, name: &str) -> Result<&'a str, Failed> {
    case[name].as_str().ok_or_else(|| format!("no field {name}").into())
}

fn same(what: &str, got: &[u8], expected: &[u8]) -> Result<(), Failed> {
    if got == expected {
        return Ok(());
    }
    let show = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Err(format!("{what}\n     got {}\nexpected {}", show(got), show(expected)).into())
}
