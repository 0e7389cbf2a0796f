//! Reading and writing bytes: big-endian numbers and lengths as A-XDR and BER share them.
//!
//! A length that is announced is never believed further than the bytes at hand reach: [`Reader::take`] fails instead
//! of reserving, so a length field of 4 GB in a frame of 10 bytes allocates nothing.

use crate::error::DecodeError;

/// Reads from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Over these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes have not been read.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Everything has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything must have been read.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] when bytes are left.
    pub const fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.rest.len())) }
    }

    /// The next bytes, exactly as many.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    #[inline]
    pub const fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(count) {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(head)
            }
            None => Err(DecodeError::Truncated),
        }
    }

    /// The next bytes as an array.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    #[inline]
    pub const fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk() {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(*head)
            }
            None => Err(DecodeError::Truncated),
        }
    }

    /// The next byte, without reading it.
    #[must_use]
    pub const fn peek(&self) -> Option<u8> {
        match self.rest.first() {
            Some(byte) => Some(*byte),
            None => None,
        }
    }

    /// One byte.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    #[inline]
    pub const fn u8(&mut self) -> Result<u8, DecodeError> {
        match self.rest.split_first() {
            Some((byte, tail)) => {
                self.rest = tail;
                Ok(*byte)
            }
            None => Err(DecodeError::Truncated),
        }
    }

    /// Two bytes, big-endian.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    #[inline]
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four bytes, big-endian.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    #[inline]
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A length: one byte below 0x80, else 0x80 + n and n bytes (IEC 62056-6-2 A-XDR, X.690 8.1.3 BER).
    ///
    /// # Errors
    /// [`DecodeError::LengthTooWide`] beyond four bytes, [`DecodeError::Truncated`].
    pub fn length(&mut self) -> Result<usize, DecodeError> {
        let first = self.u8()?;
        if first < 0x80 {
            return Ok(usize::from(first));
        }
        let width = first & 0x7F;
        if width == 0 || width > 4 {
            return Err(DecodeError::LengthTooWide(width));
        }
        let bytes = self.take(usize::from(width))?;
        Ok(bytes.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
    }

    /// A length and as many bytes.
    ///
    /// # Errors
    /// [`DecodeError::LengthTooWide`], [`DecodeError::Truncated`].
    pub fn octets(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.length()?;
        self.take(length)
    }

    /// An optional field of A-XDR: one byte that says whether it is there.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub const fn present(&mut self) -> Result<bool, DecodeError> {
        match self.u8() {
            Ok(byte) => Ok(byte != 0),
            Err(error) => Err(error),
        }
    }
}

/// Appends a length in its shortest form.
pub fn put_length(out: &mut Vec<u8>, length: usize) {
    match u32::try_from(length) {
        Ok(short @ 0..=0x7F) => out.extend_from_slice(&[short.to_be_bytes()[3]]),
        Ok(long) => {
            let bytes = long.to_be_bytes();
            let skip = (long.leading_zeros() / 8) as usize;
            let significant = bytes.get(skip..).unwrap_or(&[]);
            out.push(0x80 | (4_u8.saturating_sub(skip as u8)));
            out.extend_from_slice(significant);
        }
        // Nothing that long is ever built here; the frame would be refused by every link.
        Err(_) => out.extend_from_slice(&[0x84, 0xFF, 0xFF, 0xFF, 0xFF]),
    }
}

/// How many bytes [`put_length`] appends.
#[must_use]
pub const fn length_width(length: usize) -> usize {
    match length {
        0..=0x7F => 1,
        0x80..=0xFF => 2,
        0x100..=0xFFFF => 3,
        0x1_0000..=0xFF_FFFF => 4,
        _ => 5,
    }
}

/// Appends a length and the bytes.
pub fn put_octets(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_go_both_ways_in_the_shortest_form() {
        for (length, bytes) in [
            (0, &[0_u8][..]),
            (0x7F, &[0x7F]),
            (0x80, &[0x81, 0x80]),
            (0xFF, &[0x81, 0xFF]),
            (0x100, &[0x82, 1, 0]),
            (0xFFFF, &[0x82, 0xFF, 0xFF]),
            (0x1_0000, &[0x83, 1, 0, 0]),
            (0x0100_0000, &[0x84, 1, 0, 0, 0]),
        ] {
            let mut out = Vec::new();
            put_length(&mut out, length);
            assert_eq!(out, bytes);
            assert_eq!(out.len(), length_width(length));
            assert_eq!(Reader::new(&out).length(), Ok(length));
        }
    }

    #[test]
    fn a_length_beyond_the_bytes_is_an_error_not_an_allocation() {
        let mut reader = Reader::new(&[0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2]);
        assert_eq!(reader.octets(), Err(DecodeError::Truncated));
        assert_eq!(Reader::new(&[0x85, 0, 0, 0, 0, 1]).length(), Err(DecodeError::LengthTooWide(5)));
        assert_eq!(Reader::new(&[0x80]).length(), Err(DecodeError::LengthTooWide(0)));
    }
}
