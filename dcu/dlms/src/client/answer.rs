//! Taking answers: which message answers the request under way, and what it means for the command.

use super::{Client, Command, Ending, Phase, Referencing, Session};
use crate::apdu::{
    AccessOutcome, AccessResponse, ActionResponse, ActionResult, Apdu, DataAccessResult, ExceptionResponse,
    GetResponse, InvokeId, MethodResult, MethodResultList, ReadResponse, ResultList, ServiceError, SetResponse, tag,
};
use crate::axdr::{Value, decode, decode_all};
use crate::cosem::ProfileRange;
use crate::error::{Error, PeerFault, Refusal, SecurityFault};
use crate::wire::Reader;

/// How often one command may find its association gone. Twice, because an exception for a repeat of the first request
/// may arrive late.
const REOPEN_MAX: u8 = 2;

/// How often one command may begin a transfer anew. A block or its acknowledgement lost on the way is asked for again,
/// but not every meter keeps what it has sent: some answer the repeat by aborting.
const RESTART_MAX: u8 = 2;

impl Client {
    pub(super) fn take_message(&mut self, now: u64, message: &[u8], is_protected: bool) {
        let apdu = match Apdu::decode(message) {
            Ok(apdu) => apdu,
            Err(error) => return self.suspect(error.into()),
        };
        match (self.phase, self.session, apdu) {
            (_, _, Apdu::DataNotification(notification)) => self.take_data_notification(&notification, is_protected),
            (_, _, Apdu::EventNotification(event)) => self.take_event_notification(&event, is_protected),
            (_, _, Apdu::InformationReport(report)) => self.take_report(&report, is_protected),
            (Phase::Mapping, Some(session), Apdu::GetResponse(response)) if self.asked(get_invoke(&response)) => {
                self.settle_or_fail(|client| client.take_mapping_get(now, session, response));
            }
            (Phase::Requesting, Some(session), Apdu::GetResponse(response)) if self.asked(get_invoke(&response)) => {
                self.settle_or_fail(|client| client.take_get(now, session, response));
            }
            (Phase::Requesting, Some(session), Apdu::SetResponse(response)) if self.asked(response.invoke()) => {
                self.settle_or_fail(|client| client.take_set(now, session, response));
            }
            (Phase::Requesting, Some(session), Apdu::ActionResponse(response)) if self.asked(response.invoke()) => {
                self.settle_or_fail(|client| client.take_action(now, session, response));
            }
            (Phase::Requesting, Some(_), Apdu::AccessResponse(response))
                if response.invoke.number() == u32::from(self.invoke.number())
                    && matches!(self.command, Command::Access) =>
            {
                self.settle_or_fail(|client| client.take_access(&response));
            }
            (Phase::Requesting | Phase::Mapping, Some(session), Apdu::ReadResponse(response)) if session.short => {
                self.settle_or_fail(|client| client.take_short_read(now, session, response));
            }
            (Phase::Requesting, Some(session), Apdu::WriteResponse(response)) if session.short => {
                self.settle_or_fail(|client| client.take_short_write(now, session, response));
            }
            (Phase::Requesting | Phase::Mapping, Some(session), Apdu::ConfirmedServiceError(error))
                if session.short =>
            {
                self.end(Err(Refusal::Service(error).into()));
            }
            (Phase::Associating(why), _, Apdu::Aare(aare)) => self.take_aare(now, &aare, why),
            (Phase::Authenticating(why), _, Apdu::ActionResponse(ActionResponse::Normal { invoke, result }))
                if self.asked(invoke) =>
            {
                self.take_proof(now, &result, why);
            }
            (Phase::Authenticating(why), _, Apdu::ReadResponse(ReadResponse::Results(results)))
                if self.config.referencing == Referencing::ShortNames =>
            {
                self.take_short_proof(now, &results, why);
            }
            (Phase::Releasing, _, Apdu::Rlre(_)) => {
                self.session = None;
                self.end(Ok(Ending::Done));
            }
            (phase, _, Apdu::ExceptionResponse(exception)) => self.take_exception(now, phase, exception),
            (Phase::Idle, ..) => self.ignored = self.ignored.saturating_add(1),
            // A late answer, or one to nothing: not worth a suspicion when it is a kind that we ask for.
            (
                _,
                _,
                Apdu::GetResponse(_)
                | Apdu::SetResponse(_)
                | Apdu::ActionResponse(_)
                | Apdu::AccessResponse(_)
                | Apdu::Aare(_)
                | Apdu::Rlre(_),
            ) => self.ignored = self.ignored.saturating_add(1),
            _ => {
                let tag = message.first().copied().unwrap_or(0);
                self.suspect(PeerFault::UnexpectedApdu { tag }.into());
            }
        }
    }

    fn asked(&self, invoke: InvokeId) -> bool {
        invoke.number() == self.invoke.number()
    }

    /// Runs a step that may end the command by failing.
    pub(super) fn settle_or_fail(&mut self, step: impl FnOnce(&mut Self) -> Result<(), Error>) {
        if let Err(error) = step(self) {
            self.end(Err(error));
        }
    }

    fn take_exception(&mut self, now: u64, phase: Phase, exception: ExceptionResponse) {
        match phase {
            // A meter that restarted knows neither the association nor whose keys we use.
            Phase::Requesting | Phase::Mapping
                if exception.means_not_associated() || self.may_be_forgotten(exception) =>
            {
                if self.reopened >= REOPEN_MAX {
                    self.session = None;
                    return self.end(Err(PeerFault::AssociationNotKept.into()));
                }
                self.settle_or_fail(|client| client.reopen(now));
            }
            // The meter has forgotten us already: as good as released.
            Phase::Releasing if exception.means_not_associated() => {
                self.session = None;
                self.end(Ok(Ending::Done));
            }
            // The echo of a request sent before the association request.
            Phase::Associating(_) if exception.means_not_associated() => {
                self.ignored = self.ignored.saturating_add(1);
            }
            Phase::Idle | Phase::Resting | Phase::AwaitingMap | Phase::Telling => {
                self.ignored = self.ignored.saturating_add(1);
            }
            Phase::Authenticating(_) if exception.means_not_associated() => {
                self.fail_association(SecurityFault::AuthenticationRefused.into());
            }
            // An earlier message of ours was overtaken on the way: the one sent last is above what the meter expects.
            _ if matches!(exception.service, ServiceError::InvocationCounter(expected) if self.has_passed(expected)) => {
                self.ignored = self.ignored.saturating_add(1);
            }
            _ => {
                // What it could not open, it may not have kept either.
                if matches!(exception.service, ServiceError::Deciphering | ServiceError::InvocationCounter(_)) {
                    self.session = None;
                }
                self.end(Err(match exception.service {
                    ServiceError::InvocationCounter(expected) => SecurityFault::CounterTooLow { expected }.into(),
                    ServiceError::Deciphering => SecurityFault::NotDeciphered.into(),
                    _ => Refusal::Exception(exception).into(),
                }));
            }
        }
    }

    /// Once a command, a message that could not be deciphered may mean that the meter has forgotten us.
    const fn may_be_forgotten(&self, exception: ExceptionResponse) -> bool {
        self.reopened == 0 && matches!(exception.service, ServiceError::Deciphering)
    }

    fn take_get(&mut self, now: u64, session: Session, response: GetResponse<'_>) -> Result<(), Error> {
        match response {
            GetResponse::Normal { result: Err(error), .. } | GetResponse::Block { result: Err(error), .. }
                if self.may_restart(error) =>
            {
                self.send_request(now, session)
            }
            GetResponse::Normal { result, .. } if self.transfer.batch == 1 => self.take_value(now, session, result),
            // A whole list refused at once.
            GetResponse::Normal { result: Err(error), .. } => Err(Refusal::Access(error).into()),
            GetResponse::WithList { results, .. }
                if matches!(self.command, Command::Read) && self.transfer.batch > 1 =>
            {
                self.take_list(now, session, &results)
            }
            GetResponse::Block { last, number, result, .. } => {
                match self.take_piece(now, session, last, number, result)? {
                    None => Ok(()),
                    Some(whole) if self.transfer.batch > 1 => self.take_list(now, session, &ResultList::over(&whole)),
                    Some(whole) => self.take_value(now, session, Ok(&whole)),
                }
            }
            GetResponse::Normal { .. } | GetResponse::WithList { .. } => {
                Err(PeerFault::WrongCount { asked: self.transfer.batch, got: 1 }.into())
            }
        }
    }

    /// The meter gave up a transfer that is under way, and it may be begun anew. Rows of a profile that have come are
    /// kept, and getting further costs nothing of the allowance.
    pub(super) fn may_restart(&mut self, error: DataAccessResult) -> bool {
        if !is_aborted(error) || self.transfer.block == 0 {
            return false;
        }
        if self.advance_rows() {
            return true;
        }
        let may = self.restarted < RESTART_MAX;
        self.restarted = self.restarted.saturating_add(1);
        may
    }

    pub(super) fn take_list(&mut self, now: u64, session: Session, results: &ResultList<'_>) -> Result<(), Error> {
        let kept = &mut self.results;
        let before = kept.len();
        // No more results are kept than were asked for, whatever the count says.
        let room = self.transfer.batch;
        let got = results.read_each(decode, |result| {
            if kept.len().saturating_sub(before) < room {
                kept.push(result);
            }
        })?;
        if got != room {
            return Err(PeerFault::WrongCount { asked: room, got }.into());
        }
        self.read_on(now, session)
    }

    pub(super) fn take_value(
        &mut self,
        now: u64,
        session: Session,
        result: Result<&[u8], DataAccessResult>,
    ) -> Result<(), Error> {
        match self.command {
            Command::Read => {
                let result = match result {
                    Ok(encoded) => Ok(decode_all(encoded)?),
                    Err(error) => Err(error),
                };
                self.results.push(result);
                self.read_on(now, session)
            }
            Command::CountRows { profile, last } => {
                let count = decode_all(result.map_err(Refusal::Access)?)?;
                let count = count.as_u64().ok_or(PeerFault::WrongType { what: "entries in use" })?;
                let count = u32::try_from(count).map_err(|_| PeerFault::WrongType { what: "entries in use" })?;
                if count == 0 || last == 0 {
                    self.end(Ok(Ending::Profile));
                    return Ok(());
                }
                let from = count.saturating_sub(last).saturating_add(1);
                // A row captured meanwhile makes one more than asked for: the newest are kept.
                self.command =
                    Command::ReadRows { profile, range: ProfileRange::Entries(from, 0), keep_last: Some(last) };
                self.send_request(now, session)
            }
            Command::ReadRows { keep_last, .. } => {
                let kept = self.rows.len();
                self.rows.read(result.map_err(Refusal::Access)?)?;
                self.rows.drop_repeats(kept);
                if let Some(last) = keep_last {
                    self.rows.keep_last(last);
                }
                self.end(Ok(Ending::Profile));
                Ok(())
            }
            // By short names, what a method returned comes as what is read.
            Command::Invoke { returns: true, .. } if session.short => {
                let encoded = result.map_err(Refusal::Access)?;
                self.take_returned(Some(encoded).filter(|encoded| *encoded != [0]))
            }
            _ => Err(PeerFault::UnexpectedApdu { tag: tag::GET_RESPONSE }.into()),
        }
    }

    /// Ends the reading, or asks for what is missing.
    fn read_on(&mut self, now: u64, session: Session) -> Result<(), Error> {
        if self.results.len() < self.attributes.len() {
            return self.send_request(now, session);
        }
        self.end(Ok(Ending::Values));
        Ok(())
    }

    fn take_set(&mut self, now: u64, session: Session, response: SetResponse<'_>) -> Result<(), Error> {
        match response {
            SetResponse::Normal { result, .. } | SetResponse::LastBlock { result, .. } if self.may_restart(result) => {
                self.send_request(now, session)
            }
            SetResponse::Normal { result, .. } | SetResponse::LastBlock { result, .. } => match self.command {
                // A whole list refused at once.
                Command::WriteList if result != DataAccessResult::Success => Err(Refusal::Access(result).into()),
                Command::Write(_) => self.take_written(result),
                _ => Err(PeerFault::UnexpectedApdu { tag: tag::SET_RESPONSE }.into()),
            },
            SetResponse::WithList { results, .. } | SetResponse::ListLastBlock { results, .. }
                if matches!(self.command, Command::WriteList) =>
            {
                self.take_written_list(results.iter())
            }
            SetResponse::WithList { results, .. } | SetResponse::ListLastBlock { results, .. } => {
                Err(PeerFault::WrongCount { asked: 1, got: results.len() }.into())
            }
            SetResponse::Block { number, .. } => self.take_piece_acknowledged(now, session, number),
        }
    }

    pub(super) fn take_written(&mut self, result: DataAccessResult) -> Result<(), Error> {
        match result {
            DataAccessResult::Success => {
                self.end(Ok(Ending::Done));
                Ok(())
            }
            refused => Err(Refusal::Access(refused).into()),
        }
    }

    pub(super) fn take_written_list(&mut self, results: impl Iterator<Item = DataAccessResult>) -> Result<(), Error> {
        for result in results {
            self.results.push(match result {
                DataAccessResult::Success => Ok(Value::Null),
                refused => Err(refused),
            });
        }
        self.end_list(self.attributes.len())
    }

    /// All results of a list are here: one for each item, or the meter has miscounted.
    fn end_list(&mut self, asked: usize) -> Result<(), Error> {
        let got = self.results.len();
        if got != asked {
            return Err(PeerFault::WrongCount { asked, got }.into());
        }
        self.end(Ok(Ending::Values));
        Ok(())
    }

    fn take_action(&mut self, now: u64, session: Session, response: ActionResponse<'_>) -> Result<(), Error> {
        let single = match self.command {
            Command::Invoke { .. } => true,
            Command::InvokeList => false,
            _ => return Err(PeerFault::UnexpectedApdu { tag: tag::ACTION_RESPONSE }.into()),
        };
        match response {
            ActionResponse::Normal { result, .. } if single => {
                if result.result != ActionResult::Success {
                    return Err(Refusal::Action(result.result).into());
                }
                self.take_returned(result.returned.and_then(Result::ok))
            }
            // A whole list refused at once, or a list answered as if it were one.
            ActionResponse::Normal { result, .. } => Err(match result.result {
                ActionResult::Success => PeerFault::WrongCount { asked: self.attributes.len(), got: 1 }.into(),
                refused => Refusal::Action(refused).into(),
            }),
            ActionResponse::WithList { results, .. } => self.take_method_results(&results),
            ActionResponse::Block { block, .. } => {
                match self.take_piece(now, session, block.last, block.number, Ok(block.raw))? {
                    None => Ok(()),
                    Some(whole) if single => self.take_returned(Some(&whole)),
                    Some(whole) => self.take_method_results(&MethodResultList::over(&whole)?),
                }
            }
            ActionResponse::NextBlock { number, .. } => self.take_piece_acknowledged(now, session, number),
        }
    }

    fn take_returned(&mut self, encoded: Option<&[u8]>) -> Result<(), Error> {
        self.returned = encoded.map(decode_all).transpose()?.map(Box::new);
        self.end(Ok(Ending::Done));
        Ok(())
    }

    fn take_method_results(&mut self, results: &MethodResultList<'_>) -> Result<(), Error> {
        for MethodResult { result, returned } in results.iter() {
            self.results.push(match (result, returned) {
                (ActionResult::Success, Some(Ok(encoded))) => Ok(decode_all(encoded)?),
                (ActionResult::Success, _) => Ok(Value::Null),
                (refused, _) => Err(DataAccessResult::from_code(refused.code())),
            });
        }
        self.end_list(self.attributes.len())
    }

    fn take_access(&mut self, response: &AccessResponse<'_>) -> Result<(), Error> {
        let asked = Reader::new(&self.transfer.bytes).length()?;
        if response.data.len() != response.outcomes.len() {
            return Err(PeerFault::WrongCount { asked: response.outcomes.len(), got: response.data.len() }.into());
        }
        for (outcome, encoded) in response.outcomes.iter().zip(response.data.iter()) {
            self.results.push(match outcome {
                _ if outcome.is_success() => Ok(decode_all(encoded)?),
                AccessOutcome::Get(refused) | AccessOutcome::Set(refused) => Err(refused),
                AccessOutcome::Action(refused) => Err(DataAccessResult::from_code(refused.code())),
            });
        }
        self.end_list(asked)
    }
}

/// The peer gave up a transfer in blocks.
pub(super) const fn is_aborted(result: DataAccessResult) -> bool {
    matches!(
        result,
        DataAccessResult::DataBlockUnavailable
            | DataAccessResult::LongGetAborted
            | DataAccessResult::NoLongGetInProgress
            | DataAccessResult::LongSetAborted
            | DataAccessResult::NoLongSetInProgress
            | DataAccessResult::DataBlockNumberInvalid
    )
}

const fn get_invoke(response: &GetResponse<'_>) -> InvokeId {
    match response {
        GetResponse::Normal { invoke, .. }
        | GetResponse::Block { invoke, .. }
        | GetResponse::WithList { invoke, .. } => *invoke,
    }
}
