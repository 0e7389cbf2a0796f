//! Associations by short names: Read and Write in place of GET, SET and ACTION.
//!
//! The object list is read once per client, after the first association, unless names were given by
//! [`Client::set_short_names`]. No message carries an invoke id, so an answer that comes after its timeout would be
//! taken for that of the next request of the same kind: links that can reorder or duplicate are no place for it.

use std::sync::Arc;

use super::request::{demand, write_selection};
use super::{Client, Command, Phase, Session};
use crate::apdu::{
    AttributeRef, Conformance, DataAccessResult, ReadRequest, ReadResponse, ResultList, Selection, ShortBlock,
    Variable, WriteResponse, WriteResult, tag,
};
use crate::axdr::decode_all;
use crate::cosem::profile;
use crate::error::{Error, Misuse, PeerFault, Refusal};
use crate::link::wrapper::{self, HEADER_BYTES};
use crate::names::{self, ShortNames};
use crate::wire::{put_length, put_octets};

/// Bytes around a piece: tag, one variable (kind, last, number), one octet string with the widest length.
const WRITE_BLOCK_OVERHEAD: usize = 1 + 1 + 4 + 1 + 1 + 3;
/// Bytes of a Read request before its variables, and of a variable without selection.
const READ_HEAD_BYTES: usize = 2;
const READ_ITEM_BYTES: usize = 3;

impl Client {
    /// The command's next request by short names; the object list first when it is not known.
    pub(super) fn send_short_request(&mut self, now: u64, session: Session) -> Result<(), Error> {
        let limit = self.message_limit(session);
        let Some(names) = self.names.clone() else { return self.send_short_names_request(now, session) };
        let name = |attribute| names.attribute(attribute).ok_or(Misuse::NoShortName);
        match self.command {
            Command::Read => {
                demand(session, Conformance::READ, "read")?;
                self.put_short_read(session, &names, limit)?;
            }
            Command::CountRows { profile, .. } => {
                demand(session, Conformance::READ, "read")?;
                let variable = name(AttributeRef::new(profile::CLASS, profile, profile::ENTRIES_IN_USE))?;
                self.put_one_read(Variable::Name(variable));
            }
            Command::ReadRows { profile, range, .. } => {
                demand(session, Conformance::READ, "read")?;
                let variable = name(AttributeRef::new(profile::CLASS, profile, profile::BUFFER))?;
                let mut parameters = Vec::new();
                match profile::put_selection(range, self.config.utc_offset_s, &mut parameters) {
                    None => self.put_one_read(Variable::Name(variable)),
                    Some(selector) => {
                        demand(session, Conformance::PARAMETERIZED_ACCESS, "parameterized access")?;
                        let selection = Selection { selector, parameters: &parameters };
                        self.put_one_read(Variable::Parameterized(variable, selection));
                    }
                }
            }
            Command::Invoke { method, with_parameter, returns: true } => {
                demand(session, Conformance::READ, "read")?;
                demand(session, Conformance::PARAMETERIZED_ACCESS, "parameterized access")?;
                let variable = names.method(method).ok_or(Misuse::NoShortName)?;
                let bytes = std::mem::take(&mut self.transfer.bytes);
                let parameters = if with_parameter { bytes.as_slice() } else { &[0] };
                self.put_one_read(Variable::Parameterized(variable, Selection { selector: 1, parameters }));
                self.transfer.bytes = bytes;
            }
            Command::WriteUnconfirmed(attribute) => {
                demand(session, Conformance::UNCONFIRMED_WRITE, "unconfirmed write")?;
                let variable = name(attribute)?;
                self.new_request();
                wrapper::begin(&mut self.frame);
                self.frame.extend_from_slice(&[tag::UNCONFIRMED_WRITE_REQUEST, 1]);
                Variable::Name(variable).encode(&mut self.frame);
                self.frame.push(1);
                self.frame.extend_from_slice(&self.transfer.bytes);
                self.phase = Phase::Telling;
                return self.send(now, limit);
            }
            Command::Write(_) | Command::WriteList | Command::Invoke { .. } | Command::InvokeList => {
                demand(session, Conformance::WRITE, "write")?;
                return self.send_short_write(now, session, &names);
            }
            Command::Access => return Err(Refusal::NotOffered("access").into()),
            Command::None | Command::Associate | Command::Discover | Command::Release => return Ok(()),
        }
        if self.needs_blocks(session, limit, Conformance::BLOCK_GET, "block transfer with read")? {
            return self.send_short_body(now, session);
        }
        self.phase = Phase::Requesting;
        self.send(now, limit)
    }

    fn send_short_names_request(&mut self, now: u64, session: Session) -> Result<(), Error> {
        demand(session, Conformance::READ, "read")?;
        self.put_one_read(Variable::Name(names::OBJECT_LIST));
        self.phase = Phase::Mapping;
        self.send(now, self.message_limit(session))
    }

    pub(super) fn put_one_read(&mut self, variable: Variable<'_>) {
        self.new_request();
        self.transfer.batch = 1;
        wrapper::begin(&mut self.frame);
        ReadRequest::encode_for(std::iter::once(variable), &mut self.frame);
    }

    fn put_short_read(&mut self, session: Session, names: &ShortNames, limit: usize) -> Result<(), Error> {
        self.new_request();
        let several = session.conformance.has(Conformance::MULTIPLE_REFERENCES);
        let done = self.results.len();
        let missing = self.attributes.get(done..).unwrap_or(&[]);
        let mut room = limit.saturating_sub(READ_HEAD_BYTES);
        wrapper::begin(&mut self.frame);
        self.frame.extend_from_slice(&[tag::READ_REQUEST, 0]);
        let mut batch: u8 = 0;
        for (at, attribute) in missing.iter().enumerate() {
            let selection = self.selections.get(done.saturating_add(at)).and_then(Option::as_ref);
            let extra = selection.map_or(0, |(_, parameters)| parameters.len().saturating_add(1));
            let fits = room.checked_sub(READ_ITEM_BYTES.saturating_add(extra));
            if batch > 0 && (!several || fits.is_none() || batch >= 127) {
                break;
            }
            room = fits.unwrap_or(0);
            let name = names.attribute(*attribute).ok_or(Misuse::NoShortName)?;
            match selection {
                None => Variable::Name(name).encode(&mut self.frame),
                Some((selector, parameters)) => {
                    demand(session, Conformance::PARAMETERIZED_ACCESS, "parameterized access")?;
                    let selection = Selection { selector: *selector, parameters };
                    Variable::Parameterized(name, selection).encode(&mut self.frame);
                }
            }
            batch = batch.saturating_add(1);
        }
        if let Some(count) = self.frame.get_mut(HEADER_BYTES.saturating_add(1)) {
            *count = batch;
        }
        self.transfer.batch = batch.into();
        Ok(())
    }

    /// Writes values, or runs methods by writing their parameters (Green Book 9.3.14: ACTION maps to Write).
    fn send_short_write(&mut self, now: u64, session: Session, names: &ShortNames) -> Result<(), Error> {
        let limit = self.message_limit(session);
        self.new_request();
        let selection = write_selection(&self.selections).filter(|_| matches!(self.command, Command::Write(_)));
        if selection.is_some() {
            demand(session, Conformance::PARAMETERIZED_ACCESS, "parameterized access")?;
        }
        let one = |out: &mut Vec<u8>, name: Option<u16>| -> Result<(), Error> {
            let name = name.ok_or(Misuse::NoShortName)?;
            selection.map_or(Variable::Name(name), |part| Variable::Parameterized(name, part)).encode(out);
            Ok(())
        };
        wrapper::begin(&mut self.frame);
        self.frame.push(tag::WRITE_REQUEST);
        match self.command {
            Command::Write(attribute) => {
                self.frame.push(1);
                one(&mut self.frame, names.attribute(attribute))?;
                self.frame.push(1);
            }
            Command::Invoke { method, with_parameter, .. } => {
                self.frame.push(1);
                one(&mut self.frame, names.method(method))?;
                self.frame.push(1);
                if !with_parameter {
                    // A method without parameter is written null-data.
                    self.frame.push(0);
                }
            }
            _ => {
                demand(session, Conformance::MULTIPLE_REFERENCES, "multiple references")?;
                put_length(&mut self.frame, self.attributes.len());
                for reference in &self.attributes {
                    let name = match self.command {
                        Command::InvokeList => names.method(crate::apdu::MethodRef::new(
                            reference.class,
                            reference.obis,
                            reference.attribute,
                        )),
                        _ => names.attribute(*reference),
                    };
                    one(&mut self.frame, name)?;
                }
            }
        }
        self.frame.extend_from_slice(&self.transfer.bytes);
        if self.needs_blocks(session, limit, Conformance::BLOCK_SET, "block transfer with write")? {
            return self.send_short_body(now, session);
        }
        self.phase = Phase::Requesting;
        self.send(now, limit)
    }

    /// Sends the request just built in pieces: what is cut is the request without its tag.
    fn send_short_body(&mut self, now: u64, session: Session) -> Result<(), Error> {
        self.transfer.answer = self.frame.get(HEADER_BYTES.saturating_add(1)..).unwrap_or(&[]).to_vec();
        self.send_short_piece(now, session)
    }

    /// What is under way goes by Write; else by Read.
    const fn writes(&self) -> bool {
        matches!(
            self.command,
            Command::Write(_) | Command::WriteList | Command::InvokeList | Command::Invoke { returns: false, .. }
        )
    }

    /// Sends the next piece of a long request.
    pub(super) fn send_short_piece(&mut self, now: u64, session: Session) -> Result<(), Error> {
        let limit = self.message_limit(session);
        let number = self.transfer.block.saturating_add(1);
        let room = limit.saturating_sub(WRITE_BLOCK_OVERHEAD).max(1);
        let rest = self.transfer.answer.get(self.transfer.sent..).unwrap_or(&[]);
        let raw = rest.get(..room).unwrap_or(rest);
        let last = raw.len() == rest.len();
        let wire_number = u16::try_from(number).map_err(|_| Misuse::RequestTooLong { bytes: rest.len(), limit })?;
        wrapper::begin(&mut self.frame);
        if self.writes() {
            self.frame.extend_from_slice(&[tag::WRITE_REQUEST, 1]);
            Variable::WriteBlock { last, number: wire_number }.encode(&mut self.frame);
            self.frame.extend_from_slice(&[1, crate::axdr::Tag::OctetString as u8]);
            put_octets(&mut self.frame, raw);
        } else {
            let piece = Variable::ReadBlock(ShortBlock { last, number: wire_number, raw });
            ReadRequest::encode_for(std::iter::once(piece), &mut self.frame);
        }
        self.transfer.sent = self.transfer.sent.saturating_add(raw.len());
        self.transfer.block = number;
        self.phase = Phase::Requesting;
        self.send(now, limit)
    }

    /// Asks for the block after the one received last.
    pub(super) fn send_short_next_request(&mut self, now: u64, session: Session) -> Result<(), Error> {
        let got = self.transfer.block;
        let number = u16::try_from(got).map_err(|_| PeerFault::BlockOutOfOrder { expected: 0, got })?;
        wrapper::begin(&mut self.frame);
        ReadRequest::encode_for(std::iter::once(Variable::NextBlock(number)), &mut self.frame);
        self.send(now, self.message_limit(session))
    }

    pub(super) fn take_short_read(
        &mut self,
        now: u64,
        session: Session,
        response: ReadResponse<'_>,
    ) -> Result<(), Error> {
        match response {
            ReadResponse::Results(results) => self.take_short_results(now, session, &results),
            ReadResponse::Block(block) => {
                self.end_short_body();
                let whole = self.take_piece(now, session, block.last, block.number.into(), Ok(block.raw))?;
                match whole {
                    Some(whole) => self.take_short_results(now, session, &ResultList::over(&whole)),
                    None => Ok(()),
                }
            }
            // Late, or never asked for.
            ReadResponse::NextBlock(_) if self.transfer.sent == 0 => {
                Err(PeerFault::UnexpectedApdu { tag: tag::READ_RESPONSE }.into())
            }
            ReadResponse::NextBlock(number) => self.take_piece_acknowledged(now, session, number.into()),
        }
    }

    /// A long Read request has arrived whole: what comes is its answer, from block 1.
    fn end_short_body(&mut self) {
        if self.transfer.sent > 0 {
            self.transfer.answer.clear();
            self.transfer.block = 0;
            self.transfer.sent = 0;
        }
    }

    fn take_short_results(&mut self, now: u64, session: Session, results: &ResultList<'_>) -> Result<(), Error> {
        if self.phase != Phase::Mapping && matches!(self.command, Command::Read) {
            return self.take_list(now, session, results);
        }
        // One value was asked for.
        let mut only = None;
        let got = results.read_each(crate::axdr::skip, |result| only = Some(result))?;
        let Some(result) = only.filter(|_| got == 1) else {
            return Err(PeerFault::WrongCount { asked: 1, got }.into());
        };
        if let Err(error) = result
            && self.may_restart(error)
        {
            return self.send_mapping_request(now, session);
        }
        if self.phase != Phase::Mapping {
            return self.take_value(now, session, result);
        }
        self.take_mapping_answer(now, session, result)
    }

    /// The object list, read for its names alone.
    pub(super) fn take_short_names(
        &mut self,
        now: u64,
        session: Session,
        result: Result<&[u8], DataAccessResult>,
    ) -> Result<(), Error> {
        let list = decode_all(result.map_err(Refusal::Access)?)?;
        let names = ShortNames::from_object_list(&list).ok_or(PeerFault::WrongType { what: "object list" })?;
        self.names = Some(Arc::new(names));
        self.send_request(now, session)
    }

    pub(super) fn take_short_write(
        &mut self,
        now: u64,
        session: Session,
        response: WriteResponse<'_>,
    ) -> Result<(), Error> {
        let mut results = response.results.iter();
        if let (1, Some(WriteResult::NextBlock(number))) = (response.results.len(), results.next()) {
            return self.take_piece_acknowledged(now, session, number.into());
        }
        let done = response.results.iter().map(|result| match result {
            WriteResult::Done(result) => Ok(result),
            WriteResult::NextBlock(_) => Err(Error::from(PeerFault::UnexpectedApdu { tag: tag::WRITE_RESPONSE })),
        });
        if matches!(self.command, Command::WriteList | Command::InvokeList) {
            let done: Vec<DataAccessResult> = done.collect::<Result<_, _>>()?;
            return self.take_written_list(done.into_iter());
        }
        let asked = 1;
        let got = response.results.len();
        match done.last() {
            Some(result) if got == asked => self.take_written(result?),
            _ => Err(PeerFault::WrongCount { asked, got }.into()),
        }
    }
}
