//! GET on the server side: one attribute, a list, blocks of what does not fit.

use super::pieces::{Fit, Long};
use super::{PAYLOAD_AT, Session, except, put_head};
use crate::apdu::{
    self, AttributeList, AttributeRef, Block, Conformance, DataAccessResult, ExceptionResponse, GetRequest,
    GetResponse, InvokeId, Selection,
};
use crate::cosem::ObjectModel;
use crate::link::wrapper::HEADER_BYTES;
use crate::wire::put_length;

/// Most attributes in one list.
const LIST_MAX: usize = 255;

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
        match self.fit(Conformance::BLOCK_GET, reply) {
            Fit::Whole => {}
            Fit::Blocks => {
                self.put_aside(Long::Get, payload_at, reply);
                self.get_next(invoke, 0, reply);
            }
            Fit::Never => {
                put_head(reply, apdu::tag::GET_RESPONSE, 1, invoke);
                reply.extend_from_slice(&[1, DataAccessResult::OtherReason.code()]);
            }
        }
    }

    fn get_next(&mut self, invoke: InvokeId, received: u32, reply: &mut Vec<u8>) {
        reply.truncate(HEADER_BYTES);
        let response = match self.next_piece(Long::Get, received) {
            Ok(Block { last, number, raw }) => GetResponse::Block { invoke, last, number, result: Ok(raw) },
            Err(error) => GetResponse::Block { invoke, last: true, number: received, result: Err(error) },
        };
        response.encode(reply);
    }
}

/// Replaces what was begun at `at` by a refusal.
fn refuse(reply: &mut Vec<u8>, at: usize, error: DataAccessResult) {
    reply.truncate(at);
    reply.extend_from_slice(&[1, error.code()]);
}
