//! The meter's side of IEC 62056-21, modes C and E: for simulated meters.
//!
//! After [`Station::handle_receive`] or [`Station::handle_timeout`], drain [`Station::poll`].

use super::block::{Block, Found, SOH, STX};
use super::message::{
    ACK, IDENTIFICATION_BYTES_MAX, Identification, NAK, OPENING_BAUD, OptionSelect, SessionOption, baud_of,
    parse_request,
};
use crate::link::line::{Baud, LineSettings};

/// How a station is set up.
#[derive(Clone, Debug)]
pub struct StationConfig {
    /// Its identification line: maker, speed, enhancements (`\2` for HDLC), type.
    pub identification: Vec<u8>,
    /// Device address that it answers to, besides none.
    pub address: Vec<u8>,
    /// What a readout gives: lines, without the frame and the exclamation mark.
    pub data_set: Vec<u8>,
    /// A session on which nothing is heard for so long is over, ns.
    pub inactivity_timeout_ns: u64,
}

/// What a station wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StationOutput {
    /// Send these bytes, and go on when they have left.
    Transmit(Vec<u8>),
    /// Set the port, after what was sent before has left.
    SetLine(LineSettings),
    /// The line is HDLC's now, until [`Station::restart`].
    HandOver(Baud),
    /// A command of programming mode: answer by [`Station::reply`].
    Command {
        /// Letter and type.
        command: [u8; 2],
        /// Data set.
        data: Vec<u8>,
    },
}

/// What a station answers to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StationReply<'a> {
    /// Done.
    Accepted,
    /// Not understood.
    Refused,
    /// Data.
    Data(&'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Listening,
    Offered,
    Programming,
    HandedOver,
}

/// A station. See the [module](self).
#[derive(Clone, Debug)]
pub struct Station {
    config: StationConfig,
    stage: Stage,
    received: Vec<u8>,
    /// The answer given last, for a NAK.
    last: Vec<u8>,
    outputs: std::collections::VecDeque<StationOutput>,
    heard_at: u64,
}

impl Station {
    /// Listening at 300 baud.
    #[must_use]
    pub const fn new(config: StationConfig) -> Self {
        Self {
            config,
            stage: Stage::Listening,
            received: Vec::new(),
            last: Vec::new(),
            outputs: std::collections::VecDeque::new(),
            heard_at: 0,
        }
    }

    /// The bytes on the line are HDLC's.
    #[must_use]
    pub const fn is_handed_over(&self) -> bool {
        matches!(self.stage, Stage::HandedOver)
    }

    /// When the session lapses, monotonic ns. While HDLC has the line, its owner tells what is heard by
    /// [`Self::keep_alive`], and the end by [`Self::restart`].
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        match self.stage {
            Stage::Listening => None,
            Stage::Offered | Stage::Programming | Stage::HandedOver => {
                Some(self.heard_at.saturating_add(self.config.inactivity_timeout_ns))
            }
        }
    }

    /// Something was heard while HDLC has the line.
    pub const fn keep_alive(&mut self, now: u64) {
        self.heard_at = now;
    }

    /// Back to listening at 300 baud.
    pub fn restart(&mut self) {
        self.stage = Stage::Listening;
        self.received.clear();
        self.outputs.push_back(StationOutput::SetLine(LineSettings::text(OPENING_BAUD)));
    }

    /// The deadline has come (calls before it change nothing).
    pub fn handle_timeout(&mut self, now: u64) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.restart();
        }
    }

    /// Characters arrived, cut anywhere, without parity.
    pub fn handle_receive(&mut self, now: u64, bytes: &[u8]) {
        self.handle_timeout(now);
        self.heard_at = now;
        self.received.extend_from_slice(bytes);
        while self.take() {}
        let surplus = self.received.len().saturating_sub(1024);
        self.received.drain(..surplus);
    }

    /// What is to be done next.
    pub fn poll(&mut self) -> Option<StationOutput> {
        self.outputs.pop_front()
    }

    /// Answers a command.
    pub fn reply(&mut self, reply: StationReply<'_>) {
        let mut bytes = Vec::new();
        match reply {
            StationReply::Accepted => bytes.push(ACK),
            StationReply::Refused => bytes.push(NAK),
            StationReply::Data(data) => Block { command: None, data, continued: false }.encode(&mut bytes),
        }
        self.last.clone_from(&bytes);
        self.outputs.push_back(StationOutput::Transmit(bytes));
    }

    /// Takes one message from the front; `false` when more bytes are needed.
    fn take(&mut self) -> bool {
        match self.stage {
            Stage::HandedOver => {
                self.received.clear();
                false
            }
            Stage::Listening => self.take_request(),
            // A request may come again when our identification was lost.
            Stage::Offered => self.take_option() || self.take_request(),
            Stage::Programming => self.take_command(),
        }
    }

    fn take_request(&mut self) -> bool {
        let Some(begin) = self.received.windows(2).position(|pair| pair == b"/?") else {
            return false;
        };
        let Some(length) = self.received.get(begin..).and_then(|rest| rest.windows(3).position(|end| end == b"!\r\n"))
        else {
            let surplus = self.received.len().saturating_sub(begin) > IDENTIFICATION_BYTES_MAX;
            if surplus {
                self.received.drain(..=begin);
            }
            return surplus;
        };
        let end = begin.saturating_add(length).saturating_add(3);
        let address = self.received.get(begin..end).and_then(parse_request);
        self.received.drain(..end);
        if address.is_some_and(|address| address.reaches(&self.config.address)) {
            self.outputs.push_back(StationOutput::Transmit(self.config.identification.clone()));
            self.stage = Stage::Offered;
        }
        true
    }

    fn take_option(&mut self) -> bool {
        let found = self.received.windows(6).enumerate().find_map(|(at, six)| Some((at, OptionSelect::parse(six)?)));
        let Some((at, select)) = found else { return false };
        self.received.drain(..at.saturating_add(6));
        let offered = Identification::parse(&self.config.identification);
        let speed = offered.map_or(b'0', |offered| offered.speed);
        // Any speed but the one offered means to stay at that of the opening.
        let chosen = if select.speed == speed { speed } else { b'0' };
        let baud = baud_of(chosen).unwrap_or(OPENING_BAUD);
        let hdlc = offered.is_some_and(|offered| matches!(offered.mode(), super::Mode::E(_)));
        match select.option {
            SessionOption::Hdlc if hdlc => {
                self.stage = Stage::HandedOver;
                self.outputs.extend([
                    StationOutput::Transmit(OptionSelect { speed: chosen, ..select }.encode().to_vec()),
                    StationOutput::SetLine(LineSettings::binary(baud)),
                    StationOutput::HandOver(baud),
                ]);
            }
            SessionOption::Readout => {
                let data = [self.config.data_set.as_slice(), b"!\r\n"].concat();
                self.outputs.push_back(StationOutput::SetLine(LineSettings::text(baud)));
                self.reply(StationReply::Data(&data));
                self.restart();
            }
            SessionOption::Programming => {
                self.outputs.push_back(StationOutput::SetLine(LineSettings::text(baud)));
                let mut bytes = Vec::new();
                Block { command: Some(*b"P0"), data: b"()", continued: false }.encode(&mut bytes);
                self.outputs.push_back(StationOutput::Transmit(bytes));
                self.stage = Stage::Programming;
            }
            SessionOption::Hdlc | SessionOption::Other { .. } => self.reply(StationReply::Refused),
        }
        true
    }

    fn take_command(&mut self) -> bool {
        let Some(begin) = self.received.iter().position(|byte| matches!(*byte, SOH | STX | NAK)) else {
            self.received.clear();
            return false;
        };
        self.received.drain(..begin);
        if self.received.first() == Some(&NAK) {
            self.received.drain(..1);
            self.outputs.push_back(StationOutput::Transmit(self.last.clone()));
            return true;
        }
        match Block::find(&self.received) {
            Found::Partial => false,
            Found::Damaged(length) => {
                self.received.drain(..length.min(self.received.len()));
                self.reply(StationReply::Refused);
                true
            }
            Found::Whole(block, length) => {
                let (command, data) = (block.command, block.data.to_vec());
                self.received.drain(..length);
                match command {
                    Some([b'B', _]) => self.restart(),
                    Some(command) => self.outputs.push_back(StationOutput::Command { command, data }),
                    None => self.reply(StationReply::Refused),
                }
                true
            }
        }
    }
}
