//! PHOLD on taa's kernel, a plain binary heap, nexosim and SimPy.
//!
//! ```text
//!   100 000 tokens ── each waits an exponential time (mean 1 s) ──▶ at a node drawn from 1000 ── and again
//! ```
//!
//! Every engine runs the same ten simulated seconds, about a million events, from the same start with the same draws
//! (SimPy: same distributions, Python's own generator, which is written in C). Setting up is not measured. Repetitions
//! are interleaved, so that a noisy neighbour hits all engines alike; a ratio is the median of the ratios within the
//! repetitions. The three Rust engines must end with the same state of every node, or the bench fails: nobody wins by
//! doing less.
//!
//! `bench-kernel [--repetitions N] [--simpy PYTHON]`; `cargo xtask bench kernel` builds it and finds Python.
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

mod heap;
mod nexo;
mod phold;
mod simpy;
mod taa;

use std::process::ExitCode;

use phold::Measured;

/// An engine's ratio to another's, and what it must be.
struct Bar {
    name: &'static str,
    ratio: f64,
    bar: f64,
    at_most: bool,
}

impl Bar {
    fn met(&self) -> bool {
        if self.at_most { self.ratio <= self.bar } else { self.ratio >= self.bar }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("bench kernel: {problem}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, String> {
    let (repetitions, python) = arguments()?;
    let [mut taa, mut heap, mut nexo, mut simpy] = [(); 4].map(|()| Vec::new());
    for repetition in 0..repetitions {
        // Who goes first alternates too.
        if repetition % 2 == 0 {
            heap.push(heap::run());
            taa.push(taa::run());
        } else {
            taa.push(taa::run());
            heap.push(heap::run());
        }
        nexo.push(nexo::run()?);
        simpy.push(simpy::run(&python)?);
    }
    for (taa, (heap, nexo)) in taa.iter().zip(heap.iter().zip(&nexo)) {
        if taa.same_work() != heap.same_work() || taa.same_work() != nexo.same_work() {
            return Err(format!("engines disagree: taa {taa:?}, heap {heap:?}, nexosim {nexo:?}"));
        }
    }
    let bars = [
        Bar { name: "taa_to_heap", ratio: ratio(&taa, &heap), bar: 1.4, at_most: true },
        Bar { name: "nexosim_to_taa", ratio: ratio(&nexo, &taa), bar: 9.0, at_most: false },
        Bar { name: "simpy_to_taa", ratio: ratio(&simpy, &taa), bar: 30.0, at_most: false },
    ];
    println!(
        "PHOLD: {} nodes, {} pending, {} simulated seconds; median of {repetitions} interleaved repetitions, one thread",
        phold::NODES,
        phold::PENDING,
        phold::UNTIL_NS / 1_000_000_000
    );
    println!("{:<34} {:>10} {:>12} {:>12}", "engine", "events", "ns/event", "events/s");
    let rows = [
        ("BinaryHeap + Vec", &heap),
        ("taa kernel + bevy_ecs, digest on", &taa),
        ("nexosim 1, one thread", &nexo),
        ("SimPy", &simpy),
    ];
    for (name, runs) in rows {
        let ns = median(runs.iter().map(Measured::ns_per_event));
        println!("{name:<34} {:>10} {ns:>12.1} {:>12.0}", runs.last().map_or(0, |m| m.events), 1e9 / ns);
    }
    println!("\n{:<34} {:>10} {:>12}", "ratio", "measured", "bar");
    for bar in &bars {
        let (sign, verdict) = (if bar.at_most { "≤" } else { "≥" }, if bar.met() { "" } else { "  missed" });
        println!("{:<34} {:>10.2} {:>12}{verdict}", bar.name, bar.ratio, format!("{sign} {}", bar.bar));
    }
    let pass = bars.iter().all(Bar::met);
    let list = |value: fn(&Bar) -> f64| {
        bars.iter().map(|b| format!("\"{}\":{:.3}", b.name, value(b))).collect::<Vec<_>>().join(",")
    };
    println!(
        "{{\"bench\":\"kernel\",\"ratios\":{{{}}},\"bars\":{{{}}},\"pass\":{pass}}}",
        list(|b| b.ratio),
        list(|b| b.bar)
    );
    Ok(pass)
}

fn arguments() -> Result<(usize, String), String> {
    let (mut repetitions, mut python) = (7, "python3".to_owned());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--repetitions" => repetitions = value.parse().map_err(|_| format!("{value} is not a number"))?,
            "--simpy" => python = value,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    if repetitions == 0 { Err("no repetition, no median".to_owned()) } else { Ok((repetitions, python)) }
}

fn ratio(one: &[Measured], other: &[Measured]) -> f64 {
    median(one.iter().zip(other).map(|(a, b)| a.ns_per_event() / b.ns_per_event()))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
