//! What the fuzzer found worth keeping, replayed: every target over its committed corpus (`tests/corpus/fuzz`), under the
//! same bounds of memory. `cargo xtask fuzz` goes on from there.
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]
#![allow(unreachable_pub, reason = "shared with the fuzzer")]

#[path = "../fuzz/src/memory.rs"]
mod memory;
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::path::{Path, PathBuf};

use targets::{ALL, Plan, Target};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/fuzz")
}

/// The inputs of one target; lines that begin with `#` say why the next one is there.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.hex"))).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap()).collect())
        .collect()
}

#[test]
fn every_target_stands_its_corpus() {
    for target in &ALL {
        let inputs = corpus(target.name);
        assert!(inputs.len() >= 20, "{}: {} inputs", target.name, inputs.len());
        for input in &inputs {
            target.check(input);
        }
    }
    let files = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(files, ALL.len(), "a corpus without a target");
}

/// Every target over the inputs of all others, and over each cut short: cheap strangers.
#[test]
fn every_target_stands_what_is_meant_for_others() {
    for target in &ALL {
        for other in &ALL {
            for input in corpus(other.name).iter().step_by(7) {
                target.check(input);
                target.check(&input[..input.len() / 2]);
            }
        }
    }
}

/// Four gigabytes announced at each place of a short frame: what is held stays what so short an input accounts for.
#[test]
fn announced_lengths_reserve_nothing() {
    for target in &ALL {
        for input in corpus(target.name).iter().filter(|input| input.len() < 64) {
            for at in 0..input.len() {
                let announced = [&input[..at], &[0x84, 0xFF, 0xFF, 0xFF, 0xFF], &input[at..]].concat();
                target.check(&announced);
            }
        }
    }
}

/// The sabotage: a decoder that believes a length, and one that falls over, are both caught.
#[test]
fn sabotage_a_target_that_reserves_or_falls_over_is_caught() {
    fn believes(data: &[u8]) {
        let length = data.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
        assert_eq!(Vec::<u8>::with_capacity(length).len(), 0);
    }
    fn falls_over(data: &[u8]) {
        let mut plan = Plan::new(data);
        assert!(plan.byte() != Some(7), "seven");
    }
    let caught = |run, input: &[u8]| {
        let target = Target { name: "sabotage", run, bytes_fixed: 1024, bytes_per_byte: 40 };
        let input = input.to_vec();
        std::panic::catch_unwind(move || target.check(&input)).is_err()
    };
    assert!(!caught(believes, &[0, 0, 1, 0]) && caught(believes, &[0, 1, 0, 0]));
    assert!(!caught(falls_over, &[6]) && caught(falls_over, &[7]));
}
