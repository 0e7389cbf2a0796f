//! The secondary station: a meter's side of its links (IEC 62056-46, 6.4.4). It speaks only when asked.
//!
//! After [`Secondary::handle_receive`], drain [`Secondary::poll_event`]; answer each message by [`Secondary::send`]
//! before the next poll; then send what [`Secondary::poll_transmit`] gives.
//!
//! One link at a time: while one client holds it, another one's SNRM is answered DM, until the inactivity timeout
//! (class 23, attribute 8) frees it.

use super::address::Address;
use super::control::Control;
use super::decoder::Decoder;
use super::frame::Frame;
use super::llc;
use super::parameters::Parameters;
use super::window::{Accepted, Window};

/// How a secondary station is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondaryConfig {
    /// Logical device, and physical device if the address has two halves.
    pub server: Address,
    /// The most that we can do.
    pub limits: Parameters,
    /// A link on which nothing was heard for so long is closed, ns; `None` for never.
    pub inactivity_timeout_ns: Option<u64>,
    /// How long a frame may pause between two of its bytes, ns.
    pub inter_octet_timeout_ns: u64,
    /// Longest message taken, bytes.
    pub message_max: usize,
    /// Frames out of place are answered by REJ instead of RR ([`super::Primary::set_rejects`] has more).
    pub rejects: bool,
}

impl SecondaryConfig {
    /// A meter with this address and limits: 120 s of inactivity, 1 s between bytes, messages up to 64 KB.
    #[must_use]
    pub const fn new(server: Address, limits: Parameters) -> Self {
        Self {
            server,
            limits,
            inactivity_timeout_ns: Some(120_000_000_000),
            inter_octet_timeout_ns: 1_000_000_000,
            message_max: 65_535 + 3,
            rejects: false,
        }
    }
}

/// What a secondary station has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StationEvent<'a> {
    /// This client has opened the link, afresh if it had one.
    Up {
        /// Its number.
        client: u16,
    },
    /// A message of this client.
    Message {
        /// Its number.
        client: u16,
        /// It came outside of the numbering, perhaps to several stations: nothing may answer it.
        unnumbered: bool,
        /// The message.
        message: &'a [u8],
    },
    /// This client's link is gone.
    Down {
        /// Its number.
        client: u16,
    },
}

/// A secondary station. See the [module](self).
#[derive(Clone, Debug)]
pub struct Secondary {
    decoder: Decoder,
    core: Core,
}

#[derive(Clone, Debug)]
struct Core {
    config: SecondaryConfig,
    window: Window,
    link: Option<Link>,
    /// A frame with the poll bit is to be answered.
    polled: bool,
    /// A numbered frame came out of place since the last turn.
    gap: bool,
    busy: bool,
    heard_at: u64,
    down: Option<u16>,
    transmit: Vec<u8>,
    transmit_due: bool,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    /// As the client named itself and us: answers use the same forms.
    client: Address,
    server: Address,
    receive_bytes: u16,
}

enum Step {
    Nothing,
    Up(u16),
    Message(u16),
    Down(u16),
}

impl Secondary {
    /// No link.
    #[must_use]
    pub const fn new(config: SecondaryConfig) -> Self {
        Self {
            decoder: Decoder::new(),
            core: Core {
                window: Window::new(config.message_max),
                config,
                link: None,
                polled: false,
                gap: false,
                busy: false,
                heard_at: 0,
                down: None,
                transmit: Vec::new(),
                transmit_due: false,
            },
        }
    }

    /// The client that holds the link.
    #[must_use]
    pub fn client(&self) -> Option<u16> {
        self.core.link.map(|link| link.client.upper())
    }

    /// When the link lapses, monotonic ns.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        self.core.link?;
        self.core.config.inactivity_timeout_ns.map(|timeout| self.core.heard_at.saturating_add(timeout))
    }

    /// Cannot take messages for now (RNR), or can again.
    pub const fn set_busy(&mut self, busy: bool) {
        self.core.busy = busy;
    }

    /// Queues a message for the client that holds the link; it goes out when the client asks.
    pub fn send(&mut self, message: &[u8]) {
        if self.core.link.is_some() {
            self.core.window.queue(&llc::FROM_SERVER, message);
        }
    }

    /// Appends a frame that carries a message outside of the numbering: a push. `false` when it does not fit one frame.
    #[must_use]
    pub fn put_unnumbered(&self, client: Address, message: &[u8], out: &mut Vec<u8>) -> bool {
        let information = [llc::FROM_SERVER.as_slice(), message].concat();
        let frame = Frame {
            destination: client,
            source: self.core.config.server,
            control: Control::UnnumberedInformation,
            poll: true,
            segmented: false,
            information: &information,
        };
        frame.encode(out).is_ok()
    }

    /// The supply was lost: no link, nothing received.
    pub fn handle_power_lost(&mut self) {
        self.decoder.clear();
        self.core.drop_link();
        self.core.transmit_due = false;
        self.core.down = None;
    }

    /// Bytes arrived, cut anywhere.
    pub fn handle_receive(&mut self, now: u64, bytes: &[u8]) {
        self.handle_timeout(now);
        if now.saturating_sub(self.core.heard_at) > self.core.config.inter_octet_timeout_ns {
            self.decoder.give_up();
        }
        self.core.heard_at = now;
        self.decoder.push(bytes);
    }

    /// The deadline has come (calls before it change nothing).
    pub fn handle_timeout(&mut self, now: u64) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.core.down = self.client();
            self.core.drop_link();
        }
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<StationEvent<'_>> {
        self.core.window.discard_taken();
        if let Some(client) = self.core.down.take() {
            return Some(StationEvent::Down { client });
        }
        loop {
            let frame = self.decoder.next_frame()?;
            if !frame.destination.reaches(self.core.config.server) {
                continue;
            }
            if frame.control == Control::UnnumberedInformation {
                let client = frame.source.upper();
                // Found again for the borrow's sake.
                if llc::open(self.decoder.last_information()).is_none() {
                    continue;
                }
                return llc::open(self.decoder.last_information()).map(|message| StationEvent::Message {
                    client,
                    unnumbered: true,
                    message,
                });
            }
            // Nobody answers what is said to all.
            if frame.destination.is_broadcast() {
                continue;
            }
            match self.core.take(&frame) {
                Step::Nothing => {}
                Step::Up(client) => return Some(StationEvent::Up { client }),
                Step::Down(client) => return Some(StationEvent::Down { client }),
                Step::Message(client) => {
                    if llc::open(self.core.window.message()).is_none() {
                        continue;
                    }
                    return llc::open(self.core.window.message()).map(|message| StationEvent::Message {
                        client,
                        unnumbered: false,
                        message,
                    });
                }
            }
        }
    }

    /// Bytes to send now.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        if std::mem::take(&mut self.core.polled) {
            self.core.answer_poll();
        }
        std::mem::take(&mut self.core.transmit_due).then_some(self.core.transmit.as_slice())
    }
}

impl Core {
    fn take(&mut self, frame: &Frame<'_>) -> Step {
        let holder = self.link.filter(|link| link.client.same_station(frame.source));
        match (frame.control, holder) {
            (Control::SetNormalResponseMode, _) => self.take_opening(frame, holder.is_some()),
            (Control::Disconnect, Some(link)) => {
                self.drop_link();
                self.put(frame, Control::UnnumberedAcknowledge, &[]);
                Step::Down(link.client.upper())
            }
            (_, None) => {
                if frame.poll {
                    self.put(frame, Control::DisconnectedMode, &[]);
                }
                Step::Nothing
            }
            (control, Some(link)) => {
                // Answers use the forms in which the client named us both.
                self.link = Some(Link { client: frame.source, server: frame.destination, ..link });
                self.take_open(frame, control, link)
            }
        }
    }

    fn take_opening(&mut self, frame: &Frame<'_>, again: bool) -> Step {
        if self.link.is_some() && !again {
            self.put(frame, Control::DisconnectedMode, &[]);
            return Step::Nothing;
        }
        let Ok(theirs) = Parameters::decode(frame.information) else {
            self.put_rejection(frame, REJECT_INFORMATION);
            return Step::Nothing;
        };
        let agreed = self.config.limits.agreed(theirs);
        self.window.clear();
        self.window.open(agreed);
        self.polled = false;
        self.link = Some(Link { client: frame.source, server: frame.destination, receive_bytes: agreed.receive_bytes });
        let mut information = Vec::with_capacity(23);
        agreed.encode_answer(&mut information);
        self.put(frame, Control::UnnumberedAcknowledge, &information);
        Step::Up(frame.source.upper())
    }

    fn take_open(&mut self, frame: &Frame<'_>, control: Control, link: Link) -> Step {
        let receive = match control {
            Control::Information { receive, .. }
            | Control::ReceiveReady { receive }
            | Control::ReceiveNotReady { receive }
            | Control::Reject { receive } => receive,
            _ => {
                self.put_rejection(frame, REJECT_CONTROL);
                return Step::Nothing;
            }
        };
        if !self.window.acknowledge(receive) {
            self.put_rejection(frame, REJECT_NUMBER);
            return Step::Nothing;
        }
        let mut step = Step::Nothing;
        if let Control::Information { send, .. } = control {
            if frame.information.len() > usize::from(link.receive_bytes) {
                self.put_rejection(frame, REJECT_LENGTH);
                return Step::Nothing;
            }
            match self.window.accept(send, frame.segmented, frame.information) {
                Accepted::Whole => step = Step::Message(link.client.upper()),
                Accepted::Piece => {}
                // It is dropped; our N(R) tells what is due.
                Accepted::OutOfSequence => self.gap = true,
                Accepted::TooLong => {
                    self.put_rejection(frame, REJECT_LENGTH);
                    return Step::Nothing;
                }
            }
        }
        self.polled |= frame.poll;
        step
    }

    /// The word is ours until a final bit: what waits or was not acknowledged, else that we are ready.
    fn answer_poll(&mut self) {
        let Some(link) = self.link else { return };
        self.begin();
        self.window.rewind();
        let gap = std::mem::take(&mut self.gap);
        if self.window.has_more() {
            // Lengths were cut to what a frame can hold when the link was opened.
            let _ = self.window.put_turn(link.client, link.server, &mut self.transmit);
            return;
        }
        let receive = self.window.expected();
        let control = if self.busy {
            Control::ReceiveNotReady { receive }
        } else if gap && self.config.rejects {
            Control::Reject { receive }
        } else {
            Control::ReceiveReady { receive }
        };
        self.append(link.client, link.server, control, &[]);
    }

    /// FRMR: the rejected control field, our numbers, and why (ISO/IEC 13239, 5.5.3.4).
    fn put_rejection(&mut self, frame: &Frame<'_>, why: u8) {
        let numbers = (self.window.expected() << 5) | (self.window.next_number() << 1);
        self.put(frame, Control::FrameReject, &[frame.control.byte(frame.poll), numbers, why]);
    }

    fn put(&mut self, to: &Frame<'_>, control: Control, information: &[u8]) {
        self.begin();
        self.append(to.source, to.destination, control, information);
    }

    fn append(&mut self, client: Address, server: Address, control: Control, information: &[u8]) {
        let frame = Frame { destination: client, source: server, control, poll: true, segmented: false, information };
        // What is put here is short.
        let _ = frame.encode(&mut self.transmit);
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.transmit_due, true) {
            self.transmit.clear();
        }
    }

    fn drop_link(&mut self) {
        self.link = None;
        self.window.clear();
        self.polled = false;
        self.gap = false;
    }
}

/// W: the control field is not known here.
const REJECT_CONTROL: u8 = 0x01;
/// X (with W): there is information where none may be, or none that can be read.
const REJECT_INFORMATION: u8 = 0x03;
/// Y: the information is longer than agreed.
const REJECT_LENGTH: u8 = 0x04;
/// Z: N(R) acknowledges what was never sent.
const REJECT_NUMBER: u8 = 0x08;
