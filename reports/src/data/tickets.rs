//! Outages as the data concentrator told them, beside what was.

use serde::{Deserialize, Serialize};

use super::Listing;

/// One architecture's tickets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TicketFigures {
    /// One row a ticket.
    pub listing: Listing,
    /// How many tickets.
    pub tickets: u32,
    /// Of these, opened on the ground of gasps, of a feeder's state, of silence.
    pub grounds: [u32; 3],
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
    /// Outage packets that the concentrator took, and that it refused.
    #[serde(default)]
    pub packets: (u64, u64),
}
