//! What a meter sends unasked: DataNotification (push) with its confirmation (Green Book 9.3.10), EventNotification
//! (9.3.11).

use super::{AttributeRef, tag};
use crate::axdr::{DateTime, skip};
use crate::error::DecodeError;
use crate::wire::{Reader, put_octets};

/// A pushed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataNotification<'a> {
    /// Long-invoke-id-and-priority: 24 bits of number, then flags in the top byte ([`super::LongInvokeId`]).
    pub long_invoke_id: u32,
    /// When it was made, if the meter says so.
    pub date_time: Option<DateTime>,
    /// One encoded value.
    pub body: &'a [u8],
}

/// A pushed message has arrived; it carries the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataNotificationConfirm {
    /// That of the notification.
    pub long_invoke_id: u32,
    /// When it was made, if known.
    pub date_time: Option<DateTime>,
}

/// One attribute that a meter reports without a push set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventNotification<'a> {
    /// When it happened, if the meter says so.
    pub time: Option<DateTime>,
    /// Which attribute.
    pub attribute: AttributeRef,
    /// Its encoded value.
    pub value: &'a [u8],
}

impl<'a> DataNotification<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { long_invoke_id: reader.u32()?, date_time: stamp(reader)?, body: skip(reader)? })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(tag::DATA_NOTIFICATION);
        out.extend_from_slice(&self.long_invoke_id.to_be_bytes());
        put_stamp(self.date_time, out);
        out.extend_from_slice(self.body);
    }

    /// The meter waits for a confirmation (service class of the long-invoke-id).
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        super::LongInvokeId(self.long_invoke_id).is_confirmed()
    }

    /// Its confirmation, without a time.
    #[must_use]
    pub const fn confirm(&self) -> DataNotificationConfirm {
        DataNotificationConfirm { long_invoke_id: self.long_invoke_id, date_time: None }
    }
}

impl DataNotificationConfirm {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { long_invoke_id: reader.u32()?, date_time: stamp(reader)? })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(tag::DATA_NOTIFICATION_CONFIRM);
        out.extend_from_slice(&self.long_invoke_id.to_be_bytes());
        put_stamp(self.date_time, out);
    }
}

impl<'a> EventNotification<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            time: if reader.present()? { stamp(reader)? } else { None },
            attribute: AttributeRef::decode(reader)?,
            value: skip(reader)?,
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(tag::EVENT_NOTIFICATION);
        out.push(u8::from(self.time.is_some()));
        if self.time.is_some() {
            put_stamp(self.time, out);
        }
        self.attribute.encode(out);
        out.extend_from_slice(self.value);
    }
}

/// An octet string of no bytes, or of the 12 of a date-time.
fn stamp(reader: &mut Reader<'_>) -> Result<Option<DateTime>, DecodeError> {
    let octets = reader.octets()?;
    if octets.is_empty() {
        return Ok(None);
    }
    let octets = octets.try_into().map_err(|_| DecodeError::OutOfRange("date-time of the notification"))?;
    DateTime::from_octets(octets).map(Some)
}

fn put_stamp(stamp: Option<DateTime>, out: &mut Vec<u8>) {
    match stamp {
        Some(stamp) => put_octets(out, &stamp.to_octets()),
        None => out.push(0),
    }
}
