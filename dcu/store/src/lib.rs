//! The DCU's memory: its journal in SQLite, a bounded buffer in RAM, group commit, recovery.
//!
//! ```text
//!   Dcu ── Output::Append ──▶ Store::append ──▶ RAM ── Store::commit ──▶ one transaction ──▶ SQLite, WAL, FULL
//!    ▲                                           │ due(): urgent, or held long enough, or much                │
//!    └────────── handle_durable(upto) ◀──────────┴────────────────────────────────────────────────────────────┘
//!
//!   Store::open ──▶ Recovery { records: newest whole snapshot + all after it, lost, set_aside, rolled_back, mode }
//! ```
//!
//! **What trips the user.** A record is a promise to nobody until [`Store::commit`] has answered with its number or a
//! higher one. Order is never broken: an urgent record takes everything before it along. While the disk refuses, all stays
//! in RAM and nothing is acknowledged; at the bound readings go (counted), money never does: then the store stops.
//! [`Recovery`] must be looked at: what is missing is named there and nowhere else, and a DCU whose journal lacks more
//! than readings must start in [`Mode::Safe`].
//!
//! The store reads no clock and draws no random numbers. `docs/store.md` has the tables, the figures and the limits.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

mod buffer;
mod carve;
mod config;
mod db;
mod error;
mod health;
mod load;
mod memory;
mod migrate;
mod open;
mod pack;
mod patrol;
mod raw;
mod recovery;
mod rows;
mod salvage;
mod sealed;
mod series;
mod stats;
mod store;
mod upkeep;
mod varint;

#[doc(hidden)]
pub use config::Sabotage;
pub use config::{Place, StoreConfig};
pub use error::{StoreError, Trouble};
pub use health::Health;
pub use memory::MemoryStore;
pub use patrol::{Found, FoundEnd};
pub use recovery::{Mode, Recovery, RolledBack, Witness};
pub use rows::{Damage, Held};
pub use stats::Stats;
pub use store::Store;
pub use taa_dcu::journal::Urgency;
