//! The operator's clerk: from time to time somebody looks through the money that nobody expected.
//!
//! What lies in suspense at the site or is held by the relay goes to the right account, or back to whoever paid it;
//! balances are put right now and then. Each act bears an id: one that the site has not confirmed is done again at the
//! next visit, under the same id. Money is handed back when the act is durable, and not before.
//!
//! Tests ask for the clerk ([`crate::run::Meddling::clerk`]); a village without one leaves such money where it lies.

use std::collections::BTreeMap;

use taa_dcu::{
    DcuEvent, MeterIx,
    billing::{Amendable, Amendment, Book, Correction, Refund, RefundFrom},
    config::CreditAt,
    payment::PaymentId,
};
use taa_intake::relay::{Held, HeldWhy};
use taa_models::draw::{Draws, NodeKey, Purpose};

use super::{Place, Stage, payment_number};
use crate::{
    kernel::{Phase, Queue, SimTime},
    run::Sabotage,
    world::{Event, Village},
};

const VISIT: Purpose = Purpose::named("clerk's visit");
const VERDICT: Purpose = Purpose::named("clerk's verdict");
const CLERK: NodeKey = NodeKey::of("/clerk");
/// Operations from this number on are visits.
pub(crate) const VISITS: u32 = 1 << 31;
/// One visit in so many ms, at a random time within it.
const EVERY_MS: u64 = 4 * 3_600_000;

/// What the clerk has ordered and has been told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Orders of which the site has not said that they are done.
    open: Vec<Amendment>,
    /// Done on accounts: corrections and refunds, by id: customer and minor units.
    done: BTreeMap<String, (u32, i64)>,
    told: BTreeMap<String, Amendment>,
}

impl Ledger {
    /// What was put right on an account, as far as its Book knows of it: a disk that lied may have forgotten some.
    pub(super) fn done_minor(&self, customer: u32, knows: impl Fn(&str) -> bool) -> i64 {
        let of_customer = self.done.iter().filter(|(id, (of, _))| *of == customer && knows(id));
        of_customer.map(|(_, (_, amount_minor))| amount_minor).sum()
    }

    /// Acts that the clerk was told are done.
    pub(super) fn told(&self) -> impl Iterator<Item = &String> {
        self.told.keys()
    }
}

impl Village<'_> {
    /// Visits over the whole run.
    pub(crate) fn schedule_clerk(&self, horizon_ms: u64, queue: &mut Queue<Event>) {
        for n in 0..(horizon_ms / EVERY_MS) as u32 {
            let within = Draws::keyed(self.seed.0, self.seed.1, CLERK, VISIT, u64::from(n)).u64() % EVERY_MS;
            let at = SimTime::from_ms(u64::from(n) * EVERY_MS + within);
            queue.at(at, Phase::Customer, self.ops.outside, Event::Operation { number: VISITS + n });
        }
    }

    /// The clerk looks through the lists.
    pub(crate) fn clerk_comes(&mut self, visit: u32, now_ms: u64, queue: &mut Queue<Event>) {
        for Held { payment: held, why } in self.money.hosted.held() {
            let id = held.id();
            let Some(payment) = payment_number(&id.key) else { continue };
            // What a machine that was replaced may have credited goes where it was to go: the Book knows a repeat.
            let account = match why {
                HeldWhy::OfferedBefore => Some(held.account),
                _ => self.right_account(payment).filter(|_| !self.is_foreign(payment)),
            };
            self.money.hosted.settle_held(self.unix_ms(now_ms), &id, account.as_deref());
            if account.is_some() {
                let pay = &mut self.pays[payment as usize];
                (pay.suspended, pay.stage) = (false, Stage::At(Place::Intake));
                self.money.hosted.here.insert(payment);
            }
            self.drain_relay(now_ms, queue);
        }
        let reached = self.wan.up() && self.site.up();
        match self.traits.credit_at {
            CreditAt::Cloud => self.clerk_at_cloud(visit, now_ms, queue),
            CreditAt::Dcu | CreditAt::Meter if self.dcu_fetches() && reached => {
                self.clerk_at_site(visit, now_ms, queue);
            }
            CreditAt::Dcu | CreditAt::Meter => {}
        }
    }

    /// To whose account a stray payment belongs, where the clerk finds it out; else it goes back.
    fn right_account(&self, payment: u32) -> Option<String> {
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, CLERK, VERDICT, u64::from(payment));
        let customer = self.pays[payment as usize].customer as usize;
        draws.chance(0.5).then(|| self.scenario.village.customers[customer].id.clone())
    }

    fn clerk_at_site(&mut self, visit: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(dcu) = &self.site.dcu else { return };
        let book = dcu.state().book();
        let waiting: Vec<PaymentId> = book.suspense().map(|payment| payment.id()).collect();
        // Put on its account, and the site lost the receipt with its power.
        let settled = |number: &u32| {
            let pay = &self.pays[*number as usize];
            let unknown = pay.suspended && pay.credited_ms.is_none() && pay.handed_back == 0;
            unknown && is_credited(book, &self.ids(*number)) && !book.is_amended(&handing_back_id(*number))
        };
        let settled: Vec<u32> = (0..self.pays.len() as u32).filter(settled).collect();
        for payment in settled {
            self.was_credited(payment, now_ms, queue);
        }
        for id in waiting {
            let Some(payment) = payment_number(&id.key) else { continue };
            if self.right_account(payment).is_some() {
                let account = MeterIx(self.pays[payment as usize].customer);
                self.with_dcu(now_ms, queue, |dcu, now| _ = dcu.resolve_suspense(now, &id, account));
            } else {
                self.order(handing_back(payment, id));
            }
        }
        if self.traits.credit_at == CreditAt::Dcu {
            let balances =
                |customer| self.site.dcu.as_ref().map_or(0, |dcu| dcu.state().book().balance_minor(customer));
            if let Some(amendment) = self.amendment(visit, balances) {
                self.order(amendment);
            }
        }
        // What a disk that lied has forgotten is entered again. The money has been moved: not a second time.
        let book = self.deciding_book();
        let forgotten = |id: &String| book.is_some_and(|book| !book.is_amended(id));
        let acts = self.money.clerk.told.iter().filter(|(id, _)| forgotten(id));
        for amendment in acts.map(|(_, amendment)| amendment.clone()).collect::<Vec<_>>() {
            self.with_dcu(now_ms, queue, |dcu, now| _ = dcu.amend(now, amendment));
        }
        for amendment in self.money.clerk.open.clone() {
            if self.meddling.sabotage == Some(Sabotage::RefundsEarly) {
                self.amended(amendment.id(), now_ms);
            }
            let mut refused = None;
            let id = amendment.id().to_owned();
            self.with_dcu(now_ms, queue, |dcu, now| refused = dcu.amend(now, amendment).err());
            if refused.is_some() {
                self.money.clerk.open.retain(|open| open.id() != id);
            }
        }
    }

    fn clerk_at_cloud(&mut self, visit: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.cloud_part.up() {
            return;
        }
        let waiting: Vec<PaymentId> = self.cloud_book().suspense().map(|payment| payment.id()).collect();
        let back = waiting.into_iter().filter_map(|id| Some(handing_back(payment_number(&id.key)?, id)));
        let more = self.amendment(visit, |customer| self.cloud_book().balance_minor(customer));
        for amendment in back.chain(more).collect::<Vec<_>>() {
            self.order(amendment.clone());
            let mut done = None;
            self.with_cloud(now_ms, queue, |cloud, now| done = cloud.amend(now, &amendment).ok());
            match done {
                Some(_) => self.amended(amendment.id(), now_ms),
                None => self.money.clerk.open.retain(|open| open.id() != amendment.id()),
            }
        }
    }

    /// A balance put right, or some of it paid out.
    fn amendment(&self, visit: u32, balance_minor: impl Fn(u32) -> i64) -> Option<Amendment> {
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, CLERK, VERDICT, (1 << 40) | u64::from(visit));
        let account = (draws.u64() % u64::from(self.people.len())) as u32;
        let amount_minor = 1 + (draws.u64() % 2000) as i64;
        let (id, why) = (format!("visit-{visit}"), "put right".to_owned());
        match draws.u64() % 3 {
            0 => {
                let amount_minor = if draws.chance(0.5) { amount_minor } else { -amount_minor };
                Some(Amendment::Correction(Correction { id, account, amount_minor, of: None, why }))
            }
            1 if balance_minor(account) > 2 * amount_minor => {
                let from = RefundFrom::Account { account, amount_minor };
                Some(Amendment::Refund(Refund { id, from, why }))
            }
            _ => None,
        }
    }

    fn order(&mut self, amendment: Amendment) {
        let ledger = &mut self.money.clerk;
        if !ledger.told.contains_key(amendment.id()) && ledger.open.iter().all(|open| open.id() != amendment.id()) {
            ledger.open.push(amendment);
        }
    }

    /// The site says what became of an order.
    pub(crate) fn amendment_told(&mut self, event: &DcuEvent, now_ms: u64) {
        if let DcuEvent::Amended { id, outcome: Amendable::Done { .. } | Amendable::Duplicate } = event {
            self.amended(&id.clone(), now_ms);
        }
    }

    /// An order is done, for good: what is to be handed back is.
    fn amended(&mut self, id: &str, now_ms: u64) {
        let ledger = &mut self.money.clerk;
        let Some(at) = ledger.open.iter().position(|open| open.id() == id) else { return };
        let amendment = ledger.open.remove(at);
        if ledger.told.insert(id.to_owned(), amendment.clone()).is_some() {
            return;
        }
        match amendment {
            Amendment::Correction(correction) => {
                ledger.done.insert(id.to_owned(), (correction.account, correction.amount_minor));
            }
            Amendment::Refund(Refund { from: RefundFrom::Account { account, amount_minor }, .. }) => {
                ledger.done.insert(id.to_owned(), (account, -amount_minor));
            }
            Amendment::Refund(Refund { from: RefundFrom::Suspense(id), .. }) => {
                if let Some(payment) = payment_number(&id.key) {
                    self.handed_back(payment, now_ms);
                }
            }
            Amendment::Loan(_) => {}
        }
    }

    /// Whoever paid has the money again.
    pub(super) fn handed_back(&mut self, payment: u32, now_ms: u64) {
        let pay = &mut self.pays[payment as usize];
        pay.handed_back += 1;
        pay.hold(crate::cause::Chain::EMPTY, now_ms);
        let customer = pay.customer;
        self.money.hosted.here.remove(&payment);
        self.people.of(customer).purse.open.retain(|open| *open != payment);
        self.touch(customer);
    }
}

/// The Book knows the payment by one of its names, and it lies in suspense under none.
pub(super) fn is_credited(book: &Book, ids: &[PaymentId]) -> bool {
    ids.iter().any(|id| book.has_seen(id)) && ids.iter().all(|id| book.suspended(id).is_none())
}

/// The id of handing a payment back.
pub(crate) fn handing_back_id(payment: u32) -> String {
    format!("back-{payment}")
}

fn handing_back(payment: u32, id: PaymentId) -> Amendment {
    let why = "paid to an account that nobody has".to_owned();
    Amendment::Refund(Refund { id: handing_back_id(payment), from: RefundFrom::Suspense(id), why })
}
