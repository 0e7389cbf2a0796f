//! Records of the relay as bytes: the version of the format, then the fields as Postcard writes them.

use super::Record;

/// Version of the format: 2 knows money that was handed back, 3 second names, lists that were read, what was forgotten.
pub const VERSION: u8 = 3;

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BytesError {
    /// Written by another version of this program.
    #[error("version {0} of the relay's record format; this program reads {VERSION}")]
    Version(u8),
    /// Not exactly one record.
    #[error("not a record")]
    Malformed,
}

/// Appends the record to the buffer.
///
/// # Errors
/// [`BytesError::Malformed`] for a record that memory cannot hold twice.
pub fn encode(record: &Record, out: &mut Vec<u8>) -> Result<(), BytesError> {
    let bytes = postcard::to_stdvec(record).map_err(|_| BytesError::Malformed)?;
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
    if left.is_empty() { Ok(record) } else { Err(BytesError::Malformed) }
}
