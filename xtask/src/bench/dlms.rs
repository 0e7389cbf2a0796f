//! `cargo xtask bench dlms`: a month's profile decoded, beside its peers in the same run; a ciphered read; memory.
//!
//! Timed code stands beside what it times: `dcu/dlms/examples/profile_rows.rs` and `ciphered_get.rs`, and for the peers
//! `dcu/dlms/benches`. All decode the very same bytes. GuruxDLMS.c is in no registry that cargo, pip or apt reach: with
//! `--gurux-c DIR` (a checkout of it) it runs too, compiled with -O2; without, its figure is quoted and marked so.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Bar;
use crate::needs::DLMS_CLIENTS;
use crate::{process, python, workspace};

/// As measured for the issue that set the bars, M rows/s; shown only when it cannot be measured here.
const GURUX_C_QUOTED: f64 = 3.1;
/// At least 9 million rows a second.
const NS_A_ROW_MAX: f64 = 1e3 / 9.0;
const CIPHERED_US_MAX: f64 = 2.5;
const IDLE_BYTES_MAX: f64 = 2048.0;
/// AES and GHASH without the CPU's instructions for them.
const SOFT: &str = r#"--cfg aes_backend="soft" --cfg polyval_backend="soft""#;

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let gurux_c = match arguments {
        [] => None,
        ["--gurux-c", folder] => Some(PathBuf::from(folder)),
        other => return Err(format!("unknown arguments {}", other.join(" "))),
    };
    let python = python::environment(&DLMS_CLIENTS)?;
    let examples = build(&workspace::target(), None)?;
    let soft = build(&workspace::target().join("soft-aes"), Some(SOFT))?;
    let hex = process::quietly(Command::new(examples.join("profile_rows")).arg("--hex"))?;

    let ours = figures(&mut Command::new(examples.join("profile_rows")), "")?;
    let ours = number(&ours, "rows_per_s")?;
    let script = workspace::root().join("dcu/dlms/benches/decode_peers.py");
    let peers = figures(Command::new(python).args(["-W", "ignore"]).arg(script), &hex)?;
    let native = gurux_c.as_deref().map(build_gurux).transpose()?;
    let native = native.map(|program| figures(&mut Command::new(program), &hex)).transpose()?;

    println!("{:<34} {:>14} {:>10}", "720 rows decoded", "rows/s", "ours is");
    let line = |name: &str, rows_per_s: f64| println!("{name:<34} {rows_per_s:>14.0} {:>8.1} ×", ours / rows_per_s);
    println!("{:<34} {ours:>14.0}", "taa-dlms");
    match &native {
        Some(figures) => line("GuruxDLMS.c, -O2", number(figures, "rows_per_s")?),
        None => line("GuruxDLMS.c (quoted, not run)", GURUX_C_QUOTED * 1e6),
    }
    for name in ["dlms-cosem", "gurux-dlms"] {
        if peers[name]["rows"] != 720 {
            return Err(format!("{name} decoded something else: {}", peers[name]));
        }
        line(name, number(&peers[name], "rows_per_s")?);
    }

    let with_aes = figures(&mut Command::new(examples.join("ciphered_get")), "")?;
    let without = figures(&mut Command::new(soft.join("ciphered_get")), "")?;
    let (ciphered_us, soft_us) = (number(&with_aes, "ciphered_us")?, number(&without, "ciphered_us")?);
    let has_aes = with_aes["aes"].as_bool().unwrap_or(false);
    println!("\n{:<34} {:>14}", "one register read, both roles", "µs");
    println!("{:<34} {:>14.2}", "plain", number(&with_aes, "plain_us")?);
    println!("{:<34} {ciphered_us:>14.2}{}", "suite 0, AES-NI", if has_aes { "" } else { "  (this CPU has none)" });
    println!("{:<34} {soft_us:>14.2}", "suite 0, AES in software");
    let idle = number(&with_aes, "idle_ciphered_bytes")?;
    let others = (number(&with_aes, "idle_hdlc_bytes")?, number(&with_aes, "idle_plain_bytes")?);
    println!("\nidle client: {idle} bytes with its keys ({} over HDLC), {} with a password", others.0, others.1);

    let mut bars = vec![
        Bar { name: "ns_a_row", measured: 1e9 / ours, at_most: NS_A_ROW_MAX },
        Bar { name: "allocations_a_read", measured: number(&with_aes, "allocations")?, at_most: 0.0 },
        Bar { name: "idle_client_bytes", measured: idle, at_most: IDLE_BYTES_MAX },
    ];
    // The bar is one for CPUs with the instructions.
    if has_aes {
        bars.push(Bar { name: "ciphered_get_us", measured: ciphered_us, at_most: CIPHERED_US_MAX });
    }
    super::close("dlms", &bars)
}

/// Builds the examples; where they are.
fn build(target: &Path, rustflags: Option<&str>) -> Result<PathBuf, String> {
    let mut cargo = workspace::cargo();
    cargo.env("CARGO_TARGET_DIR", target);
    if let Some(flags) = rustflags {
        cargo.env("RUSTFLAGS", flags);
    }
    cargo.args(["build", "--quiet", "--release", "-p", "taa-dlms"]);
    process::must(cargo.args(["--example", "profile_rows", "--example", "ciphered_get"]))?;
    Ok(target.join("release/examples"))
}

fn build_gurux(folder: &Path) -> Result<PathBuf, String> {
    let development = folder.join("development");
    let program = workspace::target().join("decode-gurux");
    let listed = std::fs::read_dir(development.join("src"));
    let mut sources: Vec<PathBuf> = listed
        .map_err(|e| format!("{} is no checkout of GuruxDLMS.c: {e}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    sources.sort();
    let mut cc = Command::new("cc");
    // Without what decoding never reaches: a server built on it would have to bring some functions.
    cc.args(["-O2", "-w", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-I"])
        .arg(development.join("include"));
    cc.arg(workspace::root().join("dcu/dlms/benches/decode_gurux.c")).args(sources).arg("-lm").arg("-o").arg(&program);
    process::must(&mut cc)?;
    Ok(program)
}

/// The JSON in the last line that the program prints.
fn figures(command: &mut Command, input: &str) -> Result<Value, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|e| format!("cannot run {name}: {e}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(|e| e.to_string())?;
    }
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    if !output.status.success() {
        return Err(format!("{name} failed: {}", output.status));
    }
    serde_json::from_str(line).map_err(|e| format!("no figures in `{line}`: {e}"))
}

fn number(figures: &Value, key: &str) -> Result<f64, String> {
    figures[key].as_f64().ok_or_else(|| format!("no {key} in {figures}"))
}
