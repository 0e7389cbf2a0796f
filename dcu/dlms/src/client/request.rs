//! Building requests: what a command needs next, within what was agreed.

use super::{Client, Command, Phase, Session};
use crate::apdu::{
    self, ActionRequest, AttributeRef, Block, Conformance, GetRequest, InvokeId, Release, Selection, SetRequest,
};
use crate::cosem::profile;
use crate::error::{Error, Misuse, Refusal};
use crate::link::wrapper::{self, HEADER_BYTES};

/// Bytes of a GET request with list before its items, and of each item without selection.
const LIST_HEAD_BYTES: usize = 5;
const LIST_ITEM_BYTES: usize = 10;
/// Bytes around a piece of a value in a SET request: tag, choice, invoke id, descriptor, no selection, last, number,
/// and the widest length.
const SET_BLOCK_OVERHEAD: usize = 3 + 9 + 1 + 1 + 4 + 5;

impl Client {
    /// The command's next request.
    pub(super) fn send_request(&mut self, now: u64, session: Session) -> Result<(), Error> {
        let limit = session.pdu_max.saturating_sub(self.overhead());
        match self.command {
            Command::None => return Ok(()),
            Command::Associate => {
                self.end(Ok(super::Ending::Done));
                return Ok(());
            }
            Command::Release => {
                wrapper::begin(&mut self.frame);
                apdu::Apdu::Rlrq(Release::NORMAL).encode(&mut self.frame);
                self.phase = Phase::Releasing;
                return self.send(now, limit);
            }
            Command::Read => {
                demand(session, Conformance::GET, "get")?;
                let invoke = self.new_request();
                let missing = self.attributes.get(self.results.len()..).unwrap_or(&[]);
                let fits = limit.saturating_sub(LIST_HEAD_BYTES) / LIST_ITEM_BYTES;
                let several = session.conformance.has(Conformance::MULTIPLE_REFERENCES);
                self.transfer.batch = if several { missing.len().min(fits.clamp(1, 127)) } else { 1 };
                wrapper::begin(&mut self.frame);
                GetRequest::encode_for(invoke, missing.get(..self.transfer.batch).unwrap_or(missing), &mut self.frame);
            }
            Command::CountRows { profile, .. } => {
                demand(session, Conformance::GET, "get")?;
                let invoke = self.new_request();
                self.transfer.batch = 1;
                let attribute = AttributeRef::new(profile::CLASS, profile, profile::ENTRIES_IN_USE);
                wrapper::begin(&mut self.frame);
                GetRequest::Normal { invoke, attribute, selection: None }.encode(&mut self.frame);
            }
            Command::ReadRows { profile, range, .. } => {
                demand(session, Conformance::GET, "get")?;
                let mut parameters = Vec::new();
                let selector = profile::put_selection(range, self.config.utc_offset_s, &mut parameters);
                if selector.is_some() {
                    demand(session, Conformance::SELECTIVE_ACCESS, "selective access")?;
                }
                let selection = selector.map(|selector| Selection { selector, parameters: &parameters });
                let invoke = self.new_request();
                self.transfer.batch = 1;
                let attribute = AttributeRef::new(profile::CLASS, profile, profile::BUFFER);
                wrapper::begin(&mut self.frame);
                GetRequest::Normal { invoke, attribute, selection }.encode(&mut self.frame);
            }
            Command::Write(attribute) => {
                demand(session, Conformance::SET, "set")?;
                let invoke = self.new_request();
                self.transfer.block = 0;
                self.transfer.sent = 0;
                wrapper::begin(&mut self.frame);
                let whole = SetRequest::Normal { invoke, attribute, selection: None, value: &self.transfer.bytes };
                whole.encode(&mut self.frame);
                if self.frame.len().saturating_sub(HEADER_BYTES) > limit {
                    demand(session, Conformance::BLOCK_SET, "block transfer with set")?;
                    return self.send_set_block(now, session);
                }
            }
            Command::Invoke { method, with_parameter } => {
                demand(session, Conformance::ACTION, "action")?;
                let invoke = self.new_request();
                let parameter = with_parameter.then_some(self.transfer.bytes.as_slice());
                wrapper::begin(&mut self.frame);
                ActionRequest { invoke, method, parameter }.encode(&mut self.frame);
            }
        }
        self.phase = Phase::Requesting;
        self.send(now, limit)
    }

    /// Asks for the block after the one received last.
    pub(super) fn send_next_block_request(&mut self, now: u64, session: Session) -> Result<(), Error> {
        wrapper::begin(&mut self.frame);
        GetRequest::Next { invoke: self.invoke, block: self.transfer.block }.encode(&mut self.frame);
        self.send(now, session.pdu_max)
    }

    /// Sends the next piece of the value to be written.
    pub(super) fn send_set_block(&mut self, now: u64, session: Session) -> Result<(), Error> {
        let Command::Write(attribute) = self.command else { return Ok(()) };
        let limit = session.pdu_max.saturating_sub(self.overhead());
        let room = limit.saturating_sub(SET_BLOCK_OVERHEAD).max(1);
        let rest = self.transfer.bytes.get(self.transfer.sent..).unwrap_or(&[]);
        let raw = rest.get(..room).unwrap_or(rest);
        let block = Block { last: raw.len() == rest.len(), number: self.transfer.block.saturating_add(1), raw };
        wrapper::begin(&mut self.frame);
        let request = match block.number {
            1 => SetRequest::FirstBlock { invoke: self.invoke, attribute, selection: None, block },
            _ => SetRequest::NextBlock { invoke: self.invoke, block },
        };
        request.encode(&mut self.frame);
        self.transfer.sent = self.transfer.sent.saturating_add(raw.len());
        self.transfer.block = block.number;
        self.phase = Phase::Requesting;
        self.send(now, session.pdu_max)
    }

    /// Protects, frames and queues the message under construction. `limit` bounds it before protection.
    pub(super) fn send(&mut self, now: u64, limit: usize) -> Result<(), Error> {
        let bytes = self.frame.len().saturating_sub(HEADER_BYTES);
        if bytes > limit {
            return Err(Misuse::RequestTooLong { bytes, limit }.into());
        }
        self.tries_left = self.config.retries;
        self.send_protected(now)
    }

    fn new_request(&mut self) -> InvokeId {
        self.invoke = self.invoke.next();
        self.transfer.block = 0;
        self.invoke
    }
}

fn demand(session: Session, service: Conformance, name: &'static str) -> Result<(), Error> {
    if session.conformance.has(service) { Ok(()) } else { Err(Refusal::NotOffered(name).into()) }
}
