//! Word of a payment on its way from the provider to whoever vends: copies that hop from part to part, and wait.

use taa_dcu::config::CreditAt;
use taa_models::{
    draw::{Draws, Purpose},
    payments,
};

use super::{Place, Stage, attempt::AGENT_OPERATOR};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime},
    records::{Component, PayChannel},
    world::{
        Event, Village,
        parts::{Part, PartId, Turn, hardest_to_clear},
    },
};

const HOP: Purpose = Purpose::named("payment hop");
/// The DCU's question to the intake, and an answer with a payment in it, bytes on the wire (assumed: a small HTTPS
/// exchange on a session that stands).
const FETCH_BYTES: [usize; 2] = [300, 700];
/// After this long without an answer the DCU waits for its next fetch, ms (assumed).
const FETCH_GIVES_UP_MS: u64 = 60_000;

/// A copy that cannot move on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    payment: u32,
    at: Place,
}

fn down(part: &Part) -> Option<Chain> {
    (!part.up()).then(|| part.chain())
}

impl Village<'_> {
    /// The provider sends its callback: once, late, twice, or never (then a status query finds the payment).
    pub(super) fn told_by_provider(&mut self, payment: u32, draws: &mut Draws, now_ms: u64, queue: &mut Queue<Event>) {
        let told = payments::callbacks(&self.scenario.comms.payments, self.slowdown(now_ms), draws);
        let pay = &mut self.pays[payment as usize];
        if told.lost {
            pay.hold(Chain::of(Cause::CallbackLost), now_ms);
        } else if told.late {
            pay.hold(Chain::of(Cause::CallbackLate), now_ms);
        }
        for after_ms in [Some(told.first_ms), told.second_ms].into_iter().flatten() {
            let at = SimTime::from_ms(now_ms + after_ms);
            queue.at(at, Phase::Environment, self.ops.cloud, Event::Callback { payment });
        }
    }

    /// The provider has a callback ready.
    pub(crate) fn callback(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.hop(payment, Place::Provider, now_ms, queue);
    }

    /// A copy wants to move on from where it is.
    pub(crate) fn hop(&mut self, payment: u32, at: Place, now_ms: u64, queue: &mut Queue<Event>) {
        if let Some(chain) = self.stands_in_the_way(at) {
            self.money.waiting.push(Copy { payment, at });
            self.hold_copy(payment, at, chain, now_ms);
            return;
        }
        let last = self.scenario.comms.payments.aggregators.count;
        let to = match at {
            Place::Provider if last > 0 => Place::Aggregator(0),
            Place::Aggregator(n) if n + 1 < last => Place::Aggregator(n + 1),
            Place::Agent | Place::Provider | Place::Aggregator(_) => Place::Intake,
            Place::Intake => return self.leave_intake(payment, now_ms, queue),
        };
        let pay = &mut self.pays[payment as usize];
        match to {
            Place::Aggregator(_) => _ = pay.at_aggregator_ms.get_or_insert(now_ms),
            _ => _ = pay.at_intake_ms.get_or_insert(now_ms),
        }
        // The first copy tells how far the payment has come.
        if let Stage::At(before) = pay.stage
            && before < to
        {
            pay.stage = Stage::At(to);
            pay.hold(Chain::EMPTY, now_ms);
            self.touch(self.pays[payment as usize].customer);
        }
        let occasion = (self.pays[payment as usize].topup << 8) | u64::from(to.code());
        let key = self.people.of(self.pays[payment as usize].customer).identity.key;
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, key, HOP, occasion);
        let params = &self.scenario.comms.payments;
        let wait_ms = match to {
            Place::Aggregator(_) => params.aggregators.hop_ms(&mut draws),
            _ => params.intake.hop_ms(&mut draws),
        };
        self.hop_at(payment, to, now_ms + wait_ms, queue);
    }

    fn hop_at(&self, payment: u32, at: Place, at_ms: u64, queue: &mut Queue<Event>) {
        queue.at(SimTime::from_ms(at_ms), Phase::Environment, self.ops.cloud, Event::Hop { payment, at });
    }

    /// What keeps a copy where it is: the part itself, or the one behind it.
    fn stands_in_the_way(&self, at: Place) -> Option<Chain> {
        let aggregators = &self.money.aggregators;
        let behind = |n: usize| aggregators.get(n).map_or_else(|| down(&self.money.intake), down);
        match at {
            Place::Agent => hardest_to_clear([self.wan.phone_signal(AGENT_OPERATOR).err(), down(&self.money.intake)]),
            Place::Provider => hardest_to_clear([down(&self.provider), behind(0)]),
            Place::Aggregator(n) => {
                let n = usize::from(n);
                hardest_to_clear([aggregators.get(n).and_then(down), behind(n + 1)])
            }
            Place::Intake if self.dcu_fetches() => {
                let wan = (!self.wan.up()).then(|| self.wan.chain());
                let site = (!self.site.up()).then(|| self.site_chain());
                hardest_to_clear([down(&self.money.intake), wan, site])
            }
            Place::Intake => hardest_to_clear([down(&self.money.intake), down(&self.cloud_part)]),
        }
    }

    /// Says why a payment waits, where this copy is the one that is farthest.
    fn hold_copy(&mut self, payment: u32, at: Place, chain: Chain, now_ms: u64) {
        let pay = &mut self.pays[payment as usize];
        if pay.stage == Stage::At(at) {
            pay.hold(chain, now_ms);
            let customer = pay.customer;
            self.touch(customer);
        }
    }

    /// Some part of the way, or the link, or the DCU turned: copies and numbers that can move on do, at once.
    pub(crate) fn money_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let mut waiting = std::mem::take(&mut self.money.waiting);
        waiting.retain(|&Copy { payment, at }| match self.stands_in_the_way(at) {
            Some(chain) => {
                self.hold_copy(payment, at, chain, now_ms);
                true
            }
            None => {
                self.hop_at(payment, at, now_ms, queue);
                false
            }
        });
        self.money.waiting = waiting;
        for payment in std::mem::take(&mut self.money.unsent) {
            self.send_number(payment, now_ms, queue);
        }
        self.retry_tokens(now_ms, queue);
    }

    /// The intake hands a payment to whoever vends.
    fn leave_intake(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.dcu_fetches() {
            if let Some(slow) = self.wan.slow_chain() {
                self.hold_copy(payment, Place::Intake, slow, now_ms);
            }
            let fetch_ms = self.scenario.comms.payments.intake.next_fetch_ms(now_ms);
            let [there, back] = FETCH_BYTES.map(|bytes| self.transit_ms(bytes));
            match there.zip(back) {
                Some((there_ms, back_ms)) => {
                    let at = SimTime::from_ms(fetch_ms + there_ms + back_ms);
                    queue.at(at, Phase::Environment, self.ops.dcu, Event::Fetched { payment });
                }
                // Lost on the way: the DCU asks again.
                None => self.hop_at(payment, Place::Intake, fetch_ms + FETCH_GIVES_UP_MS, queue),
            }
            return;
        }
        self.at_vendor(payment, now_ms);
        let entry = self.payment_entry(payment);
        self.cloud_payment(entry, now_ms, queue);
    }

    /// The DCU's fetch brings a payment; when the link or the DCU fell meanwhile, the intake still has it.
    pub(crate) fn fetched(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        match self.stands_in_the_way(Place::Intake) {
            Some(chain) => {
                self.money.waiting.push(Copy { payment, at: Place::Intake });
                self.hold_copy(payment, Place::Intake, chain, now_ms);
            }
            None => self.at_dcu_vendor(payment, now_ms, queue),
        }
    }

    /// The DCU has lost a payment with its power before anybody was told that it had it: the intake, which has heard of no
    /// success, still has it; cash is entered again by the agent, who had no receipt to hand out.
    pub(crate) fn payment_again(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let pay = &self.pays[payment as usize];
        if pay.channel == PayChannel::Agent && !pay.by_provider {
            let entry = self.payment_entry(payment);
            self.site_payment(entry, now_ms, queue);
        } else {
            self.hop_at(payment, Place::Intake, now_ms, queue);
        }
    }

    /// A payment is entered at the DCU that vends: fetched, or cash at the agent's.
    pub(super) fn at_dcu_vendor(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.at_vendor(payment, now_ms);
        let entry = self.payment_entry(payment);
        self.site_payment(entry, now_ms, queue);
    }

    fn at_vendor(&mut self, payment: u32, now_ms: u64) {
        let passes_on = self.traits.credit_at != CreditAt::Cloud && !self.by_keypad() && !self.dcu_fetches();
        let passing_on = passes_on
            .then(|| {
                let wan = (!self.wan.up()).then(|| self.wan.chain());
                hardest_to_clear([wan, (!self.site.up()).then(|| self.site_chain())])
            })
            .flatten();
        let pay = &mut self.pays[payment as usize];
        pay.callbacks += 1;
        pay.at_vendor_ms.get_or_insert(now_ms);
        if matches!(pay.stage, Stage::At(_)) {
            // The cloud passes it on to a DCU that keeps the accounts: what is in the way now is what holds it.
            pay.hold(passing_on.unwrap_or(Chain::EMPTY), now_ms);
            pay.stage = Stage::AtVendor;
        }
        let customer = pay.customer;
        self.touch(customer);
    }

    /// Aggregator, intake, text messages or USSD turned.
    pub(crate) fn money_part_turned(&mut self, part: PartId, turn: Turn, now_ms: u64) {
        match part {
            PartId::Aggregator(n) => {
                if let Some(part) = self.money.aggregators.get_mut(usize::from(n)) {
                    part.turn(turn);
                }
                self.component(Component::Aggregator, now_ms);
            }
            PartId::Intake => {
                self.money.intake.turn(turn);
                self.component(Component::Intake, now_ms);
            }
            PartId::Sms => _ = self.money.sms.turn(turn),
            PartId::Ussd => _ = self.money.ussd.turn(turn),
            PartId::Gateway(customer) => {
                self.money.tokens.turn(part, turn);
                let refuses = self.money.tokens.gateway_refuses(customer).is_some();
                self.people.of(customer).unit.meter.handle_gateway_fault(refuses);
            }
            _ => self.money.tokens.turn(part, turn),
        }
    }
}
