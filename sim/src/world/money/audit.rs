//! The auditor: after every step of a run the whole money is counted, where a test asks for it.
//!
//! ```text
//!   accepted = credited + in suspense + handed back (the deciding Book)
//!            + held + handed back (the hosted relay) + under way (told by nobody yet, or in the relay's list)
//! ```
//!
//! Each payment is looked for in every place by itself, so one that is credited twice, or both credited and handed back,
//! does not cancel out one that is lost. A receipt is a promise: what it says is in the Book from then on. What the disk
//! has lied about is another matter: then the Book may lack what receipts say, and the site must be in doubt (its relays
//! open for nobody's debt, it sells no tokens), or have started without a cloud to tell it; provider and relay know of the
//! money still.
//!
//! What is wrong goes into the log as `money_audit`, each wrong once.

use std::collections::BTreeSet;

use taa_dcu::{
    billing::Book,
    config::CreditAt,
    payment::{PaymentId, Provider},
};
use taa_intake::Relay;
use taa_models::payments::ProviderApi;
use taa_scenarios::model::{Fault, FaultKind};

use super::{hosted::SITE, payment_key, provider};
use crate::world::Village;

/// What has been seen so far.
#[derive(Debug, Default)]
pub(crate) struct Auditor {
    /// Nothing about money has changed as long as this has not.
    mark: [u64; 8],
    told: BTreeSet<String>,
    /// The DCU has said that its journal is in doubt, or its disk has lost what nobody outside had been told of.
    doubted: bool,
    /// The cloud knows of records that the disk has lost.
    must_doubt: bool,
    /// Steps that were looked at.
    pub(super) looks: u64,
}

/// Where the payments of a run are, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Places {
    accepted: i128,
    in_book: i128,
    held: i128,
    handed_back: i128,
    under_way: i128,
}

/// Money at the end of a run that is not on an account by a receipt, minor units.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AtEnd {
    pub(super) in_flight_minor: i64,
    pub(super) held_minor: i64,
    pub(super) untold_minor: i64,
    /// The site has answered for it, and nobody has it any more: a disk has lied.
    pub(super) in_doubt_minor: i64,
    /// Of that, what lay in suspense.
    pub(super) suspense_in_doubt_minor: i64,
}

/// What the relay says of payments.
pub(super) struct RelayList {
    /// In the site's list: waiting, or at the site without a word of what became of them.
    listed: BTreeSet<PaymentId>,
    held: BTreeSet<PaymentId>,
    back: BTreeSet<PaymentId>,
}

impl RelayList {
    /// It holds the payment itself, or has handed it back: it never came to the site.
    pub(super) fn keeps(&self, ids: &[PaymentId]) -> bool {
        ids.iter().any(|id| self.held.contains(id) || self.back.contains(id))
    }

    pub(super) fn of(relay: &Relay) -> Self {
        let inbox = relay.state().site(SITE);
        let listed = inbox.into_iter().flat_map(|inbox| inbox.items().chain(inbox.delivered()));
        Self {
            listed: listed.map(|(_, payment)| payment.id()).collect(),
            held: relay.held().map(|(id, _)| id.clone()).collect(),
            back: relay.state().all_handed_back().map(|(id, _)| id.clone()).collect(),
        }
    }
}

impl Village<'_> {
    /// The Book that decides, where it can be seen.
    pub(super) fn deciding_book(&self) -> Option<&Book> {
        let at_cloud = match self.traits.credit_at {
            CreditAt::Cloud => true,
            CreditAt::Dcu => false,
            CreditAt::Meter => self.traits.keypad && !self.traits.local_vending,
        };
        if at_cloud { Some(self.cloud_book()) } else { self.site.dcu.as_ref().map(|dcu| dcu.state().book()) }
    }

    /// The DCU has started. What its disk has lost of what it had claimed, the cloud may have been told of or not: if it was,
    /// the site must be in doubt as soon as it has heard it; if not, nobody on earth can know.
    pub(crate) fn audit_start(&mut self, now_ms: u64) {
        let doubts = self.site.dcu.as_ref().is_some_and(|dcu| dcu.state().is_in_doubt());
        let found = self.site.disk.appended();
        let told = self.cloud_standing().is_some_and(|kept| kept.record > found);
        let lost = self.site.disk.has_lied();
        if self.has_lied(now_ms) {
            self.money.auditor.doubted |= doubts || lost;
            self.money.auditor.must_doubt |= lost && told;
        } else if (doubts || lost) && self.meddling.audited {
            self.log(now_ms, "money_audit", String::new(), "an honest disk is doubted".to_owned());
        }
    }

    /// The DCU has found its journal put back.
    pub(crate) fn audit_rolled_back(&mut self, now_ms: u64) {
        if !self.has_lied(now_ms) && self.meddling.audited {
            self.log(now_ms, "money_audit", String::new(), "an honest disk is accused".to_owned());
        }
    }

    fn has_lied(&self, now_ms: u64) -> bool {
        let lies = |fault: &Fault| matches!(fault.what, FaultKind::FsyncLies | FaultKind::PageCorrupt);
        self.scenario.faults.iter().any(|fault| lies(fault) && fault.from_ms <= now_ms)
    }

    /// Counts the money.
    pub(crate) fn audit(&mut self, now_ms: u64) {
        if !self.meddling.audited {
            return;
        }
        let Some(book) = self.deciding_book() else { return };
        let (totals, count) =
            (book.totals(), |of: &dyn Fn(&super::Pay) -> bool| self.pays.iter().filter(|pay| of(pay)).count() as u64);
        let mark = [
            totals.received as u64,
            totals.credited as u64,
            totals.suspended as u64,
            totals.refunded_suspense as u64,
            self.money.hosted.last_record(),
            count(&|pay| pay.accepted_ms.is_some()),
            count(&|pay| pay.credited_ms.is_some()),
            count(&|pay| pay.handed_back > 0 || pay.answered),
        ];
        if mark == self.money.auditor.mark {
            return;
        }
        let found = self.wrongs(book);
        let auditor = &mut self.money.auditor;
        (auditor.mark, auditor.looks) = (mark, auditor.looks + 1);
        for wrong in found {
            if self.money.auditor.told.insert(wrong.clone()) {
                self.log(now_ms, "money_audit", String::new(), wrong);
            }
        }
    }

    /// Somebody has looked at what the site was in doubt of: it need not be any more.
    pub(super) fn audit_settled(&mut self) {
        self.money.auditor.must_doubt = false;
    }

    /// The DCU has ordered a relay: in doubt about its journal it opens none for debt.
    pub(crate) fn audit_order(&mut self, meter: u32, opens_for_debt: bool, now_ms: u64) {
        let in_doubt = self.site.dcu.as_ref().is_some_and(|dcu| dcu.state().is_in_doubt());
        let heard = self.site.dcu.as_ref().is_some_and(|dcu| dcu.is_witnessed());
        if opens_for_debt && heard && !in_doubt && self.money.auditor.must_doubt && self.meddling.audited {
            let text = format!("meter {meter} is cut off for debt, and the cloud has told what the site has lost");
            self.log(now_ms, "money_audit", String::new(), text);
        }
        if opens_for_debt && in_doubt && self.meddling.audited {
            let text = format!("meter {meter} is cut off for debt by a site that is in doubt");
            self.log(now_ms, "money_audit", String::new(), text);
        }
    }

    fn wrongs(&self, book: &Book) -> Vec<String> {
        let (mut found, mut places) = (Vec::new(), Places::default());
        let relay = self.money.hosted.seen(RelayList::of);
        for (number, pay) in (0..).zip(&self.pays).filter(|(_, pay)| pay.accepted_ms.is_some()) {
            let amount = i128::from(pay.amount_minor);
            let ids = self.ids(number);
            let any = |of: &dyn Fn(&PaymentId) -> bool| ids.iter().any(of);
            let in_book = any(&|id| book.has_seen(id));
            let in_suspense = any(&|id| book.suspended(id).is_some());
            let (held, handed_back) = (any(&|id| relay.held.contains(id)), any(&|id| relay.back.contains(id)));
            let in_list = any(&|id| relay.listed.contains(id));
            places.accepted += amount;
            *match (in_book, held, handed_back) {
                (true, false, false) => &mut places.in_book,
                (false, true, false) => &mut places.held,
                (false, false, true) => &mut places.handed_back,
                (false, false, false) => &mut places.under_way,
                _ => {
                    if !self.money.auditor.doubted {
                        found.push(format!("payment {number} is in more than one place"));
                    }
                    &mut places.in_book
                }
            } += amount;
            let lost = !(in_book || held || handed_back || in_list);
            if lost && pay.answered && !self.money.auditor.doubted {
                found.push(format!("the relay has answered for payment {number}, and nobody has it"));
            }
            if pay.credited_ms.is_some() && (!in_book || in_suspense) && !self.money.auditor.doubted {
                found.push(format!("payment {number} has a receipt, and is not in the Book"));
            }
            let forgotten = in_suspense && !self.money.auditor.doubted;
            if pay.handed_back > 1 || pay.handed_back == 1 && (pay.credited_ms.is_some() || forgotten) {
                found.push(format!("payment {number} was handed back, and is somebody's credit or suspense still"));
            }
        }
        let forgotten = self.money.clerk.told().filter(|id| !book.is_amended(id) && !self.money.auditor.doubted);
        found.extend(forgotten.map(|id| format!("{id} was done, and the Book does not know of it")));
        let totals = book.totals();
        if totals.missing() != 0 {
            found.push(format!("the Book misses {}", totals.missing()));
        }
        let kit = &self.scenario.comms.payments.kits;
        let kits = self.money.kits.in_book_minor(book, kit.day_price_minor * i64::from(kit.days));
        if totals.received - kits != places.in_book {
            found.push(format!("the Book has received {} for payments of {}", totals.received - kits, places.in_book));
        }
        let somewhere = totals.credited - kits + totals.suspended + totals.refunded_suspense;
        let elsewhere = places.held + places.handed_back + places.under_way;
        if places.accepted != somewhere + elsewhere {
            found.push(format!("{} was accepted, {somewhere} + {elsewhere} is found", places.accepted));
        }
        found
    }

    /// Where the money is at the end of a run. Each payment is in one place: a receipt goes before the relay's doubts about
    /// a site that was replaced, and so does the Book.
    pub(super) fn places(&self) -> AtEnd {
        let (mut end, book) = (AtEnd::default(), self.deciding_book());
        let relay = self.money.hosted.seen(RelayList::of);
        for (number, pay) in (0..).zip(&self.pays).filter(|(_, pay)| pay.accepted_ms.is_some()) {
            let ids = self.ids(number);
            let any = |of: &dyn Fn(&PaymentId) -> bool| ids.iter().any(of);
            let in_book = book.is_some_and(|book| any(&|id| book.has_seen(id)));
            let settled = book.is_some_and(|book| {
                any(&|id| book.suspended(id).is_some()) || book.is_amended(&super::clerk::handing_back_id(number))
            });
            let (held, back) = (any(&|id| relay.held.contains(id)), any(&|id| relay.back.contains(id)));
            *match (pay.credited_ms.is_some(), in_book) {
                (true, true) => continue,
                (true, false) => &mut end.in_doubt_minor,
                (false, true) if settled => continue,
                (false, true) => &mut end.untold_minor,
                (false, false) if held => &mut end.held_minor,
                (false, false) if back || pay.handed_back > 0 => continue,
                (false, false) if pay.suspended => {
                    end.suspense_in_doubt_minor += pay.amount_minor;
                    &mut end.in_doubt_minor
                }
                (false, false) => &mut end.in_flight_minor,
            } += pay.amount_minor;
        }
        end
    }

    /// The names that a payment may go by.
    pub(super) fn ids(&self, payment: u32) -> Vec<PaymentId> {
        let key = payment_key(payment);
        let named = |provider, key: String| PaymentId { provider, key };
        if !self.pays[payment as usize].by_provider || !self.dcu_fetches() {
            return vec![named(Provider::Simulated, key)];
        }
        let api = self.money.hosted.api;
        match provider::request_id(api, payment) {
            Some(id) if api == ProviderApi::MtnMomo => vec![named(Provider::MtnMomo, id)],
            Some(id) => vec![named(Provider::Daraja, key), named(Provider::Daraja, id)],
            None => vec![named(Provider::Daraja, key)],
        }
    }
}
