//! Fields that AARQ and AARE share.

use std::fmt;

use super::{ApplicationContext, Mechanism};
use crate::apdu::ber::{self, OBJECT_IDENTIFIER, put, put_nested};
use crate::error::DecodeError;

/// {joint-iso-ccitt(2) country(16) country-name(756) identified-organization(5) DLMS-UA(8)}.
const DLMS_UA: [u8; 5] = [0x60, 0x85, 0x74, 0x05, 0x08];
pub(super) const ARC_CONTEXT: u8 = 1;
pub(super) const ARC_MECHANISM: u8 = 2;
/// ACSE requirements: the authentication functional unit.
const REQUIRES_AUTHENTICATION: [u8; 2] = [0x07, 0x80];
/// Authentication value as GraphicString, the only form in use.
pub(super) const CHARSTRING: u8 = 0x80;

pub(super) fn requirement(content: &[u8]) -> bool {
    content.get(1).is_some_and(|bits| bits & 0x80 != 0)
}

/// The last arc of a DLMS-UA object identifier under `arc`.
pub(super) fn oid(content: &[u8], arc: u8) -> Result<u8, DecodeError> {
    match content.strip_prefix(&DLMS_UA) {
        Some([found, number]) if *found == arc => Ok(*number),
        _ => Err(DecodeError::OutOfRange("object identifier")),
    }
}

pub(super) fn oid_content(content: &[u8], arc: u8) -> Result<u8, DecodeError> {
    oid(ber::only(content, OBJECT_IDENTIFIER, "object identifier")?, arc)
}

const fn oid_bytes(arc: u8, number: u8) -> [u8; 7] {
    let [a, b, c, d, e] = DLMS_UA;
    [a, b, c, d, e, arc, number]
}

pub(super) fn put_context(out: &mut Vec<u8>, context: ApplicationContext) {
    put_nested(out, 0xA1, OBJECT_IDENTIFIER, &oid_bytes(ARC_CONTEXT, context.number()));
}

pub(super) fn put_authentication(
    out: &mut Vec<u8>,
    [requirements, name, value_tag]: [u8; 3],
    authenticates: bool,
    mechanism: Option<Mechanism>,
    value: Option<&[u8]>,
) {
    if authenticates {
        put(out, requirements, &REQUIRES_AUTHENTICATION);
    }
    if let Some(mechanism) = mechanism {
        put(out, name, &oid_bytes(ARC_MECHANISM, mechanism.number()));
    }
    if let Some(value) = value {
        put_nested(out, value_tag, CHARSTRING, value);
    }
}

/// The authentication value may be a password: only its length is shown.
pub(super) struct Hidden<'a>(pub(super) Option<&'a [u8]>);

impl fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "<{} bytes>", bytes.len()),
            None => f.write_str("none"),
        }
    }
}
