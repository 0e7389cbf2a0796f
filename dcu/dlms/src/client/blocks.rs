//! Long requests and long answers in the blocks of their own services.

use super::request::write_selection;
use super::{Client, Command, Phase, Session};
use crate::apdu::{ActionRequest, DataAccessResult, GetRequest, Selection, tag};
use crate::error::{Error, PeerFault, Refusal};
use crate::link::wrapper::{self, HEADER_BYTES};
use crate::wire::put_octets;

/// Bytes around a piece: last, number, and the widest length that a message of 65 KB needs.
const BLOCK_OVERHEAD: usize = 1 + 4 + 3;

impl Client {
    /// Sends the next piece of what is to be written, or of the parameters of a method.
    pub(super) fn send_piece(&mut self, now: u64, session: Session) -> Result<(), Error> {
        let limit = self.message_limit(session);
        let number = self.transfer.block.saturating_add(1);
        let invoke = self.invoke;
        wrapper::begin(&mut self.frame);
        match (self.command, number) {
            (Command::Write(attribute), 1) => {
                self.frame.extend_from_slice(&[tag::SET_REQUEST, 2, invoke.0]);
                attribute.encode(&mut self.frame);
                Selection::encode_optional(write_selection(&self.selections), &mut self.frame);
            }
            (Command::WriteList, 1) => {
                self.frame.extend_from_slice(&[tag::SET_REQUEST, 5, invoke.0]);
                self.put_references();
            }
            (Command::Invoke { method, .. }, 1) => {
                self.frame.extend_from_slice(&[tag::ACTION_REQUEST, 4, invoke.0]);
                method.encode(&mut self.frame);
            }
            (Command::InvokeList, 1) => {
                self.frame.extend_from_slice(&[tag::ACTION_REQUEST, 5, invoke.0]);
                self.put_references();
            }
            (Command::Write(_) | Command::WriteList, _) => {
                self.frame.extend_from_slice(&[tag::SET_REQUEST, 3, invoke.0]);
            }
            _ => self.frame.extend_from_slice(&[tag::ACTION_REQUEST, 6, invoke.0]),
        }
        let used = self.frame.len().saturating_sub(HEADER_BYTES).saturating_add(BLOCK_OVERHEAD);
        // References alone may fill the first message: then only a bound of one byte keeps the pieces going.
        let room = limit.saturating_sub(used).max(1);
        let rest = self.transfer.bytes.get(self.transfer.sent..).unwrap_or(&[]);
        let raw = rest.get(..room).unwrap_or(rest);
        self.frame.push(u8::from(raw.len() == rest.len()));
        self.frame.extend_from_slice(&number.to_be_bytes());
        put_octets(&mut self.frame, raw);
        self.transfer.sent = self.transfer.sent.saturating_add(raw.len());
        self.transfer.block = number;
        self.phase = Phase::Requesting;
        self.send(now, limit)
    }

    /// The meter has a piece of our request.
    pub(super) fn take_piece_acknowledged(&mut self, now: u64, session: Session, number: u32) -> Result<(), Error> {
        let expected = self.transfer.block;
        // Once the answer has begun to come, an acknowledgement is a late one.
        if number < expected || (!session.short && !self.transfer.answer.is_empty()) {
            self.ignored = self.ignored.saturating_add(1);
            return Ok(());
        }
        // The last piece is acknowledged with the result, not with a request for more.
        let length = if session.short { self.transfer.answer.len() } else { self.transfer.bytes.len() };
        if number > expected || self.transfer.sent >= length {
            return Err(PeerFault::BlockOutOfOrder { expected, got: number }.into());
        }
        if session.short { self.send_short_piece(now, session) } else { self.send_piece(now, session) }
    }

    /// A piece of a long answer; the whole answer once the last has come.
    pub(super) fn take_piece(
        &mut self,
        now: u64,
        session: Session,
        last: bool,
        number: u32,
        result: Result<&[u8], DataAccessResult>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let piece = result.map_err(Refusal::Access)?;
        // The numbers of pieces sent and received are counted apart: the answer begins again at 1.
        if self.transfer.answer.is_empty() && number == 1 && self.transfer.sent > 0 {
            self.transfer.block = 0;
            self.transfer.sent = 0;
        }
        let expected = self.transfer.block.saturating_add(1);
        if number < expected {
            self.ignored = self.ignored.saturating_add(1);
            return Ok(None);
        }
        if number > expected {
            return Err(PeerFault::BlockOutOfOrder { expected, got: number }.into());
        }
        let limit = self.config.answer_bytes_max();
        if self.transfer.answer.len().saturating_add(piece.len()) > limit {
            return Err(PeerFault::TooLong { limit }.into());
        }
        self.transfer.answer.extend_from_slice(piece);
        self.transfer.block = number;
        if last {
            return Ok(Some(std::mem::take(&mut self.transfer.answer)));
        }
        self.send_next_block_request(now, session)?;
        Ok(None)
    }

    /// Asks for the block after the one received last.
    fn send_next_block_request(&mut self, now: u64, session: Session) -> Result<(), Error> {
        if session.short {
            return self.send_short_next_request(now, session);
        }
        let (invoke, number) = (self.invoke, self.transfer.block);
        wrapper::begin(&mut self.frame);
        match self.command {
            Command::Invoke { .. } | Command::InvokeList => {
                ActionRequest::NextBlock { invoke, number }.encode(&mut self.frame);
            }
            _ => GetRequest::Next { invoke, block: number }.encode(&mut self.frame),
        }
        self.send(now, self.message_limit(session))
    }
}
