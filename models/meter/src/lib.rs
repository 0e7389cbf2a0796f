//! The simulated meter: metrology and a latching relay behind a DLMS server.
//!
//! To whoever reads it, it is bytes: a real meter can take its place. To the simulated world it is a load and a switch:
//!
//! ```text
//!   line ──▶ energised? ──▶ relay closed? ──▶ load (what the appliances want, mW)
//!                 │                │
//!                 ▼                ▼
//!          DLMS server answers   energy counts, credit runs down
//! ```
//!
//! Time is nanoseconds since the start of the run; the meter's own clock is an offset to it and can be set. The state
//! between two calls follows from the last one, so nothing needs to be called every second: energy is integrated
//! exactly, rows of the load profile are filled in at their hour marks whenever the meter is next looked at. What acts
//! by itself needs a wake, see [`Meter::next_deadline`]: credit kept in the meter runs out, an alarm is pushed, a restart
//! ends.
//!
//! Bytes come in by [`Meter::handle_receive`] and go out by [`Meter::poll_output`]: one answer, several where an answer
//! goes in a window of blocks, or a push that nobody asked for. Drain it after every call that names a time.
//!
//! What trips people up:
//! - The meter sits before its relay: with the relay open it still answers. Without line voltage it does not.
//! - [`Meter::lit`] is the customer's view, [`Meter::energised`] the line's.
//! - After a power loss the associations are gone; the relay does what the configuration says, at the moment at which
//!   power returns.
//! - Hours that end without power leave no row in the profile.
//! - The invocation counter skips to the end of its block at every restart: it never repeats ([`access`]).
//! - An activated image restarts the meter: it is silent for a while, and its associations are gone.

pub mod access;
mod alarm;
pub mod clock;
mod config;
mod credit;
mod extras;
mod firmware;
pub mod gasp;
mod gasp_log;
mod limit;
mod metrology;
mod objects;
mod payg;
mod profile;
mod state;
mod sts;
pub mod supercap;

pub use access::MeterAccess;
pub use config::MeterConfig;
pub use firmware::firmware_image;
pub use gasp::{GaspConfig, GaspOutput, LastGasp, Supply};
pub use gasp_log::{Code, GaspLog};
pub use payg::PaygDevice;
pub use profile::status;
pub use sts::{Counts, Done, Keyed, StsConfig};

use taa_dlms::apdu::DataNotification;
use taa_dlms::cosem::model::Effect;
use taa_dlms::cosem::{DisconnectControl, Level};
use taa_dlms::obis::alarm as alarm_bit;
use taa_dlms::server::{Port, PortOutput, Server};

use state::State;

/// How long a meter is silent while it starts a new image (assumed).
const RESTART_NS: u64 = 20_000_000_000;
/// Pushes go to the management client.
const PUSH_CLIENT: u16 = 1;

/// A meter. See the [crate](self).
pub struct Meter {
    server: Server,
    port: Port,
    state: State,
    /// Until when it starts a new image.
    restart_ns: Option<u64>,
}

/// What a meter did by itself or on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeterEvent {
    /// The relay moved.
    RelayChanged {
        /// When, ns since the start of the run.
        at_ns: u64,
        /// It is closed now.
        closed: bool,
        /// Who moved it.
        why: RelayWhy,
    },
    /// It restarts with the image of that identifier.
    ImageActivated {
        /// When, ns since the start of the run.
        at_ns: u64,
    },
}

/// Who moved the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayWhy {
    /// An order through the server.
    Remote,
    /// Credit in the meter ran out, or came (by order or by keypad).
    Credit,
    /// It waits open after a restart.
    Boot,
    /// It felt tampered with.
    Tamper,
    /// More power than a token allows, or the pause after it is over.
    Limit,
}

impl Meter {
    /// A meter at time 0, relay closed (open where credit is kept in the meter and there is none).
    #[must_use]
    pub fn new(config: MeterConfig) -> Self {
        let mut state = State::new(config);
        let server = state.memory.server(&state.config);
        Self { server, port: Port::new(state.config.link.clone()), state, restart_ns: None }
    }

    // Getters.

    /// The relay is closed.
    #[must_use]
    pub const fn relay_closed(&self) -> bool {
        self.state.relay.output()
    }

    /// There is voltage on the line.
    #[must_use]
    pub const fn energised(&self) -> bool {
        self.state.energised
    }

    /// The meter is broken.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        self.state.dead
    }

    /// The customer has power: voltage, a working meter, the relay closed.
    #[must_use]
    pub const fn lit(&self) -> bool {
        self.state.lit()
    }

    /// What the customer draws, mW.
    #[must_use]
    pub const fn power_drawn_mw(&self) -> i64 {
        self.state.power_drawn_mw()
    }

    /// Energy counted up to the last call that named a time, mWh rounded down.
    #[must_use]
    pub const fn energy_mwh(&self) -> u64 {
        self.state.energy.mwh()
    }

    /// Energy counted up to the last call that named a time, Wh rounded down: what the register shows.
    #[must_use]
    pub const fn energy_wh(&self) -> u64 {
        self.state.energy.wh()
    }

    /// Credit left, minor units rounded down; 0 where credit is not kept in the meter.
    #[must_use]
    pub fn credit_balance_minor(&self) -> i64 {
        self.state.credit.as_ref().map_or(0, credit::Credit::balance_minor)
    }

    /// All credit ever loaded, opening credit included, minor units; 0 where credit is not kept in the meter.
    #[must_use]
    pub fn credit_total_minor(&self) -> i64 {
        self.state.credit.as_ref().map_or(0, credit::Credit::loaded_minor)
    }

    /// Credit that was written over DLMS, all ever, opening credit included, minor units.
    #[must_use]
    pub fn credit_written_minor(&self) -> i64 {
        self.state.credit.as_ref().map_or(0, |credit| credit.total_minor)
    }

    /// Credit that came by tokens, all ever, 1/100000 of the currency's unit (Wh where it counts energy).
    #[must_use]
    pub fn credit_tokens_u(&self) -> i64 {
        self.state.credit.as_ref().map_or(0, |credit| credit.tokens_u)
    }

    /// What belongs to the decoder's key in force.
    #[must_use]
    pub fn sts_state(&self) -> Option<&taa_tokens::sts::meter::State> {
        self.state.sts.as_ref().map(sts::Slot::state)
    }

    /// How many TIDs it remembers.
    #[must_use]
    pub fn tids_remembered(&self) -> usize {
        self.state.sts.as_ref().map_or(0, |slot| slot.memory().kept().len())
    }

    /// The largest power that a token allows, W.
    #[must_use]
    pub const fn power_limit_w(&self) -> Option<u32> {
        self.state.limit.watts()
    }

    /// It waits for somebody to clear a tampering.
    #[must_use]
    pub const fn is_tampered(&self) -> bool {
        self.state.tampered
    }

    /// The management client is associated.
    #[must_use]
    pub const fn is_associated(&self) -> bool {
        self.server.is_managed()
    }

    /// What runs: the identifier of the image activated last.
    #[must_use]
    pub fn firmware(&self) -> &[u8] {
        &self.state.firmware
    }

    /// Blocks of images taken so far, the same one counted as often as it came.
    #[must_use]
    pub const fn image_blocks(&self) -> u64 {
        self.state.image_blocks
    }

    /// Alarms that no client has confirmed: bits of `taa_dlms::obis::alarm`.
    #[must_use]
    pub const fn alarms_pending(&self) -> u32 {
        self.state.alarms.descriptor()
    }

    /// When the meter will act by itself if nothing changes before: credit runs out, a daily fee falls due, an alarm is
    /// to be pushed, a restart ends, a link lapses.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let push = Some(self.state.alarms.due_ns()).filter(|due| *due != u64::MAX);
        let push = push.map(|due| self.restart_ns.map_or(due, |up| up.max(due)));
        let gasp = self.state.gasp.as_ref().and_then(LastGasp::deadline);
        [gasp, self.state.credit_deadline(), self.state.limit_deadline(), push, self.restart_ns, self.port.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    // What happens to it.

    /// Line voltage came or went.
    pub fn handle_power(&mut self, now: u64, energised: bool) {
        self.state.advance(now);
        let rms_dv = if energised { self.state.config.nominal_voltage_dv } else { 0 };
        self.handle_line(now, rms_dv);
        let was_powered = self.state.powered();
        self.state.energised = energised;
        self.power_changed(now, was_powered);
    }

    /// RMS voltage on the line from now on, tenths of a volt, for the last-gasp logic: a sag need not be a loss of power.
    pub fn handle_line(&mut self, now: u64, rms_dv: u16) {
        if let Some(gasp) = self.state.gasp.as_mut().filter(|_| !self.state.dead) {
            gasp.handle_power(now, rms_dv);
        }
    }

    /// Its last-gasp logic, if it has one: what comes out of it leaves by the radio before all else.
    pub const fn gasp_mut(&mut self) -> Option<&mut LastGasp> {
        self.state.gasp.as_mut()
    }

    /// Its last-gasp logic, if it has one.
    #[must_use]
    pub const fn gasp(&self) -> Option<&LastGasp> {
        self.state.gasp.as_ref()
    }

    /// The meter breaks (neither answers nor passes power) or is replaced.
    pub fn handle_fault(&mut self, now: u64, dead: bool) {
        self.state.advance(now);
        let was_powered = self.state.powered();
        self.state.dead = dead;
        self.power_changed(now, was_powered);
    }

    /// Its token gateway breaks, or works again: while it is broken it refuses every call, and the keypad goes on.
    pub const fn handle_gateway_fault(&mut self, broken: bool) {
        self.state.gateway_broken = broken;
    }

    /// The meter feels tampered with: it opens, and refuses to close until [`Self::clear_tamper`]. `true` when the relay
    /// moved. Without power it feels nothing.
    pub fn handle_tamper(&mut self, now: u64) -> bool {
        self.state.advance(now);
        let before = self.state.relay.output();
        if self.state.powered() {
            self.state.tampered = true;
            self.state.raise(now, alarm_bit::TAMPERED);
            self.state.move_relay(now, RelayWhy::Tamper, DisconnectControl::boot_open);
        }
        before != self.state.relay.output()
    }

    /// The deciding party has cleared the tampering. Where credit is kept in the meter it closes by itself (without power
    /// at its next start), else it waits for an order. `true` when the relay moved.
    pub fn clear_tamper(&mut self, now: u64) -> bool {
        self.state.advance(now);
        let before = self.state.relay.output();
        self.state.clear_tamper(now);
        before != self.state.relay.output()
    }

    /// Somebody sets the meter's clock.
    pub fn handle_clock(&mut self, now: u64, unix_ms: i64) {
        self.state.advance(now);
        self.state.set_clock(unix_ms);
        self.state.set_gasp_clock(unix_ms);
        self.state.raise(now, alarm_bit::CLOCK_RESET);
    }

    /// The radio has found a way (anew): what is pending is told again.
    pub fn handle_linked(&mut self, now: u64) {
        self.state.advance(now);
        self.state.tell_again(now);
        if let Some(gasp) = &mut self.state.gasp {
            gasp.handle_linked(now);
        }
    }

    /// What the customer's appliances want from now on, mW; it is drawn while the meter is [`Self::lit`].
    pub fn set_load(&mut self, now: u64, power_mw: i64) {
        self.state.advance(now);
        self.state.set_load(power_mw);
    }

    /// Voltage on the line as the register will show it, tenths of a volt.
    pub const fn set_voltage(&mut self, decivolts: u16) {
        self.state.voltage_dv = decivolts;
    }

    /// Time has come this far. Needed only before a getter of energy or credit is read.
    pub fn advance(&mut self, now: u64) {
        self.state.advance(now);
    }

    /// [`Self::next_deadline`] has come.
    pub fn handle_timeout(&mut self, now: u64) {
        self.state.advance(now);
        if let Some(gasp) = &mut self.state.gasp {
            gasp.handle_timeout(now);
        }
        self.end_restart(now);
        if self.is_up() {
            self.port.handle_timeout(now, &mut self.server, &mut self.state);
            if now >= self.state.alarms.due_ns() {
                self.push(now);
            }
            self.follow_up(now);
        }
    }

    /// Bytes arrived: a whole frame over datagrams, any piece over streams and lines.
    pub fn handle_receive(&mut self, now: u64, bytes: &[u8]) {
        self.state.advance(now);
        self.end_restart(now);
        if self.is_up() {
            let managed = self.server.is_managed();
            self.port.handle_receive(now, &mut self.server, &mut self.state, bytes);
            if !managed && self.server.is_managed() {
                self.state.tell_again(now);
            }
            self.follow_up(now);
        }
    }

    /// Somebody has typed a token into the keypad: 20 digits, spaces and hyphens between them are passed over. Without
    /// power nothing happens: the display is dark.
    pub fn handle_keypad_digits(&mut self, now: u64, digits: &str) -> Keyed {
        self.state.advance(now);
        self.state.key_in(now, digits)
    }

    /// What is to be sent, or done to the line, in order.
    pub fn poll_output(&mut self) -> Option<PortOutput> {
        self.port.poll_output()
    }

    /// What the meter did, oldest first.
    pub fn poll_event(&mut self) -> Option<MeterEvent> {
        self.state.events.pop_front()
    }

    /// It listens.
    const fn is_up(&self) -> bool {
        self.state.powered() && self.restart_ns.is_none()
    }

    fn power_changed(&mut self, now: u64, was_powered: bool) {
        match (was_powered, self.state.powered()) {
            (true, false) => {
                self.stop();
                self.restart_ns = None;
                self.state.power_lost();
            }
            (false, true) => {
                self.server = self.state.memory.server(&self.state.config);
                self.state.boot(now);
                self.state.raise(now, alarm_bit::POWER_BACK);
                self.state.tell_again(now);
            }
            _ => {}
        }
    }

    /// Associations and what was to be sent are gone; what must not be forgotten is written down.
    fn stop(&mut self) {
        self.state.memory.note_floors(&self.server);
        self.port.handle_closed(&mut self.server);
        while self.port.poll_output().is_some() {}
    }

    fn end_restart(&mut self, now: u64) {
        if self.restart_ns.is_some_and(|up| up <= now) {
            self.restart_ns = None;
            self.server = self.state.memory.server(&self.state.config);
            self.state.boot(now);
            self.update_gasp(now, false);
            self.state.raise(now, alarm_bit::IMAGE_ACTIVATED);
        }
    }

    fn update_gasp(&mut self, now: u64, under_way: bool) {
        if let Some(gasp) = &mut self.state.gasp {
            gasp.handle_update(now, under_way);
        }
    }

    /// What a request entails once its answer is made.
    fn follow_up(&mut self, now: u64) {
        self.state.memory.reserve(&mut self.server);
        if std::mem::take(&mut self.state.keys_changed)
            && let Some(keys) = self.state.memory.keys()
        {
            self.server.replace_keys(Level::Management, keys);
        }
        while let Some(effect) = self.state.extras.poll_effect() {
            match effect {
                Effect::Push(_) => self.push(now),
                Effect::ImageActivated(identifier) => {
                    self.state.firmware = identifier.into();
                    self.state.events.push_back(MeterEvent::ImageActivated { at_ns: now });
                    self.restart_ns = Some(now.saturating_add(RESTART_NS));
                    self.update_gasp(now, true);
                    self.state.memory.note_floors(&self.server);
                    self.server.handle_power_lost();
                }
                _ => {}
            }
        }
    }

    /// Sends what the push setup lists. Nothing goes out that could not be protected; it is tried again like any other.
    fn push(&mut self, now: u64) {
        let number = self.state.alarms.pushed(now, extras::pace(&self.state.extras));
        let mut body = Vec::with_capacity(64);
        self.state.put_push_body(&mut body);
        let mut message = Vec::with_capacity(128);
        DataNotification { long_invoke_id: number & 0x00FF_FFFF, date_time: None, body: &body }.encode(&mut message);
        if self.server.protect_push(Level::Management, &mut message).is_ok() {
            self.port.push(&self.server, PUSH_CLIENT, &message);
        }
        self.state.memory.reserve(&mut self.server);
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").field("config", &self.state.config).finish_non_exhaustive()
    }
}
