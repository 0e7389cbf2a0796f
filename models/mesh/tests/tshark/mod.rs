//! Captures in the eyes of an outsider.

use std::process::Command;

/// Runs `tshark` over a capture and gives its fields, a line a frame, `1` where one is true; none when it is not installed.
/// `TAA_TSHARK` names the program; `cargo xtask test` brings one.
pub(crate) fn tshark(name: &str, capture: &[u8], arguments: &[&str]) -> Option<Vec<String>> {
    let file = std::env::temp_dir().join(format!("taa-{name}-{}.pcapng", std::process::id()));
    std::fs::write(&file, capture).unwrap();
    let program = std::env::var_os("TAA_TSHARK").unwrap_or_else(|| "tshark".into());
    let ran = Command::new(program).arg("-r").arg(&file).args(arguments).output();
    std::fs::remove_file(&file).unwrap();
    match ran {
        Ok(ran) => {
            assert!(ran.status.success(), "tshark: {}", String::from_utf8_lossy(&ran.stderr));
            Some(String::from_utf8_lossy(&ran.stdout).lines().map(in_digits).collect())
        }
        Err(_) => {
            eprintln!("tshark is not installed: not checked");
            None
        }
    }
}

/// Wireshark since 4.2 writes `True` and `False`.
fn in_digits(line: &str) -> String {
    let digit = |field| match field {
        "True" => "1",
        "False" => "0",
        other => other,
    };
    line.split('\t').map(digit).collect::<Vec<_>>().join("\t")
}
