//! The token on its way to the keypad: a text message or paper, a pair of hands, a meter with power.
//!
//! Neither mesh nor DCU carries it. The vendor makes it ([`super::tokens`]); the network keeps a message for a phone without signal; a
//! message that is lost is asked for again; at night nobody types.

use taa_dcu::{MeterIx, gateway::TokenFate};
use taa_meter::{Done, Keyed};
use taa_models::draw::{Draws, Purpose};
use taa_tokens::sts::meter::Reason;

use super::{
    Place, Stage, Take,
    attempt::AGENT_OPERATOR,
    tokens::{Seller, mistyped},
};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime},
    records::{PayChannel, TokenBy},
    world::{Event, Village, parts::hardest_to_clear, person::awake_at_ms},
};

const TEXT: Purpose = Purpose::named("text message");
const RESEND: Purpose = Purpose::named("asks for the number again");
const TYPING: Purpose = Purpose::named("types a number");
/// A meter without power is tried again after this, ms (assumed).
pub(super) const DARK_DISPLAY_MS: u64 = 15 * 60_000;
/// Nobody tries the same again sooner, ms: time moves on whatever a scenario says.
const LEAST_WAIT_MS: u64 = 1_000;

impl Village<'_> {
    fn keyed_draws(&mut self, payment: u32, purpose: Purpose, nth: u32) -> Draws {
        let pay = &self.pays[payment as usize];
        let occasion = (pay.topup << 12) | u64::from(nth & 0xfff);
        let key = self.people.of(pay.customer).identity.key;
        Draws::keyed(self.seed.0, self.seed.1, key, purpose, occasion)
    }

    fn at_customer(&mut self, payment: u32, at_ms: u64, event: Event, queue: &mut Queue<Event>) {
        let customer = self.pays[payment as usize].customer;
        let node = self.people.of(customer).identity.node;
        queue.at(SimTime::from_ms(at_ms), Phase::Customer, node, event);
    }

    pub(super) fn hold_number(&mut self, payment: u32, chain: Chain, now_ms: u64) {
        let pay = &mut self.pays[payment as usize];
        pay.hold(chain, now_ms);
        let customer = pay.customer;
        self.touch(customer);
    }

    /// The vendor makes the token: printed at the agent's, or sent to a phone. What is in the way holds it.
    pub(super) fn number_issued(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.pays[payment as usize].stage = Stage::Number;
        let seller = self.seller_of(payment);
        if let Err(chain) = self.make_token(payment, seller, now_ms) {
            self.money.tokens.stuck.push(payment);
            return self.hold_number(payment, chain, now_ms);
        }
        self.number_made(payment, now_ms, queue);
    }

    /// The token is there: who stands at the agent's gets it printed, others by text.
    pub(super) fn number_made(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.pays[payment as usize].token_by == TokenBy::Paper {
            self.in_hand(payment, now_ms, queue);
        } else {
            self.send_number(payment, now_ms, queue);
        }
    }

    /// Sold on paper printed beforehand: the token is in hand at once, the agent's report goes out when it can.
    pub(super) fn sold_on_paper(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.money.desk.take_paper();
        match self.make_token(payment, Seller::Press, now_ms) {
            Ok(()) => self.in_hand(payment, now_ms, queue),
            Err(chain) => {
                self.money.tokens.stuck.push(payment);
                self.hold_number(payment, chain, now_ms);
            }
        }
        self.hop(payment, Place::Agent, now_ms, queue);
    }

    /// The phone that gets the number: the customer's, or the agent's who writes it down.
    fn phone_of(&mut self, payment: u32) -> usize {
        let pay = &self.pays[payment as usize];
        match pay.channel {
            PayChannel::Agent => AGENT_OPERATOR,
            PayChannel::Phone => self.scenario.comms.payments.operator(self.people.of(pay.customer).identity.key),
        }
    }

    /// There is a number, and nobody has it yet. A gateway may have been faster, or the token was refused and another is being
    /// made: a text that is still on its way then is of no use to anybody.
    fn awaits_number(&self, payment: u32) -> bool {
        let pay = &self.pays[payment as usize];
        pay.stage == Stage::Number && pay.token.is_some()
    }

    /// The vendor sends the number, or it waits for a link from the vendor and for signal on the phone.
    pub(super) fn send_number(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.awaits_number(payment) {
            return;
        }
        let signal = self.phone_without_signal(payment);
        let from_dcu = self.dcu_fetches();
        let wan = (from_dcu && !self.wan.up()).then(|| self.wan.chain());
        let site = (from_dcu && !self.site.up()).then(|| self.site_chain());
        if let Some(chain) = hardest_to_clear([signal, wan, site]) {
            self.money.unsent.push(payment);
            return self.hold_number(payment, chain, now_ms);
        }
        let pay = &mut self.pays[payment as usize];
        let nth = pay.texts;
        pay.texts += 1;
        let params = &self.scenario.comms.payments;
        let (sms, loss_share) = (params.sms.clone(), params.sms_loss_share);
        let mut draws = self.keyed_draws(payment, TEXT, nth);
        let delay_ms = sms.deliver_ms(loss_share, &mut draws).filter(|_| self.money.sms.up());
        match delay_ms {
            Some(delay_ms) => {
                self.hold_number(payment, self.by_hand_for(payment), now_ms);
                self.at_customer(payment, now_ms.saturating_add(delay_ms), Event::TextArrives { payment }, queue);
            }
            None => {
                self.hold_number(payment, self.money.sms.chain(), now_ms);
                let wait_ms = sms.resend_after_ms(&mut self.keyed_draws(payment, RESEND, nth));
                self.asks_again(payment, now_ms.saturating_add(wait_ms), queue);
            }
        }
    }

    fn phone_without_signal(&mut self, payment: u32) -> Option<Chain> {
        let phone = self.phone_of(payment);
        self.wan.phone_signal(phone).err()
    }

    /// Somebody who waits for a number asks for it, when awake.
    fn asks_again(&mut self, payment: u32, at_ms: u64, queue: &mut Queue<Event>) {
        let customer = self.pays[payment as usize].customer;
        let key = self.people.of(customer).identity.key.0;
        self.at_customer(payment, awake_at_ms(at_ms, key), Event::TextAsked { payment }, queue);
    }

    /// The number is asked for again: that takes signal, and a vendor who answers.
    pub(crate) fn text_asked(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.awaits_number(payment) {
            return;
        }
        let signal = self.phone_without_signal(payment);
        let cloud = (!self.dcu_fetches() && !self.cloud_part.up()).then(|| self.cloud_part.chain());
        match hardest_to_clear([signal, cloud]) {
            Some(chain) => {
                self.hold_number(payment, chain, now_ms);
                let half_ms = (self.scenario.comms.payments.sms.resend_after_min * 30_000.0) as u64;
                self.asks_again(payment, now_ms.saturating_add(half_ms.max(LEAST_WAIT_MS)), queue);
            }
            None => self.send_number(payment, now_ms, queue),
        }
    }

    /// The message reaches the phone, if that has signal: else the network keeps it.
    pub(crate) fn text_arrives(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.awaits_number(payment) {
            return;
        }
        match self.phone_without_signal(payment) {
            Some(chain) => {
                self.money.unsent.push(payment);
                self.hold_number(payment, chain, now_ms);
            }
            None => self.in_hand(payment, now_ms, queue),
        }
    }

    /// Somebody holds the number, and goes to the meter when awake. A number that came at night because something had
    /// held it up waits for the morning on that account: in time, it would have been typed by day.
    fn in_hand(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let pay = &mut self.pays[payment as usize];
        pay.stage = Stage::InHand;
        pay.in_hand_ms = Some(now_ms);
        let (held, before) = (pay.held_longest.0, pay.holds.0);
        let customer = pay.customer;
        let keypad = &self.scenario.comms.payments.keypad;
        let mut draws = self.keyed_draws(payment, TYPING, 0);
        let trip_ms = keypad.trip_ms(&mut draws);
        let at_ms = now_ms.saturating_add(trip_ms).saturating_add(keypad.typing_ms(&mut draws));
        let asleep = awake_at_ms(at_ms, self.people.of(customer).identity.key.0) > at_ms;
        let late_for = if before.is_empty() { held } else { before };
        let refused = self.by_hand_for(payment);
        let chain = Chain::of(Cause::NumberToType).then(refused);
        self.hold_number(payment, if asleep && refused.is_empty() { chain.then(late_for) } else { chain }, now_ms);
        self.types_at(payment, at_ms, queue);
    }

    /// Why a token that a gateway would have taken at once goes by hand; empty where hands are the way.
    fn by_hand_for(&self, payment: u32) -> Chain {
        let pay = &self.pays[payment as usize];
        let refused = pay.sale.and_then(|_| self.money.tokens.gateway_refuses(pay.customer));
        refused.unwrap_or(Chain::EMPTY)
    }

    fn types_at(&mut self, payment: u32, at_ms: u64, queue: &mut Queue<Event>) {
        let customer = self.pays[payment as usize].customer;
        let key = self.people.of(customer).identity.key.0;
        self.at_customer(payment, awake_at_ms(at_ms, key), Event::Keypad { payment }, queue);
    }

    /// Twenty digits have been typed, rightly or wrongly.
    pub(crate) fn keypad(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let pay = &self.pays[payment as usize];
        let customer = pay.customer;
        let (Some(token), Stage::InHand) = (pay.token.as_ref().map(|made| made.token), pay.stage) else { return };
        let nth = pay.entries + 1;
        let keypad = self.scenario.comms.payments.keypad.clone();
        let mut draws = self.keyed_draws(payment, TYPING, nth);
        let one = self.people.of(customer);
        if one.purse.gone_ms.is_some() {
            return;
        }
        if one.unit.dead || !one.unit.meter.energised() {
            return self.types_at(payment, now_ms + DARK_DISPLAY_MS, queue);
        }
        if let Some(sale) = self.pays[payment as usize].sale
            && !self.type_first(customer, sale, now_ms, queue)
        {
            return self.types_at(payment, now_ms + DARK_DISPLAY_MS, queue);
        }
        let one = self.people.of(customer);
        let wrong = keypad.wrong(&mut draws);
        let again_ms = keypad.typing_ms(&mut draws).max(LEAST_WAIT_MS);
        let typed = if wrong { mistyped(token, &mut draws) } else { token.to_string() };
        let before = one.unit.meter.relay_closed();
        let keyed = one.unit.meter.handle_keypad_digits(now_ms * 1_000_000, &typed);
        let closed = one.unit.meter.relay_closed();
        self.pays[payment as usize].entries = nth;
        let sums = &mut self.money.tokens.sums;
        match keyed {
            Keyed::Done(Done::Credited(u)) if wrong => sums.chance_u += u,
            Keyed::Done(_) => sums.used += u32::from(!wrong),
            _ => sums.refused += 1,
        }
        match keyed {
            _ if wrong => self.typed_wrongly(payment, again_ms, now_ms, queue),
            Keyed::Done(_) => self.typed(payment, now_ms, queue),
            // The gateway was faster, and the DCU has not told yet.
            Keyed::Refused(Reason::Used { .. }) if self.pays[payment as usize].sale.is_some() => {
                self.money.tokens.sums.used += 1;
                self.typed(payment, now_ms, queue);
            }
            Keyed::Refused(Reason::Checksum) if self.dead_by_change(payment, now_ms, queue) => {}
            Keyed::Refused(Reason::Checksum) => self.refused_as_foreign(payment, now_ms, queue),
            other => {
                let id = self.scenario.village.customers[customer as usize].id.clone();
                self.log(now_ms, "token_refused", id, format!("the keypad answers {other:?}"));
            }
        }
        if closed == before {
            self.meter_deadline(customer, now_ms, queue);
        } else {
            self.relay_turned(customer, closed, now_ms, queue);
        }
    }

    /// The meter has taken the token.
    fn typed(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let pay = &self.pays[payment as usize];
        self.apply(pay.customer, pay.sale.map_or(Take::Typed(payment), Take::Sale), now_ms, queue);
    }

    /// The meter refuses the wrong digits; they are typed again.
    fn typed_wrongly(&mut self, payment: u32, again_ms: u64, now_ms: u64, queue: &mut Queue<Event>) {
        let at_ms = now_ms.saturating_add(again_ms);
        let customer = self.pays[payment as usize].customer;
        if awake_at_ms(at_ms, self.people.of(customer).identity.key.0) == at_ms {
            self.hold_number(payment, Chain::of(Cause::WrongDigits), now_ms);
        }
        self.types_at(payment, at_ms, queue);
    }

    /// The right digits, and the meter's checksum says otherwise: it holds another key than the vendor believes. The
    /// customer calls; the vendor finds out by its own keys, and seals the same content anew once it knows.
    fn refused_as_foreign(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let customer = self.pays[payment as usize].customer;
        let id = self.scenario.village.customers[customer as usize].id.clone();
        self.log(now_ms, "token_refused", id, "made under another key than the meter holds".to_owned());
        if let Some(sale) = self.pays[payment as usize].sale {
            // The DCU has sold it: it is for the DCU to sell it anew.
            return self.sale_refused(MeterIx(customer), sale, TokenFate::NotGenuine, now_ms, queue);
        }
        match self.money.tokens.wrong_key(customer) {
            Some(chain) => {
                self.pays[payment as usize].stage = Stage::Number;
                self.money.tokens.stuck.push(payment);
                self.hold_number(payment, chain, now_ms);
            }
            None => self.number_issued(payment, now_ms, queue),
        }
    }
}
