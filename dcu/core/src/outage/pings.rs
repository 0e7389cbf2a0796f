//! Which meters are asked whether they are there, and how many at once: the radio is needed for other things.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::MeterIx;

/// A ping of which nothing was heard for so long is forgotten: whoever carries it out has lost it.
const LOST_NS: u64 = 180_000_000_000;
/// While the meters of a fault come back one by one, one that does not answer is asked again no sooner than this.
const AGAIN_NS: u64 = 60_000_000_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Pings {
    max: usize,
    waiting: VecDeque<MeterIx>,
    queued: BTreeSet<MeterIx>,
    /// Since when.
    out: BTreeMap<MeterIx, u64>,
    /// When it was asked last.
    asked: BTreeMap<MeterIx, u64>,
}

impl Pings {
    pub(crate) fn new(max: usize) -> Self {
        Self { max: max.max(1), ..Self::default() }
    }

    /// Wants this meter asked; once is enough.
    pub(crate) fn want(&mut self, meter: MeterIx) {
        if !self.out.contains_key(&meter) && self.queued.insert(meter) {
            self.waiting.push_back(meter);
        }
    }

    /// Wants it asked, unless that was done a moment ago.
    pub(crate) fn want_again(&mut self, now: u64, meter: MeterIx) {
        if self.asked.get(&meter).is_none_or(|at| now.saturating_sub(*at) >= AGAIN_NS) {
            self.want(meter);
        }
    }

    /// Something is known of it now. True if it was asked.
    pub(crate) fn done(&mut self, meter: MeterIx) -> bool {
        self.out.remove(&meter).is_some()
    }

    /// The next one that may go.
    pub(crate) fn next(&mut self, now: u64) -> Option<MeterIx> {
        self.out.retain(|_, since| now.saturating_sub(*since) < LOST_NS);
        if self.out.len() >= self.max {
            return None;
        }
        let meter = self.waiting.pop_front()?;
        self.queued.remove(&meter);
        self.out.insert(meter, now);
        self.asked.insert(meter, now);
        Some(meter)
    }

    /// When a lost one makes room for those that wait.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let lost = self.out.values().min().map(|since| since.saturating_add(LOST_NS));
        lost.filter(|_| !self.waiting.is_empty())
    }
}
