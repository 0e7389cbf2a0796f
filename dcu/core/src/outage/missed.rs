//! Outages that no ticket knows of: their gasps were lost, and a Power Up tells that they are over.
//!
//! When they began is guessed: after the last answer, before the first exchange that failed or the end. Meters that came
//! back at the same moment had failed together: what is known of one holds for all, and with every one of them the guess
//! gets better. So it is made some minutes later, when they have told.

use crate::MeterIx;

use super::{OutageNote, Spell};

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_S: u64 = 1_000_000_000;
/// So long after the last of them no other is expected.
const QUIET_NS: u64 = 180 * NS_PER_S;
/// Nor waited for longer than this after the first.
const LATEST_NS: u64 = 900 * NS_PER_S;
/// Who was back within so long of each other came back together.
const TOGETHER_NS: u64 = 5 * NS_PER_S;

/// What is known of one such outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) meter: MeterIx,
    pub(crate) event: u32,
    /// It answered then, before the outage.
    pub(crate) lit_at: u64,
    /// It was dark by then at the latest.
    pub(crate) gone_at: u64,
    pub(crate) back_at: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Missed {
    ended: Vec<Ended>,
    first: u64,
    last: u64,
}

impl Missed {
    pub(crate) fn take(&mut self, now: u64, ended: Ended) {
        if self.ended.is_empty() {
            self.first = now;
        }
        self.last = now;
        self.ended.push(ended);
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        let at = self.last.saturating_add(QUIET_NS).min(self.first.saturating_add(LATEST_NS));
        (!self.ended.is_empty()).then_some(at)
    }

    /// One note each. `gasped` tells when one that came back between these two moments had told that it went.
    pub(crate) fn settle(&mut self, now: u64, gasped: impl Fn(u64, u64) -> Option<u64>) -> Vec<OutageNote> {
        if self.deadline().is_none_or(|due| due > now) {
            return Vec::new();
        }
        let ended = std::mem::take(&mut self.ended);
        let note = |one: &Ended| {
            let (from, to) = (one.back_at.saturating_sub(TOGETHER_NS), one.back_at.saturating_add(TOGETHER_NS));
            let mates = || ended.iter().filter(|mate| (from..=to).contains(&mate.back_at));
            let lit = mates().map(|mate| mate.lit_at).filter(|lit| *lit < one.back_at).max().unwrap_or(one.lit_at);
            let gone = mates().map(|mate| mate.gone_at).min().unwrap_or(one.gone_at).min(one.back_at);
            let dark = gasped(from, to).filter(|at| *at < one.back_at).unwrap_or_else(|| lit.midpoint(gone));
            let ago = |at: u64| u32::try_from(now.saturating_sub(at).div_euclid(NS_PER_MS)).unwrap_or(u32::MAX);
            OutageNote::Missed(Spell {
                meter: one.meter,
                event: one.event,
                dark_ago_ms: Some(ago(dark)),
                lit_ago_ms: ago(one.back_at),
            })
        };
        ended.iter().map(note).collect()
    }
}
