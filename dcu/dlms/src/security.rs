//! The seam between message and link: where protection is put on and taken off.
//!
//! Both roles pass every outgoing message through [`Security::protect`] just before it is framed and every incoming
//! one through [`Security::unprotect`] just after. Today there is one kind, none; it already refuses what it cannot
//! open, so a protected message can never be taken for a plain one.

use crate::apdu::is_protected;
use crate::error::SecurityFault;

/// How messages of one association are protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// Not at all.
    #[default]
    None,
}

impl Security {
    /// Protects the message that begins at `start` of the frame under construction, in place.
    ///
    /// # Errors
    /// Keys that are missing or spent; none of these exist without protection.
    pub const fn protect(self, _frame: &mut Vec<u8>, _start: usize) -> Result<(), SecurityFault> {
        match self {
            Self::None => Ok(()),
        }
    }

    /// How many bytes protection adds to a message.
    #[must_use]
    pub const fn overhead(self) -> usize {
        match self {
            Self::None => 0,
        }
    }

    /// Opens an incoming message.
    ///
    /// # Errors
    /// [`SecurityFault::UnexpectedProtection`] for a ciphered message.
    pub fn unprotect(self, message: &[u8]) -> Result<&[u8], SecurityFault> {
        match (self, message.first()) {
            (Self::None, Some(tag)) if is_protected(*tag) => Err(SecurityFault::UnexpectedProtection { tag: *tag }),
            (Self::None, _) => Ok(message),
        }
    }
}
