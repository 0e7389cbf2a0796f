//! A site in doubt about its journal (docs/store.md): who looks, what is compared, and when it goes on.
//!
//! The operator's people get the alarm, and within their working hours, after the time that they take to confirm things,
//! they compare the site's Book and desk with what others hold: receipts of payments, and words that one lies in suspense;
//! tokens that the module has sealed; acts of the clerk. Where nothing of it is missing the doubt is ended. Where something is, the site stays in doubt, by
//! name: to sell on would give a lost token's money twice. They look again the next working day.

use taa_dcu::{
    Dcu, MeterIx,
    gateway::TokenDigits,
    vending::{KEPT_PER_METER, VendId},
};
use taa_models::draw::NodeKey;

use super::{Pay, audit::RelayList, clerk::is_credited, rekey::AGAIN_MS};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime},
    world::{Event, Village},
};

impl Village<'_> {
    /// The DCU runs and is in doubt about its journal.
    pub(crate) fn site_doubts(&self) -> bool {
        self.site.dcu.as_ref().is_some_and(|dcu| dcu.state().is_in_doubt())
    }

    /// Why a site in doubt sells nothing.
    pub(crate) fn doubt_chain(&self) -> Chain {
        Chain::of(Cause::JournalDoubted).then(self.site.disk.untrue)
    }

    /// A site that has come into doubt tells its operator.
    pub(crate) fn seek_doubt(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.site_doubts() || std::mem::replace(&mut self.site.doubt_told, true) {
            return;
        }
        let confirm_ms = self.scenario.assets.tamper.confirm_ms(NodeKey::of("dcu disk"), self.seed, now_ms);
        let at_ms = self.timeline.outside.calendar.work(now_ms, confirm_ms);
        self.look_at(at_ms.max(now_ms + 1), queue);
    }

    fn look_at(&self, at_ms: u64, queue: &mut Queue<Event>) {
        queue.at(SimTime::from_ms(at_ms), Phase::Customer, self.ops.outside, Event::DoubtLooked);
    }

    /// Somebody looks, if the site can be reached.
    pub(crate) fn doubt_looked(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.site.up() || !self.wan.up() || self.site.disk.refusing {
            return self.look_at(now_ms + AGAIN_MS, queue);
        }
        self.site.doubt_told = false;
        if !self.site_doubts() {
            return;
        }
        if let Some(what) = self.missing_at_site() {
            self.log(now_ms, "doubt_stays", String::new(), format!("{what} is missing in the journal"));
            return self.seek_doubt(now_ms, queue);
        }
        // What the module was asked for and nobody got is sold anew.
        let forgotten: Vec<usize> =
            (0..self.pays.len()).filter(|n| self.sale_is_unknown(&self.pays[*n]).is_some()).collect();
        for payment in forgotten {
            self.pays[payment].sale = None;
        }
        if !self.site.disk.accept_damage() {
            return self.seek_doubt(now_ms, queue);
        }
        self.audit_settled();
        self.log(now_ms, "doubt_ended", String::new(), "nothing that others know of is missing".to_owned());
        self.with_dcu(now_ms, queue, Dcu::end_doubt);
        self.touch_all();
    }

    /// Something that others know of and the site does not.
    fn missing_at_site(&self) -> Option<String> {
        let book = self.site.dcu.as_ref()?.state().book();
        let relay = self.money.hosted.seen(RelayList::of);
        for (number, pay) in (0_u32..).zip(&self.pays) {
            let ids = self.ids(number);
            let seen = ids.iter().any(|id| book.has_seen(id));
            let in_suspense = pay.suspended && pay.handed_back == 0 && !relay.keeps(&ids);
            if pay.credited_ms.is_some() && !is_credited(book, &ids) || in_suspense && !seen {
                return Some(format!("payment {number}"));
            }
            if pay.token.is_some()
                && let Some(id) = self.sale_is_unknown(pay)
            {
                return Some(format!("sale {}", id.0));
            }
        }
        let keeps_accounts = self.dcu_fetches();
        let mut acts = self.money.clerk.told().filter(|id| keeps_accounts && !book.is_amended(id));
        acts.next().map(|id| format!("act {id}"))
    }

    /// The sale of this payment, where the site does not know of it.
    fn sale_is_unknown(&self, pay: &Pay) -> Option<VendId> {
        let (id, desk) = (pay.sale?, self.site.dcu.as_ref()?.state().desk());
        let meter = MeterIx(pay.customer);
        let digits = pay.token.as_ref().map(|made| TokenDigits(made.token.digits()));
        let known = desk
            .sale(id)
            .is_some_and(|sale| sale.meter == meter && digits.is_none_or(|digits| sale.tokens.contains(&digits)));
        // Of one meter so many are remembered.
        let forgets = desk.meter(meter).is_some_and(|desk| desk.sales().len() >= KEPT_PER_METER);
        (!known && !forgets).then_some(id)
    }
}
