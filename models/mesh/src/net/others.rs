//! Others in the band: what a node hears beside the mesh, all the time or in bursts.
//!
//! A source of bursts cuts time into its periods and sends once in each, at a moment drawn for that period alone. So
//! whether it is on the air costs one draw, needs no history, and nobody who sends little costs events. A burst that
//! touches a frame counts for all of it.

use core::ops::RangeInclusive;

use super::Network;
use super::links::milliwatts;
use crate::chance::Chance;

/// Somebody who is no node and sends in bursts.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Key of its moments.
    pub seed: u64,
    /// It sends once in each of these, nanoseconds.
    pub period_ns: u64,
    /// For so long; at most a period.
    pub burst_ns: u64,
    /// The channels that it falls into, and the share of its power in each, 0–1.
    pub channels: Vec<(u16, f32)>,
    /// Nodes, and how strong they hear the whole of it, dBm.
    pub heard: Vec<(u32, f32)>,
}

impl Source {
    /// Whether it sends at some moment of `from_ns..until_ns`.
    fn sends_within(&self, from_ns: u64, until_ns: u64) -> bool {
        let period_ns = self.period_ns.max(1);
        let burst_ns = self.burst_ns.min(period_ns);
        // The burst of a period ends in it, so only periods that the window touches matter.
        (from_ns / period_ns..=until_ns.saturating_sub(1).max(from_ns) / period_ns).any(|period| {
            let slack_ns = Chance::new(self.seed).fork(period).between(0, period_ns - burst_ns + 1);
            let start_ns = period.saturating_mul(period_ns).saturating_add(slack_ns);
            start_ns < until_ns && from_ns < start_ns.saturating_add(burst_ns)
        })
    }

    fn share(&self, channel: u16) -> Option<f32> {
        let at = self.channels.binary_search_by_key(&channel, |(channel, _)| *channel).ok()?;
        self.channels.get(at).map(|(_, share)| *share)
    }
}

/// What is heard all the time, from now on.
#[derive(Debug, Clone, PartialEq)]
struct Steady {
    node: u32,
    channels: RangeInclusive<u16>,
    mw: f32,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Others {
    steady: Vec<Steady>,
    sources: Vec<Source>,
    /// By node: which source, and its whole power there, milliwatts.
    heard: Vec<Vec<(u32, f32)>>,
}

impl Others {
    pub(super) const fn is_empty(&self) -> bool {
        self.steady.is_empty() && self.sources.is_empty()
    }

    /// What they are worth at a node on a channel while a window lasts, milliwatts.
    pub(super) fn mw(&self, node: u32, channel: u16, from_ns: u64, until_ns: u64) -> f32 {
        let steady = self.steady.iter().filter(|of| of.node == node && of.channels.contains(&channel)).map(|of| of.mw);
        let bursts = self.heard.get(node as usize).into_iter().flatten().filter_map(|&(source, mw)| {
            let source = self.sources.get(source as usize)?;
            let share = source.share(channel)?;
            source.sends_within(from_ns, until_ns).then_some(mw * share)
        });
        steady.chain(bursts).sum()
    }
}

impl Network {
    /// Interference at a node on some channels, from now on: a jammer that never rests. `None` ends what began with the
    /// same channels.
    pub fn interfere(&mut self, node: u32, channels: RangeInclusive<u16>, dbm: Option<f32>) {
        self.others.steady.retain(|of| of.node != node || of.channels != channels);
        if let Some(dbm) = dbm {
            self.others.steady.push(Steady { node, channels, mw: milliwatts(dbm) });
        }
    }

    /// Somebody else in the band, for the rest of the run.
    pub fn add_source(&mut self, mut source: Source) {
        source.channels.sort_unstable_by_key(|(channel, _)| *channel);
        let number = self.others.sources.len() as u32;
        self.others.heard.resize(self.nodes.len(), Vec::new());
        for &(node, dbm) in &source.heard {
            if let Some(heard) = self.others.heard.get_mut(node as usize) {
                heard.push((number, milliwatts(dbm)));
            }
        }
        self.others.sources.push(source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(period_ns: u64, burst_ns: u64) -> Source {
        Source { seed: 5, period_ns, burst_ns, channels: vec![(3, 1.0), (4, 0.25)], heard: vec![(1, -60.0)] }
    }

    #[test]
    fn it_sends_its_share_of_time_and_a_window_sees_what_its_moments_see() {
        let alarm = source(30_000, 1_500);
        let on = (0..400_000).filter(|i| alarm.sends_within(i * 97, i * 97 + 1)).count();
        assert!((on as f64 / 400_000.0 / 0.05 - 1.0).abs() < 0.05, "{on}");
        for from in (0..600_000).step_by(997) {
            let moments = (from..from + 400).any(|at| alarm.sends_within(at, at + 1));
            assert_eq!(alarm.sends_within(from, from + 400), moments, "{from}");
        }
        let always = source(1_000, 1_000);
        assert!((0..100).all(|i| always.sends_within(i * 313, i * 313 + 1)));
        assert!(!source(1_000, 0).sends_within(0, 1));
    }

    #[test]
    fn who_hears_it_hears_its_share_of_the_channel() {
        let others =
            Others { heard: vec![Vec::new(), vec![(0, 8.0)]], sources: vec![source(10, 10)], ..Others::default() };
        assert!(!others.is_empty() && Others::default().is_empty());
        let at = |node, channel| others.mw(node, channel, 3, 5);
        assert_eq!([at(1, 3), at(1, 4), at(1, 5), at(0, 3)].map(|mw| (mw * 4.0) as i32), [32, 8, 0, 0]);
    }
}
