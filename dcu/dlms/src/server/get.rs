//! GET on the server side: one attribute, a list, blocks of what does not fit.

use super::{Outgoing, PAYLOAD_AT, Session, except, put_head};
use crate::apdu::{
    self, AttributeList, AttributeRef, Conformance, DataAccessResult, ExceptionResponse, GetRequest, GetResponse,
    InvokeId, Selection,
};
use crate::cosem::ObjectModel;
use crate::link::wrapper::HEADER_BYTES;
use crate::wire::put_length;

/// Most attributes in one list.
const LIST_MAX: usize = 255;
/// Bytes around a piece: tag, choice, invoke id, last, number, choice, and the widest length.
const BLOCK_OVERHEAD: usize = 3 + 1 + 4 + 1 + 5;

impl Session {
    pub(super) fn take_get<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        request: &GetRequest<'_>,
        reply: &mut Vec<u8>,
    ) -> bool {
        match request {
            GetRequest::Normal { invoke, attribute, selection } => {
                self.abort_transfers();
                self.get_one(model, *invoke, *attribute, *selection, reply);
            }
            GetRequest::WithList { invoke, list } => {
                self.abort_transfers();
                if !self.terms.conformance.has(Conformance::MULTIPLE_REFERENCES) || list.len() > LIST_MAX {
                    return except(ExceptionResponse::NOT_SUPPORTED, reply);
                }
                self.get_list(model, *invoke, list, reply);
            }
            GetRequest::Next { invoke, block } => self.get_next(*invoke, *block, reply),
        }
        true
    }

    #[inline]
    fn get_one<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        invoke: InvokeId,
        attribute: AttributeRef,
        selection: Option<Selection<'_>>,
        reply: &mut Vec<u8>,
    ) {
        put_head(reply, apdu::tag::GET_RESPONSE, 1, invoke);
        reply.push(0);
        let value_at = reply.len();
        if let Err(error) = self.read(model, attribute, selection, reply) {
            refuse(reply, PAYLOAD_AT, error);
        }
        // Of a value in blocks only the value itself is cut, not the choice before it.
        self.in_blocks_if_long(invoke, value_at, reply);
    }

    #[inline]
    fn get_list<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        invoke: InvokeId,
        list: &AttributeList<'_>,
        reply: &mut Vec<u8>,
    ) {
        put_head(reply, apdu::tag::GET_RESPONSE, 3, invoke);
        put_length(reply, list.len());
        for (attribute, selection) in list.iter() {
            let result_at = reply.len();
            reply.push(0);
            if let Err(error) = self.read(model, attribute, selection, reply) {
                refuse(reply, result_at, error);
            }
        }
        self.in_blocks_if_long(invoke, PAYLOAD_AT, reply);
    }

    /// Puts the answer aside and sends its first block when it is longer than the client takes.
    fn in_blocks_if_long(&mut self, invoke: InvokeId, payload_at: usize, reply: &mut Vec<u8>) {
        if reply.len().saturating_sub(HEADER_BYTES) <= self.client_pdu_max() {
            return;
        }
        if !self.terms.conformance.has(Conformance::BLOCK_GET) {
            put_head(reply, apdu::tag::GET_RESPONSE, 1, invoke);
            reply.extend_from_slice(&[1, DataAccessResult::OtherReason.code()]);
            return;
        }
        let bytes = reply.get(payload_at..).unwrap_or(&[]).to_vec();
        self.outgoing = Some(Outgoing { bytes, number: 0, from: 0, to: 0 });
        self.get_next(invoke, 0, reply);
    }

    fn get_next(&mut self, invoke: InvokeId, received: u32, reply: &mut Vec<u8>) {
        let room = self.client_pdu_max().saturating_sub(BLOCK_OVERHEAD).max(1);
        reply.truncate(HEADER_BYTES);
        let failed = |error| GetResponse::Block { invoke, last: true, number: received, result: Err(error) };
        let Some(outgoing) = &mut self.outgoing else {
            return failed(DataAccessResult::NoLongGetInProgress).encode(reply);
        };
        let at_end = outgoing.number > 0 && outgoing.to >= outgoing.bytes.len();
        if received == outgoing.number && !at_end {
            outgoing.number = outgoing.number.saturating_add(1);
            outgoing.from = outgoing.to;
            outgoing.to = outgoing.from.saturating_add(room).min(outgoing.bytes.len());
        } else if received.checked_add(1) != Some(outgoing.number) {
            self.outgoing = None;
            return failed(DataAccessResult::DataBlockNumberInvalid).encode(reply);
        }
        // Otherwise our last block was lost and is asked for again.
        let piece = outgoing.bytes.get(outgoing.from..outgoing.to).unwrap_or(&[]);
        let last = outgoing.to >= outgoing.bytes.len();
        GetResponse::Block { invoke, last, number: outgoing.number, result: Ok(piece) }.encode(reply);
    }
}

/// Replaces what was begun at `at` by a refusal.
fn refuse(reply: &mut Vec<u8>, at: usize, error: DataAccessResult) {
    reply.truncate(at);
    reply.extend_from_slice(&[1, error.code()]);
}
