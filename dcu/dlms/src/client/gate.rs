//! The gate of a shared link: one client, one exchange at a time, and only when its owner says so.
//!
//! ```text
//!   client A ─▶ wants_exchange? ─┐                ┌─ grant_exchange ─▶ Transmit … answer: A wants the next one
//!   client B ─▶ wants_exchange? ─┼─▶ scheduler ─▶ │
//!   client C ─▶ wants_exchange? ─┘                └─ nobody else before A's is_exchanging() is false
//! ```
//!
//! An exchange is one transmission and what answers it: a frame of the wrapper, a turn of HDLC (a window of frames), a
//! window of general blocks. A month of rows is hundreds of exchanges, and between any two of them the link may be given
//! to another client, or [`Client::suspend`] may take the rows off this one for something more urgent.
//!
//! While a client waits at the gate no time runs against it: its answer has not been asked for. Time counts from the
//! grant. Opening a line in mode E is one exchange as a whole, because the meter waits no longer than 1.5 s in it.

use super::{Client, Phase};

/// Whether frames may go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Gate {
    /// The link is ours alone.
    #[default]
    Open,
    /// Closed until granted.
    Closed,
    /// One transmission may pass.
    Granted,
    /// It has passed in this drain; a confirmation, which nothing answers, may follow it.
    Behind,
}

impl Client {
    /// Puts the gate up (`true`), or takes it away: frames then go out as they come. See [`ClientConfig::gated`].
    ///
    /// [`ClientConfig::gated`]: super::ClientConfig::gated
    pub const fn set_gated(&mut self, gated: bool) {
        self.gate = if gated { Gate::Closed } else { Gate::Open };
    }

    /// A frame waits at the gate: call [`Self::grant_exchange`] when the link is free. Never so without a gate.
    #[must_use]
    pub fn wants_exchange(&self) -> bool {
        self.is_held_at_gate() || (self.is_closed() && self.has_confirmation() && !self.is_exchanging())
    }

    /// A frame has gone out and its answer may still come: the link is taken. It is free again when this turns false,
    /// at the latest after [`Self::handle_timeout`].
    #[must_use]
    pub fn is_exchanging(&self) -> bool {
        match &self.serial {
            Some(serial) => serial.is_exchanging(),
            None => self.deadline.is_some() && !self.frame_due && self.phase.awaits_answer(),
        }
    }

    /// Lets one transmission out; drain [`Self::poll_output`] after it (confirmations of notifications, which nothing
    /// answers, may follow it). `false` when there was none to let out.
    pub fn grant_exchange(&mut self, now: u64) -> bool {
        if !self.wants_exchange() {
            return false;
        }
        self.gate = Gate::Granted;
        if self.is_held_at_gate_or_granted() {
            self.deadline = self.deadline.map(|_| now.saturating_add(self.config.reply_timeout_ns));
            if let Some(serial) = &mut self.serial {
                serial.handle_granted(now);
            }
        }
        true
    }

    /// The command's own frame waits at the gate: no timeout runs.
    pub(super) fn is_held_at_gate(&self) -> bool {
        self.is_closed() && self.is_held_at_gate_or_granted()
    }

    fn is_held_at_gate_or_granted(&self) -> bool {
        match &self.serial {
            // A message waits for the word, a frame for the gate. Within an opening everything passes.
            Some(serial) if serial.is_mid_opening() => false,
            Some(serial) => serial.has_transmit() || (self.frame_due && !serial.is_exchanging()),
            None => self.frame_due,
        }
    }

    const fn is_closed(&self) -> bool {
        matches!(self.gate, Gate::Closed | Gate::Behind)
    }

    /// May a confirmation pass, by itself or behind a request?
    pub(super) fn passes_behind(&mut self) -> bool {
        self.gate == Gate::Behind || self.pass_gate()
    }

    /// The drain is over: what was granted and not used is gone.
    pub(super) fn end_drain(&mut self) {
        if self.gate != Gate::Open {
            self.gate = Gate::Closed;
        }
    }

    /// May a transmission pass? If so the gate falls shut behind it.
    pub(super) fn pass_gate(&mut self) -> bool {
        match self.gate {
            Gate::Open => true,
            Gate::Granted => {
                self.gate = Gate::Behind;
                true
            }
            Gate::Closed | Gate::Behind => self.serial.as_ref().is_some_and(|serial| serial.is_mid_opening()),
        }
    }
}

impl Phase {
    /// Something has been asked, or is about to be.
    pub(super) const fn awaits_answer(self) -> bool {
        matches!(
            self,
            Self::Associating(_) | Self::Mapping | Self::Authenticating(_) | Self::Requesting | Self::Releasing
        )
    }
}
