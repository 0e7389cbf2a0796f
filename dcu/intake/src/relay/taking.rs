//! What happens to a payment that was read: to its site, on hold, or nothing as it is known.

use taa_dcu::payment::{Certainty, Payment, Provider};

use super::{Entry, Event, HeldWhy, Place, Relay};
use crate::{
    civil::Doubt,
    provider::{Paid, Refusal},
};

/// Cash of one agent for one account and amount twice within this time looks like one payment entered twice.
const TWICE_MS: i64 = 600_000;
/// Agents' payments remembered for that.
const RECENT_MAX: usize = 1000;
/// How often it is looked for what may be forgotten, ms.
const FORGET_EVERY_MS: i64 = 86_400_000;

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It waits for its site.
    New,
    /// It is on hold.
    Held,
    /// It was known.
    Known,
}

/// How it was told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// In the list of this short code (empty: a list that names none).
    pub(super) list: Option<String>,
    /// What its time may mean as well, Unix ms.
    pub(super) other_unix_ms: Option<i64>,
}

impl Relay {
    /// Takes a payment: to its site, or on hold. What was taken before, under whichever of its names, changes nothing but
    /// that a new name is noted.
    pub(super) fn take(&mut self, now_unix_ms: i64, paid: &Paid) -> Result<(), Refusal> {
        self.take_as(now_unix_ms, paid, &Heard::default()).map(|_| ())
    }

    /// The same of a line of a list, or of a confirmation, which is one.
    pub(super) fn take_as(&mut self, now: i64, paid: &Paid, heard: &Heard) -> Result<Taken, Refusal> {
        let payment = &paid.payment;
        payment.check()?;
        let (misnamed, freed) = (self.misnamed(payment), self.untangle(now, payment));
        let known = self.state.known(payment).map(|(known, _)| known);
        // A text is a guess: what was credited may still pay for it.
        let is_credited = known.as_ref().is_some_and(|known| self.state.is_credited(known));
        let spare = known.filter(|known| self.state.are_two(known, payment) && !freed.covered.is_empty());
        let taken = if spare.is_some() || !is_credited && self.is_paid_for(now, payment, &freed.covering) {
            Ok(Taken::Known)
        } else {
            self.take_one(now, paid, heard)
        };
        self.settle_freed(now, spare.as_ref(), freed.covered);
        misnamed.iter().for_each(|push| self.name_anew(now, push));
        taken
    }

    fn take_one(&mut self, now: i64, paid: &Paid, heard: &Heard) -> Result<Taken, Refusal> {
        let Paid { payment, doubt } = paid;
        let id = payment.id();
        let known = self.state.known(payment);
        let (covered, clashes) = known.as_ref().map_or((false, false), |(_, seen)| {
            let covered = seen.covers(payment);
            (covered, !covered && !seen.may_become(payment))
        });
        if let Some(known) = known.map(|(known, _)| known).filter(|_| covered) {
            if self.state.are_two(&known, payment) {
                self.event(Event::LooksDoubled { id, before: known });
            } else {
                self.learn(now, &known, payment);
                self.event(Event::Duplicate { id: known });
            }
            return Ok(Taken::Known);
        }
        if clashes {
            self.event(Event::Conflict { id });
            return Err(Refusal::Mismatch("key"));
        }
        if self.is_told_otherwise(now, payment, heard) {
            return Ok(Taken::Known);
        }
        let place = self.place(payment)?;
        let payment = self.with_likely_receipt(payment);
        self.tell_oddities(&payment, *doubt);
        let taken = if matches!(place, Place::Site(_)) { Taken::New } else { Taken::Held };
        self.event(match &place {
            Place::Site(site) => Event::Took { id, site: site.clone() },
            Place::Held(why) => Event::Held { id, why: *why },
        });
        self.record(now, Entry::Took { payment, place, list: heard.list.clone() });
        self.forget_old(now);
        Ok(taken)
    }

    fn place(&self, payment: &Payment) -> Result<Place, Refusal> {
        if payment.accepted_unix_ms <= self.state.forgotten_upto_unix_ms() {
            let is_money = payment.certainty == Certainty::Final;
            return if is_money { Ok(Place::Held(HeldWhy::TooOld)) } else { Err(Refusal::TooOld) };
        }
        Ok(match self.config.site_of(&payment.account) {
            None => Place::Held(HeldWhy::NoSuchAccount),
            Some(site) if payment.currency.is_some_and(|paid| paid != site.money.currency) => {
                Place::Held(HeldWhy::WrongCurrency)
            }
            Some(site) => Place::Site(site.id.clone()),
        })
    }

    /// Forgets what is older than is remembered, once a day; more than may be remembered at once goes oldest first.
    fn forget_old(&mut self, now_unix_ms: i64) {
        let is_full = self.state.remembered().0 > self.config.remember_max;
        if now_unix_ms < self.forget_at_unix_ms && !is_full {
            return;
        }
        self.forget_at_unix_ms = now_unix_ms.saturating_add(FORGET_EVERY_MS);
        let horizon = now_unix_ms.saturating_sub(self.config.remember_ms);
        if let Some(upto_unix_ms) = self.state.forgettable(horizon, self.config.remember_max) {
            self.record(now_unix_ms, Entry::Forgot { upto_unix_ms });
            self.event(Event::Forgot { upto_unix_ms });
        }
    }

    fn tell_oddities(&mut self, payment: &Payment, doubt: Option<Doubt>) {
        if let Some(doubt) = doubt {
            self.event(Event::TimeReplaced { id: payment.id(), doubt });
        }
        if payment.provider != Provider::Agent {
            return;
        }
        let agent = |payment: &Payment| payment.key.split('/').next().map(str::to_owned);
        let twice = self.recent.iter().find(|before| {
            before.accepted_unix_ms.abs_diff(payment.accepted_unix_ms) <= TWICE_MS.unsigned_abs()
                && (&before.account, before.amount_minor) == (&payment.account, payment.amount_minor)
                && agent(before) == agent(payment)
        });
        if let Some(before) = twice.map(Payment::id) {
            self.event(Event::LooksDoubled { id: payment.id(), before });
        }
        if self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(payment.clone());
    }
}
