//! Spells of being down: alternating renewal processes, cut to the run, and their unions.

use crate::draw::{Draws, NodeKey, Purpose};

/// Milliseconds in an hour.
pub const HOUR_MS: u64 = 3_600_000;
/// Hours in a mean month (365.25 days / 12).
pub const MONTH_H: f64 = 730.5;
/// Hours in a mean year.
pub const YEAR_H: f64 = 8766.0;

/// An interval `[start_ms, end_ms)` of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spell {
    /// Start, milliseconds of the run.
    pub start_ms: u64,
    /// End, milliseconds of the run; at most the horizon.
    pub end_ms: u64,
}

/// Spells that start after exponential gaps with this mean (from the end of one to the start of the next), each as
/// long as `length_h` says, cut to the horizon. `length_h` gets the stream of its own spell, so a longer spell shifts
/// the later ones but changes none of their draws.
pub(crate) fn renewal<T>(
    seed: u64,
    replication: u32,
    node: NodeKey,
    purpose: Purpose,
    mean_gap_h: f64,
    horizon_ms: u64,
    mut length_h: impl FnMut(&mut Draws) -> (f64, T),
) -> Vec<(Spell, T)> {
    if !mean_gap_h.is_finite() || mean_gap_h <= 0.0 {
        return Vec::new();
    }
    let gap_h = |draws: &mut Draws| draws.exponential(mean_gap_h);
    alternating(seed, replication, node, purpose, 0, horizon_ms, gap_h, |draws, _| Some(length_h(draws)))
}

/// As [`renewal`], with gaps of any law (hours), a start so long before the run that the law has settled, and spells
/// that may be thinned out: `length_h` gets the start in milliseconds of the run (negative before it) and answers
/// `None` where nothing happens after all. A spell that began before the run is left out.
#[allow(clippy::cast_possible_wrap, clippy::cast_sign_loss, clippy::too_many_arguments)]
pub(crate) fn alternating<T>(
    seed: u64,
    replication: u32,
    node: NodeKey,
    purpose: Purpose,
    warm_up_ms: u64,
    horizon_ms: u64,
    mut gap_h: impl FnMut(&mut Draws) -> f64,
    mut length_h: impl FnMut(&mut Draws, i64) -> Option<(f64, T)>,
) -> Vec<(Spell, T)> {
    let mut found = Vec::new();
    let end = warm_up_ms.saturating_add(horizon_ms);
    let mut now = 0_u64;
    for occasion in 0.. {
        let mut draws = Draws::keyed(seed, replication, node, purpose, occasion);
        let start = now.saturating_add(to_ms(gap_h(&mut draws)).max(1));
        if start >= end {
            break;
        }
        now = start;
        let Some((hours, mark)) = length_h(&mut draws, start as i64 - warm_up_ms as i64) else { continue };
        now = start.saturating_add(to_ms(hours).max(1));
        if start >= warm_up_ms {
            let spell = Spell { start_ms: start - warm_up_ms, end_ms: now.min(end) - warm_up_ms };
            found.push((spell, mark));
        }
    }
    found
}

/// Sorts by start and joins what overlaps or touches; a joined spell keeps the mark of the part that began it.
pub(crate) fn union<T: Copy>(mut spells: Vec<(Spell, T)>) -> Vec<(Spell, T)> {
    spells.sort_by_key(|(s, _)| (s.start_ms, s.end_ms));
    let mut joined: Vec<(Spell, T)> = Vec::with_capacity(spells.len());
    for (spell, mark) in spells {
        match joined.last_mut() {
            Some((last, _)) if spell.start_ms <= last.end_ms => last.end_ms = last.end_ms.max(spell.end_ms),
            _ => joined.push((spell, mark)),
        }
    }
    joined
}

/// A lognormal length between two bounds, redrawn until it fits: clipping would heap spells on the bounds.
pub(crate) fn bounded_lognormal(draws: &mut Draws, median: f64, sigma: f64, least: f64, most: f64) -> f64 {
    for _ in 0..64 {
        let x = draws.lognormal(median, sigma);
        if (least..=most).contains(&x) {
            return x;
        }
    }
    median.clamp(least, most)
}

/// Hours to milliseconds, saturating.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn to_ms(hours: f64) -> u64 {
    (hours * 3_600_000.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn union_joins_what_touches() {
        let s = |a, b, c| (Spell { start_ms: a, end_ms: b }, c);
        let joined = union(vec![s(50, 60, 'x'), s(10, 20, 'a'), s(15, 30, 'b'), s(30, 31, 'c')]);
        assert_eq!(joined, [s(10, 31, 'a'), s(50, 60, 'x')]);
    }

    #[test]
    fn a_longer_horizon_only_adds() {
        let run = |h| {
            let lengths = |d: &mut Draws| (d.lognormal(1.0, 1.0), ());
            renewal(1, 0, NodeKey(9), Purpose::named("t"), 20.0, h * HOUR_MS, lengths)
        };
        let (short, long) = (run(1000), run(5000));
        let whole = short.len() - 1;
        assert_eq!(short[..whole], long[..whole]);
        assert!(long.windows(2).all(|w| w[0].0.end_ms < w[1].0.start_ms));
    }
}
