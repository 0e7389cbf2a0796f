//! Kits that are paid by the day with OpenPAYGO tokens, where the DCU sells them: owners, payments, texts, keypads.
//!
//! ```text
//!   owner ──▶ provider ──▶ intake ──▶ Dcu: account of the kit ──▶ PaygIssued ──▶ text ──▶ keypad ──▶ days
//!                                      └── report over the phone ──▶ signed answer ──▶ tokens ──▶ days
//! ```
//!
//! A kit buys when its last day has begun, by mobile money. The provider confirms it to the hosted relay, again and again
//! until the site has credited it; the same payment twice is credited once. A text that is lost is asked for again the next day: the
//! service line tells the tokens that the DCU remembers and the owner has not got, in any order. A kit with a link
//! reports every day, signed over its values, and enters what the answer brings; its count brings the DCU into step.
//!
//! A kit takes nothing from the grid, and being dark it is nobody's lost hour: its hours are counted by themselves
//! ([`records::Kits`]).

use std::collections::BTreeMap;

use taa_dcu::{
    DcuEvent,
    billing::Book,
    config::PaygDevice as Entry,
    payment::{PaymentId, Provider},
    vending::PaygIx,
};
use taa_keys::Secret;
use taa_meter::PaygDevice;
use taa_models::draw::{Draws, NodeKey, Purpose};
use taa_scenarios::model::Scenario;
use taa_tokens::openpaygo::{
    DeviceKey, Meaning,
    metrics::{Answer, Json, Method, MetricsKey, Received, Request},
};

use crate::{
    kernel::{Phase, Queue, SimTime},
    records::{self, KitRow},
    world::{Event, Village, person::awake_at_ms},
};

const OWNS: Purpose = Purpose::named("owns a kit");
const KEY: Purpose = Purpose::named("key of a kit");
const TEXT: Purpose = Purpose::named("text for a kit");
const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
/// From the provider's word to the intake, ms (assumed), and until the DCU's fetch is tried again.
const FETCH_MS: u64 = 300_000;
/// Who waits for a text asks for it after so long, ms (assumed).
const ASKS_MS: u64 = 6 * HOUR_MS;

/// One kit and its owner's side of the story.
#[derive(Clone, Debug)]
struct Kit {
    customer: u32,
    device: PaygDevice,
    key: Secret,
    reports: i64,
    /// Payments so far, and the one that the DCU has not credited yet.
    paid: u32,
    open: Option<u32>,
    /// Digits by count, as they were issued; typed ones are gone.
    issued: BTreeMap<u32, String>,
    asked_ms: u64,
    texts: u32,
    /// Its row so far.
    tally: KitRow,
    /// When it went off, ms.
    off_since_ms: Option<u64>,
}

/// All kits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kits(Vec<Kit>);

fn secret(seed: (u64, u32), key: NodeKey) -> Secret {
    let mut draws = Draws::keyed(seed.0, seed.1, key, KEY, 0);
    let bytes: Vec<u8> = (0..2).flat_map(|_| draws.u64().to_le_bytes()).collect();
    Secret::new(&bytes)
}

fn tally(customer: u32, linked: bool) -> KitRow {
    KitRow {
        customer,
        linked,
        paid_minor: 0,
        open_minor: 0,
        sold_days: 0,
        added_days: 0,
        waiting_days: 0,
        texts_lost: 0,
        refused: 0,
        off_ms: 0,
        in_step: false,
    }
}

fn serial(customer: &str) -> String {
    format!("KIT-{customer}")
}

impl Kits {
    /// Drawn for each customer for itself: another share moves as few of them as possible.
    pub(crate) fn new(scenario: &Scenario, seed: (u64, u32)) -> Self {
        let params = &scenario.comms.payments.kits;
        let mut kits = Vec::new();
        for (customer, entry) in (0_u32..).zip(&scenario.village.customers) {
            let node = NodeKey::of(&entry.id);
            let mut draws = Draws::keyed(seed.0, seed.1, node, OWNS, 0);
            if !draws.chance(params.share) {
                continue;
            }
            let linked = draws.chance(params.link_share);
            let days = 1 + (draws.uniform() * f64::from(params.days)) as u32;
            let key = secret(seed, node);
            let device = DeviceKey::new(&key, None).expect("sixteen bytes are a key");
            let device = PaygDevice::new(device, false, days.min(params.days));
            kits.push(Kit {
                customer,
                device,
                key,
                reports: 0,
                paid: 0,
                open: None,
                issued: BTreeMap::new(),
                asked_ms: 0,
                texts: 0,
                tally: tally(customer, linked),
                off_since_ms: None,
            });
        }
        Self(kits)
    }

    /// What their owners have paid that a Book has taken, minor units.
    pub(super) fn in_book_minor(&self, book: &Book, amount_minor: i64) -> i128 {
        let ids = (0..).zip(&self.0).flat_map(|(kit, one)| (1..=one.paid).map(move |number| payment_key(kit, number)));
        let taken = ids.filter(|key| book.has_seen(&PaymentId { provider: Provider::Daraja, key: key.clone() }));
        taken.count() as i128 * i128::from(amount_minor)
    }

    /// As the DCU is told of them.
    pub(crate) fn entries(&self, scenario: &Scenario) -> Vec<Entry> {
        let entry = |kit: &Kit| {
            let id = &scenario.village.customers[kit.customer as usize].id;
            Entry {
                serial: serial(id),
                account: serial(id),
                key: kit.key.clone(),
                starting_code: None,
                restricted: false,
                extended: false,
                day_price_minor: scenario.comms.payments.kits.day_price_minor,
                count: 1,
                phone: Some(id.clone()),
            }
        };
        self.0.iter().map(entry).collect()
    }
}

impl Village<'_> {
    /// The first morning of every kit; none where nobody sells to them.
    pub(crate) fn schedule_kits(&mut self, queue: &mut Queue<Event>) {
        if !self.dcu_fetches() {
            self.money.kits.0.clear();
        }
        for kit in 0..self.money.kits.0.len() {
            self.kit_later(kit as u32, 0, queue, |kit| Event::KitMorning { kit });
        }
    }

    fn kit_later(&mut self, kit: u32, at_ms: u64, queue: &mut Queue<Event>, event: impl Fn(u32) -> Event) {
        let customer = self.money.kits.0[kit as usize].customer;
        let identity = self.people.of(customer).identity;
        let at_ms = awake_at_ms(at_ms, identity.key.0);
        queue.at(SimTime::from_ms(at_ms), Phase::Customer, identity.node, event(kit));
    }

    /// Every morning: is it the last day? Is a token missing? A kit with a link reports.
    pub(crate) fn kit_morning(&mut self, kit: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.kit_later(kit, now_ms + DAY_MS, queue, |kit| Event::KitMorning { kit });
        self.kit_looked_at(kit, now_ms);
        if self.money.kits.0[kit as usize].tally.linked {
            self.kit_reports(kit, now_ms, queue);
        }
        self.kit_asks(kit, now_ms, queue);
        self.kit_buys(kit, now_ms, queue);
    }

    /// Counts the hours in which it was off.
    fn kit_looked_at(&mut self, kit: u32, now_ms: u64) {
        let one = &mut self.money.kits.0[kit as usize];
        let on = one.device.is_on(now_ms * 1_000_000);
        match (on, one.off_since_ms) {
            (true, Some(since_ms)) => {
                one.tally.off_ms += now_ms - since_ms;
                one.off_since_ms = None;
            }
            // It went off by itself since it was looked at last.
            (false, None) => one.off_since_ms = Some(one.device.paid_until_ns().map_or(now_ms, |ns| ns / 1_000_000)),
            _ => {}
        }
    }

    fn kit_buys(&mut self, kit: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = &self.money.kits.0[kit as usize];
        let left = one.device.days_left(now_ms * 1_000_000);
        if one.open.is_some() || !one.issued.is_empty() || left.is_none_or(|days| days > 1) {
            return;
        }
        let key = self.people.of(one.customer).identity.key;
        let operator = self.scenario.comms.payments.operator(key);
        if self.mobile_money(operator).is_err() {
            return self.kit_later(kit, now_ms + HOUR_MS, queue, |kit| Event::KitBuys { kit });
        }
        let one = &mut self.money.kits.0[kit as usize];
        one.paid += 1;
        one.open = Some(one.paid);
        let params = &self.scenario.comms.payments.kits;
        one.tally.paid_minor += params.day_price_minor * i64::from(params.days);
        let node = self.ops.cloud;
        queue.at(SimTime::from_ms(now_ms + FETCH_MS), Phase::Environment, node, Event::KitPaid { kit });
    }

    /// The way was closed; the owner tries again.
    pub(crate) fn kit_tries(&mut self, kit: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.kit_buys(kit, now_ms, queue);
    }

    /// The provider confirms the payment to the relay, again and again until the site has credited it.
    pub(crate) fn kit_paid(&mut self, kit: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = &self.money.kits.0[kit as usize];
        let Some(number) = one.open else { return };
        let customer = &self.scenario.village.customers[one.customer as usize].id;
        let params = &self.scenario.comms.payments.kits;
        let amount_minor = params.day_price_minor * i64::from(params.days);
        self.confirm(payment_key(kit, number), serial(customer), amount_minor, now_ms, queue);
        if self.money.kits.0[kit as usize].open == Some(number) {
            let node = self.ops.cloud;
            queue.at(SimTime::from_ms(now_ms + FETCH_MS), Phase::Environment, node, Event::KitPaid { kit });
        }
    }

    /// Word of kits from the DCU; true where the event was about one.
    pub(crate) fn kit_event(&mut self, event: &DcuEvent, now_ms: u64, queue: &mut Queue<Event>) -> bool {
        match event {
            DcuEvent::Credited { key, .. } | DcuEvent::Duplicate { key } => {
                let Some((kit, number)) = payment_of(key) else { return false };
                if let Some(one) = self.money.kits.0.get_mut(kit as usize).filter(|one| one.open == Some(number)) {
                    one.open = None;
                }
                true
            }
            DcuEvent::PaygIssued { device, token, .. } => {
                let kit = device.0;
                let Some(one) = self.money.kits.0.get_mut(kit as usize) else { return true };
                // Told again after a restart of the DCU: it was typed in long ago, or is in hand.
                if token.count <= one.device.count() || one.issued.contains_key(&token.count) {
                    return true;
                }
                one.issued.insert(token.count, token.digits.clone());
                one.tally.sold_days += token.days().unwrap_or(0);
                one.asked_ms = now_ms;
                self.kit_text(kit, now_ms, queue);
                true
            }
            _ => false,
        }
    }

    /// All digits that the owner has not got go by text; one that is lost is lost.
    fn kit_text(&mut self, kit: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = &mut self.money.kits.0[kit as usize];
        one.texts += 1;
        let (customer, nth) = (one.customer, one.texts);
        let key = self.people.of(customer).identity.key;
        let operator = self.scenario.comms.payments.operator(key);
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, key, TEXT, u64::from(nth));
        let params = &self.scenario.comms.payments;
        let arrives = params.sms.deliver_ms(params.sms_loss_share, &mut draws).filter(|_| self.money.sms.up());
        let typing_ms = params.keypad.typing_ms(&mut draws);
        let reachable = self.wan.up() && self.wan.phone_signal(operator).is_ok();
        match arrives.filter(|_| reachable) {
            Some(delay_ms) => {
                let at_ms = now_ms.saturating_add(delay_ms).saturating_add(typing_ms);
                self.kit_later(kit, at_ms, queue, |kit| Event::KitTyped { kit });
            }
            None => self.money.kits.0[kit as usize].tally.texts_lost += 1,
        }
    }

    /// Who has waited long enough for a text asks the service line.
    fn kit_asks(&mut self, kit: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = &mut self.money.kits.0[kit as usize];
        if one.issued.is_empty() || now_ms.saturating_sub(one.asked_ms) < ASKS_MS {
            return;
        }
        one.asked_ms = now_ms;
        self.kit_text(kit, now_ms, queue);
    }

    /// The digits that have come have been typed in.
    pub(crate) fn kit_typed(&mut self, kit: u32, now_ms: u64) {
        let digits: Vec<String> = self.money.kits.0[kit as usize].issued.values().cloned().collect();
        self.kit_enters(kit, &digits, now_ms);
    }

    fn kit_enters(&mut self, kit: u32, digits: &[String], now_ms: u64) {
        self.kit_looked_at(kit, now_ms);
        let one = &mut self.money.kits.0[kit as usize];
        for text in digits {
            match one.device.handle_digits(now_ms * 1_000_000, text) {
                Ok(Meaning::Add(days)) => one.tally.added_days += days,
                Ok(_) => {}
                Err(_) => one.tally.refused += 1,
            }
        }
        one.issued.retain(|_, known| !digits.contains(known));
        self.kit_looked_at(kit, now_ms);
    }

    /// A signed report over the owner's phone, and what the signed answer brings.
    fn kit_reports(&mut self, kit: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = &self.money.kits.0[kit as usize];
        let key = self.people.of(one.customer).identity.key;
        let operator = self.scenario.comms.payments.operator(key);
        let way = self.wan.up() && self.site.up() && self.wan.phone_signal(operator).is_ok();
        let unix_s = self.unix_ms(now_ms).div_euclid(1000);
        let one = &mut self.money.kits.0[kit as usize];
        let Some(key) = MetricsKey::new(&one.key).filter(|_| way) else { return };
        one.reports += 1;
        let request = Request {
            serial_number: serial(&self.scenario.village.customers[one.customer as usize].id),
            format: None,
            timestamp: Some(unix_s),
            request_count: Some(one.reports),
            data: vec![("token_count".into(), Json::whole(one.device.count().into()))],
            historical_data: Vec::new(),
        };
        let Ok(text) = request.simple(Some((&key, Method::Data))) else { return };
        let mut answer = None;
        self.with_dcu(now_ms, queue, |dcu, now| answer = dcu.handle_metrics(now, &text).ok());
        let sent = Received::parse(&text).ok();
        let read = answer.zip(sent).and_then(|(answer, sent)| Answer::read(&answer, &sent, &key).ok());
        let Some(read) = read else { return self.money.kits.0[kit as usize].tally.refused += 1 };
        if !read.tokens.is_empty() {
            self.kit_enters(kit, &read.tokens, now_ms);
        }
    }

    /// What became of kits and their money by the end, and how far DCU and kits are in step.
    pub(crate) fn kit_rows(&mut self, now_ms: u64) -> records::Kits {
        let mut rows = records::Kits::default();
        let params = &self.scenario.comms.payments.kits;
        let price_minor = params.day_price_minor * i64::from(params.days);
        for kit in 0..self.money.kits.0.len() {
            self.kit_looked_at(kit as u32, now_ms);
            let desk = self.site.dcu.as_ref().and_then(|dcu| dcu.state().desk().device(PaygIx(kit as u32)));
            let one = &self.money.kits.0[kit];
            let waiting_days = desk.map_or(0, |desk| {
                let open = desk.outstanding().iter().filter(|token| one.issued.contains_key(&token.count));
                open.filter_map(|token| token.days()).sum()
            });
            rows.push(KitRow {
                customer: one.customer,
                open_minor: one.open.map_or(0, |_| price_minor),
                waiting_days,
                off_ms: one.tally.off_ms + one.off_since_ms.map_or(0, |since_ms| now_ms.saturating_sub(since_ms)),
                // The last count that the DCU has used is the kit's, or a token of it is still to be typed.
                in_step: desk.is_some_and(|desk| desk.count() == one.device.count() || !one.issued.is_empty()),
                ..one.tally.clone()
            });
        }
        rows
    }
}

fn payment_key(kit: u32, number: u32) -> String {
    format!("K{kit:06}-{number:06}")
}

fn payment_of(key: &str) -> Option<(u32, u32)> {
    let (kit, number) = key.strip_prefix('K')?.split_once('-')?;
    Some((kit.parse().ok()?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_payment_tells_whose_it_is() {
        assert_eq!(payment_of(&payment_key(17, 3)), Some((17, 3)));
        assert_eq!(payment_of("T0000000017"), None);
    }
}
