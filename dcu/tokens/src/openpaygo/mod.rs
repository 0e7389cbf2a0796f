//! OpenPAYGO: tokens for devices that are paid off or rented by the day (Token), and their reports over a link
//! (Metrics). These are no STS tokens: they carry a count instead of a minute, and each device has one key.
//!
//! ```text
//!   [`Vendor`] (key, starting code, count) ──▶ 9 or 12 digits ──▶ keypad ──▶ [`Device`] (window of counts)
//!   [`metrics`]: device ──▶ signed request ──▶ server ──▶ signed answer with tokens
//! ```
//!
//! Every token is one step further along a chain of hashes that starts at the device's starting code. Even counts add
//! time; odd ones set it, disable the scheme for good, or bring the count in step again.

mod chain;
mod device;
pub mod metrics;
mod siphash;
mod vendor;

pub use chain::{DeviceKey, Form};
pub use device::{Device, Meaning, Refusal, SyncRule, UsedCounts, WINDOW};
pub use vendor::{Ask, AskError, Issued, Vendor};
