//! Where the DCU itself sells the tokens: its questions to the key module, what leaves it, what meters answer.
//!
//! ```text
//!   payment ──▶ Dcu ──▶ KeyRequest ──▶ module ──▶ Dcu ──▶ TokenIssued ──▶ text, paper ──▶ keypad
//!                                                   └────▶ gateway (class 115, over the mesh) ──▶ TokenSettled
//! ```
//!
//! The DCU decides which way a token goes, by its own policy; here are only the ports. Who stands at the agent's gets
//! the digits from the agent's printer, whatever phone they own.

use std::collections::BTreeMap;

use taa_dcu::{
    DcuEvent, MeterIx,
    cloud::LeasePolicy,
    config::{By, DeliveryPolicy, Step, StsMeter, VendingConfig, Way},
    vending::{Fate, Seen, Source, VendId, VendRefusal},
};
use taa_scenarios::model::Scenario;
use taa_tokens::sts::{Content, vend::MeterKey};

use super::{Pay, Stage, Take, tokens::Made};
use crate::{
    cause::Chain,
    kernel::Queue,
    world::{Event, Village},
};

/// Minutes of this site are one of three: the cloud has another, the press the third.
const EVERY: u16 = 3;
const MINUTES_PER_DAY: i64 = 1440;
/// Length of a lease, days (assumed).
const LEASE_DAYS: u32 = 90;
/// The gateway is tried where the meter has answered within this time; then the text, s (assumed).
const REACHABLE_S: u32 = 2 * 3600;
const GATEWAY_WAIT_S: u32 = 300;
const TEXT_WAIT_S: u32 = 1800;

/// The DCU's sales with payments in them, and whether their token was made. Which payments is told by nobody.
pub(super) type Sales = BTreeMap<VendId, bool>;

/// The DCU's policy: over the mesh where there is a gateway, else by text, else on paper.
pub(crate) fn vending_config(scenario: &Scenario) -> VendingConfig {
    let step = |way, wait_s| Step::new(way, wait_s);
    VendingConfig {
        policy: DeliveryPolicy {
            steps: vec![
                step(Way::Dlms, 0),
                step(Way::OpenPaygo, 0),
                Step { reachable_s: Some(REACHABLE_S), ..step(Way::Gateway, GATEWAY_WAIT_S) },
                step(Way::Keypad { by: By::Text }, TEXT_WAIT_S),
                step(Way::Keypad { by: By::Paper }, TEXT_WAIT_S),
            ],
            ..DeliveryPolicy::default()
        },
        minutes_ahead_max: scenario.comms.payments.sts.minutes_ahead_max,
        ..VendingConfig::default()
    }
}

/// The cloud's policy of leases for a run.
pub(crate) fn lease_policy(scenario: &Scenario) -> LeasePolicy {
    let start = scenario.run.start_unix_s.div_euclid(60);
    let days = i64::from(scenario.run.days) + 2 * i64::from(LEASE_DAYS);
    let term = (start - MINUTES_PER_DAY, start + days * MINUTES_PER_DAY);
    LeasePolicy { term, days: LEASE_DAYS, every: EVERY }
}

/// The decoder of a meter as the DCU knows it.
pub(crate) fn sts_meter(key: &MeterKey, gateway: bool, account: &str) -> StsMeter {
    StsMeter {
        pan: key.meter,
        key: key.key,
        generation: key.generation,
        algorithm: key.algorithm,
        in_money: true,
        keypad: true,
        gateway,
        ble: false,
        phone: Some(account.to_owned()),
    }
}

impl Village<'_> {
    /// The DCU asks the module. One that is down does not answer; the DCU asks again.
    pub(crate) fn key_wanted(
        &mut self,
        id: VendId,
        meter_key: &MeterKey,
        content: &Content,
        now_ms: u64,
        queue: &mut Queue<Event>,
    ) {
        let Some(customer) = self.money.tokens.customer_of(meter_key) else { return };
        let of_sale = self.payments_of_sale(id, customer);
        match self.money.tokens.answer(meter_key, content) {
            Err(chain) => of_sale.into_iter().for_each(|payment| self.hold_number(payment, chain, now_ms)),
            Ok(token) => {
                if self.money.sales.insert(id, true) != Some(true) {
                    let paid_minor = of_sale.iter().map(|payment| self.pays[*payment as usize].amount_minor).sum();
                    let worth_u = self.money.tokens.booked(customer, &of_sale, paid_minor, content);
                    for (nth, payment) in of_sale.iter().enumerate() {
                        // One token for several payments is worth what it is worth once.
                        let worth_u = if nth == 0 { worth_u } else { 0 };
                        self.pays[*payment as usize].token = Some(Made { token, content: *content, worth_u });
                    }
                }
                self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_key(now, id, Ok(token)));
            }
        }
    }

    /// What a sale is for: the payments, in the order in which they were credited, up to the credit that the sale says it
    /// covers. Two payments that one answer of the relay brings are two sales.
    fn payments_of_sale(&mut self, id: VendId, customer: u32) -> Vec<u32> {
        let open = self.people.of(customer).purse.open.clone();
        if !self.money.sales.contains_key(&id) {
            let sale = self.site.dcu.as_ref().and_then(|dcu| dcu.state().desk().sale(id));
            let covers_minor = match sale.map(|sale| &sale.source) {
                Some(Source::Account { granted_minor }) => *granted_minor,
                _ => i64::MAX,
            };
            let sold = |pay: &&Pay| pay.customer == customer && pay.sale.is_some();
            let sold_minor: i64 = self.pays.iter().filter(sold).map(|pay| pay.amount_minor).sum();
            let mut covered_minor =
                self.site.openings_minor().get(customer as usize).copied().unwrap_or(0) + sold_minor;
            let mut unsold: Vec<u32> = open.clone();
            unsold.retain(|payment| {
                let pay = &self.pays[*payment as usize];
                pay.sale.is_none() && pay.credited_ms.is_some()
            });
            unsold.sort_by_key(|payment| self.pays[*payment as usize].credited_nth);
            for payment in unsold {
                let pay = &mut self.pays[payment as usize];
                covered_minor += pay.amount_minor;
                if covered_minor > covers_minor {
                    break;
                }
                pay.sale = Some(id);
                self.money.sales.insert(id, false);
            }
        }
        open.into_iter().filter(|payment| self.pays[*payment as usize].sale == Some(id)).collect()
    }

    /// Tokens that leave the DCU or come to their end.
    pub(crate) fn vending_event(&mut self, event: &DcuEvent, now_ms: u64, queue: &mut Queue<Event>) {
        self.key_change_event(event, now_ms, queue);
        match event {
            DcuEvent::TokenSettled { id, .. } if self.money.rekeying.is_change(*id) => {}
            // Told once, whatever the DCU repeats after a restart: text and paper are not sent twice for that.
            DcuEvent::TokenIssued { meter, id, way: Way::Keypad { .. }, .. } => {
                let first = self.payments_of_sale(*id, meter.0).into_iter().next();
                let new = |payment: &u32| {
                    let pay = &self.pays[*payment as usize];
                    pay.stage == Stage::Number && pay.texts == 0 && pay.in_hand_ms.is_none()
                };
                if let Some(payment) = first.filter(new) {
                    self.number_made(payment, now_ms, queue);
                }
            }
            // What the DCU concludes from a meter's credit may be another token of the same worth: hands know better.
            DcuEvent::TokenSettled { fate: Fate::Entered { seen: Seen::Credit | Seen::LaterToken }, .. } => {}
            DcuEvent::TokenSettled { meter, id, fate: Fate::Entered { .. } } => {
                self.sale_applied(*meter, *id, now_ms, queue);
            }
            DcuEvent::TokenSettled { meter, id, fate: Fate::Refused { status } } => {
                self.sale_refused(*meter, *id, *status, now_ms, queue);
            }
            DcuEvent::VendRefused { meter, refusal } => {
                let chain = match refusal {
                    VendRefusal::Lease(_) => self.money.tokens.no_lease(),
                    VendRefusal::Doubt => self.doubt_chain(),
                    VendRefusal::NoClock => self.repairs.clock.chain(),
                    VendRefusal::Time(_) | VendRefusal::KeyExpired(_) => self.money.tokens.run_out(meter.0),
                    _ => return,
                };
                self.hold_unsold(*meter, chain, now_ms);
            }
            _ => {}
        }
    }

    fn hold_unsold(&mut self, meter: MeterIx, chain: Chain, now_ms: u64) {
        let open = self.people.of(meter.0).purse.open.clone();
        for payment in open {
            if self.pays[payment as usize].sale.is_none() && self.pays[payment as usize].credited_ms.is_some() {
                self.hold_number(payment, chain, now_ms);
            }
        }
    }

    /// The meter has taken the token of a sale.
    pub(super) fn sale_applied(&mut self, meter: MeterIx, id: VendId, now_ms: u64, queue: &mut Queue<Event>) {
        let of_sale = self.payments_of_sale(id, meter.0);
        if of_sale.is_empty() {
            return;
        }
        self.money.tokens.sums.used += 1;
        self.apply(meter.0, Take::Sale(id), now_ms, queue);
        self.meter_deadline(meter.0, now_ms, queue);
    }
}
