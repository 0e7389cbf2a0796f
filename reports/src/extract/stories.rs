//! The longest darknesses as stories: whole spells, those of several customers that share chain and time in one.

use std::collections::BTreeMap;

use taa_scenarios::model::Scenario;
use taa_sim::{cause::Chain, records::Downtime};

use crate::{
    data::{DAY_MS, HOUR_MS, Hit, Phase, Story},
    prose,
};

/// Stories told per architecture.
const STORIES: usize = 5;
/// A part of a spell is told when it holds this share of it.
const PHASE_SHARE: f64 = 0.1;
/// And no more parts than these.
const PHASES: usize = 3;

/// One customer's unbroken darkness.
struct Spell {
    customer: u32,
    from_ms: u64,
    until_ms: u64,
    open_end: bool,
    /// Rows in order of time.
    rows: Vec<usize>,
    /// The chain and class that hold most of it.
    main: (Chain, u8),
}

impl Spell {
    fn length(&self) -> u64 {
        self.until_ms - self.from_ms
    }

    /// Time in both.
    fn overlap(&self, other: &Self) -> u64 {
        self.until_ms.min(other.until_ms).saturating_sub(self.from_ms.max(other.from_ms))
    }
}

/// The longest darknesses, longest first.
pub(super) fn stories(scenario: &Scenario, downtime: &Downtime) -> Vec<Story> {
    let mut spells = spells(downtime);
    spells.sort_by_key(|spell| (std::cmp::Reverse(spell.length()), spell.from_ms, spell.customer));
    let mut told = vec![false; spells.len()];
    let mut out = Vec::new();
    for first in 0..spells.len() {
        if out.len() == STORIES {
            break;
        }
        if told[first] {
            continue;
        }
        // Who was in the dark for the same reason at the same time, for at least half of his own spell.
        let seed = &spells[first];
        let group: Vec<usize> = (first..spells.len())
            .filter(|&i| {
                let other = &spells[i];
                !told[i] && other.main == seed.main && 2 * seed.overlap(other) >= other.length().max(seed.length() / 8)
            })
            .collect();
        group.iter().for_each(|&i| told[i] = true);
        let members: Vec<&Spell> = group.iter().map(|&i| &spells[i]).collect();
        out.push(story(scenario, downtime, &members));
    }
    out
}

fn spells(downtime: &Downtime) -> Vec<Spell> {
    let mut rows: Vec<usize> = (0..downtime.len()).filter(|&i| downtime.start_ms[i] < downtime.end_ms[i]).collect();
    rows.sort_by_key(|&i| (downtime.customer[i], downtime.start_ms[i]));
    let mut out: Vec<Spell> = Vec::new();
    for i in rows {
        match out.last_mut() {
            Some(spell) if spell.customer == downtime.customer[i] && spell.until_ms == downtime.start_ms[i] => {
                spell.until_ms = downtime.end_ms[i];
                spell.open_end = downtime.open_end[i];
                spell.rows.push(i);
            }
            _ => out.push(Spell {
                customer: downtime.customer[i],
                from_ms: downtime.start_ms[i],
                until_ms: downtime.end_ms[i],
                open_end: downtime.open_end[i],
                rows: vec![i],
                main: (Chain::EMPTY, 0),
            }),
        }
    }
    for spell in &mut out {
        let parts = parts(downtime, spell);
        if let Some(&(main, _)) = parts.iter().max_by_key(|(key, ms)| (*ms, std::cmp::Reverse(*key))) {
            spell.main = main;
        }
    }
    out
}

/// The parts of a spell by chain and class, in order of first appearance, with their lengths.
fn parts(downtime: &Downtime, spell: &Spell) -> Vec<((Chain, u8), u64)> {
    let mut out: Vec<((Chain, u8), u64)> = Vec::new();
    for &i in &spell.rows {
        let key = (downtime.chain[i], downtime.class[i] as u8);
        let ms = downtime.end_ms[i] - downtime.start_ms[i];
        match out.iter_mut().find(|(k, _)| *k == key) {
            Some((_, sum)) => *sum += ms,
            None => out.push((key, ms)),
        }
    }
    out
}

fn story(scenario: &Scenario, downtime: &Downtime, members: &[&Spell]) -> Story {
    // The seed is the longest and comes first.
    let seed = members[0];
    let mut lengths: Vec<u64> = members.iter().map(|spell| spell.length()).collect();
    lengths.sort_unstable();
    let mut customers: Vec<u32> = members.iter().map(|spell| spell.customer).collect();
    customers.sort_unstable();
    customers.dedup();
    let village = &scenario.village;
    let feeder_of = |customer: u32| village.customers.get(customer as usize).map(|c| c.feeder);
    let feeder = feeder_of(seed.customer)
        .filter(|feeder| village.feeders.len() > 1 && customers.iter().all(|&c| feeder_of(c).as_ref() == Some(feeder)));
    let mut phases = parts(downtime, seed);
    let least = (seed.length() as f64 * PHASE_SHARE) as u64;
    let mut longest: Vec<u64> = phases.iter().map(|(_, ms)| *ms).collect();
    longest.sort_unstable_by(|a, b| b.cmp(a));
    let least = least.max(longest.get(PHASES).map_or(0, |ms| ms + 1));
    phases.retain(|(key, ms)| *ms >= least || *key == seed.main);
    Story {
        from_ms: members.iter().map(|spell| spell.from_ms).min().unwrap_or(seed.from_ms),
        until_ms: members.iter().map(|spell| spell.until_ms).max().unwrap_or(seed.until_ms),
        longest_ms: seed.length(),
        median_ms: lengths[lengths.len() / 2],
        customers: u32::try_from(customers.len()).unwrap_or(u32::MAX),
        name: match customers.as_slice() {
            [one] => village.customers.get(*one as usize).map(|customer| customer.id.clone()),
            _ => None,
        },
        feeder: feeder.and_then(|f| village.feeders.get(f as usize)).map(|feeder| feeder.id.clone()),
        lost_ms: lengths.iter().sum(),
        phases: phases
            .into_iter()
            .map(|((chain, class), ms)| Phase { ms, class, because: prose::clauses(chain, scenario) })
            .collect(),
        open_end: seed.open_end,
    }
}

/// Whom each root cause hits and when; `row_of` gives the cause of every row of the table.
pub(super) fn hits(causes: usize, downtime: &Downtime, row_of: &[u32]) -> Vec<Hit> {
    let mut out = vec![Hit::default(); causes];
    let mut days: Vec<Vec<u64>> = vec![Vec::new(); causes];
    // (cause, customer) → end and length of the spell that may go on.
    let mut running: BTreeMap<(u32, u32), (u64, u64)> = BTreeMap::new();
    let mut order: Vec<usize> = (0..downtime.len()).collect();
    order.sort_by_key(|&i| (downtime.customer[i], downtime.start_ms[i]));
    for i in order {
        let (cause, customer) = (row_of[i], downtime.customer[i]);
        let (start, end) = (downtime.start_ms[i], downtime.end_ms[i]);
        let hit = &mut out[cause as usize];
        let spell = match running.get(&(cause, customer)) {
            Some(&(until, length)) if until == start => length + (end - start),
            Some(_) => end - start,
            None => {
                hit.customers += 1;
                end - start
            }
        };
        running.insert((cause, customer), (end, spell));
        hit.longest_ms = hit.longest_ms.max(spell);
        let by_day = &mut days[cause as usize];
        let mut at = start;
        while at < end {
            let until = end.min((at / (6 * HOUR_MS) + 1) * 6 * HOUR_MS);
            hit.by_quarter_ms[(at % DAY_MS / (6 * HOUR_MS)) as usize] += until - at;
            let day = (at / DAY_MS) as usize;
            if by_day.len() <= day {
                by_day.resize(day + 1, 0);
            }
            by_day[day] += until - at;
            at = until;
        }
    }
    for (hit, by_day) in out.iter_mut().zip(&days) {
        hit.half_within_days = shortest_half(by_day);
    }
    out
}

/// First and last day of the shortest stretch that holds half of the sum, the earliest of equals.
fn shortest_half(by_day: &[u64]) -> [u32; 2] {
    let half = by_day.iter().sum::<u64>().div_ceil(2);
    let (mut first, mut held) = (0, 0);
    let mut best: Option<(usize, usize)> = None;
    for (last, &ms) in by_day.iter().enumerate() {
        held += ms;
        while first < last && held - by_day[first] >= half {
            held -= by_day[first];
            first += 1;
        }
        if held >= half && best.is_none_or(|(f, l)| last - first < l - f) {
            best = Some((first, last));
        }
    }
    let (first, last) = best.unwrap_or((0, 0));
    [first as u32, last as u32]
}

#[cfg(test)]
mod tests {
    use super::shortest_half;

    #[test]
    fn half_of_it_lies_in_the_shortest_stretch() {
        assert_eq!(shortest_half(&[0, 1, 0, 5, 5, 0, 1]), [3, 4]);
        assert_eq!(shortest_half(&[1, 1, 1, 1]), [0, 1]);
        assert_eq!(shortest_half(&[]), [0, 0]);
    }
}
