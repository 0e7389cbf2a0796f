//! `cargo xtask bench store [--days N]`: what the journal costs the flash, and how long a DCU needs to come back.
//!
//! The first are counts, the same on every machine; the second is the best of three on this one, after so many days (365).

use super::Bar;
use crate::{process, workspace};

/// Of what an architect would write first: one row a commit. As a share, so that less is better.
const FLASH_SHARE_MAX: f64 = 1.0 / 50.0;
/// A DCU with 1000 meters and a year of journal.
const RECOVERY_S_MAX: f64 = 2.0;

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let days = match arguments {
        [] => "365",
        ["--days", days] if days.parse::<u32>().is_ok() => days,
        _ => return Err("there is --days N".to_owned()),
    };
    let flash = example("flash_budget", &[])?;
    let recovery = example("recovery", &[days])?;
    let share = |name: &str| figure(&flash, name).map(|times| 1.0 / times);
    let bars = [
        Bar { name: "flash_share", measured: share("readings_flash_times")?, at_most: FLASH_SHARE_MAX },
        Bar { name: "bytes_share", measured: share("readings_bytes_times")?, at_most: FLASH_SHARE_MAX },
        Bar { name: "recovery_s", measured: figure(&recovery, "recovery_s")?, at_most: RECOVERY_S_MAX },
    ];
    super::close("store", &bars)
}

/// Runs an example of the store and shows what it says. One that misses its bar has said its figures as well.
fn example(name: &str, arguments: &[&str]) -> Result<String, String> {
    let mut cargo = workspace::cargo();
    cargo.args(["run", "--quiet", "-p", "taa-store", "--example", name, "--"]).args(arguments);
    let text = process::quietly(&mut cargo)?;
    println!("{text}");
    Ok(text)
}

/// The number behind `figure NAME`.
fn figure(text: &str, name: &str) -> Result<f64, String> {
    let mut lines =
        text.lines().filter_map(|line| line.strip_prefix("figure ")?.strip_prefix(name)?.trim().parse().ok());
    lines.next().ok_or_else(|| format!("no figure {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_by_name() {
        let text = "a line\nfigure recovery_s 0.571\nfigure recovery_file_mib 52.0\n";
        assert_eq!(figure(text, "recovery_s"), Ok(0.571));
        assert!(figure(text, "recovery").is_err() && figure(text, "flash").is_err());
        assert!(run(&["--weeks", "3"]).is_err_and(|problem| problem.contains("--days")));
    }
}
