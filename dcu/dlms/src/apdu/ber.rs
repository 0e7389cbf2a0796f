//! The little of BER (X.690) that ACSE needs: tag, length, content, nested.

use crate::error::DecodeError;
use crate::wire::{Reader, put_length};

pub(in crate::apdu) const INTEGER: u8 = 0x02;
pub(in crate::apdu) const OCTET_STRING: u8 = 0x04;
pub(in crate::apdu) const OBJECT_IDENTIFIER: u8 = 0x06;

/// The next element: its tag and content.
pub(in crate::apdu) fn element<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), DecodeError> {
    let tag = reader.u8()?;
    Ok((tag, reader.octets()?))
}

/// The content is one element of that tag; its content.
pub(in crate::apdu) fn only<'a>(content: &'a [u8], tag: u8, what: &'static str) -> Result<&'a [u8], DecodeError> {
    let mut reader = Reader::new(content);
    let (found, inner) = element(&mut reader)?;
    reader.finish()?;
    if found == tag { Ok(inner) } else { Err(DecodeError::UnknownTag { what, tag: found }) }
}

/// A small non-negative INTEGER.
pub(in crate::apdu) fn small_integer(content: &[u8], what: &'static str) -> Result<u8, DecodeError> {
    match only(content, INTEGER, what)? {
        [value] => Ok(*value),
        _ => Err(DecodeError::OutOfRange(what)),
    }
}

/// Appends an element.
pub(in crate::apdu) fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    put_length(out, content.len());
    out.extend_from_slice(content);
}

/// Appends an element whose content is one element.
pub(in crate::apdu) fn put_nested(out: &mut Vec<u8>, outer: u8, inner: u8, content: &[u8]) {
    out.push(outer);
    let inner_length = 1_usize.saturating_add(crate::wire::length_width(content.len())).saturating_add(content.len());
    put_length(out, inner_length);
    put(out, inner, content);
}
