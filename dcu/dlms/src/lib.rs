//! DLMS/COSEM (IEC 62056), client and server roles, sans-I/O.
//!
//! ```text
//!   Client ──┐                                  ┌── Server ── ObjectModel (a meter's attributes and methods)
//!            apdu  (GET, SET, ACTION, AARQ …)   apdu
//!            security  (suites 0 to 2: ciphering, signing, proofs, counters)
//!            link      (wrapper; HDLC; IEC 62056-21)
//!            bytes ────────────────────────────── bytes
//! ```
//!
//! Nothing here opens a socket or reads a clock: bytes and monotonic nanoseconds come in as arguments, bytes and one
//! deadline come out. See [`client::Client`] for its driving invariant and an example.
//!
//! What is here: logical and short names; authentication none, low (password) and high (HLS 2 to 7); ciphering; wrapper,
//! HDLC and IEC 62056-21; GET, SET and ACTION (normal, with list, in blocks both ways), ACCESS, Read and Write, general
//! block transfer. A message of what is not here is refused by name, never misread.
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
pub mod error;
mod general_block;
pub mod link;
pub mod names;
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
