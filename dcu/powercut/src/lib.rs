//! A disk for SQLite that loses power: a VFS in memory on which every un-synced sector of 512 bytes is kept, dropped or
//! torn when the power is cut, by chance that a seed decides. It also fails (EIO), runs full, turns read-only, rots, and
//! lies about its syncs. It counts what it had to write.
//!
//! ```text
//!   SQLite ──▶ VFS "powercut-n" ──▶ files ──┬─ what programs see
//!              (files, locks, shared         └─ per un-synced sector: what is durable, what was written since
//!               memory, time, chance)                                   └── cut ──▶ kept · dropped · torn
//! ```
//!
//! - [`Disk`] opens databases and has the switches; [`Config`] says what kind of disk it is; [`Fault`]s are ordered.
//! - [`Disk::after_cut`] asks, without ending anything, what a cut at this moment might leave: one run of a program
//!   gives as many cuts as one likes.
//! - [`Counters`] tell bytes written from bytes that flash had to program.
//!
//! WAL works with shared memory among connections of this process, and as well with `locking_mode = exclusive`. What a
//! program learns from this disk is reproducible but for one thing: the salts in the header of a WAL come from a
//! generator that SQLite shares over the whole process, so the *bytes* of a file are not; which sectors survive does not
//! depend on them.
//!
//! A directory entry is durable with the first sync of its file. A file removed without a directory sync may come back.

mod chance;
mod config;
mod counters;
mod disk;
mod fault;
mod lock;
mod sector;
mod state;
mod vfs;

pub use config::{Config, Order, Sync, Torn};
pub use counters::{Counters, FileKind, PAGE_BYTES};
pub use disk::{Disk, Image};
pub use fault::{DiskError, Fault, Operation};
pub use sector::SECTOR_BYTES;
