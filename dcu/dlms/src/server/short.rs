//! Associations by short names on the server side: Read and Write, methods by either.

use super::pieces::{Fit, Long, Target};
use super::{Session, except};
use crate::apdu::{
    ActionResult, AttributeRef, Block, Conformance, DataAccessResult, ExceptionResponse, MethodRef, ReadRequest,
    ReadResponse, Selection, ShortBlock, ValueList, Variable, VariableList, WriteRequest, WriteResult, tag,
};
use crate::axdr::{Value, decode_all, encode, put_array, put_null, put_octet_string, put_structure, put_u8, put_u16};
use crate::cosem::{Level, ObjectModel};
use crate::link::wrapper::HEADER_BYTES;
use crate::names::{self, Member};
use crate::obis;
use crate::wire::{Reader, put_length};

/// Where the list of results begins: after the tag.
const RESULTS_AT: usize = HEADER_BYTES + 1;

/// What a short name points at.
enum Referred {
    Attribute(AttributeRef),
    Method(MethodRef),
    /// An attribute of the association itself.
    Association(i8),
}

impl Session {
    pub(super) fn take_read<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        request: &ReadRequest<'_>,
        value_bytes_max: usize,
        reply: &mut Vec<u8>,
    ) -> bool {
        let mut variables = request.variables.iter();
        if let (1, Some(Variable::ReadBlock(ShortBlock { last, number, raw }))) =
            (request.variables.len(), variables.next())
        {
            // Its answer may be on its way already, and the last piece comes again because the first block was lost.
            if number == 1 {
                self.outgoing = None;
                self.begin_incoming(Target::Read);
            }
            self.take_read_block(model, &Block { last, number: number.into(), raw }, value_bytes_max, reply);
            return true;
        }
        self.incoming = None;
        self.read_variables(model, &request.variables, reply)
    }

    fn take_read_block<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        block: &Block<'_>,
        value_bytes_max: usize,
        reply: &mut Vec<u8>,
    ) {
        let number = u16::try_from(block.number).unwrap_or(u16::MAX);
        self.take_block(
            block,
            value_bytes_max,
            reply,
            |reply| ReadResponse::NextBlock(number).encode(reply),
            refuse_read,
            |session, target, body, reply| match (target, VariableList::over(body)) {
                (Target::Read, Ok(variables)) => {
                    session.read_variables(model, &variables, reply);
                }
                (Target::Read, Err(_)) => refuse_read(DataAccessResult::TypeUnmatched, reply),
                _ => {
                    session.incoming = None;
                    refuse_read(DataAccessResult::NoLongGetInProgress, reply);
                }
            },
        );
    }

    fn read_variables<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        list: &VariableList<'_>,
        reply: &mut Vec<u8>,
    ) -> bool {
        let mut variables = list.iter();
        match (list.len(), variables.next()) {
            (1, Some(Variable::NextBlock(number))) => {
                self.read_next(number, reply);
                return true;
            }
            (2.., _) if !self.terms.conformance.has(Conformance::MULTIPLE_REFERENCES) => {
                return except(ExceptionResponse::NOT_SUPPORTED, reply);
            }
            _ => {}
        }
        self.outgoing = None;
        reply.push(tag::READ_RESPONSE);
        put_length(reply, list.len());
        for variable in list.iter() {
            let result_at = reply.len();
            reply.push(0);
            if let Err(error) = self.read_variable(model, variable, reply) {
                reply.truncate(result_at);
                reply.extend_from_slice(&[1, error.code()]);
            }
        }
        match self.fit(Conformance::BLOCK_GET, reply) {
            Fit::Whole => {}
            Fit::Blocks => {
                self.put_aside(Long::Read, RESULTS_AT, reply);
                self.read_next(0, reply);
            }
            Fit::Never => refuse_read(DataAccessResult::OtherReason, reply),
        }
        true
    }

    fn read_next(&mut self, received: u16, reply: &mut Vec<u8>) {
        reply.truncate(HEADER_BYTES);
        let piece = self.next_piece(Long::Read, received.into());
        match piece.and_then(|Block { last, number, raw }| {
            let number = u16::try_from(number).map_err(|_| DataAccessResult::LongGetAborted)?;
            Ok(ShortBlock { last, number, raw })
        }) {
            Ok(block) => ReadResponse::Block(block).encode(reply),
            Err(error) => refuse_read(error, reply),
        }
    }

    fn read_variable<M: ObjectModel + ?Sized>(
        &self,
        model: &mut M,
        variable: Variable<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        let (name, selection) = match variable {
            Variable::Name(name) => (name, None),
            Variable::Parameterized(name, selection) => (name, Some(selection)),
            // Pieces stand alone in their requests.
            Variable::NextBlock(_) | Variable::ReadBlock(_) | Variable::WriteBlock { .. } => {
                return Err(DataAccessResult::OtherReason);
            }
        };
        match refer(model, name)? {
            Referred::Attribute(attribute) => self.read(model, attribute, selection, out),
            Referred::Association(attribute) => put_association(model, self.terms.level, attribute, out),
            Referred::Method(method) => {
                let value_at = out.len();
                let parameter = selection.map(|Selection { parameters, .. }| parameters).filter(|p| *p != [0]);
                self.run(model, method, parameter, out).map_err(access_result)?;
                if out.len() == value_at {
                    put_null(out);
                }
                Ok(())
            }
        }
    }

    pub(super) fn take_write<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        request: &WriteRequest<'_>,
        value_bytes_max: usize,
        reply: &mut Vec<u8>,
    ) -> bool {
        self.outgoing = None;
        let mut variables = request.variables.iter();
        if let (1, Some(Variable::WriteBlock { last, number })) = (request.variables.len(), variables.next()) {
            let Some(Ok(Value::OctetString(raw))) = request.values.iter().next().map(decode_all) else {
                return put_results(reply, [WriteResult::Done(DataAccessResult::TypeUnmatched)].into_iter());
            };
            if number == 1 {
                self.begin_incoming(Target::Write);
            }
            self.take_write_block(model, &Block { last, number: number.into(), raw: &raw }, value_bytes_max, reply);
            return true;
        }
        self.incoming = None;
        self.write_variables(model, &request.variables, &request.values, reply);
        true
    }

    fn take_write_block<M: ObjectModel + ?Sized>(
        &mut self,
        model: &mut M,
        block: &Block<'_>,
        value_bytes_max: usize,
        reply: &mut Vec<u8>,
    ) {
        let number = u16::try_from(block.number).unwrap_or(u16::MAX);
        let ended = |result, reply: &mut Vec<u8>| {
            put_results(reply, [WriteResult::Done(result)].into_iter());
        };
        self.take_block(
            block,
            value_bytes_max,
            reply,
            |reply| {
                put_results(reply, [WriteResult::NextBlock(number)].into_iter());
            },
            ended,
            |session, target, body, reply| {
                let mut reader = Reader::new(body);
                let lists = VariableList::decode(&mut reader).and_then(|variables| {
                    let values = ValueList::decode(&mut reader)?;
                    reader.finish().map(|()| (variables, values))
                });
                match (target, lists) {
                    (Target::Write, Ok((variables, values))) => {
                        session.write_variables(model, &variables, &values, reply);
                    }
                    (Target::Write, Err(_)) => ended(DataAccessResult::TypeUnmatched, reply),
                    _ => {
                        session.incoming = None;
                        ended(DataAccessResult::NoLongSetInProgress, reply);
                    }
                }
            },
        );
    }

    fn write_variables<M: ObjectModel + ?Sized>(
        &self,
        model: &mut M,
        variables: &VariableList<'_>,
        values: &ValueList<'_>,
        reply: &mut Vec<u8>,
    ) -> bool {
        if variables.len() != values.len() {
            return put_results(reply, [WriteResult::Done(DataAccessResult::TypeUnmatched)].into_iter());
        }
        reply.push(tag::WRITE_RESPONSE);
        put_length(reply, variables.len());
        for (variable, value) in variables.iter().zip(values.iter()) {
            let result = self.write_variable(model, variable, value).err().unwrap_or(DataAccessResult::Success);
            WriteResult::Done(result).encode(reply);
        }
        true
    }

    fn write_variable<M: ObjectModel + ?Sized>(
        &self,
        model: &mut M,
        variable: Variable<'_>,
        value: &[u8],
    ) -> Result<(), DataAccessResult> {
        let (name, selection) = match variable {
            Variable::Name(name) => (name, None),
            Variable::Parameterized(name, selection) => (name, Some(selection)),
            _ => return Err(DataAccessResult::OtherReason),
        };
        let result = match refer(model, name)? {
            Referred::Attribute(attribute) => self.write_part(model, attribute, selection, value),
            Referred::Association(_) => DataAccessResult::ReadWriteDenied,
            // A method without parameter is written null-data. What it returns is lost here: Read gives it.
            Referred::Method(method) => {
                let parameter = Some(value).filter(|encoded| *encoded != [0]);
                return self.run(model, method, parameter, &mut Vec::new()).map_err(access_result);
            }
        };
        if result == DataAccessResult::Success { Ok(()) } else { Err(result) }
    }
}

/// Replaces whatever the reply holds by one write result after the other.
fn put_results(reply: &mut Vec<u8>, results: impl ExactSizeIterator<Item = WriteResult>) -> bool {
    reply.truncate(HEADER_BYTES);
    reply.push(tag::WRITE_RESPONSE);
    put_length(reply, results.len());
    for result in results {
        result.encode(reply);
    }
    true
}

fn refuse_read(error: DataAccessResult, reply: &mut Vec<u8>) {
    reply.truncate(HEADER_BYTES);
    reply.extend_from_slice(&[tag::READ_RESPONSE, 1, 1, error.code()]);
}

const fn access_result(result: ActionResult) -> DataAccessResult {
    DataAccessResult::from_code(result.code())
}

/// The object whose base name is the nearest below.
fn refer<M: ObjectModel + ?Sized>(model: &M, name: u16) -> Result<Referred, DataAccessResult> {
    if let Some(offset) = name.checked_sub(names::ASSOCIATION) {
        return match names::member(names::CLASS, offset) {
            Some(Member::Attribute(attribute)) => Ok(Referred::Association(attribute)),
            _ => Err(DataAccessResult::ObjectUndefined),
        };
    }
    let bases = model.objects().iter().enumerate().filter_map(|(at, object)| Some((model.short_name(at)?, object)));
    let (base, object) = bases
        .filter(|(base, _)| *base <= name)
        .max_by_key(|(base, _)| *base)
        .ok_or(DataAccessResult::ObjectUndefined)?;
    match names::member(object.class, name.saturating_sub(base)) {
        Some(Member::Attribute(number)) => {
            Ok(Referred::Attribute(AttributeRef::new(object.class, object.obis, number)))
        }
        Some(Member::Method(number)) => Ok(Referred::Method(MethodRef::new(object.class, object.obis, number))),
        None => Err(DataAccessResult::ObjectUndefined),
    }
}

/// Class 12: logical name and object list.
fn put_association<M: ObjectModel + ?Sized>(
    model: &M,
    level: Level,
    attribute: i8,
    out: &mut Vec<u8>,
) -> Result<(), DataAccessResult> {
    match attribute {
        1 => put_octet_string(out, &obis::ASSOCIATION_LN.0),
        2 => {
            let named = || {
                let visible = model.objects().iter().enumerate().filter(|(_, object)| object.is_visible(level));
                visible.filter_map(|(at, object)| Some((model.short_name(at)?, object)))
            };
            put_array(out, named().count());
            for (base, object) in named() {
                put_structure(out, 4);
                encode(&Value::I16(base.cast_signed()), out);
                put_u16(out, object.class);
                put_u8(out, object.version);
                put_octet_string(out, &object.obis.0);
            }
        }
        _ => return Err(DataAccessResult::ObjectUndefined),
    }
    Ok(())
}
