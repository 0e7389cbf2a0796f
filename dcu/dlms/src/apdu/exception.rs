//! ExceptionResponse and ConfirmedServiceError: how a server says that it cannot even begin.

use std::fmt;

use super::tag;
use crate::error::DecodeError;
use crate::wire::Reader;

/// Why in terms of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// Not allowed now: there is no association.
    ServiceNotAllowed,
    /// Not known at all.
    ServiceUnknown,
    /// A code that the standard does not define.
    Unknown(u8),
}

/// Why in terms of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// Operation not possible.
    OperationNotPossible,
    /// Service not supported.
    ServiceNotSupported,
    /// Other reason.
    OtherReason,
    /// The message is longer than agreed.
    PduTooLong,
    /// It could not be deciphered.
    Deciphering,
    /// Its invocation counter is not above the last one; the counter expected.
    InvocationCounter(u32),
    /// A code that the standard does not define.
    Unknown(u8),
}

/// The server could not process a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionResponse {
    /// In terms of state.
    pub state: StateError,
    /// In terms of the service.
    pub service: ServiceError,
}

impl ExceptionResponse {
    /// There is no association: what a meter says after it restarted.
    pub const NOT_ASSOCIATED: Self =
        Self { state: StateError::ServiceNotAllowed, service: ServiceError::OperationNotPossible };
    /// The message cannot be decoded or its service is not offered.
    pub const NOT_SUPPORTED: Self =
        Self { state: StateError::ServiceUnknown, service: ServiceError::ServiceNotSupported };

    /// The client should associate (again) and repeat.
    #[must_use]
    pub const fn means_not_associated(self) -> bool {
        matches!(self.state, StateError::ServiceNotAllowed)
            && !matches!(
                self.service,
                ServiceError::PduTooLong | ServiceError::Deciphering | ServiceError::InvocationCounter(_)
            )
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let state = match reader.u8()? {
            1 => StateError::ServiceNotAllowed,
            2 => StateError::ServiceUnknown,
            other => StateError::Unknown(other),
        };
        let service = match reader.u8()? {
            1 => ServiceError::OperationNotPossible,
            2 => ServiceError::ServiceNotSupported,
            3 => ServiceError::OtherReason,
            4 => ServiceError::PduTooLong,
            5 => ServiceError::Deciphering,
            6 => ServiceError::InvocationCounter(reader.u32()?),
            other => ServiceError::Unknown(other),
        };
        Ok(Self { state, service })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let state = match self.state {
            StateError::ServiceNotAllowed => 1,
            StateError::ServiceUnknown => 2,
            StateError::Unknown(code) => code,
        };
        let service = match self.service {
            ServiceError::OperationNotPossible => 1,
            ServiceError::ServiceNotSupported => 2,
            ServiceError::OtherReason => 3,
            ServiceError::PduTooLong => 4,
            ServiceError::Deciphering => 5,
            ServiceError::InvocationCounter(_) => 6,
            ServiceError::Unknown(code) => code,
        };
        out.extend_from_slice(&[tag::EXCEPTION_RESPONSE, state, service]);
        if let ServiceError::InvocationCounter(counter) = self.service {
            out.extend_from_slice(&counter.to_be_bytes());
        }
    }
}

impl fmt::Display for ExceptionResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            StateError::ServiceNotAllowed => f.write_str("service not allowed, ")?,
            StateError::ServiceUnknown => f.write_str("service unknown, ")?,
            StateError::Unknown(code) => write!(f, "state error {code}, ")?,
        }
        match self.service {
            ServiceError::OperationNotPossible => f.write_str("operation not possible"),
            ServiceError::ServiceNotSupported => f.write_str("service not supported"),
            ServiceError::OtherReason => f.write_str("other reason"),
            ServiceError::PduTooLong => f.write_str("message too long"),
            ServiceError::Deciphering => f.write_str("deciphering error"),
            ServiceError::InvocationCounter(counter) => write!(f, "invocation counter error, {counter} expected"),
            ServiceError::Unknown(code) => write!(f, "service error {code}"),
        }
    }
}

/// How an association request fails inside xDLMS (within the AARE), and short-name services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfirmedServiceError {
    /// Which service: 1 initiate, 5 read, 6 write.
    pub service: u8,
    /// Class of the error: 0 application reference … 6 initiate.
    pub class: u8,
    /// Its value within the class.
    pub value: u8,
}

impl ConfirmedServiceError {
    /// Initiate error: DLMS version too low.
    pub const VERSION_TOO_LOW: Self = Self { service: 1, class: 6, value: 1 };
    /// Initiate error: incompatible conformance.
    pub const INCOMPATIBLE_CONFORMANCE: Self = Self { service: 1, class: 6, value: 2 };
    /// Initiate error: PDU size too short.
    pub const PDU_TOO_SHORT: Self = Self { service: 1, class: 6, value: 3 };

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { service: reader.u8()?, class: reader.u8()?, value: reader.u8()? })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[tag::CONFIRMED_SERVICE_ERROR, self.service, self.class, self.value]);
    }
}
