//! Key changes that the operator orders, where the DCU sells the tokens: what the DCU asks, what leaves it, what hands do.
//!
//! ```text
//!   operator ──▶ Dcu::key_change ──▶ KeyChangeRequest ──▶ module: 2 or 4 tokens under the old key
//!                     gateway ◀── over the mesh ◀──┴──▶ text ──▶ typed in, all of them, before any newer token
//! ```
//!
//! A set whose text is lost comes again with the next token that is sold: it says what must be typed first. Tokens under
//! the old key that were not typed before the change open nothing afterwards. The customer calls, the operator looks
//! at the sale and has it made anew (`replace_orphan`); the money is never given twice, for the old one is dead.

use std::collections::{BTreeMap, BTreeSet};

use taa_dcu::{
    Dcu, DcuEvent, Delivery, MeterIx,
    config::Way,
    gateway::TokenFate,
    vending::{Fate, VendId, VendRefusal},
};
use taa_models::draw::{Draws, Purpose};
use taa_scenarios::model::{KeyChangeTo, OperationKind};
use taa_tokens::sts::{KeyAttributes, Token, vend::MeterKey};

use super::{Stage, keypad::DARK_DISPLAY_MS, tokens::next_revision};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime},
    world::{Event, Village, person::awake_at_ms, timeline::aimed_at},
};

const CHANGE: Purpose = Purpose::named("key change by text");
/// Until the operator tries again, ms (assumed).
pub(super) const AGAIN_MS: u64 = 900_000;
/// Until the operator has asked a customer whose token may be dead, ms (assumed).
pub(super) const ASKED_MS: u64 = 3_600_000;

/// A set of key-change tokens.
#[derive(Clone, Debug)]
struct Change {
    customer: u32,
    to: MeterKey,
    set: Vec<Token>,
    texts: u32,
    /// A text with it is on its way, or was typed.
    told: bool,
}

/// All key changes of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Rekeying {
    changes: BTreeMap<VendId, Change>,
    /// Meters whose order could not be given yet, by operation.
    left: BTreeMap<u32, Vec<u32>>,
    /// To be typed in before the token of this sale.
    first: BTreeMap<VendId, Vec<String>>,
    /// Refused tokens that the operator knows of and has not replaced yet.
    refused: BTreeSet<VendId>,
    /// Sales that the operator had made anew since the site started: for which payments, and what the operator did.
    pub(super) made_anew: BTreeMap<VendId, (Vec<u32>, Event)>,
}

impl Rekeying {
    /// This sale is a key change, not money.
    pub(super) fn is_change(&self, id: VendId) -> bool {
        self.changes.contains_key(&id)
    }

    /// Nobody has told the operator yet that the token of this sale is refused.
    pub(super) fn is_news(&mut self, id: VendId) -> bool {
        self.refused.insert(id)
    }

    /// The operator has seen to it.
    pub(super) fn done(&mut self, id: VendId) {
        self.refused.remove(&id);
    }

    fn of(&self, customer: u32) -> Option<VendId> {
        self.changes.iter().rev().find(|(_, change)| change.customer == customer).map(|(id, _)| *id)
    }
}

fn target_key(from: &MeterKey, to: KeyChangeTo) -> Option<KeyAttributes> {
    let next = next_revision(*from).key;
    match to {
        KeyChangeTo::NextRevision => Some(next),
        KeyChangeTo::NextBaseDate => Some(KeyAttributes { base_date: next.base_date.next()?, ..next }),
    }
}

impl Village<'_> {
    /// The operator orders another key for meters; what cannot be ordered now is tried again.
    pub(crate) fn keys_ordered(&mut self, number: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let operation = &self.scenario.operations[number as usize];
        let OperationKind::KeyChange { to, target } = &operation.what else { return };
        let (to, id) = (*to, operation.id.clone());
        if !self.site_vends() {
            return self.log(now_ms, "key_change", id, "no tokens are sold at this site".to_owned());
        }
        let left = self.money.rekeying.left.remove(&number);
        let wanted = left.unwrap_or_else(|| aimed_at(self.scenario, target).collect());
        let (mut later, mut ordered, mut refused) = (Vec::new(), 0, None);
        for customer in wanted {
            let Some(key) = target_key(self.money.tokens.key(customer as usize), to) else { continue };
            let mut answer = None;
            self.with_dcu(now_ms, queue, |dcu, now| answer = Some(dcu.key_change(now, MeterIx(customer), &key)));
            match answer {
                Some(Ok(_)) => ordered += 1,
                Some(Err(refusal @ (VendRefusal::KeyChange(_) | VendRefusal::NoDecoder))) => refused = Some(refusal),
                None | Some(Err(_)) => later.push(customer),
            }
        }
        let again = if later.is_empty() { "" } else { ", the others are tried again" };
        let why = refused.map_or_else(String::new, |refusal| format!("; {refusal}"));
        if ordered > 0 || !why.is_empty() {
            self.log(now_ms, "key_change", id, format!("ordered for {ordered} meters{again}{why}"));
        }
        if !later.is_empty() {
            self.money.rekeying.left.insert(number, later);
            let at = SimTime::from_ms(now_ms + AGAIN_MS);
            queue.at(at, Phase::Customer, self.ops.outside, Event::Operation { number });
        }
    }

    /// The DCU asks the module for a set. One that is down does not answer; the DCU asks again.
    pub(crate) fn key_change_wanted(
        &mut self,
        id: VendId,
        (from, to): (&MeterKey, &MeterKey),
        now_ms: u64,
        queue: &mut Queue<Event>,
    ) {
        let Some(customer) = self.money.tokens.customer_of(from) else { return };
        let Some(set) = self.money.tokens.key_change(from, to) else { return };
        let change = Change { customer, to: *to, set: set.clone(), texts: 0, told: false };
        self.money.rekeying.changes.entry(id).or_insert(change);
        self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_key_change(now, id, Ok(&set)));
    }

    /// Word of key changes from the DCU.
    pub(crate) fn key_change_event(&mut self, event: &DcuEvent, now_ms: u64, queue: &mut Queue<Event>) {
        match event {
            DcuEvent::KeyChangeIssued { id, way: Way::Keypad { .. }, .. } => self.text_change(*id, now_ms, queue),
            DcuEvent::TokenIssued { id, first, .. } if !first.is_empty() => {
                let digits = first.iter().map(|token| token.0.map(char::from).iter().collect()).collect();
                self.money.rekeying.first.insert(*id, digits);
            }
            DcuEvent::TokenSettled { meter, id, fate: Fate::Entered { .. } } if self.money.rekeying.is_change(*id) => {
                self.key_seen(meter.0, now_ms);
            }
            DcuEvent::TokensOrphaned { meter, ids } => {
                for sale in ids {
                    let Ok(sale) = u32::try_from(sale.0) else { continue };
                    let key = self.people.of(meter.0).identity;
                    let at_ms = awake_at_ms(now_ms + ASKED_MS, key.key.0);
                    let event = Event::OrphanAsked { customer: meter.0, sale };
                    queue.at(SimTime::from_ms(at_ms), Phase::Customer, key.node, event);
                }
            }
            _ => {}
        }
    }

    /// The set goes to the customer's phone; without a link or signal it waits, and a text that is lost is lost.
    fn text_change(&mut self, id: VendId, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(change) = self.money.rekeying.changes.get_mut(&id).filter(|change| !change.told) else { return };
        let (customer, nth, parts) = (change.customer, change.texts, change.set.len());
        change.texts += 1;
        let identity = self.people.of(customer).identity;
        let (key, node) = (identity.key, identity.node);
        let Ok(number) = u32::try_from(id.0) else { return };
        let operator = self.scenario.comms.payments.operator(key);
        if !self.wan.up() || self.wan.phone_signal(operator).is_err() {
            let at = SimTime::from_ms(now_ms + AGAIN_MS);
            return queue.at(at, Phase::Customer, node, Event::ChangeTexted { change: number });
        }
        let occasion = id.0 << 12 | u64::from(nth & 0xfff);
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, key, CHANGE, occasion);
        let params = &self.scenario.comms.payments;
        let arrives = params.sms.deliver_ms(params.sms_loss_share, &mut draws).filter(|_| self.money.sms.up());
        let Some(delay_ms) = arrives else { return };
        let keypad = &params.keypad;
        let trip_ms = keypad.trip_ms(&mut draws);
        let typing_ms = (0..parts).map(|_| keypad.typing_ms(&mut draws)).fold(0, u64::saturating_add);
        let at_ms = [delay_ms, trip_ms, typing_ms].into_iter().fold(now_ms, u64::saturating_add);
        if let Some(change) = self.money.rekeying.changes.get_mut(&id) {
            change.told = true;
        }
        let event = Event::ChangeTyped { change: number };
        queue.at(SimTime::from_ms(awake_at_ms(at_ms, key.0)), Phase::Customer, node, event);
    }

    /// A text that waited for a link.
    pub(crate) fn change_texted(&mut self, change: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.text_change(VendId(change.into()), now_ms, queue);
    }

    /// The set has been typed into the meter.
    pub(crate) fn change_typed(&mut self, change: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(found) = self.money.rekeying.changes.get(&VendId(change.into())) else { return };
        let customer = found.customer;
        let digits: Vec<String> = found.set.iter().map(Token::to_string).collect();
        let node = self.people.of(customer).identity.node;
        if !self.type_all(customer, &digits, now_ms, queue) {
            let at = SimTime::from_ms(now_ms + DARK_DISPLAY_MS);
            queue.at(at, Phase::Customer, node, Event::ChangeTyped { change });
        }
    }

    /// What must be typed in before the token of this sale; false when the display is dark.
    pub(super) fn type_first(&mut self, customer: u32, sale: VendId, now_ms: u64, queue: &mut Queue<Event>) -> bool {
        let first = self.money.rekeying.first.get(&sale).cloned().unwrap_or_default();
        let done = first.is_empty() || self.type_all(customer, &first, now_ms, queue);
        if done {
            self.money.rekeying.first.remove(&sale);
        }
        done
    }

    /// Tokens that change a key, one after the other. Those that the gateway was faster with are refused, without harm.
    fn type_all(&mut self, customer: u32, digits: &[String], now_ms: u64, queue: &mut Queue<Event>) -> bool {
        let unit = self.people.of(customer).unit;
        if unit.dead || !unit.meter.energised() {
            return false;
        }
        let before = unit.meter.relay_closed();
        for digits in digits {
            unit.meter.handle_keypad_digits(now_ms * 1_000_000, digits);
        }
        let closed = unit.meter.relay_closed();
        if closed == before {
            self.meter_deadline(customer, now_ms, queue);
        } else {
            self.relay_turned(customer, closed, now_ms, queue);
        }
        self.key_seen(customer, now_ms);
        true
    }

    /// Looks at the key that a meter really holds, and notes it where it is the one that it was to have.
    fn key_seen(&mut self, customer: u32, now_ms: u64) {
        let Some(change) = self.money.rekeying.of(customer).and_then(|id| self.money.rekeying.changes.get(&id)) else {
            return;
        };
        let to = change.to;
        let unit = self.people.of(customer).unit;
        let Some(held) = unit.meter.sts_state() else { return };
        let changed = held.krn == to.key.krn.number() && held.base_date == to.key.base_date;
        let (year, tids) = (held.base_date.year(), unit.meter.tids_remembered());
        if !changed || *self.money.tokens.key(customer as usize) == to {
            return;
        }
        let printed_by = self.unix_ms(now_ms).div_euclid(60_000);
        self.money.tokens.changed(customer, to, printed_by);
        let id = self.scenario.village.customers[customer as usize].id.clone();
        let text = format!("revision {}, counts from {year}, {tids} identifiers remembered", to.key.krn.number());
        self.log(now_ms, "key_changed", id, text);
    }

    /// The digits of a sale are refused by their checksum, and the meter has another key by now than they were made
    /// under: the customer calls and says so. True where that is the reason.
    pub(super) fn dead_by_change(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) -> bool {
        let pay = &self.pays[payment as usize];
        let (customer, Some(sale)) = (pay.customer, pay.sale) else { return false };
        let (Some(change), Some(dcu)) = (self.money.rekeying.of(customer), &self.site.dcu) else { return false };
        let desk = dcu.state().desk();
        let made_under = desk.sale(sale).map(|sale| sale.key);
        let holds = *self.money.tokens.key(customer as usize);
        if made_under.and_then(|key| key.attributes()) == Some(holds.key) {
            return false;
        }
        let known = desk.meter(MeterIx(customer)).and_then(|desk| desk.changing()) != Some(change);
        self.pays[payment as usize].stage = Stage::Number;
        self.hold_number(payment, Chain::of(Cause::WrongKey), now_ms);
        if !known {
            // All of the set was typed in, says the customer.
            let told = Delivery::Answered(TokenFate::Accepted);
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_delivery(now, change, told));
        }
        true
    }

    /// The operator asks a customer whose token may have died with the old key, and has it made anew if it has.
    pub(crate) fn orphan_asked(&mut self, customer: u32, sale: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let id = VendId(sale.into());
        let of_sale = self.open_of_sale(customer, id);
        if of_sale.is_empty() {
            return;
        }
        if !self.site.up() {
            let node = self.people.of(customer).identity.node;
            let at = SimTime::from_ms(now_ms + AGAIN_MS);
            return queue.at(at, Phase::Customer, node, Event::OrphanAsked { customer, sale });
        }
        let dead = Chain::of(Cause::WrongKey);
        let replace = |dcu: &mut Dcu, now| dcu.replace_orphan(now, id);
        if self.sell_anew(customer, &of_sale, dead, replace, now_ms, queue) {
            self.money.rekeying.made_anew.insert(id, (of_sale, Event::OrphanAsked { customer, sale }));
            let name = self.scenario.village.customers[customer as usize].id.clone();
            self.log(now_ms, "token_replaced", name, "it died with the old key; sold anew".to_owned());
        }
    }

    /// The paper at hand was printed before this meter's change of key: nobody sells it any more.
    pub(super) fn paper_is_dead(&self, customer: u32, now_ms: u64) -> bool {
        self.money.tokens.outdated(customer, self.printed_minute(now_ms))
    }
}
