//! Tickets: what has failed, since when, for whom. A fold over notes.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    MeterIx,
    journal::{Entry, Record},
};

use super::{Ending, Ground, Member, OutageNote, Place, Spell};

/// Closed tickets kept for people to read; the indices have all of them.
const CLOSED_MAX: usize = 64;
/// IEEE 1366: longer is a sustained interruption, shorter a momentary one.
const SUSTAINED_MS: i64 = 300_000;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Where.
    pub place: Place,
    /// How sure, per mille.
    pub confidence_pm: u16,
    /// On what ground.
    pub ground: Ground,
    /// When it was opened, Unix milliseconds; `None`: the clock was not set.
    pub opened_ms: Option<i64>,
    /// When it was closed.
    pub closed_ms: Option<i64>,
    /// How it ended, once it has.
    pub ending: Option<Ending>,
    /// Who is, or was, dark.
    pub members: BTreeMap<MeterIx, TicketMember>,
}

/// A meter of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketMember {
    /// Number of its outage; 0: it was not heard.
    pub event: u32,
    /// Since when, Unix milliseconds; `None`: the clock was not set.
    pub dark_ms: Option<i64>,
    /// Until when; `None`: still, or the clock was not set.
    pub lit_ms: Option<i64>,
    /// It is lit again, and has answered.
    pub restored: bool,
}

impl Ticket {
    /// Meters that are still dark.
    pub fn dark(&self) -> impl Iterator<Item = MeterIx> + '_ {
        self.members.iter().filter(|(_, member)| !member.restored).map(|(meter, _)| *meter)
    }

    /// At least one of its meters is lit again.
    #[must_use]
    pub fn is_returning(&self) -> bool {
        self.members.values().any(|member| member.restored)
    }

    /// Notifications that this one stood for: one was sent.
    #[must_use]
    pub fn suppressed(&self) -> usize {
        self.members.len().saturating_sub(1)
    }
}

/// Sums for the indices of IEEE 1366, over interruptions that are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indices {
    /// Customers interrupted for longer than five minutes, each outage counted.
    pub sustained: u64,
    /// For how long together, ms.
    pub sustained_ms: u64,
    /// Shorter interruptions.
    pub momentary: u64,
    /// Interruptions whose length nobody knows: the clock was not set.
    pub untimed: u64,
}

impl Indices {
    /// SAIDI so far: milliseconds of sustained interruption per customer served.
    #[must_use]
    pub fn saidi_ms(&self, customers: u32) -> Option<u64> {
        self.sustained_ms.checked_div(u64::from(customers))
    }

    /// SAIFI so far: sustained interruptions per thousand customers served.
    #[must_use]
    pub fn saifi_per_thousand(&self, customers: u32) -> Option<u64> {
        self.sustained.saturating_mul(1000).checked_div(u64::from(customers))
    }

    fn count(&mut self, member: &TicketMember) {
        let one = Self::of(member);
        self.each(&one, u64::saturating_add);
    }

    /// It was counted, and is known better now.
    fn uncount(&mut self, member: &TicketMember) {
        let one = Self::of(member);
        self.each(&one, u64::saturating_sub);
    }

    fn of(member: &TicketMember) -> Self {
        match member.dark_ms.zip(member.lit_ms).map(|(from, to)| to.saturating_sub(from)) {
            None => Self { untimed: 1, ..Self::default() },
            Some(ms) if ms > SUSTAINED_MS => Self { sustained: 1, sustained_ms: ms.unsigned_abs(), ..Self::default() },
            Some(_) => Self { momentary: 1, ..Self::default() },
        }
    }

    fn each(&mut self, other: &Self, with: impl Fn(u64, u64) -> u64) {
        self.sustained = with(self.sustained, other.sustained);
        self.sustained_ms = with(self.sustained_ms, other.sustained_ms);
        self.momentary = with(self.momentary, other.momentary);
        self.untimed = with(self.untimed, other.untimed);
    }
}

/// All that is remembered of outages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outages {
    open: BTreeMap<u64, Ticket>,
    closed: VecDeque<(u64, Ticket)>,
    /// Newest outage of each meter that is recorded.
    events: BTreeMap<MeterIx, u32>,
    indices: Indices,
    opened: u64,
}

impl Outages {
    /// As a journal tells them, from its beginning or from a checkpoint on.
    #[must_use]
    pub fn of_journal<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut outages = Self::default();
        for record in records {
            match &record.entry {
                Entry::Checkpoint(state) => outages = state.outages().clone(),
                Entry::Outage(note) => outages.apply(record.number, record.stamp.unix_ms, note),
                _ => {}
            }
        }
        outages
    }

    /// Open tickets, by number.
    #[must_use]
    pub const fn open(&self) -> &BTreeMap<u64, Ticket> {
        &self.open
    }

    /// The last closed tickets, oldest first.
    pub fn closed(&self) -> impl Iterator<Item = (u64, &Ticket)> {
        self.closed.iter().map(|(number, ticket)| (*number, ticket))
    }

    /// Tickets ever opened: as many notifications.
    #[must_use]
    pub const fn opened(&self) -> u64 {
        self.opened
    }

    /// Sums for the indices.
    #[must_use]
    pub const fn indices(&self) -> &Indices {
        &self.indices
    }

    /// The sums with those who are dark still, as if they were lit again at this moment.
    #[must_use]
    pub fn indices_at(&self, unix_ms: i64) -> Indices {
        let mut indices = self.indices;
        for member in self.open.values().flat_map(|ticket| ticket.members.values()).filter(|one| !one.restored) {
            indices.count(&TicketMember { lit_ms: Some(unix_ms), ..*member });
        }
        indices
    }

    /// As these notes tell them: the number of each record, and when it was written, Unix ms.
    #[must_use]
    pub fn of_notes<'a>(notes: impl IntoIterator<Item = (u64, i64, &'a OutageNote)>) -> Self {
        let mut outages = Self::default();
        notes.into_iter().for_each(|(number, unix_ms, note)| outages.apply(number, Some(unix_ms), note));
        outages
    }

    /// The open ticket in which the meter is dark.
    #[must_use]
    pub fn ticket_of(&self, meter: MeterIx) -> Option<u64> {
        let dark = |ticket: &Ticket| ticket.members.get(&meter).is_some_and(|member| !member.restored);
        self.open.iter().find(|(_, ticket)| dark(ticket)).map(|(number, _)| *number)
    }

    /// Number of the meter's newest outage on record; 0 for none.
    #[must_use]
    pub fn last_event(&self, meter: MeterIx) -> u32 {
        self.events.get(&meter).copied().unwrap_or(0)
    }

    /// Takes the note of record `number`.
    pub(crate) fn apply(&mut self, number: u64, unix_ms: Option<i64>, note: &OutageNote) {
        match note {
            OutageNote::Opened { place, confidence_pm, ground, members } => {
                let ticket = Ticket {
                    place: place.clone(),
                    confidence_pm: *confidence_pm,
                    ground: *ground,
                    opened_ms: unix_ms,
                    closed_ms: None,
                    ending: None,
                    members: BTreeMap::new(),
                };
                self.opened = self.opened.saturating_add(1);
                self.open.insert(number, ticket);
                self.join(number, unix_ms, members);
            }
            OutageNote::Joined { ticket, members } => self.join(*ticket, unix_ms, members),
            OutageNote::Moved { ticket, place, confidence_pm, members } => {
                if let Some(moved) = self.open.get_mut(ticket) {
                    (moved.place, moved.confidence_pm) = (place.clone(), *confidence_pm);
                }
                self.join(*ticket, unix_ms, members);
            }
            OutageNote::Withdrawn { ticket, meters } => {
                if let Some(ticket) = self.open.get_mut(ticket) {
                    ticket.members.retain(|meter, _| !meters.contains(meter));
                }
            }
            OutageNote::Restored { ticket, meter, ago_ms } => {
                let member = self.open.get_mut(ticket).and_then(|ticket| ticket.members.get_mut(meter));
                if let Some(member) = member.filter(|member| !member.restored) {
                    member.restored = true;
                    member.lit_ms = before(unix_ms, *ago_ms);
                    self.indices.count(member);
                }
            }
            OutageNote::Closed { ticket, how } => self.close(*ticket, unix_ms, *how),
            OutageNote::Brief { meter, event } => {
                self.note_event(*meter, *event);
                self.indices.momentary = self.indices.momentary.saturating_add(1);
            }
            OutageNote::Settled { ticket, spells, never, twice } => {
                let out: Vec<MeterIx> = never.iter().chain(twice).copied().collect();
                self.settle(*ticket, unix_ms, spells, &out);
            }
            OutageNote::Missed(spell) => {
                self.note_event(spell.meter, spell.event);
                self.indices.count(&known(spell, unix_ms, None));
            }
        }
    }

    /// What was counted of these is counted anew, as it is known now.
    fn settle(&mut self, number: u64, unix_ms: Option<i64>, spells: &[Spell], out: &[MeterIx]) {
        spells.iter().for_each(|spell| self.note_event(spell.meter, spell.event));
        let closed = self.closed.iter_mut().find(|(closed, _)| *closed == number).map(|(_, ticket)| ticket);
        let Some(ticket) = self.open.get_mut(&number).or(closed) else { return };
        for meter in out {
            if let Some(member) = ticket.members.remove(meter).filter(|member| member.restored) {
                self.indices.uncount(&member);
            }
        }
        for spell in spells {
            let before = ticket.members.get(&spell.meter);
            // It is dark again: that is not what was settled.
            if before.is_some_and(|member| !member.restored) {
                continue;
            }
            let member = known(spell, unix_ms, before);
            if let Some(before) = ticket.members.insert(spell.meter, member) {
                self.indices.uncount(&before);
            }
            self.indices.count(&member);
        }
        if let Some(ending @ (Ending::Restored | Ending::Withdrawn)) = &mut ticket.ending {
            *ending = if ticket.members.is_empty() { Ending::Withdrawn } else { Ending::Restored };
        }
    }

    fn join(&mut self, ticket: u64, unix_ms: Option<i64>, members: &[Member]) {
        for member in members {
            self.note_event(member.meter, member.event);
            let dark_ms = before(unix_ms, member.ago_ms);
            let fresh = TicketMember { event: member.event, dark_ms, lit_ms: None, restored: false };
            let Some(ticket) = self.open.get_mut(&ticket) else { return };
            let known = ticket.members.entry(member.meter).or_insert(fresh);
            if known.restored {
                *known = fresh;
            } else {
                known.event = known.event.max(member.event);
            }
        }
    }

    fn close(&mut self, number: u64, unix_ms: Option<i64>, how: Ending) {
        let Some(mut ticket) = self.open.remove(&number) else { return };
        if let Ending::Merged(into) = how
            && let Some(into) = self.open.get_mut(&into)
        {
            for (meter, member) in std::mem::take(&mut ticket.members) {
                let known = into.members.entry(meter).or_insert(member);
                if known.dark_ms > member.dark_ms && !known.restored {
                    known.dark_ms = member.dark_ms;
                }
            }
        }
        (ticket.closed_ms, ticket.ending) = (unix_ms, Some(how));
        if self.closed.len() >= CLOSED_MAX {
            self.closed.pop_front();
        }
        self.closed.push_back((number, ticket));
    }

    fn note_event(&mut self, meter: MeterIx, event: u32) {
        if event > 0 {
            let newest = self.events.entry(meter).or_insert(0);
            *newest = (*newest).max(event);
        }
    }
}

/// A member as it is known once its outage is over.
fn known(spell: &Spell, unix_ms: Option<i64>, before: Option<&TicketMember>) -> TicketMember {
    let ago = |ago_ms| self::before(unix_ms, ago_ms);
    TicketMember {
        event: spell.event,
        dark_ms: spell.dark_ago_ms.map_or_else(|| before.and_then(|member| member.dark_ms), ago),
        lit_ms: ago(spell.lit_ago_ms),
        restored: true,
    }
}

fn before(unix_ms: Option<i64>, ago_ms: u32) -> Option<i64> {
    unix_ms.map(|ms| ms.saturating_sub(i64::from(ago_ms)))
}
