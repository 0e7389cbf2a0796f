//! Records: what a run leaves, as typed tables (struct of arrays) with units in the column names.
//!
//! All times are milliseconds since the start of the run (`RunResult::start_unix_s`); customers, poles and faults are
//! indices into the scenario's lists. Tables are append-only and in order of time.

mod detection;
mod mesh;
mod tables;

pub use detection::*;
pub use mesh::*;
pub use tables::*;

/// Version of all tables; a change of a column changes it.
pub const RECORDS_VERSION: u32 = 3;
