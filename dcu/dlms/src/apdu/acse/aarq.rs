//! The association request.

use std::fmt;

use super::fields::{
    ARC_CONTEXT, ARC_MECHANISM, CHARSTRING, Hidden, oid, oid_content, put_authentication, put_context, requirement,
};
use super::{ApplicationContext, Mechanism};
use crate::apdu::ber::{self, OCTET_STRING, put, put_nested};
use crate::apdu::tag;
use crate::error::DecodeError;
use crate::wire::Reader;

/// Association request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Aarq<'a> {
    /// Naming and ciphering.
    pub context: ApplicationContext,
    /// The client's system title.
    pub calling_title: Option<&'a [u8]>,
    /// The client's certificate.
    pub calling_certificate: Option<&'a [u8]>,
    /// The client's user within it.
    pub calling_user: Option<u8>,
    /// The authentication functional unit is asked for.
    pub authenticates: bool,
    /// How; absent means lowest.
    pub mechanism: Option<Mechanism>,
    /// Password or challenge.
    pub authentication_value: Option<&'a [u8]>,
    /// InitiateRequest, perhaps protected.
    pub user_information: Option<&'a [u8]>,
}

impl<'a> Aarq<'a> {
    /// A request by logical names without authentication.
    #[must_use]
    pub const fn new(user_information: &'a [u8]) -> Self {
        Self {
            context: ApplicationContext::Ln,
            calling_title: None,
            calling_certificate: None,
            calling_user: None,
            authenticates: false,
            mechanism: None,
            authentication_value: None,
            user_information: Some(user_information),
        }
    }

    pub(in crate::apdu) fn decode(outer: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(outer.octets()?);
        let mut aarq = Self {
            context: ApplicationContext::Unknown(0),
            calling_title: None,
            calling_certificate: None,
            calling_user: None,
            authenticates: false,
            mechanism: None,
            authentication_value: None,
            user_information: None,
        };
        let mut context = None;
        while !reader.is_empty() {
            let (tag, content) = ber::element(&mut reader)?;
            match tag {
                0xA1 => context = Some(ApplicationContext::from_number(oid_content(content, ARC_CONTEXT)?)),
                0xA6 => aarq.calling_title = Some(ber::only(content, OCTET_STRING, "calling title")?),
                0xA7 => aarq.calling_certificate = Some(ber::only(content, OCTET_STRING, "calling certificate")?),
                0xA9 => aarq.calling_user = Some(ber::small_integer(content, "calling user")?),
                0x8A => aarq.authenticates = requirement(content),
                0x8B => aarq.mechanism = Some(Mechanism::from_number(oid(content, ARC_MECHANISM)?)),
                0xAC => aarq.authentication_value = Some(ber::only(content, CHARSTRING, "authentication value")?),
                0xBE => aarq.user_information = Some(ber::only(content, OCTET_STRING, "user information")?),
                // Protocol version, called titles and the like: no meaning in DLMS.
                0x80 | 0xA2..=0xA5 | 0xA8 | 0xBD => {}
                tag => return Err(DecodeError::UnknownTag { what: "AARQ field", tag }),
            }
        }
        aarq.context = context.ok_or(DecodeError::OutOfRange("AARQ without application context"))?;
        Ok(aarq)
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(96);
        put_context(&mut body, self.context);
        if let Some(title) = self.calling_title {
            put_nested(&mut body, 0xA6, OCTET_STRING, title);
        }
        if let Some(certificate) = self.calling_certificate {
            put_nested(&mut body, 0xA7, OCTET_STRING, certificate);
        }
        if let Some(user) = self.calling_user {
            put_nested(&mut body, 0xA9, ber::INTEGER, &[user]);
        }
        put_authentication(
            &mut body,
            [0x8A, 0x8B, 0xAC],
            self.authenticates,
            self.mechanism,
            self.authentication_value,
        );
        if let Some(information) = self.user_information {
            put_nested(&mut body, 0xBE, OCTET_STRING, information);
        }
        put(out, tag::AARQ, &body);
    }
}

impl fmt::Debug for Aarq<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aarq")
            .field("context", &self.context)
            .field("mechanism", &self.mechanism)
            .field("calling_title", &self.calling_title)
            .field("authentication_value", &Hidden(self.authentication_value))
            .finish_non_exhaustive()
    }
}
