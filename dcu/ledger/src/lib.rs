//! The ledger: an append-only Merkle log (RFC 6962, RFC 9162) over whatever touches a customer's money, which anyone
//! can check without trusting whoever keeps it.
//!
//! ```text
//!   record ──▶ Log ──▶ files (tiles, entry bundles, signed checkpoint)          the DCU; its shell writes the files
//!                          │
//!                          ├──▶ Audit: what is missing, altered, rolled back    the regulator; `taa audit verify`
//!                          ├──▶ proofs of one entry, of growth                  a customer, a witness
//!                          └──▶ export: JSON lines, CSV, event store            an office
//! ```
//!
//! Nothing here opens a file or reads a clock: entries, files and times come in as arguments, files go out as bytes.
//!
//! - [`Log`] appends and publishes; [`Frontier`] is the little that appending needs; [`Tree`] keeps every node.
//! - [`prove`] makes proofs from kept nodes or from [`tile::Tiles`]; [`verify_inclusion`] and [`verify_consistency`]
//!   check them.
//! - [`note`] and [`Checkpoint`] are the C2SP formats of what is signed, [`tile`] the layout of the files.
//! - [`Record`] says what happened, when and by which rule; [`export`] writes records for people and machines.
//! - [`receipt`] carries the proof of one entry as a text that needs nothing else.
//! - [`Audit`] checks exported files, and names every entry that is not what was signed.
//! - [`report`] is what an office does with the files: check and sum them up, export them, hand out receipts.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

pub mod audit;
mod checkpoint;
pub mod export;
mod frontier;
mod hash;
mod log;
pub mod note;
pub mod pack;
mod proof;
pub mod prove;
pub mod range;
pub mod receipt;
mod record;
pub mod report;
mod shape;
pub mod tile;
mod tree;

pub use audit::{Audit, Finding, Verdict};
pub use checkpoint::{Checkpoint, Standing};
pub use frontier::Frontier;
pub use hash::{HASH_BYTES, Hash};
pub use log::{Log, LogError};
pub use proof::{ProofError, verify_consistency, verify_inclusion};
pub use record::{Money, Record, RecordError, Stamp};
pub use tree::{NoSuchNode, Tree};
