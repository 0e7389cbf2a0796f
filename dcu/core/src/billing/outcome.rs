//! What became of a credit, a debit, a day: named, so that nobody has to guess from a number.

use crate::payment::Payment;
use serde::{Deserialize, Serialize};

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credit {
    /// Added to the account.
    Credited {
        /// The account's index.
        account: u32,
        /// Its balance now, minor units.
        balance_minor: i64,
    },
    /// The same payment again: nothing changed.
    Duplicate,
    /// The same key with another amount or account: nothing changed, somebody has to look.
    Conflict,
    /// No such account: the money is kept in suspense.
    Suspended,
    /// Not a payment ([`crate::payment::PaymentError`]): nothing changed.
    Refused,
}

/// What became of a register reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debit {
    /// The first reading of this meter: a base to count from, nothing billed.
    First,
    /// The delta was billed.
    Billed {
        /// Energy since the last reading.
        wh: u64,
        /// Minor units taken now; the fraction is carried.
        minor: i64,
    },
    /// A later reading has been billed already.
    Stale,
    /// The register went backward (a replaced or reset meter): a new base, nothing billed, somebody has to look.
    Backward {
        /// Register before, Wh.
        from_wh: u64,
        /// Register now, Wh.
        to_wh: u64,
    },
    /// No such account.
    Unknown,
}

/// What became of a day's fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fees {
    /// No new day.
    NotDue,
    /// The first day known: a base to count from.
    First,
    /// That many days were charged to every account.
    Charged {
        /// Days.
        days: u32,
    },
    /// The clock leapt: only the limit was charged.
    ClockLeap {
        /// Days charged.
        charged: u32,
        /// Days forgone.
        forgone: u32,
    },
}

/// Money in suspense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspended {
    /// The payment as it came.
    pub payment: Payment,
}

/// Sums over the whole book, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Payments taken, in suspense or not.
    pub received: i128,
    /// Credited to accounts.
    pub credited: i128,
    /// In suspense.
    pub suspended: i128,
    /// Energy billed.
    pub energy_billed: i128,
    /// Fees charged.
    pub fees: i128,
}
