//! The DCU itself: the methods that a driver calls.

mod campaign;
mod decide;
mod discovery;
pub(crate) mod disk;
mod doubt;
mod exchange;
mod fetching;
mod getters;
mod intake;
mod keyreq;
mod keys;
mod log;
mod money;
mod outage;
pub(crate) mod output;
mod push;
mod questions;
mod relays;
mod sender;
mod terms;
mod time;
mod tokens;
mod turns;
mod upstream;
mod vend;
pub(crate) mod vend_deliver;
mod vend_key;
mod vend_payg;
mod witness;

pub use self::log::SignedError;

use std::collections::{BTreeSet, VecDeque};

use taa_keys::Drbg;

use self::{
    campaign::Images,
    discovery::Atlas,
    intake::{Lateness, Sight},
    keys::Reservation,
    log::Signing,
    output::{DcuEvent, LinkState, Output},
    relays::Holds,
    sender::Sender,
    time::mix,
    vend::Vending,
    witness::Witness,
};
use crate::{
    MeterIx,
    config::{DcuConfig, MeterEntry},
    fetch::Fetch,
    fleet::Fleet,
    ids::{Stamp, fleet_digest},
    journal::{Applied, Entry, Record, State},
    ledger::Leaf,
    outage::Engine,
    payment::{Payment, PaymentError, PaymentId},
    plan::Plan,
    uplink::AlarmCode,
};

pub(crate) const NS_PER_MS: u64 = 1_000_000;
pub(crate) const NS_PER_S: u64 = 1_000_000_000;
/// Buffers kept for reuse.
const BUFFERS_MAX: usize = 16;

/// The production DCU.
///
/// Its methods come in four kinds: **getters**; **`handle_*`**, for something that happened; **commands**, for what an
/// operator wants ([`Self::resolve_suspense`], [`Self::checkpoint`]); and [`Self::poll_output`], for what comes out.
///
/// Mutate once, then drain `poll_output` until it answers [`Output::Timeout`]; only then mutate again. `now` is
/// monotonic nanoseconds since this boot and must not go back. After a restart make a new one with
/// [`Self::recover`]. Meters with keys are silent until [`Self::handle_entropy`], and until the counters reserved for
/// them are durable.
///
/// ```
/// use taa_dcu::{Dcu, Output, config::{DcuConfig, MeterAccess, MeterEntry, Tariff, Traits}};
/// use taa_keys::{Key, MeterKeys};
///
/// let tariff = Tariff::flat("TZS", 100, 90_000);
/// let config = DcuConfig::new(Traits::bundle("edge_local").ok_or("no such bundle")?, tariff);
/// let meter = MeterEntry {
///     id: "TAA0000000000001".into(),
///     account: "0001".into(),
///     access: MeterAccess::Keys(MeterKeys::derive(&Key::Aes128([7; 16]), "TAA0000000000001")?),
///     opening_balance_minor: 50_000,
///     sts: None,
/// };
/// let mut dcu = Dcu::new(config, vec![meter]);
/// let mut journal = Vec::new();
///
/// dcu.handle_clock(0, 1_772_323_200_000);
/// # while !matches!(dcu.poll_output(), Output::Timeout(_)) {} // (drain after each; left out here)
/// dcu.handle_entropy(0, &[42; 32]); // from the system's generator
/// let mut sent = 0;
/// let deadline = loop {
///     match dcu.poll_output() {
///         Output::Append(record) => journal.push(record),
///         Output::KeyRequest { .. } | Output::KeyChangeRequest { .. } => {} // no tokens are sold here
///         Output::Leaf(_) | Output::Sign(_) => {} // the ledger: to be stored with the record; to be signed
///         Output::Transmit { bytes, .. } => {
///             sent += 1; // the first reading is due: send it
///             dcu.recycle(bytes);
///         }
///         Output::Uplink(bytes) | Output::Fetch(bytes) => dcu.recycle(bytes),
///         Output::Event(event) => println!("{event:?}"),
///         // Everything before it is on its way. What has been appended is on the disk by now, so tell:
///         Output::Timeout(_) if sent == 0 => dcu.handle_durable(0, journal.last().map_or(0, |r| r.number)),
///         Output::Timeout(deadline) => break deadline,
///     }
/// };
/// assert!(deadline.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Dcu {
    config: DcuConfig,
    names: Vec<String>,
    digest: u64,
    /// Durable: changed by [`Self::record`] alone.
    state: State,
    durable: u64,
    fleet: Fleet,
    plan: Plan,
    sender: Sender,
    fetch: Fetch,
    /// Unix milliseconds at monotonic zero, once the clock is set.
    clock_offset_ms: Option<i64>,
    /// When this boot began, ns.
    began: Option<u64>,
    /// When the cloud was last heard in this boot, ns.
    contact: Option<u64>,
    /// Balances kept in the cloud can no longer be confirmed.
    stale: bool,
    /// Whether payments can be seen.
    sight: Sight,
    /// How late they come.
    lateness: Lateness,
    /// Decisions that the clock alone changes: when (Unix ms), for which meter.
    judgements: BTreeSet<(i64, MeterIx)>,
    /// What is remembered of the image campaign within a boot.
    images: Images,
    /// The supply is about to go: nothing new is begun.
    failing: bool,
    /// Mixes the waiting times so that meters do not retry in step.
    jitter: u64,
    outputs: VecDeque<Output>,
    /// Meters with business that waits for its record to be durable.
    waiting: Vec<MeterIx>,
    /// Events that wait for their record to be durable.
    receipts: VecDeque<(u64, DcuEvent)>,
    buffers: Vec<Vec<u8>>,
    /// Challenges come from it, once there is entropy.
    randomness: Option<Drbg>,
    /// Counters that wait for their record to be durable.
    reservations: VecDeque<Reservation>,
    /// Object maps by firmware: those of the journal, and those learnt since.
    atlas: Atlas,
    /// Alarms taken that wait for their record to be durable before the meter is told.
    unconfirmed: VecDeque<(u64, MeterIx)>,
    /// Orders that may not leave now.
    holds: Holds,
    /// Checkpoints asked for and not signed yet.
    signing: Signing,
    /// Leaves of the record being applied.
    leaves: Vec<Leaf>,
    /// What is remembered of selling tokens within a boot.
    vending: Vending,
    /// What is remembered of outages within a boot.
    outage: Option<Engine>,
    /// What the cloud knows of the journal.
    witness: Witness,
    /// The disk refuses: when the cloud is told so next.
    disk_alarm_at: Option<u64>,
}

impl Dcu {
    /// A DCU with an empty journal.
    #[must_use]
    pub fn new(config: DcuConfig, meters: Vec<MeterEntry>) -> Self {
        Self::recover(config, meters, [])
    }

    /// A DCU that continues from its journal: all records, or those from the last [`Entry::Checkpoint`] on.
    #[must_use]
    pub fn recover(config: DcuConfig, meters: Vec<MeterEntry>, journal: impl IntoIterator<Item = Record>) -> Self {
        let mut state = State::new(&config, &meters);
        for record in journal {
            state.take(record);
        }
        let fleet = Fleet::new(&config, &meters, state.meters());
        let vending = Vending::recover(&config, &meters, &state);
        let outage = config.outage.clone().map(|outage| Engine::new(outage, state.outages()));
        let mut dcu = Self {
            plan: Plan::new(config.reading_period_s, config.reading_spread_s, fleet.len()),
            sender: Sender::new(&state),
            digest: fleet_digest(meters.iter().map(|m| m.id.as_str())),
            names: meters.into_iter().map(|m| m.id).collect(),
            durable: state.last_record(),
            jitter: u64::from(state.boot()),
            atlas: Atlas::recover(&state),
            fetch: Fetch::recover(state.inbox()),
            state,
            fleet,
            config,
            clock_offset_ms: None,
            began: None,
            contact: None,
            stale: false,
            sight: Sight::Lost { link: false },
            lateness: Lateness::default(),
            judgements: BTreeSet::new(),
            images: Images::default(),
            failing: false,
            outputs: VecDeque::new(),
            waiting: Vec::new(),
            receipts: VecDeque::new(),
            buffers: Vec::new(),
            randomness: None,
            reservations: VecDeque::new(),
            unconfirmed: VecDeque::new(),
            holds: Holds::default(),
            signing: Signing::default(),
            leaves: Vec::new(),
            vending,
            outage,
            witness: Witness::default(),
            disk_alarm_at: None,
        };
        let stamp = Stamp { boot: dcu.state.boot().saturating_add(1), monotonic_ns: 0, unix_ms: None };
        let tariff = Box::new(dcu.state.book().tariff().clone());
        dcu.append(stamp, Entry::Boot { tariff });
        if !dcu.config.classes.is_empty() && !dcu.state.book().has_classes() {
            let classes = Box::new(dcu.config.classes.clone());
            dcu.append(stamp, Entry::ClassesSet(classes));
        }
        dcu.reconsider_all(0);
        dcu.queue_images();
        dcu.resume_confirmations();
        dcu
    }

    // ---- what happened -------------------------------------------------------------------------------------------

    /// The clock was set or checked: it is `unix_ms` now. The reading plan and the daily fee wait for the first call;
    /// a step restarts the plan within the period and never charges a day twice.
    pub fn handle_clock(&mut self, now: u64, unix_ms: i64) {
        self.begin(now);
        let since_boot_ms = i64::try_from(now / NS_PER_MS).unwrap_or(i64::MAX);
        let offset = unix_ms.saturating_sub(since_boot_ms);
        if self.clock_offset_ms != Some(offset) {
            self.clock_offset_ms = Some(offset);
            self.plan.restart(unix_ms);
            self.recheck_holds();
            self.sell_soon(now);
            self.judge_anew(now);
        }
        self.run(now);
    }

    /// Fresh randomness, 256 bits of it: challenges rest on it, so **nothing is said to a meter with keys before the
    /// first call of a boot**. Later calls refresh the generator. Waiting times are mixed with it too. Where the link is up
    /// and the driver has said so ([`Self::handle_link`]), the first one waits until the cloud has shown what it knows of the
    /// journal, 30 s at most.
    pub fn handle_entropy(&mut self, now: u64, seed: &[u8; 32]) {
        self.begin(now);
        for chunk in seed.chunks_exact(8) {
            let word = chunk.iter().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
            self.jitter = mix(self.jitter ^ word);
        }
        if self.may_take_entropy(now, seed) {
            self.take_entropy(now, seed);
        }
        self.pump(now);
        self.send(now);
        self.fetch(now);
    }

    /// Bytes from a meter (one wrapper frame).
    pub fn handle_meter_receive(&mut self, now: u64, meter: MeterIx, bytes: &[u8]) {
        self.begin(now);
        if let Some(unit) = self.fleet.unit_mut(meter) {
            unit.session.receive(now, bytes);
        }
        self.drive(now, meter);
        self.pump(now);
        self.send(now);
    }

    /// The mesh tells that a node has joined or was heard after silence: it is asked at once, at most once per
    /// [`DcuConfig::heard_interval_s`].
    pub fn handle_meter_heard(&mut self, now: u64, meter: MeterIx) {
        self.begin(now);
        self.hear(now, meter);
        self.pump(now);
    }

    /// The wide-area link went up or down.
    pub fn handle_link(&mut self, now: u64, link: LinkState) {
        self.begin(now);
        self.sender.handle_link(now, link, &self.state);
        self.witness_link(now, link);
        self.sight_link(link);
        // Orders for debt that have not left yet are taken back.
        self.reconsider_all(now);
        self.send(now);
        self.fetch_link(now, link);
    }

    /// One frame from the cloud.
    pub fn handle_uplink_receive(&mut self, now: u64, frame: &[u8]) {
        self.begin(now);
        self.take_down_frame(now, frame);
        self.pump(now);
        self.send(now);
    }

    /// A payment taken at the DCU itself (an agent with cash). The receipt comes as an event, once it is durable.
    ///
    /// # Errors
    /// [`PaymentError`]; then nothing was recorded and the money must be handed back.
    pub fn handle_payment(&mut self, now: u64, payment: Payment) -> Result<(), PaymentError> {
        self.begin(now);
        if !self.config.traits.local_vending {
            return Err(PaymentError::NoLocalVending);
        }
        self.state.book().check(&payment)?;
        self.take_payment(now, payment, true);
        self.pump(now);
        self.send(now);
        Ok(())
    }

    /// All records up to this number will survive a power loss.
    pub fn handle_durable(&mut self, now: u64, upto: u64) {
        self.begin(now);
        self.durable = self.durable.max(upto.min(self.state.last_record()));
        while self.receipts.front().is_some_and(|(record, _)| *record <= self.durable) {
            if let Some((_, event)) = self.receipts.pop_front() {
                self.outputs.push_back(Output::Event(event));
            }
        }
        self.take_waiting();
        self.take_reserved(now);
        self.take_confirmable();
        self.fetch.handle_durable(self.durable);
        self.ask_to_sign();
        self.run_vending(now);
        self.pump(now);
        self.send(now);
        self.fetch(now);
    }

    /// The deadline of [`Output::Timeout`] has come. Calling too early or too late is harmless.
    pub fn handle_timeout(&mut self, now: u64) {
        self.begin(now);
        self.run(now);
    }

    /// The supply is about to go. An alarm is recorded and nothing new is begun; what is durable is safe.
    pub fn handle_power_failing(&mut self, now: u64) {
        self.begin(now);
        if !self.failing {
            self.alarm(now, None, AlarmCode::PowerFailing);
            self.failing = true;
        }
        self.send(now);
    }

    /// The supply stayed after all.
    pub fn handle_power_good(&mut self, now: u64) {
        self.begin(now);
        self.failing = false;
        self.run(now);
    }

    // ---- commands ------------------------------------------------------------------------------------------------

    /// Credits a payment, by any of its names, from suspense to the account of this meter; journal and receipt call it by its
    /// first name. False when there is no such payment or meter.
    pub fn resolve_suspense(&mut self, now: u64, id: &PaymentId, account: MeterIx) -> bool {
        self.begin(now);
        let book = self.state.book();
        let id = book.named(id).clone();
        if book.suspended(&id).is_none() || book.account(account.0).is_none() {
            return false;
        }
        self.resolve(now, &id, account);
        self.pump(now);
        self.send(now);
        true
    }

    /// Writes the whole state into the journal; once it is durable, what lies before may be thrown away.
    pub fn checkpoint(&mut self, now: u64) {
        self.begin(now);
        let state = Box::new(self.state.clone());
        self.record(now, Entry::Checkpoint(state));
    }

    // ---- what comes out ------------------------------------------------------------------------------------------

    /// The next output. Drain until [`Output::Timeout`].
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Timeout(self.deadline()))
    }

    /// Nothing comes out but the deadline: a driver that has something else to do first need not have it reckoned.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Takes back a buffer of [`Output::Transmit`] or [`Output::Uplink`], so that the next one need not be allocated.
    pub fn recycle(&mut self, buffer: Vec<u8>) {
        if self.buffers.len() < BUFFERS_MAX {
            self.buffers.push(buffer);
        }
    }

    // ---- below: helpers ------------------------------------------------------------------------------------------

    /// Everything that is due by the clock.
    fn run(&mut self, now: u64) {
        self.take_slots(now);
        self.take_retries(now);
        self.check_lists(now);
        self.take_image_waits(now);
        self.charge_fees(now);
        self.check_terms(now);
        self.check_stale(now);
        self.check_sight(now);
        self.run_vending(now);
        self.check_judgements(now);
        self.take_holds(now);
        self.check_ledger(now);
        self.check_outages(now);
        self.pump(now);
        self.send(now);
        self.fetch(now);
    }

    fn begin(&mut self, now: u64) {
        self.began.get_or_insert(now);
    }

    /// Since when the cloud has been silent, ns: patience with it begins anew with each boot. That a boot has begun is no
    /// word of the cloud: what asks for one looks at `contact`.
    fn silent_since(&self) -> Option<u64> {
        self.contact.or(self.began)
    }

    /// Writes an entry, applies it, hands it out.
    fn record(&mut self, now: u64, entry: Entry) -> Applied {
        let stamp = self.stamp(now);
        self.append(stamp, entry)
    }

    fn stamp(&self, now: u64) -> Stamp {
        // To the millisecond: what lies below is noise, and noise is what flash is worn out by.
        let monotonic_ns = now.saturating_sub(now % NS_PER_MS);
        Stamp { boot: self.state.boot(), monotonic_ns, unix_ms: self.unix_ms(now) }
    }

    fn append(&mut self, stamp: Stamp, entry: Entry) -> Applied {
        let record = Record { number: self.state.last_record().saturating_add(1), stamp, entry };
        self.witness_record(record.number, &record.entry);
        let applied = self.state.apply_to(&record, &mut self.leaves);
        self.outputs.push_back(Output::Append(record));
        self.outputs.extend(self.leaves.drain(..).map(Output::Leaf));
        applied
    }

    fn event(&mut self, event: DcuEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    /// An event that is a promise: it waits until everything recorded so far is durable.
    fn receipt(&mut self, event: DcuEvent) {
        self.receipts.push_back((self.state.last_record(), event));
    }

    fn alarm(&mut self, now: u64, meter: Option<MeterIx>, code: AlarmCode) {
        self.record(now, Entry::Alarm { meter, code });
        self.event(DcuEvent::Alarm { meter, code });
    }

    fn buffer(&mut self) -> Vec<u8> {
        let mut buffer = self.buffers.pop().unwrap_or_default();
        buffer.clear();
        buffer
    }
}
