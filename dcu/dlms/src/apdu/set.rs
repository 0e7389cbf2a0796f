//! SET: normal and block by block (Green Book 9.3.7).

use super::{AttributeRef, DataAccessResult, InvokeId, Selection, tag};
use crate::axdr::skip;
use crate::error::DecodeError;
use crate::wire::{Reader, put_octets};

/// One piece of a long value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// No further piece follows.
    pub last: bool,
    /// From 1.
    pub number: u32,
    /// The piece.
    pub raw: &'a [u8],
}

/// A request to write an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetRequest<'a> {
    /// The whole value.
    Normal {
        /// Number of the request.
        invoke: InvokeId,
        /// Where.
        attribute: AttributeRef,
        /// Which part of it.
        selection: Option<Selection<'a>>,
        /// One encoded value.
        value: &'a [u8],
    },
    /// The first piece.
    FirstBlock {
        /// Number of the request, kept through all blocks.
        invoke: InvokeId,
        /// Where.
        attribute: AttributeRef,
        /// Which part of it.
        selection: Option<Selection<'a>>,
        /// The piece.
        block: Block<'a>,
    },
    /// A further piece.
    NextBlock {
        /// Number of the request.
        invoke: InvokeId,
        /// The piece.
        block: Block<'a>,
    },
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetResponse {
    /// To a whole value.
    Normal {
        /// Number of the request.
        invoke: InvokeId,
        /// How it went.
        result: DataAccessResult,
    },
    /// A piece arrived; send the next.
    Block {
        /// Number of the request.
        invoke: InvokeId,
        /// Which piece.
        number: u32,
    },
    /// The last piece arrived and the value was written or refused.
    LastBlock {
        /// Number of the request.
        invoke: InvokeId,
        /// How it went.
        result: DataAccessResult,
        /// Which piece.
        number: u32,
    },
}

impl<'a> Block<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { last: reader.u8()? != 0, number: reader.u32()?, raw: reader.octets()? })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.last));
        out.extend_from_slice(&self.number.to_be_bytes());
        put_octets(out, self.raw);
    }
}

impl<'a> SetRequest<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal {
                invoke,
                attribute: AttributeRef::decode(reader)?,
                selection: Selection::decode_optional(reader)?,
                value: skip(reader)?,
            },
            2 => Self::FirstBlock {
                invoke,
                attribute: AttributeRef::decode(reader)?,
                selection: Selection::decode_optional(reader)?,
                block: Block::decode(reader)?,
            },
            3 => Self::NextBlock { invoke, block: Block::decode(reader)? },
            tag => return Err(DecodeError::UnknownTag { what: "SET request", tag }),
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Normal { invoke, attribute, selection, value } => {
                out.extend_from_slice(&[tag::SET_REQUEST, 1, invoke.0]);
                attribute.encode(out);
                Selection::encode_optional(*selection, out);
                out.extend_from_slice(value);
            }
            Self::FirstBlock { invoke, attribute, selection, block } => {
                out.extend_from_slice(&[tag::SET_REQUEST, 2, invoke.0]);
                attribute.encode(out);
                Selection::encode_optional(*selection, out);
                block.encode(out);
            }
            Self::NextBlock { invoke, block } => {
                out.extend_from_slice(&[tag::SET_REQUEST, 3, invoke.0]);
                block.encode(out);
            }
        }
    }
}

impl SetResponse {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal { invoke, result: DataAccessResult::from_code(reader.u8()?) },
            2 => Self::Block { invoke, number: reader.u32()? },
            3 => Self::LastBlock { invoke, result: DataAccessResult::from_code(reader.u8()?), number: reader.u32()? },
            tag => return Err(DecodeError::UnknownTag { what: "SET response", tag }),
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Normal { invoke, result } => {
                out.extend_from_slice(&[tag::SET_RESPONSE, 1, invoke.0, result.code()]);
            }
            Self::Block { invoke, number } => {
                out.extend_from_slice(&[tag::SET_RESPONSE, 2, invoke.0]);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::LastBlock { invoke, result, number } => {
                out.extend_from_slice(&[tag::SET_RESPONSE, 3, invoke.0, result.code()]);
                out.extend_from_slice(&number.to_be_bytes());
            }
        }
    }
}
