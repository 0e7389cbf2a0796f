//! Bytes that must not be seen: wiped when dropped, hidden in `Debug`.

use std::fmt;

use zeroize::Zeroizing;

/// A secret of any length.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Box<[u8]>>);

impl Secret {
    /// Copies these bytes; the caller wipes its own.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes, for the one place that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Equal, in time that depends on the length alone.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        let difference = self.0.iter().zip(candidate).fold(0, |sum, (a, b)| sum | (a ^ b));
        self.0.len() == candidate.len() && difference == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
