//! A client's HDLC link, perhaps behind an opening of IEC 62056-21 mode E: one face for both.
//!
//! With an opening, each link begins at 300 baud with the sign-on and is handed over to HDLC. Two things may go wrong
//! that a second attempt mends, and both are tried before the link counts as down:
//! - Nobody answers the sign-on, because the meter is still in HDLC from the last time: SNRM is sent at the last speed.
//! - Nobody answers SNRM after the hand-over, because the speed does not work on this line: once more, at 300 baud, and
//!   so from then on. (A meter may hold the line in HDLC for minutes after such a hand-over; the command may fail then,
//!   and the next one finds the meter.)

use super::hdlc::{Address, LinkDown, LinkEvent, Notice, Parameters, Primary, PrimaryConfig};
use super::iec21::{DeviceAddress, Goal, Reader, ReaderConfig, ReaderEvent, ReaderFault};
use super::line::{Baud, LineSettings};

/// How the HDLC part is set up; see [`PrimaryConfig`] for the meaning of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HdlcLink {
    /// Our address: 1 management, 16 public.
    pub client: Address,
    /// The meter's address.
    pub server: Address,
    /// What we propose.
    pub proposal: Parameters,
    /// Silence after which a turn is repeated, ns from the end of the transmission.
    pub response_timeout_ns: u64,
    /// Pause within a frame after which it is given up, ns.
    pub inter_octet_timeout_ns: u64,
    /// How often a turn is repeated.
    pub retries: u8,
    /// Pause before a meter that was not ready is asked again, ns.
    pub busy_pause_ns: u64,
    /// The meter takes REJ: frames out of place are answered by it. IEC 62056-46 does not list it.
    pub rejects: bool,
    /// Speed of a serial line; `None` where bytes are gone at once.
    pub baud: Option<Baud>,
}

impl HdlcLink {
    /// Over TCP, or through a gateway: 5 s for an answer and within a frame, three repeats, proposals at the default.
    #[must_use]
    pub const fn stream(client: Address, server: Address) -> Self {
        Self {
            client,
            server,
            proposal: Parameters::DEFAULT,
            response_timeout_ns: 5_000_000_000,
            inter_octet_timeout_ns: 5_000_000_000,
            retries: 3,
            busy_pause_ns: 100_000_000,
            rejects: false,
            baud: None,
        }
    }

    /// On a serial line at this speed: 1.5 s for an answer, 200 ms within a frame.
    #[must_use]
    pub const fn serial(client: Address, server: Address, baud: Baud) -> Self {
        Self {
            response_timeout_ns: 1_500_000_000,
            inter_octet_timeout_ns: 200_000_000,
            baud: Some(baud),
            ..Self::stream(client, server)
        }
    }
}

/// How the opening is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeE {
    /// Device address of the sign-on; empty for whoever is there.
    pub device: DeviceAddress,
    /// Fastest speed that our port can do.
    pub baud_max: Baud,
    /// Speed at which a meter that does not answer the sign-on is tried in HDLC, before any hand-over is known.
    pub fallback: Option<Baud>,
}

/// One link of a client. Driven like [`Primary`], with changes of the line besides.
#[derive(Clone, Debug)]
pub struct Serial {
    primary: Primary,
    opening: Option<Box<Opening>>,
    stage: Stage,
    line_due: Option<LineSettings>,
    /// Speed of the HDLC part.
    baud: Option<Baud>,
    /// Messages that wait for the link.
    waiting: Vec<Vec<u8>>,
    down: Option<LinkDown>,
    /// The first message of the opening has gone out: the others follow within its own time limits.
    begun: bool,
    now: u64,
}

#[derive(Clone, Debug)]
struct Opening {
    reader: Reader,
    /// The speed offered does not work on this line: stay at 300 baud.
    slow: bool,
    /// SNRM goes out without a sign-on.
    direct: bool,
    /// Speed at which the meter has been met in HDLC.
    known: Option<Baud>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Closed,
    SigningOn,
    /// SNRM is on its way.
    Connecting,
    Up,
}

impl Serial {
    /// Closed. Messages up to `message_max` bytes are taken.
    #[must_use]
    pub fn new(hdlc: HdlcLink, opening: Option<ModeE>, message_max: usize) -> Self {
        let HdlcLink { client, server, proposal, baud, .. } = hdlc;
        let mut primary = Primary::new(PrimaryConfig {
            client,
            server,
            proposal,
            response_timeout_ns: hdlc.response_timeout_ns,
            inter_octet_timeout_ns: hdlc.inter_octet_timeout_ns,
            retries: hdlc.retries,
            busy_pause_ns: hdlc.busy_pause_ns,
            message_max,
            baud,
        });
        primary.set_rejects(hdlc.rejects);
        Self {
            primary,
            baud: if opening.is_some() { None } else { baud },
            opening: opening.map(|opening| {
                Box::new(Opening {
                    reader: Reader::new(ReaderConfig {
                        device: opening.device,
                        baud_max: opening.baud_max,
                        ..ReaderConfig::new(Goal::Hdlc)
                    }),
                    slow: false,
                    direct: false,
                    known: opening.fallback,
                })
            }),
            stage: Stage::Closed,
            line_due: None,
            waiting: Vec::new(),
            down: None,
            begun: false,
            now: 0,
        }
    }

    /// There is no link and none is being opened.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// Something has been sent that is to be answered.
    #[must_use]
    pub fn is_exchanging(&self) -> bool {
        self.is_mid_opening() || self.primary.is_exchanging()
    }

    /// An opening of IEC 62056-21 has begun and is not over.
    #[must_use]
    pub fn is_mid_opening(&self) -> bool {
        self.stage == Stage::SigningOn && self.begun
    }

    /// What is to be sent had to wait, and goes out now: its time counts from here.
    pub fn handle_granted(&mut self, now: u64) {
        self.now = now;
        match &mut self.opening {
            Some(opening) if self.stage == Stage::SigningOn && opening.slow => opening.reader.start_slow(now),
            Some(opening) if self.stage == Stage::SigningOn => opening.reader.start(now),
            _ => self.primary.handle_granted(now),
        }
    }

    /// See [`Primary::progress`].
    #[must_use]
    pub const fn progress(&self) -> u32 {
        self.primary.progress()
    }

    /// When [`Self::handle_timeout`] is due, monotonic ns.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        let opening = self.opening.as_ref().and_then(|opening| opening.reader.deadline());
        match (opening, self.primary.deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Frames that answered nothing.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.primary.ignored()
    }

    /// Bytes of memory held beyond the struct itself.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let opening = if self.opening.is_some() { size_of::<Opening>() } else { 0 };
        let held = self.primary.heap_bytes().saturating_add(opening);
        self.waiting.iter().map(Vec::capacity).fold(held, usize::saturating_add)
    }

    /// Sends a message; opens the link first if there is none.
    pub fn send(&mut self, now: u64, message: &[u8]) {
        self.now = now;
        if self.stage == Stage::Up {
            return self.primary.send(now, message);
        }
        self.waiting.push(message.to_vec());
        if self.stage == Stage::Closed {
            self.open(now);
        }
    }

    /// See [`Primary::stop_asking`]; large buffers are given back.
    pub fn stop_asking(&mut self) {
        self.primary.stop_asking();
        self.primary.give_back_buffers();
    }

    /// Closes the link; [`LinkEvent::Down`] tells.
    pub fn close(&mut self, now: u64) {
        self.now = now;
        self.waiting.clear();
        if self.stage == Stage::SigningOn {
            self.stop_signing_on();
            self.down = Some(LinkDown::Closed);
            return;
        }
        self.primary.close(now);
    }

    /// Forgets the link without a word.
    pub fn abandon(&mut self) {
        self.stop_signing_on();
        self.primary.abandon();
        self.waiting.clear();
        self.stage = Stage::Closed;
        self.line_due = None;
        self.down = None;
    }

    /// Bytes arrived, cut anywhere.
    pub fn handle_receive(&mut self, now: u64, bytes: &[u8]) {
        self.now = now;
        match (&mut self.opening, self.stage) {
            (Some(opening), Stage::SigningOn) => opening.reader.handle_receive(now, bytes),
            _ => self.primary.handle_receive(now, bytes),
        }
    }

    /// The last byte of the transmission has left.
    pub fn handle_transmitted(&mut self, now: u64) {
        self.now = now;
        match (&mut self.opening, self.stage) {
            (Some(opening), Stage::SigningOn) => opening.reader.handle_transmitted(now),
            _ => self.primary.handle_transmitted(now),
        }
    }

    /// The deadline has come (calls before it change nothing).
    pub fn handle_timeout(&mut self, now: u64) {
        self.now = now;
        if let Some(opening) = &mut self.opening {
            opening.reader.handle_timeout(now);
        }
        self.primary.handle_timeout(now);
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<LinkEvent<'_>> {
        let notice = loop {
            self.follow_opening();
            if let Some(why) = self.down.take() {
                self.waiting.clear();
                self.stage = Stage::Closed;
                break Notice::Down(why);
            }
            match self.primary.poll_notice()? {
                Notice::Up(limits) => {
                    self.stage = Stage::Up;
                    if let Some(opening) = &mut self.opening {
                        opening.known = self.baud;
                    }
                    for mut message in std::mem::take(&mut self.waiting) {
                        self.primary.send(self.now, &message);
                        // It may have held a password.
                        message.fill(0);
                    }
                    break Notice::Up(limits);
                }
                Notice::Down(LinkDown::Silent) if self.stage == Stage::Connecting && self.try_slowly() => {}
                Notice::Down(why) => self.down = Some(why),
                notice => break notice,
            }
        };
        Some(self.primary.event(notice))
    }

    /// What the port is to be set to, before the next transmission.
    pub fn poll_line(&mut self) -> Option<LineSettings> {
        let opening = self.opening.as_mut().and_then(|opening| opening.reader.poll_line());
        opening.or_else(|| self.line_due.take())
    }

    /// There is something to send.
    #[must_use]
    pub const fn has_transmit(&self) -> bool {
        match &self.opening {
            Some(opening) if opening.reader.has_transmit() => true,
            _ => self.primary.has_transmit(),
        }
    }

    /// The next bytes to send.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        match &mut self.opening {
            Some(opening) if opening.reader.has_transmit() => {
                self.begun = true;
                opening.reader.poll_transmit()
            }
            _ => self.primary.poll_transmit(),
        }
    }

    fn open(&mut self, now: u64) {
        self.begun = false;
        match &mut self.opening {
            Some(opening) => {
                opening.direct = false;
                if opening.slow {
                    opening.reader.start_slow(now);
                } else {
                    opening.reader.start(now);
                }
                self.stage = Stage::SigningOn;
            }
            None => self.connect(now),
        }
    }

    /// SNRM, at the speed known.
    fn connect(&mut self, now: u64) {
        self.stage = Stage::Connecting;
        self.line_due = self.baud.map(LineSettings::binary);
        self.primary.set_baud(self.baud);
        self.primary.open(now);
    }

    fn follow_opening(&mut self) {
        while let Some(opening) = &mut self.opening {
            match opening.reader.poll_event() {
                Some(ReaderEvent::HandOver(baud)) => {
                    self.baud = Some(baud);
                    self.connect(self.now);
                }
                Some(ReaderEvent::Failed(ReaderFault::Silent)) => match opening.known {
                    Some(baud) => {
                        opening.direct = true;
                        self.baud = Some(baud);
                        self.connect(self.now);
                    }
                    None => self.down = Some(LinkDown::Silent),
                },
                Some(ReaderEvent::Failed(ReaderFault::NotOffered)) => self.down = Some(LinkDown::NotOffered),
                Some(ReaderEvent::Failed(_)) => self.down = Some(LinkDown::Refused),
                Some(_) => {}
                None => return,
            }
        }
    }

    /// SNRM went unanswered after a hand-over: once more from the beginning, staying at 300 baud.
    fn try_slowly(&mut self) -> bool {
        match &mut self.opening {
            Some(opening) if !opening.slow && !opening.direct => {
                opening.slow = true;
                self.begun = false;
                opening.reader.start_slow(self.now);
                self.stage = Stage::SigningOn;
                true
            }
            _ => false,
        }
    }

    fn stop_signing_on(&mut self) {
        if let Some(opening) = &mut self.opening {
            opening.reader.abandon();
        }
    }
}
