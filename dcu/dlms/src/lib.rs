//! DLMS/COSEM (IEC 62056), client and server roles, sans-I/O.
//!
//! ```text
//!   Client ──┐                                  ┌── Server ── ObjectModel (a meter's attributes and methods)
//!            apdu  (GET, SET, ACTION, AARQ …)   apdu
//!            security  (none yet; ciphering goes here)
//!            link      (wrapper; HDLC goes beside it)
//!            bytes ────────────────────────────── bytes
//! ```
//!
//! Nothing here opens a socket or reads a clock: bytes and monotonic nanoseconds come in as arguments, bytes and one
//! deadline come out. See [`client::Client`] for its driving invariant and an example.
//!
//! What is here: logical-name referencing, authentication none and low (password), the wrapper over datagrams and
//! streams, GET (normal, with list, in blocks), SET (normal, in blocks), ACTION (normal), all interface classes of
//! [`cosem::classes`].
//! Messages of what is not here (ciphering, HLS, HDLC, short names, ACCESS, general block transfer) are refused by
//! name, never misread.
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

pub mod apdu;
pub mod axdr;
pub mod client;
pub mod cosem;
pub mod device;
pub mod error;
pub mod link;
pub mod obis;
pub mod security;
pub mod server;
pub mod wire;

pub use apdu::{AttributeRef, DataAccessResult, MethodRef};
pub use axdr::{DateTime, Value};
pub use client::{Client, ClientConfig, ClientEvent, Output};
pub use error::Error;
pub use obis::Obis;
pub use server::Server;
