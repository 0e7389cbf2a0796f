//! Last gasp: the meter tells that its supply goes, from what is left in its capacitor, and that it is back.
//!
//! ```text
//!  RMS < 80 %  ─ 3 cycles ─▶ event ─▶ slot ─▶ send ─▶ acknowledged? ─▶ done        ┌▶ Power Up, spread out
//!      │                              ▲          │ no, and the voltage holds        │
//!      └ back before: nothing         └──────────┘   …else: 0x04F at the next boot ─┴─ good for `stable_ms`
//! ```
//!
//! Methods: getters; `handle_*`; commands ([`LastGasp::set_priority`], [`LastGasp::simulate`]); [`LastGasp::poll_output`].
//! Time is nanoseconds since the start of the run; call [`LastGasp::handle_timeout`] at [`LastGasp::deadline`].
//!
//! What trips people up:
//! - The voltage at the terminals is what counts; a line between `supply_percent` and 80 % still feeds the meter, so its
//!   gasp costs the capacitor nothing.
//! - With 250 ms of hold-up 190 ms are left after detection: at 50 kbit/s that is time for a handful of frames, less than
//!   the documents' own least of 200 ms (`MIN_DISCHARGE_TIME`).
//! - While the supply comes and goes without settling, it is one event: its number stays the same, also over a reboot.
//! - A capacitor that dies before the three cycles are over leaves nothing in flash but the mark of a good supply, which
//!   the record of the power down would have closed: the next start finds it open, and tells what was missed.
//! - A firmware update disables it, and nothing enables it again but a hand or a script that remembers to: the
//!   concentrator reads `EVENT_PRIORITY_OUTAGE` back ([`taa_dlms::obis::GASP_PRIORITY`]).

use std::collections::VecDeque;

use taa_gasp::{Guid, Header, Kind, PACKET_BYTES, Packet, Seal, back_for};
use taa_keys::{Key, hash};

use crate::clock::DriftingClock;
use crate::gasp_log::{Code, GaspLog};
use crate::supercap::{Supercap, SupercapSpec};

const NS_PER_MS: u64 = 1_000_000;
/// Counters reserved at once in flash.
const COUNTER_BLOCK: u32 = 64;
/// A Power Up that nobody acknowledges is given up after so many tries: a poll will find the meter.
const POWER_UP_ATTEMPTS: u32 = 5;
/// A clock found to be off by more than this belies the packets of before (the documents' window).
const CLOCK_WINDOW_MS: u128 = 500;

/// How the logic is set up.
#[derive(Clone, Debug)]
pub struct GaspConfig {
    /// Who it is.
    pub guid: Guid,
    /// Of this meter alone: [`taa_gasp::meter_key`].
    pub key: Key,
    /// Of this commissioning.
    pub epoch: u16,
    /// `EVENT_PRIORITY_OUTAGE`: 1 is the most urgent, 0 sends none.
    pub priority: u8,
    /// Nominal voltage, tenths of a volt.
    pub nominal_dv: u16,
    /// A cycle, ns: 20 ms at 50 Hz.
    pub cycle_ns: u64,
    /// Below this share of nominal the supply counts as gone.
    pub sag_percent: u8,
    /// For so many cycles on end.
    pub sag_cycles: u8,
    /// Below this share the line does not feed the meter any more.
    pub supply_percent: u8,
    /// At or above this share it counts as good again.
    pub good_percent: u8,
    /// Good for so long: the event is over.
    pub stable_ms: u32,
    /// Length of a slot, µs: about one frame.
    pub slot_us: u32,
    /// The first try falls into one of so many slots; each further one into twice as many. With 250 ms of hold-up a try that
    /// begins later than 61 ms after detection cannot be finished (its 6 mJ are there, but not the volts that the internal
    /// resistance takes): four slots of a frame.
    pub slots_first: u32,
    /// Never into more.
    pub slots_max: u32,
    /// Tries at most in one event, for as long as the voltage holds.
    pub attempts_max: u32,
    /// On the air for one packet, acknowledgement included, µs.
    pub airtime_us: u32,
    /// What the link carries in one frame, bytes.
    pub frame_payload_bytes: usize,
    /// Weaker than this towards the parent is noted in the log, dBm.
    pub signal_low_dbm: i16,
    /// Power Up is sent within so long after the event is over, ms.
    pub power_up_spread_ms: u32,
    /// The priority outlives a firmware update.
    pub kept_by_update: bool,
    /// The capacitor.
    pub supercap: SupercapSpec,
    /// The clock at time 0, Unix microseconds.
    pub unix_us_at_zero: u64,
    /// How much too fast it runs, thousand-millionths.
    pub drift_ppb: i32,
}

impl GaspConfig {
    /// As the documents have it: 80 % for three cycles of 50 Hz, a capacitor of 250 ms, the most urgent priority.
    #[must_use]
    pub fn new(guid: Guid, key: Key) -> Self {
        Self {
            guid,
            key,
            epoch: 1,
            priority: 1,
            nominal_dv: 2300,
            cycle_ns: 20 * NS_PER_MS,
            sag_percent: 80,
            sag_cycles: 3,
            supply_percent: 50,
            good_percent: 85,
            stable_ms: 5000,
            slot_us: 20_000,
            slots_first: 4,
            slots_max: 256,
            attempts_max: 32,
            airtime_us: 20_000,
            frame_payload_bytes: PACKET_BYTES,
            signal_low_dbm: -100,
            power_up_spread_ms: 30_000,
            kept_by_update: false,
            supercap: SupercapSpec::for_hold_up(250.0),
            unix_us_at_zero: 0,
            drift_ppb: 0,
        }
    }
}

impl GaspConfig {
    /// On a link where one packet takes so long (acknowledgement included, µs): slots of that length, and as many in the
    /// first window as the capacitor can wait for, up to 1.6 s: what comes later misses the concentrator's window of 2 s.
    #[must_use]
    pub fn on_link(mut self, airtime_us: u32) -> Self {
        const LATEST_US: u32 = 1_600_000;
        (self.airtime_us, self.slot_us) = (airtime_us, airtime_us.max(1));
        let (airtime_s, detect_s) =
            (f64::from(airtime_us) * 1e-6, self.cycle_ns as f64 * 1e-9 * f64::from(self.sag_cycles));
        let carries = |slot: &u32| {
            let mut cap = Supercap::new(self.supercap);
            cap.listen(detect_s + f64::from(*slot) * f64::from(self.slot_us) * 1e-6);
            !cap.is_empty() && cap.can_send(airtime_s)
        };
        let most = (LATEST_US / self.slot_us).max(1);
        self.slots_first = (0..most).take_while(carries).fold(1, |_, slot| slot + 1);
        self.slots_max = self.slots_max.max(self.slots_first);
        self
    }
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaspOutput {
    /// Send this in one frame, before all data; then call [`LastGasp::handle_sent`].
    Transmit {
        /// 1 is the most urgent.
        priority: u8,
        /// The sealed packet.
        packet: [u8; PACKET_BYTES],
    },
}

/// What the meter lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// The line.
    Line,
    /// Its capacitor.
    Capacitor,
    /// Nothing: it is off.
    Gone,
}

/// What survives in flash.
#[derive(Clone, Debug)]
struct Memory {
    event: u32,
    counter_bound: u32,
    priority: u8,
    /// A gasp was begun, and no neighbour has acknowledged it.
    unheard: bool,
    /// A Power Up is owed.
    owes_up: bool,
    /// The supply was good, and no loss of it has been written down since.
    good: bool,
    log: GaspLog,
}

/// Something that is being told.
#[derive(Clone, Copy, Debug)]
struct Telling {
    kind: Kind,
    test: bool,
    attempts: u32,
    /// When it is sent next; `None` while it is on the air.
    at_ns: Option<u64>,
}

/// The logic of one meter. See the [module](self).
#[derive(Clone, Debug)]
pub struct LastGasp {
    config: GaspConfig,
    seal: Seal,
    clock: DriftingClock,
    cap: Supercap,
    memory: Memory,
    counter: u32,
    supply: Supply,
    rms_dv: u16,
    now_ns: u64,
    sag_since: Option<u64>,
    good_since: Option<u64>,
    /// No outage since the supply last settled.
    settled: bool,
    /// The radio has a way: after a restart it must find one first.
    linked: bool,
    updating: bool,
    signal_dbm: Option<i16>,
    telling: Option<Telling>,
    out: VecDeque<GaspOutput>,
}

impl LastGasp {
    /// A meter on a good line at time 0, its capacitor new and charged.
    #[must_use]
    pub fn new(config: GaspConfig) -> Self {
        let memory = Memory {
            event: 0,
            counter_bound: COUNTER_BLOCK,
            priority: config.priority,
            unheard: false,
            owes_up: false,
            good: true,
            log: GaspLog::default(),
        };
        Self {
            seal: Seal::new(config.guid, &config.key),
            clock: DriftingClock::new(config.unix_us_at_zero, config.drift_ppb),
            cap: Supercap::new(config.supercap),
            memory,
            counter: 1,
            supply: Supply::Line,
            rms_dv: config.nominal_dv,
            now_ns: 0,
            sag_since: None,
            good_since: Some(0),
            settled: true,
            linked: true,
            updating: false,
            signal_dbm: None,
            telling: None,
            out: VecDeque::new(),
            config,
        }
    }

    // Getters.

    /// What the meter lives on.
    #[must_use]
    pub const fn supply(&self) -> Supply {
        self.supply
    }

    /// Number of the outage that it counted last.
    #[must_use]
    pub const fn event(&self) -> u32 {
        self.memory.event
    }

    /// `EVENT_PRIORITY_OUTAGE` as it stands; 0: no gasp will be sent.
    #[must_use]
    pub const fn priority(&self) -> u8 {
        self.memory.priority
    }

    /// Its log, as the optical port shows it.
    #[must_use]
    pub const fn log(&self) -> &GaspLog {
        &self.memory.log
    }

    /// The capacitor: to warm it, to age it.
    pub const fn capacitor_mut(&mut self) -> &mut Supercap {
        &mut self.cap
    }

    /// When it will act if nothing happens before, ns.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        let detect = self.sag_since.map(|since| since.saturating_add(self.detect_ns()));
        let dies = (self.supply == Supply::Capacitor)
            .then(|| self.now_ns.saturating_add(ns(self.cap.lasts_s()).saturating_add(1)));
        let settles = self.good_since.filter(|_| !self.settled).map(|since| since.saturating_add(self.stable_ns()));
        let tells = self.telling.and_then(|telling| telling.at_ns);
        [detect, dies, settles, tells].into_iter().flatten().min()
    }

    // What happens to it.

    /// RMS voltage on the line from now on, tenths of a volt.
    pub fn handle_power(&mut self, now: u64, rms_dv: u16) {
        self.handle_timeout(now);
        self.rms_dv = rms_dv;
        let percent = self.rms_percent();
        if percent < self.config.supply_percent {
            if self.supply == Supply::Line {
                self.supply = Supply::Capacitor;
            }
        } else {
            if self.supply == Supply::Gone {
                self.boot();
            }
            self.supply = Supply::Line;
        }
        if percent >= self.config.good_percent {
            if self.good_since.is_none() {
                self.good_since = Some(now);
            }
            self.sag_since = None;
            (self.memory.unheard, self.memory.good) = (false, true);
            self.telling = self.telling.filter(|telling| telling.kind == Kind::PowerUp || telling.test);
        } else if percent < self.config.sag_percent {
            if self.good_since.is_some() || (self.sag_since.is_none() && self.settled) {
                self.sag_since = Some(now);
            }
            self.good_since = None;
        } else {
            // Neither good nor gone: cycles on end are counted anew, and an event goes on.
            self.sag_since = None;
        }
    }

    /// [`Self::deadline`] has come. Calling too early or too late is harmless.
    pub fn handle_timeout(&mut self, now: u64) {
        while let Some(at) = self.deadline().filter(|at| *at <= now) {
            self.live(at);
            self.act(at);
        }
        self.live(now);
    }

    /// The packet is off the air; whether a neighbour acknowledged it.
    pub fn handle_sent(&mut self, now: u64, acknowledged: bool) {
        self.handle_timeout(now);
        if self.supply == Supply::Capacitor {
            self.cap.send(self.sending_s());
        }
        let Some(mut telling) = self.telling.take() else { return };
        telling.attempts += 1;
        let attempts_max = if telling.kind == Kind::PowerUp { POWER_UP_ATTEMPTS } else { self.config.attempts_max };
        if acknowledged {
            match telling.kind {
                _ if telling.test => {}
                Kind::PowerDown => self.memory.unheard = false,
                Kind::PowerUp => self.memory.owes_up = false,
            }
        } else if telling.attempts < attempts_max {
            telling.at_ns = Some(self.slot_at(now, telling));
            self.telling = Some(telling);
        } else if telling.kind == Kind::PowerUp {
            self.memory.owes_up = false;
        }
    }

    /// On the capacitor: the frame is off the air, nobody has acknowledged it, and there is somebody else to ask at once. Whether
    /// the charge holds another one; then the same packet is sent again, and [`Self::handle_sent`] follows that.
    pub fn try_another(&mut self, now: u64) -> bool {
        self.handle_timeout(now);
        let mut after = self.cap;
        after.send(self.sending_s());
        let holds = self.supply == Supply::Capacitor
            && self.telling.is_some()
            && !after.is_empty()
            && after.can_send(f64::from(self.config.airtime_us) * 1e-6);
        if holds {
            self.cap = after;
        }
        holds
    }

    /// The radio has found a way (anew): a Power Up that is owed is told.
    pub fn handle_linked(&mut self, now: u64) {
        self.handle_timeout(now);
        if !std::mem::replace(&mut self.linked, true) {
            self.tell_up(now);
        }
    }

    /// How strong the parent is heard, dBm.
    pub const fn handle_signal(&mut self, dbm: i16) {
        self.signal_dbm = Some(dbm);
    }

    /// A firmware update begins, or ends. While it lasts there is no gasp; afterwards the priority is 0 unless updates keep
    /// it: whoever loads an image looks.
    pub fn handle_update(&mut self, now: u64, under_way: bool) {
        self.handle_timeout(now);
        self.updating = under_way;
        if !under_way && !self.config.kept_by_update {
            self.memory.priority = 0;
        }
    }

    /// Somebody sets the clock. One found to be off by more than half a second is noted as 0x092.
    pub fn handle_clock(&mut self, now: u64, unix_us: u64) {
        self.handle_timeout(now);
        let was_set = self.clock.is_set();
        let off = self.clock.set(now, unix_us);
        if was_set && off.as_millis() > CLOCK_WINDOW_MS {
            self.note(Code::TimeSync);
        }
    }

    // Commands.

    /// Sets `EVENT_PRIORITY_OUTAGE`, 0 to 15.
    pub fn set_priority(&mut self, priority: u8) {
        self.memory.priority = priority.min(15);
    }

    /// Runs the logic and sends a packet marked as a test; the customer's supply is not touched. False while something
    /// true is being told, or where no gasp would be sent either.
    pub fn simulate(&mut self, now: u64) -> bool {
        self.handle_timeout(now);
        let able = self.supply == Supply::Line && self.telling.is_none() && self.is_armed();
        if able {
            self.tell(now, Kind::PowerDown, true);
        }
        able
    }

    // What comes out.

    /// The next output.
    pub fn poll_output(&mut self) -> Option<GaspOutput> {
        self.out.pop_front()
    }

    // Below: helpers.

    /// Brings the capacitor up to that time.
    fn live(&mut self, now: u64) {
        let seconds = now.saturating_sub(self.now_ns) as f64 * 1e-9;
        self.now_ns = self.now_ns.max(now);
        match self.supply {
            Supply::Line => self.cap.charge(seconds),
            Supply::Capacitor => self.cap.listen(seconds),
            Supply::Gone => {}
        }
        if self.supply == Supply::Capacitor && self.cap.is_empty() {
            self.supply = Supply::Gone;
            self.telling = None;
            self.out.clear();
            self.sag_since = None;
        }
    }

    /// What a frame takes from the capacitor, as seconds of sending: listening was reckoned already.
    fn sending_s(&self) -> f64 {
        let spec = self.config.supercap;
        let share = (spec.send_w - spec.listen_w).max(0.0) / spec.send_w;
        f64::from(self.config.airtime_us) * 1e-6 * share
    }

    /// What is due at this instant.
    fn act(&mut self, now: u64) {
        if self.sag_since.is_some_and(|since| since.saturating_add(self.detect_ns()) <= now) {
            self.sag_since = None;
            self.power_down(now);
        }
        let settles = self.good_since.filter(|_| !self.settled).map(|since| since.saturating_add(self.stable_ns()));
        if settles.is_some_and(|at| at <= now) {
            self.settled = true;
            self.tell_up(now);
        }
        if let Some(telling) = self.telling.filter(|telling| telling.at_ns.is_some_and(|at| at <= now)) {
            self.transmit(telling);
        }
    }

    /// Three cycles are over.
    fn power_down(&mut self, now: u64) {
        if self.write_down() {
            self.tell(now, Kind::PowerDown, false);
        }
    }

    /// A loss of supply goes to flash; false where the logic is disabled.
    fn write_down(&mut self) -> bool {
        self.memory.good = false;
        if !self.is_armed() {
            self.note(Code::Disabled);
            return false;
        }
        if std::mem::take(&mut self.settled) {
            self.memory.event = self.memory.event.saturating_add(1);
        }
        (self.memory.unheard, self.memory.owes_up) = (true, true);
        true
    }

    /// What is owed is told once the supply has settled and the radio has a way.
    fn tell_up(&mut self, now: u64) {
        if self.memory.owes_up && self.settled && self.linked && self.is_armed() {
            self.tell(now, Kind::PowerUp, false);
        }
    }

    fn tell(&mut self, now: u64, kind: Kind, test: bool) {
        let telling = Telling { kind, test, attempts: 0, at_ns: None };
        self.telling = Some(Telling { at_ns: Some(self.slot_at(now, telling)), ..telling });
    }

    /// A slot of the window, which doubles with each try.
    fn slot_at(&self, now: u64, telling: Telling) -> u64 {
        let (slot_us, slots) = match telling.kind {
            Kind::PowerDown => (self.config.slot_us, self.config.slots_first),
            Kind::PowerUp => (self.config.slot_us, self.config.power_up_spread_ms * 1000 / self.config.slot_us.max(1)),
        };
        let doubled = slots.max(1).checked_shl(telling.attempts.min(16)).unwrap_or(u32::MAX);
        let window = doubled.min(self.config.slots_max.max(slots)).max(1);
        let guid = &self.config.guid.0;
        let numbers = [self.memory.event, self.counter, telling.attempts].map(u32::to_be_bytes);
        let mixed = hash::sha256(&[guid, &numbers[0], &numbers[1], &numbers[2]]);
        let number = u32::from_be_bytes([mixed[0], mixed[1], mixed[2], mixed[3]]);
        now.saturating_add(u64::from(number % window) * u64::from(slot_us) * 1000)
    }

    fn transmit(&mut self, telling: Telling) {
        if PACKET_BYTES > self.config.frame_payload_bytes {
            // Of two halves one is lost too often, and there is no time to ask for it again.
            self.note(Code::PacketFragmented);
            self.telling = None;
            return;
        }
        let seconds = f64::from(self.config.airtime_us) * 1e-6;
        if self.supply == Supply::Capacitor && !self.cap.can_send(seconds) {
            self.telling = None;
            return;
        }
        if self.signal_dbm.is_some_and(|dbm| dbm < self.config.signal_low_dbm) && telling.attempts == 0 {
            self.note(Code::SignalLow);
        }
        let Some(counter) = self.next_counter() else {
            self.telling = None;
            return;
        };
        // It may have taken minutes to find a way: what counts is when the light came back.
        let back_ns =
            self.good_since.filter(|_| telling.kind == Kind::PowerUp).map(|at| self.now_ns.saturating_sub(at));
        let capacitor_mv = back_ns.map_or_else(|| self.cap.millivolts(), |ns| back_for(ns / 1_000_000_000));
        let packet = Packet {
            header: Header { kind: telling.kind, guid: self.config.guid, epoch: self.config.epoch, counter },
            event: self.memory.event,
            at_unix_us: self.clock.unix_us(self.now_ns),
            clock_set: self.clock.is_set(),
            capacitor_mv,
            rms_percent: self.rms_percent(),
            priority: self.memory.priority,
            test: telling.test,
        };
        self.out.push_back(GaspOutput::Transmit { priority: self.memory.priority, packet: self.seal.seal(&packet) });
        self.telling = Some(Telling { at_ns: None, ..telling });
    }

    /// A counter that was never used; `None` at the end of the epoch.
    fn next_counter(&mut self) -> Option<u32> {
        let counter = self.counter;
        self.counter = counter.checked_add(1)?;
        if self.counter >= self.memory.counter_bound {
            self.memory.counter_bound = self.counter.saturating_add(COUNTER_BLOCK);
        }
        Some(counter)
    }

    fn boot(&mut self) {
        self.counter = self.memory.counter_bound;
        self.memory.counter_bound = self.counter.saturating_add(COUNTER_BLOCK);
        if self.memory.good {
            // It died before it had found out.
            self.write_down();
        }
        if std::mem::take(&mut self.memory.unheard) {
            self.note(Code::CapacitorDischarge);
        }
        self.signal_dbm = None;
        self.updating = false;
        self.settled = false;
        self.linked = false;
    }

    fn note(&mut self, code: Code) {
        self.memory.log.note(self.clock.unix_us(self.now_ns), code);
    }

    const fn is_armed(&self) -> bool {
        self.memory.priority != 0 && !self.updating
    }

    fn rms_percent(&self) -> u8 {
        let percent = u32::from(self.rms_dv) * 100 / u32::from(self.config.nominal_dv.max(1));
        u8::try_from(percent).unwrap_or(u8::MAX)
    }

    fn detect_ns(&self) -> u64 {
        self.config.cycle_ns * u64::from(self.config.sag_cycles)
    }

    fn stable_ns(&self) -> u64 {
        u64::from(self.config.stable_ms) * NS_PER_MS
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a hold-up, never negative")]
fn ns(seconds: f64) -> u64 {
    libm::ceil(seconds * 1e9) as u64
}
