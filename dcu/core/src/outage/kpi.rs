//! How good the detection is, against a truth that only a simulator has.

use crate::MeterIx;

/// One customer without supply, as it truly was. Times in ms on any common clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrueOutage {
    /// Who.
    pub meter: MeterIx,
    /// From when.
    pub from_ms: i64,
    /// Until when; `i64::MAX` while it lasts.
    pub to_ms: i64,
}

/// One customer without supply, as a ticket has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Who.
    pub meter: MeterIx,
    /// From when.
    pub from_ms: i64,
    /// Until when; `i64::MAX` while it lasts.
    pub to_ms: i64,
    /// When somebody was told.
    pub told_ms: i64,
}

/// `outage_detection_recall`, `outage_detection_precision`, `outage_detection_latency_p95_s`, from counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detection {
    /// Customers' outages that there were.
    pub outages: u64,
    /// Of these, found by a ticket that overlaps them.
    pub detected: u64,
    /// Customers' outages that tickets claim.
    pub claimed: u64,
    /// Of these, true.
    pub correct: u64,
    /// From the beginning of an outage to the telling, of those found: the 95th percentile, ms.
    pub latency_p95_ms: Option<u64>,
}

impl Detection {
    /// Share of outages found; `None` without any.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.detected, self.outages)
    }

    /// Share of claims that are true; `None` without any.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.correct, self.claimed)
    }

    /// The 95th percentile of the latency, s.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of latency")]
    pub fn latency_p95_s(&self) -> Option<f64> {
        self.latency_p95_ms.map(|ms| ms as f64 / 1000.0)
    }
}

/// Compares tickets with the truth, customer by customer. A claim is true where it overlaps an outage of that customer;
/// `slack_ms` is added at both its ends, for what a meter takes to notice and a ticket to be closed.
#[must_use]
pub fn detection(truth: &[TrueOutage], found: &[Found], slack_ms: i64) -> Detection {
    let overlaps = |outage: &TrueOutage, claim: &Found| {
        outage.meter == claim.meter
            && claim.from_ms <= outage.to_ms.saturating_add(slack_ms)
            && outage.from_ms <= claim.to_ms.saturating_add(slack_ms)
    };
    let mut latencies = Vec::new();
    for outage in truth {
        let first = found.iter().filter(|claim| overlaps(outage, claim)).map(|claim| claim.told_ms).min();
        latencies.extend(first.map(|told| u64::try_from(told.saturating_sub(outage.from_ms)).unwrap_or(0)));
    }
    latencies.sort_unstable();
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let correct = found.iter().filter(|claim| truth.iter().any(|outage| overlaps(outage, claim))).count();
    // The smallest that is not below 95 % of them.
    let rank = latencies.len().saturating_mul(95).div_ceil(100).saturating_sub(1);
    Detection {
        outages: count(truth.len()),
        detected: count(latencies.len()),
        claimed: count(found.len()),
        correct: count(correct),
        latency_p95_ms: latencies.get(rank).copied(),
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of outages")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_latency() {
        let truth = [0, 1, 2, 3].map(|n| TrueOutage { meter: MeterIx(n), from_ms: 1000, to_ms: 9000 });
        let claim = |meter, from_ms, told_ms| Found { meter: MeterIx(meter), from_ms, to_ms: from_ms + 500, told_ms };
        let found = [claim(0, 1100, 3100), claim(1, 1100, 4000), claim(1, 20_000, 21_000), claim(9, 1100, 3100)];
        let detection = detection(&truth, &found, 100);
        assert_eq!((detection.outages, detection.detected, detection.claimed, detection.correct), (4, 2, 4, 2));
        assert_eq!(detection.recall().zip(detection.precision()), Some((0.5, 0.5)));
        assert_eq!(detection.latency_p95_ms, Some(3000));
        assert_eq!(super::detection(&[], &[], 0).recall(), None);
    }
}
