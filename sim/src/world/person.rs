//! A customer as a person: thinks of paying, waits for money, notices the dark. What paid darkness does to people is in
//! [`super::mood`].

use taa_models::draw::{Draws, Purpose};

use super::{
    Event, Village,
    money::Pay,
    population::{One, Purse, Wish},
};
use crate::{
    cause::Chain,
    kernel::{Phase, Queue, SimTime},
};

const WISH: Purpose = Purpose::named("wish to pay");
const WANT: Purpose = Purpose::named("what a top-up should buy, and when");
const INCOME: Purpose = Purpose::named("a day's money");
const NOTICE: Purpose = Purpose::named("notices the dark");
const HOUR_MS: u64 = 3_600_000;

/// When a person who means to act at this time will: people sleep from 22 to 6 h and do not rise all at once.
pub(crate) fn awake_at_ms(at_ms: u64, key: u64) -> u64 {
    let (day, of_day) = (at_ms / (24 * HOUR_MS), at_ms % (24 * HOUR_MS));
    let rises = 6 * HOUR_MS + key % (HOUR_MS * 3 / 2);
    // The far future has no morning after: what would overflow stays there.
    let morning = |day: u64| day.saturating_mul(24 * HOUR_MS).saturating_add(rises);
    if of_day < rises {
        morning(day)
    } else if of_day >= 22 * HOUR_MS {
        morning(day + 1)
    } else {
        at_ms
    }
}

impl Village<'_> {
    /// A customer thinks of paying, or tries again.
    pub(crate) fn person_wakes(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        // Who waits for the answer to an attempt hears of it, and looks again then.
        if one.purse.gone_ms.is_some() || one.purse.wish.is_some_and(|wish| wish.in_flight) {
            return;
        }
        // Keyed by the top-up, not by how often the person woke: what happens before cannot shift what is drawn after.
        let attempts = one.purse.wish.map_or(0, |wish| u64::from(wish.attempts) + 1);
        let mut draws =
            Draws::keyed(self.seed.0, self.seed.1, one.identity.key, WISH, (one.purse.topups << 16) | attempts);
        if one.purse.wish.is_none() && !self.wishes_to_pay(customer, &mut draws, now_ms, queue) {
            return;
        }
        self.attempt(customer, &mut draws, now_ms, queue);
    }

    /// Whether the balance, trust and the money at hand make a payment now; arms the next look when not.
    fn wishes_to_pay(&mut self, customer: u32, draws: &mut Draws, now_ms: u64, queue: &mut Queue<Event>) -> bool {
        let (tariff, params) = (self.scenario.tariff_of(customer as usize), &self.scenario.people);
        let local_day = self.local_day(now_ms);
        let seed = self.seed;
        let One { identity, unit, purse, .. } = self.people.of(customer);
        let Purse { disposition, topups, .. } = *purse;
        let stream = |purpose, occasion| Draws::keyed(seed.0, seed.1, identity.key, purpose, occasion);

        let want = disposition.next_want(&mut stream(WANT, topups));
        let waiting: i64 = purse.open.iter().map(|&p| self.pays[p as usize].amount_minor).sum();
        purse.look(unit.energy_mwh(now_ms), now_ms);
        // An account found empty has nothing left, whatever rounding says.
        let balance = if purse.exhausted { 0 } else { purse.balance_minor(unit.energy_mwh(now_ms), tariff) };
        let daily = purse.daily_spend_minor.max(1.0);
        let days_left = (balance + waiting) as f64 / daily - want.at_days_left;
        if days_left > 0.0 {
            // Looks again when it should be time, and not more often than every two hours.
            let again_ms = (days_left.clamp(1.0 / 12.0, 30.0) * (0.8 + 0.3 * draws.uniform()) * 86_400_000.0) as u64;
            self.arm_person(customer, now_ms + again_ms, queue);
            return false;
        }

        let gap_ms = (params.least_gap_h * HOUR_MS as f64) as u64;
        let soonest_ms = purse.last_pay.map_or(0, |(_, at_ms)| at_ms.saturating_add(gap_ms));
        if balance + waiting > 0 && soonest_ms > now_ms {
            self.arm_person(customer, soonest_ms, queue);
            return false;
        }

        let temper = disposition.temper;
        let distrusts = purse.mood.pass(&params.trust, now_ms).value() < temper.pauses_below;
        purse.mood.pause(distrusts && !temper.keeps_minimum);
        if distrusts && !temper.keeps_minimum {
            self.arm_person(customer, now_ms + 24 * HOUR_MS, queue);
            return false;
        }
        let want_days = if distrusts { params.least_topup_days } else { want.days };

        purse.money.fill(&disposition.earner, &params.income, local_day, |day| stream(INCOME, day as u64));
        let Some(amount_minor) = disposition.amount_minor(params, want_days, purse.money.days, daily) else {
            // Looks into the box again when the next day's money is in.
            let next_day_ms = (now_ms / (24 * HOUR_MS) + 1) * 24 * HOUR_MS;
            self.arm_person(customer, next_day_ms, queue);
            return false;
        };
        purse.money.spend(amount_minor as f64 / daily);
        purse.topups += 1;
        let channel = purse.channel(self.pays.as_slice(), params, now_ms);
        purse.last_pay = Some((self.pays.len() as u32, now_ms));
        purse.wish =
            Some(Wish { payment: self.pays.len() as u32, attempts: 0, blocked: Chain::EMPTY, in_flight: false });
        let mut pay = Pay::wanted(customer, now_ms, amount_minor, channel);
        pay.balance_before_minor = balance + waiting;
        self.pays.push(pay);
        true
    }

    /// Local days since 1970.
    fn local_day(&self, now_ms: u64) -> i64 {
        let start_local_s = self.scenario.run.start_unix_s + i64::from(self.scenario.site.utc_offset_s);
        (start_local_s + (now_ms / 1000) as i64).div_euclid(86_400)
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
            let notice_ms = (draws.exponential(self.scenario.people.notice_mean_min) * 60_000.0) as u64;
            self.arm_person(customer, now_ms.saturating_add(notice_ms), queue);
        }
    }
}
