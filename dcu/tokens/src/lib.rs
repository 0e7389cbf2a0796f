//! Prepayment tokens, sans-I/O: STS (IEC 62055-41), and OpenPAYGO Token and Metrics.
//!
//! ```text
//!   payment ──▶ sts::vend::Vendor ──▶ content + minute used ──▶ durable ──▶ module ──▶ 20 digits ──▶ customer
//!                                                                                                       │
//!   credit  ◀── action ◀── sts::meter::Decoder (key, memory of what was taken) ◀────────────────────────┘
//! ```
//!
//! - [`sts`]: credit, test and management tokens, EA07 and EA11, keys derived and changed, the vendor's and the meter's side.
//! - [`openpaygo`]: tokens for devices that are paid off or rented by the day, and their signed reports.
//!
//! Time, random bits and stored state come in as arguments; tokens, actions and records of what was used up come out.
//! What must not be forgotten (a minute or a count used up, a token taken) is returned as such, and has to be durable
//! before its effect is seen.
//!
//! Vending keys are kept by [`taa_keys::KeyStore`]. **In software they are for simulation**: production means a secure
//! module, certified by the STS Association and fed by key-load files, in place of [`sts::vend::SoftwareModule`].
//!
//! What is not here, since no public source states it: DKGA01, key changes in three tokens, DKGA04 for common keys, the
//! production tables of EA07 (licensed; read from a text), the units of gas and time.
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
pub mod openpaygo;
pub mod sts;
