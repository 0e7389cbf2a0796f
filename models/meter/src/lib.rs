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
//! exactly, rows of the load profile are filled in at their hour marks whenever the meter is next looked at. One thing
//! acts by itself and needs a wake: credit kept in the meter runs out, see [`Meter::next_deadline`].
//!
//! What trips people up:
//! - The meter sits before its relay: with the relay open it still answers. Without line voltage it does not.
//! - [`Meter::lit`] is the customer's view, [`Meter::energised`] the line's.
//! - After a power loss the associations are gone; the relay does what the configuration says, at the moment at which
//!   power returns.
//! - Hours that end without power leave no row in the profile.

mod config;
mod credit;
mod keypad;
mod metrology;
mod objects;
mod profile;
mod state;

pub use config::MeterConfig;
pub use keypad::{Keyed, Number};
pub use profile::status;

use taa_dlms::cosem::DisconnectControl;
use taa_dlms::server::{Server, ServerConfig};
use taa_keys::Secret;

use state::State;

/// A meter. See the [crate](self).
#[derive(Clone, Debug)]
pub struct Meter {
    server: Server,
    state: State,
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
}

impl Meter {
    /// A meter at time 0, relay closed (open where credit is kept in the meter and there is none).
    #[must_use]
    pub fn new(config: MeterConfig) -> Self {
        let server = Server::new(ServerConfig {
            management_password: (!config.lls_password.is_empty()).then(|| Secret::new(&config.lls_password)),
            pdu_max: config.pdu_max,
            ..ServerConfig::default()
        });
        Self { server, state: State::new(config) }
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
        self.state.credit.as_ref().map_or(0, |credit| credit.total_minor)
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

    /// When the meter will act by itself if nothing changes before: credit runs out, or a daily fee falls due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.state.next_deadline()
    }

    // What happens to it.

    /// Line voltage came or went.
    pub fn handle_power(&mut self, now: u64, energised: bool) {
        self.state.advance(now);
        let was_powered = self.state.powered();
        self.state.energised = energised;
        self.power_changed(now, was_powered);
    }

    /// The meter breaks (neither answers nor passes power) or is replaced.
    pub fn handle_fault(&mut self, now: u64, dead: bool) {
        self.state.advance(now);
        let was_powered = self.state.powered();
        self.state.dead = dead;
        self.power_changed(now, was_powered);
    }

    /// The meter feels tampered with: it opens, and refuses to close until [`Self::clear_tamper`]. `true` when the relay
    /// moved. Without power it feels nothing.
    pub fn handle_tamper(&mut self, now: u64) -> bool {
        self.state.advance(now);
        let before = self.state.relay.output();
        if self.state.powered() {
            self.state.tampered = true;
            self.state.move_relay(now, RelayWhy::Tamper, DisconnectControl::boot_open);
        }
        before != self.state.relay.output()
    }

    /// The deciding party has cleared the tampering. Where credit is kept in the meter it closes by itself (without power
    /// at its next start), else it waits for an order. `true` when the relay moved.
    pub fn clear_tamper(&mut self, now: u64) -> bool {
        self.state.advance(now);
        let before = self.state.relay.output();
        self.state.tampered = false;
        if self.state.credit.is_some() {
            // What opened it was not credit, so the way back is a reconnection as if ordered; credit decides at once.
            self.state.move_relay(now, RelayWhy::Tamper, |relay| {
                let _ = relay.remote_reconnect();
            });
            self.state.mind_credit(now);
        }
        before != self.state.relay.output()
    }

    /// Somebody sets the meter's clock.
    pub fn handle_clock(&mut self, now: u64, unix_ms: i64) {
        self.state.advance(now);
        self.state.set_clock(unix_ms);
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
    }

    /// A frame arrived. `true` when `reply` (cleared first) holds the answer.
    pub fn handle_receive(&mut self, now: u64, frame: &[u8], reply: &mut Vec<u8>) -> bool {
        self.state.advance(now);
        self.state.powered() && self.server.handle_receive(&mut self.state, frame, reply)
    }

    /// Somebody has typed a number into the keypad. Without power nothing happens: the display is dark.
    pub fn handle_keypad(&mut self, now: u64, number: Number) -> Keyed {
        self.state.advance(now);
        self.state.key_in(now, number)
    }

    /// What the meter did, oldest first.
    pub fn poll_event(&mut self) -> Option<MeterEvent> {
        self.state.events.pop_front()
    }

    fn power_changed(&mut self, now: u64, was_powered: bool) {
        match (was_powered, self.state.powered()) {
            (true, false) => {
                self.server.handle_power_lost();
                self.state.power_lost();
            }
            (false, true) => self.state.boot(now),
            _ => {}
        }
    }
}
