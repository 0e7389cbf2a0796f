//! A village on virtual time: model meters, a lossy mesh, the DCU with its journal, a link, the cloud.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use taa_dcu::{
    Dcu, DcuEvent, LinkState, MeterIx, Output,
    cloud::{Cloud, CloudConfig, CloudEvent, CloudOutput},
    config::{CreditAt, DcuConfig, MeterAccess, MeterEntry, Tariff, Traits},
    fetch::{FetchReply, FetchRequest, Verdict},
    journal::{Entry, Record, State},
    ledger::Leaf,
    payment::{Channel, Payment, Provider},
    vending::KeyRefusal,
};

use taa_keys::{Key, MeterKeys};
use taa_ledger::Checkpoint;

use crate::meter::ModelMeter;

pub(crate) const S: u64 = 1_000_000_000;
pub(crate) const HOUR: u64 = 3600 * S;
/// A full hour: 2026-03-01 00:00 UTC.
pub(crate) const START_UNIX_S: i64 = 1_772_323_200;

/// Kind of the frames that tell how far a journal goes.
const STANDING: u8 = 51;
/// The period in which it starts.
pub(crate) const FIRST_PERIOD: u32 = (START_UNIX_S / 3600) as u32;

/// SplitMix64.
#[derive(Debug)]
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

    pub(crate) fn percent(&mut self, p: u64) -> bool {
        self.below(100) < p
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    AtMeter(u32, Vec<u8>),
    AtDcu(u32, Vec<u8>),
    AtCloud(Vec<u8>),
    DownAtDcu(Vec<u8>),
    Durable(u64),
    Fetched(Vec<u8>),
}

pub(crate) struct Village {
    pub(crate) now: u64,
    pub(crate) chance: Chance,
    /// Percent of frames lost, doubled.
    pub(crate) loss: u64,
    pub(crate) duplicates: u64,
    pub(crate) delay_max: u64,
    /// The disk takes up to this long.
    pub(crate) sync_max: u64,
    /// Frames down the link wait so long behind others; 0: they do not.
    pub(crate) down_delay: u64,
    pub(crate) link_up: bool,
    pub(crate) meters: Vec<ModelMeter>,
    pub(crate) dcu: Option<Dcu>,
    pub(crate) cloud: Cloud,
    pub(crate) events: Vec<(u64, DcuEvent)>,
    pub(crate) cloud_events: Vec<(u64, CloudEvent)>,
    pub(crate) frames_to_meters: u64,
    /// Every frame to a meter, while it is `Some`.
    pub(crate) wire: Option<Vec<(u32, Vec<u8>)>>,
    /// The DCU gets entropy when it boots.
    pub(crate) entropy: bool,
    /// The journal's name, as a store would tell it.
    pub(crate) journal_name: [u8; 16],
    /// The relay of the intake answers, and has nothing.
    pub(crate) relay_answers: bool,
    /// The cloud is of an earlier version: it knows no standings.
    pub(crate) cloud_is_old: bool,
    /// Changes what the DCU reads of its journal when it boots.
    pub(crate) misread: fn(&mut Record),
    /// The ledger's leaves, and checkpoints that wait to be signed.
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) to_sign: Vec<Checkpoint>,
    /// Leaves when they were last compared with the book; `None` where they are of another journal.
    compared: Option<usize>,
    pub(crate) config: DcuConfig,
    entries: Vec<MeterEntry>,
    journal: Vec<Record>,
    durable: u64,
    things: BinaryHeap<Reverse<(u64, u64, Thing)>>,
    order: u64,
    dcu_deadline: Option<u64>,
    cloud_deadline: Option<u64>,
    boot_at: u64,
}

pub(crate) fn tariff() -> Tariff {
    Tariff {
        currency: "TZS".into(),
        minor_per_unit: 100,
        energy_price_per_kwh_minor: 10_000,
        daily_fee_minor: 0,
        grace_minor: 0,
        ..Tariff::default()
    }
}

pub(crate) fn traits(credit_at: CreditAt) -> Traits {
    Traits { credit_at, local_vending: true, ..Traits::bundle("edge_local").unwrap() }
}

/// Keys of meter `n`.
pub(crate) fn keys_of(n: u32) -> MeterKeys {
    MeterKeys::derive(&Key::Aes128([0x5A; 16]), &format!("TAA{n:013}")).unwrap()
}

impl Village {
    pub(crate) fn new(traits: Traits, meters: u32, opening_minor: i64, seed: u64) -> Self {
        Self::with(DcuConfig::new(traits, tariff()), meters, opening_minor, seed)
    }

    pub(crate) fn with(config: DcuConfig, meters: u32, opening_minor: i64, seed: u64) -> Self {
        let entries: Vec<_> = (0..meters)
            .map(|n| MeterEntry {
                id: format!("TAA{n:013}"),
                account: format!("A{n}"),
                access: MeterAccess::Keys(keys_of(n)),
                opening_balance_minor: opening_minor,
                sts: None,
            })
            .collect();
        Self::of(config, entries, seed)
    }

    /// A village of these meters.
    pub(crate) fn of(config: DcuConfig, entries: Vec<MeterEntry>, seed: u64) -> Self {
        let mut village = Self {
            now: 0,
            chance: Chance(seed),
            loss: 0,
            duplicates: 0,
            delay_max: 2 * S,
            sync_max: 0,
            down_delay: 0,
            link_up: false,
            meters: entries.iter().map(|e| ModelMeter::new(&e.id, &e.access, START_UNIX_S)).collect(),
            dcu: None,
            cloud: Cloud::new(
                CloudConfig {
                    classes: config.classes.clone(),
                    ..CloudConfig::new(config.traits, config.tariff.clone())
                },
                &entries,
            ),
            events: Vec::new(),
            cloud_events: Vec::new(),
            frames_to_meters: 0,
            wire: None,
            entropy: true,
            journal_name: [1; 16],
            relay_answers: true,
            cloud_is_old: false,
            misread: |_| {},
            leaves: Vec::new(),
            to_sign: Vec::new(),
            compared: Some(0),
            config,
            entries,
            journal: Vec::new(),
            durable: 0,
            things: BinaryHeap::new(),
            order: 0,
            dcu_deadline: None,
            cloud_deadline: None,
            boot_at: 0,
        };
        village.cloud.handle_clock(0, START_UNIX_S * 1000);
        village.drain_cloud();
        village.boot();
        village.link(true);
        village
    }

    pub(crate) fn boot(&mut self) {
        self.boot_at = self.now;
        let mut journal = self.journal.clone();
        journal.iter_mut().for_each(self.misread);
        let mut dcu = Dcu::recover(self.config.clone(), self.entries.clone(), journal);
        dcu.name_journal(self.journal_name);
        self.dcu = Some(dcu);
        self.drain();
        // Before there is entropy: the cloud is asked first.
        if self.link_up {
            self.with_dcu(|dcu, now| dcu.handle_link(now, LinkState::Up));
        }
        let unix_ms = START_UNIX_S * 1000 + (self.now / 1_000_000) as i64;
        self.with_dcu(|dcu, now| dcu.handle_clock(now, unix_ms));
        if self.entropy {
            self.give_entropy();
        }
    }

    pub(crate) fn give_entropy(&mut self) {
        let seed = std::array::from_fn(|_| self.chance.next() as u8);
        self.with_dcu(|dcu, now| dcu.handle_entropy(now, &seed));
    }

    /// The supply goes; what was not durable is lost.
    pub(crate) fn cut(&mut self) {
        self.dcu = None;
        self.dcu_deadline = None;
        self.journal.retain(|r| r.number <= self.durable);
        self.leaves.retain(|leaf| leaf.record <= self.durable);
        self.things.retain(|Reverse((_, _, thing))| !matches!(thing, Thing::Durable(_)));
    }

    /// The disk is another one: only these entries are on it.
    pub(crate) fn lose_journal(&mut self, keep: impl Fn(&Entry) -> bool) {
        self.journal.retain(|record| keep(&record.entry));
        (1..).zip(&mut self.journal).for_each(|(number, record)| record.number = number);
        self.durable = self.journal.len() as u64;
        self.compared = None;
    }

    pub(crate) fn link(&mut self, up: bool) {
        self.link_up = up;
        let link = if up { LinkState::Up } else { LinkState::Down };
        self.cloud.handle_link(self.now, link);
        self.drain_cloud();
        self.with_dcu(|dcu, now| dcu.handle_link(now, link));
    }

    pub(crate) fn payment(&self, key: &str, meter: u32, amount_minor: i64) -> Payment {
        let account = format!("A{meter}");
        let now_ms = START_UNIX_S * 1000 + (self.now / 1_000_000) as i64;
        Payment::new(Provider::Simulated, key, account, amount_minor, Channel::Phone, now_ms)
    }

    pub(crate) fn pay_phone(&mut self, key: &str, meter: u32, amount_minor: i64) {
        let payment = self.payment(key, meter, amount_minor);
        self.cloud.handle_payment(self.now, payment);
        self.drain_cloud();
    }

    /// The operator changes prices in the cloud.
    pub(crate) fn change_prices(&mut self, tariff: Tariff) {
        self.cloud.handle_tariff(self.now, tariff);
        self.drain_cloud();
    }

    /// Something that the operator orders at the cloud.
    pub(crate) fn with_cloud<R>(&mut self, act: impl FnOnce(&mut Cloud, u64) -> R) -> R {
        let told = act(&mut self.cloud, self.now);
        self.drain_cloud();
        told
    }

    pub(crate) fn pay_agent(&mut self, key: &str, meter: u32, amount_minor: i64) {
        let payment = self.payment(key, meter, amount_minor);
        self.with_dcu(|dcu, now| dcu.handle_payment(now, payment).unwrap());
    }

    pub(crate) fn power(&mut self, meter: u32, on: bool) {
        let now = self.now;
        self.meters[meter as usize].power(now, on);
    }

    pub(crate) fn heard(&mut self, meter: u32) {
        self.with_dcu(|dcu, now| dcu.handle_meter_heard(now, MeterIx(meter)));
    }

    /// Something happens at the meter, and it says so.
    pub(crate) fn raise(&mut self, meter: u32, bits: u32) -> Vec<u8> {
        let now = self.now;
        self.meters[meter as usize].advance(now);
        let frame = self.meters[meter as usize].raise(bits);
        self.deliver(meter, frame.clone());
        frame
    }

    /// A frame comes to the DCU from that meter's address.
    pub(crate) fn deliver(&mut self, meter: u32, frame: Vec<u8>) {
        self.travel(&Thing::AtDcu(meter, frame));
    }

    /// How often such an event has happened.
    pub(crate) fn count(&self, wanted: impl Fn(&DcuEvent) -> bool) -> usize {
        self.events.iter().filter(|(_, event)| wanted(event)).count()
    }

    pub(crate) fn with_dcu(&mut self, act: impl FnOnce(&mut Dcu, u64)) {
        let now = self.now - self.boot_at;
        if let Some(dcu) = &mut self.dcu {
            act(dcu, now);
        }
        self.drain();
    }

    pub(crate) fn state(&self) -> &State {
        self.dcu.as_ref().unwrap().state()
    }

    pub(crate) fn journal(&self) -> &[Record] {
        &self.journal
    }

    /// Writes a checkpoint and, once it is safely on the disk, throws away what lies before.
    pub(crate) fn compact(&mut self) {
        self.with_dcu(|dcu, now| dcu.checkpoint(now));
        let number = self.journal.last().unwrap().number;
        self.happen(Thing::Durable(number));
        let at = self.journal.iter().rposition(|r| matches!(r.entry, Entry::Checkpoint(_))).unwrap();
        self.journal.drain(..at);
    }

    /// The disk is an old copy of itself.
    pub(crate) fn put_back(&mut self, journal: Vec<Record>) {
        self.durable = journal.last().map_or(0, |record| record.number);
        self.leaves.retain(|leaf| leaf.record <= self.durable);
        self.journal = journal;
    }

    /// From the next boot on the DCU does not know whose signature to believe.
    pub(crate) fn forget_ledger_key(&mut self) {
        self.config.ledger_verifier = None;
    }

    /// Before the first record.
    pub(crate) fn fresh_state(&self) -> State {
        State::new(&self.config, &self.entries)
    }

    pub(crate) fn refold(&self) -> State {
        let mut state = self.fresh_state();
        self.journal.iter().for_each(|r| {
            state.apply(r);
        });
        state
    }

    /// How often each key was credited, by the receipts.
    pub(crate) fn receipts(&self) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for (_, event) in &self.events {
            if let DcuEvent::Credited { key, .. } = event {
                *counts.entry(key.clone()).or_insert(0) += 1;
            }
        }
        counts
    }

    /// When such an event first happened at or after `from`.
    pub(crate) fn when(&self, from: u64, wanted: impl Fn(&DcuEvent) -> bool) -> Option<u64> {
        self.events.iter().find(|(at, event)| *at >= from && wanted(event)).map(|(at, _)| *at)
    }

    pub(crate) fn lit(&self, meter: u32) -> bool {
        let meter = &self.meters[meter as usize];
        meter.powered && meter.closed
    }

    pub(crate) fn run_for(&mut self, ns: u64) {
        self.run_until(self.now + ns);
    }

    /// Runs until this instant of the village.
    pub(crate) fn run_until(&mut self, end: u64) {
        loop {
            let thing = self.things.peek().map(|Reverse((at, ..))| *at);
            let dcu = self.dcu_deadline.map(|at| at.saturating_add(self.boot_at).max(self.now));
            let cloud = self.cloud_deadline.map(|at| at.max(self.now));
            let Some(next) = [thing, dcu, cloud].into_iter().flatten().min().filter(|at| *at <= end) else {
                break;
            };
            self.now = next;
            if thing == Some(next) {
                let Reverse((_, _, thing)) = self.things.pop().unwrap();
                self.happen(thing);
            } else if dcu == Some(next) {
                let before = self.dcu_deadline;
                self.with_dcu(Dcu::handle_timeout);
                assert_ne!(self.dcu_deadline.filter(|at| at + self.boot_at <= next), before, "the DCU spins");
            } else {
                self.cloud.handle_timeout(next);
                self.drain_cloud();
            }
        }
        self.now = end;
        self.meters.iter_mut().for_each(|m| m.advance(end));
        self.compare_ledger();
    }

    /// Whatever the story: the ledger says what the book says.
    fn compare_ledger(&mut self) {
        if self.compared.is_none_or(|leaves| leaves == self.leaves.len()) {
            return;
        }
        if let Some(dcu) = &self.dcu {
            assert_eq!(crate::ledger::agree(&self.leaves, dcu.state()), Ok(()));
            self.compared = Some(self.leaves.len());
        }
    }

    fn happen(&mut self, thing: Thing) {
        let now = self.now;
        match thing {
            Thing::AtMeter(ix, bytes) => {
                if let Some(reply) = self.meters[ix as usize].handle(now, &bytes) {
                    self.travel(&Thing::AtDcu(ix, reply));
                }
            }
            Thing::AtDcu(ix, bytes) => self.with_dcu(|dcu, now| dcu.handle_meter_receive(now, MeterIx(ix), &bytes)),
            Thing::AtCloud(bytes) if self.link_up => {
                self.cloud.handle_receive(now, &bytes);
                self.drain_cloud();
            }
            Thing::DownAtDcu(bytes) if self.link_up => {
                self.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &bytes));
            }
            Thing::Fetched(bytes) if self.link_up => {
                self.with_dcu(|dcu, now| dcu.handle_fetch_receive(now, &bytes));
            }
            Thing::Durable(upto) if self.journal.last().is_some_and(|r| r.number >= upto) => {
                self.durable = self.durable.max(upto);
                self.with_dcu(|dcu, now| dcu.handle_durable(now, upto));
            }
            Thing::AtCloud(_) | Thing::DownAtDcu(_) | Thing::Durable(_) | Thing::Fetched(_) => {}
        }
    }

    /// Sends something through the lossy air or wire.
    fn travel(&mut self, thing: &Thing) {
        let copies = if self.chance.percent(self.loss) {
            0
        } else if self.chance.percent(self.duplicates) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let delay = 10_000_000 + self.chance.below(self.delay_max.max(1));
            self.schedule(delay, thing.clone());
        }
    }

    /// Down the link: through the air, or where the link is throttled, behind what waits there.
    fn schedule_down(&mut self, bytes: Vec<u8>) {
        match self.down_delay {
            0 => self.travel(&Thing::DownAtDcu(bytes)),
            delay => self.schedule(delay, Thing::DownAtDcu(bytes)),
        }
    }

    fn schedule(&mut self, delay: u64, thing: Thing) {
        self.order += 1;
        self.things.push(Reverse((self.now + delay, self.order, thing)));
    }

    fn drain(&mut self) {
        let (mut last, mut restart) = (None, false);
        while let Some(dcu) = &mut self.dcu {
            match dcu.poll_output() {
                Output::Transmit { meter, bytes } => {
                    self.frames_to_meters += 1;
                    if let Some(wire) = &mut self.wire {
                        wire.push((meter.0, bytes.clone()));
                    }
                    self.travel(&Thing::AtMeter(meter.0, bytes));
                }
                Output::Uplink(bytes) if self.cloud_is_old && bytes.get(1) == Some(&STANDING) => {}
                Output::Uplink(bytes) => self.travel(&Thing::AtCloud(bytes)),
                Output::Fetch(bytes) if self.relay_answers && self.link_up => {
                    let reply = nothing_to_fetch(&self.config, &bytes);
                    self.schedule(S, Thing::Fetched(reply));
                }
                Output::Fetch(_) => {}
                // The module answers at once.
                Output::KeyRequest { id, meter_key, content } => {
                    let token = crate::slot::module().seal(&meter_key, &content).map_err(|_| KeyRefusal::NoKey);
                    let now = self.now - self.boot_at;
                    dcu.handle_key(now, id, token);
                }
                Output::KeyChangeRequest { id, from, to } => {
                    let tokens = crate::slot::module().key_change(&from, &to);
                    let now = self.now - self.boot_at;
                    dcu.handle_key_change(now, id, tokens.as_deref().map_err(|_| KeyRefusal::NoKey));
                }
                Output::Append(record) => {
                    last = Some(record.number);
                    self.journal.push(record);
                }
                Output::Leaf(leaf) => self.leaves.push(leaf),
                Output::Sign(checkpoint) => self.to_sign.push(checkpoint),
                Output::Event(event) => {
                    restart |= matches!(event, DcuEvent::RolledBack { restart: true, .. });
                    self.events.push((self.now, event));
                }
                Output::Timeout(deadline) => {
                    self.dcu_deadline = deadline;
                    if restart {
                        // Its counters may be another journal's.
                        self.cut();
                        return self.boot();
                    }
                    let Some(number) = last.take() else { break };
                    if self.sync_max == 0 {
                        self.durable = number;
                        let now = self.now - self.boot_at;
                        dcu.handle_durable(now, number);
                    } else {
                        let delay = self.chance.below(self.sync_max);
                        self.schedule(delay, Thing::Durable(number));
                        break;
                    }
                }
            }
        }
    }

    fn drain_cloud(&mut self) {
        loop {
            match self.cloud.poll_output() {
                CloudOutput::Downlink(bytes) => self.schedule_down(bytes),
                CloudOutput::Event(event) => self.cloud_events.push((self.now, event)),
                CloudOutput::Timeout(deadline) => {
                    self.cloud_deadline = deadline;
                    break;
                }
            }
        }
    }
}

/// The answer of a relay that has no payments.
fn nothing_to_fetch(config: &DcuConfig, question: &[u8]) -> Vec<u8> {
    let key = &config.fetch.as_ref().expect("it fetches").key;
    let FetchRequest { site, session, number, .. } = FetchRequest::decode(question, key).expect("a question");
    let (verdict, items, questions) = (Verdict::Served, Vec::new(), Vec::new());
    let (epoch, floor, fates_known, more) = (0, 0, 0, false);
    FetchReply { site, session, number, verdict, epoch, floor, fates_known, more, items, questions }.encode(key, 1400)
}
