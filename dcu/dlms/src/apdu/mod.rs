//! Application messages (Green Book 9.3–9.5): what stands inside a frame, before protection and link.
//!
//! Decoded messages borrow from the frame; values inside stay encoded ([`crate::axdr::decode`] opens them), so that a
//! server answers and a client dispatches without copying. Each `encode` appends to the caller's buffer.
//!
//! Lists inside messages are [`List`]s: checked when decoded, opened item by item. What a protected form holds is
//! opened by [`crate::security`] before it gets here.

mod access;
mod acse;
mod action;
mod ber;
mod codes;
mod conformance;
mod exception;
pub(crate) mod general_block;
mod get;
mod initiate;
mod invoke;
mod list;
mod notification;
mod reference;
mod set;
mod short;

pub use access::{AccessItem, AccessItemList, AccessOutcome, AccessOutcomeList, AccessRequest, AccessResponse};
pub use acse::{Aare, Aarq, ApplicationContext, AssociationRefusal, AssociationResult, Diagnostic, Mechanism, Release};
pub use action::{ActionRequest, ActionResponse};
pub use codes::{ActionResult, DataAccessResult};
pub use conformance::Conformance;
pub use exception::{ConfirmedServiceError, ExceptionResponse, ServiceError, StateError};
pub use general_block::{GeneralBlock, WINDOW_MAX};
pub use get::{GetRequest, GetResponse, ResultList};
pub use initiate::{InitiateRequest, InitiateResponse, VAA_NAME_LN, VAA_NAME_SN};
pub use invoke::{InvokeId, LongInvokeId};
pub use list::{
    AccessResultList, AttributeList, List, ListItem, MethodList, MethodResult, MethodResultList, ValueList,
};
pub use notification::{DataNotification, DataNotificationConfirm, EventNotification};
pub use reference::{AttributeRef, MethodRef, Selection};
pub use set::{Block, SetRequest, SetResponse};
pub use short::{
    InformationReport, ReadRequest, ReadResponse, ShortBlock, Variable, VariableList, WriteRequest, WriteResponse,
    WriteResult, WriteResultList,
};

use crate::error::DecodeError;
use crate::wire::Reader;

/// First bytes of the messages.
pub mod tag {
    /// Read request (short names).
    pub const READ_REQUEST: u8 = 0x05;
    /// Write request (short names).
    pub const WRITE_REQUEST: u8 = 0x06;
    /// Read response (short names).
    pub const READ_RESPONSE: u8 = 0x0C;
    /// Write response (short names).
    pub const WRITE_RESPONSE: u8 = 0x0D;
    /// Confirmed service error.
    pub const CONFIRMED_SERVICE_ERROR: u8 = 0x0E;
    /// Data notification (push).
    pub const DATA_NOTIFICATION: u8 = 0x0F;
    /// Confirmation of a data notification.
    pub const DATA_NOTIFICATION_CONFIRM: u8 = 0x10;
    /// Unconfirmed write request (short names).
    pub const UNCONFIRMED_WRITE_REQUEST: u8 = 0x16;
    /// Information report (short names).
    pub const INFORMATION_REPORT: u8 = 0x18;
    /// Association request.
    pub const AARQ: u8 = 0x60;
    /// Association response.
    pub const AARE: u8 = 0x61;
    /// Release request.
    pub const RLRQ: u8 = 0x62;
    /// Release response.
    pub const RLRE: u8 = 0x63;
    /// GET request.
    pub const GET_REQUEST: u8 = 0xC0;
    /// SET request.
    pub const SET_REQUEST: u8 = 0xC1;
    /// Event notification.
    pub const EVENT_NOTIFICATION: u8 = 0xC2;
    /// ACTION request.
    pub const ACTION_REQUEST: u8 = 0xC3;
    /// GET response.
    pub const GET_RESPONSE: u8 = 0xC4;
    /// SET response.
    pub const SET_RESPONSE: u8 = 0xC5;
    /// ACTION response.
    pub const ACTION_RESPONSE: u8 = 0xC7;
    /// Exception response.
    pub const EXCEPTION_RESPONSE: u8 = 0xD8;
    /// ACCESS request.
    pub const ACCESS_REQUEST: u8 = 0xD9;
    /// ACCESS response.
    pub const ACCESS_RESPONSE: u8 = 0xDA;
    /// One block of general block transfer.
    pub const GENERAL_BLOCK_TRANSFER: u8 = 0xE0;
}

/// Any message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is named as its content")]
pub enum Apdu<'a> {
    Aarq(Aarq<'a>),
    Aare(Aare<'a>),
    Rlrq(Release<'a>),
    Rlre(Release<'a>),
    GetRequest(GetRequest<'a>),
    GetResponse(GetResponse<'a>),
    SetRequest(SetRequest<'a>),
    SetResponse(SetResponse<'a>),
    ActionRequest(ActionRequest<'a>),
    ActionResponse(ActionResponse<'a>),
    DataNotification(DataNotification<'a>),
    ExceptionResponse(ExceptionResponse),
    ConfirmedServiceError(ConfirmedServiceError),
    AccessRequest(AccessRequest<'a>),
    AccessResponse(AccessResponse<'a>),
    GeneralBlock(GeneralBlock<'a>),
    DataNotificationConfirm(DataNotificationConfirm),
    EventNotification(EventNotification<'a>),
    ReadRequest(ReadRequest<'a>),
    ReadResponse(ReadResponse<'a>),
    WriteRequest(WriteRequest<'a>),
    WriteResponse(WriteResponse<'a>),
    UnconfirmedWriteRequest(WriteRequest<'a>),
    InformationReport(InformationReport<'a>),
}

impl<'a> Apdu<'a> {
    /// Decodes one message that fills the bytes.
    ///
    /// # Errors
    /// Any [`DecodeError`]; messages that this crate does not know are [`DecodeError::UnknownTag`].
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let tag = reader.u8()?;
        let apdu = match tag {
            tag::GET_REQUEST => Self::GetRequest(GetRequest::decode(&mut reader)?),
            tag::GET_RESPONSE => Self::GetResponse(GetResponse::decode(&mut reader)?),
            tag::SET_REQUEST => Self::SetRequest(SetRequest::decode(&mut reader)?),
            tag::SET_RESPONSE => Self::SetResponse(SetResponse::decode(&mut reader)?),
            tag::ACTION_REQUEST => Self::ActionRequest(ActionRequest::decode(&mut reader)?),
            tag::ACTION_RESPONSE => Self::ActionResponse(ActionResponse::decode(&mut reader)?),
            tag::AARQ => Self::Aarq(Aarq::decode(&mut reader)?),
            tag::AARE => Self::Aare(Aare::decode(&mut reader)?),
            tag::RLRQ => Self::Rlrq(Release::decode(&mut reader)?),
            tag::RLRE => Self::Rlre(Release::decode(&mut reader)?),
            tag::DATA_NOTIFICATION => Self::DataNotification(DataNotification::decode(&mut reader)?),
            tag::EXCEPTION_RESPONSE => Self::ExceptionResponse(ExceptionResponse::decode(&mut reader)?),
            tag::CONFIRMED_SERVICE_ERROR => Self::ConfirmedServiceError(ConfirmedServiceError::decode(&mut reader)?),
            tag::ACCESS_REQUEST => Self::AccessRequest(AccessRequest::decode(&mut reader)?),
            tag::ACCESS_RESPONSE => Self::AccessResponse(AccessResponse::decode(&mut reader)?),
            tag::GENERAL_BLOCK_TRANSFER => Self::GeneralBlock(GeneralBlock::decode(&mut reader)?),
            tag::DATA_NOTIFICATION_CONFIRM => {
                Self::DataNotificationConfirm(DataNotificationConfirm::decode(&mut reader)?)
            }
            tag::EVENT_NOTIFICATION => Self::EventNotification(EventNotification::decode(&mut reader)?),
            tag::READ_REQUEST => Self::ReadRequest(ReadRequest::decode(&mut reader)?),
            tag::READ_RESPONSE => Self::ReadResponse(ReadResponse::decode(&mut reader)?),
            tag::WRITE_REQUEST => Self::WriteRequest(WriteRequest::decode(&mut reader)?),
            tag::WRITE_RESPONSE => Self::WriteResponse(WriteResponse::decode(&mut reader)?),
            tag::UNCONFIRMED_WRITE_REQUEST => Self::UnconfirmedWriteRequest(WriteRequest::decode(&mut reader)?),
            tag::INFORMATION_REPORT => Self::InformationReport(InformationReport::decode(&mut reader)?),
            tag => return Err(DecodeError::UnknownTag { what: "message", tag }),
        };
        reader.finish()?;
        Ok(apdu)
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Aarq(apdu) => apdu.encode(out),
            Self::Aare(apdu) => apdu.encode(out),
            Self::Rlrq(apdu) => apdu.encode(tag::RLRQ, out),
            Self::Rlre(apdu) => apdu.encode(tag::RLRE, out),
            Self::GetRequest(apdu) => apdu.encode(out),
            Self::GetResponse(apdu) => apdu.encode(out),
            Self::SetRequest(apdu) => apdu.encode(out),
            Self::SetResponse(apdu) => apdu.encode(out),
            Self::ActionRequest(apdu) => apdu.encode(out),
            Self::ActionResponse(apdu) => apdu.encode(out),
            Self::DataNotification(apdu) => apdu.encode(out),
            Self::ExceptionResponse(apdu) => apdu.encode(out),
            Self::ConfirmedServiceError(apdu) => apdu.encode(out),
            Self::AccessRequest(apdu) => apdu.encode(out),
            Self::AccessResponse(apdu) => apdu.encode(out),
            Self::GeneralBlock(apdu) => apdu.encode(out),
            Self::DataNotificationConfirm(apdu) => apdu.encode(out),
            Self::EventNotification(apdu) => apdu.encode(out),
            Self::ReadRequest(apdu) => apdu.encode(out),
            Self::ReadResponse(apdu) => apdu.encode(out),
            Self::WriteRequest(apdu) => apdu.encode(tag::WRITE_REQUEST, out),
            Self::WriteResponse(apdu) => apdu.encode(out),
            Self::UnconfirmedWriteRequest(apdu) => apdu.encode(tag::UNCONFIRMED_WRITE_REQUEST, out),
            Self::InformationReport(apdu) => apdu.encode(out),
        }
    }
}

/// The message asks something of a server (a client gets answers and notifications).
#[must_use]
pub const fn is_request(tag: u8) -> bool {
    matches!(
        tag,
        tag::AARQ
            | tag::RLRQ
            | tag::GET_REQUEST
            | tag::SET_REQUEST
            | tag::ACTION_REQUEST
            // Read, Write, UnconfirmedWrite, ciphered and general forms that this server answers with an exception.
            | 0x05 | 0x06 | 0x16 | 0x21 | 0x25 | 0x26 | 0x36 | 0x45 | 0x46 | 0x56
            | 0xC8 | 0xC9 | 0xCB | 0xD0 | 0xD1 | 0xD3 | 0xD9 | 0xDB | 0xDC | 0xDD | 0xDF | 0xE0
    )
}

/// The message is a protected (glo-, ded- or general-) form.
#[must_use]
pub const fn is_protected(tag: u8) -> bool {
    matches!(
        tag,
        0x21 | 0x25..=0x28 | 0x2C..=0x2E | 0x36 | 0x38 | 0x41 | 0x45..=0x48 | 0x4C..=0x4E | 0x56 | 0x58
            | 0xC8..=0xD7 | 0xDB..=0xDD | 0xDF
    )
}
