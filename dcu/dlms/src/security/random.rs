//! Random bytes for challenges and dedicated keys. They come from the caller; nothing here asks the system.

use std::fmt;

use taa_keys::Drbg;
use zeroize::Zeroizing;

use crate::error::SecurityFault;

/// Where random bytes come from.
#[derive(Clone)]
pub struct Random {
    /// Bytes to be handed out first, last byte first.
    given: Zeroizing<Vec<u8>>,
    generator: Option<Drbg>,
}

impl Random {
    /// From a seeded generator.
    #[must_use]
    pub fn generator(generator: Drbg) -> Self {
        Self { given: Zeroizing::new(Vec::new()), generator: Some(generator) }
    }

    /// Exactly these bytes, in this order, and then no more: from a hardware source, or for a test.
    #[must_use]
    pub fn given(bytes: &[u8]) -> Self {
        Self { given: Zeroizing::new(bytes.iter().rev().copied().collect()), generator: None }
    }

    /// Fills `out`.
    ///
    /// # Errors
    /// [`SecurityFault::NoRandom`].
    pub fn fill(&mut self, out: &mut [u8]) -> Result<(), SecurityFault> {
        if let Some(generator) = &mut self.generator {
            return generator.fill(out).map_err(|_| SecurityFault::NoRandom);
        }
        for byte in out {
            *byte = self.given.pop().ok_or(SecurityFault::NoRandom)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(..)")
    }
}
