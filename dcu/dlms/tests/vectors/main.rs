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

use std::process::ExitCode;

pub(crate) use taa_vectors::{Failed, Json, Trial, field, hex};

fn main() -> ExitCode {
    let folder = taa_vectors::folder(env!("CARGO_MANIFEST_DIR"), "dlms");
    taa_vectors::run(|| taa_vectors::trials(&folder, &mut |stem, file, trials| of_file(stem, &file, trials)))
}

fn of_file(stem: &str, file: &Json, trials: &mut Vec<Trial>) -> Result<(), String> {
    for case in file["vectors"].as_array().ok_or("no list `vectors`")?.clone() {
        let name = format!("dlms::{stem}::{}", case["id"].as_str().unwrap_or("unnamed"));
        trials.push(match waits_for(&case) {
            Some(reason) => taa_vectors::ignored(name, reason),
            None => Trial::test(name, move || run(&case)),
        });
    }
    Ok(())
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

fn same(what: &str, got: &[u8], expected: &[u8]) -> Result<(), Failed> {
    if got == expected {
        return Ok(());
    }
    let show = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Err(format!("{what}\n     got {}\nexpected {}", show(got), show(expected)).into())
}
