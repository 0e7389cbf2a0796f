//! Fetching payments from the hosted relay ([`crate::fetch`]): the part that touches the accounts.

use super::{
    Dcu,
    output::{DcuEvent, LinkState, Output},
};
use crate::{
    MeterIx,
    config::CreditAt,
    fetch::{Fate, FetchFault, FetchReply, Item, Verdict},
    fleet::Class,
    journal::Entry,
    payment::{Payment, PaymentError},
};

/// Meters that have answered within this time count as reached, ns: two readings.
const REACH_NS: u64 = 2 * 3_600 * super::NS_PER_S;
/// Meters asked at once to find out whether any is in reach.
const PROBED: u32 = 8;

impl Dcu {
    /// Bytes from the intake relay (one answer). What is no answer to a question of this boot changes nothing.
    pub fn handle_fetch_receive(&mut self, now: u64, bytes: &[u8]) {
        self.begin(now);
        if let Err(fault) = self.take_reply(now, bytes) {
            self.event(DcuEvent::FetchFailed(fault));
        }
        self.pump(now);
        self.send(now);
        self.fetch(now);
    }

    pub(super) fn fetch_link(&mut self, now: u64, link: LinkState) {
        self.fetch.handle_link(link == LinkState::Up);
        self.fetch(now);
    }

    /// Asks, if it is time.
    pub(super) fn fetch(&mut self, now: u64) {
        if self.failing || self.config.fetch.is_none() {
            return;
        }
        if self.fetch.wants_session() {
            self.begin_fetch_session(now);
        }
        if self.fetch.is_overdue(now) {
            self.event(DcuEvent::FetchFailed(FetchFault::Silent));
            self.fetch_later(now);
        }
        self.look_for_tokens();
        if self.fetch.questions.has_news(self.durable) {
            self.fetch.ask_soon();
        }
        let Some(config) = &self.config.fetch else { return };
        let (book, inbox) = (self.state.book(), self.state.inbox());
        let reach = || self.fleet.answering_since(now.saturating_sub(REACH_NS));
        if let Some(question) = self.fetch.ask(now, config, book.tariff(), (inbox, self.durable), reach) {
            self.outputs.push_back(Output::Fetch(question));
        }
    }

    fn begin_fetch_session(&mut self, now: u64) {
        let mut bytes = [0; 8];
        if self.randomness.as_mut().is_none_or(|randomness| randomness.fill(&mut bytes).is_err()) {
            return;
        }
        let session = u64::from_be_bytes(bytes);
        self.record(now, Entry::FetchSession { session });
        self.fetch.begin_session(session, self.state.last_record());
    }

    /// After a failure: waiting that doubles, jittered.
    fn fetch_later(&mut self, now: u64) {
        let failures = self.fetch.failures().max(1);
        let wait = self.config.fetch.as_ref().map_or(0, |config| config.wait_ns(failures));
        let at = now.saturating_add(self.jittered(wait));
        self.fetch.ask_at(at);
    }

    fn take_reply(&mut self, now: u64, bytes: &[u8]) -> Result<(), FetchFault> {
        let Some(config) = &self.config.fetch else { return Err(FetchFault::NotMine) };
        let period = config.period_ns();
        let reply = FetchReply::decode(bytes, &config.key)?;
        if reply.site != config.site || !self.fetch.answered(reply.session, reply.number) {
            return Err(FetchFault::NotMine);
        }
        self.fetch.ask_at(now.saturating_add(period));
        match reply.verdict {
            Verdict::Served => self.fetch.set_twice(false),
            Verdict::IdentityTwice => {
                self.find_reach(now);
                return Err(FetchFault::IdentityTwice);
            }
            Verdict::Currency => return Err(FetchFault::Currency),
        }
        let told = self.fetch.fates_known(reply.fates_known);
        let inbox = self.state.inbox();
        let base = inbox.cursor().max(reply.floor);
        let moved = base > inbox.cursor();
        let fresh: Vec<Item> = reply.items.into_iter().filter(|item| item.number > base).collect();
        if fresh.first().is_some_and(|first| Some(first.number) != base.checked_add(1)) {
            return Err(FetchFault::Gap);
        }
        self.fetch.told_at(now);
        let (count, cursor) = (fresh.len(), fresh.last().map_or(base, |last| last.number));
        let mut fates = Vec::with_capacity(count);
        for Item { number, payment } in fresh {
            fates.push((number, self.take_fetched(now, &payment)));
        }
        if count > 0 || moved {
            let epoch = reply.epoch;
            self.record(now, Entry::FetchMoved { epoch, cursor, told, fates });
            self.fetch.moves(self.state.last_record(), epoch, cursor);
        } else if self.fetch.has_news(self.state.inbox()) {
            self.fetch.ask_at(now);
        }
        if !reply.more {
            self.sight_contact(now);
        }
        self.take_questions(now, reply.questions);
        let payments = u32::try_from(count).unwrap_or(u32::MAX);
        self.event(DcuEvent::Fetched { payments, more: reply.more });
        Ok(())
    }

    /// Another machine is served under this identity. Its payments cannot be seen here, so nobody is cut off for debt; and
    /// some meters are asked: who reaches meters is served before who reaches none.
    fn find_reach(&mut self, now: u64) {
        let known = self.fetch.is_twice();
        self.fetch.set_twice(true);
        self.sight_twice(now);
        if self.fleet.answering_since(now.saturating_sub(REACH_NS)) > 0 {
            return;
        }
        // All over the fleet, others each time: the first ones may be those that are out of reach.
        let (count, tries) = (self.fleet.len(), PROBED.min(self.fleet.len()));
        let step = count.checked_div(tries).unwrap_or(1).max(1);
        let other = self.jitter.checked_rem(step.into()).and_then(|first| u32::try_from(first).ok());
        let first = other.filter(|_| known).unwrap_or(0);
        for n in 0..tries {
            let meter = MeterIx(first.saturating_add(n.saturating_mul(step)));
            if let Some(unit) = self.fleet.unit_mut(meter) {
                unit.check_due = true;
                self.fleet.enqueue(meter, Class::Check);
            }
        }
    }

    /// A meter has answered this machine. Where another one is served that is news for the relay.
    pub(super) fn meter_reached(&mut self, now: u64, meter: MeterIx) {
        if self.fetch.is_twice() && self.fleet.answering_since(now.saturating_sub(REACH_NS)) == 0 {
            self.fetch.ask_at(now);
        }
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.answered_at = Some(now);
        }
    }

    /// Takes a payment from the relay, and says what became of it.
    fn take_fetched(&mut self, now: u64, payment: &Payment) -> Fate {
        match self.state.book().check(payment) {
            Ok(()) => {}
            Err(PaymentError::Currency) => return Fate::WrongCurrency,
            Err(_) => return Fate::Refused,
        }
        // A cloud that keeps the accounts has to hear of it; any other hears how it ended.
        let forward = self.config.traits.credit_at == CreditAt::Cloud;
        self.take_payment(now, payment.clone(), forward);
        self.fate_of(payment)
    }

    /// What the book says of a payment that it has been given, now or before.
    fn fate_of(&self, payment: &Payment) -> Fate {
        if self.config.traits.credit_at == CreditAt::Cloud {
            return Fate::Forwarded;
        }
        let (book, id) = (self.state.book(), payment.id());
        let (known, on_receipt) = (book.known(payment), book.receipts().any(|receipt| *receipt == id));
        match book.would_be_duplicate(payment) {
            true if known.as_ref().is_some_and(|known| book.suspended(known).is_some()) => Fate::Suspended,
            true if known.is_some() => Fate::Credited,
            true => Fate::Provisional,
            false if known.is_some() || on_receipt => Fate::Conflict,
            false => Fate::Unproven,
        }
    }
}
