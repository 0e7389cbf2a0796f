//! What is known of a fault's members once they are back: who was dark, from when until when.
//!
//! A ticket names all meters behind the fault, heard or not, and each counts as restored when it has answered. Both are
//! too much: a meter without voltage of its own may have been lit all the time, and one that was dark takes minutes to find
//! its way back into the mesh before it can answer. So some minutes after the last of them has answered it is settled:
//!
//! | what is known | it was |
//! |---|---|
//! | it gasped, or a Power Up told of this outage | dark |
//! | it answered while those it shares its line with were still dark, at the first try | lit |
//! | the same, after exchanges that failed | lit, where the others hang on the very same device |
//! | it answered after them | what is more likely: as often as others were lit behind a fault, and as dark ones did not tell; exchanges that failed speak for dark |
//!
//! It is lit again since it said so itself; or since a breaker did; or since most of its neighbours did, those
//! on the same device before those farther up; or, where nobody could tell, since the first dark one of them answered.

use std::collections::BTreeMap;

use crate::MeterIx;

use super::{Ending, Network, OutageNote, Spell};

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_S: u64 = 1_000_000_000;
/// So long after the last answer nothing more is expected: a Power Up is spread over half a minute and tried five times.
const SETTLE_NS: u64 = 180 * NS_PER_S;
/// Who answers no later than this after its neighbours were back came back with them (assumed: the time a meter needs to
/// find its way into the mesh where a whole village does).
const REJOIN_NS: u64 = 1800 * NS_PER_S;
/// Answers so long before the others' return are well before it; times that differ by less are the same.
const SLACK_NS: u64 = 5 * NS_PER_S;
/// Tickets are known for so long after they were closed: another one may name the same meters for the same outage.
const KEPT_NS: u64 = 7200 * NS_PER_S;
/// Of those behind a fault so many percent are lit all the same (the map is wrong, or a house feeds itself), before
/// anything is known of them; it weighs like two meters.
const LIT_PERCENT: u64 = 2;

/// One member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// `None`: since before this boot.
    dark_at: Option<u64>,
    /// Number of its outage, where it has told.
    event: u32,
    gasped: bool,
    /// Exchanges that failed since.
    failed: u32,
    answered_at: Option<u64>,
    /// As it has told itself.
    back_at: Option<u64>,
    /// What the journal has: it is lit since then.
    told_lit: Option<u64>,
    /// The journal has it as never dark.
    withdrawn: bool,
    settled: bool,
}

impl Seen {
    /// The same outage of the same meter, as two tickets have it.
    fn overlaps(&self, other: &Self) -> bool {
        let spell = |seen: &Self| (seen.dark_at.unwrap_or(0), seen.answered_at.unwrap_or(u64::MAX));
        let ((from, to), (other_from, other_to)) = (spell(self), spell(other));
        from < other_to && other_from < to
    }

    /// Both tickets are one by now.
    fn merge(&mut self, other: &Self) {
        self.dark_at = self.dark_at.min(other.dark_at);
        self.event = self.event.max(other.event);
        self.gasped |= other.gasped;
        self.failed = self.failed.max(other.failed);
        self.back_at = self.back_at.or(other.back_at);
    }

    const fn is_proven(&self) -> bool {
        self.gasped || self.event != 0 || self.back_at.is_some()
    }
}

/// The members of one ticket.
#[derive(Clone, Debug, Default)]
struct Story {
    members: BTreeMap<MeterIx, Seen>,
    due: Option<u64>,
    closed_at: Option<u64>,
}

/// Of tickets that are open, or were a moment ago.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stories {
    of: BTreeMap<u64, Story>,
    /// Of all that was settled in this boot.
    known: Tally,
}

/// What those behind one device tell of its return.
#[derive(Clone, Debug, Default)]
struct Return {
    /// When they were lit again, as they or a breaker told; in order.
    told: Vec<u64>,
    /// When the first one that was dark for certain has answered.
    answered: Option<u64>,
}

impl Stories {
    /// A ticket of before this boot. Who is still dark there has been asked, for all that is known.
    pub(crate) fn resume(&mut self, ticket: u64, dark: impl Iterator<Item = (MeterIx, u32)>) {
        let seen = |event| Seen { event, gasped: event != 0, failed: 1, ..Seen::default() };
        let members = dark.map(|(meter, event)| (meter, seen(event))).collect();
        self.of.insert(ticket, Story { members, ..Story::default() });
    }

    /// A note was recorded. `failed` tells how many exchanges with a meter have failed since this time.
    pub(crate) fn take(&mut self, now: u64, number: u64, note: &OutageNote, failed: impl Fn(MeterIx, u64) -> u32) {
        let ticket = note.ticket(number);
        match note {
            OutageNote::Opened { members, .. }
            | OutageNote::Joined { members, .. }
            | OutageNote::Moved { members, .. } => {
                let story = self.of.entry(ticket).or_default();
                for member in members {
                    let dark_at = now.saturating_sub(u64::from(member.ago_ms).saturating_mul(NS_PER_MS));
                    let fresh =
                        Seen { dark_at: Some(dark_at), failed: failed(member.meter, dark_at), ..Seen::default() };
                    let seen = story.members.entry(member.meter).or_insert(fresh);
                    if seen.answered_at.is_some() {
                        *seen = fresh;
                    }
                    (seen.event, seen.gasped) = (seen.event.max(member.event), seen.gasped || member.is_heard());
                }
            }
            OutageNote::Restored { meter, ago_ms, .. } => {
                let lit = now.saturating_sub(u64::from(*ago_ms).saturating_mul(NS_PER_MS));
                self.answered(now, ticket, *meter, |seen| seen.told_lit = Some(lit));
            }
            OutageNote::Withdrawn { meters, .. } => {
                for meter in meters {
                    self.answered(now, ticket, *meter, |seen| seen.withdrawn = true);
                }
            }
            OutageNote::Closed { how: Ending::Cleared, .. } => _ = self.of.remove(&ticket),
            OutageNote::Closed { how: Ending::Merged(into), .. } => {
                let Some(story) = self.of.remove(&ticket) else { return };
                let into = self.of.entry(*into).or_default();
                into.due = into.due.max(story.due);
                for (meter, seen) in story.members {
                    into.members.entry(meter).and_modify(|known| known.merge(&seen)).or_insert(seen);
                }
            }
            OutageNote::Closed { .. } => {
                if let Some(story) = self.of.get_mut(&ticket) {
                    (story.closed_at, story.due) = (Some(now), Some(now.saturating_add(SETTLE_NS)));
                }
            }
            OutageNote::Brief { .. } | OutageNote::Settled { .. } | OutageNote::Missed(_) => {}
        }
    }

    fn answered(&mut self, now: u64, ticket: u64, meter: MeterIx, change: impl FnOnce(&mut Seen)) {
        let Some(story) = self.of.get_mut(&ticket) else { return };
        if let Some(seen) = story.members.get_mut(&meter) {
            seen.answered_at = Some(now);
            change(seen);
        }
        story.due = Some(now.saturating_add(SETTLE_NS));
    }

    /// An exchange with this meter has failed.
    pub(crate) fn silent(&mut self, meter: MeterIx) {
        let members = self.of.values_mut().filter_map(|story| story.members.get_mut(&meter));
        for seen in members.filter(|seen| seen.answered_at.is_none()) {
            seen.failed = seen.failed.saturating_add(1);
        }
    }

    /// A meter tells that outage `event` is over since `back_at`. False where that is none of those known here.
    pub(crate) fn back(&mut self, now: u64, meter: MeterIx, event: u32, back_at: u64) -> bool {
        let mut found = false;
        for story in self.of.values_mut() {
            let Some(seen) = story.members.get_mut(&meter) else { continue };
            // One that was not heard as it went has told no number; another outage is none that was over before it began,
            // and none that began after the answer.
            let same = match seen.event {
                0 => {
                    seen.dark_at.is_none_or(|dark| dark <= back_at)
                        && seen.answered_at.is_none_or(|at| back_at <= at.saturating_add(SLACK_NS))
                }
                known => known == event,
            };
            found |= same;
            if same && seen.back_at.is_none() {
                (seen.event, seen.settled) = (event, false);
                seen.back_at = Some(back_at).filter(|back| seen.dark_at.is_none_or(|dark| dark < *back));
                if seen.answered_at.is_some() {
                    story.due.get_or_insert(now.saturating_add(SETTLE_NS));
                }
            }
        }
        found
    }

    /// When one had told that it went that came back between these two moments.
    pub(crate) fn gasped_of(&self, from: u64, to: u64) -> Option<u64> {
        let all = self.of.values().flat_map(|story| story.members.values());
        let same = all.filter(|seen| seen.gasped && seen.back_at.is_some_and(|back| (from..=to).contains(&back)));
        same.filter_map(|seen| seen.dark_at).min()
    }

    /// When something is to be settled.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.of.values().filter_map(|story| story.due).min()
    }

    /// What is settled by now. `revived` tells when a breaker above a meter came back.
    pub(crate) fn settle(
        &mut self,
        now: u64,
        network: &Network,
        revived: impl Fn(MeterIx) -> Option<u64>,
    ) -> Vec<OutageNote> {
        let mut notes = Vec::new();
        let due = |story: &Story| story.due.is_some_and(|due| due <= now);
        let numbers: Vec<u64> = self.of.iter().filter(|(_, story)| due(story)).map(|(number, _)| *number).collect();
        for number in numbers {
            let Some(mut story) = self.of.remove(&number) else { continue };
            story.due = None;
            let twice = self.leave_to_others(number, &mut story);
            let (spells, never) = story.settle(now, network, &revived, &mut self.known);
            if !(spells.is_empty() && never.is_empty() && twice.is_empty()) {
                notes.push(OutageNote::Settled { ticket: number, spells, never, twice });
            }
            self.of.insert(number, story);
        }
        let kept = |story: &Story| story.closed_at.is_none_or(|at| now.saturating_sub(at) < KEPT_NS);
        self.of.retain(|_, story| kept(story) || story.due.is_some());
        notes
    }

    /// A meter that two tickets name for one outage counts in the one that has it longer.
    fn leave_to_others(&self, number: u64, story: &mut Story) -> Vec<MeterIx> {
        let mut twice = Vec::new();
        for (meter, seen) in &mut story.members {
            let counts = |other: u64, of: &Seen| {
                !of.withdrawn && of.overlaps(seen) && (of.dark_at, other) < (seen.dark_at, number)
            };
            let others = self.of.iter().filter_map(|(other, story)| story.members.get(meter).map(|of| (*other, of)));
            if seen.answered_at.is_some() && !seen.settled && others.into_iter().any(|(other, of)| counts(other, of)) {
                // As if it had never been a member: what is known of it is settled there.
                (seen.settled, seen.withdrawn) = (true, true);
                twice.push(*meter);
            }
        }
        twice
    }
}

impl Story {
    /// Who was dark, and who never was.
    fn settle(
        &mut self,
        now: u64,
        network: &Network,
        revived: &impl Fn(MeterIx) -> Option<u64>,
        known: &mut Tally,
    ) -> (Vec<Spell>, Vec<MeterIx>) {
        let told = |meter: MeterIx, seen: &Seen| {
            let by_sign = revived(meter).filter(|at| seen.dark_at.is_some_and(|dark| dark < *at));
            seen.back_at.or(by_sign).filter(|at| seen.answered_at.is_some_and(|answered| *at <= answered))
        };
        let mut returns: BTreeMap<usize, Return> = BTreeMap::new();
        for (meter, seen) in &self.members {
            let told = told(*meter, seen);
            if !seen.is_proven() && told.is_none() {
                continue;
            }
            for device in network.above(*meter) {
                let one = returns.entry(device).or_default();
                one.told.extend(told);
                one.answered = one.answered.into_iter().chain(seen.answered_at).min();
            }
        }
        returns.values_mut().for_each(|one| one.told.sort_unstable());
        let mut tally = *known;
        self.members.values().filter(|seen| !seen.settled).for_each(|seen| tally.count(seen));
        let odds = tally.odds();
        let (mut spells, mut never) = (Vec::new(), Vec::new());
        for (meter, seen) in &mut self.members {
            let Some(answered_at) = seen.answered_at.filter(|_| !seen.settled) else { continue };
            let told = told(*meter, seen);
            let was = if seen.is_proven() || told.is_some() {
                Was::Dark
            } else {
                of_unheard(seen, answered_at, *meter, network, &returns, odds)
            };
            let lit = told.unwrap_or_else(|| with_others(answered_at, seen.dark_at, *meter, network, &returns));
            match was {
                Was::Unsure if self.closed_at.is_none() => continue,
                Was::Lit if seen.withdrawn => {}
                Was::Lit => {
                    seen.withdrawn = true;
                    never.push(*meter);
                }
                // As it stands: nobody knows better.
                Was::Unsure => {}
                Was::Dark => {
                    let as_told = seen.told_lit.is_some_and(|told| told.abs_diff(lit) < SLACK_NS) && !seen.withdrawn;
                    // That it has told its end alone is news as well: the number must not be told again.
                    if !as_told || (seen.event != 0 && !seen.gasped) {
                        (seen.told_lit, seen.withdrawn) = (Some(lit), false);
                        spells.push(Spell {
                            meter: *meter,
                            event: seen.event,
                            dark_ago_ms: seen.dark_at.map(|dark| ms(now.saturating_sub(dark))),
                            lit_ago_ms: ms(now.saturating_sub(lit)),
                        });
                    }
                }
            }
            seen.settled = true;
            known.count(seen);
        }
        (spells, never)
    }
}

/// Members counted by what was heard of them.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    dark: u64,
    lit: u64,
    gasped: u64,
    up: u64,
    both: u64,
}

impl Tally {
    fn count(&mut self, seen: &Seen) {
        let add = |to: &mut u64, is: bool| *to = to.saturating_add(u64::from(is));
        let up = seen.back_at.is_some();
        add(&mut self.dark, seen.is_proven());
        add(&mut self.lit, seen.withdrawn && !seen.is_proven());
        add(&mut self.gasped, seen.gasped);
        add(&mut self.up, up);
        add(&mut self.both, seen.gasped && up);
    }

    /// Of those of which nothing was heard: weights of having been lit, and dark without a sign of it.
    fn odds(&self) -> (u64, u64) {
        // How many of those that told their end had told the beginning, and the other way round.
        let unheard = self.up.saturating_sub(self.both).saturating_add(1);
        let untold = self.gasped.saturating_sub(self.both).saturating_add(1);
        let was_lit = self.lit.saturating_mul(50).saturating_add(LIT_PERCENT);
        let was_dark = self.dark.saturating_mul(50).saturating_add(100_u64.saturating_sub(LIT_PERCENT));
        let all = self.up.saturating_add(2).saturating_mul(self.gasped.saturating_add(2));
        (was_lit.saturating_mul(all), was_dark.saturating_mul(unheard).saturating_mul(untold))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Was {
    Dark,
    Lit,
    /// Nobody it could be held against is back.
    Unsure,
}

/// What becomes of a member of which nothing was heard.
fn of_unheard(
    seen: &Seen,
    answered_at: u64,
    meter: MeterIx,
    network: &Network,
    returns: &BTreeMap<usize, Return>,
    (lit, dark): (u64, u64),
) -> Was {
    let near = network.above(meter).enumerate().find_map(|(up, device)| returns.get(&device).map(|one| (up, one)));
    let Some((up, one)) = near else { return Was::Unsure };
    let Some(back) = middle(&one.told).or(one.answered) else { return Was::Unsure };
    let before = answered_at.saturating_add(SLACK_NS) < back;
    match (before, seen.failed) {
        (true, 0) => Was::Lit,
        (true, _) if up == 0 => Was::Lit,
        (false, failed) if lit > dark.saturating_mul(silence(failed)) => Was::Lit,
        _ => Was::Dark,
    }
}

/// How often a lit meter is silent that often, one time in: as the judgement has it, once for the radio, and however often
/// for one and the same hill.
const fn silence(failed: u32) -> u64 {
    match failed {
        0 => 1,
        1 => 6,
        _ => 20,
    }
}

/// Since when it is lit, if it came back with its neighbours.
fn with_others(
    answered_at: u64,
    dark_at: Option<u64>,
    meter: MeterIx,
    network: &Network,
    returns: &BTreeMap<usize, Return>,
) -> u64 {
    let fits = |at: &u64| {
        dark_at.is_none_or(|dark| dark < *at) && *at <= answered_at && answered_at.saturating_sub(*at) <= REJOIN_NS
    };
    let of = |pick: &dyn Fn(&Return) -> Option<u64>| {
        network.above(meter).filter_map(|device| returns.get(&device).and_then(pick)).find(|at| fits(at))
    };
    let told = of(&|one| {
        let until = one.told.partition_point(|at| *at <= answered_at);
        middle(one.told.get(..until).unwrap_or_default())
    });
    told.or_else(|| of(&|one| one.answered)).unwrap_or(answered_at)
}

/// The median, the lower one of two.
fn middle(sorted: &[u64]) -> Option<u64> {
    sorted.get(sorted.len().saturating_sub(1).div_euclid(2)).copied()
}

fn ms(ns: u64) -> u32 {
    u32::try_from(ns.div_euclid(NS_PER_MS)).unwrap_or(u32::MAX)
}
