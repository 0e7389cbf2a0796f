//! Services of associations by short names: Read, Write, UnconfirmedWrite, InformationReport (Green Book 9.3.14 and on,
//! 9.5). None of them carries an invoke id: an answer belongs to the last request.
//!
//! ```text
//! 05 | 01  02 fa08            read one variable, name 0xfa08
//! 0c | 01  00 1208fe          one result: data, long-unsigned 0x08fe
//! ```
//!
//! What blocks carry: of an answer the encoded list of results; of a request the encoded lists after its tag.

use super::get::ResultList;
use super::list::{List, ListItem, ValueList};
use super::{DataAccessResult, Selection, tag};
use crate::error::DecodeError;
use crate::wire::{Reader, put_length, put_octets};

/// What a request points at (Variable-Access-Specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable<'a> {
    /// An attribute, or a method without return.
    Name(u16),
    /// A part of an attribute, or a method with its parameters.
    Parameterized(u16, Selection<'a>),
    /// Send the block after this one of the answer.
    NextBlock(u16),
    /// A piece of a long Read request.
    ReadBlock(ShortBlock<'a>),
    /// A piece of a long Write request; the piece itself stands in the list of data.
    WriteBlock {
        /// No further piece follows.
        last: bool,
        /// From 1.
        number: u16,
    },
}

/// A piece of something long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortBlock<'a> {
    /// No further piece follows.
    pub last: bool,
    /// From 1.
    pub number: u16,
    /// The piece.
    pub raw: &'a [u8],
}

/// A [`Variable`] in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariableKind;
/// Variables of a request.
pub type VariableList<'a> = List<'a, VariableKind>;

/// A [`WriteResult`] in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteResultKind;
/// Results of a Write.
pub type WriteResultList<'a> = List<'a, WriteResultKind>;

/// A request to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRequest<'a> {
    /// What.
    pub variables: VariableList<'a>,
}

/// The answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadResponse<'a> {
    /// One result for each variable.
    Results(ResultList<'a>),
    /// A piece of an answer too long for one message.
    Block(ShortBlock<'a>),
    /// A piece of the request arrived; send the next.
    NextBlock(u16),
}

/// A request to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteRequest<'a> {
    /// Where.
    pub variables: VariableList<'a>,
    /// One encoded value for each.
    pub values: ValueList<'a>,
}

/// How one write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteResult {
    /// It was written, or why not.
    Done(DataAccessResult),
    /// A piece of the request arrived; send the next.
    NextBlock(u16),
}

/// The answer to a Write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteResponse<'a> {
    /// One for each variable.
    pub results: WriteResultList<'a>,
}

/// What a meter reports unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InformationReport<'a> {
    /// When, as text of ASN.1 (GeneralizedTime: `20260227190000Z`).
    pub time: Option<&'a [u8]>,
    /// What.
    pub variables: VariableList<'a>,
    /// One encoded value for each.
    pub values: ValueList<'a>,
}

impl ListItem for VariableKind {
    type Item<'a> = Variable<'a>;

    fn read<'a>(reader: &mut Reader<'a>) -> Result<Variable<'a>, DecodeError> {
        Ok(match reader.u8()? {
            2 => Variable::Name(reader.u16()?),
            4 => Variable::Parameterized(reader.u16()?, Selection::decode(reader)?),
            5 => Variable::NextBlock(reader.u16()?),
            6 => Variable::ReadBlock(ShortBlock::decode(reader)?),
            7 => Variable::WriteBlock { last: reader.u8()? != 0, number: reader.u16()? },
            tag => return Err(DecodeError::UnknownTag { what: "variable", tag }),
        })
    }
}

impl ListItem for WriteResultKind {
    type Item<'a> = WriteResult;

    fn read<'a>(reader: &mut Reader<'a>) -> Result<WriteResult, DecodeError> {
        Ok(match reader.u8()? {
            0 => WriteResult::Done(DataAccessResult::Success),
            1 => WriteResult::Done(DataAccessResult::from_code(reader.u8()?)),
            2 => WriteResult::NextBlock(reader.u16()?),
            tag => return Err(DecodeError::UnknownTag { what: "write result", tag }),
        })
    }
}

impl Variable<'_> {
    /// Appends it, as in the list of a request.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Name(name) => {
                out.push(2);
                out.extend_from_slice(&name.to_be_bytes());
            }
            Self::Parameterized(name, selection) => {
                out.push(4);
                out.extend_from_slice(&name.to_be_bytes());
                selection.encode(out);
            }
            Self::NextBlock(number) => {
                out.push(5);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::ReadBlock(block) => {
                out.push(6);
                block.encode(out);
            }
            Self::WriteBlock { last, number } => {
                out.extend_from_slice(&[7, u8::from(*last)]);
                out.extend_from_slice(&number.to_be_bytes());
            }
        }
    }
}

impl WriteResult {
    /// Appends it, as in the list of a response.
    pub fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Done(DataAccessResult::Success) => out.push(0),
            Self::Done(result) => out.extend_from_slice(&[1, result.code()]),
            Self::NextBlock(number) => {
                out.push(2);
                out.extend_from_slice(&number.to_be_bytes());
            }
        }
    }
}

impl<'a> ShortBlock<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { last: reader.u8()? != 0, number: reader.u16()?, raw: reader.octets()? })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.last));
        out.extend_from_slice(&self.number.to_be_bytes());
        put_octets(out, self.raw);
    }
}

impl<'a> ReadRequest<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { variables: VariableList::decode(reader)? })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(tag::READ_REQUEST);
        self.variables.encode(out);
    }

    /// Appends a request for these variables.
    pub fn encode_for<'v>(variables: impl ExactSizeIterator<Item = Variable<'v>>, out: &mut Vec<u8>) {
        out.push(tag::READ_REQUEST);
        put_length(out, variables.len());
        for variable in variables {
            variable.encode(out);
        }
    }
}

impl<'a> ReadResponse<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let whole = reader.rest();
        if let [1, kind @ (2 | 3), ..] = whole {
            reader.take(2)?;
            return Ok(match kind {
                2 => Self::Block(ShortBlock::decode(reader)?),
                _ => Self::NextBlock(reader.u16()?),
            });
        }
        reader.take(whole.len())?;
        Ok(Self::Results(ResultList::over(whole)))
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(tag::READ_RESPONSE);
        match self {
            Self::Results(results) => out.extend_from_slice(results.encoded()),
            Self::Block(block) => {
                out.extend_from_slice(&[1, 2]);
                block.encode(out);
            }
            Self::NextBlock(number) => {
                out.extend_from_slice(&[1, 3]);
                out.extend_from_slice(&number.to_be_bytes());
            }
        }
    }
}

impl<'a> WriteRequest<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { variables: VariableList::decode(reader)?, values: ValueList::decode(reader)? })
    }

    /// Appends the message under [`tag::WRITE_REQUEST`] or [`tag::UNCONFIRMED_WRITE_REQUEST`].
    pub fn encode(&self, tag: u8, out: &mut Vec<u8>) {
        out.push(tag);
        self.variables.encode(out);
        self.values.encode(out);
    }
}

impl<'a> WriteResponse<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { results: WriteResultList::decode(reader)? })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(tag::WRITE_RESPONSE);
        self.results.encode(out);
    }
}

impl<'a> InformationReport<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: if reader.present()? { Some(reader.octets()?) } else { None },
            variables: VariableList::decode(reader)?,
            values: ValueList::decode(reader)?,
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(tag::INFORMATION_REPORT);
        out.push(u8::from(self.time.is_some()));
        if let Some(time) = self.time {
            put_octets(out, time);
        }
        self.variables.encode(out);
        self.values.encode(out);
    }
}
