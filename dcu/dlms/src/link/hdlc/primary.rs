//! The primary station: a client's side of one link (IEC 62056-46, 6.4.4), in normal response mode.
//!
//! Methods come in four kinds. Getters; `handle_*`; commands (`open`, `send`, `close`, `abandon`); `poll_*`.
//! **The driving invariant:** after anything that changes the state, drain [`Primary::poll_event`], then
//! [`Primary::poll_transmit`]; then wait for bytes or for [`Primary::deadline`].
//!
//! What trips people up:
//! - The station speaks in turns: up to a window of frames in one transmission, the last of which hands the word over.
//!   The other side then has it until its frame with the final bit, or until the response timeout.
//! - The response timeout counts from the end of the transmission. With a known speed that end is reckoned; whoever
//!   knows better says so by [`Primary::handle_transmitted`].
//! - After a timeout a turn of one frame is sent again; after a longer turn the other side is asked (RR) what it has.
//!   A repeat carries the same numbers, so nothing is carried out twice.
//! - A meter that answers RR has heard the request and has nothing to say yet. It is asked again after a pause until
//!   the owner has what it wants and calls [`Primary::stop_asking`]; one message may not be the whole answer.

use super::address::Address;
use super::control::Control;
use super::decoder::Decoder;
use super::frame::Frame;
use super::llc;
use super::parameters::Parameters;
use super::window::{Accepted, Window};
use crate::link::line::Baud;

/// How a primary station is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrimaryConfig {
    /// Our address.
    pub client: Address,
    /// The meter's address.
    pub server: Address,
    /// What we propose.
    pub proposal: Parameters,
    /// How long the other side may stay silent after our transmission, ns.
    pub response_timeout_ns: u64,
    /// How long a frame may pause between two of its bytes, ns.
    pub inter_octet_timeout_ns: u64,
    /// How often an unanswered turn is repeated.
    pub retries: u8,
    /// Pause before asking again a station that was not ready, ns.
    pub busy_pause_ns: u64,
    /// Longest message taken, bytes.
    pub message_max: usize,
    /// Speed of a serial line, for reckoning when a transmission ends; `None` where bytes are gone at once (TCP).
    pub baud: Option<Baud>,
}

/// What a station has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent<'a> {
    /// The link is open, within these limits.
    Up(Parameters),
    /// A message has come.
    Message(&'a [u8]),
    /// A message outside of the numbering (UI) has come: a push.
    Unnumbered(&'a [u8]),
    /// The link is gone, and with it everything that waited to be sent.
    Down(LinkDown),
}

/// Why a link is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkDown {
    /// It was closed as asked.
    Closed,
    /// Nothing answered, after all repeats.
    Silent,
    /// The other side refused to open it (DM to SNRM).
    Refused,
    /// The other side does not know it any more (DM): it restarted, or let it lapse.
    Forgotten,
    /// The other side says that we broke the protocol (FRMR).
    Rejected,
    /// The other side does not offer HDLC (its identification of IEC 62056-21 says so).
    NotOffered,
    /// The other side broke the protocol: a message beyond the bound, no LLC header, or unreadable parameters.
    Misbehaved,
}

/// A buffer above this is given back when it is empty.
const IDLE_BYTES: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Opening,
    /// Open; the word is ours and there is nothing to say.
    Ready,
    /// Open; the other side has the word.
    Waiting,
    /// Open; the word is ours, and we ask again at the deadline.
    Pausing,
    Closing,
}

/// A primary station. See the [module](self).
#[derive(Clone, Debug)]
pub struct Primary {
    decoder: Decoder,
    core: Core,
}

/// Everything but the decoder, from which frames are borrowed.
#[derive(Clone, Debug)]
struct Core {
    config: PrimaryConfig,
    window: Window,
    state: State,
    /// Answers are still due.
    asking: bool,
    /// The other side said RNR.
    peer_busy: bool,
    /// A numbered frame came out of place: one before it was lost, or it is a repeat.
    gap: bool,
    /// Says so by REJ.
    rejects: bool,
    /// The last turn was of one numbered frame, or of none.
    single: bool,
    tries_left: u8,
    deadline: Option<u64>,
    /// Beyond this a frame in progress does not put the deadline off any more.
    deadline_last: u64,
    heard_at: u64,
    now: u64,
    /// The deadline has passed without the word coming back.
    overdue: bool,
    down: Option<LinkDown>,
    transmit: Vec<u8>,
    transmit_due: bool,
    ignored: u64,
    progress: u32,
}

/// A [`LinkEvent`] without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    Up(Parameters),
    Message,
    Unnumbered,
    Down(LinkDown),
}

/// What a frame led to.
enum Step {
    Nothing,
    Up(Parameters),
    Message,
    Down(LinkDown),
}

impl Primary {
    /// Closed.
    #[must_use]
    pub const fn new(config: PrimaryConfig) -> Self {
        Self {
            decoder: Decoder::new(),
            core: Core {
                window: Window::new(config.message_max),
                config,
                state: State::Closed,
                asking: false,
                peer_busy: false,
                gap: false,
                rejects: false,
                single: true,
                tries_left: 0,
                deadline: None,
                deadline_last: 0,
                heard_at: 0,
                now: 0,
                overdue: false,
                down: None,
                transmit: Vec::new(),
                transmit_due: false,
                ignored: 0,
                progress: 0,
            },
        }
    }

    // Getters.

    /// The link is open.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.core.state, State::Ready | State::Waiting | State::Pausing)
    }

    /// There is no link and none is being opened.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.core.state, State::Closed)
    }

    /// When [`Self::handle_timeout`] is due, monotonic ns.
    #[must_use]
    pub const fn deadline(&self) -> Option<u64> {
        self.core.deadline
    }

    /// Frames received that answered nothing: for others, repeats, out of place, damaged.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.core.ignored.saturating_add(self.decoder.damaged())
    }

    /// Changes whenever something has moved: the link opened, a frame taken in its place or acknowledged.
    #[must_use]
    pub const fn progress(&self) -> u32 {
        self.core.progress
    }

    /// The other side has the word: something was sent that it is to answer.
    #[must_use]
    pub const fn is_exchanging(&self) -> bool {
        matches!(self.core.state, State::Opening | State::Waiting | State::Closing) && !self.core.transmit_due
    }

    /// The speed of the line, from now on.
    pub const fn set_baud(&mut self, baud: Option<Baud>) {
        self.core.config.baud = baud;
    }

    /// Frames that came out of place are answered by REJ instead of RR, where there is nothing else to say. Both ask for
    /// the same. IEC 62056-46 lists no REJ among its commands (ISO/IEC 13239 has it as an option), so only for stations
    /// that are known to take it; one that is sent to us is always understood.
    pub const fn set_rejects(&mut self, rejects: bool) {
        self.core.rejects = rejects;
    }

    /// Bytes of memory held beyond the struct itself.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.decoder
            .heap_bytes()
            .saturating_add(self.core.window.heap_bytes())
            .saturating_add(self.core.transmit.capacity())
    }

    // Commands.

    /// Opens the link, afresh if there is one.
    pub fn open(&mut self, now: u64) {
        self.core.now = now;
        self.core.state = State::Opening;
        self.core.tries_left = self.core.config.retries;
        self.core.put_unnumbered(Control::SetNormalResponseMode);
    }

    /// Sends a message, behind those on their way; opens the link first if there is none. Answers are then asked for
    /// until [`Self::stop_asking`].
    pub fn send(&mut self, now: u64, message: &[u8]) {
        self.core.window.queue(&llc::FROM_CLIENT, message);
        self.core.asking = true;
        self.core.now = now;
        match self.core.state {
            State::Closed => self.open(now),
            State::Ready => self.core.take_turn(),
            State::Pausing if !self.core.peer_busy => self.core.take_turn(),
            _ => {}
        }
    }

    /// Sends a message outside of the numbering; nothing answers it.
    pub fn send_unnumbered(&mut self, now: u64, message: &[u8]) {
        self.core.now = now;
        let information = [llc::FROM_CLIENT.as_slice(), message].concat();
        let frame = self.core.frame(Control::UnnumberedInformation, false, &information);
        let mut transmit = Vec::new();
        if frame.encode(&mut transmit).is_ok() {
            if !self.core.transmit_due {
                self.core.transmit.clear();
            }
            self.core.transmit.extend_from_slice(&transmit);
            self.core.transmit_due = true;
        }
    }

    /// No answer is wanted any more, the one that has come was the last: do not ask. What is being received is still received.
    pub fn stop_asking(&mut self) {
        self.core.asking = false;
        if self.core.state == State::Pausing && !self.core.peer_busy && !self.core.window.is_partial() {
            self.core.state = State::Ready;
            self.core.deadline = None;
        }
    }

    /// Closes the link. [`LinkEvent::Down`] tells when it is done, also at once when there is none.
    pub fn close(&mut self, now: u64) {
        self.core.now = now;
        self.core.window.clear();
        self.core.asking = false;
        if self.core.state == State::Closed {
            self.core.down = Some(LinkDown::Closed);
            return;
        }
        self.core.state = State::Closing;
        self.core.tries_left = self.core.config.retries;
        self.core.put_unnumbered(Control::Disconnect);
    }

    /// Nothing is wanted for now: large buffers are given back.
    pub(crate) fn give_back_buffers(&mut self) {
        if !self.core.transmit_due && self.core.transmit.capacity() > IDLE_BYTES {
            self.core.transmit = Vec::new();
        }
        self.decoder.give_back();
        self.core.window.discard_taken();
    }

    /// Forgets the link without a word; the next message opens it afresh.
    pub fn abandon(&mut self) {
        self.decoder.clear();
        self.core.reset();
    }

    // What happened.

    /// Bytes arrived, cut anywhere.
    pub fn handle_receive(&mut self, now: u64, bytes: &[u8]) {
        if now.saturating_sub(self.core.heard_at) > self.core.config.inter_octet_timeout_ns {
            self.decoder.give_up();
        }
        self.core.now = now;
        self.core.heard_at = now;
        self.decoder.push(bytes);
    }

    /// The last byte of the transmission has left: the response timeout counts from now.
    pub fn handle_transmitted(&mut self, now: u64) {
        if matches!(self.core.state, State::Opening | State::Waiting | State::Closing) {
            self.core.now = now;
            self.core.arm(0);
        }
    }

    /// What is to be sent had to wait for a shared line, and goes out now: the response timeout counts from here.
    pub fn handle_granted(&mut self, now: u64) {
        if self.core.transmit_due && matches!(self.core.state, State::Opening | State::Waiting | State::Closing) {
            self.core.now = now;
            self.core.arm(self.core.transmit.len());
        }
    }

    /// The deadline has come (calls before it change nothing).
    pub fn handle_timeout(&mut self, now: u64) {
        if self.core.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        self.core.now = now;
        if self.core.state == State::Pausing {
            return self.core.ask();
        }
        // A frame is coming in: let it finish, but not for ever.
        let quiet_at = self.core.heard_at.saturating_add(self.core.config.inter_octet_timeout_ns);
        if self.decoder.in_progress() && now < quiet_at && now < self.core.deadline_last {
            self.core.deadline = Some(quiet_at.min(self.core.deadline_last));
            return;
        }
        self.decoder.give_up();
        // A whole frame may stand behind what was given up; only when there is none is the turn repeated.
        self.core.overdue = true;
    }

    // What comes out.

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<LinkEvent<'_>> {
        let notice = self.poll_notice()?;
        Some(self.event(notice))
    }

    /// The next thing to tell, without the bytes that belong to it: [`Self::event`] adds them.
    pub(crate) fn poll_notice(&mut self) -> Option<Notice> {
        self.core.window.discard_taken();
        loop {
            if let Some(down) = self.core.down.take() {
                self.core.reset();
                return Some(Notice::Down(down));
            }
            let Some(frame) = self.decoder.next_frame() else {
                if !std::mem::take(&mut self.core.overdue) {
                    return None;
                }
                self.core.repeat();
                continue;
            };
            let theirs = frame.source.same_station(self.core.config.server);
            if !theirs || !frame.destination.reaches(self.core.config.client) {
                self.core.ignored = self.core.ignored.saturating_add(1);
                continue;
            }
            if frame.control == Control::UnnumberedInformation {
                let message = llc::open(frame.information).is_some();
                if self.core.state == State::Waiting && frame.poll {
                    self.core.take_turn();
                }
                if message {
                    return Some(Notice::Unnumbered);
                }
                continue;
            }
            match self.core.take(&frame) {
                Step::Nothing => {}
                Step::Up(limits) => return Some(Notice::Up(limits)),
                Step::Down(down) => self.core.down = Some(down),
                Step::Message if llc::open(self.core.window.message()).is_some() => return Some(Notice::Message),
                Step::Message => self.core.down = Some(LinkDown::Misbehaved),
            }
        }
    }

    /// A notice with its bytes; valid until the next one is polled.
    pub(crate) fn event(&self, notice: Notice) -> LinkEvent<'_> {
        let message = |information| llc::open(information).unwrap_or(&[]);
        match notice {
            Notice::Up(limits) => LinkEvent::Up(limits),
            Notice::Down(why) => LinkEvent::Down(why),
            Notice::Message => LinkEvent::Message(message(self.core.window.message())),
            Notice::Unnumbered => LinkEvent::Unnumbered(message(self.decoder.last_information())),
        }
    }

    /// There is something to send.
    #[must_use]
    pub const fn has_transmit(&self) -> bool {
        self.core.transmit_due
    }

    /// The next bytes to send: one turn in one piece.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        std::mem::take(&mut self.core.transmit_due).then_some(self.core.transmit.as_slice())
    }
}

impl Core {
    fn take(&mut self, frame: &Frame<'_>) -> Step {
        match (self.state, frame.control) {
            (State::Opening, Control::UnnumberedAcknowledge) => match Parameters::decode(frame.information) {
                Ok(theirs) => {
                    let limits = self.config.proposal.agreed(theirs);
                    self.window.open(limits);
                    self.peer_busy = false;
                    self.progress = self.progress.wrapping_add(1);
                    self.tries_left = self.config.retries;
                    self.take_turn();
                    Step::Up(limits)
                }
                Err(_) => Step::Down(LinkDown::Misbehaved),
            },
            (State::Opening, Control::DisconnectedMode) => Step::Down(LinkDown::Refused),
            (State::Closing, Control::UnnumberedAcknowledge | Control::DisconnectedMode) => {
                Step::Down(LinkDown::Closed)
            }
            (State::Ready | State::Waiting | State::Pausing, control) => self.take_open(frame, control),
            _ => {
                self.ignored = self.ignored.saturating_add(1);
                Step::Nothing
            }
        }
    }

    fn take_open(&mut self, frame: &Frame<'_>, control: Control) -> Step {
        let receive = match control {
            Control::Information { receive, .. }
            | Control::ReceiveReady { receive }
            | Control::ReceiveNotReady { receive }
            | Control::Reject { receive } => receive,
            Control::DisconnectedMode => return Step::Down(LinkDown::Forgotten),
            Control::FrameReject => return Step::Down(LinkDown::Rejected),
            _ => {
                // A second UA to a repeated SNRM, or nothing that a secondary may send.
                self.ignored = self.ignored.saturating_add(1);
                return Step::Nothing;
            }
        };
        let before = self.window.in_flight();
        if !self.window.acknowledge(receive) {
            self.ignored = self.ignored.saturating_add(1);
            return Step::Nothing;
        }
        let mut progress = self.window.in_flight() < before;
        let mut whole = false;
        match control {
            Control::Information { send, .. } => match self.window.accept(send, frame.segmented, frame.information) {
                Accepted::Piece => progress = true,
                Accepted::Whole => (progress, whole) = (true, true),
                Accepted::OutOfSequence => {
                    self.gap = true;
                    self.ignored = self.ignored.saturating_add(1);
                }
                Accepted::TooLong => return Step::Down(LinkDown::Misbehaved),
            },
            Control::ReceiveNotReady { .. } => self.peer_busy = true,
            _ => self.peer_busy = false,
        }
        if progress {
            self.progress = self.progress.wrapping_add(1);
            self.tries_left = self.config.retries;
        }
        if frame.poll && self.state == State::Waiting {
            let owed = self.window.in_flight() > 0 || self.window.is_partial() || self.gap;
            if !progress && owed && !self.peer_busy {
                // The word came back without anything having moved: as good as silence.
                match self.tries_left.checked_sub(1) {
                    Some(left) => self.tries_left = left,
                    None => return Step::Down(LinkDown::Silent),
                }
            }
            self.take_turn();
        } else if self.state == State::Waiting {
            self.arm(0);
        }
        if whole { Step::Message } else { Step::Nothing }
    }

    /// The word is ours: send again what was lost, or what is new, or ask for what is due.
    fn take_turn(&mut self) {
        self.overdue = false;
        self.window.rewind();
        let gap = std::mem::take(&mut self.gap);
        if self.peer_busy {
            return self.pause();
        }
        if self.window.has_more() {
            self.put_information();
        } else if gap && self.rejects {
            self.single = true;
            self.put(Control::Reject { receive: self.window.expected() }, &[]);
            self.state = State::Waiting;
        } else if self.window.is_partial() || (gap && self.asking) {
            self.ask();
        } else if self.asking {
            self.pause();
        } else {
            self.state = State::Ready;
            self.deadline = None;
        }
    }

    fn put_information(&mut self) {
        self.transmit.clear();
        if self.window.put_turn(self.config.server, self.config.client, &mut self.transmit).is_err() {
            // Lengths were cut to what a frame can hold when the link was opened.
            self.down = Some(LinkDown::Misbehaved);
            return;
        }
        self.single = self.window.in_flight() == 1;
        self.state = State::Waiting;
        self.transmit_due = true;
        self.arm(self.transmit.len());
    }

    fn ask(&mut self) {
        self.single = true;
        self.put(Control::ReceiveReady { receive: self.window.expected() }, &[]);
        self.state = State::Waiting;
    }

    fn pause(&mut self) {
        self.state = State::Pausing;
        self.deadline = Some(self.now.saturating_add(self.config.busy_pause_ns));
    }

    /// Nothing came: the same again, or the end.
    fn repeat(&mut self) {
        let Some(left) = self.tries_left.checked_sub(1) else {
            self.down = Some(if self.state == State::Closing { LinkDown::Closed } else { LinkDown::Silent });
            return;
        };
        self.tries_left = left;
        match self.state {
            State::Opening => self.put_unnumbered(Control::SetNormalResponseMode),
            State::Closing => self.put_unnumbered(Control::Disconnect),
            State::Waiting if self.single && self.window.in_flight() > 0 => {
                self.window.rewind();
                self.put_information();
            }
            State::Waiting => self.ask(),
            State::Closed | State::Ready | State::Pausing => {}
        }
    }

    fn put_unnumbered(&mut self, control: Control) {
        let mut information = Vec::new();
        if control == Control::SetNormalResponseMode {
            self.config.proposal.encode_proposal(&mut information);
        }
        self.put(control, &information);
    }

    /// One frame that hands the word over.
    fn put(&mut self, control: Control, information: &[u8]) {
        let mut transmit = std::mem::take(&mut self.transmit);
        transmit.clear();
        // What is put here is short.
        let _ = self.frame(control, true, information).encode(&mut transmit);
        self.transmit = transmit;
        self.transmit_due = true;
        self.arm(self.transmit.len());
    }

    const fn frame<'a>(&self, control: Control, poll: bool, information: &'a [u8]) -> Frame<'a> {
        let PrimaryConfig { client, server, .. } = self.config;
        Frame { destination: server, source: client, control, poll, segmented: false, information }
    }

    /// Starts the response timeout, after these bytes have left.
    fn arm(&mut self, bytes: usize) {
        let on_line = |bytes| self.config.baud.map_or(0, |baud| baud.duration_ns(bytes));
        let deadline = self.now.saturating_add(on_line(bytes)).saturating_add(self.config.response_timeout_ns);
        self.deadline = Some(deadline);
        // The longest frame that may be coming in just then.
        let longest = on_line(super::frame::LENGTH_MAX).max(self.config.response_timeout_ns);
        self.deadline_last = deadline.saturating_add(longest);
    }

    fn reset(&mut self) {
        self.window.clear();
        self.state = State::Closed;
        self.asking = false;
        self.peer_busy = false;
        self.gap = false;
        self.overdue = false;
        self.deadline = None;
        self.down = None;
        self.transmit = Vec::new();
        self.transmit_due = false;
    }
}
