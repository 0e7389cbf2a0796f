//! General block transfer on the client's side.
//!
//! Requests go one block at a time, each acknowledged: they are rarely long. Answers come in windows as wide as the
//! configuration allows. While a window is coming in, the frame kept for repeats is the acknowledgement of what has
//! come so far: should the end of the window be lost, the timeout asks for what is missing.

use super::{Client, Phase};
use crate::apdu::{Apdu, Conformance, GeneralBlock, WINDOW_MAX};
use crate::error::{Error, Misuse, PeerFault};
use crate::general_block::{Received, Receiver, Sender};
use crate::link::wrapper::{self, HEADER_BYTES};

/// What is on its way in general blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct General(Option<Box<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    sender: Option<Sender>,
    receiver: Receiver,
    /// Number of our last bare acknowledgement, or of the last block of our request.
    number: u16,
}

impl General {
    /// A new request: nothing of the one before counts.
    pub(super) fn restart(&mut self) {
        self.0 = None;
    }

    fn state(&mut self) -> &mut State {
        self.0.get_or_insert_default()
    }

    /// A block or an acknowledgement was the last thing sent.
    pub(super) const fn is_under_way(&self) -> bool {
        match &self.0 {
            Some(state) => state.sender.is_some() || state.receiver.number() > 0,
            None => false,
        }
    }

    pub(super) const fn heap_bytes(&self) -> usize {
        match &self.0 {
            Some(state) => state.receiver.heap_bytes(),
            None => 0,
        }
    }
}

impl Client {
    pub(super) fn has_general_blocks(&self) -> bool {
        self.session.is_some_and(|session| session.conformance.has(Conformance::GENERAL_BLOCK_TRANSFER))
    }

    /// Frames the message, already protected; in general blocks when it is longer than the peer takes.
    pub(super) fn cut_if_long(&mut self, now: u64) -> Result<(), Error> {
        let bytes = self.frame.len().saturating_sub(HEADER_BYTES);
        let Some(session) = self.session.filter(|session| bytes > session.pdu_max && self.has_general_blocks()) else {
            return self.finish_frame(now);
        };
        let message = self.frame.get(HEADER_BYTES..).unwrap_or(&[]).to_vec();
        let sender =
            Sender::new(message, session.pdu_max, 1).ok_or(Misuse::RequestTooLong { bytes, limit: session.pdu_max })?;
        self.general.restart();
        self.general.state().sender = Some(sender);
        self.send_general_block(now)
    }

    fn send_general_block(&mut self, now: u64) -> Result<(), Error> {
        let window = self.config.general_window.clamp(1, WINDOW_MAX);
        let received = self.general.state().receiver.number();
        wrapper::begin(&mut self.frame);
        let state = self.general.state();
        let Some(block) = state.sender.as_mut().and_then(|sender| sender.next(window, received)) else {
            return Ok(());
        };
        state.number = block.number;
        block.encode(&mut self.frame);
        self.finish_frame(now)
    }

    /// One block from the meter, as it came.
    pub(super) fn take_general_block(&mut self, now: u64, message: &[u8]) {
        let block = match Apdu::decode(message) {
            Ok(Apdu::GeneralBlock(block)) => block,
            Ok(_) => return,
            Err(error) => return self.suspect(error.into()),
        };
        if !matches!(self.phase, Phase::Requesting | Phase::Mapping) || !self.has_general_blocks() {
            return self.suspect(PeerFault::UnexpectedApdu { tag: crate::apdu::tag::GENERAL_BLOCK_TRANSFER }.into());
        }
        if block.data.is_empty() {
            return self.take_general_acknowledgement(now, &block);
        }
        // An answer means that the request has arrived, acknowledged or not.
        self.general.state().sender = None;
        match self.general.state().receiver.take(&block, self.config.answer_bytes_max()) {
            Err(fault) => self.end(Err(fault.into())),
            Ok(Received::Whole(whole)) => {
                self.general.restart();
                self.take_protected(now, &whole);
            }
            // A window of 0 is a transfer without acknowledgements.
            Ok(Received::Acknowledge) if block.window > 0 => self.acknowledge_general(now, true),
            Ok(_) => self.acknowledge_general(now, false),
        }
    }

    fn take_general_acknowledgement(&mut self, now: u64, block: &GeneralBlock<'_>) {
        // Our requests go one block at a time, whatever the meter could take.
        match self.general.state().sender.as_mut().map(|sender| sender.acknowledge(block.acknowledged, 1)) {
            Some(false) => self.settle_or_fail(|client| {
                client.wait(now);
                client.send_general_block(now)
            }),
            // All there: the answer is due.
            Some(true) => self.wait(now),
            None => self.ignored = self.ignored.saturating_add(1),
        }
    }

    /// Puts an acknowledgement of what has come into the frame, to be sent now or only if nothing more comes.
    fn acknowledge_general(&mut self, now: u64, due: bool) {
        if due {
            self.general.state().number = self.general.state().number.wrapping_add(1).max(1);
        }
        let acknowledgement = GeneralBlock {
            last: true,
            streaming: false,
            window: self.config.general_window.clamp(1, WINDOW_MAX),
            number: self.general.state().number.max(1),
            acknowledged: self.general.state().receiver.number(),
            data: &[],
        };
        wrapper::begin(&mut self.frame);
        acknowledgement.encode(&mut self.frame);
        if due && self.gives_way() {
            return;
        }
        self.wait(now);
        self.settle_or_fail(|client| client.finish_frame(now));
        self.frame_due = due;
    }
}
