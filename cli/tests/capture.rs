//! `taa run --capture` as a person uses it: the file opens in tshark and nothing in it is malformed.

use std::{path::Path, process::Command};

#[test]
fn a_run_leaves_a_capture_that_tshark_reads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("cli has a parent");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("capture");
    std::fs::create_dir_all(&out).expect("a folder");
    let file = out.join("mesh.pcapng");
    let done = Command::new(env!("CARGO_BIN_EXE_taa"))
        .args(["run", "scenarios/villages/jija", "--days", "1", "--quiet", "--no-remedies", "--record", "off"])
        .args(["--architecture", "edge_local"])
        .arg("--capture")
        .arg(&file)
        .arg("--out")
        .arg(out.join("run"))
        .current_dir(root)
        .output()
        .expect("taa starts");
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let program = std::env::var_os("TAA_TSHARK").unwrap_or_else(|| "tshark".into());
    let read = |arguments: &[&str]| {
        let ran = Command::new(&program).arg("-r").arg(&file).args(arguments).output().ok()?;
        assert!(ran.status.success(), "tshark: {}", String::from_utf8_lossy(&ran.stderr));
        Some(String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let Some(first) = read(&["-c", "20000", "-T", "fields", "-e", "_ws.malformed", "-e", "wpan.fcs_ok"]) else {
        eprintln!("tshark is not installed: not checked");
        return;
    };
    assert_eq!(first.lines().count(), 20_000);
    assert_eq!(first.lines().find(|line| *line != "\t1"), None);
    std::fs::remove_dir_all(&out).expect("can be removed");
}
