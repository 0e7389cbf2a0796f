//! A customer as a person: thinks of paying, waits for money, notices the dark, loses patience.

use taa_models::{
    draw::{Draws, Purpose},
    people::Disposition,
};

use super::{Event, Village, money::Pay, population::Wish};
use crate::{
    cause::Chain,
    kernel::{Phase, Queue, SimTime},
    records::PayChannel,
};

const WISH: Purpose = Purpose::named("wish to pay");
const LIQUID: Purpose = Purpose::named("money at hand, and how much");
const NOTICE: Purpose = Purpose::named("notices the dark");
const CHURN: Purpose = Purpose::named("churn");
/// From the relay's opening to the decision to pay, minutes, mean (assumed).
const NOTICE_MEAN_MIN: f64 = 20.0;
const HOUR_MS: u64 = 3_600_000;

/// When a person who means to act at this time will: people sleep from 22 to 6 h and do not rise all at once.
pub(crate) fn awake_at_ms(at_ms: u64, key: u64) -> u64 {
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
            self.pays.push(Pay::wanted(customer, now_ms, amount_minor, channel));
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
}
