//! Scenario schema, loader, importers, checker, and the bundled villages.
//!
//! ```text
//!   scenario.toml ──▶ document (spans) ──▶ schema (serde) ─┐
//!   village.geojson ──▶ import ──▶ village │ layout ───────┤
//!   weather file ─────▶ weather ───────────────────────────┼──▶ load ──▶ model::Scenario
//!   faults.toml ──────▶ document ──▶ faults ───────────────┘
//! ```
//!
//! - [`load`] resolves a folder (and what the command line overrides) to a [`model::Scenario`], or returns every
//!   problem it found: file, line, field, what is allowed.
//! - [`check`] does the same for its findings alone, warnings included.
//! - [`create`] makes a folder from footprints and a weather file.
//! - [`json_schema`] describes `scenario.toml` for editors.
//!
//! What trips people: paths in `scenario.toml` are relative to its folder; a path on the command line is relative to
//! where you stand. Times in fault files are local civil time of the village; `day 1` is the run's first day.

pub mod diagnostics;
mod document;
mod fault_tree;
mod faults;
pub mod import;
pub mod layout;
mod load;
pub mod model;
mod new;
pub mod schema;
pub mod village;
pub mod weather;

pub use diagnostics::{Diagnostics, Problem};
pub use fault_tree::{FaultTree, INVERTER};
pub use load::{Overrides, Report, check, load, village_file};
pub use new::{Created, NewArgs, create};
pub use schema::json_schema;
