//! `cargo xtask bench tokens [SECONDS] [--sts-peer PROGRAM]`: STS and OpenPAYGO tokens a second on one core, beside
//! openpaygo from PyPI and an STS implementation of your choice in the same run.
//!
//! Ours are the rows of `dcu/tokens/examples/throughput.rs`: every token under another key, made ready anew each time, down
//! to its 20 digits of text. Judged is processor time, on both sides, so that other work on the machine does not decide;
//! the wall clock is printed beside it. SECONDS is the time a row (1).
//!
//! No STS implementation is in a package registry; those in public repositories have other licences, and some carry tables
//! that are not theirs to give. So none is fetched here: PROGRAM is a few lines around one that you have. It is run as
//! `PROGRAM SECONDS`, and
//!
//! - reads cases of energy credit from its input, `ea07|ea11 KEY MINUTES RANDOM TENTHS` a line (decoder key in hexadecimal,
//!   most significant byte first; minutes since 2014; tenths of a kilowatt-hour; EA07 with the sample tables), until it ends,
//! - answers each with its token, or with `-` where it makes none,
//! - prints its rates as ours does: `ea07_one_by_one WALL PROCESSOR`, `ea11_one_by_one WALL PROCESSOR`, tokens a second.
//!
//! Another token than ours for any case fails the bench. Without a peer its rows are missing, and said so.

use std::io::Write;
use std::process::{Command, Stdio};

use super::Bar;
use crate::{process, python, workspace};

const OPENPAYGO: &str = "openpaygo==0.6.3";

/// Nanoseconds a token, at most: 1 million, 300 thousand, 1 million a second.
const BARS: [(&str, &str, f64); 3] = [
    ("EA07, ns", "ea07_one_by_one", 1_000.0),
    ("EA11, ns", "ea11_one_by_one", 3_333.0),
    ("EA11 in batches, ns", "ea11_batch", 1_000.0),
];

/// Ours may take at most this part of the Python library's time.
const AT_MOST: f64 = 0.01;

/// Tokens a second of processor time, at count 1000.
const SCRIPT: &str = r#"
import sys, time
from openpaygo import generate_token
seconds, done = float(sys.argv[1]), 0
start = time.process_time()
while time.process_time() - start < seconds:
    generate_token(secret_key="%032x" % (done * 0x9e3779b9 + 1), count=998, value=7)
    done += 1
print(done / (time.process_time() - start))
"#;

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let (arguments, peer) = match arguments {
        [others @ .., "--sts-peer", program] => (others, Some(*program)),
        _ => (arguments, None),
    };
    let seconds = match arguments {
        [] => "1",
        [seconds] if seconds.parse::<f64>().is_ok() => seconds,
        _ => return Err(format!("unknown arguments {}", arguments.join(" "))),
    };
    let python = python::environment(&[OPENPAYGO])?;
    let mut cargo = workspace::cargo();
    process::must(cargo.args(["build", "--quiet", "--release", "-p", "taa-tokens", "--example", "throughput"]))?;
    let ours = workspace::target().join("release/examples/throughput");
    let cases = process::quietly(Command::new(&ours).arg("--cases"))?;
    let ours = process::quietly(Command::new(ours).arg(seconds))?;
    let peer = peer.map(|program| sts_peer(program, seconds, &cases)).transpose()?;
    let theirs = process::quietly(Command::new(python).args(["-c", SCRIPT, seconds]))?;
    let theirs: f64 = theirs.trim().parse().map_err(|e| format!("no figure in `{}`: {e}", theirs.trim()))?;

    println!("{:<22} {:>16} {:>20}", "tokens a second", "wall clock", "processor time");
    let mut rows = Vec::new();
    for line in ours.lines() {
        let row = row(line).ok_or_else(|| format!("no figures in `{line}`"))?;
        println!("{:<22} {:>16.0} {:>20.0}", row.0, row.1, row.2);
        rows.push(row);
    }
    println!("{:<22} {:>16} {theirs:>20.0}", OPENPAYGO, "");
    let rate = |name: &str| {
        let row = rows.iter().find(|(row, ..)| *row == name);
        row.map(|(.., rate)| *rate).filter(|rate| *rate > 0.0).ok_or_else(|| format!("no processor time for {name}"))
    };
    match &peer {
        None => println!("no STS peer was run: --sts-peer PROGRAM names one"),
        Some(peer) => {
            for (name, wall, cpu) in &peer.rows {
                let ratio = rate(name)? / cpu;
                println!("{:<22} {wall:>16.0} {cpu:>20.0}   ours is {ratio:.0} times as fast", format!("peer {name}"));
            }
            println!("{} of {} tokens made by the peer too, all equal", peer.equal, peer.asked);
        }
    }
    let mut bars = Vec::new();
    for (name, row, at_most) in BARS {
        bars.push(Bar { name, measured: 1e9 / rate(row)?, at_most });
    }
    bars.push(Bar { name: "OpenPAYGO over Python", measured: theirs / rate("openpaygo_1000")?, at_most: AT_MOST });
    super::close("tokens", &bars)
}

/// What an STS implementation other than ours has made of the same cases, and how fast it is.
#[derive(Debug, PartialEq)]
struct Peer {
    asked: usize,
    equal: usize,
    rows: Vec<(String, f64, f64)>,
}

fn sts_peer(program: &str, seconds: &str, cases: &str) -> Result<Peer, String> {
    let mut peer = Command::new(program);
    let spawned = peer.arg(seconds).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|e| format!("cannot run {program}: {e}"))?;
    let questions: String =
        cases.lines().filter_map(|case| case.rsplit_once(' ')).map(|(ask, _)| format!("{ask}\n")).collect();
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(questions.as_bytes()).map_err(|e| format!("{program} does not read its cases: {e}"))?;
    }
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(format!("{program} failed: {}", output.status));
    }
    judge(cases, &String::from_utf8_lossy(&output.stdout))
}

/// Every answer beside its case, then the rates.
fn judge(cases: &str, answers: &str) -> Result<Peer, String> {
    let mut lines = answers.lines();
    let (mut asked, mut equal) = (0, 0);
    for case in cases.lines() {
        let (ask, token) = case.rsplit_once(' ').ok_or_else(|| format!("no case: `{case}`"))?;
        asked += 1;
        match lines.next().map(str::trim) {
            Some("-") => {}
            Some(answer) if answer == token => equal += 1,
            Some(answer) => return Err(format!("`{ask}`: the peer makes {answer}, ours is {token}")),
            None => return Err(format!("the peer has no answer to `{ask}`")),
        }
    }
    if equal == 0 {
        return Err("the peer has made no token at all".to_owned());
    }
    let rows = lines.filter_map(row).map(|(name, wall, cpu)| (name.to_owned(), wall, cpu)).collect::<Vec<_>>();
    if rows.is_empty() { Err("the peer tells no rates".to_owned()) } else { Ok(Peer { asked, equal, rows }) }
}

/// Name, and tokens a second by the wall clock and by processor time.
fn row(line: &str) -> Option<(&str, f64, f64)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_believed_only_where_its_tokens_are_ours() {
        let cases = "ea07 00 1 2 3 111\nea11 00 1 2 3 222\n";
        let peer = judge(cases, "111\n-\nea07_one_by_one 10 20\n").expect("one equal, one not made");
        assert_eq!((peer.asked, peer.equal), (2, 1));
        assert_eq!(peer.rows, [("ea07_one_by_one".to_owned(), 10.0, 20.0)]);
        for wrong in ["111\n223\nea07 1 2\n", "111\n", "-\n-\nea07 1 2\n", "111\n222\n"] {
            assert!(judge(cases, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_row_has_a_name_and_two_figures() {
        assert_eq!(row("ea07 10 20"), Some(("ea07", 10.0, 20.0)));
        assert_eq!(row("ea07 10"), None);
    }
}
