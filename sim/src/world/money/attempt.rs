//! Trying to pay: which way is open, what a broken session costs, and what is accepted.

use taa_models::{
    draw::{Draws, Purpose},
    payments, people,
};

use super::{Place, Stage};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime},
    records::{PayChannel, TokenBy},
    world::{
        Event, Village,
        parts::{Part, easiest_to_clear, hardest_to_clear},
        population::Wish,
    },
};

const PAYMENT: Purpose = Purpose::named("payment");
const USSD: Purpose = Purpose::named("ussd");
const PUT_OFF: Purpose = Purpose::named("payment put off");

/// The operator of the agent's phone.
pub(super) const AGENT_OPERATOR: usize = 0;

/// A way to pay that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Over the provider, by a USSD session.
    Provider,
    /// Cash, entered at the DCU.
    Dcu,
    /// Cash for a token that was printed beforehand.
    Paper,
}

impl Village<'_> {
    /// Tries to pay: the way of choice first, the other one (for those who have it) when that is blocked. While an
    /// attempt waits for its answer there is no other.
    pub(crate) fn attempt(&mut self, customer: u32, draws: &mut Draws, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let Some(wish) = one.purse.wish.filter(|wish| !wish.in_flight) else { return };
        let (key, topup, node) = (one.identity.key, one.purse.topups, one.identity.node);
        let has_phone = one.purse.disposition.has_phone;
        let pay = &self.pays[wish.payment as usize];
        let amount_minor = pay.amount_minor;
        let order: &[PayChannel] = match pay.channel {
            PayChannel::Phone => &[PayChannel::Phone, PayChannel::Agent],
            PayChannel::Agent if has_phone => &[PayChannel::Agent, PayChannel::Phone],
            PayChannel::Agent => &[PayChannel::Agent],
        };
        let mut blocked: Option<Chain> = None;
        let mut open = None;
        for &channel in order {
            match self.way(customer, channel, amount_minor, self.scenario.comms.payments.operator(key), now_ms) {
                Ok(way) => {
                    open = Some((channel, way));
                    break;
                }
                Err(chain) => blocked = Some(blocked.map_or(chain, |other| easiest_to_clear(other, chain))),
            }
        }
        let pay = &mut self.pays[wish.payment as usize];
        pay.attempts += 1;
        pay.topup = topup;
        let Some((channel, way)) = open else {
            self.put_off(customer, blocked.unwrap_or(Chain::EMPTY), draws, now_ms, queue);
            return;
        };
        let params = &self.scenario.comms.payments;
        let mut delay_ms = 0;
        if way == Way::Provider {
            let slowdown = params.peaks.slowdown_at(self.local_unix_s(now_ms));
            if channel == PayChannel::Phone {
                delay_ms = payments::accept_latency_ms(params, slowdown, draws);
            }
            // A stream of its own: what the sessions do shifts no other draw.
            let mut sessions =
                Draws::keyed(self.seed.0, self.seed.1, key, USSD, (topup << 16) | u64::from(wish.attempts));
            let busy = params.peaks.busy(self.local_unix_s(now_ms));
            let dialled = params.ussd.dial(&params.peaks, busy, &mut sessions);
            let pay = &mut self.pays[wish.payment as usize];
            pay.attempts += u32::from(dialled.broken.saturating_sub(u8::from(!dialled.done)));
            if !dialled.done {
                let broken = Chain::of(Cause::UssdBroken);
                let chain = if busy { broken.because(Cause::ProviderBusy) } else { broken };
                self.put_off(customer, chain, draws, now_ms, queue);
                return;
            }
            delay_ms += dialled.lost_ms;
        }
        let by_keypad = self.by_keypad();
        let pay = &mut self.pays[wish.payment as usize];
        pay.channel = channel;
        pay.by_provider = way == Way::Provider;
        pay.token_by = match way {
            Way::Paper => TokenBy::Stock,
            Way::Dcu if by_keypad => TokenBy::Paper,
            Way::Provider if by_keypad => TokenBy::Text,
            _ => TokenBy::None,
        };
        self.people.of(customer).purse.wish = Some(Wish { attempts: wish.attempts + 1, in_flight: true, ..wish });
        queue.at(SimTime::from_ms(now_ms + delay_ms), Phase::Customer, node, Event::Accepted { payment: wish.payment });
        self.touch(customer);
    }

    /// No way to pay now: the customer tries again later.
    fn put_off(&mut self, customer: u32, chain: Chain, draws: &mut Draws, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(mut wish) = self.people.of(customer).purse.wish else { return };
        wish.attempts += 1;
        let chain = held_up_till_closing(chain, wish.blocked);
        wish.blocked = chain;
        wish.in_flight = false;
        self.pays[wish.payment as usize].hold(chain, now_ms);
        let wait_s = people::retry_after_s(&self.scenario.people, wish.attempts, draws);
        self.arm_person(customer, now_ms + wait_s * 1000, queue);
        self.people.of(customer).purse.wish = Some(wish);
        self.touch(customer);
    }

    /// Whether this way to pay is open now, and if not, why.
    fn way(
        &mut self,
        customer: u32,
        channel: PayChannel,
        amount_minor: i64,
        operator: usize,
        now_ms: u64,
    ) -> Result<Way, Chain> {
        match channel {
            PayChannel::Phone => self.mobile_money(operator),
            PayChannel::Agent => {
                self.agent_serves(amount_minor, now_ms)?;
                if self.traits.local_vending && self.site.up() {
                    return Ok(Way::Dcu);
                }
                let obstacle = self.mobile_money(AGENT_OPERATOR);
                let (true, Err(chain)) = (self.by_keypad(), obstacle) else { return obstacle };
                let in_stock = self.money.desk.has_paper() && !self.paper_is_dead(customer, now_ms);
                let paper = self.money.tokens.paper(customer, in_stock);
                paper.map(|()| Way::Paper).map_err(|none| easiest_to_clear(chain, none))
            }
        }
    }

    pub(super) fn mobile_money(&self, operator: usize) -> Result<Way, Chain> {
        let signal = self.wan.phone_signal(operator).err();
        let down = |part: &Part| (!part.up()).then(|| part.chain());
        hardest_to_clear([signal, down(&self.provider), down(&self.money.ussd)]).map_or(Ok(Way::Provider), Err)
    }

    /// Provider or agent has the money; or the provider failed while the customer waited for its word.
    pub(crate) fn accepted(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let pay = &mut self.pays[payment as usize];
        if pay.stage != Stage::Wanted {
            return;
        }
        let (customer, amount_minor, channel, topup) = (pay.customer, pay.amount_minor, pay.channel, pay.topup);
        if pay.by_provider && channel == PayChannel::Phone && !self.provider.up() {
            let key = self.people.of(customer).identity.key;
            let mut draws = Draws::keyed(self.seed.0, self.seed.1, key, PUT_OFF, topup);
            return self.put_off(customer, self.provider.chain(), &mut draws, now_ms, queue);
        }
        pay.accepted_ms = Some(now_ms);
        pay.hold(Chain::EMPTY, now_ms);
        pay.stage = Stage::At(Place::Provider);
        let one = self.people.of(customer);
        one.purse.wish = None;
        one.purse.open.push(payment);
        one.purse.paid_minor += amount_minor;
        one.purse.blocker = Chain::EMPTY;
        let key = one.identity.key;
        self.arm_person(customer, now_ms + 3_600_000, queue);
        self.touch(customer);
        if channel == PayChannel::Agent {
            self.money.desk.sell(amount_minor);
            if self.pays[payment as usize].token_by == TokenBy::Stock {
                return self.sold_on_paper(payment, now_ms, queue);
            }
            if self.traits.local_vending && self.site.up() {
                return self.at_dcu_vendor(payment, now_ms, queue);
            }
        }
        self.told_by_provider(payment, &mut Draws::keyed(self.seed.0, self.seed.1, key, PAYMENT, topup), now_ms, queue);
    }
}

/// Who meets a closed agent because something held them up before waits for the opening on that account: in time, they
/// would have paid by day.
fn held_up_till_closing(chain: Chain, before: Chain) -> Chain {
    let closed = Chain::of(Cause::AgentClosed);
    match before.causes().next() {
        Some(Cause::AgentClosed) if chain == closed => before,
        Some(_) if chain == closed => closed.then(before),
        _ => chain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_before_a_closed_agent_is_on_account_of_what_held_the_customer_up_by_day() {
        let closed = Chain::of(Cause::AgentClosed);
        let by_day = Chain::of(Cause::UssdBroken).because(Cause::Scripted(0));
        let night = held_up_till_closing(closed, by_day);
        assert_eq!(night.names(), "agent_closed <- ussd_broken <- scripted_0");
        assert_eq!(held_up_till_closing(closed, night), night, "the night goes on");
        assert_eq!(held_up_till_closing(by_day, night), by_day);
        assert_eq!(held_up_till_closing(closed, Chain::EMPTY), closed);
        assert_eq!(held_up_till_closing(closed, closed), closed);
    }
}
