//! Release request and response.

use crate::apdu::ber::{self, OCTET_STRING, put, put_nested};
use crate::error::DecodeError;
use crate::wire::Reader;

/// Release request or response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release<'a> {
    /// 0 normal, 1 urgent or not finished, 30 user defined.
    pub reason: Option<u8>,
    /// As in the AARQ, where ciphering demands it.
    pub user_information: Option<&'a [u8]>,
}

impl<'a> Release<'a> {
    /// Normal release.
    pub const NORMAL: Self = Self { reason: Some(0), user_information: None };

    pub(in crate::apdu) fn decode(outer: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(outer.octets()?);
        let mut release = Self { reason: None, user_information: None };
        while !reader.is_empty() {
            match ber::element(&mut reader)? {
                (0x80, [reason]) => release.reason = Some(*reason),
                (0xBE, content) => {
                    release.user_information = Some(ber::only(content, OCTET_STRING, "user information")?);
                }
                (tag, _) => return Err(DecodeError::UnknownTag { what: "release field", tag }),
            }
        }
        Ok(release)
    }

    pub(in crate::apdu) fn encode(&self, tag: u8, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        if let Some(reason) = self.reason {
            put(&mut body, 0x80, &[reason]);
        }
        if let Some(information) = self.user_information {
            put_nested(&mut body, 0xBE, OCTET_STRING, information);
        }
        put(out, tag, &body);
    }
}
