//! A village for tests: the first customers of a bundled one, with all its real parts.

use std::path::{Path, PathBuf};

use taa_scenarios::{Overrides, model::Scenario};

use crate::place::first_connections;

pub(crate) fn jija() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/villages/jija")
}

/// The first `customers` of Jija for so many days, `cloud_sync` and `edge_local`.
pub(crate) fn village(customers: u32, days: u32, seed: u64) -> Scenario {
    let overrides = Overrides { days: Some(days), seed: Some(seed), ..Overrides::default() };
    let scenario = taa_scenarios::load(&jija(), &overrides).expect("a sound village");
    first_connections(&scenario, customers)
}
