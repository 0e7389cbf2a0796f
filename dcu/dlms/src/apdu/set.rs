//! SET: normal, with list, and block by block (Green Book 9.3.7, 9.4.6.4).
//!
//! What the blocks carry: of a single attribute its encoded value; of a list the encoded list of values.

use super::list::{AccessResultList, AttributeList, ValueList};
use super::{AttributeRef, DataAccessResult, InvokeId, Selection, tag};
use crate::axdr::skip;
use crate::error::DecodeError;
use crate::wire::{Reader, put_octets};

/// One piece of something long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// No further piece follows.
    pub last: bool,
    /// From 1.
    pub number: u32,
    /// The piece.
    pub raw: &'a [u8],
}

/// A request to write attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetRequest<'a> {
    /// One attribute, whole.
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
    /// One attribute, the first piece.
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
    /// Several attributes, whole.
    WithList {
        /// Number of the request.
        invoke: InvokeId,
        /// Where.
        attributes: AttributeList<'a>,
        /// One encoded value for each.
        values: ValueList<'a>,
    },
    /// Several attributes, the first piece of the list of values.
    ListFirstBlock {
        /// Number of the request, kept through all blocks.
        invoke: InvokeId,
        /// Where.
        attributes: AttributeList<'a>,
        /// The piece.
        block: Block<'a>,
    },
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetResponse<'a> {
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
    /// The last piece of a list arrived.
    ListLastBlock {
        /// Number of the request.
        invoke: InvokeId,
        /// How each went.
        results: AccessResultList<'a>,
        /// Which piece.
        number: u32,
    },
    /// To a whole list.
    WithList {
        /// Number of the request.
        invoke: InvokeId,
        /// How each went.
        results: AccessResultList<'a>,
    },
}

impl<'a> Block<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { last: reader.u8()? != 0, number: reader.u32()?, raw: reader.octets()? })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
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
            4 => Self::WithList {
                invoke,
                attributes: AttributeList::decode(reader)?,
                values: ValueList::decode(reader)?,
            },
            5 => Self::ListFirstBlock {
                invoke,
                attributes: AttributeList::decode(reader)?,
                block: Block::decode(reader)?,
            },
            tag => return Err(DecodeError::UnknownTag { what: "SET request", tag }),
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut head = |kind: u8, invoke: &InvokeId| out.extend_from_slice(&[tag::SET_REQUEST, kind, invoke.0]);
        match self {
            Self::Normal { invoke, attribute, selection, value } => {
                head(1, invoke);
                attribute.encode(out);
                Selection::encode_optional(*selection, out);
                out.extend_from_slice(value);
            }
            Self::FirstBlock { invoke, attribute, selection, block } => {
                head(2, invoke);
                attribute.encode(out);
                Selection::encode_optional(*selection, out);
                block.encode(out);
            }
            Self::NextBlock { invoke, block } => {
                head(3, invoke);
                block.encode(out);
            }
            Self::WithList { invoke, attributes, values } => {
                head(4, invoke);
                attributes.encode(out);
                values.encode(out);
            }
            Self::ListFirstBlock { invoke, attributes, block } => {
                head(5, invoke);
                attributes.encode(out);
                block.encode(out);
            }
        }
    }
}

impl<'a> SetResponse<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal { invoke, result: DataAccessResult::from_code(reader.u8()?) },
            2 => Self::Block { invoke, number: reader.u32()? },
            3 => Self::LastBlock { invoke, result: DataAccessResult::from_code(reader.u8()?), number: reader.u32()? },
            4 => Self::ListLastBlock { invoke, results: AccessResultList::decode(reader)?, number: reader.u32()? },
            5 => Self::WithList { invoke, results: AccessResultList::decode(reader)? },
            tag => return Err(DecodeError::UnknownTag { what: "SET response", tag }),
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut head = |kind: u8, invoke: &InvokeId| out.extend_from_slice(&[tag::SET_RESPONSE, kind, invoke.0]);
        match self {
            Self::Normal { invoke, result } => {
                head(1, invoke);
                out.push(result.code());
            }
            Self::Block { invoke, number } => {
                head(2, invoke);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::LastBlock { invoke, result, number } => {
                head(3, invoke);
                out.push(result.code());
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::ListLastBlock { invoke, results, number } => {
                head(4, invoke);
                results.encode(out);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::WithList { invoke, results } => {
                head(5, invoke);
                results.encode(out);
            }
        }
    }

    /// Number of the request.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. }
            | Self::Block { invoke, .. }
            | Self::LastBlock { invoke, .. }
            | Self::ListLastBlock { invoke, .. }
            | Self::WithList { invoke, .. } => *invoke,
        }
    }
}
