//! Bytes: varints, zigzag, texts, and the frame around them.

use super::{NOTE_BYTES_MAX, VERSION};
use crate::payment::{Certainty, Channel, Currency, NAME_BYTES_MAX, Payment, Provider, Receipt};

/// Bytes of version, kind and length.
const HEAD_BYTES: usize = 4;

/// A payment's kind is one byte: two bits of channel, two flags, four bits of provider.
const CHANNEL_MASK: u8 = 3;
const CURRENCY_KNOWN: u8 = 4;
const PROVISIONAL: u8 = 8;
const PROVIDER_SHIFT: u32 = 4;
/// In the provider's place: provider and certainty of a receipt's number stand in the next byte, the number comes last.
const NAMED_TWICE: u8 = 15;
/// Of that byte: the provider itself names the receipt.
const RECEIPT_CERTAIN: u8 = 0x80;

/// Why a frame was refused. The sender (or the line) is at fault; nothing of the frame was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Shorter than its head or its fields.
    #[error("the frame ends too early")]
    Truncated,
    /// Another format version.
    #[error("frame version {0}, this end speaks {VERSION}")]
    Version(u8),
    /// No such message.
    #[error("unknown message kind {0}")]
    Kind(u8),
    /// The length field disagrees with the bytes.
    #[error("the length field disagrees with the frame")]
    Length,
    /// A field holds what it may not hold.
    #[error("field {0} is out of range")]
    Field(&'static str),
    /// Bytes are left after the last field.
    #[error("bytes are left after the last field")]
    Trailing,
}

/// Starts a frame in `out`; [`finish`] fills in the length.
pub(crate) fn begin(out: &mut Vec<u8>, kind: u8, sequence: u64) -> usize {
    let start = out.len();
    out.extend_from_slice(&[VERSION, kind, 0, 0]);
    put_u64(out, sequence);
    start
}

/// Ends the frame that started at `start`.
pub(crate) fn finish(out: &mut [u8], start: usize) {
    let length = out.len().saturating_sub(start).saturating_sub(HEAD_BYTES);
    let bytes = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(field) = out.get_mut(start.saturating_add(2)..start.saturating_add(HEAD_BYTES)) {
        field.copy_from_slice(&bytes);
    }
}

/// Checks the head; gives kind and a reader over the rest.
pub(crate) fn open(frame: &[u8]) -> Result<(u8, Reader<'_>), DecodeError> {
    let (head, rest) = frame.split_at_checked(HEAD_BYTES).ok_or(DecodeError::Truncated)?;
    let &[version, kind, high, low] = head else { return Err(DecodeError::Truncated) };
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    if usize::from(u16::from_be_bytes([high, low])) != rest.len() {
        return Err(DecodeError::Length);
    }
    Ok((kind, Reader { rest }))
}

pub(crate) fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, ((value << 1) ^ (value >> 63)) as u64);
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..NAME_BYTES_MAX).unwrap_or(bytes);
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A text of at most so many bytes; nobody makes a longer one.
pub(crate) fn put_long(out: &mut Vec<u8>, text: &str, bytes_max: usize) {
    let text = if text.len() > bytes_max { "" } else { text };
    put_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A signed note. One that is longer is left out: half of it would be none.
pub(crate) fn put_note(out: &mut Vec<u8>, note: &str) {
    put_long(out, note, NOTE_BYTES_MAX);
}

pub(crate) fn put_payment(out: &mut Vec<u8>, payment: &Payment) {
    put_text(out, &payment.key);
    put_text(out, &payment.account);
    put_i64(out, payment.amount_minor);
    let currency = if payment.currency.is_some() { CURRENCY_KNOWN } else { 0 };
    let provisional = if payment.certainty == Certainty::Provisional { PROVISIONAL } else { 0 };
    let provider = if payment.receipt.is_some() { NAMED_TWICE } else { payment.provider as u8 };
    out.push(payment.channel as u8 | currency | provisional | (provider << PROVIDER_SHIFT));
    if let Some(receipt) = &payment.receipt {
        out.push(payment.provider as u8 | if receipt.certain { RECEIPT_CERTAIN } else { 0 });
    }
    put_i64(out, payment.accepted_unix_ms);
    if let Some(currency) = payment.currency {
        put_text(out, currency.code());
    }
    if let Some(receipt) = &payment.receipt {
        put_text(out, &receipt.number);
    }
}

/// Takes fields off the front.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Over fields whose head has been taken off.
    pub(crate) const fn over(fields: &'a [u8]) -> Self {
        Self { rest: fields }
    }
}

impl Reader<'_> {
    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        let (&first, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(first)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(DecodeError::Field(field));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Field(field))
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        u32::try_from(self.u64(field)?).map_err(|_| DecodeError::Field(field))
    }

    pub(crate) fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        let raw = self.u64(field)?;
        Ok(((raw >> 1) as i64) ^ ((raw & 1) as i64).wrapping_neg())
    }

    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Field(field)),
        }
    }

    pub(crate) fn text(&mut self, field: &'static str) -> Result<String, DecodeError> {
        self.text_of(field, NAME_BYTES_MAX)
    }

    pub(crate) fn note(&mut self) -> Result<String, DecodeError> {
        self.text_of("note", NOTE_BYTES_MAX)
    }

    pub(crate) fn text_of(&mut self, field: &'static str, bytes_max: usize) -> Result<String, DecodeError> {
        let length = self.u64(field)?;
        if length > bytes_max as u64 {
            return Err(DecodeError::Field(field));
        }
        let (bytes, rest) = self.rest.split_at_checked(length as usize).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| DecodeError::Field(field))
    }

    pub(crate) fn payment(&mut self) -> Result<Payment, DecodeError> {
        let (key, account, amount_minor) = (self.text("key")?, self.text("account")?, self.i64("amount")?);
        let kind = self.u8()?;
        let channel = match kind & CHANNEL_MASK {
            0 => Channel::Phone,
            1 => Channel::Agent,
            2 => Channel::Code,
            _ => Channel::Server,
        };
        let (provider, receipt) = match kind >> PROVIDER_SHIFT {
            NAMED_TWICE => {
                let byte = self.u8()?;
                (byte & !RECEIPT_CERTAIN, Some(byte & RECEIPT_CERTAIN != 0))
            }
            provider => (provider, None),
        };
        let provider = Provider::ALL.into_iter().find(|known| *known as u8 == provider);
        let certainty = if kind & PROVISIONAL == 0 { Certainty::Final } else { Certainty::Provisional };
        let payment = Payment {
            provider: provider.ok_or(DecodeError::Field("provider"))?,
            key,
            account,
            amount_minor,
            channel,
            accepted_unix_ms: self.i64("accepted")?,
            currency: match kind & CURRENCY_KNOWN {
                0 => None,
                _ => Some(Currency::new(&self.text("currency")?).ok_or(DecodeError::Field("currency"))?),
            },
            certainty,
            receipt: match receipt {
                None => None,
                Some(certain) => Some(Receipt { number: self.text("receipt")?, certain }),
            },
        };
        payment.check().map_err(|_| DecodeError::Field("payment"))?;
        Ok(payment)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}
