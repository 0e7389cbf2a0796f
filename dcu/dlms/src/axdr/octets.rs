//! Bytes that stay inside the value when they are few.
//!
//! Most octet strings in a meter are OBIS codes (6 bytes), date-times (12) or names (16): a profile of a year holds
//! thousands of them, and none needs the heap.

use std::fmt;
use std::ops::Deref;

const INLINE: usize = 22;

/// An owned byte string; up to 22 bytes are held in place.
#[derive(Clone)]
pub struct Octets(Repr);

#[derive(Clone)]
enum Repr {
    Inline { length: u8, bytes: [u8; INLINE] },
    Heap(Box<[u8]>),
}

impl Octets {
    /// The bytes.
    #[must_use]
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or(bytes),
            Repr::Heap(bytes) => bytes,
        }
    }
}

impl Default for Octets {
    fn default() -> Self {
        Self(Repr::Inline { length: 0, bytes: [0; INLINE] })
    }
}

impl From<&[u8]> for Octets {
    #[inline]
    fn from(from: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..from.len()) {
            Some(head) => {
                head.copy_from_slice(from);
                Self(Repr::Inline { length: from.len() as u8, bytes })
            }
            None => Self(Repr::Heap(from.into())),
        }
    }
}

impl<const N: usize> From<[u8; N]> for Octets {
    #[inline]
    fn from(from: [u8; N]) -> Self {
        Self::from(from.as_slice())
    }
}

impl From<&str> for Octets {
    fn from(from: &str) -> Self {
        Self::from(from.as_bytes())
    }
}

impl Deref for Octets {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl PartialEq for Octets {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Octets {}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.as_slice() {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}
