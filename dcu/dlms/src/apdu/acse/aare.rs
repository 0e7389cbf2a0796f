//! The association response.

use std::fmt;

use super::fields::{
    ARC_CONTEXT, ARC_MECHANISM, CHARSTRING, Hidden, oid, oid_content, put_authentication, put_context, requirement,
};
use super::refusal::diagnostic;
use super::{ApplicationContext, AssociationRefusal, AssociationResult, Diagnostic, Mechanism};
use crate::apdu::ber::{self, OCTET_STRING, put, put_nested};
use crate::apdu::tag;
use crate::error::DecodeError;
use crate::wire::Reader;

/// Association response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Aare<'a> {
    /// Naming and ciphering.
    pub context: ApplicationContext,
    /// Accepted or not.
    pub result: AssociationResult,
    /// Why.
    pub diagnostic: Diagnostic,
    /// The server's system title.
    pub responding_title: Option<&'a [u8]>,
    /// The server's certificate.
    pub responding_certificate: Option<&'a [u8]>,
    /// The authentication functional unit is in use.
    pub authenticates: bool,
    /// How.
    pub mechanism: Option<Mechanism>,
    /// The server's challenge.
    pub authentication_value: Option<&'a [u8]>,
    /// InitiateResponse or ConfirmedServiceError, perhaps protected.
    pub user_information: Option<&'a [u8]>,
}

impl<'a> Aare<'a> {
    /// An answer by logical names, no authentication fields.
    #[must_use]
    pub const fn new(result: AssociationResult, diagnostic: Diagnostic, user_information: Option<&'a [u8]>) -> Self {
        Self {
            context: ApplicationContext::Ln,
            result,
            diagnostic,
            responding_title: None,
            responding_certificate: None,
            authenticates: false,
            mechanism: None,
            authentication_value: None,
            user_information,
        }
    }

    /// The refusal, unless accepted.
    #[must_use]
    pub fn refusal(&self) -> Option<AssociationRefusal> {
        (self.result != AssociationResult::Accepted)
            .then_some(AssociationRefusal { result: self.result, diagnostic: self.diagnostic })
    }

    pub(in crate::apdu) fn decode(outer: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(outer.octets()?);
        let mut aare = Self::new(AssociationResult::Unknown(0xFF), Diagnostic::NONE, None);
        let (mut context, mut result) = (None, None);
        while !reader.is_empty() {
            let (tag, content) = ber::element(&mut reader)?;
            match tag {
                0xA1 => context = Some(ApplicationContext::from_number(oid_content(content, ARC_CONTEXT)?)),
                0xA2 => {
                    result = Some(match ber::small_integer(content, "association result")? {
                        0 => AssociationResult::Accepted,
                        1 => AssociationResult::RejectedPermanent,
                        2 => AssociationResult::RejectedTransient,
                        other => AssociationResult::Unknown(other),
                    });
                }
                0xA3 => aare.diagnostic = diagnostic(content)?,
                0xA4 => aare.responding_title = Some(ber::only(content, OCTET_STRING, "responding title")?),
                0xA5 => aare.responding_certificate = Some(ber::only(content, OCTET_STRING, "responding certificate")?),
                0x88 => aare.authenticates = requirement(content),
                0x89 => aare.mechanism = Some(Mechanism::from_number(oid(content, ARC_MECHANISM)?)),
                0xAA => aare.authentication_value = Some(ber::only(content, CHARSTRING, "authentication value")?),
                0xBE => aare.user_information = Some(ber::only(content, OCTET_STRING, "user information")?),
                0x80 | 0xA6 | 0xA7 | 0xBD => {}
                tag => return Err(DecodeError::UnknownTag { what: "AARE field", tag }),
            }
        }
        aare.context = context.ok_or(DecodeError::OutOfRange("AARE without application context"))?;
        aare.result = result.ok_or(DecodeError::OutOfRange("AARE without result"))?;
        Ok(aare)
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(96);
        put_context(&mut body, self.context);
        let result = match self.result {
            AssociationResult::Accepted => 0,
            AssociationResult::RejectedPermanent => 1,
            AssociationResult::RejectedTransient => 2,
            AssociationResult::Unknown(code) => code,
        };
        put_nested(&mut body, 0xA2, ber::INTEGER, &[result]);
        let (source, code) = match self.diagnostic {
            Diagnostic::User(code) => (0xA1, code),
            Diagnostic::Provider(code) => (0xA2, code),
        };
        put_nested(&mut body, 0xA3, source, &[ber::INTEGER, 1, code]);
        if let Some(title) = self.responding_title {
            put_nested(&mut body, 0xA4, OCTET_STRING, title);
        }
        if let Some(certificate) = self.responding_certificate {
            put_nested(&mut body, 0xA5, OCTET_STRING, certificate);
        }
        put_authentication(
            &mut body,
            [0x88, 0x89, 0xAA],
            self.authenticates,
            self.mechanism,
            self.authentication_value,
        );
        if let Some(information) = self.user_information {
            put_nested(&mut body, 0xBE, OCTET_STRING, information);
        }
        put(out, tag::AARE, &body);
    }
}

impl fmt::Debug for Aare<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aare")
            .field("context", &self.context)
            .field("result", &self.result)
            .field("diagnostic", &self.diagnostic)
            .field("mechanism", &self.mechanism)
            .field("responding_title", &self.responding_title)
            .field("authentication_value", &Hidden(self.authentication_value))
            .finish_non_exhaustive()
    }
}
