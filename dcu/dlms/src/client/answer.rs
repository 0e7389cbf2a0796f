//! Taking answers: which message answers the request under way, and what it means for the command.

use super::{Associated, Client, Command, Ending, Phase, Session};
use crate::apdu::{
    ActionResponse, ActionResult, Apdu, DataAccessResult, ExceptionResponse, GetResponse, InvokeId, ResultList,
    ServiceError, SetResponse,
};
use crate::axdr::{decode, decode_all};
use crate::cosem::ProfileRange;
use crate::error::{Error, PeerFault, Refusal, SecurityFault};

/// How often one command may find its association gone. Twice, because an exception for a repeat of the first request
/// may arrive late.
const REOPEN_MAX: u8 = 2;

/// How often one command may begin a transfer anew. A block or its acknowledgement lost on the way is asked for again,
/// but not every meter keeps what it has sent: some answer the repeat by aborting.
const RESTART_MAX: u8 = 2;

impl Client {
    pub(super) fn take_message(&mut self, now: u64, message: &[u8]) {
        let apdu = match Apdu::decode(message) {
            Ok(apdu) => apdu,
            Err(error) => return self.suspect(error.into()),
        };
        match (self.phase, self.session, apdu) {
            (Phase::Requesting, Some(session), Apdu::GetResponse(response)) if self.asked(get_invoke(&response)) => {
                self.settle_or_fail(|client| client.take_get(now, session, response));
            }
            (Phase::Requesting, Some(session), Apdu::SetResponse(response)) if self.asked(set_invoke(&response)) => {
                self.settle_or_fail(|client| client.take_set(now, session, response));
            }
            (Phase::Requesting, Some(_), Apdu::ActionResponse(response)) if self.asked(response.invoke) => {
                self.settle_or_fail(|client| client.take_action(response));
            }
            (Phase::Associating(why), _, Apdu::Aare(aare)) => self.take_aare(now, &aare, why),
            (Phase::Authenticating(why), _, Apdu::ActionResponse(response)) if self.asked(response.invoke) => {
                self.take_proof(now, &response, why);
            }
            (Phase::Releasing, _, Apdu::Rlre(_)) => {
                self.session = None;
                self.end(Ok(Ending::Done));
            }
            (phase, _, Apdu::ExceptionResponse(exception)) => self.take_exception(now, phase, exception),
            (Phase::Idle, ..) => self.ignored = self.ignored.saturating_add(1),
            // A late answer, or one to nothing: not worth a suspicion when it is a kind that we ask for.
            (_, _, Apdu::GetResponse(_) | Apdu::SetResponse(_) | Apdu::ActionResponse(_) | Apdu::Aare(_)) => {
                self.ignored = self.ignored.saturating_add(1);
            }
            (_, _, Apdu::DataNotification(_) | Apdu::Rlre(_)) => self.ignored = self.ignored.saturating_add(1),
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
    fn settle_or_fail(&mut self, step: impl FnOnce(&mut Self) -> Result<(), Error>) {
        if let Err(error) = step(self) {
            self.end(Err(error));
        }
    }

    fn take_exception(&mut self, now: u64, phase: Phase, exception: ExceptionResponse) {
        match phase {
            Phase::Requesting if exception.means_not_associated() => {
                if self.reopened >= REOPEN_MAX {
                    self.session = None;
                    return self.end(Err(PeerFault::AssociationNotKept.into()));
                }
                self.reopened = self.reopened.saturating_add(1);
                self.transfer.sent = 0;
                if !matches!(self.command, Command::Write(_) | Command::Invoke { .. }) {
                    self.transfer.bytes.clear();
                }
                self.settle_or_fail(|client| client.send_association_request(now, Associated::Reopened));
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
            Phase::Idle => self.ignored = self.ignored.saturating_add(1),
            Phase::Authenticating(_) if exception.means_not_associated() => {
                self.fail_association(SecurityFault::AuthenticationRefused.into());
            }
            _ => self.end(Err(match exception.service {
                ServiceError::InvocationCounter(expected) => SecurityFault::CounterTooLow { expected }.into(),
                ServiceError::Deciphering => SecurityFault::NotDeciphered.into(),
                _ => Refusal::Exception(exception).into(),
            })),
        }
    }

    fn take_get(&mut self, now: u64, session: Session, response: GetResponse<'_>) -> Result<(), Error> {
        match response {
            GetResponse::Normal { result: Err(error), .. } | GetResponse::Block { result: Err(error), .. }
                if self.may_restart(error) =>
            {
                self.transfer.bytes.clear();
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
            GetResponse::Block { last, number, result, .. } => self.take_block(now, session, last, number, result),
            GetResponse::Normal { .. } | GetResponse::WithList { .. } => {
                Err(PeerFault::WrongCount { asked: self.transfer.batch, got: 1 }.into())
            }
        }
    }

    /// The meter gave up a transfer that is under way, and it may be begun anew.
    const fn may_restart(&mut self, error: DataAccessResult) -> bool {
        let aborted = matches!(
            error,
            DataAccessResult::DataBlockUnavailable
                | DataAccessResult::LongGetAborted
                | DataAccessResult::NoLongGetInProgress
                | DataAccessResult::LongSetAborted
                | DataAccessResult::NoLongSetInProgress
                | DataAccessResult::DataBlockNumberInvalid
        );
        if !aborted || self.transfer.block == 0 || self.restarted >= RESTART_MAX {
            return false;
        }
        self.restarted = self.restarted.saturating_add(1);
        true
    }

    fn take_block(
        &mut self,
        now: u64,
        session: Session,
        last: bool,
        number: u32,
        result: Result<&[u8], DataAccessResult>,
    ) -> Result<(), Error> {
        let piece = result.map_err(Refusal::Access)?;
        let expected = self.transfer.block.saturating_add(1);
        if number < expected {
            self.ignored = self.ignored.saturating_add(1);
            return Ok(());
        }
        if number > expected {
            return Err(PeerFault::BlockOutOfOrder { expected, got: number }.into());
        }
        let limit = self.config.answer_bytes_max;
        if self.transfer.bytes.len().saturating_add(piece.len()) > limit {
            return Err(PeerFault::TooLong { limit }.into());
        }
        self.transfer.bytes.extend_from_slice(piece);
        self.transfer.block = number;
        if !last {
            return self.send_next_block_request(now, session);
        }
        let whole = std::mem::take(&mut self.transfer.bytes);
        if self.transfer.batch > 1 {
            self.take_list(now, session, &ResultList::over(&whole))
        } else {
            self.take_value(now, session, Ok(&whole))
        }
    }

    fn take_list(&mut self, now: u64, session: Session, results: &ResultList<'_>) -> Result<(), Error> {
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

    fn take_value(&mut self, now: u64, session: Session, result: Result<&[u8], DataAccessResult>) -> Result<(), Error> {
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
                self.rows.read(result.map_err(Refusal::Access)?)?;
                if let Some(last) = keep_last {
                    self.rows.keep_last(last);
                }
                self.end(Ok(Ending::Profile));
                Ok(())
            }
            Command::None | Command::Associate | Command::Write(_) | Command::Invoke { .. } | Command::Release => {
                Err(PeerFault::UnexpectedApdu { tag: crate::apdu::tag::GET_RESPONSE }.into())
            }
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

    fn take_set(&mut self, now: u64, session: Session, response: SetResponse) -> Result<(), Error> {
        match response {
            SetResponse::Normal { result, .. } | SetResponse::LastBlock { result, .. } => match result {
                DataAccessResult::Success => {
                    self.end(Ok(Ending::Done));
                    Ok(())
                }
                aborted if self.may_restart(aborted) => self.send_request(now, session),
                refused => Err(Refusal::Access(refused).into()),
            },
            SetResponse::Block { number, .. } if number == self.transfer.block => {
                if self.transfer.sent >= self.transfer.bytes.len() {
                    // The last piece is acknowledged with the result, not with a request for more.
                    return Err(PeerFault::BlockOutOfOrder { expected: number, got: number }.into());
                }
                self.send_set_block(now, session)
            }
            SetResponse::Block { number, .. } if number < self.transfer.block => {
                self.ignored = self.ignored.saturating_add(1);
                Ok(())
            }
            SetResponse::Block { number, .. } => {
                Err(PeerFault::BlockOutOfOrder { expected: self.transfer.block, got: number }.into())
            }
        }
    }

    fn take_action(&mut self, response: ActionResponse<'_>) -> Result<(), Error> {
        if response.result != ActionResult::Success {
            return Err(Refusal::Action(response.result).into());
        }
        self.returned = match response.returned {
            Some(Ok(encoded)) => Some(decode_all(encoded)?),
            Some(Err(_)) | None => None,
        };
        self.end(Ok(Ending::Done));
        Ok(())
    }
}

const fn get_invoke(response: &GetResponse<'_>) -> InvokeId {
    match response {
        GetResponse::Normal { invoke, .. }
        | GetResponse::Block { invoke, .. }
        | GetResponse::WithList { invoke, .. } => *invoke,
    }
}

const fn set_invoke(response: &SetResponse) -> InvokeId {
    match response {
        SetResponse::Normal { invoke, .. }
        | SetResponse::Block { invoke, .. }
        | SetResponse::LastBlock { invoke, .. } => *invoke,
    }
}
