//! Records as bytes, and back.
//!
//! A record is the number of the format's version, then its fields in order as Postcard writes them (wire format 1.0):
//! integers as base-128 varints, signed ones zigzag-coded, texts and lists behind their length, a variant by its place.
//! There is one way to write a record. What is not exactly a record is refused whole: nothing of it is used.

use super::Record;

/// Version of the format. A change to any type within [`Record`] that is not a new variant at the end takes a new one.
pub const VERSION: u8 = 3;

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BytesError {
    /// Written by another version of this program.
    #[error("version {0} of the record format; this program reads {VERSION}")]
    Version(u8),
    /// The bytes end early, or say what no record says.
    #[error("not a record")]
    Malformed,
    /// A record, and more behind it.
    #[error("{0} bytes too many behind the record")]
    Trailing(usize),
    /// The check over a block does not fit: the medium has lost or changed something of it.
    #[error("the bytes were damaged")]
    Damaged,
    /// The record cannot be written (longer than memory allows).
    #[error("the record cannot be written")]
    Unwritable,
}

/// Appends the record to the buffer.
///
/// # Errors
/// [`BytesError::Unwritable`]; the buffer is as before.
pub fn encode(record: &Record, out: &mut Vec<u8>) -> Result<(), BytesError> {
    let bytes = postcard::to_stdvec(record).map_err(|_| BytesError::Unwritable)?;
    out.push(VERSION);
    out.extend_from_slice(&bytes);
    Ok(())
}

/// The record that these bytes are.
///
/// # Errors
/// [`BytesError`].
pub fn decode(bytes: &[u8]) -> Result<Record, BytesError> {
    let (&version, body) = bytes.split_first().ok_or(BytesError::Malformed)?;
    if version != VERSION {
        return Err(BytesError::Version(version));
    }
    let (record, left) = postcard::take_from_bytes(body).map_err(|_| BytesError::Malformed)?;
    if left.is_empty() { Ok(record) } else { Err(BytesError::Trailing(left.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MeterIx, ids::Stamp, journal::Entry, relay::Relay};

    fn record() -> Record {
        let entry = Entry::RelaySeen { meter: MeterIx(300), relay: Relay::Closed, order: Some(7) };
        Record { number: 129, stamp: Stamp { boot: 2, monotonic_ns: 1, unix_ms: Some(-1) }, entry }
    }

    #[test]
    fn a_record_survives_and_nothing_else_passes() {
        let mut bytes = Vec::new();
        encode(&record(), &mut bytes).unwrap();
        assert_eq!(decode(&bytes), Ok(record()));
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        bytes.push(0);
        assert_eq!(decode(&bytes), Err(BytesError::Trailing(1)));
        bytes[0] = 9;
        assert_eq!(decode(&bytes), Err(BytesError::Version(9)));
    }
}
