//! SET on the server side: whole values and blocks.

use super::{Incoming, Session};
use crate::apdu::{AttributeRef, Block, DataAccessResult, InvokeId, SetRequest, SetResponse};
use crate::axdr::decode_all;
use crate::cosem::{ObjectModel, association, attribute_access};

impl Session {
    pub(super) fn take_set<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        request: &SetRequest<'_>,
        value_bytes_max: usize,
        reply: &mut Vec<u8>,
    ) -> bool {
        self.outgoing = None;
        let (invoke, response) = match request {
            SetRequest::Normal { invoke, attribute, selection, value } => {
                self.incoming = None;
                let result = match selection {
                    Some(_) => DataAccessResult::ScopeOfAccessViolated,
                    None => self.write(model, *attribute, value),
                };
                (*invoke, SetResponse::Normal { invoke: *invoke, result })
            }
            SetRequest::FirstBlock { invoke, attribute, selection, block } => {
                self.incoming = selection.is_none().then(|| Incoming {
                    attribute: *attribute,
                    bytes: Vec::new(),
                    number: 0,
                    result: None,
                });
                (*invoke, self.take_block(model, *invoke, block, value_bytes_max))
            }
            SetRequest::NextBlock { invoke, block } => {
                (*invoke, self.take_block(model, *invoke, block, value_bytes_max))
            }
        };
        response.encode(reply);
        invoke.is_confirmed()
    }

    fn take_block<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        invoke: InvokeId,
        block: &Block<'_>,
        value_bytes_max: usize,
    ) -> SetResponse {
        let number = block.number;
        let ended = |result| SetResponse::LastBlock { invoke, result, number };
        let Some(mut incoming) = self.incoming.take() else {
            return ended(DataAccessResult::NoLongSetInProgress);
        };
        if number == incoming.number {
            // Our acknowledgement was lost.
            let again = incoming.result.map_or(SetResponse::Block { invoke, number }, ended);
            self.incoming = Some(incoming);
            return again;
        }
        if number != incoming.number.saturating_add(1) {
            return ended(DataAccessResult::DataBlockNumberInvalid);
        }
        if incoming.bytes.len().saturating_add(block.raw.len()) > value_bytes_max {
            return ended(DataAccessResult::LongSetAborted);
        }
        incoming.bytes.extend_from_slice(block.raw);
        incoming.number = number;
        if !block.last {
            self.incoming = Some(incoming);
            return SetResponse::Block { invoke, number };
        }
        let result = self.write(model, incoming.attribute, &incoming.bytes);
        self.incoming = Some(Incoming { bytes: Vec::new(), result: Some(result), ..incoming });
        ended(result)
    }

    fn write<M: ObjectModel + ?Sized>(&self, model: &mut M, attribute: AttributeRef, value: &[u8]) -> DataAccessResult {
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
