//! Running other programs.

use std::io::{BufRead, BufReader};
use std::process::Command;

/// Runs a program that must succeed; its output goes where ours goes.
pub(crate) fn must(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("cannot run {}: {e}", name(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed: {status}", line(command))) }
}

/// Runs a program that must succeed, in silence; what it printed is shown only when it fails.
pub(crate) fn quietly(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("cannot run {}: {e}", name(command)))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {}\n{}{}", line(command), output.status, text, errors))
}

/// Runs a program and hands over every line of its standard output and error, in the order they were written; answers
/// whether it succeeded.
pub(crate) fn by_line(command: &mut Command, mut each: impl FnMut(&str)) -> Result<bool, String> {
    let program = name(command);
    let failed = |e: std::io::Error| format!("cannot run {program}: {e}");
    let (reader, writer) = std::io::pipe().map_err(failed)?;
    command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    let mut child = command.spawn().map_err(failed)?;
    // The command keeps its ends of the pipe open; the last line comes only when all are closed.
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).map_err(failed)? > 0 {
        each(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']));
        bytes.clear();
    }
    Ok(child.wait().map_err(failed)?.success())
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn line(command: &Command) -> String {
    let words = command.get_args().map(|a| a.to_string_lossy());
    std::iter::once(command.get_program().to_string_lossy()).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_order_from_both_streams_and_end() {
        let mut lines = Vec::new();
        let done = by_line(Command::new("sh").args(["-c", "echo a; echo b >&2; printf c; exit 3"]), |line| {
            lines.push(line.to_owned());
        });
        assert_eq!(done, Ok(false));
        assert_eq!(lines, ["a", "b", "c"]);
    }

    #[test]
    fn a_failure_tells_what_was_run_and_what_it_said() {
        let problem = quietly(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 1"])).expect_err("exits 1");
        assert!(problem.contains("sh -c") && problem.contains("out") && problem.contains("err"), "{problem}");
    }
}
