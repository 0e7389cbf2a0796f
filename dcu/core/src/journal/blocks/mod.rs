//! Runs of records in few bytes: what a store keeps together.
//!
//! A block is the number of its format, a check over what follows, and its records:
//!
//! ```text
//!   plain │ CRC-32C, 4 bytes, lowest first │ records in Postcard …                              fewer than 8 records
//!   coded │ CRC-32C, 4 bytes, lowest first │ how many (varint) │ raw bytes (varint) │ raw … │ coded answers …
//! ```
//!
//! Few records have nothing to be coded against and are written down as they are, one after another.
//!
//! In a coded block readings, live and back-filled, are coded field by field against what came before in the block: numbers count on,
//! clocks run on, a meter's register goes up a little. Every other record is Postcard in the raw bytes, its number and its
//! stamp coded. A block stands for itself: a lost neighbour takes nothing of it along.
//!
//! The check finds a damaged block ([RFC 3720] B.4's polynomial, as in iSCSI and ext4). Besides, there is one way to write a
//! block. [`unpack`] writes what it has read once more and refuses what differs, so bytes
//! that nobody packed are never taken for records. Its memory is bounded by [`RECORDS_MAX`], [`ROWS_MAX`] and the length
//! of the bytes, whatever they claim.
//!
//! [RFC 3720]: https://www.rfc-editor.org/rfc/rfc3720

mod coder;
mod model;

use self::{
    coder::{Decoder, Encoder},
    model::{Kind, Model},
};
use super::{Entry, Record, bytes::BytesError, crc::crc32c};
use crate::{ids::Stamp, uplink::wire::put_u64};

/// First byte of a plain block.
const PLAIN: u8 = 5;
/// First byte of a coded block.
const CODED: u8 = 6;
/// Records from which on a block is coded.
const CODED_FROM: usize = 8;
/// Most records in a block.
pub const RECORDS_MAX: usize = 8192;
/// Most rows of load profiles in a block, over all its records.
pub const ROWS_MAX: usize = 65_536;

/// The block of these records.
///
/// # Errors
/// [`BytesError::Unwritable`]: more records than [`RECORDS_MAX`], more rows than [`ROWS_MAX`], or a record that cannot be
/// written. Nothing else fails: numbers and stamps may be any.
pub fn pack(records: &[Record]) -> Result<Vec<u8>, BytesError> {
    let rows = records.iter().map(|record| match &record.entry {
        Entry::Backfilled { found, .. } => found.len(),
        _ => 0,
    });
    if records.len() > RECORDS_MAX || rows.sum::<usize>() > ROWS_MAX {
        return Err(BytesError::Unwritable);
    }
    if records.len() < CODED_FROM {
        let mut body = Vec::new();
        for record in records {
            body.append(&mut postcard::to_stdvec(record).map_err(|_| BytesError::Unwritable)?);
        }
        return Ok(sealed(PLAIN, body));
    }
    let mut raw = Vec::new();
    let mut encoder = Encoder::new();
    let mut model = Model::default();
    for record in records {
        model.head(&mut encoder, record.number, &record.stamp);
        match &record.entry {
            Entry::Reading(reading) => {
                model.kind(&mut encoder, Kind::Reading);
                model.reading(&mut encoder, reading);
            }
            Entry::Backfilled { meter, from, to, found } => {
                model.kind(&mut encoder, Kind::Backfilled);
                model.asked(&mut encoder, *meter, (*from, *to), found.len());
                for row in found {
                    model.row(&mut encoder, row);
                }
            }
            other => {
                model.kind(&mut encoder, Kind::Other);
                let bytes = postcard::to_stdvec(other).map_err(|_| BytesError::Unwritable)?;
                raw.extend_from_slice(&bytes);
            }
        }
    }
    let mut body = Vec::new();
    put_u64(&mut body, records.len() as u64);
    put_u64(&mut body, raw.len() as u64);
    body.append(&mut raw);
    body.append(&mut encoder.finish());
    Ok(sealed(CODED, body))
}

fn sealed(format: u8, mut body: Vec<u8>) -> Vec<u8> {
    let mut block = Vec::with_capacity(body.len().saturating_add(5));
    block.push(format);
    block.extend_from_slice(&crc32c(&body).to_le_bytes());
    block.append(&mut body);
    block
}

/// The records of a block, in their order.
///
/// # Errors
/// [`BytesError`]: nothing of the block is used.
pub fn unpack(block: &[u8]) -> Result<Vec<Record>, BytesError> {
    let (&format, rest) = block.split_first().ok_or(BytesError::Malformed)?;
    if !matches!(format, PLAIN | CODED) {
        return Err(BytesError::Version(format));
    }
    let (check, body) = rest.split_first_chunk::<4>().ok_or(BytesError::Malformed)?;
    if crc32c(body) != u32::from_le_bytes(*check) {
        return Err(BytesError::Damaged);
    }
    let records = if format == PLAIN { plain(body)? } else { coded(body)? };
    // Also finds raw bytes that are left over, numbers that do not fit their fields, and the wrong format for so many.
    if pack(&records)? == block { Ok(records) } else { Err(BytesError::Malformed) }
}

fn plain(mut body: &[u8]) -> Result<Vec<Record>, BytesError> {
    let mut records = Vec::new();
    while !body.is_empty() && records.len() < CODED_FROM {
        let (record, left) = postcard::take_from_bytes(body).map_err(|_| BytesError::Malformed)?;
        records.push(record);
        body = left;
    }
    Ok(records)
}

fn coded(body: &[u8]) -> Result<Vec<Record>, BytesError> {
    let (count, rest) = take_varint(body)?;
    let (raw_len, rest) = take_varint(rest)?;
    let (mut raw, coded) = rest.split_at_checked(raw_len).ok_or(BytesError::Malformed)?;
    if count > RECORDS_MAX {
        return Err(BytesError::Malformed);
    }
    let mut records = Vec::new();
    let mut decoder = Decoder::new(coded);
    let mut model = Model::default();
    let mut rows_left = ROWS_MAX;
    for _ in 0..count {
        let (number, stamp) = model.head(&mut decoder, 0, &Stamp::default());
        let entry = match model.kind(&mut decoder, Kind::Other) {
            Kind::Reading => Entry::Reading(model.reading(&mut decoder, &model::NO_READING)),
            Kind::Backfilled => {
                let (meter, (from, to), rows) = model.asked(&mut decoder, model::NO_READING.meter, (0, 0), 0);
                rows_left = rows_left.checked_sub(rows).ok_or(BytesError::Malformed)?;
                let found = (0..rows).map(|_| model.row(&mut decoder, &model::NO_READING)).collect();
                Entry::Backfilled { meter, from, to, found }
            }
            Kind::Other => {
                let (entry, left) = postcard::take_from_bytes(raw).map_err(|_| BytesError::Malformed)?;
                raw = left;
                entry
            }
        };
        records.push(Record { number, stamp, entry });
    }
    Ok(records)
}

fn take_varint(bytes: &[u8]) -> Result<(usize, &[u8]), BytesError> {
    let (number, left): (u32, _) = postcard::take_from_bytes(bytes).map_err(|_| BytesError::Malformed)?;
    Ok((usize::try_from(number).map_err(|_| BytesError::Malformed)?, left))
}

#[cfg(test)]
mod tests;
