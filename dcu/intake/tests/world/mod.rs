//! A provider, the relay, a bad link and a DCU, on virtual time. Both machines lose what was not durable when they are
//! cut, and messages are lost, repeated and overtaken.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use taa_dcu::{
    Dcu, DcuEvent, LinkState, Output as DcuOutput,
    config::{DcuConfig, MeterAccess, MeterEntry, RetryPolicy, Tariff, Traits},
    fetch::FetchConfig,
    journal::{Entry as DcuEntry, Record as DcuRecord},
    payment::{Currency, Provider},
};
use taa_intake::{
    HttpRequest, Relay,
    provider::{
        Money,
        daraja::Shortcode,
        sms::{MPESA_KENYA, Template},
    },
    relay::{Accounts, Event, Operator, Output, Query, Record, RelayConfig, SiteConfig},
};
use taa_keys::{Secret, hash::hmac_sha256};

pub(crate) const S: u64 = 1_000_000_000;
pub(crate) const START_UNIX_MS: i64 = 1_772_323_200_000;
pub(crate) const ACCOUNTS: u32 = 3;

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    /// The provider's callback reaches the relay.
    Callback(u32),
    Question(usize, Vec<u8>),
    Answer(usize, Vec<u8>),
    DcuDurable(usize, u64),
    RelayDurable(u64),
}

/// One DCU.
pub(crate) struct Site {
    pub(crate) dcu: Option<Dcu>,
    pub(crate) config: DcuConfig,
    pub(crate) journal: Vec<DcuRecord>,
    pub(crate) durable: u64,
    pub(crate) events: Vec<DcuEvent>,
    boot_at: u64,
    deadline: Option<u64>,
}

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) chance: Chance,
    /// Percent of messages lost, and doubled.
    pub(crate) loss: u64,
    pub(crate) doubles: u64,
    pub(crate) delay_max: u64,
    pub(crate) sync_max: u64,
    /// Sabotage: the disks say that everything is durable at once, and it is not.
    pub(crate) dcu_disk_lies: bool,
    pub(crate) relay_disk_lies: bool,
    pub(crate) relay: Option<Relay>,
    pub(crate) relay_config: RelayConfig,
    pub(crate) relay_journal: Vec<Record>,
    pub(crate) relay_durable: u64,
    pub(crate) relay_events: Vec<Event>,
    pub(crate) queries: Vec<Query>,
    pub(crate) responses: Vec<(u64, u16)>,
    pub(crate) sites: Vec<Site>,
    /// Amount and account by payment; whether the provider has been told that it arrived.
    pub(crate) payments: Vec<(String, i64, bool)>,
    calls: BTreeMap<u64, Call>,
    next_call: u64,
    things: BinaryHeap<Reverse<(u64, u64, Thing)>>,
    order: u64,
    relay_deadline: Option<i64>,
}

#[derive(Clone, Copy)]
enum Call {
    Callback(u32),
    Fetch(usize),
}

pub(crate) fn kes() -> Money {
    Money { currency: Currency::new("KES").unwrap(), minor_per_unit: 100 }
}

pub(crate) fn site_key() -> Secret {
    Secret::new(b"a site's key of 32 bytes or more.")
}

pub(crate) fn relay_config() -> RelayConfig {
    let mut config = RelayConfig::new(Secret::new(b"hidden"));
    let accounts = Accounts::Prefix("A".into());
    config.sites.push(SiteConfig { id: "jija".into(), key: site_key(), money: kes(), accounts });
    let code = "600638".to_owned();
    config.shortcodes.push(Shortcode { code, money: kes(), utc_offset_s: 10_800, confirms: false });
    config
}

pub(crate) fn dcu_config() -> DcuConfig {
    let tariff = Tariff { receipt_credit_minor: 2_000, ..Tariff::flat("KES", 100, 0) };
    let mut config = DcuConfig::new(Traits::bundle("edge_local").unwrap(), tariff);
    let mut fetch = FetchConfig::new("jija", site_key());
    fetch.reply_bytes_max = 600;
    fetch.retry = RetryPolicy { first_s: 20, max_s: 120 };
    config.fetch = Some(fetch);
    config
}

/// With a telephone that passes receipts on.
pub(crate) fn with_receipts(mut config: RelayConfig) -> RelayConfig {
    config.phones.insert("gateway".into(), Operator { key: Secret::new(b"signing"), money: kes() });
    config.templates.push(Template {
        provider: Provider::Daraja,
        pattern: MPESA_KENYA[0].into(),
        money: kes(),
        utc_offset_s: 10_800,
        payees: vec!["JIJA POWER".into()],
    });
    config
}

fn meters() -> Vec<MeterEntry> {
    let meter = |n| MeterEntry {
        id: format!("TAA{n:013}"),
        account: format!("A{n}"),
        access: MeterAccess::Open,
        opening_balance_minor: 0,
        sts: None,
    };
    (0..ACCOUNTS).map(meter).collect()
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut world = Self {
            now: 0,
            chance: Chance(seed),
            loss: 0,
            doubles: 0,
            delay_max: S,
            sync_max: S,
            dcu_disk_lies: false,
            relay_disk_lies: false,
            relay: None,
            relay_config: relay_config(),
            relay_journal: Vec::new(),
            relay_durable: 0,
            relay_events: Vec::new(),
            queries: Vec::new(),
            responses: Vec::new(),
            sites: Vec::new(),
            payments: Vec::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            things: BinaryHeap::new(),
            order: 0,
            relay_deadline: None,
        };
        world.start_relay();
        world.add_site();
        world
    }

    pub(crate) fn wall(&self) -> i64 {
        START_UNIX_MS + (self.now / 1_000_000) as i64
    }

    // ---- the DCU -------------------------------------------------------------------------------------------------

    pub(crate) fn add_site(&mut self) -> usize {
        let config = dcu_config();
        self.sites.push(Site {
            dcu: None,
            config,
            journal: Vec::new(),
            durable: 0,
            events: Vec::new(),
            boot_at: 0,
            deadline: None,
        });
        let site = self.sites.len() - 1;
        self.boot(site);
        site
    }

    pub(crate) fn boot(&mut self, site: usize) {
        let seed = std::array::from_fn(|_| self.chance.next() as u8);
        let wall = self.wall();
        let at = &mut self.sites[site];
        at.boot_at = self.now;
        at.dcu = Some(Dcu::recover(at.config.clone(), meters(), at.journal.clone()));
        self.drain_dcu(site);
        self.with_dcu(site, |dcu, now| dcu.handle_clock(now, wall));
        self.with_dcu(site, |dcu, now| dcu.handle_entropy(now, &seed));
        self.with_dcu(site, |dcu, now| dcu.handle_link(now, LinkState::Up));
    }

    /// The supply goes: what was not durable is lost.
    pub(crate) fn cut(&mut self, site: usize) {
        let at = &mut self.sites[site];
        at.dcu = None;
        let durable = at.durable;
        at.journal.retain(|record| record.number <= durable);
        self.things.retain(|Reverse((_, _, thing))| !matches!(thing, Thing::DcuDurable(of, _) if *of == site));
    }

    pub(crate) fn with_dcu(&mut self, site: usize, act: impl FnOnce(&mut Dcu, u64)) {
        let at = &mut self.sites[site];
        let now = self.now - at.boot_at;
        if let Some(dcu) = &mut at.dcu {
            act(dcu, now);
        }
        self.drain_dcu(site);
    }

    fn drain_dcu(&mut self, site: usize) {
        let mut last = None;
        let deadline = loop {
            let Some(dcu) = &mut self.sites[site].dcu else { return };
            match dcu.poll_output() {
                DcuOutput::Append(record) => {
                    last = Some(record.number);
                    self.sites[site].journal.push(record);
                }
                DcuOutput::Fetch(bytes) => self.travel(&Thing::Question(site, bytes)),
                DcuOutput::Event(event) => self.sites[site].events.push(event),
                DcuOutput::Timeout(deadline) => break deadline,
                // Meters and cloud are not there.
                _ => {}
            }
        };
        self.sites[site].deadline = deadline;
        let Some(last) = last else { return };
        if self.dcu_disk_lies {
            self.with_dcu(site, |dcu, now| dcu.handle_durable(now, last));
        }
        let sync = 1 + self.chance.below(self.sync_max.max(1));
        self.post(sync, Thing::DcuDurable(site, last));
    }

    // ---- the relay -----------------------------------------------------------------------------------------------

    pub(crate) fn start_relay(&mut self) {
        let entropy = self.chance.next();
        let relay = Relay::recover(self.relay_config.clone(), self.relay_journal.clone(), self.wall(), entropy);
        self.relay = Some(relay);
        self.drain_relay();
    }

    pub(crate) fn cut_relay(&mut self) {
        self.relay = None;
        let durable = self.relay_durable;
        self.relay_journal.retain(|record| record.number <= durable);
        self.calls.clear();
        self.things.retain(|Reverse((_, _, thing))| !matches!(thing, Thing::RelayDurable(_)));
    }

    pub(crate) fn with_relay(&mut self, act: impl FnOnce(&mut Relay, i64)) {
        let wall = self.wall();
        if let Some(relay) = &mut self.relay {
            act(relay, wall);
        }
        self.drain_relay();
    }

    fn drain_relay(&mut self) {
        let mut last = None;
        self.relay_deadline = loop {
            let Some(relay) = &mut self.relay else { return };
            match relay.poll_output() {
                Output::Append(record) => {
                    last = Some(record.number);
                    self.relay_journal.push(record);
                }
                Output::Respond { call, response } => {
                    self.responses.push((call, response.status));
                    if let Some(Call::Callback(payment)) = self.calls.remove(&call)
                        && response.status == 200
                        && self.chance.below(100) >= self.loss
                    {
                        self.payments[payment as usize].2 = true;
                    }
                }
                Output::Reply { call, bytes } => {
                    if let Some(Call::Fetch(site)) = self.calls.remove(&call) {
                        self.travel(&Thing::Answer(site, bytes));
                    }
                }
                Output::Query(query) => self.queries.push(query),
                Output::Event(event) => self.relay_events.push(event),
                Output::Timeout(deadline) => break deadline,
            }
        };
        let Some(last) = last else { return };
        if self.relay_disk_lies {
            self.with_relay(|relay, _| relay.handle_durable(last));
        }
        let sync = 1 + self.chance.below(self.sync_max.max(1));
        self.post(sync, Thing::RelayDurable(last));
    }

    // ---- the provider --------------------------------------------------------------------------------------------

    /// Somebody pays. The provider calls until it is answered.
    pub(crate) fn pay(&mut self, account: &str, amount_minor: i64) {
        self.payments.push((account.to_owned(), amount_minor, false));
        let payment = self.payments.len() as u32 - 1;
        self.post(1, Thing::Callback(payment));
    }

    fn callback(&mut self, payment: u32) {
        let (account, amount_minor, told) = self.payments[payment as usize].clone();
        // Repeats come also after an answer: not always, and late.
        let again = if told { self.chance.below(4) == 0 } else { true };
        if !told {
            let wait = (30 + self.chance.below(30)) * S;
            self.post(wait, Thing::Callback(payment));
        } else if again && self.chance.below(2) == 0 {
            let wait = self.chance.below(900) * S + 1;
            self.post(wait, Thing::Callback(payment));
        }
        if !again || self.chance.below(100) < self.loss {
            return;
        }
        let body = confirmation(&format!("R{payment:09}"), &account, amount_minor);
        self.next_call += 1;
        let call = self.next_call;
        self.calls.insert(call, Call::Callback(payment));
        let request = HttpRequest::post("/hidden/daraja/c2b/confirmation", body);
        self.with_relay(|relay, wall| relay.handle_callback(wall, call, Provider::Daraja, &request));
    }

    /// A telephone passes a receipt on.
    pub(crate) fn text(&mut self, key: &str, account: &str, amount: &str) {
        let text = format!(
            "{key} Confirmed. Ksh{amount} sent to JIJA POWER for account {account} on 1/3/26 at 3:00 AM New M-PESA balance"
        );
        let body = format!(r#"{{"phone":"gateway","text":"{text}"}}"#);
        let tag = hmac_sha256(&Secret::new(b"signing"), &[body.as_bytes()]);
        let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        let request = HttpRequest::post("/sms", body).with("X-Signature", tag);
        self.with_relay(|relay, wall| relay.handle_callback(wall, 0, Provider::Sms, &request));
    }

    /// The provider confirms a payment, once.
    pub(crate) fn confirm(&mut self, key: &str, account: &str, amount_minor: i64) {
        let request = HttpRequest::post("/hidden/daraja/c2b/confirmation", confirmation(key, account, amount_minor));
        self.with_relay(|relay, wall| relay.handle_callback(wall, 0, Provider::Daraja, &request));
    }

    // ---- time ----------------------------------------------------------------------------------------------------

    fn post(&mut self, after: u64, thing: Thing) {
        self.order += 1;
        self.things.push(Reverse((self.now + after, self.order, thing)));
    }

    fn travel(&mut self, thing: &Thing) {
        let copies = if self.chance.below(100) < self.doubles { 2 } else { 1 };
        for _ in 0..copies {
            if self.chance.below(100) >= self.loss {
                let delay = 1 + self.chance.below(self.delay_max);
                self.post(delay, thing.clone());
            }
        }
    }

    pub(crate) fn run_for(&mut self, span: u64) {
        let end = self.now + span;
        loop {
            let thing = self.things.peek().map(|Reverse((at, ..))| *at);
            let dcu = self.sites.iter().filter(|s| s.dcu.is_some()).filter_map(|s| Some(s.deadline? + s.boot_at)).min();
            let relay = self.relay.as_ref().and(self.relay_deadline);
            let relay = relay.map(|at| (at.saturating_sub(START_UNIX_MS)).max(0) as u64 * 1_000_000);
            let Some(next) = [thing, dcu, relay].into_iter().flatten().min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(next);
            if thing == Some(next) {
                let Some(Reverse((_, _, thing))) = self.things.pop() else { break };
                self.happen(thing);
            } else if dcu == Some(next) {
                for site in 0..self.sites.len() {
                    if self.sites[site].deadline.is_some_and(|at| at + self.sites[site].boot_at <= self.now) {
                        self.with_dcu(site, Dcu::handle_timeout);
                    }
                }
            } else {
                self.with_relay(|relay, wall| relay.handle_timeout(wall));
            }
        }
        self.now = end;
    }

    fn happen(&mut self, thing: Thing) {
        match thing {
            Thing::Callback(payment) => self.callback(payment),
            Thing::Question(site, bytes) => {
                self.next_call += 1;
                let call = self.next_call;
                self.calls.insert(call, Call::Fetch(site));
                self.with_relay(|relay, wall| relay.handle_fetch(wall, call, &bytes));
            }
            Thing::Answer(site, bytes) => self.with_dcu(site, |dcu, now| dcu.handle_fetch_receive(now, &bytes)),
            Thing::DcuDurable(site, upto) => {
                self.sites[site].durable = self.sites[site].durable.max(upto);
                self.with_dcu(site, |dcu, now| dcu.handle_durable(now, upto));
            }
            Thing::RelayDurable(upto) => {
                self.relay_durable = self.relay_durable.max(upto);
                self.with_relay(|relay, _| relay.handle_durable(upto));
            }
        }
    }

    pub(crate) fn heal(&mut self) {
        (self.loss, self.doubles) = (0, 0);
        if self.relay.is_none() {
            self.start_relay();
        }
        for site in 0..self.sites.len() {
            if self.sites[site].dcu.is_none() {
                self.boot(site);
            }
        }
    }

    // ---- what must hold ------------------------------------------------------------------------------------------

    /// Every payment that the provider was told to have arrived lies once where it belongs; what is wrong, if anything.
    pub(crate) fn books_close(&self) -> Result<(), String> {
        let book = self.sites[0].dcu.as_ref().ok_or("the DCU is down")?.state().book();
        let relay = self.relay.as_ref().ok_or("the relay is down")?;
        if let Some(lost) = self.payments.iter().position(|(_, _, told)| !told) {
            return Err(format!("payment {lost} was never answered"));
        }
        let paid = |of: &dyn Fn(&str) -> bool| {
            self.payments.iter().filter(|(account, ..)| of(account)).map(|(_, amount, _)| *amount).sum::<i64>()
        };
        let at_site = |account: &str| (0..ACCOUNTS).any(|n| account == format!("A{n}"));
        for n in 0..ACCOUNTS {
            let name = format!("A{n}");
            let (balance, expected) = (book.balance_minor(n), paid(&|account| account == name));
            if balance != expected {
                return Err(format!("{name} has {balance} of {expected}"));
            }
        }
        let suspense: i64 = book.suspense().map(|payment| payment.amount_minor).sum();
        let expected = paid(&|account| account.starts_with('A') && !at_site(account));
        if suspense != expected {
            return Err(format!("{suspense} of {expected} in the site's suspense"));
        }
        let held: i64 = relay.held().map(|(_, held)| held.payment.amount_minor).sum();
        let expected = paid(&|account| !account.starts_with('A'));
        if held != expected {
            return Err(format!("{held} of {expected} held by the relay"));
        }
        let Some(inbox) = relay.state().site("jija") else { return Ok(()) };
        let waiting = inbox.items().count() + inbox.delivered().count();
        if waiting > 0 { Err(format!("{waiting} payments without a fate")) } else { Ok(()) }
    }

    pub(crate) fn payments_recorded(&self, site: usize) -> usize {
        self.sites[site].journal.iter().filter(|record| matches!(record.entry, DcuEntry::Payment { .. })).count()
    }
}

pub(crate) fn confirmation(key: &str, account: &str, amount_minor: i64) -> String {
    format!(
        r#"{{"TransactionType":"Pay Bill","TransID":"{key}","TransTime":"20260301030000","TransAmount":"{}.{:02}",
        "BusinessShortCode":"600638","BillRefNumber":"{account}","MSISDN":"254700000000","FirstName":"A"}}"#,
        amount_minor / 100,
        amount_minor % 100
    )
}
