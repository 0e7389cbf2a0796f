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
    /// Added on a receipt alone, until the provider's word takes its place or it is taken back.
    Ahead {
        /// The account's index.
        account: u32,
        /// Its balance now, minor units.
        balance_minor: i64,
    },
    /// A receipt alone, and more than may be credited on one (or for nobody, or taken back before): nothing changed. It
    /// waits for the provider's word.
    Unproven,
    /// Not a payment, or not in the accounts' currency ([`crate::payment::PaymentError`]): nothing changed.
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
///
/// ```text
/// received          = credited + suspended + refunded_suspense
/// sum of balances   = opening balances + credited − recovered + provisional
///                     − energy_billed − fees − capacity_fees + corrected − refunded
/// sum of debts      = lent − recovered
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Payments taken, in suspense or not. Mere receipts are not in it.
    pub received: i128,
    /// Credited to accounts; what went to debt is in it.
    pub credited: i128,
    /// In suspense.
    pub suspended: i128,
    /// Handed back out of suspense.
    pub refunded_suspense: i128,
    /// Handed back out of accounts.
    pub refunded: i128,
    /// Corrections, with their signs.
    pub corrected: i128,
    /// Credited on receipts alone and not settled.
    pub provisional: i128,
    /// Debt given.
    pub lent: i128,
    /// Debt paid off by shares of payments.
    pub recovered: i128,
    /// Energy billed.
    pub energy_billed: i128,
    /// Daily fees charged.
    pub fees: i128,
    /// Fees for power charged, subscribed or measured.
    pub capacity_fees: i128,
}

impl Totals {
    /// What should be zero: money received that is neither credited, nor waiting, nor handed back.
    #[must_use]
    pub const fn missing(&self) -> i128 {
        self.received
            .saturating_sub(self.credited)
            .saturating_sub(self.suspended)
            .saturating_sub(self.refunded_suspense)
    }
}

/// Payments accepted before this are the work of a clock that was not set: 1 January 2020, Unix ms.
const PLAUSIBLE_MS: i64 = 1_577_836_800_000;
/// Two clocks may differ by so much.
const CLOCKS_DIFFER_MS: i64 = 600_000;

/// Whose clock a payment's instant was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// The provider's.
    AsPaid,
    /// The provider's clock was not set (1970): the arrival counts.
    NotSet,
    /// The provider's clock is ahead of ours (2099): the arrival counts.
    Ahead,
}

/// The instant as of which a payment counts, Unix ms.
#[must_use]
pub fn paid_at(accepted_ms: i64, arrived_ms: Option<i64>) -> (i64, Timing) {
    let arrived = arrived_ms.filter(|arrived| *arrived >= PLAUSIBLE_MS);
    match arrived {
        _ if accepted_ms < PLAUSIBLE_MS => (arrived_ms.unwrap_or(accepted_ms), Timing::NotSet),
        Some(arrived) if accepted_ms > arrived.saturating_add(CLOCKS_DIFFER_MS) => (arrived, Timing::Ahead),
        _ => (accepted_ms, Timing::AsPaid),
    }
}
