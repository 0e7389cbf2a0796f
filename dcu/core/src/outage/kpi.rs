//! How good the detection is, against a truth that only a simulator has.

use std::collections::{BTreeMap, BTreeSet};

use crate::MeterIx;

use super::{Ending, OutageNote};

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

/// What tickets have claimed, customer by customer, from their notes in order: the number of each record, when it was
/// written (ms on the truth's clock), and what it says. A claim that was withdrawn was made all the same; it ends there.
pub fn claims<'a>(notes: impl IntoIterator<Item = (u64, i64, &'a OutageNote)>) -> Vec<Found> {
    let mut claims = Claims::default();
    for (number, told_ms, note) in notes {
        claims.take(number, told_ms, note);
    }
    let Claims { found, twice, .. } = claims;
    found.into_iter().enumerate().filter(|(at, _)| !twice.contains(at)).map(|(_, claim)| claim).collect()
}

#[derive(Default)]
struct Claims {
    found: Vec<Found>,
    /// Of each member of a ticket that is dark: its claim.
    open: BTreeMap<(u64, MeterIx), usize>,
    /// Of each that is lit again: its last one.
    over: BTreeMap<(u64, MeterIx), usize>,
    /// Those that another one says as well.
    twice: BTreeSet<usize>,
}

impl Claims {
    fn take(&mut self, number: u64, told_ms: i64, note: &OutageNote) {
        let ticket = note.ticket(number);
        let ago = |ago_ms: u32| told_ms.saturating_sub(i64::from(ago_ms));
        match note {
            OutageNote::Opened { members, .. }
            | OutageNote::Joined { members, .. }
            | OutageNote::Moved { members, .. } => {
                for member in members {
                    self.open.entry((ticket, member.meter)).or_insert_with(|| {
                        let from_ms = ago(member.ago_ms);
                        self.found.push(Found { meter: member.meter, from_ms, to_ms: i64::MAX, told_ms });
                        self.found.len().saturating_sub(1)
                    });
                }
            }
            OutageNote::Restored { meter, ago_ms, .. } => self.end(ticket, *meter, ago(*ago_ms)),
            OutageNote::Withdrawn { meters, .. } => {
                meters.iter().for_each(|meter| self.end(ticket, *meter, told_ms));
            }
            OutageNote::Closed { how: Ending::Merged(into), .. } => {
                for (meter, at) in of_ticket(&self.over, ticket) {
                    self.over.remove(&(ticket, meter));
                    self.over.entry((*into, meter)).or_insert(at);
                }
                for (meter, at) in of_ticket(&self.open, ticket) {
                    self.open.remove(&(ticket, meter));
                    let kept = *self.open.entry((*into, meter)).or_insert(at);
                    if kept != at {
                        self.same(kept, at);
                    }
                }
            }
            OutageNote::Closed { .. } => {
                of_ticket(&self.open, ticket).into_iter().for_each(|(meter, _)| self.end(ticket, meter, told_ms));
            }
            OutageNote::Settled { spells, twice, .. } => {
                for meter in twice {
                    self.twice.extend(self.over.remove(&(ticket, *meter)));
                }
                for spell in spells {
                    let claim = self.over.get(&(ticket, spell.meter)).and_then(|at| self.found.get_mut(*at));
                    if let Some(claim) = claim {
                        claim.from_ms = spell.dark_ago_ms.map_or(claim.from_ms, ago);
                        claim.to_ms = ago(spell.lit_ago_ms).max(claim.from_ms);
                    }
                }
            }
            OutageNote::Brief { .. } | OutageNote::Missed(_) => {}
        }
    }

    /// Both tickets name the meter: that is one claim, as old as the older.
    fn same(&mut self, kept: usize, other: usize) {
        let Some(other_claim) = self.found.get(other).copied() else { return };
        if let Some(claim) = self.found.get_mut(kept) {
            claim.from_ms = claim.from_ms.min(other_claim.from_ms);
            claim.told_ms = claim.told_ms.min(other_claim.told_ms);
            self.twice.insert(other);
        }
    }

    fn end(&mut self, ticket: u64, meter: MeterIx, to_ms: i64) {
        let Some(at) = self.open.remove(&(ticket, meter)) else { return };
        self.over.insert((ticket, meter), at);
        if let Some(claim) = self.found.get_mut(at) {
            claim.to_ms = to_ms.max(claim.from_ms);
        }
    }
}

fn of_ticket(claims: &BTreeMap<(u64, MeterIx), usize>, ticket: u64) -> Vec<(MeterIx, usize)> {
    let all = claims.range((ticket, MeterIx(0))..=(ticket, MeterIx(u32::MAX)));
    all.map(|((_, meter), at)| (*meter, *at)).collect()
}

/// Compares tickets with the truth, customer by customer. A claim is true where it overlaps an outage of that customer;
/// `slack_ms` is added at both its ends, for what a meter takes to notice and a ticket to be closed.
#[must_use]
pub fn detection(truth: &[TrueOutage], found: &[Found], slack_ms: i64) -> Detection {
    let mut claims: BTreeMap<MeterIx, Vec<&Found>> = BTreeMap::new();
    found.iter().for_each(|claim| claims.entry(claim.meter).or_default().push(claim));
    let mut outages: BTreeMap<MeterIx, Vec<&TrueOutage>> = BTreeMap::new();
    truth.iter().for_each(|outage| outages.entry(outage.meter).or_default().push(outage));
    let overlaps = |outage: &TrueOutage, claim: &Found| {
        claim.from_ms <= outage.to_ms.saturating_add(slack_ms) && outage.from_ms <= claim.to_ms.saturating_add(slack_ms)
    };
    let mut latencies = Vec::new();
    for outage in truth {
        let of_it = claims.get(&outage.meter).into_iter().flatten().filter(|claim| overlaps(outage, claim));
        let first = of_it.map(|claim| claim.told_ms).min();
        latencies.extend(first.map(|told| u64::try_from(told.saturating_sub(outage.from_ms)).unwrap_or(0)));
    }
    latencies.sort_unstable();
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let is_true = |claim: &&Found| outages.get(&claim.meter).into_iter().flatten().any(|one| overlaps(one, claim));
    // The smallest that is not below 95 % of them.
    let rank = latencies.len().saturating_mul(95).div_ceil(100).saturating_sub(1);
    Detection {
        outages: count(truth.len()),
        detected: count(latencies.len()),
        claimed: count(found.len()),
        correct: count(found.iter().filter(is_true).count()),
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
    use crate::outage::{Ground, Member, Outages, Place};

    /// A narrow fault is taken into a wider one that names its meter as well: one claim, and it ends.
    #[test]
    fn a_meter_of_two_tickets_that_become_one_is_claimed_once() {
        let member = |meter| Member { meter: MeterIx(meter), event: 1, ago_ms: 0 };
        let opened = |members: &[u32]| OutageNote::Opened {
            place: Place::Device("f1".to_owned()),
            confidence_pm: 900,
            ground: Ground::Gasps,
            members: members.iter().map(|meter| member(*meter)).collect(),
        };
        let restored = |meter| OutageNote::Restored { ticket: 1, meter: MeterIx(meter), ago_ms: 0 };
        let notes = [
            (1, 4000, opened(&[0])),
            (2, 1000, opened(&[1])),
            (3, 5000, OutageNote::Joined { ticket: 1, members: vec![member(1)] }),
            (4, 5000, OutageNote::Closed { ticket: 2, how: Ending::Merged(1) }),
            (5, 900_000, restored(0)),
            (6, 900_000, restored(1)),
        ];
        let found = claims(notes.iter().map(|(number, at, note)| (*number, *at, note)));
        let spells: Vec<_> = found.iter().map(|one| (one.meter.0, one.from_ms, one.to_ms, one.told_ms)).collect();
        assert_eq!(spells, [(0, 4000, 900_000, 4000), (1, 1000, 900_000, 1000)]);
        let of_notes = Outages::of_notes(notes.iter().map(|(number, at, note)| (*number, *at, note)));
        let indices = of_notes.indices();
        assert_eq!((indices.sustained, indices.sustained_ms), (2, 896_000 + 899_000), "as the tickets count");
    }

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
