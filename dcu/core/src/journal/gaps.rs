//! Periods of one meter that have no reading yet.

use serde::{Deserialize, Serialize};

/// Most separate gaps remembered per meter.
const GAPS_MAX: usize = 24;

/// Missing periods as ranges, oldest first, never overlapping.
///
/// Bounded: beyond [`GAPS_MAX`] ranges the oldest is given up, so that a meter that flickers for months cannot grow
/// the state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps {
    ranges: Vec<(u32, u32)>,
}

impl Gaps {
    /// No period is missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Periods missing.
    #[must_use]
    pub fn periods(&self) -> u64 {
        let width = |&(from, to): &(u32, u32)| u64::from(to.saturating_sub(from)).saturating_add(1);
        self.ranges.iter().map(width).fold(0, u64::saturating_add)
    }

    /// The period is missing.
    #[must_use]
    pub fn contains(&self, period: u32) -> bool {
        self.ranges.iter().any(|&(from, to)| (from..=to).contains(&period))
    }

    /// The next stretch to ask for: the newest missing periods first (they matter most), at most `max` of them.
    #[must_use]
    pub fn next(&self, max: u32) -> Option<(u32, u32)> {
        let &(from, to) = self.ranges.last()?;
        Some((from.max(to.saturating_sub(max.max(1).saturating_sub(1))), to))
    }

    /// Adds `from..=to`, which must lie after all others.
    pub(crate) fn push(&mut self, from: u32, to: u32) {
        if from > to {
            return;
        }
        if self.ranges.len() >= GAPS_MAX {
            self.ranges.remove(0);
        }
        self.ranges.push((from, to));
    }

    /// Takes `from..=to` out.
    pub(crate) fn settle(&mut self, from: u32, to: u32) {
        let mut left = Vec::with_capacity(self.ranges.len().saturating_add(1));
        for &(start, end) in &self.ranges {
            if end < from || start > to {
                left.push((start, end));
                continue;
            }
            if start < from {
                left.push((start, from.saturating_sub(1)));
            }
            if end > to {
                left.push((to.saturating_add(1), end));
            }
        }
        self.ranges = left;
    }

    /// Gives up everything before this period.
    pub(crate) fn forget_before(&mut self, period: u32) {
        if self.ranges.first().is_some_and(|&(from, _)| from < period) {
            self.settle(0, period.saturating_sub(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn newest_first_in_chunks() {
        let mut gaps = Gaps::default();
        gaps.push(10, 12);
        gaps.push(20, 60);
        assert_eq!(gaps.next(24), Some((37, 60)));
        gaps.settle(37, 60);
        assert_eq!(gaps.next(24), Some((20, 36)));
        gaps.settle(20, 36);
        assert_eq!(gaps.next(24), Some((10, 12)));
        assert_eq!(gaps.periods(), 3);
    }

    #[test]
    fn the_oldest_range_is_given_up() {
        let mut gaps = Gaps::default();
        for n in 0..=GAPS_MAX as u32 {
            gaps.push(n * 10, n * 10);
        }
        assert!(!gaps.contains(0));
        assert!(gaps.contains(10));
        assert_eq!(gaps.periods(), GAPS_MAX as u64);
    }

    proptest! {
        #[test]
        fn settling_is_set_difference(cuts in proptest::collection::vec((0_u32..100, 0_u32..30), 0..8)) {
            let mut gaps = Gaps::default();
            gaps.push(5, 40);
            gaps.push(50, 90);
            let mut set: BTreeSet<u32> = (5..=40).chain(50..=90).collect();
            for (from, width) in cuts {
                gaps.settle(from, from + width);
                set.retain(|p| !(from..=from + width).contains(p));
            }
            prop_assert_eq!(gaps.periods(), set.len() as u64);
            prop_assert!((0..100).all(|p| gaps.contains(p) == set.contains(&p)));
        }
    }
}
