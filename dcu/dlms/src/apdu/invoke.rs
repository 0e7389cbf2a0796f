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

    /// The same without a wish for an answer.
    #[must_use]
    pub const fn unconfirmed(self) -> Self {
        Self(self.0 & !0x40)
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

/// Long-invoke-id-and-priority of ACCESS and DataNotification: bits 0–23 number the request (Green Book 9.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongInvokeId(pub u32);

impl LongInvokeId {
    const SELF_DESCRIPTIVE: u32 = 1 << 28;
    const BREAK_ON_ERROR: u32 = 1 << 29;
    const CONFIRMED: u32 = 1 << 30;
    const NUMBER: u32 = 0x00FF_FFFF;

    /// A confirmed request that goes on after an error.
    #[must_use]
    pub const fn confirmed(number: u32) -> Self {
        Self(Self::CONFIRMED | (number & Self::NUMBER))
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0 & Self::NUMBER
    }

    /// An answer is wanted.
    #[must_use]
    pub const fn is_confirmed(self) -> bool {
        self.0 & Self::CONFIRMED != 0
    }

    /// What follows an item that failed is not to be carried out.
    #[must_use]
    pub const fn breaks_on_error(self) -> bool {
        self.0 & Self::BREAK_ON_ERROR != 0
    }

    /// The answer shall repeat the items.
    #[must_use]
    pub const fn wants_items(self) -> bool {
        self.0 & Self::SELF_DESCRIPTIVE != 0
    }
}
