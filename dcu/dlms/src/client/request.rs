//! Building requests: what a command needs next, within what was agreed.

use super::{Client, Command, Ending, Phase, Selected, Session};
use crate::apdu::{
    self, ActionRequest, AttributeRef, Conformance, GetRequest, InvokeId, LongInvokeId, MethodRef, Release, Selection,
    SetRequest, tag,
};
use crate::cosem::profile;
use crate::error::{Error, Misuse, PeerFault, Refusal};
use crate::link::wrapper::{self, Addresses, HEADER_BYTES};
use crate::wire::put_length;

/// Bytes of a GET request with list before its items, and of each item without selection.
const LIST_HEAD_BYTES: usize = 5;
const LIST_ITEM_BYTES: usize = 10;
/// Most attributes asked for at once: the count then takes one byte.
const BATCH_MAX: usize = 127;

impl Client {
    /// The command's next request.
    pub(super) fn send_request(&mut self, now: u64, session: Session) -> Result<(), Error> {
        let limit = self.message_limit(session);
        match self.command {
            Command::None => return Ok(()),
            Command::Associate | Command::Discover => {
                self.end(Ok(Ending::Done));
                return Ok(());
            }
            Command::Release => return self.send_release(now, limit),
            _ if session.short => return self.send_short_request(now, session),
            Command::Read => {
                demand(session, Conformance::GET, "get")?;
                self.put_get(session, limit)?;
            }
            Command::CountRows { profile, .. } => {
                demand(session, Conformance::GET, "get")?;
                self.put_one_get(AttributeRef::new(profile::CLASS, profile, profile::ENTRIES_IN_USE), None);
            }
            Command::ReadRows { profile, range, .. } => {
                demand(session, Conformance::GET, "get")?;
                let mut parameters = Vec::new();
                let selector = profile::put_selection(range, self.config.utc_offset_s, &mut parameters);
                if selector.is_some() {
                    demand(session, Conformance::SELECTIVE_ACCESS, "selective access")?;
                }
                let selection = selector.map(|selector| Selection { selector, parameters: &parameters });
                self.put_one_get(AttributeRef::new(profile::CLASS, profile, profile::BUFFER), selection);
            }
            Command::Write(attribute) => {
                demand(session, Conformance::SET, "set")?;
                let invoke = self.new_request();
                wrapper::begin(&mut self.frame);
                let selection = write_selection(&self.selections);
                if selection.is_some() {
                    demand(session, Conformance::SELECTIVE_ACCESS, "selective access")?;
                }
                let whole = SetRequest::Normal { invoke, attribute, selection, value: &self.transfer.bytes };
                whole.encode(&mut self.frame);
                if self.needs_blocks(session, limit, Conformance::BLOCK_SET, "block transfer with set")? {
                    return self.send_piece(now, session);
                }
            }
            Command::WriteUnconfirmed(attribute) => {
                demand(session, Conformance::SET, "set")?;
                let invoke = self.new_request().unconfirmed();
                wrapper::begin(&mut self.frame);
                SetRequest::Normal { invoke, attribute, selection: None, value: &self.transfer.bytes }
                    .encode(&mut self.frame);
                self.phase = Phase::Telling;
                return self.send(now, limit);
            }
            Command::WriteList => {
                demand(session, Conformance::SET, "set")?;
                demand(session, Conformance::MULTIPLE_REFERENCES, "multiple references")?;
                let invoke = self.new_request();
                wrapper::begin(&mut self.frame);
                self.frame.extend_from_slice(&[tag::SET_REQUEST, 4, invoke.0]);
                self.put_references();
                self.frame.extend_from_slice(&self.transfer.bytes);
                if self.needs_blocks(session, limit, Conformance::BLOCK_SET, "block transfer with set")? {
                    return self.send_piece(now, session);
                }
            }
            Command::Invoke { method, with_parameter, .. } => {
                demand(session, Conformance::ACTION, "action")?;
                let invoke = self.new_request();
                let parameter = with_parameter.then_some(self.transfer.bytes.as_slice());
                wrapper::begin(&mut self.frame);
                ActionRequest::Normal { invoke, method, parameter }.encode(&mut self.frame);
                if self.needs_blocks(session, limit, Conformance::BLOCK_ACTION, "block transfer with action")? {
                    return self.send_piece(now, session);
                }
            }
            Command::InvokeList => {
                demand(session, Conformance::ACTION, "action")?;
                demand(session, Conformance::MULTIPLE_REFERENCES, "multiple references")?;
                let invoke = self.new_request();
                wrapper::begin(&mut self.frame);
                self.frame.extend_from_slice(&[tag::ACTION_REQUEST, 3, invoke.0]);
                self.put_references();
                self.frame.extend_from_slice(&self.transfer.bytes);
                if self.needs_blocks(session, limit, Conformance::BLOCK_ACTION, "block transfer with action")? {
                    return self.send_piece(now, session);
                }
            }
            Command::Access => {
                demand(session, Conformance::ACCESS, "access")?;
                let long = LongInvokeId::confirmed(self.new_request().number().into());
                wrapper::begin(&mut self.frame);
                self.frame.push(tag::ACCESS_REQUEST);
                self.frame.extend_from_slice(&long.0.to_be_bytes());
                self.frame.push(0);
                self.frame.extend_from_slice(&self.transfer.bytes);
            }
        }
        self.phase = Phase::Requesting;
        self.send(now, limit)
    }

    fn send_release(&mut self, now: u64, limit: usize) -> Result<(), Error> {
        wrapper::begin(&mut self.frame);
        apdu::Apdu::Rlrq(Release::NORMAL).encode(&mut self.frame);
        self.phase = Phase::Releasing;
        self.send(now, limit)
    }

    /// A GET for one attribute.
    pub(super) fn put_one_get(&mut self, attribute: AttributeRef, selection: Option<Selection<'_>>) {
        let invoke = self.new_request();
        self.transfer.batch = 1;
        wrapper::begin(&mut self.frame);
        GetRequest::Normal { invoke, attribute, selection }.encode(&mut self.frame);
    }

    /// A GET for as many of the missing attributes as fit.
    fn put_get(&mut self, session: Session, limit: usize) -> Result<(), Error> {
        let invoke = self.new_request();
        let several = session.conformance.has(Conformance::MULTIPLE_REFERENCES);
        let done = self.results.len();
        let missing = self.attributes.get(done..).unwrap_or(&[]);
        wrapper::begin(&mut self.frame);
        if self.selections.is_empty() {
            let fits = limit.saturating_sub(LIST_HEAD_BYTES) / LIST_ITEM_BYTES;
            self.transfer.batch = if several { missing.len().min(fits.clamp(1, BATCH_MAX)) } else { 1 };
            GetRequest::encode_for(invoke, missing.get(..self.transfer.batch).unwrap_or(missing), &mut self.frame);
            return Ok(());
        }
        let selections = self.selections.get(done..).unwrap_or(&[]);
        if selections.iter().any(Option::is_some) {
            demand(session, Conformance::SELECTIVE_ACCESS, "selective access")?;
        }
        let bytes_of = |selection: &Selected| match selection {
            None => LIST_ITEM_BYTES,
            Some((_, parameters)) => LIST_ITEM_BYTES.saturating_add(1).saturating_add(parameters.len()),
        };
        let mut room = limit.saturating_sub(LIST_HEAD_BYTES);
        let fitting = selections.iter().take_while(|selection| {
            let fits = room.checked_sub(bytes_of(selection));
            room = fits.unwrap_or(0);
            fits.is_some()
        });
        let batch = if several { fitting.take(BATCH_MAX).count().max(1) } else { 1 };
        self.transfer.batch = batch;
        let items = missing.iter().zip(selections).take(batch).map(|(attribute, selection)| {
            let selection =
                selection.as_ref().map(|(selector, parameters)| Selection { selector: *selector, parameters });
            (*attribute, selection)
        });
        if batch == 1 {
            for (attribute, selection) in items {
                GetRequest::Normal { invoke, attribute, selection }.encode(&mut self.frame);
            }
            return Ok(());
        }
        self.frame.extend_from_slice(&[tag::GET_REQUEST, 3, invoke.0]);
        put_length(&mut self.frame, batch);
        for (attribute, selection) in items {
            attribute.encode(&mut self.frame);
            Selection::encode_optional(selection, &mut self.frame);
        }
        Ok(())
    }

    /// The list of attributes (without selections) or methods of the command.
    pub(super) fn put_references(&mut self) {
        put_length(&mut self.frame, self.attributes.len());
        for reference in &self.attributes {
            if matches!(self.command, Command::InvokeList) {
                MethodRef::new(reference.class, reference.obis, reference.attribute).encode(&mut self.frame);
            } else {
                reference.encode(&mut self.frame);
                self.frame.push(0);
            }
        }
    }

    /// The request just built is too long for one message and goes in the blocks of its service.
    pub(super) fn needs_blocks(
        &self,
        session: Session,
        limit: usize,
        blocks: Conformance,
        name: &'static str,
    ) -> Result<bool, Error> {
        if self.frame.len().saturating_sub(HEADER_BYTES) <= limit {
            return Ok(false);
        }
        if session.conformance.has(blocks) {
            return Ok(true);
        }
        demand(session, Conformance::GENERAL_BLOCK_TRANSFER, name).map(|()| false)
    }

    /// Longest message before protection.
    pub(super) fn message_limit(&self, session: Session) -> usize {
        session.pdu_max.saturating_sub(self.overhead())
    }

    /// Protects, frames and queues the message under construction; in general blocks when it is longer than the peer
    /// takes and these were agreed. `limit` bounds it before protection.
    pub(super) fn send(&mut self, now: u64, limit: usize) -> Result<(), Error> {
        if self.gives_way() {
            return Ok(());
        }
        let bytes = self.frame.len().saturating_sub(HEADER_BYTES);
        // What nobody answers has nobody to acknowledge its blocks.
        if bytes > limit && (!self.has_general_blocks() || self.phase == Phase::Telling) {
            return Err(Misuse::RequestTooLong { bytes, limit }.into());
        }
        self.tries_left = self.config.retries;
        self.send_protected(now)
    }

    /// Frames and queues what is ready, and waits for its answer.
    pub(super) fn finish_frame(&mut self, now: u64) -> Result<(), Error> {
        let addresses = Addresses { source: self.config.client_sap, destination: self.config.server_sap };
        wrapper::finish(&mut self.frame, addresses).map_err(PeerFault::from)?;
        self.frame_due = true;
        self.deadline = Some(now.saturating_add(self.config.reply_timeout_ns));
        Ok(())
    }

    /// The peer gets on with it: time and repeats begin anew.
    pub(super) fn wait(&mut self, now: u64) {
        self.tries_left = self.config.retries;
        self.deadline = Some(now.saturating_add(self.config.reply_timeout_ns));
    }

    pub(super) fn new_request(&mut self) -> InvokeId {
        self.invoke = self.invoke.next();
        self.transfer.block = 0;
        self.transfer.sent = 0;
        self.transfer.answer.clear();
        self.general.restart();
        self.invoke
    }
}

/// What of an attribute is written, where not the whole.
pub(super) fn write_selection(selections: &[Selected]) -> Option<Selection<'_>> {
    let (selector, parameters) = selections.first()?.as_ref()?;
    Some(Selection { selector: *selector, parameters })
}

pub(super) fn demand(session: Session, service: Conformance, name: &'static str) -> Result<(), Error> {
    if session.conformance.has(service) { Ok(()) } else { Err(Refusal::NotOffered(name).into()) }
}
