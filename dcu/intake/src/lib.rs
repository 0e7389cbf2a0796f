//! The way of money to a DCU: what providers send, the hosted relay that keeps it, the shapes of token servers; sans-I/O.
//!
//! ```text
//!   Daraja · MoMo · Orange ──callback──▶ ┌───────┐
//!   phones with receipts · agents ─────▶ │ Relay │ ◀──FetchRequest── DCU behind carrier NAT
//!   codes bought for cash ─────────────▶ │       │ ──FetchReply────▶
//!   Daraja · MoMo · Orange ◀──query───── └───────┘
//!                                     Output::Append (its own journal)
//! ```
//!
//! [`relay::Relay`] is driven like the DCU: mutate once, drain [`relay::Relay::poll_output`] until it answers
//! [`relay::Output::Timeout`], and only then mutate again. Time is the wall clock in Unix milliseconds, as the machine
//! is hosted. Nobody is answered before what the answer rests on is durable.
//!
//! [`provider`] turns bytes into payments and is pure. [`token_server`] is the other way round: somebody else's system
//! asks for a token in the shape that it knows from a meter maker.
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

pub mod amount;
pub mod civil;
pub mod fields;
pub mod http;
pub mod provider;
pub mod relay;
pub mod token_server;

pub use http::{HttpRequest, HttpResponse};
pub use relay::Relay;
