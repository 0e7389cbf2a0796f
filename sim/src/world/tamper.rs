//! Meters that feel tampered with: they open, refuse to close, and wait for the party that decides.
//!
//! - **The site decides** (credit at the DCU): it hears of it by the meter's push, watches the meter for a while and clears
//!   the trip.
//! - **The operator decides** (credit in the cloud): one of its people looks at it in working hours, and the order has to
//!   come down all the way.
//! - **Credit in the meter**: the customer telephones, the operator looks at it, and a clearing token comes back over the
//!   telephone where there is a keypad; without one the order has to come down.
//!
//! Clearing travels outside the bytes (the standard leaves it to the maker); what it needs on its way is demanded all
//! the same. The relay itself then closes by the ordinary orders.

use std::collections::BTreeMap;

use taa_dcu::config::CreditAt;
use taa_models::draw::NodeKey;

use super::{
    Event, Village,
    parts::{Turn, easiest_to_clear},
    population::Opened,
};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime, Wake},
};

const LOOK_MS: u64 = 900_000;
const MINUTE_MS: u64 = 60_000;
/// Waking time from the trip until a customer whose meter cannot tell rings up, ms (assumed: two hours).
const CALL_AFTER_MS: u64 = 2 * 3_600_000;

/// A meter that waits to be cleared.
#[derive(Debug)]
struct Waiting {
    since_ms: u64,
    /// The DCU has heard of it from the meter.
    told: bool,
    /// From then on the deciding party is willing to clear it.
    ready_ms: Option<u64>,
    wake: Wake,
}

/// The meters that wait, and the scripted faults that tampered with meters.
#[derive(Debug, Default)]
pub(crate) struct Tampers {
    waiting: BTreeMap<u32, Waiting>,
    /// Scripted faults in force by customer, one bit each.
    held: BTreeMap<u32, u128>,
    /// The scripted fault that last tripped a customer's meter, until it closes again.
    blamed: BTreeMap<u32, u8>,
}

const fn bit(fault: u8) -> u128 {
    1 << (fault & 127)
}

impl Tampers {
    /// A scripted fault lets go of a meter. Where it was blamed and others hold on, the first of those is.
    fn let_go(&mut self, customer: u32, fault: u8) {
        let Some(held) = self.held.get_mut(&customer) else { return };
        *held &= !bit(fault);
        let left = *held;
        if left == 0 {
            self.held.remove(&customer);
        } else if self.blamed.get(&customer) == Some(&fault) {
            self.blamed.insert(customer, left.trailing_zeros() as u8);
        }
    }
}

impl Village<'_> {
    /// A meter feels tampered with (or a scripted fault lets go of it).
    pub(crate) fn tamper_turned(&mut self, customer: u32, turn: Turn, now_ms: u64, queue: &mut Queue<Event>) {
        match turn {
            Turn::Fail(_) => {}
            Turn::Hold(n) => {
                *self.tampers.held.entry(customer).or_default() |= bit(n);
            }
            Turn::Release(n) => {
                self.tampers.let_go(customer, n);
                return;
            }
            Turn::Mend => return,
        }
        let unit = self.people.of(customer).unit;
        if unit.meter.is_tampered() || unit.dead {
            return;
        }
        let moved = unit.meter.handle_tamper(now_ms * 1_000_000);
        if !unit.meter.is_tampered() {
            return;
        }
        if let Turn::Hold(n) = turn {
            self.tampers.blamed.insert(customer, n);
        } else {
            self.tampers.blamed.remove(&customer);
        }
        self.tampers
            .waiting
            .insert(customer, Waiting { since_ms: now_ms, told: false, ready_ms: None, wake: Wake::default() });
        let id = self.scenario.village.customers[customer as usize].id.clone();
        self.log(now_ms, "tamper", id, "the meter feels tampered with and opens".to_owned());
        if moved {
            self.people.of(customer).unit.opened = Opened::Tamper;
            self.connection_turned(customer, now_ms, queue);
        }
        self.meter_deadline(customer, now_ms, queue);
        self.arm_tamper(customer, now_ms + MINUTE_MS, queue);
    }

    /// The meter's own word of it has reached the DCU, durably.
    pub(crate) fn tamper_told(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(waiting) = self.tampers.waiting.get_mut(&customer) else { return };
        waiting.told = true;
        if waiting.ready_ms.is_none() {
            self.arm_tamper(customer, now_ms + 1, queue);
        }
    }

    fn arm_tamper(&mut self, customer: u32, at_ms: u64, queue: &mut Queue<Event>) {
        let node = self.people.of(customer).identity.node;
        if let Some(waiting) = self.tampers.waiting.get_mut(&customer) {
            queue.arm(&mut waiting.wake, SimTime::from_ms(at_ms), Phase::Meter, node, |generation| Event::Tamper {
                customer,
                generation,
            });
        }
    }

    /// What keeps word of the meter from the deciding party, or the clearing from the meter.
    fn tamper_obstacle(&mut self, customer: u32, now_ms: u64) -> Option<Chain> {
        match self.traits.credit_at {
            CreditAt::Meter if self.traits.keypad => {
                let [first, second] = [0, 1].map(|operator| self.wan.phone_signal(operator).err());
                first.zip(second).map(|(first, second)| easiest_to_clear(first, second))
            }
            CreditAt::Meter | CreditAt::Cloud => self.between_cloud_and_meter(customer, true, now_ms),
            CreditAt::Dcu => self.between_cloud_and_meter(customer, false, now_ms),
        }
    }

    /// The deciding party looks at a tampered meter.
    pub(crate) fn tamper_step(&mut self, customer: u32, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(waiting) = self.tampers.waiting.get(&customer) else { return };
        if !waiting.wake.is_current(generation) {
            return;
        }
        let (since_ms, heard, ready_ms) = (waiting.since_ms, waiting.told, waiting.ready_ms);
        let params = &self.scenario.assets.tamper;
        let calendar = &self.timeline.outside.calendar;
        let free = self.tamper_obstacle(customer, now_ms).is_none();
        let unit = self.people.of(customer).unit;
        let powered = unit.meter.energised() && !unit.dead;
        match ready_ms {
            None => {
                let told = match self.traits.credit_at {
                    CreditAt::Meter => free && now_ms >= calendar.awake(since_ms, CALL_AFTER_MS),
                    CreditAt::Cloud => free,
                    CreditAt::Dcu => heard,
                };
                if told {
                    let ready_ms = if self.traits.credit_at == CreditAt::Dcu {
                        now_ms.saturating_add((params.local_check_min * 60_000.0) as u64)
                    } else {
                        let key = NodeKey::of(&self.scenario.village.customers[customer as usize].meter_id);
                        calendar.work(now_ms, params.confirm_ms(key, self.seed, since_ms))
                    };
                    if let Some(waiting) = self.tampers.waiting.get_mut(&customer) {
                        waiting.ready_ms = Some(ready_ms);
                    }
                    self.touch(customer);
                    self.arm_tamper(customer, ready_ms.max(now_ms + 1), queue);
                    return;
                }
            }
            Some(ready_ms) if now_ms >= ready_ms && free && powered && !self.tampers.held.contains_key(&customer) => {
                self.clear_tamper(customer, now_ms, queue);
                return;
            }
            Some(_) => {}
        }
        self.touch(customer);
        self.arm_tamper(customer, now_ms + LOOK_MS, queue);
    }

    fn clear_tamper(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.tampers.waiting.remove(&customer);
        let moved = self.people.of(customer).unit.meter.clear_tamper(now_ms * 1_000_000);
        let id = self.scenario.village.customers[customer as usize].id.clone();
        self.log(now_ms, "tamper_cleared", id, "the tampering is cleared".to_owned());
        if moved {
            let closed = self.people.of(customer).unit.meter.relay_closed();
            self.relay_turned(customer, closed, now_ms, queue);
        } else {
            // The meter says that it may close now: whoever decides over the relay orders it.
            self.site_meter_heard(customer, now_ms, queue);
        }
        self.touch(customer);
    }

    /// What a tampering that is not cleared does to an order for the relay, however that came to be open.
    pub(crate) fn tamper_refuses(&mut self, customer: u32, now_ms: u64) -> Option<Chain> {
        self.tampers.waiting.contains_key(&customer).then(|| self.tamper_chain(customer, now_ms))
    }

    /// Why a meter that feels tampered with does not close.
    pub(crate) fn tamper_chain(&mut self, customer: u32, now_ms: u64) -> Chain {
        let head = Chain::of(Cause::Tampered);
        let scripted = self.tampers.blamed.get(&customer).map(|&n| Chain::of(Cause::Scripted(n)));
        let waits = self.tampers.waiting.get(&customer);
        let by_people = waits.is_some() && self.traits.credit_at != CreditAt::Dcu;
        let obstacle = self.tamper_obstacle(customer, now_ms);
        let behind = obstacle.or_else(|| by_people.then_some(Chain::of(Cause::OperatorConfirms)));
        match (scripted, behind) {
            (Some(scripted), Some(behind)) => head.then(easiest_to_clear(scripted, behind)),
            (Some(chain), None) | (None, Some(chain)) => head.then(chain),
            (None, None) => head,
        }
    }
}
