//! The hosted intake relay, as it runs in production: [`taa_intake::Relay`] on a machine that fails, with a journal that
//! keeps what was durable.
//!
//! ```text
//!   provider, aggregators ──HTTP──▶ Relay ◀──question over the backhaul── DCU
//!        ▲                            │ ──answer──────────────────────────▶
//!        └──── status query ──────────┘ ──Append──▶ journal (a hop later durable)
//! ```
//!
//! It stands wherever the DCU fetches its payments itself. When the machine goes down, calls under way get no answer and
//! what was not durable is gone: whoever called keeps the copy and calls again. When it starts, it asks for every request
//! that is undecided.
//!
//! What holds a payment here is what is between this relay and the DCU's disk. A wait of the DCU's for its next question
//! goes by the name of the obstacle that made it wait.

use std::collections::{BTreeMap, BTreeSet};

use taa_dcu::{
    DcuEvent,
    config::Traits,
    fetch::{Fate, FetchConfig, FetchReply},
    payment::{Currency, PaymentId, Provider},
};
use taa_intake::{
    Relay,
    provider::{Money as Counted, daraja::Shortcode},
    relay::{Accounts, Entry, Event as Told, Held, Output, PayRequest, Query, Record, RelayConfig, SiteConfig},
};
use taa_keys::Secret;
use taa_models::{
    draw::{Draws, NodeKey, Purpose},
    payments::ProviderApi,
};
use taa_scenarios::model::Scenario;

use super::{
    Place, Stage,
    path::Copy,
    provider::{self, payment_number},
};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime, Wake},
    run::Sabotage,
    world::{Event, Village, message::MessageId, parts::hardest_to_clear},
};

const COMMIT: Purpose = Purpose::named("intake commit");
const ENTROPY: Purpose = Purpose::named("intake entropy");
const STATUS: Purpose = Purpose::named("status query");
const SITE_KEY: Purpose = Purpose::named("fetch key");
const NODE: NodeKey = NodeKey::of("payments/intake");
/// The site's name at the relay.
pub(super) const SITE: &str = "site";
/// An account that the relay's list still has and the site has no longer.
pub(super) const MOVED_AWAY: &str = "moved-away";
/// HTTPS around a question or an answer, on a session that stands, bytes (assumed).
const HTTPS_BYTES: usize = 220;
/// Median time of a status query, there and back, s; spread of the logarithm 0.8 (assumed).
const STATUS_MEDIAN_S: f64 = 2.0;
/// After so long without an answer the DCU asks again, ms (assumed).
const REPLY_TIMEOUT_MS: u32 = 60_000;
/// Requests stay on the relay's list for so long, ms: nobody in the village reads the provider's statement for them.
const GIVE_UP_MS: i64 = 90 * 86_400_000;
/// An obstacle that has gone explains the DCU's wait for its next question for so long, ms: its longest pause, jittered.
const PAUSE_MS: u64 = 900_000;
/// Records after which the relay writes a snapshot.
const SNAPSHOT_AFTER: usize = 4096;

/// Whom an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// Somebody who has word of a payment.
    Word(Copy),
    /// The DCU.
    Site,
    /// A copy of it.
    Twin,
}

/// The machine.
pub(crate) struct Hosted {
    config: RelayConfig,
    pub(super) api: ProviderApi,
    money: Counted,
    relay: Option<Relay>,
    journal: Vec<Record>,
    durable: u64,
    /// Records up to here are being written.
    writing: u64,
    commit: Wake,
    committing: bool,
    wake: Wake,
    armed_for: Option<i64>,
    calls: BTreeMap<u64, Call>,
    next_call: u64,
    /// Requests made while it was down: the operator's shop tells of them when it is back.
    unasked: Vec<PayRequest>,
    /// Payments that it has and of which the DCU has said nothing.
    pub(super) here: BTreeSet<u32>,
    /// Payments in the answer that the DCU is reading.
    arriving: Vec<u32>,
    /// What last kept the DCU from fetching, and until when.
    obstacle: (Chain, u64),
    starts: u64,
    commits: u64,
    queries: u64,
    /// Two DCUs have asked under one identity, and it has been told.
    twice: bool,
    /// A deliberate fault: up to where durability was claimed before it was there.
    claimed: u64,
}

/// How the DCU fetches, where it does.
pub(crate) fn fetch_config(scenario: &Scenario, traits: Traits, seed: (u64, u32)) -> Option<FetchConfig> {
    super::fetches(traits).then(|| FetchConfig {
        period_s: (scenario.comms.payments.intake.fetch_period_s as u32).max(1),
        reply_timeout_ms: REPLY_TIMEOUT_MS,
        ..FetchConfig::new(SITE, site_key(seed))
    })
}

fn site_key(seed: (u64, u32)) -> Secret {
    let mut draws = Draws::keyed(seed.0, seed.1, NODE, SITE_KEY, 0);
    let bytes: Vec<u8> = (0..4).flat_map(|_| draws.u64().to_le_bytes()).collect();
    Secret::new(&bytes)
}

impl Hosted {
    /// `kits`: accounts of the site besides the customers'.
    pub(super) fn new(scenario: &Scenario, seed: (u64, u32), kits: impl Iterator<Item = String>) -> Self {
        let params = &scenario.comms.payments;
        let tariff = &scenario.tariff;
        // Checked with the scenario.
        let currency = Currency::new(&tariff.currency).expect("a scenario's currency has three letters");
        let money = Counted { currency, minor_per_unit: tariff.minor_per_unit };
        let other = if currency.code() == "USD" { "EUR" } else { "USD" };
        let foreign = Counted { currency: Currency::new(other).expect("three letters"), minor_per_unit: 100 };
        let mut config = RelayConfig::new(Secret::new(provider::PATH_SECRET.as_bytes()));
        let customers = scenario.village.customers.iter().map(|customer| customer.id.clone());
        let accounts = Accounts::Listed(customers.chain([MOVED_AWAY.to_owned()]).chain(kits).collect());
        config.sites.push(SiteConfig { id: SITE.to_owned(), key: site_key(seed), money, accounts });
        for (code, money) in [(provider::SHORTCODE, money), (provider::FOREIGN_SHORTCODE, foreign)] {
            let (code, utc_offset_s) = (code.to_owned(), provider::NAIROBI_S);
            config.shortcodes.push(Shortcode { code, money, utc_offset_s, confirms: false });
        }
        config.first_query_ms = (params.reconcile_after_s * 1000.0) as i64;
        config.give_up_ms = GIVE_UP_MS;
        Self {
            config,
            api: params.api.unwrap_or_else(|| ProviderApi::of_currency(&tariff.currency)),
            money,
            relay: None,
            journal: Vec::new(),
            durable: 0,
            writing: 0,
            commit: Wake::default(),
            committing: false,
            wake: Wake::default(),
            armed_for: None,
            calls: BTreeMap::new(),
            next_call: 0,
            unasked: Vec::new(),
            here: BTreeSet::new(),
            arriving: Vec::new(),
            obstacle: (Chain::EMPTY, 0),
            starts: 0,
            commits: 0,
            queries: 0,
            twice: false,
            claimed: 0,
        }
    }

    /// The relay as it runs, or as its journal has it.
    pub(super) fn seen<T>(&self, look: impl FnOnce(&Relay) -> T) -> T {
        match &self.relay {
            Some(relay) => look(relay),
            None => look(&Relay::recover(self.config.clone(), self.journal.clone(), 0, 1)),
        }
    }

    /// The money on hold.
    pub(super) fn held(&self) -> Vec<Held> {
        self.relay.as_ref().map_or(Vec::new(), |relay| relay.held().map(|(_, held)| held.clone()).collect())
    }

    /// Held money goes to an account of the site, or back. To be drained.
    pub(super) fn settle_held(&mut self, unix_ms: i64, id: &PaymentId, account: Option<&str>) {
        let Some(relay) = &mut self.relay else { return };
        match account {
            Some(account) => _ = relay.resolve(unix_ms, id, SITE, account),
            None => _ = relay.hand_back(unix_ms, id),
        }
    }

    /// Number of the relay's last record; of one that is down the last that was written.
    pub(super) fn last_record(&self) -> u64 {
        self.journal.last().map_or(0, |record| record.number)
    }

    /// The power of its machine is gone: what was not durable, and whoever waited for an answer.
    fn cut(&mut self) -> Vec<Copy> {
        self.relay = None;
        let durable = self.durable;
        self.journal.retain(|record| record.number <= durable);
        self.claimed = durable;
        self.commit.cancel();
        self.wake.cancel();
        (self.committing, self.armed_for) = (false, None);
        let calls = std::mem::take(&mut self.calls).into_values();
        calls.filter_map(|call| if let Call::Word(copy) = call { Some(copy) } else { None }).collect()
    }

    fn call(&mut self, call: Call) -> u64 {
        self.next_call += 1;
        self.calls.insert(self.next_call, call);
        self.next_call
    }
}

impl Village<'_> {
    /// The machine of the relay may have gone down or come up.
    pub(super) fn hosted_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.dcu_fetches() {
            return;
        }
        let up = self.money.intake.up();
        if !up && self.money.hosted.relay.is_some() {
            // Whoever got no answer has word of the payment still.
            let unanswered = self.money.hosted.cut();
            self.money.waiting.extend(unanswered);
        } else if up && self.money.hosted.relay.is_none() {
            let hosted = &mut self.money.hosted;
            hosted.starts += 1;
            let entropy = Draws::keyed(self.seed.0, self.seed.1, NODE, ENTROPY, hosted.starts).u64();
            let unix_ms = self.scenario.run.start_unix_s * 1000 + now_ms as i64;
            let (config, journal) = (hosted.config.clone(), hosted.journal.clone());
            hosted.relay = Some(Relay::recover(config, journal, unix_ms, entropy));
            let unasked = std::mem::take(&mut hosted.unasked);
            self.with_relay(now_ms, queue, |_, _| {});
            for request in unasked {
                self.ask_for(request, now_ms, queue);
            }
        }
        if let Some(chain) = self.fetch_obstacle() {
            self.money.hosted.obstacle = (chain, now_ms + PAUSE_MS);
            for payment in self.money.hosted.here.clone() {
                self.hold_here(payment, chain, now_ms);
            }
        }
    }

    /// What is between the relay and the DCU's disk.
    fn fetch_obstacle(&self) -> Option<Chain> {
        let intake = (!self.money.intake.up()).then(|| self.money.intake.chain());
        let wan = (!self.wan.up()).then(|| self.wan.chain());
        let slow = if wan.is_none() { self.wan.slow_chain() } else { None };
        let site = (!self.site.up()).then(|| self.site_chain());
        let disk = (!self.site.disk.part.up()).then(|| self.site.disk.part.chain());
        hardest_to_clear([intake, wan, slow, site, disk])
    }

    fn hold_here(&mut self, payment: u32, chain: Chain, now_ms: u64) {
        let pay = &mut self.pays[payment as usize];
        if matches!(pay.stage, Stage::At(Place::Intake) | Stage::AtVendor) {
            pay.hold(chain, now_ms);
            let customer = pay.customer;
            self.touch(customer);
        }
    }

    /// What the provider knows of a payment.
    fn told(&self, payment: u32) -> provider::Told {
        let entry = self.payment_entry(payment);
        provider::Told {
            number: payment,
            receipt: entry.key,
            account: entry.account,
            amount_minor: entry.amount_minor,
            money: self.money.hosted.money,
            accepted_unix_ms: entry.accepted_unix_ms,
            foreign: self.is_foreign(payment),
        }
    }

    /// The provider has accepted a payment that the operator's shop asked for: the relay is told what to look for. Whether
    /// somebody asks the provider when its callback is lost.
    pub(super) fn requested(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) -> bool {
        let request = provider::request(self.money.hosted.api, &self.told(payment));
        let Some(request) = request.filter(|_| self.dcu_fetches()) else { return false };
        self.ask_for(request, now_ms, queue);
        true
    }

    fn ask_for(&mut self, request: PayRequest, now_ms: u64, queue: &mut Queue<Event>) {
        if self.money.hosted.relay.is_none() {
            self.money.hosted.unasked.push(request);
            return;
        }
        let mut refused = None;
        self.with_relay(now_ms, queue, |relay, unix_ms| refused = relay.handle_asked(unix_ms, request).err());
        if let Some(why) = refused {
            self.log(now_ms, "intake_refused", String::new(), why.to_string());
        }
    }

    /// The provider confirms a payment that is no customer's top-up: lost where the relay is down.
    pub(super) fn confirm(
        &mut self,
        receipt: String,
        account: String,
        amount_minor: i64,
        now_ms: u64,
        queue: &mut Queue<Event>,
    ) {
        let (money, accepted_unix_ms) = (self.money.hosted.money, self.unix_ms(now_ms));
        let told =
            provider::Told { number: 0, receipt, account, amount_minor, money, accepted_unix_ms, foreign: false };
        let (provider, request) = provider::callback(ProviderApi::DarajaC2b, &told);
        self.with_relay(now_ms, queue, |relay, unix_ms| relay.handle_callback(unix_ms, 0, provider, &request));
    }

    /// Word of a payment is posted to the relay; whoever posts it keeps it until it is answered.
    pub(super) fn post(&mut self, copy: Copy, now_ms: u64, queue: &mut Queue<Event>) {
        let payment = copy.payment;
        self.pays[payment as usize].callbacks += 1;
        let told = self.told(payment);
        let hosted = &mut self.money.hosted;
        let (provider, request) = provider::callback(hosted.api, &told);
        if self.meddling.vandals {
            let (provider, request) = provider::vandalism(hosted.api, &told, payment);
            // Nobody waits for the answer.
            self.with_relay(now_ms, queue, |relay, unix_ms| relay.handle_callback(unix_ms, 0, provider, &request));
        }
        let call = self.money.hosted.call(Call::Word(copy));
        self.payloads.absorb_bytes(&request.body);
        self.with_relay(now_ms, queue, |relay, unix_ms| relay.handle_callback(unix_ms, call, provider, &request));
    }

    fn with_relay(&mut self, now_ms: u64, queue: &mut Queue<Event>, mutate: impl FnOnce(&mut Relay, i64)) {
        let unix_ms = self.unix_ms(now_ms);
        if let Some(relay) = &mut self.money.hosted.relay {
            mutate(relay, unix_ms);
            self.drain_relay(now_ms, queue);
        }
    }

    /// Drains the relay to its deadline.
    pub(super) fn drain_relay(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        loop {
            let Some(relay) = &mut self.money.hosted.relay else { return };
            match relay.poll_output() {
                Output::Append(record) => self.money.hosted.journal.push(record),
                Output::Respond { call, response } => {
                    let answered = self.money.hosted.calls.remove(&call);
                    if let Some(Call::Word(copy)) = answered {
                        self.word_answered(copy, response.status, &response.body, now_ms);
                    }
                }
                Output::Reply { call, bytes } => match self.money.hosted.calls.remove(&call) {
                    Some(Call::Site) => self.send_reply(&bytes, now_ms, queue),
                    Some(Call::Twin) => self.reply_to_twin(&bytes, now_ms, queue),
                    Some(Call::Word(_)) | None => {}
                },
                Output::Query(query) => self.status_wanted(&query, now_ms, queue),
                Output::Event(event) => self.relay_told(event, now_ms, queue),
                Output::Timeout(_) if self.answers_early() => {}
                Output::Timeout(deadline) => {
                    self.arm_relay(deadline, now_ms, queue);
                    return;
                }
            }
        }
    }

    /// Whoever had word of a payment has its answer, and forgets it. Of MoMo's callback nothing is believed, and nothing
    /// rests on the answer.
    fn word_answered(&mut self, copy: Copy, status: u16, body: &str, now_ms: u64) {
        if status < 300 {
            self.pays[copy.payment as usize].answered |= self.money.hosted.api != ProviderApi::MtnMomo;
        } else {
            let text = format!("payment {}: {status} {body}", copy.payment);
            self.log(now_ms, "intake_refused", String::new(), text);
        }
    }

    /// A deliberate fault: the relay is told that its records are durable as soon as it has said them.
    fn answers_early(&mut self) -> bool {
        let hosted = &mut self.money.hosted;
        let last = hosted.journal.last().map_or(0, |record| record.number);
        if self.meddling.sabotage != Some(Sabotage::RelayAnswersEarly) || hosted.claimed >= last {
            return false;
        }
        hosted.claimed = last;
        if let Some(relay) = &mut hosted.relay {
            relay.handle_durable(last);
        }
        true
    }

    fn arm_relay(&mut self, deadline: Option<i64>, now_ms: u64, queue: &mut Queue<Event>) {
        let (start_ms, node) = (self.scenario.run.start_unix_s * 1000, self.ops.cloud);
        let hosted = &mut self.money.hosted;
        if hosted.armed_for != deadline {
            hosted.armed_for = deadline;
            match deadline {
                Some(at) => {
                    let at = SimTime::from_ms(u64::try_from(at - start_ms).unwrap_or(0).max(now_ms));
                    queue.arm(&mut hosted.wake, at, Phase::Environment, node, |generation| Event::IntakeWake {
                        generation,
                    });
                }
                None => hosted.wake.cancel(),
            }
        }
        let last = hosted.journal.last().map_or(0, |record| record.number);
        if last > hosted.durable && !hosted.committing {
            (hosted.committing, hosted.writing) = (true, last);
            hosted.commits += 1;
            let mut draws = Draws::keyed(self.seed.0, self.seed.1, NODE, COMMIT, hosted.commits);
            let at = SimTime::from_ms(now_ms + self.scenario.comms.payments.intake.hop_ms(&mut draws));
            queue
                .arm(&mut hosted.commit, at, Phase::Environment, node, |generation| Event::IntakeCommit { generation });
        }
    }

    /// The relay's journal has been written as far as it was when the writing began.
    pub(crate) fn intake_commits(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let hosted = &mut self.money.hosted;
        if !hosted.commit.is_current(generation) {
            return;
        }
        let durable = hosted.writing;
        (hosted.committing, hosted.durable) = (false, durable);
        let is_snapshot = |record: &&Record| matches!(record.entry, Entry::Snapshot(_)) && record.number <= durable;
        if let Some(first) = hosted.journal.iter().rev().find(is_snapshot).map(|record| record.number) {
            hosted.journal.retain(|record| record.number >= first);
        }
        let grown = hosted.journal.len() > SNAPSHOT_AFTER;
        self.with_relay(now_ms, queue, |relay, unix_ms| {
            relay.handle_durable(durable);
            if grown {
                relay.snapshot(unix_ms);
            }
        });
    }

    /// The relay's deadline.
    pub(crate) fn intake_wakes(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.money.hosted.wake.is_current(generation) {
            self.money.hosted.armed_for = None;
            self.with_relay(now_ms, queue, Relay::handle_timeout);
        }
    }

    // ---- the fetch -------------------------------------------------------------------------------------------------

    /// A question of the DCU leaves the site; lost where the link is down or the cell crowded.
    pub(crate) fn send_question(&mut self, bytes: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        if self.wan.up()
            && let Some(transit_ms) = self.transit_ms(bytes.len() + HTTPS_BYTES)
        {
            let message = self.messages.put(bytes);
            let at = SimTime::from_ms(now_ms + transit_ms);
            queue.at(at, Phase::Environment, self.ops.cloud, Event::AtIntake { message });
        }
    }

    /// The question reaches the relay.
    pub(crate) fn question_arrives(&mut self, message: MessageId, now_ms: u64, queue: &mut Queue<Event>) {
        self.asked_by(Call::Site, message, now_ms, queue);
    }

    fn asked_by(&mut self, who: Call, message: MessageId, now_ms: u64, queue: &mut Queue<Event>) {
        let bytes = self.messages.take(message);
        self.payloads.absorb_bytes(&bytes);
        if self.money.hosted.relay.is_some() {
            let call = self.money.hosted.call(who);
            self.with_relay(now_ms, queue, |relay, unix_ms| relay.handle_fetch(unix_ms, call, &bytes));
        }
        self.messages.recycle(message, bytes);
    }

    /// A question of the copy reaches the relay.
    pub(crate) fn twin_question_arrives(&mut self, message: MessageId, now_ms: u64, queue: &mut Queue<Event>) {
        self.asked_by(Call::Twin, message, now_ms, queue);
    }

    fn send_reply(&mut self, bytes: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        if self.wan.up()
            && let Some(transit_ms) = self.transit_ms(bytes.len() + HTTPS_BYTES)
        {
            let message = self.messages.put(bytes);
            let at = SimTime::from_ms(now_ms + transit_ms);
            queue.at(at, Phase::Environment, self.ops.dcu, Event::IntakeAtDcu { message });
        }
    }

    /// The answer reaches the DCU, if that runs.
    pub(crate) fn reply_arrives(&mut self, message: MessageId, now_ms: u64, queue: &mut Queue<Event>) {
        let bytes = self.messages.take(message);
        self.payloads.absorb_bytes(&bytes);
        if self.wan.up() && self.site.powered() {
            let key = &self.money.hosted.config.sites[0].key;
            let items = FetchReply::decode(&bytes, key).map(|reply| reply.items).unwrap_or_default();
            self.money.hosted.arriving = items.iter().filter_map(|item| payment_number(&item.payment.key)).collect();
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_fetch_receive(now, &bytes));
            self.money.hosted.arriving.clear();
        }
        self.messages.recycle(message, bytes);
    }

    /// The DCU has taken an answer.
    pub(crate) fn dcu_fetched(&mut self, now_ms: u64) {
        if self.fetch_obstacle().is_none() {
            self.money.hosted.obstacle = (Chain::EMPTY, 0);
        }
        for payment in std::mem::take(&mut self.money.hosted.arriving) {
            self.reached_vendor(payment, now_ms);
        }
    }

    // ---- what the relay says -----------------------------------------------------------------------------------------

    fn relay_told(&mut self, event: Told, now_ms: u64, queue: &mut Queue<Event>) {
        match event {
            Told::Took { id, .. } => self.at_relay(&id, now_ms),
            Told::Held { id, why } => {
                self.at_relay(&id, now_ms);
                self.payment_suspended(&id.key);
                self.log(now_ms, "intake_held", String::new(), format!("{id}: {why:?}"));
            }
            Told::HandBack { id, .. } => {
                if let Some(payment) = payment_number(&id.key) {
                    self.handed_back(payment, now_ms);
                }
            }
            Told::Duplicate { id } if payment_number(&id.key).is_some() => self.payment_repeated(),
            Told::Duplicate { .. } => {}
            Told::Fate { id, fate, .. } => self.fate_told(&id, fate, now_ms, queue),
            Told::Fetched { .. } | Told::FetchOld { .. } => {}
            Told::IdentityTwice { .. } => {
                if !std::mem::replace(&mut self.money.hosted.twice, true) {
                    let text = "two machines ask under this site's identity; one is served".to_owned();
                    self.log(now_ms, "identity_twice", String::new(), text);
                }
            }
            other => {
                let text = format!("{other:?}");
                self.log(now_ms, "intake", String::new(), text);
            }
        }
    }

    /// The site may have lost its own receipt with its power, and the money not: the relay tells the payer. What a copy of
    /// the site says is not the site's.
    fn fate_told(&mut self, id: &PaymentId, fate: Fate, now_ms: u64, queue: &mut Queue<Event>) {
        let book = self.site.dcu.as_ref().map(|dcu| dcu.state().book());
        if !book.is_some_and(|book| book.has_seen(id)) {
            return;
        }
        match (fate, payment_number(&id.key)) {
            (Fate::Credited, Some(payment)) => self.was_credited(payment, now_ms, queue),
            (Fate::Credited, None) => _ = self.kit_event(&DcuEvent::Duplicate { key: id.key.clone() }, now_ms, queue),
            (Fate::Suspended, _) => self.payment_suspended(&id.key),
            _ => {}
        }
    }

    /// The relay has a payment: what is between it and the DCU holds it from here on.
    fn at_relay(&mut self, id: &PaymentId, now_ms: u64) {
        let Some(payment) = payment_number(&id.key) else { return };
        let chain = self.fetch_obstacle().or_else(|| {
            let (chain, until_ms) = self.money.hosted.obstacle;
            (now_ms < until_ms).then_some(chain)
        });
        let Some(pay) = self.pays.get_mut(payment as usize) else { return };
        pay.at_intake_ms.get_or_insert(now_ms);
        if let Stage::At(before) = pay.stage
            && before <= Place::Intake
        {
            pay.stage = Stage::At(Place::Intake);
            pay.hold(chain.unwrap_or(Chain::EMPTY), now_ms);
        }
        if pay.credited_ms.is_none() && !pay.suspended {
            self.money.hosted.here.insert(payment);
        }
        let customer = self.pays[payment as usize].customer;
        self.touch(customer);
    }

    // ---- the provider's side -----------------------------------------------------------------------------------------

    fn status_wanted(&mut self, query: &Query, now_ms: u64, queue: &mut Queue<Event>) {
        let Some(payment) = payment_number(query.request().1) else { return };
        self.money.hosted.queries += 1;
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, NODE, STATUS, self.money.hosted.queries);
        let at = SimTime::from_ms(now_ms + (draws.lognormal(STATUS_MEDIAN_S, 0.8) * 1000.0) as u64);
        queue.at(at, Phase::Environment, self.ops.cloud, Event::Status { payment });
    }

    /// The provider's answer to a status query reaches the relay, if everybody on the way answers.
    pub(crate) fn status_arrives(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let api = self.money.hosted.api;
        let Some(id) = provider::request_id(api, payment) else { return };
        let provider = if api == ProviderApi::MtnMomo { Provider::MtnMomo } else { Provider::Daraja };
        let obstacle = self.between_provider_and_intake();
        let body = obstacle.is_none().then(|| provider::status(api, &self.told(payment)));
        if let Some(chain) = obstacle {
            self.hold_before_intake(payment, Chain::of(Cause::CallbackLost).then(chain), now_ms);
        }
        if let Some(body) = &body {
            self.payloads.absorb_bytes(body.as_bytes());
        }
        self.with_relay(now_ms, queue, |relay, unix_ms| {
            relay.handle_status(unix_ms, provider, &id, body.as_deref().map(str::as_bytes));
        });
    }

    fn hold_before_intake(&mut self, payment: u32, chain: Chain, now_ms: u64) {
        let pay = &mut self.pays[payment as usize];
        if matches!(pay.stage, Stage::At(at) if at < Place::Intake) {
            pay.hold(chain, now_ms);
            let customer = pay.customer;
            self.touch(customer);
        }
    }
}
