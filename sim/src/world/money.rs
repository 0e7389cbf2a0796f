//! People who pay: the wish, the way, the provider, and what the money becomes.
//!
//! A payment goes through [`Stage`]s. It is *applied* when it has its effect: at once for a customer whose relay is
//! closed (or whose debt keeps it open anyway) when the deciding account is credited, else when the relay closes.

use taa_dcu::{
    config::CreditAt,
    payment::{Channel, Payment},
};
use taa_models::{
    draw::{Draws, Purpose},
    payments, people,
};

use super::{
    Event, Village,
    parts::{easiest_to_clear, hardest_to_clear},
};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime},
    records::{PayChannel, PayOutcome, PaymentRow},
};

const PAYMENT: Purpose = Purpose::named("payment");

/// How far a payment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The customer tries.
    Wanted,
    /// The provider has the money; its callback is under way.
    Accepted,
    /// The callback was lost; a status query will find it.
    CallbackLost,
    /// The operator's cloud knows.
    AtCloud,
    /// The deciding account is credited.
    Credited,
    /// It has had its effect.
    Applied,
}

/// A payment.
#[derive(Clone, Debug)]
pub(crate) struct Pay {
    pub(crate) customer: u32,
    pub(crate) stage: Stage,
    wanted_ms: u64,
    accepted_ms: Option<u64>,
    applied_ms: Option<u64>,
    pub(crate) amount_minor: i64,
    pub(crate) balance_before_minor: i64,
    channel: PayChannel,
    attempts: u32,
    held_by: Chain,
}

impl Pay {
    /// A payment that somebody wants to make.
    pub(crate) fn wanted(customer: u32, wanted_ms: u64, amount_minor: i64, channel: PayChannel) -> Self {
        Self {
            customer,
            stage: Stage::Wanted,
            wanted_ms,
            accepted_ms: None,
            applied_ms: None,
            amount_minor,
            balance_before_minor: 0,
            channel,
            attempts: 0,
            held_by: Chain::EMPTY,
        }
    }
}

impl Pay {
    /// The way it went, and how long it has been, or was, accepted without effect, ms.
    pub(crate) fn waited(&self, now_ms: u64) -> (PayChannel, u64) {
        let wait_ms = self.accepted_ms.map_or(0, |from| self.applied_ms.unwrap_or(now_ms).saturating_sub(from));
        (self.channel, wait_ms)
    }
}

/// The provider's transaction id of a payment.
fn payment_key(payment: u32) -> String {
    format!("T{payment:010}")
}

/// The payment behind a provider's transaction id.
pub(crate) fn payment_number(key: &str) -> Option<u32> {
    key.strip_prefix('T')?.parse().ok()
}

impl Village<'_> {
    /// Tries to pay: the way of choice first, the other one when that is blocked.
    pub(crate) fn attempt(&mut self, customer: u32, draws: &mut Draws, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let Some(mut wish) = one.purse.wish else { return };
        // One in four carries the second operator's SIM (assumed): keyed by the customer, not drawn per try.
        let operator = usize::from(one.identity.key.0 & 3 == 0);
        let pay = &self.pays[wish.payment as usize];
        let order = match pay.channel {
            PayChannel::Phone => [PayChannel::Phone, PayChannel::Agent],
            PayChannel::Agent => [PayChannel::Agent, PayChannel::Phone],
        };
        let mut blocked: Option<Chain> = None;
        let mut open = None;
        for channel in order {
            match self.way(channel, operator, now_ms) {
                Ok(()) => {
                    open = Some(channel);
                    break;
                }
                Err(chain) => blocked = Some(blocked.map_or(chain, |other| easiest_to_clear(other, chain))),
            }
        }
        wish.attempts += 1;
        let pay = &mut self.pays[wish.payment as usize];
        pay.attempts = wish.attempts;
        if let Some(channel) = open {
            pay.channel = channel;
            let delay_ms = match channel {
                PayChannel::Phone => payments::accept_latency_ms(&self.scenario.comms.payments, draws),
                PayChannel::Agent => 0,
            };
            let node = self.people.of(customer).identity.node;
            let at = SimTime::from_ms(now_ms + delay_ms);
            queue.at(at, Phase::Customer, node, Event::Accepted { payment: wish.payment });
        } else {
            wish.blocked = blocked.unwrap_or(Chain::EMPTY);
            pay.held_by = wish.blocked;
            let wait_s = people::retry_after_s(&self.scenario.people, wish.attempts, draws);
            self.arm_person(customer, now_ms + wait_s * 1000, queue);
        }
        self.people.of(customer).purse.wish = Some(wish);
        self.touch(customer);
    }

    /// Whether this way to pay is open now, and if not, why.
    fn way(&self, channel: PayChannel, operator: usize, now_ms: u64) -> Result<(), Chain> {
        let mobile_money = || {
            let signal = self.wan.phone_signal(operator).err();
            let provider = (!self.provider.up()).then(|| self.provider.chain());
            hardest_to_clear([signal, provider]).map_or(Ok(()), Err)
        };
        match channel {
            PayChannel::Phone => mobile_money(),
            PayChannel::Agent => {
                let (second, weekday) = self.local(now_ms);
                if !payments::agent_open(&self.scenario.comms.payments, second, weekday) {
                    return Err(Chain::of(Cause::AgentClosed));
                }
                if !self.agent.up() {
                    return Err(self.agent.chain());
                }
                if self.traits.local_vending && self.site.up() { Ok(()) } else { mobile_money() }
            }
        }
    }

    /// Provider or agent has the money.
    pub(crate) fn accepted(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let pay = &mut self.pays[payment as usize];
        pay.accepted_ms = Some(now_ms);
        pay.stage = Stage::Accepted;
        let (customer, amount_minor, channel) = (pay.customer, pay.amount_minor, pay.channel);
        let one = self.people.of(customer);
        one.purse.wish = None;
        one.purse.open.push(payment);
        one.purse.paid_minor += amount_minor;
        one.purse.blocker = Chain::EMPTY;
        let (key, topup) = (one.identity.key, one.purse.topups);
        self.arm_person(customer, now_ms + 3_600_000, queue);
        self.touch(customer);
        if channel == PayChannel::Agent && self.traits.local_vending && self.site.up() {
            self.pays[payment as usize].stage = Stage::AtCloud;
            let entry = self.payment_entry(payment);
            self.site_payment(entry, now_ms, queue);
            return;
        }
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, key, PAYMENT, topup);
        let params = &self.scenario.comms.payments;
        let mut delay_ms = payments::callback_latency_ms(params, &mut draws);
        if payments::callback_lost(params, &mut draws) {
            self.pays[payment as usize].stage = Stage::CallbackLost;
            delay_ms += (params.reconcile_after_s * 1000.0) as u64;
        }
        queue.at(SimTime::from_ms(now_ms + delay_ms), Phase::Environment, self.ops.cloud, Event::Callback { payment });
    }

    /// The payment as the intake passes it on.
    pub(crate) fn payment_entry(&self, payment: u32) -> Payment {
        let pay = &self.pays[payment as usize];
        Payment {
            key: payment_key(payment),
            account: self.scenario.village.customers[pay.customer as usize].id.clone(),
            amount_minor: pay.amount_minor,
            channel: match pay.channel {
                PayChannel::Phone => Channel::Phone,
                PayChannel::Agent => Channel::Agent,
            },
            accepted_unix_ms: self.unix_ms(pay.accepted_ms.unwrap_or(0)),
        }
    }

    /// The cloud is told of a payment; while it is down, the provider keeps it.
    pub(crate) fn callback(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.cloud_part.up() {
            self.pays[payment as usize].stage = Stage::Accepted;
            self.intake.push(payment);
            // What holds it now is the cloud, no longer a lost callback.
            self.touch(self.pays[payment as usize].customer);
            return;
        }
        self.pays[payment as usize].stage = Stage::AtCloud;
        let entry = self.payment_entry(payment);
        self.cloud_payment(entry, now_ms, queue);
        self.touch(self.pays[payment as usize].customer);
    }

    /// The deciding account has been credited.
    pub(crate) fn credited(&mut self, payment: u32, still_in_debt: bool, now_ms: u64, queue: &mut Queue<Event>) {
        let pay = &mut self.pays[payment as usize];
        if matches!(pay.stage, Stage::Credited | Stage::Applied) {
            return;
        }
        pay.stage = Stage::Credited;
        let customer = pay.customer;
        let closed = self.people.of(customer).unit.meter.relay_closed();
        if self.traits.credit_at != CreditAt::Meter && (closed || still_in_debt) {
            self.apply(customer, None, now_ms, queue);
        }
        self.touch(customer);
    }

    /// The credited payments of a customer take effect, up to a cumulative amount where the meter keeps the credit.
    pub(crate) fn apply(&mut self, customer: u32, up_to_minor: Option<i64>, now_ms: u64, queue: &mut Queue<Event>) {
        let tariff = &self.scenario.tariff;
        let one = self.people.of(customer);
        let energy_mwh = one.unit.energy_mwh(now_ms);
        one.purse.count_unbilled(energy_mwh, tariff);
        let pays = &mut self.pays;
        let (mut applied, mut amount) = (false, 0);
        let (blocker, before) = (one.purse.blocker, one.purse.applied_minor);
        one.purse.open.retain(|&payment| {
            let pay = &mut pays[payment as usize];
            let reached = up_to_minor.is_none_or(|limit| before + amount + pay.amount_minor <= limit);
            if pay.stage != Stage::Credited || !reached {
                return true;
            }
            pay.stage = Stage::Applied;
            pay.applied_ms = Some(now_ms);
            if pay.held_by.is_empty() {
                pay.held_by = blocker;
            }
            amount += pay.amount_minor;
            applied = true;
            false
        });
        if applied {
            one.purse.applied_minor += amount;
            one.purse.exhausted = false;
            self.arm_person(customer, now_ms + 3_600_000, queue);
            self.touch(customer);
        }
    }

    /// The payments as a table.
    pub(crate) fn payment_rows(&mut self) {
        for pay in &self.pays {
            self.records.payments.push(PaymentRow {
                customer: pay.customer,
                wanted_ms: pay.wanted_ms,
                accepted_ms: pay.accepted_ms,
                applied_ms: pay.applied_ms,
                amount_minor: pay.amount_minor,
                balance_before_minor: pay.balance_before_minor,
                channel: pay.channel,
                outcome: match pay.stage {
                    Stage::Applied => PayOutcome::Applied,
                    Stage::Wanted => PayOutcome::Blocked,
                    _ => PayOutcome::Pending,
                },
                attempts: pay.attempts,
                held_by: pay.held_by,
            });
        }
    }
}
