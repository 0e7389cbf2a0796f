//! Long answers and long requests in the blocks of their own services, whichever service it is.

use super::Session;
use crate::apdu::{AttributeRef, Block, Conformance, DataAccessResult, MethodRef};
use crate::link::wrapper::HEADER_BYTES;

/// Bytes around a piece: tag, choice, invoke id, last, number, choice, and the widest length.
const BLOCK_OVERHEAD: usize = 3 + 1 + 4 + 1 + 5;

/// A long answer on its way.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    what: Long,
    bytes: Vec<u8>,
    /// Number of the block sent last, and where it begins and ends.
    number: u32,
    from: usize,
    to: usize,
}

/// Which service a long answer belongs to: only its own request for the next block continues it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Long {
    Get,
    Action,
    Read,
}

/// A long request on its way.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    target: Target,
    bytes: Vec<u8>,
    /// Number of the block received last.
    number: u32,
    /// The answer to the last block, kept for its repetition: the whole is carried out once.
    answer: Option<Vec<u8>>,
}

/// What a long request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Attribute(AttributeRef),
    /// An encoded list of attributes.
    Attributes(Vec<u8>),
    Method(MethodRef),
    /// An encoded list of methods.
    Methods(Vec<u8>),
    /// A Write by short names: variables and values are both in the blocks.
    Write,
    /// A Read by short names: its variables.
    Read,
}

/// What a piece has led to.
enum Piece {
    /// Send the next.
    Acknowledge,
    /// The answer to the last piece was lost: here it is again.
    Again(Vec<u8>),
    /// All is here.
    Whole(Target, Vec<u8>),
}

/// How an answer fits the client.
pub(super) enum Fit {
    /// In one message, or in general blocks.
    Whole,
    /// In blocks of its service.
    Blocks,
    /// Not at all.
    Never,
}

impl Session {
    /// How the answer in `reply` fits the client. `blocks` are those of the service.
    #[inline]
    pub(super) fn fit(&self, blocks: Conformance, reply: &[u8]) -> Fit {
        if reply.len().saturating_sub(HEADER_BYTES) <= self.client_pdu_max() {
            Fit::Whole
        } else if self.terms.conformance.has(blocks) {
            Fit::Blocks
        } else if self.terms.conformance.has(Conformance::GENERAL_BLOCK_TRANSFER) {
            Fit::Whole
        } else {
            Fit::Never
        }
    }

    /// Keeps what stands from `payload_at` on, to be sent by [`Self::next_piece`].
    pub(super) fn put_aside(&mut self, what: Long, payload_at: usize, reply: &[u8]) {
        let bytes = reply.get(payload_at..).unwrap_or(&[]).to_vec();
        self.outgoing = Some(Outgoing { what, bytes, number: 0, from: 0, to: 0 });
    }

    /// The piece after `received`, or that one again when it was lost.
    pub(super) fn next_piece(&mut self, what: Long, received: u32) -> Result<Block<'_>, DataAccessResult> {
        let room = self.client_pdu_max().saturating_sub(BLOCK_OVERHEAD).max(1);
        if self.outgoing.as_ref().is_none_or(|outgoing| outgoing.what != what) {
            return Err(DataAccessResult::NoLongGetInProgress);
        }
        let outgoing = self.outgoing.as_mut().ok_or(DataAccessResult::NoLongGetInProgress)?;
        let at_end = outgoing.number > 0 && outgoing.to >= outgoing.bytes.len();
        if received == outgoing.number && !at_end {
            outgoing.number = outgoing.number.saturating_add(1);
            outgoing.from = outgoing.to;
            outgoing.to = outgoing.from.saturating_add(room).min(outgoing.bytes.len());
        } else if received.checked_add(1) != Some(outgoing.number) {
            self.outgoing = None;
            return Err(DataAccessResult::DataBlockNumberInvalid);
        }
        // Otherwise our last block was lost and is asked for again.
        let outgoing = self.outgoing.as_ref().ok_or(DataAccessResult::NoLongGetInProgress)?;
        let raw = outgoing.bytes.get(outgoing.from..outgoing.to).unwrap_or(&[]);
        Ok(Block { last: outgoing.to >= outgoing.bytes.len(), number: outgoing.number, raw })
    }

    /// A long request begins.
    pub(super) fn begin_incoming(&mut self, target: Target) {
        self.incoming = Some(Incoming { target, bytes: Vec::new(), number: 0, answer: None });
    }

    /// Takes a piece of a long request, whichever service carries it, and puts the answer: that the piece has come, that
    /// the transfer has ended (and why), or what carrying out the whole puts. The whole is carried out once; its answer
    /// is kept, should it be lost.
    pub(super) fn take_block(
        &mut self,
        block: &Block<'_>,
        bytes_max: usize,
        reply: &mut Vec<u8>,
        acknowledge: impl FnOnce(&mut Vec<u8>),
        refuse: impl FnOnce(DataAccessResult, &mut Vec<u8>),
        carry_out: impl FnOnce(&mut Self, Target, &[u8], &mut Vec<u8>),
    ) {
        match self.take_incoming(block, bytes_max) {
            Err(error) => refuse(error, reply),
            Ok(Piece::Acknowledge) => acknowledge(reply),
            Ok(Piece::Again(answer)) => reply.extend_from_slice(&answer),
            Ok(Piece::Whole(target, bytes)) => {
                carry_out(self, target, &bytes, reply);
                self.keep_answer(reply);
            }
        }
    }

    /// Takes a piece. An error ends the transfer.
    fn take_incoming(&mut self, block: &Block<'_>, bytes_max: usize) -> Result<Piece, DataAccessResult> {
        let Some(mut incoming) = self.incoming.take() else { return Err(DataAccessResult::NoLongSetInProgress) };
        if block.number == incoming.number {
            // Our acknowledgement was lost.
            let again = incoming.answer.clone().map_or(Piece::Acknowledge, Piece::Again);
            self.incoming = Some(incoming);
            return Ok(again);
        }
        if block.number != incoming.number.saturating_add(1) || incoming.answer.is_some() {
            return Err(DataAccessResult::DataBlockNumberInvalid);
        }
        if incoming.bytes.len().saturating_add(block.raw.len()) > bytes_max {
            return Err(DataAccessResult::LongSetAborted);
        }
        incoming.bytes.extend_from_slice(block.raw);
        incoming.number = block.number;
        if !block.last {
            self.incoming = Some(incoming);
            return Ok(Piece::Acknowledge);
        }
        let bytes = std::mem::take(&mut incoming.bytes);
        let target = incoming.target.clone();
        self.incoming = Some(incoming);
        Ok(Piece::Whole(target, bytes))
    }

    /// Keeps the answer to the last piece, should it be lost.
    fn keep_answer(&mut self, reply: &[u8]) {
        if let Some(incoming) = &mut self.incoming {
            incoming.answer = Some(reply.get(HEADER_BYTES..).unwrap_or(&[]).to_vec());
        }
    }
}
