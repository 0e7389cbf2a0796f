//! Tickets against the truth, in sums.

/// What tickets claim and what was, customer by customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutageSums {
    /// Customers' outages that there were.
    pub outages: u64,
    /// Of these, found by a ticket.
    pub detected: u64,
    /// Customers' outages that tickets claim.
    pub claimed: u64,
    /// Of these, true.
    pub correct: u64,
    /// From the beginning to the telling, the 95th percentile, ms.
    pub latency_p95_ms: Option<u64>,
    /// Outages longer than five minutes by the tickets, and how long together, ms.
    pub told_sustained: (u64, u64),
    /// The same in truth.
    pub true_sustained: (u64, u64),
}
