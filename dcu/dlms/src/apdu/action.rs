//! ACTION, normal (Green Book 9.3.8).

use super::get::choice;
use super::{ActionResult, DataAccessResult, InvokeId, MethodRef, tag};
use crate::axdr::skip;
use crate::error::DecodeError;
use crate::wire::Reader;

/// A request to run a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionRequest<'a> {
    /// Number of the request.
    pub invoke: InvokeId,
    /// Which method.
    pub method: MethodRef,
    /// One encoded value.
    pub parameter: Option<&'a [u8]>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionResponse<'a> {
    /// Number of the request.
    pub invoke: InvokeId,
    /// How it went.
    pub result: ActionResult,
    /// What the method returned: an encoded value or why there is none.
    pub returned: Option<Result<&'a [u8], DataAccessResult>>,
}

impl<'a> ActionRequest<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            1 => Ok(Self {
                invoke: InvokeId(reader.u8()?),
                method: MethodRef::decode(reader)?,
                parameter: if reader.present()? { Some(skip(reader)?) } else { None },
            }),
            tag => Err(DecodeError::UnknownTag { what: "ACTION request", tag }),
        }
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[tag::ACTION_REQUEST, 1, self.invoke.0]);
        self.method.encode(out);
        match self.parameter {
            Some(value) => {
                out.push(1);
                out.extend_from_slice(value);
            }
            None => out.push(0),
        }
    }
}

impl<'a> ActionResponse<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            1 => Ok(Self {
                invoke: InvokeId(reader.u8()?),
                result: ActionResult::from_code(reader.u8()?),
                returned: if reader.present()? { Some(choice(reader, skip)?) } else { None },
            }),
            tag => Err(DecodeError::UnknownTag { what: "ACTION response", tag }),
        }
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[tag::ACTION_RESPONSE, 1, self.invoke.0, self.result.code()]);
        match self.returned {
            None => out.push(0),
            Some(Ok(value)) => {
                out.extend_from_slice(&[1, 0]);
                out.extend_from_slice(value);
            }
            Some(Err(error)) => out.extend_from_slice(&[1, 1, error.code()]),
        }
    }
}
