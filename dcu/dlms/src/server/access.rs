//! ACCESS on the server side: its items one after the other, in order.

use super::{Session, except};
use crate::apdu::{AccessItem, AccessOutcome, AccessRequest, ActionResult, DataAccessResult, ExceptionResponse, tag};
use crate::axdr::put_null;
use crate::cosem::ObjectModel;
use crate::wire::put_length;

impl Session {
    pub(super) fn take_access<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        request: &AccessRequest<'_>,
        reply: &mut Vec<u8>,
    ) -> bool {
        self.abort_transfers();
        if request.items.len() != request.data.len() {
            return except(ExceptionResponse::NOT_SUPPORTED, reply);
        }
        reply.push(tag::ACCESS_RESPONSE);
        reply.extend_from_slice(&request.invoke.0.to_be_bytes());
        // No time: the server has no clock of its own.
        reply.push(0);
        reply.push(u8::from(request.invoke.wants_items()));
        if request.invoke.wants_items() {
            request.items.encode(reply);
        }
        put_length(reply, request.items.len());
        let mut outcomes = Vec::with_capacity(request.items.len().min(256));
        let mut broken = false;
        for (item, value) in request.items.iter().zip(request.data.iter()) {
            let outcome = if broken { not_tried(item) } else { self.access_one(model, item, value, reply) };
            if broken {
                put_null(reply);
            }
            broken |= !outcome.is_success() && request.invoke.breaks_on_error();
            outcomes.push(outcome);
        }
        put_length(reply, outcomes.len());
        for outcome in outcomes {
            outcome.encode(reply);
        }
        request.invoke.is_confirmed()
    }

    /// Does one thing, appending its value or null-data.
    fn access_one<M: ObjectModel + ?Sized>(
        &self,
        model: &mut M,
        item: AccessItem<'_>,
        value: &[u8],
        reply: &mut Vec<u8>,
    ) -> AccessOutcome {
        let value_at = reply.len();
        let outcome = match item {
            AccessItem::Get(attribute) => AccessOutcome::Get(code(self.read(model, attribute, None, reply))),
            AccessItem::GetSelected(attribute, selection) => {
                AccessOutcome::Get(code(self.read(model, attribute, Some(selection), reply)))
            }
            AccessItem::Set(attribute) => AccessOutcome::Set(self.write(model, attribute, value)),
            AccessItem::SetSelected(attribute, selection) => {
                AccessOutcome::Set(self.write_part(model, attribute, Some(selection), value))
            }
            AccessItem::Action(method) => {
                let parameter = Some(value).filter(|encoded| *encoded != [0]);
                let done = self.run(model, method, parameter, reply);
                AccessOutcome::Action(done.err().unwrap_or(ActionResult::Success))
            }
        };
        if !outcome.is_success() {
            reply.truncate(value_at);
        }
        if reply.len() == value_at {
            put_null(reply);
        }
        outcome
    }
}

fn code(result: Result<(), DataAccessResult>) -> DataAccessResult {
    result.err().unwrap_or(DataAccessResult::Success)
}

/// An item after one that failed, where the client wants to stop at errors.
const fn not_tried(item: AccessItem<'_>) -> AccessOutcome {
    match item {
        AccessItem::Get(_) | AccessItem::GetSelected(..) => AccessOutcome::Get(DataAccessResult::OtherReason),
        AccessItem::Set(_) | AccessItem::SetSelected(..) => AccessOutcome::Set(DataAccessResult::OtherReason),
        AccessItem::Action(_) => AccessOutcome::Action(ActionResult::OtherReason),
    }
}
