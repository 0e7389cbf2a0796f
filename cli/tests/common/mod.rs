//! The program as it is called, from the folder that holds the villages.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output, Stdio},
    time::Duration,
};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("cli has a parent").to_owned()
}

pub(crate) fn taa(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_taa")).args(arguments).current_dir(root()).output().expect("taa starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What becomes of a command when somebody presses Ctrl-C after three seconds; and again a minute later, where it had not begun
/// to listen by then, on a busy machine.
#[allow(dead_code, reason = "not every file of tests interrupts")]
#[expect(clippy::disallowed_methods, reason = "a person waits before pressing Ctrl-C")]
pub(crate) fn interrupted(command: &mut Command) -> ExitStatus {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("taa starts");
    std::thread::sleep(Duration::from_secs(3));
    loop {
        let pressed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
        assert!(pressed.success());
        for _ in 0..600 {
            if let Some(status) = child.try_wait().expect("ends") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
