//! Money, from the wish to pay to the light: what a payment is, how far it has come, and what holds it.
//!
//! ```text
//!   attempt ──▶ path: provider ▶ aggregators ▶ intake ──▶ vendor: cloud, or a DCU that fetches (hosted: the relay itself)
//!      ▲ desk: the agent's float, paper                     │
//!      └──────────── keypad: text message, hand ◀───────────┴──▶ credited ▶ applied
//! ```
//!
//! A payment is *applied* when it has its effect: at once for a customer whose relay is closed (or whose debt keeps it
//! open anyway) when the deciding account is credited, else when the relay closes; where numbers are typed, when the
//! meter takes the number.
//!
//! Who vends follows from the traits. A DCU with `local_vending` and without balances in the cloud is a vendor of its
//! own: it fetches from the intake relay over its backhaul (behind carrier NAT nobody can call it) and needs no cloud.
//! Everywhere else the cloud takes the payments, and passes them on where the DCU keeps the accounts.
//!
//! Nothing is lost that a part has accepted: a copy of a callback that cannot move waits where it is, with the chain of
//! what stands in its way. Of several copies of one payment the Book credits the first.

mod attempt;
mod audit;
mod books;
mod clerk;
mod desk;
mod doubt;
mod hosted;
mod keypad;
mod kits;
mod lives;
mod path;
mod provider;
mod refused;
mod rekey;
mod tokens;
mod twin;
mod vending;

use taa_dcu::{
    config::{CreditAt, Traits},
    payment::{Channel, Payment, Provider},
    vending::VendId,
};
use taa_scenarios::model::Scenario;

pub(crate) use self::{
    clerk::{VISITS, handing_back_id},
    hosted::fetch_config,
    kits::Kits,
    lives::lives,
    provider::payment_number,
    tokens::Tokens,
    vending::{lease_policy, sts_meter, vending_config},
};
use self::{
    desk::Desk,
    hosted::{Hosted, MOVED_AWAY},
    path::Copy,
    tokens::Made,
};
use super::{Event, Village, parts::Part};
use crate::{
    cause::{Cause, Chain},
    kernel::Queue,
    records::{PayChannel, RelayRow, TokenBy},
    run::Sabotage,
};

/// Where a copy of a callback is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// In the agent's own book: sold on paper, not reported yet.
    Agent,
    /// With the provider.
    Provider,
    /// With an aggregator, counted from the provider's side.
    Aggregator(u8),
    /// With the operator's intake relay.
    Intake,
}

impl Place {
    /// For digests.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Agent => 0,
            Self::Provider => 1,
            Self::Intake => 2,
            Self::Aggregator(n) => 16 + u32::from(n),
        }
    }
}

/// How far a payment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The customer tries.
    Wanted,
    /// Accepted; this is as far as word of it has come.
    At(Place),
    /// The vendor knows, or (credit at the DCU) the cloud that passes it on.
    AtVendor,
    /// The deciding account is credited.
    Credited,
    /// The vendor has a number for the keypad, and cannot send it, or it is on its way to the phone.
    Number,
    /// The number is in somebody's hand.
    InHand,
    /// It has had its effect.
    Applied,
}

/// A payment.
#[derive(Clone, Debug)]
pub(crate) struct Pay {
    pub(crate) customer: u32,
    pub(crate) stage: Stage,
    pub(crate) amount_minor: i64,
    pub(crate) balance_before_minor: i64,
    wanted_ms: u64,
    accepted_ms: Option<u64>,
    at_aggregator_ms: Option<u64>,
    at_intake_ms: Option<u64>,
    at_vendor_ms: Option<u64>,
    pub(super) credited_ms: Option<u64>,
    in_hand_ms: Option<u64>,
    applied_ms: Option<u64>,
    /// In suspense: nobody has such an account.
    suspended: bool,
    channel: PayChannel,
    /// Whether the provider has to be reached for it to be accepted.
    by_provider: bool,
    attempts: u32,
    /// Which top-up of the customer it is, for draws.
    topup: u64,
    /// Copies that have reached the vendor.
    callbacks: u32,
    token_by: TokenBy,
    /// Its token, where there is one.
    token: Option<Made>,
    /// The DCU's sale that it is part of, where the DCU vends.
    sale: Option<VendId>,
    texts: u32,
    entries: u32,
    /// Its place among all that were credited.
    credited_nth: u64,
    /// The relay has answered for it.
    answered: bool,
    /// How often it was handed back to whoever paid it.
    handed_back: u32,
    /// What holds it now, and since when.
    holds: (Chain, u64),
    /// What held it longest, and how long.
    held_longest: (Chain, u64),
}

impl Pay {
    /// A payment that somebody wants to make.
    pub(crate) fn wanted(customer: u32, wanted_ms: u64, amount_minor: i64, channel: PayChannel) -> Self {
        Self {
            customer,
            stage: Stage::Wanted,
            amount_minor,
            balance_before_minor: 0,
            wanted_ms,
            accepted_ms: None,
            at_aggregator_ms: None,
            at_intake_ms: None,
            at_vendor_ms: None,
            credited_ms: None,
            in_hand_ms: None,
            applied_ms: None,
            suspended: false,
            channel,
            by_provider: false,
            attempts: 0,
            topup: 0,
            callbacks: 0,
            token_by: TokenBy::None,
            token: None,
            sale: None,
            texts: 0,
            entries: 0,
            credited_nth: 0,
            answered: false,
            handed_back: 0,
            holds: (Chain::EMPTY, wanted_ms),
            held_longest: (Chain::EMPTY, 0),
        }
    }

    /// The way it went, and how long it has been, or was, accepted without effect, ms.
    pub(crate) fn waited(&self, now_ms: u64) -> (PayChannel, u64) {
        let wait_ms = self.accepted_ms.map_or(0, |from| self.applied_ms.unwrap_or(now_ms).saturating_sub(from));
        (self.channel, wait_ms)
    }

    /// What holds it as of now; nothing while it moves.
    fn hold(&mut self, chain: Chain, now_ms: u64) {
        let (before, since_ms) = self.holds;
        if before == chain {
            return;
        }
        self.held_for(before, now_ms - since_ms);
        self.holds = (chain, now_ms);
    }

    fn held_for(&mut self, chain: Chain, length_ms: u64) {
        if !chain.is_empty() && length_ms > self.held_longest.1 {
            self.held_longest = (chain, length_ms);
        }
    }

    /// A token was made of it.
    pub(crate) fn is_sold(&self) -> bool {
        self.token.is_some()
    }

    /// What holds it now.
    pub(crate) fn held(&self) -> Option<Chain> {
        (!self.holds.0.is_empty()).then_some(self.holds.0)
    }
}

/// The parts of the way that are no other room's.
pub(crate) struct Money {
    aggregators: Vec<Part>,
    intake: Part,
    /// The relay itself, where a DCU fetches.
    hosted: Hosted,
    /// Never down by themselves: scripted faults hold them.
    sms: Part,
    ussd: Part,
    /// Copies that cannot move on.
    waiting: Vec<Copy>,
    /// Numbers that cannot be sent: no link from the vendor, or no signal on the phone.
    unsent: Vec<u32>,
    desk: Desk,
    tokens: Tokens,
    /// What the DCU has sold, and to whom.
    sales: vending::Sales,
    rekeying: rekey::Rekeying,
    kits: Kits,
    /// Repeats that a Book has recognised.
    duplicates: u32,
    /// Payments credited so far.
    credits: u64,
    /// What tests ask for.
    clerk: clerk::Ledger,
    auditor: audit::Auditor,
    twin: Option<twin::Twin>,
    /// How often the site was told that another machine has its identity.
    twice_told: u32,
}

impl Money {
    /// `cash_daily_minor` is what the village's cash customers spend a day.
    pub(crate) fn new(
        scenario: &Scenario,
        seed: (u64, u32),
        cash_daily_minor: f64,
        tokens: Tokens,
        kits: Kits,
    ) -> Self {
        let params = &scenario.comms.payments;
        Self {
            aggregators: (0..params.aggregators.count).map(|_| Part::new(Cause::AggregatorDown)).collect(),
            intake: Part::new(Cause::IntakeDown),
            hosted: Hosted::new(scenario, seed, kits.entries(scenario).into_iter().map(|kit| kit.account)),
            sms: Part::new(Cause::SmsLost),
            ussd: Part::new(Cause::UssdBroken),
            waiting: Vec::new(),
            unsent: Vec::new(),
            desk: Desk::new(&params.agent, cash_daily_minor),
            tokens,
            sales: vending::Sales::new(),
            rekeying: rekey::Rekeying::default(),
            kits,
            duplicates: 0,
            credits: 0,
            clerk: clerk::Ledger::default(),
            auditor: audit::Auditor::default(),
            twin: None,
            twice_told: 0,
        }
    }

    /// An aggregator that is down, the intake.
    pub(crate) fn components(&self) -> [&Part; 2] {
        let aggregator = self.aggregators.iter().find(|part| !part.up()).or_else(|| self.aggregators.first());
        [aggregator.unwrap_or(&self.intake), &self.intake]
    }
}

/// The provider's transaction id of a payment.
fn payment_key(payment: u32) -> String {
    format!("T{payment:010}")
}

/// The DCU is a vendor of its own: it fetches payments from the intake.
pub(super) const fn fetches(traits: Traits) -> bool {
    traits.local_vending && !matches!(traits.credit_at, CreditAt::Cloud)
}

/// Which of a customer's payments take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// All that are credited.
    Credited,
    /// Those up to this cumulative amount, minor units: what the meter holds.
    UpTo(i64),
    /// This one: its number was typed.
    Typed(u32),
    /// All that this sale of the DCU's is for: its token is in the meter.
    Sale(VendId),
}

impl Village<'_> {
    /// Credit reaches meters by hand.
    pub(crate) fn by_keypad(&self) -> bool {
        self.traits.keypad && self.traits.credit_at == CreditAt::Meter
    }

    /// The DCU itself makes tokens of what is paid.
    pub(crate) fn site_vends(&self) -> bool {
        self.by_keypad() && self.dcu_fetches()
    }

    /// The DCU vends, and fetches payments from the intake.
    pub(crate) fn dcu_fetches(&self) -> bool {
        fetches(self.traits)
    }

    fn local_unix_s(&self, now_ms: u64) -> i64 {
        self.scenario.run.start_unix_s + i64::from(self.scenario.site.utc_offset_s) + (now_ms / 1000) as i64
    }

    /// How many times as long the provider takes now.
    fn slowdown(&self, now_ms: u64) -> f64 {
        self.scenario.comms.payments.peaks.slowdown_at(self.local_unix_s(now_ms))
    }

    /// The payer took the short code of another currency.
    fn is_foreign(&self, payment: u32) -> bool {
        self.meddling.foreign_money && payment % 11 == 5
    }

    /// The payment as the intake passes it on.
    pub(crate) fn payment_entry(&self, payment: u32) -> Payment {
        let pay = &self.pays[payment as usize];
        let channel = match pay.channel {
            PayChannel::Phone => Channel::Phone,
            PayChannel::Agent => Channel::Agent,
        };
        let account = match payment % 14 {
            3 if self.meddling.wrong_accounts => "nobody",
            10 if self.meddling.wrong_accounts => MOVED_AWAY,
            _ => &self.scenario.village.customers[pay.customer as usize].id,
        };
        let accepted_unix_ms = self.unix_ms(pay.accepted_ms.unwrap_or(0));
        let mut key = payment_key(payment);
        if self.meddling.sabotage == Some(Sabotage::ForgetsRepeats) {
            key = format!("{key} {}", pay.callbacks);
        }
        Payment::new(Provider::Simulated, key, account, pay.amount_minor, channel, accepted_unix_ms)
    }

    /// The deciding account has been credited.
    pub(crate) fn credited(&mut self, payment: u32, still_in_debt: bool, now_ms: u64, queue: &mut Queue<Event>) {
        let (by_keypad, site_vends) = (self.by_keypad(), self.site_vends());
        let pay = &mut self.pays[payment as usize];
        if pay.credited_ms.is_some() {
            return;
        }
        self.money.credits += 1;
        (pay.credited_ms, pay.credited_nth) = (Some(now_ms), self.money.credits);
        let customer = pay.customer;
        let closed = self.people.of(customer).unit.meter.relay_closed();
        let owes = Some(still_in_debt);
        self.records.relays.push(RelayRow { time_ms: now_ms, customer, closed, owes });
        self.money.hosted.here.remove(&payment);
        // What kept the cloud from telling the DCU.
        if let Some(at_vendor_ms) = pay.at_vendor_ms {
            let blocker = self.people.of(customer).purse.blocker;
            self.pays[payment as usize].held_for(blocker, now_ms - at_vendor_ms);
        }
        let pay = &mut self.pays[payment as usize];
        // A token on paper was in the customer's hand before its vendor heard of it.
        if pay.token.is_none() {
            pay.hold(Chain::EMPTY, now_ms);
            pay.stage = Stage::Credited;
            if site_vends {
                // The DCU sells by itself, once the record of the payment is durable.
                pay.stage = Stage::Number;
                // Without the module its question is asked again and again, with pauses: it stands in the way all along.
                let minute = self.unix_ms(now_ms).div_euclid(60_000);
                let tokens = &self.money.tokens;
                if let Some(chain) = tokens.module_down().or_else(|| tokens.minutes_over(customer, minute)) {
                    self.pays[payment as usize].hold(chain, now_ms);
                }
            } else if by_keypad {
                self.number_issued(payment, now_ms, queue);
            } else {
                let closed = self.people.of(customer).unit.meter.relay_closed();
                if self.traits.credit_at != CreditAt::Meter && (closed || still_in_debt) {
                    self.apply(customer, Take::Credited, now_ms, queue);
                }
            }
        }
        self.touch(customer);
    }

    /// A Book keeps a payment for an account that it does not know.
    pub(crate) fn payment_suspended(&mut self, key: &str) {
        if let Some(pay) = payment_number(key).and_then(|number| self.pays.get_mut(number as usize)) {
            pay.suspended = true;
        }
        self.money.hosted.here.retain(|payment| !self.pays[*payment as usize].suspended);
    }

    /// The relay serves another machine under this identity.
    pub(crate) fn identity_twice(&mut self, now_ms: u64) {
        if self.money.twice_told == 0 {
            let text = "the relay serves another machine under this site's identity".to_owned();
            self.log(now_ms, "identity_twice", String::new(), text);
        }
        self.money.twice_told += 1;
    }

    /// A Book has met a payment that it knew.
    pub(crate) fn payment_repeated(&mut self) {
        self.money.duplicates += 1;
    }

    /// Payments of a customer take effect.
    pub(crate) fn apply(&mut self, customer: u32, take: Take, now_ms: u64, queue: &mut Queue<Event>) {
        let tariff = self.scenario.tariff_of(customer as usize);
        let one = self.people.of(customer);
        let energy_mwh = one.unit.energy_mwh(now_ms);
        one.purse.look(energy_mwh, now_ms);
        one.purse.count_unbilled(energy_mwh, tariff);
        let pays = &mut self.pays;
        let (mut applied, mut amount) = (false, 0);
        let (blocker, before) = (one.purse.blocker, one.purse.applied_minor);
        one.purse.open.retain(|&payment| {
            let pay = &mut pays[payment as usize];
            let taken = match take {
                Take::Credited => pay.stage == Stage::Credited,
                Take::UpTo(limit) => pay.stage == Stage::Credited && before + amount + pay.amount_minor <= limit,
                Take::Typed(typed) => payment == typed,
                Take::Sale(id) => pay.sale == Some(id),
            };
            if !taken {
                return true;
            }
            pay.hold(Chain::EMPTY, now_ms);
            if let Some(credited_ms) = pay.credited_ms.filter(|_| !matches!(take, Take::Typed(_) | Take::Sale(_))) {
                pay.held_for(blocker, now_ms - credited_ms);
            }
            pay.stage = Stage::Applied;
            pay.applied_ms = Some(now_ms);
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
}
