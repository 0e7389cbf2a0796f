//! What the DCU must not forget of its fetching. Part of the durable state: a fold over the journal.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

use crate::journal::Entry;

/// Most fates kept for the relay. Beyond it the oldest goes: the money is safe, the relay only never hears how it ended.
const FATES_MAX: usize = 512;
/// Most sessions kept. Arbitrary: so many boots whose every answer was lost are still told from a second DCU.
pub(super) const SESSIONS_MAX: usize = 9;

/// What became of a payment at the site, for the relay to tell payer and provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Fate {
    /// On the account.
    Credited = 0,
    /// No such account: in the site's suspense.
    Suspended = 1,
    /// On the account until the provider itself has spoken, as far as the site's limit goes.
    Provisional = 2,
    /// Recorded for the cloud, which keeps the accounts.
    Forwarded = 3,
    /// Its key is known with another amount or account: not taken.
    Conflict = 4,
    /// In another currency than the accounts: not taken.
    WrongCurrency = 5,
    /// Not a payment: not taken.
    Refused = 6,
    /// A receipt alone, and more than the site credits on one: not taken, it waits for the provider's word.
    Unproven = 7,
}

impl Fate {
    /// All of them, by their number.
    pub const ALL: [Self; 8] = [
        Self::Credited,
        Self::Suspended,
        Self::Provisional,
        Self::Forwarded,
        Self::Conflict,
        Self::WrongCurrency,
        Self::Refused,
        Self::Unproven,
    ];

    /// The site has the money; otherwise whoever sent it still has.
    #[must_use]
    pub const fn is_taken(self) -> bool {
        matches!(self, Self::Credited | Self::Suspended | Self::Provisional | Self::Forwarded)
    }
}

/// How far the DCU has got with the relay's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    epoch: u64,
    cursor: u64,
    fates: VecDeque<(u64, Fate)>,
    fates_dropped: u64,
    sessions: Vec<u64>,
}

impl Inbox {
    /// Epoch of the relay in which the cursor's number was given; 0 before any.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Every payment up to this number has been dealt with; 0 before any.
    #[must_use]
    pub const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// What became of payments, by number, where the relay may not have heard it.
    pub fn fates(&self) -> impl Iterator<Item = (u64, Fate)> {
        self.fates.iter().copied()
    }

    /// Fates that were forgotten untold.
    #[must_use]
    pub const fn fates_dropped(&self) -> u64 {
        self.fates_dropped
    }

    /// Sessions that may have been heard by the relay, the newest last.
    #[must_use]
    pub fn sessions(&self) -> &[u64] {
        &self.sessions
    }

    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::FetchSession { session } => self.begin_session(*session),
            Entry::FetchMoved { epoch, cursor, told, fates } => self.advance(*epoch, *cursor, *told, fates),
            _ => {}
        }
    }

    fn begin_session(&mut self, session: u64) {
        if self.sessions.len() >= SESSIONS_MAX {
            self.sessions.remove(0);
        }
        self.sessions.push(session);
    }

    /// Payments have been taken in answer to this session; the relay knows all fates up to `told`.
    fn advance(&mut self, epoch: u64, cursor: u64, told: u64, fates: &[(u64, Fate)]) {
        self.epoch = epoch;
        self.cursor = self.cursor.max(cursor);
        while self.fates.pop_front_if(|(number, _)| *number <= told).is_some() {}
        for fate in fates {
            if self.fates.len() >= FATES_MAX {
                self.fates.pop_front();
                self.fates_dropped = self.fates_dropped.saturating_add(1);
            }
            self.fates.push_back(*fate);
        }
        // The relay has answered the newest session, so it can be bound to no older one.
        let newest = self.sessions.len().saturating_sub(1);
        self.sessions.drain(..newest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_forgotten_and_the_rest_is_bounded() {
        let mut inbox = Inbox::default();
        for n in 1..=FATES_MAX as u64 + 2 {
            inbox.advance(7, n, 0, &[(n, Fate::Credited)]);
        }
        assert_eq!((inbox.fates().count(), inbox.fates_dropped()), (FATES_MAX, 2));
        inbox.advance(7, 3, 500, &[]);
        assert_eq!(inbox.fates().next(), Some((501, Fate::Credited)));
        assert_eq!((inbox.epoch(), inbox.cursor()), (7, FATES_MAX as u64 + 2), "a cursor never goes back");
    }

    #[test]
    fn an_answer_settles_the_sessions_before_it() {
        let mut inbox = Inbox::default();
        (1..=12).for_each(|session| inbox.begin_session(session));
        assert_eq!(inbox.sessions(), (4..=12).collect::<Vec<_>>());
        inbox.advance(1, 0, 0, &[]);
        assert_eq!(inbox.sessions(), [12]);
    }
}
