//! What happened, and what comes out.

use super::gate::Gate;
use super::mapping::News;
use super::settings::Framing;
use super::{Associated, Client, ClientConfig, ClientEvent, Ending, Link, Output, Phase};
use crate::apdu::tag;
use crate::error::{Error, PeerFault, Refusal, TransportFault};
use crate::link::hdlc::{LinkDown, LinkEvent};
use crate::link::serial::Serial;
use crate::link::wrapper::{self, Addresses, HEADER_BYTES, Reassembler};

/// How often one command may find its link gone.
const LINK_REOPEN_MAX: u8 = 2;

impl Client {
    /// Bytes arrived: one whole frame on a datagram link, any piece of the stream on the others.
    pub fn handle_receive(&mut self, now: u64, bytes: &[u8]) {
        match self.config.framing {
            Framing::Datagram => match wrapper::open(bytes) {
                Ok((addresses, message)) => self.take_frame(now, addresses, message),
                Err(error) => self.suspect(error.into()),
            },
            Framing::Stream => {
                // Out of the way, so that what it lends can be taken in.
                let Some(mut reassembler) = self.reassembler.take() else { return };
                reassembler.push(bytes);
                while let Some((addresses, message)) = reassembler.next_frame() {
                    self.take_frame(now, addresses, message);
                }
                self.reassembler = Some(reassembler);
            }
            Framing::Serial => {
                self.with_link(now, |link| link.handle_receive(now, bytes));
            }
        }
        self.drive(now);
    }

    /// The last byte of the latest transmission has left the port: the response timeout counts from now. Without this
    /// call it is reckoned from the speed on serial links, and from the making of the frame on the others: call it
    /// there when the frame has waited for its turn on a shared link.
    pub fn handle_transmitted(&mut self, now: u64) {
        self.with_link(now, |link| link.handle_transmitted(now));
        if self.is_exchanging() && self.serial.is_none() {
            self.deadline = Some(now.saturating_add(self.config.reply_timeout_ns));
        }
        self.drive(now);
    }

    /// The deadline has come (calls before it change nothing).
    pub fn handle_timeout(&mut self, now: u64) {
        // What waits at the gate has not been asked yet.
        if !self.is_held_at_gate() {
            self.with_link(now, |link| link.handle_timeout(now));
            if self.deadline.is_some_and(|deadline| now >= deadline) {
                self.take_timeout(now);
            }
        }
        self.drive(now);
    }

    fn take_timeout(&mut self, now: u64) {
        if self.phase == Phase::Resting {
            return self.end_rest(now);
        }
        if self.gives_way() {
            return;
        }
        match self.tries_left.checked_sub(1) {
            Some(left) => {
                self.tries_left = left;
                self.repeat(now);
            }
            None => {
                if let Some(link) = &mut self.serial {
                    link.abandon();
                }
                let error = self.suspicion.take().unwrap_or(TransportFault::Timeout.into());
                self.session = None;
                self.end(Err(error));
            }
        }
    }

    /// The connection was closed: the association went with it.
    pub fn handle_closed(&mut self, now: u64) {
        self.session = None;
        if let Some(reassembler) = &mut self.reassembler {
            reassembler.clear();
        }
        if let Some(link) = &mut self.serial {
            link.abandon();
        }
        if !self.is_idle() {
            self.end(Err(TransportFault::Closed.into()));
        }
        self.drive(now);
    }

    /// The next thing to be done; [`Output::Timeout`] when there is nothing more.
    pub fn poll_output(&mut self) -> Output<'_> {
        if self.has_notification() {
            // It has just said that it has one.
            let told = self.next_notification().map(|n| Output::Event(ClientEvent::Notification(n)));
            return told.unwrap_or(Output::Timeout(None));
        }
        if let Some(bound) = self.counter_wanted() {
            return Output::Event(ClientEvent::ReserveCounter(bound));
        }
        if let Some(why) = self.associated.take() {
            return Output::Event(ClientEvent::Associated(why));
        }
        if let Some(news) = self.news.take() {
            let asks = self.mapping.as_ref().and_then(|mapping| mapping.asks());
            let told = match (news, asks, &self.known) {
                (News::Wanted, Some(firmware), _) => Some(ClientEvent::MapWanted(firmware)),
                (News::Discovered, _, Some(known)) => Some(ClientEvent::Discovered(known)),
                (News::NotDiscovered(error), ..) => Some(ClientEvent::NotDiscovered(*error)),
                _ => None,
            };
            // Nothing to tell of a command that was cancelled meanwhile; the rest of the drain comes next time.
            return told.map_or(Output::Timeout(self.deadline), Output::Event);
        }
        if let Some((done, total)) = self.image_news() {
            return Output::Event(ClientEvent::ImageProgress { done, total });
        }
        if self.serial.is_some() {
            self.feed_link();
            if !self.is_held_at_gate() {
                if let Some(line) = self.serial.as_mut().and_then(|link| link.poll_line()) {
                    return Output::SetLine(line);
                }
                if self.serial.as_ref().is_some_and(|link| link.has_transmit()) && self.pass_gate() {
                    let sent = self.serial.as_mut().and_then(|link| link.poll_transmit());
                    return sent.map_or(Output::Timeout(self.deadline), Output::Transmit);
                }
            }
        } else if self.frame_due && self.pass_gate() {
            self.frame_due = false;
            self.end_telling();
            return Output::Transmit(&self.frame);
        }
        if self.has_confirmation() && self.passes_behind() {
            return match self.next_confirmation() {
                Ok(frame) => Output::Transmit(frame),
                // There are counters: it has just said so.
                Err(_) => Output::Timeout(None),
            };
        }
        if let Some(ended) = self.ended.take() {
            return Output::Event(match ended {
                Ok(Ending::Values) => ClientEvent::Values(&self.results),
                Ok(Ending::Profile) => ClientEvent::Profile(&self.rows),
                Ok(Ending::Done) => ClientEvent::Done(self.returned.as_deref()),
                Ok(Ending::Suspended) => ClientEvent::Suspended,
                Err(error) => ClientEvent::Failed(error),
            });
        }
        if self.is_idle() {
            self.give_back_buffers();
        }
        self.end_drain();
        Output::Timeout(self.deadline())
    }

    /// What nobody answers has left.
    fn end_telling(&mut self) {
        if self.phase == Phase::Telling {
            self.end(Ok(Ending::Done));
        }
    }

    /// Gives the link below the message that is due, or tells it that nothing is asked for.
    fn feed_link(&mut self) {
        let held = self.is_held_at_gate();
        let Some(link) = &mut self.serial else { return };
        if self.frame_due && !held {
            self.frame_due = false;
            // The request was built, or let out, when its deadline was set.
            let now = self.deadline.map_or(0, |at| at.saturating_sub(self.config.reply_timeout_ns));
            link.send(now, self.frame.get(HEADER_BYTES..).unwrap_or(&[]));
            self.end_telling();
        }
        let Some(link) = &mut self.serial else { return };
        if !self.phase.awaits_answer() {
            link.stop_asking();
        }
    }

    /// Closes the link, and with it the association; the command ends when that is done.
    pub(super) fn close_link(&mut self, now: u64) {
        self.phase = Phase::Releasing;
        self.deadline = Some(now.saturating_add(self.config.reply_timeout_ns));
        self.with_link(now, |link| link.close(now));
    }

    /// Does something with the link, then takes what it has to tell.
    fn with_link(&mut self, now: u64, act: impl FnOnce(&mut Serial)) {
        // Out of the way, so that what it lends can be taken in.
        let Some(mut link) = self.serial.take() else { return };
        let before = link.progress();
        act(&mut link);
        while let Some(event) = link.poll_event() {
            match event {
                LinkEvent::Up(_) => {}
                LinkEvent::Message(message) | LinkEvent::Unnumbered(message) => {
                    let addresses = Addresses { source: self.config.server_sap, destination: self.config.client_sap };
                    self.take_frame(now, addresses, message);
                }
                LinkEvent::Down(why) => self.take_link_down(now, why),
            }
            if self.gate == Gate::Open && self.phase != Phase::Telling && std::mem::take(&mut self.frame_due) {
                link.send(now, self.frame.get(HEADER_BYTES..).unwrap_or(&[]));
            }
        }
        if link.progress() != before {
            let later = now.saturating_add(self.config.reply_timeout_ns);
            self.deadline = self.deadline.map(|deadline| deadline.max(later));
        }
        self.serial = Some(link);
    }

    fn take_link_down(&mut self, now: u64, why: LinkDown) {
        self.session = None;
        // Nothing is asked for: the next request opens the link again.
        if matches!(self.phase, Phase::Idle | Phase::Resting | Phase::AwaitingMap) {
            return;
        }
        // Whatever closed it, it is closed.
        if self.phase == Phase::Releasing {
            return self.end(Ok(Ending::Done));
        }
        let error = match why {
            LinkDown::Forgotten | LinkDown::Rejected if self.reopened < LINK_REOPEN_MAX => match self.reopen(now) {
                Ok(()) => return,
                Err(error) => error,
            },
            LinkDown::Forgotten | LinkDown::Rejected | LinkDown::Closed => TransportFault::LinkLost.into(),
            LinkDown::Silent => self.suspicion.take().unwrap_or(TransportFault::Timeout.into()),
            LinkDown::Refused => TransportFault::LinkRefused.into(),
            LinkDown::NotOffered => Refusal::NotOffered("HDLC (mode E)").into(),
            LinkDown::Misbehaved => Error::from(PeerFault::BrokenLink),
        };
        self.end(Err(error));
    }

    /// The association is gone: opens it again for the command under way, which then goes on with what is missing.
    pub(super) fn reopen(&mut self, now: u64) -> Result<(), Error> {
        self.reopened = self.reopened.saturating_add(1);
        self.transfer.sent = 0;
        self.advance_rows();
        self.transfer.answer.clear();
        self.send_association_request(now, Associated::Reopened)
    }

    fn take_frame(&mut self, now: u64, addresses: Addresses, message: &[u8]) {
        let to_us = addresses.destination == self.config.client_sap
            || self.config.push_sap.is_some_and(|push_sap| addresses.destination == push_sap);
        if addresses.source != self.config.server_sap || !to_us {
            self.ignored = self.ignored.saturating_add(1);
            return;
        }
        // Below protection: what is cut into blocks is the protected message.
        if message.first() == Some(&tag::GENERAL_BLOCK_TRANSFER) {
            return self.take_general_block(now, message);
        }
        self.take_protected(now, message);
    }

    /// Opens a whole message and takes it.
    pub(super) fn take_protected(&mut self, now: u64, message: &[u8]) {
        match self.unprotect(message) {
            Ok(None) => self.take_message(now, message, false),
            Ok(Some(opened)) => {
                self.take_message(now, &opened, true);
                self.give_back(opened);
            }
            Err(error) => self.suspect(error),
        }
    }
}

/// What puts a stream together.
pub(super) fn reassembler(config: &ClientConfig) -> Option<Box<Reassembler>> {
    // A refusal or an association may be longer than the messages that we propose.
    let message_max = usize::from(config.pdu_max).max(2048);
    let expected = Addresses { source: config.server_sap, destination: config.client_sap };
    // Frames to either address are ours.
    let expected = config.push_sap.is_none().then_some(expected);
    matches!(config.link, Link::Stream).then(|| Box::new(Reassembler::new(message_max, expected)))
}

/// The link of a client that has one below the messages.
pub(super) fn serial(config: &ClientConfig) -> Option<Box<Serial>> {
    let (hdlc, opening) = match config.link {
        Link::Datagram | Link::Stream => return None,
        Link::Hdlc(hdlc) => (hdlc, None),
        Link::HdlcAfterModeE(hdlc, opening) => (hdlc, Some(opening)),
    };
    // A refusal or an association may be longer than the messages that we propose.
    let message_max = usize::from(config.pdu_max).max(2048).saturating_add(3);
    Some(Box::new(Serial::new(hdlc, opening, message_max)))
}

pub(super) fn earlier(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
