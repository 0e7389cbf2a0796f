//! SET on the server side: one attribute or a list, whole or in blocks.

use super::pieces::Target;
use super::{Session, except, put_head};
use crate::apdu::{
    AttributeList, AttributeRef, Block, Conformance, DataAccessResult, ExceptionResponse, InvokeId, Selection,
    SetRequest, SetResponse, ValueList, tag,
};
use crate::axdr::decode_all;
use crate::cosem::{ObjectModel, association, attribute_access};
use crate::wire::put_length;

impl Session {
    pub(super) fn take_set<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        request: &SetRequest<'_>,
        value_bytes_max: usize,
        reply: &mut Vec<u8>,
    ) -> bool {
        self.outgoing = None;
        let several = self.terms.conformance.has(Conformance::MULTIPLE_REFERENCES);
        let in_blocks = self.terms.conformance.has(Conformance::BLOCK_SET);
        let invoke = match request {
            SetRequest::Normal { invoke, attribute, selection, value } => {
                self.incoming = None;
                let result = self.write_part(model, *attribute, *selection, value);
                SetResponse::Normal { invoke: *invoke, result }.encode(reply);
                *invoke
            }
            SetRequest::WithList { invoke, attributes, values } => {
                self.incoming = None;
                if !several || attributes.len() != values.len() {
                    return except(ExceptionResponse::NOT_SUPPORTED, reply);
                }
                put_head(reply, tag::SET_RESPONSE, 5, *invoke);
                self.write_list(model, attributes, values, reply);
                *invoke
            }
            SetRequest::FirstBlock { invoke, attribute, selection, block } => {
                self.incoming = None;
                if !in_blocks {
                    return except(ExceptionResponse::NOT_SUPPORTED, reply);
                }
                // No class here takes a selection with a long value.
                if selection.is_none() {
                    self.begin_incoming(Target::Attribute(*attribute));
                }
                self.take_set_block(model, *invoke, block, value_bytes_max, reply);
                *invoke
            }
            SetRequest::ListFirstBlock { invoke, attributes, block } => {
                if !several || !in_blocks {
                    return except(ExceptionResponse::NOT_SUPPORTED, reply);
                }
                let mut list = Vec::new();
                attributes.encode(&mut list);
                self.begin_incoming(Target::Attributes(list));
                self.take_set_block(model, *invoke, block, value_bytes_max, reply);
                *invoke
            }
            SetRequest::NextBlock { invoke, block } => {
                self.take_set_block(model, *invoke, block, value_bytes_max, reply);
                *invoke
            }
        };
        invoke.is_confirmed()
    }

    fn take_set_block<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        invoke: InvokeId,
        block: &Block<'_>,
        value_bytes_max: usize,
        reply: &mut Vec<u8>,
    ) {
        let number = block.number;
        let ended = |result| SetResponse::LastBlock { invoke, result, number };
        self.take_block(
            block,
            value_bytes_max,
            reply,
            |reply| SetResponse::Block { invoke, number }.encode(reply),
            |error, reply| ended(error).encode(reply),
            |session, target, bytes, reply| match target {
                Target::Attribute(attribute) => ended(session.write(model, attribute, bytes)).encode(reply),
                Target::Attributes(list) => match (AttributeList::over(&list), ValueList::over(bytes)) {
                    (Ok(attributes), Ok(values)) if attributes.len() == values.len() => {
                        put_head(reply, tag::SET_RESPONSE, 4, invoke);
                        session.write_list(model, &attributes, &values, reply);
                        reply.extend_from_slice(&number.to_be_bytes());
                    }
                    _ => ended(DataAccessResult::TypeUnmatched).encode(reply),
                },
                Target::Method(_) | Target::Methods(_) | Target::Write | Target::Read => {
                    session.incoming = None;
                    ended(DataAccessResult::NoLongSetInProgress).encode(reply);
                }
            },
        );
    }

    /// Writes one after the other and appends the list of results.
    fn write_list<M: ObjectModel + ?Sized>(
        &self,
        model: &mut M,
        attributes: &AttributeList<'_>,
        values: &ValueList<'_>,
        reply: &mut Vec<u8>,
    ) {
        put_length(reply, attributes.len());
        for ((attribute, selection), value) in attributes.iter().zip(values.iter()) {
            reply.push(self.write_part(model, attribute, selection, value).code());
        }
    }

    pub(super) fn write_part<M: ObjectModel + ?Sized>(
        &self,
        model: &mut M,
        attribute: AttributeRef,
        selection: Option<Selection<'_>>,
        value: &[u8],
    ) -> DataAccessResult {
        match selection {
            Some(_) => DataAccessResult::ScopeOfAccessViolated,
            None => self.write(model, attribute, value),
        }
    }

    pub(super) fn write<M: ObjectModel + ?Sized>(
        &self,
        model: &mut M,
        attribute: AttributeRef,
        value: &[u8],
    ) -> DataAccessResult {
        if attribute.class == association::CLASS {
            return DataAccessResult::ReadWriteDenied;
        }
        match attribute_access(model, self.terms.level, attribute) {
            Err(error) => error,
            Ok(access) if !access.writes() => DataAccessResult::ReadWriteDenied,
            Ok(_) => match decode_all(value) {
                Err(_) => DataAccessResult::TypeUnmatched,
                Ok(value) => model.write(attribute, &value).err().unwrap_or(DataAccessResult::Success),
            },
        }
    }
}
