//! The server's side: the next token for a device.

use super::{DeviceKey, Form};

/// What a token is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Adds time, in the device's unit (mostly days).
    Add(u32),
    /// Sets the time left.
    Set(u32),
    /// Unlocks for good.
    Disable,
    /// Brings the device's count in step with the server's.
    Sync,
}

/// Base values with a meaning of their own.
pub(super) const DISABLE_VALUE: u32 = 998;
pub(super) const SYNC_VALUE: u32 = 999;

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// More than the form carries.
    #[error("a token of this form carries at most {0}")]
    TooMuch(u32),
    /// The count has come to its end.
    #[error("the count of this device has come to its end")]
    CountExhausted,
    /// So many steps that computing them would stall everything else.
    #[error("the count {0} is further than any device gets in its life")]
    CountTooFar(u32),
}

/// A token, and the count that it used up: it must be durable before the token is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// The server's count from now on.
    pub count: u32,
}

/// Steps of the chain that are computed at most: a token every hour for a hundred years.
pub(super) const COUNT_MAX: u32 = 2_000_000;

/// The vendor of one device.
#[derive(Clone, Debug)]
pub struct Vendor {
    key: DeviceKey,
    count: u32,
}

impl Vendor {
    /// With the count of the last token; 1 for a new device.
    #[must_use]
    pub const fn new(key: DeviceKey, count: u32) -> Self {
        Self { key, count }
    }

    /// The count of the last token.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Makes the next token. In the extended form, `Disable` and `Sync` are what the Python library writes; its decoder
    /// (and [`super::Device`]) reads them as setting 998 and 999, for the standard does not define them there.
    ///
    /// # Errors
    /// [`AskError`]; the count stays then.
    pub fn issue(&mut self, ask: Ask, form: Form) -> Result<Issued, AskError> {
        let (value, odd) = match ask {
            Ask::Add(value) | Ask::Set(value) if value > form.value_max() => {
                return Err(AskError::TooMuch(form.value_max()));
            }
            Ask::Add(value) => (value, false),
            Ask::Set(value) => (value, true),
            Ask::Disable => (DISABLE_VALUE, true),
            Ask::Sync => (SYNC_VALUE, true),
        };
        // The next count that is odd, or even.
        let step = if (self.count & 1 == 1) == odd { 2 } else { 1 };
        let count = self.count.checked_add(step).ok_or(AskError::CountExhausted)?;
        if count > COUNT_MAX {
            return Err(AskError::CountTooFar(count));
        }
        let code = self.key.code(form, self.key.base_of(form, value), count);
        self.count = count;
        Ok(Issued { token: form.write(code), count })
    }
}
