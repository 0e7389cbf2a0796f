//! Where the site's note of a meter's key is wrong (fault `wrong_key_revision`): what the meter refuses, who finds it out, and
//! what is sold anew.
//!
//! ```text
//!   wrong note at the DCU ──▶ token under it ──▶ gateway or hands: not genuine ──▶ held, by name
//!   operator: Dcu::key_found, and an hour after the customer's call, or the gateway's word, Dcu::replace_refused
//! ```
//!
//! As long as the fault lasts nobody finds the key out. A token that a meter refuses for another reason is held by
//! `token_refused`: it may have counted, and nobody sells it anew.

use taa_dcu::{
    Dcu, Delivery, MeterIx,
    gateway::TokenFate,
    vending::{Fate, KeyNote, Sale, VendId},
};

use super::{
    Stage,
    rekey::{AGAIN_MS, ASKED_MS},
};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime},
    world::{Event, Village, person::awake_at_ms},
};

impl Village<'_> {
    /// Once a day also without a turn of any part: a meter that was dark may have power again.
    pub(crate) fn look_after_tokens(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        self.retry_tokens(now_ms, queue);
        self.seek_refused(now_ms, queue);
    }

    /// Payments of this customer that wait for the token of this sale.
    pub(super) fn open_of_sale(&mut self, customer: u32, id: VendId) -> Vec<u32> {
        let open = &self.people.of(customer).purse.open;
        open.iter().copied().filter(|payment| self.pays[*payment as usize].sale == Some(id)).collect()
    }

    /// The operator enters which keys the meters hold, as far as the operator knows.
    pub(super) fn note_keys(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.site_vends() || !self.site.up() {
            return;
        }
        for (customer, believed) in self.money.tokens.beliefs() {
            let desk = self.site.dcu.as_ref().and_then(|dcu| dcu.state().desk().meter(MeterIx(customer)));
            if desk.and_then(|desk| desk.key()) == Some(KeyNote::from(&believed)) {
                continue;
            }
            let mut noted = false;
            self.with_dcu(now_ms, queue, |dcu, now| noted = dcu.key_found(now, MeterIx(customer), &believed).is_ok());
            if noted {
                self.release_void(customer);
                let id = self.scenario.village.customers[customer as usize].id.clone();
                self.log(now_ms, "key_found", id, format!("the site notes revision {}", believed.krn.number()));
            }
        }
    }

    /// Payments whose sale the DCU has made void before anything of it had left: they wait for the sale in its place.
    fn release_void(&mut self, customer: u32) {
        let open = self.people.of(customer).purse.open.clone();
        let desk = self.site.dcu.as_ref().map(|dcu| dcu.state().desk());
        let is_void = |id: &VendId| {
            desk.and_then(|desk| desk.sale(*id)).is_some_and(|sale| matches!(sale.fate, Fate::Void { .. }))
        };
        let mut void: Vec<VendId> = open.iter().filter_map(|n| self.pays[*n as usize].sale).filter(is_void).collect();
        void.dedup();
        for id in void {
            let of_sale = self.open_of_sale(customer, id);
            let made = of_sale.iter().filter_map(|n| self.pays[*n as usize].token.as_ref());
            let worth_u = made.clone().map(|made| made.worth_u).sum();
            if made.count() > 0 {
                let paid_minor = of_sale.iter().map(|n| self.pays[*n as usize].amount_minor).sum();
                self.money.tokens.unbooked(customer, &of_sale, paid_minor, worth_u);
            }
            for payment in of_sale {
                let pay = &mut self.pays[payment as usize];
                (pay.sale, pay.token) = (None, None);
            }
        }
    }

    /// The meter has refused the token of a sale for good: its money is held by that name, and somebody calls.
    pub(super) fn sale_refused(
        &mut self,
        meter: MeterIx,
        id: VendId,
        status: TokenFate,
        now_ms: u64,
        queue: &mut Queue<Event>,
    ) {
        let tokens = &self.money.tokens;
        let chain = match status {
            TokenFate::NotGenuine => tokens.wrong_key(meter.0).unwrap_or(Chain::of(Cause::WrongKey)),
            TokenFate::KeyExpired => tokens.run_out(meter.0),
            _ => Chain::of(Cause::TokenRefused),
        };
        let of_sale = self.open_of_sale(meter.0, id);
        for payment in &of_sale {
            self.pays[*payment as usize].stage = Stage::Number;
            self.hold_number(*payment, chain, now_ms);
        }
        if status == TokenFate::NotGenuine && !of_sale.is_empty() && self.money.rekeying.is_news(id) {
            let key = self.people.of(meter.0).identity.key.0;
            self.ask_operator(meter.0, id, awake_at_ms(now_ms + ASKED_MS, key), queue);
        }
    }

    fn ask_operator(&mut self, customer: u32, id: VendId, at_ms: u64, queue: &mut Queue<Event>) {
        let Ok(sale) = u32::try_from(id.0) else { return };
        let node = self.people.of(customer).identity.node;
        queue.at(SimTime::from_ms(at_ms), Phase::Customer, node, Event::RefusedAsked { customer, sale });
    }

    /// An order to sell a token anew that a cut of the power has taken before it was on the disk: the operator sees the old sale
    /// stand as before, and gives it again.
    pub(crate) fn seek_lost_orders(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        for (id, (payments, order)) in std::mem::take(&mut self.money.rekeying.made_anew) {
            let desk = self.site.dcu.as_ref().map(|dcu| dcu.state().desk());
            let stands =
                desk.and_then(|desk| desk.sale(id)).is_some_and(|sale| !matches!(sale.fate, Fate::Void { .. }));
            if !stands {
                continue;
            }
            for payment in payments {
                let pay = &mut self.pays[payment as usize];
                if pay.stage == Stage::Number && pay.sale.is_none() {
                    pay.sale = Some(id);
                }
            }
            queue.at(SimTime::from_ms(now_ms), Phase::Customer, self.ops.cloud, order);
        }
    }

    /// What a gateway has refused and a cut of the power has kept from being told: the operator looks through the alarms.
    pub(crate) fn seek_refused(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(dcu) = self.site.dcu.as_ref().filter(|_| self.site_vends()) else { return };
        let foreign = |sale: &&Sale| sale.fate.is_foreign();
        let refused: Vec<(MeterIx, VendId)> =
            dcu.state().desk().sales().filter(foreign).map(|sale| (sale.meter, sale.id)).collect();
        for (meter, id) in refused {
            self.sale_refused(meter, id, TokenFate::NotGenuine, now_ms, queue);
        }
    }

    /// The operator finds out which key the meter holds, and has the refused token sold anew.
    pub(crate) fn refused_asked(&mut self, customer: u32, sale: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let id = VendId(sale.into());
        let of_sale = self.open_of_sale(customer, id);
        let Some(first) = of_sale.first() else { return self.money.rekeying.done(id) };
        let chain = self.pays[*first as usize].held().unwrap_or(Chain::of(Cause::WrongKey));
        if self.site.up() && self.money.tokens.wrong_key(customer).is_none() {
            self.note_keys(now_ms, queue);
            // What the customer has told by telephone; of the gateway the DCU knows it already.
            let told = Delivery::Answered(TokenFate::NotGenuine);
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_delivery(now, id, told));
            let replace = |dcu: &mut Dcu, now| dcu.replace_refused(now, id).is_ok();
            if self.sell_anew(customer, &of_sale, chain, replace, now_ms, queue) {
                self.money.rekeying.done(id);
                self.money.rekeying.made_anew.insert(id, (of_sale, Event::RefusedAsked { customer, sale }));
                let name = self.scenario.village.customers[customer as usize].id.clone();
                let text = "its meter holds another key; sold anew under that".to_owned();
                return self.log(now_ms, "token_replaced", name, text);
            }
        }
        self.ask_operator(customer, id, now_ms + AGAIN_MS, queue);
    }

    /// Has the payments of a sale sold anew, if the DCU agrees that its token can never count.
    pub(super) fn sell_anew(
        &mut self,
        customer: u32,
        of_sale: &[u32],
        held: Chain,
        replace: impl FnOnce(&mut Dcu, u64) -> bool,
        now_ms: u64,
        queue: &mut Queue<Event>,
    ) -> bool {
        let before: Vec<_> = of_sale.iter().map(|n| self.pays[*n as usize].clone()).collect();
        // An order that is given again finds no token: it was given up with the first.
        let made = before.iter().any(|pay| pay.token.is_some());
        let paid_minor = before.iter().map(|pay| pay.amount_minor).sum();
        let worth_u = before.iter().filter_map(|pay| pay.token.as_ref()).map(|made| made.worth_u).sum();
        if made {
            self.money.tokens.unbooked(customer, of_sale, paid_minor, worth_u);
        }
        for payment in of_sale {
            let pay = &mut self.pays[*payment as usize];
            (pay.sale, pay.token, pay.stage) = (None, None, Stage::Number);
            (pay.texts, pay.in_hand_ms) = (0, None);
            self.hold_number(*payment, held, now_ms);
        }
        let mut replaced = false;
        self.with_dcu(now_ms, queue, |dcu, now| replaced = replace(dcu, now));
        if !replaced {
            if made {
                self.money.tokens.rebooked(customer, paid_minor, worth_u);
            }
            for (payment, pay) in of_sale.iter().zip(before) {
                self.pays[*payment as usize] = pay;
            }
        }
        replaced
    }
}
