//! ACTION on the server side: one method or a list, parameters and returned values whole or in blocks.

use super::pieces::{Fit, Long, Target};
use super::{PAYLOAD_AT, Session, except, put_head};
use crate::apdu::{
    ActionRequest, ActionResponse, ActionResult, Block, Conformance, DataAccessResult, ExceptionResponse, InvokeId,
    MethodList, MethodRef, MethodResult, ValueList, tag,
};
use crate::axdr::{Value, decode_all};
use crate::cosem::{ObjectModel, method_allowed};
use crate::link::wrapper::HEADER_BYTES;
use crate::wire::put_length;

/// Where the value returned by a single method stands: after result, presence, choice.
const RETURNED_AT: usize = PAYLOAD_AT + 3;

impl Session {
    pub(super) fn take_action<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        request: &ActionRequest<'_>,
        value_bytes_max: usize,
        reply: &mut Vec<u8>,
    ) -> bool {
        let several = self.terms.conformance.has(Conformance::MULTIPLE_REFERENCES);
        let in_blocks = self.terms.conformance.has(Conformance::BLOCK_ACTION);
        match request {
            ActionRequest::Normal { invoke, method, parameter } => {
                self.abort_transfers();
                self.act_one(model, *invoke, *method, *parameter, reply);
            }
            ActionRequest::WithList { invoke, methods, parameters } => {
                self.abort_transfers();
                if !several || methods.len() != parameters.len() {
                    return except(ExceptionResponse::NOT_SUPPORTED, reply);
                }
                self.act_list(model, *invoke, methods, parameters, reply);
            }
            ActionRequest::NextBlock { invoke, number } => self.action_next(*invoke, *number, reply),
            ActionRequest::FirstBlock { .. } | ActionRequest::ListFirstBlock { .. } if !in_blocks => {
                return except(ExceptionResponse::NOT_SUPPORTED, reply);
            }
            ActionRequest::FirstBlock { invoke, method, block } => {
                self.abort_transfers();
                self.begin_incoming(Target::Method(*method));
                self.take_action_block(model, *invoke, block, value_bytes_max, reply);
            }
            ActionRequest::ListFirstBlock { invoke, methods, block } => {
                self.abort_transfers();
                if !several {
                    return except(ExceptionResponse::NOT_SUPPORTED, reply);
                }
                let mut list = Vec::new();
                methods.encode(&mut list);
                self.begin_incoming(Target::Methods(list));
                self.take_action_block(model, *invoke, block, value_bytes_max, reply);
            }
            ActionRequest::Block { invoke, block } => {
                self.take_action_block(model, *invoke, block, value_bytes_max, reply);
            }
        }
        request.invoke().is_confirmed()
    }

    fn take_action_block<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        invoke: InvokeId,
        block: &Block<'_>,
        value_bytes_max: usize,
        reply: &mut Vec<u8>,
    ) {
        let number = block.number;
        self.take_block(
            block,
            value_bytes_max,
            reply,
            |reply| ActionResponse::NextBlock { invoke, number }.encode(reply),
            |error, reply| {
                let none = error == DataAccessResult::NoLongSetInProgress;
                let ended = if none { ActionResult::NoLongActionInProgress } else { ActionResult::LongActionAborted };
                refuse(invoke, ended, reply);
            },
            |session, target, bytes, reply| match target {
                Target::Method(method) => session.act_one(model, invoke, method, Some(bytes), reply),
                Target::Methods(list) => match (MethodList::over(&list), ValueList::over(bytes)) {
                    (Ok(methods), Ok(parameters)) if methods.len() == parameters.len() => {
                        session.act_list(model, invoke, &methods, &parameters, reply);
                    }
                    _ => refuse(invoke, ActionResult::TypeUnmatched, reply),
                },
                Target::Attribute(_) | Target::Attributes(_) | Target::Write | Target::Read => {
                    session.incoming = None;
                    refuse(invoke, ActionResult::NoLongActionInProgress, reply);
                }
            },
        );
    }

    fn act_one<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        invoke: InvokeId,
        method: MethodRef,
        parameter: Option<&[u8]>,
        reply: &mut Vec<u8>,
    ) {
        put_head(reply, tag::ACTION_RESPONSE, 1, invoke);
        self.act(model, method, parameter, reply);
        match self.fit(Conformance::BLOCK_ACTION, reply) {
            Fit::Whole => {}
            Fit::Blocks => {
                self.put_aside(Long::Action, RETURNED_AT, reply);
                self.action_next(invoke, 0, reply);
            }
            Fit::Never => refuse(invoke, ActionResult::OtherReason, reply),
        }
    }

    fn act_list<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        invoke: InvokeId,
        methods: &MethodList<'_>,
        parameters: &ValueList<'_>,
        reply: &mut Vec<u8>,
    ) {
        put_head(reply, tag::ACTION_RESPONSE, 3, invoke);
        put_length(reply, methods.len());
        for (method, parameter) in methods.iter().zip(parameters.iter()) {
            // In a list every method has a parameter; null-data stands for none.
            let parameter = Some(parameter).filter(|encoded| *encoded != [0]);
            self.act(model, method, parameter, reply);
        }
        match self.fit(Conformance::BLOCK_ACTION, reply) {
            Fit::Whole => {}
            Fit::Blocks => {
                self.put_aside(Long::Action, PAYLOAD_AT, reply);
                self.action_next(invoke, 0, reply);
            }
            Fit::Never => refuse(invoke, ActionResult::OtherReason, reply),
        }
    }

    fn action_next(&mut self, invoke: InvokeId, received: u32, reply: &mut Vec<u8>) {
        reply.truncate(HEADER_BYTES);
        match self.next_piece(Long::Action, received) {
            Ok(block) => ActionResponse::Block { invoke, block }.encode(reply),
            Err(DataAccessResult::NoLongGetInProgress) => {
                refuse(invoke, ActionResult::NoLongActionInProgress, reply);
            }
            Err(_) => refuse(invoke, ActionResult::LongActionAborted, reply),
        }
    }

    /// Runs a method with all checks and appends its result and what it returned.
    pub(super) fn act<M: ObjectModel + ?Sized>(
        &self,
        model: &mut M,
        method: MethodRef,
        parameter: Option<&[u8]>,
        reply: &mut Vec<u8>,
    ) {
        let result_at = reply.len();
        reply.extend_from_slice(&[ActionResult::Success.code(), 1, 0]);
        let value_at = reply.len();
        let done = self.run(model, method, parameter, reply);
        if done.is_ok() && reply.len() > value_at {
            return;
        }
        reply.truncate(result_at);
        let result = done.err().unwrap_or(ActionResult::Success);
        MethodResult { result, returned: None }.encode(reply);
    }

    /// Runs a method with all checks, appending what it returns.
    pub(super) fn run<M: ObjectModel + ?Sized>(
        &self,
        model: &mut M,
        method: MethodRef,
        parameter: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        match method_allowed(model, self.terms.level, method) {
            Err(error) => Err(ActionResult::from_code(error.code())),
            Ok(false) => Err(ActionResult::ReadWriteDenied),
            Ok(true) => {
                let parameter: Option<Value> =
                    parameter.map(decode_all).transpose().map_err(|_| ActionResult::TypeUnmatched)?;
                model.invoke_returning(method, parameter.as_ref(), out)
            }
        }
    }
}

/// Replaces whatever the reply holds by a refusal.
fn refuse(invoke: InvokeId, result: ActionResult, reply: &mut Vec<u8>) {
    reply.truncate(HEADER_BYTES);
    ActionResponse::Normal { invoke, result: MethodResult { result, returned: None } }.encode(reply);
}
