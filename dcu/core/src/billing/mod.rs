//! Accounts and money: what is owed, what was paid, and whether the light may be on.
//!
//! [`Book`] is a pure state machine in integer minor units. The DCU keeps one where credit is at the DCU, the cloud
//! keeps one where credit is in the cloud; both run this code.
//!
//! What trips the user:
//!
//! - Energy is billed by **register deltas**, live readings only, in the order of their sequence numbers: a reading
//!   that overtakes another makes the slower one [`Debit::Stale`], and no energy is lost by it, because the register
//!   counts on. Back-filled rows are telemetry and are never billed.
//! - Prices are per kWh and registers count Wh, so a reading is worth a fraction of a minor unit. The fraction is
//!   carried per account ([`Account::carry_nano`]); over any number of readings not one minor unit is lost.
//! - Energy is priced by the tariff and the hour at which it was used, as far as readings tell: a delta is spread evenly
//!   over the time between its two readings ([`Book::debit_at`]). What has been billed is never priced anew.
//! - Credits are deduplicated by provider and key, for ever. Delivery may repeat and reorder.
//! - Money for an unknown account is kept in suspense, never refused: it has already left the payer's purse.

mod account;
mod ahead;
mod amend;
mod asked;
mod book;
mod classes;
mod decision;
mod demand;
mod names;
mod outcome;
mod rating;
mod schedule;
mod tariffs;

pub use account::Account;
pub use ahead::{Settled, Settling};
pub use amend::{AmendError, Amendable, Amendment, Correction, ID_BYTES_MAX, Loan, Refund, RefundFrom, WHY_BYTES_MAX};
pub use asked::{Answer, Asked, Asking, Mirrored, Told};
pub use book::Book;
pub use classes::ClassRefusal;
pub use decision::{Decision, Why};
pub use demand::{DemandCharge, Peak};
pub use outcome::{Credit, Debit, Fees, Suspended, Timing, Totals, paid_at};
pub use rating::Month;
pub use schedule::{TariffRefusal, TariffStart};

#[cfg(test)]
mod tests;
