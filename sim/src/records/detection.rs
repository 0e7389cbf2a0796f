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
    /// Outage packets that the DCU took, and that it refused.
    pub packets: (u64, u64),
}

impl OutageSums {
    /// By what share of the true ones the sustained interruptions told (SAIFI) and their length (SAIDI) differ from them,
    /// either way. Nothing where there were none: false alarms are precision's.
    #[must_use]
    pub fn index_errors(&self) -> Option<(f64, f64)> {
        let off = |told: u64, truth: u64| (truth > 0).then(|| told.abs_diff(truth) as f64 / truth as f64);
        off(self.told_sustained.0, self.true_sustained.0).zip(off(self.told_sustained.1, self.true_sustained.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_a_share_of_the_truth_either_way_and_nothing_without_one() {
        let errors = |told, truth| {
            OutageSums { told_sustained: told, true_sustained: truth, ..OutageSums::default() }.index_errors()
        };
        assert_eq!(errors((5, 300), (4, 400)), Some((0.25, 0.25)));
        assert_eq!(errors((0, 0), (4, 400)), Some((1.0, 1.0)));
        assert_eq!(errors((9, 900), (4, 400)), Some((1.25, 1.25)));
        assert_eq!((errors((0, 0), (0, 0)), errors((5, 300), (0, 0))), (None, None));
    }
}
