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
    records::Component,
    world::{
        Event, Village,
        parts::{Part, PartId, Turn, hardest_to_clear},
    },
};

const HOP: Purpose = Purpose::named("payment hop");

/// A copy of word of a payment, and who has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) payment: u32,
    pub(super) at: Place,
}

fn down(part: &Part) -> Option<Chain> {
    (!part.up()).then(|| part.chain())
}

impl Village<'_> {
    /// The provider sends its callback: once, late, twice, or never. A status query finds what is late or never comes.
    pub(super) fn told_by_provider(&mut self, payment: u32, draws: &mut Draws, now_ms: u64, queue: &mut Queue<Event>) {
        let told = payments::callbacks(&self.scenario.comms.payments, self.slowdown(now_ms), draws);
        let asked_for = self.requested(payment, now_ms, queue);
        let pay = &mut self.pays[payment as usize];
        if told.first_ms.is_none() {
            pay.hold(Chain::of(Cause::CallbackLost), now_ms);
        } else if told.late {
            pay.hold(Chain::of(Cause::CallbackLate), now_ms);
        }
        // Where the relay asks for the status it needs nobody who reads the provider's statement.
        let found_ms = told.found_ms.filter(|_| !asked_for);
        for after_ms in [told.first_ms, found_ms, told.second_ms].into_iter().flatten() {
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
        if to == Place::Intake && self.dcu_fetches() {
            return self.post(Copy { payment, at }, now_ms, queue);
        }
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
            Place::Intake => hardest_to_clear([down(&self.money.intake), down(&self.cloud_part)]),
        }
    }

    /// What is between the provider and the relay, for a question that goes the other way.
    pub(super) fn between_provider_and_intake(&self) -> Option<Chain> {
        let aggregator = |n: usize| self.money.aggregators.get(n).and_then(down);
        hardest_to_clear([down(&self.provider), aggregator(0), aggregator(1), aggregator(2), aggregator(3)])
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
        self.hosted_turned(now_ms, queue);
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

    /// The intake hands a payment to the cloud.
    fn leave_intake(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.at_vendor(payment, now_ms);
        let entry = self.payment_entry(payment);
        self.cloud_payment(entry, now_ms, queue);
    }

    /// The DCU has lost cash with its power before anybody was told that it had it: it is entered again by the agent, who
    /// had no receipt to hand out. What was fetched, the relay still has: it has heard of no success.
    pub(crate) fn payment_again(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let entry = self.payment_entry(payment);
        self.site_payment(entry, now_ms, queue);
    }

    /// Cash at the agent's is entered at the DCU that vends.
    pub(super) fn at_dcu_vendor(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.at_vendor(payment, now_ms);
        let entry = self.payment_entry(payment);
        self.site_payment(entry, now_ms, queue);
    }

    fn at_vendor(&mut self, payment: u32, now_ms: u64) {
        self.pays[payment as usize].callbacks += 1;
        self.reached_vendor(payment, now_ms);
    }

    /// The vendor has word of a payment.
    pub(super) fn reached_vendor(&mut self, payment: u32, now_ms: u64) {
        let passes_on = self.traits.credit_at != CreditAt::Cloud && !self.by_keypad() && !self.dcu_fetches();
        let passing_on = passes_on
            .then(|| {
                let wan = (!self.wan.up()).then(|| self.wan.chain());
                hardest_to_clear([wan, (!self.site.up()).then(|| self.site_chain())])
            })
            .flatten();
        let pay = &mut self.pays[payment as usize];
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
