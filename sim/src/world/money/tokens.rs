//! The tokens of a village with keypads: who may use which minutes, under which keys, and what they are worth.
//!
//! ```text
//!   credited ──▶ worth (most that is due) ──▶ minute of the seller's lease ──▶ sealed ──▶ 20 digits ──▶ text, paper
//!                    └ rest stays due ◀─┐          cloud · site · press          key module
//!                                       └── next token
//! ```
//!
//! Money is counted here in 1/100000 of the currency's unit ("u"), as tokens carry it. A field holds only certain
//! amounts: a token is over the most that does not exceed what is due, the rest goes into the customer's next one, so
//! nothing is lost or given away.
//!
//! Cloud, site and press (tokens on paper, sealed when the paper was delivered) own every third minute each, so none can
//! use up a minute of another. Which denominations the agent holds for which meter is not told apart: as long as there
//! is paper, there is one of the right worth.

use std::collections::{BTreeMap, BTreeSet};

use taa_keys::{KeyStore, Secret};
use taa_meter::{Counts, StsConfig};
use taa_models::{
    draw::{Draws, NodeKey, Purpose},
    payments::StsParams,
};
use taa_scenarios::model::{FaultKind, Scenario};
use taa_tokens::sts::{
    Algorithm, BaseDate, Content, KeyAttributes, KeyGeneration, KeyType, Krn, MeterPan, Money, Random, Service, Sgc,
    StaTables, TariffIndex, Token, meter,
    vend::{Ask, Lessor, MeterKey, Minutes, SoftwareModule, VendError, Vendor},
};

use crate::{
    cause::{Cause, Chain},
    kernel::Queue,
    records::{TokenBy, TokenRow},
    world::{
        Event, Village,
        parts::{Part, PartId, Turn},
        timeline::aimed_at,
    },
};

const VENDING_KEY: Purpose = Purpose::named("vending key");
const GATEWAY: Purpose = Purpose::named("token gateway");
/// Bytes of a vending key for DKGA04.
const VENDING_KEY_BYTES: usize = 20;
/// Issuer number of our meters (600727 is the one in public examples of the standard).
const IIN: &str = "600727";
const MINUTES_PER_DAY: i64 = 1440;
/// How far a lease reaches beyond the run, and how long a token on paper is sold, days.
const LEASE_DAYS: i64 = 400;
const DIGITS: usize = 20;
/// Revisions of a supply group's key.
const KRN_MAX: u8 = 9;

/// Who makes a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seller {
    Cloud = 0,
    Site = 1,
    /// Beforehand, on paper.
    Press = 2,
}

/// A token that was made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) token: Token,
    pub(super) content: Content,
    pub(super) worth_u: i64,
}

/// All that vendors know and hold.
pub(crate) struct Tokens {
    module: SoftwareModule,
    sellers: [Vendor; 3],
    /// A vendor whose leases are used up.
    unleased: Vendor,
    /// The key that vendors believe each meter to hold.
    keys: Vec<MeterKey>,
    /// Credited and in no token yet, u.
    due_u: Vec<i64>,
    /// Which meters have a token gateway.
    pub(crate) gateways: Vec<bool>,
    u_per_minor: i64,
    key_module: Part,
    leases: Part,
    paper: Part,
    wrong_key: Vec<Part>,
    rollover: Vec<Part>,
    gateway: Vec<Part>,
    /// Meters of whose key the vendor was wrong at least once.
    mistaken: BTreeSet<u32>,
    /// When meters were brought to the key that they hold, minutes from 1970: paper printed before is dead.
    changed: BTreeMap<u32, i64>,
    /// Payments whose token cannot be made, or not be used.
    pub(super) stuck: Vec<u32>,
    pub(super) sums: Sums,
    /// Every token, in the order in which it was made.
    pub(super) rows: Vec<TokenRow>,
}

/// For the books.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// Paid for by those who got a token, and what the tokens are worth, u.
    pub(super) paid_u: i64,
    pub(super) issued_u: i64,
    /// Loaded by wrong digits that happened to be a token, u.
    pub(super) chance_u: i64,
    /// Tokens that meters took, and entries that they refused.
    pub(super) used: u32,
    pub(super) refused: u32,
}

impl Tokens {
    pub(crate) fn new(scenario: &Scenario, seed: (u64, u32)) -> Self {
        let params = &scenario.comms.payments.sts;
        let customers = scenario.village.customers.len();
        let late: Vec<u32> = scenario
            .faults
            .iter()
            .filter(|fault| fault.what == FaultKind::RolloverMissed)
            .flat_map(|fault| aimed_at(scenario, &fault.target))
            .collect();
        let keys = (0..customers).map(|n| meter_key(params, n, late.contains(&(n as u32)))).collect();
        let start = scenario.run.start_unix_s.div_euclid(60);
        let term = (start - MINUTES_PER_DAY, start + (i64::from(scenario.run.days) + LEASE_DAYS) * MINUTES_PER_DAY);
        let mut lessor = Lessor::new(term.0, term.1);
        let mut leased = |phase: u16, ahead: i64| {
            let mut minutes = Minutes::new(ahead);
            minutes.add(lessor.grant(term.0, term.1, 3, phase).expect("three phases of one term share no minute"));
            Vendor::new(minutes)
        };
        let ahead = i64::from(params.minutes_ahead_max);
        Self {
            module: module(params, seed),
            sellers: [leased(0, ahead), leased(1, ahead), leased(2, LEASE_DAYS * MINUTES_PER_DAY)],
            unleased: Vendor::new(Minutes::new(ahead)),
            keys,
            due_u: vec![0; customers],
            gateways: scenario
                .village
                .customers
                .iter()
                .map(|customer| has_gateway(params, seed, &customer.id))
                .collect(),
            u_per_minor: counts(scenario).u_per_minor(),
            key_module: Part::new(Cause::KeyModuleDown),
            leases: Part::new(Cause::LeaseExhausted),
            paper: Part::new(Cause::PaperOut),
            wrong_key: (0..customers).map(|_| Part::new(Cause::WrongKey)).collect(),
            rollover: (0..customers).map(|_| Part::new(Cause::RolloverMissed)).collect(),
            gateway: (0..customers).map(|_| Part::new(Cause::GatewayRefused)).collect(),
            mistaken: BTreeSet::new(),
            changed: BTreeMap::new(),
            stuck: Vec::new(),
            sums: Sums::default(),
            rows: Vec::new(),
        }
    }

    /// The decoder of a customer's meter, as it was put in.
    pub(crate) fn decoder(&self, scenario: &Scenario, customer: usize) -> StsConfig {
        let at = &self.keys[customer];
        StsConfig {
            key: self.module.decoder_key(at).expect("the vending key is there"),
            state: meter::State {
                krn: at.key.krn.number(),
                key_type: at.key.key_type,
                ti: at.key.ti.number(),
                ken: at.key.ken,
                sgc: Some(at.key.sgc.number()),
                base_date: at.key.base_date,
            },
            tables: sta_tables(&scenario.comms.payments.sts),
            counts: counts(scenario),
            maker: 0,
            keypad: true,
            gateway: self.gateways[customer],
        }
    }

    pub(super) fn part_mut(&mut self, part: PartId) -> Option<&mut Part> {
        match part {
            PartId::KeyModule => Some(&mut self.key_module),
            PartId::Leases => Some(&mut self.leases),
            PartId::Paper => Some(&mut self.paper),
            PartId::WrongKey(n) => self.wrong_key.get_mut(n as usize),
            PartId::Rollover(n) => self.rollover.get_mut(n as usize),
            PartId::Gateway(n) => self.gateway.get_mut(n as usize),
            _ => None,
        }
    }

    pub(super) fn turn(&mut self, part: PartId, turn: Turn) {
        if let PartId::WrongKey(customer) = part {
            self.mistaken.insert(customer);
        }
        if let Some(part) = self.part_mut(part) {
            part.turn(turn);
        }
    }

    /// The key that vendors believe a customer's meter to hold.
    pub(crate) fn key(&self, customer: usize) -> &MeterKey {
        &self.keys[customer]
    }

    /// Meters of whose key the vendor was wrong once, and the key that it believes each of them to hold now.
    pub(super) fn beliefs(&self) -> Vec<(u32, KeyAttributes)> {
        let believed = |customer: &u32| {
            let right = self.keys[*customer as usize];
            let up = self.wrong_key[*customer as usize].up();
            (*customer, if up { right.key } else { next_revision(right).key })
        };
        self.mistaken.iter().map(believed).collect()
    }

    /// Whose meter has this key.
    pub(super) fn customer_of(&self, key: &MeterKey) -> Option<u32> {
        let number: u32 = key.meter.drn().parse().ok()?;
        number.checked_sub(1).filter(|customer| (*customer as usize) < self.keys.len())
    }

    /// What the key module answers to the DCU, which names the key by its own notes.
    pub(super) fn answer(&self, key: &MeterKey, content: &Content) -> Result<Token, Chain> {
        if !self.key_module.up() {
            return Err(self.key_module.chain());
        }
        self.module.seal(key, content).map_err(|_| self.key_module.chain())
    }

    /// Books a token of the DCU's over so much that was paid; its worth, u.
    pub(super) fn booked(&mut self, customer: u32, payments: &[u32], paid_minor: i64, content: &Content) -> i64 {
        let worth_u = match content {
            Content::Money { money, .. } => i64::try_from(money.value()).unwrap_or(0),
            _ => 0,
        };
        let paid_u = paid_minor * self.u_per_minor;
        self.due_u[customer as usize] += paid_u - worth_u;
        self.sums.paid_u += paid_u;
        self.sums.issued_u += worth_u;
        self.rows.push(TokenRow { customer, payments: payments.to_vec(), worth_u });
        worth_u
    }

    /// The opposite: its token can never count, and its payments are to be sold anew.
    pub(super) fn unbooked(&mut self, customer: u32, payments: &[u32], paid_minor: i64, worth_u: i64) {
        self.rows.push(TokenRow { customer, payments: payments.to_vec(), worth_u: -worth_u });
        self.take_back(customer, paid_minor, worth_u);
    }

    fn take_back(&mut self, customer: u32, paid_minor: i64, worth_u: i64) {
        let paid_u = paid_minor * self.u_per_minor;
        self.due_u[customer as usize] -= paid_u - worth_u;
        self.sums.paid_u -= paid_u;
        self.sums.issued_u -= worth_u;
    }

    /// That was too early: it stands after all.
    pub(super) fn rebooked(&mut self, customer: u32, paid_minor: i64, worth_u: i64) {
        self.rows.pop();
        self.take_back(customer, -paid_minor, -worth_u);
    }

    /// What the key module answers to a key change; nothing while it is down.
    pub(super) fn key_change(&self, from: &MeterKey, to: &MeterKey) -> Option<Vec<Token>> {
        self.module.key_change(from, to).ok().filter(|_| self.key_module.up())
    }

    /// A meter holds this key from this minute on.
    pub(super) fn changed(&mut self, customer: u32, to: MeterKey, minute: i64) {
        self.keys[customer as usize] = to;
        self.changed.insert(customer, minute);
    }

    /// Paper of this minute is of before the meter's last change of key.
    pub(super) fn outdated(&self, customer: u32, minute: i64) -> bool {
        self.changed.get(&customer).is_some_and(|changed| minute < *changed)
    }

    /// Why a token of the DCU's goes by hand to a meter with a gateway, if it does for a fault of that.
    pub(super) fn gateway_refuses(&self, customer: u32) -> Option<Chain> {
        let at = customer as usize;
        self.gateway.get(at).filter(|part| self.gateways[at] && !part.up()).map(Part::chain)
    }

    /// Why this meter cannot be sold to, when its minutes or its key have run out.
    pub(super) fn run_out(&self, customer: u32) -> Chain {
        self.rollover[customer as usize].chain()
    }

    /// Why nothing can be sold to a meter whose minutes are used up.
    pub(super) fn minutes_over(&self, customer: u32, minute: i64) -> Option<Chain> {
        let over = minute > self.keys[customer as usize].key.base_date.last_unix_minute();
        over.then(|| self.run_out(customer))
    }

    /// Why no token can be made, if the module is down.
    pub(super) fn module_down(&self) -> Option<Chain> {
        (!self.key_module.up()).then(|| self.key_module.chain())
    }

    /// Why there is no minute.
    pub(super) fn no_lease(&self) -> Chain {
        self.leases.chain()
    }

    pub(super) fn u_per_minor(&self) -> i64 {
        self.u_per_minor
    }

    /// Paid by this customer and in no token yet, u.
    pub(super) fn due_of(&self, customer: u32) -> i64 {
        self.due_u.get(customer as usize).copied().unwrap_or(0)
    }

    pub(super) fn due_u(&self) -> i64 {
        self.due_u.iter().sum()
    }

    /// Why the vendor's tokens are not taken by this meter, if they are not.
    pub(super) fn wrong_key(&self, customer: u32) -> Option<Chain> {
        self.wrong_key.get(customer as usize).filter(|part| !part.up()).map(Part::chain)
    }

    /// Whether paper for this meter can be had, and if not, why.
    pub(super) fn paper(&self, customer: u32, in_stock: bool) -> Result<(), Chain> {
        let at = customer as usize;
        if !self.paper.up() || !in_stock {
            return Err(self.paper.chain());
        }
        if self.keys[at].key.base_date == BaseDate::Y1993 { Err(self.rollover[at].chain()) } else { Ok(()) }
    }

    /// Sells: the minute is used up, the digits are made.
    fn sell(&mut self, customer: usize, seller: Seller, due_u: i64, minute: i64) -> Result<(Content, i64), Chain> {
        let in_transit = Chain::of(Cause::InTransit);
        let (money, worth_u) = most(due_u).ok_or(in_transit)?;
        let leased = seller == Seller::Press || self.leases.up();
        let vendor = if leased { &mut self.sellers[seller as usize] } else { &mut self.unleased };
        let ask = Ask::Money(Service::Electricity, money);
        match vendor.prepare(&self.keys[customer], ask, minute, Random::new(0), false) {
            Ok((content, _)) => Ok((content, worth_u)),
            Err(VendError::Lease(_)) => Err(self.leases.chain()),
            // The clock, or the key's expiry: only a change of key helps.
            Err(_) => Err(self.rollover[customer].chain()),
        }
    }

    fn seal(&self, customer: usize, content: &Content) -> Result<Token, Chain> {
        let right = self.keys[customer];
        let believed = if self.wrong_key[customer].up() { right } else { next_revision(right) };
        self.module.seal(&believed, content).map_err(|_| self.key_module.chain())
    }
}

impl Village<'_> {
    /// Makes the token of a payment, or says what is in the way. Of one that was made before, only the digits are made
    /// anew: never a second minute.
    pub(super) fn make_token(&mut self, payment: u32, seller: Seller, now_ms: u64) -> Result<(), Chain> {
        let pay = &self.pays[payment as usize];
        let (customer, amount_minor, before) = (pay.customer, pay.amount_minor, pay.token.clone());
        let at = customer as usize;
        if seller != Seller::Press && !self.money.tokens.key_module.up() {
            return Err(self.money.tokens.key_module.chain());
        }
        self.change_over(customer, now_ms)?;
        let minute = match seller {
            Seller::Press => self.printed_minute(now_ms),
            Seller::Cloud | Seller::Site => self.unix_ms(now_ms).div_euclid(60_000),
        };
        let tokens = &mut self.money.tokens;
        let (content, worth_u) = match before {
            Some(made) => (made.content, made.worth_u),
            None => {
                let paid_u = amount_minor * tokens.u_per_minor;
                let due_u = tokens.due_u[at] + paid_u;
                let sold = tokens.sell(at, seller, due_u, minute)?;
                tokens.due_u[at] = due_u - sold.1;
                tokens.sums.paid_u += paid_u;
                tokens.sums.issued_u += sold.1;
                tokens.rows.push(TokenRow { customer, payments: vec![payment], worth_u: sold.1 });
                sold
            }
        };
        let token = tokens.seal(at, &content)?;
        self.pays[payment as usize].token = Some(Made { token, content, worth_u });
        Ok(())
    }

    /// A meter that was not changed over in time gets its key-change tokens typed in once it may, and once it has power.
    fn change_over(&mut self, customer: u32, now_ms: u64) -> Result<(), Chain> {
        let tokens = &self.money.tokens;
        let at = customer as usize;
        let from = tokens.keys[at];
        if from.key.base_date != BaseDate::Y1993 {
            return Ok(());
        }
        let late = tokens.rollover[at].chain();
        if !tokens.rollover[at].up() {
            return Err(late);
        }
        let to = MeterKey { key: KeyAttributes { base_date: BaseDate::Y2014, ..next_revision(from).key }, ..from };
        let set = tokens.module.key_change(&from, &to).map_err(|_| late)?;
        let unit = self.people.of(customer).unit;
        if unit.dead || !unit.meter.energised() {
            return Err(late);
        }
        for token in set {
            unit.meter.handle_keypad_digits(now_ms * 1_000_000, &token.to_string());
        }
        if unit.meter.sts_state().is_none_or(|state| state.base_date != BaseDate::Y2014) {
            return Err(late);
        }
        self.money.tokens.keys[at] = to;
        let id = self.scenario.village.customers[at].id.clone();
        self.log(now_ms, "key_changed", id, "key-change tokens typed in: it counts from 2014".to_owned());
        Ok(())
    }

    /// When the paper that is sold now was printed.
    pub(super) fn printed_minute(&self, now_ms: u64) -> i64 {
        let agent = &self.scenario.comms.payments.agent;
        let before = agent.paper_deliveries(now_ms).saturating_sub(1) as f64;
        let minutes = (before * agent.paper_restock_days * MINUTES_PER_DAY as f64) as i64;
        self.scenario.run.start_unix_s.div_euclid(60) + minutes
    }

    /// Who makes the token of a payment that has been credited.
    pub(super) fn seller_of(&self, payment: u32) -> Seller {
        match self.pays[payment as usize].token_by {
            TokenBy::Stock if self.pays[payment as usize].token.is_none() => Seller::Press,
            _ if self.dcu_fetches() => Seller::Site,
            _ => Seller::Cloud,
        }
    }

    /// Tokens that could not be made, or not be used, are tried again.
    pub(crate) fn retry_tokens(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        self.note_keys(now_ms, queue);
        for payment in std::mem::take(&mut self.money.tokens.stuck) {
            self.number_issued(payment, now_ms, queue);
        }
    }
}

/// The digits with one of them wrong.
pub(super) fn mistyped(token: Token, draws: &mut Draws) -> String {
    let mut digits = token.digits();
    let at = ((draws.uniform() * DIGITS as f64) as usize).min(DIGITS - 1);
    let by = 1 + ((draws.uniform() * 9.0) as u8).min(8);
    digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// The most that a token can carry of what is due, and what it is worth.
fn most(due_u: i64) -> Option<(Money, i64)> {
    let money = Money::at_least(due_u.max(0).into()).ok()?;
    let money = if money.value() > i128::from(due_u) {
        let number = u32::from(money.sign_and_exponent()) << 16 | u32::from(money.field());
        let [_, exponent, high, low] = number.checked_sub(1)?.to_be_bytes();
        Money::from_fields(exponent, u16::from_be_bytes([high, low]))
    } else {
        money
    };
    let worth_u = i64::try_from(money.value()).ok().filter(|worth| *worth > 0)?;
    Some((money, worth_u))
}

/// Drawn for each meter for itself: another share moves as few of them as possible.
fn has_gateway(params: &StsParams, seed: (u64, u32), customer: &str) -> bool {
    Draws::keyed(seed.0, seed.1, NodeKey::of(customer), GATEWAY, 0).chance(params.gateway_share)
}

fn counts(scenario: &Scenario) -> Counts {
    Counts::Money { minor_per_unit: scenario.tariff.minor_per_unit }
}

fn meter_key(params: &StsParams, number: usize, late: bool) -> MeterKey {
    let base_date = if late { BaseDate::Y1993 } else { BaseDate::of_year(params.base_year).unwrap_or(BaseDate::Y2014) };
    MeterKey {
        meter: MeterPan::new(IIN, &format!("{:011}", number + 1)).expect("eleven digits"),
        key: KeyAttributes {
            sgc: Sgc::new(params.sgc).expect("checked with the scenario"),
            krn: Krn::new(params.krn).expect("checked with the scenario"),
            key_type: KeyType::Unique,
            ti: TariffIndex::new(params.ti).expect("checked with the scenario"),
            ken: params.ken,
            base_date,
        },
        generation: KeyGeneration::Dkga04,
        algorithm: if params.ea == 7 { Algorithm::Ea07 } else { Algorithm::Ea11 },
    }
}

pub(super) fn next_revision(key: MeterKey) -> MeterKey {
    let krn = Krn::new(key.key.krn.number() + 1).unwrap_or(key.key.krn);
    MeterKey { key: KeyAttributes { krn, ..key.key }, ..key }
}

/// Vending keys of all revisions, drawn for this run.
fn module(params: &StsParams, seed: (u64, u32)) -> SoftwareModule {
    let mut keys = KeyStore::new();
    for krn in 1..=KRN_MAX {
        let mut draws = Draws::keyed(seed.0, seed.1, NodeKey::of("/cloud"), VENDING_KEY, krn.into());
        let bytes: Vec<u8> = (0..3).flat_map(|_| draws.u64().to_le_bytes()).take(VENDING_KEY_BYTES).collect();
        let (sgc, krn) = (Sgc::new(params.sgc), Krn::new(krn));
        if let (Ok(sgc), Ok(krn)) = (sgc, krn) {
            keys.insert_secret(SoftwareModule::key_id(sgc, krn), Secret::new(&bytes));
        }
    }
    SoftwareModule::new(keys, sta_tables(params))
}

/// The tables of EA07 that vendors and meters use: the scenario's own, or the standard's samples.
fn sta_tables(params: &StsParams) -> StaTables {
    let named = params.tables.as_deref().unwrap_or_default();
    params
        .tables_read
        .as_ref()
        .map_or_else(StaTables::sample, |text| StaTables::from_text(named, &text.0).expect("checked with the scenario"))
}

#[cfg(test)]
mod tests {
    use taa_models::payments::TablesText;

    use super::*;

    #[test]
    fn a_token_is_over_the_most_that_is_due_and_never_more() {
        assert!(most(0).is_none() && most(-7).is_none());
        assert_eq!(most(7).map(|(_, worth)| worth), Some(7));
        for due in [12_345_i64, 50_000_000, 49_999_999, 2_000_000_001] {
            let (_, worth) = most(due).unwrap();
            assert!(worth <= due && due - worth <= due / 1600, "{worth} of {due}");
        }
    }

    /// A token that is made with the tables of the scenario is another than one made with the samples.
    #[test]
    fn tables_of_the_scenario_are_taken() {
        let samples = StsParams { ea: 7, ..StsParams::default() };
        let numbers = |count: u32| (0..count).rev().map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let (values, bits) = (numbers(16), numbers(64));
        let text = format!("substitution1 = {values}\nsubstitution2 = {values}\npermutation = {bits}\n");
        let own = StsParams { tables: Some("sta.txt".to_owned()), tables_read: Some(TablesText(text)), ..samples };
        assert_eq!((sta_tables(&own).name(), sta_tables(&samples).name()), ("sta.txt", StaTables::sample().name()));
        let key = meter_key(&samples, 1, false);
        let ask = Ask::Money(Service::Electricity, Money::at_least(77_000).unwrap());
        let mut minutes = Minutes::new(60);
        minutes.add(Lessor::new(0, 100_000_000).grant(0, 100_000_000, 1, 0).unwrap());
        let prepared = Vendor::new(minutes).prepare(&key, ask, 29_000_000, Random::new(0), false);
        let (content, _) = prepared.unwrap();
        let made = |params: &StsParams| module(params, (1, 0)).seal(&key, &content).unwrap();
        assert_ne!(made(&own), made(&samples));
        assert_eq!(made(&own), made(&own));
    }

    #[test]
    fn a_mistyped_token_differs_in_one_digit() {
        let mut draws = Draws::keyed(1, 0, NodeKey::of("x"), VENDING_KEY, 0);
        let token = Token::from_number(12_345_678_901_234_567_890).unwrap();
        for _ in 0..100 {
            let typed = mistyped(token, &mut draws);
            let wrong = typed.bytes().zip(token.digits()).filter(|(a, b)| a != b).count();
            assert_eq!((typed.len(), wrong), (20, 1));
        }
    }
}
