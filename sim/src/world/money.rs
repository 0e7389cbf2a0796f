//! People who pay: the wish, the way, the provider, and what the money becomes.
//!
//! A payment goes through [`Stage`]s. It is *applied* when it has its effect: at once for a customer whose relay is
//! closed (or whose debt keeps it open anyway) when the deciding account is credited, else when the relay closes.

use taa_dcu::{
    config::{CreditAt, Tariff},
    payment::{Channel, Payment},
};
use taa_models::{
    draw::{Draws, Purpose},
    payments,
    people::{self, Disposition},
};

use super::{
    Event, Village,
    parts::{easiest_to_clear, hardest_to_clear},
    population::{Purse, Wish},
};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime, Wake},
    records::{PayChannel, PayOutcome, PaymentRow},
};

const WISH: Purpose = Purpose::named("wish to pay");
const LIQUID: Purpose = Purpose::named("money at hand, and how much");
const NOTICE: Purpose = Purpose::named("notices the dark");
const PAYMENT: Purpose = Purpose::named("payment");
/// From the relay's opening to the decision to pay, minutes, mean (assumed).
const NOTICE_MEAN_MIN: f64 = 20.0;
const CHURN: Purpose = Purpose::named("churn");

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
    amount_minor: i64,
    channel: PayChannel,
    attempts: u32,
    held_by: Chain,
}

/// The provider's transaction id of a payment.
fn payment_key(payment: u32) -> String {
    format!("T{payment:010}")
}

/// The payment behind a provider's transaction id.
pub(crate) fn payment_number(key: &str) -> Option<u32> {
    key.strip_prefix('T')?.parse().ok()
}

const HOUR_MS: u64 = 3_600_000;

/// When a person who means to act at this time will: people sleep from 22 to 6 h and do not rise all at once.
fn awake_at_ms(at_ms: u64, key: u64) -> u64 {
    let (day, of_day) = (at_ms / (24 * HOUR_MS), at_ms % (24 * HOUR_MS));
    let rises = 6 * HOUR_MS + key % (HOUR_MS * 3 / 2);
    if of_day < rises {
        day * 24 * HOUR_MS + rises
    } else if of_day >= 22 * HOUR_MS {
        (day + 1) * 24 * HOUR_MS + rises
    } else {
        at_ms
    }
}

impl Purse {
    /// With this credit to start with, and this mean spending a day.
    pub(crate) fn new(disposition: Disposition, opening_minor: i64, daily_spend_minor: f64) -> Self {
        Self {
            disposition,
            daily_spend_minor,
            applied_minor: opening_minor,
            mark_mwh: 0,
            unbilled_mwh: 0,
            paid_minor: 0,
            exhausted: false,
            liquid_at_ms: None,
            open: Vec::new(),
            wish: None,
            wake: Wake::default(),
            topups: 0,
            blocker: Chain::EMPTY,
            blocked_ms: 0,
            gone_ms: None,
            strain: 0.0,
        }
    }

    /// Energy that the money applied so far buys, mWh.
    pub(crate) fn limit_mwh(&self, tariff: &Tariff) -> i64 {
        let minor = i128::from(self.applied_minor + tariff.grace_minor);
        let mwh = minor * 1_000_000 / i128::from(tariff.energy_price_per_kwh_minor.max(1));
        i64::try_from(mwh).unwrap_or(i64::MAX)
    }

    /// The customer has credit left.
    pub(crate) fn entitled(&self, energy_mwh: u64, tariff: &Tariff) -> bool {
        !self.exhausted && self.limit_mwh(tariff) > i64::try_from(energy_mwh).unwrap_or(i64::MAX)
    }

    /// Balance in minor units.
    pub(crate) fn balance_minor(&self, energy_mwh: u64, tariff: &Tariff) -> i64 {
        let spent = i128::from(energy_mwh) * i128::from(tariff.energy_price_per_kwh_minor) / 1_000_000;
        self.applied_minor - i64::try_from(spent).unwrap_or(i64::MAX)
    }

    /// Counts energy served beyond the money up to now; call before the money changes and at the end.
    pub(crate) fn count_unbilled(&mut self, energy_mwh: u64, tariff: &Tariff) {
        let limit = u64::try_from(self.limit_mwh(tariff)).unwrap_or(0);
        self.unbilled_mwh += energy_mwh.saturating_sub(limit.max(self.mark_mwh));
        self.mark_mwh = self.mark_mwh.max(energy_mwh);
    }
}

impl Village<'_> {
    /// A customer thinks of paying, or tries again.
    pub(crate) fn person_wakes(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let tariff = &self.scenario.tariff;
        let params = &self.scenario.people;
        let one = self.people.of(customer);
        if one.purse.gone_ms.is_some() {
            return;
        }
        // Keyed by the top-up, not by how often the person woke: what happens before cannot shift what is drawn after.
        let attempts = one.purse.wish.map_or(0, |wish| u64::from(wish.attempts) + 1);
        let mut draws =
            Draws::keyed(self.seed.0, self.seed.1, one.identity.key, WISH, (one.purse.topups << 16) | attempts);
        if one.purse.wish.is_none() {
            let energy_mwh = one.unit.energy_mwh(now_ms);
            let balance = one.purse.balance_minor(energy_mwh, tariff);
            let waiting: i64 = one.purse.open.iter().map(|&p| self.pays[p as usize].amount_minor).sum();
            let Disposition { low_balance_days, .. } = one.purse.disposition;
            let daily = one.purse.daily_spend_minor.max(1.0);
            let days_left = (balance + waiting) as f64 / daily - low_balance_days;
            if days_left > 0.0 {
                // Looks again when it should be time, and not more often than every two hours.
                let again_ms =
                    (days_left.clamp(1.0 / 12.0, 30.0) * (0.8 + 0.3 * draws.uniform()) * 86_400_000.0) as u64;
                self.arm_person(customer, now_ms + again_ms, queue);
                return;
            }
            let mut money = Draws::keyed(self.seed.0, self.seed.1, one.identity.key, LIQUID, one.purse.topups);
            let wait_ms = one.purse.disposition.liquid_after_s(params, &mut money) * 1000;
            let liquid_at_ms = *one.purse.liquid_at_ms.get_or_insert(now_ms + wait_ms);
            if liquid_at_ms > now_ms {
                self.arm_person(customer, liquid_at_ms, queue);
                return;
            }
            one.purse.liquid_at_ms = None;
            one.purse.topups += 1;
            let amount_minor = one.purse.disposition.next_amount_minor(params, daily, &mut money);
            let channel = if one.purse.disposition.pays_cash { PayChannel::Agent } else { PayChannel::Phone };
            one.purse.wish = Some(Wish { payment: self.pays.len() as u32, attempts: 0, blocked: Chain::EMPTY });
            self.pays.push(Pay {
                customer,
                stage: Stage::Wanted,
                wanted_ms: now_ms,
                accepted_ms: None,
                applied_ms: None,
                amount_minor,
                channel,
                attempts: 0,
                held_by: Chain::EMPTY,
            });
        }
        self.attempt(customer, &mut draws, now_ms, queue);
    }

    /// Wakes a person, in waking hours.
    pub(crate) fn arm_person(&mut self, customer: u32, at_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let at = SimTime::from_ms(awake_at_ms(at_ms, one.identity.key.0));
        let node = one.identity.node;
        queue.arm(&mut one.purse.wake, at, Phase::Customer, node, |generation| Event::Person { customer, generation });
    }

    /// Tries to pay: the way of choice first, the other one when that is blocked.
    fn attempt(&mut self, customer: u32, draws: &mut Draws, now_ms: u64, queue: &mut Queue<Event>) {
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

    /// A customer whose relay has opened for want of credit notices, and goes to pay when awake.
    pub(crate) fn notice_dark(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        if one.purse.wish.is_none() && one.purse.gone_ms.is_none() {
            let mut draws = Draws::keyed(self.seed.0, self.seed.1, one.identity.key, NOTICE, one.purse.topups);
            let notice_ms = (draws.exponential(NOTICE_MEAN_MIN) * 60_000.0) as u64;
            self.arm_person(customer, now_ms + notice_ms, queue);
        }
    }

    /// A darkness of the three classes has ended: does the customer stay? Each has one threshold for the whole run, so
    /// more darkness never keeps anybody, and two architectures try the same patience.
    pub(crate) fn darkness_ended(&mut self, customer: u32, length_ms: u64, now_ms: u64) {
        let params = &self.scenario.people;
        let one = self.people.of(customer);
        one.purse.strain += one.purse.disposition.strain(params, length_ms as f64 / 3_600_000.0);
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, one.identity.key, CHURN, 0);
        if one.purse.strain > draws.exponential(1.0) {
            one.purse.gone_ms = Some(now_ms);
            self.leaving.push(customer);
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
