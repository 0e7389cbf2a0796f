//! The hosted intake relay as a service: the shell around [`taa_intake::Relay`].
//!
//! ```text
//!  providers, telephones, agents ──HTTP──▶ web ──Ask──▶ ┌──────────────┐
//!  DCUs: POST /fetch ─────────────HTTP──▶     ◀─answer─ │ host: thread │── journal (SQLite, WAL, FULL)
//!  operator: POST /order on its own port ▶              │ with Relay   │── events, a line each
//!                                 program of queries ◀──┤              │
//!                                                       └──────────────┘
//! ```
//!
//! One thread owns the relay and its journal: it takes what has come, commits all records of that in one transaction, tells
//! the relay that they are durable, and only then answers. What trips the user:
//!
//! - **TLS is in front** (a reverse proxy): this speaks HTTP/1.1, as it is delivered on the loopback alone.
//! - **A disk that fails ends the service** ([`ServeError::Journal`]). Whoever called gets no answer and asks again.
//! - **One process per journal**: SQLite's lock is held while it runs; a second one is told so.
//! - **Status queries** of providers are made by a program of the operator's ([`queries`]), which has the accounts at the
//!   providers; this process has none of their passwords.
//! - Secrets come from files or the environment, never from the settings themselves, and are in no log.
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

pub mod config;
mod host;
pub mod journal;
pub mod order;
mod queries;
mod serve;
mod web;

pub use config::{ConfigError, Settings};
pub use journal::{Journal, JournalError};
pub use order::{Order, order};
pub use serve::{ServeError, Service};
