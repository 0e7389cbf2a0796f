//! The client's side of IEC 62056-21: opening, then readout, programming, or hand-over to HDLC.
//!
//! After anything that changes the state, drain [`Reader::poll_event`], then carry out [`Reader::poll_line`] and
//! [`Reader::poll_transmit`], **in that order**: a change of speed precedes the bytes after it, and is only asked for
//! when the bytes before it have left. Whoever knows when they have says so by [`Reader::handle_transmitted`];
//! otherwise the speed tells.
//!
//! What trips people up:
//! - Not every meter repeats the option select of mode E. After `echo_timeout_ns` the line is switched anyway.
//! - A meter whose data cannot be read at the speed it offered is opened again, to go on at 300 baud (fall-back).
//! - Without a known speed of the line nothing here can be timed; the opening is always at 300 baud, 7E1.

use super::block::{BREAK, Block, Found, SOH, STX};
use super::message::{
    ACK, DeviceAddress, IDENTIFICATION_BYTES_MAX, Identification, Mode, NAK, OPENING_BAUD, OptionSelect, SessionOption,
    baud_of, put_request,
};
use crate::link::line::{Baud, LineSettings};

/// What the session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Everything that the meter shows: modes A to C.
    Readout,
    /// Reading and writing of single values: mode C.
    Programming,
    /// HDLC: mode E.
    Hdlc,
}

/// How a reader is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderConfig {
    /// What for.
    pub goal: Goal,
    /// Whom; empty for whoever is there.
    pub device: DeviceAddress,
    /// Fastest speed that our port can do.
    pub baud_max: Baud,
    /// How long the meter may take to answer, ns. The standard gives it 1.5 s.
    pub response_timeout_ns: u64,
    /// How long it may pause between two characters, ns. The standard gives it 1.5 s.
    pub inter_char_timeout_ns: u64,
    /// How long the repeated option select of mode E is waited for, ns.
    pub echo_timeout_ns: u64,
    /// Pause between the change of speed and the first HDLC frame, ns.
    pub settle_ns: u64,
    /// How often an unanswered message is repeated.
    pub retries: u8,
    /// Longest data set taken, bytes.
    pub data_max: usize,
}

impl ReaderConfig {
    /// The standard's times with some room; up to 19200 baud, two repeats, at most 64 KB.
    #[must_use]
    pub fn new(goal: Goal) -> Self {
        Self {
            goal,
            device: DeviceAddress::default(),
            baud_max: Baud(19_200),
            response_timeout_ns: 1_800_000_000,
            inter_char_timeout_ns: 1_500_000_000,
            echo_timeout_ns: 500_000_000,
            settle_ns: 200_000_000,
            retries: 2,
            data_max: 64 * 1024,
        }
    }
}

/// What a reader has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderEvent<'a> {
    /// The meter has said who it is.
    Identified(Identification<'a>),
    /// The line is HDLC's now, at this speed, 8N1.
    HandOver(Baud),
    /// The data set, without its frame: see [`super::data_sets`].
    Readout(&'a [u8]),
    /// Programming mode is open; the operand for the password, in parentheses, may be empty.
    Programming(&'a [u8]),
    /// A command was answered by data.
    Reply(&'a [u8]),
    /// A command was acknowledged.
    Accepted,
    /// It ended badly; the reader is idle.
    Failed(ReaderFault),
}

/// How a session failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReaderFault {
    /// Nothing answered, after all repeats.
    #[error("no answer")]
    Silent,
    /// The meter does not offer what the session is for.
    #[error("the meter's mode does not offer that")]
    NotOffered,
    /// Check characters do not fit, after all repeats.
    #[error("damaged data after all repeats")]
    Damaged,
    /// More data than the bound.
    #[error("more data than the bound")]
    TooLong,
    /// The meter ended the session.
    #[error("the meter ended the session")]
    Ended,
    /// The meter refused the command.
    #[error("the meter refused the command")]
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    /// The identification is due; of itself (mode D) or to our request.
    Identifying,
    Listening,
    /// The meter needs a pause before it hears.
    Reacting,
    /// Our option select is on the line.
    Selecting,
    /// The repeated option select of mode E is due.
    Echo,
    Settling,
    /// Data is due: the readout, or the first block of programming mode.
    Data,
    /// Programming mode, nothing under way.
    Ready,
    /// Programming mode, the answer to a command is due.
    Answer,
}

/// A reader. See the [module](self).
#[derive(Clone, Debug)]
pub struct Reader {
    config: ReaderConfig,
    stage: Stage,
    /// What follows after [`Stage::Reacting`].
    after: Stage,
    baud: Baud,
    /// Speed of the option select.
    select: u8,
    /// Stay at 300 baud this time.
    slow: bool,
    /// Data may come without a frame (modes A and D).
    bare: bool,
    reaction_ns: u64,
    received: Vec<u8>,
    line: Vec<u8>,
    data: Vec<u8>,
    data_done: bool,
    transmit: Vec<u8>,
    transmit_due: bool,
    line_due: Option<LineSettings>,
    tries_left: u8,
    now: u64,
    deadline: Option<u64>,
    deadline_last: u64,
    /// Programming mode has been opened: what comes now are replies.
    opened: bool,
    handed_over: bool,
    failed: Option<ReaderFault>,
}

enum Step {
    Wait,
    Again,
    Identified,
    Data,
    Accepted,
}

impl Reader {
    /// Idle.
    #[must_use]
    pub const fn new(config: ReaderConfig) -> Self {
        Self {
            config,
            stage: Stage::Idle,
            after: Stage::Idle,
            baud: OPENING_BAUD,
            select: b'0',
            slow: false,
            bare: false,
            reaction_ns: 0,
            received: Vec::new(),
            line: Vec::new(),
            data: Vec::new(),
            data_done: false,
            transmit: Vec::new(),
            transmit_due: false,
            line_due: None,
            tries_left: 0,
            now: 0,
            deadline: None,
            deadline_last: 0,
            opened: false,
            handed_over: false,
            failed: None,
        }
    }

    /// Nothing is under way.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    /// The option select is on the line: [`Self::handle_transmitted`] is worth calling.
    #[must_use]
    pub const fn is_selecting(&self) -> bool {
        matches!(self.stage, Stage::Selecting)
    }

    /// When [`Self::handle_timeout`] is due, monotonic ns.
    #[must_use]
    pub const fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    // Commands.

    /// Opens a session, afresh if there is one.
    pub fn start(&mut self, now: u64) {
        self.slow = false;
        self.begin(now);
        self.request();
    }

    /// Opens a session that stays at 300 baud.
    pub fn start_slow(&mut self, now: u64) {
        self.slow = true;
        self.begin(now);
        self.request();
    }

    /// Waits for a meter that speaks of itself (mode D), at 2400 baud.
    pub fn listen(&mut self, now: u64) {
        self.begin(now);
        self.baud = Baud(2400);
        self.line_due = Some(LineSettings::text(self.baud));
        self.stage = Stage::Listening;
        self.deadline = None;
    }

    /// Sends a command of programming mode, as in `(*b"R1", b"1.8.0()")`. `false` when the session is not ready for it.
    #[must_use]
    pub fn command(&mut self, now: u64, command: [u8; 2], data: &[u8]) -> bool {
        if self.stage != Stage::Ready {
            return false;
        }
        self.now = now;
        self.tries_left = self.config.retries;
        self.transmit.clear();
        Block { command: Some(command), data, continued: false }.encode(&mut self.transmit);
        self.react(Stage::Answer);
        true
    }

    /// Forgets the session without a word.
    pub fn abandon(&mut self) {
        let config = self.config;
        *self = Self::new(config);
    }

    /// There is something to send.
    #[must_use]
    pub const fn has_transmit(&self) -> bool {
        self.transmit_due
    }

    /// Ends the session with a break.
    pub fn stop(&mut self) {
        if !self.is_idle() {
            self.transmit.clear();
            self.transmit.extend_from_slice(&BREAK);
            self.transmit_due = true;
        }
        self.stage = Stage::Idle;
        self.deadline = None;
        self.received = Vec::new();
    }

    // What happened.

    /// Characters arrived, cut anywhere, without parity.
    pub fn handle_receive(&mut self, now: u64, bytes: &[u8]) {
        self.now = now;
        if matches!(self.stage, Stage::Idle | Stage::Reacting | Stage::Settling | Stage::Ready) {
            return;
        }
        if self.received.len() > self.config.data_max {
            self.received.clear();
        }
        self.received.extend_from_slice(bytes);
        // Inside a message the pause between characters counts, within reason.
        if matches!(self.stage, Stage::Identifying | Stage::Data | Stage::Answer) {
            let later = now.saturating_add(self.config.inter_char_timeout_ns).min(self.deadline_last);
            self.deadline = self.deadline.map(|deadline| deadline.max(later));
        }
    }

    /// The last byte of the transmission has left.
    pub fn handle_transmitted(&mut self, now: u64) {
        self.now = now;
        match self.stage {
            Stage::Selecting => self.selected(),
            Stage::Identifying | Stage::Data | Stage::Answer => self.wait(0),
            _ => {}
        }
    }

    /// The deadline has come (calls before it change nothing).
    pub fn handle_timeout(&mut self, now: u64) {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        self.now = now;
        match self.stage {
            Stage::Idle | Stage::Listening | Stage::Ready => self.deadline = None,
            Stage::Reacting => {
                self.transmit_due = true;
                self.stage = self.after;
                self.received.clear();
                match self.stage {
                    Stage::Selecting => self.deadline = Some(self.on_line(self.transmit.len())),
                    _ => self.wait(self.transmit.len()),
                }
            }
            Stage::Selecting => self.selected(),
            Stage::Echo => self.settle(),
            Stage::Settling => self.handed_over = true,
            Stage::Identifying => match self.tries_left.checked_sub(1) {
                Some(left) => {
                    self.tries_left = left;
                    self.request();
                }
                None => self.fail(ReaderFault::Silent),
            },
            // The speed offered does not work: the same at 300 baud.
            Stage::Data if !self.slow && self.baud != OPENING_BAUD => self.start_slow(now),
            Stage::Data => self.fail(ReaderFault::Silent),
            Stage::Answer => self.again(ReaderFault::Silent),
        }
    }

    // What comes out.

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<ReaderEvent<'_>> {
        if std::mem::take(&mut self.data_done) {
            self.data = Vec::new();
        }
        loop {
            if let Some(fault) = self.failed.take() {
                return Some(ReaderEvent::Failed(fault));
            }
            if std::mem::take(&mut self.handed_over) {
                self.stage = Stage::Idle;
                self.deadline = None;
                self.received = Vec::new();
                return Some(ReaderEvent::HandOver(self.baud));
            }
            let step = match self.stage {
                Stage::Identifying | Stage::Listening => self.take_identification(),
                Stage::Echo => self.take_echo(),
                Stage::Data | Stage::Answer => self.take_data(),
                _ => Step::Wait,
            };
            match step {
                Step::Wait => return None,
                Step::Again => {}
                Step::Identified => return Identification::parse(&self.line).map(ReaderEvent::Identified),
                Step::Accepted => return Some(ReaderEvent::Accepted),
                Step::Data => {
                    self.data_done = true;
                    let first = !std::mem::replace(&mut self.opened, true);
                    return Some(match self.config.goal {
                        Goal::Programming if first => ReaderEvent::Programming(&self.data),
                        Goal::Programming => ReaderEvent::Reply(&self.data),
                        Goal::Readout | Goal::Hdlc => ReaderEvent::Readout(&self.data),
                    });
                }
            }
        }
    }

    /// What the port is to be set to, before the next transmission and for what is received from now on.
    pub const fn poll_line(&mut self) -> Option<LineSettings> {
        self.line_due.take()
    }

    /// The next bytes to send.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        std::mem::take(&mut self.transmit_due).then_some(self.transmit.as_slice())
    }

    // Inside.

    fn begin(&mut self, now: u64) {
        self.now = now;
        self.baud = OPENING_BAUD;
        self.bare = false;
        self.opened = false;
        self.handed_over = false;
        self.failed = None;
        self.received.clear();
        self.data.clear();
        self.tries_left = self.config.retries;
    }

    fn request(&mut self) {
        self.line_due = Some(LineSettings::text(OPENING_BAUD));
        self.received.clear();
        self.transmit.clear();
        put_request(&self.config.device, &mut self.transmit);
        self.transmit_due = true;
        self.stage = Stage::Identifying;
        self.wait(self.transmit.len());
    }

    /// Lets the meter's reaction time pass, then sends what has been prepared.
    fn react(&mut self, after: Stage) {
        self.stage = Stage::Reacting;
        self.after = after;
        self.deadline = Some(self.now.saturating_add(self.reaction_ns));
    }

    fn on_line(&self, bytes: usize) -> u64 {
        self.now.saturating_add(self.baud.duration_ns(bytes))
    }

    /// Starts waiting for an answer, after these bytes have left.
    fn wait(&mut self, bytes: usize) {
        let begin = self.on_line(bytes).saturating_add(self.config.response_timeout_ns);
        let longest = match self.stage {
            Stage::Identifying => IDENTIFICATION_BYTES_MAX,
            _ => self.config.data_max,
        };
        self.deadline = Some(begin);
        // Twice what the bytes themselves take: nothing keeps the line for ever.
        self.deadline_last = begin.saturating_add(self.baud.duration_ns(longest).saturating_mul(2));
    }

    fn fail(&mut self, fault: ReaderFault) {
        self.stage = Stage::Idle;
        self.deadline = None;
        self.received = Vec::new();
        self.failed = Some(fault);
    }

    fn take_identification(&mut self) -> Step {
        let Some(begin) = self.received.iter().position(|byte| *byte == b'/') else {
            self.received.clear();
            return Step::Wait;
        };
        self.received.drain(..begin);
        let Some(end) = self.received.windows(2).position(|pair| pair == b"\r\n") else {
            if self.received.len() > IDENTIFICATION_BYTES_MAX {
                self.received.drain(..1);
                return Step::Again;
            }
            return Step::Wait;
        };
        let end = end.saturating_add(2);
        let Some(identification) = self.received.get(..end).and_then(Identification::parse) else {
            // Our own request come back, or noise.
            self.received.drain(..1);
            return Step::Again;
        };
        let (mode, listening) = (identification.mode(), self.stage == Stage::Listening);
        self.reaction_ns = identification.reaction_ns();
        self.line.clear();
        self.line.extend_from_slice(self.received.get(..end).unwrap_or(&[]));
        self.received.drain(..end);
        match self.go_on(mode, listening) {
            Ok(()) => Step::Identified,
            Err(fault) => {
                self.fail(fault);
                Step::Again
            }
        }
    }

    fn go_on(&mut self, mode: Mode, listening: bool) -> Result<(), ReaderFault> {
        let (offered, option) = match (self.config.goal, mode) {
            (Goal::Readout, mode) if listening || matches!(mode, Mode::A | Mode::B(_)) => {
                self.bare = true;
                if let (false, Mode::B(baud)) = (listening, mode) {
                    self.baud = baud;
                    self.line_due = Some(LineSettings::text(baud));
                }
                self.stage = Stage::Data;
                self.wait(0);
                return Ok(());
            }
            (Goal::Readout, Mode::C(baud) | Mode::E(baud)) => (baud, SessionOption::Readout),
            (Goal::Programming, Mode::C(baud) | Mode::E(baud)) => (baud, SessionOption::Programming),
            (Goal::Hdlc, Mode::E(baud)) => (baud, SessionOption::Hdlc),
            _ => return Err(ReaderFault::NotOffered),
        };
        // Either the speed offered, or the one of the opening: nothing between is understood.
        let slow = self.slow || offered > self.config.baud_max;
        let offered = self.line.get(4).copied().unwrap_or(b'0');
        self.select = if slow { b'0' } else { offered };
        self.transmit.clear();
        self.transmit.extend_from_slice(&OptionSelect { option, speed: self.select }.encode());
        self.react(Stage::Selecting);
        Ok(())
    }

    /// The option select has left.
    fn selected(&mut self) {
        if self.config.goal == Goal::Hdlc {
            self.stage = Stage::Echo;
            // The meter's own six bytes come at the opening's speed.
            let echo = self.on_line(6).saturating_add(self.config.echo_timeout_ns);
            self.deadline = Some(echo);
            return;
        }
        self.baud = baud_of(self.select).unwrap_or(OPENING_BAUD);
        self.line_due = Some(LineSettings::text(self.baud));
        self.stage = Stage::Data;
        self.wait(0);
    }

    fn take_echo(&mut self) -> Step {
        if self.received.windows(6).any(|six| OptionSelect::parse(six).is_some()) {
            self.settle();
            return Step::Again;
        }
        if self.received.contains(&NAK) {
            self.fail(ReaderFault::Refused);
            return Step::Again;
        }
        self.received.drain(..self.received.len().saturating_sub(5));
        Step::Wait
    }

    fn settle(&mut self) {
        self.baud = baud_of(self.select).unwrap_or(OPENING_BAUD);
        self.line_due = Some(LineSettings::binary(self.baud));
        self.stage = Stage::Settling;
        self.deadline = Some(self.now.saturating_add(self.config.settle_ns));
    }

    fn take_data(&mut self) -> Step {
        let answer = self.stage == Stage::Answer;
        let begins = |byte: &u8| matches!(*byte, SOH | STX) || (answer && matches!(*byte, ACK | NAK));
        let Some(begin) = self.received.iter().position(begins) else {
            if self.bare {
                return self.take_bare_data();
            }
            self.received.clear();
            return Step::Wait;
        };
        self.received.drain(..begin);
        match self.received.first() {
            Some(&ACK) => {
                self.received.clear();
                self.rest();
                return Step::Accepted;
            }
            Some(&NAK) => {
                self.received.clear();
                self.again(ReaderFault::Refused);
                return Step::Again;
            }
            _ => {}
        }
        match Block::find(&self.received) {
            Found::Partial if self.received.len() > self.config.data_max => {
                self.fail(ReaderFault::TooLong);
                Step::Again
            }
            Found::Partial => Step::Wait,
            Found::Damaged(_) => {
                self.received.clear();
                self.ask_again();
                Step::Again
            }
            Found::Whole(Block { command: Some([b'B', _]), .. }, _) => {
                self.fail(ReaderFault::Ended);
                Step::Again
            }
            Found::Whole(block, length) => {
                if self.data.len().saturating_add(block.data.len()) > self.config.data_max {
                    self.fail(ReaderFault::TooLong);
                    return Step::Again;
                }
                self.data.extend_from_slice(block.data);
                let continued = block.continued;
                self.received.drain(..length);
                if continued {
                    self.put_byte(ACK);
                    return Step::Again;
                }
                self.rest();
                Step::Data
            }
        }
    }

    /// Modes A and D may send the lines alone; the exclamation mark ends them.
    fn take_bare_data(&mut self) -> Step {
        if self.received.len() > self.config.data_max {
            self.fail(ReaderFault::TooLong);
            return Step::Again;
        }
        let Some(end) = self.received.iter().position(|byte| *byte == b'!') else { return Step::Wait };
        self.data.extend_from_slice(self.received.get(..=end).unwrap_or(&[]));
        self.received.clear();
        self.rest();
        Step::Data
    }

    /// What was asked for has come.
    fn rest(&mut self) {
        self.deadline = None;
        self.stage = match self.config.goal {
            Goal::Programming => Stage::Ready,
            Goal::Readout | Goal::Hdlc => Stage::Idle,
        };
    }

    /// The command once more, or the end.
    fn again(&mut self, fault: ReaderFault) {
        match self.tries_left.checked_sub(1) {
            Some(left) => {
                self.tries_left = left;
                self.react(Stage::Answer);
            }
            None => self.fail(fault),
        }
    }

    /// NAK: the block once more, or the end.
    fn ask_again(&mut self) {
        match self.tries_left.checked_sub(1) {
            Some(left) => {
                self.tries_left = left;
                self.put_byte(NAK);
            }
            None => self.fail(ReaderFault::Damaged),
        }
    }

    fn put_byte(&mut self, byte: u8) {
        self.transmit.clear();
        self.transmit.push(byte);
        self.transmit_due = true;
        self.wait(1);
    }
}
