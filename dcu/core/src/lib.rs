//! The production DCU: reading plan, billing, relay reconciliation, uplink outbox; sans-I/O.
//!
//! ```text
//!              handle_clock · handle_entropy · handle_link · handle_payment · handle_durable · handle_timeout
//!                                                     │
//!  meters ──bytes──▶ handle_meter_receive ──▶  ┌──────▼──────┐  ◀── handle_uplink_receive ◀──bytes── cloud
//!  meters ◀──bytes── Output::Transmit     ◀──  │     Dcu     │  ──▶ Output::Uplink ──bytes──▶ cloud
//!                                              └──────┬──────┘
//!  relay ◀──bytes── Output::Fetch · handle_fetch_receive ◀──bytes── relay (payments)
//!                         Output::Append (journal) · Output::Event · Output::Timeout(deadline)
//! ```
//!
//! **The driving invariant.** Mutate once, drain [`Dcu::poll_output`] until it answers [`Output::Timeout`], and only
//! then mutate again. `now` is monotonic nanoseconds since this boot, whoever calls.
//!
//! **Promises follow durability.** State is a fold over the [`journal`]. Relay orders, receipts and acknowledgements
//! leave only after [`Dcu::handle_durable`] covers the record they rest on, and so do messages to meters with keys, whose
//! invocation counters must never repeat; a driver that never calls it gets readings of unsecured meters into the
//! journal, and nothing else.
//!
//! **A meter is bytes.** Which objects it has is read from itself, once per firmware; what it has set for itself (scaler,
//! columns of its profile, what it pushes) once per boot. Nothing is said to a meter with keys before
//! [`Dcu::handle_entropy`].
//!
//! [`billing::Book`] and [`cloud::Cloud`] are pure too: the operator's cloud bills with the very same code when
//! [`config::CreditAt::Cloud`] is set.
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

pub mod billing;
pub mod campaign;
pub mod cloud;
pub mod config;
mod dcu;
pub mod fetch;
mod fleet;
pub mod gateway;
pub mod ids;
pub mod journal;
pub mod ledger;
pub mod outage;
pub mod payment;
mod plan;
pub mod reading;
pub mod relay;
pub mod uplink;
pub mod vending;

pub use campaign::{ImageCampaign, ImageOrder, ImageOrderError, ImageState};
pub use dcu::{
    Dcu, SignedError,
    output::{DcuEvent, LinkState, Output},
    vend_deliver::Delivery,
};
pub use ids::MeterIx;
