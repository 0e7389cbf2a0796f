//! GET: normal, with list, and block by block (Green Book 9.3.6).

use super::list::AttributeList;
use super::{AttributeRef, DataAccessResult, InvokeId, Selection, tag};
use crate::axdr::skip;
use crate::error::DecodeError;
use crate::wire::{Reader, put_length, put_octets};

/// A request for attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetRequest<'a> {
    /// One attribute.
    Normal {
        /// Number of the request.
        invoke: InvokeId,
        /// What.
        attribute: AttributeRef,
        /// Which part of it.
        selection: Option<Selection<'a>>,
    },
    /// The block after this one.
    Next {
        /// Number of the request that began the transfer.
        invoke: InvokeId,
        /// Last block received.
        block: u32,
    },
    /// Several attributes.
    WithList {
        /// Number of the request.
        invoke: InvokeId,
        /// What.
        list: AttributeList<'a>,
    },
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetResponse<'a> {
    /// To a normal request: one encoded value.
    Normal {
        /// Number of the request.
        invoke: InvokeId,
        /// The value or why not.
        result: Result<&'a [u8], DataAccessResult>,
    },
    /// One block of an answer too long for one message.
    Block {
        /// Number of the request.
        invoke: InvokeId,
        /// No further block follows.
        last: bool,
        /// From 1.
        number: u32,
        /// A piece of what a whole answer would have carried.
        result: Result<&'a [u8], DataAccessResult>,
    },
    /// To a request with a list.
    WithList {
        /// Number of the request.
        invoke: InvokeId,
        /// One result per item.
        results: ResultList<'a>,
    },
}

/// A still encoded list of results. Unlike [`AttributeList`] it is not checked beforehand: the client opens each value
/// anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultList<'a> {
    encoded: &'a [u8],
}

impl<'a> ResultList<'a> {
    /// Over the bytes that follow the invoke id: the count, then choice and value of each.
    #[must_use]
    pub const fn over(encoded: &'a [u8]) -> Self {
        Self { encoded }
    }

    /// Those bytes.
    #[must_use]
    pub const fn encoded(&self) -> &'a [u8] {
        self.encoded
    }

    /// The count and then each result, read with `open`.
    ///
    /// # Errors
    /// The first [`DecodeError`], also for bytes left over.
    #[inline]
    pub fn read_each<T>(
        &self,
        mut open: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
        mut keep: impl FnMut(Result<T, DataAccessResult>),
    ) -> Result<usize, DecodeError> {
        let mut reader = Reader::new(self.encoded);
        let count = reader.length()?;
        for _ in 0..count {
            match reader.u8()? {
                0 => keep(Ok(open(&mut reader)?)),
                1 => keep(Err(DataAccessResult::from_code(reader.u8()?))),
                tag => return Err(DecodeError::UnknownTag { what: "get-data result", tag }),
            }
        }
        reader.finish()?;
        Ok(count)
    }
}

impl<'a> GetRequest<'a> {
    #[inline]
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal {
                invoke,
                attribute: AttributeRef::decode(reader)?,
                selection: Selection::decode_optional(reader)?,
            },
            2 => Self::Next { invoke, block: reader.u32()? },
            3 => Self::WithList { invoke, list: AttributeList::decode(reader)? },
            tag => return Err(DecodeError::UnknownTag { what: "GET request", tag }),
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Normal { invoke, attribute, selection } => {
                out.extend_from_slice(&[tag::GET_REQUEST, 1, invoke.0]);
                attribute.encode(out);
                Selection::encode_optional(*selection, out);
            }
            Self::Next { invoke, block } => {
                out.extend_from_slice(&[tag::GET_REQUEST, 2, invoke.0]);
                out.extend_from_slice(&block.to_be_bytes());
            }
            Self::WithList { invoke, list } => {
                out.extend_from_slice(&[tag::GET_REQUEST, 3, invoke.0]);
                list.encode(out);
            }
        }
    }

    /// Appends a request for these attributes, whole: normal for one, with list for more.
    #[inline]
    pub fn encode_for(invoke: InvokeId, attributes: &[AttributeRef], out: &mut Vec<u8>) {
        if let [attribute] = attributes {
            Self::Normal { invoke, attribute: *attribute, selection: None }.encode(out);
            return;
        }
        out.extend_from_slice(&[tag::GET_REQUEST, 3, invoke.0]);
        put_length(out, attributes.len());
        for attribute in attributes {
            attribute.encode(out);
            out.push(0);
        }
    }
}

impl<'a> GetResponse<'a> {
    #[inline]
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal { invoke, result: choice(reader, skip)? },
            2 => Self::Block {
                invoke,
                last: reader.u8()? != 0,
                number: reader.u32()?,
                result: choice(reader, |r| r.octets())?,
            },
            3 => {
                let encoded = reader.rest();
                reader.take(encoded.len())?;
                Self::WithList { invoke, results: ResultList { encoded } }
            }
            tag => return Err(DecodeError::UnknownTag { what: "GET response", tag }),
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Normal { invoke, result } => {
                out.extend_from_slice(&[tag::GET_RESPONSE, 1, invoke.0]);
                match result {
                    Ok(value) => {
                        out.push(0);
                        out.extend_from_slice(value);
                    }
                    Err(error) => out.extend_from_slice(&[1, error.code()]),
                }
            }
            Self::Block { invoke, last, number, result } => {
                out.extend_from_slice(&[tag::GET_RESPONSE, 2, invoke.0, u8::from(*last)]);
                out.extend_from_slice(&number.to_be_bytes());
                match result {
                    Ok(piece) => {
                        out.push(0);
                        put_octets(out, piece);
                    }
                    Err(error) => out.extend_from_slice(&[1, error.code()]),
                }
            }
            Self::WithList { invoke, results } => {
                out.extend_from_slice(&[tag::GET_RESPONSE, 3, invoke.0]);
                out.extend_from_slice(results.encoded);
            }
        }
    }
}

/// `data [0]` or `data-access-result [1]`.
pub(super) fn choice<'a>(
    reader: &mut Reader<'a>,
    open: impl FnOnce(&mut Reader<'a>) -> Result<&'a [u8], DecodeError>,
) -> Result<Result<&'a [u8], DataAccessResult>, DecodeError> {
    match reader.u8()? {
        0 => Ok(Ok(open(reader)?)),
        1 => Ok(Err(DataAccessResult::from_code(reader.u8()?))),
        tag => Err(DecodeError::UnknownTag { what: "get-data result", tag }),
    }
}
