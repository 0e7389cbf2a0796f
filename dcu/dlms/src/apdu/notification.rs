//! DataNotification: what a meter pushes unasked (Green Book 9.3.10).

use super::tag;
use crate::axdr::{DateTime, skip};
use crate::error::DecodeError;
use crate::wire::{Reader, put_octets};

/// A pushed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataNotification<'a> {
    /// Long-invoke-id-and-priority: 24 bits of number, then flags in the top byte.
    pub long_invoke_id: u32,
    /// When it was made, if the meter says so.
    pub date_time: Option<DateTime>,
    /// One encoded value.
    pub body: &'a [u8],
}

impl<'a> DataNotification<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let long_invoke_id = reader.u32()?;
        let stamp = reader.octets()?;
        let date_time = match stamp.len() {
            0 => None,
            _ => Some(DateTime::from_octets(
                stamp.try_into().map_err(|_| DecodeError::OutOfRange("date-time of the notification"))?,
            )?),
        };
        Ok(Self { long_invoke_id, date_time, body: skip(reader)? })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(tag::DATA_NOTIFICATION);
        out.extend_from_slice(&self.long_invoke_id.to_be_bytes());
        match self.date_time {
            Some(stamp) => put_octets(out, &stamp.to_octets()),
            None => out.push(0),
        }
        out.extend_from_slice(self.body);
    }
}
