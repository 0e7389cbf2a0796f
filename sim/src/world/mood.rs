//! What a customer makes of paid darkness: loses trust, calls, tells the neighbours, stops paying, steals, leaves.
//!
//! Trust is brought up to date when the customer's [`Status`] turns and when somebody looks at it; in between it follows
//! from the last turn. A darkness arms one wake per customer (the first call, or a day on), so short ones cost nothing.

use taa_models::{
    draw::{Draws, Purpose},
    people::trust::{Mishap, Trust, TrustParams, call_after_h},
};

use super::{Event, Village, bypass::Bypass, light::Status, person::awake_at_ms};
use crate::{
    cause::DownClass,
    kernel::{Phase, Queue, SimTime, Wake},
};

const CALL: Purpose = Purpose::named("calls the operator");
const CHURN: Purpose = Purpose::named("churn");
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Without signal people try to call again after this (assumed: two hours).
const NO_SIGNAL_MS: u64 = 2 * HOUR_MS;

/// A customer's mood and what came of it so far.
#[derive(Clone, Debug)]
pub(crate) struct Mood {
    trust: Trust,
    since_ms: u64,
    living: Living,
    /// Since when the unbroken darkness lasts.
    dark_since_ms: Option<u64>,
    darknesses: u64,
    told: bool,
    calls_here: u32,
    call_at_ms: u64,
    /// Calls to the operator that went through.
    pub(crate) calls: u32,
    paused: bool,
    /// Time without credit because of lost trust.
    pub(crate) paused_ms: u64,
    pub(crate) wake: Wake,
    pub(crate) bypass: Bypass,
}

/// What the customer lives through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Living {
    /// Light, or dark by choice: nothing to complain about.
    Calm {
        no_credit: bool,
    },
    Suffering(Mishap),
    /// No customer any more.
    Gone,
}

impl Mood {
    /// Full of trust, in the light.
    pub(crate) fn new() -> Self {
        Self {
            trust: Trust::default(),
            since_ms: 0,
            living: Living::Calm { no_credit: false },
            dark_since_ms: None,
            darknesses: 0,
            told: false,
            calls_here: 0,
            call_at_ms: u64::MAX,
            calls: 0,
            paused: false,
            paused_ms: 0,
            wake: Wake::default(),
            bypass: Bypass::default(),
        }
    }

    /// Brings trust and sums up to now.
    pub(crate) fn pass(&mut self, params: &TrustParams, now_ms: u64) -> Trust {
        let elapsed_ms = now_ms - self.since_ms;
        self.since_ms = now_ms;
        if elapsed_ms > 0 {
            let hours = elapsed_ms as f64 / HOUR_MS as f64;
            match self.living {
                Living::Calm { no_credit } => {
                    self.trust.recover(params, hours / 24.0);
                    self.paused_ms += if self.paused && no_credit { elapsed_ms } else { 0 };
                }
                Living::Suffering(what) => self.trust.suffer(params, what, hours),
                Living::Gone => {}
            }
        }
        self.trust
    }

    /// The status has turned; true when a darkness begins or ends.
    pub(crate) fn turn(&mut self, params: &TrustParams, status: Status, now_ms: u64) -> bool {
        self.pass(params, now_ms);
        self.living = match status {
            Status::Lit | Status::Bypassed => Living::Calm { no_credit: false },
            Status::NoCredit => Living::Calm { no_credit: true },
            Status::Lost(DownClass::SupplyDown, _) => Living::Suffering(Mishap::Dark),
            Status::Lost(DownClass::CreditStuck, _) => Living::Suffering(Mishap::MoneyTaken),
            Status::Lost(DownClass::PaymentBlocked, _) => Living::Suffering(Mishap::Blocked),
            Status::Gone => Living::Gone,
        };
        self.dark() != self.dark_since_ms.is_some()
    }

    /// Sits in paid darkness.
    fn dark(&self) -> bool {
        matches!(self.living, Living::Suffering(_))
    }

    /// Hours of the darkness that goes on.
    fn dark_h(&self, now_ms: u64) -> f64 {
        self.dark_since_ms.map_or(0.0, |since_ms| (now_ms - since_ms) as f64 / HOUR_MS as f64)
    }

    /// Stops topping up, or begins again; call when brought up to now.
    pub(crate) fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }
}

impl Village<'_> {
    /// Looks after those whose darkness has just begun or ended.
    pub(crate) fn stir(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        while let Some(customer) = self.stirred.pop() {
            let mood = &mut self.people.of(customer).purse.mood;
            if mood.dark() == mood.dark_since_ms.is_some() {
                continue;
            }
            if mood.dark() {
                mood.dark_since_ms = Some(now_ms);
                mood.darknesses += 1;
                (mood.told, mood.calls_here) = (false, 0);
                self.plan_call(customer, now_ms);
                self.arm_mood(customer, now_ms, queue);
            } else {
                self.tells(customer, now_ms);
                let mood = &mut self.people.of(customer).purse.mood;
                mood.dark_since_ms = None;
                mood.call_at_ms = u64::MAX;
                if !mood.bypass.on {
                    mood.wake.cancel();
                }
                self.tempted(customer, now_ms, queue);
            }
        }
    }

    /// A call is due, or a day of darkness or of stealing has passed.
    pub(crate) fn mood_wakes(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        if one.purse.gone_ms.is_some() {
            return;
        }
        let (dark, call_at_ms) = (one.purse.mood.dark(), one.purse.mood.call_at_ms);
        if one.purse.mood.bypass.on {
            self.bypass_inspected(customer, now_ms, queue);
        }
        if dark {
            if now_ms >= call_at_ms {
                self.tries_to_call(customer, now_ms, queue);
            }
            self.tells(customer, now_ms);
            self.tempted(customer, now_ms, queue);
            self.loses_patience(customer, now_ms);
        }
        self.arm_mood(customer, now_ms, queue);
    }

    fn arm_mood(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let mood = &mut one.purse.mood;
        let day_on = mood.dark().then(|| {
            let from_ms = mood.dark_since_ms.unwrap_or(0);
            from_ms + ((now_ms - from_ms) / DAY_MS + 1) * DAY_MS
        });
        let inspection_ms = mood.bypass.on.then_some(mood.bypass.next_inspection_ms);
        let Some(next_ms) = day_on.into_iter().chain(inspection_ms).min() else { return };
        let at = SimTime::from_ms(next_ms.min(mood.call_at_ms).max(now_ms + 1));
        let node = one.identity.node;
        queue.arm(&mut mood.wake, at, Phase::Customer, node, |generation| Event::Mood { customer, generation });
    }

    /// Draws when this customer calls next in this darkness; who has no phone never does.
    fn plan_call(&mut self, customer: u32, now_ms: u64) {
        let params = &self.scenario.people.trust;
        let one = self.people.of(customer);
        let (key, mood) = (one.identity.key, &mut one.purse.mood);
        mood.call_at_ms = u64::MAX;
        let Living::Suffering(what) = mood.living else { return };
        if !one.purse.disposition.has_phone || mood.calls_here >= params.calls_at_most {
            return;
        }
        let occasion = (mood.darknesses << 8) | u64::from(mood.calls_here);
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, key, CALL, occasion);
        let after_h = call_after_h(params, what, &mut draws);
        if after_h < 8760.0 {
            mood.call_at_ms = awake_at_ms(now_ms + (after_h * HOUR_MS as f64) as u64, key.0);
        }
    }

    fn tries_to_call(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let key = one.identity.key;
        if self.wan.phone_signal(self.scenario.comms.payments.operator(key)).is_err() {
            one.purse.mood.call_at_ms = awake_at_ms(now_ms + NO_SIGNAL_MS, key.0);
            return;
        }
        one.purse.mood.calls += 1;
        one.purse.mood.calls_here += 1;
        self.plan_call(customer, now_ms);
        self.customer_calls(customer, now_ms, queue);
    }

    /// Once in a long darkness the neighbours hear of it; those in the dark know by themselves.
    fn tells(&mut self, customer: u32, now_ms: u64) {
        let params = &self.scenario.people.trust;
        let mood = &mut self.people.of(customer).purse.mood;
        if mood.told || mood.dark_h(now_ms) < params.tells_after_h {
            return;
        }
        mood.told = true;
        let trust = mood.pass(params, now_ms);
        let customers = &self.scenario.village.customers;
        let here = customers[customer as usize].meter_at_m;
        for (other, neighbour) in customers.iter().enumerate() {
            let (east, north) = (neighbour.meter_at_m[0] - here[0], neighbour.meter_at_m[1] - here[1]);
            let near = east * east + north * north <= params.hearsay_radius_m * params.hearsay_radius_m;
            if near && other != customer as usize {
                let mood = &mut self.people.of(other as u32).purse.mood;
                if matches!(mood.living, Living::Calm { .. }) {
                    mood.pass(params, now_ms);
                    mood.trust.hear(params, trust);
                }
            }
        }
    }

    /// Whether the customer goes past the meter from now on.
    fn tempted(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let steals_below = one.purse.disposition.temper.steals_below;
        let mood = &mut one.purse.mood;
        if steals_below <= 0.0 || mood.bypass.on || mood.bypass.found || mood.living == Living::Gone {
            return;
        }
        if mood.pass(&self.scenario.people.trust, now_ms).value() < steals_below {
            self.bypass_begins(customer, now_ms, queue);
            self.arm_mood(customer, now_ms, queue);
        }
    }

    /// A darkness of the three classes has ended.
    pub(crate) fn darkness_ended(&mut self, customer: u32, length_ms: u64, now_ms: u64) {
        let params = &self.scenario.people;
        let purse = self.people.of(customer).purse;
        purse.strain += purse.disposition.strain(params, length_ms as f64 / HOUR_MS as f64);
        self.stays_or_leaves(customer, 0.0, now_ms);
    }

    /// In the middle of a darkness: is it too much?
    fn loses_patience(&mut self, customer: u32, now_ms: u64) {
        let purse = self.people.of(customer).purse;
        let so_far = purse.disposition.strain(&self.scenario.people, purse.mood.dark_h(now_ms));
        self.stays_or_leaves(customer, so_far, now_ms);
    }

    /// Each customer has one threshold for the whole run, so more darkness never keeps anybody, and two architectures try
    /// the same patience.
    fn stays_or_leaves(&mut self, customer: u32, more_strain: f64, now_ms: u64) {
        let one = self.people.of(customer);
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, one.identity.key, CHURN, 0);
        if one.purse.gone_ms.is_none() && one.purse.strain + more_strain > draws.exponential(1.0) {
            one.purse.gone_ms = Some(now_ms);
            self.leaving.push(customer);
        }
    }
}
