//! Captures in the eyes of an outsider.

use std::process::Command;

/// Runs `tshark` over a capture and gives its fields, a line a frame; none when it is not installed.
pub(crate) fn tshark(name: &str, capture: &[u8], arguments: &[&str]) -> Option<Vec<String>> {
    let file = std::env::temp_dir().join(format!("taa-{name}-{}.pcapng", std::process::id()));
    std::fs::write(&file, capture).unwrap();
    let ran = Command::new("tshark").arg("-r").arg(&file).args(arguments).output();
    std::fs::remove_file(&file).unwrap();
    match ran {
        Ok(ran) => {
            assert!(ran.status.success(), "tshark: {}", String::from_utf8_lossy(&ran.stderr));
            Some(String::from_utf8_lossy(&ran.stdout).lines().map(str::to_owned).collect())
        }
        Err(_) => {
            eprintln!("tshark is not installed: not checked");
            None
        }
    }
}
