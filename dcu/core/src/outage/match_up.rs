//! Faults found against tickets open: what is opened, joined, moved, merged.

use std::collections::BTreeSet;

use crate::MeterIx;

use super::{Ending, Ground, Member, Network, OutageNote, Outages, Place, judge::Fault};

/// What is needed to match.
pub(crate) struct Match<'a> {
    pub(crate) network: &'a Network,
    pub(crate) outages: &'a Outages,
    /// Tickets that may still be moved and merged.
    pub(crate) recent: &'a dyn Fn(u64) -> bool,
    /// A meter as a member of a ticket, as of now; dark since then where it has not told.
    pub(crate) member: &'a dyn Fn(MeterIx, u64) -> Member,
    /// On what ground a fault of these meters stands.
    pub(crate) ground: &'a dyn Fn(&Fault) -> Ground,
}

impl Match<'_> {
    /// The notes that bring the tickets in line with the faults.
    pub(crate) fn notes(&self, faults: &[Fault]) -> Vec<OutageNote> {
        let mut notes = Vec::new();
        let mut taken = BTreeSet::new();
        let mut unknown: Vec<(Fault, Vec<MeterIx>)> = Vec::new();
        for fault in faults {
            // Those that nobody has placed for the same reason are told of together.
            if let Place::Unknown(_) = fault.place {
                match unknown.iter_mut().find(|(one, _)| one.place == fault.place) {
                    Some((_, all)) => all.extend(&fault.dark),
                    None => unknown.push((fault.clone(), fault.dark.clone())),
                }
            } else {
                self.one(fault, &mut taken, &mut notes);
            }
        }
        for (fault, dark) in unknown {
            self.one(&Fault { dark, ..fault }, &mut taken, &mut notes);
        }
        notes
    }

    fn one(&self, fault: &Fault, taken: &mut BTreeSet<u64>, notes: &mut Vec<OutageNote>) {
        let covers = |one: &Place, other: &Place| self.network.covers(one, other);
        let open = self.outages.open().iter().filter(|(number, _)| !taken.contains(*number));
        let same: Vec<u64> = open
            .filter(|(number, ticket)| {
                // An older one takes late-comers in, and stays what it is.
                covers(&ticket.place, &fault.place) || ((self.recent)(**number) && covers(&fault.place, &ticket.place))
            })
            .map(|(number, _)| *number)
            .collect();
        let Some((&first, others)) = same.split_first() else {
            let members = fault.dark.iter().map(|meter| (self.member)(*meter, fault.since)).collect();
            let Fault { place, confidence_pm, .. } = fault.clone();
            let ground = (self.ground)(fault);
            let confidence_pm = if ground == Ground::Silence { confidence_pm.min(500) } else { confidence_pm };
            notes.push(OutageNote::Opened { place, confidence_pm, ground, members });
            return;
        };
        let Some(ticket) = self.outages.open().get(&first) else { return };
        let known = |meter: &MeterIx| ticket.members.get(meter).is_some_and(|member| !member.restored);
        // Of a meter that was heard only now the number is written down, whether or not it is a member.
        let news = |meter: &MeterIx| {
            let member = (self.member)(*meter, fault.since);
            (!known(meter) || member.event > self.outages.last_event(*meter)).then_some(member)
        };
        let members: Vec<Member> = fault.dark.iter().filter_map(news).collect();
        let moves = (self.recent)(first) && ticket.place != fault.place;
        if moves {
            let Fault { place, confidence_pm, .. } = fault.clone();
            notes.push(OutageNote::Moved { ticket: first, place, confidence_pm, members });
        } else if !members.is_empty() {
            notes.push(OutageNote::Joined { ticket: first, members });
        }
        taken.insert(first);
        for other in others.iter().filter(|other| (self.recent)(**other)) {
            taken.insert(*other);
            notes.push(OutageNote::Closed { ticket: *other, how: Ending::Merged(first) });
        }
    }
}
