//! Bit strings: bit 0 is the most significant bit of the first byte.

use super::Octets;

/// An owned bit string. Unused bits of the last byte are zero. By default it has no bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BitString {
    bits: usize,
    bytes: Octets,
}

impl BitString {
    /// The first `bits` bits of these bytes; `None` when the byte count does not match. Stray bits are cleared.
    #[must_use]
    pub fn new(bits: usize, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != bits.div_ceil(8) {
            return None;
        }
        let stray = bytes.len().saturating_mul(8).saturating_sub(bits);
        let last = bytes.last().copied().unwrap_or(0);
        let mask = u8::MAX.checked_shl(stray as u32).unwrap_or(0);
        if last & !mask == 0 {
            return Some(Self { bits, bytes: Octets::from(bytes) });
        }
        let mut clean = bytes.to_vec();
        if let Some(byte) = clean.last_mut() {
            *byte &= mask;
        }
        Some(Self { bits, bytes: Octets::from(clean.as_slice()) })
    }

    /// How many bits.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bits
    }

    /// No bits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bits == 0
    }

    /// The bytes, last one filled up with zeros.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// One bit.
    #[must_use]
    pub fn bit(&self, index: usize) -> Option<bool> {
        if index >= self.bits {
            return None;
        }
        let byte = self.bytes.get(index / 8)?;
        Some(byte & (0x80 >> (index % 8)) != 0)
    }
}
