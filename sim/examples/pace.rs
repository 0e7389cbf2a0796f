//! What a month of a village costs: `cargo run -p taa-sim --example pace`.
//!
//! Jija for 30 days under all four architectures on one thread; seconds of this process's CPU, read from the system.

use std::{path::Path, sync::atomic::AtomicBool};

use taa_dcu::config::Traits;
use taa_scenarios::{Overrides, load};
use taa_sim::run::{RunOptions, run};

fn user_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(11)?.parse::<f64>().ok());
    ticks.unwrap_or(f64::NAN) / 100.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/villages/jija");
    let mut scenario =
        load(&folder, &Overrides { days: Some(30), ..Overrides::default() }).map_err(|_| "not loaded")?;
    let all: Vec<_> = Traits::BUNDLES.iter().map(|(name, traits)| ((*name).to_owned(), *traits)).collect();
    for (name, traits) in all {
        scenario.run.architectures = vec![(name.clone(), traits)];
        let before_s = user_s();
        let stop = AtomicBool::new(false);
        let result = run(&scenario, &RunOptions { threads: 1, stop: &stop, progress: &|_, _| {} })?;
        println!("{name:12} {:6.2} s of CPU, {} events, {:?}", user_s() - before_s, result.events, result.digest);
    }
    Ok(())
}
