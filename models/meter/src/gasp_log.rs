//! What a meter notes of its outages, for the optical port.

use std::collections::VecDeque;

/// Entries kept; the oldest goes first.
const ENTRIES_MAX: usize = 32;

/// What was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// "Capacitor Discharge Failure": power was lost before the radio handshake was complete.
    CapacitorDischarge,
    /// "Time Sync Mismatch": the clock was outside the window of 500 ms.
    TimeSync,
    /// `ERR_PACKET_FRAGMENTED`: the link carries too little in one frame.
    PacketFragmented,
    /// `ST_SIGNAL_LOW`: the parent was hardly heard.
    SignalLow,
    /// The supply went while the logic was disabled, by an update or for good.
    Disabled,
}

impl Code {
    /// The number that a readout shows. Those of the first two are the documents', the others arbitrary.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::CapacitorDischarge => 0x04F,
            Self::TimeSync => 0x092,
            Self::PacketFragmented => 0x101,
            Self::SignalLow => 0x102,
            Self::Disabled => 0x103,
        }
    }

    /// The name that a log shows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CapacitorDischarge => "0x04F Capacitor Discharge Failure",
            Self::TimeSync => "0x092 Time Sync Mismatch",
            Self::PacketFragmented => "ERR_PACKET_FRAGMENTED",
            Self::SignalLow => "ST_SIGNAL_LOW",
            Self::Disabled => "last gasp disabled",
        }
    }
}

/// The log: newest first, by the meter's own clock (Unix microseconds).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GaspLog(VecDeque<(u64, Code)>);

impl GaspLog {
    pub(crate) fn note(&mut self, unix_us: u64, code: Code) {
        if self.0.len() >= ENTRIES_MAX {
            self.0.pop_back();
        }
        self.0.push_front((unix_us, code));
    }

    /// What was noted, newest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (u64, Code)> + '_ {
        self.0.iter().copied()
    }

    /// It was noted at least once.
    #[must_use]
    pub fn has(&self, code: Code) -> bool {
        self.0.iter().any(|(_, noted)| *noted == code)
    }
}
