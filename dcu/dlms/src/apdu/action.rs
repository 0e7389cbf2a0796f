//! ACTION: normal, with list, and block by block in either direction (Green Book 9.3.8, 9.4.6.5).
//!
//! What the blocks carry: of a single method the parameter (request) or the returned value (answer), each one encoded
//! value; of a list the encoded list. A single answer that comes in blocks has no result of its own: the method
//! succeeded.

use super::list::{MethodList, MethodResult, MethodResultList, ValueList};
use super::{Block, InvokeId, MethodRef, tag};
use crate::axdr::skip;
use crate::error::DecodeError;
use crate::wire::Reader;

/// A request to run methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionRequest<'a> {
    /// One method, whole.
    Normal {
        /// Number of the request.
        invoke: InvokeId,
        /// Which method.
        method: MethodRef,
        /// One encoded value.
        parameter: Option<&'a [u8]>,
    },
    /// Send the block after this one of your answer.
    NextBlock {
        /// Number of the request that began the transfer.
        invoke: InvokeId,
        /// Last block received.
        number: u32,
    },
    /// Several methods.
    WithList {
        /// Number of the request.
        invoke: InvokeId,
        /// Which methods.
        methods: MethodList<'a>,
        /// One encoded value for each; null-data for none.
        parameters: ValueList<'a>,
    },
    /// One method, first piece of its parameter.
    FirstBlock {
        /// Number of the request, kept through all blocks.
        invoke: InvokeId,
        /// Which method.
        method: MethodRef,
        /// The piece.
        block: Block<'a>,
    },
    /// Several methods, first piece of the list of parameters.
    ListFirstBlock {
        /// Number of the request, kept through all blocks.
        invoke: InvokeId,
        /// Which methods.
        methods: MethodList<'a>,
        /// The piece.
        block: Block<'a>,
    },
    /// A further piece of the parameters.
    Block {
        /// Number of the request.
        invoke: InvokeId,
        /// The piece.
        block: Block<'a>,
    },
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionResponse<'a> {
    /// To a single method.
    Normal {
        /// Number of the request.
        invoke: InvokeId,
        /// How it went and what came back.
        result: MethodResult<'a>,
    },
    /// A piece of an answer too long for one message.
    Block {
        /// Number of the request.
        invoke: InvokeId,
        /// The piece.
        block: Block<'a>,
    },
    /// To several methods.
    WithList {
        /// Number of the request.
        invoke: InvokeId,
        /// One for each.
        results: MethodResultList<'a>,
    },
    /// A piece of the parameters arrived; send the next.
    NextBlock {
        /// Number of the request.
        invoke: InvokeId,
        /// Which piece arrived.
        number: u32,
    },
}

impl<'a> ActionRequest<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal {
                invoke,
                method: MethodRef::decode(reader)?,
                parameter: if reader.present()? { Some(skip(reader)?) } else { None },
            },
            2 => Self::NextBlock { invoke, number: reader.u32()? },
            3 => {
                Self::WithList { invoke, methods: MethodList::decode(reader)?, parameters: ValueList::decode(reader)? }
            }
            4 => Self::FirstBlock { invoke, method: MethodRef::decode(reader)?, block: Block::decode(reader)? },
            5 => Self::ListFirstBlock { invoke, methods: MethodList::decode(reader)?, block: Block::decode(reader)? },
            6 => Self::Block { invoke, block: Block::decode(reader)? },
            tag => return Err(DecodeError::UnknownTag { what: "ACTION request", tag }),
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut head = |kind: u8, invoke: &InvokeId| out.extend_from_slice(&[tag::ACTION_REQUEST, kind, invoke.0]);
        match self {
            Self::Normal { invoke, method, parameter } => {
                head(1, invoke);
                method.encode(out);
                out.push(u8::from(parameter.is_some()));
                out.extend_from_slice(parameter.unwrap_or(&[]));
            }
            Self::NextBlock { invoke, number } => {
                head(2, invoke);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::WithList { invoke, methods, parameters } => {
                head(3, invoke);
                methods.encode(out);
                parameters.encode(out);
            }
            Self::FirstBlock { invoke, method, block } => {
                head(4, invoke);
                method.encode(out);
                block.encode(out);
            }
            Self::ListFirstBlock { invoke, methods, block } => {
                head(5, invoke);
                methods.encode(out);
                block.encode(out);
            }
            Self::Block { invoke, block } => {
                head(6, invoke);
                block.encode(out);
            }
        }
    }

    /// Number of the request.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. }
            | Self::NextBlock { invoke, .. }
            | Self::WithList { invoke, .. }
            | Self::FirstBlock { invoke, .. }
            | Self::ListFirstBlock { invoke, .. }
            | Self::Block { invoke, .. } => *invoke,
        }
    }
}

impl<'a> ActionResponse<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal { invoke, result: MethodResult::decode(reader)? },
            2 => Self::Block { invoke, block: Block::decode(reader)? },
            3 => Self::WithList { invoke, results: MethodResultList::decode(reader)? },
            4 => Self::NextBlock { invoke, number: reader.u32()? },
            tag => return Err(DecodeError::UnknownTag { what: "ACTION response", tag }),
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut head = |kind: u8, invoke: &InvokeId| out.extend_from_slice(&[tag::ACTION_RESPONSE, kind, invoke.0]);
        match self {
            Self::Normal { invoke, result } => {
                head(1, invoke);
                result.encode(out);
            }
            Self::Block { invoke, block } => {
                head(2, invoke);
                block.encode(out);
            }
            Self::WithList { invoke, results } => {
                head(3, invoke);
                results.encode(out);
            }
            Self::NextBlock { invoke, number } => {
                head(4, invoke);
                out.extend_from_slice(&number.to_be_bytes());
            }
        }
    }

    /// Number of the request.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. }
            | Self::Block { invoke, .. }
            | Self::WithList { invoke, .. }
            | Self::NextBlock { invoke, .. } => *invoke,
        }
    }
}
