//! Amendments that one end of the uplink asks of the other.
//!
//! Whoever keeps the balances does them: the DCU, or the cloud. The other end asks, and learns of everything that was done,
//! by whomever it was ordered. Both are told at least once and in any order, so both ends of a message are harmless when
//! repeated:
//!
//! - An amendment that was **done** is done once, by its id ([`super::Book::amend`]).
//! - One that was **refused** stays refused ([`super::Book::decline`]): a late repeat of the question must not be carried out
//!   after somebody has been told that it was not. Whoever still wants it asks under another id.
//! - [`Asked`] counts an answer once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AmendError, Amendment, Refund, RefundFrom};

/// What became of an amendment at the party that keeps the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// Done.
    Done {
        /// What moved, minor units, with its sign.
        amount_minor: i64,
        /// The account's balance after it, minor units; 0 for suspense.
        balance_minor: i64,
    },
    /// Nothing changed, and under this id nothing will.
    Refused(AmendError),
}

/// An amendment and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// As it was asked for, or ordered at the other end.
    pub amendment: Amendment,
    /// What became of it.
    pub told: Told,
}

/// How an amendment stands that is to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Nobody has asked for it.
    Fresh,
    /// It was asked for, and there is no answer yet.
    Waits,
    /// This became of it.
    Told(Told),
    /// Its id means something else.
    Clash,
}

/// What was done at the other end, summed, minor units. The same sums of the other end's [`super::Totals`] are equal once
/// everything has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirrored {
    /// Corrections, with their signs.
    pub corrected: i128,
    /// Handed back out of accounts.
    pub refunded: i128,
    /// Handed back out of suspense.
    pub refunded_suspense: i128,
    /// Lent.
    pub lent: i128,
}

/// What an end knows of amendments that the other one carries out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Asked for here, by id; with the answer, once there is one.
    asked: BTreeMap<String, (Amendment, Option<Told>)>,
    /// Done there, by id, whoever ordered it.
    done: BTreeMap<String, (Amendment, Told)>,
    sums: Mirrored,
}

impl Asked {
    /// Sums of what was done at the other end, as far as it has told.
    #[must_use]
    pub const fn sums(&self) -> Mirrored {
        self.sums
    }

    /// Asked for and not answered.
    pub fn waiting(&self) -> impl Iterator<Item = &Amendment> {
        self.asked.values().filter(|(_, told)| told.is_none()).map(|(amendment, _)| amendment)
    }

    /// What became of the amendment of this id; where the other end did another one under it, of that which was asked for.
    #[must_use]
    pub fn told(&self, id: &str) -> Option<Told> {
        let asked = self.asked.get(id).and_then(|(_, told)| *told);
        asked.or_else(|| self.done.get(id).map(|(_, told)| *told))
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self, amendment: &Amendment) -> Asking {
        if let Some((known, told)) = self.asked.get(amendment.id()) {
            return match told {
                _ if known != amendment => Asking::Clash,
                Some(told) => Asking::Told(*told),
                None => Asking::Waits,
            };
        }
        match self.done.get(amendment.id()) {
            Some((known, told)) if known == amendment => Asking::Told(*told),
            Some(_) => Asking::Clash,
            None => Asking::Fresh,
        }
    }

    /// It is asked for. Nothing happens unless it is [`Asking::Fresh`].
    pub fn ask(&mut self, amendment: &Amendment) {
        if self.standing(amendment) == Asking::Fresh {
            self.asked.insert(amendment.id().to_owned(), (amendment.clone(), None));
        }
    }

    /// This answer would tell something new.
    #[must_use]
    pub fn is_news(&self, answer: &Answer) -> bool {
        let id = answer.amendment.id();
        let waits = self.asked.get(id).is_some_and(|(known, told)| *known == answer.amendment && told.is_none());
        let done = matches!(answer.told, Told::Done { .. }) && !self.done.contains_key(id);
        waits || done
    }

    /// Takes an answer; false where it tells nothing new.
    pub fn hear(&mut self, answer: &Answer) -> bool {
        if !self.is_news(answer) {
            return false;
        }
        let Answer { amendment, told } = answer;
        if let Some((_, waits)) = self.asked.get_mut(amendment.id()).filter(|(known, _)| known == amendment)
            && waits.is_none()
        {
            *waits = Some(*told);
        }
        if let Told::Done { amount_minor, .. } = *told
            && !self.done.contains_key(amendment.id())
        {
            self.done.insert(amendment.id().to_owned(), (amendment.clone(), *told));
            let moved = i128::from(amount_minor);
            match amendment {
                Amendment::Correction(_) => self.sums.corrected = self.sums.corrected.saturating_add(moved),
                Amendment::Refund(Refund { from: RefundFrom::Account { .. }, .. }) => {
                    self.sums.refunded = self.sums.refunded.saturating_sub(moved);
                }
                Amendment::Refund(_) => {
                    self.sums.refunded_suspense = self.sums.refunded_suspense.saturating_sub(moved);
                }
                Amendment::Loan(_) => self.sums.lent = self.sums.lent.saturating_add(moved),
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::{Correction, Loan};

    fn correction(id: &str, amount_minor: i64) -> Amendment {
        Amendment::Correction(Correction { id: id.into(), account: 0, amount_minor, of: None, why: "y".into() })
    }

    fn done(amendment: Amendment, amount_minor: i64) -> Answer {
        Answer { amendment, told: Told::Done { amount_minor, balance_minor: 0 } }
    }

    #[test]
    fn an_answer_counts_once_whoever_has_asked() {
        let mut asked = Asked::default();
        asked.ask(&correction("a", 5));
        assert_eq!(asked.standing(&correction("a", 6)), Asking::Clash);
        assert_eq!(asked.waiting().count(), 1);
        assert!(asked.hear(&done(correction("a", 5), 5)));
        assert!(!asked.hear(&done(correction("a", 5), 5)), "it came twice");
        // Ordered over there.
        let loan = Amendment::Loan(Loan { id: "b".into(), account: 0, amount_minor: 7, why: "stove".into() });
        assert!(asked.hear(&done(loan.clone(), 7)));
        assert!(matches!(asked.standing(&loan), Asking::Told(Told::Done { .. })));
        assert_eq!(asked.sums(), Mirrored { corrected: 5, lent: 7, ..Mirrored::default() });
    }

    #[test]
    fn one_id_for_two_things_is_told_apart() {
        let mut asked = Asked::default();
        asked.ask(&correction("a", 5));
        // The other end has done something else under this id, and then refuses what was asked.
        assert!(asked.hear(&done(correction("a", -9), -9)));
        assert_eq!(asked.waiting().count(), 1);
        let told = Told::Refused(AmendError::Clash);
        assert!(asked.hear(&Answer { amendment: correction("a", 5), told }));
        assert_eq!((asked.told("a"), asked.sums().corrected), (Some(told), -9));
    }
}
