//! Safaricom's Daraja (M-PESA in Kenya).
//!
//! Sources: Safaricom's developer portal (C2B, M-PESA Express) as quoted in public client libraries, and recorded
//! callbacks in public repositories; `docs/payments.md` lists the fields.

pub mod c2b;
pub mod stk;

use super::{Money, NotPaid};

/// One short code (pay bill or till) at which payments come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortcode {
    /// `BusinessShortCode`.
    pub code: String,
    /// What it is paid in.
    pub money: Money,
    /// Its times are local: seconds ahead of UTC (Nairobi: 10800).
    pub utc_offset_s: i32,
    /// C2B confirmations are registered for it: then **they** bring the money, also of pushes, and the callback of a push
    /// only says how it went. Daraja sends both, and nothing in a confirmation names the push.
    pub confirms: bool,
}

/// What a result code of a push means. The known ones are listed in `docs/payments.md`.
#[must_use]
pub const fn not_paid(result_code: i64) -> NotPaid {
    match result_code {
        1 => NotPaid::Funds,
        1001 => NotPaid::Busy,
        1019 => NotPaid::Expired,
        1037 => NotPaid::Unreachable,
        1025 | 9999 => NotPaid::Unreachable,
        1032 => NotPaid::Cancelled,
        2001 => NotPaid::Pin,
        _ => NotPaid::Other,
    }
}
