//! General block transfer on the server's side: below protection, above the link.

use super::{Server, Session};
use crate::apdu::{Apdu, Conformance, ExceptionResponse, GeneralBlock, WINDOW_MAX};
use crate::cosem::ObjectModel;
use crate::general_block::{Received, Receiver, Sender};
use crate::link::wrapper::{self, Addresses, HEADER_BYTES};

/// What one association has on its way in general blocks.
#[derive(Clone, Debug)]
pub(super) struct General {
    sender: Option<Sender>,
    receiver: Receiver,
    /// How many blocks the client takes in a row; known once it has sent one.
    client_window: u8,
    /// The last block of a request and its answer: should the answer be lost, the block comes again, and the request
    /// must be neither carried out twice nor taken for a replay.
    answered: Option<Box<(Vec<u8>, Vec<u8>)>>,
}

impl Default for General {
    fn default() -> Self {
        Self { sender: None, receiver: Receiver::default(), client_window: 1, answered: None }
    }
}

impl Server {
    /// The next frame of a window of general blocks on its way. Ask after each frame sent until it answers `false`;
    /// with the default window of 1 there is never one.
    pub fn next_frame(&mut self, reply: &mut Vec<u8>) -> bool {
        let Some(addresses) = self.streaming else { return false };
        self.put_general_block(addresses, reply)
    }

    pub(super) fn take_general_block<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        addresses: Addresses,
        message: &[u8],
        reply: &mut Vec<u8>,
    ) -> bool {
        let own_window = self.config.general_window.clamp(1, WINDOW_MAX);
        let bytes_max = self.config.value_bytes_max;
        let Some(session) = self.general_session(addresses) else {
            let associated = self.session_slot(addresses.source).is_some_and(|slot| slot.is_some());
            let exception =
                if associated { ExceptionResponse::NOT_SUPPORTED } else { ExceptionResponse::NOT_ASSOCIATED };
            return super::except(exception, reply) && wrapper::finish(reply, addresses.reversed()).is_ok();
        };
        let Ok(Apdu::GeneralBlock(block)) = Apdu::decode(message) else { return false };
        session.general.client_window = block.window.clamp(1, own_window);
        if block.data.is_empty() {
            let window = session.general.client_window;
            let done = session.general.sender.as_mut().is_none_or(|s| s.acknowledge(block.acknowledged, window));
            if done {
                session.general.sender = None;
                return false;
            }
            return self.put_general_block(addresses, reply);
        }
        let repeated = session.general.answered.as_deref().filter(|(last, _)| last == message);
        if let (Some((_, frame)), 0) = (repeated, session.general.receiver.number()) {
            reply.clone_from(frame);
            if let Some(sender) = &mut session.general.sender {
                sender.acknowledge(0, session.general.client_window);
                return self.put_general_block(addresses, reply);
            }
            return true;
        }
        // A client that sends a request has done with the answer to the one before.
        session.general.sender = None;
        session.general.answered = None;
        match session.general.receiver.take(&block, bytes_max) {
            Ok(Received::Whole(whole)) => {
                let answered = self.answer_protected(model, addresses, &whole, bytes_max, reply);
                if let (true, Some(session)) = (answered, self.general_session(addresses)) {
                    session.general.answered = Some(Box::new((message.to_vec(), reply.clone())));
                }
                answered
            }
            Ok(Received::Streaming) => false,
            Ok(Received::Acknowledge) if block.window == 0 => false,
            Ok(Received::Acknowledge) => {
                let acknowledgement = GeneralBlock {
                    last: true,
                    streaming: false,
                    window: own_window,
                    number: block.number,
                    acknowledged: session.general.receiver.number(),
                    data: &[],
                };
                acknowledgement.encode(reply);
                wrapper::finish(reply, addresses.reversed()).is_ok()
            }
            Err(_) => {
                let too_long = ExceptionResponse {
                    service: crate::apdu::ServiceError::PduTooLong,
                    ..ExceptionResponse::NOT_SUPPORTED
                };
                super::except(too_long, reply) && wrapper::finish(reply, addresses.reversed()).is_ok()
            }
        }
    }

    /// Cuts an answer, already protected, that is longer than the client takes. `false` when it cannot be sent at all.
    pub(super) fn cut_if_long(&mut self, addresses: Addresses, reply: &mut Vec<u8>) -> bool {
        let Some(session) = self.general_session(addresses) else { return true };
        let pdu_max = session.client_message_max();
        if reply.len().saturating_sub(HEADER_BYTES) <= pdu_max {
            return true;
        }
        let message = reply.get(HEADER_BYTES..).unwrap_or(&[]).to_vec();
        session.general.sender = Sender::new(message, pdu_max, session.general.client_window);
        self.put_general_block(addresses, reply)
    }

    /// The next block of the answer on its way, framed.
    fn put_general_block(&mut self, addresses: Addresses, reply: &mut Vec<u8>) -> bool {
        let own_window = self.config.general_window.clamp(1, WINDOW_MAX);
        self.streaming = None;
        wrapper::begin(reply);
        let Some(session) = self.general_session(addresses) else { return false };
        let received = session.general.receiver.number();
        let Some(block) = session.general.sender.as_mut().and_then(|sender| sender.next(own_window, received)) else {
            return false;
        };
        block.encode(reply);
        let streaming = block.streaming;
        self.streaming = streaming.then_some(addresses);
        wrapper::finish(reply, addresses.reversed()).is_ok()
    }

    /// The association with that client, if general blocks were agreed in it.
    fn general_session(&mut self, addresses: Addresses) -> Option<&mut Session> {
        let session = self.session_slot(addresses.source)?.as_mut()?;
        session.terms.conformance.has(Conformance::GENERAL_BLOCK_TRANSFER).then_some(session)
    }
}
