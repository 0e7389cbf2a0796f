//! Class 70, Disconnect control: the relay and who may move it (Blue Book 4.5.8).
//!
//! ```text
//!            b                      f, g
//!   ┌──────────────── connected ─────────────┐
//!   ▼        a            ▲                  ▼
//! disconnected ───────────┘    e, h     ready for
//!   │  ▲                  └───────────  reconnection
//!   │  └──────────── c ──────────────────────┘  ▲
//!   └──────────────────── d ────────────────────┘
//! ```
//!
//! b, c remote disconnect · a, d remote reconnect · f manual, g local disconnect · e manual, h local reconnect. Which
//! of them exist is the control mode's business. A command that asks for what already is succeeds and moves nothing,
//! so that repeating an order after a lost answer is safe.

use crate::axdr::{put_bool, put_enum};

/// Class number.
pub const CLASS: u16 = 70;
/// Boolean: the relay is closed.
pub const OUTPUT_STATE: i8 = 2;
/// [`ControlState`].
pub const CONTROL_STATE: i8 = 3;
/// [`ControlMode`].
pub const CONTROL_MODE: i8 = 4;
/// Method: open the relay.
pub const REMOTE_DISCONNECT: i8 = 1;
/// Method: close the relay, or allow the customer to.
pub const REMOTE_RECONNECT: i8 = 2;

/// State of the control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ControlState {
    /// Open.
    Disconnected = 0,
    /// Closed.
    Connected = 1,
    /// Open; the customer, or the meter itself, may close it.
    ReadyForReconnection = 2,
}

/// Which transitions exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ControlMode {
    /// Always connected.
    None = 0,
    /// b, c, f, g; d, e.
    One = 1,
    /// b, c, f, g; a, e.
    Two = 2,
    /// b, c, g; d, e.
    Three = 3,
    /// b, c, g; a, e. Remote orders act at once; there is no button to disconnect.
    Four = 4,
    /// b, c, f, g; d, e, h.
    Five = 5,
    /// b, c, g; d, e, h. For prepayment: the meter itself disconnects and reconnects.
    Six = 6,
}

impl ControlMode {
    /// The mode of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::None,
            1 => Self::One,
            2 => Self::Two,
            3 => Self::Three,
            4 => Self::Four,
            5 => Self::Five,
            6 => Self::Six,
            _ => return None,
        })
    }

    const fn reconnects_directly(self) -> bool {
        matches!(self, Self::Two | Self::Four)
    }

    const fn manual_disconnect(self) -> bool {
        matches!(self, Self::One | Self::Two | Self::Five)
    }

    const fn local_reconnect(self) -> bool {
        matches!(self, Self::Five | Self::Six)
    }
}

/// The mode has no such transition from this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the control mode has no such transition from this state")]
pub struct NoTransition;

/// The relay's control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisconnectControl {
    mode: ControlMode,
    state: ControlState,
}

impl DisconnectControl {
    /// Connected, in that mode.
    #[must_use]
    pub const fn connected(mode: ControlMode) -> Self {
        Self { mode, state: ControlState::Connected }
    }

    /// The same state under another mode; mode 0 is always connected.
    #[must_use]
    pub const fn with_mode(self, mode: ControlMode) -> Self {
        let state = if matches!(mode, ControlMode::None) { ControlState::Connected } else { self.state };
        Self { mode, state }
    }

    /// The relay is closed.
    #[must_use]
    pub const fn output(self) -> bool {
        matches!(self.state, ControlState::Connected)
    }

    /// State of the control.
    #[must_use]
    pub const fn state(self) -> ControlState {
        self.state
    }

    /// Which transitions exist.
    #[must_use]
    pub const fn mode(self) -> ControlMode {
        self.mode
    }

    /// Transitions b, c.
    ///
    /// # Errors
    /// [`NoTransition`] in mode 0.
    pub const fn remote_disconnect(&mut self) -> Result<(), NoTransition> {
        if matches!(self.mode, ControlMode::None) {
            return Err(NoTransition);
        }
        self.state = ControlState::Disconnected;
        Ok(())
    }

    /// Transitions a, d.
    ///
    /// # Errors
    /// [`NoTransition`] when only the customer may reconnect.
    pub const fn remote_reconnect(&mut self) -> Result<(), NoTransition> {
        match self.state {
            ControlState::Connected => Ok(()),
            ControlState::Disconnected if self.mode.reconnects_directly() => {
                self.state = ControlState::Connected;
                Ok(())
            }
            ControlState::Disconnected => {
                self.state = ControlState::ReadyForReconnection;
                Ok(())
            }
            ControlState::ReadyForReconnection if self.mode.reconnects_directly() => Err(NoTransition),
            ControlState::ReadyForReconnection => Ok(()),
        }
    }

    /// Transition f.
    ///
    /// # Errors
    /// [`NoTransition`].
    pub const fn manual_disconnect(&mut self) -> Result<(), NoTransition> {
        if !self.mode.manual_disconnect() || !self.output() {
            return Err(NoTransition);
        }
        self.state = ControlState::ReadyForReconnection;
        Ok(())
    }

    /// Transition e.
    ///
    /// # Errors
    /// [`NoTransition`].
    pub const fn manual_reconnect(&mut self) -> Result<(), NoTransition> {
        if !matches!(self.state, ControlState::ReadyForReconnection) {
            return Err(NoTransition);
        }
        self.state = ControlState::Connected;
        Ok(())
    }

    /// Transition g: the meter itself opens.
    ///
    /// # Errors
    /// [`NoTransition`].
    pub const fn local_disconnect(&mut self) -> Result<(), NoTransition> {
        if matches!(self.mode, ControlMode::None) || !self.output() {
            return Err(NoTransition);
        }
        self.state = ControlState::ReadyForReconnection;
        Ok(())
    }

    /// Transition h: the meter itself closes.
    ///
    /// # Errors
    /// [`NoTransition`].
    pub const fn local_reconnect(&mut self) -> Result<(), NoTransition> {
        if !self.mode.local_reconnect() || !matches!(self.state, ControlState::ReadyForReconnection) {
            return Err(NoTransition);
        }
        self.state = ControlState::Connected;
        Ok(())
    }

    /// A restart that waits for an order. Not in the standard, which leaves the state after power-up to the maker.
    pub const fn boot_open(&mut self) {
        if !matches!(self.mode, ControlMode::None) {
            self.state = ControlState::Disconnected;
        }
    }

    /// Appends an attribute; `None` for a number that the class has not (or the logical name).
    pub fn put_attribute(self, attribute: i8, out: &mut Vec<u8>) -> Option<()> {
        match attribute {
            OUTPUT_STATE => put_bool(out, self.output()),
            CONTROL_STATE => put_enum(out, self.state as u8),
            CONTROL_MODE => put_enum(out, self.mode as u8),
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the standard: for each mode the transitions that exist.
    const TABLE: [(u8, &str); 7] =
        [(0, ""), (1, "bcfgde"), (2, "bcfgae"), (3, "bcgde"), (4, "bcgae"), (5, "bcfgdeh"), (6, "bcgdeh")];

    type Attempt = fn(&mut DisconnectControl) -> Result<(), NoTransition>;

    #[test]
    fn each_mode_has_the_transitions_of_the_table() {
        use ControlState::{Connected, Disconnected, ReadyForReconnection as Ready};
        let transitions: [(char, ControlState, ControlState, Attempt); 8] = [
            ('a', Disconnected, Connected, DisconnectControl::remote_reconnect),
            ('b', Connected, Disconnected, DisconnectControl::remote_disconnect),
            ('c', Ready, Disconnected, DisconnectControl::remote_disconnect),
            ('d', Disconnected, Ready, DisconnectControl::remote_reconnect),
            ('e', Ready, Connected, DisconnectControl::manual_reconnect),
            ('f', Connected, Ready, DisconnectControl::manual_disconnect),
            ('g', Connected, Ready, DisconnectControl::local_disconnect),
            ('h', Ready, Connected, DisconnectControl::local_reconnect),
        ];
        for (code, exist) in TABLE.into_iter().skip(1) {
            let mode = ControlMode::from_code(code).unwrap();
            for (letter, from, to, attempt) in transitions {
                let mut control = DisconnectControl { mode, state: from };
                let moved = attempt(&mut control).is_ok() && control.state == to;
                assert_eq!(moved, exist.contains(letter), "mode {code}, transition {letter}");
            }
        }
    }

    #[test]
    fn mode_0_never_leaves_connected() {
        let mut control = DisconnectControl::connected(ControlMode::None);
        assert_eq!(control.remote_disconnect(), Err(NoTransition));
        assert_eq!(control.local_disconnect(), Err(NoTransition));
        control.boot_open();
        assert!(control.output());
    }

    #[test]
    fn repeated_orders_succeed() {
        let mut control = DisconnectControl::connected(ControlMode::Four);
        for _ in 0..2 {
            assert_eq!(control.remote_disconnect(), Ok(()));
            assert!(!control.output());
        }
        for _ in 0..2 {
            assert_eq!(control.remote_reconnect(), Ok(()));
            assert!(control.output());
        }
    }
}
