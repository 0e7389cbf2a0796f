//! DLMS/COSEM (IEC 62056), client and server roles, sans-I/O.
//!
//! ```text
//!   Client   (commands in, events out)           Server ── ObjectModel (a meter's attributes and methods)
//!   cosem    (tables of the interface classes, object maps, profiles, images)       one for both roles
//!   apdu     (GET, SET, ACTION, ACCESS, Read, Write, AARQ …; axdr for the values inside)
//!   security (suites 0 to 2: proofs, ciphering, signing, counters)
//!   blocks   (general block transfer, where both have it)
//!   link     (wrapper; HDLC; IEC 62056-21, mode E)
//!   bytes ─────────────────────────────────────── bytes
//! ```
//!
//! Nothing here opens a socket or reads a clock: bytes and monotonic nanoseconds come in as arguments, bytes and one
//! deadline come out. See [`client::Client`] for its driving invariant and an example, [`server::Port`] for a server
//! behind any link.
//!
//! What is here, in both roles:
//! - Logical and short names; authentication none, low (password) and high (mechanisms 2 to 7); pre-shared, dedicated,
//!   wrapped and agreed keys ([`security`]).
//! - GET, SET and ACTION normal, with list and in blocks both ways; ACCESS; Read, Write and unconfirmed Write; general
//!   block transfer. Profiles go on where they broke off.
//! - The wrapper over datagrams and streams, HDLC, and mode E before it.
//! - The interface classes of [`cosem::classes`], and a meter over them, [`cosem::Model`]. What makers publish about
//!   their meters: [`device`].
//!
//! What meters send of their own accord ([`server::Server::push`] builds it, when its owner says so) is heard by their
//! clients ([`client::ClientEvent::Notification`]), or by a listener for many ([`link::push`], [`security::Channel`]).
//!
//! A message of what is not here is refused by name, never misread.
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
