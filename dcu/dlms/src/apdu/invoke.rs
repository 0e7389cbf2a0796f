//! Invoke-id-and-priority, the byte by which an answer finds its question.

/// Bits 0–3 number the request, bit 6 asks for confirmation, bit 7 for priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvokeId(pub u8);

impl InvokeId {
    /// A confirmed request of high priority, as most clients send.
    #[must_use]
    pub const fn confirmed(number: u8) -> Self {
        Self(0xC0 | (number & 0x0F))
    }

    /// The number, 0–15.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0 & 0x0F
    }

    /// An answer is wanted.
    #[must_use]
    pub const fn is_confirmed(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// The number after this one, 0 after 15.
    #[must_use]
    pub const fn next(self) -> Self {
        Self((self.0 & 0xF0) | (self.0.wrapping_add(1) & 0x0F))
    }
}
